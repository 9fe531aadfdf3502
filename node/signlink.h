/* One connection between a node and its remote signer: privval messages, each behind its length (protocol.md §6; cometbft privval/signer_endpoint.go),
 * through a SecretConnection on tcp, plain on a unix socket. Both sides use it. It does not know who may ask what.
 *
 * A link dies once (signlink_kill, from wherever, also inside its own callbacks); its owner frees it, inside a callback too. Writing to a socket that
 * the other side left raises SIGPIPE: the process ignores it. */
#ifndef QUORATE_NODE_SIGNLINK_H
#define QUORATE_NODE_SIGNLINK_H

#include <sys/un.h>

#include "node/netaddress.h"
#include "node/secretconn.h"
#include "node/wire.h"

struct event_base;

#define SIGNLINK_BYTES_MAX    (10 * 1024)                                /* a message, up to release 0.39 */
#define SIGNLINK_BYTES_MAX_40 (VOTE_EXTENSION_BYTES_MAX + 2 * 3309 + 1024) /* from 0.40 on, because of extensions */
#define SIGNLINK_OUTPUT_MAX   (64 * 1024) /* bytes that may wait for the other side to read, beyond one message */
#define SIGNLINK_WHY_SIZE     160

struct signlink_address { /* "tcp://127.0.0.1:26659", "unix:///run/signer.sock" */
    bool is_unix;
    char path[sizeof((struct sockaddr_un *)0)->sun_path];
    struct netaddress host;
};
/* NULL when good, else a static text why not. Without a protocol it is tcp, as there. */
const char *signlink_address_parse(struct signlink_address *out, const char *text);

struct signlink;

struct signlink_owner {
    void *context;
    void (*ready)(void *context, struct signlink *link); /* connected, and hands shaken; later than accept and dial return */
    void (*message)(void *context, struct signlink *link, const struct wire_privval *message); /* its spans: loans until return */
    void (*dead)(void *context, struct signlink *link, const char *why); /* once; never before accept or dial return */
};

struct signlink_settings { /* loans for the links' lives */
    struct event_base *base;
    const struct ed25519_key *key; /* of the SecretConnection: thrown away with the process; NULL: plain */
    size_t message_bytes_max;
    int64_t shake_timeout_ms; /* from the accept or dial to ready */
};

struct signlink *signlink_accept(const struct signlink_settings *settings, const struct signlink_owner *owner, int fd); /* owns the socket */
/* A name that is no literal address is looked up while the loop stands still: for a process that has nothing else to do. */
struct signlink *signlink_dial(const struct signlink_settings *settings, const struct signlink_owner *owner, const struct signlink_address *address);
void signlink_free(struct signlink *link); /* silently; NULL allowed */
void signlink_kill(struct signlink *link, const char *why); /* dead is called now */
/* Whoever does not read while more and more is sent is let go. */
void signlink_send(struct signlink *link, const struct wire_privval *message);

#endif
