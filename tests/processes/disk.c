/* make disk: a validator on a disk of its own (a small tmpfs, where we may mount one), under load and with pruning: what it keeps stays small. Then the
 * disk is filled: the validator says so and signs nothing, and goes on when there is space again. `quorate db` is tried beside it and after it. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "node/demo_proof.h"
#include "node/load_call.h"
#include "node/load_scan.h"
#include "tests/processes/ports.h"

#define ROOM    "build/disk"
#define BALLAST ROOM "/ballast"
#define MB      (1024ll * 1024)

enum { DISK_MB = 192, FREE_MIN_MB = 48, WAIT_MS = 120000 };

static struct localnet net = {.lock = -1};
static bool mounted;

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void pause_ms(uint32_t ms) {
    struct timespec time = {ms / 1000, ms % 1000 * 1000000L};
    nanosleep(&time, NULL);
}

static void leave_disk(void) {
    localnet_leave(&net);
    unlink(BALLAST);
    if (mounted && umount2(ROOM, MNT_DETACH) != 0)
        perror("disk: umount " ROOM);
}

static _Noreturn void give_up(const char *why) {
    fprintf(stderr, "disk: FAILED: %s\n", why);
    localnet_stop(&net, 5000);
    for (uint32_t i = 0; i < net.count; i++)
        localnet_tail(stderr, &net.nodes[i], 8);
    leave_disk();
    printf("disk: 0 passed, 1 failed\n");
    exit(1);
}

static int64_t number_of(const char *path) {
    struct load_call call;
    struct span result, digits;
    int64_t number = 0;
    load_call_open(&call, &net.nodes[0].rpc);
    if (load_call_method(&call, &result, "status", "{}", 2000) && load_scan_path(&digits, result, path))
        load_scan_number(&number, digits);
    load_call_close(&call);
    return number;
}

static int64_t height(void) { return number_of("sync_info.latest_block_height"); }

static int64_t free_bytes(void) {
    struct statvfs disk;
    return statvfs(ROOM, &disk) == 0 ? (int64_t)disk.f_bavail * (int64_t)disk.f_frsize : -1;
}

/* How often the node has said it. */
static int said(const char *words) {
    FILE *log = fopen(net.nodes[0].log, "r");
    char line[1024];
    int count = 0;
    while (log != NULL && fgets(line, sizeof line, log) != NULL)
        count += strstr(line, words) != NULL;
    if (log != NULL)
        fclose(log);
    return count;
}

#define WAIT(condition)                                                             \
    do {                                                                            \
        for (int64_t end = now_ms() + WAIT_MS; !(condition); pause_ms(200)) {       \
            if (localnet_ended(&net) != NULL)                                       \
                give_up("the node ended by itself");                                \
            if (now_ms() > end)                                                     \
                give_up("in vain: " #condition);                                    \
        }                                                                           \
    } while (0)

static pid_t start_load(void) {
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    int out = open("build/disk-load.txt", O_CREAT | O_TRUNC | O_WRONLY, 0644);
    dup2(out, 1);
    dup2(out, 2);
    execl(net.binary, net.binary, "load", "--endpoint", net.nodes[0].rpc_url, "--app", "ledger", "--accounts", net.accounts, "--rate", "1000", "--connections",
          "2", "--sign-ahead", "1000", "--for", "300", (char *)NULL);
    _exit(127);
}

/* The exit status of `quorate db WORD`, and whether it said `words`. */
static int db(const char *word, const char *words, bool *found) {
    char command[1400], line[512];
    snprintf(command, sizeof command, "'%s' db %s --home '%s' 2>&1", net.binary, word, net.nodes[0].home);
    FILE *out = popen(command, "r");
    *found = false;
    while (out != NULL && fgets(line, sizeof line, out) != NULL)
        *found |= strstr(line, words) != NULL;
    int status = out == NULL ? -1 : pclose(out);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void must_say(const char *word, int status, const char *words) {
    bool found;
    if (db(word, words, &found) != status || !found) {
        char why[256];
        snprintf(why, sizeof why, "`quorate db %s` does not end with %d and \"%s\"", word, status, words);
        give_up(why);
    }
}

static void fill(void) {
    int file = open(BALLAST, O_CREAT | O_WRONLY, 0600);
    int64_t size = free_bytes() - FREE_MIN_MB * MB / 2;
    if (file < 0 || size <= 0 || posix_fallocate(file, 0, size) != 0)
        give_up("the disk could not be filled");
    close(file);
}

static void make_room(void) {
    localnet_make_folders(ROOM);
    char size[32];
    snprintf(size, sizeof size, "size=%dm", DISK_MB);
    mounted = mount("quorate-disk", ROOM, "tmpfs", MS_NOSUID | MS_NODEV, size) == 0;
    if (!mounted)
        printf("!! disk: no file system can be mounted here (%s): filling it up is PASSED OVER\n", strerror(errno));
}

static void pruning(void) {
    pid_t load = start_load();
    WAIT(number_of("sync_info.earliest_block_height") >= 60 && height() >= 80);
    kill(load, SIGTERM);
    waitpid(load, NULL, 0);
    int64_t kept = height() - number_of("sync_info.earliest_block_height");
    if (kept > 60)
        give_up("more blocks are kept than were asked for");
    printf("disk: %" PRId64 " heights under load, %" PRId64 " are kept\n", height(), kept);
}

static void full_disk(void) {
    fill();
    WAIT(said("signing and proposing nothing") == 1);
    int64_t stood = height();
    pause_ms(3000);
    if (height() > stood + 1)
        give_up("a validator without space signs");
    unlink(BALLAST);
    WAIT(said("signing and proposing again") == 1);
    stood = height();
    WAIT(height() > stood + 2);
    printf("disk: with half of disk_free_min left nothing was signed; with space again it went on at height %" PRId64 "\n", stood);
}

int main(int argc, char **argv) {
    static const char *const options[] = {"--timeout-commit", "20ms", "--storage.retain_blocks", "20", "--quorate.disk_free_min", "50331648", "--accounts", "64",
                                          "--account-type", "ed25519", NULL};
    struct localnet_wish wish = {.validators = 1, .app = "ledger", .base_port = ports_of_this_test(), .options = options};
    char *error = NULL;
    if (argc != 2) /* started as a node: not by us */
        return 2;
    make_room();
    if (!localnet_take(&net, ROOM "/net", &error))
        give_up(error);
    snprintf(net.binary, sizeof net.binary, "%s", argv[1]); /* not ourselves, as localnet_take has it */
    if (!localnet_make(&net, &wish, &error) || !localnet_start(&net, &wish, &error) ||
        !localnet_wait(&net, WAIT_MS, &error))
        give_up(error);
    pruning();
    must_say("stats", 1, "another process uses it");
    if (mounted)
        full_disk();
    if (!localnet_stop(&net, 20000))
        give_up("the node did not stop cleanly when asked");
    must_say("stats", 0, "blocks                         20");
    must_say("stats --json", 0, "\"store_bytes\":");
    must_say("compact", 0, "bytes of files before");
    leave_disk();
    printf("disk: 1 passed, 0 failed\n");
    return 0;
}
