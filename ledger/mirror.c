#include "ledger/mirror.h"

#include <assert.h>

static size_t *size_at(struct mirror *mirror, int64_t height) { return &mirror->sizes[height % (MIRROR_HEIGHTS_MAX + 1)]; }

static int64_t count_of(const struct mirror *mirror) { return mirror->ledger.base == 0 ? 0 : mirror->ledger.state.height - mirror->ledger.base + 1; }

void mirror_open(struct mirror *mirror, struct kv_failure failure) {
    *mirror = (struct mirror){.ledger = {.kv = kv_memory_new(failure), .keep_results = true}};
    state_init(&mirror->ledger.state);
    mirror->ledger.state.initial_height = 1;
    kv_batch_init(&mirror->ledger.batch);
}

void mirror_close(struct mirror *mirror) {
    kv_batch_close(&mirror->ledger.batch);
    state_close(&mirror->ledger.state);
    kv_close(mirror->ledger.kv);
}

static void delete_height(struct mirror *mirror, int64_t height) {
    struct key block = keys_height('b', height), results = keys_height('r', height);
    kv_batch_delete(&mirror->ledger.batch, keys_span(&block));
    kv_batch_delete(&mirror->ledger.batch, keys_span(&results));
    mirror->bytes -= *size_at(mirror, height);
}

void mirror_begin(struct mirror *mirror, int64_t next_height) {
    struct ledger *ledger = &mirror->ledger;
    kv_batch_clear(&ledger->batch);
    for (int64_t height = ledger->base; ledger->base > 0 && height <= ledger->state.height; height++)
        delete_height(mirror, height);
    kv_write(ledger->kv, &ledger->batch, true);
    ledger->base = 0;
    ledger->state.height = next_height - 1;
    ledger->state.initial_height = next_height;
}

static size_t put_results(struct mirror *mirror, int64_t height, const struct abci_finalized *finalized) {
    struct key key = keys_height('r', height);
    struct proto_writer writer;
    proto_writer_measure(&writer);
    abci_finalized_write(&writer, finalized);
    size_t size = writer.size;
    uint8_t *place = kv_batch_reserve(&mirror->ledger.batch, keys_span(&key), size);
    if (size == 0)
        return 0;
    proto_writer_init(&writer, place, size);
    abci_finalized_write(&writer, finalized);
    assert(!writer.overflow && writer.size == size);
    return size;
}

static bool is_crowded(const struct mirror *mirror, size_t more) {
    return count_of(mirror) == MIRROR_HEIGHTS_MAX || mirror->bytes + more > MIRROR_BYTES_MAX;
}

static void make_room(struct mirror *mirror, size_t more) {
    struct ledger *ledger = &mirror->ledger;
    while (count_of(mirror) > 1 && is_crowded(mirror, more))
        delete_height(mirror, ledger->base++);
}

bool mirror_put(struct mirror *mirror, struct block *block, const struct abci_finalized *finalized) {
    struct ledger *ledger = &mirror->ledger;
    int64_t height = block->header.height;
    bool is_below = ledger->base > 0 && height == ledger->base - 1;
    struct key key = keys_height('b', height);
    assert(is_below || height == ledger->state.height + 1);
    kv_batch_clear(&ledger->batch);
    kv_batch_put(&ledger->batch, keys_span(&key), blob_span(block->bytes));
    size_t size = block->bytes->size + put_results(mirror, height, finalized);
    if (is_below && is_crowded(mirror, size))
        return false;
    if (!is_below)
        make_room(mirror, size);
    kv_write(ledger->kv, &ledger->batch, true);
    *size_at(mirror, height) = size;
    mirror->bytes += size;
    if (is_below || ledger->base == 0)
        ledger->base = height;
    if (!is_below)
        ledger->state.height = height;
    return true;
}
