#include "tests/processes/false_node.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "genesis/scan.h"
#include "node/rpcclient.h"
#include "rpc/request.h"
#include "rpc/shapes.h"
#include "tests/node/outsider.h"

/* ---- what it says of the forged height */

static void say_commit(struct emit *out, const struct light_block *block) {
    emit_open(out, '{');
    emit_key(out, "signed_header");
    emit_open(out, '{');
    emit_key(out, "header");
    shapes_header(out, &block->header);
    emit_key(out, "commit");
    shapes_commit(out, &block->commit);
    emit_shut(out, '}');
    emit_key(out, "canonical");
    emit_bool(out, true);
    emit_shut(out, '}');
}

static void say_validators(struct emit *out, const struct light_block *block) {
    emit_open(out, '{');
    shapes_int64(out, "block_height", block->header.height);
    emit_key(out, "validators");
    emit_open(out, '[');
    for (uint32_t i = 0; i < block->set.count; i++)
        shapes_validator(out, &block->set.validators[i]);
    emit_shut(out, ']');
    shapes_int64(out, "count", block->set.count);
    shapes_int64(out, "total", block->set.count);
    emit_shut(out, '}');
}

/* A text or a bare number; 0: none, or null. */
static int64_t height_of(struct span params) {
    struct span value;
    int64_t height = 0;
    if (scan_member(params, &value, "height") && !scan_int64_text(&height, value))
        scan_int64_number(&height, value);
    return height;
}

static void keep_report(struct false_node *node, struct span params) {
    struct span evidence;
    pthread_mutex_lock(&node->lock);
    if (scan_member(params, &evidence, "evidence") && node->reports < FALSE_NODE_REPORTS_MAX)
        node->reported[node->reports++] = strndup((const char *)evidence.data, evidence.size);
    pthread_mutex_unlock(&node->lock);
}

/* true: what follows "jsonrpc" and "id" is written. */
static bool lie(struct false_node *node, struct emit *out, struct span method, struct span params) {
    int64_t height = height_of(params);
    bool is_commit = span_equal(method, span_text("\"commit\"")), is_set = span_equal(method, span_text("\"validators\""));
    if (span_equal(method, span_text("\"broadcast_evidence\""))) {
        keep_report(node, params);
        emit_key(out, "result");
        emit_literal(out, "{\"hash\":\"AAAA\"}");
        return true;
    }
    if ((!is_commit && !is_set) || (height != 0 && height < node->forged->header.height))
        return false;
    if (height > node->forged->header.height) {
        emit_key(out, "error");
        emit_literal(out, "{\"code\":-32603,\"message\":\"Internal error\",\"data\":\"height must be less than or equal to the current blockchain height\"}");
        return true;
    }
    atomic_fetch_add(&node->asked, 1);
    emit_key(out, "result");
    if (is_commit)
        say_commit(out, node->forged);
    else
        say_validators(out, node->forged);
    return true;
}

static void pass_on(const struct false_node *node, struct emit *out, struct span method, struct span params) {
    struct rpcclient_answer answer;
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)method.size - 2, (const char *)method.data + 1);
    rpcclient_call(&answer, node->real, name, params, &HTTPCLIENT_LIMITS);
    emit_key(out, answer.kind == RPCCLIENT_RESULT ? "result" : "error");
    if (answer.kind == RPCCLIENT_RESULT)
        emit_raw(out, answer.result);
    else if (answer.kind == RPCCLIENT_ERROR)
        emit_raw(out, answer.error);
    else
        emit_literal(out, "{\"code\":-32603,\"message\":\"the real node is silent\"}");
    rpcclient_close(&answer);
}

static void answer_call(struct false_node *node, struct emit *out, struct span body) {
    struct span call, id, method, params = {0};
    if (!scan_value(&call, body, NULL) || !scan_member(call, &method, "method") || method.size < 3) {
        emit_literal(out, "{\"jsonrpc\":\"2.0\",\"id\":-1,\"error\":{\"code\":-32600,\"message\":\"no call\"}}");
        return;
    }
    scan_member(call, &params, "params");
    emit_open(out, '{');
    emit_key(out, "jsonrpc");
    emit_cstring(out, "2.0");
    if (scan_member(call, &id, "id")) {
        emit_key(out, "id");
        emit_raw(out, id);
    }
    if (!lie(node, out, method, params))
        pass_on(node, out, method, params);
    emit_literal(out, "}");
}

/* ---- HTTP, as far as clients here speak it */

/* Both ways until either side ends. */
static void pass_bytes(struct false_node *node, int fd, struct buffer *in) {
    const char *colon = strrchr(node->real, ':');
    int other = outsider_connect((uint16_t)atoi(colon + 1), 1);
    bool goes_on = other >= 0 && booth_write(other, buffer_span(in));
    while (goes_on && !atomic_load(&node->booth.stopping)) {
        struct pollfd ends[2] = {{.fd = fd, .events = POLLIN}, {.fd = other, .events = POLLIN}};
        char bytes[16384];
        poll(ends, 2, 50);
        for (int i = 0; i < 2 && goes_on; i++) {
            if (ends[i].revents == 0)
                continue;
            ssize_t got = recv(ends[i].fd, bytes, sizeof bytes, MSG_DONTWAIT);
            goes_on = got > 0 && booth_write(ends[1 - i].fd, span_of(bytes, (size_t)got));
        }
    }
    if (other >= 0)
        close(other);
}

static bool respond(int fd, const struct emit *body) {
    char head[128];
    int size = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n", body->size);
    return booth_write(fd, span_of(head, (size_t)size)) && booth_write(fd, span_of(body->data, body->size));
}

/* false: the conversation is over. */
static bool hear_request(struct false_node *node, int fd, struct buffer *in) {
    size_t seen = 0, head_size;
    struct request request;
    struct emit out;
    while ((head_size = request_head_size(buffer_span(in), &seen)) == 0)
        if (!booth_read(&node->booth, fd, in))
            return false;
    if (request_parse(&request, span_of(buffer_span(in).data, head_size)) != 0)
        return false;
    if (request.wants_upgrade)
        return pass_bytes(node, fd, in), false;
    size_t size = head_size + (request.has_length ? (size_t)request.length : 0);
    while (buffer_size(in) < size)
        if (!booth_read(&node->booth, fd, in))
            return false;
    emit_init(&out);
    answer_call(node, &out, span_of(buffer_span(in).data + head_size, size - head_size));
    bool goes_on = respond(fd, &out);
    emit_close(&out);
    buffer_consume(in, size);
    return goes_on;
}

static void hear(void *context, int fd) {
    struct buffer in;
    buffer_init(&in);
    while (hear_request(context, fd, &in))
        continue;
    buffer_close(&in);
}

/* ---- life */

bool false_node_open(struct false_node *node, const char *real, struct light_block *forged) {
    memset(node, 0, sizeof *node);
    node->forged = light_block_hold(forged);
    snprintf(node->real, sizeof node->real, "%s", real);
    pthread_mutex_init(&node->lock, NULL);
    if (!booth_open(&node->booth, hear, node))
        return false;
    snprintf(node->url, sizeof node->url, "http://127.0.0.1:%u", (unsigned)node->booth.port);
    return true;
}

uint32_t false_node_reports(struct false_node *node) {
    pthread_mutex_lock(&node->lock);
    uint32_t count = node->reports;
    pthread_mutex_unlock(&node->lock);
    return count;
}

void false_node_close(struct false_node *node) {
    booth_close(&node->booth);
    for (uint32_t i = 0; i < node->reports; i++)
        free(node->reported[i]);
    light_block_release(node->forged);
    pthread_mutex_destroy(&node->lock);
}
