/* The light client: trusted blocks forwards, backwards and between, from a primary source, each compared with every witness (cometbft:
 * light/{client,detector}.go; protocol.md §10). The rules are tendermint's (light_verify, light_walk, light_examine, light_attack); here is whom to
 * ask, whom to believe no more, and what to keep.
 *
 * Sources are asked one after the other and each call is waited for; one thread at a time. */
#ifndef QUORATE_NODE_LIGHT_CLIENT_H
#define QUORATE_NODE_LIGHT_CLIENT_H

#include "node/light_source.h"
#include "node/light_store.h"
#include "tendermint/light_examine.h"

#define LIGHT_CLIENT_SOURCES_MAX 16
#define LIGHT_CLIENT_SEGMENT     1000 /* heights that the sequential mode verifies before it asks the witnesses and saves */

enum light_outcome {
    LIGHT_DONE = 0,
    LIGHT_UNAVAILABLE,  /* no source has the block, or none answers: try again later */
    LIGHT_REFUSED,      /* what the sources gave is not valid */
    LIGHT_TOO_OLD,      /* the newest trusted block is older than the trusting period: a new height and hash are needed, from someone trusted */
    LIGHT_NO_WITNESS,   /* no witness is left */
    LIGHT_UNCONFIRMED,  /* no witness could confirm the block */
    LIGHT_DISAGREE,     /* the sources differ in what no signature covers, or about the first block */
    LIGHT_ATTACKED,     /* two valid blocks that exclude each other: evidence was made and sent */
    LIGHT_OTHER_TRUST,  /* the trusted hash is not what the store holds, or what the primary says */
};
const char *light_outcome_name(enum light_outcome outcome);

struct light_world { /* what the client cannot do alone */
    void *context;
    struct timestamp (*now)(void *context);
    void (*wait)(void *context, int64_t ms);
    void (*say)(void *context, const char *line); /* one event, for the log; may be NULL */
    /* Evidence was made against the first source, out of what the second says; it was sent to the second. Loans. May be NULL. */
    void (*attack)(void *context, const struct evidence *evidence, const char *against, const char *by);
};

struct light_config {
    struct span chain_id;
    struct light_rules rules;
    enum light_mode mode;
    int64_t block_lag_ns; /* how far behind a witness may be; 0: 10 s */
    uint32_t kept;        /* blocks in the store; 0: LIGHT_STORE_KEPT */
};

struct light_client {
    struct light_config config;
    char chain_id[HEADER_CHAIN_ID_BYTES_MAX + 1];
    struct light_world world;
    struct light_store store;
    struct light_source sources[LIGHT_CLIENT_SOURCES_MAX]; /* the primary first, then the witnesses */
    uint32_t source_count;
    struct light_block *latest; /* of the store; NULL: none yet */
    int64_t attacked_at;        /* an attack was seen at this height; 0: none. Nothing new is verified any more. */
    char *reason;               /* why the last call did not succeed; malloc'ed, NULL: it did */
};

/* At least one witness is wanted. `kv` is a loan. false: *error (malloc'ed). */
bool light_client_open(struct light_client *client, const struct light_config *config, const struct light_world *world, const struct light_source *sources,
                       uint32_t count, struct kv *kv, char **error);
void light_client_close(struct light_client *client);
/* Begins to trust this block, or finds that it is in accord with what is trusted already: then the client goes on from its newest block. `reset`:
 * forgets what the store holds first. */
enum light_outcome light_client_trust(struct light_client *client, int64_t height, const struct digest *hash, bool reset);
/* The verified block of this height (0: the newest that the primary has), to be released by the caller. client->reason says why not. */
enum light_outcome light_client_at(struct light_client *client, struct light_block **block, int64_t height);

/* light_detect.c: compares the trace's last block with every witness and deals with who contradicts. */
enum light_outcome light_client_detect(struct light_client *client, const struct light_trace *trace);
/* Compares the first block, of which there is no trace. */
enum light_outcome light_client_compare_first(struct light_client *client, struct light_block *block);

/* For the two sources of the client alone. */
enum light_outcome light_client_fail(struct light_client *client, enum light_outcome outcome, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void light_client_say(struct light_client *client, const char *format, ...) __attribute__((format(printf, 2, 3)));
void light_client_drop(struct light_client *client, uint32_t index); /* that source is not asked again */

#endif
