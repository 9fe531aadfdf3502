#include <check.h>

#include "crypto/sha1.h"
#include "crypto/text.h"

START_TEST(the_standards_examples_hash_as_they_should) {
    static const char *const cases[][2] = { /* RFC 3174 §7.3 and the empty text */
        {"", "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709"},
        {"abc", "A9993E364706816ABA3E25717850C26C9CD0D89D"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "84983E441C3BD26EBAAE4AA1F95129E5E54670F1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t hash[SHA1_BYTES];
        char text[TEXT_HEX_SIZE(SHA1_BYTES)];
        sha1_once(hash, span_text(cases[i][0]));
        text_hex_upper(text, span_of(hash, sizeof hash));
        ck_assert_str_eq(text, cases[i][1]);
    }
}
END_TEST

Suite *suite_sha1(void);
Suite *suite_sha1(void) {
    Suite *suite = suite_create("sha1");
    TCase *all = tcase_create("all");
    tcase_add_test(all, the_standards_examples_hash_as_they_should);
    suite_add_tcase(suite, all);
    return suite;
}
