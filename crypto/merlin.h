/* Merlin transcripts (STROBE-128 with the "Merlin v1.0" initialisation; https://merlin.cool), used by SecretConnection. */
#ifndef QUORATE_CRYPTO_MERLIN_H
#define QUORATE_CRYPTO_MERLIN_H

#include "crypto/span.h"

struct merlin {
    uint8_t state[200];
    uint8_t position;
    uint8_t position_begin;
    uint8_t flags;
};

void merlin_init(struct merlin *transcript, const char *protocol_label);
void merlin_append(struct merlin *transcript, const char *label, struct span message);
void merlin_challenge(struct merlin *transcript, const char *label, uint8_t *out, size_t size);

#endif
