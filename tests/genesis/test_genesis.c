#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "crypto/random.h"
#include "genesis/genesis.h"

#define KEY_ONE   "{\"type\":\"tendermint/PubKeyEd25519\",\"value\":\"AT/+aaL1eB0477Mud9JMm8Sh8BIvOYlPGC9KkIUmFaE=\"}"
#define KEY_TWO   "{\"type\":\"tendermint/PubKeyEd25519\",\"value\":\"OYpM2RXHEO1/R3jJRhAbjY8JhvjTBbiNJKBStEKu12s=\"}"
#define KEY_SECP  "{\"type\":\"tendermint/PubKeySecp256k1\",\"value\":\"AjbFXUbNVVVtSbC1Q5wGTqjGU9KY3DzkYhAcDkVbHbtF\"}"
#define PARAMS(types) \
    "{\"block\":{\"max_bytes\":\"1000\",\"max_gas\":\"-1\"},\"evidence\":{\"max_age_num_blocks\":\"5\",\"max_age_duration\":\"6\",\"max_bytes\":\"7\"}," \
    "\"validator\":{\"pub_key_types\":" types "},\"version\":{\"app\":\"3\"},\"abci\":{\"vote_extensions_enable_height\":\"9\"}}"

static const struct timestamp now = {1700000000, 5};

static bool parse(struct genesis *genesis, const char *text, char **error) {
    *error = NULL;
    return genesis_parse(genesis, span_text(text), PARAMS_V038, &now, error);
}

static void refused(const char *text, const char *why) {
    struct genesis genesis;
    char *error;
    ck_assert_msg(!parse(&genesis, text, &error), "%s", text);
    ck_assert_msg(error != NULL && strstr(error, why) != NULL, "%s, not %s", error, why);
    free(error);
}

static void accepted(struct genesis *genesis, const char *text) {
    char *error;
    bool good = parse(genesis, text, &error);
    ck_assert_msg(good, "%s", good ? "" : error);
}

START_TEST(what_the_file_leaves_out_takes_its_default) {
    struct genesis genesis;
    accepted(&genesis, "{\"chain_id\":\"c\",\"validators\":[{\"pub_key\":" KEY_ONE ",\"power\":\"10\"}]}");
    struct params defaults;
    params_defaults(&defaults, PARAMS_V038);
    ck_assert_int_eq(genesis.state.initial_height, 1);
    ck_assert_int_eq(timestamp_compare(&genesis.state.time, &now), 0);
    ck_assert_int_eq(genesis.state.params.block_bytes_max, defaults.block_bytes_max);
    ck_assert_uint_eq(genesis.state.validator_count, 1);
    ck_assert_int_eq(genesis.state.validators[0].power, 10);
    struct address address = pubkey_address(&genesis.state.validators[0].pub_key);
    ck_assert(address_equal(&address, &genesis.state.validators[0].address));
    ck_assert_uint_eq(genesis.state.app_state.size, 0);
    ck_assert_ptr_null(genesis.app_state);
    genesis_close(&genesis);
}
END_TEST

START_TEST(every_field_is_read) {
    struct genesis genesis;
    accepted(&genesis, "{\"genesis_time\":\"2024-01-02T03:04:05.6Z\",\"chain_id\":\"c\",\"initial_height\":\"70\",\"consensus_params\":" PARAMS(
                           "[\"ed25519\",\"secp256k1\"]") ",\"validators\":[{\"pub_key\":" KEY_SECP
                           ",\"power\":\"4\",\"name\":\"n\\u00e9\"}],\"app_hash\":\"0aFF\",\"app_state\": { \"x\" : 1.10 },\"unknown\":1}");
    ck_assert_int_eq(genesis.state.time.seconds, 1704164645);
    ck_assert_int_eq(genesis.state.initial_height, 70);
    ck_assert_int_eq(genesis.state.params.block_bytes_max, 1000);
    ck_assert_int_eq(genesis.state.params.evidence_age_ns_max, 6);
    ck_assert_uint_eq(genesis.state.params.key_type_count, 2);
    ck_assert_uint_eq(genesis.state.params.version_app, 3);
    ck_assert_int_eq(genesis.state.params.extensions_enable_height, 9);
    ck_assert_str_eq(genesis.validators[0].name, "n\xc3\xa9");
    ck_assert_uint_eq(genesis.state.validators[0].pub_key.type, PUBKEY_SECP256K1);
    ck_assert_uint_eq(genesis.state.app_hash.size, 2);
    ck_assert_uint_eq(genesis.state.app_hash.bytes[1], 0xff);
    ck_assert_str_eq(genesis.app_state, "{ \"x\" : 1.10 }");
    genesis_close(&genesis);
}
END_TEST

START_TEST(a_wrong_field_is_refused_by_its_name) {
    refused("", "not JSON");
    refused("{\n\"chain_id\":\"c\",\n}", "line 3");
    refused("[]", "must be an object");
    refused("{}", "chain_id");
    refused("{\"chain_id\":\"\"}", "chain_id");
    refused("{\"chain_id\":5}", "chain_id: must be a string, got number");
    refused("{\"chain_id\":\"123456789012345678901234567890123456789012345678901\"}", "at most 50");
    refused("{\"chain_id\":\"a\\u0000b\"}", "NUL");
    refused("{\"chain_id\":\"c\",\"initial_height\":\"-1\"}", "initial_height");
    refused("{\"chain_id\":\"c\",\"initial_height\":1}", "initial_height: must be a 64-bit integer in quotes");
    refused("{\"chain_id\":\"c\",\"genesis_time\":\"2024-01-02T03:04:05+01:00\"}", "genesis_time");
    refused("{\"chain_id\":\"c\",\"genesis_time\":\"\"}", "genesis_time");
    refused("{\"chain_id\":\"c\",\"app_hash\":\"0x00\"}", "app_hash");
    refused("{\"chain_id\":\"c\",\"consensus_params\":{}}", "block.max_bytes");
    refused("{\"chain_id\":\"c\",\"consensus_params\":{\"block\":{\"max_bytes\":1}}}", "consensus_params.block.max_bytes: must be");
    refused("{\"chain_id\":\"c\",\"consensus_params\":" PARAMS("[]") "}", "pub_key_types");
    refused("{\"chain_id\":\"c\",\"consensus_params\":" PARAMS("[\"a-name-of-a-key-type-that-is-far-too-long\"]") "}", "pub_key_types[0]");
    refused("{\"chain_id\":\"c\",\"consensus_params\":" PARAMS("[\"rsa\"]") "}", "pub_key_types");
    refused("{\"chain_id\":\"c\",\"validators\":{}}", "validators: must be a list");
}
END_TEST

START_TEST(a_complaint_is_one_line_whatever_the_file_holds) {
    struct genesis genesis;
    char *error;
    ck_assert(!parse(&genesis, "{\"chain_id\":\"c\",\"initial_height\":{\n\t\"x\":\n1}}", &error));
    for (const char *c = error; *c != '\0'; c++)
        ck_assert_msg((unsigned char)*c >= 0x20 && *c != 0x7f, "%s", error);
    free(error);
}
END_TEST

START_TEST(a_wrong_validator_is_refused_by_its_number) {
    const char *head = "{\"chain_id\":\"c\",\"validators\":[{\"pub_key\":" KEY_ONE ",\"power\":\"1\"},%s]}";
    static const struct {
        const char *entry, *why;
    } cases[] = {
        {"{}", "validators[1].pub_key: must be"},
        {"7", "validators[1]: must be an object"},
        {"{\"pub_key\":{\"value\":\"AA==\"},\"power\":\"1\"}", "validators[1].pub_key: must be"},
        {"{\"pub_key\":{\"type\":\"tendermint/PubKeyEd25519\",\"value\":\"AA==\"},\"power\":\"1\"}", "validators[1].pub_key.value: must be 32"},
        {"{\"pub_key\":{\"type\":\"x\",\"value\":\"AA==\"},\"power\":\"1\"}", "validators[1].pub_key.type"},
        {"{\"pub_key\":" KEY_TWO ",\"power\":\"0\"}", "validators[1].power: must be greater"},
        {"{\"pub_key\":" KEY_TWO "}", "validators[1].power: must be greater"},
        {"{\"pub_key\":" KEY_TWO ",\"power\":\"-5\"}", "validators[1].power: must be greater"},
        {"{\"pub_key\":" KEY_TWO ",\"power\":5}", "validators[1].power: must be a 64-bit integer in quotes"},
        {"{\"pub_key\":" KEY_TWO ",\"power\":\"1152921504606846975\"}", "validators[1].power: the sum"},
        {"{\"pub_key\":" KEY_TWO ",\"power\":\"1\",\"address\":\"A\"}", "validators[1].address: must be 20 bytes"},
        {"{\"pub_key\":" KEY_TWO ",\"power\":\"1\",\"address\":\"00\"}", "validators[1].address: is not that of the key, which is DD8A65495B62"},
        {"{\"pub_key\":" KEY_ONE ",\"power\":\"1\"}", "validators[1].pub_key: the same key as validators[0]"},
        {"{\"pub_key\":" KEY_SECP ",\"power\":\"1\"}", "validators[1].pub_key.type: secp256k1 is not among"},
        {"{\"pub_key\":" KEY_TWO ",\"power\":\"1\",\"name\":1}", "validators[1].name"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[2048];
        snprintf(text, sizeof text, head, cases[i].entry);
        refused(text, cases[i].why);
    }
}
END_TEST

START_TEST(what_is_written_is_read_back_the_same) {
    struct genesis genesis, again;
    accepted(&genesis, "{\"genesis_time\":\"2024-01-02T03:04:05.6Z\",\"chain_id\":\"c<d\",\"consensus_params\":" PARAMS(
                           "[\"ed25519\"]") ",\"validators\":[{\"pub_key\":" KEY_TWO
                           ",\"power\":\"4\",\"name\":\"n\"}],\"app_hash\":\"0aFF\",\"app_state\": { \"x\" : [1.10, {}] }}");
    struct genesis_plan plan = genesis_plan_of(&genesis);
    char *text = genesis_text(&plan);
    ck_assert_str_eq(text, "{\n  \"genesis_time\": \"2024-01-02T03:04:05.6Z\",\n  \"chain_id\": \"c\\u003cd\",\n  \"initial_height\": \"1\",\n"
                           "  \"consensus_params\": {\n    \"block\": {\n      \"max_bytes\": \"1000\",\n      \"max_gas\": \"-1\"\n    },\n"
                           "    \"evidence\": {\n      \"max_age_num_blocks\": \"5\",\n      \"max_age_duration\": \"6\",\n"
                           "      \"max_bytes\": \"7\"\n    },\n    \"validator\": {\n      \"pub_key_types\": [\n        \"ed25519\"\n      ]\n"
                           "    },\n    \"version\": {\n      \"app\": \"3\"\n    },\n    \"abci\": {\n"
                           "      \"vote_extensions_enable_height\": \"9\"\n    }\n  },\n  \"validators\": [\n    {\n"
                           "      \"address\": \"DD8A65495B6240145764A74E78CF203D51510371\",\n      \"pub_key\": {\n"
                           "        \"type\": \"tendermint/PubKeyEd25519\",\n"
                           "        \"value\": \"OYpM2RXHEO1/R3jJRhAbjY8JhvjTBbiNJKBStEKu12s=\"\n      },\n      \"power\": \"4\",\n"
                           "      \"name\": \"n\"\n    }\n  ],\n  \"app_hash\": \"0AFF\",\n  \"app_state\": {\n    \"x\": [\n      1.10,\n"
                           "      {}\n    ]\n  }\n}");
    accepted(&again, text);
    struct genesis_plan plan_again = genesis_plan_of(&again);
    char *text_again = genesis_text(&plan_again);
    ck_assert_str_eq(text, text_again);
    free(text);
    free(text_again);
    genesis_close(&genesis);
    genesis_close(&again);
}
END_TEST

START_TEST(a_file_is_loaded_and_its_faults_begin_with_its_path) {
    char path[] = "/tmp/quorate-genesis-XXXXXX";
    int file = mkstemp(path);
    ck_assert_int_eq(write(file, "{\"chain_id\":\"c\"}", 16), 16);
    close(file);
    struct genesis genesis;
    char *error = NULL;
    ck_assert(genesis_load(&genesis, path, PARAMS_V038, &error));
    ck_assert_str_eq(genesis.chain_id, "c");
    ck_assert_uint_eq(genesis.file->size, 16);
    ck_assert_int_gt(genesis.state.time.seconds, 1700000000);
    genesis_close(&genesis);
    ck_assert_int_eq(truncate(path, 5), 0);
    ck_assert(!genesis_load(&genesis, path, PARAMS_V038, &error));
    ck_assert(strncmp(error, path, strlen(path)) == 0);
    free(error);
    unlink(path);
    ck_assert(!genesis_load(&genesis, path, PARAMS_V038, &error));
    ck_assert(strncmp(error, path, strlen(path)) == 0 && strstr(error, "No such file") != NULL);
    free(error);
    ck_assert(!genesis_load(&genesis, "/tmp", PARAMS_V038, &error));
    free(error);
}
END_TEST

START_TEST(mangled_files_are_survived) {
    static const char sample[] = "{\"genesis_time\":\"2024-01-02T03:04:05.6Z\",\"chain_id\":\"c\",\"initial_height\":\"7\",\"consensus_params\":" PARAMS(
        "[\"ed25519\"]") ",\"validators\":[{\"address\":\"DD8A65495B6240145764A74E78CF203D51510371\",\"pub_key\":" KEY_TWO
                         ",\"power\":\"4\",\"name\":\"n\"}],\"app_hash\":\"0aFF\",\"app_state\":{\"x\":1.10}}";
    for (int round = 0; round < 5000; round++) {
        char *text = malloc(sizeof sample - 1);
        memcpy(text, sample, sizeof sample - 1);
        uint16_t dice[7];
        random_fill(dice, sizeof dice);
        for (int i = 0; i < 6; i += 2)
            text[dice[i] % (sizeof sample - 1)] = "{}[]\",:\\u0123n-"[dice[i + 1] % 15];
        struct genesis genesis;
        char *error = NULL;
        if (genesis_parse(&genesis, span_of(text, sizeof sample - 1 - (dice[6] % 3 == 0 ? dice[6] % 600 : 0)), PARAMS_V038, &now, &error))
            genesis_close(&genesis);
        else
            ck_assert_ptr_nonnull(error);
        free(error);
        free(text);
    }
}
END_TEST

Suite *suite_genesis(void);
Suite *suite_genesis(void) {
    Suite *suite = suite_create("genesis");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 60);
    tcase_add_test(all, what_the_file_leaves_out_takes_its_default);
    tcase_add_test(all, every_field_is_read);
    tcase_add_test(all, a_wrong_field_is_refused_by_its_name);
    tcase_add_test(all, a_complaint_is_one_line_whatever_the_file_holds);
    tcase_add_test(all, a_wrong_validator_is_refused_by_its_number);
    tcase_add_test(all, what_is_written_is_read_back_the_same);
    tcase_add_test(all, a_file_is_loaded_and_its_faults_begin_with_its_path);
    tcase_add_test(all, mangled_files_are_survived);
    suite_add_tcase(suite, all);
    return suite;
}
