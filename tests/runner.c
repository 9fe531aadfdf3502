#include "tests/runner.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define JOBS_MAX 4

struct tally { /* what a suite's process tells */
    int run, failures, errors;
};

struct job {
    const struct runner_suite *suite; /* NULL: free */
    pid_t process;
    int told; /* a pipe to read a tally from */
    struct timespec begun;
};

/* ---- one suite, in its own process */

static void count(struct tally *tally, SRunner *runner) {
    int failed = srunner_ntests_failed(runner);
    TestResult **failures = srunner_failures(runner);
    tally->run = srunner_ntests_run(runner);
    for (int i = 0; i < failed; i++)
        tally->failures += tr_rtype(failures[i]) == CK_FAILURE;
    tally->errors = failed - tally->failures;
    free(failures);
}

static void run_suite(const struct runner_suite *suite, int tell) __attribute__((noreturn));
static void run_suite(const struct runner_suite *suite, int tell) {
    struct tally tally = {0};
    setpgid(0, 0); /* libcheck, asked to end, ends its whole group with it, and ours may be that of a shell */
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    SRunner *runner = srunner_create(suite->make());
    srunner_run_all(runner, CK_SILENT);
    count(&tally, runner);
    printf("Running suite(s): %s\n", suite->name);
    srunner_print(runner, CK_NORMAL);
    srunner_free(runner);
    fflush(stdout);
    if (write(tell, &tally, sizeof tally) != (ssize_t)sizeof tally)
        exit(EXIT_FAILURE);
    exit(EXIT_SUCCESS);
}

static void begin(struct job *job, const struct runner_suite *suite) {
    int ends[2];
    int piped = pipe(ends);
    assert(piped == 0);
    fflush(stdout);
    *job = (struct job){.suite = suite, .told = ends[0]};
    clock_gettime(CLOCK_MONOTONIC, &job->begun);
    job->process = fork();
    assert(job->process >= 0);
    if (job->process == 0) {
        close(ends[0]);
        run_suite(suite, ends[1]);
    }
    close(ends[1]);
}

/* ---- all of them */

static void tell_times(const struct job *job, const struct rusage *used) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double wall = (double)(now.tv_sec - job->begun.tv_sec) + (double)(now.tv_nsec - job->begun.tv_nsec) / 1e9;
    printf("%-20s %7.2f s user %7.2f s system %7.2f s passed\n", job->suite->name, (double)used->ru_utime.tv_sec + (double)used->ru_utime.tv_usec / 1e6,
           (double)used->ru_stime.tv_sec + (double)used->ru_stime.tv_usec / 1e6, wall);
}

/* A process that dies, or leaks, fails whatever its tests said. */
static void end(struct job *job, struct tally *all, int status, const struct rusage *used) {
    struct tally tally = {0};
    bool is_whole = read(job->told, &tally, sizeof tally) == (ssize_t)sizeof tally && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
    close(job->told);
    if (!is_whole) {
        printf("suite %s: its process ended with %s %d\n", job->suite->name, WIFSIGNALED(status) ? "signal" : "status",
               WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        all->errors++;
    }
    if (getenv("RUNNER_TIMES") != NULL)
        tell_times(job, used);
    all->run += tally.run;
    all->failures += tally.failures;
    all->errors += tally.errors;
    job->suite = NULL;
}

static size_t jobs_at_once(void) {
    const char *wanted = getenv("RUNNER_JOBS");
    long jobs = wanted != NULL ? strtol(wanted, NULL, 10) : sysconf(_SC_NPROCESSORS_ONLN);
    return jobs < 1 ? 1 : jobs > JOBS_MAX ? JOBS_MAX : (size_t)jobs;
}

static void wait_for_one(struct job jobs[static JOBS_MAX], struct tally *all) {
    int status;
    struct rusage used;
    pid_t process = wait4(-1, &status, 0, &used);
    assert(process > 0 || errno == EINTR);
    for (size_t i = 0; i < JOBS_MAX; i++)
        if (process > 0 && jobs[i].suite != NULL && jobs[i].process == process)
            end(&jobs[i], all, status, &used);
}

static int run_apart(const char *room, const struct runner_suite *suites, size_t suite_count) {
    struct job jobs[JOBS_MAX] = {0};
    struct tally all = {0};
    size_t limit = jobs_at_once(), running;
    for (size_t next = 0;;) {
        running = 0;
        for (size_t i = 0; i < limit; i++) {
            if (jobs[i].suite == NULL && next < suite_count)
                begin(&jobs[i], &suites[next++]);
            running += jobs[i].suite != NULL;
        }
        if (running == 0)
            break;
        wait_for_one(jobs, &all);
    }
    int failed = all.failures + all.errors;
    printf("%s: %zu suites, %d checks, %d failed\n", room, suite_count, all.run, failed);
    return failed == 0 && all.run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run_together(const char *room, const struct runner_suite *suites, size_t suite_count) {
    SRunner *runner = srunner_create(suite_create(room));
    for (size_t i = 0; i < suite_count; i++)
        srunner_add_suite(runner, suites[i].make());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int runner_main(const char *room, const struct runner_suite *suites, size_t suite_count) {
    static const char *const own[] = {"CK_RUN_SUITE", "CK_RUN_CASE", "CK_INCLUDE_TAGS", "CK_EXCLUDE_TAGS", "CK_FORK",
                                      "CK_VERBOSITY", "CK_XML_LOG_FILE_NAME", "CK_TAP_LOG_FILE_NAME", "CK_LOG_FILE_NAME"};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (getenv(own[i]) != NULL)
            return run_together(room, suites, suite_count);
    return run_apart(room, suites, suite_count);
}
