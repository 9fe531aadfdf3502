#include "node/config.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "node/abci_link.h"
#include "node/complaint.h"
#include "node/config_keys.h"
#include "node/config_toml.h"
#include "node/keyfile.h"
#include "node/pruning.h"
#include "node/signlink.h"
#include "rpc/access.h"

/* Warnings gather into one text. */
static void warn(char **warning, const char *begin, const char *what) {
    char *before = *warning;
    *warning = before == NULL ? complaint_of("%s%s", begin, what) : complaint_of("%s, %s", before, what);
    free(before);
}

static const char *default_of(const struct config_keys_own *key, enum params_release release) {
    return release == PARAMS_V040 && key->value_40 != NULL ? key->value_40 : key->value;
}

/* 0.39 took over one of 0.40's defaults. */
static const char *release_default(const struct config_keys_own *key, enum params_release release) {
    bool is_flush = strcmp(key->name, "flush_throttle_timeout") == 0;
    return default_of(key, is_flush && release == PARAMS_V039 ? PARAMS_V040 : release);
}

static void set_defaults(struct config *config, enum params_release release) {
    for (size_t i = 0; i < config_keys_count; i++) {
        bool is_release = strcmp(config_keys[i].name, "release") == 0 && config->quorate.release != NULL;
        if (config->given[i] || is_release)
            continue;
        const char *why = config_keys_set(config, &config_keys[i], release_default(&config_keys[i], release));
        assert(why == NULL);
    }
}

void config_init(struct config *config, enum params_release release) {
    memset(config, 0, sizeof *config);
    config->home = strdup("");
    assert(config->home != NULL);
    config->quorate.release = strdup(release == PARAMS_V038 ? "0.38" : release == PARAMS_V039 ? "0.39" : "0.40");
    assert(config->quorate.release != NULL);
    set_defaults(config, release);
}

void config_close(struct config *config) {
    for (size_t i = 0; i < config_keys_count; i++) {
        char **place = (char **)(void *)((char *)config + config_keys[i].offset);
        if (config_keys[i].type != CONFIG_KEYS_TEXT && config_keys[i].type != CONFIG_KEYS_LIST)
            continue;
        free(*place);
        *place = NULL;
    }
    free(config->home);
    config->home = NULL;
}

/* Values from outside */

static bool set_own(struct config *config, const struct config_keys_own *key, const char *where, const char *value, char **error) {
    const char *why = config_keys_set(config, key, value);
    if (why == NULL) {
        config->given[key - config_keys] = true;
        return true;
    }
    if (error != NULL)
        *error = complaint_of("%s%s%s%s = \"%s\": %s%s%s", where, key->section, key->section[0] == '\0' ? "" : ".", key->name, value, why,
                              key->choices == NULL ? "" : ": ", key->choices == NULL ? "" : key->choices);
    return false;
}

static bool set_foreign(const struct config_keys_foreign *key, const char *where, const char *value, char **warning, char **error) {
    char name[256];
    if (key->harmless == NULL || config_keys_is_choice(key->harmless, value))
        return true;
    snprintf(name, sizeof name, "%s%s%s", key->section, key->section[0] == '\0' ? "" : ".", key->name);
    if (key->refusal != NULL) {
        *error = complaint_of("%s%s = \"%s\": %s", where, name, value, key->refusal);
        return false;
    }
    warn(warning, "CometBFT knows these settings, this release of Quorate does not follow them: ", name);
    return true;
}

static bool refuse_unknown(const char *where, const char *section, const char *name, char **error) {
    char nearest[160];
    config_keys_nearest(nearest, sizeof nearest, section, name);
    *error = complaint_of("%s%s%s%s: neither CometBFT nor Quorate knows this setting%s%s%s", where, section, section[0] == '\0' ? "" : ".", name,
                          nearest[0] == '\0' ? "; remove it" : " (misspelt? near is ", nearest, nearest[0] == '\0' ? "" : ")");
    return false;
}

static const char *value_of(const struct config_toml_item *item, char number[static 24]) {
    if (item->kind == CONFIG_TOML_INTEGER)
        snprintf(number, 24, "%lld", (long long)item->integer);
    else if (item->kind == CONFIG_TOML_BOOLEAN)
        snprintf(number, 24, "%s", item->integer != 0 ? "true" : "false");
    else
        return item->text;
    return number;
}

/* A bare number stands for nanoseconds where a duration is meant, as in CometBFT. */
static const char *duration_of(const struct config_keys_own *key, const struct config_toml_item *item, const char *value, char scratch[static 32]) {
    if (key->type != CONFIG_KEYS_DURATION || item->kind != CONFIG_TOML_INTEGER)
        return value;
    snprintf(scratch, 32, "%sns", value);
    return scratch;
}

static bool read_item(struct config *config, const struct config_toml_item *item, const char *name, char **warning, char **error) {
    char number[24], scratch[32], where[512];
    const char *value = value_of(item, number);
    const struct config_keys_own *own = config_keys_find(item->section, item->key);
    const struct config_keys_foreign *foreign = config_keys_find_foreign(item->section, item->key);
    snprintf(where, sizeof where, "%s: line %u: ", name, item->line);
    if (own != NULL && item->kind == CONFIG_TOML_OTHER) {
        *error = complaint_of("%s%s: %.60s is no value for this setting", where, item->key, item->text);
        return false;
    }
    if (own != NULL)
        return set_own(config, own, where, duration_of(own, item, value, scratch), error);
    if (foreign != NULL)
        return set_foreign(foreign, where, value, warning, error);
    return config_keys_section_is_foreign(item->section) || refuse_unknown(where, item->section, item->key, error);
}

struct places { /* where each key was met */
    unsigned own[128];
};

static bool check_twice(struct places *places, const struct config_toml_item *item, const char *name, char **error) {
    const struct config_keys_own *own = config_keys_find(item->section, item->key);
    if (own == NULL)
        return true;
    unsigned *line = &places->own[own - config_keys];
    if (*line > 0) {
        *error = complaint_of("%s: line %u: %s is set twice (first in line %u)", name, item->line, item->key, *line);
        return false;
    }
    *line = item->line;
    return true;
}

bool config_read(struct config *config, struct span toml, const char *name, char **warning, char **error) {
    struct config_toml reader;
    struct config_toml_item item;
    struct places places = {0};
    bool good = true;
    config_toml_begin(&reader, toml);
    while (good && config_toml_next(&reader, &item))
        good = check_twice(&places, &item, name, error) && read_item(config, &item, name, warning, error);
    if (good && reader.is_bad) {
        *error = complaint_of("%s: %s", name, reader.error);
        good = false;
    }
    config_toml_close(&reader);
    if (good)
        set_defaults(config, config_release(config)); /* which release it is may stand at the end */
    return good;
}

static void environment_name(char out[static 160], const char *section, const char *name) {
    snprintf(out, 160, "CMT_%s%s%s", section, section[0] == '\0' ? "" : "_", name);
    for (char *at = out; *at != '\0'; at++)
        *at = *at == '-' || *at == '.' ? '_' : *at >= 'a' && *at <= 'z' ? (char)(*at - 'a' + 'A') : *at;
}

static bool set_variable(struct config *config, const char *variable, const char *value, char **warning, char **error) {
    char name[160];
    for (size_t i = 0; i < config_keys_count; i++) {
        environment_name(name, config_keys[i].section, config_keys[i].name);
        if (strcmp(name, variable) == 0)
            return set_own(config, &config_keys[i], "environment: ", value, error);
    }
    for (size_t i = 0; i < config_keys_foreign_count; i++) {
        environment_name(name, config_keys_foreign[i].section, config_keys_foreign[i].name);
        if (strcmp(name, variable) == 0)
            return set_foreign(&config_keys_foreign[i], "environment: ", value, warning, error);
    }
    warn(warning, "the environment names settings that do not exist: ", variable);
    return true;
}

bool config_environment(struct config *config, const char *const *environment, char **warning, char **error) {
    bool good = true;
    for (; good && *environment != NULL; environment++) {
        char variable[160];
        const char *equals = strchr(*environment, '=');
        if (strncmp(*environment, "CMT_", 4) != 0 || equals == NULL || (size_t)(equals - *environment) >= sizeof variable)
            continue;
        snprintf(variable, sizeof variable, "%.*s", (int)(equals - *environment), *environment);
        good = set_variable(config, variable, equals + 1, warning, error);
    }
    if (good)
        set_defaults(config, config_release(config));
    return good;
}

/* CometBFT's options do not always have the hyphens of their keys: --p2p.external-address is external_address. */
static const struct config_keys_own *find_option(const char *section, const char *name) {
    char other[CONFIG_TOML_NAME_MAX];
    const struct config_keys_own *own = config_keys_find(section, name);
    for (const char *swap = "-_-"; own == NULL && swap[1] != '\0'; swap++) {
        snprintf(other, sizeof other, "%s", name);
        for (char *at = other; *at != '\0'; at++)
            *at = *at == swap[0] ? swap[1] : *at;
        own = config_keys_find(section, other);
    }
    return own;
}

static const struct config_keys_own *find_dotted(char section[static CONFIG_TOML_NAME_MAX], const char **name, const char *key) {
    const char *dot = strrchr(key, '.');
    snprintf(section, CONFIG_TOML_NAME_MAX, "%.*s", dot == NULL ? 0 : (int)(dot - key), key);
    *name = dot == NULL ? key : dot + 1;
    return find_option(section, *name);
}

bool config_is_flag(const char *key) {
    char section[CONFIG_TOML_NAME_MAX];
    const char *name;
    const struct config_keys_own *own = find_dotted(section, &name, key);
    return own != NULL && own->type == CONFIG_KEYS_BOOLEAN;
}

bool config_set(struct config *config, const char *key, const char *value, char **error) {
    char section[CONFIG_TOML_NAME_MAX];
    const char *name;
    const struct config_keys_own *own = find_dotted(section, &name, key);
    if (own != NULL)
        return set_own(config, own, "", value, error);
    return error != NULL && refuse_unknown("", section, name, error);
}

bool config_load(struct config *config, const char *home, char **warning, char **error) {
    extern char **environ;
    *warning = NULL;
    config_init(config, PARAMS_V038);
    free(config->home);
    config->home = strdup(home);
    assert(config->home != NULL);
    char *path = config_path(config, "config/config.toml");
    struct blob *file = keyfile_read(path, CONFIG_TOML_BYTES_MAX, error);
    bool good = file != NULL && config_read(config, blob_span(file), path, warning, error) &&
                config_environment(config, (const char *const *)environ, warning, error) && config_check(config, error);
    if (file == NULL && errno == ENOENT) {
        free(*error);
        *error = complaint_of("%s: not there. Make a home with `quorate init --home %s`, or name another with --home", path, home);
    }
    blob_release(file);
    free(path);
    return good;
}

/* What fits together */

#define BUILT_IN "ledger|kvstore|persistent_kvstore|noop|extender"

static bool is_built_in(const char *proxy) { return config_keys_is_choice(BUILT_IN, proxy); }

/* Anything with a colon is an address; a word without one is a name that we do not have. */
static bool check_address(const struct config *config, char **error) {
    const char *proxy = config->proxy_app, *wrong = strchr(proxy, ':') == NULL ? "no such application is built in" : abci_link_check(proxy);
    if (wrong != NULL)
        *error = complaint_of("proxy_app = \"%s\": %s. Built in are ledger, kvstore and noop; any other application is given by where it listens: "
                              "tcp://127.0.0.1:26658, unix:///run/app.sock",
                              proxy, wrong);
    else if (strcmp(config->abci, "socket") != 0)
        *error = complaint_of("abci = \"%s\": grpc is not supported here; let the application at %s listen with its socket server, and set abci = \"socket\"",
                              config->abci, proxy);
    return wrong == NULL && strcmp(config->abci, "socket") == 0;
}

static bool check_application(const struct config *config, char **error) {
    const char *proxy = config->proxy_app, *own = config->quorate.application;
    if (own[0] != '\0' && is_built_in(proxy) && strcmp(own, proxy) != 0) {
        *error = complaint_of("proxy_app = \"%s\", but [quorate] application = \"%s\": make them equal, or remove one", proxy, own);
        return false;
    }
    return own[0] != '\0' || is_built_in(proxy) || check_address(config, error);
}

/* Nothing outlives what it is made from. */
static bool check_retain(const struct config *config, char **error) {
    int64_t blocks = config->storage.retain_blocks, others[] = {config->storage.retain_results, config->tx_index.retain_blocks};
    static const char *const names[] = {"storage.retain_results", "tx_index.retain_blocks"};
    if (blocks > 0 && blocks < PRUNING_HEIGHTS_MIN) {
        *error = complaint_of("storage.retain_blocks = %" PRId64 ": keep at least %d, for peers that are a few blocks behind; 0 keeps all", blocks,
                              PRUNING_HEIGHTS_MIN);
        return false;
    }
    for (int i = 0; i < 2; i++)
        if (blocks > 0 && others[i] > blocks) {
            *error = complaint_of("%s = %" PRId64 ", but storage.retain_blocks = %" PRId64 ": nothing is kept longer than its block; raise the one, or lower "
                                  "the other",
                                  names[i], others[i], blocks);
            return false;
        }
    if (config->storage.retain_states > 0 && config->storage.retain_states < blocks) {
        *error = complaint_of("storage.retain_states = %" PRId64 ", but storage.retain_blocks = %" PRId64 ": a block is kept with its header; raise retain_states, "
                              "or set it to 0",
                              config->storage.retain_states, blocks);
        return false;
    }
    return true;
}

bool config_app_is_apart(const struct config *config) { return !is_built_in(config_application(config)); }

bool config_check(const struct config *config, char **error) {
    if (config->moniker[0] == '\0') {
        *error = complaint_of("moniker is empty: give the node a name");
        return false;
    }
    if (config->p2p.seed_mode && !config->p2p.pex) {
        *error = complaint_of("p2p.seed_mode needs p2p.pex = true: a seed does nothing but exchange addresses");
        return false;
    }
    if ((config->rpc.tls_cert_file[0] == '\0') != (config->rpc.tls_key_file[0] == '\0')) {
        *error = complaint_of("rpc.tls_cert_file and rpc.tls_key_file: one without the other serves nothing; set both, or neither");
        return false;
    }
    struct access access;
    *error = access_read(&access, config->quorate.rpc_tokens, config->quorate.rpc_anonymous);
    if (*error != NULL)
        return false;
    struct signlink_address address;
    const char *wrong = config->priv_validator_laddr[0] == '\0' ? NULL : signlink_address_parse(&address, config->priv_validator_laddr);
    if (wrong != NULL) {
        *error = complaint_of("priv_validator_laddr = \"%s\": %s", config->priv_validator_laddr, wrong);
        return false;
    }
    return check_retain(config, error) && check_application(config, error);
}

enum params_release config_release(const struct config *config) {
    return strcmp(config->quorate.release, "0.40") == 0 ? PARAMS_V040 : strcmp(config->quorate.release, "0.39") == 0 ? PARAMS_V039 : PARAMS_V038;
}

const char *config_application(const struct config *config) {
    return config->quorate.application[0] != '\0' ? config->quorate.application : config->proxy_app;
}

const char *config_rpc_version(const struct config *config) {
    if (config->quorate.rpc_version[0] != '\0')
        return config->quorate.rpc_version;
    switch (config_release(config)) {
    case PARAMS_V038: return "0.38.17";
    case PARAMS_V039: return "0.39.1";
    case PARAMS_V040: return "0.40.0";
    }
    return "0.38.17";
}

char *config_path(const struct config *config, const char *file) {
    return file[0] == '/' ? complaint_of("%s", file) : complaint_of("%s/%s", config->home, file);
}

bool config_list_next(const char **cursor, struct span *item) {
    static const char blanks[] = " \t\n\r,";
    const char *begin = *cursor + strspn(*cursor, blanks);
    size_t size = strcspn(begin, ",");
    *cursor = begin + size;
    while (size > 0 && strchr(blanks, begin[size - 1]) != NULL)
        size--;
    *item = span_of(begin, size);
    return size > 0;
}

/* Items are ids, or addresses that begin with one. */
static bool list_names(const char *list, const char *id) {
    struct span item, wanted = span_text(id);
    while (config_list_next(&list, &item)) {
        if (item.size > 6 && memcmp(item.data, "tcp://", 6) == 0)
            item = span_of(item.data + 6, item.size - 6);
        const uint8_t *at = memchr(item.data, '@', item.size);
        size_t size = at == NULL ? item.size : (size_t)(at - item.data);
        bool same = size == wanted.size;
        for (size_t i = 0; same && i < size; i++)
            same = (item.data[i] >= 'A' && item.data[i] <= 'F' ? item.data[i] + 32 : item.data[i]) == wanted.data[i];
        if (same)
            return true;
    }
    return false;
}

bool config_admits(const struct config *config, const char *id) {
    const char *cursor = config->quorate.allow_only_ids;
    struct span item;
    if (!config->p2p.allow_only && !config_list_next(&cursor, &item))
        return true;
    return list_names(config->quorate.allow_only_ids, id) || list_names(config->p2p.persistent_peers, id) ||
           list_names(config->p2p.unconditional_peer_ids, id) || list_names(config->p2p.private_peer_ids, id);
}

char *config_value(const struct config *config, const char *key) {
    char section[CONFIG_TOML_NAME_MAX];
    const char *dot = strrchr(key, '.');
    snprintf(section, sizeof section, "%.*s", dot == NULL ? 0 : (int)(dot - key), key);
    const struct config_keys_own *own = config_keys_find(section, dot == NULL ? key : dot + 1);
    return own == NULL ? NULL : config_keys_text(config, own);
}
