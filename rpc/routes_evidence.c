/* Evidence on its way in (cometbft: rpc/core/evidence.go). */
#include "rpc/call.h"
#include "rpc/evidence_json.h"
#include "rpc/shapes.h"

static void put_hash(struct call *call, const struct evidence *evidence) {
    struct digest hash;
    evidence_hash(&hash, evidence);
    emit_open(call->out, '{');
    shapes_hex(call->out, "hash", digest_span(&hash));
    emit_shut(call->out, '}');
}

/* What the pool knows already, and what it has committed, is no error; what it cannot keep is one, because the sender should hear. */
static void submit(struct call *call, const struct evidence *evidence) {
    if (call->host->submit_evidence == NULL)
        return call_fail(call, "this node takes no evidence");
    enum evidence_pool_verdict verdict = call->host->submit_evidence(call->host->context, evidence);
    switch (verdict) {
    case EVIDENCE_POOL_GOOD:
    case EVIDENCE_POOL_HELD:
    case EVIDENCE_POOL_KNOWN:
    case EVIDENCE_POOL_COMMITTED: put_hash(call, evidence); break;
    default: call_fail(call, "failed to add evidence: %s", evidence_pool_verdict_text(verdict));
    }
}

void routes_broadcast_evidence(struct call *call) {
    struct evidence evidence;
    struct span error = {0};
    if (!call->args[0].given)
        return call_fail(call, "no evidence was provided");
    if (!evidence_json_read(&evidence, &error, call->args[0].bytes, call->arena)) {
        call->bad_params = true;
        return call_fail(call, "error converting json params to arguments: %.*s", (int)error.size, (const char *)error.data);
    }
    if (!evidence_check(&evidence))
        return call_fail(call, "evidence.ValidateBasic failed: %s", evidence_pool_verdict_text(EVIDENCE_POOL_BAD_SHAPE));
    submit(call, &evidence);
}
