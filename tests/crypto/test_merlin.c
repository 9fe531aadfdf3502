#include <check.h>

#include "crypto/merlin.h"
#include "crypto/text.h"

Suite *suite_merlin(void);

static void expect_hex(const uint8_t *bytes, size_t size, const char *expected) {
    char text[TEXT_HEX_SIZE(64)];
    text_hex_lower(text, span_of(bytes, size));
    ck_assert_str_eq(text, expected);
}

START_TEST(the_public_example_of_merlin_comes_out) {
    struct merlin transcript;
    uint8_t out[32];
    merlin_init(&transcript, "test protocol");
    merlin_append(&transcript, "some label", span_text("some data"));
    merlin_challenge(&transcript, "challenge", out, sizeof out);
    expect_hex(out, 32, "d5a21972d0d5fe320c0d263fac7fffb8145aa640af6e9bca177c03c7efcf0615");
}
END_TEST

START_TEST(transcripts_that_differ_anywhere_give_other_challenges) {
    static const char *const labels[] = {"a", "ab", "b"}, *const messages[] = {"", "b", "bc", "c"};
    uint8_t out[12][32];
    size_t made = 0;
    for (size_t l = 0; l < 3; l++)
        for (size_t m = 0; m < 4; m++, made++) {
            struct merlin transcript;
            merlin_init(&transcript, "p");
            merlin_append(&transcript, labels[l], span_text(messages[m]));
            merlin_challenge(&transcript, "c", out[made], 32);
            for (size_t k = 0; k < made; k++)
                ck_assert_mem_ne(out[k], out[made], 32);
        }
}
END_TEST

START_TEST(a_challenge_changes_what_follows) {
    struct merlin transcript;
    uint8_t first[200], second[200];
    merlin_init(&transcript, "p");
    merlin_challenge(&transcript, "c", first, sizeof first);
    merlin_challenge(&transcript, "c", second, sizeof second);
    ck_assert_mem_ne(first, second, sizeof first);
}
END_TEST

Suite *suite_merlin(void) {
    Suite *suite = suite_create("merlin");
    TCase *tests = tcase_create("merlin");
    tcase_add_test(tests, the_public_example_of_merlin_comes_out);
    tcase_add_test(tests, transcripts_that_differ_anywhere_give_other_challenges);
    tcase_add_test(tests, a_challenge_changes_what_follows);
    suite_add_tcase(suite, tests);
    return suite;
}
