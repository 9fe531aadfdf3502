/* kvstore with a store of its own, as an application in another process has it: what the ledger and such an application do with each other can be
 * tried without a process. Copies of its store after each height are kept, so that it can be put back to any of them. */
#ifndef QUORATE_TESTS_LEDGER_APART_H
#define QUORATE_TESTS_LEDGER_APART_H

#include "ledger/app.h"

#define APART_HEIGHTS_MAX 64

struct apart {
    struct app app;
    struct app *real;
    struct kv *own;
    struct kv *past[APART_HEIGHTS_MAX]; /* by height */
    int64_t height, retain_height;
    uint32_t init_chains, finalized, commits; /* calls so far */
    struct kv *chain; /* not NULL: at each commit the block must be in there, synced */
    uint32_t early;   /* commits when it was not */
    int spare_results; /* added to the number of results that it gives */
};
extern struct apart apart;

struct app *apart_open(struct kv *kv, struct span chain_id); /* chain_config.open_app */
void apart_begin(void);              /* an empty store, no past, counts at 0 */
void apart_end(void);
void apart_back(int64_t height);     /* while it is closed: as it was after that height; 0: empty */
int64_t apart_height(void);          /* of what its store says */

#endif
