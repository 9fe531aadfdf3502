/* The command line as a user has it, in a folder of the test's own: what a command ended with, and what it said. */
#ifndef QUORATE_TESTS_NODE_PROMPT_H
#define QUORATE_TESTS_NODE_PROMPT_H

#include <string.h>

#include "crypto/blob.h"

extern char prompt_folder[64], prompt_said[131072]; /* of the last command: stdout and stderr */

void prompt_open(void);  /* makes the folder */
void prompt_close(void); /* removes it and all in it */
/* `quorate …` up to a NULL; "@name" is a file of the folder. The status; what it said is in prompt_said. */
int prompt_run(const char *first, ...);
int prompt_run_words(const char *const *words);
struct blob *prompt_read(const char *name); /* of the folder */
void prompt_write(const char *name, struct span bytes);

#define EXPECT_RUN(status, ...)                                                      \
    do {                                                                             \
        int got = prompt_run(__VA_ARGS__, (const char *)NULL);                       \
        ck_assert_msg(got == (status), "status %d, said: %.3000s", got, prompt_said);     \
    } while (0)
#define EXPECT_SAID(part)  ck_assert_msg(strstr(prompt_said, part) != NULL, "said: %.3000s", prompt_said)
#define EXPECT_UNSAID(part) ck_assert_msg(strstr(prompt_said, part) == NULL, "said: %.3000s", prompt_said)

#endif
