#include "rpc/light_results.h"

#include <stdio.h>

#include "crypto/text.h"
#include "ledger/abci.h"
#include "ledger/state_proof.h"
#include "rpc/document.h"
#include "rpc/evidence_json.h"

/* ---- headers and blocks */

static bool read_header(struct document *document, struct header *header, struct span object) {
    struct span value;
    header_init(header);
    if (!document_object(document, &value, object, "header"))
        return false;
    document_header(document, header, value);
    return document->wrong == NULL && header_check(header) == HEADER_GOOD;
}

const char *light_results_header(struct span result, int64_t *height, struct digest *hash, struct arena *arena) {
    struct document document = {.arena = arena};
    struct header header;
    if (!read_header(&document, &header, result))
        return "the header is missing or malformed";
    *height = header.height;
    header_hash(hash, &header);
    return NULL;
}

const char *light_results_blockchain(struct span result, int64_t *heights, struct digest *hashes, uint32_t *count, uint32_t capacity, struct arena *arena) {
    struct document document = {.arena = arena};
    struct span list, key, item;
    *count = 0;
    if (!document_list(&document, &list, result, "block_metas"))
        return document.wrong == NULL ? NULL : "block_metas is malformed";
    for (struct scan_walk walk = scan_walk(list); scan_next(&walk, &key, &item); ++*count) {
        struct header header;
        if (*count == capacity || !read_header(&document, &header, item))
            return "a header is malformed, or there are too many";
        struct block_id id = document_block_id(&document, item, "block_id");
        heights[*count] = header.height;
        header_hash(&hashes[*count], &header);
        if (document.wrong != NULL || !digest_equal(&id.hash, &hashes[*count]))
            return "a block's id is not its header's hash";
    }
    return NULL;
}

static bool has_txs(struct document *document, struct span block, const struct digest *data_hash) {
    struct span data, list, key, item, tx;
    struct merkle tree;
    uint8_t root[SHA256_BYTES], hash[SHA256_BYTES];
    merkle_init(&tree);
    if (document_object(document, &data, block, "data") && document_list(document, &list, data, "txs"))
        for (struct scan_walk walk = scan_walk(list); scan_next(&walk, &key, &item);) {
            if (!document_base64(document, &tx, item))
                return false;
            sha256_once(hash, tx);
            merkle_add(&tree, span_of(hash, sizeof hash));
        }
    merkle_root(&tree, root);
    return document->wrong == NULL && span_equal(digest_span(data_hash), span_of(root, sizeof root));
}

static bool has_evidence(struct document *document, struct span block, const struct digest *evidence_hash) {
    struct span outer, list, key, item, error;
    struct evidence *items = NULL;
    struct digest hash;
    size_t count = 0;
    if (document_object(document, &outer, block, "evidence") && document_list(document, &list, outer, "evidence")) {
        items = arena_take(document->arena, scan_count(list) + 1, sizeof *items);
        if (items == NULL)
            return false;
        for (struct scan_walk walk = scan_walk(list); scan_next(&walk, &key, &item);)
            if (!evidence_json_read(&items[count++], &error, item, document->arena))
                return false;
    }
    evidence_list_hash(&hash, items, count);
    return document->wrong == NULL && digest_equal(&hash, evidence_hash);
}

/* The hash covers the entries; height and block id follow from the header, at the first height there is nothing before. */
static bool has_last_commit(struct document *document, struct span block, const struct header *header) {
    struct span value;
    struct commit commit;
    struct digest hash;
    if (!document_object(document, &value, block, "last_commit"))
        return false;
    document_commit(document, &commit, value);
    if (document->wrong != NULL)
        return false;
    commit_hash(&hash, &commit);
    bool fits = commit.count == 0 || (commit.height == header->height - 1 && block_id_equal(&commit.block_id, &header->last_block_id));
    return fits && digest_equal(&hash, &header->last_commit_hash);
}

const char *light_results_block(struct span result, int64_t *height, struct digest *hash, struct arena *arena) {
    struct document document = {.arena = arena};
    struct span block;
    struct header header;
    if (!document_object(&document, &block, result, "block") || !read_header(&document, &header, block))
        return "the block or its header is missing or malformed";
    struct block_id id = document_block_id(&document, result, "block_id");
    *height = header.height;
    header_hash(hash, &header);
    if (document.wrong != NULL || !digest_equal(&id.hash, hash))
        return "block_id is not that of the header";
    if (!has_txs(&document, block, &header.data_hash))
        return "the transactions are not those of the header";
    if (!has_evidence(&document, block, &header.evidence_hash))
        return "the evidence is not that of the header";
    return has_last_commit(&document, block, &header) ? NULL : "the last commit is not that of the header";
}

/* ---- results and parameters */

static bool read_result(struct document *document, struct abci_tx_result *out, struct span value) {
    *out = (struct abci_tx_result){0};
    if (scan_kind(value) != SCAN_OBJECT)
        return false;
    out->code = (uint32_t)document_number(document, value, "code", 0, UINT32_MAX);
    out->gas_wanted = document_int64(document, value, "gas_wanted");
    out->gas_used = document_int64(document, value, "gas_used");
    out->data = document_blob(document, value, "data");
    return document->wrong == NULL;
}

const char *light_results_txs(struct span result, int64_t *height, struct digest *hash, struct arena *arena) {
    struct document document = {.arena = arena};
    struct span list, key, item;
    struct abci_tx_result *results = NULL;
    size_t count = 0;
    *height = document_int64(&document, result, "height");
    if (document_list(&document, &list, result, "txs_results")) {
        results = arena_take(arena, scan_count(list) + 1, sizeof *results);
        for (struct scan_walk walk = scan_walk(list); results != NULL && scan_next(&walk, &key, &item);)
            if (!read_result(&document, &results[count++], item))
                return "a result is malformed";
        if (results == NULL)
            return "too many results";
    }
    abci_results_hash(hash, results, count);
    return document.wrong == NULL && *height > 0 && *height < INT64_MAX ? NULL : "the results are malformed";
}

const char *light_results_params(struct span result, int64_t *height, struct digest *hash, struct arena *arena) {
    struct document document = {.arena = arena};
    struct span all, block;
    struct params params;
    params_defaults(&params, PARAMS_V038);
    *height = document_int64(&document, result, "block_height");
    if (!document_object(&document, &all, result, "consensus_params") || !document_object(&document, &block, all, "block"))
        return "the parameters are missing or malformed";
    params.block_bytes_max = document_int64(&document, block, "max_bytes");
    params.block_gas_max = document_int64(&document, block, "max_gas");
    params_hash(hash, &params);
    return document.wrong == NULL && *height > 0 ? NULL : "the parameters are malformed";
}

/* ---- transactions */

static bool read_proof(struct document *document, struct merkle_proof *proof, struct span value) {
    struct span list, key, item, bytes;
    *proof = (struct merkle_proof){.total = document_int64(document, value, "total"), .index = document_int64(document, value, "index")};
    proof->leaf_hash_size = (uint8_t)document_bytes(document, proof->leaf_hash, sizeof proof->leaf_hash, value, "leaf_hash", text_base64_decode);
    if (document_list(document, &list, value, "aunts"))
        for (struct scan_walk walk = scan_walk(list); scan_next(&walk, &key, &item);) {
            if (proof->aunt_count == MERKLE_AUNTS_MAX || !document_base64(document, &bytes, item) || bytes.size != SHA256_BYTES)
                return false;
            memcpy(proof->aunts[proof->aunt_count++], bytes.data, SHA256_BYTES);
        }
    return document->wrong == NULL && merkle_proof_check(proof);
}

const char *light_results_tx(struct span result, const struct digest *asked, int64_t *height, struct digest *data_hash, struct arena *arena) {
    struct document document = {.arena = arena};
    struct span outer, inner, tx;
    struct merkle_proof proof;
    uint8_t hash[SHA256_BYTES];
    *height = document_int64(&document, result, "height");
    tx = document_blob(&document, result, "tx");
    if (document.wrong != NULL || !document_object(&document, &outer, result, "proof") ||
        !document_object(&document, &inner, outer, "proof") || !read_proof(&document, &proof, inner) || *height <= 0)
        return "the transaction or its proof is missing or malformed";
    sha256_once(hash, tx);
    if (asked->size > 0 && !span_equal(digest_span(asked), span_of(hash, sizeof hash)))
        return "it is another transaction than was asked for";
    data_hash->size = SHA256_BYTES;
    if (!merkle_proof_root(&proof, data_hash->bytes) || !merkle_proof_verify(&proof, data_hash->bytes, span_of(hash, sizeof hash)))
        return "the proof does not belong to the transaction";
    return NULL;
}

/* ---- abci_query */

static bool read_op(struct document *document, struct proofop *op, struct span value) {
    struct span type;
    *op = (struct proofop){0};
    if (scan_kind(value) != SCAN_OBJECT || !document_member(document, &type, value, "type") || !scan_text(&op->type, type, document->arena))
        return false;
    op->key = document_blob(document, value, "key");
    op->data = document_blob(document, value, "data");
    return document->wrong == NULL;
}

const char *light_results_query(struct light_results_query *out, struct span result, struct arena *arena) {
    struct document document = {.arena = arena};
    struct span response, ops, list, key, item;
    *out = (struct light_results_query){0};
    if (!document_object(&document, &response, result, "response"))
        return "the response is missing";
    int64_t code = document_number(&document, response, "code", 0, UINT32_MAX);
    if (document.wrong == NULL && code != 0)
        return "the application refused the question (see its answer, unverified, at the primary)";
    out->height = document_int64(&document, response, "height");
    out->key = document_blob(&document, response, "key");
    out->value = document_blob(&document, response, "value");
    if (document_object(&document, &ops, response, "proofOps") && document_list(&document, &list, ops, "ops"))
        for (struct scan_walk walk = scan_walk(list); scan_next(&walk, &key, &item);)
            if (out->op_count == PROOFOP_COUNT_MAX || !read_op(&document, &out->ops[out->op_count++], item))
                return "a proof operator is malformed, or there are too many";
    if (document.wrong != NULL || out->height <= 0 || out->height == INT64_MAX)
        return "the response is malformed, or has no height";
    return out->op_count > 0 ? NULL : "the application gave no proof with its answer: only what is proven is passed on (ask the primary itself for the rest)";
}

/* "/store/NAME/key" → NAME */
static bool store_of(struct span *name, struct span path) {
    static const char begin[] = "/store/", end[] = "/key";
    size_t before = sizeof begin - 1, behind = sizeof end - 1;
    if (path.size <= before + behind || memcmp(path.data, begin, before) != 0 || memcmp(path.data + path.size - behind, end, behind) != 0)
        return false;
    *name = span_of(path.data + before, path.size - before - behind);
    return name->size <= 64 && memchr(name->data, '/', name->size) == NULL && memchr(name->data, '%', name->size) == NULL;
}

const char *light_results_query_verify(const struct light_results_query *query, struct span path, struct span asked_key, const struct app_hash *app_hash) {
    enum { KEY_MAX = 512 };
    char keypath[96 + TEXT_HEX_SIZE(KEY_MAX)];
    struct span store;
    if (!store_of(&store, path))
        return "a proof can be verified only of a path /store/NAME/key";
    if (!span_equal(query->key, asked_key) || asked_key.size == 0 || asked_key.size > KEY_MAX)
        return "the answer is about another key than was asked for";
    int size = snprintf(keypath, sizeof keypath, "/%.*s/x:", (int)store.size, (const char *)store.data);
    text_hex_upper(keypath + size, asked_key);
    bool good = proofop_verify_with(state_proof_operators, query->ops, query->op_count, app_hash_span(app_hash), span_text(keypath), query->value);
    return good ? NULL : "the proof does not lead from this value to the app hash of the trusted header";
}
