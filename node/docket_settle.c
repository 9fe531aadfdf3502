/* Which commits are in question, and how the validators of their height follow from what is trusted. */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "node/complaint.h"
#include "node/docket.h"

static int compare_signed(const void *left, const void *right) {
    const struct audit_commit *a = left, *b = right;
    int order = (a->header.height > b->header.height) - (a->header.height < b->header.height);
    if (order == 0)
        order = (a->commit.round > b->commit.round) - (a->commit.round < b->commit.round);
    return order != 0 ? order : block_id_compare(&a->id, &b->id);
}

const char *docket_follows(const struct docket *docket, const struct audit_trust *trust, const struct audit_commit *one) {
    const struct header *header = &one->header;
    struct span chain_id = span_text(docket->chain_id);
    const struct valset *own = docket_find_set(docket, &header->validators_hash), *trusted;
    if (header->height <= trust->height)
        return "it is not above the trusted height";
    if (own == NULL)
        return "its validators are not those of what is trusted, nor of any set given: give /validators of that height (or is it another genesis?)";
    if (header->height == trust->height + 1 && !digest_equal(&header->validators_hash, &trust->set_hash))
        return "it names another validator set than the header before it";
    if (!digest_equal(&header->validators_hash, &trust->set_hash)) { /* first: most that fail, fail here, and before any signature is looked at */
        trusted = docket_find_set(docket, &trust->set_hash);
        if (trusted == NULL || commit_verify_trusting(&one->commit, trusted, chain_id, 2, 3, true) != COMMIT_GOOD)
            return "less than two thirds of the set that is trusted so far signed it: headers between are missing (give the chain with --node URL or --chain HOME,"
                   "  which finds them, or the commits and validators of heights between as files)";
    }
    enum commit_verdict verdict = commit_verify(&one->commit, NULL, own, chain_id, &one->id, header->height, NULL);
    return verdict == COMMIT_GOOD ? NULL : commit_verdict_text(verdict);
}

/* Of evidence: a block that stands beside a given one, with the same set, so that it is decided if that set signed it. Any other was made for light
 * clients alone; what its signers said is heard as votes. */
static bool stands_beside(const struct docket *docket, const struct audit_commit *accused) {
    for (uint32_t i = 0; i < docket->signed_count; i++) {
        const struct header *header = &docket->signed_headers[i].header;
        if (header->height == accused->header.height && digest_equal(&header->validators_hash, &accused->header.validators_hash))
            return true;
    }
    return false;
}

static void take_accused(struct docket *docket) {
    for (uint32_t i = 0; i < docket->accused_count;) {
        struct docket_accused *accused = &docket->accused[i];
        if (!stands_beside(docket, &accused->block)) {
            i++;
            continue;
        }
        docket_add_signed(docket, accused->source, &accused->block.header, &accused->block.commit);
        *accused = docket->accused[--docket->accused_count];
    }
}

static void sort_signed(struct docket *docket) {
    if (docket->signed_count > 0)
        qsort(docket->signed_headers, docket->signed_count, sizeof docket->signed_headers[0], compare_signed);
}

int64_t docket_choose_height(struct docket *docket) {
    take_accused(docket);
    sort_signed(docket);
    const struct audit_commit *list = docket->signed_headers;
    for (uint32_t i = 1; i < docket->signed_count; i++)
        for (uint32_t j = i; j > 0 && list[j - 1].header.height == list[i].header.height; j--)
            if (!block_id_equal(&list[j - 1].id, &list[i].id))
                return list[i].header.height;
    return docket->signed_count == 0 ? 0 : list[docket->signed_count - 1].header.height;
}

/* The two of the height for two blocks that follow from here. */
static const char *choose_commits(struct docket *docket, const struct audit_trust *trust, const struct audit_commit *chosen[2]) {
    const char *why = "no commit of it was given";
    chosen[0] = chosen[1] = NULL;
    for (uint32_t i = 0; i < docket->signed_count && chosen[1] == NULL; i++) {
        const struct audit_commit *one = &docket->signed_headers[i];
        if (one->header.height != docket->height || (chosen[0] != NULL && block_id_equal(&chosen[0]->id, &one->id)))
            continue;
        const char *wrong = docket_follows(docket, trust, one);
        if (wrong != NULL)
            why = wrong;
        else if (chosen[0] == NULL)
            chosen[0] = one;
        else if (digest_equal(&chosen[0]->header.validators_hash, &one->header.validators_hash))
            chosen[1] = one;
    }
    return why;
}

static uint32_t wanted_commits(const struct docket *docket) {
    const struct audit_commit *first = NULL;
    uint32_t count = 0;
    for (uint32_t i = 0; i < docket->signed_count; i++) {
        const struct audit_commit *one = &docket->signed_headers[i];
        if (one->header.height != docket->height || (first != NULL && block_id_equal(&first->id, &one->id)))
            continue;
        first = first == NULL ? one : first;
        count++;
    }
    return count < 2 ? count : 2;
}

/* From link to link, as far up as each step reaches, until the commits follow. */
static const char *walk_up(struct docket *docket) {
    struct audit_trust trust = docket->trust;
    uint32_t wanted = wanted_commits(docket);
    for (;;) {
        const struct audit_commit *chosen[2], *next = NULL;
        const char *why = choose_commits(docket, &trust, chosen);
        uint32_t found = (chosen[0] != NULL) + (chosen[1] != NULL);
        for (uint32_t i = docket->signed_count; i > 0 && next == NULL && found < wanted; i--) {
            const struct audit_commit *one = &docket->signed_headers[i - 1];
            if (one->header.height < docket->height && docket_follows(docket, &trust, one) == NULL)
                next = one;
        }
        if (next == NULL || docket->link_count == AUDIT_BUNDLE_LINKS_MAX) {
            docket->commits[0] = chosen[0];
            docket->commits[1] = chosen[1];
            return found == 0 ? why : NULL;
        }
        docket->links[docket->link_count++] = *next;
        trust = (struct audit_trust){next->header.height, next->header.next_validators_hash};
    }
}

static bool is_chosen(const struct docket *docket, const struct block_id *id) {
    return (docket->commits[0] != NULL && block_id_equal(&docket->commits[0]->id, id)) || (docket->commits[1] != NULL && block_id_equal(&docket->commits[1]->id, id));
}

/* What is not among the two, and why; so that "no fork" is not said of a fork whose other commit was spoilt. */
static void note_refusals(struct docket *docket) {
    const struct audit_commit *last = docket->link_count == 0 ? NULL : &docket->links[docket->link_count - 1];
    struct audit_trust trust = last == NULL ? docket->trust : (struct audit_trust){last->header.height, last->header.next_validators_hash};
    for (uint32_t i = 0; i < docket->signed_count && docket->refusal_count < DOCKET_REFUSALS_MAX; i++) {
        const struct audit_commit *one = &docket->signed_headers[i];
        uint32_t known = 0;
        while (known < docket->refusal_count && !block_id_equal(&docket->refusals[known].id, &one->id))
            known++;
        if (one->header.height != docket->height || is_chosen(docket, &one->id) || known < docket->refusal_count)
            continue;
        const char *why = docket_follows(docket, &trust, one);
        docket->refusals[docket->refusal_count++] =
            (struct docket_refusal){one->id, why != NULL ? why : docket_is_fork(docket) ? "two others are judged" : "its validators are not those of the other commit"};
    }
}

static bool is_signed(const struct docket *docket, const struct audit_commit *one) {
    const struct valset *own = docket_find_set(docket, &one->header.validators_hash);
    return own != NULL && commit_verify(&one->commit, NULL, own, span_text(docket->chain_id), &one->id, one->header.height, NULL) == COMMIT_GOOD;
}

/* One commit of the height, and one of the next or of the height before that is on another branch: then somebody has the other commit. */
static void look_for_branch(struct docket *docket) {
    const struct audit_commit *ours = docket->commits[0];
    for (uint32_t i = 0; i < docket->signed_count && docket->other_branch == NULL && docket->commits[1] == NULL; i++) {
        const struct audit_commit *one = &docket->signed_headers[i];
        bool is_child = one->header.height == docket->height + 1 && !block_id_equal(&one->header.last_block_id, &ours->id);
        bool is_parent = one->header.height + 1 == docket->height && !block_id_equal(&ours->header.last_block_id, &one->id);
        if ((is_child || is_parent) && is_signed(docket, one))
            docket->other_branch = one;
    }
}

static bool add_commits(struct docket *docket) {
    for (uint32_t i = 0; i < docket->signed_count; i++) {
        const struct audit_commit *one = &docket->signed_headers[i];
        if (one->header.height == docket->height && !audit_votes_add_commit(&docket->votes, &one->commit))
            return false;
        for (uint32_t j = 0; one->header.height == docket->height + 1 && docket->next_set != NULL && j < one->commit.count; j++) {
            struct vote vote;
            if (one->commit.sigs[j].flag == COMMIT_ABSENT)
                continue;
            commit_vote(&vote, &one->commit, j);
            vote.validator_index = valset_find(docket->next_set, &vote.validator_address);
            if (vote.validator_index >= 0 && audit_votes_add(&docket->next_votes, &vote) == AUDIT_VOTE_NO_ROOM)
                return false;
        }
    }
    return true;
}

static char *explain(const struct docket *docket, const char *why) {
    int64_t nearest = 0;
    for (uint32_t i = 0; i < docket->signed_count; i++) {
        int64_t its = docket->signed_headers[i].header.height;
        if (its == docket->height)
            return complaint_of("height %" PRId64 ": the commit does not follow from what is trusted: %s", docket->height, why);
        nearest = nearest == 0 || llabs(its - docket->height) < llabs(nearest - docket->height) ? its : nearest;
    }
    if (nearest == 0)
        return complaint_of("height %" PRId64 ": no commit of it was given that is of chain \"%s\"", docket->height, docket->chain_id);
    return complaint_of("height %" PRId64 ": no commit of it was given; the nearest is of height %" PRId64, docket->height, nearest);
}

static bool has_unused(const struct docket *docket) {
    bool found = false;
    for (uint32_t i = 0; i < docket->source_count; i++)
        found |= docket->sources[i].unused;
    return found;
}

char *docket_settle(struct docket *docket, int64_t height) {
    take_accused(docket);
    docket->height = height > 0 ? height : docket_choose_height(docket);
    sort_signed(docket);
    if (docket->height == 0 && has_unused(docket))
        return complaint_of("no commit of chain \"%s\" is among what was given", docket->chain_id);
    if (docket->height == 0)
        return complaint_of("no commit was given: save the answer of http://NODE/commit?height=H to a file, and give it with --commit FILE");
    docket->links = arena_take(&docket->arena, docket->signed_count + 1, sizeof docket->links[0]);
    assert(docket->links != NULL);
    const char *why = walk_up(docket);
    if (why != NULL)
        return explain(docket, why);
    note_refusals(docket);
    look_for_branch(docket);
    docket->set = docket_find_set(docket, &docket->commits[0]->header.validators_hash);
    valset_hash(&docket->set_hash, docket->set);
    docket->next_set = docket_find_set(docket, &docket->commits[0]->header.next_validators_hash);
    if (docket->next_set == NULL && docket->commits[1] != NULL)
        docket->next_set = docket_find_set(docket, &docket->commits[1]->header.next_validators_hash);
    docket->own_capacity = docket->set->count;
    docket->own_logs = arena_take(&docket->arena, docket->own_capacity, sizeof docket->own_logs[0]);
    docket->own_bytes = arena_take(&docket->arena, docket->own_capacity, sizeof docket->own_bytes[0]);
    struct span chain_id = span_text(docket->chain_id);
    bool good = docket->own_logs != NULL && docket->own_bytes != NULL &&
                audit_votes_init(&docket->votes, &docket->arena, docket->set, chain_id, docket->height) &&
                (docket->next_set == NULL || audit_votes_init(&docket->next_votes, &docket->arena, docket->next_set, chain_id, docket->height + 1)) &&
                add_commits(docket);
    return good ? NULL : complaint_of("the commits do not fit into the memory that an audit may take");
}
