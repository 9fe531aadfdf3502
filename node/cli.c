#include "node/cli.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/complaint.h"

static const struct cli_choice commands[] = {
    {"init", "make the home of a node, alone in a chain of its own", cmd_init},
    {"testnet", "make the homes of a network's nodes", cmd_testnet},
    {"start", "run a node", cmd_start},
    {"signer", "sign for a node on another host", cmd_signer},
    {"abci", "serve an application to a node in another process", cmd_abci},
    {"demo", "run a network on this machine and watch it", cmd_demo},
    {"status", "what a node says of itself", cmd_status},
    {"query", "ask for an account, a transaction, a block", cmd_query},
    {"tx", "send a transaction", cmd_tx},
    {"light", "follow a chain by verified headers; a verified RPC on this machine", cmd_light},
    {"verify", "check a commit, a transaction or a piece of state without any node", cmd_verify},
    {"audit", "who forked the chain: judge logs and commits, verify the proof", cmd_audit},
    {"keys", "make, list and import the keys of accounts", cmd_keys},
    {"load", "send many transactions and measure", cmd_load},
    {"bench", "measure this machine", cmd_bench},
    {"sim", "run simulated networks with faults", cmd_sim},
    {"show-node-id", "the id that peers know the node by", cmd_show_node_id},
    {"show-validator", "the public key that signs votes", cmd_show_validator},
    {"gen-validator", "print a new validator key", cmd_gen_validator},
    {"gen-node-key", "make a node key in the home", cmd_gen_node_key},
    {"unsafe-reset-all", "forget the chain, keep keys and signing mark", cmd_unsafe_reset_all},
    {"rollback", "take the last block back", cmd_rollback},
    {"db", "look into the store", cmd_db},
    {"version", "which release this is", cmd_version},
};
#define COMMANDS (sizeof commands / sizeof commands[0])

static const char preface[] = "quorate: a node of a Byzantine fault tolerant ledger, compatible with CometBFT.\n\n";
static const char epilogue[] =
    "\n`quorate COMMAND --help` tells more, with an example. Begin with:\n"
    "  quorate init && quorate start\n"
    "Homes: --home DIR, else $QUORATE_HOME, $CMTHOME, ~/.quorate.\n"
    "Exit status: 0 good, 1 could not be done, 2 wrong usage, 3 disk or store failed, 4 damaged files.\n";

static void show_help(FILE *out) {
    fputs(preface, out);
    for (size_t i = 0; i < COMMANDS; i++)
        if (commands[i].run != NULL)
            fprintf(out, "  %-18s %s\n", commands[i].name, commands[i].summary);
    fputs(epilogue, out);
}

static const struct cli_choice *find_command(const char *name) {
    bool is_start = strcmp(name, "node") == 0 || strcmp(name, "run") == 0; /* CometBFT's other names */
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, is_start ? "start" : name) == 0)
            return &commands[i];
    return NULL;
}

static int unknown_command(const char *name) {
    fprintf(stderr, "quorate: there is no command \"%s\"; `quorate help` lists them\n", name);
    return CLI_USAGE;
}

int cli_run(int argc, char **argv) {
    if (argc < 2) {
        show_help(stderr);
        return CLI_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--version") == 0)
        name = "version";
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        static char help[] = "--help";
        char *asked[] = {argv[0], help, NULL};
        const struct cli_choice *command = argc > 2 ? find_command(argv[2]) : NULL;
        if (argc > 2)
            return command == NULL || command->run == NULL ? unknown_command(argv[2]) : command->run(2, asked);
        show_help(stdout);
        return CLI_GOOD;
    }
    const struct cli_choice *command = find_command(name);
    if (command == NULL)
        return unknown_command(name);
    if (command->run == NULL) {
        fprintf(stderr, "quorate: \"%s\" is not in this build\n", name);
        return CLI_FAILED;
    }
    return command->run(argc - 1, argv + 1);
}

int cli_choose(const char *group, const struct cli_choice *choices, size_t count, int argc, char **argv) {
    bool asks_help = argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0);
    for (size_t i = 0; argc > 1 && i < count; i++)
        if (strcmp(argv[1], choices[i].name) == 0)
            return choices[i].run(argc - 1, argv + 1);
    FILE *out = asks_help ? stdout : stderr;
    if (argc > 1 && !asks_help)
        fprintf(out, "quorate %s: there is no \"%s\"\n", group, argv[1]);
    fprintf(out, "quorate %s\n\n", group);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "  quorate %s %-10s %s\n", group, choices[i].name, choices[i].summary);
    fprintf(out, "\n`quorate %s NAME --help` tells more.\n", group);
    return asks_help ? CLI_GOOD : CLI_USAGE;
}

/* Help of one command */

static void show_lines(FILE *out, const char *indent, const char *text) {
    while (*text != '\0') {
        size_t size = strcspn(text, "\n");
        fprintf(out, "%s%.*s\n", indent, (int)size, text);
        text += size + (text[size] == '\n');
    }
}

static void show_command(const struct cli_command *command) {
    printf("quorate %s %s\n\n", command->name, command->arguments);
    show_lines(stdout, "", command->summary);
    printf("\n");
    for (size_t i = 0; i < command->option_count; i++) {
        const struct cli_option *option = &command->options[i];
        char head[64];
        snprintf(head, sizeof head, "--%s %s", option->name, option->kind == CLI_FLAG ? "" : option->argument);
        printf("  %-28s %s\n", head, option->help);
    }
    printf("\nExample:\n");
    show_lines(stdout, "  ", command->example);
    printf("\nExit status: 0 good, 1 could not be done, 2 wrong usage, 3 disk or store failed, 4 damaged files.\n");
}

int cli_fail(const struct cli_command *command, char *error) {
    fprintf(stderr, "quorate %s: %s\n", command->name, error);
    free(error);
    return CLI_FAILED;
}

int cli_misuse(const struct cli_command *command, const char *format, ...) {
    va_list args;
    fprintf(stderr, "quorate %s: ", command->name);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "; see `quorate %s --help`\n", command->name);
    return CLI_USAGE;
}

/* Parsing */

static bool same_name(const char *option, const char *given, size_t size) {
    if (strlen(option) != size)
        return false;
    for (size_t i = 0; i < size; i++)
        if ((given[i] == '_' ? '-' : given[i]) != option[i])
            return false;
    return true;
}

static const struct cli_option *find_option(const struct cli_command *command, const char *given, size_t size) {
    for (size_t i = 0; i < command->option_count; i++)
        if (same_name(command->options[i].name, given, size))
            return &command->options[i];
    return NULL;
}

static bool set_flag(const struct cli_option *option, const char *value) {
    bool is_true = value == NULL || strcmp(value, "true") == 0;
    if (!is_true && strcmp(value, "false") != 0)
        return false;
    *(bool *)option->value = is_true;
    return true;
}

static bool set_number(const struct cli_option *option, const char *value) {
    char *end;
    errno = 0;
    long long number = strtoll(value, &end, 10);
    if (errno == ERANGE || value[0] == '\0' || *end != '\0' || number < option->min || number > option->max)
        return false;
    *(int64_t *)option->value = number;
    return true;
}

static int set_option(const struct cli_command *command, const struct cli_option *option, const char *value) {
    if (option->kind == CLI_FLAG && !set_flag(option, value))
        return cli_misuse(command, "--%s takes no value but true or false", option->name);
    if (option->kind == CLI_NUMBER && !set_number(option, value))
        return cli_misuse(command, "--%s %s: a whole number from %lld to %lld is wanted", option->name, value, (long long)option->min,
                          (long long)option->max);
    if (option->kind == CLI_TEXT)
        *(const char **)option->value = value;
    return CLI_GOOD;
}

static int set_other(const struct cli_command *command, const char *name, size_t size, const char *value) {
    char copy[128], *error = NULL;
    snprintf(copy, sizeof copy, "%.*s", (int)size, name);
    if (command->other == NULL || !command->other(command->context, copy, value, &error)) {
        free(error);
        return cli_misuse(command, "there is no option --%s", copy);
    }
    if (error == NULL)
        return CLI_GOOD;
    cli_fail(command, error);
    return CLI_USAGE;
}

/* A flag among the others may have its value behind it, but only where that can be nothing else. */
static bool is_lone_flag(const struct cli_command *command, const char *name, size_t size, const char *next) {
    char copy[128];
    snprintf(copy, sizeof copy, "%.*s", (int)size, name);
    bool has_value = next != NULL && (strcmp(next, "true") == 0 || strcmp(next, "false") == 0);
    return command->other_is_flag != NULL && command->other_is_flag(copy) && !has_value;
}

/* Takes the option at argv[*at], and its value if it is the next argument. */
static int parse_option(const struct cli_command *command, int *at, int argc, char **argv) {
    const char *name = argv[*at] + 2, *equals = strchr(name, '='), *value = equals == NULL ? NULL : equals + 1;
    size_t size = equals == NULL ? strlen(name) : (size_t)(equals - name);
    const struct cli_option *option = find_option(command, name, size);
    bool needs_value = option == NULL ? command->other != NULL : option->kind != CLI_FLAG;
    if (needs_value && value == NULL && option == NULL && is_lone_flag(command, name, size, *at + 1 < argc ? argv[*at + 1] : NULL))
        value = "true";
    if (needs_value && value == NULL) {
        if (*at + 1 >= argc)
            return cli_misuse(command, "--%.*s needs a value", (int)size, name);
        value = argv[++*at];
    }
    return option != NULL ? set_option(command, option, value) : set_other(command, name, size, value);
}

bool cli_parse(const struct cli_command *command, struct cli_rest *rest, int *status, int from, int argc, char **argv) {
    bool options_end = false;
    *rest = (struct cli_rest){.values = argv + from};
    *status = CLI_GOOD;
    for (int i = from; i < argc; i++) {
        const char *word = argv[i];
        if (!options_end && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)) {
            show_command(command);
            return false;
        }
        if (!options_end && strcmp(word, "--") == 0)
            options_end = true;
        else if (!options_end && strncmp(word, "--", 2) == 0)
            *status = parse_option(command, &i, argc, argv);
        else if (rest->count == command->rest_max)
            *status = cli_misuse(command, "\"%s\" is one argument too many", word);
        else
            rest->values[rest->count++] = argv[i];
        if (*status != CLI_GOOD)
            return false;
    }
    return true;
}

/* Where things are */

const char *cli_home(void) {
    static char home[4096];
    const char *given = getenv("QUORATE_HOME") != NULL ? getenv("QUORATE_HOME") : getenv("CMTHOME");
    if (given != NULL && given[0] != '\0')
        return given;
    snprintf(home, sizeof home, "%s/.quorate", getenv("HOME") != NULL ? getenv("HOME") : ".");
    return home;
}

char *cli_node(const char *given, const char *home) {
    struct config config;
    char *warning = NULL, *error = NULL, *node = NULL;
    if (given != NULL)
        return complaint_of("%s", given);
    bool good = config_load(&config, home, &warning, &error);
    const char *scheme = good && config.rpc.tls_cert_file != NULL && config.rpc.tls_cert_file[0] != '\0' ? "https" : "http";
    if (good && strncmp(config.rpc.laddr, "tcp://0.0.0.0:", 14) == 0)
        node = complaint_of("%s://127.0.0.1:%s", scheme, config.rpc.laddr + 14);
    else if (good && strncmp(config.rpc.laddr, "tcp://", 6) == 0)
        node = complaint_of("%s://%s", scheme, config.rpc.laddr + 6);
    else
        node = complaint_of("http://127.0.0.1:26657");
    free(warning);
    free(error);
    config_close(&config);
    return node;
}
