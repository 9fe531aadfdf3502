/* quorate audit watch: nodes of one chain are compared; the day they disagree, the evidence is gathered while it is there. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "node/audit_chains.h"
#include "node/audit_compare.h"
#include "node/cli_rpc.h"
#include "node/cmd_audit.h"
#include "node/complaint.h"

static const char *genesis, *trusted_header, *bundle_path, *out_path, *lock_rule;
static int64_t interval_ms, timeout_ms, patience_s;
static bool once;
static struct audit_list nodes;

static bool take_node(void *context, const char *name, const char *value, char **error) {
    (void)context;
    return strcmp(name, "node") == 0 && cmd_audit_take(&nodes, value, error);
}

static const struct cli_option options[] = {
    {"genesis", CLI_TEXT, &genesis, "FILE", "genesis.json (needed for the audit)", 0, 0},
    {"trusted-header", CLI_TEXT, &trusted_header, "FILE", "instead, or above it, for nodes that have pruned: an answer of /commit that you trust", 0, 0},
    {"bundle", CLI_TEXT, &bundle_path, "FILE", "where the bundle goes (default fork.bundle); what is there is replaced", 0, 0},
    {"out", CLI_TEXT, &out_path, "FILE", "the report as JSON", 0, 0},
    {"lock-rule", CLI_TEXT, &lock_rule, "RULE", "strict (default), comet or paper", 0, 0},
    {"interval", CLI_NUMBER, &interval_ms, "MS", "pause between looks (default 1000)", 10, 3600000},
    {"timeout", CLI_NUMBER, &timeout_ms, "MS", "how long a node may take to answer (default 5000)", 10, 600000},
    {"patience", CLI_NUMBER, &patience_s, "S", "seconds to go on gathering after a fork, until more than a third is convicted (default 60)", 0, 1000000},
    {"once", CLI_FLAG, &once, "", "one look, then end", 0, 0},
    CLI_RPC_OPTIONS,
};

static const struct cli_command command = {
    .name = "audit watch",
    .arguments = "--genesis FILE --node URL --node URL …",
    .summary = "Compares the headers of several nodes (at least two, better of different operators) as they go on. When two have different blocks at one\n"
               "height, it fetches both commits, those of the next height, the validators, the headers in between where validators changed, and the votes\n"
               "that each node kept; judges them; and writes the bundle. As long as that convicts no more than a third it gathers again, because the heights\n"
               "after the fork convict by signatures alone.\n"
               "\n"
               "A node that does not answer, or is of another chain, is named, and asked again less and less often, at last each 32nd time. One that\n"
               "shows a block which its validators did not sign is named and left out: that is no fork.\n"
               "Exit status: 0 all agree (--once), 10 more than a third convicted, 11 fork not resolved, or two nodes differ and nobody has the\n"
               "headers to judge it by, 2 bad input (--once: fewer than two nodes could be compared), 3 a file cannot be written.",
    .example = "quorate audit watch --genesis genesis.json --node http://10.0.0.1:26657 --node http://10.0.0.7:26657 --bundle fork.bundle",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .other = take_node,
};

struct watch {
    const struct audit_base *base;
    enum audit_rule rule;
    struct audit_chains chains;
    struct audit_compare compare; /* the same nodes in the same order */
    uint32_t there;               /* how many could be compared when it was said last */
};

/* ---- two differ */

/* Those that have the height and are believed so far; the loan ends with the watch's own list. */
static struct audit_chains with_height(const struct watch *watch, int64_t height) {
    struct audit_chains some = {.count = 0};
    for (uint32_t i = 0; i < watch->chains.count; i++)
        if (!watch->compare.nodes[i].set_aside && watch->compare.nodes[i].height >= height)
            some.list[some.count++] = watch->chains.list[i];
    return some;
}

static char *gather(const struct watch *watch, struct docket *docket, int64_t height) {
    struct audit_chains some = with_height(watch, height);
    audit_chains_search(&some, docket, height);
    char *error = docket_settle(docket, height);
    if (error == NULL)
        audit_chains_votes(&some, docket);
    return error == NULL ? docket_judge(docket, false) : error;
}

enum { GATHER_AGAIN = -2, GO_ON = -1 };

static int raise_alarm(const struct docket *docket, bool is_last) {
    struct audit_results results = {.out = out_path, .bundle = bundle_path, .built_on = trusted_header != NULL ? "trusted-header" : "genesis"};
    char *error = NULL;
    if (audit_report_exit(docket) == AUDIT_UNRESOLVED && !is_last && cmd_audit_write(bundle_path, docket->bundle, &error))
        return GATHER_AGAIN; /* what there is so far, in case we do not live to see more */
    free(error);
    error = NULL;
    if (!cmd_audit_results(&results, docket, &error)) {
        cli_fail(&command, error);
        return CLI_WORLD;
    }
    return (int)audit_report_exit(docket);
}

/* Its commit of the height, as the docket has it: why does it not follow? NULL: it does, or is not there. */
static const char *what_is_wrong(const struct docket *docket, const struct digest *hash) {
    struct audit_trust trust = docket->trust;
    if (docket->link_count > 0)
        trust = (struct audit_trust){docket->links[docket->link_count - 1].header.height, docket->links[docket->link_count - 1].header.next_validators_hash};
    for (uint32_t i = 0; i < docket->signed_count; i++)
        if (docket->signed_headers[i].header.height == docket->height && digest_equal(&docket->signed_headers[i].id.hash, hash))
            return docket_follows(docket, &trust, &docket->signed_headers[i]);
    return NULL;
}

/* One of two branches is none: whoever shows it is left out. false: nobody is found to do so. */
static bool set_liar_aside(struct watch *watch, const struct docket *docket, const struct audit_difference *difference) {
    bool found = false;
    uint32_t pair[] = {difference->one, difference->other};
    for (int i = 0; i < 2 && docket->commits[0] != NULL && difference->is_first; i++) {
        struct audit_compared *node = &watch->compare.nodes[pair[i]];
        struct light_block *block = NULL;
        char *why = NULL;
        const char *wrong = NULL;
        if (node->source.fetch(node->source.context, docket->height, &block, &why) == LIGHT_ANSWER_BLOCK)
            wrong = what_is_wrong(docket, &block->hash);
        if (wrong != NULL) {
            printf("%s shows a block of height %" PRId64 " that is not decided: %s. It is left out from now on\n", node->source.name, docket->height, wrong);
            node->set_aside = found = true;
        }
        light_block_release(block);
        free(why);
    }
    return found;
}

static void tell_difference(const struct watch *watch, const struct audit_difference *difference) {
    const struct audit_compared *list = watch->compare.nodes;
    printf("%s and %s have different blocks at height %" PRId64 "\n", list[difference->one].source.name, list[difference->other].source.name,
           difference->height);
    if (!difference->is_first)
        printf("  (one of them has nothing below it any more: they may have parted earlier)\n");
    fflush(stdout);
}

/* An exit status, or one of the above. */
static int judge(struct watch *watch, const struct audit_difference *difference, bool is_last) {
    struct docket *docket = calloc(1, sizeof *docket);
    assert(docket != NULL);
    docket_init(docket, watch->rule, span_text(watch->base->chain_id));
    if (watch->base->set.count > 0)
        docket_trust(docket, watch->base->trust.height, &watch->base->set);
    docket->trust = watch->base->trust;
    char *error = gather(watch, docket, difference->height);
    int status = is_last ? AUDIT_UNRESOLVED : GATHER_AGAIN;
    if (error == NULL && (docket_is_fork(docket) || audit_report_exit(docket) == AUDIT_ATTRIBUTED))
        status = raise_alarm(docket, is_last);
    else if (error == NULL && set_liar_aside(watch, docket, difference))
        status = GO_ON;
    else if (error == NULL)
        error = complaint_of("only one of the two blocks follows from the genesis, as far as these nodes have the headers; watch one that keeps all, or gather\n"
                             "what there is with `quorate audit run`");
    if (error != NULL && is_last)
        cli_fail(&command, error);
    else
        free(error);
    docket_close(docket);
    free(docket);
    return status;
}

static void rest(void) {
    struct timespec pause = {interval_ms / 1000, interval_ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

static int64_t seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static int pursue(struct watch *watch, const struct audit_difference *difference) {
    int64_t until = once ? 0 : seconds() + patience_s;
    tell_difference(watch, difference);
    for (bool again = false;; again = true) {
        int status = judge(watch, difference, seconds() >= until);
        if (status != GATHER_AGAIN)
            return status;
        if (!again)
            printf("the guilty are not known yet; gathering again for up to %" PRId64 " s, while the nodes go on\n", patience_s);
        fflush(stdout);
        rest();
        audit_compare_look(&watch->compare, true);
    }
}

/* ---- looking */

static void tell_news(const struct watch *watch) {
    for (uint32_t i = 0; i < watch->compare.count; i++) {
        const struct audit_compared *node = &watch->compare.nodes[i];
        if (node->is_news)
            fprintf(stderr, "quorate audit watch: %s: %s (it is asked again)\n", node->source.name, node->why);
        else if (node->is_back)
            fprintf(stderr, "quorate audit watch: %s: it answers again, and is at height %" PRId64 "\n", node->source.name, node->height);
    }
}

/* Whoever watches nothing must know it. */
static void tell_sight(struct watch *watch) {
    uint32_t count;
    int64_t agreed = audit_compare_agreed(&watch->compare, &count);
    count = agreed > 0 ? count : count < 2 ? count : 1;
    if (once || count == watch->there)
        return;
    watch->there = count;
    if (count >= 2)
        printf("%u of %u nodes are compared; they agree up to height %" PRId64 "; watching on\n", count, watch->compare.count, agreed);
    else
        printf("fewer than two nodes can be compared: nothing is seen at the moment\n");
    fflush(stdout);
}

static int end_once(const struct watch *watch) {
    uint32_t count;
    int64_t agreed = audit_compare_agreed(&watch->compare, &count);
    for (uint32_t i = 0; i < watch->compare.count; i++) {
        const struct audit_compared *node = &watch->compare.nodes[i];
        if (node->height > 0 && !node->set_aside)
            printf("  %s: at height %" PRId64 ", compared up to %" PRId64 "\n", node->source.name, node->height, node->agreed);
        else
            printf("  %s: %s\n", node->source.name, node->set_aside ? "left out" : node->why);
    }
    printf("%u of %u nodes could be compared; they agree up to height %" PRId64 "\n", agreed > 0 ? count : 0, watch->compare.count, agreed);
    return agreed > 0 ? AUDIT_NO_FORK : AUDIT_BAD_INPUT;
}

static int look_on(struct watch *watch) {
    for (;;) {
        struct audit_difference difference;
        audit_compare_look(&watch->compare, once);
        tell_news(watch);
        while (audit_compare_differ(&watch->compare, &difference)) {
            int status = pursue(watch, &difference);
            if (status != GO_ON)
                return status;
        }
        if (once)
            return end_once(watch);
        tell_sight(watch);
        rest();
    }
}

/* ---- all */

/* Better now than on the day of the fork. A folder that is not there is made then. */
static bool can_write(const char *path, char **error) {
    struct stat status;
    char *folder = complaint_of("%s", path), *slash = strrchr(folder, '/');
    if (slash != NULL)
        slash[slash == folder] = '\0';
    const char *name = slash == NULL ? "." : folder;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        *error = complaint_of("%s: it is a folder; name a file", path);
    else if (stat(name, &status) == 0 ? !S_ISDIR(status.st_mode) || access(name, W_OK) != 0 : errno != ENOENT)
        *error = complaint_of("%s: %s is no folder that can be written to", path, name);
    free(folder);
    return *error == NULL;
}

static bool open_nodes(struct watch *watch, char **error) {
    for (uint32_t i = 0; i < nodes.count; i++) {
        if (!audit_chains_add_node(&watch->chains, nodes.items[i], watch->base->chain_id, timeout_ms, error))
            return false;
        audit_compare_add(&watch->compare, &watch->chains.list[i]->source);
    }
    return can_write(bundle_path, error) && (out_path == NULL || can_write(out_path, error));
}

int cmd_audit_watch(int argc, char **argv) {
    struct cli_rest rest;
    struct audit_base base;
    char *error = NULL;
    int status;
    genesis = trusted_header = out_path = lock_rule = NULL;
    cli_rpc_begin();
    bundle_path = "fork.bundle";
    interval_ms = 1000;
    timeout_ms = 5000;
    patience_s = 60;
    once = false;
    nodes.count = 0;
    if (!cli_parse(&command, &rest, &status, 1, argc, argv))
        return status;
    if (nodes.count < 2 || nodes.count > AUDIT_COMPARE_MAX)
        return cli_misuse(&command, "two to %d nodes are to be compared: --node URL --node URL", AUDIT_COMPARE_MAX);
    struct watch *watch = calloc(1, sizeof *watch);
    assert(watch != NULL);
    watch->base = &base;
    watch->there = UINT32_MAX;
    if (lock_rule != NULL && !audit_rule_parse(&watch->rule, span_text(lock_rule)))
        status = cli_misuse(&command, "--lock-rule %s: it is strict, comet or paper", lock_rule);
    else if (!cmd_audit_base(&base, genesis, trusted_header, &error))
        status = cmd_audit_bad_input(&command, error);
    else {
        status = open_nodes(watch, &error) ? look_on(watch) : cmd_audit_bad_input(&command, error);
        valset_close(&base.set);
    }
    audit_chains_close(&watch->chains);
    free(watch);
    return status;
}
