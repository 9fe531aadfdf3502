#include "node/detector.h"

enum { SAMPLES_LEAST = 4, AWAY_MS = 30000, AWAY_MARGIN_MS = 100 };

void detector_init(struct detector *detector, int64_t now_ms, int64_t first_timeout_ms, int64_t least_timeout_ms) {
    *detector = (struct detector){.heard_ms = now_ms, .first_timeout_ms = first_timeout_ms, .least_timeout_ms = least_timeout_ms};
}

int64_t detector_timeout_ms(const struct detector *detector) {
    int64_t timeout = detector->samples < SAMPLES_LEAST ? detector->first_timeout_ms : (2 * detector->mean_us + 4 * detector->deviation_us) / 1000;
    timeout = (timeout < detector->least_timeout_ms ? detector->least_timeout_ms : timeout) + detector->margin_ms;
    return timeout > DETECTOR_TIMEOUT_MAX_MS ? DETECTOR_TIMEOUT_MAX_MS : timeout;
}

/* RFC 6298: an eighth of the error to the mean, a quarter to the deviation. */
static void measure(struct detector *detector, int64_t gap_ms) {
    int64_t gap_us = (gap_ms > DETECTOR_TIMEOUT_MAX_MS ? DETECTOR_TIMEOUT_MAX_MS : gap_ms) * 1000;
    if (detector->samples == 0) {
        detector->mean_us = gap_us;
        detector->deviation_us = gap_us / 2;
    } else {
        int64_t error = gap_us - detector->mean_us;
        detector->mean_us += error / 8;
        detector->deviation_us += ((error < 0 ? -error : error) - detector->deviation_us) / 4;
    }
    if (detector->samples < UINT32_MAX)
        detector->samples++;
}

/* The suspicion was a mistake: half as much again is waited from now on. After a very long silence it was none, most likely (a restart); but in case this is
 * how the thing lives, a little is added all the same, so that even then the mistakes end. */
static void forgive(struct detector *detector, int64_t gap_ms) {
    int64_t timeout = detector_timeout_ms(detector);
    bool was_away = gap_ms > 10 * timeout && gap_ms > AWAY_MS;
    detector->margin_ms += was_away ? AWAY_MARGIN_MS : timeout / 2;
    if (detector->margin_ms > DETECTOR_TIMEOUT_MAX_MS)
        detector->margin_ms = DETECTOR_TIMEOUT_MAX_MS;
    detector->mistakes++;
    detector->suspected = false;
}

bool detector_hear(struct detector *detector, int64_t now_ms) {
    int64_t gap_ms = now_ms - detector->heard_ms;
    bool was_suspected = detector->suspected;
    if (was_suspected) {
        forgive(detector, gap_ms);
    } else if (gap_ms < DETECTOR_QUANTUM_MS) {
        return false;
    } else {
        measure(detector, gap_ms);
    }
    detector->heard_ms = now_ms;
    return was_suspected;
}

bool detector_look(struct detector *detector, int64_t now_ms) {
    if (detector->suspected || now_ms - detector->heard_ms <= detector_timeout_ms(detector))
        return false;
    detector->suspected = true;
    return true;
}
