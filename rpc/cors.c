#include "rpc/cors.h"

static bool is_on(const struct rpc_config *config) { return config->cors_allowed_origins != NULL && config->cors_allowed_origins[0] != '\0'; }

bool cors_is_preflight(const struct rpc_config *config, const struct request *request) {
    return is_on(config) && span_equal(request->method, span_text("OPTIONS")) && request->wants_method.size > 0;
}

static bool starts_with(struct span text, struct span head) {
    return text.size >= head.size && memcmp(text.data, head.data, head.size) == 0;
}

static bool ends_with(struct span text, struct span tail) {
    return text.size >= tail.size && memcmp(text.data + text.size - tail.size, tail.data, tail.size) == 0;
}

/* One '*' in a pattern stands for anything. */
static bool matches(struct span pattern, struct span origin) {
    const uint8_t *star = pattern.size == 0 ? NULL : memchr(pattern.data, '*', pattern.size);
    if (star == NULL)
        return span_equal(pattern, origin);
    size_t before = (size_t)(star - pattern.data);
    struct span head = span_of(pattern.data, before), tail = span_of(star + 1, pattern.size - before - 1);
    return origin.size >= head.size + tail.size && starts_with(origin, head) && ends_with(origin, tail);
}

/* Walks a comma list; items without the spaces around them. */
static bool next_item(struct span *list, struct span *item) {
    if (list->size == 0)
        return false;
    const uint8_t *comma = memchr(list->data, ',', list->size);
    size_t size = comma == NULL ? list->size : (size_t)(comma - list->data), step = size + (comma != NULL);
    *item = span_of(list->data, size);
    while (item->size > 0 && item->data[0] == ' ')
        *item = span_of(item->data + 1, item->size - 1);
    while (item->size > 0 && item->data[item->size - 1] == ' ')
        item->size--;
    *list = span_of(list->data + step, list->size - step);
    return true;
}

static bool origin_allowed(const struct rpc_config *config, struct span origin, bool *everyone) {
    struct span list = span_text(config->cors_allowed_origins), item;
    bool allowed = false;
    *everyone = false;
    while (next_item(&list, &item)) {
        *everyone |= span_equal(item, span_text("*"));
        allowed |= *everyone || matches(item, origin);
    }
    return allowed;
}

static bool method_allowed(const struct rpc_config *config, struct span method) {
    return span_equal(method, span_text("OPTIONS")) || request_list_has(span_text(config->cors_allowed_methods), method);
}

static bool headers_allowed(const struct rpc_config *config, struct span headers) {
    struct span allowed = span_text(config->cors_allowed_headers), item;
    while (next_item(&headers, &item))
        if (item.size > 0 && !request_text_is(item, "origin") && !request_list_has(allowed, span_text("*")) && !request_list_has(allowed, item))
            return false;
    return true;
}

static void line(struct emit *head, const char *name, struct span value) {
    emit_literal(head, name);
    emit_raw(head, value);
    emit_literal(head, "\r\n");
}

void cors_headers(struct emit *head, const struct rpc_config *config, const struct request *request) {
    if (!is_on(config))
        return;
    bool everyone, preflight = cors_is_preflight(config, request);
    struct span method = preflight ? request->wants_method : request->method;
    line(head, "Vary: ", span_text(preflight ? "Origin, Access-Control-Request-Method, Access-Control-Request-Headers" : "Origin"));
    if (request->origin.size == 0 || !origin_allowed(config, request->origin, &everyone) || !method_allowed(config, method))
        return;
    if (preflight && !headers_allowed(config, request->wants_headers))
        return;
    line(head, "Access-Control-Allow-Origin: ", everyone ? span_text("*") : request->origin);
    if (!preflight)
        return;
    line(head, "Access-Control-Allow-Methods: ", method);
    if (request->wants_headers.size > 0)
        line(head, "Access-Control-Allow-Headers: ", request->wants_headers);
}
