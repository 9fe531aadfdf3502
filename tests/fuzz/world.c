#include "tests/fuzz/world.h"

#include <stdio.h>

#include "ledger/app_ledger.h"
#include "tests/fuzz/fuzz.h"

struct chain *world_chain(void) {
    static const char *const txs[] = {"tx0=value", "a=<b>"};
    static struct chain chain;
    if (chain.app != NULL)
        return &chain;
    chain_open(&chain, &(struct chain_config){.validators = 4});
    chain.ledger.index_transactions = chain.ledger.keep_results = true;
    for (int i = 0; i < 3; i++)
        chain_step(&chain, txs, i == 1 ? 2 : 0);
    return &chain;
}

void world_ledger_commit(struct world_ledger *world) {
    struct kv_batch batch;
    kv_batch_init(&batch);
    world->app->table->commit(world->app, &batch);
    kv_write(world->kv, &batch, true);
    kv_batch_close(&batch);
}

void world_ledger_open(struct world_ledger *world) {
    static char json[1000];
    struct abci_initialized initialized;
    struct span error;
    *world = (struct world_ledger){.kv = kv_memory_new((struct kv_failure){NULL, fuzz_world_failed}),
                                   .alice = wallet_of(PUBKEY_ED25519, 1),
                                   .bob = wallet_of(PUBKEY_SECP256K1, 2),
                                   .carol = wallet_of(PUBKEY_ED25519, 3)};
    world->app = app_ledger_open(world->kv, span_text("test-chain"));
    snprintf(json, sizeof json,
             "{\"accounts\":[{\"address\":\"%s\",\"coins\":[{\"denom\":\"unit\",\"amount\":\"1000\"}]},"
             "{\"address\":\"%s\",\"coins\":[{\"denom\":\"unit\",\"amount\":\"500\"},{\"denom\":\"gold\",\"amount\":\"7\"}]}]}",
             world->alice.text, world->bob.text);
    struct abci_init_chain question = {.chain_id = span_text("test-chain"), .app_state = span_text(json), .initial_height = 1};
    bool good = world->app->table->init_chain(world->app, &initialized, &question, fuzz_arena(), &error);
    assert(good);
    world_ledger_commit(world);
}

void world_ledger_close(struct world_ledger *world) {
    world->app->table->close(world->app);
    kv_close(world->kv);
}
