/* TLS 1.2 and later over a socket (OpenSSL), one read or write at a time. */
#define _GNU_SOURCE /* asprintf */
#include <assert.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

#include "rpc/stream.h"

struct stream_tls {
    SSL_CTX *context;
};

static bool complain(char **error, const char *key, const char *file, const char *advice) {
    char cause[160] = "";
    unsigned long code = ERR_peek_last_error();
    if (code != 0)
        ERR_error_string_n(code, cause, sizeof cause);
    ERR_clear_error();
    if (asprintf(error, "%s %s: %s%s%s", key, file, advice, cause[0] != '\0' ? ": " : "", cause) < 0)
        abort();
    return false;
}

static bool load(SSL_CTX *context, const char *cert_file, const char *key_file, const char *authority, char **error) {
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(context, cert_file) != 1)
        return complain(error, "rpc.tls_cert_file", cert_file, "no certificates in PEM can be read from it");
    bool good = SSL_CTX_use_PrivateKey_file(context, key_file, SSL_FILETYPE_PEM) == 1;
    if (good ? SSL_CTX_check_private_key(context) != 1 : ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH)
        return complain(error, "rpc.tls_key_file", key_file, "the key does not belong to the certificate of rpc.tls_cert_file");
    if (!good)
        return complain(error, "rpc.tls_key_file", key_file, "no private key in PEM can be read from it");
    if (authority == NULL)
        return true;
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(authority);
    if (names == NULL || SSL_CTX_load_verify_locations(context, authority, NULL) != 1) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return complain(error, "quorate.rpc_client_ca_file", authority, "no authority's certificate in PEM can be read from it");
    }
    SSL_CTX_set_client_CA_list(context, names); /* takes it */
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return true;
}

struct stream_tls *stream_tls_new(const char *cert_file, const char *key_file, const char *authority, char **error) {
    struct stream_tls *tls = calloc(1, sizeof *tls);
    assert(tls != NULL);
    tls->context = SSL_CTX_new(TLS_server_method());
    assert(tls->context != NULL);
    SSL_CTX_set_min_proto_version(tls->context, TLS1_2_VERSION);
    SSL_CTX_set_mode(tls->context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(tls->context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_id_context(tls->context, (const unsigned char *)"quorate", 7);
    if (!load(tls->context, cert_file, key_file, authority, error)) {
        stream_tls_free(tls);
        return NULL;
    }
    return tls;
}

void stream_tls_free(struct stream_tls *tls) {
    if (tls == NULL)
        return;
    SSL_CTX_free(tls->context);
    free(tls);
}

void stream_tls_begin(struct stream *stream, struct stream_tls *tls) {
    SSL *ssl = SSL_new(tls->context);
    int good = ssl != NULL && SSL_set_fd(ssl, stream->fd);
    assert(good == 1);
    (void)good;
    SSL_set_accept_state(ssl);
    stream->tls = ssl;
}

static ssize_t verdict(struct stream *stream, int result) {
    if (result > 0)
        return result;
    int why = SSL_get_error(stream->tls, result);
    stream->wants_write = why == SSL_ERROR_WANT_WRITE;
    ERR_clear_error();
    return why == SSL_ERROR_WANT_WRITE || why == SSL_ERROR_WANT_READ ? STREAM_AGAIN : STREAM_OVER;
}

ssize_t stream_tls_read(struct stream *stream, void *bytes, size_t size) {
    ERR_clear_error();
    stream->wants_write = false;
    return verdict(stream, SSL_read(stream->tls, bytes, size > INT_MAX ? INT_MAX : (int)size));
}

ssize_t stream_tls_write(struct stream *stream, const void *bytes, size_t size) {
    ERR_clear_error();
    return size == 0 ? 0 : verdict(stream, SSL_write(stream->tls, bytes, size > INT_MAX ? INT_MAX : (int)size));
}

void stream_tls_shut(struct stream *stream) {
    ERR_clear_error();
    if (SSL_is_init_finished(stream->tls))
        SSL_shutdown(stream->tls);
    ERR_clear_error();
}

void stream_tls_end(struct stream *stream) {
    SSL_free(stream->tls);
    ERR_clear_error();
    stream->tls = NULL;
}

bool stream_tls_pending(const struct stream *stream) { return SSL_pending(stream->tls) > 0; }
