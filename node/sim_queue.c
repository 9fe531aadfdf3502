#include "node/sim_queue.h"

#include <assert.h>
#include <stdlib.h>

enum { CHILDREN = 4 };

static bool sooner(const struct sim_queue_place *a, const struct sim_queue_place *b) {
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->number < b->number;
}

static void grow(struct sim_queue *queue) {
    size_t capacity = queue->capacity == 0 ? 1024 : 2 * queue->capacity;
    assert(capacity <= UINT32_MAX);
    queue->heap = realloc(queue->heap, capacity * sizeof *queue->heap);
    queue->items = realloc(queue->items, capacity * sizeof *queue->items);
    queue->free_items = realloc(queue->free_items, capacity * sizeof *queue->free_items);
    assert(queue->heap != NULL && queue->items != NULL && queue->free_items != NULL);
    for (size_t i = queue->capacity; i < capacity; i++) /* all of the old ones are in use */
        queue->free_items[i - queue->capacity] = (uint32_t)(capacity - 1 - (i - queue->capacity));
    queue->capacity = capacity;
}

void sim_queue_defer(struct sim_queue *queue, struct sim_item item) {
    if (queue->count == queue->capacity)
        grow(queue);
    uint32_t index = queue->free_items[queue->capacity - queue->count - 1];
    struct sim_queue_place place = {item.at_us, item.number, index};
    queue->items[index] = item;
    size_t at = queue->count++;
    while (at > 0 && sooner(&place, &queue->heap[(at - 1) / CHILDREN])) {
        queue->heap[at] = queue->heap[(at - 1) / CHILDREN];
        at = (at - 1) / CHILDREN;
    }
    queue->heap[at] = place;
}

void sim_queue_put(struct sim_queue *queue, struct sim_item item) {
    item.number = ++queue->made;
    sim_queue_defer(queue, item);
}

static void sink(struct sim_queue *queue, struct sim_queue_place last) {
    struct sim_queue_place *heap = queue->heap;
    size_t at = 0, count = queue->count;
    for (;;) {
        size_t first = CHILDREN * at + 1, end = first + CHILDREN < count ? first + CHILDREN : count, child = first;
        for (size_t i = first + 1; i < end; i++)
            if (sooner(&heap[i], &heap[child]))
                child = i;
        if (first >= count || !sooner(&heap[child], &last))
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = last;
}

struct sim_item sim_queue_take(struct sim_queue *queue) {
    uint32_t index = queue->heap[0].item;
    struct sim_queue_place last = queue->heap[--queue->count];
    queue->free_items[queue->capacity - queue->count - 1] = index;
    if (queue->count > 0)
        sink(queue, last);
    return queue->items[index];
}

void sim_queue_close(struct sim_queue *queue) {
    for (size_t i = 0; i < queue->count; i++)
        blob_release(queue->items[queue->heap[i].item].message);
    free(queue->heap);
    free(queue->items);
    free(queue->free_items);
}
