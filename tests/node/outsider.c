#include "tests/node/outsider.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "crypto/random.h"

#define OUTSIDERS_MAX 64

static struct outsider *outsiders[OUTSIDERS_MAX];

static const struct mconn_channel channels[] = {
    {0x20, 6, 2000, 1048576}, {0x21, 10, 2000, 1048576}, {0x22, 7, 2000, 1048576},
    {0x30, 5, 2000, 5000000}, {0x00, 1, 2000, 70000},    {0x40, 5, 2000, 110000000}, {0x77, 1, 2000, 5000000}, /* the node has no such channel */
};

int64_t outsider_clock(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static struct sockaddr_in loopback(uint16_t port, uint8_t last) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(0x7f000000u + last);
    return address;
}

int outsider_listen(uint16_t *port) {
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    struct sockaddr_in address = loopback(*port, 1);
    socklen_t size = sizeof address;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 128) != 0) {
        close(fd);
        return -1;
    }
    getsockname(fd, (struct sockaddr *)&address, &size);
    *port = ntohs(address.sin_port);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

int outsider_connect(uint16_t port, uint8_t source) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in from = loopback(0, source), to = loopback(port, 1);
    if (fd < 0)
        return -1;
    if ((source != 1 && bind(fd, (struct sockaddr *)&from, sizeof from) != 0) || connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        close(fd);
        return -1;
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

struct ed25519_key *outsider_key(uint32_t seed) {
    uint8_t bytes[ED25519_SEED_BYTES] = {0x51, (uint8_t)seed, (uint8_t)(seed >> 8), (uint8_t)(seed >> 16)};
    return ed25519_key_new(bytes);
}

struct node_info outsider_info(const struct ed25519_key *key, const char *network) {
    struct node_info info = {.p2p_version = NODE_INFO_P2P_VERSION,
                             .block_version = NODE_INFO_BLOCK_VERSION,
                             .listen_addr = "tcp://0.0.0.0:26656",
                             .version = "0.38.17",
                             .moniker = "outsider",
                             .tx_index = "on",
                             .channel_count = 5,
                             .channels = {0x20, 0x21, 0x22, 0x30, 0x00}};
    uint8_t public_key[ED25519_PUBLIC_BYTES];
    ed25519_key_public(key, public_key);
    struct pubkey pubkey = pubkey_ed25519(public_key);
    node_info_id_of(info.id, &pubkey);
    snprintf(info.network, sizeof info.network, "%s", network);
    return info;
}

void outsider_open(struct outsider *outsider, int fd, uint32_t seed, const char *network, enum outsider_stage goes_to) {
    uint8_t ephemeral[32];
    memset(outsider, 0, sizeof *outsider);
    outsider->fd = fd;
    outsider->key = outsider_key(seed);
    outsider->info = outsider_info(outsider->key, network);
    memcpy(outsider->id, outsider->info.id, sizeof outsider->id);
    outsider->goes_to = goes_to;
    outsider->pongs = true;
    random_fill(ephemeral, sizeof ephemeral);
    outsider->secret = secretconn_new(outsider->key, ephemeral);
    outsider->mconn = mconn_new(channels, sizeof channels / sizeof channels[0]);
    size_t i = 0;
    while (i < OUTSIDERS_MAX && outsiders[i] != NULL)
        i++;
    assert(i < OUTSIDERS_MAX);
    outsiders[i] = outsider;
}

void outsider_close(struct outsider *outsider) {
    if (outsider->key == NULL)
        return;
    for (size_t i = 0; i < OUTSIDERS_MAX; i++)
        if (outsiders[i] == outsider)
            outsiders[i] = NULL;
    if (outsider->fd >= 0)
        close(outsider->fd);
    secretconn_free(outsider->secret);
    mconn_free(outsider->mconn);
    ed25519_key_free(outsider->key);
    buffer_close(&outsider->in);
    buffer_close(&outsider->plain);
    buffer_close(&outsider->out);
    buffer_close(&outsider->packets);
    memset(outsider, 0, sizeof *outsider);
}

bool outsider_is_cut_off(const struct outsider *outsider) { return outsider->fd < 0; }

static void cut_off(struct outsider *outsider) {
    close(outsider->fd);
    outsider->fd = -1;
}

void outsider_raw(struct outsider *outsider, const void *bytes, size_t size) { buffer_append(&outsider->out, span_of(bytes, size)); }

void outsider_plain(struct outsider *outsider, const void *bytes, size_t size) {
    secretconn_seal(outsider->secret, &outsider->out, span_of(bytes, size));
}

void outsider_say(struct outsider *outsider, uint8_t channel, const void *bytes, size_t size) {
    struct blob *blob = blob_new(span_of(bytes, size));
    bool taken = mconn_try_send(outsider->mconn, channel, blob);
    assert(taken);
    (void)taken;
    blob_release(blob);
}

/* ---- pumping */

static void receive(struct outsider *outsider) {
    for (int i = 0; i < 64 && !outsider->deaf; i++) {
        ssize_t got = recv(outsider->fd, buffer_reserve(&outsider->in, 65536), 65536, 0);
        if (got > 0) {
            buffer_add(&outsider->in, (size_t)got);
            outsider->bytes += (uint64_t)got;
            continue;
        }
        if (got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK))
            cut_off(outsider);
        return;
    }
}

static void transmit(struct outsider *outsider) {
    while (outsider->fd >= 0 && buffer_size(&outsider->out) > 0) {
        struct span bytes = buffer_span(&outsider->out);
        ssize_t sent = send(outsider->fd, bytes.data, outsider->drips ? 1 : bytes.size, MSG_NOSIGNAL);
        if (sent > 0)
            buffer_consume(&outsider->out, (size_t)sent);
        if (sent > 0 && !outsider->drips)
            continue;
        if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
            cut_off(outsider);
        return;
    }
}

static void note_message(struct outsider *outsider, const struct mconn_message *message) {
    size_t kept = message->bytes.size < sizeof outsider->last ? message->bytes.size : sizeof outsider->last;
    outsider->messages++;
    outsider->last_channel = message->channel;
    outsider->last_size = message->bytes.size;
    if (kept > 0)
        memcpy(outsider->last, message->bytes.data, kept);
    if (outsider->hear != NULL)
        outsider->hear(outsider, message->channel, message->bytes);
}

static void understand(struct outsider *outsider) {
    struct span plain = buffer_span(&outsider->plain);
    size_t before = plain.size;
    struct mconn_message message;
    for (enum mconn_verdict verdict; (verdict = mconn_receive(outsider->mconn, &message, &plain)) != MCONN_MORE;) {
        assert(!mconn_is_fault(verdict));
        outsider->pings += verdict == MCONN_PING;
        if (verdict == MCONN_PING && outsider->pongs)
            mconn_pong(outsider->mconn);
        if (verdict == MCONN_MESSAGE)
            note_message(outsider, &message);
    }
    buffer_consume(&outsider->plain, before - plain.size);
}

static void introduce(struct outsider *outsider) {
    uint8_t bytes[NODE_INFO_BYTES_MAX + 10];
    long size = node_info_decode(&outsider->theirs, buffer_span(&outsider->plain));
    if (size <= 0)
        return;
    buffer_consume(&outsider->plain, (size_t)size);
    outsider_plain(outsider, bytes, node_info_encode(bytes, &outsider->info));
    outsider->stage = OUTSIDER_UP;
}

static void digest(struct outsider *outsider) {
    struct span left = buffer_span(&outsider->in);
    if (outsider->stage == OUTSIDER_SILENT && outsider->goes_to >= OUTSIDER_GREETED) {
        secretconn_greet(outsider->secret, &outsider->out);
        outsider->stage = OUTSIDER_GREETED;
    }
    if (outsider->stage == OUTSIDER_GREETED && outsider->goes_to >= OUTSIDER_SECRET) {
        secretconn_shake(outsider->secret, &outsider->out, &outsider->plain, &left);
        if (secretconn_is_done(outsider->secret))
            outsider->stage = OUTSIDER_SECRET;
    }
    if (outsider->stage >= OUTSIDER_SECRET)
        secretconn_open(outsider->secret, &outsider->plain, &left);
    buffer_consume(&outsider->in, buffer_size(&outsider->in) - left.size);
    if (outsider->stage == OUTSIDER_SECRET && outsider->goes_to >= OUTSIDER_UP)
        introduce(outsider);
    if (outsider->stage == OUTSIDER_UP)
        understand(outsider);
}

void outsider_pump(struct outsider *outsider) {
    if (outsider->fd < 0)
        return;
    receive(outsider);
    digest(outsider);
    if (outsider->stage == OUTSIDER_UP && mconn_is_pending(outsider->mconn) && buffer_size(&outsider->out) < 1 << 20) {
        mconn_pull(outsider->mconn, &outsider->packets, 1 << 20, NULL);
        struct span packets = buffer_span(&outsider->packets);
        outsider_plain(outsider, packets.data, packets.size);
        buffer_consume(&outsider->packets, packets.size);
    }
    if (outsider->fd >= 0)
        transmit(outsider);
}

void outsider_turn(struct event_base *base) {
    for (size_t i = 0; i < OUTSIDERS_MAX; i++)
        if (outsiders[i] != NULL)
            outsider_pump(outsiders[i]);
    if (base != NULL)
        event_base_loop(base, EVLOOP_NONBLOCK);
    usleep(200);
}

void outsider_rest(struct event_base *base, int64_t ms) {
    for (int64_t end = outsider_clock() + ms; outsider_clock() < end;)
        outsider_turn(base);
}
