/* quorate audit: who forked the chain. What the commands share. */
#include "node/cmd_audit.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "node/complaint.h"
#include "rpc/light_json.h"

int cmd_audit(int argc, char **argv) {
    static const struct cli_choice choices[] = {
        {"run", "judge commits and logs: who broke which rule; makes the bundle", cmd_audit_run},
        {"verify", "check a bundle with nothing but the genesis", cmd_audit_verify},
        {"export", "a node's own log of a height, signed", cmd_audit_export},
        {"answer", "the accused: the log that justifies its vote", cmd_audit_answer},
        {"watch", "compare several nodes; a bundle when they disagree", cmd_audit_watch},
        {"demo", "fork a network on this machine, and find who did it", cmd_audit_demo},
    };
    int status = cli_choose("audit", choices, sizeof choices / sizeof choices[0], argc, argv);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fprintf(stderr, "quorate audit: what was to be said could not be written: %s\n", strerror(errno));
    clearerr(stdout);
    return CLI_WORLD;
}

struct blob *cmd_audit_read(const char *path, char **error) { return keyfile_read(path, DOCKET_FILE_BYTES_MAX, error); }

static bool write_through(const char *path, struct span bytes, char **error) {
    FILE *file = fopen(path, "wb");
    bool good = file != NULL && fwrite(bytes.data, 1, bytes.size, file) == bytes.size;
    good = file != NULL && fclose(file) == 0 && good;
    if (!good)
        *error = complaint_of("%s: write: %s", path, strerror(errno));
    return good;
}

bool cmd_audit_write(const char *path, struct span bytes, char **error) {
    struct stat status;
    if (stat(path, &status) != 0 || S_ISREG(status.st_mode))
        return keyfile_write(path, bytes, true, error);
    if (S_ISDIR(status.st_mode))
        *error = complaint_of("%s: it is a folder; name a file", path);
    return *error == NULL && write_through(path, bytes, error);
}

int cmd_audit_bad_input(const struct cli_command *command, char *error) {
    complaint_plain(error);
    cli_fail(command, error);
    return AUDIT_BAD_INPUT;
}

bool cmd_audit_take(struct audit_list *list, const char *value, char **error) {
    if (list->count == sizeof list->items / sizeof list->items[0])
        *error = complaint_of("too many files; put journals into one folder");
    else
        list->items[list->count++] = value;
    return true;
}

static bool read_genesis(struct audit_base *base, const char *path, char **error) {
    struct genesis genesis;
    if (!genesis_load(&genesis, path, PARAMS_V038, error))
        return false;
    snprintf(base->chain_id, sizeof base->chain_id, "%s", genesis.chain_id);
    enum valset_verdict verdict = valset_make(&base->set, genesis.state.validators, genesis.state.validator_count);
    base->trust.height = genesis.state.initial_height - 1;
    valset_hash(&base->trust.set_hash, &base->set);
    if (verdict != VALSET_GOOD || base->set.count == 0)
        *error = complaint_of("%s: it names no validators; give a header that you trust with --trusted-header", path);
    genesis_close(&genesis);
    return *error == NULL;
}

static bool read_header(struct audit_base *base, const char *path, char **error) {
    struct blob *file = cmd_audit_read(path, error);
    struct arena arena;
    struct span value, result;
    struct header header;
    struct commit commit;
    const char *wrong = "no JSON";
    if (file == NULL)
        return false;
    arena_init(&arena, 64u << 20);
    bool good = scan_value(&value, blob_span(file), NULL) && light_json_commit(&header, &commit, &wrong, scan_member(value, &result, "result") ? result : value, &arena);
    if (!good)
        *error = complaint_of("%s: it is not the answer to /commit: %s", path, wrong);
    else if (base->chain_id[0] != '\0' && strcmp(base->chain_id, header.chain_id) != 0)
        *error = complaint_of("%s: the trusted header is of chain \"%s\", the genesis of \"%s\"", path, header.chain_id, base->chain_id);
    else {
        snprintf(base->chain_id, sizeof base->chain_id, "%s", header.chain_id);
        base->trust = (struct audit_trust){header.height, header.next_validators_hash};
    }
    arena_close(&arena);
    blob_release(file);
    return *error == NULL;
}

bool cmd_audit_base(struct audit_base *base, const char *genesis, const char *header, char **error) {
    memset(base, 0, sizeof *base);
    valset_init(&base->set);
    if (genesis == NULL && header == NULL)
        *error = complaint_of("say what you trust: --genesis FILE, or --trusted-header FILE");
    bool good = *error == NULL && (genesis == NULL || read_genesis(base, genesis, error)) && (header == NULL || read_header(base, header, error));
    if (!good)
        valset_close(&base->set);
    return good;
}
