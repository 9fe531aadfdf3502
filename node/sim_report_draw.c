/* The space-time diagram: a lane per node, time from left to right. */
#include <inttypes.h>

#include "node/sim_report.h"

#define LEFT      190
#define TOP       112
#define WIDTH     1380
#define SMALL     12 /* up to so many nodes every message is drawn, above it only what decided something */

struct frame {
    int64_t begin_us, end_us;
    double lane;
    uint32_t nodes;
    uint32_t lane_of[SIM_NODES_MAX]; /* nodes of a region stand together */
};

static double x_of(const struct frame *frame, int64_t at_us) {
    return LEFT + (double)(at_us - frame->begin_us) * WIDTH / (double)(frame->end_us - frame->begin_us);
}

static double y_of(const struct frame *frame, uint32_t node) { return TOP + frame->lane * ((double)frame->lane_of[node] + 0.5); }

static bool has_regions(const struct sim_report *report) { return report->plan->roads.kind == SIM_ROADS_WAN; }
static uint32_t region_of(const struct sim_report *report, uint32_t node) { return has_regions(report) ? node % report->plan->roads.regions : 0; }

static void order_lanes(struct frame *frame, const struct sim_report *report) {
    uint32_t lane = 0, regions = has_regions(report) ? report->plan->roads.regions : 1;
    for (uint32_t region = 0; region < regions; region++)
        for (uint32_t node = 0; node < frame->nodes; node++)
            if (region_of(report, node) == region)
                frame->lane_of[node] = lane++;
}

static void find_frame(struct frame *frame, const struct sim_report *report) {
    *frame = (struct frame){.begin_us = INT64_MAX, .nodes = report->plan->config.nodes};
    for (size_t i = 0; i < report->flight_count; i++)
        if (report->flights[i].sent_us < frame->begin_us)
            frame->begin_us = report->flights[i].sent_us;
    for (uint32_t i = 0; i < frame->nodes; i++)
        if (report->nodes[i].decided_us > frame->end_us)
            frame->end_us = report->nodes[i].decided_us;
    for (uint32_t i = 0; i < frame->nodes && report->flight_count == 0; i++) /* one alone sends nothing */
        if (report->nodes[i].begun_us < frame->begin_us)
            frame->begin_us = report->nodes[i].begun_us;
    frame->end_us += (frame->end_us - frame->begin_us) / 50 + 1;
    frame->lane = frame->nodes <= SMALL ? 70 : frame->nodes <= 40 ? 24 : 13;
    order_lanes(frame, report);
}

/* A step that gives about ten lines: 1, 2 or 5 times a power of ten, in µs. */
static int64_t grid_of(int64_t span_us) {
    for (int64_t ten = 1;; ten *= 10)
        for (int64_t k = 1; k <= 5; k += k == 1 ? 1 : 3)
            if (span_us / (ten * k) <= 12)
                return ten * k;
}

static void draw_times(FILE *out, const struct frame *frame) {
    double bottom = TOP + frame->lane * frame->nodes;
    int64_t step = grid_of(frame->end_us - frame->begin_us);
    for (int64_t at = 0; at < frame->end_us - frame->begin_us; at += step) {
        double x = x_of(frame, frame->begin_us + at);
        fprintf(out, "<line x1='%.1f' y1='%d' x2='%.1f' y2='%.1f' stroke='#e4e4e4'/>\n", x, TOP, x, bottom);
        fprintf(out, "<text x='%.1f' y='%d' text-anchor='middle'>%g</text><text x='%.1f' y='%.1f' text-anchor='middle'>%g</text>\n", x, TOP - 8, (double)at / 1000, x,
                bottom + 16, (double)at / 1000);
    }
    fprintf(out, "<text x='%d' y='%.1f' text-anchor='middle'>milliseconds since this height's first message</text>\n", LEFT + WIDTH / 2, bottom + 34);
}

/* Of many nodes the name of a region stands once, beside its first lane. */
static void draw_lanes(FILE *out, const struct frame *frame, const struct sim_report *report) {
    bool is_small = frame->nodes <= SMALL;
    for (uint32_t i = 0; i < frame->nodes; i++) {
        double y = y_of(frame, i);
        bool is_first = has_regions(report) && i < report->plan->roads.regions;
        fprintf(out, "<line x1='%d' y1='%.1f' x2='%d' y2='%.1f' stroke='#c4c4c4' stroke-width='0.7'/>", LEFT, y, LEFT + WIDTH, y);
        fprintf(out, "<text x='%d' y='%.1f' text-anchor='end' font-size='%d'%s>%s%u</text>\n", LEFT - 8, y + 4, is_small ? 13 : 10,
                i == report->proposer ? " font-weight='bold'" : "", i == report->proposer ? "proposer " : "", i);
        if (has_regions(report) && (is_small || is_first))
            fprintf(out, "<text x='8' y='%.1f' font-size='13' fill='#555'>%s</text>\n", y + 4, report->plan->roads.names[region_of(report, i)]);
        if (!is_small && is_first && i > 0)
            fprintf(out, "<line x1='8' y1='%.1f' x2='%d' y2='%.1f' stroke='#999'/>\n", y - frame->lane / 2, LEFT + WIDTH, y - frame->lane / 2);
    }
}

static const char *const colours[] = {"#3366cc", "#e08a00", "#2a9d4a"};

static const char *const kind_names[] = {"parts of the block", "prevote", "precommit"};

/* Of large networks: what made the block whole, or two thirds full. The last vote comes late, and from anywhere: only its end counts. */
static void draw_flights(FILE *out, const struct frame *frame, const struct sim_report *report) {
    bool is_small = frame->nodes <= SMALL;
    for (size_t i = 0; i < report->flight_count; i++) {
        const struct sim_report_flight *flight = &report->flights[i];
        if (flight->arrives_us > frame->end_us || (!is_small && !flight->is_decisive))
            continue;
        bool bold = flight->is_decisive && is_small;
        fprintf(out, "<line x1='%.1f' y1='%.1f' x2='%.1f' y2='%.1f' stroke='%s' stroke-width='%s' stroke-opacity='%s'>", x_of(frame, flight->sent_us),
                y_of(frame, flight->from), x_of(frame, flight->arrives_us), y_of(frame, flight->to), colours[flight->kind], bold ? "2" : "0.9",
                bold ? "0.95" : is_small ? "0.55" : "0.4");
        fprintf(out, "<title>%s, %u to %u: %.1f to %.1f ms</title></line>\n", kind_names[flight->kind], flight->from, flight->to,
                (double)(flight->sent_us - frame->begin_us) / 1000, (double)(flight->arrives_us - frame->begin_us) / 1000);
    }
}

static void draw_marks(FILE *out, const struct frame *frame, const struct sim_report *report) {
    double r = frame->nodes <= SMALL ? 6 : frame->nodes <= 40 ? 4 : 2.8;
    for (uint32_t i = 0; i < frame->nodes; i++) {
        const struct sim_report_node *node = &report->nodes[i];
        double y = y_of(frame, i);
        if (node->prevoted_us >= frame->begin_us)
            fprintf(out, "<circle cx='%.1f' cy='%.1f' r='%.1f' fill='white' stroke='#e08a00' stroke-width='1.5'/>\n", x_of(frame, node->prevoted_us), y, r * 0.7);
        if (node->locked_us != 0)
            fprintf(out, "<rect x='%.1f' y='%.1f' width='%.1f' height='%.1f' fill='#2a9d4a'/>\n", x_of(frame, node->locked_us) - r * 0.8, y - r * 0.8, r * 1.6,
                    r * 1.6);
        if (node->decided_us != 0)
            fprintf(out, "<circle cx='%.1f' cy='%.1f' r='%.1f' fill='#b3202c'/>\n", x_of(frame, node->decided_us), y, r);
    }
}

struct spread { /* of a moment, over all nodes */
    int64_t first_us, last_us;
};

static void note_moment(struct spread *spread, int64_t at_us) {
    if (at_us != 0 && (spread->first_us == 0 || at_us < spread->first_us))
        spread->first_us = at_us;
    if (at_us > spread->last_us)
        spread->last_us = at_us;
}

static void draw_moments(FILE *out, const struct frame *frame, const struct sim_report *report) {
    static const char *const names[] = {"prevoted", "locked", "decided"};
    struct spread spreads[3] = {{0, 0}};
    for (uint32_t i = 0; i < frame->nodes; i++) {
        note_moment(&spreads[0], report->nodes[i].prevoted_us);
        note_moment(&spreads[1], report->nodes[i].locked_us);
        note_moment(&spreads[2], report->nodes[i].decided_us);
    }
    fprintf(out, "<text x='%d' y='46'>the first and the last node", LEFT);
    for (int i = 0; i < 3; i++)
        if (spreads[i].last_us != 0)
            fprintf(out, "%s %s at %.1f and %.1f ms", i == 0 ? "" : ",", names[i], (double)(spreads[i].first_us - frame->begin_us) / 1000,
                    (double)(spreads[i].last_us - frame->begin_us) / 1000);
    fprintf(out, "</text>\n");
}

static void draw_legend(FILE *out, const struct frame *frame, const struct sim_report *report) {
    const struct sim_report_height *height = &report->heights[report->drawn_height - report->plan->config.initial_height];
    fprintf(out, "<text x='%d' y='26' font-size='18'>Height %" PRId64 ", decided in round %d: %u transactions, %u validators</text>\n", LEFT, report->drawn_height,
            height->round, height->txs, frame->nodes);
    draw_moments(out, frame, report);
    fprintf(out,
            "<g transform='translate(%d,70)'><line x1='0' x2='24' y1='-4' y2='-4' stroke='%s' stroke-width='2'/><text x='30'>parts of the block</text>"
            "<line x1='160' x2='184' y1='-4' y2='-4' stroke='%s' stroke-width='2'/><text x='190'>prevote</text>"
            "<line x1='260' x2='284' y1='-4' y2='-4' stroke='%s' stroke-width='2'/><text x='290'>precommit</text>"
            "<circle cx='380' cy='-4' r='4' fill='white' stroke='#e08a00' stroke-width='1.5'/><text x='390'>prevotes</text>"
            "<rect x='460' y='-9' width='10' height='10' fill='#2a9d4a'/><text x='476'>locks, precommits</text>"
            "<circle cx='600' cy='-4' r='5' fill='#b3202c'/><text x='612'>decided and executed</text><text x='770' fill='#555'>%s</text></g>\n",
            LEFT, colours[0], colours[1], colours[2],
            frame->nodes <= SMALL ? "drawn: what was new to who got it; thick: what made the block whole or two thirds full"
                                  : "drawn: only what made the block whole, or two thirds full, where it arrived");
}

bool sim_report_can_draw(const struct sim_report *report) {
    size_t place = (size_t)(report->drawn_height - report->plan->config.initial_height);
    return report->drawn_height >= report->plan->config.initial_height && place < report->height_count &&
           report->heights[place].applied >= report->plan->config.nodes;
}

bool sim_report_draw(FILE *out, const struct sim_report *report) {
    struct frame frame;
    if (!sim_report_can_draw(report))
        return false;
    find_frame(&frame, report);
    fprintf(out,
            "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%.0f' viewBox='0 0 %d %.0f' font-family='sans-serif' font-size='12'>\n"
            "<rect width='100%%' height='100%%' fill='white'/>\n",
            LEFT + WIDTH + 30, TOP + frame.lane * frame.nodes + 46, LEFT + WIDTH + 30, TOP + frame.lane * frame.nodes + 46);
    draw_times(out, &frame);
    draw_lanes(out, &frame, report);
    draw_flights(out, &frame, report);
    draw_marks(out, &frame, report);
    draw_legend(out, &frame, report);
    fprintf(out, "</svg>\n");
    return ferror(out) == 0;
}
