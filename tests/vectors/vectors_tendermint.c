#include "tests/vectors/vectors_tendermint.h"

const struct vectors_kind vectors_tendermint[] = {
    {"bit_arrays", run_bit_arrays},
    {"consensus_params_hash", run_consensus_params_hash},
    {"consensus_params_validation", run_consensus_params_validation},
    {"duplicate_vote_evidence", run_duplicate_vote_evidence},
    {"evidence_expiry", run_evidence_expiry},
    {"header_hash", run_header_hash},
    {"light_attack_evidence_hash", run_light_attack_evidence_hash},
    {"median_time", run_median_time},
    {"proposal_sign_bytes", run_proposal_sign_bytes},
    {"proposer_priority_arithmetic", run_proposer_priority_arithmetic},
    {"proposer_selection", run_proposer_selection},
    {"size_limits", run_size_limits},
    {"validator_set_hash", run_validator_set_hash},
    {"validator_set_histories", run_validator_set_histories},
    {"validator_set_updates", run_validator_set_updates},
    {"verify_commit", run_verify_commit},
    {"vote_extension_enable_height_update", run_vote_extension_enable_height_update},
    {"vote_extension_sign_bytes", run_vote_extension_sign_bytes},
    {"vote_sign_bytes", run_vote_sign_bytes},
    {NULL, NULL},
};
