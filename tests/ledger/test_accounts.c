#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "ledger/accounts.h"
#include "tests/ledger/wallet.h"

static void __attribute__((noreturn)) give_up(void *context, const char *what) {
    (void)context;
    fprintf(stderr, "%s\n", what);
    abort();
}

static struct kv *kv;
static struct overlay below, state;
static struct wallet alice, bob;

static void setup(void) {
    kv = kv_memory_new((struct kv_failure){NULL, give_up});
    overlay_init(&below, NULL, kv);
    overlay_init(&state, &below, NULL);
    alice = wallet_of(PUBKEY_ED25519, 1);
    bob = wallet_of(PUBKEY_SECP256K1, 2);
}

static void teardown(void) {
    overlay_close(&state);
    overlay_close(&below);
    kv_close(kv);
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

Suite *suite_accounts(void);
Suite *suite_accounts(void) {
    Suite *suite = suite_create("accounts");
    TCase *tests = tcase_create("accounts");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, accounts_are_numbered_in_the_order_of_their_making_and_keep_what_was_put);
    tcase_add_test(tests, an_account_is_encoded_as_the_numbers_of_base_account);
    tcase_add_test(tests, balances_are_checked_at_both_ends_and_a_zero_balance_is_not_stored);
    suite_add_tcase(suite, tests);
    return suite;
}
