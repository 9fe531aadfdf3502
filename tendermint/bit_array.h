/* A bounded set of small numbers (validators, parts) as peers send it (cometbft: libs/bits/bit_array.go; protocol.md §1.1). */
#ifndef QUORATE_TENDERMINT_BIT_ARRAY_H
#define QUORATE_TENDERMINT_BIT_ARRAY_H

#include "crypto/proto.h"

#define BIT_ARRAY_BITS_MAX 10048 /* validators (10000) and parts (1601), rounded to whole words */

struct bit_array { /* words: malloc'ed by bit_array_init/resize; NULL when bits is 0 */
    uint32_t bits;
    uint32_t word_capacity;
    uint64_t *words;
};

void bit_array_init(struct bit_array *array);
void bit_array_close(struct bit_array *array);
void bit_array_resize(struct bit_array *array, uint32_t bits); /* all bits cleared; bits ≤ BIT_ARRAY_BITS_MAX */
void bit_array_copy(struct bit_array *to, const struct bit_array *from);
bool bit_array_get(const struct bit_array *array, uint32_t index); /* false beyond the end */
void bit_array_set(struct bit_array *array, uint32_t index, bool value); /* ignored beyond the end */
uint32_t bit_array_count(const struct bit_array *array);
bool bit_array_full(const struct bit_array *array); /* all set and bits > 0 */
/* The first index ≥ from, cyclically, that is in `has` and not in `lacks`; −1 if none. */
int32_t bit_array_pick(const struct bit_array *has, const struct bit_array *lacks, uint32_t from);
void bit_array_or(struct bit_array *to, const struct bit_array *from); /* over the bits of `to` */

/* BitArray {1 bits, 2 packed words}. Bad: bits < 0 or > BIT_ARRAY_BITS_MAX, a number of words that does not fit bits
 * (ASA-2025-003). Bits beyond the end are cleared. */
void bit_array_write(struct proto_writer *writer, const struct bit_array *array);
void bit_array_read(struct bit_array *array, struct proto_reader *reader);
/* "x_x" as CometBFT's JSON prints it, without quotes; out has bits + 1 bytes. */
void bit_array_text(char *out, const struct bit_array *array);

#endif
