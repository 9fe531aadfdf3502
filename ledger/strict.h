/* A protobuf cursor that takes one spelling only: minimal varints of at most 64 bits, tags of at most 32, wire types 0, 1, 2 and 5. For
 * signed transactions, where two spellings of one meaning would be two transactions (cosmos-sdk ADR-027). The permissive cursor for
 * CometBFT's own messages is crypto/proto.h. Sticky as that one: after the first bad byte nothing more comes. */
#ifndef QUORATE_LEDGER_STRICT_H
#define QUORATE_LEDGER_STRICT_H

#include "crypto/proto.h"

struct strict {
    const uint8_t *at, *end;
    uint64_t met;     /* bits of the field numbers below 64 already met, for strict_once */
    const char *fault; /* static text, NULL: none yet */
};

struct strict strict_over(struct span bytes);
bool strict_next(struct strict *strict, struct proto_field *field);
void strict_fail(struct strict *strict, const char *fault); /* the first fault stays */
/* The value of a field that may come once; a second one or another wire type is a fault and gives nothing. Number < 64. */
struct span strict_bytes_once(struct strict *strict, const struct proto_field *field);
uint64_t strict_uint64_once(struct strict *strict, const struct proto_field *field);
struct span strict_bytes(struct strict *strict, const struct proto_field *field); /* a repeated one */
struct span strict_text_once(struct strict *strict, const struct proto_field *field); /* valid UTF-8 */
/* For every field that the caller does not know: a fault, unless it is non-critical (bit 11 of the number, as in cosmos-sdk's
 * unknownproto) and `lenient`. */
void strict_unknown(struct strict *strict, const struct proto_field *field, bool lenient);

#endif
