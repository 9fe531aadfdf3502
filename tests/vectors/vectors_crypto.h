/* The handlers of the lowest room's kinds, by file. */
#ifndef QUORATE_TESTS_VECTORS_CRYPTO_H
#define QUORATE_TESTS_VECTORS_CRYPTO_H

#include "tests/vectors/vectors.h"

/* vectors_crypto_trees.c */
void vectors_merkle_roots(struct vectors_report *report, const json_t *file, const char *path);
void vectors_merkle_roots_proofs(struct vectors_report *report, const json_t *file, const char *path);
void vectors_merkle_proof_validation(struct vectors_report *report, const json_t *file, const char *path);
void vectors_merkle_value_op(struct vectors_report *report, const json_t *file, const char *path);
void vectors_merkle_keypath(struct vectors_report *report, const json_t *file, const char *path);
void vectors_merlin_transcript(struct vectors_report *report, const json_t *file, const char *path);

/* vectors_crypto_keys.c */
void vectors_addresses(struct vectors_report *report, const json_t *file, const char *path);
void vectors_ed25519_sign_verify(struct vectors_report *report, const json_t *file, const char *path);
void vectors_ed25519_zip215(struct vectors_report *report, const json_t *file, const char *path);
void vectors_secp256k1_signatures(struct vectors_report *report, const json_t *file, const char *path);

#endif
