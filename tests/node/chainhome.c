#include "tests/node/chainhome.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/text.h"
#include "genesis/genesis.h"
#include "node/complaint.h"
#include "node/home.h"
#include "tests/node/prompt.h"

static void __attribute__((noreturn)) die(void *context, const char *what) {
    (void)context;
    fprintf(stderr, "the store failed: %s\n", what);
    abort();
}

static void write_texts(struct chainhome *home) {
    struct chain *chain = &home->chain;
    struct config config;
    struct genesis_validator *validators = calloc(chain->genesis.validator_count, sizeof *validators);
    char *error = NULL;
    ck_assert_ptr_nonnull(validators);
    for (uint32_t i = 0; i < chain->genesis.validator_count; i++)
        validators[i].member = chain->changes[i];
    struct genesis_plan plan = {.chain_id = CHAIN_ID, .time = chain->genesis.time, .initial_height = chain->genesis.initial_height, .params = chain->genesis.params,
                                .validators = validators, .validator_count = chain->genesis.validator_count};
    char *text = genesis_text(&plan);
    config_init(&config, PARAMS_V038);
    ck_assert_msg(home_write_texts(home->path, &config, text, &error), "%s", error);
    config_close(&config);
    free(text);
    free(validators);
}

/* The chain of the fixture has no genesis file; its store shall know ours. */
static void name_genesis(struct chainhome *home) {
    struct genesis genesis;
    struct kv_batch batch;
    struct key key = keys_plain('g');
    char *error = NULL, *path = complaint_of("%s/config/genesis.json", home->path);
    ck_assert_msg(genesis_load(&genesis, path, PARAMS_V038, &error), "%s", error);
    kv_batch_init(&batch);
    kv_batch_put(&batch, keys_span(&key), digest_span(&genesis.state.file_hash));
    kv_write(home->kv, &batch, true);
    kv_batch_close(&batch);
    genesis_close(&genesis);
    free(path);
}

void chainhome_open(struct chainhome *home, const char *name, uint32_t validators) {
    char *error = NULL;
    memset(home, 0, sizeof *home);
    snprintf(home->path, sizeof home->path, "%s/%s", prompt_folder, name);
    char *mark = complaint_of("%s/data/mark", home->path), *store = complaint_of("%s/data/quorate.db", home->path);
    ck_assert(keyfile_write(mark, span_text("x"), true, &error)); /* makes the folders */
    home->kv = kv_leveldb_open(store, NULL, (struct kv_failure){NULL, die}, &error);
    ck_assert_msg(home->kv != NULL, "%s", error);
    chain_open(&home->chain, &(struct chain_config){.validators = validators, .kv = home->kv});
    write_texts(home);
    name_genesis(home);
    free(mark);
    free(store);
}

void chainhome_shut(struct chainhome *home) {
    chain_close(&home->chain);
    kv_close(home->kv);
}

void chainhome_key(struct chainhome *home, uint32_t index) {
    struct keyfile key = {.type = PUBKEY_ED25519, .public_key = home->chain.pub_keys[index]};
    char text[32], *error = NULL, *path = complaint_of("%s/config/priv_validator_key.json", home->path);
    snprintf(text, sizeof text, "validator %u", index);
    sha256_once(key.secret, span_text(text));
    ck_assert_msg(keyfile_save(&key, path, false, true, &error), "%s", error);
    free(path);
}

void chainhome_set_power(struct chainhome *home, uint32_t index, int64_t power) {
    char key[TEXT_BASE64_SIZE(32)], tx[128];
    const char *txs[] = {tx};
    text_base64(key, span_of(home->chain.pub_keys[index].bytes, 32));
    snprintf(tx, sizeof tx, "val=ed25519!%s!%lld", key, (long long)power);
    chain_step(&home->chain, txs, 1);
}
