/* WebSocket (RFC 6455; framing by libwslay): JSON-RPC in text messages, one call at a time, and events of subscriptions
 * (cometbft: rpc/jsonrpc/server/ws_handler.go). Private to rpc. */
#ifndef QUORATE_RPC_WEBSOCKET_H
#define QUORATE_RPC_WEBSOCKET_H

#include "crypto/span.h"
#include "genesis/emit.h"

struct connection;
struct rpc;
struct websocket;
struct subscriber;

struct websocket_patience {
    int64_t ping_ms;  /* between pings: 27 s */
    int64_t read_ms;  /* without a word from the client: 30 s */
    int64_t write_ms; /* without the client taking a byte of what waits: 10 s */
};

#define WEBSOCKET_WAITING_MAX 200 /* messages and pongs that wait for the client: no more is read from it until it takes some */

/* Answers the request at the front: 101, and the connection is a websocket from then on; or an error of HTTP. */
void websocket_upgrade(struct connection *c);
void websocket_close(struct websocket *websocket); /* the connection is closed; what it held is let go */
void websocket_free(struct websocket *websocket);
void websocket_readable(struct websocket *websocket);
void websocket_writable(struct websocket *websocket);
void websocket_look(struct websocket *websocket, int64_t now_ms); /* once a second: pings and deadlines */

/* A message to the client; copied. It leaves at the end of the loop's turn: nothing closes before. */
void websocket_send(struct websocket *websocket, struct span text);
void websocket_flush_due(struct rpc *rpc); /* at that end */
/* Behind what waits: `text`, then a close frame. The client has write_ms to take it. */
void websocket_end(struct websocket *websocket, struct span text, uint16_t code, const char *why);
uint32_t websocket_waiting(const struct websocket *websocket);  /* messages that the client has not taken */
size_t websocket_untaken(const struct websocket *websocket);    /* bytes of them */
struct subscriber *websocket_subscriber(struct websocket *websocket);
struct websocket_patience *websocket_patience(struct rpc *rpc); /* for tests: applies to all */

#endif
