/* One HTTP/1.1 request at a time, waited for, for commands that ask a node. Bounded in bytes and time; takes lengths, chunks and ends of connection;
 * asks for no compression and refuses any (wound 3). */
#ifndef QUORATE_NODE_HTTPCLIENT_H
#define QUORATE_NODE_HTTPCLIENT_H

#include "crypto/blob.h"

struct passport;

struct httpclient_limits {
    size_t body_bytes_max;
    int64_t timeout_ms; /* for all of it */
    const struct passport *passport; /* a loan; NULL: the system's authorities, no token */
};
#define HTTPCLIENT_LIMITS ((struct httpclient_limits){64u << 20, 30000, NULL})

/* `url` as of url.h; under https whoever answers must prove to be that host (tls_client.h). Redirects are not followed. A body that is not empty is posted as JSON, else the request is a GET. The
 * answer's body, for the caller to release, whatever *status is. NULL with *error (malloc'ed: names the address, the cause, what to do). */
struct blob *httpclient_ask(int *status, const char *url, struct span body, const struct httpclient_limits *limits, char **error);

#endif
