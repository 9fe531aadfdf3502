#include "node/audit_request.h"

#include <assert.h>

#include "crypto/sha256.h"
#include "crypto/text.h"
#include "genesis/scan.h"

enum { VOTE_BYTES_MAX = 512 };

static struct span encode(uint8_t out[static VOTE_BYTES_MAX], const struct vote *vote) {
    struct proto_writer writer;
    proto_writer_init(&writer, out, VOTE_BYTES_MAX);
    vote_write(&writer, vote);
    assert(!writer.overflow);
    return proto_writer_span(&writer);
}

static void name(struct audit_request *request) {
    uint8_t bytes[2 * VOTE_BYTES_MAX + 256], vote[VOTE_BYTES_MAX];
    struct proto_writer writer;
    proto_writer_init(&writer, bytes, sizeof bytes);
    proto_put_text(&writer, 1, "quorate audit request");
    proto_put_text(&writer, 2, request->chain_id);
    proto_put_int64(&writer, 3, request->height);
    proto_put_int64(&writer, 4, (int64_t)request->rule + 1);
    proto_put_int64(&writer, 5, request->kind);
    proto_put_bytes(&writer, 6, address_span(&request->who));
    proto_put_bytes(&writer, 7, encode(vote, &request->a));
    if (request->kind == AUDIT_A1)
        proto_put_bytes(&writer, 8, encode(vote, &request->b));
    assert(!writer.overflow);
    sha256_once(request->id, proto_writer_span(&writer));
}

void audit_request_of(struct audit_request *out, const struct audit_case *audit, const struct audit_finding *finding) {
    *out = (struct audit_request){.height = audit->height, .rule = audit->rule, .kind = finding->kind, .who = finding->who, .a = *finding->a};
    memcpy(out->chain_id, audit->chain_id.data, audit->chain_id.size);
    if (finding->kind == AUDIT_A1)
        out->b = *finding->b;
    name(out);
}

static void put_vote(struct emit *emit, const char *key, const struct vote *vote) {
    uint8_t bytes[VOTE_BYTES_MAX];
    emit_key(emit, key);
    emit_open(emit, '{');
    emit_key(emit, "type");
    emit_cstring(emit, vote->type == VOTE_PREVOTE ? "prevote" : "precommit");
    emit_key(emit, "round");
    emit_number(emit, vote->round);
    emit_key(emit, "block");
    emit_hex(emit, digest_span(&vote->block_id.hash));
    emit_key(emit, "vote");
    emit_base64(emit, encode(bytes, vote));
    emit_shut(emit, '}');
}

void audit_request_emit(struct emit *emit, const struct audit_request *request, const char *deadline) {
    emit_open(emit, '{');
    emit_key(emit, "type");
    emit_cstring(emit, "quorate/audit-request");
    emit_key(emit, "id");
    emit_hex(emit, span_of(request->id, sizeof request->id));
    emit_key(emit, "chain_id");
    emit_cstring(emit, request->chain_id);
    emit_key(emit, "height");
    emit_int64(emit, request->height);
    emit_key(emit, "lock_rule");
    emit_cstring(emit, audit_rule_text(request->rule));
    emit_key(emit, "claim");
    emit_cstring(emit, audit_kind_text(request->kind));
    emit_key(emit, "address");
    emit_hex(emit, address_span(&request->who));
    put_vote(emit, "a", &request->a);
    if (request->kind == AUDIT_A1)
        put_vote(emit, "b", &request->b);
    if (deadline != NULL) {
        emit_key(emit, "deadline");
        emit_cstring(emit, deadline);
    }
    emit_shut(emit, '}');
}

/* ---- reading */

static bool text_member(struct span *out, struct span object, const char *key, struct arena *arena) {
    struct span value;
    return scan_member(object, &value, key) && scan_text(out, value, arena);
}

static bool hex_member(uint8_t *out, size_t size, struct span object, const char *key, struct arena *arena) {
    struct span text;
    size_t got;
    return text_member(&text, object, key, arena) && text_hex_decode(out, &got, size, text) && got == size;
}

static bool base64_member(struct span *out, struct span object, const char *key, struct arena *arena) {
    struct span text;
    if (!text_member(&text, object, key, arena))
        return false;
    size_t capacity = text.size, size;
    uint8_t *bytes = arena_take(arena, capacity + 1, 1);
    if (bytes == NULL || !text_base64_decode(bytes, &size, capacity, text))
        return false;
    *out = span_of(bytes, size);
    return true;
}

static bool vote_member(struct vote *out, struct span object, const char *key, struct arena *arena) {
    struct span value, bytes;
    return scan_member(object, &value, key) && base64_member(&bytes, value, "vote", arena) && bytes.size <= VOTE_BYTES_MAX - 64 && vote_decode(out, bytes) &&
           out->extension.size == 0 && vote_check(out) == VOTE_GOOD;
}

static bool is_of_type(struct span object, const char *type, struct arena *arena) {
    struct span text;
    return text_member(&text, object, "type", arena) && span_equal(text, span_text(type));
}

const char *audit_request_parse(struct audit_request *out, struct span json, struct arena *arena) {
    struct span object, text, value;
    uint8_t id[32];
    *out = (struct audit_request){.kind = 0};
    if (!scan_value(&object, json, NULL) || !is_of_type(object, "quorate/audit-request", arena))
        return "this is no audit request";
    if (!text_member(&text, object, "chain_id", arena) || text.size >= sizeof out->chain_id)
        return "the request names no chain";
    memcpy(out->chain_id, text.data, text.size);
    if (!scan_member(object, &value, "height") || !scan_int64_text(&out->height, value) || out->height < 1)
        return "the request names no height";
    if (!text_member(&text, object, "lock_rule", arena) || !audit_rule_parse(&out->rule, text))
        return "the request names no lock rule";
    if (!text_member(&text, object, "claim", arena))
        return "the request claims nothing";
    out->kind = span_equal(text, span_text("A1")) ? AUDIT_A1 : span_equal(text, span_text("A2")) ? AUDIT_A2 : 0;
    out->who.size = 20;
    if (out->kind == 0 || !hex_member(out->who.bytes, 20, object, "address", arena) || !vote_member(&out->a, object, "a", arena) ||
        (out->kind == AUDIT_A1 && !vote_member(&out->b, object, "b", arena)))
        return "the request's votes are malformed";
    name(out);
    if (!hex_member(id, sizeof id, object, "id", arena) || memcmp(id, out->id, sizeof id) != 0)
        return "the request was changed: its id is not that of what it says";
    return NULL;
}

void audit_answer_emit(struct emit *emit, const struct audit_request *request, struct span log) {
    emit_open(emit, '{');
    emit_key(emit, "type");
    emit_cstring(emit, "quorate/audit-answer");
    emit_key(emit, "request");
    audit_request_emit(emit, request, NULL);
    emit_key(emit, "log");
    emit_base64(emit, log);
    emit_shut(emit, '}');
}

const char *audit_answer_parse(struct audit_request *request, struct span *log, struct span json, struct arena *arena) {
    struct span object, asked;
    if (!scan_value(&object, json, NULL) || !is_of_type(object, "quorate/audit-answer", arena))
        return "this is no answer to an audit request";
    if (!scan_member(object, &asked, "request") || !base64_member(log, object, "log", arena))
        return "the answer is malformed";
    return audit_request_parse(request, asked, arena);
}
