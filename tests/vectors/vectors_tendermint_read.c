#include <stdlib.h>

#include "crypto/text.h"
#include "tests/vectors/vectors_tendermint.h"

int64_t read_int64(const json_t *object, const char *key, bool *ok) {
    int64_t value;
    if (!vectors_int64(object, key, &value))
        *ok = false;
    return value;
}

int32_t read_int32(const json_t *object, const char *key, bool *ok) {
    int64_t value = read_int64(object, key, ok);
    if (value < INT32_MIN || value > INT32_MAX)
        *ok = false;
    return (int32_t)value;
}

bool read_bool(const json_t *object, const char *key, bool *ok) {
    const json_t *value = json_object_get(object, key);
    if (!json_is_boolean(value))
        *ok = false;
    return json_is_true(value);
}

/* Hex of one of the sizes 0 or `size`. */
static uint8_t read_hex(const json_t *object, const char *key, uint8_t *out, size_t size, bool *ok) {
    size_t got = 0;
    if (json_is_null(json_object_get(object, key)))
        return 0;
    if (!vectors_hex(object, key, out, &got, size) || (got != 0 && got != size))
        *ok = false;
    return (uint8_t)got;
}

struct digest read_digest(const json_t *object, const char *key, bool *ok) {
    struct digest digest = {0};
    digest.size = read_hex(object, key, digest.bytes, sizeof digest.bytes, ok);
    return digest;
}

struct address read_address(const json_t *object, const char *key, bool *ok) {
    struct address address = {0};
    address.size = read_hex(object, key, address.bytes, sizeof address.bytes, ok);
    return address;
}

struct signature read_signature(const json_t *object, const char *key, bool *ok) {
    struct signature signature = {0};
    size_t size = 0;
    if (!json_is_null(json_object_get(object, key)) &&
        !vectors_hex(object, key, signature.bytes, &size, sizeof signature.bytes))
        *ok = false;
    signature.size = (uint8_t)size;
    return signature;
}

struct timestamp read_time(const json_t *object, const char *key, bool *ok) {
    struct timestamp time = TIMESTAMP_ZERO;
    if (!timestamp_parse(&time, vectors_text(object, key)))
        *ok = false;
    return time;
}

struct block_id read_block_id(const json_t *object, const char *key, bool *ok) {
    struct block_id id = {0};
    const json_t *value = json_object_get(object, key);
    if (json_is_null(value))
        return id;
    const json_t *parts = json_object_get(value, "parts");
    if (parts == NULL)
        parts = json_object_get(value, "part_set_header");
    id.hash = read_digest(value, "hash", ok);
    id.parts.total = (uint32_t)read_int64(parts, "total", ok);
    id.parts.hash = read_digest(parts, "hash", ok);
    return id;
}

struct header read_header(const json_t *object, const char *key, bool *ok) {
    const json_t *value = json_object_get(object, key), *version = json_object_get(value, "version");
    struct header header;
    size_t size = 0;
    header_init(&header);
    header.version_block = (uint64_t)read_int64(version, "block", ok);
    header.version_app = (uint64_t)read_int64(version, "app", ok);
    if (!header_set_chain_id(&header, vectors_text(value, "chain_id")))
        *ok = false;
    header.height = read_int64(value, "height", ok);
    header.time = read_time(value, "time", ok);
    header.last_block_id = read_block_id(value, "last_block_id", ok);
    header.last_commit_hash = read_digest(value, "last_commit_hash", ok);
    header.data_hash = read_digest(value, "data_hash", ok);
    header.validators_hash = read_digest(value, "validators_hash", ok);
    header.next_validators_hash = read_digest(value, "next_validators_hash", ok);
    header.consensus_hash = read_digest(value, "consensus_hash", ok);
    if (!vectors_hex(value, "app_hash", header.app_hash.bytes, &size, sizeof header.app_hash.bytes))
        *ok = false;
    header.app_hash.size = (uint8_t)size;
    header.last_results_hash = read_digest(value, "last_results_hash", ok);
    header.evidence_hash = read_digest(value, "evidence_hash", ok);
    header.proposer_address = read_address(value, "proposer_address", ok);
    return header;
}

struct vote read_vote(const json_t *object, bool *ok) {
    struct vote vote;
    vote_init(&vote);
    vote.type = read_int32(object, "type", ok);
    vote.height = read_int64(object, "height", ok);
    vote.round = read_int32(object, "round", ok);
    vote.block_id = read_block_id(object, "block_id", ok);
    vote.timestamp = read_time(object, "timestamp", ok);
    return vote;
}

static struct pubkey read_key(const json_t *object, bool *ok) {
    struct pubkey key = {0};
    size_t size = 0;
    struct span type = vectors_text(object, "type");
    if (!vectors_hex(object, "pub_key", key.bytes, &size, sizeof key.bytes))
        *ok = false;
    key.size = (uint8_t)size;
    key.type = size == 33 ? PUBKEY_SECP256K1 : PUBKEY_ED25519;
    if ((size != 32 && size != 33) || (type.size > 0 && pubkey_type_from_name(type) != key.type))
        *ok = false;
    return key;
}

void read_valset(struct valset *set, const json_t *object, const char *key, bool *ok) {
    const json_t *list = json_object_get(object, key), *item;
    size_t count = json_array_size(list), i;
    struct valset_change *changes = calloc(count + 1, sizeof changes[0]);
    if (!json_is_array(list) || changes == NULL)
        *ok = false;
    json_array_foreach((json_t *)list, i, item) {
        changes[i].pub_key = read_key(item, ok);
        changes[i].address = pubkey_address(&changes[i].pub_key);
        changes[i].power = read_int64(item, "power", ok);
        if (json_object_get(item, "address") != NULL) {
            struct address given = read_address(item, "address", ok);
            *ok = *ok && address_equal(&given, &changes[i].address);
        }
    }
    if (valset_make(set, changes, count) != VALSET_GOOD)
        *ok = false;
    free(changes);
}

bool read_only_keys(const json_t *object, const char *const *keys) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value) {
        size_t i = 0;
        while (keys[i] != NULL && strcmp(keys[i], key) != 0)
            i++;
        if (keys[i] == NULL)
            return false;
    }
    return true;
}
