/* tx_search and block_search (cometbft: rpc/core/{tx,blocks}.go), and tx, which answers with the same shape. */
#include <inttypes.h>

#include "crypto/sha256.h"
#include "crypto/text.h"
#include "ledger/search.h"
#include "rpc/call.h"
#include "rpc/shapes.h"

enum { READ_BYTES_MAX = 256 << 20, ANSWER_BYTES_MAX = 64 << 20 }; /* of one page */

static void put_proof(struct emit *out, const struct block *block, uint32_t index) {
    struct merkle_proof proof;
    block_tx_proof(block, &proof, index);
    emit_key(out, "proof");
    emit_open(out, '{');
    shapes_hex(out, "root_hash", digest_span(&block->header.data_hash));
    emit_key(out, "data");
    emit_base64_text(out, block->txs[index]);
    emit_key(out, "proof");
    shapes_merkle_proof(out, &proof);
    emit_shut(out, '}');
}

/* One ResultTx. Returns how much was read for it, 0: block or results are not there any more, nothing was written. */
static size_t put_tx(struct call *call, int64_t height, uint32_t index, bool prove) {
    struct ledger *ledger = call_ledger(call);
    struct abci_tx_result result;
    struct span tx;
    size_t size = ledger_tx_at(ledger, &tx, height, index, call->arena), more;
    struct block *block = prove && size > 0 ? ledger_block(ledger, height) : NULL;
    if (size == 0 || (prove && block == NULL) || (more = ledger_result_at(ledger, &result, height, index, call->arena)) == 0) {
        block_release(block);
        return 0;
    }
    uint8_t hash[SHA256_BYTES];
    sha256_once(hash, tx);
    emit_open(call->out, '{');
    shapes_hex(call->out, "hash", span_of(hash, sizeof hash));
    shapes_int64(call->out, "height", height);
    shapes_number(call->out, "index", index);
    emit_key(call->out, "tx_result");
    shapes_tx_result(call->out, &result);
    emit_key(call->out, "tx");
    emit_base64_text(call->out, tx);
    if (prove)
        put_proof(call->out, block, index);
    emit_shut(call->out, '}');
    block_release(block);
    return size + more;
}

static void fail_unknown_tx(struct call *call, struct span hash) {
    char hex[TEXT_HEX_SIZE(64)];
    text_hex_upper(hex, span_of(hash.data, hash.size > 64 ? 64 : hash.size));
    call_fail(call, "tx (%s) not found", hex);
}

void routes_tx(struct call *call) {
    struct span hash = call->args[0].bytes;
    int64_t height;
    uint32_t index;
    if (!call_ledger(call)->index_transactions)
        call_fail(call, "transaction indexing is disabled");
    else if (hash.size == 0)
        call_fail(call, "transaction hash cannot be empty");
    else if (hash.size != 32 || !ledger_find_tx(call_ledger(call), hash.data, &height, &index) ||
             put_tx(call, height, index, call->args[1].yes) == 0)
        fail_unknown_tx(call, hash);
}

/* ---- searching */

static const struct arg *order_of(const struct call *call, bool txs) { return &call->args[txs ? 4 : 3]; }

/* false: the call has failed. */
static bool read_order(struct call *call, bool *descending, bool txs) {
    struct span text = order_of(call, txs)->bytes;
    bool asc = span_equal(text, span_text("asc")), desc = span_equal(text, span_text("desc"));
    if (!asc && !desc && text.size > 0)
        call_fail(call, "expected order_by to be either `asc` or `desc` or empty");
    *descending = desc || (text.size == 0 && !txs);
    return !call->failed;
}

static bool find(struct call *call, struct search *search, enum index_kind kind) {
    struct query query;
    char error[QUERY_ERROR_BYTES];
    if (!query_parse(&query, error, call->args[0].bytes)) {
        call_fail(call, "%s", error);
        return false;
    }
    bool good = search_run(search, call_ledger(call), kind, &query, SEARCH_WORK_MAX);
    if (!good)
        call_fail(call, "%s", search->error);
    query_close(&query);
    return good;
}

static void put_block(struct call *call, int64_t height) {
    struct ledger_meta meta;
    struct block *block = ledger_block(call_ledger(call), height);
    if (block != NULL && ledger_block_meta(call_ledger(call), &meta, height)) {
        emit_open(call->out, '{');
        emit_key(call->out, "block_id");
        shapes_block_id(call->out, &meta.block_id);
        emit_key(call->out, "block");
        shapes_block(call->out, block);
        emit_shut(call->out, '}');
    }
    block_release(block);
}

static void put_page(struct call *call, const struct search *search, bool txs, bool descending, uint32_t skip, uint32_t count) {
    size_t read = 0, begin = call->out->size;
    emit_open(call->out, '{');
    emit_key(call->out, txs ? "txs" : "blocks");
    emit_open(call->out, '[');
    for (uint32_t i = skip; i < skip + count && !call->failed; i++) {
        const struct search_hit *hit = &search->hits[descending ? search->count - 1 - i : i];
        if (txs)
            read += put_tx(call, hit->height, hit->tx, call->args[1].yes);
        else
            put_block(call, hit->height);
        if (read > READ_BYTES_MAX || call->out->size - begin > ANSWER_BYTES_MAX)
            call_fail(call, "this page has too much in it; ask for fewer with per_page");
    }
    emit_shut(call->out, ']');
    shapes_int64(call->out, "total_count", search->count);
    emit_shut(call->out, '}');
}

static void answer(struct call *call, enum index_kind kind) {
    bool txs = kind == INDEX_TXS, descending;
    const struct arg *page = &call->args[txs ? 2 : 1];
    struct search search = {0};
    uint32_t skip, count;
    if (!call_ledger(call)->index_transactions)
        call_fail(call, "%s indexing is disabled", txs ? "transaction" : "block");
    else if (find(call, &search, kind) && read_order(call, &descending, txs) && routes_page(call, &skip, &count, search.count, page, page + 1))
        put_page(call, &search, txs, descending, skip, count);
    search_close(&search);
}

void routes_tx_search(struct call *call) { answer(call, INDEX_TXS); }

void routes_block_search(struct call *call) { answer(call, INDEX_BLOCKS); }
