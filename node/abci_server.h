/* An application of ours for other nodes (ledger/abci_host.h) at a socket: CometBFT's abci/server/socket_server.go from the outside. Connections are
 * served in the order in which their requests come, one request at a time; answers leave at once, not only with a Flush. */
#ifndef QUORATE_NODE_ABCI_SERVER_H
#define QUORATE_NODE_ABCI_SERVER_H

#include "ledger/abci_host.h"
#include "node/world.h"

struct event_base;

#define ABCI_SERVER_CONNECTIONS_MAX 64
#define ABCI_SERVER_OUTPUT_MAX      (64 << 20) /* bytes that a client has not read yet, above which nothing more is read from it */

struct abci_server;

/* host: a loan. NULL with *error (malloc'ed). */
struct abci_server *abci_server_new(struct event_base *base, struct abci_host *host, const char *address, void (*log)(enum world_level level, const char *text),
                                    char **error);
void abci_server_free(struct abci_server *server); /* NULL allowed */
uint16_t abci_server_port(const struct abci_server *server); /* of a tcp address; 0: none */

#endif
