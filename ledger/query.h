/* The query language of subscriptions and searches (cometbft: libs/pubsub/query; protocol.md §7.4): conditions joined by AND, each `tag op
 * operand` or `tag EXISTS`. Where its reader has a quirk, this one has it too: a string that does not end, after a whole condition, is passed over.
 *
 *     struct query query;
 *     char error[QUERY_ERROR_BYTES];
 *     if (!query_parse(&query, error, text)) → say `error`
 *     struct query_pair pairs[] = {{span_text("tm.event"), span_text("Tx")}, …};
 *     if (query_matches(&query, pairs, count)) → the event is wanted
 *     query_text(&query) → how the subscription is named
 *     query_close(&query); */
#ifndef QUORATE_LEDGER_QUERY_H
#define QUORATE_LEDGER_QUERY_H

#include "ledger/query_value.h"

#define QUERY_BYTES_MAX 512 /* rpc/core/events.go maxQueryLength */
#define QUERY_ERROR_BYTES 256

enum query_op { QUERY_EQ, QUERY_LT, QUERY_LE, QUERY_GT, QUERY_GE, QUERY_CONTAINS, QUERY_EXISTS };

struct query_condition {
    struct span tag;
    enum query_op op;
    enum query_type type; /* of the operand */
    struct span operand;  /* its text, without quotes and without TIME or DATE */
    struct query_number number;   /* of a QUERY_NUMBER */
    struct query_instant instant; /* of a QUERY_TIME or QUERY_DATE */
};

struct query {
    uint32_t count; /* ≥ 1 */
    struct query_condition *conditions;
    uint8_t *bytes; /* the canonical text; all spans of the conditions are loans from it */
    size_t size;
};

/* false: not a query, or longer than QUERY_BYTES_MAX; `query` is untouched, the error says what was wrong and at which offset. */
bool query_parse(struct query *query, char error[static QUERY_ERROR_BYTES], struct span text);
void query_close(struct query *query);

/* The canonical text: one space between words, operands as they were written. Equal texts are the same subscription. A loan from the query. */
static inline struct span query_text(const struct query *query) { return span_of(query->bytes, query->size); }

/* One value of an event's attribute under its composite key, `type.key`; a key with several values stands several times. */
struct query_pair {
    struct span key, value;
};

/* Every condition holds for some pair, not necessarily the same one. No pairs at all match nothing. */
bool query_matches(const struct query *query, const struct query_pair *pairs, size_t count);
/* One condition against one value of its tag. */
bool query_holds(const struct query_condition *condition, struct span value);

#endif
