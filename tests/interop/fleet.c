#include "tests/interop/fleet.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "crypto/text.h"
#include "node/complaint.h"
#include "node/keyfile.h"
#include "node/load_call.h"
#include "node/load_scan.h"

#define RELAYS_FROM 100
#define ASK_MS      2000
#define CONFIG_MAX  (1 << 20)

void fleet_rest(unsigned ms) {
    struct timespec time = {ms / 1000, (long)(ms % 1000) * 1000000};
    nanosleep(&time, NULL);
}

int64_t fleet_clock(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- homes */

static bool run_program(const char *const *argv, const char *log, char **error) {
    int status = -1;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
        dup2(out, 1);
        dup2(out, 2);
        execv(argv[0], (char *const *)argv);
        _exit(127);
    }
    if (pid > 0 && waitpid(pid, &status, 0) == pid && status == 0)
        return true;
    *error = complaint_of("`%s %s` failed, see %s", argv[0], argv[1], log);
    return false;
}

static bool make_homes(const struct fleet *fleet, const struct fleet_wish *wish, char **error) {
    char validators[16], others[16], log[LOCALNET_PATH_MAX + 16];
    uint32_t count = (uint32_t)strlen(wish->kinds);
    snprintf(validators, sizeof validators, "%u", wish->validators);
    snprintf(others, sizeof others, "%u", count - wish->validators);
    snprintf(log, sizeof log, "%s/testnet.log", fleet->net.folder);
    bool by_us = wish->homes_by == 'Q';
    const char *argv[32] = {by_us ? wish->quorate : wish->comet, "testnet", "--v", validators, "--n", others, "--o", fleet->net.folder, by_us ? "--app" : NULL,
                            wish->app != NULL ? wish->app : "kvstore", "--release", wish->release};
    for (size_t i = 0, at = 12; by_us && wish->more != NULL && wish->more[i] != NULL && at < 31; i++, at++)
        argv[at] = wish->more[i];
    return run_program(argv, log, error);
}

/* One setting of a config.toml, in its place or at the end of its section; a section that is missing comes last. */
static char *with_setting(char *text, const char *section, const char *key, const char *value) {
    char header[64], *at = text, *place = section[0] == '\0' ? text : NULL, *new_text;
    size_t key_size = strlen(key);
    snprintf(header, sizeof header, "[%s]", section);
    for (char *line = text; *line != '\0'; line = at) {
        at = strchr(line, '\n') == NULL ? line + strlen(line) : strchr(line, '\n') + 1;
        if (*line == '[' && place != NULL)
            break;
        if (*line == '[' && strncmp(line, header, strlen(header)) == 0)
            place = at;
        if (place != NULL && strncmp(line, key, key_size) == 0 && (line[key_size] == ' ' || line[key_size] == '=')) {
            new_text = complaint_of("%.*s%s = %s\n%s", (int)(line - text), text, key, value, at);
            free(text);
            return new_text;
        }
    }
    new_text = place != NULL ? complaint_of("%.*s%s = %s\n%s", (int)(place - text), text, key, value, place)
                             : complaint_of("%s\n%s\n%s = %s\n", text, header, key, value);
    free(text);
    return new_text;
}

bool fleet_set(const struct fleet *fleet, uint32_t node, const char *section, const char *key, const char *value, char **error) {
    char path[LOCALNET_PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/config/config.toml", fleet->net.nodes[node].home);
    struct blob *old = keyfile_read(path, CONFIG_MAX, error);
    if (old == NULL)
        return false;
    char *text = complaint_of("%.*s", (int)blob_span(old).size, (const char *)blob_span(old).data);
    text = with_setting(text, section, key, value);
    bool good = keyfile_write(path, span_text(text), true, error);
    free(text);
    blob_release(old);
    return good;
}

static char *peers_of(const struct fleet *fleet, const struct fleet_wish *wish, uint32_t index, uint32_t count) {
    char *list = complaint_of("%s", "\"");
    for (uint32_t i = 0; i < count; i++) {
        bool relayed = wish->relayed && i < wish->validators && index < wish->validators;
        unsigned port = relayed ? relays_port((uint16_t)(wish->base_port + RELAYS_FROM), index, i) : fleet->net.nodes[i].p2p_port;
        if (i == index)
            continue;
        char *longer = complaint_of("%s%s%s@127.0.0.1:%u", list, list[1] == '\0' ? "" : ",", fleet->nodes[i].id, port);
        free(list);
        list = longer;
    }
    char *quoted = complaint_of("%s\"", list);
    free(list);
    return quoted;
}

static bool settle(const struct fleet *fleet, const struct fleet_wish *wish, uint32_t index, uint32_t count, char **error) {
    const struct localnet_node *node = &fleet->net.nodes[index];
    char path[LOCALNET_PATH_MAX + 32], p2p[64], rpc[64], commit[32], release[16], app[LOCALNET_PATH_MAX];
    char *peers = peers_of(fleet, wish, index, count);
    snprintf(path, sizeof path, "%s/config/config.toml", node->home);
    snprintf(p2p, sizeof p2p, "\"tcp://127.0.0.1:%u\"", node->p2p_port);
    snprintf(rpc, sizeof rpc, "\"tcp://127.0.0.1:%u\"", node->rpc_port);
    snprintf(commit, sizeof commit, "\"%ums\"", wish->timeout_commit_ms);
    snprintf(release, sizeof release, "\"%s\"", wish->release);
    const char *proxy = wish->app == NULL ? "kvstore" : wish->app;
    if (wish->proxy_apps != NULL && wish->proxy_apps[index] != NULL)
        proxy = wish->proxy_apps[index];
    else if (fleet->nodes[index].socket[0] != '\0')
        proxy = fleet->nodes[index].socket;
    snprintf(app, sizeof app, "\"%.*s\"", LOCALNET_PATH_MAX - 4, proxy);
    const char *const settings[][3] = {
        {"", "proxy_app", app},
        {"rpc", "laddr", rpc},
        {"rpc", "pprof_laddr", "\"\""},
        {"p2p", "laddr", p2p},
        {"p2p", "persistent_peers", peers},
        {"p2p", "allow_duplicate_ip", "true"},
        {"p2p", "addr_book_strict", "false"},
        {"p2p", "pex", wish->pex ? "true" : "false"},
        {"p2p", "flush_throttle_timeout", "\"10ms\""},
        {"p2p", "persistent_peers_max_dial_period", "\"2s\""},
        {"consensus", "timeout_propose", "\"1s\""},
        {"consensus", "timeout_propose_delta", "\"200ms\""},
        {"consensus", "timeout_prevote", "\"500ms\""},
        {"consensus", "timeout_prevote_delta", "\"200ms\""},
        {"consensus", "timeout_precommit", "\"500ms\""},
        {"consensus", "timeout_precommit_delta", "\"200ms\""},
        {"consensus", "timeout_commit", commit},
        {"consensus", "peer_gossip_sleep_duration", "\"20ms\""},
        {"instrumentation", "prometheus", "false"},
        {"quorate", "release", release}, /* the last: CometBFT passes over it */
    };
    struct blob *old = keyfile_read(path, CONFIG_MAX, error);
    bool good = old != NULL;
    if (good) {
        char *text = complaint_of("%.*s", (int)blob_span(old).size, (const char *)blob_span(old).data);
        for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
            text = with_setting(text, settings[i][0], settings[i][1], settings[i][2]);
        good = keyfile_write(path, span_text(text), true, error);
        free(text);
    }
    blob_release(old);
    free(peers);
    return good;
}

static bool name_node(struct fleet *fleet, const struct fleet_wish *wish, uint32_t index, char **error) {
    struct localnet_node *node = &fleet->net.nodes[index];
    struct fleet_node *own = &fleet->nodes[index];
    struct keyfile key;
    char path[LOCALNET_PATH_MAX + 64];
    own->kind = wish->kinds[index];
    node->p2p_port = (uint16_t)(wish->base_port + 2 * index);
    node->rpc_port = (uint16_t)(node->p2p_port + 1);
    snprintf(node->name, sizeof node->name, "node%u", index);
    snprintf(node->home, sizeof node->home, "%.*s/node%u", LOCALNET_PATH_MAX / 2, wish->folder, index);
    snprintf(node->log, sizeof node->log, "%.*s/node%u-%c.log", LOCALNET_PATH_MAX / 2, wish->folder, index, own->kind);
    snprintf(node->rpc_url, sizeof node->rpc_url, "http://127.0.0.1:%u", node->rpc_port);
    const char *wrong = load_http_resolve(&node->rpc, node->rpc_url);
    assert(wrong == NULL);
    if (wish->app != NULL && wish->proxy_apps == NULL && own->kind == 'C') /* a short path: sockets' names have a hundred bytes */
        snprintf(own->socket, sizeof own->socket, "unix:///tmp/quorate-interop-%u.sock", node->p2p_port);
    snprintf(path, sizeof path, "%s/config/node_key.json", node->home);
    if (!keyfile_load(&key, path, true, error))
        return false;
    keyfile_id(own->id, &key);
    snprintf(path, sizeof path, "%s/config/priv_validator_key.json", node->home);
    if (access(path, F_OK) != 0) { /* Quorate's followers have none, CometBFT's have one that is in no set */
        char made[LOCALNET_PATH_MAX + 64];
        snprintf(made, sizeof made, "%s/data/priv_validator_state.json", node->home);
        keyfile_generate(&key, PUBKEY_ED25519);
        if (!keyfile_save(&key, path, false, false, error) ||
            !keyfile_write(made, span_text("{\"height\":\"0\",\"round\":0,\"step\":0}"), true, error))
            return false;
    }
    if (!keyfile_load(&key, path, false, error))
        return false;
    struct address address = pubkey_address(&key.public_key);
    text_hex_upper(own->address, address_span(&address));
    text_base64(own->key_base64, span_of(key.public_key.bytes, key.public_key.size));
    keyfile_wipe(&key);
    snprintf(path, sizeof path, "%s/program", node->home);
    return keyfile_write(path, span_text(own->kind == 'Q' ? wish->quorate : wish->comet), true, error);
}

/* localnet starts one program; this one becomes the home's own, under the same process id. */
static bool write_starter(struct fleet *fleet, const struct fleet_wish *wish, char **error) {
    snprintf(fleet->net.binary, sizeof fleet->net.binary, "%.*s/start-node", LOCALNET_PATH_MAX / 2, wish->folder);
    if (!keyfile_write(fleet->net.binary, span_text("#!/bin/sh\nexec \"$(cat \"$3/program\")\" \"$@\"\n"), true, error))
        return false;
    return chmod(fleet->net.binary, 0755) == 0;
}

static bool read_chain_id(struct fleet *fleet, char **error) {
    char path[LOCALNET_PATH_MAX + 32];
    struct span id;
    snprintf(path, sizeof path, "%s/config/genesis.json", fleet->net.nodes[0].home);
    struct blob *text = keyfile_read(path, CONFIG_MAX, error);
    bool good = text != NULL && load_scan_path(&id, blob_span(text), "chain_id") && id.size < sizeof fleet->chain_id;
    if (good)
        snprintf(fleet->chain_id, sizeof fleet->chain_id, "%.*s", (int)id.size, (const char *)id.data);
    else if (text != NULL)
        *error = complaint_of("%s: names no chain", path);
    blob_release(text);
    return good;
}

/* Both kinds' genesis files have the parameter, switched off. */
static bool extend_genesis(const struct fleet *fleet, int64_t from, uint32_t count, char **error) {
    static const char off[] = "\"vote_extensions_enable_height\": \"0\"";
    bool good = true;
    for (uint32_t i = 0; good && from > 0 && i < count; i++) {
        char path[LOCALNET_PATH_MAX + 32];
        snprintf(path, sizeof path, "%s/config/genesis.json", fleet->net.nodes[i].home);
        struct blob *old = keyfile_read(path, CONFIG_MAX, error);
        if (old == NULL)
            return false;
        char *text = complaint_of("%.*s", (int)blob_span(old).size, (const char *)blob_span(old).data), *at = strstr(text, off);
        char *changed = at == NULL ? NULL
                                   : complaint_of("%.*s\"vote_extensions_enable_height\": \"%" PRId64 "\"%s", (int)(at - text), text, from,
                                                  at + sizeof off - 1);
        good = changed != NULL && keyfile_write(path, span_text(changed), true, error);
        if (changed == NULL)
            *error = complaint_of("%s: no %s in it", path, off);
        free(changed);
        free(text);
        blob_release(old);
    }
    return good;
}

static bool open_relays(struct fleet *fleet, const struct fleet_wish *wish, char **error) {
    uint16_t ports[RELAYS_NODES_MAX];
    for (uint32_t i = 0; i < wish->validators; i++)
        ports[i] = fleet->net.nodes[i].p2p_port;
    fleet->relays = relays_open((uint16_t)(wish->base_port + RELAYS_FROM), wish->validators, ports);
    if (fleet->relays == NULL)
        *error = complaint_of("a port from %u on is taken", wish->base_port + RELAYS_FROM);
    return fleet->relays != NULL;
}

bool fleet_make(struct fleet *fleet, const struct fleet_wish *wish, char **error) {
    uint32_t count = (uint32_t)strlen(wish->kinds);
    assert(count <= RELAYS_NODES_MAX && wish->validators <= count);
    *fleet = (struct fleet){.relays = NULL, .app = wish->app};
    snprintf(fleet->quorate, sizeof fleet->quorate, "%s", wish->quorate);
    if (!localnet_take(&fleet->net, wish->folder, error) || !make_homes(fleet, wish, error) || !write_starter(fleet, wish, error))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!name_node(fleet, wish, i, error))
            return false;
    for (uint32_t i = 0; i < count; i++)
        if (!settle(fleet, wish, i, count, error))
            return false;
    fleet->net.count = count;
    return extend_genesis(fleet, wish->extensions_from, count, error) && read_chain_id(fleet, error) && (!wish->relayed || open_relays(fleet, wish, error));
}

/* ---- life */

static void start_app(struct fleet *fleet, uint32_t index) {
    struct fleet_node *node = &fleet->nodes[index];
    char log[LOCALNET_PATH_MAX + 32], home[LOCALNET_PATH_MAX + 32];
    snprintf(log, sizeof log, "%s/app.log", fleet->net.nodes[index].home);
    snprintf(home, sizeof home, "%s/app", fleet->net.nodes[index].home);
    fflush(NULL);
    node->app = fork();
    if (node->app != 0)
        return;
    int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    dup2(out, 1);
    dup2(out, 2);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    execl(fleet->quorate, fleet->quorate, "abci", "--app", fleet->app, "--listen", node->socket, "--home", home, (char *)NULL);
    _exit(127);
}

static void stop_app(struct fleet_node *node, int signal) {
    if (node->app <= 0)
        return;
    kill(node->app, signal);
    waitpid(node->app, NULL, 0);
    node->app = 0;
}

bool fleet_start(struct fleet *fleet, char **error) {
    for (uint32_t i = 0; i < fleet->net.count; i++)
        if (fleet->nodes[i].socket[0] != '\0' && fleet->nodes[i].app == 0)
            start_app(fleet, i);
    return localnet_start(&fleet->net, &(struct localnet_wish){.validators = fleet->net.count}, error);
}

void fleet_kill(struct fleet *fleet, uint32_t node) {
    struct localnet_node *victim = &fleet->net.nodes[node];
    if (victim->pid == 0)
        return;
    kill(victim->pid, SIGKILL);
    waitpid(victim->pid, &victim->status, 0);
    victim->pid = 0;
    stop_app(&fleet->nodes[node], SIGKILL);
}

void fleet_close(struct fleet *fleet) {
    localnet_stop(&fleet->net, 8000);
    for (uint32_t i = 0; i < RELAYS_NODES_MAX; i++)
        stop_app(&fleet->nodes[i], SIGTERM);
    relays_close(fleet->relays);
    fleet->relays = NULL;
    localnet_leave(&fleet->net);
}

static bool ask(const struct fleet *fleet, uint32_t node, char *out, size_t size, const char *path) {
    struct load_call call;
    struct span result, value;
    load_call_open(&call, &fleet->net.nodes[node].rpc);
    bool good = load_call_method(&call, &result, "status", "{}", ASK_MS) && load_scan_path(&value, result, path) && value.size < size;
    if (good)
        snprintf(out, size, "%.*s", (int)value.size, (const char *)value.data);
    load_call_close(&call);
    return good;
}

int64_t fleet_height(const struct fleet *fleet, uint32_t node) {
    char text[32];
    return ask(fleet, node, text, sizeof text, "sync_info.latest_block_height") ? strtoll(text, NULL, 10) : 0;
}

int64_t fleet_highest(const struct fleet *fleet) {
    int64_t highest = 0;
    for (uint32_t i = 0; i < fleet->net.count; i++) {
        int64_t height = fleet->net.nodes[i].pid == 0 ? 0 : fleet_height(fleet, i);
        highest = height > highest ? height : highest;
    }
    return highest;
}

bool fleet_has_channel(const struct fleet *fleet, uint32_t node, const char *hex) {
    char text[128];
    if (!ask(fleet, node, text, sizeof text, "node_info.channels"))
        return false;
    for (const char *at = text; at[0] != '\0' && at[1] != '\0'; at += 2)
        if (strncasecmp(at, hex, 2) == 0)
            return true;
    return false;
}

bool fleet_wait(struct fleet *fleet, uint32_t nodes, int64_t height, unsigned timeout_ms, char **error) {
    char end[64];
    int64_t deadline_ms = fleet_clock() + timeout_ms;
    for (uint32_t i = 0; i < fleet->net.count;) {
        const struct localnet_node *ended = localnet_ended(&fleet->net);
        if (ended != NULL) {
            *error = complaint_of("%s ended by itself (%s)", ended->name, localnet_end_text(end, ended->status));
            return false;
        }
        int64_t now = (nodes >> i & 1) == 0 ? height : fleet_height(fleet, i);
        if (now >= height) {
            i++;
        } else if (fleet_clock() > deadline_ms) {
            *error = complaint_of("%s is at height %" PRId64 " after %u s, not at %" PRId64 " (the highest: %" PRId64 ")", fleet->net.nodes[i].name, now,
                                  timeout_ms / 1000, height, fleet_highest(fleet));
            return false;
        } else {
            fleet_rest(50);
        }
    }
    return true;
}

bool fleet_send(const struct fleet *fleet, uint32_t node, const char *tx, char **error) {
    struct load_call call;
    struct span result, code;
    char base64[512], params[600];
    assert(TEXT_BASE64_SIZE(strlen(tx)) <= sizeof base64);
    text_base64(base64, span_text(tx));
    snprintf(params, sizeof params, "{\"tx\":\"%s\"}", base64);
    load_call_open(&call, &fleet->net.nodes[node].rpc);
    bool good = load_call_method(&call, &result, "broadcast_tx_sync", params, ASK_MS);
    if (!good)
        *error = complaint_of("%s refuses %s: %s", fleet->net.nodes[node].name, tx, call.fault);
    else if (!load_scan_path(&code, result, "code") || !span_equal(code, span_text("0"))) {
        *error = complaint_of("%s answers %s with %.*s", fleet->net.nodes[node].name, tx, (int)result.size, (const char *)result.data);
        good = false;
    }
    load_call_close(&call);
    return good;
}
