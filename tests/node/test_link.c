#include <check.h>
#include <event2/bufferevent.h>
#include <event2/dns.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "node/link.h"
#include "tests/node/outsider.h"

Suite *suite_link(void);

/* Two sides that link, on one loop: the dialler and the one who accepts. */
struct side {
    struct ed25519_key *key;
    struct node_info info;
    struct link_settings settings;
    struct link_owner owner;
    struct link *link;
    int authenticated, introduced, messages, writable, dead;
    char why[LINK_WHY_SIZE];
    bool fault;
    const char *refuse_authenticated, *refuse_introduced;
    int kill_at_message; /* 0: never */
    uint8_t last_channel;
    size_t last_size;
    uint64_t sum;
};

static struct event_base *base;
static struct side dialler, acceptor;
static struct outsider outsider;
static int listener;
static uint16_t port;

static const struct mconn_channel channels[] = {
    {0x20, 6, 10, 1048576}, {0x21, 10, 100, 1048576}, {0x22, 7, 100, 1048576}, {0x30, 5, 64, 4194304}, {0x00, 1, 10, 64000}};

static const char *on_authenticated(void *context, struct link *link, const char *id) {
    struct side *side = context;
    ck_assert_str_eq(link_id(link), id);
    side->authenticated++;
    return side->refuse_authenticated;
}

static const char *on_introduced(void *context, struct link *link) {
    struct side *side = context;
    ck_assert_int_eq(link_phase(link), LINK_UP);
    side->introduced++;
    return side->refuse_introduced;
}

static void on_message(void *context, struct link *link, uint8_t channel, struct span bytes) {
    struct side *side = context;
    ck_assert_int_eq(link_phase(link), LINK_UP);
    ck_assert_int_eq(side->dead, 0);
    side->messages++;
    side->last_channel = channel;
    side->last_size = bytes.size;
    for (size_t i = 0; i < bytes.size; i++)
        side->sum += bytes.data[i];
    if (side->messages == side->kill_at_message)
        link_kill(link, "enough", false);
}

static void on_writable(void *context, struct link *link) {
    (void)link;
    ((struct side *)context)->writable++;
}

static void on_dead(void *context, struct link *link, const char *why, bool fault) {
    struct side *side = context;
    ck_assert_int_eq(link_phase(link), LINK_DEAD);
    side->dead++;
    snprintf(side->why, sizeof side->why, "%s", why);
    side->fault = fault;
}

static void open_side(struct side *side, uint32_t seed) {
    *side = (struct side){.key = outsider_key(seed)};
    side->info = outsider_info(side->key, "test-chain");
    side->settings = (struct link_settings){.base = base,
                                            .node_key = side->key,
                                            .info = &side->info,
                                            .channels = channels,
                                            .channel_count = 5,
                                            .handshake_timeout_ms = 5000,
                                            .dial_timeout_ms = 2000,
                                            .ping_interval_ms = 60000,
                                            .pong_timeout_ms = 45000};
    side->owner = (struct link_owner){side, on_authenticated, on_introduced, on_message, on_writable, on_dead, NULL};
}

static void close_side(struct side *side) {
    link_free(side->link);
    ed25519_key_free(side->key);
}

static void set_up(void) {
    signal(SIGPIPE, SIG_IGN);
    base = event_base_new();
    open_side(&dialler, 1);
    open_side(&acceptor, 2);
    outsider.fd = -1;
    port = 0;
    listener = outsider_listen(&port);
    ck_assert_int_ge(listener, 0);
}

static void tear_down(void) {
    close_side(&dialler);
    close_side(&acceptor);
    if (outsider.key != NULL)
        outsider_close(&outsider);
    if (listener >= 0)
        close(listener);
    event_base_free(base);
}

static int accept_one(void) {
    for (int i = 0; i < 5000; i++) {
        int fd = accept(listener, NULL, NULL);
        if (fd >= 0) {
            evutil_make_socket_nonblocking(fd);
            return fd;
        }
        outsider_turn(base);
    }
    ck_abort_msg("nobody connects");
    return -1;
}

static struct netaddress address_of(const char *id) {
    struct netaddress address;
    char text[100];
    snprintf(text, sizeof text, "%s@127.0.0.1:%u", id, port);
    ck_assert_int_eq(netaddress_parse(&address, span_text(text)), NETADDRESS_GOOD);
    return address;
}

static void connect_sides(void) {
    struct netaddress address = address_of(acceptor.info.id);
    dialler.link = link_dial(&dialler.settings, &dialler.owner, &address);
    ck_assert_ptr_nonnull(dialler.link);
    acceptor.link = link_accept(&acceptor.settings, &acceptor.owner, accept_one(), "127.0.0.1");
    ck_assert_ptr_nonnull(acceptor.link);
}

static void bring_up(void) {
    connect_sides();
    outsider_wait(base, 5000, dialler.introduced == 1 && acceptor.introduced == 1);
}

/* An outsider dials the accepting side. */
static void admit(enum outsider_stage goes_to) {
    outsider_open(&outsider, outsider_connect(port, 1), 3, "test-chain", goes_to);
    acceptor.link = link_accept(&acceptor.settings, &acceptor.owner, accept_one(), "127.0.0.1");
}

static void admit_fully(void) {
    admit(OUTSIDER_UP);
    outsider_wait(base, 5000, acceptor.introduced == 1 && outsider.stage == OUTSIDER_UP);
}

static bool say(struct side *side, uint8_t channel, size_t size, uint8_t fill) {
    struct blob *blob = blob_reserve(size);
    memset(blob->data, fill, size);
    bool taken = link_send(side->link, channel, blob);
    blob_release(blob);
    return taken;
}

static void tick_until_dead(struct side *side) {
    for (int i = 0; i < 10000 && side->dead == 0; i++) {
        link_tick(side->link, outsider_clock());
        outsider_turn(base);
    }
    ck_assert_int_eq(side->dead, 1);
}

static void expect_death(struct side *side, const char *why, bool fault) {
    tick_until_dead(side);
    ck_assert_msg(strstr(side->why, why) != NULL, "died of: %s", side->why);
    ck_assert_int_eq(side->fault, fault);
    link_kill(side->link, "again", true);
    link_tick(side->link, outsider_clock() + 1000000);
    ck_assert_int_eq(side->dead, 1);
    ck_assert(!say(side, 0x20, 10, 1));
}

/* ---- two honest sides */

START_TEST(two_sides_learn_who_the_other_is_and_exchange_messages_on_all_channels) {
    bring_up();
    ck_assert_str_eq(link_id(dialler.link), acceptor.info.id);
    ck_assert_str_eq(link_id(acceptor.link), dialler.info.id);
    ck_assert_str_eq(link_expected_id(acceptor.link), "");
    ck_assert(link_is_outbound(dialler.link) && !link_is_outbound(acceptor.link));
    ck_assert_str_eq(link_remote_ip(dialler.link), "127.0.0.1");
    ck_assert_str_eq(link_info(dialler.link)->network, "test-chain");
    for (size_t i = 0; i < 5; i++) {
        size_t size = i * 15000;
        ck_assert(say(&dialler, channels[i].id, size, 1) && say(&acceptor, channels[i].id, size + 1, 2));
        link_flush(dialler.link);
        link_flush(acceptor.link);
        outsider_wait(base, 5000, dialler.messages == (int)i + 1 && acceptor.messages == (int)i + 1);
        ck_assert_uint_eq(acceptor.last_channel, channels[i].id);
        ck_assert_uint_eq(acceptor.last_size, size);
        ck_assert_uint_eq(dialler.last_size, size + 1);
    }
    ck_assert_uint_eq(acceptor.sum, 150000);
    ck_assert_uint_eq(dialler.sum, 300010);
    ck_assert_uint_eq(link_count(dialler.link).bytes_sent, link_count(acceptor.link).bytes_received);
    ck_assert_uint_eq(link_count(acceptor.link).bytes_sent, link_count(dialler.link).bytes_received);
}
END_TEST

START_TEST(what_is_sent_in_one_turn_shares_frames) {
    bring_up();
    uint64_t before = link_count(dialler.link).bytes_sent;
    for (int i = 0; i < 20; i++)
        ck_assert(say(&dialler, 0x22, 30, 7));
    link_flush(dialler.link);
    ck_assert_uint_eq(link_count(dialler.link).bytes_sent - before, SECRETCONN_FRAME_BYTES);
    outsider_wait(base, 5000, acceptor.messages == 20);
}
END_TEST

START_TEST(nothing_is_sent_on_a_channel_that_the_other_side_does_not_have) {
    acceptor.info.channel_count = 1;
    bring_up();
    ck_assert(say(&dialler, 0x20, 10, 1));
    ck_assert(!say(&dialler, 0x21, 10, 1));
    ck_assert(!say(&dialler, 0x99, 10, 1));
}
END_TEST

START_TEST(megabytes_both_ways_arrive_whole_though_both_queues_fill) {
    bring_up();
    int sent[2] = {0}, refused = 0;
    while (dialler.messages < 40 || acceptor.messages < 40) {
        for (int i = 0; i < 2; i++) {
            struct side *side = i == 0 ? &dialler : &acceptor;
            while (sent[i] < 40 && say(side, 0x20, 500000, 1))
                sent[i]++;
            refused += sent[i] < 40;
            link_flush(side->link);
        }
        outsider_turn(base);
        ck_assert_int_eq(dialler.dead + acceptor.dead, 0);
    }
    ck_assert_int_gt(refused, 0);
    ck_assert_int_gt(dialler.writable, 0);
    ck_assert_int_gt(acceptor.writable, 0);
    ck_assert_uint_eq(acceptor.sum, 20000000);
    ck_assert_uint_eq(dialler.sum, 20000000);
}
END_TEST

/* ---- the handshake */

/* Wound 1: a man in the middle has a key too, but not the one that was dialled. */
START_TEST(whoever_answers_with_another_key_than_was_dialled_is_refused) {
    struct netaddress address = address_of("00112233445566778899aabbccddeeff00112233");
    dialler.link = link_dial(&dialler.settings, &dialler.owner, &address);
    acceptor.link = link_accept(&acceptor.settings, &acceptor.owner, accept_one(), "127.0.0.1");
    expect_death(&dialler, "not the 00112233445566778899aabbccddeeff00112233 that was dialled", true);
    ck_assert_int_eq(dialler.authenticated + dialler.introduced, 0);
}
END_TEST

START_TEST(an_id_is_dialled_in_either_case) {
    char upper[41];
    for (size_t i = 0; i < sizeof upper; i++)
        upper[i] = (char)(acceptor.info.id[i] >= 'a' && acceptor.info.id[i] <= 'f' ? acceptor.info.id[i] - 32 : acceptor.info.id[i]);
    struct netaddress address = address_of(upper);
    dialler.link = link_dial(&dialler.settings, &dialler.owner, &address);
    ck_assert_str_eq(link_expected_id(dialler.link), acceptor.info.id);
    acceptor.link = link_accept(&acceptor.settings, &acceptor.owner, accept_one(), "127.0.0.1");
    outsider_wait(base, 5000, dialler.introduced == 1);
}
END_TEST

START_TEST(garbage_instead_of_a_handshake_ends_the_link) {
    static const char *const texts[] = {"GET / HTTP/1.1\r\nHost: node\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
                                        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "\x22\x0a\x21zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        admit(OUTSIDER_SILENT);
        outsider_raw(&outsider, texts[i], strlen(texts[i]));
        char zeros[2000] = {0};
        outsider_raw(&outsider, zeros, sizeof zeros);
        expect_death(&acceptor, "", true);
        ck_assert_int_eq(acceptor.authenticated, 0);
        link_free(acceptor.link);
        acceptor.link = NULL;
        acceptor.dead = 0;
        outsider_wait(base, 5000, outsider_is_cut_off(&outsider));
        outsider_close(&outsider);
    }
}
END_TEST

START_TEST(random_bytes_never_bring_a_link_up) {
    srand(7);
    acceptor.settings.handshake_timeout_ms = 20;
    for (int round = 0; round < 50; round++) {
        uint8_t noise[4000];
        admit(round % 2 == 0 ? OUTSIDER_SILENT : OUTSIDER_GREETED);
        outsider_pump(&outsider);
        for (size_t i = 0; i < sizeof noise; i++)
            noise[i] = (uint8_t)rand();
        outsider_raw(&outsider, noise, sizeof noise);
        tick_until_dead(&acceptor);
        ck_assert_int_eq(acceptor.authenticated, 0);
        link_free(acceptor.link);
        acceptor.link = NULL;
        acceptor.dead = 0;
        outsider_close(&outsider);
    }
}
END_TEST

/* Silence at each station: before the first byte, after the greeting, after the authentication. */
START_TEST(a_handshake_that_stays_half_is_ended_by_its_timeout) {
    acceptor.settings.handshake_timeout_ms = 200;
    admit((enum outsider_stage)_i);
    int64_t began = outsider_clock();
    expect_death(&acceptor, "the handshake took too long", true);
    int64_t took = outsider_clock() - began;
    ck_assert_int_ge(took, 195);
    ck_assert_int_lt(took, 2000);
    ck_assert_int_eq(acceptor.introduced, 0);
    ck_assert_int_eq(acceptor.authenticated, _i == OUTSIDER_SECRET);
}
END_TEST

START_TEST(a_handshake_byte_by_byte_succeeds_within_its_time) {
    admit(OUTSIDER_UP);
    outsider.drips = true;
    int turns = 0;
    for (int64_t end = outsider_clock() + 4500; acceptor.introduced == 0; turns++) {
        ck_assert_int_lt(outsider_clock(), end);
        outsider_pump(&outsider);
        event_base_loop(base, EVLOOP_NONBLOCK);
        link_tick(acceptor.link, outsider_clock());
    }
    ck_assert_int_ge(turns, 2 * SECRETCONN_FRAME_BYTES);
}
END_TEST

/* It must not be able to stay for ever by sending a byte now and then. */
START_TEST(a_handshake_byte_by_byte_does_not_put_off_the_timeout) {
    acceptor.settings.handshake_timeout_ms = 300;
    admit(OUTSIDER_SILENT);
    static const uint8_t greeting[35] = {34, 0x0a, 32};
    int64_t began = outsider_clock(), next = began;
    for (size_t at = 0; acceptor.dead == 0;) {
        if (outsider_clock() >= next && at < sizeof greeting) {
            outsider_raw(&outsider, &greeting[at++], 1);
            next += 20;
        }
        link_tick(acceptor.link, outsider_clock());
        outsider_turn(base);
    }
    ck_assert_int_lt(outsider_clock() - began, 2000);
    expect_death(&acceptor, "the handshake took too long", true);
}
END_TEST

START_TEST(a_dial_without_an_answer_is_given_up) {
    dialler.settings.dial_timeout_ms = 100;
    close(listener);
    listener = -1;
    struct netaddress address = address_of(acceptor.info.id);
    dialler.link = link_dial(&dialler.settings, &dialler.owner, &address);
    expect_death(&dialler, "", false);
    ck_assert_int_eq(dialler.authenticated, 0);
}
END_TEST

/* The loop must not wait for a name server; without a resolver the dial fails, and says so after it was handed over. */
START_TEST(a_name_is_never_looked_up_in_the_loop) {
    struct netaddress address = address_of(acceptor.info.id);
    snprintf(address.host, sizeof address.host, "validator.example");
    address.is_ip = false;
    dialler.link = link_dial(&dialler.settings, &dialler.owner, &address);
    ck_assert_ptr_nonnull(dialler.link);
    ck_assert_int_eq(dialler.dead, 0);
    expect_death(&dialler, "no resolver", false);
}
END_TEST

START_TEST(a_name_that_does_not_resolve_is_a_dial_in_vain) {
    struct netaddress address = address_of(acceptor.info.id);
    dialler.settings.dns = evdns_base_new(base, 0); /* it knows no name server */
    dialler.settings.dial_timeout_ms = 300;
    snprintf(address.host, sizeof address.host, "no.such.name.invalid");
    address.is_ip = false;
    dialler.link = link_dial(&dialler.settings, &dialler.owner, &address);
    ck_assert_ptr_nonnull(dialler.link);
    ck_assert_int_eq(dialler.dead, 0);
    expect_death(&dialler, "", false);
    link_free(dialler.link);
    dialler.link = NULL;
    evdns_base_free(dialler.settings.dns, 1);
    outsider_rest(base, 20);
}
END_TEST

START_TEST(a_dial_that_gets_through_after_it_was_given_up_stays_dead) {
    struct netaddress address = address_of(acceptor.info.id);
    dialler.link = link_dial(&dialler.settings, &dialler.owner, &address);
    link_kill(dialler.link, "given up", false);
    close(accept_one());
    outsider_rest(base, 50);
    ck_assert_int_eq(link_phase(dialler.link), LINK_DEAD);
    ck_assert_int_eq(dialler.dead, 1);
}
END_TEST

START_TEST(a_node_of_another_network_or_block_version_or_without_common_channels_is_refused) {
    static const char *const whys[] = {"another network", "another block protocol", "no channel in common"};
    snprintf(dialler.info.network, sizeof dialler.info.network, "%s", _i == 0 ? "other-chain" : "test-chain");
    dialler.info.block_version += _i == 1;
    if (_i == 2) {
        dialler.info.channel_count = 1;
        dialler.info.channels[0] = 0x61;
    }
    connect_sides();
    expect_death(&acceptor, whys[_i], true);
    ck_assert_int_eq(acceptor.introduced, 0);
    tick_until_dead(&dialler);
}
END_TEST

START_TEST(an_owner_may_refuse_at_either_door) {
    acceptor.refuse_authenticated = _i == 0 ? "not you" : NULL;
    acceptor.refuse_introduced = _i == 1 ? "not you" : NULL;
    connect_sides();
    expect_death(&acceptor, "not you", false);
    ck_assert_int_eq(acceptor.introduced, _i);
    ck_assert_int_eq(acceptor.messages, 0);
    link_free(acceptor.link);
    acceptor.link = NULL;
    tick_until_dead(&dialler);
}
END_TEST

START_TEST(a_node_info_that_claims_another_id_or_does_not_decode_or_is_too_long_is_refused) {
    admit(OUTSIDER_SECRET);
    outsider_wait(base, 5000, outsider.stage == OUTSIDER_SECRET);
    uint8_t bytes[NODE_INFO_BYTES_MAX + 10];
    size_t size = 0;
    if (_i == 0) {
        outsider.info.id[0] = outsider.info.id[0] == '0' ? '1' : '0';
        size = node_info_encode(bytes, &outsider.info);
    } else if (_i == 1) {
        memset(bytes, 0xff, size = 40);
        bytes[0] = 30;
    } else {
        memcpy(bytes, "\x81\x50", size = 2); /* 10241 */
    }
    outsider_plain(&outsider, bytes, size);
    expect_death(&acceptor, _i == 0 ? "not that of the authenticated key" : "does not decode or is too long", true);
    ck_assert_int_eq(acceptor.introduced, 0);
}
END_TEST

START_TEST(a_message_in_the_same_frame_as_the_node_info_is_not_lost) {
    admit(OUTSIDER_SECRET);
    outsider_wait(base, 5000, outsider.stage == OUTSIDER_SECRET);
    uint8_t bytes[NODE_INFO_BYTES_MAX + 30];
    size_t size = node_info_encode(bytes, &outsider.info);
    memcpy(bytes + size, "\x0a\x1a\x08\x08\x20\x10\x01\x1a\x02hi", 11);
    outsider_plain(&outsider, bytes, size + 11);
    outsider_wait(base, 5000, acceptor.messages == 1);
    ck_assert_uint_eq(acceptor.last_channel, 0x20);
    ck_assert_uint_eq(acceptor.last_size, 2);
}
END_TEST

/* ---- bad bytes of an introduced peer */

static size_t packet(uint8_t *out, uint8_t channel, bool last, size_t size) {
    size_t message = 2 + (last ? 2 : 0) + 3 + size, body = 3 + message, at = 0;
    out[at++] = (uint8_t)(body | 0x80);
    out[at++] = (uint8_t)(body >> 7);
    out[at++] = 0x1a;
    out[at++] = (uint8_t)(message | 0x80);
    out[at++] = (uint8_t)(message >> 7);
    out[at++] = 0x08;
    out[at++] = channel;
    if (last) {
        out[at++] = 0x10;
        out[at++] = 1;
    }
    out[at++] = 0x1a;
    out[at++] = (uint8_t)(size | 0x80);
    out[at++] = (uint8_t)(size >> 7);
    memset(out + at, 0x41, size);
    return at + size;
}

START_TEST(a_frame_that_was_tampered_with_ends_the_link) {
    admit_fully();
    uint8_t noise[SECRETCONN_FRAME_BYTES * 2];
    memset(noise, 0x5a, sizeof noise);
    outsider_raw(&outsider, noise, sizeof noise);
    expect_death(&acceptor, "not authentic", true);
}
END_TEST

START_TEST(an_oversize_packet_ends_the_link) {
    admit_fully();
    uint8_t bytes[4000];
    outsider_plain(&outsider, bytes, packet(bytes, 0x20, true, 1026));
    expect_death(&acceptor, "a packet is too large", true);
    ck_assert_int_eq(acceptor.messages, 0);
}
END_TEST

START_TEST(a_message_above_its_channels_capacity_ends_the_link_before_it_is_whole) {
    admit_fully();
    uint8_t bytes[4000];
    size_t size = packet(bytes, 0x20, false, 1000);
    for (int i = 0; i < 1049; i++) /* 1048 packets fit */
        outsider_plain(&outsider, bytes, size);
    expect_death(&acceptor, "larger than its channel allows", true);
    ck_assert_int_eq(acceptor.messages, 0);
}
END_TEST

START_TEST(a_message_of_exactly_its_channels_capacity_arrives) {
    admit_fully();
    static uint8_t bytes[1048577];
    outsider_say(&outsider, 0x20, bytes, 1048576);
    outsider_wait(base, 5000, acceptor.messages == 1);
    ck_assert_uint_eq(acceptor.last_size, 1048576);
    outsider_say(&outsider, 0x20, bytes, 1048577);
    expect_death(&acceptor, "larger than its channel allows", true);
}
END_TEST

START_TEST(a_message_on_an_unknown_channel_ends_the_link) {
    admit_fully();
    outsider_say(&outsider, 0x77, "hello", 5);
    expect_death(&acceptor, "unknown channel", true);
}
END_TEST

START_TEST(a_packet_that_does_not_decode_ends_the_link) {
    admit_fully();
    outsider_plain(&outsider, "\x03\x1a\x05\x08", 4);
    expect_death(&acceptor, "does not decode", true);
}
END_TEST

START_TEST(a_side_that_goes_away_is_noticed) {
    bring_up();
    link_free(acceptor.link);
    acceptor.link = NULL;
    expect_death(&dialler, "", false);
}
END_TEST

/* ---- death in the middle of things */

START_TEST(a_handler_may_kill_in_the_middle_of_a_batch_and_hears_nothing_more) {
    admit_fully();
    acceptor.kill_at_message = 3;
    for (int i = 0; i < 50; i++)
        outsider_say(&outsider, 0x22, "vote", 4);
    outsider_wait(base, 5000, acceptor.dead == 1);
    ck_assert_int_eq(acceptor.messages, 3);
    outsider_rest(base, 50);
    ck_assert_int_eq(acceptor.messages, 3);
    ck_assert_int_eq(acceptor.dead, 1);
    link_free(acceptor.link);
    acceptor.link = NULL;
    outsider_wait(base, 5000, outsider_is_cut_off(&outsider));
}
END_TEST

/* ---- pings */

START_TEST(a_ping_is_answered_and_answers_keep_the_link) {
    acceptor.settings.ping_interval_ms = 50;
    acceptor.settings.pong_timeout_ms = 200;
    admit_fully();
    outsider_plain(&outsider, "\x02\x0a\x00", 3);
    uint64_t before = outsider.bytes;
    outsider_wait(base, 5000, outsider.bytes > before);
    for (int64_t end = outsider_clock() + 700; outsider_clock() < end;) {
        link_tick(acceptor.link, outsider_clock());
        outsider_turn(base);
    }
    ck_assert_int_eq(acceptor.dead, 0);
    ck_assert_uint_ge(outsider.pings, 5);
}
END_TEST

START_TEST(a_peer_that_answers_no_ping_is_dropped) {
    acceptor.settings.ping_interval_ms = 50;
    acceptor.settings.pong_timeout_ms = 150;
    admit_fully();
    outsider.pongs = false;
    int64_t began = outsider_clock();
    expect_death(&acceptor, "no pong", true);
    ck_assert_int_ge(outsider_clock() - began, 150);
    ck_assert_int_lt(outsider_clock() - began, 3000);
}
END_TEST

START_TEST(a_doubted_link_dies_sooner_if_no_pong_comes) {
    admit_fully();
    outsider.pongs = false;
    link_probe(acceptor.link, outsider_clock(), 100);
    expect_death(&acceptor, "no pong", true);
    ck_assert_uint_eq(outsider.pings, 1);
}
END_TEST

/* ---- a peer that does not read */

static int64_t cpu_us(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

START_TEST(a_peer_that_never_reads_fills_its_queues_and_no_more_and_goes_on_when_it_reads_again) {
    admit_fully();
    outsider.deaf = true;
    int sent = 0;
    for (int round = 0; round < 400; round++) {
        while (say(&acceptor, 0x20, 100000, 1))
            sent++;
        link_flush(acceptor.link);
        outsider_turn(base);
        ck_assert_int_lt(sent, 400); /* kernel buffers, LINK_OUTPUT_MAX, ten in the queue: not without end */
    }
    ck_assert_int_eq(acceptor.dead, 0);
    ck_assert(link_has_pending(acceptor.link));
    uint64_t left = link_count(acceptor.link).bytes_sent;
    ck_assert(!say(&acceptor, 0x20, 10, 1));
    /* and the loop sleeps: nothing is writable */
    int64_t began = cpu_us();
    struct timeval half = {0, 500000};
    event_base_loopexit(base, &half);
    event_base_dispatch(base);
    ck_assert_int_lt(cpu_us() - began, 100000);
    ck_assert_uint_eq(link_count(acceptor.link).bytes_sent, left);
    int writable = acceptor.writable;
    outsider.deaf = false;
    outsider_wait(base, 10000, outsider.messages == (uint32_t)sent);
    ck_assert_int_gt(acceptor.writable, writable);
    ck_assert(!link_has_pending(acceptor.link));
    ck_assert(say(&acceptor, 0x20, 10, 1));
}
END_TEST

/* ---- rates */

START_TEST(the_send_rate_is_kept) {
    struct timeval slice = {0, 100000};
    struct ev_token_bucket_cfg *rate = ev_token_bucket_cfg_new(EV_RATE_LIMIT_MAX / 10, EV_RATE_LIMIT_MAX, 50000, 100000, &slice);
    acceptor.settings.rate = rate;
    admit_fully();
    int64_t began = outsider_clock(), end = began + 1500;
    uint64_t before = outsider.bytes;
    while (outsider_clock() < end) {
        while (say(&acceptor, 0x20, 50000, 1))
            ;
        link_flush(acceptor.link);
        outsider_turn(base);
    }
    uint64_t got = outsider.bytes - before; /* 500 kB/s, and 100 kB that may be saved up */
    ck_assert_msg(got >= 400000 && got <= 1200000, "%lu bytes", (unsigned long)got);
    link_free(acceptor.link);
    acceptor.link = NULL;
    ev_token_bucket_cfg_free(rate);
}
END_TEST

START_TEST(the_receive_rate_is_kept) {
    struct timeval slice = {0, 100000};
    struct ev_token_bucket_cfg *rate = ev_token_bucket_cfg_new(50000, 100000, EV_RATE_LIMIT_MAX / 10, EV_RATE_LIMIT_MAX, &slice);
    acceptor.settings.rate = rate;
    admit_fully();
    int64_t end = outsider_clock() + 1500;
    uint64_t before = link_count(acceptor.link).bytes_received;
    static uint8_t bytes[50000];
    while (outsider_clock() < end) {
        while (mconn_queue_size(outsider.mconn, 0x20) < 10)
            outsider_say(&outsider, 0x20, bytes, sizeof bytes);
        outsider_turn(base);
    }
    uint64_t got = link_count(acceptor.link).bytes_received - before;
    ck_assert_msg(got >= 400000 && got <= 1200000, "%lu bytes", (unsigned long)got);
    link_free(acceptor.link);
    acceptor.link = NULL;
    ev_token_bucket_cfg_free(rate);
}
END_TEST

Suite *suite_link(void) {
    Suite *suite = suite_create("link");
    TCase *tests = tcase_create("link");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, two_sides_learn_who_the_other_is_and_exchange_messages_on_all_channels);
    tcase_add_test(tests, what_is_sent_in_one_turn_shares_frames);
    tcase_add_test(tests, nothing_is_sent_on_a_channel_that_the_other_side_does_not_have);
    tcase_add_test(tests, megabytes_both_ways_arrive_whole_though_both_queues_fill);
    tcase_add_test(tests, whoever_answers_with_another_key_than_was_dialled_is_refused);
    tcase_add_test(tests, an_id_is_dialled_in_either_case);
    tcase_add_test(tests, garbage_instead_of_a_handshake_ends_the_link);
    tcase_add_test(tests, random_bytes_never_bring_a_link_up);
    tcase_add_loop_test(tests, a_handshake_that_stays_half_is_ended_by_its_timeout, OUTSIDER_SILENT, OUTSIDER_UP);
    tcase_add_test(tests, a_handshake_byte_by_byte_succeeds_within_its_time);
    tcase_add_test(tests, a_handshake_byte_by_byte_does_not_put_off_the_timeout);
    tcase_add_test(tests, a_dial_without_an_answer_is_given_up);
    tcase_add_test(tests, a_name_is_never_looked_up_in_the_loop);
    tcase_add_test(tests, a_name_that_does_not_resolve_is_a_dial_in_vain);
    tcase_add_test(tests, a_dial_that_gets_through_after_it_was_given_up_stays_dead);
    tcase_add_loop_test(tests, a_node_of_another_network_or_block_version_or_without_common_channels_is_refused, 0, 3);
    tcase_add_loop_test(tests, an_owner_may_refuse_at_either_door, 0, 2);
    tcase_add_loop_test(tests, a_node_info_that_claims_another_id_or_does_not_decode_or_is_too_long_is_refused, 0, 3);
    tcase_add_test(tests, a_message_in_the_same_frame_as_the_node_info_is_not_lost);
    tcase_add_test(tests, a_frame_that_was_tampered_with_ends_the_link);
    tcase_add_test(tests, an_oversize_packet_ends_the_link);
    tcase_add_test(tests, a_message_above_its_channels_capacity_ends_the_link_before_it_is_whole);
    tcase_add_test(tests, a_message_of_exactly_its_channels_capacity_arrives);
    tcase_add_test(tests, a_message_on_an_unknown_channel_ends_the_link);
    tcase_add_test(tests, a_packet_that_does_not_decode_ends_the_link);
    tcase_add_test(tests, a_side_that_goes_away_is_noticed);
    tcase_add_test(tests, a_handler_may_kill_in_the_middle_of_a_batch_and_hears_nothing_more);
    tcase_add_test(tests, a_ping_is_answered_and_answers_keep_the_link);
    tcase_add_test(tests, a_peer_that_answers_no_ping_is_dropped);
    tcase_add_test(tests, a_doubted_link_dies_sooner_if_no_pong_comes);
    tcase_add_test(tests, a_peer_that_never_reads_fills_its_queues_and_no_more_and_goes_on_when_it_reads_again);
    tcase_add_test(tests, the_send_rate_is_kept);
    tcase_add_test(tests, the_receive_rate_is_kept);
    suite_add_tcase(suite, tests);
    return suite;
}
