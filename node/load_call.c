#include "node/load_call.h"

#include <assert.h>
#include <event2/event.h>
#include <stdio.h>

#include "node/load_scan.h"

#define ANSWER_BYTES_MAX ((size_t)64 << 20)

static void on_answered(void *context, int status, struct span body) {
    struct load_call *call = context;
    (void)status; /* an error answer of any status has its text in the body */
    buffer_append(&call->answer, body);
    call->has_answer = true;
    event_base_loopbreak(call->base);
}

static void on_broke(void *context, const char *reason) {
    struct load_call *call = context;
    snprintf(call->fault, sizeof call->fault, "%s: %s", call->http.place->host, reason);
    event_base_loopbreak(call->base);
}

static void on_late(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    event_base_loopbreak(context);
}

void load_call_open(struct load_call *call, const struct load_http_place *place) {
    *call = (struct load_call){.base = event_base_new()};
    assert(call->base != NULL);
    buffer_init(&call->answer);
    load_http_init(&call->http, call->base, place, ANSWER_BYTES_MAX, (struct load_http_owner){call, on_answered, on_broke});
}

void load_call_close(struct load_call *call) {
    load_http_close(&call->http);
    buffer_close(&call->answer);
    if (call->base != NULL)
        event_base_free(call->base);
    call->base = NULL;
}

bool load_call_post(struct load_call *call, struct span *body, struct span request, unsigned timeout_ms) {
    struct timeval timeout = {timeout_ms / 1000, (long)(timeout_ms % 1000) * 1000};
    buffer_consume(&call->answer, buffer_size(&call->answer));
    call->has_answer = false;
    snprintf(call->fault, sizeof call->fault, "%s: no answer within %u ms", call->http.place->host, timeout_ms);
    load_http_post(&call->http, request);
    struct event *late = evtimer_new(call->base, on_late, call->base); /* not event_base_loopexit, which would end a later call's waiting */
    assert(late != NULL);
    evtimer_add(late, &timeout);
    event_base_dispatch(call->base);
    event_free(late);
    if (!call->has_answer)
        load_http_close(&call->http);
    *body = buffer_span(&call->answer);
    return call->has_answer;
}

struct outcome {
    struct load_call *call;
    struct span result;
};

static void note_outcome(void *context, const struct load_answer *answer) {
    struct outcome *outcome = context;
    outcome->result = answer->result;
    if (answer->is_error)
        snprintf(outcome->call->fault, sizeof outcome->call->fault, "%s: %.*s", outcome->call->http.place->host,
                 (int)(answer->text.size < 200 ? answer->text.size : 200), (const char *)answer->text.data);
}

bool load_call_method(struct load_call *call, struct span *result, const char *method, const char *params, unsigned timeout_ms) {
    char request[1024];
    struct span body;
    struct outcome outcome = {.call = call};
    int size = snprintf(request, sizeof request, "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"%s\",\"params\":%s}", method, params);
    assert(size > 0 && (size_t)size < sizeof request);
    if (!load_call_post(call, &body, span_of(request, (size_t)size), timeout_ms))
        return false;
    snprintf(call->fault, sizeof call->fault, "%s: %s is answered with no JSON-RPC", call->http.place->host, method);
    if (!load_scan_answers(body, note_outcome, &outcome) || outcome.result.size == 0)
        return false;
    *result = outcome.result;
    return true;
}
