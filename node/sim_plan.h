/* Everything that comes from a seed, laid out before anything runs: the network, its roads, who lies, what happens when. So a fault can be left out
 * and all others stay as they were: that is how a failing seed is shrunk. */
#ifndef QUORATE_NODE_SIM_PLAN_H
#define QUORATE_NODE_SIM_PLAN_H

#include "node/sim_roads.h"

#define SIM_PLAN_FAULTS_MAX 72
#define SIM_PLAN_TEXT_SIZE  160

enum sim_fault_kind {
    SIM_FAULT_KILL,      /* kill -9; what was not synced is lost, kept or torn */
    SIM_FAULT_DOOM_DISK, /* likewise, in the middle of the a-th changing call of the disk */
    SIM_FAULT_DOOM_STORE,
    SIM_FAULT_DOOM_SEND, /* in its a-th message */
    SIM_FAULT_FULL_DISK, /* from the a-th changing call on; the node must stop, and stay down until it is mended */
    SIM_FAULT_FULL_STORE,
    SIM_FAULT_FLIP,      /* killed, and a bit flips: b: in the store, else in a file */
    SIM_FAULT_SPLIT,     /* two groups; bit i % 64 of a chooses the group of node i */
    SIM_FAULT_BRIDGE,    /* likewise, but the node hears both sides */
    SIM_FAULT_RING,      /* each hears its two neighbours only */
    SIM_FAULT_ALONE,     /* the node hears nobody */
    SIM_FAULT_ONE_LINK,  /* the node and node a do not hear each other */
    SIM_FAULT_FLAP,      /* links of the node die every b ms, and what is under way with them */
    SIM_FAULT_CLOG,      /* a more ms on the way from the node to all (b: to node b − 1) */
    SIM_FAULT_SLOW_DISK, /* a µs for each flush */
    SIM_FAULT_CLOCK,     /* the node's wall clock jumps by a ms */
    SIM_FAULT_SIGNER,    /* a remote signer takes a ms; −1: answers nothing. Others have none: nothing happens */
    SIM_FAULT_POWER,     /* a transaction gives the node's key the power a */
    SIM_FAULT_LIE,       /* the node's words are those of liar a (sim_byzantine.h) */
    SIM_FAULT_TWIN,      /* the node signs with the key of node a; both are faulty */
    SIM_FAULT_EXTEND,    /* a transaction switches vote extensions on, a heights on; b: withdraws that before it comes */
    SIM_FAULT_IO_DISK,   /* EIO from the a-th call of the disk that reads or changes; b: until it is mended, else once */
    SIM_FAULT_IO_STORE,
    SIM_FAULT_THREE,     /* three groups: of node i by two bits of a from 2 (i % 31) on */
    SIM_FAULT_STAR,      /* all hear the node, and it alone */
    SIM_FAULT_ONE_WAY,   /* the node hears all, and of the others those whose bit i % 64 of a is set hear nothing of it */
    SIM_FAULT_LOSE,      /* a in a hundred of the node's messages get lost, while links stay */
    SIM_FAULT_DOUBLE,    /* or come twice */
    SIM_FAULT_OVERTAKE,  /* or within a ms are overtaken */
    SIM_FAULT_SKEW,      /* every node's clock is wrong, by up to a ms */
    SIM_FAULT_JOURNALS,  /* begin new files beyond a bytes, all the time */
    SIM_FAULT_KINDS,
};
#define SIM_FAULT_LATER SIM_FAULT_IO_DISK /* from here on a seed draws them apart from those before, behind which they stand in its plan */
bool sim_fault_is_fall(enum sim_fault_kind kind); /* the node may go down by it */
bool sim_fault_is_timed(enum sim_fault_kind kind);
const char *sim_fault_kind_text(enum sim_fault_kind kind);

struct sim_fault {
    enum sim_fault_kind kind;
    int64_t at_ms, for_ms; /* LIE and TWIN: all the time */
    uint32_t node;
    int64_t a, b;
    bool left_out;
};

struct sim_plan {
    uint64_t seed;
    struct sim_config config;
    struct sim_roads roads;
    int64_t powers[SIM_NODES_MAX];
    uint32_t key_of[SIM_NODES_MAX];
    uint8_t mesh[SIM_NODES_MAX * SIM_NODES_MAX];
    bool is_mesh_full;
    bool is_faulty[SIM_NODES_MAX]; /* lies or has a twin; left-out faults count not */
    bool beyond_third;     /* more lie than agreement bears */
    int64_t stagger_us;    /* from one node's first start to the next one's, at most; else timers of all would ring together */
    int64_t flush_us;      /* of every disk; without it a lone validator without timeouts would never let time pass */
    bool real_crypto;
    bool honest_at_the_end; /* liars fall silent when all is healed */
    int64_t trouble_ms;    /* then all is healed */
    int64_t heights;       /* ends the trouble earlier when somebody has applied so many; 0: no bound */
    int64_t tx_every_us;   /* about; 0: none */
    size_t tx_bytes;       /* of a kvstore pair; 0: as it comes */
    bool is_untraced;      /* nobody asks for the trace's hash: it is none */
    bool is_quiet;         /* no healing, no proof of liveness: ends where it ends */
    uint32_t fault_count;
    struct sim_fault faults[SIM_PLAN_FAULTS_MAX]; /* in order of at_ms; later kinds apart, behind them */
};

void sim_plan_make(struct sim_plan *plan, uint64_t seed);
/* For heights as fast as the machine can: `nodes` honest validators, no trouble. */
void sim_plan_quiet(struct sim_plan *plan, uint64_t seed, uint32_t nodes);
/* An operator's network: honest validators with about `peers` links each (0: all to all); transactions flow. */
void sim_plan_network(struct sim_plan *plan, uint64_t seed, uint32_t nodes, uint32_t peers);
/* Call after leaving faults out: who lies, and the config's pointers into the plan. A plan must not be moved after that. */
void sim_plan_settle(struct sim_plan *plan);
void sim_plan_text(char out[static SIM_PLAN_TEXT_SIZE], const struct sim_plan *plan);
void sim_fault_text(char out[static SIM_PLAN_TEXT_SIZE], const struct sim_fault *fault);
uint32_t sim_plan_faults(const struct sim_plan *plan); /* not left out */

struct sim_chance { /* splitmix64 */
    uint64_t state;
};
uint64_t sim_chance_roll(struct sim_chance *chance);
int64_t sim_chance_below(struct sim_chance *chance, int64_t limit); /* 0 … limit − 1; limit ≥ 1 */

#endif
