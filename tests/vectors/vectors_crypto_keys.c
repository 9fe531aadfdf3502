/* Vectors of keys, addresses and signatures. */
#include "crypto/ed25519.h"
#include "crypto/pubkey.h"
#include "crypto/secp256k1_key.h"
#include "crypto/sha256.h"
#include "tests/vectors/vectors_crypto.h"

enum { BYTES_MAX = 65536 };

static const json_t *cases_of(struct vectors_report *report, const json_t *file) {
    const json_t *cases = json_object_get(file, "cases");
    if (!json_is_array(cases) || json_array_size(cases) == 0)
        vectors_failed(report, 0, "no array of cases");
    return cases;
}

static bool has(const json_t *object, const char *key) { return json_object_get(object, key) != NULL; }

/* Hex of exactly `size` bytes */
static bool exact_hex(const json_t *object, const char *key, uint8_t *out, size_t size) {
    size_t got;
    return vectors_hex(object, key, out, &got, size) && got == size;
}

/* The key as hex of the size that its type asks for */
static bool key_of(struct pubkey *out, const json_t *one, const char *field, uint8_t type) {
    uint8_t bytes[33];
    if (!exact_hex(one, field, bytes, type == PUBKEY_ED25519 ? 32 : 33))
        return false;
    *out = type == PUBKEY_ED25519 ? pubkey_ed25519(bytes) : pubkey_secp256k1(bytes);
    return true;
}

/* Verdict of the pubkey layer over a signature of any length; false in *understood when the hex is no hex. */
static bool verify(const json_t *one, const char *field, const struct pubkey *key, struct span message, bool *understood) {
    static uint8_t bytes[BYTES_MAX];
    size_t size;
    struct signature signature = {0};
    *understood = vectors_hex(one, field, bytes, &size, sizeof bytes);
    /* A longer one does not even fit the struct: whoever decodes it has already refused it. */
    if (!*understood || size > sizeof signature.bytes)
        return false;
    signature.size = (uint8_t)size;
    memcpy(signature.bytes, bytes, size);
    return pubkey_verify_vartime(key, message, &signature);
}

static void expect_verdict(struct vectors_report *report, size_t index, const json_t *one, const char *field,
                           const struct pubkey *key, struct span message, const json_t *expected) {
    bool understood;
    bool verdict = verify(one, field, key, message, &understood);
    if (!understood || !json_is_boolean(expected))
        vectors_failed(report, index, "signature or expected verdict not understood");
    else
        vectors_expect(report, index, verdict == json_is_true(expected), "the verdict differs");
}

static bool address_matches(const json_t *one, const char *field, const struct pubkey *key) {
    uint8_t expected[20];
    struct address address = pubkey_address(key);
    return exact_hex(one, field, expected, sizeof expected) && address.size == 20 &&
           memcmp(address.bytes, expected, sizeof expected) == 0;
}

/* --- ed25519_sign_verify --- */

/* NULL, or what the seed does not lead to: public key, address, signature (each if the case has it). */
static const char *check_seed(const json_t *one, const uint8_t seed[static 32], const struct pubkey *key, struct span message) {
    uint8_t public_key[32], signature[64], expected[64];
    struct ed25519_key *made = ed25519_key_new(seed);
    ed25519_key_public(made, public_key);
    ed25519_sign(made, signature, message);
    ed25519_key_free(made);
    if (memcmp(public_key, key->bytes, 32) != 0)
        return "the seed gives another public key";
    if (has(one, "signature") &&
        (!exact_hex(one, "signature", expected, 64) || memcmp(signature, expected, 64) != 0))
        return "the seed signs otherwise";
    return NULL;
}

static const char *check_secret(const json_t *one, const uint8_t seed[static 32]) {
    uint8_t hash[SHA256_BYTES];
    if (!json_is_string(json_object_get(one, "secret_ascii")))
        return "the secret is not text";
    sha256_once(hash, vectors_text(one, "secret_ascii"));
    return memcmp(hash, seed, 32) == 0 ? NULL : "the seed is not the hash of the secret";
}

static void sign_verify_case(struct vectors_report *report, size_t index, const json_t *one) {
    static uint8_t message_bytes[BYTES_MAX];
    size_t message_size = 0;
    uint8_t seed[32];
    struct pubkey key;
    const char *wrong = NULL;
    bool verifies = has(one, "signature");
    if (!key_of(&key, one, "public_key", PUBKEY_ED25519) ||
        (verifies && !vectors_hex(one, "message", message_bytes, &message_size, sizeof message_bytes)) ||
        (has(one, "seed") && !exact_hex(one, "seed", seed, 32)) || (!verifies && !has(one, "secret_ascii"))) {
        vectors_failed(report, index, "not understood");
        return;
    }
    struct span message = span_of(message_bytes, message_size);
    if (has(one, "secret_ascii"))
        wrong = has(one, "seed") ? check_secret(one, seed) : "a secret without its seed";
    if (wrong == NULL && has(one, "seed"))
        wrong = check_seed(one, seed, &key, message);
    if (wrong == NULL && has(one, "address") && !address_matches(one, "address", &key))
        wrong = "the address differs";
    if (wrong != NULL)
        vectors_failed(report, index, "%s", wrong);
    else if (verifies)
        expect_verdict(report, index, one, "signature", &key, message, json_object_get(one, "expected_valid"));
    else
        vectors_passed(report);
}

void vectors_ed25519_sign_verify(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    size_t index;
    json_t *one;
    json_array_foreach(cases_of(report, file), index, one) sign_verify_case(report, index, one);
}

/* --- ed25519_zip215: each case singly and in batches, whose verdict must be the same --- */

static bool batch_agrees(const struct pubkey *key, struct span message, const uint8_t *signature, bool expected) {
    struct ed25519_claim claims[3];
    bool good[3];
    for (int i = 0; i < 3; i++)
        claims[i] = (struct ed25519_claim){key->bytes, signature, message};
    return ed25519_verify_batch_vartime(good, claims, 3) == expected && good[0] == expected && good[1] == expected &&
           good[2] == expected;
}

static void zip215_case(struct vectors_report *report, size_t index, const json_t *one) {
    static uint8_t message_bytes[BYTES_MAX];
    const json_t *expected = json_object_get(one, "expected_valid");
    struct span message = vectors_text(one, "message_ascii");
    struct pubkey key;
    uint8_t signature[64];
    size_t size;
    bool in_hex = vectors_hex(one, "message", message_bytes, &size, sizeof message_bytes);
    if (in_hex)
        message = span_of(message_bytes, size);
    if (!key_of(&key, one, "public_key", PUBKEY_ED25519) || !json_is_boolean(expected) ||
        (!in_hex && !json_is_string(json_object_get(one, "message_ascii"))))
        vectors_failed(report, index, "not understood");
    else if (exact_hex(one, "signature", signature, 64) &&
             !batch_agrees(&key, message, signature, json_is_true(expected)))
        vectors_failed(report, index, "a batch judges otherwise");
    else
        expect_verdict(report, index, one, "signature", &key, message, expected);
}

void vectors_ed25519_zip215(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    size_t index;
    json_t *one;
    json_array_foreach(cases_of(report, file), index, one) zip215_case(report, index, one);
}

/* --- secp256k1_signatures, addresses --- */

/* secp256k1eth (Keccak, recoverable signatures) exists in CometBFT from 0.40 on and is outside of this release. All that
 * can be asked of us is that no layer mistakes it for a type it knows: its name and its JSON tag are reported as unsupported
 * (then genesis, parameters and ABCI updates refuse it), and its member of the PublicKey oneof, number 5, is bad. Such a
 * case passes on that ground alone; its signature or address is NOT checked. */
static bool is_reported_unsupported(struct span type) {
    static const uint8_t member[2 + 33] = {5 << 3 | 2, 33, 2};
    struct pubkey key = {0};
    struct proto_reader reader = proto_reader_over(span_of(member, sizeof member));
    pubkey_read(&key, &reader);
    return span_equal(type, span_text("secp256k1eth")) && pubkey_type_from_name(type) == PUBKEY_NONE &&
           pubkey_type_from_json_tag(span_text("tendermint/PubKeySecp256k1eth")) == PUBKEY_NONE && reader.bad;
}

/* The case's key: given, or made from its secret; when both are given they must agree. false: not understood or different. */
static bool key_given(struct pubkey *key, const json_t *one, uint8_t type) {
    uint8_t secret[32], public_key[33];
    struct pubkey made;
    bool given = has(one, "pub_key_hex");
    if (given && !key_of(key, one, "pub_key_hex", type))
        return false;
    if (!has(one, "priv_key_hex"))
        return given;
    if (!exact_hex(one, "priv_key_hex", secret, 32))
        return false;
    if (type == PUBKEY_ED25519) {
        struct ed25519_key *private_key = ed25519_key_new(secret);
        ed25519_key_public(private_key, public_key);
        ed25519_key_free(private_key);
        made = pubkey_ed25519(public_key);
    } else {
        if (!secp256k1_key_public(public_key, secret))
            return false;
        made = pubkey_secp256k1(public_key);
    }
    if (given)
        return pubkey_equal(key, &made);
    *key = made;
    return true;
}

static void signature_case(struct vectors_report *report, size_t index, const json_t *one) {
    static uint8_t message[BYTES_MAX];
    size_t size;
    struct span type_name = vectors_text(one, "key_type");
    uint8_t type = pubkey_type_from_name(type_name);
    struct pubkey key;
    if (is_reported_unsupported(type_name))
        vectors_passed(report);
    else if (type == PUBKEY_NONE || !key_given(&key, one, type) ||
             !vectors_hex(one, "msg_hex", message, &size, sizeof message))
        vectors_failed(report, index, "not understood, or the keys differ");
    else
        expect_verdict(report, index, one, "sig_hex", &key, span_of(message, size), json_object_get(one, "valid"));
}

void vectors_secp256k1_signatures(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    size_t index;
    json_t *one;
    json_array_foreach(cases_of(report, file), index, one) signature_case(report, index, one);
}

/* A node id is the hex of the key's address. */
static void address_case(struct vectors_report *report, size_t index, const json_t *one) {
    struct span type_name = vectors_text(one, "key_type");
    uint8_t type = pubkey_type_from_name(type_name);
    struct pubkey key;
    if (is_reported_unsupported(type_name))
        vectors_passed(report);
    else if (type == PUBKEY_NONE || !key_given(&key, one, type) || (!has(one, "address_hex") && !has(one, "node_id")))
        vectors_failed(report, index, "not understood, or the keys differ");
    else
        vectors_expect(report, index,
                       (!has(one, "address_hex") || address_matches(one, "address_hex", &key)) &&
                           (!has(one, "node_id") || address_matches(one, "node_id", &key)),
                       "the address differs");
}

void vectors_addresses(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    size_t index;
    json_t *one;
    json_array_foreach(cases_of(report, file), index, one) address_case(report, index, one);
}
