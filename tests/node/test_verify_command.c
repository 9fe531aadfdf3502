/* quorate verify, on files: what is true ends with 0, what is not with 5, what cannot be read with 1. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "crypto/text.h"
#include "ledger/app_ledger.h"
#include "node/cli.h"
#include "rpc/light_json.h"
#include "rpc/shapes.h"
#include "tests/ledger/chain.h"
#include "tests/node/prompt.h"
#include "tests/tendermint/smith.h"

Suite *suite_verify_command(void);

enum { VALID = 0, UNREADABLE = 1, USAGE = 2, NOT_VALID = 5 };

static struct smith_chain chain;

static void set_up(void) {
    prompt_open();
    smith_open();
    smith_grow_many(&chain, 6, &(struct smith_step){.signers = 0x7});
}

static void tear_down(void) {
    prompt_close();
    smith_forget(&chain);
    smith_close();
}

static void write_block(const char *name, const struct light_block *block) {
    struct emit emit;
    emit_init(&emit);
    light_json_write(&emit, block);
    prompt_write(name, span_of(emit.data, emit.size));
    emit_close(&emit);
}

#define RUN(...) prompt_run("verify", __VA_ARGS__, (const char *)NULL)

START_TEST(a_commit_is_valid_for_its_own_header_chain_and_hash) {
    char hash[TEXT_HEX_SIZE(32)], other[TEXT_HEX_SIZE(32)];
    write_block("three.json", smith_at(&chain, 3));
    text_hex_upper(hash, digest_span(&smith_at(&chain, 3)->hash));
    text_hex_upper(other, digest_span(&smith_at(&chain, 4)->hash));
    ck_assert_int_eq(RUN("commit", "@three.json"), VALID);
    ck_assert_int_eq(RUN("commit", "@three.json", "--hash", hash, "--chain-id", SMITH_CHAIN_ID), VALID);
    ck_assert_int_eq(RUN("commit", "@three.json", "--hash", other), NOT_VALID);
    ck_assert_int_eq(RUN("commit", "@three.json", "--chain-id", "another"), NOT_VALID);
    ck_assert_int_eq(RUN("commit", "@three.json", "--hash", "12"), USAGE);
    ck_assert_int_eq(RUN("commit", "@nothing.json"), UNREADABLE);
    ck_assert_int_eq(RUN("commit"), USAGE);
    prompt_write("noise.json", span_text("{\"signed_header\":{\"header\":7"));
    ck_assert_int_eq(RUN("commit", "@noise.json"), UNREADABLE);
    prompt_write("empty.json", span_text("{}"));
    ck_assert_int_eq(RUN("commit", "@empty.json"), UNREADABLE);
}
END_TEST

START_TEST(a_commit_follows_from_a_trusted_block_or_does_not) {
    struct smith_chain fork = {0};
    smith_fork(&fork, &chain, 2);
    smith_grow(&fork, &(struct smith_step){.set = 0xf0, .height = 9});
    write_block("two.json", smith_at(&chain, 2));
    write_block("six.json", smith_at(&chain, 6));
    write_block("strange.json", smith_at(&fork, 9));
    ck_assert_int_eq(RUN("commit", "@six.json", "--from", "@two.json"), VALID);
    ck_assert_int_eq(RUN("commit", "@two.json", "--from", "@six.json"), NOT_VALID);
    ck_assert_int_eq(RUN("commit", "@strange.json"), VALID); /* its own validators signed it, whoever they are */
    ck_assert_int_eq(RUN("commit", "@strange.json", "--from", "@two.json"), NOT_VALID);
    smith_forget(&fork);
}
END_TEST

START_TEST(too_few_signatures_are_not_valid) {
    struct smith_chain fork = {0};
    smith_fork(&fork, &chain, 2);
    smith_grow(&fork, &(struct smith_step){.signers = 0x3});
    write_block("few.json", smith_at(&fork, 3));
    ck_assert_int_eq(RUN("commit", "@few.json"), NOT_VALID);
    smith_forget(&fork);
}
END_TEST

/* A real chain of the ledger application, as a node would answer. */
static struct light_block *block_of(struct chain *ledger_chain, int64_t height, struct arena *arena) {
    struct ledger_meta meta;
    struct commit commit;
    struct valset set;
    bool canonical;
    valset_init(&set);
    ck_assert(ledger_block_meta(&ledger_chain->ledger, &meta, height) && ledger_commit(&ledger_chain->ledger, &commit, &canonical, height, arena) &&
              ledger_validators(&ledger_chain->ledger, &set, height));
    struct light_block *block = light_block_new(&meta.header, &commit, &set);
    valset_close(&set);
    return block;
}

START_TEST(a_piece_of_state_is_valid_under_the_block_above_only) {
    struct chain ledger_chain;
    struct arena arena;
    struct abci_answer answer;
    struct abci_query question = {.path = span_text("/store/sys/key"), .data = span_text("accounts"), .prove = true};
    struct emit emit;
    arena_init(&arena, 1 << 24);
    chain_open(&ledger_chain, &(struct chain_config){.open_app = app_ledger_open});
    chain_run(&ledger_chain, 3);
    ledger_chain.app->table->query(ledger_chain.app, &answer, &question, &arena);
    emit_init(&emit);
    emit_literal(&emit, "{\"jsonrpc\":\"2.0\",\"id\":-1,\"result\":{\"response\":");
    shapes_answer(&emit, &answer);
    emit_literal(&emit, "}}");
    prompt_write("state.json", span_of(emit.data, emit.size));
    emit_close(&emit);
    chain_run(&ledger_chain, 2);
    for (int64_t height = 3; height <= 5; height++) {
        char name[16];
        struct light_block *block = block_of(&ledger_chain, height, &arena);
        snprintf(name, sizeof name, "b%d.json", (int)height);
        write_block(name, block);
        light_block_release(block);
    }
    ck_assert_int_eq(RUN("state", "@state.json", "--block", "@b4.json", "--store", "sys", "--key", "6163636f756e7473"), VALID);
    ck_assert_int_eq(RUN("state", "@state.json", "--block", "@b3.json", "--store", "sys", "--key", "6163636f756e7473"), NOT_VALID);
    ck_assert_int_eq(RUN("state", "@state.json", "--block", "@b5.json", "--store", "sys", "--key", "6163636f756e7473"), NOT_VALID);
    ck_assert_int_eq(RUN("state", "@state.json", "--block", "@b4.json", "--store", "acc", "--key", "6163636f756e7473"), NOT_VALID);
    ck_assert_int_eq(RUN("state", "@state.json", "--block", "@b4.json", "--store", "sys", "--key", "61"), NOT_VALID);
    ck_assert_int_eq(RUN("state", "@state.json", "--block", "@b4.json"), USAGE);
    ck_assert_int_eq(RUN("state", "@b4.json", "--block", "@b4.json", "--store", "sys", "--key", "61"), NOT_VALID);
    ck_assert_int_eq(RUN("tx", "@state.json", "--block", "@b4.json"), NOT_VALID);
    chain_close(&ledger_chain);
    arena_close(&arena);
}
END_TEST

Suite *suite_verify_command(void) {
    Suite *suite = suite_create("verify_command");
    TCase *tests = tcase_create("verify_command");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_commit_is_valid_for_its_own_header_chain_and_hash);
    tcase_add_test(tests, a_commit_follows_from_a_trusted_block_or_does_not);
    tcase_add_test(tests, too_few_signatures_are_not_valid);
    tcase_add_test(tests, a_piece_of_state_is_valid_under_the_block_above_only);
    suite_add_tcase(suite, tests);
    return suite;
}
