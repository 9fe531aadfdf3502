/* Which headers of the height are not what the blocks before them give. */
#include <inttypes.h>
#include <stdio.h>

#include "node/docket.h"
#include "node/rerun.h"

static void tell(struct docket_source *source, const struct rerun *rerun, uint32_t wrong, uint32_t others) {
    int size = snprintf(source->note, sizeof source->note, "its blocks executed by application %s; ", rerun_application(rerun));
    if (wrong == 0)
        size += snprintf(source->note + size, sizeof source->note - (size_t)size, "no header contradicts them");
    else
        size += snprintf(source->note + size, sizeof source->note - (size_t)size, "%u header%s contradict%s them", wrong, wrong == 1 ? "" : "s", wrong == 1 ? "s" : "");
    if (others > 0)
        snprintf(source->note + size, sizeof source->note - (size_t)size, "; %u of another past: give a home of that branch to judge %s", others,
                 others == 1 ? "it" : "them");
}

/* Too large for the bundle: whoever verifies brings a home. */
static void keep_blocks(struct docket *docket, struct docket_source *source, struct rerun *rerun) {
    int64_t first = rerun_first(rerun), count = docket->height - first;
    size_t total = 0;
    if (docket->block_count > 0)
        return;
    docket->blocks = arena_take(&docket->arena, (size_t)count, sizeof docket->blocks[0]);
    bool fits = docket->blocks != NULL;
    for (int64_t i = 0; fits && i < count; i++) {
        struct blob *bytes = rerun_block(rerun, first + i);
        total += bytes == NULL ? 0 : bytes->size;
        fits = bytes != NULL && total <= AUDIT_BUNDLE_BLOCKS_BYTES_MAX && arena_copy(&docket->arena, &docket->blocks[i], blob_span(bytes));
        blob_release(bytes);
    }
    docket->block_count = fits ? (uint32_t)count : 0;
    if (!fits) {
        size_t size = strlen(source->note);
        snprintf(source->note + size, sizeof source->note - size, "; the blocks are too large for a bundle: `verify` needs --chain");
    }
}

void docket_rerun(struct docket *docket, struct docket_source *source, struct rerun *rerun) {
    const char *unable = rerun_to(rerun, NULL, 0, docket->height - 1);
    uint32_t wrong = 0, others = 0;
    if (unable != NULL) {
        snprintf(source->note, sizeof source->note, "its blocks cannot be executed, so no header is judged by them: %s", unable);
        source->unused = true; /* it was asked for */
        return;
    }
    docket->application = rerun_application(rerun);
    for (uint32_t i = 0; i < docket->header_count; i++) {
        struct audit_header *known = &docket->headers[i];
        bool is_of_it;
        if (known->header.height != docket->height || known->wrong != NULL)
            continue;
        known->wrong = rerun_header(rerun, &is_of_it, &known->header);
        wrong += known->wrong != NULL;
        others += !is_of_it;
    }
    tell(source, rerun, wrong, others);
    if (wrong > 0)
        keep_blocks(docket, source, rerun);
}
