/* A network of real node processes on this machine: made with `quorate testnet` in a folder of its own, started, watched and stopped.
 * For `quorate demo` and `quorate bench`. Only processes started here are ever signalled, by their own ids; when this process dies they
 * are told to end. Not for the event loop: every call blocks shortly but localnet_make, localnet_wait and localnet_stop, which take as long
 * as they take. */
#ifndef QUORATE_NODE_LOCALNET_H
#define QUORATE_NODE_LOCALNET_H

#include <stdio.h>
#include <sys/types.h>

#include "node/load_http.h"

#define LOCALNET_NODES_MAX 16
#define LOCALNET_PATH_MAX  512

struct localnet_node {
    char name[16];                /* "node0" */
    char home[LOCALNET_PATH_MAX];
    char log[LOCALNET_PATH_MAX];  /* what the process says */
    char rpc_url[64];
    struct load_http_place rpc;
    uint16_t rpc_port, p2p_port;
    pid_t pid;  /* 0: not running */
    int status; /* of the ended process, as waitpid gives it */
};

struct localnet {
    char folder[LOCALNET_PATH_MAX];
    char accounts[LOCALNET_PATH_MAX]; /* folder of the funded accounts' keys */
    char binary[LOCALNET_PATH_MAX];   /* ourselves */
    int lock; /* −1: not ours */
    uint32_t count;
    struct localnet_node nodes[LOCALNET_NODES_MAX];
};

struct localnet_wish {
    uint32_t validators;
    const char *app;            /* "ledger", "kvstore" */
    uint16_t base_port;
    const char *const *options; /* further ones for `quorate testnet`, NULL at the end; may be NULL */
    const char *const *start;   /* likewise for `quorate start` */
};

/* Makes the folder ours: locked, and emptied of an earlier network. Refuses a folder that is in use or was not made here. All of these: false
 * with *error malloc'ed, which says what to do. */
bool localnet_take(struct localnet *net, const char *folder, char **error);
/* Writes the nodes' homes afresh and checks that their ports are free. */
bool localnet_make(struct localnet *net, const struct localnet_wish *wish, char **error);
/* Starts those that do not run. */
bool localnet_start(struct localnet *net, const struct localnet_wish *wish, char **error);
/* Until every node answers its RPC and has a block; or one has died, or the time is over. */
bool localnet_wait(struct localnet *net, unsigned timeout_ms, char **error);
/* A node that has ended since the last call, or NULL. */
struct localnet_node *localnet_ended(struct localnet *net);
/* SIGTERM, and after the grace SIGKILL. true: every one ended by itself with status 0. */
bool localnet_stop(struct localnet *net, unsigned grace_ms);
bool localnet_make_folders(const char *path); /* this one and those on the way */
void localnet_leave(struct localnet *net); /* gives the lock back; nodes must be stopped */

void localnet_tail(FILE *out, const struct localnet_node *node, unsigned lines); /* the end of its log */
/* "exit status 3" or "killed by signal 9" */
const char *localnet_end_text(char out[static 64], int status);

#endif
