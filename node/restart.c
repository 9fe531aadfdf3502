/* Coming back: there is no replay mode. The journal of the height goes through the same door as the messages of peers, and everything is done again. */
#include <inttypes.h>

#include "node/replica_inside.h"

bool restart_signed_lately(struct replica *replica) {
    struct ledger *ledger = replica->ledger;
    int64_t last = ledger->state.height;
    for (int64_t height = last; height > 0 && height > last - replica->config.double_sign_check_height; height--) {
        struct commit commit;
        bool canonical;
        arena_reset(&replica->arena);
        if (!ledger_commit(ledger, &commit, &canonical, height, &replica->arena))
            continue;
        for (uint32_t i = 0; i < commit.count; i++)
            if (commit.sigs[i].flag == COMMIT_FOR_BLOCK && address_equal(&commit.sigs[i].validator_address, &replica->own))
                return true;
    }
    return false;
}

struct replay {
    struct replica *replica;
    uint32_t records;
};

static void replay_record(void *context, const struct journal_record *record) {
    struct replay *replay = context;
    struct replica *replica = replay->replica;
    replay->records++;
    if (record->kind == JOURNAL_TIMEOUT) {
        struct engine_event event = {.kind = ENGINE_ON_TIMEOUT};
        event.timeout.height = record->height;
        event.timeout.round = record->round;
        event.timeout.phase = record->step;
        replica_event(replica, &event);
        return;
    }
    if (record->kind != JOURNAL_MESSAGE)
        return;
    struct wire_consensus message;
    arena_reset(&replica->receive_arena);
    if (wire_consensus_parse(&message, record->message, &replica->receive_arena) == NULL &&
        wire_consensus_check(&message, replica->ledger->state.initial_height) == NULL)
        receive_consensus(replica, NULL, replica_engine_number(replica, record->peer_id), &message);
}

static bool read_last_commit(struct replica *replica, struct commit *commit) {
    struct ledger *ledger = replica->ledger;
    int64_t height = ledger->state.height;
    bool canonical;
    arena_reset(&replica->arena);
    if (height == 0)
        return false;
    return ledger_extends(ledger, height) ? ledger_extended_commit(ledger, commit, height, &replica->arena)
                                          : ledger_commit(ledger, commit, &canonical, height, &replica->arena);
}

bool restart_lacks_extensions(struct replica *replica) {
    struct commit commit;
    int64_t height = replica->ledger->state.height;
    return height > 0 && ledger_extends(replica->ledger, height) && !read_last_commit(replica, &commit);
}

static void load_last_commit(struct replica *replica) {
    struct ledger *ledger = replica->ledger;
    struct commit commit;
    if (!read_last_commit(replica, &commit))
        return;
    struct valset *last = &replica->validators[ledger->state.height & 1];
    valset_copy(last, &ledger->state.last_validators);
    engine_load_last_commit(&replica->engine, &commit, last);
}

void restart_begin(struct replica *replica) {
    struct ledger_meta meta;
    if (ledger_block_meta(replica->ledger, &meta, replica->ledger->state.height))
        replica->app_hash_of_last_header = meta.header.app_hash;
    perform_begin_height(replica);
    load_last_commit(replica);
}

void restart_replay(struct replica *replica) {
    replica->replaying = true;
    replica->pumping = true; /* what the begin asks for is done before what the journal tells */
    perform_effects(replica, &replica->effects);
    replica->pumping = false;
    struct replay replay = {replica, 0};
    int64_t height = replica->engine.height;
    int64_t mark = replica->ledger->state.height;
    bool found = journal_replay(replica->journal, mark + 1, replay_record, &replay);
    replica->replaying = false;
    if (!found && mark > 0)
        replica_say(replica, WORLD_WARN, "the journal knows nothing of height %" PRId64 ": starting it without", height);
    if (!found) /* from here on it does: the head in the ledger says that all before is done */
        replica_end_height(replica, mark, 0);
    if (replay.records > 0)
        replica_say(replica, WORLD_INFO, "journal: %u records of height %" PRId64 " read back, now at round %d", replay.records,
                    replica->engine.height, replica->engine.round);
    perform_wishes(replica);
    replica_tell_txs(replica);
}
