#include "rpc/bucket.h"

#include <assert.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "crypto/random.h"
#include "ledger/salted.h"

enum { PLACES = 4096, WAYS = 8, HELD_MIN = 10 };

struct bucket_place {
    uint8_t client[8];
    int64_t used_ms; /* 0: free */
    int64_t permits; /* in thousandths */
};

void bucket_client_of(struct bucket_client *client, const struct sockaddr *address) {
    *client = (struct bucket_client){0};
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *four = (const void *)address;
        memcpy(client->bytes, &four->sin_addr, 4);
        client->is_local = (ntohl(four->sin_addr.s_addr) >> 24) == 127;
    } else if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const void *)address;
        bool mapped = IN6_IS_ADDR_V4MAPPED(&six->sin6_addr);
        memcpy(client->bytes, six->sin6_addr.s6_addr + (mapped ? 12 : 0), mapped ? 4 : 8);
        client->is_local = IN6_IS_ADDR_LOOPBACK(&six->sin6_addr) || (mapped && six->sin6_addr.s6_addr[12] == 127);
    } else {
        client->is_local = true;
    }
}

void buckets_open(struct buckets *buckets, uint32_t rate) {
    *buckets = (struct buckets){.rate = rate};
    if (rate == 0)
        return;
    random_fill(&buckets->salt, sizeof buckets->salt);
    buckets->places = calloc(PLACES, sizeof *buckets->places);
    assert(buckets->places != NULL);
}

void buckets_close(struct buckets *buckets) { free(buckets->places); }

static int64_t held_max(const struct buckets *buckets) {
    int64_t two_seconds = 2000ll * buckets->rate;
    return two_seconds > 1000 * HELD_MIN ? two_seconds : 1000 * HELD_MIN;
}

static struct bucket_place *place_of(struct buckets *buckets, const struct bucket_client *client, int64_t now_ms) {
    uint64_t hash = salted_hash(buckets->salt, span_of(client->bytes, sizeof client->bytes));
    struct bucket_place *set = &buckets->places[hash % (PLACES / WAYS) * WAYS], *oldest = set;
    for (int i = 0; i < WAYS; i++) {
        if (set[i].used_ms != 0 && memcmp(set[i].client, client->bytes, sizeof set[i].client) == 0)
            return &set[i];
        if (set[i].used_ms < oldest->used_ms)
            oldest = &set[i];
    }
    *oldest = (struct bucket_place){.used_ms = now_ms, .permits = held_max(buckets)};
    memcpy(oldest->client, client->bytes, sizeof oldest->client);
    return oldest;
}

bool buckets_take(struct buckets *buckets, const struct bucket_client *client, int64_t now_ms) {
    if (buckets->rate == 0 || client->is_local)
        return true;
    now_ms = now_ms < 1 ? 1 : now_ms;
    struct bucket_place *place = place_of(buckets, client, now_ms);
    int64_t passed = now_ms - place->used_ms, permits = held_max(buckets);
    if (passed < 3600 * 1000)
        permits = place->permits + passed * buckets->rate;
    place->permits = permits > held_max(buckets) ? held_max(buckets) : permits;
    place->used_ms = now_ms;
    if (place->permits < 1000)
        return false;
    place->permits -= 1000;
    return true;
}
