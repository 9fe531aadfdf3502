#include "rpc/websocket.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <wslay/wslay.h>

#include "crypto/sha1.h"
#include "crypto/text.h"
#include "rpc/http_inside.h"
#include "rpc/subscriber.h"

struct message { /* of the client, not yet answered */
    struct message *next;
    size_t size;
    uint8_t bytes[];
};

struct websocket {
    struct connection *c;
    struct wslay_event_context *frames;
    struct exchange *exchange; /* under way */
    struct message *current;   /* its bytes */
    struct message *first, *last;
    struct subscriber *subscriber;
    size_t counted;            /* bytes in http->out_bytes */
    int64_t heard_ms, ping_ms, stuck_ms; /* stuck: since when the client has taken nothing; 0: nothing waits */
    struct websocket *next_due, *previous_due; /* in rpc's list of those to be flushed at the end of the turn */
    bool due;
    bool ending;               /* it goes when all is out */
    bool ended;                /* all is out; what the client still sends is not read */
    bool broken;
    uint16_t end_code;         /* of the close that is to follow what waits; 0: none */
    char end_why[100];
    bool processing;
};

static struct rpc *rpc_of(const struct websocket *websocket) { return websocket->c->http->rpc; }

struct websocket_patience *websocket_patience(struct rpc *rpc) { return &rpc->websocket_patience; }

struct subscriber *websocket_subscriber(struct websocket *websocket) { return websocket->subscriber; }

/* ---- what libwslay asks for */

static bool is_full(const struct websocket *websocket) { return wslay_event_get_queued_msg_count(websocket->frames) >= WEBSOCKET_WAITING_MAX; }

/* One call at a time, and nothing for clients that do not take what they asked for. */
static bool may_read(const struct websocket *websocket) {
    return websocket->exchange == NULL && websocket->first == NULL && !websocket->ending && !is_full(websocket);
}

static ssize_t take_ahead(struct connection *c, uint8_t *bytes, size_t size) {
    size_t left = c->in_size - c->in_at;
    size = left < size ? left : size;
    memcpy(bytes, c->in + c->in_at, size);
    c->in_at += size;
    return (ssize_t)size;
}

static ssize_t on_recv(wslay_event_context_ptr frames, uint8_t *bytes, size_t size, int flags, void *context) {
    struct websocket *websocket = context;
    struct connection *c = websocket->c;
    (void)flags;
    if (!may_read(websocket)) {
        wslay_event_set_error(frames, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    ssize_t got = c->in_at < c->in_size ? take_ahead(c, bytes, size) : stream_read(&c->stream, bytes, size);
    if (got > 0) {
        websocket->heard_ms = rpc_clock_ms();
        return got;
    }
    if (got == STREAM_AGAIN && c->stream.wants_write)
        event_add(c->writable, NULL);
    websocket->broken = got == STREAM_OVER;
    wslay_event_set_error(frames, got == STREAM_AGAIN ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static ssize_t on_send(wslay_event_context_ptr frames, const uint8_t *bytes, size_t size, int flags, void *context) {
    struct websocket *websocket = context;
    (void)flags;
    ssize_t sent = stream_write(&websocket->c->stream, &(struct iovec){(void *)(uintptr_t)bytes, size}, 1);
    if (sent > 0) {
        websocket->stuck_ms = rpc_clock_ms();
        return sent;
    }
    wslay_event_set_error(frames, sent == STREAM_OVER ? WSLAY_ERR_CALLBACK_FAILURE : WSLAY_ERR_WOULDBLOCK);
    return -1;
}

static void on_message(wslay_event_context_ptr frames, const struct wslay_event_on_msg_recv_arg *arg, void *context) {
    struct websocket *websocket = context;
    (void)frames;
    if (wslay_is_ctrl_frame(arg->opcode) || websocket->ending)
        return; /* libwslay answers pings and the close itself */
    struct message *message = malloc(sizeof *message + arg->msg_length);
    assert(message != NULL);
    *message = (struct message){.size = arg->msg_length};
    if (arg->msg_length > 0)
        memcpy(message->bytes, arg->msg, arg->msg_length);
    *(websocket->last == NULL ? &websocket->first : &websocket->last->next) = message;
    websocket->last = message;
}

/* ---- sending */

static void count(struct websocket *websocket) {
    struct http *http = websocket->c->http;
    size_t now = websocket->frames == NULL ? 0 : wslay_event_get_queued_msg_length(websocket->frames);
    http->out_bytes += now - websocket->counted;
    websocket->counted = now;
}

static void flush_later(struct websocket *websocket) {
    struct rpc *rpc = rpc_of(websocket);
    if (websocket->due)
        return;
    websocket->due = true;
    websocket->previous_due = NULL;
    websocket->next_due = rpc->due;
    if (rpc->due != NULL)
        rpc->due->previous_due = websocket;
    rpc->due = websocket;
    rpc_touch(rpc);
}

static void not_due(struct websocket *websocket) {
    if (!websocket->due)
        return;
    *(websocket->previous_due == NULL ? &rpc_of(websocket)->due : &websocket->previous_due->next_due) = websocket->next_due;
    if (websocket->next_due != NULL)
        websocket->next_due->previous_due = websocket->previous_due;
    websocket->due = false;
}

void websocket_flush_due(struct rpc *rpc) {
    while (rpc->due != NULL) {
        struct websocket *websocket = rpc->due;
        struct connection *c = websocket->c;
        http_enter(c);
        not_due(websocket);
        websocket_writable(websocket);
        http_leave(c);
    }
}

void websocket_send(struct websocket *websocket, struct span text) {
    if (websocket->c->closed || websocket->ending)
        return;
    struct wslay_event_msg message = {WSLAY_TEXT_FRAME, text.data, text.size};
    int failed = wslay_event_queue_msg(websocket->frames, &message);
    assert(failed != WSLAY_ERR_NOMEM); /* or it is closing, and nobody will hear it */
    count(websocket);
    flush_later(websocket);
}

static void flush(struct websocket *websocket) {
    struct connection *c = websocket->c;
    if (c->closed)
        return;
    if (websocket->stuck_ms == 0)
        websocket->stuck_ms = rpc_clock_ms();
    int failed = wslay_event_send(websocket->frames);
    if (failed == 0 && websocket->end_code != 0 && !wslay_event_want_write(websocket->frames)) {
        /* Not before: libwslay lets a close overtake what waits. */
        wslay_event_queue_close(websocket->frames, websocket->end_code, (const uint8_t *)websocket->end_why, strlen(websocket->end_why));
        websocket->end_code = 0;
        failed = wslay_event_send(websocket->frames);
    }
    if (failed != 0) {
        http_close(c);
        return;
    }
    count(websocket);
    if (wslay_event_want_write(websocket->frames)) {
        event_add(c->writable, NULL);
        http_cap_output(c->http); /* it may be this one that goes */
        return;
    }
    websocket->stuck_ms = 0;
    if (wslay_event_get_close_sent(websocket->frames) && !websocket->ended) {
        websocket->ended = true;
        stream_shut(&c->stream);
        c->deadline_ms = rpc_clock_ms() + LINGER_MS; /* what it still sends would reset the connection, and the last word were lost */
        http_want_read(c, true);
    }
}

void websocket_end(struct websocket *websocket, struct span text, uint16_t code, const char *why) {
    if (websocket->c->closed || websocket->ending)
        return;
    websocket_send(websocket, text);
    websocket->ending = true;
    websocket->end_code = code;
    snprintf(websocket->end_why, sizeof websocket->end_why, "%s", why);
    count(websocket);
    flush_later(websocket);
}

uint32_t websocket_waiting(const struct websocket *websocket) { return (uint32_t)wslay_event_get_queued_msg_count(websocket->frames); }

size_t websocket_untaken(const struct websocket *websocket) { return websocket->counted; }

/* ---- calls */

static void answer(struct websocket *websocket, struct exchange *exchange) {
    struct span body = exchange_body(exchange);
    if (body.size > 0)
        websocket_send(websocket, body);
    exchange_close(exchange);
    free(websocket->current);
    websocket->current = NULL;
    websocket->exchange = NULL;
}

static void process(struct websocket *websocket);

static void on_done(struct exchange *exchange) {
    struct websocket *websocket = exchange->context;
    struct connection *c = websocket->c;
    http_enter(c);
    answer(websocket, exchange);
    process(websocket);
    flush(websocket);
    if (!c->closed)
        websocket_readable(websocket); /* what libwslay has read already comes without the socket */
    http_leave(c);
}

static void process(struct websocket *websocket) {
    while (websocket->exchange == NULL && websocket->first != NULL && !websocket->c->closed && !websocket->ending && !is_full(websocket)) {
        struct exchange *exchange = exchange_open(rpc_of(websocket));
        websocket->current = websocket->first;
        websocket->first = websocket->current->next;
        if (websocket->first == NULL)
            websocket->last = NULL;
        exchange->websocket = websocket;
        exchange->done = on_done;
        exchange->context = websocket;
        exchange->rights = websocket->c->rights;
        exchange->client = websocket->c->client;
        websocket->exchange = exchange;
        if (exchange_socket(exchange, span_of(websocket->current->bytes, websocket->current->size)))
            answer(websocket, exchange);
    }
}

/* ---- events of the socket */

static void want(struct websocket *websocket) {
    struct connection *c = websocket->c;
    if (!c->closed && !websocket->ended)
        http_want_read(c, may_read(websocket));
}

static void drain(struct connection *c) {
    uint8_t waste[16384];
    if (stream_read(&c->stream, waste, sizeof waste) == STREAM_OVER)
        http_close(c);
}

void websocket_readable(struct websocket *websocket) {
    struct connection *c = websocket->c;
    if (websocket->ended)
        return drain(c);
    if (websocket->processing)
        return;
    websocket->processing = true;
    while (!c->closed && !websocket->ended) {
        bool read = may_read(websocket);
        if (read && wslay_event_recv(websocket->frames) != 0) {
            websocket->ending = true; /* it broke the rules: libwslay has queued a close without a code; or it is gone */
            if (websocket->broken)
                http_close(c);
        }
        bool more = websocket->first != NULL && websocket->exchange == NULL && !is_full(websocket) && !websocket->ending;
        process(websocket);
        flush(websocket);
        if (!more)
            break;
    }
    websocket->processing = false;
    want(websocket);
}

void websocket_writable(struct websocket *websocket) {
    bool was_full = is_full(websocket);
    flush(websocket);
    if (websocket->c->closed || websocket->ended)
        return;
    rpc_touch(rpc_of(websocket)); /* its subscriptions may go on */
    if (was_full && !is_full(websocket))
        websocket_readable(websocket);
}

void websocket_look(struct websocket *websocket, int64_t now_ms) {
    const struct websocket_patience *patience = &rpc_of(websocket)->websocket_patience;
    if (websocket->ended) {
        if (websocket->c->deadline_ms <= now_ms)
            http_close(websocket->c);
        return;
    }
    if (websocket->stuck_ms != 0 && now_ms - websocket->stuck_ms >= patience->write_ms) {
        if (websocket->ending || !subscriber_is_slow(websocket->subscriber)) {
            http_close(websocket->c);
            return;
        }
        websocket->stuck_ms = now_ms; /* once more, for the word about it */
    }
    if (now_ms - websocket->heard_ms >= patience->read_ms && may_read(websocket)) {
        http_close(websocket->c);
        return;
    }
    if (now_ms < websocket->ping_ms)
        return;
    websocket->ping_ms = now_ms + patience->ping_ms;
    struct wslay_event_msg ping = {WSLAY_PING, NULL, 0};
    wslay_event_queue_msg(websocket->frames, &ping);
    flush_later(websocket);
}

/* ---- life */

static struct websocket *open_websocket(struct connection *c) {
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback = on_recv, .send_callback = on_send, .on_msg_recv_callback = on_message};
    struct websocket *websocket = calloc(1, sizeof *websocket);
    assert(websocket != NULL);
    websocket->c = c;
    int failed = wslay_event_context_server_init(&websocket->frames, &callbacks, websocket);
    assert(failed == 0);
    (void)failed;
    wslay_event_config_set_max_recv_msg_length(websocket->frames, c->http->rpc->config.max_body_bytes);
    websocket->heard_ms = rpc_clock_ms();
    websocket->ping_ms = websocket->heard_ms + c->http->rpc->websocket_patience.ping_ms;
    websocket->subscriber = subscriber_new(c->http->rpc, websocket);
    return websocket;
}

void websocket_close(struct websocket *websocket) {
    if (websocket->exchange != NULL) {
        exchange_close_with(websocket->exchange, websocket->current);
        websocket->exchange = NULL;
        websocket->current = NULL;
    }
    not_due(websocket);
    subscriber_free(websocket->subscriber);
    websocket->subscriber = NULL;
    websocket->c->http->out_bytes -= websocket->counted;
    websocket->counted = 0;
}

void websocket_free(struct websocket *websocket) {
    wslay_event_context_free(websocket->frames);
    free(websocket->current);
    for (struct message *message = websocket->first, *next; message != NULL; message = next) {
        next = message->next;
        free(message);
    }
    free(websocket);
}

/* ---- the handshake */

static bool key_is_good(struct span key) {
    uint8_t bytes[24];
    size_t size;
    return text_base64_decode(bytes, &size, sizeof bytes, key) && size == 16;
}

static const char *fault_of(const struct request *request, int *status) {
    *status = 400;
    if (!request->wants_upgrade)
        return "websocket: the client is not using the websocket protocol: 'upgrade' token not found in 'Connection' header";
    if (!request_list_has(request->upgrade, span_text("websocket")))
        return "websocket: the client is not using the websocket protocol: 'websocket' token not found in 'Upgrade' header";
    if (!span_equal(request->socket_version, span_text("13")))
        return "websocket: unsupported version: 13 not found in 'Sec-Websocket-Version' header";
    if (!key_is_good(request->socket_key))
        return "websocket: not a websocket handshake: 'Sec-WebSocket-Key' header must be Base64 encoded value of 16-byte in length";
    *status = 405;
    return span_equal(request->method, span_text("GET")) && !request->is_http_1_0 ? NULL
                                                                                   : "websocket: request method is not GET";
}

static void refuse(struct connection *c, int status, const char *why) {
    struct http_answer answer = {
        .status = status,
        .type = span_text("text/plain; charset=utf-8"),
        .body = span_text(why),
        .lines = "Sec-Websocket-Version: 13\r\nX-Content-Type-Options: nosniff\r\n",
    };
    http_answer(c, &answer, NULL);
}

static void put_accept(struct emit *head, struct span key) {
    uint8_t hash[SHA1_BYTES];
    char text[64 + 36 + 1], accept[TEXT_BASE64_SIZE(SHA1_BYTES)];
    size_t size = key.size < 64 ? key.size : 64;
    memcpy(text, key.data, size);
    memcpy(text + size, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 36);
    sha1_once(hash, span_of(text, size + 36));
    text_base64(accept, span_of(hash, sizeof hash));
    emit_literal(head, accept);
}

void websocket_upgrade(struct connection *c) {
    int status;
    const char *fault = fault_of(&c->request, &status);
    if (fault != NULL)
        return refuse(c, status, fault);
    struct emit *head = &c->http->head;
    head->size = 0;
    emit_literal(head, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ");
    put_accept(head, c->request.socket_key);
    emit_literal(head, "\r\n\r\n");
    if (stream_write(&c->stream, &(struct iovec){head->data, head->size}, 1) != (ssize_t)head->size)
        return http_close(c); /* the client has not even room for this */
    c->websocket = open_websocket(c);
    c->deadline_ms = INT64_MAX;
}
