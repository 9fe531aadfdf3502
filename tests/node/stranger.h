/* What a stranger may send to a node of the simulator, signed with any node's key. */
#ifndef QUORATE_TESTS_NODE_STRANGER_H
#define QUORATE_TESTS_NODE_STRANGER_H

#include "node/sim.h"
#include "node/wire.h"

void stranger_inject(struct sim *sim, uint32_t from, uint32_t to, const struct wire_consensus *message);
/* The same with `padding` bytes of a field that nobody knows behind it. */
void stranger_inject_padded(struct sim *sim, uint32_t from, uint32_t to, const struct wire_consensus *message, size_t padding);
/* For nil; the signature is still missing. */
struct vote stranger_vote(struct sim *sim, uint32_t node, int64_t height, int32_t round, int32_t type);
void stranger_sign(struct sim *sim, uint32_t node, struct vote *vote);
void stranger_inject_vote(struct sim *sim, uint32_t from, uint32_t to, const struct vote *vote);
/* Of the round that node `at` is in; unsigned. */
struct proposal stranger_proposal(struct sim *sim, uint32_t at);
void stranger_sign_proposal(struct sim *sim, uint32_t node, struct proposal *proposal);
uint32_t stranger_proposer(struct sim *sim, uint32_t at, int32_t round); /* the node whose turn it is */
struct block_id stranger_block_id(uint8_t name);

#endif
