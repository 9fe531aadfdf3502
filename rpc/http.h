/* The HTTP server: sockets, connections and their limits. Private to rpc. */
#ifndef QUORATE_RPC_HTTP_H
#define QUORATE_RPC_HTTP_H

#include <stdint.h>

struct http_patience {
    int64_t read_ms;  /* for a whole request from its first byte, or the first request at all */
    int64_t write_ms; /* for an answer to be taken; and a millisecond more per 64 bytes */
    int64_t idle_ms;  /* between requests */
    uint64_t output_bytes_max; /* what all connections together may leave untaken */
};

struct rpc;
struct http;

struct http *http_start(struct rpc *rpc, char **error); /* NULL with *error malloc'ed */
void http_stop(struct http *http);
void http_set_patience(struct http *http, const struct http_patience *patience); /* for connections and requests to come */
uint16_t http_port(const struct http *http);

#endif
