/* What a remote signer answered, and whether it is what was asked for. */
#include <assert.h>
#include <stdlib.h>

#include "node/notary.h"

static bool is_same_vote(const struct vote *asked, const struct vote *answered) {
    return answered->type == asked->type && answered->height == asked->height && answered->round == asked->round &&
           block_id_equal(&answered->block_id, &asked->block_id) && address_equal(&answered->validator_address, &asked->validator_address) &&
           answered->validator_index == asked->validator_index && span_equal(answered->extension, asked->extension);
}

/* Signers sign the extension of every precommit for a block, an empty one too: where the chain has none, that is passed over. */
static const char *take_vote(struct vote *asked, const struct vote *answered, const struct pubkey *key, struct span chain_id) {
    bool wants_extension = asked->extension.data != NULL;
    if (!is_same_vote(asked, answered))
        return "the signer signed another vote than it was asked for";
    if (!timestamp_valid(&answered->timestamp) || !vote_verify_vartime(answered, chain_id, key))
        return "the signer's signature is not that of the vote and key";
    if (wants_extension && !vote_extension_verify_vartime(answered, chain_id, key))
        return "the signer's signature of the vote extension is not good";
    asked->timestamp = answered->timestamp;
    asked->signature = answered->signature;
    asked->extension_signature = wants_extension ? answered->extension_signature : (struct signature){0};
    return NULL;
}

static const char *take_proposal(struct proposal *asked, const struct proposal *answered, const struct pubkey *key, struct span chain_id) {
    if (answered->type != asked->type || answered->height != asked->height || answered->round != asked->round ||
        answered->pol_round != asked->pol_round || !block_id_equal(&answered->block_id, &asked->block_id))
        return "the signer signed another proposal than it was asked for";
    if (!timestamp_valid(&answered->timestamp) || !proposal_verify_vartime(answered, chain_id, key))
        return "the signer's signature is not that of the proposal and key";
    asked->timestamp = answered->timestamp;
    asked->signature = answered->signature;
    return NULL;
}

const char *notary_take(struct world_signing *wish, const struct wire_privval *answer, const struct pubkey *key, struct span chain_id) {
    return wish->is_proposal ? take_proposal(&wish->proposal, &answer->proposal, key, chain_id)
                             : take_vote(&wish->vote, &answer->vote, key, chain_id);
}
