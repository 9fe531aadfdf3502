/* The headers between what is trusted and a height whose validators are others by now: the "links" of a bundle (tendermint/audit_bundle.h). They are
 * looked for in chains that have them (a home's store, a node's RPC), and chosen by skipping: each is the farthest that the set trusted so far signed
 * with two thirds. A chain may lie, lack heights, end too early or be another one: it is passed over with a note, and the next goes on from there. */
#ifndef QUORATE_NODE_AUDIT_LINKS_H
#define QUORATE_NODE_AUDIT_LINKS_H

#include "node/docket.h"
#include "node/light_source.h"

struct audit_links {
    struct docket *docket;
    int64_t height;           /* of the audit */
    struct audit_trust trust; /* so far */
    struct valset trusted;    /* the set that it names; none: not known */
    uint32_t count;           /* of links found */
    bool done;                /* the commits of the height follow */
};

void audit_links_begin(struct audit_links *links, struct docket *docket, int64_t height);
/* What the chain has of the height and the next: commits and validators. First, for all chains: each may have another branch. */
void audit_links_take(struct audit_links *links, const struct light_source *source, struct docket_source *note);
/* Goes on from the trust so far. *note tells what came of it. */
void audit_links_walk(struct audit_links *links, const struct light_source *source, struct docket_source *note);
void audit_links_end(struct audit_links *links);

#endif
