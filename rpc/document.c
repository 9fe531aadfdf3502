#include "rpc/document.h"

#include "crypto/text.h"

void document_fault(struct document *document, const char *name) {
    if (document->wrong == NULL)
        document->wrong = name;
}

/* The member, if it is there, not null, and nothing was wrong before. */
bool document_member(struct document *document, struct span *out, struct span object, const char *name) {
    return document->wrong == NULL && scan_member(object, out, name) && !scan_is_null(*out);
}

bool document_object(struct document *document, struct span *out, struct span object, const char *name) {
    if (!document_member(document, out, object, name))
        return false;
    if (scan_kind(*out) != SCAN_OBJECT)
        document_fault(document, name);
    return document->wrong == NULL;
}

bool document_list(struct document *document, struct span *out, struct span object, const char *name) {
    if (!document_member(document, out, object, name))
        return false;
    if (scan_kind(*out) != SCAN_LIST)
        document_fault(document, name);
    return document->wrong == NULL;
}

int64_t document_int64(struct document *document, struct span object, const char *name) {
    struct span value;
    int64_t number = 0;
    if (document_member(document, &value, object, name) && !scan_int64_text(&number, value))
        document_fault(document, name);
    return number;
}

uint64_t document_uint64(struct document *document, struct span object, const char *name) {
    struct span value;
    uint64_t number = 0;
    if (document_member(document, &value, object, name) && !scan_uint64_text(&number, value))
        document_fault(document, name);
    return number;
}

int64_t document_number(struct document *document, struct span object, const char *name, int64_t least, int64_t most) {
    struct span value;
    int64_t number = 0;
    if (document_member(document, &value, object, name) &&
        (scan_kind(value) != SCAN_NUMBER || !scan_int64_number(&number, value) || number < least || number > most)) {
        document_fault(document, name);
        return 0;
    }
    return number;
}

int32_t document_int32(struct document *document, struct span object, const char *name) {
    return (int32_t)document_number(document, object, name, INT32_MIN, INT32_MAX);
}

/* Up to `capacity` bytes, by `decode`. Returns how many. */
size_t document_bytes(struct document *document, uint8_t *out, size_t capacity, struct span object, const char *name,
                        bool (*decode)(uint8_t *, size_t *, size_t, struct span)) {
    struct span value, text;
    size_t size = 0;
    if (!document_member(document, &value, object, name))
        return 0;
    if (scan_text(&text, value, document->arena) && decode(out, &size, capacity, text))
        return size;
    document_fault(document, name);
    return 0;
}

bool document_base64(struct document *document, struct span *out, struct span value) {
    struct span text;
    size_t size = 0;
    *out = span_of(NULL, 0);
    if (scan_is_null(value))
        return true;
    if (!scan_text(&text, value, document->arena))
        return false;
    uint8_t *bytes = arena_take(document->arena, text.size + 1, 1);
    if (bytes == NULL || !text_base64_decode(bytes, &size, text.size + 1, text))
        return false;
    *out = span_of(bytes, size);
    return true;
}

struct span document_blob(struct document *document, struct span object, const char *name) {
    struct span value, bytes = {0};
    if (document_member(document, &value, object, name) && !document_base64(document, &bytes, value))
        document_fault(document, name);
    return bytes;
}

struct span document_text(struct document *document, struct span object, const char *name) {
    struct span value, text = {0};
    if (document_member(document, &value, object, name) && !scan_text(&text, value, document->arena))
        document_fault(document, name);
    return document->wrong == NULL ? text : span_of(NULL, 0);
}

bool document_bool(struct document *document, struct span object, const char *name) {
    struct span value;
    if (!document_member(document, &value, object, name))
        return false;
    if (scan_kind(value) != SCAN_BOOL)
        document_fault(document, name);
    return value.data[0] == 't';
}

struct digest document_digest(struct document *document, struct span object, const char *name) {
    struct digest digest = {0};
    size_t size = document_bytes(document, digest.bytes, 32, object, name, text_hex_decode);
    if (size != 0 && size != 32)
        document_fault(document, name);
    digest.size = (uint8_t)size;
    return digest;
}

struct address document_address(struct document *document, struct span object, const char *name) {
    struct address address = {0};
    size_t size = document_bytes(document, address.bytes, 20, object, name, text_hex_decode);
    if (size != 0 && size != 20)
        document_fault(document, name);
    address.size = (uint8_t)size;
    return address;
}

struct signature document_signature(struct document *document, struct span object, const char *name) {
    struct signature signature = {0};
    signature.size = (uint8_t)document_bytes(document, signature.bytes, sizeof signature.bytes, object, name, text_base64_decode);
    return signature;
}

struct timestamp document_time(struct document *document, struct span object, const char *name) {
    struct timestamp time = TIMESTAMP_ZERO;
    struct span value, text;
    if (!document_member(document, &value, object, name))
        return time;
    bool good = scan_text(&text, value, document->arena) && text.size > 0 && text.data[text.size - 1] == 'Z' && timestamp_parse(&time, text);
    if (!good)
        document_fault(document, name);
    return time;
}

struct block_id document_block_id(struct document *document, struct span object, const char *name) {
    struct block_id id = {0};
    struct span value, parts;
    if (!document_object(document, &value, object, name))
        return id;
    id.hash = document_digest(document, value, "hash");
    if (document_object(document, &parts, value, "parts")) {
        id.parts.total = (uint32_t)document_number(document, parts, "total", 0, UINT32_MAX);
        id.parts.hash = document_digest(document, parts, "hash");
    }
    return id;
}

static void read_app_hash(struct document *document, struct app_hash *out, struct span value) {
    out->size = (uint8_t)document_bytes(document, out->bytes, sizeof out->bytes, value, "app_hash", text_hex_decode);
}

void document_header(struct document *document, struct header *header, struct span value) {
    struct span part, text;
    header_init(header);
    if (document_object(document, &part, value, "version")) {
        header->version_block = document_uint64(document, part, "block");
        header->version_app = document_uint64(document, part, "app");
    }
    if (document_member(document, &part, value, "chain_id") &&
        (!scan_text(&text, part, document->arena) || !header_set_chain_id(header, text)))
        document_fault(document, "chain_id");
    header->height = document_int64(document, value, "height");
    header->time = document_time(document, value, "time");
    header->last_block_id = document_block_id(document, value, "last_block_id");
    header->last_commit_hash = document_digest(document, value, "last_commit_hash");
    header->data_hash = document_digest(document, value, "data_hash");
    header->validators_hash = document_digest(document, value, "validators_hash");
    header->next_validators_hash = document_digest(document, value, "next_validators_hash");
    header->consensus_hash = document_digest(document, value, "consensus_hash");
    read_app_hash(document, &header->app_hash, value);
    header->last_results_hash = document_digest(document, value, "last_results_hash");
    header->evidence_hash = document_digest(document, value, "evidence_hash");
    header->proposer_address = document_address(document, value, "proposer_address");
}

static void read_sigs(struct document *document, struct commit *commit, struct span list) {
    struct span key, item;
    size_t count = scan_count(list);
    commit->sigs = count > VOTE_COUNT_MAX ? NULL : arena_take(document->arena, count, sizeof *commit->sigs);
    if (commit->sigs == NULL)
        return document_fault(document, "signatures");
    for (struct scan_walk walk = scan_walk(list); document->wrong == NULL && scan_next(&walk, &key, &item);) {
        struct commit_sig *sig = &commit->sigs[commit->count++];
        if (scan_kind(item) != SCAN_OBJECT)
            return document_fault(document, "signatures");
        sig->flag = (int32_t)document_number(document, item, "block_id_flag", 0, UINT8_MAX);
        sig->validator_address = document_address(document, item, "validator_address");
        sig->timestamp = document_time(document, item, "timestamp");
        sig->signature = document_signature(document, item, "signature");
    }
}

void document_commit(struct document *document, struct commit *commit, struct span value) {
    struct span list;
    *commit = (struct commit){.height = document_int64(document, value, "height"), .round = document_int32(document, value, "round")};
    commit->block_id = document_block_id(document, value, "block_id");
    if (document_list(document, &list, value, "signatures"))
        read_sigs(document, commit, list);
}

struct pubkey document_pubkey(struct document *document, struct span object) {
    struct pubkey key = {0};
    struct span value, type, text;
    if (!document_object(document, &value, object, "pub_key"))
        return key;
    if (document_member(document, &type, value, "type") && scan_text(&text, type, document->arena))
        key.type = pubkey_type_from_json_tag(text);
    key.size = (uint8_t)document_bytes(document, key.bytes, sizeof key.bytes, value, "value", text_base64_decode);
    if (key.type == PUBKEY_NONE || key.size != (key.type == PUBKEY_ED25519 ? 32 : 33))
        document_fault(document, "pub_key");
    return key;
}

void document_validator(struct document *document, struct validator *validator, struct span value) {
    *validator = (struct validator){0};
    if (scan_kind(value) != SCAN_OBJECT)
        return document_fault(document, "validator");
    validator->address = document_address(document, value, "address");
    validator->pub_key = document_pubkey(document, value);
    validator->power = document_int64(document, value, "voting_power");
    validator->priority = document_int64(document, value, "proposer_priority");
}
