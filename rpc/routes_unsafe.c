/* What changes the node, behind rpc.unsafe (cometbft: rpc/core/{net,dev}.go). */
#include <stdlib.h>

#include "rpc/call.h"
#include "rpc/shapes.h"

enum { ADDRESSES_BYTES_MAX = 64 * 1024 };

static bool join(struct call *call, struct emit *out) {
    struct span list = call->args[0].bytes, key, item, text;
    emit_init(out);
    if (!call->args[0].given)
        return true;
    if (scan_kind(list) != SCAN_LIST) {
        call->bad_params = true;
        call_fail(call, "error converting json params to arguments: json: cannot unmarshal %s into Go value of type []string", scan_kind_name(list));
        return false;
    }
    for (struct scan_walk walk = scan_walk(list); scan_next(&walk, &key, &item);) {
        if (!scan_text(&text, item, call->arena) || memchr(text.data, ',', text.size) != NULL || memchr(text.data, 0, text.size) != NULL) {
            call->bad_params = true;
            call_fail(call, "error converting json params to arguments: an address is a string id@host:port");
            return false;
        }
        if (out->size > 0)
            emit_literal(out, ",");
        emit_raw(out, text);
    }
    if (out->size <= ADDRESSES_BYTES_MAX)
        return true;
    call_fail(call, "more than %d bytes of addresses", ADDRESSES_BYTES_MAX);
    return false;
}

struct dialled {
    struct rpc_dial wish;
};

void routes_prepare_dial(struct call *call) {
    struct emit joined;
    struct dialled *found = arena_take(call->arena, 1, sizeof *found);
    bool good = join(call, &joined);
    emit_raw(&joined, span_of("", 1)); /* an end */
    struct span kept = span_of(NULL, 0);
    if (good && joined.size == 1)
        call_fail(call, "no %s provided", call->route->specs[0].name);
    else if (good && (found == NULL || !arena_copy(call->arena, &kept, span_of(joined.data, joined.size))))
        call_fail(call, "no room for an answer");
    emit_close(&joined);
    if (call->failed)
        return;
    const struct arg *args = call->args;
    *found = (struct dialled){.wish = {(const char *)kept.data, args[1].yes, args[2].yes, args[3].yes}};
    call->found = found;
}

void routes_ask_dial(struct call *call) {
    struct dialled *found = call->found;
    char *fault = call->host->dial == NULL ? strdup("this node dials nobody") : call->host->dial(call->host->context, &found->wish);
    if (fault != NULL)
        call_fail(call, "%s", fault);
    free(fault);
}

static void put_log(struct call *call, const char *text) {
    emit_open(call->out, '{');
    shapes_text(call->out, "log", span_text(text));
    emit_shut(call->out, '}');
}

void routes_dial_seeds(struct call *call) { put_log(call, "Dialing seeds in progress. See /net_info for details"); }

void routes_dial_peers(struct call *call) { put_log(call, "Dialing peers in progress. See /net_info for details"); }

void routes_ask_flush_mempool(struct call *call) {
    mempool_flush(call->host->mempool);
    emit_open(call->out, '{');
    emit_shut(call->out, '}');
}
