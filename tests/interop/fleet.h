/* A network of nodes of both programs on this machine: homes by either program's `testnet`, settings that make them meet, processes that are
 * started, killed and watched (node/localnet.h). Everything is below one folder, which keeps the logs when it is over. */
#ifndef QUORATE_TESTS_INTEROP_FLEET_H
#define QUORATE_TESTS_INTEROP_FLEET_H

#include "node/localnet.h"
#include "tests/interop/relays.h"

struct fleet_wish {
    const char *folder;
    const char *quorate, *comet; /* the two programs */
    const char *kinds;           /* who runs each home: "QQCC" */
    char homes_by;               /* whose `testnet` makes them: 'Q' or 'C' */
    uint32_t validators;         /* the first ones; the others follow */
    const char *release;         /* of [quorate]: "0.38", "0.40" */
    const char *app;             /* of all nodes; "extender": theirs run it as `quorate abci`. NULL: each its own kvstore */
    uint16_t base_port;          /* node i: +2i peers, +2i+1 RPC; relays from +100 */
    unsigned timeout_commit_ms;
    bool pex;
    int64_t extensions_from; /* vote_extensions_enable_height of the genesis; 0: off */
    const char *const *proxy_apps; /* proxy_app of each node, an entry NULL: `app`, built in; whoever gives them runs the applications. NULL: none */
    const char *const *more;       /* further arguments of our `testnet`, NULL at the end; may be NULL */
    bool relayed; /* the first `validators` nodes meet through relays */
};

struct fleet_node {
    char kind;       /* 'Q' or 'C' */
    char socket[160]; /* its application's, if that is another process: "unix:///…"; else empty */
    pid_t app;        /* 0: none, or not running */
    char id[41];
    char address[41]; /* of its validator key, upper-case hex */
    char key_base64[64];
};

struct fleet {
    struct localnet net; /* its `count` is that of the nodes in the game */
    struct fleet_node nodes[RELAYS_NODES_MAX];
    struct relays *relays;
    char chain_id[64];
    char quorate[LOCALNET_PATH_MAX]; /* the program of applications that are other processes */
    const char *app;
};

/* All of these: false with *error malloc'ed. fleet_make starts nothing. */
bool fleet_make(struct fleet *fleet, const struct fleet_wish *wish, char **error);
bool fleet_set(const struct fleet *fleet, uint32_t node, const char *section, const char *key, const char *value, char **error); /* in config.toml, before a start */
bool fleet_start(struct fleet *fleet, char **error); /* those that do not run */
/* Every running node of the bit set reaches the height; or one ended by itself, or the time is over. */
bool fleet_wait(struct fleet *fleet, uint32_t nodes, int64_t height, unsigned timeout_ms, char **error);
void fleet_kill(struct fleet *fleet, uint32_t node); /* -9, with its application, and waits for its end */
void fleet_close(struct fleet *fleet);               /* stops what runs; logs stay */

int64_t fleet_height(const struct fleet *fleet, uint32_t node); /* the last block; 0: it does not say */
int64_t fleet_highest(const struct fleet *fleet);
bool fleet_has_channel(const struct fleet *fleet, uint32_t node, const char *hex);
/* broadcast_tx_sync of a text at a node: true, if it was taken. */
bool fleet_send(const struct fleet *fleet, uint32_t node, const char *tx, char **error);

enum fleet_log_mercy {
    FLEET_LOG_ROUGH = 1,        /* connections may break: kills, partitions, nodes that come late */
    FLEET_LOG_DOUBLE_VOTES = 2, /* a validator by script */
    FLEET_LOG_FORK = 4,         /* two thirds sign two blocks */
};
/* What either kind says of peers dropped for what they sent, of panics and of a halt. NULL: nothing of that kind; otherwise the line, malloc'ed. The
 * rules stand in fleet_log.c. */
char *fleet_log_fault(const struct fleet *fleet, unsigned mercy);
uint32_t fleet_log_count(const struct fleet *fleet, uint32_t node, const char *words); /* lines that hold them */

void fleet_rest(unsigned ms);
int64_t fleet_clock(void); /* ms */

#endif
