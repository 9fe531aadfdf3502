#include "tests/ledger/chain.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "ledger/app_kvstore.h"

static void __attribute__((noreturn)) die(void *context, const char *what) {
    (void)context;
    fprintf(stderr, "the store failed: %s\n", what);
    abort();
}

static void make_keys(struct chain *chain) {
    for (uint32_t i = 0; i < CHAIN_VALIDATORS_MAX; i++) {
        char text[32];
        uint8_t seed[32], public_key[32];
        snprintf(text, sizeof text, "validator %u", (unsigned)i);
        sha256_once(seed, span_text(text));
        chain->keys[i] = ed25519_key_new(seed);
        ed25519_key_public(chain->keys[i], public_key);
        chain->pub_keys[i] = pubkey_ed25519(public_key);
        chain->addresses[i] = pubkey_address(&chain->pub_keys[i]);
    }
}

static void make_genesis(struct chain *chain) {
    const struct chain_config *config = &chain->config;
    struct state_genesis *genesis = &chain->genesis;
    *genesis = (struct state_genesis){.chain_id = span_text(CHAIN_ID),
                                      .time = {1700000000, 123456789},
                                      .initial_height = config->initial_height,
                                      .validators = chain->changes,
                                      .validator_count = config->validators};
    params_defaults(&genesis->params, config->release);
    genesis->params.extensions_enable_height = config->extensions_enable_height;
    sha256_once(genesis->file_hash.bytes, span_text("genesis"));
    genesis->file_hash.size = 32;
    if (config->app_state != NULL)
        genesis->app_state = span_text(config->app_state);
    for (uint32_t i = 0; i < config->validators; i++)
        chain->changes[i] = (struct valset_change){chain->addresses[i], chain->pub_keys[i],
                                                   config->powers == NULL ? 10 : config->powers[i]};
}

bool chain_try_open(struct chain *chain, char **error) {
    chain->app = chain->config.open_app != NULL ? chain->config.open_app(chain->kv, chain->genesis.chain_id)
                                                : app_kvstore_open(chain->kv);
    return ledger_open(&chain->ledger, chain->kv, chain->app, &chain->genesis, chain->config.release, error);
}

void chain_shut(struct chain *chain) {
    ledger_close(&chain->ledger);
    chain->app->table->close(chain->app);
    chain->app = NULL;
}

void chain_open(struct chain *chain, const struct chain_config *config) {
    *chain = (struct chain){.config = *config};
    chain->config.validators = config->validators == 0 ? 4 : config->validators;
    chain->config.initial_height = config->initial_height == 0 ? 1 : config->initial_height;
    chain->config.release = config->release == 0 ? PARAMS_V038 : config->release;
    assert(chain->config.validators <= CHAIN_VALIDATORS_MAX);
    make_keys(chain);
    make_genesis(chain);
    chain->kv = config->kv != NULL ? config->kv : kv_memory_new((struct kv_failure){NULL, die});
    arena_init(&chain->arenas[0], 1 << 24);
    arena_init(&chain->arenas[1], 1 << 24);
    char *error = NULL;
    bool good = chain_try_open(chain, &error);
    if (!good)
        fprintf(stderr, "chain_open: %s\n", error);
    assert(good);
}

/* What a node reads back at its start: head, and the commit that decided it. */
void chain_reopen(struct chain *chain) {
    if (chain->app != NULL)
        chain_shut(chain);
    char *error = NULL;
    bool good = chain_try_open(chain, &error);
    if (!good)
        fprintf(stderr, "chain_reopen: %s\n", error);
    assert(good);
    chain->last = (struct commit){0};
    arena_reset(&chain->arenas[chain->turn]);
    if (chain->ledger.state.height > 0 && ledger_extends(&chain->ledger, chain->ledger.state.height))
        good = ledger_extended_commit(&chain->ledger, &chain->last, chain->ledger.state.height, &chain->arenas[chain->turn]);
    else if (chain->ledger.state.height > 0)
        good = ledger_seen_commit(&chain->ledger, &chain->last, chain->ledger.state.height, &chain->arenas[chain->turn]);
    assert(good);
}

void chain_close(struct chain *chain) {
    if (chain->app != NULL)
        chain_shut(chain);
    if (chain->config.kv == NULL)
        kv_close(chain->kv);
    for (uint32_t i = 0; i < CHAIN_VALIDATORS_MAX; i++)
        ed25519_key_free(chain->keys[i]);
    arena_close(&chain->arenas[0]);
    arena_close(&chain->arenas[1]);
}

struct ed25519_key *chain_key(struct chain *chain, const struct address *address) {
    for (uint32_t i = 0; i < CHAIN_VALIDATORS_MAX; i++)
        if (address_equal(&chain->addresses[i], address))
            return chain->keys[i];
    abort();
}

struct address chain_proposer(const struct chain *chain) {
    const struct valset *set = &chain->ledger.state.validators;
    return set->validators[set->proposer].address;
}

struct block *chain_next(struct chain *chain, const char *const *txs, uint32_t count) {
    struct span *spans = calloc(count > 0 ? count : 1, sizeof *spans);
    assert(spans != NULL);
    for (uint32_t i = 0; i < count; i++)
        spans[i] = span_text(txs[i]);
    struct address proposer = chain_proposer(chain);
    struct block *block = ledger_propose(&chain->ledger, &chain->last, &proposer, spans, NULL, count, NULL, 0);
    free(spans);
    return block;
}

struct block_plan chain_plan(struct chain *chain, struct arena *arena) {
    struct block_plan plan = {.last_commit = &chain->last};
    struct address proposer = chain_proposer(chain);
    judge_header(&plan.header, &chain->ledger.state, &chain->last, &proposer, arena);
    return plan;
}

void chain_vote(struct chain *chain, struct vote *out, const struct valset *set, uint32_t index, const struct block_id *id,
                int64_t height, int32_t round, struct timestamp time) {
    uint8_t bytes[VOTE_SIGN_BYTES_MAX];
    vote_init(out);
    out->type = VOTE_PRECOMMIT;
    out->height = height;
    out->round = round;
    out->block_id = *id;
    out->timestamp = time;
    out->validator_address = set->validators[index].address;
    out->validator_index = (int32_t)index;
    size_t size = vote_sign_bytes(bytes, out, span_text(CHAIN_ID));
    out->signature.size = 64;
    ed25519_sign(chain_key(chain, &out->validator_address), out->signature.bytes, span_of(bytes, size));
}

void chain_resign(struct chain *chain, struct commit *commit, const struct valset *set, uint32_t index) {
    struct vote vote;
    static const struct block_id nil;
    struct commit_sig *sig = &commit->sigs[index];
    if (sig->flag == COMMIT_ABSENT) {
        commit_sig_absent(sig);
        return;
    }
    chain_vote(chain, &vote, set, index, sig->flag == COMMIT_FOR_BLOCK ? &commit->block_id : &nil, commit->height, commit->round,
               sig->timestamp);
    sig->signature = vote.signature;
}

void chain_sign(struct chain *chain, struct commit *out, struct block *block, const struct valset *set, struct arena *arena) {
    *out = (struct commit){.height = block->header.height, .count = set->count};
    block_id_of(block, &out->block_id);
    out->sigs = arena_take(arena, set->count, sizeof *out->sigs);
    assert(out->sigs != NULL);
    for (uint32_t i = 0; i < set->count; i++) {
        out->sigs[i] = (struct commit_sig){.flag = COMMIT_FOR_BLOCK,
                                           .validator_address = set->validators[i].address,
                                           .timestamp = timestamp_add_ns(&block->header.time, 1000000000 + (int64_t)i * 1000000)};
        chain_resign(chain, out, set, i);
    }
}

void chain_extend(struct chain *chain, struct commit *commit, const struct block *block, const struct valset *set, struct arena *arena) {
    commit->extensions = arena_take(arena, commit->count, sizeof *commit->extensions);
    assert(commit->extensions != NULL);
    for (uint32_t i = 0; i < commit->count; i++) {
        struct commit_extension *extension = &commit->extensions[i];
        if (commit->sigs[i].flag != COMMIT_FOR_BLOCK)
            continue;
        bool copied = arena_copy(arena, &extension->bytes, ledger_extend_vote(&chain->ledger, block, arena));
        size_t capacity = extension->bytes.size + 128;
        uint8_t *bytes = arena_take(arena, capacity, 1);
        assert(copied && bytes != NULL);
        size_t size = vote_extension_sign_bytes(bytes, capacity, extension->bytes, commit->height, commit->round, span_text(CHAIN_ID));
        extension->signature.size = 64;
        ed25519_sign(chain_key(chain, &set->validators[i].address), extension->signature.bytes, span_of(bytes, size));
    }
}

void chain_apply(struct chain *chain, struct block *block) {
    chain->turn ^= 1;
    struct arena *arena = &chain->arenas[chain->turn];
    struct commit commit;
    struct ledger_applied applied;
    arena_reset(arena);
    chain_sign(chain, &commit, block, &chain->ledger.state.validators, arena);
    if (ledger_extends(&chain->ledger, commit.height))
        chain_extend(chain, &commit, block, &chain->ledger.state.validators, arena);
    bool good = ledger_apply(&chain->ledger, &applied, block, &commit);
    assert(good);
    chain->last = commit;
}

void chain_step(struct chain *chain, const char *const *txs, uint32_t count) {
    struct block *block = chain_next(chain, txs, count);
    enum block_verdict verdict = ledger_judge(&chain->ledger, block, NULL);
    if (verdict != BLOCK_GOOD)
        fprintf(stderr, "chain_step: %s\n", block_verdict_text(verdict));
    assert(verdict == BLOCK_GOOD);
    chain_apply(chain, block);
    block_release(block);
}

void chain_run(struct chain *chain, int64_t heights) {
    for (int64_t i = 0; i < heights; i++)
        chain_step(chain, NULL, 0);
}
