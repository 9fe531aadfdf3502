/* Several nodes of one chain, looked at again and again: do they have the same blocks? Each node's newest height is compared with a node that has it;
 * because headers are linked, whoever agrees there agrees below, so that no two can differ unnoticed, however far apart they are. */
#ifndef QUORATE_NODE_AUDIT_COMPARE_H
#define QUORATE_NODE_AUDIT_COMPARE_H

#include "node/light_source.h"

enum { AUDIT_COMPARE_MAX = 32, AUDIT_COMPARE_REST_MAX = 31 };

struct audit_compared {
    struct light_source source;
    int64_t height;      /* its newest, this time; 0: it did not answer, or nothing of use */
    struct digest hash;
    int64_t agreed;      /* up to here it has the blocks of another one */
    uint32_t failures, rest; /* in a row; times that it is not asked, so that one that is gone or slow does not hold up the others */
    bool set_aside;      /* not asked any more */
    bool is_news;        /* `why` is new */
    bool is_back;        /* it answers again, since this time */
    char why[240];       /* "" or why its height is 0 */
};

struct audit_compare {
    struct audit_compared nodes[AUDIT_COMPARE_MAX];
    uint32_t count;
};

void audit_compare_add(struct audit_compare *compare, const struct light_source *source);
/* Asks each for its newest block. `patient`: the ones that failed before, too. */
void audit_compare_look(struct audit_compare *compare, bool patient);
struct audit_difference {
    uint32_t one, other; /* nodes that have different blocks */
    int64_t height;      /* the lowest at which they do, as far as both still have theirs */
    bool is_first;       /* they are alike below; else one has pruned it */
};
bool audit_compare_differ(struct audit_compare *compare, struct audit_difference *out); /* false: none */
int64_t audit_compare_agreed(const struct audit_compare *compare, uint32_t *count); /* the height to which at least two agree, and how many are there */

#endif
