#include "node/demo_proof.h"

#include <assert.h>
#include <inttypes.h>

#include "crypto/text.h"
#include "genesis/scan.h"
#include "node/load_call.h"
#include "node/load_scan.h"

#define TIMEOUT_MS   10000
#define PAGE_HEIGHTS 20 /* of `blockchain` */
#define BATCH        10 /* requests in a list, which is what nodes allow */
#define HASH_MAX     64

struct page { /* hashes of up to 20 heights, as the node wrote them */
    char block[PAGE_HEIGHTS][HASH_MAX + 1], app[PAGE_HEIGHTS][HASH_MAX + 1];
};

static bool fail(struct demo_proof *proof, const struct localnet_node *node, const char *what) {
    snprintf(proof->fault, sizeof proof->fault, "%s: %s", node->name, what);
    return false;
}

/* The chain */

static bool ask_heights(struct demo_proof *proof, const struct localnet_node *node, struct load_call *call) {
    struct span result, first, last;
    int64_t height_first, height_last;
    if (!load_call_method(call, &result, "status", "{}", TIMEOUT_MS))
        return fail(proof, node, call->fault);
    if (!load_scan_path(&first, result, "sync_info.earliest_block_height") || !load_scan_number(&height_first, first) ||
        !load_scan_path(&last, result, "sync_info.latest_block_height") || !load_scan_number(&height_last, last) || height_last < 1)
        return fail(proof, node, "its status names no heights");
    if (height_first > proof->height_first)
        proof->height_first = height_first;
    if (proof->height_last == 0 || height_last < proof->height_last)
        proof->height_last = height_last;
    return true;
}

static bool copy_hash(char out[static HASH_MAX + 1], struct span meta, const char *path) {
    struct span hash;
    if (!load_scan_path(&hash, meta, path) || hash.size > HASH_MAX)
        return false;
    memcpy(out, hash.data, hash.size);
    out[hash.size] = '\0';
    return true;
}

static bool take_meta(struct page *page, struct span meta, int64_t from, int64_t to) {
    struct span digits;
    int64_t height;
    if (!load_scan_path(&digits, meta, "header.height") || !load_scan_number(&height, digits) || height < from || height > to)
        return false;
    return copy_hash(page->block[height - from], meta, "block_id.hash") && copy_hash(page->app[height - from], meta, "header.app_hash");
}

static bool ask_page(struct page *page, struct load_call *call, int64_t from, int64_t to) {
    char params[128];
    struct span result, metas, key, meta;
    snprintf(params, sizeof params, "{\"minHeight\":\"%" PRId64 "\",\"maxHeight\":\"%" PRId64 "\"}", from, to);
    memset(page, 0, sizeof *page);
    if (!load_call_method(call, &result, "blockchain", params, TIMEOUT_MS) || !scan_value(&result, result, NULL) ||
        !scan_member(result, &metas, "block_metas"))
        return false;
    struct scan_walk walk = scan_walk(metas);
    int64_t count = 0;
    for (; scan_next(&walk, &key, &meta); count++)
        if (!take_meta(page, meta, from, to))
            return false;
    return count == to - from + 1;
}

static bool compare(struct demo_proof *proof, const struct localnet *net, uint32_t index, const struct page *mine, const struct page *first,
                    int64_t from, int64_t to) {
    for (int64_t height = from; height <= to; height++) {
        bool is_block = strcmp(mine->block[height - from], first->block[height - from]) != 0;
        if (!is_block && mine->block[height - from][0] != '\0' && strcmp(mine->app[height - from], first->app[height - from]) == 0)
            continue;
        snprintf(proof->fault, sizeof proof->fault, "height %" PRId64 ": %s has another %s hash than %s (%s, %s)", height,
                 net->nodes[index].name, is_block ? "block" : "app", net->nodes[0].name,
                 is_block ? mine->block[height - from] : mine->app[height - from],
                 is_block ? first->block[height - from] : first->app[height - from]);
        return false;
    }
    return true;
}

static bool compare_page(struct demo_proof *proof, const struct localnet *net, struct load_call *calls, int64_t from, int64_t to) {
    struct page first, mine;
    for (uint32_t i = 0; i < net->count; i++) {
        if (!ask_page(i == 0 ? &first : &mine, &calls[i], from, to)) {
            snprintf(proof->fault, sizeof proof->fault, "%s does not show the blocks %" PRId64 " to %" PRId64 " (%s)", net->nodes[i].name, from,
                     to, calls[i].fault);
            return false;
        }
        if (i > 0 && !compare(proof, net, i, &mine, &first, from, to))
            return false;
    }
    return true;
}

static void open_calls(struct load_call *calls, const struct localnet *net) {
    for (uint32_t i = 0; i < net->count; i++)
        load_call_open(&calls[i], &net->nodes[i].rpc);
}

static void close_calls(struct load_call *calls, const struct localnet *net) {
    for (uint32_t i = 0; i < net->count; i++)
        load_call_close(&calls[i]);
}

bool demo_proof_of_chain(struct demo_proof *proof, const struct localnet *net) {
    struct load_call calls[LOCALNET_NODES_MAX];
    bool good = true;
    *proof = (struct demo_proof){.height_first = 1};
    open_calls(calls, net);
    for (uint32_t i = 0; good && i < net->count; i++)
        good = ask_heights(proof, &net->nodes[i], &calls[i]);
    for (int64_t from = proof->height_first; good && from <= proof->height_last; from += PAGE_HEIGHTS) {
        int64_t to = from + PAGE_HEIGHTS - 1;
        good = compare_page(proof, net, calls, from, to < proof->height_last ? to : proof->height_last);
    }
    close_calls(calls, net);
    return good;
}

/* The transactions */

struct ask { /* a list of questions to one node */
    struct demo_proof *proof;
    const struct localnet_node *node;
    const struct load_tally *tally;
    uint32_t numbers[BATCH], count;
    uint32_t good; /* a bit for each that is proved */
};

static void complain_of(struct ask *ask, uint32_t number, const char *what) {
    char hex[TEXT_HEX_SIZE(32)];
    text_hex_upper(hex, span_of(ask->tally->txs[number].hash, 32));
    snprintf(ask->proof->fault, sizeof ask->proof->fault, "%s: transaction %s %s", ask->node->name, hex, what);
}

static void take_answer(void *context, const struct load_answer *answer) {
    struct ask *ask = context;
    char what[256];
    uint8_t hash[32];
    size_t size;
    if (answer->id < 0 || answer->id >= ask->count)
        return;
    uint32_t number = ask->numbers[answer->id];
    const struct load_tally_tx *tx = &ask->tally->txs[number];
    int64_t height = tx->block == 0 ? 0 : ask->tally->base_height + tx->block - 1;
    if (answer->is_error || !text_hex_decode(hash, &size, sizeof hash, answer->hash) || size != 32 || memcmp(hash, tx->hash, 32) != 0) {
        snprintf(what, sizeof what, "is not found (%.*s)", (int)(answer->text.size < 150 ? answer->text.size : 150),
                 (const char *)answer->text.data);
        complain_of(ask, number, what);
    } else if (answer->height != height) {
        snprintf(what, sizeof what, "is in block %" PRId64 ", but was read in block %" PRId64, answer->height, height);
        complain_of(ask, number, what);
    } else if (answer->code != 0) {
        snprintf(what, sizeof what, "was accepted and then executed with code %" PRId64, answer->code);
        complain_of(ask, number, what);
    } else {
        ask->good |= 1U << answer->id;
    }
}

static bool ask_list(struct ask *ask, struct load_call *call) {
    char request[BATCH * 192], base64[TEXT_BASE64_SIZE(32)];
    struct span body;
    size_t size = 0;
    ask->good = 0;
    for (uint32_t i = 0; i < ask->count; i++) {
        text_base64(base64, span_of(ask->tally->txs[ask->numbers[i]].hash, 32));
        size += (size_t)snprintf(request + size, sizeof request - size,
                                 "%s{\"jsonrpc\":\"2.0\",\"id\":%u,\"method\":\"tx\",\"params\":{\"hash\":\"%s\",\"prove\":false}}", i == 0 ? "[" : ",",
                                 i, base64);
    }
    request[size++] = ']';
    if (!load_call_post(call, &body, span_of(request, size), TIMEOUT_MS))
        return fail(ask->proof, ask->node, call->fault);
    if (!load_scan_answers(body, take_answer, ask) || (ask->good != (1U << ask->count) - 1 && ask->proof->fault[0] == '\0'))
        return fail(ask->proof, ask->node, "does not answer a list of tx questions");
    return ask->good == (1U << ask->count) - 1;
}

/* Every accepted one, or every n-th. */
static bool ask_node(struct demo_proof *proof, const struct localnet_node *node, struct load_call *call, const struct load_tally *tally) {
    struct ask ask = {.proof = proof, .node = node, .tally = tally};
    uint64_t step = (tally->accepted + DEMO_PROOF_TXS_MAX - 1) / DEMO_PROOF_TXS_MAX, met = 0;
    bool good = true;
    proof->txs_asked = 0;
    for (uint32_t i = 0; good && i < tally->count; i++) {
        if (tally->txs[i].state != LOAD_TALLY_ACCEPTED || met++ % step != 0)
            continue;
        proof->txs_asked++;
        ask.numbers[ask.count++] = i;
        if (ask.count < BATCH)
            continue;
        good = ask_list(&ask, call);
        ask.count = 0;
    }
    return good && (ask.count == 0 || ask_list(&ask, call));
}

bool demo_proof_of_txs(struct demo_proof *proof, const struct localnet *net, const struct load_tally *tally) {
    struct load_call calls[LOCALNET_NODES_MAX];
    bool good = true;
    open_calls(calls, net);
    for (uint32_t i = 0; good && i < net->count; i++)
        good = ask_node(proof, &net->nodes[i], &calls[i], tally);
    close_calls(calls, net);
    return good;
}
