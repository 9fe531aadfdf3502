#include "node/signer.h"

#include <check.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/node/leaks.h"
#include "tests/trials.h"

#define NAME "data/priv_validator_state.json"
#define TWIN "data/priv_validator_state.alt"

static jmp_buf failed;
static void note_failure(void *context, const char *what) __attribute__((noreturn));
static void note_failure(void *context, const char *what) {
    (void)context;
    (void)what;
    longjmp(failed, 1);
}
static const struct disk_failure failure = {.fail = note_failure};

static struct disk *disk;
static struct signer *signer;
static struct span chain;

static struct ed25519_key *some_key(uint8_t fill) {
    uint8_t seed[32];
    memset(seed, fill, sizeof seed);
    return ed25519_key_new(seed);
}

static struct signer *must_open(int64_t chain_height) {
    char *error = NULL;
    struct signer *opened = signer_open(disk, NAME, some_key(1), chain_height, &error);
    ck_assert_msg(opened != NULL, "%s", error);
    return opened;
}

static void setup(void) {
    chain = span_text("test-chain");
    disk = disk_memory_new(failure);
    signer = must_open(0);
}

static void teardown(void) {
    signer_free(signer);
    disk_memory_free(disk);
}

static void reopen(void) {
    signer_free(signer);
    signer = must_open(5);
}

static struct block_id block_of(uint8_t fill) {
    uint8_t hash[32];
    memset(hash, fill, sizeof hash);
    return fill == 0 ? (struct block_id){0} : (struct block_id){digest_of(hash), {1, digest_of(hash)}};
}

static struct vote vote_of(int32_t type, int64_t height, int32_t round, uint8_t block, int64_t time) {
    struct vote vote;
    vote_init(&vote);
    vote.type = type;
    vote.height = height;
    vote.round = round;
    vote.block_id = block_of(block);
    vote.timestamp = (struct timestamp){time, 0};
    return vote;
}

static struct proposal proposal_of(int64_t height, int32_t round, int32_t pol_round, uint8_t block, int64_t time) {
    return (struct proposal){VOTE_PROPOSAL, height, round, pol_round, block_of(block), {time, 0}, {0}};
}

static enum signer_verdict sign(int32_t type, int64_t height, int32_t round, uint8_t block, int64_t time) {
    struct vote vote = vote_of(type, height, round, block, time);
    enum signer_verdict verdict = signer_vote(signer, &vote, chain);
    struct pubkey key;
    signer_public(signer, &key);
    if (verdict <= SIGNER_SAME)
        ck_assert(vote_verify_vartime(&vote, chain, &key));
    else
        ck_assert(vote.signature.size == 0 && vote.timestamp.seconds == time);
    return verdict;
}

static enum signer_verdict propose(int64_t height, int32_t round, int32_t pol_round, uint8_t block, int64_t time) {
    struct proposal proposal = proposal_of(height, round, pol_round, block, time);
    enum signer_verdict verdict = signer_proposal(signer, &proposal, chain);
    struct pubkey key;
    signer_public(signer, &key);
    if (verdict <= SIGNER_SAME)
        ck_assert(proposal_verify_vartime(&proposal, chain, &key));
    else
        ck_assert(proposal.signature.size == 0);
    return verdict;
}

START_TEST(heights_rounds_and_steps_only_rise) {
    ck_assert_int_eq(propose(10, 1, -1, 'A', 1), SIGNER_SIGNED);
    ck_assert_int_eq(sign(VOTE_PREVOTE, 10, 1, 'A', 1), SIGNER_SIGNED);
    ck_assert_int_eq(sign(VOTE_PRECOMMIT, 10, 1, 'A', 1), SIGNER_SIGNED);
    for (int turn = 0; turn < 2; turn++) { /* the same after a restart */
        ck_assert_int_eq(propose(9, 5, -1, 'A', 1), SIGNER_REGRESSION_HEIGHT);
        ck_assert_int_eq(sign(VOTE_PRECOMMIT, 9, 5, 'A', 1), SIGNER_REGRESSION_HEIGHT);
        ck_assert_int_eq(sign(VOTE_PRECOMMIT, 10, 0, 'A', 1), SIGNER_REGRESSION_ROUND);
        ck_assert_int_eq(sign(VOTE_PREVOTE, 10, 1, 'A', 1), SIGNER_REGRESSION_STEP);
        ck_assert_int_eq(propose(10, 1, -1, 'A', 1), SIGNER_REGRESSION_STEP);
        ck_assert_int_eq(sign(VOTE_PRECOMMIT, 10, 1, 'A', 1), SIGNER_SAME);
        reopen();
    }
    ck_assert_int_eq(propose(10, 2, -1, 'B', 1), SIGNER_SIGNED);
    ck_assert_int_eq(sign(VOTE_PREVOTE, 11, 0, 'B', 1), SIGNER_SIGNED);
}
END_TEST

START_TEST(the_same_vote_gets_the_same_signature_and_its_old_time) {
    struct vote first = vote_of(VOTE_PREVOTE, 10, 0, 'A', 1), later = vote_of(VOTE_PREVOTE, 10, 0, 'A', 99);
    ck_assert_int_eq(signer_vote(signer, &first, chain), SIGNER_SIGNED);
    reopen();
    ck_assert_int_eq(signer_vote(signer, &later, chain), SIGNER_SAME);
    ck_assert_int_eq(later.timestamp.seconds, 1);
    ck_assert_mem_eq(later.signature.bytes, first.signature.bytes, 64);
}
END_TEST

START_TEST(the_same_proposal_gets_the_same_signature_and_its_old_time) {
    struct proposal first = proposal_of(10, 1, 0, 'A', 1), later = proposal_of(10, 1, 0, 'A', 99);
    ck_assert_int_eq(signer_proposal(signer, &first, chain), SIGNER_SIGNED);
    reopen();
    ck_assert_int_eq(signer_proposal(signer, &later, chain), SIGNER_SAME);
    ck_assert_int_eq(later.timestamp.seconds, 1);
    ck_assert_mem_eq(later.signature.bytes, first.signature.bytes, 64);
    ck_assert_int_eq(propose(10, 1, -1, 'A', 1), SIGNER_CONFLICT);
}
END_TEST

START_TEST(something_else_at_the_same_place_is_refused) {
    ck_assert_int_eq(sign(VOTE_PREVOTE, 10, 0, 'A', 1), SIGNER_SIGNED);
    ck_assert_int_eq(sign(VOTE_PREVOTE, 10, 0, 'B', 1), SIGNER_CONFLICT);
    ck_assert_int_eq(sign(VOTE_PREVOTE, 10, 0, 0, 1), SIGNER_CONFLICT);
    chain = span_text("another-chain");
    ck_assert_int_eq(sign(VOTE_PREVOTE, 10, 0, 'A', 1), SIGNER_CONFLICT);
    ck_assert_int_eq(sign(VOTE_PREVOTE, 10, 1, 'A', 1), SIGNER_SIGNED);
}
END_TEST

START_TEST(a_stopped_signer_signs_nothing) {
    signer_stop(signer);
    ck_assert_int_eq(sign(VOTE_PREVOTE, 10, 0, 'A', 1), SIGNER_STOPPED);
    ck_assert_int_eq(propose(10, 0, -1, 'A', 1), SIGNER_STOPPED);
}
END_TEST

START_TEST(extensions_are_signed_anew_and_only_where_they_belong) {
    struct vote vote = vote_of(VOTE_PRECOMMIT, 10, 0, 'A', 1), again = vote, nil = vote_of(VOTE_PRECOMMIT, 11, 0, 0, 1);
    vote.extension = span_text("x");
    again.extension = span_text("y");
    ck_assert_int_eq(signer_vote(signer, &vote, chain), SIGNER_SIGNED);
    ck_assert_int_eq(signer_vote(signer, &again, chain), SIGNER_SAME);
    ck_assert_mem_eq(vote.signature.bytes, again.signature.bytes, 64);
    uint8_t bytes[256];
    struct pubkey key;
    signer_public(signer, &key);
    size_t size = vote_extension_sign_bytes(bytes, sizeof bytes, again.extension, 10, 0, chain);
    ck_assert(pubkey_verify_vartime(&key, span_of(bytes, size), &again.extension_signature));
    ck_assert(!pubkey_verify_vartime(&key, span_of(bytes, size), &vote.extension_signature));
    nil.extension = span_text("");
    ck_assert_int_eq(signer_vote(signer, &nil, chain), SIGNER_SIGNED);
    ck_assert_uint_eq(nil.extension_signature.size, 0);
    struct vote without = vote_of(VOTE_PRECOMMIT, 12, 0, 'A', 1), empty = vote_of(VOTE_PRECOMMIT, 13, 0, 'A', 1);
    empty.extension = span_text("");
    ck_assert_int_eq(signer_vote(signer, &without, chain), SIGNER_SIGNED);
    ck_assert_uint_eq(without.extension_signature.size, 0);
    ck_assert_int_eq(signer_vote(signer, &empty, chain), SIGNER_SIGNED);
    ck_assert_uint_eq(empty.extension_signature.size, 64);
}
END_TEST

START_TEST(the_mark_tells_the_last_place) {
    int64_t height;
    int32_t round, step;
    sign(VOTE_PREVOTE, 10, 3, 'A', 1);
    signer_mark(signer, &height, &round, &step);
    ck_assert(height == 10 && round == 3 && step == 2);
}
END_TEST

/* Files */

static void put_file(const char *name, const char *text) { disk->table->replace(disk, name, span_text(text)); }

static char *refusal(int64_t chain_height) {
    char *error = NULL;
    ck_assert_ptr_null(signer_open(disk, NAME, some_key(1), chain_height, &error));
    ck_assert_ptr_nonnull(error);
    return error;
}

static void expect_refusal(int64_t chain_height, const char *begin, const char *advice) {
    char *error = refusal(chain_height);
    ck_assert_msg(strncmp(error, NAME ": ", sizeof NAME + 1) == 0, "%s", error);
    ck_assert_msg(strstr(error, begin) != NULL && strstr(error, advice) != NULL, "%s", error);
    free(error);
}

START_TEST(a_missing_mark_is_refused_when_the_chain_has_blocks) {
    expect_refusal(1, "missing, though the chain has 1 blocks", "Restore it");
    ck_assert_int_eq(sign(VOTE_PREVOTE, 1, 0, 'A', 1), SIGNER_SIGNED);
    disk->table->remove(disk, NAME);
    expect_refusal(0, "missing, though its twin", "Restore it");
    expect_refusal(1, "missing, though its twin", "Restore it");
}
END_TEST

START_TEST(a_blank_mark_is_a_mark) {
    put_file(NAME, "{\"height\":\"0\",\"round\":0,\"step\":0}");
    reopen();
    ck_assert_int_eq(sign(VOTE_PREVOTE, 1, 0, 'A', 1), SIGNER_SIGNED);
}
END_TEST

START_TEST(a_mark_raised_by_hand_forbids_all_up_to_it) {
    put_file(NAME, "{\"height\":\"10\",\"round\":0,\"step\":3}");
    reopen();
    ck_assert_int_eq(sign(VOTE_PRECOMMIT, 10, 0, 'A', 1), SIGNER_CONFLICT);
    ck_assert_int_eq(sign(VOTE_PREVOTE, 10, 0, 'A', 1), SIGNER_REGRESSION_STEP);
    ck_assert_int_eq(sign(VOTE_PREVOTE, 9, 0, 'A', 1), SIGNER_REGRESSION_HEIGHT);
    ck_assert_int_eq(sign(VOTE_PREVOTE, 11, 0, 'A', 1), SIGNER_SIGNED);
}
END_TEST

START_TEST(two_unreadable_marks_are_refused_with_what_to_do) {
    sign(VOTE_PREVOTE, 1, 0, 'A', 1);
    sign(VOTE_PREVOTE, 2, 0, 'A', 1);
    put_file(NAME, "");
    put_file(TWIN, "{");
    expect_refusal(0, "does not hold a whole signing mark", "\"height\":\"H\"");
    disk->table->remove(disk, TWIN);
    expect_refusal(0, "does not hold a whole signing mark", "\"height\":\"H\"");
}
END_TEST

START_TEST(one_unreadable_mark_is_healed_from_the_other) {
    for (int which = 0; which < 4; which++) {
        signer_free(signer);
        disk_memory_free(disk);
        disk = disk_memory_new(failure);
        signer = must_open(0);
        for (int64_t height = 1; height <= 3 + which / 2; height++)
            sign(VOTE_PREVOTE, height, 0, 'A', 1);
        put_file(which % 2 == 0 ? NAME : TWIN, "garbage");
        reopen();
        ck_assert_int_eq(sign(VOTE_PREVOTE, 3 + which / 2, 0, 'B', 1), SIGNER_CONFLICT);
        ck_assert_int_eq(sign(VOTE_PREVOTE, 10, 0, 'A', 1), SIGNER_SIGNED);
        reopen();
        ck_assert_int_eq(sign(VOTE_PREVOTE, 10, 0, 'B', 1), SIGNER_CONFLICT);
    }
}
END_TEST

START_TEST(the_mark_of_another_key_is_refused) {
    sign(VOTE_PREVOTE, 1, 0, 'A', 1);
    char *error = NULL;
    ck_assert_ptr_null(signer_open(disk, NAME, some_key(2), 5, &error));
    ck_assert_ptr_nonnull(strstr(error, "of this key"));
    free(error);
}
END_TEST

START_TEST(a_mark_that_tells_another_place_than_it_signed_is_refused) {
    char text[SIGNER_MARK_TEXT_SIZE];
    struct signer_mark_state mark;
    sign(VOTE_PREVOTE, 5, 0, 'A', 1);
    struct blob *blob = disk->table->read(disk, NAME, 0, 4096);
    ck_assert(signer_mark_parse(&mark, blob_span(blob)));
    blob_release(blob);
    disk->table->remove(disk, TWIN);
    mark.height = 4;
    signer_mark_text(text, sizeof text, &mark);
    put_file(NAME, text);
    free(refusal(0));
    mark.height = 5;
    mark.step = 3;
    signer_mark_text(text, sizeof text, &mark);
    put_file(NAME, text);
    free(refusal(0));
    mark.step = 2;
    signer_mark_text(text, sizeof text, &mark);
    put_file(NAME, text);
    reopen();
    ck_assert_int_eq(sign(VOTE_PREVOTE, 5, 0, 'B', 1), SIGNER_CONFLICT);
}
END_TEST

START_TEST(a_new_mark_costs_one_flush) {
    sign(VOTE_PREVOTE, 1, 0, 'A', 1);
    for (int64_t height = 2; height < 10; height++) {
        uint64_t before = disk->flushes;
        ck_assert_int_eq(sign(VOTE_PREVOTE, height, 0, 'A', 1), SIGNER_SIGNED);
        ck_assert_uint_eq(disk->flushes, before + 1);
        ck_assert_int_eq(sign(VOTE_PREVOTE, height, 0, 'A', 2), SIGNER_SAME);
        ck_assert_int_eq(sign(VOTE_PREVOTE, height, 0, 'B', 2), SIGNER_CONFLICT);
        ck_assert_uint_eq(disk->flushes, before + 1);
    }
}
END_TEST

START_TEST(both_files_hold_the_last_mark_in_cometbfts_format) {
    for (int64_t height = 1; height < 5; height++) {
        sign(VOTE_PREVOTE, height, 0, 'A', 1);
        for (int i = 0; i < 2; i++) {
            struct blob *blob = disk->table->read(disk, i == 0 ? NAME : TWIN, 0, 4096);
            struct signer_mark_state mark;
            ck_assert(signer_mark_parse(&mark, blob_span(blob)));
            ck_assert_int_eq(mark.height, height);
            blob_release(blob);
        }
    }
}
END_TEST

/* The text */

START_TEST(the_text_is_cometbfts) {
    char text[SIGNER_MARK_TEXT_SIZE];
    struct signer_mark_state mark = {.height = 12, .round = 3, .step = 2}, back;
    ck_assert_uint_eq(signer_mark_text(text, sizeof text, &mark), strlen(text));
    ck_assert_str_eq(text, "{\n  \"height\": \"12\",\n  \"round\": 3,\n  \"step\": 2\n}");
    mark.signature = (struct signature){.size = 3, .bytes = {1, 2, 0xff}};
    memcpy(mark.sign_bytes, "\x0a\xbc", 2);
    mark.sign_bytes_size = 2;
    signer_mark_text(text, sizeof text, &mark);
    ck_assert_str_eq(text, "{\n  \"height\": \"12\",\n  \"round\": 3,\n  \"step\": 2,\n  \"signature\": \"AQL/\",\n  \"signbytes\": \"0ABC\"\n}");
    ck_assert(signer_mark_parse(&back, span_text(text)));
    ck_assert(back.height == 12 && back.round == 3 && back.step == 2 && back.sign_bytes_size == 2 && back.signature.size == 3);
    mark = (struct signer_mark_state){INT64_MAX, INT32_MAX, 3, {64, {0}}, VOTE_SIGN_BYTES_MAX, {0}};
    signer_mark_text(text, sizeof text, &mark);
    ck_assert(signer_mark_parse(&back, span_text(text)) && back.height == INT64_MAX);
}
END_TEST

START_TEST(other_texts_are_no_marks) {
    static const char *const texts[] = {
        "", "{}", "[]", "null", "{\"height\":0,\"round\":0,\"step\":0}", "{\"height\":\"\",\"round\":0,\"step\":0}",
        "{\"height\":\"-1\",\"round\":0,\"step\":0}", "{\"height\":\"9223372036854775808\",\"round\":0,\"step\":0}",
        "{\"height\":\"1\",\"round\":-1,\"step\":0}", "{\"height\":\"1\",\"round\":2147483648,\"step\":0}",
        "{\"height\":\"1\",\"round\":0,\"step\":4}", "{\"height\":\"1\",\"round\":0}", "{\"height\":\"1\",\"round\":0,\"step\":0,\"x\":1}",
        "{\"height\":\"1\",\"height\":\"1\",\"round\":0,\"step\":0}", "{\"height\":\"1\",\"round\":0,\"step\":1,\"signature\":\"AQL/\"}",
        "{\"height\":\"1\",\"round\":0,\"step\":1,\"signbytes\":\"0A\"}", "{\"height\":\"1\",\"round\":0,\"step\":1,\"signature\":\"\",\"signbytes\":\"\"}",
        "{\"height\":\"1\",\"round\":0,\"step\":1,\"signature\":\"AQL/\",\"signbytes\":\"0\"}", "{\"height\":\"1\",\"round\":0,\"step\":0} x",
        "{\"height\":\"0x1\",\"round\":0,\"step\":0}",
    };
    struct signer_mark_state mark = {.height = 77};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        ck_assert_msg(!signer_mark_parse(&mark, span_text(texts[i])), "%s", texts[i]);
    ck_assert_int_eq(mark.height, 77);
    ck_assert(signer_mark_parse(&mark, span_text(" {\"height\":\"1\",\"round\":0,\"step\":0}\n   ")));
}
END_TEST

/* Every crash: what left the signer, for every place. */

#define PLACES 40
static struct {
    bool left;
    struct vote vote;
} sent[PLACES];

static struct vote vote_at(int place, uint8_t block, int64_t time) {
    static const int32_t types[] = {VOTE_PREVOTE, VOTE_PRECOMMIT};
    return vote_of(types[place % 2], 95 + place / 4, place / 2 % 2, block, time);
}

/* Signs place after place; each call of the disk may be the last. */
static bool run_and_fall(volatile int *place, int64_t time, uint8_t block) {
    char *error = NULL;
    struct signer *volatile opened = NULL;
    if (setjmp(failed) != 0)
        return false;
    opened = signer_open(disk, NAME, some_key(1), *place > 0 && sent[*place - 1].left ? 1 : 0, &error);
    ck_assert_msg(opened != NULL, "%s", error);
    for (; *place < PLACES; ++*place) {
        struct vote vote = vote_at(*place, block, time);
        enum signer_verdict verdict = signer_vote(opened, &vote, chain);
        if (verdict > SIGNER_SAME) /* a mark came to the platter whose signature never left: no vote here any more */
            continue;
        if (sent[*place].left)
            ck_assert_mem_eq(vote.signature.bytes, sent[*place].vote.signature.bytes, 64);
        sent[*place].left = true;
        sent[*place].vote = vote;
    }
    signer_free(opened);
    return true;
}

static bool run_until_crash(volatile int *place, int64_t time, uint8_t block) {
    leaks_are_meant();
    bool finished = run_and_fall(place, time, block);
    leaks_are_told();
    return finished;
}

/* A crash at every call, then more crashes: what left must come back with its own signature or be refused, whatever block and
 * time we would like now. */
START_TEST(no_crash_lets_a_second_signature_out_or_forgets_one_that_left) {
    bool finished = false;
    for (uint64_t fail_after = 1; !finished && fail_after < 200; fail_after++) {
        for (uint64_t chance = 0; chance < trials(40); chance++) {
            volatile int place = 0;
            signer_free(signer);
            disk_memory_free(disk);
            disk = disk_memory_new(failure);
            signer = NULL;
            memset(sent, 0, sizeof sent);
            disk_memory_fail_after(disk, fail_after);
            finished = run_until_crash(&place, 1, 'A');
            for (uint64_t again = 1; again <= 3 && place < PLACES; again++) {
                if ((chance + again) % 2 == 0) /* else only the process died: what it wrote is there, but maybe not on the platter */
                    disk_memory_crash(disk, chance * 7 + again);
                disk_memory_fail_after(disk, again == 3 ? 0 : 1 + (fail_after + chance) % 7);
                if (place > 0)
                    place = place - 1; /* ask again for what left last */
                (void)run_until_crash(&place, 1 + (int64_t)again, again % 2 == 1 ? 'B' : 'A');
            }
        }
    }
    ck_assert(finished);
}
END_TEST

START_TEST(after_a_crash_a_different_vote_for_a_place_that_left_is_refused) {
    for (uint64_t fail_after = 1; fail_after < 60; fail_after++) {
        for (uint64_t chance = 0; chance < trials(100); chance++) {
            volatile int place = 0;
            char *error = NULL;
            signer_free(signer);
            disk_memory_free(disk);
            disk = disk_memory_new(failure);
            signer = NULL;
            memset(sent, 0, sizeof sent);
            disk_memory_fail_after(disk, fail_after);
            (void)run_until_crash(&place, 1, 'A');
            disk_memory_crash(disk, chance);
            signer = signer_open(disk, NAME, some_key(1), 0, &error);
            ck_assert_msg(signer != NULL, "call %d chance %d: %s", (int)fail_after, (int)chance, error);
            for (int i = 0; i < place; i++) {
                struct vote other = vote_at(i, 'B', 1);
                ck_assert_int_gt(signer_vote(signer, &other, chain), SIGNER_SAME);
            }
        }
    }
}
END_TEST

/* What the mark says was signed is our vote, also when we would judge otherwise by now; other places and precommits stay refused. */
START_TEST(a_prevote_signed_before_is_given_back_in_place_of_another) {
    ck_assert_int_eq(sign(VOTE_PREVOTE, 10, 2, 0, 7), SIGNER_SIGNED);
    reopen();
    struct vote vote = vote_of(VOTE_PREVOTE, 10, 2, 'B', 9);
    struct pubkey key;
    signer_public(signer, &key);
    ck_assert_int_eq(signer_vote(signer, &vote, chain), SIGNER_CONFLICT);
    ck_assert(signer_marked_prevote(signer, &vote, chain));
    ck_assert(block_id_is_nil(&vote.block_id) && vote.timestamp.seconds == 7);
    ck_assert(vote_verify_vartime(&vote, chain, &key));
    vote = vote_of(VOTE_PREVOTE, 10, 2, 'B', 9);
    ck_assert(!signer_marked_prevote(signer, &vote, span_text("other-chain")));
    vote.round = 3;
    ck_assert(!signer_marked_prevote(signer, &vote, chain));
    struct block_id untouched = block_of('B');
    ck_assert(block_id_equal(&vote.block_id, &untouched));
}
END_TEST

START_TEST(a_precommit_signed_before_is_not_given_back_in_place_of_another) {
    ck_assert_int_eq(sign(VOTE_PRECOMMIT, 10, 2, 'A', 7), SIGNER_SIGNED);
    struct vote vote = vote_of(VOTE_PRECOMMIT, 10, 2, 0, 9);
    ck_assert(!signer_marked_prevote(signer, &vote, chain));
    vote.type = VOTE_PREVOTE;
    ck_assert(!signer_marked_prevote(signer, &vote, chain));
}
END_TEST

Suite *suite_signer(void);
Suite *suite_signer(void) {
    Suite *suite = suite_create("signer");
    TCase *tests = tcase_create("signer");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 240);
    tcase_add_test(tests, heights_rounds_and_steps_only_rise);
    tcase_add_test(tests, the_same_vote_gets_the_same_signature_and_its_old_time);
    tcase_add_test(tests, the_same_proposal_gets_the_same_signature_and_its_old_time);
    tcase_add_test(tests, something_else_at_the_same_place_is_refused);
    tcase_add_test(tests, a_stopped_signer_signs_nothing);
    tcase_add_test(tests, extensions_are_signed_anew_and_only_where_they_belong);
    tcase_add_test(tests, the_mark_tells_the_last_place);
    tcase_add_test(tests, a_missing_mark_is_refused_when_the_chain_has_blocks);
    tcase_add_test(tests, a_blank_mark_is_a_mark);
    tcase_add_test(tests, a_mark_raised_by_hand_forbids_all_up_to_it);
    tcase_add_test(tests, two_unreadable_marks_are_refused_with_what_to_do);
    tcase_add_test(tests, one_unreadable_mark_is_healed_from_the_other);
    tcase_add_test(tests, the_mark_of_another_key_is_refused);
    tcase_add_test(tests, a_mark_that_tells_another_place_than_it_signed_is_refused);
    tcase_add_test(tests, a_new_mark_costs_one_flush);
    tcase_add_test(tests, both_files_hold_the_last_mark_in_cometbfts_format);
    tcase_add_test(tests, the_text_is_cometbfts);
    tcase_add_test(tests, other_texts_are_no_marks);
    tcase_add_test(tests, a_prevote_signed_before_is_given_back_in_place_of_another);
    tcase_add_test(tests, a_precommit_signed_before_is_not_given_back_in_place_of_another);
    suite_add_tcase(suite, tests);
    TCase *crashes = tcase_create("trials");
    tcase_add_checked_fixture(crashes, setup, teardown);
    tcase_set_timeout(crashes, 240);
    tcase_add_test(crashes, no_crash_lets_a_second_signature_out_or_forgets_one_that_left);
    tcase_add_test(crashes, after_a_crash_a_different_vote_for_a_place_that_left_is_refused);
    suite_add_tcase(suite, crashes);
    return suite;
}
