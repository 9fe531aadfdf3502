/* Validators that vote at one height for blocks on two parents: named and proven by whoever sees it; and an alarm once they are more than a third. */
#include <check.h>
#include <stdlib.h>

#include "node/replica_inside.h"
#include "tendermint/audit_verify.h"
#include "tests/node/twofaced.h"

enum { OBSERVER = 3 };

static struct sim *sim;
static struct twofaced liars; /* nodes 0 … */

static void begin(uint32_t count, bool keeps_parent) {
    struct sim_config config;
    sim_defaults(&config);
    config.fork_stops_signing = true;
    sim = sim_new(&config);
    liars = (struct twofaced){sim, OBSERVER, 0, count, sim_run_for, keeps_parent};
    twofaced_begin(&liars);
}

static const struct parentwatch *watch(void) { return &sim_replica(sim, OBSERVER)->parentwatch; }

static void verify_bundle(int64_t height) {
    const struct replica *replica = sim_replica(sim, OBSERVER);
    struct audit_verified seen;
    struct arena arena;
    struct valset genesis;
    size_t offset;
    struct blob *bundle = replica->world->disk->table->read(replica->world->disk, watch()->bundle, 0, 1 << 24);
    ck_assert_ptr_nonnull(bundle);
    valset_init(&genesis);
    ck_assert(ledger_validators(sim_ledger(sim, OBSERVER), &genesis, 1));
    struct audit_trust trust = {.height = 0};
    valset_hash(&trust.set_hash, &genesis);
    arena_init(&arena, 1 << 26);
    const char *wrong = audit_verify(&seen, &offset, blob_span(bundle), &trust, span_text("sim"), NULL, &arena);
    ck_assert_msg(wrong == NULL, "%s", wrong);
    ck_assert_int_eq(seen.height, height - 1);
    ck_assert_uint_eq(seen.statement_count, liars.count);
    for (uint32_t i = 0; i < seen.statement_count; i++) {
        ck_assert(seen.statements[i].kind == AUDIT_E4 && seen.statements[i].status == AUDIT_PROVEN && seen.statements[i].height == height);
        bool is_liar = false;
        for (uint32_t j = 0; j < liars.count; j++)
            is_liar |= address_equal(&seen.statements[i].who, sim_address(sim, j));
        ck_assert(is_liar);
    }
    arena_close(&arena);
    valset_close(&genesis);
    blob_release(bundle);
}

START_TEST(one_validator_that_votes_on_two_parents_is_named_and_proven_and_silences_nobody) {
    begin(1, false);
    int64_t height = twofaced_lie(&liars);
    ck_assert_int_eq(watch()->height, height);
    ck_assert_uint_eq(watch()->keys, 1);
    ck_assert_int_eq(watch()->power, 10);
    verify_bundle(height);
    ck_assert(!replica_fork_alarm(sim_replica(sim, OBSERVER))->raised);
    ck_assert(sim_start(sim, twofaced_absent(&liars)));
    ck_assert_msg(sim_run_to_height(sim, height + 2, 200000), "%s", sim_complaint(sim));
    ck_assert_int_eq(watch()->height, height); /* it is remembered */
    sim_free(sim);
}
END_TEST

START_TEST(with_more_than_a_third_the_alarm_is_raised_and_nothing_is_signed_any_more) {
    begin(2, false);
    int64_t height = twofaced_lie(&liars);
    const struct forkwatch_alarm *alarm = replica_fork_alarm(sim_replica(sim, OBSERVER));
    ck_assert(alarm->raised && alarm->stopped);
    ck_assert_int_eq(alarm->height, height);
    ck_assert_str_eq(alarm->bundle, watch()->bundle);
    ck_assert(!block_id_equal(&alarm->ours, &alarm->theirs));
    verify_bundle(height);
    sim_stop(sim, OBSERVER);
    ck_assert(sim_start(sim, OBSERVER));
    ck_assert(replica_fork_alarm(sim_replica(sim, OBSERVER))->stopped);
    sim_free(sim);
}
END_TEST

/* As any correct one may when rounds change. */
START_TEST(whoever_votes_for_two_blocks_on_one_parent_is_not_accused) {
    begin(1, true);
    struct replica *replica = (struct replica *)(uintptr_t)sim_replica(sim, OBSERVER);
    int64_t height = replica_engine(replica)->height;
    replica->parentwatch.strange_height = height; /* somebody else has shown a block on another parent */
    ck_assert_int_eq(twofaced_lie(&liars), height);
    ck_assert_int_eq(watch()->strange_height, height);
    ck_assert_int_eq(watch()->height, 0);
    sim_free(sim);
}
END_TEST

Suite *suite_parentwatch(void);
Suite *suite_parentwatch(void) {
    Suite *suite = suite_create("parentwatch");
    TCase *tests = tcase_create("two parents");
    tcase_set_timeout(tests, 300);
    tcase_add_test(tests, one_validator_that_votes_on_two_parents_is_named_and_proven_and_silences_nobody);
    tcase_add_test(tests, with_more_than_a_third_the_alarm_is_raised_and_nothing_is_signed_any_more);
    tcase_add_test(tests, whoever_votes_for_two_blocks_on_one_parent_is_not_accused);
    suite_add_tcase(suite, tests);
    return suite;
}
