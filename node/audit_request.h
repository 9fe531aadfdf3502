/* What an accused is asked, and its answer, as JSON. A request names the votes in question; its id is their hash, and an answer repeats the request
 * that it answers: one for another request is refused. */
#ifndef QUORATE_NODE_AUDIT_REQUEST_H
#define QUORATE_NODE_AUDIT_REQUEST_H

#include "genesis/emit.h"
#include "tendermint/audit.h"

struct audit_request {
    uint8_t id[32];
    char chain_id[VOTE_CHAIN_ID_BYTES_MAX + 1];
    int64_t height;
    enum audit_rule rule;
    enum audit_kind kind;
    struct address who;
    struct vote a, b; /* b: of A1 only */
};

void audit_request_of(struct audit_request *out, const struct audit_case *audit, const struct audit_finding *finding);
void audit_request_emit(struct emit *emit, const struct audit_request *request, const char *deadline /* or NULL */);
const char *audit_request_parse(struct audit_request *out, struct span json, struct arena *arena); /* NULL: good; the id fits what it says */

void audit_answer_emit(struct emit *emit, const struct audit_request *request, struct span log);
/* *log is from the arena. Whether the question is this audit's is for the caller to see. */
const char *audit_answer_parse(struct audit_request *request, struct span *log, struct span json, struct arena *arena);

#endif
