#include "tendermint/evidence.h"

#include "crypto/sha256.h"

static void put_vote(struct proto_writer *writer, uint32_t field, const struct vote *vote) {
    size_t mark = proto_begin(writer, field);
    vote_write(writer, vote);
    proto_end(writer, mark);
}

static void write_duplicate(struct proto_writer *writer, const struct evidence_duplicate_vote *duplicate) {
    put_vote(writer, 1, &duplicate->vote_a);
    put_vote(writer, 2, &duplicate->vote_b);
    proto_put_int64(writer, 3, duplicate->total_power);
    proto_put_int64(writer, 4, duplicate->validator_power);
    timestamp_put(writer, 5, &duplicate->timestamp);
}

static bool encode_duplicate(struct evidence *evidence, struct arena *arena) {
    struct proto_writer writer;
    proto_writer_measure(&writer);
    write_duplicate(&writer, &evidence->duplicate);
    size_t size = writer.size;
    uint8_t *bytes = arena_take(arena, size, 1);
    if (bytes == NULL)
        return false;
    proto_writer_init(&writer, bytes, size);
    write_duplicate(&writer, &evidence->duplicate);
    evidence->inner = proto_writer_span(&writer);
    return true;
}

static void get_vote(struct vote *vote, bool *has, struct proto_reader *reader, const struct proto_field *field) {
    struct proto_reader sub = proto_sub(reader, field);
    if (!*has)
        vote_init(vote);
    *has = true;
    vote_read(vote, &sub);
    proto_join(reader, &sub);
}

static void read_duplicate(struct evidence_duplicate_vote *duplicate, struct proto_reader *reader) {
    struct proto_field field;
    *duplicate = (struct evidence_duplicate_vote){.timestamp = TIMESTAMP_ZERO};
    while (proto_next(reader, &field)) {
        switch (field.number) {
        case 1: get_vote(&duplicate->vote_a, &duplicate->has_a, reader, &field); break;
        case 2: get_vote(&duplicate->vote_b, &duplicate->has_b, reader, &field); break;
        case 3: duplicate->total_power = proto_int64(reader, &field); break;
        case 4: duplicate->validator_power = proto_int64(reader, &field); break;
        case 5: timestamp_get(&duplicate->timestamp, reader, &field); break;
        }
    }
    /* A piece without its votes is nothing (wound 31). */
    reader->bad = reader->bad || !duplicate->has_a || !duplicate->has_b;
}

/* The last member of the oneof stands, and stands alone. */
void evidence_read(struct evidence *evidence, struct proto_reader *reader, struct arena *arena) {
    struct proto_field field;
    while (proto_next(reader, &field)) {
        if (field.number != EVIDENCE_DUPLICATE_VOTE && field.number != EVIDENCE_LIGHT_ATTACK)
            continue;
        struct proto_reader sub = proto_sub(reader, &field);
        *evidence = (struct evidence){.kind = (uint8_t)field.number};
        if (evidence->kind == EVIDENCE_DUPLICATE_VOTE) {
            read_duplicate(&evidence->duplicate, &sub);
            sub.bad = sub.bad || !encode_duplicate(evidence, arena);
        } else {
            evidence_attack_read(evidence, &sub, arena);
        }
        proto_join(reader, &sub);
    }
    reader->bad = reader->bad || evidence->kind == EVIDENCE_NONE;
}

void evidence_write(struct proto_writer *writer, const struct evidence *evidence) {
    proto_put_bytes_always(writer, evidence->kind, evidence->inner);
}

void evidence_hash(struct digest *out, const struct evidence *evidence) {
    struct digest header = {0};
    if (evidence->kind == EVIDENCE_LIGHT_ATTACK) {
        header_hash(&header, &evidence->conflicting_header);
        evidence_attack_hash(out, &header, evidence->common_height);
        return;
    }
    out->size = 32;
    sha256_once(out->bytes, evidence->inner);
}

void evidence_list_hash(struct digest *out, const struct evidence *items, size_t count) {
    struct merkle tree;
    merkle_init(&tree);
    for (size_t i = 0; i < count; i++)
        merkle_add(&tree, items[i].inner);
    out->size = 32;
    merkle_root(&tree, out->bytes);
}

static bool check_duplicate(const struct evidence_duplicate_vote *duplicate) {
    return duplicate->has_a && duplicate->has_b && vote_check(&duplicate->vote_a) == VOTE_GOOD &&
           vote_check(&duplicate->vote_b) == VOTE_GOOD &&
           block_id_compare(&duplicate->vote_a.block_id, &duplicate->vote_b.block_id) < 0;
}

bool evidence_check(const struct evidence *evidence) {
    switch (evidence->kind) {
    case EVIDENCE_DUPLICATE_VOTE: return check_duplicate(&evidence->duplicate);
    case EVIDENCE_LIGHT_ATTACK: return evidence_attack_check(evidence);
    default: return false;
    }
}

bool evidence_from_votes(struct evidence *out, const struct vote *one, const struct vote *other, const struct valset *set,
                         const struct timestamp *block_time, struct arena *arena) {
    int32_t member = valset_find(set, &one->validator_address);
    if (member < 0)
        return false;
    bool in_order = block_id_compare(&one->block_id, &other->block_id) < 0;
    struct evidence made = {.kind = EVIDENCE_DUPLICATE_VOTE};
    made.duplicate = (struct evidence_duplicate_vote){
        .vote_a = in_order ? *one : *other,
        .vote_b = in_order ? *other : *one,
        .has_a = true,
        .has_b = true,
        .total_power = set->total_power,
        .validator_power = set->validators[member].power,
        .timestamp = *block_time,
    };
    if (!encode_duplicate(&made, arena))
        return false;
    /* Read back, so that nothing is on loan from the votes' own messages. */
    struct proto_reader reader = proto_reader_over(made.inner);
    read_duplicate(&made.duplicate, &reader);
    if (reader.bad)
        return false;
    *out = made;
    return true;
}

static bool same_occasion(const struct vote *a, const struct vote *b) {
    return a->height == b->height && a->round == b->round && a->type == b->type &&
           address_equal(&a->validator_address, &b->validator_address);
}

bool evidence_verify_duplicate(const struct evidence *evidence, const struct valset *set, struct span chain_id) {
    const struct evidence_duplicate_vote *duplicate = &evidence->duplicate;
    const struct vote *a = &duplicate->vote_a, *b = &duplicate->vote_b;
    if (evidence->kind != EVIDENCE_DUPLICATE_VOTE || !check_duplicate(duplicate) || !same_occasion(a, b))
        return false;
    int32_t member = valset_find(set, &a->validator_address);
    if (member < 0)
        return false;
    const struct validator *validator = &set->validators[member];
    struct address derived = pubkey_address(&validator->pub_key);
    return address_equal(&derived, &a->validator_address) && duplicate->validator_power == validator->power &&
           duplicate->total_power == set->total_power && vote_verify_vartime(a, chain_id, &validator->pub_key) &&
           vote_verify_vartime(b, chain_id, &validator->pub_key);
}

bool evidence_expired(int64_t age_blocks, int64_t age_ns, int64_t age_blocks_max, int64_t age_ns_max) {
    return age_blocks > age_blocks_max && age_ns > age_ns_max;
}
