/* make routes: every route of a real node by curl, as a URI, and subscriptions by a WebSocket client that is written here, byte by byte. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "node/localnet.h"
#include "tests/processes/ports.h"

enum { WAIT_MS = 60000, FRAME_MAX = 1 << 20 };

static struct localnet net = {.lock = -1};
static unsigned failed, passed;

static _Noreturn void give_up(const char *why) {
    fprintf(stderr, "routes: FAILED: %s\n", why);
    localnet_stop(&net, 5000);
    for (uint32_t i = 0; i < net.count; i++)
        localnet_tail(stderr, &net.nodes[i], 8);
    printf("routes: 0 passed, 1 failed\n");
    exit(1);
}

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- curl */

static json_t *ask(const char *route, const char *query) {
    char command[1024];
    static char out[1 << 20];
    json_error_t error;
    snprintf(command, sizeof command, "curl -sS -g -m 30 '%s/%s?%s' 2>&1", net.nodes[0].rpc_url, route, query);
    FILE *pipe = popen(command, "r");
    size_t size = pipe == NULL ? 0 : fread(out, 1, sizeof out - 1, pipe);
    out[size] = '\0';
    if (pipe != NULL)
        pclose(pipe);
    json_t *answer = json_loads(out, 0, &error);
    if (answer == NULL)
        fprintf(stderr, "routes: %s: %.300s\n", command, out);
    return answer;
}

/* "a.b.0.c" */
static json_t *at(json_t *value, const char *path) {
    while (value != NULL && *path != '\0') {
        char name[64];
        size_t size = strcspn(path, ".");
        snprintf(name, sizeof name, "%.*s", (int)size, path);
        value = json_is_array(value) ? json_array_get(value, strtoul(name, NULL, 10)) : json_object_get(value, name);
        path += size + (path[size] == '.');
    }
    return value;
}

static void note(const char *what, bool good, json_t *answer) {
    good ? passed++ : failed++;
    if (good)
        return;
    char *text = json_dumps(answer, 0);
    fprintf(stderr, "routes: %s: %.300s\n", what, text == NULL ? "no JSON" : text);
    free(text);
}

/* The text at `path` of the result is `expected`; NULL: anything is there. */
static void must(const char *route, const char *query, const char *path, const char *expected) {
    json_t *answer = ask(route, query), *found = at(json_object_get(answer, "result"), path);
    char *text = json_is_string(found) ? strdup(json_string_value(found)) : json_dumps(found, JSON_ENCODE_ANY | JSON_COMPACT);
    note(route, found != NULL && (expected == NULL || (text != NULL && strcmp(text, expected) == 0)), answer);
    free(text);
    json_decref(answer);
}

static void must_fail(const char *route, const char *query, const char *words) {
    json_t *answer = ask(route, query);
    char *text = json_dumps(json_object_get(answer, "error"), 0);
    note(route, text != NULL && strstr(text, words) != NULL, answer);
    free(text);
    json_decref(answer);
}

static char *text_of(const char *route, const char *query, const char *path) {
    json_t *answer = ask(route, query), *found = at(json_object_get(answer, "result"), path);
    char *text = strdup(json_is_string(found) ? json_string_value(found) : "");
    json_decref(answer);
    return text;
}

static void by_curl(void) {
    char query[300];
    char *hash = text_of("broadcast_tx_commit", "tx=%22routes=found%22", "hash");
    snprintf(query, sizeof query, "hash=0x%s&prove=true", hash);
    must("tx", query, "hash", hash);
    char *height = text_of("tx", query, "height");
    must("tx_search", "query=%22app.key=%27routes%27%22&prove=true&page=1&per_page=1&order_by=%22desc%22", "txs.0.hash", hash);
    must("tx_search", "query=%22tx.height%3E100000%22", "total_count", "0");
    snprintf(query, sizeof query, "query=%%22block.height=%s%%22", height);
    must("block_search", query, "blocks.0.block.header.height", height);
    snprintf(query, sizeof query, "height=%s", height);
    must("block", query, "block.header.height", height);
    must("block_results", query, "txs_results.0.code", "0");
    must("header", query, "header.height", height);
    must("commit", query, "signed_header.commit.height", height);
    char *block = text_of("block", query, "block_id.hash");
    snprintf(query, sizeof query, "hash=0x%s", block);
    must("block_by_hash", query, "block.header.height", height);
    must("header_by_hash", query, "header.height", height);
    must("validators", "height=1&page=1&per_page=5", "total", "1");
    must("consensus_params", "height=1", "block_height", "1");
    must("blockchain", "minHeight=1&maxHeight=1", "block_metas.0.header.height", "1");
    must("health", "", "", "{}");
    must("status", "", "sync_info.earliest_block_height", "1");
    must("net_info", "", "n_peers", "0");
    must("genesis", "", "genesis.initial_height", "1");
    must("genesis_chunked", "chunk=0", "total", "1");
    must("consensus_state", "", "round_state.height/round/step", NULL);
    must("dump_consensus_state", "", "round_state.height", NULL);
    must("unconfirmed_txs", "limit=1", "n_txs", NULL);
    must("num_unconfirmed_txs", "", "n_txs", NULL);
    must("abci_info", "", "response.data", NULL);
    must("abci_query", "data=0x726f75746573", "response.value", "Zm91bmQ=");
    must("check_tx", "tx=%22a=b%22", "code", "0");
    must("broadcast_tx_sync", "tx=%22a=b%22", "code", "0");
    must("broadcast_tx_async", "tx=%22c=d%22", "code", "0");
    must_fail("tx", "hash=0x00", "not found");
    must_fail("block", "height=100000", "must be less than or equal to the current blockchain height");
    must_fail("tx_search", "query=%22a%20OR%20b%22", "offset 2");
    must_fail("broadcast_evidence", "evidence={}", "error");
    free(hash);
    free(height);
    free(block);
}

/* ---- a WebSocket, as far as a client needs it */

struct line {
    int socket;
    uint8_t bytes[FRAME_MAX];
    size_t size;
};

static struct line line;

static void send_all(const void *bytes, size_t size) {
    for (size_t sent = 0; sent < size;) {
        ssize_t now = send(line.socket, (const uint8_t *)bytes + sent, size - sent, MSG_NOSIGNAL);
        if (now <= 0)
            give_up("the WebSocket takes nothing more");
        sent += (size_t)now;
    }
}

static void receive_more(void) {
    struct pollfd ready = {line.socket, POLLIN, 0};
    if (line.size == sizeof line.bytes || poll(&ready, 1, WAIT_MS) <= 0)
        give_up("nothing comes over the WebSocket");
    ssize_t got = recv(line.socket, line.bytes + line.size, sizeof line.bytes - line.size, 0);
    if (got <= 0)
        give_up("the WebSocket was closed");
    line.size += (size_t)got;
}

static void eat(size_t size) {
    memmove(line.bytes, line.bytes + size, line.size - size);
    line.size -= size;
}

static void shake_hands(void) {
    static const char request[] = "GET /websocket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(net.nodes[0].rpc_port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    line.socket = socket(AF_INET, SOCK_STREAM, 0);
    if (line.socket < 0 || connect(line.socket, (struct sockaddr *)&address, sizeof address) != 0)
        give_up("the node takes no connection");
    send_all(request, sizeof request - 1);
    char *end;
    do {
        receive_more();
        line.bytes[line.size < sizeof line.bytes ? line.size : sizeof line.bytes - 1] = '\0';
    } while ((end = strstr((char *)line.bytes, "\r\n\r\n")) == NULL);
    bool good = strncmp((char *)line.bytes, "HTTP/1.1 101", 12) == 0 && strstr((char *)line.bytes, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") != NULL;
    note("the handshake of RFC 6455", good, NULL);
    if (!good)
        give_up("no WebSocket here");
    eat((size_t)(end + 4 - (char *)line.bytes));
}

static void send_frame(uint8_t opcode, const char *text, size_t size) {
    static const uint8_t mask[4] = {0x12, 0x34, 0x56, 0x78};
    uint8_t frame[1024] = {(uint8_t)(0x80 | opcode), (uint8_t)(0x80 | (size < 126 ? size : 126))};
    size_t at_byte = 2;
    if (size >= 126) {
        frame[at_byte++] = (uint8_t)(size >> 8);
        frame[at_byte++] = (uint8_t)size;
    }
    memcpy(frame + at_byte, mask, 4);
    at_byte += 4;
    for (size_t i = 0; i < size; i++)
        frame[at_byte++] = (uint8_t)text[i] ^ mask[i % 4];
    send_all(frame, at_byte);
}

/* The next whole text message; pings are answered on the way. */
static json_t *next_message(void) {
    json_error_t error;
    for (;;) {
        size_t head = 2, size = line.size < 2 ? 0 : line.bytes[1] & 0x7f;
        if (size == 126)
            head = 4;
        else if (size == 127)
            head = 10;
        while (line.size < head || line.size < 2)
            receive_more();
        if (head == 2)
            size = line.bytes[1] & 0x7f;
        if (head == 2 && size >= 126)
            continue;
        if (head > 2)
            size = 0;
        for (size_t i = 2; i < head; i++)
            size = size << 8 | line.bytes[i];
        if (size > FRAME_MAX - 16)
            give_up("a frame without measure");
        while (line.size < head + size)
            receive_more();
        uint8_t opcode = line.bytes[0] & 0xf;
        if (opcode == 9)
            send_frame(10, (char *)line.bytes + head, size);
        json_t *message = opcode == 1 && (line.bytes[0] & 0x80) ? json_loadb((char *)line.bytes + head, size, 0, &error) : NULL;
        eat(head + size);
        if (message != NULL)
            return message;
        if (opcode == 8)
            give_up("the node has closed the WebSocket");
    }
}

static void say(const char *text) { send_frame(1, text, strlen(text)); }

static void expect(const char *what, const char *id, const char *path, const char *expected) {
    json_t *message = next_message(), *found = at(message, path);
    char *text = json_is_string(found) ? strdup(json_string_value(found)) : json_dumps(found, JSON_ENCODE_ANY | JSON_COMPACT);
    char *its_id = json_dumps(json_object_get(message, "id"), JSON_ENCODE_ANY);
    note(what, text != NULL && (expected == NULL || strstr(text, expected) != NULL) && its_id != NULL && strcmp(its_id, id) == 0, message);
    free(text);
    free(its_id);
    json_decref(message);
}

static void by_websocket(void) {
    shake_hands();
    say("{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"status\",\"params\":{}}");
    expect("status over WebSocket", "\"a\"", "result.node_info.version", "");
    say("{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"subscribe\",\"params\":{\"query\":\"tm.event = 'Tx' AND app.key = 'event'\"}}");
    expect("subscribe", "5", "result", "{}");
    must("broadcast_tx_sync", "tx=%22other=1%22", "code", "0");
    must("broadcast_tx_sync", "tx=%22event=1%22", "code", "0");
    expect("the event that was asked for", "5", "result.data.value.TxResult.tx", "ZXZlbnQ9MQ==");
    say("{\"jsonrpc\":\"2.0\",\"id\":6,\"method\":\"subscribe\",\"params\":{\"query\":\"tm.event = \"}}");
    expect("a query that is none", "6", "error.data", "failed to parse query");
    say("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"unsubscribe_all\",\"params\":{}}");
    expect("unsubscribe_all", "7", "result", "{}");
    say("{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"subscribe\",\"params\":{\"query\":\"tm.event = 'NewBlock'\"}}");
    expect("subscribe to blocks", "8", "result", "{}");
    for (int i = 0; i < 3; i++)
        expect("a block", "8", "result.data.type", "tendermint/event/NewBlock");
    close(line.socket);
}

int main(int argc, char **argv) {
    static const char *const options[] = {"--timeout-commit", "50ms", NULL};
    struct localnet_wish wish = {.validators = 1, .app = "kvstore", .base_port = ports_of_this_test(), .options = options};
    char *error = NULL;
    int64_t began_ms = now_ms();
    if (argc != 2)
        return 2;
    if (!localnet_take(&net, "build/routes", &error))
        give_up(error);
    snprintf(net.binary, sizeof net.binary, "%s", argv[1]);
    if (!localnet_make(&net, &wish, &error) || !localnet_start(&net, &wish, &error) || !localnet_wait(&net, WAIT_MS, &error))
        give_up(error);
    by_curl();
    by_websocket();
    if (!localnet_stop(&net, 20000))
        give_up("the node did not stop cleanly when asked");
    localnet_leave(&net);
    printf("routes: %u passed, %u failed (%.1f s)\n", passed, failed, (double)(now_ms() - began_ms) / 1000);
    return failed == 0 ? 0 : 1;
}
