#define _GNU_SOURCE /* memmem */
#include "ledger/query.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/query_scan.h"

struct parser {
    struct query_scan scan;
    struct query query;
    uint32_t capacity;
    size_t bytes_capacity;
    char *error;
};

static const enum query_token tags[] = {QUERY_TOKEN_TAG, 0};
static const enum query_token operators[] = {QUERY_TOKEN_LE, QUERY_TOKEN_GE,       QUERY_TOKEN_LT,     QUERY_TOKEN_GT,
                                             QUERY_TOKEN_EQ, QUERY_TOKEN_CONTAINS, QUERY_TOKEN_EXISTS, 0};
static const enum query_token ordered[] = {QUERY_TOKEN_NUMBER, QUERY_TOKEN_TIME, QUERY_TOKEN_DATE, 0};
static const enum query_token equals[] = {QUERY_TOKEN_NUMBER, QUERY_TOKEN_TIME, QUERY_TOKEN_DATE, QUERY_TOKEN_STRING, 0};
static const enum query_token strings[] = {QUERY_TOKEN_STRING, 0};

/* "a, b or c" */
static void list_wanted(char *out, size_t size, const enum query_token *wanted) {
    size_t at = 0;
    for (uint32_t i = 0; wanted[i] != 0; i++) {
        const char *before = i == 0 ? "" : wanted[i + 1] == 0 ? " or " : ", ";
        at += (size_t)snprintf(out + at, size - at, "%s%s", before, query_token_names[wanted[i]]);
        assert(at < size);
    }
}

static bool require(struct parser *parser, const enum query_token *wanted) {
    struct query_scan *scan = &parser->scan;
    enum query_scanned scanned = query_scan_next(scan);
    if (scanned != QUERY_SCANNED) {
        snprintf(parser->error, QUERY_ERROR_BYTES, "offset %zu: %.200s", scan->start, scanned == QUERY_SCAN_ENDED ? "EOF" : scan->error);
        return false;
    }
    for (uint32_t i = 0; wanted[i] != 0; i++)
        if (wanted[i] == scan->token)
            return true;
    char list[160];
    list_wanted(list, sizeof list, wanted);
    snprintf(parser->error, QUERY_ERROR_BYTES, "offset %zu: got %s, wanted %s", scan->start, query_token_names[scan->token], list);
    return false;
}

static struct span append(struct parser *parser, struct span bytes) {
    struct query *query = &parser->query;
    assert(query->size + bytes.size <= parser->bytes_capacity);
    struct span kept = span_of(query->bytes + query->size, bytes.size);
    if (bytes.size > 0)
        memcpy(query->bytes + query->size, bytes.data, bytes.size);
    query->size += bytes.size;
    return kept;
}

static struct span append_word(struct parser *parser) { return append(parser, span_of(parser->scan.word, parser->scan.word_size)); }

static struct query_condition *add_condition(struct parser *parser) {
    struct query *query = &parser->query;
    if (query->count == parser->capacity) {
        parser->capacity = parser->capacity == 0 ? 4 : 2 * parser->capacity;
        query->conditions = realloc(query->conditions, parser->capacity * sizeof *query->conditions);
        assert(query->conditions != NULL);
    }
    struct query_condition *condition = &query->conditions[query->count++];
    *condition = (struct query_condition){.type = QUERY_NOTHING};
    return condition;
}

static enum query_op op_of(enum query_token token) {
    switch (token) {
    case QUERY_TOKEN_LT: return QUERY_LT;
    case QUERY_TOKEN_LE: return QUERY_LE;
    case QUERY_TOKEN_GT: return QUERY_GT;
    case QUERY_TOKEN_GE: return QUERY_GE;
    case QUERY_TOKEN_CONTAINS: return QUERY_CONTAINS;
    case QUERY_TOKEN_EXISTS: return QUERY_EXISTS;
    default: assert(token == QUERY_TOKEN_EQ); return QUERY_EQ;
    }
}

static void take_operand(struct parser *parser, struct query_condition *condition) {
    enum query_token token = parser->scan.token;
    condition->instant = parser->scan.instant;
    append(parser, span_text(token == QUERY_TOKEN_STRING ? "'" : token == QUERY_TOKEN_TIME ? "TIME " : token == QUERY_TOKEN_DATE ? "DATE " : ""));
    condition->operand = append_word(parser);
    if (token == QUERY_TOKEN_STRING)
        append(parser, span_text("'"));
    condition->type = token == QUERY_TOKEN_STRING ? QUERY_STRING
                      : token == QUERY_TOKEN_TIME ? QUERY_TIME
                      : token == QUERY_TOKEN_DATE ? QUERY_DATE
                                                  : QUERY_NUMBER;
    if (condition->type == QUERY_NUMBER) {
        bool number = query_number_of(&condition->number, condition->operand);
        assert(number);
    }
}

static bool take_condition(struct parser *parser) {
    if (!require(parser, tags))
        return false;
    struct query_condition *condition = add_condition(parser);
    condition->tag = append_word(parser);
    if (!require(parser, operators))
        return false;
    condition->op = op_of(parser->scan.token);
    append(parser, span_text(" "));
    append_word(parser);
    if (condition->op == QUERY_EXISTS)
        return true;
    if (!require(parser, condition->op == QUERY_EQ ? equals : condition->op == QUERY_CONTAINS ? strings : ordered))
        return false;
    append(parser, span_text(" "));
    take_operand(parser, condition);
    return true;
}

static bool take_all(struct parser *parser) {
    if (!take_condition(parser))
        return false;
    while (query_scan_next(&parser->scan) != QUERY_SCAN_ENDED) {
        enum query_token token = parser->scan.token;
        if (token != QUERY_TOKEN_AND) {
            snprintf(parser->error, QUERY_ERROR_BYTES, "offset %zu: got %s, want %s", parser->scan.start, query_token_names[token],
                     query_token_names[QUERY_TOKEN_AND]);
            return false;
        }
        append(parser, span_text(" AND "));
        if (!take_condition(parser))
            return false;
    }
    return true;
}

bool query_parse(struct query *query, char error[static QUERY_ERROR_BYTES], struct span text) {
    if (text.size > QUERY_BYTES_MAX) {
        snprintf(error, QUERY_ERROR_BYTES, "maximum query length exceeded");
        return false;
    }
    struct parser parser = {.error = error, .bytes_capacity = 4 * text.size + 16}; /* a byte becomes three at most, and four spaces a condition */
    parser.query.bytes = malloc(parser.bytes_capacity);
    assert(parser.query.bytes != NULL);
    query_scan_init(&parser.scan, text);
    if (!take_all(&parser)) {
        query_close(&parser.query);
        return false;
    }
    *query = parser.query;
    return true;
}

void query_close(struct query *query) {
    free(query->conditions);
    free(query->bytes);
    *query = (struct query){0};
}

/* ---- matching */

static bool contains(struct span text, struct span part) {
    return part.size == 0 || (text.size >= part.size && memmem(text.data, text.size, part.data, part.size) != NULL);
}

static bool order_holds(enum query_op op, int order) {
    switch (op) {
    case QUERY_LT: return order < 0;
    case QUERY_LE: return order <= 0;
    case QUERY_GT: return order > 0;
    case QUERY_GE: return order >= 0;
    default: return order == 0;
    }
}

bool query_holds(const struct query_condition *condition, struct span value) {
    struct query_number number;
    struct query_instant instant;
    switch (condition->type) {
    case QUERY_NOTHING: return true;
    case QUERY_STRING: return condition->op == QUERY_CONTAINS ? contains(value, condition->operand) : span_equal(value, condition->operand);
    case QUERY_NUMBER:
        return query_number_of(&number, value) && order_holds(condition->op, query_number_compare(&number, &condition->number));
    case QUERY_TIME:
    case QUERY_DATE:
        return query_instant_of(&instant, value, condition->type == QUERY_DATE) &&
               order_holds(condition->op, query_instant_compare(&instant, &condition->instant));
    }
    return false;
}

/* A tag that is the whole type of an event is asked about an empty text, so that `slash EXISTS` finds slash.reason. */
static bool holds_for(const struct query_condition *condition, const struct query_pair *pair) {
    const uint8_t *dot = pair->key.size == 0 ? NULL : memrchr(pair->key.data, '.', pair->key.size);
    if (dot == NULL)
        return false;
    if (span_equal(condition->tag, pair->key))
        return query_holds(condition, pair->value);
    return span_equal(condition->tag, span_of(pair->key.data, (size_t)(dot - pair->key.data))) && query_holds(condition, span_of(NULL, 0));
}

bool query_matches(const struct query *query, const struct query_pair *pairs, size_t count) {
    for (uint32_t c = 0; c < query->count; c++) {
        size_t i = 0;
        while (i < count && !holds_for(&query->conditions[c], &pairs[i]))
            i++;
        if (i == count)
            return false;
    }
    return count > 0;
}
