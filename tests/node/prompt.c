#include "tests/node/prompt.h"

#include <check.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "node/cli.h"

char prompt_folder[64], prompt_said[131072];

void prompt_open(void) {
    strcpy(prompt_folder, "/tmp/quorate-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(prompt_folder));
}

void prompt_close(void) {
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", prompt_folder);
    ck_assert_int_eq(system(command), 0);
}

int prompt_run(const char *first, ...) {
    static char copies[40][256];
    char *argv[41] = {copies[0], copies[1]}, path[128];
    int saved[2] = {dup(1), dup(2)}, count = 1;
    va_list args;
    strcpy(copies[0], "quorate");
    va_start(args, first);
    for (const char *word = first; word != NULL; word = va_arg(args, const char *)) {
        if (word[0] == '@')
            snprintf(copies[count], sizeof copies[count], "%s/%s", prompt_folder, word + 1);
        else
            snprintf(copies[count], sizeof copies[count], "%s", word);
        argv[count] = copies[count];
        count++;
    }
    va_end(args);
    argv[count] = NULL;
    snprintf(path, sizeof path, "%s/output", prompt_folder);
    fflush(NULL);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    dup2(fd, 1);
    dup2(fd, 2);
    int status = cli_run(count, argv);
    fflush(NULL);
    ssize_t size = pread(fd, prompt_said, sizeof prompt_said - 1, 0);
    prompt_said[size < 0 ? 0 : size] = '\0';
    for (int i = 0; i < 2; i++) {
        dup2(saved[i], i + 1);
        close(saved[i]);
    }
    close(fd);
    return status;
}

struct blob *prompt_read(const char *name) {
    char path[128], *error = NULL;
    snprintf(path, sizeof path, "%s/%s", prompt_folder, name);
    struct blob *file = keyfile_read(path, SIZE_MAX, &error);
    ck_assert_msg(file != NULL, "%s", error);
    return file;
}

void prompt_write(const char *name, struct span bytes) {
    char path[128], *error = NULL;
    snprintf(path, sizeof path, "%s/%s", prompt_folder, name);
    ck_assert_msg(keyfile_write(path, bytes, true, &error), "%s", error);
}
