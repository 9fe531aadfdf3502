#include "crypto/sha256.h"

#include <check.h>

#include "crypto/text.h"

static void assert_hex(const uint8_t *bytes, size_t size, const char *hex) {
    char text[TEXT_HEX_SIZE(64)];
    text_hex_lower(text, span_of(bytes, size));
    ck_assert_str_eq(text, hex);
}

/* FIPS 180-4's examples */
START_TEST(the_standard_examples_come_out) {
    uint8_t out[SHA256_BYTES];
    sha256_once(out, span_text("abc"));
    assert_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    sha256_once(out, span_of(NULL, 0));
    assert_hex(out, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    sha256_once(out, span_text("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"));
    assert_hex(out, 32, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}
END_TEST

START_TEST(pieces_hash_as_the_whole) {
    uint8_t bytes[300], whole[SHA256_BYTES], pieces[SHA256_BYTES];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7);
    sha256_once(whole, span_of(bytes, sizeof bytes));
    for (size_t cut = 0; cut <= sizeof bytes; cut++) {
        struct sha256 hash;
        sha256_init(&hash);
        sha256_add(&hash, span_of(bytes, cut));
        sha256_add(&hash, span_of(NULL, 0));
        sha256_add(&hash, span_of(bytes + cut, sizeof bytes - cut));
        sha256_final(&hash, pieces);
        ck_assert_mem_eq(whole, pieces, sizeof whole);
    }
}
END_TEST

START_TEST(a_prefixed_hash_is_that_of_the_joined_bytes) {
    uint8_t joined[SHA256_BYTES], prefixed[SHA256_BYTES];
    sha256_once(joined, span_of("\1leftright", 10));
    sha256_prefixed(prefixed, 1, span_text("left"), span_text("right"));
    ck_assert_mem_eq(joined, prefixed, sizeof joined);
    sha256_once(joined, span_of("\0", 1));
    sha256_prefixed(prefixed, 0, span_of(NULL, 0), span_of(NULL, 0));
    ck_assert_mem_eq(joined, prefixed, sizeof joined);
}
END_TEST

/* The well-known hash160 of the public key of secret 1 on secp256k1 */
START_TEST(ripemd160_is_taken_of_the_sha256) {
    uint8_t key[33], out[20];
    size_t size;
    ck_assert(text_hex_decode(key, &size, sizeof key,
                              span_text("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798")));
    sha256_ripemd160(out, span_of(key, sizeof key));
    assert_hex(out, 20, "751e76e8199196d454941c45d1b3a323f1433bd6");
}
END_TEST

Suite *suite_sha256(void);
Suite *suite_sha256(void) {
    Suite *suite = suite_create("sha256");
    TCase *tcase = tcase_create("sha256");
    tcase_add_test(tcase, the_standard_examples_come_out);
    tcase_add_test(tcase, pieces_hash_as_the_whole);
    tcase_add_test(tcase, a_prefixed_hash_is_that_of_the_joined_bytes);
    tcase_add_test(tcase, ripemd160_is_taken_of_the_sha256);
    suite_add_tcase(suite, tcase);
    return suite;
}
