/* The space-time diagram: a lane per node, time from left to right. */
#include <inttypes.h>

#include "node/sim_report.h"

#define LEFT      70
#define TOP       86
#define WIDTH     1500
#define SMALL     12 /* up to so many nodes every message is drawn, above it only what decided something */

struct frame {
    int64_t begin_us, end_us;
    double lane;
    uint32_t nodes;
};

static double x_of(const struct frame *frame, int64_t at_us) {
    return LEFT + (double)(at_us - frame->begin_us) * WIDTH / (double)(frame->end_us - frame->begin_us);
}

static double y_of(const struct frame *frame, uint32_t node) { return TOP + frame->lane * ((double)node + 0.5); }

static void find_frame(struct frame *frame, const struct sim_report *report) {
    *frame = (struct frame){.begin_us = INT64_MAX, .nodes = report->plan->config.nodes};
    for (size_t i = 0; i < report->flight_count; i++)
        if (report->flights[i].sent_us < frame->begin_us)
            frame->begin_us = report->flights[i].sent_us;
    for (uint32_t i = 0; i < frame->nodes; i++)
        if (report->nodes[i].decided_us > frame->end_us)
            frame->end_us = report->nodes[i].decided_us;
    int64_t margin = (frame->end_us - frame->begin_us) / 50 + 1;
    frame->begin_us -= margin;
    frame->end_us += margin;
    frame->lane = frame->nodes <= SMALL ? 70 : frame->nodes <= 40 ? 24 : 13;
}

/* A step that gives about ten lines: 1, 2 or 5 times a power of ten, in µs. */
static int64_t grid_of(int64_t span_us) {
    for (int64_t ten = 1;; ten *= 10)
        for (int64_t k = 1; k <= 5; k += k == 1 ? 1 : 3)
            if (span_us / (ten * k) <= 12)
                return ten * k;
}

static void draw_grid(FILE *out, const struct frame *frame) {
    double bottom = TOP + frame->lane * frame->nodes;
    int64_t step = grid_of(frame->end_us - frame->begin_us);
    for (int64_t at = 0; at < frame->end_us - frame->begin_us; at += step) {
        double x = x_of(frame, frame->begin_us + at);
        fprintf(out, "<line x1='%.1f' y1='%d' x2='%.1f' y2='%.1f' stroke='#e4e4e4'/><text x='%.1f' y='%d' text-anchor='middle'>%g ms</text>\n", x, TOP, x, bottom, x,
                TOP - 8, (double)at / 1000);
    }
    for (uint32_t i = 0; i < frame->nodes; i++) {
        double y = y_of(frame, i);
        fprintf(out, "<line x1='%d' y1='%.1f' x2='%d' y2='%.1f' stroke='#bbb' stroke-width='0.7'/><text x='%d' y='%.1f' text-anchor='end'>%u</text>\n", LEFT, y,
                LEFT + WIDTH, y, LEFT - 8, y + 4, i);
    }
}

static const char *const colours[] = {"#3366cc", "#e08a00", "#2a9d4a"};

/* Of large networks: what made the block whole, or two thirds full. The last vote comes late, and from anywhere: only its end counts. */
static void draw_flights(FILE *out, const struct frame *frame, const struct sim_report *report) {
    for (size_t i = 0; i < report->flight_count; i++) {
        const struct sim_report_flight *flight = &report->flights[i];
        if (flight->arrives_us > frame->end_us || (frame->nodes > SMALL && !flight->is_decisive))
            continue;
        bool bold = flight->is_decisive && frame->nodes <= SMALL;
        fprintf(out, "<line x1='%.1f' y1='%.1f' x2='%.1f' y2='%.1f' stroke='%s' stroke-width='%s' stroke-opacity='%s'/>\n", x_of(frame, flight->sent_us),
                y_of(frame, flight->from), x_of(frame, flight->arrives_us), y_of(frame, flight->to), colours[flight->kind], bold ? "1.8" : "0.8",
                bold ? "0.95" : frame->nodes <= SMALL ? "0.45" : "0.5");
    }
}

static void draw_marks(FILE *out, const struct frame *frame, const struct sim_report *report) {
    double r = frame->nodes <= SMALL ? 6 : frame->nodes <= 40 ? 4 : 2.8;
    for (uint32_t i = 0; i < frame->nodes; i++) {
        const struct sim_report_node *node = &report->nodes[i];
        double y = y_of(frame, i);
        if (node->prevoted_us > frame->begin_us)
            fprintf(out, "<circle cx='%.1f' cy='%.1f' r='%.1f' fill='white' stroke='#e08a00' stroke-width='1.5'/>\n", x_of(frame, node->prevoted_us), y, r * 0.7);
        if (node->locked_us != 0)
            fprintf(out, "<rect x='%.1f' y='%.1f' width='%.1f' height='%.1f' fill='#2a9d4a'/>\n", x_of(frame, node->locked_us) - r * 0.8, y - r * 0.8, r * 1.6,
                    r * 1.6);
        if (node->decided_us != 0)
            fprintf(out, "<circle cx='%.1f' cy='%.1f' r='%.1f' fill='#b3202c'/>\n", x_of(frame, node->decided_us), y, r);
    }
}

static void draw_legend(FILE *out, const struct frame *frame, const struct sim_report *report) {
    const struct sim_report_height *height = &report->heights[report->drawn_height - report->plan->config.initial_height];
    fprintf(out,
            "<text x='%d' y='24' font-size='16'>height %" PRId64 ": decided in round %d, %u transactions; %u nodes, a lane each; %s</text>\n"
            "<g transform='translate(%d,46)'><line x1='0' x2='24' y1='-4' y2='-4' stroke='%s' stroke-width='2'/><text x='30'>parts of the block</text>"
            "<line x1='160' x2='184' y1='-4' y2='-4' stroke='%s' stroke-width='2'/><text x='190'>prevotes</text>"
            "<line x1='270' x2='294' y1='-4' y2='-4' stroke='%s' stroke-width='2'/><text x='300'>precommits</text>"
            "<circle cx='400' cy='-4' r='4' fill='white' stroke='#e08a00' stroke-width='1.5'/><text x='410'>prevotes</text>"
            "<rect x='480' y='-9' width='10' height='10' fill='#2a9d4a'/><text x='496'>locks and precommits</text>"
            "<circle cx='650' cy='-4' r='5' fill='#b3202c'/><text x='662'>decided and executed</text></g>\n",
            LEFT, report->drawn_height, height->round, height->txs, frame->nodes,
            frame->nodes <= SMALL ? "drawn is what was new to its receiver, thick is what completed the block or two thirds"
                                  : "drawn is what completed the block or two thirds at its receiver",
            LEFT, colours[0], colours[1], colours[2]);
}

bool sim_report_draw(FILE *out, const struct sim_report *report) {
    struct frame frame;
    size_t place = (size_t)(report->drawn_height - report->plan->config.initial_height);
    if (report->drawn_height < report->plan->config.initial_height || place >= report->height_count ||
        report->heights[place].applied < report->plan->config.nodes || report->flight_count == 0)
        return false;
    find_frame(&frame, report);
    fprintf(out,
            "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%.0f' font-family='sans-serif' font-size='12'>\n"
            "<rect width='100%%' height='100%%' fill='white'/>\n",
            LEFT + WIDTH + 30, TOP + frame.lane * frame.nodes + 20);
    draw_grid(out, &frame);
    draw_flights(out, &frame, report);
    draw_marks(out, &frame, report);
    draw_legend(out, &frame, report);
    fprintf(out, "</svg>\n");
    return ferror(out) == 0;
}
