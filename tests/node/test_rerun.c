/* E5 by re-execution: a header that says something else than the blocks before it give, from the home of a node to the third party. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "crypto/text.h"
#include "node/cmd_audit.h"
#include "node/rerun.h"
#include "tests/ledger/chain.h"

enum { HEIGHT = 6, LIAR = 2, BUNDLE_ARENA = 64 << 20 };

static char folder[64], genesis_path[96], bundle_path[96];
static struct chain chain;
static struct docket docket;
static struct homestore home;
static struct rerun *rerun;
static struct commit decided; /* of HEIGHT */
static struct header good, bad;

static void __attribute__((noreturn)) die(void *context, const char *what) {
    (void)context;
    fprintf(stderr, "the store failed: %s\n", what);
    abort();
}

static void write_file(const char *path, const char *text) {
    char *error = NULL;
    ck_assert_msg(keyfile_write(path, span_text(text), true, &error), "%s", error);
}

/* As a node would find it; and the store is told that it began from this file. */
static void write_home(struct kv *kv) {
    char path[128];
    struct genesis_validator validators[4];
    for (int i = 0; i < 4; i++)
        validators[i] = (struct genesis_validator){.member = chain.changes[i], .name = "v"};
    struct genesis_plan plan = {CHAIN_ID, chain.genesis.time, 1, chain.genesis.params, validators, 4, NULL, {0}};
    char *text = genesis_text(&plan);
    snprintf(path, sizeof path, "%s/config", folder);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    write_file(genesis_path, text);
    snprintf(path, sizeof path, "%s/config/config.toml", folder);
    write_file(path, "proxy_app = \"kvstore\"\n");
    uint8_t hash[32];
    struct kv_batch batch;
    struct key key = keys_plain('g');
    sha256_once(hash, span_text(text));
    kv_batch_init(&batch);
    kv_batch_put(&batch, keys_span(&key), span_of(hash, sizeof hash));
    kv_write(kv, &batch, true);
    kv_batch_close(&batch);
    free(text);
}

static void setup(void) {
    char path[128], *error = NULL;
    strcpy(folder, "/tmp/quorate-rerun-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(genesis_path, sizeof genesis_path, "%s/config/genesis.json", folder);
    snprintf(bundle_path, sizeof bundle_path, "%s/proof", folder);
    snprintf(path, sizeof path, "%s/data", folder);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/data/quorate.db", folder);
    struct kv *kv = kv_leveldb_open(path, NULL, (struct kv_failure){NULL, die}, &error);
    ck_assert_msg(kv != NULL, "%s", error);
    chain_open(&chain, &(struct chain_config){.validators = 4, .kv = kv});
    const char *texts[] = {"a=b", "c=d"};
    for (int64_t height = 1; height < HEIGHT; height++)
        chain_step(&chain, texts, (uint32_t)height % 3);
    struct arena *arena = &chain.arenas[0];
    struct block *block = chain_next(&chain, texts, 2);
    good = bad = block->header;
    bad.app_hash.bytes[0] ^= 1;
    docket_init(&docket, AUDIT_STRICT, span_text(CHAIN_ID));
    chain_sign(&chain, &decided, block, &chain.ledger.state.validators, arena);
    docket_trust(&docket, 0, &chain.ledger.state.validators);
    docket_add_signed(&docket, docket_source(&docket, "commit"), &good, &decided);
    block_release(block);
    write_home(kv);
    chain_shut(&chain);
    kv_close(kv);
    rerun = NULL;
    home = (struct homestore){.kv = NULL};
}

static void teardown(void) {
    char command[128];
    rerun_free(rerun);
    homestore_close(&home);
    docket_close(&docket);
    chain_close(&chain);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static void say(const struct header *header) {
    struct vote vote;
    struct block_id id = {0};
    header_hash(&id.hash, header);
    id.parts.total = 1;
    id.parts.hash = id.hash;
    docket_add_header(&docket, header);
    chain_vote(&chain, &vote, docket.set, LIAR, &id, HEIGHT, 1, (struct timestamp){1700000999, 0});
    struct docket_source *source = docket_source(&docket, "a log");
    docket_add_vote(&docket, source, &vote);
    ck_assert_uint_eq(source->kept, 1);
}

static struct docket_source *judge(const struct header *header, const char *application) {
    char *error = docket_settle(&docket, HEIGHT);
    ck_assert_msg(error == NULL, "%s", error);
    say(header);
    ck_assert_msg(homestore_open(&home, folder, false, &error), "%s", error);
    rerun = rerun_new(genesis_path, application, &home);
    struct docket_source *source = docket_source(&docket, "chain");
    docket_rerun(&docket, source, rerun);
    error = docket_judge(&docket, false);
    ck_assert_msg(error == NULL, "%s", error);
    return source;
}

static const char *verify(struct audit_verified *seen, struct span bundle, const char *application, struct homestore *blocks) {
    static struct arena arena;
    static struct rerun *again;
    size_t offset;
    arena_close(&arena);
    rerun_free(again);
    arena_init(&arena, BUNDLE_ARENA);
    again = rerun_new(genesis_path, application, blocks);
    struct audit_reexecution by = {again, span_text(application), rerun_judge};
    return audit_verify(seen, &offset, bundle, &docket.trust, span_text(CHAIN_ID), &by, &arena);
}

START_TEST(a_vote_for_a_header_that_the_blocks_contradict_is_proven_and_the_genesis_is_enough_to_see_it) {
    struct audit_verified seen;
    struct docket_source *source = judge(&bad, NULL);
    ck_assert_msg(strstr(source->note, "executed by application kvstore; 1 header contradicts them") != NULL, "%s", source->note);
    ck_assert_uint_eq(docket.report.count, 1);
    const struct audit_finding *finding = &docket.report.findings[0];
    ck_assert(finding->kind == AUDIT_E5 && finding->status == AUDIT_PROVEN && address_equal(&finding->who, &docket.set->validators[LIAR].address));
    ck_assert_str_eq(finding->wrong, "wrong app hash");
    const char *wrong = verify(&seen, docket.bundle, "kvstore", NULL);
    ck_assert_msg(wrong == NULL, "%s", wrong);
    ck_assert_int_eq(seen.proven_power, 10);
    ck_assert_str_eq(seen.statements[0].wrong, "wrong app hash");
}
END_TEST

START_TEST(a_vote_for_the_header_that_the_blocks_give_is_nobodys_fault) {
    judge(&good, NULL);
    ck_assert_uint_eq(docket.report.count, 0);
    ck_assert_uint_eq(docket.block_count, 0);
}
END_TEST

/* It names another past: on that chain it may be right. */
START_TEST(a_vote_for_a_header_of_another_branch_is_not_judged_by_this_one) {
    bad.last_block_id.hash.bytes[0] ^= 1;
    struct docket_source *source = judge(&bad, NULL);
    ck_assert_uint_eq(docket.report.count, 1);
    ck_assert_int_eq(docket.report.findings[0].kind, AUDIT_E4); /* it signed the commit too */
    ck_assert_msg(strstr(source->note, "1 of another past") != NULL, "%s", source->note);
}
END_TEST

START_TEST(by_the_rules_of_another_application_nobody_is_accused) {
    struct docket_source *source = judge(&bad, "noop");
    ck_assert_uint_eq(docket.report.count, 0);
    ck_assert(source->unused); /* so that a script does not take it for "nobody" */
    ck_assert_msg(strstr(source->note, "noop is not the application of this chain") != NULL, "%s", source->note);
}
END_TEST

START_TEST(whoever_verifies_says_what_the_chain_runs) {
    struct audit_verified seen;
    judge(&bad, NULL);
    ck_assert_str_eq(verify(&seen, docket.bundle, "ledger", NULL), "it is about a chain of another application than you say");
    ck_assert(span_equal(seen.application, span_text("kvstore")));
}
END_TEST

START_TEST(a_reporter_cannot_make_a_good_header_bad) {
    struct audit_verified seen;
    judge(&good, NULL);
    struct audit_header known = {.header = good, .wrong = "wrong app hash"};
    header_hash(&known.hash, &good);
    docket.audit.headers = &known;
    docket.audit.header_count = 1;
    ck_assert(audit_judge(&docket.report, &docket.audit, &docket.arena));
    ck_assert_uint_gt(docket.report.count, 0);
    struct span blocks[HEIGHT - 1];
    for (int64_t height = 1; height < HEIGHT; height++) {
        struct blob *bytes = rerun_block(rerun, height);
        ck_assert(arena_copy(&docket.arena, &blocks[height - 1], blob_span(bytes)));
        blob_release(bytes);
    }
    struct audit_bundle lie = {&docket.audit, &docket.report, docket.trust, NULL, 0, docket.set_list, docket.set_count, NULL, "kvstore", blocks, HEIGHT - 1};
    struct span bytes;
    ck_assert(audit_bundle_make(&bytes, &lie, &docket.arena));
    ck_assert_str_eq(verify(&seen, bytes, "kvstore", NULL), "the header is what the blocks before it give");
    lie.block_count--; /* so that the header follows nothing */
    ck_assert(audit_bundle_make(&bytes, &lie, &docket.arena));
    ck_assert_ptr_nonnull(strstr(verify(&seen, bytes, "kvstore", NULL), "block 5 is missing"));
    blocks[1] = blocks[2];
    lie.block_count++;
    ck_assert(audit_bundle_make(&bytes, &lie, &docket.arena));
    ck_assert_ptr_nonnull(strstr(verify(&seen, bytes, "kvstore", NULL), "block 2: it does not follow"));
    lie.application = "a-strangers";
    ck_assert(audit_bundle_make(&bytes, &lie, &docket.arena));
    ck_assert_ptr_nonnull(strstr(verify(&seen, bytes, "a-strangers", NULL), "none of those that this program has"));
}
END_TEST

/* Whoever signed it named another past: these blocks say nothing of it. */
START_TEST(a_bundle_with_the_blocks_of_another_past_is_refused) {
    struct audit_verified seen;
    judge(&bad, NULL);
    struct audit_finding *finding = &docket.report.findings[0];
    struct header stranger = bad;
    struct vote vote;
    stranger.last_block_id.hash.bytes[0] ^= 1;
    struct audit_header known = {.header = stranger, .wrong = "wrong app hash"};
    header_hash(&known.hash, &stranger);
    struct block_id id = {.hash = known.hash, .parts = {.total = 1, .hash = known.hash}};
    chain_vote(&chain, &vote, docket.set, LIAR, &id, HEIGHT, 1, (struct timestamp){1700000999, 0});
    finding->a = &vote;
    finding->headers[0] = &known.header;
    docket.audit.headers = &known;
    docket.audit.header_count = 1;
    struct audit_bundle lie = {&docket.audit, &docket.report, docket.trust, NULL, 0, docket.set_list, docket.set_count, NULL, "kvstore", docket.blocks, docket.block_count};
    struct span bytes;
    ck_assert(audit_bundle_make(&bytes, &lie, &docket.arena));
    ck_assert_str_eq(verify(&seen, bytes, "kvstore", NULL), "the blocks are not those that the header names as its past");
}
END_TEST

START_TEST(blocks_that_do_not_fit_are_brought_by_whoever_verifies) {
    struct audit_verified seen;
    judge(&bad, NULL);
    struct audit_bundle thin = {&docket.audit, &docket.report, docket.trust, NULL, 0, docket.set_list, docket.set_count, NULL, "kvstore", NULL, 0};
    struct span bytes;
    ck_assert(audit_bundle_make(&bytes, &thin, &docket.arena));
    ck_assert_ptr_nonnull(strstr(verify(&seen, bytes, "kvstore", NULL), "give --chain HOME"));
    const char *wrong = verify(&seen, bytes, "kvstore", &home);
    ck_assert_msg(wrong == NULL, "%s", wrong);
    ck_assert_int_eq(seen.proven_power, 10);
}
END_TEST

/* Nothing may ride along. */
START_TEST(blocks_and_applications_that_no_statement_needs_are_refused) {
    struct audit_verified seen;
    judge(&bad, NULL);
    uint8_t *bytes = malloc(docket.bundle.size + 64);
    ck_assert_ptr_nonnull(bytes);
    size_t size = 0, end = docket.bundle.size - 5 - 32;
    for (size_t at = sizeof AUDIT_BUNDLE_MAGIC - 1; at < end;) { /* all but the statements */
        const uint8_t *head = docket.bundle.data + at;
        size_t record = 5 + ((size_t)head[1] << 24 | (size_t)head[2] << 16 | (size_t)head[3] << 8 | head[4]);
        if (at == sizeof AUDIT_BUNDLE_MAGIC - 1)
            memcpy(bytes, AUDIT_BUNDLE_MAGIC, size = at);
        if (head[0] != AUDIT_BUNDLE_STATEMENT && head[0] != AUDIT_BUNDLE_HEADER) {
            memcpy(bytes + size, head, record);
            size += record;
        }
        at += record;
    }
    uint8_t hash[32];
    sha256_once(hash, span_of(bytes, size));
    memcpy(bytes + size, (uint8_t[]){AUDIT_BUNDLE_END, 0, 0, 0, 32}, 5);
    memcpy(bytes + size + 5, hash, 32);
    ck_assert_str_eq(verify(&seen, span_of(bytes, size + 37), "kvstore", NULL), "blocks or an application belong to no statement");
    free(bytes);
}
END_TEST

START_TEST(the_command_says_who_is_proven_and_asks_for_the_application) {
    char *error = NULL;
    judge(&bad, NULL);
    ck_assert_msg(keyfile_write(bundle_path, docket.bundle, true, &error), "%s", error);
    char quorate[] = "quorate", audit[] = "audit", command[] = "verify", option[] = "--genesis", by[] = "--application", name[] = "kvstore";
    char *words[] = {quorate, audit, command, bundle_path, option, genesis_path, by, name, NULL};
    ck_assert_int_eq(cli_run(8, words), AUDIT_NO_FORK);
    words[6] = NULL;
    ck_assert_int_eq(cli_run(6, words), AUDIT_BAD_INPUT);
}
END_TEST

Suite *suite_rerun(void);
Suite *suite_rerun(void) {
    Suite *suite = suite_create("rerun");
    TCase *tests = tcase_create("all");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, a_vote_for_a_header_that_the_blocks_contradict_is_proven_and_the_genesis_is_enough_to_see_it);
    tcase_add_test(tests, a_vote_for_the_header_that_the_blocks_give_is_nobodys_fault);
    tcase_add_test(tests, a_vote_for_a_header_of_another_branch_is_not_judged_by_this_one);
    tcase_add_test(tests, by_the_rules_of_another_application_nobody_is_accused);
    tcase_add_test(tests, whoever_verifies_says_what_the_chain_runs);
    tcase_add_test(tests, a_reporter_cannot_make_a_good_header_bad);
    tcase_add_test(tests, a_bundle_with_the_blocks_of_another_past_is_refused);
    tcase_add_test(tests, blocks_that_do_not_fit_are_brought_by_whoever_verifies);
    tcase_add_test(tests, blocks_and_applications_that_no_statement_needs_are_refused);
    tcase_add_test(tests, the_command_says_who_is_proven_and_asks_for_the_application);
    suite_add_tcase(suite, tests);
    return suite;
}
