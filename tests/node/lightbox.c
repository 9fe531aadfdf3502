#define _GNU_SOURCE /* memmem */
#include "tests/node/lightbox.h"

#include <arpa/inet.h>
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* ---- the relay */

static bool is_whole(const char *text, size_t size, struct span *body) {
    const char *end = memmem(text, size, "\r\n\r\n", 4), *length = memmem(text, size, "Content-Length: ", 16);
    if (end == NULL)
        return false;
    size_t wanted = length == NULL ? 0 : strtoul(length + 16, NULL, 10), head = (size_t)(end - text) + 4;
    *body = span_of(text + head, wanted);
    return size >= head + wanted;
}

static void send_whole(int fd, struct span bytes) {
    while (bytes.size > 0) {
        ssize_t sent = send(fd, bytes.data, bytes.size, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        bytes = span_of(bytes.data + sent, bytes.size - (size_t)sent);
    }
}

static void pass_back(struct relay *relay, int fd, struct span request, struct span answer) {
    char head[128];
    pthread_mutex_lock(&relay->lock);
    bool concerns = relay->method != NULL && memmem(request.data, request.size, relay->method, strlen(relay->method)) != NULL;
    const char *found = concerns && relay->find != NULL ? memmem(answer.data, answer.size, relay->find, strlen(relay->find)) : NULL;
    size_t before = found == NULL ? answer.size : (size_t)((const uint8_t *)found - answer.data), cut = found == NULL ? 0 : strlen(relay->find);
    struct span put = found == NULL ? span_of(NULL, 0) : span_text(relay->put);
    if (concerns)
        atomic_fetch_add(&relay->asked, 1);
    if (found != NULL)
        atomic_fetch_add(&relay->lied, 1);
    snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", answer.size - cut + put.size);
    send_whole(fd, span_text(head));
    send_whole(fd, span_of(answer.data, before));
    send_whole(fd, put);
    send_whole(fd, span_of(answer.data + before + cut, answer.size - before - cut));
    pthread_mutex_unlock(&relay->lock);
}

static void relay_one(struct relay *relay, int fd) {
    static _Thread_local char text[1 << 20];
    size_t size = 0;
    struct span body;
    char *error = NULL;
    int status;
    while (!is_whole(text, size, &body)) {
        ssize_t got = recv(fd, text + size, sizeof text - size, 0);
        if (got <= 0)
            return;
        size += (size_t)got;
    }
    if (atomic_load(&relay->silent))
        return;
    struct blob *answer = httpclient_ask(&status, relay->node_url, body, &(struct httpclient_limits){1 << 24, 20000, NULL}, &error);
    if (answer != NULL)
        pass_back(relay, fd, body, blob_span(answer));
    blob_release(answer);
    free(error);
}

static void *run_relay(void *context) {
    struct relay *relay = context;
    for (;;) {
        int fd = accept(relay->listener, NULL, NULL);
        if (fd < 0 || atomic_load(&relay->stops)) {
            if (fd >= 0)
                close(fd);
            return NULL;
        }
        relay_one(relay, fd);
        close(fd);
    }
}

static void relay_open(struct relay *relay, const char *node_url) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    relay->node_url = node_url;
    relay->listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(relay->listener, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(relay->listener, 64), 0);
    getsockname(relay->listener, (struct sockaddr *)&address, &size);
    snprintf(relay->url, sizeof relay->url, "http://127.0.0.1:%u", ntohs(address.sin_port));
    pthread_mutex_init(&relay->lock, NULL);
    ck_assert_int_eq(pthread_create(&relay->thread, NULL, run_relay, relay), 0);
}

static void relay_close(struct relay *relay) {
    atomic_store(&relay->stops, true);
    shutdown(relay->listener, SHUT_RDWR);
    pthread_join(relay->thread, NULL);
    close(relay->listener);
    pthread_mutex_destroy(&relay->lock);
}

/* ---- the box */

static void __attribute__((noreturn)) die(void *context, const char *what) {
    (void)context;
    fprintf(stderr, "the store failed: %s\n", what);
    abort();
}

static struct timestamp now(void *context) {
    const struct lightbox *box = context;
    struct timestamp time = box->lab.chain.genesis.time;
    return timestamp_add_ns(&time, 3600 * INT64_C(1000000000));
}

static void no_wait(void *context, int64_t ms) { (void)context, (void)ms; }

static void *turn(void *context) {
    struct lightbox *box = context;
    while (!atomic_load(&box->stops)) {
        pthread_mutex_lock(&box->lock);
        lab_turn(&box->lab);
        pthread_mutex_unlock(&box->lock);
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    return NULL;
}

static void open_client(struct lightbox *box, bool relayed) {
    struct light_source sources[2];
    struct light_world world = {box, now, no_wait, NULL, NULL};
    struct light_config config = {.chain_id = span_text(CHAIN_ID), .rules = LIGHT_RULES_DEFAULT, .mode = LIGHT_SKIPPING};
    char *error = NULL;
    for (int i = 0; i < 2; i++) {
        relay_open(&box->relays[i], box->node_url);
        light_http_init(&box->https[i], relayed ? box->relays[i].url : box->node_url, span_text(CHAIN_ID), 20000);
        sources[i] = light_http_source(&box->https[i]);
    }
    box->kv = kv_memory_new((struct kv_failure){NULL, die});
    ck_assert_msg(light_client_open(&box->client, &config, &world, sources, 2, box->kv, &error), "%s", error);
    ck_assert_msg(light_client_trust(&box->client, 2, &box->trusted, false) == LIGHT_DONE, "%s", box->client.reason);
}

void lightbox_open(struct lightbox *box, int64_t heights, const struct light_proxy_limits *limits, bool relayed) {
    struct ledger_meta meta;
    char *error = NULL;
    memset(box, 0, sizeof *box);
    signal(SIGPIPE, SIG_IGN);
    lab_open_wide(&box->lab, &(struct rpc_config){0}, heights, 100);
    ck_assert(ledger_block_meta(&box->lab.chain.ledger, &meta, 2));
    box->trusted = meta.block_id.hash;
    snprintf(box->node_url, sizeof box->node_url, "http://127.0.0.1:%u", (unsigned)rpc_port(box->lab.rpc));
    pthread_mutex_init(&box->lock, NULL);
    pthread_create(&box->thread, NULL, turn, box);
    open_client(box, relayed);
    pthread_mutex_init(&box->gate.lock, NULL);
    box->gate.client = &box->client;
    box->gate.limits = (struct httpclient_limits){1 << 24, 20000, NULL};
    box->proxy = light_proxy_start(&box->gate, "tcp://127.0.0.1:0", limits, &error);
    ck_assert_msg(box->proxy != NULL, "%s", error);
    box->door.port = light_proxy_port(box->proxy);
    snprintf(box->proxy_url, sizeof box->proxy_url, "http://127.0.0.1:%u", (unsigned)box->door.port);
}

void lightbox_stop_node(struct lightbox *box) {
    if (!atomic_exchange(&box->stops, true))
        pthread_join(box->thread, NULL);
}

void lightbox_close(struct lightbox *box) {
    light_proxy_stop(box->proxy);
    light_client_close(&box->client);
    kv_close(box->kv);
    for (int i = 0; i < 2; i++)
        relay_close(&box->relays[i]);
    lightbox_stop_node(box);
    lab_close(&box->lab);
    pthread_mutex_destroy(&box->lock);
}

static void submit(struct lightbox *box, const char *tx) {
    struct arena arena;
    struct abci_check check = {0};
    struct blob *blob = blob_new(span_text(tx));
    arena_init(&arena, 1 << 20);
    ck_assert_int_eq(mempool_add(box->lab.mempool, &check, blob, -1, 0, &arena), MEMPOOL_ADDED);
    blob_release(blob);
    arena_close(&arena);
}

void lightbox_commit(struct lightbox *box, const char *tx, const char *other) {
    pthread_mutex_lock(&box->lock);
    if (tx != NULL)
        submit(box, tx);
    if (other != NULL)
        submit(box, other);
    lab_commit(&box->lab);
    pthread_mutex_unlock(&box->lock);
}

void lightbox_commit_large(struct lightbox *box, int64_t heights) {
    char tx[900];
    memset(tx, 'x', sizeof tx);
    tx[sizeof tx - 1] = '\0';
    for (int64_t i = 0; i < heights; i++) {
        pthread_mutex_lock(&box->lock);
        for (int k = 0; k < 50; k++) {
            snprintf(tx, 20, "k=%08d%02d", (int)i, k);
            tx[strlen(tx)] = 'x';
            submit(box, tx);
        }
        lab_commit(&box->lab);
        pthread_mutex_unlock(&box->lock);
    }
}

void lightbox_lie(struct lightbox *box, int relay, const char *method, const char *find, const char *put) {
    pthread_mutex_lock(&box->relays[relay].lock);
    box->relays[relay].method = method;
    box->relays[relay].find = find;
    box->relays[relay].put = put;
    atomic_store(&box->relays[relay].asked, 0);
    pthread_mutex_unlock(&box->relays[relay].lock);
}
