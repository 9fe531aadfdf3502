#include "tests/node/prompt.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "node/cli.h"

enum { PROMPT_WORDS_MAX = 40 };

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

static void capture(int saved[2], FILE *heard) {
    fflush(NULL);
    for (int i = 0; i < 2; i++) {
        saved[i] = dup(i + 1);
        dup2(fileno(heard), i + 1);
    }
}

static void release(const int saved[2], FILE *heard) {
    fflush(NULL);
    ssize_t size = pread(fileno(heard), prompt_said, sizeof prompt_said - 1, 0);
    prompt_said[size < 0 ? 0 : size] = '\0';
    for (int i = 0; i < 2; i++) {
        dup2(saved[i], i + 1);
        close(saved[i]);
    }
    fclose(heard);
}

int prompt_run_words(const char *const *words) {
    static char copies[PROMPT_WORDS_MAX][256]; /* of the process: commands keep what they were given */
    static char name[] = "quorate";
    char *argv[PROMPT_WORDS_MAX + 2] = {name};
    int count = 1, saved[2];
    for (; *words != NULL; words++, count++) {
        bool is_file = **words == '@';
        ck_assert_int_le(count, PROMPT_WORDS_MAX);
        snprintf(copies[count - 1], sizeof copies[0], "%s%s%s", is_file ? prompt_folder : "", is_file ? "/" : "", *words + is_file);
        argv[count] = copies[count - 1];
    }
    FILE *heard = tmpfile();
    ck_assert_ptr_nonnull(heard);
    capture(saved, heard);
    int status = cli_run(count, argv);
    release(saved, heard);
    return status;
}

int prompt_run(const char *first, ...) {
    const char *words[PROMPT_WORDS_MAX + 1];
    int count = 0;
    va_list args;
    va_start(args, first);
    for (const char *word = first; word != NULL && count < PROMPT_WORDS_MAX; word = va_arg(args, const char *))
        words[count++] = word;
    va_end(args);
    words[count] = NULL;
    return prompt_run_words(words);
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
