#include "ledger/app_ledger.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/ed25519.h"
#include "ledger/accounts_query.h"
#include "ledger/app_state.h"
#include "ledger/execute.h"
#include "ledger/execute_events.h"
#include "ledger/execute_simulate.h"
#include "ledger/keys.h"
#include "ledger/state_proof.h"
#include "ledger/stores.h"

enum {
    APP_VERSION = 1,
    VERIFIED_MAX = 1 << 17,       /* signatures remembered: more than a mempool and a block have transactions */
    CACHE_BYTES_MAX = 16 << 20,   /* of committed values read */
    CHECKED_BYTES_MAX = 64 << 20, /* of changes by waiting transactions; beyond, checks are refused until the next block */
    CHAIN_ID_MAX = HEADER_CHAIN_ID_BYTES_MAX,
};

struct app_ledger {
    struct app app;
    struct kv *kv;
    char chain_id[CHAIN_ID_MAX + 1];
    char prefix[ACCOUNTS_PREFIX_MAX + 1]; /* of the committed state */
    int64_t height, initial_height;       /* committed; 0 before the first block */
    int64_t pending_height;
    struct app_hash app_hash, pending_hash;
    struct overlay committed; /* the store, with a cache */
    struct overlay pending;   /* what the finalized block changed, until commit */
    struct overlay checked;   /* what waiting transactions would change */
    struct stores stores;     /* of the pending state */
    struct seen verified;
    struct execute_tx tx;     /* scratch: one transaction is looked at at a time */
    uint8_t sign_doc[EXECUTE_SIGN_DOC_MAX];
};

static struct app_ledger *self_of(struct app *app) { return (struct app_ledger *)app; }

static int64_t next_height(const struct app_ledger *self) { return self->height == 0 ? self->initial_height : self->height + 1; }

static struct execute place_in(struct app_ledger *self, struct overlay *state, enum execute_mode mode, int64_t height) {
    return (struct execute){.state = state,
                            .chain_id = span_text(self->chain_id),
                            .prefix = self->prefix,
                            .height = height,
                            .mode = mode,
                            .verified = &self->verified,
                            .sign_doc = self->sign_doc};
}

/* Between two transactions nothing is borrowed from the cache, so it may go. */
static void trim_cache(struct app_ledger *self) {
    if (overlay_memory(&self->committed) > CACHE_BYTES_MAX)
        overlay_clear(&self->committed);
}

/* ---- the head: {1 height, 2 app hash, 3 initial height} under "sh", beside the stores */

struct head {
    int64_t height, initial_height;
    struct app_hash app_hash;
};

static void read_head(struct head *head, struct kv *kv) {
    struct blob *bytes = kv_get(kv, span_text("sh"));
    *head = (struct head){.initial_height = 1};
    if (bytes == NULL)
        return;
    struct proto_reader reader = proto_reader_over(blob_span(bytes));
    struct proto_field field;
    while (proto_next(&reader, &field)) {
        if (field.number == 1)
            head->height = proto_int64(&reader, &field);
        else if (field.number == 2)
            head->app_hash.size = (uint8_t)proto_bytes_into(&reader, &field, head->app_hash.bytes, sizeof head->app_hash.bytes);
        else if (field.number == 3)
            head->initial_height = proto_int64(&reader, &field);
    }
    assert(!reader.bad);
    blob_release(bytes);
}

static void load(struct app_ledger *self, const struct head *head) {
    self->height = self->pending_height = head->height;
    self->initial_height = head->initial_height;
    self->app_hash = self->pending_hash = head->app_hash;
    overlay_clear(&self->checked);
    overlay_clear(&self->pending);
    overlay_clear(&self->committed);
    seen_clear(&self->verified);
    accounts_prefix(&self->committed, self->prefix);
    stores_rebuild(&self->stores, self->kv);
}

/* A rollback changes the store behind us: then all that we keep in memory is of a state that never was. */
static void follow_store(struct app_ledger *self) {
    struct head head;
    read_head(&head, self->kv);
    if (head.height != self->height || !app_hash_equal(&head.app_hash, &self->app_hash))
        load(self, &head);
}

static void put_head(const struct app_ledger *self, struct kv_batch *batch) {
    uint8_t bytes[64];
    struct proto_writer writer;
    proto_writer_init(&writer, bytes, sizeof bytes);
    proto_put_int64(&writer, 1, self->pending_height);
    proto_put_bytes(&writer, 2, app_hash_span(&self->pending_hash));
    proto_put_int64(&writer, 3, self->initial_height);
    assert(!writer.overflow);
    kv_batch_put(batch, span_text("sh"), proto_writer_span(&writer));
}

/* ---- beginning */

static void info(struct app *app, struct abci_info *out, struct arena *arena) {
    struct app_ledger *self = self_of(app);
    (void)arena;
    follow_store(self);
    *out = (struct abci_info){.data = span_text("ledger"),
                              .version = span_text(QUORATE_VERSION),
                              .app_version = APP_VERSION,
                              .last_block_height = self->height,
                              .last_block_app_hash = self->app_hash};
}

static void hash_pending(struct app_ledger *self) {
    stores_update(&self->stores, &self->pending);
    self->pending_hash.size = SHA256_BYTES;
    stores_app_hash(&self->stores, self->pending_hash.bytes);
}

static bool init_chain(struct app *app, struct abci_initialized *out, const struct abci_init_chain *question, struct arena *arena,
                       struct span *error) {
    struct app_ledger *self = self_of(app);
    if (!span_equal(question->chain_id, span_text(self->chain_id))) {
        *error = span_text("the application was opened for another chain-id than the genesis has");
        return false;
    }
    overlay_clear(&self->pending);
    if (!app_state_load(&self->pending, question->app_state, arena, error)) {
        overlay_clear(&self->pending);
        return false;
    }
    accounts_prefix(&self->pending, self->prefix);
    self->initial_height = question->initial_height;
    self->pending_height = 0;
    hash_pending(self);
    *out = (struct abci_initialized){.app_hash = self->pending_hash};
    return true;
}

/* ---- transactions that wait */

static void fill_result(struct abci_tx_result *out, const struct execute_tx *tx, struct arena *arena) {
    *out = (struct abci_tx_result){
        .code = tx->code, .gas_wanted = (int64_t)tx->said.gas_limit, .gas_used = tx->gas_used};
    if (tx->code == CODES_OK)
        return;
    out->codespace = span_text(CODES_CODESPACE);
    if (!arena_copy(arena, &out->log, span_text(tx->log)))
        out->log = span_text("");
}

static void fill_order(struct abci_check *out, const struct execute_tx *tx, struct arena *arena) {
    if (!arena_copy(arena, &out->sender, span_of(tx->signer, sizeof tx->signer)))
        out->sender = span_of(NULL, 0);
    out->sequence = tx->said.sequence;
    out->expires = tx->said.timeout_height > INT64_MAX ? INT64_MAX : (int64_t)tx->said.timeout_height;
}

static void check_tx(struct app *app, struct abci_check *out, struct span bytes, bool recheck, struct arena *arena) {
    struct app_ledger *self = self_of(app);
    struct execute_tx *tx = &self->tx;
    (void)recheck; /* the same, but that the signature is known */
    *out = (struct abci_check){.sequence = 0};
    trim_cache(self);
    if (overlay_memory(&self->checked) > CHECKED_BYTES_MAX) {
        out->result = (struct abci_tx_result){
            .code = CODES_QUOTA, .log = span_text("too many transactions wait"), .codespace = span_text(CODES_CODESPACE)};
        return;
    }
    struct execute where = place_in(self, &self->checked, EXECUTE_CHECK, next_height(self));
    sha256_once(tx->hash, bytes);
    if (execute_read(&where, tx, bytes) && execute_run(&where, tx))
        fill_order(out, tx, arena);
    fill_result(&out->result, tx, arena);
}

static uint32_t prepare_proposal(struct app *app, uint32_t *chosen, const struct abci_block *block, int64_t bytes_max, struct arena *arena) {
    struct app_ledger *self = self_of(app);
    struct overlay prepared;
    int64_t bytes = 0;
    uint32_t count = 0;
    (void)arena;
    trim_cache(self);
    overlay_init(&prepared, &self->committed, NULL);
    struct execute where = place_in(self, &prepared, EXECUTE_PREPARE, block->height);
    for (uint32_t i = 0; i < block->tx_count; i++) {
        struct span tx = block->txs[i];
        int64_t size = (int64_t)(1 + proto_varint_size(tx.size) + tx.size);
        if (size > bytes_max - bytes || !execute_read(&where, &self->tx, tx) || !execute_run(&where, &self->tx))
            continue;
        chosen[count++] = i;
        bytes += size;
    }
    overlay_close(&prepared);
    return count;
}

/* What cannot be executed gets its code in the block; no proposal is refused for it. */
static bool process_proposal(struct app *app, const struct abci_block *block, struct arena *arena) {
    (void)app, (void)block, (void)arena;
    return true;
}

/* ---- a decided block */

/* Signatures not yet known are checked at once, where the key is ed25519 and the account is there already. This decides nothing: what
 * is not found good here is looked at singly when its turn comes. */
static void verify_batch(struct app_ledger *self, const struct abci_block *block, const uint8_t (*hashes)[32], struct arena *arena) {
    struct ed25519_claim *claims = arena_take(arena, block->tx_count, sizeof *claims);
    uint32_t *indexes = arena_take(arena, block->tx_count, sizeof *indexes), count = 0;
    bool *good = arena_take(arena, block->tx_count, sizeof *good);
    struct execute where = place_in(self, &self->pending, EXECUTE_FINAL, block->height);
    for (uint32_t i = 0; claims != NULL && indexes != NULL && good != NULL && i < block->tx_count; i++) {
        struct { struct pubkey key; struct signature signature; } *kept;
        struct span message, copy;
        struct pubkey key;
        if (seen_has(&self->verified, hashes[i]) || !execute_read(&where, &self->tx, block->txs[i]) ||
            !execute_claim(&where, &key, &message, &self->tx, self->sign_doc) || key.type != PUBKEY_ED25519)
            continue;
        kept = arena_take(arena, 1, sizeof *kept);
        if (kept == NULL || !arena_copy(arena, &copy, message))
            break;
        kept->key = key;
        kept->signature = self->tx.said.signature;
        claims[count] = (struct ed25519_claim){.public_key = kept->key.bytes, .signature = kept->signature.bytes, .message = copy};
        indexes[count++] = i;
    }
    if (count < 2)
        return;
    ed25519_verify_batch_vartime(good, claims, count);
    for (uint32_t i = 0; i < count; i++)
        if (good[i])
            seen_add(&self->verified, hashes[indexes[i]]);
}

static void execute_one(struct app_ledger *self, struct abci_tx_result *out, const struct execute *where, const uint8_t *hash, struct span bytes,
                        struct arena *arena) {
    struct execute_tx *tx = &self->tx;
    memcpy(tx->hash, hash, sizeof tx->hash);
    bool good = execute_read(where, tx, bytes) && execute_run(where, tx);
    fill_result(out, tx, arena);
    if (tx->sequence_used)
        execute_events(out, tx, where->prefix, arena);
    if (good)
        execute_data(out, tx, arena);
    if (tx->sequence_used) /* so it fails on its sequence from now on: nobody asks about its signature again */
        seen_remove(&self->verified, hash);
}

static const uint8_t (*hashes_of(const struct abci_block *block, struct arena *arena))[32] {
    if (block->tx_hashes != NULL)
        return block->tx_hashes;
    uint8_t(*hashes)[32] = arena_take(arena, block->tx_count, sizeof *hashes);
    assert(hashes != NULL);
    for (uint32_t i = 0; i < block->tx_count; i++)
        sha256_once(hashes[i], block->txs[i]);
    return (const uint8_t(*)[32])hashes;
}

static void finalize_block(struct app *app, struct abci_finalized *out, const struct abci_block *block, struct arena *arena) {
    struct app_ledger *self = self_of(app);
    assert(self->pending_height == self->height); /* nothing is finalized that waits for its commit */
    follow_store(self);
    trim_cache(self);
    *out = (struct abci_finalized){.tx_count = block->tx_count};
    out->tx_results = arena_take(arena, block->tx_count, sizeof *out->tx_results);
    assert(out->tx_results != NULL);
    const uint8_t(*hashes)[32] = hashes_of(block, arena);
    verify_batch(self, block, hashes, arena);
    struct execute where = place_in(self, &self->pending, EXECUTE_FINAL, block->height);
    for (uint32_t i = 0; i < block->tx_count; i++)
        execute_one(self, &out->tx_results[i], &where, hashes[i], block->txs[i], arena);
    self->pending_height = block->height;
    hash_pending(self);
    out->app_hash = self->pending_hash;
}

static int64_t commit(struct app *app, struct kv_batch *batch) {
    struct app_ledger *self = self_of(app);
    overlay_write(&self->pending, batch);
    put_head(self, batch);
    overlay_merge(&self->pending);
    overlay_clear(&self->pending);
    overlay_clear(&self->checked);
    self->height = self->pending_height;
    self->app_hash = self->pending_hash;
    return 0;
}

static void simulate(struct app_ledger *self, struct abci_answer *out, const struct abci_query *question, struct arena *arena) {
    struct overlay state;
    overlay_init(&state, &self->committed, NULL);
    struct execute where = place_in(self, &state, EXECUTE_SIMULATE, next_height(self));
    execute_simulate(&where, &self->tx, out, question->data, arena);
    out->height = self->height;
    overlay_close(&state);
}

/* Between finalize and commit the trees are a block ahead of what can be read. */
static void query_store(struct app_ledger *self, struct abci_answer *out, const struct abci_query *question, struct arena *arena) {
    *out = (struct abci_answer){.height = self->height};
    if ((question->height != 0 && question->height != self->height) || self->pending_height != self->height) {
        out->code = CODES_HEIGHT_PRUNED;
        out->codespace = span_text(CODES_CODESPACE);
        out->log = span_text("only the state of the latest height is kept");
        return;
    }
    state_proof_answer(&self->stores, &self->committed, out, question, arena);
}

static void query(struct app *app, struct abci_answer *out, const struct abci_query *question, struct arena *arena) {
    struct app_ledger *self = self_of(app);
    trim_cache(self);
    if (span_equal(question->path, span_text(EXECUTE_SIMULATE_PATH))) {
        simulate(self, out, question, arena);
        return;
    }
    if (question->path.size >= strlen(STATE_PROOF_PATH) && memcmp(question->path.data, STATE_PROOF_PATH, strlen(STATE_PROOF_PATH)) == 0) {
        query_store(self, out, question, arena);
        return;
    }
    const struct accounts_query where = {&self->committed, self->kv, self->prefix, self->height};
    accounts_query_answer(&where, out, question, arena);
}

static void close_app(struct app *app) {
    struct app_ledger *self = self_of(app);
    overlay_close(&self->checked);
    overlay_close(&self->pending);
    overlay_close(&self->committed);
    stores_close(&self->stores);
    seen_close(&self->verified);
    free(self);
}

static const struct app_table table = {
    .name = "ledger",
    .info = info,
    .init_chain = init_chain,
    .check_tx = check_tx,
    .prepare_proposal = prepare_proposal,
    .process_proposal = process_proposal,
    .finalize_block = finalize_block,
    .commit = commit,
    .query = query,
    .close = close_app,
};

struct app *app_ledger_open(struct kv *kv, struct span chain_id) {
    struct app_ledger *self = calloc(1, sizeof *self);
    assert(self != NULL && chain_id.size <= CHAIN_ID_MAX);
    self->app.table = &table;
    self->kv = kv;
    memcpy(self->chain_id, chain_id.data, chain_id.size);
    overlay_init(&self->committed, NULL, kv);
    overlay_init(&self->pending, &self->committed, NULL);
    overlay_init(&self->checked, &self->committed, NULL);
    seen_init(&self->verified, VERIFIED_MAX);
    stores_init(&self->stores);
    struct head head;
    read_head(&head, kv);
    load(self, &head);
    return &self->app;
}
