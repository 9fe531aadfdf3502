#include "node/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static struct timestamp now(void *context) {
    struct world *world = world_libevent_world(((struct host *)context)->real);
    return world->table->now(world);
}

static void copy_text(char *out, size_t size, const char *text) { snprintf(out, size, "%.*s", (int)size - 1, text); }

static void copy_info(struct rpc_node_info *out, const struct node_info *info) {
    *out = (struct rpc_node_info){
        .protocol_p2p = info->p2p_version, .protocol_block = info->block_version, .protocol_app = info->app_version};
    copy_text(out->id, sizeof out->id, info->id);
    copy_text(out->listen_addr, sizeof out->listen_addr, info->listen_addr);
    copy_text(out->network, sizeof out->network, info->network);
    copy_text(out->version, sizeof out->version, info->version);
    copy_text(out->moniker, sizeof out->moniker, info->moniker);
    copy_text(out->tx_index, sizeof out->tx_index, info->tx_index);
    copy_text(out->rpc_address, sizeof out->rpc_address, info->rpc_address);
    out->channel_count = info->channel_count < sizeof out->channels ? info->channel_count : (uint8_t)sizeof out->channels;
    memcpy(out->channels, info->channels, out->channel_count);
}

static void node_info(void *context, struct rpc_node_info *out) {
    struct host *host = context;
    copy_info(out, host->info);
    copy_text(out->version, sizeof out->version, host->rpc_version);
}

static bool catching_up(void *context) { return replica_catching_up(((struct host *)context)->replica); }

static bool validator_key(void *context, struct pubkey *out) {
    const struct host *host = context;
    if (host->validator_key != NULL)
        *out = *host->validator_key;
    return host->validator_key != NULL;
}

static struct timestamp height_started(void *context) { return replica_height_started(((struct host *)context)->replica); }

struct peer_list {
    struct host *host;
    struct rpc_peer *out;
    uint32_t count, capacity;
    int64_t now_ms;
};

static void copy_channels(struct rpc_peer *peer, const struct link *link) {
    const struct mconn *mconn = link_mconn(link);
    for (size_t i = 0; i < peer->info.channel_count && peer->channel_count < 16; i++) {
        struct rpc_channel_status *status = &peer->channels[peer->channel_count];
        *status = (struct rpc_channel_status){.id = peer->info.channels[i]};
        const struct mconn_channel *channel = switchboard_channel(status->id);
        if (channel == NULL)
            continue;
        status->send_queue_capacity = channel->send_queue_capacity;
        status->priority = channel->priority;
        status->send_queue_size = (uint32_t)mconn_queue_size(mconn, status->id);
        status->recently_sent = (int64_t)mconn_recently_sent(mconn, status->id);
        peer->channel_count++;
    }
}

static void add_peer(void *context, uint32_t number, const struct link *link) {
    struct peer_list *list = context;
    if (list->out == NULL || list->count >= list->capacity) {
        list->count++;
        return;
    }
    struct rpc_peer *peer = &list->out[list->count++];
    *peer = (struct rpc_peer){.is_outbound = link_is_outbound(link)};
    copy_info(&peer->info, link_info(link));
    copy_text(peer->remote_ip, sizeof peer->remote_ip, link_remote_ip(link));
    int64_t age_ms = link_age_ms(link, list->now_ms);
    struct link_counts counts = link_count(link);
    peer->duration_ns = age_ms * 1000000;
    peer->bytes_sent = counts.bytes_sent;
    peer->bytes_received = counts.bytes_received;
    peer->send_rate = age_ms > 0 ? (int64_t)(counts.bytes_sent * 1000 / (uint64_t)age_ms) : 0;
    peer->recv_rate = age_ms > 0 ? (int64_t)(counts.bytes_received * 1000 / (uint64_t)age_ms) : 0;
    copy_channels(peer, link);
    replica_peer_progress(list->host->replica, number, &peer->height, &peer->round, &peer->step);
    struct replica_liveness seen;
    if (!replica_peer_liveness(list->host->replica, number, &seen))
        return;
    peer->suspected = seen.suspected;
    peer->heard_ago_ms = seen.heard_ago_ms;
    peer->silence_max_ms = seen.timeout_ms;
    peer->round_trip_us = seen.round_trip_us;
}

static uint32_t liveness(void *context, struct rpc_validator_liveness *out, uint32_t capacity) {
    struct host *host = context;
    uint32_t count = replica_validators_liveness(host->replica, NULL, 0);
    struct replica_liveness *list = out == NULL ? NULL : calloc(count + 1, sizeof *list);
    if (list == NULL)
        return out == NULL ? count : 0;
    replica_validators_liveness(host->replica, list, count);
    count = count < capacity ? count : capacity;
    for (uint32_t i = 0; i < count; i++)
        out[i] = (struct rpc_validator_liveness){list[i].address, list[i].suspected, list[i].heard_ago_ms, list[i].timeout_ms};
    free(list);
    return count;
}

static uint32_t peers(void *context, struct rpc_peer *out, uint32_t capacity) {
    struct host *host = context;
    struct world *world = world_libevent_world(host->real);
    struct peer_list list = {host, out, 0, capacity, world->table->now_ms(world)};
    switchboard_each(host->board, add_peer, &list);
    return out != NULL && list.count > capacity ? capacity : list.count;
}

static enum mempool_verdict submit(void *context, struct abci_check *check, struct blob *tx, struct arena *arena) {
    struct host *host = context;
    enum mempool_verdict verdict = replica_submit(host->replica, check, tx, arena);
    world_libevent_touch(host->real);
    return verdict;
}

static enum evidence_pool_verdict submit_evidence(void *context, const struct evidence *evidence) {
    struct host *host = context;
    enum evidence_pool_verdict verdict = replica_submit_evidence(host->replica, evidence);
    world_libevent_touch(host->real);
    return verdict;
}

static char *dial(void *context, const struct rpc_dial *wish) {
    return switchboard_dial(((struct host *)context)->board,
                            &(struct switchboard_wish){wish->addresses, wish->persistent, wish->unconditional, wish->private});
}

static struct blob *vote_log(void *context, struct rpc_vote_log *out, int64_t height, size_t bytes_max, struct arena *arena) {
    const struct host *host = context;
    struct votejournal_state state = {0};
    bool is_whole = false;
    struct blob *items = replica_vote_log(host->replica, &state, &is_whole, height, bytes_max);
    _Static_assert(RPC_NOTES_MAX == AUDIT_LOG_NOTES_MAX, "as many as a manifest has");
    *out = (struct rpc_vote_log){.complete_from = state.complete_from, .filled = state.filled, .lowest = state.lowest, .whole = is_whole};
    if (items != NULL && host->votes != NULL)
        out->note_count = votejournal_notes(out->notes, host->votes, span_text(host->info->network), arena);
    return items;
}

static void fork_alarm(void *context, struct rpc_fork_alarm *out) {
    const struct forkwatch_alarm *alarm = replica_fork_alarm(((struct host *)context)->replica);
    *out = (struct rpc_fork_alarm){.raised = alarm->raised, .stopped = alarm->stopped, .height = alarm->height, .ours = alarm->ours.hash, .theirs = alarm->theirs.hash};
    copy_text(out->bundle, sizeof out->bundle, alarm->bundle);
    const struct parentwatch *parents = replica_two_parents(((struct host *)context)->replica);
    out->parents_height = parents->height;
    out->parents_validators = parents->keys;
    out->parents_power = parents->power;
    out->parents_total = parents->total;
    copy_text(out->parents_bundle, sizeof out->parents_bundle, parents->bundle);
}

void host_fill(struct rpc_host *out, struct host *host) {
    out->context = host;
    out->now = now;
    out->node_info = node_info;
    out->catching_up = catching_up;
    out->validator_key = validator_key;
    out->height_started = height_started;
    out->peers = peers;
    out->liveness = liveness;
    out->submit = submit;
    out->submit_evidence = submit_evidence;
    out->dial = dial;
    out->fork_alarm = fork_alarm;
    out->vote_log = host->votes != NULL ? vote_log : NULL;
}
