#include "tendermint/audit_find.h"

#include <stdlib.h>

static int compare_headers(const void *left, const void *right) {
    const struct audit_header *a = left, *b = right;
    return span_compare(digest_span(&a->hash), digest_span(&b->hash));
}

void audit_headers_sort(struct audit_header *headers, uint32_t count) {
    if (count > 0)
        qsort(headers, count, sizeof headers[0], compare_headers);
}

static const struct audit_header *find_entry(const struct audit_case *audit, const struct digest *hash) {
    struct audit_header wanted = {.hash = *hash};
    if (hash->size == 0 || audit->header_count == 0)
        return NULL;
    return bsearch(&wanted, audit->headers, audit->header_count, sizeof wanted, compare_headers);
}

static const struct header *find(const struct audit_case *audit, const struct digest *hash) {
    const struct audit_header *found = find_entry(audit, hash);
    return found == NULL ? NULL : &found->header;
}

const struct header *audit_find_header(const struct audit_case *audit, const struct block_id *id) { return find(audit, &id->hash); }

/* Votes of a validator lie in order of type, round and block, each once: two of one round are neighbours. */
bool audit_find_double_vote(const struct vote **a, const struct vote **b, const struct audit_votes *votes, uint32_t index) {
    for (uint32_t i = votes->first_of[index] + 1; i < votes->first_of[index + 1]; i++) {
        *a = votes->by_voter[i - 1];
        *b = votes->by_voter[i];
        if ((*a)->type == (*b)->type && (*a)->round == (*b)->round)
            return true;
    }
    return false;
}

static const struct vote *precommit_of(const struct audit_votes *votes, const struct commit *commit, uint32_t index) {
    uint32_t count;
    struct vote *const *precommits = audit_votes_of(votes, &count, index, VOTE_PRECOMMIT);
    for (uint32_t i = 0; i < count; i++)
        if (precommits[i]->round == commit->round && block_id_equal(&precommits[i]->block_id, &commit->block_id))
            return precommits[i];
    return NULL;
}

bool audit_find_commits_of_one_round(const struct vote **a, const struct vote **b, const struct audit_case *audit, uint32_t index) {
    const struct audit_commit *const *commits = audit->commits;
    if (commits[0] == NULL || commits[1] == NULL || commits[0]->commit.round != commits[1]->commit.round)
        return false;
    bool in_order = block_id_compare(&commits[0]->id, &commits[1]->id) < 0;
    *a = precommit_of(audit->votes, &commits[in_order ? 0 : 1]->commit, index);
    *b = precommit_of(audit->votes, &commits[in_order ? 1 : 0]->commit, index);
    return *a != NULL && *b != NULL;
}

static int compare_proposals(const void *left, const void *right) {
    const struct audit_proposal *a = left, *b = right;
    int order = (a->index > b->index) - (a->index < b->index);
    if (order == 0)
        order = (a->proposal.round > b->proposal.round) - (a->proposal.round < b->proposal.round);
    if (order == 0)
        order = block_id_compare(&a->proposal.block_id, &b->proposal.block_id);
    return order != 0 ? order : (a->proposal.pol_round > b->proposal.pol_round) - (a->proposal.pol_round < b->proposal.pol_round);
}

static int compare_whole_proposals(const void *left, const void *right) {
    const struct audit_proposal *a = left, *b = right;
    int order = compare_proposals(a, b);
    return order != 0 ? order : memcmp(a->proposal.signature.bytes, b->proposal.signature.bytes, sizeof a->proposal.signature.bytes);
}

uint32_t audit_proposals_sort(struct audit_proposal *proposals, uint32_t count) {
    uint32_t kept = 0;
    if (count > 0)
        qsort(proposals, count, sizeof proposals[0], compare_whole_proposals);
    for (uint32_t i = 0; i < count; i++)
        if (kept == 0 || compare_proposals(&proposals[kept - 1], &proposals[i]) != 0)
            proposals[kept++] = proposals[i];
    return kept;
}

bool audit_find_double_proposal(const struct proposal **a, const struct proposal **b, const struct audit_case *audit, uint32_t index) {
    for (uint32_t i = 1; i < audit->proposal_count; i++) {
        const struct audit_proposal *one = &audit->proposals[i - 1], *other = &audit->proposals[i];
        *a = &one->proposal;
        *b = &other->proposal;
        if (one->index == index && other->index == index && one->proposal.round == other->proposal.round)
            return true;
    }
    return false;
}

static const struct header *header_of(const struct audit_case *audit, const struct vote *vote) {
    const struct header *header = block_id_is_nil(&vote->block_id) ? NULL : audit_find_header(audit, &vote->block_id);
    return header != NULL && header->height == vote->height ? header : NULL;
}

bool audit_find_two_parents(const struct vote **a, const struct vote **b, const struct header **of_a, const struct header **of_b,
                            const struct audit_case *audit, const struct audit_votes *votes, uint32_t index) {
    *a = NULL;
    for (uint32_t i = votes->first_of[index]; i < votes->first_of[index + 1]; i++) {
        const struct header *header = header_of(audit, votes->by_voter[i]);
        if (header == NULL)
            continue;
        if (*a == NULL) {
            *a = votes->by_voter[i];
            *of_a = header;
        } else if (!block_id_equal(&(*of_a)->last_block_id, &header->last_block_id)) {
            *b = votes->by_voter[i];
            *of_b = header;
            return true;
        }
    }
    return false;
}

/* No correct node votes for it, whatever it thinks of the parent: the header names it. */
static bool contradicts(const struct header *header, const struct header *parent) {
    return header->height != parent->height + 1 || !span_equal(header_chain_id(header), header_chain_id(parent)) ||
           timestamp_compare(&header->time, &parent->time) <= 0 || !digest_equal(&header->validators_hash, &parent->next_validators_hash);
}

bool audit_find_bad_header(const struct vote **vote, const struct header **header, const struct header **parent, const char **wrong,
                           const struct audit_case *audit, const struct audit_votes *votes, uint32_t index) {
    for (uint32_t i = votes->first_of[index]; i < votes->first_of[index + 1]; i++) {
        *vote = votes->by_voter[i];
        *header = header_of(audit, *vote);
        if (*header == NULL)
            continue;
        *parent = find(audit, &(*header)->last_block_id.hash);
        *wrong = find_entry(audit, &(*vote)->block_id.hash)->wrong;
        if (*parent != NULL && contradicts(*header, *parent))
            return true;
        *parent = NULL;
        if (*wrong != NULL)
            return true;
    }
    return false;
}
