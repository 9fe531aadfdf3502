/* A Response of ABCI 2.0; what abci_request.h says holds here too. */
#ifndef QUORATE_LEDGER_ABCI_RESPONSE_H
#define QUORATE_LEDGER_ABCI_RESPONSE_H

#include "ledger/abci_request.h"

struct abci_spans {
    uint32_t count;
    struct span *list;
};

struct abci_response {
    enum abci_call call;
    union {
        struct span error; /* of an exception */
        struct span echo;
        struct abci_info info;
        struct {
            bool has_params;
            struct span params_update; /* ConsensusParams bytes: absent sections mean no change */
            uint32_t validator_count;
            struct abci_validator_update *validators;
            struct app_hash app_hash;
        } init_chain;
        struct abci_answer query;
        struct abci_tx_result check_tx;
        int64_t retain_height; /* of a commit */
        struct {
            uint32_t count;
            struct abci_snapshot *list;
        } snapshots;
        int32_t result; /* of an offer */
        struct span chunk;
        struct {
            int32_t result;
            uint32_t refetch_count;
            uint32_t *refetch;
            struct abci_spans reject_senders;
        } apply_chunk;
        struct abci_spans txs; /* of a prepare */
        int32_t status; /* of process and verify */
        struct span extension;
        struct abci_finalized finalized;
    };
};

void abci_response_write(struct proto_writer *writer, const struct abci_response *response);
bool abci_response_decode(struct abci_response *response, struct span bytes, struct arena *arena);

#endif
