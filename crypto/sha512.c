#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/sha512.h"

#include <openssl/sha.h>

static void add(SHA512_CTX *context, struct span bytes) {
    if (bytes.size > 0)
        SHA512_Update(context, bytes.data, bytes.size);
}

void sha512_three(uint8_t out[static SHA512_BYTES], struct span a, struct span b, struct span c) {
    SHA512_CTX context;
    SHA512_Init(&context);
    add(&context, a);
    add(&context, b);
    add(&context, c);
    SHA512_Final(out, &context);
}
