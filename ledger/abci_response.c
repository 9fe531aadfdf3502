#include "ledger/abci_response.h"

#include <assert.h>

static const uint8_t numbers[ABCI_CALL_COUNT] = { /* of the oneof */
    [ABCI_EXCEPTION] = 1,
    [ABCI_ECHO] = 2,
    [ABCI_FLUSH] = 3,
    [ABCI_INFO] = 4,
    [ABCI_INIT_CHAIN] = 6,
    [ABCI_QUERY] = 7,
    [ABCI_CHECK_TX] = 9,
    [ABCI_COMMIT] = 12,
    [ABCI_LIST_SNAPSHOTS] = 13,
    [ABCI_OFFER_SNAPSHOT] = 14,
    [ABCI_LOAD_SNAPSHOT_CHUNK] = 15,
    [ABCI_APPLY_SNAPSHOT_CHUNK] = 16,
    [ABCI_PREPARE_PROPOSAL] = 17,
    [ABCI_PROCESS_PROPOSAL] = 18,
    [ABCI_EXTEND_VOTE] = 19,
    [ABCI_VERIFY_VOTE_EXTENSION] = 20,
    [ABCI_FINALIZE_BLOCK] = 21,
};

/* ---- writing */

static void write_info(struct proto_writer *writer, const struct abci_info *info) {
    proto_put_bytes(writer, 1, info->data);
    proto_put_bytes(writer, 2, info->version);
    proto_put_uint64(writer, 3, info->app_version);
    proto_put_int64(writer, 4, info->last_block_height);
    proto_put_bytes(writer, 5, app_hash_span(&info->last_block_app_hash));
}

static void write_init_chain(struct proto_writer *writer, const struct abci_response *response) {
    if (response->init_chain.has_params)
        proto_put_bytes_always(writer, 1, response->init_chain.params_update);
    for (uint32_t i = 0; i < response->init_chain.validator_count; i++)
        abci_update_write(writer, 2, &response->init_chain.validators[i]);
    proto_put_bytes(writer, 3, app_hash_span(&response->init_chain.app_hash));
}

static void write_proofs(struct proto_writer *writer, const struct abci_answer *answer) {
    size_t mark = proto_begin(writer, 8);
    for (uint32_t i = 0; i < answer->proof_count; i++) {
        const struct abci_proof_op *op = &answer->proofs[i];
        size_t inner = proto_begin(writer, 1);
        proto_put_bytes(writer, 1, op->type);
        proto_put_bytes(writer, 2, op->key);
        proto_put_bytes(writer, 3, op->data);
        proto_end(writer, inner);
    }
    proto_end(writer, mark);
}

static void write_answer(struct proto_writer *writer, const struct abci_answer *answer) {
    proto_put_uint64(writer, 1, answer->code);
    proto_put_bytes(writer, 3, answer->log);
    proto_put_bytes(writer, 4, answer->info);
    proto_put_int64(writer, 5, answer->index);
    proto_put_bytes(writer, 6, answer->key);
    proto_put_bytes(writer, 7, answer->value);
    if (answer->proof_count > 0)
        write_proofs(writer, answer);
    proto_put_int64(writer, 9, answer->height);
    proto_put_bytes(writer, 10, answer->codespace);
}

/* Numbers in a list are packed into one field. */
static void write_apply(struct proto_writer *writer, const struct abci_response *response) {
    proto_put_int64(writer, 1, response->apply_chunk.result);
    if (response->apply_chunk.refetch_count > 0) {
        size_t mark = proto_begin(writer, 2);
        for (uint32_t i = 0; i < response->apply_chunk.refetch_count; i++)
            proto_put_varint(writer, response->apply_chunk.refetch[i]);
        proto_end(writer, mark);
    }
    for (uint32_t i = 0; i < response->apply_chunk.reject_senders.count; i++)
        proto_put_bytes_always(writer, 3, response->apply_chunk.reject_senders.list[i]);
}

static void write_value(struct proto_writer *writer, const struct abci_response *response) {
    switch (response->call) {
    case ABCI_EXCEPTION: proto_put_bytes(writer, 1, response->error); break;
    case ABCI_ECHO: proto_put_bytes(writer, 1, response->echo); break;
    case ABCI_INFO: write_info(writer, &response->info); break;
    case ABCI_INIT_CHAIN: write_init_chain(writer, response); break;
    case ABCI_QUERY: write_answer(writer, &response->query); break;
    case ABCI_CHECK_TX: abci_tx_result_write(writer, &response->check_tx); break;
    case ABCI_COMMIT: proto_put_int64(writer, 3, response->retain_height); break;
    case ABCI_LIST_SNAPSHOTS:
        for (uint32_t i = 0; i < response->snapshots.count; i++)
            abci_snapshot_write(writer, 1, &response->snapshots.list[i]);
        break;
    case ABCI_OFFER_SNAPSHOT: proto_put_int64(writer, 1, response->result); break;
    case ABCI_LOAD_SNAPSHOT_CHUNK: proto_put_bytes(writer, 1, response->chunk); break;
    case ABCI_APPLY_SNAPSHOT_CHUNK: write_apply(writer, response); break;
    case ABCI_PREPARE_PROPOSAL:
        for (uint32_t i = 0; i < response->txs.count; i++)
            proto_put_bytes_always(writer, 1, response->txs.list[i]);
        break;
    case ABCI_PROCESS_PROPOSAL:
    case ABCI_VERIFY_VOTE_EXTENSION: proto_put_int64(writer, 1, response->status); break;
    case ABCI_EXTEND_VOTE: proto_put_bytes(writer, 1, response->extension); break;
    case ABCI_FINALIZE_BLOCK: abci_finalized_write(writer, &response->finalized); break;
    default: break;
    }
}

void abci_response_write(struct proto_writer *writer, const struct abci_response *response) {
    if (numbers[response->call] == 0)
        return;
    size_t mark = proto_begin(writer, numbers[response->call]);
    write_value(writer, response);
    proto_end(writer, mark);
}

/* ---- reading */

static void read_app_hash(struct app_hash *hash, struct proto_reader *reader, const struct proto_field *field) {
    hash->size = (uint8_t)proto_bytes_into(reader, field, hash->bytes, sizeof hash->bytes);
}

static void read_info(struct abci_info *info, struct proto_reader *reader) {
    for (struct proto_field field; proto_next(reader, &field);) {
        switch (field.number) {
        case 1: info->data = proto_bytes(reader, &field); break;
        case 2: info->version = proto_bytes(reader, &field); break;
        case 3: info->app_version = proto_uint64(reader, &field); break;
        case 4: info->last_block_height = proto_int64(reader, &field); break;
        case 5: read_app_hash(&info->last_block_app_hash, reader, &field); break;
        }
    }
}

static void read_init_chain(struct abci_response *out, struct proto_reader *reader, struct span message, struct arena *arena) {
    out->init_chain.validators = abci_take_list(reader, message, 2, sizeof *out->init_chain.validators, arena);
    for (struct proto_field field; proto_next(reader, &field);) {
        switch (field.number) {
        case 1:
            out->init_chain.has_params = true;
            out->init_chain.params_update = proto_bytes(reader, &field);
            break;
        case 2: abci_update_read(&out->init_chain.validators[out->init_chain.validator_count++], reader, &field); break;
        case 3: read_app_hash(&out->init_chain.app_hash, reader, &field); break;
        }
    }
}

static void read_proof(struct abci_proof_op *op, struct proto_reader *outer, const struct proto_field *message) {
    struct proto_reader reader = proto_sub(outer, message);
    for (struct proto_field field; proto_next(&reader, &field);) {
        switch (field.number) {
        case 1: op->type = proto_bytes(&reader, &field); break;
        case 2: op->key = proto_bytes(&reader, &field); break;
        case 3: op->data = proto_bytes(&reader, &field); break;
        }
    }
    proto_join(outer, &reader);
}

static void read_proofs(struct abci_answer *answer, struct proto_reader *outer, const struct proto_field *message, struct arena *arena) {
    struct proto_reader reader = proto_sub(outer, message);
    answer->proofs = abci_take_list(&reader, message->bytes, 1, sizeof *answer->proofs, arena);
    answer->proof_count = 0; /* given twice, the later list counts */
    for (struct proto_field field; proto_next(&reader, &field);)
        if (field.number == 1)
            read_proof(&answer->proofs[answer->proof_count++], &reader, &field);
    proto_join(outer, &reader);
}

static void read_answer(struct abci_answer *answer, struct proto_reader *reader, struct arena *arena) {
    for (struct proto_field field; proto_next(reader, &field);) {
        switch (field.number) {
        case 1: answer->code = proto_uint32(reader, &field); break;
        case 3: answer->log = proto_bytes(reader, &field); break;
        case 4: answer->info = proto_bytes(reader, &field); break;
        case 5: answer->index = proto_int64(reader, &field); break;
        case 6: answer->key = proto_bytes(reader, &field); break;
        case 7: answer->value = proto_bytes(reader, &field); break;
        case 8: read_proofs(answer, reader, &field, arena); break;
        case 9: answer->height = proto_int64(reader, &field); break;
        case 10: answer->codespace = proto_bytes(reader, &field); break;
        }
    }
}

static void read_snapshots(struct abci_response *out, struct proto_reader *reader, struct span message, struct arena *arena) {
    out->snapshots.list = abci_take_list(reader, message, 1, sizeof *out->snapshots.list, arena);
    for (struct proto_field field; proto_next(reader, &field);)
        if (field.number == 1)
            abci_snapshot_read(&out->snapshots.list[out->snapshots.count++], reader, &field);
}

/* Packed or one by one: each number has at least one byte of the message. */
static void read_refetch(struct abci_response *out, struct proto_reader *reader, const struct proto_field *field) {
    if (field->wire != PROTO_BYTES) {
        out->apply_chunk.refetch[out->apply_chunk.refetch_count++] = proto_uint32(reader, field);
        return;
    }
    struct proto_reader packed = proto_sub(reader, field);
    while (packed.at < packed.end) {
        uint64_t value = proto_varint(&packed);
        if (!packed.bad)
            out->apply_chunk.refetch[out->apply_chunk.refetch_count++] = (uint32_t)value;
    }
    proto_join(reader, &packed);
}

static void read_apply(struct abci_response *out, struct proto_reader *reader, struct span message, struct arena *arena) {
    struct abci_spans *senders = &out->apply_chunk.reject_senders;
    senders->list = abci_take_list(reader, message, 3, sizeof *senders->list, arena);
    out->apply_chunk.refetch = arena_take(arena, message.size, sizeof *out->apply_chunk.refetch);
    reader->bad = reader->bad || out->apply_chunk.refetch == NULL;
    for (struct proto_field field; proto_next(reader, &field);) {
        switch (field.number) {
        case 1: out->apply_chunk.result = proto_int32(reader, &field); break;
        case 2: read_refetch(out, reader, &field); break;
        case 3: senders->list[senders->count++] = proto_bytes(reader, &field); break;
        }
    }
}

static void read_txs(struct abci_spans *txs, struct proto_reader *reader, struct span message, struct arena *arena) {
    txs->list = abci_take_list(reader, message, 1, sizeof *txs->list, arena);
    for (struct proto_field field; proto_next(reader, &field);)
        if (field.number == 1)
            txs->list[txs->count++] = proto_bytes(reader, &field);
}

static struct span read_bytes(struct proto_reader *reader) { /* of a message with this one field */
    struct span bytes = {NULL, 0};
    for (struct proto_field field; proto_next(reader, &field);)
        if (field.number == 1)
            bytes = proto_bytes(reader, &field);
    return bytes;
}

static int64_t read_number(struct proto_reader *reader, uint32_t number) {
    int64_t value = 0;
    for (struct proto_field field; proto_next(reader, &field);)
        if (field.number == number)
            value = proto_int64(reader, &field);
    return value;
}

/* The two that know how to read themselves want the whole message. */
static void read_whole(struct abci_response *out, struct proto_reader *outer, const struct proto_field *message, struct arena *arena) {
    if (out->call == ABCI_CHECK_TX)
        abci_tx_result_read(&out->check_tx, outer, message, arena);
    else if (!abci_finalized_decode(&out->finalized, proto_bytes(outer, message), arena))
        outer->bad = true;
}

static void read_value(struct abci_response *out, struct proto_reader *reader, struct span message, struct arena *arena) {
    switch (out->call) {
    case ABCI_EXCEPTION: out->error = read_bytes(reader); break;
    case ABCI_ECHO: out->echo = read_bytes(reader); break;
    case ABCI_INFO: read_info(&out->info, reader); break;
    case ABCI_INIT_CHAIN: read_init_chain(out, reader, message, arena); break;
    case ABCI_QUERY: read_answer(&out->query, reader, arena); break;
    case ABCI_COMMIT: out->retain_height = read_number(reader, 3); break;
    case ABCI_LIST_SNAPSHOTS: read_snapshots(out, reader, message, arena); break;
    case ABCI_OFFER_SNAPSHOT: out->result = (int32_t)read_number(reader, 1); break;
    case ABCI_LOAD_SNAPSHOT_CHUNK: out->chunk = read_bytes(reader); break;
    case ABCI_APPLY_SNAPSHOT_CHUNK: read_apply(out, reader, message, arena); break;
    case ABCI_PREPARE_PROPOSAL: read_txs(&out->txs, reader, message, arena); break;
    case ABCI_PROCESS_PROPOSAL:
    case ABCI_VERIFY_VOTE_EXTENSION: out->status = (int32_t)read_number(reader, 1); break;
    case ABCI_EXTEND_VOTE: out->extension = read_bytes(reader); break;
    default: read_number(reader, 0);
    }
}

bool abci_response_decode(struct abci_response *response, struct span bytes, struct arena *arena) {
    struct proto_reader reader = proto_reader_over(bytes);
    struct abci_response out;
    memset(&out, 0, sizeof out);
    for (struct proto_field field; proto_next(&reader, &field);) {
        enum abci_call call = abci_call_of(numbers, field.number);
        if (call == ABCI_NONE)
            continue;
        memset(&out, 0, sizeof out);
        out.call = call;
        if (call == ABCI_CHECK_TX || call == ABCI_FINALIZE_BLOCK) {
            read_whole(&out, &reader, &field, arena);
            continue;
        }
        struct proto_reader value = proto_sub(&reader, &field);
        if (!value.bad)
            read_value(&out, &value, field.bytes, arena);
        proto_join(&reader, &value);
    }
    if (!reader.bad)
        *response = out;
    return !reader.bad;
}
