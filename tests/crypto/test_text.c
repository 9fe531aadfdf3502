#include <check.h>
#include <stdlib.h>

#include "crypto/text.h"

Suite *suite_text(void);

START_TEST(hex_has_two_cases_and_reads_both) {
    uint8_t bytes[] = {0x00, 0x9a, 0xff, 0xbc}, back[4];
    char text[TEXT_HEX_SIZE(4)];
    size_t size;
    text_hex_lower(text, span_of(bytes, 4));
    ck_assert_str_eq(text, "009affbc");
    text_hex_upper(text, span_of(bytes, 4));
    ck_assert_str_eq(text, "009AFFBC");
    ck_assert(text_hex_decode(back, &size, sizeof back, span_text("009AffBc")));
    ck_assert_uint_eq(size, 4);
    ck_assert_mem_eq(back, bytes, 4);
    text_hex_lower(text, span_of(NULL, 0));
    ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(foreign_characters_odd_lengths_and_too_much_hex_are_refused_untouched) {
    static const char *const refused[] = {"0", "000", "0g", "g0", " 00", "0x00", "00\n", "0000000000", "00-1"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        uint8_t out[4] = {7, 7, 7, 7};
        size_t size = 99;
        ck_assert_msg(!text_hex_decode(out, &size, sizeof out, span_text(refused[i])), "%s", refused[i]);
        ck_assert_uint_eq(size, 99);
        ck_assert_mem_eq(out, "\7\7\7\7", 4);
    }
}
END_TEST

START_TEST(every_other_byte_than_a_digit_is_foreign_to_hex) {
    for (unsigned c = 0; c < 256; c++) {
        uint8_t text[2] = {(uint8_t)c, '0'}, out[1];
        size_t size;
        bool is_digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        ck_assert(text_hex_decode(out, &size, 1, span_of(text, 2)) == is_digit);
    }
}
END_TEST

START_TEST(base64_matches_the_examples_of_rfc_4648) {
    static const char *const pairs[][2] = {{"", ""},           {"f", "Zg=="},        {"fo", "Zm8="},        {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        char text[TEXT_BASE64_SIZE(6)];
        uint8_t back[6];
        size_t size;
        text_base64(text, span_text(pairs[i][0]));
        ck_assert_str_eq(text, pairs[i][1]);
        ck_assert(text_base64_decode(back, &size, sizeof back, span_text(pairs[i][1])));
        ck_assert(span_equal(span_of(back, size), span_text(pairs[i][0])));
    }
}
END_TEST

START_TEST(wrong_padding_trailing_bits_and_foreign_characters_are_refused_in_base64) {
    static const char *const refused[] = {"Z",    "Zg",   "Zg=",   "Zh==",     "Zm9=",     "====",     "A===",      "=AAA",
                                          "Zm9v\n", "Zm-v", "Zm_v", "Zg==Zg==", "Zm9vZg=A", "Zm 9vYg=", "Zm9vZm9vZm9v"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        uint8_t out[6] = {7, 7, 7, 7, 7, 7};
        size_t size = 99;
        ck_assert_msg(!text_base64_decode(out, &size, sizeof out, span_text(refused[i])), "%s", refused[i]);
        ck_assert_uint_eq(size, 99);
        ck_assert_mem_eq(out, "\7\7\7\7\7\7", 6);
    }
}
END_TEST

START_TEST(random_bytes_return_from_hex_and_base64) {
    srand(2);
    for (size_t n = 0; n < 300; n++) {
        uint8_t bytes[300], back[300];
        char text[TEXT_HEX_SIZE(300)];
        size_t size;
        for (size_t i = 0; i < n; i++)
            bytes[i] = (uint8_t)rand();
        text_hex_lower(text, span_of(bytes, n));
        ck_assert_uint_eq(strlen(text), TEXT_HEX_SIZE(n) - 1);
        ck_assert(text_hex_decode(back, &size, n, span_text(text)) && size == n && memcmp(back, bytes, n) == 0);
        text_base64(text, span_of(bytes, n));
        ck_assert_uint_eq(strlen(text), TEXT_BASE64_SIZE(n) - 1);
        ck_assert(text_base64_decode(back, &size, n, span_text(text)) && size == n && memcmp(back, bytes, n) == 0);
        if (n > 0)
            ck_assert(!text_base64_decode(back, &size, n - 1, span_text(text)));
    }
}
END_TEST

START_TEST(random_text_never_decodes_to_what_would_not_encode_to_it) {
    static const char alphabet[] = "ABCDwxyz0189+/==";
    srand(3);
    for (int round = 0; round < 200000; round++) {
        size_t n = (size_t)rand() % 13, size;
        char text[16] = {0}, again[TEXT_BASE64_SIZE(12)];
        uint8_t out[12];
        for (size_t i = 0; i < n; i++)
            text[i] = alphabet[rand() % 16];
        if (!text_base64_decode(out, &size, sizeof out, span_of(text, n)))
            continue;
        text_base64(again, span_of(out, size));
        ck_assert_str_eq(again, text);
    }
}
END_TEST

START_TEST(bech32_matches_the_addresses_of_bip_173) {
    char text[TEXT_BECH32_MAX + 1];
    uint8_t back[64];
    size_t size;
    ck_assert(text_bech32(text, "a", span_of(NULL, 0)));
    ck_assert_str_eq(text, "a12uel5l");
    ck_assert(text_bech32_decode(back, &size, sizeof back, "a", span_text("A12UEL5L")) && size == 0);
    uint8_t twenty[20] = {0x75, 0x1e, 0x76, 0xe8, 0x19, 0x91, 0x96, 0xd4, 0x54, 0x94,
                          0x1c, 0x45, 0xd1, 0xb3, 0xa3, 0x23, 0xf1, 0x43, 0x3b, 0xd6};
    ck_assert(text_bech32(text, "cosmos", span_of(twenty, 20)));
    ck_assert_str_eq(text, "cosmos1w508d6qejxtdg4y5r3zarvary0c5xw7k6ah60c");
    ck_assert(text_bech32_decode(back, &size, sizeof back, "cosmos", span_text(text)));
    ck_assert_uint_eq(size, 20);
    ck_assert_mem_eq(back, twenty, 20);
    /* all digits in a row */
    ck_assert(text_bech32_decode(back, &size, sizeof back, "abcdef", span_text("abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw")));
    ck_assert_uint_eq(size, 20);
    ck_assert_mem_eq(back, "\x00\x44\x32\x14\xc7\x42\x54\xb6\x35\xcf\x84\x65\x3a\x56\xd7\xc6\x75\xbe\x77\xdf", 20);
    ck_assert(!text_bech32_decode(back, &size, 19, "abcdef", span_text("abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw")));
}
END_TEST

START_TEST(bech32_refuses_what_bip_173_calls_invalid) {
    static const char *const refused[][2] = {
        {"a", "A12uEL5L"},   /* mixed case */
        {"b", "a12uel5l"},   /* another prefix */
        {"a", "a12uel5m"},   /* checksum */
        {"a", "a12ue15l"},   /* '1' in the data */
        {"a", "a1lqfn3a"},   /* the checksum of bech32m */
        {"", "1qzzfhee"},    /* no prefix */
        {"A", "A12UEL5L"},   /* the asked prefix is lower case */
        {"a", "a2uel5l"},    /* no separator */
        {"a", "a1"},
        {"a", ""},
        {"li", "li1dgmt3"},
{"a", "a1qpamnt9j"}, /* padding bits that are not zero */
        {"a", "a1qqqd87cpp"}, /* a whole digit of padding */
        {"a", "a1q3g6mn3"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        uint8_t out[64];
        size_t size = 99;
        ck_assert_msg(!text_bech32_decode(out, &size, sizeof out, refused[i][0], span_text(refused[i][1])), "%s", refused[i][1]);
        ck_assert_uint_eq(size, 99);
    }
}
END_TEST

START_TEST(bech32_returns_every_size_that_fits_and_refuses_the_next) {
    uint8_t bytes[64], back[64];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 37 + 11);
    for (size_t n = 0; n <= sizeof bytes; n++) {
        char text[TEXT_BECH32_MAX + 1];
        size_t size;
        bool fits = 5 + 1 + (n * 8 + 4) / 5 + 6 <= TEXT_BECH32_MAX;
        ck_assert(text_bech32(text, "chain", span_of(bytes, n)) == fits);
        if (!fits)
            continue;
        ck_assert(text_bech32_decode(back, &size, sizeof back, "chain", span_text(text)) && size == n);
        ck_assert_mem_eq(back, bytes, n);
        text[strlen(text) / 2 + 2] ^= 1;
        ck_assert(!text_bech32_decode(back, &size, sizeof back, "chain", span_text(text)));
    }
}
END_TEST

Suite *suite_text(void) {
    Suite *suite = suite_create("text");
    TCase *tests = tcase_create("text");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, hex_has_two_cases_and_reads_both);
    tcase_add_test(tests, foreign_characters_odd_lengths_and_too_much_hex_are_refused_untouched);
    tcase_add_test(tests, every_other_byte_than_a_digit_is_foreign_to_hex);
    tcase_add_test(tests, base64_matches_the_examples_of_rfc_4648);
    tcase_add_test(tests, wrong_padding_trailing_bits_and_foreign_characters_are_refused_in_base64);
    tcase_add_test(tests, random_bytes_return_from_hex_and_base64);
    tcase_add_test(tests, random_text_never_decodes_to_what_would_not_encode_to_it);
    tcase_add_test(tests, bech32_matches_the_addresses_of_bip_173);
    tcase_add_test(tests, bech32_refuses_what_bip_173_calls_invalid);
    tcase_add_test(tests, bech32_returns_every_size_that_fits_and_refuses_the_next);
    suite_add_tcase(suite, tests);
    return suite;
}
