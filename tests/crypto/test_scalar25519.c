#include "crypto/scalar25519.h"

#include <check.h>
#include <stdlib.h>

#include "crypto/sha512.h"
#include "crypto/text.h"

static const char order_hex[] = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";

static void from_hex(uint8_t *out, size_t size, const char *hex) {
    size_t got;
    ck_assert(text_hex_decode(out, &got, size, span_text(hex)));
    ck_assert_uint_eq(got, size);
}

static struct scalar25519 scalar(const char *hex) {
    struct scalar25519 out;
    uint8_t bytes[32];
    from_hex(bytes, sizeof bytes, hex);
    ck_assert(scalar25519_decode(&out, bytes));
    return out;
}

static struct scalar25519 some_scalar(uint32_t number) {
    struct scalar25519 out;
    uint8_t hash[SHA512_BYTES];
    sha512_three(hash, span_text("scalar"), span_of(&number, sizeof number), span_of(NULL, 0));
    scalar25519_reduce(&out, hash);
    return out;
}

/* Edges first, then random ones. */
static struct scalar25519 edge_scalar(uint32_t number) {
    if (number < 3)
        return (struct scalar25519){{number}};
    if (number == 3)
        return scalar("ecd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010"); /* L - 1 */
    if (number == 4)
        return scalar("ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff0f"); /* 2^252 - 1 */
    if (number == 5)
        return scalar("0000000000000000000000000000000000000000000000000000000000000010"); /* 2^252 */
    return some_scalar(number);
}

static void assert_equal(const struct scalar25519 *a, const struct scalar25519 *b) {
    ck_assert_mem_eq(a->limb, b->limb, sizeof a->limb);
}

/* out = a · 2^doublings + digit, modulo L */
static void horner(struct scalar25519 *a, unsigned doublings, int digit) {
    while (doublings-- > 0)
        scalar25519_add(a, a, a);
    struct scalar25519 minus_one = edge_scalar(3), step = {{(uint64_t)abs(digit)}};
    if (digit < 0)
        scalar25519_mul(&step, &step, &minus_one);
    scalar25519_add(a, a, &step);
}

START_TEST(only_numbers_below_the_order_are_decoded) {
    struct scalar25519 out;
    uint8_t bytes[32];
    from_hex(bytes, sizeof bytes, order_hex);
    ck_assert(!scalar25519_decode(&out, bytes));
    bytes[0]--;
    ck_assert(scalar25519_decode(&out, bytes));
    bytes[0] += 2;
    ck_assert(!scalar25519_decode(&out, bytes));
    bytes[31] |= 0x80;
    ck_assert(!scalar25519_decode(&out, bytes));
    memset(bytes, 0xff, sizeof bytes);
    ck_assert(!scalar25519_decode(&out, bytes));
    memset(bytes, 0, sizeof bytes);
    ck_assert(scalar25519_decode(&out, bytes));
}
END_TEST

START_TEST(wide_numbers_are_reduced_modulo_the_order) {
    struct scalar25519 out, expected = scalar("000f9c44e31106a447938568a71b0ed065bef517d273ecce3d9a307c1b419903"), zero = {{0}};
    uint8_t wide[64];
    memset(wide, 0xff, sizeof wide);
    scalar25519_reduce(&out, wide);
    assert_equal(&out, &expected);
    memset(wide, 0, sizeof wide);
    from_hex(wide, 32, order_hex);
    scalar25519_reduce(&out, wide);
    assert_equal(&out, &zero);
    memset(wide, 0, sizeof wide);
    from_hex(wide + 32, 32, order_hex); /* L · 2^256 */
    scalar25519_reduce(&out, wide);
    assert_equal(&out, &zero);
}
END_TEST

START_TEST(products_are_those_of_big_integers) {
    struct scalar25519 a = scalar("132d0ca6e9a1f3ae316c12682d132ffa0f1112131415161718191a1b1c1d1e0f"),
                       square = scalar("44513f87c03de0192a57f9d7293f1d72448682a58acde84ea446a34090a1200e"), one = {{1}}, out;
    scalar25519_mul(&out, &a, &a);
    assert_equal(&out, &square);
    a = edge_scalar(3);
    scalar25519_mul(&out, &a, &a); /* (-1)² */
    assert_equal(&out, &one);
}
END_TEST

START_TEST(multiplication_distributes_over_addition) {
    for (uint32_t i = 0; i < 200; i++) {
        struct scalar25519 a = edge_scalar(i), b = some_scalar(i + 300), c = some_scalar(i + 600), left, right, other;
        scalar25519_add(&left, &b, &c);
        scalar25519_mul(&left, &a, &left);
        scalar25519_mul(&right, &a, &b);
        scalar25519_mul(&other, &a, &c);
        scalar25519_add(&right, &right, &other);
        assert_equal(&left, &right);
    }
}
END_TEST

START_TEST(the_halves_put_together_are_the_whole) {
    for (uint32_t i = 0; i < 100; i++) {
        struct scalar25519 a = edge_scalar(i), low, high;
        scalar25519_halve(&low, &high, &a);
        ck_assert_uint_eq(low.limb[1] >> 63 | low.limb[2] | low.limb[3], 0);
        ck_assert_uint_eq(high.limb[1] >> 63 | high.limb[2] | high.limb[3], 0);
        horner(&high, SCALAR25519_HALF_BITS, 0);
        scalar25519_add(&high, &high, &low);
        assert_equal(&high, &a);
    }
}
END_TEST

START_TEST(naf_digits_sum_to_the_scalar_and_are_odd_and_small) {
    for (uint32_t i = 0; i < 60; i++)
        for (unsigned width = 2; width <= 8; width++) {
            struct scalar25519 a = edge_scalar(i), sum = {{0}};
            int8_t digits[SCALAR25519_NAF_DIGITS];
            size_t count = scalar25519_naf(digits, &a, width);
            for (size_t at = SCALAR25519_NAF_DIGITS; at-- > 0;) {
                ck_assert(at < count || digits[at] == 0);
                ck_assert(digits[at] == 0 || digits[at] % 2 != 0);
                ck_assert_int_lt(abs(digits[at]), 1 << (width - 1));
                horner(&sum, 1, digits[at]);
            }
            assert_equal(&sum, &a);
        }
}
END_TEST

START_TEST(signed_digits_sum_to_the_scalar_and_are_small) {
    for (uint32_t i = 0; i < 60; i++)
        for (unsigned width = 4; width <= 12; width++) {
            struct scalar25519 a = edge_scalar(i), sum = {{0}};
            int16_t digits[3 * 64];
            size_t count = (254 + width - 1) / width;
            scalar25519_signed_digits(digits, count, 3, &a, width);
            for (size_t at = count; at-- > 0;) {
                ck_assert_int_le(abs(digits[3 * at]), 1 << (width - 1));
                horner(&sum, width, digits[3 * at]);
            }
            assert_equal(&sum, &a);
        }
}
END_TEST

Suite *suite_scalar25519(void);
Suite *suite_scalar25519(void) {
    Suite *suite = suite_create("scalar25519");
    TCase *tcase = tcase_create("scalar25519");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, only_numbers_below_the_order_are_decoded);
    tcase_add_test(tcase, wide_numbers_are_reduced_modulo_the_order);
    tcase_add_test(tcase, products_are_those_of_big_integers);
    tcase_add_test(tcase, multiplication_distributes_over_addition);
    tcase_add_test(tcase, the_halves_put_together_are_the_whole);
    tcase_add_test(tcase, naf_digits_sum_to_the_scalar_and_are_odd_and_small);
    tcase_add_test(tcase, signed_digits_sum_to_the_scalar_and_are_small);
    suite_add_tcase(suite, tcase);
    return suite;
}
