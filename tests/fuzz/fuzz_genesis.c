/* genesis.json: what parses is written to a text that parses to the same, and starts a chain or is refused with a reason; its app_state goes to the
 * application. */
#define FUZZ_BYTES_MAX 8192
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#include "genesis/genesis.h"
#include "ledger/app_kvstore.h"
#include "ledger/app_ledger.h"
#include "ledger/ledger.h"

static const enum params_release releases[] = {PARAMS_V038, PARAMS_V039, PARAMS_V040};
static const struct timestamp now = {1700000000, 5};

static char *written(const struct genesis *genesis) {
    struct genesis_plan plan = genesis_plan_of(genesis);
    return genesis_text(&plan);
}

static void start_chain(const struct genesis *genesis, bool kvstore, enum params_release release) {
    struct kv *kv = kv_memory_new((struct kv_failure){NULL, fuzz_world_failed});
    struct app *app = kvstore ? app_kvstore_open(kv) : app_ledger_open(kv, genesis->state.chain_id);
    struct ledger ledger;
    char *error = NULL;
    if (ledger_open(&ledger, kv, app, &genesis->state, release, &error)) {
        assert(error == NULL && state_next_height(&ledger.state) == genesis->state.initial_height);
        ledger_close(&ledger);
    } else {
        assert(error != NULL);
    }
    free(error);
    app->table->close(app);
    kv_close(kv);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct genesis genesis, again;
    struct fuzz fuzz = fuzz_over(data, size);
    uint8_t choice = fuzz_byte(&fuzz);
    enum params_release release = releases[choice % 3];
    struct span text = fuzz_rest(&fuzz);
    char *error = NULL;
    if (genesis_parse(&genesis, text, release, &now, &error)) {
        assert(error == NULL);
        char *first = written(&genesis);
        bool good = genesis_parse(&again, span_text(first), release, &now, &error);
        assert(good);
        char *second = written(&again);
        fuzz_same(span_text(first), span_text(second));
        start_chain(&genesis, choice & 128, release);
        free(first);
        free(second);
        genesis_close(&again);
        genesis_close(&genesis);
    } else {
        assert(error != NULL && error[0] != '\0');
    }
    free(error);
    fuzz_end();
    return 0;
}
