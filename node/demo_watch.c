#include "node/demo_watch.h"

#include "node/load_scan.h"

#define ANSWER_BYTES_MAX ((size_t)4 << 20)

static const char QUESTIONS[] = "[{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"status\",\"params\":{}},"
                                "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"net_info\",\"params\":{}},"
                                "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"num_unconfirmed_txs\",\"params\":{}},"
                                "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"consensus_state\",\"params\":{}}]";

static void read_number(int64_t *out, struct span result, const char *path) {
    struct span digits;
    if (load_scan_path(&digits, result, path))
        load_scan_number(out, digits);
}

/* "height/round/step" */
static void read_round(int64_t *round, struct span result) {
    struct span text;
    if (!load_scan_path(&text, result, "round_state.height/round/step"))
        return;
    const uint8_t *slash = memchr(text.data, '/', text.size), *end = text.data + text.size;
    const uint8_t *second = slash == NULL ? NULL : memchr(slash + 1, '/', (size_t)(end - slash - 1));
    if (second != NULL)
        load_scan_number(round, span_of(slash + 1, (size_t)(second - slash - 1)));
}

static void take_answer(void *context, const struct load_answer *answer) {
    struct demo_watch *watch = context;
    switch (answer->id) {
    case 0: read_number(&watch->height, answer->result, "sync_info.latest_block_height"); break;
    case 1: read_number(&watch->peers, answer->result, "n_peers"); break;
    case 2: read_number(&watch->mempool, answer->result, "total"); break;
    case 3: read_round(&watch->round, answer->result); break;
    default: break;
    }
}

static void on_answered(void *context, int status, struct span body) {
    struct demo_watch *watch = context;
    watch->is_answering = status == 200 && load_scan_answers(body, take_answer, watch);
}

static void on_broke(void *context, const char *reason) {
    (void)reason;
    ((struct demo_watch *)context)->is_answering = false;
}

void demo_watch_start(struct demo_watch *watch, struct event_base *base, const struct load_http_place *place) {
    *watch = (struct demo_watch){0};
    load_http_init(&watch->http, base, place, ANSWER_BYTES_MAX, (struct load_http_owner){watch, on_answered, on_broke});
    demo_watch_ask(watch);
}

void demo_watch_ask(struct demo_watch *watch) {
    if (!watch->http.is_waiting)
        load_http_post(&watch->http, span_text(QUESTIONS));
}

void demo_watch_stop(struct demo_watch *watch) { load_http_close(&watch->http); }
