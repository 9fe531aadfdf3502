#include <check.h>
#include <stdlib.h>

#include "tests/tendermint/smith.h"

Suite *suite_light_block(void);

static struct smith_chain chain;

static void set_up(void) {
    smith_open();
    smith_grow_many(&chain, 2, &(struct smith_step){.signers = 0x7});
}

static void tear_down(void) {
    smith_forget(&chain);
    smith_close();
}

static size_t encode(uint8_t *bytes, size_t capacity, const struct light_block *block) {
    struct proto_writer writer;
    proto_writer_init(&writer, bytes, capacity);
    light_block_write(&writer, block);
    ck_assert(!writer.overflow);
    return writer.size;
}

START_TEST(what_was_written_is_read) {
    uint8_t bytes[8192], again[8192];
    size_t size = encode(bytes, sizeof bytes, chain.blocks[1]);
    struct light_block *block = light_block_decode(span_of(bytes, size));
    ck_assert_ptr_nonnull(block);
    ck_assert(digest_equal(&block->hash, &chain.blocks[1]->hash));
    ck_assert(light_block_same_priorities(block, chain.blocks[1]));
    ck_assert_int_eq(light_check(block, smith_chain_id()), LIGHT_GOOD);
    ck_assert_uint_eq(encode(again, sizeof again, block), size);
    ck_assert_mem_eq(bytes, again, size);
    light_block_release(block);
}
END_TEST

START_TEST(no_byte_cut_off_or_changed_is_read_as_a_block_that_checks_out_but_for_what_nothing_covers) {
    uint8_t bytes[8192];
    size_t size = encode(bytes, sizeof bytes, chain.blocks[1]);
    for (size_t i = 0; i < size; i++) {
        struct light_block *block = light_block_decode(span_of(bytes, i));
        ck_assert(block == NULL || light_check(block, smith_chain_id()) != LIGHT_GOOD);
        light_block_release(block);
        bytes[i] ^= 0x40;
        block = light_block_decode(span_of(bytes, size));
        if (block != NULL && light_check(block, smith_chain_id()) == LIGHT_GOOD)
            ck_assert(digest_equal(&block->hash, &chain.blocks[1]->hash));
        light_block_release(block);
        bytes[i] ^= 0x40;
    }
}
END_TEST

START_TEST(members_in_any_order_make_the_one_set_and_doubles_make_none) {
    struct valset set, sorted;
    valset_init(&set);
    smith_set(&sorted, 0x1f);
    struct validator members[6];
    for (uint32_t i = 0; i < 5; i++)
        members[i] = sorted.validators[4 - i];
    ck_assert_int_eq(light_block_set_of(&set, members, 5), VALSET_GOOD);
    struct digest one, other;
    valset_hash(&one, &set);
    valset_hash(&other, &sorted);
    ck_assert(digest_equal(&one, &other));
    ck_assert_int_eq(set.proposer, valset_find_proposer(&sorted));
    members[5] = members[0];
    ck_assert_int_eq(light_block_set_of(&set, members, 6), VALSET_DUPLICATE);
    ck_assert_int_eq(light_block_set_of(&set, members, 0), VALSET_EMPTY);
    members[0].address.bytes[0] ^= 1;
    ck_assert_int_eq(light_block_set_of(&set, members, 5), VALSET_BAD_ENCODING);
    ck_assert_uint_eq(set.count, 5);
    valset_close(&set);
    valset_close(&sorted);
}
END_TEST

START_TEST(a_block_lives_as_long_as_somebody_holds_it) {
    struct light_block *block = light_block_hold(chain.blocks[0]);
    smith_forget(&chain);
    ck_assert_int_eq(block->header.height, 1);
    light_block_release(block);
}
END_TEST

Suite *suite_light_block(void) {
    Suite *suite = suite_create("light_block");
    TCase *tests = tcase_create("light_block");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, what_was_written_is_read);
    tcase_add_test(tests, no_byte_cut_off_or_changed_is_read_as_a_block_that_checks_out_but_for_what_nothing_covers);
    tcase_add_test(tests, members_in_any_order_make_the_one_set_and_doubles_make_none);
    tcase_add_test(tests, a_block_lives_as_long_as_somebody_holds_it);
    suite_add_tcase(suite, tests);
    return suite;
}
