#include "crypto/sha512.h"

#include <check.h>

#include "crypto/text.h"

START_TEST(however_abc_is_cut_in_three_the_standard_hash_comes_out) {
    const char *text = "abc";
    for (size_t first = 0; first <= 3; first++)
        for (size_t second = first; second <= 3; second++) {
            uint8_t out[SHA512_BYTES];
            char hex[TEXT_HEX_SIZE(SHA512_BYTES)];
            sha512_three(out, span_of(text, first), span_of(text + first, second - first), span_of(text + second, 3 - second));
            text_hex_lower(hex, span_of(out, sizeof out));
            ck_assert_str_eq(hex, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                                  "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
        }
}
END_TEST

Suite *suite_sha512(void);
Suite *suite_sha512(void) {
    Suite *suite = suite_create("sha512");
    TCase *tcase = tcase_create("sha512");
    tcase_add_test(tcase, however_abc_is_cut_in_three_the_standard_hash_comes_out);
    suite_add_tcase(suite, tcase);
    return suite;
}
