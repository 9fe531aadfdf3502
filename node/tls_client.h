/* TLS towards a node (1.2 and later; OpenSSL) over a connected non-blocking socket. Whoever answers must show a certificate for the name that was
 * dialled, from an authority that is trusted: there is no way around it. Any thread; one at a time for a client. */
#ifndef QUORATE_NODE_TLS_CLIENT_H
#define QUORATE_NODE_TLS_CLIENT_H

#include <sys/types.h>

#include "crypto/span.h"

struct tls_trust; /* the authorities; shared by any number of clients on any threads */

/* ca_file: PEM, and nobody else is trusted (a node's own self-signed certificate will do); NULL: the system's. NULL: *error (malloc'ed). */
struct tls_trust *tls_trust_new(const char *ca_file, char **error);
void tls_trust_free(struct tls_trust *trust);

struct tls_client;
enum { TLS_CLIENT_WANTS_READ = -1, TLS_CLIENT_WANTS_WRITE = -2, TLS_CLIENT_FAILED = -3 };

/* host: a name or an address, as it was dialled. The socket stays the caller's. */
struct tls_client *tls_client_new(const struct tls_trust *trust, const char *host, int fd);
void tls_client_free(struct tls_client *client);
/* Bytes moved; 0: the other side has ended it properly; or one of the above: poll the socket for that, or it is over. Shakes hands first. */
ssize_t tls_client_read(struct tls_client *client, void *bytes, size_t size);
ssize_t tls_client_write(struct tls_client *client, struct span bytes);
/* What went wrong, as a sentence without a dot; about a certificate also what to do. A loan. */
const char *tls_client_fault(const struct tls_client *client);

#endif
