/* The address of a node's RPC as people write it: [http|https|tcp://]host[:port][/path]. Pure. */
#ifndef QUORATE_NODE_URL_H
#define QUORATE_NODE_URL_H

#include <stdbool.h>

struct url {
    bool secure; /* https */
    char host[256], port[8];
    char path[512];  /* with the query; begins with '/' */
    char shown[280]; /* host and port as they were written */
};

/* Without a scheme it is http; the port is 80, or 443 of https. false: it is none. A user or password in it is refused: tokens go into a file
 * (passport.h), and addresses into logs. */
bool url_parse(struct url *url, const char *text);
/* The same scheme, host and port. */
bool url_same_origin(const struct url *a, const struct url *b);

#endif
