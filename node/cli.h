/* The command line: options, homes, answers to the user. One cmd_*.c per command or small group; the table of all is in cli.c.
 *
 * Exit statuses, the same for every command (node.h has them for `start`): */
#ifndef QUORATE_NODE_CLI_H
#define QUORATE_NODE_CLI_H

#include "node/config.h"
#include "node/keyfile.h"

enum cli_exit {
    CLI_GOOD = 0,
    CLI_FAILED = 1,  /* could not be done, or the node said no */
    CLI_USAGE = 2,   /* wrong arguments */
    CLI_WORLD = 3,   /* disk or store failed under way */
    CLI_DAMAGED = 4, /* damaged files: a human must look */
    CLI_APP = 5,     /* an application in another process: went, hung, or answered nonsense */
};

/* Runs `quorate argv[1] …`. */
int cli_run(int argc, char **argv);

/* The commands. Those of other files of this room are weak here: a build without them says so. */
int cmd_init(int argc, char **argv);
int cmd_testnet(int argc, char **argv);
int cmd_start(int argc, char **argv) __attribute__((weak));
int cmd_demo(int argc, char **argv) __attribute__((weak));
int cmd_load(int argc, char **argv) __attribute__((weak));
int cmd_bench(int argc, char **argv) __attribute__((weak));
int cmd_signer(int argc, char **argv);
int cmd_abci(int argc, char **argv);
int cmd_sim(int argc, char **argv) __attribute__((weak));
int cmd_light(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_query(int argc, char **argv);
int cmd_tx(int argc, char **argv);
int cmd_keys(int argc, char **argv);
int cmd_show_node_id(int argc, char **argv);
int cmd_show_validator(int argc, char **argv);
int cmd_gen_validator(int argc, char **argv);
int cmd_gen_node_key(int argc, char **argv);
int cmd_unsafe_reset_all(int argc, char **argv);
int cmd_rollback(int argc, char **argv);
int cmd_db(int argc, char **argv);
int cmd_audit(int argc, char **argv);
int cmd_db_stats(int argc, char **argv); /* of `db` */
int cmd_version(int argc, char **argv);

/* Options */

enum cli_kind { CLI_FLAG, CLI_TEXT, CLI_NUMBER };

struct cli_option {
    const char *name;     /* "chain-id": --chain-id VALUE or --chain-id=VALUE; underscores are taken for hyphens */
    enum cli_kind kind;
    void *value;          /* bool *, const char **, int64_t * */
    const char *argument; /* what the help calls the value */
    const char *help;
    int64_t min, max;     /* of CLI_NUMBER */
};

struct cli_command {
    const char *name;      /* "tx send" */
    const char *arguments; /* "--from NAME --to ADDRESS --amount AMOUNT" */
    const char *summary;   /* one or more lines */
    const char *example;   /* lines, each a whole command */
    const struct cli_option *options;
    size_t option_count;
    int rest_max; /* further arguments */
    /* Options that are not in the table, name without hyphens; false: unknown too. *error when the value is wrong. May be NULL. */
    bool (*other)(void *context, const char *name, const char *value, char **error);
    bool (*other_is_flag)(const char *name); /* needs no value; NULL: all need one */
    void *context;
};

struct cli_rest {
    int count;
    char **values;
};

/* Reads argv[from …]. false: the command ends with *status (help was shown, or a mistake named). The rest is moved together in argv. */
bool cli_parse(const struct cli_command *command, struct cli_rest *rest, int *status, int from, int argc, char **argv);

/* Says `quorate NAME: error` on stderr, frees the error, returns CLI_FAILED. */
int cli_fail(const struct cli_command *command, char *error);
int cli_misuse(const struct cli_command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* One of several commands by its name in argv[1]; -1: none matched, and that was said. */
struct cli_choice {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
};
int cli_choose(const char *group, const struct cli_choice *choices, size_t count, int argc, char **argv);

/* Where things are */

/* $QUORATE_HOME, $CMTHOME, ~/.quorate; a static buffer. */
const char *cli_home(void);
/* The node to ask: `given`, else what the home's config says, else http://127.0.0.1:26657. malloc'ed. */
char *cli_node(const char *given, const char *home);

#endif
