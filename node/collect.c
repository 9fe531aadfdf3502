#include "node/collect.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "crypto/text.h"
#include "node/wire.h"

static const uint8_t channels[] = {WIRE_PEX, WIRE_STATE, WIRE_DATA, WIRE_VOTE, WIRE_VOTE_SET_BITS, WIRE_MEMPOOL, WIRE_EVIDENCE, WIRE_BLOCKSYNC};

static void collect_channels(struct metrics *metrics, const struct link *link) {
    const struct mconn *mconn = link_mconn(link);
    for (size_t i = 0; i < sizeof channels / sizeof channels[0]; i++) {
        char text[8];
        uint64_t sent, received;
        snprintf(text, sizeof text, "%#x", channels[i]); /* as Go's %#x, but for channel 0 */
        mconn_totals(mconn, channels[i], &sent, &received);
        metrics_set_to(metrics, METRICS_PEER_SENT, link_id(link), channels[i] == 0 ? "0x0" : text, (double)sent);
        metrics_set_to(metrics, METRICS_PEER_RECEIVED, link_id(link), channels[i] == 0 ? "0x0" : text, (double)received);
        metrics_set_to(metrics, METRICS_SEND_QUEUE, link_id(link), channels[i] == 0 ? "0x0" : text, (double)mconn_queue_size(mconn, channels[i]));
    }
}

static void collect_link(void *context, uint32_t number, const struct link *link) {
    struct collect *collect = context;
    (void)number;
    collect_channels(collect->metrics, link);
    metrics_set_to(collect->metrics, METRICS_PEER_PENDING, link_id(link), NULL, (double)link_pending_bytes(link));
}

static void collect_peer(struct collect *collect, uint32_t number, const char *id) {
    struct replica_liveness liveness;
    int64_t height;
    int32_t round;
    uint32_t step;
    if (replica_peer_progress(collect->replica, number, &height, &round, &step))
        metrics_set_to(collect->metrics, METRICS_PEER_HEIGHT, id, NULL, (double)height);
    if (!replica_peer_liveness(collect->replica, number, &liveness))
        return;
    metrics_set_to(collect->metrics, METRICS_SUSPECTED_PEER, id, NULL, liveness.suspected);
    if (liveness.round_trip_us > 0)
        metrics_set_to(collect->metrics, METRICS_ROUND_TRIP, id, NULL, (double)liveness.round_trip_us / 1e6);
}

static void collect_peers(struct collect *collect) {
    static const enum metrics_id of_peers[] = {METRICS_PEER_SENT, METRICS_PEER_RECEIVED, METRICS_SEND_QUEUE, METRICS_PEER_PENDING, METRICS_PEER_HEIGHT,
                                               METRICS_SUSPECTED_PEER, METRICS_ROUND_TRIP};
    uint32_t number;
    const char *id;
    for (size_t i = 0; i < sizeof of_peers / sizeof of_peers[0]; i++)
        metrics_clear(collect->metrics, of_peers[i]);
    for (uint32_t at = 0; replica_next_peer(collect->replica, &at, &number, &id);)
        collect_peer(collect, number, id);
    metrics_set(collect->metrics, METRICS_ACTIVE_OUTBOUND, replica_tx_peers(collect->replica));
    if (collect->board == NULL)
        return;
    metrics_set(collect->metrics, METRICS_PEERS, switchboard_count(collect->board, true) + switchboard_count(collect->board, false));
    switchboard_each(collect->board, collect_link, collect);
}

static void collect_validators(struct collect *collect) {
    uint32_t count = replica_validators_liveness(collect->replica, NULL, 0);
    struct replica_liveness *list = calloc(count + 1, sizeof *list);
    metrics_clear(collect->metrics, METRICS_SUSPECTED_VALIDATOR);
    if (list != NULL)
        replica_validators_liveness(collect->replica, list, count);
    for (uint32_t i = 0; list != NULL && i < count; i++) {
        char text[TEXT_HEX_SIZE(20)];
        text_hex_upper(text, address_span(&list[i].address));
        metrics_set_to(collect->metrics, METRICS_SUSPECTED_VALIDATOR, text, NULL, list[i].suspected);
    }
    free(list);
}

static void collect_memory(struct metrics *metrics) {
    long pages = 0, resident = 0;
    double page = (double)sysconf(_SC_PAGESIZE);
    FILE *file = fopen("/proc/self/statm", "re");
    if (file != NULL && fscanf(file, "%ld %ld", &pages, &resident) != 2)
        pages = resident = 0;
    if (file != NULL)
        fclose(file);
    metrics_set(metrics, METRICS_VIRTUAL_MEMORY, (double)pages * page);
    metrics_set(metrics, METRICS_MEMORY, (double)resident * page);
}

static double count_fds(void) {
    double count = -3; /* ".", "..", and this one */
    DIR *dir = opendir("/proc/self/fd");
    while (dir != NULL && readdir(dir) != NULL)
        count++;
    if (dir != NULL)
        closedir(dir);
    return count > 0 ? count : 0;
}

static void collect_process(struct collect *collect) {
    struct rusage usage;
    struct rlimit files;
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        metrics_set(collect->metrics, METRICS_CPU, (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                                                       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
    collect_memory(collect->metrics);
    metrics_set(collect->metrics, METRICS_OPEN_FDS, count_fds());
    if (getrlimit(RLIMIT_NOFILE, &files) == 0)
        metrics_set(collect->metrics, METRICS_MAX_FDS, (double)files.rlim_cur);
    metrics_set(collect->metrics, METRICS_STARTED, (double)collect->started_s);
}

static void collect_store(struct collect *collect) {
    struct kv_counts counts;
    kv_count(collect->store, &counts);
    metrics_set_to(collect->metrics, METRICS_FLUSHES, "store", NULL, (double)counts.synced_writes);
    metrics_set_to(collect->metrics, METRICS_FLUSHES, "files", NULL, (double)collect->disk->flushes);
    metrics_set(collect->metrics, METRICS_STORE_WRITTEN, (double)counts.bytes_written);
}

static void collect_mempool(struct collect *collect) {
    struct metrics *metrics = collect->metrics;
    struct mempool_counts counts;
    mempool_counted(collect->mempool, &counts);
    metrics_set(metrics, METRICS_MEMPOOL_SIZE, mempool_count(collect->mempool));
    metrics_set(metrics, METRICS_MEMPOOL_BYTES, (double)mempool_bytes(collect->mempool));
    metrics_set(metrics, METRICS_FAILED_TXS, (double)counts.failed);
    metrics_set(metrics, METRICS_REJECTED_TXS, (double)counts.rejected);
    metrics_set(metrics, METRICS_EVICTED_TXS, (double)counts.evicted);
    metrics_set(metrics, METRICS_RECHECKS, (double)counts.rechecks);
    metrics_set(metrics, METRICS_ALREADY_RECEIVED, (double)counts.known);
    metrics_set_histogram(metrics, METRICS_TX_SIZE, counts.sizes, MEMPOOL_SIZE_CLASSES, (double)counts.size_sum);
}

void collect_write(void *context, struct emit *out) {
    struct collect *collect = context;
    char why[256];
    collect_mempool(collect);
    metrics_set(collect->metrics, METRICS_SYNCING, replica_catching_up(collect->replica));
    metrics_set(collect->metrics, METRICS_HALTED, replica_halted(collect->replica, why, sizeof why));
    metrics_set(collect->metrics, METRICS_FORKED, replica_fork_alarm(collect->replica)->raised);
    metrics_set(collect->metrics, METRICS_TWO_PARENTS, (double)replica_two_parents(collect->replica)->power);
    metrics_set(collect->metrics, METRICS_MUTED, replica_muted(collect->replica));
    collect_peers(collect);
    collect_validators(collect);
    collect_store(collect);
    collect_process(collect);
    metrics_write(collect->metrics, out);
}
