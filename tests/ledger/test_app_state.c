#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "ledger/accounts.h"
#include "ledger/app_state.h"
#include "tests/ledger/wallet.h"

static void __attribute__((noreturn)) give_up(void *context, const char *what) {
    (void)context;
    fprintf(stderr, "%s\n", what);
    abort();
}

static struct kv *kv;
static struct overlay below, state;
static struct arena arena;
static struct wallet alice, bob;

static void setup(void) {
    kv = kv_memory_new((struct kv_failure){NULL, give_up});
    overlay_init(&below, NULL, kv);
    overlay_init(&state, &below, NULL);
    arena_init(&arena, 1 << 20);
    alice = wallet_of(PUBKEY_ED25519, 1);
    bob = wallet_of(PUBKEY_SECP256K1, 2);
}

static void teardown(void) {
    overlay_close(&state);
    overlay_close(&below);
    kv_close(kv);
    arena_close(&arena);
}

static const amount most = ~(amount)0;
static struct span error;

static bool load(const char *json) {
    overlay_clear(&state);
    return app_state_load(&state, span_text(json), &arena, &error);
}

static void refused_with(const char *part, const char *json) {
    ck_assert_msg(!load(json), "accepted: %s", json);
    char text[600];
    snprintf(text, sizeof text, "%.*s", (int)error.size, (const char *)error.data);
    ck_assert_msg(strstr(text, part) != NULL, "\"%s\" is not in \"%s\"", part, text);
}

START_TEST(a_genesis_without_accounts_is_fine) {
    char prefix[ACCOUNTS_PREFIX_MAX + 1];
    ck_assert(load("") && load("{}") && load("null") && load("{\"accounts\":[]}"));
    accounts_prefix(&state, prefix);
    ck_assert_str_eq(prefix, "quorate");
    ck_assert(load("{\"prefix\":\"acme\"}"));
    accounts_prefix(&state, prefix);
    ck_assert_str_eq(prefix, "acme");
}
END_TEST

START_TEST(a_broken_genesis_is_refused_with_the_place_of_the_fault) {
    char json[2000];
    const struct {
        const char *part, *entry;
    } cases[] = {
        {"accounts[1] must be an object", "7"},
        {"accounts[1]: \"address\"", "{}"},
        {"accounts[1]: \"address\"", "{\"address\":\"cosmos1pkptre7fdkl6gfrzlesjjvhxhlc3r4gmmk8rs6\"}"},
        {"accounts[1]: unknown field \"coin\"", "{\"address\":\"B\",\"coin\":[]}"},
        {"accounts[1]: address", "{\"address\":\"A\"}"},
        {"accounts[1]: \"coins\" must be a list", "{\"address\":\"B\",\"coins\":{}}"},
        {"accounts[1].coins[0]: \"denom\"", "{\"address\":\"B\",\"coins\":[{\"denom\":\"1x\",\"amount\":\"1\"}]}"},
        {"accounts[1].coins[0]: \"denom\"", "{\"address\":\"B\",\"coins\":[7]}"},
        {"accounts[1].coins[1]: \"amount\"",
         "{\"address\":\"B\",\"coins\":[{\"denom\":\"xxx\",\"amount\":\"1\"},{\"denom\":\"yyy\",\"amount\":1}]}"},
        {"accounts[1].coins[0]: \"amount\"", "{\"address\":\"B\",\"coins\":[{\"denom\":\"xxx\",\"amount\":\"0\"}]}"},
        {"accounts[1].coins[1]: denom \"xxx\" comes twice",
         "{\"address\":\"B\",\"coins\":[{\"denom\":\"xxx\",\"amount\":\"1\"},{\"denom\":\"xxx\",\"amount\":\"1\"}]}"},
        {"accounts[1].coins[0]: the supply of \"unit\"",
         "{\"address\":\"B\",\"coins\":[{\"denom\":\"unit\",\"amount\":\"340282366920938463463374607431768211455\"}]}"},
        {"accounts[1].coins[0]: unknown field \"x\"", "{\"address\":\"B\",\"coins\":[{\"denom\":\"xxx\",\"amount\":\"1\",\"x\":1}]}"},
        {"accounts[1]: \"pub_key\"", "{\"address\":\"B\",\"pub_key\":{}}"},
        {"accounts[1]: unknown type", "{\"address\":\"B\",\"pub_key\":{\"type\":\"x\",\"value\":\"\"}}"},
        {"accounts[1]: the public key's value", "{\"address\":\"B\",\"pub_key\":{\"type\":\"tendermint/PubKeyEd25519\",\"value\":\"AAAA\"}}"},
        {"accounts[1]: the address is not that",
         "{\"address\":\"B\",\"pub_key\":{\"type\":\"tendermint/PubKeyEd25519\",\"value\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char entry[600] = "";
        for (const char *c = cases[i].entry; *c != 0; c++) {
            bool is_name = c > cases[i].entry && c[-1] == '"' && c[1] == '"' && (*c == 'A' || *c == 'B');
            snprintf(entry + strlen(entry), sizeof entry - strlen(entry), "%s", is_name ? (*c == 'A' ? alice.text : bob.text) : (char[]){*c, 0});
        }
        snprintf(json, sizeof json, "{\"accounts\":[{\"address\":\"%s\",\"coins\":[{\"denom\":\"unit\",\"amount\":\"1\"}]},%s]}", alice.text,
                 entry);
        refused_with(cases[i].part, json);
    }
    refused_with("not JSON at line 1", "{");
    refused_with("not JSON", "{\"prefix\":\"a\",\"prefix\":\"b\"}");
    refused_with("must be an object", "[]");
    refused_with("unknown field \"acounts\"", "{\"acounts\":[]}");
    refused_with("\"accounts\" must be a list", "{\"accounts\":{}}");
    refused_with("\"prefix\"", "{\"prefix\":\"Quorate\"}");
    refused_with("\"prefix\"", "{\"prefix\":\"\"}");
    refused_with("\"prefix\"", "{\"prefix\":7}");
    refused_with("\"prefix\"", "{\"prefix\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}");
}
END_TEST

START_TEST(genesis_accounts_have_their_keys_coins_and_numbers) {
    char json[1000], key[TEXT_BASE64_SIZE(33)];
    text_base64(key, span_of(bob.key.bytes, 33));
    snprintf(json, sizeof json,
             "{\"accounts\":[{\"address\":\"%s\"},{\"address\":\"%s\",\"pub_key\":{\"type\":\"tendermint/PubKeySecp256k1\",\"value\":\"%s\"},"
             "\"coins\":[{\"denom\":\"unit\",\"amount\":\"340282366920938463463374607431768211455\"},{\"denom\":\"gold\",\"amount\":\"1\"}]}]}",
             alice.text, bob.text, key);
    ck_assert(load(json));
    struct account account;
    ck_assert(accounts_get(&state, &account, alice.address) && account.number == 0);
    ck_assert(accounts_get(&state, &account, bob.address) && account.number == 1 && pubkey_equal(&account.key, &bob.key));
    ck_assert(accounts_balance(&state, bob.address, span_text("unit")) == most);
    ck_assert(accounts_balance(&state, bob.address, span_text("gold")) == 1);
    ck_assert(accounts_supply(&state, span_text("gold")) == 1);
}
END_TEST

Suite *suite_app_state(void);
Suite *suite_app_state(void) {
    Suite *suite = suite_create("app_state");
    TCase *tests = tcase_create("app_state");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_genesis_without_accounts_is_fine);
    tcase_add_test(tests, a_broken_genesis_is_refused_with_the_place_of_the_fault);
    tcase_add_test(tests, genesis_accounts_have_their_keys_coins_and_numbers);
    suite_add_tcase(suite, tests);
    return suite;
}
