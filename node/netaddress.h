/* Where a node is: `id@host:port` (cometbft p2p/netaddress.go). Parsing is pure: a host that is not a literal IP address is
 * kept as text, and whoever dials resolves it. */
#ifndef QUORATE_NODE_NETADDRESS_H
#define QUORATE_NODE_NETADDRESS_H

#include "crypto/span.h"

#define NETADDRESS_ID_BYTES  20
#define NETADDRESS_HOST_MAX  253
#define NETADDRESS_TEXT_SIZE (40 + 1 + NETADDRESS_HOST_MAX + 2 + 6 + 1) /* id@[host]:port and NUL */

struct netaddress {
    uint8_t id[NETADDRESS_ID_BYTES];
    char id_text[2 * NETADDRESS_ID_BYTES + 1]; /* as written: the case of the digits is kept */
    char host[NETADDRESS_HOST_MAX + 1];        /* a literal address in its canonical form (IPv4, or IPv6 per RFC 5952) */
    bool is_ip;
    uint8_t ip[16]; /* of a literal; IPv4 as ::ffff:a.b.c.d */
    uint16_t port;
};

enum netaddress_verdict {
    NETADDRESS_GOOD = 0,
    NETADDRESS_NO_ID,    /* not exactly one '@' */
    NETADDRESS_BAD_ID,   /* not 40 hex digits */
    NETADDRESS_BAD_HOST, /* absent, too long, or wrong brackets or colons */
    NETADDRESS_BAD_PORT, /* absent, not decimal, or above 65535 */
};
const char *netaddress_verdict_text(enum netaddress_verdict verdict);

/* A protocol ("tcp://", any) before it is dropped. `out` is untouched unless GOOD. */
enum netaddress_verdict netaddress_parse(struct netaddress *out, struct span text);
/* The same without "id@" (listen addresses); id and id_text become zero and empty. */
enum netaddress_verdict netaddress_parse_host_port(struct netaddress *out, struct span text);
/* "id@host:port", without "id@" when there is none; IPv6 hosts in brackets. */
void netaddress_format(char out[static NETADDRESS_TEXT_SIZE], const struct netaddress *address);
void netaddress_format_host_port(char out[static NETADDRESS_TEXT_SIZE], const struct netaddress *address);

/* Literal addresses alone (PEX messages carry them): false when `text` is none. */
bool netaddress_parse_ip(uint8_t ip[static 16], struct span text);
void netaddress_format_ip(char out[static 46], const uint8_t ip[static 16]);
/* For address books that are strict: not private, local, link-local, documentation, unspecified or broadcast. */
bool netaddress_is_routable(const uint8_t ip[static 16]);

#endif
