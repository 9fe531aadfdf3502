/* SHA-1: broken as a seal, and nothing here trusts it. The WebSocket handshake asks for it (RFC 6455 §4.2.2). */
#ifndef QUORATE_CRYPTO_SHA1_H
#define QUORATE_CRYPTO_SHA1_H

#include "crypto/span.h"

#define SHA1_BYTES 20

void sha1_once(uint8_t out[static SHA1_BYTES], struct span bytes);

#endif
