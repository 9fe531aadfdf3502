#include "crypto/secp256k1_key.h"

#include <assert.h>
#include <pthread.h>
#include <secp256k1.h>

#include "crypto/random.h"
#include "crypto/sha256.h"

static secp256k1_context *shared;
static pthread_once_t shared_once = PTHREAD_ONCE_INIT;

/* Blinded once against side channels; read-only from then on, so threads may share it. */
static void shared_make(void) {
    uint8_t blinding[32];
    shared = secp256k1_context_create(SECP256K1_CONTEXT_SIGN | SECP256K1_CONTEXT_VERIFY);
    assert(shared != NULL);
    random_fill(blinding, sizeof blinding);
    int blinded = secp256k1_context_randomize(shared, blinding);
    assert(blinded == 1);
    explicit_bzero(blinding, sizeof blinding);
}

static const secp256k1_context *context(void) {
    pthread_once(&shared_once, shared_make);
    return shared;
}

bool secp256k1_key_valid(const uint8_t secret[static SECP256K1_SECRET_BYTES]) {
    return secp256k1_ec_seckey_verify(context(), secret) == 1;
}

bool secp256k1_key_public(uint8_t out[static SECP256K1_PUBLIC_BYTES], const uint8_t secret[static SECP256K1_SECRET_BYTES]) {
    secp256k1_pubkey key;
    size_t size = SECP256K1_PUBLIC_BYTES;
    if (!secp256k1_key_valid(secret) || secp256k1_ec_pubkey_create(context(), &key, secret) != 1)
        return false;
    return secp256k1_ec_pubkey_serialize(context(), out, &size, &key, SECP256K1_EC_COMPRESSED) == 1;
}

bool secp256k1_key_sign(uint8_t signature[static SECP256K1_SIGNATURE_BYTES], const uint8_t secret[static SECP256K1_SECRET_BYTES],
                        struct span message) {
    uint8_t hash[SHA256_BYTES];
    secp256k1_ecdsa_signature made;
    sha256_once(hash, message);
    if (!secp256k1_key_valid(secret) || secp256k1_ecdsa_sign(context(), &made, hash, secret, NULL, NULL) != 1)
        return false;
    return secp256k1_ecdsa_signature_serialize_compact(context(), signature, &made) == 1;
}

/* CometBFT takes r and s modulo the group order n before it looks at them; the library refuses what is not below n. One
 * subtraction is enough, 2^256 < 2n. Without it a validator who picks a tiny s could be good there and bad here. */
static void reduce(uint8_t out[static 32], const uint8_t number[static 32]) {
    static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                      0xff, 0xff, 0xff, 0xff, 0xfe, 0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48,
                                      0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41};
    int borrow = 0;
    bool above = memcmp(number, order, sizeof order) >= 0;
    for (int i = 31; i >= 0; i--) {
        int difference = number[i] - (above ? order[i] : 0) - borrow;
        borrow = difference < 0;
        out[i] = (uint8_t)difference;
    }
}

bool secp256k1_key_verify_vartime(const uint8_t public_key[static SECP256K1_PUBLIC_BYTES], struct span message,
                                  const uint8_t signature[static SECP256K1_SIGNATURE_BYTES]) {
    uint8_t hash[SHA256_BYTES], reduced[SECP256K1_SIGNATURE_BYTES];
    secp256k1_pubkey key;
    secp256k1_ecdsa_signature parsed;
    reduce(reduced, signature);
    reduce(reduced + 32, signature + 32);
    if (secp256k1_ec_pubkey_parse(context(), &key, public_key, SECP256K1_PUBLIC_BYTES) != 1 ||
        secp256k1_ecdsa_signature_parse_compact(context(), &parsed, reduced) != 1)
        return false;
    sha256_once(hash, message);
    /* The library refuses a high s and a zero by itself. */
    return secp256k1_ecdsa_verify(context(), &parsed, hash, &key) == 1;
}
