/* quorate audit answer: what the accused says, judged as the auditor will judge it, with the validators of the height in question. */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "node/cli_rpc.h"
#include "node/cmd_audit.h"
#include "node/complaint.h"
#include "node/homestore.h"
#include "node/light_http.h"
#include "tendermint/audit_lock.h"

enum { EXIT_NOT_JUSTIFIED = 1, REQUEST_BYTES_MAX = 64 << 10, NODE_TIMEOUT_MS = 30000 };

static const char *home, *out_path;

static const struct cli_option options[] = {
    {"home", CLI_TEXT, &home, "DIR", "the node's home (default $QUORATE_HOME, $CMTHOME, ~/.quorate)", 0, 0},
    {"out", CLI_TEXT, &out_path, "FILE", "where to (default answer.json); what is there is replaced", 0, 0},
    CLI_RPC_OPTIONS,
};

static const struct cli_command answer_command = {
    .name = "audit answer",
    .arguments = "REQUEST.json [--home DIR] [--out FILE]",
    .summary = "An auditor asks what allowed a vote of this validator. Answers with the node's signed log of that height, and says whether it holds the polka\n"
               "that allowed the vote, counted with the validators of that height as this home's chain knows them. The node may run.\n"
               "Exit status: 0 it does, 1 it does not (the answer is written all the same: it would convict), 11 the answer is written, but whether it\n"
               "suffices cannot be told here (the validators of that height are not known, and why), 2 the request is refused, and nothing is written,\n"
               "3 the answer cannot be written.",
    .example = "quorate audit answer request-1.json --home net/node2 --out answer.json",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .rest_max = 1,
};

struct answering {
    const char *request_path, *path;
    struct audit_request request;
    struct audit_home node;
    struct blob *log;
    struct valset set;    /* of the height */
    bool has_set;
    char *unknown;        /* why not */
    struct audit_votes votes;
    struct arena arena;
};

/* ---- the validators of the height: from the home's store, or from the node while it runs */

static void set_unknown(struct answering *answering, int64_t head, int64_t base) {
    int64_t height = answering->request.height;
    if (height > head)
        answering->unknown = complaint_of("the chain of this home ends at height %" PRId64 ": it does not know the validators of height %" PRId64 " yet", head, height);
    else
        answering->unknown = complaint_of("the validators of height %" PRId64 " are pruned: the blocks of this home begin at height %" PRId64, height, base);
}

static void read_home(struct answering *answering, struct homestore *chain) {
    answering->has_set = ledger_validators(&chain->ledger, &answering->set, answering->request.height);
    if (!answering->has_set)
        set_unknown(answering, chain->ledger.state.height, chain->ledger.base);
}

static bool ask_node(struct answering *answering, char **why) {
    struct light_http http;
    const struct passport *passport = cli_rpc_passport(why);
    if (passport == NULL)
        return false;
    char *node = cli_node(NULL, home);
    light_http_init(&http, node, span_text(answering->request.chain_id), NODE_TIMEOUT_MS);
    http.limits.passport = passport;
    answering->has_set = light_http_validators(&http, &answering->set, answering->request.height, why) == LIGHT_ANSWER_BLOCK;
    free(node);
    return answering->has_set;
}

static void find_set(struct answering *answering) {
    struct homestore chain;
    char *error = NULL, *why = NULL;
    if (homestore_open(&chain, home, false, &error))
        read_home(answering, &chain);
    else if (!ask_node(answering, &why))
        answering->unknown = complaint_of("the validators of height %" PRId64 " are not to be had: %s; and asking the node itself: %s",
                                          answering->request.height, error, why);
    homestore_close(&chain);
    free(error);
    free(why);
}

/* ---- is the request one that can be answered? */

static const char *check_votes(const struct audit_request *request) {
    const struct vote *a = &request->a, *b = &request->b;
    bool is_pair = request->kind == AUDIT_A1;
    if (a->height != request->height || (is_pair && b->height != request->height))
        return "it names votes of another height than its own";
    if (!address_equal(&a->validator_address, &request->who) || (is_pair && !address_equal(&b->validator_address, &request->who)))
        return "it names votes of somebody else than whom it asks";
    if (a->type != VOTE_PRECOMMIT || block_id_is_nil(&a->block_id))
        return "its first vote is no precommit for a block: there is nothing to justify";
    if (is_pair && (b->type != VOTE_PREVOTE || b->round <= a->round || block_id_equal(&a->block_id, &b->block_id)))
        return "its second vote is no later prevote for another thing: there is nothing to justify";
    return NULL;
}

static const char *check_addressee(const struct answering *answering) {
    const struct audit_home *node = &answering->node;
    if (strcmp(node->chain_id, answering->request.chain_id) != 0)
        return "the request is about another chain than this home's";
    if (node->address.size > 0 && !address_equal(&node->address, &answering->request.who))
        return "the request is to another validator than this home's";
    return NULL;
}

static bool is_signed(const struct answering *answering, const struct vote *vote, int32_t index) {
    return vote->validator_index == index &&
           vote_verify_vartime(vote, span_text(answering->request.chain_id), &answering->set.validators[index].pub_key);
}

/* Once the set is known: did this key sign at all what it is asked about? */
static const char *check_signatures(const struct answering *answering) {
    const struct audit_request *request = &answering->request;
    int32_t index = valset_find(&answering->set, &request->who);
    if (index < 0)
        return "whom it asks was no validator at that height";
    if (!is_signed(answering, &request->a, index) || (request->kind == AUDIT_A1 && !is_signed(answering, &request->b, index)))
        return "a vote in it is not signed by the validator that it asks: somebody made it up";
    return NULL;
}

/* ---- does the log justify it? */

static bool load_votes(struct answering *answering) {
    struct audit_log log;
    struct span item;
    enum audit_log_item kind;
    const struct audit_request *request = &answering->request;
    bool good = audit_log_read(&log, blob_span(answering->log)) &&
                audit_votes_init(&answering->votes, &answering->arena, &answering->set, span_text(request->chain_id), request->height);
    while (good && (kind = audit_log_next(&log.items, &item)) != AUDIT_LOG_END) {
        struct vote vote;
        if (kind == AUDIT_LOG_VOTE && vote_decode(&vote, item) && vote.height == request->height)
            audit_votes_add(&answering->votes, &vote);
    }
    return good && audit_votes_seal(&answering->votes);
}

/* *round is that of the polka. */
static bool is_justified(const struct answering *answering, int32_t *round) {
    const struct audit_request *request = &answering->request;
    const struct vote *a = &request->a;
    if (request->kind == AUDIT_A1)
        return !audit_lock_forbids(round, &answering->votes, request->rule, a, &request->b);
    const struct audit_group *group = audit_votes_group(&answering->votes, a->round, VOTE_PREVOTE, &a->block_id);
    *round = a->round;
    return group != NULL && audit_votes_polka(&answering->votes, group);
}

static bool log_holds(const struct answering *answering, const struct vote *vote) {
    const struct audit_group *group = audit_votes_group(&answering->votes, vote->round, vote->type, &vote->block_id);
    return group != NULL && audit_votes_in_group(&answering->votes, group, (uint32_t)vote->validator_index);
}

static void tell_unjustified(const struct answering *answering) {
    const struct audit_request *request = &answering->request;
    printf("justified  NO: this log holds no polka that allowed the vote; ");
    if (!log_holds(answering, &request->a) || (request->kind == AUDIT_A1 && !log_holds(answering, &request->b)))
        printf("nor the very votes in question: this node did not sign them, or its files were lost. Is the key used elsewhere?\n"
               "           Handed in, this log does not convict, but once the deadline is over silence does\n");
    else if (!answering->node.complete)
        printf("as it is not complete it does not convict, but once the deadline is over silence does:\n"
               "           look for the polka in the logs of others, and hand those in\n");
    else
        printf("handed in, it convicts this key (as silence will)\n");
}

static int tell(struct answering *answering) {
    int32_t round = -1;
    cmd_audit_tell(&answering->node, answering->request.height, answering->path);
    if (!answering->has_set) {
        printf("justified  unknown: %s\n", answering->unknown);
        return AUDIT_UNRESOLVED;
    }
    if (!is_justified(answering, &round)) {
        tell_unjustified(answering);
        return EXIT_NOT_JUSTIFIED;
    }
    if (round >= 0)
        printf("justified  yes: by the polka of round %d\n", round);
    else
        printf("justified  yes: the lock rule of the request, %s, does not bind such a vote\n", audit_rule_text(answering->request.rule));
    return CLI_GOOD;
}

/* ---- all */

static bool write_answer(const struct answering *answering, char **error) {
    struct emit emit;
    emit_init(&emit);
    audit_answer_emit(&emit, &answering->request, blob_span(answering->log));
    bool good = cmd_audit_write(answering->path, span_of(emit.data, emit.size), error);
    emit_close(&emit);
    return good;
}

/* NULL: it may be answered. *error: something other than the request is in the way. */
static const char *look_at_request(struct answering *answering, char **error) {
    struct blob *file = keyfile_read(answering->request_path, REQUEST_BYTES_MAX, error);
    if (file == NULL)
        return NULL;
    const char *wrong = audit_request_parse(&answering->request, blob_span(file), &answering->arena);
    blob_release(file);
    if (wrong == NULL)
        wrong = check_votes(&answering->request);
    if (wrong == NULL)
        answering->log = cmd_audit_home_log(&answering->node, home, answering->request.height, error);
    if (wrong == NULL && *error == NULL)
        wrong = check_addressee(answering);
    if (wrong == NULL && *error == NULL)
        find_set(answering);
    return wrong == NULL && answering->has_set ? check_signatures(answering) : wrong;
}

static int answer(struct answering *answering) {
    char *error = NULL;
    const char *wrong = look_at_request(answering, &error);
    if (wrong != NULL && error == NULL)
        error = complaint_of("%s: refused: %s", answering->request_path, wrong);
    if (error == NULL && answering->has_set && !load_votes(answering))
        error = complaint_of("the log of height %" PRId64 " does not fit into the %zu MiB that an audit may take", answering->request.height, DOCKET_BYTES_MAX >> 20);
    if (error != NULL) {
        cli_fail(&answer_command, error);
        return AUDIT_BAD_INPUT;
    }
    if (write_answer(answering, &error))
        return tell(answering);
    cli_fail(&answer_command, error);
    return CLI_WORLD;
}

int cmd_audit_answer(int argc, char **argv) {
    struct cli_rest rest;
    int status;
    home = cli_home();
    cli_rpc_begin();
    out_path = "answer.json";
    if (!cli_parse(&answer_command, &rest, &status, 1, argc, argv))
        return status;
    if (rest.count != 1)
        return cli_misuse(&answer_command, "which request?");
    struct answering *answering = calloc(1, sizeof *answering);
    assert(answering != NULL);
    answering->request_path = rest.values[0];
    answering->path = out_path;
    arena_init(&answering->arena, DOCKET_BYTES_MAX);
    valset_init(&answering->set);
    status = answer(answering);
    valset_close(&answering->set);
    arena_close(&answering->arena);
    blob_release(answering->log);
    free(answering->unknown);
    free(answering);
    return status;
}
