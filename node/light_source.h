/* Where a light client gets its blocks: a full node, asked over its RPC (light_http.h), or a test's chain. A source may lie, stall or vanish. */
#ifndef QUORATE_NODE_LIGHT_SOURCE_H
#define QUORATE_NODE_LIGHT_SOURCE_H

#include "tendermint/evidence.h"
#include "tendermint/light_block.h"

enum light_answer {
    LIGHT_ANSWER_BLOCK,
    LIGHT_ANSWER_TOO_HIGH,    /* it is not that far yet */
    LIGHT_ANSWER_NOT_FOUND,   /* it has pruned it, or never had it */
    LIGHT_ANSWER_NO_RESPONSE, /* nobody there, or no answer in time */
    LIGHT_ANSWER_BAD,         /* nonsense, or a block that cannot be: it is not asked again */
};
static inline bool light_answer_is_benign(enum light_answer answer) { return answer != LIGHT_ANSWER_BLOCK && answer != LIGHT_ANSWER_BAD; }

struct light_source {
    const char *name; /* for people: the URL */
    void *context;
    /* The block of that height (0: the latest), checked by itself (light_check) and of that height: the caller's to release. Else *why (malloc'ed,
     * never NULL) says in a sentence what came. */
    enum light_answer (*fetch)(void *context, int64_t height, struct light_block **block, char **why);
    /* false: *why (malloc'ed) says why it did not take the evidence. */
    bool (*report)(void *context, const struct evidence *evidence, char **why);
};

#endif
