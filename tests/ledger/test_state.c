#include <check.h>
#include <stdlib.h>

#include "tests/ledger/chain.h"

static struct chain chain;
static struct arena arena;
static struct state after;

static void setup(void) {
    chain_open(&chain, &(struct chain_config){.validators = 4});
    arena_init(&arena, 1 << 20);
    state_init(&after);
}

static void teardown(void) {
    chain_close(&chain);
    arena_close(&arena);
    state_close(&after);
}

static bool same_set(const struct valset *a, const struct valset *b) {
    bool same = a->count == b->count && a->proposer == b->proposer && a->total_power == b->total_power;
    for (uint32_t i = 0; same && i < a->count; i++)
        same = address_equal(&a->validators[i].address, &b->validators[i].address) &&
               a->validators[i].power == b->validators[i].power && a->validators[i].priority == b->validators[i].priority;
    return same;
}

static bool round_trip(const struct state *state) {
    uint8_t *bytes, *again;
    size_t size = state_encode(state, &bytes);
    struct state back;
    state_init(&back);
    bool good = state_decode(&back, span_of(bytes, size)) && same_set(&back.validators, &state->validators) &&
                same_set(&back.next_validators, &state->next_validators) && same_set(&back.last_validators, &state->last_validators);
    size_t size_again = good ? state_encode(&back, &again) : 0;
    good = good && size == size_again && memcmp(bytes, again, size) == 0;
    if (size_again > 0)
        free(again);
    for (size_t cut = 0; cut < size; cut++)
        state_decode(&back, span_of(bytes, cut));
    free(bytes);
    state_close(&back);
    return good;
}

START_TEST(a_state_read_back_is_the_state_written) {
    ck_assert(round_trip(&chain.ledger.state));
    chain_run(&chain, 3);
    ck_assert(round_trip(&chain.ledger.state));
    struct state *state = &chain.ledger.state;
    state->next_validators.validators[2].power++; /* now the sets differ in a member */
    state->next_validators.total_power++;
    ck_assert(round_trip(state));
}
END_TEST

START_TEST(sets_with_the_same_members_are_written_once) {
    struct chain big;
    chain_open(&big, &(struct chain_config){.validators = 100});
    chain_run(&big, 1);
    uint8_t *bytes;
    size_t size = state_encode(&big.ledger.state, &bytes);
    ck_assert_uint_lt(size, 100 * 90 + 1000);
    free(bytes);
    chain_close(&big);
}
END_TEST

START_TEST(a_state_decoded_from_nonsense_is_refused_and_untouched) {
    state_copy(&after, &chain.ledger.state);
    ck_assert(!state_decode(&after, span_text("nonsense")));
    ck_assert(!state_decode(&after, span_of(NULL, 0)));
    ck_assert(same_set(&after.validators, &chain.ledger.state.validators));
}
END_TEST

START_TEST(the_first_state_has_the_genesis_values) {
    const struct state *state = &chain.ledger.state;
    struct digest nothing = {.size = 32};
    sha256_once(nothing.bytes, span_of(NULL, 0));
    ck_assert(digest_equal(&state->results_hash, &nothing));
    ck_assert_int_eq(state->height, 0);
    ck_assert_int_eq(timestamp_compare(&state->block_time, &chain.genesis.time), 0);
    ck_assert_uint_eq(state->last_validators.count, 0);
    ck_assert(block_id_is_nil(&state->block_id));
    struct valset next;
    valset_init(&next);
    valset_copy(&next, &state->validators);
    valset_increment(&next, 1);
    ck_assert(same_set(&next, &state->next_validators));
    valset_close(&next);
    ck_assert_uint_eq(state->version_app, 1); /* what the application's Info says */
}
END_TEST

START_TEST(the_applications_validators_and_parameters_replace_those_of_genesis) {
    struct abci_validator_update update = {chain.pub_keys[9], 77};
    struct abci_initialized initialized = {.validator_count = 1, .validators = &update, .has_params = true};
    params_defaults(&initialized.params, PARAMS_V038);
    initialized.params.version_app = 5;
    initialized.params.block_gas_max = 10;
    ck_assert_ptr_null(state_from_genesis(&after, &chain.genesis, &initialized));
    ck_assert_uint_eq(after.validators.count, 1);
    ck_assert_int_eq(after.validators.total_power, 77);
    ck_assert_uint_eq(after.version_app, 5);
    ck_assert_int_eq(after.params.block_gas_max, 10);
}
END_TEST

START_TEST(a_genesis_that_cannot_start_a_chain_is_named) {
    struct state_genesis genesis = chain.genesis;
    genesis.validator_count = 0;
    ck_assert_ptr_nonnull(state_from_genesis(&after, &genesis, NULL));
    genesis = chain.genesis;
    genesis.chain_id = span_of(NULL, 0);
    ck_assert_ptr_nonnull(state_from_genesis(&after, &genesis, NULL));
    genesis = chain.genesis;
    genesis.initial_height = 0;
    ck_assert_ptr_nonnull(state_from_genesis(&after, &genesis, NULL));
    genesis = chain.genesis;
    genesis.params.block_bytes_max = 0;
    ck_assert_ptr_nonnull(state_from_genesis(&after, &genesis, NULL));
    chain.changes[1] = chain.changes[0];
    ck_assert_ptr_nonnull(state_from_genesis(&after, &chain.genesis, NULL));
    ck_assert_uint_eq(after.validators.count, 0);
}
END_TEST

static const char *next(struct abci_finalized *finalized) {
    struct block *block = chain_next(&chain, NULL, 0);
    const char *error = state_after(&after, &chain.ledger.state, block, finalized);
    block_release(block);
    return error;
}

START_TEST(updates_act_from_the_height_after_the_next) {
    struct abci_validator_update update = {chain.pub_keys[7], 25};
    struct abci_finalized finalized = {.update_count = 1, .updates = &update};
    ck_assert_ptr_null(next(&finalized));
    ck_assert_int_eq(after.height, 1);
    ck_assert_uint_eq(after.last_validators.count, 4);
    ck_assert_uint_eq(after.validators.count, 4);
    ck_assert_uint_eq(after.next_validators.count, 5);
    ck_assert_int_eq(after.validators_changed, 3);
    ck_assert(same_set(&after.validators, &chain.ledger.state.next_validators));
    struct valset expected; /* the update first, then the turn */
    struct valset_change change = {chain.addresses[7], chain.pub_keys[7], 25};
    valset_init(&expected);
    valset_copy(&expected, &chain.ledger.state.next_validators);
    ck_assert_int_eq(valset_update(&expected, &change, 1), VALSET_GOOD);
    valset_increment(&expected, 1);
    ck_assert(same_set(&after.next_validators, &expected));
    valset_close(&expected);
}
END_TEST

START_TEST(updates_that_no_chain_can_follow_are_named) {
    struct abci_validator_update update = {chain.pub_keys[7], -1};
    struct abci_finalized finalized = {.update_count = 1, .updates = &update};
    ck_assert_ptr_nonnull(next(&finalized)); /* negative */
    update = (struct abci_validator_update){.power = 1};
    ck_assert_ptr_nonnull(next(&finalized)); /* no key */
    update = (struct abci_validator_update){pubkey_secp256k1((const uint8_t *)"\2__0123456789abcdef0123456789abcd"), 1};
    ck_assert_ptr_nonnull(next(&finalized)); /* a type the parameters do not allow */
    update = (struct abci_validator_update){chain.pub_keys[7], 0};
    ck_assert_ptr_nonnull(next(&finalized)); /* removal of a stranger */
    struct abci_validator_update all[4];
    for (int i = 0; i < 4; i++)
        all[i] = (struct abci_validator_update){chain.pub_keys[i], 0};
    finalized = (struct abci_finalized){.update_count = 4, .updates = all};
    ck_assert_ptr_nonnull(next(&finalized)); /* nobody left */
    all[1] = all[0];
    finalized.update_count = 2;
    ck_assert_ptr_nonnull(next(&finalized)); /* twice */
}
END_TEST

static struct span params_section(uint32_t section, uint32_t field, int64_t value, uint32_t field2, int64_t value2) {
    static uint8_t bytes[64];
    struct proto_writer writer;
    proto_writer_init(&writer, bytes, sizeof bytes);
    size_t mark = proto_begin(&writer, section);
    proto_put_int64(&writer, field, value);
    proto_put_int64(&writer, field2, value2);
    proto_end(&writer, mark);
    return proto_writer_span(&writer);
}

START_TEST(a_parameter_update_changes_its_sections_only) {
    struct abci_finalized finalized = {.has_params = true, .params_update = params_section(1, 1, 5000, 2, 60)};
    ck_assert_ptr_nonnull(next(&finalized)); /* evidence is now larger than a block may be */
    finalized.params_update = params_section(1, 1, 5000000, 2, 60);
    ck_assert_ptr_null(next(&finalized));
    ck_assert_int_eq(after.params.block_bytes_max, 5000000);
    ck_assert_int_eq(after.params.block_gas_max, 60);
    ck_assert_int_eq(after.params.evidence_bytes_max, chain.ledger.state.params.evidence_bytes_max);
    ck_assert_int_eq(after.params_changed, 2);
    finalized.params_update = params_section(4, 1, 9, 2, 0);
    ck_assert_ptr_null(next(&finalized));
    ck_assert_uint_eq(after.version_app, 9);
}
END_TEST

START_TEST(extensions_cannot_be_enabled_at_a_height_already_begun) { /* wound 19 */
    struct abci_finalized finalized = {.has_params = true, .params_update = params_section(5, 1, 1, 2, 0)};
    ck_assert_ptr_nonnull(next(&finalized));
    finalized.params_update = params_section(5, 1, 2, 2, 0);
    ck_assert_ptr_null(next(&finalized));
    ck_assert_int_eq(after.params.extensions_enable_height, 2);
}
END_TEST

START_TEST(results_and_app_hash_are_those_of_the_block) {
    struct abci_tx_result result = {.code = 3};
    struct abci_finalized finalized = {.tx_count = 1, .tx_results = &result, .app_hash = {2, "ab"}};
    struct digest hash;
    abci_results_hash(&hash, &result, 1);
    ck_assert_ptr_null(next(&finalized));
    ck_assert(digest_equal(&after.results_hash, &hash));
    ck_assert(app_hash_equal(&after.app_hash, &finalized.app_hash));
}
END_TEST

Suite *suite_state(void);
Suite *suite_state(void) {
    Suite *suite = suite_create("state");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_set_timeout(all, 60);
    tcase_add_test(all, a_state_read_back_is_the_state_written);
    tcase_add_test(all, sets_with_the_same_members_are_written_once);
    tcase_add_test(all, a_state_decoded_from_nonsense_is_refused_and_untouched);
    tcase_add_test(all, the_first_state_has_the_genesis_values);
    tcase_add_test(all, the_applications_validators_and_parameters_replace_those_of_genesis);
    tcase_add_test(all, a_genesis_that_cannot_start_a_chain_is_named);
    tcase_add_test(all, updates_act_from_the_height_after_the_next);
    tcase_add_test(all, updates_that_no_chain_can_follow_are_named);
    tcase_add_test(all, a_parameter_update_changes_its_sections_only);
    tcase_add_test(all, extensions_cannot_be_enabled_at_a_height_already_begun);
    tcase_add_test(all, results_and_app_hash_are_those_of_the_block);
    suite_add_tcase(suite, all);
    return suite;
}
