#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/proofop.h"
#include "ledger/accounts.h"
#include "ledger/app_ledger.h"
#include "ledger/execute.h"
#include "ledger/smt.h"
#include "tests/ledger/chain.h"
#include "tests/ledger/wallet.h"

static void __attribute__((noreturn)) fail_hard(void *context, const char *what) {
    (void)context;
    fprintf(stderr, "%s\n", what);
    abort();
}

struct node { /* a store and its application */
    struct kv *kv;
    struct app *app;
    struct kv_batch batch;
    struct arena arena;
    int64_t height;
};

static struct node main_node, twin;
static struct wallet alice, bob, carol; /* ed25519, secp256k1, ed25519 without an account */
static struct abci_finalized done;

static void node_open(struct node *node) { node->app = app_ledger_open(node->kv, span_text("test-chain")); }

static void node_commit(struct node *node) {
    kv_batch_clear(&node->batch);
    ck_assert_int_eq(node->app->table->commit(node->app, &node->batch), 0);
    kv_write(node->kv, &node->batch, true);
}

static bool node_genesis(struct node *node, const char *json, struct span *error) {
    struct abci_init_chain question = {
        .chain_id = span_text("test-chain"), .app_state = span_text(json), .initial_height = 1};
    struct abci_initialized initialized;
    if (!node->app->table->init_chain(node->app, &initialized, &question, &node->arena, error))
        return false;
    ck_assert_uint_eq(initialized.app_hash.size, 32);
    node_commit(node);
    return true;
}

static const char *usual_genesis(void) {
    static char json[1000];
    snprintf(json, sizeof json,
             "{\"accounts\":[{\"address\":\"%s\",\"coins\":[{\"denom\":\"unit\",\"amount\":\"1000\"}]},"
             "{\"address\":\"%s\",\"coins\":[{\"denom\":\"unit\",\"amount\":\"500\"},{\"denom\":\"gold\",\"amount\":\"7\"}]}]}",
             alice.text, bob.text);
    return json;
}

static void node_init(struct node *node) {
    struct span error;
    *node = (struct node){.kv = kv_memory_new((struct kv_failure){NULL, fail_hard})};
    kv_batch_init(&node->batch);
    arena_init(&node->arena, SIZE_MAX / 4);
    node_open(node);
    ck_assert(node_genesis(node, usual_genesis(), &error));
}

static void node_close(struct node *node) {
    if (node->kv == NULL)
        return;
    node->app->table->close(node->app);
    kv_close(node->kv);
    kv_batch_close(&node->batch);
    arena_close(&node->arena);
    node->kv = NULL;
}

static void setup(void) {
    alice = wallet_of(PUBKEY_ED25519, 1);
    bob = wallet_of(PUBKEY_SECP256K1, 2);
    carol = wallet_of(PUBKEY_ED25519, 3);
    node_init(&main_node);
    twin.kv = NULL;
}

static void teardown(void) {
    node_close(&main_node);
    node_close(&twin);
}

static void node_block(struct node *node, uint32_t count, const struct span *txs) {
    struct abci_block block = {.txs = txs, .tx_count = count, .height = ++node->height};
    arena_reset(&node->arena);
    ck_assert(node->app->table->process_proposal(node->app, &block, &node->arena));
    node->app->table->finalize_block(node->app, &done, &block, &node->arena);
    ck_assert_uint_eq(done.tx_count, count);
    node_commit(node);
}

static const struct abci_tx_result *run(struct span tx) {
    node_block(&main_node, 1, &tx);
    return &done.tx_results[0];
}

static uint32_t code_of(const struct wallet *wallet, struct wallet_wish wish) { return run(wallet_sign(wallet, &wish))->code; }

static bool log_is(const char *text) { return span_equal(done.tx_results[0].log, span_text(text)); }

static struct abci_check check(struct span tx) {
    struct abci_check out;
    main_node.app->table->check_tx(main_node.app, &out, tx, false, &main_node.arena);
    return out;
}

/* What the committed store says, read by another overlay than the application's. */
static amount balance_in(struct node *node, const struct wallet *wallet, const char *denom) {
    struct overlay view;
    overlay_init(&view, NULL, node->kv);
    amount balance = accounts_balance(&view, wallet->address, span_text(denom));
    overlay_close(&view);
    return balance;
}

static amount balance(const struct wallet *wallet, const char *denom) { return balance_in(&main_node, wallet, denom); }

static bool account_in(struct node *node, struct account *account, const struct wallet *wallet) {
    struct overlay view;
    overlay_init(&view, NULL, node->kv);
    bool is_there = accounts_get(&view, account, wallet->address);
    overlay_close(&view);
    return is_there;
}

static uint64_t sequence_of(const struct wallet *wallet) {
    struct account account;
    ck_assert(account_in(&main_node, &account, wallet));
    return account.sequence;
}

static struct app_hash hash_of(struct node *node) {
    struct abci_info info;
    node->app->table->info(node->app, &info, &node->arena);
    return info.last_block_app_hash;
}

/* ---- transfers */

START_TEST(a_transfer_moves_coins_and_counts_the_sequence_and_learns_the_key) {
    ck_assert_uint_eq(code_of(&alice, (struct wallet_wish){.to = bob.text, .amount = "30"}), 0);
    ck_assert(balance(&alice, "unit") == 970 && balance(&bob, "unit") == 530);
    struct account account;
    ck_assert(account_in(&main_node, &account, &alice));
    ck_assert_uint_eq(account.sequence, 1);
    ck_assert(pubkey_equal(&account.key, &alice.key));
    ck_assert_uint_eq(code_of(&bob, (struct wallet_wish){.account_number = 1, .to = alice.text, .denom = "gold", .amount = "7"}), 0);
    ck_assert(balance(&alice, "gold") == 7 && balance(&bob, "gold") == 0);
}
END_TEST

START_TEST(a_receiver_without_an_account_gets_one_with_the_next_number_and_can_send) {
    struct account account;
    ck_assert(!account_in(&main_node, &account, &carol));
    ck_assert_uint_eq(code_of(&alice, (struct wallet_wish){.to = carol.text, .amount = "5"}), 0);
    ck_assert(account_in(&main_node, &account, &carol));
    ck_assert_uint_eq(account.number, 2);
    ck_assert_uint_eq(account.key.type, PUBKEY_NONE);
    ck_assert_uint_eq(code_of(&carol, (struct wallet_wish){.account_number = 2, .to = alice.text, .amount = "5"}), 0);
    ck_assert(balance(&carol, "unit") == 0 && balance(&alice, "unit") == 1000);
}
END_TEST

START_TEST(a_receiver_can_spend_in_the_same_block) {
    struct span txs[] = {wallet_sign(&alice, &(struct wallet_wish){.to = carol.text, .amount = "5"}),
                         wallet_sign(&carol, &(struct wallet_wish){.account_number = 2, .to = bob.text, .amount = "5"})};
    node_block(&main_node, 2, txs);
    ck_assert_uint_eq(done.tx_results[0].code, 0);
    ck_assert_uint_eq(done.tx_results[1].code, 0);
    ck_assert(balance(&bob, "unit") == 505);
}
END_TEST

START_TEST(sending_to_oneself_changes_no_balance) {
    ck_assert_uint_eq(code_of(&alice, (struct wallet_wish){.to = alice.text, .amount = "1000"}), 0);
    ck_assert(balance(&alice, "unit") == 1000);
    ck_assert_uint_eq(code_of(&alice, (struct wallet_wish){.sequence = 1, .to = alice.text, .amount = "1001"}), CODES_INSUFFICIENT_FUNDS);
}
END_TEST

START_TEST(a_key_that_is_known_may_be_left_out_and_another_is_refused) {
    ck_assert_uint_eq(code_of(&alice, (struct wallet_wish){.to = bob.text, .without_key = true}), CODES_BAD_SIGNATURE);
    ck_assert_uint_eq(code_of(&alice, (struct wallet_wish){.to = bob.text}), 0);
    ck_assert_uint_eq(code_of(&alice, (struct wallet_wish){.sequence = 1, .to = bob.text, .without_key = true}), 0);
}
END_TEST

START_TEST(nobody_can_send_what_is_anothers) {
    /* whose key has never been seen */
    ck_assert_uint_eq(code_of(&alice, (struct wallet_wish){.from = bob.text, .account_number = 1, .to = alice.text}), CODES_BAD_SIGNATURE);
    /* by a second message */
    struct wallet_wish two = {.to = bob.text, .from2 = bob.text, .to2 = alice.text, .amount2 = "500"};
    ck_assert_uint_eq(code_of(&alice, two), CODES_PARSE);
    /* after the key is known */
    ck_assert_uint_eq(code_of(&bob, (struct wallet_wish){.account_number = 1, .to = alice.text}), 0);
    struct wallet_wish known = {.from = bob.text, .account_number = 1, .sequence = 1, .to = alice.text};
    ck_assert_uint_eq(code_of(&alice, known), CODES_BAD_SIGNATURE);
    known.without_key = true;
    ck_assert_uint_eq(code_of(&alice, known), CODES_BAD_SIGNATURE);
    ck_assert(balance(&bob, "unit") == 499);
}
END_TEST

START_TEST(bad_signatures_are_found_among_good_ones_that_no_check_has_seen) {
    enum { COUNT = 20 };
    struct wallet wallets[COUNT];
    struct span txs[COUNT];
    for (uint8_t i = 0; i < COUNT; i++) { /* accounts, so that the signatures are checked at once */
        wallets[i] = wallet_of(PUBKEY_ED25519, 50 + i);
        txs[i] = wallet_sign(&alice, &(struct wallet_wish){.sequence = i, .to = wallets[i].text});
    }
    node_block(&main_node, COUNT, txs);
    for (uint8_t i = 0; i < COUNT; i++)
        txs[i] = wallet_sign(&wallets[i], &(struct wallet_wish){.account_number = 2u + i, .to = alice.text, .chain_id = i % 7 == 3 ? "other" : NULL});
    node_block(&main_node, COUNT, txs);
    for (uint8_t i = 0; i < COUNT; i++)
        ck_assert_uint_eq(done.tx_results[i].code, i % 7 == 3 ? CODES_BAD_SIGNATURE : CODES_OK);
}
END_TEST

/* ---- codes */

START_TEST(code_2_for_what_is_no_transaction) {
    ck_assert_uint_eq(run(span_text("garbage"))->code, CODES_PARSE);
    ck_assert_uint_eq(run(span_text(""))->code, CODES_PARSE);
    ck_assert(span_equal(done.tx_results[0].codespace, span_text("ledger")));
    ck_assert_uint_eq(code_of(&alice, (struct wallet_wish){.to = "cosmos1pkptre7fdkl6gfrzlesjjvhxhlc3r4gmmk8rs6"}), CODES_PARSE);
    ck_assert_uint_eq(code_of(&alice, (struct wallet_wish){.to = bob.text, .with_fee = true}), CODES_PARSE);
    ck_assert_uint_eq(sequence_of(&alice), 0);
}
END_TEST

START_TEST(code_3_for_what_is_too_large) {
    uint8_t *bytes = calloc(1, COSMOS_TX_BYTES_MAX + 1);
    ck_assert_uint_eq(run(span_of(bytes, COSMOS_TX_BYTES_MAX + 1))->code, CODES_TOO_LARGE);
    free(bytes);
}
END_TEST

START_TEST(code_4_for_a_signature_over_anything_else_another_chain_included) {
    ck_assert_uint_eq(code_of(&alice, (struct wallet_wish){.to = bob.text, .chain_id = "other-chain"}), CODES_BAD_SIGNATURE);
    ck_assert_uint_eq(code_of(&alice, (struct wallet_wish){.to = bob.text, .account_number = 9}), CODES_BAD_SIGNATURE);
    ck_assert_uint_eq(code_of(&alice, (struct wallet_wish){.to = bob.text, .from = bob.text}), CODES_BAD_SIGNATURE);
    ck_assert_uint_eq(code_of(&bob, (struct wallet_wish){.to = alice.text, .account_number = 0}), CODES_BAD_SIGNATURE);
    struct span good = wallet_sign(&alice, &(struct wallet_wish){.to = bob.text});
    uint8_t bad[1024];
    memcpy(bad, good.data, good.size);
    bad[good.size - 1] ^= 1;
    ck_assert_uint_eq(run(span_of(bad, good.size))->code, CODES_BAD_SIGNATURE);
    ck_assert_uint_eq(sequence_of(&alice), 0);
    ck_assert(balance(&alice, "unit") == 1000);
}
END_TEST

START_TEST(code_6_for_an_account_that_does_not_exist) {
    ck_assert_uint_eq(code_of(&carol, (struct wallet_wish){.to = bob.text}), CODES_UNKNOWN_ACCOUNT);
}
END_TEST

START_TEST(code_7_for_another_sequence_and_the_log_says_which_in_the_words_of_cosmos) {
    ck_assert_uint_eq(code_of(&alice, (struct wallet_wish){.to = bob.text, .sequence = 3}), CODES_WRONG_SEQUENCE);
    ck_assert(log_is("account sequence mismatch, expected 0, got 3: incorrect account sequence"));
    struct span tx = wallet_sign(&alice, &(struct wallet_wish){.to = bob.text});
    ck_assert_uint_eq(run(tx)->code, 0);
    ck_assert_uint_eq(run(tx)->code, CODES_WRONG_SEQUENCE);
    ck_assert(log_is("account sequence mismatch, expected 1, got 0: incorrect account sequence"));
    ck_assert(balance(&alice, "unit") == 999);
}
END_TEST

START_TEST(code_8_beyond_the_timeout_height_and_not_at_it) {
    ck_assert_uint_eq(code_of(&alice, (struct wallet_wish){.to = bob.text, .timeout_height = 1}), 0);
    ck_assert_uint_eq(code_of(&alice, (struct wallet_wish){.to = bob.text, .timeout_height = 1, .sequence = 1}), CODES_EXPIRED);
}
END_TEST

START_TEST(code_10_for_funds_that_are_not_there_and_the_sequence_is_used) {
    ck_assert_uint_eq(code_of(&alice, (struct wallet_wish){.to = bob.text, .amount = "1001"}), CODES_INSUFFICIENT_FUNDS);
    ck_assert(log_is("spendable balance 1000unit is smaller than 1001unit: insufficient funds"));
    ck_assert_uint_eq(sequence_of(&alice), 1);
    ck_assert(balance(&alice, "unit") == 1000 && balance(&bob, "unit") == 500);
    ck_assert_uint_eq(
        code_of(&alice, (struct wallet_wish){.sequence = 1, .to = bob.text, .amount = "340282366920938463463374607431768211455"}),
        CODES_INSUFFICIENT_FUNDS);
}
END_TEST

START_TEST(a_transaction_whose_second_message_fails_does_nothing_but_use_its_sequence) {
    ck_assert_uint_eq(code_of(&alice, (struct wallet_wish){.to = carol.text, .amount = "600", .to2 = bob.text, .amount2 = "600"}),
                      CODES_INSUFFICIENT_FUNDS);
    struct account account;
    ck_assert(!account_in(&main_node, &account, &carol));
    ck_assert(balance(&alice, "unit") == 1000 && balance(&bob, "unit") == 500);
    ck_assert_uint_eq(sequence_of(&alice), 1);
    ck_assert_uint_eq(
        code_of(&alice, (struct wallet_wish){.sequence = 1, .to = carol.text, .amount = "600", .to2 = bob.text, .amount2 = "400"}), 0);
    ck_assert(account_in(&main_node, &account, &carol) && account.number == 2);
}
END_TEST

START_TEST(code_16_beyond_the_gas_limit_and_gas_is_a_function_of_the_bytes) {
    ck_assert_uint_eq(code_of(&alice, (struct wallet_wish){.to = bob.text, .gas_limit = 1}), CODES_OUT_OF_GAS);
    struct span tx = wallet_sign(&alice, &(struct wallet_wish){.to = bob.text});
    ck_assert_uint_eq(run(tx)->code, 0);
    ck_assert_int_eq(done.tx_results[0].gas_used, (int64_t)tx.size * 10 + 1000 + 5000 + 4000);
    ck_assert_int_eq(done.tx_results[0].gas_wanted, 200000);
}
END_TEST

START_TEST(code_21_for_a_memo_beyond_256_bytes) {
    char memo[258] = "";
    memset(memo, 'm', 256);
    ck_assert_uint_eq(code_of(&alice, (struct wallet_wish){.to = bob.text, .memo = memo}), 0);
    memo[256] = 'm';
    ck_assert_uint_eq(code_of(&alice, (struct wallet_wish){.sequence = 1, .to = bob.text, .memo = memo}), CODES_FIELD_LIMIT);
}
END_TEST

START_TEST(code_22_for_an_unknown_message) {
    ck_assert_uint_eq(code_of(&alice, (struct wallet_wish){.to = bob.text, .type_url = "/cosmos.gov.v1.MsgVote\xc3\xa9"}), CODES_UNKNOWN_MESSAGE);
    ck_assert(log_is("message 0: unknown type /cosmos.gov.v1.MsgVote??"));
}
END_TEST

/* ---- waiting transactions */

START_TEST(several_of_one_sender_may_wait_in_sequence_and_a_gap_may_not) {
    for (uint64_t i = 0; i < 3; i++) {
        struct abci_check out = check(wallet_sign(&alice, &(struct wallet_wish){.sequence = i, .to = bob.text, .timeout_height = 50}));
        ck_assert_uint_eq(out.result.code, 0);
        ck_assert(span_equal(out.sender, span_of(alice.address, 20)));
        ck_assert_uint_eq(out.sequence, i);
        ck_assert_int_eq(out.expires, 50);
    }
    ck_assert_uint_eq(check(wallet_sign(&alice, &(struct wallet_wish){.sequence = 4, .to = bob.text})).result.code, CODES_WRONG_SEQUENCE);
    ck_assert_uint_eq(sequence_of(&alice), 0);
}
END_TEST

START_TEST(a_check_falls_back_to_the_committed_state_at_commit) {
    ck_assert_uint_eq(check(wallet_sign(&alice, &(struct wallet_wish){.sequence = 0, .to = bob.text})).result.code, 0);
    node_block(&main_node, 0, NULL);
    ck_assert_uint_eq(check(wallet_sign(&alice, &(struct wallet_wish){.sequence = 1, .to = bob.text})).result.code, CODES_WRONG_SEQUENCE);
    ck_assert_uint_eq(check(wallet_sign(&alice, &(struct wallet_wish){.sequence = 0, .to = bob.text})).result.code, 0);
}
END_TEST

START_TEST(what_waits_cannot_spend_twice_nor_what_is_not_yet_received) {
    ck_assert_uint_eq(check(wallet_sign(&alice, &(struct wallet_wish){.to = bob.text, .amount = "600"})).result.code, 0);
    struct wallet_wish again = {.sequence = 1, .to = bob.text, .amount = "600"};
    ck_assert_uint_eq(check(wallet_sign(&alice, &again)).result.code, CODES_INSUFFICIENT_FUNDS);
    struct wallet_wish more = {.account_number = 1, .to = alice.text, .amount = "501"};
    ck_assert_uint_eq(check(wallet_sign(&bob, &more)).result.code, CODES_INSUFFICIENT_FUNDS);
    again.amount = "400"; /* a refused check left its sequence free */
    ck_assert_uint_eq(check(wallet_sign(&alice, &again)).result.code, 0);
}
END_TEST

START_TEST(a_check_judges_expiry_for_the_next_height) {
    node_block(&main_node, 0, NULL);
    ck_assert_uint_eq(check(wallet_sign(&alice, &(struct wallet_wish){.to = bob.text, .timeout_height = 1})).result.code, CODES_EXPIRED);
    ck_assert_uint_eq(check(wallet_sign(&alice, &(struct wallet_wish){.to = bob.text, .timeout_height = 2})).result.code, 0);
}
END_TEST

START_TEST(a_proposal_drops_what_would_fail_keeps_the_order_and_its_size) {
    struct span txs[] = {
        wallet_sign(&alice, &(struct wallet_wish){.sequence = 1, .to = bob.text}),
        wallet_sign(&alice, &(struct wallet_wish){.sequence = 0, .to = bob.text}),
        span_text("garbage"),
        wallet_sign(&bob, &(struct wallet_wish){.account_number = 1, .to = alice.text}),
        wallet_sign(&alice, &(struct wallet_wish){.sequence = 1, .to = bob.text, .memo = "second"}),
        wallet_sign(&alice, &(struct wallet_wish){.sequence = 2, .to = bob.text, .timeout_height = 4}),
    };
    struct abci_block block = {.txs = txs, .tx_count = 6, .height = 5};
    uint32_t chosen[6];
    const struct app_table *table = main_node.app->table;
    ck_assert_uint_eq(table->prepare_proposal(main_node.app, chosen, &block, 100000, &main_node.arena), 3);
    ck_assert(chosen[0] == 1 && chosen[1] == 3 && chosen[2] == 4);
    int64_t two = (int64_t)(txs[1].size + 3 + txs[3].size + 3);
    ck_assert_uint_eq(table->prepare_proposal(main_node.app, chosen, &block, two, &main_node.arena), 2);
    ck_assert_uint_eq(table->prepare_proposal(main_node.app, chosen, &block, two - 1, &main_node.arena), 1);
    ck_assert_uint_eq(check(txs[1]).result.code, 0); /* nothing stayed of it */
}
END_TEST

/* ---- state */

static void root_of_leaves(uint8_t *out, struct smt_change *leaves, size_t count, uint32_t depth) {
    if (count < 2) {
        memset(out, 0, 32);
        if (count == 1)
            smt_leaf_hash(out, leaves[0].path, leaves[0].value);
        return;
    }
    size_t left = 0;
    uint8_t sides[2][32];
    while (left < count && (leaves[left].path[depth / 8] >> (7 - depth % 8) & 1) == 0)
        left++;
    root_of_leaves(sides[0], leaves, left, depth + 1);
    root_of_leaves(sides[1], leaves + left, count - left, depth + 1);
    sha256_prefixed(out, 1, span_of(sides[0], 32), span_of(sides[1], 32));
}

struct listing {
    struct smt_change leaves[2000];
    size_t count, prefix_size;
};

static bool list_one(void *context, struct span key, struct span value) {
    struct listing *listing = context;
    smt_change_of(&listing->leaves[listing->count++], span_of(key.data + listing->prefix_size, key.size - listing->prefix_size), value);
    return true;
}

static int by_path(const void *a, const void *b) { return memcmp(a, b, 32); }

/* The app hash by its definition, from nothing but the store. */
static struct app_hash hash_by_definition(struct kv *kv) {
    static const char *const names[] = {"acc", "bank", "gov", "rec", "role", "sys", "val"};
    static struct listing listing;
    struct app_hash hash = {.size = 32};
    struct merkle map;
    merkle_init(&map);
    for (int i = 0; i < 7; i++) {
        char from[20], to[20];
        uint8_t root[32], leaf[32];
        snprintf(from, sizeof from, "s/%s/", names[i]);
        snprintf(to, sizeof to, "s/%s0", names[i]);
        listing.count = 0;
        listing.prefix_size = strlen(from);
        kv_scan(kv, span_text(from), span_text(to), false, list_one, &listing);
        qsort(listing.leaves, listing.count, sizeof listing.leaves[0], by_path);
        root_of_leaves(root, listing.leaves, listing.count, 0);
        proofop_value_leaf(leaf, span_text(names[i]), span_of(root, 32));
        merkle_add_leaf_hash(&map, leaf);
    }
    merkle_root(&map, hash.bytes);
    return hash;
}

static void check_hash(struct node *node) {
    struct app_hash reported = hash_of(node), defined = hash_by_definition(node->kv);
    ck_assert(app_hash_equal(&reported, &defined));
}

START_TEST(the_app_hash_is_that_of_the_stores_and_an_empty_block_does_not_change_it) {
    check_hash(&main_node);
    struct app_hash genesis = hash_of(&main_node);
    node_block(&main_node, 0, NULL);
    struct app_hash empty = hash_of(&main_node);
    ck_assert(app_hash_equal(&genesis, &empty));
    run(wallet_sign(&alice, &(struct wallet_wish){.to = carol.text}));
    ck_assert(app_hash_equal(&done.app_hash, &(struct app_hash){0}) == false);
    struct app_hash changed = hash_of(&main_node);
    ck_assert(!app_hash_equal(&genesis, &changed));
    ck_assert(app_hash_equal(&done.app_hash, &changed));
    check_hash(&main_node);
}
END_TEST

START_TEST(a_restart_finds_height_hash_and_tree_again) {
    run(wallet_sign(&alice, &(struct wallet_wish){.to = carol.text}));
    node_init(&twin);
    struct span first = wallet_sign(&alice, &(struct wallet_wish){.to = carol.text});
    node_block(&twin, 1, &first);
    struct app_hash before = hash_of(&main_node);
    main_node.app->table->close(main_node.app);
    node_open(&main_node);
    struct abci_info info;
    main_node.app->table->info(main_node.app, &info, &main_node.arena);
    ck_assert_int_eq(info.last_block_height, 1);
    ck_assert(app_hash_equal(&info.last_block_app_hash, &before));
    struct span next = wallet_sign(&bob, &(struct wallet_wish){.account_number = 1, .to = alice.text});
    node_block(&main_node, 1, &next);
    node_block(&twin, 1, &next);
    struct app_hash one = hash_of(&main_node), other = hash_of(&twin);
    ck_assert(app_hash_equal(&one, &other));
    check_hash(&main_node);
}
END_TEST

static bool note_one(void *context, struct span key, struct span value) {
    kv_batch_put(context, key, value);
    return true;
}

static bool drop_one(void *context, struct span key, struct span value) {
    (void)value;
    kv_batch_delete(context, key);
    return true;
}

START_TEST(after_a_rollback_of_the_store_the_application_goes_on_from_what_is_there) {
    struct kv_batch before, restore;
    struct span key, value, tx = wallet_sign(&alice, &(struct wallet_wish){.to = carol.text, .amount = "5"});
    bool is_delete;
    kv_batch_init(&before);
    kv_batch_init(&restore);
    node_init(&twin);
    node_block(&main_node, 0, NULL);
    node_block(&twin, 0, NULL);
    kv_scan(main_node.kv, span_text("s"), span_text("t"), false, note_one, &before);
    ck_assert_uint_eq(run(tx)->code, 0);
    kv_scan(main_node.kv, span_text("s"), span_text("t"), false, drop_one, &restore);
    for (size_t cursor = 0; kv_batch_next(&before, &cursor, &key, &value, &is_delete);)
        kv_batch_put(&restore, key, value);
    kv_write(main_node.kv, &restore, true);
    main_node.height--;
    tx = wallet_sign(&alice, &(struct wallet_wish){.to = bob.text, .amount = "6"});
    node_block(&main_node, 1, &tx);
    ck_assert_uint_eq(done.tx_results[0].code, 0);
    node_block(&twin, 1, &tx);
    struct app_hash one = hash_of(&main_node), other = hash_of(&twin);
    ck_assert(app_hash_equal(&one, &other));
    check_hash(&main_node);
    kv_batch_close(&before);
    kv_batch_close(&restore);
}
END_TEST

static amount sum;

static bool add_up(void *context, struct span key, struct span value) {
    amount balance_read = 0;
    const char *denom = context;
    if (key.size == 28 + strlen(denom) && memcmp(key.data + 28, denom, strlen(denom)) == 0) {
        ck_assert(amount_decode(&balance_read, value));
        ck_assert(balance_read > 0);
        ck_assert(amount_add(&sum, sum, balance_read));
    }
    return true;
}

static amount sum_of(const char *denom) {
    sum = 0;
    kv_scan(main_node.kv, span_text("s/bank/b"), span_text("s/bank/c"), false, add_up, (void *)(uintptr_t)denom);
    return sum;
}

/* Two nodes get the same random blocks, full of bad transactions; one has checked each beforehand, the other none. */
START_TEST(supply_is_conserved_and_nodes_agree_whatever_is_in_the_blocks_and_whoever_checked_before) {
    enum { WALLETS = 6, PER_BLOCK = 30 };
    struct wallet wallets[WALLETS];
    node_init(&twin);
    srand(3);
    for (uint8_t i = 0; i < WALLETS; i++)
        wallets[i] = i == 0 ? alice : i == 1 ? bob : wallet_of(1 + i % 2, 10 + i);
    unsigned good = 0;
    for (int block = 0; block < 40; block++) {
        struct span txs[PER_BLOCK];
        uint64_t next[WALLETS] = {0}, numbers[WALLETS] = {0};
        struct account account;
        for (int i = 0; i < WALLETS; i++)
            if (account_in(&main_node, &account, &wallets[i])) {
                next[i] = account.sequence;
                numbers[i] = account.number;
            }
        for (int i = 0; i < PER_BLOCK; i++) {
            int from = rand() % WALLETS;
            char amount_written[20];
            snprintf(amount_written, sizeof amount_written, "%d", rand() % 200);
            struct wallet_wish wish = {.account_number = numbers[from],
                                       .sequence = next[from]++ + (uint64_t)(rand() % 10 == 0),
                                       .to = wallets[rand() % WALLETS].text,
                                       .amount = amount_written,
                                       .denom = rand() % 5 == 0 ? "gold" : "unit",
                                       .chain_id = rand() % 10 == 0 ? "other" : NULL,
                                       .to2 = rand() % 4 == 0 ? wallets[rand() % WALLETS].text : NULL,
                                       .timeout_height = rand() % 20 == 0 ? 3 : 0};
            txs[i] = wallet_sign(&wallets[from], &wish);
            if (rand() % 2 == 0)
                check(txs[i]);
        }
        struct abci_finalized ours;
        uint8_t codes[PER_BLOCK];
        node_block(&main_node, PER_BLOCK, txs);
        ours = done;
        for (int i = 0; i < PER_BLOCK; i++) {
            codes[i] = (uint8_t)ours.tx_results[i].code;
            good += codes[i] == 0;
        }
        node_block(&twin, PER_BLOCK, txs);
        for (int i = 0; i < PER_BLOCK; i++)
            ck_assert_uint_eq(codes[i], done.tx_results[i].code);
        struct app_hash one = hash_of(&main_node), other = hash_of(&twin);
        ck_assert(app_hash_equal(&one, &other));
        ck_assert(sum_of("unit") == 1500 && sum_of("gold") == 7);
    }
    check_hash(&main_node);
    ck_assert_uint_gt(good, 50);
}
END_TEST

START_TEST(a_block_of_random_bytes_changes_nothing) {
    struct app_hash before = hash_of(&main_node);
    struct span good = wallet_sign(&alice, &(struct wallet_wish){.to = bob.text});
    srand(9);
    for (int i = 0; i < 3000; i++) {
        uint8_t *bytes = malloc(good.size);
        memcpy(bytes, good.data, good.size);
        bytes[(size_t)rand() % good.size] ^= (uint8_t)(1 + rand() % 255);
        size_t size = rand() % 3 == 0 ? (size_t)rand() % good.size : good.size;
        ck_assert_uint_ne(check(span_of(bytes, size)).result.code, 0);
        ck_assert_uint_ne(run(span_of(bytes, size))->code, 0);
        free(bytes);
    }
    struct app_hash after = hash_of(&main_node);
    ck_assert(app_hash_equal(&before, &after));
}
END_TEST

/* ---- under a real ledger */

static void chain_transfer(struct chain *chain, uint64_t sequence, const char *amount_written) {
    struct span txs[] = {span_text("garbage, which the proposer drops"),
                         wallet_sign(&alice, &(struct wallet_wish){.sequence = sequence, .to = carol.text, .amount = amount_written})};
    struct address proposer = chain_proposer(chain);
    struct block *block = ledger_propose(&chain->ledger, &chain->last, &proposer, txs, NULL, 2, NULL, 0);
    ck_assert_uint_eq(block->tx_count, 1);
    ck_assert_int_eq(ledger_judge(&chain->ledger, block, NULL), BLOCK_GOOD);
    chain_apply(chain, block);
    block_release(block);
}

static amount chain_balance(struct chain *chain) {
    struct node node = {.kv = chain->kv};
    return balance_in(&node, &carol, "unit");
}

START_TEST(a_chain_of_transfers_survives_restarts_and_rollbacks) {
    struct chain chain;
    chain_open(&chain, &(struct chain_config){.open_app = app_ledger_open, .app_state = usual_genesis()});
    chain_transfer(&chain, 0, "5");
    chain_reopen(&chain); /* which compares heights and hashes */
    chain_transfer(&chain, 1, "6");
    ck_assert(chain_balance(&chain) == 11);
    struct app_hash two = chain.ledger.state.app_hash;
    ck_assert(ledger_rollback(&chain.ledger, true));
    ck_assert(chain_balance(&chain) == 5);
    chain_reopen(&chain);
    chain_transfer(&chain, 1, "6");
    ck_assert(app_hash_equal(&two, &chain.ledger.state.app_hash));
    chain_run(&chain, 3);
    ck_assert(app_hash_equal(&two, &chain.ledger.state.app_hash));
    chain_close(&chain);
}
END_TEST

START_TEST(a_chain_stopped_after_genesis_has_its_accounts_when_it_goes_on) {
    struct chain chain;
    chain_open(&chain, &(struct chain_config){.open_app = app_ledger_open, .app_state = usual_genesis(), .initial_height = 100});
    chain_reopen(&chain);
    chain_transfer(&chain, 0, "7");
    ck_assert_int_eq(chain.ledger.state.height, 100);
    ck_assert(chain_balance(&chain) == 7);
    chain_close(&chain);
}
END_TEST

/* ---- events */

static bool has_event(const char *type, const char *key, const char *value) {
    const struct abci_events *events = &done.tx_results[0].events;
    for (uint32_t i = 0; i < events->count; i++)
        for (uint32_t j = 0; span_equal(events->list[i].type, span_text(type)) && j < events->list[i].count; j++) {
            const struct abci_attribute *attribute = &events->list[i].attributes[j];
            if (span_equal(attribute->key, span_text(key)) && span_equal(attribute->value, span_text(value)))
                return attribute->index;
        }
    return false;
}

START_TEST(events_have_the_names_of_cosmos) {
    char account_sequence[120];
    ck_assert_uint_eq(code_of(&alice, (struct wallet_wish){.to = bob.text, .amount = "12"}), 0);
    ck_assert(has_event("transfer", "recipient", bob.text));
    ck_assert(has_event("transfer", "sender", alice.text));
    ck_assert(has_event("transfer", "amount", "12unit"));
    ck_assert(has_event("message", "action", "/cosmos.bank.v1beta1.MsgSend"));
    ck_assert(has_event("message", "sender", alice.text));
    snprintf(account_sequence, sizeof account_sequence, "%s/0", alice.text);
    ck_assert(has_event("tx", "acc_seq", account_sequence));
    ck_assert_uint_eq(code_of(&alice, (struct wallet_wish){.sequence = 1, .to = bob.text, .amount = "5000"}), CODES_INSUFFICIENT_FUNDS);
    snprintf(account_sequence, sizeof account_sequence, "%s/1", alice.text);
    ck_assert(has_event("tx", "acc_seq", account_sequence));
    ck_assert_uint_eq(done.tx_results[0].events.count, 1);
}
END_TEST

/* ---- queries */

static struct abci_answer answer;

static uint32_t ask(const char *path, struct span data, int64_t height) {
    struct abci_query question = {.data = data, .path = span_text(path), .height = height};
    main_node.app->table->query(main_node.app, &answer, &question, &main_node.arena);
    return answer.code;
}

static struct span two_texts(const char *one, const char *other) {
    static uint8_t bytes[300];
    struct proto_writer writer;
    proto_writer_init(&writer, bytes, sizeof bytes);
    proto_put_text(&writer, 1, one);
    proto_put_text(&writer, 2, other);
    return proto_writer_span(&writer);
}

static bool value_is(struct span expected) { return span_equal(answer.value, expected); }

START_TEST(the_account_query_answers_a_base_account) {
    uint8_t expected[400];
    struct proto_writer writer;
    run(wallet_sign(&bob, &(struct wallet_wish){.account_number = 1, .to = alice.text}));
    ck_assert_uint_eq(ask("/cosmos.auth.v1beta1.Query/Account", two_texts(bob.text, ""), 0), 0);
    proto_writer_init(&writer, expected, sizeof expected);
    size_t any = proto_begin(&writer, 1);
    proto_put_text(&writer, 1, "/cosmos.auth.v1beta1.BaseAccount");
    size_t base = proto_begin(&writer, 2);
    proto_put_text(&writer, 1, bob.text);
    cosmos_tx_write_key(&writer, 2, &bob.key);
    proto_put_uint64(&writer, 3, 1);
    proto_put_uint64(&writer, 4, 1);
    proto_end(&writer, base);
    proto_end(&writer, any);
    ck_assert(value_is(proto_writer_span(&writer)));
    ck_assert_int_eq(answer.height, 1);
}
END_TEST

START_TEST(an_unknown_account_is_not_found_in_the_words_that_cosmjs_looks_for) {
    ck_assert_uint_eq(ask("/cosmos.auth.v1beta1.Query/Account", two_texts(carol.text, ""), 0), CODES_NOT_FOUND);
    char expected[200];
    snprintf(expected, sizeof expected, "rpc error: code = NotFound desc = account %s not found: key not found", carol.text);
    ck_assert(span_equal(answer.log, span_text(expected)));
    ck_assert_uint_eq(ask("/cosmos.auth.v1beta1.Query/Account", two_texts("nonsense", ""), 0), CODES_PARSE);
    ck_assert_uint_eq(ask("/cosmos.auth.v1beta1.Query/Account", span_text("\xff"), 0), CODES_PARSE);
}
END_TEST

START_TEST(balances_and_supply_are_answered_as_coins) {
    /* {1: {1: "unit", 2: "500"}} */
    ck_assert_uint_eq(ask("/cosmos.bank.v1beta1.Query/Balance", two_texts(bob.text, "unit"), 0), 0);
    ck_assert(value_is(span_text("\x0a\x0b\x0a\x04unit\x12\x03" "500")));
    ck_assert_uint_eq(ask("/cosmos.bank.v1beta1.Query/Balance", two_texts(carol.text, "unit"), 0), 0);
    ck_assert(value_is(span_text("\x0a\x09\x0a\x04unit\x12\x01" "0")));
    ck_assert_uint_eq(ask("/cosmos.bank.v1beta1.Query/AllBalances", two_texts(bob.text, ""), 0), 0);
    ck_assert(value_is(span_text("\x0a\x09\x0a\x04gold\x12\x01" "7\x0a\x0b\x0a\x04unit\x12\x03" "500")));
    ck_assert_uint_eq(ask("/cosmos.bank.v1beta1.Query/AllBalances", two_texts(carol.text, ""), 0), 0);
    ck_assert_uint_eq(answer.value.size, 0);
    ck_assert_uint_eq(ask("/cosmos.bank.v1beta1.Query/SupplyOf", two_texts("unit", ""), 0), 0);
    ck_assert(value_is(span_text("\x0a\x0c\x0a\x04unit\x12\x04" "1500")));
    ck_assert_uint_eq(ask("/cosmos.bank.v1beta1.Query/SupplyOf", two_texts("!", ""), 0), CODES_PARSE);
}
END_TEST

START_TEST(the_account_path_answers_json) {
    char path[120], expected[300];
    snprintf(path, sizeof path, "/ledger/account/%s", bob.text);
    ck_assert_uint_eq(ask(path, span_text(""), 0), 0);
    snprintf(expected, sizeof expected,
             "{\"address\":\"%s\",\"account_number\":\"1\",\"sequence\":\"0\",\"coins\":[{\"denom\":\"gold\",\"amount\":\"7\"},"
             "{\"denom\":\"unit\",\"amount\":\"500\"}]}", bob.text);
    ck_assert(value_is(span_text(expected)));
}
END_TEST

/* As CosmJS asks: no signature, no sign mode, no fee. */
static struct span simulation_of(const struct wallet *wallet, uint64_t sequence, const char *amount_written) {
    static uint8_t request[1024];
    uint8_t body[512], auth[256], raw[900];
    struct span signed_tx = wallet_sign(wallet, &(struct wallet_wish){.sequence = sequence, .to = bob.text, .amount = amount_written});
    struct cosmos_tx tx;
    const char *why;
    ck_assert_int_eq(cosmos_tx_decode(&tx, &why, signed_tx), CODES_OK);
    memcpy(body, tx.body_bytes.data, tx.body_bytes.size);
    struct proto_writer writer;
    proto_writer_init(&writer, auth, sizeof auth);
    size_t signer = proto_begin(&writer, 1);
    cosmos_tx_write_key(&writer, 1, &wallet->key);
    proto_put_bytes(&writer, 2, span_of("\x0a\x00", 2));
    proto_put_uint64(&writer, 3, sequence);
    proto_end(&writer, signer);
    proto_put_bytes_always(&writer, 2, span_text(""));
    struct span auth_bytes = proto_writer_span(&writer);
    proto_writer_init(&writer, raw, sizeof raw);
    proto_put_bytes(&writer, 1, span_of(body, tx.body_bytes.size));
    proto_put_bytes(&writer, 2, auth_bytes);
    proto_put_bytes_always(&writer, 3, span_text(""));
    struct span raw_bytes = proto_writer_span(&writer);
    ck_assert_uint_eq(run(raw_bytes)->code, CODES_PARSE); /* it is no transaction */
    proto_writer_init(&writer, request, sizeof request);
    proto_put_bytes(&writer, 2, raw_bytes);
    return proto_writer_span(&writer);
}

START_TEST(a_simulation_needs_no_signature_and_its_gas_is_enough) {
    const char *path = "/cosmos.tx.v1beta1.Service/Simulate";
    ck_assert_uint_eq(ask(path, simulation_of(&alice, 0, "9"), 0), 0);
    struct proto_reader reader = proto_reader_over(answer.value);
    struct proto_field field;
    ck_assert(proto_next(&reader, &field) && field.number == 1);
    struct proto_reader gas = proto_sub(&reader, &field);
    ck_assert(proto_next(&gas, &field) && field.number == 2);
    uint64_t enough = proto_uint64(&gas, &field);
    ck_assert_uint_eq(ask(path, simulation_of(&alice, 0, "1001"), 0), CODES_INSUFFICIENT_FUNDS);
    ck_assert_uint_eq(ask(path, simulation_of(&alice, 1, "9"), 0), CODES_WRONG_SEQUENCE);
    ck_assert_uint_eq(ask(path, span_text("\xff"), 0), CODES_PARSE);
    ck_assert_uint_eq(ask(path, span_text(""), 0), CODES_PARSE);
    ck_assert_uint_eq(sequence_of(&alice), 0);
    ck_assert_uint_eq(code_of(&alice, (struct wallet_wish){.to = bob.text, .amount = "9", .gas_limit = enough}), 0);
}
END_TEST

START_TEST(unknown_paths_and_past_heights_have_their_codes) {
    ck_assert_uint_eq(ask("/store/acc/keys", span_text(""), 0), CODES_BAD_PATH);
    ck_assert_uint_eq(ask("", span_text(""), 0), CODES_BAD_PATH);
    ck_assert_uint_eq(ask("/cosmos.auth.v1beta1.Query/Accounts", span_text(""), 0), CODES_BAD_PATH);
    node_block(&main_node, 0, NULL);
    node_block(&main_node, 0, NULL);
    ck_assert_uint_eq(ask("/cosmos.bank.v1beta1.Query/SupplyOf", two_texts("unit", ""), 1), CODES_HEIGHT_PRUNED);
    ck_assert_uint_eq(ask("/cosmos.bank.v1beta1.Query/SupplyOf", two_texts("unit", ""), 2), 0);
    ck_assert_uint_eq(ask("/cosmos.bank.v1beta1.Query/SupplyOf", two_texts("unit", ""), 3), CODES_HEIGHT_PRUNED);
}
END_TEST

Suite *suite_app_ledger(void);
Suite *suite_app_ledger(void) {
    Suite *suite = suite_create("app_ledger");
    TCase *tests = tcase_create("app_ledger");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, a_transfer_moves_coins_and_counts_the_sequence_and_learns_the_key);
    tcase_add_test(tests, a_receiver_without_an_account_gets_one_with_the_next_number_and_can_send);
    tcase_add_test(tests, a_receiver_can_spend_in_the_same_block);
    tcase_add_test(tests, sending_to_oneself_changes_no_balance);
    tcase_add_test(tests, a_key_that_is_known_may_be_left_out_and_another_is_refused);
    tcase_add_test(tests, nobody_can_send_what_is_anothers);
    tcase_add_test(tests, bad_signatures_are_found_among_good_ones_that_no_check_has_seen);
    tcase_add_test(tests, code_2_for_what_is_no_transaction);
    tcase_add_test(tests, code_3_for_what_is_too_large);
    tcase_add_test(tests, code_4_for_a_signature_over_anything_else_another_chain_included);
    tcase_add_test(tests, code_6_for_an_account_that_does_not_exist);
    tcase_add_test(tests, code_7_for_another_sequence_and_the_log_says_which_in_the_words_of_cosmos);
    tcase_add_test(tests, code_8_beyond_the_timeout_height_and_not_at_it);
    tcase_add_test(tests, code_10_for_funds_that_are_not_there_and_the_sequence_is_used);
    tcase_add_test(tests, a_transaction_whose_second_message_fails_does_nothing_but_use_its_sequence);
    tcase_add_test(tests, code_16_beyond_the_gas_limit_and_gas_is_a_function_of_the_bytes);
    tcase_add_test(tests, code_21_for_a_memo_beyond_256_bytes);
    tcase_add_test(tests, code_22_for_an_unknown_message);
    tcase_add_test(tests, several_of_one_sender_may_wait_in_sequence_and_a_gap_may_not);
    tcase_add_test(tests, a_check_falls_back_to_the_committed_state_at_commit);
    tcase_add_test(tests, what_waits_cannot_spend_twice_nor_what_is_not_yet_received);
    tcase_add_test(tests, a_check_judges_expiry_for_the_next_height);
    tcase_add_test(tests, a_proposal_drops_what_would_fail_keeps_the_order_and_its_size);
    tcase_add_test(tests, the_app_hash_is_that_of_the_stores_and_an_empty_block_does_not_change_it);
    tcase_add_test(tests, a_restart_finds_height_hash_and_tree_again);
    tcase_add_test(tests, after_a_rollback_of_the_store_the_application_goes_on_from_what_is_there);
    tcase_add_test(tests, supply_is_conserved_and_nodes_agree_whatever_is_in_the_blocks_and_whoever_checked_before);
    tcase_add_test(tests, a_block_of_random_bytes_changes_nothing);
    tcase_add_test(tests, a_chain_of_transfers_survives_restarts_and_rollbacks);
    tcase_add_test(tests, a_chain_stopped_after_genesis_has_its_accounts_when_it_goes_on);
    tcase_add_test(tests, events_have_the_names_of_cosmos);
    tcase_add_test(tests, the_account_query_answers_a_base_account);
    tcase_add_test(tests, an_unknown_account_is_not_found_in_the_words_that_cosmjs_looks_for);
    tcase_add_test(tests, balances_and_supply_are_answered_as_coins);
    tcase_add_test(tests, the_account_path_answers_json);
    tcase_add_test(tests, a_simulation_needs_no_signature_and_its_gas_is_enough);
    tcase_add_test(tests, unknown_paths_and_past_heights_have_their_codes);
    suite_add_tcase(suite, tests);
    return suite;
}
