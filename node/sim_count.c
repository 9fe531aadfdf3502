#include "node/sim_count.h"

#include <inttypes.h>

#define LINE_MAX_CHARS 150

static const char *const texts[SIM_COUNTS] = {
    [SIM_COUNT_NODES_1] = "1 validator",
    [SIM_COUNT_NODES_4] = "4",
    [SIM_COUNT_NODES_5] = "5",
    [SIM_COUNT_NODES_7] = "7",
    [SIM_COUNT_NODES_10] = "10",
    [SIM_COUNT_NODES_30] = "30",
    [SIM_COUNT_NODES_100] = "100",
    [SIM_COUNT_UNEVEN] = "uneven powers",
    [SIM_COUNT_NO_VALIDATORS_YET] = "nodes that are no validators yet",
    [SIM_COUNT_ROADS_UNIFORM] = "uniform latencies",
    [SIM_COUNT_ROADS_TAIL] = "long tails",
    [SIM_COUNT_ROADS_WAN] = "a matrix of regions",
    [SIM_COUNT_NARROW] = "narrow uplinks",
    [SIM_COUNT_PARTLY_MESHED] = "a partial mesh",
    [SIM_COUNT_OVERTAKING_CHANNELS] = "channels that overtake",
    [SIM_COUNT_BLOCK_SYNC] = "block sync",
    [SIM_COUNT_LEDGER_APP] = "ledger",
    [SIM_COUNT_KVSTORE_APP] = "kvstore",
    [SIM_COUNT_EXTENDER_APP] = "kvstore with extensions",
    [SIM_COUNT_SMALL_BLOCKS] = "small blocks",
    [SIM_COUNT_SMALL_POOLS] = "small mempools",
    [SIM_COUNT_NO_EMPTY_BLOCKS] = "no empty blocks",
    [SIM_COUNT_FAR_SIGNERS] = "remote signers",
    [SIM_COUNT_LATER_GENESIS] = "a later first height",
    [SIM_COUNT_SMALL_JOURNALS] = "journals of many files",
    [SIM_COUNT_REAL_CRYPTO] = "real signatures",
    [SIM_COUNT_NO_LIARS] = "no liars",
    [SIM_COUNT_UP_TO_A_THIRD] = "liars below a third",
    [SIM_COUNT_BEYOND_A_THIRD] = "beyond a third",
    [SIM_COUNT_LOST] = "unsynced changes lost",
    [SIM_COUNT_TORN] = "torn",
    [SIM_COUNT_KEPT] = "kept",
    [SIM_COUNT_SECTORS] = "files whose sectors arrived in no order",
    [SIM_COUNT_NAMES_LOST] = "new files lost",
    [SIM_COUNT_BATCHES_LOST] = "unsynced batches lost",
    [SIM_COUNT_BATCHES_KEPT] = "kept",
    [SIM_COUNT_DEATHS_IN_DISK] = "deaths in a call of the disk",
    [SIM_COUNT_DEATHS_IN_STORE] = "in one of the store",
    [SIM_COUNT_DEATHS_IN_SEND] = "between two messages",
    [SIM_COUNT_NO_SPACE] = "stops for want of room",
    [SIM_COUNT_IO_ERROR] = "stops by EIO",
    [SIM_COUNT_FLIPS_IN_FILES] = "bits flipped in files",
    [SIM_COUNT_FLIPS_IN_STORES] = "in stores",
    [SIM_COUNT_FLIPS_FOUND] = "of which stopped a node",
    [SIM_COUNT_LINKS_CUT] = "links that died",
    [SIM_COUNT_LOST_WITH_LINK] = "messages lost with them",
    [SIM_COUNT_LOST_ALONE] = "lost alone",
    [SIM_COUNT_ONE_WAY] = "lost where only one side hears",
    [SIM_COUNT_DOUBLED] = "doubled",
    [SIM_COUNT_OVERTAKEN] = "overtaken",
    [SIM_COUNT_QUEUE_FULL] = "refused by full queues",
    [SIM_COUNT_SECOND_PROPOSALS] = "second proposals",
    [SIM_COUNT_SECOND_VOTES] = "second votes",
    [SIM_COUNT_LOCKS_FORGOTTEN] = "votes without regard to lock and polka",
    [SIM_COUNT_FALSE_CLAIMS] = "false claims",
    [SIM_COUNT_PARTS_WITHHELD] = "parts withheld",
    [SIM_COUNT_BAD_BLOCKS] = "invalid blocks",
    [SIM_COUNT_FLOOD] = "messages of floods",
    [SIM_COUNT_SILENCE] = "messages kept back by mutes",
    [SIM_COUNT_REPLAYS] = "old messages again",
    [SIM_COUNT_MUTATIONS] = "mutated messages",
    [SIM_COUNT_WRONG_EXTENSIONS] = "wrong extensions",
    [SIM_COUNT_TWIN_VOTES] = "votes of twins",
    [SIM_COUNT_HEIGHTS_ABOVE_0] = "heights decided above round 0",
    [SIM_COUNT_VALSET_CHANGES] = "changes of the validator set",
    [SIM_COUNT_EXTENDED_HEIGHTS] = "heights with vote extensions",
    [SIM_COUNT_EVIDENCE] = "pieces of evidence committed",
    [SIM_COUNT_FORKS] = "forks beyond a third",
};

static const struct {
    const char *text;
    enum sim_count first;
} groups[] = {{"seeds with", SIM_COUNT_NODES_1},        {"disks", SIM_COUNT_LOST},           {"on the way", SIM_COUNT_LINKS_CUT},
              {"lies", SIM_COUNT_SECOND_PROPOSALS}, {"the chain", SIM_COUNT_HEIGHTS_ABOVE_0}, {NULL, SIM_COUNTS}};

const char *sim_count_text(enum sim_count what) { return texts[what]; }

bool sim_count_print(FILE *out, const uint64_t counts[static SIM_COUNTS]) {
    bool all = true;
    for (int group = 0; groups[group].text != NULL; group++) {
        int width = fprintf(out, "  %s:", groups[group].text);
        for (int i = (int)groups[group].first; i < (int)groups[group + 1].first; i++) {
            if (width > LINE_MAX_CHARS)
                width = fprintf(out, "\n   ") - 1;
            width += fprintf(out, "%s %s %" PRIu64, i == (int)groups[group].first ? "" : ",", texts[i], counts[i]);
            all &= counts[i] > 0 || i == SIM_COUNT_NAMES_LOST || i == SIM_COUNT_FORKS; /* these two take thousands */
        }
        fprintf(out, "\n");
    }
    return all;
}
