#define _GNU_SOURCE
#include "node/localnet.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "node/complaint.h"
#include "node/config_toml.h"
#include "node/load_call.h"
#include "node/load_scan.h"

#define LOCK_NAME     "localnet.lock"
#define TAIL_BYTES    16384
#define CONFIG_BYTES  65536
#define PAUSE_MS      20
#define FIRST_FREE_FD 3
#define ARGUMENTS_MAX 48

static bool complain(char **error, const char *what, const char *problem) {
    *error = complaint_of("%s: %s: %s", what, problem, strerror(errno));
    return false;
}

static void pause_ms(unsigned ms) {
    struct timespec time = {ms / 1000, (long)(ms % 1000) * 1000000};
    nanosleep(&time, NULL);
}

/* localnet_take has seen to it that all of ours fit. */
static void join(char out[static LOCALNET_PATH_MAX], const char *folder, const char *name) {
    size_t folder_size = strlen(folder), name_size = strlen(name);
    assert(folder_size + 1 + name_size < LOCALNET_PATH_MAX);
    memmove(out, folder, folder_size);
    out[folder_size] = '/';
    memcpy(out + folder_size + 1, name, name_size + 1);
}

/* The folder */

/* Ours, if it has our lock; free, if it has nothing. */
static bool is_foreign(const char *folder) {
    DIR *dir = opendir(folder);
    bool has_lock = false, has_others = false;
    if (dir == NULL)
        return false;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (strcmp(entry->d_name, LOCK_NAME) == 0)
            has_lock = true;
        else
            has_others = true;
    }
    closedir(dir);
    return has_others && !has_lock;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *place) {
    (void)info;
    (void)kind;
    if (place->level == 0 || (place->level == 1 && strcmp(path + place->base, LOCK_NAME) == 0))
        return 0;
    return remove(path);
}

static bool lock_folder(struct localnet *net, char **error) {
    char path[LOCALNET_PATH_MAX], holder[32] = "";
    join(path, net->folder, LOCK_NAME);
    net->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (net->lock < 0)
        return complain(error, path, "cannot be made");
    if (flock(net->lock, LOCK_EX | LOCK_NB) != 0) {
        ssize_t got = read(net->lock, holder, sizeof holder - 1);
        holder[got > 0 ? got : 0] = '\0';
        holder[strcspn(holder, "\n")] = '\0';
        *error = complaint_of("%s: a network is running there (process %s). End it with Ctrl-C where it runs, or with `kill %s`, or choose "
                              "another folder and other ports (--dir, --base-port).",
                              net->folder, holder, holder);
        close(net->lock);
        net->lock = -1;
        return false;
    }
    if (ftruncate(net->lock, 0) != 0 || dprintf(net->lock, "%d\n", (int)getpid()) < 0)
        return complain(error, path, "cannot be written");
    return true;
}

bool localnet_make_folders(const char *folder) {
    char path[LOCALNET_PATH_MAX];
    if (snprintf(path, sizeof path, "%s", folder) >= (int)sizeof path)
        return false;
    for (char *slash = path + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        if (mkdir(path, 0755) != 0 && errno != EEXIST)
            return false;
        *slash = '/';
    }
    return mkdir(path, 0755) == 0 || errno == EEXIST;
}

bool localnet_take(struct localnet *net, const char *folder, char **error) {
    *net = (struct localnet){.lock = -1};
    ssize_t size = readlink("/proc/self/exe", net->binary, sizeof net->binary - 1);
    if (size <= 0)
        return complain(error, "/proc/self/exe", "our own program cannot be found");
    if (strlen(folder) == 0 || strlen(folder) > LOCALNET_PATH_MAX / 2) {
        *error = complaint_of("--dir: the name of a folder has 1 to %d bytes", LOCALNET_PATH_MAX / 2);
        return false;
    }
    strcpy(net->folder, folder);
    join(net->accounts, folder, "accounts");
    if (!localnet_make_folders(folder))
        return complain(error, folder, "cannot be made");
    if (is_foreign(folder)) {
        *error = complaint_of("%s: holds files that were not made here; it would have to be emptied, so choose another folder (--dir)", folder);
        return false;
    }
    if (!lock_folder(net, error))
        return false;
    if (nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0)
        return complain(error, folder, "what an earlier run left cannot be removed");
    return true;
}

void localnet_leave(struct localnet *net) {
    if (net->lock >= 0)
        close(net->lock);
    net->lock = -1;
}

/* Processes */

/* Output goes to the end of the file `log`. The child leaves our process group, so that Ctrl-C reaches us alone, and ends when we do. */
static pid_t spawn(const char *log, const char *const *argv) {
    pid_t parent = getpid();
    fflush(NULL);
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    sigset_t none;
    int null = open("/dev/null", O_RDONLY), out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (null < 0 || out < 0)
        _exit(127);
    dup2(null, 0);
    dup2(out, 1);
    dup2(out, 2);
    close_range(FIRST_FREE_FD, ~0U, 0);
    setpgid(0, 0);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(127);
    execv(argv[0], (char *const *)argv);
    dprintf(2, "%s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

const char *localnet_end_text(char out[static 64], int status) {
    if (WIFSIGNALED(status))
        snprintf(out, 64, "killed by signal %d", WTERMSIG(status));
    else
        snprintf(out, 64, "exit status %d", WEXITSTATUS(status));
    return out;
}

static void tail_of(FILE *out, const char *path, unsigned lines) {
    static char text[TAIL_BYTES];
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return;
    if (fseek(file, -TAIL_BYTES, SEEK_END) != 0)
        rewind(file);
    size_t size = fread(text, 1, sizeof text, file), at = size;
    fclose(file);
    for (unsigned left = lines + (size > 0 && text[size - 1] == '\n'); at > 0; at--)
        if (text[at - 1] == '\n' && --left == 0)
            break;
    fwrite(text + at, 1, size - at, out);
}

void localnet_tail(FILE *out, const struct localnet_node *node, unsigned lines) { tail_of(out, node->log, lines); }

/* Making */

static void append(const char **argv, const char *const *more) {
    size_t count = 0;
    while (argv[count] != NULL)
        count++;
    for (; more != NULL && *more != NULL; more++) {
        assert(count < ARGUMENTS_MAX - 1);
        argv[count++] = *more;
    }
}

static bool run_testnet(struct localnet *net, const struct localnet_wish *wish, char **error) {
    char log[LOCALNET_PATH_MAX], validators[16], port[16];
    const char *argv[ARGUMENTS_MAX] = {net->binary, "testnet", "--v",     validators,             "--o",
                                       net->folder, "--app",   wish->app, "--loopback-base-port", port};
    int status;
    snprintf(validators, sizeof validators, "%u", wish->validators);
    snprintf(port, sizeof port, "%u", wish->base_port);
    append(argv, wish->options);
    join(log, net->folder, "testnet.log");
    pid_t pid = spawn(log, argv);
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return complain(error, net->binary, "cannot be run");
    if (status == 0)
        return true;
    fprintf(stderr, "`quorate testnet` failed:\n");
    tail_of(stderr, log, 20);
    *error = complaint_of("the network's files could not be made (%s)", log);
    return false;
}

/* The port of "tcp://127.0.0.1:26657"; 0: none. */
static uint16_t port_of(const char *laddr) {
    const char *colon = strrchr(laddr, ':');
    unsigned long port = colon == NULL ? 0 : strtoul(colon + 1, NULL, 10);
    return port <= 65535 ? (uint16_t)port : 0;
}

static void note_item(struct localnet_node *node, const struct config_toml_item *item) {
    if (item->kind != CONFIG_TOML_TEXT || strcmp(item->key, "laddr") != 0)
        return;
    if (strcmp(item->section, "rpc") == 0)
        node->rpc_port = port_of(item->text);
    else if (strcmp(item->section, "p2p") == 0)
        node->p2p_port = port_of(item->text);
}

static bool read_config(struct localnet_node *node, char **error) {
    static char text[CONFIG_BYTES];
    char path[LOCALNET_PATH_MAX];
    struct config_toml reader;
    struct config_toml_item item;
    join(path, node->home, "config/config.toml");
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return complain(error, path, "cannot be read");
    size_t size = fread(text, 1, sizeof text, file);
    fclose(file);
    config_toml_begin(&reader, span_of(text, size));
    while (config_toml_next(&reader, &item))
        note_item(node, &item);
    config_toml_close(&reader);
    snprintf(node->rpc_url, sizeof node->rpc_url, "http://127.0.0.1:%u", node->rpc_port);
    if (node->rpc_port != 0 && node->p2p_port != 0 && load_http_resolve(&node->rpc, node->rpc_url) == NULL)
        return true;
    *error = complaint_of("%s: names no port for [rpc] laddr or [p2p] laddr", path);
    return false;
}

static bool is_port_free(uint16_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    bool is_free = bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return is_free;
}

static bool check_port(const struct localnet_node *node, const char *what, uint16_t port, char **error) {
    if (is_port_free(port))
        return true;
    *error = complaint_of("port %u (%s of %s) is taken: end what listens there (`ss -ltnp 'sport = :%u'` shows it), or choose other ports with "
                          "--base-port",
                          port, what, node->name, port);
    return false;
}

static void name_node(struct localnet *net, uint32_t index) {
    struct localnet_node *node = &net->nodes[index];
    char log[32];
    snprintf(node->name, sizeof node->name, "node%u", index);
    snprintf(log, sizeof log, "%s.log", node->name);
    join(node->home, net->folder, node->name);
    join(node->log, net->folder, log);
}

bool localnet_make(struct localnet *net, const struct localnet_wish *wish, char **error) {
    assert(wish->validators <= LOCALNET_NODES_MAX);
    if (!run_testnet(net, wish, error))
        return false;
    net->count = wish->validators;
    for (uint32_t i = 0; i < net->count; i++) {
        struct localnet_node *node = &net->nodes[i];
        name_node(net, i);
        if (!read_config(node, error) || !check_port(node, "p2p", node->p2p_port, error) || !check_port(node, "RPC", node->rpc_port, error))
            return false;
    }
    return true;
}

/* Living */

bool localnet_start(struct localnet *net, const struct localnet_wish *wish, char **error) {
    for (uint32_t i = 0; i < net->count; i++) {
        struct localnet_node *node = &net->nodes[i];
        if (node->pid != 0)
            continue;
        const char *argv[ARGUMENTS_MAX] = {net->binary, "start", "--home", node->home};
        append(argv, wish->start);
        node->pid = spawn(node->log, argv);
        if (node->pid < 0) {
            node->pid = 0;
            return complain(error, node->name, "cannot be started");
        }
    }
    return true;
}

struct localnet_node *localnet_ended(struct localnet *net) {
    for (uint32_t i = 0; i < net->count; i++) {
        struct localnet_node *node = &net->nodes[i];
        if (node->pid == 0 || waitpid(node->pid, &node->status, WNOHANG) != node->pid)
            continue;
        node->pid = 0;
        return node;
    }
    return NULL;
}

static bool has_block(const struct localnet_node *node) {
    struct load_call call;
    struct span result, digits;
    int64_t height = 0;
    load_call_open(&call, &node->rpc);
    bool good = load_call_method(&call, &result, "status", "{}", 1000) &&
                load_scan_path(&digits, result, "sync_info.latest_block_height") && load_scan_number(&height, digits) && height > 0;
    load_call_close(&call);
    return good;
}

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool give_up(const struct localnet_node *node, const char *why, char **error) {
    *error = complaint_of("%s %s", node->name, why);
    fprintf(stderr, "the end of %s:\n", node->log);
    localnet_tail(stderr, node, 20);
    return false;
}

bool localnet_wait(struct localnet *net, unsigned timeout_ms, char **error) {
    char end[64], why[128];
    int64_t deadline_ms = now_ms() + timeout_ms;
    for (uint32_t ready = 0; ready < net->count;) {
        const struct localnet_node *ended = localnet_ended(net);
        if (ended != NULL) {
            snprintf(why, sizeof why, "ended before it was ready (%s)", localnet_end_text(end, ended->status));
            return give_up(ended, why, error);
        }
        if (now_ms() > deadline_ms) {
            snprintf(why, sizeof why, "has no first block after %u s", timeout_ms / 1000);
            return give_up(&net->nodes[ready], why, error);
        }
        if (has_block(&net->nodes[ready]))
            ready++;
        else
            pause_ms(PAUSE_MS);
    }
    return true;
}

static uint32_t running(const struct localnet *net) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < net->count; i++)
        count += net->nodes[i].pid != 0;
    return count;
}

static void signal_all(struct localnet *net, int signal_number) {
    for (uint32_t i = 0; i < net->count; i++)
        if (net->nodes[i].pid != 0)
            kill(net->nodes[i].pid, signal_number);
}

bool localnet_stop(struct localnet *net, unsigned grace_ms) {
    signal_all(net, SIGTERM);
    for (unsigned waited = 0; running(net) > 0; waited += PAUSE_MS) {
        if (waited >= grace_ms && waited < grace_ms + PAUSE_MS)
            signal_all(net, SIGKILL);
        if (localnet_ended(net) == NULL)
            pause_ms(PAUSE_MS);
    }
    bool good = true;
    for (uint32_t i = 0; i < net->count; i++)
        good = good && net->nodes[i].status == 0;
    return good;
}
