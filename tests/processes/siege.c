/* make rpc-siege FOR=seconds: four validators make blocks in peace, then the same time under siege: idle sockets by the thousand, requests a byte at a
 * time, heads and bodies of megabytes, JSON that only opens, batches of ten thousand, questions without end, subscribers who never read, frames of
 * nonsense. Blocks must go on at their pace, and an honest client is answered all the while. The besiegers run at the lowest priority: elsewhere they
 * would bring processors of their own. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "node/load_call.h"
#include "node/load_scan.h"
#include "node/localnet.h"
#include "tests/processes/ports.h"

enum { IDLE = 1200, DAWDLERS = 100, ASKERS = 16, LISTENERS = 60 };

static struct localnet net;

static void pause_ms(uint32_t ms) {
    struct timespec time = {ms / 1000, ms % 1000 * 1000000L};
    nanosleep(&time, NULL);
}

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static _Noreturn void give_up(const char *why) {
    fprintf(stderr, "rpc-siege: FAILED: %s\n", why);
    localnet_stop(&net, 5000);
    for (uint32_t i = 0; i < net.count; i++) {
        fprintf(stderr, "the end of %s:\n", net.nodes[i].log);
        localnet_tail(stderr, &net.nodes[i], 6);
    }
    exit(1);
}

/* ---- besiegers: threads of one process, each at one node by turns */

static int reach(uint32_t which) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(net.nodes[which % net.count].rpc_port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (sock < 0)
        return -1;
    connect(sock, (struct sockaddr *)&address, sizeof address);
    struct pollfd poll_it = {sock, POLLOUT, 0};
    poll(&poll_it, 1, 500);
    return sock;
}

static void put(int sock, const char *bytes, size_t size) {
    for (int tries = 0; size > 0 && tries < 200; tries++) {
        ssize_t sent = send(sock, bytes, size, MSG_NOSIGNAL);
        if (sent > 0) {
            bytes += sent;
            size -= (size_t)sent;
        } else if (errno != EAGAIN) {
            return;
        } else {
            struct pollfd poll_it = {sock, POLLOUT, 0};
            poll(&poll_it, 1, 20);
        }
    }
}

static void say(int sock, const char *text) { put(sock, text, strlen(text)); }

static void drain(int sock, int ms) {
    static __thread char waste[65536];
    struct pollfd poll_it = {sock, POLLIN, 0};
    if (poll(&poll_it, 1, ms) > 0)
        while (recv(sock, waste, sizeof waste, 0) > 0)
            ;
}

static void sit_idle(void *context) {
    int socks[IDLE];
    (void)context;
    for (uint32_t i = 0; i < IDLE; i++)
        socks[i] = reach(0);
    for (uint32_t i = 0;; i = (i + 1) % IDLE) {
        char byte;
        if (recv(socks[i], &byte, 1, 0) == 0) {
            close(socks[i]);
            socks[i] = reach(0);
        }
        if (i == 0)
            pause_ms(200);
    }
}

static void dawdle(void *context) {
    int socks[DAWDLERS];
    (void)context;
    for (uint32_t i = 0; i < DAWDLERS; i++) {
        socks[i] = reach(i);
        say(socks[i], "POST / HTTP/1.1\r\nHost: a\r\nX: ");
    }
    for (;; pause_ms(300))
        for (uint32_t i = 0; i < DAWDLERS; i++)
            if (send(socks[i], "x", 1, MSG_NOSIGNAL) < 0 && errno != EAGAIN) {
                close(socks[i]);
                socks[i] = reach(i);
                say(socks[i], "GET /status HTTP/1.1\r\nHost: a\r\nX: ");
            }
}

static void send_bulk(void *context) {
    enum { SIZE = 900000 };
    char *bulk = malloc(SIZE + 1);
    (void)context;
    for (uint32_t i = 0;; i++) {
        char head[128];
        size_t size = SIZE;
        int sock = reach(i);
        switch (i % 4) {
        case 0: memset(bulk, '[', SIZE); break;             /* JSON that only opens */
        case 1: memset(bulk, '9', SIZE); break;             /* a number of a megabyte */
        case 2:                                             /* ten thousand calls */
            size = 0;
            bulk[size++] = '[';
            for (int k = 0; k < 10000; k++)
                size += (size_t)sprintf(bulk + size, "%s{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"status\"}", k > 0 ? "," : "", k);
            bulk[size++] = ']';
            break;
        default: /* a head of megabytes */
            say(sock, "GET /status HTTP/1.1\r\nHost: a\r\n");
            memset(bulk, 'h', SIZE);
            for (int k = 0; k < 3; k++)
                put(sock, bulk, SIZE);
            close(sock);
            continue;
        }
        snprintf(head, sizeof head, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", size);
        say(sock, head);
        put(sock, bulk, size);
        drain(sock, 200);
        close(sock);
    }
}

static void ask_on(void *context) {
    static const char *const targets[] = {"abci_query?path=\"/x\"&data=0x6162", "dump_consensus_state", "unconfirmed_txs?limit=100", "net_info", "consensus_state",
                                          "tx_search?query=\"tx.height>0\"&per_page=100", "block_search?query=\"block.height>0\"", "blockchain", "validators",
                                          "broadcast_tx_async?tx=\"a=%d\"", "check_tx?tx=\"b=%d\"", "block", "num_unconfirmed_txs", "genesis"};
    int socks[ASKERS];
    (void)context;
    for (uint32_t i = 0; i < ASKERS; i++)
        socks[i] = reach(i);
    for (int n = 0;; n++)
        for (uint32_t i = 0; i < ASKERS; i++) {
            char target[160], text[256];
            snprintf(target, sizeof target, targets[(uint32_t)n % (sizeof targets / sizeof targets[0])], n);
            snprintf(text, sizeof text, "GET /%s HTTP/1.1\r\nHost: a\r\n\r\n", target);
            if (send(socks[i], text, strlen(text), MSG_NOSIGNAL) < 0 && errno != EAGAIN) {
                close(socks[i]);
                socks[i] = reach(i);
            }
            if (n % 4 == 0)
                drain(socks[i], 0);
        }
}

static const char upgrade[] = "GET /websocket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

static void subscribe(int sock, const char *query) {
    char text[128], frame[140];
    int size = snprintf(text, sizeof text, "{\"id\":1,\"method\":\"subscribe\",\"params\":[\"%s\"]}", query);
    frame[0] = (char)0x81;
    frame[1] = (char)(0x80 | size);
    memset(frame + 2, 0, 4);
    memcpy(frame + 6, text, (size_t)size);
    put(sock, frame, (size_t)size + 6);
}

/* Half of them never read, the others make nonsense after a while. */
static void listen_on(void *context) {
    static const char *const queries[] = {"tm.event='Tx'", "tm.event='NewBlock'", "tm.event='Vote'", "tm.event='NewRoundStep'", "tm.event EXISTS"};
    int socks[LISTENERS] = {0};
    (void)context;
    for (uint32_t n = 0;; n = (n + 1) % LISTENERS) {
        if (socks[n] > 0) {
            if (n % 2 == 0)
                continue;
            say(socks[n], "\x81\xff\x80nonsense");
            close(socks[n]);
        }
        socks[n] = reach(n);
        say(socks[n], upgrade);
        for (int k = 0; k < 5; k++)
            subscribe(socks[n], queries[k]);
        pause_ms(20);
    }
}

typedef void way(void *context);

static void *run_way(void *context) {
    (*(way *const *)context)(NULL);
    return NULL;
}

static pid_t lay_siege(void) {
    static way *const ways[] = {sit_idle, dawdle, send_bulk, ask_on, ask_on, listen_on};
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    pthread_t thread;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpriority(PRIO_PROCESS, 0, 19);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
        pthread_create(&thread, NULL, run_way, (void *)(uintptr_t)&ways[i]);
    for (;;)
        pause();
}

/* ---- an honest client */

static bool height_of(const struct localnet_node *node, int64_t *height) {
    struct load_call call;
    struct span result, digits;
    load_call_open(&call, &node->rpc);
    bool good = load_call_method(&call, &result, "status", "{}", 10000) && load_scan_path(&digits, result, "sync_info.latest_block_height") &&
                load_scan_number(height, digits);
    load_call_close(&call);
    return good;
}

struct pace {
    double per_second;
    int64_t slowest_ms; /* answer */
    uint32_t asked;
};

/* The chain's pace as its last node sees it, asking every node once a second. */
static struct pace watch(unsigned seconds) {
    struct pace pace = {0};
    int64_t first = 0, last = 0, begin = now_ms(), before;
    if (!height_of(&net.nodes[net.count - 1], &first))
        give_up("a status was not answered within ten seconds");
    for (; now_ms() - begin < seconds * 1000ll; pause_ms(500))
        for (uint32_t i = 0; i < net.count; i++) {
            before = now_ms();
            if (!height_of(&net.nodes[i], &last))
                give_up("a status was not answered within ten seconds");
            pace.asked++;
            if (now_ms() - before > pace.slowest_ms)
                pace.slowest_ms = now_ms() - before;
            if (localnet_ended(&net) != NULL)
                give_up("a node has ended");
        }
    pace.per_second = (double)(last - first) * 1000 / (double)(now_ms() - begin);
    return pace;
}

int main(int argc, char **argv) {
    static const char *const none[] = {NULL};
    unsigned seconds = argc > 2 ? (unsigned)atoi(argv[2]) : 20;
    struct localnet_wish wish = {.validators = 4, .app = "kvstore", .base_port = ports_of_this_test(), .options = none};
    struct rlimit handles = {4096, 4096};
    char *error = NULL;
    if (argc < 2 || seconds == 0)
        return fprintf(stderr, "rpc-siege BINARY [SECONDS]\n"), 2;
    signal(SIGPIPE, SIG_IGN);
    setrlimit(RLIMIT_NOFILE, &handles);
    setenv("CMT_CONSENSUS_TIMEOUT_COMMIT", "200ms", 1);
    if (!localnet_take(&net, "build/siege", &error))
        give_up(error);
    snprintf(net.binary, sizeof net.binary, "%s", argv[1]);
    if (!localnet_make(&net, &wish, &error) || !localnet_start(&net, &wish, &error) || !localnet_wait(&net, 60000, &error))
        give_up(error);
    struct pace peace = watch(seconds);
    pid_t besiegers = lay_siege();
    pause_ms(2000);
    struct pace siege = watch(seconds);
    kill(besiegers, SIGKILL);
    waitpid(besiegers, NULL, 0);
    printf("rpc-siege: in peace %.2f blocks a second, slowest answer %" PRId64 " ms; under siege %.2f and %" PRId64 " ms (%u questions asked)\n", peace.per_second,
           peace.slowest_ms, siege.per_second, siege.slowest_ms, siege.asked);
    if (siege.per_second < peace.per_second / 3) /* half, and a margin for machines with other work */
        give_up("the siege slowed the chain down to less than a third of its pace");
    if (!localnet_stop(&net, 20000))
        give_up("a node did not end well");
    localnet_leave(&net);
    printf("rpc-siege: passed\n");
    return 0;
}
