#include "tests/interop/signers.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/complaint.h"
#include "node/keyfile.h"

static bool move_file(const char *from_home, const char *to_home, const char *name, bool stays, char **error) {
    char from[LOCALNET_PATH_MAX + 64], to[LOCALNET_PATH_MAX + 64];
    snprintf(from, sizeof from, "%s/%s", from_home, name);
    snprintf(to, sizeof to, "%s/%s", to_home, name);
    struct blob *bytes = keyfile_read(from, 1 << 20, error);
    bool good = bytes != NULL && keyfile_write(to, blob_span(bytes), true, error);
    blob_release(bytes);
    return good && (stays || unlink(from) == 0);
}

bool signers_move(struct signer_process *signer, const struct fleet *fleet, uint32_t node, const char *program, bool is_ours, const char *address, char **error) {
    const struct localnet_node *from = &fleet->net.nodes[node];
    char path[LOCALNET_PATH_MAX + 64], quoted[LOCALNET_PATH_MAX + 64];
    *signer = (struct signer_process){.is_ours = is_ours};
    snprintf(signer->home, sizeof signer->home, "%.*s/signer%u", LOCALNET_PATH_MAX / 2, fleet->net.folder, node);
    snprintf(signer->log, sizeof signer->log, "%.*s/signer%u-%c.log", LOCALNET_PATH_MAX / 2, fleet->net.folder, node, is_ours ? 'Q' : 'C');
    snprintf(signer->program, sizeof signer->program, "%s", program);
    snprintf(signer->address, sizeof signer->address, "%s", address);
    snprintf(signer->chain_id, sizeof signer->chain_id, "%s", fleet->chain_id);
    snprintf(path, sizeof path, "%s/config/config.toml", signer->home);
    snprintf(quoted, sizeof quoted, "\"%s\"", address);
    return keyfile_write(path, span_text("moniker = \"signer\"\n"), true, error) &&
           move_file(from->home, signer->home, "config/priv_validator_key.json", false, error) &&
           move_file(from->home, signer->home, "data/priv_validator_state.json", true, error) && /* CometBFT wants one, of the key that it makes */
           fleet_set(fleet, node, "", "priv_validator_laddr", quoted, error);
}

void signers_start(struct signer_process *signer) {
    char key[LOCALNET_PATH_MAX + 64], mark[LOCALNET_PATH_MAX + 64];
    snprintf(key, sizeof key, "%s/config/priv_validator_key.json", signer->home);
    snprintf(mark, sizeof mark, "%s/data/priv_validator_state.json", signer->home);
    fflush(NULL);
    pid_t pid = fork();
    if (pid != 0) {
        signer->pid = pid;
        return;
    }
    int out = open(signer->log, O_CREAT | O_APPEND | O_WRONLY, 0644);
    dup2(out, 1);
    dup2(out, 2);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (signer->is_ours)
        execl(signer->program, signer->program, "signer", "--home", signer->home, "--address", signer->address, "--chain-id", signer->chain_id, (char *)NULL);
    else
        execl(signer->program, signer->program, "-addr", signer->address, "-chain-id", signer->chain_id, "-priv-key", key, "-priv-state", mark, (char *)NULL);
    _exit(127);
}

void signers_kill(struct signer_process *signer) {
    if (signer->pid == 0)
        return;
    kill(signer->pid, SIGKILL);
    waitpid(signer->pid, NULL, 0);
    signer->pid = 0;
}
