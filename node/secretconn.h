/* SecretConnection (protocol.md §4.1; cometbft p2p/conn/secret_connection.go): who is there, and nobody else reads along.
 * A pure state machine: no socket, no clock, no randomness. Both sides send first: greet, then shake with what arrives until
 * done; a handshake that stays half is ended by the caller's timer. Then seal and open.
 * The caller compares the remote key with the id it dialled: without that a man in the middle is not noticed (wound 1).
 *
 * Input is a span that is advanced over what was consumed; the caller keeps the rest and comes again with more. After a
 * verdict other than GOOD every later call gives the same verdict: the connection is dead. */
#ifndef QUORATE_NODE_SECRETCONN_H
#define QUORATE_NODE_SECRETCONN_H

#include "crypto/ed25519.h"
#include "crypto/pubkey.h"
#include "node/buffer.h"

#define SECRETCONN_DATA_MAX      1024 /* bytes of data in a frame */
#define SECRETCONN_FRAME_BYTES   1044 /* a frame on the wire, however little it holds */
#define SECRETCONN_MESSAGE_MAX   1024 /* a handshake message; honest ones have 34 and 102 bytes */
#define SECRETCONN_EPHEMERAL_BYTES 32

enum secretconn_verdict {
    SECRETCONN_GOOD = 0,
    SECRETCONN_MESSAGE_TOO_LARGE, /* a handshake message above SECRETCONN_MESSAGE_MAX, or a malformed length */
    SECRETCONN_BAD_MESSAGE,       /* a handshake message that does not decode */
    SECRETCONN_LOW_ORDER,         /* their ephemeral key leads to an all-zero secret */
    SECRETCONN_REFLECTED,         /* they sent our own ephemeral key back */
    SECRETCONN_BAD_FRAME,         /* not authentic: tampered, replayed, out of order, or of another key */
    SECRETCONN_BAD_LENGTH,        /* an authentic frame that claims more than SECRETCONN_DATA_MAX bytes */
    SECRETCONN_OTHER_KEY,         /* their node key is absent or not ed25519 (wound 7) */
    SECRETCONN_BAD_SIGNATURE,     /* of the challenge */
    SECRETCONN_EXHAUSTED,         /* no nonce left in this direction */
};
const char *secretconn_verdict_text(enum secretconn_verdict verdict);

struct secretconn;

/* The key is kept as a loan until secretconn_free. The ephemeral secret is 32 random bytes of this connection alone. */
struct secretconn *secretconn_new(const struct ed25519_key *key_lent, const uint8_t ephemeral_secret[static SECRETCONN_EPHEMERAL_BYTES]);
void secretconn_free(struct secretconn *conn); /* wipes; NULL allowed */

/* Handshake. greet: once, first. shake: until done; appends to `out` what is to be sent, and to `plain` data that came in
 * the same frame as the last handshake message. It leaves in `received` what belongs to secretconn_open. */
void secretconn_greet(struct secretconn *conn, struct buffer *out);
enum secretconn_verdict secretconn_shake(struct secretconn *conn, struct buffer *out, struct buffer *plain, struct span *received);
bool secretconn_is_done(const struct secretconn *conn);
const struct pubkey *secretconn_remote(const struct secretconn *conn); /* NULL until done */

/* When done. seal cuts all of `plain` into frames, full ones but the last: hand in together what is at hand, because a lone
 * byte costs a whole frame. open consumes whole frames and appends their data: never more bytes than it consumed. */
enum secretconn_verdict secretconn_seal(struct secretconn *conn, struct buffer *out, struct span plain);
enum secretconn_verdict secretconn_open(struct secretconn *conn, struct buffer *plain, struct span *received);

/* The pieces, for tests with known values. */
void secretconn_derive(uint8_t receive_key[static 32], uint8_t send_key[static 32], const uint8_t dh_secret[static 32], bool is_least);
void secretconn_challenge(uint8_t out[static 32], const uint8_t lower[static 32], const uint8_t upper[static 32],
                          const uint8_t dh_secret[static 32]);
/* The nonce of the *counter-th frame, then counts; false (untouched) when the counter can go no further. */
bool secretconn_nonce(uint8_t out[static 12], uint64_t *counter);

#endif
