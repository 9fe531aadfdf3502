#include "tests/tendermint/trial.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/sha256.h"

void trial_open(struct trial *trial, enum audit_rule rule, const int64_t *powers, uint32_t count) {
    memset(trial, 0, sizeof *trial);
    arena_init(&trial->arena, 64 << 20);
    signers_init(&trial->signers, powers, count, 0);
    trial->rule = rule;
    valset_hash(&trial->trust.set_hash, &trial->signers.set);
    trial->sets[trial->set_count++] = &trial->signers.set;
}

void trial_close(struct trial *trial) {
    signers_close(&trial->signers);
    arena_close(&trial->arena);
}

struct block_id trial_block_on(struct trial *trial, char letter, int64_t height, const struct block_id *parent) {
    struct block_id id = {0};
    if (letter == '0')
        return id;
    struct audit_header known = {.hash = {0}};
    header_init(&known.header);
    header_set_chain_id(&known.header, signers_chain());
    known.header.version_block = HEADER_BLOCK_PROTOCOL;
    known.header.height = height;
    known.header.time = (struct timestamp){1700000000 + height, 0};
    valset_hash(&known.header.validators_hash, &trial->signers.set);
    known.header.next_validators_hash = known.header.validators_hash;
    known.header.proposer_address = trial->signers.set.validators[0].address;
    known.header.app_hash = (struct app_hash){1, {(uint8_t)letter}};
    if (parent != NULL)
        known.header.last_block_id = *parent;
    header_hash(&known.hash, &known.header);
    id = (struct block_id){known.hash, {1, known.hash}};
    for (uint32_t i = 0; i < trial->header_count; i++)
        if (digest_equal(&trial->headers[i].hash, &known.hash))
            return id;
    trial->headers[trial->header_count++] = known;
    return id;
}

struct block_id trial_block(struct trial *trial, char letter) { return trial_block_on(trial, letter, TRIAL_HEIGHT, NULL); }

struct vote trial_vote(struct trial *trial, int32_t type, int64_t height, int32_t round, uint32_t index, const struct block_id *id) {
    struct vote vote;
    vote_init(&vote);
    vote.type = type;
    vote.height = height;
    vote.round = round;
    vote.block_id = *id;
    vote.timestamp = (struct timestamp){1700000100 + round, 7};
    vote.validator_index = (int32_t)index;
    signers_sign_vote(&trial->signers, &vote);
    return vote;
}

void trial_say(struct trial *trial, int32_t type, int32_t round, const char *indexes, char letter) {
    struct block_id id = trial_block(trial, letter);
    for (; *indexes != '\0'; indexes++)
        trial->votes[trial->vote_count++] = trial_vote(trial, type, TRIAL_HEIGHT, round, (uint32_t)(*indexes - '0'), &id);
}

void trial_say_next(struct trial *trial, int32_t type, int32_t round, const char *indexes, const struct block_id *id) {
    for (; *indexes != '\0'; indexes++)
        trial->next_votes[trial->next_count++] = trial_vote(trial, type, TRIAL_HEIGHT + 1, round, (uint32_t)(*indexes - '0'), id);
}

void trial_commit(struct trial *trial, int32_t round, const char *indexes, char letter) {
    struct audit_commit *made = &trial->commits[trial->commit_count++];
    uint32_t first = trial->vote_count;
    trial_say(trial, VOTE_PRECOMMIT, round, indexes, letter);
    made->id = trial_block(trial, letter);
    for (uint32_t i = 0; i < trial->header_count; i++)
        if (digest_equal(&trial->headers[i].hash, &made->id.hash))
            made->header = trial->headers[i].header;
    made->commit = (struct commit){.height = TRIAL_HEIGHT, .round = round, .block_id = made->id, .count = trial->signers.set.count};
    made->commit.sigs = arena_take(&trial->arena, made->commit.count, sizeof made->commit.sigs[0]);
    for (uint32_t i = 0; i < made->commit.count; i++)
        commit_sig_absent(&made->commit.sigs[i]);
    for (uint32_t i = first; i < trial->vote_count; i++) {
        const struct vote *vote = &trial->votes[i];
        made->commit.sigs[vote->validator_index] = (struct commit_sig){COMMIT_FOR_BLOCK, vote->validator_address, vote->timestamp, vote->signature};
    }
}

void trial_propose(struct trial *trial, int32_t round, uint32_t index, char letter) {
    struct audit_proposal *made = &trial->proposals[trial->proposal_count++];
    uint8_t bytes[VOTE_SIGN_BYTES_MAX];
    proposal_init(&made->proposal);
    made->index = index;
    made->proposal.type = VOTE_PROPOSAL;
    made->proposal.height = TRIAL_HEIGHT;
    made->proposal.round = round;
    made->proposal.pol_round = -1;
    made->proposal.block_id = trial_block(trial, letter);
    made->proposal.timestamp = (struct timestamp){1700000050, 0};
    size_t size = proposal_sign_bytes(bytes, &made->proposal, signers_chain());
    signers_sign(&trial->signers, index, &made->proposal.signature, span_of(bytes, size));
}

void trial_log(struct trial *trial, uint32_t index, const char *rounds, bool complete) {
    size_t capacity = trial->vote_count * 320u + 1024;
    uint8_t *items = arena_take(&trial->arena, capacity, 1), *bytes = arena_take(&trial->arena, capacity, 1), manifest_bytes[512], message[AUDIT_LOG_SIGN_BYTES];
    struct proto_writer writer, manifest_writer, log_writer;
    struct audit_own_log *own = &trial->logs[trial->log_count];
    own->who = trial->signers.set.validators[index].address;
    audit_votes_init(&own->votes, &trial->arena, &trial->signers.set, signers_chain(), TRIAL_HEIGHT);
    proto_writer_init(&writer, items, capacity);
    for (uint32_t i = 0; i < trial->vote_count; i++) {
        const struct vote *vote = &trial->votes[i];
        if ((uint32_t)vote->validator_index != index && rounds != NULL && strchr(rounds, '0' + vote->round) == NULL)
            continue;
        audit_log_item_write(&writer, vote, NULL, NULL);
        audit_votes_add(&own->votes, vote);
    }
    audit_votes_seal(&own->votes);
    struct audit_log_manifest manifest = {.chain_id = signers_chain(), .height = TRIAL_HEIGHT, .complete = complete, .address = own->who,
                                          .note_count = 1, .notes = {span_text("a note")}};
    struct signature signature;
    proto_writer_init(&manifest_writer, manifest_bytes, sizeof manifest_bytes);
    audit_log_manifest_write(&manifest_writer, &manifest, proto_writer_span(&writer));
    audit_log_sign_bytes(message, proto_writer_span(&manifest_writer));
    signers_sign(&trial->signers, index, &signature, span_of(message, sizeof message));
    proto_writer_init(&log_writer, bytes, capacity);
    audit_log_write(&log_writer, proto_writer_span(&manifest_writer), &signature, proto_writer_span(&writer));
    ck_assert(!writer.overflow && !manifest_writer.overflow && !log_writer.overflow);
    trial->log_bytes[trial->log_count++] = proto_writer_span(&log_writer);
}

static void gather(struct trial *trial) {
    struct valset *set = &trial->signers.set;
    audit_votes_init(&trial->l, &trial->arena, set, signers_chain(), TRIAL_HEIGHT);
    audit_votes_init(&trial->next_l, &trial->arena, set, signers_chain(), TRIAL_HEIGHT + 1);
    for (uint32_t i = 0; i < trial->vote_count; i++)
        ck_assert_int_le(audit_votes_add(&trial->l, &trial->votes[i]), AUDIT_VOTE_KNOWN);
    for (uint32_t i = 0; i < trial->next_count; i++)
        ck_assert_int_le(audit_votes_add(&trial->next_l, &trial->next_votes[i]), AUDIT_VOTE_KNOWN);
    audit_votes_seal(&trial->l);
    audit_votes_seal(&trial->next_l);
    audit_headers_sort(trial->headers, trial->header_count);
    trial->proposal_count = audit_proposals_sort(trial->proposals, trial->proposal_count);
}

const char *trial_verify(struct trial *trial, struct audit_verified *out, struct span bundle) {
    size_t offset;
    return audit_verify(out, &offset, bundle, &trial->trust, signers_chain(), NULL, &trial->arena);
}

static void check_bundle(struct trial *trial) {
    const struct audit_bundle bundle = {&trial->audit,      &trial->report, trial->trust,     trial->links,
                                        trial->link_count,  trial->sets,    trial->set_count, trial->log_bytes, NULL, NULL, 0};
    struct audit_verified seen;
    ck_assert(audit_bundle_make(&trial->bundle, &bundle, &trial->arena));
    const char *wrong = trial_verify(trial, &seen, trial->bundle);
    ck_assert_msg(wrong == NULL, "%s", wrong);
    ck_assert_int_eq(seen.proven_power, trial->report.proven_power);
    ck_assert_int_eq(seen.by_log_power, trial->report.by_log_power);
    ck_assert_int_eq(seen.by_silence_power, trial->report.by_silence_power);
    ck_assert_int_eq(seen.suspect_power, trial->report.suspect_power);
    ck_assert_int_eq(seen.next_proven_power, trial->report.next_proven_power);
    ck_assert_int_eq(seen.third_said, trial->report.third_reached);
    ck_assert_int_eq(seen.is_fork, trial->commit_count == 2);
}

void trial_judge(struct trial *trial) {
    gather(trial);
    trial->audit = (struct audit_case){
        .rule = trial->rule,
        .height = TRIAL_HEIGHT,
        .chain_id = signers_chain(),
        .set = &trial->signers.set,
        .commits = {trial->commit_count > 0 ? &trial->commits[0] : NULL, trial->commit_count > 1 ? &trial->commits[1] : NULL},
        .votes = &trial->l,
        .next_votes = trial->next_count > 0 ? &trial->next_l : NULL,
        .proposals = trial->proposals,
        .proposal_count = trial->proposal_count,
        .headers = trial->headers,
        .header_count = trial->header_count,
        .logs = trial->logs,
        .log_count = trial->log_count,
        .deadline_passed = trial->deadline_passed,
    };
    valset_hash(&trial->audit.set_hash, &trial->signers.set);
    ck_assert(audit_judge(&trial->report, &trial->audit, &trial->arena));
    if (trial->commit_count > 0)
        check_bundle(trial);
}

void trial_reseal(struct span bundle) {
    sha256_once((uint8_t *)bundle.data + bundle.size - SHA256_BYTES, span_of(bundle.data, bundle.size - SHA256_BYTES - 5));
}

const struct audit_finding *trial_finding(const struct trial *trial, uint32_t index) {
    for (uint32_t i = 0; i < trial->report.count; i++)
        if (address_equal(&trial->report.findings[i].who, &trial->signers.set.validators[index].address))
            return &trial->report.findings[i];
    return NULL;
}

char *trial_text(const struct trial *trial) {
    static char text[1024];
    static const char *const marks[] = {"", "", "!", ".", "?", "~", "ok"};
    size_t size = 0;
    text[0] = '\0';
    for (uint32_t index = 0; index < trial->signers.set.count; index++)
        for (uint32_t i = 0; i < trial->report.count; i++) {
            const struct audit_finding *finding = &trial->report.findings[i];
            if (address_equal(&finding->who, &trial->signers.set.validators[index].address))
                size += (size_t)snprintf(text + size, sizeof text - size, "%s%s%s %u", size == 0 ? "" : ", ", audit_kind_text(finding->kind),
                                         marks[finding->status], index);
        }
    return text;
}
