/* CRC-32C (Castagnoli), for WAL records. crc32c("123456789") = e3069283. */
#ifndef QUORATE_CRYPTO_CRC32C_H
#define QUORATE_CRYPTO_CRC32C_H

#include "crypto/span.h"

uint32_t crc32c(uint32_t before, struct span bytes); /* before = 0 to begin; may be chained */
uint32_t crc32c_portable(uint32_t before, struct span bytes); /* the same without the processor's instruction */

#endif
