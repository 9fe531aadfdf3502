/* Headers between the genesis and a height whose validators are all others: chosen by skipping, from chains that have them, lack them, or lie. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/audit_links.h"
#include "node/cmd_audit.h"
#include "node/complaint.h"
#include "tests/node/chainhome.h"
#include "tests/node/prompt.h"
#include "tests/tendermint/smith.h"

Suite *suite_audit_links(void);

/* ---- chains of light blocks */

struct place {
    struct smith_chain chain;
    int64_t lowest, highest; /* 0: all */
    bool gone;
    uint32_t asked;
};

static struct place honest, second;
static struct docket *docket;
static struct docket_source *note;
static struct audit_links links;

static enum light_answer fetch(void *context, int64_t height, struct light_block **block, char **why) {
    struct place *place = context;
    place->asked++;
    *why = complaint_of("so it is at height %lld", (long long)height);
    if (place->gone)
        return LIGHT_ANSWER_NO_RESPONSE;
    if (height > place->chain.count || (place->highest > 0 && height > place->highest))
        return LIGHT_ANSWER_TOO_HIGH;
    if (height < place->lowest)
        return LIGHT_ANSWER_NOT_FOUND;
    *block = light_block_hold(smith_at(&place->chain, height));
    return LIGHT_ANSWER_BLOCK;
}

static struct light_source source_of(struct place *place) { return (struct light_source){"place", place, fetch, NULL}; }

/* Of ten keys one goes and one comes with each height; up to height 22 none comes back. */
static uint32_t members_at(int64_t height) {
    uint32_t set = 0;
    for (int64_t i = 0; i < 10; i++)
        set |= UINT32_C(1) << ((height + i) % SMITH_KEYS);
    return set;
}

static const uint32_t others = UINT32_C(0xffc00000); /* ten that never were */

static void grow(struct smith_chain *chain, int64_t to, uint32_t bad_signers, uint8_t app) {
    for (int64_t height = (int64_t)chain->count + 1; height <= to; height++)
        smith_grow(chain, &(struct smith_step){.set = members_at(height), .next_set = members_at(height + 1), .bad_signers = bad_signers, .app = app});
}

static void set_up(void) {
    struct valset set;
    smith_open();
    memset(&honest, 0, sizeof honest);
    memset(&second, 0, sizeof second);
    docket = calloc(1, sizeof *docket);
    ck_assert_ptr_nonnull(docket);
    docket_init(docket, AUDIT_STRICT, smith_chain_id());
    valset_init(&set);
    smith_set(&set, members_at(1));
    docket_trust(docket, 0, &set);
    valset_close(&set);
    note = docket_source(docket, "the chain");
}

static void tear_down(void) {
    audit_links_end(&links);
    docket_close(docket);
    free(docket);
    smith_forget(&honest.chain);
    smith_forget(&second.chain);
    smith_close();
}

static void search(struct place *place, int64_t height) {
    struct light_source source = source_of(place);
    audit_links_begin(&links, docket, height);
    audit_links_take(&links, &source, note);
    audit_links_walk(&links, &source, note);
}

static void must_settle(int64_t height, bool well) {
    char *error = docket_settle(docket, height);
    ck_assert_msg((error == NULL) == well, "%s", error);
    free(error);
}

START_TEST(of_a_chain_that_changes_at_every_height_only_each_third_or_so_is_taken) {
    grow(&honest.chain, 23, 0, 0);
    search(&honest, 22);
    ck_assert(links.done);
    ck_assert_uint_eq(links.count, 5); /* 4, 8, 12, 16 and 20: of ten keys three may have gone, seven sign more than two thirds */
    must_settle(22, true);
    ck_assert_uint_eq(docket->link_count, links.count);
}
END_TEST

START_TEST(without_changes_no_link_is_taken_and_hardly_anything_asked_for) {
    smith_grow_many(&honest.chain, 100, &(struct smith_step){.set = members_at(1), .next_set = members_at(1)});
    search(&honest, 99);
    ck_assert(links.done);
    ck_assert_uint_eq(links.count, 0);
    ck_assert_uint_eq(honest.asked, 2);
    must_settle(99, true);
}
END_TEST

START_TEST(what_one_chain_has_pruned_another_may_have) {
    grow(&honest.chain, 23, 0, 0);
    smith_fork(&second.chain, &honest.chain, 23);
    honest.lowest = 12;
    search(&honest, 22);
    ck_assert(!links.done);
    ck_assert_msg(strstr(note->note, "lacks what would follow") != NULL, "%s", note->note);
    second.highest = 15;
    struct light_source one = source_of(&honest), other = source_of(&second);
    audit_links_walk(&links, &other, note);
    ck_assert(!links.done);
    audit_links_walk(&links, &one, note);
    ck_assert(links.done);
    must_settle(22, true);
}
END_TEST

START_TEST(a_chain_that_lacks_them_is_told_and_the_audit_says_what_is_missing) {
    grow(&honest.chain, 23, 0, 0);
    honest.lowest = 12;
    search(&honest, 22);
    char *error = docket_settle(docket, 22);
    ck_assert_ptr_nonnull(error);
    ck_assert_msg(strstr(error, "headers between are missing") != NULL, "%s", error);
    free(error);
}
END_TEST

START_TEST(a_chain_that_is_not_there_is_told) {
    grow(&honest.chain, 10, 0, 0);
    honest.gone = true;
    search(&honest, 9);
    ck_assert(!links.done);
    ck_assert_msg(strstr(note->note, "so it is at height") != NULL, "%s", note->note);
}
END_TEST

START_TEST(a_chain_whose_signatures_are_wrong_is_found_out) {
    grow(&honest.chain, 9, 0, 0);
    grow(&honest.chain, 23, ~UINT32_C(0), 0);
    search(&honest, 22);
    ck_assert(!links.done);
    ck_assert_msg(strstr(note->note, "lies") != NULL, "%s", note->note);
    must_settle(22, false);
}
END_TEST

START_TEST(a_chain_of_other_validators_is_found_out) {
    for (int64_t height = 1; height <= 40; height++) /* none of whom the genesis knows */
        smith_grow(&honest.chain, &(struct smith_step){.set = others, .next_set = others});
    search(&honest, 39);
    ck_assert(!links.done);
    ck_assert_msg(strstr(note->note, "a branch of its own, or it lies") != NULL, "%s", note->note);
    must_settle(39, false);
}
END_TEST

START_TEST(an_invented_set_from_some_height_on_is_found_out) {
    grow(&honest.chain, 9, 0, 0);
    for (int64_t height = 10; height <= 60; height++) /* what height 9 announced is not kept to */
        smith_grow(&honest.chain, &(struct smith_step){.set = others, .next_set = others});
    search(&honest, 59);
    ck_assert(!links.done);
    ck_assert_int_eq(links.trust.height, 9);
    ck_assert_msg(strstr(note->note, "lies") != NULL, "%s", note->note);
}
END_TEST

/* ---- homes, and the commands */

enum { CHANGES = 120, MEMBERS = 7 };

static struct chainhome homes[2];

static void set_up_homes(void) {
    prompt_open();
    for (int i = 0; i < 2; i++) {
        chainhome_open(&homes[i], i == 0 ? "a" : "b", MEMBERS);
        for (uint32_t change = 0; change < CHANGES / 2; change++) { /* one comes, one goes */
            chainhome_set_power(&homes[i], MEMBERS + change, 10);
            chainhome_set_power(&homes[i], change, 0);
        }
        const char *txs[] = {i == 0 ? "branch=a" : "branch=b"};
        chain_step(&homes[i].chain, txs, 1);
        chain_run(&homes[i].chain, 2);
    }
    ck_assert_int_eq(homes[0].chain.ledger.state.height, CHANGES + 3);
    chainhome_shut(&homes[0]);
    chainhome_shut(&homes[1]);
}

START_TEST(after_120_changes_two_homes_make_a_bundle_that_the_genesis_alone_verifies) {
    char height[12];
    snprintf(height, sizeof height, "%d", CHANGES + 1);
    EXPECT_RUN(10, "audit", "run", "--genesis", "@a/config/genesis.json", "--height", height, "--chain", "@a", "--chain", "@b", "--bundle", "@proof");
    EXPECT_SAID("E3");
    struct blob *bundle = prompt_read("proof"), *genesis = prompt_read("a/config/genesis.json");
    ck_assert_uint_lt(bundle->size, 200000);
    prompt_write("empty/proof", blob_span(bundle));
    prompt_write("empty/genesis.json", blob_span(genesis));
    EXPECT_RUN(10, "audit", "verify", "@empty/proof", "--genesis", "@empty/genesis.json");
    const char *over = strstr(prompt_said, "over ");
    ck_assert_ptr_nonnull(over);
    int count = atoi(over + 5);
    ck_assert_msg(count >= CHANGES / 8 && count <= CHANGES / 4, "%.3000s", prompt_said);
    blob_release(bundle);
    blob_release(genesis);
}
END_TEST

START_TEST(a_home_that_is_none_or_is_of_another_chain_is_bad_input) {
    EXPECT_RUN(2, "audit", "run", "--genesis", "@a/config/genesis.json", "--height", "9", "--chain", "@nowhere");
    EXPECT_SAID("not there");
    EXPECT_RUN(0, "init", "--home", "@empty", "--chain-id", "other");
    EXPECT_RUN(2, "audit", "run", "--genesis", "@a/config/genesis.json", "--height", "9", "--chain", "@empty");
    EXPECT_SAID("there is no chain in this home yet");
    EXPECT_RUN(2, "audit", "run", "--genesis", "@empty/config/genesis.json", "--height", "9", "--chain", "@a");
    EXPECT_SAID("its chain is \"test-chain\"");
    EXPECT_RUN(2, "audit", "run", "--genesis", "@a/config/genesis.json", "--height", "900", "--chain", "@a");
    EXPECT_SAID("its chain ends at height");
    EXPECT_RUN(2, "audit", "run", "--genesis", "@a/config/genesis.json", "--height", "9", "--node", "http://127.0.0.1:1");
    EXPECT_SAID("127.0.0.1:1");
    EXPECT_RUN(0, "audit", "run", "--genesis", "@a/config/genesis.json", "--height", "99", "--chain", "@a");
    EXPECT_SAID("verdict: no fork");
}
END_TEST

Suite *suite_audit_links(void) {
    Suite *suite = suite_create("audit_links");
    TCase *chains = tcase_create("chains"), *commands = tcase_create("commands");
    tcase_set_timeout(chains, 600);
    tcase_add_checked_fixture(chains, set_up, tear_down);
    tcase_add_test(chains, of_a_chain_that_changes_at_every_height_only_each_third_or_so_is_taken);
    tcase_add_test(chains, without_changes_no_link_is_taken_and_hardly_anything_asked_for);
    tcase_add_test(chains, what_one_chain_has_pruned_another_may_have);
    tcase_add_test(chains, a_chain_that_lacks_them_is_told_and_the_audit_says_what_is_missing);
    tcase_add_test(chains, a_chain_that_is_not_there_is_told);
    tcase_add_test(chains, a_chain_whose_signatures_are_wrong_is_found_out);
    tcase_add_test(chains, a_chain_of_other_validators_is_found_out);
    tcase_add_test(chains, an_invented_set_from_some_height_on_is_found_out);
    suite_add_tcase(suite, chains);
    tcase_set_timeout(commands, 600);
    tcase_add_checked_fixture(commands, set_up_homes, prompt_close);
    tcase_add_test(commands, after_120_changes_two_homes_make_a_bundle_that_the_genesis_alone_verifies);
    tcase_add_test(commands, a_home_that_is_none_or_is_of_another_chain_is_bad_input);
    suite_add_tcase(suite, commands);
    return suite;
}
