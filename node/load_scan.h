/* What the measuring tool reads in a node's answers, in one pass and without a tree, because it shares its cores with the nodes it
 * measures. Strict: the text must be JSON with the members looked for in their places and of their kinds; what is not looked for is
 * stepped over without recursion. White space is allowed. All spans are loans from the text. Shapes: protocol.md §7.3. */
#ifndef QUORATE_NODE_LOAD_SCAN_H
#define QUORATE_NODE_LOAD_SCAN_H

#include "crypto/span.h"

struct load_answer {
    int64_t id;         /* −1: none, or not a whole number */
    bool is_error;      /* a JSON-RPC error: `code` and `text` are its own */
    int64_t code;       /* of broadcast_tx_commit: check_tx's, or if that is 0 tx_result's */
    struct span text;   /* log, or the error's data, or its message; escapes are left as they are */
    struct span hash;   /* hex as it stood; empty: none */
    int64_t height;     /* of broadcast_tx_commit, else 0 */
    struct span result; /* the whole text of `result`; empty: none */
};

/* One answer or a batch; `visit` is called for each in order. false: the text is not that (answers before the fault were visited). */
typedef void load_scan_visit(void *context, const struct load_answer *answer);
bool load_scan_answers(struct span body, load_scan_visit *visit, void *context);

struct load_scan_block {
    int64_t height;
    int64_t time_ns; /* since 1970 */
    struct span hash, app_hash; /* hex */
    struct span txs; /* inside of the brackets, for load_scan_tx */
};
/* Of the `result` of method `block`. false: not that, or no block in it. */
bool load_scan_block(struct load_scan_block *out, struct span result);
/* The next base64 text of `txs`; *bad: what is left is no list of texts. false: the end, or bad. */
bool load_scan_tx(struct span *txs, struct span *base64, bool *bad);

/* The raw value at the end of a path of member names such as "sync_info.latest_block_height". Texts come without quotes. */
bool load_scan_path(struct span *out, struct span value, const char *path);
bool load_scan_number(int64_t *out, struct span digits); /* exactly a decimal int64 */
/* RFC 3339 as CometBFT writes it: UTC with Z, up to nine digits of fraction. */
bool load_scan_time(int64_t *time_ns, struct span text);

#endif
