/* A node's own log of a height: from its vote journal, from the other one for what is at hand, or from the node itself while it runs. */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "crypto/text.h"
#include "node/cli_rpc.h"
#include "node/cmd_audit.h"
#include "node/complaint.h"
#include "node/journal_files.h"
#include "node/votejournal.h"
#include "node/wire.h"

enum { ITEMS_BYTES_MAX = 128 << 20, ARENA_BYTES_MAX = 8 << 20 };

struct source { /* what the log is made of */
    struct votejournal_state state;
    bool is_whole;
    bool began, ended, damaged; /* what the other journal holds of the height */
    uint8_t *items; /* malloc'ed */
    size_t size, capacity;
    uint32_t note_count;
    struct span notes[AUDIT_LOG_NOTES_MAX];
    struct arena arena;
    int64_t height;
};

static void fail(void *context, const char *what) __attribute__((noreturn));
static void fail(void *context, const char *what) {
    (void)context;
    fprintf(stderr, "quorate: %s\n", what);
    _Exit(CLI_WORLD);
}

static void append(struct source *source, struct span bytes) {
    if (source->capacity - source->size < bytes.size) {
        source->capacity = 2 * (source->size + bytes.size);
        source->items = realloc(source->items, source->capacity);
        assert(source->items != NULL);
    }
    if (bytes.size > 0)
        memcpy(source->items + source->size, bytes.data, bytes.size);
    source->size += bytes.size;
}

/* ---- the height at hand is in the other journal only */

static void take_record(void *context, const struct journal_record *record) {
    struct source *source = context;
    struct wire_consensus message;
    uint8_t bytes[1024];
    struct proto_writer writer;
    source->began |= record->kind == JOURNAL_END_HEIGHT && record->height == source->height - 1;
    source->ended |= source->began && record->kind == JOURNAL_END_HEIGHT && record->height == source->height;
    if (record->kind != JOURNAL_MESSAGE)
        return;
    arena_reset(&source->arena);
    if (wire_consensus_parse(&message, record->message, &source->arena) != NULL)
        return;
    bool is_vote = message.kind == WIRE_VOTE_MESSAGE && message.vote.height == source->height;
    bool is_proposal = message.kind == WIRE_PROPOSAL && message.proposal.height == source->height;
    if (!is_vote && !is_proposal)
        return;
    message.vote.extension = span_of(NULL, 0);
    message.vote.extension_signature.size = 0;
    proto_writer_init(&writer, bytes, sizeof bytes);
    audit_log_item_write(&writer, is_vote ? &message.vote : NULL, is_proposal ? &message.proposal : NULL, NULL);
    if (!writer.overflow && source->size < ITEMS_BYTES_MAX)
        append(source, proto_writer_span(&writer));
}

/* What comes after the height is of no matter: a running node writes there. */
static void note_damage(void *context, uint64_t bytes) {
    struct source *source = context;
    (void)bytes;
    source->damaged |= source->began && !source->ended;
}

/* All that it has of the height: of one at hand, and of an undisputed one, of which the vote journal keeps only what is ours. */
static void read_journal(struct source *source, const struct config *config) {
    char *path = config_path(config, config->consensus.wal_file), *slash = strrchr(path, '/');
    struct journal_files visitor = {.context = source, .record = take_record, .damage = note_damage};
    struct arena kept = source->arena; /* the notes stay */
    if (slash != NULL)
        *slash = '\0';
    arena_init(&source->arena, ARENA_BYTES_MAX);
    journal_files_walk(path, &visitor);
    arena_close(&source->arena);
    source->arena = kept;
    free(path);
}

static bool read_store(struct source *source, const struct config *config, const char *chain_id, char **error) {
    char *folder = config_path(config, config->db_dir), *path = complaint_of("%s/votes.db", folder);
    char *of_comet = complaint_of("%s/blockstore.db", folder);
    bool there = access(path, F_OK) == 0;
    if (!there && access(of_comet, F_OK) == 0)
        *error = complaint_of("%s: this is the data of CometBFT, which keeps no vote journal: hand the auditor its cs.wal folder, for --cometbft-wal", folder);
    else if (!there)
        *error = complaint_of("%s: there is no vote journal: has a node run in this home?", path);
    free(of_comet);
    struct kv *kv = there ? kv_leveldb_open(path, NULL, (struct kv_failure){NULL, fail}, error) : NULL;
    free(folder);
    free(path);
    if (kv == NULL)
        return false;
    votejournal_read_state(&source->state, kv, span_text(chain_id));
    source->note_count = votejournal_notes(source->notes, kv, span_text(chain_id), &source->arena);
    struct blob *items = votejournal_items(kv, span_text(chain_id), source->height, ITEMS_BYTES_MAX);
    if (items != NULL)
        append(source, blob_span(items));
    else
        *error = complaint_of("height %" PRId64 " holds more than %d MiB of votes", source->height, ITEMS_BYTES_MAX >> 20);
    blob_release(items);
    source->is_whole = votejournal_is_whole(kv, span_text(chain_id), source->height);
    kv_close(kv);
    return *error == NULL;
}

/* ---- a running node holds its store; it tells */

static bool read_node(struct source *source, const char *home, char **error) {
    char height[24], *node = cli_node(NULL, home);
    snprintf(height, sizeof height, "%" PRId64, source->height);
    json_t *result = cli_rpc_call(node, "vote_log", json_pack("{s:s}", "height", height), error);
    free(node);
    if (result == NULL)
        return false;
    const char *text = cli_rpc_text(result, "items");
    size_t size = strlen(text), got = 0;
    uint8_t *bytes = malloc(size + 1);
    assert(bytes != NULL);
    if (text_base64_decode(bytes, &got, size, span_of(text, size)))
        append(source, span_of(bytes, got));
    else
        *error = complaint_of("the node's vote_log is malformed");
    free(bytes);
    source->state.complete_from = cli_rpc_number(result, "complete_from");
    source->state.filled = cli_rpc_number(result, "filled");
    source->state.lowest = cli_rpc_number(result, "lowest");
    source->is_whole = json_is_true(json_object_get(result, "whole"));
    json_t *notes = json_object_get(result, "notes"), *note;
    size_t index;
    json_array_foreach(notes, index, note) if (json_is_string(note) && source->note_count < AUDIT_LOG_NOTES_MAX &&
                                               json_string_length(note) <= AUDIT_LOG_NOTE_BYTES_MAX &&
                                               arena_copy(&source->arena, &source->notes[source->note_count],
                                                          span_of(json_string_value(note), json_string_length(note))))
        source->note_count++;
    json_decref(result);
    return *error == NULL;
}

/* ---- signing */

static struct blob *sign(struct audit_home *out, const struct source *source, const struct ed25519_key *key) {
    struct audit_log_manifest manifest = {.chain_id = span_text(out->chain_id), .height = source->height, .complete = out->complete,
                                          .complete_from = source->state.complete_from, .address = out->address, .note_count = source->note_count};
    uint8_t bytes[AUDIT_LOG_NOTES_MAX * (AUDIT_LOG_NOTE_BYTES_MAX + 8) + 256], message[AUDIT_LOG_SIGN_BYTES];
    struct span items = span_of(source->items, source->size);
    struct signature signature = {0};
    struct proto_writer writer, measure;
    memcpy(manifest.notes, source->notes, sizeof manifest.notes);
    proto_writer_init(&writer, bytes, sizeof bytes);
    audit_log_manifest_write(&writer, &manifest, items);
    assert(!writer.overflow);
    if (key != NULL) {
        audit_log_sign_bytes(message, proto_writer_span(&writer));
        ed25519_sign(key, signature.bytes, span_of(message, sizeof message));
        signature.size = ED25519_SIGNATURE_BYTES;
        out->is_signed = true;
    }
    proto_writer_measure(&measure);
    audit_log_write(&measure, proto_writer_span(&writer), &signature, items);
    struct blob *log = blob_reserve(measure.size);
    proto_writer_init(&measure, log->data, log->size);
    audit_log_write(&measure, proto_writer_span(&writer), &signature, items);
    return log;
}

static struct ed25519_key *load_key(struct audit_home *out, const struct config *config, char **error) {
    char *path = config_path(config, config->priv_validator_key_file);
    struct ed25519_key *key = access(path, F_OK) == 0 ? keyfile_load_signing(path, false, error) : NULL;
    free(path);
    if (key != NULL) {
        uint8_t bytes[ED25519_PUBLIC_BYTES];
        ed25519_key_public(key, bytes);
        struct pubkey public_key = pubkey_ed25519(bytes);
        out->address = pubkey_address(&public_key);
    }
    return key;
}

static bool read_source(struct source *source, struct audit_home *out, const struct config *config, const char *home, char **error) {
    struct genesis genesis;
    char *path = config_path(config, config->genesis_file), *busy = NULL;
    bool good = genesis_load(&genesis, path, config_release(config), error);
    free(path);
    if (!good)
        return false;
    snprintf(out->chain_id, sizeof out->chain_id, "%s", genesis.chain_id);
    genesis_close(&genesis);
    if (read_store(source, config, out->chain_id, &busy))
        return true;
    char *unreachable = NULL;
    if (read_node(source, home, &unreachable)) {
        free(busy);
        return true;
    }
    *error = complaint_of("%s; and asking the node itself: %s", busy, unreachable);
    free(busy);
    free(unreachable);
    return false;
}

static uint32_t count_votes(const struct source *source) {
    struct span rest = span_of(source->items, source->size), item;
    uint32_t count = 0;
    enum audit_log_item kind;
    while ((kind = audit_log_next(&rest, &item)) != AUDIT_LOG_END)
        count += kind == AUDIT_LOG_VOTE;
    return count;
}

struct blob *cmd_audit_home_log(struct audit_home *out, const char *home, int64_t height, char **error) {
    struct source source = {.height = height};
    struct config config;
    struct blob *log = NULL;
    char *warning = NULL;
    memset(out, 0, sizeof *out);
    arena_init(&source.arena, ARENA_BYTES_MAX);
    bool good = config_load(&config, home, &warning, error) && read_source(&source, out, &config, home, error);
    struct ed25519_key *key = good ? load_key(out, &config, error) : NULL;
    if (good && *error == NULL) {
        const struct votejournal_state *state = &source.state;
        size_t kept = source.size;
        if (!source.is_whole || height > state->filled)
            read_journal(&source, &config);
        if (source.began && source.ended && !source.damaged) { /* it has all of it: what is ours need not stand there twice */
            source.size -= kept;
            memmove(source.items, source.items + kept, source.size);
        }
        out->complete_from = state->complete_from;
        out->filled = state->filled;
        out->is_whole = source.is_whole || (source.began && source.ended && !source.damaged);
        out->complete = state->complete_from > 0 && state->complete_from <= height && height <= state->filled && height >= state->lowest && out->is_whole;
        out->votes = count_votes(&source);
        log = sign(out, &source, key);
    }
    ed25519_key_free(key);
    free(source.items);
    arena_close(&source.arena);
    free(warning);
    config_close(&config);
    return log;
}
