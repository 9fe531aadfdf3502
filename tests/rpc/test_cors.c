#include <check.h>

#include "rpc/cors.h"

static struct rpc_config config = {.cors_allowed_methods = "HEAD,GET,POST", .cors_allowed_headers = "Accept, Content-Type"};

static const char *headers(const char *origins, const char *method, const char *origin, const char *wants_method, const char *wants_headers) {
    static struct emit emit;
    struct request request = {.method = span_text(method), .origin = span_text(origin), .wants_method = span_text(wants_method),
                              .wants_headers = span_text(wants_headers)};
    config.cors_allowed_origins = origins;
    emit_close(&emit);
    cors_headers(&emit, &config, &request);
    emit_room(&emit, 1);
    emit.data[emit.size] = '\0';
    return emit.data;
}

START_TEST(without_origins_in_the_config_nothing_is_said) {
    ck_assert_str_eq(headers("", "GET", "http://a", "", ""), "");
    ck_assert(!cors_is_preflight(&config, &(struct request){.method = span_text("OPTIONS"), .wants_method = span_text("GET")}));
}
END_TEST

START_TEST(an_allowed_origin_is_named_and_a_stranger_is_not) {
    ck_assert_str_eq(headers("http://a, http://*.b", "POST", "http://a", "", ""), "Vary: Origin\r\nAccess-Control-Allow-Origin: http://a\r\n");
    ck_assert_str_eq(headers("http://a, http://*.b", "POST", "http://x.b", "", ""), "Vary: Origin\r\nAccess-Control-Allow-Origin: http://x.b\r\n");
    ck_assert_str_eq(headers("http://a, http://*.b", "POST", "http://c", "", ""), "Vary: Origin\r\n");
    ck_assert_str_eq(headers("*", "GET", "http://c", "", ""), "Vary: Origin\r\nAccess-Control-Allow-Origin: *\r\n");
    ck_assert_str_eq(headers("*", "GET", "", "", ""), "Vary: Origin\r\n");
    ck_assert_str_eq(headers("*", "PUT", "http://c", "", ""), "Vary: Origin\r\n");
}
END_TEST

#define PREFLIGHT "Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers\r\n"

START_TEST(a_preflight_is_answered_for_what_is_allowed) {
    ck_assert_str_eq(headers("*", "OPTIONS", "http://c", "POST", "content-type"),
                     PREFLIGHT "Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Methods: POST\r\nAccess-Control-Allow-Headers: content-type\r\n");
    ck_assert_str_eq(headers("*", "OPTIONS", "http://c", "DELETE", ""), PREFLIGHT);
    ck_assert_str_eq(headers("*", "OPTIONS", "http://c", "GET", "accept, x-secret"), PREFLIGHT);
}
END_TEST

Suite *suite_cors(void);
Suite *suite_cors(void) {
    Suite *suite = suite_create("cors");
    TCase *all = tcase_create("all");
    tcase_add_test(all, without_origins_in_the_config_nothing_is_said);
    tcase_add_test(all, an_allowed_origin_is_named_and_a_stranger_is_not);
    tcase_add_test(all, a_preflight_is_answered_for_what_is_allowed);
    suite_add_tcase(suite, all);
    return suite;
}
