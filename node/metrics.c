#include "node/metrics.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum type { COUNTER, GAUGE, HISTOGRAM };
enum buckets { NONE, DEFAULT, STEPS, SIZES, LINEAR, STAGES, ABCI_CALLS, BUCKETS_COUNT };
enum { BUCKETS_MAX = 16 };

/* As the client library of CometBFT makes them. */
static const double bounds[BUCKETS_COUNT][BUCKETS_MAX] = {
    [DEFAULT] = {.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
    [STEPS] = {0.1, 0.2682695795279726, 0.7196856730011522, 1.930697728883251, 5.179474679231213, 13.894954943731381, 37.27593720314942, 100.00000000000004},
    [SIZES] = {1, 3, 9, 27, 81, 243, 729},
    [LINEAR] = {1, 11, 21, 31, 41, 51, 61, 71, 81, 91},
    [ABCI_CALLS] = {.0001, .0004, .002, .009, .02, .1, .65, 2, 6, 25},
    [STAGES] = {.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
};

static const struct family {
    const char *subsystem, *name, *labels, *help;
    enum type type;
    enum buckets buckets;
} families[METRICS_COUNT] = {
#define METRICS_FAMILY(id, subsystem, name, type, labels, buckets, help) {subsystem, name, labels, help, type, buckets},
    METRICS_TABLE(METRICS_FAMILY)
#undef METRICS_FAMILY
};

struct metrics_cell {
    struct metrics_cell *next;
    char labels[2][METRICS_LABEL_MAX];
    double value; /* of a histogram: the sum */
    uint64_t count;
    uint64_t *below; /* per bucket, not added up; NULL: no histogram */
    enum buckets buckets;
};

struct metrics {
    char space[64], chain_id[64];
    struct metrics_cell *first[METRICS_COUNT];
    uint32_t counts[METRICS_COUNT];
};

static size_t bucket_count(enum buckets buckets) {
    size_t count = 0;
    while (count < BUCKETS_MAX && bounds[buckets][count] != 0)
        count++;
    return count;
}

struct metrics *metrics_new(const char *space, const char *chain_id) {
    struct metrics *metrics = calloc(1, sizeof *metrics);
    assert(metrics != NULL);
    snprintf(metrics->space, sizeof metrics->space, "%s", space);
    snprintf(metrics->chain_id, sizeof metrics->chain_id, "%s", chain_id);
    for (uint32_t id = 0; id < METRICS_COUNT; id++) /* what has no labels is there from the start, at zero */
        if (families[id].labels[0] == '\0')
            metrics_cell(metrics, (enum metrics_id)id, NULL, NULL);
    return metrics;
}

static void drop_cells(struct metrics *metrics, enum metrics_id id) {
    while (metrics->first[id] != NULL) {
        struct metrics_cell *cell = metrics->first[id];
        metrics->first[id] = cell->next;
        free(cell->below);
        free(cell);
    }
    metrics->counts[id] = 0;
}

void metrics_free(struct metrics *metrics) {
    for (uint32_t id = 0; metrics != NULL && id < METRICS_COUNT; id++)
        drop_cells(metrics, (enum metrics_id)id);
    free(metrics);
}

void metrics_clear(struct metrics *metrics, enum metrics_id id) {
    if (metrics != NULL && families[id].labels[0] != '\0')
        drop_cells(metrics, id);
}

static bool has_label(const struct metrics_cell *cell, int which, const char *text) {
    return strncmp(cell->labels[which], text == NULL ? "" : text, METRICS_LABEL_MAX - 1) == 0;
}

static struct metrics_cell *find(const struct metrics *metrics, enum metrics_id id, const char *first, const char *second) {
    struct metrics_cell *cell = metrics->first[id];
    while (cell != NULL && !(has_label(cell, 0, first) && has_label(cell, 1, second)))
        cell = cell->next;
    return cell;
}

struct metrics_cell *metrics_cell(struct metrics *metrics, enum metrics_id id, const char *first, const char *second) {
    if (metrics == NULL)
        return NULL;
    struct metrics_cell *cell = find(metrics, id, first, second);
    if (cell != NULL || metrics->counts[id] == METRICS_SERIES_MAX)
        return cell;
    cell = calloc(1, sizeof *cell);
    assert(cell != NULL);
    snprintf(cell->labels[0], METRICS_LABEL_MAX, "%s", first == NULL ? "" : first);
    snprintf(cell->labels[1], METRICS_LABEL_MAX, "%s", second == NULL ? "" : second);
    cell->buckets = families[id].buckets;
    if (families[id].type == HISTOGRAM) {
        cell->below = calloc(bucket_count(cell->buckets) + 1, sizeof *cell->below);
        assert(cell->below != NULL);
    }
    cell->next = metrics->first[id];
    metrics->first[id] = cell;
    metrics->counts[id]++;
    return cell;
}

void metrics_cell_add(struct metrics_cell *cell, double amount) {
    if (cell != NULL)
        cell->value += amount;
}

static void observe(struct metrics_cell *cell, double value) {
    if (cell == NULL)
        return;
    for (size_t i = 0; i < BUCKETS_MAX && bounds[cell->buckets][i] != 0; i++)
        if (value <= bounds[cell->buckets][i]) {
            cell->below[i]++;
            break;
        }
    cell->value += value;
    cell->count++;
}

void metrics_add_to(struct metrics *metrics, enum metrics_id id, const char *first, const char *second, double amount) {
    metrics_cell_add(metrics_cell(metrics, id, first, second), amount);
}

void metrics_set_to(struct metrics *metrics, enum metrics_id id, const char *first, const char *second, double value) {
    struct metrics_cell *cell = metrics_cell(metrics, id, first, second);
    if (cell != NULL)
        cell->value = value;
}

void metrics_observe_to(struct metrics *metrics, enum metrics_id id, const char *first, double value) {
    observe(metrics_cell(metrics, id, first, NULL), value);
}

void metrics_observe_pair(struct metrics *metrics, enum metrics_id id, const char *first, const char *second, double value) {
    observe(metrics_cell(metrics, id, first, second), value);
}

void metrics_add(struct metrics *metrics, enum metrics_id id, double amount) { metrics_add_to(metrics, id, NULL, NULL, amount); }
void metrics_set(struct metrics *metrics, enum metrics_id id, double value) { metrics_set_to(metrics, id, NULL, NULL, value); }
void metrics_observe(struct metrics *metrics, enum metrics_id id, double value) { metrics_observe_to(metrics, id, NULL, value); }

void metrics_set_histogram(struct metrics *metrics, enum metrics_id id, const uint64_t *below, size_t count, double sum) {
    struct metrics_cell *cell = metrics_cell(metrics, id, NULL, NULL);
    if (cell == NULL)
        return;
    assert(count == bucket_count(cell->buckets) + 1);
    cell->value = sum;
    cell->count = 0;
    for (size_t i = 0; i < count; i++) {
        cell->below[i] = below[i];
        cell->count += below[i];
    }
}

double metrics_value(struct metrics *metrics, enum metrics_id id, const char *first, const char *second) {
    const struct metrics_cell *cell = metrics == NULL ? NULL : find(metrics, id, first, second);
    if (cell == NULL)
        return 0;
    return cell->below != NULL ? (double)cell->count : cell->value;
}

/* ---- the text */

static void put(struct emit *out, const char *text) { emit_literal(out, text); }

static void put_number(struct emit *out, double value) {
    char text[40];
    if (value == floor(value) && fabs(value) < 1e15)
        snprintf(text, sizeof text, "%.0f", value);
    else
        snprintf(text, sizeof text, "%.15g", value);
    put(out, text);
}

/* Label values may come from outside (a chain's id): backslash, quote and line end are escaped. */
static void put_label(struct emit *out, const char *name, size_t size, const char *value, bool *begun) {
    put(out, *begun ? "," : "{");
    *begun = true;
    emit_raw(out, span_of(name, size));
    put(out, "=\"");
    for (const char *at = value; *at != '\0'; at++) {
        if (*at == '\\' || *at == '"')
            put(out, "\\");
        emit_raw(out, *at == '\n' ? span_text("\\n") : span_of(at, 1));
    }
    put(out, "\"");
}

static void put_labels(struct emit *out, const struct metrics *metrics, const struct family *family, const struct metrics_cell *cell, const char *bound) {
    bool begun = false;
    int which = 0;
    if (strcmp(family->subsystem, "process") != 0)
        put_label(out, "chain_id", 8, metrics->chain_id, &begun);
    for (const char *at = family->labels; *at != '\0'; which++) {
        size_t size = strcspn(at, ",");
        put_label(out, at, size, cell->labels[which], &begun);
        at += size + (at[size] == ',');
    }
    if (bound != NULL)
        put_label(out, "le", 2, bound, &begun);
    put(out, begun ? "}" : "");
}

static void put_name(struct emit *out, const struct metrics *metrics, const struct family *family, const char *suffix) {
    bool is_comets = strcmp(family->subsystem, "quorate") != 0 && strcmp(family->subsystem, "process") != 0;
    if (is_comets && metrics->space[0] != '\0') {
        put(out, metrics->space);
        put(out, "_");
    }
    put(out, family->subsystem);
    put(out, "_");
    put(out, family->name);
    put(out, suffix);
}

static void put_sample(struct emit *out, const struct metrics *metrics, const struct family *family, const struct metrics_cell *cell, const char *suffix,
                       const char *bound, double value) {
    put_name(out, metrics, family, suffix);
    put_labels(out, metrics, family, cell, bound);
    put(out, " ");
    put_number(out, value);
    put(out, "\n");
}

static void put_histogram(struct emit *out, const struct metrics *metrics, const struct family *family, const struct metrics_cell *cell) {
    uint64_t below = 0;
    for (size_t i = 0; i < BUCKETS_MAX && bounds[cell->buckets][i] != 0; i++) {
        char bound[40];
        snprintf(bound, sizeof bound, "%.17g", bounds[cell->buckets][i]);
        if (strtod(bound, NULL) != 0 && strlen(bound) > 8)
            snprintf(bound, sizeof bound, "%.15g", bounds[cell->buckets][i]);
        below += cell->below[i];
        put_sample(out, metrics, family, cell, "_bucket", bound, (double)below);
    }
    put_sample(out, metrics, family, cell, "_bucket", "+Inf", (double)cell->count);
    put_sample(out, metrics, family, cell, "_sum", NULL, cell->value);
    put_sample(out, metrics, family, cell, "_count", NULL, (double)cell->count);
}

static void put_family(struct emit *out, const struct metrics *metrics, enum metrics_id id) {
    static const char *const types[] = {"counter", "gauge", "histogram"};
    const struct family *family = &families[id];
    if (metrics->first[id] == NULL)
        return;
    put(out, "# HELP ");
    put_name(out, metrics, family, " ");
    put(out, family->help);
    put(out, "\n# TYPE ");
    put_name(out, metrics, family, " ");
    put(out, types[family->type]);
    put(out, "\n");
    for (const struct metrics_cell *cell = metrics->first[id]; cell != NULL; cell = cell->next) {
        if (family->type == HISTOGRAM)
            put_histogram(out, metrics, family, cell);
        else
            put_sample(out, metrics, family, cell, "", NULL, cell->value);
    }
}

void metrics_write(const struct metrics *metrics, struct emit *out) {
    for (uint32_t id = 0; id < METRICS_COUNT; id++)
        put_family(out, metrics, (enum metrics_id)id);
}

/* ---- messages */

const char *metrics_message_name(uint8_t channel, uint8_t first_byte) {
    static const char *const consensus[] = {"", "consensus_NewRoundStep", "consensus_NewValidBlock", "consensus_Proposal", "consensus_ProposalPOL",
                                            "consensus_BlockPart", "consensus_Vote", "consensus_HasVote", "consensus_VoteSetMaj23", "consensus_VoteSetBits"};
    static const char *const blocksync[] = {"", "blocksync_BlockRequest", "blocksync_NoBlockResponse", "blocksync_BlockResponse", "blocksync_StatusRequest",
                                            "blocksync_StatusResponse"};
    static const char *const statesync[] = {"", "statesync_SnapshotsRequest", "statesync_SnapshotsResponse", "statesync_ChunkRequest", "statesync_ChunkResponse"};
    static const char *const pex[] = {"", "", "", "p2p_PexRequest", "p2p_PexAddrs"};
    unsigned field = first_byte >> 3;
    switch (channel) {
    case 0x00: return field < 5 ? pex[field] : "";
    case 0x20: case 0x21: case 0x22: case 0x23: return field < 10 ? consensus[field] : "";
    case 0x30: return "mempool_Txs";
    case 0x38: return "types_EvidenceList";
    case 0x40: return field < 6 ? blocksync[field] : "";
    case 0x60: case 0x61: return field < 5 ? statesync[field] : "";
    }
    return "";
}
