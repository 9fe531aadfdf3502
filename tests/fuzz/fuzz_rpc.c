/* The heart of rpc over a real small chain: POST bodies and URI calls. Every answer comes once and is JSON; nothing stays in the server. */
#define FUZZ_BYTES_MAX 4096
#include "tests/fuzz/fuzz.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/fuzz/server.h"

struct reply {
    unsigned count;
};

static void note(void *context, int status, const char *body, size_t size, bool cacheable) {
    struct reply *reply = context;
    json_error_t error;
    (void)cacheable;
    reply->count++;
    assert(status >= 200 && status < 600);
    if (size == 0 || status == 404)
        return;
    json_t *answer = json_loadb(body, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (answer == NULL && body[0] != '<' && strstr(error.text, "real number") == NULL && strstr(error.text, "integer") == NULL) {
        fprintf(stderr, "%s at %d in %.*s\n", error.text, error.position, (int)size, body);
        abort();
    }
    json_decref(answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz fuzz = fuzz_over(data, size);
    struct reply reply = {0};
    const struct server *server = server_running();
    if (fuzz_byte(&fuzz) == 0) {
        rpc_handle_post(server->rpc, fuzz_copy(fuzz_rest(&fuzz)), note, &reply);
    } else {
        char *method = fuzz_string(fuzz_rest(&fuzz)), *query = strchr(method, '?');
        if (query != NULL)
            *query++ = '\0';
        rpc_handle_uri(server->rpc, method, query, note, &reply);
    }
    for (int turns = 0; reply.count == 0 && turns < 20; turns++) {
        server_commit();
        event_base_loop(server->base, EVLOOP_NONBLOCK);
    }
    assert(reply.count == 1);
    server_forget();
    fuzz_end();
    return 0;
}
