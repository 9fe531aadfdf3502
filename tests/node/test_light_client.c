/* The light client against sources that answer, lie, stall and vanish, in virtual time. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/light_client.h"
#include "tests/tendermint/smith.h"

Suite *suite_light_client(void);

enum { SOURCES = 4 };

struct source {
    struct smith_chain chain;
    int64_t newest;       /* what it admits to have; 0: all */
    int64_t grows_each_ms; /* of waiting, one height more */
    bool is_gone, is_mad;
    bool refuses_evidence;
    bool wants_beyond; /* refuses evidence about its newest block, as nodes do */
    struct light_block *kept; /* a loan: its newest block, once another one stands on it, with the commit that the chain keeps */
    uint32_t asked, reports;
    int64_t reported_common, reported_height;
    uint32_t reported_byzantine;
};

static struct source sources[SOURCES];
static struct kv *kv;
static struct light_client client;
static int64_t now_ms, waited_ms;
static uint32_t attacks;
static struct light_config config;

static void __attribute__((noreturn)) die(void *context, const char *what) {
    (void)context;
    fprintf(stderr, "the store failed: %s\n", what);
    abort();
}

static int64_t newest_of(const struct source *source) {
    int64_t last = source->chain.blocks[source->chain.count - 1]->header.height;
    return source->newest == 0 || source->newest > last ? last : source->newest;
}

static enum light_answer fetch(void *context, int64_t height, struct light_block **block, char **why) {
    struct source *source = context;
    (void)why;
    source->asked++;
    if (source->is_gone)
        return LIGHT_ANSWER_NO_RESPONSE;
    if (source->is_mad)
        return LIGHT_ANSWER_BAD;
    if (height > newest_of(source))
        return LIGHT_ANSWER_TOO_HIGH;
    struct light_block *found = smith_at(&source->chain, height == 0 ? newest_of(source) : height);
    if (source->kept != NULL && height == source->kept->header.height && newest_of(source) > height)
        found = source->kept;
    if (found == NULL)
        return LIGHT_ANSWER_NOT_FOUND;
    *block = light_block_hold(found);
    return LIGHT_ANSWER_BLOCK;
}

static bool report(void *context, const struct evidence *evidence, char **why) {
    struct source *source = context;
    (void)why;
    ck_assert(evidence_check(evidence));
    source->reports++;
    source->reported_common = evidence->common_height;
    source->reported_height = evidence->conflicting_header.height;
    source->reported_byzantine = evidence->byzantine_count;
    return !source->refuses_evidence && (!source->wants_beyond || newest_of(source) > evidence->conflicting_header.height);
}

static struct timestamp now(void *context) {
    (void)context;
    struct timestamp time = smith_time(0);
    return timestamp_add_ns(&time, now_ms * 1000000);
}

static void wait_for(void *context, int64_t ms) {
    (void)context;
    now_ms += ms;
    waited_ms += ms;
    for (uint32_t i = 0; i < SOURCES; i++)
        if (sources[i].grows_each_ms > 0 && waited_ms % sources[i].grows_each_ms == 0)
            sources[i].newest++;
}

static void note_attack(void *context, const struct evidence *evidence, const char *against, const char *by) {
    (void)context, (void)evidence;
    ck_assert_str_ne(against, by);
    attacks++;
}

static void open_client(uint32_t count) {
    static const char *const names[] = {"http://a", "http://b", "http://c", "http://d"};
    struct light_source given[SOURCES];
    struct light_world world = {NULL, now, wait_for, NULL, note_attack};
    char *error = NULL;
    for (uint32_t i = 0; i < count; i++)
        given[i] = (struct light_source){names[i], &sources[i], fetch, report};
    ck_assert_msg(light_client_open(&client, &config, &world, given, count, kv, &error), "%s", error);
}

static void set_up(void) {
    smith_open();
    kv = kv_memory_new((struct kv_failure){NULL, die});
    memset(sources, 0, sizeof sources);
    attacks = 0;
    waited_ms = 0;
    now_ms = 1000000;
    config = (struct light_config){.chain_id = smith_chain_id(), .rules = LIGHT_RULES_DEFAULT, .mode = LIGHT_SKIPPING};
}

static void tear_down(void) {
    light_client_close(&client);
    for (uint32_t i = 0; i < SOURCES; i++)
        smith_forget(&sources[i].chain);
    kv_close(kv);
    smith_close();
}

/* Everyone has the same chain of so many blocks. */
static void grow_all(uint32_t height, const struct smith_step *step) {
    smith_grow_many(&sources[0].chain, height, step);
    for (uint32_t i = 1; i < SOURCES; i++)
        smith_fork(&sources[i].chain, &sources[0].chain, height);
}

static enum light_outcome trust(int64_t height) {
    return light_client_trust(&client, height, &smith_at(&sources[0].chain, height)->hash, false);
}

static enum light_outcome verify(int64_t height) {
    struct light_block *block;
    enum light_outcome outcome = light_client_at(&client, &block, height);
    if (outcome == LIGHT_DONE && height > 0)
        ck_assert_int_eq(block->header.height, height);
    ck_assert((outcome == LIGHT_DONE) == (client.reason == NULL));
    ck_assert((outcome == LIGHT_DONE) == (block != NULL));
    light_block_release(block);
    return outcome;
}

static void begin(uint32_t height, uint32_t count) {
    grow_all(height, &(struct smith_step){0});
    open_client(count);
    ck_assert_int_eq(trust(1), LIGHT_DONE);
}

static bool has_source(const char *name) {
    for (uint32_t i = 0; i < client.source_count; i++)
        if (strcmp(client.sources[i].name, name) == 0)
            return true;
    return false;
}

/* ---- the way up, down and between */

START_TEST(a_trusted_block_vouches_for_the_newest_with_one_question_to_each) {
    begin(100, 2);
    sources[0].asked = sources[1].asked = 0;
    ck_assert_int_eq(verify(0), LIGHT_DONE);
    ck_assert_int_eq(client.latest->header.height, 100);
    ck_assert_uint_eq(sources[0].asked, 1);
    ck_assert_uint_eq(sources[1].asked, 1);
}
END_TEST

START_TEST(what_was_verified_is_not_asked_for_again) {
    begin(100, 2);
    ck_assert_int_eq(verify(50), LIGHT_DONE);
    sources[0].asked = 0;
    ck_assert_int_eq(verify(50), LIGHT_DONE);
    ck_assert_uint_eq(sources[0].asked, 0);
}
END_TEST

START_TEST(lower_blocks_are_verified_by_the_hashes_and_those_between_from_the_nearest) {
    grow_all(60, &(struct smith_step){0});
    open_client(2);
    ck_assert_int_eq(trust(40), LIGHT_DONE);
    ck_assert_int_eq(verify(60), LIGHT_DONE);
    ck_assert_int_eq(verify(50), LIGHT_DONE);
    sources[0].asked = 0;
    ck_assert_int_eq(verify(30), LIGHT_DONE);
    ck_assert_uint_eq(sources[0].asked, 10); /* 30 itself, and 39 … 31 */
    ck_assert_int_eq(verify(35), LIGHT_DONE);
    ck_assert_uint_eq(client.store.count, 5);
}
END_TEST

/* CometBFT asks twice for the lowest block and keeps the answer that it has not looked at. */
START_TEST(the_block_at_the_end_of_the_way_down_is_the_one_that_was_checked) {
    grow_all(20, &(struct smith_step){0});
    open_client(3);
    ck_assert_int_eq(trust(20), LIGHT_DONE);
    struct smith_chain fork = {0};
    smith_fork(&fork, &sources[0].chain, 14);
    smith_grow(&fork, &(struct smith_step){.app = 9});
    light_block_release(sources[0].chain.blocks[14]);
    sources[0].chain.blocks[14] = light_block_hold(fork.blocks[14]);
    smith_forget(&fork);
    struct light_block *block;
    ck_assert_int_eq(light_client_at(&client, &block, 15), LIGHT_DONE);
    ck_assert(digest_equal(&block->hash, &sources[1].chain.blocks[14]->hash));
    ck_assert(!has_source("http://a"));
    light_block_release(block);
}
END_TEST

START_TEST(sequentially_every_block_is_asked_for_and_long_ways_are_saved_in_stages) {
    config.mode = LIGHT_SEQUENTIAL;
    now_ms = 100000000;
    begin(LIGHT_CLIENT_SEGMENT + 50, 2);
    ck_assert_int_eq(verify(LIGHT_CLIENT_SEGMENT + 50), LIGHT_DONE);
    ck_assert_uint_ge(sources[0].asked, LIGHT_CLIENT_SEGMENT + 49);
    ck_assert_uint_eq(client.store.count, 3);
    ck_assert_int_eq(verify(LIGHT_CLIENT_SEGMENT + 1), LIGHT_DONE);
}
END_TEST

START_TEST(changing_sets_are_crossed_by_dividing) {
    now_ms = 100000000;
    smith_grow(&sources[0].chain, &(struct smith_step){0});
    for (uint32_t i = 0; i < 20; i++) {
        smith_grow_many(&sources[0].chain, 9, &(struct smith_step){0});
        smith_grow(&sources[0].chain, &(struct smith_step){.next_set = UINT32_C(0xf) << (i + 1)});
    }
    smith_fork(&sources[1].chain, &sources[0].chain, sources[0].chain.count);
    open_client(2);
    ck_assert_int_eq(trust(1), LIGHT_DONE);
    ck_assert_int_eq(verify(200), LIGHT_DONE);
    ck_assert_uint_lt(sources[0].asked, 45);
    ck_assert_uint_lt(sources[1].asked, 4);
}
END_TEST

/* ---- time */

START_TEST(too_old_a_trust_is_said_and_a_new_one_goes_on) {
    begin(100, 2);
    config.rules.trusting_period_ns = 100 * LIGHT_SECOND_NS;
    client.config.rules = config.rules;
    now_ms = 100000;
    ck_assert_int_eq(verify(100), LIGHT_TOO_OLD);
    now_ms = 995000;
    ck_assert_int_eq(trust(95), LIGHT_DONE);
    ck_assert_int_eq(verify(100), LIGHT_DONE);
    ck_assert_int_eq(client.store.first, 95);
}
END_TEST

START_TEST(below_a_trust_that_is_too_old_the_hashes_go_on) {
    begin(100, 2);
    ck_assert_int_eq(verify(100), LIGHT_DONE);
    client.config.rules.trusting_period_ns = 100 * LIGHT_SECOND_NS;
    ck_assert_int_eq(verify(97), LIGHT_DONE);
}
END_TEST

START_TEST(a_block_from_the_future_is_refused_and_its_source_dropped) {
    begin(50, 3);
    smith_forget(&sources[0].chain);
    smith_fork(&sources[0].chain, &sources[1].chain, 30);
    smith_grow(&sources[0].chain, &(struct smith_step){.time = 2000});
    ck_assert_int_eq(verify(31), LIGHT_DONE);
    ck_assert(!has_source("http://a"));
    ck_assert_str_eq(client.sources[0].name, "http://b");
}
END_TEST

START_TEST(when_our_clock_is_late_everyone_seems_to_come_from_the_future_and_that_is_said) {
    begin(50, 2);
    now_ms = 300000;
    ck_assert_int_eq(verify(50), LIGHT_REFUSED);
    ck_assert_ptr_nonnull(strstr(client.reason, "clock"));
}
END_TEST

/* ---- sources that fail */

START_TEST(a_primary_that_is_gone_changes_places_with_a_witness) {
    begin(50, 2);
    sources[0].is_gone = true;
    ck_assert_int_eq(verify(50), LIGHT_UNCONFIRMED); /* the gone one is the only witness now */
    sources[0].is_gone = false;
    ck_assert_int_eq(verify(50), LIGHT_DONE);
    ck_assert_str_eq(client.sources[0].name, "http://b");
    ck_assert_str_eq(client.sources[1].name, "http://a");
}
END_TEST

START_TEST(a_primary_that_talks_nonsense_is_asked_no_more) {
    begin(50, 3);
    sources[0].is_mad = true;
    ck_assert_int_eq(verify(50), LIGHT_DONE);
    ck_assert(!has_source("http://a"));
    ck_assert_uint_eq(client.source_count, 2);
}
END_TEST

START_TEST(the_last_two_sources_are_kept_because_one_alone_can_lie) {
    begin(50, 2);
    sources[0].is_mad = true;
    ck_assert_int_eq(verify(50), LIGHT_NO_WITNESS);
    ck_assert_uint_eq(client.source_count, 2);
}
END_TEST

START_TEST(an_invalid_block_on_the_way_costs_the_primary_its_place) {
    grow_all(50, &(struct smith_step){0});
    smith_forget(&sources[0].chain);
    smith_fork(&sources[0].chain, &sources[1].chain, 49);
    smith_grow(&sources[0].chain, &(struct smith_step){.bad_signers = 0x3});
    open_client(3);
    ck_assert_int_eq(trust(1), LIGHT_DONE);
    ck_assert_int_eq(verify(50), LIGHT_DONE);
    ck_assert(!has_source("http://a"));
}
END_TEST

START_TEST(when_nobody_answers_nothing_is_believed_and_nothing_lost) {
    begin(50, 3);
    for (uint32_t i = 0; i < 3; i++)
        sources[i].is_gone = true;
    ck_assert_int_eq(verify(50), LIGHT_UNAVAILABLE);
    ck_assert_uint_eq(client.source_count, 3);
    ck_assert_int_eq(verify(1), LIGHT_DONE);
}
END_TEST

START_TEST(a_height_that_nobody_has_yet_is_unavailable) {
    begin(50, 3);
    ck_assert_int_eq(verify(51), LIGHT_UNAVAILABLE);
    ck_assert_uint_eq(client.source_count, 3);
}
END_TEST

START_TEST(a_late_witness_is_waited_for) {
    begin(50, 2);
    sources[1].newest = 48;
    sources[1].grows_each_ms = 1000;
    ck_assert_int_eq(verify(50), LIGHT_DONE);
    ck_assert_int_le(waited_ms, 3000);
}
END_TEST

START_TEST(a_stale_witness_cannot_confirm_and_is_not_waited_for_for_ever) {
    begin(50, 3);
    sources[1].newest = sources[2].newest = 48;
    ck_assert_int_eq(verify(50), LIGHT_UNCONFIRMED);
    ck_assert_int_le(waited_ms, 31000);
    ck_assert_uint_eq(client.source_count, 3);
    ck_assert_int_eq(client.latest->header.height, 1);
}
END_TEST

START_TEST(one_witness_that_confirms_is_enough_beside_silent_ones) {
    begin(50, 4);
    sources[1].is_gone = sources[2].is_gone = true;
    ck_assert_int_eq(verify(50), LIGHT_DONE);
}
END_TEST

START_TEST(a_witness_that_lies_without_proof_is_dropped) {
    begin(50, 3);
    smith_forget(&sources[1].chain);
    smith_fork(&sources[1].chain, &sources[0].chain, 40);
    smith_grow_many(&sources[1].chain, 10, &(struct smith_step){.set = 0xf0});
    ck_assert_int_eq(verify(50), LIGHT_DONE);
    ck_assert(!has_source("http://b"));
    ck_assert_uint_eq(attacks, 0);
}
END_TEST

/* Wound 22. */
START_TEST(sources_that_differ_in_priorities_are_not_believed) {
    begin(50, 2);
    const struct light_block *good = sources[1].chain.blocks[49];
    struct valset set;
    valset_init(&set);
    valset_copy(&set, &good->set);
    set.validators[1].priority += 5;
    sources[1].chain.blocks[49] = light_block_new(&good->header, &good->commit, &set);
    valset_close(&set);
    light_block_release((struct light_block *)good);
    ck_assert_int_eq(verify(50), LIGHT_DISAGREE);
}
END_TEST

/* ---- attacks */

static void fork_primary(uint32_t common, uint32_t count, const struct smith_step *step) {
    smith_forget(&sources[0].chain);
    smith_fork(&sources[0].chain, &sources[1].chain, common);
    smith_grow_many(&sources[0].chain, count, step);
}

START_TEST(a_lunatic_primary_is_found_out_and_evidence_sent_both_ways) {
    begin(50, 3);
    fork_primary(44, 6, &(struct smith_step){.app = 3, .signers = 0x7});
    ck_assert_int_eq(verify(50), LIGHT_ATTACKED);
    ck_assert_uint_eq(attacks, 2);
    ck_assert_uint_eq(sources[1].reports, 1);
    ck_assert_int_eq(sources[1].reported_common, 1);
    ck_assert_int_eq(sources[1].reported_height, 50);
    ck_assert_uint_eq(sources[1].reported_byzantine, 3);
    ck_assert_uint_eq(sources[0].reports, 1);
    ck_assert_uint_eq(sources[2].reports, 0);
    ck_assert_int_eq(client.latest->header.height, 1);
}
END_TEST

START_TEST(a_lunatic_witness_is_an_attack_too) {
    begin(50, 3);
    smith_forget(&sources[2].chain);
    smith_fork(&sources[2].chain, &sources[0].chain, 44);
    smith_grow_many(&sources[2].chain, 6, &(struct smith_step){.app = 3});
    ck_assert_int_eq(verify(50), LIGHT_ATTACKED);
    ck_assert_uint_eq(sources[2].reports, 1);
}
END_TEST

START_TEST(an_equivocation_is_found_at_the_height_itself) {
    begin(50, 2);
    fork_primary(49, 1, &(struct smith_step){.data = 3, .signers = 0x7});
    ck_assert_int_eq(verify(50), LIGHT_ATTACKED);
    ck_assert_int_eq(sources[1].reported_common, 50);
    ck_assert_uint_eq(sources[1].reported_byzantine, 3);
}
END_TEST

START_TEST(amnesia_is_an_attack_whose_evidence_names_nobody) {
    begin(50, 2);
    fork_primary(49, 1, &(struct smith_step){.data = 3, .round = 2});
    ck_assert_int_eq(verify(50), LIGHT_ATTACKED);
    ck_assert_uint_eq(sources[1].reports, 1);
    ck_assert_uint_eq(sources[1].reported_byzantine, 0);
}
END_TEST

START_TEST(a_forward_lunatic_is_found_out_by_a_witness_that_is_not_so_high) {
    begin(50, 2);
    fork_primary(30, 1, &(struct smith_step){.height = 400, .app = 3, .time = 480});
    ck_assert_int_eq(verify(0), LIGHT_ATTACKED);
    ck_assert_int_eq(sources[1].reported_height, 400);
    ck_assert_int_eq(waited_ms, 0);
}
END_TEST

START_TEST(a_forward_lunatic_just_ahead_of_time_is_waited_for_and_found_out) {
    begin(50, 2);
    now_ms = 490000;
    fork_primary(30, 1, &(struct smith_step){.height = 400, .app = 3, .time = 495});
    sources[1].grows_each_ms = 0;
    smith_grow(&sources[1].chain, &(struct smith_step){0}); /* height 51, of time 500 */
    sources[1].newest = 50;
    sources[1].grows_each_ms = 2000;
    ck_assert_int_eq(verify(0), LIGHT_ATTACKED);
    ck_assert_int_le(waited_ms, 2500);
}
END_TEST

START_TEST(a_witness_that_does_not_take_the_evidence_changes_nothing) {
    begin(50, 2);
    sources[1].refuses_evidence = true;
    fork_primary(44, 6, &(struct smith_step){.app = 3});
    ck_assert_int_eq(verify(50), LIGHT_ATTACKED);
}
END_TEST

START_TEST(evidence_about_the_newest_block_is_handed_in_again_when_the_chain_has_gone_on) {
    begin(50, 2);
    fork_primary(44, 6, &(struct smith_step){.app = 3, .signers = 0x7});
    smith_grow(&sources[1].chain, &(struct smith_step){0});
    sources[1].newest = 50;
    sources[1].grows_each_ms = 2000;
    sources[1].wants_beyond = true;
    ck_assert_int_eq(verify(50), LIGHT_ATTACKED);
    ck_assert_uint_eq(sources[1].reports, 2);
    ck_assert_int_eq(waited_ms, 2000);
    ck_assert_ptr_nonnull(strstr(client.reason, "http://b took the evidence"));
}
END_TEST

/* Who signed both follows from the commit that the chain keeps, and nobody takes another list. */
START_TEST(who_signed_both_is_told_by_the_commit_that_the_chain_keeps) {
    struct smith_chain kept = {0};
    begin(50, 2);
    fork_primary(49, 1, &(struct smith_step){.data = 3, .signers = 0x7});
    smith_fork(&kept, &sources[1].chain, 49);
    smith_grow(&kept, &(struct smith_step){.signers = 0xb});
    smith_grow(&sources[1].chain, &(struct smith_step){0});
    sources[1].newest = 50;
    sources[1].grows_each_ms = 1000;
    sources[1].wants_beyond = true;
    sources[1].kept = kept.blocks[49];
    ck_assert_int_eq(verify(50), LIGHT_ATTACKED);
    ck_assert_uint_eq(sources[1].reports, 2);
    ck_assert_uint_eq(sources[1].reported_byzantine, 2);
    smith_forget(&kept);
}
END_TEST

START_TEST(a_source_that_refuses_and_has_nothing_new_is_not_asked_twice_and_not_waited_for_long) {
    begin(50, 2);
    sources[1].refuses_evidence = true;
    fork_primary(40, 5, &(struct smith_step){.app = 3});
    ck_assert_int_eq(verify(45), LIGHT_ATTACKED);
    ck_assert_uint_eq(sources[1].reports, 1);
    ck_assert_int_eq(waited_ms, 0);
    ck_assert_ptr_nonnull(strstr(client.reason, "http://b did not take the evidence"));
}
END_TEST

START_TEST(after_an_attack_nothing_new_is_verified_but_the_old_stays) {
    begin(50, 2);
    ck_assert_int_eq(verify(20), LIGHT_DONE);
    fork_primary(44, 6, &(struct smith_step){.app = 3});
    ck_assert_int_eq(verify(50), LIGHT_ATTACKED);
    ck_assert_int_eq(verify(30), LIGHT_ATTACKED);
    ck_assert_int_eq(verify(20), LIGHT_DONE);
    ck_assert_uint_eq(attacks, 2);
}
END_TEST

START_TEST(a_first_block_that_a_witness_contradicts_is_not_trusted) {
    grow_all(10, &(struct smith_step){0});
    smith_forget(&sources[2].chain);
    smith_grow_many(&sources[2].chain, 10, &(struct smith_step){.app = 1});
    open_client(3);
    ck_assert_int_eq(trust(5), LIGHT_DISAGREE);
    ck_assert_ptr_null(client.latest);
    ck_assert_ptr_nonnull(strstr(client.reason, "http://c"));
}
END_TEST

/* ---- what is kept */

START_TEST(a_client_that_starts_again_goes_on_from_its_newest_block) {
    begin(50, 2);
    ck_assert_int_eq(verify(40), LIGHT_DONE);
    light_client_close(&client);
    kv_memory_crash(kv, 0);
    open_client(2);
    sources[0].asked = 0;
    ck_assert_int_eq(client.latest->header.height, 40);
    ck_assert_int_eq(trust(1), LIGHT_DONE); /* the same command line again */
    ck_assert_uint_eq(sources[0].asked, 0);
    ck_assert_int_eq(verify(50), LIGHT_DONE);
}
END_TEST

START_TEST(another_hash_than_the_trusted_one_is_refused_until_a_reset) {
    begin(50, 2);
    struct digest other = smith_at(&sources[0].chain, 7)->hash;
    ck_assert_int_eq(light_client_trust(&client, 1, &other, false), LIGHT_OTHER_TRUST);
    ck_assert_int_eq(light_client_trust(&client, 30, &other, false), LIGHT_OTHER_TRUST);
    ck_assert_int_eq(light_client_trust(&client, 7, &other, true), LIGHT_DONE);
    ck_assert_uint_eq(client.store.count, 1);
}
END_TEST

START_TEST(a_hash_that_the_primary_does_not_have_is_refused) {
    grow_all(10, &(struct smith_step){0});
    open_client(2);
    ck_assert_int_eq(light_client_trust(&client, 5, &smith_at(&sources[0].chain, 6)->hash, false), LIGHT_OTHER_TRUST);
    ck_assert_int_eq(verify(5), LIGHT_OTHER_TRUST);
}
END_TEST

START_TEST(a_store_of_another_chain_is_refused) {
    begin(5, 2);
    light_client_close(&client);
    struct light_store store;
    char *error = NULL;
    ck_assert(!light_store_open(&store, kv, span_text("another"), 10, &error));
    ck_assert_ptr_nonnull(strstr(error, SMITH_CHAIN_ID));
    free(error);
    open_client(2);
}
END_TEST

START_TEST(the_store_keeps_so_many_and_never_loses_the_newest) {
    config.kept = 10;
    begin(60, 2);
    for (int64_t height = 2; height <= 60; height++)
        ck_assert_int_eq(verify(height), LIGHT_DONE);
    ck_assert_uint_eq(client.store.count, 10);
    ck_assert_int_eq(client.store.first, 51);
    ck_assert_int_eq(client.store.last, 60);
    ck_assert_int_eq(verify(20), LIGHT_DONE); /* by the hashes; the highest stay */
    ck_assert_int_eq(client.store.last, 60);
    ck_assert_uint_le(client.store.count, 11);
}
END_TEST

START_TEST(one_source_alone_is_no_light_client) {
    struct light_source alone = {"http://a", &sources[0], fetch, report};
    struct light_world world = {NULL, now, wait_for, NULL, NULL};
    char *error = NULL;
    ck_assert(!light_client_open(&client, &config, &world, &alone, 1, kv, &error));
    ck_assert_ptr_nonnull(strstr(error, "witness"));
    free(error);
}
END_TEST

Suite *suite_light_client(void) {
    Suite *suite = suite_create("light_client");
    TCase *tests = tcase_create("light_client");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_trusted_block_vouches_for_the_newest_with_one_question_to_each);
    tcase_add_test(tests, what_was_verified_is_not_asked_for_again);
    tcase_add_test(tests, lower_blocks_are_verified_by_the_hashes_and_those_between_from_the_nearest);
    tcase_add_test(tests, the_block_at_the_end_of_the_way_down_is_the_one_that_was_checked);
    tcase_add_test(tests, sequentially_every_block_is_asked_for_and_long_ways_are_saved_in_stages);
    tcase_add_test(tests, changing_sets_are_crossed_by_dividing);
    tcase_add_test(tests, too_old_a_trust_is_said_and_a_new_one_goes_on);
    tcase_add_test(tests, below_a_trust_that_is_too_old_the_hashes_go_on);
    tcase_add_test(tests, a_block_from_the_future_is_refused_and_its_source_dropped);
    tcase_add_test(tests, when_our_clock_is_late_everyone_seems_to_come_from_the_future_and_that_is_said);
    tcase_add_test(tests, a_primary_that_is_gone_changes_places_with_a_witness);
    tcase_add_test(tests, a_primary_that_talks_nonsense_is_asked_no_more);
    tcase_add_test(tests, the_last_two_sources_are_kept_because_one_alone_can_lie);
    tcase_add_test(tests, an_invalid_block_on_the_way_costs_the_primary_its_place);
    tcase_add_test(tests, when_nobody_answers_nothing_is_believed_and_nothing_lost);
    tcase_add_test(tests, a_height_that_nobody_has_yet_is_unavailable);
    tcase_add_test(tests, a_late_witness_is_waited_for);
    tcase_add_test(tests, a_stale_witness_cannot_confirm_and_is_not_waited_for_for_ever);
    tcase_add_test(tests, one_witness_that_confirms_is_enough_beside_silent_ones);
    tcase_add_test(tests, a_witness_that_lies_without_proof_is_dropped);
    tcase_add_test(tests, sources_that_differ_in_priorities_are_not_believed);
    tcase_add_test(tests, a_lunatic_primary_is_found_out_and_evidence_sent_both_ways);
    tcase_add_test(tests, a_lunatic_witness_is_an_attack_too);
    tcase_add_test(tests, an_equivocation_is_found_at_the_height_itself);
    tcase_add_test(tests, amnesia_is_an_attack_whose_evidence_names_nobody);
    tcase_add_test(tests, a_forward_lunatic_is_found_out_by_a_witness_that_is_not_so_high);
    tcase_add_test(tests, a_forward_lunatic_just_ahead_of_time_is_waited_for_and_found_out);
    tcase_add_test(tests, a_witness_that_does_not_take_the_evidence_changes_nothing);
    tcase_add_test(tests, evidence_about_the_newest_block_is_handed_in_again_when_the_chain_has_gone_on);
    tcase_add_test(tests, who_signed_both_is_told_by_the_commit_that_the_chain_keeps);
    tcase_add_test(tests, a_source_that_refuses_and_has_nothing_new_is_not_asked_twice_and_not_waited_for_long);
    tcase_add_test(tests, after_an_attack_nothing_new_is_verified_but_the_old_stays);
    tcase_add_test(tests, a_first_block_that_a_witness_contradicts_is_not_trusted);
    tcase_add_test(tests, a_client_that_starts_again_goes_on_from_its_newest_block);
    tcase_add_test(tests, another_hash_than_the_trusted_one_is_refused_until_a_reset);
    tcase_add_test(tests, a_hash_that_the_primary_does_not_have_is_refused);
    tcase_add_test(tests, a_store_of_another_chain_is_refused);
    tcase_add_test(tests, the_store_keeps_so_many_and_never_loses_the_newest);
    tcase_add_test(tests, one_source_alone_is_no_light_client);
    suite_add_tcase(suite, tests);
    return suite;
}
