/* https towards a node, over real sockets: who is believed and who is not, ends in the middle, and who gets which token. */
#include "node/tls_client.h"

#include <arpa/inet.h>
#include <check.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "node/cli.h"
#include "node/light_http.h"
#include "node/passport.h"
#include "node/rpcclient.h"
#include "tests/rpc/certificate.h"
#include "tests/rpc/lab.h"

Suite *suite_tls_client(void);

static char *error;
static int status;
static struct passport *passport;

static void carry(const char *ca, const char *tokens) {
    passport_close(passport);
    passport = passport_open(ca, tokens, &error);
    ck_assert_msg(passport != NULL, "%s", error);
}

static struct blob *ask(const char *url, const char *body) {
    struct httpclient_limits limits = {1 << 20, 20000, passport};
    free(error);
    error = NULL;
    return httpclient_ask(&status, url, span_text(body), &limits, &error);
}

static void expect(const char *url, const char *word) {
    struct blob *answer = ask(url, "");
    ck_assert_msg(answer != NULL, "%s", error);
    char *text = calloc(1, answer->size + 1);
    memcpy(text, answer->data, answer->size);
    ck_assert_msg(strstr(text, word) != NULL, "%s has no %s", text, word);
    free(text);
    blob_release(answer);
}

static void expect_refusal(const char *url, const char *word) {
    struct blob *answer = ask(url, "");
    ck_assert_ptr_null(answer);
    ck_assert_msg(strstr(error, word) != NULL, "%s has no \"%s\"", error, word);
}

static void make_certificates(void) {
    signal(SIGPIPE, SIG_IGN);
    certificate_folder_make();
    certificate_make(&(struct certificate){.name = "authority"});
    certificate_make(&(struct certificate){.name = "rival"});
    certificate_make(&(struct certificate){.name = "good", .issuer = "authority", .names = "DNS:localhost,IP:127.0.0.1"});
    certificate_make(&(struct certificate){.name = "other", .issuer = "authority", .names = "DNS:rpc.example.com,IP:127.0.0.2"});
    certificate_make(&(struct certificate){.name = "nameless", .issuer = "authority"});
    certificate_make(&(struct certificate){.name = "expired", .issuer = "authority", .names = "DNS:localhost,IP:127.0.0.1", .from_s = -7200, .to_s = -3600});
    certificate_make(&(struct certificate){.name = "early", .issuer = "authority", .names = "DNS:localhost,IP:127.0.0.1", .from_s = 3600, .to_s = 7200});
    certificate_make(&(struct certificate){.name = "lonely", .names = "DNS:localhost,IP:127.0.0.1"});
    certificate_make(&(struct certificate){.name = "leaf", .issuer = "rival", .names = "DNS:localhost,IP:127.0.0.1"});
}

static void forget(void) {
    passport_close(passport);
    passport = NULL;
    free(error);
    error = NULL;
    certificate_folder_drop();
}

/* ---- a node of ours behind TLS */

static struct lab lab;
static pthread_t lab_thread;
static atomic_bool lab_stops;
static char secure[64], by_name[64], plain[64];

static void *turn(void *context) {
    (void)context;
    while (!atomic_load(&lab_stops)) {
        lab_turn(&lab);
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    return NULL;
}

static void start_node(const char *certificate, const char *tokens) {
    char cert[32], key[32];
    snprintf(cert, sizeof cert, "%s.pem", certificate);
    snprintf(key, sizeof key, "%s.key", certificate);
    struct rpc_config config = {.tls_cert_file = certificate_path(cert), .tls_key_file = certificate_path(key), .tokens = tokens,
                                .anonymous = tokens == NULL ? NULL : ""};
    lab_open(&lab, &config, 8);
    unsigned port = rpc_port(lab.rpc);
    snprintf(secure, sizeof secure, "https://127.0.0.1:%u", port);
    snprintf(by_name, sizeof by_name, "https://localhost:%u", port);
    snprintf(plain, sizeof plain, "http://127.0.0.1:%u", port);
    atomic_store(&lab_stops, false);
    pthread_create(&lab_thread, NULL, turn, NULL);
}

static void stop_node(void) {
    atomic_store(&lab_stops, true);
    pthread_join(lab_thread, NULL);
    lab_close(&lab);
}

START_TEST(whom_the_named_authority_vouches_for_is_asked) {
    struct rpcclient_answer answer;
    start_node("good", NULL);
    carry(certificate_path("authority.pem"), NULL);
    char url[80];
    snprintf(url, sizeof url, "%s/health", secure);
    expect(url, "\"result\":{}");
    snprintf(url, sizeof url, "%s/genesis", by_name);
    expect(url, "app_state");
    struct httpclient_limits limits = {1 << 20, 20000, passport};
    rpcclient_call(&answer, secure, "block", span_text("{\"height\":\"3\"}"), &limits);
    ck_assert_msg(answer.kind == RPCCLIENT_RESULT, "%s", answer.text);
    rpcclient_close(&answer);
    stop_node();
}
END_TEST

static const struct {
    const char *certificate, *ca, *word, *advice;
} strangers[] = {
    {"good", NULL, "unable to get local issuer certificate", "--ca FILE"},
    {"good", "rival.pem", "unable to get local issuer certificate", "--ca FILE"},
    {"lonely", NULL, "self-signed certificate", "--ca FILE"},
    {"lonely", "authority.pem", "self-signed certificate", "--ca FILE"},
    {"other", "authority.pem", "IP address mismatch", "a name that the certificate has"},
    {"nameless", "authority.pem", "IP address mismatch", "a name that the certificate has"},
    {"expired", "authority.pem", "certificate has expired", "renew"},
    {"early", "authority.pem", "certificate is not yet valid", "clock"},
};

START_TEST(a_certificate_that_proves_nothing_is_refused_and_the_reason_named) {
    start_node(strangers[_i].certificate, NULL);
    carry(strangers[_i].ca == NULL ? NULL : certificate_path(strangers[_i].ca), NULL);
    expect_refusal(secure, strangers[_i].word);
    ck_assert_msg(strstr(error, strangers[_i].advice) != NULL, "%s", error);
    ck_assert_ptr_nonnull(strstr(error, strangers[_i].certificate)); /* whose it is */
    ck_assert_ptr_nonnull(strstr(error, secure));
    stop_node();
}
END_TEST

START_TEST(a_name_that_the_certificate_lacks_is_refused) {
    start_node("other", NULL);
    carry(certificate_path("authority.pem"), NULL);
    expect_refusal(by_name, "hostname mismatch");
    stop_node();
}
END_TEST

START_TEST(without_a_passport_the_system_is_believed_and_not_everybody) {
    start_node("good", NULL);
    passport_close(passport);
    passport = NULL;
    expect_refusal(secure, "not trusted");
    stop_node();
}
END_TEST

START_TEST(a_node_s_own_certificate_can_be_named_as_the_authority) {
    start_node("lonely", NULL);
    carry(certificate_path("lonely.pem"), NULL);
    expect(secure, "/health");
    stop_node();
    start_node("leaf", NULL); /* not even an authority */
    carry(certificate_path("leaf.pem"), NULL);
    expect(secure, "/health");
    stop_node();
}
END_TEST

START_TEST(plain_text_and_tls_do_not_understand_each_other_and_say_so) {
    start_node("good", NULL);
    carry(certificate_path("authority.pem"), NULL);
    expect_refusal(plain, plain + strlen("http://")); /* it hangs up */
    stop_node();
    lab_open(&lab, NULL, 1);
    atomic_store(&lab_stops, false);
    pthread_create(&lab_thread, NULL, turn, NULL);
    snprintf(secure, sizeof secure, "https://127.0.0.1:%u", (unsigned)rpc_port(lab.rpc));
    expect_refusal(secure, "does not speak TLS");
    stop_node();
}
END_TEST

START_TEST(a_light_client_s_source_may_be_https) {
    struct light_http http;
    struct light_block *block = NULL;
    char *why = NULL;
    start_node("good", NULL);
    carry(certificate_path("authority.pem"), NULL);
    light_http_init(&http, secure, span_text(CHAIN_ID), 20000);
    http.limits.passport = passport;
    struct light_source source = light_http_source(&http);
    ck_assert_msg(source.fetch(source.context, 5, &block, &why) == LIGHT_ANSWER_BLOCK, "%s", why);
    ck_assert_int_eq(block->header.height, 5);
    light_block_release(block);
    http.limits.passport = NULL;
    ck_assert_int_eq(source.fetch(source.context, 5, &block, &why), LIGHT_ANSWER_NO_RESPONSE); /* a witness is not lost for it */
    ck_assert_ptr_nonnull(strstr(why, "not trusted"));
    free(why);
    stop_node();
}
END_TEST

/* ---- tokens */

static const char *write_tokens(const char *text) {
    const char *path = certificate_path("tokens");
    FILE *file = fopen(path, "w");
    fputs(text, file);
    fclose(file);
    return path;
}

START_TEST(a_node_that_wants_a_token_gets_the_one_of_its_line) {
    char lines[256], url[80];
    start_node("good", "correct-horse-battery=read");
    snprintf(url, sizeof url, "%s/health", secure);
    carry(certificate_path("authority.pem"), NULL);
    expect(url, "needs the right to read");
    snprintf(lines, sizeof lines, "# a comment\n\n  https://rpc.example.com another-one-of-sixteen\n%s\tcorrect-horse-battery\r\n", secure);
    carry(certificate_path("authority.pem"), write_tokens(lines));
    expect(url, "\"result\":{}");
    snprintf(lines, sizeof lines, "%s not-the-right-horse\n", secure);
    carry(certificate_path("authority.pem"), write_tokens(lines));
    expect_refusal(url, "HTTP 401");
    ck_assert_ptr_null(strstr(error, "not-the-right-horse"));
    struct rpcclient_answer answer;
    struct httpclient_limits limits = {1 << 20, 20000, passport};
    rpcclient_call(&answer, secure, "health", span_text("{}"), &limits);
    ck_assert_int_eq(answer.kind, RPCCLIENT_SILENT); /* and no nonsense, for which a witness would be dropped */
    rpcclient_close(&answer);
    stop_node();
}
END_TEST

START_TEST(a_token_goes_to_no_other_scheme_host_or_port) {
    struct url url;
    carry(NULL, write_tokens("https://a.example one\nhttps://a.example:8443 two\nhttp://A.example three\nhttps://[::1]:7 four\n"));
    static const struct {
        const char *url, *token;
    } cases[] = {
        {"https://a.example", "one"},       {"https://A.EXAMPLE:443/path?x", "one"}, {"https://a.example:8443", "two"}, {"http://a.example:80/", "three"},
        {"a.example", "three"},             {"https://[::1]:7/", "four"},            {"https://b.example", NULL},       {"https://a.example.evil", NULL},
        {"http://a.example:443", NULL},     {"https://a.example:80", NULL},          {"https://[::1]", NULL},           {"http://[::1]:7", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert(url_parse(&url, cases[i].url));
        const char *token = passport_token(passport, &url);
        ck_assert_msg(cases[i].token == NULL ? token == NULL : token != NULL && strcmp(token, cases[i].token) == 0, "%s", cases[i].url);
    }
}
END_TEST

START_TEST(a_file_of_tokens_that_is_wrong_is_named_with_its_line_and_without_its_tokens) {
    static char many[PASSPORT_TOKENS_MAX * 40 + 80], large[3000];
    struct {
        const char *text, *word;
    } cases[] = {
        {"https://a.example\n", "line 1: an address and a token"},
        {"\nhttps://a.example secret more\n", "line 2: an address and a token"},
        {"secret https://a.example\n", "line 1: the first word"},
        {"https://a.example sec\x01ret\n", "line 1: the token has"},
        {"https://a.example secret\nhttps://a.example:443/x secret2\n", "line 2: that address has a token already"},
        {many, "too many tokens"},
        {large, "line 1: the line is too long"},
    };
    for (int i = 0; i <= PASSPORT_TOKENS_MAX; i++)
        sprintf(many + strlen(many), "https://h%d.example secret\n", i);
    memset(large, 's', sizeof large - 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *why = NULL;
        ck_assert_ptr_null(passport_open(NULL, write_tokens(cases[i].text), &why));
        ck_assert_msg(strstr(why, cases[i].word) != NULL && strstr(why, "secret") == NULL, "%s", why);
        free(why);
    }
    char *why = NULL;
    ck_assert_ptr_null(passport_open(NULL, "/nowhere/tokens", &why));
    ck_assert_ptr_nonnull(strstr(why, "--token-file /nowhere/tokens: No such file"));
    free(why);
    ck_assert_ptr_null(passport_open(certificate_path("good.key"), NULL, &why));
    ck_assert_ptr_nonnull(strstr(why, "no authority's certificate"));
    free(why);
}
END_TEST

/* ---- a server that breaks off, stalls, or says too much */

static struct {
    int listener;
    unsigned port;
    pthread_t thread;
    const char *text;
    bool ends_properly, bytewise, stalls;
    size_t flood;
    char request[2048];
} liar;

static void say(SSL *ssl, const char *text, size_t size) {
    for (size_t at = 0; at < size;) {
        int sent = SSL_write(ssl, text + at, liar.bytewise ? 1 : (int)(size - at));
        if (sent <= 0)
            return;
        at += (size_t)sent;
    }
}

static void talk(SSL *ssl, int fd) {
    static char filler[16384];
    char rest[64];
    ssize_t got = 0;
    if (SSL_accept(ssl) != 1)
        return;
    while (strstr(liar.request, "\r\n\r\n") == NULL) {
        int more = SSL_read(ssl, liar.request + got, (int)(sizeof liar.request - 1 - (size_t)got));
        if (more <= 0)
            return;
        got += more;
    }
    say(ssl, liar.text, strlen(liar.text));
    memset(filler, 'x', sizeof filler);
    for (size_t i = 0; i < liar.flood; i += sizeof filler)
        say(ssl, filler, sizeof filler);
    if (liar.ends_properly)
        SSL_shutdown(ssl);
    shutdown(fd, SHUT_WR);
    while (recv(fd, rest, sizeof rest, 0) > 0)
        continue;
}

static void *lie(void *context) {
    int fd = accept(liar.listener, NULL, NULL);
    SSL_CTX *all = SSL_CTX_new(TLS_server_method());
    char byte;
    (void)context;
    SSL_CTX_use_certificate_file(all, certificate_path("good.pem"), SSL_FILETYPE_PEM);
    SSL_CTX_use_PrivateKey_file(all, certificate_path("good.key"), SSL_FILETYPE_PEM);
    SSL *ssl = SSL_new(all);
    SSL_set_fd(ssl, fd);
    if (liar.stalls)
        while (recv(fd, &byte, 1, 0) > 0)
            continue;
    else
        talk(ssl, fd);
    SSL_free(ssl);
    SSL_CTX_free(all);
    ERR_clear_error();
    close(fd);
    return NULL;
}

static void start_liar(const char *text) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    memset(&liar, 0, sizeof liar);
    liar.text = text;
    liar.listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(liar.listener, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(liar.listener, 8), 0);
    getsockname(liar.listener, (struct sockaddr *)&address, &size);
    liar.port = ntohs(address.sin_port);
    snprintf(secure, sizeof secure, "https://127.0.0.1:%u", liar.port);
    carry(certificate_path("authority.pem"), NULL);
}

static void let_lie(void) { ck_assert_int_eq(pthread_create(&liar.thread, NULL, lie, NULL), 0); }

static void end_liar(void) {
    pthread_join(liar.thread, NULL);
    close(liar.listener);
}

START_TEST(an_answer_that_is_cut_off_without_the_proper_end_is_no_answer) {
    start_liar("HTTP/1.0 200 OK\r\n\r\nuntil the end");
    let_lie();
    expect_refusal(secure, "without its proper end");
    end_liar();
    start_liar("HTTP/1.0 200 OK\r\n\r\nuntil the end");
    liar.ends_properly = liar.bytewise = true;
    let_lie();
    expect(secure, "until the end");
    end_liar();
    start_liar("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhalf of");
    liar.ends_properly = true;
    let_lie();
    expect_refusal(secure, "ended within the answer");
    end_liar();
}
END_TEST

START_TEST(limits_of_size_and_time_hold_under_tls) {
    start_liar("HTTP/1.1 200 OK\r\n\r\n");
    liar.flood = 8 << 20;
    let_lie();
    expect_refusal(secure, "too large");
    end_liar();
    start_liar("");
    liar.stalls = true;
    let_lie();
    struct httpclient_limits limits = {1000, 300, passport};
    free(error);
    ck_assert_ptr_null(httpclient_ask(&status, secure, span_text(""), &limits, &error));
    ck_assert_msg(strstr(error, "no answer in time") != NULL, "%s", error);
    end_liar();
}
END_TEST

START_TEST(what_a_door_says_instead_of_the_node_is_told_as_such) {
    static const struct {
        const char *text, *word;
    } cases[] = {
        {"HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", "elsewhere"},
        {"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 5\r\n\r\n<html", "before the node"},
        {"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", "--token-file"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        start_liar(cases[i].text);
        let_lie();
        expect_refusal(secure, cases[i].word);
        end_liar();
    }
}
END_TEST

START_TEST(the_token_is_in_the_request_of_its_own_node_alone) {
    char lines[128];
    start_liar("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    snprintf(lines, sizeof lines, "https://127.0.0.1:%u sesame-open-for-us\n", liar.port);
    carry(certificate_path("authority.pem"), write_tokens(lines));
    let_lie();
    expect(secure, "{}");
    ck_assert_ptr_nonnull(strstr(liar.request, "\r\nAuthorization: Bearer sesame-open-for-us\r\n"));
    end_liar();
    start_liar("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    carry(certificate_path("authority.pem"), write_tokens(lines)); /* another port now */
    let_lie();
    expect(secure, "{}");
    ck_assert_ptr_null(strstr(liar.request, "Authorization"));
    end_liar();
}
END_TEST

/* ---- the commands */

START_TEST(commands_ask_over_https_with_the_options) {
    char lines[128];
    start_node("good", "correct-horse-battery=read");
    snprintf(lines, sizeof lines, "%s correct-horse-battery\n", secure);
    const char *with[] = {"quorate", "status", "--node", secure, "--ca", certificate_path("authority.pem"), "--token-file", write_tokens(lines), NULL};
    const char *without[] = {"quorate", "status", "--node", secure, NULL};
    ck_assert_int_eq(cli_run(8, (char **)(uintptr_t)with), CLI_GOOD);
    ck_assert_int_eq(cli_run(4, (char **)(uintptr_t)without), CLI_FAILED); /* nothing is left of the last command's */
    stop_node();
}
END_TEST

Suite *suite_tls_client(void) {
    Suite *suite = suite_create("tls_client");
    TCase *tests = tcase_create("tls_client");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, make_certificates, forget);
    tcase_add_test(tests, whom_the_named_authority_vouches_for_is_asked);
    tcase_add_loop_test(tests, a_certificate_that_proves_nothing_is_refused_and_the_reason_named, 0, (int)(sizeof strangers / sizeof strangers[0]));
    tcase_add_test(tests, a_name_that_the_certificate_lacks_is_refused);
    tcase_add_test(tests, without_a_passport_the_system_is_believed_and_not_everybody);
    tcase_add_test(tests, a_node_s_own_certificate_can_be_named_as_the_authority);
    tcase_add_test(tests, plain_text_and_tls_do_not_understand_each_other_and_say_so);
    tcase_add_test(tests, a_light_client_s_source_may_be_https);
    tcase_add_test(tests, a_node_that_wants_a_token_gets_the_one_of_its_line);
    tcase_add_test(tests, a_token_goes_to_no_other_scheme_host_or_port);
    tcase_add_test(tests, a_file_of_tokens_that_is_wrong_is_named_with_its_line_and_without_its_tokens);
    tcase_add_test(tests, an_answer_that_is_cut_off_without_the_proper_end_is_no_answer);
    tcase_add_test(tests, limits_of_size_and_time_hold_under_tls);
    tcase_add_test(tests, what_a_door_says_instead_of_the_node_is_told_as_such);
    tcase_add_test(tests, the_token_is_in_the_request_of_its_own_node_alone);
    tcase_add_test(tests, commands_ask_over_https_with_the_options);
    suite_add_tcase(suite, tests);
    return suite;
}
