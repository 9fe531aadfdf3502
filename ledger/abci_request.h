/* ABCI 2.0 as it goes over a socket: a Request, behind its length (cometbft: abci/types/messages.go,
 * proto/tendermint/abci/types.proto; protocol.md §5). Pure: bytes to structs and back, both directions, for either side.
 *
 * What is decoded borrows from the bytes and takes its lists from the arena, whose bytes_max is the only bound: a list costs up to
 * ABCI_MESSAGE_GROWTH times the bytes that announced it. A call that we do not know (0.39.2 has two more) decodes as ABCI_NONE. Of several
 * values in one message the last counts, as in the generated Go code. */
#ifndef QUORATE_LEDGER_ABCI_REQUEST_H
#define QUORATE_LEDGER_ABCI_REQUEST_H

#include "ledger/abci.h"
#include "ledger/abci_call.h"

#define ABCI_MESSAGE_BYTES_MAX INT32_MAX /* of one message, as CometBFT has it from 0.38.1 on */
#define ABCI_MESSAGE_GROWTH    128
#define ABCI_MESSAGE_VERSION   "2.0.0" /* what Info tells */
#define ABCI_MESSAGE_LENGTH_MAX 5 /* bytes before a message */

enum abci_check_type { ABCI_CHECK_NEW = 0, ABCI_CHECK_AGAIN = 1 };
enum abci_status { ABCI_UNKNOWN = 0, ABCI_ACCEPT = 1, ABCI_REJECT = 2 }; /* of proposals and of vote extensions */
enum abci_snapshot_result { ABCI_SNAPSHOT_ACCEPT = 1, ABCI_SNAPSHOT_ABORT = 2, ABCI_SNAPSHOT_REJECT = 3 }; /* those that offer and apply share */

struct abci_snapshot {
    uint64_t height;
    uint32_t format, chunks;
    struct span hash, metadata;
};

struct abci_request {
    enum abci_call call;
    union {
        struct span echo;
        struct {
            struct span version, abci_version;
            uint64_t block_version, p2p_version;
        } info;
        struct abci_init_chain init_chain; /* params NULL: none given; decoded ones: of the arena */
        struct abci_query query;
        struct {
            struct span tx;
            int32_t type;
        } check_tx;
        struct {
            bool has_snapshot;
            struct abci_snapshot snapshot;
            struct span app_hash;
        } offer_snapshot;
        struct {
            uint64_t height;
            uint32_t format, chunk;
        } load_chunk;
        struct {
            uint32_t index;
            struct span chunk, sender;
        } apply_chunk;
        struct { /* prepare, process, extend, finalize */
            struct abci_block block;
            int64_t bytes_max; /* of a prepare: max_tx_bytes */
        };
        struct abci_extension verify_extension;
    };
};

void abci_request_write(struct proto_writer *writer, const struct abci_request *request);
bool abci_request_decode(struct abci_request *request, struct span bytes, struct arena *arena);

/* A snapshot's fields, within either message. */
void abci_snapshot_write(struct proto_writer *writer, uint32_t field, const struct abci_snapshot *snapshot);
void abci_snapshot_read(struct abci_snapshot *snapshot, struct proto_reader *outer, const struct proto_field *message);

#endif
