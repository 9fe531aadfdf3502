#include "crypto/crc32c.h"

static const uint32_t POLYNOMIAL = 0x82f63b78; /* reflected */

static uint32_t table[8][256];
static bool has_instruction;

/* Before main, so that no thread ever sees a half-filled table. */
__attribute__((constructor)) static void crc32c_prepare(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
        table[0][i] = crc;
    }
    for (size_t k = 1; k < 8; k++)
        for (size_t i = 0; i < 256; i++)
            table[k][i] = table[k - 1][i] >> 8 ^ table[0][table[k - 1][i] & 0xff];
#ifdef __x86_64__
    __builtin_cpu_init();
    has_instruction = __builtin_cpu_supports("sse4.2") != 0;
#endif
}

/* Eight bytes a step: table[k] moves a byte over k further zero bytes. */
uint32_t crc32c_portable(uint32_t before, struct span bytes) {
    uint32_t crc = ~before;
    const uint8_t *at = bytes.data;
    size_t left = bytes.size;
    for (; left >= 8; at += 8, left -= 8) {
        crc ^= (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
        crc = table[7][crc & 0xff] ^ table[6][crc >> 8 & 0xff] ^ table[5][crc >> 16 & 0xff] ^ table[4][crc >> 24] ^
              table[3][at[4]] ^ table[2][at[5]] ^ table[1][at[6]] ^ table[0][at[7]];
    }
    for (; left > 0; at++, left--)
        crc = crc >> 8 ^ table[0][(crc ^ *at) & 0xff];
    return ~crc;
}

#ifdef __x86_64__
#include <nmmintrin.h>

__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t before, struct span bytes) {
    uint64_t crc = ~before;
    const uint8_t *at = bytes.data;
    size_t left = bytes.size;
    for (; left >= 8; at += 8, left -= 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        crc = _mm_crc32_u64(crc, word);
    }
    for (; left > 0; at++, left--)
        crc = _mm_crc32_u8((uint32_t)crc, *at);
    return ~(uint32_t)crc;
}
#else
static uint32_t by_instruction(uint32_t before, struct span bytes) { return crc32c_portable(before, bytes); }
#endif

uint32_t crc32c(uint32_t before, struct span bytes) {
    return has_instruction ? by_instruction(before, bytes) : crc32c_portable(before, bytes);
}
