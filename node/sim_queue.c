#include "node/sim_queue.h"

#include <assert.h>
#include <stdlib.h>

static bool sooner(const struct sim_item *a, const struct sim_item *b) {
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->number < b->number;
}

void sim_queue_defer(struct sim_queue *queue, struct sim_item item) {
    if (queue->count == queue->capacity) {
        queue->capacity = queue->capacity == 0 ? 1024 : 2 * queue->capacity;
        queue->heap = realloc(queue->heap, queue->capacity * sizeof *queue->heap);
        assert(queue->heap != NULL);
    }
    size_t at = queue->count++;
    while (at > 0 && sooner(&item, &queue->heap[(at - 1) / 2])) {
        queue->heap[at] = queue->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    queue->heap[at] = item;
}

void sim_queue_put(struct sim_queue *queue, struct sim_item item) {
    item.number = ++queue->made;
    sim_queue_defer(queue, item);
}

struct sim_item sim_queue_take(struct sim_queue *queue) {
    struct sim_item *heap = queue->heap, first = heap[0], last = heap[--queue->count];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= queue->count)
            break;
        if (child + 1 < queue->count && sooner(&heap[child + 1], &heap[child]))
            child++;
        if (!sooner(&heap[child], &last))
            break;
        heap[at] = heap[child];
        at = child;
    }
    if (queue->count > 0)
        heap[at] = last;
    return first;
}

void sim_queue_close(struct sim_queue *queue) {
    for (size_t i = 0; i < queue->count; i++)
        blob_release(queue->heap[i].message);
    free(queue->heap);
}
