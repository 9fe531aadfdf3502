#include "node/light_ledger.h"

#include <inttypes.h>

#include "node/complaint.h"
#include "tendermint/light_verify.h"

enum { COMMIT_BYTES_MAX = 64 << 20 };

static enum light_answer say_bad(char **why, int64_t height, const char *what) {
    *why = complaint_of("its height %" PRId64 " is damaged: %s", height, what);
    return LIGHT_ANSWER_BAD;
}

static enum light_answer read_block(struct ledger *ledger, struct valset *set, struct light_block **block, char **why, int64_t height, struct arena *arena) {
    struct ledger_meta meta;
    struct commit commit;
    bool canonical;
    if (!ledger_block_meta(ledger, &meta, height) || !ledger_commit(ledger, &commit, &canonical, height, arena) ||
        !ledger_validators(ledger, set, height)) {
        *why = complaint_of("it does not have height %" PRId64 " any more: its blocks begin at %" PRId64, height, ledger->base);
        return LIGHT_ANSWER_NOT_FOUND;
    }
    struct light_block *made = light_block_new(&meta.header, &commit, set);
    enum light_verdict verdict = made == NULL ? LIGHT_BAD_SHAPE : light_check(made, span_text(ledger->state.chain_id));
    if (verdict != LIGHT_GOOD) {
        light_block_release(made);
        return say_bad(why, height, light_verdict_text(verdict));
    }
    *block = made;
    return LIGHT_ANSWER_BLOCK;
}

static enum light_answer fetch(void *context, int64_t height, struct light_block **block, char **why) {
    struct ledger *ledger = context;
    struct arena arena;
    struct valset set;
    int64_t head = ledger->state.height;
    if (height > head || head == 0) {
        *why = complaint_of("its chain ends at height %" PRId64, head);
        return LIGHT_ANSWER_TOO_HIGH;
    }
    arena_init(&arena, COMMIT_BYTES_MAX);
    valset_init(&set);
    enum light_answer answer = read_block(ledger, &set, block, why, height == 0 ? head : height, &arena);
    valset_close(&set);
    arena_close(&arena);
    return answer;
}

static bool report(void *context, const struct evidence *evidence, char **why) {
    (void)context;
    (void)evidence;
    *why = complaint_of("a store takes no evidence");
    return false;
}

struct light_source light_ledger_source(struct ledger *ledger, const char *name) { return (struct light_source){name, ledger, fetch, report}; }
