#include <check.h>
#include <stdlib.h>

#include "crypto/aead.h"
#include "crypto/x25519.h"
#include "node/secretconn.h"

Suite *suite_secretconn(void);

struct side {
    struct ed25519_key *key;
    struct secretconn *conn;
    struct buffer out, plain; /* what it wants to send; what it understood */
    struct buffer in;         /* what arrived and is not consumed */
};

static struct side alice, bob;

static void open_side(struct side *side, uint8_t seed) {
    uint8_t secret[32];
    memset(secret, seed, sizeof secret);
    *side = (struct side){0};
    side->key = ed25519_key_new(secret);
    secret[0] ^= 0x55;
    side->conn = secretconn_new(side->key, secret);
    secretconn_greet(side->conn, &side->out);
}

static void close_side(struct side *side) {
    secretconn_free(side->conn);
    ed25519_key_free(side->key);
    buffer_close(&side->out);
    buffer_close(&side->plain);
    buffer_close(&side->in);
}

static void set_up(void) {
    open_side(&alice, 1);
    open_side(&bob, 2);
}

static void tear_down(void) {
    close_side(&alice);
    close_side(&bob);
}

/* Feeds what is in `in`, as an owner of a socket does. */
static enum secretconn_verdict digest(struct side *side) {
    struct span left = buffer_span(&side->in);
    enum secretconn_verdict verdict = SECRETCONN_GOOD;
    if (!secretconn_is_done(side->conn))
        verdict = secretconn_shake(side->conn, &side->out, &side->plain, &left);
    if (secretconn_is_done(side->conn))
        verdict = secretconn_open(side->conn, &side->plain, &left);
    buffer_consume(&side->in, buffer_size(&side->in) - left.size);
    return verdict;
}

/* Moves at most `step` bytes from one to the other. */
static enum secretconn_verdict carry(struct side *from, struct side *to, size_t step) {
    size_t size = buffer_size(&from->out) < step ? buffer_size(&from->out) : step;
    buffer_append(&to->in, span_of(buffer_span(&from->out).data, size));
    buffer_consume(&from->out, size);
    return digest(to);
}

static void shake_hands(size_t step) {
    while (!secretconn_is_done(alice.conn) || !secretconn_is_done(bob.conn)) {
        ck_assert_uint_gt(buffer_size(&alice.out) + buffer_size(&bob.out), 0);
        ck_assert_int_eq(carry(&alice, &bob, step), SECRETCONN_GOOD);
        ck_assert_int_eq(carry(&bob, &alice, step), SECRETCONN_GOOD);
    }
}

START_TEST(two_sides_learn_each_others_key_however_the_bytes_are_cut) {
    static const size_t steps[] = {1, 7, 34, 35, 36, 1044, 100000};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        tear_down();
        set_up();
        ck_assert_ptr_null(secretconn_remote(alice.conn));
        shake_hands(steps[i]);
        uint8_t key[32];
        ed25519_key_public(alice.key, key);
        ck_assert_uint_eq(secretconn_remote(bob.conn)->type, PUBKEY_ED25519);
        ck_assert_mem_eq(secretconn_remote(bob.conn)->bytes, key, 32);
        ed25519_key_public(bob.key, key);
        ck_assert_mem_eq(secretconn_remote(alice.conn)->bytes, key, 32);
    }
}
END_TEST

START_TEST(data_of_any_size_arrives_in_both_directions) {
    static const size_t sizes[] = {0, 1, 1023, 1024, 1025, 5000, 200000};
    uint8_t *data = malloc(200000);
    for (size_t i = 0; i < 200000; i++)
        data[i] = (uint8_t)(i * 31 >> 3);
    shake_hands(SIZE_MAX);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (int turn = 0; turn < 2; turn++) {
            struct side *from = turn == 0 ? &alice : &bob, *to = turn == 0 ? &bob : &alice;
            ck_assert_int_eq(secretconn_seal(from->conn, &from->out, span_of(data, sizes[i])), SECRETCONN_GOOD);
            ck_assert_uint_eq(buffer_size(&from->out), (sizes[i] + 1023) / 1024 * SECRETCONN_FRAME_BYTES);
            while (buffer_size(&from->out) > 0)
                ck_assert_int_eq(carry(from, to, 999), SECRETCONN_GOOD);
            ck_assert(span_equal(buffer_span(&to->plain), span_of(data, sizes[i])));
            buffer_consume(&to->plain, sizes[i]);
        }
    free(data);
}
END_TEST

START_TEST(data_sent_right_after_the_handshake_is_not_lost) {
    /* alice is done as soon as bob's authentication came, and speaks at once; bob gets both together */
    carry(&alice, &bob, SIZE_MAX);
    carry(&bob, &alice, SIZE_MAX);
    ck_assert(secretconn_is_done(alice.conn) && !secretconn_is_done(bob.conn));
    ck_assert_int_eq(secretconn_seal(alice.conn, &alice.out, span_text("first words")), SECRETCONN_GOOD);
    ck_assert_int_eq(carry(&alice, &bob, SIZE_MAX), SECRETCONN_GOOD);
    ck_assert(span_equal(buffer_span(&bob.plain), span_text("first words")));
}
END_TEST

START_TEST(a_flipped_bit_anywhere_in_a_frame_ends_the_connection_for_good) {
    for (size_t at = 0; at < SECRETCONN_FRAME_BYTES; at += 53) {
        tear_down();
        set_up();
        shake_hands(SIZE_MAX);
        secretconn_seal(alice.conn, &alice.out, span_text("words"));
        alice.out.data[alice.out.begin + at] ^= 0x10;
        ck_assert_int_eq(carry(&alice, &bob, SIZE_MAX), SECRETCONN_BAD_FRAME);
        ck_assert_uint_eq(buffer_size(&bob.plain), 0);
        ck_assert(!secretconn_is_done(bob.conn));
        struct span nothing = span_of(NULL, 0);
        ck_assert_int_eq(secretconn_open(bob.conn, &bob.plain, &nothing), SECRETCONN_BAD_FRAME);
        ck_assert_int_eq(secretconn_seal(bob.conn, &bob.out, span_text("x")), SECRETCONN_BAD_FRAME);
        ck_assert_uint_eq(buffer_size(&bob.out), 0);
    }
}
END_TEST

START_TEST(replayed_and_reordered_frames_are_refused) {
    shake_hands(SIZE_MAX);
    secretconn_seal(alice.conn, &alice.out, span_text("one"));
    buffer_append(&bob.in, buffer_span(&alice.out));
    buffer_append(&bob.in, buffer_span(&alice.out));
    ck_assert_int_eq(digest(&bob), SECRETCONN_BAD_FRAME);
    ck_assert(span_equal(buffer_span(&bob.plain), span_text("one")));
    tear_down();
    set_up();
    shake_hands(SIZE_MAX);
    secretconn_seal(alice.conn, &alice.out, span_text("one"));
    secretconn_seal(alice.conn, &alice.out, span_text("two"));
    buffer_consume(&alice.out, SECRETCONN_FRAME_BYTES);
    ck_assert_int_eq(carry(&alice, &bob, SIZE_MAX), SECRETCONN_BAD_FRAME);
    ck_assert_uint_eq(buffer_size(&bob.plain), 0);
}
END_TEST

START_TEST(a_frame_of_ones_own_sent_back_is_refused) {
    shake_hands(SIZE_MAX);
    secretconn_seal(alice.conn, &alice.out, span_text("echo"));
    buffer_append(&alice.in, buffer_span(&alice.out));
    ck_assert_int_eq(digest(&alice), SECRETCONN_BAD_FRAME);
}
END_TEST

START_TEST(a_half_handshake_waits_and_asks_for_nothing) {
    size_t greeting = buffer_size(&bob.out);
    for (size_t sent = 0; sent < 34; sent++) {
        ck_assert_int_eq(carry(&alice, &bob, 1), SECRETCONN_GOOD);
        ck_assert_uint_eq(buffer_size(&bob.out), greeting);
    }
    ck_assert_int_eq(carry(&alice, &bob, 1), SECRETCONN_GOOD);
    ck_assert_uint_eq(buffer_size(&bob.out), greeting + SECRETCONN_FRAME_BYTES);
    ck_assert(!secretconn_is_done(bob.conn));
    ck_assert_ptr_null(secretconn_remote(bob.conn));
}
END_TEST

static enum secretconn_verdict first_message(const void *bytes, size_t size) {
    tear_down();
    set_up();
    buffer_append(&bob.in, span_of(bytes, size));
    return digest(&bob);
}

START_TEST(low_order_keys_are_refused) {
    static const uint8_t points[][32] = {
        {0},
        {1},
        {0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a,
         0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00},
    };
    for (size_t i = 0; i < 3; i++) {
        uint8_t hello[35] = {34, 0x0a, 32};
        memcpy(hello + 3, points[i], 32);
        ck_assert_int_eq(first_message(hello, sizeof hello), SECRETCONN_LOW_ORDER);
    }
}
END_TEST

START_TEST(our_own_greeting_sent_back_is_refused) {
    buffer_append(&bob.in, buffer_span(&bob.out));
    ck_assert_int_eq(digest(&bob), SECRETCONN_REFLECTED);
}
END_TEST

START_TEST(malformed_and_oversize_greetings_are_refused) {
    ck_assert_int_eq(first_message("\x00", 1), SECRETCONN_BAD_MESSAGE);             /* no key */
    ck_assert_int_eq(first_message("\x03\x0a\x01\x01", 4), SECRETCONN_BAD_MESSAGE); /* a short key */
    ck_assert_int_eq(first_message("\x02\x0a\x20", 3), SECRETCONN_BAD_MESSAGE);     /* a length beyond the end */
    ck_assert_int_eq(first_message("\x81\x08", 2), SECRETCONN_MESSAGE_TOO_LARGE);   /* 1025 */
    ck_assert_int_eq(first_message("\x80\x08", 2), SECRETCONN_GOOD);                /* 1024: waits */
    ck_assert_int_eq(first_message("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 10), SECRETCONN_MESSAGE_TOO_LARGE);
    uint8_t long_key[36] = {35, 0x0a, 33};
    ck_assert_int_eq(first_message(long_key, sizeof long_key), SECRETCONN_BAD_MESSAGE);
    ck_assert_int_eq(first_message("GET / HTTP/1.1\r\nHost: x\r\n\r\n and so on and so on, until it is a message of 71 bytes.......", 90),
                     SECRETCONN_BAD_MESSAGE);
}
END_TEST

/* A side written by hand, which can say anything once the keys are agreed. */
struct forger {
    struct aead *sealer;
    uint8_t challenge[32];
    uint64_t frames;
};

static struct forger begin_forging(void) {
    uint8_t secret[32] = {77}, public[32], shared[32], theirs[32], receive_key[32], send_key[32], hello[35] = {34, 0x0a, 32};
    struct forger forger = {0};
    tear_down();
    set_up();
    x25519_public(public, secret);
    memcpy(theirs, buffer_span(&bob.out).data + 3, 32);
    ck_assert(x25519_shared(shared, secret, theirs));
    bool is_least = memcmp(public, theirs, 32) < 0;
    secretconn_derive(receive_key, send_key, shared, is_least);
    secretconn_challenge(forger.challenge, is_least ? public : theirs, is_least ? theirs : public, shared);
    forger.sealer = aead_new(send_key, true);
    memcpy(hello + 3, public, 32);
    buffer_append(&bob.in, span_of(hello, sizeof hello));
    ck_assert_int_eq(digest(&bob), SECRETCONN_GOOD);
    return forger;
}

static enum secretconn_verdict forge_frame(struct forger *forger, uint32_t claimed, struct span data) {
    uint8_t frame[SECRETCONN_FRAME_BYTES] = {0}, nonce[12];
    for (size_t i = 0; i < 4; i++)
        frame[i] = (uint8_t)(claimed >> (8 * i));
    memset(frame + 4, 0xee, SECRETCONN_DATA_MAX); /* padding need not be zero */
    if (data.size > 0)
        memcpy(frame + 4, data.data, data.size);
    ck_assert(secretconn_nonce(nonce, &forger->frames));
    aead_seal(forger->sealer, frame, nonce, span_of(frame, SECRETCONN_FRAME_BYTES - 16));
    buffer_append(&bob.in, span_of(frame, sizeof frame));
    return digest(&bob);
}

static struct span auth_message(uint8_t out[static 512], const struct forger *forger, uint8_t key_type, bool is_right) {
    uint8_t public[33], seed[32] = {5}, signature[64], body[256];
    struct ed25519_key *key = ed25519_key_new(seed);
    struct proto_writer writer;
    ed25519_key_public(key, public);
    ed25519_sign(key, signature, span_of(forger->challenge, 32));
    ed25519_key_free(key);
    public[32] = 2;
    signature[40] ^= is_right ? 0 : 1;
    proto_writer_init(&writer, body, sizeof body);
    size_t mark = proto_begin(&writer, 1);
    if (key_type != 0)
        proto_put_bytes(&writer, key_type, span_of(public, key_type == 2 ? 33 : 32));
    proto_end(&writer, mark);
    proto_put_bytes(&writer, 2, span_of(signature, sizeof signature));
    size_t size = writer.size;
    proto_writer_init(&writer, out, 512);
    proto_put_varint(&writer, size);
    proto_put_raw(&writer, span_of(body, size));
    return proto_writer_span(&writer);
}

static enum secretconn_verdict authenticate(uint8_t key_type, bool is_right) {
    uint8_t out[512];
    struct forger forger = begin_forging();
    struct span message = auth_message(out, &forger, key_type, is_right);
    enum secretconn_verdict verdict = forge_frame(&forger, (uint32_t)message.size, message);
    aead_free(forger.sealer);
    return verdict;
}

START_TEST(only_a_right_signature_of_an_ed25519_key_is_let_in) {
    ck_assert_int_eq(authenticate(1, true), SECRETCONN_GOOD);
    ck_assert(secretconn_is_done(bob.conn));
    ck_assert_int_eq(authenticate(1, false), SECRETCONN_BAD_SIGNATURE);
    ck_assert(!secretconn_is_done(bob.conn));
    ck_assert_int_eq(authenticate(0, true), SECRETCONN_OTHER_KEY); /* wound 7: no key at all */
    enum secretconn_verdict other = authenticate(2, true);
    ck_assert(other == SECRETCONN_OTHER_KEY || other == SECRETCONN_BAD_MESSAGE); /* a secp256k1 key (which is no point) */
    other = authenticate(3, true);
    ck_assert(other == SECRETCONN_OTHER_KEY || other == SECRETCONN_BAD_MESSAGE);
    ck_assert_ptr_null(secretconn_remote(bob.conn));
}
END_TEST

START_TEST(an_authentication_cut_into_frames_is_joined_and_what_follows_it_is_data) {
    uint8_t out[512];
    struct forger forger = begin_forging();
    struct span message = auth_message(out, &forger, 1, true);
    for (size_t i = 0; i + 1 < message.size; i++)
        ck_assert_int_eq(forge_frame(&forger, 1, span_of(message.data + i, 1)), SECRETCONN_GOOD);
    ck_assert_int_eq(forge_frame(&forger, 0, span_of(NULL, 0)), SECRETCONN_GOOD);
    ck_assert(!secretconn_is_done(bob.conn));
    uint8_t last[6] = {message.data[message.size - 1], 'a', 'f', 't', 'e', 'r'};
    ck_assert_int_eq(forge_frame(&forger, sizeof last, span_of(last, sizeof last)), SECRETCONN_GOOD);
    ck_assert(secretconn_is_done(bob.conn));
    ck_assert(span_equal(buffer_span(&bob.plain), span_text("after")));
    aead_free(forger.sealer);
}
END_TEST

START_TEST(oversize_authentications_and_lengths_are_refused) {
    struct forger forger = begin_forging();
    ck_assert_int_eq(forge_frame(&forger, 2, span_of("\x81\x08", 2)), SECRETCONN_MESSAGE_TOO_LARGE);
    aead_free(forger.sealer);
    forger = begin_forging();
    ck_assert_int_eq(forge_frame(&forger, 1025, span_of(NULL, 0)), SECRETCONN_BAD_LENGTH);
    aead_free(forger.sealer);
    forger = begin_forging();
    ck_assert_int_eq(forge_frame(&forger, UINT32_MAX, span_of(NULL, 0)), SECRETCONN_BAD_LENGTH);
    aead_free(forger.sealer);
}
END_TEST

START_TEST(nonces_count_and_the_last_one_is_never_used) {
    uint64_t counter = 0;
    uint8_t nonce[12];
    ck_assert(secretconn_nonce(nonce, &counter) && counter == 1);
    ck_assert_mem_eq(nonce, "\0\0\0\0\0\0\0\0\0\0\0\0", 12);
    counter = 0x0102030405060708;
    ck_assert(secretconn_nonce(nonce, &counter));
    ck_assert_mem_eq(nonce, "\0\0\0\0\x08\x07\x06\x05\x04\x03\x02\x01", 12);
    counter = UINT64_MAX - 1;
    ck_assert(secretconn_nonce(nonce, &counter));
    ck_assert(!secretconn_nonce(nonce, &counter));
    ck_assert(!secretconn_nonce(nonce, &counter));
    ck_assert_uint_eq(counter, UINT64_MAX);
}
END_TEST

START_TEST(random_bytes_never_open_a_connection) {
    srand(7);
    for (int round = 0; round < 3000; round++) {
        uint8_t bytes[2200];
        size_t size = (size_t)rand() % sizeof bytes;
        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t)(rand() >> 5);
        if (rand() % 2 == 0 && size >= 3)
            memcpy(bytes, "\x22\x0a\x20", 3);
        tear_down();
        open_side(&bob, 2);
        open_side(&alice, 1);
        for (size_t at = 0; at < size;) {
            size_t step = 1 + (size_t)rand() % 1500;
            step = step < size - at ? step : size - at;
            buffer_append(&bob.in, span_of(bytes + at, step));
            at += step;
            if (digest(&bob) != SECRETCONN_GOOD)
                break;
        }
        ck_assert(!secretconn_is_done(bob.conn));
        ck_assert_uint_eq(buffer_size(&bob.plain), 0);
    }
}
END_TEST

Suite *suite_secretconn(void) {
    Suite *suite = suite_create("secretconn");
    TCase *tests = tcase_create("secretconn");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, two_sides_learn_each_others_key_however_the_bytes_are_cut);
    tcase_add_test(tests, data_of_any_size_arrives_in_both_directions);
    tcase_add_test(tests, data_sent_right_after_the_handshake_is_not_lost);
    tcase_add_test(tests, a_flipped_bit_anywhere_in_a_frame_ends_the_connection_for_good);
    tcase_add_test(tests, replayed_and_reordered_frames_are_refused);
    tcase_add_test(tests, a_frame_of_ones_own_sent_back_is_refused);
    tcase_add_test(tests, a_half_handshake_waits_and_asks_for_nothing);
    tcase_add_test(tests, low_order_keys_are_refused);
    tcase_add_test(tests, our_own_greeting_sent_back_is_refused);
    tcase_add_test(tests, malformed_and_oversize_greetings_are_refused);
    tcase_add_test(tests, only_a_right_signature_of_an_ed25519_key_is_let_in);
    tcase_add_test(tests, an_authentication_cut_into_frames_is_joined_and_what_follows_it_is_data);
    tcase_add_test(tests, oversize_authentications_and_lengths_are_refused);
    tcase_add_test(tests, nonces_count_and_the_last_one_is_never_used);
    tcase_add_test(tests, random_bytes_never_open_a_connection);
    suite_add_tcase(suite, tests);
    return suite;
}
