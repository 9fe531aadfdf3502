#include <check.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/text.h"
#include "tests/ledger/chain.h"

/* Most tests run over both stores: loop index 0 is memory, 1 is LevelDB in a folder of its own. */
enum { MEMORY, LEVELDB, STORES };

static struct chain chain;
static struct arena arena;
static char folder[64];
static jmp_buf failed;
static char failure_text[512];

static void __attribute__((noreturn)) give_up(void *context, const char *what) {
    (void)context;
    snprintf(failure_text, sizeof failure_text, "%s", what);
    longjmp(failed, 1);
}

static const struct kv_failure failure = {NULL, give_up};

static struct kv *open_folder(void) {
    char *error = NULL;
    struct kv *kv = kv_leveldb_open(folder, NULL, failure, &error);
    ck_assert_msg(kv != NULL, "%s", error);
    return kv;
}

static struct kv *store;

static void begin(int which, uint32_t validators) {
    snprintf(folder, sizeof folder, "/tmp/quorate-ledger-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    store = which == LEVELDB ? open_folder() : kv_memory_new(failure);
    arena_init(&arena, 1 << 26);
    chain_open(&chain, &(struct chain_config){.validators = validators, .kv = store});
}

static void end(void) {
    char command[96];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    chain_close(&chain);
    kv_close(store);
    arena_close(&arena);
    ck_assert_int_eq(system(command), 0);
}

static void step_with(const char *tx) { chain_step(&chain, &tx, 1); }

static bool app_holds(const char *key, const char *value) {
    struct abci_query question = {.data = span_text(key)};
    struct abci_answer answer;
    chain.app->table->query(chain.app, &answer, &question, &arena);
    return value == NULL ? span_equal(answer.log, span_text("does not exist")) : span_equal(answer.value, span_text(value));
}

static void check_agreement(void) {
    struct abci_info info;
    const struct state *state = &chain.ledger.state;
    chain.app->table->info(chain.app, &info, &arena);
    ck_assert_int_eq(info.last_block_height, state->height);
    ck_assert(app_hash_equal(&info.last_block_app_hash, &state->app_hash));
    if (state->height == 0)
        return;
    struct block *block = ledger_block(&chain.ledger, state->height);
    struct block_id id;
    ck_assert_ptr_nonnull(block);
    block_id_of(block, &id);
    ck_assert(block_id_equal(&id, &state->block_id));
    block_release(block);
}

START_TEST(a_height_costs_one_synced_write_and_no_other) {
    begin(_i, 4);
    struct kv_counts before, after;
    for (int i = 0; i < 30; i++) {
        const char *tx = i % 2 ? "a=1" : "b=2";
        struct block *block = chain_next(&chain, &tx, 1);
        kv_count(store, &before);
        chain_apply(&chain, block);
        kv_count(store, &after);
        ck_assert_uint_eq(after.writes, before.writes + 1);
        ck_assert_uint_eq(after.synced_writes, before.synced_writes + 1);
        block_release(block);
    }
    end();
}
END_TEST

START_TEST(what_was_applied_is_found_again_after_a_restart) {
    begin(_i, 4);
    chain_run(&chain, 2);
    step_with("name=quorate");
    uint8_t tx_hash[32];
    sha256_once(tx_hash, span_text("name=quorate"));
    for (int restart = 0; restart < 2; restart++) {
        struct ledger *ledger = &chain.ledger;
        int64_t height;
        uint32_t index;
        struct ledger_meta meta;
        struct commit commit;
        struct abci_finalized results;
        bool canonical;
        check_agreement();
        ck_assert(app_holds("name", "quorate"));
        ck_assert_int_eq(ledger->base, 1);
        ck_assert(ledger_find_tx(ledger, tx_hash, &height, &index));
        ck_assert_int_eq(height, 3);
        ck_assert_uint_eq(index, 0);
        ck_assert(ledger_block_meta(ledger, &meta, 3));
        ck_assert_uint_eq(meta.tx_count, 1);
        ck_assert_int_eq(meta.header.height, 3);
        ck_assert(block_id_equal(&meta.block_id, &ledger->state.block_id));
        ck_assert_int_eq(ledger_height_of(ledger, meta.block_id.hash.bytes), 3);
        ck_assert(ledger_commit(ledger, &commit, &canonical, 2, &arena) && canonical && commit.height == 2);
        ck_assert(ledger_commit(ledger, &commit, &canonical, 3, &arena) && !canonical && commit.height == 3);
        ck_assert(!ledger_commit(ledger, &commit, &canonical, 4, &arena));
        ck_assert(ledger_results(ledger, &results, 3, &arena));
        ck_assert_uint_eq(results.tx_count, 1);
        ck_assert_uint_eq(results.tx_results[0].events.count, 2);
        ck_assert(!ledger_block_meta(ledger, &meta, 4) && ledger_height_of(ledger, tx_hash) == 0);
        chain_reopen(&chain);
    }
    chain_run(&chain, 2);
    end();
}
END_TEST

START_TEST(a_height_is_applied_once) {
    begin(MEMORY, 4);
    struct block *block = chain_next(&chain, NULL, 0);
    chain_apply(&chain, block);
    struct ledger_applied applied;
    ck_assert(!ledger_apply(&chain.ledger, &applied, block, &chain.last));
    ck_assert_int_eq(chain.ledger.state.height, 1);
    block_release(block);
    end();
}
END_TEST

START_TEST(the_first_height_may_be_any) {
    struct chain late;
    chain_open(&late, &(struct chain_config){.initial_height = 1000});
    chain_run(&late, 3);
    ck_assert_int_eq(late.ledger.state.height, 1002);
    ck_assert_int_eq(late.ledger.base, 1000);
    struct valset set;
    valset_init(&set);
    ck_assert(!ledger_validators(&late.ledger, &set, 999));
    ck_assert(ledger_validators(&late.ledger, &set, 1000));
    chain_reopen(&late);
    chain_run(&late, 1);
    valset_close(&set);
    chain_close(&late);
}
END_TEST

/* ---- failures of the world */

START_TEST(a_full_disk_leaves_the_height_undone_and_a_restart_does_it) {
    begin(MEMORY, 4);
    step_with("a=1");
    struct block *block = chain_next(&chain, (const char *[]){"a=2"}, 1);
    kv_memory_fail_after(store, 0);
    if (setjmp(failed) == 0) {
        chain_apply(&chain, block);
        ck_abort_msg("the failure handler was not called");
    }
    kv_memory_fail_after(store, 1000);
    chain_reopen(&chain);
    check_agreement();
    ck_assert_int_eq(chain.ledger.state.height, 1);
    ck_assert(app_holds("a", "1"));
    chain_apply(&chain, block);
    ck_assert(app_holds("a", "2"));
    block_release(block);
    end();
}
END_TEST

START_TEST(a_crash_after_any_height_loses_nothing) {
    begin(MEMORY, 4);
    for (int i = 0; i < 20; i++) {
        step_with(i % 3 == 0 ? "a=1" : "a=2");
        if (i == 10)
            ledger_prune(&chain.ledger, 5, 100); /* not synced: it may be lost */
        kv_memory_crash(store, 0);
        chain_reopen(&chain);
        check_agreement();
        ck_assert_int_eq(chain.ledger.state.height, i + 1);
        ck_assert(app_holds("a", i % 3 == 0 ? "1" : "2"));
    }
    end();
}
END_TEST

static void grow_until_killed(void) {
    struct chain child;
    struct kv *kv = open_folder();
    chain_open(&child, &(struct chain_config){.validators = 1, .kv = kv});
    chain_reopen(&child);
    for (int64_t height = child.ledger.state.height;; height++) {
        char tx[32];
        snprintf(tx, sizeof tx, "height=%d", (int)height + 1);
        chain_step(&child, (const char *[]){tx}, 1);
    }
}

START_TEST(killed_at_any_moment_block_state_and_application_agree) {
    begin(MEMORY, 1);
    int64_t reached = 0;
    for (int round = 0; round < 8; round++) {
        pid_t pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0)
            grow_until_killed();
        usleep(60000 + 17000 * (unsigned)round);
        ck_assert_int_eq(kill(pid, SIGKILL), 0);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
        chain_close(&chain);
        kv_close(store);
        store = open_folder();
        chain_open(&chain, &(struct chain_config){.validators = 1, .kv = store});
        check_agreement();
        ck_assert_int_ge(chain.ledger.state.height, reached);
        reached = chain.ledger.state.height;
        char text[32];
        snprintf(text, sizeof text, "%d", (int)reached);
        ck_assert(app_holds("height", reached == 0 ? NULL : text));
        chain_shut(&chain);
        kv_close(store);
        store = kv_memory_new(failure); /* the folder is free for the next child */
    }
    ck_assert_int_gt(reached, 8);
    end();
}
END_TEST

START_TEST(another_genesis_is_refused) {
    begin(_i, 4);
    chain_run(&chain, 1);
    chain_shut(&chain);
    chain.genesis.file_hash.bytes[0] ^= 1;
    char *error = NULL;
    ck_assert(!chain_try_open(&chain, &error));
    ck_assert_ptr_nonnull(strstr(error, "another genesis"));
    free(error);
    chain.app->table->close(chain.app);
    chain.app = NULL;
    end();
}
END_TEST

static void write_app_state(const char *value, size_t size) {
    struct kv_batch batch;
    kv_batch_init(&batch);
    kv_batch_put(&batch, span_text("sS"), span_of(value, size));
    kv_write(store, &batch, true);
    kv_batch_close(&batch);
}

START_TEST(an_application_of_another_height_or_hash_is_refused) {
    begin(MEMORY, 4);
    step_with("a=1");
    chain_shut(&chain);
    static const struct { const char *value, *text; } cases[] = {
        {"\x01\x00", "at height 0"}, {"\x01\x02", "at height 2"}, {"\x02\x01", "app hash"}};
    for (size_t i = 0; i < 3; i++) {
        char *error = NULL;
        write_app_state(cases[i].value, 2);
        ck_assert(!chain_try_open(&chain, &error));
        ck_assert_msg(strstr(error, cases[i].text) != NULL, "%s", error);
        free(error);
        chain.app->table->close(chain.app);
        chain.app = NULL;
    }
    write_app_state("\x01\x01", 2);
    chain_reopen(&chain);
    end();
}
END_TEST

START_TEST(a_store_without_chain_but_with_an_application_is_refused) {
    begin(MEMORY, 4);
    chain_shut(&chain);
    kv_close(store);
    chain.kv = store = kv_memory_new(failure);
    write_app_state("\x05\x05", 2);
    char *error = NULL;
    ck_assert(!chain_try_open(&chain, &error));
    ck_assert_ptr_nonnull(strstr(error, "there is no chain"));
    free(error);
    chain.app->table->close(chain.app);
    chain.app = NULL;
    end();
}
END_TEST

/* ---- an application that breaks the rules stops the node before anything is written */

static struct app_table bad_table;
static const struct app_table *good_table;
static struct abci_validator_update bad_update;

static void finalize_badly(struct app *app, struct abci_finalized *out, const struct abci_block *block, struct arena *scratch) {
    good_table->finalize_block(app, out, block, scratch);
    if (bad_update.power != 0) {
        out->updates = &bad_update;
        out->update_count = 1;
    } else {
        out->tx_count++;
    }
}

static void stops_with(const char *text) {
    good_table = chain.app->table;
    bad_table = *good_table;
    bad_table.finalize_block = finalize_badly;
    chain.app->table = &bad_table;
    struct kv_counts before, after;
    kv_count(store, &before);
    struct block *block = chain_next(&chain, NULL, 0);
    if (setjmp(failed) == 0) {
        chain_apply(&chain, block);
        ck_abort_msg("the failure handler was not called");
    }
    block_release(block);
    ck_assert_msg(strstr(failure_text, text) != NULL, "%s", failure_text);
    kv_count(store, &after);
    ck_assert_uint_eq(after.writes, before.writes);
}

START_TEST(results_that_are_not_one_per_transaction_stop_the_node) {
    begin(MEMORY, 4);
    stops_with("gave 1 results for 0 transactions");
    end();
}
END_TEST

START_TEST(validator_updates_that_break_the_rules_stop_the_node) {
    begin(MEMORY, 4);
    bad_update = (struct abci_validator_update){chain.pub_keys[0], -1};
    stops_with("negative power");
    end();
}
END_TEST

/* ---- validators and parameters of the past */

#define HEIGHTS 80

START_TEST(validators_of_any_height_are_those_it_had) {
    begin(_i, 3);
    static struct valset sets[HEIGHTS + 4];
    uint64_t seed = 11;
    for (int64_t height = 1; height <= HEIGHTS; height++) {
        valset_init(&sets[height]);
        valset_copy(&sets[height], &chain.ledger.state.validators);
        char tx[128], key[64];
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        unsigned who = (unsigned)(seed >> 40) % 12;
        text_base64(key, span_of(chain.pub_keys[who].bytes, 32));
        unsigned power = who < 2 ? 50 : (unsigned)(seed >> 50) % 4 * 7; /* two stay for ever */
        snprintf(tx, sizeof tx, "val=ed25519!%s!%u", key, power);
        chain_step(&chain, (const char *[]){tx}, seed >> 60 < 5);
    }
    chain_reopen(&chain);
    for (int64_t height = 1; height <= HEIGHTS; height++) {
        struct valset set;
        valset_init(&set);
        ck_assert(ledger_validators(&chain.ledger, &set, height));
        ck_assert_uint_eq(set.count, sets[height].count);
        for (uint32_t i = 0; i < set.count; i++) {
            ck_assert(address_equal(&set.validators[i].address, &sets[height].validators[i].address));
            ck_assert_int_eq(set.validators[i].power, sets[height].validators[i].power);
            ck_assert_int_eq(set.validators[i].priority, sets[height].validators[i].priority);
        }
        ck_assert_int_eq(set.proposer, sets[height].proposer);
        valset_close(&set);
        valset_close(&sets[height]);
    }
    struct valset set;
    valset_init(&set);
    ck_assert(ledger_validators(&chain.ledger, &set, HEIGHTS + 1) && ledger_validators(&chain.ledger, &set, HEIGHTS + 2));
    ck_assert(!ledger_validators(&chain.ledger, &set, HEIGHTS + 3) && !ledger_validators(&chain.ledger, &set, 0));
    valset_close(&set);
    end();
}
END_TEST

START_TEST(the_set_is_stored_whole_every_thousand_heights) { /* wound 5 */
    begin(MEMORY, 1);
    chain_run(&chain, 2005);
    for (int64_t height = 1000; height <= 2000; height += 1000) {
        struct key key = keys_height('v', height);
        ck_assert(kv_has(store, keys_span(&key)));
    }
    struct key key = keys_height('v', 1500);
    ck_assert(!kv_has(store, keys_span(&key)));
    struct valset set;
    valset_init(&set);
    ck_assert(ledger_validators(&chain.ledger, &set, 1999));
    valset_close(&set);
    end();
}
END_TEST

START_TEST(parameters_of_any_height_say_when_they_changed) {
    begin(MEMORY, 1);
    chain_run(&chain, 3);
    struct params params;
    int64_t changed_at;
    ck_assert(ledger_params(&chain.ledger, &params, 4, &changed_at));
    ck_assert_int_eq(changed_at, 1);
    ck_assert_int_eq(params.block_bytes_max, chain.genesis.params.block_bytes_max);
    ck_assert_uint_eq(params.key_type_count, 1);
    ck_assert(!ledger_params(&chain.ledger, &params, 5, &changed_at));
    end();
}
END_TEST

/* ---- proposing */

START_TEST(a_proposal_holds_what_the_application_chose_within_the_room) {
    begin(MEMORY, 4);
    struct block *block = chain_next(&chain, (const char *[]){"a:1", "no pair", "b=2", "c=3=4"}, 4);
    ck_assert_uint_eq(block->tx_count, 2);
    ck_assert(span_equal(block->txs[0], span_text("a=1")));
    ck_assert(span_equal(block->txs[1], span_text("b=2")));
    uint8_t hash[32];
    sha256_once(hash, span_text("a=1"));
    ck_assert_mem_eq(block->tx_hashes[0], hash, 32);
    block_release(block);
    struct params *params = &chain.ledger.state.params; /* room for one of five bytes with its frame */
    params->block_bytes_max = 22020096 - ledger_data_bytes_max(&chain.ledger) + 9;
    ck_assert_int_eq(ledger_data_bytes_max(&chain.ledger), 9);
    block = chain_next(&chain, (const char *[]){"a=1", "b=2"}, 2);
    ck_assert_uint_eq(block->tx_count, 1);
    ck_assert_int_eq(ledger_judge(&chain.ledger, block, NULL), BLOCK_GOOD);
    block_release(block);
    end();
}
END_TEST

/* ---- taking back */

START_TEST(a_soft_rollback_returns_state_and_application_and_keeps_the_block) {
    begin(_i, 4);
    step_with("a=1");
    step_with("a=2");
    struct app_hash before = chain.ledger.state.app_hash;
    step_with("a=3");
    step_with("new=1");
    struct app_hash last = chain.ledger.state.app_hash;
    ck_assert(ledger_rollback(&chain.ledger, false));
    ck_assert(ledger_rollback(&chain.ledger, false));
    chain_reopen(&chain);
    check_agreement();
    ck_assert_int_eq(chain.ledger.state.height, 2);
    ck_assert(app_hash_equal(&chain.ledger.state.app_hash, &before));
    ck_assert(app_holds("a", "2") && app_holds("new", NULL));
    uint8_t hash[32];
    int64_t found;
    uint32_t index;
    sha256_once(hash, span_text("a=3"));
    ck_assert(!ledger_find_tx(&chain.ledger, hash, &found, &index));
    for (int64_t height = 3; height <= 4; height++) { /* as a restart does: the kept block and its seen commit */
        struct block *block = ledger_block(&chain.ledger, height);
        struct commit commit;
        struct ledger_applied applied;
        ck_assert_ptr_nonnull(block);
        ck_assert_int_eq(ledger_judge(&chain.ledger, block, NULL), BLOCK_GOOD);
        ck_assert(ledger_seen_commit(&chain.ledger, &commit, height, &arena));
        ck_assert(ledger_apply(&chain.ledger, &applied, block, &commit));
        block_release(block);
    }
    ck_assert(app_hash_equal(&chain.ledger.state.app_hash, &last));
    ck_assert(app_holds("a", "3") && app_holds("new", "1"));
    ck_assert(ledger_find_tx(&chain.ledger, hash, &found, &index));
    end();
}
END_TEST

START_TEST(a_hard_rollback_forgets_the_block_too) {
    begin(_i, 4);
    step_with("a=1");
    step_with("a=2");
    ck_assert(ledger_rollback(&chain.ledger, true));
    chain_reopen(&chain);
    check_agreement();
    ck_assert_ptr_null(ledger_block(&chain.ledger, 2));
    step_with("a=5"); /* another second block */
    ck_assert(app_holds("a", "5"));
    check_agreement();
    ck_assert(ledger_rollback(&chain.ledger, true) && ledger_rollback(&chain.ledger, true));
    ck_assert_int_eq(chain.ledger.base, 0);
    ck_assert(!ledger_rollback(&chain.ledger, true));
    chain_reopen(&chain);
    chain_run(&chain, 1);
    end();
}
END_TEST

START_TEST(a_rollback_reaches_sixteen_heights) {
    begin(MEMORY, 1);
    chain_run(&chain, 40);
    for (int i = 0; i < 16; i++)
        ck_assert(ledger_rollback(&chain.ledger, false));
    ck_assert(!ledger_rollback(&chain.ledger, false));
    ck_assert_int_eq(chain.ledger.state.height, 24);
    chain_reopen(&chain);
    chain_run(&chain, 20);
    end();
}
END_TEST

/* ---- forgetting */

static bool count_key(void *context, struct span key, struct span value) {
    (void)key;
    (void)value;
    ++*(uint64_t *)context;
    return true;
}

static uint64_t count_keys(char letter) {
    struct key from = keys_plain(letter), to = keys_plain((char)(letter + 1));
    uint64_t count = 0;
    kv_scan(store, keys_span(&from), keys_span(&to), false, count_key, &count);
    return count;
}

START_TEST(pruning_forgets_blocks_and_keeps_headers_that_evidence_may_need) {
    begin(_i, 4);
    for (int i = 0; i < 40; i++) {
        char tx[32];
        snprintf(tx, sizeof tx, "key%d=1", i);
        chain_step(&chain, (const char *[]){tx}, 1);
    }
    ck_assert_int_eq(ledger_prune(&chain.ledger, 31, 10), 10);
    ck_assert_int_eq(ledger_prune(&chain.ledger, 31, 1000), 20);
    ck_assert_int_eq(ledger_prune(&chain.ledger, 31, 1000), 0);
    ck_assert_int_eq(ledger_prune(&chain.ledger, 41, 1000), 0); /* not the last height */
    ck_assert_int_eq(chain.ledger.base, 31);
    ck_assert_ptr_null(ledger_block_bytes(&chain.ledger, 30));
    ck_assert_uint_eq(count_keys('b'), 10);
    ck_assert_uint_eq(count_keys('t'), 10);
    ck_assert_uint_eq(count_keys('r'), 10);
    ck_assert_uint_eq(count_keys('m'), 40);
    chain_reopen(&chain);
    ck_assert_int_eq(chain.ledger.base, 31);
    chain.ledger.state.params.evidence_age_blocks_max = 5;
    chain.ledger.state.params.evidence_age_ns_max = 1;
    ck_assert_int_eq(ledger_prune(&chain.ledger, 39, 1000), 8);
    ck_assert_uint_eq(count_keys('m'), 6); /* 35 … 40: of five blocks or fewer */
    ck_assert_uint_eq(count_keys('v'), 1);
    struct valset set;
    valset_init(&set);
    ck_assert(ledger_validators(&chain.ledger, &set, 36));
    valset_close(&set);
    chain.ledger.state.params = chain.genesis.params;
    chain_run(&chain, 3);
    end();
}
END_TEST

START_TEST(a_transaction_committed_again_later_is_still_found) {
    begin(MEMORY, 1);
    step_with("a=1");
    chain_run(&chain, 3);
    step_with("a=1");
    chain_run(&chain, 1);
    ck_assert_int_eq(ledger_prune(&chain.ledger, 4, 100), 3);
    uint8_t hash[32];
    int64_t height;
    uint32_t index;
    sha256_once(hash, span_text("a=1"));
    ck_assert(ledger_find_tx(&chain.ledger, hash, &height, &index));
    ck_assert_int_eq(height, 5);
    end();
}
END_TEST

Suite *suite_ledger(void);
Suite *suite_ledger(void) {
    Suite *suite = suite_create("ledger");
    TCase *both = tcase_create("both stores"), *one = tcase_create("one store");
    tcase_set_timeout(both, 120);
    tcase_set_timeout(one, 120);
    tcase_add_loop_test(both, a_height_costs_one_synced_write_and_no_other, 0, STORES);
    tcase_add_loop_test(both, what_was_applied_is_found_again_after_a_restart, 0, STORES);
    tcase_add_loop_test(both, another_genesis_is_refused, 0, STORES);
    tcase_add_loop_test(both, validators_of_any_height_are_those_it_had, 0, STORES);
    tcase_add_loop_test(both, a_soft_rollback_returns_state_and_application_and_keeps_the_block, 0, STORES);
    tcase_add_loop_test(both, a_hard_rollback_forgets_the_block_too, 0, STORES);
    tcase_add_loop_test(both, pruning_forgets_blocks_and_keeps_headers_that_evidence_may_need, 0, STORES);
    tcase_add_test(one, a_height_is_applied_once);
    tcase_add_test(one, the_first_height_may_be_any);
    tcase_add_test(one, a_full_disk_leaves_the_height_undone_and_a_restart_does_it);
    tcase_add_test(one, a_crash_after_any_height_loses_nothing);
    tcase_add_test(one, killed_at_any_moment_block_state_and_application_agree);
    tcase_add_test(one, an_application_of_another_height_or_hash_is_refused);
    tcase_add_test(one, a_store_without_chain_but_with_an_application_is_refused);
    tcase_add_test(one, results_that_are_not_one_per_transaction_stop_the_node);
    tcase_add_test(one, validator_updates_that_break_the_rules_stop_the_node);
    tcase_add_test(one, the_set_is_stored_whole_every_thousand_heights);
    tcase_add_test(one, parameters_of_any_height_say_when_they_changed);
    tcase_add_test(one, a_proposal_holds_what_the_application_chose_within_the_room);
    tcase_add_test(one, a_rollback_reaches_sixteen_heights);
    tcase_add_test(one, a_transaction_committed_again_later_is_still_found);
    suite_add_tcase(suite, both);
    suite_add_tcase(suite, one);
    return suite;
}
