#include "node/tls_client.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/complaint.h"

struct tls_trust {
    SSL_CTX *context;
};

struct tls_client {
    SSL *ssl;
    bool is_up; /* bytes have moved */
    char host[256];
    char refused[320]; /* the certificate that was not believed */
    char fault[800];
};

/* ---- whom to believe */

/* Whose it is and for which names, in its own words: a stranger's. */
static void describe(char *out, size_t capacity, X509 *certificate) {
    BIO *text = BIO_new(BIO_s_mem());
    int at = X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1);
    assert(text != NULL);
    X509_NAME_print_ex(text, X509_get_subject_name(certificate), 0, XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB);
    BIO_puts(text, "; for ");
    if (at < 0 || X509V3_EXT_print(text, X509_get_ext(certificate, at), 0, 0) != 1)
        BIO_puts(text, "no names");
    int size = BIO_read(text, out, (int)capacity - 1);
    out[size < 0 ? 0 : size] = '\0';
    BIO_free(text);
    for (char *c = out; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || (unsigned char)*c > '~')
            *c = '?';
}

/* Only here is there a certificate that will be refused: afterwards it is gone. */
static int on_verified(int good, X509_STORE_CTX *store) {
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tls_client *client = SSL_get_app_data(ssl);
    X509 *certificate = X509_STORE_CTX_get0_cert(store);
    if (!good && certificate != NULL)
        describe(client->refused, sizeof client->refused, certificate);
    return good;
}

static bool load(SSL_CTX *context, const char *ca_file, char **error) {
    if (ca_file == NULL)
        return SSL_CTX_set_default_verify_paths(context) == 1; /* an empty store lets nobody in, and then says so */
    if (SSL_CTX_load_verify_locations(context, ca_file, NULL) == 1) {
        /* What is named there is trusted itself, also when it is no authority. */
        X509_STORE_set_flags(SSL_CTX_get_cert_store(context), X509_V_FLAG_PARTIAL_CHAIN);
        return true;
    }
    char cause[160];
    ERR_error_string_n(ERR_peek_last_error(), cause, sizeof cause);
    *error = complaint_of("--ca %s: no authority's certificate in PEM can be read from it: %s", ca_file, cause);
    return false;
}

struct tls_trust *tls_trust_new(const char *ca_file, char **error) {
    struct tls_trust *trust = calloc(1, sizeof *trust);
    assert(trust != NULL);
    trust->context = SSL_CTX_new(TLS_client_method());
    assert(trust->context != NULL);
    ERR_clear_error();
    SSL_CTX_set_min_proto_version(trust->context, TLS1_2_VERSION);
    SSL_CTX_set_mode(trust->context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_options(trust->context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_verify(trust->context, SSL_VERIFY_PEER, on_verified);
    if (!load(trust->context, ca_file, error)) {
        if (*error == NULL)
            *error = complaint_of("the system's certificates cannot be read: name an authority with --ca FILE");
        tls_trust_free(trust);
        trust = NULL;
    }
    ERR_clear_error();
    return trust;
}

void tls_trust_free(struct tls_trust *trust) {
    if (trust == NULL)
        return;
    SSL_CTX_free(trust->context);
    free(trust);
}

/* ---- one connection */

static bool is_address(const char *host) {
    uint8_t bytes[16];
    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

struct tls_client *tls_client_new(const struct tls_trust *trust, const char *host, int fd) {
    struct tls_client *client = calloc(1, sizeof *client);
    assert(client != NULL);
    snprintf(client->host, sizeof client->host, "%s", host);
    client->ssl = SSL_new(trust->context);
    bool literal = is_address(host);
    bool good = client->ssl != NULL && SSL_set_fd(client->ssl, fd) == 1;
    SSL_set_hostflags(client->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    good = good && (literal ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(client->ssl), host) == 1
                            : SSL_set1_host(client->ssl, host) == 1 && SSL_set_tlsext_host_name(client->ssl, host) == 1);
    assert(good);
    SSL_set_app_data(client->ssl, client);
    SSL_set_connect_state(client->ssl);
    return client;
}

void tls_client_free(struct tls_client *client) {
    if (client == NULL)
        return;
    ERR_clear_error();
    if (client->is_up && client->fault[0] == '\0')
        SSL_shutdown(client->ssl);
    SSL_free(client->ssl);
    ERR_clear_error();
    free(client);
}

/* ---- what went wrong */

static const char *advice(long verdict) {
    switch (verdict) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE: return "; if you know who issued it, name its authority with --ca FILE";
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID: return "; its operator must renew it, or the clock here is wrong";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: return "; dial it by a name that the certificate has";
    }
    return "";
}

static void fault_of_certificate(struct tls_client *client, long verdict) {
    snprintf(client->fault, sizeof client->fault, "its certificate (%s) is not trusted for %s: %s%s", client->refused, client->host,
             X509_verify_cert_error_string(verdict), advice(verdict));
}

static void fault_of_library(struct tls_client *client, int saved) {
    unsigned long code = ERR_peek_error();
    int reason = ERR_GET_REASON(code);
    if (!client->is_up && (code == 0 || reason == SSL_R_UNEXPECTED_EOF_WHILE_READING))
        snprintf(client->fault, sizeof client->fault, "it hung up within the handshake: it does not speak TLS on that port, or does not want us");
    else if (code == 0)
        snprintf(client->fault, sizeof client->fault, "the connection ended within TLS%s%s", saved != 0 ? ": " : "", saved != 0 ? strerror(saved) : "");
    else if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        snprintf(client->fault, sizeof client->fault, "the connection ended within TLS, without its proper end");
    else if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST || reason == SSL_R_PACKET_LENGTH_TOO_LONG)
        snprintf(client->fault, sizeof client->fault, "it does not speak TLS on that port");
    else
        snprintf(client->fault, sizeof client->fault, "TLS: %s", ERR_reason_error_string(code) == NULL ? "failed" : ERR_reason_error_string(code));
}

static ssize_t verdict_of(struct tls_client *client, int result) {
    int saved = errno, why = result > 0 ? SSL_ERROR_NONE : SSL_get_error(client->ssl, result);
    long verdict = SSL_get_verify_result(client->ssl);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE || why == SSL_ERROR_ZERO_RETURN || why == SSL_ERROR_NONE) {
        ERR_clear_error();
        client->is_up |= result > 0;
        return why == SSL_ERROR_WANT_READ ? TLS_CLIENT_WANTS_READ : why == SSL_ERROR_WANT_WRITE ? TLS_CLIENT_WANTS_WRITE : result > 0 ? result : 0;
    }
    if (verdict != X509_V_OK)
        fault_of_certificate(client, verdict);
    else
        fault_of_library(client, why == SSL_ERROR_SYSCALL ? saved : 0);
    ERR_clear_error();
    return TLS_CLIENT_FAILED;
}

ssize_t tls_client_read(struct tls_client *client, void *bytes, size_t size) {
    ERR_clear_error();
    errno = 0;
    return verdict_of(client, SSL_read(client->ssl, bytes, size > INT_MAX ? INT_MAX : (int)size));
}

ssize_t tls_client_write(struct tls_client *client, struct span bytes) {
    ERR_clear_error();
    errno = 0;
    return verdict_of(client, SSL_write(client->ssl, bytes.data, bytes.size > INT_MAX ? INT_MAX : (int)bytes.size));
}

const char *tls_client_fault(const struct tls_client *client) { return client->fault; }
