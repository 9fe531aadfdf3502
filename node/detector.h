/* Who is slow or gone: an eventually perfect failure detector (Chandra, Toueg 1996: Unreliable failure detectors for reliable distributed systems), for one
 * thing that is watched. Who lives is heard again and again; how far apart is measured (mean and deviation, as TCP does for its timeout, RFC 6298), and who
 * is silent for longer than that is suspected. A suspicion that was mistaken makes the timeout longer, for good: so whoever lives is, after finitely many
 * mistakes, suspected no more, and whoever is gone stays suspected.
 *
 * It informs, and puts peers in an order; it never decides agreement. Pure: the caller has the clock, in milliseconds, which may stand still while nothing
 * is to be heard. */
#ifndef QUORATE_NODE_DETECTOR_H
#define QUORATE_NODE_DETECTOR_H

#include <stdbool.h>
#include <stdint.h>

#define DETECTOR_TIMEOUT_MAX_MS (10 * 60 * 1000)
#define DETECTOR_QUANTUM_MS     20 /* what comes in bursts counts once */

struct detector { /* zeroed by detector_init */
    int64_t heard_ms; /* of the clock */
    int64_t mean_us, deviation_us;
    int64_t first_timeout_ms, least_timeout_ms; /* until enough was measured; ever */
    int64_t margin_ms; /* what mistakes have added */
    uint32_t samples, mistakes;
    bool suspected;
};

void detector_init(struct detector *detector, int64_t now_ms, int64_t first_timeout_ms, int64_t least_timeout_ms);
int64_t detector_timeout_ms(const struct detector *detector);
/* It was heard. true: it had been suspected, and is no more. */
bool detector_hear(struct detector *detector, int64_t now_ms);
/* Has it been silent for too long? true: from now on it is suspected. */
bool detector_look(struct detector *detector, int64_t now_ms);

#endif
