#include "crypto/x25519.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "crypto/sha256.h"

static EVP_PKEY *secret_key(const uint8_t secret[static 32]) {
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, secret, 32);
    assert(key != NULL);
    return key;
}

void x25519_public(uint8_t out[static 32], const uint8_t secret[static 32]) {
    EVP_PKEY *key = secret_key(secret);
    size_t size = 32;
    bool done = EVP_PKEY_get_raw_public_key(key, out, &size) == 1;
    assert(done);
    assert(size == 32);
    EVP_PKEY_free(key);
}

bool x25519_shared(uint8_t out[static 32], const uint8_t secret[static 32], const uint8_t their_public[static 32]) {
    EVP_PKEY *ours = secret_key(secret), *theirs = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, their_public, 32);
    assert(theirs != NULL);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(ours, NULL);
    assert(context != NULL);
    uint8_t shared[32], zero[32] = {0};
    size_t size = sizeof shared;
    bool derived = EVP_PKEY_derive_init(context) == 1 && EVP_PKEY_derive_set_peer(context, theirs) == 1 &&
                   EVP_PKEY_derive(context, shared, &size) == 1 && size == sizeof shared &&
                   CRYPTO_memcmp(shared, zero, sizeof shared) != 0;
    if (derived)
        memcpy(out, shared, sizeof shared);
    OPENSSL_cleanse(shared, sizeof shared);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(theirs);
    EVP_PKEY_free(ours);
    return derived;
}

/* HMAC-SHA256 (RFC 2104) of the three spans in a row. */
static void hmac(uint8_t out[static SHA256_BYTES], struct span key, struct span a, struct span b, struct span c) {
    uint8_t block[64] = {0}, inner[SHA256_BYTES];
    struct sha256 hash;
    if (key.size > sizeof block)
        sha256_once(block, key);
    else if (key.size > 0)
        memcpy(block, key.data, key.size);
    for (size_t i = 0; i < sizeof block; i++)
        block[i] ^= 0x36;
    sha256_init(&hash);
    sha256_add(&hash, span_of(block, sizeof block));
    sha256_add(&hash, a);
    sha256_add(&hash, b);
    sha256_add(&hash, c);
    sha256_final(&hash, inner);
    for (size_t i = 0; i < sizeof block; i++)
        block[i] ^= 0x36 ^ 0x5c;
    sha256_init(&hash);
    sha256_add(&hash, span_of(block, sizeof block));
    sha256_add(&hash, span_of(inner, sizeof inner));
    sha256_final(&hash, out);
    OPENSSL_cleanse(block, sizeof block);
    OPENSSL_cleanse(&hash, sizeof hash);
}

void x25519_hkdf_sha256(uint8_t *out, size_t size, struct span secret, struct span salt, struct span info) {
    assert(size <= 255 * SHA256_BYTES);
    uint8_t master[SHA256_BYTES], chunk[SHA256_BYTES];
    struct span none = span_of(NULL, 0), last = none;
    hmac(master, salt, secret, none, none);
    for (uint8_t counter = 1; size > 0; counter++) {
        hmac(chunk, span_of(master, sizeof master), last, info, span_of(&counter, 1));
        last = span_of(chunk, sizeof chunk);
        size_t taken = size < sizeof chunk ? size : sizeof chunk;
        memcpy(out, chunk, taken);
        out += taken;
        size -= taken;
    }
    OPENSSL_cleanse(master, sizeof master);
    OPENSSL_cleanse(chunk, sizeof chunk);
}
