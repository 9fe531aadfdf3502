#include "node/pace.h"

#define PACE_BYTES_MAX (128ll * 1024 * 1024) /* above any block: no overflow in what follows */

void pace_init(struct pace *pace, int64_t target_ms, int64_t bytes_min) {
    *pace = (struct pace){.target_ms = target_ms, .bytes_min = bytes_min, .bytes = bytes_min};
}

int64_t pace_room(const struct pace *pace, int64_t bytes_max) {
    return pace->target_ms == 0 || pace->bytes > bytes_max ? bytes_max : pace->bytes;
}

void pace_note_proposed(struct pace *pace, int64_t height, int64_t bytes, int64_t now_ms) {
    pace->height = height;
    pace->proposed_ms = now_ms;
    pace->full = bytes >= pace->bytes / 2;
}

/* Down to what the time taken allows, at most by half; up by a quarter when there was time to spare. */
void pace_note_decided(struct pace *pace, int64_t height, bool ours, int64_t now_ms) {
    if (pace->height != height || !pace->full)
        return;
    int64_t taken_ms = now_ms - pace->proposed_ms;
    if (!ours || taken_ms >= 2 * pace->target_ms)
        pace->bytes /= 2;
    else if (taken_ms > pace->target_ms)
        pace->bytes = pace->bytes * pace->target_ms / taken_ms;
    else if (taken_ms < pace->target_ms * 3 / 4)
        pace->bytes += pace->bytes / 4;
    if (pace->bytes < pace->bytes_min)
        pace->bytes = pace->bytes_min;
    if (pace->bytes > PACE_BYTES_MAX)
        pace->bytes = PACE_BYTES_MAX;
}
