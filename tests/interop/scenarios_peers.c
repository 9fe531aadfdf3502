/* Rows about what stands around a network: signers, seeds and address books, and how fast a chain is fetched. */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/text.h"
#include "node/complaint.h"
#include "node/keyfile.h"
#include "node/load_call.h"
#include "node/load_scan.h"
#include "tests/interop/scenarios.h"
#include "tests/interop/signers.h"
#include "tests/processes/actor.h"

/* ---- signers: each node's key is with a signer of the other kind, but node1's and node3's */

static bool open_signers(struct row *row, struct signer_process signers[4]) {
    char theirs[LOCALNET_PATH_MAX], address[4][LOCALNET_PATH_MAX + 32], *error = NULL;
    snprintf(theirs, sizeof theirs, "%.*s/priv_val_server", (int)(strrchr(row->comet, '/') - row->comet), row->comet);
    if (access(theirs, X_OK) != 0) {
        row->outcome = OUTCOME_MISSING;
        ROW_TELL(why, "no signer of CometBFT at %s", theirs);
        return false;
    }
    for (uint32_t i = 0; i < 4; i++) {
        bool by_tcp = i % 2 == 0, is_ours = i != 0;
        if (by_tcp)
            snprintf(address[i], sizeof address[i], "tcp://127.0.0.1:%u", row->base_port + 60 + i);
        else
            snprintf(address[i], sizeof address[i], "unix:///tmp/quorate-interop-%d-%u.sock", getpid(), i);
        if (!signers_move(&signers[i], &row->fleet, i, is_ours ? row->quorate : theirs, is_ours, address[i], &error))
            return row_fail(row, error);
    }
    for (uint32_t i = 0; i < 4; i++)
        signers_start(&signers[i]);
    return true;
}

/* Without its signer our node follows; CometBFT's stands still until it is back (it waits inside its consensus), and the others go on. */
static bool kill_signers_in_turn(struct row *row, struct signer_process signers[4]) {
    for (uint32_t i = 0; i < 4; i++) {
        signers_kill(&signers[i]);
        if (!row_go_on(row, row->kinds[i] == 'C' ? ROW_ALL & ~(1u << i) : ROW_ALL, 6, 90000))
            return false;
        signers_start(&signers[i]);
        if (!row_go_on(row, ROW_ALL, 12, 90000))
            return false;
    }
    return true;
}

static void judge_signers(struct row *row) {
    struct chain_facts facts, last;
    int64_t first = fleet_highest(&row->fleet);
    if (!row_go_on(row, ROW_ALL, 20, 60000) || !row_is_of_one_mind(row, &facts, 1))
        return;
    if (!chain_compare(&last, &row->fleet, first, 0)) {
        row_fail(row, strdup(last.fault));
        return;
    }
    ROW_TELL(compared, ", signed of the last %" PRId64, last.last - last.first + 1);
    for (uint32_t i = 0; i < 4; i++) {
        ROW_TELL(compared, " %c%u", row->kinds[i], last.signed_for[i]);
        row_want(row, last.signed_for[i] > 0 && facts.proposed[i] > 0, "a validator with a far signer did not vote, or never proposed");
    }
    row_look_into_logs(row, FLEET_LOG_ROUGH);
}

void scenario_signers(struct row *row) {
    struct fleet_wish wish = row_wish(row);
    struct signer_process signers[4] = {{.pid = 0}};
    char *error = NULL;
    wish.timeout_commit_ms = 200;
    if (!fleet_make(&row->fleet, &wish, &error)) {
        row_fail(row, error);
        return;
    }
    if (open_signers(row, signers) && row_restart(row) && row_reach(row, ROW_ALL, 20, 120000) && kill_signers_in_turn(row, signers))
        judge_signers(row);
    for (uint32_t i = 0; i < 4; i++) {
        signers_kill(&signers[i]);
        if (strncmp(signers[i].address, "unix://", 7) == 0)
            unlink(signers[i].address + 7);
    }
}

/* ---- seeds and address books: node4 is a seed, and all that the others know */

static bool set_all(struct row *row, uint32_t count, const char *section, const char *key, const char *value) {
    char *error = NULL;
    for (uint32_t i = 0; i < count; i++)
        if (!fleet_set(&row->fleet, i, section, key, value, &error))
            return row_fail(row, error);
    return true;
}

static bool know_only_the_seed(struct row *row) {
    char seed[128], *error = NULL;
    snprintf(seed, sizeof seed, "\"%s@127.0.0.1:%u\"", row->fleet.nodes[4].id, row->fleet.net.nodes[4].p2p_port);
    return set_all(row, 5, "p2p", "persistent_peers", "\"\"") && set_all(row, 5, "p2p", "pex", "true") && set_all(row, 4, "p2p", "seeds", seed) &&
           (fleet_set(&row->fleet, 4, "p2p", "seed_mode", "true", &error) || row_fail(row, error));
}

static void stop_validators(struct row *row) {
    uint32_t all = row->fleet.net.count;
    row->fleet.net.count = 4;
    localnet_stop(&row->fleet.net, 15000);
    row->fleet.net.count = all;
}

/* What one kind wrote, the other reads. */
static bool swap_books(struct row *row, uint32_t a, uint32_t b) {
    char *error = NULL, paths[2][LOCALNET_PATH_MAX + 32];
    struct blob *books[2] = {NULL, NULL};
    for (int i = 0; i < 2; i++) {
        snprintf(paths[i], sizeof paths[i], "%s/config/addrbook.json", row->fleet.net.nodes[i == 0 ? a : b].home);
        books[i] = keyfile_read(paths[i], 1 << 24, &error);
    }
    bool good = books[0] != NULL && books[1] != NULL && keyfile_write(paths[0], blob_span(books[1]), true, &error) &&
                keyfile_write(paths[1], blob_span(books[0]), true, &error);
    blob_release(books[0]);
    blob_release(books[1]);
    return good || row_fail(row, error);
}

void scenario_seed(struct row *row) {
    struct fleet_wish wish = row_wish(row);
    struct chain_facts facts;
    char *error = NULL;
    wish.validators = 4;
    wish.pex = true;
    wish.timeout_commit_ms = 200;
    if (!fleet_make(&row->fleet, &wish, &error)) {
        row_fail(row, error);
        return;
    }
    int64_t began_ms = fleet_clock();
    if (!know_only_the_seed(row) || !row_restart(row) || !row_reach(row, 0xf, 20, 300000))
        return;
    ROW_TELL(compared, "met through the seed in %.0f s", (double)(fleet_clock() - began_ms) / 1000);
    fleet_rest(130000); /* CometBFT writes its book every two minutes, and not at its end (0.38.26) */
    stop_validators(row);
    fleet_kill(&row->fleet, 4);
    row->fleet.net.count = 4; /* the seed is gone for good */
    if (!set_all(row, 4, "p2p", "seeds", "\"\"") || !swap_books(row, 0, 2) || !swap_books(row, 1, 3))
        return;
    began_ms = fleet_clock();
    if (!row_restart(row) || !row_reach(row, 0xf, 25, 60000) || !row_go_on(row, 0xf, 20, 300000))
        return;
    ROW_TELL(compared, ", again by each other's address books in %.0f s", (double)(fleet_clock() - began_ms) / 1000);
    if (row_is_of_one_mind(row, &facts, 1))
        row_look_into_logs(row, FLEET_LOG_ROUGH);
    row_want(row, fleet_log_count(&row->fleet, 0, "damaged") + fleet_log_count(&row->fleet, 1, "damaged") == 0, "our node calls CometBFT's address book damaged");
}

/* ---- how fast a chain by script is fetched, by each kind alone, from the same peers by script */

#define SPEED_HEIGHTS 6000
#define SPEED_FROM    200
#define TEACHERS      6

static struct chain speed_chain;

static void build_speed_chain(void) {
    char text[3][40];
    const char *txs[3] = {text[0], text[1], text[2]};
    chain_open(&speed_chain, &(struct chain_config){.validators = 4});
    for (int h = 1; h <= SPEED_HEIGHTS; h++) {
        for (int i = 0; i < 3; i++)
            snprintf(text[i], sizeof text[i], "key%d-%d=value%d", h, i, h * i);
        chain_step(&speed_chain, txs, 3);
    }
}

static bool write_speed_genesis(struct row *row, uint32_t node) {
    char path[LOCALNET_PATH_MAX + 32], key[TEXT_BASE64_SIZE(32)], address[41], *error = NULL, *text;
    snprintf(path, sizeof path, "%s/config/genesis.json", row->fleet.net.nodes[node].home);
    text = complaint_of("{\"genesis_time\":\"2023-11-14T22:13:20.123456789Z\",\"chain_id\":\"" CHAIN_ID "\",\"initial_height\":\"1\",\"app_hash\":\"\",\"validators\":[");
    for (int i = 0; i < 4; i++) {
        text_base64(key, span_of(speed_chain.pub_keys[i].bytes, 32));
        text_hex_upper(address, span_of(speed_chain.addresses[i].bytes, 20));
        char *longer = complaint_of("%s%s{\"address\":\"%s\",\"pub_key\":{\"type\":\"tendermint/PubKeyEd25519\",\"value\":\"%s\"},\"power\":\"10\",\"name\":\"\"}", text,
                                    i > 0 ? "," : "", address, key);
        free(text);
        text = longer;
    }
    char *whole = complaint_of("%s]}\n", text);
    bool good = keyfile_write(path, span_text(whole), true, &error);
    free(text);
    free(whole);
    return good || row_fail(row, error);
}

static pid_t start_teachers(uint16_t port) {
    static struct actor teachers[TEACHERS];
    fflush(NULL);
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (uint32_t round = 0;; round++) {
        for (uint32_t i = 0; i < TEACHERS; i++)
            if (!actor_is_heard(&teachers[i])) {
                actor_close(&teachers[i]);
                actor_open(&teachers[i], &speed_chain, 900 + 10 * round + i, port, ACTOR_HONEST, 2000);
            }
        outsider_rest(NULL, 100);
    }
}

static int64_t speed_height(struct load_call *call) {
    struct span result, digits;
    int64_t height = 0;
    if (load_call_method(call, &result, "status", "{}", 2000) && load_scan_path(&digits, result, "sync_info.latest_block_height"))
        load_scan_number(&height, digits);
    return height;
}

/* From one height to another, sampled; 0: it never came there. */
static double measure(struct row *row, uint32_t node, double *seconds) {
    struct load_call call;
    int64_t from = 0, to = 0, height, from_ms = 0, to_ms = 0;
    load_call_open(&call, &row->fleet.net.nodes[node].rpc);
    for (int64_t end = fleet_clock() + 600000; to < SPEED_HEIGHTS - 1 && fleet_clock() < end; fleet_rest(10)) {
        height = speed_height(&call);
        if (from == 0 && height >= SPEED_FROM) {
            from = height;
            from_ms = fleet_clock();
        }
        if (from != 0 && height > to) {
            to = height;
            to_ms = fleet_clock();
        }
    }
    load_call_close(&call);
    if (to < SPEED_HEIGHTS - 1 || to_ms <= from_ms)
        return 0;
    *seconds = (double)(to_ms - from_ms) / 1000;
    return (double)(to - from) / *seconds;
}

static bool has_speed_block(struct row *row, uint32_t node, int64_t height) {
    struct load_call call;
    struct ledger_meta meta;
    struct span result, hash;
    char params[64], wanted[65];
    bool same = false;
    snprintf(params, sizeof params, "{\"height\":\"%" PRId64 "\"}", height);
    if (!ledger_block_meta(&speed_chain.ledger, &meta, height))
        return false;
    text_hex_upper(wanted, span_of(meta.block_id.hash.bytes, 32));
    load_call_open(&call, &row->fleet.net.nodes[node].rpc);
    if (load_call_method(&call, &result, "block", params, 5000) && load_scan_path(&hash, result, "block_id.hash"))
        same = span_equal(hash, span_text(wanted));
    load_call_close(&call);
    return same;
}

/* One node alone, which is the first in the net's list, because that is who starts. */
static double sync_alone(struct row *row, char kind) {
    double seconds = 0;
    if (!row_restart(row))
        return 0;
    fleet_rest(1000);
    pid_t teachers = start_teachers(row->fleet.net.nodes[0].p2p_port);
    double speed = measure(row, 0, &seconds);
    bool same = speed > 0 && has_speed_block(row, 0, SPEED_HEIGHTS - 1) && has_speed_block(row, 0, SPEED_HEIGHTS / 2);
    kill(teachers, SIGKILL);
    waitpid(teachers, NULL, 0);
    fleet_kill(&row->fleet, 0);
    row_want(row, speed > 0, "the chain by script was not fetched in ten minutes");
    row_want(row, speed == 0 || same, "another chain than the script's was fetched");
    ROW_TELL(compared, "%s%s %.0f in %.2f s", row->compared[0] == '\0' ? "blocks/s: " : ", ", kind == 'C' ? "CometBFT" : "Quorate", speed, seconds);
    return speed;
}

/* Each home is used once, by turns, because others may use the machine; the best of each kind counts. */
void scenario_speed(struct row *row) {
    struct fleet_wish wish = row_wish(row);
    char *error = NULL;
    double best[2] = {0, 0}; /* theirs, ours */
    uint32_t count = (uint32_t)strlen(row->kinds);
    build_speed_chain();
    if (!fleet_make(&row->fleet, &wish, &error)) {
        row_fail(row, error);
        return;
    }
    bool good = set_all(row, count, "p2p", "persistent_peers", "\"\"") && set_all(row, count, "p2p", "recv_rate", "100000000") &&
                set_all(row, count, "p2p", "send_rate", "100000000");
    for (uint32_t i = 0; good && i < count; i++)
        good = write_speed_genesis(row, i);
    row->fleet.net.count = 1;
    for (uint32_t i = 0; good && i < count; i++) {
        if (i > 0)
            row->fleet.net.nodes[0] = row->fleet.net.nodes[i];
        double speed = sync_alone(row, row->kinds[i]), *place = &best[row->kinds[i] == 'Q'];
        *place = speed > *place ? speed : *place;
        good = speed > 0;
    }
    if (good) {
        snprintf(row->heights, sizeof row->heights, "1-%d", SPEED_HEIGHTS - 1);
        ROW_TELL(compared, " (heights %d-%d); best to best %.1f times", SPEED_FROM, SPEED_HEIGHTS - 1, best[1] / best[0]);
        row_want(row, best[1] >= 10 * best[0], "less than ten times CometBFT's blocks per second");
    }
    chain_close(&speed_chain);
}
