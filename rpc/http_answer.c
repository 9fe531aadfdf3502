/* What goes out: heads, bodies, and what the socket did not take. */
#include <assert.h>
#include <stdio.h>
#include <time.h>

#include "rpc/cors.h"
#include "rpc/http_inside.h"

static const char *reason_of(int status) {
    switch (status) {
    case 200: return "OK";
    case 204: return "No Content";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 501: return "Not Implemented";
    case 505: return "HTTP Version Not Supported";
    default: return "Internal Server Error";
    }
}

static const char *stamp_of(struct http *http) {
    struct timestamp now = http->rpc->host.now(http->rpc->host.context);
    if (now.seconds != http->stamp_at) {
        struct tm parts;
        char date[40];
        time_t seconds = (time_t)now.seconds;
        gmtime_r(&seconds, &parts);
        strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &parts);
        snprintf(http->stamp, sizeof http->stamp, "X-Server-Time: %lld\r\nDate: %s\r\n", (long long)now.seconds, date);
        http->stamp_at = now.seconds;
    }
    return http->stamp;
}

static void write_head(struct connection *c, const struct http_answer *answer) {
    struct emit *head = &c->http->head;
    char text[128];
    head->size = 0;
    snprintf(text, sizeof text, "HTTP/1.1 %d %s\r\n", answer->status, reason_of(answer->status));
    emit_literal(head, text);
    emit_literal(head, stamp_of(c->http));
    if (answer->type.size > 0) {
        emit_literal(head, "Content-Type: ");
        emit_raw(head, answer->type);
        emit_literal(head, "\r\n");
    }
    if (answer->cacheable)
        emit_literal(head, "Cache-Control: public, max-age=86400\r\n");
    if (answer->lines != NULL)
        emit_literal(head, answer->lines);
    if (c->head_size > 0)
        cors_headers(head, &c->http->rpc->config, &c->request);
    if (c->closing)
        emit_literal(head, "Connection: close\r\n");
    else if (c->request.is_http_1_0)
        emit_literal(head, "Connection: keep-alive\r\n");
    snprintf(text, sizeof text, "Content-Length: %zu\r\n\r\n", answer->body.size);
    emit_literal(head, answer->status == 204 ? "\r\n" : text);
}

static size_t untaken(const struct connection *c) { return c->websocket != NULL ? websocket_untaken(c->websocket) : c->out.capacity; }

void http_cap_output(struct http *http) {
    while (http->out_bytes > http->patience.output_bytes_max) {
        struct connection *worst = http->connections;
        for (struct connection *c = worst; c != NULL; c = c->next)
            if (untaken(c) > untaken(worst))
                worst = c;
        http_drop(worst);
    }
}

/* Keeps what the socket did not take: `taken` bytes of head and body are gone. The body's memory moves if it can. */
static void keep_output(struct connection *c, struct span body, size_t taken, struct emit *owner) {
    struct emit *head = &c->http->head;
    assert(c->out.size == 0);
    if (taken >= head->size && owner != NULL && owner->capacity > 0) {
        size_t offset = (size_t)((const char *)body.data - owner->data);
        c->out = emit_take(owner);
        c->out_at = offset + (taken - head->size);
    } else {
        emit_init(&c->out);
        emit_room(&c->out, head->size + body.size);
        emit_raw(&c->out, span_of(head->data, head->size));
        emit_raw(&c->out, body);
        c->out_at = taken;
    }
    c->http->out_bytes += c->out.capacity;
    c->deadline_ms = rpc_clock_ms() + c->http->patience.write_ms + (int64_t)((c->out.size - c->out_at) / WRITE_BYTES_PER_MS);
    http_want_read(c, false);
    event_add(c->writable, NULL);
    http_cap_output(c->http);
}

static void begin_linger(struct connection *c) {
    stream_shut(&c->stream);
    c->lingering = true;
    c->deadline_ms = rpc_clock_ms() + LINGER_MS;
    http_want_read(c, true);
}

void http_answer_is_out(struct connection *c) {
    if (!c->closing)
        return;
    /* The client may still be sending: closing now would reset the connection and lose the answer. */
    begin_linger(c);
}

void http_answer(struct connection *c, const struct http_answer *answer, struct emit *owner) {
    write_head(c, answer);
    struct span body = answer->body;
    if (c->head_size > 0 && span_equal(c->request.method, span_text("HEAD")))
        body.size = 0;
    struct iovec pieces[2] = {
        {c->http->head.data, c->http->head.size},
        {(void *)(uintptr_t)body.data, body.size},
    };
    ssize_t sent = stream_write(&c->stream, pieces, body.size > 0 ? 2 : 1);
    if (sent == STREAM_OVER) {
        http_close(c);
        return;
    }
    size_t taken = sent < 0 ? 0 : (size_t)sent;
    if (taken < c->http->head.size + body.size)
        keep_output(c, body, taken, owner);
    else
        http_answer_is_out(c);
}

void http_answer_exchange(struct connection *c, struct exchange *exchange) {
    struct http_answer answer = {
        .status = exchange->status,
        .cacheable = exchange->cacheable,
        .body = exchange_body(exchange),
    };
    if (answer.status == 429)
        answer.lines = "Retry-After: 1\r\n";
    if (answer.body.size > 0)
        answer.type = exchange->plain.size > 0 ? exchange->plain : span_text("application/json");
    http_answer(c, &answer, &exchange->out);
}

/* The connection ends with a plain word on why. */
void http_refuse(struct connection *c, int status) {
    char text[64];
    snprintf(text, sizeof text, "%d %s", status, reason_of(status));
    c->closing = true;
    struct http_answer answer = {.status = status, .type = span_text("text/plain; charset=utf-8"), .body = span_text(text)};
    if (status == 401)
        answer.lines = "WWW-Authenticate: Bearer\r\n";
    http_answer(c, &answer, NULL);
}

void http_refuse_body(struct connection *c, const char *why) {
    char text[256];
    snprintf(text, sizeof text,
             "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32600,\"message\":\"Invalid Request\",\"data\":\"error reading request body: %s\"}}", why);
    c->closing = true;
    http_answer(c, &(struct http_answer){.status = 400, .type = span_text("application/json"), .body = span_text(text)}, NULL);
}
