/* The light client's local RPC server: HTTP/1.1 on one address, a thread per connection, so that a call that waits for the primary holds up nobody
 * else. Connections, heads, bodies and patience are bounded. No WebSocket, no TLS: it is for programs on this machine. */
#ifndef QUORATE_NODE_LIGHT_PROXY_H
#define QUORATE_NODE_LIGHT_PROXY_H

#include "node/light_routes.h"

#define LIGHT_PROXY_BODY_MAX (4u << 20)

struct light_proxy;

/* laddr: "tcp://127.0.0.1:8888" (port 0: any). NULL: *error (malloc'ed). The gate is a loan. */
struct light_proxy *light_proxy_start(struct light_gate *gate, const char *laddr, uint32_t connections_max, char **error);
uint16_t light_proxy_port(const struct light_proxy *proxy);
void light_proxy_stop(struct light_proxy *proxy); /* waits for calls under way, as long as they may take */

#endif
