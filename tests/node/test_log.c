#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "node/log.h"

Suite *suite_log(void);

static int captured = -1, real_stderr = -1;

/* What is written to stderr goes into a file, and comes out as text. */
static void set_up(void) {
    FILE *file = tmpfile();
    captured = dup(fileno(file));
    fclose(file);
    fflush(stderr);
    real_stderr = dup(STDERR_FILENO);
    dup2(captured, STDERR_FILENO);
}

static void tear_down(void) {
    fflush(stderr);
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    close(captured);
    log_setup(WORLD_INFO, false, false);
}

static char text[65536];

static const char *said(void) {
    fflush(stderr);
    ssize_t size = pread(captured, text, sizeof text - 1, 0);
    text[size < 0 ? 0 : size] = '\0';
    ck_assert_int_eq(ftruncate(captured, 0), 0);
    lseek(captured, 0, SEEK_SET);
    return text;
}

START_TEST(a_plain_line_has_time_level_and_text) {
    log_setup(WORLD_DEBUG, false, false);
    for (int level = WORLD_DEBUG; level <= WORLD_ERROR; level++) {
        static const char *const marks[] = {"DBG", "INF", "WRN", "ERR"};
        char mark[4], rest[64];
        int year, month, day, hour, minute, second, ms, end = 0;
        log_format((enum world_level)level, "height %d", 7);
        ck_assert_int_eq(sscanf(said(), "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ %3s %[^\n]%n", &year, &month, &day, &hour, &minute, &second, &ms, mark, rest, &end), 9);
        ck_assert_str_eq(mark, marks[level]);
        ck_assert_str_eq(rest, "height 7");
        ck_assert_str_eq(text + end, "\n");
    }
}
END_TEST

START_TEST(what_is_below_the_level_is_not_said_and_nothing_is_when_silent) {
    log_setup(WORLD_WARN, false, false);
    log_line(WORLD_INFO, "no");
    log_line(WORLD_DEBUG, "no");
    ck_assert_str_eq(said(), "");
    log_line(WORLD_WARN, "yes");
    ck_assert_ptr_nonnull(strstr(said(), "yes"));
    log_setup(WORLD_DEBUG, false, true);
    log_line(WORLD_ERROR, "no");
    log_setup(LOG_NONE, false, false);
    log_line(WORLD_ERROR, "no");
    ck_assert_str_eq(said(), "");
}
END_TEST

/* A peer's moniker must not forge a line, nor steer a terminal. */
START_TEST(a_strangers_text_stays_in_its_line) {
    log_setup(WORLD_INFO, false, false);
    log_line(WORLD_INFO, "moniker \n2026-01-01 ERR forged\r\t\x1b[31m\x7f\x9b\xc2\x9b\xff end \xc3\xa9");
    const char *line = said();
    ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
    ck_assert_ptr_nonnull(strstr(line, "moniker \\x0a2026-01-01 ERR forged\\x0d\\x09\\x1b[31m\\x7f\\x9b\\x9b\\xff end \xc3\xa9\n"));
}
END_TEST

START_TEST(json_lines_are_json_whatever_the_text) {
    log_setup(WORLD_INFO, true, false);
    srand(5);
    for (int round = 0; round < 300; round++) {
        char noise[200];
        for (size_t i = 0; i < sizeof noise - 1; i++)
            noise[i] = (char)(round == 0 ? "a\"\\\n\t/\x01"[i % 7] : 1 + rand() % 255);
        noise[sizeof noise - 1] = '\0';
        log_line(WORLD_ERROR, noise);
        json_error_t error;
        json_t *line = json_loads(said(), JSON_REJECT_DUPLICATES, &error);
        ck_assert_msg(line != NULL, "%s: %s", error.text, text);
        ck_assert_str_eq(json_string_value(json_object_get(line, "level")), "error");
        ck_assert_uint_eq(json_string_length(json_object_get(line, "ts")), 24);
        if (round == 0)
            ck_assert_str_eq(json_string_value(json_object_get(line, "msg")), noise);
        json_decref(line);
    }
}
END_TEST

START_TEST(a_text_without_end_is_cut) {
    static char endless[20000];
    memset(endless, 'x', sizeof endless - 1);
    for (int json = 0; json < 2; json++)
        for (int fill = 0; fill < 2; fill++) {
            memset(endless, fill == 0 ? 'x' : 1, sizeof endless - 1);
            log_setup(WORLD_INFO, json != 0, false);
            log_line(WORLD_INFO, endless);
            ck_assert_uint_lt(strlen(said()), LOG_TEXT_MAX + 200);
            ck_assert_ptr_nonnull(strstr(text, json ? "…\"}\n" : "…\n"));
            log_format(WORLD_INFO, "%s", endless);
            ck_assert_ptr_nonnull(strstr(said(), json ? "…\"}\n" : "…\n"));
        }
}
END_TEST

START_TEST(levels_are_read_as_the_other_implementation_writes_them) {
    static const struct {
        const char *text;
        int level;
    } cases[] = {
        {"debug", WORLD_DEBUG},
        {"info", WORLD_INFO},
        {"warn", WORLD_WARN},
        {"error", WORLD_ERROR},
        {"none", LOG_NONE},
        {"*:error", WORLD_ERROR},
        {"main:info,state:info,*:error", WORLD_ERROR},
        {"*:error,p2p:debug", WORLD_ERROR},
        {"consensus:debug,p2p:none", WORLD_DEBUG},
    };
    static const char *const wrong[] = {"", "loud", "information", "info,", ",info", "*:", ":info", "p2p:loud,*:info", "INFO", "info debug"};
    enum world_level level;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert_msg(log_level_from_text(&level, cases[i].text), "%s", cases[i].text);
        ck_assert_int_eq((int)level, cases[i].level);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        level = WORLD_WARN;
        ck_assert_msg(!log_level_from_text(&level, wrong[i]), "%s", wrong[i]);
        ck_assert_int_eq(level, WORLD_WARN);
    }
}
END_TEST

Suite *suite_log(void) {
    Suite *suite = suite_create("log");
    TCase *tests = tcase_create("log");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_plain_line_has_time_level_and_text);
    tcase_add_test(tests, what_is_below_the_level_is_not_said_and_nothing_is_when_silent);
    tcase_add_test(tests, a_strangers_text_stays_in_its_line);
    tcase_add_test(tests, json_lines_are_json_whatever_the_text);
    tcase_add_test(tests, a_text_without_end_is_cut);
    tcase_add_test(tests, levels_are_read_as_the_other_implementation_writes_them);
    suite_add_tcase(suite, tests);
    return suite;
}
