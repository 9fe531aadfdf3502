/* What is said of each key, and whether what comes with it bears it out. */
#include "tendermint/audit_verify_inside.h"
#include "tendermint/audit_verify_lock.h"

enum { STATEMENT_BYTES_MAX = 4096 };

static const struct header *find_header(const struct audit_verifier *verifier, const struct digest *hash) {
    for (uint32_t i = 0; i < verifier->header_count; i++)
        if (digest_equal(&verifier->headers[i].hash, hash)) {
            verifier->header_used[i] = true;
            return &verifier->headers[i].header;
        }
    return NULL;
}

const char *audit_verify_nothing_idle(const struct audit_verifier *verifier) {
    for (uint32_t i = verifier->commit_count; i < verifier->header_count; i++)
        if (!verifier->header_used[i])
            return "a header belongs to no statement";
    for (uint32_t i = 0; i < verifier->log_count; i++)
        if (!verifier->log_used[i])
            return "a log belongs to no statement";
    if ((verifier->block_count > 0 || verifier->out->application.size > 0) && !verifier->reexecuted)
        return "blocks or an application belong to no statement";
    return verifier->polka_count > 0 && !verifier->polka_used ? "the polka belongs to no statement" : NULL;
}

/* ---- 5 to 8: what statements refer to */

static void write_header(struct proto_writer *writer, const void *thing) { header_write(writer, thing); }

const char *audit_verify_header(struct audit_verifier *verifier, struct span content) {
    struct header header;
    if (!header_decode(&header, content) || !audit_verify_is_canonical(verifier, content, write_header, &header))
        return "a header is malformed";
    const char *wrong = audit_verify_note_header(verifier, &header);
    const struct audit_header *last = &verifier->headers[verifier->header_count - 1];
    for (uint32_t i = 0; wrong == NULL && i < verifier->commit_count; i++)
        if (digest_equal(&verifier->headers[i].hash, &last->hash))
            wrong = "a header is there twice";
    if (wrong == NULL && verifier->header_count > verifier->commit_count + 1 && span_compare(digest_span(&last[-1].hash), digest_span(&last->hash)) >= 0)
        wrong = "the headers are not in order";
    return wrong;
}

/* The place in the set is not signed: of all that could stand there, the true one must. */
static bool vote_is_of(const struct audit_verifier *verifier, const struct vote *vote, const struct address *who) {
    const struct validator *signer = audit_verify_signer_of(verifier, who, vote->height);
    const struct valset *set = vote->height == verifier->out->height ? verifier->set : verifier->next_set;
    return signer != NULL && vote_check(vote) == VOTE_GOOD && address_equal(&vote->validator_address, who) &&
           vote->validator_index == signer - set->validators &&
           vote_verify_vartime(vote, verifier->out->chain_id, &signer->pub_key);
}

struct votes {
    const struct vote *list;
    uint32_t count;
};

static void write_votes(struct proto_writer *writer, const void *thing) {
    const struct votes *votes = thing;
    for (uint32_t i = 0; i < votes->count; i++) {
        size_t mark = proto_begin(writer, 1);
        vote_write(writer, &votes->list[i]);
        proto_end(writer, mark);
    }
}

static void read_vote(struct vote *vote, struct proto_reader *reader, const struct proto_field *field) {
    struct proto_reader sub = proto_sub(reader, field);
    vote_init(vote);
    vote_read(vote, &sub);
    proto_join(reader, &sub);
}

const char *audit_verify_polka(struct audit_verifier *verifier, struct span content) {
    struct proto_reader reader = proto_reader_over(content);
    struct proto_field field;
    int64_t power = 0;
    verifier->polka = arena_take(verifier->arena, verifier->set->count, sizeof verifier->polka[0]);
    if (verifier->polka == NULL)
        return "more than the memory that a bundle may take";
    while (proto_next(&reader, &field)) {
        if (field.number != 1 || verifier->polka_count == verifier->set->count)
            return "the polka is malformed";
        struct vote *vote = &verifier->polka[verifier->polka_count], *first = &verifier->polka[0];
        read_vote(vote, &reader, &field);
        bool good = vote->type == VOTE_PREVOTE && vote->height == verifier->out->height && vote->round == first->round &&
                    block_id_equal(&vote->block_id, &first->block_id) && (vote == first || vote[-1].validator_index < vote->validator_index) &&
                    vote_is_of(verifier, vote, &vote->validator_address);
        if (!good)
            return "the polka is not made of prevotes of one round for one thing";
        power += verifier->set->validators[vote->validator_index].power;
        verifier->polka_count++;
    }
    struct votes all = {verifier->polka, verifier->polka_count};
    if (reader.bad || !audit_verify_is_canonical(verifier, content, write_votes, &all))
        return "the polka is malformed";
    return power >= valset_quorum(verifier->set) ? NULL : "the polka has no two thirds";
}

const char *audit_verify_log(struct audit_verifier *verifier, struct span content) {
    if (verifier->log_count == verifier->log_capacity)
        return "more logs than validators";
    struct audit_log *log = &verifier->logs[verifier->log_count];
    if (!audit_log_read(log, content))
        return "a log is not what its manifest says";
    const struct audit_log_manifest *manifest = &log->manifest;
    const struct validator *signer = audit_verify_signer_of(verifier, &manifest->address, manifest->height);
    if (!span_equal(manifest->chain_id, verifier->out->chain_id) || manifest->height != verifier->out->height)
        return "a log is of another chain or height";
    if (signer == NULL || !audit_log_signed_by(log, &signer->pub_key))
        return "a log is not signed by a validator";
    if (!manifest->complete)
        return "a log says itself that it is not complete";
    if (verifier->log_count > 0 && address_compare(&log[-1].manifest.address, &manifest->address) >= 0)
        return "the logs are not in order";
    verifier->log_count++;
    return NULL;
}

/* What it is made of is looked at when it is executed: each block is named, to the last byte, by the one after it. */
const char *audit_verify_block(struct audit_verifier *verifier, struct span content) {
    if (verifier->block_count == verifier->block_capacity) {
        uint32_t capacity = verifier->block_capacity == 0 ? 64 : 2 * verifier->block_capacity;
        struct span *larger = capacity > AUDIT_VERIFY_BLOCKS_MAX ? NULL : arena_take(verifier->arena, capacity, sizeof larger[0]);
        if (larger == NULL)
            return "more blocks than a bundle may have";
        for (uint32_t i = 0; i < verifier->block_count; i++)
            larger[i] = verifier->blocks[i];
        verifier->blocks = larger;
        verifier->block_capacity = capacity;
    }
    verifier->blocks[verifier->block_count++] = content;
    return NULL;
}

/* ---- 9: the statements */

struct statement {
    int32_t kind, status;
    struct address who;
    struct vote votes[2];
    struct proposal proposals[2];
    bool has[4]; /* a, b, proposals */
};

static void write_statement(struct proto_writer *writer, const void *thing) {
    const struct statement *statement = thing;
    proto_put_int64(writer, 1, statement->kind);
    proto_put_int64(writer, 2, statement->status);
    proto_put_bytes(writer, 3, address_span(&statement->who));
    for (uint32_t i = 0; i < 4; i++) {
        if (!statement->has[i])
            continue;
        size_t mark = proto_begin(writer, 4 + i);
        if (i < 2)
            vote_write(writer, &statement->votes[i]);
        else
            proposal_write(writer, &statement->proposals[i - 2]);
        proto_end(writer, mark);
    }
}

static bool read_statement_fields(struct statement *statement, struct span content) {
    struct proto_reader reader = proto_reader_over(content);
    struct proto_field field;
    *statement = (struct statement){.kind = 0};
    while (proto_next(&reader, &field)) {
        if (field.number == 1) {
            statement->kind = proto_int32(&reader, &field);
        } else if (field.number == 2) {
            statement->status = proto_int32(&reader, &field);
        } else if (field.number == 3) {
            statement->who.size = (uint8_t)proto_bytes_into(&reader, &field, statement->who.bytes, sizeof statement->who.bytes);
        } else if (field.number <= 5) {
            read_vote(&statement->votes[field.number - 4], &reader, &field);
            statement->has[field.number - 4] = true;
        } else if (field.number <= 7) {
            struct proto_reader sub = proto_sub(&reader, &field);
            proposal_init(&statement->proposals[field.number - 6]);
            proposal_read(&statement->proposals[field.number - 6], &sub);
            proto_join(&reader, &sub);
            statement->has[field.number - 4] = true;
        } else {
            return false;
        }
    }
    return !reader.bad;
}

static const struct header *header_of(const struct audit_verifier *verifier, const struct vote *vote) {
    const struct header *header = block_id_is_nil(&vote->block_id) ? NULL : find_header(verifier, &vote->block_id.hash);
    bool fits = header != NULL && header->height == vote->height && span_equal(header_chain_id(header), verifier->out->chain_id);
    return fits ? header : NULL;
}

static const char *check_double_vote(struct audit_verifier *verifier, const struct statement *statement) {
    const struct vote *a = &statement->votes[0], *b = &statement->votes[1];
    bool same_place = a->height == b->height && a->round == b->round && a->type == b->type;
    if (!same_place || block_id_equal(&a->block_id, &b->block_id))
        return "the two votes do not contradict each other";
    if (statement->kind == AUDIT_E1)
        return NULL;
    for (int i = 0; i < 2; i++)
        if (!verifier->out->is_fork || statement->votes[i].type != VOTE_PRECOMMIT || statement->votes[i].height != verifier->out->height ||
            statement->votes[i].round != verifier->out->rounds[i] || !block_id_equal(&statement->votes[i].block_id, &verifier->out->blocks[i]))
            return "the two votes are not those of the two commits";
    return NULL;
}

static const char *check_double_proposal(struct audit_verifier *verifier, const struct statement *statement) {
    const struct proposal *a = &statement->proposals[0], *b = &statement->proposals[1];
    const struct validator *signer = audit_verify_signer_of(verifier, &statement->who, a->height);
    if (signer == NULL || a->height != b->height || a->round != b->round ||
        (block_id_equal(&a->block_id, &b->block_id) && a->pol_round == b->pol_round))
        return "the two proposals do not contradict each other";
    for (int i = 0; i < 2; i++)
        if (proposal_check(&statement->proposals[i]) != VOTE_GOOD ||
            !proposal_verify_vartime(&statement->proposals[i], verifier->out->chain_id, &signer->pub_key))
            return "a proposal is not signed by the accused";
    return NULL;
}

static const char *check_two_parents(struct audit_verifier *verifier, const struct statement *statement) {
    const struct header *of_a = header_of(verifier, &statement->votes[0]), *of_b = header_of(verifier, &statement->votes[1]);
    if (of_a == NULL || of_b == NULL)
        return "the header of a block that was voted for is missing";
    bool differ = statement->votes[0].height == statement->votes[1].height && !block_id_equal(&of_a->last_block_id, &of_b->last_block_id);
    return differ ? NULL : "the two blocks have one parent";
}

static const char *check_by_reexecution(struct audit_verifier *verifier, const struct header *header) {
    const struct audit_reexecution *by = verifier->reexecution;
    verifier->reexecuted = true;
    if (verifier->out->application.size == 0)
        return "the header does not contradict its parent";
    if (by == NULL)
        return "a header is said to be wrong by re-execution, which needs the whole genesis";
    if (!span_equal(by->application, verifier->out->application))
        return "it is about a chain of another application than you say";
    const char *unable = by->judge(by->context, &verifier->wrong, verifier->blocks, verifier->block_count, header);
    return unable != NULL ? unable : verifier->wrong == NULL ? "the header is what the blocks before it give" : NULL;
}

static const char *check_bad_header(struct audit_verifier *verifier, const struct statement *statement) {
    const struct header *header = header_of(verifier, &statement->votes[0]);
    const struct header *parent = header == NULL ? NULL : find_header(verifier, &header->last_block_id.hash);
    if (header == NULL)
        return "the header that was voted for is missing";
    bool contradicts = parent != NULL && (header->height != parent->height + 1 || !span_equal(header_chain_id(header), header_chain_id(parent)) ||
                                          timestamp_compare(&header->time, &parent->time) <= 0 ||
                                          !digest_equal(&header->validators_hash, &parent->next_validators_hash));
    return contradicts ? NULL : check_by_reexecution(verifier, header);
}

/* The shape of A1 and A2, and, where a log is said to convict, that it does. */
static const char *check_absence(struct audit_verifier *verifier, const struct statement *statement) {
    const struct vote *a = &statement->votes[0], *b = &statement->votes[1];
    bool is_pair = statement->kind == AUDIT_A2 ||
                   (b->type == VOTE_PREVOTE && b->height == a->height && b->round > a->round && !block_id_equal(&a->block_id, &b->block_id) &&
                    (verifier->out->rule != AUDIT_PAPER || !block_id_is_nil(&b->block_id)));
    if (a->type != VOTE_PRECOMMIT || a->height != verifier->out->height || block_id_is_nil(&a->block_id) || !is_pair)
        return "the votes are not such that a polka would be needed between them";
    if (statement->status == AUDIT_CONVICTED_BY_SILENCE && statement->kind == AUDIT_A2 && a->round == 0)
        return "nobody is bound to keep the polka of a height that it decided in round 0";
    if (statement->status != AUDIT_CONVICTED_BY_LOG)
        return NULL;
    const struct header *header = header_of(verifier, a);
    if (header == NULL || audit_verify_find_set(verifier, &header->validators_hash) != verifier->set)
        return "the header of the block that was precommitted is missing, or names another validator set";
    for (uint32_t i = 0; i < verifier->log_count; i++) {
        if (!address_equal(&verifier->logs[i].manifest.address, &statement->who))
            continue;
        verifier->log_used[i] = true;
        struct audit_verify_lock lock = {verifier->out->rule, verifier->set, verifier->out->chain_id, a, statement->kind == AUDIT_A2 ? NULL : b};
        return audit_verify_lock_convicts(&lock, &verifier->logs[i], verifier->arena) ? NULL : "the accused's own log does not convict it";
    }
    return "the log that convicts is missing";
}

static const char *check_member(struct audit_verifier *verifier, const struct statement *statement) {
    const struct vote *a = &statement->votes[0], *b = &statement->votes[1];
    if (!verifier->out->is_fork || verifier->polka_count == 0)
        return "a set is accused without a fork or without the polka";
    bool signed_first = a->type == VOTE_PRECOMMIT && a->height == verifier->out->height && a->round == verifier->out->rounds[0] &&
                        block_id_equal(&a->block_id, &verifier->out->blocks[0]);
    bool switched = b->type == VOTE_PREVOTE && b->height == a->height && b->round == verifier->polka[0].round && b->round > a->round &&
                    block_id_equal(&b->block_id, &verifier->polka[0].block_id) && !block_id_equal(&b->block_id, &a->block_id);
    verifier->polka_used = true;
    return signed_first && switched ? NULL : "a member of the set did not switch between the blocks";
}

struct shape { /* what belongs to a kind */
    bool has[4];
    int first_status, last_status;
    const char *(*check)(struct audit_verifier *verifier, const struct statement *statement);
};

static const struct shape shapes[] = {
    [AUDIT_E1] = {{true, true, false, false}, AUDIT_PROVEN, AUDIT_PROVEN, check_double_vote},
    [AUDIT_E2] = {{false, false, true, true}, AUDIT_PROVEN, AUDIT_PROVEN, check_double_proposal},
    [AUDIT_E3] = {{true, true, false, false}, AUDIT_PROVEN, AUDIT_PROVEN, check_double_vote},
    [AUDIT_E4] = {{true, true, false, false}, AUDIT_PROVEN, AUDIT_PROVEN, check_two_parents},
    [AUDIT_E5] = {{true, false, false, false}, AUDIT_PROVEN, AUDIT_PROVEN, check_bad_header},
    [AUDIT_A1] = {{true, true, false, false}, AUDIT_CONVICTED_BY_LOG, AUDIT_SUSPECT, check_absence},
    [AUDIT_A2] = {{true, false, false, false}, AUDIT_CONVICTED_BY_LOG, AUDIT_SUSPECT, check_absence},
    [AUDIT_SET] = {{true, true, false, false}, AUDIT_SET_ONLY, AUDIT_SET_ONLY, check_member},
};

static const char *check_statement(struct audit_verifier *verifier, const struct statement *statement) {
    if (statement->kind < AUDIT_E1 || statement->kind > AUDIT_SET)
        return "a statement is of no known kind";
    const struct shape *shape = &shapes[statement->kind];
    if (memcmp(shape->has, statement->has, sizeof shape->has) != 0 || statement->status < shape->first_status || statement->status > shape->last_status)
        return "a statement does not have what its kind has";
    for (int i = 0; i < 2; i++)
        if (statement->has[i] && !vote_is_of(verifier, &statement->votes[i], &statement->who))
            return "a vote is not signed by the accused";
    return shape->check(verifier, statement);
}

static int order_of(const struct audit_verified_statement *a, const struct audit_verified_statement *b) {
    int order = address_compare(&a->who, &b->who);
    if (order == 0)
        order = (a->kind > b->kind) - (a->kind < b->kind);
    return order != 0 ? order : (a->height > b->height) - (a->height < b->height);
}

const char *audit_verify_statement(struct audit_verifier *verifier, struct span content) {
    struct audit_verified *out = verifier->out;
    struct statement statement;
    if (content.size > STATEMENT_BYTES_MAX || !read_statement_fields(&statement, content) ||
        !audit_verify_is_canonical(verifier, content, write_statement, &statement))
        return "a statement is malformed";
    verifier->wrong = NULL;
    const char *wrong = check_statement(verifier, &statement);
    if (wrong != NULL)
        return wrong;
    if (out->statement_count == verifier->statement_capacity)
        return "more statements than could be made";
    struct audit_verified_statement *kept = &out->statements[out->statement_count];
    *kept = (struct audit_verified_statement){.kind = (enum audit_kind)statement.kind, .status = (enum audit_status)statement.status,
                                              .who = statement.who, .round_a = -1, .round_b = -1, .wrong = verifier->wrong};
    bool proposals = statement.kind == AUDIT_E2;
    kept->height = proposals ? statement.proposals[0].height : statement.votes[0].height;
    kept->round_a = proposals ? statement.proposals[0].round : statement.votes[0].round;
    kept->block_a = proposals ? statement.proposals[0].block_id : statement.votes[0].block_id;
    kept->round_b = proposals ? statement.proposals[1].round : statement.has[1] ? statement.votes[1].round : -1;
    kept->block_b = proposals ? statement.proposals[1].block_id : statement.votes[1].block_id;
    kept->power = audit_verify_signer_of(verifier, &kept->who, kept->height)->power;
    if (out->statement_count > 0 && order_of(kept - 1, kept) >= 0)
        return "the statements are not in order, or one is there twice";
    out->statement_count++;
    return NULL;
}
