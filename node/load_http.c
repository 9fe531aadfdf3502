#define _GNU_SOURCE
#include "node/load_http.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_PIECE 65536

/* Where */

static const char *split(char *host, size_t host_size, char *port, size_t port_size, const char *url) {
    const char *scheme = strstr(url, "://");
    if (scheme != NULL) {
        if (strncmp(url, "http://", 7) != 0 && strncmp(url, "tcp://", 6) != 0)
            return "only http:// is spoken here";
        url = scheme + 3;
    }
    size_t size = strcspn(url, "/");
    if (url[size] == '/' && url[size + 1] != '\0')
        return "an endpoint has no path";
    const char *colon = memrchr(url, ':', size);
    if (colon == NULL)
        return "a port is missing (http://host:port)";
    size_t name = (size_t)(colon - url), digits = size - name - 1;
    if (name > 1 && url[0] == '[' && url[name - 1] == ']') {
        url++;
        name -= 2;
    }
    if (name == 0 || name >= host_size || digits == 0 || digits >= port_size)
        return "not of the form http://host:port";
    memcpy(host, url, name);
    memcpy(port, colon + 1, digits);
    host[name] = port[digits] = '\0';
    return NULL;
}

const char *load_http_resolve(struct load_http_place *place, const char *url) {
    char host[LOAD_HTTP_HOST_MAX - 16], port[6];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found;
    const char *fault = split(host, sizeof host, port, sizeof port, url);
    if (fault != NULL)
        return fault;
    int error = getaddrinfo(host, port, &hints, &found);
    if (error != 0)
        return gai_strerror(error);
    assert(found->ai_addrlen <= sizeof place->address);
    memcpy(place->address, found->ai_addr, found->ai_addrlen);
    place->address_size = found->ai_addrlen;
    snprintf(place->host, sizeof place->host, strchr(host, ':') == NULL ? "%s:%s" : "[%s]:%s", host, port);
    freeaddrinfo(found);
    return NULL;
}

/* The connection */

static void forget_answer(struct load_http *http) {
    http->in_body = http->is_chunked = http->is_last = false;
    http->status = 0;
    http->head_size = http->length = 0;
    buffer_consume(&http->chunks, buffer_size(&http->chunks));
}

void load_http_init(struct load_http *http, struct event_base *base, const struct load_http_place *place, size_t body_max,
                    struct load_http_owner owner) {
    *http = (struct load_http){.base = base, .place = place, .owner = owner, .body_max = body_max, .fd = -1};
    buffer_init(&http->in);
    buffer_init(&http->out);
    buffer_init(&http->chunks);
}

void load_http_close(struct load_http *http) {
    if (http->readable != NULL)
        event_free(http->readable);
    if (http->writable != NULL)
        event_free(http->writable);
    http->readable = http->writable = NULL;
    if (http->fd >= 0)
        close(http->fd);
    http->fd = -1;
    http->is_waiting = false;
    forget_answer(http);
    buffer_close(&http->in);
    buffer_close(&http->out);
    buffer_close(&http->chunks);
}

static void break_off(struct load_http *http, const char *reason) {
    bool was_waiting = http->is_waiting;
    load_http_close(http);
    if (was_waiting)
        http->owner.broke(http->owner.context, reason);
}

/* Reading */

/* The value of a header line, or empty. `head` ends with an empty line. */
static struct span header(struct span head, const char *name) {
    const char *at = (const char *)head.data, *end = at + head.size;
    size_t size = strlen(name);
    while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        at++;
        if ((size_t)(end - at) <= size || strncasecmp(at, name, size) != 0 || at[size] != ':')
            continue;
        const char *value = at + size + 1, *stop = memchr(value, '\r', (size_t)(end - value));
        if (stop == NULL)
            break;
        while (value < stop && *value == ' ')
            value++;
        return span_of(value, (size_t)(stop - value));
    }
    return span_of(NULL, 0);
}

static bool size_of_digits(size_t *out, struct span digits, unsigned base) {
    size_t value = 0;
    if (digits.size == 0 || digits.size > (base == 16 ? 12U : 15U))
        return false;
    for (size_t i = 0; i < digits.size; i++) {
        unsigned c = digits.data[i] | 32U;
        unsigned digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
        if (digit >= base)
            return false;
        value = value * base + digit;
    }
    *out = value;
    return true;
}

static const char *read_head(struct load_http *http, struct span head) {
    if (head.size < 15 || memcmp(head.data, "HTTP/1.", 7) != 0 || head.data[8] != ' ')
        return "the answer is no HTTP/1.1";
    http->status = atoi((const char *)head.data + 9);
    if (header(head, "Content-Encoding").size > 0)
        return "the answer is compressed, which was not asked for";
    http->is_last = span_equal(header(head, "Connection"), span_text("close"));
    struct span length = header(head, "Content-Length");
    http->is_chunked = span_equal(header(head, "Transfer-Encoding"), span_text("chunked"));
    if (!http->is_chunked && !size_of_digits(&http->length, length, 10))
        return "the answer has no length";
    if (http->length > http->body_max)
        return "the answer is longer than allowed";
    http->in_body = true;
    return NULL;
}

/* The next chunk, if it is here whole. *length −1: more is needed; 0: it was the last. */
static const char *take_chunk(struct load_http *http, long *length) {
    struct span bytes = buffer_span(&http->in);
    const uint8_t *line = bytes.size == 0 ? NULL : memmem(bytes.data, bytes.size < 64 ? bytes.size : 64, "\r\n", 2);
    size_t size, line_size = line == NULL ? 0 : (size_t)(line - bytes.data);
    *length = -1;
    if (line == NULL)
        return bytes.size >= 64 ? "a chunk of the answer has no size" : NULL;
    const uint8_t *extension = memchr(bytes.data, ';', line_size);
    if (!size_of_digits(&size, span_of(bytes.data, extension == NULL ? line_size : (size_t)(extension - bytes.data)), 16))
        return "a chunk of the answer has no size";
    if (size > http->body_max || buffer_size(&http->chunks) + size > http->body_max)
        return "the answer is longer than allowed";
    if (bytes.size < line_size + 2 + size + 2)
        return NULL;
    if (memcmp(line + 2 + size, "\r\n", 2) != 0)
        return "a chunk of the answer is not as long as it says";
    buffer_append(&http->chunks, span_of(line + 2, size));
    buffer_consume(&http->in, line_size + 2 + size + 2);
    *length = (long)size;
    return NULL;
}

static const char *read_chunks(struct load_http *http, bool *whole) {
    long length;
    const char *fault;
    do {
        fault = take_chunk(http, &length);
    } while (fault == NULL && length > 0);
    *whole = fault == NULL && length == 0;
    return fault;
}

/* The owner may post from within: so the answer's bytes move aside first. */
static void hand_over(struct load_http *http, struct buffer *from, size_t size) {
    int status = http->status;
    bool is_last = http->is_last;
    struct buffer answer = *from;
    buffer_init(from);
    http->is_waiting = false;
    forget_answer(http);
    if (is_last)
        load_http_close(http);
    http->owner.answered(http->owner.context, status, span_of(buffer_span(&answer).data, size));
    if (from->data == NULL && answer.capacity <= READ_PIECE * 2) { /* kept for the next answer */
        answer.begin = answer.end = 0;
        *from = answer;
    } else {
        buffer_close(&answer);
    }
}

static const char *read_body(struct load_http *http) {
    if (http->is_chunked) {
        bool whole;
        const char *fault = read_chunks(http, &whole);
        if (whole && buffer_size(&http->in) > 0)
            fault = "bytes follow the answer";
        else if (whole)
            hand_over(http, &http->chunks, buffer_size(&http->chunks));
        return fault;
    }
    if (buffer_size(&http->in) < http->length)
        return NULL;
    if (buffer_size(&http->in) > http->length)
        return "bytes follow the answer";
    hand_over(http, &http->in, http->length);
    return NULL;
}

static const char *understand(struct load_http *http) {
    struct span bytes = buffer_span(&http->in);
    if (!http->is_waiting)
        return "an answer that nobody asked for";
    if (!http->in_body) {
        const uint8_t *end = memmem(bytes.data, bytes.size, "\r\n\r\n", 4);
        if (end == NULL)
            return bytes.size > LOAD_HTTP_HEAD_MAX ? "the answer's header has no end" : NULL;
        size_t size = (size_t)(end - bytes.data) + 4;
        const char *fault = read_head(http, span_of(bytes.data, size));
        if (fault != NULL)
            return fault;
        http->in.begin += size; /* not consumed: an emptied buffer would give its room back */
    }
    return read_body(http);
}

static void on_readable(evutil_socket_t fd, short what, void *context) {
    struct load_http *http = context;
    (void)what;
    uint8_t *room = buffer_reserve(&http->in, READ_PIECE);
    ssize_t got = recv(fd, room, http->in.capacity - http->in.end, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        break_off(http, got == 0 ? "the node closed the connection" : strerror(errno));
        return;
    }
    buffer_add(&http->in, (size_t)got);
    const char *fault = understand(http);
    if (fault != NULL)
        break_off(http, fault);
}

/* Writing */

static void write_out(struct load_http *http) {
    struct span bytes = buffer_span(&http->out);
    ssize_t sent = bytes.size == 0 ? 0 : send(http->fd, bytes.data, bytes.size, MSG_NOSIGNAL);
    if (sent > 0)
        buffer_consume(&http->out, (size_t)sent);
    if (buffer_size(&http->out) > 0)
        event_add(http->writable, NULL); /* an error comes back there too */
}

static void on_writable(evutil_socket_t fd, short what, void *context) {
    struct load_http *http = context;
    int error = 0;
    socklen_t size = sizeof error;
    (void)what;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0)
        break_off(http, strerror(error));
    else
        write_out(http);
}

static void open_socket(struct load_http *http) {
    const struct sockaddr *address = (const struct sockaddr *)http->place->address;
    int on = 1;
    http->fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert(http->fd >= 0);
    setsockopt(http->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    http->readable = event_new(http->base, http->fd, EV_READ | EV_PERSIST, on_readable, http);
    http->writable = event_new(http->base, http->fd, EV_WRITE, on_writable, http);
    assert(http->readable != NULL && http->writable != NULL);
    /* A refusal now is told again by the readiness of the socket. */
    if (connect(http->fd, address, http->place->address_size) < 0 && errno != EINPROGRESS)
        event_active(http->writable, EV_WRITE, 0);
    event_add(http->readable, NULL);
}

void load_http_post(struct load_http *http, struct span body) {
    char head[256];
    assert(!http->is_waiting);
    int size = snprintf(head, sizeof head, "POST / HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                        http->place->host, body.size);
    assert(size > 0 && (size_t)size < sizeof head);
    bool is_new = http->fd < 0;
    if (is_new)
        open_socket(http);
    http->is_waiting = true;
    buffer_append(&http->out, span_of(head, (size_t)size));
    buffer_append(&http->out, body);
    if (is_new)
        event_add(http->writable, NULL);
    else
        write_out(http);
}
