#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/netaddress.h"

Suite *suite_netaddress(void);

#define ID "deadbeefdeadbeefdeadbeefdeadbeefdeadbeef"

static void expect(const char *text, const char *expected, bool is_ip) {
    struct netaddress address;
    char out[NETADDRESS_TEXT_SIZE];
    enum netaddress_verdict verdict = netaddress_parse(&address, span_text(text));
    ck_assert_msg(verdict == NETADDRESS_GOOD, "%s: %s", text, netaddress_verdict_text(verdict));
    netaddress_format(out, &address);
    ck_assert_str_eq(out, expected);
    ck_assert(address.is_ip == is_ip);
}

static enum netaddress_verdict verdict_on(const char *text) {
    struct netaddress address;
    return netaddress_parse(&address, span_text(text));
}

START_TEST(addresses_come_back_in_their_canonical_form) {
    expect(ID "@127.0.0.1:8080", ID "@127.0.0.1:8080", true);
    expect("tcp://" ID "@127.0.0.1:0", ID "@127.0.0.1:0", true);
    expect("udp://" ID "@127.0.0.1:08080", ID "@127.0.0.1:8080", true);
    expect("DEADbeefdeadbeefdeadbeefdeadbeefdeadbeef@1.2.3.4:5", "DEADbeefdeadbeefdeadbeefdeadbeefdeadbeef@1.2.3.4:5", true);
    expect(ID "@node-1.example.org:26656", ID "@node-1.example.org:26656", false);
    expect(ID "@127.0.0:8080", ID "@127.0.0:8080", false); /* a name, for the resolver to refuse */
    expect(ID "@[::1]:26656", ID "@[::1]:26656", true);
    expect(ID "@[2001:0DB8:0:0:1:0:0:1]:1", ID "@[2001:db8::1:0:0:1]:1", true);
    expect(ID "@[::ffff:10.0.0.1]:1", ID "@10.0.0.1:1", true);
}
END_TEST

START_TEST(malformed_addresses_are_refused_for_their_reason) {
    ck_assert_int_eq(verdict_on(""), NETADDRESS_NO_ID);
    ck_assert_int_eq(verdict_on("127.0.0.1:8080"), NETADDRESS_NO_ID);
    ck_assert_int_eq(verdict_on(ID "@" ID "@127.0.0.1:8080"), NETADDRESS_NO_ID);
    ck_assert_int_eq(verdict_on("@127.0.0.1:8080"), NETADDRESS_BAD_ID);
    ck_assert_int_eq(verdict_on("deadbeef@127.0.0.1:8080"), NETADDRESS_BAD_ID);
    ck_assert_int_eq(verdict_on(ID "00@127.0.0.1:8080"), NETADDRESS_BAD_ID);
    ck_assert_int_eq(verdict_on("tcp//" ID "@127.0.0.1:8080"), NETADDRESS_BAD_ID);
    ck_assert_int_eq(verdict_on(ID "@"), NETADDRESS_BAD_HOST);
    ck_assert_int_eq(verdict_on(ID "@:80"), NETADDRESS_BAD_HOST);
    ck_assert_int_eq(verdict_on(ID "@::1:80"), NETADDRESS_BAD_HOST);
    ck_assert_int_eq(verdict_on(ID "@[::1:80"), NETADDRESS_BAD_HOST);
    ck_assert_int_eq(verdict_on(ID "@a]b:80"), NETADDRESS_BAD_HOST);
    ck_assert_int_eq(verdict_on(ID "@a b:80"), NETADDRESS_BAD_HOST);
    ck_assert_int_eq(verdict_on(ID "@127.0.0.1"), NETADDRESS_BAD_PORT);
    ck_assert_int_eq(verdict_on(ID "@[::1]"), NETADDRESS_BAD_PORT);
    ck_assert_int_eq(verdict_on(ID "@127.0.0.1:"), NETADDRESS_BAD_PORT);
    ck_assert_int_eq(verdict_on(ID "@127.0.0.1:65536"), NETADDRESS_BAD_PORT);
    ck_assert_int_eq(verdict_on(ID "@127.0.0.1:99999999999999999999"), NETADDRESS_BAD_PORT);
    ck_assert_int_eq(verdict_on(ID "@127.0.0.1:+80"), NETADDRESS_BAD_PORT);
    ck_assert_int_eq(verdict_on(ID "@127.0.0.1:http"), NETADDRESS_BAD_PORT);
}
END_TEST

START_TEST(a_host_longer_than_a_name_can_be_is_refused) {
    char text[600];
    memset(text, 'a', sizeof text);
    memcpy(text, ID "@", 41);
    memcpy(text + 41 + NETADDRESS_HOST_MAX, ":80", 4);
    ck_assert_int_eq(verdict_on(text), NETADDRESS_GOOD);
    memcpy(text + 41 + NETADDRESS_HOST_MAX, "a:80", 5);
    ck_assert_int_eq(verdict_on(text), NETADDRESS_BAD_HOST);
}
END_TEST

static bool ip_is(const char *text, const char *expected) {
    uint8_t ip[16];
    char out[46] = "refused";
    if (netaddress_parse_ip(ip, span_text(text)))
        netaddress_format_ip(out, ip);
    if (strcmp(out, expected) != 0)
        fprintf(stderr, "%s gave %s\n", text, out);
    return strcmp(out, expected) == 0;
}

START_TEST(literal_addresses_are_those_of_the_rfcs) {
    ck_assert(ip_is("0.0.0.0", "0.0.0.0"));
    ck_assert(ip_is("255.255.255.255", "255.255.255.255"));
    ck_assert(ip_is("::", "::"));
    ck_assert(ip_is("1::", "1::"));
    ck_assert(ip_is("::1", "::1"));
    ck_assert(ip_is("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"));
    ck_assert(ip_is("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"));
    ck_assert(ip_is("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"));
    ck_assert(ip_is("0:0:1:0:0:0:1:0", "0:0:1::1:0"));
    ck_assert(ip_is("FE80::aBc", "fe80::abc"));
    ck_assert(ip_is("::1.2.3.4", "::102:304"));
    ck_assert(ip_is("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"));
    static const char *const refused[] = {"",      "1",        "1.2.3",   "1.2.3.4.5", "1.2.3.256", "01.2.3.4",        "1.2.3.04",
                                          "1..2.3", "1.2.3.",   " 1.2.3.4", ":",         ":::",       "1:::2",           "::1::",
                                          "1:2",   "12345::",  "::g",     "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1%eth0", "1:2:3:4:5:6:7:1.2.3.4",
                                          "1:2:3:4:1.2.3.4", "::1.2.3", "1.2.3.4::", "1:2:3:4:5:6:7:"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        ck_assert(ip_is(refused[i], "refused"));
}
END_TEST

static bool routable(const char *text) {
    uint8_t ip[16];
    ck_assert(netaddress_parse_ip(ip, span_text(text)));
    return netaddress_is_routable(ip);
}

START_TEST(only_public_addresses_are_routable) {
    static const char *const private[] = {"0.0.0.0", "0.1.2.3", "127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "172.31.255.255",
                                          "192.168.1.1", "169.254.1.1", "255.255.255.255", "::", "::1", "2001:db8::1", "fc00::1",
                                          "fd12::1", "fe80::1", "2001:10::1"};
    static const char *const public[] = {"8.8.8.8", "172.15.0.1", "172.32.0.1", "192.169.0.1", "11.0.0.1", "2001:4860::8888", "fe80:1::1"};
    for (size_t i = 0; i < sizeof private / sizeof private[0]; i++)
        ck_assert_msg(!routable(private[i]), "%s", private[i]);
    for (size_t i = 0; i < sizeof public / sizeof public[0]; i++)
        ck_assert_msg(routable(public[i]), "%s", public[i]);
}
END_TEST

START_TEST(random_addresses_survive_their_text) {
    srand(9);
    for (int round = 0; round < 20000; round++) {
        uint8_t ip[16], back[16];
        char text[46];
        for (size_t i = 0; i < 16; i++)
            ip[i] = (uint8_t)(rand() % 3 == 0 ? rand() : 0);
        netaddress_format_ip(text, ip);
        ck_assert(netaddress_parse_ip(back, span_text(text)));
        ck_assert_mem_eq(ip, back, 16);
    }
}
END_TEST

START_TEST(random_text_does_no_harm) {
    static const char alphabet[] = "0123af:.[]@/tc";
    srand(10);
    for (int round = 0; round < 200000; round++) {
        size_t size = (size_t)rand() % 70;
        char *text = malloc(size + 1);
        for (size_t i = 0; i < size; i++)
            text[i] = alphabet[rand() % 14];
        if (size > 41 && rand() % 2 == 0)
            memcpy(text, ID "@", 41);
        char *exact = malloc(size + (size == 0));
        memcpy(exact, text, size);
        struct netaddress address;
        char out[NETADDRESS_TEXT_SIZE];
        uint8_t ip[16];
        netaddress_parse_ip(ip, span_of(exact, size));
        if (netaddress_parse(&address, span_of(exact, size)) == NETADDRESS_GOOD) {
            netaddress_format(out, &address);
            ck_assert_int_eq(verdict_on(out), NETADDRESS_GOOD);
        }
        netaddress_parse_host_port(&address, span_of(exact, size));
        free(text);
        free(exact);
    }
}
END_TEST

Suite *suite_netaddress(void) {
    Suite *suite = suite_create("netaddress");
    TCase *tests = tcase_create("netaddress");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, addresses_come_back_in_their_canonical_form);
    tcase_add_test(tests, malformed_addresses_are_refused_for_their_reason);
    tcase_add_test(tests, a_host_longer_than_a_name_can_be_is_refused);
    tcase_add_test(tests, literal_addresses_are_those_of_the_rfcs);
    tcase_add_test(tests, only_public_addresses_are_routable);
    tcase_add_test(tests, random_addresses_survive_their_text);
    tcase_add_test(tests, random_text_does_no_harm);
    suite_add_tcase(suite, tests);
    return suite;
}
