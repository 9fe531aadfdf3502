/* Proofs about the application's state against the app hash, as abci_query answers them and light clients verify them. Two operators, from the
 * leaf to the root; the key path is "/<store>/<key>" (key in x:hex):
 *
 *   1  "ics23:smt"        a key and its value are in the store's tree. key: the key; data: ics23.CommitmentProof {1 exist {1 key, 2 value, 3 leaf {1
 *                         hash SHA256, 2 prehash key SHA256, 3 prehash value SHA256, 5 prefix 00}, 4 repeated inner {1 hash SHA256, 2 prefix, 3
 *                         suffix}}}, which whoever knows ICS-23's smtSpec verifies.
 *   or "quorate:absent"   a key is not there: {1 repeated sides from the root down, empty: nothing; 2 path and 3 value hash of the leaf that stands
 *                         where the key would, unless nothing does}. (ICS-23 would want both neighbours' keys and values, which are nobody's
 *                         business.) The value is empty.
 *   2  "simple:v"         the store's root is under its name in the app hash (CometBFT's ValueOp).
 *
 * The state after height H has the app hash of header H + 1. */
#ifndef QUORATE_LEDGER_STATE_PROOF_H
#define QUORATE_LEDGER_STATE_PROOF_H

#include "crypto/proofop.h"
#include "ledger/abci.h"
#include "ledger/stores.h"

#define STATE_PROOF_EXISTS "ics23:smt"
#define STATE_PROOF_ABSENT "quorate:absent"

/* For proofop_verify_with: both of the above and "simple:v". */
extern const struct proofop_operator state_proof_operators[];

/* abci_query "/store/<name>/key" with the raw key as data, about the stores as they are (out->height is the caller's). An empty value: absent. With
 * `prove`, two operators. All from the arena; code 0, or what is wrong with the question. */
void state_proof_answer(const struct stores *stores, struct overlay *committed, struct abci_answer *out, const struct abci_query *question,
                        struct arena *arena);
#define STATE_PROOF_PATH "/store/" /* what such a path begins with */

/* The verifier of a whole answer, pure: the value (empty: absent) of `key` in `store` under `app_hash`. */
bool state_proof_verify(const struct proofop *ops, size_t count, struct span app_hash, struct span store, struct span key, struct span value);

#endif
