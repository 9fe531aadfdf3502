#include "node/light_http.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/complaint.h"
#include "node/rpcclient.h"
#include "rpc/light_json.h"
#include "rpc/shapes.h"
#include "tendermint/light_verify.h"

enum { PAGE = 100, PAGES_MAX = VALSET_COUNT_MAX / PAGE, ARENA_BYTES_MAX = 1 << 26, BODY_BYTES_MAX = 8 << 20 };

void light_http_init(struct light_http *http, const char *url, struct span chain_id, int64_t timeout_ms) {
    *http = (struct light_http){.chain_id = chain_id, .limits = {.body_bytes_max = BODY_BYTES_MAX, .timeout_ms = timeout_ms}};
    snprintf(http->url, sizeof http->url, "%s", url);
}

/* One fetch on its way. */
struct fetching {
    struct light_http *http;
    struct arena arena;
    char **why;
};

static enum light_answer say(struct fetching *fetching, enum light_answer answer, const char *format, const char *text) {
    free(*fetching->why);
    *fetching->why = complaint_of(format, text);
    return answer;
}

/* CometBFT's words, by which its own light client goes too. */
static enum light_answer classify(struct fetching *fetching, const struct rpcclient_answer *answer) {
    if (answer->kind == RPCCLIENT_NONSENSE)
        return say(fetching, LIGHT_ANSWER_BAD, "%s", answer->text);
    enum light_answer kind = LIGHT_ANSWER_NO_RESPONSE;
    if (answer->kind == RPCCLIENT_ERROR && strstr(answer->text, "must be less than or equal to") != NULL)
        kind = LIGHT_ANSWER_TOO_HIGH;
    else if (answer->kind == RPCCLIENT_ERROR && strstr(answer->text, "is not available") != NULL)
        kind = LIGHT_ANSWER_NOT_FOUND;
    return say(fetching, kind, "%s", answer->text);
}

/* A node that starts at a great height and has no block yet answers with an empty header. */
static bool is_empty(struct span result) {
    struct span signed_header, header;
    return scan_member(result, &signed_header, "signed_header") && scan_member(signed_header, &header, "header") && scan_is_null(header);
}

static enum light_answer fetch_commit(struct fetching *fetching, struct header *header, struct commit *commit, int64_t height) {
    char params[64];
    struct rpcclient_answer answer;
    const char *error = NULL;
    enum light_answer outcome = LIGHT_ANSWER_BLOCK;
    snprintf(params, sizeof params, height == 0 ? "{}" : "{\"height\":\"%" PRId64 "\"}", height);
    rpcclient_call(&answer, fetching->http->url, "commit", span_text(params), &fetching->http->limits);
    if (answer.kind != RPCCLIENT_RESULT)
        outcome = classify(fetching, &answer);
    else if (is_empty(answer.result))
        outcome = say(fetching, LIGHT_ANSWER_TOO_HIGH, "%s", "it has no block yet");
    else if (!light_json_commit(header, commit, &error, answer.result, &fetching->arena))
        outcome = say(fetching, LIGHT_ANSWER_BAD, "its commit is malformed: %s", error);
    else if (height != 0 && header->height != height)
        outcome = say(fetching, LIGHT_ANSWER_BAD, "%s", "it gave a commit of another height than it was asked for");
    rpcclient_close(&answer);
    return outcome;
}

static enum light_answer fetch_page(struct fetching *fetching, struct validator *members, uint32_t *count, int64_t *total, int64_t height, int page) {
    char params[128];
    struct rpcclient_answer answer;
    const char *error = NULL;
    int64_t at;
    enum light_answer outcome = LIGHT_ANSWER_BLOCK;
    snprintf(params, sizeof params, "{\"height\":\"%" PRId64 "\",\"page\":\"%d\",\"per_page\":\"%d\"}", height, page, (int)PAGE);
    rpcclient_call(&answer, fetching->http->url, "validators", span_text(params), &fetching->http->limits);
    if (answer.kind != RPCCLIENT_RESULT)
        outcome = classify(fetching, &answer);
    else if (!light_json_validators(members, count, total, &at, &error, answer.result, &fetching->arena))
        outcome = say(fetching, LIGHT_ANSWER_BAD, "its validators are malformed: %s", error);
    else if (at != height)
        outcome = say(fetching, LIGHT_ANSWER_BAD, "%s", "it gave validators of another height than it was asked for");
    rpcclient_close(&answer);
    return outcome;
}

static enum light_answer fetch_set(struct fetching *fetching, struct valset *set, int64_t height) {
    struct validator *members = malloc(VALSET_COUNT_MAX * sizeof *members);
    uint32_t count = 0;
    int64_t total = 1;
    enum light_answer outcome = LIGHT_ANSWER_BLOCK;
    assert(members != NULL);
    for (int page = 1; outcome == LIGHT_ANSWER_BLOCK && count < total; page++)
        outcome = page > PAGES_MAX ? say(fetching, LIGHT_ANSWER_BAD, "%s", "its pages of validators do not end")
                                   : fetch_page(fetching, members, &count, &total, height, page);
    if (outcome == LIGHT_ANSWER_BLOCK) {
        enum valset_verdict verdict = light_block_set_of(set, members, count);
        if (verdict != VALSET_GOOD)
            outcome = say(fetching, LIGHT_ANSWER_BAD, "its validators are no set: %s", valset_verdict_text(verdict));
    }
    free(members);
    return outcome;
}

static enum light_answer fetch_block(struct fetching *fetching, struct light_block **block, struct valset *set, int64_t height) {
    struct header header;
    struct commit commit;
    enum light_answer outcome = fetch_commit(fetching, &header, &commit, height);
    if (outcome == LIGHT_ANSWER_BLOCK)
        outcome = fetch_set(fetching, set, header.height);
    if (outcome != LIGHT_ANSWER_BLOCK)
        return outcome;
    struct light_block *made = light_block_new(&header, &commit, set);
    enum light_verdict verdict = made == NULL ? LIGHT_BAD_SHAPE : light_check(made, fetching->http->chain_id);
    if (verdict == LIGHT_GOOD) {
        *block = made;
        return LIGHT_ANSWER_BLOCK;
    }
    light_block_release(made);
    if (verdict == LIGHT_OTHER_CHAIN)
        return say(fetching, LIGHT_ANSWER_BAD, "it is a node of another chain, \"%s\"", header.chain_id);
    return say(fetching, LIGHT_ANSWER_BAD, "its block is not sound: %s", light_verdict_text(verdict));
}

static enum light_answer fetch(void *context, int64_t height, struct light_block **block, char **why) {
    struct fetching fetching = {.http = context, .why = why};
    struct valset set;
    valset_init(&set);
    arena_init(&fetching.arena, ARENA_BYTES_MAX);
    enum light_answer outcome = fetch_block(&fetching, block, &set, height);
    arena_close(&fetching.arena);
    valset_close(&set);
    return outcome;
}

enum light_answer light_http_validators(struct light_http *http, struct valset *set, int64_t height, char **why) {
    struct fetching fetching = {.http = http, .why = why};
    arena_init(&fetching.arena, ARENA_BYTES_MAX);
    enum light_answer outcome = fetch_set(&fetching, set, height);
    arena_close(&fetching.arena);
    return outcome;
}

static bool report(void *context, const struct evidence *evidence, char **why) {
    struct light_http *http = context;
    struct rpcclient_answer answer;
    struct emit params;
    emit_init(&params);
    emit_open(&params, '{');
    emit_key(&params, "evidence");
    shapes_evidence(&params, evidence);
    emit_shut(&params, '}');
    rpcclient_call(&answer, http->url, "broadcast_evidence", span_of(params.data, params.size), &http->limits);
    bool good = answer.kind == RPCCLIENT_RESULT;
    if (!good)
        *why = complaint_of("%s", answer.text);
    rpcclient_close(&answer);
    emit_close(&params);
    return good;
}

struct light_source light_http_source(struct light_http *http) { return (struct light_source){http->url, http, fetch, report}; }
