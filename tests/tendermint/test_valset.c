#include <check.h>
#include <stdlib.h>

#include "tests/tendermint/signers.h"

Suite *suite_valset(void);

static struct valset set;

static void set_up(void) { valset_init(&set); }
static void tear_down(void) { valset_close(&set); }

static struct valset_change change(uint8_t name, int64_t power) {
    return (struct valset_change){.address = {1, {name}}, .power = power};
}

static void make(const struct valset_change *members, size_t count) {
    ck_assert_int_eq(valset_make(&set, members, count), VALSET_GOOD);
}

static uint8_t name_at(uint32_t i) { return set.validators[i].address.bytes[0]; }

START_TEST(members_stand_by_power_descending_then_address_ascending) {
    struct valset_change members[] = {change('c', 5), change('a', 5), change('b', 9)};
    make(members, 3);
    ck_assert_uint_eq(name_at(0), 'b');
    ck_assert_uint_eq(name_at(1), 'a');
    ck_assert_uint_eq(name_at(2), 'c');
    ck_assert_int_eq(set.total_power, 19);
    ck_assert_int_eq(set.proposer, 0);
}
END_TEST

START_TEST(no_members_make_an_empty_set) {
    make(NULL, 0);
    ck_assert_uint_eq(set.count, 0);
    ck_assert_int_eq(valset_find_proposer(&set), -1);
}
END_TEST

START_TEST(a_tie_goes_to_the_lower_address) {
    struct valset_change members[] = {change('b', 5), change('a', 5)};
    make(members, 2);
    ck_assert_uint_eq(name_at((uint32_t)set.proposer), 'a');
    valset_increment(&set, 1);
    ck_assert_uint_eq(name_at((uint32_t)set.proposer), 'b');
}
END_TEST

START_TEST(proposers_share_turns_by_power) {
    struct valset_change members[] = {change('a', 1), change('b', 2), change('c', 7)};
    unsigned turns[3] = {0};
    make(members, 3);
    for (int i = 0; i < 1000; i++) {
        turns[name_at((uint32_t)set.proposer) - 'a']++;
        valset_increment(&set, 1);
    }
    ck_assert_uint_eq(turns[0], 100);
    ck_assert_uint_eq(turns[1], 200);
    ck_assert_uint_eq(turns[2], 700);
}
END_TEST

/* The first turn pushes the priorities more than two totals apart; a second call sees that, a second turn does not. */
START_TEST(incrementing_twice_may_differ_from_incrementing_by_two) {
    struct valset_change members[] = {change('a', 10), change('b', 10), change('c', 1)};
    struct valset twin;
    valset_init(&twin);
    make(members, 3);
    set.validators[0].priority = set.validators[1].priority = 14;
    set.validators[2].priority = -28;
    valset_copy(&twin, &set);
    valset_increment(&set, 2);
    ck_assert_int_eq(set.validators[0].priority, 13);
    ck_assert_int_eq(set.validators[1].priority, 13);
    ck_assert_int_eq(set.validators[2].priority, -26);
    valset_increment(&twin, 1);
    valset_increment(&twin, 1);
    ck_assert_int_eq(twin.validators[0].priority, 11);
    ck_assert_int_eq(twin.validators[1].priority, 1);
    ck_assert_int_eq(twin.validators[2].priority, -12);
    valset_close(&twin);
}
END_TEST

START_TEST(rescaling_truncates_toward_zero_and_leaves_close_ones_alone) {
    struct valset_change members[] = {change('a', 1), change('b', 1), change('c', 1)};
    make(members, 3);
    set.validators[0].priority = -7;
    set.validators[1].priority = 7;
    set.validators[2].priority = 3;
    valset_rescale(&set, 14);
    ck_assert_int_eq(set.validators[0].priority, -7);
    valset_rescale(&set, 13); /* ratio 2 */
    ck_assert_int_eq(set.validators[0].priority, -3);
    ck_assert_int_eq(set.validators[1].priority, 3);
    ck_assert_int_eq(set.validators[2].priority, 1);
}
END_TEST

START_TEST(extreme_priorities_neither_trap_nor_overflow) {
    struct valset_change members[] = {change('a', VALSET_TOTAL_POWER_MAX - 1), change('b', 1)};
    make(members, 2);
    static const int64_t limits[] = {0, -1, 1, 2, 24, VALSET_TOTAL_POWER_MAX, INT64_MAX - 1, INT64_MAX};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        set.validators[0].priority = INT64_MIN;
        set.validators[1].priority = INT64_MAX;
        valset_rescale(&set, limits[i]);
        valset_centre(&set);
        valset_increment(&set, 3);
    }
    set.validators[0].priority = set.validators[1].priority = INT64_MAX;
    valset_increment(&set, 1);
    ck_assert_int_eq(set.validators[1].priority, 1); /* centred at 0, then one turn */
}
END_TEST

START_TEST(the_mean_is_floored) {
    struct valset_change members[] = {change('a', 1), change('b', 1)};
    make(members, 2);
    set.validators[0].priority = -1;
    set.validators[1].priority = 0;
    ck_assert_int_eq(valset_average_priority(&set), -1);
    set.validators[1].priority = 2;
    ck_assert_int_eq(valset_average_priority(&set), 0);
    set.validators[0].priority = set.validators[1].priority = INT64_MIN;
    ck_assert_int_eq(valset_average_priority(&set), INT64_MIN);
}
END_TEST

START_TEST(newcomers_start_an_eighth_more_than_the_total_behind) {
    struct valset_change members[] = {change('a', 80), change('b', 20)}, newcomer = change('c', 60), removal = change('b', 0);
    make(members, 2);
    set.validators[0].priority = set.validators[1].priority = 0;
    struct valset_change both[] = {removal, newcomer};
    ck_assert_int_eq(valset_update(&set, both, 2), VALSET_GOOD);
    /* 160 before the removal: −180; then centred between 0 and −180. */
    ck_assert_uint_eq(name_at(0), 'a');
    ck_assert_int_eq(set.validators[0].priority, 90);
    ck_assert_int_eq(set.validators[1].priority, -90);
    ck_assert_int_eq(set.total_power, 140);
}
END_TEST

static void refused(const struct valset_change *changes, size_t count, enum valset_verdict expected) {
    struct valset before;
    valset_init(&before);
    valset_copy(&before, &set);
    ck_assert_int_eq(valset_update(&set, changes, count), expected);
    ck_assert_uint_eq(set.count, before.count);
    ck_assert_mem_eq(set.validators, before.validators, before.count * sizeof before.validators[0]);
    ck_assert_int_eq(set.proposer, before.proposer);
    valset_close(&before);
}

START_TEST(a_refused_update_changes_nothing) {
    struct valset_change members[] = {change('a', 10), change('b', 10)};
    make(members, 2);
    refused((struct valset_change[]){change('c', 1), change('c', 2)}, 2, VALSET_DUPLICATE);
    refused((struct valset_change[]){change('c', 1), change('c', 0)}, 2, VALSET_DUPLICATE);
    refused((struct valset_change[]){change('a', -1)}, 1, VALSET_NEGATIVE_POWER);
    refused((struct valset_change[]){change('c', 0)}, 1, VALSET_UNKNOWN_REMOVED);
    refused((struct valset_change[]){change('a', 0), change('b', 0)}, 2, VALSET_EMPTY);
    refused((struct valset_change[]){change('a', VALSET_TOTAL_POWER_MAX)}, 1, VALSET_POWER_OVERFLOW);
    refused((struct valset_change[]){change('c', INT64_MAX)}, 1, VALSET_POWER_OVERFLOW);
}
END_TEST

START_TEST(power_may_pass_the_maximum_before_removals_but_not_after) {
    struct valset_change members[] = {change('a', VALSET_TOTAL_POWER_MAX - 1), change('b', 1)};
    make(members, 2);
    struct valset_change swap[] = {change('a', 0), change('c', VALSET_TOTAL_POWER_MAX - 1)};
    ck_assert_int_eq(valset_update(&set, swap, 2), VALSET_GOOD);
    ck_assert_int_eq(set.total_power, VALSET_TOTAL_POWER_MAX);
    refused((struct valset_change[]){change('b', 2)}, 1, VALSET_POWER_OVERFLOW);
}
END_TEST

START_TEST(a_set_larger_than_the_maximum_is_refused) {
    struct valset_change *members = calloc(VALSET_COUNT_MAX + 1, sizeof members[0]);
    for (uint32_t i = 0; i <= VALSET_COUNT_MAX; i++)
        members[i] = (struct valset_change){.address = {4, {(uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}}, .power = 1};
    ck_assert_int_eq(valset_make(&set, members, VALSET_COUNT_MAX + 1), VALSET_TOO_MANY);
    ck_assert_int_eq(valset_make(&set, members, VALSET_COUNT_MAX), VALSET_GOOD);
    free(members);
}
END_TEST

START_TEST(the_index_finds_whom_the_search_finds) {
    struct valset_change members[200];
    for (int i = 0; i < 200; i++)
        members[i] = change((uint8_t)(i * 37), 1 + i % 7);
    make(members, 200);
    struct valset_index index;
    valset_index_init(&index, &set);
    for (int name = 0; name < 256; name++) {
        struct address address = {1, {(uint8_t)name}};
        ck_assert_int_eq(valset_index_find(&index, &address), valset_find(&set, &address));
    }
    valset_index_close(&index);
}
END_TEST

START_TEST(quorum_is_the_least_above_two_thirds) {
    for (int64_t total = 1; total < 50; total++) {
        set.total_power = total;
        int64_t quorum = valset_quorum(&set);
        ck_assert_int_gt(3 * quorum, 2 * total);
        ck_assert_int_le(3 * (quorum - 1), 2 * total);
    }
    set.total_power = VALSET_TOTAL_POWER_MAX;
    ck_assert_int_gt(valset_quorum(&set), VALSET_TOTAL_POWER_MAX / 3 * 2);
}
END_TEST

START_TEST(priorities_do_not_change_the_hash_but_powers_do) {
    static const int64_t powers[] = {5, 6, 7};
    struct signers signers;
    struct digest before, after;
    signers_init(&signers, powers, 3, 4);
    valset_hash(&before, &signers.set);
    valset_increment(&signers.set, 5);
    valset_hash(&after, &signers.set);
    ck_assert(digest_equal(&before, &after));
    signers.set.validators[2].power++;
    valset_hash(&after, &signers.set);
    ck_assert(!digest_equal(&before, &after));
    signers_close(&signers);
}
END_TEST

/* Wire */

static size_t encode(uint8_t *out, size_t capacity, const struct valset *from) {
    struct proto_writer writer;
    proto_writer_init(&writer, out, capacity);
    valset_write(&writer, from);
    ck_assert(!writer.overflow);
    return writer.size;
}

static enum valset_verdict decode_of(const struct valset *from) {
    uint8_t bytes[2048];
    return valset_decode(&set, span_of(bytes, encode(bytes, sizeof bytes, from)));
}

START_TEST(a_decoded_set_has_order_priorities_proposer_and_total) {
    static const int64_t powers[] = {5, 6, 7, 8};
    struct signers signers;
    signers_init(&signers, powers, 4, 2);
    valset_increment(&signers.set, 2);
    ck_assert_int_eq(decode_of(&signers.set), VALSET_GOOD);
    ck_assert_int_eq(set.total_power, 26);
    ck_assert_int_eq(set.proposer, signers.set.proposer);
    for (uint32_t i = 0; i < 4; i++) {
        ck_assert(address_equal(&set.validators[i].address, &signers.set.validators[i].address));
        ck_assert(pubkey_equal(&set.validators[i].pub_key, &signers.set.validators[i].pub_key));
        ck_assert_int_eq(set.validators[i].priority, signers.set.validators[i].priority);
    }
    signers_close(&signers);
}
END_TEST

START_TEST(decoding_refuses_what_no_set_may_hold) {
    static const int64_t powers[] = {5, 6, 7};
    struct signers signers;
    signers_init(&signers, powers, 3, 0);
    struct validator *validators = signers.set.validators, saved = validators[1];
    ck_assert_int_eq(valset_decode(&set, span_of(NULL, 0)), VALSET_EMPTY);
    validators[1].power = -1;
    ck_assert_int_eq(decode_of(&signers.set), VALSET_NEGATIVE_POWER);
    validators[1].power = VALSET_TOTAL_POWER_MAX;
    ck_assert_int_eq(decode_of(&signers.set), VALSET_POWER_OVERFLOW);
    validators[1] = saved;
    validators[1].address.bytes[3] ^= 1;
    ck_assert_int_eq(decode_of(&signers.set), VALSET_BAD_ENCODING);
    validators[1] = saved;
    validators[1].pub_key.type = PUBKEY_NONE;
    ck_assert_int_eq(decode_of(&signers.set), VALSET_BAD_ENCODING);
    validators[1] = validators[2];
    ck_assert_int_eq(decode_of(&signers.set), VALSET_DUPLICATE);
    validators[1] = saved;
    ck_assert_int_eq(decode_of(&signers.set), VALSET_GOOD);
    signers_close(&signers);
}
END_TEST

START_TEST(a_proposer_must_be_a_member_and_present) {
    static const int64_t powers[] = {5, 6};
    uint8_t bytes[1024];
    struct signers signers;
    struct proto_writer writer;
    signers_init(&signers, powers, 2, 0);
    for (uint32_t proposer = 0; proposer < 2; proposer++) {
        proto_writer_init(&writer, bytes, sizeof bytes);
        size_t mark = proto_begin(&writer, 1);
        validator_write(&writer, &signers.set.validators[0]);
        proto_end(&writer, mark);
        ck_assert_int_eq(valset_decode(&set, proto_writer_span(&writer)), VALSET_BAD_ENCODING);
        mark = proto_begin(&writer, 2);
        validator_write(&writer, &signers.set.validators[proposer]);
        proto_end(&writer, mark);
        ck_assert_int_eq(valset_decode(&set, proto_writer_span(&writer)), proposer == 0 ? VALSET_GOOD : VALSET_BAD_ENCODING);
    }
    signers_close(&signers);
}
END_TEST

START_TEST(more_members_than_allowed_are_refused_before_memory_is_taken) {
    uint8_t *bytes = calloc(VALSET_COUNT_MAX + 1, 2);
    for (size_t i = 0; i <= VALSET_COUNT_MAX; i++)
        bytes[2 * i] = 0x0a;
    ck_assert_int_eq(valset_decode(&set, span_of(bytes, 2 * (VALSET_COUNT_MAX + 1))), VALSET_TOO_MANY);
    free(bytes);
}
END_TEST

static void decode_any(struct span bytes) {
    if (valset_decode(&set, bytes) == VALSET_GOOD)
        valset_increment(&set, 2);
}

START_TEST(no_bytes_break_the_decoder) {
    static const int64_t powers[] = {5, 6};
    uint8_t bytes[1024];
    struct signers signers;
    signers_init(&signers, powers, 2, 1);
    torture(span_of(bytes, encode(bytes, sizeof bytes, &signers.set)), decode_any);
    signers_close(&signers);
}
END_TEST

Suite *suite_valset(void) {
    Suite *suite = suite_create("valset");
    TCase *tests = tcase_create("valset");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, members_stand_by_power_descending_then_address_ascending);
    tcase_add_test(tests, no_members_make_an_empty_set);
    tcase_add_test(tests, a_tie_goes_to_the_lower_address);
    tcase_add_test(tests, proposers_share_turns_by_power);
    tcase_add_test(tests, incrementing_twice_may_differ_from_incrementing_by_two);
    tcase_add_test(tests, rescaling_truncates_toward_zero_and_leaves_close_ones_alone);
    tcase_add_test(tests, extreme_priorities_neither_trap_nor_overflow);
    tcase_add_test(tests, the_mean_is_floored);
    tcase_add_test(tests, newcomers_start_an_eighth_more_than_the_total_behind);
    tcase_add_test(tests, a_refused_update_changes_nothing);
    tcase_add_test(tests, power_may_pass_the_maximum_before_removals_but_not_after);
    tcase_add_test(tests, a_set_larger_than_the_maximum_is_refused);
    tcase_add_test(tests, the_index_finds_whom_the_search_finds);
    tcase_add_test(tests, quorum_is_the_least_above_two_thirds);
    tcase_add_test(tests, priorities_do_not_change_the_hash_but_powers_do);
    tcase_add_test(tests, a_decoded_set_has_order_priorities_proposer_and_total);
    tcase_add_test(tests, decoding_refuses_what_no_set_may_hold);
    tcase_add_test(tests, a_proposer_must_be_a_member_and_present);
    tcase_add_test(tests, more_members_than_allowed_are_refused_before_memory_is_taken);
    tcase_add_test(tests, no_bytes_break_the_decoder);
    suite_add_tcase(suite, tests);
    return suite;
}
