/* Keys away from their nodes: homes of signers, and their processes, of either program. */
#ifndef QUORATE_TESTS_INTEROP_SIGNERS_H
#define QUORATE_TESTS_INTEROP_SIGNERS_H

#include "tests/interop/fleet.h"

struct signer_process {
    char home[LOCALNET_PATH_MAX], address[LOCALNET_PATH_MAX + 32], log[LOCALNET_PATH_MAX];
    char program[LOCALNET_PATH_MAX];
    char chain_id[64];
    bool is_ours;
    pid_t pid; /* 0: not running */
};

/* Moves key and mark of a node that does not run into a home of a signer's, and has the node listen at `address`. */
bool signers_move(struct signer_process *signer, const struct fleet *fleet, uint32_t node, const char *program, bool is_ours, const char *address, char **error);
void signers_start(struct signer_process *signer);
void signers_kill(struct signer_process *signer); /* -9, and waits */

#endif
