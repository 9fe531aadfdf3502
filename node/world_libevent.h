/* The real world: libevent's loop, sockets, clocks and files under the replica. What the replica sends in one turn of the loop leaves at the turn's end
 * in as few frames as possible. */
#ifndef QUORATE_NODE_WORLD_LIBEVENT_H
#define QUORATE_NODE_WORLD_LIBEVENT_H

#include "node/replica.h"
#include "node/switchboard.h"

struct world_libevent;
struct notary;

struct world_libevent *world_libevent_new(struct event_base *base, struct disk *disk, struct notary *notary /* NULL: no key elsewhere */);
void world_libevent_free(struct world_libevent *real);
struct world *world_libevent_world(struct world_libevent *real);
struct switchboard_listener world_libevent_listener(struct world_libevent *real);
/* Before the loop runs: who is served. Both are loans. */
void world_libevent_count(struct world_libevent *real, struct metrics *metrics); /* messages; NULL: not */
void world_libevent_attach(struct world_libevent *real, struct replica *replica, struct switchboard *board);
/* The end of this turn shall come: for those who give the replica work past this file (rpc). */
void world_libevent_touch(struct world_libevent *real);

#endif
