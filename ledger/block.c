#include "ledger/block.h"

#include <assert.h>
#include <stdlib.h>

/* What decoding may take beyond the bytes themselves. Tables of 48 bytes stand for a transaction that costs two on the wire, so
 * a message of nothing but empty ones would grow 24-fold (wound 35): blocks of more than a million transactions are taken
 * only if these are 12 bytes long on the average. */
enum { ARENA_BYTES_MIN = 64 << 20, ARENA_BYTES_PER_BYTE = 4 };
/* Two votes with addresses, signatures and block ids are longer than this. */
enum { EVIDENCE_BYTES_MIN = 64 };

const char *block_verdict_text(enum block_verdict verdict) {
    switch (verdict) {
    case BLOCK_GOOD: return "good";
    case BLOCK_BAD_ENCODING: return "malformed encoding";
    case BLOCK_BAD_HEADER: return "malformed header";
    case BLOCK_NO_LAST_COMMIT: return "no last commit";
    case BLOCK_BAD_LAST_COMMIT: return "malformed last commit";
    case BLOCK_WRONG_COMMIT_HASH: return "last_commit_hash is not that of the last commit";
    case BLOCK_WRONG_DATA_HASH: return "data_hash is not that of the transactions";
    case BLOCK_WRONG_EVIDENCE_HASH: return "evidence_hash is not that of the evidence";
    case BLOCK_BAD_EVIDENCE: return "malformed evidence";
    case BLOCK_WRONG_VERSION: return "wrong version";
    case BLOCK_WRONG_CHAIN_ID: return "wrong chain id";
    case BLOCK_WRONG_HEIGHT: return "wrong height";
    case BLOCK_WRONG_PARENT: return "wrong last block id";
    case BLOCK_WRONG_APP_HASH: return "wrong app hash";
    case BLOCK_WRONG_CONSENSUS_HASH: return "wrong consensus hash";
    case BLOCK_WRONG_RESULTS_HASH: return "wrong last results hash";
    case BLOCK_WRONG_VALIDATORS_HASH: return "wrong validators hash";
    case BLOCK_WRONG_NEXT_VALIDATORS_HASH: return "wrong next validators hash";
    case BLOCK_COMMIT_REFUSED: return "last commit refused";
    case BLOCK_UNKNOWN_PROPOSER: return "proposer is no validator";
    case BLOCK_WRONG_TIME: return "wrong time";
    case BLOCK_TIME_TOO_FAR: return "time too far ahead of the local clock";
    case BLOCK_EVIDENCE_TOO_LARGE: return "too much evidence";
    case BLOCK_EVIDENCE_REFUSED: return "evidence refused";
    case BLOCK_TOO_LARGE: return "too large";
    case BLOCK_REFUSED_BY_APP: return "refused by the application";
    }
    return "?";
}

static struct block *block_new(size_t arena_bytes_max) {
    struct block *block = calloc(1, sizeof *block);
    assert(block != NULL);
    block->holders = 1;
    arena_init(&block->arena, arena_bytes_max);
    header_init(&block->header);
    return block;
}

struct block *block_hold(struct block *block) {
    assert(block->holders > 0);
    block->holders++;
    return block;
}

void block_release(struct block *block) {
    if (block == NULL || --block->holders > 0)
        return;
    part_set_release(block->parts);
    blob_release(block->bytes);
    arena_close(&block->arena);
    free(block);
}

/* ---- decoding */

/* How many of field 1 there are within all occurrences of the message `outer`: Data and EvidenceList are lists of that form. */
static size_t count_items(struct span bytes, uint32_t outer) {
    size_t count = 0;
    struct proto_reader reader = proto_reader_over(bytes);
    for (struct proto_field field; proto_next(&reader, &field);) {
        if (field.number != outer || field.wire != PROTO_BYTES)
            continue;
        struct proto_reader list = proto_reader_over(field.bytes);
        for (struct proto_field item; proto_next(&list, &item);)
            count += item.number == 1;
    }
    return count;
}

/* false: so many that their tables would pass what the input's size allows. */
static bool make_tables(struct block *block) {
    size_t txs = count_items(blob_span(block->bytes), 2), evidence = count_items(blob_span(block->bytes), 3);
    if (txs > UINT32_MAX || evidence > block->bytes->size / EVIDENCE_BYTES_MIN)
        return false;
    block->txs = arena_take(&block->arena, txs, sizeof *block->txs);
    block->tx_hashes = arena_take(&block->arena, txs, sizeof *block->tx_hashes);
    block->evidence = arena_take(&block->arena, evidence, sizeof *block->evidence);
    return block->txs != NULL && block->tx_hashes != NULL && block->evidence != NULL;
}

static void read_data(struct block *block, struct proto_reader *reader) {
    for (struct proto_field field; proto_next(reader, &field);) {
        if (field.number != 1)
            continue;
        struct span tx = proto_bytes(reader, &field);
        sha256_once(block->tx_hashes[block->tx_count], tx);
        block->txs[block->tx_count++] = tx;
    }
}

/* Size within the re-encoded list: what CometBFT's ByteSize counts. */
static int64_t evidence_size(const struct evidence *evidence) {
    struct proto_writer writer;
    proto_writer_measure(&writer);
    size_t mark = proto_begin(&writer, 1);
    evidence_write(&writer, evidence);
    proto_end(&writer, mark);
    return (int64_t)writer.size;
}

/* Stops at the first malformed piece, so that none of the following costs anything. */
static bool read_evidence_list(struct block *block, struct proto_reader *reader) {
    for (struct proto_field field; proto_next(reader, &field);) {
        if (field.number != 1)
            continue;
        struct proto_reader sub = proto_sub(reader, &field);
        struct evidence *evidence = &block->evidence[block->evidence_count];
        evidence_read(evidence, &sub, &block->arena);
        if (reader->bad || sub.bad || !evidence_check(evidence))
            return false;
        block->evidence_count++;
        block->evidence_bytes += evidence_size(evidence);
    }
    return true;
}

static enum block_verdict read_field(struct block *block, struct proto_reader *reader, const struct proto_field *field) {
    struct proto_reader sub = {0};
    bool evidence_good = true;
    switch (field->number) {
    case 1:
        sub = proto_sub(reader, field);
        header_read(&block->header, &sub);
        break;
    case 2:
        sub = proto_sub(reader, field);
        read_data(block, &sub);
        break;
    case 3:
        sub = proto_sub(reader, field);
        evidence_good = read_evidence_list(block, &sub);
        break;
    case 4:
        sub = proto_sub(reader, field);
        block->has_last_commit = true;
        commit_read(&block->last_commit, &sub, &block->arena);
        break;
    default: return BLOCK_GOOD;
    }
    proto_join(reader, &sub);
    return evidence_good ? BLOCK_GOOD : BLOCK_BAD_EVIDENCE;
}

static enum block_verdict read_block(struct block *block) {
    if (!make_tables(block))
        return BLOCK_BAD_ENCODING;
    struct proto_reader reader = proto_reader_over(blob_span(block->bytes));
    for (struct proto_field field; proto_next(&reader, &field);) {
        enum block_verdict verdict = read_field(block, &reader, &field);
        if (verdict != BLOCK_GOOD)
            return verdict;
    }
    return reader.bad ? BLOCK_BAD_ENCODING : BLOCK_GOOD;
}

void block_data_hash(struct digest *out, const uint8_t (*tx_hashes)[32], size_t count) {
    struct merkle tree;
    merkle_init(&tree);
    for (size_t i = 0; i < count; i++)
        merkle_add(&tree, span_of(tx_hashes[i], 32));
    out->size = 32;
    merkle_root(&tree, out->bytes);
}

static const uint8_t (*hashes_of(const struct block *block))[32] { return (const uint8_t(*)[32])block->tx_hashes; }

static enum block_verdict check_content(const struct block *block) {
    struct digest hash;
    if (header_check(&block->header) != HEADER_GOOD)
        return BLOCK_BAD_HEADER;
    if (!block->has_last_commit)
        return BLOCK_NO_LAST_COMMIT;
    if (commit_check(&block->last_commit) != COMMIT_GOOD)
        return BLOCK_BAD_LAST_COMMIT;
    commit_hash(&hash, &block->last_commit);
    if (!digest_equal(&hash, &block->header.last_commit_hash))
        return BLOCK_WRONG_COMMIT_HASH;
    block_data_hash(&hash, hashes_of(block), block->tx_count);
    if (!digest_equal(&hash, &block->header.data_hash))
        return BLOCK_WRONG_DATA_HASH;
    evidence_list_hash(&hash, block->evidence, block->evidence_count);
    return digest_equal(&hash, &block->header.evidence_hash) ? BLOCK_GOOD : BLOCK_WRONG_EVIDENCE_HASH;
}

struct block *block_decode(struct blob *bytes, enum block_verdict *verdict) {
    if (bytes->size > (size_t)PART_SET_TOTAL_MAX * PARAMS_PART_BYTES) {
        *verdict = BLOCK_TOO_LARGE;
        return NULL;
    }
    struct block *block = block_new(ARENA_BYTES_MIN + ARENA_BYTES_PER_BYTE * bytes->size);
    block->bytes = blob_hold(bytes);
    *verdict = read_block(block);
    if (*verdict == BLOCK_GOOD)
        *verdict = check_content(block);
    if (*verdict != BLOCK_GOOD) {
        block_release(block);
        return NULL;
    }
    header_hash(&block->hash, &block->header);
    return block;
}

/* ---- building */

static void hash_txs(struct block *block, const struct block_plan *plan) {
    if (plan->tx_hashes != NULL && plan->tx_count > 0)
        memcpy(block->tx_hashes, plan->tx_hashes, (size_t)plan->tx_count * 32);
    else
        for (uint32_t i = 0; i < plan->tx_count; i++)
            sha256_once(block->tx_hashes[i], plan->txs[i]);
}

static size_t data_size(const struct block_plan *plan) {
    size_t size = 0;
    for (uint32_t i = 0; i < plan->tx_count; i++)
        size += 1 + proto_varint_size(plan->txs[i].size) + plan->txs[i].size;
    return size;
}

/* Its length is put first: at the end the whole data would have to move. */
static void write_data(struct proto_writer *writer, const struct block_plan *plan, size_t size, struct span *places) {
    proto_put_varint(writer, 2 << 3 | PROTO_BYTES);
    proto_put_varint(writer, size);
    for (uint32_t i = 0; i < plan->tx_count; i++) {
        proto_put_bytes_always(writer, 1, plan->txs[i]);
        if (writer->data != NULL)
            places[i] = span_of(writer->data + writer->size - plan->txs[i].size, plan->txs[i].size);
    }
}

static void write_evidence(struct proto_writer *writer, const struct block_plan *plan) {
    size_t list = proto_begin(writer, 3);
    for (uint32_t i = 0; i < plan->evidence_count; i++) {
        size_t mark = proto_begin(writer, 1);
        evidence_write(writer, &plan->evidence[i]);
        proto_end(writer, mark);
    }
    proto_end(writer, list);
}

static void write_block(struct proto_writer *writer, struct block *block, const struct block_plan *plan, size_t data) {
    size_t mark = proto_begin(writer, 1);
    header_write(writer, &block->header);
    proto_end(writer, mark);
    write_data(writer, plan, data, block->txs);
    write_evidence(writer, plan);
    mark = proto_begin(writer, 4);
    commit_write(writer, &block->last_commit);
    proto_end(writer, mark);
}

static void copy_commit(struct block *block, const struct commit *commit) {
    block->has_last_commit = true;
    if (commit == NULL)
        return;
    block->last_commit = *commit;
    block->last_commit.sigs = arena_take(&block->arena, commit->count, sizeof *commit->sigs);
    if (commit->count > 0)
        memcpy(block->last_commit.sigs, commit->sigs, commit->count * sizeof *commit->sigs);
}

/* The plan's evidence is on loan; the block's own is read back from its bytes. */
static void adopt_evidence(struct block *block, uint32_t count) {
    struct proto_reader reader = proto_reader_over(blob_span(block->bytes));
    block->evidence = arena_take(&block->arena, count, sizeof *block->evidence);
    for (struct proto_field field; count > 0 && proto_next(&reader, &field);) {
        if (field.number != 3)
            continue;
        struct proto_reader sub = proto_sub(&reader, &field);
        bool good = read_evidence_list(block, &sub);
        assert(good);
    }
    assert(block->evidence_count == count);
}

struct block *block_build(const struct block_plan *plan) {
    struct block *block = block_new(SIZE_MAX / 4);
    block->header = plan->header;
    block->tx_count = plan->tx_count;
    block->txs = arena_take(&block->arena, plan->tx_count, sizeof *block->txs);
    block->tx_hashes = arena_take(&block->arena, plan->tx_count, sizeof *block->tx_hashes);
    hash_txs(block, plan);
    copy_commit(block, plan->last_commit);
    commit_hash(&block->header.last_commit_hash, &block->last_commit);
    block_data_hash(&block->header.data_hash, hashes_of(block), block->tx_count);
    evidence_list_hash(&block->header.evidence_hash, plan->evidence, plan->evidence_count);
    header_hash(&block->hash, &block->header);

    struct proto_writer writer;
    size_t data = data_size(plan);
    proto_writer_measure(&writer);
    write_block(&writer, block, plan, data);
    block->bytes = blob_reserve(writer.size);
    proto_writer_init(&writer, block->bytes->data, block->bytes->size);
    write_block(&writer, block, plan, data);
    assert(!writer.overflow && writer.size == block->bytes->size);
    adopt_evidence(block, plan->evidence_count);
    block->parts = part_set_of(block->bytes);
    return block;
}

struct part_set *block_parts(struct block *block) {
    if (block->parts == NULL)
        block->parts = part_set_of(block->bytes);
    return block->parts;
}

void block_id_of(struct block *block, struct block_id *out) {
    *out = (struct block_id){.hash = block->hash, .parts = *part_set_header(block_parts(block))};
}

void block_tx_proof(const struct block *block, struct merkle_proof *out, uint32_t index) {
    assert(index < block->tx_count);
    uint8_t(*leaves)[SHA256_BYTES] = malloc(block->tx_count * sizeof *leaves);
    assert(leaves != NULL);
    for (uint32_t i = 0; i < block->tx_count; i++)
        merkle_leaf_hash(leaves[i], span_of(block->tx_hashes[i], 32));
    merkle_proof_make(out, leaves[0], block->tx_count, index);
    free(leaves);
}
