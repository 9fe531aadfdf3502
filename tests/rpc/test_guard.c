/* The port's guards over real sockets: tokens, rates, connections of one address, TLS and client certificates. */
#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "rpc/call.h"
#include "tests/rpc/certificate.h"
#include "tests/rpc/socket.h"

static struct lab lab;

static int ask(const char *head, const char *body, const char *word) {
    char text[2048];
    struct lab_reply reply;
    snprintf(text, sizeof text, "POST / HTTP/1.1\r\nHost: a\r\n%sContent-Length: %zu\r\n\r\n%s", head, strlen(body), body);
    lab_http(&lab, &reply, text);
    ck_assert(reply.came);
    ck_assert_msg(strstr(reply.text, word) != NULL || strstr(reply.head, word) != NULL, "%s%s has no %s", reply.head, reply.text, word);
    int status = reply.status;
    lab_reply_close(&reply);
    return status;
}

#define HEALTH "{\"id\":1,\"method\":\"health\"}"
#define SUBMIT "{\"id\":1,\"method\":\"broadcast_tx_async\",\"params\":[\"YT1i\"]}"
#define FLUSH  "{\"id\":1,\"method\":\"unsafe_flush_mempool\"}"
#define READER "Authorization: Bearer the-token-of-the-reader\r\n"
#define SENDER "Authorization: Bearer the-token-of-the-sender\r\n"
#define ADMIN  "Authorization: Bearer the-token-of-the-admin\r\n"

START_TEST(tokens_open_what_they_are_for) {
    lab_open(&lab, &(struct rpc_config){.unsafe = true, .anonymous = "",
                                        .tokens = "the-token-of-the-reader=read,the-token-of-the-sender=read+submit,the-token-of-the-admin=admin"}, 2);
    ck_assert_int_eq(ask("", HEALTH, "health needs the right to read: send a token"), 403);
    ck_assert_int_eq(ask(READER, HEALTH, "\"result\":{}"), 200);
    ck_assert_int_eq(ask(READER, SUBMIT, "broadcast_tx_async needs the right to submit"), 403);
    ck_assert_int_eq(ask(SENDER, SUBMIT, "\"code\":0"), 200);
    ck_assert_int_eq(ask(SENDER, FLUSH, "unsafe_flush_mempool needs the right to admin"), 403);
    ck_assert_uint_eq(mempool_count(lab.mempool), 1);
    ck_assert_int_eq(ask(ADMIN, FLUSH, "\"result\":{}"), 200);
    ck_assert_uint_eq(mempool_count(lab.mempool), 0);
    ck_assert_int_eq(ask(ADMIN, HEALTH, "needs the right to read"), 403);
    ck_assert_int_eq(ask("Authorization: Bearer the-token-of-nobody\r\n", HEALTH, "WWW-Authenticate: Bearer"), 401);
    ck_assert_int_eq(ask("", "[" HEALTH "," HEALTH "]", "needs the right"), 403);
    struct lab_reply reply;
    lab_http(&lab, &reply, "GET /ui HTTP/1.1\r\nHost: a\r\n\r\n"); /* shows nothing by itself */
    ck_assert_int_eq(reply.status, 200);
    lab_reply_close(&reply);
    lab_close(&lab);
}
END_TEST

START_TEST(a_websocket_has_the_rights_of_its_upgrade) {
    struct wire wire;
    lab_open(&lab, &(struct rpc_config){.anonymous = "read"}, 2);
    wire_open(&wire, &lab);
    wire_ask(&wire, "1", "health", "[]");
    wire_expect(&wire, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}");
    wire_ask(&wire, "2", "broadcast_tx_sync", "[\"YT1i\"]");
    wire_expect(&wire, "{\"jsonrpc\":\"2.0\",\"id\":2,\"error\":{\"code\":-32000,\"message\":\"Server error\",\"data\":\"broadcast_tx_sync needs the right to submit");
    wire_close(&wire);
    lab_close(&lab);
}
END_TEST

/* An address of this host that is not loopback; false: it has none. */
static bool own_address(struct sockaddr_in *out) {
    struct ifaddrs *all;
    bool found = false;
    ck_assert_int_eq(getifaddrs(&all), 0);
    for (const struct ifaddrs *one = all; one != NULL && !found; one = one->ifa_next) {
        if (one->ifa_addr == NULL || one->ifa_addr->sa_family != AF_INET)
            continue;
        memcpy(out, one->ifa_addr, sizeof *out);
        found = ntohl(out->sin_addr.s_addr) >> 24 != 127;
    }
    freeifaddrs(all);
    return found;
}

static int connect_from(const struct sockaddr_in *address) {
    struct sockaddr_in to = *address;
    int sock = socket(AF_INET, SOCK_STREAM, 0);
    to.sin_port = htons(rpc_port(lab.rpc));
    ck_assert_int_eq(connect(sock, (struct sockaddr *)&to, sizeof to), 0);
    fcntl(sock, F_SETFL, O_NONBLOCK);
    lab_turn(&lab);
    return sock;
}

START_TEST(who_calls_too_often_is_told_to_wait) {
    struct sockaddr_in own;
    struct lab_reply reply;
    int good = 0, refused = 0;
    if (!own_address(&own)) {
        printf("  no address but loopback: not tested\n");
        return;
    }
    lab_open(&lab, &(struct rpc_config){.laddr = "tcp://0.0.0.0:0", .rate = 10}, 2);
    int sock = connect_from(&own);
    for (int i = 0; i < 40; i++) {
        lab_send(&lab, sock, span_text("GET /health HTTP/1.1\r\nHost: a\r\n\r\n"));
        lab_receive(&lab, &reply, sock, 10000);
        good += reply.status == 200;
        if (reply.status == 429) {
            refused++;
            ck_assert_ptr_nonnull(strstr(reply.head, "Retry-After: 1\r\n"));
            ck_assert_ptr_nonnull(strstr(reply.text, "too many calls: 10 a second are allowed"));
        }
        lab_reply_close(&reply);
    }
    ck_assert_int_ge(good, 20);
    ck_assert_int_eq(good + refused, 40);
    close(sock);
    lab_close(&lab);
}
END_TEST

START_TEST(one_address_gets_so_many_connections_and_others_still_come) {
    struct sockaddr_in own;
    int socks[5];
    char byte;
    if (!own_address(&own)) {
        printf("  no address but loopback: not tested\n");
        return;
    }
    lab_open(&lab, &(struct rpc_config){.laddr = "tcp://0.0.0.0:0", .max_connections_per_address = 4}, 2);
    for (int i = 0; i < 5; i++)
        socks[i] = connect_from(&own);
    for (int i = 0; i < 3000 && read(socks[4], &byte, 1) != 0; i++) {
        usleep(1000);
        lab_turn(&lab);
    }
    ck_assert_int_eq(read(socks[4], &byte, 1), 0);
    ck_assert_int_lt(read(socks[3], &byte, 1), 0);
    ck_assert_int_eq(ask("", HEALTH, "\"result\":{}"), 200); /* from loopback */
    for (int i = 0; i < 5; i++)
        close(socks[i]);
    lab_close(&lab);
}
END_TEST

/* ---- TLS */



static const char *in_folder(const char *name) { return certificate_path(name); }

static void make_folder(void) {
    certificate_folder_make();
    certificate_make(&(struct certificate){.name = "server"});
    certificate_make(&(struct certificate){.name = "authority"});
    certificate_make(&(struct certificate){.name = "member", .issuer = "authority"});
    certificate_make(&(struct certificate){.name = "stranger"});
}

/* One request over TLS; as whom: a certificate's name, or NULL. The answer's text, or NULL: the server would not. */
static char *fetch(const char *whom, const char *target, size_t piece) {
    static char text[8 * 1024 * 1024];
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    char request[256], name[32];
    SSL_CTX_load_verify_locations(context, in_folder("server.pem"), NULL);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    if (whom != NULL) {
        snprintf(name, sizeof name, "%s.pem", whom);
        SSL_CTX_use_certificate_file(context, in_folder(name), SSL_FILETYPE_PEM);
        snprintf(name, sizeof name, "%s.key", whom);
        SSL_CTX_use_PrivateKey_file(context, in_folder(name), SSL_FILETYPE_PEM);
    }
    SSL *ssl = SSL_new(context);
    int sock = lab_connect(&lab), size = snprintf(request, sizeof request, "GET /%s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", target);
    SSL_set_fd(ssl, sock);
    SSL_set_connect_state(ssl);
    SSL_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE);
    size_t got = 0;
    int sent = 0;
    bool over = false;
    for (int i = 0; i < 200000 && !over; i++) {
        lab_turn(&lab);
        int result = sent < size ? SSL_write(ssl, request + sent, sent + (int)piece < size ? (int)piece : size - sent)
                                 : SSL_read(ssl, text + got, (int)(sizeof text - 1 - got));
        if (result > 0 && sent < size)
            sent += result;
        else if (result > 0)
            got += (size_t)result;
        int why = result > 0 ? SSL_ERROR_NONE : SSL_get_error(ssl, result);
        over = why != SSL_ERROR_NONE && why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE;
        if (why == SSL_ERROR_WANT_READ)
            usleep(100);
    }
    SSL_free(ssl);
    SSL_CTX_free(context);
    close(sock);
    lab_turn(&lab);
    text[got] = '\0';
    return got == 0 ? NULL : text;
}

static void open_tls(const char *authority, bool apart) {
    lab_open(&lab, &(struct rpc_config){.tls_cert_file = in_folder("server.pem"), .tls_key_file = in_folder("server.key"),
                                        .client_ca_file = authority == NULL ? NULL : in_folder(authority), .apart = apart}, 200);
}

START_TEST(the_port_speaks_tls) {
    open_tls(NULL, _i == 1);
    const char *text = fetch(NULL, "health", 1000);
    ck_assert_ptr_nonnull(text);
    ck_assert_ptr_nonnull(strstr(text, "{\"jsonrpc\":\"2.0\",\"id\":-1,\"result\":{}}"));
    text = fetch(NULL, "health", 1); /* records of one byte */
    ck_assert_ptr_nonnull(text);
    ck_assert_ptr_nonnull(strstr(text, "\"result\":{}}"));
    text = fetch(NULL, "genesis", 1000);
    ck_assert_ptr_nonnull(text);
    ck_assert_ptr_nonnull(strstr(text, "\"app_state\""));
    struct lab_reply reply;
    lab_http(&lab, &reply, "GET /health HTTP/1.1\r\nHost: a\r\n\r\n"); /* plain text is not spoken there */
    ck_assert(!reply.came);
    lab_reply_close(&reply);
    text = fetch(NULL, "status", 1000);
    ck_assert_ptr_nonnull(strstr(text, "\"latest_block_height\":\"200\""));
    lab_close(&lab);
}
END_TEST

START_TEST(with_an_authority_only_its_members_come_in) {
    open_tls("authority.pem", false);
    const char *text = fetch("member", "health", 1000);
    ck_assert_ptr_nonnull(text);
    ck_assert_ptr_nonnull(strstr(text, "\"result\":{}}"));
    ck_assert_ptr_null(fetch("stranger", "health", 1000));
    ck_assert_ptr_null(fetch(NULL, "health", 1000));
    lab_close(&lab);
}
END_TEST

START_TEST(wrong_files_are_named) {
    struct rpc_config config;
    static const struct {
        const char *cert, *key, *authority, *word;
    } cases[] = {
        {"server.pem", "", "", "one without the other"},
        {"", "server.key", "", "one without the other"},
        {"", "", "authority.pem", "rpc_client_ca_file"},
        {"nowhere.pem", "server.key", "", "nowhere.pem"},
        {"server.pem", "nowhere.key", "", "nowhere.key"},
        {"server.key", "server.key", "", "server.key"},
        {"server.pem", "authority.key", "", "does not belong"},
        {"server.pem", "server.key", "server.key", "server.key"},
    };
    lab_open(&lab, NULL, 1);
    config = lab.config;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *error = NULL;
        config.tls_cert_file = cases[i].cert[0] == '\0' ? "" : in_folder(cases[i].cert);
        config.tls_key_file = cases[i].key[0] == '\0' ? "" : in_folder(cases[i].key);
        config.client_ca_file = cases[i].authority[0] == '\0' ? "" : in_folder(cases[i].authority);
        ck_assert_ptr_null(rpc_start(lab.base, &config, &lab.rpc->host, &error));
        ck_assert_msg(strstr(error, cases[i].word) != NULL, "%s", error);
        free(error);
    }
    config.tls_cert_file = config.tls_key_file = config.client_ca_file = NULL;
    config.tokens = "short=read";
    char *error = NULL;
    ck_assert_ptr_null(rpc_start(lab.base, &config, &lab.rpc->host, &error));
    ck_assert_ptr_nonnull(strstr(error, "quorate.rpc_tokens, entry 1"));
    free(error);
    lab_close(&lab);
}
END_TEST

Suite *suite_guard(void);
Suite *suite_guard(void) {
    Suite *suite = suite_create("guard");
    TCase *all = tcase_create("all"), *tls = tcase_create("tls");
    tcase_set_timeout(all, 60);
    tcase_set_timeout(tls, 120);
    tcase_add_test(all, tokens_open_what_they_are_for);
    tcase_add_test(all, a_websocket_has_the_rights_of_its_upgrade);
    tcase_add_test(all, who_calls_too_often_is_told_to_wait);
    tcase_add_test(all, one_address_gets_so_many_connections_and_others_still_come);
    tcase_add_checked_fixture(tls, make_folder, certificate_folder_drop);
    tcase_add_loop_test(tls, the_port_speaks_tls, 0, 2);
    tcase_add_test(tls, with_an_authority_only_its_members_come_in);
    tcase_add_test(tls, wrong_files_are_named);
    suite_add_tcase(suite, all);
    suite_add_tcase(suite, tls);
    return suite;
}
