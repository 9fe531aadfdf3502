#include "node/audit_compare.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/complaint.h"

void audit_compare_add(struct audit_compare *compare, const struct light_source *source) {
    assert(compare->count < AUDIT_COMPARE_MAX);
    compare->nodes[compare->count++] = (struct audit_compared){.source = *source};
}

static void note_failure(struct audit_compared *node, const char *why) {
    char plain[sizeof node->why];
    snprintf(plain, sizeof plain, "%s", why);
    complaint_plain(plain);
    node->is_news = strcmp(node->why, plain) != 0;
    memcpy(node->why, plain, sizeof plain);
    node->failures++;
    node->rest = node->failures > 5 ? AUDIT_COMPARE_REST_MAX : (1u << node->failures) - 1;
}

static enum light_answer fetch(struct audit_compared *node, struct digest *hash, int64_t *height) {
    struct light_block *block = NULL;
    char *why = NULL;
    enum light_answer answer = node->source.fetch(node->source.context, *height, &block, &why);
    if (answer == LIGHT_ANSWER_BLOCK) {
        *hash = block->hash;
        *height = block->header.height;
    } else if (*height == 0) {
        note_failure(node, why == NULL ? "no answer" : why);
    }
    light_block_release(block);
    free(why);
    return answer;
}

static void look(struct audit_compared *node) {
    int64_t height = 0;
    node->height = 0;
    if (fetch(node, &node->hash, &height) != LIGHT_ANSWER_BLOCK)
        return;
    node->height = height;
    if (height < node->agreed)
        node->agreed = 0; /* it began again */
    node->is_back = node->failures > 0;
    node->failures = node->rest = 0;
    node->why[0] = '\0';
}

void audit_compare_look(struct audit_compare *compare, bool patient) {
    for (uint32_t i = 0; i < compare->count; i++) {
        struct audit_compared *node = &compare->nodes[i];
        node->is_news = node->is_back = false;
        if (node->set_aside)
            continue;
        if (node->rest > 0 && !patient)
            node->rest--;
        else
            look(node);
    }
}

/* Its hash there; false: it cannot tell. */
static bool hash_at(struct audit_compared *node, struct digest *hash, int64_t height) {
    *hash = node->hash;
    return node->height == height || fetch(node, hash, &height) == LIGHT_ANSWER_BLOCK;
}

enum likeness { ALIKE, DIFFERENT, UNKNOWN };

static enum likeness compare_at(struct audit_compared *one, struct audit_compared *other, int64_t height) {
    struct digest a, b;
    if (!hash_at(one, &a, height) || !hash_at(other, &b, height))
        return UNKNOWN;
    return digest_equal(&a, &b) ? ALIKE : DIFFERENT;
}

static void find_first(struct audit_compare *compare, struct audit_difference *out) {
    struct audit_compared *one = &compare->nodes[out->one], *other = &compare->nodes[out->other];
    out->is_first = out->height == 1;
    for (int64_t low = 0; out->height - low > 1;) {
        int64_t middle = low + (out->height - low) / 2;
        enum likeness likeness = compare_at(one, other, middle);
        if (likeness == DIFFERENT) {
            out->height = middle;
            out->is_first = low == 0 ? middle == 1 : out->is_first;
        } else {
            low = middle; /* alike, or one has pruned it */
            out->is_first = likeness == ALIKE;
        }
    }
}

static int64_t highest_but(const struct audit_compare *compare, uint32_t self) {
    int64_t highest = 0;
    for (uint32_t i = 0; i < compare->count; i++)
        if (i != self && !compare->nodes[i].set_aside && compare->nodes[i].height > highest)
            highest = compare->nodes[i].height;
    return highest;
}

static bool differs(struct audit_compare *compare, struct audit_difference *out) {
    struct audit_compared *node = &compare->nodes[out->one];
    int64_t highest = highest_but(compare, out->one), at = node->height < highest ? node->height : highest;
    for (uint32_t i = 0; i < compare->count && at > node->agreed; i++) {
        if (i == out->one || compare->nodes[i].set_aside || compare->nodes[i].height < at)
            continue;
        enum likeness likeness = compare_at(node, &compare->nodes[i], at);
        if (likeness == ALIKE)
            node->agreed = at;
        out->other = i;
        out->height = at;
        if (likeness == DIFFERENT)
            return true;
    }
    return false;
}

bool audit_compare_differ(struct audit_compare *compare, struct audit_difference *out) {
    for (out->one = 0; out->one < compare->count; out->one++)
        if (!compare->nodes[out->one].set_aside && compare->nodes[out->one].height > 0 && differs(compare, out)) {
            find_first(compare, out);
            return true;
        }
    return false;
}

int64_t audit_compare_agreed(const struct audit_compare *compare, uint32_t *count) {
    int64_t highest = 0;
    *count = 0;
    for (uint32_t i = 0; i < compare->count; i++) {
        const struct audit_compared *node = &compare->nodes[i];
        bool is_there = !node->set_aside && node->height > 0;
        *count += is_there;
        if (is_there && node->agreed > highest)
            highest = node->agreed;
    }
    return highest;
}
