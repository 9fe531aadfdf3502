#include "tests/processes/ear.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/proto.h"

enum { ARENA_BYTES = 64 << 20 };

static void __attribute__((noreturn)) fail(void *context, const char *what) {
    (void)context;
    fprintf(stderr, "ear: the store failed: %s\n", what);
    abort();
}

static void note(struct ear *ear, const struct abci_request *request) {
    for (uint32_t i = 0; request->call == ABCI_FINALIZE_BLOCK && i < request->block.misbehavior_count && ear->count < EAR_FAULTS_MAX; i++)
        ear->faults[ear->count++] = (struct ear_fault){request->block.height, request->block.misbehavior[i]};
}

static bool send_response(int fd, const struct abci_response *response) {
    struct proto_writer writer;
    uint8_t prefix[ABCI_MESSAGE_LENGTH_MAX];
    size_t prefix_size = 0;
    proto_writer_measure(&writer);
    abci_response_write(&writer, response);
    size_t size = writer.size;
    uint8_t *bytes = malloc(size + 1);
    proto_writer_init(&writer, bytes, size);
    abci_response_write(&writer, response);
    for (size_t left = size; prefix_size == 0 || left > 0; left >>= 7)
        prefix[prefix_size++] = (uint8_t)((left & 0x7f) | (left >= 0x80 ? 0x80 : 0));
    bool good = booth_write(fd, span_of(prefix, prefix_size)) && booth_write(fd, span_of(bytes, size));
    free(bytes);
    return good;
}

static bool answer(struct ear *ear, int fd, struct span message) {
    struct abci_request request;
    struct abci_response response;
    struct arena arena;
    bool good;
    arena_init(&arena, ARENA_BYTES);
    pthread_mutex_lock(&ear->lock);
    good = abci_request_decode(&request, message, &arena);
    if (good) {
        note(ear, &request);
        abci_host_answer(&ear->host, &response, &request, &arena);
        good = send_response(fd, &response);
    }
    pthread_mutex_unlock(&ear->lock);
    arena_close(&arena);
    return good;
}

/* The size of a whole message with its prefix; 0: it is not all there. */
static size_t whole(struct span bytes, size_t *prefix) {
    uint64_t length = 0;
    for (*prefix = 0; *prefix < bytes.size && *prefix < ABCI_MESSAGE_LENGTH_MAX;) {
        uint8_t byte = bytes.data[*prefix];
        length |= (uint64_t)(byte & 0x7f) << (7 * *prefix);
        ++*prefix;
        if (byte < 0x80)
            return *prefix + length <= bytes.size ? *prefix + (size_t)length : 0;
    }
    return 0;
}

static void hear(void *context, int fd) {
    struct ear *ear = context;
    struct buffer in;
    bool goes_on = true;
    buffer_init(&in);
    while (goes_on) {
        size_t prefix, size = whole(buffer_span(&in), &prefix);
        if (size == 0) {
            goes_on = booth_read(&ear->booth, fd, &in);
            continue;
        }
        goes_on = answer(ear, fd, span_of(buffer_span(&in).data + prefix, size - prefix));
        buffer_consume(&in, size);
    }
    buffer_close(&in);
}

bool ear_open(struct ear *ear) {
    memset(ear, 0, sizeof *ear);
    ear->kv = kv_memory_new((struct kv_failure){NULL, fail});
    pthread_mutex_init(&ear->lock, NULL);
    return abci_host_open(&ear->host, "kvstore", ear->kv) && booth_open(&ear->booth, hear, ear);
}

void ear_close(struct ear *ear) {
    booth_close(&ear->booth);
    abci_host_close(&ear->host);
    kv_close(ear->kv);
    pthread_mutex_destroy(&ear->lock);
}

uint32_t ear_of_block(struct ear *ear, struct abci_misbehavior *out, int64_t block) {
    uint32_t found = 0;
    pthread_mutex_lock(&ear->lock);
    for (uint32_t i = 0; i < ear->count; i++)
        if (ear->faults[i].block == block)
            out[found++] = ear->faults[i].fault;
    pthread_mutex_unlock(&ear->lock);
    return found;
}
