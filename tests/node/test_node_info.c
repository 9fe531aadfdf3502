#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/text.h"
#include "node/node_info.h"

Suite *suite_node_info(void);

static struct node_info a_node(void) {
    struct node_info info = {
        .p2p_version = NODE_INFO_P2P_VERSION,
        .block_version = NODE_INFO_BLOCK_VERSION,
        .id = "deadbeefdeadbeefdeadbeefdeadbeefdeadbeef",
        .listen_addr = "tcp://0.0.0.0:26656",
        .network = "test-chain",
        .version = "0.40.0",
        .moniker = "node",
        .tx_index = "on",
        .rpc_address = "tcp://127.0.0.1:26657",
        .channel_count = 3,
        .channels = {0x20, 0x21, 0x30},
    };
    return info;
}

static void set(char *field, const char *text) { memcpy(field, text, strlen(text) + 1); }

START_TEST(a_node_info_survives_its_encoding) {
    struct node_info info = a_node(), back;
    uint8_t bytes[NODE_INFO_BYTES_MAX + 10];
    size_t size = node_info_encode(bytes, &info);
    for (size_t cut = 0; cut < size; cut++)
        ck_assert_int_eq(node_info_decode(&back, span_of(bytes, cut)), 0);
    ck_assert_int_eq(node_info_decode(&back, span_of(bytes, size)), (long)size);
    ck_assert_mem_eq(&info, &back, sizeof info);
}
END_TEST

START_TEST(its_bytes_are_those_of_the_protocol) {
    struct node_info info = {.p2p_version = 8, .block_version = 11, .network = "c", .channel_count = 1, .channels = {0x40}};
    uint8_t bytes[NODE_INFO_BYTES_MAX + 10];
    char text[TEXT_HEX_SIZE(64)];
    size_t size = node_info_encode(bytes, &info);
    ck_assert_uint_le(size, 64);
    text_hex_lower(text, span_of(bytes, size));
    ck_assert_str_eq(text, "0e" "0a04" "0808" "100b" "220163" "320140" "4200");
}
END_TEST

START_TEST(an_oversize_or_malformed_message_does_not_decode_and_leaves_the_output) {
    struct node_info info = a_node(), back = a_node();
    uint8_t bytes[NODE_INFO_BYTES_MAX + 10];
    ck_assert_int_eq(node_info_decode(&back, span_of("\x81\x50", 2)), -1); /* 10241 */
    ck_assert_int_eq(node_info_decode(&back, span_of("\x80\x50", 2)), 0);
    ck_assert_int_eq(node_info_decode(&back, span_of("\x02\x10\x01", 3)), -1); /* the id as a number */
    ck_assert_int_eq(node_info_decode(&back, span_of("\x03\x3a\x01\x00", 4)), -1); /* a NUL in the moniker */
    ck_assert_int_eq(node_info_decode(&back, span_of("\x04\x42\x02\x0a\x05", 5)), -1); /* inside `other` */
    memset(bytes, 'a', sizeof bytes);
    memcpy(bytes, "\x80\x09\x3a\xfd\x08", 5); /* a moniker of 1149 bytes */
    ck_assert_int_eq(node_info_decode(&back, span_of(bytes, sizeof bytes)), -1);
    ck_assert_mem_eq(&info, &back, sizeof info);
}
END_TEST

#define REFUSED(verdict, change)                                                                                                     \
    do {                                                                                                                             \
        struct node_info info = a_node();                                                                                            \
        change;                                                                                                                      \
        ck_assert_int_eq(node_info_check(&info), verdict);                                                                           \
    } while (0)

START_TEST(each_rule_refuses_what_breaks_it) {
    REFUSED(NODE_INFO_GOOD, (void)0);
    REFUSED(NODE_INFO_BAD_ADDRESS, set(info.id, "deadbeef"));
    REFUSED(NODE_INFO_BAD_ADDRESS, set(info.id, "xeadbeefdeadbeefdeadbeefdeadbeefdeadbeef"));
    REFUSED(NODE_INFO_BAD_ADDRESS, set(info.listen_addr, "not-an-address"));
    REFUSED(NODE_INFO_BAD_ADDRESS, set(info.listen_addr, ""));
    REFUSED(NODE_INFO_BAD_ADDRESS, set(info.listen_addr, "deadbeefdeadbeefdeadbeefdeadbeefdeadbeef@1.2.3.4:5"));
    REFUSED(NODE_INFO_GOOD, set(info.listen_addr, "0.0.0.0:26656"));
    REFUSED(NODE_INFO_BAD_VERSION, set(info.version, "  "));
    REFUSED(NODE_INFO_BAD_VERSION, set(info.version, "\t"));
    REFUSED(NODE_INFO_GOOD, set(info.version, ""));
    REFUSED(NODE_INFO_BAD_MONIKER, set(info.moniker, ""));
    REFUSED(NODE_INFO_BAD_MONIKER, set(info.moniker, "   "));
    REFUSED(NODE_INFO_BAD_MONIKER, set(info.moniker, "caf\xc3\xa9"));
    REFUSED(NODE_INFO_BAD_MONIKER, set(info.moniker, "a\x7f"));
    REFUSED(NODE_INFO_GOOD, set(info.moniker, "hey its me"));
    REFUSED(NODE_INFO_BAD_TX_INDEX, set(info.tx_index, "ON"));
    REFUSED(NODE_INFO_GOOD, set(info.tx_index, "off"));
    REFUSED(NODE_INFO_GOOD, set(info.tx_index, ""));
    REFUSED(NODE_INFO_BAD_RPC_ADDRESS, set(info.rpc_address, " "));
    REFUSED(NODE_INFO_GOOD, set(info.rpc_address, ""));
    REFUSED(NODE_INFO_DUPLICATE_CHANNEL, info.channels[2] = 0x20);
    REFUSED(NODE_INFO_GOOD, info.channel_count = 0);
    REFUSED(NODE_INFO_TOO_MANY_CHANNELS, for (uint8_t i = 0; i < 17; i++) info.channels[info.channel_count = i] = i; info.channel_count = 17);
    REFUSED(NODE_INFO_GOOD, for (uint8_t i = 0; i < 16; i++) info.channels[i] = i; info.channel_count = 16);
}
END_TEST

START_TEST(only_block_version_network_and_channels_decide_who_fits) {
    struct node_info ours = a_node(), theirs = a_node();
    theirs.p2p_version++;
    theirs.app_version++;
    set(theirs.version, "9.9");
    ck_assert_int_eq(node_info_compatible(&ours, &theirs), NODE_INFO_GOOD);
    theirs.channel_count = 1;
    theirs.channels[0] = 0x30;
    ck_assert_int_eq(node_info_compatible(&ours, &theirs), NODE_INFO_GOOD);
    theirs.channels[0] = 0x31;
    ck_assert_int_eq(node_info_compatible(&ours, &theirs), NODE_INFO_NO_COMMON_CHANNEL);
    theirs.channel_count = 0;
    ck_assert_int_eq(node_info_compatible(&ours, &theirs), NODE_INFO_NO_COMMON_CHANNEL);
    ck_assert_int_eq(node_info_compatible(&theirs, &ours), NODE_INFO_GOOD);
    set(theirs.network, "test-chain2");
    ck_assert_int_eq(node_info_compatible(&ours, &theirs), NODE_INFO_OTHER_NETWORK);
    theirs.block_version++;
    ck_assert_int_eq(node_info_compatible(&ours, &theirs), NODE_INFO_OTHER_BLOCK_VERSION);
}
END_TEST

START_TEST(the_id_must_be_that_of_the_authenticated_key) {
    uint8_t bytes[32] = {1, 2, 3};
    struct pubkey key = pubkey_ed25519(bytes);
    struct node_info info = a_node();
    ck_assert_int_eq(node_info_check_id(&info, &key), NODE_INFO_OTHER_ID);
    node_info_id_of(info.id, &key);
    ck_assert_uint_eq(strlen(info.id), 40);
    ck_assert_int_eq(node_info_check_id(&info, &key), NODE_INFO_GOOD);
}
END_TEST

START_TEST(flipped_bits_and_random_bytes_do_no_harm) {
    struct node_info info = a_node(), back;
    uint8_t bytes[NODE_INFO_BYTES_MAX + 10];
    size_t size = node_info_encode(bytes, &info);
    srand(11);
    for (int round = 0; round < 100000; round++) {
        uint8_t *exact = malloc(size);
        memcpy(exact, bytes, size);
        for (int flips = 1 + rand() % 4; flips > 0; flips--)
            exact[(size_t)rand() % size] ^= (uint8_t)(1 << rand() % 8);
        if (node_info_decode(&back, span_of(exact, size)) > 0)
            node_info_check(&back);
        free(exact);
    }
}
END_TEST

Suite *suite_node_info(void) {
    Suite *suite = suite_create("node_info");
    TCase *tests = tcase_create("node_info");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_node_info_survives_its_encoding);
    tcase_add_test(tests, its_bytes_are_those_of_the_protocol);
    tcase_add_test(tests, an_oversize_or_malformed_message_does_not_decode_and_leaves_the_output);
    tcase_add_test(tests, each_rule_refuses_what_breaks_it);
    tcase_add_test(tests, only_block_version_network_and_channels_decide_who_fits);
    tcase_add_test(tests, the_id_must_be_that_of_the_authenticated_key);
    tcase_add_test(tests, flipped_bits_and_random_bytes_do_no_harm);
    suite_add_tcase(suite, tests);
    return suite;
}
