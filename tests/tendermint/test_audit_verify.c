#include <check.h>
#include <stdlib.h>

#include "tests/tendermint/trial.h"

static const int64_t four[] = {1, 1, 1, 1};
static struct trial trial;

/* All kinds of record are in it: a fork, logs, suspects, double votes and proposals, two parents. */
static void make_rich_bundle(void) {
    trial_open(&trial, AUDIT_COMET, four, 4);
    trial_say(&trial, VOTE_PREVOTE, 0, "0123", 'a');
    trial_commit(&trial, 0, "012", 'a');
    trial_say(&trial, VOTE_PREVOTE, 2, "123", 'b');
    trial_commit(&trial, 2, "123", 'b');
    trial_log(&trial, 1, NULL, true);
    trial_judge(&trial);
}

static void make_proof_bundle(void) {
    trial_open(&trial, AUDIT_STRICT, four, 4);
    trial_say(&trial, VOTE_PREVOTE, 0, "0123", 'a');
    trial_commit(&trial, 0, "012", 'a');
    trial_say(&trial, VOTE_PREVOTE, 2, "123", 'b');
    trial_commit(&trial, 2, "123", 'b');
    trial_say(&trial, VOTE_PREVOTE, 1, "1", 'a');
    trial_say(&trial, VOTE_PREVOTE, 1, "1", 'c');
    trial_log(&trial, 1, NULL, true);
    trial_propose(&trial, 0, 1, 'a');
    trial_propose(&trial, 0, 1, 'b');
    struct block_id on_a = trial_block_on(&trial, 'x', TRIAL_HEIGHT + 1, &trial.commits[0].id);
    struct block_id on_b = trial_block_on(&trial, 'y', TRIAL_HEIGHT + 1, &trial.commits[1].id);
    trial_say_next(&trial, VOTE_PRECOMMIT, 0, "2", &on_a);
    trial_say_next(&trial, VOTE_PREVOTE, 7, "2", &on_b);
    trial_judge(&trial);
}

static void make_set_bundle(void) {
    static const int64_t seven[] = {1, 1, 1, 1, 1, 1, 1};
    trial_open(&trial, AUDIT_COMET, seven, 7);
    trial_say(&trial, VOTE_PREVOTE, 0, "01234", 'a');
    trial_commit(&trial, 0, "01234", 'a');
    trial_say(&trial, VOTE_PREVOTE, 1, "012356", 'b');
    trial_commit(&trial, 1, "012356", 'b');
    trial.deadline_passed = true;
    trial_judge(&trial);
    ck_assert_int_gt(trial.report.set_power, 0);
}

static void (*const makers[])(void) = {make_rich_bundle, make_proof_bundle, make_set_bundle};
#define MAKERS ((int)(sizeof makers / sizeof makers[0]))

START_TEST(any_changed_byte_is_refused) {
    makers[_i]();
    uint8_t *bytes = (uint8_t *)trial.bundle.data;
    struct arena arena = trial.arena;
    for (size_t i = 0; i < trial.bundle.size; i++)
        for (int bit = 0; bit < 8; bit++) {
            struct audit_verified seen;
            size_t offset;
            arena_init(&arena, 1 << 20);
            bytes[i] ^= (uint8_t)(1u << bit);
            ck_assert_msg(audit_verify(&seen, &offset, trial.bundle, &trial.trust, signers_chain(), NULL, &arena) != NULL, "byte %zu, bit %d", i, bit);
            bytes[i] ^= (uint8_t)(1u << bit);
            arena_close(&arena);
        }
    trial_close(&trial);
}
END_TEST

/* What can be said without a lie: the same facts with a weaker word. Nobody else is ever accused, and nothing more is ever proved. */
static bool says_no_more(const struct audit_verified *seen, const struct audit_verified *before) {
    if (seen->proven_power > before->proven_power || seen->by_log_power > before->by_log_power || seen->third_seen > before->third_seen)
        return false;
    for (uint32_t i = 0; i < seen->statement_count; i++) {
        bool known = false;
        for (uint32_t j = 0; j < before->statement_count; j++)
            known |= address_equal(&seen->statements[i].who, &before->statements[j].who) && seen->statements[i].kind == before->statements[j].kind;
        if (!known)
            return false;
    }
    return true;
}

/* A forger who mends the checksum: every byte is covered by something else too. */
START_TEST(a_changed_byte_under_a_mended_checksum_is_refused_or_says_no_more) {
    makers[_i]();
    uint8_t *bytes = (uint8_t *)trial.bundle.data;
    struct audit_verified before, seen;
    uint32_t accepted = 0;
    ck_assert_ptr_null(trial_verify(&trial, &before, trial.bundle));
    for (size_t i = 0; i < trial.bundle.size - 37; i++) {
        struct arena arena;
        size_t offset;
        arena_init(&arena, 1 << 20);
        uint8_t kept = bytes[i];
        bytes[i] ^= (uint8_t)(1 + i % 255);
        trial_reseal(trial.bundle);
        bool good = audit_verify(&seen, &offset, trial.bundle, &trial.trust, signers_chain(), NULL, &arena) == NULL;
        accepted += good;
        ck_assert_msg(!good || says_no_more(&seen, &before), "byte %zu", i);
        bytes[i] = kept;
        arena_close(&arena);
    }
    ck_assert_uint_le(accepted, 1); /* only which word is used, and whether the deadline passed */
    trial_close(&trial);
}
END_TEST

static size_t record_size(const uint8_t *head) { return 5 + ((size_t)head[1] << 24 | (size_t)head[2] << 16 | (size_t)head[3] << 8 | head[4]); }

/* `second` before `first`, and all between them after it; or the first one twice. */
static void write_otherwise(uint8_t *out, struct span bundle, const size_t *at, size_t first, size_t second) {
    size_t a = record_size(bundle.data + at[first]), b = record_size(bundle.data + at[second]), between = at[second] - at[first] - a;
    memcpy(out, bundle.data, bundle.size);
    memcpy(out + at[first], bundle.data + at[second], b);
    memcpy(out + at[first] + b, bundle.data + at[first] + a, between);
    memcpy(out + at[first] + b + between, bundle.data + at[first], a);
}

START_TEST(records_in_another_order_or_twice_under_a_mended_checksum_are_refused) {
    makers[_i]();
    size_t at[64], count = 0, end = trial.bundle.size - 37;
    struct audit_verified seen;
    uint8_t *other = malloc(2 * trial.bundle.size);
    ck_assert_ptr_nonnull(other);
    for (size_t offset = 16; offset < end && count < 64; offset += record_size(trial.bundle.data + offset))
        at[count++] = offset;
    ck_assert_uint_ge(count, 4);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = i + 1; j < count; j++) {
            write_otherwise(other, trial.bundle, at, i, j);
            trial_reseal(span_of(other, trial.bundle.size));
            ck_assert_msg(trial_verify(&trial, &seen, span_of(other, trial.bundle.size)) != NULL, "records %zu and %zu", i, j);
        }
        size_t size = record_size(trial.bundle.data + at[i]);
        memcpy(other, trial.bundle.data, at[i] + size);
        memcpy(other + at[i] + size, trial.bundle.data + at[i], trial.bundle.size - at[i]);
        trial_reseal(span_of(other, trial.bundle.size + size));
        ck_assert_msg(trial_verify(&trial, &seen, span_of(other, trial.bundle.size + size)) != NULL, "record %zu twice", i);
    }
    free(other);
    trial_close(&trial);
}
END_TEST

START_TEST(a_bundle_that_is_cut_anywhere_is_refused) {
    makers[_i]();
    struct audit_verified seen;
    for (size_t size = 0; size < trial.bundle.size; size++) {
        uint8_t *copy = malloc(size + 1);
        ck_assert_ptr_nonnull(copy);
        memcpy(copy, trial.bundle.data, size);
        ck_assert_ptr_nonnull(trial_verify(&trial, &seen, span_of(copy, size)));
        free(copy);
    }
    trial_close(&trial);
}
END_TEST

START_TEST(another_genesis_or_chain_refuses_it) {
    makers[_i]();
    struct audit_verified seen;
    size_t offset;
    struct audit_trust other = trial.trust;
    other.set_hash.bytes[3] ^= 1;
    ck_assert_ptr_nonnull(audit_verify(&seen, &offset, trial.bundle, &other, signers_chain(), NULL, &trial.arena));
    other = trial.trust;
    other.height = 1;
    ck_assert_ptr_nonnull(audit_verify(&seen, &offset, trial.bundle, &other, signers_chain(), NULL, &trial.arena));
    ck_assert_ptr_nonnull(audit_verify(&seen, &offset, trial.bundle, &trial.trust, span_text("other"), NULL, &trial.arena));
    trial_close(&trial);
}
END_TEST

/* ---- the way from the genesis */

/* The set of the trial comes only at its height; the genesis has another one, of the first `old` keys and some that left. */
static struct signers genesis;

static void make_link(struct audit_commit *link, const struct signers *by, int64_t height, const struct valset *own, const struct valset *next) {
    header_init(&link->header);
    header_set_chain_id(&link->header, signers_chain());
    link->header.version_block = HEADER_BLOCK_PROTOCOL;
    link->header.height = height;
    link->header.time = (struct timestamp){1700000000 + height, 0};
    valset_hash(&link->header.validators_hash, own);
    valset_hash(&link->header.next_validators_hash, next);
    link->header.proposer_address = own->validators[0].address;
    header_hash(&link->id.hash, &link->header);
    link->id.parts = (struct part_header){1, link->id.hash};
    link->commit = (struct commit){.height = height, .round = 0, .block_id = link->id, .count = own->count};
    link->commit.sigs = arena_take(&trial.arena, own->count, sizeof link->commit.sigs[0]);
    for (uint32_t i = 0; i < own->count; i++) {
        struct vote vote;
        commit_sig_absent(&link->commit.sigs[i]);
        link->commit.sigs[i] = (struct commit_sig){COMMIT_FOR_BLOCK, own->validators[i].address, {1700000000 + height, 1}, {0}};
        commit_vote(&vote, &link->commit, i);
        vote.validator_index = (int32_t)i;
        signers_sign_vote(by, &vote);
        link->commit.sigs[i].signature = vote.signature;
    }
}

static void open_with_other_genesis(void) {
    static const int64_t grown[] = {1, 1, 1, 1, 9, 9};
    trial_open(&trial, AUDIT_STRICT, four, 4);
    signers_init(&genesis, grown, 6, 0); /* the first four keys are the same: of little power then */
    valset_hash(&trial.trust.set_hash, &genesis.set);
    trial.sets[trial.set_count++] = &genesis.set;
    trial_say(&trial, VOTE_PREVOTE, 0, "0123", 'a');
    trial_commit(&trial, 0, "012", 'a');
    trial_say(&trial, VOTE_PREVOTE, 1, "123", 'b');
    trial_commit(&trial, 1, "123", 'b');
}

START_TEST(headers_lead_from_the_genesis_set_to_the_set_of_the_height) {
    open_with_other_genesis();
    make_link(&trial.links[0], &genesis, 1, &genesis.set, &genesis.set);
    make_link(&trial.links[1], &genesis, 4, &genesis.set, &trial.signers.set); /* 2 and 3 are passed over: the same set signed */
    trial.link_count = 2;
    trial_judge(&trial);
    ck_assert_int_eq(trial.report.suspect_power, 2);
    trial_close(&trial);
    signers_close(&genesis);
}
END_TEST

START_TEST(without_the_header_at_which_the_set_changed_the_set_is_not_believed) {
    struct audit_verified seen;
    open_with_other_genesis();
    make_link(&trial.links[0], &genesis, 4, &genesis.set, &trial.signers.set);
    trial.link_count = 1;
    trial_judge(&trial);
    struct audit_trust kept = trial.trust;
    trial.report.count = 0;
    for (int wrong = 0; wrong < 3; wrong++) {
        struct audit_bundle bundle = {&trial.audit, &trial.report, kept, trial.links, 1, trial.sets, 2, trial.log_bytes, NULL, NULL, 0};
        struct span bytes;
        if (wrong == 0) {
            bundle.link_count = 0; /* nothing between */
        } else if (wrong == 1) {
            make_link(&trial.links[0], &genesis, 4, &genesis.set, &genesis.set); /* it names another next set */
        } else {
            make_link(&trial.links[0], &trial.signers, 4, &trial.signers.set, &trial.signers.set); /* signed by the new set alone */
            bundle.links = trial.links;
        }
        ck_assert(audit_bundle_make(&bytes, &bundle, &trial.arena));
        const char *why = trial_verify(&trial, &seen, bytes);
        ck_assert_msg(why != NULL, "%d", wrong);
    }
    trial_close(&trial);
    signers_close(&genesis);
}
END_TEST

/* ---- lies that are signed by the reporter's pen only */

static struct span bundle_of(void) {
    const struct audit_bundle bundle = {&trial.audit, &trial.report, trial.trust, NULL, 0, trial.sets, trial.set_count, trial.log_bytes, NULL, NULL, 0};
    struct span bytes;
    ck_assert(audit_bundle_make(&bytes, &bundle, &trial.arena));
    return bytes;
}

START_TEST(a_reporter_cannot_convict_whom_the_votes_do_not) {
    struct audit_verified seen;
    make_proof_bundle();
    struct audit_finding *finding = &trial.report.findings[0], kept = *finding;
    const struct validator *innocent = &trial.signers.set.validators[0];
    uint32_t count = trial.report.count;
    trial.report.count = 1;
    *finding = (struct audit_finding){.kind = AUDIT_E1, .status = AUDIT_PROVEN, .who = innocent->address, .a = &trial.votes[0], .b = &trial.votes[0], .log = -1};
    ck_assert_ptr_nonnull(trial_verify(&trial, &seen, bundle_of())); /* one vote is not two */
    finding->b = &trial.votes[4];
    ck_assert_ptr_nonnull(trial_verify(&trial, &seen, bundle_of())); /* a prevote and a precommit */
    *finding = kept;
    finding->who = innocent->address;
    ck_assert_ptr_nonnull(trial_verify(&trial, &seen, bundle_of())); /* another's votes */
    for (uint32_t i = 0; i < count; i++) {
        if (trial.report.findings[i].status != AUDIT_SUSPECT)
            continue;
        trial.report.findings[0] = trial.report.findings[i];
        trial.report.findings[0].status = AUDIT_CONVICTED_BY_LOG; /* without a log */
        ck_assert_ptr_nonnull(trial_verify(&trial, &seen, bundle_of()));
        trial.report.findings[0].status = AUDIT_PROVEN;
        ck_assert_ptr_nonnull(trial_verify(&trial, &seen, bundle_of()));
    }
    trial_close(&trial);
}
END_TEST

START_TEST(votes_for_two_blocks_on_one_parent_are_not_called_two_parents) {
    struct audit_verified seen;
    make_proof_bundle();
    struct block_id one = trial_block_on(&trial, 'x', TRIAL_HEIGHT + 1, &trial.commits[0].id), other = trial_block_on(&trial, 'z', TRIAL_HEIGHT + 1, &trial.commits[0].id);
    struct vote votes[] = {trial_vote(&trial, VOTE_PREVOTE, TRIAL_HEIGHT + 1, 0, 0, &one), trial_vote(&trial, VOTE_PREVOTE, TRIAL_HEIGHT + 1, 1, 0, &other)};
    audit_headers_sort(trial.headers, trial.header_count);
    trial.audit.header_count = trial.header_count;
    trial.report.findings[0] = (struct audit_finding){.kind = AUDIT_E4, .status = AUDIT_PROVEN, .who = trial.signers.set.validators[0].address, .a = &votes[0],
                                                      .b = &votes[1], .log = -1};
    for (uint32_t i = 0; i < trial.header_count; i++)
        for (int j = 0; j < 2; j++)
            if (digest_equal(&trial.headers[i].hash, &votes[j].block_id.hash))
                trial.report.findings[0].headers[j] = &trial.headers[i].header;
    trial.report.count = 1;
    ck_assert_str_eq(trial_verify(&trial, &seen, bundle_of()), "the two blocks have one parent");
    trial_close(&trial);
}
END_TEST

/* An honest one's log of before its vote, in which the polka that allowed it cannot be. */
START_TEST(a_log_that_lacks_the_vote_in_question_does_not_convict) {
    struct audit_verified seen;
    trial_open(&trial, AUDIT_STRICT, four, 4);
    trial_say(&trial, VOTE_PREVOTE, 0, "0123", 'a');
    trial_commit(&trial, 0, "012", 'a');
    trial_log(&trial, 1, NULL, true);
    trial_say(&trial, VOTE_PREVOTE, 2, "123", 'b');
    trial_commit(&trial, 2, "123", 'b');
    trial_judge(&trial);
    for (uint32_t i = 0; i < trial.report.count; i++)
        if (trial.report.findings[i].kind == AUDIT_A1 && address_equal(&trial.report.findings[i].who, &trial.signers.set.validators[1].address)) {
            trial.report.findings[i].status = AUDIT_CONVICTED_BY_LOG;
            trial.report.findings[i].log = 0;
        }
    ck_assert_str_eq(trial_verify(&trial, &seen, bundle_of()), "the accused's own log does not convict it");
    trial_close(&trial);
}
END_TEST

START_TEST(a_key_is_not_counted_twice) {
    struct audit_verified seen;
    make_proof_bundle();
    ck_assert_ptr_null(trial_verify(&trial, &seen, trial.bundle));
    ck_assert_int_eq(seen.proven_power, 2); /* key 1 by E1, E2 and E4; key 2 by E4 */
    trial.report.findings[trial.report.count++] = trial.report.findings[0];
    ck_assert_ptr_nonnull(trial_verify(&trial, &seen, bundle_of()));
    trial_close(&trial);
}
END_TEST

START_TEST(random_bytes_are_refused_in_bounded_memory) {
    struct audit_verified seen;
    make_rich_bundle();
    uint64_t state = 99;
    uint8_t bytes[2048];
    for (int i = 0; i < 20000; i++) {
        size_t size = 60 + (size_t)(i % 1900);
        memcpy(bytes, trial.bundle.data, trial.bundle.size < size ? trial.bundle.size : size);
        for (size_t at = 16 + (size_t)i % 40; at < size; at++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            bytes[at] = (uint8_t)(state >> 56) & (i % 2 == 0 ? 0xff : 0x0f);
        }
        memcpy(bytes + size - 37, "\x09\0\0\0\x20", 5);
        trial_reseal(span_of(bytes, size));
        struct arena arena;
        size_t offset;
        arena_init(&arena, 1 << 20);
        ck_assert_ptr_nonnull(audit_verify(&seen, &offset, span_of(bytes, size), &trial.trust, signers_chain(), NULL, &arena));
        arena_close(&arena);
    }
    trial_close(&trial);
}
END_TEST

Suite *suite_audit_verify(void);
Suite *suite_audit_verify(void) {
    Suite *suite = suite_create("audit_verify");
    TCase *tests = tcase_create("third party");
    tcase_set_timeout(tests, 1800);
    tcase_add_loop_test(tests, any_changed_byte_is_refused, 0, MAKERS);
    tcase_add_loop_test(tests, a_changed_byte_under_a_mended_checksum_is_refused_or_says_no_more, 0, MAKERS);
    tcase_add_loop_test(tests, records_in_another_order_or_twice_under_a_mended_checksum_are_refused, 0, MAKERS);
    tcase_add_loop_test(tests, a_bundle_that_is_cut_anywhere_is_refused, 0, MAKERS);
    tcase_add_loop_test(tests, another_genesis_or_chain_refuses_it, 0, MAKERS);
    tcase_add_test(tests, headers_lead_from_the_genesis_set_to_the_set_of_the_height);
    tcase_add_test(tests, without_the_header_at_which_the_set_changed_the_set_is_not_believed);
    tcase_add_test(tests, a_reporter_cannot_convict_whom_the_votes_do_not);
    tcase_add_test(tests, votes_for_two_blocks_on_one_parent_are_not_called_two_parents);
    tcase_add_test(tests, a_log_that_lacks_the_vote_in_question_does_not_convict);
    tcase_add_test(tests, a_key_is_not_counted_twice);
    tcase_add_test(tests, random_bytes_are_refused_in_bounded_memory);
    suite_add_tcase(suite, tests);
    return suite;
}
