/* Light client attacks: LightClientAttackEvidence {1 conflicting_block LightBlock, 2 common_height, 3 repeated byzantine
 * Validator, 4 total_voting_power, 5 timestamp!} (cometbft: types/{evidence,light}.go). */
#include "crypto/sha256.h"
#include "tendermint/evidence.h"

/* The pieces on their way in. A nested message may come in several pieces, which then count as one, end to end. */
struct pieces {
    struct arena *arena;
    struct span light_block, signed_header, header, commit, set;
    bool has_light_block, has_signed_header, has_header, has_commit, has_set;
};

struct members { /* of the conflicting ValidatorSet, in the order of the message */
    uint32_t count;
    bool has_proposer;
    struct validator *validators;
    struct validator proposer;
};

static void join_piece(struct span *whole, bool *has, struct arena *arena, struct proto_reader *reader,
                       const struct proto_field *field) {
    struct span piece = proto_bytes(reader, field);
    *has = true;
    if (whole->size == 0 || piece.size == 0) {
        *whole = whole->size == 0 ? piece : *whole;
        return;
    }
    uint8_t *joined = arena_take(arena, whole->size + piece.size, 1);
    if (joined == NULL) {
        reader->bad = true;
        return;
    }
    memcpy(joined, whole->data, whole->size);
    memcpy(joined + whole->size, piece.data, piece.size);
    *whole = span_of(joined, whole->size + piece.size);
}

/* Splits a message of two nested fields, 1 and 2. */
static bool split(struct span bytes, struct arena *arena, struct span *first, bool *has_first, struct span *second,
                  bool *has_second) {
    struct proto_reader reader = proto_reader_over(bytes);
    struct proto_field field;
    while (proto_next(&reader, &field)) {
        if (field.number == 1)
            join_piece(first, has_first, arena, &reader, &field);
        else if (field.number == 2)
            join_piece(second, has_second, arena, &reader, &field);
    }
    return !reader.bad;
}

static bool split_light_block(struct pieces *pieces) {
    return split(pieces->light_block, pieces->arena, &pieces->signed_header, &pieces->has_signed_header, &pieces->set,
                 &pieces->has_set) &&
           split(pieces->signed_header, pieces->arena, &pieces->header, &pieces->has_header, &pieces->commit,
                 &pieces->has_commit);
}

static bool read_validator(struct validator *validator, struct proto_reader *reader, const struct proto_field *field) {
    struct proto_reader sub = proto_sub(reader, field);
    validator_read(validator, &sub);
    proto_join(reader, &sub);
    return !reader->bad;
}

/* Room for all fields numbered `number`, counted first; NULL when there are too many. */
static struct validator *make_room(struct proto_reader reader, uint32_t number, struct arena *arena) {
    struct proto_field field;
    size_t count = 0;
    while (proto_next(&reader, &field))
        count += field.number == number;
    return count > VALSET_COUNT_MAX ? NULL : arena_take(arena, count, sizeof(struct validator));
}

static bool read_set(struct members *members, struct span bytes, struct arena *arena) {
    struct proto_reader reader = proto_reader_over(bytes);
    struct proto_field field;
    members->validators = make_room(reader, 1, arena);
    if (members->validators == NULL)
        return false;
    while (proto_next(&reader, &field)) {
        if (field.number == 1) {
            read_validator(&members->validators[members->count++], &reader, &field);
        } else if (field.number == 2) {
            members->has_proposer = true;
            read_validator(&members->proposer, &reader, &field);
        } else if (field.number == 3) {
            (void)proto_int64(&reader, &field);
        }
    }
    return !reader.bad && members->count > 0 && members->has_proposer;
}

static bool all_have_keys(const struct validator *validators, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        if (validators[i].pub_key.type == PUBKEY_NONE)
            return false;
    return true;
}

static void put_validator(struct proto_writer *writer, uint32_t field, const struct validator *validator) {
    size_t mark = proto_begin(writer, field);
    validator_write(writer, validator);
    proto_end(writer, mark);
}

static void write_set(struct proto_writer *writer, const struct members *members) {
    for (uint32_t i = 0; i < members->count; i++)
        put_validator(writer, 1, &members->validators[i]);
    put_validator(writer, 2, &members->proposer);
}

static void write_light_block(struct proto_writer *writer, const struct evidence *evidence) {
    size_t outer = proto_begin(writer, 1), mark = proto_begin(writer, 1);
    header_write(writer, &evidence->conflicting_header);
    proto_end(writer, mark);
    mark = proto_begin(writer, 2);
    commit_write(writer, &evidence->conflicting_commit);
    proto_end(writer, mark);
    proto_end(writer, outer);
    proto_put_bytes_always(writer, 2, evidence->conflicting_validators);
}

static void write_attack(struct proto_writer *writer, const struct evidence *evidence) {
    size_t mark = proto_begin(writer, 1);
    write_light_block(writer, evidence);
    proto_end(writer, mark);
    proto_put_int64(writer, 2, evidence->common_height);
    for (uint32_t i = 0; i < evidence->byzantine_count; i++)
        put_validator(writer, 3, &evidence->byzantine[i]);
    proto_put_int64(writer, 4, evidence->total_power);
    timestamp_put(writer, 5, &evidence->timestamp);
}

static bool encode_set(struct span *out, const struct members *members, struct arena *arena) {
    struct proto_writer writer;
    proto_writer_measure(&writer);
    write_set(&writer, members);
    size_t size = writer.size;
    uint8_t *bytes = arena_take(arena, size, 1);
    if (bytes == NULL)
        return false;
    proto_writer_init(&writer, bytes, size);
    write_set(&writer, members);
    *out = proto_writer_span(&writer);
    return true;
}

static bool encode_attack(struct evidence *evidence, struct arena *arena) {
    struct proto_writer writer;
    proto_writer_measure(&writer);
    write_attack(&writer, evidence);
    size_t size = writer.size;
    uint8_t *bytes = arena_take(arena, size, 1);
    if (bytes == NULL)
        return false;
    proto_writer_init(&writer, bytes, size);
    write_attack(&writer, evidence);
    evidence->inner = proto_writer_span(&writer);
    return true;
}

/* CometBFT follows pointers into each of these (wound 30), so that a missing one is bad here and now. */
static bool whole(const struct pieces *pieces) {
    return pieces->has_light_block && pieces->has_signed_header && pieces->has_header && pieces->has_commit && pieces->has_set;
}

static bool read_pieces(struct evidence *evidence, const struct pieces *pieces) {
    struct members members = {0};
    if (!whole(pieces) || !header_decode(&evidence->conflicting_header, pieces->header) ||
        !commit_decode(&evidence->conflicting_commit, pieces->commit, pieces->arena) ||
        !read_set(&members, pieces->set, pieces->arena))
        return false;
    return all_have_keys(members.validators, members.count) && all_have_keys(&members.proposer, 1) &&
           all_have_keys(evidence->byzantine, evidence->byzantine_count) &&
           encode_set(&evidence->conflicting_validators, &members, pieces->arena) && encode_attack(evidence, pieces->arena);
}

void evidence_attack_read(struct evidence *evidence, struct proto_reader *reader, struct arena *arena) {
    struct pieces pieces = {.arena = arena};
    struct proto_field field;
    evidence->timestamp = TIMESTAMP_ZERO;
    evidence->byzantine = make_room(*reader, 3, arena);
    reader->bad = reader->bad || evidence->byzantine == NULL;
    while (proto_next(reader, &field)) {
        switch (field.number) {
        case 1: join_piece(&pieces.light_block, &pieces.has_light_block, arena, reader, &field); break;
        case 2: evidence->common_height = proto_int64(reader, &field); break;
        case 3: read_validator(&evidence->byzantine[evidence->byzantine_count++], reader, &field); break;
        case 4: evidence->total_power = proto_int64(reader, &field); break;
        case 5: timestamp_get(&evidence->timestamp, reader, &field); break;
        }
    }
    reader->bad = reader->bad || !split_light_block(&pieces) || !read_pieces(evidence, &pieces);
}

/* CometBFT copies one byte too few of the header's hash into a buffer of full size; the hole is part of the format.
 * The height follows as a zig-zag varint. */
void evidence_attack_hash(struct digest *out, const struct digest *header_hash, int64_t common_height) {
    uint8_t bytes[32 + 10] = {0};
    if (header_hash->size == 32)
        memcpy(bytes, header_hash->bytes, 31);
    struct proto_writer height;
    proto_writer_init(&height, bytes + 32, 10);
    proto_put_varint(&height, (uint64_t)common_height << 1 ^ (uint64_t)(common_height >> 63));
    out->size = 32;
    sha256_once(out->bytes, span_of(bytes, 32 + height.size));
}

static bool check_set(const struct evidence *evidence) {
    struct valset set;
    valset_init(&set);
    bool good = valset_decode(&set, evidence->conflicting_validators) == VALSET_GOOD;
    struct digest hash = {0};
    if (good)
        valset_hash(&hash, &set);
    valset_close(&set);
    return good && digest_equal(&hash, &evidence->conflicting_header.validators_hash);
}

static bool check_signed_header(const struct header *header, const struct commit *commit) {
    if (header_check(header) != HEADER_GOOD || commit_check(commit) != COMMIT_GOOD || commit->height != header->height)
        return false;
    struct digest hash;
    header_hash(&hash, header);
    return digest_equal(&hash, &commit->block_id.hash);
}

static bool check_byzantine(const struct evidence *evidence) {
    for (uint32_t i = 0; i < evidence->byzantine_count; i++) {
        struct address derived = pubkey_address(&evidence->byzantine[i].pub_key);
        if (derived.size == 0 || !address_equal(&derived, &evidence->byzantine[i].address))
            return false;
    }
    return true;
}

bool evidence_attack_check(const struct evidence *evidence) {
    return evidence->total_power > 0 && evidence->common_height > 0 &&
           evidence->common_height <= evidence->conflicting_header.height &&
           check_signed_header(&evidence->conflicting_header, &evidence->conflicting_commit) && check_set(evidence) &&
           check_byzantine(evidence);
}
