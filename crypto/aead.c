#include "crypto/aead.h"

#include <assert.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

struct aead {
    EVP_CIPHER_CTX *context;
    bool seals;
};

struct aead *aead_new(const uint8_t key[static AEAD_KEY_BYTES], bool seal) {
    struct aead *aead = malloc(sizeof *aead);
    assert(aead != NULL);
    *aead = (struct aead){.context = EVP_CIPHER_CTX_new(), .seals = seal};
    assert(aead->context != NULL);
    int done = EVP_CipherInit_ex(aead->context, EVP_chacha20_poly1305(), NULL, key, NULL, seal);
    assert(done == 1);
    return aead;
}

void aead_free(struct aead *aead) {
    if (aead == NULL)
        return;
    EVP_CIPHER_CTX_free(aead->context); /* which wipes the key */
    free(aead);
}

/* The key stays in the context: only the nonce is new. */
static bool run(struct aead *aead, uint8_t *out, const uint8_t *nonce, struct span in) {
    static const uint8_t nothing[1];
    int made = 0, rest = 0;
    assert(in.size <= INT_MAX);
    return EVP_CipherInit_ex(aead->context, NULL, NULL, NULL, nonce, -1) == 1 &&
           EVP_CipherUpdate(aead->context, out, &made, in.size > 0 ? in.data : nothing, (int)in.size) == 1 &&
           EVP_CipherFinal_ex(aead->context, out + made, &rest) == 1;
}

void aead_seal(struct aead *aead, uint8_t *out, const uint8_t nonce[static AEAD_NONCE_BYTES], struct span plain) {
    assert(aead->seals);
    bool sealed = run(aead, out, nonce, plain) && EVP_CIPHER_CTX_ctrl(aead->context, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_BYTES,
                                                                      out + plain.size) == 1;
    assert(sealed);
}

bool aead_open(struct aead *aead, uint8_t *out, const uint8_t nonce[static AEAD_NONCE_BYTES], struct span sealed) {
    assert(!aead->seals);
    assert(sealed.size >= AEAD_TAG_BYTES);
    uint8_t tag[AEAD_TAG_BYTES];
    size_t size = sealed.size - AEAD_TAG_BYTES;
    memcpy(tag, sealed.data + size, sizeof tag);
    int done = EVP_CIPHER_CTX_ctrl(aead->context, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG_BYTES, tag);
    assert(done == 1);
    if (run(aead, out, nonce, span_of(sealed.data, size)))
        return true;
    if (size > 0)
        OPENSSL_cleanse(out, size);
    return false;
}
