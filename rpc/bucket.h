/* How often each client may call: a bucket of permits per address, filled at a steady rate ([quorate] rpc_rate). Bounded: the table has a fixed size,
 * and a place goes to whom it was not used by for longest among those that could have it. */
#ifndef QUORATE_RPC_BUCKET_H
#define QUORATE_RPC_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct sockaddr;

struct bucket_client { /* an IPv4 address, or the first 64 bits of an IPv6 one, which are one customer's */
    uint8_t bytes[8];
    bool is_local; /* loopback or a unix socket: no limits */
};
void bucket_client_of(struct bucket_client *client, const struct sockaddr *address);

struct bucket_place;
struct buckets {
    uint32_t rate; /* permits per second; 0: no limit at all */
    uint64_t salt;
    struct bucket_place *places;
};

void buckets_open(struct buckets *buckets, uint32_t rate);
void buckets_close(struct buckets *buckets);
/* Takes a permit. false: there is none. A bucket holds two seconds' worth, and 10 at least. */
bool buckets_take(struct buckets *buckets, const struct bucket_client *client, int64_t now_ms);

#endif
