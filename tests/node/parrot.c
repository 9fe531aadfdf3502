#define _GNU_SOURCE
#include "tests/node/parrot.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "rpc/shapes.h"

enum { REQUEST_MAX = 4096 };

static int64_t number_after(const char *text, const char *key) {
    const char *at = strstr(text, key);
    return at == NULL ? 0 : atoll(at + strlen(key));
}

static const struct light_block *block_at(const struct parrot *parrot, int64_t height) {
    int64_t highest = atomic_load(&parrot->highest);
    highest = highest == 0 || highest > parrot->chain.count ? parrot->chain.count : highest;
    height = height == 0 ? highest : height;
    return height > highest || height < atomic_load(&parrot->lowest) ? NULL : smith_at(&parrot->chain, height);
}

static void put_commit(const struct parrot *parrot, struct emit *emit, const struct light_block *block) {
    struct header header = block->header;
    if (parrot->chain_id != NULL)
        snprintf(header.chain_id, sizeof header.chain_id, "%s", parrot->chain_id);
    emit_literal(emit, "\"result\":{\"signed_header\":{\"header\":");
    shapes_header(emit, &header);
    emit_literal(emit, ",\"commit\":");
    shapes_commit(emit, &block->commit);
    emit_literal(emit, "},\"canonical\":true}}");
}

static void put_validators(struct emit *emit, const struct light_block *block) {
    char text[96];
    snprintf(text, sizeof text, "\"result\":{\"block_height\":\"%lld\",\"count\":\"%u\",\"total\":\"%u\",\"validators\":[", (long long)block->header.height,
             block->set.count, block->set.count);
    emit_literal(emit, text);
    for (uint32_t i = 0; i < block->set.count; i++) {
        if (i > 0)
            emit_literal(emit, ",");
        shapes_validator(emit, &block->set.validators[i]);
    }
    emit_literal(emit, "]}}");
}

/* A node's words, by which others know what it lacks. */
static void put_error(struct emit *emit, const struct parrot *parrot, int64_t height) {
    char text[256];
    if (height > 0 && height < atomic_load(&parrot->lowest))
        snprintf(text, sizeof text, "height %lld is not available, lowest height is %lld", (long long)height, (long long)atomic_load(&parrot->lowest));
    else
        snprintf(text, sizeof text, "height %lld must be less than or equal to the current blockchain height", (long long)height);
    emit_literal(emit, "\"error\":{\"code\":-32603,\"message\":\"Internal error\",\"data\":\"");
    emit_literal(emit, text);
    emit_literal(emit, "\"}}");
}

static void answer(struct parrot *parrot, int connection, const char *request) {
    int64_t height = number_after(request, "\"height\":\"");
    const struct light_block *block = block_at(parrot, height);
    struct emit body;
    emit_init(&body);
    emit_literal(&body, atomic_load(&parrot->is_mad) ? "<html>" : "{\"jsonrpc\":\"2.0\",\"id\":1,");
    if (strstr(request, "\"vote_log\"") != NULL)
        emit_literal(&body, "\"error\":{\"code\":-32601,\"message\":\"Method not found\",\"data\":\"\"}}");
    else if (block == NULL)
        put_error(&body, parrot, height);
    else if (strstr(request, "\"validators\"") != NULL)
        put_validators(&body, block);
    else
        put_commit(parrot, &body, block);
    dprintf(connection, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n", body.size);
    for (size_t done = 0; done < body.size;) {
        ssize_t sent = send(connection, body.data + done, body.size - done, MSG_NOSIGNAL);
        if (sent <= 0)
            break;
        done += (size_t)sent;
    }
    emit_close(&body);
}

static void serve(struct parrot *parrot, int connection) {
    char request[REQUEST_MAX];
    size_t size = 0;
    for (ssize_t got; size < sizeof request - 1 && (got = read(connection, request + size, sizeof request - 1 - size)) > 0;) {
        size += (size_t)got;
        request[size] = '\0';
        const char *body = strstr(request, "\r\n\r\n"), *length = strcasestr(request, "content-length:");
        if (body == NULL || length == NULL || (int64_t)(request + size - body - 4) < atoll(length + 15))
            continue;
        atomic_fetch_add(&parrot->asked, 1);
        for (unsigned waited = 0; waited < atomic_load(&parrot->delay_ms) && !atomic_load(&parrot->ends); waited += 5)
            nanosleep(&(struct timespec){0, 5000000}, NULL);
        answer(parrot, connection, body);
        return;
    }
}

static void *run(void *context) {
    struct parrot *parrot = context;
    for (int connection; (connection = accept(parrot->socket, NULL, NULL)) >= 0 && !atomic_load(&parrot->ends); close(connection))
        serve(parrot, connection);
    return NULL;
}

void parrot_open(struct parrot *parrot) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    parrot->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert(parrot->socket >= 0 && bind(parrot->socket, (struct sockaddr *)&address, sizeof address) == 0 && listen(parrot->socket, 64) == 0);
    ck_assert_int_eq(getsockname(parrot->socket, (struct sockaddr *)&address, &size), 0);
    snprintf(parrot->url, sizeof parrot->url, "http://127.0.0.1:%u", ntohs(address.sin_port));
    ck_assert_int_eq(pthread_create(&parrot->thread, NULL, run, parrot), 0);
}

void parrot_close(struct parrot *parrot) {
    atomic_store(&parrot->ends, true);
    shutdown(parrot->socket, SHUT_RDWR);
    pthread_join(parrot->thread, NULL);
    close(parrot->socket);
    smith_forget(&parrot->chain);
}
