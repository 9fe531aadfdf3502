#include "crypto/verkey25519.h"

#include <check.h>
#include <pthread.h>
#include <string.h>

/* Asks until the multiples are there. */
static const struct multiscalar25519_ready *ready_after_some_uses(const uint8_t bytes[static 32]) {
    const struct multiscalar25519_ready *ready = NULL;
    for (int i = 0; i < 8 && ready == NULL; i++)
        ready = verkey25519_ready(verkey25519_of(bytes));
    ck_assert_ptr_nonnull(ready);
    return ready;
}

/* Any y with a point on the curve; the sign in the last bit tells two keys apart that begin alike. */
static void some_key(uint8_t out[static 32], unsigned number, bool negative) {
    struct edwards25519 p;
    memset(out, 0, 32);
    out[0] = 3;
    out[20] = (uint8_t)number;
    out[21] = (uint8_t)(number >> 8);
    while (!edwards25519_decode(&p, out))
        out[25]++;
    out[31] |= (uint8_t)(negative << 7);
}

static void assert_is_minus(const struct edwards25519 *minus_point, const uint8_t bytes[static 32]) {
    struct edwards25519 p;
    uint8_t encoded[32];
    edwards25519_negate(&p, minus_point);
    edwards25519_encode(encoded, &p);
    ck_assert_mem_eq(encoded, bytes, 32);
}

START_TEST(keys_of_one_place_are_told_apart) {
    uint8_t keys[2][32];
    some_key(keys[0], 7, false);
    some_key(keys[1], 7, true);
    for (int i = 0; i < 20; i++) {
        struct verkey25519 *key = verkey25519_of(keys[i % 2]);
        ck_assert_ptr_nonnull(key);
        assert_is_minus(&key->minus_point, keys[i % 2]);
        ck_assert_ptr_null(verkey25519_ready(key)); /* the other one has always been in between */
    }
}
END_TEST

START_TEST(a_key_that_keeps_coming_back_is_made_ready) {
    uint8_t bytes[32], other[32];
    struct edwards25519 sum;
    some_key(bytes, 9, false);
    some_key(other, 9, true);
    ck_assert_ptr_null(verkey25519_ready(verkey25519_of(bytes)));
    for (int i = 0; i < 3; i++) {
        const struct multiscalar25519_ready *ready = ready_after_some_uses(bytes);
        multiscalar25519_ready_vartime(&sum, &(struct scalar25519){{0}}, &(struct scalar25519){{1}}, ready);
        assert_is_minus(&sum, bytes);
    }
    /* A newcomer in its place must not inherit the multiples. */
    const struct multiscalar25519_ready *ready = ready_after_some_uses(other);
    multiscalar25519_ready_vartime(&sum, &(struct scalar25519){{0}}, &(struct scalar25519){{1}}, ready);
    assert_is_minus(&sum, other);
}
END_TEST

START_TEST(bytes_that_are_no_point_are_never_a_key) {
    uint8_t bytes[32] = {2};
    ck_assert_ptr_null(verkey25519_of(bytes));
    ck_assert_ptr_null(verkey25519_of(bytes));
    memset(bytes, 0, sizeof bytes); /* y = 0 is a point, and must not be mistaken for an empty place */
    struct verkey25519 *key = verkey25519_of(bytes);
    ck_assert_ptr_nonnull(key);
    assert_is_minus(&key->minus_point, bytes);
}
END_TEST

static void *many_keys(void *unused) {
    for (unsigned i = 0; i < 300; i++) {
        uint8_t bytes[32];
        some_key(bytes, i, i % 3 == 0);
        struct verkey25519 *key = verkey25519_of(bytes);
        if (i % 10 == 0)
            assert_is_minus(&key->minus_point, bytes);
    }
    return unused;
}

START_TEST(threads_do_not_disturb_each_other) {
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, many_keys, NULL), 0);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}
END_TEST

Suite *suite_verkey25519(void);
Suite *suite_verkey25519(void) {
    Suite *suite = suite_create("verkey25519");
    TCase *tcase = tcase_create("verkey25519");
    tcase_add_test(tcase, keys_of_one_place_are_told_apart);
    tcase_add_test(tcase, a_key_that_keeps_coming_back_is_made_ready);
    tcase_add_test(tcase, bytes_that_are_no_point_are_never_a_key);
    tcase_add_test(tcase, threads_do_not_disturb_each_other);
    suite_add_tcase(suite, tcase);
    return suite;
}
