/* A moment as the protocol carries it: seconds since 1970 (negative before) and nanoseconds in [0, 1e9).
 * Go's zero time (year 1) is what an ABSENT field decodes to and what an absent CommitSig holds; the Unix epoch is an
 * empty sub-message. (protocol.md §1.1) Nothing here reads a clock. */
#ifndef QUORATE_TENDERMINT_TIMESTAMP_H
#define QUORATE_TENDERMINT_TIMESTAMP_H

#include "crypto/proto.h"

struct timestamp {
    int64_t seconds;
    int32_t nanos;
};

#define TIMESTAMP_ZERO         ((struct timestamp){-62135596800LL, 0})
#define TIMESTAMP_TEXT_SIZE    36 /* "2006-01-02T15:04:05.999999999Z" and NUL, with room */
#define TIMESTAMP_SECONDS_MIN  (-62135596800LL) /* 0001-01-01 */
#define TIMESTAMP_SECONDS_MAX  253402300799LL   /* 9999-12-31T23:59:59 */

bool timestamp_is_zero(const struct timestamp *time); /* Go's IsZero */
bool timestamp_valid(const struct timestamp *time);   /* in range, nanos in [0,1e9) */
int timestamp_compare(const struct timestamp *a, const struct timestamp *b);
struct timestamp timestamp_add_ns(const struct timestamp *time, int64_t ns);       /* saturates at the valid range */
int64_t timestamp_diff_ns(const struct timestamp *later, const struct timestamp *earlier); /* saturates */
struct timestamp timestamp_max(const struct timestamp *a, const struct timestamp *b);

/* RFC 3339 as Go prints it (RFC3339Nano, UTC: trailing zeros of the fraction dropped). */
void timestamp_text(char out[static TIMESTAMP_TEXT_SIZE], const struct timestamp *time);
/* Any RFC 3339 text with Z or an offset, up to 9 fraction digits (more are truncated); false if malformed or out of range. */
bool timestamp_parse(struct timestamp *out, struct span text);

void timestamp_write(struct proto_writer *writer, const struct timestamp *time); /* the message's own bytes: a header's leaf */
void timestamp_put(struct proto_writer *writer, uint32_t field, const struct timestamp *time); /* always written ("!") */
/* Reads the nested message of `field` into *time, starting from the epoch (gogoproto stdtime); an invalid one marks the reader bad. */
void timestamp_get(struct timestamp *time, struct proto_reader *reader, const struct proto_field *field);

#endif
