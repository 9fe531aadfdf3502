/* The simulator's inside, shared by its own files only (sim.c, sim_world.c, sim_life.c, sim_meddle.c). */
#ifndef QUORATE_NODE_SIM_INSIDE_H
#define QUORATE_NODE_SIM_INSIDE_H

#include <setjmp.h>

#include "node/sim.h"
#include "node/sim_count.h"
#include "node/sim_queue.h"
#include "node/witness.h"

#define SIM_EPOCH_SECONDS 1700000000
#define SIM_CHANNELS      7
#define SIM_QUEUE_MAX     100 /* messages on their way, per link and channel, as CometBFT's queues */
#define SIM_QUEUE_BITS    2

struct sim_node {
    struct world world;
    struct sim *sim;
    uint32_t index;
    uint32_t life; /* 0: never started; odd: alive */
    struct disk *disk;
    struct kv *store; /* what survives */
    struct kv *votes; /* likewise: of the vote journal */
    struct kv *kv;    /* what all go through; NULL while dead */
    struct app *app;
    struct ledger ledger;
    struct mempool *mempool;
    struct signer *signer;
    struct replica *replica;
    uint8_t seed[32];
    struct ed25519_key *key; /* a copy for tests and liars */
    struct pubkey public_key;
    struct address address;
    bool keyless;
    bool is_doomed; /* its next failing disk or store is a death */
    uint32_t doom_sends; /* it dies in the so-many-th from now; 0: in none */
    bool is_broken; /* death by its disk or store loses nothing, as the machine lives on; but for an I/O error */
    bool has_io_error;
    char last_words[256];
    bool is_faulty; /* nobody holds it to its word */
    bool stubborn;
    const struct app_table *plain_table; /* of its application, and what stands in its place */
    struct app_table patched_table;
    int64_t skew_ms;
    int64_t signer_ms; /* of a remote signer; −1: it answers nothing */
    int64_t flush_us, busy_until_us; /* what a flush takes */
    uint64_t flushes_seen;
    bool connected[SIM_NODES_MAX];
    uint8_t under_way[SIM_NODES_MAX][SIM_CHANNELS]; /* messages to that node */
    int64_t road_free_us[SIM_NODES_MAX][SIM_CHANNELS]; /* when the last message on the way to that node arrives; [0] for all in order */
    uint64_t timer_numbers[WORLD_TIMER_COUNT];
    uint32_t lose_percent, double_percent;
    int64_t overtake_us;
    sim_twist *twist;
    void *twist_context;
    sim_speaker *speaker;
    void *speaker_context;
    int64_t head;
    struct blob *looked_at; /* the last message of its own that the witness saw */
};

struct sim_truth { /* of one height: what the first node that got there found */
    struct block_id id;
    struct app_hash app_hash; /* after it, if known */
    bool has_app_hash;
};

struct sim {
    struct sim_config config;
    uint64_t chance;
    int64_t now_us;
    struct sim_queue queue;
    struct sim_node nodes[SIM_NODES_MAX];
    uint32_t links[SIM_NODES_MAX][SIM_NODES_MAX]; /* generation of each connection */
    bool severed[SIM_NODES_MAX][SIM_NODES_MAX];
    bool unheard[SIM_NODES_MAX][SIM_NODES_MAX]; /* from → to */
    uint64_t partition;
    uint64_t delivered, deaths;
    uint64_t counts[SIM_COUNTS];
    uint64_t moves;  /* blocks applied, starts and deaths: what may change whether all have got somewhere */
    uint32_t doomed; /* nodes whose disk may fail */
    uint32_t drops;
    char last_drop[256];
    char complaint[512];
    bool forked;
    struct sim_truth *truth; /* by height − initial_height */
    size_t truth_count, truth_capacity;
    struct witness *witness;
    struct sim_node *dying; /* whose failure ended the call */
    jmp_buf death;
    struct valset_change *members;
    struct state_genesis genesis;
};

/* sim.c */
uint64_t sim_roll(struct sim *sim);
void sim_happened(struct sim *sim, uint32_t node, const char *format, ...) __attribute__((format(printf, 3, 4)));
bool sim_run_call(struct sim *sim, void (*call)(void *context), void *context); /* false: somebody died in it */

/* sim_world.c */
extern const struct world_table sim_world_table;
int64_t sim_world_local_us(const struct sim_node *node); /* time passes within a call while it waits for its disk */
void sim_world_settle(struct sim_node *node);            /* after each call into its replica */
void sim_world_post(struct sim *sim, uint32_t from, uint32_t to, uint8_t channel, struct blob *message); /* takes the message */
bool sim_world_separated(const struct sim *sim, uint32_t a, uint32_t b);
bool sim_world_is_meshed(const struct sim *sim, uint32_t a, uint32_t b);
void sim_world_plan_connect(struct sim *sim, uint32_t a, uint32_t b, int64_t delay_us);
void sim_world_cut(struct sim *sim, uint32_t a, uint32_t b);
void sim_world_deliver(struct sim *sim, const struct sim_item *item);
void sim_world_sign(struct sim *sim, const struct sim_item *item);
void sim_world_connect(struct sim *sim, const struct sim_item *item);
int64_t sim_world_latency(struct sim *sim, uint32_t from, uint32_t to);

/* sim_life.c */
void sim_life_init(struct sim *sim, uint32_t index);
void sim_life_end(struct sim_node *node);
void sim_life_die(struct sim_node *node, const char *how) __attribute__((noreturn));
void sim_life_bury(struct sim *sim, struct sim_node *node);

static inline bool sim_lives(const struct sim_node *node) { return node->life % 2 == 1; }

#endif
