/* Who is not spoken with, and until when. In memory and bounded: ids are free to make, so a ban stops the mistaken, not the determined.
 * Times are of the caller's monotonic clock. */
#ifndef QUORATE_NODE_BANS_H
#define QUORATE_NODE_BANS_H

#include <stdbool.h>
#include <stdint.h>

#define BANS_MAX 256

struct ban {
    char id[41];
    int64_t until_ms;
};

struct bans { /* all zero: none */
    uint32_t count;
    struct ban bans[BANS_MAX];
};

/* A ban is never made shorter. When all places are taken, the one that ends first makes room. */
void bans_add(struct bans *bans, const char *id, int64_t until_ms);
bool bans_has(const struct bans *bans, const char *id, int64_t now_ms);

#endif
