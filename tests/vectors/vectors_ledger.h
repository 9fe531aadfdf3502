/* The ledger's kinds that have a file of their own. */
#ifndef QUORATE_TESTS_VECTORS_LEDGER_H
#define QUORATE_TESTS_VECTORS_LEDGER_H

#include "tests/vectors/vectors.h"

void run_query_parse(struct vectors_report *report, const json_t *file, const char *path);
void run_query_match(struct vectors_report *report, const json_t *file, const char *path);

#endif
