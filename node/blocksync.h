/* Block sync, the asking side (channel 40; protocol.md §11; cometbft: blocksync/pool.go, reactor.go): from peers' claims of what they have to
 * applied blocks. A state machine without socket, clock or thread: milliseconds come in, messages go out through the owner, and the ledger is
 * the only thing it changes, through ledger_apply. The serving side is blockserve.h.
 *
 * A block is applied when the next one's commit, verified in full against our validators, names exactly its bytes, and the judge agrees. Of a
 * pair that does not hold, the one at fault is found: a commit that is good for another block convicts the first block's supplier, a bad commit
 * the second's. Where vote extensions are on at a height, its block comes with the extended commit, verified in full too, and only there.
 *
 * What peers claim is never believed: it only says whom to ask. Nothing is asked from a peer that denied what it claims, went back with its
 * claims, stayed silent or slow: it is dropped, and what it owed is asked elsewhere. Answers that came late are not punished, answers that
 * nobody asked for are. Nobody can keep us here for ever: see blocksync_is_done. */
#ifndef QUORATE_NODE_BLOCKSYNC_H
#define QUORATE_NODE_BLOCKSYNC_H

#include "ledger/ledger.h"
#include "node/world.h"

#define BLOCKSYNC_PEERS_MAX     200
#define BLOCKSYNC_ASKED_MAX     20                  /* requests that one peer owes us */
#define BLOCKSYNC_WINDOW_MAX    512                 /* heights asked for or held ahead of ours */
#define BLOCKSYNC_BYTES_MAX     (64 * 1024 * 1024)  /* held and expected, above which only the next pair is asked for */
#define BLOCKSYNC_BLOCK_MAX     104857600           /* of one response */
#define BLOCKSYNC_STATUS_MS     10000               /* between requests for status; a tenth of it near the end */
#define BLOCKSYNC_SILENCE_MS    15000               /* a peer that owes answers and gives none; plus the time of a typical block at the rate below */
#define BLOCKSYNC_RATE_MIN      (128 * 1024)        /* bytes per second of a peer on whose answers we wait longer than 5 s */
#define BLOCKSYNC_HEDGE_MS      1000                /* then the next heights are asked from a second peer too */
#define BLOCKSYNC_GRACE_MS      5000                /* without a word from anybody */
#define BLOCKSYNC_DISTRUST_MS   60000               /* for whoever was dropped, by id */
#define BLOCKSYNC_DISTRUSTED_MAX 64
#define BLOCKSYNC_APPLY_MAX     32                  /* blocks applied in one turn */
#define BLOCKSYNC_TICK_MS       100                 /* turns should come this often while it is active */

struct blocksync_owner {
    void *context;
    bool (*send)(void *context, uint32_t peer, struct blob *message); /* holds it if taken; false: no room now */
    void (*drop)(void *context, uint32_t peer, enum world_blame blame, const char *reason); /* may call blocksync_peer_down */
    void (*applied)(void *context, struct block *block, const struct ledger_applied *applied);
    void (*halt)(void *context, const char *why); /* two thirds signed a block that our judge refuses; blocksync_end is the owner's */
};

struct blocksync_asked {
    int64_t height, at_ms;
};

struct blocksync_peer {
    uint32_t number; /* 0: a free place */
    char id[41];
    bool spoke;      /* base and height are its claim */
    bool is_doubted; /* denied a block: nothing is asked until its next status explains it */
    int64_t base, height, denied;
    uint32_t asked_count;
    struct blocksync_asked asked[BLOCKSYNC_ASKED_MAX]; /* in order; what it owes, whether we still need it or not */
    int64_t heard_ms; /* of its last answer, or since when it owes one */
    int64_t busy_ms, busy_bytes; /* while it owed answers, fading */
    uint64_t turn;    /* when it was last asked */
};

struct blocksync_slot { /* of one height of the window */
    struct blob *bytes; /* of the block; NULL: not here */
    struct block *block; /* decoded, when its turn is near */
    uint32_t supplier;
    uint32_t owed;      /* by so many peers */
    int64_t asked_ms;
    struct blob *extended; /* bytes of the extended commit; NULL: none came */
    bool is_proof;      /* its last commit proved the block before it */
};

struct blocksync_distrusted {
    char id[41];
    int64_t until_ms;
};

struct blocksync {
    struct ledger *ledger; /* a loan */
    struct blocksync_owner owner;
    bool is_active;
    int64_t clock_ms;      /* time that we were awake: a long turn of ours is nobody's silence */
    int64_t turn_ms;       /* the owner's time at the last turn */
    int64_t begun_ms, progress_ms, heard_ms, status_ms, second_ms; /* of clock_ms */
    int64_t front;         /* the next height to apply */
    int64_t applied;       /* since begun */
    int64_t rate_from, rate; /* heights applied at the last sample; blocks per 1000 s, fading */
    int64_t held_bytes, typical_bytes;
    bool lacks_extensions; /* of the ledger's last height: they come with the next block only */
    uint32_t owed;         /* all answers that come */
    uint64_t turns;
    struct blocksync_peer peers[BLOCKSYNC_PEERS_MAX];
    struct blocksync_slot slots[BLOCKSYNC_WINDOW_MAX]; /* by height modulo the size */
    struct blocksync_distrusted distrusted[BLOCKSYNC_DISTRUSTED_MAX];
    uint32_t distrusted_next;
};

void blocksync_init(struct blocksync *sync, struct ledger *ledger, const struct blocksync_owner *owner);
void blocksync_close(struct blocksync *sync);

/* Peers are told of always, whether it is active or not. */
void blocksync_peer_up(struct blocksync *sync, uint32_t peer, const char *id);
void blocksync_peer_down(struct blocksync *sync, uint32_t peer);
/* StatusResponse, BlockResponse, NoBlockResponse; others are not for us. */
struct wire_blocksync;
void blocksync_receive(struct blocksync *sync, uint32_t peer, const struct wire_blocksync *message);

void blocksync_begin(struct blocksync *sync, int64_t now_ms);
void blocksync_end(struct blocksync *sync); /* what is held is let go; answers that still come are known */
/* Drops who must be dropped, applies what is ready (BLOCKSYNC_APPLY_MAX), asks for more. true: another turn now would apply more. */
bool blocksync_turn(struct blocksync *sync, int64_t now_ms);

/* Time for consensus? When our height is that of the highest peer or one below; or nobody spoke for BLOCKSYNC_GRACE_MS. And, whatever a peer
 * claims: when half of those who spoke are not ahead of us and the last block is fresh by our clock or no block came for BLOCKSYNC_SILENCE_MS;
 * or when none came for four times that (wounds 21, 24, 32). Never, while the last height's extended commit is wanted and not in the store. */
bool blocksync_is_done(const struct blocksync *sync, const struct timestamp *now);

struct blocksync_progress {
    int64_t height, target; /* the highest that a peer claims to give us; 0: none */
    int64_t blocks_per_second, seconds_left; /* −1: unknown */
    int64_t lowest_base; /* that a peer has, when none has our next block any more; else 0 */
};
void blocksync_progress(const struct blocksync *sync, struct blocksync_progress *out);

/* ---- between blocksync*.c */
bool blocksync_trusts(const struct blocksync *sync, const struct blocksync_peer *peer); /* its claims, until they are proven wrong */
enum blocksync_step { BLOCKSYNC_WAITS = 0, BLOCKSYNC_APPLIED, BLOCKSYNC_BLAMED, BLOCKSYNC_HALTED };
struct blocksync_blame {
    bool first, second; /* whose supplier is at fault */
    enum world_blame blame;
    const char *reason;
};
struct blocksync_slot *blocksync_slot(struct blocksync *sync, int64_t height);
/* Verifies, judges and applies the block at the front if the next one is here too. */
enum blocksync_step blocksync_pair(struct blocksync *sync, struct blocksync_blame *blame);

#endif
