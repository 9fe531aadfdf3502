#include <check.h>

#include "tendermint/params.h"
#include "tests/tendermint/signers.h"

Suite *suite_params(void);

static struct params params;

static void set_up(void) { params_defaults(&params, PARAMS_V038); }

static enum params_verdict check_now(void) {
    enum params_verdict verdict = params_check(&params, PARAMS_V038);
    set_up();
    return verdict;
}

START_TEST(defaults_are_those_of_the_release_and_valid) {
    ck_assert_int_eq(params.block_bytes_max, 22020096);
    ck_assert_int_eq(check_now(), PARAMS_GOOD);
    params_defaults(&params, PARAMS_V040);
    ck_assert_int_eq(params.block_bytes_max, 55600190);
    ck_assert_int_eq(params_check(&params, PARAMS_V040), PARAMS_GOOD);
}
END_TEST

START_TEST(each_senseless_parameter_has_its_verdict) {
    params.block_bytes_max = 0;
    ck_assert_int_eq(check_now(), PARAMS_BAD_BLOCK_BYTES);
    params.block_bytes_max = -2;
    ck_assert_int_eq(check_now(), PARAMS_BAD_BLOCK_BYTES);
    params.block_bytes_max = PARAMS_BLOCK_BYTES_MAX + 1;
    ck_assert_int_eq(check_now(), PARAMS_BAD_BLOCK_BYTES);
    params.block_bytes_max = -1;
    ck_assert_int_eq(check_now(), PARAMS_GOOD);
    params.block_gas_max = -2;
    ck_assert_int_eq(check_now(), PARAMS_BAD_BLOCK_GAS);
    params.evidence_age_blocks_max = 0;
    ck_assert_int_eq(check_now(), PARAMS_BAD_EVIDENCE_AGE);
    params.evidence_age_ns_max = 0;
    ck_assert_int_eq(check_now(), PARAMS_BAD_EVIDENCE_AGE);
    params.evidence_bytes_max = -1;
    ck_assert_int_eq(check_now(), PARAMS_BAD_EVIDENCE_BYTES);
    params.evidence_bytes_max = params.block_bytes_max + 1;
    ck_assert_int_eq(check_now(), PARAMS_BAD_EVIDENCE_BYTES);
    params.extensions_enable_height = -1;
    ck_assert_int_eq(check_now(), PARAMS_BAD_EXTENSIONS_HEIGHT);
    params.key_type_count = 0;
    ck_assert_int_eq(check_now(), PARAMS_BAD_KEY_TYPES);
}
END_TEST

START_TEST(key_types_are_known_by_release) {
    strcpy(params.key_types[0], "secp256k1");
    ck_assert_int_eq(check_now(), PARAMS_GOOD);
    strcpy(params.key_types[0], "ml_dsa_65");
    ck_assert_int_eq(params_check(&params, PARAMS_V039), PARAMS_BAD_KEY_TYPES);
    ck_assert_int_eq(params_check(&params, PARAMS_V040), PARAMS_GOOD);
    strcpy(params.key_types[0], "ed25519 ");
    ck_assert_int_eq(params_check(&params, PARAMS_V040), PARAMS_BAD_KEY_TYPES);
}
END_TEST

START_TEST(extensions_are_on_from_their_height_on) {
    ck_assert(!params_extensions_enabled(&params, 1));
    params.extensions_enable_height = 10;
    ck_assert(!params_extensions_enabled(&params, 9));
    ck_assert(params_extensions_enabled(&params, 10));
    ck_assert(params_extensions_enabled(&params, INT64_MAX));
}
END_TEST

START_TEST(an_extensions_height_once_reached_stands_for_ever) { /* wound 19 */
    params.extensions_enable_height = 10;
    ck_assert(params_extensions_update_allowed(&params, 15, 9));
    ck_assert(params_extensions_update_allowed(&params, 0, 9));
    ck_assert(!params_extensions_update_allowed(&params, 15, 10));
    ck_assert(!params_extensions_update_allowed(&params, 0, 10));
    ck_assert(!params_extensions_update_allowed(&params, 9, 9)); /* not a height already begun */
    ck_assert(params_extensions_update_allowed(&params, 10, 99));
    ck_assert(!params_extensions_update_allowed(&params, -1, 1));
}
END_TEST

START_TEST(only_block_size_and_gas_are_hashed) {
    struct digest before, after;
    params_hash(&before, &params);
    params.evidence_bytes_max = 1;
    params.version_app = 9;
    params.extensions_enable_height = 4;
    params_hash(&after, &params);
    ck_assert(digest_equal(&before, &after));
    params.block_gas_max = 5;
    params_hash(&after, &params);
    ck_assert(!digest_equal(&before, &after));
}
END_TEST

static bool read_bytes(struct params *out, const uint8_t *bytes, size_t size) {
    struct proto_reader reader = proto_reader_over(span_of(bytes, size));
    params_read(out, &reader);
    return !reader.bad;
}

START_TEST(what_was_written_is_read) {
    uint8_t bytes[256];
    struct params again = {0};
    struct proto_writer writer;
    params.key_type_count = 2;
    strcpy(params.key_types[1], "secp256k1");
    params.version_app = 7;
    params.extensions_enable_height = 3;
    params.evidence_age_ns_max = 1500000000;
    proto_writer_init(&writer, bytes, sizeof bytes);
    params_write(&writer, &params);
    ck_assert(read_bytes(&again, bytes, writer.size));
    ck_assert_int_eq(again.block_bytes_max, params.block_bytes_max);
    ck_assert_int_eq(again.block_gas_max, -1);
    ck_assert_int_eq(again.evidence_age_ns_max, 1500000000);
    ck_assert_uint_eq(again.key_type_count, 2);
    ck_assert_str_eq(again.key_types[1], "secp256k1");
    ck_assert_uint_eq(again.version_app, 7);
    ck_assert_int_eq(again.extensions_enable_height, 3);
}
END_TEST

START_TEST(an_absent_section_stays_and_a_present_one_replaces_all_of_itself) {
    static const uint8_t block_only[] = {0x0a, 2, 0x08, 100};
    ck_assert(read_bytes(&params, block_only, sizeof block_only));
    ck_assert_int_eq(params.block_bytes_max, 100);
    ck_assert_int_eq(params.block_gas_max, 0);
    ck_assert_int_eq(params.evidence_age_blocks_max, 100000);
    ck_assert_uint_eq(params.key_type_count, 1);
    static const uint8_t types[] = {0x1a, 6, 0x0a, 1, 'a', 0x0a, 1, 'b'};
    ck_assert(read_bytes(&params, types, sizeof types));
    ck_assert_uint_eq(params.key_type_count, 2);
    ck_assert_str_eq(params.key_types[0], "a");
}
END_TEST

START_TEST(bad_bytes_leave_the_parameters_as_they_were) {
    static const uint8_t cut[] = {0x0a, 2, 0x08, 100, 0x12, 9};
    ck_assert(!read_bytes(&params, cut, sizeof cut));
    ck_assert_int_eq(params.block_bytes_max, 22020096);
    static const uint8_t disagreeing[] = {0x12, 15, 0x12, 13, 0x08, 1, 0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01};
    ck_assert(!read_bytes(&params, disagreeing, sizeof disagreeing));
    static const uint8_t endless[] = {0x12, 13, 0x12, 11, 0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0, 0};
    ck_assert(!read_bytes(&params, endless, 15));
    uint8_t many[2 + 2 * (PARAMS_KEY_TYPES_MAX + 1)] = {0x1a, 2 * (PARAMS_KEY_TYPES_MAX + 1)};
    for (size_t i = 0; i <= PARAMS_KEY_TYPES_MAX; i++)
        many[2 + 2 * i] = 0x0a;
    ck_assert(!read_bytes(&params, many, sizeof many));
    ck_assert_uint_eq(params.key_type_count, 1);
}
END_TEST

START_TEST(room_for_data_is_what_header_commit_and_evidence_leave) {
    ck_assert_int_eq(params_commit_bytes_max(1, PARAMS_V038), 94 + 109 + 3);
    ck_assert_int_eq(params_commit_bytes_max(1, PARAMS_V039), 94 + 141 + 3);
    ck_assert_int_eq(params_commit_bytes_max(1, PARAMS_V040), 94 + 3355 + 3);
    ck_assert_int_eq(params_data_bytes_max(1000, 10, 1, PARAMS_V038), 1000 - 11 - 626 - 206 - 10);
    ck_assert_int_lt(params_data_bytes_max(100, 0, 1, PARAMS_V038), 0);
    ck_assert_int_eq(params_data_bytes_max(-1, 0, 1, PARAMS_V038), PARAMS_BLOCK_BYTES_MAX - 11 - 626 - 206);
}
END_TEST

START_TEST(a_proposal_may_announce_no_more_parts_than_the_largest_block_has) { /* wound 26 */
    params.block_bytes_max = 65537;
    ck_assert(params_parts_allowed(&params, 2));
    ck_assert(!params_parts_allowed(&params, 3));
    params.block_bytes_max = 65536;
    ck_assert(!params_parts_allowed(&params, 2));
    params.block_bytes_max = -1;
    ck_assert(params_parts_allowed(&params, 1600));
    ck_assert(!params_parts_allowed(&params, UINT32_MAX));
}
END_TEST

static void decode_any(struct span bytes) {
    struct params read;
    params_defaults(&read, PARAMS_V038);
    if (read_bytes(&read, bytes.data, bytes.size))
        params_check(&read, PARAMS_V040);
}

START_TEST(no_bytes_break_the_decoder) {
    uint8_t bytes[256];
    struct proto_writer writer;
    proto_writer_init(&writer, bytes, sizeof bytes);
    params_write(&writer, &params);
    torture(proto_writer_span(&writer), decode_any);
}
END_TEST

Suite *suite_params(void) {
    Suite *suite = suite_create("params");
    TCase *tests = tcase_create("params");
    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, defaults_are_those_of_the_release_and_valid);
    tcase_add_test(tests, each_senseless_parameter_has_its_verdict);
    tcase_add_test(tests, key_types_are_known_by_release);
    tcase_add_test(tests, extensions_are_on_from_their_height_on);
    tcase_add_test(tests, an_extensions_height_once_reached_stands_for_ever);
    tcase_add_test(tests, only_block_size_and_gas_are_hashed);
    tcase_add_test(tests, what_was_written_is_read);
    tcase_add_test(tests, an_absent_section_stays_and_a_present_one_replaces_all_of_itself);
    tcase_add_test(tests, bad_bytes_leave_the_parameters_as_they_were);
    tcase_add_test(tests, room_for_data_is_what_header_commit_and_evidence_leave);
    tcase_add_test(tests, a_proposal_may_announce_no_more_parts_than_the_largest_block_has);
    tcase_add_test(tests, no_bytes_break_the_decoder);
    suite_add_tcase(suite, tests);
    return suite;
}
