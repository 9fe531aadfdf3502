/* A fork as a picture (SVG): validators in rows, rounds in columns, who voted for which block, where locks were, and what contradicts what. */
#ifndef QUORATE_NODE_AUDIT_DRAW_H
#define QUORATE_NODE_AUDIT_DRAW_H

#include "genesis/emit.h"
#include "node/docket.h"

enum { AUDIT_DRAW_VALIDATORS_MAX = 60, AUDIT_DRAW_ROUNDS_MAX = 16 }; /* more are left out, and that is said */

void audit_draw(struct emit *out, const struct docket *docket); /* a judged one */

#endif
