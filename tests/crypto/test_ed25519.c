#include "crypto/ed25519.h"

#include <check.h>
#include <openssl/evp.h>

#include "crypto/multiscalar25519.h"
#include "crypto/sha512.h"
#include "crypto/text.h"

enum { MANY = 1100, MESSAGE_BYTES = 40 };

/* A signed message of its own key, all made from a number. */
struct sample {
    uint8_t seed[64];
    uint8_t public_key[32];
    uint8_t signature[64];
    uint8_t message[MESSAGE_BYTES];
    size_t message_size;
};

static struct sample samples[MANY];
static struct ed25519_claim claims[MANY];
static bool good[MANY];

static void digest(uint8_t out[static 64], const char *label, uint32_t number) {
    sha512_three(out, span_text(label), span_of(&number, sizeof number), span_of(NULL, 0));
}

static struct span message_of(const struct sample *sample) { return span_of(sample->message, sample->message_size); }

static void sample_make(struct sample *sample, uint32_t number) {
    uint8_t bytes[64];
    digest(sample->seed, "seed", number);
    digest(bytes, "message", number);
    memcpy(sample->message, bytes, MESSAGE_BYTES);
    sample->message_size = number % (MESSAGE_BYTES + 1);
    struct ed25519_key *key = ed25519_key_new(sample->seed);
    ed25519_key_public(key, sample->public_key);
    ed25519_sign(key, sample->signature, message_of(sample));
    ed25519_key_free(key);
}

static void samples_make(size_t count) {
    for (size_t i = 0; i < count; i++) {
        sample_make(&samples[i], (uint32_t)i);
        claims[i] = (struct ed25519_claim){samples[i].public_key, samples[i].signature, message_of(&samples[i])};
    }
}

static bool ours(const struct sample *sample) {
    return ed25519_verify_vartime(sample->public_key, message_of(sample), sample->signature);
}

static bool strict(const struct sample *sample) {
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, sample->public_key, 32);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool verified = key != NULL && EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1 &&
                    EVP_DigestVerify(context, sample->signature, 64, sample->message, sample->message_size) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    return verified;
}

static void from_hex(uint8_t *out, size_t size, const char *hex) {
    size_t got;
    ck_assert(text_hex_decode(out, &got, size, span_text(hex)));
    ck_assert_uint_eq(got, size);
}

/* RFC 8032 §7.1 */
static const struct {
    const char *seed, *public_key, *message, *signature;
} standard[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
     "d25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
     "387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
     "4a7c15e9716ed28dc027beceea1ec40a"},
};

START_TEST(the_standard_signatures_come_out_and_verify) {
    uint8_t seed[32], public_key[32], message[8], signature[64], expected[64];
    size_t size;
    from_hex(seed, 32, standard[_i].seed);
    from_hex(expected, 64, standard[_i].signature);
    ck_assert(text_hex_decode(message, &size, sizeof message, span_text(standard[_i].message)));
    struct ed25519_key *key = ed25519_key_new(seed);
    ed25519_key_public(key, public_key);
    ed25519_sign(key, signature, span_of(size == 0 ? NULL : message, size));
    ck_assert_mem_eq(signature, expected, 64);
    from_hex(expected, 32, standard[_i].public_key);
    ck_assert_mem_eq(public_key, expected, 32);
    ck_assert(ed25519_verify_vartime(public_key, span_of(size == 0 ? NULL : message, size), signature));
    ed25519_key_seed(key, expected);
    ck_assert_mem_eq(seed, expected, 32);
    ed25519_key_free(key);
}
END_TEST

START_TEST(freeing_no_key_is_allowed) { ed25519_key_free(NULL); }
END_TEST

START_TEST(ordinary_signatures_are_judged_as_a_second_library_judges_them) {
    for (uint32_t i = 0; i < 300; i++) {
        struct sample sample;
        uint8_t choice[64];
        sample_make(&sample, i);
        ck_assert(ours(&sample));
        ck_assert(strict(&sample));
        digest(choice, "flip", i);
        sample.signature[choice[0] % 64] ^= (uint8_t)(1 << choice[1] % 8);
        ck_assert(!ours(&sample));
        ck_assert(!strict(&sample));
        sample_make(&sample, i);
        sample.public_key[choice[2] % 32] ^= (uint8_t)(1 << choice[3] % 8);
        ck_assert(!ours(&sample));
        ck_assert(!strict(&sample));
        sample_make(&sample, i);
        if (sample.message_size == 0)
            continue;
        sample.message[choice[4] % sample.message_size] ^= (uint8_t)(1 << choice[5] % 8);
        ck_assert(!ours(&sample));
        ck_assert(!strict(&sample));
    }
}
END_TEST

static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
                                  0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10};

START_TEST(an_s_not_below_the_group_order_is_refused) {
    for (uint32_t i = 0; i < 20; i++) {
        struct sample sample;
        sample_make(&sample, i);
        for (int times = 1; times <= 8; times++) { /* s + L … s + 8L: the same multiple of B each time */
            unsigned carry = 0;
            for (int at = 0; at < 32; at++) {
                carry += sample.signature[32 + at] + order[at];
                sample.signature[32 + at] = (uint8_t)carry;
                carry >>= 8;
            }
            ck_assert(!ours(&sample));
            struct ed25519_claim two[2] = {{sample.public_key, sample.signature, message_of(&sample)}};
            two[1] = two[0];
            ck_assert(!ed25519_verify_batch_vartime(NULL, two, 2));
        }
    }
}
END_TEST

START_TEST(a_key_or_r_that_is_no_point_is_refused) {
    struct sample sample;
    sample_make(&sample, 1);
    memset(sample.signature, 0, 32);
    sample.signature[0] = 2;
    ck_assert(!ours(&sample));
    sample_make(&sample, 1);
    memset(sample.public_key, 0, 32);
    sample.public_key[0] = 2;
    ck_assert(!ours(&sample));
    ck_assert(!ours(&sample)); /* also when it is asked again */
}
END_TEST

/* All encodings of the eight points of small order, the last six not canonical. */
static const char *const small[] = {
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
};
enum { SMALL = sizeof small / sizeof small[0] };

static size_t small_samples_make(uint8_t s) {
    size_t count = 0;
    for (int a = 0; a < SMALL; a++)
        for (int r = 0; r < SMALL; r++, count++) {
            struct sample *sample = &samples[count];
            memset(sample, 0, sizeof *sample);
            from_hex(sample->public_key, 32, small[a]);
            from_hex(sample->signature, 32, small[r]);
            sample->signature[32] = s;
            memcpy(sample->message, "Zcash", sample->message_size = 5);
            claims[count] = (struct ed25519_claim){sample->public_key, sample->signature, message_of(sample)};
        }
    return count;
}

START_TEST(every_pair_of_small_order_points_is_accepted_with_s_zero_as_zip215_says) {
    size_t count = small_samples_make(0);
    for (size_t i = 0; i < count; i++)
        ck_assert(ours(&samples[i]));
    ck_assert(ed25519_verify_batch_vartime(good, claims, count));
    ck_assert(ed25519_verify_batch_vartime(NULL, claims, 3));
}
END_TEST

START_TEST(no_pair_of_small_order_points_is_accepted_with_s_one) {
    size_t count = small_samples_make(1);
    ck_assert(!ed25519_verify_batch_vartime(good, claims, count));
    for (size_t i = 0; i < count; i++) {
        ck_assert(!ours(&samples[i]));
        ck_assert(!good[i]);
    }
}
END_TEST

/* Turns a good sample's key into key + T, T of order eight, and signs for it: s = r + k·a leaves -[k]T, which only a
 * cofactored check forgives. k mod 8 decides whether a check without cofactor would agree. */
static void mixed_sample_make(struct sample *sample, uint32_t number) {
    struct scalar25519 a, r, k;
    struct edwards25519 point, torsion;
    uint8_t hash[64], encoded[32];
    sample_make(sample, number);
    digest(hash, "secret", number);
    scalar25519_reduce(&a, hash);
    digest(hash, "nonce", number);
    scalar25519_reduce(&r, hash);
    from_hex(encoded, 32, small[4 + number % 4]);
    ck_assert(edwards25519_decode(&torsion, encoded));
    multiscalar25519_vartime(&point, &a, NULL, 0);
    edwards25519_add(&point, &point, &torsion);
    edwards25519_encode(sample->public_key, &point);
    multiscalar25519_vartime(&point, &r, NULL, 0);
    edwards25519_encode(sample->signature, &point);
    sha512_three(hash, span_of(sample->signature, 32), span_of(sample->public_key, 32), message_of(sample));
    scalar25519_reduce(&k, hash);
    scalar25519_mul(&k, &k, &a);
    scalar25519_add(&k, &k, &r);
    for (int i = 0; i < 32; i++)
        sample->signature[32 + i] = (uint8_t)(k.limb[i / 8] >> 8 * (i % 8));
}

START_TEST(a_key_with_a_part_of_small_order_verifies_singly_and_in_a_batch) {
    int strict_refused = 0;
    for (uint32_t i = 0; i < 120; i++) {
        mixed_sample_make(&samples[i], i);
        claims[i] = (struct ed25519_claim){samples[i].public_key, samples[i].signature, message_of(&samples[i])};
        ck_assert(ours(&samples[i]));
        strict_refused += !strict(&samples[i]);
    }
    ck_assert_int_gt(strict_refused, 60); /* so these do tell the two equations apart */
    for (int run = 0; run < 8; run++) {
        ck_assert(ed25519_verify_batch_vartime(NULL, claims, 120));
        ck_assert(ed25519_verify_batch_vartime(NULL, claims, 20));
        ck_assert(ed25519_verify_batch_vartime(NULL, claims, 2));
    }
}
END_TEST

static const size_t sizes[] = {1, 2, 3, 64, 94, 95, 200, 1024, 1025, MANY};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

START_TEST(a_batch_of_good_signatures_is_good) {
    samples_make(MANY);
    ck_assert(ed25519_verify_batch_vartime(good, claims, 0));
    for (int i = 0; i < SIZES; i++) {
        memset(good, false, sizeof good);
        ck_assert(ed25519_verify_batch_vartime(good, claims, sizes[i]));
        for (size_t at = 0; at < sizes[i]; at++)
            ck_assert(good[at]);
        ck_assert(ed25519_verify_batch_vartime(NULL, claims, sizes[i]));
    }
}
END_TEST

START_TEST(a_batch_names_exactly_its_culprits) {
    samples_make(MANY);
    for (int i = 0; i < SIZES; i++) {
        size_t first = sizes[i] - 1, second = sizes[i] / 2;
        samples[first].signature[40] ^= 1; /* a wrong s */
        memset(samples[second].signature, 0, 32);
        samples[second].signature[0] = 2; /* an R that is no point */
        ck_assert(!ed25519_verify_batch_vartime(good, claims, sizes[i]));
        ck_assert(!ed25519_verify_batch_vartime(NULL, claims, sizes[i]));
        for (size_t at = 0; at < sizes[i]; at++)
            ck_assert_int_eq(good[at], at != first && at != second);
        sample_make(&samples[first], (uint32_t)first);
        sample_make(&samples[second], (uint32_t)second);
    }
}
END_TEST

/* Without random coefficients the errors of these two would cancel. */
START_TEST(two_errors_that_cancel_do_not_pass_a_batch) {
    samples_make(2);
    struct scalar25519 s, one = {{1}}, minus_one;
    uint8_t bytes[32];
    memcpy(bytes, order, 32);
    bytes[0]--;
    ck_assert(scalar25519_decode(&minus_one, bytes));
    for (int i = 0; i < 2; i++) {
        ck_assert(scalar25519_decode(&s, samples[i].signature + 32));
        scalar25519_add(&s, &s, i == 0 ? &one : &minus_one);
        for (int at = 0; at < 32; at++)
            samples[i].signature[32 + at] = (uint8_t)(s.limb[at / 8] >> 8 * (at % 8));
    }
    ck_assert(!ed25519_verify_batch_vartime(good, claims, 2));
    ck_assert(!good[0] && !good[1]);
}
END_TEST

START_TEST(one_message_of_one_key_may_stand_in_a_batch_many_times) {
    samples_make(1);
    for (size_t i = 1; i < 100; i++)
        claims[i] = claims[0];
    ck_assert(ed25519_verify_batch_vartime(good, claims, 100));
}
END_TEST

/* A key that comes back is checked with prepared multiples, which must not change the verdict: first, second, third time. */
START_TEST(a_key_that_comes_back_is_judged_as_the_first_time) {
    for (uint32_t i = 0; i < 50; i++) {
        struct sample sample;
        if (i % 2 == 0)
            sample_make(&sample, i);
        else
            mixed_sample_make(&sample, i);
        for (int times = 0; times < 4; times++) {
            ck_assert(ours(&sample));
            sample.signature[32 + times] ^= 1;
            ck_assert(!ours(&sample));
            sample.signature[32 + times] ^= 1;
        }
    }
    for (int times = 0; times < 3; times++) {
        size_t count = small_samples_make(0);
        for (size_t i = 0; i < count; i++)
            ck_assert(ours(&samples[i]));
    }
}
END_TEST

START_TEST(a_culprit_in_the_first_of_several_portions_is_not_forgotten) {
    samples_make(MANY);
    samples[5].signature[40] ^= 1;
    ck_assert(!ed25519_verify_batch_vartime(good, claims, MANY));
    for (size_t i = 0; i < MANY; i++)
        ck_assert_int_eq(good[i], i != 5);
}
END_TEST

Suite *suite_ed25519(void);
Suite *suite_ed25519(void) {
    Suite *suite = suite_create("ed25519");
    TCase *tcase = tcase_create("ed25519");
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, the_standard_signatures_come_out_and_verify, 0, 3);
    tcase_add_test(tcase, freeing_no_key_is_allowed);
    tcase_add_test(tcase, ordinary_signatures_are_judged_as_a_second_library_judges_them);
    tcase_add_test(tcase, an_s_not_below_the_group_order_is_refused);
    tcase_add_test(tcase, a_key_or_r_that_is_no_point_is_refused);
    tcase_add_test(tcase, every_pair_of_small_order_points_is_accepted_with_s_zero_as_zip215_says);
    tcase_add_test(tcase, no_pair_of_small_order_points_is_accepted_with_s_one);
    tcase_add_test(tcase, a_key_with_a_part_of_small_order_verifies_singly_and_in_a_batch);
    tcase_add_test(tcase, a_batch_of_good_signatures_is_good);
    tcase_add_test(tcase, a_batch_names_exactly_its_culprits);
    tcase_add_test(tcase, two_errors_that_cancel_do_not_pass_a_batch);
    tcase_add_test(tcase, one_message_of_one_key_may_stand_in_a_batch_many_times);
    tcase_add_test(tcase, a_key_that_comes_back_is_judged_as_the_first_time);
    tcase_add_test(tcase, a_culprit_in_the_first_of_several_portions_is_not_forgotten);
    suite_add_tcase(suite, tcase);
    return suite;
}
