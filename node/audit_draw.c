#include "node/audit_draw.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "crypto/text.h"

enum { LEFT = 190, TOP = 150, ROUND_WIDTH = 150, ROW_HEIGHT = 44, RIGHT = 330, DOT = 11, BLOCKS_MAX = 6 };

static const char *const colours[BLOCKS_MAX] = {"#2b6cb0", "#dd6b20", "#6b46c1", "#2f855a", "#b7791f", "#4a5568"};

struct drawing {
    struct emit *out;
    const struct docket *docket;
    uint32_t rows;
    int32_t rounds[AUDIT_DRAW_ROUNDS_MAX]; /* in which anything was said that is drawn, ascending */
    uint32_t round_count;
    bool is_cut;
    struct block_id blocks[BLOCKS_MAX]; /* the two of the fork first */
    uint32_t block_count;
};

static void put(struct drawing *drawing, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct drawing *drawing, const char *format, ...) {
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    emit_literal(drawing->out, text);
    emit_literal(drawing->out, "\n");
}

static void say(struct drawing *drawing, double x, double y, const char *style, const char *format, ...) __attribute__((format(printf, 5, 6)));
static void say(struct drawing *drawing, double x, double y, const char *style, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    put(drawing, "<text x=\"%.1f\" y=\"%.1f\" %s>%s</text>", x, y, style, text);
}

/* ---- what is drawn where */

static void note_round(struct drawing *drawing, int32_t round) {
    uint32_t at = 0;
    while (at < drawing->round_count && drawing->rounds[at] < round)
        at++;
    if (at < drawing->round_count && drawing->rounds[at] == round)
        return;
    if (drawing->round_count == AUDIT_DRAW_ROUNDS_MAX) {
        drawing->is_cut = true;
        return;
    }
    memmove(drawing->rounds + at + 1, drawing->rounds + at, (drawing->round_count - at) * sizeof drawing->rounds[0]);
    drawing->rounds[at] = round;
    drawing->round_count++;
}

static void note_block(struct drawing *drawing, const struct block_id *id) {
    for (uint32_t i = 0; i < drawing->block_count; i++)
        if (block_id_equal(&drawing->blocks[i], id))
            return;
    if (!block_id_is_nil(id) && drawing->block_count < BLOCKS_MAX)
        drawing->blocks[drawing->block_count++] = *id;
}

static void gather(struct drawing *drawing) {
    const struct docket *docket = drawing->docket;
    const struct audit_votes *votes = &docket->votes;
    for (int i = 0; i < 2; i++)
        if (docket->commits[i] != NULL) {
            note_round(drawing, docket->commits[i]->commit.round);
            note_block(drawing, &docket->commits[i]->id);
        }
    for (uint32_t i = 0; i < docket->report.count; i++) { /* what is to be seen comes first, should there be too many */
        const struct audit_finding *finding = &docket->report.findings[i];
        if (finding->a != NULL && finding->a->height == docket->height)
            note_round(drawing, finding->a->round);
        if (finding->b != NULL && finding->b->height == docket->height)
            note_round(drawing, finding->b->round);
    }
    for (uint32_t i = 0; i < votes->group_count; i++) {
        note_round(drawing, votes->groups[i].round);
        note_block(drawing, &votes->groups[i].id);
    }
}

static int column_of(const struct drawing *drawing, int32_t round) {
    for (uint32_t i = 0; i < drawing->round_count; i++)
        if (drawing->rounds[i] == round)
            return (int)i;
    return -1;
}

static double x_of(const struct drawing *drawing, const struct vote *vote) {
    return LEFT + column_of(drawing, vote->round) * ROUND_WIDTH + (vote->type == VOTE_PREVOTE ? ROUND_WIDTH * 0.28 : ROUND_WIDTH * 0.72);
}

static double y_of(uint32_t row) { return TOP + row * ROW_HEIGHT + ROW_HEIGHT / 2.0; }

static const char *colour_of(const struct drawing *drawing, const struct block_id *id) {
    for (uint32_t i = 0; i < drawing->block_count; i++)
        if (block_id_equal(&drawing->blocks[i], id))
            return colours[i];
    return "#718096";
}

/* "A", "B" for the two that were decided. */
static const char *letter_of(const struct drawing *drawing, const struct block_id *id) {
    static const char *const letters[BLOCKS_MAX] = {"A", "B", "C", "D", "E", "F"};
    for (uint32_t i = 0; i < drawing->block_count; i++)
        if (block_id_equal(&drawing->blocks[i], id))
            return letters[i];
    return block_id_is_nil(id) ? "nil" : "?";
}

/* ---- the parts of the picture */

static void draw_votes(struct drawing *drawing, uint32_t row, int32_t type) {
    uint32_t count;
    struct vote *const *votes = audit_votes_of(&drawing->docket->votes, &count, row, type);
    for (uint32_t i = 0; i < count; i++) {
        const struct vote *vote = votes[i];
        bool second = i > 0 && votes[i - 1]->round == vote->round, nil = block_id_is_nil(&vote->block_id);
        double x = x_of(drawing, vote) + (second ? 14 : 0), y = y_of(row) + (second ? 8 : 0);
        if (column_of(drawing, vote->round) < 0)
            continue;
        put(drawing, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%d\" fill=\"%s\" stroke=\"%s\" stroke-width=\"1.5\"/>", x, y, DOT,
            nil ? "#ffffff" : colour_of(drawing, &vote->block_id), nil ? "#a0aec0" : "#ffffff");
        say(drawing, x, y + 4, nil ? "class=\"nil\"" : "class=\"in\"", "%s", letter_of(drawing, &vote->block_id));
    }
}

/* From a precommit for a block until the next vote of the same validator for something else: what it owed. */
static void draw_lock(struct drawing *drawing, uint32_t row) {
    uint32_t precommit_count, prevote_count;
    struct vote *const *precommits = audit_votes_of(&drawing->docket->votes, &precommit_count, row, VOTE_PRECOMMIT);
    struct vote *const *prevotes = audit_votes_of(&drawing->docket->votes, &prevote_count, row, VOTE_PREVOTE);
    for (uint32_t i = 0; i < precommit_count; i++) {
        const struct vote *end = NULL, *last = NULL;
        if (block_id_is_nil(&precommits[i]->block_id) || column_of(drawing, precommits[i]->round) < 0)
            continue;
        for (uint32_t j = 0; j < prevote_count && end == NULL; j++) {
            if (prevotes[j]->round <= precommits[i]->round || column_of(drawing, prevotes[j]->round) < 0)
                continue;
            last = prevotes[j];
            end = block_id_equal(&prevotes[j]->block_id, &precommits[i]->block_id) ? NULL : prevotes[j];
        }
        if (last != NULL)
            put(drawing, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" stroke-width=\"5\" opacity=\"0.35\"/>",
                x_of(drawing, precommits[i]), y_of(row), x_of(drawing, end != NULL ? end : last), y_of(row), colour_of(drawing, &precommits[i]->block_id));
    }
}

static void draw_contradiction(struct drawing *drawing, const struct audit_finding *finding) {
    int32_t row = valset_find(drawing->docket->set, &finding->who);
    if (finding->a == NULL || finding->a->height != drawing->docket->height || row < 0 || (uint32_t)row >= drawing->rows ||
        finding->status == AUDIT_CLEARED || column_of(drawing, finding->a->round) < 0)
        return;
    double y = y_of((uint32_t)row), x1 = x_of(drawing, finding->a), x2 = x1;
    put(drawing, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%d\" class=\"ring\"/>", x1, y, DOT + 4);
    if (finding->b == NULL || column_of(drawing, finding->b->round) < 0)
        return;
    x2 = x_of(drawing, finding->b);
    bool same = x1 == x2;
    put(drawing, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%d\" class=\"ring\"/>", x2 + (same ? 14 : 0), y + (same ? 8 : 0), DOT + 4);
    put(drawing, "<path d=\"M%.1f %.1f Q%.1f %.1f %.1f %.1f\" class=\"clash\"/>", x1, y - DOT - 4, (x1 + x2) / 2, y - ROW_HEIGHT * 0.75, x2, y - DOT - 4);
    say(drawing, (x1 + x2) / 2, y - ROW_HEIGHT * 0.42, "class=\"claim\"", "%s", audit_kind_text(finding->kind));
}

static void draw_head(struct drawing *drawing, double width, double height) {
    const struct docket *docket = drawing->docket;
    put(drawing, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" height=\"%.0f\">", width, height, width, height);
    put(drawing, "<style>text{font-family:Helvetica,Arial,sans-serif;font-size:13px;fill:#1a202c}.h{font-size:19px;font-weight:bold}.s{fill:#4a5568;font-size:12px}"
                 ".m{text-anchor:middle}.in{text-anchor:middle;fill:#fff;font-size:11px;font-weight:bold}.nil{text-anchor:middle;fill:#718096;font-size:9px}"
                 ".ring{fill:none;stroke:#c53030;stroke-width:2.5}.clash{fill:none;stroke:#c53030;stroke-width:2.5;stroke-dasharray:5 3}"
                 ".claim{text-anchor:middle;fill:#c53030;font-weight:bold;font-size:12px;paint-order:stroke;stroke:#ffffff;stroke-width:5px}.v{font-weight:bold}.mono{font-family:monospace;font-size:12px}</style>");
    put(drawing, "<rect width=\"%.0f\" height=\"%.0f\" fill=\"#ffffff\"/>", width, height);
    say(drawing, 20, 34, "class=\"h\"", "%s at height %" PRId64, docket_is_fork(docket) ? "A fork" : "Votes", docket->height);
    say(drawing, 20, 55, "class=\"s\"", "lock rule %s%s", audit_rule_text(docket->rule), drawing->is_cut ? "; some rounds are left out" : "");
    for (int i = 0; i < 2; i++) {
        char hash[TEXT_HEX_SIZE(8)];
        if (docket->commits[i] == NULL)
            continue;
        text_hex_upper(hash, span_of(docket->commits[i]->id.hash.bytes, 8));
        put(drawing, "<circle cx=\"%d\" cy=\"%d\" r=\"8\" fill=\"%s\"/>", 28, 78 + 22 * i - 4, colours[i]);
        say(drawing, 44, 78 + 22 * i, "", "block %s <tspan class=\"mono\">%s…</tspan> was decided at round %d", letter_of(drawing, &docket->commits[i]->id), hash,
            docket->commits[i]->commit.round);
    }
}

static void draw_columns(struct drawing *drawing, double height) {
    for (uint32_t i = 0; i < drawing->round_count; i++) {
        double x = LEFT + i * ROUND_WIDTH;
        if (i % 2 == 0)
            put(drawing, "<rect x=\"%.1f\" y=\"%d\" width=\"%d\" height=\"%.1f\" fill=\"#f7fafc\"/>", x, TOP - 40, ROUND_WIDTH, height - TOP - 10);
        say(drawing, x + ROUND_WIDTH / 2.0, TOP - 24, "class=\"m v\"", "round %d", drawing->rounds[i]);
        say(drawing, x + ROUND_WIDTH * 0.28, TOP - 8, "class=\"m s\"", "prevote");
        say(drawing, x + ROUND_WIDTH * 0.72, TOP - 8, "class=\"m s\"", "precommit");
    }
}

static void draw_polkas(struct drawing *drawing) {
    const struct audit_votes *votes = &drawing->docket->votes;
    double y = TOP + drawing->rows * ROW_HEIGHT + 18;
    for (uint32_t i = 0; i < votes->group_count; i++) {
        const struct audit_group *group = &votes->groups[i];
        int column = column_of(drawing, group->round);
        if (column < 0 || group->power < valset_quorum(votes->set))
            continue;
        bool is_prevote = group->type == VOTE_PREVOTE;
        double x = LEFT + column * ROUND_WIDTH + ROUND_WIDTH * (is_prevote ? 0.28 : 0.72);
        put(drawing, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" style=\"font-size:11px;font-weight:bold;fill:%s\">%s %s</text>", x, y,
            block_id_is_nil(&group->id) ? "#718096" : colour_of(drawing, &group->id), is_prevote ? "polka" : block_id_is_nil(&group->id) ? "2/3" : "DECIDED",
            letter_of(drawing, &group->id));
    }
}

static const struct audit_finding *finding_of(const struct docket *docket, uint32_t row) {
    for (uint32_t i = 0; i < docket->report.count; i++)
        if (address_equal(&docket->report.findings[i].who, &docket->set->validators[row].address))
            return &docket->report.findings[i];
    return NULL;
}

static void draw_row(struct drawing *drawing, uint32_t row) {
    const struct docket *docket = drawing->docket;
    const struct validator *validator = &docket->set->validators[row];
    const struct audit_finding *finding = finding_of(docket, row);
    char address[TEXT_HEX_SIZE(20)];
    double y = y_of(row), end = LEFT + drawing->round_count * ROUND_WIDTH + 16;
    text_hex_upper(address, address_span(&validator->address));
    bool guilty = finding != NULL && finding->status <= AUDIT_CONVICTED_BY_SILENCE;
    put(drawing, "<line x1=\"20\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#e2e8f0\"/>", y + ROW_HEIGHT / 2.0, end + RIGHT - 30, y + ROW_HEIGHT / 2.0);
    say(drawing, 20, y + 1, "class=\"mono\"", "%.12s…", address);
    say(drawing, 20, y + 15, "class=\"s\"", "power %" PRId64 " of %" PRId64, validator->power, docket->set->total_power);
    if (finding != NULL) {
        put(drawing, "<text x=\"%.1f\" y=\"%.1f\" class=\"v\" style=\"fill:%s\">%s</text>", end, y,
            guilty ? "#c53030" : finding->status == AUDIT_CLEARED ? "#2f855a" : "#b7791f", audit_status_text(finding->status));
        say(drawing, end, y + 15, "class=\"s\"", "%s: %s", audit_kind_text(finding->kind),
            finding->status == AUDIT_CLEARED ? "a polka allowed it" : audit_kind_phrase(finding->kind));
    }
    draw_lock(drawing, row);
    draw_votes(drawing, row, VOTE_PREVOTE);
    draw_votes(drawing, row, VOTE_PRECOMMIT);
}

static void draw_foot(struct drawing *drawing, double y) {
    const struct audit_report *report = &drawing->docket->report;
    double total = report->total_power > 0 ? (double)report->total_power : 1;
    say(drawing, 20, y, "class=\"s\"", "A thick line is a lock: after its precommit a validator owes its prevote to that block, until a polka for something else frees it. Red: what contradicts.");
    say(drawing, 20, y + 22, "class=\"v\"", "proven %.0f %%, by their own logs %.0f %%, by silence %.0f %%, suspect %.0f %% of the power: %s", 100 * (double)report->proven_power / total,
        100 * (double)report->by_log_power / total, 100 * (double)report->by_silence_power / total, 100 * (double)report->suspect_power / total,
        report->third_reached ? "more than a third is convicted" : "not a third is convicted yet");
}

void audit_draw(struct emit *out, const struct docket *docket) {
    struct drawing drawing = {.out = out, .docket = docket};
    drawing.rows = docket->set->count < AUDIT_DRAW_VALIDATORS_MAX ? docket->set->count : AUDIT_DRAW_VALIDATORS_MAX;
    gather(&drawing);
    double width = LEFT + drawing.round_count * ROUND_WIDTH + RIGHT, height = TOP + drawing.rows * ROW_HEIGHT + 100;
    width = width < 900 ? 900 : width;
    draw_head(&drawing, width, height);
    draw_columns(&drawing, height - 40);
    for (uint32_t row = 0; row < drawing.rows; row++)
        draw_row(&drawing, row);
    for (uint32_t i = 0; i < docket->report.count; i++)
        draw_contradiction(&drawing, &docket->report.findings[i]);
    draw_polkas(&drawing);
    draw_foot(&drawing, height - 46);
    put(&drawing, "</svg>");
}
