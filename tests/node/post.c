#include "tests/node/post.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void note(struct post *post, enum post_heard what, uint32_t peer, uint8_t channel, size_t size) {
    ck_assert_uint_lt(post->heard_count, POST_HEARD_MAX);
    post->heard[post->heard_count].what = what;
    post->heard[post->heard_count].peer = peer;
    post->heard[post->heard_count].channel = channel;
    post->heard[post->heard_count++].size = size;
    if (post->react != NULL)
        post->react(post, what, peer);
}

static void on_up(void *context, uint32_t peer, const char *id) {
    struct post *post = context;
    post->ups++;
    post->last_peer = peer;
    memcpy(post->last_id, id, 41);
    note(post, POST_UP, peer, 0, 0);
}

static void on_down(void *context, uint32_t peer) {
    ((struct post *)context)->downs++;
    note(context, POST_DOWN, peer, 0, 0);
}

static void on_message(void *context, uint32_t peer, uint8_t channel, struct span bytes) {
    ((struct post *)context)->messages++;
    note(context, POST_MESSAGE, peer, channel, bytes.size);
}

static void on_writable(void *context, uint32_t peer) {
    ((struct post *)context)->writables++;
    note(context, POST_WRITABLE, peer, 0, 0);
}

static void on_log(void *context, enum world_level level, const char *text) {
    struct post *post = context;
    (void)level;
    ck_assert_uint_lt(post->line_count, POST_LINES_MAX);
    post->lines[post->line_count++] = strdup(text);
}

void post_prepare(struct post *post, uint32_t seed, uint16_t port) {
    static char laddrs[8][40];
    static size_t next;
    char *laddr = laddrs[next++ % 8];
    snprintf(laddr, sizeof laddrs[0], "tcp://127.0.0.1:%u", port);
    *post = (struct post){.key = outsider_key(seed)};
    post->info = outsider_info(post->key, "test-chain");
    post->info.listen_addr[0] = '\0';
    memcpy(post->info.moniker, "post", 5);
    post->config = (struct switchboard_config){.laddr = laddr,
                                               .max_num_inbound_peers = 40,
                                               .max_num_outbound_peers = 10,
                                               .allow_duplicate_ip = true,
                                               .handshake_timeout_ms = 5000,
                                               .dial_timeout_ms = 2000};
}

void post_start(struct post *post, struct event_base *base) {
    struct switchboard_listener listener = {post, on_up, on_down, on_message, on_writable, on_log, NULL};
    char *error = NULL;
    post->board = switchboard_new(base, &post->config, post->key, &post->info, &listener, &error);
    ck_assert_msg(post->board != NULL, "%s", error == NULL ? "?" : error);
}

void post_stop(struct post *post) {
    switchboard_free(post->board);
    post->board = NULL;
}

void post_close(struct post *post) {
    post_stop(post);
    ed25519_key_free(post->key);
    for (uint32_t i = 0; i < post->line_count; i++)
        free(post->lines[i]);
    *post = (struct post){.key = NULL};
}

void post_address(char out[100], const struct post *post) {
    snprintf(out, 100, "%s@127.0.0.1:%u", post->info.id, switchboard_port(post->board));
}

void post_admit(struct post *post, struct outsider *outsider, uint32_t seed, uint8_t source, enum outsider_stage goes_to) {
    int fd = outsider_connect(switchboard_port(post->board), source);
    ck_assert_int_ge(fd, 0);
    outsider_open(outsider, fd, seed, "test-chain", goes_to);
}

bool post_send(struct post *post, uint32_t peer, uint8_t channel, size_t size, uint8_t fill) {
    struct blob *blob = blob_reserve(size);
    memset(blob->data, fill, size);
    bool taken = switchboard_send(post->board, peer, channel, blob);
    ck_assert_uint_eq(blob->holders, taken ? 2 : 1);
    blob_release(blob);
    return taken;
}

uint32_t post_peers(const struct post *post) { return switchboard_count(post->board, true) + switchboard_count(post->board, false); }

bool post_said(const struct post *post, const char *part) {
    for (uint32_t i = 0; i < post->line_count; i++)
        if (strstr(post->lines[i], part) != NULL)
            return true;
    return false;
}

uint16_t post_free_port(void) {
    uint16_t port = 0;
    close(outsider_listen(&port));
    return port;
}
