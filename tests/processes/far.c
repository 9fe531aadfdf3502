/* make far: `quorate signer` as a process, at a node that has no key. The only validator's key is with the signer, so the chain goes on exactly when it signs:
 * both are killed with -9 and started again, a second signer over the same mark is refused, and SIGTERM ends it well. */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "node/complaint.h"
#include "node/keyfile.h"
#include "node/load_call.h"
#include "node/load_scan.h"
#include "node/localnet.h"
#include "tests/processes/ports.h"

#define HOME    "build/far/signer"

static struct localnet net = {.lock = -1};
static char address[32]; /* of the signer's node */
static const char *const options[] = {"--consensus.timeout_commit", "50ms", "--priv_validator_laddr", address, NULL};

static void pause_ms(long ms) {
    struct timespec time = {ms / 1000, ms % 1000 * 1000000L};
    nanosleep(&time, NULL);
}

static _Noreturn void give_up(const char *why) {
    fprintf(stderr, "far: FAILED: %s\n", why);
    localnet_stop(&net, 2000);
    for (uint32_t i = 0; i < net.count; i++)
        localnet_tail(stderr, &net.nodes[i], 8);
    printf("far: 0 passed, 1 failed\n");
    exit(1);
}

static pid_t start_signer(const char *chain_id) {
    fflush(NULL);
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    int out = open("build/far/signer.log", O_CREAT | O_APPEND | O_WRONLY, 0644);
    dup2(out, 1);
    dup2(out, 2);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execl(net.binary, net.binary, "signer", "--home", HOME, "--address", address, chain_id == NULL ? NULL : "--chain-id", chain_id, (char *)NULL);
    _exit(127);
}

static int end_of(pid_t pid) {
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void copy(const char *name) {
    char from[LOCALNET_PATH_MAX + 64], *error = NULL;
    snprintf(from, sizeof from, "%s/%s", net.nodes[0].home, name);
    struct blob *bytes = keyfile_read(from, 1 << 20, &error);
    char *to = complaint_of(HOME "/%s", name);
    if (bytes == NULL || !keyfile_write(to, blob_span(bytes), true, &error))
        give_up(error);
    blob_release(bytes);
    free(to);
}

/* Key and mark go to the signer; the node keeps neither. */
static void move_key(void) {
    static const char *const names[] = {"config/config.toml", "config/genesis.json", "config/priv_validator_key.json", "data/priv_validator_state.json"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char from[LOCALNET_PATH_MAX + 64];
        copy(names[i]);
        snprintf(from, sizeof from, "%s/%s", net.nodes[0].home, names[i]);
        if (i >= 2)
            unlink(from);
    }
}

static int64_t height(void) {
    struct load_call call;
    struct span result, digits;
    int64_t found = 0;
    load_call_open(&call, &net.nodes[0].rpc);
    if (load_call_method(&call, &result, "status", "{}", 2000) && load_scan_path(&digits, result, "sync_info.latest_block_height"))
        load_scan_number(&found, digits);
    load_call_close(&call);
    return found;
}

static void goes_on(const char *when) {
    int64_t from = height();
    for (int tries = 0; height() < from + 5; tries++) {
        if (tries > 1200)
            give_up(when);
        pause_ms(50);
    }
}

static void start_node(void) {
    char *error = NULL;
    const struct localnet_wish wish = {.validators = 1, .app = "kvstore", .base_port = ports_of_this_test(), .start = options};
    if (!localnet_start(&net, &wish, &error))
        give_up(error);
}

int main(int argc, char **argv) {
    char *error = NULL;
    if (argc < 2 || !localnet_take(&net, "build/far", &error))
        give_up(error == NULL ? "usage: far QUORATE" : error);
    snprintf(net.binary, sizeof net.binary, "%s", argv[1]);
    const struct localnet_wish plain = {.validators = 1, .app = "kvstore", .base_port = ports_of_this_test()};
    snprintf(address, sizeof address, "tcp://127.0.0.1:%u", ports_of_this_test() + PORTS_OF_A_TEST - 1u);
    if (!localnet_make(&net, &plain, &error))
        give_up(error);
    move_key();
    pid_t signer = start_signer(NULL); /* before its node: it dials again and again */
    start_node();
    goes_on("the chain does not go on with a far signer");
    if (end_of(start_signer(NULL)) != 1)
        give_up("a second signer over the same mark was not refused");
    kill(signer, SIGKILL);
    end_of(signer);
    pause_ms(1000);
    int64_t stood = height();
    pause_ms(1500);
    if (height() != stood)
        give_up("the chain goes on without its only signer");
    signer = start_signer(NULL);
    goes_on("the chain does not go on with the signer that came back");
    kill(net.nodes[0].pid, SIGKILL);
    while (localnet_ended(&net) == NULL)
        pause_ms(10);
    start_node();
    goes_on("the chain does not go on after the node was killed");
    kill(signer, SIGTERM);
    if (end_of(signer) != 0)
        give_up("the signer did not end well when asked");
    signer = start_signer("another-chain");
    pause_ms(500);
    stood = height();
    pause_ms(1500);
    if (height() != stood)
        give_up("a signer for another chain signed");
    kill(signer, SIGTERM);
    end_of(signer);
    int64_t last = height();
    localnet_stop(&net, 10000);
    printf("far: %" PRId64 " heights signed far away, through kill -9 of the signer and of the node; nobody else signed\n", last);
    printf("far: 1 passed, 0 failed\n");
    localnet_leave(&net);
    return 0;
}
