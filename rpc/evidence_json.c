#include "rpc/evidence_json.h"

#include "crypto/text.h"
#include "genesis/scan.h"
#include "rpc/args.h"

/* Sticky: after the first wrong field the rest reads as zero. */
struct document {
    struct arena *arena;
    const char *wrong; /* the field; NULL: none */
};

static void fault(struct document *document, const char *name) {
    if (document->wrong == NULL)
        document->wrong = name;
}

/* The member, if it is there, not null, and nothing was wrong before. */
static bool member(struct document *document, struct span *out, struct span object, const char *name) {
    return document->wrong == NULL && scan_member(object, out, name) && !scan_is_null(*out);
}

static bool object_member(struct document *document, struct span *out, struct span object, const char *name) {
    if (!member(document, out, object, name))
        return false;
    if (scan_kind(*out) != SCAN_OBJECT)
        fault(document, name);
    return document->wrong == NULL;
}

static bool list_member(struct document *document, struct span *out, struct span object, const char *name) {
    if (!member(document, out, object, name))
        return false;
    if (scan_kind(*out) != SCAN_LIST)
        fault(document, name);
    return document->wrong == NULL;
}

static int64_t get_int64(struct document *document, struct span object, const char *name) {
    struct span value;
    int64_t number = 0;
    if (member(document, &value, object, name) && !scan_int64_text(&number, value))
        fault(document, name);
    return number;
}

static uint64_t get_uint64(struct document *document, struct span object, const char *name) {
    struct span value;
    uint64_t number = 0;
    if (member(document, &value, object, name) && !scan_uint64_text(&number, value))
        fault(document, name);
    return number;
}

static int64_t get_number(struct document *document, struct span object, const char *name, int64_t least, int64_t most) {
    struct span value;
    int64_t number = 0;
    if (member(document, &value, object, name) &&
        (scan_kind(value) != SCAN_NUMBER || !scan_int64_number(&number, value) || number < least || number > most)) {
        fault(document, name);
        return 0;
    }
    return number;
}

static int32_t get_int32(struct document *document, struct span object, const char *name) {
    return (int32_t)get_number(document, object, name, INT32_MIN, INT32_MAX);
}

/* Up to `capacity` bytes, by `decode`. Returns how many. */
static size_t get_bytes(struct document *document, uint8_t *out, size_t capacity, struct span object, const char *name,
                        bool (*decode)(uint8_t *, size_t *, size_t, struct span)) {
    struct span value, text;
    size_t size = 0;
    if (!member(document, &value, object, name))
        return 0;
    if (scan_text(&text, value, document->arena) && decode(out, &size, capacity, text))
        return size;
    fault(document, name);
    return 0;
}

static struct digest get_digest(struct document *document, struct span object, const char *name) {
    struct digest digest = {0};
    size_t size = get_bytes(document, digest.bytes, 32, object, name, text_hex_decode);
    if (size != 0 && size != 32)
        fault(document, name);
    digest.size = (uint8_t)size;
    return digest;
}

static struct address get_address(struct document *document, struct span object, const char *name) {
    struct address address = {0};
    size_t size = get_bytes(document, address.bytes, 20, object, name, text_hex_decode);
    if (size != 0 && size != 20)
        fault(document, name);
    address.size = (uint8_t)size;
    return address;
}

static struct signature get_signature(struct document *document, struct span object, const char *name) {
    struct signature signature = {0};
    signature.size = (uint8_t)get_bytes(document, signature.bytes, sizeof signature.bytes, object, name, text_base64_decode);
    return signature;
}

static struct timestamp get_time(struct document *document, struct span object, const char *name) {
    struct timestamp time = TIMESTAMP_ZERO;
    struct span value, text;
    if (!member(document, &value, object, name))
        return time;
    bool good = scan_text(&text, value, document->arena) && text.size > 0 && text.data[text.size - 1] == 'Z' && timestamp_parse(&time, text);
    if (!good)
        fault(document, name);
    return time;
}

static struct block_id get_block_id(struct document *document, struct span object, const char *name) {
    struct block_id id = {0};
    struct span value, parts;
    if (!object_member(document, &value, object, name))
        return id;
    id.hash = get_digest(document, value, "hash");
    if (object_member(document, &parts, value, "parts")) {
        id.parts.total = (uint32_t)get_number(document, parts, "total", 0, UINT32_MAX);
        id.parts.hash = get_digest(document, parts, "hash");
    }
    return id;
}

/* ---- into protobuf, whose reader knows every rule */

static void put_extension(struct document *document, struct vote *vote, struct span object) {
    struct span value, text;
    if (!member(document, &value, object, "extension"))
        return;
    uint8_t *bytes = NULL;
    size_t size = 0;
    if (scan_text(&text, value, document->arena))
        bytes = arena_take(document->arena, text.size, 1);
    if (bytes == NULL || !text_base64_decode(bytes, &size, text.size, text))
        fault(document, "extension");
    vote->extension = span_of(bytes, size);
}

static void put_vote(struct document *document, struct proto_writer *writer, uint32_t field, struct span object, const char *name) {
    struct span value;
    struct vote vote;
    if (!object_member(document, &value, object, name))
        return;
    vote_init(&vote);
    vote.type = (int32_t)get_number(document, value, "type", 0, UINT8_MAX);
    vote.height = get_int64(document, value, "height");
    vote.round = get_int32(document, value, "round");
    vote.block_id = get_block_id(document, value, "block_id");
    vote.timestamp = get_time(document, value, "timestamp");
    vote.validator_address = get_address(document, value, "validator_address");
    vote.validator_index = get_int32(document, value, "validator_index");
    vote.signature = get_signature(document, value, "signature");
    put_extension(document, &vote, value);
    vote.extension_signature = get_signature(document, value, "extension_signature");
    size_t mark = proto_begin(writer, field);
    vote_write(writer, &vote);
    proto_end(writer, mark);
}

static void put_duplicate(struct document *document, struct proto_writer *writer, struct span value) {
    put_vote(document, writer, 1, value, "vote_a");
    put_vote(document, writer, 2, value, "vote_b");
    proto_put_int64(writer, 3, get_int64(document, value, "TotalVotingPower"));
    proto_put_int64(writer, 4, get_int64(document, value, "ValidatorPower"));
    struct timestamp time = get_time(document, value, "Timestamp");
    timestamp_put(writer, 5, &time);
}

static void read_app_hash(struct document *document, struct app_hash *out, struct span value) {
    out->size = (uint8_t)get_bytes(document, out->bytes, sizeof out->bytes, value, "app_hash", text_hex_decode);
}

static void read_header(struct document *document, struct header *header, struct span value) {
    struct span part, text;
    header_init(header);
    if (object_member(document, &part, value, "version")) {
        header->version_block = get_uint64(document, part, "block");
        header->version_app = get_uint64(document, part, "app");
    }
    if (member(document, &part, value, "chain_id") &&
        (!scan_text(&text, part, document->arena) || !header_set_chain_id(header, text)))
        fault(document, "chain_id");
    header->height = get_int64(document, value, "height");
    header->time = get_time(document, value, "time");
    header->last_block_id = get_block_id(document, value, "last_block_id");
    header->last_commit_hash = get_digest(document, value, "last_commit_hash");
    header->data_hash = get_digest(document, value, "data_hash");
    header->validators_hash = get_digest(document, value, "validators_hash");
    header->next_validators_hash = get_digest(document, value, "next_validators_hash");
    header->consensus_hash = get_digest(document, value, "consensus_hash");
    read_app_hash(document, &header->app_hash, value);
    header->last_results_hash = get_digest(document, value, "last_results_hash");
    header->evidence_hash = get_digest(document, value, "evidence_hash");
    header->proposer_address = get_address(document, value, "proposer_address");
}

static void put_header(struct document *document, struct proto_writer *writer, struct span object) {
    struct span value;
    struct header header;
    if (!object_member(document, &value, object, "header"))
        return;
    read_header(document, &header, value);
    size_t mark = proto_begin(writer, 1);
    header_write(writer, &header);
    proto_end(writer, mark);
}

static void read_sigs(struct document *document, struct commit *commit, struct span list) {
    struct span key, item;
    size_t count = scan_count(list);
    commit->sigs = count > VOTE_COUNT_MAX ? NULL : arena_take(document->arena, count, sizeof *commit->sigs);
    if (commit->sigs == NULL)
        return fault(document, "signatures");
    for (struct scan_walk walk = scan_walk(list); document->wrong == NULL && scan_next(&walk, &key, &item);) {
        struct commit_sig *sig = &commit->sigs[commit->count++];
        if (scan_kind(item) != SCAN_OBJECT)
            return fault(document, "signatures");
        sig->flag = (int32_t)get_number(document, item, "block_id_flag", 0, UINT8_MAX);
        sig->validator_address = get_address(document, item, "validator_address");
        sig->timestamp = get_time(document, item, "timestamp");
        sig->signature = get_signature(document, item, "signature");
    }
}

static void put_commit(struct document *document, struct proto_writer *writer, struct span object) {
    struct span value, list;
    if (!object_member(document, &value, object, "commit"))
        return;
    struct commit commit = {.height = get_int64(document, value, "height"), .round = get_int32(document, value, "round")};
    commit.block_id = get_block_id(document, value, "block_id");
    if (list_member(document, &list, value, "signatures"))
        read_sigs(document, &commit, list);
    if (document->wrong != NULL)
        return;
    size_t mark = proto_begin(writer, 2);
    commit_write(writer, &commit);
    proto_end(writer, mark);
}

static struct pubkey get_key(struct document *document, struct span object) {
    struct pubkey key = {0};
    struct span value, type, text;
    if (!object_member(document, &value, object, "pub_key"))
        return key;
    if (member(document, &type, value, "type") && scan_text(&text, type, document->arena))
        key.type = pubkey_type_from_json_tag(text);
    key.size = (uint8_t)get_bytes(document, key.bytes, sizeof key.bytes, value, "value", text_base64_decode);
    if (key.type == PUBKEY_NONE || key.size != (key.type == PUBKEY_ED25519 ? 32 : 33))
        fault(document, "pub_key");
    return key;
}

static void put_validator(struct document *document, struct proto_writer *writer, uint32_t field, struct span value) {
    if (scan_kind(value) != SCAN_OBJECT)
        return fault(document, "validator");
    struct validator validator = {.address = get_address(document, value, "address"), .pub_key = get_key(document, value)};
    validator.power = get_int64(document, value, "voting_power");
    validator.priority = get_int64(document, value, "proposer_priority");
    size_t mark = proto_begin(writer, field);
    validator_write(writer, &validator);
    proto_end(writer, mark);
}

static void put_validators(struct document *document, struct proto_writer *writer, uint32_t field, struct span object, const char *name) {
    struct span list, key, item;
    if (!list_member(document, &list, object, name))
        return;
    for (struct scan_walk walk = scan_walk(list); document->wrong == NULL && scan_next(&walk, &key, &item);)
        put_validator(document, writer, field, item);
}

static void put_set(struct document *document, struct proto_writer *writer, struct span object) {
    struct span value, proposer;
    if (!object_member(document, &value, object, "validator_set"))
        return;
    size_t mark = proto_begin(writer, 2);
    put_validators(document, writer, 1, value, "validators");
    if (object_member(document, &proposer, value, "proposer"))
        put_validator(document, writer, 2, proposer);
    proto_end(writer, mark);
}

static void put_light_block(struct document *document, struct proto_writer *writer, struct span object) {
    struct span value, signed_header;
    if (!object_member(document, &value, object, "ConflictingBlock"))
        return;
    size_t block = proto_begin(writer, 1);
    if (object_member(document, &signed_header, value, "signed_header")) {
        size_t mark = proto_begin(writer, 1);
        put_header(document, writer, signed_header);
        put_commit(document, writer, signed_header);
        proto_end(writer, mark);
    }
    put_set(document, writer, value);
    proto_end(writer, block);
}

static void put_attack(struct document *document, struct proto_writer *writer, struct span value) {
    put_light_block(document, writer, value);
    proto_put_int64(writer, 2, get_int64(document, value, "CommonHeight"));
    put_validators(document, writer, 3, value, "ByzantineValidators");
    proto_put_int64(writer, 4, get_int64(document, value, "TotalVotingPower"));
    struct timestamp time = get_time(document, value, "Timestamp");
    timestamp_put(writer, 5, &time);
}

/* ---- the whole */

static uint8_t kind_of(struct span type) {
    if (span_equal(type, span_text("tendermint/DuplicateVoteEvidence")))
        return EVIDENCE_DUPLICATE_VOTE;
    return span_equal(type, span_text("tendermint/LightClientAttackEvidence")) ? EVIDENCE_LIGHT_ATTACK : EVIDENCE_NONE;
}

static bool read_through_proto(struct evidence *out, struct span *error, struct document *document, uint8_t kind, struct span value,
                               size_t capacity) {
    struct proto_writer writer;
    uint8_t *bytes = arena_take(document->arena, capacity, 1);
    *error = span_text("out of memory for this request");
    if (bytes == NULL)
        return false;
    proto_writer_init(&writer, bytes, capacity);
    size_t mark = proto_begin(&writer, kind);
    (kind == EVIDENCE_DUPLICATE_VOTE ? put_duplicate : put_attack)(document, &writer, value);
    proto_end(&writer, mark);
    *error = args_text(document->arena, "malformed field %s", document->wrong == NULL ? "" : document->wrong);
    if (document->wrong != NULL || writer.overflow)
        return false;
    struct proto_reader reader = proto_reader_over(proto_writer_span(&writer));
    *out = (struct evidence){0};
    evidence_read(out, &reader, document->arena);
    *error = span_text("a vote, block, commit, validator set or key is missing, or too large");
    return !reader.bad;
}

bool evidence_json_read(struct evidence *out, struct span *error, struct span value, struct arena *arena) {
    struct document document = {.arena = arena};
    struct span type, text = {0}, content;
    if (scan_kind(value) != SCAN_OBJECT) {
        *error = args_text(arena, "json: cannot unmarshal %s into Go value of type json.interfaceWrapper", scan_kind_name(value));
        return false;
    }
    if (!scan_member(value, &type, "type") || !scan_text(&text, type, arena) || text.size == 0) {
        *error = span_text("interface type cannot be empty");
        return false;
    }
    if (!scan_member(value, &content, "value") || scan_kind(content) != SCAN_OBJECT) {
        *error = span_text("interface value cannot be empty");
        return false;
    }
    uint8_t kind = kind_of(text);
    if (kind == EVIDENCE_NONE) {
        *error = args_text(arena, "unknown type \"%.*s\"", text.size > 200 ? 200 : (int)text.size, (const char *)text.data);
        return false;
    }
    /* Whatever it says, protobuf says it in fewer bytes, but for zeroes that JSON leaves out: times, and these in every entry. */
    return read_through_proto(out, error, &document, kind, content, 16 * content.size + 4096);
}
