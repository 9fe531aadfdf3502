/* The journal (CometBFT's consensus WAL, its record format: protocol.md §8.2, consensus/wal.go): every message and timeout of the current
 * height before the engine sees it, so that a restart can feed them again. Appends are buffered; journal_sync makes all so far durable in
 * one flush. Rotates at 10 MiB between heights into wal.000, wal.001 …; beyond 1 GiB the oldest are dropped, but never the newest of them, whatever
 * its size: it has the end of the last height, where a replay of this one begins.
 *
 * At opening a torn tail of the newest file is cut (after a copy to wal.CORRUPTED) and reported; damage anywhere else that a replay of the
 * current height could meet is an error with file, offset and what to do. Torn is: the last record incomplete, or zeroes from within it to the end;
 * or a record that lacks a whole sector of 512 bytes (zeroes) if no vote or proposal of our own follows, as whoever appends one syncs all before it
 * first. A last record that is all there, and does not hold, was not torn, it was damaged: to cut it could forget a vote of our own. */
#ifndef QUORATE_NODE_JOURNAL_H
#define QUORATE_NODE_JOURNAL_H

#include "node/disk.h"
#include "tendermint/timestamp.h"

#define JOURNAL_RECORD_BYTES_MAX (1024 * 1024 + 24)

enum journal_kind { JOURNAL_ROUND_STATE = 1, JOURNAL_MESSAGE = 2, JOURNAL_TIMEOUT = 3, JOURNAL_END_HEIGHT = 4 };

struct journal_record {
    enum journal_kind kind;
    struct timestamp time;
    struct span message; /* MESSAGE: consensus.Message bytes (with the oneof wrapper); a loan */
    struct span peer_id; /* MESSAGE: text, "" for our own; ROUND_STATE: the step's name; a loan */
    int64_t height;      /* the others */
    int32_t round;
    uint32_t step;
    int64_t duration_ns; /* TIMEOUT */
};

struct journal;

/* `name` e.g. "data/cs.wal/wal". *note (malloc'ed, may be NULL) tells what was cut. NULL with *error on damage. A new journal begins with
 * EndHeight{0}. */
struct journal *journal_open(struct disk *disk, const char *name, char **note, char **error);
void journal_close(struct journal *journal); /* syncs; NULL allowed */
/* Other limits than 10 MiB and 1 GiB, for tests and simulation. */
void journal_limit(struct journal *journal, int64_t head_bytes_max, int64_t total_bytes_max);
/* The record's loans end with the call. A message larger than JOURNAL_RECORD_BYTES_MAX allows is our bug. */
void journal_append(struct journal *journal, const struct journal_record *record);
void journal_sync(struct journal *journal);  /* no flush when nothing is pending */
/* EndHeight, buffered: the head in the ledger is what tells the height; then rotation when due. */
void journal_end_height(struct journal *journal, int64_t height, const struct timestamp *time);
/* Visits the records after the newest EndHeight{height − 1} in order; false: that mark is not there (nothing is visited). What is appended
 * meanwhile is not visited; rotation waits until the end. */
typedef void journal_visit(void *context, const struct journal_record *record);
bool journal_replay(struct journal *journal, int64_t height, journal_visit *visit, void *context);

/* The pure codec: CRC-32C and length (4 bytes each, big-endian), then TimedWALMessage. Encode returns the size, 0 if it does not fit or is
 * above the limit. Decode: size consumed, 0: needs more bytes, −1: damaged. */
size_t journal_record_encode(uint8_t *out, size_t capacity, const struct journal_record *record);
long journal_record_decode(struct journal_record *out, struct span bytes);

#endif
