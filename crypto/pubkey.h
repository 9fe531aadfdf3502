/* A public key of any supported type, its address and its check. Rules: cometbft crypto/{ed25519,secp256k1}, protocol.md §1.4. */
#ifndef QUORATE_CRYPTO_PUBKEY_H
#define QUORATE_CRYPTO_PUBKEY_H

#include "crypto/proto.h"

enum pubkey_type { PUBKEY_NONE = 0, PUBKEY_ED25519 = 1, PUBKEY_SECP256K1 = 2 }; /* the numbers of the PublicKey oneof */

struct pubkey {
    uint8_t type; /* enum pubkey_type */
    uint8_t size; /* 0, 32 or 33 */
    uint8_t bytes[33];
};

/* 20 bytes, or none (size 0: the absent CommitSig, a header not yet filled). */
struct address {
    uint8_t size;
    uint8_t bytes[20];
};

/* Up to 64 bytes; ed25519 and secp256k1 signatures are exactly 64. */
struct signature {
    uint8_t size;
    uint8_t bytes[64];
};

struct pubkey pubkey_ed25519(const uint8_t bytes[static 32]);
struct pubkey pubkey_secp256k1(const uint8_t bytes[static 33]);
bool pubkey_equal(const struct pubkey *a, const struct pubkey *b);
struct address pubkey_address(const struct pubkey *key); /* size 0 for PUBKEY_NONE */
bool pubkey_verify_vartime(const struct pubkey *key, struct span message, const struct signature *signature);
const char *pubkey_type_name(uint8_t type);      /* "ed25519", "secp256k1": genesis, params, ABCI */
uint8_t pubkey_type_from_name(struct span name); /* PUBKEY_NONE if unknown */
const char *pubkey_json_tag(uint8_t type);       /* "tendermint/PubKeyEd25519", … */
uint8_t pubkey_type_from_json_tag(struct span tag);

/* tendermint.crypto.PublicKey {1 ed25519, 2 secp256k1}; unset writes nothing. A key of another size or type, or
 * none at all, marks the reader bad only where the caller asks (pubkey_read leaves PUBKEY_NONE for an empty message;
 * an unknown oneof member or a wrong size is bad). */
void pubkey_write(struct proto_writer *writer, const struct pubkey *key);
void pubkey_read(struct pubkey *key, struct proto_reader *reader);

static inline bool address_equal(const struct address *a, const struct address *b) {
    return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}
static inline struct span address_span(const struct address *address) { return span_of(address->bytes, address->size); }
static inline int address_compare(const struct address *a, const struct address *b) {
    return span_compare(address_span(a), address_span(b));
}

#endif
