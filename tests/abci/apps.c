#include "tests/abci/apps.h"

#include <assert.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/abci_link.h"
#include "node/complaint.h"

static char kind_of(const struct apps *apps, uint32_t index) { return apps->wish.kinds[index]; }

static const char *program_of(char kind) {
    return kind == 'c' ? "abci-cli" : kind == 'e' ? "e2e-app" : kind == 'r' ? "kvstore-rs" : kind == 'p' ? "py/bin/python" : NULL;
}

static void path_of(const struct apps *apps, char kind, char out[static LOCALNET_PATH_MAX]) {
    if (program_of(kind) == NULL)
        snprintf(out, LOCALNET_PATH_MAX, "%s", apps->wish.quorate);
    else
        snprintf(out, LOCALNET_PATH_MAX, "%s/%s", apps->wish.programs, program_of(kind));
}

void apps_init(struct apps *apps, const struct apps_wish *wish) {
    *apps = (struct apps){.wish = *wish, .count = (uint32_t)strlen(wish->kinds)};
    assert(apps->count <= APPS_MAX);
    for (uint32_t i = 0; i < apps->count; i++) {
        char kind = kind_of(apps, i);
        if (kind == 'b')
            continue;
        if (kind == 'r' || kind == 'p')
            snprintf(apps->addresses[i], sizeof apps->addresses[i], "tcp://127.0.0.1:%u", wish->base_port + i);
        else
            snprintf(apps->addresses[i], sizeof apps->addresses[i], "unix://%s/app%u.sock", wish->folder, i);
        apps->proxy_apps[i] = apps->addresses[i];
    }
}

const char *apps_missing(const struct apps *apps) {
    for (uint32_t i = 0; i < apps->count; i++) {
        char path[LOCALNET_PATH_MAX];
        path_of(apps, kind_of(apps, i), path);
        if (access(path, X_OK) != 0)
            return program_of(kind_of(apps, i));
    }
    return NULL;
}

static bool write_e2e_config(const struct apps *apps, uint32_t index, const char *path) {
    FILE *file = fopen(path, "we");
    if (file == NULL)
        return false;
    fprintf(file, "chain_id = \"any\"\nlisten = \"%s\"\nprotocol = \"socket\"\ndir = \"%s/app%u\"\npersist_interval = 3\nkey_type = \"ed25519\"\n",
            apps->addresses[index], apps->wish.folder, index);
    if (apps->wish.extensions_from > 0)
        fprintf(file, "vote_extensions_enable_height = %" PRId64 "\nvote_extensions_update_height = -1\n", apps->wish.extensions_from);
    return fclose(file) == 0;
}

static void run(const struct apps *apps, uint32_t index) {
    char program[LOCALNET_PATH_MAX], home[LOCALNET_PATH_MAX], log[LOCALNET_PATH_MAX], port[16];
    const char *address = apps->addresses[index];
    char kind = kind_of(apps, index);
    path_of(apps, kind, program);
    snprintf(home, sizeof home, "%s/app%u", apps->wish.folder, index);
    snprintf(log, sizeof log, "%s/app%u-%c.log", apps->wish.folder, index, kind);
    snprintf(port, sizeof port, "%u", apps->wish.base_port + index);
    int out = open(log, O_CREAT | O_APPEND | O_WRONLY, 0644);
    dup2(out, 1);
    dup2(out, 2);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    mkdir(home, 0755);
    if (kind == 'o')
        execl(program, program, "abci", "--app", apps->wish.app, "--listen", address, "--home", home, (char *)NULL);
    if (kind == 'c')
        execl(program, program, "kvstore", "--address", address, "--persist", home, (char *)NULL);
    if (kind == 'r')
        execl(program, program, "-p", port, (char *)NULL);
    if (kind == 'p')
        execl(program, program, "tests/abci/simple_app.py", port, (char *)NULL);
    char config[LOCALNET_PATH_MAX + 16];
    snprintf(config, sizeof config, "%s/app.toml", home);
    if (kind == 'e' && write_e2e_config(apps, index, config))
        execl(program, program, config, (char *)NULL);
    _exit(127);
}

static bool wait_for(struct apps *apps, uint32_t index, char **error) {
    char why[ABCI_LINK_WHY_SIZE];
    struct abci_link_settings settings = {0};
    for (int64_t until_ms = fleet_clock() + 20000; fleet_clock() < until_ms; fleet_rest(50)) {
        struct abci_link *link = abci_link_dial(apps->addresses[index], &settings, why);
        if (link == NULL && waitpid(apps->pids[index], NULL, WNOHANG) == 0)
            continue;
        abci_link_close(link);
        if (link != NULL)
            return true;
        apps->pids[index] = 0;
        break;
    }
    *error = complaint_of("application %u (%c) does not listen at %s: see its log", index, kind_of(apps, index), apps->addresses[index]);
    return false;
}

bool apps_start(struct apps *apps, char **error) {
    for (uint32_t i = 0; i < apps->count; i++) {
        if (apps->pids[i] != 0 && waitpid(apps->pids[i], NULL, WNOHANG) != 0)
            apps->pids[i] = 0; /* it ended by itself */
        if (apps->proxy_apps[i] == NULL || apps->pids[i] != 0)
            continue;
        if (strncmp(apps->addresses[i], "unix://", 7) == 0)
            unlink(apps->addresses[i] + 7); /* not every server removes what a killed one left */
        fflush(NULL);
        apps->pids[i] = fork();
        if (apps->pids[i] == 0)
            run(apps, i);
        if (kind_of(apps, i) != 'p' && !wait_for(apps, i, error)) /* p would end after a visit; the node waits for it */
            return false;
    }
    return true;
}

void apps_kill(struct apps *apps, uint32_t index) {
    if (apps->pids[index] == 0)
        return;
    kill(apps->pids[index], SIGKILL);
    waitpid(apps->pids[index], NULL, 0);
    apps->pids[index] = 0;
}

void apps_close(struct apps *apps) {
    for (uint32_t i = 0; i < apps->count; i++) {
        if (apps->pids[i] == 0)
            continue;
        kill(apps->pids[i], SIGTERM);
        for (int look = 0; look < 40 && apps->pids[i] != 0; look++) {
            if (waitpid(apps->pids[i], NULL, WNOHANG) != 0)
                apps->pids[i] = 0;
            else
                fleet_rest(50);
        }
        apps_kill(apps, i);
    }
}
