/* Random walks that end in forks: validators of uneven power in a network that the walk's seed arranges, some of them faulty: twins, amnesiacs,
 * conspirators with one tongue or two, up to two thirds of the power. One height. What was said and heard is kept, for the audit to judge. */
#ifndef QUORATE_TESTS_TENDERMINT_WALK_H
#define QUORATE_TESTS_TENDERMINT_WALK_H

#include "tendermint/audit.h"
#include "tendermint/engine.h"

enum { WALK_KEYS_MAX = 10, WALK_NODES_MAX = 20, WALK_SAID_MAX = 4000, WALK_BLOCKS_MAX = 64, WALK_ROUNDS_MAX = 150 };

enum walk_rule { WALK_STRICT, WALK_COMET, WALK_PAPER, WALK_MIXED /* strict next to comet */, WALK_RULES };
const char *walk_rule_text(enum walk_rule rule);

enum walk_fault { WALK_HONEST, WALK_TWIN, WALK_AMNESIAC, WALK_CONSPIRATOR, WALK_TWO_TONGUES, WALK_FAULTS };

struct walk_settings {
    enum walk_rule rule;
    uint64_t seed;
    bool below_third; /* faulty power below a third: no fork may come, and once all is healed all honest must decide */
};

struct walk_said { /* a vote, or a proposal (type VOTE_PROPOSAL) */
    int32_t type, round, pol_round;
    uint8_t from, key, block; /* block 0: nil */
    uint32_t to;              /* nodes that may hear it */
};

struct walk_paper { /* the paper's automaton (arXiv 1807.04938, algorithm 1) */
    int32_t round, locked_round, valid_round, decided_round;
    uint8_t step, locked, valid, decided;
    bool timed_prevote, timed_precommit, saw_polka;
    uint32_t timers; /* by step */
    uint64_t heard[2][WALK_ROUNDS_MAX][WALK_KEYS_MAX]; /* by type: blocks, a bit each */
    struct { uint8_t block; int32_t pol_round; bool there; } proposals[WALK_ROUNDS_MAX];
};

struct walk_node {
    uint8_t key;
    enum walk_fault fault;
    bool is_paper;
    struct engine engine;
    struct engine_effects effects;
    struct engine_config config;
    struct engine_height begin;
    struct walk_paper paper;
    int32_t timers_round, reminded;
    uint32_t timers;
    bool decided, asleep;
    int32_t conspired; /* rounds */
    uint8_t decided_block;
    int32_t decided_round;
    uint8_t delivered[WALK_SAID_MAX], logged[WALK_SAID_MAX];
    uint32_t hears[2]; /* by type of vote: nodes */
    bool claimed[2][WALK_ROUNDS_MAX][WALK_NODES_MAX];
};

struct walk {
    struct walk_settings settings;
    uint64_t random;
    struct valset set;
    struct digest set_hash;
    uint32_t keys, node_count, block_count, said_count;
    enum walk_fault faults[WALK_KEYS_MAX];
    int64_t faulty_power;
    struct block_id ids[WALK_BLOCKS_MAX];
    struct audit_header headers[WALK_BLOCKS_MAX]; /* by number; [0] is not used */
    struct walk_said said[WALK_SAID_MAX];
    struct walk_node nodes[WALK_NODES_MAX];
    bool halted, in_teams;
};

void walk_run(struct walk *walk, const struct walk_settings *settings);
void walk_end(struct walk *walk);
uint32_t walk_below(struct walk *walk, uint32_t limit);
bool walk_fork(const struct walk *walk, uint32_t *one, uint32_t *other); /* two honest nodes that decided differently */

/* In walk_network.c, for the automata. */
void walk_say(struct walk *walk, uint32_t from, int32_t type, int32_t round, uint8_t block, int32_t pol_round, uint32_t to);
uint8_t walk_make_block(struct walk *walk, int32_t round, uint32_t maker); /* 0: no more room */
uint32_t walk_proposer(const struct walk *walk, int32_t round);
/* walk_paper.c */
void walk_paper_begin(struct walk *walk, uint32_t who);
void walk_paper_hear(struct walk *walk, uint32_t who, const struct walk_said *said);
void walk_paper_timeout(struct walk *walk, uint32_t who, uint32_t step);

struct walk_counts {
    uint64_t walks, forks, audits, bundles;
    uint64_t honest_proven, honest_by_log, honest_by_silence, honest_suspects; /* the last one only before answers */
    uint64_t attributed, set_only, unattributed, set_wrong; /* forks, once logs and answers are in */
    uint64_t by_e, by_log, by_silence;                      /* attributed forks: a third by E alone; with logs; only with silence */
    uint64_t next_heights, next_unattributed;               /* forks that went on for a height */
    uint64_t paper_accuses;                                 /* walks in which the paper's predicate accuses an honest validator of our rule by its own log */
    uint64_t decided, stuck;                                /* below a third */
    uint64_t verify_failures;
    char first[256];                                        /* what went wrong first */
};
/* Runs the audit over what a walk left, several times: with some logs, and with all and answers. */
void walk_judge(struct walk_counts *counts, struct walk *walk);
/* One walk and its audit. */
void walk_one(struct walk_counts *counts, const struct walk_settings *settings);
uint64_t walk_wrong(const struct walk_counts *counts, enum walk_rule rule); /* how much of it must not be */

/* Keys that sign fast and cannot be used elsewhere; before anything is signed. */
void walk_use_fast_signatures(void);
void walk_sign(const struct pubkey *key, struct signature *out, struct span message);

#endif
