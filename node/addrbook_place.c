#include "node/addrbook_place.h"

#include <assert.h>

#include "crypto/random.h"
#include "crypto/sha256.h"

enum kind { GROUP_IPV4 = 4, GROUP_IPV6 = 6, GROUP_TOR = 7, GROUP_LOCAL = 1, GROUP_UNROUTABLE = 2 };

static bool begins(const uint8_t *ip, const char *prefix, size_t size) { return memcmp(ip, prefix, size) == 0; }

static bool is_local(const uint8_t *ip) {
    static const uint8_t loopback[16] = {[15] = 1};
    return begins(ip, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) ? ip[12] == 127 || ip[12] == 0 : memcmp(ip, loopback, 16) == 0;
}

/* The IPv4 address that an IPv6 one carries: mapped, translated (RFC 6052, 6145), 6to4 (RFC 3964), teredo (RFC 4380). */
static bool carried_ipv4(uint8_t out[2], const uint8_t *ip) {
    if (begins(ip, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) || begins(ip, "\0\x64\xff\x9b\0\0\0\0\0\0\0\0", 12) ||
        begins(ip, "\0\0\0\0\0\0\0\0\xff\xff\0\0", 12)) {
        memcpy(out, ip + 12, 2);
        return true;
    }
    if (begins(ip, "\x20\x02", 2)) {
        memcpy(out, ip + 2, 2);
        return true;
    }
    if (!begins(ip, "\x20\x01\0\0", 4))
        return false;
    out[0] = ip[12] ^ 0xff;
    out[1] = ip[13] ^ 0xff;
    return true;
}

void addrbook_place_group(uint8_t out[static ADDRBOOK_GROUP_BYTES], const uint8_t ip[static 16], bool strict) {
    memset(out, 0, ADDRBOOK_GROUP_BYTES);
    if (strict && (is_local(ip) || !netaddress_is_routable(ip))) {
        out[0] = is_local(ip) ? GROUP_LOCAL : GROUP_UNROUTABLE;
        return;
    }
    if (carried_ipv4(out + 1, ip)) {
        out[0] = GROUP_IPV4;
    } else if (begins(ip, "\xfd\x87\xd8\x7e\xeb\x43", 6)) {
        out[0] = GROUP_TOR;
        out[1] = ip[6] & 0x0f;
    } else {
        out[0] = GROUP_IPV6;
        memcpy(out + 1, ip, 4);
        if (begins(ip, "\x20\x01\x04\x70", 4))
            out[5] = ip[4] & 0xf0;
    }
}

/* Of the key and the parts, whose sizes do not depend on the parts before. */
static uint64_t digest_of(const struct addrbook *book, struct span first, struct span second) {
    uint8_t digest[32];
    struct sha256 hash;
    sha256_init(&hash);
    sha256_add(&hash, span_text(book->key));
    sha256_add(&hash, first);
    sha256_add(&hash, second);
    sha256_final(&hash, digest);
    uint64_t number = 0;
    for (size_t i = 0; i < 8; i++)
        number = number << 8 | digest[i];
    return number;
}

static uint16_t bucket(const struct addrbook *book, const uint8_t *group, uint64_t lot, uint32_t buckets) {
    uint8_t byte = (uint8_t)lot;
    return (uint16_t)(digest_of(book, span_of(group, ADDRBOOK_GROUP_BYTES), span_of(&byte, 1)) % buckets);
}

uint16_t addrbook_place_new(const struct addrbook *book, const struct addrbook_address *address, const struct addrbook_address *teller) {
    uint8_t group[ADDRBOOK_GROUP_BYTES], tellers[ADDRBOOK_GROUP_BYTES];
    addrbook_place_group(group, address->ip, book->strict);
    addrbook_place_group(tellers, teller->ip, book->strict);
    uint64_t lot = digest_of(book, span_of(group, sizeof group), span_of(tellers, sizeof tellers)) % ADDRBOOK_NEW_PER_GROUP;
    return bucket(book, tellers, lot, ADDRBOOK_NEW_BUCKETS);
}

uint16_t addrbook_place_old(const struct addrbook *book, const struct addrbook_address *address) {
    uint8_t group[ADDRBOOK_GROUP_BYTES], place[NETADDRESS_ID_BYTES + 16 + 2];
    addrbook_place_group(group, address->ip, book->strict);
    memcpy(place, address->id, NETADDRESS_ID_BYTES);
    memcpy(place + NETADDRESS_ID_BYTES, address->ip, 16);
    place[NETADDRESS_ID_BYTES + 16] = (uint8_t)(address->port >> 8);
    place[NETADDRESS_ID_BYTES + 17] = (uint8_t)address->port;
    uint64_t lot = digest_of(book, span_of(place, sizeof place), span_of(NULL, 0)) % ADDRBOOK_OLD_PER_GROUP;
    return bucket(book, group, lot, ADDRBOOK_OLD_BUCKETS);
}

uint32_t addrbook_place_chance(uint32_t below) {
    uint32_t number;
    assert(below > 0);
    random_fill(&number, sizeof number);
    return number % below;
}
