#include <check.h>

#include "crypto/sha256.h"
#include "tendermint/evidence.h"
#include "tests/tendermint/signers.h"

Suite *suite_evidence(void);

static struct signers signers;
static struct arena arena;

static void set_up(void) {
    static const int64_t powers[] = {10, 20, 30};
    signers_init(&signers, powers, 3, 0);
    arena_init(&arena, 1 << 20);
}

static void tear_down(void) {
    signers_close(&signers);
    arena_close(&arena);
}

static struct vote vote_for(uint8_t block, int32_t index) {
    struct vote vote;
    vote_init(&vote);
    vote.type = VOTE_PREVOTE;
    vote.height = 4;
    vote.block_id = signers_block(block);
    vote.timestamp = (struct timestamp){1700000000, 0};
    vote.validator_index = index;
    signers_sign_vote(&signers, &vote);
    return vote;
}

static struct evidence evidence_of(const struct vote *one, const struct vote *other) {
    struct evidence evidence = {0};
    struct timestamp time = {1600000000, 0};
    ck_assert(evidence_from_votes(&evidence, one, other, &signers.set, &time, &arena));
    return evidence;
}

static struct evidence good_duplicate(void) {
    struct vote one = vote_for(2, 1), other = vote_for(1, 1);
    return evidence_of(&one, &other);
}

static bool verify(const struct evidence *evidence) {
    return evidence_verify_duplicate(evidence, &signers.set, signers_chain());
}

START_TEST(evidence_from_two_votes_is_ordered_and_verifies) {
    struct evidence evidence = good_duplicate();
    ck_assert_uint_eq(evidence.duplicate.vote_a.block_id.hash.bytes[0], 1);
    ck_assert_int_eq(evidence.duplicate.validator_power, 20);
    ck_assert_int_eq(evidence.duplicate.total_power, 60);
    ck_assert(evidence_check(&evidence));
    ck_assert(verify(&evidence));
    struct evidence nothing;
    struct vote stranger = vote_for(1, 0);
    struct timestamp time = {0, 0};
    stranger.validator_address.bytes[0] ^= 1;
    ck_assert(!evidence_from_votes(&nothing, &stranger, &stranger, &signers.set, &time, &arena));
}
END_TEST

START_TEST(two_votes_that_do_not_conflict_are_no_evidence) {
    struct vote one = vote_for(1, 1), other = vote_for(1, 1);
    struct evidence same = evidence_of(&one, &other);
    ck_assert(!evidence_check(&same));
    ck_assert(!verify(&same));
    other = vote_for(2, 1);
    other.height = 5;
    signers_sign_vote(&signers, &other);
    struct evidence height = evidence_of(&one, &other);
    ck_assert(!verify(&height));
    other = vote_for(2, 1);
    other.round = 1;
    signers_sign_vote(&signers, &other);
    struct evidence round = evidence_of(&one, &other);
    ck_assert(!verify(&round));
    other = vote_for(2, 1);
    other.type = VOTE_PRECOMMIT;
    signers_sign_vote(&signers, &other);
    struct evidence type = evidence_of(&one, &other);
    ck_assert(!verify(&type));
    other = vote_for(2, 2);
    struct evidence who = evidence_of(&one, &other);
    ck_assert(!verify(&who));
}
END_TEST

START_TEST(a_different_time_or_index_is_still_evidence) {
    struct vote one = vote_for(1, 1), other = vote_for(2, 1);
    other.timestamp.seconds++;
    signers_sign_vote(&signers, &other);
    other.validator_index = 0;
    struct evidence evidence = evidence_of(&one, &other);
    ck_assert(verify(&evidence));
}
END_TEST

START_TEST(false_powers_order_signatures_or_sets_are_refused) {
    struct evidence evidence = good_duplicate(), good = evidence;
    evidence.duplicate.validator_power++;
    ck_assert(!verify(&evidence));
    evidence = good, evidence.duplicate.total_power++;
    ck_assert(!verify(&evidence));
    evidence = good, evidence.duplicate.vote_a = good.duplicate.vote_b, evidence.duplicate.vote_b = good.duplicate.vote_a;
    ck_assert(!verify(&evidence));
    evidence = good, evidence.duplicate.vote_a.signature.bytes[0] ^= 1;
    ck_assert(!verify(&evidence));
    evidence = good, evidence.duplicate.vote_b.signature.bytes[0] ^= 1;
    ck_assert(!verify(&evidence));
    ck_assert(!evidence_verify_duplicate(&good, &signers.set, span_text("other")));
    signers.set.validators[valset_find(&signers.set, &good.duplicate.vote_a.validator_address)].address.bytes[0] ^= 1;
    ck_assert(!verify(&good));
}
END_TEST

static size_t encode(uint8_t *out, size_t capacity, const struct evidence *evidence) {
    struct proto_writer writer;
    proto_writer_init(&writer, out, capacity);
    evidence_write(&writer, evidence);
    ck_assert(!writer.overflow);
    return writer.size;
}

static bool decode(struct evidence *evidence, struct span bytes) {
    struct proto_reader reader = proto_reader_over(bytes);
    *evidence = (struct evidence){0};
    evidence_read(evidence, &reader, &arena);
    return !reader.bad;
}

START_TEST(what_was_written_is_read) {
    struct evidence evidence = good_duplicate(), again;
    uint8_t bytes[1024];
    ck_assert(decode(&again, span_of(bytes, encode(bytes, sizeof bytes, &evidence))));
    ck_assert(span_equal(evidence.inner, again.inner));
    ck_assert(verify(&again));
}
END_TEST

START_TEST(the_hash_covers_the_bytes_as_encoded_anew) {
    struct evidence evidence = good_duplicate(), again;
    struct digest hash, hash_again;
    uint8_t bytes[1024], inner[1024];
    struct proto_writer writer;
    /* A field that nobody knows, in front of the inner message: it is dropped. */
    memcpy(inner, "\xf8\x07\x01", 3);
    memcpy(inner + 3, evidence.inner.data, evidence.inner.size);
    proto_writer_init(&writer, bytes, sizeof bytes);
    proto_put_bytes(&writer, 1, span_of(inner, 3 + evidence.inner.size));
    ck_assert(decode(&again, proto_writer_span(&writer)));
    ck_assert(span_equal(evidence.inner, again.inner));
    evidence_hash(&hash, &evidence);
    evidence_hash(&hash_again, &again);
    ck_assert(digest_equal(&hash, &hash_again));
    evidence_list_hash(&hash, &evidence, 1);
    merkle_leaf_hash(hash_again.bytes, evidence.inner);
    ck_assert_mem_eq(hash.bytes, hash_again.bytes, 32);
}
END_TEST

START_TEST(evidence_without_a_vote_or_of_no_kind_is_refused) { /* wound 31 */
    struct evidence evidence;
    struct vote vote = vote_for(1, 1);
    uint8_t bytes[1024];
    struct proto_writer writer;
    ck_assert(!decode(&evidence, span_of(NULL, 0)));
    ck_assert(!decode(&evidence, span_of("\x0a\x00", 2)));
    ck_assert(!decode(&evidence, span_of("\x1a\x00", 2)));
    proto_writer_init(&writer, bytes, sizeof bytes);
    size_t outer = proto_begin(&writer, 1), mark = proto_begin(&writer, 1);
    vote_write(&writer, &vote);
    proto_end(&writer, mark);
    proto_end(&writer, outer);
    ck_assert(!decode(&evidence, proto_writer_span(&writer)));
}
END_TEST

/* Light client attacks */

struct attack { /* pieces that a test may leave out or falsify before they are encoded */
    bool without_block, without_signed_header, without_header, without_commit, without_set, without_proposer, keyless_byzantine;
    struct header header;
    struct commit commit;
    struct validator byzantine;
    int64_t common_height, total_power;
};

static struct attack good_attack(void) {
    struct attack attack = {.common_height = 3, .total_power = 60};
    header_init(&attack.header);
    attack.header.version_block = HEADER_BLOCK_PROTOCOL;
    attack.header.height = 5;
    attack.header.proposer_address = signers.set.validators[0].address;
    header_set_chain_id(&attack.header, signers_chain());
    valset_hash(&attack.header.validators_hash, &signers.set);
    attack.commit = signers_commit(&signers, 5, (const int32_t[]){COMMIT_FOR_BLOCK, COMMIT_FOR_BLOCK, COMMIT_ABSENT});
    header_hash(&attack.commit.block_id.hash, &attack.header);
    attack.byzantine = signers.set.validators[0];
    return attack;
}

static void put_signed_header(struct proto_writer *writer, const struct attack *attack) {
    size_t mark = proto_begin(writer, 1), inner;
    if (!attack->without_header) {
        inner = proto_begin(writer, 1);
        header_write(writer, &attack->header);
        proto_end(writer, inner);
    }
    if (!attack->without_commit) {
        inner = proto_begin(writer, 2);
        commit_write(writer, &attack->commit);
        proto_end(writer, inner);
    }
    proto_end(writer, mark);
}

static void put_set(struct proto_writer *writer, const struct attack *attack) {
    size_t mark = proto_begin(writer, 2);
    struct valset set = signers.set;
    for (uint32_t i = 0; i < set.count; i++) {
        size_t inner = proto_begin(writer, 1);
        validator_write(writer, &set.validators[i]);
        proto_end(writer, inner);
    }
    if (!attack->without_proposer) {
        size_t inner = proto_begin(writer, 2);
        validator_write(writer, &set.validators[0]);
        proto_end(writer, inner);
    }
    proto_put_int64(writer, 3, 999); /* a total that nobody believes and that is left out again */
    proto_end(writer, mark);
}

static struct span put_attack(uint8_t *out, size_t capacity, const struct attack *attack) {
    struct proto_writer writer;
    struct timestamp time = {1600000000, 0};
    proto_writer_init(&writer, out, capacity);
    size_t outer = proto_begin(&writer, 2);
    if (!attack->without_block) {
        size_t mark = proto_begin(&writer, 1);
        if (!attack->without_signed_header)
            put_signed_header(&writer, attack);
        if (!attack->without_set)
            put_set(&writer, attack);
        proto_end(&writer, mark);
    }
    proto_put_int64(&writer, 2, attack->common_height);
    size_t mark = proto_begin(&writer, 3);
    struct validator byzantine = attack->byzantine;
    byzantine.pub_key.type = attack->keyless_byzantine ? PUBKEY_NONE : byzantine.pub_key.type;
    validator_write(&writer, &byzantine);
    proto_end(&writer, mark);
    proto_put_int64(&writer, 4, attack->total_power);
    timestamp_put(&writer, 5, &time);
    proto_end(&writer, outer);
    ck_assert(!writer.overflow);
    return proto_writer_span(&writer);
}

static bool attack_decodes(const struct attack *attack, struct evidence *evidence) {
    static uint8_t bytes[4096];
    return decode(evidence, put_attack(bytes, sizeof bytes, attack));
}

static bool attack_passes(const struct attack *attack) {
    struct evidence evidence;
    return attack_decodes(attack, &evidence) && evidence_check(&evidence);
}

START_TEST(an_attack_is_decoded_encoded_anew_and_checked) {
    struct attack attack = good_attack();
    struct evidence evidence, again;
    uint8_t bytes[4096];
    ck_assert(attack_decodes(&attack, &evidence));
    ck_assert(evidence_check(&evidence));
    ck_assert_uint_eq(evidence.byzantine_count, 1);
    ck_assert_uint_eq(evidence.conflicting_commit.count, 3);
    ck_assert(decode(&again, span_of(bytes, encode(bytes, sizeof bytes, &evidence))));
    ck_assert(span_equal(evidence.inner, again.inner));
    struct valset set;
    valset_init(&set);
    ck_assert_int_eq(valset_decode(&set, evidence.conflicting_validators), VALSET_GOOD);
    valset_close(&set);
}
END_TEST

START_TEST(the_hash_of_an_attack_has_a_hole_at_the_last_byte_of_the_header_hash) {
    struct attack attack = good_attack();
    struct evidence evidence;
    struct digest header, hash;
    uint8_t expected[32], bytes[33];
    ck_assert(attack_decodes(&attack, &evidence));
    evidence_hash(&hash, &evidence);
    header_hash(&header, &evidence.conflicting_header);
    memcpy(bytes, header.bytes, 31);
    bytes[31] = 0;
    bytes[32] = 2 * 3; /* zig-zag of the common height */
    sha256_once(expected, span_of(bytes, sizeof bytes));
    ck_assert_mem_eq(hash.bytes, expected, 32);
}
END_TEST

START_TEST(an_attack_with_a_missing_piece_is_refused_at_decoding) { /* wound 30 */
    struct attack good = good_attack(), attack = good;
    struct evidence evidence;
    ck_assert(attack_decodes(&good, &evidence));
    attack.without_block = true;
    ck_assert(!attack_decodes(&attack, &evidence));
    attack = good, attack.without_signed_header = true;
    ck_assert(!attack_decodes(&attack, &evidence));
    attack = good, attack.without_header = true;
    ck_assert(!attack_decodes(&attack, &evidence));
    attack = good, attack.without_commit = true;
    ck_assert(!attack_decodes(&attack, &evidence));
    attack = good, attack.without_set = true;
    ck_assert(!attack_decodes(&attack, &evidence));
    attack = good, attack.without_proposer = true;
    ck_assert(!attack_decodes(&attack, &evidence));
    attack = good, attack.keyless_byzantine = true;
    ck_assert(!attack_decodes(&attack, &evidence));
}
END_TEST

START_TEST(a_byzantine_validator_under_anothers_address_is_refused) { /* wound 30 */
    struct attack attack = good_attack();
    ck_assert(attack_passes(&attack));
    attack.byzantine.address = signers.set.validators[1].address;
    ck_assert(!attack_passes(&attack));
}
END_TEST

START_TEST(an_inconsistent_attack_is_refused) {
    struct attack good = good_attack(), attack = good;
    attack.common_height = 6;
    ck_assert(!attack_passes(&attack));
    attack = good, attack.common_height = 0;
    ck_assert(!attack_passes(&attack));
    attack = good, attack.total_power = 0;
    ck_assert(!attack_passes(&attack));
    attack = good, attack.header.validators_hash.bytes[0] ^= 1;
    header_hash(&attack.commit.block_id.hash, &attack.header);
    ck_assert(!attack_passes(&attack));
    attack = good, attack.header.app_hash.size = 1;
    ck_assert(!attack_passes(&attack)); /* the commit is for another header */
    attack = good, attack.commit.height = 4;
    ck_assert(!attack_passes(&attack));
    attack = good, attack.header.version_block = 1;
    ck_assert(!attack_passes(&attack));
}
END_TEST

START_TEST(pieces_of_a_light_block_count_as_one) {
    struct attack attack = good_attack();
    struct evidence evidence, again;
    uint8_t bytes[4096];
    struct proto_writer writer;
    ck_assert(attack_decodes(&attack, &evidence));
    proto_writer_init(&writer, bytes, sizeof bytes);
    size_t outer = proto_begin(&writer, 2), mark = proto_begin(&writer, 1);
    put_signed_header(&writer, &attack);
    proto_end(&writer, mark);
    mark = proto_begin(&writer, 1);
    put_set(&writer, &attack);
    proto_end(&writer, mark);
    proto_put_int64(&writer, 2, attack.common_height);
    mark = proto_begin(&writer, 3);
    validator_write(&writer, &attack.byzantine);
    proto_end(&writer, mark);
    proto_put_int64(&writer, 4, attack.total_power);
    timestamp_put(&writer, 5, &evidence.timestamp);
    proto_end(&writer, outer);
    ck_assert(decode(&again, proto_writer_span(&writer)));
    ck_assert(span_equal(evidence.inner, again.inner));
}
END_TEST

START_TEST(evidence_expires_only_when_both_ages_are_exceeded) {
    ck_assert(!evidence_expired(10, 100, 10, 100));
    ck_assert(!evidence_expired(11, 100, 10, 100));
    ck_assert(!evidence_expired(10, 101, 10, 100));
    ck_assert(evidence_expired(11, 101, 10, 100));
}
END_TEST

static void decode_any(struct span bytes) {
    struct evidence evidence;
    struct digest hash;
    arena_reset(&arena);
    if (!decode(&evidence, bytes))
        return;
    evidence_check(&evidence);
    evidence_hash(&hash, &evidence);
    evidence_list_hash(&hash, &evidence, 1);
    verify(&evidence);
}

START_TEST(no_bytes_break_the_decoder) {
    uint8_t bytes[4096], attack_bytes[4096];
    struct evidence evidence = good_duplicate();
    struct attack attack = good_attack();
    struct span encoded = span_of(bytes, encode(bytes, sizeof bytes, &evidence));
    torture(encoded, decode_any);
    torture(put_attack(attack_bytes, sizeof attack_bytes, &attack), decode_any);
}
END_TEST

Suite *suite_evidence(void) {
    Suite *suite = suite_create("evidence");
    TCase *tests = tcase_create("evidence");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, evidence_from_two_votes_is_ordered_and_verifies);
    tcase_add_test(tests, two_votes_that_do_not_conflict_are_no_evidence);
    tcase_add_test(tests, a_different_time_or_index_is_still_evidence);
    tcase_add_test(tests, false_powers_order_signatures_or_sets_are_refused);
    tcase_add_test(tests, what_was_written_is_read);
    tcase_add_test(tests, the_hash_covers_the_bytes_as_encoded_anew);
    tcase_add_test(tests, evidence_without_a_vote_or_of_no_kind_is_refused);
    tcase_add_test(tests, an_attack_is_decoded_encoded_anew_and_checked);
    tcase_add_test(tests, the_hash_of_an_attack_has_a_hole_at_the_last_byte_of_the_header_hash);
    tcase_add_test(tests, an_attack_with_a_missing_piece_is_refused_at_decoding);
    tcase_add_test(tests, a_byzantine_validator_under_anothers_address_is_refused);
    tcase_add_test(tests, an_inconsistent_attack_is_refused);
    tcase_add_test(tests, pieces_of_a_light_block_count_as_one);
    tcase_add_test(tests, evidence_expires_only_when_both_ages_are_exceeded);
    tcase_add_test(tests, no_bytes_break_the_decoder);
    suite_add_tcase(suite, tests);
    return suite;
}
