/* The query language: any text, against any pairs. What was parsed has a text that is parsed to the same text and matches the same. */
#include "tests/fuzz/fuzz.h"

#include "ledger/query.h"

enum { PAIRS_MAX = 8 };

/* `DATE=1` is a condition, and `DATE = 1`, its own text, is a date that is none. */
static bool has_two_faces(const struct query *query) {
    for (uint32_t i = 0; i < query->count; i++)
        if (span_equal(query->conditions[i].tag, span_text("DATE")) || span_equal(query->conditions[i].tag, span_text("TIME")))
            return true;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz fuzz = fuzz_over(data, size);
    struct span text = fuzz_piece(&fuzz);
    struct query_pair pairs[PAIRS_MAX];
    size_t count = 0;
    while (count < PAIRS_MAX && fuzz.at < fuzz.end) {
        pairs[count].key = fuzz_piece(&fuzz);
        pairs[count++].value = fuzz_piece(&fuzz);
    }
    char error[QUERY_ERROR_BYTES] = "";
    struct query query, again;
    if (query_parse(&query, error, text)) {
        bool matches = query_matches(&query, pairs, count);
        assert(query.count > 0 && !(matches && count == 0));
        if (query_text(&query).size <= QUERY_BYTES_MAX && !has_two_faces(&query)) {
            bool good = query_parse(&again, error, query_text(&query));
            assert(good && query_matches(&again, pairs, count) == matches);
            fuzz_same(query_text(&again), query_text(&query));
            query_close(&again);
        }
        query_close(&query);
    } else {
        assert(error[0] != '\0' && memchr(error, '\0', sizeof error) != NULL);
    }
    fuzz_end();
    return 0;
}
