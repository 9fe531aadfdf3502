#include "crypto/edwards25519.h"

#include <check.h>
#include <string.h>

#include "crypto/text.h"

static void from_hex(uint8_t out[static 32], const char *hex) {
    size_t size;
    ck_assert(text_hex_decode(out, &size, 32, span_text(hex)));
    ck_assert_uint_eq(size, 32);
}

static bool decode(struct edwards25519 *out, const char *hex) {
    uint8_t bytes[32];
    from_hex(bytes, hex);
    return edwards25519_decode(out, bytes);
}

static void assert_encodes_to(const struct edwards25519 *p, const char *hex) {
    uint8_t bytes[32];
    char text[TEXT_HEX_SIZE(32)];
    edwards25519_encode(bytes, p);
    text_hex_lower(text, span_of(bytes, sizeof bytes));
    ck_assert_str_eq(text, hex);
}

#define IDENTITY "0100000000000000000000000000000000000000000000000000000000000000"
#define ORDER_8  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"

START_TEST(the_base_point_is_that_of_the_standard) {
    struct edwards25519 base;
    edwards25519_base(&base);
    assert_encodes_to(&base, "5866666666666666666666666666666666666666666666666666666666666666");
    ck_assert(!edwards25519_small_order(&base));
}
END_TEST

START_TEST(encodings_that_are_no_point_are_refused) {
    struct edwards25519 p;
    ck_assert(!decode(&p, "0200000000000000000000000000000000000000000000000000000000000000"));
    ck_assert(!decode(&p, "0700000000000000000000000000000000000000000000000000000000000080"));
    ck_assert(decode(&p, "0300000000000000000000000000000000000000000000000000000000000000"));
}
END_TEST

/* ZIP-215, where RFC 8032 refuses */
START_TEST(non_canonical_encodings_are_the_point_they_reduce_to) {
    static const char *const pairs[][2] = {
        {"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", IDENTITY}, /* y = p + 1 */
        {"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", IDENTITY}, /* and -0 */
        {"0100000000000000000000000000000000000000000000000000000000000080", IDENTITY},
        {"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
         "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
        {"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", /* y = p */
         "0000000000000000000000000000000000000000000000000000000000000000"},
        {"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
         "0000000000000000000000000000000000000000000000000000000000000080"},
        {"f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", /* y = p + 3 */
         "0300000000000000000000000000000000000000000000000000000000000000"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct edwards25519 p;
        ck_assert(decode(&p, pairs[i][0]));
        assert_encodes_to(&p, pairs[i][1]);
    }
}
END_TEST

START_TEST(a_point_of_order_eight_comes_back_to_the_identity_after_eight_steps) {
    struct edwards25519 p, sum = edwards25519_identity;
    ck_assert(decode(&p, ORDER_8));
    ck_assert(edwards25519_small_order(&p));
    for (int i = 0; i < 8; i++) {
        uint8_t bytes[32], identity[32];
        edwards25519_encode(bytes, &sum);
        from_hex(identity, IDENTITY);
        ck_assert_int_eq(memcmp(bytes, identity, 32) == 0, i == 0);
        edwards25519_add(&sum, &sum, &p);
    }
    assert_encodes_to(&sum, IDENTITY);
}
END_TEST

START_TEST(doubling_is_adding_to_itself) {
    struct edwards25519 by_double, by_add;
    edwards25519_base(&by_double);
    by_add = by_double;
    for (int i = 0; i < 20; i++) {
        uint8_t left[32], right[32];
        edwards25519_double(&by_double, &by_double);
        edwards25519_add(&by_add, &by_add, &by_add);
        edwards25519_encode(left, &by_double);
        edwards25519_encode(right, &by_add);
        ck_assert_mem_eq(left, right, 32);
    }
}
END_TEST

START_TEST(a_point_and_its_negative_sum_to_the_identity) {
    struct edwards25519 p, minus;
    edwards25519_base(&p);
    edwards25519_negate(&minus, &p);
    edwards25519_add(&p, &p, &minus);
    assert_encodes_to(&p, IDENTITY);
}
END_TEST

START_TEST(subtracting_an_addend_undoes_adding_it) {
    struct edwards25519 p, q, back;
    struct edwards25519_addend addend;
    struct edwards25519_flat flat;
    struct edwards25519_sum sum;
    edwards25519_base(&p);
    ck_assert(decode(&q, "0300000000000000000000000000000000000000000000000000000000000080"));
    edwards25519_addend_of(&addend, &q);
    edwards25519_flat_of(&flat, &q);
    edwards25519_sum_addend(&sum, &p, &addend, false);
    edwards25519_sum_to_point(&back, &sum);
    edwards25519_sum_flat(&sum, &back, &flat, true);
    edwards25519_sum_to_point(&back, &sum);
    assert_encodes_to(&back, "5866666666666666666666666666666666666666666666666666666666666666");
    edwards25519_sum_flat(&sum, &p, &flat, false);
    edwards25519_sum_to_point(&back, &sum);
    edwards25519_sum_addend(&sum, &back, &addend, true);
    edwards25519_sum_to_point(&back, &sum);
    assert_encodes_to(&back, "5866666666666666666666666666666666666666666666666666666666666666");
}
END_TEST

Suite *suite_edwards25519(void);
Suite *suite_edwards25519(void) {
    Suite *suite = suite_create("edwards25519");
    TCase *tcase = tcase_create("edwards25519");
    tcase_add_test(tcase, the_base_point_is_that_of_the_standard);
    tcase_add_test(tcase, encodings_that_are_no_point_are_refused);
    tcase_add_test(tcase, non_canonical_encodings_are_the_point_they_reduce_to);
    tcase_add_test(tcase, a_point_of_order_eight_comes_back_to_the_identity_after_eight_steps);
    tcase_add_test(tcase, doubling_is_adding_to_itself);
    tcase_add_test(tcase, a_point_and_its_negative_sum_to_the_identity);
    tcase_add_test(tcase, subtracting_an_addend_undoes_adding_it);
    suite_add_tcase(suite, tcase);
    return suite;
}
