/* Past blocks at hand for peers that are behind: their parts and the commits that decided them. A few; the least recently used makes room. */
#ifndef QUORATE_NODE_SHELF_H
#define QUORATE_NODE_SHELF_H

#include "ledger/ledger.h"

#define SHELF_MAX 8

struct shelf_book {
    int64_t height; /* 0: an empty place */
    uint64_t used;
    struct part_set *parts; /* NULL: not read yet */
    struct commit commit;   /* the canonical one, or the extended one where vote extensions are on, if has_commit */
    bool has_commit;
    struct arena arena; /* of the commit */
};

struct shelf {
    struct ledger *ledger; /* a loan */
    uint64_t uses;
    struct shelf_book books[SHELF_MAX];
};

void shelf_init(struct shelf *shelf, struct ledger *ledger);
void shelf_close(struct shelf *shelf);
/* A block that was just applied: it need not be read back. Holds the parts. */
void shelf_put(struct shelf *shelf, int64_t height, struct part_set *parts);
/* Whether the parts of this height can be given without reading the store. */
bool shelf_has(const struct shelf *shelf, int64_t height);
/* Both read the store when they must. Loans until the next call; NULL: the store has it not. */
struct part_set *shelf_parts(struct shelf *shelf, int64_t height);
const struct commit *shelf_commit(struct shelf *shelf, int64_t height);

#endif
