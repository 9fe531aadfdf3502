#include <check.h>

#include "crypto/text.h"
#include "crypto/x25519.h"

Suite *suite_x25519(void);

static struct span from_hex(uint8_t *out, size_t capacity, const char *text) {
    size_t size = 0;
    ck_assert(text_hex_decode(out, &size, capacity, span_text(text)));
    return span_of(out, size);
}

static void expect_hex(const uint8_t *bytes, size_t size, const char *expected) {
    char text[TEXT_HEX_SIZE(128)];
    text_hex_lower(text, span_of(bytes, size));
    ck_assert_str_eq(text, expected);
}

START_TEST(the_example_of_rfc_7748_6_1_comes_out) {
    uint8_t bob[32], alice_public[32], made[32];
    from_hex(bob, 32, "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
    from_hex(alice_public, 32, "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
    x25519_public(made, bob);
    expect_hex(made, 32, "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
    ck_assert(x25519_shared(made, bob, alice_public));
    expect_hex(made, 32, "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
}
END_TEST

START_TEST(a_point_of_low_order_is_refused_and_the_output_untouched) {
    uint8_t secret[32] = {1, 2, 3}, point[32] = {0}, out[32] = {9};
    ck_assert(!x25519_shared(out, secret, point));
    point[0] = 1;
    ck_assert(!x25519_shared(out, secret, point));
    ck_assert_uint_eq(out[0], 9);
    point[0] = 9;
    ck_assert(x25519_shared(out, secret, point));
}
END_TEST

START_TEST(hkdf_matches_the_examples_of_rfc_5869) {
    uint8_t secret[80], salt[80], info[80], out[82];
    memset(secret, 0x0b, 22);
    x25519_hkdf_sha256(out, 42, span_of(secret, 22), from_hex(salt, 80, "000102030405060708090a0b0c"),
                       from_hex(info, 80, "f0f1f2f3f4f5f6f7f8f9"));
    expect_hex(out, 42, "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
    for (size_t i = 0; i < 80; i++) {
        secret[i] = (uint8_t)i;
        salt[i] = (uint8_t)(0x60 + i);
        info[i] = (uint8_t)(0xb0 + i);
    }
    x25519_hkdf_sha256(out, 82, span_of(secret, 80), span_of(salt, 80), span_of(info, 80));
    expect_hex(out, 82,
               "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8"
               "367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87");
    memset(secret, 0x0b, 22);
    x25519_hkdf_sha256(out, 42, span_of(secret, 22), span_of(NULL, 0), span_of(NULL, 0));
    expect_hex(out, 42, "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}
END_TEST

Suite *suite_x25519(void) {
    Suite *suite = suite_create("x25519");
    TCase *tests = tcase_create("x25519");
    tcase_add_test(tests, the_example_of_rfc_7748_6_1_comes_out);
    tcase_add_test(tests, a_point_of_low_order_is_refused_and_the_output_untouched);
    tcase_add_test(tests, hkdf_matches_the_examples_of_rfc_5869);
    suite_add_tcase(suite, tests);
    return suite;
}
