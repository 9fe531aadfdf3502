/* A ledger that shows what was decided elsewhere: blocks and results of neighbouring heights, verified by whoever puts them in, in memory. Its views
 * (view.h) serve readers as those of a ledger do, as far as blocks and results go; there is no application, no state and no index behind it. */
#ifndef QUORATE_LEDGER_MIRROR_H
#define QUORATE_LEDGER_MIRROR_H

#include "ledger/ledger.h"

#define MIRROR_HEIGHTS_MAX 64
#define MIRROR_BYTES_MAX   (16u << 20) /* of all heights together; the newest two are kept in any case */

struct mirror {
    struct ledger ledger; /* kv, state.height and base are true; one thread at a time */
    size_t sizes[MIRROR_HEIGHTS_MAX + 1]; /* bytes of a height, at its number modulo this */
    size_t bytes;
};

void mirror_open(struct mirror *mirror, struct kv_failure failure);
void mirror_close(struct mirror *mirror);
/* Shows no height; the next one is to come. */
void mirror_begin(struct mirror *mirror, int64_t next_height);
/* The height above the newest: the lowest go if there are too many. Or the one below the lowest: false, there is no room for it. No other one. */
bool mirror_put(struct mirror *mirror, struct block *block, const struct abci_finalized *finalized);

#endif
