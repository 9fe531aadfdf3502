#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "node/pex.h"
#include "node/wire.h"
#include "tests/node/post.h"

Suite *suite_pex(void);

static struct event_base *base;
static struct post a, b, c;
static struct outsider one, two;

static void prepare(struct post *post, uint32_t seed) {
    post_prepare(post, seed, 0);
    post->config.pex = true;
}

static void set_up(void) {
    base = event_base_new();
    prepare(&a, 1);
    prepare(&b, 2);
    prepare(&c, 3);
}

static void tear_down(void) {
    outsider_close(&one);
    outsider_close(&two);
    post_close(&a);
    post_close(&b);
    post_close(&c);
    event_base_free(base);
}

/* One that listens nowhere in truth, so a board that dials it learns nothing. */
static void admit(struct outsider *outsider, uint32_t seed, const char *listens) {
    uint32_t ups = a.ups;
    int fd = outsider_connect(switchboard_port(a.board), 1);
    outsider_open(outsider, fd, seed, "test-chain", OUTSIDER_UP);
    snprintf(outsider->info.listen_addr, sizeof outsider->info.listen_addr, "%s", listens);
    outsider_wait(base, 5000, a.ups == ups + 1 && outsider->stage == OUTSIDER_UP);
}

static void say(struct outsider *outsider, const struct wire_pex *message) {
    static uint8_t bytes[80000];
    struct proto_writer writer;
    proto_writer_init(&writer, bytes, sizeof bytes);
    wire_pex_write(&writer, message);
    ck_assert(!writer.overflow);
    outsider_say(outsider, WIRE_PEX, bytes, writer.size);
}

static void ask(struct outsider *outsider) { say(outsider, &(struct wire_pex){.is_request = true}); }

static struct arena arena;
static struct wire_pex answer;

static void expect_answer(struct outsider *outsider, uint32_t messages) {
    outsider_wait(base, 3000, outsider->messages == messages);
    ck_assert_uint_eq(outsider->last_channel, WIRE_PEX);
    arena_close(&arena);
    arena_init(&arena, 1 << 20);
    ck_assert_ptr_null(wire_pex_decode(&answer, span_of(outsider->last, outsider->last_size), &arena));
    ck_assert(!answer.is_request);
}

static bool answer_names(const char *id) {
    for (uint32_t i = 0; i < answer.count; i++)
        if (span_equal(answer.addresses[i].id, span_text(id)))
            return true;
    return false;
}

static void expect_ban(struct outsider *outsider, const char *why) {
    outsider_wait(base, 3000, outsider_is_cut_off(outsider));
    ck_assert_msg(post_said(&a, why), "did not say: %s", why);
    ck_assert(switchboard_is_banned(a.board, outsider->id));
}

/* ---- on the wire */

START_TEST(who_asks_is_told_of_others_but_not_of_itself) {
    a.config.max_num_outbound_peers = 0;
    post_start(&a, base);
    admit(&one, 10, "tcp://0.0.0.0:1");
    ask(&one);
    expect_answer(&one, 1);
    ck_assert_uint_eq(answer.count, 0);
    admit(&two, 11, "tcp://127.0.0.1:2");
    ask(&two);
    expect_answer(&two, 1);
    ck_assert_uint_eq(answer.count, 1);
    ck_assert(answer_names(one.id));
    ck_assert(span_equal(answer.addresses[0].ip, span_text("127.0.0.1")));
    ck_assert_uint_eq(answer.addresses[0].port, 1);
}
END_TEST

START_TEST(addresses_that_nobody_asked_for_are_punished) {
    post_start(&a, base);
    admit(&one, 10, "tcp://0.0.0.0:1");
    say(&one, &(struct wire_pex){.is_request = false});
    expect_ban(&one, "addresses that nobody asked for");
    outsider_close(&one);
    int fd = outsider_connect(switchboard_port(a.board), 1);
    outsider_open(&one, fd, 10, "test-chain", OUTSIDER_UP);
    outsider_wait(base, 3000, outsider_is_cut_off(&one));
    ck_assert(post_said(&a, "banned"));
}
END_TEST

START_TEST(two_requests_are_free_and_a_third_too_soon_is_punished) {
    post_start(&a, base);
    admit(&one, 10, "tcp://0.0.0.0:1");
    ask(&one);
    expect_answer(&one, 1);
    ask(&one);
    expect_answer(&one, 2);
    ask(&one);
    expect_ban(&one, "asks for addresses too often");
    ck_assert_uint_eq(one.messages, 2);
}
END_TEST

START_TEST(talk_that_does_not_decode_is_punished) {
    static const struct {
        const char *bytes;
        size_t size;
    } cases[] = {{"\x12\x05zzzzz", 7}, {"\x1a\x00", 2}, {"", 0}, {"\x12\x0a\x0a\x08\x12\x04" "1.2.\x18\x00", 12}, {"\x12\xff\xff\xff\xff\x0f", 6}};
    post_start(&a, base);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        admit(&one, 10 + (uint32_t)i, "tcp://0.0.0.0:1");
        outsider_say(&one, WIRE_PEX, cases[i].bytes, cases[i].size);
        expect_ban(&one, "lost peer");
        outsider_close(&one);
    }
    admit(&one, 30, "tcp://0.0.0.0:1");
    static uint8_t large[64001];
    outsider_say(&one, WIRE_PEX, large, sizeof large);
    outsider_wait(base, 3000, outsider_is_cut_off(&one));
}
END_TEST

START_TEST(more_addresses_than_a_message_may_hold_are_punished) {
    struct wire_address addresses[251];
    for (size_t i = 0; i < 251; i++)
        addresses[i] = (struct wire_address){span_text("00112233445566778899aabbccddeeff00112233"), span_text("1.2.3.4"), 1};
    post_start(&a, base);
    admit(&one, 10, "tcp://0.0.0.0:1");
    say(&one, &(struct wire_pex){.count = 251, .addresses = addresses});
    expect_ban(&one, "too many addresses");
}
END_TEST

START_TEST(a_private_peer_is_not_given_away) {
    static char ids[100];
    struct ed25519_key *key = outsider_key(10);
    struct node_info info = outsider_info(key, "");
    snprintf(ids, sizeof ids, "00112233445566778899aabbccddeeff00112233 , %s", info.id);
    ed25519_key_free(key);
    a.config.private_peer_ids = ids;
    a.config.max_num_outbound_peers = 0;
    post_start(&a, base);
    admit(&one, 10, "tcp://0.0.0.0:1");
    admit(&two, 11, "tcp://0.0.0.0:2");
    ask(&two);
    expect_answer(&two, 1);
    ck_assert_uint_eq(answer.count, 0);
    ask(&one);
    expect_answer(&one, 1);
    ck_assert(answer_names(two.id));
}
END_TEST

START_TEST(a_node_without_the_channel_is_not_asked_and_one_without_pex_does_not_have_it) {
    char address[100];
    b.config.pex = false;
    post_start(&b, base);
    post_address(address, &b);
    a.config.persistent_peers = address;
    post_start(&a, base);
    outsider_wait(base, 3000, a.ups == 1 && b.ups == 1);
    outsider_rest(base, 500);
    ck_assert_uint_eq(a.downs + b.downs, 0);
}
END_TEST

/* a knows only the seed b; c has told b where it listens. */
START_TEST(a_node_that_knows_only_a_seed_finds_the_others) {
    char address[100];
    post_start(&b, base);
    post_address(address, &b);
    c.config.seeds = address;
    post_start(&c, base);
    outsider_wait(base, 5000, c.ups == 1 && b.ups == 1);
    a.config.seeds = address;
    post_start(&a, base);
    outsider_wait(base, 10000, a.ups == 2 && c.ups == 2);
    ck_assert(post_said(&a, c.info.id));
    ck_assert_uint_eq(a.downs + b.downs + c.downs, 0);
}
END_TEST

START_TEST(no_more_peers_are_dialled_than_wanted) {
    char address[100];
    struct post more[4];
    post_start(&b, base);
    post_address(address, &b);
    for (uint32_t i = 0; i < 4; i++) {
        prepare(&more[i], 20 + i);
        more[i].config.seeds = address;
        more[i].config.max_num_outbound_peers = 1;
        post_start(&more[i], base);
    }
    outsider_wait(base, 5000, b.ups == 4);
    a.config.seeds = address;
    a.config.max_num_outbound_peers = 3;
    post_start(&a, base);
    outsider_wait(base, 10000, switchboard_count(a.board, true) == 3);
    outsider_rest(base, 1500);
    ck_assert_uint_eq(switchboard_count(a.board, true), 3);
    ck_assert_uint_eq(switchboard_count(a.board, false), 0);
    for (uint32_t i = 0; i < 4; i++)
        post_close(&more[i]);
}
END_TEST

/* Those that are being dialled count already, or there would be too many when they answer. */
START_TEST(nodes_that_are_slow_to_answer_are_not_dialled_all_at_once) {
    char listens[50];
    uint16_t port = 0;
    int silent = outsider_listen(&port), dials = 0;
    snprintf(listens, sizeof listens, "tcp://127.0.0.1:%u", port);
    a.config.max_num_outbound_peers = 2;
    post_start(&a, base);
    for (uint32_t i = 0; i < 5; i++) {
        admit(&one, 10 + i, listens);
        outsider_close(&one);
    }
    outsider_rest(base, 2000);
    for (int fd; (fd = accept(silent, NULL, NULL)) >= 0; dials++)
        close(fd);
    ck_assert_int_eq(dials, 2);
    close(silent);
}
END_TEST

START_TEST(a_strict_board_keeps_no_address_that_is_not_routable) {
    a.config.addr_book_strict = true;
    a.config.max_num_outbound_peers = 0;
    post_start(&a, base);
    admit(&one, 10, "tcp://0.0.0.0:1");
    admit(&two, 11, "tcp://192.168.1.1:1");
    ask(&two);
    expect_answer(&two, 1);
    ck_assert_uint_eq(answer.count, 0);
}
END_TEST

/* ---- the table */

static struct pex pex;
static const char own[] = "00000000000000000000000000000000000000aa", source[] = "ffffffffffffffffffffffffffffffffffffffff";

static struct netaddress address(uint32_t number, const char *host, uint16_t port) {
    char text[100];
    struct netaddress made;
    snprintf(text, sizeof text, "%040x@%s:%u", number, host, port);
    ck_assert_int_eq(netaddress_parse(&made, span_text(text)), NETADDRESS_GOOD);
    return made;
}

static void note(uint32_t number, const char *host, uint16_t port, const char *teller) {
    struct netaddress made = address(number, host, port);
    pex_note(&pex, &made, teller);
}

static void note_own(uint32_t number, const char *host, uint16_t port) {
    char id[41];
    snprintf(id, sizeof id, "%040x", number);
    note(number, host, port, id);
}

static bool is_wanted(void *context, const struct pex_known *known) { return context == NULL || strcmp(context, known->id) == 0; }

START_TEST(only_acceptable_addresses_are_kept) {
    pex_init(&pex, own, true, "00000000000000000000000000000000000000bb");
    note(1, "192.168.0.1", 26656, source);
    note(2, "127.0.0.1", 26656, source);
    note(3, "8.8.8.8", 0, source);
    note(4, "example.org", 26656, source);
    note(0xaa, "8.8.8.8", 26656, source);
    note(0xbb, "8.8.8.8", 26656, source);
    note(5, "[::1]", 26656, source);
    ck_assert_uint_eq(pex.count, 0);
    note(6, "8.8.8.8", 26656, source);
    note(7, "[2600::1]", 26656, source);
    ck_assert_uint_eq(pex.count, 2);
    pex_close(&pex);
    pex_init(&pex, own, false, NULL);
    note(1, "192.168.0.1", 26656, source);
    note(2, "127.0.0.1", 26656, source);
    ck_assert_uint_eq(pex.count, 2);
    pex_close(&pex);
}
END_TEST

START_TEST(hearsay_does_not_replace_what_is_proven_or_untried) {
    struct netaddress out;
    pex_init(&pex, own, true, NULL);
    note(1, "8.8.8.1", 1, source);
    note(1, "8.8.8.2", 2, source);
    ck_assert_str_eq(pex.known[0].address.host, "8.8.8.1");
    ck_assert(pex_pick(&pex, &out, 0, is_wanted, NULL));
    note(1, "8.8.8.3", 3, source); /* the first was tried in vain */
    ck_assert_str_eq(pex.known[0].address.host, "8.8.8.3");
    note_own(1, "8.8.8.4", 4); /* it must know */
    ck_assert_str_eq(pex.known[0].address.host, "8.8.8.4");
    pex.known[0].proven = true;
    note(1, "8.8.8.5", 5, source);
    note_own(1, "8.8.8.6", 6);
    ck_assert_str_eq(pex.known[0].address.host, "8.8.8.4");
    ck_assert_uint_eq(pex.count, 1);
    pex_close(&pex);
}
END_TEST

START_TEST(one_teller_cannot_fill_the_table_and_a_full_table_lets_go_of_the_worst) {
    struct netaddress out;
    pex_init(&pex, own, true, NULL);
    for (uint32_t i = 1; i <= 600; i++)
        note(i, "8.8.8.8", 1, source);
    ck_assert_uint_eq(pex.count, PEX_SOURCE_MAX);
    for (uint32_t i = 1000; pex.count < PEX_KNOWN_MAX; i++)
        note_own(i, "8.8.8.8", 1);
    note_own(5000, "8.8.8.8", 1);
    ck_assert_uint_eq(pex.count, PEX_KNOWN_MAX);
    char id[41];
    snprintf(id, sizeof id, "%040x", 77u);
    ck_assert(pex_pick(&pex, &out, 0, is_wanted, id));
    note_own(5000, "8.8.8.8", 1);
    ck_assert_uint_eq(pex.count, PEX_KNOWN_MAX);
    snprintf(id, sizeof id, "%040x", 5000u);
    ck_assert(pex_pick(&pex, &out, 10, is_wanted, id));
    snprintf(id, sizeof id, "%040x", 77u);
    ck_assert(!pex_pick(&pex, &out, 1000000, is_wanted, id));
    pex_close(&pex);
}
END_TEST

START_TEST(an_address_in_vain_is_tried_ever_more_seldom_and_at_last_no_more_until_it_stayed) {
    struct netaddress out;
    pex_init(&pex, own, true, NULL);
    ck_assert(!pex_pick(&pex, &out, 0, is_wanted, NULL));
    note(1, "8.8.8.1", 1, source);
    char nobody[] = "nobody";
    int64_t now = 0;
    for (int i = 0; i < PEX_ATTEMPTS_MAX; i++) {
        int64_t wait = (int64_t)1000 << (i < 12 ? i : 12);
        ck_assert(!pex_pick(&pex, &out, now, is_wanted, nobody));
        ck_assert(pex_pick(&pex, &out, now, is_wanted, NULL));
        ck_assert(!pex_pick(&pex, &out, now + wait - 1, is_wanted, NULL));
        now += wait;
    }
    ck_assert(!pex_pick(&pex, &out, INT64_MAX / 2, is_wanted, NULL));
    pex_good(&pex, "0000000000000000000000000000000000000001");
    ck_assert(pex_pick(&pex, &out, now, is_wanted, NULL));
    ck_assert_str_eq(out.host, "8.8.8.1");
    pex_close(&pex);
}
END_TEST

START_TEST(all_addresses_get_their_turn) {
    struct netaddress out;
    bool seen[20] = {false};
    pex_init(&pex, own, true, NULL);
    for (uint32_t i = 0; i < 20; i++)
        note(i + 1, "8.8.8.1", (uint16_t)(i + 1), source);
    for (uint32_t i = 0; i < 20; i++) {
        ck_assert(pex_pick(&pex, &out, 0, is_wanted, NULL));
        ck_assert(!seen[out.port - 1]);
        seen[out.port - 1] = true;
    }
    ck_assert(!pex_pick(&pex, &out, 0, is_wanted, NULL));
    pex_close(&pex);
}
END_TEST

Suite *suite_pex(void) {
    Suite *suite = suite_create("pex");
    TCase *tests = tcase_create("pex");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, who_asks_is_told_of_others_but_not_of_itself);
    tcase_add_test(tests, addresses_that_nobody_asked_for_are_punished);
    tcase_add_test(tests, two_requests_are_free_and_a_third_too_soon_is_punished);
    tcase_add_test(tests, talk_that_does_not_decode_is_punished);
    tcase_add_test(tests, more_addresses_than_a_message_may_hold_are_punished);
    tcase_add_test(tests, a_private_peer_is_not_given_away);
    tcase_add_test(tests, a_node_without_the_channel_is_not_asked_and_one_without_pex_does_not_have_it);
    tcase_add_test(tests, a_node_that_knows_only_a_seed_finds_the_others);
    tcase_add_test(tests, no_more_peers_are_dialled_than_wanted);
    tcase_add_test(tests, nodes_that_are_slow_to_answer_are_not_dialled_all_at_once);
    tcase_add_test(tests, a_strict_board_keeps_no_address_that_is_not_routable);
    tcase_add_test(tests, only_acceptable_addresses_are_kept);
    tcase_add_test(tests, hearsay_does_not_replace_what_is_proven_or_untried);
    tcase_add_test(tests, one_teller_cannot_fill_the_table_and_a_full_table_lets_go_of_the_worst);
    tcase_add_test(tests, an_address_in_vain_is_tried_ever_more_seldom_and_at_last_no_more_until_it_stayed);
    tcase_add_test(tests, all_addresses_get_their_turn);
    suite_add_tcase(suite, tests);
    return suite;
}
