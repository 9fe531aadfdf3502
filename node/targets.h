/* Whom the configuration names: persistent peers and seeds ("id@host:port,…"), lists of ids ("id,…"), and when a node that did not answer is tried
 * again: at first soon, then ever more seldom up to a cap, for ever (cometbft gives up after a day), each time after another random part of the
 * delay, because nodes that fell together must not come back in step. */
#ifndef QUORATE_NODE_TARGETS_H
#define QUORATE_NODE_TARGETS_H

#include "node/netaddress.h"

#define TARGETS_MAX 128
#define TARGETS_REDIAL_FIRST_MS 250

struct target {
    struct netaddress address;
    char id[41]; /* lower case */
    uint32_t attempts; /* in vain, since it last stayed */
    int64_t next_ms;   /* not to be dialled before */
    bool said;         /* that it cannot be reached: once, not at every try */
};

struct targets {
    uint32_t count;
    struct target *targets;
};

/* NULL, or a complaint (malloc'ed) that begins with `name`. An id that is named twice counts once, `own_id` not at all: one list may serve all nodes. */
char *targets_read(struct targets *targets, const char *name, const char *list, const char *own_id);
void targets_close(struct targets *targets);
struct target *targets_find(const struct targets *targets, const char *id); /* lower case; NULL: not named */
void targets_plan(struct target *target, int64_t now_ms, int64_t cap_ms); /* it did not answer, or left */

/* Is the id (40 hex digits, either case) one of a comma-separated list, whose items may go on with @host:port? NULL is an empty list. */
bool targets_list_has(const char *list, const char *id);

#endif
