/* Walks journals that are not ours to trust: a file, or all of a folder (`wal.000` …, `wal`), of ours or of CometBFT's, of any size, damaged or not. What
 * is no record is passed over byte by byte, and counted. */
#ifndef QUORATE_NODE_JOURNAL_FILES_H
#define QUORATE_NODE_JOURNAL_FILES_H

#include "node/journal.h"

struct journal_files { /* who looks on; loans of a record end with the call */
    void *context;
    void (*begin)(void *context, const char *path); /* of each file; may be NULL */
    void (*record)(void *context, const struct journal_record *record);
    void (*damage)(void *context, uint64_t bytes);       /* so many in a row, before what follows is told; may be NULL */
    void (*failed)(void *context, const char *why);      /* the file cannot be read; may be NULL */
};

/* The number of files that were read. */
uint32_t journal_files_walk(const char *path, const struct journal_files *visitor);

#endif
