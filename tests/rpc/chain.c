/* The chain of the ledger's tests, for the room above it. */
#include "tests/ledger/chain.c"
