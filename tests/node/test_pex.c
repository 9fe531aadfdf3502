#include <check.h>
#include <fcntl.h>
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

START_TEST(dead_seeds_do_not_delay_the_one_that_lives) {
    char address[100], seeds[400];
    post_start(&b, base);
    post_address(address, &b);
    uint16_t port = post_free_port();
    snprintf(seeds, sizeof seeds, "00112233445566778899aabbccddeeff00112233@127.0.0.1:%u,10112233445566778899aabbccddeeff00112233@127.0.0.1:%u,%s", port, port,
             address);
    a.config.seeds = seeds;
    post_start(&a, base);
    outsider_wait(base, 15000, a.ups == 1 && b.ups == 1);
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

/* ---- whom the book is told of */

START_TEST(a_teller_is_known_by_the_address_that_it_speaks_from) {
    a.config.max_num_outbound_peers = 0;
    post_start(&a, base);
    admit(&one, 10, "tcp://8.8.8.8:7");
    ask(&one);
    expect_answer(&one, 1);
    admit(&two, 11, "tcp://0.0.0.0:8");
    ask(&two);
    expect_answer(&two, 1);
    ck_assert_uint_eq(answer.count, 1);
    ck_assert(span_equal(answer.addresses[0].ip, span_text("8.8.8.8"))); /* what it says of itself is told */
    char book[64], text[4096] = "";
    snprintf(book, sizeof book, "/tmp/quorate-pex-%d.json", getpid());
    a.config.addr_book_path = book;
    post_stop(&a);
    post_start(&a, base);
    outsider_close(&one);
    admit(&one, 12, "tcp://8.8.4.4:7");
    post_stop(&a);
    FILE *in = fopen(book, "r");
    ck_assert_ptr_nonnull(in);
    ck_assert_uint_gt(fread(text, 1, sizeof text - 1, in), 0);
    fclose(in);
    unlink(book);
    ck_assert_ptr_nonnull(strstr(strstr(text, "\"src\""), "\"127.0.0.1\""));
}
END_TEST

static char book_path[64];

static void keep_book(struct post *post) {
    snprintf(book_path, sizeof book_path, "/tmp/quorate-pex-%d.json", getpid());
    unlink(book_path);
    post->config.addr_book_path = book_path;
}

START_TEST(a_node_finds_peers_by_its_book_alone) {
    keep_book(&a);
    post_start(&c, base);
    FILE *out = fopen(book_path, "w");
    ck_assert_ptr_nonnull(out);
    fprintf(out,
            "{\"key\":\"0102\",\"addrs\":[{\"addr\":{\"id\":\"%s\",\"ip\":\"127.0.0.1\",\"port\":%u},\"src\":null,\"buckets\":[3],\"attempts\":0,"
            "\"bucket_type\":1}]}",
            c.info.id, switchboard_port(c.board));
    fclose(out);
    post_start(&a, base);
    outsider_wait(base, 10000, c.ups == 1);
    ck_assert_str_eq(c.last_id, a.info.id);
    unlink(book_path);
}
END_TEST

START_TEST(a_damaged_book_is_named_and_put_aside_and_the_node_goes_on) {
    char aside[80];
    keep_book(&a);
    snprintf(aside, sizeof aside, "%s.damaged", book_path);
    FILE *out = fopen(book_path, "w");
    fputs("{\"key\":\"0102\",\"addrs\":[{}]}", out);
    fclose(out);
    post_start(&a, base);
    ck_assert(post_said(&a, "addrs[0]"));
    ck_assert(post_said(&a, aside));
    admit(&one, 10, "tcp://0.0.0.0:1");
    post_stop(&a);
    ck_assert_int_eq(access(aside, F_OK), 0);
    ck_assert_int_eq(access(book_path, F_OK), 0); /* a new one */
    unlink(aside);
    unlink(book_path);
}
END_TEST

START_TEST(a_ban_for_address_talk_outlives_a_restart) {
    keep_book(&a);
    post_start(&a, base);
    admit(&one, 10, "tcp://0.0.0.0:1");
    say(&one, &(struct wire_pex){.is_request = false});
    expect_ban(&one, "addresses that nobody asked for");
    char id[41];
    memcpy(id, one.id, sizeof id);
    outsider_close(&one);
    post_stop(&a);
    post_start(&a, base);
    ck_assert(switchboard_is_banned(a.board, id));
    unlink(book_path);
}
END_TEST

/* A liar says that a victim lives where the liar listens. */
START_TEST(where_another_answers_the_hint_is_struck_and_the_one_it_named_is_not_punished) {
    struct wire_address lie = {span_text("00112233445566778899aabbccddeeff00112233"), span_text("127.0.0.1"), 0};
    char address[100];
    post_start(&b, base);
    lie.port = switchboard_port(b.board);
    a.config.max_num_outbound_peers = 2;
    uint16_t port = 0;
    int fd = outsider_listen(&port);
    struct ed25519_key *key = outsider_key(40);
    struct node_info teller = outsider_info(key, "test-chain");
    ed25519_key_free(key);
    snprintf(address, sizeof address, "%s@127.0.0.1:%u", teller.id, port);
    a.config.seeds = address;
    post_start(&a, base);
    int dialled = -1;
    outsider_wait(base, 5000, (dialled = accept(fd, NULL, NULL)) >= 0);
    fcntl(dialled, F_SETFL, O_NONBLOCK);
    outsider_open(&one, dialled, 40, "test-chain", OUTSIDER_UP);
    outsider_wait(base, 5000, one.messages == 1); /* it is asked */
    say(&one, &(struct wire_pex){.count = 1, .addresses = &lie});
    outsider_wait(base, 5000, post_said(&a, "the node that answers is"));
    ck_assert(!switchboard_is_banned(a.board, "00112233445566778899aabbccddeeff00112233"));
    close(fd);
}
END_TEST

/* ---- who is kept out by the application */

static char refused_path[100], asked_paths[4096];

static bool admits(void *context, const char *path) {
    (void)context;
    strncat(asked_paths, path, sizeof asked_paths - strlen(asked_paths) - 2);
    strcat(asked_paths, "\n");
    return refused_path[0] == '\0' || strncmp(path, refused_path, strlen(refused_path)) != 0;
}

START_TEST(the_application_is_asked_about_addresses_and_ids_and_keeps_them_out) {
    a.config.admits = admits;
    asked_paths[0] = refused_path[0] = '\0';
    post_start(&a, base);
    admit(&one, 10, "tcp://0.0.0.0:1");
    ck_assert_ptr_nonnull(strstr(asked_paths, "/p2p/filter/addr/127.0.0.1:"));
    char path[100];
    snprintf(path, sizeof path, "/p2p/filter/id/%s\n", one.id);
    ck_assert_ptr_nonnull(strstr(asked_paths, path));
    snprintf(refused_path, sizeof refused_path, "/p2p/filter/addr/127.0.0.2:");
    int fd = outsider_connect(switchboard_port(a.board), 2);
    outsider_open(&two, fd, 11, "test-chain", OUTSIDER_UP);
    outsider_wait(base, 5000, outsider_is_cut_off(&two));
    ck_assert(post_said(&a, "refuses its address"));
    outsider_close(&two);
    struct ed25519_key *key = outsider_key(12);
    struct node_info info = outsider_info(key, "");
    ed25519_key_free(key);
    snprintf(refused_path, sizeof refused_path, "/p2p/filter/id/%s", info.id);
    fd = outsider_connect(switchboard_port(a.board), 1);
    outsider_open(&two, fd, 12, "test-chain", OUTSIDER_UP);
    outsider_wait(base, 5000, outsider_is_cut_off(&two));
    ck_assert(post_said(&a, "refuses its id"));
    ck_assert_uint_eq(a.ups, 1);
}
END_TEST

START_TEST(a_dialled_peer_is_filtered_too_also_a_persistent_one) {
    char address[100];
    post_start(&b, base);
    post_address(address, &b);
    snprintf(refused_path, sizeof refused_path, "/p2p/filter/addr/127.0.0.1:%u", switchboard_port(b.board));
    a.config.admits = admits;
    a.config.persistent_peers = address;
    post_start(&a, base);
    outsider_wait(base, 5000, post_said(&a, "refuses its address"));
    ck_assert_uint_eq(a.ups, 0);
}
END_TEST

/* ---- seeds */

START_TEST(a_seed_speaks_of_addresses_alone_tells_once_and_hangs_up) {
    a.config.seed_mode = true;
    a.config.max_num_outbound_peers = 0;
    post_start(&a, base);
    ck_assert_uint_eq(a.info.channel_count, 1);
    ck_assert_uint_eq(a.info.channels[0], WIRE_PEX);
    int fd = outsider_connect(switchboard_port(a.board), 1);
    outsider_open(&one, fd, 10, "test-chain", OUTSIDER_UP);
    outsider_wait(base, 5000, post_peers(&a) == 1 && one.stage == OUTSIDER_UP);
    fd = outsider_connect(switchboard_port(a.board), 1);
    outsider_open(&two, fd, 11, "test-chain", OUTSIDER_UP);
    outsider_wait(base, 5000, post_peers(&a) == 2 && two.stage == OUTSIDER_UP);
    for (int i = 0; i < 5; i++)
        ask(&two); /* no offence */
    expect_answer(&two, 1);
    ck_assert_uint_eq(answer.count, 1);
    outsider_wait(base, 10000, outsider_is_cut_off(&two));
    ck_assert_uint_eq(two.messages, 1);
    ck_assert(!switchboard_is_banned(a.board, two.id));
    ck_assert(post_said(&a, "a seed hangs up"));
    ck_assert(!outsider_is_cut_off(&one)); /* it may still ask */
    ck_assert_uint_eq(a.ups + a.downs + a.messages, 0); /* nobody but the seed hears of them */
}
END_TEST

START_TEST(whoever_sends_blocks_or_votes_to_a_seed_is_dropped) {
    a.config.seed_mode = true;
    post_start(&a, base);
    int fd = outsider_connect(switchboard_port(a.board), 1);
    outsider_open(&one, fd, 10, "test-chain", OUTSIDER_UP);
    outsider_wait(base, 5000, post_peers(&a) == 1 && one.stage == OUTSIDER_UP);
    outsider_say(&one, WIRE_STATE, "\x0a\x00", 2);
    outsider_wait(base, 5000, outsider_is_cut_off(&one));
    ck_assert_uint_eq(a.messages, 0);
}
END_TEST

/* b and c know only the seed; it visits who came and tells them of each other. */
START_TEST(a_seed_brings_nodes_together_that_know_nobody_else) {
    char address[100];
    a.config.seed_mode = true;
    post_start(&a, base);
    post_address(address, &a);
    b.config.seeds = c.config.seeds = address;
    post_start(&b, base);
    post_start(&c, base);
    outsider_wait(base, 60000, b.ups >= 1 && post_said(&b, c.info.id) && post_said(&c, b.info.id));
    outsider_wait(base, 20000, post_peers(&a) == 0 && post_peers(&b) == 1 && post_peers(&c) == 1);
}
END_TEST

Suite *suite_pex(void) {
    Suite *suite = suite_create("pex");
    TCase *tests = tcase_create("pex");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, who_asks_is_told_of_others_but_not_of_itself);
    tcase_add_test(tests, addresses_that_nobody_asked_for_are_punished);
    tcase_add_test(tests, two_requests_are_free_and_a_third_too_soon_is_punished);
    tcase_add_test(tests, talk_that_does_not_decode_is_punished);
    tcase_add_test(tests, more_addresses_than_a_message_may_hold_are_punished);
    tcase_add_test(tests, a_private_peer_is_not_given_away);
    tcase_add_test(tests, a_node_without_the_channel_is_not_asked_and_one_without_pex_does_not_have_it);
    tcase_add_test(tests, a_node_that_knows_only_a_seed_finds_the_others);
    tcase_add_test(tests, dead_seeds_do_not_delay_the_one_that_lives);
    tcase_add_test(tests, no_more_peers_are_dialled_than_wanted);
    tcase_add_test(tests, nodes_that_are_slow_to_answer_are_not_dialled_all_at_once);
    tcase_add_test(tests, a_strict_board_keeps_no_address_that_is_not_routable);
    tcase_add_test(tests, a_teller_is_known_by_the_address_that_it_speaks_from);
    tcase_add_test(tests, a_node_finds_peers_by_its_book_alone);
    tcase_add_test(tests, a_damaged_book_is_named_and_put_aside_and_the_node_goes_on);
    tcase_add_test(tests, a_ban_for_address_talk_outlives_a_restart);
    tcase_add_test(tests, where_another_answers_the_hint_is_struck_and_the_one_it_named_is_not_punished);
    tcase_add_test(tests, the_application_is_asked_about_addresses_and_ids_and_keeps_them_out);
    tcase_add_test(tests, a_dialled_peer_is_filtered_too_also_a_persistent_one);
    tcase_add_test(tests, a_seed_speaks_of_addresses_alone_tells_once_and_hangs_up);
    tcase_add_test(tests, whoever_sends_blocks_or_votes_to_a_seed_is_dropped);
    tcase_add_test(tests, a_seed_brings_nodes_together_that_know_nobody_else);
    suite_add_tcase(suite, tests);
    return suite;
}
