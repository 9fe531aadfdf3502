#include "node/load_tally.h"

#include <assert.h>
#include <stdlib.h>

#define FIRST_CAPACITY 4096

static void *grow(void *old, size_t count, size_t size) {
    void *data = realloc(old, count * size);
    assert(data != NULL);
    return data;
}

void load_tally_init(struct load_tally *tally, uint32_t limit, int64_t base_height) {
    *tally = (struct load_tally){.limit = limit, .base_height = base_height};
    tally->capacity = FIRST_CAPACITY;
    tally->txs = grow(NULL, tally->capacity, sizeof *tally->txs);
    tally->slot_count = FIRST_CAPACITY * 2;
    tally->slots = calloc(tally->slot_count, sizeof *tally->slots);
    assert(tally->slots != NULL);
}

void load_tally_close(struct load_tally *tally) {
    free(tally->txs);
    free(tally->slots);
    tally->txs = NULL;
    tally->slots = NULL;
}

/* Hashes of our own making need no salt. */
static uint32_t slot_of(const struct load_tally *tally, const uint8_t *hash) {
    uint32_t at;
    memcpy(&at, hash, sizeof at);
    at &= tally->slot_count - 1;
    while (tally->slots[at] != 0 && memcmp(tally->txs[tally->slots[at] - 1].hash, hash, 32) != 0)
        at = (at + 1) & (tally->slot_count - 1);
    return at;
}

uint32_t load_tally_find(const struct load_tally *tally, const uint8_t hash[static 32]) {
    uint32_t slot = tally->slots[slot_of(tally, hash)];
    return slot == 0 ? LOAD_TALLY_NONE : slot - 1;
}

static void make_room(struct load_tally *tally) {
    if (tally->count < tally->capacity)
        return;
    tally->capacity *= 2;
    tally->txs = grow(tally->txs, tally->capacity, sizeof *tally->txs);
    free(tally->slots);
    tally->slot_count *= 2;
    tally->slots = calloc(tally->slot_count, sizeof *tally->slots);
    assert(tally->slots != NULL);
    for (uint32_t i = 0; i < tally->count; i++)
        tally->slots[slot_of(tally, tally->txs[i].hash)] = i + 1;
}

static uint32_t send_again(struct load_tally *tally, uint32_t number, int64_t now_us) {
    struct load_tally_tx *tx = &tally->txs[number];
    if (tx->state == LOAD_TALLY_SENT || tx->block != 0)
        return LOAD_TALLY_BUSY;
    tx->state = LOAD_TALLY_SENT;
    if (!tx->is_owed)
        tx->sent_us = now_us;
    tally->sent++;
    return number;
}

uint32_t load_tally_sent(struct load_tally *tally, const uint8_t hash[static 32], int64_t now_us, bool is_warmup) {
    uint32_t number = load_tally_find(tally, hash);
    if (number != LOAD_TALLY_NONE)
        return send_again(tally, number, now_us);
    if (tally->count >= tally->limit)
        return LOAD_TALLY_NONE;
    make_room(tally);
    number = tally->count++;
    struct load_tally_tx *tx = &tally->txs[number];
    *tx = (struct load_tally_tx){.sent_us = now_us, .state = LOAD_TALLY_SENT, .is_warmup = is_warmup};
    memcpy(tx->hash, hash, 32);
    tally->slots[slot_of(tally, hash)] = number + 1;
    tally->sent++;
    return number;
}

static void note_accepted(struct load_tally *tally, struct load_tally_tx *tx, int64_t now_us) {
    tally->accepted++;
    if (!tx->is_warmup)
        load_latency_note(&tally->answered, now_us - tx->sent_us);
    if (tx->block != 0) { /* the block was faster than the answer */
        tally->unaccepted--;
        return;
    }
    tx->is_owed = true;
    tally->owed++;
}

void load_tally_answered(struct load_tally *tally, uint32_t number, enum load_tally_state state, int64_t now_us) {
    assert(number < tally->count);
    struct load_tally_tx *tx = &tally->txs[number];
    assert(tx->state == LOAD_TALLY_SENT && state != LOAD_TALLY_SENT);
    tx->state = (uint8_t)state;
    tally->rejected += state == LOAD_TALLY_REJECTED;
    tally->unknown += state == LOAD_TALLY_UNKNOWN;
    if (state == LOAD_TALLY_ACCEPTED && !tx->is_owed)
        note_accepted(tally, tx, now_us);
}

bool load_tally_seen(struct load_tally *tally, const uint8_t hash[static 32], int64_t height, int64_t now_us) {
    uint32_t number = load_tally_find(tally, hash);
    assert(height >= tally->base_height && height - tally->base_height < UINT32_MAX);
    if (number == LOAD_TALLY_NONE) {
        tally->foreign++;
        return false;
    }
    struct load_tally_tx *tx = &tally->txs[number];
    if (tx->block != 0) {
        tally->duplicates++;
        return false;
    }
    tx->block = (uint32_t)(height - tally->base_height + 1);
    tally->committed++;
    tally->owed -= tx->is_owed;
    tally->unaccepted += !tx->is_owed;
    tx->is_owed = false;
    if (!tx->is_warmup)
        load_latency_note(&tally->seen, now_us - tx->sent_us);
    return !tx->is_warmup;
}

uint32_t load_tally_next_lost(const struct load_tally *tally, uint32_t from) {
    for (uint32_t i = from; i < tally->count; i++)
        if (tally->txs[i].is_owed)
            return i;
    return LOAD_TALLY_NONE;
}
