#include "node/wire.h"

#include <stddef.h>

/* What is being read: the message and what cannot be seen in it afterwards. */
#define BYTES_BEFORE_PART offsetof(struct wire_consensus, part)

struct reading {
    struct wire_consensus *message;
    struct bit_array bits;
    bool has_vote;
};

uint8_t wire_consensus_channel(enum wire_consensus_kind kind) {
    switch (kind) {
    case WIRE_NEW_ROUND_STEP:
    case WIRE_NEW_VALID_BLOCK:
    case WIRE_HAS_VOTE:
    case WIRE_VOTE_SET_MAJ23: return WIRE_STATE;
    case WIRE_PROPOSAL:
    case WIRE_PROPOSAL_POL:
    case WIRE_BLOCK_PART: return WIRE_DATA;
    case WIRE_VOTE_MESSAGE: return WIRE_VOTE;
    case WIRE_VOTE_SET_BITS_MESSAGE: return WIRE_VOTE_SET_BITS;
    }
    return WIRE_STATE;
}

/* Encoding */

static void put_height_round(struct proto_writer *writer, const struct wire_consensus *message) {
    proto_put_int64(writer, 1, message->height);
    proto_put_int64(writer, 2, message->round);
}

static void put_bits(struct proto_writer *writer, uint32_t field, const struct wire_bits *bits) {
    struct bit_array array = {.bits = bits->bits, .words = bits->words};
    size_t mark = proto_begin(writer, field);
    bit_array_write(writer, &array);
    proto_end(writer, mark);
}

static void put_new_valid_block(struct proto_writer *writer, const struct wire_consensus *message) {
    size_t mark = proto_begin(writer, 3);
    part_header_write(writer, &message->parts);
    proto_end(writer, mark);
    if (message->bits.bits > 0)
        put_bits(writer, 4, &message->bits);
    proto_put_bool(writer, 5, message->is_commit);
}

static void put_claim(struct proto_writer *writer, const struct wire_consensus *message) {
    proto_put_int64(writer, 3, message->type);
    block_id_put(writer, 4, &message->block_id);
}

static void put_nested(struct proto_writer *writer, const struct wire_consensus *message) {
    size_t mark = proto_begin(writer, message->kind == WIRE_BLOCK_PART ? 3 : 1);
    if (message->kind == WIRE_PROPOSAL)
        proposal_write(writer, &message->proposal);
    else if (message->kind == WIRE_VOTE_MESSAGE)
        vote_write(writer, &message->vote);
    else
        part_write(writer, &message->part);
    proto_end(writer, mark);
}

static void put_rest(struct proto_writer *writer, const struct wire_consensus *message) {
    switch (message->kind) {
    case WIRE_NEW_ROUND_STEP:
        proto_put_uint64(writer, 3, message->step);
        proto_put_int64(writer, 4, message->seconds_since_start);
        proto_put_int64(writer, 5, message->last_commit_round);
        break;
    case WIRE_NEW_VALID_BLOCK: put_new_valid_block(writer, message); break;
    case WIRE_PROPOSAL_POL: put_bits(writer, 3, &message->bits); break;
    case WIRE_PROPOSAL:
    case WIRE_BLOCK_PART:
    case WIRE_VOTE_MESSAGE: put_nested(writer, message); break;
    case WIRE_HAS_VOTE:
        proto_put_int64(writer, 3, message->type);
        proto_put_int64(writer, 4, message->index);
        break;
    case WIRE_VOTE_SET_MAJ23: put_claim(writer, message); break;
    case WIRE_VOTE_SET_BITS_MESSAGE:
        put_claim(writer, message);
        put_bits(writer, 5, &message->bits);
        break;
    }
}

void wire_consensus_write(struct proto_writer *writer, const struct wire_consensus *message) {
    size_t mark = proto_begin(writer, message->kind);
    if (message->kind != WIRE_PROPOSAL && message->kind != WIRE_VOTE_MESSAGE)
        put_height_round(writer, message);
    put_rest(writer, message);
    proto_end(writer, mark);
}

/* Decoding */

static void read_bits(struct reading *reading, struct proto_reader *reader, const struct proto_field *field) {
    struct proto_reader sub = proto_sub(reader, field);
    bit_array_read(&reading->bits, &sub);
    proto_join(reader, &sub);
}

static void read_round_step(struct wire_consensus *message, struct proto_reader *reader, const struct proto_field *field) {
    switch (field->number) {
    case 3: message->step = proto_uint32(reader, field); break;
    case 4: message->seconds_since_start = proto_int64(reader, field); break;
    case 5: message->last_commit_round = proto_int32(reader, field); break;
    }
}

static void read_valid_block(struct reading *reading, struct proto_reader *reader, const struct proto_field *field) {
    struct proto_reader sub;
    switch (field->number) {
    case 3:
        sub = proto_sub(reader, field);
        part_header_read(&reading->message->parts, &sub);
        proto_join(reader, &sub);
        break;
    case 4: read_bits(reading, reader, field); break;
    case 5: reading->message->is_commit = proto_bool(reader, field); break;
    }
}

static void read_nested(struct reading *reading, struct proto_reader *reader, const struct proto_field *field) {
    struct wire_consensus *message = reading->message;
    struct proto_reader sub = proto_sub(reader, field);
    if (message->kind == WIRE_PROPOSAL) {
        proposal_read(&message->proposal, &sub);
    } else if (message->kind == WIRE_VOTE_MESSAGE) {
        vote_read(&message->vote, &sub);
        reading->has_vote = true;
    } else {
        part_read(&message->part, &sub);
    }
    proto_join(reader, &sub);
}

/* HasVote, VoteSetMaj23, VoteSetBits: 3 is the type in all, 4 differs. */
static void read_about_votes(struct reading *reading, struct proto_reader *reader, const struct proto_field *field) {
    struct wire_consensus *message = reading->message;
    if (field->number == 3)
        message->type = proto_int32(reader, field);
    else if (field->number == 4 && message->kind == WIRE_HAS_VOTE)
        message->index = proto_int32(reader, field);
    else if (field->number == 4)
        block_id_get(&message->block_id, reader, field);
    else if (field->number == 5 && message->kind == WIRE_VOTE_SET_BITS_MESSAGE)
        read_bits(reading, reader, field);
}

static void read_rest(struct reading *reading, struct proto_reader *reader, const struct proto_field *field) {
    switch (reading->message->kind) {
    case WIRE_NEW_ROUND_STEP: read_round_step(reading->message, reader, field); break;
    case WIRE_NEW_VALID_BLOCK: read_valid_block(reading, reader, field); break;
    case WIRE_PROPOSAL_POL:
        if (field->number == 3)
            read_bits(reading, reader, field);
        break;
    case WIRE_BLOCK_PART:
        if (field->number == 3)
            read_nested(reading, reader, field);
        break;
    case WIRE_HAS_VOTE:
    case WIRE_VOTE_SET_MAJ23:
    case WIRE_VOTE_SET_BITS_MESSAGE: read_about_votes(reading, reader, field); break;
    case WIRE_PROPOSAL:
    case WIRE_VOTE_MESSAGE: break;
    }
}

static void read_inner_field(struct reading *reading, struct proto_reader *reader, const struct proto_field *field) {
    struct wire_consensus *message = reading->message;
    bool whole = message->kind == WIRE_PROPOSAL || message->kind == WIRE_VOTE_MESSAGE;
    if (whole && field->number == 1)
        read_nested(reading, reader, field);
    else if (!whole && field->number == 1)
        message->height = proto_int64(reader, field);
    else if (!whole && field->number == 2)
        message->round = proto_int32(reader, field);
    else
        read_rest(reading, reader, field);
}

/* A oneof: a later member replaces an earlier one altogether. */
static void read_inner(struct reading *reading, struct proto_reader *reader, const struct proto_field *outer) {
    struct wire_consensus *message = reading->message;
    memset(message, 0, BYTES_BEFORE_PART);
    if (outer->number == WIRE_BLOCK_PART)
        memset(&message->part, 0, sizeof message->part);
    message->kind = (enum wire_consensus_kind)outer->number;
    proposal_init(&message->proposal);
    vote_init(&message->vote);
    reading->has_vote = false;
    bit_array_resize(&reading->bits, 0);
    struct proto_reader inner = proto_sub(reader, outer);
    struct proto_field field;
    while (proto_next(&inner, &field))
        read_inner_field(reading, &inner, &field);
    proto_join(reader, &inner);
}

static const char *keep_bits(const struct reading *reading, struct arena *arena) {
    size_t words = (reading->bits.bits + 63u) / 64;
    struct wire_bits *bits = &reading->message->bits;
    if (words == 0)
        return NULL;
    bits->words = arena_take(arena, words, sizeof bits->words[0]);
    if (bits->words == NULL)
        return "too large a bit array";
    memcpy(bits->words, reading->bits.words, words * sizeof bits->words[0]);
    bits->bits = reading->bits.bits;
    return NULL;
}

static const char *read_message(struct reading *reading, struct span bytes, struct arena *arena) {
    struct proto_reader reader = proto_reader_over(bytes);
    struct proto_field field;
    while (proto_next(&reader, &field))
        if (field.number >= WIRE_NEW_ROUND_STEP && field.number <= WIRE_VOTE_SET_BITS_MESSAGE)
            read_inner(reading, &reader, &field);
    if (reader.bad)
        return "malformed consensus message";
    if (reading->message->kind == 0)
        return "unknown consensus message";
    if (reading->message->kind == WIRE_VOTE_MESSAGE && !reading->has_vote)
        return "vote message without a vote";
    return keep_bits(reading, arena);
}

static void take(struct wire_consensus *out, const struct wire_consensus *message) {
    memcpy(out, message, BYTES_BEFORE_PART);
    if (message->kind == WIRE_BLOCK_PART)
        out->part = message->part;
}

const char *wire_consensus_parse(struct wire_consensus *out, struct span bytes, struct arena *arena) {
    struct wire_consensus message;
    memset(&message, 0, BYTES_BEFORE_PART);
    struct reading reading = {.message = &message};
    bit_array_init(&reading.bits);
    const char *why = read_message(&reading, bytes, arena);
    bit_array_close(&reading.bits);
    if (why == NULL)
        take(out, &message);
    return why;
}

/* Rules (cometbft: consensus/reactor.go, the ValidateBasic of each) */

static const char *check_round_step(const struct wire_consensus *message, int64_t initial_height) {
    if (message->step < 1 || message->step > 8)
        return "step out of range";
    if (message->last_commit_round < -1)
        return "last commit round below -1";
    if (message->height < initial_height)
        return "height below the initial height";
    if (message->height == initial_height && message->last_commit_round != -1)
        return "last commit round at the initial height";
    if (message->height > initial_height && message->last_commit_round < 0)
        return "no last commit round beyond the initial height";
    return NULL;
}

static const char *check_valid_block(const struct wire_consensus *message) {
    if (message->bits.bits == 0)
        return "no block parts";
    if (message->bits.bits != message->parts.total)
        return "block parts do not fit the part header";
    return message->bits.bits > PART_SET_TOTAL_MAX ? "too many block parts" : NULL;
}

static const char *check_about_votes(const struct wire_consensus *message) {
    if (!vote_type_is_vote(message->type))
        return "wrong type of vote";
    if (message->kind == WIRE_HAS_VOTE && message->index < 0)
        return "negative validator index";
    return message->bits.bits > VOTE_COUNT_MAX ? "too many votes" : NULL;
}

static const char *check_pol(const struct wire_consensus *message) {
    if (message->bits.bits == 0)
        return "empty polka bits";
    return message->bits.bits > VOTE_COUNT_MAX ? "too many votes" : NULL;
}

static const char *check_vote(enum vote_check verdict) { return verdict == VOTE_GOOD ? NULL : vote_check_text(verdict); }

static const char *check_part(const struct part *part) {
    enum part_verdict verdict = part_check(part);
    return verdict == PART_GOOD ? NULL : part_verdict_text(verdict);
}

const char *wire_consensus_check(const struct wire_consensus *message, int64_t initial_height) {
    if (message->height < 0)
        return "negative height";
    if (message->round < 0)
        return "negative round";
    switch (message->kind) {
    case WIRE_NEW_ROUND_STEP: return check_round_step(message, initial_height);
    case WIRE_NEW_VALID_BLOCK: return check_valid_block(message);
    case WIRE_PROPOSAL: return check_vote(proposal_check(&message->proposal));
    case WIRE_PROPOSAL_POL: return check_pol(message);
    case WIRE_BLOCK_PART: return check_part(&message->part);
    case WIRE_VOTE_MESSAGE: return check_vote(vote_check(&message->vote));
    case WIRE_HAS_VOTE:
    case WIRE_VOTE_SET_MAJ23:
    case WIRE_VOTE_SET_BITS_MESSAGE: return check_about_votes(message);
    }
    return "unknown consensus message";
}

const char *wire_consensus_decode(struct wire_consensus *out, struct span bytes, uint8_t channel, int64_t initial_height,
                                  struct arena *arena) {
    if (bytes.size > WIRE_CONSENSUS_BYTES_MAX)
        return "consensus message too large";
    struct wire_consensus message;
    const char *why = wire_consensus_parse(&message, bytes, arena);
    if (why == NULL && wire_consensus_channel(message.kind) != channel)
        why = "message on the wrong channel";
    if (why == NULL)
        why = wire_consensus_check(&message, initial_height);
    if (why == NULL)
        take(out, &message);
    return why;
}
