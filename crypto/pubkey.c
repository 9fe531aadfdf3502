#include "crypto/pubkey.h"

#include "crypto/ed25519.h"
#include "crypto/secp256k1_key.h"
#include "crypto/sha256.h"

static const struct kind {
    uint8_t type;
    uint8_t size;
    const char *name;
    const char *json_tag;
} kinds[] = {
    {PUBKEY_ED25519, ED25519_PUBLIC_BYTES, "ed25519", "tendermint/PubKeyEd25519"},
    {PUBKEY_SECP256K1, SECP256K1_PUBLIC_BYTES, "secp256k1", "tendermint/PubKeySecp256k1"},
};
enum { KIND_COUNT = sizeof kinds / sizeof kinds[0] };

/* Members of the PublicKey oneof in later releases, which this one does not know (3 to 5). */
enum { FIELD_FOREIGN_LAST = 5 };

static const struct kind *kind_of(uint64_t type) {
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (kinds[i].type == type)
            return &kinds[i];
    return NULL;
}

struct pubkey pubkey_ed25519(const uint8_t bytes[static 32]) {
    struct pubkey key = {.type = PUBKEY_ED25519, .size = 32};
    memcpy(key.bytes, bytes, 32);
    return key;
}

struct pubkey pubkey_secp256k1(const uint8_t bytes[static 33]) {
    struct pubkey key = {.type = PUBKEY_SECP256K1, .size = 33};
    memcpy(key.bytes, bytes, 33);
    return key;
}

bool pubkey_equal(const struct pubkey *a, const struct pubkey *b) {
    return a->type == b->type && a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

struct address pubkey_address(const struct pubkey *key) {
    struct address address = {0};
    struct span bytes = span_of(key->bytes, key->size);
    uint8_t hash[SHA256_BYTES];
    if (key->type == PUBKEY_ED25519) {
        sha256_once(hash, bytes);
        memcpy(address.bytes, hash, sizeof address.bytes);
        address.size = sizeof address.bytes;
    } else if (key->type == PUBKEY_SECP256K1) {
        sha256_ripemd160(address.bytes, bytes);
        address.size = sizeof address.bytes;
    }
    return address;
}

bool pubkey_verify_vartime(const struct pubkey *key, struct span message, const struct signature *signature) {
    const struct kind *kind = kind_of(key->type);
    if (kind == NULL || key->size != kind->size || signature->size != sizeof signature->bytes)
        return false;
    return key->type == PUBKEY_ED25519 ? ed25519_verify_vartime(key->bytes, message, signature->bytes)
                                       : secp256k1_key_verify_vartime(key->bytes, message, signature->bytes);
}

const char *pubkey_type_name(uint8_t type) {
    const struct kind *kind = kind_of(type);
    return kind == NULL ? "" : kind->name;
}

uint8_t pubkey_type_from_name(struct span name) {
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (span_equal(name, span_text(kinds[i].name)))
            return kinds[i].type;
    return PUBKEY_NONE;
}

const char *pubkey_json_tag(uint8_t type) {
    const struct kind *kind = kind_of(type);
    return kind == NULL ? "" : kind->json_tag;
}

uint8_t pubkey_type_from_json_tag(struct span tag) {
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (span_equal(tag, span_text(kinds[i].json_tag)))
            return kinds[i].type;
    return PUBKEY_NONE;
}

void pubkey_write(struct proto_writer *writer, const struct pubkey *key) {
    if (kind_of(key->type) != NULL)
        proto_put_bytes(writer, key->type, span_of(key->bytes, key->size));
}

/* The oneof's last member counts, so sizes are judged only at the end. */
void pubkey_read(struct pubkey *key, struct proto_reader *reader) {
    struct proto_field field, last = {0};
    while (proto_next(reader, &field)) {
        if (field.number < PUBKEY_ED25519 || field.number > FIELD_FOREIGN_LAST)
            continue;
        proto_bytes(reader, &field);
        last = field;
    }
    if (reader->bad || last.number == 0)
        return;
    const struct kind *kind = kind_of(last.number);
    if (kind == NULL || last.bytes.size != kind->size) {
        reader->bad = true;
        return;
    }
    *key = (struct pubkey){.type = kind->type, .size = kind->size};
    memcpy(key->bytes, last.bytes.data, kind->size);
}
