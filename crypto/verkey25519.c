#include "crypto/verkey25519.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Multiples pay from the second check on; a stranger who brings many keys twice each must not make us prepare them all. */
enum { PLACES = 512, USES_TO_PREPARE = 4 };

static _Thread_local struct verkey25519 *places;
static pthread_key_t places_owner; /* frees the table of a thread that ends */
static pthread_once_t places_once = PTHREAD_ONCE_INIT;

static void places_owner_make(void) {
    int failed = pthread_key_create(&places_owner, free);
    assert(failed == 0);
}

/* calloc, so that places never used cost no memory. */
static void places_make(void) {
    pthread_once(&places_once, places_owner_make);
    places = calloc(PLACES, sizeof *places);
    assert(places != NULL);
    int failed = pthread_setspecific(places_owner, places);
    assert(failed == 0);
}

static struct verkey25519 *place_of(const uint8_t *bytes) {
    if (places == NULL)
        places_make();
    return &places[(bytes[0] | bytes[1] << 8) % PLACES];
}

struct verkey25519 *verkey25519_of(const uint8_t bytes[static 32]) {
    struct verkey25519 *place = place_of(bytes);
    if (place->uses == 0 || memcmp(place->bytes, bytes, sizeof place->bytes) != 0) {
        struct edwards25519 point;
        if (!edwards25519_decode(&point, bytes))
            return NULL;
        edwards25519_negate(&place->minus_point, &point);
        memcpy(place->bytes, bytes, sizeof place->bytes);
        place->is_ready = false;
        place->uses = 0;
    }
    if (place->uses < UINT32_MAX)
        place->uses++;
    return place;
}

const struct multiscalar25519_ready *verkey25519_ready(struct verkey25519 *key) {
    if (key->uses < USES_TO_PREPARE)
        return NULL;
    if (!key->is_ready)
        multiscalar25519_prepare(&key->minus_ready, &key->minus_point);
    key->is_ready = true;
    return &key->minus_ready;
}
