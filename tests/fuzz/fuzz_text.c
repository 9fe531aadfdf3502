/* Bytes, numbers, times and addresses as text. What decodes encodes to the same text, but for the case of letters. */
#define FUZZ_BYTES_MAX 600
#include "tests/fuzz/fuzz.h"

#include <ctype.h>
#include <stdlib.h>

#include "crypto/text.h"
#include "ledger/amount.h"
#include "node/config.h"
#include "node/load_scan.h"
#include "node/netaddress.h"
#include "tendermint/timestamp.h"

static void must_say_lower(const char *text, struct span original) {
    assert(strlen(text) == original.size);
    for (size_t i = 0; i < original.size; i++)
        assert(text[i] == tolower(original.data[i]));
}

static void hex(struct span text) {
    size_t size, capacity = text.size / 2;
    uint8_t *bytes = fuzz_room(capacity);
    if (!text_hex_decode(bytes, &size, capacity, text))
        return;
    char *again = fuzz_room(TEXT_HEX_SIZE(size));
    text_hex_lower(again, span_of(bytes, size));
    must_say_lower(again, text);
    assert(size == 0 || !text_hex_decode(bytes, &size, size - 1, text));
}

static void base64(struct span text) {
    size_t size, capacity = text.size / 4 * 3;
    uint8_t *bytes = fuzz_room(capacity);
    if (!text_base64_decode(bytes, &size, capacity, text))
        return;
    char *again = fuzz_room(TEXT_BASE64_SIZE(size));
    text_base64(again, span_of(bytes, size));
    fuzz_same(span_text(again), text);
    uint8_t *exact = fuzz_room(size);
    assert(text_base64_decode(exact, &size, size, text));
}

static void bech32(struct span text) {
    uint8_t bytes[64];
    char again[TEXT_BECH32_MAX + 1];
    size_t size;
    if (!text_bech32_decode(bytes, &size, sizeof bytes, "quorate", text))
        return;
    assert(text_bech32(again, "quorate", span_of(bytes, size)));
    must_say_lower(again, text);
}

static void bech32_of(struct span bytes) {
    char text[TEXT_BECH32_MAX + 1];
    uint8_t *again = fuzz_room(bytes.size);
    size_t size;
    if (!text_bech32(text, "cosmosvaloper", bytes))
        return;
    assert(text_bech32_decode(again, &size, bytes.size, "cosmosvaloper", span_text(text)));
    fuzz_same(span_of(again, size), bytes);
}

static void amounts(struct span text) {
    amount value, other;
    char again[AMOUNT_TEXT_SIZE];
    uint8_t bytes[AMOUNT_BYTES];
    if (!amount_parse(&value, text))
        return;
    fuzz_same(span_of(again, amount_text(again, value)), text);
    amount_encode(bytes, value);
    assert(amount_decode(&other, span_of(bytes, sizeof bytes)) && other == value);
}

static void times(struct span text) {
    struct timestamp time, other;
    char again[TIMESTAMP_TEXT_SIZE];
    int64_t ns, read_ns;
    bool good = timestamp_parse(&time, text);
    if (good) {
        assert(timestamp_valid(&time));
        timestamp_text(again, &time);
        assert(strlen(again) < sizeof again && timestamp_parse(&other, span_text(again)) && timestamp_compare(&time, &other) == 0);
        ns = timestamp_diff_ns(&time, &(struct timestamp){0, 0});
        other = timestamp_add_ns(&(struct timestamp){0, 0}, ns);
        if (ns != INT64_MAX && ns != INT64_MIN)
            assert(timestamp_compare(&time, &other) == 0);
        if (load_scan_time(&read_ns, span_text(again)))
            assert(read_ns == ns);
    }
    load_scan_time(&read_ns, text);
}

static void durations(struct span text) {
    int64_t ms, again_ms;
    char again[CONFIG_DURATION_TEXT_SIZE];
    if (!config_duration_parse(&ms, text))
        return;
    config_duration_text(again, ms);
    assert(strlen(again) < sizeof again && config_duration_parse(&again_ms, span_text(again)) && again_ms == ms);
}

static void addresses(struct span text) {
    struct netaddress address, other;
    char again[NETADDRESS_TEXT_SIZE];
    if (netaddress_parse(&address, text) == NETADDRESS_GOOD) {
        netaddress_format(again, &address);
        assert(netaddress_parse(&other, span_text(again)) == NETADDRESS_GOOD);
        assert(memcmp(address.id, other.id, sizeof address.id) == 0 && strcmp(address.host, other.host) == 0);
        assert(address.port == other.port && address.is_ip == other.is_ip);
        assert(!address.is_ip || memcmp(address.ip, other.ip, 16) == 0);
    }
    if (netaddress_parse_host_port(&address, text) == NETADDRESS_GOOD) {
        netaddress_format_host_port(again, &address);
        assert(netaddress_parse_host_port(&other, span_text(again)) == NETADDRESS_GOOD);
        assert(strcmp(address.host, other.host) == 0 && address.port == other.port);
    }
}

static void literals(struct span text) {
    uint8_t ip[16], other[16];
    char again[46];
    if (!netaddress_parse_ip(ip, text))
        return;
    netaddress_format_ip(again, ip);
    assert(netaddress_parse_ip(other, span_text(again)) && memcmp(ip, other, 16) == 0);
    netaddress_is_routable(ip);
}

static void literals_of(struct span bytes) {
    uint8_t ip[16] = {0}, other[16];
    char text[46];
    memcpy(ip, bytes.data, bytes.size < 16 ? bytes.size : 16);
    netaddress_format_ip(text, ip);
    assert(netaddress_parse_ip(other, span_text(text)) && memcmp(ip, other, 16) == 0);
}

static void numbers(struct span text) {
    int64_t value;
    if (load_scan_number(&value, text)) {
        char *copy = fuzz_string(text);
        assert(strtoll(copy, NULL, 10) == value);
    }
}

static void durations_of(struct span bytes) {
    struct fuzz fuzz = fuzz_over(bytes.data, bytes.size);
    int64_t ms = (int64_t)(fuzz_number(&fuzz, 8) >> (fuzz_byte(&fuzz) & 63)), again;
    char text[CONFIG_DURATION_TEXT_SIZE];
    if (ms < 0 || ms > INT64_MAX / 1000000)
        return;
    config_duration_text(text, ms);
    assert(config_duration_parse(&again, span_text(text)) && again == ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static void (*const kinds[])(struct span text) = {hex, base64, bech32, bech32_of, amounts, times, durations, addresses, literals, literals_of,
                                                      numbers, durations_of};
    struct fuzz fuzz = fuzz_over(data, size);
    uint8_t choice = fuzz_byte(&fuzz);
    if (choice < sizeof kinds / sizeof kinds[0])
        kinds[choice](fuzz_rest(&fuzz));
    fuzz_end();
    return 0;
}
