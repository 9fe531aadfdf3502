/* quorate audit watch: nodes of one chain are compared; the day they disagree, the evidence is gathered while it is there. */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "crypto/text.h"
#include "node/cli_rpc.h"
#include "node/cmd_audit.h"
#include "node/complaint.h"

enum { NODES_MAX = 32, HASH_TEXT = 65 };

static const char *genesis, *bundle_path, *out_path, *lock_rule;
static int64_t interval_ms;
static bool once;
static struct audit_list nodes;

static bool take_node(void *context, const char *name, const char *value, char **error) {
    (void)context;
    return strcmp(name, "node") == 0 && cmd_audit_take(&nodes, value, error);
}

static const struct cli_option options[] = {
    {"genesis", CLI_TEXT, &genesis, "FILE", "genesis.json (needed for the audit)", 0, 0},
    {"bundle", CLI_TEXT, &bundle_path, "FILE", "where the bundle goes (default fork.bundle)", 0, 0},
    {"out", CLI_TEXT, &out_path, "FILE", "the report as JSON", 0, 0},
    {"lock-rule", CLI_TEXT, &lock_rule, "RULE", "strict (default), comet or paper", 0, 0},
    {"interval", CLI_NUMBER, &interval_ms, "MS", "pause between looks (default 1000)", 10, 3600000},
    {"once", CLI_FLAG, &once, "", "one look, then end", 0, 0},
    CLI_RPC_OPTIONS,
};

static const struct cli_command command = {
    .name = "audit watch",
    .arguments = "--genesis FILE --node URL --node URL …",
    .summary = "Compares the headers of several nodes (at least two, better of different operators) as they go on. When two have different blocks at one\n"
               "height, it fetches both commits, those of the next height, the validators, and the votes that each node kept; judges them; and writes\n"
               "the bundle. Exit status as of `quorate audit run`: 0 all agree (--once), 10 more than a third convicted, 11 fork not\n"
               "resolved, 2 bad input. A node that does not answer is named and asked again.",
    .example = "quorate audit watch --genesis genesis.json --node http://10.0.0.1:26657 --node http://10.0.0.7:26657 --bundle fork.bundle",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .other = take_node,
};

struct watched {
    const char *url;
    int64_t height; /* its newest; 0: it does not answer */
    bool complained;
};

static struct watched watched[NODES_MAX];
static int64_t agreed; /* all that answered agree up to here */

static json_t *ask(const struct watched *node, const char *method, int64_t height, char **error) {
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, height);
    return cli_rpc_call(node->url, method, height > 0 ? json_pack("{s:s}", "height", text) : json_object(), error);
}

static void complain(struct watched *node, char *error) {
    if (!node->complained)
        fprintf(stderr, "quorate audit watch: %s (asking again)\n", error);
    node->complained = true;
    free(error);
}

static void look(struct watched *node) {
    char *error = NULL;
    json_t *status = ask(node, "status", 0, &error);
    node->height = status == NULL ? 0 : cli_rpc_number(status, "sync_info.latest_block_height");
    json_decref(status);
    if (error != NULL)
        complain(node, error);
    else
        node->complained = false;
}

/* The hash of the block of that height, as the node's commit names it. */
static bool hash_at(char out[static HASH_TEXT], struct watched *node, int64_t height) {
    char *error = NULL;
    json_t *commit = ask(node, "commit", height, &error);
    snprintf(out, HASH_TEXT, "%s", commit == NULL ? "" : cli_rpc_text(commit, "signed_header.commit.block_id.hash"));
    json_decref(commit);
    if (error != NULL)
        complain(node, error);
    return out[0] != '\0';
}

/* Two that answer and differ at this height; −1: all the same, or fewer than two know it. */
static int differing(int64_t height, int *one) {
    char first[HASH_TEXT] = "", hash[HASH_TEXT];
    *one = -1;
    for (uint32_t i = 0; i < nodes.count; i++) {
        if (watched[i].height < height || !hash_at(hash, &watched[i], height))
            continue;
        if (*one < 0) {
            *one = (int)i;
            memcpy(first, hash, sizeof first);
        } else if (strcmp(first, hash) != 0) {
            return (int)i;
        }
    }
    return -1;
}

/* Headers are linked: from the first difference on all differ. */
static int64_t first_difference(int64_t low, int64_t high) {
    int one;
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (differing(middle, &one) >= 0)
            high = middle;
        else
            low = middle;
    }
    return high;
}

/* ---- what there is to be had, from every node */

static void add_answer(struct docket *docket, struct watched *node, const char *method, int64_t height) {
    char *error = NULL, name[256];
    json_t *result = ask(node, method, height, &error);
    char *text = result == NULL ? NULL : json_dumps(result, JSON_COMPACT);
    snprintf(name, sizeof name, "%s %s %" PRId64, node->url, method, height);
    if (text != NULL)
        docket_add_json(docket, docket_source(docket, name), span_text(text));
    free(text);
    free(error);
    json_decref(result);
}

static void add_validators(struct docket *docket, struct watched *node, int64_t height) {
    for (int page = 1, pages = 1; page <= pages; page++) {
        char *error = NULL, name[256], at[24], number[12];
        snprintf(at, sizeof at, "%" PRId64, height);
        snprintf(number, sizeof number, "%d", page);
        json_t *result = cli_rpc_call(node->url, "validators", json_pack("{s:s, s:s, s:s}", "height", at, "page", number, "per_page", "100"), &error);
        char *text = result == NULL ? NULL : json_dumps(result, JSON_COMPACT);
        snprintf(name, sizeof name, "%s validators %" PRId64, node->url, height);
        if (text != NULL) {
            docket_add_json(docket, docket_source(docket, name), span_text(text));
            pages = (int)((cli_rpc_number(result, "total") + 99) / 100);
        }
        free(text);
        free(error);
        json_decref(result);
    }
}

static void add_votes(struct docket *docket, struct watched *node, int64_t height) {
    char *error = NULL, name[256];
    json_t *result = ask(node, "vote_log", height, &error);
    const char *text = result == NULL ? "" : cli_rpc_text(result, "items");
    size_t size = strlen(text), got;
    uint8_t *bytes = malloc(size + 1);
    assert(bytes != NULL);
    snprintf(name, sizeof name, "%s votes of %" PRId64, node->url, height);
    struct docket_source *source = docket_source(docket, name);
    if (result == NULL)
        snprintf(source->note, sizeof source->note, "not to be had: %.150s", error);
    else if (text_base64_decode(bytes, &got, size, span_of(text, size)))
        docket_add_items(docket, source, span_of(bytes, got));
    free(bytes);
    free(error);
    json_decref(result);
}

static char *gather(struct docket *docket, int64_t height) {
    for (uint32_t i = 0; i < nodes.count; i++)
        if (watched[i].height >= height) {
            add_answer(docket, &watched[i], "commit", height);
            add_validators(docket, &watched[i], height);
            if (watched[i].height > height) {
                add_answer(docket, &watched[i], "commit", height + 1);
                add_validators(docket, &watched[i], height + 1);
            }
        }
    if (agreed > 0)
        add_answer(docket, &watched[0], "commit", agreed); /* where sets changed since the genesis, the trust comes over this one */
    char *error = docket_settle(docket, height);
    for (uint32_t i = 0; error == NULL && i < nodes.count; i++)
        add_votes(docket, &watched[i], height);
    return error == NULL ? docket_judge(docket, false) : error;
}

static bool write_results(const struct docket *docket, char **error) {
    struct emit emit, indented;
    emit_init(&emit);
    emit_init(&indented);
    audit_report_emit(&emit, docket);
    emit_indented(&indented, span_of(emit.data, emit.size));
    bool good = keyfile_write(bundle_path, docket->bundle, true, error) &&
                (out_path == NULL || keyfile_write(out_path, span_of(indented.data, indented.size), true, error));
    emit_close(&emit);
    emit_close(&indented);
    return good;
}

static int alarm_at(const struct audit_base *base, enum audit_rule rule, int64_t height) {
    struct docket *docket = calloc(1, sizeof *docket);
    assert(docket != NULL);
    docket_init(docket, rule, span_text(base->chain_id));
    docket_trust(docket, base->trust.height, &base->set);
    char *error = gather(docket, height);
    if (error == NULL && write_results(docket, &error)) {
        audit_report_show(stdout, docket);
        printf("the bundle is in %s\n", bundle_path);
    }
    int status = error == NULL ? (int)audit_report_exit(docket) : AUDIT_BAD_INPUT;
    if (error != NULL)
        cli_fail(&command, error);
    docket_close(docket);
    free(docket);
    return status;
}

/* The highest that two nodes have; 0: none. */
static int64_t common_height(void) {
    int64_t highest = 0, second = 0;
    for (uint32_t i = 0; i < nodes.count; i++) {
        if (watched[i].height > highest) {
            second = highest;
            highest = watched[i].height;
        } else if (watched[i].height > second) {
            second = watched[i].height;
        }
    }
    return second;
}

static int watch(const struct audit_base *base, enum audit_rule rule) {
    for (;;) {
        int one, other = -1;
        for (uint32_t i = 0; i < nodes.count; i++)
            look(&watched[i]);
        int64_t common = common_height();
        if (common > agreed && (other = differing(common, &one)) >= 0) {
            int64_t height = first_difference(agreed, common);
            printf("FORK: %s and %s have different blocks at height %" PRId64 "\n", watched[one].url, watched[other].url, height);
            fflush(stdout);
            return alarm_at(base, rule, height);
        }
        agreed = common > agreed ? common : agreed;
        if (once) {
            printf("all that answered agree up to height %" PRId64 "\n", agreed);
            return agreed > 0 ? AUDIT_NO_FORK : AUDIT_BAD_INPUT;
        }
        struct timespec pause = {interval_ms / 1000, interval_ms % 1000 * 1000000};
        nanosleep(&pause, NULL);
    }
}

int cmd_audit_watch(int argc, char **argv) {
    struct cli_rest rest;
    struct audit_base base;
    enum audit_rule rule = AUDIT_STRICT;
    char *error = NULL;
    int status;
    genesis = out_path = lock_rule = NULL;
    cli_rpc_begin();
    bundle_path = "fork.bundle";
    interval_ms = 1000;
    once = false;
    nodes.count = 0;
    agreed = 0;
    if (!cli_parse(&command, &rest, &status, 1, argc, argv))
        return status;
    if (nodes.count < 2 || nodes.count > NODES_MAX)
        return cli_misuse(&command, "two to %d nodes are to be compared: --node URL --node URL", NODES_MAX);
    if (lock_rule != NULL && !audit_rule_parse(&rule, span_text(lock_rule)))
        return cli_misuse(&command, "--lock-rule %s: it is strict, comet or paper", lock_rule);
    if (!cmd_audit_base(&base, genesis, NULL, &error)) {
        cli_fail(&command, error);
        return AUDIT_BAD_INPUT;
    }
    for (uint32_t i = 0; i < nodes.count; i++)
        watched[i] = (struct watched){.url = nodes.items[i]};
    status = watch(&base, rule);
    valset_close(&base.set);
    return status;
}
