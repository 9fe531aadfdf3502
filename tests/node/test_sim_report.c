/* What an operator is told of a network before it exists. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/sim_report.h"

static struct sim_plan plan;
static struct sim_report report;
static char table[8192], *svg;

static char *content_of(FILE *file) {
    long size = ftell(file);
    char *text = calloc(1, (size_t)size + 1);
    rewind(file);
    ck_assert_uint_eq(fread(text, 1, (size_t)size, file), (size_t)size);
    fclose(file);
    return text;
}

static uint32_t count_of(const char *text, const char *what) {
    uint32_t count = 0;
    for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what))
        count++;
    return count;
}

static void run(uint32_t nodes, uint32_t peers, int64_t drawn) {
    struct sim_result result;
    sim_plan_network(&plan, 3, nodes, peers);
    plan.heights = 5;
    plan.tx_every_us = 50000;
    sim_plan_settle(&plan);
    sim_report_init(&report, &plan, drawn);
    struct sim_view view = sim_report_view(&report);
    sim_run(&result, &plan, NULL, &view);
    ck_assert_str_eq(result.complaint, "");
    FILE *out = tmpfile();
    sim_report_print(out, &report);
    char *text = content_of(out);
    snprintf(table, sizeof table, "%s", text);
    free(text);
    out = tmpfile();
    free(svg);
    svg = sim_report_draw(out, &report) ? content_of(out) : NULL;
    sim_report_close(&report);
}

static void teardown(void) {
    free(svg);
    svg = NULL;
}

START_TEST(the_table_tells_intervals_rounds_finality_and_bytes) {
    run(4, 0, 3);
    static const char *const rows[] = {"block interval", "time to finality", "heights decided above round 0", "transactions per second", "sent per node and block",
                                       "p50", "p99"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_ptr_nonnull(strstr(table, rows[i]));
}
END_TEST

/* Besides those of the legend: prevote and decision of each are circles, its lock is a square. */
START_TEST(each_nodes_prevote_lock_and_decision_is_in_the_diagram) {
    for (uint32_t nodes = 4; nodes <= 16; nodes += 12) {
        run(nodes, 6, 3);
        ck_assert_ptr_nonnull(svg);
        ck_assert_uint_eq(count_of(svg, "<circle"), 2 * nodes + 2);
        ck_assert_uint_eq(count_of(svg, "<rect"), nodes + 2);
        ck_assert_uint_eq(count_of(svg, "proposer "), 1);
        ck_assert_uint_ge(count_of(svg, "<title>parts of the block"), nodes - 1);
        ck_assert_uint_eq(count_of(svg, "<svg"), count_of(svg, "</svg>"));
        ck_assert_uint_eq(count_of(svg, "<text"), count_of(svg, "</text>"));
    }
}
END_TEST

START_TEST(of_a_few_nodes_every_vote_is_drawn_and_of_many_what_decided) {
    run(4, 0, 3);
    uint32_t all = count_of(svg, "<title>prevote");
    ck_assert_uint_ge(all, 8); /* what is late by a round trip may come too late to be drawn */
    run(16, 6, 3);
    uint32_t decisive = count_of(svg, "<title>prevote");
    ck_assert(decisive >= 8 && decisive <= 16);
}
END_TEST

START_TEST(one_validator_alone_is_drawn_too) {
    run(1, 0, 3);
    ck_assert_ptr_nonnull(svg);
    ck_assert_uint_ge(count_of(svg, "<circle"), 3); /* it prevotes and decides in one breath */
}
END_TEST

START_TEST(a_height_that_is_not_there_is_not_drawn) {
    run(4, 0, 3000);
    ck_assert_ptr_null(svg);
}
END_TEST

Suite *suite_sim_report(void);
Suite *suite_sim_report(void) {
    Suite *suite = suite_create("sim_report");
    TCase *tests = tcase_create("sim_report");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, NULL, teardown);
    tcase_add_test(tests, the_table_tells_intervals_rounds_finality_and_bytes);
    tcase_add_test(tests, each_nodes_prevote_lock_and_decision_is_in_the_diagram);
    tcase_add_test(tests, of_a_few_nodes_every_vote_is_drawn_and_of_many_what_decided);
    tcase_add_test(tests, one_validator_alone_is_drawn_too);
    tcase_add_test(tests, a_height_that_is_not_there_is_not_drawn);
    suite_add_tcase(suite, tests);
    return suite;
}
