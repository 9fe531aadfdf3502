/* The HTTP server: sockets, connections and their limits. Private to rpc. */
#ifndef QUORATE_RPC_HTTP_H
#define QUORATE_RPC_HTTP_H

#include <stdint.h>

struct rpc;
struct http;

struct http *http_start(struct rpc *rpc, char **error); /* NULL with *error malloc'ed */
void http_stop(struct http *http);
uint16_t http_port(const struct http *http);

#endif
