/* Subscriptions, with rpc on the core's thread (loop index 0) and on its own (1). */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crypto/text.h"
#include "rpc/http_inside.h"
#include "tests/rpc/socket.h"

static struct lab lab;
static struct wire wire;

static void open_lab(bool apart, uint32_t mempool) {
    lab_open_wide(&lab, &(struct rpc_config){.apart = apart, .max_subscription_clients = 3}, 4, mempool);
    wire_open(&wire, &lab);
}

static void close_lab(void) {
    wire_close(&wire);
    lab_close(&lab);
}

static void subscribe(struct wire *to, const char *id, const char *query) {
    char params[256], answer[64];
    snprintf(params, sizeof params, "{\"query\":\"%s\"}", query);
    wire_ask(to, id, "subscribe", params);
    snprintf(answer, sizeof answer, "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{}}", id);
    wire_expect(to, answer);
}

static void submit(const char *tx) {
    struct arena arena;
    struct abci_check check = {0};
    struct blob *blob = blob_new(span_text(tx));
    arena_init(&arena, 1 << 20);
    ck_assert_int_eq(mempool_add(lab.mempool, &check, blob, -1, 0, &arena), MEMPOOL_ADDED);
    blob_release(blob);
    arena_close(&arena);
}

static void expect_error(struct wire *from, const char *id, const char *data) {
    char text[512];
    snprintf(text, sizeof text, "{\"jsonrpc\":\"2.0\",\"id\":%s,\"error\":{\"code\":-32603,\"message\":\"Internal error\",\"data\":\"%s\"}}", id, data);
    wire_expect(from, text);
}

START_TEST(a_transaction_is_told_as_cometbft_tells_it) {
    open_lab(_i, 4);
    subscribe(&wire, "\"my id\"", "tm.event='Tx' AND app.key = 'k'");
    submit("x=1");
    submit("k=v");
    lab_commit(&lab);
    wire_expect(&wire, "{\"jsonrpc\":\"2.0\",\"id\":\"my id\",\"result\":{\"query\":\"tm.event='Tx' AND app.key = 'k'\",\"data\":{\"type\":\"tendermint/event/Tx\",\"value\":{"
                       "\"TxResult\":{\"height\":\"5\",\"index\":1,\"tx\":\"az12\",\"result\":{\"events\":[{\"type\":\"app\",\"attributes\":[{\"key\":\"creator\",\"value\":"
                       "\"Cosmoshi Netowoko\",\"index\":true},{\"key\":\"key\",\"value\":\"k\",\"index\":true},{\"key\":\"index_key\",\"value\":\"index is working\",\"index\":true},"
                       "{\"key\":\"noindex_key\",\"value\":\"index is working\",\"index\":false}]},{\"type\":\"app\",\"attributes\":[{\"key\":\"creator\",\"value\":\"Cosmoshi\","
                       "\"index\":true},{\"key\":\"key\",\"value\":\"v\",\"index\":true},{\"key\":\"index_key\",\"value\":\"index is working\",\"index\":true},{\"key\":"
                       "\"noindex_key\",\"value\":\"index is working\",\"index\":false}]}]}}}},\"events\":{\"app.creator\":[\"Cosmoshi Netowoko\",\"Cosmoshi\"],"
                       "\"app.index_key\":[\"index is working\",\"index is working\"],\"app.key\":[\"k\",\"v\"],\"app.noindex_key\":[\"index is working\",\"index is working\"],"
                       "\"tm.event\":[\"Tx\"],\"tx.hash\":[\"9246D2C0E0F213AE2B86AC78A432A55EDFD31D07A072331D58763C08D5292212\"],\"tx.height\":[\"5\"]}}}");
    wire_expect_silence(&wire);
    close_lab();
}
END_TEST

START_TEST(a_block_is_told_in_cometbfts_order) {
    open_lab(_i, 4);
    subscribe(&wire, "1", "tm.event EXISTS");
    submit("k=v");
    lab_commit(&lab);
    wire_expect(&wire, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"query\":\"tm.event EXISTS\",\"data\":{\"type\":\"tendermint/event/NewBlock\",\"value\":{\"block\":{\"header\":{");
    wire_expect(&wire, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"query\":\"tm.event EXISTS\",\"data\":{\"type\":\"tendermint/event/NewBlockHeader\",\"value\":{\"header\":{");
    wire_expect(&wire, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"query\":\"tm.event EXISTS\",\"data\":{\"type\":\"tendermint/event/NewBlockEvents\",\"value\":{\"height\":\"5\","
                       "\"events\":null,\"num_txs\":\"1\"}},\"events\":{\"tm.event\":[\"NewBlockEvents\"]}}}");
    wire_expect(&wire, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"query\":\"tm.event EXISTS\",\"data\":{\"type\":\"tendermint/event/Tx\",");
    wire_expect_silence(&wire);
    close_lab();
}
END_TEST

START_TEST(what_cannot_be_subscribed_is_refused_as_cometbft_refuses_it) {
    char params[700];
    open_lab(_i, 4);
    wire_ask(&wire, "1", "subscribe", "{\"query\":\"tm.event='Tx' AND\"}");
    expect_error(&wire, "1", "failed to parse query: offset 17: EOF");
    snprintf(params, sizeof params, "{\"query\":\"%0600d\"}", 1);
    wire_ask(&wire, "2", "subscribe", params);
    expect_error(&wire, "2", "maximum query length exceeded");
    wire_ask(&wire, "3", "unsubscribe", "{\"query\":\"tm.event='Tx'\"}");
    expect_error(&wire, "3", "subscription not found");
    wire_ask(&wire, "4", "unsubscribe_all", "{}");
    expect_error(&wire, "4", "subscription not found");
    subscribe(&wire, "5", "tm.event='Tx'");
    wire_ask(&wire, "6", "subscribe", "{\"query\":\"tm.event =  'Tx'\"}");
    expect_error(&wire, "6", "already subscribed");
    for (int i = 0; i < 4; i++) {
        char id[8], query[32];
        snprintf(id, sizeof id, "%d", i);
        snprintf(query, sizeof query, "a.b = %d", i);
        subscribe(&wire, id, query);
    }
    wire_ask(&wire, "7", "subscribe", "{\"query\":\"a.b = 9\"}");
    expect_error(&wire, "7", "max_subscriptions_per_client 5 reached");
    wire_ask(&wire, "8", "unsubscribe", "[\"tm.event = 'Tx'\"]");
    wire_expect(&wire, "{\"jsonrpc\":\"2.0\",\"id\":8,\"result\":{}}");
    submit("k=v");
    lab_commit(&lab);
    wire_expect_silence(&wire);
    wire_ask(&wire, "9", "unsubscribe_all", "{}");
    wire_expect(&wire, "{\"jsonrpc\":\"2.0\",\"id\":9,\"result\":{}}");
    close_lab();
}
END_TEST

START_TEST(clients_are_counted_while_they_have_subscriptions) {
    struct wire others[3];
    open_lab(_i, 4);
    for (int i = 0; i < 3; i++) {
        wire_open(&others[i], &lab);
        subscribe(&others[i], "1", "tm.event='Tx'");
    }
    wire_ask(&wire, "2", "subscribe", "[\"tm.event='Tx'\"]");
    expect_error(&wire, "2", "max_subscription_clients 3 reached");
    wire_close(&others[0]);
    for (int i = 0; i < 30; i++) { /* until the other thread has noticed */
        usleep(10000);
        lab_turn(&lab);
    }
    subscribe(&wire, "3", "tm.event='Tx'");
    wire_ask(&others[1], "4", "unsubscribe_all", "[]");
    wire_expect(&others[1], "{\"jsonrpc\":\"2.0\",\"id\":4,\"result\":{}}");
    subscribe(&others[2], "5", "tm.event='NewBlock'");
    for (int i = 1; i < 3; i++)
        wire_close(&others[i]);
    close_lab();
}
END_TEST

/* The next event is the header of that height. */
static void expect_height(struct wire *from, int64_t height) {
    struct frame frame;
    char wanted[64];
    wire_next(from, &frame, 30000);
    snprintf(wanted, sizeof wanted, "\"chain_id\":\"" CHAIN_ID "\",\"height\":\"%" PRId64 "\"", height);
    ck_assert_msg(frame.first == 0x81 && strstr(frame.payload, wanted) != NULL, "%s is not of height %" PRId64,
                  frame.payload == NULL ? "nothing" : frame.payload, height);
    free(frame.payload);
}

START_TEST(who_begins_at_a_height_hears_of_all_since_without_gap_or_double) {
    open_lab(_i, 4);
    wire_ask(&wire, "1", "subscribe", "{\"query\":\"tm.event='NewBlockHeader'\",\"from_height\":\"2\"}");
    wire_expect(&wire, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}");
    for (int64_t height = 2; height <= 4; height++)
        expect_height(&wire, height);
    wire_expect_silence(&wire);
    for (int64_t height = 5; height <= 30; height++) {
        lab_commit(&lab);
        if (height % 7 == 0)
            lab_turn(&lab);
    }
    for (int64_t height = 5; height <= 30; height++)
        expect_height(&wire, height);
    wire_expect_silence(&wire);
    wire_ask(&wire, "2", "subscribe", "[\"tm.event='Tx'\",\"3\"]");
    wire_expect(&wire, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}");
    wire_expect(&wire, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"query\":\"tm.event='Tx'\",\"data\":{\"type\":\"tendermint/event/Tx\",\"value\":{\"TxResult\":{\"height\":\"3\",\"tx\":");
    wire_expect(&wire, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"query\":\"tm.event='Tx'\",\"data\":{\"type\":\"tendermint/event/Tx\",\"value\":{\"TxResult\":{\"height\":\"3\",\"index\":1,\"tx\":");
    wire_expect_silence(&wire);
    close_lab();
}
END_TEST

START_TEST(a_height_that_is_not_there_is_refused) {
    open_lab(_i, 4);
    wire_ask(&wire, "1", "subscribe", "{\"query\":\"tm.event='Tx'\",\"from_height\":\"6\"}");
    expect_error(&wire, "1", "from_height 6 must be less than or equal to the next height 5");
    wire_ask(&wire, "2", "subscribe", "{\"query\":\"tm.event='Tx'\",\"from_height\":\"0\"}");
    expect_error(&wire, "2", "from_height must be greater than 0, but got 0");
    ck_assert_int_eq(ledger_prune(&lab.chain.ledger, 3, 100), 2);
    lab_commit(&lab);
    wire_ask(&wire, "3", "subscribe", "{\"query\":\"tm.event='Tx'\",\"from_height\":\"2\"}");
    expect_error(&wire, "3", "from_height 2 is not available, lowest height is 3");
    close_lab();
}
END_TEST

enum { HEIGHTS = 1500 };

/* So that little lies in the kernel between the server and us. */
static void narrow(void) {
    int small = 32768;
    setsockopt(wire.sock, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    if (!lab.rpc->apart)
        setsockopt(lab.rpc->http->connections->stream.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
}

/* A client that reads nothing for thousands of blocks, and then everything. */
START_TEST(a_client_that_lags_misses_nothing) {
    open_lab(_i, 4);
    narrow();
    subscribe(&wire, "1", "tm.event='NewBlockHeader'");
    for (int64_t height = 5; height <= (_i == 0 ? HEIGHTS : 200); height++) {
        lab_commit(&lab);
        lab_turn(&lab);
    }
    for (int64_t height = 5; height <= (_i == 0 ? HEIGHTS : 200); height++)
        expect_height(&wire, height);
    wire_expect_silence(&wire);
    close_lab();
}
END_TEST

START_TEST(a_block_of_more_events_than_the_buffer_holds_reaches_a_reading_client) {
    open_lab(_i, 1000);
    subscribe(&wire, "1", "tm.event='Tx'");
    for (int i = 0; i < 1000; i++) {
        char tx[16];
        snprintf(tx, sizeof tx, "k%d=1", i);
        submit(tx);
    }
    lab_commit(&lab);
    for (int i = 0; i < 1000; i++) {
        char text[160];
        int size = snprintf(text, sizeof text, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"query\":\"tm.event='Tx'\",\"data\":{\"type\":\"tendermint/event/Tx\",\"value\":{\"TxResult\":{\"height\":\"5\"");
        if (i > 0)
            snprintf(text + size, sizeof text - (size_t)size, ",\"index\":%d,", i);
        wire_expect(&wire, text);
    }
    wire_expect_silence(&wire);
    close_lab();
}
END_TEST

/* Reads headers from `height` on until something else comes, which it gives. Returns the next height. */
static int64_t read_headers(struct wire *from, int64_t height, struct frame *other) {
    for (;; height++) {
        char wanted[64];
        wire_next(from, other, 30000);
        snprintf(wanted, sizeof wanted, "\"chain_id\":\"" CHAIN_ID "\",\"height\":\"%" PRId64 "\"", height);
        if (other->first != 0x81 || strstr(other->payload, wanted) == NULL)
            return height;
        free(other->payload);
    }
}

START_TEST(a_client_that_takes_nothing_is_told_so_closed_and_goes_on_where_it_was) {
    struct frame frame;
    char params[128];
    int64_t from, last = HEIGHTS;
    open_lab(false, 4);
    *websocket_patience(lab.rpc) = (struct websocket_patience){.ping_ms = 60000, .read_ms = 60000, .write_ms = 1500};
    narrow();
    subscribe(&wire, "\"s\"", "tm.event='NewBlockHeader'");
    int64_t height = 5;
    for (; height <= HEIGHTS; height++) {
        lab_commit(&lab);
        lab_turn(&lab);
    }
    for (int i = 0; i < 400; i++) { /* four seconds without reading: the word is queued, and waits for it a little */
        usleep(10000);
        lab_turn(&lab);
        if (lab.rpc->herald.count == 0)
            break;
    }
    ck_assert_uint_eq(lab.rpc->herald.count, 0);
    from = read_headers(&wire, 5, &frame);
    ck_assert_int_gt(from, 5);
    ck_assert_int_lt(from, HEIGHTS);
    ck_assert_uint_eq(frame.first, 0x81);
    snprintf(params, sizeof params, "\"data\":\"subscription was canceled (reason: slow client); to go on without a gap, subscribe from_height %" PRId64 "\"", from);
    ck_assert_msg(strncmp(frame.payload, "{\"jsonrpc\":\"2.0\",\"id\":\"s\",\"error\":{\"code\":-32000,\"message\":\"Server error\",", 71) == 0 &&
                      strstr(frame.payload, params) != NULL, "%s, not %s", frame.payload, params);
    free(frame.payload);
    wire_expect_close(&wire, 1008);
    wire_close(&wire);
    wire_open(&wire, &lab);
    snprintf(params, sizeof params, "{\"query\":\"tm.event='NewBlockHeader'\",\"from_height\":\"%" PRId64 "\"}", from);
    wire_ask(&wire, "2", "subscribe", params);
    wire_expect(&wire, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}");
    for (; from <= last; from++)
        expect_height(&wire, from);
    close_lab();
}
END_TEST

START_TEST(a_storm_of_subscribers_all_hear_the_same) {
    enum { CLIENTS = 40, PER_CLIENT = 5, BLOCKS = 5 };
    static struct wire clients[CLIENTS];
    lab_open_wide(&lab, &(struct rpc_config){.apart = _i}, 4, 50);
    for (int i = 0; i < CLIENTS; i++) {
        wire_open(&clients[i], &lab);
        for (int k = 0; k < PER_CLIENT; k++) {
            char id[8], query[64];
            snprintf(id, sizeof id, "%d", k);
            snprintf(query, sizeof query, "tm.event='Tx' AND tx.height > %d", k);
            subscribe(&clients[i], id, query);
        }
    }
    for (int b = 0; b < BLOCKS; b++) {
        for (int i = 0; i < 20; i++) {
            char tx[16];
            snprintf(tx, sizeof tx, "k%d=%d", i, b);
            submit(tx);
        }
        lab_commit(&lab);
    }
    for (int i = 0; i < CLIENTS; i++) {
        for (int k = 0; k < BLOCKS * 20 * PER_CLIENT; k++)
            wire_expect(&clients[i], "{\"jsonrpc\":\"2.0\",\"id\":");
        wire_expect_silence(&clients[i]);
        wire_close(&clients[i]);
    }
    lab_close(&lab);
}
END_TEST

/* Told on the core's thread; on the other one the subscription may be newer. */
static void tell(const struct rpc_news *news) {
    for (int i = 0; i < 3000 && !rpc_wants_news(lab.rpc); i++)
        usleep(1000);
    ck_assert(rpc_wants_news(lab.rpc));
    rpc_tell_news(lab.rpc, news);
}

START_TEST(what_consensus_does_is_told) {
    open_lab(_i, 4);
    ck_assert(!rpc_wants_news(lab.rpc));
    subscribe(&wire, "1", "tm.event='NewRoundStep'");
    subscribe(&wire, "2", "tm.event CONTAINS 'Vote'");
    tell(&(struct rpc_news){.kind = RPC_NEWS_NEW_ROUND_STEP, .height = 7, .round = 2, .phase = ENGINE_PREVOTE_WAIT});
    wire_expect(&wire, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"query\":\"tm.event='NewRoundStep'\",\"data\":{\"type\":\"tendermint/event/RoundState\",\"value\":"
                       "{\"height\":\"7\",\"round\":2,\"step\":\"RoundStepPrevoteWait\"}},\"events\":{\"tm.event\":[\"NewRoundStep\"]}}}");
    uint8_t extension[] = "ext";
    struct rpc_news vote = {.kind = RPC_NEWS_VOTE, .vote = {.type = VOTE_PRECOMMIT, .height = 7, .extension = span_of(extension, 3)}};
    tell(&vote);
    memset(extension, 0, sizeof extension);
    struct frame frame;
    wire_next(&wire, &frame, 30000);
    ck_assert_msg(strstr(frame.payload, "\"data\":{\"type\":\"tendermint/event/Vote\",\"value\":{\"Vote\":{\"type\":2,\"height\":\"7\"") != NULL &&
                      strstr(frame.payload, "\"extension\":\"ZXh0\"") != NULL, "%s", frame.payload);
    free(frame.payload);
    lab_commit(&lab);
    wire_expect_silence(&wire);
    wire_ask(&wire, "3", "unsubscribe_all", "[]");
    wire_expect(&wire, "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{}}");
    ck_assert(!rpc_wants_news(lab.rpc));
    close_lab();
}
END_TEST

START_TEST(news_that_a_client_does_not_take_end_its_subscription_with_a_word) {
    open_lab(_i, 4);
    subscribe(&wire, "1", "tm.event='NewRound'");
    struct rpc_news news = {.kind = RPC_NEWS_NEW_ROUND, .height = 7, .phase = ENGINE_NEW_ROUND};
    narrow();
    for (int i = 0; i < 200000 && rpc_wants_news(lab.rpc); i++) {
        rpc_tell_news(lab.rpc, &news);
        if (i % 50 == 0)
            lab_turn(&lab);
    }
    ck_assert(!rpc_wants_news(lab.rpc));
    struct frame frame;
    int count = 0;
    for (;; count++) {
        wire_next(&wire, &frame, 30000);
        ck_assert_uint_eq(frame.first, 0x81);
        if (strstr(frame.payload, "\"error\"") != NULL)
            break;
        free(frame.payload);
    }
    ck_assert_int_gt(count, 0);
    ck_assert_msg(strstr(frame.payload, "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32000,\"message\":\"Server error\",\"data\":\"subscription was canceled (reason: ") != NULL,
                  "%s", frame.payload);
    free(frame.payload);
    wire_expect_close(&wire, 1008);
    close_lab();
}
END_TEST

Suite *suite_subscriber(void);
Suite *suite_subscriber(void) {
    Suite *suite = suite_create("subscriber");
    TCase *both = tcase_create("both ways"), *one = tcase_create("on the core's thread");
    tcase_set_timeout(both, 180);
    tcase_set_timeout(one, 180);
    tcase_add_loop_test(both, a_transaction_is_told_as_cometbft_tells_it, 0, 2);
    tcase_add_loop_test(both, a_block_is_told_in_cometbfts_order, 0, 2);
    tcase_add_loop_test(both, what_cannot_be_subscribed_is_refused_as_cometbft_refuses_it, 0, 2);
    tcase_add_loop_test(both, clients_are_counted_while_they_have_subscriptions, 0, 2);
    tcase_add_loop_test(both, who_begins_at_a_height_hears_of_all_since_without_gap_or_double, 0, 2);
    tcase_add_loop_test(both, a_height_that_is_not_there_is_refused, 0, 2);
    tcase_add_loop_test(both, a_client_that_lags_misses_nothing, 0, 2);
    tcase_add_loop_test(both, a_block_of_more_events_than_the_buffer_holds_reaches_a_reading_client, 0, 2);
    tcase_add_loop_test(both, a_storm_of_subscribers_all_hear_the_same, 0, 2);
    tcase_add_loop_test(both, what_consensus_does_is_told, 0, 2);
    tcase_add_loop_test(both, news_that_a_client_does_not_take_end_its_subscription_with_a_word, 0, 2);
    tcase_add_test(one, a_client_that_takes_nothing_is_told_so_closed_and_goes_on_where_it_was);
    suite_add_tcase(suite, both);
    suite_add_tcase(suite, one);
    return suite;
}
