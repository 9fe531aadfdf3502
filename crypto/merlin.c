#include "crypto/merlin.h"

#include <assert.h>

/* Keccak-f[1600] (FIPS 202) */

static inline uint64_t rotate(uint64_t word, unsigned by) { return by == 0 ? word : word << by | word >> (64 - by); }

static void keccak_round(uint64_t lanes[static 25], uint64_t constant) {
    static const uint8_t rotation[25] = {0, 1, 62, 28, 27, 36, 44, 6, 55, 20, 3, 10, 43, 25, 39, 41, 45, 15, 21, 8, 18, 2, 61, 56, 14};
    uint64_t column[5], moved[25];
    for (size_t x = 0; x < 5; x++)
        column[x] = lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20];
    for (size_t i = 0; i < 25; i++) {
        size_t x = i % 5, y = i / 5;
        uint64_t lane = lanes[i] ^ column[(x + 4) % 5] ^ rotate(column[(x + 1) % 5], 1);
        moved[y + 5 * ((2 * x + 3 * y) % 5)] = rotate(lane, rotation[i]);
    }
    for (size_t i = 0; i < 25; i++)
        lanes[i] = moved[i] ^ (~moved[i / 5 * 5 + (i + 1) % 5] & moved[i / 5 * 5 + (i + 2) % 5]);
    lanes[0] ^= constant;
}

static void keccak(uint8_t state[static 200]) {
    static const uint64_t constants[24] = {
        0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b, 0x0000000080000001,
        0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
        0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003, 0x8000000000008002, 0x8000000000000080,
        0x000000000000800a, 0x800000008000000a, 0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008};
    uint64_t lanes[25];
    for (size_t i = 0; i < 25; i++) {
        lanes[i] = 0;
        for (size_t b = 0; b < 8; b++)
            lanes[i] |= (uint64_t)state[8 * i + b] << (8 * b);
    }
    for (size_t r = 0; r < 24; r++)
        keccak_round(lanes, constants[r]);
    for (size_t i = 0; i < 200; i++)
        state[i] = (uint8_t)(lanes[i / 8] >> (8 * (i % 8)));
}

/* STROBE-128 (https://strobe.sourceforge.io/specs), as much of it as Merlin uses. */

enum { RATE = 166 };
enum { FLAG_I = 1, FLAG_A = 2, FLAG_C = 4, FLAG_M = 16 };

static void run_permutation(struct merlin *transcript) {
    transcript->state[transcript->position] ^= transcript->position_begin;
    transcript->state[transcript->position + 1] ^= 0x04;
    transcript->state[RATE + 1] ^= 0x80;
    keccak(transcript->state);
    transcript->position = 0;
    transcript->position_begin = 0;
}

static void absorb(struct merlin *transcript, struct span bytes) {
    for (size_t i = 0; i < bytes.size; i++) {
        transcript->state[transcript->position++] ^= bytes.data[i];
        if (transcript->position == RATE)
            run_permutation(transcript);
    }
}

static void squeeze(struct merlin *transcript, uint8_t *out, size_t size) {
    for (size_t i = 0; i < size; i++) {
        out[i] = transcript->state[transcript->position];
        transcript->state[transcript->position++] = 0;
        if (transcript->position == RATE)
            run_permutation(transcript);
    }
}

static void begin(struct merlin *transcript, uint8_t flags) {
    uint8_t header[2] = {transcript->position_begin, flags};
    transcript->position_begin = (uint8_t)(transcript->position + 1);
    transcript->flags = flags;
    absorb(transcript, span_of(header, sizeof header));
    if ((flags & FLAG_C) != 0 && transcript->position != 0)
        run_permutation(transcript);
}

/* Merlin: every operation is framed by its label and the length of what follows, as meta-data. */

static void frame(struct merlin *transcript, const char *label, size_t size) {
    assert(size <= UINT32_MAX);
    uint8_t length[4] = {(uint8_t)size, (uint8_t)(size >> 8), (uint8_t)(size >> 16), (uint8_t)(size >> 24)};
    begin(transcript, FLAG_M | FLAG_A);
    absorb(transcript, span_text(label));
    absorb(transcript, span_of(length, sizeof length));
}

void merlin_init(struct merlin *transcript, const char *protocol_label) {
    static const uint8_t start[6] = {1, RATE + 2, 1, 0, 1, 96};
    *transcript = (struct merlin){0};
    memcpy(transcript->state, start, sizeof start);
    memcpy(transcript->state + sizeof start, "STROBEv1.0.2", 12);
    keccak(transcript->state);
    begin(transcript, FLAG_M | FLAG_A);
    absorb(transcript, span_text("Merlin v1.0"));
    merlin_append(transcript, "dom-sep", span_text(protocol_label));
}

void merlin_append(struct merlin *transcript, const char *label, struct span message) {
    frame(transcript, label, message.size);
    begin(transcript, FLAG_A);
    absorb(transcript, message);
}

void merlin_challenge(struct merlin *transcript, const char *label, uint8_t *out, size_t size) {
    frame(transcript, label, size);
    begin(transcript, FLAG_I | FLAG_A | FLAG_C);
    squeeze(transcript, out, size);
}
