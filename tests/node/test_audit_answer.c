/* `quorate audit answer`: the accused's home, whose chain has other validators at the height in question than the genesis names. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/audit_request.h"
#include "node/cmd_audit.h"
#include "node/complaint.h"
#include "node/votejournal.h"
#include "tests/node/chainhome.h"
#include "tests/node/parrot.h"
#include "tests/node/prompt.h"

Suite *suite_audit_answer(void);

enum { GENESIS_MEMBERS = 4, LATER = 8, ACCUSED = 5 };

static struct chainhome home;
static struct valset set; /* of the height in question */
static int64_t height;
static struct block_id one = {.hash = {.size = 32, .bytes = {1}}, .parts = {1, {.size = 32, .bytes = {2}}}},
                       other = {.hash = {.size = 32, .bytes = {3}}, .parts = {1, {.size = 32, .bytes = {4}}}};

/* Validators 4 to 7 get ten times the power of the first four together, so that no vote of these makes a polka. */
static void setup(void) {
    prompt_open();
    chainhome_open(&home, "home", GENESIS_MEMBERS);
    for (uint32_t i = GENESIS_MEMBERS; i < LATER; i++)
        chainhome_set_power(&home, i, 100);
    chain_run(&home.chain, 4);
    chainhome_key(&home, ACCUSED);
    valset_init(&set);
    height = home.chain.ledger.state.height;
    ck_assert(ledger_validators(&home.chain.ledger, &set, height));
    ck_assert_uint_eq(set.count, LATER);
}

static void teardown(void) {
    valset_close(&set);
    prompt_close();
}

static uint32_t index_of(uint32_t key) { return (uint32_t)valset_find(&set, &home.chain.addresses[key]); }

static struct vote make_vote(uint32_t key, int32_t type, int32_t round, const struct block_id *id) {
    struct vote vote;
    uint8_t bytes[VOTE_SIGN_BYTES_MAX];
    vote_init(&vote);
    vote.type = type;
    vote.height = height;
    vote.round = round;
    vote.block_id = *id;
    vote.timestamp = (struct timestamp){1700000000, 0};
    vote.validator_address = home.chain.addresses[key];
    vote.validator_index = (int32_t)index_of(key);
    vote.signature.size = 64;
    size_t size = vote_sign_bytes(bytes, &vote, span_text(CHAIN_ID));
    ed25519_sign(home.chain.keys[key], vote.signature.bytes, span_of(bytes, size));
    return vote;
}

/* What the accused's node kept of the height: its own votes, and prevotes of some for the other block at round 1. */
static void keep_votes(int64_t complete_from, const uint32_t *voters, uint32_t count) {
    char *path = complaint_of("%s/data/votes.db", home.path), *error = NULL, *note = NULL;
    struct disk *disk = disk_memory_new((struct disk_failure){NULL, NULL});
    struct kv *kv = kv_leveldb_open(path, NULL, (struct kv_failure){NULL, NULL}, &error);
    struct journal *journal = journal_open(disk, "data/cs.wal/wal", &note, &error);
    struct votejournal *votes = votejournal_open(kv, journal, span_text(CHAIN_ID), 0, 0);
    for (int64_t at = 1; at < height; at++)
        votejournal_end_height(votes, at, true, 0, 1);
    struct vote own[] = {make_vote(ACCUSED, VOTE_PRECOMMIT, 0, &one), make_vote(ACCUSED, VOTE_PREVOTE, 2, &other)};
    for (int i = 0; i < 2; i++)
        votejournal_vote(votes, &own[i], true);
    for (uint32_t i = 0; i < count; i++) {
        struct vote vote = make_vote(voters[i], VOTE_PREVOTE, 1, &other);
        votejournal_vote(votes, &vote, false);
    }
    votejournal_end_height(votes, height, true, 0, 1);
    votejournal_incomplete(votes, complete_from);
    votejournal_close(votes);
    journal_close(journal);
    kv_close(kv);
    disk_memory_free(disk);
    free(path);
}

static void write_request(const char *name, const struct audit_finding *finding, int64_t at, const char *chain_id) {
    struct audit_case audit = {.rule = AUDIT_STRICT, .height = at, .chain_id = span_text(chain_id)};
    struct audit_request request;
    struct emit emit;
    emit_init(&emit);
    audit_request_of(&request, &audit, finding);
    audit_request_emit(&emit, &request, "2026-01-31T12:00:00Z");
    prompt_write(name, span_of(emit.data, emit.size));
    emit_close(&emit);
}

static void ask(const char *name) {
    struct vote precommit = make_vote(ACCUSED, VOTE_PRECOMMIT, 0, &one), prevote = make_vote(ACCUSED, VOTE_PREVOTE, 2, &other);
    struct audit_finding finding = {.kind = AUDIT_A1, .who = home.chain.addresses[ACCUSED], .a = &precommit, .b = &prevote};
    write_request(name, &finding, height, CHAIN_ID);
}

static const uint32_t mighty[] = {4, 6, 7}, weak[] = {0, 1, 2, 3};

#define ANSWER "audit", "answer", "@request.json", "--home", "@home", "--out", "@answer.json"

START_TEST(a_polka_is_counted_with_the_validators_of_the_height_and_not_of_the_genesis) {
    keep_votes(0, mighty, 3);
    ask("request.json");
    chainhome_shut(&home);
    EXPECT_RUN(0, ANSWER);
    EXPECT_SAID("justified  yes: by the polka of round 1");
    EXPECT_SAID("complete   yes");
}
END_TEST

START_TEST(what_two_thirds_of_the_genesis_prevoted_is_no_polka_once_they_are_weak) {
    keep_votes(0, weak, 4);
    ask("request.json");
    chainhome_shut(&home);
    EXPECT_RUN(1, ANSWER);
    EXPECT_SAID("justified  NO");
    EXPECT_SAID("it convicts this key");
    blob_release(prompt_read("answer.json")); /* it is written all the same */
}
END_TEST

START_TEST(a_journal_that_begins_later_says_so_and_does_not_convict) {
    keep_votes(height + 5, weak, 4);
    ask("request.json");
    chainhome_shut(&home);
    EXPECT_RUN(1, ANSWER);
    EXPECT_SAID("the vote journal is complete from height");
    EXPECT_SAID("as it is not complete it does not convict");
}
END_TEST

START_TEST(a_home_whose_log_lacks_the_very_votes_says_so) {
    struct vote precommit, prevote;
    keep_votes(0, mighty, 3);
    precommit = make_vote(ACCUSED, VOTE_PRECOMMIT, 3, &one);
    prevote = make_vote(ACCUSED, VOTE_PREVOTE, 5, &other);
    struct audit_finding finding = {.kind = AUDIT_A1, .who = home.chain.addresses[ACCUSED], .a = &precommit, .b = &prevote};
    write_request("request.json", &finding, height, CHAIN_ID);
    chainhome_shut(&home);
    EXPECT_RUN(1, ANSWER);
    EXPECT_SAID("Is the key used elsewhere?");
}
END_TEST

START_TEST(what_cannot_be_known_is_told_and_the_answer_written_all_the_same) {
    struct vote precommit, prevote;
    keep_votes(0, mighty, 3);
    height += 7; /* far above the head */
    precommit = make_vote(ACCUSED, VOTE_PRECOMMIT, 0, &one);
    prevote = make_vote(ACCUSED, VOTE_PREVOTE, 2, &other);
    struct audit_finding finding = {.kind = AUDIT_A1, .who = home.chain.addresses[ACCUSED], .a = &precommit, .b = &prevote};
    write_request("request.json", &finding, height, CHAIN_ID);
    height -= 7;
    chainhome_shut(&home);
    EXPECT_RUN(11, ANSWER);
    EXPECT_SAID("the height is not over yet");
    EXPECT_SAID("the chain of this home ends at height");
    blob_release(prompt_read("answer.json"));
}
END_TEST

START_TEST(a_pruned_height_is_told) {
    keep_votes(0, mighty, 3);
    ask("request.json");
    struct kv_batch batch; /* as if pruning had gone on beyond it */
    kv_batch_init(&batch);
    for (int64_t at = 0; at < 20; at++) {
        struct key key = keys_height('v', at);
        kv_batch_delete(&batch, keys_span(&key));
    }
    kv_write(home.kv, &batch, true);
    kv_batch_close(&batch);
    chain_run(&home.chain, 3);
    chainhome_shut(&home);
    EXPECT_RUN(11, ANSWER);
    EXPECT_SAID("are pruned");
}
END_TEST

START_TEST(a_node_that_runs_is_asked_and_one_that_is_not_to_be_reached_is_told) {
    keep_votes(0, mighty, 3);
    ask("request.json");
    setenv("CMT_RPC_LADDR", "tcp://127.0.0.1:1", 1);
    EXPECT_RUN(11, ANSWER); /* the test has the store open, as a node would, but answers no RPC */
    unsetenv("CMT_RPC_LADDR");
    EXPECT_SAID("and asking the node itself");
    static struct parrot parrot; /* in the node's place; the validators that it names are others, so that it is seen who was asked */
    char laddr[64];
    smith_open();
    smith_grow_many(&parrot.chain, 20, &(struct smith_step){.set = 0xf});
    parrot_open(&parrot);
    snprintf(laddr, sizeof laddr, "tcp%s", strchr(parrot.url, ':'));
    setenv("CMT_RPC_LADDR", laddr, 1);
    EXPECT_RUN(2, ANSWER);
    unsetenv("CMT_RPC_LADDR");
    EXPECT_SAID("whom it asks was no validator at that height");
    parrot_close(&parrot);
    smith_close();
    chainhome_shut(&home);
}
END_TEST

START_TEST(requests_that_cannot_be_meant_are_refused_with_the_reason) {
    struct vote precommit = make_vote(ACCUSED, VOTE_PRECOMMIT, 0, &one), prevote = make_vote(ACCUSED, VOTE_PREVOTE, 2, &other);
    struct audit_finding finding = {.kind = AUDIT_A1, .who = home.chain.addresses[ACCUSED], .a = &precommit, .b = &prevote};
    static char text[80 << 10];
    keep_votes(0, mighty, 3);
    chain_shut(&home.chain);
    kv_close(home.kv);
    write_request("request.json", &finding, height, "another-chain");
    EXPECT_RUN(2, ANSWER);
    EXPECT_SAID("about another chain");
    write_request("request.json", &finding, height + 1, CHAIN_ID);
    EXPECT_RUN(2, ANSWER);
    EXPECT_SAID("of another height than its own");
    finding.who = home.chain.addresses[6];
    write_request("request.json", &finding, height, CHAIN_ID);
    EXPECT_RUN(2, ANSWER);
    EXPECT_SAID("of somebody else");
    precommit = make_vote(6, VOTE_PRECOMMIT, 0, &one);
    prevote = make_vote(6, VOTE_PREVOTE, 2, &other);
    write_request("request.json", &finding, height, CHAIN_ID);
    EXPECT_RUN(2, ANSWER);
    EXPECT_SAID("to another validator");
    finding.who = home.chain.addresses[ACCUSED];
    precommit = make_vote(ACCUSED, VOTE_PRECOMMIT, 0, &one);
    prevote = make_vote(ACCUSED, VOTE_PREVOTE, 2, &one);
    write_request("request.json", &finding, height, CHAIN_ID);
    EXPECT_RUN(2, ANSWER);
    EXPECT_SAID("no later prevote for another thing");
    prevote = make_vote(ACCUSED, VOTE_PREVOTE, 2, &other);
    prevote.signature.bytes[3] ^= 1;
    write_request("request.json", &finding, height, CHAIN_ID);
    EXPECT_RUN(2, ANSWER);
    EXPECT_SAID("somebody made it up");
    memset(text, ' ', sizeof text);
    prompt_write("request.json", span_of(text, sizeof text));
    EXPECT_RUN(2, ANSWER);
    EXPECT_SAID("at most 65536 bytes");
    prompt_write("request.json", span_text("{\"type\":\"quorate/audit-request\",\"chain_id\":7}"));
    EXPECT_RUN(2, ANSWER);
    EXPECT_SAID("names no chain");
    prompt_write("request.json", span_text("no json"));
    EXPECT_RUN(2, ANSWER);
    EXPECT_SAID("no audit request");
}
END_TEST

Suite *suite_audit_answer(void) {
    Suite *suite = suite_create("audit_answer");
    TCase *tests = tcase_create("commands");
    tcase_set_timeout(tests, 600);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_polka_is_counted_with_the_validators_of_the_height_and_not_of_the_genesis);
    tcase_add_test(tests, what_two_thirds_of_the_genesis_prevoted_is_no_polka_once_they_are_weak);
    tcase_add_test(tests, a_journal_that_begins_later_says_so_and_does_not_convict);
    tcase_add_test(tests, a_home_whose_log_lacks_the_very_votes_says_so);
    tcase_add_test(tests, what_cannot_be_known_is_told_and_the_answer_written_all_the_same);
    tcase_add_test(tests, a_pruned_height_is_told);
    tcase_add_test(tests, a_node_that_runs_is_asked_and_one_that_is_not_to_be_reached_is_told);
    tcase_add_test(tests, requests_that_cannot_be_meant_are_refused_with_the_reason);
    suite_add_tcase(suite, tests);
    return suite;
}
