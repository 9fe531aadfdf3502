/* The handlers of the ledger room's kinds, by file. */
#ifndef QUORATE_TESTS_VECTORS_LEDGER_H
#define QUORATE_TESTS_VECTORS_LEDGER_H

#include "crypto/text.h"
#include "tests/vectors/vectors_tendermint.h"

/* The others have a file each. */
vectors_run run_query_parse, run_query_match;
/* vectors_ledger_abci.c */
vectors_run run_abci_frames, run_abci_cli_kvstore;

#endif
