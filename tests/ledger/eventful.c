#define _GNU_SOURCE /* memrchr */
#include "tests/ledger/eventful.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void eventful_open(struct eventful *eventful, struct kv *kv) {
    *eventful = (struct eventful){.ledger = {.kv = kv, .index = index_new(), .index_transactions = true, .base = 1}};
    kv_batch_init(&eventful->ledger.batch);
    arena_init(&eventful->arena, (size_t)1 << 28);
}

void eventful_close(struct eventful *eventful) {
    index_free(eventful->ledger.index);
    kv_batch_close(&eventful->ledger.batch);
    arena_close(&eventful->arena);
}

static struct span copy_of(struct arena *arena, const char *text, size_t size) {
    struct span out;
    bool good = arena_copy(arena, &out, span_of(text, size));
    assert(good);
    return out;
}

/* type.key=value: the type ends at the last dot before the sign. */
static void read_attribute(struct abci_event *event, struct arena *arena, const char *word, size_t size) {
    bool index = word[0] != '!';
    if (!index) {
        word++;
        size--;
    }
    const char *equal = memchr(word, '=', size);
    assert(equal != NULL);
    const char *dot = memrchr(word, '.', (size_t)(equal - word));
    assert(dot != NULL);
    event->type = copy_of(arena, word, (size_t)(dot - word));
    event->attributes[event->count++] = (struct abci_attribute){.key = copy_of(arena, dot + 1, (size_t)(equal - dot - 1)),
                                                                .value = copy_of(arena, equal + 1, (size_t)(word + size - equal - 1)),
                                                                .index = index};
}

static void read_events(struct abci_events *out, struct arena *arena, const char *text) {
    size_t length = strlen(text);
    out->list = arena_take(arena, length + 1, sizeof *out->list);
    out->count = 1;
    out->list[0].attributes = arena_take(arena, length, sizeof *out->list[0].attributes);
    for (size_t at = 0; at < length;) {
        size_t end = at + strcspn(text + at, " ");
        struct abci_event *event = &out->list[out->count - 1];
        if (text[at] == '|' && end == at + 1) {
            event = &out->list[out->count++];
            event->attributes = arena_take(arena, length, sizeof *event->attributes);
        } else if (end > at) {
            read_attribute(event, arena, text + at, end - at);
        }
        at = end + 1;
    }
}

static void put(struct kv_batch *batch, struct key key, void (*write)(struct proto_writer *, const void *), const void *value) {
    struct proto_writer writer;
    proto_writer_measure(&writer);
    write(&writer, value);
    size_t size = writer.size;
    proto_writer_init(&writer, kv_batch_reserve(batch, keys_span(&key), size), size);
    write(&writer, value);
}

static void write_meta(struct proto_writer *writer, const void *finalized) {
    proto_put_int64(writer, 4, ((const struct abci_finalized *)finalized)->tx_count);
}

static void write_results(struct proto_writer *writer, const void *finalized) { abci_finalized_write(writer, finalized); }

void eventful_add(struct eventful *eventful, const char *block, const char *const *txs, uint32_t count) {
    struct abci_finalized finalized = {.tx_count = count};
    struct kv_batch *batch = &eventful->ledger.batch;
    int64_t height = ++eventful->ledger.state.height;
    arena_reset(&eventful->arena);
    read_events(&finalized.events, &eventful->arena, block);
    finalized.tx_results = arena_take(&eventful->arena, count, sizeof *finalized.tx_results);
    for (uint32_t i = 0; i < count; i++)
        read_events(&finalized.tx_results[i].events, &eventful->arena, txs[i]);
    kv_batch_clear(batch);
    put(batch, keys_height('m', height), write_meta, &finalized);
    put(batch, keys_height('r', height), write_results, &finalized);
    index_put(eventful->ledger.index, batch, height, &finalized);
    kv_write(eventful->ledger.kv, batch, false);
}

void eventful_forget(struct eventful *eventful, int64_t height) {
    struct abci_finalized finalized;
    arena_reset(&eventful->arena);
    bool good = ledger_results(&eventful->ledger, &finalized, height, &eventful->arena);
    assert(good);
    kv_batch_clear(&eventful->ledger.batch);
    index_delete(eventful->ledger.index, &eventful->ledger.batch, height, &finalized);
    kv_write(eventful->ledger.kv, &eventful->ledger.batch, false);
}
