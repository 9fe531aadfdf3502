/* The words of the query language (cometbft: libs/pubsub/query/syntax/scanner.go). */
#ifndef QUORATE_LEDGER_QUERY_SCAN_H
#define QUORATE_LEDGER_QUERY_SCAN_H

#include "ledger/query.h"

enum query_token { /* in the order of CometBFT's names */
    QUERY_TOKEN_INVALID,
    QUERY_TOKEN_TAG,
    QUERY_TOKEN_STRING,
    QUERY_TOKEN_NUMBER,
    QUERY_TOKEN_TIME,
    QUERY_TOKEN_DATE,
    QUERY_TOKEN_AND,
    QUERY_TOKEN_CONTAINS,
    QUERY_TOKEN_EXISTS,
    QUERY_TOKEN_EQ,
    QUERY_TOKEN_LT,
    QUERY_TOKEN_LE,
    QUERY_TOKEN_GT,
    QUERY_TOKEN_GE,
};
extern const char *const query_token_names[];

enum query_scanned { QUERY_SCANNED, QUERY_SCAN_ENDED, QUERY_SCAN_FAILED };

struct query_scan {
    struct span text;
    size_t at;            /* next byte */
    size_t start;         /* where the token begins */
    enum query_token token;
    uint8_t word[3 * QUERY_BYTES_MAX]; /* the token's text: a byte that is no UTF-8 became U+FFFD */
    size_t word_size;
    struct query_instant instant; /* of a time or a date */
    char error[QUERY_ERROR_BYTES]; /* after QUERY_SCAN_FAILED */
};

/* text: at most QUERY_BYTES_MAX */
void query_scan_init(struct query_scan *scan, struct span text);
/* A string that does not end is the end, as there. */
enum query_scanned query_scan_next(struct query_scan *scan);

#endif
