/* `quorate audit watch` with nodes of every kind: gone, slow, behind, pruned, of another chain, lying, and on two branches. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "genesis/genesis.h"
#include "node/audit_compare.h"
#include "node/light_http.h"
#include "rpc/shapes.h"
#include "node/complaint.h"
#include "tests/node/parrot.h"
#include "tests/node/prompt.h"

Suite *suite_audit_watch(void);

enum { NODES = 4, MEMBERS = 0xff, HEIGHTS = 40, FORK = 31 };

static struct parrot nodes[NODES];
static struct smith_chain trunk;

static void write_genesis(uint32_t members) {
    struct valset set;
    struct genesis_validator validators[32] = {0};
    struct params params;
    valset_init(&set);
    params_defaults(&params, PARAMS_V038);
    smith_set(&set, members);
    for (uint32_t i = 0; i < set.count; i++)
        validators[i].member = (struct valset_change){set.validators[i].address, set.validators[i].pub_key, set.validators[i].power};
    struct genesis_plan plan = {.chain_id = SMITH_CHAIN_ID, .time = smith_time(0), .initial_height = 1, .params = params, .validators = validators,
                                .validator_count = set.count};
    char *text = genesis_text(&plan);
    prompt_write("genesis.json", span_text(text));
    free(text);
    valset_close(&set);
}

static void set_up(void) {
    prompt_open();
    smith_open();
    memset(&trunk, 0, sizeof trunk);
    memset(nodes, 0, sizeof nodes);
    smith_grow_many(&trunk, HEIGHTS, &(struct smith_step){.set = MEMBERS});
    for (int i = 0; i < NODES; i++)
        smith_fork(&nodes[i].chain, &trunk, HEIGHTS);
    write_genesis(MEMBERS);
}

static void open_all(void) {
    for (int i = 0; i < NODES; i++)
        parrot_open(&nodes[i]);
}

static void tear_down(void) {
    for (int i = 0; i < NODES; i++)
        parrot_close(&nodes[i]);
    smith_forget(&trunk);
    smith_close();
    prompt_close();
}

static void leave_trunk(struct parrot *node, uint32_t bad_signers) {
    smith_forget(&node->chain);
    memset(&node->chain, 0, sizeof node->chain);
    smith_fork(&node->chain, &trunk, FORK - 1);
    smith_grow(&node->chain, &(struct smith_step){.set = MEMBERS, .data = 7, .bad_signers = bad_signers});
    smith_grow_many(&node->chain, 5, &(struct smith_step){.set = MEMBERS, .bad_signers = bad_signers});
}

#define WATCH "audit", "watch", "--once", "--genesis", "@genesis.json", "--bundle", "@fork.bundle", "--timeout", "1000"
#define ALL   "--node", nodes[0].url, "--node", nodes[1].url, "--node", nodes[2].url, "--node", nodes[3].url

START_TEST(of_a_node_that_is_gone_one_behind_and_one_that_prunes_the_rest_is_compared) {
    atomic_store(&nodes[1].highest, 12);
    atomic_store(&nodes[2].lowest, 30);
    open_all();
    EXPECT_RUN(0, WATCH, ALL, "--node", "http://127.0.0.1:1");
    EXPECT_SAID("127.0.0.1:1");
    EXPECT_SAID("at height 12, compared up to 12");
    EXPECT_SAID("4 of 5 nodes could be compared; they agree up to height 40");
}
END_TEST

START_TEST(a_node_of_another_chain_is_named_and_no_fork) {
    nodes[2].chain_id = "elsewhere";
    open_all();
    EXPECT_RUN(0, WATCH, ALL);
    EXPECT_SAID("it is a node of another chain, \"elsewhere\"");
    EXPECT_SAID("3 of 4 nodes");
    EXPECT_RUN(2, "audit", "run", "--genesis", "@genesis.json", "--height", "9", "--node", nodes[2].url);
    EXPECT_SAID("it is a node of another chain, \"elsewhere\"");
    EXPECT_RUN(0, "audit", "run", "--genesis", "@genesis.json", "--height", "9", "--node", nodes[2].url, "--node", nodes[0].url);
}
END_TEST

START_TEST(a_slow_node_and_one_that_talks_nonsense_are_named) {
    atomic_store(&nodes[0].delay_ms, 60000);
    atomic_store(&nodes[3].is_mad, true);
    open_all();
    EXPECT_RUN(0, WATCH, ALL);
    EXPECT_SAID("2 of 4 nodes");
    EXPECT_SAID(nodes[0].url);
    EXPECT_SAID("no JSON");
}
END_TEST

START_TEST(fewer_than_two_that_can_be_compared_are_bad_input) {
    nodes[1].chain_id = "elsewhere";
    open_all();
    EXPECT_RUN(2, WATCH, "--node", nodes[0].url, "--node", nodes[1].url);
    EXPECT_SAID("0 of 2 nodes could be compared");
    EXPECT_RUN(2, "audit", "watch", "--node", nodes[0].url, "--node", nodes[2].url, "--once");
    EXPECT_SAID("say what you trust");
}
END_TEST

START_TEST(a_branch_is_found_even_in_a_node_that_is_far_behind) {
    leave_trunk(&nodes[2], 0); /* ends at 36, when the others are at 40 */
    atomic_store(&nodes[0].highest, 20);
    open_all();
    EXPECT_RUN(10, WATCH, ALL, "--out", "@report.json");
    EXPECT_SAID("have different blocks at height 31");
    EXPECT_SAID("E3");
    EXPECT_RUN(10, "audit", "verify", "@fork.bundle", "--genesis", "@genesis.json");
    blob_release(prompt_read("report.json"));
}
END_TEST

START_TEST(a_branch_below_which_a_node_has_pruned_is_judged_where_it_is_seen) {
    leave_trunk(&nodes[2], 0);
    atomic_store(&nodes[2].lowest, 34);
    open_all();
    EXPECT_RUN(10, WATCH, ALL);
    EXPECT_SAID("have different blocks at height 34");
    EXPECT_SAID("they may have parted earlier");
    EXPECT_SAID("E4");
    EXPECT_RUN(10, "audit", "verify", "@fork.bundle", "--genesis", "@genesis.json");
}
END_TEST

START_TEST(a_node_that_shows_what_nobody_signed_is_left_out_and_the_others_watched_on) {
    leave_trunk(&nodes[2], ~UINT32_C(0));
    open_all();
    EXPECT_RUN(0, WATCH, ALL);
    EXPECT_SAID("that is not decided");
    EXPECT_SAID("It is left out from now on");
    EXPECT_SAID("3 of 4 nodes could be compared; they agree up to height 40");
    EXPECT_UNSAID("FORK");
    ck_assert_int_ne(access("fork.bundle", F_OK), 0);
}
END_TEST

START_TEST(a_bundle_that_could_not_be_written_is_said_at_the_start) {
    open_all();
    EXPECT_RUN(2, "audit", "watch", "--once", "--genesis", "@genesis.json", "--node", nodes[0].url, "--node", nodes[1].url, "--bundle", "@genesis.json/bundle");
    EXPECT_SAID("genesis.json/bundle");
}
END_TEST

/* Two sets of signers that overlap by less than a third: the fork's own height tells nobody. The next convicts whoever signed both. */
static void *go_on(void *context) {
    (void)context;
    for (unsigned before = atomic_load(&nodes[2].asked); atomic_load(&nodes[2].asked) < before + 60;) /* the fork was seen and judged */
        nanosleep(&(struct timespec){0, 5000000}, NULL);
    atomic_store(&nodes[0].highest, 0);
    atomic_store(&nodes[2].highest, 0);
    return NULL;
}

START_TEST(a_fork_that_comes_while_we_watch_is_followed_until_it_is_known_who_did_it) {
    pthread_t later;
    smith_forget(&nodes[2].chain);
    memset(&nodes[2].chain, 0, sizeof nodes[2].chain);
    smith_fork(&nodes[2].chain, &trunk, FORK - 1);
    smith_grow(&nodes[2].chain, &(struct smith_step){.set = MEMBERS, .data = 7, .round = 3, .signers = 0xfc});
    smith_grow_many(&nodes[2].chain, 5, &(struct smith_step){.set = MEMBERS});
    atomic_store(&nodes[0].highest, FORK);
    atomic_store(&nodes[2].highest, FORK);
    open_all();
    EXPECT_RUN(11, WATCH, "--node", nodes[0].url, "--node", nodes[2].url); /* no log, no next height */
    ck_assert_int_eq(pthread_create(&later, NULL, go_on, NULL), 0);
    EXPECT_RUN(10, "audit", "watch", "--genesis", "@genesis.json", "--bundle", "@fork.bundle", "--interval", "20", "--node", nodes[0].url, "--node", nodes[2].url);
    EXPECT_SAID("the guilty are not known yet");
    EXPECT_UNSAID("nothing is seen at the moment");
    EXPECT_SAID("E4");
    pthread_join(later, NULL);
    EXPECT_RUN(10, "audit", "verify", "@fork.bundle", "--genesis", "@genesis.json");
}
END_TEST

static void *come_back(void *context) {
    (void)context;
    while (atomic_load(&nodes[1].asked) < 3)
        nanosleep(&(struct timespec){0, 5000000}, NULL);
    atomic_store(&nodes[1].is_mad, false);
    for (unsigned before = atomic_load(&nodes[0].asked); atomic_load(&nodes[0].asked) < before + 40;)
        nanosleep(&(struct timespec){0, 5000000}, NULL);
    atomic_store(&nodes[1].highest, 0);
    return NULL;
}

START_TEST(whoever_watches_nothing_is_told_and_when_it_sees_again_too) {
    pthread_t later;
    leave_trunk(&nodes[1], 0);
    atomic_store(&nodes[1].highest, 20);
    atomic_store(&nodes[1].is_mad, true);
    open_all();
    ck_assert_int_eq(pthread_create(&later, NULL, come_back, NULL), 0);
    EXPECT_RUN(10, "audit", "watch", "--genesis", "@genesis.json", "--bundle", "@fork.bundle", "--interval", "10", "--node", nodes[0].url, "--node", nodes[1].url);
    pthread_join(later, NULL);
    EXPECT_SAID("nothing is seen at the moment");
    EXPECT_SAID("it answers again, and is at height 20");
    EXPECT_SAID("2 of 2 nodes are compared; they agree up to height 20; watching on");
}
END_TEST

/* ---- validators change: of ten keys one goes and one comes with each height */

static uint32_t members_at(int64_t height) { return UINT32_C(0x3ff) << (height - 1 > 21 ? 21 : height - 1); }

static void change_all(struct smith_chain *chain, int64_t to, uint8_t data) {
    for (int64_t height = (int64_t)chain->count + 1; height <= to; height++, data = 0)
        smith_grow(chain, &(struct smith_step){.set = members_at(height), .next_set = members_at(height + 1), .data = data});
}

static void write_commit(const char *name, const struct light_block *block) {
    struct emit emit;
    emit_init(&emit);
    emit_literal(&emit, "{\"signed_header\":{\"header\":");
    shapes_header(&emit, &block->header);
    emit_literal(&emit, ",\"commit\":");
    shapes_commit(&emit, &block->commit);
    emit_literal(&emit, "}}");
    prompt_write(name, span_of(emit.data, emit.size));
    emit_close(&emit);
}

START_TEST(where_validators_changed_the_nodes_are_asked_for_headers_in_between) {
    for (int i = 0; i < NODES; i++) {
        smith_forget(&nodes[i].chain);
        memset(&nodes[i].chain, 0, sizeof nodes[i].chain);
    }
    change_all(&nodes[0].chain, 30, 0);
    for (int i = 1; i < NODES; i++)
        smith_fork(&nodes[i].chain, &nodes[0].chain, 29);
    change_all(&nodes[1].chain, 31, 7);
    change_all(&nodes[2].chain, 31, 8);
    write_genesis(members_at(1));
    open_all();
    EXPECT_RUN(10, WATCH, ALL);
    EXPECT_SAID("over 5 other headers");
    EXPECT_RUN(10, "audit", "verify", "@fork.bundle", "--genesis", "@genesis.json");
    atomic_store(&nodes[1].lowest, 30); /* the other still has what is between */
    EXPECT_RUN(10, "audit", "run", "--genesis", "@genesis.json", "--height", "30", "--node", nodes[1].url, "--node", nodes[2].url, "--bundle", "@proof");
    EXPECT_RUN(10, "audit", "verify", "@proof", "--genesis", "@genesis.json");
    atomic_store(&nodes[2].lowest, 30);
    EXPECT_RUN(2, "audit", "run", "--genesis", "@genesis.json", "--height", "30", "--node", nodes[1].url, "--node", nodes[2].url);
    EXPECT_SAID("lowest height is 30");
    EXPECT_SAID("headers between are missing");
    atomic_store(&nodes[3].highest, 29);
    EXPECT_RUN(10, "audit", "run", "--genesis", "@genesis.json", "--height", "30", "--node", nodes[1].url, "--node", nodes[2].url, "--node", nodes[3].url);
    EXPECT_RUN(11, WATCH, "--node", nodes[1].url, "--node", nodes[2].url);
    EXPECT_SAID("headers between are missing");
    write_commit("trusted.json", smith_at(&nodes[3].chain, 12)); /* of whose validators two are left */
    atomic_store(&nodes[1].lowest, 13);
    EXPECT_RUN(10, WATCH, "--node", nodes[1].url, "--node", nodes[2].url, "--trusted-header", "@trusted.json");
    EXPECT_SAID("--trusted-header FILE");
    EXPECT_RUN(10, "audit", "verify", "@fork.bundle", "--trusted-header", "@trusted.json");
}
END_TEST

/* ---- the comparing alone */

START_TEST(who_fails_is_asked_less_and_less_and_again_at_once_when_it_answers) {
    struct audit_compare compare = {.count = 0};
    open_all();
    struct light_http http[2];
    for (int i = 0; i < 2; i++) {
        light_http_init(&http[i], nodes[i].url, span_text(SMITH_CHAIN_ID), 5000);
        struct light_source source = light_http_source(&http[i]);
        audit_compare_add(&compare, &source);
    }
    atomic_store(&nodes[1].is_mad, true);
    for (int i = 0; i < 200; i++)
        audit_compare_look(&compare, false);
    uint32_t asked = atomic_load(&nodes[1].asked);
    ck_assert_msg(asked >= 8 && asked <= 14, "asked %u times of 200", asked);
    ck_assert(!compare.nodes[1].is_news); /* it was said once */
    atomic_store(&nodes[1].is_mad, false);
    audit_compare_look(&compare, true);
    ck_assert_int_eq(compare.nodes[1].height, HEIGHTS);
    ck_assert_uint_eq(compare.nodes[1].rest, 0);
}
END_TEST

Suite *suite_audit_watch(void) {
    Suite *suite = suite_create("audit_watch");
    TCase *tests = tcase_create("nodes");
    tcase_set_timeout(tests, 600);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, of_a_node_that_is_gone_one_behind_and_one_that_prunes_the_rest_is_compared);
    tcase_add_test(tests, a_node_of_another_chain_is_named_and_no_fork);
    tcase_add_test(tests, a_slow_node_and_one_that_talks_nonsense_are_named);
    tcase_add_test(tests, fewer_than_two_that_can_be_compared_are_bad_input);
    tcase_add_test(tests, a_branch_is_found_even_in_a_node_that_is_far_behind);
    tcase_add_test(tests, a_branch_below_which_a_node_has_pruned_is_judged_where_it_is_seen);
    tcase_add_test(tests, a_node_that_shows_what_nobody_signed_is_left_out_and_the_others_watched_on);
    tcase_add_test(tests, a_bundle_that_could_not_be_written_is_said_at_the_start);
    tcase_add_test(tests, a_fork_that_comes_while_we_watch_is_followed_until_it_is_known_who_did_it);
    tcase_add_test(tests, whoever_watches_nothing_is_told_and_when_it_sees_again_too);
    tcase_add_test(tests, where_validators_changed_the_nodes_are_asked_for_headers_in_between);
    tcase_add_test(tests, who_fails_is_asked_less_and_less_and_again_at_once_when_it_answers);
    suite_add_tcase(suite, tests);
    return suite;
}
