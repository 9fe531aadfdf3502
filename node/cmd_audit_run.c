/* quorate audit run. */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "node/audit_chains.h"
#include "node/cli_rpc.h"
#include "node/cmd_audit.h"
#include "node/complaint.h"
#include "node/rerun.h"

enum { NODE_TIMEOUT_MS = 30000 };

static const char *genesis, *trusted_header, *lock_rule, *deadline, *out_path, *bundle_path, *requests_path, *svg_path, *application;
static int64_t height;
static bool json, execute;
static struct audit_list commits, logs, journals, answers, asked, homes, nodes;

/* ---- run */

static bool take_file(void *context, const char *name, const char *value, char **error) {
    (void)context;
    struct audit_list *list = strcmp(name, "commit") == 0 || strcmp(name, "branch") == 0 || strcmp(name, "validators") == 0 || strcmp(name, "block") == 0 ||
                                      strcmp(name, "evidence") == 0
                                  ? &commits
                              : strcmp(name, "log") == 0                                            ? &logs
                              : strcmp(name, "cometbft-wal") == 0 || strcmp(name, "journal") == 0 ? &journals
                              : strcmp(name, "answers") == 0                                        ? &answers
                              : strcmp(name, "asked") == 0                                          ? &asked
                              : strcmp(name, "chain") == 0                                          ? &homes
                              : strcmp(name, "node") == 0                                           ? &nodes
                                                                                                    : NULL;
    return list != NULL && cmd_audit_take(list, value, error);
}

static const struct cli_option run_options[] = {
    {"genesis", CLI_TEXT, &genesis, "FILE", "genesis.json: its validators are trusted", 0, 0},
    {"trusted-header", CLI_TEXT, &trusted_header, "FILE", "instead, or above it: an answer of /commit that is trusted", 0, 0},
    {"height", CLI_NUMBER, &height, "H", "the height in question (default: that of the two commits)", 0, INT64_MAX - 2},
    {"lock-rule", CLI_TEXT, &lock_rule, "RULE", "strict (all validators run quorate; the default), comet (some run CometBFT; the default with a log of it), paper", 0, 0},
    {"deadline", CLI_TEXT, &deadline, "TIME", "2026-01-31T12:00:00Z: whoever did not answer until then, by this machine's clock, is convicted by its silence", 0, 0},
    {"out", CLI_TEXT, &out_path, "FILE", "the report as JSON", 0, 0},
    {"bundle", CLI_TEXT, &bundle_path, "FILE", "what a third party verifies", 0, 0},
    {"requests", CLI_TEXT, &requests_path, "DIR", "a request for each suspect is written here", 0, 0},
    {"execute", CLI_FLAG, &execute, "", "execute the blocks of each --chain again: a vote for a header that says something else is proof (E5)", 0, 0},
    {"application", CLI_TEXT, &application, "NAME", "ledger, kvstore …: by which they are executed (default: what the home's config says)", 0, 0},
    {"svg", CLI_TEXT, &svg_path, "FILE", "a picture: rounds, votes, locks, and what contradicts what", 0, 0},
    {"json", CLI_FLAG, &json, "", "the report as JSON on stdout instead of the summary", 0, 0},
    CLI_RPC_OPTIONS,
};

static const struct cli_command run_command = {
    .name = "audit run",
    .arguments = "--genesis FILE --commit A --commit B [--validators FILE …] [--log FILE …] [--journal DIR …] [--answers DIR] …",
    .summary = "Two blocks were decided at one height: who of the validators broke which rule? Judges what is handed in, tells who is proven or\n"
               "convicted with which proof, whom to ask for what is missing, and writes a bundle that anybody can verify with the genesis alone.\n"
               "\n"
               "  --node URL          a node that runs: its commits and validators of the height and the next, the votes that it kept, and whatever headers\n"
               "                      between the genesis and the height it takes where validators changed. Two nodes on two branches: enough for an audit\n"
               "  --chain HOME        the same (but no votes: `quorate audit export`) of a node that does not run, or of a copy of its home\n"
               "  --commit FILE       an answer of /commit; of the height in question, of the next (both branches: then no log is needed), or of\n"
               "                      lower ones where the validator set changed. --branch FILE is the same\n"
               "  --validators FILE   an answer of /validators (each page), for sets that are not the genesis'\n"
               "  --block FILE        an answer of /block or /header: for its header and evidence\n"
               "  --evidence FILE     one piece of evidence, as `quorate light` keeps it; a block that it accuses counts like another --commit\n"
               "  --log FILE          what `quorate audit export` wrote\n"
               "  --journal DIR       a journal's folder or file (data/cs.wal) of ours; --cometbft-wal DIR is the same\n"
               "  --answers DIR       what the suspects answered (`quorate audit answer`)\n"
               "  --asked DIR         the requests that were sent: whoever is in none of them is not convicted by its silence. Answers can raise\n"
               "                      suspicion of somebody new, who is to be asked then (again --requests, and a deadline of its own)\n"
               "\n"
               "What does not verify is dropped and counted, with the reason. Exit status: 0 no fork, 10 fork (also one that was shown to light clients\n"
               "alone) with more than a third convicted, 11 fork not resolved yet, 2 bad input (also when no fork is shown, but a commit that was\n"
               "given could not be used), 3 a file cannot be written (the report is shown all the same). Files that are there are replaced.",
    .example = "quorate audit run --genesis genesis.json --height 7 --node http://10.0.0.1:26657 --node http://10.0.0.7:26657 --bundle proof\n"
               "\n"
               "or from files:\n"
               "curl -s node0:26657/commit?height=7 >a.json; curl -s node3:26657/commit?height=7 >b.json\n"
               "quorate audit export --home net/node1 --height 7 --out node1.log\n"
               "quorate audit run --genesis genesis.json --commit a.json --commit b.json --log node1.log --bundle proof --requests ask\n"
               "quorate audit answer ask/request-1.json --home net/node2 --out answers/2.json      (each suspect, on its host)\n"
               "quorate audit run --genesis genesis.json --commit a.json --commit b.json --log node1.log --asked ask --answers answers \\\n"
               "    --deadline 2026-01-31T12:00:00Z --bundle proof --out report.json\n"
               "quorate audit verify proof --genesis genesis.json                                  (anybody, anywhere)",
    .options = run_options,
    .option_count = sizeof run_options / sizeof run_options[0],
    .other = take_file,
};

static bool read_source(struct docket *docket, const char *path, void (*add)(struct docket *docket, struct docket_source *source, struct span bytes),
                        char **error) {
    struct blob *file = cmd_audit_read(path, error);
    if (file == NULL)
        return false;
    add(docket, docket_source(docket, path), blob_span(file));
    blob_release(file);
    return true;
}

static void add_json(struct docket *docket, struct docket_source *source, struct span bytes) { docket_add_json(docket, source, bytes); }

static bool read_commits(struct docket *docket, char **error) {
    for (uint32_t i = 0; i < commits.count; i++)
        if (!read_source(docket, commits.items[i], add_json, error))
            return false;
    return true;
}

/* Evidence lies in the same files; it needs the validators of the height. */
static bool read_evidence(struct docket *docket, char **error) {
    for (uint32_t i = 0; i < commits.count; i++) {
        struct blob *file = cmd_audit_read(commits.items[i], error);
        if (file == NULL)
            return false;
        docket_add_json_evidence(docket, &docket->sources[i], blob_span(file));
        blob_release(file);
    }
    return true;
}

static void add_answer(struct docket *docket, struct docket_source *source, struct span bytes) {
    struct audit_request request;
    struct audit_log log;
    struct span log_bytes;
    const char *why = audit_answer_parse(&request, &log_bytes, bytes, &docket->arena);
    if (why == NULL && (strcmp(request.chain_id, docket->chain_id) != 0 || request.height != docket->height))
        why = "it answers a request of another chain or height";
    if (why == NULL && (!audit_log_read(&log, log_bytes) || !address_equal(&log.manifest.address, &request.who)))
        why = "it answers a request to somebody else, or its log is damaged";
    if (why == NULL)
        docket_add_log(docket, source, log_bytes);
    else
        snprintf(source->note, sizeof source->note, "passed over: %s", why);
}

static int is_visible(const struct dirent *entry) { return entry->d_name[0] != '.'; }

static void add_asked(struct docket *docket, struct docket_source *source, struct span bytes) {
    struct audit_request request;
    const char *why = audit_request_parse(&request, bytes, &docket->arena);
    if (why == NULL && (strcmp(request.chain_id, docket->chain_id) != 0 || request.height != docket->height))
        why = "of another chain or height";
    else if (why == NULL && valset_find(docket->set, &request.who) < 0)
        why = "to somebody who was no validator then";
    if (why == NULL)
        docket_add_asked(docket, &request.who);
    snprintf(source->note, sizeof source->note, "%s%s", why == NULL ? "was asked" : "passed over: ", why == NULL ? "" : why);
}

/* A file, or all of a folder. */
static bool read_each(struct docket *docket, const char *path, void (*add)(struct docket *docket, struct docket_source *source, struct span bytes),
                      char **error) {
    struct dirent **entries;
    struct stat status;
    if (stat(path, &status) == 0 && S_ISREG(status.st_mode))
        return read_source(docket, path, add, error);
    int count = scandir(path, &entries, is_visible, alphasort);
    if (count < 0)
        *error = complaint_of("%s: %s", path, strerror(errno));
    for (int i = 0; i < count; i++) {
        char *name = complaint_of("%s/%s", path, entries[i]->d_name);
        if (*error == NULL)
            read_source(docket, name, add, error);
        free(name);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    return *error == NULL;
}

/* Signed logs first: of what a validator signs only so much is kept, and theirs shall be among it. */
static bool read_logs(struct docket *docket, char **error) {
    for (uint32_t i = 0; i < logs.count; i++)
        if (!read_source(docket, logs.items[i], docket_add_log, error))
            return false;
    for (uint32_t i = 0; i < answers.count; i++)
        if (!read_each(docket, answers.items[i], add_answer, error))
            return false;
    if (asked.count > 0)
        docket_add_asked(docket, NULL);
    for (uint32_t i = 0; i < asked.count; i++)
        if (!read_each(docket, asked.items[i], add_asked, error))
            return false;
    for (uint32_t i = 0; i < journals.count; i++)
        docket_add_journal(docket, journals.items[i]);
    return read_evidence(docket, error);
}

static bool read_deadline(struct timestamp *due, char **error) {
    if (deadline == NULL || timestamp_parse(due, span_text(deadline)))
        return true;
    *error = complaint_of("--deadline %s: a time like 2026-01-31T12:00:00Z is wanted", deadline);
    return false;
}

/* Nobody is convicted for not having answered before there was anything to ask. */
static bool is_over(bool *passed, const struct docket *docket, const struct timestamp *due, char **error) {
    struct timestamp now = {time(NULL), 0};
    char clock_text[TIMESTAMP_TEXT_SIZE];
    *passed = deadline != NULL && timestamp_compare(&now, due) >= 0;
    timestamp_text(clock_text, &now);
    if (deadline != NULL && !*passed)
        fprintf(stderr, "quorate audit run: by this machine's clock it is %s: the deadline is not over, and nobody is convicted by silence yet\n", clock_text);
    for (int i = 0; deadline != NULL && i < 2; i++) {
        char text[TIMESTAMP_TEXT_SIZE];
        if (docket->commits[i] == NULL || timestamp_compare(due, &docket->commits[i]->header.time) > 0)
            continue;
        timestamp_text(text, &docket->commits[i]->header.time);
        *error = complaint_of("--deadline %s: a block in question is of %s: nobody can have been asked by then", deadline, text);
        return false;
    }
    return true;
}

static void execute_homes(struct docket *docket, struct audit_chains *chains, struct rerun **reruns) {
    for (uint32_t i = 0; i < chains->count && execute; i++) {
        struct audit_chain *chain = chains->list[i];
        if (chain->is_node)
            continue;
        reruns[i] = rerun_new(genesis, application, &chain->home);
        docket_rerun(docket, docket_source(docket, chain->name), reruns[i]);
    }
}

static bool open_chains(struct audit_chains *chains, const char *chain_id, char **error) {
    for (uint32_t i = 0; i < homes.count; i++)
        if (!audit_chains_add_home(chains, homes.items[i], chain_id, error))
            return false;
    for (uint32_t i = 0; i < nodes.count; i++)
        if (!audit_chains_add_node(chains, nodes.items[i], chain_id, NODE_TIMEOUT_MS, error))
            return false;
    return true;
}

static bool judge(struct docket *docket, struct audit_chains *chains, struct rerun **reruns, char **error) {
    struct timestamp due = {0};
    bool passed;
    if (!read_deadline(&due, error) || !read_commits(docket, error) || !open_chains(chains, docket->chain_id, error))
        return false;
    if (height == 0)
        height = docket_choose_height(docket);
    if (chains->count > 0 && height > 0)
        audit_chains_search(chains, docket, height);
    *error = docket_settle(docket, height);
    if (*error != NULL || !is_over(&passed, docket, &due, error) || !read_logs(docket, error))
        return false;
    audit_chains_votes(chains, docket);
    execute_homes(docket, chains, reruns);
    if (lock_rule == NULL && docket->has_comet_log)
        docket->rule = AUDIT_COMET;
    *error = docket_judge(docket, passed);
    return *error == NULL;
}

static void show_sources_anyway(const struct docket *docket) {
    for (uint32_t i = 0; i < docket->source_count; i++)
        if (docket->sources[i].note[0] != '\0') {
            char *line = complaint_of("  %s: %s", docket->sources[i].name, docket->sources[i].note);
            complaint_plain(line);
            fprintf(stderr, "%s\n", line);
            free(line);
        }
}

static int finish(const struct docket *docket) {
    struct audit_results results = {out_path, bundle_path, requests_path, svg_path, deadline, trusted_header != NULL ? "trusted-header" : "genesis", json};
    char *error = NULL;
    if (cmd_audit_results(&results, docket, &error))
        return (int)audit_report_exit(docket);
    cli_fail(&run_command, error);
    return CLI_WORLD;
}

int cmd_audit_run(int argc, char **argv) {
    struct cli_rest rest;
    struct audit_base base;
    enum audit_rule rule = AUDIT_STRICT;
    struct rerun *reruns[AUDIT_CHAINS_MAX] = {NULL};
    char *error = NULL;
    int status;
    genesis = trusted_header = lock_rule = deadline = out_path = bundle_path = requests_path = svg_path = application = NULL;
    height = 0;
    json = execute = false;
    cli_rpc_begin();
    commits.count = logs.count = journals.count = answers.count = asked.count = homes.count = nodes.count = 0;
    if (!cli_parse(&run_command, &rest, &status, 1, argc, argv))
        return status;
    if (lock_rule != NULL && !audit_rule_parse(&rule, span_text(lock_rule)))
        return cli_misuse(&run_command, "--lock-rule %s: it is strict, comet or paper", lock_rule);
    if (execute && homes.count == 0)
        return cli_misuse(&run_command, "--execute: the blocks of which chain? Give --chain HOME, of a node that is not running or of a copy");
    if (application != NULL && !execute)
        return cli_misuse(&run_command, "--application %s: nothing is executed without --execute and --chain HOME", application);
    if (!cmd_audit_base(&base, genesis, trusted_header, &error))
        return cmd_audit_bad_input(&run_command, error);
    struct docket *docket = calloc(1, sizeof *docket);
    assert(docket != NULL);
    docket_init(docket, rule, span_text(base.chain_id));
    if (base.set.count > 0)
        docket_trust(docket, base.trust.height, &base.set);
    docket->trust = base.trust;
    struct audit_chains chains = {.count = 0};
    bool good = judge(docket, &chains, reruns, &error);
    audit_chains_close(&chains);
    if (!good)
        show_sources_anyway(docket);
    status = good ? finish(docket) : cmd_audit_bad_input(&run_command, error);
    docket_close(docket);
    free(docket);
    for (uint32_t i = 0; i < AUDIT_CHAINS_MAX; i++)
        rerun_free(reruns[i]);
    valset_close(&base.set);
    return status;
}
