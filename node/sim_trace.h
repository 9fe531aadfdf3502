/* What happened, in the protocol's words, and its SHA-256: over every event with its time and every byte that was sent, whether it is printed or not.
 * Two runs of a seed have the same. The words are those of the engine's stories (tests/tendermint/story.h). */
#ifndef QUORATE_NODE_SIM_TRACE_H
#define QUORATE_NODE_SIM_TRACE_H

#include <stdio.h>

#include "crypto/sha256.h"
#include "node/sim.h"

struct sim_place { /* where a node's engine was when it was last looked at */
    int64_t height;
    int32_t round, locked_round, valid_round;
    uint32_t phase;
};

struct sim_trace {
    struct sha256 hash;
    uint8_t pending[4096];
    size_t pending_size;
    uint64_t events;
    FILE *out; /* NULL: not printed */
    bool is_off; /* not even hashed */
    const struct sim *sim;
    struct sim_place places[SIM_NODES_MAX];
};

void sim_trace_init(struct sim_trace *trace, FILE *out);
void sim_trace_begin(struct sim_trace *trace, const struct sim *sim); /* a loan */
/* As sim_watch has them. */
void sim_trace_sent(struct sim_trace *trace, uint32_t from, uint32_t to, uint8_t channel, struct span message, int64_t arrives_us);
void sim_trace_arrived(struct sim_trace *trace, uint32_t from, uint32_t to, uint8_t channel, struct span message);
void sim_trace_applied(struct sim_trace *trace, uint32_t node, struct block *block);
void sim_trace_turned(struct sim_trace *trace, uint32_t node, const struct replica *replica);
void sim_trace_happened(struct sim_trace *trace, uint32_t node, const char *text);
void sim_trace_end(struct sim_trace *trace, uint8_t out[static SHA256_BYTES]);

/* One message in words. */
void sim_trace_text(char *out, size_t size, uint8_t channel, struct span message);

#endif
