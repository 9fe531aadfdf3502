/* quorate sim, asked for odd things: it does them, or says what is wrong with them before hours are spent. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/cli.h"
#include "tests/node/prompt.h"

Suite *suite_sim_command(void);

static char folder[64];

static void set_up(void) {
    strcpy(folder, "/tmp/quorate-sim-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
}

static void tear_down(void) {
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static void write_file(const char *name, const char *text) {
    FILE *file = fopen(name, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    fclose(file);
}

static bool is_there(const char *name) { return access(name, F_OK) == 0; }

/* One run a test process: the command's options are its statics. */
#define RUN(...) prompt_run("sim", __VA_ARGS__, (const char *)NULL)
#define SAYS(status, text, ...)                                                                      \
    do {                                                                                             \
        int is_status = RUN(__VA_ARGS__);                                                            \
        ck_assert_msg(is_status == (status) && strstr(prompt_said, text) != NULL, "%d: %s", is_status, prompt_said); \
    } while (0)

/* ---- one seed */

START_TEST(a_seed_that_is_no_number_of_63_bits_is_refused) { SAYS(CLI_USAGE, "--seed 18446744073709551615: a whole number", "--seed", "18446744073709551615"); }
END_TEST

START_TEST(the_greatest_seed_is_run) { SAYS(CLI_GOOD, "all held", "--seed", "9223372036854775807", "--heights", "1"); }
END_TEST

static const char *const no_lists[] = {"", "nonsense", "999", "0,,1", "0,", "-1", "0 1", "0,18446744073709551616"};
START_TEST(what_is_no_list_of_faults_is_refused) { SAYS(CLI_USAGE, "numbers of the seed's faults are wanted", "--seed", "5", "--keep", no_lists[_i], "--plan"); }
END_TEST

static const char *const deaf[][6] = {
    {"--seed", "1", "--count", "2", "--trace"}, {"--seed", "1", "--count", "2", "--keep", "1"}, {"--seed", "1", "--count", "2", "--heights", "3"},
    {"--seed", "1", "--want-all"},              {"--seed", "1", "--seeds-file", "x"},           {"--validators", "4", "--count", "2"},
    {"--validators", "4", "--keep", "1"},       {"--validators", "4", "--quiet", "3"},          {"--replay", "x", "--count", "3"},
    {"--seed", "1", "--svg-height", "3"},       {"--speed", "--heights", "3"},                  {"--seed", "1", "--minutes", "1", "--plan"},
};
START_TEST(an_option_that_would_not_be_heard_is_refused) {
    SAYS(CLI_USAGE, "does not go with the other options", deaf[_i][0], deaf[_i][1], deaf[_i][2], deaf[_i][3], deaf[_i][4], deaf[_i][5]);
}
END_TEST

/* ---- many */

START_TEST(seeds_that_could_not_be_asked_for_alone_are_not_run) {
    SAYS(CLI_USAGE, "the last seed is above 9223372036854775807", "--seed", "9223372036854775806", "--count", "3");
}
END_TEST

START_TEST(the_last_seeds_of_all_are_run) { SAYS(CLI_GOOD, "2 seeds, 0 failed", "--seed", "9223372036854775806", "--count", "2", "--jobs", "50"); }
END_TEST

START_TEST(where_failing_seeds_could_not_be_kept_is_told_at_once) {
    SAYS(CLI_FAILED, "nowhere/seeds: cannot be written: No such file", "--seed", "1", "--count", "2", "--seeds-file", "nowhere/seeds");
}
END_TEST

START_TEST(a_file_for_seeds_is_not_made_for_nothing) {
    SAYS(CLI_GOOD, "2 seeds, 0 failed", "--seed", "1", "--count", "2", "--seeds-file", "seeds");
    ck_assert(!is_there("seeds"));
}
END_TEST

/* ---- a replay */

static const char *const no_seeds[][2] = {
    {"x keep=all heights=1\n", "line 1: `SEED keep=LIST heights=H` is wanted"},
    {"-5 keep=all heights=1\n", "line 1: `SEED keep=LIST heights=H` is wanted"},
    {"99999999999999999999 keep=all heights=1\n", "line 1: `SEED keep=LIST heights=H` is wanted"},
    {"# one\n\n5 keep=all heights=-1\n", "line 3: `SEED keep=LIST heights=H` is wanted"},
    {"5 keep=all heights=3x\n", "line 1: `SEED keep=LIST heights=H` is wanted"},
    {"5 keep=0,99999 heights=1\n", "line 1: keep= names other faults than the seed has"},
};
START_TEST(a_line_that_is_no_seed_is_told_with_its_number) {
    write_file("seeds", no_seeds[_i][0]);
    SAYS(CLI_FAILED, no_seeds[_i][1], "--replay", "seeds");
}
END_TEST

START_TEST(kept_seeds_are_run_again) {
    write_file("seeds", "# two of them\n5 keep=0 heights=1 # why\n6 keep=none heights=1 real-crypto # why\n7 keep=all heights=0\n");
    SAYS(CLI_GOOD, "3 seeds, 0 failed", "--replay", "seeds");
}
END_TEST

START_TEST(what_cannot_be_read_is_no_empty_list_of_seeds) { SAYS(CLI_FAILED, "cannot be read: Is a directory", "--replay", "."); }
END_TEST

/* ---- a network */

static const char *const no_latencies[][2] = {
    {"", "regions, but"},
    {"A 1 2\nB 3\n", "bad: latencies, line 2: has not as many latencies as the lines before"},
    {"A 1 -2\nB 3 4\n", "bad: latencies, line 1: milliseconds from 0 to 10000 are wanted"},
    {"A nan 1\nB 3 4\n", "milliseconds from 0 to 10000 are wanted"},
    {"A 1e300\n", "milliseconds from 0 to 10000 are wanted"},
    {"A\n", "no latencies"},
};
START_TEST(malformed_latencies_are_told_with_file_and_line) {
    write_file("bad", no_latencies[_i][0]);
    SAYS(CLI_FAILED, no_latencies[_i][1], "--validators", "4", "--heights", "1", "--latency", "bad");
    ck_assert(!is_there("sim.svg"));
}
END_TEST

START_TEST(latencies_that_cannot_be_read_are_told) { SAYS(CLI_FAILED, ".: cannot be read: Is a directory", "--validators", "4", "--heights", "1", "--latency", "."); }
END_TEST

START_TEST(latencies_that_are_too_long_are_not_cut) {
    FILE *file = fopen("long", "w");
    for (int i = 0; i < 100001; i++)
        fputs("# nothing\n", file);
    fclose(file);
    SAYS(CLI_FAILED, "long: is longer than 1000000 bytes", "--validators", "4", "--heights", "1", "--latency", "long");
}
END_TEST

START_TEST(where_nothing_can_be_drawn_is_told_before_the_run) {
    SAYS(CLI_FAILED, "nowhere/x.svg: cannot be written: No such file", "--validators", "4", "--heights", "1", "--svg", "nowhere/x.svg");
    ck_assert_ptr_null(strstr(prompt_said, "virtual seconds"));
}
END_TEST

START_TEST(a_disk_that_is_full_is_told_when_it_is_drawn) {
    SAYS(CLI_FAILED, "/dev/full: cannot be written: No space left", "--validators", "4", "--heights", "1", "--svg", "/dev/full");
}
END_TEST

START_TEST(a_height_that_never_came_is_told_and_nothing_is_left) {
    SAYS(CLI_FAILED, "nothing is drawn: height 100 was not reached by all", "--validators", "4", "--heights", "2", "--svg-height", "100");
    ck_assert(!is_there("sim.svg"));
}
END_TEST

START_TEST(of_a_network_bounded_in_time_a_height_in_the_middle_is_drawn) {
    SAYS(CLI_GOOD, "is drawn in sim.svg", "--validators", "4", "--for", "20");
    ck_assert(is_there("sim.svg"));
}
END_TEST

START_TEST(a_bound_beyond_all_heights_is_none) {
    SAYS(CLI_FAILED, "nothing is drawn: height 4611686018427387904", "--validators", "4", "--for", "3", "--heights", "9223372036854775807");
}
END_TEST

START_TEST(one_two_and_three_validators_are_networks_too) {
    static const char *const counts[] = {"1", "2", "3"};
    SAYS(CLI_GOOD, "height 1 is drawn", "--validators", counts[_i], "--heights", "2");
}
END_TEST

Suite *suite_sim_command(void) {
    Suite *suite = suite_create("sim_command");
    TCase *tests = tcase_create("sim_command");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 240);
    tcase_add_test(tests, a_seed_that_is_no_number_of_63_bits_is_refused);
    tcase_add_test(tests, the_greatest_seed_is_run);
    tcase_add_loop_test(tests, what_is_no_list_of_faults_is_refused, 0, (int)(sizeof no_lists / sizeof no_lists[0]));
    tcase_add_loop_test(tests, an_option_that_would_not_be_heard_is_refused, 0, (int)(sizeof deaf / sizeof deaf[0]));
    tcase_add_test(tests, seeds_that_could_not_be_asked_for_alone_are_not_run);
    tcase_add_test(tests, the_last_seeds_of_all_are_run);
    tcase_add_test(tests, where_failing_seeds_could_not_be_kept_is_told_at_once);
    tcase_add_test(tests, a_file_for_seeds_is_not_made_for_nothing);
    tcase_add_loop_test(tests, a_line_that_is_no_seed_is_told_with_its_number, 0, (int)(sizeof no_seeds / sizeof no_seeds[0]));
    tcase_add_test(tests, kept_seeds_are_run_again);
    tcase_add_test(tests, what_cannot_be_read_is_no_empty_list_of_seeds);
    tcase_add_loop_test(tests, malformed_latencies_are_told_with_file_and_line, 0, (int)(sizeof no_latencies / sizeof no_latencies[0]));
    tcase_add_test(tests, latencies_that_cannot_be_read_are_told);
    tcase_add_test(tests, latencies_that_are_too_long_are_not_cut);
    tcase_add_test(tests, where_nothing_can_be_drawn_is_told_before_the_run);
    tcase_add_test(tests, a_disk_that_is_full_is_told_when_it_is_drawn);
    tcase_add_test(tests, a_height_that_never_came_is_told_and_nothing_is_left);
    tcase_add_test(tests, of_a_network_bounded_in_time_a_height_in_the_middle_is_drawn);
    tcase_add_test(tests, a_bound_beyond_all_heights_is_none);
    tcase_add_loop_test(tests, one_two_and_three_validators_are_networks_too, 0, 3);
    suite_add_tcase(suite, tests);
    return suite;
}
