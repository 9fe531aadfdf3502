#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/dbstats.h"
#include "tests/ledger/chain.h"

static struct chain chain;
static struct dbstats stats;

static void setup(void) {
    chain_open(&chain, &(struct chain_config){.validators = 1});
    for (int i = 0; i < 5; i++)
        chain_step(&chain, (const char *[]){i == 3 ? "largest=of the five values by far" : "a=b", "c=d"}, i == 0 ? 0 : 2);
    dbstats_count(&stats, chain.kv);
}

static void teardown(void) { chain_close(&chain); }

static const struct dbstats_kind *kind(const char *name) {
    for (uint32_t i = 0; i < stats.count; i++)
        if (strcmp(stats.kinds[i].name, name) == 0)
            return &stats.kinds[i];
    ck_abort_msg("%s", name);
    return NULL;
}

static bool add(void *context, struct span key, struct span value) {
    uint64_t *sums = context;
    sums[0]++;
    sums[1] += key.size;
    sums[2] += value.size;
    return true;
}

START_TEST(every_record_is_counted_once) {
    uint64_t sums[3] = {0}, counted[3] = {0};
    kv_scan(chain.kv, span_of("\0", 1), span_of("\xff\xff", 2), false, add, sums);
    for (uint32_t i = 0; i < stats.count; i++) {
        counted[0] += stats.kinds[i].keys;
        counted[1] += stats.kinds[i].key_bytes;
        counted[2] += stats.kinds[i].value_bytes;
    }
    ck_assert_mem_eq(sums, counted, sizeof sums);
    ck_assert_uint_eq(kind("other")->keys, 0);
}
END_TEST

START_TEST(blocks_are_told_with_their_heights_and_the_largest) {
    ck_assert_uint_eq(kind("blocks")->keys, 5);
    ck_assert_int_eq(kind("blocks")->lowest, 1);
    ck_assert_int_eq(kind("blocks")->highest, 5);
    ck_assert_int_eq(kind("blocks")->largest, 4);
    ck_assert_uint_eq(kind("transactions by hash")->keys, 3);
    ck_assert_int_eq(kind("transactions by hash")->lowest, 0);
    ck_assert_uint_gt(kind("transactions by event")->keys, 3);
    ck_assert_uint_gt(kind("application")->keys, 0);
}
END_TEST

START_TEST(the_json_is_json_and_says_the_same) {
    struct emit emit;
    json_error_t error;
    emit_init(&emit);
    dbstats_json(&emit, &stats);
    json_t *json = json_loadb((const char *)emit.data, emit.size, 0, &error);
    ck_assert_ptr_nonnull(json);
    json_t *blocks = json_array_get(json_object_get(json, "kinds"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(blocks, "name")), "blocks");
    ck_assert_int_eq(json_integer_value(json_object_get(blocks, "keys")), 5);
    ck_assert_int_eq(json_integer_value(json_object_get(blocks, "value_bytes")), (int64_t)kind("blocks")->value_bytes);
    json_decref(json);
    emit_close(&emit);
}
END_TEST

START_TEST(a_folder_that_is_not_there_has_no_bytes) { ck_assert_uint_eq(dbstats_folder("/not there/at all"), 0); }
END_TEST

Suite *suite_dbstats(void);
Suite *suite_dbstats(void) {
    Suite *suite = suite_create("dbstats");
    TCase *tcase = tcase_create("dbstats");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, every_record_is_counted_once);
    tcase_add_test(tcase, blocks_are_told_with_their_heights_and_the_largest);
    tcase_add_test(tcase, the_json_is_json_and_says_the_same);
    tcase_add_test(tcase, a_folder_that_is_not_there_has_no_bytes);
    suite_add_tcase(suite, tcase);
    return suite;
}
