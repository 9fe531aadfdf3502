/* The door to a light client for threads: one at a time. */
#ifndef QUORATE_NODE_LIGHT_GATE_H
#define QUORATE_NODE_LIGHT_GATE_H

#include <pthread.h>

#include "node/httpclient.h"
#include "node/light_client.h"

struct light_feed;

struct light_gate {
    pthread_mutex_t lock; /* guards *client */
    struct light_client *client;
    struct httpclient_limits limits; /* of calls to the sources */
    struct light_feed *feed;         /* the proxy's, while there is one */
};

#endif
