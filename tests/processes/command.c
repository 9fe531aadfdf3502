#include "tests/processes/command.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/complaint.h"

int command_run(struct command *command, const char *folder, const char *const *words) {
    const char *argv[COMMAND_WORDS_MAX] = {command->program};
    int pipe_ends[2], status, count = 1;
    for (; *words != NULL && count < COMMAND_WORDS_MAX - 1; words++)
        argv[count++] = *words;
    if (pipe(pipe_ends) != 0)
        command->give_up("no pipe");
    pid_t pid = fork();
    if (pid == 0) {
        dup2(pipe_ends[1], 1);
        dup2(pipe_ends[1], 2);
        close(pipe_ends[0]);
        if (folder != NULL && chdir(folder) != 0)
            _exit(126);
        execv(command->program, (char *const *)argv);
        _exit(127);
    }
    close(pipe_ends[1]);
    size_t size = 0;
    for (ssize_t got; (got = read(pipe_ends[0], command->output + size, sizeof command->output - 1 - size)) > 0;)
        size += (size_t)got;
    command->output[size] = '\0';
    close(pipe_ends[0]);
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void command_expect(struct command *command, const char *folder, int wanted, const char *says, ...) {
    const char *words[COMMAND_WORDS_MAX];
    int count = 0;
    va_list args;
    va_start(args, says);
    for (const char *word; count < COMMAND_WORDS_MAX - 1 && (word = va_arg(args, const char *)) != NULL;)
        words[count++] = word;
    va_end(args);
    words[count] = NULL;
    int status = command_run(command, folder, words);
    if (status != wanted)
        command->give_up("`quorate %s %s …` ended with %d, not %d:", words[0], words[1], status, wanted);
    if (says != NULL && strstr(command->output, says) == NULL)
        command->give_up("`quorate %s %s …` does not say \"%s\":", words[0], words[1], says);
}

void command_get(struct command *command, const char *host, const char *path) {
    char *line = complaint_of("curl -s 'http://%s/%s'", host, path);
    FILE *answer = popen(line, "r");
    size_t size = answer == NULL ? 0 : fread(command->output, 1, sizeof command->output - 1, answer);
    command->output[size] = '\0';
    if (answer != NULL)
        pclose(answer);
    free(line);
}
