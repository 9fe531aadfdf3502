#include <check.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/text.h"
#include "tests/ledger/chain.h"

Suite *suite_evidence_pool(void);

static struct chain chain;
static struct arena arena;
static struct kv *store;
static jmp_buf failed;

static void __attribute__((noreturn)) give_up(void *context, const char *what) {
    (void)context;
    (void)what;
    longjmp(failed, 1);
}

static void begin(uint32_t validators, const int64_t *powers, int64_t initial_height, int64_t heights) {
    store = kv_memory_new((struct kv_failure){NULL, give_up});
    arena_init(&arena, 1 << 28);
    chain_open(&chain, &(struct chain_config){.validators = validators, .powers = powers, .initial_height = initial_height, .kv = store});
    chain_run(&chain, heights);
}

static void set_up(void) {
    static const int64_t powers[] = {10, 20, 30, 40};
    begin(4, powers, 1, 5);
}

static void tear_down(void) {
    chain_close(&chain);
    kv_close(store);
    arena_close(&arena);
}

/* ---- making evidence */

static struct block_id some_block(uint32_t name) {
    struct block_id id = {.hash = {.size = 32}, .parts = {1, {.size = 32}}};
    id.hash.bytes[0] = (uint8_t)name;
    id.hash.bytes[1] = (uint8_t)(name >> 8);
    id.parts.hash.bytes[0] = 1;
    return id;
}

static struct valset *set_at(int64_t height) {
    static struct valset set;
    valset_close(&set);
    valset_init(&set);
    ck_assert(ledger_validators(&chain.ledger, &set, height));
    return &set;
}

static struct timestamp time_at(int64_t height) {
    struct ledger_meta meta;
    ck_assert(ledger_block_meta(&chain.ledger, &meta, height));
    return meta.header.time;
}

static void two_votes(struct vote votes[static 2], int64_t height, uint32_t voter, uint32_t name) {
    struct block_id one = some_block(2 * name + 1), other = some_block(2 * name + 2);
    struct timestamp time = {1700000000, 5};
    chain_vote(&chain, &votes[0], set_at(height), voter, &one, height, 0, time);
    chain_vote(&chain, &votes[1], set_at(height), voter, &other, height, 0, time);
}

static struct evidence accuse_at(int64_t height, const struct timestamp *time, const struct vote *a, const struct vote *b) {
    struct evidence evidence;
    ck_assert(evidence_from_votes(&evidence, a, b, set_at(height), time, &arena));
    return evidence;
}

static struct evidence double_vote(int64_t height, uint32_t voter, uint32_t name) {
    struct vote votes[2];
    struct timestamp time = time_at(height);
    two_votes(votes, height, voter, name);
    return accuse_at(height, &time, &votes[0], &votes[1]);
}

/* The inner bytes follow the changed fields. */
static struct evidence rewritten(const struct evidence_duplicate_vote *duplicate) {
    struct evidence out = {0};
    uint8_t *bytes = arena_take(&arena, 1024, 1);
    struct proto_writer writer;
    proto_writer_init(&writer, bytes, 1024);
    size_t outer = proto_begin(&writer, 1);
    const struct vote *votes[] = {&duplicate->vote_a, &duplicate->vote_b};
    for (uint32_t i = 0; i < 2; i++) {
        size_t mark = proto_begin(&writer, 1 + i);
        vote_write(&writer, votes[i]);
        proto_end(&writer, mark);
    }
    proto_put_int64(&writer, 3, duplicate->total_power);
    proto_put_int64(&writer, 4, duplicate->validator_power);
    timestamp_put(&writer, 5, &duplicate->timestamp);
    proto_end(&writer, outer);
    ck_assert(!writer.overflow);
    struct proto_reader reader = proto_reader_over(proto_writer_span(&writer));
    evidence_read(&out, &reader, &arena);
    ck_assert(!reader.bad);
    return out;
}

/* ---- asking */

static enum evidence_pool_verdict add(struct evidence evidence) { return evidence_pool_add(&chain.ledger, &evidence); }

static uint32_t listed(struct evidence **list) {
    int64_t bytes;
    return evidence_pool_list(&chain.ledger, list, &bytes, &arena);
}

static uint32_t pending(void) {
    struct evidence *list;
    return listed(&list);
}

static bool counting(void *context, struct span key, struct span value) {
    (void)key;
    (void)value;
    ++*(uint32_t *)context;
    return true;
}

static uint32_t stored(void) {
    uint32_t count = 0;
    kv_scan(store, span_text("w"), span_text("x"), false, counting, &count);
    return count;
}

static struct block *block_with(const struct evidence *list, uint32_t count) {
    struct block_plan plan = chain_plan(&chain, &arena);
    plan.evidence = list;
    plan.evidence_count = count;
    return block_build(&plan);
}

static enum block_verdict judged(const struct evidence *list, uint32_t count) {
    struct block *block = block_with(list, count);
    enum block_verdict verdict = ledger_judge(&chain.ledger, block, NULL);
    block_release(block);
    return verdict;
}

static void commit(const struct evidence *list, uint32_t count) {
    struct block *block = block_with(list, count);
    ck_assert_int_eq(ledger_judge(&chain.ledger, block, NULL), BLOCK_GOOD);
    chain_apply(&chain, block);
    block_release(block);
}

/* A piece is refused alike by the pool and within a block. */
static void refused(struct evidence evidence, enum evidence_pool_verdict verdict) {
    ck_assert_int_eq(add(evidence), verdict);
    ck_assert_uint_eq(chain.ledger.evidence.count, 0);
    ck_assert_int_eq(judged(&evidence, 1), BLOCK_EVIDENCE_REFUSED);
}

/* ---- in, into a block, and out */

START_TEST(a_double_vote_is_kept_listed_and_gone_once_committed) {
    struct evidence evidence = double_vote(3, 1, 0), *list;
    struct digest hash;
    evidence_hash(&hash, &evidence);
    ck_assert_int_eq(add(evidence), EVIDENCE_POOL_GOOD);
    ck_assert_int_eq(add(evidence), EVIDENCE_POOL_KNOWN);
    ck_assert_uint_eq(stored(), 1);
    ck_assert_uint_eq(listed(&list), 1);
    ck_assert(span_equal(list[0].inner, evidence.inner));
    commit(list, 1);
    ck_assert_uint_eq(pending(), 0);
    ck_assert_uint_eq(stored(), 0);
    ck_assert(evidence_pool_is_committed(&chain.ledger, &hash));
    ck_assert_int_eq(add(evidence), EVIDENCE_POOL_COMMITTED);
    ck_assert_int_eq(judged(&evidence, 1), BLOCK_EVIDENCE_REFUSED);
}
END_TEST

START_TEST(evidence_in_a_block_need_not_be_known_before) {
    struct evidence evidence = double_vote(3, 1, 0);
    ck_assert_int_eq(judged(&evidence, 1), BLOCK_GOOD);
    ck_assert_uint_eq(chain.ledger.evidence.count, 0);
    commit(&evidence, 1);
    ck_assert_int_eq(add(evidence), EVIDENCE_POOL_COMMITTED);
}
END_TEST

START_TEST(the_same_piece_twice_in_a_block_is_refused) {
    struct evidence pair[] = {double_vote(3, 1, 0), double_vote(3, 1, 0)};
    ck_assert_int_eq(judged(pair, 2), BLOCK_EVIDENCE_REFUSED);
    pair[1] = double_vote(3, 1, 1);
    ck_assert_int_eq(judged(pair, 2), BLOCK_GOOD);
    ck_assert_int_eq(add(pair[1]), EVIDENCE_POOL_GOOD);
    pair[0] = pair[1];
    ck_assert_int_eq(judged(pair, 2), BLOCK_EVIDENCE_REFUSED);
}
END_TEST

/* ---- the rules, one by one; the unchanged piece is good */

START_TEST(only_the_powers_of_the_set_are_taken) {
    struct evidence_duplicate_vote duplicate = double_vote(3, 1, 0).duplicate, other = duplicate;
    other.validator_power++;
    refused(rewritten(&other), EVIDENCE_POOL_UNPROVEN);
    other = duplicate, other.total_power--;
    refused(rewritten(&other), EVIDENCE_POOL_UNPROVEN);
    ck_assert_int_eq(add(rewritten(&duplicate)), EVIDENCE_POOL_GOOD);
}
END_TEST

START_TEST(only_the_block_time_of_its_height_is_taken) { /* wound 11 */
    struct evidence_duplicate_vote duplicate = double_vote(3, 1, 0).duplicate, other = duplicate;
    other.timestamp = timestamp_add_ns(&duplicate.timestamp, 1);
    refused(rewritten(&other), EVIDENCE_POOL_WRONG_TIME);
    other.timestamp = time_at(4);
    refused(rewritten(&other), EVIDENCE_POOL_WRONG_TIME);
    ck_assert_int_eq(add(rewritten(&duplicate)), EVIDENCE_POOL_GOOD);
}
END_TEST

START_TEST(votes_in_the_wrong_order_or_for_one_block_are_refused) {
    struct evidence evidence = double_vote(3, 1, 0), other = evidence;
    other.duplicate.vote_a = evidence.duplicate.vote_b;
    other.duplicate.vote_b = evidence.duplicate.vote_a;
    ck_assert_int_eq(add(other), EVIDENCE_POOL_BAD_SHAPE);
    other.duplicate.vote_b = other.duplicate.vote_a = evidence.duplicate.vote_a;
    ck_assert_int_eq(add(other), EVIDENCE_POOL_BAD_SHAPE);
    ck_assert_int_eq(add(evidence), EVIDENCE_POOL_GOOD);
}
END_TEST

START_TEST(votes_of_different_occasions_or_voters_are_refused) {
    struct vote votes[2], late[2];
    struct timestamp time = time_at(3);
    two_votes(votes, 3, 1, 0);
    two_votes(late, 4, 1, 0);
    struct evidence_duplicate_vote good = double_vote(3, 1, 0).duplicate, other = good;
    refused(accuse_at(3, &time, &votes[0], &late[1]), EVIDENCE_POOL_UNPROVEN);
    struct block_id id = some_block(2);
    chain_vote(&chain, &other.vote_b, set_at(3), 1, &id, 3, 1, good.vote_b.timestamp);
    refused(rewritten(&other), EVIDENCE_POOL_UNPROVEN);
    chain_vote(&chain, &other.vote_b, set_at(3), 2, &id, 3, 0, good.vote_b.timestamp);
    refused(rewritten(&other), EVIDENCE_POOL_UNPROVEN);
    other = good;
    other.vote_b.type = VOTE_PREVOTE;
    refused(rewritten(&other), EVIDENCE_POOL_UNPROVEN);
    ck_assert_int_eq(add(rewritten(&good)), EVIDENCE_POOL_GOOD);
}
END_TEST

START_TEST(votes_with_forged_signatures_or_of_another_chain_are_refused) {
    struct evidence_duplicate_vote good = double_vote(3, 1, 0).duplicate, other = good;
    other.vote_a.signature.bytes[5] ^= 1;
    refused(rewritten(&other), EVIDENCE_POOL_UNPROVEN);
    other = good, other.vote_b.signature.bytes[5] ^= 1;
    refused(rewritten(&other), EVIDENCE_POOL_UNPROVEN);
    uint8_t bytes[VOTE_SIGN_BYTES_MAX];
    other = good;
    size_t size = vote_sign_bytes(bytes, &other.vote_a, span_text("another-chain"));
    ed25519_sign(chain_key(&chain, &other.vote_a.validator_address), other.vote_a.signature.bytes, span_of(bytes, size));
    refused(rewritten(&other), EVIDENCE_POOL_UNPROVEN);
    other = good;
    other.vote_a.validator_address = other.vote_b.validator_address = chain.addresses[7];
    refused(rewritten(&other), EVIDENCE_POOL_UNPROVEN);
    ck_assert_int_eq(add(rewritten(&good)), EVIDENCE_POOL_GOOD);
}
END_TEST

START_TEST(a_height_to_come_is_early_and_nobodys_fault) { /* wound 11 */
    struct vote votes[2];
    struct timestamp time = time_at(5);
    two_votes(votes, 6, 1, 0);
    refused(accuse_at(6, &time, &votes[0], &votes[1]), EVIDENCE_POOL_EARLY);
    ck_assert(!evidence_pool_is_fault(EVIDENCE_POOL_EARLY));
    ck_assert_int_eq(add(double_vote(5, 1, 0)), EVIDENCE_POOL_GOOD);
    chain_run(&chain, 1);
    ck_assert_int_eq(add(double_vote(6, 1, 0)), EVIDENCE_POOL_GOOD);
}
END_TEST

START_TEST(a_height_before_the_chains_first_is_gone) {
    tear_down();
    begin(4, NULL, 10, 3);
    struct evidence_duplicate_vote good = double_vote(10, 1, 0).duplicate, other = good;
    struct block_id one = some_block(1), two = some_block(2);
    chain_vote(&chain, &other.vote_a, set_at(10), 1, &one, 9, 0, good.timestamp);
    chain_vote(&chain, &other.vote_b, set_at(10), 1, &two, 9, 0, good.timestamp);
    refused(rewritten(&other), EVIDENCE_POOL_GONE);
    ck_assert_int_eq(add(rewritten(&good)), EVIDENCE_POOL_GOOD);
}
END_TEST

START_TEST(pruning_blocks_leaves_what_young_evidence_needs) {
    chain_run(&chain, 5);
    ck_assert_int_eq(ledger_prune(&chain.ledger, 8, 100), 7);
    ck_assert_int_eq(add(double_vote(2, 1, 0)), EVIDENCE_POOL_GOOD);
}
END_TEST

START_TEST(only_both_ages_together_are_too_old) {
    struct params *params = &chain.ledger.state.params;
    struct evidence evidence = double_vote(2, 1, 0); /* three blocks old */
    params->evidence_age_blocks_max = 2;
    ck_assert_int_eq(judged(&evidence, 1), BLOCK_GOOD);
    struct timestamp then = time_at(2);
    int64_t age = timestamp_diff_ns(&chain.ledger.state.block_time, &then);
    params->evidence_age_ns_max = age;
    ck_assert_int_eq(judged(&evidence, 1), BLOCK_GOOD);
    params->evidence_age_ns_max = age - 1;
    refused(evidence, EVIDENCE_POOL_EXPIRED);
    ck_assert(!evidence_pool_is_fault(EVIDENCE_POOL_EXPIRED));
    params->evidence_age_blocks_max = 3;
    ck_assert_int_eq(add(evidence), EVIDENCE_POOL_GOOD);
}
END_TEST

START_TEST(pending_evidence_leaves_when_both_ages_are_passed_and_not_before) {
    struct params *params = &chain.ledger.state.params;
    ck_assert_int_eq(add(double_vote(2, 1, 0)), EVIDENCE_POOL_GOOD);
    ck_assert_int_eq(add(double_vote(5, 1, 0)), EVIDENCE_POOL_GOOD);
    params->evidence_age_blocks_max = 4;
    chain_run(&chain, 2); /* age 5, by blocks alone */
    ck_assert_uint_eq(pending(), 2);
    chain.ledger.state.params.evidence_age_ns_max = 1;
    chain_run(&chain, 1);
    ck_assert_uint_eq(stored(), 1);
    ck_assert_uint_eq(pending(), 1);
    chain_run(&chain, 1);
    ck_assert_uint_eq(pending(), 1);
    chain_run(&chain, 1); /* the other is five blocks old */
    ck_assert_uint_eq(stored(), 0);
    ck_assert_uint_eq(chain.ledger.evidence.count, 0);
}
END_TEST

START_TEST(the_power_is_that_of_the_height_of_the_fault) {
    char key[64], tx[128];
    text_base64(key, span_of(chain.pub_keys[0].bytes, 32));
    snprintf(tx, sizeof tx, "val=ed25519!%s!25", key);
    chain_step(&chain, (const char *[]){tx}, 1); /* height 6: in force from 8 */
    chain_run(&chain, 4);
    int32_t before = valset_find(set_at(7), &chain.addresses[0]), after = valset_find(set_at(8), &chain.addresses[0]);
    struct evidence_duplicate_vote old = double_vote(7, (uint32_t)before, 0).duplicate, young = double_vote(8, (uint32_t)after, 0).duplicate;
    ck_assert_int_eq(old.validator_power, 10);
    ck_assert_int_eq(young.validator_power, 25);
    struct evidence_duplicate_vote wrong = old;
    wrong.validator_power = young.validator_power;
    wrong.total_power = young.total_power;
    refused(rewritten(&wrong), EVIDENCE_POOL_UNPROVEN);
    ck_assert_int_eq(add(rewritten(&old)), EVIDENCE_POOL_GOOD);
    ck_assert_int_eq(add(rewritten(&young)), EVIDENCE_POOL_GOOD);
    ck_assert_uint_eq(pending(), 2);
}
END_TEST

/* ---- order, size, bounds */

START_TEST(pieces_are_listed_by_height_and_hash_as_long_as_they_fit) {
    for (uint32_t name = 0; name < 3; name++)
        for (int64_t height = 4; height > 1; height--)
            ck_assert_int_eq(add(double_vote(height, 1 + name % 2, name)), EVIDENCE_POOL_GOOD);
    struct evidence *list;
    struct digest hashes[2];
    ck_assert_uint_eq(listed(&list), 9);
    for (uint32_t i = 1; i < 9; i++) {
        evidence_hash(&hashes[0], &list[i - 1]);
        evidence_hash(&hashes[1], &list[i]);
        int64_t before = evidence_height(&list[i - 1]), after = evidence_height(&list[i]);
        ck_assert(before < after || (before == after && memcmp(hashes[0].bytes, hashes[1].bytes, 32) < 0));
    }
    for (uint32_t count = 0; count < 9; count++) {
        struct block *block = block_with(list, count + 1);
        int64_t bytes;
        chain.ledger.state.params.evidence_bytes_max = block->evidence_bytes;
        ck_assert_uint_eq(evidence_pool_list(&chain.ledger, &list, &bytes, &arena), count + 1);
        ck_assert_int_eq(bytes, block->evidence_bytes);
        ck_assert_int_eq(ledger_judge(&chain.ledger, block, NULL), BLOCK_GOOD);
        chain.ledger.state.params.evidence_bytes_max--;
        ck_assert_uint_eq(pending(), count);
        block_release(block);
        chain.ledger.state.params.evidence_bytes_max = 1 << 20;
        ck_assert_uint_eq(listed(&list), 9);
    }
}
END_TEST

START_TEST(a_piece_that_no_block_can_carry_is_not_kept) {
    struct evidence evidence = double_vote(3, 1, 0);
    struct block *block = block_with(&evidence, 1);
    chain.ledger.state.params.evidence_bytes_max = block->evidence_bytes - 1;
    ck_assert_int_eq(add(evidence), EVIDENCE_POOL_TOO_LARGE);
    chain.ledger.state.params.evidence_bytes_max++;
    ck_assert_int_eq(add(evidence), EVIDENCE_POOL_GOOD);
    ck_assert_uint_eq(pending(), 1);
    block_release(block);
}
END_TEST

START_TEST(evidence_takes_no_room_that_the_block_has_not) {
    struct params *params = &chain.ledger.state.params;
    ck_assert_int_eq(add(double_vote(3, 1, 0)), EVIDENCE_POOL_GOOD);
    params->block_bytes_max = 11 + 626 + params_commit_bytes_max(4, PARAMS_V038) + 100;
    ck_assert_uint_eq(pending(), 0);
    params->block_bytes_max += 900;
    ck_assert_uint_eq(pending(), 1);
}
END_TEST

START_TEST(one_validators_faults_do_not_crowd_out_those_of_others) {
    for (uint32_t name = 0; name < EVIDENCE_POOL_PER_VALIDATOR_MAX; name++)
        ck_assert_int_eq(add(double_vote(3, 1, name)), EVIDENCE_POOL_GOOD);
    ck_assert_int_eq(add(double_vote(3, 1, 1000)), EVIDENCE_POOL_FULL);
    ck_assert(!evidence_pool_is_fault(EVIDENCE_POOL_FULL));
    ck_assert_int_eq(add(double_vote(3, 2, 1000)), EVIDENCE_POOL_GOOD);
    struct evidence *list, left_out = double_vote(3, 1, 1000);
    ck_assert_int_eq(judged(&left_out, 1), BLOCK_GOOD); /* what is not kept is judged all the same */
    ck_assert_uint_eq(listed(&list), EVIDENCE_POOL_PER_VALIDATOR_MAX + 1);
    commit(list, 1);
    ck_assert_int_eq(add(left_out), EVIDENCE_POOL_GOOD);
}
END_TEST

START_TEST(the_pool_is_full_at_its_limit_and_a_restart_finds_it_so) {
    tear_down();
    begin(40, NULL, 1, 3);
    uint32_t good = 0, full = 0;
    for (uint32_t voter = 0; voter < 40; voter++)
        for (uint32_t name = 0; name < EVIDENCE_POOL_PER_VALIDATOR_MAX; name++) {
            enum evidence_pool_verdict verdict = add(double_vote(2, voter, name));
            good += verdict == EVIDENCE_POOL_GOOD;
            full += verdict == EVIDENCE_POOL_FULL;
        }
    ck_assert_uint_eq(good, EVIDENCE_POOL_PIECES_MAX);
    ck_assert_uint_eq(full, 40 * EVIDENCE_POOL_PER_VALIDATOR_MAX - EVIDENCE_POOL_PIECES_MAX);
    ck_assert_uint_eq(chain.ledger.evidence.count, EVIDENCE_POOL_PIECES_MAX);
    chain_reopen(&chain);
    ck_assert_uint_eq(chain.ledger.evidence.count, EVIDENCE_POOL_PIECES_MAX);
    struct evidence *list;
    uint32_t count = listed(&list);
    ck_assert_uint_gt(count, 500);
    commit(list, count);
    ck_assert_uint_eq(chain.ledger.evidence.count, EVIDENCE_POOL_PIECES_MAX - count);
}
END_TEST

/* ---- votes that consensus saw */

static void note(int64_t height, uint32_t voter, uint32_t name) {
    struct vote votes[2];
    two_votes(votes, height, voter, name);
    evidence_pool_note_votes(&chain.ledger, &votes[1], &votes[0]);
}

START_TEST(noted_votes_become_evidence_with_the_time_of_their_block_once_it_is_applied) {
    note(6, 1, 0);
    note(6, 1, 0);
    ck_assert_uint_eq(chain.ledger.evidence.vote_count, 1);
    ck_assert_uint_eq(pending(), 0);
    chain_run(&chain, 1);
    struct evidence *list, same = double_vote(6, 1, 0);
    ck_assert_uint_eq(listed(&list), 1);
    ck_assert(span_equal(list[0].inner, same.inner));
    ck_assert_int_eq(add(same), EVIDENCE_POOL_KNOWN);
    commit(list, 1);
    note(6, 1, 0); /* once more, late */
    chain_run(&chain, 1);
    ck_assert_uint_eq(pending(), 0);
}
END_TEST

START_TEST(noted_votes_of_an_earlier_height_get_the_time_and_set_of_that_height) {
    note(2, 1, 0);
    chain_run(&chain, 1);
    struct evidence *list, same = double_vote(2, 1, 0);
    ck_assert_uint_eq(listed(&list), 1);
    ck_assert(span_equal(list[0].inner, same.inner));
}
END_TEST

/* CometBFT's evidence holds the votes as they came; other bytes would make a second piece of evidence of one fault. */
START_TEST(noted_votes_keep_their_extensions_unless_these_are_too_large_for_any_block) {
    static uint8_t bytes[EVIDENCE_POOL_EXTENSIONS_MAX + 1];
    for (size_t i = 0; i < 2; i++) {
        struct vote votes[2];
        two_votes(votes, 6 + (int64_t)i, 1, 0);
        memset(bytes, 'e', sizeof bytes);
        votes[0].extension = span_of(bytes, i == 0 ? 1000 : EVIDENCE_POOL_EXTENSIONS_MAX);
        votes[1].extension = span_of(bytes, 1);
        votes[0].extension_signature = votes[1].extension_signature = (struct signature){.size = 64, .bytes = {7}};
        evidence_pool_note_votes(&chain.ledger, &votes[0], &votes[1]);
        memset(bytes, 'x', sizeof bytes); /* a loan */
        chain_run(&chain, 1);
        struct evidence *list;
        ck_assert_uint_eq(listed(&list), 1 + i);
        const struct evidence_duplicate_vote *duplicate = &list[i].duplicate;
        size_t together = duplicate->vote_a.extension.size + duplicate->vote_b.extension.size;
        ck_assert_uint_eq(together, i == 0 ? 1001 : 0);
        ck_assert_uint_eq(duplicate->vote_a.extension_signature.size, i == 0 ? 64 : 0);
        ck_assert(i > 0 || (duplicate->vote_a.extension.data[0] == 'e' && duplicate->vote_b.extension.data[0] == 'e'));
        ck_assert(evidence_check(&list[i]));
    }
}
END_TEST

START_TEST(noted_votes_that_prove_nothing_are_dropped) {
    struct vote votes[2];
    two_votes(votes, 6, 1, 0);
    votes[0].signature.bytes[0] ^= 1;
    evidence_pool_note_votes(&chain.ledger, &votes[0], &votes[1]);
    two_votes(votes, 6, 1, 1);
    votes[0].height = votes[1].height = 8; /* a height to come */
    evidence_pool_note_votes(&chain.ledger, &votes[0], &votes[1]);
    two_votes(votes, 6, 1, 2);
    evidence_pool_note_votes(&chain.ledger, &votes[0], &votes[0]);
    chain_run(&chain, 1);
    ck_assert_uint_eq(chain.ledger.evidence.count, 0);
    ck_assert_uint_eq(stored(), 0);
    ck_assert_uint_eq(chain.ledger.evidence.vote_count, 0);
}
END_TEST

START_TEST(noted_votes_have_a_bound_per_validator) {
    for (uint32_t name = 0; name < 1000; name++)
        note(6, 1, name);
    ck_assert_uint_eq(chain.ledger.evidence.vote_count, EVIDENCE_POOL_VOTES_OF_ONE_MAX);
    note(6, 2, 0);
    chain_run(&chain, 1);
    ck_assert_uint_eq(pending(), EVIDENCE_POOL_VOTES_OF_ONE_MAX + 1);
}
END_TEST

START_TEST(what_votes_became_is_in_the_batch_of_their_height) {
    struct kv_counts before, after;
    note(6, 1, 0);
    kv_count(store, &before);
    chain_run(&chain, 1);
    kv_count(store, &after);
    ck_assert_uint_eq(after.writes - before.writes, 1);
    kv_memory_crash(store, 0);
    chain_reopen(&chain);
    ck_assert_int_eq(chain.ledger.state.height, 6);
    ck_assert_uint_eq(pending(), 1);
}
END_TEST

/* ---- restarts */

START_TEST(pending_evidence_comes_back_after_a_restart) {
    struct evidence before = double_vote(3, 1, 0), *list;
    ck_assert_int_eq(add(before), EVIDENCE_POOL_GOOD);
    ck_assert_int_eq(add(double_vote(4, 2, 0)), EVIDENCE_POOL_GOOD);
    chain_reopen(&chain);
    ck_assert_uint_eq(listed(&list), 2);
    ck_assert(span_equal(list[0].inner, before.inner));
    ck_assert_int_eq(add(before), EVIDENCE_POOL_KNOWN);
}
END_TEST

START_TEST(a_height_that_could_not_be_written_neither_commits_nor_forgets_evidence) { /* wound 48 */
    struct evidence evidence = double_vote(3, 1, 0);
    ck_assert_int_eq(add(evidence), EVIDENCE_POOL_GOOD);
    struct block *block = block_with(&evidence, 1);
    kv_memory_fail_after(store, 0);
    if (setjmp(failed) == 0) {
        chain_apply(&chain, block);
        ck_abort_msg("the failure handler was not called");
    }
    kv_memory_fail_after(store, 1000);
    chain_reopen(&chain);
    struct digest hash;
    evidence_hash(&hash, &evidence);
    ck_assert(!evidence_pool_is_committed(&chain.ledger, &hash));
    ck_assert_uint_eq(pending(), 1);
    chain_apply(&chain, block);
    kv_memory_crash(store, 0);
    chain_reopen(&chain);
    ck_assert(evidence_pool_is_committed(&chain.ledger, &hash));
    ck_assert_uint_eq(pending(), 0);
    ck_assert_uint_eq(stored(), 0);
    ck_assert_int_eq(judged(&evidence, 1), BLOCK_EVIDENCE_REFUSED);
    block_release(block);
}
END_TEST

START_TEST(a_restart_drops_what_is_committed_expired_or_malformed) {
    struct evidence evidence = double_vote(3, 1, 0);
    commit(&evidence, 1);
    struct digest hash;
    evidence_hash(&hash, &evidence);
    struct key keys[] = {keys_height_hash('w', 3, hash.bytes), keys_height_hash('w', 4, hash.bytes)};
    uint8_t bytes[1024];
    struct proto_writer writer;
    proto_writer_init(&writer, bytes, sizeof bytes);
    evidence_write(&writer, &evidence);
    struct kv_batch batch;
    kv_batch_init(&batch);
    kv_batch_put(&batch, keys_span(&keys[0]), proto_writer_span(&writer));
    kv_batch_put(&batch, keys_span(&keys[1]), span_text("nonsense"));
    kv_write(store, &batch, true);
    kv_batch_close(&batch);
    chain_reopen(&chain);
    ck_assert_uint_eq(stored(), 0);
    ck_assert_uint_eq(pending(), 0);
}
END_TEST

START_TEST(evidence_about_a_height_that_was_taken_back_waits_for_it) {
    ck_assert_int_eq(add(double_vote(5, 1, 0)), EVIDENCE_POOL_GOOD);
    ck_assert(ledger_rollback(&chain.ledger, false));
    ck_assert_uint_eq(pending(), 0);
    chain_reopen(&chain);
    ck_assert_uint_eq(pending(), 0);
    struct block *block = ledger_block(&chain.ledger, 5);
    chain_apply(&chain, block);
    block_release(block);
    ck_assert_uint_eq(pending(), 1);
}
END_TEST

/* ---- what the application hears */

static struct app_table table;
static const struct app_table *real;
static uint32_t heard;
static struct abci_misbehavior heard_last;

static void listen_in(struct app *app, struct abci_finalized *out, const struct abci_block *block, struct arena *scratch) {
    heard += block->misbehavior_count;
    if (block->misbehavior_count > 0)
        heard_last = block->misbehavior[0];
    real->finalize_block(app, out, block, scratch);
}

START_TEST(the_application_hears_of_a_double_vote_once) {
    struct evidence evidence = double_vote(3, 1, 0);
    real = chain.app->table;
    table = *real;
    table.finalize_block = listen_in;
    chain.app->table = &table;
    heard = 0;
    commit(&evidence, 1);
    chain_run(&chain, 2);
    chain.app->table = real;
    struct timestamp time = time_at(3);
    ck_assert_uint_eq(heard, 1);
    ck_assert_int_eq(heard_last.type, 1);
    ck_assert_int_eq(heard_last.height, 3);
    ck_assert_int_eq(heard_last.power, 30);
    ck_assert_int_eq(heard_last.total_power, 100);
    ck_assert_int_eq(timestamp_compare(&heard_last.time, &time), 0);
    ck_assert(address_equal(&heard_last.address, &set_at(3)->validators[1].address));
}
END_TEST

/* ---- what is new, for those who pass it on */

START_TEST(pieces_are_numbered_in_the_order_in_which_they_came) {
    const struct evidence_pool *pool = &chain.ledger.evidence;
    ck_assert_ptr_null(evidence_pool_next(pool, 0));
    add(double_vote(4, 1, 0));
    add(double_vote(2, 1, 0));
    ck_assert_int_eq(evidence_pool_next(pool, 0)->height, 4);
    ck_assert_int_eq(evidence_pool_next(pool, evidence_pool_next(pool, 0)->number)->height, 2);
    ck_assert_ptr_null(evidence_pool_next(pool, pool->last_number));
}
END_TEST

Suite *suite_evidence_pool(void) {
    Suite *suite = suite_create("evidence_pool");
    TCase *tests = tcase_create("evidence_pool");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_double_vote_is_kept_listed_and_gone_once_committed);
    tcase_add_test(tests, evidence_in_a_block_need_not_be_known_before);
    tcase_add_test(tests, the_same_piece_twice_in_a_block_is_refused);
    tcase_add_test(tests, only_the_powers_of_the_set_are_taken);
    tcase_add_test(tests, only_the_block_time_of_its_height_is_taken);
    tcase_add_test(tests, votes_in_the_wrong_order_or_for_one_block_are_refused);
    tcase_add_test(tests, votes_of_different_occasions_or_voters_are_refused);
    tcase_add_test(tests, votes_with_forged_signatures_or_of_another_chain_are_refused);
    tcase_add_test(tests, a_height_to_come_is_early_and_nobodys_fault);
    tcase_add_test(tests, a_height_before_the_chains_first_is_gone);
    tcase_add_test(tests, pruning_blocks_leaves_what_young_evidence_needs);
    tcase_add_test(tests, only_both_ages_together_are_too_old);
    tcase_add_test(tests, pending_evidence_leaves_when_both_ages_are_passed_and_not_before);
    tcase_add_test(tests, the_power_is_that_of_the_height_of_the_fault);
    tcase_add_test(tests, pieces_are_listed_by_height_and_hash_as_long_as_they_fit);
    tcase_add_test(tests, a_piece_that_no_block_can_carry_is_not_kept);
    tcase_add_test(tests, evidence_takes_no_room_that_the_block_has_not);
    tcase_add_test(tests, one_validators_faults_do_not_crowd_out_those_of_others);
    tcase_add_test(tests, the_pool_is_full_at_its_limit_and_a_restart_finds_it_so);
    tcase_add_test(tests, noted_votes_become_evidence_with_the_time_of_their_block_once_it_is_applied);
    tcase_add_test(tests, noted_votes_of_an_earlier_height_get_the_time_and_set_of_that_height);
    tcase_add_test(tests, noted_votes_keep_their_extensions_unless_these_are_too_large_for_any_block);
    tcase_add_test(tests, noted_votes_that_prove_nothing_are_dropped);
    tcase_add_test(tests, noted_votes_have_a_bound_per_validator);
    tcase_add_test(tests, what_votes_became_is_in_the_batch_of_their_height);
    tcase_add_test(tests, pending_evidence_comes_back_after_a_restart);
    tcase_add_test(tests, a_height_that_could_not_be_written_neither_commits_nor_forgets_evidence);
    tcase_add_test(tests, a_restart_drops_what_is_committed_expired_or_malformed);
    tcase_add_test(tests, evidence_about_a_height_that_was_taken_back_waits_for_it);
    tcase_add_test(tests, the_application_hears_of_a_double_vote_once);
    tcase_add_test(tests, pieces_are_numbered_in_the_order_in_which_they_came);
    suite_add_tcase(suite, tests);
    return suite;
}
