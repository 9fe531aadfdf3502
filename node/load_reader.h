/* Reads a chain's blocks from one node, height after height, as soon as they are there: asks for the next block, and when there is
 * none yet, again after a pause. */
#ifndef QUORATE_NODE_LOAD_READER_H
#define QUORATE_NODE_LOAD_READER_H

#include "node/load_http.h"
#include "node/load_scan.h"

#define LOAD_READER_BYTES_MAX ((size_t)192 << 20) /* of an answer: a block of 100 MB as base64, and what is around it */

struct load_reader_owner {
    void *context;
    void (*block)(void *context, const struct load_scan_block *block); /* loans for the call */
};

struct load_reader {
    struct load_http http;
    struct event *pause;
    struct load_reader_owner owner;
    int64_t height; /* asked for next */
    int pause_us;
    bool at_tip;    /* the last answer was: not yet */
    bool is_failing; /* the last question had no proper answer; it goes on trying */
    bool got_block;
    char fault[160];
};

void load_reader_start(struct load_reader *reader, struct event_base *base, const struct load_http_place *place, int64_t height,
                       int pause_us, struct load_reader_owner owner);
void load_reader_stop(struct load_reader *reader); /* also when never started, if zeroed */

#endif
