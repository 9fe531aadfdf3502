/* A question to a node and its answer, waited for: what is asked before and after a measurement. */
#ifndef QUORATE_NODE_LOAD_CALL_H
#define QUORATE_NODE_LOAD_CALL_H

#include "node/load_http.h"

struct load_call {
    struct event_base *base; /* its own */
    struct load_http http;
    struct buffer answer;
    bool has_answer;
    char fault[256]; /* why the last one failed */
};

void load_call_open(struct load_call *call, const struct load_http_place *place); /* connects at the first question */
void load_call_close(struct load_call *call);
/* The whole body of the answer, a loan until the next call. false: none in time, see `fault`. */
bool load_call_post(struct load_call *call, struct span *body, struct span request, unsigned timeout_ms);
/* Calls a method with params as JSON text ("{}"); *result is the text of the answer's `result`. An error answer is a failure with its text. */
bool load_call_method(struct load_call *call, struct span *result, const char *method, const char *params, unsigned timeout_ms);

#endif
