#include "ledger/app_extender.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "ledger/app_kvstore.h"

enum { EMPTY_EVERY = 5, LARGE_EVERY = 7, LARGE_BYTES = 3000, OWN_TX_BYTES_MAX = 64 };

static const char enable_key[] = "sX";

struct extender {
    struct app app;
    struct app *pairs; /* the kvstore */
    struct kv *kv;
    int64_t enable_height, next_enable_height; /* committed; of the finalized block */
};

static struct extender *extender_of(struct app *app) { return (struct extender *)app; }

/* ---- vote extensions */

size_t app_extender_text(uint8_t out[static APP_EXTENDER_BYTES_MAX], int64_t height, const struct digest *hash) {
    if (height % EMPTY_EVERY == 0)
        return 0;
    int size = snprintf((char *)out, APP_EXTENDER_BYTES_MAX, "extension of %" PRId64 "/%02x%02x%02x%02x", height, hash->bytes[0], hash->bytes[1],
                        hash->bytes[2], hash->bytes[3]);
    if (height % LARGE_EVERY != 0)
        return (size_t)size;
    memset(out + size, '.', LARGE_BYTES);
    return (size_t)size + LARGE_BYTES;
}

static void extend_vote(struct app *app, struct span *out, const struct abci_block *block, struct arena *arena) {
    (void)app;
    uint8_t *bytes = arena_take(arena, APP_EXTENDER_BYTES_MAX, 1);
    assert(bytes != NULL);
    *out = span_of(bytes, app_extender_text(bytes, block->height, &block->hash));
}

static bool verify_vote_extension(struct app *app, const struct abci_extension *question) {
    (void)app;
    uint8_t bytes[APP_EXTENDER_BYTES_MAX];
    return span_equal(question->extension, span_of(bytes, app_extender_text(bytes, question->height, &question->hash)));
}

/* ---- proposals */

static bool is_on(const struct extender *self, int64_t height) { return self->enable_height > 0 && height >= self->enable_height; }

static struct span own_tx(const struct abci_block *block, struct arena *arena) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < block->vote_count; i++)
        count += block->votes[i].extension_signature.size > 0;
    char *text = arena_take(arena, OWN_TX_BYTES_MAX, 1);
    assert(text != NULL);
    snprintf(text, OWN_TX_BYTES_MAX, "extended%" PRId64 "=%" PRIu32, block->height - 1, count);
    return span_text(text);
}

static uint32_t rewrite_proposal(struct app *app, struct app_proposed **out, const struct abci_block *block, int64_t bytes_max,
                                 struct arena *arena) {
    struct extender *self = extender_of(app);
    struct app_proposed *rest;
    struct span first = own_tx(block, arena);
    int64_t size = (int64_t)(1 + proto_varint_size(first.size) + first.size);
    bool is_told = block->vote_count > 0 && is_on(self, block->height - 1) && size <= bytes_max;
    uint32_t count = self->pairs->table->rewrite_proposal(self->pairs, &rest, block, is_told ? bytes_max - size : bytes_max, arena);
    if (!is_told) {
        *out = rest;
        return count;
    }
    *out = arena_take(arena, (size_t)count + 1, sizeof **out);
    assert(*out != NULL);
    (*out)[0] = (struct app_proposed){first, -1};
    if (count > 0)
        memcpy(*out + 1, rest, count * sizeof **out);
    return count + 1;
}

static bool process_proposal(struct app *app, const struct abci_block *block, struct arena *arena) {
    struct app *pairs = extender_of(app)->pairs;
    return pairs->table->process_proposal(pairs, block, arena);
}

/* ---- blocks */

/* false: another transaction, or not a number. */
static bool parse_extend(int64_t *height, struct span tx) {
    static const char head[] = "extend=";
    size_t at = sizeof head - 1;
    if (tx.size <= at || tx.size > at + 18 || memcmp(tx.data, head, at) != 0)
        return false;
    for (*height = 0; at < tx.size; at++) {
        if (tx.data[at] < '0' || tx.data[at] > '9')
            return false;
        *height = *height * 10 + (tx.data[at] - '0');
    }
    return true;
}

static void answer_params(const struct extender *self, struct abci_finalized *out, struct arena *arena) {
    struct proto_writer writer;
    uint8_t *bytes = arena_take(arena, 16, 1);
    assert(bytes != NULL);
    proto_writer_init(&writer, bytes, 16);
    size_t mark = proto_begin(&writer, 5);
    proto_put_int64(&writer, 1, self->next_enable_height);
    proto_end(&writer, mark);
    out->has_params = true;
    out->params_update = proto_writer_span(&writer);
}

static void finalize_block(struct app *app, struct abci_finalized *out, const struct abci_block *block, struct arena *arena) {
    struct extender *self = extender_of(app);
    struct params params = {.extensions_enable_height = self->enable_height};
    int64_t height;
    self->pairs->table->finalize_block(self->pairs, out, block, arena);
    self->next_enable_height = self->enable_height;
    for (uint32_t i = 0; i < block->tx_count; i++)
        if (parse_extend(&height, block->txs[i]) && params_extensions_update_allowed(&params, height, block->height))
            self->next_enable_height = height;
    if (self->next_enable_height != self->enable_height)
        answer_params(self, out, arena);
}

static int64_t commit(struct app *app, struct kv_batch *batch) {
    struct extender *self = extender_of(app);
    uint8_t value[10];
    struct proto_writer writer;
    proto_writer_init(&writer, value, sizeof value);
    proto_put_varint(&writer, (uint64_t)self->next_enable_height);
    kv_batch_put(batch, span_text(enable_key), proto_writer_span(&writer));
    self->enable_height = self->next_enable_height;
    return self->pairs->table->commit(self->pairs, batch);
}

/* ---- the rest is kvstore's */

static void info(struct app *app, struct abci_info *out, struct arena *arena) {
    struct app *pairs = extender_of(app)->pairs;
    pairs->table->info(pairs, out, arena);
}

static bool init_chain(struct app *app, struct abci_initialized *out, const struct abci_init_chain *question, struct arena *arena,
                       struct span *error) {
    struct extender *self = extender_of(app);
    self->next_enable_height = question->params->extensions_enable_height;
    return self->pairs->table->init_chain(self->pairs, out, question, arena, error);
}

static void check_tx(struct app *app, struct abci_check *out, struct span tx, bool recheck, struct arena *arena) {
    struct app *pairs = extender_of(app)->pairs;
    pairs->table->check_tx(pairs, out, tx, recheck, arena);
}

static void query(struct app *app, struct abci_answer *out, const struct abci_query *question, struct arena *arena) {
    struct app *pairs = extender_of(app)->pairs;
    pairs->table->query(pairs, out, question, arena);
}

static void close(struct app *app) {
    struct app *pairs = extender_of(app)->pairs;
    pairs->table->close(pairs);
    free(app);
}

static const struct app_table extender_table = {
    .name = "extender",
    .info = info,
    .init_chain = init_chain,
    .check_tx = check_tx,
    .process_proposal = process_proposal,
    .finalize_block = finalize_block,
    .commit = commit,
    .query = query,
    .close = close,
    .rewrite_proposal = rewrite_proposal,
    .extend_vote = extend_vote,
    .verify_vote_extension = verify_vote_extension,
};

struct app *app_extender_open(struct kv *kv) {
    struct extender *self = calloc(1, sizeof *self);
    assert(self != NULL);
    self->app.table = &extender_table;
    self->kv = kv;
    self->pairs = app_kvstore_open(kv);
    struct blob *stored = kv_get(kv, span_text(enable_key));
    if (stored != NULL) {
        struct proto_reader reader = proto_reader_over(blob_span(stored));
        self->enable_height = (int64_t)proto_varint(&reader);
    }
    self->next_enable_height = self->enable_height;
    blob_release(stored);
    return &self->app;
}
