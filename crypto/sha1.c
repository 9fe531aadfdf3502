#include "crypto/sha1.h"

#include <openssl/sha.h>

void sha1_once(uint8_t out[static SHA1_BYTES], struct span bytes) { SHA1(bytes.data == NULL ? (const uint8_t *)"" : bytes.data, bytes.size, out); }
