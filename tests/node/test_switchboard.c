#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "node/bans.h"
#include "node/targets.h"
#include "tests/node/post.h"

Suite *suite_switchboard(void);

static struct event_base *base;
static struct post a, b, c;
static struct outsider one, two, three;

static void set_up(void) {
    base = event_base_new();
    post_prepare(&a, 1, 0);
    post_prepare(&b, 2, 0);
    post_prepare(&c, 3, 0);
}

static void tear_down(void) {
    outsider_close(&one);
    outsider_close(&two);
    outsider_close(&three);
    post_close(&a);
    post_close(&b);
    post_close(&c);
    event_base_free(base);
}

static int64_t cpu_us(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

/* As the node does: the loop sleeps until there is something to do. */
static void sleep_in_loop(int64_t ms) {
    struct timeval time = {ms / 1000, ms % 1000 * 1000};
    event_base_loopexit(base, &time);
    event_base_dispatch(base);
}

/* b runs, a has it for a persistent peer. */
static void join_a_to_b(void) {
    static char address[100];
    post_start(&b, base);
    post_address(address, &b);
    a.config.persistent_peers = address;
    post_start(&a, base);
    outsider_wait(base, 5000, a.ups == 1 && b.ups == 1);
}

static void admit(struct outsider *outsider, uint32_t seed, uint8_t source) {
    uint32_t ups = a.ups;
    post_admit(&a, outsider, seed, source, OUTSIDER_UP);
    outsider_wait(base, 5000, a.ups == ups + 1 && outsider->stage == OUTSIDER_UP);
}

static void expect_refusal(struct outsider *outsider, const char *why) {
    uint32_t ups = a.ups;
    outsider_wait(base, 5000, outsider_is_cut_off(outsider));
    ck_assert_uint_eq(a.ups, ups);
    ck_assert_msg(post_said(&a, why), "did not say: %s", why);
}

/* ---- peers */

START_TEST(two_boards_find_each_other_and_exchange_messages_both_ways_on_all_channels) {
    static const uint8_t channels[] = {0x20, 0x21, 0x22, 0x23, 0x30, 0x38};
    join_a_to_b();
    ck_assert_str_eq(a.last_id, b.info.id);
    ck_assert_str_eq(b.last_id, a.info.id);
    ck_assert_uint_eq(switchboard_count(a.board, true), 1);
    ck_assert_uint_eq(switchboard_count(b.board, false), 1);
    for (size_t i = 0; i < sizeof channels; i++) {
        ck_assert(post_send(&a, a.last_peer, channels[i], 3000 + i, 1));
        ck_assert(post_send(&b, b.last_peer, channels[i], 100000 + i, 2));
        switchboard_flush(a.board);
        switchboard_flush(b.board);
        outsider_wait(base, 5000, a.messages == i + 1 && b.messages == i + 1);
        ck_assert_uint_eq(a.heard[a.heard_count - 1].channel, channels[i]);
        ck_assert_uint_eq(a.heard[a.heard_count - 1].size, 100000 + i);
        ck_assert_uint_eq(b.heard[b.heard_count - 1].size, 3000 + i);
        ck_assert_uint_eq(b.heard[b.heard_count - 1].peer, b.last_peer);
    }
    ck_assert(!post_send(&a, a.last_peer, 0x61, 10, 1));
    ck_assert(!post_send(&a, a.last_peer + 1, 0x20, 10, 1));
    ck_assert(!post_send(&a, 0, 0x20, 10, 1));
}
END_TEST

START_TEST(a_running_board_dials_whom_it_is_told_to) {
    char address[100];
    post_start(&b, base);
    post_start(&a, base);
    post_address(address, &b);
    char *fault = switchboard_dial(a.board, &(struct switchboard_wish){.addresses = "nobody"});
    ck_assert_ptr_nonnull(fault);
    free(fault);
    ck_assert_ptr_null(switchboard_dial(a.board, &(struct switchboard_wish){.addresses = address, .persistent = true, .unconditional = true, .private = true}));
    outsider_wait(base, 5000, a.ups == 1 && b.ups == 1);
    ck_assert_ptr_null(switchboard_dial(a.board, &(struct switchboard_wish){.addresses = address})); /* connected already */
    sleep_in_loop(100);
    ck_assert_uint_eq(switchboard_count(a.board, true), 1);
    switchboard_drop(b.board, b.last_peer, WORLD_BLAME_NONE, "to see it come again");
    outsider_wait(base, 20000, a.ups == 2);
}
END_TEST

START_TEST(a_board_tells_its_real_address_and_its_channels) {
    post_start(&a, base);
    char expected[60];
    snprintf(expected, sizeof expected, "tcp://127.0.0.1:%u", switchboard_port(a.board));
    ck_assert_str_eq(a.info.listen_addr, expected);
    admit(&one, 10, 1);
    ck_assert_str_eq(one.theirs.listen_addr, expected);
    ck_assert_mem_eq(one.theirs.channels, "\x20\x21\x22\x23\x30\x38\x40", 7);
    ck_assert_uint_eq(one.theirs.channel_count, 7);
    snprintf(b.info.listen_addr, sizeof b.info.listen_addr, "tcp://1.2.3.4:26656");
    b.config.pex = true;
    post_start(&b, base);
    ck_assert_str_eq(b.info.listen_addr, "tcp://1.2.3.4:26656");
    ck_assert_uint_eq(b.info.channel_count, 8);
}
END_TEST

/* Both dial at once: one connection stays, the same for both, and nothing flaps. A hundred times. */
START_TEST(boards_that_dial_each_other_at_once_settle_on_one_connection) {
    for (int run = 0; run < 100; run++) {
        char to_a[100], to_b[100];
        uint16_t port_a = post_free_port(), port_b = post_free_port();
        post_close(&a);
        post_close(&b);
        post_prepare(&a, 1000 + (uint32_t)run, port_a);
        post_prepare(&b, 2000 + (uint32_t)run, port_b);
        snprintf(to_a, sizeof to_a, "%s@127.0.0.1:%u", a.info.id, port_a);
        snprintf(to_b, sizeof to_b, "%s@127.0.0.1:%u", b.info.id, port_b);
        a.config.persistent_peers = to_b;
        b.config.persistent_peers = to_a;
        post_start(&a, base);
        post_start(&b, base);
        outsider_wait(base, 5000, a.ups > a.downs && b.ups > b.downs);
        outsider_rest(base, 40);
        ck_assert_uint_eq(post_peers(&a), 1);
        ck_assert_uint_eq(post_peers(&b), 1);
        ck_assert_uint_le(a.ups, 2);
        ck_assert_uint_le(b.ups, 2);
        ck_assert_uint_eq(switchboard_count(a.board, true), switchboard_count(b.board, false));
        ck_assert(post_send(&a, a.last_peer, 0x20, 10, 1));
        switchboard_flush(a.board);
        outsider_wait(base, 5000, b.messages == 1);
    }
    uint32_t ups = a.ups + b.ups;
    outsider_rest(base, 2000);
    ck_assert_uint_eq(a.ups + b.ups, ups);
}
END_TEST

START_TEST(a_peer_list_may_name_the_node_itself_and_a_node_twice) {
    char address[100], list[400];
    post_start(&b, base);
    post_address(address, &b);
    snprintf(list, sizeof list, " %s , ,%s@127.0.0.1:1,%s", address, a.info.id, address);
    a.config.persistent_peers = list;
    post_start(&a, base);
    outsider_wait(base, 5000, a.ups == 1);
    outsider_rest(base, 600);
    ck_assert_uint_eq(a.ups, 1);
    ck_assert_uint_eq(b.ups, 1);
    ck_assert(!post_said(&b, "already connected"));
    ck_assert(!post_said(&a, "no connection"));
}
END_TEST

/* Wound 4: a name that does not resolve is a dial in vain, and a name that does is looked up beside the loop (here: in /etc/hosts). */
START_TEST(a_persistent_peer_may_be_named_by_host) {
    char list[200];
    post_start(&b, base);
    snprintf(list, sizeof list, "%s@localhost:%u", b.info.id, switchboard_port(b.board));
    a.config.persistent_peers = list;
    post_start(&a, base);
    outsider_wait(base, 5000, a.ups == 1);
    ck_assert(post_said(&a, "127.0.0.1"));
}
END_TEST

START_TEST(a_bad_configuration_is_named_and_nothing_is_left_behind) {
    static const struct {
        const char *laddr, *peers, *seeds, *complaint;
    } cases[] = {
        {"tcp://127.0.0.1:0", "nonsense", NULL, "p2p.persistent_peers: \"nonsense\""},
        {"tcp://127.0.0.1:0", "00112233445566778899aabbccddeeff00112233@127.0.0.1", NULL, "p2p.persistent_peers"},
        {"tcp://127.0.0.1:0", "00112233445566778899aabbccddeeff00112233@127.0.0.1:0", NULL, "p2p.persistent_peers"},
        {"tcp://127.0.0.1:0", NULL, "zz112233445566778899aabbccddeeff00112233@127.0.0.1:1", "p2p.seeds"},
        {"tcp://localhost:0", NULL, NULL, "p2p.laddr"},
        {"26656", NULL, NULL, "p2p.laddr"},
    };
    struct switchboard_listener listener = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *error = NULL;
        a.config.laddr = cases[i].laddr;
        a.config.persistent_peers = cases[i].peers;
        a.config.seeds = cases[i].seeds;
        ck_assert_ptr_null(switchboard_new(base, &a.config, a.key, &a.info, &listener, &error));
        ck_assert_msg(strstr(error, cases[i].complaint) != NULL, "%s", error);
        free(error);
    }
    char taken[50], *error = NULL;
    post_start(&b, base);
    snprintf(taken, sizeof taken, "tcp://127.0.0.1:%u", switchboard_port(b.board));
    a.config = b.config;
    a.config.laddr = taken;
    ck_assert_ptr_null(switchboard_new(base, &a.config, a.key, &a.info, &listener, &error));
    ck_assert_ptr_nonnull(strstr(error, "cannot listen"));
    free(error);
}
END_TEST

/* ---- who is refused */

START_TEST(strangers_nonsense_is_refused_and_peers_do_not_notice) {
    join_a_to_b();
    post_admit(&b, &one, 10, 1, OUTSIDER_SILENT);
    outsider_raw(&one, "GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: somebody who looks around\r\nAccept: */*\r\n\r\n", 90);
    outsider_wait(base, 5000, outsider_is_cut_off(&one));
    post_admit(&b, &two, 11, 1, OUTSIDER_UP);
    outsider_wait(base, 5000, b.ups == 2 && two.stage == OUTSIDER_UP);
    outsider_say(&two, 0x77, "hello", 5);
    outsider_wait(base, 5000, outsider_is_cut_off(&two) && b.downs == 1);
    ck_assert(post_said(&b, "unknown channel"));
    ck_assert(post_send(&a, a.last_peer, 0x20, 10, 1));
    switchboard_flush(a.board);
    outsider_wait(base, 5000, b.messages == 1);
    ck_assert_uint_eq(a.downs, 0);
}
END_TEST

START_TEST(a_handshake_that_stays_half_frees_its_place) {
    a.config.handshake_timeout_ms = 300;
    post_start(&a, base);
    post_admit(&a, &one, 10, 1, OUTSIDER_SILENT);
    post_admit(&a, &two, 11, 1, OUTSIDER_GREETED);
    post_admit(&a, &three, 12, 1, OUTSIDER_SECRET);
    outsider_wait(base, 3000, outsider_is_cut_off(&one) && outsider_is_cut_off(&two) && outsider_is_cut_off(&three));
    ck_assert(post_said(&a, "the handshake took too long"));
    ck_assert_uint_eq(a.ups + a.downs, 0);
}
END_TEST

START_TEST(a_node_of_another_network_is_refused) {
    post_start(&a, base);
    outsider_open(&one, outsider_connect(switchboard_port(a.board), 1), 10, "other-chain", OUTSIDER_UP);
    expect_refusal(&one, "another network");
}
END_TEST

START_TEST(a_node_with_our_own_key_is_refused) {
    post_start(&a, base);
    post_admit(&a, &one, 1, 1, OUTSIDER_UP);
    ck_assert_str_eq(one.id, a.info.id);
    expect_refusal(&one, "this is our own key");
}
END_TEST

/* The second is refused, and because it may mean that the first is dead without our knowing, the first is asked. */
START_TEST(a_second_connection_of_an_id_is_refused_and_the_first_is_asked_whether_it_lives) {
    post_start(&a, base);
    admit(&one, 10, 1);
    ck_assert_uint_eq(one.pings, 0);
    post_admit(&a, &two, 10, 1, OUTSIDER_UP);
    expect_refusal(&two, "already connected with this node");
    outsider_wait(base, 2000, one.pings == 1);
    outsider_rest(base, 300);
    ck_assert(!outsider_is_cut_off(&one));
    ck_assert_uint_eq(a.downs, 0);
}
END_TEST

START_TEST(a_first_connection_that_is_dead_gives_way_when_its_node_comes_back) {
    post_start(&a, base);
    admit(&one, 10, 1);
    one.deaf = true; /* as if the power had failed: no answer, no end */
    post_admit(&a, &two, 10, 1, OUTSIDER_UP);
    expect_refusal(&two, "already connected with this node");
    outsider_wait(base, SWITCHBOARD_PROBE_MS + 2000, a.downs == 1);
    admit(&three, 10, 1);
}
END_TEST

/* Wound 1 */
START_TEST(a_persistent_peer_at_whose_address_another_answers_is_not_taken_for_it) {
    char address[100];
    post_start(&b, base);
    snprintf(address, sizeof address, "00112233445566778899aabbccddeeff00112233@127.0.0.1:%u", switchboard_port(b.board));
    a.config.persistent_peers = address;
    post_start(&a, base);
    outsider_wait(base, 3000, post_said(&a, "not the 00112233445566778899aabbccddeeff00112233 that was dialled"));
    outsider_rest(base, 300);
    ck_assert_uint_eq(a.ups, 0);
    ck_assert_uint_eq(post_peers(&a), 0);
}
END_TEST

START_TEST(a_banned_id_is_refused_until_its_ban_ends) {
    a.config.ban_ms = 1200;
    post_start(&a, base);
    admit(&one, 10, 1);
    switchboard_drop(a.board, a.last_peer, WORLD_BLAME_MALICE, "it voted twice");
    ck_assert(post_said(&a, "it voted twice"));
    ck_assert_uint_eq(a.downs, 1);
    ck_assert(switchboard_is_banned(a.board, one.id));
    outsider_wait(base, 2000, outsider_is_cut_off(&one));
    post_admit(&a, &two, 10, 1, OUTSIDER_UP);
    expect_refusal(&two, "banned");
    outsider_close(&two);
    admit(&two, 11, 1); /* others may come */
    outsider_wait(base, 3000, !switchboard_is_banned(a.board, one.id));
    admit(&three, 10, 1);
}
END_TEST

START_TEST(a_banned_persistent_peer_is_not_dialled_until_its_ban_ends) {
    a.config.ban_ms = 1500;
    join_a_to_b();
    switchboard_drop(a.board, a.last_peer, WORLD_BLAME_MALICE, "it lied");
    outsider_rest(base, 1200);
    ck_assert_uint_eq(b.ups, 1);
    ck_assert(!post_said(&a, "banned for"));
    outsider_wait(base, 5000, a.ups == 2 && b.ups == 2);
}
END_TEST

START_TEST(a_fault_drops_a_peer_but_does_not_ban_it) {
    post_start(&a, base);
    admit(&one, 10, 1);
    switchboard_drop(a.board, a.last_peer, WORLD_BLAME_FAULT, "it broke a rule");
    switchboard_drop(a.board, a.last_peer, WORLD_BLAME_FAULT, "it broke a rule");
    ck_assert_uint_eq(a.downs, 1);
    ck_assert(!post_send(&a, a.last_peer, 0x20, 1, 1));
    admit(&two, 10, 1);
}
END_TEST

START_TEST(bans_are_bounded_and_the_one_that_ends_first_makes_room) {
    static struct bans bans;
    char id[41];
    for (int i = 0; i < BANS_MAX; i++) {
        snprintf(id, sizeof id, "%040d", i);
        bans_add(&bans, id, 1000 + (i + 100) % BANS_MAX);
    }
    snprintf(id, sizeof id, "%040d", 5);
    bans_add(&bans, id, 500); /* never shorter */
    ck_assert(bans_has(&bans, id, 1104));
    ck_assert(!bans_has(&bans, id, 1105));
    bans_add(&bans, "ffffffffffffffffffffffffffffffffffffffff", 5000);
    ck_assert(bans_has(&bans, "ffffffffffffffffffffffffffffffffffffffff", 4999));
    snprintf(id, sizeof id, "%040d", BANS_MAX - 100);
    ck_assert(!bans_has(&bans, id, 0));
    ck_assert_uint_eq(bans.count, BANS_MAX);
}
END_TEST

static void allow(const char **list, uint32_t seed) {
    static char ids[4][100];
    static size_t next;
    struct ed25519_key *key = outsider_key(seed);
    char *text = ids[next++ % 4];
    struct node_info info = outsider_info(key, "");
    snprintf(text, 100, "00112233445566778899aabbccddeeff00112233, %s", info.id);
    ed25519_key_free(key);
    *list = text;
}

START_TEST(allow_only_admits_listed_ids_and_nobody_else) {
    a.config.allow_only = _i < 2;
    allow(_i == 0 ? &a.config.unconditional_peer_ids : _i == 1 ? &a.config.private_peer_ids : &a.config.allow_only_ids, 10);
    post_start(&a, base);
    admit(&one, 10, 1);
    post_admit(&a, &two, 11, 1, OUTSIDER_UP);
    expect_refusal(&two, "p2p.allow_only");
}
END_TEST

START_TEST(no_more_inbound_peers_than_allowed_come_in_but_unconditional_ones_do) {
    a.config.max_num_inbound_peers = 2;
    allow(&a.config.unconditional_peer_ids, 20);
    post_start(&a, base);
    struct outsider favoured = {0};
    admit(&favoured, 20, 1); /* and it takes nobody's place */
    admit(&one, 10, 1);
    admit(&two, 11, 1);
    post_admit(&a, &three, 12, 1, OUTSIDER_UP);
    expect_refusal(&three, "p2p.max_num_inbound_peers");
    outsider_close(&favoured);
    outsider_wait(base, 3000, a.downs == 1);
    outsider_close(&three);
    admit(&three, 20, 1);
    outsider_close(&one);
    outsider_wait(base, 3000, a.downs == 2);
    admit(&one, 12, 1);
}
END_TEST

START_TEST(two_peers_of_one_address_are_refused_unless_allowed_or_unconditional) {
    a.config.allow_duplicate_ip = false;
    allow(&a.config.unconditional_peer_ids, 20);
    post_start(&a, base);
    admit(&one, 10, 1);
    post_admit(&a, &two, 11, 1, OUTSIDER_UP);
    expect_refusal(&two, "p2p.allow_duplicate_ip");
    outsider_close(&two);
    admit(&two, 20, 1);
    admit(&three, 12, 2);
}
END_TEST

/* ---- crowds */

/* Wound 9: connections that never shake hands, from one address, then from many. */
START_TEST(thousands_of_half_open_connections_get_few_places_and_honest_peers_still_come_in) {
    enum { HELD = 400 };
    static int held[HELD];
    a.config.allow_duplicate_ip = false;
    a.config.handshake_timeout_ms = 20000;
    join_a_to_b(); /* an inbound and an outbound one may follow */
    for (int i = 0; i < 2500; i++) {
        int fd = outsider_connect(switchboard_port(a.board), (uint8_t)(i < 1500 ? 2 : 2 + i % 100));
        ck_assert_int_ge(fd, 0);
        if (held[i % HELD] > 0)
            close(held[i % HELD]);
        held[i % HELD] = fd;
        event_base_loop(base, EVLOOP_NONBLOCK);
    }
    outsider_rest(base, 50);
    uint32_t kept = 0;
    for (int i = 0; i < HELD; i++) {
        char byte[64]; /* a connection that was kept holds the greeting; one that was not is at its end */
        ssize_t got = recv(held[i], byte, sizeof byte, 0);
        kept += got > 0 && recv(held[i], byte, sizeof byte, 0) < 0;
    }
    ck_assert_uint_ge(kept, 32);
    ck_assert_uint_le(kept, SWITCHBOARD_HANDSHAKES_MAX);
    outsider_rest(base, 1100);
    admit(&one, 10, 200);
    ck_assert_uint_eq(a.downs, 0);
    ck_assert_uint_lt(a.line_count, 60);
    for (int i = 0; i < HELD; i++)
        close(held[i]);
}
END_TEST

START_TEST(one_address_holds_few_half_open_connections) {
    static int held[100];
    a.config.allow_duplicate_ip = false;
    post_start(&a, base);
    for (int i = 0; i < 100; i++) {
        held[i] = outsider_connect(switchboard_port(a.board), 1);
        ck_assert_int_ge(held[i], 0);
        event_base_loop(base, EVLOOP_NONBLOCK);
    }
    outsider_rest(base, 50);
    uint32_t kept = 0;
    for (int i = 0; i < 100; i++) {
        char byte[64];
        kept += recv(held[i], byte, sizeof byte, 0) > 0 && recv(held[i], byte, sizeof byte, 0) < 0;
        close(held[i]);
    }
    ck_assert_uint_eq(kept, SWITCHBOARD_HANDSHAKES_PER_IP_MAX);
}
END_TEST

/* Out of file descriptors the listening socket stays readable: whoever asks again at once spins. */
START_TEST(without_file_descriptors_the_board_waits_and_goes_on_when_there_are_some) {
    enum { WAITING = 20 };
    int waiting[WAITING];
    post_start(&a, base);
    outsider_rest(base, 50);
    for (int i = 0; i < WAITING; i++) {
        waiting[i] = socket(AF_INET, SOCK_STREAM, 0);
        fcntl(waiting[i], F_SETFL, O_NONBLOCK);
    }
    struct rlimit before, none;
    getrlimit(RLIMIT_NOFILE, &before);
    none = before;
    none.rlim_cur = (rlim_t)waiting[WAITING - 1] + 1;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(switchboard_port(a.board)), .sin_addr.s_addr = htonl(0x7f000001)};
    for (int i = 0; i < WAITING; i++)
        connect(waiting[i], (struct sockaddr *)&to, sizeof to);
    int64_t began = cpu_us();
    sleep_in_loop(1000);
    ck_assert_int_lt(cpu_us() - began, 200000);
    ck_assert(post_said(&a, "cannot accept connections"));
    ck_assert_uint_le(a.line_count, 6); /* a try a tick */
    setrlimit(RLIMIT_NOFILE, &before);
    admit(&one, 10, 1);
    for (int i = 0; i < WAITING; i++)
        close(waiting[i]);
}
END_TEST

START_TEST(the_log_is_not_flooded_by_strangers) {
    post_start(&a, base);
    for (int i = 0; i < 200; i++) {
        post_admit(&a, &one, 10, 1, OUTSIDER_SILENT);
        outsider_raw(&one, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12);
        outsider_wait(base, 3000, outsider_is_cut_off(&one));
        outsider_close(&one);
    }
    ck_assert_uint_ge(a.line_count, 5);
    ck_assert_uint_le(a.line_count, 25);
    admit(&two, 11, 1);
}
END_TEST

/* Wound 9: numbers of peers that came and went are not handed out again, and their places are. */
START_TEST(peer_numbers_are_never_used_again_and_places_are) {
    uint32_t least = 0;
    post_start(&a, base);
    admit(&two, 11, 1);
    uint32_t stays = a.last_peer;
    for (int i = 0; i < 600; i++) {
        admit(&one, 10, 1);
        ck_assert_uint_gt(a.last_peer, least);
        ck_assert_uint_ne(a.last_peer, stays);
        least = a.last_peer;
        uint32_t downs = a.downs;
        outsider_close(&one);
        outsider_wait(base, 3000, a.downs == downs + 1);
        ck_assert(!post_send(&a, least, 0x20, 1, 1));
    }
    ck_assert(post_send(&a, stays, 0x20, 1, 1));
    for (uint32_t i = 0; i < a.line_count; i++)
        ck_assert_ptr_null(strstr(a.lines[i], "no connection"));
}
END_TEST

/* ---- slow readers */

START_TEST(a_peer_that_never_reads_costs_bounded_memory_and_others_go_on) {
    post_start(&a, base);
    admit(&one, 10, 1);
    uint32_t slow = a.last_peer;
    admit(&two, 11, 1);
    uint32_t quick = a.last_peer, sent = 0;
    one.deaf = true;
    for (int round = 0; round < 300; round++) {
        while (post_send(&a, slow, 0x21, 60000, 1))
            sent++;
        switchboard_flush(a.board);
        outsider_turn(base);
        ck_assert_uint_lt(sent, 500);
    }
    ck_assert(!post_send(&a, slow, 0x21, 10, 1));
    ck_assert(post_send(&a, slow, 0x22, 10, 1)); /* another channel has its own queue */
    for (uint32_t i = 1; i <= 50; i++) {
        ck_assert(post_send(&a, quick, 0x21, 60000, 2));
        switchboard_flush(a.board);
        outsider_wait(base, 3000, two.messages == i);
    }
    for (int round = 0; round < 300; round++) { /* the kernel may have made room meanwhile: full again */
        while (post_send(&a, slow, 0x21, 60000, 1))
            sent++;
        switchboard_flush(a.board);
        outsider_turn(base);
    }
    ck_assert_uint_lt(sent, 500);
    int64_t began = cpu_us();
    uint32_t writables = a.writables;
    sleep_in_loop(1000);
    ck_assert_int_lt(cpu_us() - began, 100000);
    ck_assert_uint_eq(a.writables, writables);
    one.deaf = false;
    outsider_wait(base, 10000, one.messages == sent + 1);
    ck_assert_uint_gt(a.writables, writables);
    ck_assert_uint_eq(a.heard[a.heard_count - 1].peer, slow);
    ck_assert(post_send(&a, slow, 0x21, 10, 1));
    ck_assert_uint_eq(a.downs, 0);
}
END_TEST

START_TEST(an_idle_board_uses_next_to_no_time) {
    join_a_to_b();
    sleep_in_loop(300);
    int64_t began = cpu_us();
    sleep_in_loop(2000);
    int64_t used = cpu_us() - began;
    ck_assert_msg(used < 40000, "%ld us in 2 s", (long)used);
}
END_TEST

START_TEST(the_configured_send_rate_is_kept_even_if_receiving_has_none) {
    a.config.send_rate = 500000;
    post_start(&a, base);
    admit(&one, 10, 1);
    uint64_t before = one.bytes;
    for (int64_t end = outsider_clock() + 2000; outsider_clock() < end;) {
        while (post_send(&a, a.last_peer, 0x21, 60000, 1))
            ;
        switchboard_flush(a.board);
        outsider_turn(base);
    }
    uint64_t got = one.bytes - before; /* a second's worth at once, and two seconds */
    ck_assert_msg(got >= 900000 && got <= 1900000, "%lu bytes", (unsigned long)got);
}
END_TEST

/* ---- redialling */

START_TEST(a_persistent_peer_is_dialled_until_it_comes_and_again_when_it_comes_back) {
    char address[100];
    uint16_t port = post_free_port();
    post_close(&b);
    post_prepare(&b, 2, port);
    snprintf(address, sizeof address, "%s@127.0.0.1:%u", b.info.id, port);
    a.config.persistent_peers = address;
    a.config.persistent_peers_max_dial_period_ms = 700;
    post_start(&a, base);
    outsider_rest(base, 1500);
    ck_assert_uint_eq(a.ups, 0);
    uint32_t lines = a.line_count;
    ck_assert_uint_eq(lines, 1); /* said once */
    for (uint32_t round = 1; round <= 4; round++) {
        post_start(&b, base);
        outsider_wait(base, 3000, a.ups == round && b.ups == round);
        post_stop(&b);
        outsider_wait(base, 3000, a.downs == round);
        outsider_rest(base, 800);
        b.info.listen_addr[0] = '\0';
    }
}
END_TEST

static int dials_within(uint16_t port, int listener, int64_t ms) {
    int dials = 0;
    (void)port;
    for (int64_t end = outsider_clock() + ms; outsider_clock() < end;) {
        int fd = accept(listener, NULL, NULL);
        if (fd >= 0) {
            dials++;
            close(fd);
        }
        outsider_turn(base);
    }
    return dials;
}

/* Wound 47, and peers that flap: dials become rare, up to the cap, and never end. */
START_TEST(a_peer_that_always_hangs_up_is_dialled_ever_more_seldom_but_for_ever) {
    char address[100];
    uint16_t port = 0;
    int listener = outsider_listen(&port);
    snprintf(address, sizeof address, "%s@127.0.0.1:%u", b.info.id, port);
    a.config.persistent_peers = address;
    a.config.persistent_peers_max_dial_period_ms = 1500;
    post_start(&a, base);
    int64_t began = cpu_us();
    int early = dials_within(port, listener, 3000), late = dials_within(port, listener, 4000);
    ck_assert_int_ge(early, 3);
    ck_assert_int_le(early, 8);
    ck_assert_int_ge(late, 2);
    ck_assert_int_le(late, 6);
    ck_assert_int_lt(cpu_us() - began, 7000000);
    ck_assert_uint_le(a.line_count, 2);
    close(listener);
}
END_TEST

static void hang_up(struct post *post, enum post_heard what, uint32_t peer) {
    if (what == POST_UP)
        switchboard_drop(post->board, peer, WORLD_BLAME_NONE, "no room");
}

/* It shakes hands and then leaves, as a full node does: that is no success. */
START_TEST(a_peer_that_leaves_as_soon_as_it_came_is_dialled_ever_more_seldom) {
    char address[100];
    post_start(&b, base);
    b.react = hang_up;
    post_address(address, &b);
    a.config.persistent_peers = address;
    post_start(&a, base);
    outsider_rest(base, 5000);
    ck_assert_uint_ge(b.ups, 3);
    ck_assert_uint_le(b.ups, 7);
    ck_assert_uint_eq(b.ups, b.downs);
}
END_TEST

START_TEST(redial_delays_double_up_to_the_cap_and_are_spread) {
    struct target target = {.attempts = 0};
    int64_t least = INT64_MAX, most = 0;
    for (int i = 0; i < 200; i++) {
        int64_t full = i < 7 ? (int64_t)TARGETS_REDIAL_FIRST_MS << i : 30000;
        full = full < 30000 ? full : 30000;
        targets_plan(&target, 1000, 30000);
        ck_assert_int_ge(target.next_ms, 1000 + full / 2);
        ck_assert_int_le(target.next_ms, 1000 + full);
        if (i >= 100) {
            least = target.next_ms < least ? target.next_ms : least;
            most = target.next_ms > most ? target.next_ms : most;
        }
    }
    ck_assert_int_gt(most - least, 7000);
}
END_TEST

/* ---- order of events, and its end */

static void drop_at_third_message(struct post *post, enum post_heard what, uint32_t peer) {
    if (what == POST_MESSAGE && post->messages == 3)
        switchboard_drop(post->board, peer, WORLD_BLAME_FAULT, "enough");
}

START_TEST(a_peer_dropped_by_its_own_message_is_not_heard_again_in_that_batch) {
    post_start(&a, base);
    a.react = drop_at_third_message;
    admit(&one, 10, 1);
    for (int i = 0; i < 100; i++)
        outsider_say(&one, 0x22, "vote", 4);
    outsider_wait(base, 3000, outsider_is_cut_off(&one));
    outsider_rest(base, 50);
    ck_assert_uint_eq(a.heard_count, 5);
    for (uint32_t i = 0; i < 5; i++) {
        ck_assert_int_eq(a.heard[i].what, i == 0 ? POST_UP : i < 4 ? POST_MESSAGE : POST_DOWN);
        ck_assert_uint_eq(a.heard[i].peer, a.last_peer);
    }
}
END_TEST

static void drop_the_other(struct post *post, enum post_heard what, uint32_t peer) {
    if (what == POST_MESSAGE)
        for (uint32_t i = 0; i < post->heard_count; i++)
            if (post->heard[i].what == POST_UP && post->heard[i].peer != peer)
                switchboard_drop(post->board, post->heard[i].peer, WORLD_BLAME_MALICE, "because of another");
}

START_TEST(a_message_of_one_peer_may_drop_another_whose_bytes_wait) {
    post_start(&a, base);
    a.react = drop_the_other;
    admit(&one, 10, 1);
    uint32_t first = a.last_peer;
    admit(&two, 11, 1);
    for (int i = 0; i < 20; i++) {
        outsider_say(&one, 0x22, "vote", 4);
        outsider_say(&two, 0x22, "vote", 4);
    }
    outsider_wait(base, 3000, outsider_is_cut_off(&one) || outsider_is_cut_off(&two));
    outsider_rest(base, 100);
    ck_assert_uint_eq(a.downs, 1);
    uint32_t speaks = a.heard[2].peer;
    for (uint32_t i = 2; i < a.heard_count; i++)
        ck_assert(a.heard[i].what == POST_DOWN ? a.heard[i].peer != speaks : a.heard[i].peer == speaks);
    ck_assert_uint_eq(a.messages, 20);
    ck_assert(post_send(&a, speaks, 0x20, 1, 1));
    ck_assert(!post_send(&a, speaks == first ? a.last_peer : first, 0x20, 1, 1));
}
END_TEST

START_TEST(a_peer_may_be_dropped_while_it_is_announced) {
    post_start(&a, base);
    a.config.pex = true;
    a.react = hang_up;
    post_admit(&a, &one, 10, 1, OUTSIDER_UP);
    outsider_wait(base, 3000, outsider_is_cut_off(&one));
    ck_assert_uint_eq(a.ups, 1);
    ck_assert_uint_eq(a.downs, 1);
    ck_assert_uint_eq(post_peers(&a), 0);
}
END_TEST

static void send_back(struct post *post, enum post_heard what, uint32_t peer) {
    if (what == POST_DOWN)
        ck_assert(!post_send(post, peer, 0x20, 1, 1));
    if (what == POST_UP || (what == POST_MESSAGE && post->messages < 300))
        post_send(post, peer, 0x20, 1000, 1);
}

START_TEST(a_board_closes_cleanly_in_the_middle_of_everything) {
    static char nowhere[100];
    a.react = b.react = send_back;
    uint16_t port = 0;
    int listener = outsider_listen(&port);
    snprintf(nowhere, sizeof nowhere, "%s@127.0.0.1:%u", c.info.id, port);
    b.config.persistent_peers = nowhere;
    join_a_to_b();
    post_admit(&a, &one, 10, 1, OUTSIDER_GREETED);
    post_admit(&a, &two, 11, 1, OUTSIDER_SILENT);
    post_admit(&a, &three, 12, 1, OUTSIDER_UP);
    outsider_wait(base, 3000, a.ups == 2);
    for (int i = 0; i < 30; i++)
        post_send(&a, a.last_peer, 0x21, 60000, 1);
    outsider_rest(base, 20 + _i * 7);
    switchboard_drop(a.board, a.last_peer, WORLD_BLAME_FAULT, "at the last moment");
    uint32_t heard = a.heard_count;
    post_stop(&a);
    ck_assert_uint_eq(a.heard_count, heard);
    outsider_rest(base, 20);
    post_stop(&b);
    outsider_rest(base, 20);
    close(listener);
}
END_TEST

Suite *suite_switchboard(void) {
    Suite *suite = suite_create("switchboard");
    TCase *tests = tcase_create("switchboard");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, two_boards_find_each_other_and_exchange_messages_both_ways_on_all_channels);
    tcase_add_test(tests, a_running_board_dials_whom_it_is_told_to);
    tcase_add_test(tests, a_board_tells_its_real_address_and_its_channels);
    tcase_add_test(tests, boards_that_dial_each_other_at_once_settle_on_one_connection);
    tcase_add_test(tests, a_peer_list_may_name_the_node_itself_and_a_node_twice);
    tcase_add_test(tests, a_persistent_peer_may_be_named_by_host);
    tcase_add_test(tests, a_bad_configuration_is_named_and_nothing_is_left_behind);
    tcase_add_test(tests, strangers_nonsense_is_refused_and_peers_do_not_notice);
    tcase_add_test(tests, a_handshake_that_stays_half_frees_its_place);
    tcase_add_test(tests, a_node_of_another_network_is_refused);
    tcase_add_test(tests, a_node_with_our_own_key_is_refused);
    tcase_add_test(tests, a_second_connection_of_an_id_is_refused_and_the_first_is_asked_whether_it_lives);
    tcase_add_test(tests, a_first_connection_that_is_dead_gives_way_when_its_node_comes_back);
    tcase_add_test(tests, a_persistent_peer_at_whose_address_another_answers_is_not_taken_for_it);
    tcase_add_test(tests, a_banned_id_is_refused_until_its_ban_ends);
    tcase_add_test(tests, a_banned_persistent_peer_is_not_dialled_until_its_ban_ends);
    tcase_add_test(tests, a_fault_drops_a_peer_but_does_not_ban_it);
    tcase_add_test(tests, bans_are_bounded_and_the_one_that_ends_first_makes_room);
    tcase_add_loop_test(tests, allow_only_admits_listed_ids_and_nobody_else, 0, 3);
    tcase_add_test(tests, no_more_inbound_peers_than_allowed_come_in_but_unconditional_ones_do);
    tcase_add_test(tests, two_peers_of_one_address_are_refused_unless_allowed_or_unconditional);
    tcase_add_test(tests, thousands_of_half_open_connections_get_few_places_and_honest_peers_still_come_in);
    tcase_add_test(tests, one_address_holds_few_half_open_connections);
    tcase_add_test(tests, without_file_descriptors_the_board_waits_and_goes_on_when_there_are_some);
    tcase_add_test(tests, the_log_is_not_flooded_by_strangers);
    tcase_add_test(tests, peer_numbers_are_never_used_again_and_places_are);
    tcase_add_test(tests, a_peer_that_never_reads_costs_bounded_memory_and_others_go_on);
    tcase_add_test(tests, an_idle_board_uses_next_to_no_time);
    tcase_add_test(tests, the_configured_send_rate_is_kept_even_if_receiving_has_none);
    tcase_add_test(tests, a_persistent_peer_is_dialled_until_it_comes_and_again_when_it_comes_back);
    tcase_add_test(tests, a_peer_that_always_hangs_up_is_dialled_ever_more_seldom_but_for_ever);
    tcase_add_test(tests, a_peer_that_leaves_as_soon_as_it_came_is_dialled_ever_more_seldom);
    tcase_add_test(tests, redial_delays_double_up_to_the_cap_and_are_spread);
    tcase_add_test(tests, a_peer_dropped_by_its_own_message_is_not_heard_again_in_that_batch);
    tcase_add_test(tests, a_message_of_one_peer_may_drop_another_whose_bytes_wait);
    tcase_add_test(tests, a_peer_may_be_dropped_while_it_is_announced);
    tcase_add_loop_test(tests, a_board_closes_cleanly_in_the_middle_of_everything, 0, 5);
    suite_add_tcase(suite, tests);
    return suite;
}
