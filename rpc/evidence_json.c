#include "rpc/evidence_json.h"

#include "crypto/text.h"
#include "rpc/args.h"
#include "rpc/document.h"

/* ---- into protobuf, whose reader knows every rule */

static void put_extension(struct document *document, struct vote *vote, struct span object) {
    struct span value, text;
    if (!document_member(document, &value, object, "extension"))
        return;
    uint8_t *bytes = NULL;
    size_t size = 0;
    if (scan_text(&text, value, document->arena))
        bytes = arena_take(document->arena, text.size, 1);
    if (bytes == NULL || !text_base64_decode(bytes, &size, text.size, text))
        document_fault(document, "extension");
    vote->extension = span_of(bytes, size);
}

static void put_vote(struct document *document, struct proto_writer *writer, uint32_t field, struct span object, const char *name) {
    struct span value;
    struct vote vote;
    if (!document_object(document, &value, object, name))
        return;
    vote_init(&vote);
    vote.type = (int32_t)document_number(document, value, "type", 0, UINT8_MAX);
    vote.height = document_int64(document, value, "height");
    vote.round = document_int32(document, value, "round");
    vote.block_id = document_block_id(document, value, "block_id");
    vote.timestamp = document_time(document, value, "timestamp");
    vote.validator_address = document_address(document, value, "validator_address");
    vote.validator_index = document_int32(document, value, "validator_index");
    vote.signature = document_signature(document, value, "signature");
    put_extension(document, &vote, value);
    vote.extension_signature = document_signature(document, value, "extension_signature");
    size_t mark = proto_begin(writer, field);
    vote_write(writer, &vote);
    proto_end(writer, mark);
}

static void put_duplicate(struct document *document, struct proto_writer *writer, struct span value) {
    put_vote(document, writer, 1, value, "vote_a");
    put_vote(document, writer, 2, value, "vote_b");
    proto_put_int64(writer, 3, document_int64(document, value, "TotalVotingPower"));
    proto_put_int64(writer, 4, document_int64(document, value, "ValidatorPower"));
    struct timestamp time = document_time(document, value, "Timestamp");
    timestamp_put(writer, 5, &time);
}

static void put_header(struct document *document, struct proto_writer *writer, struct span object) {
    struct span value;
    struct header header;
    if (!document_object(document, &value, object, "header"))
        return;
    document_header(document, &header, value);
    size_t mark = proto_begin(writer, 1);
    header_write(writer, &header);
    proto_end(writer, mark);
}

static void put_commit(struct document *document, struct proto_writer *writer, struct span object) {
    struct span value;
    struct commit commit;
    if (!document_object(document, &value, object, "commit"))
        return;
    document_commit(document, &commit, value);
    if (document->wrong != NULL)
        return;
    size_t mark = proto_begin(writer, 2);
    commit_write(writer, &commit);
    proto_end(writer, mark);
}

static void put_validator(struct document *document, struct proto_writer *writer, uint32_t field, struct span value) {
    struct validator validator;
    document_validator(document, &validator, value);
    size_t mark = proto_begin(writer, field);
    validator_write(writer, &validator);
    proto_end(writer, mark);
}

static void put_validators(struct document *document, struct proto_writer *writer, uint32_t field, struct span object, const char *name) {
    struct span list, key, item;
    if (!document_list(document, &list, object, name))
        return;
    for (struct scan_walk walk = scan_walk(list); document->wrong == NULL && scan_next(&walk, &key, &item);)
        put_validator(document, writer, field, item);
}

static void put_set(struct document *document, struct proto_writer *writer, struct span object) {
    struct span value, proposer;
    if (!document_object(document, &value, object, "validator_set"))
        return;
    size_t mark = proto_begin(writer, 2);
    put_validators(document, writer, 1, value, "validators");
    if (document_object(document, &proposer, value, "proposer"))
        put_validator(document, writer, 2, proposer);
    proto_end(writer, mark);
}

static void put_light_block(struct document *document, struct proto_writer *writer, struct span object) {
    struct span value, signed_header;
    if (!document_object(document, &value, object, "ConflictingBlock"))
        return;
    size_t block = proto_begin(writer, 1);
    if (document_object(document, &signed_header, value, "signed_header")) {
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
    proto_put_int64(writer, 2, document_int64(document, value, "CommonHeight"));
    put_validators(document, writer, 3, value, "ByzantineValidators");
    proto_put_int64(writer, 4, document_int64(document, value, "TotalVotingPower"));
    struct timestamp time = document_time(document, value, "Timestamp");
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
