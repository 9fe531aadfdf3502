/* A row of the table: what a scenario is given, what it found, and the steps that scenarios share. Steps give false when the row has failed: `why` says it. */
#ifndef QUORATE_TESTS_INTEROP_ROW_H
#define QUORATE_TESTS_INTEROP_ROW_H

#include "tests/interop/chain.h"

#define ROW_ALL (~0u) /* nodes */

enum outcome { OUTCOME_GOOD, OUTCOME_FAILED, OUTCOME_NOT_YET, OUTCOME_MISSING };

struct row {
    const char *quorate, *comet, *folder; /* programs; the scenario's own folder */
    const char *kinds, *release;
    char homes_by;
    uint16_t base_port;
    int64_t extensions_from; /* fleet_wish; app too */
    const char *app;
    struct fleet fleet;
    enum outcome outcome;
    char heights[32], compared[400], why[1400];
};

void row_say(char *out, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4))); /* appends */
#define ROW_TELL(field, ...) row_say(row->field, sizeof row->field, __VA_ARGS__)
bool row_fail(struct row *row, char *error); /* takes the text; false */
bool row_want(struct row *row, bool fact, const char *otherwise);

struct fleet_wish row_wish(const struct row *row);
bool row_set_up(struct row *row, const struct fleet_wish *wish, uint32_t playing); /* homes, and the first `playing` (0: all) started and at height 2 */
bool row_restart(struct row *row); /* those that do not run */
bool row_reach(struct row *row, uint32_t nodes, int64_t height, unsigned timeout_ms);
bool row_go_on(struct row *row, uint32_t nodes, int64_t more, unsigned timeout_ms); /* all get so far beyond the highest of now */
bool row_is_of_one_mind(struct row *row, struct chain_facts *facts, int64_t first);
/* How many extended votes of that height its application was told of by the proposer of the next one; 0: none. */
int row_told(const struct row *row, uint32_t node, int64_t height);
/* Where an application extends votes: two thirds at least came with extensions that their signers had signed, whoever proposed. */
void row_hear_extensions(struct row *row, const struct chain_facts *facts);
void row_look_into_logs(struct row *row, unsigned mercy);

/* The load: a process of its own; endpoints may come and go. Stopping gives its exit status: 0, if what was accepted is in the chain once. */
pid_t row_start_load(const struct row *row, const char *rate);
int row_stop_load(pid_t pid);

#endif
