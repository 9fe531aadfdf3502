/* Messages between nodes, journal records, the file signer. */
#include "tests/vectors/vectors_node.h"

#include <ctype.h>
#include <stdlib.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crc32c.h"
#include "crypto/sha256.h"
#include "crypto/text.h"
#include "node/journal.h"
#include "node/mconn.h"
#include "node/signer.h"
#include "node/wire.h"

enum { BYTES_MAX = 4 << 20 };

static uint8_t bytes_in[BYTES_MAX], bytes_out[BYTES_MAX];
static struct arena arena;

typedef bool case_run(const json_t *item);

static void run_cases(struct vectors_report *report, const json_t *file, case_run *run, const char *what) {
    const json_t *item;
    size_t i;
    arena_init(&arena, 64 << 20);
    json_array_foreach(json_object_get(file, "cases"), i, item) {
        vectors_expect(report, i, run(item), what);
        arena_reset(&arena);
    }
    arena_close(&arena);
}

/* What the input says of a number or flag must be what was read; what it does not say, it leaves open. */
static bool says(const json_t *input, const char *key, int64_t value) {
    const json_t *said = json_object_get(input, key);
    int64_t number;
    if (said == NULL)
        return true;
    if (json_is_boolean(said))
        return json_is_true(said) == (value != 0);
    return vectors_int64(input, key, &number) && number == value;
}

static bool says_bytes(const json_t *input, const char *key, struct span value) { /* key_ascii or key_hex, or the key as text */
    char name[64];
    uint8_t raw[4096];
    size_t size;
    strcpy(name, key);
    strcat(name, "_hex");
    if (json_object_get(input, name) != NULL)
        return vectors_hex(input, name, raw, &size, sizeof raw) && span_equal(span_of(raw, size), value);
    strcpy(name + strlen(key), "_ascii");
    if (json_object_get(input, name) != NULL)
        return span_equal(vectors_text(input, name), value);
    return json_object_get(input, key) == NULL || span_equal(vectors_text(input, key), value);
}

/* wire_messages: decode, compare with the input, encode */

static struct proto_writer output(void) {
    struct proto_writer writer;
    proto_writer_init(&writer, bytes_out, sizeof bytes_out);
    return writer;
}

static bool is_output(const struct proto_writer *writer, struct span expected) {
    return !writer->overflow && span_equal(proto_writer_span(writer), expected);
}

static bool says_parts(const json_t *parts, const struct part_header *header) {
    return says(parts, "total", header->total) && says_bytes(parts, "hash", digest_span(&header->hash));
}

static bool says_bits(const json_t *input, const struct wire_bits *bits) {
    const json_t *word;
    size_t i;
    if (!says(input, "bits", bits->bits))
        return false;
    json_array_foreach(json_object_get(input, "elems"), i, word)
        if (i >= (bits->bits + 63) / 64 || (uint64_t)json_integer_value(word) != bits->words[i])
            return false;
    return true;
}

static bool says_vote(const json_t *input, const struct vote *vote) {
    return !json_is_object(input) || (says(input, "type", vote->type) && says(input, "height", vote->height) && says(input, "round", vote->round) &&
                                      says(input, "validator_index", vote->validator_index) && says_bytes(input, "extension", vote->extension));
}

static bool says_proposal(const json_t *input, const struct proposal *proposal) {
    return !json_is_object(input) ||
           (says(input, "type", proposal->type) && says(input, "height", proposal->height) && says(input, "round", proposal->round) &&
            says(input, "pol_round", proposal->pol_round) &&
            says_bytes(input, "signature", span_of(proposal->signature.bytes, proposal->signature.size)));
}

static bool says_part(const json_t *input, const struct part *part) {
    const json_t *proof = json_object_get(input, "proof");
    return says(input, "index", part->index) && says_bytes(input, "bytes", part->bytes) && says(proof, "total", part->proof.total) &&
           says(proof, "index", part->proof.index);
}

static bool says_consensus(const json_t *input, const struct wire_consensus *message) {
    return (message->kind == WIRE_PROPOSAL || message->kind == WIRE_VOTE_MESSAGE ||
            (says(input, "height", message->height) && says(input, "round", message->round) &&
             says(input, "proposal_pol_round", message->round))) &&
           says(input, "step", message->step) && says(input, "seconds_since_start_time", message->seconds_since_start) &&
           says(input, "last_commit_round", message->last_commit_round) && says(input, "is_commit", message->is_commit) &&
           says(input, "type", message->type) && says(input, "index", message->index) &&
           says_parts(json_object_get(input, "block_part_set_header"), &message->parts) &&
           says_bits(json_object_get(input, "block_parts"), &message->bits) && says_bits(json_object_get(input, "votes"), &message->bits) &&
           says_bits(json_object_get(input, "proposal_pol"), &message->bits) && says_part(json_object_get(input, "part"), &message->part) &&
           says_vote(json_object_get(input, "vote"), &message->vote) && says_proposal(json_object_get(input, "proposal"), &message->proposal);
}

static bool consensus_message(const json_t *input, struct span bytes) {
    struct wire_consensus message;
    struct proto_writer writer = output();
    if (wire_consensus_parse(&message, bytes, &arena) != NULL || !says_consensus(input, &message))
        return false;
    wire_consensus_write(&writer, &message);
    return is_output(&writer, bytes);
}

static bool blocksync_message(const json_t *input, struct span bytes) {
    struct wire_blocksync message;
    struct proto_writer writer = output();
    if (wire_blocksync_parse(&message, bytes) != NULL || !says(input, "height", message.height) || !says(input, "base", message.base))
        return false;
    wire_blocksync_write(&writer, &message);
    return is_output(&writer, bytes);
}

static bool statesync_message(const json_t *input, struct span bytes) {
    struct wire_statesync message;
    struct proto_writer writer = output();
    if (wire_statesync_parse(&message, bytes) != NULL || !says(input, "height", (int64_t)message.height) ||
        !says(input, "format", message.format) || !says(input, "chunks", message.chunks) || !says(input, "index", message.index) ||
        !says(input, "missing", message.missing) || !says_bytes(input, "hash", message.hash) ||
        !says_bytes(input, "metadata", message.metadata) || !says_bytes(input, "chunk", message.chunk))
        return false;
    wire_statesync_write(&writer, &message);
    return is_output(&writer, bytes);
}

static bool pex_message(const json_t *input, struct span bytes) {
    struct wire_pex message;
    struct proto_writer writer = output();
    const json_t *address;
    size_t i;
    if (wire_pex_decode(&message, bytes, &arena) != NULL)
        return false;
    json_array_foreach(json_object_get(input, "addrs"), i, address)
        if (i >= message.count || !says_bytes(address, "id", message.addresses[i].id) ||
            !says_bytes(address, "ip", message.addresses[i].ip) || !says(address, "port", message.addresses[i].port))
            return false;
    wire_pex_write(&writer, &message);
    return is_output(&writer, bytes);
}

static bool privval_message(const json_t *input, struct span bytes) {
    struct wire_privval message;
    struct proto_writer writer = output();
    const json_t *error = json_object_get(input, "error");
    if (wire_privval_decode(&message, bytes) != NULL || !says_vote(json_object_get(input, "vote"), &message.vote) ||
        !says_proposal(json_object_get(input, "proposal"), &message.proposal) || (error != NULL) != message.has_error ||
        !says_bytes(input, "chain_id", message.chain_id))
        return false;
    if (json_is_object(error) && (!says(error, "code", message.error_code) || !says_bytes(error, "description", message.error_description)))
        return false;
    wire_privval_write(&writer, &message);
    return is_output(&writer, bytes);
}

static bool evidence_message(const json_t *input, struct span bytes) {
    struct evidence *items;
    uint32_t count;
    struct proto_writer writer = output();
    (void)input;
    if (wire_evidence_parse(&items, &count, bytes, &arena) != NULL || count == 0)
        return false;
    wire_evidence_write(&writer, items, count);
    return is_output(&writer, bytes);
}

static bool mempool_message(const json_t *input, struct span bytes) {
    struct span *txs;
    uint32_t count;
    struct proto_writer writer = output();
    const json_t *item;
    size_t i, size;
    uint8_t raw[4096];
    if (wire_txs_decode(&txs, &count, bytes, BYTES_MAX, &arena) != NULL)
        return false;
    json_array_foreach(json_object_get(input, "txs_ascii"), i, item)
        if (i >= count || !span_equal(txs[i], span_of(json_string_value(item), json_string_length(item))))
            return false;
    json_array_foreach(json_object_get(input, "txs_hex"), i, item)
        if (i >= count || !text_hex_decode(raw, &size, sizeof raw, span_text(json_string_value(item))) ||
            !span_equal(txs[i], span_of(raw, size)))
            return false;
    wire_txs_write(&writer, txs, count);
    return is_output(&writer, bytes);
}

/* Packets: what mconn receives of the bytes, and what it sends where it can be made to send that. */
static enum mconn_verdict receive(struct mconn *conn, struct mconn_message *message, struct span packet) {
    struct proto_writer writer = output();
    proto_put_varint(&writer, packet.size);
    proto_put_raw(&writer, packet);
    struct span plain = proto_writer_span(&writer);
    enum mconn_verdict verdict = mconn_receive(conn, message, &plain);
    return plain.size == 0 ? verdict : MCONN_BAD_PACKET;
}

static bool sends(struct mconn *conn, struct span packet) {
    struct buffer out = {0};
    struct span sent;
    mconn_pull(conn, &out, MCONN_PACKET_MAX, NULL);
    bool good = proto_delimited(&sent, buffer_span(&out), MCONN_PACKET_MAX) == (long)buffer_span(&out).size && span_equal(sent, packet);
    buffer_close(&out);
    return good;
}

static bool packet_message(struct mconn *conn, const json_t *input, struct span bytes, uint8_t channel) {
    static const uint8_t end[] = {0x10, 0x01};
    struct mconn_message message;
    struct span data = vectors_text(input, "data_ascii");
    bool eof = json_is_true(json_object_get(input, "eof"));
    enum mconn_verdict verdict = receive(conn, &message, bytes);
    if (!eof && verdict == MCONN_MORE) { /* the last packet of the same message, empty */
        uint8_t last[8] = {0x1a, 0x04, 0x08, channel};
        memcpy(last + 4, end, sizeof end);
        verdict = receive(conn, &message, span_of(last, 6));
    }
    if (verdict != MCONN_MESSAGE || message.channel != channel || !span_equal(message.bytes, data))
        return false;
    if (!eof)
        return true;
    struct blob *blob = blob_new(data);
    bool good = mconn_try_send(conn, channel, blob) && sends(conn, bytes);
    blob_release(blob);
    return good;
}

static bool packet(const json_t *input, struct span bytes) {
    struct mconn_message message;
    int64_t channel = 0;
    bool is_message = vectors_int64(input, "channel_id", &channel), good;
    struct mconn_channel table = {.id = (uint8_t)channel, .priority = 1, .send_queue_capacity = 2, .recv_message_capacity = 1 << 20};
    struct mconn *conn = mconn_new(&table, 1);
    if (is_message) {
        good = channel > 0 && channel < 128 && packet_message(conn, input, bytes, (uint8_t)channel);
    } else {
        enum mconn_verdict verdict = receive(conn, &message, bytes);
        if (verdict == MCONN_PING)
            mconn_ping(conn);
        else if (verdict == MCONN_PONG)
            mconn_pong(conn);
        good = sends(conn, bytes);
    }
    mconn_free(conn);
    return good;
}

static const struct {
    const char *root;
    bool (*run)(const json_t *input, struct span bytes);
} roots[] = {
    {"tendermint.consensus.Message", consensus_message}, {"tendermint.blocksync.Message", blocksync_message},
    {"tendermint.statesync.Message", statesync_message}, {"tendermint.p2p.Message", pex_message},
    {"tendermint.privval.Message", privval_message},     {"tendermint.types.EvidenceList", evidence_message},
    {"tendermint.mempool.Message", mempool_message},     {"tendermint.p2p.Packet", packet},
};

static bool wire_case(const json_t *item) {
    size_t size;
    if (!vectors_hex(item, "expected_hex", bytes_in, &size, sizeof bytes_in))
        return false;
    for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++)
        if (span_equal(vectors_text(item, "root_message"), span_text(roots[i].root)))
            return roots[i].run(json_object_get(item, "input"), span_of(bytes_in, size));
    return false;
}

void vectors_wire_messages(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    run_cases(report, file, wire_case, "other bytes, or not what the input says");
}

/* wire_messages_validation */

static bool consensus_accepts(const json_t *item, struct span bytes) {
    struct wire_consensus message;
    int64_t channel, initial_height;
    if (!vectors_int64(item, "initial_height", &initial_height))
        initial_height = 1;
    if (wire_consensus_parse(&message, bytes, &arena) != NULL)
        return false;
    if (!vectors_int64(item, "channel", &channel))
        channel = wire_consensus_channel(message.kind);
    return wire_consensus_decode(&message, bytes, (uint8_t)channel, initial_height, &arena) == NULL;
}

static bool accepts(const json_t *item, struct span bytes, bool *accepted) {
    struct span module = vectors_text(item, "module");
    struct wire_blocksync blocksync;
    struct wire_statesync statesync;
    struct wire_pex pex;
    struct wire_privval privval;
    struct evidence *items;
    struct span *txs;
    uint32_t count;
    int64_t tx_bytes_max;
    if (!vectors_int64(item, "max_tx_bytes", &tx_bytes_max))
        tx_bytes_max = 1048576;
    if (span_equal(module, span_text("consensus")))
        *accepted = consensus_accepts(item, bytes);
    else if (span_equal(module, span_text("blocksync")))
        *accepted = wire_blocksync_decode(&blocksync, bytes) == NULL;
    else if (span_equal(module, span_text("statesync")))
        *accepted = wire_statesync_decode(&statesync, bytes) == NULL;
    else if (span_equal(module, span_text("pex")) || span_equal(module, span_text("p2p")))
        *accepted = wire_pex_decode(&pex, bytes, &arena) == NULL;
    else if (span_equal(module, span_text("privval")))
        *accepted = wire_privval_decode(&privval, bytes) == NULL;
    else if (span_equal(module, span_text("evidence")))
        *accepted = wire_evidence_decode(&items, &count, bytes, &arena) == NULL;
    else if (span_equal(module, span_text("mempool")))
        *accepted = wire_txs_decode(&txs, &count, bytes, (uint32_t)tx_bytes_max, &arena) == NULL;
    else
        return false;
    return true;
}

static bool validation_case(const json_t *item) {
    size_t size;
    bool accepted;
    const json_t *expected = json_object_get(item, "accept");
    return vectors_hex(item, "bytes_hex", bytes_in, &size, sizeof bytes_in) && json_is_boolean(expected) &&
           accepts(item, span_of(bytes_in, size), &accepted) && accepted == json_is_true(expected);
}

void vectors_wire_messages_validation(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    run_cases(report, file, validation_case, "other verdict");
}

/* wal_records */

static bool wal_record(const json_t *item, struct span bytes) {
    struct journal_record record;
    struct timestamp time;
    if (journal_record_decode(&record, bytes) != (long)bytes.size)
        return false;
    if (json_object_get(item, "time") != NULL &&
        (!timestamp_parse(&time, vectors_text(item, "time")) || timestamp_compare(&time, &record.time) != 0))
        return false;
    size_t size = journal_record_encode(bytes_out, sizeof bytes_out, &record);
    return span_equal(span_of(bytes_out, size), bytes);
}

/* "N record(s) then EOF | corruption error | error (incomplete)" */
static bool wal_stream(const json_t *item, struct span bytes) {
    struct journal_record record;
    const char *expected = json_string_value(json_object_get(item, "expected"));
    long size, count = 0;
    if (expected == NULL)
        return false;
    while ((size = journal_record_decode(&record, bytes)) > 0) {
        bytes = span_of(bytes.data + size, bytes.size - (size_t)size);
        count++;
    }
    const char *end = size < 0 ? "corruption" : bytes.size == 0 ? "EOF" : "incomplete";
    return strtol(expected, NULL, 10) == count && strstr(expected, end) != NULL;
}

static bool wal_case(const json_t *item) {
    size_t size;
    if (vectors_hex(item, "record_hex", bytes_in, &size, sizeof bytes_in))
        return wal_record(item, span_of(bytes_in, size));
    if (vectors_hex(item, "stream_hex", bytes_in, &size, sizeof bytes_in))
        return wal_stream(item, span_of(bytes_in, size));
    uint8_t expected[4];
    if (!json_is_string(json_object_get(item, "ascii")) || !vectors_hex(item, "expected_hex", expected, &size, 4) || size != 4)
        return false;
    uint32_t sum = crc32c(0, vectors_text(item, "ascii"));
    return sum == ((uint32_t)expected[0] << 24 | (uint32_t)expected[1] << 16 | (uint32_t)expected[2] << 8 | expected[3]);
}

void vectors_wal_records(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    run_cases(report, file, wal_case, "other record");
}

/* privval_double_sign: decisions in order */

static void disk_failed(void *context, const char *what) __attribute__((noreturn));
static void disk_failed(void *context, const char *what) {
    (void)context;
    (void)what;
    abort();
}

#define STATE_NAME "data/priv_validator_state.json"

struct signing {
    struct disk *disk;
    struct signer *signer;
    struct signature last;
    struct timestamp last_time;
};

static bool reopen(struct signing *signing, const json_t *state) {
    static const uint8_t seed[32] = {1};
    char *error = NULL;
    signer_free(signing->signer);
    if (state != NULL) {
        struct signer_mark_state mark = {0};
        int64_t round, step;
        char text[SIGNER_MARK_TEXT_SIZE];
        if (!vectors_int64(state, "height", &mark.height) || !vectors_int64(state, "round", &round) || !vectors_int64(state, "step", &step))
            return false;
        mark.round = (int32_t)round;
        mark.step = (int32_t)step;
        signer_mark_text(text, sizeof text, &mark);
        signing->disk->table->remove(signing->disk, "data/priv_validator_state.alt");
        signing->disk->table->replace(signing->disk, STATE_NAME, span_text(text));
    }
    signing->signer = signer_open(signing->disk, STATE_NAME, ed25519_key_new(seed), 0, &error);
    free(error);
    return signing->signer != NULL;
}

static struct block_id block_named(const json_t *name) {
    uint8_t hash[SHA256_BYTES];
    if (!json_is_string(name))
        return (struct block_id){0};
    sha256_once(hash, span_text(json_string_value(name)));
    return (struct block_id){digest_of(hash), {1, digest_of(hash)}};
}

struct decision {
    enum signer_verdict verdict;
    struct signature signature, extension_signature;
    struct timestamp time, asked_time;
};

static bool ask(struct signing *signing, struct decision *out, const json_t *request, struct span extension) {
    struct span type = vectors_text(request, "type"), chain_id = span_text("test_chain_id");
    int64_t height, round, time;
    if (!vectors_int64(request, "height", &height) || !vectors_int64(request, "round", &round) || !vectors_int64(request, "time", &time))
        return false;
    *out = (struct decision){.asked_time = {time, 0}};
    if (span_equal(type, span_text("proposal"))) {
        struct proposal proposal = {VOTE_PROPOSAL, height, (int32_t)round, -1, block_named(json_object_get(request, "block")), {time, 0}, {0}};
        out->verdict = signer_proposal(signing->signer, &proposal, chain_id);
        out->signature = proposal.signature;
        out->time = proposal.timestamp;
        return true;
    }
    bool is_precommit = span_equal(type, span_text("precommit"));
    if (!is_precommit && !span_equal(type, span_text("prevote")))
        return false;
    struct vote vote;
    vote_init(&vote);
    vote.type = is_precommit ? VOTE_PRECOMMIT : VOTE_PREVOTE;
    vote.height = height;
    vote.round = (int32_t)round;
    vote.block_id = block_named(json_object_get(request, "block"));
    vote.timestamp = (struct timestamp){time, 0};
    vote.extension = extension;
    out->verdict = signer_vote(signing->signer, &vote, chain_id);
    out->signature = vote.signature;
    out->extension_signature = vote.extension_signature;
    out->time = vote.timestamp;
    return true;
}

static bool same_signature(const struct signature *a, const struct signature *b) {
    return a->size == 64 && b->size == 64 && memcmp(a->bytes, b->bytes, 64) == 0;
}

static bool is_state(const struct signing *signing, const char *text) { /* "… state H/R/S" */
    const char *at = strstr(text, "state ");
    int64_t height;
    int32_t round, step;
    long long h;
    int r, s;
    if (at == NULL)
        return true;
    signer_mark(signing->signer, &height, &round, &step);
    return sscanf(at, "state %lld/%d/%d", &h, &r, &s) == 3 && h == height && r == round && s == step;
}

static bool is_error(const struct decision *decision, const char *text) {
    static const struct {
        const char *word;
        enum signer_verdict verdict;
    } words[] = {{"height", SIGNER_REGRESSION_HEIGHT}, {"round", SIGNER_REGRESSION_ROUND}, {"step", SIGNER_REGRESSION_STEP}, {"conflicting", SIGNER_CONFLICT}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strstr(text, words[i].word) != NULL)
            return decision->verdict == words[i].verdict;
    return decision->verdict > SIGNER_SAME;
}

static bool is_as_expected(const struct signing *signing, const struct decision *decision, const char *expected) {
    if (strncmp(expected, "error", 5) == 0)
        return is_error(decision, expected);
    if (strncmp(expected, "sign", 4) == 0)
        return decision->verdict == SIGNER_SIGNED && is_state(signing, expected);
    bool same = decision->verdict == SIGNER_SAME && same_signature(&decision->signature, &signing->last);
    if (strstr(expected, "old signature") != NULL || strstr(expected, "same signature") != NULL)
        return same && timestamp_compare(&decision->time, &signing->last_time) == 0;
    return false;
}

/* "x then y": the same vote with one extension, then with another. */
static bool extension_case(struct signing *signing, const json_t *item, const char *text, const char *then, const char *expected) {
    struct decision first, second;
    const json_t *request = json_object_get(item, "request");
    return strstr(expected, "unchanged") != NULL && ask(signing, &first, request, span_of(text, (size_t)(then - text))) &&
           ask(signing, &second, request, span_text(then + strlen(" then "))) && first.verdict == SIGNER_SIGNED &&
           second.verdict == SIGNER_SAME && same_signature(&first.signature, &second.signature) &&
           second.extension_signature.size == 64 && !same_signature(&first.extension_signature, &second.extension_signature);
}

static bool signing_case(struct signing *signing, const json_t *item) {
    const char *expected = json_string_value(json_object_get(item, "expected"));
    const char *extension = json_string_value(json_object_get(json_object_get(item, "request"), "extension"));
    const char *then = extension == NULL ? NULL : strstr(extension, " then ");
    struct decision decision;
    if (expected == NULL || !reopen(signing, json_object_get(item, "state")))
        return false;
    if (then != NULL)
        return extension_case(signing, item, extension, then, expected);
    if (!ask(signing, &decision, json_object_get(item, "request"), extension == NULL ? span_of(NULL, 0) : span_text(extension)) ||
        !is_as_expected(signing, &decision, expected))
        return false;
    if (decision.verdict == SIGNER_SIGNED) {
        signing->last = decision.signature;
        signing->last_time = decision.time;
    }
    return true;
}

void vectors_privval_double_sign(struct vectors_report *report, const json_t *file, const char *path) {
    const json_t *item;
    size_t i;
    struct signing signing = {.disk = disk_memory_new((struct disk_failure){.fail = disk_failed})};
    (void)path;
    json_array_foreach(json_object_get(file, "cases"), i, item) vectors_expect(report, i, signing_case(&signing, item), "other decision");
    signer_free(signing.signer);
    disk_memory_free(signing.disk);
}

/* snapshot_keys: heights go beyond int64. */

static bool uint64_of(const json_t *item, const char *key, uint64_t max, uint64_t *out) {
    const json_t *value = json_object_get(item, key);
    char *end = NULL;
    if (json_is_integer(value) && json_integer_value(value) >= 0)
        *out = (uint64_t)json_integer_value(value);
    else if (json_is_string(value) && isdigit((unsigned char)json_string_value(value)[0]))
        *out = strtoull(json_string_value(value), &end, 10);
    else
        return false;
    return (end == NULL || *end == '\0') && *out <= max;
}

static bool snapshot_case(const json_t *item) {
    uint8_t hash[4096], metadata[4096], expected[32], key[32];
    size_t hash_size, metadata_size, size;
    uint64_t height, format, chunks;
    if (!uint64_of(item, "height", UINT64_MAX, &height) || !uint64_of(item, "format", UINT32_MAX, &format) || !uint64_of(item, "chunks", UINT32_MAX, &chunks) ||
        !vectors_hex(item, "hash", hash, &hash_size, sizeof hash) || !vectors_hex(item, "metadata", metadata, &metadata_size, sizeof metadata) ||
        !vectors_hex(item, "expected_hex", expected, &size, sizeof expected) || size != 32)
        return false;
    wire_snapshot_key(key, &(struct wire_statesync){.kind = WIRE_SNAPSHOTS_RESPONSE, .height = height, .format = (uint32_t)format, .chunks = (uint32_t)chunks,
                                                    .hash = span_of(hash, hash_size), .metadata = span_of(metadata, metadata_size)});
    return memcmp(key, expected, 32) == 0;
}

void vectors_snapshot_keys(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    run_cases(report, file, snapshot_case, "another identity of a snapshot");
}
