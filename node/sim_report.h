/* What an operator asks of a network before it exists: how long a block takes, when a transaction is final, what a node must send; and one height as a
 * space-time diagram: who sent what to whom, when it arrived, when each one locked and decided. */
#ifndef QUORATE_NODE_SIM_REPORT_H
#define QUORATE_NODE_SIM_REPORT_H

#include "node/sim_run.h"

enum sim_report_kind { SIM_REPORT_BLOCK, SIM_REPORT_PREVOTE, SIM_REPORT_PRECOMMIT };

struct sim_report_flight { /* of the drawn height: what was new to whoever got it */
    int64_t sent_us, arrives_us;
    uint32_t from, to;
    enum sim_report_kind kind;
    bool is_decisive; /* made two thirds, or the block whole, at `to` */
};

struct sim_report_sent {
    int64_t sent_us;
    uint32_t next;
};

struct sim_report_node { /* of the drawn height */
    int64_t begun_us, prevoted_us, locked_us, precommitted_us, decided_us; /* 0: not */
    int64_t power_seen[2];
    uint32_t parts_seen;
};

struct sim_report_height {
    int64_t first_us, last_us; /* applied by the first and by the last */
    int32_t round;
    uint32_t applied, txs;
    int64_t bytes;
};

struct sim_report_tx {
    uint8_t hash[32];
    uint32_t node;
    int64_t admitted_us, final_us;
};

struct sim_report {
    struct sim *sim;
    const struct sim_plan *plan;
    int64_t drawn_height;
    int64_t draw_after_us; /* with drawn_height 0: the first that begins after that time is drawn; 0: none */
    uint32_t proposer; /* of the drawn height's block */
    struct sim_report_height *heights; /* from initial_height on */
    size_t height_count, height_capacity;
    struct sim_report_tx *txs;
    size_t tx_count, tx_capacity, tx_first_open;
    uint64_t bytes[8]; /* by kind of channel */
    uint64_t messages;
    struct sim_report_sent *sent; /* of the drawn height and under way: in order per pair, as links keep it */
    size_t sent_count, sent_capacity;
    uint32_t first_sent[SIM_NODES_MAX][SIM_NODES_MAX], last_sent[SIM_NODES_MAX][SIM_NODES_MAX]; /* places + 1; 0: none */
    struct sim_report_flight *flights;
    size_t flight_count, flight_capacity;
    struct sim_report_node nodes[SIM_NODES_MAX];
    uint8_t *known; /* nodes × items of the drawn height that reached them: parts, then prevotes and precommits by validator */
};

void sim_report_init(struct sim_report *report, const struct sim_plan *plan, int64_t drawn_height /* 0: none */);
void sim_report_close(struct sim_report *report);
struct sim_view sim_report_view(struct sim_report *report); /* a loan */
void sim_report_print(FILE *out, struct sim_report *report);
/* false: the height is not there, or was not gone through whole; of draw, also that it cannot be written. */
bool sim_report_can_draw(const struct sim_report *report);
bool sim_report_draw(FILE *out, const struct sim_report *report);

#endif
