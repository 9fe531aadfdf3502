#include "node/forkwatch.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/audit_links.h"
#include "node/light_ledger.h"
#include "node/replica_inside.h"

enum { ARENA_BYTES_MAX = 32 << 20, ITEMS_BYTES_MAX = 64 << 20 };

/* ---- what a restart must know */

static void stop_signing(struct replica *replica) {
    struct forkwatch_alarm *alarm = &replica->forkwatch.alarm;
    if (!replica->config.fork_stops_signing)
        return;
    alarm->stopped = true;
    if (replica->signer != NULL)
        signer_stop(replica->signer);
}

static void write_alarm(struct replica *replica) {
    const struct forkwatch_alarm *alarm = &replica->forkwatch.alarm;
    struct emit emit;
    emit_init(&emit);
    emit_open(&emit, '{');
    emit_key(&emit, "height");
    emit_int64(&emit, alarm->height);
    emit_key(&emit, "ours");
    emit_hex(&emit, digest_span(&alarm->ours.hash));
    emit_key(&emit, "theirs");
    emit_hex(&emit, digest_span(&alarm->theirs.hash));
    emit_key(&emit, "bundle");
    emit_cstring(&emit, alarm->bundle);
    emit_shut(&emit, '}');
    replica->world->disk->table->replace(replica->world->disk, FORKWATCH_ALARM_NAME, span_of(emit.data, emit.size));
    emit_close(&emit);
}

void forkwatch_init(struct replica *replica) {
    struct forkwatch *watch = &replica->forkwatch;
    arena_init(&watch->arena, ARENA_BYTES_MAX);
    valset_init(&watch->set);
    if (replica->world->disk->table->size(replica->world->disk, FORKWATCH_ALARM_NAME) < 0)
        return;
    watch->alarm.raised = true;
    stop_signing(replica);
    replica_say(replica, WORLD_ERROR, "%s: two conflicting commits were seen on this chain%s", FORKWATCH_ALARM_NAME,
                watch->alarm.stopped ? "; nothing is signed until somebody who knows which branch is right moves that file away and starts again" : "");
}

void forkwatch_close(struct replica *replica) {
    arena_close(&replica->forkwatch.arena);
    valset_close(&replica->forkwatch.set);
    free(replica->forkwatch.theirs.sigs);
}

/* ---- the bundle */

static void add_own(struct replica *replica, struct docket *docket, int64_t height) {
    struct ledger_meta meta;
    struct commit commit;
    struct valset set;
    valset_init(&set);
    if (ledger_block_meta(replica->ledger, &meta, height) && ledger_seen_commit(replica->ledger, &commit, height, &docket->arena))
        docket_add_signed(docket, docket_source(docket, "this node's commit"), &meta.header, &commit);
    if (ledger_validators(replica->ledger, &set, height))
        docket_add_set(docket, &set);
    valset_close(&set);
}

/* Where sets changed since the genesis the trust goes over headers in between. */
static void add_links(struct replica *replica, struct docket *docket, int64_t height) {
    struct light_source source = light_ledger_source(replica->ledger, "this node's chain");
    struct audit_links links;
    audit_links_begin(&links, docket, height);
    audit_links_walk(&links, &source, docket_source(docket, source.name));
    audit_links_end(&links);
}

/* The genesis, for a third party who has nothing else; where its validators are pruned or were never here, the lowest header that is. */
static bool choose_trust(struct replica *replica, struct docket *docket, int64_t audited) {
    struct ledger *ledger = replica->ledger;
    int64_t height = ledger->state.initial_height - 1;
    struct ledger_meta meta;
    struct valset set;
    valset_init(&set);
    bool good = ledger_validators(ledger, &set, height + 1);
    if (!good && ledger_block_meta(ledger, &meta, ledger->base)) {
        height = ledger->base;
        good = height < audited && ledger_validators(ledger, &set, height + 1);
    }
    if (good)
        docket_trust(docket, height, &set);
    valset_close(&set);
    return good;
}

bool forkwatch_gather(struct replica *replica, struct docket *docket, int64_t height, const struct header *theirs) {
    struct valset set;
    bool good = choose_trust(replica, docket, height);
    valset_init(&set);
    if (ledger_validators(replica->ledger, &set, height + 1))
        docket_add_set(docket, &set);
    valset_close(&set);
    add_own(replica, docket, height);
    if (theirs != NULL)
        docket_add_signed(docket, docket_source(docket, "the other branch's commit"), theirs, &replica->forkwatch.theirs);
    if (good)
        add_links(replica, docket, height);
    return good;
}

static bool put_together(struct replica *replica, struct docket *docket, const struct header *theirs) {
    const struct forkwatch *watch = &replica->forkwatch;
    bool good = forkwatch_gather(replica, docket, watch->alarm.height, theirs);
    char *error = good ? docket_settle(docket, watch->alarm.height) : strdup("nothing below it is kept that it could be built on");
    struct blob *items = replica->votes == NULL ? NULL : votejournal_items_now(replica->votes, watch->alarm.height, ITEMS_BYTES_MAX);
    if (error == NULL && items != NULL)
        docket_add_items(docket, docket_source(docket, "this node's votes"), blob_span(items));
    blob_release(items);
    if (error == NULL)
        error = docket_judge(docket, false);
    if (error != NULL)
        replica_say(replica, WORLD_ERROR, "the bundle of the fork cannot be made: %s. Gather it with `quorate audit watch` or `run`", error);
    good = error == NULL && docket_is_fork(docket);
    free(error);
    return good;
}

static void write_bundle(struct replica *replica, const struct header *theirs) {
    struct forkwatch_alarm *alarm = &replica->forkwatch.alarm;
    struct docket *docket = calloc(1, sizeof *docket);
    assert(docket != NULL);
    docket_init(docket, AUDIT_STRICT, replica_chain_id(replica));
    if (put_together(replica, docket, theirs)) {
        const struct audit_report *report = &docket->report;
        snprintf(alarm->bundle, sizeof alarm->bundle, "data/fork-%" PRId64 ".bundle", alarm->height);
        replica->world->disk->table->replace(replica->world->disk, alarm->bundle, docket->bundle);
        write_alarm(replica);
        replica_say(replica, WORLD_ERROR,
                    "the fork's bundle is in %s: of %" PRId64 " power %" PRId64 " is proven guilty at height %" PRId64 " and %" PRId64
                    " at the next, %" PRId64 " suspect; `quorate audit verify` checks it, `quorate audit run` with more logs tells more",
                    alarm->bundle, report->total_power, report->proven_power, alarm->height, report->next_proven_power, report->suspect_power);
        if (docket->trust.height >= replica->ledger->state.initial_height)
            replica_say(replica, WORLD_ERROR,
                        "it is built on the header of height %" PRId64 ", because what was before is pruned: `quorate audit verify --trusted-header` with the"
                        " answer of /commit?height=%" PRId64,
                        docket->trust.height, docket->trust.height);
    }
    docket_close(docket);
    free(docket);
}

/* ---- raising it */

static void ask_for_block(struct replica *replica) {
    uint8_t bytes[64];
    struct proto_writer writer;
    struct wire_blocksync request = {.kind = WIRE_BLOCK_REQUEST, .height = replica->forkwatch.alarm.height};
    proto_writer_init(&writer, bytes, sizeof bytes);
    wire_blocksync_write(&writer, &request);
    assert(!writer.overflow);
    for (uint32_t i = 0; i < replica->peers_end; i++) {
        if (!replica->peers[i].present)
            continue;
        struct blob *message = blob_new(proto_writer_span(&writer));
        replica->world->table->send(replica->world, replica->peers[i].number, WIRE_BLOCKSYNC, message);
        blob_release(message);
    }
}

/* Everybody shall see what we saw, on both branches: who stops proposing would else leave the others blind. */
static void tell_commit(struct replica *replica, const struct commit *commit) {
    for (uint32_t i = 0; i < commit->count; i++) {
        struct wire_consensus message = {.kind = WIRE_VOTE_MESSAGE};
        if (commit->sigs[i].flag != COMMIT_FOR_BLOCK)
            continue;
        commit_vote(&message.vote, commit, i);
        for (uint32_t j = 0; j < replica->peers_end; j++)
            if (replica->peers[j].present)
                gossip_send(replica, &replica->peers[j], &message);
    }
}

static void tell_both(struct replica *replica) {
    struct arena arena;
    struct commit ours;
    arena_init(&arena, ARENA_BYTES_MAX);
    if (ledger_seen_commit(replica->ledger, &ours, replica->forkwatch.alarm.height, &arena))
        tell_commit(replica, &ours);
    tell_commit(replica, &replica->forkwatch.theirs);
    arena_close(&arena);
}

static void keep_theirs(struct forkwatch *watch, const struct commit *theirs) {
    free(watch->theirs.sigs);
    watch->theirs = *theirs;
    watch->theirs.sigs = malloc(theirs->count * sizeof theirs->sigs[0]);
    assert(watch->theirs.sigs != NULL);
    memcpy(watch->theirs.sigs, theirs->sigs, theirs->count * sizeof theirs->sigs[0]);
}

/* `header` NULL: it is asked for. */
static void raise_alarm(struct replica *replica, int64_t height, const struct block_id *ours, const struct commit *theirs, const struct header *header) {
    struct forkwatch *watch = &replica->forkwatch;
    if (watch->alarm.raised && watch->alarm.height != 0)
        return;
    bool stopped = watch->alarm.stopped;
    watch->alarm = (struct forkwatch_alarm){.raised = true, .stopped = stopped, .height = height, .ours = *ours, .theirs = theirs->block_id};
    keep_theirs(watch, theirs);
    stop_signing(replica);
    write_alarm(replica);
    char one[BLOCK_ID_TEXT_SIZE], other[BLOCK_ID_TEXT_SIZE];
    block_id_text(one, ours);
    block_id_text(other, &theirs->block_id);
    replica_say(replica, WORLD_ERROR, "FORK: at height %" PRId64 " two thirds of the validators committed %s, and two thirds %s (round %d): more than a third is faulty%s",
                height, one, other, theirs->round, watch->alarm.stopped ? ". This node signs nothing more; queries are still answered" : "");
    tell_both(replica);
    if (header != NULL)
        write_bundle(replica, header);
    else
        ask_for_block(replica);
}

void forkwatch_parents(struct replica *replica, int64_t height, const struct block_id *one, const struct block_id *other, const char *bundle) {
    struct forkwatch *watch = &replica->forkwatch;
    if (watch->alarm.height != 0)
        return;
    bool stopped = watch->alarm.stopped;
    watch->alarm = (struct forkwatch_alarm){.raised = true, .stopped = stopped, .height = height, .ours = *one, .theirs = *other};
    snprintf(watch->alarm.bundle, sizeof watch->alarm.bundle, "%s", bundle);
    stop_signing(replica);
    write_alarm(replica);
    replica_say(replica, WORLD_ERROR, "FORK: at height %" PRId64 " more than a third of the validators voted for blocks on two parents%s", height,
                watch->alarm.stopped ? ". This node signs nothing more; queries are still answered" : "");
}

static bool is_signed_by(struct replica *replica, const struct commit *commit, const struct valset *set) {
    return commit_check(commit) == COMMIT_GOOD &&
           commit_verify(commit, NULL, set, replica_chain_id(replica), &commit->block_id, commit->height, NULL) == COMMIT_GOOD;
}

/* ---- where it shows */

void forkwatch_block(struct replica *replica, const struct block *block) {
    const struct state *state = &replica->ledger->state;
    const struct commit *theirs = &block->last_commit;
    if (!block->has_last_commit || state->height == 0 || block->header.height != state->height + 1 || theirs->height != state->height ||
        block_id_equal(&theirs->block_id, &state->block_id) || replica->forkwatch.alarm.height != 0)
        return;
    if (is_signed_by(replica, theirs, &state->last_validators))
        raise_alarm(replica, state->height, &state->block_id, theirs, NULL);
}

void forkwatch_evidence(struct replica *replica, const struct evidence *evidence) {
    const struct commit *theirs = &evidence->conflicting_commit;
    struct ledger_meta meta;
    struct valset set;
    if (evidence->kind != EVIDENCE_LIGHT_ATTACK || replica->forkwatch.alarm.height != 0 ||
        !ledger_block_meta(replica->ledger, &meta, evidence->conflicting_header.height) || block_id_equal(&meta.block_id, &theirs->block_id))
        return;
    valset_init(&set);
    if (ledger_validators(replica->ledger, &set, theirs->height) && is_signed_by(replica, theirs, &set))
        raise_alarm(replica, theirs->height, &meta.block_id, theirs, &evidence->conflicting_header);
    valset_close(&set);
}

/* Precommits of a decided height for something else, one by one. */

static struct forkwatch_branch *find_branch(struct forkwatch *watch, const struct vote *vote) {
    for (uint32_t i = 0; i < watch->branch_count; i++)
        if (watch->branches[i].round == vote->round && block_id_equal(&watch->branches[i].id, &vote->block_id))
            return &watch->branches[i];
    if (watch->branch_count == FORKWATCH_BRANCHES_MAX)
        return NULL;
    struct forkwatch_branch *branch = &watch->branches[watch->branch_count];
    *branch = (struct forkwatch_branch){.round = vote->round, .id = vote->block_id};
    branch->commit = (struct commit){.height = vote->height, .round = vote->round, .block_id = vote->block_id, .count = watch->set.count};
    branch->commit.sigs = arena_take(&watch->arena, watch->set.count, sizeof branch->commit.sigs[0]);
    if (branch->commit.sigs == NULL)
        return NULL;
    for (uint32_t i = 0; i < watch->set.count; i++)
        commit_sig_absent(&branch->commit.sigs[i]);
    watch->branch_count++;
    return branch;
}

/* Turning to another height reads the store: so often and no more while we are at one ourselves. */
static bool turn_to(struct replica *replica, int64_t height) {
    struct forkwatch *watch = &replica->forkwatch;
    const struct state *state = &replica->ledger->state;
    struct ledger_meta meta;
    if (watch->height == height)
        return true;
    if (watch->turned_at != state->height)
        watch->turns = 0;
    watch->turned_at = state->height;
    if (height < 1 || height > state->height || height <= state->height - FORKWATCH_HEIGHTS_MAX || watch->turns++ >= FORKWATCH_TURNS_MAX ||
        !ledger_block_meta(replica->ledger, &meta, height) || !ledger_validators(replica->ledger, &watch->set, height))
        return false;
    watch->height = height;
    watch->ours = meta.block_id;
    watch->checks = watch->branch_count = 0;
    arena_reset(&watch->arena);
    return true;
}

/* A bounded number of signatures a height: whoever sends junk gains nothing. */
void forkwatch_vote(struct replica *replica, const struct vote *vote) {
    struct forkwatch *watch = &replica->forkwatch;
    const struct state *state = &replica->ledger->state;
    if (vote->height == state->height && block_id_equal(&vote->block_id, &state->block_id))
        return; /* almost all that come */
    if (vote->type != VOTE_PRECOMMIT || vote->height > state->height || block_id_is_nil(&vote->block_id) || watch->alarm.height != 0 ||
        !turn_to(replica, vote->height) || block_id_equal(&vote->block_id, &watch->ours) || (uint32_t)vote->validator_index >= watch->set.count)
        return;
    const struct validator *voter = &watch->set.validators[vote->validator_index];
    if (!address_equal(&voter->address, &vote->validator_address) || watch->checks >= 64 + 4 * watch->set.count)
        return;
    struct forkwatch_branch *branch = find_branch(watch, vote);
    struct commit_sig *sig = branch == NULL ? NULL : &branch->commit.sigs[vote->validator_index];
    if (sig == NULL || sig->flag != COMMIT_ABSENT)
        return;
    watch->checks++;
    if (!vote_verify_vartime(vote, replica_chain_id(replica), &voter->pub_key))
        return;
    *sig = (struct commit_sig){COMMIT_FOR_BLOCK, vote->validator_address, vote->timestamp, vote->signature};
    branch->power += voter->power;
    votejournal_late(replica->votes, vote);
    if (branch->power >= valset_quorum(&watch->set))
        raise_alarm(replica, vote->height, &watch->ours, &branch->commit, NULL);
}

void forkwatch_peer_up(struct replica *replica) {
    if (replica->forkwatch.alarm.height == 0)
        return;
    tell_both(replica);
    if (replica->forkwatch.alarm.bundle[0] == '\0')
        ask_for_block(replica);
}

/* ---- the other block, for its header */

bool forkwatch_receive(struct replica *replica, const struct wire_blocksync *message) {
    struct forkwatch *watch = &replica->forkwatch;
    enum block_verdict verdict;
    if (watch->alarm.height == 0 || watch->alarm.bundle[0] != '\0' || message->kind != WIRE_BLOCK_RESPONSE || !message->has_block)
        return false;
    struct blob *bytes = blob_new(message->block);
    struct block *block = block_decode(bytes, &verdict);
    blob_release(bytes);
    if (block == NULL)
        return false;
    bool wanted = block->header.height == watch->alarm.height && digest_equal(&block->hash, &watch->alarm.theirs.hash);
    bool ours = block->header.height == watch->alarm.height && digest_equal(&block->hash, &watch->alarm.ours.hash); /* from peers on our branch */
    if (wanted)
        write_bundle(replica, &block->header);
    block_release(block);
    return wanted || ours;
}
