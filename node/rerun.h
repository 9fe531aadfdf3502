/* Headers judged by running their chain again (ledger/reexecution.h), block after block, from the genesis: with the blocks of a home, or of a bundle.
 * What it gives as texts lives as long as it does. */
#ifndef QUORATE_NODE_RERUN_H
#define QUORATE_NODE_RERUN_H

#include "node/homestore.h"

struct rerun;

/* All loans. Nothing is read or run before the first question. home: NULL, or where the blocks are if a question brings none. application: NULL:
 * the home's own. Whoever waits is told how far it is, if stderr is a terminal. */
struct rerun *rerun_new(const char *genesis_path, const char *application, struct homestore *home);
void rerun_free(struct rerun *rerun); /* NULL allowed */
/* Runs up to the block of `height`. NULL: done. Else why it cannot be done. */
const char *rerun_to(struct rerun *rerun, const struct span *blocks, uint32_t block_count, int64_t height);
/* audit_reexecution.judge: context is the rerun. */
const char *rerun_judge(void *context, const char **wrong, const struct span *blocks, uint32_t block_count, const struct header *header);
/* After rerun_to: what a header says that is not so, or NULL. *is_of_it false: it is not one of the next height on this chain. */
const char *rerun_header(const struct rerun *rerun, bool *is_of_it, const struct header *header);
/* After rerun_to with the home's blocks. NULL: none of that height. */
struct blob *rerun_block(struct rerun *rerun, int64_t height);
int64_t rerun_first(const struct rerun *rerun);            /* the initial height */
const char *rerun_application(const struct rerun *rerun);
const char *rerun_chain_id(const struct rerun *rerun);

#endif
