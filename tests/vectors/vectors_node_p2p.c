/* Secret connections, node infos, addresses. */
#include "tests/vectors/vectors_node.h"

#include <string.h>

#include "crypto/aead.h"
#include "crypto/text.h"
#include "crypto/x25519.h"
#include "node/netaddress.h"
#include "node/node_info.h"
#include "node/secretconn.h"

enum { BYTES_MAX = 8192 };

static bool hex_is(const json_t *object, const char *key, struct span expected) {
    uint8_t bytes[BYTES_MAX];
    size_t size;
    return vectors_hex(object, key, bytes, &size, sizeof bytes) && span_equal(span_of(bytes, size), expected);
}

static bool hex32(const json_t *object, const char *key, uint8_t out[static 32]) {
    size_t size;
    return vectors_hex(object, key, out, &size, 32) && size == 32;
}

static bool boolean(const json_t *object, const char *key, bool *out) {
    const json_t *value = json_object_get(object, key);
    *out = json_is_true(value);
    return json_is_boolean(value);
}

static void run_cases(struct vectors_report *report, const json_t *file, bool (*run)(const json_t *item), const char *what) {
    const json_t *item;
    size_t i;
    json_array_foreach(json_object_get(file, "cases"), i, item) vectors_expect(report, i, run(item), what);
}

/* secret_connection_hkdf */

static bool hkdf_case(const json_t *item) {
    uint8_t secret[32], receive_key[32], send_key[32], all[96];
    bool is_least;
    if (!hex32(item, "dh_secret", secret) || !boolean(item, "local_is_least", &is_least))
        return false;
    secretconn_derive(receive_key, send_key, secret, is_least);
    x25519_hkdf_sha256(all, sizeof all, span_of(secret, 32), span_of(NULL, 0),
                       span_text("TENDERMINT_SECRET_CONNECTION_KEY_AND_CHALLENGE_GEN"));
    return hex_is(item, "recv_key", span_of(receive_key, 32)) && hex_is(item, "send_key", span_of(send_key, 32)) &&
           (json_object_get(item, "hkdf_bytes_64_96") == NULL || hex_is(item, "hkdf_bytes_64_96", span_of(all + 64, 32)));
}

void vectors_secret_connection_hkdf(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    run_cases(report, file, hkdf_case, "other keys");
}

/* secret_connection_nonce */

static bool nonce_case(const json_t *item) {
    int64_t increments;
    uint8_t nonce[12];
    if (!vectors_int64(item, "increments", &increments) || increments < 0)
        return false;
    uint64_t counter = 0, jumped = (uint64_t)increments;
    for (int64_t i = 0; i < increments && i < 1000000; i++)
        if (!secretconn_nonce(nonce, &counter))
            return false;
    bool same = increments > 1000000 || counter == jumped;
    return same && secretconn_nonce(nonce, &jumped) && hex_is(item, "nonce_hex", span_of(nonce, 12));
}

void vectors_secret_connection_nonce(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    run_cases(report, file, nonce_case, "another nonce");
}

/* secret_connection_low_order */

static enum secretconn_verdict greet_with(const uint8_t their_public[static 32]) {
    uint8_t seed[32] = {1}, secret[32] = {2}, hello[35] = {34, 0x0a, 32};
    struct ed25519_key *key = ed25519_key_new(seed);
    struct secretconn *conn = secretconn_new(key, secret);
    struct buffer out, plain;
    struct span received = span_of(hello, sizeof hello);
    buffer_init(&out);
    buffer_init(&plain);
    memcpy(hello + 3, their_public, 32);
    secretconn_greet(conn, &out);
    enum secretconn_verdict verdict = secretconn_shake(conn, &out, &plain, &received);
    buffer_close(&out);
    buffer_close(&plain);
    secretconn_free(conn);
    ed25519_key_free(key);
    return verdict;
}

static bool low_order_case(const json_t *item) {
    uint8_t their_public[32];
    struct span expected = vectors_text(item, "expected");
    if (!hex32(item, "remote_ephemeral_public", their_public))
        return false;
    if (span_equal(expected, span_text("reject")))
        return greet_with(their_public) == SECRETCONN_LOW_ORDER;
    return span_equal(expected, span_text("accept")) && greet_with(their_public) == SECRETCONN_GOOD;
}

void vectors_secret_connection_low_order(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    run_cases(report, file, low_order_case, "another verdict on an ephemeral key");
}

/* secret_connection_handshake: both sides are replayed and every byte compared. */

struct party {
    const json_t *json;
    struct ed25519_key *key;
    struct secretconn *conn;
    struct buffer out, plain;
};

static bool open_party(struct party *party, const json_t *json) {
    uint8_t seed[32], ephemeral[32], public[32];
    *party = (struct party){.json = json};
    if (!hex32(json, "identity_seed", seed) || !hex32(json, "ephemeral_private", ephemeral))
        return false;
    party->key = ed25519_key_new(seed);
    party->conn = secretconn_new(party->key, ephemeral);
    secretconn_greet(party->conn, &party->out);
    x25519_public(public, ephemeral);
    bool good = hex_is(json, "ephemeral_public", span_of(public, 32));
    ed25519_key_public(party->key, public);
    return good && hex_is(json, "identity_public", span_of(public, 32)) &&
           hex_is(json, "handshake_message_1", buffer_span(&party->out));
}

static void close_party(struct party *party) {
    secretconn_free(party->conn);
    ed25519_key_free(party->key);
    buffer_close(&party->out);
    buffer_close(&party->plain);
}

static bool secrets_match(const json_t *item, const struct party *party, const json_t *peer_json) {
    uint8_t secret[32], theirs[32], shared[32], lower[32], upper[32], receive_key[32], send_key[32], challenge[32];
    bool is_least;
    if (!hex32(party->json, "ephemeral_private", secret) || !hex32(peer_json, "ephemeral_public", theirs) ||
        !hex32(item, "lower", lower) || !hex32(item, "upper", upper) || memcmp(lower, upper, 32) >= 0 ||
        !boolean(party->json, "is_least", &is_least) || !x25519_shared(shared, secret, theirs))
        return false;
    secretconn_derive(receive_key, send_key, shared, is_least);
    secretconn_challenge(challenge, lower, upper, shared);
    return hex_is(item, "dh_secret", span_of(shared, 32)) && hex_is(item, "challenge", span_of(challenge, 32)) &&
           hex_is(party->json, "ephemeral_public", span_of(is_least ? lower : upper, 32)) &&
           hex_is(party->json, "send_key", span_of(send_key, 32)) && hex_is(party->json, "recv_key", span_of(receive_key, 32));
}

/* What the party sent after the greeting, opened by hand with its own key. */
static bool auth_matches(const json_t *item, const struct party *party, struct span frame) {
    uint8_t send_key[32], plain[SECRETCONN_FRAME_BYTES], nonce[12], challenge[32], signature[64];
    uint64_t counter = 0;
    size_t size;
    if (frame.size != SECRETCONN_FRAME_BYTES || !hex_is(party->json, "auth_frame_sealed", frame) ||
        !hex32(party->json, "send_key", send_key) || !hex32(item, "challenge", challenge) ||
        !vectors_hex(party->json, "challenge_signature", signature, &size, sizeof signature) || size != sizeof signature)
        return false;
    struct aead *opener = aead_new(send_key, false);
    bool good = secretconn_nonce(nonce, &counter) && aead_open(opener, plain, nonce, frame);
    aead_free(opener);
    size = (size_t)plain[0] | (size_t)plain[1] << 8;
    uint8_t public[32], made[64];
    ed25519_key_public(party->key, public);
    ed25519_sign(party->key, made, span_of(challenge, 32));
    return good && size <= SECRETCONN_DATA_MAX && hex_is(party->json, "auth_sig_plaintext_delimited", span_of(plain + 4, size)) &&
           memcmp(made, signature, sizeof made) == 0 && ed25519_verify_vartime(public, span_of(challenge, 32), signature);
}

static bool knows(const struct party *party, const struct party *peer) {
    const struct pubkey *remote = secretconn_remote(party->conn);
    char id[41];
    if (remote == NULL)
        return false;
    node_info_id_of(id, remote);
    return hex_is(peer->json, "identity_public", span_of(remote->bytes, remote->size)) &&
           span_equal(vectors_text(peer->json, "node_id"), span_text(id));
}

static bool says_next(struct party *party, struct party *peer) {
    struct span payload = vectors_text(party->json, "next_frame_plain_payload_ascii");
    uint8_t nonce[12];
    uint64_t counter = 1;
    struct buffer heard;
    size_t before = buffer_size(&party->out);
    buffer_init(&heard);
    bool good = secretconn_nonce(nonce, &counter) && hex_is(party->json, "next_frame_nonce", span_of(nonce, 12)) &&
                secretconn_seal(party->conn, &party->out, payload) == SECRETCONN_GOOD;
    struct span frame = span_of(buffer_span(&party->out).data + before, buffer_size(&party->out) - before);
    good = good && hex_is(party->json, "next_frame_sealed", frame) && secretconn_open(peer->conn, &heard, &frame) == SECRETCONN_GOOD &&
           span_equal(buffer_span(&heard), payload);
    buffer_close(&heard);
    return good;
}

static bool replay(const json_t *item, struct party *alice, struct party *bob) {
    struct span from_alice = span_of(buffer_span(&alice->out).data, 35), from_bob = span_of(buffer_span(&bob->out).data, 35);
    uint8_t first_alice[35], first_bob[35];
    memcpy(first_alice, from_alice.data, 35);
    memcpy(first_bob, from_bob.data, 35);
    from_alice = span_of(first_alice, 35);
    from_bob = span_of(first_bob, 35);
    bool good = secretconn_shake(alice->conn, &alice->out, &alice->plain, &from_bob) == SECRETCONN_GOOD &&
                secretconn_shake(bob->conn, &bob->out, &bob->plain, &from_alice) == SECRETCONN_GOOD;
    buffer_consume(&alice->out, 35);
    buffer_consume(&bob->out, 35);
    good = good && auth_matches(item, alice, buffer_span(&alice->out)) && auth_matches(item, bob, buffer_span(&bob->out));
    from_alice = buffer_span(&alice->out);
    from_bob = buffer_span(&bob->out);
    good = good && secretconn_shake(alice->conn, &alice->out, &alice->plain, &from_bob) == SECRETCONN_GOOD &&
           secretconn_shake(bob->conn, &bob->out, &bob->plain, &from_alice) == SECRETCONN_GOOD;
    return good && knows(alice, bob) && knows(bob, alice) && says_next(alice, bob) && says_next(bob, alice);
}

static bool handshake_case(const json_t *item) {
    const json_t *alice_json = json_object_get(item, "alice"), *bob_json = json_object_get(item, "bob");
    struct party alice, bob;
    bool good = open_party(&alice, alice_json);
    good = open_party(&bob, bob_json) && good;
    good = good && secrets_match(item, &alice, bob_json) && secrets_match(item, &bob, alice_json) &&
           replay(item, &alice, &bob);
    close_party(&alice);
    close_party(&bob);
    return good;
}

void vectors_secret_connection_handshake(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    run_cases(report, file, handshake_case, "other keys, challenge or bytes on the wire");
}

/* net_address_parse */

static bool address_case(const json_t *item) {
    struct netaddress address;
    char text[NETADDRESS_TEXT_SIZE];
    bool is_valid;
    if (!boolean(item, "valid", &is_valid) || !json_is_string(json_object_get(item, "address")))
        return false;
    bool parsed = netaddress_parse(&address, vectors_text(item, "address")) == NETADDRESS_GOOD;
    if (!parsed || !is_valid)
        return parsed == is_valid;
    netaddress_format(text, &address);
    return span_equal(vectors_text(item, "expected"), span_text(text));
}

void vectors_net_address_parse(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    run_cases(report, file, address_case, "another verdict or text of an address");
}

/* node_info_validation: changes of a valid info with channels 0..15. A text that does not fit its field goes the way of a
 * message from a peer, and is refused there. */

static struct node_info valid_info(void) {
    struct node_info info = {
        .p2p_version = NODE_INFO_P2P_VERSION,
        .block_version = NODE_INFO_BLOCK_VERSION,
        .id = "deadbeefdeadbeefdeadbeefdeadbeefdeadbeef",
        .listen_addr = "127.0.0.1:26656",
        .network = "testing",
        .version = "1.2.3-rc0.deadbeef",
        .moniker = "node",
        .tx_index = "on",
        .rpc_address = "127.0.0.1:26657",
        .channel_count = 16,
    };
    for (uint8_t i = 0; i < 16; i++)
        info.channels[i] = i;
    return info;
}

static bool change_channels(struct node_info *info, struct span value) {
    if (span_equal(value, span_text("17 distinct channels")))
        info->channels[info->channel_count++] = 16;
    else if (span_equal(value, span_text("duplicate channel")))
        info->channels[1] = info->channels[0];
    else if (span_equal(value, span_text("first five channels")))
        info->channel_count = 5;
    else
        return false;
    return true;
}

/* The message with one text field more, which wins over the first. */
static bool check_changed(const struct node_info *info, uint32_t field, bool is_other, struct span value, bool *refused) {
    uint8_t message[NODE_INFO_BYTES_MAX], bytes[NODE_INFO_BYTES_MAX + 10];
    struct proto_writer writer, delimited;
    struct node_info changed;
    proto_writer_init(&writer, message, sizeof message);
    node_info_write(&writer, info);
    size_t mark = is_other ? proto_begin(&writer, 8) : 0;
    proto_put_bytes_always(&writer, field, value);
    if (is_other)
        proto_end(&writer, mark);
    proto_writer_init(&delimited, bytes, sizeof bytes);
    proto_put_varint(&delimited, writer.size);
    proto_put_raw(&delimited, proto_writer_span(&writer));
    if (writer.overflow || delimited.overflow)
        return false;
    *refused = node_info_decode(&changed, proto_writer_span(&delimited)) <= 0 || node_info_check(&changed) != NODE_INFO_GOOD;
    return true;
}

static bool field_case(const json_t *item, bool *refused) {
    static const struct {
        const char *name;
        uint32_t field;
        bool is_other;
    } fields[] = {{"id", 2, false},      {"listen_addr", 3, false},   {"network", 4, false},          {"version", 5, false},
                  {"moniker", 7, false}, {"other.tx_index", 1, true}, {"other.rpc_address", 2, true}};
    struct node_info info = valid_info();
    struct span name = vectors_text(item, "field"), value = vectors_text(item, "value");
    if (!json_is_string(json_object_get(item, "value")))
        return false;
    if (span_equal(name, span_text("channels"))) {
        bool known = change_channels(&info, value);
        *refused = node_info_check(&info) != NODE_INFO_GOOD;
        return known;
    }
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (span_equal(name, span_text(fields[i].name)))
            return check_changed(&info, fields[i].field, fields[i].is_other, value, refused);
    return false;
}

static bool compat_case(const json_t *item, bool *refused) {
    struct node_info ours = valid_info(), theirs = valid_info();
    struct span change = vectors_text(item, "compat");
    if (span_equal(change, span_text("block version differs")))
        theirs.block_version++;
    else if (span_equal(change, span_text("network differs")))
        theirs.network[0] ^= 1;
    else if (span_equal(change, span_text("no common channel")))
        theirs.channels[0] = 0x77, theirs.channel_count = 1;
    else if (span_equal(change, span_text("p2p version differs only")))
        theirs.p2p_version++;
    else if (span_equal(change, span_text("app version differs only")))
        theirs.app_version++;
    else if (span_equal(change, span_text("peer has one more channel")))
        theirs.channels[theirs.channel_count++] = 0x77, ours.channel_count = 5;
    else
        return false;
    *refused = node_info_compatible(&ours, &theirs) != NODE_INFO_GOOD;
    return true;
}

static bool info_case(const json_t *item) {
    bool expected, refused;
    if (!boolean(item, "expect_error", &expected))
        return false;
    bool understood = json_object_get(item, "compat") != NULL ? compat_case(item, &refused) : field_case(item, &refused);
    return understood && refused == expected;
}

void vectors_node_info_validation(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    run_cases(report, file, info_case, "another verdict on a node info, or a case not understood");
}
