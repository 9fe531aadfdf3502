/* The blocks of one height on their way in: parts are collected for the wanted block, the id is recomputed from the bytes, the message's is
 * not believed; complete blocks of the height stay at hand until the height ends. */
#ifndef QUORATE_NODE_CANDIDATES_H
#define QUORATE_NODE_CANDIDATES_H

#include "ledger/block.h"

#define CANDIDATES_MAX 16

struct candidate {
    struct block_id id;
    struct part_set *parts;
    struct block *block;        /* NULL until complete, or when the bytes are not that block */
    enum block_verdict verdict; /* of decoding, when complete */
    bool complete;
    bool judged;                 /* by the replica, against the ledger; then `verdict` is the judge's */
    bool own;                    /* built here: its parts go out at once */
    bool pinned;                 /* the engine names it: never evicted */
    uint64_t used; /* for eviction: the least recently wanted goes first */
};

struct candidates {
    int64_t height;
    int64_t block_bytes_max;
    uint64_t uses;
    struct candidate *wanted; /* NULL: none */
    struct candidate list[CANDIDATES_MAX];
    uint32_t count;
};

void candidates_init(struct candidates *candidates);
void candidates_close(struct candidates *candidates);
void candidates_begin(struct candidates *candidates, int64_t height, int64_t block_bytes_max); /* forgets all */

/* Parts of `id` are wanted from now on. Returns its candidate (perhaps already complete); NULL: the id cannot be collected (total 0 or
 * above the limit). Ids that differ in the hash alone share their parts. When the table is full, whoever is not pinned makes room; at most
 * CANDIDATES_MAX − 2 may be pinned. */
struct candidate *candidates_want(struct candidates *candidates, const struct block_id *id);
/* A part for the wanted block; `*done` becomes its candidate when it completed it. */
enum part_verdict candidates_note(struct candidates *candidates, struct candidate **done, const struct part *part);
/* An own block, whole. Holds it. */
struct candidate *candidates_take(struct candidates *candidates, struct block *block);
struct candidate *candidates_find(struct candidates *candidates, const struct block_id *id); /* NULL: unknown */
struct candidate *candidates_find_parts(struct candidates *candidates, const struct part_header *parts);

#endif
