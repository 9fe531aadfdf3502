#include "crypto/arena.h"

#include <check.h>

static bool all_zero(const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

START_TEST(what_is_taken_is_zeroed_aligned_and_its_own) {
    struct arena arena;
    arena_init(&arena, 1 << 20);
    uint8_t *before = NULL;
    for (size_t size = 1; size < 600; size++) {
        uint8_t *taken = arena_take(&arena, size, 1);
        ck_assert_ptr_nonnull(taken);
        ck_assert_uint_eq((uintptr_t)taken % 16, 0);
        ck_assert(all_zero(taken, size));
        memset(taken, 0xff, size);
        ck_assert_ptr_ne(taken, before);
        before = taken;
    }
    arena_close(&arena);
}
END_TEST

START_TEST(memory_is_zeroed_again_after_a_reset) {
    struct arena arena;
    arena_init(&arena, 1 << 20);
    void *first = arena_take(&arena, 100, 1);
    memset(first, 0xff, 100);
    for (int i = 0; i < 20; i++)
        memset(arena_take(&arena, 10000, 1), 0xff, 10000);
    arena_reset(&arena);
    ck_assert_uint_eq(arena.bytes_taken, 0);
    uint8_t *again = arena_take(&arena, 100, 1);
    ck_assert_ptr_eq(again, first);
    ck_assert(all_zero(again, 100));
    arena_close(&arena);
}
END_TEST

/* Wound 35: a tiny message must not command a huge heap. */
START_TEST(more_than_the_bound_is_refused_and_less_still_granted) {
    struct arena arena;
    arena_init(&arena, 1000);
    ck_assert_ptr_null(arena_take(&arena, 1001, 1));
    ck_assert_ptr_nonnull(arena_take(&arena, 512, 1));
    ck_assert_ptr_null(arena_take(&arena, 512, 1));
    ck_assert_ptr_nonnull(arena_take(&arena, 480, 1));
    ck_assert_ptr_null(arena_take(&arena, 1, 1));
    arena_close(&arena);
}
END_TEST

START_TEST(a_product_that_overflows_is_refused) {
    struct arena arena;
    arena_init(&arena, SIZE_MAX);
    ck_assert_ptr_null(arena_take(&arena, SIZE_MAX / 2 + 2, 2));
    ck_assert_ptr_null(arena_take(&arena, SIZE_MAX, SIZE_MAX));
    ck_assert_ptr_null(arena_take(&arena, SIZE_MAX, 1));
    ck_assert_ptr_null(arena.chunks);
    arena_close(&arena);
}
END_TEST

START_TEST(nothing_taken_is_not_a_refusal) {
    struct arena arena;
    arena_init(&arena, 64);
    ck_assert_ptr_nonnull(arena_take(&arena, 0, 8));
    arena_close(&arena);
}
END_TEST

START_TEST(a_copy_outlives_what_it_was_copied_from) {
    struct arena arena;
    struct span copy = {0};
    char text[] = "loan";
    arena_init(&arena, 64);
    ck_assert(arena_copy(&arena, &copy, span_text(text)));
    text[0] = 'm';
    ck_assert(span_equal(copy, span_text("loan")));
    ck_assert(arena_copy(&arena, &copy, span_of(NULL, 0)));
    ck_assert_uint_eq(copy.size, 0);
    arena_close(&arena);
}
END_TEST

START_TEST(a_refused_copy_leaves_the_output_untouched) {
    struct arena arena;
    struct span copy = span_text("before");
    uint8_t large[100] = {0};
    arena_init(&arena, 64);
    ck_assert(!arena_copy(&arena, &copy, span_of(large, sizeof large)));
    ck_assert(span_equal(copy, span_text("before")));
    arena_close(&arena);
}
END_TEST

START_TEST(an_arena_may_be_used_again_after_it_was_closed) {
    struct arena arena;
    arena_init(&arena, 1 << 16);
    ck_assert_ptr_nonnull(arena_take(&arena, 60000, 1));
    arena_close(&arena);
    ck_assert_ptr_nonnull(arena_take(&arena, 60000, 1));
    arena_close(&arena);
}
END_TEST

Suite *suite_arena(void);
Suite *suite_arena(void) {
    Suite *suite = suite_create("arena");
    TCase *tcase = tcase_create("arena");
    tcase_add_test(tcase, what_is_taken_is_zeroed_aligned_and_its_own);
    tcase_add_test(tcase, memory_is_zeroed_again_after_a_reset);
    tcase_add_test(tcase, more_than_the_bound_is_refused_and_less_still_granted);
    tcase_add_test(tcase, a_product_that_overflows_is_refused);
    tcase_add_test(tcase, nothing_taken_is_not_a_refusal);
    tcase_add_test(tcase, a_copy_outlives_what_it_was_copied_from);
    tcase_add_test(tcase, a_refused_copy_leaves_the_output_untouched);
    tcase_add_test(tcase, an_arena_may_be_used_again_after_it_was_closed);
    suite_add_tcase(suite, tcase);
    return suite;
}
