#include <check.h>
#include <stdlib.h>

#include "ledger/abci.h"

static struct arena arena;

static void setup(void) { arena_init(&arena, 1 << 20); }

static void teardown(void) { arena_close(&arena); }

static struct abci_attribute attributes[] = {{{(const uint8_t *)"k", 1}, {(const uint8_t *)"v", 1}, true},
                                             {{(const uint8_t *)"empty", 5}, {NULL, 0}, false}};
static struct abci_event events[] = {{{(const uint8_t *)"app", 3}, 2, attributes}, {{NULL, 0}, 0, NULL}};

static struct abci_finalized example(void) {
    static struct abci_tx_result results[3];
    static struct abci_validator_update updates[2];
    results[0] = (struct abci_tx_result){.code = 7,
                                         .data = span_text("data"),
                                         .log = span_text("log"),
                                         .info = span_text("info"),
                                         .gas_wanted = 9,
                                         .gas_used = -1,
                                         .events = {2, events},
                                         .codespace = span_text("space")};
    results[2] = (struct abci_tx_result){.data = span_text("x")};
    updates[0] = (struct abci_validator_update){pubkey_ed25519((const uint8_t *)"0123456789abcdef0123456789abcdef"), 5};
    updates[1] = (struct abci_validator_update){pubkey_secp256k1((const uint8_t *)"\2__0123456789abcdef0123456789abcd"), 0};
    return (struct abci_finalized){.events = {1, events},
                                   .tx_count = 3,
                                   .tx_results = results,
                                   .update_count = 2,
                                   .updates = updates,
                                   .has_params = true,
                                   .params_update = span_text("p"),
                                   .app_hash = {8, "12345678"}};
}

static struct span encode(const struct abci_finalized *finalized) {
    struct proto_writer writer;
    proto_writer_measure(&writer);
    abci_finalized_write(&writer, finalized);
    size_t size = writer.size;
    proto_writer_init(&writer, arena_take(&arena, size, 1), size);
    abci_finalized_write(&writer, finalized);
    ck_assert(!writer.overflow);
    ck_assert_uint_eq(writer.size, size);
    return proto_writer_span(&writer);
}

START_TEST(an_answer_read_back_is_the_answer_written) {
    struct abci_finalized finalized = example(), back;
    struct span bytes = encode(&finalized);
    ck_assert(abci_finalized_decode(&back, bytes, &arena));
    ck_assert_uint_eq(back.tx_count, 3);
    ck_assert_uint_eq(back.tx_results[0].events.list[0].count, 2);
    ck_assert(span_equal(back.tx_results[0].events.list[0].attributes[1].key, span_text("empty")));
    ck_assert_int_eq(back.tx_results[0].gas_used, -1);
    ck_assert(span_equal(back.tx_results[0].codespace, span_text("space")));
    ck_assert(pubkey_equal(&back.updates[1].pub_key, &finalized.updates[1].pub_key));
    ck_assert(back.has_params && span_equal(back.params_update, span_text("p")));
    ck_assert(span_equal(encode(&back), bytes));
}
END_TEST

START_TEST(cut_or_flipped_bytes_never_do_harm) {
    struct abci_finalized finalized = example();
    struct span bytes = encode(&finalized);
    uint8_t *copy = malloc(bytes.size);
    for (size_t i = 0; i < bytes.size; i++) {
        struct abci_finalized back;
        struct arena small;
        arena_init(&small, 1 << 16);
        abci_finalized_decode(&back, span_of(bytes.data, i), &small);
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(copy, bytes.data, bytes.size);
            copy[i] ^= (uint8_t)(1u << bit);
            arena_reset(&small);
            abci_finalized_decode(&back, span_of(copy, bytes.size), &small);
        }
        arena_close(&small);
    }
    free(copy);
}
END_TEST

START_TEST(more_than_the_arena_holds_is_refused) {
    struct abci_finalized finalized = example(), back;
    struct span bytes = encode(&finalized);
    struct arena small;
    arena_init(&small, 256);
    ck_assert(!abci_finalized_decode(&back, bytes, &small));
    arena_close(&small);
}
END_TEST

START_TEST(the_results_hash_covers_code_data_and_gas_and_nothing_else) {
    struct abci_finalized finalized = example();
    struct digest all, other;
    abci_results_hash(&all, finalized.tx_results, 3);
    finalized.tx_results[0].log = span_text("other");
    finalized.tx_results[0].info = span_of(NULL, 0);
    finalized.tx_results[0].events.count = 0;
    finalized.tx_results[0].codespace = span_text("else");
    abci_results_hash(&other, finalized.tx_results, 3);
    ck_assert(digest_equal(&all, &other));
    finalized.tx_results[2].gas_used = 1;
    abci_results_hash(&other, finalized.tx_results, 3);
    ck_assert(!digest_equal(&all, &other));
}
END_TEST

START_TEST(the_results_hash_is_the_tree_of_what_write_hashed_writes) {
    struct abci_finalized finalized = example();
    struct merkle tree;
    struct digest hash;
    uint8_t root[32];
    merkle_init(&tree);
    for (int i = 0; i < 3; i++) {
        uint8_t bytes[128];
        struct proto_writer writer;
        proto_writer_init(&writer, bytes, sizeof bytes);
        abci_tx_result_write_hashed(&writer, &finalized.tx_results[i]);
        merkle_add(&tree, proto_writer_span(&writer));
    }
    merkle_root(&tree, root);
    abci_results_hash(&hash, finalized.tx_results, 3);
    ck_assert_mem_eq(hash.bytes, root, 32);
}
END_TEST

Suite *suite_abci(void);
Suite *suite_abci(void) {
    Suite *suite = suite_create("abci");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, an_answer_read_back_is_the_answer_written);
    tcase_add_test(all, cut_or_flipped_bytes_never_do_harm);
    tcase_add_test(all, more_than_the_arena_holds_is_refused);
    tcase_add_test(all, the_results_hash_covers_code_data_and_gas_and_nothing_else);
    tcase_add_test(all, the_results_hash_is_the_tree_of_what_write_hashed_writes);
    suite_add_tcase(suite, all);
    return suite;
}
