/* Our verification beside OpenSSL's: alike on what an ordinary signer signs, whole or altered in one bit, and never stricter. Batches beside single
 * checks, on whatever bytes. secp256k1 on whatever bytes. */
#define FUZZ_BYTES_MAX 2048
#include "tests/fuzz/fuzz.h"

#include <openssl/evp.h>

#include "crypto/ed25519.h"
#include "crypto/secp256k1_key.h"
#include "crypto/sha256.h"

static bool other_verify(const uint8_t key[static 32], struct span message, const uint8_t signature[static 64]) {
    EVP_PKEY *handle = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, 32);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = handle != NULL && context != NULL && EVP_DigestVerifyInit(context, NULL, NULL, NULL, handle) == 1 &&
                EVP_DigestVerify(context, signature, 64, message.size > 0 ? message.data : (const uint8_t *)"", message.size) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(handle);
    return good;
}

static void ordinary(struct fuzz *fuzz) {
    uint8_t key[32], signature[64], seed[32];
    uint16_t flip = (uint16_t)fuzz_number(fuzz, 2);
    struct span message = fuzz_copy(fuzz_rest(fuzz));
    sha256_once(seed, message); /* an attacker does not choose it, so neither does the fuzzer */
    struct ed25519_key *pair = ed25519_key_new(seed);
    ed25519_key_public(pair, key);
    ed25519_sign(pair, signature, message);
    ed25519_key_free(pair);
    assert(ed25519_verify_vartime(key, message, signature) && other_verify(key, message, signature));
    uint8_t *place = flip < 512 ? &signature[flip / 8] : &key[flip / 8 % 32];
    *place ^= (uint8_t)(1 << flip % 8);
    assert(!ed25519_verify_vartime(key, message, signature) && !other_verify(key, message, signature));
}

static void any(struct fuzz *fuzz) {
    struct span bytes = fuzz_rest(fuzz);
    if (bytes.size < 96)
        return;
    struct span message = span_of(bytes.data + 96, bytes.size - 96);
    bool ours = ed25519_verify_vartime(bytes.data, message, bytes.data + 32);
    struct ed25519_claim claim = {bytes.data, bytes.data + 32, message};
    bool good;
    assert(ed25519_verify_batch_vartime(&good, &claim, 1) == ours && good == ours);
    if (other_verify(bytes.data, message, bytes.data + 32))
        assert(ours);
}

enum { CLAIMS_MAX = 20 };

/* Claims as they stand in the input, honest ones among them, keys that return. */
static void batch(struct fuzz *fuzz) {
    static struct ed25519_claim claims[CLAIMS_MAX];
    static uint8_t keys[CLAIMS_MAX][32], signatures[CLAIMS_MAX][64];
    bool good[CLAIMS_MAX], all = true;
    size_t count = 0;
    while (fuzz->at < fuzz->end && count < CLAIMS_MAX) {
        uint8_t choice = fuzz_byte(fuzz);
        struct span message = span_text("message");
        if (choice & 1 || count == 0) {
            uint8_t seed[32] = {choice >> 1 & 3};
            struct ed25519_key *pair = ed25519_key_new(seed);
            ed25519_key_public(pair, keys[count]);
            ed25519_sign(pair, signatures[count], message);
            ed25519_key_free(pair);
        } else if (choice & 2) {
            memcpy(keys[count], keys[count - 1], 32);
            memcpy(signatures[count], signatures[count - 1], 64);
            signatures[count][choice >> 2] ^= fuzz_byte(fuzz);
        } else if (fuzz->end - fuzz->at >= 96) {
            memcpy(keys[count], fuzz->at, 32);
            memcpy(signatures[count], fuzz->at + 32, 64);
            fuzz->at += 96;
            message = fuzz_piece(fuzz);
        } else {
            break;
        }
        claims[count] = (struct ed25519_claim){keys[count], signatures[count], message};
        count++;
    }
    bool verdict = ed25519_verify_batch_vartime(good, claims, count);
    for (size_t i = 0; i < count; i++) {
        bool single = ed25519_verify_vartime(claims[i].public_key, claims[i].message, claims[i].signature);
        assert(good[i] == single);
        all = all && single;
    }
    assert(verdict == all);
}

static void secp256k1(struct fuzz *fuzz) {
    struct span bytes = fuzz_rest(fuzz);
    uint8_t secret[32], key[33], signature[64];
    if (bytes.size >= 97)
        secp256k1_key_verify_vartime(bytes.data, span_of(bytes.data + 97, bytes.size - 97), bytes.data + 33);
    sha256_once(secret, bytes);
    if (!secp256k1_key_public(key, secret))
        return;
    assert(secp256k1_key_valid(secret) && secp256k1_key_sign(signature, secret, bytes));
    assert(secp256k1_key_verify_vartime(key, bytes, signature));
    signature[bytes.size % 64] ^= 1;
    assert(!secp256k1_key_verify_vartime(key, bytes, signature));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static void (*const kinds[])(struct fuzz *fuzz) = {ordinary, any, batch, secp256k1};
    struct fuzz fuzz = fuzz_over(data, size);
    uint8_t choice = fuzz_byte(&fuzz);
    if (choice < sizeof kinds / sizeof kinds[0])
        kinds[choice](&fuzz);
    fuzz_end();
    return 0;
}
