/* Who said what: signed logs, and journals of ours and of CometBFT's, read piece by piece. */
#include <stdio.h>

#include "node/docket.h"
#include "node/journal_files.h"
#include "node/wire.h"

enum { RECORD_ARENA_BYTES = 8 << 20 };

/* ---- votes and proposals, from wherever */

void docket_add_vote(struct docket *docket, struct docket_source *source, const struct vote *vote) {
    enum audit_note note = AUDIT_VOTE_OTHER_HEIGHT;
    struct vote own = *vote;
    source->votes++;
    if (vote->height == docket->height) {
        note = audit_votes_add(&docket->votes, vote);
    } else if (vote->height == docket->height + 1 && docket->next_set != NULL) {
        own.validator_index = valset_find(docket->next_set, &vote->validator_address); /* each branch may count them otherwise */
        note = own.validator_index < 0 ? AUDIT_VOTE_STRANGER : audit_votes_add(&docket->next_votes, &own);
    }
    source->kept += note == AUDIT_VOTE_ADDED;
    source->dropped[note] += note != AUDIT_VOTE_ADDED;
}

/* A proposal does not say who signed it. */
void docket_add_proposal(struct docket *docket, struct docket_source *source, const struct proposal *proposal) {
    source->proposals++;
    if (proposal->height != docket->height || proposal_check(proposal) != VOTE_GOOD || docket->proposal_count == DOCKET_PROPOSALS_MAX)
        return;
    for (uint32_t i = 0; i < docket->proposal_count; i++)
        if (memcmp(docket->proposals[i].proposal.signature.bytes, proposal->signature.bytes, sizeof proposal->signature.bytes) == 0)
            return;
    for (uint32_t i = 0; i < docket->set->count; i++)
        if (proposal_verify_vartime(proposal, span_text(docket->chain_id), &docket->set->validators[i].pub_key)) {
            docket->proposals[docket->proposal_count++] = (struct audit_proposal){*proposal, i};
            return;
        }
}

/* ---- signed logs */

static const char *judge_manifest(const struct docket *docket, const struct audit_log *log, int32_t *signer) {
    const struct audit_log_manifest *manifest = &log->manifest;
    *signer = valset_find(docket->set, &manifest->address);
    if (!span_equal(manifest->chain_id, span_text(docket->chain_id)))
        return "of another chain";
    if (manifest->height != docket->height)
        return "of another height";
    if (log->signature.size == 0)
        return "not signed: its votes count, but nobody is convicted by what is missing in it";
    if (*signer < 0 || !audit_log_signed_by(log, &docket->set->validators[*signer].pub_key))
        return "not signed by a validator of this height: its votes count, but nobody is convicted by what is missing in it";
    if (!manifest->complete)
        return "says itself that it is not complete: its votes count, but its signer is not convicted by what is missing in it";
    return NULL;
}

static struct audit_own_log *own_log(struct docket *docket, const struct audit_log *log, struct span bytes) {
    for (uint32_t i = 0; i < docket->own_count; i++)
        if (address_equal(&docket->own_logs[i].who, &log->manifest.address))
            return NULL; /* one speaks for itself; of two the first is taken */
    struct audit_own_log *own = &docket->own_logs[docket->own_count];
    if (docket->own_count == docket->own_capacity || !arena_copy(&docket->arena, &docket->own_bytes[docket->own_count], bytes) ||
        !audit_votes_init(&own->votes, &docket->arena, docket->set, span_text(docket->chain_id), docket->height))
        return NULL;
    own->who = log->manifest.address;
    docket->own_count++;
    return own;
}

static void add_items(struct docket *docket, struct docket_source *source, struct audit_own_log *own, struct span rest) {
    struct span item;
    enum audit_log_item kind;
    while ((kind = audit_log_next(&rest, &item)) != AUDIT_LOG_END) {
        struct vote vote;
        struct header header;
        struct proto_reader reader = proto_reader_over(item);
        struct proposal proposal;
        source->records++;
        if (kind == AUDIT_LOG_VOTE && vote_decode(&vote, item)) {
            docket_add_vote(docket, source, &vote);
            if (own != NULL)
                audit_votes_add(&own->votes, &vote);
        } else if (kind == AUDIT_LOG_HEADER && header_decode(&header, item)) {
            docket_add_header(docket, &header);
            source->headers++;
        } else if (kind == AUDIT_LOG_PROPOSAL) {
            proposal_init(&proposal);
            proposal_read(&proposal, &reader);
            if (!reader.bad)
                docket_add_proposal(docket, source, &proposal);
        } else {
            source->dropped[AUDIT_VOTE_MALFORMED]++;
        }
    }
}

void docket_add_items(struct docket *docket, struct docket_source *source, struct span items) { add_items(docket, source, NULL, items); }

bool docket_is_log(struct span bytes) {
    struct audit_log log;
    return bytes.size > 0 && bytes.data[0] == 0x0a && audit_log_read(&log, bytes);
}

void docket_add_log(struct docket *docket, struct docket_source *source, struct span bytes) {
    struct audit_log log;
    int32_t signer;
    if (!audit_log_read(&log, bytes)) {
        snprintf(source->note, sizeof source->note, "no log, or its items are not those of its manifest: passed over");
        return;
    }
    const char *why = judge_manifest(docket, &log, &signer);
    struct audit_own_log *own = why == NULL ? own_log(docket, &log, bytes) : NULL;
    if (why == NULL && own == NULL)
        why = "a log of this signer is taken already, or there is no room for it: its votes count, but what is missing in it does not";
    if (why != NULL)
        snprintf(source->note, sizeof source->note, "%s", why);
    else if (log.manifest.note_count > 0)
        snprintf(source->note, sizeof source->note, "its signer notes: %.*s", (int)log.manifest.notes[log.manifest.note_count - 1].size,
                 (const char *)log.manifest.notes[log.manifest.note_count - 1].data);
    add_items(docket, source, own, log.items);
}

/* ---- journals */

struct reading {
    struct docket *docket;
    struct docket_source *source;
    struct arena arena;
};

/* A block's first part begins with its header. */
static void add_part(struct reading *reading, const struct part *part) {
    struct proto_reader reader = proto_reader_over(part->bytes);
    struct proto_field field;
    struct header header;
    if (part->index != 0 || !proto_next(&reader, &field) || field.number != 1 || field.wire != PROTO_BYTES || !header_decode(&header, field.bytes))
        return;
    docket_add_header(reading->docket, &header);
    reading->source->headers++;
}

static void add_record(void *context, const struct journal_record *record) {
    struct reading *reading = context;
    struct wire_consensus message;
    if (reading->source->records++ == 0)
        reading->source->note[0] = '\0';
    if (record->kind == JOURNAL_ROUND_STATE && !reading->docket->has_comet_log) { /* what our nodes never write */
        reading->docket->has_comet_log = true;
        snprintf(reading->source->note, sizeof reading->source->note, "written by CometBFT");
    }
    if (record->kind != JOURNAL_MESSAGE)
        return;
    arena_reset(&reading->arena);
    if (wire_consensus_parse(&message, record->message, &reading->arena) != NULL)
        return;
    if (message.kind == WIRE_VOTE_MESSAGE)
        docket_add_vote(reading->docket, reading->source, &message.vote);
    else if (message.kind == WIRE_PROPOSAL)
        docket_add_proposal(reading->docket, reading->source, &message.proposal);
    else if (message.kind == WIRE_BLOCK_PART)
        add_part(reading, &message.part);
}

static void begin_file(void *context, const char *path) {
    struct reading *reading = context;
    reading->source = docket_source(reading->docket, path);
}

static void note_damage(void *context, uint64_t bytes) {
    struct reading *reading = context;
    reading->source->damaged_bytes += bytes;
    if (reading->source->records == 0) /* so far */
        snprintf(reading->source->note, sizeof reading->source->note, "no record of a journal is in it");
}

static void note_failure(void *context, const char *why) {
    struct reading *reading = context;
    snprintf(reading->source->note, sizeof reading->source->note, "cannot be read: %s", why);
}

void docket_add_journal(struct docket *docket, const char *path) {
    struct reading reading = {docket, NULL, {0}};
    struct journal_files visitor = {&reading, begin_file, add_record, note_damage, note_failure};
    arena_init(&reading.arena, RECORD_ARENA_BYTES);
    if (journal_files_walk(path, &visitor) == 0 && reading.source == NULL)
        snprintf(docket_source(docket, path)->note, sizeof docket->sources[0].note, "no journal is there");
    arena_close(&reading.arena);
}
