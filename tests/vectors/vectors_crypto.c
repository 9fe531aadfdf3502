#include "tests/vectors/vectors_crypto.h"

const struct vectors_kind vectors_crypto[] = {
    {"merkle_roots", vectors_merkle_roots},
    {"merkle_roots_proofs", vectors_merkle_roots_proofs},
    {"merkle_proof_validation", vectors_merkle_proof_validation},
    {"merkle_value_op", vectors_merkle_value_op},
    {"merkle_keypath", vectors_merkle_keypath},
    {"merlin_transcript", vectors_merlin_transcript},
    {"addresses", vectors_addresses},
    {"ed25519_sign_verify", vectors_ed25519_sign_verify},
    {"ed25519_zip215", vectors_ed25519_zip215},
    {"secp256k1_signatures", vectors_secp256k1_signatures},
    {NULL, NULL},
};
