/* What the light client's subscribers are told: heights as the sources tell them, each held against trusted headers (rpc/light_height.h) and then shown
 * in a mirror (ledger/mirror.h), from which rpc's herald tells their events as a node does from its store. A height is shown once the header above it
 * is trusted, for that one names its results: about one block late. While nobody is subscribed nothing is asked.
 *
 * Each source is asked in turn until one's answers hold. If a height that is there cannot be had for a minute, or nothing new can be trusted, all
 * subscriptions end with an error that says why and from which height to go on. */
#ifndef QUORATE_NODE_LIGHT_FEED_H
#define QUORATE_NODE_LIGHT_FEED_H

#include "ledger/mirror.h"
#include "node/light_gate.h"
#include "rpc/rpc.h"

struct light_feed;

struct light_feed *light_feed_new(struct light_gate *gate); /* a loan */
struct ledger *light_feed_ledger(struct light_feed *feed);  /* for rpc_host */
void light_feed_begin(struct light_feed *feed, struct rpc *rpc); /* a thread from now on; rpc hears of heights */
/* Somebody subscribes: the newest height that can be shown is, and those from `from` on if that is not 0, as far back as a mirror reaches. Any thread;
 * waits for the sources. false: *why (malloc'ed). */
bool light_feed_reach(struct light_feed *feed, int64_t from, char **why);
void light_feed_end(struct light_feed *feed);  /* the thread; before rpc goes */
void light_feed_free(struct light_feed *feed); /* after rpc has gone */
void light_feed_patience(struct light_feed *feed, int64_t stall_ms); /* for tests: instead of a minute */

#endif
