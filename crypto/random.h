/* Bytes of the kernel's generator, for keys, nonces and coefficients of batch checks; never for anything that decides.
 * Aborts if the kernel refuses. */
#ifndef QUORATE_CRYPTO_RANDOM_H
#define QUORATE_CRYPTO_RANDOM_H

#include <stddef.h>

void random_fill(void *out, size_t size);

#endif
