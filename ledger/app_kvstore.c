/* Where CometBFT's example would panic, and with it every node (a key of an unknown type, the same validator twice in a block, the removal
 * of who is no validator), this one refuses the transaction or passes over the update; all nodes do the same. */
#include "ledger/app_kvstore.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/text.h"
#include "tendermint/valset.h"

enum { CODE_OK = 0, CODE_INVALID_FORMAT = 2, APP_VERSION = 1, HASH_BYTES = 8, EVENTS_PER_TX = 2, ATTRIBUTES_PER_EVENT = 4, MISBEHAVIOR_DUPLICATE_VOTE = 1 };

/* Within the application's keys: pairs, validators by key, and the one record of size and height. */
static const char pair_prefix[] = "sk", validator_prefix[] = "sv", state_key[] = "sS";

struct member {
    struct address address;
    struct pubkey key;
};

struct kvstore {
    struct app app;
    struct kv *kv;
    int64_t size, height;               /* committed */
    int64_t next_size, next_height;     /* of the finalized block */
    struct member *members;             /* whom we may punish, in order of their coming */
    uint32_t member_count, member_capacity;
    struct kv_batch staged;             /* pairs of the finalized block, in order */
    struct abci_validator_update *updates; /* likewise, one for each key */
    uint32_t update_count, update_capacity;
};

static struct kvstore *kvstore_of(struct app *app) { return (struct kvstore *)app; }

/* ---- transactions */

struct val_tx { /* val=type!base64 key!power */
    struct pubkey key;
    int64_t power;
};

static bool is_val_tx(struct span tx) { return tx.size >= 4 && memcmp(tx.data, "val=", 4) == 0; }

/* The text up to the next '!', or to the end. */
static struct span take_field(struct span *text) {
    const uint8_t *mark = text->size == 0 ? NULL : memchr(text->data, '!', text->size);
    size_t size = mark == NULL ? text->size : (size_t)(mark - text->data);
    struct span field = span_of(text->data, size);
    size_t passed = mark == NULL ? size : size + 1;
    *text = span_of(text->data + passed, text->size - passed);
    return field;
}

static size_t count_byte(struct span text, uint8_t byte) {
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++)
        count += text.data[i] == byte;
    return count;
}

/* As strconv.ParseInt reads a decimal, without negative values. */
static bool parse_power(int64_t *power, struct span text) {
    int64_t value = 0;
    bool is_minus = text.size > 0 && text.data[0] == '-';
    size_t at = text.size > 0 && (text.data[0] == '+' || is_minus);
    if (at == text.size)
        return false;
    for (; at < text.size; at++) {
        if (text.data[at] < '0' || text.data[at] > '9' || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, text.data[at] - '0', &value))
            return false;
    }
    *power = value;
    return !is_minus || value == 0;
}

static bool parse_key(struct pubkey *key, struct span type, struct span text) {
    uint8_t bytes[sizeof key->bytes];
    size_t size;
    if (!text_base64_decode(bytes, &size, sizeof bytes, text))
        return false;
    uint8_t kind = type.size == 0 ? PUBKEY_ED25519 : pubkey_type_from_name(type);
    if (kind == PUBKEY_ED25519 && size == 32)
        *key = pubkey_ed25519(bytes);
    else if (kind == PUBKEY_SECP256K1 && size == 33)
        *key = pubkey_secp256k1(bytes);
    else
        return false;
    return true;
}

static bool parse_val_tx(struct val_tx *out, struct span tx) {
    struct span text = span_of(tx.data + 4, tx.size - 4);
    if (count_byte(text, '!') != 2)
        return false;
    struct span type = take_field(&text), key = take_field(&text), power = take_field(&text);
    return parse_key(&out->key, type, key) && parse_power(&out->power, power);
}

/* Exactly one '=' or ':', neither first nor last. */
static bool is_pair(struct span tx) {
    size_t marks = 0, mark = 0;
    for (size_t i = 0; i < tx.size && marks <= 1; i++) {
        if (tx.data[i] == '=' || tx.data[i] == ':') {
            mark = i;
            marks++;
        }
    }
    return marks == 1 && mark > 0 && mark + 1 < tx.size;
}

static bool is_valid(struct span tx) {
    struct val_tx val;
    return is_val_tx(tx) ? parse_val_tx(&val, tx) : is_pair(tx);
}

static void kvstore_check_tx(struct app *app, struct abci_check *out, struct span tx, bool recheck, struct arena *arena) {
    (void)app;
    (void)recheck;
    (void)arena;
    *out = (struct abci_check){0};
    if (is_valid(tx))
        out->result.gas_wanted = 1;
    else
        out->result.code = CODE_INVALID_FORMAT;
}

/* ---- proposals */

/* ':' becomes '=' in what is proposed, so that blocks hold one form only. */
static struct app_proposed propose(struct span tx, uint32_t index, struct arena *arena) {
    const uint8_t *colon = memchr(tx.data, ':', tx.size);
    if (colon == NULL)
        return (struct app_proposed){tx, index};
    uint8_t *copy = arena_take(arena, tx.size, 1);
    assert(copy != NULL);
    memcpy(copy, tx.data, tx.size);
    copy[colon - tx.data] = '=';
    return (struct app_proposed){span_of(copy, tx.size), -1};
}

static uint32_t kvstore_rewrite_proposal(struct app *app, struct app_proposed **out, const struct abci_block *block,
                                         int64_t bytes_max, struct arena *arena) {
    (void)app;
    uint32_t count = 0;
    struct app_proposed *list = arena_take(arena, block->tx_count, sizeof *list);
    assert(list != NULL);
    for (uint32_t i = 0; i < block->tx_count; i++) {
        struct span tx = block->txs[i];
        if (!is_valid(tx))
            continue;
        bytes_max -= (int64_t)(1 + proto_varint_size(tx.size) + tx.size);
        if (bytes_max < 0)
            break;
        list[count++] = propose(tx, i, arena);
    }
    *out = list;
    return count;
}

static bool kvstore_process_proposal(struct app *app, const struct abci_block *block, struct arena *arena) {
    (void)app;
    (void)arena;
    for (uint32_t i = 0; i < block->tx_count; i++)
        if (!is_valid(block->txs[i]))
            return false;
    return true;
}

/* ---- validators */

static uint32_t find_member(const struct kvstore *self, const struct address *address) {
    uint32_t at = 0;
    while (at < self->member_count && !address_equal(&self->members[at].address, address))
        at++;
    return at;
}

static void add_member(struct kvstore *self, const struct pubkey *key) {
    struct address address = pubkey_address(key);
    if (find_member(self, &address) < self->member_count)
        return;
    if (self->member_count == self->member_capacity) {
        self->member_capacity = self->member_capacity == 0 ? 16 : 2 * self->member_capacity;
        self->members = realloc(self->members, self->member_capacity * sizeof *self->members);
        assert(self->members != NULL);
    }
    self->members[self->member_count++] = (struct member){address, *key};
}

static void remove_member(struct kvstore *self, const struct pubkey *key) {
    struct address address = pubkey_address(key);
    uint32_t at = find_member(self, &address);
    if (at == self->member_count)
        return;
    memmove(self->members + at, self->members + at + 1, (self->member_count - at - 1) * sizeof *self->members);
    self->member_count--;
}

/* The later of two updates for a key stands. */
static void stage_update(struct kvstore *self, const struct pubkey *key, int64_t power) {
    for (uint32_t i = 0; i < self->update_count; i++) {
        if (pubkey_equal(&self->updates[i].pub_key, key)) {
            self->updates[i].power = power;
            return;
        }
    }
    if (self->update_count == self->update_capacity) {
        self->update_capacity = self->update_capacity == 0 ? 16 : 2 * self->update_capacity;
        self->updates = realloc(self->updates, self->update_capacity * sizeof *self->updates);
        assert(self->updates != NULL);
    }
    self->updates[self->update_count++] = (struct abci_validator_update){*key, power};
}

/* A removal of who is no validator (perhaps named and removed in this very block) would be refused as a whole. */
static void drop_idle_removals(struct kvstore *self) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < self->update_count; i++) {
        struct address address = pubkey_address(&self->updates[i].pub_key);
        if (self->updates[i].power != 0 || find_member(self, &address) < self->member_count)
            self->updates[kept++] = self->updates[i];
    }
    self->update_count = kept;
}

static void punish(struct kvstore *self, const struct abci_block *block) {
    for (uint32_t i = 0; i < block->misbehavior_count; i++) {
        const struct abci_misbehavior *fault = &block->misbehavior[i];
        uint32_t at = find_member(self, &fault->address);
        if (fault->type == MISBEHAVIOR_DUPLICATE_VOTE && at < self->member_count)
            stage_update(self, &self->members[at].key, fault->power - 1);
    }
}

static void put_update(struct kvstore *self, struct kv_batch *batch, const struct abci_validator_update *update) {
    uint8_t key[2 + sizeof update->pub_key.bytes], value[64];
    memcpy(key, validator_prefix, 2);
    memcpy(key + 2, update->pub_key.bytes, update->pub_key.size);
    struct span place = span_of(key, 2 + (size_t)update->pub_key.size);
    if (update->power == 0) {
        remove_member(self, &update->pub_key);
        kv_batch_delete(batch, place);
        return;
    }
    struct proto_writer writer; /* with its length in front, as types.WriteMessage leaves it */
    proto_writer_init(&writer, value + 1, sizeof value - 1);
    size_t mark = proto_begin(&writer, 1);
    pubkey_write(&writer, &update->pub_key);
    proto_end(&writer, mark);
    proto_put_int64(&writer, 2, update->power);
    assert(!writer.overflow && writer.size < 0x80);
    value[0] = (uint8_t)writer.size;
    kv_batch_put(batch, place, span_of(value, 1 + writer.size));
    add_member(self, &update->pub_key);
}

static bool load_member(void *context, struct span key, struct span value) {
    (void)value;
    struct kvstore *self = context;
    struct pubkey member = {0};
    if (key.size == 2 + 32)
        member = pubkey_ed25519(key.data + 2);
    else if (key.size == 2 + 33)
        member = pubkey_secp256k1(key.data + 2);
    if (member.type != PUBKEY_NONE)
        add_member(self, &member);
    return true;
}

/* ---- executing */

static void app_hash_of(struct app_hash *out, int64_t size) {
    *out = (struct app_hash){.size = HASH_BYTES};
    uint64_t left = (uint64_t)size << 1; /* zig-zag of a number that is not negative */
    size_t at = 0;
    for (; left >= 0x80 && at < HASH_BYTES - 1; left >>= 7)
        out->bytes[at++] = (uint8_t)(left | 0x80);
    out->bytes[at] = (uint8_t)left;
}

/* What the events show: the two sides of the only '=', or the whole for both. */
static void split(struct span tx, struct span *key, struct span *value) {
    const uint8_t *mark = tx.size == 0 ? NULL : memchr(tx.data, '=', tx.size);
    const uint8_t *end = tx.data + tx.size;
    *key = *value = tx;
    if (mark == NULL || (end > mark + 1 && memchr(mark + 1, '=', (size_t)(end - mark - 1)) != NULL))
        return;
    *key = span_of(tx.data, (size_t)(mark - tx.data));
    *value = span_of(mark + 1, (size_t)(end - mark - 1));
}

#define TEXT(literal) ((struct span){(const uint8_t *)(literal), sizeof(literal) - 1})

static void describe(struct abci_event *event, struct abci_attribute *attributes, struct span creator, struct span key) {
    *event = (struct abci_event){TEXT("app"), ATTRIBUTES_PER_EVENT, attributes};
    attributes[0] = (struct abci_attribute){TEXT("creator"), creator, true};
    attributes[1] = (struct abci_attribute){TEXT("key"), key, true};
    attributes[2] = (struct abci_attribute){TEXT("index_key"), TEXT("index is working"), true};
    attributes[3] = (struct abci_attribute){TEXT("noindex_key"), TEXT("index is working"), false};
}

static void stage_pair(struct kvstore *self, struct span key, struct span value) {
    uint8_t small[256], *full = small;
    if (2 + key.size > sizeof small) {
        full = malloc(2 + key.size);
        assert(full != NULL);
    }
    memcpy(full, pair_prefix, 2);
    memcpy(full + 2, key.data, key.size);
    kv_batch_put(&self->staged, span_of(full, 2 + key.size), value);
    if (full != small)
        free(full);
}

/* The tables of the answer, and copies of all transactions: one taking for the block. */
struct tables {
    struct abci_tx_result *results;
    struct abci_event *events;
    struct abci_attribute *attributes;
    uint8_t *bytes;
};

static void make_tables(struct tables *tables, const struct abci_block *block, struct arena *arena) {
    size_t count = block->tx_count, bytes = 0;
    for (uint32_t i = 0; i < block->tx_count; i++)
        bytes += block->txs[i].size;
    tables->results = arena_take(arena, count, sizeof *tables->results);
    tables->events = arena_take(arena, count * EVENTS_PER_TX, sizeof *tables->events);
    tables->attributes = arena_take(arena, count * EVENTS_PER_TX * ATTRIBUTES_PER_EVENT, sizeof *tables->attributes);
    tables->bytes = arena_take(arena, bytes, 1);
    assert(tables->results != NULL && tables->events != NULL && tables->attributes != NULL && tables->bytes != NULL);
}

static void execute(struct kvstore *self, struct tables *tables, struct span tx, uint32_t index) {
    struct abci_tx_result *result = &tables->results[index];
    struct val_tx val;
    struct span key, value, copy = span_of(tables->bytes, tx.size);
    if (tx.size > 0)
        memcpy(tables->bytes, tx.data, tx.size);
    tables->bytes += tx.size;
    split(copy, &key, &value);
    if (is_val_tx(copy) && parse_val_tx(&val, copy))
        stage_update(self, &val.key, val.power);
    else if (!is_val_tx(copy) && key.data + key.size != copy.data + copy.size)
        stage_pair(self, key, value);
    else if (!is_valid(copy))
        result->code = CODE_INVALID_FORMAT;
    struct abci_event *events = &tables->events[(size_t)index * EVENTS_PER_TX];
    struct abci_attribute *attributes = &tables->attributes[(size_t)index * EVENTS_PER_TX * ATTRIBUTES_PER_EVENT];
    describe(&events[0], attributes, TEXT("Cosmoshi Netowoko"), key);
    describe(&events[1], attributes + ATTRIBUTES_PER_EVENT, TEXT("Cosmoshi"), value);
    result->events = (struct abci_events){EVENTS_PER_TX, events};
    self->next_size++;
}

static void answer_updates(struct kvstore *self, struct abci_finalized *out, struct arena *arena) {
    drop_idle_removals(self);
    out->update_count = self->update_count;
    out->updates = arena_take(arena, self->update_count, sizeof *out->updates);
    assert(out->updates != NULL);
    if (self->update_count > 0)
        memcpy(out->updates, self->updates, self->update_count * sizeof *out->updates);
}

static void kvstore_finalize_block(struct app *app, struct abci_finalized *out, const struct abci_block *block, struct arena *arena) {
    struct kvstore *self = kvstore_of(app);
    struct tables tables;
    self->update_count = 0;
    self->next_size = self->size;
    self->next_height = block->height;
    kv_batch_clear(&self->staged);
    make_tables(&tables, block, arena);
    *out = (struct abci_finalized){.tx_count = block->tx_count, .tx_results = tables.results};
    punish(self, block);
    for (uint32_t i = 0; i < block->tx_count; i++)
        execute(self, &tables, block->txs[i], i);
    answer_updates(self, out, arena);
    app_hash_of(&out->app_hash, self->next_size);
}

static void put_state(struct kvstore *self, struct kv_batch *batch) {
    uint8_t value[20];
    struct proto_writer writer;
    proto_writer_init(&writer, value, sizeof value);
    proto_put_varint(&writer, (uint64_t)self->size);
    proto_put_varint(&writer, (uint64_t)self->height);
    kv_batch_put(batch, span_text(state_key), proto_writer_span(&writer));
}

static int64_t kvstore_commit(struct app *app, struct kv_batch *batch) {
    struct kvstore *self = kvstore_of(app);
    for (uint32_t i = 0; i < self->update_count; i++)
        put_update(self, batch, &self->updates[i]);
    bool good = kv_batch_load(batch, kv_batch_span(&self->staged));
    assert(good);
    self->size = self->next_size;
    self->height = self->next_height;
    put_state(self, batch);
    self->update_count = 0;
    kv_batch_clear(&self->staged);
    return 0;
}

/* ---- the rest */

static void kvstore_info(struct app *app, struct abci_info *out, struct arena *arena) {
    struct kvstore *self = kvstore_of(app);
    char text[48];
    int size = snprintf(text, sizeof text, "{\"size\":%" PRId64 "}", self->size);
    *out = (struct abci_info){.version = TEXT("2.0.0"), .app_version = APP_VERSION, .last_block_height = self->height};
    bool good = arena_copy(arena, &out->data, span_of(text, (size_t)size));
    assert(good);
    app_hash_of(&out->last_block_app_hash, self->size);
}

static bool kvstore_init_chain(struct app *app, struct abci_initialized *out, const struct abci_init_chain *question,
                               struct arena *arena, struct span *error) {
    (void)arena;
    (void)error;
    struct kvstore *self = kvstore_of(app);
    self->update_count = 0;
    for (uint32_t i = 0; i < question->validator_count; i++)
        stage_update(self, &question->validators[i].pub_key, question->validators[i].power);
    *out = (struct abci_initialized){0};
    app_hash_of(&out->app_hash, self->size);
    return true;
}

static bool look_up(struct kvstore *self, struct span *value, const char *prefix, struct span data, struct arena *arena) {
    uint8_t *key = arena_take(arena, 2 + data.size, 1);
    if (key == NULL)
        return false;
    memcpy(key, prefix, 2);
    if (data.size > 0)
        memcpy(key + 2, data.data, data.size);
    struct blob *found = kv_get(self->kv, span_of(key, 2 + data.size));
    bool good = found != NULL && arena_copy(arena, value, blob_span(found));
    blob_release(found);
    return good;
}

static void kvstore_query(struct app *app, struct abci_answer *out, const struct abci_query *question, struct arena *arena) {
    struct kvstore *self = kvstore_of(app);
    *out = (struct abci_answer){0};
    if (!arena_copy(arena, &out->key, question->data))
        return;
    if (span_equal(question->path, TEXT("/val"))) {
        look_up(self, &out->value, validator_prefix, question->data, arena);
        return;
    }
    bool exists = look_up(self, &out->value, pair_prefix, question->data, arena);
    out->log = exists ? TEXT("exists") : TEXT("does not exist");
    out->index = question->prove ? -1 : 0;
    out->height = self->height;
}

static void kvstore_close(struct app *app) {
    struct kvstore *self = kvstore_of(app);
    kv_batch_close(&self->staged);
    free(self->members);
    free(self->updates);
    free(self);
}

static const struct app_table table = {
    .name = "kvstore",
    .info = kvstore_info,
    .init_chain = kvstore_init_chain,
    .check_tx = kvstore_check_tx,
    .process_proposal = kvstore_process_proposal,
    .finalize_block = kvstore_finalize_block,
    .commit = kvstore_commit,
    .query = kvstore_query,
    .close = kvstore_close,
    .rewrite_proposal = kvstore_rewrite_proposal,
};

static void load_state(struct kvstore *self) {
    struct blob *value = kv_get(self->kv, span_text(state_key));
    if (value != NULL) {
        struct proto_reader reader = proto_reader_over(blob_span(value));
        self->size = (int64_t)proto_varint(&reader);
        self->height = (int64_t)proto_varint(&reader);
        blob_release(value);
    }
    self->next_size = self->size;
    self->next_height = self->height;
    kv_scan(self->kv, TEXT("sv"), TEXT("sw"), false, load_member, self);
}

struct app *app_kvstore_open(struct kv *kv) {
    struct kvstore *self = calloc(1, sizeof *self);
    assert(self != NULL);
    self->app.table = &table;
    self->kv = kv;
    kv_batch_init(&self->staged);
    load_state(self);
    return &self->app;
}
