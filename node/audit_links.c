#include "node/audit_links.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/complaint.h"
#include "tendermint/light_verify.h"

static bool set_is(const struct valset *set, const struct digest *hash) {
    struct digest its;
    valset_hash(&its, set);
    return digest_equal(&its, hash);
}

void audit_links_begin(struct audit_links *links, struct docket *docket, int64_t height) {
    *links = (struct audit_links){.docket = docket, .height = height, .trust = docket->trust};
    valset_init(&links->trusted);
    for (uint32_t i = 0; i < docket->set_count && links->trusted.count == 0; i++)
        if (set_is(&docket->sets[i], &docket->trust.set_hash))
            valset_copy(&links->trusted, &docket->sets[i]);
}

void audit_links_end(struct audit_links *links) { valset_close(&links->trusted); }

/* ---- into the docket */

static void __attribute__((format(printf, 2, 3))) note_of(struct docket_source *note, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(note->note, sizeof note->note, format, args);
    va_end(args);
}

static bool add_set(struct audit_links *links, struct docket_source *note, const struct valset *set) {
    struct valset copy;
    valset_init(&copy);
    valset_copy(&copy, set);
    bool good = docket_add_set(links->docket, &copy);
    valset_close(&copy);
    if (!good)
        note_of(note, "more than %d validator sets would be needed", DOCKET_SETS_MAX);
    return good;
}

static bool add_block(struct audit_links *links, struct docket_source *note, const struct light_block *block) {
    struct commit commit = block->commit;
    commit.extensions = NULL;
    commit.sigs = arena_take(&links->docket->arena, commit.count + 1, sizeof commit.sigs[0]);
    if (commit.sigs == NULL) {
        note_of(note, "more than the memory that an audit may take");
        return false;
    }
    memcpy(commit.sigs, block->commit.sigs, commit.count * sizeof commit.sigs[0]);
    docket_add_signed(links->docket, note, &block->header, &commit);
    return add_set(links, note, &block->set);
}

/* ---- the height itself */

void audit_links_take(struct audit_links *links, const struct light_source *source, struct docket_source *note) {
    for (int64_t height = links->height; height <= links->height + 1; height++) {
        struct light_block *block = NULL;
        char *why = NULL;
        enum light_answer answer = source->fetch(source->context, height, &block, &why);
        if (answer == LIGHT_ANSWER_BLOCK)
            add_block(links, note, block);
        else if (height == links->height || answer == LIGHT_ANSWER_BAD)
            note_of(note, "height %" PRId64 ": %.150s", height, why);
        light_block_release(block);
        free(why);
        if (answer != LIGHT_ANSWER_BLOCK)
            return;
    }
}

/* All commits of the height whose validators are known follow from here. */
static bool is_reached(const struct audit_links *links) {
    const struct docket *docket = links->docket;
    uint32_t following = 0, others = 0;
    for (uint32_t i = 0; i < docket->signed_count; i++) {
        const struct audit_commit *one = &docket->signed_headers[i];
        if (one->header.height != links->height || docket_find_set(docket, &one->header.validators_hash) == NULL)
            continue;
        bool follows = docket_follows(docket, &links->trust, one) == NULL;
        following += follows;
        others += !follows;
    }
    return following > 0 && others == 0;
}

/* ---- one step: the farthest that follows */

enum reach { REACHES, TOO_FAR, LIES };

static enum reach reach_of(const struct audit_links *links, const struct light_block *block) {
    if (digest_equal(&block->header.validators_hash, &links->trust.set_hash))
        return REACHES;
    if (block->header.height == links->trust.height + 1)
        return LIES;
    if (links->trusted.count == 0)
        return TOO_FAR;
    enum commit_verdict verdict = commit_verify_trusting(&block->commit, &links->trusted, span_text(links->docket->chain_id), 2, 3, true);
    return verdict == COMMIT_GOOD ? REACHES : verdict == COMMIT_NO_QUORUM ? TOO_FAR : LIES;
}

struct search {
    int64_t low, high; /* between them, both excluded, the answer may be */
    struct light_block *best;
    bool lies;
    char *why; /* of the last height that the chain does not have */
    enum light_answer lacks;
};

/* false: nothing more is to be asked of this chain. */
static bool look_at(struct search *search, const struct audit_links *links, const struct light_source *source, int64_t height) {
    struct light_block *block = NULL;
    char *why = NULL;
    enum light_answer answer = source->fetch(source->context, height, &block, &why);
    if (answer != LIGHT_ANSWER_BLOCK) {
        free(search->why);
        search->why = why;
        search->lacks = answer;
        if (answer == LIGHT_ANSWER_TOO_HIGH)
            search->high = height;
        else
            search->low = height; /* pruned: only what is above may be there */
        return answer == LIGHT_ANSWER_TOO_HIGH || answer == LIGHT_ANSWER_NOT_FOUND;
    }
    free(why);
    enum reach reach = reach_of(links, block);
    if (reach == REACHES) {
        light_block_release(search->best);
        search->best = block;
        search->low = height;
        return true;
    }
    light_block_release(block);
    search->high = height;
    search->lies = reach == LIES;
    return !search->lies;
}

static void tell_why(const struct search *search, const struct audit_links *links, struct docket_source *note) {
    if (search->lies)
        note_of(note, "its height %" PRId64 " does not follow from height %" PRId64 ": a branch of its own, or it lies", search->high, links->trust.height);
    else if (search->lacks == LIGHT_ANSWER_NOT_FOUND)
        note_of(note, "between heights %" PRId64 " and %" PRId64 " it lacks what would follow: %.120s", links->trust.height, links->height, search->why);
    else if (search->why != NULL)
        note_of(note, "%.190s", search->why);
    else
        note_of(note, "nothing of it between heights %" PRId64 " and %" PRId64 " follows", links->trust.height, links->height);
}

/* NULL: none, and *note says why. */
static struct light_block *find_next(const struct audit_links *links, const struct light_source *source, struct docket_source *note) {
    struct search search = {.low = links->trust.height, .high = links->height};
    bool goes_on = true;
    if (search.high - search.low > 1)
        goes_on = look_at(&search, links, source, search.high - 1);
    while (goes_on && search.high - search.low > 1)
        goes_on = look_at(&search, links, source, search.low + (search.high - search.low) / 2);
    bool is_good = search.best != NULL && (goes_on || !search.lies);
    if (is_good && commit_verify(&search.best->commit, NULL, &search.best->set, span_text(links->docket->chain_id), &search.best->commit.block_id,
                                 search.best->header.height, NULL) != COMMIT_GOOD) {
        note_of(note, "its commit of height %" PRId64 " is not one of two thirds of its validators: it lies", search.best->header.height);
        is_good = false;
    } else if (!is_good) {
        tell_why(&search, links, note);
    }
    free(search.why);
    if (is_good)
        return search.best;
    light_block_release(search.best);
    return NULL;
}

/* ---- step by step */

/* The set that the new trust names: it is that of the next height. */
static bool learn_set(struct audit_links *links, const struct light_source *source, struct docket_source *note) {
    struct light_block *block = NULL;
    char *why = NULL;
    enum light_answer answer = source->fetch(source->context, links->trust.height + 1, &block, &why);
    bool good = answer == LIGHT_ANSWER_BLOCK && set_is(&block->set, &links->trust.set_hash);
    if (good) {
        valset_copy(&links->trusted, &block->set);
        good = add_set(links, note, &block->set);
    } else if (answer == LIGHT_ANSWER_BLOCK) {
        note_of(note, "its validators of height %" PRId64 " are not those that height %" PRId64 " names: a branch of its own, or it lies",
                links->trust.height + 1, links->trust.height);
    } else {
        note_of(note, "height %" PRId64 ": %.150s", links->trust.height + 1, why);
    }
    light_block_release(block);
    free(why);
    return good;
}

static bool advance(struct audit_links *links, const struct light_source *source, struct docket_source *note) {
    struct light_block *next = find_next(links, source, note);
    if (next == NULL)
        return false;
    bool good = add_block(links, note, next);
    if (good) {
        bool same = digest_equal(&next->header.next_validators_hash, &next->header.validators_hash);
        links->trust = (struct audit_trust){next->header.height, next->header.next_validators_hash};
        links->count++;
        if (same)
            valset_copy(&links->trusted, &next->set);
        else
            valset_close(&links->trusted);
    }
    light_block_release(next);
    return good;
}

void audit_links_walk(struct audit_links *links, const struct light_source *source, struct docket_source *note) {
    while (!links->done) {
        bool is_last = links->trust.height + 1 >= links->height;
        if (!is_last && links->trusted.count == 0 && !learn_set(links, source, note))
            return;
        links->done = is_reached(links);
        if (links->done || is_last || links->count == AUDIT_BUNDLE_LINKS_MAX || !advance(links, source, note))
            return;
    }
}
