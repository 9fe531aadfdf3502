/* Pages and ranges; the rules of calls: parameters, ids, notifications, batches. */
#include "tests/vectors/vectors_rpc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "rpc/call.h"
#include "tests/rpc/lab.h"

/* ---- rpc_pagination */

static bool read_page(struct arg *arg, const json_t *value) {
    *arg = (struct arg){.given = json_is_integer(value), .number = json_is_integer(value) ? json_integer_value(value) : 0};
    return value != NULL && (json_is_integer(value) || json_is_null(value));
}

/* Their test looks at the page and not at the error when it expects none: for page 0 there is an error all the same, and the page that comes with it
 * is 1 (validatePage). So for 0 we must refuse, and the page is the first. */
static bool page_is_right(const json_t *one) {
    struct arena arena;
    struct arg page, per_page;
    struct call call = {.arena = &arena};
    uint32_t skip = 0, count = 0;
    int64_t total, wanted = 0;
    const json_t *expected = json_object_get(one, "expected");
    if (!vectors_int64(one, "total", &total) || !read_page(&page, json_object_get(one, "page")) || !read_page(&per_page, json_object_get(one, "per_page")) ||
        (!json_is_null(expected) && !vectors_int64(one, "expected", &wanted)))
        return false;
    arena_init(&arena, 65536);
    bool good = routes_page(&call, &skip, &count, (uint32_t)total, &page, &per_page);
    int64_t got = good ? skip / routes_per_page(&per_page) + 1 : 1;
    arena_close(&arena);
    if (json_is_null(expected))
        return !good;
    return got == wanted && (good || (page.given && page.number == 0));
}

static bool per_page_is_right(const json_t *one) {
    struct arg per_page;
    int64_t expected;
    return read_page(&per_page, json_object_get(one, "per_page")) && vectors_int64(one, "expected_per_page", &expected) &&
           routes_per_page(&per_page) == expected;
}

static bool range_is_right(const json_t *one) {
    int64_t low, high, base, height, limit, count;
    if (!vectors_int64(one, "min", &low) || !vectors_int64(one, "max", &high) || !vectors_int64(one, "base", &base) ||
        !vectors_int64(one, "height", &height) || !vectors_int64(one, "limit", &limit) || !vectors_int64(one, "expected_count", &count))
        return false;
    bool refused = routes_range(&low, &high, base, height, limit) != NULL;
    return refused == json_is_true(json_object_get(one, "expect_error")) && (refused || high - low + 1 == count);
}

static void run_pagination(struct vectors_report *report, const json_t *file, const char *path) {
    size_t index;
    const json_t *one;
    (void)path;
    json_array_foreach(json_object_get(file, "cases"), index, one) {
        if (json_object_get(one, "expected_per_page") != NULL)
            vectors_expect(report, index, per_page_is_right(one), "per_page");
        else if (json_object_get(one, "expected_count") != NULL)
            vectors_expect(report, index, range_is_right(one), "range");
        else if (json_object_get(one, "expected") != NULL)
            vectors_expect(report, index, page_is_right(one), "page");
        else
            vectors_failed(report, index, "a case of unknown shape");
    }
}

/* ---- rpc_jsonrpc_rules */

/* "…(height int, name string)…" */
struct signature_text {
    char names[ARGS_MAX][32];
    struct arg_spec specs[ARGS_MAX + 1];
};

static bool read_signature(struct signature_text *out, const char *text) {
    const char *at = strchr(text, '(');
    *out = (struct signature_text){0};
    for (int i = 0; at != NULL && i < ARGS_MAX; i++) {
        char type[16];
        int size = 0;
        if (sscanf(at + 1, " %31[a-z_] %15[a-z0-9]%n", out->names[i], type, &size) != 2)
            return false;
        bool is_int = strcmp(type, "int") == 0 || strcmp(type, "int64") == 0;
        if (!is_int && strcmp(type, "string") != 0)
            return false;
        out->specs[i] = (struct arg_spec){out->names[i], is_int ? ARG_INT64 : ARG_TEXT};
        at += 1 + size;
        if (*at == ')')
            return true;
        if (*at != ',')
            return false;
    }
    return false;
}

static bool same_args(const struct arg *args, const struct arg_spec *specs, const json_t *expected) {
    size_t i = 0;
    for (; specs[i].name != NULL; i++) {
        const json_t *value = json_array_get(expected, i);
        bool same = specs[i].type == ARG_INT64 ? json_is_integer(value) && json_integer_value(value) == args[i].number
                                               : json_is_string(value) && span_equal(args[i].bytes, span_text(json_string_value(value)));
        if (!same)
            return false;
    }
    return i == json_array_size(expected);
}

static bool params_are_right(const json_t *one, const char *kind) {
    struct signature_text signature;
    struct arg args[ARGS_MAX];
    struct span error, value, params = vectors_text(one, "params");
    struct arena arena;
    const json_t *expected = json_object_get(one, "expected");
    if (params.size == 0 || expected == NULL || !read_signature(&signature, kind))
        return false;
    arena_init(&arena, 1 << 20);
    bool good = scan_value(&value, params, NULL) && args_from_json(args, &error, signature.specs, value, &arena);
    bool right = json_is_null(expected) ? !good : good && same_args(args, signature.specs, expected);
    arena_close(&arena);
    return right;
}

static void put_escaped(char *out, size_t size, const char *text) {
    size_t at = strlen(out);
    for (; *text != '\0' && at + 4 < size; text++)
        at += (size_t)snprintf(out + at, size - at, "%%%02X", (unsigned char)*text);
}

static bool uri_is_right(const json_t *one) {
    struct signature_text signature;
    struct arg args[ARGS_MAX];
    struct span error;
    struct arena arena;
    char query[512] = "";
    const json_t *expected = json_object_get(one, "expected");
    if (expected == NULL || !read_signature(&signature, "(height int, name string)"))
        return false;
    for (size_t i = 0; signature.specs[i].name != NULL; i++) {
        const char *value = json_string_value(json_object_get(one, signature.names[i]));
        if (value == NULL)
            return false;
        snprintf(query + strlen(query), sizeof query - strlen(query), "%s%s=", i > 0 ? "&" : "", signature.names[i]);
        put_escaped(query, sizeof query, value);
    }
    arena_init(&arena, 1 << 20);
    bool good = args_from_uri(args, &error, signature.specs, span_text(query), span_of(NULL, 0), &arena);
    bool right = json_is_null(expected) ? !good : good && same_args(args, signature.specs, expected);
    arena_close(&arena);
    return right;
}

static struct lab lab;

static void answer_foo(struct call *call) { emit_cstring(call->out, "foo"); }

/* The answer to the body from a server that knows one method, or NULL: none. */
static json_t *post(const char *kind, const char *body, int *status, size_t *size) {
    struct signature_text signature;
    struct route routes[2] = {{.name = "c", .handle = answer_foo}};
    struct lab_reply reply;
    if (!read_signature(&signature, kind))
        return NULL;
    memcpy(routes[0].specs, signature.specs, sizeof signature.specs);
    const struct route *before = lab.rpc->routes;
    lab.rpc->routes = routes;
    lab_post(&lab, &reply, body);
    lab.rpc->routes = before;
    json_t *answer = json_loads(reply.text, 0, NULL);
    *status = reply.status;
    *size = reply.size;
    lab_reply_close(&reply);
    return answer;
}

#define ONE_METHOD "POST to a server with method c(s string, i int)"

static bool error_is(const json_t *error, const char *word) {
    static const struct {
        const char *word;
        int code;
    } words[] = {{"Method not found", -32601}, {"invalid JSON", -32700}, {"param count", -32602}, {"bad int", -32602}, {"not a string", -32602}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(word, words[i].word) == 0)
            return json_integer_value(json_object_get(error, "code")) == words[i].code;
    return false;
}

static bool post_is_right(const json_t *one, const char *kind) {
    int status;
    size_t size;
    const char *body = json_string_value(json_object_get(one, "body"));
    const json_t *word = json_object_get(one, "expect_error"), *id = json_object_get(one, "expected_id");
    json_t *answer = body == NULL || word == NULL || id == NULL ? NULL : post(kind, body, &status, &size);
    if (answer == NULL)
        return false;
    const json_t *error = json_object_get(answer, "error"), *given = json_object_get(answer, "id");
    bool same_id = json_is_null(id) ? given == NULL || json_is_null(given) : json_equal(id, given);
    bool right = same_id && (json_is_null(word) ? error == NULL && json_object_get(answer, "result") != NULL
                                                : error != NULL && error_is(error, json_string_value(word)));
    json_decref(answer);
    return right;
}

static bool id_is_right(const json_t *one) {
    char body[512];
    int status;
    size_t size;
    const char *id = json_string_value(json_object_get(one, "id_json"));
    if (id == NULL || !json_is_boolean(json_object_get(one, "expect_error")))
        return false;
    snprintf(body, sizeof body, "{\"jsonrpc\":\"2.0\",\"method\":\"c\",\"id\":%s}", id);
    json_t *answer = post(ONE_METHOD, body, &status, &size), *sent = json_loads(id, JSON_DECODE_ANY, NULL);
    bool refused = json_object_get(answer, "error") != NULL;
    bool right = answer != NULL && refused == json_is_true(json_object_get(one, "expect_error")) &&
                 (refused || json_equal(json_object_get(answer, "id"), sent));
    json_decref(answer);
    json_decref(sent);
    return right;
}

static bool notification_is_right(const json_t *one) {
    int status = 0;
    size_t size = 1;
    const char *body = json_string_value(json_object_get(one, "body")), *wanted = json_string_value(json_object_get(one, "expected_http"));
    if (body == NULL || wanted == NULL || strcmp(wanted, "2xx, empty body") != 0)
        return false;
    json_decref(post(ONE_METHOD, body, &status, &size));
    return status / 100 == 2 && size == 0;
}

/* "batch with one notification and one call", "batch notif, call, notif, call": what the words name, in their order. */
static bool batch_is_right(const json_t *one, const char *kind) {
    char body[2048] = "[";
    int status, parts = 0;
    size_t size;
    int64_t wanted;
    for (const char *at = kind; *at != '\0'; at++) {
        bool notes = strncmp(at, "notif", 5) == 0, calls = strncmp(at, "call", 4) == 0;
        if (!notes && !calls)
            continue;
        snprintf(body + strlen(body), sizeof body - strlen(body), "%s{\"jsonrpc\":\"2.0\",\"method\":\"c\"%s}", parts > 0 ? "," : "",
                 calls ? ",\"id\":\"x\"" : "");
        parts++;
    }
    strcat(body, "]");
    if (parts == 0 || !vectors_int64(one, "expected_responses", &wanted))
        return false;
    json_t *answer = post(ONE_METHOD, body, &status, &size);
    int64_t got = json_is_array(answer) ? (int64_t)json_array_size(answer) : answer != NULL;
    json_decref(answer);
    return got == wanted;
}

static void run_rules(struct vectors_report *report, const json_t *file, const char *path) {
    size_t index;
    const json_t *one;
    (void)path;
    lab_open(&lab, NULL, 1);
    json_array_foreach(json_object_get(file, "cases"), index, one) {
        const char *kind = json_string_value(json_object_get(one, "kind"));
        if (kind == NULL)
            vectors_failed(report, index, "a case of unknown shape");
        else if (strncmp(kind, "json params for ", 16) == 0)
            vectors_expect(report, index, params_are_right(one, kind), kind);
        else if (strcmp(kind, "uri params") == 0)
            vectors_expect(report, index, uri_is_right(one), kind);
        else if (strncmp(kind, "POST to a server with method c(", 31) == 0)
            vectors_expect(report, index, post_is_right(one, kind), kind);
        else if (strcmp(kind, "request id") == 0)
            vectors_expect(report, index, id_is_right(one), kind);
        else if (strcmp(kind, "notification") == 0)
            vectors_expect(report, index, notification_is_right(one), kind);
        else if (strncmp(kind, "batch ", 6) == 0)
            vectors_expect(report, index, batch_is_right(one, kind), kind);
        else
            vectors_failed(report, index, "a case of unknown kind %s", kind);
    }
    lab_close(&lab);
}

const struct vectors_kind vectors_rpc[] = {
    {"rpc_pagination", run_pagination},
    {"rpc_jsonrpc_rules", run_rules},
    {"amino_json_rules", vectors_rpc_amino},
    {"rpc_fixtures", vectors_rpc_fixtures},
    {NULL, NULL},
};
