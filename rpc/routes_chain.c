/* The past: blocks, commits, validators, results (cometbft: rpc/core/{blocks,consensus,tx,env}.go). */
#include <inttypes.h>

#include "rpc/call.h"
#include "rpc/shapes.h"

enum { BLOCKCHAIN_LIMIT = 20, PER_PAGE = 30, PER_PAGE_MAX = 100 };

/* What is committed, and one more for what is known of the height under way. */
static int64_t latest(const struct call *call) { return call_ledger(call)->state.height; }

static int64_t latest_uncommitted(const struct call *call) {
    return call_catching_up(call) ? latest(call) : state_next_height(&call_ledger(call)->state);
}

bool routes_height(struct call *call, int64_t *height, int64_t newest) {
    const struct arg *arg = &call->args[0];
    *height = newest;
    if (!arg->given)
        return true;
    if (arg->number <= 0)
        call_fail(call, "height must be greater than 0, but got %" PRId64, arg->number);
    else if (arg->number > newest)
        call_fail(call, "height %" PRId64 " must be less than or equal to the current blockchain height %" PRId64, arg->number, newest);
    else if (arg->number < call_ledger(call)->base)
        call_fail(call, "height %" PRId64 " is not available, lowest height is %" PRId64, arg->number, call_ledger(call)->base);
    *height = arg->number;
    return !call->failed;
}

uint32_t routes_per_page(const struct arg *per_page) {
    if (!per_page->given || per_page->number < 1)
        return PER_PAGE;
    return per_page->number > PER_PAGE_MAX ? PER_PAGE_MAX : (uint32_t)per_page->number;
}

bool routes_page(struct call *call, uint32_t *skip, uint32_t *count, uint32_t total, const struct arg *page, const struct arg *per_page) {
    uint32_t size = routes_per_page(per_page), pages = total == 0 ? 1 : (total - 1) / size + 1;
    if (page->given && (page->number <= 0 || page->number > pages)) {
        call_fail(call, "page should be within [1, %u] range, given %" PRId64, pages, page->number);
        return false;
    }
    *skip = page->given ? (uint32_t)(page->number - 1) * size : 0;
    *count = total - *skip < size ? total - *skip : size;
    return true;
}

/* ---- blocks */

static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

const char *routes_range(int64_t *low, int64_t *high, int64_t base, int64_t height, int64_t limit) {
    if (*low < 0 || *high < 0)
        return "heights must be non-negative";
    *high = smaller(*high == 0 ? height : *high, height);
    *low = larger(larger(*low == 0 ? 1 : *low, base), *high - limit + 1);
    return *low > *high ? "min height can't be greater than max height" : NULL;
}

static bool choose_range(struct call *call, int64_t *low, int64_t *high) {
    *low = call->args[0].number;
    *high = call->args[1].number;
    const char *fault = routes_range(low, high, call_ledger(call)->base, latest(call), BLOCKCHAIN_LIMIT);
    if (fault != NULL && *low >= 0 && *high >= 0)
        call_fail(call, "min height %" PRId64 " can't be greater than max height %" PRId64, *low, *high);
    else if (fault != NULL)
        call_fail(call, "%s", fault);
    return fault == NULL;
}

void routes_blockchain(struct call *call) {
    int64_t low, high;
    struct emit *out = call->out;
    struct ledger_meta meta;
    if (!choose_range(call, &low, &high))
        return;
    emit_open(out, '{');
    shapes_int64(out, "last_height", latest(call));
    emit_key(out, "block_metas");
    emit_open(out, '[');
    for (int64_t height = high; height >= low; height--) {
        if (ledger_block_meta(call_ledger(call), &meta, height))
            shapes_meta(out, &meta);
        else
            emit_null(out);
    }
    emit_shut(out, ']');
    emit_shut(out, '}');
}

/* block: NULL, there is none. */
static void put_block(struct call *call, struct block *block, int64_t height) {
    static const struct block_id none;
    struct ledger_meta meta;
    bool known = block != NULL && ledger_block_meta(call_ledger(call), &meta, height);
    emit_open(call->out, '{');
    emit_key(call->out, "block_id");
    shapes_block_id(call->out, known ? &meta.block_id : &none);
    emit_key(call->out, "block");
    if (block != NULL)
        shapes_block(call->out, block);
    else
        emit_null(call->out);
    emit_shut(call->out, '}');
}

void routes_block(struct call *call) {
    int64_t height;
    if (!routes_height(call, &height, latest(call)))
        return;
    struct block *block = ledger_block(call_ledger(call), height);
    put_block(call, block, height);
    block_release(block);
}

static int64_t height_of_hash(struct call *call) {
    struct span hash = call->args[0].bytes;
    return hash.size == 32 ? ledger_height_of(call_ledger(call), hash.data) : 0;
}

void routes_block_by_hash(struct call *call) {
    int64_t height = height_of_hash(call);
    struct block *block = height > 0 ? ledger_block(call_ledger(call), height) : NULL;
    put_block(call, block, height);
    block_release(block);
}

static void put_header(struct call *call, int64_t height) {
    struct ledger_meta meta;
    emit_open(call->out, '{');
    emit_key(call->out, "header");
    if (height > 0 && ledger_block_meta(call_ledger(call), &meta, height))
        shapes_header(call->out, &meta.header);
    else
        emit_null(call->out);
    emit_shut(call->out, '}');
}

void routes_header(struct call *call) {
    int64_t height;
    if (routes_height(call, &height, latest(call)))
        put_header(call, height);
}

void routes_header_by_hash(struct call *call) { put_header(call, height_of_hash(call)); }

void routes_commit(struct call *call) {
    int64_t height;
    struct ledger_meta meta;
    struct commit commit;
    bool canonical = false;
    struct emit *out = call->out;
    if (!routes_height(call, &height, latest(call)))
        return;
    if (!ledger_block_meta(call_ledger(call), &meta, height)) {
        emit_null(out);
        return;
    }
    bool found = ledger_commit(call_ledger(call), &commit, &canonical, height, call->arena);
    emit_open(out, '{');
    emit_key(out, "signed_header");
    emit_open(out, '{');
    emit_key(out, "header");
    shapes_header(out, &meta.header);
    emit_key(out, "commit");
    if (found)
        shapes_commit(out, &commit);
    else
        emit_null(out);
    emit_shut(out, '}');
    emit_key(out, "canonical");
    emit_bool(out, canonical);
    emit_shut(out, '}');
}

/* ---- validators and parameters: one height further than blocks */

static void put_validators(struct call *call, const struct valset *set, int64_t height) {
    uint32_t skip, count;
    struct emit *out = call->out;
    if (!routes_page(call, &skip, &count, set->count, &call->args[1], &call->args[2]))
        return;
    emit_open(out, '{');
    shapes_int64(out, "block_height", height);
    emit_key(out, "validators");
    emit_open(out, '[');
    for (uint32_t i = skip; i < skip + count; i++)
        shapes_validator(out, &set->validators[i]);
    emit_shut(out, ']');
    shapes_int64(out, "count", count);
    shapes_int64(out, "total", set->count);
    emit_shut(out, '}');
}

void routes_validators(struct call *call) {
    int64_t height;
    struct valset set;
    if (!routes_height(call, &height, latest_uncommitted(call)))
        return;
    valset_init(&set);
    if (ledger_validators(call_ledger(call), &set, height))
        put_validators(call, &set, height);
    else
        call_fail(call, "could not find validator set for height #%" PRId64, height);
    valset_close(&set);
}

void routes_consensus_params(struct call *call) {
    int64_t height, changed_at;
    struct params params;
    if (!routes_height(call, &height, latest_uncommitted(call)))
        return;
    if (!ledger_params(call_ledger(call), &params, height, &changed_at)) {
        call_fail(call, "could not find consensus params for height #%" PRId64, height);
        return;
    }
    emit_open(call->out, '{');
    shapes_int64(call->out, "block_height", height);
    emit_key(call->out, "consensus_params");
    genesis_emit_params(call->out, &params);
    emit_shut(call->out, '}');
}

/* ---- results */

static bool load_results(struct call *call, struct abci_finalized *finalized, int64_t height) {
    bool keeps = call_ledger(call)->keep_results;
    if (keeps && ledger_results(call_ledger(call), finalized, height, call->arena))
        return true;
    if (!keeps)
        call_fail(call, "node is not persisting finalize block responses");
    else
        call_fail(call, "could not find results for height #%" PRId64, height);
    return false;
}

void routes_block_results(struct call *call) {
    int64_t height;
    struct abci_finalized finalized;
    struct emit *out = call->out;
    if (!routes_height(call, &height, latest(call)) || !load_results(call, &finalized, height))
        return;
    emit_open(out, '{');
    shapes_int64(out, "height", height);
    emit_key(out, "txs_results");
    if (finalized.tx_count == 0) {
        emit_null(out);
    } else {
        emit_open(out, '[');
        for (uint32_t i = 0; i < finalized.tx_count; i++)
            shapes_tx_result(out, &finalized.tx_results[i]);
        emit_shut(out, ']');
    }
    emit_key(out, "finalize_block_events");
    shapes_block_events(out, &finalized.events);
    emit_key(out, "validator_updates");
    shapes_validator_updates(out, &finalized);
    emit_key(out, "consensus_param_updates");
    shapes_params_update(out, &finalized);
    shapes_base64(out, "app_hash", app_hash_span(&finalized.app_hash));
    emit_shut(out, '}');
}
