/* The application's wire: frames, and the console sessions of abci-cli, whose output is put together here from the answers of our application. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "ledger/abci_host.h"
#include "tests/vectors/vectors_ledger.h"

enum { FRAME_BYTES_MAX = 1 << 20, ARENA_BYTES_MAX = 64 << 20, TEXT_BYTES_MAX = 1 << 16, WORDS_MAX = 64 };

/* "check_tx" for CheckTx, as the messages' names are written there. */
static void snake(char out[static 64], const char *name) {
    size_t at = 0;
    for (; *name != '\0' && at < 62; name++) {
        if (*name >= 'A' && *name <= 'Z' && at > 0)
            out[at++] = '_';
        out[at++] = *name >= 'A' && *name <= 'Z' ? (char)(*name + 32) : *name;
    }
    out[at] = '\0';
}

static struct span take_word(struct span *text) {
    size_t size = 0;
    while (size < text->size && text->data[size] != ' ')
        size++;
    struct span word = span_of(text->data, size);
    size += size < text->size;
    *text = span_of(text->data + size, text->size - size);
    return word;
}

static size_t rewrite(uint8_t *out, enum abci_call *call, bool is_request, struct span message, struct arena *arena) {
    struct proto_writer writer;
    struct abci_request request;
    struct abci_response response;
    *call = ABCI_NONE;
    bool good = is_request ? abci_request_decode(&request, message, arena) : abci_response_decode(&response, message, arena);
    if (!good)
        return 0;
    *call = is_request ? request.call : response.call;
    proto_writer_init(&writer, out, FRAME_BYTES_MAX);
    if (is_request)
        abci_request_write(&writer, &request);
    else
        abci_response_write(&writer, &response);
    return writer.overflow ? 0 : writer.size;
}

/* The rule: the length is the message's, the message is of the call that the case names, and decoding and encoding it gives the same bytes. */
static const char *frame_case(const json_t *item, uint8_t *frame, uint8_t *again, struct arena *arena) {
    static const char *const known[] = {"name", "hex", NULL};
    size_t size;
    struct span name = vectors_text(item, "name"), message, kind;
    char text[64];
    enum abci_call call;
    if (!read_only_keys(item, known) || !vectors_hex(item, "hex", frame, &size, FRAME_BYTES_MAX))
        return "a case of unknown shape";
    kind = take_word(&name);
    bool is_request = span_equal(kind, span_text("Request"));
    if (!is_request && !span_equal(kind, span_text("Response")))
        return "neither Request nor Response";
    if (proto_delimited(&message, span_of(frame, size), ABCI_MESSAGE_BYTES_MAX) != (long)size)
        return "the length is not that of the rest";
    size_t written = rewrite(again, &call, is_request, message, arena);
    snake(text, abci_call_text(call));
    kind = take_word(&name);
    if (kind.size > 0 && kind.data[kind.size - 1] == ':')
        kind.size--;
    if (!span_equal(kind, span_text(text)))
        return "decoded as another call";
    return span_equal(span_of(again, written), message) ? NULL : "encoded to other bytes";
}

void run_abci_frames(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    size_t i;
    const json_t *item;
    uint8_t *frame = malloc(FRAME_BYTES_MAX), *again = malloc(FRAME_BYTES_MAX);
    json_array_foreach(json_object_get(file, "cases"), i, item) {
        struct arena arena;
        arena_init(&arena, ARENA_BYTES_MAX);
        const char *wrong = frame_case(item, frame, again, &arena);
        vectors_expect(report, i, wrong == NULL, wrong);
        arena_close(&arena);
    }
    free(frame);
    free(again);
}

/* ---- abci-cli */

struct console {
    struct abci_host host;
    struct arena arena;
    char out[TEXT_BYTES_MAX]; /* what it prints, a line each */
    size_t size;
};

static void print(struct console *console, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void print(struct console *console, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int written = vsnprintf(console->out + console->size, sizeof console->out - console->size, format, args);
    va_end(args);
    if (written > 0 && (size_t)written < sizeof console->out - console->size)
        console->size += (size_t)written;
}

static void print_bytes(struct console *console, const char *name, struct span bytes, const char *begin, bool as_text) {
    if (as_text)
        print(console, "%s: %.*s\n", name, (int)bytes.size, (const char *)bytes.data);
    print(console, "%s.hex: %s", name, begin);
    for (size_t i = 0; i < bytes.size; i++)
        print(console, "%02X", bytes.data[i]);
    print(console, "\n");
}

static void print_code(struct console *console, uint32_t code) {
    if (code == 0)
        print(console, "code: OK\n");
    else
        print(console, "code: %u\n", code);
}

/* Over the wire and back, both ways, as the tool and the application have it between them. */
static bool ask(struct console *console, struct abci_response *response, const struct abci_request *asked) {
    uint8_t *bytes = arena_take(&console->arena, FRAME_BYTES_MAX, 1), *back = arena_take(&console->arena, FRAME_BYTES_MAX, 1);
    struct proto_writer writer;
    struct abci_request request;
    proto_writer_init(&writer, bytes, FRAME_BYTES_MAX);
    abci_request_write(&writer, asked);
    if (writer.overflow || !abci_request_decode(&request, proto_writer_span(&writer), &console->arena))
        return false;
    abci_host_answer(&console->host, response, &request, &console->arena);
    proto_writer_init(&writer, back, FRAME_BYTES_MAX);
    abci_response_write(&writer, response);
    return !writer.overflow && abci_response_decode(response, proto_writer_span(&writer), &console->arena) && response->call == asked->call;
}

static bool from_hex(struct span *out, struct span text, struct arena *arena) {
    size_t size;
    uint8_t *bytes = arena_take(arena, text.size / 2, 1);
    bool good = text_hex_decode(bytes, &size, text.size / 2, text);
    *out = span_of(bytes, good ? size : 0);
    return good;
}

/* In quotes, or hex behind 0x. */
static bool read_argument(struct span *out, struct span word, struct arena *arena) {
    if (word.size > 2 && word.data[0] == '0' && (word.data[1] | 0x20) == 'x')
        return from_hex(out, span_of(word.data + 2, word.size - 2), arena);
    bool good = word.size >= 2 && word.data[0] == '"' && word.data[word.size - 1] == '"';
    if (good)
        *out = span_of(word.data + 1, word.size - 2);
    return good;
}

static void print_results(struct console *console, const struct abci_finalized *finalized) {
    for (uint32_t i = 0; i < finalized->tx_count; i++) {
        const struct abci_tx_result *result = &finalized->tx_results[i];
        print_code(console, result->code);
        if (result->data.size > 0)
            print_bytes(console, "data", result->data, "0x", false);
        if (result->log.size > 0)
            print(console, "log: %.*s\n", (int)result->log.size, (const char *)result->log.data);
    }
    print_code(console, 0);
    if (finalized->app_hash.size > 0)
        print_bytes(console, "data", app_hash_span(&finalized->app_hash), "0x", false);
}

static void print_answer(struct console *console, const struct abci_answer *answer) {
    print_code(console, answer->code);
    if (answer->log.size > 0)
        print(console, "log: %.*s\n", (int)answer->log.size, (const char *)answer->log.data);
    print(console, "height: %lld\n", (long long)answer->height);
    if (answer->key.size > 0)
        print_bytes(console, "key", answer->key, "", true);
    if (answer->value.size > 0)
        print_bytes(console, "value", answer->value, "", true);
}

static void print_data(struct console *console, struct span data) {
    print_code(console, 0);
    if (data.size > 0)
        print_bytes(console, "data", data, "0x", true);
}

static void print_response(struct console *console, const struct abci_response *response) {
    static const char *const statuses[] = {"UNKNOWN", "ACCEPT", "REJECT"};
    switch (response->call) {
    case ABCI_ECHO: print_data(console, response->echo); break;
    case ABCI_INFO: print_data(console, response->info.data); break;
    case ABCI_COMMIT: print_code(console, 0); break;
    case ABCI_CHECK_TX: print_code(console, response->check_tx.code); break;
    case ABCI_QUERY: print_answer(console, &response->query); break;
    case ABCI_FINALIZE_BLOCK: print_results(console, &response->finalized); break;
    case ABCI_PREPARE_PROPOSAL:
        for (uint32_t i = 0; i < response->txs.count; i++)
            print(console, "code: OK\nlog: Succeeded. Tx: %.*s\n", (int)response->txs.list[i].size, (const char *)response->txs.list[i].data);
        break;
    case ABCI_PROCESS_PROPOSAL:
        print_code(console, 0);
        print(console, "status: %s\n", response->status >= 0 && response->status <= 2 ? statuses[response->status] : "?");
        break;
    default: print(console, "?\n");
    }
}

/* Which call the console's word means; false: none that we know. */
static bool build_request(struct abci_request *request, struct span word, const struct span *words, uint32_t count, struct arena *arena) {
    static const enum abci_call calls[] = {ABCI_ECHO, ABCI_INFO, ABCI_COMMIT, ABCI_CHECK_TX, ABCI_QUERY, ABCI_PREPARE_PROPOSAL,
                                           ABCI_PROCESS_PROPOSAL, ABCI_FINALIZE_BLOCK};
    struct span *txs = arena_take(arena, count, sizeof *txs);
    memset(request, 0, sizeof *request);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        char text[64];
        snake(text, abci_call_text(calls[i]));
        if (span_equal(word, span_text(text)))
            request->call = calls[i];
    }
    if (request->call == ABCI_ECHO)
        request->echo = count > 0 ? words[0] : span_text("");
    if (request->call <= ABCI_INFO || request->call == ABCI_COMMIT)
        return request->call != ABCI_NONE;
    for (uint32_t i = 0; i < count; i++)
        if (!read_argument(&txs[i], words[i], arena))
            return false;
    if (count == 0 || txs == NULL)
        return false;
    if (request->call == ABCI_CHECK_TX)
        request->check_tx.tx = txs[0];
    else if (request->call == ABCI_QUERY)
        request->query = (struct abci_query){.data = txs[0], .path = span_text("/store")};
    else
        request->block = (struct abci_block){.txs = txs, .tx_count = count, .time = TIMESTAMP_ZERO};
    request->bytes_max = request->call == ABCI_PREPARE_PROPOSAL ? 65536 : request->bytes_max;
    return true;
}

static bool run_step(struct console *console, const json_t *step) {
    static const char *const known[] = {"command", "output", NULL};
    struct span line = vectors_text(step, "command"), words[WORDS_MAX], word = take_word(&line);
    struct abci_request request;
    struct abci_response response;
    char expected[TEXT_BYTES_MAX] = "";
    size_t i, size = 0;
    uint32_t count = 0;
    const json_t *text;
    while (line.size > 0 && count < WORDS_MAX)
        words[count++] = take_word(&line);
    json_array_foreach(json_object_get(step, "output"), i, text)
        size += (size_t)snprintf(expected + size, sizeof expected - size, "%s\n", json_string_value(text));
    console->size = 0;
    arena_reset(&console->arena);
    if (!read_only_keys(step, known) || !build_request(&request, word, words, count, &console->arena) || !ask(console, &response, &request))
        return false;
    print_response(console, &response);
    return size == console->size && memcmp(expected, console->out, size) == 0;
}

static void fail(void *context, const char *what) __attribute__((noreturn));
static void fail(void *context, const char *what) {
    (void)context;
    fprintf(stderr, "%s\n", what);
    abort();
}

/* The script is the commands of the steps, and perhaps empty lines. */
static bool script_fits(const json_t *item) {
    const json_t *steps = json_object_get(item, "steps"), *line;
    size_t i, at = 0;
    json_array_foreach(json_object_get(item, "script"), i, line) {
        if (json_string_length(line) == 0)
            continue;
        const json_t *command = json_object_get(json_array_get(steps, at++), "command");
        if (!json_is_string(command) || strcmp(json_string_value(command), json_string_value(line)) != 0)
            return false;
    }
    return at == json_array_size(steps);
}

void run_abci_cli_kvstore(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    static const char *const known[] = {"name", "script", "steps", NULL};
    static struct console console;
    size_t i, s;
    const json_t *item, *step;
    json_array_foreach(json_object_get(file, "cases"), i, item) {
        struct kv *kv = kv_memory_new((struct kv_failure){NULL, fail});
        arena_init(&console.arena, ARENA_BYTES_MAX);
        bool opened = abci_host_open(&console.host, "kvstore", kv);
        vectors_expect(report, i, opened && read_only_keys(item, known) && script_fits(item), "a case of unknown shape");
        json_array_foreach(json_object_get(item, "steps"), s, step)
            vectors_expect(report, i, run_step(&console, step), json_string_value(json_object_get(step, "command")));
        abci_host_close(&console.host);
        arena_close(&console.arena);
        kv_close(kv);
    }
}
