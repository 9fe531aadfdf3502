#define _GNU_SOURCE /* explicit_bzero */
#include "node/httpclient.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "node/buffer.h"
#include "node/complaint.h"
#include "node/passport.h"

#define HEAD_BYTES_MAX 65536

struct asking {
    struct url url;
    int fd;
    struct tls_client *tls;    /* NULL: plain */
    struct tls_trust *trusted; /* made for this one, when there is no passport */
    int64_t deadline_ms;
    size_t body_bytes_max;
    struct buffer in;
    const char *wrong; /* of the answer */
    char **error;
};

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool refuse(struct asking *asking, const char *what) {
    *asking->error = complaint_of("%s: %s. Is a node running there? Name another with --node http://host:port", asking->url.shown, what);
    return false;
}

/* Somebody is there: the usual advice would mislead. */
static bool refuse_plainly(struct asking *asking, const char *what) {
    *asking->error = complaint_of("%s%s: %s", asking->url.secure ? "https://" : "", asking->url.shown, what);
    return false;
}

/* Waiting and moving bytes */

static bool wait_for(struct asking *asking, short events) {
    int64_t left = asking->deadline_ms - now_ms();
    struct pollfd poll_fd = {.fd = asking->fd, .events = events};
    int ready = left > 0 ? poll(&poll_fd, 1, (int)left) : 0;
    if (ready < 0 && errno == EINTR)
        return wait_for(asking, events);
    return ready > 0 || refuse(asking, "no answer in time");
}

static bool connect_to(struct asking *asking, const struct addrinfo *address) {
    int error = 0;
    socklen_t size = sizeof error;
    asking->fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (asking->fd < 0)
        return refuse(asking, strerror(errno));
    if (connect(asking->fd, address->ai_addr, address->ai_addrlen) == 0)
        return true;
    if (errno != EINPROGRESS)
        return refuse(asking, strerror(errno));
    if (!wait_for(asking, POLLOUT))
        return false;
    getsockopt(asking->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    return error == 0 || refuse(asking, strerror(error));
}

static bool connect_any(struct asking *asking) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *addresses = NULL;
    int found = getaddrinfo(asking->url.host, asking->url.port, &hints, &addresses);
    if (found != 0)
        return refuse(asking, gai_strerror(found));
    bool good = false;
    for (const struct addrinfo *at = addresses; !good && at != NULL; at = at->ai_next) {
        free(*asking->error);
        *asking->error = NULL;
        if (asking->fd >= 0)
            close(asking->fd);
        good = connect_to(asking, at);
    }
    freeaddrinfo(addresses);
    return good;
}

static const struct tls_trust *trust_of(struct asking *asking, const struct passport *passport) {
    if (passport != NULL)
        return passport_trust(passport);
    if (asking->trusted == NULL)
        asking->trusted = tls_trust_new(NULL, asking->error);
    return asking->trusted;
}

/* The handshake comes with the first bytes. */
static bool wrap(struct asking *asking, const struct passport *passport) {
    const struct tls_trust *trust = asking->url.secure ? trust_of(asking, passport) : NULL;
    if (trust != NULL)
        asking->tls = tls_client_new(trust, asking->url.host, asking->fd);
    return !asking->url.secure || trust != NULL;
}

/* Waits for what TLS wants. Returns whether to try again. */
static bool wait_for_tls(struct asking *asking, ssize_t moved) {
    return moved == TLS_CLIENT_FAILED ? refuse_plainly(asking, tls_client_fault(asking->tls)) : wait_for(asking, moved == TLS_CLIENT_WANTS_READ ? POLLIN : POLLOUT);
}

static bool send_all_tls(struct asking *asking, struct span bytes) {
    while (bytes.size > 0) {
        ssize_t sent = tls_client_write(asking->tls, bytes);
        if (sent == 0)
            return refuse(asking, "the connection ended before the question was out");
        if (sent < 0 && !wait_for_tls(asking, sent))
            return false;
        if (sent > 0)
            bytes = span_of(bytes.data + sent, bytes.size - (size_t)sent);
    }
    return true;
}

static int read_more_tls(struct asking *asking) {
    for (;;) {
        ssize_t got = tls_client_read(asking->tls, buffer_reserve(&asking->in, 65536), 65536);
        if (got > 0)
            buffer_add(&asking->in, (size_t)got);
        if (got >= 0)
            return got > 0;
        if (!wait_for_tls(asking, got))
            return -1;
    }
}

static bool send_all(struct asking *asking, struct span bytes) {
    if (asking->tls != NULL)
        return send_all_tls(asking, bytes);
    while (bytes.size > 0) {
        ssize_t sent = send(asking->fd, bytes.data, bytes.size, MSG_NOSIGNAL);
        if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
            if (!wait_for(asking, POLLOUT))
                return false;
            continue;
        }
        if (sent < 0)
            return refuse(asking, strerror(errno));
        bytes = span_of(bytes.data + sent, bytes.size - (size_t)sent);
    }
    return true;
}

/* 1: more came; 0: the end; −1: failed. */
static int read_more(struct asking *asking) {
    if (asking->tls != NULL)
        return read_more_tls(asking);
    for (;;) {
        uint8_t *place = buffer_reserve(&asking->in, 65536);
        ssize_t got = recv(asking->fd, place, 65536, 0);
        if (got > 0)
            buffer_add(&asking->in, (size_t)got);
        if (got >= 0)
            return got > 0;
        if (errno != EAGAIN && errno != EINTR) {
            refuse(asking, strerror(errno));
            return -1;
        }
        if (!wait_for(asking, POLLIN))
            return -1;
    }
}

/* The answer */

struct head {
    int status;
    size_t size; /* with the empty line; 0: not whole yet */
    bool has_length, is_chunked;
    size_t length;
};

static bool header_is(struct span line, const char *name, struct span *value) {
    size_t size = strlen(name);
    if (line.size <= size || strncasecmp((const char *)line.data, name, size) != 0 || line.data[size] != ':')
        return false;
    *value = span_of(line.data + size + 1, line.size - size - 1);
    while (value->size > 0 && (value->data[0] == ' ' || value->data[0] == '\t'))
        *value = span_of(value->data + 1, value->size - 1);
    return true;
}

static bool parse_size(size_t *out, struct span text, unsigned base, size_t max) {
    size_t value = 0;
    if (text.size == 0)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        unsigned c = text.data[i], digit = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : 99;
        if (digit >= base || value > max)
            return false;
        value = value * base + digit;
    }
    *out = value;
    return value <= max;
}

static const char *read_header(struct head *head, struct span line, size_t max) {
    struct span value;
    if (header_is(line, "content-length", &value)) {
        head->has_length = true;
        return parse_size(&head->length, value, 10, max) ? NULL : "the answer is too large";
    }
    if (header_is(line, "transfer-encoding", &value)) {
        head->is_chunked = value.size == 7 && strncasecmp((const char *)value.data, "chunked", 7) == 0;
        return head->is_chunked ? NULL : "the answer has an unknown transfer encoding";
    }
    if (header_is(line, "content-encoding", &value) && !(value.size == 8 && strncasecmp((const char *)value.data, "identity", 8) == 0))
        return "the answer is compressed, which was not asked for";
    return NULL;
}

/* Lines end with CR LF or LF. */
static bool take_line(struct span *line, struct span *rest) {
    const uint8_t *end = rest->size == 0 ? NULL : memchr(rest->data, '\n', rest->size);
    if (end == NULL)
        return false;
    size_t size = (size_t)(end - rest->data);
    *line = span_of(rest->data, size > 0 && rest->data[size - 1] == '\r' ? size - 1 : size);
    *rest = span_of(end + 1, rest->size - size - 1);
    return true;
}

static const char *parse_head(struct head *head, struct span bytes, size_t max) {
    struct span rest = bytes, line;
    *head = (struct head){0};
    if (!take_line(&line, &rest))
        return NULL;
    if (line.size < 12 || memcmp(line.data, "HTTP/1.", 7) != 0)
        return "the answer is not HTTP";
    size_t status;
    if (!parse_size(&status, span_of(line.data + 9, 3), 10, 999))
        return "the answer is not HTTP";
    while (take_line(&line, &rest)) {
        const char *why = line.size > 0 ? read_header(head, line, max) : NULL;
        if (why != NULL)
            return why;
        if (line.size > 0)
            continue;
        head->status = (int)status;
        head->size = bytes.size - rest.size;
        return NULL;
    }
    return NULL;
}

static bool read_head(struct asking *asking, struct head *head) {
    for (;;) {
        asking->wrong = parse_head(head, buffer_span(&asking->in), asking->body_bytes_max);
        if (asking->wrong != NULL)
            return refuse(asking, asking->wrong);
        if (head->size > 0 && head->status >= 200) {
            buffer_consume(&asking->in, head->size);
            return true;
        }
        if (head->size > 0)
            buffer_consume(&asking->in, head->size); /* 1xx: the real one follows */
        else if (buffer_size(&asking->in) > HEAD_BYTES_MAX)
            return refuse(asking, "the answer's head is too large");
        else {
            int more = read_more(asking);
            if (more <= 0)
                return more < 0 ? false : refuse(asking, "the connection ended before the answer");
        }
    }
}

static bool need(struct asking *asking, size_t size) {
    while (buffer_size(&asking->in) < size) {
        int more = read_more(asking);
        if (more <= 0)
            return more < 0 ? false : refuse(asking, "the connection ended within the answer");
    }
    return true;
}

static bool need_line(struct asking *asking, struct span *line, size_t *size) {
    for (;;) {
        struct span rest = buffer_span(&asking->in), all = rest;
        if (take_line(line, &rest)) {
            *size = all.size - rest.size;
            return true;
        }
        if (buffer_size(&asking->in) > 4096)
            return refuse(asking, "the answer's chunks are malformed");
        if (!need(asking, buffer_size(&asking->in) + 1))
            return false;
    }
}

static bool read_chunks(struct asking *asking, struct buffer *body) {
    for (;;) {
        struct span line;
        size_t size, chunk;
        if (!need_line(asking, &line, &size))
            return false;
        const uint8_t *semicolon = line.size == 0 ? NULL : memchr(line.data, ';', line.size);
        if (semicolon != NULL)
            line.size = (size_t)(semicolon - line.data);
        if (!parse_size(&chunk, line, 16, asking->body_bytes_max) || chunk > asking->body_bytes_max - buffer_size(body))
            return refuse(asking, "the answer is too large, or its chunks are malformed");
        buffer_consume(&asking->in, size);
        if (chunk == 0)
            return true; /* what may follow is of no use here */
        if (!need(asking, chunk))
            return false;
        buffer_append(body, span_of(buffer_span(&asking->in).data, chunk));
        buffer_consume(&asking->in, chunk);
        if (!need_line(asking, &line, &size))
            return false;
        if (line.size > 0)
            return refuse(asking, "the answer's chunks are malformed");
        buffer_consume(&asking->in, size);
    }
}

static bool read_to_end(struct asking *asking) {
    for (;;) {
        if (buffer_size(&asking->in) > asking->body_bytes_max)
            return refuse(asking, "the answer is too large");
        int more = read_more(asking);
        if (more <= 0)
            return more == 0;
    }
}

/* What comes from a door and not from a node: its body says nothing. */
static const char *door_says(int status) {
    if (status == 401)
        return "it wants a token, or does not know the one that was sent (HTTP 401): --token-file FILE has a line for each node";
    if (status / 100 == 3)
        return "it sends us elsewhere (HTTP 3xx), where we do not go: name that address, if you trust it";
    return status == 502 || status == 503 || status == 504 ? "what stands before the node cannot reach it, or is overloaded (HTTP 502 to 504)" : NULL;
}

static struct blob *read_answer(struct asking *asking, int *status) {
    struct head head;
    struct buffer body;
    struct blob *blob = NULL;
    if (!read_head(asking, &head))
        return NULL;
    *status = head.status;
    if (door_says(head.status) != NULL) {
        refuse_plainly(asking, door_says(head.status));
        return NULL;
    }
    buffer_init(&body);
    if (head.is_chunked) {
        if (read_chunks(asking, &body))
            blob = blob_new(buffer_span(&body));
    } else if (head.has_length ? need(asking, head.length) : read_to_end(asking)) {
        struct span all = buffer_span(&asking->in);
        blob = blob_new(span_of(all.data, head.has_length ? head.length : all.size));
    }
    buffer_close(&body);
    return blob;
}

static void add_text(struct buffer *out, char *text) {
    buffer_append(out, span_text(text));
    explicit_bzero(text, strlen(text));
    free(text);
}

/* In one piece: of two small ones the second would wait until the first is acknowledged, which takes its time. */
static bool send_request(struct asking *asking, struct span body, const char *token) {
    struct buffer out;
    buffer_init(&out);
    add_text(&out, complaint_of("%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nAccept-Encoding: identity\r\n", body.size == 0 ? "GET" : "POST",
                                asking->url.path, asking->url.shown));
    if (token != NULL)
        add_text(&out, complaint_of("Authorization: Bearer %s\r\n", token));
    if (body.size > 0)
        add_text(&out, complaint_of("Content-Type: application/json\r\nContent-Length: %zu\r\n", body.size));
    buffer_append(&out, span_text("\r\n"));
    buffer_append(&out, body);
    bool good = send_all(asking, buffer_span(&out));
    if (out.data != NULL)
        explicit_bzero(out.data, out.capacity);
    buffer_close(&out);
    return good;
}

static void hang_up(struct asking *asking) {
    tls_client_free(asking->tls);
    tls_trust_free(asking->trusted);
    if (asking->fd >= 0)
        close(asking->fd);
    buffer_close(&asking->in);
}

struct blob *httpclient_ask(int *status, const char *url, struct span body, const struct httpclient_limits *limits, char **error) {
    struct asking asking = {.fd = -1, .deadline_ms = now_ms() + limits->timeout_ms, .body_bytes_max = limits->body_bytes_max, .error = error};
    struct blob *answer = NULL;
    *error = NULL;
    *status = 0;
    if (!url_parse(&asking.url, url)) { /* one with a password is not repeated */
        *error = complaint_of("%s: is no address of a node; http://host:port or https://host is wanted", strchr(url, '@') != NULL ? "that" : url);
        return NULL;
    }
    const char *token = limits->passport == NULL ? NULL : passport_token(limits->passport, &asking.url);
    buffer_init(&asking.in);
    if (connect_any(&asking) && wrap(&asking, limits->passport) && send_request(&asking, body, token))
        answer = read_answer(&asking, status);
    hang_up(&asking);
    return answer;
}
