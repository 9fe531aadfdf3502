#include "ledger/query_scan.h"

#include <assert.h>
#include <stdio.h>
#include <utf8proc.h>

const char *const query_token_names[] = {"invalid token", "tag",          "string",            "number",          "timestamp",
                                         "datestamp",     "AND operator", "CONTAINS operator", "EXISTS operator", "= operator",
                                         "< operator",    "<= operator",  "> operator",        ">= operator"};

#define REPLACEMENT 0xFFFD

void query_scan_init(struct query_scan *scan, struct span text) {
    assert(text.size <= QUERY_BYTES_MAX);
    *scan = (struct query_scan){.text = text};
}

/* The rune at `at` and its width; width 0 at the end. */
static int32_t peek(const struct query_scan *scan, size_t *width) {
    size_t rest = scan->text.size - scan->at;
    *width = rest > 0;
    if (rest == 0)
        return -1;
    utf8proc_int32_t rune;
    utf8proc_ssize_t size = utf8proc_iterate(scan->text.data + scan->at, (utf8proc_ssize_t)rest, &rune);
    if (size <= 0)
        return REPLACEMENT;
    *width = (size_t)size;
    return rune;
}

static void keep(struct query_scan *scan, int32_t rune) {
    uint8_t bytes[4];
    size_t size = (size_t)utf8proc_encode_char(rune, bytes);
    assert(scan->word_size + size <= sizeof scan->word); /* three bytes for one of the text at most */
    memcpy(scan->word + scan->word_size, bytes, size);
    scan->word_size += size;
}

static bool is_space(int32_t r) {
    return (r >= '\t' && r <= '\r') || r == ' ' || r == 0x85 || r == 0xA0 || r == 0x1680 || (r >= 0x2000 && r <= 0x200A) || r == 0x2028 ||
           r == 0x2029 || r == 0x202F || r == 0x205F || r == 0x3000;
}

static bool is_digit(int32_t r) { return r >= '0' && r <= '9'; }

static bool is_tag_begin(int32_t r) {
    if (r < 0x80)
        return r == '_' || is_digit(r) || (r >= 'a' && r <= 'z') || (r >= 'A' && r <= 'Z');
    utf8proc_category_t category = utf8proc_category(r);
    return (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO) || category == UTF8PROC_CATEGORY_ND;
}

static bool is_tag(int32_t r) { return r == '.' || r == '-' || (r >= 0 && is_tag_begin(r)); }
static bool is_date(int32_t r) { return is_digit(r) || r == '-'; }
static bool is_time(int32_t r) { return is_date(r) || r == 'T' || r == ':' || r == '+' || r == 'Z'; }

static void take_while(struct query_scan *scan, bool (*wanted)(int32_t rune)) {
    size_t width;
    for (int32_t rune; rune = peek(scan, &width), width > 0 && wanted(rune); scan->at += width)
        keep(scan, rune);
}

static enum query_scanned found(struct query_scan *scan, enum query_token token) {
    scan->token = token;
    return QUERY_SCANNED;
}

static enum query_scanned take_number(struct query_scan *scan) {
    size_t width;
    take_while(scan, is_digit);
    if (peek(scan, &width) == '.') {
        keep(scan, '.');
        scan->at++;
        take_while(scan, is_digit);
    }
    return found(scan, QUERY_TOKEN_NUMBER);
}

static enum query_scanned take_string(struct query_scan *scan) {
    scan->at++;
    for (size_t width;;) {
        int32_t rune = peek(scan, &width);
        scan->at += width;
        if (width == 0)
            return QUERY_SCAN_ENDED;
        if (rune == '\'')
            return found(scan, QUERY_TOKEN_STRING);
        keep(scan, rune);
    }
}

static enum query_scanned take_instant(struct query_scan *scan, bool date) {
    const char *name = date ? "DATE" : "TIME";
    scan->word_size = 0;
    scan->at++; /* the space */
    take_while(scan, date ? is_date : is_time);
    if (!query_instant_of(&scan->instant, span_of(scan->word, scan->word_size), date))
        snprintf(scan->error, sizeof scan->error, "invalid %s value: \"%.*s\" is not %s", name, (int)scan->word_size, (const char *)scan->word,
                 date ? "yyyy-mm-dd" : "yyyy-mm-ddThh:mm:ss with Z or an offset");
    else if (scan->instant.year < 1900 || scan->instant.year > 2999)
        snprintf(scan->error, sizeof scan->error, "%s year %d out of range", date ? "datestamp" : "timestamp", scan->instant.year);
    else
        return found(scan, date ? QUERY_TOKEN_DATE : QUERY_TOKEN_TIME);
    return QUERY_SCAN_FAILED;
}

static enum query_scanned take_word(struct query_scan *scan) {
    size_t width;
    take_while(scan, is_tag);
    struct span word = span_of(scan->word, scan->word_size);
    bool space = peek(scan, &width) == ' ';
    if (space && span_equal(word, span_text("TIME")))
        return take_instant(scan, false);
    if (space && span_equal(word, span_text("DATE")))
        return take_instant(scan, true);
    if (span_equal(word, span_text("AND")))
        return found(scan, QUERY_TOKEN_AND);
    if (span_equal(word, span_text("EXISTS")))
        return found(scan, QUERY_TOKEN_EXISTS);
    return found(scan, span_equal(word, span_text("CONTAINS")) ? QUERY_TOKEN_CONTAINS : QUERY_TOKEN_TAG);
}

static enum query_scanned take_comparison(struct query_scan *scan, int32_t first) {
    size_t width;
    keep(scan, first);
    scan->at++;
    if (first == '=')
        return found(scan, QUERY_TOKEN_EQ);
    bool equal = peek(scan, &width) == '=';
    if (equal) {
        keep(scan, '=');
        scan->at++;
    }
    return found(scan, first == '<' ? (equal ? QUERY_TOKEN_LE : QUERY_TOKEN_LT) : (equal ? QUERY_TOKEN_GE : QUERY_TOKEN_GT));
}

static enum query_scanned refuse(struct query_scan *scan, int32_t rune, size_t width) {
    uint8_t shown[4];
    size_t size = (size_t)utf8proc_encode_char(rune, shown);
    scan->at += width;
    snprintf(scan->error, sizeof scan->error, "invalid input %.*s at offset %zu", (int)size, (const char *)shown, scan->at);
    return QUERY_SCAN_FAILED;
}

enum query_scanned query_scan_next(struct query_scan *scan) {
    scan->word_size = 0;
    scan->token = QUERY_TOKEN_INVALID;
    size_t width;
    int32_t rune;
    while (rune = peek(scan, &width), width > 0 && is_space(rune))
        scan->at += width;
    scan->start = scan->at;
    if (width == 0)
        return QUERY_SCAN_ENDED;
    if (is_digit(rune))
        return take_number(scan);
    if (is_tag_begin(rune))
        return take_word(scan);
    if (rune == '\'')
        return take_string(scan);
    if (rune == '<' || rune == '>' || rune == '=')
        return take_comparison(scan, rune);
    return refuse(scan, rune, width);
}
