/* Every target without its fuzzer: feeds files. `fuzz-replay DIR…` runs DIR/NAME/… through fuzz_NAME; `fuzz-replay NAME FILE…` just these files.
 * Built with all targets, whose entry points are then called after their files; TARGETS is the list, from the Makefile. */
#include <assert.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

#define TARGET(name) int target_##name(const uint8_t *data, size_t size);
TARGETS
#undef TARGET

static const struct {
    const char *name;
    int (*run)(const uint8_t *data, size_t size);
} targets[] = {
#define TARGET(name) {#name, target_##name},
    TARGETS
#undef TARGET
};
enum { COUNT = sizeof targets / sizeof targets[0] };

static struct shared { /* with the child */
    unsigned long fed;
    char path[4096];
} *shared;

static void feed(int (*run)(const uint8_t *data, size_t size), const char *path) {
    FILE *file = fopen(path, "rb");
    long size = -1;
    if (file != NULL && fseek(file, 0, SEEK_END) == 0)
        size = ftell(file);
    if (size < 0 || fseek(file, 0, SEEK_SET) != 0) {
        perror(path);
        exit(1);
    }
    uint8_t *bytes = malloc((size_t)size + (size == 0)); /* exactly, so that reading beyond it is seen */
    if (bytes == NULL || fread(bytes, 1, (size_t)size, file) != (size_t)size) {
        perror(path);
        exit(1);
    }
    fclose(file);
    run(bytes, (size_t)size);
    free(bytes);
    shared->fed++;
}

static void feed_folder(unsigned target, const char *root) {
    char folder[2048];
    snprintf(folder, sizeof folder, "%s/%s", root, targets[target].name);
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(shared->path, sizeof shared->path, "%s/%s", folder, entry->d_name);
        feed(targets[target].run, shared->path);
    }
    closedir(dir);
}

/* In a process of its own, so that after a crash we can say by which file. */
static bool feed_target(unsigned target, char **roots) {
    int status = 0;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        for (; *roots != NULL; roots++)
            feed_folder(target, *roots);
        exit(0);
    }
    if (child > 0 && waitpid(child, &status, 0) == child && status == 0)
        return true;
    printf("fuzz-replay: fuzz_%s fails at %s\n", targets[target].name, shared->path);
    return false;
}

static int feed_files(const char *name, char **paths) {
    for (unsigned i = 0; i < COUNT; i++)
        if (strcmp(targets[i].name, name) == 0) {
            for (; *paths != NULL; paths++)
                feed(targets[i].run, *paths);
            printf("%s: %lu inputs, all good\n", name, shared->fed);
            return 0;
        }
    return -1;
}

int main(int argc, char **argv) {
    struct timespec begin, end;
    bool good = true;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert(shared != MAP_FAILED);
    if (argc > 2 && feed_files(argv[1], argv + 2) == 0)
        return 0;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (unsigned i = 0; i < COUNT; i++)
        good = feed_target(i, argv + 1) && good;
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("fuzz-replay: %u targets, %lu inputs, %s (%.1f s)\n", (unsigned)COUNT, shared->fed, good ? "all good" : "FAILED",
           (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9);
    return good && shared->fed > 0 ? 0 : 1;
}
