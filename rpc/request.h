/* HTTP/1.x requests as bytes (RFC 9112), pure: no socket, no allocation. As strict as Go's server where leniency would let two
 * readers see two requests: no Content-Length beside Transfer-Encoding, no two lengths, no space before a colon, no folded lines. */
#ifndef QUORATE_RPC_REQUEST_H
#define QUORATE_RPC_REQUEST_H

#include "crypto/span.h"

struct request { /* loans from the head */
    struct span method;
    struct span path, query; /* of the target, still escaped */
    struct span host, origin, content_type;
    struct span wants_method, wants_headers; /* Access-Control-Request-{Method,Headers} */
    struct span authorization;
    struct span upgrade, socket_key, socket_version; /* Upgrade, Sec-WebSocket-{Key,Version} */
    bool wants_upgrade; /* in Connection */
    bool keep_alive;
    bool is_http_1_0;
    bool has_length;
    uint64_t length;
    bool chunked;
    bool expects_continue;
};

/* Where the head ends (past its empty line), or 0: not yet. *seen (from 0) spares looking twice at the same bytes. */
size_t request_head_size(struct span bytes, size_t *seen);
/* 0: good; else the HTTP status to refuse it with (400, 501, 505), and the connection is over. */
int request_parse(struct request *request, struct span head);

/* A chunked body, unpacked in place as it comes. */
struct request_chunks {
    size_t in;       /* how much of the raw bytes is read */
    size_t out;      /* how much body stands at the front */
    uint64_t left;   /* of the current chunk */
    uint8_t phase;
    uint32_t extra;  /* bytes of framing: a bounded share */
};
enum request_progress { REQUEST_MORE, REQUEST_WHOLE, REQUEST_BAD, REQUEST_TOO_LARGE };
/* bytes: all raw bytes of the body so far, the front already unpacked. WHOLE: the body is bytes[0, out), what follows begins at `in`. */
enum request_progress request_unchunk(struct request_chunks *chunks, uint8_t *bytes, size_t size, uint64_t body_max);

/* Equal but for the case of ASCII letters. */
bool request_text_is(struct span text, const char *lower);
/* Is `item` (any case) in the comma list? */
bool request_list_has(struct span list, struct span item);

#endif
