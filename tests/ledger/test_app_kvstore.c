#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "crypto/text.h"
#include "ledger/app_kvstore.h"
#include "tests/ledger/chain.h"

static struct chain chain;
static struct arena arena;

static void setup(void) {
    chain_open(&chain, &(struct chain_config){.validators = 4});
    arena_init(&arena, (size_t)1 << 30);
}

static void teardown(void) {
    chain_close(&chain);
    arena_close(&arena);
}

static uint32_t check_code(const char *tx) {
    struct abci_check check;
    chain.app->table->check_tx(chain.app, &check, span_text(tx), false, &arena);
    ck_assert_int_eq(check.result.gas_wanted, check.result.code == 0);
    ck_assert_uint_eq(check.result.log.size, 0);
    return check.result.code;
}

static const char *val_tx(unsigned who, const char *type, const char *power) {
    static char text[256];
    char key[64];
    text_base64(key, span_of(chain.pub_keys[who].bytes, 32));
    snprintf(text, sizeof text, "val=%s!%s!%s", type, key, power);
    return text;
}

START_TEST(pairs_with_one_mark_inside_are_valid) {
    static const char *const good[] = {"a=b", "a:b", "key=value with spaces", "=", ":", "", "a", "a=", "=a", "a:", ":a", "a=b=c", "a:b=c", "a::b", "va=1"};
    for (size_t i = 0; i < 15; i++)
        ck_assert_uint_eq(check_code(good[i]), i < 3 || i == 14 ? 0 : 2);
}
END_TEST

START_TEST(validator_transactions_are_parsed_whole) {
    ck_assert_uint_eq(check_code(val_tx(7, "ed25519", "10")), 0);
    ck_assert_uint_eq(check_code(val_tx(7, "", "0")), 0);
    ck_assert_uint_eq(check_code(val_tx(7, "ed25519", "+5")), 0);
    static const char *const powers[] = {"", "-1", "x", "1x", "9223372036854775808", "1!2", " 1"};
    for (size_t i = 0; i < 7; i++)
        ck_assert_uint_eq(check_code(val_tx(7, "ed25519", powers[i])), 2);
    ck_assert_uint_eq(check_code(val_tx(7, "bls", "1")), 2);
    ck_assert_uint_eq(check_code(val_tx(7, "secp256k1", "1")), 2); /* 32 bytes are no such key */
    ck_assert_uint_eq(check_code("val=a"), 2);
    ck_assert_uint_eq(check_code("val=ed25519!AAAA!1"), 2);
    ck_assert_uint_eq(check_code("val=ed25519!-_-_!1"), 2);
}
END_TEST

static struct abci_finalized finalize(const char *const *txs, uint32_t count, const struct abci_misbehavior *fault) {
    struct span spans[8];
    for (uint32_t i = 0; i < count; i++)
        spans[i] = span_text(txs[i]);
    struct abci_block block = {.txs = spans, .tx_count = count, .misbehavior = fault, .misbehavior_count = fault != NULL, .height = 1};
    struct abci_finalized out;
    chain.app->table->finalize_block(chain.app, &out, &block, &arena);
    return out;
}

static void commit(void) {
    struct kv_batch batch;
    kv_batch_init(&batch);
    ck_assert_int_eq(chain.app->table->commit(chain.app, &batch), 0);
    kv_write(chain.kv, &batch, true);
    kv_batch_close(&batch);
}

static struct abci_answer ask(const char *path, struct span data, bool prove) {
    struct abci_query question = {.path = span_text(path), .data = data, .prove = prove};
    struct abci_answer answer;
    chain.app->table->query(chain.app, &answer, &question, &arena);
    return answer;
}

START_TEST(events_are_those_of_the_example) {
    struct abci_finalized out = finalize((const char *[]){"name=satoshi", "a:b"}, 2, NULL);
    ck_assert_uint_eq(out.tx_count, 2);
    const struct abci_events *events = &out.tx_results[0].events;
    ck_assert_uint_eq(events->count, 2);
    static const char *const expected[2][4][2] = {{{"creator", "Cosmoshi Netowoko"}, {"key", "name"}, {"index_key", "index is working"}, {"noindex_key", "index is working"}},
                                                  {{"creator", "Cosmoshi"}, {"key", "satoshi"}, {"index_key", "index is working"}, {"noindex_key", "index is working"}}};
    for (int e = 0; e < 2; e++) {
        ck_assert(span_equal(events->list[e].type, span_text("app")));
        for (int a = 0; a < 4; a++) {
            ck_assert(span_equal(events->list[e].attributes[a].key, span_text(expected[e][a][0])));
            ck_assert(span_equal(events->list[e].attributes[a].value, span_text(expected[e][a][1])));
            ck_assert(events->list[e].attributes[a].index == (a != 3));
        }
    }
    ck_assert(span_equal(out.tx_results[1].events.list[1].attributes[1].value, span_text("a:b")));
    ck_assert_uint_eq(out.tx_results[1].code, 0);
}
END_TEST

START_TEST(the_app_hash_is_the_varint_of_the_count_in_eight_bytes) {
    static const char *const txs[] = {"a=1", "b=1", "c=1", "d=1", "e=1", "f=1", "g=1", "h=1"};
    struct abci_finalized out = {0};
    out = finalize(txs, 0, NULL);
    ck_assert_uint_eq(out.app_hash.size, 8);
    ck_assert_mem_eq(out.app_hash.bytes, "\0\0\0\0\0\0\0\0", 8);
    out = finalize(txs, 1, NULL);
    ck_assert_mem_eq(out.app_hash.bytes, "\2\0\0\0\0\0\0\0", 8);
    for (int i = 0; i < 8; i++) {
        out = finalize(txs, 8, NULL);
        commit();
    }
    ck_assert_mem_eq(out.app_hash.bytes, "\x80\x01\0\0\0\0\0\0", 8); /* 64 → 128 zig-zag */
    struct abci_info info;
    chain.app->table->info(chain.app, &info, &arena);
    ck_assert(span_equal(info.data, span_text("{\"size\":64}")));
    ck_assert(span_equal(info.version, span_text("2.0.0")));
    ck_assert_uint_eq(info.app_version, 1);
    ck_assert_int_eq(info.last_block_height, 1);
}
END_TEST

START_TEST(nothing_is_there_before_commit) {
    finalize((const char *[]){"a=1"}, 1, NULL);
    ck_assert(span_equal(ask("", span_text("a"), false).log, span_text("does not exist")));
    finalize((const char *[]){"b=1"}, 1, NULL); /* another proposal was decided */
    commit();
    ck_assert(span_equal(ask("", span_text("a"), false).log, span_text("does not exist")));
    struct abci_answer answer = ask("/key", span_text("b"), false);
    ck_assert(span_equal(answer.log, span_text("exists")));
    ck_assert(span_equal(answer.key, span_text("b")) && span_equal(answer.value, span_text("1")));
    ck_assert_int_eq(answer.index, 0);
    ck_assert_int_eq(answer.height, 1);
    ck_assert_int_eq(ask("", span_text("b"), true).index, -1);
}
END_TEST

START_TEST(validators_are_stored_as_the_example_stores_them) {
    struct abci_answer answer = ask("/val", span_of(chain.pub_keys[2].bytes, 32), false);
    ck_assert_uint_eq(answer.value.size, 39); /* length, key field, power */
    ck_assert_uint_eq(answer.value.data[0], 38);
    ck_assert_mem_eq(answer.value.data + 1, "\x0a\x22\x0a\x20", 4);
    ck_assert_mem_eq(answer.value.data + 5, chain.pub_keys[2].bytes, 32);
    ck_assert_mem_eq(answer.value.data + 37, "\x10\x0a", 2);
    ck_assert_uint_eq(ask("/val", span_of(chain.pub_keys[9].bytes, 32), false).value.size, 0);
}
END_TEST

START_TEST(a_validator_transaction_becomes_an_update) {
    char first[256];
    snprintf(first, sizeof first, "%s", val_tx(7, "ed25519", "33"));
    struct abci_finalized out = finalize((const char *[]){first}, 1, NULL);
    ck_assert_uint_eq(out.update_count, 1);
    ck_assert(pubkey_equal(&out.updates[0].pub_key, &chain.pub_keys[7]));
    ck_assert_int_eq(out.updates[0].power, 33);
    /* its base64 ends in '=', so it does not split */
    ck_assert(span_equal(out.tx_results[0].events.list[0].attributes[1].value, span_text(first)));
    commit();
    ck_assert_uint_gt(ask("/val", span_of(chain.pub_keys[7].bytes, 32), false).value.size, 0);
}
END_TEST

START_TEST(a_validator_named_twice_counts_as_named_last) {
    char first[256], second[256];
    snprintf(first, sizeof first, "%s", val_tx(7, "ed25519", "33"));
    snprintf(second, sizeof second, "%s", val_tx(7, "ed25519", "0"));
    struct abci_finalized out = finalize((const char *[]){first, second}, 2, NULL);
    ck_assert_uint_eq(out.update_count, 0); /* a stranger's removal would halt the chain */
    out = finalize((const char *[]){second, first}, 2, NULL);
    ck_assert_uint_eq(out.update_count, 1);
    ck_assert_int_eq(out.updates[0].power, 33);
}
END_TEST

START_TEST(a_double_voter_loses_one_power) {
    struct abci_misbehavior fault = {.type = 1, .address = chain.addresses[1], .power = 10};
    struct abci_finalized out = finalize(NULL, 0, &fault);
    ck_assert_uint_eq(out.update_count, 1);
    ck_assert(pubkey_equal(&out.updates[0].pub_key, &chain.pub_keys[1]));
    ck_assert_int_eq(out.updates[0].power, 9);
    fault.address = chain.addresses[20];
    ck_assert_uint_eq(finalize(NULL, 0, &fault).update_count, 0);
    fault = (struct abci_misbehavior){.type = 2, .address = chain.addresses[1], .power = 10};
    ck_assert_uint_eq(finalize(NULL, 0, &fault).update_count, 0);
}
END_TEST

START_TEST(bad_transactions_in_a_block_fail_and_do_no_harm) {
    struct abci_finalized out = finalize((const char *[]){"", "x", "a==b", "val=x", "="}, 5, NULL);
    for (uint32_t i = 0; i < 4; i++)
        ck_assert_uint_eq(out.tx_results[i].code, 2);
    commit();
}
END_TEST

START_TEST(validators_and_size_survive_a_restart) {
    char tx[256];
    snprintf(tx, sizeof tx, "%s", val_tx(7, "ed25519", "33"));
    chain_step(&chain, (const char *[]){tx, "a=1"}, 2);
    chain_run(&chain, 2);
    ck_assert_uint_eq(chain.ledger.state.validators.count, 5);
    chain_reopen(&chain);
    struct abci_misbehavior fault = {.type = 1, .address = chain.addresses[7], .power = 33};
    ck_assert_uint_eq(finalize(NULL, 0, &fault).update_count, 1);
    ck_assert_mem_eq(chain.ledger.state.app_hash.bytes, "\4\0\0\0\0\0\0\0", 8);
}
END_TEST

static double now_us(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

START_TEST(ten_thousand_pairs_execute_quickly) {
    enum { COUNT = 10000 };
    static char texts[COUNT][251];
    static struct span spans[COUNT];
    for (int i = 0; i < COUNT; i++) {
        memset(texts[i], 'v', 250);
        texts[i][snprintf(texts[i], 32, "key%08d=", i)] = 'v';
        spans[i] = span_of(texts[i], 250);
    }
    struct abci_block block = {.txs = spans, .tx_count = COUNT, .height = 1};
    double best = 1e9;
    for (int round = 0; round < 5; round++) {
        struct abci_finalized out;
        struct kv_batch batch;
        arena_reset(&arena);
        kv_batch_init(&batch);
        double start = now_us();
        chain.app->table->finalize_block(chain.app, &out, &block, &arena);
        chain.app->table->commit(chain.app, &batch);
        double took = (now_us() - start) / COUNT;
        best = took < best ? took : best;
        ck_assert_uint_eq(out.tx_count, COUNT);
        kv_batch_close(&batch);
    }
    printf("kvstore: %.2f us a transaction for finalize and commit\n", best);
    ck_assert_double_lt(best, 30); /* the goal is 3; a slow machine under sanitizers must pass too */
}
END_TEST

START_TEST(applications_are_known_by_name) {
    struct app *app = app_open("kvstore", chain.kv, span_text(CHAIN_ID));
    ck_assert_ptr_nonnull(app);
    ck_assert_str_eq(app->table->name, "kvstore");
    app->table->close(app);
    ck_assert_ptr_null(app_open("noop?", chain.kv, span_text(CHAIN_ID)));
}
END_TEST

Suite *suite_app_kvstore(void);
Suite *suite_app_kvstore(void) {
    Suite *suite = suite_create("app_kvstore");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_set_timeout(all, 60);
    tcase_add_test(all, pairs_with_one_mark_inside_are_valid);
    tcase_add_test(all, validator_transactions_are_parsed_whole);
    tcase_add_test(all, events_are_those_of_the_example);
    tcase_add_test(all, the_app_hash_is_the_varint_of_the_count_in_eight_bytes);
    tcase_add_test(all, nothing_is_there_before_commit);
    tcase_add_test(all, validators_are_stored_as_the_example_stores_them);
    tcase_add_test(all, a_validator_transaction_becomes_an_update);
    tcase_add_test(all, a_validator_named_twice_counts_as_named_last);
    tcase_add_test(all, a_double_voter_loses_one_power);
    tcase_add_test(all, bad_transactions_in_a_block_fail_and_do_no_harm);
    tcase_add_test(all, validators_and_size_survive_a_restart);
    tcase_add_test(all, ten_thousand_pairs_execute_quickly);
    tcase_add_test(all, applications_are_known_by_name);
    suite_add_tcase(suite, all);
    return suite;
}
