#include "node/keyfile.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "crypto/text.h"

static char home[64], path[128];
static char *error;

static void setup(void) {
    strcpy(home, "/tmp/quorate-keyfile-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(home));
    snprintf(path, sizeof path, "%s/config/key.json", home);
    error = NULL;
}

static void teardown(void) {
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", home);
    ck_assert_int_eq(system(command), 0);
    free(error);
}

static void expect_same(const struct keyfile *a, const struct keyfile *b) {
    ck_assert_uint_eq(a->type, b->type);
    ck_assert_mem_eq(a->secret, b->secret, 32);
    ck_assert(pubkey_equal(&a->public_key, &b->public_key));
}

START_TEST(keys_of_both_types_come_back_from_their_files) {
    for (uint8_t type = PUBKEY_ED25519; type <= PUBKEY_SECP256K1; type++)
        for (int is_node_key = 0; is_node_key < 2; is_node_key++) {
            struct keyfile key, loaded;
            struct stat status;
            keyfile_generate(&key, type);
            ck_assert_msg(keyfile_save(&key, path, is_node_key, true, &error), "%s", error);
            ck_assert_msg(keyfile_load(&loaded, path, is_node_key, &error), "%s", error);
            expect_same(&key, &loaded);
            ck_assert_int_eq(stat(path, &status), 0);
            ck_assert_uint_eq(status.st_mode & 0777, 0600);
        }
}
END_TEST

START_TEST(two_generated_keys_differ) {
    struct keyfile a, b;
    keyfile_generate(&a, PUBKEY_ED25519);
    keyfile_generate(&b, PUBKEY_ED25519);
    ck_assert(!pubkey_equal(&a.public_key, &b.public_key));
}
END_TEST

START_TEST(a_file_that_is_there_is_not_replaced_unasked) {
    struct keyfile first, second, loaded;
    keyfile_generate(&first, PUBKEY_ED25519);
    keyfile_generate(&second, PUBKEY_ED25519);
    ck_assert(keyfile_save(&first, path, true, false, &error));
    ck_assert(!keyfile_save(&second, path, true, false, &error));
    ck_assert_ptr_nonnull(strstr(error, "is there already"));
    ck_assert(keyfile_load(&loaded, path, true, &error));
    expect_same(&first, &loaded);
    ck_assert(keyfile_save(&second, path, true, true, &error));
    ck_assert(keyfile_load(&loaded, path, true, &error));
    expect_same(&second, &loaded);
    char command[160]; /* no temporary file is left behind */
    snprintf(command, sizeof command, "test $(ls %s/config | wc -l) = 1", home);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

START_TEST(a_secp256k1_key_cannot_sign_votes_and_says_so) {
    struct keyfile key;
    keyfile_generate(&key, PUBKEY_SECP256K1);
    ck_assert(keyfile_save(&key, path, false, true, &error));
    ck_assert_ptr_null(keyfile_load_signing(path, false, &error));
    ck_assert_ptr_nonnull(strstr(error, "secp256k1 key cannot sign votes"));
    free(error);
    error = NULL;
    keyfile_generate(&key, PUBKEY_ED25519);
    ck_assert(keyfile_save(&key, path, false, true, &error));
    struct ed25519_key *signing = keyfile_load_signing(path, false, &error);
    uint8_t bytes[32];
    ck_assert_ptr_nonnull(signing);
    ed25519_key_public(signing, bytes);
    ck_assert_mem_eq(bytes, key.public_key.bytes, 32);
    ed25519_key_free(signing);
}
END_TEST

START_TEST(a_missing_file_is_named) {
    struct keyfile key;
    ck_assert(!keyfile_load(&key, path, true, &error));
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_msg(strncmp(error, path, strlen(path)) == 0 && strstr(error, "No such file") != NULL, "%s", error);
}
END_TEST

#define GOOD_VALUE "W3U4mht17TJ0JkHcB18j5HDk52biLdKCmpI7hXiSBiEUUSraVudJgvxfVMwBSDHEwSlLY3oG8/SXcNV5/g6byA=="
#define PRIV(type, value) "\"priv_key\":{\"type\":\"" type "\",\"value\":\"" value "\"}"

START_TEST(texts_that_lie_or_are_malformed_are_refused) {
    static const char *const texts[] = {
        "", "x", "[]", "{}", "{\"priv_key\":1}", "{" PRIV("tendermint/PrivKeyEd25519", "AAAA") "}", "{" PRIV("tendermint/PrivKeyEd25519", "!") "}",
        "{" PRIV("tendermint/PrivKeyOther", GOOD_VALUE) "}",
        "{" PRIV("tendermint/PrivKeySecp256k1", GOOD_VALUE) "}",
        "{" PRIV("tendermint/PrivKeySecp256k1", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=") "}",
        "{" PRIV("tendermint/PrivKeyEd25519", "X3U4mht17TJ0JkHcB18j5HDk52biLdKCmpI7hXiSBiEUUSraVudJgvxfVMwBSDHEwSlLY3oG8/SXcNV5/g6byA==") "}",
        "{\"address\":\"00\"," PRIV("tendermint/PrivKeyEd25519", GOOD_VALUE) "}",
        "{\"pub_key\":{\"type\":\"tendermint/PubKeyEd25519\",\"value\":\"AAAA\"}," PRIV("tendermint/PrivKeyEd25519", GOOD_VALUE) "}",
        "{" PRIV("tendermint/PrivKeyEd25519", GOOD_VALUE) "," PRIV("tendermint/PrivKeyEd25519", GOOD_VALUE) "}",
    };
    struct keyfile key;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        ck_assert_msg(keyfile_parse(&key, span_text(texts[i]), false) != NULL, "%s", texts[i]);
    ck_assert_ptr_null(keyfile_parse(&key, span_text("{" PRIV("tendermint/PrivKeyEd25519", GOOD_VALUE) "}"), false));
    char id[KEYFILE_ID_SIZE];
    keyfile_id(id, &key);
    ck_assert_str_eq(id, "7043781cadb29c7294374c3d19dcfd00175c4f14");
}
END_TEST

/* Wound 13. */
START_TEST(errors_never_show_the_key) {
    struct keyfile key;
    ck_assert(keyfile_write(path, span_text("{" PRIV("tendermint/PrivKeyEd25519", "X3U4mht17TJ0JkHcB18j5HDk52biLdKCmpI7hXiSBiEUUSraVudJgvxfVMwBSDHEwSlLY3oG8/SXcNV5/g6byA==") "}"), true, &error));
    ck_assert(!keyfile_load(&key, path, true, &error));
    ck_assert_ptr_null(strstr(error, "X3U4"));
    ck_assert_ptr_null(strstr(error, "BiEU"));
}
END_TEST

START_TEST(the_texts_are_cometbfts) {
    struct keyfile key;
    ck_assert_ptr_null(keyfile_parse(&key, span_text("{" PRIV("tendermint/PrivKeyEd25519", GOOD_VALUE) "}"), true));
    char *node = keyfile_text(&key, true), *validator = keyfile_text(&key, false), *public_key = keyfile_public_json(&key.public_key);
    ck_assert_str_eq(node, "{\"priv_key\":{\"type\":\"tendermint/PrivKeyEd25519\",\"value\":\"" GOOD_VALUE "\"}}");
    ck_assert_str_eq(validator, "{\n  \"address\": \"7043781CADB29C7294374C3D19DCFD00175C4F14\",\n  \"pub_key\": {\n"
                                "    \"type\": \"tendermint/PubKeyEd25519\",\n    \"value\": \"FFEq2lbnSYL8X1TMAUgxxMEpS2N6BvP0l3DVef4Om8g=\"\n  },\n"
                                "  \"priv_key\": {\n    \"type\": \"tendermint/PrivKeyEd25519\",\n    \"value\": \"" GOOD_VALUE "\"\n  }\n}");
    ck_assert_str_eq(public_key, "{\"type\":\"tendermint/PubKeyEd25519\",\"value\":\"FFEq2lbnSYL8X1TMAUgxxMEpS2N6BvP0l3DVef4Om8g=\"}");
    free(node);
    free(validator);
    free(public_key);
}
END_TEST

Suite *suite_keyfile(void);
Suite *suite_keyfile(void) {
    Suite *suite = suite_create("keyfile");
    TCase *tests = tcase_create("keyfile");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, keys_of_both_types_come_back_from_their_files);
    tcase_add_test(tests, two_generated_keys_differ);
    tcase_add_test(tests, a_file_that_is_there_is_not_replaced_unasked);
    tcase_add_test(tests, a_secp256k1_key_cannot_sign_votes_and_says_so);
    tcase_add_test(tests, a_missing_file_is_named);
    tcase_add_test(tests, texts_that_lie_or_are_malformed_are_refused);
    tcase_add_test(tests, errors_never_show_the_key);
    tcase_add_test(tests, the_texts_are_cometbfts);
    suite_add_tcase(suite, tests);
    return suite;
}
