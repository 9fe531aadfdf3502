#include "node/rpcclient.h"

#include <stdlib.h>

#include "genesis/emit.h"
#include "genesis/scan.h"
#include "node/complaint.h"

enum { TEXT_MAX = 400 };

static void say(struct rpcclient_answer *answer, enum rpcclient_kind kind, const char *text) {
    answer->kind = kind;
    answer->text = complaint_of("%s", text);
}

/* "message: data", as people read it; what a stranger wrote is cut and stripped of control characters. */
static char *error_text(struct span error) {
    struct arena arena;
    struct span value, message = {0}, data = {0};
    arena_init(&arena, 1 << 16);
    if (scan_member(error, &value, "message"))
        scan_text(&message, value, &arena);
    if (scan_member(error, &value, "data"))
        scan_text(&data, value, &arena);
    char *text = complaint_of("%.*s%s%.*s", message.size > TEXT_MAX ? TEXT_MAX : (int)message.size, (const char *)message.data, data.size > 0 ? ": " : "",
                              data.size > TEXT_MAX ? TEXT_MAX : (int)data.size, (const char *)data.data);
    complaint_plain(text);
    arena_close(&arena);
    return text;
}

void rpcclient_read(struct rpcclient_answer *answer, struct blob *body) {
    struct span whole;
    *answer = (struct rpcclient_answer){.body = body};
    if (!scan_value(&whole, blob_span(body), NULL) || scan_kind(whole) != SCAN_OBJECT)
        return say(answer, RPCCLIENT_NONSENSE, "the answer is no JSON object");
    if (scan_member(whole, &answer->error, "error") && scan_kind(answer->error) == SCAN_OBJECT) {
        answer->kind = RPCCLIENT_ERROR;
        answer->text = error_text(answer->error);
        return;
    }
    if (!scan_member(whole, &answer->result, "result"))
        return say(answer, RPCCLIENT_NONSENSE, "the answer has neither a result nor an error");
    answer->kind = RPCCLIENT_RESULT;
}

void rpcclient_call(struct rpcclient_answer *answer, const char *url, const char *method, struct span params, const struct httpclient_limits *limits) {
    struct emit emit;
    char *error = NULL;
    int status;
    emit_init(&emit);
    emit_literal(&emit, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"");
    emit_literal(&emit, method);
    emit_literal(&emit, "\"");
    if (params.size > 0) {
        emit_literal(&emit, ",\"params\":");
        emit_raw(&emit, params);
    }
    emit_literal(&emit, "}");
    struct blob *body = httpclient_ask(&status, url, span_of(emit.data, emit.size), limits, &error);
    emit_close(&emit);
    if (body != NULL)
        rpcclient_read(answer, body);
    else
        *answer = (struct rpcclient_answer){.kind = RPCCLIENT_SILENT, .text = error};
}

void rpcclient_close(struct rpcclient_answer *answer) {
    blob_release(answer->body);
    free(answer->text);
    *answer = (struct rpcclient_answer){0};
}
