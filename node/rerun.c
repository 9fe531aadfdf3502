#include "node/rerun.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ledger/reexecution.h"

enum { TELL_EVERY = 1000 };

struct rerun {
    const char *genesis_path, *application;
    struct homestore *home; /* NULL: none */
    struct genesis genesis;
    struct reexecution *run;
    bool has_genesis;
    char why[512];
};

struct rerun *rerun_new(const char *genesis_path, const char *application, struct homestore *home) {
    struct rerun *rerun = calloc(1, sizeof *rerun);
    assert(rerun != NULL);
    rerun->genesis_path = genesis_path;
    rerun->application = application == NULL && home != NULL ? config_application(&home->config) : application;
    rerun->home = home;
    return rerun;
}

void rerun_free(struct rerun *rerun) {
    if (rerun == NULL)
        return;
    reexecution_free(rerun->run);
    if (rerun->has_genesis)
        genesis_close(&rerun->genesis);
    free(rerun);
}

static const char *refuse(struct rerun *rerun, const char *format, ...) __attribute__((format(printf, 2, 3)));
static const char *refuse(struct rerun *rerun, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(rerun->why, sizeof rerun->why, format, args);
    va_end(args);
    return rerun->why;
}

static const char *pass_on(struct rerun *rerun, char *error) {
    refuse(rerun, "%s", error);
    free(error);
    return rerun->why;
}

/* ---- what is needed, once */

static const char *open_genesis(struct rerun *rerun) {
    char *error = NULL;
    if (rerun->has_genesis)
        return NULL;
    if (rerun->genesis_path == NULL)
        return "only the whole genesis says what the first block begins from: give --genesis";
    rerun->has_genesis = genesis_load(&rerun->genesis, rerun->genesis_path, PARAMS_V038, &error);
    return rerun->has_genesis ? NULL : pass_on(rerun, error);
}

static const char *begin(struct rerun *rerun) {
    char *error = NULL;
    const char *wrong = open_genesis(rerun);
    if (wrong != NULL)
        return wrong;
    reexecution_free(rerun->run);
    rerun->run = reexecution_begin(rerun->application, &rerun->genesis.state, PARAMS_V038, &error);
    return rerun->run != NULL ? NULL : pass_on(rerun, error);
}

/* ---- running */

static struct blob *bytes_of(struct rerun *rerun, const struct span *blocks, uint32_t block_count, int64_t height) {
    int64_t at = height - rerun->genesis.state.initial_height;
    if (block_count > 0)
        return at < block_count ? blob_new(blocks[at]) : NULL;
    return rerun->home != NULL ? ledger_block_bytes(&rerun->home->ledger, height) : NULL;
}

static void tell(int64_t height, int64_t end) {
    if (isatty(STDERR_FILENO) && (height % TELL_EVERY == 0 || (height == end && end >= TELL_EVERY)))
        fprintf(stderr, "\rexecuting the chain again: block %" PRId64 " of %" PRId64 "%s", height, end, height == end ? "\n" : "");
}

static const char *step(struct rerun *rerun, const struct span *blocks, uint32_t block_count, int64_t height) {
    enum block_verdict verdict;
    struct blob *bytes = bytes_of(rerun, blocks, block_count, height);
    if (bytes == NULL && block_count == 0 && rerun->home == NULL)
        return refuse(rerun, "the blocks that must be executed are not at hand: give --chain HOME, of any node that has them from height %" PRId64 " on",
                      rerun->genesis.state.initial_height);
    if (bytes == NULL)
        return refuse(rerun, "block %" PRId64 " is missing: all from the first on must be executed%s", height,
                      rerun->home != NULL ? ", and this home does not have it" : "");
    struct block *block = block_decode(bytes, &verdict);
    blob_release(bytes);
    if (block == NULL)
        return refuse(rerun, "block %" PRId64 ": %s", height, block_verdict_text(verdict));
    const char *wrong = reexecution_step(rerun->run, block);
    block_release(block);
    return wrong == NULL ? NULL : refuse(rerun, "block %" PRId64 ": %s; so %s is not the application of this chain, or these are not its blocks", height, wrong, rerun->application);
}

static int64_t next_height(const struct rerun *rerun) { return state_next_height(reexecution_state(rerun->run)); }

const char *rerun_to(struct rerun *rerun, const struct span *blocks, uint32_t block_count, int64_t height) {
    const char *wrong = rerun->run == NULL || next_height(rerun) > height + 1 ? begin(rerun) : NULL;
    for (int64_t at = wrong == NULL ? next_height(rerun) : 0; wrong == NULL && at <= height; at++) {
        wrong = step(rerun, blocks, block_count, at);
        tell(at, height);
    }
    if (wrong != NULL) { /* an application that was asked in vain is not asked again */
        reexecution_free(rerun->run);
        rerun->run = NULL;
        return wrong;
    }
    if (!reexecution_is_confirmed(rerun->run))
        return "before two blocks nothing shows that the application is this chain's";
    return NULL;
}

const char *rerun_header(const struct rerun *rerun, bool *is_of_it, const struct header *header) {
    return reexecution_judge(rerun->run, is_of_it, header);
}

const char *rerun_judge(void *context, const char **wrong, const struct span *blocks, uint32_t block_count, const struct header *header) {
    struct rerun *rerun = context;
    bool is_of_it;
    const char *unable = rerun_to(rerun, blocks, block_count, header->height - 1);
    *wrong = NULL;
    if (unable != NULL)
        return unable;
    *wrong = rerun_header(rerun, &is_of_it, header);
    return is_of_it ? NULL : "the blocks are not those that the header names as its past";
}

struct blob *rerun_block(struct rerun *rerun, int64_t height) { return bytes_of(rerun, NULL, 0, height); }

int64_t rerun_first(const struct rerun *rerun) { return rerun->genesis.state.initial_height; }

const char *rerun_application(const struct rerun *rerun) { return rerun->application; }

const char *rerun_chain_id(const struct rerun *rerun) { return rerun->genesis.chain_id; }
