#include "node/sim_roads.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/complaint.h"

#define LATENCY_US_MAX   10000000
#define FRAME_BYTES      1044 /* on the wire, of which 1024 are payload (secretconn.h) */
#define MESSAGE_OVERHEAD 20   /* packet and length headers */

static const char *const region_names[8] = {"virginia", "oregon", "saopaulo", "ireland", "frankfurt", "singapore", "tokyo", "sydney"};
static const int region_ms[8][8] = { /* one way, as the light and the cables are */
    {1, 32, 57, 34, 45, 108, 73, 99},    {32, 1, 88, 62, 71, 82, 49, 70},   {57, 88, 1, 89, 101, 161, 128, 156},
    {34, 62, 89, 1, 12, 87, 101, 128},   {45, 71, 101, 12, 1, 78, 112, 138}, {108, 82, 161, 87, 78, 1, 35, 46},
    {73, 49, 128, 101, 112, 35, 1, 52},  {99, 70, 156, 128, 138, 46, 52, 1},
};

const char *sim_roads_kind_text(enum sim_roads_kind kind) {
    static const char *const texts[] = {"uniform", "long tail", "wan"};
    return texts[kind];
}

void sim_roads_init(struct sim_roads *roads, enum sim_roads_kind kind, uint64_t seed) {
    *roads = (struct sim_roads){.kind = kind, .min_us = 1000, .max_us = 20000, .regions = 8, .chance = seed};
    for (int a = 0; a < 8; a++) {
        snprintf(roads->names[a], sizeof roads->names[a], "%s", region_names[a]);
        for (int b = 0; b < 8; b++)
            roads->region_us[a][b] = region_ms[a][b] * 1000;
    }
}

void sim_roads_mend(struct sim_roads *roads) {
    memset(roads->clog_ms, 0, sizeof roads->clog_ms);
    if (roads->max_us > roads->min_us + 50000)
        roads->max_us = roads->min_us + 50000;
    if (roads->bytes_per_s > 0 && roads->bytes_per_s < 10000000)
        roads->bytes_per_s = 10000000;
}

/* ---- a matrix from a file */

static char *refuse_line(int line, const char *why) { return complaint_of("latencies, line %d: %s", line, why); }

/* NULL: good. */
static char *read_line(struct sim_roads *roads, int line, char *text) {
    char *end, *word = strtok_r(text, " \t\r", &end);
    if (word == NULL)
        return NULL;
    if (roads->regions == SIM_ROADS_REGIONS_MAX)
        return refuse_line(line, "more regions than nodes");
    uint32_t region = roads->regions++, count = 0;
    snprintf(roads->names[region], sizeof roads->names[region], "%s", word);
    while ((word = strtok_r(NULL, " \t\r", &end)) != NULL) {
        char *rest;
        double ms = strtod(word, &rest);
        if (*rest != '\0' || !(ms >= 0) || ms * 1000 > LATENCY_US_MAX)
            return refuse_line(line, "milliseconds from 0 to 10000 are wanted");
        if (count == SIM_ROADS_REGIONS_MAX)
            return refuse_line(line, "more columns than nodes");
        roads->region_us[region][count++] = (int32_t)(ms * 1000);
    }
    return count > 0 ? NULL : refuse_line(line, "no latencies");
}

/* Columns that a line lacks or has too many are found by counting. */
static uint32_t columns_of(const char *line) {
    uint32_t words = 0;
    bool inside = false;
    for (; *line != '\0' && *line != '\n' && *line != '#'; line++) {
        bool is_word = *line != ' ' && *line != '\t' && *line != '\r';
        words += is_word && !inside;
        inside = is_word;
    }
    return words == 0 ? 0 : words - 1;
}

bool sim_roads_read(struct sim_roads *roads, const char *text, char **error) {
    roads->kind = SIM_ROADS_WAN;
    roads->regions = 0;
    *error = NULL;
    uint32_t columns = 0;
    int number = 0;
    for (const char *at = text; *at != '\0' && *error == NULL;) {
        char line[4096];
        size_t size = strcspn(at, "\n"), kept = strcspn(at, "#\n");
        number++;
        if (kept >= sizeof line)
            *error = refuse_line(number, "too long");
        uint32_t here = columns_of(at);
        if (*error == NULL && here > 0 && columns > 0 && here != columns)
            *error = refuse_line(number, "has not as many latencies as the lines before");
        columns = here > 0 ? here : columns;
        if (*error == NULL) {
            memcpy(line, at, kept);
            line[kept] = '\0';
            *error = read_line(roads, number, line);
        }
        at += size + (at[size] == '\n');
    }
    if (*error == NULL && (roads->regions == 0 || roads->regions != columns))
        *error = complaint_of("latencies: %u regions, but %u latencies a line", roads->regions, columns);
    return *error == NULL;
}

void sim_roads_take_matrix(struct sim_roads *roads, const struct sim_roads *from) {
    roads->kind = SIM_ROADS_WAN;
    roads->regions = from->regions;
    memcpy(roads->region_us, from->region_us, sizeof roads->region_us);
    memcpy(roads->names, from->names, sizeof roads->names);
}

/* ---- the way */

static uint64_t roll(struct sim_roads *roads) {
    uint64_t z = roads->chance += 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

static int64_t latency_us(struct sim_roads *roads, uint32_t from, uint32_t to) {
    int64_t spread = roads->max_us - roads->min_us, base;
    switch (roads->kind) {
    case SIM_ROADS_LONG_TAIL:
        base = spread / 4;
        base = roads->min_us + base * 500 / (int64_t)(1 + roll(roads) % 1000);
        break;
    case SIM_ROADS_WAN:
        base = roads->region_us[from % roads->regions][to % roads->regions];
        base += (int64_t)(roll(roads) % (uint64_t)(base / 10 + 1));
        break;
    default: base = roads->min_us + (spread > 0 ? (int64_t)(roll(roads) % (uint64_t)spread) : 0); break;
    }
    return base < LATENCY_US_MAX ? base : LATENCY_US_MAX;
}

static int64_t arrival_us(void *context, uint32_t from, uint32_t to, size_t bytes, int64_t now_us) {
    struct sim_roads *roads = context;
    int64_t leaves = now_us;
    if (bytes > 0) {
        size_t wire = (bytes + MESSAGE_OVERHEAD) * FRAME_BYTES / 1024;
        roads->bytes_sent[from] += wire;
        if (roads->bytes_per_s > 0) {
            int64_t *free_us = &roads->uplink_free_us[from];
            leaves = (*free_us > now_us ? *free_us : now_us) + (int64_t)wire * 1000000 / roads->bytes_per_s;
            *free_us = leaves;
        }
    }
    return leaves + latency_us(roads, from, to) + (int64_t)roads->clog_ms[from][to] * 1000;
}

struct sim_road sim_roads_road(struct sim_roads *roads) {
    return (struct sim_road){roads, arrival_us};
}
