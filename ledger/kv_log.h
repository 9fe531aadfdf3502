/* LevelDB's log format (doc/log_format.md there: blocks of 32 KiB, records with a masked CRC-32C, batches in one or more of them), read by ourselves for
 * one question: was the end never written whole, or is something damaged that once was whole? LevelDB alone either takes both for an end, and
 * goes on without batches in the middle, or refuses both. */
#ifndef QUORATE_LEDGER_KV_LOG_H
#define QUORATE_LEDGER_KV_LOG_H

#include "crypto/span.h"

enum kv_log_state {
    KV_LOG_GOOD,    /* as LevelDB reads it without complaint; also where it breaks off at the end */
    KV_LOG_TORN,    /* a sector of the last batch never arrived, and no batch begins after it */
    KV_LOG_DAMAGED,
};

/* *offset: not GOOD: where the batch begins that is not whole. */
enum kv_log_state kv_log_judge(size_t *offset, struct span file);

/* Every log and manifest in LevelDB's folder `path`: a torn one is cut where its last whole batch ends, after a copy to NAME.CORRUPTED. true: something
 * was cut. false: nothing was; *error (malloc'ed) names what is damaged and where, or is NULL if nothing is. The folder is not open. */
bool kv_log_mend(const char *path, char **error);

#endif
