#include "node/sim_queue.h"

#include <assert.h>
#include <stdlib.h>

enum { CHILDREN = 4, SLOT_BITS = 10 };

/* ---- heaps */

static bool sooner(const struct sim_queue_place *a, const struct sim_queue_place *b) {
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->number < b->number;
}

static void pile_up(struct sim_queue_pile *pile, const struct sim_queue_place *place) {
    if (pile->count == pile->capacity) {
        pile->capacity = pile->capacity == 0 ? 16 : 2 * pile->capacity;
        pile->places = realloc(pile->places, pile->capacity * sizeof *pile->places);
        assert(pile->places != NULL);
    }
    pile->places[pile->count++] = *place;
}

static void heap_put(struct sim_queue_pile *heap, struct sim_queue_place place) {
    pile_up(heap, &place);
    size_t at = heap->count - 1;
    while (at > 0 && sooner(&place, &heap->places[(at - 1) / CHILDREN])) {
        heap->places[at] = heap->places[(at - 1) / CHILDREN];
        at = (at - 1) / CHILDREN;
    }
    heap->places[at] = place;
}

static void sink(struct sim_queue_pile *heap, struct sim_queue_place last) {
    struct sim_queue_place *places = heap->places;
    size_t at = 0, count = heap->count;
    for (;;) {
        size_t first = CHILDREN * at + 1, end = first + CHILDREN < count ? first + CHILDREN : count, child = first;
        for (size_t i = first + 1; i < end; i++)
            if (sooner(&places[i], &places[child]))
                child = i;
        if (first >= count || !sooner(&places[child], &last))
            break;
        places[at] = places[child];
        at = child;
    }
    places[at] = last;
}

static struct sim_queue_place heap_take(struct sim_queue_pile *heap) {
    struct sim_queue_place top = heap->places[0], last = heap->places[--heap->count];
    if (heap->count > 0)
        sink(heap, last);
    return top;
}

/* ---- slots */

static int64_t slot_of(int64_t at_us) { return at_us >> SLOT_BITS; }

static struct sim_queue_pile *pile_of(struct sim_queue *queue, int64_t slot) { return &queue->slots[slot % SIM_QUEUE_SLOTS]; }

static void place(struct sim_queue *queue, const struct sim_queue_place *place) {
    int64_t slot = slot_of(place->at_us);
    if (slot <= queue->slot) {
        heap_put(&queue->near, *place);
    } else if (slot < queue->slot + SIM_QUEUE_SLOTS) {
        pile_up(pile_of(queue, slot), place);
        queue->in_slots++;
    } else {
        heap_put(&queue->far, *place);
    }
}

static void pour(struct sim_queue *queue) {
    struct sim_queue_pile *pile = pile_of(queue, queue->slot);
    queue->in_slots -= pile->count;
    for (size_t i = 0; i < pile->count; i++)
        heap_put(&queue->near, pile->places[i]);
    pile->count = 0;
    while (queue->far.count > 0 && slot_of(queue->far.places[0].at_us) <= queue->slot)
        heap_put(&queue->near, heap_take(&queue->far));
}

/* The next slot with anything in it becomes the near one. */
static void advance(struct sim_queue *queue) {
    int64_t far = queue->far.count > 0 ? slot_of(queue->far.places[0].at_us) : INT64_MAX, slot = queue->slot + 1;
    if (queue->in_slots == 0)
        slot = far;
    while (slot < far && pile_of(queue, slot)->count == 0)
        slot++;
    queue->slot = slot;
    pour(queue);
}

int64_t sim_queue_next_us(struct sim_queue *queue) {
    if (queue->count == 0)
        return INT64_MAX;
    while (queue->near.count == 0)
        advance(queue);
    return queue->near.places[0].at_us;
}

/* ---- items */

static void grow(struct sim_queue *queue) {
    size_t capacity = queue->capacity == 0 ? 1024 : 2 * queue->capacity;
    assert(capacity <= UINT32_MAX);
    queue->items = realloc(queue->items, capacity * sizeof *queue->items);
    queue->free_items = realloc(queue->free_items, capacity * sizeof *queue->free_items);
    assert(queue->items != NULL && queue->free_items != NULL);
    for (size_t i = queue->capacity; i < capacity; i++) /* all of the old ones are in use */
        queue->free_items[i - queue->capacity] = (uint32_t)(capacity - 1 - (i - queue->capacity));
    queue->capacity = capacity;
}

void sim_queue_defer(struct sim_queue *queue, struct sim_item item) {
    if (queue->count == queue->capacity)
        grow(queue);
    uint32_t index = queue->free_items[queue->capacity - queue->count - 1];
    queue->items[index] = item;
    queue->count++;
    place(queue, &(struct sim_queue_place){item.at_us, item.number, index});
}

void sim_queue_put(struct sim_queue *queue, struct sim_item item) {
    item.number = ++queue->made;
    sim_queue_defer(queue, item);
}

struct sim_item sim_queue_take(struct sim_queue *queue) {
    assert(queue->near.count > 0);
    uint32_t index = heap_take(&queue->near).item;
    queue->count--;
    queue->free_items[queue->capacity - queue->count - 1] = index;
    return queue->items[index];
}

static void release(struct sim_queue *queue, struct sim_queue_pile *pile) {
    for (size_t i = 0; i < pile->count; i++)
        blob_release(queue->items[pile->places[i].item].message);
    free(pile->places);
}

void sim_queue_close(struct sim_queue *queue) {
    release(queue, &queue->near);
    release(queue, &queue->far);
    for (size_t i = 0; i < SIM_QUEUE_SLOTS; i++)
        release(queue, &queue->slots[i]);
    free(queue->items);
    free(queue->free_items);
}
