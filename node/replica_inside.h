/* The replica's inside, shared by its own files only (replica.c, receive.c, restart.c, gate.c, perform.c, gossip.c, txgossip.c, evidence_gossip.c). */
#ifndef QUORATE_NODE_REPLICA_INSIDE_H
#define QUORATE_NODE_REPLICA_INSIDE_H

#include "node/blockserve.h"
#include "node/candidates.h"
#include "node/docket.h"
#include "node/forkwatch.h"
#include "node/parentwatch.h"
#include "node/detector.h"
#include "node/meter.h"
#include "node/pace.h"
#include "node/peerstate.h"
#include "node/replica.h"
#include "node/shelf.h"
#include "node/suspects.h"
#include "node/wire.h"

#define REPLICA_PEERS_MAX  200
#define REPLICA_TIMERS_MAX 64
#define REPLICA_QUEUE_MAX  64
#define REPLICA_LOADS_MAX  16 /* past blocks read from the store for one peer within a round of gossip: a word is cheaper than a block */
#define REPLICA_STALL_LOOKS 3 /* so many periods of claims in one place are a standstill */
#define REPLICA_CLAIMS_MAX 32 /* of one peer and height, remembered so that each is kept once */

struct replica_claim {
    int32_t round, type;
    struct block_id id;
};

struct replica_peer {
    uint32_t number;
    uint32_t engine_number; /* follows from its id: the same after a reconnection, and when the journal is read back */
    char id[41];
    int slot;               /* in the mempool's knowledge; −1: no slot was free */
    bool present;
    bool moved;             /* its height or round changed: look at once what it lacks */
    bool blocked;           /* a queue of its was full */
    bool untold;            /* and what was lost thereby was where we are, or what we lack */
    struct peerstate state;
    uint64_t fresh_cursor;  /* transactions of ours looked at so far */
    int64_t judged_height; /* of what follows: ours, when it was counted */
    int32_t judged_round;
    uint32_t wasted; /* good signatures and claims in this round that served nothing */
    uint32_t claim_count;
    struct replica_claim claims[REPLICA_CLAIMS_MAX]; /* in this height; a ring */
    uint64_t relay_cursor;  /* transactions of others looked at so far */
    uint64_t evidence_cursor; /* pieces of evidence sent or passed over so far */
    uint32_t loads; /* past blocks that may still be read for it until the next round of gossip */
    struct detector detector; /* of silence */
    int64_t heard_ms;         /* on the world's clock */
    int64_t round_trip_us;    /* of the last pong; 0: none yet */
    int64_t measured_ms;      /* when */
    bool pinged;
    uint32_t catchup_rounds; /* rounds of gossip in which we did not know which parts a peer behind has */
};

#define CATCHUP_BEHIND_HEIGHTS 20 /* further behind, fetching whole blocks beats gossip, which takes some round trips per height; and a node that is
                                   * only late by a few rounds of a slow link is left alone */
/* What the engine wished a remote signer to sign, of the newest round: a proposal, a prevote, a precommit. The engine wishes once; a signer may be away
 * just then, and when it is away at too many validators, the round would never end: so it is asked again as long as the round lasts. */
#define REPLICA_WISHES_MAX 3
struct replica_wish {
    struct engine_effect effect;
    bool asked; /* and not refused yet */
};

struct catchup {
    int64_t looked_ms, told_ms, grouped_ms;
    int64_t due_ms; /* of the timer; INT64_MAX: not set */
    int64_t helpless_ms, helpless_until_ms;
    uint32_t behind_looks;
};

struct replica_queued {
    struct engine_event event;
    struct blob *extension; /* of its vote, which came as a loan; NULL: none */
};

struct replica_timer {
    uint64_t number; /* in order of setting */
    int64_t deadline_ms;
    int64_t height;
    int32_t round;
    uint32_t phase;
    int64_t duration_ms;
};

struct replica {
    struct replica_config config;
    struct world *world;
    struct ledger *ledger;
    struct mempool *mempool;
    struct signer *signer;
    struct replica_listener listener;
    struct journal *journal;
    struct votejournal *votes; /* NULL: none */
    struct metrics *metrics;   /* NULL: nobody counts */
    struct meter meter;
    struct suspects suspects;
    struct engine engine;
    struct candidates candidates;
    struct pace pace;
    struct valset validators[2]; /* of this height and of the last, alternating: the engine borrows them */
    struct address own;
    struct app_hash app_hash_of_last_header; /* as the last block's header told it: the proof-block rule */

    struct replica_peer peers[REPLICA_PEERS_MAX];
    uint32_t peers_end;  /* all present ones are below: places are big, and walked after every message */
    uint64_t slots_used; /* bit per mempool slot */

    struct replica_timer timers[REPLICA_TIMERS_MAX];
    uint32_t timer_count;
    uint64_t timers_set;
    struct replica_queued queue[REPLICA_QUEUE_MAX]; /* own events waiting for the engine */
    uint32_t queue_first, queue_count;
    bool pumping;
    struct engine_effects effects;

    struct arena arena;        /* scratch of one effect */
    struct arena receive_arena; /* of one message */
    uint8_t *record; /* a message on its way into the journal */
    size_t record_capacity;
    struct arena tx_arena;      /* of one proposal's transactions */
    struct shelf shelf;
    struct blocksync sync;
    struct blockserve serve;
    struct catchup catchup;
    bool resting;     /* consensus, while block sync is at work */
    bool replaying;
    bool txs_told;    /* ENGINE_ON_TXS went out for this height */
    bool push;        /* something of our own waits to be gossiped at the next flush */
    bool push_txs;
    bool push_evidence;
    struct forkwatch forkwatch;
    struct parentwatch parentwatch;
    bool muted;       /* nothing is signed, because the world said so */
    int64_t app_retain; /* the application's last retain height; 0: none */
    bool halted;
    char halted_why[256];
    struct timestamp height_started;
    int64_t gossip_due_ms; /* the next round over everything peers lack */
    int64_t stalled_height; /* where we were at the last look, and for how many looks by now */
    int32_t stalled_round;
    uint32_t stalled_phase, stalled_looks;
    uint64_t served;       /* votes counted and accusations made so far: what a vote was good for */
    bool decided;          /* a DECIDE effect waits to be done */
    struct block_id decided_id;
    struct block_id misjudged; /* a block of this height whose time we refused and another release's rule gives; nil: none */
    const char *release_hint;  /* then what to set */
    int64_t hinted_ms;
    struct block_id awaited; /* our proposal's block, while a remote signer has the proposal; nil: none */
    struct replica_wish wishes[REPLICA_WISHES_MAX];
    uint32_t wish_count;
};

/* replica.c */
void replica_say(struct replica *replica, enum world_level level, const char *format, ...) __attribute__((format(printf, 3, 4)));
void replica_event(struct replica *replica, const struct engine_event *event); /* queues, and pumps unless pumping */
void replica_pump(struct replica *replica); /* what is queued goes through the engine */
/* A stranger's message into the journal, encoded anew: what he wrapped it in is not kept. `from` NULL: it comes from there. */
void replica_note(struct replica *replica, const struct replica_peer *from, const struct wire_consensus *message);
void replica_note_own(struct replica *replica, const struct wire_consensus *message);
uint32_t replica_engine_number(const struct replica *replica, struct span peer_id); /* "": our own */
struct replica_peer *replica_find_peer(struct replica *replica, uint32_t number);
void replica_halt(struct replica *replica, const char *why);
void replica_tell_block(struct replica *replica, struct candidate *candidate); /* a complete one, with the judge's verdict, to the engine */
void replica_pin_candidates(struct replica *replica); /* before another one is placed */
struct span replica_chain_id(const struct replica *replica);

void replica_tell_txs(struct replica *replica); /* to the engine, once per height, when some wait */

void replica_end_height(struct replica *replica, int64_t height, int64_t block_bytes); /* in both journals */

/* restart.c */
bool restart_signed_lately(struct replica *replica); /* double_sign_check_height */
bool restart_lacks_extensions(struct replica *replica); /* of the last height: without them no proposer of the next one can tell its application */
void restart_begin(struct replica *replica);  /* the height after the ledger's; what the engine asks for waits in replica->effects */
void restart_replay(struct replica *replica); /* does that, then what the journal tells */

/* catchup.c */
void catchup_init(struct replica *replica);
void catchup_close(struct replica *replica);
bool catchup_comes_first(const struct replica *replica); /* before consensus, at a start */
bool catchup_at_start(struct replica *replica); /* true: consensus rests until block sync is done */
void catchup_turn(struct replica *replica);
void catchup_timer(struct replica *replica);
void catchup_peer_up(struct replica *replica, const struct replica_peer *peer);
void catchup_peer_down(struct replica *replica, uint32_t number);
void catchup_receive(struct replica *replica, uint32_t number, struct span bytes);

/* receive.c. `from` NULL: out of the journal. `peer` is the engine's number of whoever said it. */
void receive_consensus(struct replica *replica, struct replica_peer *from, uint32_t peer, const struct wire_consensus *message);

/* gate.c: station 3. `peer` 0: our own or the journal's. `from` NULL for those. */
void gate_proposal(struct replica *replica, struct replica_peer *from, uint32_t peer, const struct proposal *proposal);
void gate_part(struct replica *replica, struct replica_peer *from, const struct wire_consensus *message);
void gate_vote(struct replica *replica, struct replica_peer *from, uint32_t peer, const struct vote *vote);
void gate_claim(struct replica *replica, struct replica_peer *from, uint32_t peer, const struct wire_consensus *message);

void replica_note_applied(struct replica *replica, const struct ledger_applied *applied); /* forgets what need not be kept */

/* perform.c: station 7. */
void perform_effects(struct replica *replica, const struct engine_effects *effects);
void perform_begin_height(struct replica *replica);
void perform_due_timers(struct replica *replica);
void perform_hint(struct replica *replica); /* has a misjudged block two thirds? then the log names the switch */
void perform_wishes(struct replica *replica); /* what is still without an answer is asked (again) */
void perform_signed(struct replica *replica, const struct world_signing *answer);

/* gossip.c: what goes to peers. */
bool gossip_send(struct replica *replica, struct replica_peer *peer, const struct wire_consensus *message);
void gossip_own_vote(struct replica *replica, const struct vote *vote, uint32_t validators);
void gossip_step(struct replica *replica); /* NewRoundStep to all */
void gossip_introduce(struct replica *replica, struct replica_peer *peer);
void gossip_again(struct replica *replica);
void gossip_have(struct replica *replica, const struct engine_effect *have);
void gossip_valid_block(struct replica *replica, const struct engine_effect *valid);
/* All that the peer lacks; `relay`: of others too, not only what is ours or what a peer behind needs. */
void gossip_peer(struct replica *replica, struct replica_peer *peer, bool relay);
void gossip_claims(struct replica *replica, struct replica_peer *peer);

/* txgossip.c */
void txgossip_peer(struct replica *replica, struct replica_peer *peer, bool relay);
void txgossip_note_height(struct replica *replica, int64_t height); /* has been applied, and the mempool knows */
void txgossip_receive(struct replica *replica, struct replica_peer *peer, struct span message);

#endif
