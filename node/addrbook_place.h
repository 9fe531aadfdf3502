/* Which bucket an address belongs into: digests of the book's key, the address's group and its teller's (cometbft: p2p/pex/addrbook.go calcNewBucket,
 * calcOldBucket, groupKeyFor). A group is a /16 of IPv4, also one that is wrapped in IPv6, a /32 of IPv6 (/36 of one provider). */
#ifndef QUORATE_NODE_ADDRBOOK_PLACE_H
#define QUORATE_NODE_ADDRBOOK_PLACE_H

#include "node/addrbook.h"

#define ADDRBOOK_GROUP_BYTES 6

void addrbook_place_group(uint8_t out[static ADDRBOOK_GROUP_BYTES], const uint8_t ip[static 16], bool strict);
uint16_t addrbook_place_new(const struct addrbook *book, const struct addrbook_address *address, const struct addrbook_address *teller);
uint16_t addrbook_place_old(const struct addrbook *book, const struct addrbook_address *address);
uint32_t addrbook_place_chance(uint32_t below); /* a random number in [0, below) */

#endif
