/* Evidence from JSON, as CometBFT's libs/json takes it: {"type":"tendermint/DuplicateVoteEvidence","value":{…}} or
 * "tendermint/LightClientAttackEvidence". Names are exact, what is missing is zero, what is unknown is passed over; what is null is missing. */
#ifndef QUORATE_RPC_EVIDENCE_JSON_H
#define QUORATE_RPC_EVIDENCE_JSON_H

#include "tendermint/evidence.h"

/* `value`: a checked JSON value. Memory from the arena; evidence_check is the caller's. false: *error says why (arena or static). */
bool evidence_json_read(struct evidence *out, struct span *error, struct span value, struct arena *arena);

#endif
