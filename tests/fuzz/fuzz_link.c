/* A link over a socket pair: a stranger who shakes hands or does not, and then says of himself and sends what the input has, in plain text that is
 * sealed here. A link dies at most once, and whatever it gives upward is a message of a channel that it has. */
#define FUZZ_BYTES_MAX 4096
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "node/pex.h"
#include "node/wire.h"

static const struct mconn_channel channels[] = {{0x20, 6, 2, 1000}, {0x21, 10, 3, 3000}, {0x30, 5, 1, 64}, {WIRE_PEX, 1, 10, WIRE_PEX_BYTES_MAX}};
static struct event_base *base;
static struct ed25519_key *key, *stranger_key;
static struct node_info info = {.p2p_version = 8, .block_version = 11, .listen_addr = "tcp://1.2.3.4:5", .network = "test-chain", .version = "0.38.0",
                                .moniker = "m", .tx_index = "on", .rpc_address = "tcp://0.0.0.0:1", .channel_count = 4, .channels = {0x20, 0x21, 0x30, WIRE_PEX}};

struct told {
    unsigned deaths, messages;
    bool is_up;
    struct pex pex;
    struct pex_talk talk;
};

static const char *authenticated(void *context, struct link *link, const char *id) {
    struct told *told = context;
    (void)link;
    assert(told->deaths == 0 && strlen(id) == 40);
    return NULL;
}

static const char *introduced(void *context, struct link *link) {
    struct told *told = context;
    assert(!told->is_up && told->deaths == 0);
    told->is_up = true;
    pex_peer_up(&told->pex, link, 1700000000000);
    pex_ask(&told->talk, link);
    return NULL;
}

static void message(void *context, struct link *link, uint8_t channel, struct span bytes) {
    struct told *told = context;
    assert(told->is_up && told->deaths == 0);
    if (channel == WIRE_PEX) {
        const char *why = pex_receive(&told->pex, &told->talk, link, bytes, ++told->messages * 1000, 1700000000000);
        if (why != NULL)
            link_kill(link, why, true);
        return;
    }
    assert(channel == 0x20 || channel == 0x21 || channel == 0x30);
    assert(bytes.size <= 3000);
    if (++told->messages == 3 && bytes.size == 1)
        link_kill(link, "enough", false);
}

static void writable(void *context, struct link *link) {
    (void)context;
    (void)link;
}

static void dead(void *context, struct link *link, const char *why, bool fault) {
    struct told *told = context;
    (void)link;
    (void)fault;
    assert(told->deaths++ == 0 && why != NULL && why[0] != '\0' && strlen(why) < LINK_WHY_SIZE);
}

static void begin(void) {
    static const uint8_t ours[32] = {1}, theirs[32] = {2};
    uint8_t bytes[32];
    base = event_base_new();
    key = ed25519_key_new(ours);
    stranger_key = ed25519_key_new(theirs);
    ed25519_key_public(key, bytes);
    struct pubkey pub = pubkey_ed25519(bytes);
    node_info_id_of(info.id, &pub);
}

struct stranger {
    int fd;
    struct secretconn *conn;
    struct buffer in, out, plain;
    bool gone;
};

static void turn(struct stranger *stranger) {
    uint8_t bytes[4096];
    while (buffer_size(&stranger->out) > 0 && !stranger->gone) {
        struct span rest = buffer_span(&stranger->out);
        ssize_t sent = send(stranger->fd, rest.data, rest.size, MSG_NOSIGNAL);
        stranger->gone = sent < 0 && errno != EAGAIN;
        if (sent <= 0)
            break;
        buffer_consume(&stranger->out, (size_t)sent);
    }
    event_base_loop(base, EVLOOP_NONBLOCK);
    for (ssize_t size; (size = recv(stranger->fd, bytes, sizeof bytes, 0)) > 0;)
        buffer_append(&stranger->in, span_of(bytes, (size_t)size));
}

static void shake(struct stranger *stranger) {
    static const uint8_t secret[32] = {0, 2};
    stranger->conn = secretconn_new(stranger_key, secret);
    secretconn_greet(stranger->conn, &stranger->out);
    for (int i = 0; i < 8 && !secretconn_is_done(stranger->conn); i++) {
        turn(stranger);
        struct span left = buffer_span(&stranger->in);
        size_t before = left.size;
        enum secretconn_verdict verdict = secretconn_shake(stranger->conn, &stranger->out, &stranger->plain, &left);
        assert(verdict == SECRETCONN_GOOD);
        buffer_consume(&stranger->in, before - left.size);
    }
    assert(secretconn_is_done(stranger->conn));
    turn(stranger);
}

/* An honest introduction, so that packets are reached. */
static void introduce(struct stranger *stranger) {
    static uint8_t bytes[NODE_INFO_BYTES_MAX + 10];
    struct node_info theirs = info;
    uint8_t public[32];
    ed25519_key_public(stranger_key, public);
    struct pubkey pub = pubkey_ed25519(public);
    node_info_id_of(theirs.id, &pub);
    secretconn_seal(stranger->conn, &stranger->out, span_of(bytes, node_info_encode(bytes, &theirs)));
    turn(stranger);
}

static bool any(void *context, const struct addrbook_entry *entry) {
    (void)context;
    return entry->bucket_count > 0;
}

static void must_be_bounded(struct pex *pex) {
    struct addrbook_address out;
    assert(addrbook_count(&pex->book) <= (ADDRBOOK_NEW_PER_GROUP + 1) * ADDRBOOK_BUCKET_MAX);
    for (int64_t i = 0; i < 20; i++)
        if (addrbook_pick(&pex->book, &out, 50, 1700000000000 + i, any, NULL))
            addrbook_attempt(&pex->book, out.id, 1700000000000 + i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct told told = {0};
    struct stranger stranger = {0};
    struct fuzz fuzz = fuzz_over(data, size);
    int pair[2];
    if (base == NULL)
        begin();
    const struct link_settings settings = {.base = base, .node_key = key, .info = &info, .channels = channels, .channel_count = 4,
                                           .handshake_timeout_ms = 20000, .dial_timeout_ms = 3000, .ping_interval_ms = 60000, .pong_timeout_ms = 45000};
    const struct link_owner owner = {&told, authenticated, introduced, message, writable, dead, NULL};
    bool paired = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0;
    assert(paired);
    stranger.fd = pair[1];
    struct link *link = link_accept(&settings, &owner, pair[0], "1.2.3.4");
    assert(link != NULL);
    pex_init(&told.pex, info.id, size & 1, "", size & 2);
    uint8_t choice = fuzz_byte(&fuzz);
    if (choice > 0)
        shake(&stranger);
    if (choice > 1) {
        introduce(&stranger);
        assert(told.is_up && told.deaths == 0);
    }
    for (int i = 0; fuzz.at < fuzz.end && i < 20 && told.deaths == 0; i++) {
        struct span piece = fuzz_piece(&fuzz);
        if (choice > 0)
            secretconn_seal(stranger.conn, &stranger.out, piece);
        else
            buffer_append(&stranger.out, piece);
        if (!(choice & 4))
            turn(&stranger);
    }
    turn(&stranger);
    close(stranger.fd);
    event_base_loop(base, EVLOOP_NONBLOCK);
    assert(told.deaths <= 1 && (told.deaths == 1) == (link_phase(link) == LINK_DEAD));
    must_be_bounded(&told.pex);
    pex_close(&told.pex);
    link_free(link);
    event_base_loop(base, EVLOOP_NONBLOCK);
    secretconn_free(stranger.conn);
    buffer_close(&stranger.in);
    buffer_close(&stranger.out);
    buffer_close(&stranger.plain);
    fuzz_end();
    return 0;
}
