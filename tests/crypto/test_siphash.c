#include <check.h>

#include "crypto/siphash.h"

static const struct siphash_key key = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};

START_TEST(the_paper_and_the_reference_agree_with_us) {
    uint8_t bytes[64];
    for (uint8_t i = 0; i < sizeof bytes; i++)
        bytes[i] = i;
    ck_assert_uint_eq(siphash_once(&key, span_of(NULL, 0)), 0x726fdb47dd0e0e31u);
    ck_assert_uint_eq(siphash_once(&key, span_of(bytes, 1)), 0x74f839c593dc67fdu);
    ck_assert_uint_eq(siphash_once(&key, span_of(bytes, 8)), 0x93f5f5799a932462u);
    ck_assert_uint_eq(siphash_once(&key, span_of(bytes, 15)), 0xa129ca6149be45e5u);
    ck_assert_uint_eq(siphash_once(&key, span_of(bytes, 63)), 0x958a324ceb064572u);
}
END_TEST

START_TEST(three_pieces_hash_as_the_whole) {
    const char *text = "transfer.recipient and much more than a word of it";
    size_t size = strlen(text);
    for (size_t dot = 0; dot < size; dot++)
        ck_assert_uint_eq(siphash_joined(&key, span_of(text, dot), (uint8_t)text[dot], span_of(text + dot + 1, size - dot - 1)),
                          siphash_once(&key, span_of(text, size)));
}
END_TEST

Suite *suite_siphash(void);
Suite *suite_siphash(void) {
    Suite *suite = suite_create("siphash");
    TCase *tcase = tcase_create("siphash");
    tcase_add_test(tcase, the_paper_and_the_reference_agree_with_us);
    tcase_add_test(tcase, three_pieces_hash_as_the_whole);
    suite_add_tcase(suite, tcase);
    return suite;
}
