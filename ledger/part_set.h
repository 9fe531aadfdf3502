/* A block's bytes cut into parts of 65536 with a Merkle proof each, so that they can be gossiped piecemeal and checked
 * against the part header (cometbft: types/part_set.go). */
#ifndef QUORATE_LEDGER_PART_SET_H
#define QUORATE_LEDGER_PART_SET_H

#include "crypto/blob.h"
#include "crypto/merkle.h"
#include "tendermint/bit_array.h"
#include "tendermint/params.h"

#define PART_SET_TOTAL_MAX 1601 /* MaxBlockPartsCount */

struct part { /* as received; bytes: a loan */
    uint32_t index;
    struct span bytes;
    struct merkle_proof proof;
};

enum part_verdict {
    PART_GOOD = 0,
    PART_KNOWN,       /* we have it already: nothing was done */
    PART_BAD_INDEX,
    PART_BAD_SIZE,    /* more than 65536, or not exactly that before the last */
    PART_BAD_PROOF,   /* proof's index or total differ from the part's place (wound 25), or it does not lead to the root */
};
const char *part_verdict_text(enum part_verdict verdict);

struct part_set; /* counted: part_set_hold / part_set_release */

struct part_set *part_set_of(struct blob *bytes);                      /* cuts; holds the blob; complete from the start */
struct part_set *part_set_new(const struct part_header *header);       /* empty; NULL if header.total is 0 or above PART_SET_TOTAL_MAX */
struct part_set *part_set_hold(struct part_set *set);
void part_set_release(struct part_set *set); /* NULL allowed */

/* Stateless: Part.ValidateBasic. */
enum part_verdict part_check(const struct part *part);
/* Checks and copies. Bytes are taken only when the proof holds. `bytes_max`: the block size limit for the whole. */
enum part_verdict part_set_add(struct part_set *set, const struct part *part, int64_t bytes_max);
const struct part_header *part_set_header(const struct part_set *set);
const struct bit_array *part_set_has(const struct part_set *set);
bool part_set_is_complete(const struct part_set *set);
struct blob *part_set_bytes(struct part_set *set); /* when complete: the block's bytes, a loan from the set; else NULL */
/* The part with its proof; false if not held. The span is a loan from the set. Proofs of own blocks are made on first use. */
bool part_set_get(struct part_set *set, struct part *out, uint32_t index);

/* tendermint.types.Part {1 index, 2 bytes, 3 proof!} */
void part_write(struct proto_writer *writer, const struct part *part);
void part_read(struct part *part, struct proto_reader *reader);

#endif
