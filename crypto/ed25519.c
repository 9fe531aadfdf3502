#include "crypto/ed25519.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "crypto/random.h"
#include "crypto/sha512.h"
#include "crypto/verkey25519.h"

static const struct ed25519_double *stand_in;

void ed25519_use_double_insecure(const struct ed25519_double *chosen) { stand_in = chosen; }

/* --- Signing: the library's, because it works on secrets in constant time --- */

struct ed25519_key {
    EVP_PKEY *handle;
    uint8_t seed[ED25519_SEED_BYTES];
    uint8_t public_key[ED25519_PUBLIC_BYTES];
};

struct ed25519_key *ed25519_key_new(const uint8_t seed[static ED25519_SEED_BYTES]) {
    struct ed25519_key *key = malloc(sizeof *key);
    assert(key != NULL);
    memcpy(key->seed, seed, sizeof key->seed);
    key->handle = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, ED25519_SEED_BYTES);
    assert(key->handle != NULL);
    size_t size = sizeof key->public_key;
    int got = EVP_PKEY_get_raw_public_key(key->handle, key->public_key, &size);
    assert(got == 1);
    assert(size == sizeof key->public_key);
    return key;
}

void ed25519_key_free(struct ed25519_key *key) {
    if (key == NULL)
        return;
    EVP_PKEY_free(key->handle);
    OPENSSL_cleanse(key, sizeof *key);
    free(key);
}

void ed25519_key_public(const struct ed25519_key *key, uint8_t out[static ED25519_PUBLIC_BYTES]) {
    memcpy(out, key->public_key, sizeof key->public_key);
}

void ed25519_key_seed(const struct ed25519_key *key, uint8_t out[static ED25519_SEED_BYTES]) {
    memcpy(out, key->seed, sizeof key->seed);
}

void ed25519_sign(const struct ed25519_key *key, uint8_t signature[static ED25519_SIGNATURE_BYTES], struct span message) {
    static const uint8_t nothing;
    if (stand_in != NULL) {
        stand_in->sign(key->public_key, signature, message);
        return;
    }
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert(context != NULL);
    size_t size = ED25519_SIGNATURE_BYTES;
    int good = EVP_DigestSignInit(context, NULL, NULL, NULL, key->handle);
    assert(good == 1);
    good = EVP_DigestSign(context, signature, &size, message.size > 0 ? message.data : &nothing, message.size);
    assert(good == 1);
    assert(size == ED25519_SIGNATURE_BYTES);
    EVP_MD_CTX_free(context);
}

/* --- Verification --- */

/* A signature taken apart: [8]([s]B - R - [k]A) must be the identity. */
struct parts {
    struct scalar25519 s, k;
    struct edwards25519 minus_r;
    struct verkey25519 *key; /* a loan until the next key is asked for */
};

static bool take_apart(struct parts *parts, const struct ed25519_claim *claim) {
    struct edwards25519 r;
    if (!scalar25519_decode(&parts->s, claim->signature + 32))
        return false;
    parts->key = verkey25519_of(claim->public_key);
    if (parts->key == NULL || !edwards25519_decode(&r, claim->signature))
        return false;
    edwards25519_negate(&parts->minus_r, &r);
    /* k hashes the encodings as they came, canonical or not. */
    uint8_t hash[SHA512_BYTES];
    sha512_three(hash, span_of(claim->signature, 32), span_of(claim->public_key, ED25519_PUBLIC_BYTES), claim->message);
    scalar25519_reduce(&parts->k, hash);
    return true;
}

static bool verify_single(const struct ed25519_claim *claim) {
    struct parts parts;
    struct edwards25519 sum;
    if (stand_in != NULL)
        return stand_in->verify(claim->public_key, claim->message, claim->signature);
    if (!take_apart(&parts, claim))
        return false;
    const struct multiscalar25519_ready *ready = verkey25519_ready(parts.key);
    struct multiscalar25519_term term = {parts.k, parts.key->minus_point};
    if (ready != NULL)
        multiscalar25519_ready_vartime(&sum, &parts.s, &parts.k, ready);
    else
        multiscalar25519_vartime(&sum, &parts.s, &term, 1);
    edwards25519_add(&sum, &sum, &parts.minus_r);
    return edwards25519_small_order(&sum);
}

bool ed25519_verify_vartime(const uint8_t public_key[static ED25519_PUBLIC_BYTES], struct span message,
                            const uint8_t signature[static ED25519_SIGNATURE_BYTES]) {
    struct ed25519_claim claim = {public_key, signature, message};
    return verify_single(&claim);
}

/* A bound on memory; more in one sum would hardly be faster. */
enum { BATCH_MAX = 1024, COEFFICIENT_BYTES = 16 };

/* Σ z ([s]B - R - [k]A) over all claims. Reducing z·k modulo L may change the part of small order; [8] removes that. */
static bool batch_sum(struct edwards25519 *sum, struct multiscalar25519_term *terms, const struct ed25519_claim *claims,
                      size_t count) {
    uint8_t coefficients[BATCH_MAX * COEFFICIENT_BYTES];
    random_fill(coefficients, count * COEFFICIENT_BYTES);
    struct scalar25519 base = {{0}};
    for (size_t i = 0; i < count; i++) {
        struct parts parts;
        struct scalar25519 z, zs;
        if (!take_apart(&parts, &claims[i]))
            return false;
        scalar25519_decode_short(&z, coefficients + i * COEFFICIENT_BYTES);
        scalar25519_mul(&zs, &z, &parts.s);
        scalar25519_add(&base, &base, &zs);
        terms[2 * i] = (struct multiscalar25519_term){z, parts.minus_r};
        terms[2 * i + 1].point = parts.key->minus_point;
        scalar25519_mul(&terms[2 * i + 1].scalar, &z, &parts.k);
    }
    multiscalar25519_vartime(sum, &base, terms, 2 * count);
    return true;
}

static bool verify_each(const struct ed25519_claim *claims, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!verify_single(&claims[i]))
            return false;
    return true;
}

static bool batch_verify(const struct ed25519_claim *claims, size_t count) {
    if (count == 1 || stand_in != NULL)
        return verify_each(claims, count);
    struct edwards25519 sum;
    struct multiscalar25519_term *terms = malloc(2 * count * sizeof *terms);
    assert(terms != NULL);
    bool all_good = batch_sum(&sum, terms, claims, count) && edwards25519_small_order(&sum);
    free(terms);
    return all_good;
}

static void name_culprits(bool *good, const struct ed25519_claim *claims, size_t count) {
    for (size_t i = 0; i < count; i++)
        good[i] = verify_single(&claims[i]);
}

bool ed25519_verify_batch_vartime(bool *good, const struct ed25519_claim *claims, size_t count) {
    bool all_good = true;
    for (size_t done = 0; done < count;) {
        size_t some = count - done < BATCH_MAX ? count - done : BATCH_MAX;
        bool some_good = batch_verify(claims + done, some);
        if (good != NULL) {
            memset(good + done, some_good, some * sizeof *good);
            if (!some_good)
                name_culprits(good + done, claims + done, some);
        } else if (!some_good) {
            return false;
        }
        all_good &= some_good;
        done += some;
    }
    return all_good;
}
