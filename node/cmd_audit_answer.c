/* quorate audit answer: what the accused says. */
#include <stdlib.h>

#include "node/cmd_audit.h"
#include "node/complaint.h"
#include "tendermint/audit_lock.h"

enum { EXIT_NOT_JUSTIFIED = 1 };

static const char *home, *out_path;

static const struct cli_option options[] = {
    {"home", CLI_TEXT, &home, "DIR", "the node's home (default $QUORATE_HOME, $CMTHOME, ~/.quorate)", 0, 0},
    {"out", CLI_TEXT, &out_path, "FILE", "where to (default answer.json)", 0, 0},
};

static const struct cli_command answer_command = {
    .name = "audit answer",
    .arguments = "REQUEST.json [--home DIR] [--out FILE]",
    .summary = "An auditor asks what allowed a vote of this validator. Answers with the node's signed log of that height, and says whether it holds the polka\n"
               "that allowed the vote. Exit status: 0 it does, 1 it does not (the answer is written all the same: it would convict).",
    .example = "quorate audit answer request-1.json --home net/node2 --out answer.json",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .rest_max = 1,
};

static bool load_votes(struct audit_votes *votes, const struct audit_log *log, const struct audit_request *request) {
    struct span rest = log->items, item;
    enum audit_log_item kind;
    while ((kind = audit_log_next(&rest, &item)) != AUDIT_LOG_END) {
        struct vote vote;
        if (kind == AUDIT_LOG_VOTE && vote_decode(&vote, item) && vote.height == request->height)
            audit_votes_add(votes, &vote);
    }
    return audit_votes_seal(votes);
}

/* Judged as the auditor will, with the validators that the genesis names; *round is that of the polka. */
static bool is_justified(int32_t *round, struct blob *log_bytes, const struct audit_request *request, char **error) {
    struct config config;
    struct audit_base base;
    struct audit_votes votes;
    struct audit_log log;
    struct arena arena;
    char *warning = NULL;
    bool good = config_load(&config, home, &warning, error), justified = false;
    char *genesis = good ? config_path(&config, config.genesis_file) : NULL;
    arena_init(&arena, DOCKET_BYTES_MAX);
    *round = -1;
    good = good && cmd_audit_base(&base, genesis, NULL, error) && audit_log_read(&log, blob_span(log_bytes)) &&
           audit_votes_init(&votes, &arena, &base.set, span_text(base.chain_id), request->height) && load_votes(&votes, &log, request);
    if (good && request->kind == AUDIT_A1)
        justified = !audit_lock_forbids(round, &votes, request->rule, &request->a, &request->b);
    else if (good) {
        const struct audit_group *group = audit_votes_group(&votes, request->a.round, VOTE_PREVOTE, &request->a.block_id);
        justified = group != NULL && audit_votes_polka(&votes, group);
        *round = request->a.round;
    }
    if (genesis != NULL)
        valset_close(&base.set);
    arena_close(&arena);
    free(genesis);
    free(warning);
    config_close(&config);
    return justified;
}

static bool write_answer(const char *path, const struct audit_request *request, struct blob *log, char **error) {
    struct emit emit;
    emit_init(&emit);
    audit_answer_emit(&emit, request, blob_span(log));
    bool good = keyfile_write(path, span_of(emit.data, emit.size), true, error);
    emit_close(&emit);
    return good;
}

static const char *check_addressee(const struct audit_home *node, const struct audit_request *request) {
    if (strcmp(node->chain_id, request->chain_id) != 0)
        return "the request is about another chain than this home's";
    return node->address.size > 0 && !address_equal(&node->address, &request->who) ? "the request is to another validator than this home's" : NULL;
}

static int answer(const char *request_path, const char *path) {
    struct audit_request request;
    struct audit_home node;
    struct arena arena;
    char *error = NULL;
    int32_t round;
    struct blob *file = cmd_audit_read(request_path, &error), *log = NULL;
    arena_init(&arena, 16u << 20);
    const char *wrong = file == NULL ? NULL : audit_request_parse(&request, blob_span(file), &arena);
    if (file != NULL && wrong == NULL)
        log = cmd_audit_home_log(&node, home, request.height, &error);
    if (log != NULL)
        wrong = check_addressee(&node, &request);
    if (wrong != NULL)
        error = complaint_of("%s: %s", request_path, wrong);
    bool good = error == NULL && write_answer(path, &request, log, &error), justified = good && is_justified(&round, log, &request, &error);
    if (good) {
        cmd_audit_tell(&node, request.height, path);
        if (justified)
            printf("justified  yes: by the polka of round %d\n", round);
        else
            printf("justified  NO: this log holds no polka that allowed the vote; handed in, it convicts this key (as silence will)\n");
    }
    arena_close(&arena);
    blob_release(file);
    blob_release(log);
    return !good ? cli_fail(&answer_command, error) : justified ? CLI_GOOD : EXIT_NOT_JUSTIFIED;
}

int cmd_audit_answer(int argc, char **argv) {
    struct cli_rest rest;
    int status;
    home = cli_home();
    out_path = "answer.json";
    if (!cli_parse(&answer_command, &rest, &status, 1, argc, argv))
        return status;
    if (rest.count != 1)
        return cli_misuse(&answer_command, "which request?");
    return answer(rest.values[0], out_path);
}
