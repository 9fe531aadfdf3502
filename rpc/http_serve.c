/* What comes in: requests, and what is done about them. */
#include "rpc/cors.h"
#include "rpc/http_inside.h"
#include "rpc/ui.h"

/* The request at the front is answered: on to the next. */
static void finish_request(struct connection *c, size_t body_raw) {
    c->in_at += c->head_size + body_raw;
    c->head_size = c->head_seen = 0;
    c->chunks = (struct request_chunks){0};
}

static size_t raw_body_size(const struct connection *c) { return c->request.chunked ? c->chunks.in : (size_t)c->request.length; }

static void on_done(struct exchange *exchange) {
    struct connection *c = exchange->context;
    http_enter(c);
    c->waiting = NULL;
    c->deadline_ms = rpc_clock_ms() + c->http->patience.idle_ms;
    http_answer_exchange(c, exchange);
    exchange_close(exchange);
    if (!c->closed) {
        finish_request(c, raw_body_size(c));
        if (c->out.size == 0)
            http_want_read(c, true);
        http_serve(c);
    }
    http_leave(c);
}

static void send_index(struct connection *c) {
    struct emit page;
    const char *index = c->http->rpc->config.index;
    if (index != NULL)
        return http_answer(c, &(struct http_answer){.status = 200, .type = span_text("text/plain; charset=utf-8"), .body = span_text(index)}, NULL);
    emit_init(&page);
    routes_index(&page, &c->http->rpc->config, c->request.host);
    http_answer(c, &(struct http_answer){.status = 200, .type = span_text("text/html"), .body = span_of(page.data, page.size)}, &page);
    emit_close(&page);
}

/* Files that live in the binary. Browsers ask each time whether they are still the same binary's. */
static bool send_static(struct connection *c) {
    struct ui_file file;
    if (!(span_equal(c->request.method, span_text("GET")) || span_equal(c->request.method, span_text("HEAD"))) || !ui_find(&file, c->request.path))
        return false;
    struct http_answer answer = {
        .status = 200,
        .type = span_text(file.content_type),
        .body = file.body,
        .lines = "Cache-Control: no-cache\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
                 "Content-Security-Policy: " UI_CONTENT_SECURITY_POLICY "\r\n",
    };
    http_answer(c, &answer, NULL);
    return true;
}

static bool is_form(const struct request *request) {
    static const char type[] = "application/x-www-form-urlencoded";
    return span_equal(request->method, span_text("POST")) && request->content_type.size >= sizeof type - 1 &&
           request_text_is(span_of(request->content_type.data, sizeof type - 1), type);
}

/* true: complete. */
static bool run_exchange(struct connection *c, struct exchange *exchange, struct span path, struct span body) {
    if (span_equal(path, span_text("/")))
        return exchange_post(exchange, body);
    struct span method = span_of(path.data + 1, path.size - 1);
    return exchange_uri(exchange, method, c->request.query, is_form(&c->request) ? body : span_of(NULL, 0));
}

/* false: the answer comes later. */
static bool handle(struct connection *c, struct span body) {
    if (cors_is_preflight(&c->http->rpc->config, &c->request)) {
        http_answer(c, &(struct http_answer){.status = 204}, NULL);
        return true;
    }
    struct span path = c->request.path;
    if (span_equal(path, span_text("/")) && body.size == 0) {
        send_index(c);
        return true;
    }
    if (span_equal(path, span_text("/websocket"))) {
        websocket_upgrade(c);
        return true;
    }
    if (send_static(c))
        return true;
    struct exchange *exchange = exchange_open(c->http->rpc);
    exchange->done = on_done;
    exchange->context = c;
    exchange->rights = c->rights;
    exchange->client = c->client;
    if (memchr(path.data, '%', path.size) != NULL && !args_unescape(&path, path, false, &exchange->arena)) {
        exchange_close(exchange);
        http_refuse(c, 400);
        return true;
    }
    bool complete = run_exchange(c, exchange, path, body);
    if (complete) {
        http_answer_exchange(c, exchange);
        exchange_close(exchange);
    } else {
        c->waiting = exchange;
        c->deadline_ms = INT64_MAX; /* the waiters have their own */
    }
    return complete;
}

static void say_continue(struct connection *c) {
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    ssize_t sent = stream_write(&c->stream, &(struct iovec){(void *)(uintptr_t)text, sizeof text - 1}, 1);
    if (sent != (ssize_t)sizeof text - 1)
        http_close(c); /* the buffer of a client that has got nothing yet is full: no client of ours */
}

/* false: not whole yet, or refused. */
static bool take_head(struct connection *c) {
    const struct rpc_config *config = &c->http->rpc->config;
    struct span unread = span_of(c->in + c->in_at, c->in_size - c->in_at);
    size_t size = request_head_size(unread, &c->head_seen);
    if ((size == 0 ? unread.size : size) > config->max_header_bytes) {
        http_refuse(c, 431);
        return false;
    }
    if (size == 0)
        return false;
    int status = request_parse(&c->request, span_of(unread.data, size));
    if (status != 0) {
        http_refuse(c, status);
        return false;
    }
    c->head_size = size;
    c->closing = !c->request.keep_alive;
    c->rights = access_of(&c->http->rpc->access, c->request.authorization);
    if (c->rights < 0) {
        http_refuse(c, 401);
        return false;
    }
    if (c->request.length > config->max_body_bytes) {
        http_refuse_body(c, "http: request body too large");
        return false;
    }
    if (c->request.expects_continue && unread.size == size)
        say_continue(c);
    return !c->closed;
}

/* The body's bytes, once whole. */
static bool take_body(struct connection *c, struct span *body) {
    uint8_t *raw = c->in + c->in_at + c->head_size;
    size_t raw_size = c->in_size - c->in_at - c->head_size;
    if (!c->request.chunked) {
        *body = span_of(raw, (size_t)c->request.length);
        return raw_size >= c->request.length;
    }
    enum request_progress progress = request_unchunk(&c->chunks, raw, raw_size, c->http->rpc->config.max_body_bytes);
    *body = span_of(raw, c->chunks.out);
    if (progress == REQUEST_TOO_LARGE)
        http_refuse_body(c, "http: request body too large");
    else if (progress == REQUEST_BAD)
        http_refuse_body(c, "malformed chunked encoding");
    else if (progress == REQUEST_MORE) { /* the framing's place is free again */
        memmove(raw + c->chunks.out, raw + c->chunks.in, raw_size - c->chunks.in);
        c->in_size -= c->chunks.in - c->chunks.out;
        c->chunks.in = c->chunks.out;
    }
    return progress == REQUEST_WHOLE;
}

bool http_is_open(const struct connection *c) { return !c->closed && !c->lingering && c->waiting == NULL && c->out.size == 0; }

static void skip_blank_lines(struct connection *c) {
    while (c->head_size == 0 && c->head_seen == 0 && c->in_at < c->in_size && (c->in[c->in_at] == '\r' || c->in[c->in_at] == '\n'))
        c->in_at++;
}

void http_serve(struct connection *c) {
    struct span body;
    while (http_is_open(c)) {
        skip_blank_lines(c);
        if (c->in_at == c->in_size)
            break;
        if ((c->head_size == 0 && !take_head(c)) || !take_body(c, &body))
            return;
        c->deadline_ms = rpc_clock_ms() + c->http->patience.idle_ms;
        if (!handle(c, body) || c->closed)
            return;
        if (c->websocket != NULL) {
            c->in_at += c->head_size + raw_body_size(c); /* what the client has sent ahead is the websocket's */
            websocket_readable(c->websocket);
            return;
        }
        finish_request(c, raw_body_size(c));
        if (c->in_at < c->in_size && c->out.size == 0 && !c->lingering)
            c->deadline_ms = rpc_clock_ms() + c->http->patience.read_ms;
    }
}
