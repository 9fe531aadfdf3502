/* What a light client reads from another node's RPC: the results of /commit and of pages of /validators, and light blocks as files keep them
 * ({"signed_header":{"header","commit"},"validator_set":{"validators","proposer"}}). Nothing here judges more than the shape; values are checked
 * JSON (scan_value). *error names the field and is static or from the arena. */
#ifndef QUORATE_RPC_LIGHT_JSON_H
#define QUORATE_RPC_LIGHT_JSON_H

#include "genesis/emit.h"
#include "genesis/scan.h"
#include "tendermint/light_block.h"

/* The result of /commit, or anything with a member "signed_header". The commit's entries are from the arena. */
bool light_json_commit(struct header *header, struct commit *commit, const char **error, struct span result, struct arena *arena);
/* One page of /validators: its members behind *count in `members` (room for VALSET_COUNT_MAX), and the total that the node claims. */
bool light_json_validators(struct validator *members, uint32_t *count, int64_t *total, int64_t *height, const char **error, struct span result,
                           struct arena *arena);
/* A whole set {"validators":[…],"proposer":…}, in any order; without a proposer, or with null, it is who has the highest priority.
 * *set, initialised, is of no use after a failure but to be closed. */
bool light_json_valset(struct valset *set, const char **error, struct span value, struct arena *arena);
struct light_block *light_json_block(const char **error, struct span value, struct arena *arena); /* NULL: *error says why */
void light_json_write(struct emit *emit, const struct light_block *block);

#endif
