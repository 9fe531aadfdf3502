/* Shared by the files of `quorate audit`. */
#ifndef QUORATE_NODE_CMD_AUDIT_H
#define QUORATE_NODE_CMD_AUDIT_H

#include "genesis/genesis.h"
#include "node/audit_report.h"
#include "node/audit_request.h"
#include "node/cli.h"

int cmd_audit_run(int argc, char **argv);
int cmd_audit_verify(int argc, char **argv);
int cmd_audit_export(int argc, char **argv);
int cmd_audit_answer(int argc, char **argv);
int cmd_audit_watch(int argc, char **argv);
int cmd_audit_demo(int argc, char **argv);

/* The genesis, or a trusted header (a JSON answer of /commit): what an audit is built on. *set is initialised by the caller. */
struct audit_base {
    char chain_id[VOTE_CHAIN_ID_BYTES_MAX + 1];
    struct audit_trust trust;
    struct valset set; /* of the genesis; empty for a header */
};
bool cmd_audit_base(struct audit_base *base, const char *genesis, const char *header, char **error);
struct blob *cmd_audit_read(const char *path, char **error);
/* Whole or not at all, and what is there is replaced; but a pipe, a terminal or /dev/stdout is written to as it is. */
bool cmd_audit_write(const char *path, struct span bytes, char **error);
struct audit_results { /* where to; NULL: not wanted */
    const char *out, *bundle, *requests, *svg;
    const char *deadline; /* for the requests */
    const char *built_on; /* the option by which the bundle is verified: "genesis" */
    bool json;            /* on stdout, instead of the summary */
};
/* Shows first, then writes, so that a full disk costs no result. */
bool cmd_audit_results(const struct audit_results *results, const struct docket *docket, char **error);
int cmd_audit_bad_input(const struct cli_command *command, char *error); /* says it; AUDIT_BAD_INPUT */

struct audit_list { /* of an option that may be given several times */
    const char *items[256];
    uint32_t count;
};
bool cmd_audit_take(struct audit_list *list, const char *value, char **error);

/* A node's own log of a height from its home, or from the node itself while it runs: signed if the key is in the home. The caller's blob. */
struct audit_home {
    char chain_id[VOTE_CHAIN_ID_BYTES_MAX + 1];
    struct address address; /* size 0: no key */
    bool complete, is_signed;
    bool is_whole; /* else the height was undisputed for this node, and it keeps only what it signed itself */
    int64_t complete_from, filled;
    uint32_t votes;
};
void cmd_audit_tell(const struct audit_home *node, int64_t height, const char *path); /* to stdout; `path`: where it was written */
struct blob *cmd_audit_home_log(struct audit_home *out, const char *home, int64_t height, char **error);

#endif
