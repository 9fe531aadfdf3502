/* For auditors: what this node's vote journal holds of a height. */
#include "rpc/call.h"
#include "rpc/shapes.h"

enum { ITEMS_BYTES_MAX = 32 << 20 };

struct found {
    struct rpc_vote_log log;
    struct span items;
    bool is_there;
};

void routes_ask_vote_log(struct call *call) {
    struct found *found = arena_take(call->arena, 1, sizeof *found);
    if (!call->args[0].given || call->args[0].number < 1)
        return call_fail(call, "height must be given, from 1 on");
    if (call->host->vote_log == NULL || found == NULL)
        return call_fail(call, "this node has no vote journal");
    struct blob *items = call->host->vote_log(call->host->context, &found->log, call->args[0].number, ITEMS_BYTES_MAX, call->arena);
    found->is_there = items != NULL && arena_copy(call->arena, &found->items, blob_span(items));
    blob_release(items);
    call->found = found;
}

void routes_vote_log(struct call *call) {
    const struct found *found = call->found;
    struct emit *out = call->out;
    if (!found->is_there)
        return call_fail(call, "the votes of this height are more than an answer can hold; stop the node and export them from its home");
    emit_open(out, '{');
    shapes_int64(out, "height", call->args[0].number);
    shapes_int64(out, "complete_from", found->log.complete_from);
    shapes_int64(out, "filled", found->log.filled);
    shapes_int64(out, "lowest", found->log.lowest);
    emit_key(out, "whole");
    emit_bool(out, found->log.whole);
    emit_key(out, "notes");
    emit_open(out, '[');
    for (uint32_t i = 0; i < found->log.note_count; i++)
        emit_string(out, found->log.notes[i]);
    emit_shut(out, ']');
    emit_key(out, "items");
    emit_base64_text(out, found->items);
    emit_shut(out, '}');
}

static void emit_parents(struct emit *out, const struct rpc_fork_alarm *alarm) {
    emit_key(out, "two_parents");
    if (alarm->parents_height == 0) {
        emit_raw(out, span_text("null"));
        return;
    }
    emit_open(out, '{');
    shapes_int64(out, "height", alarm->parents_height);
    shapes_int64(out, "validators", alarm->parents_validators);
    shapes_int64(out, "power", alarm->parents_power);
    shapes_int64(out, "total_power", alarm->parents_total);
    shapes_text(out, "bundle", span_text(alarm->parents_bundle));
    emit_shut(out, '}');
}

/* The page's banner, and whoever watches several nodes, ask this. */
void routes_ask_fork_alarm(struct call *call) {
    struct rpc_fork_alarm alarm = {.raised = false};
    struct emit *out = call->out;
    if (call->host->fork_alarm != NULL)
        call->host->fork_alarm(call->host->context, &alarm);
    emit_open(out, '{');
    emit_key(out, "raised");
    emit_bool(out, alarm.raised);
    emit_key(out, "stopped_signing");
    emit_bool(out, alarm.stopped);
    shapes_int64(out, "height", alarm.height);
    shapes_hex(out, "ours", digest_span(&alarm.ours));
    shapes_hex(out, "theirs", digest_span(&alarm.theirs));
    shapes_text(out, "bundle", span_text(alarm.bundle));
    emit_parents(out, &alarm);
    emit_shut(out, '}');
}
