#include "ledger/ledger_put.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/text.h"
#include "ledger/handshake.h"

bool ledger_refuse(char **error, const char *format, ...) {
    char line[768];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    *error = strdup(line);
    assert(*error != NULL);
    return false;
}

static bool same_genesis(struct ledger *ledger, const struct digest *file_hash) {
    struct key key = keys_plain('g');
    struct blob *stored = kv_get(ledger->kv, keys_span(&key));
    bool same = stored != NULL && span_equal(blob_span(stored), digest_span(file_hash));
    blob_release(stored);
    return same;
}

/* The same batch carried state and application, so they differ only if someone changed the folder or the application. */
static bool agree_with_app(struct ledger *ledger, char **error) {
    const struct state *state = &ledger->state;
    struct abci_info info = {0};
    ledger->app->table->info(ledger->app, &info, &ledger->arena);
    if (info.last_block_height != state->height)
        return ledger_refuse(error, "application %s is at height %" PRId64 ", the chain at %" PRId64 "; restore both from the same copy",
                      ledger->app->table->name, info.last_block_height, state->height);
    if (state->height == 0 || app_hash_equal(&info.last_block_app_hash, &state->app_hash))
        return true;
    char theirs[TEXT_HEX_SIZE(HEADER_APP_HASH_BYTES_MAX)], ours[TEXT_HEX_SIZE(HEADER_APP_HASH_BYTES_MAX)];
    text_hex_upper(theirs, app_hash_span(&info.last_block_app_hash));
    text_hex_upper(ours, app_hash_span(&state->app_hash));
    return ledger_refuse(error, "application %s has app hash %.64s, the chain %.64s; is it the application that made this chain?",
                  ledger->app->table->name, theirs, ours);
}

static bool start_chain(struct ledger *ledger, const struct state_genesis *genesis, char **error);
static bool start_app(struct ledger *ledger, struct abci_initialized *initialized, const struct state_genesis *genesis, char **error);

/* A chain without blocks begins again, in case the application does. */
static bool meet_app(struct ledger *ledger, const struct state_genesis *genesis, char **error) {
    struct abci_info info = {0};
    struct abci_initialized initialized = {0};
    if (ledger->state.height == 0)
        return start_chain(ledger, genesis, error);
    ledger->app->table->info(ledger->app, &info, &ledger->arena);
    if (info.last_block_height == 0 && !start_app(ledger, &initialized, genesis, error))
        return false;
    return handshake_follow(ledger, &info, &initialized.app_hash, error);
}

static bool take_head(struct ledger *ledger, const struct blob *head, const struct state_genesis *genesis, char **error) {
    if (!same_genesis(ledger, &genesis->file_hash))
        return ledger_refuse(error, "the data folder belongs to another genesis file; use its own or an empty data folder");
    if (!state_decode(&ledger->state, blob_span(head)))
        return ledger_refuse(error, "the stored head is malformed; restore the data folder from a copy");
    if (ledger->app == NULL)
        return true;
    return ledger->app->table->is_apart ? meet_app(ledger, genesis, error) : agree_with_app(ledger, error);
}

/* The application is told of them as a validator set has them: by power, then by address. */
static int by_rank(const void *left, const void *right) {
    const struct abci_validator_update *a = left, *b = right;
    struct address its = pubkey_address(&a->pub_key), others = pubkey_address(&b->pub_key);
    return a->power != b->power ? (a->power < b->power) - (a->power > b->power) : address_compare(&its, &others);
}

static bool start_app(struct ledger *ledger, struct abci_initialized *initialized, const struct state_genesis *genesis,
                      char **error) {
    struct abci_validator_update *validators = arena_take(&ledger->arena, genesis->validator_count, sizeof *validators);
    assert(validators != NULL);
    for (uint32_t i = 0; i < genesis->validator_count; i++)
        validators[i] = (struct abci_validator_update){genesis->validators[i].pub_key, genesis->validators[i].power};
    if (genesis->validator_count > 1)
        qsort(validators, genesis->validator_count, sizeof *validators, by_rank);
    struct abci_init_chain question = {.time = genesis->time,
                                       .chain_id = genesis->chain_id,
                                       .params = &genesis->params,
                                       .validators = validators,
                                       .validator_count = genesis->validator_count,
                                       .app_state = genesis->app_state,
                                       .initial_height = genesis->initial_height};
    struct span text = span_of(NULL, 0);
    if (ledger->app->table->init_chain(ledger->app, initialized, &question, &ledger->arena, &text))
        return true;
    return ledger_refuse(error, "application %s refuses the genesis app_state: %.*s", ledger->app->table->name, (int)text.size,
                  text.data == NULL ? "" : (const char *)text.data);
}

static void put_set(struct kv_batch *batch, struct key key, const struct valset *set) {
    struct proto_writer writer;
    proto_writer_measure(&writer);
    valset_write(&writer, set);
    size_t size = writer.size;
    proto_writer_init(&writer, kv_batch_reserve(batch, keys_span(&key), size), size);
    valset_write(&writer, set);
}

static void put_params(struct kv_batch *batch, struct key key, const struct params *params) {
    uint8_t bytes[512];
    struct proto_writer writer;
    proto_writer_init(&writer, bytes, sizeof bytes);
    params_write(&writer, params);
    assert(!writer.overflow);
    kv_batch_put(batch, keys_span(&key), proto_writer_span(&writer));
}

static void put_head(struct kv_batch *batch, const struct state *state) {
    uint8_t *bytes;
    size_t size = state_encode(state, &bytes);
    struct key key = keys_plain('h');
    kv_batch_put(batch, keys_span(&key), span_of(bytes, size));
    free(bytes);
}

void ledger_put_state(struct ledger *ledger, const struct state *state, bool validators, bool params) {
    int64_t next = state_next_height(state);
    if (validators)
        put_set(&ledger->batch, keys_height('v', next + 1), &state->next_validators);
    if (params)
        put_params(&ledger->batch, keys_height('p', next), &state->params);
    put_head(&ledger->batch, state);
}

static bool start_chain(struct ledger *ledger, const struct state_genesis *genesis, char **error) {
    struct abci_info info = {0};
    ledger->app->table->info(ledger->app, &info, &ledger->arena);
    if (info.last_block_height != 0)
        return ledger_refuse(error, "application %s is at height %" PRId64 " but there is no chain here: give both back from the same copy, or begin "
                             "with an empty data folder and an empty application",
                             ledger->app->table->name, info.last_block_height);
    struct abci_initialized initialized = {0};
    if (!start_app(ledger, &initialized, genesis, error))
        return false;
    const char *fault = state_from_genesis(&ledger->state, genesis, &initialized);
    if (fault != NULL)
        return ledger_refuse(error, "the genesis file cannot start a chain: %s", fault);
    if (!initialized.has_params)
        ledger->state.version_app = info.app_version;
    struct key genesis_key = keys_plain('g');
    kv_batch_clear(&ledger->batch);
    if (!ledger->app->table->is_apart)
        ledger->app->table->commit(ledger->app, &ledger->batch);
    kv_batch_put(&ledger->batch, keys_span(&genesis_key), digest_span(&genesis->file_hash));
    put_set(&ledger->batch, keys_height('v', genesis->initial_height), &ledger->state.validators);
    ledger_put_state(ledger, &ledger->state, true, true);
    kv_write(ledger->kv, &ledger->batch, true);
    return true;
}

static bool take_height(void *context, struct span key, struct span value) {
    (void)value;
    *(int64_t *)context = keys_height_of(key);
    return false;
}

static int64_t lowest_block(struct kv *kv) {
    struct key from = keys_height('b', 0), to = keys_plain('b' + 1);
    int64_t lowest = 0;
    kv_scan(kv, keys_span(&from), keys_span(&to), false, take_height, &lowest);
    return lowest;
}

/* What ledger_prune_to wrote. */
static void read_pruned(struct ledger *ledger) {
    struct key key = keys_plain('j');
    struct blob *value = kv_get(ledger->kv, keys_span(&key));
    struct proto_reader reader = proto_reader_over(value == NULL ? span_of(NULL, 0) : blob_span(value));
    int64_t results = value == NULL ? 0 : (int64_t)proto_varint(&reader), indexed = value == NULL ? 0 : (int64_t)proto_varint(&reader);
    blob_release(value);
    ledger->pruned_results = reader.bad ? 0 : results;
    ledger->pruned_index = reader.bad ? 0 : indexed;
}

bool ledger_open(struct ledger *ledger, struct kv *kv, struct app *app, const struct state_genesis *genesis,
                 enum params_release release, char **error) {
    *ledger = (struct ledger){.kv = kv, .app = app, .index_transactions = true, .keep_results = true};
    state_init(&ledger->state);
    state_init(&ledger->next);
    ledger->state.release = release;
    kv_batch_init(&ledger->batch);
    ledger->index = index_new();
    arena_init(&ledger->arena, SIZE_MAX / 4); /* filled by the application, which is ours */
    struct key key = keys_plain('h');
    struct blob *head = kv_get(kv, keys_span(&key));
    bool good;
    if (head != NULL)
        good = take_head(ledger, head, genesis, error);
    else
        good = app == NULL ? ledger_refuse(error, "there is no chain in this home yet") : start_chain(ledger, genesis, error);
    blob_release(head);
    if (!good) {
        ledger_close(ledger);
        return false;
    }
    ledger->base = lowest_block(kv);
    read_pruned(ledger);
    ledger->given_back_blocks = ledger->base; /* what was pruned before a restart is given back when more is */
    ledger->given_back_index = ledger->pruned_index;
    evidence_pool_open(ledger);
    return true;
}

void ledger_close(struct ledger *ledger) {
    evidence_pool_close(&ledger->evidence);
    state_close(&ledger->state);
    state_close(&ledger->next);
    kv_batch_close(&ledger->batch);
    index_free(ledger->index);
    arena_close(&ledger->arena);
}
