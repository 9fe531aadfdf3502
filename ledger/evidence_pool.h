/* Evidence that waits to be committed (cometbft: evidence/pool.go, evidence/verify.go; protocol.md §9). Part of the ledger: pending pieces lie in
 * its store under `w`, and leave it in the very batch that marks them committed (`e`), so that none is committed twice (wound 48). Knows no peers
 * and no clock.
 *
 * Everything that goes in was verified against the ledger's own headers, validators and commits. A piece's time is the block time at its
 * height, so all nodes agree about it (wound 11). Kept in CometBFT's order: by height, then by hash.
 *
 * Bounds (CometBFT has none): a validator can sign without end, and each two of its votes are evidence. Beyond these a piece is left out, never
 * an error: whoever is convicted by 32 pieces needs no 33rd. */
#ifndef QUORATE_LEDGER_EVIDENCE_POOL_H
#define QUORATE_LEDGER_EVIDENCE_POOL_H

#include "ledger/block.h"
#include "ledger/kv.h"

#define EVIDENCE_POOL_PIECES_MAX        1024
#define EVIDENCE_POOL_BYTES_MAX         (16u << 20) /* of pieces as encoded */
#define EVIDENCE_POOL_PER_VALIDATOR_MAX 32          /* double votes of one validator */
#define EVIDENCE_POOL_ATTACKS_MAX       64
#define EVIDENCE_POOL_EXTENSIONS_MAX    (64 * 1024)
#define EVIDENCE_POOL_VOTES_MAX         256         /* pairs from consensus that wait for their height's end */
#define EVIDENCE_POOL_VOTES_OF_ONE_MAX  16

struct ledger;

enum evidence_pool_verdict {
    EVIDENCE_POOL_GOOD = 0,
    EVIDENCE_POOL_HELD,      /* proven, but no block may carry it before the chain passed the conflicting height (forward lunatic) */
    EVIDENCE_POOL_KNOWN,     /* pending already */
    EVIDENCE_POOL_COMMITTED,
    EVIDENCE_POOL_FULL,      /* a bound above */
    EVIDENCE_POOL_TOO_LARGE, /* alone above evidence.max_bytes: no block can carry it */
    EVIDENCE_POOL_EARLY,     /* about a height that this node has not reached: ask again later */
    EVIDENCE_POOL_GONE,      /* about a height that this node has not, or not any more */
    EVIDENCE_POOL_EXPIRED,
    EVIDENCE_POOL_WRONG_TIME, /* from here on whoever sent it broke a rule */
    EVIDENCE_POOL_BAD_SHAPE,
    EVIDENCE_POOL_UNPROVEN,   /* signatures, powers, order, list: not what it claims */
};
const char *evidence_pool_verdict_text(enum evidence_pool_verdict verdict);
static inline bool evidence_pool_is_fault(enum evidence_pool_verdict verdict) { return verdict >= EVIDENCE_POOL_WRONG_TIME; }

struct evidence_piece {
    uint64_t number; /* ascending in the order in which pieces became ready to be proposed and passed on; 0: held */
    int64_t height;      /* of the fault: a double vote's, or the common one */
    int64_t ready_at;    /* the chain's height from which on a block may carry it */
    struct digest hash;
    struct timestamp time;
    uint8_t kind;            /* enum evidence_kind */
    struct address accused;  /* of a double vote */
    struct blob *bytes;      /* the oneof */
};

struct evidence_pool { /* in struct ledger */
    struct evidence_piece *pieces; /* by height, then hash */
    uint32_t count;
    size_t bytes;
    uint64_t last_number;
    struct evidence_pool_votes {
        struct vote a, b;
        struct blob *extensions; /* of both, one after the other; NULL: none */
    } *votes;
    uint32_t vote_count;
};

/* All that a piece must be to stand in the next block; does not look whether it is pending. GOOD or HELD: proven. */
enum evidence_pool_verdict evidence_pool_verify(struct ledger *ledger, const struct evidence *evidence);
/* From a peer or RPC: verified and, when GOOD or HELD, kept (written without sync). */
enum evidence_pool_verdict evidence_pool_add(struct ledger *ledger, const struct evidence *evidence);
/* Two conflicting votes that consensus saw, good signatures. Their extensions are a part of the evidence, as CometBFT makes it, or one fault would be
 * committed in two shapes; but those above EVIDENCE_POOL_EXTENSIONS_MAX together are left out, because no block would take them. They become evidence when their height is applied, because
 * only then its block time is known; like everything of the current height they come again from the journal after a restart. */
void evidence_pool_note_votes(struct ledger *ledger, const struct vote *one, const struct vote *other);
/* For the next proposal: pieces in order as long as they fit into evidence.max_bytes (and into a block). *bytes: as the block's list encodes them.
 * Pieces that lost their standing meanwhile are removed. Loans from the arena; room wanting, fewer. */
uint32_t evidence_pool_list(struct ledger *ledger, struct evidence **out, int64_t *bytes, struct arena *arena);
/* A proposed block's evidence: each piece verified (a double vote that is pending was), none committed, none twice. */
bool evidence_pool_judge(struct ledger *ledger, const struct block *block);
/* The ready piece with the least number above `number`, or NULL. A loan until the pool changes. */
const struct evidence_piece *evidence_pool_next(const struct evidence_pool *pool, uint64_t number);
const struct evidence_piece *evidence_pool_find(const struct evidence_pool *pool, int64_t height, const struct digest *hash);

/* ---- for the ledger's own files */
void evidence_pool_open(struct ledger *ledger); /* reads what is pending; the state is there */
void evidence_pool_close(struct evidence_pool *pool);
/* Into the height's batch: what the block commits, what expires, what the noted votes became. ledger->next is the state after it. */
void evidence_pool_apply(struct ledger *ledger, const struct block *block);
bool evidence_pool_is_committed(struct ledger *ledger, const struct digest *hash);
/* Not committed, its height there, its time that height's, not too old: what may change while a piece is pending. */
enum evidence_pool_verdict evidence_pool_judge_standing(struct ledger *ledger, const struct evidence *evidence);

#endif
