#define _GNU_SOURCE
#include "node/load_reader.h"

#include <assert.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>

#define RETRY_US 200000

static void ask(struct load_reader *reader) {
    char request[160];
    int size = snprintf(request, sizeof request, "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"block\",\"params\":{\"height\":\"%" PRId64 "\"}}",
                        reader->height);
    load_http_post(&reader->http, span_of(request, (size_t)size));
}

static void ask_after(struct load_reader *reader, int us) {
    struct timeval pause = {us / 1000000, us % 1000000};
    event_add(reader->pause, &pause);
}

static void fail(struct load_reader *reader, struct span reason) {
    snprintf(reader->fault, sizeof reader->fault, "block %" PRId64 ": %.*s", reader->height,
             (int)(reason.size < 100 ? reason.size : 100), (const char *)reason.data);
    reader->is_failing = true;
}

static bool is_not_yet(struct span text) {
    static const char words[] = "must be less than or equal to";
    return text.size > 0 && memmem(text.data, text.size, words, sizeof words - 1) != NULL;
}

static void on_answer(void *context, const struct load_answer *answer) {
    struct load_reader *reader = context;
    struct load_scan_block block;
    reader->is_failing = false;
    if (answer->is_error) {
        reader->at_tip = is_not_yet(answer->text);
        if (!reader->at_tip)
            fail(reader, answer->text);
    } else if (!load_scan_block(&block, answer->result) || block.height != reader->height) {
        fail(reader, span_text("the answer is not that block"));
    } else {
        reader->at_tip = false;
        reader->got_block = true;
        reader->height++;
        reader->owner.block(reader->owner.context, &block);
    }
}

static void on_answered(void *context, int status, struct span body) {
    struct load_reader *reader = context;
    (void)status;
    reader->got_block = false;
    if (!load_scan_answers(body, on_answer, reader))
        fail(reader, span_text("the answer is no JSON-RPC"));
    if (reader->got_block)
        ask(reader);
    else
        ask_after(reader, reader->is_failing ? RETRY_US : reader->pause_us);
}

static void on_broke(void *context, const char *reason) {
    struct load_reader *reader = context;
    fail(reader, span_text(reason));
    ask_after(reader, RETRY_US);
}

static void on_pause_over(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    ask(context);
}

void load_reader_start(struct load_reader *reader, struct event_base *base, const struct load_http_place *place, int64_t height,
                       int pause_us, struct load_reader_owner owner) {
    *reader = (struct load_reader){.owner = owner, .height = height, .pause_us = pause_us};
    load_http_init(&reader->http, base, place, LOAD_READER_BYTES_MAX, (struct load_http_owner){reader, on_answered, on_broke});
    reader->pause = event_new(base, -1, 0, on_pause_over, reader);
    assert(reader->pause != NULL);
    ask(reader);
}

void load_reader_stop(struct load_reader *reader) {
    if (reader->pause == NULL)
        return;
    event_free(reader->pause);
    reader->pause = NULL;
    load_http_close(&reader->http);
}
