#include "node/docket.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/complaint.h"
#include "rpc/document.h"
#include "rpc/evidence_json.h"
#include "rpc/light_json.h"

static void *room(struct docket *docket, size_t count, size_t size) {
    void *memory = arena_take(&docket->arena, count, size);
    assert(memory != NULL); /* far below DOCKET_BYTES_MAX */
    return memory;
}

void docket_init(struct docket *docket, enum audit_rule rule, struct span chain_id) {
    memset(docket, 0, sizeof *docket);
    arena_init(&docket->arena, DOCKET_BYTES_MAX);
    docket->rule = rule;
    assert(chain_id.size < sizeof docket->chain_id);
    memcpy(docket->chain_id, chain_id.data, chain_id.size);
    docket->sets = room(docket, DOCKET_SETS_MAX, sizeof docket->sets[0]);
    docket->set_list = room(docket, DOCKET_SETS_MAX, sizeof docket->set_list[0]);
    docket->set_hashes = room(docket, DOCKET_SETS_MAX, sizeof docket->set_hashes[0]);
    docket->sources = room(docket, DOCKET_SOURCES_MAX, sizeof docket->sources[0]);
    docket->signed_headers = room(docket, 64, sizeof docket->signed_headers[0]);
    docket->headers = room(docket, 64, sizeof docket->headers[0]);
    docket->proposals = room(docket, DOCKET_PROPOSALS_MAX, sizeof docket->proposals[0]);
}

void docket_close(struct docket *docket) {
    for (uint32_t i = 0; i < docket->set_count; i++)
        valset_close(&docket->sets[i]);
    arena_close(&docket->arena);
}

struct docket_source *docket_source(struct docket *docket, const char *name) {
    uint32_t at = docket->source_count < DOCKET_SOURCES_MAX ? docket->source_count++ : DOCKET_SOURCES_MAX - 1;
    struct docket_source *source = &docket->sources[at];
    snprintf(source->name, sizeof source->name, "%s", name);
    return source;
}

/* ---- sets, headers, commits */

const struct valset *docket_find_set(const struct docket *docket, const struct digest *hash) {
    for (uint32_t i = 0; i < docket->set_count; i++)
        if (digest_equal(&docket->set_hashes[i], hash))
            return &docket->sets[i];
    return NULL;
}

bool docket_add_set(struct docket *docket, struct valset *set) {
    struct digest hash;
    valset_hash(&hash, set);
    if (docket_find_set(docket, &hash) != NULL) {
        valset_close(set);
        return true;
    }
    if (docket->set_count == DOCKET_SETS_MAX)
        return false;
    docket->set_hashes[docket->set_count] = hash;
    docket->set_list[docket->set_count] = &docket->sets[docket->set_count];
    docket->sets[docket->set_count++] = *set;
    valset_init(set);
    return true;
}

void docket_trust(struct docket *docket, int64_t height, const struct valset *set) {
    struct valset copy;
    valset_init(&copy);
    valset_copy(&copy, set);
    docket->trust.height = height;
    valset_hash(&docket->trust.set_hash, set);
    docket_add_set(docket, &copy);
    valset_close(&copy);
}

/* Doubles when full. */
static bool make_room(struct docket *docket, void **list, uint32_t count, size_t size, uint32_t most) {
    if (count >= most)
        return false;
    if (count < 64 || (count & (count - 1)) != 0)
        return true;
    void *larger = arena_take(&docket->arena, 2 * (size_t)count, size);
    if (larger == NULL)
        return false;
    memcpy(larger, *list, count * size);
    *list = larger;
    return true;
}

void docket_add_header(struct docket *docket, const struct header *header) {
    struct digest hash;
    header_hash(&hash, header);
    if (hash.size == 0 || !span_equal(header_chain_id(header), span_text(docket->chain_id)))
        return;
    for (uint32_t i = docket->header_count; i > 0 && docket->header_count - i < 256; i--)
        if (digest_equal(&docket->headers[i - 1].hash, &hash))
            return;
    if (make_room(docket, (void **)&docket->headers, docket->header_count, sizeof docket->headers[0], DOCKET_HEADERS_MAX))
        docket->headers[docket->header_count++] = (struct audit_header){.hash = hash, .header = *header};
}

void docket_add_signed(struct docket *docket, struct docket_source *source, const struct header *header, const struct commit *commit) {
    struct audit_commit one = {.header = *header, .commit = *commit};
    one.id = commit->block_id;
    header_hash(&one.id.hash, header);
    if (!span_equal(header_chain_id(header), span_text(docket->chain_id)))
        snprintf(source->note, sizeof source->note, "of chain \"%s\": passed over", header->chain_id);
    else if (!block_id_equal(&one.id, &commit->block_id) || commit->height != header->height || commit_check(commit) != COMMIT_GOOD)
        snprintf(source->note, sizeof source->note, "the commit is not one of its header: passed over");
    else if (make_room(docket, (void **)&docket->signed_headers, docket->signed_count, sizeof one, DOCKET_SIGNED_MAX))
        docket->signed_headers[docket->signed_count++] = one;
    source->unused |= source->note[0] != '\0';
    docket_add_header(docket, header);
    source->headers++;
}

/* ---- JSON */

static bool refuse(struct docket_source *source, const char *what, const char *why) {
    snprintf(source->note, sizeof source->note, "%s: %s", what, why == NULL ? "malformed" : why);
    source->unused = true;
    return false;
}

/* A set in pages: they come one after another, of one height. */
static bool add_page(struct docket *docket, struct docket_source *source, struct span result) {
    const char *error = NULL;
    int64_t total, height;
    struct valset set;
    struct span text;
    if (docket->page_members == NULL)
        docket->page_members = room(docket, VALSET_COUNT_MAX, sizeof docket->page_members[0]);
    if (!scan_member(result, &text, "block_height") || !scan_int64_text(&height, text) || height != docket->page_height)
        docket->page_count = 0;
    if (!light_json_validators(docket->page_members, &docket->page_count, &total, &docket->page_height, &error, result, &docket->arena)) {
        docket->page_count = 0;
        return refuse(source, "a validator set", error);
    }
    if (docket->page_count < total) {
        snprintf(source->note, sizeof source->note, "%u of %lld validators: give the other pages too", docket->page_count, (long long)total);
        return true;
    }
    valset_init(&set);
    set.count = docket->page_count;
    docket->page_count = 0;
    set.validators = malloc(set.count * sizeof set.validators[0]);
    assert(set.validators != NULL);
    memcpy(set.validators, docket->page_members, set.count * sizeof set.validators[0]);
    for (uint32_t i = 0; i < set.count; i++) {
        if (set.validators[i].power <= 0 || set.validators[i].power > VALSET_TOTAL_POWER_MAX - set.total_power) {
            valset_close(&set);
            return refuse(source, "a validator set", "its powers");
        }
        set.total_power += set.validators[i].power;
    }
    bool good = docket_add_set(docket, &set);
    valset_close(&set);
    return good || refuse(source, "a validator set", "too many sets");
}

static bool add_block(struct docket *docket, struct docket_source *source, struct span block) {
    struct document document = {.arena = &docket->arena};
    struct span part;
    struct header header;
    header_init(&header);
    if (!document_object(&document, &part, block, "header"))
        return refuse(source, "a block", "it has no header");
    document_header(&document, &header, part);
    if (document.wrong != NULL)
        return refuse(source, "a block's header", document.wrong);
    docket_add_header(docket, &header);
    source->headers++;
    return true;
}

/* Evidence: its votes wait until the height is known. The block of an attack may turn out to be one that two thirds decided. */
static bool add_accused(struct docket *docket, struct docket_source *source, struct span json) {
    struct evidence evidence;
    struct span error = {0};
    if (!evidence_json_read(&evidence, &error, json, &docket->arena))
        return refuse(source, "evidence", "malformed");
    const struct commit *commit = &evidence.conflicting_commit;
    if (evidence.kind != EVIDENCE_LIGHT_ATTACK || docket->attack_count == DOCKET_ACCUSED_MAX || !evidence_attack_check(&evidence))
        return true;
    docket->attacks[docket->attack_count++] = (struct docket_attack){commit->height, commit->block_id.hash};
    docket->accused[docket->accused_count++] = (struct docket_accused){{commit->block_id, evidence.conflicting_header, *commit}, source};
    return true;
}

static bool add_result(struct docket *docket, struct docket_source *source, struct span result) {
    struct span part;
    struct header header;
    struct commit commit;
    const char *error = NULL;
    if (scan_member(result, &part, "signed_header")) {
        if (!light_json_commit(&header, &commit, &error, result, &docket->arena))
            return refuse(source, "a commit", error);
        docket_add_signed(docket, source, &header, &commit);
        return true;
    }
    if (scan_member(result, &part, "validators"))
        return add_page(docket, source, result);
    if (scan_member(result, &part, "block"))
        return add_block(docket, source, part);
    if (scan_member(result, &part, "header"))
        return add_block(docket, source, result);
    if (scan_member(result, &part, "type"))
        return add_accused(docket, source, result);
    if (scan_member(result, &part, "code") && scan_member(result, &part, "message"))
        return refuse(source, "this JSON", "it is a node's error, not an answer");
    return refuse(source, "this JSON", "it is none of the answers to /commit, /block, /header, /validators, and no evidence");
}

bool docket_add_json(struct docket *docket, struct docket_source *source, struct span text) {
    struct span value, result, copy;
    size_t bad_at;
    if (!scan_value(&value, text, &bad_at)) {
        snprintf(source->note, sizeof source->note, "no JSON (byte %zu)", bad_at);
        source->unused = true;
        return false;
    }
    if (!arena_copy(&docket->arena, &copy, value))
        return refuse(source, "this JSON", "no room");
    return add_result(docket, source, scan_member(copy, &result, "result") || scan_member(copy, &result, "error") ? result : copy);
}

void docket_add_json_evidence(struct docket *docket, struct docket_source *source, struct span text) {
    struct span value, result, block, part, list, key, item;
    if (!scan_value(&value, text, NULL))
        return;
    result = scan_member(value, &part, "result") ? part : value;
    if (scan_member(result, &part, "type"))
        docket_add_evidence(docket, source, result);
    if (scan_member(result, &block, "block") && scan_member(block, &part, "evidence") && scan_member(part, &list, "evidence"))
        for (struct scan_walk walk = scan_walk(list); scan_next(&walk, &key, &item);)
            docket_add_evidence(docket, source, item);
}

bool docket_add_evidence(struct docket *docket, struct docket_source *source, struct span json) {
    struct evidence evidence;
    struct span error = {0};
    if (!evidence_json_read(&evidence, &error, json, &docket->arena))
        return refuse(source, "evidence", "malformed");
    if (evidence.kind == EVIDENCE_DUPLICATE_VOTE) {
        docket_add_vote(docket, source, &evidence.duplicate.vote_a);
        docket_add_vote(docket, source, &evidence.duplicate.vote_b);
        return true;
    }
    for (uint32_t i = 0; i < evidence.conflicting_commit.count; i++) {
        struct vote vote;
        if (evidence.conflicting_commit.sigs[i].flag == COMMIT_ABSENT)
            continue;
        commit_vote(&vote, &evidence.conflicting_commit, i);
        vote.validator_index = valset_find(docket->set, &vote.validator_address); /* the liars' own set may count them otherwise */
        docket_add_vote(docket, source, &vote);
    }
    docket_add_header(docket, &evidence.conflicting_header);
    return true;
}

/* ---- judging */

void docket_add_asked(struct docket *docket, const struct address *who) {
    if (docket->asked == NULL)
        docket->asked = room(docket, docket->set->count, sizeof docket->asked[0]);
    for (uint32_t i = 0; who != NULL && i < docket->asked_count; i++)
        if (address_equal(&docket->asked[i], who))
            return;
    if (who != NULL && docket->asked_count < docket->set->count)
        docket->asked[docket->asked_count++] = *who;
}

bool docket_is_fork(const struct docket *docket) { return docket->commits[0] != NULL && docket->commits[1] != NULL; }

bool docket_is_whole(const struct docket *docket) {
    bool whole = docket->refusal_count == 0 && docket->other_branch == NULL;
    for (uint32_t i = 0; whole && i < docket->source_count; i++)
        whole = !docket->sources[i].unused;
    return whole;
}

/* Somebody was shown another block of the height than the chain's. */
static bool is_attacked(const struct docket *docket) {
    for (uint32_t i = 0; i < docket->attack_count && docket->commits[0] != NULL; i++)
        if (docket->attacks[i].height == docket->height && !digest_equal(&docket->attacks[i].hash, &docket->commits[0]->id.hash))
            return true;
    return false;
}

char *docket_judge(struct docket *docket, bool deadline_passed) {
    audit_headers_sort(docket->headers, docket->header_count);
    docket->proposal_count = audit_proposals_sort(docket->proposals, docket->proposal_count);
    bool has_room = audit_votes_seal(&docket->votes) && (docket->next_set == NULL || audit_votes_seal(&docket->next_votes));
    for (uint32_t i = 0; has_room && i < docket->own_count; i++)
        has_room = audit_votes_seal(&docket->own_logs[i].votes);
    docket->audit = (struct audit_case){
        .rule = docket->rule,
        .height = docket->height,
        .chain_id = span_text(docket->chain_id),
        .set = docket->set,
        .set_hash = docket->set_hash,
        .commits = {docket->commits[0], docket->commits[1]},
        .votes = &docket->votes,
        .next_votes = docket->next_set == NULL ? NULL : &docket->next_votes,
        .proposals = docket->proposals,
        .proposal_count = docket->proposal_count,
        .headers = docket->headers,
        .header_count = docket->header_count,
        .logs = docket->own_logs,
        .log_count = docket->own_count,
        .deadline_passed = deadline_passed,
        .light_attack = is_attacked(docket),
        .asked = docket->asked,
        .asked_count = docket->asked_count,
    };
    if (!has_room || !audit_judge(&docket->report, &docket->audit, &docket->arena))
        return complaint_of("what was handed in does not fit into the %zu MiB that an audit may take; give fewer logs", DOCKET_BYTES_MAX >> 20);
    struct audit_bundle bundle = {.audit = &docket->audit,
                                  .report = &docket->report,
                                  .trust = docket->trust,
                                  .links = docket->links,
                                  .link_count = docket->link_count,
                                  .sets = docket->set_list,
                                  .set_count = docket->set_count,
                                  .logs = docket->own_bytes,
                                  .application = docket->application,
                                  .blocks = docket->blocks,
                                  .block_count = docket->block_count};
    if (docket->commits[0] != NULL && !audit_bundle_make(&docket->bundle, &bundle, &docket->arena))
        return complaint_of("the bundle cannot be made: a validator set that it needs is missing (give /validators of the height after), or it would be too large");
    return NULL;
}
