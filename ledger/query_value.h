/* The operands of a query and what an attribute's text is worth beside them: numbers as Go's big.Int and big.Float of 125 bits read them,
 * instants as time.Parse reads RFC 3339 and dates. */
#ifndef QUORATE_LEDGER_QUERY_VALUE_H
#define QUORATE_LEDGER_QUERY_VALUE_H

#include "crypto/span.h"

enum query_type { QUERY_NOTHING, QUERY_STRING, QUERY_NUMBER, QUERY_TIME, QUERY_DATE };

/* A decimal number ≥ 0: loans from its text. Whole texts of digits are exact, everything else is worth its 125 leading bits. */
struct query_number {
    struct span whole;    /* without leading zeroes */
    struct span fraction; /* without trailing ones */
    bool exact;
};

/* The number at the beginning of an attribute's value ("8atom" is 8). false: there is none; a sign is none. */
bool query_number_of(struct query_number *number, struct span value);
/* Negative, zero, positive. At least one of both must be from a query (its length bounds the work). */
int query_number_compare(const struct query_number *a, const struct query_number *b);

struct query_instant {
    int64_t seconds; /* since 1970 UTC */
    int32_t nanos;
    int32_t year;    /* as written, in its own zone */
};

/* `date`: 2006-01-02, else RFC 3339. false: it is no such text. */
bool query_instant_of(struct query_instant *instant, struct span text, bool date);
int query_instant_compare(const struct query_instant *a, const struct query_instant *b);

#endif
