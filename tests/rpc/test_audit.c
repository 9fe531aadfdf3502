#include <check.h>
#include <stdlib.h>

#include "tests/rpc/lab.h"

Suite *suite_audit(void);

static struct lab lab;

START_TEST(without_a_fork_the_alarm_is_not_raised_and_names_nothing) {
    lab_open(&lab, NULL, 2);
    json_t *alarm = lab_result(&lab, "fork_alarm", "{}");
    ck_assert(json_is_false(json_object_get(alarm, "raised")));
    ck_assert(json_is_false(json_object_get(alarm, "stopped_signing")));
    ck_assert_str_eq(json_string_value(json_object_get(alarm, "height")), "0");
    ck_assert_str_eq(json_string_value(json_object_get(alarm, "bundle")), "");
    ck_assert(json_is_null(json_object_get(alarm, "two_parents")));
    json_decref(alarm);
    lab_close(&lab);
}
END_TEST

START_TEST(the_votes_of_a_height_need_a_height_and_a_journal) {
    lab_open(&lab, NULL, 2);
    char *error = lab_error(&lab, "vote_log", "{}");
    ck_assert_str_eq(error, "height must be given, from 1 on");
    free(error);
    error = lab_error(&lab, "vote_log", "{\"height\":\"1\"}");
    ck_assert_str_eq(error, "this node has no vote journal");
    free(error);
    lab_close(&lab);
}
END_TEST

Suite *suite_audit(void) {
    Suite *suite = suite_create("audit");
    TCase *answers = tcase_create("answers");
    tcase_add_test(answers, without_a_fork_the_alarm_is_not_raised_and_names_nothing);
    tcase_add_test(answers, the_votes_of_a_height_need_a_height_and_a_journal);
    suite_add_tcase(suite, answers);
    return suite;
}
