#include "ledger/abci_call.h"

const char *abci_call_text(enum abci_call call) {
    static const char *const texts[ABCI_CALL_COUNT] = {
        [ABCI_NONE] = "an unknown call",
        [ABCI_ECHO] = "Echo",
        [ABCI_FLUSH] = "Flush",
        [ABCI_INFO] = "Info",
        [ABCI_INIT_CHAIN] = "InitChain",
        [ABCI_QUERY] = "Query",
        [ABCI_CHECK_TX] = "CheckTx",
        [ABCI_COMMIT] = "Commit",
        [ABCI_LIST_SNAPSHOTS] = "ListSnapshots",
        [ABCI_OFFER_SNAPSHOT] = "OfferSnapshot",
        [ABCI_LOAD_SNAPSHOT_CHUNK] = "LoadSnapshotChunk",
        [ABCI_APPLY_SNAPSHOT_CHUNK] = "ApplySnapshotChunk",
        [ABCI_PREPARE_PROPOSAL] = "PrepareProposal",
        [ABCI_PROCESS_PROPOSAL] = "ProcessProposal",
        [ABCI_EXTEND_VOTE] = "ExtendVote",
        [ABCI_VERIFY_VOTE_EXTENSION] = "VerifyVoteExtension",
        [ABCI_FINALIZE_BLOCK] = "FinalizeBlock",
        [ABCI_EXCEPTION] = "Exception",
    };
    return call >= 0 && call < ABCI_CALL_COUNT ? texts[call] : "an unknown call";
}

enum abci_call abci_call_of(const uint8_t numbers[static ABCI_CALL_COUNT], uint32_t number) {
    for (int call = ABCI_NONE + 1; call < ABCI_CALL_COUNT; call++)
        if (numbers[call] == number)
            return (enum abci_call)call;
    return ABCI_NONE;
}
