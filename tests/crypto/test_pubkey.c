#include "crypto/pubkey.h"

#include <check.h>

#include "crypto/ed25519.h"
#include "crypto/secp256k1_key.h"
#include "crypto/text.h"

static const uint8_t secret[32] = {9, 8, 7};

static struct pubkey some_ed25519(struct signature *signature, struct span message) {
    uint8_t bytes[32];
    struct ed25519_key *key = ed25519_key_new(secret);
    ed25519_key_public(key, bytes);
    ed25519_sign(key, signature->bytes, message);
    signature->size = 64;
    ed25519_key_free(key);
    return pubkey_ed25519(bytes);
}

static struct pubkey some_secp256k1(struct signature *signature, struct span message) {
    uint8_t bytes[33];
    ck_assert(secp256k1_key_public(bytes, secret));
    ck_assert(secp256k1_key_sign(signature->bytes, secret, message));
    signature->size = 64;
    return pubkey_secp256k1(bytes);
}

static bool read_key(struct pubkey *key, const uint8_t *bytes, size_t size) {
    struct proto_reader reader = proto_reader_over(span_of(bytes, size));
    pubkey_read(key, &reader);
    return !reader.bad;
}

static void assert_address(const struct pubkey *key, const char *hex) {
    struct address address = pubkey_address(key);
    char text[TEXT_HEX_SIZE(20)];
    ck_assert_uint_eq(address.size, 20);
    text_hex_lower(text, address_span(&address));
    ck_assert_str_eq(text, hex);
}

START_TEST(addresses_are_those_that_others_publish) {
    uint8_t bytes[33];
    size_t size;
    ck_assert(text_hex_decode(bytes, &size, 32,
                              span_text("14253d61ef42d166d02e68d540d07fdf8d65a9af0acaa46302688e788a8521e2")));
    struct pubkey key = pubkey_ed25519(bytes);
    assert_address(&key, "0cda3f47ef3c4906693b170ef650eb968c5f4b2c");
    ck_assert(text_hex_decode(bytes, &size, 33,
                              span_text("02950e1cdfcb133d6024109fd489f734eeb4502418e538c28481f22bce276f248c")));
    key = pubkey_secp256k1(bytes);
    assert_address(&key, "7c2bb42a8be69791ec763e51f5a49bcd41e82237");
}
END_TEST

START_TEST(no_key_has_no_address) {
    struct pubkey none = {0};
    struct address address = pubkey_address(&none), empty = {0};
    ck_assert_uint_eq(address.size, 0);
    ck_assert(address_equal(&address, &empty));
}
END_TEST

START_TEST(each_type_verifies_its_own_signatures_and_not_the_others) {
    struct span message = span_text("message");
    struct signature edwards, koblitz;
    struct pubkey a = some_ed25519(&edwards, message), b = some_secp256k1(&koblitz, message);
    ck_assert(pubkey_verify_vartime(&a, message, &edwards));
    ck_assert(pubkey_verify_vartime(&b, message, &koblitz));
    ck_assert(!pubkey_verify_vartime(&a, message, &koblitz));
    ck_assert(!pubkey_verify_vartime(&b, message, &edwards));
    ck_assert(!pubkey_verify_vartime(&a, span_text("other"), &edwards));
}
END_TEST

START_TEST(a_signature_or_key_of_another_size_never_verifies) {
    struct span message = span_text("message");
    struct signature signature;
    struct pubkey key = some_ed25519(&signature, message);
    for (int size = 0; size < 256; size++) {
        signature.size = (uint8_t)size;
        ck_assert_int_eq(pubkey_verify_vartime(&key, message, &signature), size == 64);
    }
    signature.size = 64;
    for (int size = 0; size < 256; size++) {
        key.size = (uint8_t)size;
        ck_assert_int_eq(pubkey_verify_vartime(&key, message, &signature), size == 32);
    }
}
END_TEST

/* Wound 7: no key, or a key of a type we do not know, is refused and harms nobody. */
START_TEST(a_key_of_no_or_unknown_type_never_verifies) {
    struct span message = span_text("message");
    struct signature signature;
    struct pubkey key = some_ed25519(&signature, message);
    for (int type = 0; type < 256; type++) {
        key.type = (uint8_t)type;
        ck_assert_int_eq(pubkey_verify_vartime(&key, message, &signature), type == PUBKEY_ED25519);
    }
}
END_TEST

START_TEST(names_and_tags_lead_back_to_their_types) {
    ck_assert_str_eq(pubkey_type_name(PUBKEY_ED25519), "ed25519");
    ck_assert_str_eq(pubkey_type_name(PUBKEY_SECP256K1), "secp256k1");
    ck_assert_str_eq(pubkey_json_tag(PUBKEY_ED25519), "tendermint/PubKeyEd25519");
    ck_assert_str_eq(pubkey_json_tag(PUBKEY_SECP256K1), "tendermint/PubKeySecp256k1");
    for (uint8_t type = 1; type <= 2; type++) {
        ck_assert_uint_eq(pubkey_type_from_name(span_text(pubkey_type_name(type))), type);
        ck_assert_uint_eq(pubkey_type_from_json_tag(span_text(pubkey_json_tag(type))), type);
    }
}
END_TEST

START_TEST(unknown_names_and_tags_are_no_type) {
    static const char *const unknown[] = {"", "ed2551", "ed255199", "Ed25519", "secp256k1eth", "bls12_381", "sr25519"};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        ck_assert_uint_eq(pubkey_type_from_name(span_text(unknown[i])), PUBKEY_NONE);
        ck_assert_uint_eq(pubkey_type_from_json_tag(span_text(unknown[i])), PUBKEY_NONE);
    }
    ck_assert_uint_eq(pubkey_type_from_json_tag(span_text("tendermint/PubKeySecp256k1eth")), PUBKEY_NONE);
    ck_assert_uint_eq(pubkey_type_from_json_tag(span_text("tendermint/PrivKeyEd25519")), PUBKEY_NONE);
    ck_assert_str_eq(pubkey_type_name(PUBKEY_NONE), "");
    ck_assert_str_eq(pubkey_json_tag(77), "");
}
END_TEST

START_TEST(keys_survive_encoding_and_decoding) {
    struct signature unused;
    struct pubkey keys[2] = {some_ed25519(&unused, span_text("")), some_secp256k1(&unused, span_text(""))};
    for (int i = 0; i < 2; i++) {
        uint8_t buffer[64];
        struct proto_writer writer;
        struct pubkey read = {0};
        proto_writer_init(&writer, buffer, sizeof buffer);
        pubkey_write(&writer, &keys[i]);
        ck_assert_uint_eq(writer.size, 2u + keys[i].size);
        ck_assert_uint_eq(buffer[0], i == 0 ? 0x0a : 0x12);
        ck_assert(read_key(&read, buffer, writer.size));
        ck_assert(pubkey_equal(&read, &keys[i]));
        ck_assert(!pubkey_equal(&read, &keys[1 - i]));
    }
}
END_TEST

START_TEST(no_key_is_written_as_nothing_and_nothing_read_as_no_key) {
    struct pubkey none = {0}, read = {0};
    uint8_t buffer[8];
    struct proto_writer writer;
    proto_writer_init(&writer, buffer, sizeof buffer);
    pubkey_write(&writer, &none);
    ck_assert_uint_eq(writer.size, 0);
    ck_assert(read_key(&read, buffer, 0));
    ck_assert_uint_eq(read.type, PUBKEY_NONE);
}
END_TEST

START_TEST(a_key_of_the_wrong_size_is_bad_and_leaves_the_output_untouched) {
    for (int field = 1; field <= 2; field++)
        for (int size = 0; size < 100; size++) {
            uint8_t bytes[102] = {(uint8_t)(field << 3 | 2), (uint8_t)size};
            struct pubkey key = {0};
            bool right = size == (field == 1 ? 32 : 33);
            ck_assert_int_eq(read_key(&key, bytes, 2 + (size_t)size), right);
            ck_assert_uint_eq(key.type, right ? field : PUBKEY_NONE);
        }
}
END_TEST

START_TEST(a_member_of_a_later_release_is_bad) {
    for (int field = 3; field <= 5; field++) {
        uint8_t bytes[34] = {(uint8_t)(field << 3 | 2), 32};
        struct pubkey key = {0};
        ck_assert(!read_key(&key, bytes, sizeof bytes));
    }
}
END_TEST

START_TEST(the_last_member_of_the_oneof_counts) {
    uint8_t bytes[34 + 35 + 2] = {0x0a, 32, [34] = 0x12, 33, [36] = 2, [69] = 0x1a, 0};
    struct pubkey key = {0};
    ck_assert(read_key(&key, bytes, 34 + 35));
    ck_assert_uint_eq(key.type, PUBKEY_SECP256K1);
    ck_assert(!read_key(&key, bytes, sizeof bytes)); /* a foreign one at the end */
    uint8_t mended[3 + 34] = {0x0a, 1, 0, 0x0a, 32};  /* a wrong size, overwritten */
    ck_assert(read_key(&key, mended, sizeof mended));
    ck_assert_uint_eq(key.type, PUBKEY_ED25519);
}
END_TEST

START_TEST(fields_outside_of_the_oneof_are_skipped_and_wrong_wire_types_are_bad) {
    uint8_t skipped[34 + 2] = {0x0a, 32, [34] = 0x50, 1}, varint[2] = {0x08, 1};
    struct pubkey key = {0};
    ck_assert(read_key(&key, skipped, sizeof skipped));
    ck_assert_uint_eq(key.type, PUBKEY_ED25519);
    ck_assert(!read_key(&key, varint, sizeof varint));
    ck_assert(!read_key(&key, skipped, 33)); /* cut off */
}
END_TEST

START_TEST(addresses_are_ordered_by_their_bytes) {
    struct address a = {.size = 20, .bytes = {1}}, b = {.size = 20, .bytes = {2}}, none = {0};
    ck_assert_int_lt(address_compare(&a, &b), 0);
    ck_assert_int_gt(address_compare(&b, &a), 0);
    ck_assert_int_eq(address_compare(&a, &a), 0);
    ck_assert_int_lt(address_compare(&none, &a), 0);
    ck_assert(!address_equal(&none, &a));
}
END_TEST

Suite *suite_pubkey(void);
Suite *suite_pubkey(void) {
    Suite *suite = suite_create("pubkey");
    TCase *tcase = tcase_create("pubkey");
    tcase_add_test(tcase, addresses_are_those_that_others_publish);
    tcase_add_test(tcase, no_key_has_no_address);
    tcase_add_test(tcase, each_type_verifies_its_own_signatures_and_not_the_others);
    tcase_add_test(tcase, a_signature_or_key_of_another_size_never_verifies);
    tcase_add_test(tcase, a_key_of_no_or_unknown_type_never_verifies);
    tcase_add_test(tcase, names_and_tags_lead_back_to_their_types);
    tcase_add_test(tcase, unknown_names_and_tags_are_no_type);
    tcase_add_test(tcase, keys_survive_encoding_and_decoding);
    tcase_add_test(tcase, no_key_is_written_as_nothing_and_nothing_read_as_no_key);
    tcase_add_test(tcase, a_key_of_the_wrong_size_is_bad_and_leaves_the_output_untouched);
    tcase_add_test(tcase, a_member_of_a_later_release_is_bad);
    tcase_add_test(tcase, the_last_member_of_the_oneof_counts);
    tcase_add_test(tcase, fields_outside_of_the_oneof_are_skipped_and_wrong_wire_types_are_bad);
    tcase_add_test(tcase, addresses_are_ordered_by_their_bytes);
    suite_add_tcase(suite, tcase);
    return suite;
}
