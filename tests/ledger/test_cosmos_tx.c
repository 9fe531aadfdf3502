#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/text.h"
#include "ledger/cosmos_tx.h"

/* The signing vectors that CosmJS publishes (packages/proto-signing), made by cosmos-sdk's simd: chain simd-testing, account 1. */
#define PUBLISHED_BODY \
    "0a90010a1c2f636f736d6f732e62616e6b2e763162657461312e4d736753656e6412700a2d636f736d6f7331706b707472653766646b6c" \
    "366766727a6c65736a6a766878686c63337234676d6d6b38727336122d636f736d6f7331717970717870713971637273737a6732707678" \
    "71367273307a716733797963356c7a763778751a100a0575636f736d120731323334353637"
#define PUBLISHED_AUTH_0 \
    "0a4e0a460a1f2f636f736d6f732e63727970746f2e736563703235366b312e5075624b657912230a21034f04181eeba35391b858633a76" \
    "5c4a0c189697b40d216354d50890d350c7029012040a02080112130a0d0a0575636f736d12043230303010c09a0c"
#define PUBLISHED_SIGNATURE_0 \
    "c9dd20e07464d3a688ff4b710b1fbc027e495e797cfa0b4804da2ed117959227772de059808f765aa29b8f92edf30f4c2c5a438e30d3fe" \
    "6897daa7141e3ce6f9"
#define PUBLISHED_AUTH_1 \
    "0a500a460a1f2f636f736d6f732e63727970746f2e736563703235366b312e5075624b657912230a21034f04181eeba35391b858633a76" \
    "5c4a0c189697b40d216354d50890d350c7029012040a020801180112130a0d0a0575636f736d12043230303010c09a0c"
#define PUBLISHED_SIGNATURE_1 \
    "525adc7e61565a509c60497b798c549fbf217bb5cd31b24cc9b419d098cc95330c99ecc4bc72448f85c365a4e3f91299a3d40412fb3751" \
    "bab82f1940a83a0a4c"
#define PUBLISHED_AUTH_2 \
    "0a500a460a1f2f636f736d6f732e63727970746f2e736563703235366b312e5075624b657912230a21034f04181eeba35391b858633a76" \
    "5c4a0c189697b40d216354d50890d350c7029012040a020801180212130a0d0a0575636f736d12043230303010c09a0c"
#define PUBLISHED_SIGNATURE_2 \
    "f3f2ca73806f2abbf6e0fe85f9b8af66f0e9f7f79051fdb8abe5bb8633b17da132e82d577b9d5f7a6dae57a144efc9ccc6eef15167b44b" \
    "3b22a57240109762af"
/* From an older release of it, which wrote zeroes out. */
#define EXPLICIT_ZEROES_BODY PUBLISHED_BODY "12001800"
#define EXPLICIT_ZEROES_AUTH \
    "0a500a460a1f2f636f736d6f732e63727970746f2e736563703235366b312e5075624b657912230a21034f04181eeba35391b858633a76" \
    "5c4a0c189697b40d216354d50890d350c7029012040a020801180012170a0d0a0575636f736d12043230303010c09a0c1a002200"
#define EXPLICIT_ZEROES_SIGNATURE \
    "d1bb55b0f3e5f9c260a20c8ccf2cb44f19bafccba84c7fb6e2b77fac401b15c9228c33236a701dd7a7c4a481aa5dedb902c982fe565504" \
    "c4f4e7f39ccfcd73d6"

#define CHAIN_ID "simd-testing"
#define FROM     "cosmos1pkptre7fdkl6gfrzlesjjvhxhlc3r4gmmk8rs6"
#define TO       "cosmos1qypqxpq9qcrsszg2pvxq6rs0zqg3yyc5lzv7xu"

static const struct published {
    const char *body, *auth_info, *signature;
} published[] = {
    {PUBLISHED_BODY, PUBLISHED_AUTH_0, PUBLISHED_SIGNATURE_0},
    {PUBLISHED_BODY, PUBLISHED_AUTH_1, PUBLISHED_SIGNATURE_1},
    {PUBLISHED_BODY, PUBLISHED_AUTH_2, PUBLISHED_SIGNATURE_2},
    {EXPLICIT_ZEROES_BODY, EXPLICIT_ZEROES_AUTH, EXPLICIT_ZEROES_SIGNATURE},
};

struct bytes {
    size_t size;
    uint8_t data[4096];
};

static struct span span(const struct bytes *bytes) { return span_of(bytes->data, bytes->size); }

static struct bytes unhex(const char *hex) {
    struct bytes bytes = {0};
    ck_assert(text_hex_decode(bytes.data, &bytes.size, sizeof bytes.data, span_text(hex)));
    return bytes;
}

static struct bytes raw_of(const char *body, const char *auth_info, const char *signature_hex) {
    struct bytes body_bytes = unhex(body), auth_bytes = unhex(auth_info), signature_bytes = unhex(signature_hex), raw = {0};
    struct signature signature = {.size = (uint8_t)signature_bytes.size};
    memcpy(signature.bytes, signature_bytes.data, signature_bytes.size);
    struct proto_writer writer;
    proto_writer_init(&writer, raw.data, sizeof raw.data);
    cosmos_tx_write_raw(&writer, span(&body_bytes), span(&auth_bytes), &signature);
    raw.size = writer.size;
    return raw;
}

static struct cosmos_tx tx;
static const char *why;

static enum codes decode_raw(const char *hex) {
    static struct bytes bytes;
    bytes = unhex(hex);
    return cosmos_tx_decode(&tx, &why, span(&bytes));
}

static enum codes decode(const char *body, const char *auth_info) {
    static struct bytes raw;
    raw = raw_of(body, auth_info, PUBLISHED_SIGNATURE_0);
    return cosmos_tx_decode(&tx, &why, span(&raw));
}

static enum codes decode_body(const char *body) { return decode(body, PUBLISHED_AUTH_0); }
static enum codes decode_auth(const char *auth_info) { return decode(PUBLISHED_BODY, auth_info); }

START_TEST(published_transactions_decode_and_their_signatures_hold_over_our_sign_bytes) {
    for (size_t i = 0; i < sizeof published / sizeof published[0]; i++) {
        struct bytes raw = raw_of(published[i].body, published[i].auth_info, published[i].signature), doc = {0};
        ck_assert_int_eq(cosmos_tx_decode(&tx, &why, span(&raw)), CODES_OK);
        ck_assert_uint_eq(tx.sequence, i % 3);
        ck_assert_uint_eq(tx.gas_limit, 200000);
        ck_assert_uint_eq(tx.fee_coins, 1);
        ck_assert(!tx.has_fee_payer);
        struct proto_writer writer;
        proto_writer_init(&writer, doc.data, sizeof doc.data);
        cosmos_tx_write_sign_doc(&writer, tx.body_bytes, tx.auth_info_bytes, span_text(CHAIN_ID), 1);
        ck_assert(pubkey_verify_vartime(&tx.key, proto_writer_span(&writer), &tx.signature));
        doc.data[writer.size - 1] = 2; /* another account number */
        ck_assert(!pubkey_verify_vartime(&tx.key, proto_writer_span(&writer), &tx.signature));
        uint8_t address[20];
        size_t size;
        ck_assert(text_bech32_decode(address, &size, sizeof address, "cosmos", span_text(FROM)));
        ck_assert_mem_eq(pubkey_address(&tx.key).bytes, address, 20);
    }
}
END_TEST

START_TEST(published_bodies_and_auth_infos_are_what_our_writers_write) {
    struct bytes value = {0}, body = {0}, expected = unhex(PUBLISHED_BODY);
    struct cosmos_tx_send send = {
        .from = span_text(FROM), .to = span_text(TO), .coin_count = 1, .coins = {{span_text("ucosm"), 1234567}}};
    struct proto_writer writer;
    proto_writer_init(&writer, value.data, sizeof value.data);
    cosmos_tx_write_send(&writer, &send);
    struct cosmos_tx_any any = {span_text(COSMOS_TX_SEND_URL), proto_writer_span(&writer)};
    proto_writer_init(&writer, body.data, sizeof body.data);
    cosmos_tx_write_body(&writer, &any, 1, span_text(""), 0);
    ck_assert(span_equal(proto_writer_span(&writer), span(&expected)));

    const struct cosmos_tx_coin fee = {span_text("ucosm"), 2000};
    for (uint64_t i = 0; i < 3; i++) {
        struct bytes raw = raw_of(published[i].body, published[i].auth_info, published[i].signature);
        expected = unhex(published[i].auth_info);
        ck_assert_int_eq(cosmos_tx_decode(&tx, &why, span(&raw)), CODES_OK);
        proto_writer_init(&writer, body.data, sizeof body.data);
        cosmos_tx_write_auth_info(&writer, &tx.key, i, &fee, 1, 200000);
        ck_assert(span_equal(proto_writer_span(&writer), span(&expected)));
    }
}
END_TEST

START_TEST(a_send_gives_what_was_written) {
    struct cosmos_tx_send send;
    ck_assert_int_eq(decode_body(PUBLISHED_BODY), CODES_OK);
    ck_assert_uint_eq(tx.message_count, 1);
    ck_assert(span_equal(tx.messages[0].type_url, span_text(COSMOS_TX_SEND_URL)));
    ck_assert_int_eq(cosmos_tx_decode_send(&send, &why, tx.messages[0].value), CODES_OK);
    ck_assert(span_equal(send.from, span_text(FROM)));
    ck_assert(span_equal(send.to, span_text(TO)));
    ck_assert_uint_eq(send.coin_count, 1);
    ck_assert(span_equal(send.coins[0].denom, span_text("ucosm")));
    ck_assert(send.coins[0].amount == 1234567);
}
END_TEST

START_TEST(memo_and_timeout_are_read_and_a_memo_beyond_256_bytes_is_over_the_limit) {
    ck_assert_int_eq(decode_body(PUBLISHED_BODY "1203616263" "18ffffffffffffffffff01"), CODES_OK);
    ck_assert(span_equal(tx.memo, span_text("abc")));
    ck_assert_uint_eq(tx.timeout_height, UINT64_MAX);
    char body[2000] = PUBLISHED_BODY "128002";
    size_t end = strlen(body);
    memset(body + end, '6', 2 * 256);
    ck_assert_int_eq(decode_body(body), CODES_OK);
    memcpy(body + strlen(PUBLISHED_BODY), "128102", 6);
    memset(body + end, '6', 2 * 257);
    ck_assert_int_eq(decode_body(body), CODES_FIELD_LIMIT);
}
END_TEST

START_TEST(a_memo_that_is_not_utf8_is_refused) {
    ck_assert_int_eq(decode_body(PUBLISHED_BODY "1202c3a9"), CODES_OK); /* é */
    ck_assert_int_eq(decode_body(PUBLISHED_BODY "1204f09f9880"), CODES_OK);
    const char *bad[] = {"1201ff", "1202c328", "1202c080", "1203eda080", "1204f4908080", "1201c3", "1203e08080"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char body[1000] = PUBLISHED_BODY;
        ck_assert_int_eq(decode_body(strcat(body, bad[i])), CODES_PARSE);
    }
}
END_TEST

START_TEST(unknown_fields_are_refused_unless_they_are_non_critical_ones_of_the_body) {
    ck_assert_int_eq(decode_body(PUBLISHED_BODY "2001"), CODES_PARSE);     /* 4 */
    ck_assert_int_eq(decode_body(PUBLISHED_BODY "8a4000"), CODES_OK);      /* 1025: bit 11 */
    ck_assert_int_eq(decode_body(PUBLISHED_BODY "828001" "00"), CODES_PARSE); /* 2048: critical again */
    ck_assert_int_eq(decode_auth(PUBLISHED_AUTH_0 "2201aa"), CODES_PARSE);
    ck_assert_int_eq(decode_auth(PUBLISHED_AUTH_0 "8a4000"), CODES_PARSE); /* nothing is non-critical there */
    ck_assert_int_eq(decode_auth(PUBLISHED_AUTH_0 "1a00"), CODES_PARSE);   /* tip */
}
END_TEST

START_TEST(extension_options_are_refused) {
    ck_assert_int_eq(decode_body(PUBLISHED_BODY "fa3f00"), CODES_PARSE);
    ck_assert_str_eq(why, "extension options are not allowed");
    ck_assert_int_eq(decode_body(PUBLISHED_BODY "fa7f00"), CODES_PARSE);
    ck_assert_str_eq(why, "extension options are not allowed");
}
END_TEST

START_TEST(a_singular_field_that_comes_twice_is_refused) {
    ck_assert_int_eq(decode_body(PUBLISHED_BODY "120161" "120161"), CODES_PARSE);
    ck_assert_int_eq(decode_body(PUBLISHED_BODY "1801" "1801"), CODES_PARSE);
    ck_assert_int_eq(decode_auth(PUBLISHED_AUTH_0 "1200"), CODES_PARSE); /* a second fee */
    ck_assert_str_eq(why, "duplicate field");
}
END_TEST

START_TEST(varints_that_are_not_minimal_are_refused) {
    ck_assert_int_eq(decode_body(PUBLISHED_BODY "1805"), CODES_OK);
    ck_assert_int_eq(decode_body(PUBLISHED_BODY "188500"), CODES_PARSE);
    ck_assert_int_eq(decode_body(PUBLISHED_BODY "12810061"), CODES_PARSE);               /* a length */
    ck_assert_int_eq(decode_body(PUBLISHED_BODY "980005"), CODES_PARSE);                 /* a tag */
    ck_assert_int_eq(decode_body(PUBLISHED_BODY "18ffffffffffffffffff02"), CODES_PARSE); /* beyond 64 bits */
    ck_assert_int_eq(decode_body(PUBLISHED_BODY "18ffffffffffffffffffff01"), CODES_PARSE);
}
END_TEST

START_TEST(a_field_number_that_would_wrap_into_a_known_one_is_refused_wound_35) {
    /* (2^32 + 2) << 3 | 2: cut to 32 bits it is the memo */
    ck_assert_int_eq(decode_body(PUBLISHED_BODY "928080808001" "0161"), CODES_PARSE);
    ck_assert_int_eq(decode_body(PUBLISHED_BODY "0201" "61"), CODES_PARSE); /* number 0 */
}
END_TEST

START_TEST(groups_and_unknown_wire_types_are_refused) {
    const char *bad[] = {"8b408c40", "8c40", "8e40", "8f40", "1d00000000", "1900"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char body[1000] = PUBLISHED_BODY;
        ck_assert_int_eq(decode_body(strcat(body, bad[i])), CODES_PARSE);
    }
}
END_TEST

START_TEST(the_outer_envelope_has_one_form_only) {
    static char hex[3000], swapped[3000];
    char body[1000], auth[1000], signature[200];
    snprintf(body, sizeof body, "0a9301%s", PUBLISHED_BODY);
    snprintf(auth, sizeof auth, "1265%s", PUBLISHED_AUTH_0);
    snprintf(signature, sizeof signature, "1a40%s", PUBLISHED_SIGNATURE_0);
    snprintf(hex, sizeof hex, "%s%s%s", body, auth, signature);
    ck_assert_int_eq(decode_raw(hex), CODES_OK);
    snprintf(swapped, sizeof swapped, "%s%s%s", auth, body, signature);
    ck_assert_int_eq(decode_raw(swapped), CODES_PARSE);
    const char *more[] = {"1a40" PUBLISHED_SIGNATURE_0, "2200", "1a00", "8a4000"};
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
        snprintf(swapped, sizeof swapped, "%s%s", hex, more[i]);
        ck_assert_int_eq(decode_raw(swapped), CODES_PARSE);
    }
    snprintf(swapped, sizeof swapped, "%s%s", body, auth);
    ck_assert_int_eq(decode_raw(swapped), CODES_PARSE);
    snprintf(swapped, sizeof swapped, "%s%s1a3f%.126s", body, auth, PUBLISHED_SIGNATURE_0);
    ck_assert_int_eq(decode_raw(swapped), CODES_PARSE);
    ck_assert_int_eq(decode_raw(""), CODES_PARSE);
}
END_TEST

START_TEST(exactly_one_signer_in_direct_mode_is_let_pass) {
    ck_assert_int_eq(decode_auth("120310c09a"), CODES_PARSE);
    ck_assert_int_eq(decode_auth("12041080c80a"), CODES_PARSE); /* no signer */
    char two[2000];
    snprintf(two, sizeof two, "%.160s%s", PUBLISHED_AUTH_0, PUBLISHED_AUTH_0);
    ck_assert_int_eq(decode_auth(two), CODES_PARSE);
    ck_assert_int_eq(decode_auth("0a0612040a02087f"), CODES_PARSE); /* amino JSON */
    ck_assert_int_eq(decode_auth("0a0412020a00"), CODES_PARSE);
    ck_assert_int_eq(decode_auth("0a0412021200"), CODES_PARSE); /* multi */
    ck_assert_int_eq(decode_auth("0a021801"), CODES_PARSE);
    ck_assert_int_eq(decode_auth("0a0612040a020801"), CODES_OK); /* the key may be left out */
    ck_assert_uint_eq(tx.key.type, PUBKEY_NONE);
}
END_TEST

START_TEST(gas_beyond_63_bits_is_refused) {
    ck_assert_int_eq(decode_auth("0a0612040a020801" "120a10ffffffffffffffff7f"), CODES_OK);
    ck_assert_int_eq(decode_auth("0a0612040a020801" "120b1080808080808080808001"), CODES_PARSE);
}
END_TEST

START_TEST(a_fee_payer_or_granter_is_noticed) {
    ck_assert_int_eq(decode_auth("0a0612040a020801" "12031a0161"), CODES_OK);
    ck_assert(tx.has_fee_payer);
    ck_assert_int_eq(decode_auth("0a0612040a020801" "1203220161"), CODES_OK);
    ck_assert(tx.has_fee_payer);
}
END_TEST

START_TEST(too_many_messages_are_over_the_limit) {
    char body[400] = "";
    for (int i = 0; i < 16; i++)
        strcat(body, "0a030a0161");
    ck_assert_int_eq(decode_body(body), CODES_OK);
    ck_assert_int_eq(decode_body(strcat(body, "0a030a0161")), CODES_FIELD_LIMIT);
}
END_TEST

START_TEST(a_transaction_beyond_the_size_limit_is_too_large) {
    uint8_t *bytes = calloc(1, COSMOS_TX_BYTES_MAX + 1);
    ck_assert_int_eq(cosmos_tx_decode(&tx, &why, span_of(bytes, COSMOS_TX_BYTES_MAX + 1)), CODES_TOO_LARGE);
    free(bytes);
}
END_TEST

static enum codes send_of(uint32_t count, const char *const (*coins)[2]) {
    struct bytes value = {0};
    struct proto_writer writer;
    proto_writer_init(&writer, value.data, sizeof value.data);
    for (uint32_t i = 0; i < count; i++) {
        size_t mark = proto_begin(&writer, 3);
        proto_put_text(&writer, 1, coins[i][0]);
        proto_put_text(&writer, 2, coins[i][1]);
        proto_end(&writer, mark);
    }
    struct cosmos_tx_send send;
    return cosmos_tx_decode_send(&send, &why, proto_writer_span(&writer));
}

static enum codes send_one(const char *denom, const char *amount_written) {
    const char *const coin[1][2] = {{denom, amount_written}};
    return send_of(1, coin);
}

START_TEST(amounts_are_positive_plain_decimals_of_128_bits) {
    ck_assert_int_eq(send_one("unit", "1"), CODES_OK);
    ck_assert_int_eq(send_one("unit", "340282366920938463463374607431768211455"), CODES_OK);
    const char *bad[] = {"0", "", "-1", "+1", "01", " 1", "1 ", "1.0", "1e3", "0x1", "340282366920938463463374607431768211456",
                         "999999999999999999999999999999999999999", "1000000000000000000000000000000000000000"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_int_eq(send_one("unit", bad[i]), CODES_PARSE);
}
END_TEST

START_TEST(coins_are_sorted_and_unique_and_there_is_at_least_one) {
    const char *const good[2][2] = {{"aaa", "1"}, {"bbb", "1"}};
    const char *const twice[2][2] = {{"aaa", "1"}, {"aaa", "1"}};
    const char *const unsorted[2][2] = {{"bbb", "1"}, {"aaa", "1"}};
    ck_assert_int_eq(send_of(2, good), CODES_OK);
    ck_assert_int_eq(send_of(2, twice), CODES_PARSE);
    ck_assert_int_eq(send_of(2, unsorted), CODES_PARSE);
    ck_assert_int_eq(send_of(0, NULL), CODES_PARSE);
}
END_TEST

START_TEST(too_many_coins_are_over_the_limit) {
    static const char *coins[17][2];
    static char names[17][8];
    for (int i = 0; i < 17; i++) {
        snprintf(names[i], sizeof names[i], "aa%c", 'a' + i);
        coins[i][0] = names[i];
        coins[i][1] = "1";
    }
    ck_assert_int_eq(send_of(16, (const char *const(*)[2])coins), CODES_OK);
    ck_assert_int_eq(send_of(17, (const char *const(*)[2])coins), CODES_FIELD_LIMIT);
}
END_TEST

START_TEST(denoms_have_the_form_of_cosmos) {
    const char *good[] = {"abc", "ibc/27394FB092D2ECCD", "a:b.c_d-e", "A12"};
    const char *bad[] = {"", "ab", "1abc", "a b", "ab\xc3\xa9", "abc!"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        ck_assert(cosmos_tx_denom_valid(span_text(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert(!cosmos_tx_denom_valid(span_text(bad[i])));
    char longest[130];
    memset(longest, 'a', sizeof longest);
    ck_assert(cosmos_tx_denom_valid(span_of(longest, 128)));
    ck_assert(!cosmos_tx_denom_valid(span_of(longest, 129)));
    ck_assert(!cosmos_tx_denom_valid(span_of("ab\0c", 4)));
}
END_TEST

START_TEST(amounts_are_added_and_taken_away_without_wrapping) {
    amount most = ~(amount)0, value = 7;
    ck_assert(!amount_add(&value, most, 1) && value == 7);
    ck_assert(!amount_sub(&value, 1, 2) && value == 7);
    ck_assert(amount_add(&value, most - 1, 1) && value == most);
    ck_assert(amount_sub(&value, most, most) && value == 0);
    uint8_t bytes[AMOUNT_BYTES];
    amount_encode(bytes, most - 1);
    ck_assert(amount_decode(&value, span_of(bytes, sizeof bytes)) && value == most - 1);
    ck_assert(!amount_decode(&value, span_of(bytes, 15)));
    char text[AMOUNT_TEXT_SIZE];
    ck_assert_uint_eq(amount_text(text, most), 39);
    ck_assert_str_eq(text, "340282366920938463463374607431768211455");
    amount_text(text, 0);
    ck_assert_str_eq(text, "0");
}
END_TEST

/* Whatever is changed or cut in a good transaction, decoding ends, and never reads beyond (under the sanitizers). */
START_TEST(random_bytes_are_survived) {
    struct bytes good = raw_of(PUBLISHED_BODY, PUBLISHED_AUTH_1, PUBLISHED_SIGNATURE_1);
    srand(5);
    for (int i = 0; i < 100000; i++) {
        size_t size = rand() % 4 == 0 ? (size_t)rand() % (good.size + 1) : good.size;
        uint8_t *bytes = malloc(size == 0 ? 1 : size);
        memcpy(bytes, good.data, size);
        for (int flips = rand() % 4; flips > 0 && size > 0; flips--)
            bytes[(size_t)rand() % size] = (uint8_t)rand();
        struct cosmos_tx_send send;
        if (cosmos_tx_decode(&tx, &why, span_of(bytes, size)) == CODES_OK)
            for (uint32_t m = 0; m < tx.message_count; m++)
                cosmos_tx_decode_send(&send, &why, tx.messages[m].value);
        free(bytes);
    }
}
END_TEST

Suite *suite_cosmos_tx(void);
Suite *suite_cosmos_tx(void) {
    Suite *suite = suite_create("cosmos_tx");
    TCase *tests = tcase_create("cosmos_tx");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, published_transactions_decode_and_their_signatures_hold_over_our_sign_bytes);
    tcase_add_test(tests, published_bodies_and_auth_infos_are_what_our_writers_write);
    tcase_add_test(tests, a_send_gives_what_was_written);
    tcase_add_test(tests, memo_and_timeout_are_read_and_a_memo_beyond_256_bytes_is_over_the_limit);
    tcase_add_test(tests, a_memo_that_is_not_utf8_is_refused);
    tcase_add_test(tests, unknown_fields_are_refused_unless_they_are_non_critical_ones_of_the_body);
    tcase_add_test(tests, extension_options_are_refused);
    tcase_add_test(tests, a_singular_field_that_comes_twice_is_refused);
    tcase_add_test(tests, varints_that_are_not_minimal_are_refused);
    tcase_add_test(tests, a_field_number_that_would_wrap_into_a_known_one_is_refused_wound_35);
    tcase_add_test(tests, groups_and_unknown_wire_types_are_refused);
    tcase_add_test(tests, the_outer_envelope_has_one_form_only);
    tcase_add_test(tests, exactly_one_signer_in_direct_mode_is_let_pass);
    tcase_add_test(tests, gas_beyond_63_bits_is_refused);
    tcase_add_test(tests, a_fee_payer_or_granter_is_noticed);
    tcase_add_test(tests, too_many_messages_are_over_the_limit);
    tcase_add_test(tests, a_transaction_beyond_the_size_limit_is_too_large);
    tcase_add_test(tests, amounts_are_positive_plain_decimals_of_128_bits);
    tcase_add_test(tests, coins_are_sorted_and_unique_and_there_is_at_least_one);
    tcase_add_test(tests, too_many_coins_are_over_the_limit);
    tcase_add_test(tests, denoms_have_the_form_of_cosmos);
    tcase_add_test(tests, amounts_are_added_and_taken_away_without_wrapping);
    tcase_add_test(tests, random_bytes_are_survived);
    suite_add_tcase(suite, tests);
    return suite;
}
