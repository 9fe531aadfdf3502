/* What a client of other nodes' RPC carries: the authorities that it believes (tls_client.h), and the tokens that it shows, each to one node alone.
 *
 * A file of tokens has lines "ADDRESS TOKEN", like "https://rpc.example.com 0123…"; lines that begin with # and empty ones say nothing. A token is
 * sent to that scheme, host and port and to no other, so it crosses a network in the clear only if its line says http. It is in no message and no log. */
#ifndef QUORATE_NODE_PASSPORT_H
#define QUORATE_NODE_PASSPORT_H

#include "node/tls_client.h"
#include "node/url.h"

#define PASSPORT_TOKENS_MAX      64
#define PASSPORT_TOKEN_BYTES_MAX 1024

struct passport; /* shared by threads; nothing in it changes */

/* Either file may be NULL: the system's authorities; no tokens. NULL: *error (malloc'ed) names the file and its line, and no token. */
struct passport *passport_open(const char *ca_file, const char *token_file, char **error);
void passport_close(struct passport *passport); /* tokens are wiped */
const struct tls_trust *passport_trust(const struct passport *passport);
const char *passport_token(const struct passport *passport, const struct url *url); /* NULL: none for there */

#endif
