#include "tendermint/audit_bundle.h"

#include <assert.h>
#include <stdlib.h>

#include "crypto/sha256.h"
#include "tendermint/audit_find.h"

/* ---- records */

static size_t record_begin(struct proto_writer *writer, enum audit_bundle_tag tag) {
    uint8_t head[5] = {(uint8_t)tag};
    proto_put_raw(writer, span_of(head, sizeof head));
    return writer->size;
}

static void record_end(struct proto_writer *writer, size_t mark) {
    size_t size = writer->size - mark;
    if (writer->data == NULL || writer->overflow)
        return;
    for (int i = 0; i < 4; i++)
        writer->data[mark - 4 + (size_t)i] = (uint8_t)(size >> (24 - 8 * i));
}

static bool is_reexecuted(const struct audit_report *report) {
    for (uint32_t i = 0; i < report->count; i++)
        if (report->findings[i].wrong != NULL)
            return true;
    return false;
}

static void put_head(struct proto_writer *writer, const struct audit_bundle *bundle) {
    size_t mark = record_begin(writer, AUDIT_BUNDLE_HEAD);
    proto_put_bytes(writer, 1, bundle->audit->chain_id);
    proto_put_int64(writer, 2, bundle->audit->height);
    proto_put_int64(writer, 3, bundle->audit->rule);
    proto_put_int64(writer, 4, bundle->trust.height);
    proto_put_bytes(writer, 5, digest_span(&bundle->trust.set_hash));
    proto_put_bool(writer, 6, bundle->audit->deadline_passed);
    if (is_reexecuted(bundle->report))
        proto_put_bytes(writer, 7, span_text(bundle->application));
    proto_put_bool(writer, 8, bundle->audit->light_attack);
    record_end(writer, mark);
}

static void put_signed_header(struct proto_writer *writer, enum audit_bundle_tag tag, const struct audit_commit *commit) {
    size_t mark = record_begin(writer, tag), inner = proto_begin(writer, 1);
    header_write(writer, &commit->header);
    proto_end(writer, inner);
    inner = proto_begin(writer, 2);
    commit_write(writer, &commit->commit);
    proto_end(writer, inner);
    record_end(writer, mark);
}

/* ---- sets */

struct named_set {
    struct digest hash;
    const struct valset *set;
};

struct choice { /* what of the sets and headers is needed */
    struct named_set *sets;
    uint32_t set_count;
    struct digest *headers;
    uint32_t header_count;
};

static int compare_digests(const void *left, const void *right) {
    return span_compare(digest_span(left), digest_span(right));
}

static bool need_set(struct choice *choice, const struct audit_bundle *bundle, const struct digest *hash) {
    for (uint32_t i = 0; i < choice->set_count; i++)
        if (digest_equal(&choice->sets[i].hash, hash))
            return true;
    for (uint32_t i = 0; i < bundle->set_count; i++) {
        struct digest its;
        valset_hash(&its, bundle->sets[i]);
        if (digest_equal(&its, hash)) {
            choice->sets[choice->set_count++] = (struct named_set){its, bundle->sets[i]};
            return true;
        }
    }
    return false;
}

/* A header that follows from `trust`: its own set, and the trusted one if that is another. */
static bool need_link(struct choice *choice, const struct audit_bundle *bundle, struct audit_trust *trust, const struct header *header) {
    if (!need_set(choice, bundle, &header->validators_hash))
        return false;
    bool skips = header->height > trust->height + 1 && !digest_equal(&header->validators_hash, &trust->set_hash);
    if (skips && !need_set(choice, bundle, &trust->set_hash))
        return false;
    *trust = (struct audit_trust){header->height, header->next_validators_hash};
    return true;
}

static bool needs_next_set(const struct audit_bundle *bundle) {
    for (uint32_t i = 0; i < bundle->report->count; i++)
        if (bundle->report->findings[i].a != NULL && bundle->report->findings[i].a->height != bundle->audit->height)
            return true;
    return false;
}

static bool choose_sets(struct choice *choice, const struct audit_bundle *bundle) {
    struct audit_trust trust = bundle->trust;
    for (uint32_t i = 0; i < bundle->link_count; i++)
        if (!need_link(choice, bundle, &trust, &bundle->links[i].header))
            return false;
    for (int i = 0; i < 2; i++) {
        struct audit_trust last = trust;
        const struct audit_commit *commit = bundle->audit->commits[i];
        if (commit != NULL && !need_link(choice, bundle, &last, &commit->header))
            return false;
        if (commit != NULL && needs_next_set(bundle) && !need_set(choice, bundle, &last.set_hash))
            return false;
    }
    if (choice->set_count > 0)
        qsort(choice->sets, choice->set_count, sizeof choice->sets[0], compare_digests);
    return true;
}

static void put_set(struct proto_writer *writer, const struct valset *set) {
    size_t mark = record_begin(writer, AUDIT_BUNDLE_SET);
    for (uint32_t i = 0; i < set->count; i++) {
        size_t one = proto_begin(writer, 1), key = proto_begin(writer, 1);
        pubkey_write(writer, &set->validators[i].pub_key);
        proto_end(writer, key);
        proto_put_int64(writer, 2, set->validators[i].power);
        proto_end(writer, one);
    }
    record_end(writer, mark);
}

/* ---- headers */

static bool is_of_commit(const struct audit_case *audit, const struct digest *hash) {
    for (int i = 0; i < 2; i++)
        if (audit->commits[i] != NULL && digest_equal(&audit->commits[i]->id.hash, hash))
            return true;
    return false;
}

static void choose_headers(struct choice *choice, const struct audit_bundle *bundle) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < bundle->report->count; i++)
        for (int j = 0; j < 2; j++)
            if (bundle->report->findings[i].headers[j] != NULL)
                header_hash(&choice->headers[choice->header_count++], bundle->report->findings[i].headers[j]);
    if (choice->header_count > 0)
        qsort(choice->headers, choice->header_count, sizeof choice->headers[0], compare_digests);
    for (uint32_t i = 0; i < choice->header_count; i++)
        if ((kept == 0 || !digest_equal(&choice->headers[kept - 1], &choice->headers[i])) && !is_of_commit(bundle->audit, &choice->headers[i]))
            choice->headers[kept++] = choice->headers[i];
    choice->header_count = kept;
}

static void put_header(struct proto_writer *writer, const struct audit_bundle *bundle, const struct digest *hash) {
    struct block_id id = {.hash = *hash};
    const struct header *header = audit_find_header(bundle->audit, &id);
    assert(header != NULL);
    size_t mark = record_begin(writer, AUDIT_BUNDLE_HEADER);
    header_write(writer, header);
    record_end(writer, mark);
}

/* ---- the polka, logs, statements */

static void put_vote(struct proto_writer *writer, uint32_t field, const struct vote *vote) {
    if (vote == NULL)
        return;
    size_t mark = proto_begin(writer, field);
    vote_write(writer, vote);
    proto_end(writer, mark);
}

static void put_polka(struct proto_writer *writer, const struct audit_bundle *bundle) {
    const struct audit_report *report = bundle->report;
    const struct audit_votes *votes = bundle->audit->votes;
    if (report->set_power == 0)
        return;
    const struct audit_group *group = audit_votes_group(votes, report->polka_round, VOTE_PREVOTE, &report->polka_id);
    size_t mark = record_begin(writer, AUDIT_BUNDLE_POLKA);
    for (uint32_t i = group->begin; i < group->end; i++)
        put_vote(writer, 1, votes->by_group[i]);
    record_end(writer, mark);
}

static bool is_convicted_by(const struct audit_report *report, uint32_t log) {
    for (uint32_t i = 0; i < report->count; i++)
        if (report->findings[i].status == AUDIT_CONVICTED_BY_LOG && report->findings[i].log == (int32_t)log)
            return true;
    return false;
}

static void put_logs(struct proto_writer *writer, const struct audit_bundle *bundle) {
    const struct audit_case *audit = bundle->audit;
    const struct address *last = NULL;
    for (;;) {
        int32_t next = -1;
        for (uint32_t i = 0; i < audit->log_count; i++)
            if (is_convicted_by(bundle->report, i) && (last == NULL || address_compare(&audit->logs[i].who, last) > 0) &&
                (next < 0 || address_compare(&audit->logs[i].who, &audit->logs[next].who) < 0))
                next = (int32_t)i;
        if (next < 0)
            return;
        last = &audit->logs[next].who;
        size_t mark = record_begin(writer, AUDIT_BUNDLE_LOG);
        proto_put_raw(writer, bundle->logs[next]);
        record_end(writer, mark);
    }
}

static void put_blocks(struct proto_writer *writer, const struct audit_bundle *bundle) {
    for (uint32_t i = 0; i < bundle->block_count && is_reexecuted(bundle->report); i++) {
        size_t mark = record_begin(writer, AUDIT_BUNDLE_BLOCK);
        proto_put_raw(writer, bundle->blocks[i]);
        record_end(writer, mark);
    }
}

static void put_statement(struct proto_writer *writer, const struct audit_finding *finding) {
    size_t mark = record_begin(writer, AUDIT_BUNDLE_STATEMENT);
    proto_put_int64(writer, 1, finding->kind);
    proto_put_int64(writer, 2, finding->status);
    proto_put_bytes(writer, 3, address_span(&finding->who));
    put_vote(writer, 4, finding->a);
    put_vote(writer, 5, finding->b);
    for (uint32_t i = 0; i < 2; i++) {
        if (finding->proposals[i] == NULL)
            continue;
        size_t inner = proto_begin(writer, 6 + i);
        proposal_write(writer, finding->proposals[i]);
        proto_end(writer, inner);
    }
    record_end(writer, mark);
}

static int64_t height_of(const struct audit_finding *finding) {
    return finding->a != NULL ? finding->a->height : finding->proposals[0]->height;
}

static int compare_statements(const void *left, const void *right) {
    const struct audit_finding *a = *(const struct audit_finding *const *)left, *b = *(const struct audit_finding *const *)right;
    int order = address_compare(&a->who, &b->who);
    if (order == 0)
        order = (a->kind > b->kind) - (a->kind < b->kind);
    return order != 0 ? order : (height_of(a) > height_of(b)) - (height_of(a) < height_of(b));
}

/* ---- all */

static void put_commits(struct proto_writer *writer, const struct audit_case *audit) {
    const struct audit_commit *a = audit->commits[0], *b = audit->commits[1];
    if (a == NULL || b == NULL) {
        put_signed_header(writer, AUDIT_BUNDLE_COMMIT, a != NULL ? a : b);
        return;
    }
    bool a_first = a->commit.round != b->commit.round ? a->commit.round < b->commit.round : block_id_compare(&a->id, &b->id) < 0;
    put_signed_header(writer, AUDIT_BUNDLE_COMMIT, a_first ? a : b);
    put_signed_header(writer, AUDIT_BUNDLE_COMMIT, a_first ? b : a);
}

static void write_all(struct proto_writer *writer, const struct audit_bundle *bundle, const struct choice *choice,
                      const struct audit_finding *const *statements, uint32_t statement_count) {
    proto_put_raw(writer, span_text(AUDIT_BUNDLE_MAGIC));
    put_head(writer, bundle);
    for (uint32_t i = 0; i < choice->set_count; i++)
        put_set(writer, choice->sets[i].set);
    for (uint32_t i = 0; i < bundle->link_count; i++)
        put_signed_header(writer, AUDIT_BUNDLE_LINK, &bundle->links[i]);
    put_commits(writer, bundle->audit);
    for (uint32_t i = 0; i < choice->header_count; i++)
        put_header(writer, bundle, &choice->headers[i]);
    put_polka(writer, bundle);
    put_logs(writer, bundle);
    put_blocks(writer, bundle);
    for (uint32_t i = 0; i < statement_count; i++)
        put_statement(writer, statements[i]);
    uint8_t hash[SHA256_BYTES] = {0};
    if (writer->data != NULL && !writer->overflow)
        sha256_once(hash, proto_writer_span(writer));
    size_t mark = record_begin(writer, AUDIT_BUNDLE_END);
    proto_put_raw(writer, span_of(hash, sizeof hash));
    record_end(writer, mark);
}

bool audit_bundle_make(struct span *out, const struct audit_bundle *bundle, struct arena *arena) {
    const struct audit_report *report = bundle->report;
    struct choice choice = {
        .sets = arena_take(arena, bundle->set_count + 1, sizeof choice.sets[0]),
        .headers = arena_take(arena, 2 * (size_t)report->count + 1, sizeof choice.headers[0]),
    };
    const struct audit_finding **statements = arena_take(arena, report->count + 1, sizeof statements[0]);
    uint32_t count = 0;
    if (choice.sets == NULL || choice.headers == NULL || statements == NULL || !choose_sets(&choice, bundle))
        return false;
    choose_headers(&choice, bundle);
    for (uint32_t i = 0; i < report->count; i++)
        if (report->findings[i].status != AUDIT_CLEARED)
            statements[count++] = &report->findings[i];
    if (count > 0)
        qsort(statements, count, sizeof statements[0], compare_statements);
    struct proto_writer writer;
    proto_writer_measure(&writer);
    write_all(&writer, bundle, &choice, statements, count);
    size_t size = writer.size;
    uint8_t *bytes = arena_take(arena, size, 1);
    if (bytes == NULL)
        return false;
    proto_writer_init(&writer, bytes, size);
    write_all(&writer, bundle, &choice, statements, count);
    *out = proto_writer_span(&writer);
    return !writer.overflow && size <= AUDIT_BUNDLE_BYTES_MAX;
}
