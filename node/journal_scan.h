/* Walks the records of one journal file and tells why it stopped. */
#ifndef QUORATE_NODE_JOURNAL_SCAN_H
#define QUORATE_NODE_JOURNAL_SCAN_H

#include "node/journal.h"

enum journal_scan_state {
    JOURNAL_SCAN_GOOD,    /* at a record's begin; after the last one: at the end */
    JOURNAL_SCAN_TORN,    /* from here on what was not synced was not written whole (journal.h) */
    JOURNAL_SCAN_DAMAGED, /* what was written whole is not whole any more */
};

struct journal_scan {
    struct disk *disk;  /* loans */
    const char *name;
    int64_t offset, end; /* of the next record; of what is walked */
    enum journal_scan_state state;
    struct blob *window;
    int64_t window_at;
};

/* From `offset`, a record's begin, to `end`, at most the file's size. A file that is not there is empty. */
void journal_scan_begin(struct journal_scan *scan, struct disk *disk, const char *name, int64_t offset, int64_t end);
bool journal_scan_next(struct journal_scan *scan, struct journal_record *record); /* loans until the next call */
void journal_scan_close(struct journal_scan *scan);

/* The verdict on the bytes from a record that does not decode, at `offset` of the file, to the file's end. */
enum journal_scan_state journal_scan_judge(struct span rest, uint64_t offset);

#endif
