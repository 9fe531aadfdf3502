#include "node/parentwatch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/text.h"
#include "node/replica_inside.h"

/* What a validator signed at the height, for the first block that is at hand and the first on another parent. */
struct pair {
    struct vote votes[2];
    const struct candidate *blocks[2];
};

static const struct candidate *block_at_hand(const struct replica *replica, const struct block_id *id) {
    for (uint32_t i = 0; i < replica->candidates.count; i++) {
        const struct candidate *candidate = &replica->candidates.list[i];
        if (candidate->block != NULL && candidate->block->header.height == replica->engine.rounds.height && block_id_equal(&candidate->id, id))
            return candidate;
    }
    return NULL;
}

static void take_vote(const struct replica *replica, struct pair *pair, const struct tally *tally, uint32_t index) {
    struct vote vote;
    if (pair->blocks[1] != NULL || !tally_vote(tally, &vote, index) || block_id_is_nil(&vote.block_id))
        return;
    const struct candidate *block = block_at_hand(replica, &vote.block_id);
    if (block == NULL)
        return;
    uint32_t at = pair->blocks[0] == NULL ? 0 : 1;
    if (at == 1 && block_id_equal(&block->block->header.last_block_id, &pair->blocks[0]->block->header.last_block_id))
        return;
    pair->votes[at] = vote;
    pair->blocks[at] = block;
}

static bool votes_on_two_parents(const struct replica *replica, struct pair *pair, uint32_t index) {
    const struct rounds *rounds = &replica->engine.rounds;
    *pair = (struct pair){.blocks = {NULL, NULL}};
    for (uint32_t i = 0; i < rounds->count; i++) {
        take_vote(replica, pair, &rounds->pairs[i]->prevotes, index);
        take_vote(replica, pair, &rounds->pairs[i]->precommits, index);
    }
    return pair->blocks[1] != NULL;
}

/* ---- telling */

static void add_pair(struct docket *docket, const struct pair *pair) {
    struct docket_source *source = docket_source(docket, "this node's votes");
    for (int i = 0; i < 2; i++)
        docket_add_vote(docket, source, &pair->votes[i]);
}

/* The height before is what they stand on: it has a commit, and names the validators. */
static void write_bundle(struct replica *replica, const struct pair *pairs, uint32_t count) {
    struct parentwatch *watch = &replica->parentwatch;
    struct docket *docket = calloc(1, sizeof *docket);
    char *error = NULL;
    docket_init(docket, AUDIT_STRICT, replica_chain_id(replica));
    bool good = forkwatch_gather(replica, docket, watch->height - 1, NULL);
    for (uint32_t i = 0; i < count; i++)
        for (int j = 0; j < 2; j++)
            docket_add_header(docket, &pairs[i].blocks[j]->block->header);
    error = good ? docket_settle(docket, watch->height - 1) : NULL;
    for (uint32_t i = 0; i < count && error == NULL && good; i++)
        add_pair(docket, &pairs[i]);
    if (error == NULL && good)
        error = docket_judge(docket, false);
    if (error == NULL && good && docket->bundle.size > 0) {
        snprintf(watch->bundle, sizeof watch->bundle, "data/parents-%" PRId64 ".bundle", watch->height);
        replica->world->disk->table->replace(replica->world->disk, watch->bundle, docket->bundle);
    } else {
        replica_say(replica, WORLD_ERROR, "the bundle of who voted on two parents cannot be made: %s", error != NULL ? error : "nothing below it is kept that it could be built on");
    }
    free(error);
    docket_close(docket);
    free(docket);
}

static void name_them(struct replica *replica, const struct pair *pairs, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        char address[TEXT_HEX_SIZE(20)];
        text_hex_upper(address, address_span(&pairs[i].votes[0].validator_address));
        replica_say(replica, WORLD_ERROR, "validator %s voted at height %" PRId64 " for blocks on two parents (rounds %d and %d): no correct one does. Proof: %s",
                    address, replica->parentwatch.height, pairs[i].votes[0].round, pairs[i].votes[1].round,
                    replica->parentwatch.bundle[0] == '\0' ? "none could be written" : replica->parentwatch.bundle);
    }
}

static void report(struct replica *replica, const struct pair *pairs, uint32_t count, int64_t power) {
    struct parentwatch *watch = &replica->parentwatch;
    int64_t total = replica->engine.begin.validators->total_power;
    *watch = (struct parentwatch){watch->strange_height, watch->strange_height, count, power, total, ""};
    write_bundle(replica, pairs, count);
    name_them(replica, pairs, count);
    if (audit_passes_third(power, total))
        forkwatch_parents(replica, watch->height, &pairs[0].blocks[0]->id, &pairs[0].blocks[1]->id, watch->bundle);
}

void parentwatch_look(struct replica *replica) {
    struct parentwatch *watch = &replica->parentwatch;
    const struct valset *validators = replica->engine.begin.validators;
    if (watch->strange_height == 0 || replica->replaying)
        return;
    if (watch->strange_height != replica->engine.rounds.height) {
        watch->strange_height = 0;
        return;
    }
    struct pair *pairs = calloc(validators->count, sizeof *pairs);
    uint32_t count = 0;
    int64_t power = 0;
    for (uint32_t i = 0; i < validators->count; i++)
        if (votes_on_two_parents(replica, &pairs[count], i)) {
            count++;
            power += validators->validators[i].power;
        }
    if (count > (watch->height == watch->strange_height ? watch->keys : 0))
        report(replica, pairs, count, power);
    free(pairs);
}

void parentwatch_block(struct replica *replica, int64_t height) {
    if (height != replica->engine.rounds.height || replica->ledger->state.height == 0)
        return;
    replica->parentwatch.strange_height = height;
    parentwatch_look(replica);
}
