#include "tests/interop/chain.h"

#include <inttypes.h>

#include "genesis/scan.h"
#include "node/keyfile.h"
#include "node/load_call.h"
#include "node/load_scan.h"

#define ASK_MS  10000
#define METHODS 4

static const char *const methods[METHODS] = {"block", "block_results", "commit", "validators"};

/* Also those that are out of the game. */
static uint32_t node_of(const struct fleet *fleet, struct span address) {
    for (uint32_t i = 0; i < RELAYS_NODES_MAX; i++)
        if (span_equal(address, span_text(fleet->nodes[i].address)))
            return i;
    return RELAYS_NODES_MAX;
}

static int64_t number_at(struct span value, const char *path) {
    struct span digits;
    int64_t number = 0;
    if (load_scan_path(&digits, value, path))
        load_scan_number(&number, digits);
    return number;
}

static void note_block(struct chain_facts *facts, const struct fleet *fleet, struct span block) {
    struct span address, list;
    uint32_t proposer = load_scan_path(&address, block, "block.header.proposer_address") ? node_of(fleet, address) : RELAYS_NODES_MAX;
    if (load_scan_path(&list, block, "block.data.txs"))
        facts->txs += scan_count(list);
    if (proposer == RELAYS_NODES_MAX)
        return;
    facts->proposed[proposer]++;
    if (load_scan_path(&list, block, "block.evidence.evidence"))
        facts->evidence[proposer] += (uint32_t)scan_count(list);
}

static void note_commit(struct chain_facts *facts, const struct fleet *fleet, struct span commit) {
    struct span list, key, signature, address;
    facts->late_rounds += number_at(commit, "signed_header.commit.round") > 0;
    if (!load_scan_path(&list, commit, "signed_header.commit.signatures"))
        return;
    struct scan_walk walk = scan_walk(list);
    while (scan_next(&walk, &key, &signature)) {
        int64_t flag = number_at(signature, "block_id_flag");
        facts->absent += flag == 1;
        facts->nils += flag == 3;
        if (flag == 2 && load_scan_path(&address, signature, "validator_address") && node_of(fleet, address) < RELAYS_NODES_MAX)
            facts->signed_for[node_of(fleet, address)]++;
    }
}

static void keep(const struct fleet *fleet, const char *method, int64_t height, uint32_t node, struct span answer) {
    char path[LOCALNET_PATH_MAX + 64], *error = NULL;
    snprintf(path, sizeof path, "%s/differs-%s-%" PRId64 "-node%u.json", fleet->net.folder, method, height, node);
    keyfile_write(path, answer, true, &error);
}

static bool differ(struct chain_facts *facts, const struct fleet *fleet, const char *method, int64_t height, uint32_t node, struct span mine, struct span first) {
    size_t at = 0;
    while (at < mine.size && at < first.size && mine.data[at] == first.data[at])
        at++;
    size_t from = at < 60 ? 0 : at - 60;
    snprintf(facts->fault, sizeof facts->fault, "height %" PRId64 ", %s: node%u (%c) answers …%.*s… where node0 (%c) answers …%.*s…", height, method, node,
             fleet->nodes[node].kind, (int)(mine.size - from < 120 ? mine.size - from : 120), (const char *)mine.data + from, fleet->nodes[0].kind,
             (int)(first.size - from < 120 ? first.size - from : 120), (const char *)first.data + from);
    keep(fleet, method, height, node, mine);
    keep(fleet, method, height, 0, first);
    return false;
}

static bool compare_answers(struct chain_facts *facts, const struct fleet *fleet, struct load_call *calls, const char *method, int64_t height) {
    char params[64];
    struct span first = {0}, mine;
    snprintf(params, sizeof params, "{\"height\":\"%" PRId64 "\"}", height);
    for (uint32_t i = 0; i < fleet->net.count; i++) {
        if (!load_call_method(&calls[i], i == 0 ? &first : &mine, method, params, ASK_MS)) {
            snprintf(facts->fault, sizeof facts->fault, "height %" PRId64 ", %s: node%u (%c) does not answer: %s", height, method, i, fleet->nodes[i].kind,
                     calls[i].fault);
            return false;
        }
        if (i > 0 && !span_equal(first, mine))
            return differ(facts, fleet, method, height, i, mine, first);
        facts->answers += i > 0;
    }
    if (strcmp(method, "block") == 0)
        note_block(facts, fleet, first);
    if (strcmp(method, "commit") == 0)
        note_commit(facts, fleet, first);
    return true;
}

static int64_t lowest(const struct fleet *fleet) {
    int64_t lowest = INT64_MAX;
    for (uint32_t i = 0; i < fleet->net.count; i++) {
        int64_t height = fleet_height(fleet, i);
        lowest = height < lowest ? height : lowest;
    }
    return lowest;
}

bool chain_compare(struct chain_facts *facts, const struct fleet *fleet, int64_t first, int64_t last) {
    struct load_call calls[RELAYS_NODES_MAX];
    *facts = (struct chain_facts){.first = first, .last = last != 0 ? last : lowest(fleet) - 1};
    bool good = facts->last >= first;
    if (!good)
        snprintf(facts->fault, sizeof facts->fault, "there is nothing to compare: a node is at height %" PRId64, facts->last + 1);
    for (uint32_t i = 0; i < fleet->net.count; i++)
        load_call_open(&calls[i], &fleet->net.nodes[i].rpc);
    for (int64_t height = first; good && height <= facts->last; height++)
        for (size_t i = 0; good && i < METHODS; i++)
            good = compare_answers(facts, fleet, calls, methods[i], height);
    for (uint32_t i = 0; i < fleet->net.count; i++)
        load_call_close(&calls[i]);
    return good;
}
