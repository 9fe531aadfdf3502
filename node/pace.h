/* How large our own proposals are made, from how long those before took: under a backlog a block of all that fits would take many seconds to spread and
 * to execute, time out rounds and fill memory. A proposer may always put in less; so this is nobody's business but ours, and it never refuses another's
 * block. Pure: the caller tells the time. */
#ifndef QUORATE_NODE_PACE_H
#define QUORATE_NODE_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct pace {
    int64_t target_ms; /* from building a full block to having applied it; 0: no limit of ours */
    int64_t bytes_min; /* the largest single transaction always has room */
    int64_t bytes;     /* of transactions in the next proposal */
    int64_t height;    /* of our last proposal; 0: none */
    int64_t proposed_ms;
    bool full;         /* it used what it was allowed */
};

void pace_init(struct pace *pace, int64_t target_ms, int64_t bytes_min);
int64_t pace_room(const struct pace *pace, int64_t bytes_max); /* what the block has room for, made smaller */
void pace_note_proposed(struct pace *pace, int64_t height, int64_t bytes, int64_t now_ms);
/* A height is applied; `ours`: with the block we proposed for it. */
void pace_note_decided(struct pace *pace, int64_t height, bool ours, int64_t now_ms);

#endif
