/* Evidence on its way in (cometbft: rpc/core/evidence.go). */
#include "rpc/call.h"
#include "rpc/evidence_json.h"
#include "rpc/shapes.h"

static void put_hash(struct call *call, const struct evidence *evidence) {
    struct digest hash;
    evidence_hash(&hash, evidence);
    emit_open(call->out, '{');
    shapes_base64(call->out, "hash", digest_span(&hash)); /* theirs is []byte here, not HexBytes */
    emit_shut(call->out, '}');
}

struct handed_in {
    struct evidence evidence;
    enum evidence_pool_verdict verdict;
};

void routes_prepare_evidence(struct call *call) {
    struct span error = {0};
    struct handed_in *found = arena_take(call->arena, 1, sizeof *found);
    if (!call->args[0].given)
        return call_fail(call, "no evidence was provided");
    if (found == NULL)
        return call_fail(call, "no room for an answer");
    if (!evidence_json_read(&found->evidence, &error, call->args[0].bytes, call->arena)) {
        call->bad_params = true;
        return call_fail(call, "error converting json params to arguments: %.*s", (int)error.size, (const char *)error.data);
    }
    if (!evidence_check(&found->evidence))
        return call_fail(call, "evidence.ValidateBasic failed: %s", evidence_pool_verdict_text(EVIDENCE_POOL_BAD_SHAPE));
    if (call->host->submit_evidence == NULL)
        return call_fail(call, "this node takes no evidence");
    call->found = found;
}

void routes_ask_evidence(struct call *call) {
    struct handed_in *found = call->found;
    found->verdict = call->host->submit_evidence(call->host->context, &found->evidence);
}

/* What the pool knows already, and what it has committed, is no error; what it cannot keep is one, because the sender should hear. */
void routes_broadcast_evidence(struct call *call) {
    const struct handed_in *found = call->found;
    switch (found->verdict) {
    case EVIDENCE_POOL_GOOD:
    case EVIDENCE_POOL_HELD:
    case EVIDENCE_POOL_KNOWN:
    case EVIDENCE_POOL_COMMITTED: put_hash(call, &found->evidence); break;
    default: call_fail(call, "failed to add evidence: %s", evidence_pool_verdict_text(found->verdict));
    }
}
