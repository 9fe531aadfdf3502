/* A chain for tests: `count` validators with real keys, an application, a ledger, and valid next blocks with real signatures.
 *
 *     struct chain chain;
 *     chain_open(&chain, &(struct chain_config){.validators = 4});
 *     struct block *block = chain_next(&chain, txs, 2);
 *     chain_apply(&chain, block);
 *     block_release(block);
 *     chain_close(&chain);
 *
 * A failure of the store aborts the program unless the configuration gives a handler. */
#ifndef QUORATE_TESTS_LEDGER_CHAIN_H
#define QUORATE_TESTS_LEDGER_CHAIN_H

#include "crypto/ed25519.h"
#include "ledger/ledger.h"

#define CHAIN_VALIDATORS_MAX 128
#define CHAIN_ID             "test-chain"

struct chain_config {
    uint32_t validators;           /* 0: 4 */
    const int64_t *powers;         /* NULL: 10 each */
    int64_t initial_height;        /* 0: 1 */
    int64_t extensions_enable_height; /* 0: no vote extensions */
    enum params_release release;   /* 0: PARAMS_V038 */
    struct kv *kv;                 /* NULL: a memory store of the chain's own; else a loan */
    struct app *(*open_app)(struct kv *kv, struct span chain_id); /* NULL: kvstore */
    const char *app_state;         /* JSON; NULL: none */
};

struct chain {
    struct chain_config config;
    struct ed25519_key *keys[CHAIN_VALIDATORS_MAX];
    struct pubkey pub_keys[CHAIN_VALIDATORS_MAX];
    struct address addresses[CHAIN_VALIDATORS_MAX];
    struct valset_change changes[CHAIN_VALIDATORS_MAX];
    struct state_genesis genesis;
    struct kv *kv;
    struct app *app;
    struct ledger ledger;
    struct arena arenas[2]; /* of the last commit and the one before, by turns */
    struct commit last;     /* for the last block, by everyone unless changed by the test */
    unsigned turn;
};

void chain_open(struct chain *chain, const struct chain_config *config);
void chain_close(struct chain *chain);
/* The application and the ledger are closed and opened anew over the same store, as after a restart. */
void chain_reopen(struct chain *chain);
/* Closes them only, and opens: for tests that look at errors. *error as ledger_open gives it. */
bool chain_try_open(struct chain *chain, char **error);
void chain_shut(struct chain *chain);

/* Which key belongs to this address; aborts when it is nobody's. */
struct ed25519_key *chain_key(struct chain *chain, const struct address *address);
struct address chain_proposer(const struct chain *chain); /* of round 0 */
/* The next block with these transactions, as the proposer of round 0 makes it. The caller releases. */
struct block *chain_next(struct chain *chain, const char *const *txs, uint32_t count);
/* A block of any header: `plan` with the content hashes filled in by block_build. */
struct block_plan chain_plan(struct chain *chain, struct arena *arena);
/* The precommit of set->validators[index] for `id`, signed. */
void chain_vote(struct chain *chain, struct vote *out, const struct valset *set, uint32_t index, const struct block_id *id,
                int64_t height, int32_t round, struct timestamp time);
/* Everyone's commit for a block, at its time + 1 s + index ms. */
void chain_sign(struct chain *chain, struct commit *out, struct block *block, const struct valset *set, struct arena *arena);
void chain_resign(struct chain *chain, struct commit *commit, const struct valset *set, uint32_t index); /* after a change of an entry */
/* Extends every vote for the block by what the application says, signed; where extensions are on, chain_apply does so by itself. */
void chain_extend(struct chain *chain, struct commit *commit, const struct block *block, const struct valset *set, struct arena *arena);
void chain_apply(struct chain *chain, struct block *block);
/* next, judge (must be good), apply. */
void chain_step(struct chain *chain, const char *const *txs, uint32_t count);
void chain_run(struct chain *chain, int64_t heights); /* of empty blocks */

#endif
