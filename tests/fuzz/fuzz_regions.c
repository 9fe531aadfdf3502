/* The file of latencies from region to region. */
#define FUZZ_BYTES_MAX 8192
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#include "node/sim_roads.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct sim_roads roads;
    char *error = NULL, *text = calloc(1, size + 1);
    for (size_t i = 0; i < size; i++)
        text[i] = data[i] == '\0' ? ' ' : (char)data[i];
    sim_roads_init(&roads, SIM_ROADS_UNIFORM, 1);
    bool good = sim_roads_read(&roads, text, &error);
    assert(good == (error == NULL));
    assert(!good || (roads.regions > 0 && roads.regions <= SIM_ROADS_REGIONS_MAX));
    struct sim_road road = sim_roads_road(&roads);
    for (uint32_t from = 0; good && from < 2 * roads.regions; from++)
        for (uint32_t to = 0; to < roads.regions; to++) {
            int64_t arrives = road.arrival_us(road.context, from % SIM_NODES_MAX, to, 100, 1000);
            assert(arrives >= 1000 && arrives <= 1000 + 10000000);
        }
    free(error);
    free(text);
    return 0;
}
