#include "crypto/secp256k1_key.h"

#include <check.h>

#include "crypto/sha512.h"
#include "crypto/text.h"

static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                  0xff, 0xff, 0xff, 0xff, 0xfe, 0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48,
                                  0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41};

static void from_hex(uint8_t *out, size_t size, const char *hex) {
    size_t got;
    ck_assert(text_hex_decode(out, &got, size, span_text(hex)));
    ck_assert_uint_eq(got, size);
}

static void some_secret(uint8_t out[static 32], uint32_t number) {
    uint8_t hash[SHA512_BYTES];
    sha512_three(hash, span_text("secret"), span_of(&number, sizeof number), span_of(NULL, 0));
    memcpy(out, hash, 32);
}

/* out = a - b, or a + b, of 256-bit big-endian numbers; returns the borrow or carry */
static int big_subtract(uint8_t *out, const uint8_t *a, const uint8_t *b) {
    int borrow = 0;
    for (int i = 31; i >= 0; i--) {
        int difference = a[i] - b[i] - borrow;
        borrow = difference < 0;
        out[i] = (uint8_t)difference;
    }
    return borrow;
}

static int big_add(uint8_t *out, const uint8_t *a, const uint8_t *b) {
    int carry = 0;
    for (int i = 31; i >= 0; i--) {
        carry += a[i] + b[i];
        out[i] = (uint8_t)carry;
        carry >>= 8;
    }
    return carry;
}

START_TEST(the_public_key_of_secret_one_is_the_generator) {
    uint8_t secret[32] = {[31] = 1}, public_key[33], expected[33];
    from_hex(expected, 33, "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798");
    ck_assert(secp256k1_key_public(public_key, secret));
    ck_assert_mem_eq(public_key, expected, 33);
}
END_TEST

/* Wound 4: an invalid secret must be neither made nor used. */
START_TEST(zero_and_the_group_order_are_no_secrets) {
    uint8_t secret[32] = {0}, public_key[33], signature[64];
    ck_assert(!secp256k1_key_valid(secret));
    ck_assert(!secp256k1_key_public(public_key, secret));
    ck_assert(!secp256k1_key_sign(signature, secret, span_text("message")));
    memcpy(secret, order, 32);
    ck_assert(!secp256k1_key_valid(secret));
    ck_assert(!secp256k1_key_sign(signature, secret, span_text("message")));
    secret[31]--;
    ck_assert(secp256k1_key_valid(secret));
}
END_TEST

START_TEST(what_was_signed_verifies_and_any_change_does_not) {
    for (uint32_t i = 0; i < 50; i++) {
        uint8_t secret[32], public_key[33], signature[64];
        struct span message = span_text("a transfer");
        some_secret(secret, i);
        ck_assert(secp256k1_key_public(public_key, secret));
        ck_assert(secp256k1_key_sign(signature, secret, message));
        ck_assert(secp256k1_key_verify_vartime(public_key, message, signature));
        ck_assert(!secp256k1_key_verify_vartime(public_key, span_text("another transfer"), signature));
        signature[i % 64] ^= 4;
        ck_assert(!secp256k1_key_verify_vartime(public_key, message, signature));
        signature[i % 64] ^= 4;
        public_key[1 + i % 32] ^= 1;
        ck_assert(!secp256k1_key_verify_vartime(public_key, message, signature));
    }
}
END_TEST

START_TEST(the_high_s_twin_is_refused) {
    uint8_t secret[32], public_key[33], signature[64];
    some_secret(secret, 9);
    ck_assert(secp256k1_key_public(public_key, secret));
    ck_assert(secp256k1_key_sign(signature, secret, span_text("message")));
    big_subtract(signature + 32, order, signature + 32);
    ck_assert(!secp256k1_key_verify_vartime(public_key, span_text("message"), signature));
}
END_TEST

START_TEST(zero_in_r_or_s_is_refused) {
    uint8_t secret[32], public_key[33], made[64], signature[64];
    some_secret(secret, 9);
    ck_assert(secp256k1_key_public(public_key, secret));
    ck_assert(secp256k1_key_sign(made, secret, span_text("message")));
    for (int half = 0; half < 2; half++) {
        memcpy(signature, made, 64);
        memset(signature + 32 * half, 0, 32);
        ck_assert(!secp256k1_key_verify_vartime(public_key, span_text("message"), signature));
        memcpy(signature + 32 * half, order, 32);
        ck_assert(!secp256k1_key_verify_vartime(public_key, span_text("message"), signature));
    }
}
END_TEST

/* Made with a chosen key so that s = 5: then s + n fits 32 bytes, and CometBFT, which reduces first, accepts it. */
START_TEST(an_s_of_n_or_more_counts_modulo_n) {
    uint8_t public_key[33], signature[64], five[32] = {[31] = 5};
    from_hex(public_key, 33, "0233c599cc0d6da23525aff06dae9e04ae8eae41e2be2c61e6db27596c2682d4a2");
    from_hex(signature, 32, "d47644539acec3da5e3ecf5fe8863c628a9c97e8b71e9ea9167a6f4f83c03c32");
    memcpy(signature + 32, five, 32);
    ck_assert(secp256k1_key_verify_vartime(public_key, span_text("small s"), signature));
    ck_assert_int_eq(big_add(signature + 32, order, five), 0);
    ck_assert(secp256k1_key_verify_vartime(public_key, span_text("small s"), signature));
    signature[63]++;
    ck_assert(!secp256k1_key_verify_vartime(public_key, span_text("small s"), signature));
}
END_TEST

START_TEST(only_compressed_points_of_the_curve_are_keys) {
    uint8_t secret[32], public_key[33], signature[64];
    some_secret(secret, 3);
    ck_assert(secp256k1_key_public(public_key, secret));
    ck_assert(secp256k1_key_sign(signature, secret, span_text("message")));
    uint8_t first = public_key[0];
    for (int other = 0; other < 256; other++) {
        public_key[0] = (uint8_t)other;
        ck_assert_int_eq(secp256k1_key_verify_vartime(public_key, span_text("message"), signature), other == first);
    }
    memset(public_key + 1, 0xff, 32);
    public_key[0] = first;
    ck_assert(!secp256k1_key_verify_vartime(public_key, span_text("message"), signature));
}
END_TEST

START_TEST(signing_twice_gives_the_same_signature) {
    uint8_t secret[32], a[64], b[64];
    some_secret(secret, 4);
    ck_assert(secp256k1_key_sign(a, secret, span_of(NULL, 0)));
    ck_assert(secp256k1_key_sign(b, secret, span_of(NULL, 0)));
    ck_assert_mem_eq(a, b, 64);
}
END_TEST

Suite *suite_secp256k1_key(void);
Suite *suite_secp256k1_key(void) {
    Suite *suite = suite_create("secp256k1_key");
    TCase *tcase = tcase_create("secp256k1_key");
    tcase_add_test(tcase, the_public_key_of_secret_one_is_the_generator);
    tcase_add_test(tcase, zero_and_the_group_order_are_no_secrets);
    tcase_add_test(tcase, what_was_signed_verifies_and_any_change_does_not);
    tcase_add_test(tcase, the_high_s_twin_is_refused);
    tcase_add_test(tcase, zero_in_r_or_s_is_refused);
    tcase_add_test(tcase, an_s_of_n_or_more_counts_modulo_n);
    tcase_add_test(tcase, only_compressed_points_of_the_curve_are_keys);
    tcase_add_test(tcase, signing_twice_gives_the_same_signature);
    suite_add_tcase(suite, tcase);
    return suite;
}
