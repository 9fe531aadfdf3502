#define _GNU_SOURCE /* memfd_create */
#include "node/sim_farm.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "node/complaint.h"

#define JOBS_MAX        64
#define CPU_SECONDS_MAX       90  /* of one seed: more is a fault of its own */
#define CPU_SECONDS_MAX_LARGE 600
#define SHRINK_RUNS_MAX 80
#define LIST_SIZE       256
#define LARGE           30
#define LAST_WORDS_SIZE 512

struct wish { /* one run */
    uint64_t seed;
    char keep[LIST_SIZE]; /* "": all */
    int64_t heights;      /* 0: the plan's */
    bool real_crypto;
    const struct sim_roads *matrix;
};

struct job {
    pid_t pid; /* 0: free */
    int answer, errors;
    struct wish wish;
};

struct outcome {
    struct wish wish;
    struct sim_result result; /* complaint "": good */
    double cpu_s;
};

/* ---- one run, in a child */

bool sim_farm_keep(struct sim_plan *plan, const char *list) {
    for (uint32_t i = 0; i < plan->fault_count; i++)
        plan->faults[i].left_out = true;
    if (strcmp(list, "none") == 0)
        return true;
    for (char *end;; list = end + 1) {
        long index = strtol(list, &end, 10);
        if (end == list || index < 0 || index >= (long)plan->fault_count || (*end != ',' && *end != '\0'))
            return false;
        plan->faults[index].left_out = false;
        if (*end == '\0')
            return true;
    }
}

static void plan_of(struct sim_plan *plan, const struct wish *wish) {
    sim_plan_make(plan, wish->seed);
    plan->real_crypto |= wish->real_crypto;
    if (wish->matrix != NULL && plan->roads.kind == SIM_ROADS_WAN)
        sim_roads_take_matrix(&plan->roads, wish->matrix);
    if (wish->keep[0] != '\0')
        sim_farm_keep(plan, wish->keep);
    if (wish->heights > 0)
        plan->heights = wish->heights;
    sim_plan_settle(plan);
}

static void live_as_child(const struct wish *wish, int answer, int errors) __attribute__((noreturn));
static void live_as_child(const struct wish *wish, int answer, int errors) {
    static struct sim_plan plan;
    static struct sim_result result;
    plan_of(&plan, wish);
    rlim_t seconds = plan.config.nodes < LARGE ? CPU_SECONDS_MAX : CPU_SECONDS_MAX_LARGE;
    const struct rlimit cpu = {seconds, seconds + 1}, core = {0, 0};
    setrlimit(RLIMIT_CPU, &cpu);
    setrlimit(RLIMIT_CORE, &core);
    dup2(errors, STDERR_FILENO);
    sim_run(&result, &plan, NULL, NULL);
    ssize_t written = write(answer, &result, sizeof result);
    _exit(written == (ssize_t)sizeof result ? 0 : 1);
}

static void launch(struct job *job, const struct wish *wish) {
    int answer[2];
    int made = pipe(answer);
    assert(made == 0);
    job->errors = memfd_create("quorate-sim", MFD_CLOEXEC);
    assert(job->errors >= 0);
    fflush(NULL);
    job->wish = *wish;
    job->pid = fork();
    assert(job->pid >= 0);
    if (job->pid == 0)
        live_as_child(wish, answer[1], job->errors);
    close(answer[1]);
    job->answer = answer[0];
}

static void last_words(char *out, size_t size, int file, int status) {
    char text[LAST_WORDS_SIZE] = "";
    off_t end = lseek(file, 0, SEEK_END), from = end > (off_t)sizeof text - 1 ? end - (off_t)sizeof text + 1 : 0;
    ssize_t got = pread(file, text, sizeof text - 1, from);
    text[got > 0 ? got : 0] = '\0';
    for (char *at = text; *at != '\0'; at++)
        if (*at == '\n')
            *at = ' ';
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
        snprintf(out, size, "took more than %d s of CPU (%d s from %d nodes on)", CPU_SECONDS_MAX, CPU_SECONDS_MAX_LARGE, LARGE);
    else
        snprintf(out, size, "died (%s %d): %.300s", WIFSIGNALED(status) ? "signal" : "exit", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
                 text);
}

/* Waits for any of them. */
static void reap(struct job *jobs, uint32_t count, struct outcome *out) {
    struct rusage usage;
    int status;
    for (;;) {
        pid_t pid = wait4(-1, &status, 0, &usage);
        assert(pid > 0 || errno == EINTR);
        for (uint32_t i = 0; pid > 0 && i < count; i++) {
            struct job *job = &jobs[i];
            if (job->pid != pid)
                continue;
            out->wish = job->wish;
            ssize_t got = read(job->answer, &out->result, sizeof out->result);
            if (got != (ssize_t)sizeof out->result || status != 0) {
                memset(&out->result, 0, sizeof out->result);
                last_words(out->result.complaint, sizeof out->result.complaint, job->errors, status);
            }
            out->cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
            close(job->answer);
            close(job->errors);
            job->pid = 0;
            return;
        }
    }
}

static bool fails(const struct wish *wish, struct outcome *outcome) {
    struct job job = {0};
    launch(&job, wish);
    reap(&job, 1, outcome);
    return outcome->result.complaint[0] != '\0';
}

/* ---- shrinking */

struct shrinking {
    struct wish wish;
    struct outcome outcome; /* of the smallest that fails */
    uint32_t runs, runs_max;
    bool kept[SIM_PLAN_FAULTS_MAX];
    uint32_t count;
};

static void write_list(char out[static LIST_SIZE], const bool *kept, uint32_t count) {
    size_t size = 0;
    strcpy(out, "none");
    for (uint32_t i = 0; i < count; i++)
        if (kept[i])
            size += (size_t)snprintf(out + size, LIST_SIZE - size, "%s%u", size == 0 ? "" : ",", i);
}

static bool still_fails(struct shrinking *shrinking, const struct wish *wish) {
    struct outcome outcome;
    if (shrinking->runs++ >= shrinking->runs_max || !fails(wish, &outcome))
        return false;
    shrinking->wish = *wish;
    shrinking->outcome = outcome;
    return true;
}

/* Leaves out runs of faults, half of them first, then ever smaller ones. */
static void shrink_faults(struct shrinking *shrinking) {
    for (uint32_t size = (shrinking->count + 1) / 2; size >= 1; size = size == 1 ? 0 : size / 2) {
        for (uint32_t from = 0; from < shrinking->count; from += size) {
            bool kept[SIM_PLAN_FAULTS_MAX], some = false;
            memcpy(kept, shrinking->kept, sizeof kept);
            for (uint32_t i = from; i < from + size && i < shrinking->count; i++) {
                some |= kept[i];
                kept[i] = false;
            }
            struct wish wish = shrinking->wish;
            write_list(wish.keep, kept, shrinking->count);
            if (some && still_fails(shrinking, &wish))
                memcpy(shrinking->kept, kept, sizeof kept);
        }
    }
}

static void shrink_heights(struct shrinking *shrinking) {
    int64_t bad = shrinking->outcome.result.heights, good = 0;
    while (bad - good > 1) {
        struct wish wish = shrinking->wish;
        wish.heights = good + (bad - good) / 2;
        if (still_fails(shrinking, &wish))
            bad = wish.heights;
        else
            good = wish.heights;
    }
}

static void shrink(struct shrinking *shrinking, const struct outcome *failed) {
    static struct sim_plan plan;
    *shrinking = (struct shrinking){.wish = failed->wish, .outcome = *failed};
    plan_of(&plan, &failed->wish);
    shrinking->runs_max = failed->cpu_s > 20 ? 4 : SHRINK_RUNS_MAX;
    shrinking->count = plan.fault_count;
    for (uint32_t i = 0; i < plan.fault_count; i++)
        shrinking->kept[i] = !plan.faults[i].left_out;
    shrink_faults(shrinking);
    shrink_heights(shrinking);
}

/* ---- telling */

static void print_shrunk(FILE *out, const struct shrinking *shrinking) {
    static struct sim_plan plan;
    char text[SIM_PLAN_TEXT_SIZE];
    const struct wish *wish = &shrinking->wish;
    plan_of(&plan, wish);
    sim_plan_text(text, &plan);
    fprintf(out, "%" PRIu64 " keep=%s heights=%" PRId64 "%s # %.200s\n#   %s\n", wish->seed, wish->keep[0] == '\0' ? "all" : wish->keep, wish->heights,
            wish->real_crypto ? " real-crypto" : "", shrinking->outcome.result.complaint, text);
    if (wish->matrix != NULL && plan.roads.kind == SIM_ROADS_WAN)
        fprintf(out, "#   over latencies of a file (--latency), which a replay has not\n");
    for (uint32_t i = 0; i < plan.fault_count; i++) {
        sim_fault_text(text, &plan.faults[i]);
        if (!plan.faults[i].left_out)
            fprintf(out, "#   %2u %s\n", i, text);
    }
}

static void tell_failure(const struct outcome *failed, const char *seeds_file) {
    static struct shrinking shrinking;
    printf("seed %" PRIu64 " FAILS: %s\n", failed->wish.seed, failed->result.complaint);
    fflush(stdout);
    shrink(&shrinking, failed);
    print_shrunk(stdout, &shrinking);
    FILE *file = seeds_file == NULL ? NULL : fopen(seeds_file, "ae");
    if (file != NULL)
        print_shrunk(file, &shrinking);
    if (seeds_file != NULL && (file == NULL || fclose(file) != 0))
        fprintf(stderr, "%s: the seed could not be kept there: %s\n", seeds_file, strerror(errno));
}

struct sums {
    uint64_t seeds, failed, heights, messages, deaths, stops, faults, txs, drops, forks, beyond;
    int64_t recovery_ms_max;
    uint64_t recovery_seed;
    double cpu_s, virtual_s, cpu_s_max;
    uint64_t cpu_seed;
    uint64_t by_kind[SIM_FAULT_KINDS], counts[SIM_COUNTS];
};

static void sum_up(struct sums *sums, const struct outcome *outcome) {
    const struct sim_result *result = &outcome->result;
    sums->seeds++;
    sums->failed += result->complaint[0] != '\0';
    sums->heights += result->heights > 0 ? (uint64_t)result->heights : 0;
    sums->messages += result->messages;
    sums->deaths += result->deaths;
    sums->stops += result->refusals;
    sums->faults += result->faults;
    sums->txs += result->txs;
    sums->drops += result->drops;
    sums->forks += result->forked;
    sums->virtual_s += (double)result->virtual_ms / 1000;
    sums->cpu_s += outcome->cpu_s;
    for (int i = 0; i < SIM_FAULT_KINDS; i++)
        sums->by_kind[i] += result->by_kind[i];
    for (int i = 0; i < SIM_COUNTS; i++)
        sums->counts[i] += result->counts[i];
    if (outcome->cpu_s > sums->cpu_s_max) {
        sums->cpu_s_max = outcome->cpu_s;
        sums->cpu_seed = outcome->wish.seed;
    }
    if (result->recovery_ms > sums->recovery_ms_max) {
        sums->recovery_ms_max = result->recovery_ms;
        sums->recovery_seed = outcome->wish.seed;
    }
}

static void print_sums(const struct sums *sums) {
    printf("%" PRIu64 " seeds, %" PRIu64 " failed; %" PRIu64 " heights, %.1f virtual hours, %" PRIu64 " messages, %" PRIu64 " faults, %" PRIu64 " deaths, %" PRIu64
           " stops of a node by itself, %" PRIu64 " transactions, %" PRIu64 " forks beyond a third; slowest recovery %.1f s (seed %" PRIu64
           "); %.1f s of CPU, at most %.1f (seed %" PRIu64 ")\n",
           sums->seeds, sums->failed, sums->heights, sums->virtual_s / 3600, sums->messages, sums->faults, sums->deaths, sums->stops, sums->txs, sums->forks,
           (double)sums->recovery_ms_max / 1000, sums->recovery_seed, sums->cpu_s, sums->cpu_s_max, sums->cpu_seed);
    fflush(stdout);
}

/* How often each thing came to pass. false: something never did. */
static bool print_counts(const struct sums *sums) {
    bool all = true;
    int width = printf("  faults:");
    for (int i = 0; i < SIM_FAULT_KINDS; i++) {
        if (width > 150)
            width = printf("\n   ") - 1;
        width += printf("%s %s %" PRIu64, i == 0 ? "" : ",", sim_fault_kind_text((enum sim_fault_kind)i), sums->by_kind[i]);
        all &= sums->by_kind[i] > 0;
    }
    printf("\n");
    return sim_count_print(stdout, sums->counts) && all;
}

/* ---- many */

static uint32_t cores(void) {
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : count > JOBS_MAX ? JOBS_MAX : (uint32_t)count;
}

static int64_t wall_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static struct job *free_job(struct job *jobs, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        if (jobs[i].pid == 0)
            return &jobs[i];
    return NULL;
}

/* The next seed that is to be run. */
static uint64_t next_seed(const struct sim_farm_wish *wish, uint64_t *next) {
    static struct sim_plan plan;
    for (;; ++*next) {
        sim_plan_make(&plan, *next);
        if (!wish->skips_large || plan.config.nodes < LARGE)
            return (*next)++;
    }
}

uint64_t sim_farm_run(const struct sim_farm_wish *wish) {
    struct job jobs[JOBS_MAX] = {0};
    struct sums sums = {0};
    uint32_t count = wish->jobs == 0 ? cores() : wish->jobs > JOBS_MAX ? JOBS_MAX : wish->jobs, running = 0;
    int64_t began = wall_seconds(), told = began;
    uint64_t next = wish->first;
    for (;;) {
        int64_t now = wall_seconds();
        bool is_over = (wish->count > 0 && next >= wish->first + wish->count) || (wish->seconds > 0 && now - began >= wish->seconds) ||
                       (wish->cpu_seconds > 0 && sums.cpu_s >= (double)wish->cpu_seconds) ||
                       (wish->is_impatient && sums.failed > 0);
        while (!is_over && running < count && (wish->count == 0 || next < wish->first + wish->count)) {
            launch(free_job(jobs, count), &(struct wish){.seed = next_seed(wish, &next), .real_crypto = wish->real_crypto, .matrix = wish->matrix});
            running++;
        }
        if (running == 0)
            break;
        static struct outcome outcome;
        reap(jobs, count, &outcome);
        running--;
        sum_up(&sums, &outcome);
        while (outcome.result.complaint[0] != '\0' && running > 0) { /* shrinking waits for its own children only */
            static struct outcome other;
            reap(jobs, count, &other);
            running--;
            sum_up(&sums, &other);
            if (other.result.complaint[0] != '\0')
                tell_failure(&other, wish->seeds_file);
        }
        if (outcome.result.complaint[0] != '\0')
            tell_failure(&outcome, wish->seeds_file);
        if (!wish->is_silent && now - told >= 10) {
            told = now;
            print_sums(&sums);
        }
    }
    print_sums(&sums);
    bool all = print_counts(&sums);
    if (!all && wish->wants_all) {
        printf("something above is 0: what never comes to pass tests nothing\n");
        sums.failed++;
    }
    return sums.failed;
}

/* ---- again */

/* NULL: good, else what is wanted. */
static const char *read_wish(struct wish *wish, const char *line) {
    static struct sim_plan plan;
    char keep[LIST_SIZE], crypto[16] = "", *end;
    int at = 0;
    *wish = (struct wish){0};
    errno = 0;
    wish->seed = strtoull(line, &end, 10);
    if (line[0] < '0' || line[0] > '9' || errno != 0 || sscanf(end, " keep=%255s heights=%" SCNd64 "%n %15s", keep, &wish->heights, &at, crypto) < 2 || wish->heights < 0 ||
        strchr(" \t\r\n#", end[at]) == NULL)
        return "`SEED keep=LIST heights=H` is wanted";
    wish->real_crypto = strcmp(crypto, "real-crypto") == 0;
    if (strcmp(keep, "all") == 0)
        return NULL;
    memcpy(wish->keep, keep, sizeof keep);
    sim_plan_make(&plan, wish->seed);
    return sim_farm_keep(&plan, keep) ? NULL : "keep= names other faults than the seed has: what it once was is not in it any more";
}

int64_t sim_farm_replay(const char *name, uint32_t jobs, char **error) {
    (void)jobs; /* few, and short */
    char line[1024];
    struct sums sums = {0};
    FILE *file = fopen(name, "re");
    if (file == NULL) {
        *error = complaint_of("%s: cannot be read: %s", name, strerror(errno));
        return -1;
    }
    for (int number = 1; fgets(line, sizeof line, file) != NULL; number++) {
        struct wish wish;
        struct outcome outcome;
        if (line[0] == '#' || line[0] == '\n')
            continue;
        const char *wrong = read_wish(&wish, line);
        if (wrong != NULL) {
            *error = complaint_of("%s, line %d: %s", name, number, wrong);
            fclose(file);
            return -1;
        }
        if (fails(&wish, &outcome))
            printf("%s, line %d: seed %" PRIu64 " FAILS: %s\n", name, number, wish.seed, outcome.result.complaint);
        sum_up(&sums, &outcome);
    }
    if (ferror(file)) {
        *error = complaint_of("%s: cannot be read: %s", name, strerror(errno));
        fclose(file);
        return -1;
    }
    fclose(file);
    print_sums(&sums);
    return (int64_t)sums.failed;
}
