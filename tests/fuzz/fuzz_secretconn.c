/* SecretConnection against a stranger: who sends whatever he likes; who knows the keys and seals whatever he likes, as his authentication and after
 * it; who alters bytes on the way between two honest sides. Verdicts do not depend on how the bytes were cut. */
#define FUZZ_BYTES_MAX 4096
#include "tests/fuzz/fuzz.h"

#include "crypto/aead.h"
#include "crypto/x25519.h"
#include "node/secretconn.h"

static struct ed25519_key *key_of(uint8_t seed) {
    uint8_t bytes[32] = {seed};
    return ed25519_key_new(bytes);
}

struct side {
    struct secretconn *conn;
    struct buffer out, plain, in;
};

static struct ed25519_key *alice_key, *bob_key;

static void open_side(struct side *side, struct ed25519_key *key, uint8_t seed) {
    uint8_t secret[32] = {0, seed};
    *side = (struct side){.conn = secretconn_new(key, secret)};
    secretconn_greet(side->conn, &side->out);
}

static void close_side(struct side *side) {
    secretconn_free(side->conn);
    buffer_close(&side->out);
    buffer_close(&side->plain);
    buffer_close(&side->in);
}

static enum secretconn_verdict feed(struct side *side, struct span bytes) {
    buffer_append(&side->in, bytes);
    struct span left = buffer_span(&side->in);
    size_t before = left.size;
    enum secretconn_verdict verdict = SECRETCONN_GOOD;
    if (!secretconn_is_done(side->conn))
        verdict = secretconn_shake(side->conn, &side->out, &side->plain, &left);
    if (verdict == SECRETCONN_GOOD && secretconn_is_done(side->conn))
        verdict = secretconn_open(side->conn, &side->plain, &left);
    buffer_consume(&side->in, before - left.size);
    assert((secretconn_remote(side->conn) != NULL) == secretconn_is_done(side->conn));
    return verdict;
}

static enum secretconn_verdict feed_all(struct side *side, struct span bytes, size_t step) {
    enum secretconn_verdict verdict = SECRETCONN_GOOD;
    while (bytes.size > 0 && verdict == SECRETCONN_GOOD) {
        size_t size = bytes.size < step ? bytes.size : step;
        verdict = feed(side, span_of(bytes.data, size));
        bytes = span_of(bytes.data + size, bytes.size - size);
    }
    return verdict;
}

static void stranger(struct span bytes, size_t step) {
    struct side one, other;
    open_side(&one, alice_key, 1);
    open_side(&other, alice_key, 1);
    enum secretconn_verdict a = feed_all(&one, bytes, SIZE_MAX), b = feed_all(&other, bytes, step);
    assert(a == b && !secretconn_is_done(one.conn)); /* nobody guesses a signature */
    assert(a != SECRETCONN_GOOD || buffer_size(&one.in) == buffer_size(&other.in));
    close_side(&one);
    close_side(&other);
}

struct knower { /* does by hand what the other side of the handshake does */
    uint8_t challenge[32];
    struct aead *sealer;
    uint64_t count;
};

static void know(struct knower *knower, struct side *victim) {
    uint8_t secret[32] = {0, 2}, own[32], theirs[32], shared[32], receive_key[32], send_key[32];
    uint8_t hello[35] = {34, 0x0a, 32};
    x25519_public(own, secret);
    memcpy(theirs, buffer_span(&victim->out).data + 3, 32);
    bool good = x25519_shared(shared, secret, theirs);
    assert(good);
    bool is_least = memcmp(own, theirs, 32) < 0;
    secretconn_derive(receive_key, send_key, shared, is_least);
    secretconn_challenge(knower->challenge, is_least ? own : theirs, is_least ? theirs : own, shared);
    knower->sealer = aead_new(send_key, true);
    knower->count = 0;
    memcpy(hello + 3, own, 32);
    assert(feed(victim, span_of(hello, sizeof hello)) == SECRETCONN_GOOD);
}

/* A frame of any length field and any data. */
static enum secretconn_verdict send_frame(struct knower *knower, struct side *victim, uint32_t length, struct span data) {
    uint8_t plain[1028] = {0}, sealed[SECRETCONN_FRAME_BYTES], nonce[12];
    for (int i = 0; i < 4; i++)
        plain[i] = (uint8_t)(length >> (8 * i));
    if (data.size > 0)
        memcpy(plain + 4, data.data, data.size < 1024 ? data.size : 1024);
    secretconn_nonce(nonce, &knower->count);
    aead_seal(knower->sealer, sealed, nonce, span_of(plain, sizeof plain));
    return feed(victim, span_of(sealed, sizeof sealed));
}

static enum secretconn_verdict send_auth(struct knower *knower, struct side *victim) {
    uint8_t bytes[103] = {102, 0x0a, 34, 0x0a, 32}, signature[64];
    ed25519_key_public(bob_key, bytes + 5);
    bytes[37] = 0x12;
    bytes[38] = 64;
    ed25519_sign(bob_key, signature, span_of(knower->challenge, 32));
    memcpy(bytes + 39, signature, 64);
    return send_frame(knower, victim, sizeof bytes, span_of(bytes, sizeof bytes));
}

static void with_keys(struct fuzz *fuzz, bool honest_auth) {
    struct side victim;
    struct knower knower;
    enum secretconn_verdict verdict = SECRETCONN_GOOD;
    open_side(&victim, alice_key, 1);
    know(&knower, &victim);
    if (honest_auth) {
        verdict = send_auth(&knower, &victim);
        assert(verdict == SECRETCONN_GOOD && secretconn_is_done(victim.conn));
    }
    for (int i = 0; fuzz->at < fuzz->end && i < 8; i++) {
        uint32_t length = (uint32_t)fuzz_number(fuzz, 1 + (fuzz->at[0] & 3));
        struct span data = fuzz_piece(fuzz);
        enum secretconn_verdict next = send_frame(&knower, &victim, length, data);
        assert(verdict == SECRETCONN_GOOD || next == verdict);
        assert(length <= 1024 || next != SECRETCONN_GOOD);
        verdict = next;
    }
    assert(honest_auth || !secretconn_is_done(victim.conn));
    aead_free(knower.sealer);
    close_side(&victim);
}

/* Two honest sides; the script says how much goes over when, and what is altered. */
static void between(struct fuzz *fuzz) {
    struct side sides[2];
    bool altered = false;
    open_side(&sides[0], alice_key, 1);
    open_side(&sides[1], bob_key, 2);
    for (int turns = 0; fuzz->at < fuzz->end && turns < 64; turns++) {
        uint8_t op = fuzz_byte(fuzz);
        struct side *from = &sides[op & 1], *to = &sides[~op & 1];
        size_t size = op & 2 ? SIZE_MAX : (size_t)1 + fuzz_byte(fuzz);
        if (op & 4 && secretconn_is_done(from->conn))
            secretconn_seal(from->conn, &from->out, span_text("some words"));
        struct span bytes = fuzz_copy(buffer_span(&from->out));
        bytes.size = bytes.size < size ? bytes.size : size;
        buffer_consume(&from->out, bytes.size);
        if ((op & 0xf8) == 0xf8 && bytes.size > 0) {
            ((uint8_t *)(uintptr_t)bytes.data)[fuzz_number(fuzz, 2) % bytes.size] ^= 1;
            altered = true;
        }
        enum secretconn_verdict verdict = feed(to, bytes);
        assert(verdict == SECRETCONN_GOOD || altered);
    }
    close_side(&sides[0]);
    close_side(&sides[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz fuzz = fuzz_over(data, size);
    if (alice_key == NULL) {
        alice_key = key_of(1);
        bob_key = key_of(2);
    }
    uint8_t choice = fuzz_byte(&fuzz);
    switch (choice & 3) {
    case 0: stranger(fuzz_rest(&fuzz), 1 + (choice >> 2)); break;
    case 1: with_keys(&fuzz, false); break;
    case 2: with_keys(&fuzz, true); break;
    case 3: between(&fuzz); break;
    }
    fuzz_end();
    return 0;
}
