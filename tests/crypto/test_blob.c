#include "crypto/blob.h"

#include <check.h>

START_TEST(a_new_blob_holds_a_copy_of_the_bytes) {
    uint8_t bytes[5] = "four";
    struct blob *blob = blob_new(span_of(bytes, sizeof bytes));
    bytes[0] = 'p';
    ck_assert_uint_eq(blob->size, 5);
    ck_assert_str_eq((const char *)blob->data, "four");
    ck_assert(span_equal(blob_span(blob), span_of("four", 5)));
    blob_release(blob);
}
END_TEST

START_TEST(a_blob_lives_until_its_last_holder_lets_go) {
    struct blob *blob = blob_new(span_text("shared"));
    ck_assert_ptr_eq(blob_hold(blob), blob);
    ck_assert_uint_eq(blob->holders, 2);
    blob_release(blob);
    ck_assert_uint_eq(blob->holders, 1);
    ck_assert(span_equal(blob_span(blob), span_text("shared")));
    blob_release(blob);
}
END_TEST

START_TEST(an_empty_blob_needs_no_bytes) {
    struct blob *blob = blob_new(span_of(NULL, 0));
    ck_assert_uint_eq(blob->size, 0);
    blob_release(blob);
    blob_release(NULL);
}
END_TEST

START_TEST(a_reserved_blob_can_be_filled_to_its_last_byte) {
    struct blob *blob = blob_reserve(1000);
    memset(blob->data, 7, 1000);
    ck_assert_uint_eq(blob->size, 1000);
    ck_assert_uint_eq(blob->holders, 1);
    blob_release(blob);
}
END_TEST

Suite *suite_blob(void);
Suite *suite_blob(void) {
    Suite *suite = suite_create("blob");
    TCase *tcase = tcase_create("blob");
    tcase_add_test(tcase, a_new_blob_holds_a_copy_of_the_bytes);
    tcase_add_test(tcase, a_blob_lives_until_its_last_holder_lets_go);
    tcase_add_test(tcase, an_empty_blob_needs_no_bytes);
    tcase_add_test(tcase, a_reserved_blob_can_be_filled_to_its_last_byte);
    suite_add_tcase(suite, tcase);
    return suite;
}
