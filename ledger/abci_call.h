/* The calls of ABCI 2.0, by name. */
#ifndef QUORATE_LEDGER_ABCI_CALL_H
#define QUORATE_LEDGER_ABCI_CALL_H

#include <stdint.h>

enum abci_call {
    ABCI_NONE,
    ABCI_ECHO,
    ABCI_FLUSH,
    ABCI_INFO,
    ABCI_INIT_CHAIN,
    ABCI_QUERY,
    ABCI_CHECK_TX,
    ABCI_COMMIT,
    ABCI_LIST_SNAPSHOTS,
    ABCI_OFFER_SNAPSHOT,
    ABCI_LOAD_SNAPSHOT_CHUNK,
    ABCI_APPLY_SNAPSHOT_CHUNK,
    ABCI_PREPARE_PROPOSAL,
    ABCI_PROCESS_PROPOSAL,
    ABCI_EXTEND_VOTE,
    ABCI_VERIFY_VOTE_EXTENSION,
    ABCI_FINALIZE_BLOCK,
    ABCI_EXCEPTION, /* a response only */
    ABCI_CALL_COUNT,
};
const char *abci_call_text(enum abci_call call); /* "FinalizeBlock" */
/* The call whose field of the oneof has this number, by a table with the numbers of all. ABCI_NONE: no such. */
enum abci_call abci_call_of(const uint8_t numbers[static ABCI_CALL_COUNT], uint32_t number);

#endif
