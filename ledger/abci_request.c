#include "ledger/abci_request.h"

#include <assert.h>

/* Of the oneof; 0: no request. Numbers are gone where older calls were. */
static const uint8_t numbers[ABCI_CALL_COUNT] = {
    [ABCI_ECHO] = 1,
    [ABCI_FLUSH] = 2,
    [ABCI_INFO] = 3,
    [ABCI_INIT_CHAIN] = 5,
    [ABCI_QUERY] = 6,
    [ABCI_CHECK_TX] = 8,
    [ABCI_COMMIT] = 11,
    [ABCI_LIST_SNAPSHOTS] = 12,
    [ABCI_OFFER_SNAPSHOT] = 13,
    [ABCI_LOAD_SNAPSHOT_CHUNK] = 14,
    [ABCI_APPLY_SNAPSHOT_CHUNK] = 15,
    [ABCI_PREPARE_PROPOSAL] = 16,
    [ABCI_PROCESS_PROPOSAL] = 17,
    [ABCI_EXTEND_VOTE] = 18,
    [ABCI_VERIFY_VOTE_EXTENSION] = 19,
    [ABCI_FINALIZE_BLOCK] = 20,
};

/* The four messages about a block have the same fields under other numbers; next validators and proposer are 7 and 8 in each. */
struct shape {
    uint8_t bytes_max, txs, commit, misbehavior, hash, height, time;
    bool is_extended; /* the commit's votes */
};
enum { FIELD_NEXT_VALIDATORS = 7, FIELD_PROPOSER = 8 };

static const struct shape *shape_of(enum abci_call call) {
    static const struct shape prepare = {1, 2, 3, 4, 0, 5, 6, true}, decided = {0, 1, 2, 3, 4, 5, 6, false}, extend = {0, 4, 5, 6, 1, 2, 3, false};
    return call == ABCI_PREPARE_PROPOSAL ? &prepare : call == ABCI_EXTEND_VOTE ? &extend : &decided;
}

/* ---- writing */

static void write_validator(struct proto_writer *writer, uint32_t field, const struct address *address, int64_t power) {
    size_t mark = proto_begin(writer, field);
    proto_put_bytes(writer, 1, address_span(address));
    proto_put_int64(writer, 3, power);
    proto_end(writer, mark);
}

static void write_vote(struct proto_writer *writer, const struct abci_vote_info *vote, bool is_extended) {
    size_t mark = proto_begin(writer, 2);
    write_validator(writer, 1, &vote->address, vote->power);
    if (is_extended) {
        proto_put_bytes(writer, 3, vote->extension);
        proto_put_bytes(writer, 4, vote->extension_signature);
    }
    proto_put_int64(writer, is_extended ? 5 : 3, vote->flag);
    proto_end(writer, mark);
}

static void write_commit(struct proto_writer *writer, uint32_t field, const struct abci_block *block, bool is_extended) {
    size_t mark = proto_begin(writer, field);
    proto_put_int64(writer, 1, block->commit_round);
    for (uint32_t i = 0; i < block->vote_count; i++)
        write_vote(writer, &block->votes[i], is_extended);
    proto_end(writer, mark);
}

static void write_misbehavior(struct proto_writer *writer, uint32_t field, const struct abci_misbehavior *fault) {
    size_t mark = proto_begin(writer, field);
    proto_put_int64(writer, 1, fault->type);
    write_validator(writer, 2, &fault->address, fault->power);
    proto_put_int64(writer, 3, fault->height);
    timestamp_put(writer, 4, &fault->time);
    proto_put_int64(writer, 5, fault->total_power);
    proto_end(writer, mark);
}

static void write_block_field(struct proto_writer *writer, const struct shape *shape, uint32_t field, const struct abci_block *block,
                              int64_t bytes_max) {
    if (field == shape->bytes_max)
        proto_put_int64(writer, field, bytes_max);
    for (uint32_t i = 0; field == shape->txs && i < block->tx_count; i++)
        proto_put_bytes_always(writer, field, block->txs[i]);
    if (field == shape->commit)
        write_commit(writer, field, block, shape->is_extended);
    for (uint32_t i = 0; field == shape->misbehavior && i < block->misbehavior_count; i++)
        write_misbehavior(writer, field, &block->misbehavior[i]);
    if (field == shape->hash)
        proto_put_bytes(writer, field, digest_span(&block->hash));
    if (field == shape->height)
        proto_put_int64(writer, field, block->height);
    if (field == shape->time)
        timestamp_put(writer, field, &block->time);
}

static void write_block(struct proto_writer *writer, const struct abci_request *request) {
    for (uint32_t field = 1; field < FIELD_NEXT_VALIDATORS; field++)
        write_block_field(writer, shape_of(request->call), field, &request->block, request->bytes_max);
    proto_put_bytes(writer, FIELD_NEXT_VALIDATORS, digest_span(&request->block.next_validators_hash));
    proto_put_bytes(writer, FIELD_PROPOSER, address_span(&request->block.proposer_address));
}

static void write_info(struct proto_writer *writer, const struct abci_request *request) {
    proto_put_bytes(writer, 1, request->info.version);
    proto_put_uint64(writer, 2, request->info.block_version);
    proto_put_uint64(writer, 3, request->info.p2p_version);
    proto_put_bytes(writer, 4, request->info.abci_version);
}

static void write_init_chain(struct proto_writer *writer, const struct abci_init_chain *chain) {
    timestamp_put(writer, 1, &chain->time);
    proto_put_bytes(writer, 2, chain->chain_id);
    if (chain->params != NULL) {
        size_t mark = proto_begin(writer, 3);
        params_write(writer, chain->params);
        proto_end(writer, mark);
    }
    for (uint32_t i = 0; i < chain->validator_count; i++)
        abci_update_write(writer, 4, &chain->validators[i]);
    proto_put_bytes(writer, 5, chain->app_state);
    proto_put_int64(writer, 6, chain->initial_height);
}

static void write_query(struct proto_writer *writer, const struct abci_query *query) {
    proto_put_bytes(writer, 1, query->data);
    proto_put_bytes(writer, 2, query->path);
    proto_put_int64(writer, 3, query->height);
    proto_put_bool(writer, 4, query->prove);
}

void abci_snapshot_write(struct proto_writer *writer, uint32_t field, const struct abci_snapshot *snapshot) {
    size_t mark = proto_begin(writer, field);
    proto_put_uint64(writer, 1, snapshot->height);
    proto_put_uint64(writer, 2, snapshot->format);
    proto_put_uint64(writer, 3, snapshot->chunks);
    proto_put_bytes(writer, 4, snapshot->hash);
    proto_put_bytes(writer, 5, snapshot->metadata);
    proto_end(writer, mark);
}

static void write_snapshot_call(struct proto_writer *writer, const struct abci_request *request) {
    if (request->call == ABCI_OFFER_SNAPSHOT) {
        if (request->offer_snapshot.has_snapshot)
            abci_snapshot_write(writer, 1, &request->offer_snapshot.snapshot);
        proto_put_bytes(writer, 2, request->offer_snapshot.app_hash);
    } else if (request->call == ABCI_LOAD_SNAPSHOT_CHUNK) {
        proto_put_uint64(writer, 1, request->load_chunk.height);
        proto_put_uint64(writer, 2, request->load_chunk.format);
        proto_put_uint64(writer, 3, request->load_chunk.chunk);
    } else {
        proto_put_uint64(writer, 1, request->apply_chunk.index);
        proto_put_bytes(writer, 2, request->apply_chunk.chunk);
        proto_put_bytes(writer, 3, request->apply_chunk.sender);
    }
}

static void write_verify(struct proto_writer *writer, const struct abci_request *request) {
    proto_put_bytes(writer, 1, digest_span(&request->verify_extension.hash));
    proto_put_bytes(writer, 2, address_span(&request->verify_extension.validator));
    proto_put_int64(writer, 3, request->verify_extension.height);
    proto_put_bytes(writer, 4, request->verify_extension.extension);
}

static void write_value(struct proto_writer *writer, const struct abci_request *request) {
    switch (request->call) {
    case ABCI_ECHO: proto_put_bytes(writer, 1, request->echo); break;
    case ABCI_INFO: write_info(writer, request); break;
    case ABCI_INIT_CHAIN: write_init_chain(writer, &request->init_chain); break;
    case ABCI_QUERY: write_query(writer, &request->query); break;
    case ABCI_CHECK_TX:
        proto_put_bytes(writer, 1, request->check_tx.tx);
        proto_put_int64(writer, 2, request->check_tx.type);
        break;
    case ABCI_OFFER_SNAPSHOT:
    case ABCI_LOAD_SNAPSHOT_CHUNK:
    case ABCI_APPLY_SNAPSHOT_CHUNK: write_snapshot_call(writer, request); break;
    case ABCI_PREPARE_PROPOSAL:
    case ABCI_PROCESS_PROPOSAL:
    case ABCI_EXTEND_VOTE:
    case ABCI_FINALIZE_BLOCK: write_block(writer, request); break;
    case ABCI_VERIFY_VOTE_EXTENSION: write_verify(writer, request); break;
    default: break; /* without fields */
    }
}

void abci_request_write(struct proto_writer *writer, const struct abci_request *request) {
    if (numbers[request->call] == 0)
        return;
    size_t mark = proto_begin(writer, numbers[request->call]);
    write_value(writer, request);
    proto_end(writer, mark);
}

/* ---- reading */

static void read_address(struct address *address, struct proto_reader *reader, const struct proto_field *field) {
    address->size = (uint8_t)proto_bytes_into(reader, field, address->bytes, sizeof address->bytes);
}

static void read_validator(struct address *address, int64_t *power, struct proto_reader *outer, const struct proto_field *message) {
    struct proto_reader reader = proto_sub(outer, message);
    for (struct proto_field field; proto_next(&reader, &field);) {
        if (field.number == 1)
            read_address(address, &reader, &field);
        else if (field.number == 3)
            *power = proto_int64(&reader, &field);
    }
    proto_join(outer, &reader);
}

static void read_vote_field(struct abci_vote_info *vote, struct proto_reader *reader, const struct proto_field *field, bool is_extended) {
    if (field->number == 1) {
        read_validator(&vote->address, &vote->power, reader, field);
    } else if (field->number == (is_extended ? 5 : 3)) {
        vote->flag = proto_int32(reader, field);
    } else if (is_extended && field->number == 3) {
        vote->extension = proto_bytes(reader, field);
    } else if (is_extended && field->number == 4) {
        vote->extension_signature = proto_bytes(reader, field);
    }
}

static void read_commit(struct abci_block *block, struct proto_reader *outer, const struct proto_field *message, bool is_extended,
                        struct arena *arena) {
    struct proto_reader reader = proto_sub(outer, message);
    struct abci_vote_info *votes = abci_take_list(&reader, message->bytes, 2, sizeof *votes, arena);
    block->votes = votes;
    block->vote_count = 0; /* given twice, the later list counts */
    for (struct proto_field field; proto_next(&reader, &field);) {
        if (field.number == 1) {
            block->commit_round = proto_int32(&reader, &field);
        } else if (field.number == 2) {
            struct proto_reader vote = proto_sub(&reader, &field);
            for (struct proto_field part; proto_next(&vote, &part);)
                read_vote_field(&votes[block->vote_count], &vote, &part, is_extended);
            block->vote_count++;
            proto_join(&reader, &vote);
        }
    }
    proto_join(outer, &reader);
}

static void read_misbehavior(struct abci_misbehavior *fault, struct proto_reader *outer, const struct proto_field *message) {
    struct proto_reader reader = proto_sub(outer, message);
    fault->time = TIMESTAMP_ZERO;
    for (struct proto_field field; proto_next(&reader, &field);) {
        switch (field.number) {
        case 1: fault->type = proto_int32(&reader, &field); break;
        case 2: read_validator(&fault->address, &fault->power, &reader, &field); break;
        case 3: fault->height = proto_int64(&reader, &field); break;
        case 4: timestamp_get(&fault->time, &reader, &field); break;
        case 5: fault->total_power = proto_int64(&reader, &field); break;
        }
    }
    proto_join(outer, &reader);
}

struct lists { /* of a block, while they are filled */
    struct span *txs;
    struct abci_misbehavior *misbehavior;
};

static void read_block_field(struct abci_request *request, struct lists *lists, struct proto_reader *reader, const struct proto_field *field,
                             struct arena *arena) {
    const struct shape *shape = shape_of(request->call);
    struct abci_block *block = &request->block;
    if (field->number == FIELD_NEXT_VALIDATORS)
        digest_read(&block->next_validators_hash, reader, field);
    else if (field->number == FIELD_PROPOSER)
        read_address(&block->proposer_address, reader, field);
    else if (field->number == shape->txs)
        lists->txs[block->tx_count++] = proto_bytes(reader, field);
    else if (field->number == shape->commit)
        read_commit(block, reader, field, shape->is_extended, arena);
    else if (field->number == shape->misbehavior)
        read_misbehavior(&lists->misbehavior[block->misbehavior_count++], reader, field);
    else if (field->number == shape->hash)
        digest_read(&block->hash, reader, field);
    else if (field->number == shape->height)
        block->height = proto_int64(reader, field);
    else if (field->number == shape->time)
        timestamp_get(&block->time, reader, field);
    else if (field->number == shape->bytes_max)
        request->bytes_max = proto_int64(reader, field);
}

static void read_block(struct abci_request *request, struct proto_reader *reader, struct span message, struct arena *arena) {
    const struct shape *shape = shape_of(request->call);
    struct lists lists = {
        .txs = abci_take_list(reader, message, shape->txs, sizeof *lists.txs, arena),
        .misbehavior = abci_take_list(reader, message, shape->misbehavior, sizeof *lists.misbehavior, arena),
    };
    request->block.txs = lists.txs;
    request->block.misbehavior = lists.misbehavior;
    request->block.time = TIMESTAMP_ZERO;
    for (struct proto_field field; proto_next(reader, &field);)
        read_block_field(request, &lists, reader, &field, arena);
}

static void read_info(struct abci_request *request, struct proto_reader *reader) {
    for (struct proto_field field; proto_next(reader, &field);) {
        switch (field.number) {
        case 1: request->info.version = proto_bytes(reader, &field); break;
        case 2: request->info.block_version = proto_uint64(reader, &field); break;
        case 3: request->info.p2p_version = proto_uint64(reader, &field); break;
        case 4: request->info.abci_version = proto_bytes(reader, &field); break;
        }
    }
}

static void read_params(struct abci_init_chain *chain, struct proto_reader *outer, const struct proto_field *message, struct arena *arena) {
    struct proto_reader reader = proto_sub(outer, message);
    struct params *params = arena_take(arena, 1, sizeof *params);
    reader.bad = reader.bad || params == NULL;
    if (!reader.bad)
        params_read(params, &reader);
    chain->params = params;
    proto_join(outer, &reader);
}

static void read_init_chain(struct abci_init_chain *chain, struct proto_reader *reader, struct span message, struct arena *arena) {
    struct abci_validator_update *validators = abci_take_list(reader, message, 4, sizeof *validators, arena);
    chain->validators = validators;
    chain->time = TIMESTAMP_ZERO;
    for (struct proto_field field; proto_next(reader, &field);) {
        switch (field.number) {
        case 1: timestamp_get(&chain->time, reader, &field); break;
        case 2: chain->chain_id = proto_bytes(reader, &field); break;
        case 3: read_params(chain, reader, &field, arena); break;
        case 4: abci_update_read(&validators[chain->validator_count++], reader, &field); break;
        case 5: chain->app_state = proto_bytes(reader, &field); break;
        case 6: chain->initial_height = proto_int64(reader, &field); break;
        }
    }
}

static void read_query(struct abci_query *query, struct proto_reader *reader) {
    for (struct proto_field field; proto_next(reader, &field);) {
        switch (field.number) {
        case 1: query->data = proto_bytes(reader, &field); break;
        case 2: query->path = proto_bytes(reader, &field); break;
        case 3: query->height = proto_int64(reader, &field); break;
        case 4: query->prove = proto_bool(reader, &field); break;
        }
    }
}

static void read_check_tx(struct abci_request *request, struct proto_reader *reader) {
    for (struct proto_field field; proto_next(reader, &field);) {
        if (field.number == 1)
            request->check_tx.tx = proto_bytes(reader, &field);
        else if (field.number == 2)
            request->check_tx.type = proto_int32(reader, &field);
    }
}

void abci_snapshot_read(struct abci_snapshot *snapshot, struct proto_reader *outer, const struct proto_field *message) {
    struct proto_reader reader = proto_sub(outer, message);
    for (struct proto_field field; proto_next(&reader, &field);) {
        switch (field.number) {
        case 1: snapshot->height = proto_uint64(&reader, &field); break;
        case 2: snapshot->format = proto_uint32(&reader, &field); break;
        case 3: snapshot->chunks = proto_uint32(&reader, &field); break;
        case 4: snapshot->hash = proto_bytes(&reader, &field); break;
        case 5: snapshot->metadata = proto_bytes(&reader, &field); break;
        }
    }
    proto_join(outer, &reader);
}

static void read_offer(struct abci_request *request, struct proto_reader *reader) {
    for (struct proto_field field; proto_next(reader, &field);) {
        if (field.number == 1) {
            request->offer_snapshot.has_snapshot = true;
            abci_snapshot_read(&request->offer_snapshot.snapshot, reader, &field);
        } else if (field.number == 2) {
            request->offer_snapshot.app_hash = proto_bytes(reader, &field);
        }
    }
}

static void read_load(struct abci_request *request, struct proto_reader *reader) {
    for (struct proto_field field; proto_next(reader, &field);) {
        switch (field.number) {
        case 1: request->load_chunk.height = proto_uint64(reader, &field); break;
        case 2: request->load_chunk.format = proto_uint32(reader, &field); break;
        case 3: request->load_chunk.chunk = proto_uint32(reader, &field); break;
        }
    }
}

static void read_apply(struct abci_request *request, struct proto_reader *reader) {
    for (struct proto_field field; proto_next(reader, &field);) {
        switch (field.number) {
        case 1: request->apply_chunk.index = proto_uint32(reader, &field); break;
        case 2: request->apply_chunk.chunk = proto_bytes(reader, &field); break;
        case 3: request->apply_chunk.sender = proto_bytes(reader, &field); break;
        }
    }
}

static void read_verify(struct abci_request *request, struct proto_reader *reader) {
    for (struct proto_field field; proto_next(reader, &field);) {
        switch (field.number) {
        case 1: digest_read(&request->verify_extension.hash, reader, &field); break;
        case 2: read_address(&request->verify_extension.validator, reader, &field); break;
        case 3: request->verify_extension.height = proto_int64(reader, &field); break;
        case 4: request->verify_extension.extension = proto_bytes(reader, &field); break;
        }
    }
}

static void skip(struct proto_reader *reader) {
    for (struct proto_field field; proto_next(reader, &field);)
        continue;
}

static void read_value(struct abci_request *request, struct proto_reader *reader, struct span message, struct arena *arena) {
    switch (request->call) {
    case ABCI_ECHO:
        for (struct proto_field field; proto_next(reader, &field);)
            if (field.number == 1)
                request->echo = proto_bytes(reader, &field);
        break;
    case ABCI_INFO: read_info(request, reader); break;
    case ABCI_INIT_CHAIN: read_init_chain(&request->init_chain, reader, message, arena); break;
    case ABCI_QUERY: read_query(&request->query, reader); break;
    case ABCI_CHECK_TX: read_check_tx(request, reader); break;
    case ABCI_OFFER_SNAPSHOT: read_offer(request, reader); break;
    case ABCI_LOAD_SNAPSHOT_CHUNK: read_load(request, reader); break;
    case ABCI_APPLY_SNAPSHOT_CHUNK: read_apply(request, reader); break;
    case ABCI_PREPARE_PROPOSAL:
    case ABCI_PROCESS_PROPOSAL:
    case ABCI_EXTEND_VOTE:
    case ABCI_FINALIZE_BLOCK: read_block(request, reader, message, arena); break;
    case ABCI_VERIFY_VOTE_EXTENSION: read_verify(request, reader); break;
    default: skip(reader);
    }
}

bool abci_request_decode(struct abci_request *request, struct span bytes, struct arena *arena) {
    struct proto_reader reader = proto_reader_over(bytes);
    struct abci_request out;
    memset(&out, 0, sizeof out);
    for (struct proto_field field; proto_next(&reader, &field);) {
        enum abci_call call = abci_call_of(numbers, field.number);
        if (call == ABCI_NONE)
            continue;
        memset(&out, 0, sizeof out);
        out.call = call;
        struct proto_reader value = proto_sub(&reader, &field);
        if (!value.bad)
            read_value(&out, &value, field.bytes, arena);
        proto_join(&reader, &value);
    }
    if (!reader.bad)
        *request = out;
    return !reader.bad;
}
