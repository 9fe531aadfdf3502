/* What uses the space of a store: counts and bytes for each kind of record (ledger/keys.h), and of files. */
#ifndef QUORATE_NODE_DBSTATS_H
#define QUORATE_NODE_DBSTATS_H

#include "genesis/emit.h"
#include "ledger/kv.h"

#define DBSTATS_KINDS 24

struct dbstats_kind {
    const char *letters; /* of the keys; "" at the end: whatever is of no other kind */
    const char *name;
    uint64_t keys, key_bytes, value_bytes, value_max;
    uint64_t file_bytes; /* about what it takes in files, compressed */
    int64_t lowest, highest, largest; /* heights, of kinds that have them; largest: of the largest value; 0: none */
};

struct dbstats {
    struct dbstats_kind kinds[DBSTATS_KINDS];
    uint32_t count;
    uint64_t store_bytes, journal_bytes, free_bytes; /* of files, and left on the disk */
};

/* Reads every record once. */
void dbstats_count(struct dbstats *stats, struct kv *kv);
/* Bytes of all files below a folder; 0: not there. */
uint64_t dbstats_folder(const char *path);
void dbstats_json(struct emit *emit, const struct dbstats *stats);
void dbstats_print(const struct dbstats *stats); /* a table, on stdout */

#endif
