/* The query language. */
#include <assert.h>
#include <stdlib.h>

#include "ledger/query_scan.h"
#include "tests/vectors/vectors_ledger.h"

/* Whether any word of the text is none; a string that does not end is one that is none. */
static bool is_lexical_error(struct span text) {
    struct query_scan scan;
    enum query_scanned scanned = QUERY_SCANNED;
    for (query_scan_init(&scan, text); scanned == QUERY_SCANNED;)
        scanned = query_scan_next(&scan);
    bool unended = scanned == QUERY_SCAN_ENDED && scan.start < text.size;
    return scanned == QUERY_SCAN_FAILED || unended;
}

/* What was parsed has a text that parses to the same text. */
static bool is_stable(const struct query *query) {
    char error[QUERY_ERROR_BYTES];
    struct query again;
    for (uint32_t i = 0; i < query->count; i++) /* `DATE=1` is a condition, and `DATE = 1` begins with a date */
        if (span_equal(query->conditions[i].tag, span_text("DATE")) || span_equal(query->conditions[i].tag, span_text("TIME")))
            return true;
    if (query_text(query).size > QUERY_BYTES_MAX)
        return true;
    if (!query_parse(&again, error, query_text(query)))
        return false;
    bool same = span_equal(query_text(&again), query_text(query));
    query_close(&again);
    return same;
}

static const char *parse_case(const json_t *item) {
    char error[QUERY_ERROR_BYTES];
    const json_t *valid = json_object_get(item, "expected_valid");
    if (json_object_size(item) != 2)
        return "a shape that the handler does not know";
    if (json_is_string(json_object_get(item, "scanner_input")) && span_equal(vectors_text(item, "expected"), span_text("lexical error")))
        return is_lexical_error(vectors_text(item, "scanner_input")) ? NULL : "no lexical error";
    if (!json_is_string(json_object_get(item, "query")) || !json_is_boolean(valid))
        return "a shape that the handler does not know";
    struct query query;
    bool good = query_parse(&query, error, vectors_text(item, "query"));
    bool stable = !good || is_stable(&query);
    if (good)
        query_close(&query);
    return good != json_is_true(valid) ? "another verdict" : stable ? NULL : "its text is another query";
}

void run_query_parse(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    size_t i;
    const json_t *item;
    json_array_foreach(json_object_get(file, "cases"), i, item) {
        const char *fault = parse_case(item);
        vectors_expect(report, i, fault == NULL, fault);
    }
}

/* The values as pairs; a key without values still is an event of its type, which an attribute that no tag can name stands for. */
static struct query_pair *read_events(const json_t *events, size_t *count) {
    size_t total = 0, i;
    const char *key;
    json_t *values, *value;
    json_object_foreach((json_t *)events, key, values) total += json_array_size(values) + 1;
    struct query_pair *pairs = calloc(total + 1, sizeof *pairs);
    assert(pairs != NULL);
    *count = 0;
    json_object_foreach((json_t *)events, key, values) {
        if (!json_is_array(values)) {
            free(pairs);
            return NULL;
        }
        json_array_foreach(values, i, value) {
            if (!json_is_string(value)) {
                free(pairs);
                return NULL;
            }
            pairs[(*count)++] = (struct query_pair){span_text(key), span_of(json_string_value(value), json_string_length(value))};
        }
        const char *dot = strrchr(key, '.');
        if (json_array_size(values) == 0) {
            size_t type = dot == NULL ? 0 : (size_t)(dot - key);
            char *name = malloc(type + 2);
            assert(name != NULL);
            memcpy(name, key, type);
            memcpy(name + type, dot == NULL ? "\n" : ".\n", dot == NULL ? 1 : 2);
            pairs[(*count)++] = (struct query_pair){span_of(name, type + (dot == NULL ? 1 : 2)), span_of(NULL, 0)};
        }
    }
    return pairs;
}

static void free_events(struct query_pair *pairs, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (pairs[i].key.size > 0 && pairs[i].key.data[pairs[i].key.size - 1] == '\n')
            free((void *)(uintptr_t)pairs[i].key.data);
    free(pairs);
}

static const char *match_case(const json_t *item) {
    char error[QUERY_ERROR_BYTES];
    struct query query;
    size_t count = 0;
    const json_t *expected = json_object_get(item, "expected_match"), *events = json_object_get(item, "events");
    if (json_object_size(item) != 3 || !json_is_boolean(expected) || !json_is_object(events) ||
        !json_is_string(json_object_get(item, "query")))
        return "a shape that the handler does not know";
    if (!query_parse(&query, error, vectors_text(item, "query")))
        return "not a query";
    struct query_pair *pairs = read_events(events, &count);
    bool same = pairs != NULL && query_matches(&query, pairs, count) == json_is_true(expected);
    query_close(&query);
    if (pairs == NULL)
        return "events of another shape";
    free_events(pairs, count);
    return same ? NULL : "another verdict";
}

void run_query_match(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    size_t i;
    const json_t *item;
    json_array_foreach(json_object_get(file, "cases"), i, item) {
        const char *fault = match_case(item);
        vectors_expect(report, i, fault == NULL, fault);
    }
}
