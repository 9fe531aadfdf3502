/* The validator set: order, hash, proposer rotation, updates. Exact arithmetic of cometbft types/validator_set.go
 * (protocol.md §2). Order: power descending, then address ascending. The hash covers keys and powers only. */
#ifndef QUORATE_TENDERMINT_VALSET_H
#define QUORATE_TENDERMINT_VALSET_H

#include "crypto/merkle.h"
#include "crypto/pubkey.h"
#include "tendermint/block_id.h"

#define VALSET_TOTAL_POWER_MAX (INT64_MAX / 8)
#define VALSET_COUNT_MAX       10000

struct validator {
    struct address address;
    struct pubkey pub_key; /* may be PUBKEY_NONE in arithmetic tests; then address is given */
    int64_t power;
    int64_t priority;
};

struct valset { /* owned by whoever did valset_init; the array is malloc'ed */
    struct validator *validators;
    uint32_t count;
    int32_t proposer; /* index, −1: not yet chosen */
    int64_t total_power;
};

struct valset_change {
    struct address address; /* size 0: that of pub_key */
    struct pubkey pub_key;
    int64_t power; /* 0 removes */
};

enum valset_verdict {
    VALSET_GOOD = 0,
    VALSET_EMPTY,           /* the result would have no validators */
    VALSET_DUPLICATE,       /* two changes for one address */
    VALSET_NEGATIVE_POWER,
    VALSET_UNKNOWN_REMOVED, /* removal of who is not a member */
    VALSET_POWER_OVERFLOW,  /* total above VALSET_TOTAL_POWER_MAX */
    VALSET_TOO_MANY,
    VALSET_BAD_ENCODING,
};
const char *valset_verdict_text(enum valset_verdict verdict);

void valset_init(struct valset *set);
void valset_close(struct valset *set);
void valset_copy(struct valset *to, const struct valset *from); /* `to` is initialised; its old content is freed */
/* NewValidatorSet: update of an empty set, then increment(1); no members make an empty set. On a bad verdict *set is untouched. */
enum valset_verdict valset_make(struct valset *set, const struct valset_change *members, size_t count);
/* UpdateWithChangeSet. On a bad verdict *set is untouched. */
enum valset_verdict valset_update(struct valset *set, const struct valset_change *changes, size_t count);
void valset_increment(struct valset *set, int32_t times); /* IncrementProposerPriority; times ≥ 1 */
/* The parts of increment, open for tests of the arithmetic. */
int64_t valset_average_priority(const struct valset *set); /* floor of the mean, in 128 bits */
void valset_rescale(struct valset *set, int64_t diff_max);
void valset_centre(struct valset *set);
int32_t valset_find_proposer(const struct valset *set); /* highest priority; tie: lower address; −1 when empty */

int32_t valset_find(const struct valset *set, const struct address *address); /* index or −1 */
/* Addresses in order, for many look-ups in one set at O(log n). A loan of the set, which must not change meanwhile. */
struct valset_index {
    const struct valset *set;
    uint32_t *order; /* malloc'ed */
};
void valset_index_init(struct valset_index *index, const struct valset *set);
void valset_index_close(struct valset_index *index);
int32_t valset_index_find(const struct valset_index *index, const struct address *address); /* index in the set or −1 */
void valset_hash(struct digest *out, const struct valset *set);
int64_t valset_quorum(const struct valset *set); /* least power above two thirds: total·2/3 + 1, without overflow */

/* Validator {1 address, 2 pub_key!, 3 voting_power, 4 proposer_priority}; SimpleValidator {1 pub_key, 2 voting_power} */
void validator_write(struct proto_writer *writer, const struct validator *validator);
void validator_read(struct validator *validator, struct proto_reader *reader);
/* ValidatorSet {1 repeated Validator, 2 proposer}; total is recomputed. Decoding keeps the order of the members and checks their
 * number (1..VALSET_COUNT_MAX), powers, duplicate addresses, addresses matching keys, and that the proposer is a member. */
void valset_write(struct proto_writer *writer, const struct valset *set);
enum valset_verdict valset_decode(struct valset *set, struct span bytes);

#endif
