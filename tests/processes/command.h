/* Commands of the program under test, run to their end: how they ended, and what they said. */
#ifndef QUORATE_TESTS_COMMAND_H
#define QUORATE_TESTS_COMMAND_H

struct command {
    const char *program;
    char output[1 << 18]; /* of the last one: both streams, NUL-terminated */
    void (*give_up)(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
};

#define COMMAND_WORDS_MAX 40

/* Its exit status; −1: it was killed. In `folder` (NULL: here). `words` end with NULL. */
int command_run(struct command *command, const char *folder, const char *const *words);
/* Gives up unless it ends with `wanted` and says this (NULL: anything). The words follow, NULL at the end. */
void command_expect(struct command *command, const char *folder, int wanted, const char *says, ...);
/* A GET of a node's RPC, into the output. */
void command_get(struct command *command, const char *host, const char *path);

#endif
