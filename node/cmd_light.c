/* quorate light: verified headers from nodes that nobody need trust, and a local RPC that answers with what was verified. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "crypto/sha256.h"
#include "crypto/text.h"
#include "node/cli.h"
#include "node/complaint.h"
#include "node/keyfile.h"
#include "node/light_http.h"
#include "node/light_proxy.h"
#include "node/log.h"
#include "node/passport.h"
#include "rpc/light_json.h"
#include "rpc/shapes.h"

enum { EXIT_REFUSED = 5, EXIT_ATTACK = 6, TIMEOUT_MS = 10000, URLS_BYTES = 4096 };

static const char *primary, *witnesses, *home_dir, *hash_text, *laddr, *trusting_period, *trust_level, *drift, *log_level, *ca_file, *token_file;
static int64_t height, verify_height, connections_max, kept;
static bool sequential, reset, once, json;

static const struct cli_option options[] = {
    {"primary", CLI_TEXT, &primary, "URL", "the node that is asked: http://host:port or https://host", 0, 0},
    {"witnesses", CLI_TEXT, &witnesses, "URLS", "nodes that each block is compared with; commas between", 0, 0},
    {"ca", CLI_TEXT, &ca_file, "FILE", "for https: trust the authorities of this file (PEM) instead of the system's", 0, 0},
    {"token-file", CLI_TEXT, &token_file, "FILE", "for nodes that want one: lines with an address like https://host and its token", 0, 0},
    {"height", CLI_NUMBER, &height, "N", "the block to trust, from someone you trust", 1, INT64_MAX},
    {"hash", CLI_TEXT, &hash_text, "HEX", "and its hash; both are needed once, then the store knows", 0, 0},
    {"trusting-period", CLI_TEXT, &trusting_period, "168h0m0s", "how long a header is trusted: less than the time in which stake can be withdrawn", 0, 0},
    {"trust-level", CLI_TEXT, &trust_level, "1/3", "the share of trusted validators that must have signed a block that is skipped to", 0, 0},
    {"max-clock-drift", CLI_TEXT, &drift, "10s", "how far ahead of this clock a block may be", 0, 0},
    {"sequential", CLI_FLAG, &sequential, "", "every header, none skipped", 0, 0},
    {"laddr", CLI_TEXT, &laddr, "ADDRESS", "where the local RPC listens (tcp://127.0.0.1:8888)", 0, 0},
    {"max-open-connections", CLI_NUMBER, &connections_max, "N", "of the local RPC (100)", 1, 10000},
    {"home-dir", CLI_TEXT, &home_dir, "DIR", "where trusted blocks are kept (~/.quorate-light)", 0, 0},
    {"keep", CLI_NUMBER, &kept, "N", "how many trusted blocks are kept (1000)", 1, 1000000},
    {"once", CLI_FLAG, &once, "", "verify the newest block, say it, and end", 0, 0},
    {"verify", CLI_NUMBER, &verify_height, "N", "verify the block of this height, say it, and end", 1, INT64_MAX},
    {"json", CLI_FLAG, &json, "", "with --once and --verify: the whole light block, for `quorate verify`", 0, 0},
    {"reset", CLI_FLAG, &reset, "", "forget the trusted blocks first", 0, 0},
    {"log-level", CLI_TEXT, &log_level, "LEVEL", "debug, info, warn, error, none", 0, 0},
};

static const struct cli_command command = {
    .name = "light",
    .arguments = "CHAIN_ID --primary URL --witnesses URL,URL --height N --hash HEX",
    .summary = "Follows a chain without running a node: headers are verified from a trusted one on, skipping as far as a third of the\n"
               "trusted validators signs, compared with every witness, and kept. Answers of the primary are then served at --laddr,\n"
               "verified, over HTTP and (/websocket) with subscriptions to blocks and transactions. Who shows two truths is found out: evidence is written to the home and sent to both sides.\n"
               "Exit status: 0 good, 1 nobody could answer, 2 wrong usage, 3 disk failed, 5 not valid or no longer trusted, 6 an attack was seen.",
    .example = "quorate light demo --primary http://127.0.0.1:26657 --witnesses http://127.0.0.1:26660 --height 5 --hash 0123…CDEF\n"
               "quorate light demo --primary https://rpc.example.com --witnesses https://rpc.example.org --token-file tokens …\n"
               "curl 127.0.0.1:8888/validators\n"
               "quorate light demo --verify 100       # later: sources and trust are remembered\n"
               "quorate light demo --once --json > block.json && quorate verify commit --chain-id demo block.json",
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .rest_max = 1};

struct light { /* all of a running command */
    char *home;
    struct kv *kv;
    struct passport *passport;
    struct light_http https[LIGHT_CLIENT_SOURCES_MAX];
    struct light_source sources[LIGHT_CLIENT_SOURCES_MAX];
    uint32_t count;
    struct light_client client;
    struct light_gate gate;
    struct light_config config;
};

static volatile sig_atomic_t asked_to_stop;
static void on_signal(int number) {
    (void)number;
    asked_to_stop = 1;
}

/* ---- the world */

static struct timestamp now(void *context) {
    struct timespec time;
    (void)context;
    clock_gettime(CLOCK_REALTIME, &time);
    return (struct timestamp){time.tv_sec, (int32_t)time.tv_nsec};
}

static void wait_for(void *context, int64_t ms) {
    (void)context;
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    if (!asked_to_stop)
        nanosleep(&time, NULL);
}

static void say(void *context, const char *line) {
    (void)context;
    log_line(WORLD_INFO, line);
}

static void __attribute__((noreturn)) store_failed(void *context, const char *what) {
    (void)context;
    fprintf(stderr, "quorate light: %s\n", what);
    _Exit(CLI_WORLD);
}

/* The proof must outlive the conversation: a file for each piece, named by its content, so that the same attack seen again makes no second one. */
static char *evidence_path(const struct light *light, const struct evidence *evidence, struct span text) {
    uint8_t hash[32];
    char name[TEXT_HEX_SIZE(6)];
    sha256_once(hash, text);
    text_hex_upper(name, span_of(hash, 6));
    return complaint_of("%s/evidence-%" PRId64 "-%s.json", light->home, evidence->conflicting_header.height, name);
}

static void keep_evidence(void *context, const struct evidence *evidence, const char *against, const char *by) {
    struct light *light = context;
    struct emit emit;
    char *error = NULL;
    emit_init(&emit);
    shapes_evidence(&emit, evidence);
    emit_raw(&emit, span_text("\n"));
    struct span text = span_of(emit.data, emit.size);
    char *path = evidence_path(light, evidence, text);
    if (access(path, F_OK) == 0)
        log_format(WORLD_ERROR, "evidence against %s, by %s, is in %s since an earlier run", against, by, path);
    else if (keyfile_write(path, text, false, &error))
        log_format(WORLD_ERROR, "evidence against %s, by %s, is in %s", against, by, path);
    else
        log_format(WORLD_ERROR, "evidence against %s, by %s, could not be kept: %s", against, by, error);
    free(error);
    free(path);
    emit_close(&emit);
}

/* What an operator does now. */
static void advise(const struct light *light) {
    int64_t at = light->client.attacked_at;
    fprintf(stderr,
            "what to do: ask people and other nodes which block %" PRId64 " is the chain's. The evidence against the other side is in %s/evidence-%" PRId64
            "-*.json;\n"
            "  whoever took it brings it into a block. Who signed both, with the chain's own commit and genesis:\n"
            "    curl -s HONEST_NODE/commit?height=%" PRId64 " > commit.json\n"
            "    quorate audit run --genesis genesis.json --height %" PRId64 " --commit commit.json --evidence EVIDENCE.json\n"
            "  Then begin again without the liar: --reset --height N --hash HEX of a newer block, from someone you trust.\n",
            at, light->home, at, at, at);
}

/* ---- arguments */

static bool parse_level(struct light_rules *rules, char **error) {
    unsigned long long numerator, denominator;
    char more;
    if (sscanf(trust_level, "%llu/%llu%c", &numerator, &denominator, &more) == 2 && light_trust_level_good(numerator, denominator)) {
        rules->trust_numerator = numerator;
        rules->trust_denominator = denominator;
        return true;
    }
    *error = complaint_of("--trust-level %s: a fraction between 1/3 and 1/1 is wanted", trust_level);
    return false;
}

static bool parse_duration(int64_t *out_ns, const char *name, const char *text, char **error) {
    int64_t ms;
    if (config_duration_parse(&ms, span_text(text)) && ms > 0 && ms < INT64_MAX / 1000000) {
        *out_ns = ms * 1000000;
        return true;
    }
    *error = complaint_of("--%s %s: a duration like 168h or 10s is wanted", name, text);
    return false;
}

static bool parse_rules(struct light_rules *rules, char **error) {
    *rules = LIGHT_RULES_DEFAULT;
    return parse_level(rules, error) && parse_duration(&rules->trusting_period_ns, "trusting-period", trusting_period, error) &&
           parse_duration(&rules->clock_drift_ns, "max-clock-drift", drift, error);
}

static void add_source(struct light *light, const char *url, size_t size) {
    char text[LIGHT_HTTP_URL_MAX];
    while (size > 0 && (url[0] == ' ' || url[size - 1] == ' ' || url[size - 1] == '/'))
        url += url[0] == ' ', size--;
    if (size == 0 || size >= sizeof text || light->count == LIGHT_CLIENT_SOURCES_MAX)
        return;
    snprintf(text, sizeof text, "%.*s", (int)size, url);
    light_http_init(&light->https[light->count], text, light->config.chain_id, TIMEOUT_MS);
    light->https[light->count].limits.passport = light->passport;
    light->sources[light->count] = light_http_source(&light->https[light->count]);
    light->count++;
}

static void add_sources(struct light *light, const char *urls) {
    while (urls != NULL && *urls != '\0') {
        size_t size = strcspn(urls, ",");
        add_source(light, urls, size);
        urls += size + (urls[size] == ',');
    }
}

/* What was given once need not be given again. */
static const char sources_key[] = "light/sources";

static void remember_sources(struct light *light) {
    char text[URLS_BYTES] = "";
    struct kv_batch batch;
    for (uint32_t i = 0; i < light->count && strlen(text) + LIGHT_HTTP_URL_MAX + 2 < sizeof text; i++) {
        strcat(text, i > 0 ? "," : "");
        strcat(text, light->https[i].url);
    }
    kv_batch_init(&batch);
    kv_batch_put(&batch, span_text(sources_key), span_text(text));
    kv_write(light->kv, &batch, true);
    kv_batch_close(&batch);
}

static void find_sources(struct light *light) {
    char text[URLS_BYTES] = "";
    struct blob *known = primary == NULL || witnesses == NULL ? kv_get(light->kv, span_text(sources_key)) : NULL;
    if (known != NULL)
        snprintf(text, sizeof text, "%.*s", (int)known->size, (const char *)known->data);
    blob_release(known);
    char *comma = strchr(text, ',');
    if (comma != NULL)
        *comma++ = '\0';
    add_sources(light, primary != NULL ? primary : text);
    add_sources(light, witnesses != NULL ? witnesses : comma);
}

/* ---- running */

static int exit_of(enum light_outcome outcome) {
    switch (outcome) {
    case LIGHT_DONE: return CLI_GOOD;
    case LIGHT_ATTACKED: return EXIT_ATTACK;
    case LIGHT_UNAVAILABLE:
    case LIGHT_UNCONFIRMED:
    case LIGHT_NO_WITNESS: return CLI_FAILED;
    default: return EXIT_REFUSED;
    }
}

static int give_up(struct light *light, enum light_outcome outcome) {
    fprintf(stderr, "quorate light: %s: %s\n", light_outcome_name(outcome), light->client.reason);
    if (outcome == LIGHT_ATTACKED)
        advise(light);
    return exit_of(outcome);
}

static void show(const struct light_block *block) {
    char hash[TEXT_HEX_SIZE(32)], app[TEXT_HEX_SIZE(HEADER_APP_HASH_BYTES_MAX)], time[TIMESTAMP_TEXT_SIZE];
    if (json) {
        struct emit emit;
        emit_init(&emit);
        light_json_write(&emit, block);
        printf("%.*s\n", (int)emit.size, emit.data);
        emit_close(&emit);
        return;
    }
    text_hex_upper(hash, digest_span(&block->hash));
    text_hex_upper(app, app_hash_span(&block->header.app_hash));
    timestamp_text(time, &block->header.time);
    printf("height     %" PRId64 ", of %s\nhash       %s\napp hash   %s (after the parent)\nvalidators %u, power %" PRId64 "\n", block->header.height, time, hash,
           app, (unsigned)block->set.count, block->set.total_power);
}

static int verify_one(struct light *light) {
    struct light_block *block;
    enum light_outcome outcome = light_client_at(&light->client, &block, verify_height);
    if (outcome != LIGHT_DONE)
        return give_up(light, outcome);
    show(block);
    light_block_release(block);
    return CLI_GOOD;
}

static int serve(struct light *light) {
    char *error = NULL;
    struct light_proxy *proxy = light_proxy_start(&light->gate, laddr, &(struct light_proxy_limits){.connections = (uint32_t)connections_max}, &error);
    if (proxy == NULL)
        return cli_fail(&command, error);
    log_format(WORLD_INFO, "verified RPC of %s on port %u; trusted up to height %" PRId64, light->client.chain_id, (unsigned)light_proxy_port(proxy),
               light->client.latest == NULL ? 0 : light->client.latest->header.height);
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    while (!asked_to_stop)
        pause();
    light_proxy_stop(proxy);
    if (light->client.attacked_at == 0)
        return CLI_GOOD;
    advise(light);
    return EXIT_ATTACK;
}

static enum light_outcome begin(struct light *light, const struct digest *hash) {
    if (hash->size > 0)
        return light_client_trust(&light->client, height, hash, reset);
    if (light->client.latest != NULL)
        return LIGHT_DONE;
    return light_client_fail(&light->client, LIGHT_OTHER_TRUST, "nothing is trusted yet: give --height and --hash of a block, from someone you trust");
}

static int run(struct light *light, const struct digest *hash) {
    struct light_world world = {light, now, wait_for, say, keep_evidence};
    char *error = NULL;
    find_sources(light);
    if (light->count < 2)
        return cli_misuse(&command, "--primary and at least one of --witnesses are wanted: only another node can tell that the primary lies");
    if (!light_client_open(&light->client, &light->config, &world, light->sources, light->count, light->kv, &error))
        return cli_fail(&command, error);
    pthread_mutex_init(&light->gate.lock, NULL);
    light->gate.client = &light->client;
    light->gate.limits = (struct httpclient_limits){64u << 20, TIMEOUT_MS + 5000, light->passport};
    enum light_outcome outcome = begin(light, hash);
    if (outcome == LIGHT_DONE)
        remember_sources(light);
    int status = outcome != LIGHT_DONE ? give_up(light, outcome) : once || verify_height > 0 ? verify_one(light) : serve(light);
    light_client_close(&light->client);
    pthread_mutex_destroy(&light->gate.lock);
    return status;
}

static bool open_home(struct light *light, char **error) {
    const char *user = getenv("HOME");
    light->home = home_dir != NULL ? complaint_of("%s", home_dir) : complaint_of("%s/.quorate-light", user == NULL ? "." : user);
    if (mkdir(light->home, 0700) != 0 && errno != EEXIST) {
        *error = complaint_of("%s: %s; choose another with --home-dir", light->home, strerror(errno));
        return false;
    }
    char *path = complaint_of("%s/light-%.*s.db", light->home, (int)light->config.chain_id.size, (const char *)light->config.chain_id.data);
    light->kv = kv_leveldb_open(path, NULL, (struct kv_failure){NULL, store_failed}, error);
    free(path);
    return light->kv != NULL;
}

static bool parse_hash(struct digest *hash, char **error) {
    size_t size = 0;
    *hash = (struct digest){0};
    if ((hash_text == NULL) != (height == 0)) {
        *error = complaint_of("--height and --hash belong together");
        return false;
    }
    const char *text = hash_text == NULL ? "" : strncmp(hash_text, "0x", 2) == 0 ? hash_text + 2 : hash_text;
    if (hash_text != NULL && (!text_hex_decode(hash->bytes, &size, 32, span_text(text)) || size != 32)) {
        *error = complaint_of("--hash: 64 hex digits are wanted");
        return false;
    }
    hash->size = (uint8_t)size;
    return true;
}

static bool good_chain_id(const char *text) {
    size_t size = strlen(text);
    return size > 0 && size <= HEADER_CHAIN_ID_BYTES_MAX && strchr(text, '/') == NULL && text[0] != '.';
}

int cmd_light(int argc, char **argv) {
    struct cli_rest rest;
    struct light *light = calloc(1, sizeof *light);
    struct digest hash;
    char *error = NULL;
    int status = CLI_WORLD;
    enum world_level level;
    primary = witnesses = home_dir = hash_text = NULL;
    laddr = "tcp://127.0.0.1:8888";
    ca_file = token_file = NULL;
    trusting_period = "168h0m0s";
    trust_level = "1/3";
    drift = "10s";
    log_level = "info";
    height = verify_height = kept = 0;
    connections_max = 100;
    sequential = reset = once = json = false;
    if (light == NULL || !cli_parse(&command, &rest, &status, 1, argc, argv)) {
        free(light);
        return status;
    }
    if (rest.count != 1 || !good_chain_id(rest.values[0]) || !log_level_from_text(&level, log_level))
        status = cli_misuse(&command, rest.count == 1 ? "\"%s\" is no chain id, or --log-level is none" : "a chain id is wanted%s", rest.count == 1 ? rest.values[0] : "");
    else {
        log_setup(level, false, false);
        light->config = (struct light_config){.chain_id = span_text(rest.values[0]), .mode = sequential ? LIGHT_SEQUENTIAL : LIGHT_SKIPPING, .kept = (uint32_t)kept};
        bool good = parse_rules(&light->config.rules, &error) && parse_hash(&hash, &error);
        if (!good) {
            status = cli_misuse(&command, "%s", error);
            free(error);
        } else {
            light->passport = passport_open(ca_file, token_file, &error);
            status = light->passport != NULL && open_home(light, &error) ? run(light, &hash) : cli_fail(&command, error);
        }
    }
    kv_close(light->kv);
    passport_close(light->passport);
    free(light->home);
    free(light);
    return status;
}
