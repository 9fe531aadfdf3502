#include "node/bans.h"

#include <stdio.h>
#include <string.h>

static struct ban *place_for(struct bans *bans, const char *id) {
    struct ban *first_to_end = &bans->bans[0];
    for (uint32_t i = 0; i < bans->count; i++) {
        if (strcmp(bans->bans[i].id, id) == 0)
            return &bans->bans[i];
        if (bans->bans[i].until_ms < first_to_end->until_ms)
            first_to_end = &bans->bans[i];
    }
    return bans->count < BANS_MAX ? &bans->bans[bans->count++] : first_to_end;
}

void bans_add(struct bans *bans, const char *id, int64_t until_ms) {
    struct ban *place = place_for(bans, id);
    if (strcmp(place->id, id) != 0)
        *place = (struct ban){.until_ms = until_ms};
    snprintf(place->id, sizeof place->id, "%s", id);
    if (place->until_ms < until_ms)
        place->until_ms = until_ms;
}

bool bans_has(const struct bans *bans, const char *id, int64_t now_ms) {
    for (uint32_t i = 0; i < bans->count; i++)
        if (strcmp(bans->bans[i].id, id) == 0)
            return bans->bans[i].until_ms > now_ms;
    return false;
}
