/* A kvstore of the test's own behind a socket (ABCI), which remembers whom a node accused before it. */
#ifndef QUORATE_TESTS_EAR_H
#define QUORATE_TESTS_EAR_H

#include "ledger/abci_host.h"
#include "tests/processes/booth.h"

#define EAR_FAULTS_MAX 64

struct ear_fault {
    int64_t block; /* whose FinalizeBlock told it */
    struct abci_misbehavior fault;
};

struct ear {
    struct booth booth;
    struct kv *kv;
    struct abci_host host;
    pthread_mutex_t lock; /* guards all below and the host */
    uint32_t count;
    struct ear_fault faults[EAR_FAULTS_MAX];
};

bool ear_open(struct ear *ear);
void ear_close(struct ear *ear);
/* What the FinalizeBlock of that height told: copied, at most EAR_FAULTS_MAX. */
uint32_t ear_of_block(struct ear *ear, struct abci_misbehavior *out, int64_t block);

#endif
