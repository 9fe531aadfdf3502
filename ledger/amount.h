/* Amounts of coins: unsigned 128-bit, checked. As text they are plain decimal without sign or leading zeros; in state 16 bytes big-endian. */
#ifndef QUORATE_LEDGER_AMOUNT_H
#define QUORATE_LEDGER_AMOUNT_H

#include "crypto/span.h"

typedef unsigned __int128 amount;

#define AMOUNT_BYTES     16
#define AMOUNT_TEXT_SIZE 40 /* 39 digits and NUL */

bool amount_parse(amount *out, struct span text); /* false, out untouched: not exactly a number in range */
size_t amount_text(char out[static AMOUNT_TEXT_SIZE], amount value); /* the length */
bool amount_add(amount *sum, amount a, amount b); /* false, sum untouched: overflow */
bool amount_sub(amount *rest, amount a, amount b); /* false, rest untouched: b > a */
void amount_encode(uint8_t out[static AMOUNT_BYTES], amount value);
bool amount_decode(amount *out, struct span bytes); /* false: another size */

#endif
