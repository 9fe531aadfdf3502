#include "rpc/chapter.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/text.h"
#include "rpc/shapes.h"

enum { NEW_BLOCK, NEW_BLOCK_HEADER, NEW_BLOCK_EVENTS, BLOCK_EVENTS };
enum { ARENA_BYTES_KEPT = 1 << 20 };

void chapter_init(struct chapter *chapter) {
    *chapter = (struct chapter){.at = UINT32_MAX};
    arena_init(&chapter->arena, SIZE_MAX / 4); /* what our own store holds */
    arena_init(&chapter->keys, SIZE_MAX / 4);
    emit_init(&chapter->text);
}

static void forget(struct chapter *chapter) {
    block_release(chapter->block);
    chapter->block = NULL;
    chapter->height = 0;
    chapter->count = 0;
    chapter->at = UINT32_MAX;
    emit_clear(&chapter->text);
    if (chapter->arena.bytes_taken > ARENA_BYTES_KEPT)
        arena_close(&chapter->arena);
    else
        arena_reset(&chapter->arena);
}

void chapter_close(struct chapter *chapter) {
    block_release(chapter->block);
    arena_close(&chapter->arena);
    arena_close(&chapter->keys);
    emit_close(&chapter->text);
    free(chapter->pairs);
}

bool chapter_read(struct chapter *chapter, struct ledger *ledger, int64_t height) {
    forget(chapter);
    chapter->block = ledger_block(ledger, height);
    if (chapter->block == NULL || !ledger_results(ledger, &chapter->finalized, height, &chapter->arena) ||
        chapter->finalized.tx_count != chapter->block->tx_count) {
        forget(chapter);
        return false;
    }
    block_id_of(chapter->block, &chapter->id);
    chapter->height = height;
    chapter->count = BLOCK_EVENTS + chapter->block->evidence_count + chapter->block->tx_count + (chapter->finalized.update_count > 0);
    return true;
}

/* Which kind an index is, and of what. */
struct place {
    enum { BLOCK, HEADER, EVENTS, EVIDENCE, TX, UPDATES } kind;
    uint32_t item;
};

static struct place place_of(const struct chapter *chapter, uint32_t index) {
    uint32_t evidence = chapter->block->evidence_count, txs = chapter->block->tx_count;
    assert(index < chapter->count);
    if (index < BLOCK_EVENTS)
        return (struct place){index == NEW_BLOCK ? BLOCK : index == NEW_BLOCK_HEADER ? HEADER : EVENTS, 0};
    index -= BLOCK_EVENTS;
    if (index < evidence)
        return (struct place){EVIDENCE, index};
    index -= evidence;
    return index < txs ? (struct place){TX, index} : (struct place){UPDATES, 0};
}

/* ---- what an event is matched by */

static void add(struct chapter *chapter, struct span key, struct span value) {
    if (chapter->pair_count == chapter->pair_capacity) {
        chapter->pair_capacity = chapter->pair_capacity == 0 ? 64 : 2 * chapter->pair_capacity;
        chapter->pairs = realloc(chapter->pairs, chapter->pair_capacity * sizeof *chapter->pairs);
        assert(chapter->pairs != NULL);
    }
    chapter->pairs[chapter->pair_count++] = (struct query_pair){key, value};
}

/* Events without a type and attributes without a key say nothing (types/event_bus.go). */
static void add_attributes(struct chapter *chapter, const struct abci_events *events) {
    for (uint32_t i = 0; i < events->count; i++) {
        const struct abci_event *event = &events->list[i];
        for (uint32_t k = 0; event->type.size > 0 && k < event->count; k++) {
            const struct abci_attribute *item = &event->attributes[k];
            uint8_t *key = item->key.size == 0 ? NULL : arena_take(&chapter->keys, event->type.size + 1 + item->key.size, 1);
            if (key == NULL)
                continue;
            memcpy(key, event->type.data, event->type.size);
            key[event->type.size] = '.';
            memcpy(key + event->type.size + 1, item->key.data, item->key.size);
            add(chapter, span_of(key, event->type.size + 1 + item->key.size), item->value);
        }
    }
}

static void collect(struct chapter *chapter, uint32_t index) {
    static const char *const names[] = {"NewBlock", "NewBlockHeader", "NewBlockEvents", "NewEvidence", "Tx", "ValidatorSetUpdates"};
    struct place place = place_of(chapter, index);
    chapter->at = index;
    chapter->pair_count = 0;
    arena_reset(&chapter->keys);
    emit_clear(&chapter->text);
    if (place.kind == BLOCK || place.kind == EVENTS)
        add_attributes(chapter, &chapter->finalized.events);
    if (place.kind == TX)
        add_attributes(chapter, &chapter->finalized.tx_results[place.item].events);
    add(chapter, span_text("tm.event"), span_text(names[place.kind]));
    if (place.kind != TX)
        return;
    text_hex_upper(chapter->hash, span_of(chapter->block->tx_hashes[place.item], 32));
    snprintf(chapter->number, sizeof chapter->number, "%" PRId64, chapter->height);
    add(chapter, span_text("tx.hash"), span_text(chapter->hash));
    add(chapter, span_text("tx.height"), span_text(chapter->number));
}

bool chapter_matches(struct chapter *chapter, uint32_t index, const struct query *query) {
    if (chapter->at != index)
        collect(chapter, index);
    return query_matches(query, chapter->pairs, chapter->pair_count);
}

/* ---- what is told of it */

static void put_block(struct chapter *chapter) {
    struct emit *out = &chapter->text;
    emit_open(out, '{');
    emit_key(out, "block");
    shapes_block(out, chapter->block);
    emit_key(out, "block_id");
    shapes_block_id(out, &chapter->id);
    emit_key(out, "result_finalize_block");
    shapes_finalized(out, &chapter->finalized);
    emit_shut(out, '}');
}

static void put_header(struct chapter *chapter) {
    emit_open(&chapter->text, '{');
    emit_key(&chapter->text, "header");
    shapes_header(&chapter->text, &chapter->block->header);
    emit_shut(&chapter->text, '}');
}

static void put_events(struct chapter *chapter) {
    emit_open(&chapter->text, '{');
    shapes_int64(&chapter->text, "height", chapter->height);
    emit_key(&chapter->text, "events");
    shapes_block_events(&chapter->text, &chapter->finalized.events);
    shapes_int64(&chapter->text, "num_txs", chapter->block->tx_count);
    emit_shut(&chapter->text, '}');
}

static void put_evidence(struct chapter *chapter, uint32_t index) {
    emit_open(&chapter->text, '{');
    shapes_int64(&chapter->text, "height", chapter->height);
    emit_key(&chapter->text, "evidence");
    shapes_evidence(&chapter->text, &chapter->block->evidence[index]);
    emit_shut(&chapter->text, '}');
}

static void put_tx(struct chapter *chapter, uint32_t index) {
    struct emit *out = &chapter->text;
    emit_open(out, '{');
    emit_key(out, "TxResult");
    emit_open(out, '{');
    shapes_int64(out, "height", chapter->height);
    if (index > 0)
        shapes_number(out, "index", index);
    if (chapter->block->txs[index].size > 0)
        shapes_base64(out, "tx", chapter->block->txs[index]);
    emit_key(out, "result");
    shapes_tx_result_brief(out, &chapter->finalized.tx_results[index]);
    emit_shut(out, '}');
    emit_shut(out, '}');
}

static void put_updates(struct chapter *chapter) {
    struct emit *out = &chapter->text;
    emit_open(out, '{');
    emit_key(out, "validator_updates");
    emit_open(out, '[');
    for (uint32_t i = 0; i < chapter->finalized.update_count; i++) {
        const struct abci_validator_update *update = &chapter->finalized.updates[i];
        struct validator validator = {.address = pubkey_address(&update->pub_key), .pub_key = update->pub_key, .power = update->power};
        shapes_validator(out, &validator);
    }
    emit_shut(out, ']');
    emit_shut(out, '}');
}

static void put_value(struct chapter *chapter, struct place place) {
    switch (place.kind) {
    case BLOCK: put_block(chapter); break;
    case HEADER: put_header(chapter); break;
    case EVENTS: put_events(chapter); break;
    case EVIDENCE: put_evidence(chapter, place.item); break;
    case TX: put_tx(chapter, place.item); break;
    case UPDATES: put_updates(chapter); break;
    }
}

static int compare_pairs(const void *a, const void *b) {
    const struct query_pair *one = a, *other = b;
    int order = span_compare(one->key, other->key);
    return order != 0 ? order : (one->value.data > other->value.data) - (one->value.data < other->value.data);
}

/* Values of one event lie in memory as they came, for they were decoded in that order; only that keeps the sort stable. */
void chapter_put_pairs(struct emit *out, struct query_pair *pairs, size_t count) {
    qsort(pairs, count, sizeof *pairs, compare_pairs);
    emit_open(out, '{');
    for (size_t i = 0; i < count;) {
        struct span key = pairs[i].key;
        emit_string(out, key);
        emit_literal(out, ":");
        emit_open(out, '[');
        for (; i < count && span_equal(pairs[i].key, key); i++)
            emit_string(out, pairs[i].value);
        emit_shut(out, ']');
    }
    emit_shut(out, '}');
}

struct span chapter_text(struct chapter *chapter, uint32_t index) {
    static const char *const types[] = {"NewBlock", "NewBlockHeader", "NewBlockEvents", "NewEvidence", "Tx", "ValidatorSetUpdates"};
    struct emit *out = &chapter->text;
    struct place place = place_of(chapter, index);
    if (chapter->at != index)
        collect(chapter, index);
    if (out->size == 0) {
        emit_literal(out, ",\"data\":{\"type\":\"tendermint/event/");
        emit_literal(out, types[place.kind]);
        emit_literal(out, "\",\"value\":");
        put_value(chapter, place);
        emit_literal(out, "},\"events\":");
        chapter_put_pairs(out, chapter->pairs, chapter->pair_count);
    }
    return span_of(out->data, out->size);
}
