/* Past blocks at hand. */
#include <check.h>

#include "node/shelf.h"
#include "node/sim.h"

static struct sim *sim;
static struct shelf shelf;

static void begin(void) {
    struct sim_config config;
    sim_defaults(&config);
    sim = sim_new(&config);
    ck_assert(sim_run_to_height(sim, SHELF_MAX + 4, 60000));
    shelf_init(&shelf, sim_ledger(sim, 0));
}

static void end(void) {
    shelf_close(&shelf);
    sim_free(sim);
}

START_TEST(a_block_and_the_commit_that_decided_it_are_those_of_the_store) {
    begin();
    for (int64_t height = 1; height < SHELF_MAX + 4; height++) {
        struct ledger_meta meta;
        ck_assert(ledger_block_meta(sim_ledger(sim, 0), &meta, height));
        ck_assert(!shelf_has(&shelf, height));
        ck_assert(part_header_equal(part_set_header(shelf_parts(&shelf, height)), &meta.block_id.parts));
        const struct commit *commit = shelf_commit(&shelf, height);
        ck_assert(commit->height == height && block_id_equal(&commit->block_id, &meta.block_id));
        ck_assert(shelf_has(&shelf, height));
    }
    end();
}
END_TEST

START_TEST(the_least_recently_used_makes_room) {
    begin();
    for (int64_t height = 1; height <= SHELF_MAX; height++)
        shelf_parts(&shelf, height);
    shelf_parts(&shelf, 1);
    shelf_parts(&shelf, SHELF_MAX + 1);
    ck_assert(shelf_has(&shelf, 1) && shelf_has(&shelf, 3) && !shelf_has(&shelf, 2));
    end();
}
END_TEST

START_TEST(the_last_commit_is_read_anew_until_a_block_names_it) {
    begin();
    int64_t last = sim_ledger(sim, 0)->state.height;
    ck_assert_ptr_nonnull(shelf_commit(&shelf, last));
    ck_assert(sim_run_to_height(sim, last + 1, 60000));
    struct commit commit;
    struct arena arena;
    bool canonical;
    arena_init(&arena, 1 << 20);
    ck_assert(ledger_commit(sim_ledger(sim, 0), &commit, &canonical, last, &arena) && canonical);
    const struct commit *now = shelf_commit(&shelf, last);
    ck_assert_uint_eq(now->count, commit.count);
    for (uint32_t i = 0; i < commit.count; i++)
        ck_assert_int_eq(now->sigs[i].flag, commit.sigs[i].flag);
    arena_close(&arena);
    ck_assert_ptr_null(shelf_parts(&shelf, last + 100));
    ck_assert_ptr_null(shelf_commit(&shelf, last + 100));
    end();
}
END_TEST

Suite *suite_shelf(void);
Suite *suite_shelf(void) {
    Suite *suite = suite_create("shelf");
    TCase *tests = tcase_create("shelf");
    tcase_add_test(tests, a_block_and_the_commit_that_decided_it_are_those_of_the_store);
    tcase_add_test(tests, the_least_recently_used_makes_room);
    tcase_add_test(tests, the_last_commit_is_read_anew_until_a_block_names_it);
    suite_add_tcase(suite, tests);
    return suite;
}
