/* The light client's websocket: verified answers, and events that were held against headers before they are told. */
#include "node/light_feed.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "node/rpcclient.h"
#include "tests/node/lightbox.h"

Suite *suite_light_feed(void);

static struct lightbox box;
static struct wire wire, node_wire;
static struct lab node_door; /* for wires to the node itself */

static void open_box(int64_t heights, bool relayed) {
    lightbox_open(&box, heights, &(struct light_proxy_limits){.subscribers = 2, .subscriptions_each = 3}, relayed);
    wire_open(&wire, &box.door);
}

static void close_box(void) {
    wire_close(&wire);
    lightbox_close(&box);
}

static void open_node_wire(void) {
    node_door = (struct lab){.port = rpc_port(box.lab.rpc)};
    wire_open(&node_wire, &node_door);
}

static void expect_good(struct wire *to, const char *id) {
    char answer[64];
    snprintf(answer, sizeof answer, "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{}}", id);
    wire_expect(to, answer);
}

/* from 0: from now on. */
static void ask_for(struct wire *to, const char *id, const char *query, int from) {
    char params[700];
    if (from == 0)
        snprintf(params, sizeof params, "{\"query\":\"%s\"}", query);
    else
        snprintf(params, sizeof params, "{\"query\":\"%s\",\"from_height\":\"%d\"}", query, from);
    wire_ask(to, id, "subscribe", params);
}

static void subscribe(struct wire *to, const char *id, const char *query, int from) {
    ask_for(to, id, query, from);
    expect_good(to, id);
}

static void expect_part(struct wire *from, const char *part) {
    struct frame frame;
    wire_next_word(from, &frame, 60000);
    ck_assert_msg(frame.first == 0x81 && strstr(frame.payload, part) != NULL, "%02x %s has no %s", frame.first, frame.payload == NULL ? "" : frame.payload, part);
    free(frame.payload);
}

static void expect_refusal(const char *query, int from, const char *part) {
    ask_for(&wire, "9", query, from);
    expect_part(&wire, part);
}

static void expect_nothing(struct wire *from, int ms) {
    struct frame frame;
    wire_next_word(from, &frame, ms);
    ck_assert_msg(frame.first == 0 && !from->closed, "%02x %s", frame.first, frame.payload == NULL ? "" : frame.payload);
}

static void check_same(int count) {
    for (int i = 0; i < count; i++) {
        struct frame ours, theirs;
        wire_next_word(&wire, &ours, 60000);
        wire_next_word(&node_wire, &theirs, 60000);
        ck_assert_msg(ours.first == 0x81 && theirs.first == 0x81, "%02x, the node %02x: message %d", ours.first, theirs.first, i);
        ck_assert_str_eq(ours.payload, theirs.payload);
        free(ours.payload);
        free(theirs.payload);
    }
}

/* ---- calls */

START_TEST(calls_over_the_websocket_get_the_verified_answers) {
    open_box(8, false);
    open_node_wire();
    static const char *const calls[][2] = {{"block", "{\"height\":\"3\"}"}, {"commit", "{\"height\":\"4\"}"}, {"validators", "[\"3\",\"1\",\"1\"]"},
                                           {"genesis", "{}"},             {"abci_info", "{}"},              {"tx", "{\"hash\":\"AAAA\"}"},
                                           {"nothing", "{}"},             {"block", "{\"height\":\"-2\"}"}};
    for (size_t i = 0; i < 5; i++) {
        wire_ask(&wire, "\"a\"", calls[i][0], calls[i][1]);
        wire_ask(&node_wire, "\"a\"", calls[i][0], calls[i][1]);
        check_same(1);
    }
    wire_ask(&wire, "1", calls[5][0], calls[5][1]);
    expect_part(&wire, "32 bytes");
    wire_ask(&wire, "1", calls[6][0], calls[6][1]);
    expect_part(&wire, "Method not found");
    wire_ask(&wire, "1", "header", "{\"height\":\"99\"}");
    expect_part(&wire, "light client: ");
    wire_ask(&wire, "1", "abci_query", "{\"path\":\"/key\",\"data\":\"61\"}");
    expect_part(&wire, "gave no proof");
    wire_call(&wire, "{\"jsonrpc\":\"2.0\",\"method\":\"health\"}"); /* is not answered */
    wire_call(&wire, "{");
    expect_part(&wire, "-32700");
    wire_ask(&wire, "2", "health", "{}");
    expect_good(&wire, "2");
    wire_close(&node_wire);
    close_box();
}
END_TEST

START_TEST(a_lie_is_not_answered_over_the_websocket_either) {
    open_box(8, true);
    lightbox_lie(&box, 0, "\"block\"", "\"proposer_address\":\"", "\"proposer_address\":\"00");
    wire_ask(&wire, "1", "block", "{\"height\":\"3\"}");
    expect_part(&wire, "\"error\"");
    lightbox_lie(&box, 0, "\"genesis_chunked\"", NULL, NULL);
    wire_ask(&wire, "2", "genesis_chunked", "{\"chunk\":\"7\"}"); /* the node's own error comes as it is */
    expect_part(&wire, "{\"jsonrpc\":\"2.0\",\"id\":2,\"error\":{\"code\":-32603,\"message\":\"Internal error\",\"data\":\"");
    close_box();
}
END_TEST

/* ---- events */

static const char *const queries[] = {"tm.event='NewBlock'", "tm.event='NewBlockHeader'", "tm.event='NewBlockEvents'", "tm.event='Tx' AND app.key EXISTS",
                                      "tm.event EXISTS", "app.key='k1' AND tx.height > 8"};

START_TEST(events_are_told_as_the_node_tells_them_to_the_byte) {
    static const int counts[] = {11, 11, 11, 6, 3 * 11 + 6, 2};
    open_box(8, false);
    open_node_wire();
    subscribe(&wire, "7", queries[_i], 1); /* the third height has two transactions */
    subscribe(&node_wire, "7", queries[_i], 1);
    lightbox_commit(&box, "k1=v1", "x=y");
    lightbox_commit(&box, "k1=v2", "abc=def");
    lightbox_commit(&box, NULL, NULL);
    lightbox_commit(&box, NULL, NULL);
    check_same(counts[_i]);
    wire_close(&node_wire);
    close_box();
}
END_TEST

START_TEST(a_subscription_begins_now_and_ends_when_it_is_told_to) {
    open_box(8, true);
    lightbox_lie(&box, 0, "\"block_results\"", NULL, NULL);
    subscribe(&wire, "1", "tm.event='NewBlockHeader'", 0);
    subscribe(&wire, "2", "tm.event='Tx'", 0);
    expect_nothing(&wire, 500); /* height 8 is there, and nothing has confirmed it */
    lightbox_commit(&box, "a=b", NULL);
    expect_part(&wire, "\"header\":{\"version\":{\"block\":\"11\",\"app\":\"1\"},\"chain_id\":\"test-chain\",\"height\":\"8\"");
    lightbox_commit(&box, NULL, NULL);
    expect_part(&wire, "\"height\":\"9\"");
    expect_part(&wire, "\"TxResult\":{\"height\":\"9\",\"tx\":\"YT1i\"");
    wire_ask(&wire, "3", "unsubscribe", "{\"query\":\"tm.event='Tx'\"}");
    expect_good(&wire, "3");
    lightbox_commit(&box, "c=d", NULL);
    lightbox_commit(&box, NULL, NULL);
    expect_part(&wire, "\"height\":\"10\"");
    expect_part(&wire, "\"height\":\"11\"");
    wire_ask(&wire, "4", "unsubscribe_all", "{}");
    expect_good(&wire, "4");
    wire_ask(&wire, "5", "unsubscribe_all", "{}");
    expect_part(&wire, "subscription not found");
    unsigned asked = atomic_load(&box.relays[0].asked);
    lightbox_commit(&box, NULL, NULL);
    lightbox_commit(&box, NULL, NULL);
    expect_nothing(&wire, 1000);
    ck_assert_uint_eq(atomic_load(&box.relays[0].asked), asked); /* nobody listens, so nobody is asked */
    subscribe(&wire, "6", "tm.event='NewBlockHeader'", 11); /* and nothing was missed */
    expect_part(&wire, "\"height\":\"11\"");
    expect_part(&wire, "\"height\":\"12\"");
    close_box();
}
END_TEST

/* ---- lies */

static const struct {
    const char *method, *find, *put;
} lies[] = {
    {"\"block\"", "\"txs\":[\"", "\"txs\":[\"YWJj\",\""},
    {"\"block\"", "\"evidence\":{\"evidence\":", "\"evidence\":{\"evidence\":[],\"x\":"},
    {"\"block\"", "\"block\":{", "\"block\":null,\"x\":{"},
    {"\"block\"", "\"block_id_flag\":2", "\"block_id_flag\":3"},
    {"\"block\"", "\"round\":0", "\"round\":1"},
    {"\"block_results\"", "\"code\":0", "\"code\":1"},
    {"\"block_results\"", "\"gas_wanted\":\"", "\"gas_wanted\":\"1"},
    {"\"block_results\"", "\"data\":null", "\"data\":\"YWJj\""},
    {"\"block_results\"", "\"txs_results\":[", "\"txs_results\":[],\"x\":["},
    {"\"block_results\"", "\"app_hash\":\"", "\"app_hash\":\"AAAA"},
    {"\"block_results\"", "\"validator_updates\":null",
     "\"validator_updates\":[{\"pub_key\":{\"Sum\":{\"type\":\"tendermint.crypto.PublicKey_Ed25519\",\"value\":{\"ed25519\":"
     "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}}},\"power\":\"5\"}]"},
    {"\"block_results\"", "\"consensus_param_updates\":null", "\"consensus_param_updates\":{\"block\":{\"max_bytes\":\"7\",\"max_gas\":\"-1\"}}"},
    {"\"block_results\"", "\"events\":[", "\"events\":[7,"},
    {"\"block_results\"", "{", "["},
};

START_TEST(what_the_primary_makes_up_is_not_told_but_what_the_witness_says_truly) {
    open_box(8, true);
    open_node_wire();
    lightbox_lie(&box, 0, lies[_i].method, lies[_i].find, lies[_i].put);
    subscribe(&wire, "7", "tm.event EXISTS", 3);
    subscribe(&node_wire, "7", "tm.event EXISTS", 3);
    lightbox_commit(&box, "a=b", NULL);
    lightbox_commit(&box, NULL, NULL);
    check_same(7 * 3 + 2 + 1);
    ck_assert_uint_gt(atomic_load(&box.relays[0].lied), 0);
    wire_close(&node_wire);
    close_box();
}
END_TEST

START_TEST(when_all_lie_nothing_is_told_and_the_subscriber_hears_why) {
    open_box(8, true);
    light_feed_patience(box.gate.feed, 1500);
    subscribe(&wire, "7", "tm.event='NewBlock'", 0);
    lightbox_lie(&box, 0, "\"block_results\"", "\"code\":0", "\"code\":9");
    lightbox_lie(&box, 1, "\"block_results\"", "\"code\":0", "\"code\":9");
    lightbox_commit(&box, "a=b", NULL);
    expect_part(&wire, "\"height\":\"8\"");
    lightbox_commit(&box, NULL, NULL);
    struct frame frame;
    wire_next_word(&wire, &frame, 60000);
    ck_assert_msg(frame.first == 0x81 && strstr(frame.payload, "\"id\":7,\"error\":{\"code\":-32000") != NULL, "%s", frame.payload);
    ck_assert_msg(strstr(frame.payload, "height 9: ") != NULL && strstr(frame.payload, "not those that the next header names") != NULL, "%s", frame.payload);
    ck_assert_msg(strstr(frame.payload, "subscribe from_height 9") != NULL, "%s", frame.payload);
    free(frame.payload);
    wire_expect_close(&wire, 1008);
    wire_close(&wire);
    lightbox_lie(&box, 1, "\"block_results\"", NULL, NULL); /* one has come to its senses */
    wire_open(&wire, &box.door);
    subscribe(&wire, "7", "tm.event='NewBlock'", 9);
    expect_part(&wire, "\"height\":\"9\"");
    close_box();
}
END_TEST

/* ---- sources that go away */

START_TEST(the_witness_stands_in_for_a_primary_that_is_gone) {
    open_box(8, true);
    subscribe(&wire, "7", "tm.event='NewBlockHeader'", 0);
    lightbox_commit(&box, NULL, NULL);
    expect_part(&wire, "\"height\":\"8\"");
    lightbox_lie(&box, 1, "\"block\"", NULL, NULL);
    box.gate.limits.timeout_ms = 20000;
    lightbox_lie(&box, 0, "\"block\"", "{", ""); /* no JSON any more */
    lightbox_commit(&box, NULL, NULL);
    lightbox_commit(&box, NULL, NULL);
    expect_part(&wire, "\"height\":\"9\"");
    expect_part(&wire, "\"height\":\"10\"");
    ck_assert_uint_gt(atomic_load(&box.relays[1].asked), 0);
    close_box();
}
END_TEST

START_TEST(sources_that_come_back_are_gone_on_with_and_there_is_no_gap) {
    open_box(8, true);
    subscribe(&wire, "7", "tm.event='NewBlockHeader'", 0);
    lightbox_commit(&box, NULL, NULL);
    expect_part(&wire, "\"height\":\"8\"");
    atomic_store(&box.relays[0].silent, true);
    atomic_store(&box.relays[1].silent, true);
    for (int i = 0; i < 5; i++)
        lightbox_commit(&box, NULL, NULL);
    expect_nothing(&wire, 1000);
    atomic_store(&box.relays[0].silent, false);
    atomic_store(&box.relays[1].silent, false);
    for (int height = 9; height < 14; height++) {
        char part[32];
        snprintf(part, sizeof part, "\"height\":\"%d\"", height);
        expect_part(&wire, part);
    }
    close_box();
}
END_TEST

START_TEST(sources_that_stay_away_end_the_subscription_with_a_word_and_a_place_to_go_on_from) {
    open_box(8, true);
    light_feed_patience(box.gate.feed, 1000);
    subscribe(&wire, "7", "tm.event='NewBlockHeader'", 0);
    atomic_store(&box.relays[0].silent, true);
    atomic_store(&box.relays[1].silent, true);
    expect_part(&wire, "subscribe from_height 8");
    wire_expect_close(&wire, 1008);
    wire_close(&wire);
    wire_open(&wire, &box.door);
    ask_for(&wire, "8", "tm.event='NewBlockHeader'", 8); /* what cannot be begun is refused, and the connection lasts */
    expect_part(&wire, "unavailable");
    atomic_store(&box.relays[0].silent, false);
    atomic_store(&box.relays[1].silent, false);
    subscribe(&wire, "8", "tm.event='NewBlockHeader'", 8);
    lightbox_commit(&box, NULL, NULL);
    expect_part(&wire, "\"height\":\"8\"");
    close_box();
}
END_TEST

/* ---- limits */

START_TEST(what_nobody_can_verify_and_what_is_too_much_is_refused) {
    struct wire second, third;
    char query[600];
    open_box(8, false);
    expect_refusal("tm.event='Vote'", 0, "events of consensus cannot be verified");
    expect_refusal("tm.event='NewRoundStep'", 0, "events of consensus cannot be verified");
    expect_refusal("tm.event=", 0, "failed to parse query");
    expect_refusal("tm.event='Tx'", 9, "must be less than or equal to the next height 8");
    expect_refusal("tm.event='Tx'", -1, "greater than 0");
    memset(query, 'a', 513);
    query[513] = '\0';
    expect_refusal(query, 0, "maximum query length exceeded");
    subscribe(&wire, "1", "tm.event='Tx'", 0);
    expect_refusal("tm.event='Tx'", 0, "already subscribed");
    subscribe(&wire, "2", "tm.event='NewBlock'", 0);
    subscribe(&wire, "3", "tm.event='NewBlockHeader'", 0);
    expect_refusal("tm.event='NewBlockEvents'", 0, "max_subscriptions_per_client 3 reached");
    wire_open(&second, &box.door);
    subscribe(&second, "1", "tm.event='Tx'", 0);
    wire_open(&third, &box.door);
    ask_for(&third, "1", "tm.event='Tx'", 0);
    expect_part(&third, "max_subscription_clients 2 reached");
    wire_close(&second);
    for (int tries = 0; tries < 500; tries++) { /* until its place is free */
        struct frame frame;
        ask_for(&third, "1", "tm.event='Tx'", 0);
        wire_next_word(&third, &frame, 60000);
        bool good = frame.payload != NULL && strstr(frame.payload, "\"result\":{}") != NULL;
        free(frame.payload);
        if (good)
            break;
        ck_assert_int_lt(tries, 499);
        usleep(10000);
    }
    wire_close(&third);
    close_box();
}
END_TEST

START_TEST(heights_too_far_back_are_refused_with_the_lowest_that_is_there) {
    open_box(90, false);
    expect_refusal("tm.event='NewBlock'", 5, "from_height 5 is not available, lowest height is 26");
    subscribe(&wire, "1", "tm.event='NewBlockHeader'", 26);
    for (int height = 26; height < 90; height++) {
        char part[32];
        snprintf(part, sizeof part, "\"height\":\"%d\"", height);
        expect_part(&wire, part);
    }
    close_box();
}
END_TEST

/* Between the fetching for one subscriber and its subscription another one may come. */
START_TEST(what_was_fetched_for_one_who_subscribes_is_not_lost_to_the_next) {
    char *why = NULL;
    open_box(8, false);
    ck_assert_msg(light_feed_reach(box.gate.feed, 3, &why), "%s", why);
    lightbox_commit(&box, NULL, NULL);
    ck_assert_msg(light_feed_reach(box.gate.feed, 0, &why), "%s", why);
    ck_assert_int_eq(light_feed_ledger(box.gate.feed)->base, 3);
    ck_assert_int_eq(light_feed_ledger(box.gate.feed)->state.height, 8);
    close_box();
}
END_TEST

START_TEST(after_an_attack_subscriptions_end_at_once) {
    open_box(8, false);
    subscribe(&wire, "1", "tm.event='NewBlock'", 0);
    pthread_mutex_lock(&box.gate.lock);
    box.client.attacked_at = 8;
    pthread_mutex_unlock(&box.gate.lock);
    lightbox_commit(&box, NULL, NULL);
    expect_part(&wire, "an attack was seen at height 8");
    wire_expect_close(&wire, 1008);
    close_box();
}
END_TEST

/* What it has not taken waits in the mirror, not in memory of its own; what the mirror has let go, it hears that it is gone. */
START_TEST(a_subscriber_that_takes_nothing_costs_no_more_than_the_mirror_and_is_told_where_it_lost) {
    int64_t height = 8;
    int little = 65536;
    bool ended = false;
    lightbox_open(&box, 8, &(struct light_proxy_limits){.buffered_messages = 2}, false);
    wire_open(&wire, &box.door);
    setsockopt(wire.sock, SOL_SOCKET, SO_RCVBUF, &little, sizeof little);
    subscribe(&wire, "1", "tm.event='NewBlock'", 0);
    struct wire quick;
    wire_open(&quick, &box.door);
    subscribe(&quick, "2", "tm.event='NewBlockHeader'", 0);
    lightbox_commit_large(&box, 150);
    for (int i = 8; i < 158; i++)
        expect_part(&quick, "NewBlockHeader");
    wire_close(&quick);
    while (!ended) {
        struct frame frame;
        char part[40];
        wire_next_word(&wire, &frame, 60000);
        ck_assert_uint_eq(frame.first, 0x81);
        snprintf(part, sizeof part, "\"height\":\"%d\"", (int)height);
        ended = strstr(frame.payload, "\"error\"") != NULL;
        ck_assert_msg(ended || strstr(frame.payload, part) != NULL, "not %s: %.300s", part, frame.payload);
        if (ended)
            ck_assert_msg(strstr(frame.payload, "not available any more") != NULL || strstr(frame.payload, "slow client") != NULL, "%.300s", frame.payload);
        height += !ended;
        free(frame.payload);
    }
    wire_expect_close(&wire, 1008);
    ck_assert_int_gt(height, 8);
    close_box();
}
END_TEST

START_TEST(stopping_ends_subscriptions_and_calls_under_way) {
    open_box(8, false);
    subscribe(&wire, "1", "tm.event='NewBlock'", 0);
    wire_ask(&wire, "2", "block", "{\"height\":\"5\"}");
    close_box();
}
END_TEST

Suite *suite_light_feed(void) {
    Suite *suite = suite_create("light_feed");
    TCase *tests = tcase_create("light_feed");
    tcase_set_timeout(tests, 240);
    tcase_add_test(tests, calls_over_the_websocket_get_the_verified_answers);
    tcase_add_test(tests, a_lie_is_not_answered_over_the_websocket_either);
    tcase_add_loop_test(tests, events_are_told_as_the_node_tells_them_to_the_byte, 0, (int)(sizeof queries / sizeof queries[0]));
    tcase_add_test(tests, a_subscription_begins_now_and_ends_when_it_is_told_to);
    tcase_add_loop_test(tests, what_the_primary_makes_up_is_not_told_but_what_the_witness_says_truly, 0, (int)(sizeof lies / sizeof lies[0]));
    tcase_add_test(tests, when_all_lie_nothing_is_told_and_the_subscriber_hears_why);
    tcase_add_test(tests, the_witness_stands_in_for_a_primary_that_is_gone);
    tcase_add_test(tests, sources_that_come_back_are_gone_on_with_and_there_is_no_gap);
    tcase_add_test(tests, sources_that_stay_away_end_the_subscription_with_a_word_and_a_place_to_go_on_from);
    tcase_add_test(tests, what_nobody_can_verify_and_what_is_too_much_is_refused);
    tcase_add_test(tests, heights_too_far_back_are_refused_with_the_lowest_that_is_there);
    tcase_add_test(tests, what_was_fetched_for_one_who_subscribes_is_not_lost_to_the_next);
    tcase_add_test(tests, after_an_attack_subscriptions_end_at_once);
    tcase_add_test(tests, a_subscriber_that_takes_nothing_costs_no_more_than_the_mirror_and_is_told_where_it_lost);
    tcase_add_test(tests, stopping_ends_subscriptions_and_calls_under_way);
    suite_add_tcase(suite, tests);
    return suite;
}
