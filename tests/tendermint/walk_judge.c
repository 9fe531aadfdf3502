/* What a walk left goes through the audit: logs, answers and lies of the faulty, then the bundle and the third party. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "tendermint/audit_lock.h"
#include "tendermint/audit_verify.h"
#include "tests/tendermint/walk.h"

enum { EXTRA_MAX = 64, ARENA_BYTES = 64 << 20 };

enum answer { SILENT, TRUE_LOG, DOCTORED_LOG, ANSWERS };

struct court { /* of one walk */
    struct walk *walk;
    struct walk_counts *counts;
    struct arena arena;
    struct span chain_id;
    struct vote signed_votes[WALK_SAID_MAX];
    bool is_signed[WALK_SAID_MAX];
    bool is_fork;
    struct audit_commit commits[2];
    struct audit_header headers[WALK_BLOCKS_MAX];
    uint32_t header_count;
    struct vote extra[EXTRA_MAX]; /* made up by the faulty once they were asked */
    uint32_t extra_count;
    struct audit_own_log logs[WALK_KEYS_MAX];
    struct span log_bytes[WALK_KEYS_MAX];
    uint32_t log_count;
    struct audit_votes votes, next_votes;
    struct audit_case audit;
    struct audit_report report;
};

static void blame(struct court *court, uint64_t *count, const char *what) {
    (*count)++;
    if (court->counts->first[0] == '\0')
        snprintf(court->counts->first, sizeof court->counts->first, "%s: rule %s, seed %llu", what, walk_rule_text(court->walk->settings.rule),
                 (unsigned long long)court->walk->settings.seed);
}

static void sign_vote(const struct court *court, struct vote *vote, uint32_t key) {
    uint8_t bytes[VOTE_SIGN_BYTES_MAX];
    vote->validator_index = (int32_t)key;
    vote->validator_address = court->walk->set.validators[key].address;
    size_t size = vote_sign_bytes(bytes, vote, court->chain_id);
    walk_sign(&court->walk->set.validators[key].pub_key, &vote->signature, span_of(bytes, size));
}

static struct vote make_vote(const struct court *court, uint32_t key, int32_t type, int64_t height, int32_t round, const struct block_id *id) {
    struct vote vote;
    vote_init(&vote);
    vote.type = type;
    vote.height = height;
    vote.round = round;
    vote.block_id = *id;
    vote.timestamp = (struct timestamp){1700000000, (int32_t)key};
    sign_vote(court, &vote, key);
    return vote;
}

static const struct vote *vote_of(struct court *court, uint32_t number) {
    const struct walk_said *said = &court->walk->said[number];
    if (!court->is_signed[number])
        court->signed_votes[number] = make_vote(court, said->key, said->type, 1, said->round, &court->walk->ids[said->block]);
    court->is_signed[number] = true;
    return &court->signed_votes[number];
}

static enum audit_rule rule_of(const struct walk *walk) {
    switch (walk->settings.rule) {
    case WALK_STRICT: return AUDIT_STRICT;
    case WALK_PAPER: return AUDIT_PAPER;
    default: return AUDIT_COMET;
    }
}

/* ---- evidence */

static void make_commit(struct court *court, struct audit_commit *out, uint32_t node) {
    struct walk *walk = court->walk;
    const struct walk_node *decider = &walk->nodes[node];
    struct commit *commit = &out->commit;
    out->id = walk->ids[decider->decided_block];
    out->header = walk->headers[decider->decided_block].header;
    *commit = (struct commit){.height = 1, .round = decider->decided_round, .block_id = out->id, .count = walk->keys};
    commit->sigs = arena_take(&court->arena, walk->keys, sizeof commit->sigs[0]);
    for (uint32_t key = 0; key < walk->keys; key++)
        commit_sig_absent(&commit->sigs[key]);
    for (uint32_t i = 0; i < walk->said_count; i++) {
        const struct walk_said *said = &walk->said[i];
        if (!decider->logged[i] || said->type != VOTE_PRECOMMIT || said->round != decider->decided_round || said->block != decider->decided_block)
            continue;
        const struct vote *vote = vote_of(court, i);
        commit->sigs[said->key] = (struct commit_sig){COMMIT_FOR_BLOCK, vote->validator_address, vote->timestamp, vote->signature};
    }
    assert(commit_verify(commit, NULL, &walk->set, court->chain_id, &out->id, 1, NULL) == COMMIT_GOOD);
}

static void collect_headers(struct court *court) {
    struct walk *walk = court->walk;
    court->header_count = walk->block_count - 1;
    memcpy(court->headers, walk->headers + 1, court->header_count * sizeof court->headers[0]);
    audit_headers_sort(court->headers, court->header_count);
}

static void open_case(struct court *court, bool deadline_passed) {
    struct walk *walk = court->walk;
    court->audit = (struct audit_case){
        .rule = rule_of(walk),
        .height = 1,
        .chain_id = court->chain_id,
        .set = &walk->set,
        .set_hash = walk->set_hash,
        .commits = {court->is_fork ? &court->commits[0] : NULL, court->is_fork ? &court->commits[1] : NULL},
        .votes = &court->votes,
        .headers = court->headers,
        .header_count = court->header_count,
        .logs = court->logs,
        .log_count = court->log_count,
        .deadline_passed = deadline_passed,
    };
    audit_votes_init(&court->votes, &court->arena, &walk->set, court->chain_id, 1);
    for (int i = 0; court->is_fork && i < 2; i++)
        audit_votes_add_commit(&court->votes, &court->commits[i].commit);
}

/* A node keeps all of a height only if it saw a round above 0; else what it said itself (votejournal.h). */
static bool is_whole(const struct walk *walk, uint32_t node) {
    for (uint32_t i = 0; i < walk->said_count; i++)
        if (walk->nodes[node].logged[i] && walk->said[i].round > 0)
            return true;
    return false;
}

static void give_log(struct court *court, uint32_t node) {
    bool whole = is_whole(court->walk, node);
    for (uint32_t i = 0; i < court->walk->said_count; i++)
        if (court->walk->nodes[node].logged[i] && (whole || court->walk->said[i].from == node))
            audit_votes_add(&court->votes, vote_of(court, i));
}

static bool has_whole_log(const struct walk *walk, uint32_t key) {
    bool whole = true;
    for (uint32_t node = 0; node < walk->node_count; node++)
        whole &= walk->nodes[node].key != key || walk->nodes[node].fault != WALK_HONEST || is_whole(walk, node);
    return whole;
}

/* Signed and complete, through the file's form and back. `doctored`: the own votes are there, of the others only some. */
static void give_own_log(struct court *court, uint32_t key, bool doctored) {
    struct walk *walk = court->walk;
    size_t capacity = (size_t)walk->said_count * 320 + 512;
    uint8_t *items = arena_take(&court->arena, capacity, 1), *bytes = arena_take(&court->arena, capacity, 1), manifest_bytes[256];
    struct proto_writer writer, manifest_writer, log_writer;
    proto_writer_init(&writer, items, capacity);
    for (uint32_t i = 0; i < walk->said_count; i++) {
        bool logged = walk->said[i].key == key && walk->said[i].type != VOTE_PROPOSAL;
        for (uint32_t node = 0; node < walk->node_count && !logged; node++)
            logged = walk->nodes[node].key == key && walk->nodes[node].logged[i] && !(doctored && walk_below(walk, 2) == 0);
        if (logged)
            audit_log_item_write(&writer, vote_of(court, i), NULL, NULL);
    }
    struct audit_log_manifest manifest = {.chain_id = court->chain_id, .height = 1, .complete = true, .address = walk->set.validators[key].address};
    proto_writer_init(&manifest_writer, manifest_bytes, sizeof manifest_bytes);
    audit_log_manifest_write(&manifest_writer, &manifest, proto_writer_span(&writer));
    uint8_t message[AUDIT_LOG_SIGN_BYTES];
    struct signature signature;
    audit_log_sign_bytes(message, proto_writer_span(&manifest_writer));
    walk_sign(&walk->set.validators[key].pub_key, &signature, span_of(message, sizeof message));
    proto_writer_init(&log_writer, bytes, capacity);
    audit_log_write(&log_writer, proto_writer_span(&manifest_writer), &signature, proto_writer_span(&writer));
    assert(!writer.overflow && !manifest_writer.overflow && !log_writer.overflow);

    struct audit_log log;
    bool good = audit_log_read(&log, proto_writer_span(&log_writer)) && audit_log_signed_by(&log, &walk->set.validators[key].pub_key);
    assert(good);
    struct audit_own_log *own = &court->logs[court->log_count];
    own->who = manifest.address;
    court->log_bytes[court->log_count++] = proto_writer_span(&log_writer);
    audit_votes_init(&own->votes, &court->arena, &walk->set, court->chain_id, 1);
    struct span rest = log.items, item;
    while (audit_log_next(&rest, &item) == AUDIT_LOG_VOTE) {
        struct vote vote;
        if (!vote_decode(&vote, item))
            assert(false);
        audit_votes_add(&own->votes, &vote);
        audit_votes_add(&court->votes, &vote);
    }
    audit_votes_seal(&own->votes);
    court->audit.log_count = court->log_count;
}

/* The faulty together try to make up a polka between the commits that excuses them, with whatever prevotes honest ones gave there. */
static void make_up(struct court *court) {
    struct walk *walk = court->walk;
    int32_t round = (int32_t)walk_below(walk, 6);
    uint32_t block = walk_below(walk, walk->block_count);
    for (uint32_t i = 0; i < walk->said_count && walk_below(walk, 2) == 0; i++) /* or what an honest one did prevote */
        if (walk->faults[walk->said[i].key] == WALK_HONEST && walk->said[i].type == VOTE_PREVOTE && walk_below(walk, 6) == 0) {
            round = walk->said[i].round;
            block = walk->said[i].block;
        }
    for (uint32_t key = 0; key < walk->keys && court->extra_count < EXTRA_MAX; key++)
        if (walk->faults[key] != WALK_HONEST)
            court->extra[court->extra_count++] = make_vote(court, key, VOTE_PREVOTE, 1, round, &walk->ids[block]);
}

/* ---- verdicts */

static bool is_honest(const struct court *court, const struct address *who) {
    int32_t key = valset_find(&court->walk->set, who);
    return key >= 0 && court->walk->faults[key] == WALK_HONEST;
}

static void judge(struct court *court) {
    audit_votes_seal(&court->votes);
    if (!audit_judge(&court->report, &court->audit, &court->arena))
        assert(false);
    court->counts->audits++;
    for (uint32_t i = 0; i < court->report.count; i++) {
        const struct audit_finding *finding = &court->report.findings[i];
        if (!is_honest(court, &finding->who))
            continue;
        if (finding->status == AUDIT_PROVEN)
            blame(court, &court->counts->honest_proven, "an honest key PROVEN");
        else if (finding->status == AUDIT_CONVICTED_BY_LOG)
            blame(court, &court->counts->honest_by_log, "an honest key CONVICTED_BY_LOG");
        else if (finding->status == AUDIT_CONVICTED_BY_SILENCE)
            blame(court, &court->counts->honest_by_silence, "an honest key that answered CONVICTED_BY_SILENCE");
        else if (finding->status == AUDIT_SUSPECT)
            court->counts->honest_suspects++;
    }
}

/* The third party sees what we saw, and nothing else. */
static void verify(struct court *court) {
    const struct valset *sets[] = {&court->walk->set};
    struct audit_trust trust = {0, court->walk->set_hash};
    struct audit_bundle bundle = {&court->audit, &court->report, trust, NULL, 0, sets, 1, court->log_bytes, NULL, NULL, 0};
    struct audit_verified verified;
    struct span bytes;
    size_t offset;
    if (!audit_bundle_make(&bytes, &bundle, &court->arena))
        assert(false);
    const char *wrong = audit_verify(&verified, &offset, bytes, &trust, court->chain_id, NULL, &court->arena);
    const struct audit_report *report = &court->report;
    court->counts->bundles++;
    bool same = wrong == NULL && verified.is_fork == court->is_fork && verified.proven_power == report->proven_power &&
                verified.by_log_power == report->by_log_power && verified.by_silence_power == report->by_silence_power &&
                verified.suspect_power == report->suspect_power && verified.third_said == report->third_reached &&
                verified.next_proven_power == report->next_proven_power;
    if (!same) {
        if (getenv("WALK_VERBOSE") != NULL)
            fprintf(stderr, "%s at %zu; proven %lld/%lld log %lld/%lld silence %lld/%lld suspect %lld/%lld\n", wrong == NULL ? "differs" : wrong, offset,
                    (long long)verified.proven_power, (long long)report->proven_power, (long long)verified.by_log_power, (long long)report->by_log_power,
                    (long long)verified.by_silence_power, (long long)report->by_silence_power, (long long)verified.suspect_power, (long long)report->suspect_power);
        blame(court, &court->counts->verify_failures, "the third party does not see what the audit saw");
    }
}

/* ---- the hearings */

/* Whoever happens to give a log; nobody was asked yet. */
static void first_hearing(struct court *court) {
    struct walk *walk = court->walk;
    open_case(court, false);
    for (uint32_t node = 0; node < walk->node_count; node++)
        if (walk_below(walk, 3) == 0)
            give_log(court, node);
    for (uint32_t key = 0; key < walk->keys; key++)
        if (walk_below(walk, 4) == 0 && has_whole_log(walk, key))
            give_own_log(court, key, walk->faults[key] != WALK_HONEST && walk_below(walk, 2) == 0);
    judge(court);
    if (court->is_fork)
        verify(court);
}

static void note_fork(struct court *court) {
    struct walk_counts *counts = court->counts;
    const struct audit_report *report = &court->report;
    int64_t guilty = 0, total = report->total_power;
    if (report->third_reached) {
        counts->attributed++;
        counts->by_e += audit_passes_third(report->proven_power, total);
        counts->by_log += !audit_passes_third(report->proven_power, total) && audit_passes_third(report->proven_power + report->by_log_power, total);
        counts->by_silence += !audit_passes_third(report->proven_power + report->by_log_power, total);
        return;
    }
    for (uint32_t i = 0; i < report->count; i++)
        if (report->findings[i].status == AUDIT_SET_ONLY && !is_honest(court, &report->findings[i].who))
            guilty += report->findings[i].power;
    if (report->set_power > 0 && guilty >= report->set_guilty_power) {
        counts->set_only++;
        if (court->walk->settings.rule == WALK_STRICT)
            blame(court, &counts->unattributed, "a fork under strict of which a third is not convicted");
    } else if (report->set_power > 0)
        blame(court, &counts->set_wrong, "a set that holds less guilt than was said");
    else
        blame(court, &counts->unattributed, "a fork that nobody is convicted of");
}

/* All were asked, and had their time. The honest answer with their logs; the faulty as they like. */
static void last_hearing(struct court *court) {
    struct walk *walk = court->walk;
    court->log_count = court->extra_count = 0;
    open_case(court, true);
    for (uint32_t node = 0; node < walk->node_count; node++)
        if (walk->nodes[node].fault == WALK_HONEST)
            give_log(court, node);
    for (uint32_t key = 0; key < walk->keys; key++) {
        enum answer answer = walk->faults[key] == WALK_HONEST ? TRUE_LOG : (enum answer)walk_below(walk, ANSWERS);
        if (answer != SILENT && has_whole_log(walk, key)) /* who has none to sign has said above what it holds */
            give_own_log(court, key, answer == DOCTORED_LOG);
    }
    for (uint32_t i = walk_below(walk, 4); i > 1; i--)
        make_up(court);
    for (uint32_t i = 0; i < court->extra_count; i++)
        audit_votes_add(&court->votes, &court->extra[i]);
    judge(court);
    if (!court->is_fork)
        return;
    note_fork(court);
    verify(court);
}

static void add_header_of_next(struct court *court, struct block_id *id, const struct audit_commit *parent, uint8_t number) {
    struct audit_header *known = &court->headers[court->header_count++];
    known->header = parent->header;
    known->header.height = 2;
    known->header.time.seconds += 60;
    known->header.last_block_id = parent->id;
    known->header.app_hash.bytes[0] = number;
    header_hash(&known->hash, &known->header);
    *id = (struct block_id){known->hash, {1, known->hash}};
}

/* Both branches get another block: the honest vote for one on their own parent, the faulty for both. */
static void next_height(struct court *court) {
    struct walk *walk = court->walk;
    struct block_id ids[2];
    int64_t power[2] = {0, 0};
    if (court->header_count + 2 > WALK_BLOCKS_MAX)
        return;
    open_case(court, false);
    court->audit.log_count = 0;
    for (uint8_t i = 0; i < 2; i++)
        add_header_of_next(court, &ids[i], &court->commits[i], 200 + i);
    audit_headers_sort(court->headers, court->header_count);
    court->audit.header_count = court->header_count;
    audit_votes_init(&court->next_votes, &court->arena, &walk->set, court->chain_id, 2);
    for (uint32_t i = 0; i < 2; i++)
        for (uint32_t key = 0; key < walk->keys; key++) {
            bool votes = walk->faults[key] != WALK_HONEST && walk_below(walk, 8) > 0;
            for (uint32_t node = 0; node < walk->node_count; node++)
                votes |= walk->nodes[node].key == key && walk->nodes[node].decided && walk->nodes[node].fault == WALK_HONEST &&
                         block_id_equal(&walk->ids[walk->nodes[node].decided_block], &court->commits[i].id);
            if (!votes)
                continue;
            struct vote vote = make_vote(court, key, VOTE_PRECOMMIT, 2, (int32_t)i * 3, &ids[i]);
            audit_votes_add(&court->next_votes, &vote);
            power[i] += walk->set.validators[key].power;
        }
    audit_votes_seal(&court->next_votes);
    court->audit.next_votes = &court->next_votes;
    judge(court);
    verify(court);
    bool both = power[0] >= valset_quorum(&walk->set) && power[1] >= valset_quorum(&walk->set);
    court->counts->next_heights += both;
    if (both && !audit_passes_third(court->report.next_proven_power, court->report.next_total_power))
        blame(court, &court->counts->next_unattributed, "both branches went on, and E4 does not convict a third");
}

/* Would the paper's predicate accuse an honest validator of ours, by its own complete log? */
static void ask_paper(struct court *court) {
    const struct vote *precommit, *prevote;
    for (uint32_t i = 0; i < court->log_count; i++)
        if (is_honest(court, &court->logs[i].who) &&
            audit_lock_broken(&precommit, &prevote, &court->logs[i].votes, AUDIT_PAPER, (uint32_t)valset_find(&court->walk->set, &court->logs[i].who))) {
            court->counts->paper_accuses++;
            return;
        }
}

void walk_judge(struct walk_counts *counts, struct walk *walk) {
    static struct court court;
    uint32_t one, other;
    arena_reset(&court.arena);
    struct arena kept = court.arena;
    memset(&court, 0, sizeof court);
    court.arena = kept;
    court.arena.bytes_max = ARENA_BYTES;
    court.walk = walk;
    court.counts = counts;
    court.chain_id = span_text("walk");
    court.is_fork = walk_fork(walk, &one, &other);
    counts->forks += court.is_fork;
    if (court.is_fork) {
        make_commit(&court, &court.commits[0], one);
        make_commit(&court, &court.commits[1], other);
    }
    collect_headers(&court);
    first_hearing(&court);
    last_hearing(&court);
    if (walk->settings.rule == WALK_STRICT)
        ask_paper(&court);
    if (court.is_fork)
        next_height(&court);
}

void walk_one(struct walk_counts *counts, const struct walk_settings *settings) {
    static struct walk walk;
    walk_run(&walk, settings);
    counts->walks++;
    if (settings->below_third) {
        bool all = true;
        for (uint32_t i = 0; i < walk.node_count; i++)
            all &= walk.nodes[i].fault != WALK_HONEST || walk.nodes[i].decided;
        counts->decided += all;
        counts->stuck += !all;
    }
    walk_judge(counts, &walk);
    walk_end(&walk);
}

uint64_t walk_wrong(const struct walk_counts *counts, enum walk_rule rule) {
    uint64_t wrong = counts->honest_proven + counts->honest_by_log + counts->honest_by_silence + counts->set_wrong + counts->verify_failures +
                     counts->next_unattributed;
    return wrong + (rule == WALK_STRICT ? counts->unattributed : 0);
}
