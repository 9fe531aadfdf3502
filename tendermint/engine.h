/* The agreement engine: CometBFT's Tendermint as a fold over events (protocol.md §3.2; cometbft consensus/state.go).
 *
 * State' and effects depend on state and event alone. An event is first written down, then the rules run until none fires;
 * rules look at what is known, never at what just arrived. Effects are values in the order they are to be done. The engine never
 * signs: it wishes; our own proposal and votes come back in as events. Timers are never cancelled: a stale one wakes no rule.
 *
 * Lock rule ENGINE_LOCK_STRICT: CometBFT's (a locked validator prevotes its lock; a newer polka for another block or nil
 * unlocks), tightened: no unlock on a polka of the current round before our own prevote of that round. */
#ifndef QUORATE_TENDERMINT_ENGINE_H
#define QUORATE_TENDERMINT_ENGINE_H

#include "tendermint/rounds.h"

enum engine_phase { /* RoundStepType: the numbers go over the wire and into the journal */
    ENGINE_NEW_HEIGHT = 1,
    ENGINE_NEW_ROUND = 2,
    ENGINE_PROPOSE = 3,
    ENGINE_PREVOTE = 4,
    ENGINE_PREVOTE_WAIT = 5,
    ENGINE_PRECOMMIT = 6,
    ENGINE_PRECOMMIT_WAIT = 7,
    ENGINE_COMMIT = 8,
};
const char *engine_phase_text(uint32_t phase); /* "RoundStepPropose", … as CometBFT's WAL and RPC print it */

enum engine_lock_rule { ENGINE_LOCK_STRICT = 0, ENGINE_LOCK_COMET = 1 };

struct engine_config { /* durations in milliseconds; deltas are added per round */
    int64_t timeout_propose_ms, timeout_propose_delta_ms;
    int64_t timeout_prevote_ms, timeout_prevote_delta_ms;
    int64_t timeout_precommit_ms, timeout_precommit_delta_ms;
    int64_t timeout_commit_ms;
    int64_t create_empty_blocks_interval_ms;
    bool create_empty_blocks;
    bool skip_timeout_commit;
    enum engine_lock_rule lock_rule;
};

struct engine_height { /* what a height begins with */
    int64_t height;
    const struct valset *validators; /* with priorities of round 0; a loan until the next engine_begin of the NEXT height (the last commit refers to it) */
    struct address own;              /* size 0: not a validator, never proposes or votes */
    bool proof_block;                /* needed whatever transactions wait: first height, or the app hash changed */
};

enum engine_event_kind {
    ENGINE_ON_PROPOSAL = 1, /* of the height; its signature is that of its round's proposer (the gate knows) */
    ENGINE_ON_BLOCK,        /* a block is complete, and judged */
    ENGINE_ON_VOTE,         /* signature good; of this height, or a precommit of the last height */
    ENGINE_ON_CLAIM,        /* VoteSetMaj23 of a peer */
    ENGINE_ON_TIMEOUT,      /* a timer that we set */
    ENGINE_ON_TXS,          /* transactions wait (once per height is enough) */
};

struct engine_block { /* what is known of a block; a later word on the same block replaces the earlier */
    struct block_id id;
    bool valid;       /* the judge's verdict: only a valid block is locked, proposed again, decided */
    bool app_rejects; /* valid, but the application's ProcessProposal said REJECT: we prevote nil, yet follow the others' polka */
};

struct engine_event {
    enum engine_event_kind kind;
    uint32_t peer; /* ROUNDS_OWN_PEER for our own */
    union {
        struct proposal proposal;
        struct vote vote;
        struct engine_block block;
        struct { int32_t round, type; struct block_id id; } claim;
        struct { int64_t height; int32_t round; uint32_t phase; } timeout;
    };
};

enum engine_effect_kind {
    ENGINE_DO_STEP = 1,   /* height/round/phase changed: tell peers (NewRoundStep) */
    ENGINE_DO_PROPOSE,    /* we are the proposer: propose block_id with pol_round, or build a new block when block_id is nil */
    ENGINE_DO_VOTE,       /* cast prevote/precommit (type) for block_id (nil id: nil) */
    ENGINE_DO_TIMER,      /* wake us with ENGINE_ON_TIMEOUT {height, round, phase} after duration_ms */
    ENGINE_DO_FETCH,      /* parts of block_id are wanted now (proposal, polka or commit of an unknown block). May be asked again:
                           * the engine forgets blocks between rounds, so whoever has it whole says ENGINE_ON_BLOCK again */
    ENGINE_DO_VALID,      /* tell peers NewValidBlock {round, block_id, is_commit} */
    ENGINE_DO_HAVE,       /* a vote was counted: tell peers HasVote {height, round, type, index}; height may be the last */
    ENGINE_DO_DECIDE,     /* block_id is decided at round; it is known and valid. Nothing follows until engine_begin. */
    ENGINE_DO_ACCUSE,     /* two conflicting votes of one validator, once per validator, round and type; never of ourselves */
    ENGINE_DO_HALT,       /* two thirds decided a block that our judge refuses: stop, a human must look */
};

struct engine_effect {
    enum engine_effect_kind kind;
    int64_t height;
    int32_t round;
    uint32_t phase;           /* STEP, TIMER */
    int32_t type;             /* VOTE, HAVE */
    int32_t pol_round;        /* PROPOSE */
    uint32_t index;           /* HAVE */
    bool is_commit;           /* VALID */
    int64_t duration_ms;      /* TIMER */
    struct block_id block_id;
    struct block_id time_floor; /* VOTE: the vote's time is at least this block's time + 1 ms; nil id: no floor */
    struct vote vote_a, vote_b; /* ACCUSE; extensions are loans until the next event */
};

#define ENGINE_EFFECTS_MAX 64 /* one step makes at most 40: engine_rules.c counts them */
struct engine_effects {
    uint32_t count;
    struct engine_effect list[ENGINE_EFFECTS_MAX];
};

#define ENGINE_BLOCKS_MAX 32 /* blocks known by name within a round */
/* Votes of one height: about 100 kB per round and 200 validators who all vote, so 200 full rounds of 10000 validators. Taken only
 * as votes come. Beyond it votes are dropped: this height may then stay undecided, but never wrongly decided. */
#define ENGINE_ARENA_BYTES_MAX ((size_t)1024 * 1024 * 1024)

struct engine {
    struct engine_config config;
    struct engine_height begin;
    int64_t height; /* 0 before the first engine_begin */
    int32_t round;
    uint32_t phase;
    int64_t initial_height;

    struct block_id locked, valid; /* nil: none */
    int32_t locked_round, valid_round;
    int32_t commit_round; /* −1: none */
    struct block_id commit_id;

    bool has_proposal; /* of the current round */
    struct proposal proposal;
    bool has_next_proposal; /* of round + 1, early */
    struct proposal next_proposal;
    struct block_id wanted; /* the block whose parts are collected: proposal's, polka's or commit's; nil: none */

    struct engine_block blocks[ENGINE_BLOCKS_MAX]; /* in order of arrival */
    uint32_t block_count;

    bool txs_waiting;
    bool precommit_timed;     /* TriggeredTimeoutPrecommit */
    bool prevoted, precommitted; /* in this round: cast, or skipped and never to be cast */
    bool polka_told;          /* peers heard of this round's polka for a block that we lack */
    uint32_t expired;         /* timers of this round that ran out: a bit (1 << phase) each */
    int32_t own_index;        /* in begin.validators; −1: not a validator */
    bool decided, halted;

    struct valset turn;       /* validators with the priorities of `round`: whose turn it is */
    struct arena arenas[2];   /* votes of this height and of the last, alternating by height */
    struct rounds rounds;
    struct tally last_commit; /* precommits of the last height's decision; arena NULL: none (first height, or after a restart) */
    bool has_last_commit;
};

void engine_init(struct engine *engine, const struct engine_config *config, int64_t initial_height);
void engine_close(struct engine *engine);
/* Begins a height: after init (or a restart, or block sync) and after each decision was applied. Effects hold the timer
 * of NEW_HEIGHT (0 ms when skip_timeout_commit and the last commit is complete, else timeout_commit_ms; 0 ms on the first
 * begin after init). The last height's precommits are carried into last_commit if its decision was made here.
 * After ENGINE_DO_DECIDE or ENGINE_DO_HALT every event is ignored: keep those of the next height until engine_begin. */
void engine_begin(struct engine *engine, struct engine_effects *effects, const struct engine_height *height);
void engine_step(struct engine *engine, struct engine_effects *effects, const struct engine_event *event); /* effects is reset first */

/* Whose turn it is at `round` of this height (a copy of the set with increment(round − engine round)); −1: nobody, or a round gone by. */
int32_t engine_proposer(const struct engine *engine, int32_t round);
/* For a restart: the seen commit of the last height, so that late precommits and gossip go on. Call after engine_begin.
 * `validators` are those of the last height: a loan as in engine_height. */
void engine_load_last_commit(struct engine *engine, const struct commit *commit, const struct valset *validators);
/* The precommits seen for the last height, as a commit for the next block. false if there is none or no room. Extensions, here and below, are
 * loans from the votes: until the next engine_begin. */
bool engine_last_commit(const struct engine *engine, struct commit *out, struct arena *arena);
/* The commit that decided this height (after ENGINE_DO_DECIDE, before engine_begin). */
bool engine_seen_commit(const struct engine *engine, struct commit *out, struct arena *arena);

#endif
