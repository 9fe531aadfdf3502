/* Validators who fork a chain by script, for the demonstration and for tests: they hold more than a third of the power, and talk to honest nodes
 * (the victims) that do not hear each other. Pure: what a victim says goes in, what it is to be told comes out.
 *
 * Amnesia: with one tongue. They let the first victim that proposes decide its block, keep voting for that, and once the other one proposes they forget
 * their lock. Double votes: to the second victim they say nil where they told the first one yes. At later heights they vote for both branches. */
#ifndef QUORATE_NODE_CONSPIRACY_H
#define QUORATE_NODE_CONSPIRACY_H

#include "crypto/ed25519.h"
#include "node/wire.h"
#include "tendermint/valset.h"

enum { CONSPIRACY_KEYS_MAX = 8, CONSPIRACY_VICTIMS_MAX = 8, CONSPIRACY_ROUNDS_MAX = 64, CONSPIRACY_QUEUE_MAX = 64 };

enum conspiracy_kind { CONSPIRACY_AMNESIA, CONSPIRACY_DOUBLE_VOTES };

struct conspiracy_victim {
    uint32_t index; /* in the set */
    int64_t height; /* where it is; 0: not heard of yet */
    int32_t round;
    struct wire_consensus queue[CONSPIRACY_QUEUE_MAX]; /* what it is to be told */
    uint32_t first, count;
    struct vote waiting; /* its prevote that they have no answer to yet */
    bool waits;
};

struct conspiracy {
    enum conspiracy_kind kind;
    const char *chain_id; /* loans */
    const struct valset *set; /* of the height, with priorities of round 0 */
    int64_t height;           /* that is to fork */
    uint32_t key_count;
    struct {
        const struct ed25519_key *key;
        uint32_t index;
    } keys[CONSPIRACY_KEYS_MAX];
    uint32_t victim_count;
    struct conspiracy_victim victims[CONSPIRACY_VICTIMS_MAX];
    bool is_locked;
    uint32_t first_victim;
    struct block_id lock, betrayal;
    int32_t lock_round, betrayal_round; /* −1: not yet */
    bool chosen[CONSPIRACY_ROUNDS_MAX];
    struct block_id choice[CONSPIRACY_ROUNDS_MAX];
};

void conspiracy_init(struct conspiracy *plot, enum conspiracy_kind kind, const char *chain_id, const struct valset *set, int64_t height);
void conspiracy_add_key(struct conspiracy *plot, const struct ed25519_key *key); /* a validator of the set */
void conspiracy_add_victim(struct conspiracy *plot, uint32_t index);
void conspiracy_hear(struct conspiracy *plot, uint32_t victim, const struct wire_consensus *message);
bool conspiracy_next(struct conspiracy *plot, uint32_t victim, struct wire_consensus *out); /* false: nothing to say */
bool conspiracy_done(const struct conspiracy *plot, int64_t height); /* every victim is beyond it */

#endif
