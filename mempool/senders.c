#include "mempool/senders.h"

#include <assert.h>
#include <stdlib.h>

#include "crypto/random.h"
#include "ledger/salted.h"

struct senders_record {
    struct senders_record *chain;
    struct senders_place *first, *last;
    struct senders_place *next; /* of senders_take */
    uint64_t hash;
    uint8_t size;
    uint8_t name[];
};

void senders_init(struct senders *senders) {
    *senders = (struct senders){.count = 0};
    random_fill(&senders->salt, sizeof senders->salt);
}

void senders_close(struct senders *senders) {
    assert(senders->count == 0);
    free(senders->buckets);
    *senders = (struct senders){.count = 0};
}

static void grow(struct senders *senders) {
    uint32_t old_count = senders->bucket_count;
    struct senders_record **old = senders->buckets;
    senders->bucket_count = old_count == 0 ? 256 : 2 * old_count;
    senders->buckets = calloc(senders->bucket_count, sizeof(struct senders_record *));
    assert(senders->buckets != NULL);
    for (uint32_t i = 0; i < old_count; i++) {
        for (struct senders_record *record = old[i], *after; record != NULL; record = after) {
            struct senders_record **bucket = &senders->buckets[record->hash & (senders->bucket_count - 1)];
            after = record->chain;
            record->chain = *bucket;
            *bucket = record;
        }
    }
    free(old);
}

static struct senders_record *record_new(struct senders *senders, struct span name, uint64_t hash) {
    struct senders_record *record = calloc(1, sizeof *record + name.size);
    assert(record != NULL);
    record->hash = hash;
    record->size = (uint8_t)name.size;
    memcpy(record->name, name.data, name.size);
    struct senders_record **bucket = &senders->buckets[hash & (senders->bucket_count - 1)];
    record->chain = *bucket;
    *bucket = record;
    senders->count++;
    return record;
}

static struct senders_record *record_of(struct senders *senders, struct span name) {
    if (senders->count == senders->bucket_count)
        grow(senders);
    uint64_t hash = salted_hash(senders->salt, name);
    struct senders_record *record = senders->buckets[hash & (senders->bucket_count - 1)];
    while (record != NULL && !(record->hash == hash && span_equal(span_of(record->name, record->size), name)))
        record = record->chain;
    return record != NULL ? record : record_new(senders, name, hash);
}

static void record_free(struct senders *senders, struct senders_record *record) {
    struct senders_record **link = &senders->buckets[record->hash & (senders->bucket_count - 1)];
    while (*link != record)
        link = &(*link)->chain;
    *link = record->chain;
    free(record);
    senders->count--;
}

void senders_add(struct senders *senders, struct senders_place *place, struct span sender, uint64_t sequence) {
    *place = (struct senders_place){.sequence = sequence};
    if (sender.size == 0 || sender.size > SENDERS_BYTES_MAX)
        return;
    struct senders_record *record = place->record = record_of(senders, sender);
    /* From the end: sequences ascend with arrival, nearly always. */
    struct senders_place *before = record->last;
    while (before != NULL && before->sequence > sequence)
        before = before->before;
    place->before = before;
    place->after = before == NULL ? record->first : before->after;
    *(before == NULL ? &record->first : &before->after) = place;
    *(place->after == NULL ? &record->last : &place->after->before) = place;
}

void senders_remove(struct senders *senders, struct senders_place *place) {
    struct senders_record *record = place->record;
    if (record == NULL)
        return;
    *(place->before == NULL ? &record->first : &place->before->after) = place->after;
    *(place->after == NULL ? &record->last : &place->after->before) = place->before;
    *place = (struct senders_place){.sequence = 0};
    if (record->first == NULL)
        record_free(senders, record);
}

void senders_rewind(struct senders_place *place) {
    if (place->record != NULL)
        place->record->next = place->record->first;
}

struct senders_place *senders_take(struct senders_place *place) {
    struct senders_record *record = place->record;
    if (record == NULL)
        return place;
    struct senders_place *taken = record->next;
    assert(taken != NULL);
    record->next = taken->after;
    return taken;
}
