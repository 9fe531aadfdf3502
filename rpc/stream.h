/* A connected socket, plain or under TLS, non-blocking. Private to rpc. */
#ifndef QUORATE_RPC_STREAM_H
#define QUORATE_RPC_STREAM_H

#include <stdbool.h>
#include <sys/uio.h>

#include "crypto/span.h"

struct stream {
    int fd;
    void *tls;        /* stream_tls.c; NULL: plain */
    bool wants_write; /* TLS: reading waits for the socket to take something, or the handshake does */
};

enum { STREAM_AGAIN = -1, STREAM_OVER = -2 }; /* nothing now; closed or broken */

void stream_open(struct stream *stream, int fd);
void stream_close(struct stream *stream); /* the socket too */
ssize_t stream_read(struct stream *stream, void *bytes, size_t size);
/* Of two pieces at most; how many bytes were taken. */
ssize_t stream_write(struct stream *stream, const struct iovec *pieces, int count);
void stream_shut(struct stream *stream);          /* nothing more will be written */
bool stream_is_gone(struct stream *stream, bool *has_more); /* a look without reading */
bool stream_has_read_ahead(const struct stream *stream); /* bytes wait that the socket does not show */

/* stream_tls.c */
struct stream_tls; /* what all connections share: certificate, key, who may connect */
/* `authority` NULL: clients need no certificate. NULL with *error (malloc'ed): what is wrong with which file. */
struct stream_tls *stream_tls_new(const char *cert_file, const char *key_file, const char *authority, char **error);
void stream_tls_free(struct stream_tls *tls);
void stream_tls_begin(struct stream *stream, struct stream_tls *tls); /* as the server */
ssize_t stream_tls_read(struct stream *stream, void *bytes, size_t size);
ssize_t stream_tls_write(struct stream *stream, const void *bytes, size_t size);
void stream_tls_shut(struct stream *stream);
void stream_tls_end(struct stream *stream);
bool stream_tls_pending(const struct stream *stream);

#endif
