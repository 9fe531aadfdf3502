/* What is looked for in the logs. CometBFT says "Stopping peer for error … err=REASON" whatever the reason; one that is no fault of the peer's
 * words is a broken connection. Quorate says "lost peer ID (IP): REASON" as WRN when it was the peer's fault, else as INF. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/complaint.h"
#include "tests/interop/fleet.h"

static const char *const comet_faults[] = {"panic", "CONSENSUS FAILURE", "Peer sent us invalid msg", "Error decoding message", "Unknown channel",
                                           "Unknown message type", "Rejecting oversized", "this should not happen", "deems this block invalid", NULL};
static const char *const comet_partings[] = {"EOF", "connection reset by peer", "broken pipe", "use of closed network connection", "pong timeout",
                                             "i/o timeout", NULL};
/* While it fetches blocks it asks two peers for one and drops the slower for its answer; it does so to its own kind too (0.38.26). */
static const char comet_ingratitude[] = "unsolicited BlockResponse";
static const char *const first_blocks[] = {"executed block", "committed height", NULL};
static const char *const quorate_faults[] = {" ERR ", "Assertion", "AddressSanitizer", "runtime error", " refused: ", NULL};

static bool has_any(const char *line, const char *const *words) {
    while (*words != NULL && strstr(line, *words) == NULL)
        words++;
    return *words != NULL;
}

static bool is_comet_fault(const char *line, unsigned mercy) {
    bool rough = (mercy & FLEET_LOG_ROUGH) != 0;
    if (rough && strstr(line, comet_ingratitude) != NULL)
        return false;
    return has_any(line, comet_faults) || (strstr(line, "Stopping peer for error") != NULL && !(rough && has_any(line, comet_partings)));
}

static bool is_quorate_fault(const char *line, unsigned mercy) {
    if ((mercy & FLEET_LOG_DOUBLE_VOTES) != 0 && strstr(line, "voted twice") != NULL)
        return false;
    if ((mercy & FLEET_LOG_FORK) != 0 && (strstr(line, "FORK: at height") != NULL || strstr(line, "the fork's bundle is in") != NULL))
        return false;
    if (has_any(line, quorate_faults))
        return true;
    bool lost = strstr(line, "lost peer") != NULL && strstr(line, "replaced by the other of two connections") == NULL;
    return lost && ((mercy & FLEET_LOG_ROUGH) == 0 || strstr(line, " WRN ") != NULL);
}

uint32_t fleet_log_count(const struct fleet *fleet, uint32_t node, const char *words) {
    char *line = NULL;
    size_t capacity = 0;
    uint32_t count = 0;
    FILE *file = fopen(fleet->net.nodes[node].log, "re");
    while (file != NULL && getline(&line, &capacity, file) > 0)
        count += strstr(line, words) != NULL;
    free(line);
    if (file != NULL)
        fclose(file);
    return count;
}

static char *fault_of(const struct localnet_node *node, char kind, unsigned mercy) {
    char *line = NULL, *found = NULL;
    size_t capacity = 0;
    FILE *file = fopen(node->log, "re");
    unsigned at_first = FLEET_LOG_ROUGH; /* until the first block: two that dial each other at once close one of their connections */
    while (file != NULL && found == NULL && getline(&line, &capacity, file) > 0) {
        if (has_any(line, first_blocks))
            at_first = 0;
        if (kind == 'C' ? is_comet_fault(line, mercy | at_first) : is_quorate_fault(line, mercy | at_first)) {
            line[strcspn(line, "\n")] = '\0';
            found = complaint_of("%s says: %.400s", node->name, line);
        }
    }
    free(line);
    if (file != NULL)
        fclose(file);
    return found;
}

char *fleet_log_fault(const struct fleet *fleet, unsigned mercy) {
    char *found = NULL;
    for (uint32_t i = 0; found == NULL && i < fleet->net.count; i++)
        found = fault_of(&fleet->net.nodes[i], fleet->nodes[i].kind, mercy);
    return found;
}
