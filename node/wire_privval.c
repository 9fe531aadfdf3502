#include "node/wire.h"

static bool is_response(enum wire_privval_kind kind) {
    return kind == WIRE_PUB_KEY_RESPONSE || kind == WIRE_SIGNED_VOTE_RESPONSE || kind == WIRE_SIGNED_PROPOSAL_RESPONSE;
}

/* Decoding */

static void read_error(struct wire_privval *message, struct proto_reader *reader, const struct proto_field *outer) {
    struct proto_reader inner = proto_sub(reader, outer);
    struct proto_field field;
    message->has_error = true;
    while (proto_next(&inner, &field)) {
        if (field.number == 1)
            message->error_code = proto_int32(&inner, &field);
        else if (field.number == 2)
            message->error_description = proto_bytes(&inner, &field);
    }
    proto_join(reader, &inner);
}

static void read_subject(struct wire_privval *message, struct proto_reader *reader, const struct proto_field *field) {
    struct proto_reader inner = proto_sub(reader, field);
    switch (message->kind) {
    case WIRE_PUB_KEY_RESPONSE: pubkey_read(&message->pub_key, &inner); break;
    case WIRE_SIGN_VOTE_REQUEST:
    case WIRE_SIGNED_VOTE_RESPONSE:
        vote_read(&message->vote, &inner);
        message->has_vote = true;
        break;
    case WIRE_SIGN_PROPOSAL_REQUEST:
    case WIRE_SIGNED_PROPOSAL_RESPONSE:
        proposal_read(&message->proposal, &inner);
        message->has_proposal = true;
        break;
    default: break;
    }
    proto_join(reader, &inner);
}

static void read_inner(struct wire_privval *message, struct proto_reader *reader, const struct proto_field *field) {
    if (message->kind >= WIRE_PING_REQUEST || field->number > 2)
        return;
    if (message->kind == WIRE_PUB_KEY_REQUEST) {
        if (field->number == 1)
            message->chain_id = proto_bytes(reader, field);
    } else if (field->number == 1) {
        read_subject(message, reader, field);
    } else if (is_response(message->kind)) {
        read_error(message, reader, field);
    } else {
        message->chain_id = proto_bytes(reader, field);
    }
}

/* Responses hold their subject by value there: an absent one is an empty one. */
static void begin(struct wire_privval *message, uint32_t kind) {
    memset(message, 0, sizeof *message);
    message->kind = (enum wire_privval_kind)kind;
    message->has_vote = kind == WIRE_SIGNED_VOTE_RESPONSE;
    message->has_proposal = kind == WIRE_SIGNED_PROPOSAL_RESPONSE;
    vote_init(&message->vote);
    proposal_init(&message->proposal);
}

/* Wound 31: a request to sign nothing. */
static const char *check(const struct wire_privval *message) {
    if (message->kind == WIRE_SIGN_VOTE_REQUEST && !message->has_vote)
        return "sign request without a vote";
    if (message->kind == WIRE_SIGN_PROPOSAL_REQUEST && !message->has_proposal)
        return "sign request without a proposal";
    return message->chain_id.size > VOTE_CHAIN_ID_BYTES_MAX ? "chain id too long" : NULL;
}

const char *wire_privval_decode(struct wire_privval *out, struct span bytes) {
    struct proto_reader reader = proto_reader_over(bytes);
    struct proto_field outer, field;
    struct wire_privval message;
    begin(&message, 0);
    while (proto_next(&reader, &outer)) {
        if (outer.number < WIRE_PUB_KEY_REQUEST || outer.number > WIRE_PING_RESPONSE)
            continue;
        begin(&message, outer.number);
        struct proto_reader inner = proto_sub(&reader, &outer);
        while (proto_next(&inner, &field))
            read_inner(&message, &inner, &field);
        proto_join(&reader, &inner);
    }
    const char *why = reader.bad ? "malformed signer message" : message.kind == 0 ? "unknown signer message" : check(&message);
    if (why == NULL)
        *out = message;
    return why;
}

/* Encoding */

static void put_subject(struct proto_writer *writer, const struct wire_privval *message) {
    size_t mark = proto_begin(writer, 1);
    if (message->kind == WIRE_PUB_KEY_RESPONSE)
        pubkey_write(writer, &message->pub_key);
    else if (message->kind == WIRE_SIGN_VOTE_REQUEST || message->kind == WIRE_SIGNED_VOTE_RESPONSE)
        vote_write(writer, &message->vote);
    else
        proposal_write(writer, &message->proposal);
    proto_end(writer, mark);
}

static void put_error(struct proto_writer *writer, const struct wire_privval *message) {
    size_t mark = proto_begin(writer, 2);
    proto_put_int64(writer, 1, message->error_code);
    proto_put_bytes(writer, 2, message->error_description);
    proto_end(writer, mark);
}

static void put_request(struct proto_writer *writer, const struct wire_privval *message) {
    if (message->has_vote || message->has_proposal)
        put_subject(writer, message);
    proto_put_bytes(writer, 2, message->chain_id);
}

void wire_privval_write(struct proto_writer *writer, const struct wire_privval *message) {
    size_t mark = proto_begin(writer, message->kind);
    if (message->kind == WIRE_PUB_KEY_REQUEST) {
        proto_put_bytes(writer, 1, message->chain_id);
    } else if (is_response(message->kind)) {
        put_subject(writer, message);
        if (message->has_error)
            put_error(writer, message);
    } else if (message->kind < WIRE_PING_REQUEST) {
        put_request(writer, message);
    }
    proto_end(writer, mark);
}
