#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/bench_proc.h"
#include "node/localnet.h"

Suite *suite_localnet(void);

static char folder[64], path[256];

static void make_folder(void) {
    strcpy(folder, "/tmp/quorate-localnet-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static const char *in_folder(const char *name) {
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name) {
    int fd = open(in_folder(name), O_WRONLY | O_CREAT, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "x\n", 2), 2);
    close(fd);
}

static void take(struct localnet *net) {
    char *error = NULL;
    ck_assert_msg(localnet_take(net, folder, &error), "%s", error);
}

static void expect_refusal(const char *words) {
    struct localnet net;
    char *error = NULL;
    ck_assert(!localnet_take(&net, folder, &error));
    ck_assert_msg(strstr(error, words) != NULL, "%s", error);
    free(error);
    localnet_leave(&net);
}

START_TEST(a_folder_in_use_is_refused_with_the_process_that_holds_it) {
    struct localnet net;
    char pid[32];
    make_folder();
    take(&net);
    snprintf(pid, sizeof pid, "process %d", (int)getpid());
    expect_refusal(pid);
    localnet_leave(&net);
    take(&net);
    localnet_leave(&net);
    unlink(in_folder("localnet.lock"));
    rmdir(folder);
}
END_TEST

START_TEST(a_folder_with_files_of_others_is_refused_and_keeps_them) {
    make_folder();
    write_file("thesis.txt");
    expect_refusal("not made here");
    ck_assert_int_eq(access(in_folder("thesis.txt"), F_OK), 0);
    unlink(in_folder("thesis.txt"));
    rmdir(folder);
}
END_TEST

START_TEST(what_an_earlier_network_left_is_removed_but_nothing_behind_a_link) {
    struct localnet net;
    char other[] = "/tmp/quorate-localnet-other-XXXXXX", kept[128];
    make_folder();
    ck_assert_ptr_nonnull(mkdtemp(other));
    take(&net);
    localnet_leave(&net);
    ck_assert_int_eq(mkdir(in_folder("node0"), 0700), 0);
    write_file("node0/key.json");
    snprintf(kept, sizeof kept, "%s/kept", other);
    int fd = open(kept, O_WRONLY | O_CREAT, 0600);
    close(fd);
    ck_assert_int_eq(symlink(other, in_folder("node0/link")), 0);
    take(&net);
    ck_assert_int_ne(access(in_folder("node0"), F_OK), 0);
    ck_assert_int_eq(access(in_folder("localnet.lock"), F_OK), 0);
    ck_assert_int_eq(access(kept, F_OK), 0);
    localnet_leave(&net);
    unlink(kept);
    rmdir(other);
    unlink(in_folder("localnet.lock"));
    rmdir(folder);
}
END_TEST

START_TEST(the_tail_of_a_log_is_its_last_lines) {
    struct localnet_node node = {.name = "node0"};
    char *text;
    size_t size;
    make_folder();
    snprintf(node.log, sizeof node.log, "%s", in_folder("node0.log"));
    FILE *log = fopen(node.log, "w");
    for (int i = 0; i < 5000; i++)
        fprintf(log, "line %d\n", i);
    fclose(log);
    FILE *out = open_memstream(&text, &size);
    localnet_tail(out, &node, 2);
    fclose(out);
    ck_assert_str_eq(text, "line 4998\nline 4999\n");
    free(text);
    unlink(node.log);
    rmdir(folder);
}
END_TEST

START_TEST(ends_of_processes_are_told_apart) {
    char text[64];
    ck_assert_str_eq(localnet_end_text(text, 3 << 8), "exit status 3");
    ck_assert_str_eq(localnet_end_text(text, 9), "killed by signal 9");
}
END_TEST

START_TEST(what_linux_counts_is_read_by_its_names) {
    double seconds = 0;
    ck_assert(bench_proc_parse_stat(&seconds, "12 (a) R (b)) S 1 2 3 4 -1 6 7 8 9 10 250 50 0 0 20 0 1", 100));
    ck_assert(seconds == 3);
    ck_assert(!bench_proc_parse_stat(&seconds, "12 a S 1", 100));
    ck_assert(!bench_proc_parse_stat(&seconds, "12 (a) S 1 2", 100));
    ck_assert_uint_eq(bench_proc_parse_line("VmPeak:\t 9 kB\nVmHWM:\t  8200 kB\nVmRSS:\t 7 kB\n", "VmHWM"), 8200);
    ck_assert_uint_eq(bench_proc_parse_line("cancelled_write_bytes: 5\nwrite_bytes: 6\n", "write_bytes"), 6);
    ck_assert_uint_eq(bench_proc_parse_line("", "VmHWM"), 0);
    struct bench_proc self;
    ck_assert(bench_proc_read(&self, getpid()));
    ck_assert_uint_gt(self.resident_bytes, 0);
    ck_assert_uint_ge(self.peak_bytes, self.resident_bytes);
}
END_TEST

Suite *suite_localnet(void) {
    Suite *suite = suite_create("localnet");
    TCase *tcase = tcase_create("localnet");
    tcase_add_test(tcase, a_folder_in_use_is_refused_with_the_process_that_holds_it);
    tcase_add_test(tcase, a_folder_with_files_of_others_is_refused_and_keeps_them);
    tcase_add_test(tcase, what_an_earlier_network_left_is_removed_but_nothing_behind_a_link);
    tcase_add_test(tcase, the_tail_of_a_log_is_its_last_lines);
    tcase_add_test(tcase, ends_of_processes_are_told_apart);
    tcase_add_test(tcase, what_linux_counts_is_read_by_its_names);
    suite_add_tcase(suite, tcase);
    return suite;
}
