#include "node/secretconn.h"

#include <assert.h>
#include <stdlib.h>

#include "crypto/aead.h"
#include "crypto/merlin.h"
#include "crypto/x25519.h"

enum { LENGTH_BYTES = 4, PLAIN_BYTES = LENGTH_BYTES + SECRETCONN_DATA_MAX };
_Static_assert(PLAIN_BYTES + AEAD_TAG_BYTES == SECRETCONN_FRAME_BYTES, "a frame is length, data and tag");

enum stage { AWAIT_EPHEMERAL, AWAIT_AUTH, DONE };

struct secretconn {
    const struct ed25519_key *key;
    enum stage stage;
    enum secretconn_verdict verdict;
    uint8_t ephemeral_secret[32], ephemeral_public[32], challenge[32];
    struct aead *sealer, *opener;
    uint64_t sealed, opened; /* frames so far: the next nonces */
    struct buffer auth;      /* plain bytes of their authentication, until it is whole */
    struct pubkey remote;
};

const char *secretconn_verdict_text(enum secretconn_verdict verdict) {
    static const char *const texts[] = {
        [SECRETCONN_GOOD] = "good",
        [SECRETCONN_MESSAGE_TOO_LARGE] = "a handshake message is too large",
        [SECRETCONN_BAD_MESSAGE] = "a handshake message does not decode",
        [SECRETCONN_LOW_ORDER] = "the ephemeral key is a point of low order",
        [SECRETCONN_REFLECTED] = "our own ephemeral key came back",
        [SECRETCONN_BAD_FRAME] = "a frame is not authentic",
        [SECRETCONN_BAD_LENGTH] = "a frame claims more data than it can hold",
        [SECRETCONN_OTHER_KEY] = "the node key is not an ed25519 key",
        [SECRETCONN_BAD_SIGNATURE] = "the signature of the challenge is wrong",
        [SECRETCONN_EXHAUSTED] = "no nonce is left",
    };
    return texts[verdict];
}

struct secretconn *secretconn_new(const struct ed25519_key *key_lent, const uint8_t ephemeral_secret[static SECRETCONN_EPHEMERAL_BYTES]) {
    struct secretconn *conn = calloc(1, sizeof *conn);
    assert(conn != NULL);
    conn->key = key_lent;
    memcpy(conn->ephemeral_secret, ephemeral_secret, sizeof conn->ephemeral_secret);
    x25519_public(conn->ephemeral_public, ephemeral_secret);
    buffer_init(&conn->auth);
    return conn;
}

void secretconn_free(struct secretconn *conn) {
    if (conn == NULL)
        return;
    aead_free(conn->sealer);
    aead_free(conn->opener);
    buffer_close(&conn->auth);
    explicit_bzero(conn, sizeof *conn);
    free(conn);
}

bool secretconn_is_done(const struct secretconn *conn) { return conn->stage == DONE && conn->verdict == SECRETCONN_GOOD; }

const struct pubkey *secretconn_remote(const struct secretconn *conn) { return secretconn_is_done(conn) ? &conn->remote : NULL; }

static enum secretconn_verdict fail(struct secretconn *conn, enum secretconn_verdict verdict) {
    conn->verdict = verdict;
    return verdict;
}

static void advance(struct span *span, size_t size) { *span = span_of(span->data + size, span->size - size); }

/* Secrets */

void secretconn_derive(uint8_t receive_key[static 32], uint8_t send_key[static 32], const uint8_t dh_secret[static 32], bool is_least) {
    static const char info[] = "TENDERMINT_SECRET_CONNECTION_KEY_AND_CHALLENGE_GEN";
    uint8_t keys[64]; /* the third block of the derivation is of the past: the challenge comes from the transcript */
    x25519_hkdf_sha256(keys, sizeof keys, span_of(dh_secret, 32), span_of(NULL, 0), span_text(info));
    memcpy(is_least ? receive_key : send_key, keys, 32);
    memcpy(is_least ? send_key : receive_key, keys + 32, 32);
    explicit_bzero(keys, sizeof keys);
}

void secretconn_challenge(uint8_t out[static 32], const uint8_t lower[static 32], const uint8_t upper[static 32],
                          const uint8_t dh_secret[static 32]) {
    struct merlin transcript;
    merlin_init(&transcript, "TENDERMINT_SECRET_CONNECTION_TRANSCRIPT_HASH");
    merlin_append(&transcript, "EPHEMERAL_LOWER_PUBLIC_KEY", span_of(lower, 32));
    merlin_append(&transcript, "EPHEMERAL_UPPER_PUBLIC_KEY", span_of(upper, 32));
    merlin_append(&transcript, "DH_SECRET", span_of(dh_secret, 32));
    merlin_challenge(&transcript, "SECRET_CONNECTION_MAC", out, 32);
    explicit_bzero(&transcript, sizeof transcript);
}

/* The last number is never used, so that "one more" always exists to be refused. */
bool secretconn_nonce(uint8_t out[static 12], uint64_t *counter) {
    if (*counter == UINT64_MAX)
        return false;
    memset(out, 0, 4);
    for (size_t i = 0; i < 8; i++)
        out[4 + i] = (uint8_t)(*counter >> (8 * i));
    ++*counter;
    return true;
}

/* Frames */

static bool seal_frame(struct secretconn *conn, uint8_t *out, struct span data) {
    uint8_t nonce[AEAD_NONCE_BYTES];
    if (!secretconn_nonce(nonce, &conn->sealed))
        return false;
    out[0] = (uint8_t)data.size;
    out[1] = (uint8_t)(data.size >> 8);
    out[2] = out[3] = 0;
    memcpy(out + LENGTH_BYTES, data.data, data.size);
    memset(out + LENGTH_BYTES + data.size, 0, SECRETCONN_DATA_MAX - data.size);
    aead_seal(conn->sealer, out, nonce, span_of(out, PLAIN_BYTES));
    return true;
}

static enum secretconn_verdict seal(struct secretconn *conn, struct buffer *out, struct span plain) {
    size_t frames = plain.size / SECRETCONN_DATA_MAX + (plain.size % SECRETCONN_DATA_MAX != 0);
    if (frames == 0)
        return SECRETCONN_GOOD;
    buffer_reserve(out, frames * SECRETCONN_FRAME_BYTES);
    while (plain.size > 0) {
        size_t size = plain.size < SECRETCONN_DATA_MAX ? plain.size : SECRETCONN_DATA_MAX;
        if (!seal_frame(conn, buffer_reserve(out, SECRETCONN_FRAME_BYTES), span_of(plain.data, size)))
            return fail(conn, SECRETCONN_EXHAUSTED);
        buffer_add(out, SECRETCONN_FRAME_BYTES);
        advance(&plain, size);
    }
    return SECRETCONN_GOOD;
}

enum secretconn_verdict secretconn_seal(struct secretconn *conn, struct buffer *out, struct span plain) {
    assert(conn->stage == DONE);
    return conn->verdict != SECRETCONN_GOOD ? conn->verdict : seal(conn, out, plain);
}

/* The last frame's padding is not looked at: the other implementation reuses its buffer without clearing it. */
static enum secretconn_verdict open_frame(struct secretconn *conn, struct buffer *plain, const uint8_t *frame) {
    uint8_t nonce[AEAD_NONCE_BYTES];
    uint8_t opened[PLAIN_BYTES];
    if (!secretconn_nonce(nonce, &conn->opened))
        return fail(conn, SECRETCONN_EXHAUSTED);
    if (!aead_open(conn->opener, opened, nonce, span_of(frame, SECRETCONN_FRAME_BYTES)))
        return fail(conn, SECRETCONN_BAD_FRAME);
    size_t size = (size_t)opened[0] | (size_t)opened[1] << 8 | (size_t)opened[2] << 16 | (size_t)opened[3] << 24;
    if (size > SECRETCONN_DATA_MAX)
        return fail(conn, SECRETCONN_BAD_LENGTH);
    buffer_append(plain, span_of(opened + LENGTH_BYTES, size));
    return SECRETCONN_GOOD;
}

enum secretconn_verdict secretconn_open(struct secretconn *conn, struct buffer *plain, struct span *received) {
    assert(conn->stage == DONE);
    while (conn->verdict == SECRETCONN_GOOD && received->size >= SECRETCONN_FRAME_BYTES)
        if (open_frame(conn, plain, received->data) == SECRETCONN_GOOD)
            advance(received, SECRETCONN_FRAME_BYTES);
    return conn->verdict;
}

/* Handshake */

void secretconn_greet(struct secretconn *conn, struct buffer *out) {
    uint8_t hello[35] = {34, 0x0a, 32};
    memcpy(hello + 3, conn->ephemeral_public, 32);
    buffer_append(out, span_of(hello, sizeof hello));
}

static bool decode_ephemeral(uint8_t out[static 32], struct span message) {
    struct proto_reader reader = proto_reader_over(message);
    size_t size = 0;
    for (struct proto_field field; proto_next(&reader, &field);)
        if (field.number == 1)
            size = proto_bytes_into(&reader, &field, out, 32);
    return !reader.bad && size == 32;
}

static enum secretconn_verdict send_auth(struct secretconn *conn, struct buffer *out) {
    uint8_t bytes[256], message[256], public_key[ED25519_PUBLIC_BYTES], signature[ED25519_SIGNATURE_BYTES];
    struct proto_writer writer, delimited;
    ed25519_key_public(conn->key, public_key);
    ed25519_sign(conn->key, signature, span_of(conn->challenge, sizeof conn->challenge));
    struct pubkey key = pubkey_ed25519(public_key);
    proto_writer_init(&writer, message, sizeof message);
    size_t mark = proto_begin(&writer, 1);
    pubkey_write(&writer, &key);
    proto_end(&writer, mark);
    proto_put_bytes(&writer, 2, span_of(signature, sizeof signature));
    proto_writer_init(&delimited, bytes, sizeof bytes);
    proto_put_varint(&delimited, writer.size);
    proto_put_raw(&delimited, proto_writer_span(&writer));
    assert(!writer.overflow && !delimited.overflow);
    return seal(conn, out, proto_writer_span(&delimited));
}

static enum secretconn_verdict take_ephemeral(struct secretconn *conn, struct buffer *out, struct span message) {
    uint8_t theirs[32], secret[32], receive_key[32], send_key[32];
    if (!decode_ephemeral(theirs, message))
        return fail(conn, SECRETCONN_BAD_MESSAGE);
    int order = memcmp(conn->ephemeral_public, theirs, 32);
    if (order == 0)
        return fail(conn, SECRETCONN_REFLECTED);
    if (!x25519_shared(secret, conn->ephemeral_secret, theirs))
        return fail(conn, SECRETCONN_LOW_ORDER);
    bool is_least = order < 0;
    secretconn_derive(receive_key, send_key, secret, is_least);
    secretconn_challenge(conn->challenge, is_least ? conn->ephemeral_public : theirs, is_least ? theirs : conn->ephemeral_public, secret);
    conn->sealer = aead_new(send_key, true);
    conn->opener = aead_new(receive_key, false);
    explicit_bzero(secret, sizeof secret);
    explicit_bzero(receive_key, sizeof receive_key);
    explicit_bzero(send_key, sizeof send_key);
    explicit_bzero(conn->ephemeral_secret, sizeof conn->ephemeral_secret);
    conn->stage = AWAIT_AUTH;
    return send_auth(conn, out);
}

static bool decode_auth(struct pubkey *key, struct signature *signature, struct span message) {
    struct proto_reader reader = proto_reader_over(message);
    memset(key, 0, sizeof *key);
    memset(signature, 0, sizeof *signature);
    for (struct proto_field field; proto_next(&reader, &field);) {
        if (field.number == 1) {
            struct proto_reader sub = proto_sub(&reader, &field);
            pubkey_read(key, &sub);
            proto_join(&reader, &sub);
        } else if (field.number == 2) {
            signature->size = (uint8_t)proto_bytes_into(&reader, &field, signature->bytes, sizeof signature->bytes);
        }
    }
    return !reader.bad;
}

static enum secretconn_verdict take_auth(struct secretconn *conn, struct span message) {
    struct pubkey key;
    struct signature signature;
    if (!decode_auth(&key, &signature, message))
        return fail(conn, SECRETCONN_BAD_MESSAGE);
    if (key.type != PUBKEY_ED25519)
        return fail(conn, SECRETCONN_OTHER_KEY);
    if (signature.size != ED25519_SIGNATURE_BYTES ||
        !ed25519_verify_vartime(key.bytes, span_of(conn->challenge, sizeof conn->challenge), signature.bytes))
        return fail(conn, SECRETCONN_BAD_SIGNATURE);
    conn->remote = key;
    conn->stage = DONE;
    return SECRETCONN_GOOD;
}

static enum secretconn_verdict shake_ephemeral(struct secretconn *conn, struct buffer *out, struct span *received) {
    struct span message;
    long size = proto_delimited(&message, *received, SECRETCONN_MESSAGE_MAX);
    if (size < 0)
        return fail(conn, SECRETCONN_MESSAGE_TOO_LARGE);
    if (size == 0)
        return SECRETCONN_GOOD;
    advance(received, (size_t)size);
    return take_ephemeral(conn, out, message);
}

/* The authentication is a stream inside the frames: it may be cut anywhere, and data may follow it in its last frame. */
static enum secretconn_verdict shake_auth(struct secretconn *conn, struct buffer *plain, struct span *received) {
    struct span message;
    if (open_frame(conn, &conn->auth, received->data) != SECRETCONN_GOOD)
        return conn->verdict;
    advance(received, SECRETCONN_FRAME_BYTES);
    long size = proto_delimited(&message, buffer_span(&conn->auth), SECRETCONN_MESSAGE_MAX);
    if (size < 0)
        return fail(conn, SECRETCONN_MESSAGE_TOO_LARGE);
    if (size == 0 || take_auth(conn, message) != SECRETCONN_GOOD)
        return conn->verdict;
    buffer_consume(&conn->auth, (size_t)size);
    buffer_append(plain, buffer_span(&conn->auth));
    buffer_close(&conn->auth);
    return SECRETCONN_GOOD;
}

enum secretconn_verdict secretconn_shake(struct secretconn *conn, struct buffer *out, struct buffer *plain, struct span *received) {
    if (conn->verdict == SECRETCONN_GOOD && conn->stage == AWAIT_EPHEMERAL && received->size > 0)
        shake_ephemeral(conn, out, received);
    while (conn->verdict == SECRETCONN_GOOD && conn->stage == AWAIT_AUTH && received->size >= SECRETCONN_FRAME_BYTES)
        shake_auth(conn, plain, received);
    return conn->verdict;
}
