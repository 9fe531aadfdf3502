#include "node/keyfile.h"

#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/random.h"
#include "crypto/secp256k1_key.h"
#include "crypto/text.h"
#include "node/complaint.h"

#define FILE_BYTES_MAX 65536

static void derive_public(struct keyfile *key) {
    if (key->type == PUBKEY_ED25519) {
        uint8_t bytes[ED25519_PUBLIC_BYTES];
        struct ed25519_key *pair = ed25519_key_new(key->secret);
        ed25519_key_public(pair, bytes);
        ed25519_key_free(pair);
        key->public_key = pubkey_ed25519(bytes);
    } else {
        uint8_t bytes[SECP256K1_PUBLIC_BYTES];
        bool good = secp256k1_key_public(bytes, key->secret);
        assert(good);
        key->public_key = pubkey_secp256k1(bytes);
    }
}

void keyfile_generate(struct keyfile *key, uint8_t type) {
    assert(type == PUBKEY_ED25519 || type == PUBKEY_SECP256K1);
    *key = (struct keyfile){.type = type};
    do
        random_fill(key->secret, sizeof key->secret);
    while (type == PUBKEY_SECP256K1 && !secp256k1_key_valid(key->secret));
    derive_public(key);
}

void keyfile_wipe(struct keyfile *key) { explicit_bzero(key, sizeof *key); }

void keyfile_id(char out[static KEYFILE_ID_SIZE], const struct keyfile *key) {
    struct address address = pubkey_address(&key->public_key);
    text_hex_lower(out, address_span(&address));
}

/* Text to key */

static struct span text_of(const json_t *object, const char *name) {
    const json_t *value = json_object_get(object, name);
    return json_is_string(value) ? span_of(json_string_value(value), json_string_length(value)) : span_of(NULL, 0);
}

static const char *parse_ed25519(struct keyfile *key, const uint8_t *bytes, size_t size) {
    if (size != 64)
        return "an ed25519 private key has 64 bytes: seed and public key";
    key->type = PUBKEY_ED25519;
    memcpy(key->secret, bytes, 32);
    derive_public(key);
    return memcmp(key->public_key.bytes, bytes + 32, 32) == 0 ? NULL : "the two halves of the private key do not belong together";
}

static const char *parse_secp256k1(struct keyfile *key, const uint8_t *bytes, size_t size) {
    if (size != 32 || !secp256k1_key_valid(bytes))
        return "no valid secp256k1 private key";
    key->type = PUBKEY_SECP256K1;
    memcpy(key->secret, bytes, 32);
    derive_public(key);
    return NULL;
}

static const char *parse_private(struct keyfile *key, const json_t *object) {
    uint8_t bytes[64];
    size_t size;
    struct span type = text_of(object, "type");
    if (!json_is_object(object))
        return "priv_key is missing";
    if (!text_base64_decode(bytes, &size, sizeof bytes, text_of(object, "value")))
        return "priv_key.value is no base64 of a private key";
    const char *why = "priv_key.type is unknown";
    if (span_equal(type, span_text("tendermint/PrivKeyEd25519")))
        why = parse_ed25519(key, bytes, size);
    else if (span_equal(type, span_text("tendermint/PrivKeySecp256k1")))
        why = parse_secp256k1(key, bytes, size);
    explicit_bzero(bytes, sizeof bytes);
    return why;
}

/* Public key and address may be left out, as CometBFT allows, but must not lie. */
static const char *check_public(const struct keyfile *key, const json_t *object) {
    const json_t *public_key = json_object_get(object, "pub_key");
    struct address own = pubkey_address(&key->public_key);
    uint8_t bytes[33];
    size_t size;
    if (public_key != NULL && (pubkey_type_from_json_tag(text_of(public_key, "type")) != key->type ||
                               !text_base64_decode(bytes, &size, sizeof bytes, text_of(public_key, "value")) ||
                               !span_equal(span_of(bytes, size), span_of(key->public_key.bytes, key->public_key.size))))
        return "pub_key is not that of priv_key";
    if (json_object_get(object, "address") != NULL &&
        (!text_hex_decode(bytes, &size, sizeof bytes, text_of(object, "address")) || !span_equal(span_of(bytes, size), address_span(&own))))
        return "address is not that of the key";
    return NULL;
}

const char *keyfile_parse(struct keyfile *out, struct span json, bool is_node_key) {
    struct keyfile key = {0};
    json_t *object = json.size == 0 ? NULL : json_loadb((const char *)json.data, json.size, JSON_REJECT_DUPLICATES, NULL);
    const char *why = json_is_object(object) ? parse_private(&key, json_object_get(object, "priv_key")) : "no JSON object";
    if (why == NULL && !is_node_key)
        why = check_public(&key, object);
    json_decref(object);
    if (why == NULL)
        *out = key;
    keyfile_wipe(&key);
    return why;
}

/* Key to text */

char *keyfile_public_json(const struct pubkey *key) {
    char value[TEXT_BASE64_SIZE(33)];
    text_base64(value, span_of(key->bytes, key->size));
    return complaint_of("{\"type\":\"%s\",\"value\":\"%s\"}", pubkey_json_tag(key->type), value);
}

static void private_value(char out[static TEXT_BASE64_SIZE(64)], const struct keyfile *key) {
    uint8_t bytes[64];
    memcpy(bytes, key->secret, 32);
    memcpy(bytes + 32, key->public_key.bytes, 32);
    text_base64(out, span_of(bytes, key->type == PUBKEY_ED25519 ? 64 : 32));
    explicit_bzero(bytes, sizeof bytes);
}

char *keyfile_text(const struct keyfile *key, bool is_node_key) {
    char private_text[TEXT_BASE64_SIZE(64)], public_text[TEXT_BASE64_SIZE(33)], address_text[TEXT_HEX_SIZE(20)];
    const char *tag = key->type == PUBKEY_ED25519 ? "tendermint/PrivKeyEd25519" : "tendermint/PrivKeySecp256k1";
    struct address address = pubkey_address(&key->public_key);
    char *text;
    private_value(private_text, key);
    text_base64(public_text, span_of(key->public_key.bytes, key->public_key.size));
    text_hex_upper(address_text, address_span(&address));
    if (is_node_key)
        text = complaint_of("{\"priv_key\":{\"type\":\"%s\",\"value\":\"%s\"}}", tag, private_text);
    else
        text = complaint_of("{\n  \"address\": \"%s\",\n  \"pub_key\": {\n    \"type\": \"%s\",\n    \"value\": \"%s\"\n  },\n"
                            "  \"priv_key\": {\n    \"type\": \"%s\",\n    \"value\": \"%s\"\n  }\n}",
                            address_text, pubkey_json_tag(key->type), public_text, tag, private_text);
    explicit_bzero(private_text, sizeof private_text);
    return text;
}

/* Files */

bool keyfile_load(struct keyfile *out, const char *path, bool is_node_key, char **error) {
    struct blob *file = keyfile_read(path, FILE_BYTES_MAX, error);
    if (file == NULL)
        return false;
    const char *why = keyfile_parse(out, blob_span(file), is_node_key);
    explicit_bzero(file->data, file->size);
    blob_release(file);
    if (why != NULL)
        *error = complaint_of("%s: %s. Restore the file from a copy, or make a new key in its place", path, why);
    errno = 0;
    return why == NULL;
}

bool keyfile_save(const struct keyfile *key, const char *path, bool is_node_key, bool replace, char **error) {
    char *text = keyfile_text(key, is_node_key);
    bool good = keyfile_write(path, span_text(text), replace, error);
    explicit_bzero(text, strlen(text));
    free(text);
    return good;
}

struct ed25519_key *keyfile_load_signing(const char *path, bool is_node_key, char **error) {
    struct keyfile key;
    struct ed25519_key *signing = NULL;
    if (!keyfile_load(&key, path, is_node_key, error))
        return NULL;
    if (key.type == PUBKEY_ED25519)
        signing = ed25519_key_new(key.secret);
    else
        *error = complaint_of("%s: a secp256k1 key cannot sign %s in this release. Use an ed25519 key", path,
                              is_node_key ? "for a node" : "votes");
    keyfile_wipe(&key);
    return signing;
}
