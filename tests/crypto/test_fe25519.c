#include "crypto/fe25519.h"

#include <check.h>
#include <string.h>

#include "crypto/sha512.h"

static void some_element(struct fe25519 *out, uint32_t number) {
    uint8_t hash[SHA512_BYTES];
    sha512_three(hash, span_text("fe"), span_of(&number, sizeof number), span_of(NULL, 0));
    fe25519_decode(out, hash);
}

static void small(struct fe25519 *out, uint8_t value) { *out = (struct fe25519){{value}}; }

START_TEST(numbers_from_p_upward_are_reduced) {
    for (int above = 0; above < 19; above++) { /* p + above */
        uint8_t bytes[32], encoded[32], expected[32] = {(uint8_t)above};
        memset(bytes, 0xff, sizeof bytes);
        bytes[0] = (uint8_t)(0xed + above);
        struct fe25519 element, same;
        fe25519_decode(&element, bytes); /* bit 255 is set, and ignored */
        fe25519_encode(encoded, &element);
        ck_assert_mem_eq(encoded, expected, 32);
        small(&same, (uint8_t)above);
        ck_assert(fe25519_equal(&element, &same));
        ck_assert_int_eq(fe25519_odd(&element), above % 2);
    }
}
END_TEST

START_TEST(bytes_below_p_survive_decoding_and_encoding) {
    for (uint32_t i = 0; i < 200; i++) {
        struct fe25519 element, again;
        uint8_t bytes[32];
        some_element(&element, i);
        fe25519_encode(bytes, &element);
        fe25519_decode(&again, bytes);
        ck_assert(fe25519_equal(&element, &again));
        ck_assert_int_eq(fe25519_odd(&element), bytes[0] & 1);
    }
}
END_TEST

/* (a + b)(a - b) = a² - b², through loose operands */
START_TEST(the_third_binomial_formula_holds) {
    for (uint32_t i = 0; i < 200; i++) {
        struct fe25519 a, b, sum, difference, left, right, bb;
        some_element(&a, i);
        some_element(&b, i + 1000);
        fe25519_add(&sum, &a, &b);
        fe25519_subtract(&difference, &a, &b);
        fe25519_mul(&left, &sum, &difference);
        fe25519_square(&right, &a);
        fe25519_square(&bb, &b);
        fe25519_subtract(&right, &right, &bb);
        ck_assert(fe25519_equal(&left, &right));
    }
}
END_TEST

/* The product of two elements with every limb at 2^54 - 1, computed a second time from their canonical form. */
START_TEST(the_largest_loose_elements_do_not_overflow) {
    struct fe25519 largest, carried, by_largest, by_carried;
    uint8_t bytes[32];
    for (int i = 0; i < 5; i++)
        largest.limb[i] = (UINT64_C(1) << 54) - 1;
    fe25519_encode(bytes, &largest);
    fe25519_decode(&carried, bytes);
    fe25519_mul(&by_largest, &largest, &largest);
    fe25519_mul(&by_carried, &carried, &carried);
    ck_assert(fe25519_equal(&by_largest, &by_carried));
    fe25519_square(&by_largest, &largest);
    ck_assert(fe25519_equal(&by_largest, &by_carried));
}
END_TEST

START_TEST(an_element_times_its_inverse_is_one) {
    for (uint32_t i = 0; i < 50; i++) {
        struct fe25519 element, inverse;
        some_element(&element, i);
        fe25519_invert(&inverse, &element);
        fe25519_mul(&element, &element, &inverse);
        ck_assert(fe25519_equal(&element, &fe25519_one));
    }
}
END_TEST

START_TEST(an_element_and_its_negative_sum_to_zero) {
    struct fe25519 element, negative;
    some_element(&element, 7);
    fe25519_negate(&negative, &element);
    fe25519_add(&element, &element, &negative);
    ck_assert(fe25519_equal(&element, &fe25519_zero));
    fe25519_negate(&negative, &fe25519_zero);
    ck_assert(fe25519_equal(&negative, &fe25519_zero));
}
END_TEST

/* 2 is no square modulo p, so exactly one of a² v and 2 a² v has a root with v. */
START_TEST(roots_are_found_exactly_for_squares) {
    for (uint32_t i = 0; i < 100; i++) {
        struct fe25519 a, v, u, root, check;
        some_element(&a, i);
        some_element(&v, i + 500);
        fe25519_square(&u, &a);
        fe25519_mul(&u, &u, &v);
        ck_assert(fe25519_root_of_ratio(&root, &u, &v));
        fe25519_square(&check, &root);
        fe25519_mul(&check, &check, &v);
        ck_assert(fe25519_equal(&check, &u));
        fe25519_add(&u, &u, &u);
        ck_assert(!fe25519_root_of_ratio(&root, &u, &v));
    }
}
END_TEST

START_TEST(the_root_of_zero_is_zero) {
    struct fe25519 root;
    ck_assert(fe25519_root_of_ratio(&root, &fe25519_zero, &fe25519_one));
    ck_assert(fe25519_equal(&root, &fe25519_zero));
}
END_TEST

Suite *suite_fe25519(void);
Suite *suite_fe25519(void) {
    Suite *suite = suite_create("fe25519");
    TCase *tcase = tcase_create("fe25519");
    tcase_add_test(tcase, numbers_from_p_upward_are_reduced);
    tcase_add_test(tcase, bytes_below_p_survive_decoding_and_encoding);
    tcase_add_test(tcase, the_third_binomial_formula_holds);
    tcase_add_test(tcase, the_largest_loose_elements_do_not_overflow);
    tcase_add_test(tcase, an_element_times_its_inverse_is_one);
    tcase_add_test(tcase, an_element_and_its_negative_sum_to_zero);
    tcase_add_test(tcase, roots_are_found_exactly_for_squares);
    tcase_add_test(tcase, the_root_of_zero_is_zero);
    suite_add_tcase(suite, tcase);
    return suite;
}
