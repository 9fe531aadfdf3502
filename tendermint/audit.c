#include "tendermint/audit.h"

#include <assert.h>
#include <stdlib.h>

#include "tendermint/audit_find.h"
#include "tendermint/audit_lock.h"

bool audit_passes_third(int64_t power, int64_t total) { return total > 0 && power > total / 3; }

/* ---- room for what is found */

enum { KINDS_PER_KEY = 8 };

static struct audit_finding *add(struct audit_report *report, enum audit_kind kind, enum audit_status status, const struct validator *who) {
    struct audit_finding *finding = &report->findings[report->count++];
    *finding = (struct audit_finding){.kind = kind, .status = status, .who = who->address, .power = who->power, .log = -1, .excuse_round = -1};
    return finding;
}

/* ---- what stands alone */

static void find_equivocation(struct audit_report *report, const struct audit_case *audit, uint32_t index) {
    const struct validator *who = &audit->set->validators[index];
    const struct vote *a, *b;
    if (audit_find_commits_of_one_round(&a, &b, audit, index)) {
        struct audit_finding *finding = add(report, AUDIT_E3, AUDIT_PROVEN, who);
        finding->a = a;
        finding->b = b;
    } else if (audit_find_double_vote(&a, &b, audit->votes, index)) {
        struct audit_finding *finding = add(report, AUDIT_E1, AUDIT_PROVEN, who);
        finding->a = a;
        finding->b = b;
    }
}

static void find_double_proposal(struct audit_report *report, const struct audit_case *audit, uint32_t index) {
    const struct proposal *a, *b;
    if (!audit_find_double_proposal(&a, &b, audit, index))
        return;
    struct audit_finding *finding = add(report, AUDIT_E2, AUDIT_PROVEN, &audit->set->validators[index]);
    finding->proposals[0] = a;
    finding->proposals[1] = b;
}

static void find_contradiction(struct audit_report *report, const struct audit_case *audit, const struct audit_votes *votes, uint32_t index) {
    const struct vote *vote;
    const struct header *header, *parent;
    const char *wrong;
    if (!audit_find_bad_header(&vote, &header, &parent, &wrong, audit, votes, index))
        return;
    struct audit_finding *finding = add(report, AUDIT_E5, AUDIT_PROVEN, &votes->set->validators[index]);
    finding->a = vote;
    finding->headers[0] = header;
    finding->headers[1] = parent;
    finding->wrong = parent == NULL ? wrong : NULL;
}

static void find_two_parents(struct audit_report *report, const struct audit_case *audit, const struct audit_votes *votes, uint32_t index) {
    const struct vote *a, *b;
    const struct header *of_a, *of_b;
    if (!audit_find_two_parents(&a, &b, &of_a, &of_b, audit, votes, index))
        return;
    struct audit_finding *finding = add(report, AUDIT_E4, AUDIT_PROVEN, &votes->set->validators[index]);
    finding->a = a;
    finding->b = b;
    finding->headers[0] = of_a;
    finding->headers[1] = of_b;
}

static void find_at_next_height(struct audit_report *report, const struct audit_case *audit) {
    if (audit->next_votes == NULL)
        return;
    for (uint32_t i = 0; i < audit->next_votes->set->count; i++) {
        const struct vote *a, *b;
        find_two_parents(report, audit, audit->next_votes, i);
        find_contradiction(report, audit, audit->next_votes, i);
        if (audit_find_double_vote(&a, &b, audit->next_votes, i)) {
            struct audit_finding *finding = add(report, AUDIT_E1, AUDIT_PROVEN, &audit->next_votes->set->validators[i]);
            finding->a = a;
            finding->b = b;
        }
    }
}

/* ---- what is about absence */

static int32_t own_log_of(const struct audit_case *audit, const struct address *who) {
    for (uint32_t i = 0; i < audit->log_count; i++)
        if (address_equal(&audit->logs[i].who, who))
            return (int32_t)i;
    return -1;
}

static bool log_holds(const struct audit_votes *own, const struct vote *vote) {
    const struct audit_group *group = audit_votes_group(own, vote->round, vote->type, &vote->block_id);
    return group != NULL && audit_votes_in_group(own, group, (uint32_t)vote->validator_index);
}

/* By its own log only if that says the same by itself, so that whoever has nothing but that log can see it; and only if it holds the votes in
 * question: a log made before them could not have held what allows them. */
static bool own_log_convicts(const struct audit_case *audit, int32_t log, const struct audit_finding *finding) {
    const struct audit_votes *own = log < 0 ? NULL : &audit->logs[log].votes;
    int32_t excuse_round;
    if (own == NULL || !log_holds(own, finding->a) || (finding->b != NULL && !log_holds(own, finding->b)))
        return false;
    if (finding->kind == AUDIT_A1)
        return audit_lock_forbids(&excuse_round, own, audit->rule, finding->a, finding->b);
    const struct audit_group *group = audit_votes_group(own, finding->a->round, VOTE_PREVOTE, &finding->a->block_id);
    return group == NULL || !audit_votes_polka(own, group);
}

static bool was_asked(const struct audit_case *audit, const struct address *who) {
    bool found = audit->asked == NULL;
    for (uint32_t i = 0; i < audit->asked_count && !found; i++)
        found = address_equal(&audit->asked[i], who);
    return found;
}

static void judge_absence(const struct audit_case *audit, struct audit_finding *finding) {
    int32_t log = own_log_of(audit, &finding->who);
    const struct header *header = audit_find_header(audit, &finding->a->block_id);
    bool is_anchored = header != NULL && digest_equal(&header->validators_hash, &audit->set_hash); /* it signed a block that names this very set */
    if (is_anchored && own_log_convicts(audit, log, finding)) {
        finding->status = AUDIT_CONVICTED_BY_LOG;
        finding->log = log;
        finding->headers[0] = header;
    } else if (audit->deadline_passed && was_asked(audit, &finding->who) && (finding->kind == AUDIT_A1 || finding->a->round > 0)) {
        finding->status = AUDIT_CONVICTED_BY_SILENCE; /* but nobody is bound to keep the polka of a height that it decided in round 0 */
    }
}

static void find_amnesia(struct audit_report *report, const struct audit_case *audit, uint32_t index) {
    const struct vote *precommit, *prevote;
    if (!audit_lock_broken(&precommit, &prevote, audit->votes, audit->rule, index))
        return;
    struct audit_finding *finding = add(report, AUDIT_A1, AUDIT_SUSPECT, &audit->set->validators[index]);
    finding->a = precommit;
    finding->b = prevote;
    judge_absence(audit, finding);
}

static bool signed_commit(const struct audit_case *audit, const struct vote *precommit) {
    for (int i = 0; i < 2; i++)
        if (audit->commits[i] != NULL && audit->commits[i]->commit.round == precommit->round &&
            block_id_equal(&audit->commits[i]->commit.block_id, &precommit->block_id))
            return true;
    return false;
}

/* Others' logs are never expected to hold every polka: whoever gave no log is asked only about the commits of a fork, and only if that is needed. */
static void find_unfounded(struct audit_report *report, const struct audit_case *audit, uint32_t index, bool by_log) {
    const struct vote *precommit;
    bool has_log = own_log_of(audit, &audit->set->validators[index].address) >= 0;
    if (has_log != by_log || !audit_lock_unfounded(&precommit, audit->votes, index) || (!has_log && !signed_commit(audit, precommit)))
        return;
    struct audit_finding *finding = add(report, AUDIT_A2, AUDIT_SUSPECT, &audit->set->validators[index]);
    finding->a = precommit;
    judge_absence(audit, finding);
}

/* ---- the fork: who is excused, and what can be said of all together */

static const struct audit_commit *first_commit(const struct audit_case *audit) {
    const struct audit_commit *const *commits = audit->commits;
    if (commits[0] == NULL || commits[1] == NULL)
        return NULL;
    return commits[0]->commit.round <= commits[1]->commit.round ? commits[0] : commits[1];
}

/* r*: where those who must have held the first commit's block are first seen to be for another. */
static const struct audit_group *find_switch(const struct audit_votes *votes, enum audit_rule rule, const struct commit *first) {
    for (uint32_t i = 0; i < votes->prevote_group_count; i++) {
        const struct audit_group *group = &votes->groups[i];
        bool binds = rule != AUDIT_PAPER || !block_id_is_nil(&group->id); /* there nil is no betrayal of a lock */
        if (binds && group->round > first->round && !block_id_equal(&group->id, &first->block_id) && audit_votes_polka(votes, group))
            return group;
    }
    return NULL;
}

static bool is_found(const struct audit_report *report, const struct address *who) {
    for (uint32_t i = 0; i < report->count; i++)
        if (address_equal(&report->findings[i].who, who) && report->findings[i].kind != AUDIT_SET)
            return true;
    return false;
}

static void note_member(struct audit_report *report, const struct audit_case *audit, const struct commit *first, const struct audit_group *polka,
                        uint32_t index) {
    const struct validator *who = &audit->set->validators[index];
    const struct audit_group *precommits = audit_votes_group(audit->votes, first->round, VOTE_PRECOMMIT, &first->block_id);
    if (precommits == NULL || !audit_votes_in_group(audit->votes, precommits, index) || !audit_votes_in_group(audit->votes, polka, index))
        return;
    struct audit_finding *finding = add(report, AUDIT_SET, AUDIT_SET_ONLY, who);
    finding->a = audit->votes->by_group[precommits->begin];
    for (uint32_t i = precommits->begin; i < precommits->end; i++)
        if ((uint32_t)audit->votes->by_group[i]->validator_index == index)
            finding->a = audit->votes->by_group[i];
    for (uint32_t i = polka->begin; i < polka->end; i++)
        if ((uint32_t)audit->votes->by_group[i]->validator_index == index)
            finding->b = audit->votes->by_group[i];
    report->set_power += who->power;
}

/* Once everybody had the time to show a polka, there is none before r*. So the first honest one of S to prevote y at r* was freed by a polka of r*
 * that is made without the honest of S; more than a third, of those who signed the first commit, is in it and not honest. (By the paper's rule S has
 * no excuse but an older polka: there all of it is convicted one by one.) */
static void find_set(struct audit_report *report, const struct audit_case *audit) {
    const struct audit_commit *first = first_commit(audit);
    const struct audit_group *polka = first == NULL ? NULL : find_switch(audit->votes, audit->rule, &first->commit);
    if (polka == NULL)
        return;
    report->has_polka = true;
    report->polka_round = polka->round;
    report->polka_id = polka->id;
    if (audit->rule == AUDIT_PAPER || !audit->deadline_passed)
        return;
    for (uint32_t i = 0; i < audit->set->count; i++)
        note_member(report, audit, &first->commit, polka, i);
    report->set_guilty_power = report->set_power > 0 ? audit->set->total_power / 3 + 1 : 0;
}

/* Whoever signed the first commit, voted for something else later, and may. */
static void find_cleared(struct audit_report *report, const struct audit_case *audit, uint32_t index) {
    const struct audit_commit *first = first_commit(audit);
    const struct validator *who = &audit->set->validators[index];
    uint32_t count;
    if (first == NULL || is_found(report, &who->address))
        return;
    const struct audit_group *signers = audit_votes_group(audit->votes, first->commit.round, VOTE_PRECOMMIT, &first->commit.block_id);
    struct vote precommit = {.type = VOTE_PRECOMMIT, .round = first->commit.round, .block_id = first->commit.block_id, .validator_index = (int32_t)index};
    if (signers == NULL || !audit_votes_in_group(audit->votes, signers, index))
        return;
    struct vote *const *prevotes = audit_votes_of(audit->votes, &count, index, VOTE_PREVOTE);
    for (uint32_t i = 0; i < count; i++) {
        int32_t excuse_round;
        if (prevotes[i]->round <= precommit.round || block_id_equal(&prevotes[i]->block_id, &precommit.block_id) ||
            audit_lock_forbids(&excuse_round, audit->votes, audit->rule, &precommit, prevotes[i]) || excuse_round < 0)
            continue;
        struct audit_finding *finding = add(report, AUDIT_A1, AUDIT_CLEARED, who);
        finding->b = prevotes[i];
        finding->excuse_round = excuse_round;
        return;
    }
}

/* ---- sums and order */

static int compare_findings(const void *left, const void *right) {
    const struct audit_finding *a = left, *b = right;
    bool late_a = a->status >= AUDIT_SET_ONLY, late_b = b->status >= AUDIT_SET_ONLY;
    if (late_a != late_b)
        return late_a ? 1 : -1;
    if (late_a && a->status != b->status)
        return a->status > b->status ? -1 : 1;
    int order = address_compare(&a->who, &b->who);
    if (order == 0)
        order = (a->kind > b->kind) - (a->kind < b->kind);
    if (order == 0 && a->a != NULL && b->a != NULL)
        order = (a->a->height > b->a->height) - (a->a->height < b->a->height);
    return order;
}

static void finish(struct audit_report *report, const struct audit_case *audit) {
    if (report->count > 0)
        qsort(report->findings, report->count, sizeof report->findings[0], compare_findings);
    report->proven_power = report->by_log_power = report->by_silence_power = report->suspect_power = report->next_proven_power = 0;
    int64_t *sums[] = {[AUDIT_PROVEN] = &report->proven_power,
                       [AUDIT_CONVICTED_BY_LOG] = &report->by_log_power,
                       [AUDIT_CONVICTED_BY_SILENCE] = &report->by_silence_power,
                       [AUDIT_SUSPECT] = &report->suspect_power};
    report->total_power = audit->set->total_power;
    report->next_total_power = audit->next_votes == NULL ? 0 : audit->next_votes->set->total_power;
    for (uint32_t begin = 0, end; begin < report->count && report->findings[begin].status < AUDIT_SET_ONLY; begin = end) {
        enum audit_status best = AUDIT_SUSPECT;
        bool is_next = false;
        for (end = begin; end < report->count && report->findings[end].status < AUDIT_SET_ONLY &&
                          address_equal(&report->findings[begin].who, &report->findings[end].who);
             end++) {
            const struct audit_finding *finding = &report->findings[end];
            best = finding->status < best ? finding->status : best;
            is_next |= finding->a != NULL && finding->a->height != audit->height;
        }
        int32_t index = valset_find(audit->set, &report->findings[begin].who);
        *sums[best] += index < 0 ? 0 : audit->set->validators[index].power;
        index = audit->next_votes == NULL || !is_next ? -1 : valset_find(audit->next_votes->set, &report->findings[begin].who);
        report->next_proven_power += index < 0 ? 0 : audit->next_votes->set->validators[index].power;
    }
    report->third_reached = audit_passes_third(report->proven_power + report->by_log_power + report->by_silence_power, report->total_power) ||
                            audit_passes_third(report->next_proven_power, report->next_total_power);
}

static bool is_in_set(const struct audit_report *report, const struct address *who) {
    for (uint32_t i = 0; i < report->count; i++)
        if (report->findings[i].kind == AUDIT_SET && address_equal(&report->findings[i].who, who))
            return true;
    return false;
}

/* A set of whom some are guilty says nothing new once so much of it is convicted; until then nobody in it is cleared. */
static void drop_weaker(struct audit_report *report) {
    uint32_t kept = 0;
    bool keep_set = !report->third_reached;
    for (uint32_t i = 0; i < report->count; i++) {
        const struct audit_finding *finding = &report->findings[i];
        bool weak = finding->kind == AUDIT_SET ? !keep_set : finding->status == AUDIT_CLEARED && keep_set && is_in_set(report, &finding->who);
        report->findings[kept] = *finding;
        kept += !weak;
    }
    report->count = kept;
    if (!keep_set)
        report->set_power = report->set_guilty_power = 0;
}

bool audit_judge(struct audit_report *report, const struct audit_case *audit, struct arena *arena) {
    assert(audit->votes->sealed && (audit->next_votes == NULL || audit->next_votes->sealed));
    size_t keys = audit->set->count + (audit->next_votes == NULL ? 0 : audit->next_votes->set->count);
    *report = (struct audit_report){.findings = arena_take(arena, keys * KINDS_PER_KEY + 1, sizeof report->findings[0])};
    if (report->findings == NULL)
        return false;
    for (uint32_t i = 0; i < audit->set->count; i++) {
        find_equivocation(report, audit, i);
        find_double_proposal(report, audit, i);
        find_contradiction(report, audit, audit->votes, i);
        find_two_parents(report, audit, audit->votes, i);
        find_amnesia(report, audit, i);
        find_unfounded(report, audit, i, true);
    }
    find_at_next_height(report, audit);
    for (uint32_t i = 0; i < audit->set->count; i++)
        find_cleared(report, audit, i);
    find_set(report, audit);
    finish(report, audit);
    if (!report->third_reached && first_commit(audit) != NULL) {
        for (uint32_t i = 0; i < audit->set->count; i++)
            find_unfounded(report, audit, i, false);
        finish(report, audit);
    }
    drop_weaker(report);
    return true;
}
