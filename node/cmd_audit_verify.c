/* quorate audit verify. */
#include "node/cmd_audit.h"
#include "node/complaint.h"
#include "node/rerun.h"

enum { VERIFY_BYTES_MAX_FACTOR = 8 };

static const char *genesis, *trusted_header, *application, *chain;
static bool silence_known;

static const struct cli_option options[] = {
    {"genesis", CLI_TEXT, &genesis, "FILE", "genesis.json", 0, 0},
    {"trusted-header", CLI_TEXT, &trusted_header, "FILE", "an answer of /commit that you trust, if the bundle was built on it", 0, 0},
    {"application", CLI_TEXT, &application, "NAME", "what this chain runs, as you know it yourself (default ledger); for proofs by re-execution", 0, 0},
    {"chain", CLI_TEXT, &chain, "HOME", "a home with the chain's blocks, for such proofs whose blocks were too large for the bundle", 0, 0},
    {"silence-known", CLI_FLAG, &silence_known, "", "count those as convicted who are said to be silent: you know it yourself", 0, 0},
};

static const struct cli_command command = {
    .name = "audit verify",
    .arguments = "BUNDLE --genesis FILE",
    .summary = "Is what a bundle says true? Needs no node and does not trust whoever made it: a pure function of the bundle and the genesis (or one\n"
               "trusted header); tendermint/audit_verify.c is all of it. What no bundle can prove, that somebody kept silent, is told apart. A proof\n"
               "by re-execution (E5) executes the chain's blocks, which are in the bundle: for these say by --application what the chain runs.\n"
               "Exit status: 0 good and no fork, 10 fork with more than a third convicted, 11 fork with less, 2 the bundle does not hold.",
    .example = "quorate audit verify proof --genesis genesis.json\n"
               "quorate audit verify proof --genesis genesis.json --silence-known      (I asked the silent myself, and they did not answer me either)",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .rest_max = 1,
};

static char *refusal(const char *path, size_t offset, const char *wrong, const struct audit_verified *seen) {
    struct span its = seen->application;
    if (its.size > 0 && !span_equal(its, span_text(application)))
        return complaint_of("%s: it says that this chain runs %.*s; only if you know that to be so, say --application %.*s", path, (int)its.size, its.data,
                            (int)its.size, its.data);
    return complaint_of("%s: refused at byte %zu: %s", path, offset, wrong);
}

static int verify_bytes(const struct audit_base *base, const char *path, struct span bundle, struct homestore *home) {
    struct audit_verified seen;
    struct arena arena;
    size_t offset;
    int status = AUDIT_BAD_INPUT;
    struct rerun *rerun = rerun_new(genesis, application, home);
    struct audit_reexecution by = {rerun, span_text(application), rerun_judge};
    arena_init(&arena, VERIFY_BYTES_MAX_FACTOR * bundle.size + (64u << 20));
    const char *wrong = audit_verify(&seen, &offset, bundle, &base->trust, span_text(base->chain_id), &by, &arena);
    if (wrong != NULL) {
        cmd_audit_bad_input(&command, refusal(path, offset, wrong, &seen));
    } else {
        audit_report_show_verified(stdout, &seen, silence_known);
        status = (int)audit_report_verified_exit(&seen, silence_known);
    }
    arena_close(&arena);
    rerun_free(rerun);
    return status;
}

static int verify(const struct audit_base *base, const char *path) {
    char *error = NULL;
    struct homestore home = {.kv = NULL};
    struct blob *file = cmd_audit_read(path, &error);
    bool good = file != NULL && (chain == NULL || homestore_open(&home, chain, false, &error));
    int status = good ? verify_bytes(base, path, blob_span(file), chain == NULL ? NULL : &home) : cmd_audit_bad_input(&command, error);
    homestore_close(&home);
    blob_release(file);
    return status;
}

int cmd_audit_verify(int argc, char **argv) {
    struct cli_rest rest;
    struct audit_base base;
    char *error = NULL;
    int status;
    genesis = trusted_header = chain = NULL;
    application = "ledger";
    silence_known = false;
    if (!cli_parse(&command, &rest, &status, 1, argc, argv))
        return status;
    if (rest.count != 1)
        return cli_misuse(&command, "which bundle?");
    if (!cmd_audit_base(&base, genesis, trusted_header, &error))
        return cmd_audit_bad_input(&command, error);
    status = verify(&base, rest.values[0]);
    valset_close(&base.set);
    return status;
}
