#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/text.h"
#include "rpc/access.h"

static int rights_of(const struct access *access, const char *authorization) { return access_of(access, span_text(authorization)); }

static void read_good(struct access *access, const char *tokens, const char *anonymous) {
    char *fault = access_read(access, tokens, anonymous);
    ck_assert_msg(fault == NULL, "%s", fault);
}

START_TEST(without_settings_everybody_may_everything) {
    struct access access;
    read_good(&access, NULL, NULL);
    ck_assert_int_eq(rights_of(&access, ""), ACCESS_ALL);
    ck_assert_int_eq(rights_of(&access, "Bearer whatever"), -1); /* who shows a token means it */
}
END_TEST

START_TEST(a_token_gives_its_rights) {
    struct access access;
    char entry[256], hex[65];
    uint8_t hash[32];
    sha256_once(hash, span_text("a secret of somebody"));
    text_hex_upper(hex, span_of(hash, 32));
    snprintf(entry, sizeof entry, "0123456789abcdef==read+submit , sha256:%s = admin", hex);
    read_good(&access, entry, "read");
    ck_assert_int_eq(rights_of(&access, ""), ACCESS_READ);
    ck_assert_int_eq(rights_of(&access, "Bearer 0123456789abcdef="), ACCESS_READ | ACCESS_SUBMIT);
    ck_assert_int_eq(rights_of(&access, "bearer   0123456789abcdef= "), ACCESS_READ | ACCESS_SUBMIT);
    ck_assert_int_eq(rights_of(&access, "Bearer a secret of somebody"), ACCESS_ADMIN);
    static const char *const unknown[] = {"Bearer 0123456789abcdef", "Bearer ", "Bearer", "Basic 0123456789abcdef=", "0123456789abcdef=", "Bearer 0123456789ABCDEF="};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
        ck_assert_int_eq(rights_of(&access, unknown[i]), -1);
    read_good(&access, "", "");
    ck_assert_int_eq(rights_of(&access, ""), 0);
}
END_TEST

START_TEST(wrong_settings_are_refused_without_telling_the_token) {
    static const char *const wrong[] = {"0123456789abcdef", "0123456789abcdef=", "0123456789abcdef=write", "short=read", "sha256:00=read", "=read", "0123456789abcdef=read+"};
    struct access access;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0] - 1; i++) {
        char *fault = access_read(&access, wrong[i], NULL);
        ck_assert_msg(fault != NULL, "%s was taken", wrong[i]);
        ck_assert_ptr_null(strstr(fault, "0123456789abcdef"));
        free(fault);
    }
    char *fault = access_read(&access, NULL, "everything"), many[4096] = "";
    ck_assert_ptr_nonnull(fault);
    free(fault);
    for (int i = 0; i <= ACCESS_TOKENS_MAX; i++)
        snprintf(many + strlen(many), sizeof many - strlen(many), "0123456789abcdef%d=read,", i);
    fault = access_read(&access, many, NULL);
    ck_assert_msg(fault != NULL && strstr(fault, "too many") != NULL, "%s", fault);
    free(fault);
}
END_TEST

Suite *suite_access(void);
Suite *suite_access(void) {
    Suite *suite = suite_create("access");
    TCase *all = tcase_create("all");
    tcase_add_test(all, without_settings_everybody_may_everything);
    tcase_add_test(all, a_token_gives_its_rights);
    tcase_add_test(all, wrong_settings_are_refused_without_telling_the_token);
    suite_add_tcase(suite, all);
    return suite;
}
