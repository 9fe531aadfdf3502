#include <check.h>

#include "crypto/aead.h"
#include "crypto/text.h"

Suite *suite_aead(void);

static struct aead *sealer, *opener;

static void set_up(void) {
    uint8_t key[AEAD_KEY_BYTES];
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)(0x80 + i);
    sealer = aead_new(key, true);
    opener = aead_new(key, false);
}

static void tear_down(void) {
    aead_free(sealer);
    aead_free(opener);
    aead_free(NULL);
}

START_TEST(nothing_sealed_with_the_zero_key_has_the_known_tag) {
    uint8_t key[AEAD_KEY_BYTES] = {0}, nonce[AEAD_NONCE_BYTES] = {0}, out[AEAD_TAG_BYTES];
    char text[TEXT_HEX_SIZE(AEAD_TAG_BYTES)];
    struct aead *aead = aead_new(key, true);
    aead_seal(aead, out, nonce, span_of(NULL, 0));
    text_hex_lower(text, span_of(out, sizeof out));
    ck_assert_str_eq(text, "4eb972c9a8fb3a1b382bb4d36f5ffad1");
    aead_free(aead);
}
END_TEST

START_TEST(what_is_sealed_opens_in_place_and_in_any_order) {
    uint8_t frames[5][300 + AEAD_TAG_BYTES], nonces[5][AEAD_NONCE_BYTES] = {{0}};
    for (size_t i = 0; i < 5; i++) {
        nonces[i][4] = (uint8_t)i;
        memset(frames[i], (int)i, 300);
        aead_seal(sealer, frames[i], nonces[i], span_of(frames[i], 60 * i));
    }
    for (size_t i = 5; i-- > 0;) {
        ck_assert(aead_open(opener, frames[i], nonces[i], span_of(frames[i], 60 * i + AEAD_TAG_BYTES)));
        for (size_t k = 0; k < 60 * i; k++)
            ck_assert_uint_eq(frames[i][k], i);
    }
}
END_TEST

START_TEST(any_flipped_bit_or_another_nonce_is_refused_and_leaves_no_plain_text) {
    uint8_t plain[40] = "a secret that must not come out", sealed[56], out[40], nonce[AEAD_NONCE_BYTES] = {0};
    aead_seal(sealer, sealed, nonce, span_of(plain, sizeof plain));
    for (size_t bit = 0; bit < sizeof sealed * 8; bit++) {
        sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
        memset(out, 0, sizeof out);
        ck_assert(!aead_open(opener, out, nonce, span_of(sealed, sizeof sealed)));
        for (size_t i = 0; i < sizeof out; i++)
            ck_assert_uint_eq(out[i], 0);
        sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    nonce[11] = 1;
    ck_assert(!aead_open(opener, out, nonce, span_of(sealed, sizeof sealed)));
    nonce[11] = 0;
    ck_assert(aead_open(opener, out, nonce, span_of(sealed, sizeof sealed)));
    ck_assert_mem_eq(out, plain, sizeof plain);
}
END_TEST

Suite *suite_aead(void) {
    Suite *suite = suite_create("aead");
    TCase *tests = tcase_create("aead");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, nothing_sealed_with_the_zero_key_has_the_known_tag);
    tcase_add_test(tests, what_is_sealed_opens_in_place_and_in_any_order);
    tcase_add_test(tests, any_flipped_bit_or_another_nonce_is_refused_and_leaves_no_plain_text);
    suite_add_tcase(suite, tests);
    return suite;
}
