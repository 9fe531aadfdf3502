#include <stdlib.h>

#include "genesis/genesis.h"
#include "tests/vectors/vectors.h"

static void run_case(struct vectors_report *report, size_t index, const json_t *item) {
    const json_t *text = json_object_get(item, "json"), *valid = json_object_get(item, "expected_valid");
    if (!json_is_string(text) || !json_is_boolean(valid)) {
        vectors_failed(report, index, "a case without json text or verdict");
        return;
    }
    struct genesis genesis;
    struct timestamp now = {1700000000, 0};
    char *error = NULL;
    bool good = genesis_parse(&genesis, vectors_text(item, "json"), PARAMS_V038, &now, &error);
    if (good == json_is_true(valid))
        vectors_passed(report);
    else
        vectors_failed(report, index, good ? "accepted, must be refused" : "refused: %s", error);
    if (good)
        genesis_close(&genesis);
    free(error);
}

static void run_genesis_parse(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    size_t index;
    json_t *item;
    json_array_foreach(json_object_get(file, "cases"), index, item)
        run_case(report, index, item);
}

const struct vectors_kind vectors_genesis[] = {
    {"genesis_parse", run_genesis_parse},
    {NULL, NULL},
};
