#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/proto.h"
#include "crypto/text.h"
#include "node/mconn.h"

Suite *suite_mconn(void);

static const struct mconn_channel channels[] = {
    {.id = 0x00, .priority = 1, .send_queue_capacity = 2, .recv_message_capacity = 64000},
    {.id = 0x20, .priority = 6, .send_queue_capacity = 10, .recv_message_capacity = 5000},
    {.id = 0x21, .priority = 10, .send_queue_capacity = 100, .recv_message_capacity = 1 << 20},
    {.id = 0xf0, .priority = 1, .send_queue_capacity = 1, .recv_message_capacity = 1 << 20},
};

static struct mconn *ours, *theirs;
static struct buffer wire;

static void set_up(void) {
    ours = mconn_new(channels, 4);
    theirs = mconn_new(channels, 4);
    buffer_init(&wire);
}

static void tear_down(void) {
    mconn_free(ours);
    mconn_free(theirs);
    buffer_close(&wire);
}

static bool send(uint8_t channel, struct span bytes) {
    struct blob *blob = blob_new(bytes);
    bool taken = mconn_try_send(ours, channel, blob);
    ck_assert_uint_eq(blob->holders, taken ? 2 : 1);
    blob_release(blob);
    return taken;
}

static bool send_sized(uint8_t channel, size_t size, uint8_t fill) {
    uint8_t *bytes = malloc(size + 1);
    memset(bytes, fill, size);
    bool taken = send(channel, span_of(bytes, size));
    free(bytes);
    return taken;
}

static void expect_wire(const char *hex) {
    char text[TEXT_HEX_SIZE(256)];
    ck_assert_uint_le(buffer_size(&wire), 256);
    text_hex_lower(text, buffer_span(&wire));
    ck_assert_str_eq(text, hex);
}

START_TEST(packets_have_the_bytes_of_the_protocol) {
    ck_assert(send(0x20, span_text("hi")));
    ck_assert_uint_eq(mconn_pull(ours, &wire, SIZE_MAX, NULL), 11);
    expect_wire("0a1a08" "0820" "1001" "1a026869");
    buffer_consume(&wire, buffer_size(&wire));
    ck_assert(send(0x00, span_text("hi")));
    mconn_pull(ours, &wire, SIZE_MAX, NULL);
    expect_wire("081a06" "1001" "1a026869"); /* channel 0 is left out */
    buffer_consume(&wire, buffer_size(&wire));
    ck_assert(send(0xf0, span_of(NULL, 0)));
    mconn_pull(ours, &wire, SIZE_MAX, NULL);
    expect_wire("071a05" "08f001" "1001");
    buffer_consume(&wire, buffer_size(&wire));
    mconn_ping(ours);
    mconn_pong(ours);
    mconn_ping(ours);
    ck_assert(mconn_is_pending(ours));
    mconn_pull(ours, &wire, SIZE_MAX, NULL);
    expect_wire("021200" "020a00");
    ck_assert(!mconn_is_pending(ours));
    ck_assert_uint_eq(mconn_pull(ours, &wire, SIZE_MAX, NULL), 0);
}
END_TEST

START_TEST(a_long_message_is_cut_into_payloads_of_1024) {
    ck_assert(send_sized(0x21, 2500, 7));
    ck_assert_uint_eq(mconn_pull(ours, &wire, SIZE_MAX, NULL), (2 + 1032) + (2 + 1032) + (2 + 462));
    static const uint8_t full[] = {0x88, 0x08, 0x1a, 0x85, 0x08, 0x08, 0x21, 0x1a, 0x80, 0x08, 7};
    ck_assert_mem_eq(buffer_span(&wire).data, full, sizeof full);
}
END_TEST

/* Everything on the wire goes to the other side in pieces of `step`; returns its last verdict. */
static enum mconn_verdict deliver(size_t step, void (*hear)(const struct mconn_message *)) {
    struct buffer in;
    struct mconn_message message;
    enum mconn_verdict verdict = MCONN_MORE;
    buffer_init(&in);
    while (buffer_size(&wire) > 0 && !mconn_is_fault(verdict)) {
        size_t size = buffer_size(&wire) < step ? buffer_size(&wire) : step;
        buffer_append(&in, span_of(buffer_span(&wire).data, size));
        buffer_consume(&wire, size);
        struct span left = buffer_span(&in);
        while ((verdict = mconn_receive(theirs, &message, &left)) == MCONN_MESSAGE)
            hear(&message);
        buffer_consume(&in, buffer_size(&in) - left.size);
    }
    buffer_close(&in);
    return verdict;
}

static struct heard {
    size_t count;
    uint8_t channel[1000];
    size_t size[1000];
} heard;

/* Every message of these tests is one byte repeated: its size, cut to a byte. */
static void hear(const struct mconn_message *message) {
    for (size_t i = 0; i < message->bytes.size; i++)
        ck_assert_uint_eq(message->bytes.data[i], (uint8_t)message->bytes.size);
    ck_assert_uint_lt(heard.count, 1000);
    heard.channel[heard.count] = message->channel;
    heard.size[heard.count++] = message->bytes.size;
}

START_TEST(messages_of_every_size_arrive_whole_however_the_stream_is_cut) {
    static const size_t sizes[] = {0, 1, 100, 1022, 1023, 1024, 1025, 2047, 2048, 2049, 5000};
    static const size_t steps[] = {1, 13, 1024, 1000000};
    for (size_t s = 0; s < 4; s++)
        for (size_t c = 0; c < 4; c++)
            for (size_t i = 0; i < 11; i++) {
                heard.count = 0;
                ck_assert(send_sized(channels[c].id, sizes[i], (uint8_t)sizes[i]));
                while (mconn_pull(ours, &wire, MCONN_PACKET_MAX, NULL) > 0)
                    ;
                ck_assert_int_eq(deliver(steps[s], hear), MCONN_MORE);
                ck_assert_uint_eq(heard.count, 1);
                ck_assert_uint_eq(heard.channel[0], channels[c].id);
                ck_assert_uint_eq(heard.size[0], sizes[i]);
            }
}
END_TEST

START_TEST(a_full_queue_takes_no_more_until_a_message_has_left) {
    bool room_made = false;
    ck_assert(send_sized(0x00, 1500, 1) && send_sized(0x00, 1, 1));
    ck_assert(!mconn_has_room(ours, 0x00));
    ck_assert(!send_sized(0x00, 1, 1));
    ck_assert_uint_eq(mconn_queue_size(ours, 0x00), 2);
    mconn_pull(ours, &wire, MCONN_PACKET_MAX, &room_made);
    ck_assert(!room_made && !send_sized(0x00, 1, 1)); /* half of the first has left */
    mconn_pull(ours, &wire, 500, &room_made);
    ck_assert(room_made && send_sized(0x00, 1, 1));
    ck_assert(!send_sized(0x77, 1, 1)); /* no such channel */
    ck_assert(!mconn_has_room(ours, 0x77));
}
END_TEST

START_TEST(a_pull_gives_whole_packets_within_its_bound) {
    for (size_t i = 0; i < 50; i++)
        ck_assert(send_sized(0x21, i * 40, (uint8_t)(i * 40)));
    while (mconn_is_pending(ours)) {
        size_t before = buffer_size(&wire), pulled = mconn_pull(ours, &wire, 1500, NULL);
        ck_assert_uint_gt(pulled, 0);
        ck_assert_uint_le(pulled, 1500);
        ck_assert_uint_eq(buffer_size(&wire) - before, pulled);
    }
    heard.count = 0;
    ck_assert_int_eq(deliver(SIZE_MAX, hear), MCONN_MORE);
    ck_assert_uint_eq(heard.count, 50);
}
END_TEST

START_TEST(small_messages_of_several_channels_share_one_frame) {
    for (uint8_t i = 0; i < 8; i++)
        ck_assert(send_sized(0x20, 40, 40) && send_sized(0x21, 40, 40));
    ck_assert_uint_le(mconn_pull(ours, &wire, SIZE_MAX, NULL), 1024);
    heard.count = 0;
    deliver(SIZE_MAX, hear);
    ck_assert_uint_eq(heard.count, 16);
}
END_TEST

START_TEST(channels_share_the_stream_by_priority_and_messages_of_one_stay_in_order) {
    for (uint8_t i = 0; i < 10; i++)
        ck_assert(send_sized(0x20, 5000, (uint8_t)5000));
    for (uint8_t i = 0; i < 20; i++)
        ck_assert(send_sized(0x21, 5001, (uint8_t)5001));
    size_t pulled = 0;
    while (pulled < 48 * 1034)
        pulled += mconn_pull(ours, &wire, MCONN_PACKET_MAX, NULL);
    double a = (double)mconn_recently_sent(ours, 0x20), b = (double)mconn_recently_sent(ours, 0x21);
    ck_assert_double_ge(b / a, 10.0 / 6 * 0.9);
    ck_assert_double_le(b / a, 10.0 / 6 * 1.1);
    heard.count = 0;
    ck_assert_int_eq(deliver(700, hear), MCONN_MORE);
    ck_assert_uint_ge(heard.count, 8);
}
END_TEST

START_TEST(a_long_message_does_not_hold_up_another_channel) {
    ck_assert(send_sized(0x21, 100000, (uint8_t)100000));
    mconn_pull(ours, &wire, 20000, NULL);
    ck_assert(send_sized(0x20, 10, 10));
    size_t before = buffer_size(&wire);
    mconn_pull(ours, &wire, 100, NULL); /* the vote channel sent less: it goes first */
    ck_assert_uint_eq(buffer_size(&wire) - before, 19);
    heard.count = 0;
    deliver(SIZE_MAX, hear);
    ck_assert_uint_eq(heard.count, 1);
    ck_assert_uint_eq(heard.channel[0], 0x20);
}
END_TEST

START_TEST(what_was_sent_long_ago_counts_less_and_less) {
    ck_assert(send_sized(0x21, 10000, (uint8_t)10000));
    mconn_pull(ours, &wire, SIZE_MAX, NULL);
    uint64_t sent = mconn_recently_sent(ours, 0x21);
    ck_assert_uint_ge(sent, 10000);
    mconn_decay(ours);
    ck_assert_uint_eq(mconn_recently_sent(ours, 0x21), sent * 4 / 5);
    for (int i = 0; i < 100; i++)
        mconn_decay(ours);
    ck_assert_uint_le(mconn_recently_sent(ours, 0x21), 4);
}
END_TEST

static enum mconn_verdict receive(const void *bytes, size_t size) {
    struct span left = span_of(bytes, size);
    struct mconn_message message;
    return mconn_receive(theirs, &message, &left);
}

static enum mconn_verdict receive_once(const void *bytes, size_t size) {
    tear_down();
    set_up();
    return receive(bytes, size);
}

START_TEST(pings_and_pongs_are_told) {
    ck_assert_int_eq(receive("\x02\x0a\x00", 3), MCONN_PING);
    ck_assert_int_eq(receive("\x02\x12\x00", 3), MCONN_PONG);
    ck_assert_int_eq(receive("\x02\x12", 2), MCONN_MORE);
    ck_assert_int_eq(receive("", 0), MCONN_MORE);
}
END_TEST

START_TEST(unknown_channels_are_a_fault_and_faults_are_final) {
    ck_assert_int_eq(receive("\x06\x1a\x04\x08\x21\x10\x01", 7), MCONN_MESSAGE);
    ck_assert_int_eq(receive("\x06\x1a\x04\x08\x22\x10\x01", 7), MCONN_UNKNOWN_CHANNEL);
    ck_assert_int_eq(receive("\x06\x1a\x04\x08\x21\x10\x01", 7), MCONN_UNKNOWN_CHANNEL);
    ck_assert_int_eq(receive_once("\x07\x1a\x05\x08\xa1\x02\x10\x01", 8), MCONN_UNKNOWN_CHANNEL); /* 0x121 */
    ck_assert_int_eq(receive_once("\x0f\x1a\x0d\x08\xa1\xff\xff\xff\xff\xff\xff\xff\xff\x01\x10\x01", 16), MCONN_UNKNOWN_CHANNEL);
}
END_TEST

START_TEST(packets_that_do_not_decode_are_a_fault) {
    ck_assert_int_eq(receive_once("\x00", 1), MCONN_BAD_PACKET);             /* nothing in it */
    ck_assert_int_eq(receive_once("\x02\x22\x00", 3), MCONN_BAD_PACKET);     /* an unknown kind alone */
    ck_assert_int_eq(receive_once("\x02\x1a\x05", 3), MCONN_BAD_PACKET);     /* a length beyond the end */
    ck_assert_int_eq(receive_once("\x02\x18\x05", 3), MCONN_BAD_PACKET);     /* a varint where a message is expected */
    ck_assert_int_eq(receive_once("\x04\x1a\x02\x0a\x00", 5), MCONN_BAD_PACKET);
    ck_assert_int_eq(receive_once("\x04\x0a\x02\x0b\x00", 5), MCONN_BAD_PACKET); /* bad bytes inside a ping */
}
END_TEST

START_TEST(the_last_kind_in_a_packet_wins_whole) {
    ck_assert_int_eq(receive("\x04\x12\x00\x0a\x00", 5), MCONN_PING);
    struct span left = span_of("\x0d\x1a\x07\x08\x20\x10\x01\x1a\x01x\x1a\x02\x08\x21", 14);
    struct mconn_message message;
    ck_assert_int_eq(mconn_receive(theirs, &message, &left), MCONN_MORE); /* the second has no eof */
    ck_assert_uint_eq(left.size, 0);
}
END_TEST

static size_t make_packet(uint8_t *out, uint8_t channel, bool is_last, size_t size) {
    uint8_t zeroes[2048] = {0};
    struct proto_writer writer, body;
    uint8_t bytes[3000];
    proto_writer_init(&body, bytes, sizeof bytes);
    size_t mark = proto_begin(&body, 3);
    proto_put_uint64(&body, 1, channel);
    proto_put_bool(&body, 2, is_last);
    proto_put_bytes(&body, 3, span_of(zeroes, size));
    proto_end(&body, mark);
    proto_writer_init(&writer, out, 3000);
    proto_put_varint(&writer, body.size);
    proto_put_raw(&writer, proto_writer_span(&body));
    return writer.size;
}

START_TEST(the_largest_packet_passes_and_one_byte_more_is_a_fault) {
    uint8_t packet[3000];
    ck_assert_int_eq(receive_once(packet, make_packet(packet, 0x21, true, 1024)), MCONN_MESSAGE);
    ck_assert_int_eq(receive_once(packet, make_packet(packet, 0x21, true, 1025)), MCONN_PACKET_TOO_LARGE);
    ck_assert_int_eq(receive_once("\x8b\x08", 2), MCONN_PACKET_TOO_LARGE); /* known from the length alone: 1035 */
    ck_assert_int_eq(receive_once("\x8a\x08", 2), MCONN_MORE);
    ck_assert_int_eq(receive_once("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10), MCONN_PACKET_TOO_LARGE);
    ck_assert_int_eq(receive_once("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10), MCONN_PACKET_TOO_LARGE);
}
END_TEST

START_TEST(a_message_as_large_as_its_channel_allows_passes_and_one_byte_more_is_a_fault) {
    uint8_t packet[3000];
    for (int extra = 0; extra < 2; extra++) {
        tear_down();
        set_up();
        size_t size = make_packet(packet, 0x20, false, 1000); /* 5000 bytes fit */
        for (int i = 0; i < 4; i++)
            ck_assert_int_eq(receive(packet, size), MCONN_MORE);
        size = make_packet(packet, 0x20, true, 1000 + (size_t)extra);
        ck_assert_int_eq(receive(packet, size), extra == 0 ? MCONN_MESSAGE : MCONN_MESSAGE_TOO_LARGE);
    }
}
END_TEST

START_TEST(a_message_without_end_is_bounded_by_its_channel) {
    uint8_t packet[3000];
    size_t size = make_packet(packet, 0x21, false, 1024), taken = 0;
    enum mconn_verdict verdict;
    while ((verdict = receive(packet, size)) == MCONN_MORE)
        ck_assert_uint_le(++taken, 1024);
    ck_assert_int_eq(verdict, MCONN_MESSAGE_TOO_LARGE);
    ck_assert_uint_eq(taken, 1024);
}
END_TEST

START_TEST(messages_that_arrive_in_turns_on_two_channels_do_not_mix) {
    heard.count = 0;
    ck_assert(send_sized(0x20, 4000, (uint8_t)4000) && send_sized(0x21, 7000, (uint8_t)7000) && send_sized(0x00, 3000, (uint8_t)3000));
    while (mconn_pull(ours, &wire, MCONN_PACKET_MAX, NULL) > 0)
        ;
    ck_assert_int_eq(deliver(100, hear), MCONN_MORE);
    ck_assert_uint_eq(heard.count, 3);
    ck_assert_uint_eq(heard.size[0] + heard.size[1] + heard.size[2], 14000);
}
END_TEST

START_TEST(what_is_queued_is_released_with_the_connection) {
    struct blob *blob = blob_new(span_text("kept"));
    for (int i = 0; i < 50; i++)
        ck_assert(mconn_try_send(ours, 0x21, blob));
    ck_assert_uint_eq(blob->holders, 51);
    mconn_free(ours);
    ours = NULL;
    ck_assert_uint_eq(blob->holders, 1);
    blob_release(blob);
}
END_TEST

START_TEST(random_bytes_and_flipped_bits_do_no_harm) {
    srand(8);
    for (int round = 0; round < 3000; round++) {
        tear_down();
        set_up();
        uint8_t bytes[4000];
        size_t size = 0;
        while (size < 900)
            size += make_packet(bytes + size, channels[rand() % 4].id, rand() % 3 == 0, (size_t)rand() % 200);
        for (int flips = rand() % 6; flips > 0; flips--)
            bytes[(size_t)rand() % size] ^= (uint8_t)(1 << rand() % 8);
        if (round % 10 == 0)
            for (size_t i = 0; i < size; i++)
                bytes[i] = (uint8_t)(rand() >> 4);
        uint8_t *exact = malloc(size);
        memcpy(exact, bytes, size);
        struct span left = span_of(exact, size);
        struct mconn_message message;
        size_t sum = 0;
        enum mconn_verdict verdict;
        while ((verdict = mconn_receive(theirs, &message, &left)) != MCONN_MORE && !mconn_is_fault(verdict))
            for (size_t i = 0; verdict == MCONN_MESSAGE && i < message.bytes.size; i++)
                sum += message.bytes.data[i];
        ck_assert_uint_le(sum, 255 * size);
        free(exact);
    }
}
END_TEST

Suite *suite_mconn(void) {
    Suite *suite = suite_create("mconn");
    TCase *tests = tcase_create("mconn");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, packets_have_the_bytes_of_the_protocol);
    tcase_add_test(tests, a_long_message_is_cut_into_payloads_of_1024);
    tcase_add_test(tests, messages_of_every_size_arrive_whole_however_the_stream_is_cut);
    tcase_add_test(tests, a_full_queue_takes_no_more_until_a_message_has_left);
    tcase_add_test(tests, a_pull_gives_whole_packets_within_its_bound);
    tcase_add_test(tests, small_messages_of_several_channels_share_one_frame);
    tcase_add_test(tests, channels_share_the_stream_by_priority_and_messages_of_one_stay_in_order);
    tcase_add_test(tests, a_long_message_does_not_hold_up_another_channel);
    tcase_add_test(tests, what_was_sent_long_ago_counts_less_and_less);
    tcase_add_test(tests, pings_and_pongs_are_told);
    tcase_add_test(tests, unknown_channels_are_a_fault_and_faults_are_final);
    tcase_add_test(tests, packets_that_do_not_decode_are_a_fault);
    tcase_add_test(tests, the_last_kind_in_a_packet_wins_whole);
    tcase_add_test(tests, the_largest_packet_passes_and_one_byte_more_is_a_fault);
    tcase_add_test(tests, a_message_as_large_as_its_channel_allows_passes_and_one_byte_more_is_a_fault);
    tcase_add_test(tests, a_message_without_end_is_bounded_by_its_channel);
    tcase_add_test(tests, messages_that_arrive_in_turns_on_two_channels_do_not_mix);
    tcase_add_test(tests, what_is_queued_is_released_with_the_connection);
    tcase_add_test(tests, random_bytes_and_flipped_bits_do_no_harm);
    suite_add_tcase(suite, tests);
    return suite;
}
