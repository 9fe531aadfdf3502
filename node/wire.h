/* Messages between nodes: bytes ↔ structs, pure, no allocation but the caller's arena (bit arrays and addresses), fuzzed
 * (protocol.md §3.6, §4.4, §6; cometbft proto/tendermint/{consensus,mempool,blocksync,p2p,statesync,privval}). Root messages with their oneof
 * wrapper, without length prefix. Decoding includes ValidateBasic: what comes out good is well-shaped. Spans are loans from the message.
 *
 * Every *_decode and *_parse gives NULL when good, else a static text why not. A *_parse takes whatever protobuf takes (the shape alone);
 * a *_decode adds the rules of the receiving reactor, and is what a peer's bytes go through. */
#ifndef QUORATE_NODE_WIRE_H
#define QUORATE_NODE_WIRE_H

#include "crypto/arena.h"
#include "ledger/part_set.h"
#include "tendermint/evidence.h"
#include "tendermint/vote.h"

enum wire_channel {
    WIRE_PEX = 0x00,
    WIRE_STATE = 0x20,
    WIRE_DATA = 0x21,
    WIRE_VOTE = 0x22,
    WIRE_VOTE_SET_BITS = 0x23,
    WIRE_MEMPOOL = 0x30,
    WIRE_EVIDENCE = 0x38,
    WIRE_BLOCKSYNC = 0x40,
    WIRE_SNAPSHOT = 0x60,
    WIRE_CHUNK = 0x61,
};

#define WIRE_CONSENSUS_BYTES_MAX 1048576

enum wire_consensus_kind { /* numbers of the oneof */
    WIRE_NEW_ROUND_STEP = 1,
    WIRE_NEW_VALID_BLOCK = 2,
    WIRE_PROPOSAL = 3,
    WIRE_PROPOSAL_POL = 4,
    WIRE_BLOCK_PART = 5,
    WIRE_VOTE_MESSAGE = 6,
    WIRE_HAS_VOTE = 7,
    WIRE_VOTE_SET_MAJ23 = 8,
    WIRE_VOTE_SET_BITS_MESSAGE = 9,
};

struct wire_bits { /* a bit array inside a message: words in the arena (decode) or lent (encode); bits beyond the end are zero */
    uint32_t bits;
    uint64_t *words;
};

struct wire_consensus {
    enum wire_consensus_kind kind;
    int64_t height;       /* all but PROPOSAL and VOTE */
    int32_t round;        /* PROPOSAL_POL: proposal_pol_round */
    uint32_t step;        /* NEW_ROUND_STEP */
    int64_t seconds_since_start;
    int32_t last_commit_round;
    struct part_header parts; /* NEW_VALID_BLOCK */
    struct wire_bits bits;    /* NEW_VALID_BLOCK, PROPOSAL_POL, VOTE_SET_BITS */
    bool is_commit;
    struct proposal proposal;
    struct vote vote;
    int32_t type;             /* HAS_VOTE, MAJ23, BITS */
    int32_t index;            /* HAS_VOTE */
    struct block_id block_id; /* MAJ23, BITS */
    struct part part;         /* BLOCK_PART; decoding leaves it alone for the other kinds: it is most of the struct */
};

/* `channel` must be the one that carries the kind. NEW_ROUND_STEP is also judged against the chain's initial height (ValidateHeight).
 * A negative round in VOTE_SET_BITS is refused, which CometBFT lets pass. Heights and rounds may be as large as their types: whoever adds one
 * to them must look first. */
const char *wire_consensus_parse(struct wire_consensus *out, struct span bytes, struct arena *arena);
const char *wire_consensus_check(const struct wire_consensus *message, int64_t initial_height);
const char *wire_consensus_decode(struct wire_consensus *out, struct span bytes, uint8_t channel, int64_t initial_height, struct arena *arena);
void wire_consensus_write(struct proto_writer *writer, const struct wire_consensus *message);
uint8_t wire_consensus_channel(enum wire_consensus_kind kind);

/* mempool.Message{Txs}: refuses no transaction, an empty one, one above tx_bytes_max, or together more than tx_bytes_max (wound 35). */
const char *wire_txs_decode(struct span **txs, uint32_t *count, struct span bytes, uint32_t tx_bytes_max, struct arena *arena);
void wire_txs_write(struct proto_writer *writer, const struct span *txs, uint32_t count);

/* types.EvidenceList, without a oneof around it; each piece passes evidence_check. */
#define WIRE_EVIDENCE_BYTES_MAX 1048576
const char *wire_evidence_parse(struct evidence **items, uint32_t *count, struct span bytes, struct arena *arena);
const char *wire_evidence_decode(struct evidence **items, uint32_t *count, struct span bytes, struct arena *arena);
void wire_evidence_write(struct proto_writer *writer, const struct evidence *items, uint32_t count);

#define WIRE_BLOCKSYNC_BYTES_MAX 104857605
enum wire_blocksync_kind { WIRE_BLOCK_REQUEST = 1, WIRE_NO_BLOCK = 2, WIRE_BLOCK_RESPONSE = 3, WIRE_STATUS_REQUEST = 4, WIRE_STATUS_RESPONSE = 5 };
struct wire_blocksync {
    enum wire_blocksync_kind kind;
    int64_t height, base;
    struct span block, extended_commit; /* bytes of the nested messages */
    bool has_block, has_extended_commit;
};
const char *wire_blocksync_parse(struct wire_blocksync *out, struct span bytes);
const char *wire_blocksync_decode(struct wire_blocksync *out, struct span bytes);
void wire_blocksync_write(struct proto_writer *writer, const struct wire_blocksync *message);

#define WIRE_ADDRESSES_MAX 250
#define WIRE_PEX_BYTES_MAX 64000
struct wire_address {
    struct span id, ip; /* texts as received: ip is a numeric address, id is whatever the peer wrote */
    uint32_t port;
};
struct wire_pex {
    bool is_request; /* PexRequest, else PexAddrs */
    uint32_t count;
    struct wire_address *addresses;
};
const char *wire_pex_decode(struct wire_pex *out, struct span bytes, struct arena *arena);
void wire_pex_write(struct proto_writer *writer, const struct wire_pex *message);

#define WIRE_SNAPSHOT_CHUNKS_MAX 100000 /* statesync.max_snapshot_chunks (wound 42) */
enum wire_statesync_kind { WIRE_SNAPSHOTS_REQUEST = 1, WIRE_SNAPSHOTS_RESPONSE = 2, WIRE_CHUNK_REQUEST = 3, WIRE_CHUNK_RESPONSE = 4 };
struct wire_statesync {
    enum wire_statesync_kind kind;
    uint64_t height;
    uint32_t format, chunks, index;
    struct span hash, metadata, chunk; /* chunk.data NULL: none came */
    bool missing;
};
/* What makes two offers the same snapshot (statesync/snapshots.go): SHA-256 of "height:format:chunks" ‖ hash ‖ metadata. Hash and metadata run together. */
void wire_snapshot_key(uint8_t out[static 32], const struct wire_statesync *offer);
const char *wire_statesync_parse(struct wire_statesync *out, struct span bytes);
const char *wire_statesync_decode(struct wire_statesync *out, struct span bytes);
void wire_statesync_write(struct proto_writer *writer, const struct wire_statesync *message);

enum wire_privval_kind {
    WIRE_PUB_KEY_REQUEST = 1, WIRE_PUB_KEY_RESPONSE = 2, WIRE_SIGN_VOTE_REQUEST = 3, WIRE_SIGNED_VOTE_RESPONSE = 4,
    WIRE_SIGN_PROPOSAL_REQUEST = 5, WIRE_SIGNED_PROPOSAL_RESPONSE = 6, WIRE_PING_REQUEST = 7, WIRE_PING_RESPONSE = 8,
};
struct wire_privval {
    enum wire_privval_kind kind;
    struct span chain_id;
    struct pubkey pub_key;
    struct vote vote;
    struct proposal proposal;
    bool has_vote, has_proposal, has_error; /* responses always carry their vote, proposal or key, even an empty one */
    int32_t error_code;
    struct span error_description;
};
const char *wire_privval_decode(struct wire_privval *out, struct span bytes);
void wire_privval_write(struct proto_writer *writer, const struct wire_privval *message);

#endif
