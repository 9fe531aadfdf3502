/* The node's side of a remote signer (priv_validator_laddr; protocol.md §6; cometbft privval/{signer_listener_endpoint,signer_client}.go). We listen,
 * the signer dials: tcp through a SecretConnection with a key that is thrown away (nobody is authenticated: keep the port to yourselves), unix plain.
 *
 * One signer at a time: whoever first answers with the right public key is it; others are turned away while it is there, and it is asked at once
 * whether it lives. One question at a time. What waits is of the newest height and round; older wishes are dropped. A signer that is late, answers
 * something else, or signs something else is let go, the wish is lost, and the next connection is waited for; a refusal is an answer. Nothing here
 * blocks, and nothing calls back before the call that caused it has returned. */
#ifndef QUORATE_NODE_NOTARY_H
#define QUORATE_NODE_NOTARY_H

#include "node/signlink.h"
#include "node/world.h"

#define NOTARY_NEWCOMERS_MAX 4 /* connections that have not shown a key yet */
#define NOTARY_WAITING_MAX   4
#define NOTARY_TIMEOUT_MS    5000
#define NOTARY_PING_MS       3333

struct notary_settings { /* texts are loans for the notary's life */
    struct event_base *base;
    const char *address;      /* "tcp://127.0.0.1:26659", "unix:///run/signer.sock" */
    const char *chain_id;
    size_t message_bytes_max; /* SIGNLINK_BYTES_MAX */
    int64_t timeout_ms, ping_ms; /* 0: NOTARY_TIMEOUT_MS, NOTARY_PING_MS */
};

struct notary_listener {
    void *context;
    void (*answered)(void *context, const struct world_signing *answer); /* a loan until return */
    void (*log)(void *context, enum world_level level, const char *text);
};

struct notary;

struct notary *notary_new(const struct notary_settings *settings, const struct notary_listener *listener, char **error);
void notary_free(struct notary *notary); /* NULL allowed */
uint16_t notary_port(const struct notary *notary); /* 0 of a unix socket */
bool notary_is_connected(const struct notary *notary);
/* Runs the loop until the first signer has shown its key (true), `wait_ms` are over, or somebody broke the loop (*broken). */
bool notary_wait(struct notary *notary, struct pubkey *key, int64_t wait_ms, bool *broken);
void notary_ask(struct notary *notary, const struct world_signing *wish);

/* The answer to a wish, believed only if it is the vote or proposal that was asked for, but for the timestamp, with the key's good signature. Then
 * timestamp and signatures are filled into `wish`, and NULL is returned; else why not. */
const char *notary_take(struct world_signing *wish, const struct wire_privval *answer, const struct pubkey *key, struct span chain_id);

#endif
