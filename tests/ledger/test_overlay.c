#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "ledger/overlay.h"

static void __attribute__((noreturn)) give_up(void *context, const char *what) {
    (void)context;
    fprintf(stderr, "%s\n", what);
    abort();
}

static struct kv *kv;
static struct overlay below, state;

static void setup(void) {
    kv = kv_memory_new((struct kv_failure){NULL, give_up});
    overlay_init(&below, NULL, kv);
    overlay_init(&state, &below, NULL);
}

static void teardown(void) {
    overlay_close(&state);
    overlay_close(&below);
    kv_close(kv);
}

static void write_down(void) {
    struct kv_batch batch;
    kv_batch_init(&batch);
    overlay_write(&state, &batch);
    kv_write(kv, &batch, true);
    kv_batch_close(&batch);
    overlay_merge(&state);
    overlay_clear(&state);
}

static const char *value_of(struct overlay *overlay, const char *key) {
    static char text[100];
    struct span value = overlay_get(overlay, span_text(key));
    if (value.data == NULL)
        return "-";
    memcpy(text, value.data, value.size);
    text[value.size] = 0;
    return text;
}

static void put(const char *key, const char *value) { overlay_put(&state, span_text(key), span_text(value)); }

START_TEST(an_overlay_shows_what_lies_below_until_it_is_written_over_or_deleted) {
    struct kv_batch batch;
    kv_batch_init(&batch);
    kv_batch_put(&batch, span_text("s/a"), span_text("1"));
    kv_batch_put(&batch, span_text("s/b"), span_text("2"));
    kv_write(kv, &batch, true);
    kv_batch_close(&batch);
    ck_assert_str_eq(value_of(&state, "s/a"), "1");
    put("s/a", "10");
    overlay_delete(&state, span_text("s/b"));
    ck_assert_str_eq(value_of(&state, "s/a"), "10");
    ck_assert_str_eq(value_of(&state, "s/b"), "-");
    ck_assert_str_eq(value_of(&below, "s/a"), "1");
    write_down();
    overlay_clear(&below);
    ck_assert_str_eq(value_of(&below, "s/a"), "10");
    ck_assert_str_eq(value_of(&below, "s/b"), "-");
}
END_TEST

START_TEST(writes_since_the_mark_can_be_taken_back_one_by_one_and_all) {
    put("s/a", "1");
    overlay_mark(&state);
    put("s/a", "2");
    put("s/a", "3");
    put("s/b", "4");
    overlay_delete(&state, span_text("s/a"));
    overlay_revert(&state);
    ck_assert_str_eq(value_of(&state, "s/a"), "1");
    ck_assert_str_eq(value_of(&state, "s/b"), "-");
    write_down();
    ck_assert(kv_has(kv, span_text("s/a")) && !kv_has(kv, span_text("s/b")));
}
END_TEST

START_TEST(what_was_taken_back_shows_later_changes_below) {
    overlay_mark(&state);
    put("s/a", "1");
    overlay_revert(&state);
    overlay_put(&below, span_text("s/a"), span_text("from below"));
    ck_assert_str_eq(value_of(&state, "s/a"), "from below");
}
END_TEST

Suite *suite_overlay(void);
Suite *suite_overlay(void) {
    Suite *suite = suite_create("overlay");
    TCase *tests = tcase_create("overlay");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, an_overlay_shows_what_lies_below_until_it_is_written_over_or_deleted);
    tcase_add_test(tests, writes_since_the_mark_can_be_taken_back_one_by_one_and_all);
    tcase_add_test(tests, what_was_taken_back_shows_later_changes_below);
    suite_add_tcase(suite, tests);
    return suite;
}
