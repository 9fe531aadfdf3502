#include <check.h>
#include <stdlib.h>

#include "tests/tendermint/signers.h"

Suite *suite_commit(void);

enum { FOUR = 4 };

static struct signers signers;
static struct block_id block;
static struct arena arena;

static void set_up(void) {
    static const int64_t powers[] = {10, 10, 10, 10};
    signers_init(&signers, powers, FOUR, 0);
    block = signers_block(1);
    arena_init(&arena, 1 << 22);
}

static void tear_down(void) {
    signers_close(&signers);
    arena_close(&arena);
}

#define FLAGS(a, b, c, d) ((const int32_t[]){(a), (b), (c), (d)})
enum { ABSENT = COMMIT_ABSENT, BLOCK = COMMIT_FOR_BLOCK, NIL = COMMIT_FOR_NIL };

static enum commit_verdict verify(const struct commit *commit) {
    return commit_verify(commit, NULL, &signers.set, signers_chain(), &block, 5, NULL);
}

static enum commit_verdict verify_light(const struct commit *commit) {
    return commit_verify_light(commit, &signers.set, signers_chain(), &block, 5);
}

static enum commit_verdict verify_third(const struct commit *commit) {
    return commit_verify_trusting(commit, &signers.set, signers_chain(), 1, 3, false);
}

/* Shape and bytes */

START_TEST(what_was_written_is_read) {
    struct commit commit = signers_commit(&signers, 5, FLAGS(BLOCK, NIL, ABSENT, BLOCK)), again;
    uint8_t bytes[1024], twice[1024];
    struct proto_writer writer;
    struct digest hash, hash_again;
    proto_writer_init(&writer, bytes, sizeof bytes);
    commit_write(&writer, &commit);
    ck_assert(commit_decode(&again, proto_writer_span(&writer), &arena));
    size_t size = writer.size;
    proto_writer_init(&writer, twice, sizeof twice);
    commit_write(&writer, &again);
    ck_assert_uint_eq(writer.size, size);
    ck_assert_mem_eq(bytes, twice, size);
    commit_hash(&hash, &commit);
    commit_hash(&hash_again, &again);
    ck_assert(digest_equal(&hash, &hash_again));
    ck_assert_int_eq(commit_check(&again), COMMIT_GOOD);
}
END_TEST

START_TEST(an_empty_commit_is_the_known_six_bytes_less_two) {
    struct commit commit = {0};
    uint8_t bytes[16];
    struct proto_writer writer;
    proto_writer_init(&writer, bytes, sizeof bytes);
    commit_write(&writer, &commit);
    ck_assert_uint_eq(writer.size, 4);
    ck_assert_mem_eq(bytes, "\x1a\x02\x12\x00", 4);
    ck_assert_int_eq(commit_check(&commit), COMMIT_GOOD);
}
END_TEST

START_TEST(the_hash_covers_entries_only) {
    struct commit commit = signers_commit(&signers, 5, FLAGS(BLOCK, BLOCK, BLOCK, BLOCK));
    struct digest before, after;
    commit_hash(&before, &commit);
    commit.height = 9;
    commit.block_id = signers_block(3);
    commit_hash(&after, &commit);
    ck_assert(digest_equal(&before, &after));
    commit.sigs[2].timestamp.nanos++;
    commit_hash(&after, &commit);
    ck_assert(!digest_equal(&before, &after));
}
END_TEST

START_TEST(an_entry_stands_for_a_precommit_for_the_block_or_for_nil) {
    struct commit commit = signers_commit(&signers, 5, FLAGS(BLOCK, NIL, ABSENT, BLOCK));
    struct vote vote;
    commit_vote(&vote, &commit, 0);
    ck_assert(block_id_equal(&vote.block_id, &block));
    ck_assert_int_eq(vote_check(&vote), VOTE_GOOD);
    commit_vote(&vote, &commit, 1);
    ck_assert(block_id_is_nil(&vote.block_id));
    ck_assert_int_eq(vote.validator_index, 1);
    ck_assert_int_eq(vote.round, commit.round);
    ck_assert(vote_verify_vartime(&vote, signers_chain(), &signers.set.validators[1].pub_key));
}
END_TEST

static void check_after(void (*spoil)(struct commit *commit)) {
    struct commit commit = signers_commit(&signers, 5, FLAGS(BLOCK, NIL, ABSENT, BLOCK));
    ck_assert_int_eq(commit_check(&commit), COMMIT_GOOD);
    spoil(&commit);
    ck_assert_int_eq(commit_check(&commit), COMMIT_BAD_SHAPE);
}

static void negative_height(struct commit *commit) { commit->height = -1; }
static void negative_round(struct commit *commit) { commit->round = -1; }
static void nil_block(struct commit *commit) { commit->block_id = (struct block_id){0}; }
static void no_entries(struct commit *commit) { commit->count = 0; }
static void unknown_flag(struct commit *commit) { commit->sigs[0].flag = 4; }
static void zero_flag(struct commit *commit) { commit->sigs[0].flag = 0; }
static void short_address(struct commit *commit) { commit->sigs[0].validator_address.size = 19; }
static void no_signature(struct commit *commit) { commit->sigs[1].signature.size = 0; }
static void absent_with_address(struct commit *commit) { commit->sigs[2].validator_address.size = 20; }
static void absent_with_time(struct commit *commit) { commit->sigs[2].timestamp.seconds = 0; }
static void absent_with_signature(struct commit *commit) { commit->sigs[2].signature.size = 64; }

START_TEST(each_malformed_commit_is_refused) {
    check_after(negative_height);
    check_after(negative_round);
    check_after(nil_block);
    check_after(no_entries);
    check_after(unknown_flag);
    check_after(zero_flag);
    check_after(short_address);
    check_after(no_signature);
    check_after(absent_with_address);
    check_after(absent_with_time);
    check_after(absent_with_signature);
}
END_TEST

START_TEST(too_many_entries_are_refused_before_memory_is_taken) {
    uint8_t *bytes = calloc(VOTE_COUNT_MAX + 1, 2);
    struct commit commit;
    for (size_t i = 0; i <= VOTE_COUNT_MAX; i++)
        bytes[2 * i] = 0x22;
    ck_assert(!commit_decode(&commit, span_of(bytes, 2 * (VOTE_COUNT_MAX + 1)), &arena));
    ck_assert_uint_eq(arena.bytes_taken, 0);
    ck_assert(commit_decode(&commit, span_of(bytes, 2 * VOTE_COUNT_MAX), &arena));
    ck_assert_uint_eq(commit.count, VOTE_COUNT_MAX);
    ck_assert_int_eq(commit_check(&commit), COMMIT_BAD_SHAPE);
    free(bytes);
}
END_TEST

START_TEST(an_arena_without_room_refuses_the_commit) {
    uint8_t bytes[] = {0x22, 0, 0x22, 0};
    struct arena small;
    struct commit commit;
    arena_init(&small, 64);
    ck_assert(!commit_decode(&commit, span_of(bytes, sizeof bytes), &small));
    arena_close(&small);
}
END_TEST

/* Verification */

START_TEST(more_than_two_thirds_for_the_block_are_needed) {
    struct commit commit = signers_commit(&signers, 5, FLAGS(BLOCK, BLOCK, BLOCK, ABSENT));
    ck_assert_int_eq(verify(&commit), COMMIT_GOOD);
    ck_assert_int_eq(verify_light(&commit), COMMIT_GOOD);
    commit = signers_commit(&signers, 5, FLAGS(BLOCK, BLOCK, ABSENT, ABSENT));
    ck_assert_int_eq(verify(&commit), COMMIT_NO_QUORUM);
    ck_assert_int_eq(verify_light(&commit), COMMIT_NO_QUORUM);
    commit = signers_commit(&signers, 5, FLAGS(BLOCK, BLOCK, NIL, NIL)); /* nil votes do not count */
    ck_assert_int_eq(verify(&commit), COMMIT_NO_QUORUM);
}
END_TEST

START_TEST(exactly_two_thirds_are_not_enough) {
    static const int64_t powers[] = {1, 1, 1};
    struct signers three;
    signers_init(&three, powers, 3, 0);
    struct commit commit = signers_commit(&three, 5, FLAGS(BLOCK, BLOCK, ABSENT, 0));
    ck_assert_int_eq(commit_verify(&commit, NULL, &three.set, signers_chain(), &block, 5, NULL), COMMIT_NO_QUORUM);
    commit = signers_commit(&three, 5, FLAGS(BLOCK, BLOCK, BLOCK, 0));
    ck_assert_int_eq(commit_verify(&commit, NULL, &three.set, signers_chain(), &block, 5, NULL), COMMIT_GOOD);
    signers_close(&three);
}
END_TEST

START_TEST(a_commit_for_another_height_block_size_or_chain_is_refused) {
    struct commit commit = signers_commit(&signers, 5, FLAGS(BLOCK, BLOCK, BLOCK, BLOCK));
    struct block_id other = signers_block(2);
    ck_assert_int_eq(commit_verify(&commit, NULL, &signers.set, signers_chain(), &block, 6, NULL), COMMIT_WRONG_HEIGHT);
    ck_assert_int_eq(commit_verify(&commit, NULL, &signers.set, signers_chain(), &other, 5, NULL), COMMIT_WRONG_BLOCK);
    ck_assert_int_eq(commit_verify(&commit, NULL, &signers.set, span_text("x"), &block, 5, NULL), COMMIT_BAD_SIGNATURE);
    commit.count = 3;
    ck_assert_int_eq(verify(&commit), COMMIT_WRONG_SIZE);
    ck_assert_int_eq(verify_light(&commit), COMMIT_WRONG_SIZE);
}
END_TEST

START_TEST(a_wrong_signature_after_two_thirds_is_found_and_named) { /* wound 10: false witness */
    for (uint32_t bad = 0; bad < FOUR; bad++) {
        struct commit commit = signers_commit(&signers, 5, FLAGS(BLOCK, BLOCK, BLOCK, BLOCK));
        uint32_t culprit = 99;
        commit.sigs[bad].signature.bytes[7] ^= 1;
        ck_assert_int_eq(commit_verify(&commit, &culprit, &signers.set, signers_chain(), &block, 5, NULL),
                         COMMIT_BAD_SIGNATURE);
        ck_assert_uint_eq(culprit, bad);
    }
}
END_TEST

START_TEST(a_signature_for_another_block_in_the_commit_is_refused) { /* wound 10 */
    struct commit other = signers_commit(&signers, 5, FLAGS(BLOCK, BLOCK, BLOCK, BLOCK));
    other.block_id = signers_block(2);
    struct vote vote;
    commit_vote(&vote, &other, 3);
    signers_sign_vote(&signers, &vote);
    struct commit commit = signers_commit(&signers, 5, FLAGS(BLOCK, BLOCK, BLOCK, BLOCK));
    commit.sigs[3].signature = vote.signature;
    ck_assert_int_eq(verify(&commit), COMMIT_BAD_SIGNATURE);
}
END_TEST

START_TEST(signatures_of_nil_votes_are_verified_too) {
    struct commit commit = signers_commit(&signers, 5, FLAGS(BLOCK, BLOCK, BLOCK, NIL));
    ck_assert_int_eq(verify(&commit), COMMIT_GOOD);
    commit.sigs[3].signature.bytes[0] ^= 1;
    ck_assert_int_eq(verify(&commit), COMMIT_BAD_SIGNATURE);
    ck_assert_int_eq(verify_light(&commit), COMMIT_GOOD); /* the light rule does not look at it */
}
END_TEST

START_TEST(an_address_not_of_its_index_is_refused_though_all_signatures_hold) { /* wound 27 */
    struct commit commit = signers_commit(&signers, 5, FLAGS(BLOCK, BLOCK, BLOCK, BLOCK));
    uint32_t culprit = 99;
    commit.sigs[1].validator_address = commit.sigs[2].validator_address;
    ck_assert_int_eq(commit_verify(&commit, &culprit, &signers.set, signers_chain(), &block, 5, NULL), COMMIT_WRONG_ADDRESS);
    ck_assert_uint_eq(culprit, 1);
    ck_assert_int_eq(verify_light(&commit), COMMIT_WRONG_ADDRESS);
    commit = signers_commit(&signers, 5, FLAGS(BLOCK, BLOCK, BLOCK, NIL)); /* a nil vote's address as well: it moves the clock */
    commit.sigs[3].validator_address.bytes[0] ^= 1;
    ck_assert_int_eq(verify(&commit), COMMIT_WRONG_ADDRESS);
}
END_TEST

START_TEST(an_unknown_flag_is_refused_and_not_followed) {
    struct commit commit = signers_commit(&signers, 5, FLAGS(BLOCK, BLOCK, BLOCK, BLOCK));
    commit.sigs[3].flag = 9;
    ck_assert_int_eq(verify(&commit), COMMIT_BAD_SHAPE);
}
END_TEST

START_TEST(a_short_signature_is_refused) {
    struct commit commit = signers_commit(&signers, 5, FLAGS(BLOCK, BLOCK, BLOCK, BLOCK));
    commit.sigs[2].signature.size = 63;
    ck_assert_int_eq(verify(&commit), COMMIT_BAD_SIGNATURE);
}
END_TEST

START_TEST(keys_of_mixed_types_verify_together) { /* wound 29 */
    static const int64_t powers[] = {10, 10, 10, 10, 10};
    static const int32_t flags[] = {BLOCK, BLOCK, NIL, BLOCK, BLOCK};
    for (uint32_t mix = 0; mix < 32; mix += 3) {
        struct signers mixed;
        signers_init(&mixed, powers, 5, mix);
        struct commit commit = signers_commit(&mixed, 5, flags);
        ck_assert_int_eq(commit_verify(&commit, NULL, &mixed.set, signers_chain(), &block, 5, NULL), COMMIT_GOOD);
        ck_assert_int_eq(commit_verify_light(&commit, &mixed.set, signers_chain(), &block, 5), COMMIT_GOOD);
        ck_assert_int_eq(commit_verify_trusting(&commit, &mixed.set, signers_chain(), 1, 3, true), COMMIT_GOOD);
        for (uint32_t bad = 0; bad < 5; bad++) {
            uint32_t culprit = 99;
            commit.sigs[bad].signature.bytes[40] ^= 1;
            ck_assert_int_eq(commit_verify(&commit, &culprit, &mixed.set, signers_chain(), &block, 5, NULL),
                             COMMIT_BAD_SIGNATURE);
            ck_assert_uint_eq(culprit, bad);
            commit.sigs[bad].signature.bytes[40] ^= 1;
        }
        signers_close(&mixed);
    }
}
END_TEST

struct memory {
    uint32_t known; /* bits of entries */
    uint32_t asked;
};

static bool knows(void *context, const struct vote *vote, const struct pubkey *key) {
    struct memory *memory = context;
    ck_assert(pubkey_equal(key, &signers.set.validators[vote->validator_index].pub_key));
    ck_assert_int_eq(vote->type, VOTE_PRECOMMIT);
    memory->asked++;
    return (memory->known >> vote->validator_index & 1) != 0;
}

START_TEST(what_the_cache_knows_is_not_verified_again_and_the_rest_is) {
    struct commit commit = signers_commit(&signers, 5, FLAGS(BLOCK, BLOCK, BLOCK, BLOCK));
    struct memory memory = {.known = 1u << 2};
    struct commit_cache cache = {&memory, knows};
    commit.sigs[2].signature.bytes[0] ^= 1; /* only the cache says it is good */
    ck_assert_int_eq(commit_verify(&commit, NULL, &signers.set, signers_chain(), &block, 5, &cache), COMMIT_GOOD);
    ck_assert_uint_eq(memory.asked, 4);
    memory.known = 1u << 1;
    ck_assert_int_eq(commit_verify(&commit, NULL, &signers.set, signers_chain(), &block, 5, &cache), COMMIT_BAD_SIGNATURE);
    memory.known = 0xf;
    commit.sigs[1].validator_address.bytes[0] ^= 1; /* the cache excuses signatures, nothing else */
    ck_assert_int_eq(commit_verify(&commit, NULL, &signers.set, signers_chain(), &block, 5, &cache), COMMIT_WRONG_ADDRESS);
}
END_TEST

START_TEST(the_light_rule_stops_above_two_thirds_and_the_thorough_one_does_not) {
    struct commit commit = signers_commit(&signers, 5, FLAGS(BLOCK, BLOCK, BLOCK, BLOCK));
    commit.sigs[3].signature.bytes[0] ^= 1;
    ck_assert_int_eq(verify_light(&commit), COMMIT_GOOD);
    ck_assert_int_eq(commit_verify_light_all(&commit, &signers.set, signers_chain(), &block, 5), COMMIT_BAD_SIGNATURE);
    commit.sigs[2].signature.bytes[0] ^= 1;
    ck_assert_int_eq(verify_light(&commit), COMMIT_BAD_SIGNATURE);
}
END_TEST

START_TEST(the_trusting_rule_finds_its_own_by_address_and_ignores_strangers) {
    struct commit commit = signers_commit(&signers, 5, FLAGS(BLOCK, BLOCK, ABSENT, ABSENT));
    ck_assert_int_eq(verify_third(&commit), COMMIT_GOOD); /* 20 of 40 */
    struct commit_sig swap = commit.sigs[0];
    commit.sigs[0] = commit.sigs[2]; /* another place, the same name */
    commit.sigs[2] = swap;
    ck_assert_int_eq(verify_third(&commit), COMMIT_GOOD);
    commit.sigs[2].validator_address.bytes[0] ^= 1;
    ck_assert_int_eq(verify_third(&commit), COMMIT_NO_QUORUM); /* 10 of 40 are left */
}
END_TEST

START_TEST(nobody_is_trusted_twice) {
    struct commit commit = signers_commit(&signers, 5, FLAGS(BLOCK, BLOCK, ABSENT, ABSENT));
    commit.sigs[1] = commit.sigs[0];
    ck_assert_int_eq(verify_third(&commit), COMMIT_DOUBLE_VOTE);
}
END_TEST

START_TEST(a_wrong_signature_among_the_trusted_is_refused) {
    struct commit commit = signers_commit(&signers, 5, FLAGS(BLOCK, BLOCK, BLOCK, BLOCK));
    commit.sigs[3].signature.bytes[1] ^= 1;
    ck_assert_int_eq(verify_third(&commit), COMMIT_GOOD); /* two of four are enough */
    ck_assert_int_eq(commit_verify_trusting(&commit, &signers.set, signers_chain(), 1, 3, true), COMMIT_BAD_SIGNATURE);
    commit.sigs[1].signature.bytes[1] ^= 1;
    ck_assert_int_eq(verify_third(&commit), COMMIT_BAD_SIGNATURE);
}
END_TEST

START_TEST(a_senseless_trust_level_is_refused) {
    struct commit commit = signers_commit(&signers, 5, FLAGS(BLOCK, BLOCK, BLOCK, BLOCK));
    ck_assert_int_eq(commit_verify_trusting(&commit, &signers.set, signers_chain(), 1, 0, false), COMMIT_BAD_TRUST_LEVEL);
    ck_assert_int_eq(commit_verify_trusting(&commit, &signers.set, signers_chain(), INT64_MAX, 3, false), COMMIT_BAD_TRUST_LEVEL);
    ck_assert_int_eq(commit_verify_trusting(&commit, &signers.set, signers_chain(), UINT64_MAX, 3, false), COMMIT_BAD_TRUST_LEVEL);
    ck_assert_int_eq(commit_verify_trusting(&commit, &signers.set, signers_chain(), 1, UINT64_MAX, false), COMMIT_BAD_TRUST_LEVEL);
}
END_TEST

START_TEST(more_signatures_than_one_batch_holds_are_all_verified) {
    enum { MANY = 1100 };
    struct commit_sig *sigs = calloc(MANY, sizeof sigs[0]);
    struct valset many = {.validators = calloc(MANY, sizeof(struct validator)), .count = MANY, .total_power = MANY};
    struct commit commit = {.height = 5, .block_id = block, .count = MANY, .sigs = sigs};
    struct vote vote;
    sigs[0].flag = BLOCK;
    sigs[0].timestamp = (struct timestamp){1, 0};
    commit_vote(&vote, &commit, 0);
    signers_sign_vote(&signers, &vote);
    for (uint32_t i = 0; i < MANY; i++) { /* one key in all places: nothing here looks for doubles */
        many.validators[i] = signers.set.validators[0];
        many.validators[i].power = 1;
        sigs[i] = sigs[0];
        sigs[i].validator_address = vote.validator_address;
        sigs[i].signature = vote.signature;
    }
    uint32_t culprit = 0;
    ck_assert_int_eq(commit_verify(&commit, NULL, &many, signers_chain(), &block, 5, NULL), COMMIT_GOOD);
    sigs[MANY - 1].signature.bytes[3] ^= 1;
    ck_assert_int_eq(commit_verify(&commit, &culprit, &many, signers_chain(), &block, 5, NULL), COMMIT_BAD_SIGNATURE);
    ck_assert_uint_eq(culprit, MANY - 1);
    valset_close(&many);
    free(sigs);
}
END_TEST

/* Time */

static int64_t median(const struct commit *commit, bool count_nil) {
    return commit_median_time(commit, &signers.set, count_nil, &arena).seconds;
}

START_TEST(nil_votes_move_the_clock_only_under_the_older_rule) { /* wound 43 */
    struct commit commit = signers_commit(&signers, 5, FLAGS(BLOCK, BLOCK, NIL, ABSENT));
    for (uint32_t i = 0; i < 3; i++)
        commit.sigs[i].timestamp.seconds = (int64_t[]){0, 60, 6000}[i];
    ck_assert_int_eq(median(&commit, false), 0);
    ck_assert_int_eq(median(&commit, true), 60);
}
END_TEST

START_TEST(a_minority_cannot_move_the_clock_beyond_honest_votes) {
    struct commit commit = signers_commit(&signers, 5, FLAGS(BLOCK, BLOCK, BLOCK, BLOCK));
    commit.sigs[0].timestamp.seconds = 253402300799;
    int64_t late = median(&commit, true);
    commit.sigs[0].timestamp.seconds = TIMESTAMP_SECONDS_MIN;
    int64_t early = median(&commit, true);
    ck_assert_int_ge(early, 1700000001);
    ck_assert_int_le(late, 1700000003);
}
END_TEST

START_TEST(signers_unknown_to_the_set_have_no_weight) {
    struct commit commit = signers_commit(&signers, 5, FLAGS(BLOCK, BLOCK, BLOCK, BLOCK));
    for (uint32_t i = 1; i < FOUR; i++)
        commit.sigs[i].validator_address.bytes[0] ^= 0x80;
    ck_assert_int_eq(median(&commit, true), 1700000000);
    commit.sigs[0].validator_address.bytes[0] ^= 0x80;
    struct timestamp none = commit_median_time(&commit, &signers.set, true, &arena);
    ck_assert(timestamp_is_zero(&none));
}
END_TEST

static void decode_any(struct span bytes) {
    struct commit commit;
    struct digest hash;
    arena_reset(&arena);
    if (!commit_decode(&commit, bytes, &arena))
        return;
    commit_check(&commit);
    commit_hash(&hash, &commit);
    commit_median_time(&commit, &signers.set, true, &arena);
    verify(&commit);
    verify_light(&commit);
    verify_third(&commit);
}

START_TEST(no_bytes_break_decoder_or_verification) {
    struct commit commit = signers_commit(&signers, 5, FLAGS(BLOCK, NIL, ABSENT, ABSENT));
    uint8_t bytes[1024];
    struct proto_writer writer;
    proto_writer_init(&writer, bytes, sizeof bytes);
    commit_write(&writer, &commit);
    torture(proto_writer_span(&writer), decode_any);
}
END_TEST

Suite *suite_commit(void) {
    Suite *suite = suite_create("commit");
    TCase *tests = tcase_create("commit");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, what_was_written_is_read);
    tcase_add_test(tests, an_empty_commit_is_the_known_six_bytes_less_two);
    tcase_add_test(tests, the_hash_covers_entries_only);
    tcase_add_test(tests, an_entry_stands_for_a_precommit_for_the_block_or_for_nil);
    tcase_add_test(tests, each_malformed_commit_is_refused);
    tcase_add_test(tests, too_many_entries_are_refused_before_memory_is_taken);
    tcase_add_test(tests, an_arena_without_room_refuses_the_commit);
    tcase_add_test(tests, more_than_two_thirds_for_the_block_are_needed);
    tcase_add_test(tests, exactly_two_thirds_are_not_enough);
    tcase_add_test(tests, a_commit_for_another_height_block_size_or_chain_is_refused);
    tcase_add_test(tests, a_wrong_signature_after_two_thirds_is_found_and_named);
    tcase_add_test(tests, a_signature_for_another_block_in_the_commit_is_refused);
    tcase_add_test(tests, signatures_of_nil_votes_are_verified_too);
    tcase_add_test(tests, an_address_not_of_its_index_is_refused_though_all_signatures_hold);
    tcase_add_test(tests, an_unknown_flag_is_refused_and_not_followed);
    tcase_add_test(tests, a_short_signature_is_refused);
    tcase_add_test(tests, keys_of_mixed_types_verify_together);
    tcase_add_test(tests, what_the_cache_knows_is_not_verified_again_and_the_rest_is);
    tcase_add_test(tests, the_light_rule_stops_above_two_thirds_and_the_thorough_one_does_not);
    tcase_add_test(tests, the_trusting_rule_finds_its_own_by_address_and_ignores_strangers);
    tcase_add_test(tests, nobody_is_trusted_twice);
    tcase_add_test(tests, a_wrong_signature_among_the_trusted_is_refused);
    tcase_add_test(tests, a_senseless_trust_level_is_refused);
    tcase_add_test(tests, more_signatures_than_one_batch_holds_are_all_verified);
    tcase_add_test(tests, nil_votes_move_the_clock_only_under_the_older_rule);
    tcase_add_test(tests, a_minority_cannot_move_the_clock_beyond_honest_votes);
    tcase_add_test(tests, signers_unknown_to_the_set_have_no_weight);
    tcase_add_test(tests, no_bytes_break_decoder_or_verification);
    suite_add_tcase(suite, tests);
    return suite;
}
