/* How long messages take from node to node: latencies, bandwidth, and what clogs a road for a while. All from one seed; integers only. Two nodes
 * talk over one TCP link (sim_world keeps the order), so here nothing is lost, doubled or overtaken: that happens when links die (sim_cut_link). */
#ifndef QUORATE_NODE_SIM_ROADS_H
#define QUORATE_NODE_SIM_ROADS_H

#include "node/sim.h"

enum sim_roads_kind { SIM_ROADS_UNIFORM, SIM_ROADS_LONG_TAIL, SIM_ROADS_WAN, SIM_ROADS_KINDS };
const char *sim_roads_kind_text(enum sim_roads_kind kind);

#define SIM_ROADS_REGIONS_MAX SIM_NODES_MAX

struct sim_roads {
    enum sim_roads_kind kind;
    int64_t min_us, max_us;                /* UNIFORM: all between; LONG_TAIL: half below min + (max − min) / 4, one in a hundred above 24 times that */
    uint32_t regions;                      /* WAN: of node i the region is i % regions */
    int32_t region_us[SIM_ROADS_REGIONS_MAX][SIM_ROADS_REGIONS_MAX]; /* one way, without the jitter of up to a tenth */
    char names[SIM_ROADS_REGIONS_MAX][16];
    int64_t bytes_per_s;                   /* what a node can send in all; 0: no bound. What it receives is not bounded */
    int64_t uplink_free_us[SIM_NODES_MAX];
    int32_t clog_ms[SIM_NODES_MAX][SIM_NODES_MAX]; /* more, from → to */
    uint64_t bytes_sent[SIM_NODES_MAX];
    uint64_t chance;
};

void sim_roads_init(struct sim_roads *roads, enum sim_roads_kind kind, uint64_t seed); /* 1 to 20 ms; WAN: eight regions of the world */
/* From now on they are as timeouts expect them to be in the long run: nothing clogged, tails short, room for blocks. */
void sim_roads_mend(struct sim_roads *roads);
/* Lines `NAME ms ms …`: one way from that region to each in the order of the lines; # begins a comment. false with *error malloc'ed. */
bool sim_roads_read(struct sim_roads *roads, const char *text, char **error);
void sim_roads_take_matrix(struct sim_roads *roads, const struct sim_roads *from); /* they become WAN roads over its regions */
struct sim_road sim_roads_road(struct sim_roads *roads); /* for sim_config; a loan */

#endif
