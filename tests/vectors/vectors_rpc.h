/* Inside of the vectors of rpc. */
#ifndef QUORATE_TESTS_VECTORS_RPC_H
#define QUORATE_TESTS_VECTORS_RPC_H

#include "tests/vectors/vectors.h"

void vectors_rpc_fixtures(struct vectors_report *report, const json_t *file, const char *path);
void vectors_rpc_amino(struct vectors_report *report, const json_t *file, const char *path);

#endif
