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

static void write_down(void) {
    struct kv_batch batch;
    kv_batch_init(&batch);
    overlay_write(&state, &batch);
    kv_write(kv, &batch, true);
    kv_batch_close(&batch);
    overlay_merge(&state);
    overlay_clear(&state);
}

static const struct pubkey no_key = {.type = PUBKEY_NONE};
static const amount most = ~(amount)0;

START_TEST(accounts_are_numbered_in_the_order_of_their_making_and_keep_what_was_put) {
    struct account account;
    ck_assert(!accounts_get(&state, &account, alice.address));
    accounts_create(&state, alice.address, &no_key);
    accounts_create(&state, bob.address, &bob.key);
    write_down();
    overlay_clear(&below);
    ck_assert(accounts_get(&state, &account, alice.address));
    ck_assert(account.number == 0 && account.sequence == 0 && account.key.type == PUBKEY_NONE);
    ck_assert(accounts_get(&state, &account, bob.address));
    ck_assert(account.number == 1 && pubkey_equal(&account.key, &bob.key));
    account.sequence = UINT64_MAX;
    accounts_put(&state, bob.address, &account);
    ck_assert(accounts_get(&state, &account, bob.address) && account.sequence == UINT64_MAX);
}
END_TEST

START_TEST(an_account_is_encoded_as_the_numbers_of_base_account) {
    accounts_create(&state, alice.address, &no_key);
    accounts_create(&state, bob.address, &bob.key);
    write_down();
    uint8_t key[26] = "s/acc/", expected[64] = {0x12, 35, 0x12, 33}; /* {2: {2 secp256k1: key}, 3: 1} */
    memcpy(key + 6, alice.address, 20);
    struct blob *stored = kv_get(kv, span_of(key, 26));
    ck_assert(span_equal(blob_span(stored), span_of("\x12\x00", 2)));
    blob_release(stored);
    memcpy(key + 6, bob.address, 20);
    memcpy(expected + 4, bob.key.bytes, 33);
    memcpy(expected + 37, "\x18\x01", 2);
    stored = kv_get(kv, span_of(key, 26));
    ck_assert(span_equal(blob_span(stored), span_of(expected, 39)));
    blob_release(stored);
}
END_TEST

START_TEST(balances_are_checked_at_both_ends_and_a_zero_balance_is_not_stored) {
    struct span unit = span_text("unit");
    ck_assert(!accounts_debit(&state, alice.address, unit, 1));
    ck_assert(accounts_mint(&state, alice.address, unit, most));
    ck_assert(!accounts_mint(&state, bob.address, unit, 1));
    ck_assert(accounts_supply(&state, unit) == most);
    ck_assert(!accounts_credit(&state, alice.address, unit, 1));
    ck_assert(accounts_balance(&state, alice.address, unit) == most);
    write_down();
    ck_assert(accounts_debit(&state, alice.address, unit, most));
    ck_assert(accounts_credit(&state, bob.address, unit, most));
    write_down();
    uint8_t key[32] = "s/bank/b";
    memcpy(key + 8, alice.address, 20);
    memcpy(key + 28, "unit", 4);
    ck_assert(!kv_has(kv, span_of(key, 32)));
    memcpy(key + 8, bob.address, 20);
    ck_assert(kv_has(kv, span_of(key, 32)));
}
END_TEST

/* ---- overlay */

static const char *value_of(struct overlay *overlay, const char *key) {
    static char text[100];
    struct span value = overlay_get(overlay, span_text(key));
    if (value.data == NULL)
        return "-";
    memcpy(text, value.data, value.size);
    text[value.size] = 0;
    return text;
}

static void put(const char *key, const char *value) { overlay_put(&state, span_text(key), span_text(value)); }

START_TEST(an_overlay_shows_what_lies_below_until_it_is_written_over_or_deleted) {
    struct kv_batch batch;
    kv_batch_init(&batch);
    kv_batch_put(&batch, span_text("s/a"), span_text("1"));
    kv_batch_put(&batch, span_text("s/b"), span_text("2"));
    kv_write(kv, &batch, true);
    kv_batch_close(&batch);
    ck_assert_str_eq(value_of(&state, "s/a"), "1");
    put("s/a", "10");
    overlay_delete(&state, span_text("s/b"));
    ck_assert_str_eq(value_of(&state, "s/a"), "10");
    ck_assert_str_eq(value_of(&state, "s/b"), "-");
    ck_assert_str_eq(value_of(&below, "s/a"), "1");
    write_down();
    overlay_clear(&below);
    ck_assert_str_eq(value_of(&below, "s/a"), "10");
    ck_assert_str_eq(value_of(&below, "s/b"), "-");
}
END_TEST

START_TEST(writes_since_the_mark_can_be_taken_back_one_by_one_and_all) {
    put("s/a", "1");
    overlay_mark(&state);
    put("s/a", "2");
    put("s/a", "3");
    put("s/b", "4");
    overlay_delete(&state, span_text("s/a"));
    overlay_revert(&state);
    ck_assert_str_eq(value_of(&state, "s/a"), "1");
    ck_assert_str_eq(value_of(&state, "s/b"), "-");
    write_down();
    ck_assert(kv_has(kv, span_text("s/a")) && !kv_has(kv, span_text("s/b")));
}
END_TEST

START_TEST(what_was_taken_back_shows_later_changes_below) {
    overlay_mark(&state);
    put("s/a", "1");
    overlay_revert(&state);
    overlay_put(&below, span_text("s/a"), span_text("from below"));
    ck_assert_str_eq(value_of(&state, "s/a"), "from below");
}
END_TEST

/* ---- genesis */

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

Suite *suite_accounts(void);
Suite *suite_accounts(void) {
    Suite *suite = suite_create("accounts");
    TCase *tests = tcase_create("accounts");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, accounts_are_numbered_in_the_order_of_their_making_and_keep_what_was_put);
    tcase_add_test(tests, an_account_is_encoded_as_the_numbers_of_base_account);
    tcase_add_test(tests, balances_are_checked_at_both_ends_and_a_zero_balance_is_not_stored);
    tcase_add_test(tests, an_overlay_shows_what_lies_below_until_it_is_written_over_or_deleted);
    tcase_add_test(tests, writes_since_the_mark_can_be_taken_back_one_by_one_and_all);
    tcase_add_test(tests, what_was_taken_back_shows_later_changes_below);
    tcase_add_test(tests, a_genesis_without_accounts_is_fine);
    tcase_add_test(tests, a_broken_genesis_is_refused_with_the_place_of_the_fault);
    tcase_add_test(tests, genesis_accounts_have_their_keys_coins_and_numbers);
    suite_add_tcase(suite, tests);
    return suite;
}
