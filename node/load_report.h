/* A run's outcome as text for people and as one line of JSON for scripts. */
#ifndef QUORATE_NODE_LOAD_REPORT_H
#define QUORATE_NODE_LOAD_REPORT_H

#include <stdio.h>

#include "node/load.h"

void load_report_text(FILE *out, const struct load_report *report);
void load_report_json(FILE *out, const struct load_report *report);
/* Up to ten of the lost, a line each. */
void load_report_lost(FILE *out, const struct load_tally *tally);
/* "850 µs", "12.3 ms", "1.25 s" */
#define LOAD_REPORT_DURATION_SIZE 32
const char *load_report_duration(char out[static LOAD_REPORT_DURATION_SIZE], int64_t us);

#endif
