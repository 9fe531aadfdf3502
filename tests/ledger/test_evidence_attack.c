/* Light client attacks against a real chain: powers 40, 30, 20, 10; conflicting blocks signed with the validators' keys. */
#include <check.h>

#include "tests/ledger/chain.h"

Suite *suite_evidence_attack(void);

static struct chain chain;
static struct arena arena;
static struct valset set; /* never changes on this chain */

static void set_up(void) {
    static const int64_t powers[] = {10, 20, 30, 40};
    arena_init(&arena, 1 << 28);
    chain_open(&chain, &(struct chain_config){.powers = powers});
    chain_run(&chain, 6);
    valset_init(&set);
    valset_copy(&set, &chain.ledger.state.validators);
}

static void tear_down(void) {
    valset_close(&set);
    chain_close(&chain);
    arena_close(&arena);
}

/* What a test may change before it is signed and encoded. */
struct attack {
    struct header header;
    int64_t common_height;
    int32_t round;
    int32_t flags[4];
    const struct valset *conflicting_set;
    const char *signed_for; /* chain id */
    uint32_t listed_count;
    struct validator listed[8];
    int64_t total_power;
    struct timestamp time;
};

static struct ledger_meta meta_at(int64_t height) {
    struct ledger_meta meta;
    ck_assert(ledger_block_meta(&chain.ledger, &meta, height));
    return meta;
}

static void list_members(struct attack *attack, const uint32_t *members, uint32_t count) {
    attack->listed_count = count;
    for (uint32_t i = 0; i < count; i++)
        attack->listed[i] = set.validators[members[i]];
}

/* Our own block of that height, but for `change`; signed by the first three (90 of 100), who are listed. */
static struct attack attack_at(int64_t common, int64_t height) {
    struct attack attack = {.header = meta_at(height).header, .common_height = common, .conflicting_set = &set, .signed_for = CHAIN_ID};
    attack.time = meta_at(common).header.time;
    attack.total_power = set.total_power;
    for (uint32_t i = 0; i < 4; i++)
        attack.flags[i] = i < 3 ? COMMIT_FOR_BLOCK : COMMIT_ABSENT;
    list_members(&attack, (const uint32_t[]){0, 1, 2}, 3);
    return attack;
}

static struct attack lunatic(int64_t common, int64_t height) {
    struct attack attack = attack_at(common, height);
    attack.header.app_hash.bytes[0] ^= 1;
    return attack;
}

/* At one height and in one round, for another block: everyone signed ours. */
static struct attack equivocation(int64_t height) {
    struct attack attack = attack_at(height, height);
    attack.header.data_hash.bytes[0] ^= 1;
    return attack;
}

static void sign_vote(struct vote *vote, const char *chain_id) {
    uint8_t bytes[VOTE_SIGN_BYTES_MAX];
    size_t size = vote_sign_bytes(bytes, vote, span_text(chain_id));
    vote->signature.size = 64;
    ed25519_sign(chain_key(&chain, &vote->validator_address), vote->signature.bytes, span_of(bytes, size));
}

static void sign_commit(struct commit *commit, struct commit_sig *sigs, const struct attack *attack) {
    *commit = (struct commit){.height = attack->header.height, .round = attack->round, .count = attack->conflicting_set->count, .sigs = sigs};
    commit->block_id.parts = (struct part_header){1, {.size = 32}};
    header_hash(&commit->block_id.hash, &attack->header);
    for (uint32_t i = 0; i < commit->count; i++) {
        commit_sig_absent(&sigs[i]);
        if (attack->flags[i] == COMMIT_ABSENT)
            continue;
        sigs[i].flag = attack->flags[i];
        sigs[i].timestamp = attack->header.time;
        struct vote vote;
        commit_vote(&vote, commit, i);
        vote.validator_address = attack->conflicting_set->validators[i].address;
        sign_vote(&vote, attack->signed_for);
        sigs[i].validator_address = vote.validator_address;
        sigs[i].signature = vote.signature;
    }
}

static void put_block(struct proto_writer *writer, const struct attack *attack) {
    struct commit commit;
    struct commit_sig sigs[4];
    sign_commit(&commit, sigs, attack);
    size_t block = proto_begin(writer, 1), head = proto_begin(writer, 1), mark = proto_begin(writer, 1);
    header_write(writer, &attack->header);
    proto_end(writer, mark);
    mark = proto_begin(writer, 2);
    commit_write(writer, &commit);
    proto_end(writer, mark);
    proto_end(writer, head);
    mark = proto_begin(writer, 2);
    valset_write(writer, attack->conflicting_set);
    proto_end(writer, mark);
    proto_end(writer, block);
}

static struct evidence evidence_of(const struct attack *attack) {
    uint8_t *bytes = arena_take(&arena, 8192, 1);
    struct proto_writer writer;
    proto_writer_init(&writer, bytes, 8192);
    size_t outer = proto_begin(&writer, EVIDENCE_LIGHT_ATTACK);
    put_block(&writer, attack);
    proto_put_int64(&writer, 2, attack->common_height);
    for (uint32_t i = 0; i < attack->listed_count; i++) {
        size_t mark = proto_begin(&writer, 3);
        validator_write(&writer, &attack->listed[i]);
        proto_end(&writer, mark);
    }
    proto_put_int64(&writer, 4, attack->total_power);
    timestamp_put(&writer, 5, &attack->time);
    proto_end(&writer, outer);
    ck_assert(!writer.overflow);
    struct evidence evidence = {0};
    struct proto_reader reader = proto_reader_over(proto_writer_span(&writer));
    evidence_read(&evidence, &reader, &arena);
    ck_assert(!reader.bad);
    return evidence;
}

static enum evidence_pool_verdict add(struct attack attack) {
    struct evidence evidence = evidence_of(&attack);
    return evidence_pool_add(&chain.ledger, &evidence);
}

static struct block *block_with(const struct attack *attack) {
    struct evidence evidence = evidence_of(attack);
    struct block_plan plan = chain_plan(&chain, &arena);
    plan.evidence = &evidence;
    plan.evidence_count = 1;
    return block_build(&plan);
}

static enum block_verdict judged(struct attack attack) {
    struct block *block = block_with(&attack);
    enum block_verdict verdict = ledger_judge(&chain.ledger, block, NULL);
    block_release(block);
    return verdict;
}

static uint32_t pending(void) {
    struct evidence *list;
    int64_t bytes;
    return evidence_pool_list(&chain.ledger, &list, &bytes, &arena);
}

static void good(struct attack attack) {
    ck_assert_int_eq(judged(attack), BLOCK_GOOD);
    ck_assert_int_eq(add(attack), EVIDENCE_POOL_GOOD);
    ck_assert_uint_eq(pending(), 1);
}

static void refused(struct attack attack, enum evidence_pool_verdict verdict) {
    ck_assert_int_eq(add(attack), verdict);
    ck_assert_uint_eq(chain.ledger.evidence.count, 0);
    ck_assert_int_eq(judged(attack), BLOCK_EVIDENCE_REFUSED);
}

/* ---- lunatics */

START_TEST(a_lunatic_attack_is_proven_kept_and_committed_once) {
    struct attack attack = lunatic(2, 4);
    good(attack);
    ck_assert_int_eq(add(attack), EVIDENCE_POOL_KNOWN);
    struct block *block = block_with(&attack);
    chain_apply(&chain, block);
    block_release(block);
    ck_assert_uint_eq(pending(), 0);
    ck_assert_int_eq(add(attack), EVIDENCE_POOL_COMMITTED);
    ck_assert_int_eq(judged(attack), BLOCK_EVIDENCE_REFUSED);
}
END_TEST

START_TEST(any_field_that_follows_from_the_chain_makes_a_lunatic) {
    for (int field = 0; field < 4; field++) {
        struct attack attack = attack_at(2, 4);
        uint8_t *fields[] = {attack.header.next_validators_hash.bytes, attack.header.consensus_hash.bytes, attack.header.app_hash.bytes,
                             attack.header.last_results_hash.bytes};
        fields[field][3] ^= 1;
        ck_assert_int_eq(judged(attack), BLOCK_GOOD);
    }
}
END_TEST

START_TEST(lunatics_with_a_set_of_their_own_convict_those_who_were_in_ours) {
    struct valset others;
    struct valset_change members[] = {{chain.addresses[0], chain.pub_keys[0], 5}, {chain.addresses[3], chain.pub_keys[3], 3},
                                      {chain.addresses[9], chain.pub_keys[9], 2}};
    valset_init(&others);
    ck_assert_int_eq(valset_make(&others, members, 3), VALSET_GOOD);
    struct attack attack = attack_at(2, 4);
    attack.conflicting_set = &others;
    valset_hash(&attack.header.validators_hash, &others);
    attack.listed_count = 2; /* with the powers of the common height, 50 of 100 */
    attack.listed[0] = set.validators[valset_find(&set, &chain.addresses[3])];
    attack.listed[1] = set.validators[valset_find(&set, &chain.addresses[0])];
    good(attack);
    valset_close(&others);
}
END_TEST

START_TEST(lunatics_who_hold_no_more_than_a_third_of_the_common_set_convict_nobody) {
    struct valset others;
    struct valset_change members[] = {{chain.addresses[2], chain.pub_keys[2], 50}, {chain.addresses[9], chain.pub_keys[9], 2}};
    valset_init(&others);
    ck_assert_int_eq(valset_make(&others, members, 2), VALSET_GOOD);
    struct attack attack = attack_at(2, 4);
    attack.conflicting_set = &others;
    attack.flags[1] = COMMIT_ABSENT;
    valset_hash(&attack.header.validators_hash, &others);
    attack.listed_count = 1;
    attack.listed[0] = set.validators[valset_find(&set, &chain.addresses[2])]; /* 30 of 100 */
    refused(attack, EVIDENCE_POOL_UNPROVEN);
    valset_close(&others);
}
END_TEST

START_TEST(a_block_without_two_thirds_of_its_own_set_is_no_attack) {
    struct attack attack = lunatic(2, 4);
    attack.flags[1] = COMMIT_FOR_NIL; /* 60 of 100 */
    list_members(&attack, (const uint32_t[]){0, 2}, 2);
    refused(attack, EVIDENCE_POOL_UNPROVEN);
    attack.flags[1] = COMMIT_FOR_BLOCK;
    attack.flags[2] = COMMIT_ABSENT; /* 70 of 100 */
    list_members(&attack, (const uint32_t[]){0, 1}, 2);
    good(attack);
}
END_TEST

START_TEST(a_lunatic_block_at_the_common_height_is_refused) {
    refused(lunatic(4, 4), EVIDENCE_POOL_UNPROVEN);
    good(lunatic(3, 4));
}
END_TEST

START_TEST(our_own_block_is_no_attack) {
    refused(attack_at(2, 4), EVIDENCE_POOL_UNPROVEN);
    refused(attack_at(4, 4), EVIDENCE_POOL_UNPROVEN);
}
END_TEST

START_TEST(a_list_that_does_not_follow_is_refused) { /* wound 30 */
    struct attack attack = lunatic(2, 4), other = attack;
    list_members(&other, (const uint32_t[]){0, 1}, 2);
    refused(other, EVIDENCE_POOL_UNPROVEN);
    list_members(&other, (const uint32_t[]){0, 1, 2, 3}, 4);
    refused(other, EVIDENCE_POOL_UNPROVEN);
    list_members(&other, (const uint32_t[]){0, 1, 3}, 3);
    refused(other, EVIDENCE_POOL_UNPROVEN);
    list_members(&other, (const uint32_t[]){1, 0, 2}, 3);
    refused(other, EVIDENCE_POOL_UNPROVEN);
    list_members(&other, (const uint32_t[]){0, 1, 1}, 3);
    refused(other, EVIDENCE_POOL_UNPROVEN);
    list_members(&other, NULL, 0);
    refused(other, EVIDENCE_POOL_UNPROVEN);
    other = attack, other.listed[1].power++;
    refused(other, EVIDENCE_POOL_UNPROVEN);
    good(attack);
}
END_TEST

START_TEST(the_power_must_be_the_common_sets) {
    struct attack attack = lunatic(2, 4);
    attack.total_power++;
    refused(attack, EVIDENCE_POOL_UNPROVEN);
    attack.total_power--;
    good(attack);
}
END_TEST

START_TEST(the_time_must_be_that_of_the_common_height) { /* wound 11 */
    struct attack attack = lunatic(2, 4);
    attack.time = meta_at(4).header.time;
    refused(attack, EVIDENCE_POOL_WRONG_TIME);
    attack.time = meta_at(2).header.time;
    good(attack);
}
END_TEST

START_TEST(signatures_for_another_chain_prove_nothing) {
    struct attack attack = lunatic(2, 4);
    attack.signed_for = "another-chain";
    refused(attack, EVIDENCE_POOL_UNPROVEN);
    attack.signed_for = CHAIN_ID;
    good(attack);
}
END_TEST

START_TEST(every_signature_is_verified_also_beyond_two_thirds) { /* wound 10 */
    struct attack attack = lunatic(2, 4);
    struct evidence evidence = evidence_of(&attack);
    evidence.conflicting_commit.sigs[2].signature.bytes[3] ^= 1; /* the first two hold 70 */
    ck_assert_int_eq(evidence_pool_verify(&chain.ledger, &evidence), EVIDENCE_POOL_UNPROVEN);
    evidence.conflicting_commit.sigs[2].signature.bytes[3] ^= 1;
    ck_assert_int_eq(evidence_pool_verify(&chain.ledger, &evidence), EVIDENCE_POOL_GOOD);
}
END_TEST

START_TEST(an_attack_is_too_old_when_its_common_height_is) {
    struct params *params = &chain.ledger.state.params;
    struct attack attack = lunatic(2, 5);
    params->evidence_age_blocks_max = 3; /* the common height is four blocks old, the other one */
    ck_assert_int_eq(judged(attack), BLOCK_GOOD);
    params->evidence_age_ns_max = 1;
    refused(attack, EVIDENCE_POOL_EXPIRED);
    good(lunatic(3, 5));
}
END_TEST

/* ---- heights that the chain has not passed */

START_TEST(a_common_height_to_come_is_early) {
    struct attack attack = attack_at(5, 5);
    attack.common_height = attack.header.height = 9;
    refused(attack, EVIDENCE_POOL_EARLY);
}
END_TEST

/* CometBFT has no commit for its latest block either. */
START_TEST(an_attack_on_the_latest_height_is_held_until_its_commit_is_the_chains) {
    struct attack attack = lunatic(2, 6);
    ck_assert_int_eq(judged(attack), BLOCK_EVIDENCE_REFUSED);
    ck_assert_int_eq(add(attack), EVIDENCE_POOL_HELD);
    ck_assert_uint_eq(pending(), 0);
    ck_assert_ptr_null(evidence_pool_next(&chain.ledger.evidence, 0));
    ck_assert_int_eq(add(equivocation(6)), EVIDENCE_POOL_EARLY); /* who equivocated is told by the commit alone */
}
END_TEST

START_TEST(a_held_attack_is_ready_one_height_later) {
    struct attack attack = lunatic(2, 6);
    ck_assert_int_eq(add(attack), EVIDENCE_POOL_HELD);
    chain_reopen(&chain);
    ck_assert_uint_eq(pending(), 0);
    chain_run(&chain, 1);
    ck_assert_uint_eq(pending(), 1);
    ck_assert_ptr_nonnull(evidence_pool_next(&chain.ledger.evidence, 0));
    ck_assert_int_eq(judged(attack), BLOCK_GOOD);
}
END_TEST

/* ---- forward lunatics: wound 14 */

static struct attack forward(int64_t ahead) {
    struct attack attack = lunatic(2, 6);
    attack.header.height += ahead;
    return attack;
}

START_TEST(a_block_ahead_of_us_but_not_of_our_time_is_proven_and_held) {
    struct attack attack = forward(10);
    ck_assert_int_eq(judged(attack), BLOCK_EVIDENCE_REFUSED);
    ck_assert_int_eq(add(attack), EVIDENCE_POOL_HELD);
    ck_assert_uint_eq(chain.ledger.evidence.count, 1);
    chain_run(&chain, 10);
    ck_assert_uint_eq(pending(), 0);
    chain_run(&chain, 1);
    ck_assert_uint_eq(pending(), 1);
    ck_assert_int_eq(judged(attack), BLOCK_GOOD);
}
END_TEST

START_TEST(a_block_ahead_of_us_and_of_our_time_is_early) {
    struct attack attack = forward(10);
    attack.header.time = timestamp_add_ns(&attack.header.time, 1);
    refused(attack, EVIDENCE_POOL_EARLY);
}
END_TEST

START_TEST(a_block_ahead_of_us_that_follows_from_our_chain_is_early) {
    struct attack attack = forward(10);
    attack.header.app_hash = meta_at(6).header.app_hash;
    refused(attack, EVIDENCE_POOL_EARLY);
}
END_TEST

START_TEST(a_forward_lunatic_with_a_forged_list_is_refused) {
    struct attack attack = forward(10);
    list_members(&attack, (const uint32_t[]){0, 1, 3}, 3);
    refused(attack, EVIDENCE_POOL_UNPROVEN);
}
END_TEST

START_TEST(heights_at_the_end_of_numbers_do_no_harm) {
    struct attack attack = forward(1);
    attack.header.height = INT64_MAX;
    ck_assert_int_eq(add(attack), EVIDENCE_POOL_HELD);
    chain_run(&chain, 2);
    ck_assert_uint_eq(pending(), 0);
}
END_TEST

/* ---- equivocation and amnesia */

START_TEST(equivocators_are_those_in_both_commits) {
    struct attack attack = equivocation(4);
    good(attack);
}
END_TEST

START_TEST(who_signed_only_one_of_both_blocks_is_no_equivocator) {
    /* Validator 1 was absent from our own commit of height 7. */
    struct block *block = chain_next(&chain, NULL, 0);
    chain_apply(&chain, block);
    block_release(block);
    commit_sig_absent(&chain.last.sigs[1]);
    chain_run(&chain, 1);
    struct attack attack = equivocation(7);
    refused(attack, EVIDENCE_POOL_UNPROVEN);
    list_members(&attack, (const uint32_t[]){0, 2}, 2);
    good(attack);
}
END_TEST

START_TEST(a_skipped_equivocation_is_held_against_the_conflicting_height) {
    struct attack attack = attack_at(2, 4);
    attack.header.data_hash.bytes[0] ^= 1;
    good(attack);
}
END_TEST

START_TEST(amnesia_names_nobody_and_is_refused_with_any_list) {
    struct attack attack = equivocation(4);
    attack.round = 1;
    refused(attack, EVIDENCE_POOL_UNPROVEN);
    list_members(&attack, NULL, 0);
    refused(attack, EVIDENCE_POOL_UNPROVEN); /* as CometBFT, for which a list off the wire is never the absent one */
    attack.round = 0;
    list_members(&attack, (const uint32_t[]){0, 1, 2}, 3);
    good(attack);
}
END_TEST

/* ---- its hash says little */

START_TEST(a_forged_list_is_refused_though_a_piece_of_the_same_hash_is_pending) {
    struct attack attack = lunatic(2, 4), forged = attack;
    ck_assert_int_eq(add(attack), EVIDENCE_POOL_GOOD);
    list_members(&forged, (const uint32_t[]){0, 1, 3}, 3);
    struct evidence one = evidence_of(&attack), other = evidence_of(&forged);
    struct digest hash, other_hash;
    evidence_hash(&hash, &one);
    evidence_hash(&other_hash, &other);
    ck_assert(digest_equal(&hash, &other_hash));
    ck_assert_int_eq(judged(forged), BLOCK_EVIDENCE_REFUSED);
    ck_assert_int_eq(judged(attack), BLOCK_GOOD);
}
END_TEST

START_TEST(attacks_have_a_bound_of_their_own) {
    struct attack attack = lunatic(2, 4);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < EVIDENCE_POOL_ATTACKS_MAX + 5; i++) {
        attack.header.app_hash.bytes[1] = (uint8_t)i;
        enum evidence_pool_verdict verdict = add(attack);
        kept += verdict == EVIDENCE_POOL_GOOD;
        ck_assert(verdict == EVIDENCE_POOL_GOOD || verdict == EVIDENCE_POOL_FULL);
    }
    ck_assert_uint_eq(kept, EVIDENCE_POOL_ATTACKS_MAX);
}
END_TEST

START_TEST(a_piece_that_fits_nowhere_any_more_does_not_stand_in_the_way) {
    struct attack large = lunatic(2, 4), small = lunatic(3, 5);
    small.flags[2] = COMMIT_ABSENT;
    list_members(&small, (const uint32_t[]){0, 1}, 2);
    ck_assert_int_eq(add(large), EVIDENCE_POOL_GOOD);
    ck_assert_int_eq(add(small), EVIDENCE_POOL_GOOD);
    struct block *block = block_with(&large);
    chain.ledger.state.params.evidence_bytes_max = block->evidence_bytes; /* the large one alone, which comes first */
    ck_assert_uint_eq(pending(), 1);
    struct evidence *list;
    int64_t bytes;
    chain.ledger.state.params.evidence_bytes_max--;
    ck_assert_uint_eq(evidence_pool_list(&chain.ledger, &list, &bytes, &arena), 1);
    ck_assert_int_eq(evidence_height(&list[0]), 3);
    block_release(block);
}
END_TEST

/* ---- what the application hears */

static struct app_table table;
static const struct app_table *real;
static uint32_t heard;
static struct abci_misbehavior words[8];

static void listen_in(struct app *app, struct abci_finalized *out, const struct abci_block *block, struct arena *scratch) {
    for (uint32_t i = 0; i < block->misbehavior_count; i++)
        words[heard++ % 8] = block->misbehavior[i];
    real->finalize_block(app, out, block, scratch);
}

START_TEST(the_application_hears_of_each_byzantine_validator) {
    struct attack attack = lunatic(2, 4);
    struct block *block = block_with(&attack);
    real = chain.app->table;
    table = *real;
    table.finalize_block = listen_in;
    chain.app->table = &table;
    heard = 0;
    chain_apply(&chain, block);
    chain.app->table = real;
    block_release(block);
    ck_assert_uint_eq(heard, 3);
    for (uint32_t i = 0; i < 3; i++) {
        ck_assert_int_eq(words[i].type, 2);
        ck_assert_int_eq(words[i].height, 2);
        ck_assert_int_eq(words[i].power, set.validators[i].power);
        ck_assert_int_eq(words[i].total_power, 100);
        ck_assert(address_equal(&words[i].address, &set.validators[i].address));
        ck_assert_int_eq(timestamp_compare(&words[i].time, &attack.time), 0);
    }
}
END_TEST

Suite *suite_evidence_attack(void) {
    Suite *suite = suite_create("evidence_attack");
    TCase *tests = tcase_create("evidence_attack");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_lunatic_attack_is_proven_kept_and_committed_once);
    tcase_add_test(tests, any_field_that_follows_from_the_chain_makes_a_lunatic);
    tcase_add_test(tests, lunatics_with_a_set_of_their_own_convict_those_who_were_in_ours);
    tcase_add_test(tests, lunatics_who_hold_no_more_than_a_third_of_the_common_set_convict_nobody);
    tcase_add_test(tests, a_block_without_two_thirds_of_its_own_set_is_no_attack);
    tcase_add_test(tests, a_lunatic_block_at_the_common_height_is_refused);
    tcase_add_test(tests, our_own_block_is_no_attack);
    tcase_add_test(tests, a_list_that_does_not_follow_is_refused);
    tcase_add_test(tests, the_power_must_be_the_common_sets);
    tcase_add_test(tests, the_time_must_be_that_of_the_common_height);
    tcase_add_test(tests, signatures_for_another_chain_prove_nothing);
    tcase_add_test(tests, every_signature_is_verified_also_beyond_two_thirds);
    tcase_add_test(tests, an_attack_is_too_old_when_its_common_height_is);
    tcase_add_test(tests, a_common_height_to_come_is_early);
    tcase_add_test(tests, an_attack_on_the_latest_height_is_held_until_its_commit_is_the_chains);
    tcase_add_test(tests, a_held_attack_is_ready_one_height_later);
    tcase_add_test(tests, a_block_ahead_of_us_but_not_of_our_time_is_proven_and_held);
    tcase_add_test(tests, a_block_ahead_of_us_and_of_our_time_is_early);
    tcase_add_test(tests, a_block_ahead_of_us_that_follows_from_our_chain_is_early);
    tcase_add_test(tests, a_forward_lunatic_with_a_forged_list_is_refused);
    tcase_add_test(tests, heights_at_the_end_of_numbers_do_no_harm);
    tcase_add_test(tests, equivocators_are_those_in_both_commits);
    tcase_add_test(tests, who_signed_only_one_of_both_blocks_is_no_equivocator);
    tcase_add_test(tests, a_skipped_equivocation_is_held_against_the_conflicting_height);
    tcase_add_test(tests, amnesia_names_nobody_and_is_refused_with_any_list);
    tcase_add_test(tests, a_forged_list_is_refused_though_a_piece_of_the_same_hash_is_pending);
    tcase_add_test(tests, attacks_have_a_bound_of_their_own);
    tcase_add_test(tests, a_piece_that_fits_nowhere_any_more_does_not_stand_in_the_way);
    tcase_add_test(tests, the_application_hears_of_each_byzantine_validator);
    suite_add_tcase(suite, tests);
    return suite;
}
