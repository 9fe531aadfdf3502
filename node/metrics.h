/* Numbers for Prometheus: CometBFT's names, types and labels (protocol.md §8.5; cometbft: the metrics.go of each package, v0.38), and ours under
 * "quorate_". A registry and its text, pure: no clock, no socket. Nothing that is decided ever reads it. All calls take NULL and then do nothing, so
 * that whoever counts need not ask whether anybody looks.
 *
 * Bounds: METRICS_SERIES_MAX series per family; of more, the rest is not counted. */
#ifndef QUORATE_NODE_METRICS_H
#define QUORATE_NODE_METRICS_H

#include "genesis/emit.h"

#define METRICS_SERIES_MAX 1024
#define METRICS_LABEL_MAX  64 /* bytes of a label's value, NUL included; the rest is cut */
#define METRICS_TYPE       "text/plain; version=0.0.4; charset=utf-8"

/* id, subsystem, name, type, labels, buckets, help. Subsystem "quorate": ours, without the namespace. */
#define METRICS_TABLE(X) \
    X(HEIGHT, "consensus", "height", GAUGE, "", NONE, "Height of the chain.") \
    X(VALIDATOR_LAST_SIGNED, "consensus", "validator_last_signed_height", GAUGE, "validator_address", NONE, "Last height signed by this validator if the node is a validator.") \
    X(ROUNDS, "consensus", "rounds", GAUGE, "", NONE, "Number of rounds.") \
    X(ROUND_DURATION, "consensus", "round_duration_seconds", HISTOGRAM, "", STEPS, "Histogram of round duration.") \
    X(VALIDATORS, "consensus", "validators", GAUGE, "", NONE, "Number of validators.") \
    X(VALIDATORS_POWER, "consensus", "validators_power", GAUGE, "", NONE, "Total power of all validators.") \
    X(VALIDATOR_POWER, "consensus", "validator_power", GAUGE, "validator_address", NONE, "Power of a validator.") \
    X(VALIDATOR_MISSED, "consensus", "validator_missed_blocks", GAUGE, "validator_address", NONE, "Amount of blocks missed per validator.") \
    X(MISSING, "consensus", "missing_validators", GAUGE, "", NONE, "Number of validators who did not sign.") \
    X(MISSING_POWER, "consensus", "missing_validators_power", GAUGE, "", NONE, "Total power of the missing validators.") \
    X(BYZANTINE, "consensus", "byzantine_validators", GAUGE, "", NONE, "Number of validators who tried to double sign.") \
    X(BYZANTINE_POWER, "consensus", "byzantine_validators_power", GAUGE, "", NONE, "Total power of the byzantine validators.") \
    X(BLOCK_INTERVAL, "consensus", "block_interval_seconds", HISTOGRAM, "", DEFAULT, "Time between this and the last block.") \
    X(NUM_TXS, "consensus", "num_txs", GAUGE, "", NONE, "Number of transactions.") \
    X(BLOCK_SIZE, "consensus", "block_size_bytes", GAUGE, "", NONE, "Size of the block.") \
    X(CHAIN_SIZE, "consensus", "chain_size_bytes", COUNTER, "", NONE, "Size of the chain in bytes.") \
    X(TOTAL_TXS, "consensus", "total_txs", GAUGE, "", NONE, "Total number of transactions.") \
    X(LATEST_HEIGHT, "consensus", "latest_block_height", GAUGE, "", NONE, "The latest block height.") \
    X(BLOCK_PARTS, "consensus", "block_parts", COUNTER, "peer_id", NONE, "Number of block parts transmitted by each peer.") \
    X(DUPLICATE_PART, "consensus", "duplicate_block_part", COUNTER, "", NONE, "Number of times we received a duplicate block part") \
    X(DUPLICATE_VOTE, "consensus", "duplicate_vote", COUNTER, "", NONE, "Number of times we received a duplicate vote") \
    X(STEP_DURATION, "consensus", "step_duration_seconds", HISTOGRAM, "step", STEPS, "Histogram of durations for each step in the consensus protocol.") \
    X(PARTS_RECEIVED, "consensus", "block_gossip_parts_received", COUNTER, "matches_current", NONE, "Number of block parts received by the node, separated by whether the part was relevant to the block the node is trying to gather or not.") \
    X(QUORUM_PREVOTE, "consensus", "quorum_prevote_delay", GAUGE, "proposer_address", NONE, "Interval in seconds between the proposal timestamp and the timestamp of the earliest prevote that achieved a quorum.") \
    X(QUORUM_PRECOMMIT, "consensus", "quorum_precommit_delay", GAUGE, "proposer_address", NONE, "Interval in seconds between the proposal timestamp and the timestamp of the earliest precommit that achieved a quorum.") \
    X(FULL_PREVOTE, "consensus", "full_prevote_delay", GAUGE, "proposer_address", NONE, "Interval in seconds between the proposal timestamp and the timestamp of the latest prevote in a round where all validators voted.") \
    X(PRECOMMITS_COUNTED, "consensus", "precommits_counted", GAUGE, "", NONE, "Number of precommit votes counted after the timeout commit period has ended.") \
    X(PRECOMMITS_STAKE, "consensus", "precommits_staking_percentage", GAUGE, "", NONE, "Voting power percentage of precommit votes once the timeout commit period has ended.") \
    X(EXTENSIONS_RECEIVED, "consensus", "vote_extension_receive_count", COUNTER, "status", NONE, "Number of vote extensions received by this node, accepted or rejected.") \
    X(PROPOSALS_RECEIVED, "consensus", "proposal_receive_count", COUNTER, "status", NONE, "Number of proposals received by this node, accepted or rejected.") \
    X(PROPOSALS_CREATED, "consensus", "proposal_create_count", COUNTER, "", NONE, "Number of proposals created by this node since process start.") \
    X(ROUND_POWER, "consensus", "round_voting_power_percent", GAUGE, "vote_type", NONE, "Share of the total voting power received within a round.") \
    X(LATE_VOTES, "consensus", "late_votes", COUNTER, "vote_type", NONE, "Number of votes received that correspond to earlier heights and rounds than this node is currently in.") \
    X(PEER_HEIGHT, "consensus", "peer_height", GAUGE, "peer_id", NONE, "Height that a peer says it is at.") \
    X(PEERS, "p2p", "peers", GAUGE, "", NONE, "Number of peers.") \
    X(PEER_RECEIVED, "p2p", "peer_receive_bytes_total", COUNTER, "peer_id,chID", NONE, "Number of bytes received from a given peer.") \
    X(PEER_SENT, "p2p", "peer_send_bytes_total", COUNTER, "peer_id,chID", NONE, "Number of bytes sent to a given peer.") \
    X(PEER_PENDING, "p2p", "peer_pending_send_bytes", GAUGE, "peer_id", NONE, "Pending bytes to be sent to a given peer.") \
    X(MESSAGE_RECEIVED, "p2p", "message_receive_bytes_total", COUNTER, "message_type", NONE, "Number of bytes of each message type received.") \
    X(MESSAGE_SENT, "p2p", "message_send_bytes_total", COUNTER, "message_type", NONE, "Number of bytes of each message type sent.") \
    X(ACTIVE_OUTBOUND, "mempool", "active_outbound_connections", GAUGE, "", NONE, "Number of connections being actively used for gossiping transactions (experimental feature).") \
    X(MEMPOOL_SIZE, "mempool", "size", GAUGE, "", NONE, "Number of uncommitted transactions in the mempool.") \
    X(MEMPOOL_BYTES, "mempool", "size_bytes", GAUGE, "", NONE, "Total size of the mempool in bytes.") \
    X(TX_SIZE, "mempool", "tx_size_bytes", HISTOGRAM, "", SIZES, "Histogram of transaction sizes in bytes.") \
    X(FAILED_TXS, "mempool", "failed_txs", COUNTER, "", NONE, "Number of failed transactions.") \
    X(REJECTED_TXS, "mempool", "rejected_txs", COUNTER, "", NONE, "Number of rejected transactions.") \
    X(EVICTED_TXS, "mempool", "evicted_txs", COUNTER, "", NONE, "Number of evicted transactions.") \
    X(RECHECKS, "mempool", "recheck_times", COUNTER, "", NONE, "Number of times transactions are rechecked in the mempool.") \
    X(ALREADY_RECEIVED, "mempool", "already_received_txs", COUNTER, "", NONE, "Number of duplicate transaction receptions.") \
    X(BLOCK_PROCESSING, "state", "block_processing_time", HISTOGRAM, "", LINEAR, "Time spent processing FinalizeBlock, in ms.") \
    X(PARAM_UPDATES, "state", "consensus_param_updates", COUNTER, "", NONE, "Number of consensus parameter updates returned by the application since process start.") \
    X(SET_UPDATES, "state", "validator_set_updates", COUNTER, "", NONE, "Number of validator set updates returned by the application since process start.") \
    X(SYNCING, "blocksync", "syncing", GAUGE, "", NONE, "Whether or not a node is block syncing. 1 if yes, 0 if no.") \
    X(SYNC_NUM_TXS, "blocksync", "num_txs", GAUGE, "", NONE, "Number of transactions in the latest block.") \
    X(SYNC_TOTAL_TXS, "blocksync", "total_txs", GAUGE, "", NONE, "Total number of transactions.") \
    X(SYNC_BLOCK_SIZE, "blocksync", "block_size_bytes", GAUGE, "", NONE, "Size of the latest block.") \
    X(SYNC_HEIGHT, "blocksync", "latest_block_height", GAUGE, "", NONE, "The height of the latest block.") \
    X(ABCI, "abci_connection", "method_timing_seconds", HISTOGRAM, "method,type", ABCI_CALLS, "Timing for each ABCI method.") \
    X(STATESYNC, "statesync", "syncing", GAUGE, "", NONE, "Whether or not a node is state syncing. 1 if yes, 0 if no.") \
    X(STAGE, "quorate", "stage_seconds", HISTOGRAM, "stage", STAGES, "Time in each stage of a block's way: judge, journal, sign, apply, notify; collect: from a proposal to its whole block; decide: to its decision.") \
    X(FLUSHES, "quorate", "flushes_total", COUNTER, "what", NONE, "How often the disk was waited for: files (journal, signing mark) and store.") \
    X(STORE_WRITTEN, "quorate", "store_written_bytes_total", COUNTER, "", NONE, "Bytes written to the store.") \
    X(SIGNATURES, "quorate", "signature_checks_total", COUNTER, "result", NONE, "Signatures of votes: good, bad, and known from before, which are not checked again.") \
    X(SEND_QUEUE, "quorate", "send_queue_messages", GAUGE, "peer_id,chID", NONE, "Messages that wait for a peer, by channel.") \
    X(VALIDATOR_ABSENT, "quorate", "validator_absent", GAUGE, "validator_address", NONE, "1: not in the last commit.") \
    X(VALIDATOR_SIGNED, "quorate", "validator_last_signed_height", GAUGE, "validator_address", NONE, "Last height with a precommit of each validator.") \
    X(SUSPECTED_PEER, "quorate", "peer_suspected", GAUGE, "peer_id", NONE, "1: longer silent than a peer that lives would be.") \
    X(SUSPECTED_VALIDATOR, "quorate", "validator_suspected", GAUGE, "validator_address", NONE, "1: its votes are longer missing than those of a validator that lives would be.") \
    X(ROUND_TRIP, "quorate", "peer_round_trip_seconds", GAUGE, "peer_id", NONE, "The last ping to its pong.") \
    X(SUSPICIONS, "quorate", "suspicions_total", COUNTER, "what", NONE, "How often a suspicion began: of a peer, of a validator; and how many of them were mistaken.") \
    X(MUTED, "quorate", "signing_muted", GAUGE, "", NONE, "1: this node signs nothing for now (the disk is almost full).") \
    X(FORKED, "quorate", "fork_alarm", GAUGE, "", NONE, "1: two conflicting commits of this chain were seen, a human must look.") \
    X(TWO_PARENTS, "quorate", "two_parents_power", GAUGE, "", NONE, "Voting power that was seen to vote at one height for blocks on two parents.") \
    X(HALTED, "quorate", "halted", GAUGE, "", NONE, "1: agreement stopped at this node, a human must look.") \
    X(CPU, "process", "cpu_seconds_total", COUNTER, "", NONE, "Total user and system CPU time spent in seconds.") \
    X(MEMORY, "process", "resident_memory_bytes", GAUGE, "", NONE, "Resident memory size in bytes.") \
    X(VIRTUAL_MEMORY, "process", "virtual_memory_bytes", GAUGE, "", NONE, "Virtual memory size in bytes.") \
    X(OPEN_FDS, "process", "open_fds", GAUGE, "", NONE, "Number of open file descriptors.") \
    X(MAX_FDS, "process", "max_fds", GAUGE, "", NONE, "Maximum number of open file descriptors.") \
    X(STARTED, "process", "start_time_seconds", GAUGE, "", NONE, "Start time of the process since unix epoch in seconds.")

#define METRICS_ID(id, subsystem, name, type, labels, buckets, help) METRICS_##id,
enum metrics_id { METRICS_TABLE(METRICS_ID) METRICS_COUNT };
#undef METRICS_ID

struct metrics;
struct metrics_cell; /* one series */

struct metrics *metrics_new(const char *space /* "cometbft" */, const char *chain_id);
void metrics_free(struct metrics *metrics);

/* Of families without labels. */
void metrics_add(struct metrics *metrics, enum metrics_id id, double amount);
void metrics_set(struct metrics *metrics, enum metrics_id id, double value);
void metrics_observe(struct metrics *metrics, enum metrics_id id, double value);
/* Of families with labels; `second` NULL where there is one. */
void metrics_add_to(struct metrics *metrics, enum metrics_id id, const char *first, const char *second, double amount);
void metrics_set_to(struct metrics *metrics, enum metrics_id id, const char *first, const char *second, double value);
void metrics_observe_to(struct metrics *metrics, enum metrics_id id, const char *first, double value);
void metrics_observe_pair(struct metrics *metrics, enum metrics_id id, const char *first, const char *second, double value);
/* For those who count often: find once, then add. NULL: no metrics, or no room. Cells live until metrics_clear of their family. */
struct metrics_cell *metrics_cell(struct metrics *metrics, enum metrics_id id, const char *first, const char *second);
void metrics_cell_add(struct metrics_cell *cell, double amount);

/* A histogram that somebody else has counted: per bucket (not added up; the last one is beyond all bounds), and the sum of the values. */
void metrics_set_histogram(struct metrics *metrics, enum metrics_id id, const uint64_t *below, size_t count, double sum);
void metrics_clear(struct metrics *metrics, enum metrics_id id); /* all series with labels of the family: those who are gone are not told any more */
double metrics_value(struct metrics *metrics, enum metrics_id id, const char *first, const char *second); /* of a histogram: how many; 0: none */
void metrics_write(const struct metrics *metrics, struct emit *out); /* the exposition format */

/* "consensus_Vote": what CometBFT calls a message of a channel, by its first byte. "": unknown. */
const char *metrics_message_name(uint8_t channel, uint8_t first_byte);

#endif
