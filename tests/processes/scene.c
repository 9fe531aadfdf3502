#include "tests/processes/scene.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "node/complaint.h"
#include "node/keyfile.h"
#include "node/load_scan.h"
#include "tests/node/outsider.h"
#include "tests/processes/ports.h"

struct scene scene = {.net = {.lock = -1}, .command = {.program = scene.net.binary, .give_up = scene_give_up}};

void scene_give_up(const char *format, ...) {
    va_list args;
    va_start(args, format);
    fprintf(stderr, "%s: FAILED: ", scene.name);
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n%s", scene.command.output);
    va_end(args);
    localnet_stop(&scene.net, 2000);
    for (uint32_t i = 0; i < scene.net.count; i++) {
        fprintf(stderr, "the end of %s:\n", scene.net.nodes[i].log);
        localnet_tail(stderr, &scene.net.nodes[i], 8);
    }
    printf("%s: 0 passed, 1 failed\n", scene.name);
    exit(1);
}

void scene_want(bool fact, const char *otherwise) {
    if (!fact)
        scene_give_up("%s", otherwise);
}

/* The first block's time is the genesis'. */
static void set_genesis(void) {
    char hour_ago[40];
    time_t then = time(NULL) - 3600;
    struct tm parts;
    strftime(hour_ago, sizeof hour_ago, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&then, &parts));
    char *line = complaint_of("sed -i -e 's/\"genesis_time\": \"[^\"]*\"/\"genesis_time\": \"%s\"/' -e 's/\"max_age_num_blocks\": \"[0-9]*\"/\"max_age_num_blocks\": \"5\"/' "
                              "-e 's/\"max_age_duration\": \"[0-9]*\"/\"max_age_duration\": \"1800000000000\"/' %s/node*/config/genesis.json && "
                              "sed -i 's|^proxy_app = .*|proxy_app = \"tcp://127.0.0.1:%u\"|' %s/config/config.toml",
                              hour_ago, scene.net.folder, (unsigned)scene.ear.booth.port, scene.net.nodes[0].home);
    scene_want(system(line) == 0, line);
    free(line);
}

static int by_address(const void *left, const void *right) {
    struct address a = forger_address(*(struct ed25519_key *const *)left), b = forger_address(*(struct ed25519_key *const *)right);
    return address_compare(&a, &b);
}

static void read_keys(void) {
    for (uint32_t i = 0; i < SCENE_NODES; i++) {
        char *error = NULL, *path = complaint_of("%s/config/priv_validator_key.json", scene.net.nodes[i].home);
        scene.keys[i] = keyfile_load_signing(path, false, &error);
        scene_want(scene.keys[i] != NULL, error);
        free(path);
    }
    qsort(scene.keys, SCENE_NODES, sizeof scene.keys[0], by_address);
    for (uint32_t i = 0; i < SCENE_NODES; i++)
        scene.addresses[i] = forger_address(scene.keys[i]);
    char *error = NULL;
    snprintf(scene.genesis, sizeof scene.genesis, "%s/config/genesis.json", scene.net.nodes[0].home);
    struct blob *text = keyfile_read(scene.genesis, 1 << 20, &error);
    struct span id;
    scene_want(text != NULL && load_scan_path(&id, blob_span(text), "chain_id"), "the genesis names no chain");
    snprintf(scene.chain_id, sizeof scene.chain_id, "%.*s", (int)id.size, (const char *)id.data);
    blob_release(text);
}

void scene_make(const char *name, const char *binary) {
    static const char *const options[] = {"--timeout-commit", "200ms", NULL};
    struct localnet_wish wish = {.validators = SCENE_NODES, .app = "kvstore", .base_port = ports_of_this_test(), .options = options};
    char *error = NULL, *whole = realpath(binary, NULL), *folder = complaint_of("build/%s", name);
    scene.name = name;
    if (whole == NULL || !localnet_take(&scene.net, folder, &error))
        scene_give_up("%s", error == NULL ? binary : error);
    snprintf(scene.net.binary, sizeof scene.net.binary, "%s", whole);
    free(whole);
    free(folder);
    scene_want(ear_open(&scene.ear), "no port for the application");
    if (!localnet_make(&scene.net, &wish, &error))
        scene_give_up("%s", error);
    set_genesis();
    read_keys();
}

void scene_start(bool fork_stops_signing) {
    const char *const start[] = {"--quorate.fork_stops_signing", fork_stops_signing ? "true" : "false", NULL};
    struct localnet_wish wish = {.validators = SCENE_NODES, .start = start};
    char *error = NULL;
    if (!localnet_start(&scene.net, &wish, &error) || !localnet_wait(&scene.net, SCENE_PATIENCE_MS, &error))
        scene_give_up("%s", error);
}

void scene_stop(void) { scene_want(localnet_stop(&scene.net, 10000), "a node did not stop cleanly when asked"); }

/* Two thirds who sign a second block are a fork, for all that a node can know; a third who show one to light clients alone are not. */
void scene_expect_alarm(bool is_raised) {
    const char *wanted = is_raised ? "\"raised\":true,\"stopped_signing\":false" : "\"raised\":false";
    for (uint32_t i = 0; i < SCENE_NODES; i++) {
        command_get(&scene.command, scene.net.nodes[i].rpc.host, "fork_alarm");
        if (strstr(scene.command.output, wanted) == NULL)
            scene_give_up("%s: its fork alarm is not as it should be:", scene.net.nodes[i].name);
    }
}

static struct light_block *try_block(uint32_t node, int64_t height) {
    char *why = NULL;
    struct light_block *block = forger_fetch(scene.net.nodes[node].rpc_url, scene.chain_id, height, &why);
    free(why);
    return block;
}

struct light_block *scene_block(uint32_t node, int64_t height) {
    for (int64_t until = outsider_clock() + SCENE_PATIENCE_MS; outsider_clock() < until; outsider_rest(NULL, 50)) {
        struct light_block *block = try_block(node, height);
        if (block != NULL)
            return block;
    }
    scene_give_up("%s has no block %" PRId64, scene.net.nodes[node].name, height);
}

int64_t scene_newest(void) {
    struct light_block *block = scene_block(1, 0);
    int64_t height = block->header.height;
    light_block_release(block);
    return height;
}


void scene_close(void) {
    ear_close(&scene.ear);
    for (uint32_t i = 0; i < SCENE_NODES; i++)
        ed25519_key_free(scene.keys[i]);
    localnet_leave(&scene.net);
}
