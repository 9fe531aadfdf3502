/* What the handlers of the tendermint kinds share: their entry points and readers of the protocol's shapes in JSON. A
 * reader that finds something else than it expects sets *ok to false and leaves the output empty. */
#ifndef QUORATE_TESTS_VECTORS_TENDERMINT_H
#define QUORATE_TESTS_VECTORS_TENDERMINT_H

#include "tendermint/commit.h"
#include "tendermint/header.h"
#include "tests/vectors/vectors.h"

int64_t read_int64(const json_t *object, const char *key, bool *ok);
int32_t read_int32(const json_t *object, const char *key, bool *ok);
bool read_bool(const json_t *object, const char *key, bool *ok);
struct digest read_digest(const json_t *object, const char *key, bool *ok);       /* hex; "" and null are none */
struct address read_address(const json_t *object, const char *key, bool *ok);     /* hex; "" and null are none */
struct signature read_signature(const json_t *object, const char *key, bool *ok); /* hex; "" and null are none */
struct timestamp read_time(const json_t *object, const char *key, bool *ok);
struct block_id read_block_id(const json_t *object, const char *key, bool *ok); /* null is nil */
struct header read_header(const json_t *object, const char *key, bool *ok);
struct vote read_vote(const json_t *object, bool *ok);
/* [{type?, pub_key, power, address?}]; an address that is not the key's is not ok. */
void read_valset(struct valset *set, const json_t *object, const char *key, bool *ok);
bool read_only_keys(const json_t *object, const char *const *keys); /* NULL-ended; false: a key that nobody looks at */

typedef void vectors_run(struct vectors_report *report, const json_t *file, const char *path);
vectors_run run_vote_sign_bytes, run_proposal_sign_bytes, run_vote_extension_sign_bytes, run_header_hash, run_bit_arrays;
vectors_run run_validator_set_hash, run_validator_set_updates, run_validator_set_histories, run_proposer_selection,
    run_proposer_priority_arithmetic;
vectors_run run_consensus_params_hash, run_consensus_params_validation, run_vote_extension_enable_height_update, run_size_limits;
vectors_run run_median_time, run_verify_commit, run_duplicate_vote_evidence, run_light_attack_evidence_hash,
    run_evidence_expiry;

#endif
