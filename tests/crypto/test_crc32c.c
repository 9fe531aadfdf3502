#include <check.h>
#include <stdlib.h>

#include "crypto/crc32c.h"

Suite *suite_crc32c(void);

/* A bit at a time, from the polynomial. */
static uint32_t by_definition(const uint8_t *bytes, size_t size) {
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
    }
    return ~crc;
}

START_TEST(the_check_value_and_those_of_rfc_3720_come_out) {
    uint8_t bytes[32];
    ck_assert_uint_eq(crc32c(0, span_text("123456789")), 0xe3069283);
    ck_assert_uint_eq(crc32c(0, span_of(NULL, 0)), 0);
    memset(bytes, 0, sizeof bytes);
    ck_assert_uint_eq(crc32c(0, span_of(bytes, sizeof bytes)), 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    ck_assert_uint_eq(crc32c(0, span_of(bytes, sizeof bytes)), 0x62a8ab43);
}
END_TEST

START_TEST(both_ways_equal_the_definition_at_every_size_and_chain_at_every_cut) {
    uint8_t bytes[131];
    srand(5);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)rand();
    for (size_t size = 0; size <= 130; size++) {
        uint32_t expected = by_definition(bytes + 1, size);
        ck_assert_uint_eq(crc32c(0, span_of(bytes + 1, size)), expected);
        ck_assert_uint_eq(crc32c_portable(0, span_of(bytes + 1, size)), expected);
        size_t cut = size / 3;
        uint32_t head = crc32c(0, span_of(bytes + 1, cut));
        ck_assert_uint_eq(crc32c(head, span_of(bytes + 1 + cut, size - cut)), expected);
        ck_assert_uint_eq(crc32c_portable(head, span_of(bytes + 1 + cut, size - cut)), expected);
    }
}
END_TEST

Suite *suite_crc32c(void) {
    Suite *suite = suite_create("crc32c");
    TCase *tests = tcase_create("crc32c");
    tcase_add_test(tests, the_check_value_and_those_of_rfc_3720_come_out);
    tcase_add_test(tests, both_ways_equal_the_definition_at_every_size_and_chain_at_every_cut);
    suite_add_tcase(suite, tests);
    return suite;
}
