#define _GNU_SOURCE /* MSG_* */
#include "rpc/stream.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

void stream_open(struct stream *stream, int fd) { *stream = (struct stream){.fd = fd}; }

void stream_close(struct stream *stream) {
    if (stream->tls != NULL)
        stream_tls_end(stream);
    close(stream->fd);
}

static ssize_t verdict(ssize_t moved) {
    if (moved > 0)
        return moved;
    return moved < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) ? STREAM_AGAIN : STREAM_OVER;
}

ssize_t stream_read(struct stream *stream, void *bytes, size_t size) {
    return stream->tls != NULL ? stream_tls_read(stream, bytes, size) : verdict(recv(stream->fd, bytes, size, 0));
}

/* TLS takes one piece at a time: a record each. */
static ssize_t write_pieces(struct stream *stream, const struct iovec *pieces, int count) {
    ssize_t all = 0;
    for (int i = 0; i < count; i++) {
        ssize_t sent = stream_tls_write(stream, pieces[i].iov_base, pieces[i].iov_len);
        if (sent < 0)
            return all > 0 && sent == STREAM_AGAIN ? all : sent;
        all += sent;
        if ((size_t)sent < pieces[i].iov_len)
            break;
    }
    return all;
}

ssize_t stream_write(struct stream *stream, const struct iovec *pieces, int count) {
    if (stream->tls != NULL)
        return write_pieces(stream, pieces, count);
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)pieces, .msg_iovlen = (size_t)count};
    ssize_t sent;
    do
        sent = sendmsg(stream->fd, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return verdict(sent);
}

void stream_shut(struct stream *stream) {
    if (stream->tls != NULL)
        stream_tls_shut(stream);
    shutdown(stream->fd, SHUT_WR);
}

bool stream_is_gone(struct stream *stream, bool *has_more) {
    uint8_t byte;
    ssize_t got = recv(stream->fd, &byte, 1, MSG_PEEK);
    *has_more = got > 0;
    return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

bool stream_has_read_ahead(const struct stream *stream) { return stream->tls != NULL && stream_tls_pending(stream); }
