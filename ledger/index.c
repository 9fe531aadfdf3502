#include "ledger/index.h"

#include <assert.h>
#include <stdlib.h>

#include "crypto/proto.h"
#include "crypto/random.h"
#include "ledger/keys.h"
#include "ledger/salted.h"


enum { NONE = UINT32_MAX, SLOTS_MIN = 1024, NAMES = 64 };

/* A table of items that begin with what they are found by. Salted, so that nobody can make it slow. */
struct head {
    uint64_t hash;
    uint32_t more;
};

struct table {
    void *items;
    uint32_t count, capacity;
    uint32_t *slots; /* open addressing; NONE: free */
    uint32_t slot_count;
};

struct run { /* of one value under one tag */
    struct head head;
    uint32_t first, last; /* entries */
    uint32_t next;        /* run of the same value */
};

struct value {
    struct head head;
    uint32_t first; /* run */
};

struct tag {
    struct head head;
    uint32_t count;
};

struct entry { /* one place of a run */
    struct index_place place;
    uint32_t next;
};

struct name { /* names are often the very same bytes again and again: the hash need not be taken twice */
    struct span type, key;
    uint64_t hash;
};

struct index {
    struct table runs, values, tags;
    struct entry *entries;
    uint32_t entry_count, entry_capacity;
    struct name names[NAMES];
    enum index_kind kind;
    uint64_t salt;
};

struct index *index_new(void) {
    struct index *index = calloc(1, sizeof *index);
    assert(index != NULL);
    random_fill(&index->salt, sizeof index->salt);
    return index;
}

static void table_free(struct table *table) {
    free(table->items);
    free(table->slots);
}

void index_free(struct index *index) {
    if (index == NULL)
        return;
    table_free(&index->runs);
    table_free(&index->values);
    table_free(&index->tags);
    free(index->entries);
    free(index);
}

static void *more_room(void *items, uint32_t count, uint32_t *capacity, size_t item_size) {
    if (count < *capacity)
        return items;
    assert(*capacity < UINT32_MAX / 4);
    *capacity = *capacity == 0 ? SLOTS_MIN / 2 : 2 * *capacity;
    items = realloc(items, *capacity * item_size);
    assert(items != NULL);
    return items;
}

static struct head *item_at(const struct table *table, uint32_t at, size_t item_size) {
    return (struct head *)((uint8_t *)table->items + at * item_size);
}

static struct run *run_at(struct index *index, uint32_t at) { return (struct run *)index->runs.items + at; }
static struct value *value_at(struct index *index, uint32_t at) { return (struct value *)index->values.items + at; }
static struct tag *tag_at(struct index *index, uint32_t at) { return (struct tag *)index->tags.items + at; }

static uint32_t *slot_of(const struct index *index, const struct table *table, struct head head, size_t item_size) {
    uint64_t words[2] = {head.hash, head.more};
    uint32_t mask = table->slot_count - 1, at = (uint32_t)(salted_hash(index->salt, span_of(words, sizeof words)) >> 20) & mask;
    for (; table->slots[at] != NONE; at = (at + 1) & mask) {
        const struct head *found = item_at(table, table->slots[at], item_size);
        if (found->hash == head.hash && found->more == head.more)
            break;
    }
    return &table->slots[at];
}

static void clear_slots(struct table *table) {
    for (uint32_t i = 0; i < table->slot_count; i++)
        table->slots[i] = NONE;
}

static void widen(struct index *index, struct table *table, size_t item_size) {
    table->slot_count = table->slot_count == 0 ? SLOTS_MIN : 2 * table->slot_count;
    table->slots = realloc(table->slots, table->slot_count * sizeof *table->slots);
    assert(table->slots != NULL);
    clear_slots(table);
    for (uint32_t i = 0; i < table->count; i++)
        *slot_of(index, table, *item_at(table, i, item_size), item_size) = i;
}

/* The item of this head; a new one is zero but for its head. */
static uint32_t find_or_add(struct index *index, struct table *table, struct head head, size_t item_size) {
    if (table->count >= table->slot_count / 2)
        widen(index, table, item_size);
    uint32_t *slot = slot_of(index, table, head, item_size);
    if (*slot == NONE) {
        table->items = more_room(table->items, table->count, &table->capacity, item_size);
        *slot = table->count++;
        memset(item_at(table, *slot, item_size), 0, item_size);
        *item_at(table, *slot, item_size) = head;
    }
    return *slot;
}

/* ---- gathering a height */

static void table_clear(struct table *table) {
    table->count = 0;
    clear_slots(table);
}

static void start(struct index *index, enum index_kind kind) {
    index->kind = kind;
    index->entry_count = 0;
    table_clear(&index->runs);
    table_clear(&index->values);
    table_clear(&index->tags);
    memset(index->names, 0, sizeof index->names); /* what the pointers point to has changed */
}

static struct run *run_of(struct index *index, uint64_t value, uint32_t tag) {
    uint32_t known = index->runs.count;
    uint32_t at = find_or_add(index, &index->runs, (struct head){value, tag}, sizeof(struct run));
    if (at < known)
        return run_at(index, at);
    uint32_t values = index->values.count;
    uint32_t owner = find_or_add(index, &index->values, (struct head){value, 0}, sizeof(struct value));
    struct run *run = run_at(index, at);
    run->first = run->last = NONE;
    run->next = owner < values ? value_at(index, owner)->first : NONE;
    value_at(index, owner)->first = at;
    return run;
}

static void add_place(struct index *index, struct run *run, struct index_place place) {
    if (run->last != NONE) { /* the same attribute twice in one event is once in the index */
        const struct index_place *last = &index->entries[run->last].place;
        if (last->tx == place.tx && last->event == place.event)
            return;
    }
    index->entries = more_room(index->entries, index->entry_count, &index->entry_capacity, sizeof *index->entries);
    uint32_t at = index->entry_count++;
    index->entries[at] = (struct entry){.place = place, .next = NONE};
    if (run->first == NONE)
        run->first = at;
    else
        index->entries[run->last].next = at;
    run->last = at;
}

static bool same_bytes(struct span a, struct span b) { return a.data == b.data && a.size == b.size; }

static uint64_t tag_hash(struct index *index, struct span type, struct span key) {
    struct name *name = &index->names[((uintptr_t)type.data ^ (uintptr_t)key.data >> 3) % NAMES];
    if (!same_bytes(name->type, type) || !same_bytes(name->key, key) || type.data == NULL)
        *name = (struct name){type, key, siphash_joined(&index_salt, type, '.', key)};
    return name->hash;
}

static void gather(struct index *index, uint32_t tx, const struct abci_events *events) {
    for (uint32_t e = 0; e < events->count; e++) {
        const struct abci_event *event = &events->list[e];
        for (uint32_t a = 0; a < event->count; a++) {
            const struct abci_attribute *attribute = &event->attributes[a];
            if (!index_takes(index->kind, event, attribute))
                continue;
            uint64_t tag = tag_hash(index, event->type, attribute->key);
            add_place(index, run_of(index, siphash_once(&index_salt, attribute->value), (uint32_t)tag), (struct index_place){tx, e});
            tag_at(index, find_or_add(index, &index->tags, (struct head){tag, 0}, sizeof(struct tag)))->count++;
        }
    }
}

/* ---- writing it */

static void write_places(struct proto_writer *writer, struct index *index, const struct run *run) {
    uint32_t before = 0;
    for (uint32_t at = run->first; at != NONE; at = index->entries[at].next) {
        const struct index_place *place = &index->entries[at].place;
        proto_put_varint(writer, place->tx - before);
        proto_put_varint(writer, place->event);
        before = place->tx;
    }
}

static void write_value(struct proto_writer *writer, struct index *index, const struct value *value) {
    for (uint32_t at = value->first; at != NONE; at = run_at(index, at)->next) {
        const struct run *run = run_at(index, at);
        uint32_t hash = run->head.more;
        uint8_t tag[4] = {(uint8_t)hash, (uint8_t)(hash >> 8), (uint8_t)(hash >> 16), (uint8_t)(hash >> 24)};
        struct proto_writer places;
        proto_writer_measure(&places);
        write_places(&places, index, run);
        proto_put_raw(writer, span_of(tag, sizeof tag));
        proto_put_varint(writer, places.size);
        write_places(writer, index, run);
    }
}

static void put_all(struct index *index, struct kv_batch *batch, int64_t height) {
    struct proto_writer writer;
    for (uint32_t i = 0; i < index->values.count; i++) {
        const struct value *value = value_at(index, i);
        struct key key = keys_index_value(index->kind == INDEX_TXS, value->head.hash, height);
        proto_writer_measure(&writer);
        write_value(&writer, index, value);
        size_t size = writer.size;
        proto_writer_init(&writer, kv_batch_reserve(batch, keys_span(&key), size), size);
        write_value(&writer, index, value);
        assert(!writer.overflow && writer.size == size);
    }
    for (uint32_t i = 0; i < index->tags.count; i++) {
        uint8_t count[10];
        struct key key = keys_index_tag(index->kind == INDEX_TXS, tag_at(index, i)->head.hash, height);
        proto_writer_init(&writer, count, sizeof count);
        proto_put_varint(&writer, tag_at(index, i)->count);
        kv_batch_put(batch, keys_span(&key), proto_writer_span(&writer));
    }
}

static void delete_all(struct index *index, struct kv_batch *batch, int64_t height) {
    for (uint32_t i = 0; i < index->values.count; i++) {
        struct key key = keys_index_value(index->kind == INDEX_TXS, value_at(index, i)->head.hash, height);
        kv_batch_delete(batch, keys_span(&key));
    }
    for (uint32_t i = 0; i < index->tags.count; i++) {
        struct key key = keys_index_tag(index->kind == INDEX_TXS, tag_at(index, i)->head.hash, height);
        kv_batch_delete(batch, keys_span(&key));
    }
}

static void each_kind(struct index *index, struct kv_batch *batch, int64_t height, const struct abci_finalized *finalized,
                      void (*write)(struct index *index, struct kv_batch *batch, int64_t height)) {
    start(index, INDEX_TXS);
    for (uint32_t i = 0; i < finalized->tx_count; i++)
        gather(index, i, &finalized->tx_results[i].events);
    write(index, batch, height);
    start(index, INDEX_BLOCKS);
    gather(index, 0, &finalized->events);
    write(index, batch, height);
}

void index_put(struct index *index, struct kv_batch *batch, int64_t height, const struct abci_finalized *finalized) {
    each_kind(index, batch, height, finalized, put_all);
}

void index_delete(struct index *index, struct kv_batch *batch, int64_t height, const struct abci_finalized *finalized) {
    each_kind(index, batch, height, finalized, delete_all);
}
