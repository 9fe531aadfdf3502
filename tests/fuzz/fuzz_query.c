/* abci_query of both applications: any path, data and height; some paths come ready, with the answer as JSON of what rpc makes of it. */
#include "tests/fuzz/fuzz.h"

#include <jansson.h>

#include "ledger/execute_simulate.h"
#include "rpc/shapes.h"
#include "tests/fuzz/world.h"

static const char *const paths[] = {
    "/cosmos.auth.v1beta1.Query/Account", "/cosmos.auth.v1beta1.Query/Params", "/cosmos.bank.v1beta1.Query/Balance",
    "/cosmos.bank.v1beta1.Query/AllBalances", "/cosmos.bank.v1beta1.Query/SupplyOf", EXECUTE_SIMULATE_PATH, "/ledger/account/", "/store/acc/key",
    "/store/bank/key", "", "/key", "/val", "/store", "/app/version"};

static void show(const struct abci_answer *answer) {
    struct emit emit;
    json_error_t error;
    emit_init(&emit);
    shapes_answer(&emit, answer);
    json_t *json = json_loadb(emit.data, emit.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    assert(json != NULL);
    json_decref(json);
    emit_close(&emit);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct world_ledger world;
    if (world.app == NULL)
        world_ledger_open(&world);
    struct fuzz fuzz = fuzz_over(data, size);
    uint8_t choice = fuzz_byte(&fuzz), where = fuzz_byte(&fuzz);
    struct app *app = choice & 1 ? world_chain()->app : world.app;
    struct abci_query query = {.prove = choice & 2, .height = choice & 4 ? (int64_t)(int8_t)fuzz_byte(&fuzz) : 0};
    struct abci_answer answer = {0};
    if (where < sizeof paths / sizeof paths[0]) {
        struct span more = choice & 8 ? fuzz_piece(&fuzz) : span_of(NULL, 0);
        char *path = fuzz_room(strlen(paths[where]) + more.size + 1);
        strcpy(path, paths[where]);
        if (more.size > 0)
            memcpy(path + strlen(paths[where]), more.data, more.size);
        query.path = span_of(path, strlen(paths[where]) + more.size);
    } else {
        query.path = fuzz_piece(&fuzz);
    }
    query.data = fuzz_copy(fuzz_rest(&fuzz));
    app->table->query(app, &answer, &query, fuzz_arena());
    show(&answer);
    fuzz_end();
    return 0;
}
