#include "node/audit_chains.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "crypto/text.h"
#include "node/cli_rpc.h"
#include "node/complaint.h"

static struct audit_chain *add(struct audit_chains *chains, const char *name, char **error) {
    if (chains->count == AUDIT_CHAINS_MAX) {
        *error = complaint_of("too many chains: %d homes and nodes in all", AUDIT_CHAINS_MAX);
        return NULL;
    }
    struct audit_chain *chain = calloc(1, sizeof *chain);
    assert(chain != NULL);
    chain->name = name;
    chains->list[chains->count++] = chain;
    return chain;
}

static bool is_of_comet(const char *folder) {
    char *path = complaint_of("%s/data/blockstore.db", folder);
    bool there = access(path, F_OK) == 0;
    free(path);
    return there;
}

bool audit_chains_add_home(struct audit_chains *chains, const char *folder, const char *chain_id, char **error) {
    struct audit_chain *chain = add(chains, folder, error);
    if (chain != NULL && is_of_comet(folder)) {
        *error = complaint_of("%s: this is a home of CometBFT, whose store is another: start that node and give its RPC with --node URL; its log is read with "
                              "--cometbft-wal %s/data/cs.wal", folder, folder);
        return false;
    }
    if (chain == NULL || !homestore_open(&chain->home, folder, false, error))
        return false;
    if (strcmp(chain->home.ledger.state.chain_id, chain_id) != 0) {
        *error = complaint_of("%s: its chain is \"%s\", the audit is of \"%s\"", folder, chain->home.ledger.state.chain_id, chain_id);
        return false;
    }
    chain->source = light_ledger_source(&chain->home.ledger, folder);
    return true;
}

bool audit_chains_add_node(struct audit_chains *chains, const char *url, const char *chain_id, int64_t timeout_ms, char **error) {
    struct audit_chain *chain = strlen(url) < LIGHT_HTTP_URL_MAX ? add(chains, url, error) : NULL;
    if (chain == NULL) {
        *error = *error != NULL ? *error : complaint_of("%.60s…: the address is too long", url);
        return false;
    }
    chain->is_node = true;
    light_http_init(&chain->http, url, span_text(chain_id), timeout_ms);
    chain->http.limits.passport = cli_rpc_passport(error);
    chain->source = light_http_source(&chain->http);
    return *error == NULL;
}

void audit_chains_close(struct audit_chains *chains) {
    for (uint32_t i = 0; i < chains->count; i++) {
        if (!chains->list[i]->is_node)
            homestore_close(&chains->list[i]->home);
        free(chains->list[i]);
    }
    chains->count = 0;
}

static bool has_commit(const struct docket *docket, int64_t height) {
    bool found = false;
    for (uint32_t i = 0; i < docket->signed_count; i++)
        found |= docket->signed_headers[i].header.height == height;
    return found;
}

void audit_chains_search(struct audit_chains *chains, struct docket *docket, int64_t height) {
    struct docket_source *notes[AUDIT_CHAINS_MAX];
    struct audit_links links;
    audit_links_begin(&links, docket, height);
    for (uint32_t i = 0; i < chains->count; i++) {
        notes[i] = docket_source(docket, chains->list[i]->name);
        audit_links_take(&links, &chains->list[i]->source, notes[i]);
    }
    for (uint32_t i = 0; i < chains->count && !links.done && has_commit(docket, height); i++)
        audit_links_walk(&links, &chains->list[i]->source, notes[i]);
    audit_links_end(&links);
}

static void add_votes(struct docket *docket, const char *url) {
    char *error = NULL, name[256], height[24];
    snprintf(height, sizeof height, "%" PRId64, docket->height);
    json_t *result = cli_rpc_call(url, "vote_log", json_pack("{s:s}", "height", height), &error);
    const char *text = result == NULL ? "" : cli_rpc_text(result, "items");
    size_t size = strlen(text), got;
    uint8_t *bytes = malloc(size + 1);
    assert(bytes != NULL);
    snprintf(name, sizeof name, "%.200s votes of %s", url, height);
    struct docket_source *source = docket_source(docket, name);
    if (result == NULL)
        snprintf(source->note, sizeof source->note, "not to be had: %.150s", error);
    else if (text_base64_decode(bytes, &got, size, span_of(text, size)))
        docket_add_items(docket, source, span_of(bytes, got));
    else
        snprintf(source->note, sizeof source->note, "the node's vote_log is malformed");
    free(bytes);
    free(error);
    json_decref(result);
}

void audit_chains_votes(struct audit_chains *chains, struct docket *docket) {
    for (uint32_t i = 0; i < chains->count; i++)
        if (chains->list[i]->is_node)
            add_votes(docket, chains->list[i]->name);
}
