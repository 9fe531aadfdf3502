#include "rpc/light_height.h"

#include <assert.h>
#include <stdlib.h>

#include "rpc/document.h"
#include "rpc/evidence_json.h"

/* ---- the block */

struct body { /* what is below a header, as it came */
    struct document document;
    uint32_t tx_count, evidence_count;
    struct span *txs;
    struct evidence *evidence;
    struct commit commit;
};

/* Room for the items of block.OUTER.INNER; NULL with *count 0: there is none, or something is wrong. */
static void *take_list(struct body *body, struct span *list, uint32_t *count, struct span block, const char *outer, const char *inner, size_t item_size) {
    struct span value;
    *count = 0;
    if (!document_object(&body->document, &value, block, outer) || !document_list(&body->document, list, value, inner))
        return NULL;
    size_t items = scan_count(*list);
    void *place = items > UINT32_MAX ? NULL : arena_take(body->document.arena, items + 1, item_size);
    if (place == NULL)
        document_fault(&body->document, inner);
    *count = place == NULL ? 0 : (uint32_t)items;
    return place;
}

static void read_txs(struct body *body, struct span block) {
    struct span list, key, item;
    body->txs = take_list(body, &list, &body->tx_count, block, "data", "txs", sizeof *body->txs);
    if (body->txs == NULL)
        return;
    struct scan_walk walk = scan_walk(list);
    for (uint32_t i = 0; scan_next(&walk, &key, &item); i++)
        if (!document_base64(&body->document, &body->txs[i], item))
            document_fault(&body->document, "txs");
}

static void read_evidence(struct body *body, struct span block) {
    struct span list, key, item, error;
    body->evidence = take_list(body, &list, &body->evidence_count, block, "evidence", "evidence", sizeof *body->evidence);
    if (body->evidence == NULL)
        return;
    struct scan_walk walk = scan_walk(list);
    for (uint32_t i = 0; body->document.wrong == NULL && scan_next(&walk, &key, &item); i++)
        if (!evidence_json_read(&body->evidence[i], &error, item, body->document.arena))
            document_fault(&body->document, "evidence");
}

static void write_block(struct proto_writer *writer, const struct header *header, const struct body *body) {
    size_t part = proto_begin(writer, 1);
    header_write(writer, header);
    proto_end(writer, part);
    part = proto_begin(writer, 2);
    for (uint32_t i = 0; i < body->tx_count; i++)
        proto_put_bytes_always(writer, 1, body->txs[i]);
    proto_end(writer, part);
    part = proto_begin(writer, 3);
    for (uint32_t i = 0; i < body->evidence_count; i++) {
        size_t one = proto_begin(writer, 1);
        evidence_write(writer, &body->evidence[i]);
        proto_end(writer, one);
    }
    proto_end(writer, part);
    part = proto_begin(writer, 4);
    commit_write(writer, &body->commit);
    proto_end(writer, part);
}

/* Not block_build, which believes its plan: decoding checks it like a stranger's. */
static struct block *encode(const struct header *header, const struct body *body, enum block_verdict *verdict) {
    struct proto_writer writer;
    proto_writer_measure(&writer);
    write_block(&writer, header, body);
    struct blob *bytes = blob_reserve(writer.size);
    proto_writer_init(&writer, bytes->data, bytes->size);
    write_block(&writer, header, body);
    assert(!writer.overflow && writer.size == bytes->size);
    struct block *block = block_decode(bytes, verdict);
    blob_release(bytes);
    return block;
}

struct block *light_height_block(const char **wrong, struct span result, const struct header *next, struct arena *arena) {
    struct body body = {.document = {.arena = arena}};
    struct span value, commit, top;
    struct header header;
    struct block_id id;
    enum block_verdict verdict;
    *wrong = "the block is missing or malformed";
    if (!document_object(&body.document, &value, result, "block") || !document_object(&body.document, &top, value, "header"))
        return NULL;
    document_header(&body.document, &header, top);
    read_txs(&body, value);
    read_evidence(&body, value);
    if (document_object(&body.document, &commit, value, "last_commit"))
        document_commit(&body.document, &body.commit, commit);
    if (body.document.wrong != NULL || header_check(&header) != HEADER_GOOD)
        return NULL;
    struct block *block = encode(&header, &body, &verdict);
    *wrong = "the block's content is not that of the header";
    if (block == NULL)
        return NULL;
    block_id_of(block, &id);
    if (block_id_equal(&id, &next->last_block_id))
        return block;
    *wrong = "the block is not the one that the next header names";
    block_release(block);
    return NULL;
}

/* ---- results */

/* Room for the items of a list; NULL: there is none, or something is wrong. */
static void *begin_list(struct document *document, struct scan_walk *walk, struct span object, const char *name, size_t item_size, size_t count_max) {
    struct span list;
    if (!document_list(document, &list, object, name))
        return NULL;
    size_t count = scan_count(list);
    void *place = count > count_max ? NULL : arena_take(document->arena, count + 1, item_size);
    if (place == NULL)
        document_fault(document, name);
    *walk = scan_walk(list);
    return place;
}

/* The next one, an object. false: the end, or something is wrong. */
static bool next_item(struct document *document, struct scan_walk *walk, struct span *item, const char *name) {
    struct span key;
    if (document->wrong != NULL || !scan_next(walk, &key, item))
        return false;
    if (scan_kind(*item) != SCAN_OBJECT)
        document_fault(document, name);
    return document->wrong == NULL;
}

static void read_attributes(struct document *document, struct abci_event *out, struct span event) {
    struct scan_walk walk;
    struct span item;
    out->attributes = begin_list(document, &walk, event, "attributes", sizeof *out->attributes, UINT32_MAX);
    while (out->attributes != NULL && next_item(document, &walk, &item, "attributes"))
        out->attributes[out->count++] = (struct abci_attribute){
            document_text(document, item, "key"), document_text(document, item, "value"), document_bool(document, item, "index")};
}

static void read_events(struct document *document, struct abci_events *out, struct span object, const char *name) {
    struct scan_walk walk;
    struct span item;
    *out = (struct abci_events){.list = begin_list(document, &walk, object, name, sizeof *out->list, UINT32_MAX)};
    while (out->list != NULL && next_item(document, &walk, &item, name)) {
        struct abci_event *event = &out->list[out->count++];
        *event = (struct abci_event){.type = document_text(document, item, "type")};
        read_attributes(document, event, item);
    }
}

static void read_result(struct document *document, struct abci_tx_result *out, struct span value) {
    *out = (struct abci_tx_result){
        .code = (uint32_t)document_number(document, value, "code", 0, UINT32_MAX),
        .data = document_blob(document, value, "data"),
        .log = document_text(document, value, "log"),
        .info = document_text(document, value, "info"),
        .gas_wanted = document_int64(document, value, "gas_wanted"),
        .gas_used = document_int64(document, value, "gas_used"),
        .codespace = document_text(document, value, "codespace"),
    };
    read_events(document, &out->events, value, "events");
}

static void read_results(struct document *document, struct abci_finalized *out, struct span result) {
    struct scan_walk walk;
    struct span item;
    out->tx_results = begin_list(document, &walk, result, "txs_results", sizeof *out->tx_results, UINT32_MAX);
    while (out->tx_results != NULL && next_item(document, &walk, &item, "txs_results"))
        read_result(document, &out->tx_results[out->tx_count++], item);
}

static void read_key(struct document *document, struct pubkey *out, struct span update) {
    struct span key, sum, value;
    if (!document_object(document, &key, update, "pub_key") || !document_object(document, &sum, key, "Sum") || !document_object(document, &value, sum, "value"))
        return document_fault(document, "pub_key");
    struct span ed25519 = document_blob(document, value, "ed25519"), secp256k1 = document_blob(document, value, "secp256k1");
    if (ed25519.size == 32 && secp256k1.size == 0)
        *out = pubkey_ed25519(ed25519.data);
    else if (secp256k1.size == 33 && ed25519.size == 0)
        *out = pubkey_secp256k1(secp256k1.data);
    else
        document_fault(document, "pub_key");
}

static void read_updates(struct document *document, struct abci_finalized *out, struct span result) {
    struct scan_walk walk;
    struct span item;
    out->updates = begin_list(document, &walk, result, "validator_updates", sizeof *out->updates, VALSET_COUNT_MAX);
    while (out->updates != NULL && next_item(document, &walk, &item, "validator_updates")) {
        struct abci_validator_update *update = &out->updates[out->update_count++];
        *update = (struct abci_validator_update){.power = document_int64(document, item, "power")};
        read_key(document, &update->pub_key, item);
    }
}

enum section { SECTION_BLOCK = 1, SECTION_EVIDENCE, SECTION_VALIDATOR, SECTION_VERSION, SECTION_ABCI, SECTION_COUNT };

static void read_key_types(struct document *document, struct params *params, struct span section) {
    struct span list, key, item, name;
    if (!document_list(document, &list, section, "pub_key_types"))
        return;
    for (struct scan_walk walk = scan_walk(list); scan_next(&walk, &key, &item);) {
        if (params->key_type_count == PARAMS_KEY_TYPES_MAX || !scan_text(&name, item, document->arena) || name.size >= PARAMS_KEY_TYPE_BYTES)
            return document_fault(document, "pub_key_types");
        if (name.size > 0)
            memcpy(params->key_types[params->key_type_count], name.data, name.size);
        params->key_type_count++;
    }
}

static void read_section(struct document *document, struct params *params, enum section section, struct span value) {
    switch (section) {
    case SECTION_BLOCK:
        params->block_bytes_max = document_int64(document, value, "max_bytes");
        params->block_gas_max = document_int64(document, value, "max_gas");
        break;
    case SECTION_EVIDENCE:
        params->evidence_age_blocks_max = document_int64(document, value, "max_age_num_blocks");
        params->evidence_age_ns_max = document_int64(document, value, "max_age_duration");
        params->evidence_bytes_max = document_int64(document, value, "max_bytes");
        break;
    case SECTION_VALIDATOR: read_key_types(document, params, value); break;
    case SECTION_VERSION: params->version_app = document_uint64(document, value, "app"); break;
    default: params->extensions_enable_height = document_int64(document, value, "vote_extensions_enable_height");
    }
}

/* As the application encoded it: the sections that are there. */
static struct span encode_sections(const struct params *params, const bool *present, struct arena *arena) {
    uint8_t whole[1024], *place = arena_take(arena, sizeof whole, 1);
    struct proto_writer all, some;
    struct proto_field field;
    if (place == NULL)
        return span_of(NULL, 0);
    proto_writer_init(&all, whole, sizeof whole);
    params_write(&all, params);
    assert(!all.overflow);
    proto_writer_init(&some, place, sizeof whole);
    struct proto_reader reader = proto_reader_over(proto_writer_span(&all));
    while (proto_next(&reader, &field))
        if (field.number < SECTION_COUNT && present[field.number])
            proto_put_bytes_always(&some, field.number, proto_bytes(&reader, &field));
    return proto_writer_span(&some);
}

/* The header says what the block may hold; of the rest it says nothing. */
static bool read_params(struct document *document, struct abci_finalized *out, struct span result, const struct header *header, const struct header *next) {
    static const char *const names[SECTION_COUNT] = {"", "block", "evidence", "validator", "version", "abci"};
    bool present[SECTION_COUNT] = {false};
    struct params params = {0};
    struct span value, section;
    struct digest hash;
    out->has_params = document_object(document, &value, result, "consensus_param_updates");
    for (int i = SECTION_BLOCK; out->has_params && i < SECTION_COUNT; i++) {
        present[i] = document_object(document, &section, value, names[i]);
        if (present[i])
            read_section(document, &params, (enum section)i, section);
    }
    if (out->has_params)
        out->params_update = encode_sections(&params, present, document->arena);
    params_hash(&hash, &params);
    return digest_equal(present[SECTION_BLOCK] ? &hash : &header->consensus_hash, &next->consensus_hash);
}

static bool has_updates(const struct abci_finalized *finalized, const struct light_block *next) {
    struct valset set;
    struct digest hash;
    struct valset_change *changes = calloc(finalized->update_count + 1, sizeof *changes);
    assert(changes != NULL);
    for (uint32_t i = 0; i < finalized->update_count; i++)
        changes[i] = (struct valset_change){.pub_key = finalized->updates[i].pub_key, .power = finalized->updates[i].power};
    valset_init(&set);
    valset_copy(&set, &next->set);
    bool good = finalized->update_count == 0 || valset_update(&set, changes, finalized->update_count) == VALSET_GOOD;
    valset_hash(&hash, &set);
    valset_close(&set);
    free(changes);
    return good && digest_equal(&hash, &next->header.next_validators_hash);
}

const char *light_height_results(struct abci_finalized *out, struct span result, const struct block *block, const struct light_block *next,
                                 struct arena *arena) {
    struct document document = {.arena = arena};
    struct digest hash;
    *out = (struct abci_finalized){0};
    read_results(&document, out, result);
    read_events(&document, &out->events, result, "finalize_block_events");
    read_updates(&document, out, result);
    bool fits = read_params(&document, out, result, &block->header, &next->header);
    struct span app_hash = document_blob(&document, result, "app_hash");
    if (document.wrong != NULL)
        return "the results are malformed";
    abci_results_hash(&hash, out->tx_results, out->tx_count);
    if (out->tx_count != block->tx_count || !digest_equal(&hash, &next->header.last_results_hash))
        return "the results are not those that the next header names";
    if (!span_equal(app_hash, app_hash_span(&next->header.app_hash)))
        return "the application's hash is not that of the next header";
    out->app_hash = next->header.app_hash;
    if (!has_updates(out, next))
        return "the changes of validators do not lead to the validators that the next header names";
    return fits ? NULL : "the changes of parameters do not lead to what the next header names";
}
