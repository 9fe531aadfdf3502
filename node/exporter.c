#include "node/exporter.h"

#include <assert.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/complaint.h"
#include "node/metrics.h"
#include "rpc/listen.h"
#include "rpc/request.h"

enum { HEAD_MAX = 8192, PATIENCE_S = 10, CONNECTIONS_MAX = 64 };

struct caller {
    struct exporter *exporter;
    struct caller *next, **place;
    struct bufferevent *socket;
    bool answered;
};

struct exporter {
    struct event_base *base;
    struct evconnlistener *listener;
    char address[128];
    uint32_t callers_max, caller_count;
    struct caller *callers;
    exporter_write *write;
    void *context;
};

static void hang_up(struct caller *caller) {
    struct exporter *exporter = caller->exporter;
    *caller->place = caller->next;
    if (caller->next != NULL)
        caller->next->place = caller->place;
    exporter->caller_count--;
    bufferevent_free(caller->socket);
    free(caller);
}

static void answer(struct caller *caller, const char *status, const char *type, struct span body) {
    char head[256];
    int size = snprintf(head, sizeof head, "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n", status, type, body.size);
    caller->answered = true;
    bufferevent_disable(caller->socket, EV_READ);
    bufferevent_write(caller->socket, head, (size_t)size);
    bufferevent_write(caller->socket, body.data, body.size);
}

static void answer_metrics(struct caller *caller) {
    struct emit emit;
    emit_init(&emit);
    caller->exporter->write(caller->exporter->context, &emit);
    answer(caller, "200 OK", METRICS_TYPE, span_of(emit.data, emit.size));
    emit_close(&emit);
}

static void serve(struct caller *caller, struct span head) {
    struct request request;
    if (request_parse(&request, head) != 0)
        answer(caller, "400 Bad Request", "text/plain", span_text("no HTTP\n"));
    else if (!span_equal(request.method, span_text("GET")) && !span_equal(request.method, span_text("HEAD")))
        answer(caller, "405 Method Not Allowed", "text/plain", span_text("GET /metrics\n"));
    else if (!span_equal(request.path, span_text("/metrics")) && !span_equal(request.path, span_text("/")))
        answer(caller, "404 Not Found", "text/plain", span_text("GET /metrics\n"));
    else if (span_equal(request.method, span_text("HEAD")))
        answer(caller, "200 OK", METRICS_TYPE, span_text(""));
    else
        answer_metrics(caller);
}

static void on_read(struct bufferevent *socket, void *context) {
    struct caller *caller = context;
    struct evbuffer *input = bufferevent_get_input(socket);
    size_t size = evbuffer_get_length(input), seen = 0;
    struct span bytes = span_of(evbuffer_pullup(input, -1), size);
    size_t head = request_head_size(bytes, &seen);
    if (head > 0)
        serve(caller, span_of(bytes.data, head));
    else if (size > HEAD_MAX)
        hang_up(caller);
}

static void on_written(struct bufferevent *socket, void *context) {
    struct caller *caller = context;
    (void)socket;
    if (caller->answered)
        hang_up(caller);
}

static void on_event(struct bufferevent *socket, short what, void *context) {
    (void)socket;
    (void)what;
    hang_up(context);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address, int size, void *context) {
    struct exporter *exporter = context;
    (void)listener, (void)address, (void)size;
    if (exporter->caller_count == exporter->callers_max) {
        close(fd);
        return;
    }
    struct caller *caller = calloc(1, sizeof *caller);
    assert(caller != NULL);
    struct timeval patience = {PATIENCE_S, 0};
    *caller = (struct caller){.exporter = exporter, .next = exporter->callers, .place = &exporter->callers};
    caller->socket = bufferevent_socket_new(exporter->base, fd, BEV_OPT_CLOSE_ON_FREE);
    if (exporter->callers != NULL)
        exporter->callers->place = &caller->next;
    exporter->callers = caller;
    exporter->caller_count++;
    bufferevent_setcb(caller->socket, on_read, on_written, on_event, caller);
    bufferevent_setwatermark(caller->socket, EV_READ, 0, HEAD_MAX + 1024);
    bufferevent_set_timeouts(caller->socket, &patience, &patience);
    bufferevent_enable(caller->socket, EV_READ | EV_WRITE);
}

/* ":26660" is Go's way to say all addresses. */
static void whole_address(char *out, size_t size, const char *address) {
    const char *rest = strncmp(address, "tcp://", 6) == 0 ? address + 6 : address;
    snprintf(out, size, "tcp://%s%s", rest[0] == ':' ? "0.0.0.0" : "", rest);
}

struct exporter *exporter_start(struct event_base *base, const char *address, uint32_t connections_max, exporter_write *write, void *context, char **error) {
    const char *why = NULL;
    struct exporter *exporter = calloc(1, sizeof *exporter);
    assert(exporter != NULL);
    *exporter = (struct exporter){.base = base, .write = write, .context = context};
    exporter->callers_max = connections_max == 0 || connections_max > CONNECTIONS_MAX ? CONNECTIONS_MAX : connections_max;
    whole_address(exporter->address, sizeof exporter->address, address);
    exporter->listener = listen_at(base, exporter->address, on_accept, exporter, &why);
    if (exporter->listener != NULL)
        return exporter;
    *error = complaint_of("instrumentation.prometheus_listen_addr %s: %s. Is another node running? Give each its own", address, why != NULL ? why : strerror(errno));
    free(exporter);
    return NULL;
}

void exporter_stop(struct exporter *exporter) {
    if (exporter == NULL)
        return;
    while (exporter->callers != NULL)
        hang_up(exporter->callers);
    listen_close(exporter->listener, exporter->address);
    free(exporter);
}

uint16_t exporter_port(const struct exporter *exporter) { return listen_port(exporter->listener); }
