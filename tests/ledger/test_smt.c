#include <check.h>
#include <stdlib.h>

#include "crypto/text.h"
#include "ledger/smt.h"

static struct smt tree;

static void setup(void) { smt_init(&tree); }
static void teardown(void) { smt_close(&tree); }

static struct smt_change change_of(uint32_t number, const char *value) {
    uint8_t key[4] = {(uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number};
    struct smt_change change;
    smt_change_of(&change, span_of(key, 4), value == NULL ? span_of(NULL, 0) : span_text(value));
    return change;
}

static void set(uint32_t number, const char *value) {
    struct smt_change change = change_of(number, value);
    smt_update(&tree, &change, 1);
}

static void set_range(uint32_t from, uint32_t to, const char *value) {
    for (uint32_t i = from; i < to; i++)
        set(i, value);
}

static void expect_root(const char *hex) {
    uint8_t root[SMT_BYTES];
    char text[TEXT_HEX_SIZE(SMT_BYTES)];
    smt_root(&tree, root);
    text_hex_lower(text, span_of(root, SMT_BYTES));
    ck_assert_str_eq(text, hex);
}

/* Roots published with the Celestia-style sparse Merkle tests (keys are 4-byte big-endian numbers, values "DATA"). */
START_TEST(roots_are_those_published_for_the_same_keys) {
    expect_root("0000000000000000000000000000000000000000000000000000000000000000");
    set(0, "DATA");
    expect_root("39f36a7cb4dfb1b46f03d044265df6a491dffc1034121bc1071a34ddce9bb14b");
    set(1, "DATA");
    expect_root("8d0ae412ca9ca0afcb3217af8bcd5a673e798bd6fd1dfacad17711e883f494cb");
    set(2, "DATA");
    expect_root("52295e42d8de2505fdc0cc825ff9fead419cbcf540d8b30c7c4b9c9b94c268b7");
    set_range(3, 5, "DATA");
    expect_root("108f731f2414e33ae57e584dc26bd276db07874436b2264ca6e520c658185c6b");
    set_range(5, 10, "DATA");
    expect_root("21ca4917e99da99a61de93deaf88c400d4c082991cb95779e444d43dd13e8849");
    set_range(10, 100, "DATA");
    expect_root("82bf747d455a55e2f7044a03536fc43f1f55d43b855e72c0110c986707a23e4d");
}
END_TEST

START_TEST(deleting_leads_back_to_the_root_of_what_is_left) {
    set_range(0, 10, "DATA");
    set_range(5, 15, NULL);
    expect_root("108f731f2414e33ae57e584dc26bd276db07874436b2264ca6e520c658185c6b");
    set(1024, NULL);
    expect_root("108f731f2414e33ae57e584dc26bd276db07874436b2264ca6e520c658185c6b");
    set_range(10, 20, "DATA");
    set_range(15, 25, NULL);
    set_range(20, 30, "DATA");
    set_range(25, 35, NULL);
    expect_root("7e6643325042cfe0fc76626c043b97062af51c7e9fc56665f12b479034bce326");
    set_range(0, 35, NULL);
    expect_root("0000000000000000000000000000000000000000000000000000000000000000");
    ck_assert_uint_eq(tree.count, 0);
}
END_TEST

/* The definition, word for word, over sorted leaves. */
static void root_by_definition(uint8_t *out, const struct smt_change *leaves, size_t count, uint32_t depth) {
    if (count == 0) {
        memset(out, 0, SMT_BYTES);
        return;
    }
    if (count == 1) {
        smt_leaf_hash(out, leaves[0].path, leaves[0].value);
        return;
    }
    size_t left = 0;
    while (left < count && (leaves[left].path[depth / 8] >> (7 - depth % 8) & 1) == 0)
        left++;
    uint8_t sides[2][SMT_BYTES];
    root_by_definition(sides[0], leaves, left, depth + 1);
    root_by_definition(sides[1], leaves + left, count - left, depth + 1);
    sha256_prefixed(out, 1, span_of(sides[0], SMT_BYTES), span_of(sides[1], SMT_BYTES));
}

static int compare(const void *a, const void *b) { return memcmp(a, b, SMT_BYTES); }

/* Forged paths: all alike but for one of their last bits, so that the chains of lone forks are as long as can be. */
static void forge(struct smt_change *change, uint32_t number) {
    memset(change, 0, sizeof *change);
    change->path[31] = (uint8_t)number;
    change->path[number % 7] = (uint8_t)(number >> 4);
    memcpy(change->value, change->path, SMT_BYTES);
    change->value[5] ^= 0x55;
}

START_TEST(random_batches_give_the_root_of_the_definition_whatever_the_order) {
    enum { KEYS = 400 };
    static struct smt_change batch[KEYS], present[KEYS];
    static bool is_present[KEYS];
    srand(11);
    for (int round = 0; round < 300; round++) {
        size_t count = 0, kept = 0;
        for (uint32_t i = 0; i < KEYS; i++) {
            if (rand() % (1 + round % 20) != 0)
                continue;
            bool is_delete = rand() % 3 == 0;
            if (i < KEYS / 2)
                batch[count] = change_of(i, is_delete ? NULL : "v");
            else
                forge(&batch[count], i);
            batch[count++].is_delete = is_delete;
            is_present[i] = !is_delete;
        }
        smt_update(&tree, batch, count);
        for (uint32_t i = 0; i < KEYS; i++) {
            if (!is_present[i])
                continue;
            if (i < KEYS / 2)
                present[kept] = change_of(i, "v");
            else
                forge(&present[kept], i);
            kept++;
        }
        uint8_t expected[SMT_BYTES], root[SMT_BYTES];
        qsort(present, kept, sizeof *present, compare);
        root_by_definition(expected, present, kept, 0);
        smt_root(&tree, root);
        ck_assert_mem_eq(root, expected, SMT_BYTES);
        ck_assert_uint_eq(tree.count, kept);
    }
}
END_TEST

START_TEST(another_value_gives_another_root_and_the_old_value_the_old_root) {
    uint8_t before[SMT_BYTES], after[SMT_BYTES];
    set_range(0, 50, "DATA");
    smt_root(&tree, before);
    set(7, "OTHER");
    smt_root(&tree, after);
    ck_assert_mem_ne(before, after, SMT_BYTES);
    set(7, "DATA");
    smt_root(&tree, after);
    ck_assert_mem_eq(before, after, SMT_BYTES);
}
END_TEST

START_TEST(an_entry_costs_at_most_150_bytes_and_deleted_ones_are_used_again) {
    enum { COUNT = 200000 };
    struct smt_change *changes = malloc(COUNT * sizeof *changes);
    for (uint32_t i = 0; i < COUNT; i++)
        changes[i] = change_of(i, "some balance");
    smt_update(&tree, changes, COUNT);
    ck_assert_uint_le(smt_memory(&tree), (size_t)COUNT * 150);
    size_t memory = smt_memory(&tree);
    for (uint32_t i = 0; i < COUNT; i++)
        changes[i].is_delete = true;
    smt_update(&tree, changes, COUNT);
    ck_assert_uint_eq(tree.count, 0);
    for (uint32_t i = 0; i < COUNT; i++)
        changes[i].is_delete = false;
    smt_update(&tree, changes, COUNT);
    ck_assert_uint_eq(smt_memory(&tree), memory);
    free(changes);
}
END_TEST

Suite *suite_smt(void);
START_TEST(a_key_that_is_there_cannot_be_proven_absent_by_its_own_leaf) {
    set_range(0, 50, "DATA");
    uint8_t root[SMT_BYTES], leads_to[SMT_BYTES];
    struct smt_proof proof;
    smt_root(&tree, root);
    for (uint32_t number = 0; number < 50; number++) {
        uint8_t key[4] = {0, 0, 0, (uint8_t)number};
        smt_prove(&tree, &proof, span_of(key, 4));
        ck_assert_int_eq(proof.end, SMT_END_KEY);
        ck_assert(smt_proof_root(&proof, leads_to, span_of(key, 4)));
        ck_assert_mem_eq(leads_to, root, SMT_BYTES);
        proof.end = SMT_END_OTHER;
        ck_assert(!smt_proof_root(&proof, leads_to, span_of(key, 4)));
        proof.end = SMT_END_NOTHING;
        ck_assert(!smt_proof_root(&proof, leads_to, span_of(key, 4)) || memcmp(leads_to, root, SMT_BYTES) != 0);
    }
}
END_TEST

Suite *suite_smt(void) {
    Suite *suite = suite_create("smt");
    TCase *tests = tcase_create("smt");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, roots_are_those_published_for_the_same_keys);
    tcase_add_test(tests, deleting_leads_back_to_the_root_of_what_is_left);
    tcase_add_test(tests, random_batches_give_the_root_of_the_definition_whatever_the_order);
    tcase_add_test(tests, another_value_gives_another_root_and_the_old_value_the_old_root);
    tcase_add_test(tests, an_entry_costs_at_most_150_bytes_and_deleted_ones_are_used_again);
    tcase_add_test(tests, a_key_that_is_there_cannot_be_proven_absent_by_its_own_leaf);
    suite_add_tcase(suite, tests);
    return suite;
}
