/* What will happen, in order of time and then of making. */
#ifndef QUORATE_NODE_SIM_QUEUE_H
#define QUORATE_NODE_SIM_QUEUE_H

#include "node/world.h"

enum sim_item_kind { SIM_ITEM_DELIVER, SIM_ITEM_TIMER, SIM_ITEM_CONNECT, SIM_ITEM_SIGN };

struct sim_item {
    int64_t at_us;
    uint64_t number; /* ties in order of making */
    enum sim_item_kind kind;
    uint8_t channel;
    enum world_timer which;
    uint32_t from, to;
    uint32_t life_from, life_to; /* lives of both ends when it was made: a restart voids it */
    uint32_t link;               /* likewise for the connection */
    uint64_t timer_number;
    struct blob *message;
};

struct sim_queue_place { /* what the order needs, apart from the rest: a heap of millions moves much */
    int64_t at_us;
    uint64_t number;
    uint32_t item;
};

struct sim_queue_pile {
    struct sim_queue_place *places;
    size_t count, capacity;
};

#define SIM_QUEUE_SLOTS 4096 /* of 1,024 µs each: what comes later than in four seconds waits apart */

/* What is near stands in a small heap, what comes later in a pile per slot, unordered until its slot is reached, what is far in a heap of its own. */
struct sim_queue {
    struct sim_queue_pile near, far; /* heaps, each place above its four children */
    struct sim_queue_pile slots[SIM_QUEUE_SLOTS];
    size_t in_slots;
    int64_t slot; /* up to it all is near */
    struct sim_item *items;
    uint32_t *free_items; /* a stack of those not in use */
    size_t count, capacity;
    uint64_t made;
};

int64_t sim_queue_next_us(struct sim_queue *queue); /* INT64_MAX: nothing will happen */

void sim_queue_put(struct sim_queue *queue, struct sim_item item);   /* gives it its number */
void sim_queue_defer(struct sim_queue *queue, struct sim_item item); /* keeps its number: what was sent in order stays in order */
struct sim_item sim_queue_take(struct sim_queue *queue);             /* the next; sim_queue_next_us has told when */
void sim_queue_close(struct sim_queue *queue);                       /* releases the messages */

#endif
