/* A node's RPC by script, on a free port and in a thread of its own: /commit and /validators of a chain that the test made, told as badly as it likes. */
#ifndef QUORATE_TESTS_NODE_PARROT_H
#define QUORATE_TESTS_NODE_PARROT_H

#include <pthread.h>
#include <stdatomic.h>

#include "tests/tendermint/smith.h"

struct parrot {
    struct smith_chain chain;     /* filled before parrot_open */
    _Atomic int64_t lowest, highest; /* what it has; 0: all */
    const char *chain_id;         /* in its headers; NULL: their own */
    atomic_uint delay_ms;         /* before each answer */
    atomic_bool is_mad;           /* answers nonsense */
    atomic_uint asked;
    int socket;
    char url[64];
    atomic_bool ends;
    pthread_t thread;
};

void parrot_open(struct parrot *parrot);
void parrot_close(struct parrot *parrot); /* forgets the chain too */

#endif
