/* The application's seven stores, one sparse Merkle tree each, and the app hash over them: the RFC 6962 root over store names in order,
 * each leaf name and SHA256(root) as in CometBFT's SimpleMap, so that a `simple:v` proof leads from a store's root to the app hash.
 * A pure function of the stores' keys and values. */
#ifndef QUORATE_LEDGER_STORES_H
#define QUORATE_LEDGER_STORES_H

#include "crypto/merkle.h"
#include "ledger/overlay.h"
#include "ledger/smt.h"

#define STORES_COUNT 7

struct stores {
    struct smt trees[STORES_COUNT];
};

const char *stores_name(unsigned index); /* ascending */
void stores_init(struct stores *stores);
void stores_close(struct stores *stores);
void stores_rebuild(struct stores *stores, struct kv *kv);                  /* from all of "s/…" */
void stores_update(struct stores *stores, const struct overlay *changes);
/* That the root of store `index` is under its name in the app hash: a ValueOp's proof. */
void stores_prove(const struct stores *stores, struct merkle_proof *proof, unsigned index);
void stores_app_hash(const struct stores *stores, uint8_t out[static SHA256_BYTES]);

#endif
