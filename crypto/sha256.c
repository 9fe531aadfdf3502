#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/sha256.h"

#include <openssl/ripemd.h>
#include <openssl/sha.h>

_Static_assert(sizeof(SHA256_CTX) <= sizeof(struct sha256), "sha256.h leaves too little room");
_Static_assert(_Alignof(SHA256_CTX) <= _Alignof(struct sha256), "sha256.h aligns too weakly");
_Static_assert(SHA256_BYTES == SHA256_DIGEST_LENGTH, "the library counts otherwise");

/* The low-level calls fail only on a NULL context, so their results say nothing. */
static SHA256_CTX *context_of(struct sha256 *hash) { return (SHA256_CTX *)hash->opaque; }

void sha256_init(struct sha256 *hash) { SHA256_Init(context_of(hash)); }

void sha256_add(struct sha256 *hash, struct span bytes) {
    if (bytes.size > 0)
        SHA256_Update(context_of(hash), bytes.data, bytes.size);
}

void sha256_final(struct sha256 *hash, uint8_t out[static SHA256_BYTES]) { SHA256_Final(out, context_of(hash)); }

void sha256_once(uint8_t out[static SHA256_BYTES], struct span bytes) {
    struct sha256 hash;
    sha256_init(&hash);
    sha256_add(&hash, bytes);
    sha256_final(&hash, out);
}

void sha256_prefixed(uint8_t out[static SHA256_BYTES], uint8_t prefix, struct span a, struct span b) {
    struct sha256 hash;
    sha256_init(&hash);
    sha256_add(&hash, span_of(&prefix, 1));
    sha256_add(&hash, a);
    sha256_add(&hash, b);
    sha256_final(&hash, out);
}

void sha256_ripemd160(uint8_t out[static 20], struct span bytes) {
    uint8_t inner[SHA256_BYTES];
    sha256_once(inner, bytes);
    RIPEMD160_CTX context;
    RIPEMD160_Init(&context);
    RIPEMD160_Update(&context, inner, sizeof inner);
    RIPEMD160_Final(out, &context);
}
