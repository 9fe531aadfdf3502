#include "crypto/multiscalar25519.h"

#include <check.h>
#include <string.h>

#include "crypto/sha512.h"

enum { MANY = 300 };

static void some_term(struct multiscalar25519_term *out, uint32_t number) {
    uint8_t hash[SHA512_BYTES], bytes[32];
    sha512_three(hash, span_text("term"), span_of(&number, sizeof number), span_of(NULL, 0));
    scalar25519_reduce(&out->scalar, hash);
    if (number % 7 == 0)
        out->scalar = (struct scalar25519){{number / 7}};
    if (number % 2 == 1) /* as the coefficients of a batch */
        scalar25519_decode_short(&out->scalar, hash);
    memcpy(bytes, hash + 32, sizeof bytes);
    while (!edwards25519_decode(&out->point, bytes)) /* seven of eight have a part of small order */
        bytes[0]++;
}

/* Bit by bit, the definition. */
static void plain_multiple(struct edwards25519 *out, const struct scalar25519 *scalar, const struct edwards25519 *point) {
    *out = edwards25519_identity;
    for (int i = 255; i >= 0; i--) {
        edwards25519_double(out, out);
        if (scalar->limb[i / 64] >> i % 64 & 1)
            edwards25519_add(out, out, point);
    }
}

static void plain_sum(struct edwards25519 *out, const struct scalar25519 *base, const struct multiscalar25519_term *terms,
                      size_t count) {
    struct edwards25519 point, multiple;
    edwards25519_base(&point);
    plain_multiple(out, base, &point);
    for (size_t i = 0; i < count; i++) {
        plain_multiple(&multiple, &terms[i].scalar, &terms[i].point);
        edwards25519_add(out, out, &multiple);
    }
}

static void assert_same_point(const struct edwards25519 *a, const struct edwards25519 *b) {
    uint8_t left[32], right[32];
    edwards25519_encode(left, a);
    edwards25519_encode(right, b);
    ck_assert_mem_eq(left, right, 32);
}

START_TEST(both_methods_give_the_plain_sum) {
    static struct multiscalar25519_term terms[MANY];
    static const size_t counts[] = {0, 1, 2, 3, 4, 17, 189, 190, MANY};
    for (uint32_t i = 0; i < MANY; i++)
        some_term(&terms[i], i);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct edwards25519 plain, out;
        struct scalar25519 base = terms[2 * i].scalar;
        plain_sum(&plain, &base, terms, counts[i]);
        multiscalar25519_straus_vartime(&out, &base, terms, counts[i]);
        assert_same_point(&out, &plain);
        multiscalar25519_pippenger_vartime(&out, &base, terms, counts[i]);
        assert_same_point(&out, &plain);
        multiscalar25519_vartime(&out, &base, terms, counts[i]);
        assert_same_point(&out, &plain);
    }
}
END_TEST

/* Every width of Pippenger's windows, checked without the slow plain sum. */
START_TEST(the_methods_agree_on_large_sums) {
    static struct multiscalar25519_term terms[1300];
    for (uint32_t i = 0; i < 1300; i++)
        some_term(&terms[i], i + 1000);
    static const size_t counts[] = {399, 400, 1199, 1200, 1300};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct edwards25519 straus, pippenger;
        multiscalar25519_straus_vartime(&straus, &terms[0].scalar, terms, counts[i]);
        multiscalar25519_pippenger_vartime(&pippenger, &terms[0].scalar, terms, counts[i]);
        assert_same_point(&straus, &pippenger);
    }
}
END_TEST

START_TEST(a_point_made_ready_gives_the_same_sums) {
    for (uint32_t i = 0; i < 100; i++) {
        struct multiscalar25519_term term, other;
        struct multiscalar25519_ready ready;
        struct edwards25519 plain, out;
        some_term(&term, i);
        some_term(&other, i + 501);
        plain_sum(&plain, &other.scalar, &term, 1);
        multiscalar25519_prepare(&ready, &term.point);
        multiscalar25519_ready_vartime(&out, &other.scalar, &term.scalar, &ready);
        assert_same_point(&out, &plain);
        plain_sum(&plain, &term.scalar, &(struct multiscalar25519_term){other.scalar, term.point}, 1);
        multiscalar25519_ready_vartime(&out, &term.scalar, &other.scalar, &ready);
        assert_same_point(&out, &plain);
    }
}
END_TEST

START_TEST(multiples_of_zero_and_of_the_order_less_one_are_right) {
    static const uint8_t minus_one_bytes[32] = {0xec, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
                                                0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
    struct multiscalar25519_term term;
    struct scalar25519 zero = {{0}};
    struct edwards25519 out, minus;
    ck_assert(scalar25519_decode(&term.scalar, minus_one_bytes));
    edwards25519_base(&term.point);
    edwards25519_negate(&minus, &term.point);
    multiscalar25519_vartime(&out, &zero, &term, 1);
    assert_same_point(&out, &minus);
    multiscalar25519_vartime(&out, &term.scalar, NULL, 0);
    assert_same_point(&out, &minus);
    multiscalar25519_vartime(&out, &zero, NULL, 0);
    assert_same_point(&out, &edwards25519_identity);
}
END_TEST

Suite *suite_multiscalar25519(void);
Suite *suite_multiscalar25519(void) {
    Suite *suite = suite_create("multiscalar25519");
    TCase *tcase = tcase_create("multiscalar25519");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, both_methods_give_the_plain_sum);
    tcase_add_test(tcase, the_methods_agree_on_large_sums);
    tcase_add_test(tcase, a_point_made_ready_gives_the_same_sums);
    tcase_add_test(tcase, multiples_of_zero_and_of_the_order_less_one_are_right);
    suite_add_tcase(suite, tcase);
    return suite;
}
