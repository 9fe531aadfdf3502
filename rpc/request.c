#include "rpc/request.h"

enum { STATUS_BAD = 400, STATUS_NOT_IMPLEMENTED = 501, STATUS_VERSION = 505 };

static uint8_t lower(uint8_t c) { return c >= 'A' && c <= 'Z' ? c | 0x20 : c; }

static bool equal_fold(struct span a, struct span b) {
    if (a.size != b.size)
        return false;
    for (size_t i = 0; i < a.size; i++)
        if (lower(a.data[i]) != lower(b.data[i]))
            return false;
    return true;
}

bool request_text_is(struct span text, const char *name) { return equal_fold(text, span_text(name)); }

static bool is_blank(uint8_t c) { return c == ' ' || c == '\t'; }

static struct span trim(struct span text) {
    while (text.size > 0 && is_blank(text.data[0]))
        text = span_of(text.data + 1, text.size - 1);
    while (text.size > 0 && is_blank(text.data[text.size - 1]))
        text.size--;
    return text;
}

bool request_list_has(struct span list, struct span item) {
    while (list.size > 0) {
        const uint8_t *comma = memchr(list.data, ',', list.size);
        size_t size = comma == NULL ? list.size : (size_t)(comma - list.data);
        if (equal_fold(trim(span_of(list.data, size)), item))
            return true;
        size += comma != NULL;
        list = span_of(list.data + size, list.size - size);
    }
    return false;
}

size_t request_head_size(struct span bytes, size_t *seen) {
    size_t from = *seen > 3 ? *seen - 3 : 0; /* the ending may lie across what was seen */
    while (from < bytes.size) {
        const uint8_t *line = memchr(bytes.data + from, '\n', bytes.size - from);
        if (line == NULL)
            break;
        size_t next = (size_t)(line - bytes.data) + 1;
        if (next < bytes.size && bytes.data[next] == '\n')
            return next + 1;
        if (next + 1 < bytes.size && bytes.data[next] == '\r' && bytes.data[next + 1] == '\n')
            return next + 2;
        from = next;
    }
    *seen = bytes.size;
    return 0;
}

/* Takes a line off the front, without its ending. */
static struct span next_line(struct span *rest) {
    const uint8_t *end = memchr(rest->data, '\n', rest->size);
    size_t size = end == NULL ? rest->size : (size_t)(end - rest->data), step = size + (end != NULL);
    struct span line = span_of(rest->data, size > 0 && rest->data[size - 1] == '\r' ? size - 1 : size);
    *rest = span_of(rest->data + step, rest->size - step);
    return line;
}

static bool is_token(struct span text) {
    static const char others[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        bool word = (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9');
        if (!word && (c == 0 || strchr(others, c) == NULL))
            return false;
    }
    return text.size > 0;
}

/* "http://host" of an absolute target is passed over. */
static struct span path_of(struct span target) {
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < 2; i++) {
        size_t size = strlen(schemes[i]);
        if (target.size < size || !equal_fold(span_of(target.data, size), span_text(schemes[i])))
            continue;
        const uint8_t *slash = memchr(target.data + size, '/', target.size - size);
        return slash == NULL ? span_text("/") : span_of(slash, (size_t)(target.data + target.size - slash));
    }
    return target;
}

static int parse_line(struct request *request, struct span line) {
    const uint8_t *end = line.data + line.size, *first = memchr(line.data, ' ', line.size);
    if (first == NULL)
        return STATUS_BAD;
    const uint8_t *second = memchr(first + 1, ' ', (size_t)(end - first - 1));
    if (second == NULL || second == first + 1)
        return STATUS_BAD;
    struct span version = span_of(second + 1, (size_t)(end - second - 1));
    request->method = span_of(line.data, (size_t)(first - line.data));
    struct span target = path_of(span_of(first + 1, (size_t)(second - first - 1)));
    for (size_t i = 0; i < target.size; i++)
        if (target.data[i] <= 0x20 || target.data[i] == 0x7f)
            return STATUS_BAD;
    if (!is_token(request->method) || (target.data[0] != '/' && target.data[0] != '*'))
        return STATUS_BAD;
    const uint8_t *mark = memchr(target.data, '?', target.size);
    size_t path_size = mark == NULL ? target.size : (size_t)(mark - target.data);
    request->path = span_of(target.data, path_size);
    request->query = mark == NULL ? span_of(NULL, 0) : span_of(mark + 1, target.size - path_size - 1);
    request->is_http_1_0 = span_equal(version, span_text("HTTP/1.0"));
    request->keep_alive = !request->is_http_1_0;
    if (request->is_http_1_0 || span_equal(version, span_text("HTTP/1.1")))
        return 0;
    return version.size == 8 && memcmp(version.data, "HTTP/", 5) == 0 ? STATUS_VERSION : STATUS_BAD;
}

static bool parse_length(struct request *request, struct span value) {
    uint64_t length = 0;
    if (value.size == 0)
        return false;
    for (size_t i = 0; i < value.size; i++) {
        uint8_t digit = (uint8_t)(value.data[i] - '0');
        if (digit > 9 || __builtin_mul_overflow(length, 10, &length) || __builtin_add_overflow(length, digit, &length))
            return false;
    }
    if (request->has_length && request->length != length)
        return false;
    request->has_length = true;
    request->length = length;
    return true;
}

static void parse_connection(struct request *request, struct span value) {
    request->wants_upgrade |= request_list_has(value, span_text("upgrade"));
    if (request_list_has(value, span_text("close")))
        request->keep_alive = false;
    else if (request->is_http_1_0 && request_list_has(value, span_text("keep-alive")))
        request->keep_alive = true;
}

static int parse_field(struct request *request, struct span name, struct span value) {
    static const struct {
        const char *name;
        size_t offset;
    } kept[] = {
        {"host", offsetof(struct request, host)},
        {"origin", offsetof(struct request, origin)},
        {"content-type", offsetof(struct request, content_type)},
        {"authorization", offsetof(struct request, authorization)},
        {"upgrade", offsetof(struct request, upgrade)},
        {"sec-websocket-key", offsetof(struct request, socket_key)},
        {"sec-websocket-version", offsetof(struct request, socket_version)},
        {"access-control-request-method", offsetof(struct request, wants_method)},
        {"access-control-request-headers", offsetof(struct request, wants_headers)},
    };
    if (request_text_is(name, "content-length"))
        return parse_length(request, value) ? 0 : STATUS_BAD;
    if (request_text_is(name, "transfer-encoding")) {
        if (request->chunked || !request_text_is(value, "chunked"))
            return STATUS_NOT_IMPLEMENTED;
        request->chunked = true;
    } else if (request_text_is(name, "connection")) {
        parse_connection(request, value);
    } else if (request_text_is(name, "expect")) {
        request->expects_continue = request_text_is(value, "100-continue");
    }
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        if (!request_text_is(name, kept[i].name))
            continue;
        struct span *place = (struct span *)((char *)request + kept[i].offset);
        if (place == &request->host && place->data != NULL)
            return STATUS_BAD; /* two hosts */
        *place = value.data == NULL ? span_of("", 0) : value;
    }
    return 0;
}

int request_parse(struct request *request, struct span head) {
    *request = (struct request){0};
    struct span line = next_line(&head);
    int status = parse_line(request, line);
    while (status == 0 && (line = next_line(&head)).size > 0) {
        const uint8_t *colon = memchr(line.data, ':', line.size);
        if (colon == NULL)
            return STATUS_BAD;
        struct span name = span_of(line.data, (size_t)(colon - line.data));
        struct span value = trim(span_of(colon + 1, line.size - name.size - 1));
        if (!is_token(name) || memchr(value.data, '\0', value.size) != NULL || memchr(value.data, '\r', value.size) != NULL)
            return STATUS_BAD;
        status = parse_field(request, name, value);
    }
    if (status == 0 && request->chunked && (request->has_length || request->is_http_1_0))
        return STATUS_BAD;
    if (status == 0 && !request->is_http_1_0 && request->host.data == NULL)
        return STATUS_BAD;
    return status;
}

/* ---- chunks */

enum { CHUNK_SIZE_LINE, CHUNK_DATA, CHUNK_DATA_END, CHUNK_TRAILER };
enum { CHUNK_LINE_MAX = 256, CHUNK_EXTRA_MAX = 65536 };

static int hex_digit(uint8_t c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "1a;name=value" */
static bool parse_chunk_size(uint64_t *size, struct span line) {
    size_t i = 0;
    *size = 0;
    for (int digit; i < line.size && (digit = hex_digit(line.data[i])) >= 0; i++) {
        if (i == 15)
            return false;
        *size = *size << 4 | (uint64_t)digit;
    }
    return i > 0 && (i == line.size || line.data[i] == ';' || is_blank(line.data[i]));
}

/* A whole line from `in` on; false: not yet, or (then *progress BAD) too long. */
static bool chunk_line(struct request_chunks *chunks, struct span *line, const uint8_t *bytes, size_t size, enum request_progress *progress) {
    size_t left = size - chunks->in, look = left > CHUNK_LINE_MAX ? CHUNK_LINE_MAX : left;
    const uint8_t *end = memchr(bytes + chunks->in, '\n', look);
    *progress = end == NULL && look == CHUNK_LINE_MAX ? REQUEST_BAD : REQUEST_MORE;
    if (end == NULL)
        return false;
    struct span rest = span_of(bytes + chunks->in, look);
    *line = next_line(&rest);
    size_t took = (size_t)(end - bytes) + 1 - chunks->in;
    chunks->in += took;
    chunks->extra += (uint32_t)took;
    if (chunks->extra <= CHUNK_EXTRA_MAX + 8 * chunks->out)
        return true;
    *progress = REQUEST_BAD; /* mostly framing */
    return false;
}

static void chunk_data(struct request_chunks *chunks, uint8_t *bytes, size_t size) {
    size_t left = size - chunks->in, take = left < chunks->left ? left : (size_t)chunks->left;
    memmove(bytes + chunks->out, bytes + chunks->in, take);
    chunks->in += take;
    chunks->out += take;
    chunks->left -= take;
    if (chunks->left == 0)
        chunks->phase = CHUNK_DATA_END;
}

enum request_progress request_unchunk(struct request_chunks *chunks, uint8_t *bytes, size_t size, uint64_t body_max) {
    enum request_progress progress = REQUEST_MORE;
    struct span line;
    while (chunks->in < size) {
        if (chunks->phase == CHUNK_DATA) {
            chunk_data(chunks, bytes, size);
            continue;
        }
        if (!chunk_line(chunks, &line, bytes, size, &progress))
            return progress;
        if (chunks->phase == CHUNK_SIZE_LINE) {
            if (!parse_chunk_size(&chunks->left, line))
                return REQUEST_BAD;
            if (chunks->left > body_max - chunks->out)
                return REQUEST_TOO_LARGE;
            chunks->phase = chunks->left == 0 ? CHUNK_TRAILER : CHUNK_DATA;
        } else if (chunks->phase == CHUNK_DATA_END) {
            if (line.size > 0)
                return REQUEST_BAD;
            chunks->phase = CHUNK_SIZE_LINE;
        } else if (line.size == 0) {
            return REQUEST_WHOLE;
        }
    }
    return REQUEST_MORE;
}
