/* The light blocks that a light client trusts, on disk (cometbft: light/store). Over the first seam, so that tests lose and tear it at will. Every
 * change is one synced batch: what was trusted before a crash is trusted after it. Keys: "light/chain", "light/b/" and the height in eight bytes,
 * the first one first; values are LightBlock messages. */
#ifndef QUORATE_NODE_LIGHT_STORE_H
#define QUORATE_NODE_LIGHT_STORE_H

#include "ledger/kv.h"
#include "tendermint/light_block.h"

#define LIGHT_STORE_KEPT 1000 /* blocks; the lowest go first */

struct light_store {
    struct kv *kv; /* a loan */
    uint32_t count, kept;
    int64_t first, last; /* heights; 0: none */
};

/* false: *error (malloc'ed) says that it belongs to another chain. An empty store takes this chain's name. */
bool light_store_open(struct light_store *store, struct kv *kv, struct span chain_id, uint32_t kept, char **error);
void light_store_put(struct light_store *store, const struct light_block *block); /* then prunes to `kept`; never the newest */
struct light_block *light_store_get(struct light_store *store, int64_t height);         /* NULL: not there, or damaged */
struct light_block *light_store_before(struct light_store *store, int64_t height);      /* the highest below; NULL: none */
struct light_block *light_store_after(struct light_store *store, int64_t height);       /* the lowest above; NULL: none */
void light_store_clear(struct light_store *store);

#endif
