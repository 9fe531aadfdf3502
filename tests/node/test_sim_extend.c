/* That whoever looks at a proposer's last commit from outside finds what is wrong with it, and nothing else. What a true proposer is about to tell its
 * application is falsified on the way. */
#include <check.h>
#include <stdlib.h>

#include "ledger/app_extender.h"
#include "node/sim_inside.h"
#include "tendermint/commit.h"

Suite *suite_sim_extend(void);

static struct sim *sim;
static void (*falsify)(const struct abci_block *block, struct abci_vote_info *votes, uint32_t *vote_count);
static uint32_t (*watched)(struct app *app, struct app_proposed **out, const struct abci_block *block, int64_t bytes_max, struct arena *arena);

static uint32_t tell_something_else(struct app *app, struct app_proposed **out, const struct abci_block *block, int64_t bytes_max, struct arena *arena) {
    struct abci_block told = *block;
    struct abci_vote_info votes[8];
    ck_assert_uint_le(block->vote_count, 8);
    for (uint32_t i = 0; i < block->vote_count; i++)
        votes[i] = block->votes[i];
    if (block->vote_count > 0)
        falsify(block, votes, &told.vote_count);
    told.votes = votes;
    return watched(app, out, &told, bytes_max, arena);
}

/* Four of them, with extensions on from that height on, at height 3. */
static void begin(int64_t enable_height) {
    struct sim_config config;
    sim_defaults(&config);
    config.seed = 3;
    config.app = "extender";
    config.extensions_enable_height = enable_height;
    sim = sim_new(&config);
    ck_assert(sim_run_to_height(sim, 3, 60000));
    ck_assert_str_eq(sim_complaint(sim), "");
}

static void go_on_falsely(void (*how)(const struct abci_block *block, struct abci_vote_info *votes, uint32_t *vote_count)) {
    falsify = how;
    watched = sim->nodes[0].patched_table.rewrite_proposal;
    for (uint32_t i = 0; i < 4; i++)
        sim->nodes[i].patched_table.rewrite_proposal = tell_something_else;
    sim_run_for(sim, 20000);
}

static void must_complain(const char *text) {
    ck_assert_msg(strstr(sim_complaint(sim), text) != NULL, "\"%s\" instead of \"%s\"", sim_complaint(sim), text);
    ck_assert_ptr_nonnull(strstr(sim_complaint(sim), "proposer "));
    sim_free(sim);
}

/* The first vote for the block whose extension is not empty. */
static struct abci_vote_info *first_of(struct abci_vote_info *votes, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        if (votes[i].flag == COMMIT_FOR_BLOCK && votes[i].extension.size > 0)
            return &votes[i];
    return NULL;
}

static uint32_t node_of(const struct abci_vote_info *vote) {
    for (uint32_t i = 0; i < 4; i++)
        if (address_equal(sim_address(sim, i), &vote->address))
            return i;
    ck_abort();
}

/* Another extension, with the right key. */
static void sign_another(const struct abci_block *block, struct abci_vote_info *vote) {
    static uint8_t signature[64];
    uint8_t bytes[256];
    vote->extension = span_text("something else");
    size_t size = vote_extension_sign_bytes(bytes, sizeof bytes, vote->extension, block->height - 1, block->commit_round, span_text("sim"));
    ed25519_sign(sim_key(sim, node_of(vote)), signature, span_of(bytes, size));
    vote->extension_signature = span_of(signature, sizeof signature);
}

static void change_nothing(const struct abci_block *block, struct abci_vote_info *votes, uint32_t *count) {
    (void)block;
    (void)votes;
    (void)count;
}

START_TEST(a_true_last_commit_is_no_complaint) {
    begin(1);
    go_on_falsely(change_nothing);
    ck_assert_str_eq(sim_complaint(sim), "");
    ck_assert_int_gt(sim_ledger(sim, 0)->state.height, 10);
    sim_free(sim);
}
END_TEST

static void forget_a_vote(const struct abci_block *block, struct abci_vote_info *votes, uint32_t *count) {
    (void)block;
    (void)votes;
    (*count)--;
}

START_TEST(a_vote_that_the_proposer_is_not_told_of_is_seen) {
    begin(1);
    go_on_falsely(forget_a_vote);
    must_complain("hears of 3 votes instead of 4");
}
END_TEST

static void drop_signature(const struct abci_block *block, struct abci_vote_info *votes, uint32_t *count) {
    (void)block;
    struct abci_vote_info *vote = first_of(votes, *count);
    if (vote != NULL)
        vote->extension_signature = span_of(NULL, 0);
}

START_TEST(an_extension_without_a_signature_is_seen) {
    begin(1);
    go_on_falsely(drop_signature);
    must_complain("has no signed extension");
}
END_TEST

static void change_extension(const struct abci_block *block, struct abci_vote_info *votes, uint32_t *count) {
    (void)block;
    struct abci_vote_info *vote = first_of(votes, *count);
    if (vote != NULL)
        vote->extension = span_text("something else");
}

START_TEST(an_extension_that_nobody_signed_is_seen) {
    begin(1);
    go_on_falsely(change_extension);
    must_complain("has an extension that its validator did not sign");
}
END_TEST

static void swap_extensions(const struct abci_block *block, struct abci_vote_info *votes, uint32_t *count) {
    (void)block;
    struct abci_vote_info *first = first_of(votes, *count), *second = first == NULL ? NULL : first_of(first + 1, *count - (uint32_t)(first + 1 - votes));
    if (second == NULL)
        return;
    struct span signature = first->extension_signature;
    first->extension_signature = second->extension_signature;
    second->extension_signature = signature;
}

START_TEST(a_signature_under_another_validators_name_is_seen) {
    begin(1);
    go_on_falsely(swap_extensions);
    must_complain("has an extension that its validator did not sign");
}
END_TEST

static void sign_a_wrong_one(const struct abci_block *block, struct abci_vote_info *votes, uint32_t *count) {
    struct abci_vote_info *vote = first_of(votes, *count);
    if (vote != NULL)
        sign_another(block, vote);
}

START_TEST(a_wrong_extension_of_an_honest_validator_is_seen) {
    begin(1);
    go_on_falsely(sign_a_wrong_one);
    must_complain("has a wrong extension of an honest validator");
}
END_TEST

static void sign_wrong_ones_of_liars(const struct abci_block *block, struct abci_vote_info *votes, uint32_t *count) {
    for (uint32_t i = 0; i < *count; i++)
        if (votes[i].flag == COMMIT_FOR_BLOCK && votes[i].extension_signature.size > 0 && node_of(&votes[i]) == 3)
            sign_another(block, &votes[i]);
}

START_TEST(a_liar_may_extend_its_vote_with_anything) {
    begin(1);
    sim_set_faulty(sim, 3);
    go_on_falsely(sign_wrong_ones_of_liars);
    ck_assert_str_eq(sim_complaint(sim), "");
    sim_free(sim);
}
END_TEST

static void extend_all(const struct abci_block *block, struct abci_vote_info *votes, uint32_t *count) {
    for (uint32_t i = 0; i < *count; i++)
        sign_another(block, &votes[i]);
}

START_TEST(an_extension_where_they_are_not_on_is_seen) {
    begin(0);
    go_on_falsely(extend_all);
    must_complain("has an extension where none belongs");
}
END_TEST

static void extend_nil(const struct abci_block *block, struct abci_vote_info *votes, uint32_t *count) {
    (void)block;
    struct abci_vote_info *vote = first_of(votes, *count);
    if (vote != NULL)
        vote->flag = COMMIT_FOR_NIL;
}

START_TEST(an_extension_of_a_vote_for_nil_is_seen) {
    begin(1);
    go_on_falsely(extend_nil);
    must_complain("has an extension where none belongs");
}
END_TEST

static void keep_two(const struct abci_block *block, struct abci_vote_info *votes, uint32_t *count) {
    (void)block;
    for (uint32_t i = 0; i + 2 < *count; i++)
        votes[i] = (struct abci_vote_info){.address = votes[i].address, .power = votes[i].power, .flag = COMMIT_ABSENT};
}

START_TEST(a_last_commit_of_half_the_power_is_seen) {
    begin(1);
    go_on_falsely(keep_two);
    must_complain("the last height's votes it knows are no two thirds");
}
END_TEST

Suite *suite_sim_extend(void) {
    Suite *suite = suite_create("sim_extend");
    TCase *tests = tcase_create("sim_extend");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, a_true_last_commit_is_no_complaint);
    tcase_add_test(tests, a_vote_that_the_proposer_is_not_told_of_is_seen);
    tcase_add_test(tests, an_extension_without_a_signature_is_seen);
    tcase_add_test(tests, an_extension_that_nobody_signed_is_seen);
    tcase_add_test(tests, a_signature_under_another_validators_name_is_seen);
    tcase_add_test(tests, a_wrong_extension_of_an_honest_validator_is_seen);
    tcase_add_test(tests, a_liar_may_extend_its_vote_with_anything);
    tcase_add_test(tests, an_extension_where_they_are_not_on_is_seen);
    tcase_add_test(tests, an_extension_of_a_vote_for_nil_is_seen);
    tcase_add_test(tests, a_last_commit_of_half_the_power_is_seen);
    suite_add_tcase(suite, tests);
    return suite;
}
