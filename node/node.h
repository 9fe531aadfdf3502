/* A whole node from its configuration: opened in the order in which things depend on each other, run until asked to stop, closed the other way round. */
#ifndef QUORATE_NODE_NODE_H
#define QUORATE_NODE_NODE_H

#include "node/config.h"

/* Exit statuses of `quorate start`, for scripts. */
enum node_exit {
    NODE_EXIT_GOOD = 0,
    NODE_EXIT_FAILED = 1,  /* could not start: configuration, genesis, keys, ports */
    NODE_EXIT_WORLD = 3,   /* the disk or the store failed under way: restart is the recovery */
    NODE_EXIT_DAMAGED = 4, /* journal, mark or store are damaged: a human must look */
    NODE_EXIT_APP = 5,     /* the application in another process went, hung, or answered nonsense: mend it, then start both again */
};

/* Runs the node until SIGINT or SIGTERM. Says on stderr why it could not. */
enum node_exit node_run(const struct config *config);

#endif
