#include "tests/processes/committed.h"

#include <inttypes.h>
#include <stdio.h>

#include "genesis/scan.h"
#include "node/load_scan.h"
#include "node/rpcclient.h"
#include "rpc/evidence_json.h"
#include "tests/node/outsider.h"

static int count_all(struct span list, const struct digest *hash, bool *is_there) {
    struct span key, item, wrong = {0};
    int count = 0;
    for (struct scan_walk walk = scan_walk(list); scan_next(&walk, &key, &item); count++) {
        struct evidence evidence;
        struct digest its;
        struct arena arena;
        arena_init(&arena, 1 << 22);
        if (evidence_json_read(&evidence, &wrong, item, &arena)) {
            evidence_hash(&its, &evidence);
            *is_there = *is_there || digest_equal(&its, hash);
        }
        arena_close(&arena);
    }
    return count;
}

int committed_count(const char *url, int64_t height, const struct digest *hash, bool *is_there) {
    char params[64];
    struct rpcclient_answer answer;
    struct span list;
    snprintf(params, sizeof params, "{\"height\":\"%" PRId64 "\"}", height);
    rpcclient_call(&answer, url, "block", span_text(params), &HTTPCLIENT_LIMITS);
    bool good = answer.kind == RPCCLIENT_RESULT && load_scan_path(&list, answer.result, "block.evidence.evidence");
    int count = good ? count_all(list, hash, is_there) : -1;
    rpcclient_close(&answer);
    return count;
}

int64_t committed_find(const char *url, int64_t from, const struct digest *hash, int64_t ms) {
    for (int64_t until = outsider_clock() + ms, height = from; outsider_clock() < until;) {
        bool is_there = false;
        if (committed_count(url, height, hash, &is_there) < 0)
            outsider_rest(NULL, 50);
        else if (is_there)
            return height;
        else
            height++;
    }
    return 0;
}
