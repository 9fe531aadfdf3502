#include "crypto/text.h"

#include <assert.h>

/* Hex */

static const char HEX_LOWER[] = "0123456789abcdef", HEX_UPPER[] = "0123456789ABCDEF";

static void hex_encode(char *out, struct span bytes, const char *digits) {
    for (size_t i = 0; i < bytes.size; i++) {
        *out++ = digits[bytes.data[i] >> 4];
        *out++ = digits[bytes.data[i] & 15];
    }
    *out = '\0';
}

void text_hex_lower(char *out, struct span bytes) { hex_encode(out, bytes, HEX_LOWER); }

void text_hex_upper(char *out, struct span bytes) { hex_encode(out, bytes, HEX_UPPER); }

/* The digit's value plus one, so that zero means foreign. */
static const uint8_t HEX_VALUE[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

static bool are_all_known(const uint8_t values[static 256], struct span text) {
    bool good = true;
    for (size_t i = 0; i < text.size; i++)
        good &= values[text.data[i]] != 0;
    return good;
}

bool text_hex_decode(uint8_t *out, size_t *size, size_t capacity, struct span text) {
    if (text.size % 2 != 0 || text.size / 2 > capacity || !are_all_known(HEX_VALUE, text))
        return false;
    for (size_t i = 0; i < text.size; i += 2)
        out[i / 2] = (uint8_t)((HEX_VALUE[text.data[i]] - 1) << 4 | (HEX_VALUE[text.data[i + 1]] - 1));
    *size = text.size / 2;
    return true;
}

/* Base64 */

static const char BASE64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static const uint8_t BASE64_VALUE[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
};

static void base64_group(char out[static 4], uint32_t bits) {
    out[0] = BASE64[bits >> 18];
    out[1] = BASE64[bits >> 12 & 63];
    out[2] = BASE64[bits >> 6 & 63];
    out[3] = BASE64[bits & 63];
}

void text_base64(char *out, struct span bytes) {
    const uint8_t *at = bytes.data;
    size_t left = bytes.size;
    for (; left >= 3; left -= 3, at += 3, out += 4)
        base64_group(out, (uint32_t)at[0] << 16 | (uint32_t)at[1] << 8 | at[2]);
    if (left > 0) {
        base64_group(out, (uint32_t)at[0] << 16 | (left == 2 ? (uint32_t)at[1] << 8 : 0));
        out[3] = '=';
        if (left == 1)
            out[2] = '=';
        out += 4;
    }
    *out = '\0';
}

static uint32_t base64_bits(const uint8_t *text, size_t count) {
    uint32_t bits = 0;
    for (size_t i = 0; i < count; i++)
        bits |= (uint32_t)(BASE64_VALUE[text[i]] - 1) << (18 - 6 * i);
    return bits;
}

bool text_base64_decode(uint8_t *out, size_t *size, size_t capacity, struct span text) {
    if (text.size == 0) {
        *size = 0;
        return true;
    }
    if (text.size % 4 != 0)
        return false;
    struct span digits = text;
    while (digits.size > 0 && text.size - digits.size < 2 && digits.data[digits.size - 1] == '=')
        digits.size--;
    size_t rest = digits.size % 4, bytes = digits.size / 4 * 3 + (rest > 0 ? rest - 1 : 0);
    if (bytes > capacity || !are_all_known(BASE64_VALUE, digits))
        return false;
    const uint8_t *tail = digits.data + (digits.size - rest);
    uint32_t tail_bits = rest > 0 ? base64_bits(tail, rest) : 0;
    if (rest > 0 && (tail_bits & (rest == 2 ? 0xffff : 0xff)) != 0)
        return false;
    for (const uint8_t *at = digits.data; at != tail; at += 4, out += 3) {
        uint32_t bits = base64_bits(at, 4);
        out[0] = (uint8_t)(bits >> 16);
        out[1] = (uint8_t)(bits >> 8);
        out[2] = (uint8_t)bits;
    }
    if (rest > 1)
        out[0] = (uint8_t)(tail_bits >> 16);
    if (rest > 2)
        out[1] = (uint8_t)(tail_bits >> 8);
    *size = bytes;
    return true;
}

/* Bech32 (BIP-173) */

static const char BECH32[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
enum { BECH32_CHECKSUM = 6 };

static const uint8_t BECH32_VALUE[256] = {
    ['q'] = 1,  ['p'] = 2,  ['z'] = 3,  ['r'] = 4,  ['y'] = 5,  ['9'] = 6,  ['x'] = 7,  ['8'] = 8,
    ['g'] = 9,  ['f'] = 10, ['2'] = 11, ['t'] = 12, ['v'] = 13, ['d'] = 14, ['w'] = 15, ['0'] = 16,
    ['s'] = 17, ['3'] = 18, ['j'] = 19, ['n'] = 20, ['5'] = 21, ['4'] = 22, ['k'] = 23, ['h'] = 24,
    ['c'] = 25, ['e'] = 26, ['6'] = 27, ['m'] = 28, ['u'] = 29, ['a'] = 30, ['7'] = 31, ['l'] = 32,
};

static uint32_t bech32_step(uint32_t sum, uint8_t value) {
    static const uint32_t generator[5] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3};
    uint32_t top = sum >> 25;
    sum = (sum & 0x1ffffff) << 5 ^ value;
    for (size_t i = 0; i < 5; i++)
        if (top >> i & 1)
            sum ^= generator[i];
    return sum;
}

static uint32_t bech32_prefix_sum(struct span prefix) {
    uint32_t sum = 1;
    for (size_t i = 0; i < prefix.size; i++)
        sum = bech32_step(sum, prefix.data[i] >> 5);
    sum = bech32_step(sum, 0);
    for (size_t i = 0; i < prefix.size; i++)
        sum = bech32_step(sum, prefix.data[i] & 31);
    return sum;
}

static bool is_prefix(struct span prefix) {
    for (size_t i = 0; i < prefix.size; i++)
        if (prefix.data[i] < 33 || prefix.data[i] > 126 || (prefix.data[i] >= 'A' && prefix.data[i] <= 'Z'))
            return false;
    return prefix.size > 0;
}

/* 8-bit bytes to 5-bit digits; the last is padded with zero bits. Returns the count. */
static size_t regroup(uint8_t *digits, struct span bytes) {
    uint32_t bits = 0;
    unsigned held = 0;
    size_t count = 0;
    for (size_t i = 0; i < bytes.size; i++) {
        bits = (bits << 8 | bytes.data[i]) & 0xfff;
        for (held += 8; held >= 5; held -= 5)
            digits[count++] = (uint8_t)(bits >> (held - 5) & 31);
    }
    if (held > 0)
        digits[count++] = (uint8_t)(bits << (5 - held) & 31);
    return count;
}

bool text_bech32(char out[static TEXT_BECH32_MAX + 1], const char *prefix, struct span bytes) {
    struct span head = span_text(prefix);
    if (!is_prefix(head) || head.size > TEXT_BECH32_MAX || bytes.size > TEXT_BECH32_MAX)
        return false;
    size_t count = (bytes.size * 8 + 4) / 5;
    if (head.size + 1 + count + BECH32_CHECKSUM > TEXT_BECH32_MAX)
        return false;
    uint8_t digits[TEXT_BECH32_MAX];
    size_t made = regroup(digits, bytes);
    assert(made == count);
    uint32_t sum = bech32_prefix_sum(head);
    memcpy(out, prefix, head.size);
    out += head.size;
    *out++ = '1';
    for (size_t i = 0; i < count; i++) {
        sum = bech32_step(sum, digits[i]);
        *out++ = BECH32[digits[i]];
    }
    for (size_t i = 0; i < BECH32_CHECKSUM; i++)
        sum = bech32_step(sum, 0);
    sum ^= 1;
    for (size_t i = 0; i < BECH32_CHECKSUM; i++)
        *out++ = BECH32[sum >> (25 - 5 * i) & 31];
    *out = '\0';
    return true;
}

/* Copies in lower case; false when both cases occur or a character is outside 33..126. */
static bool bech32_fold(uint8_t *lower, struct span text) {
    bool has_lower = false, has_upper = false;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (c < 33 || c > 126)
            return false;
        has_lower |= c >= 'a' && c <= 'z';
        has_upper |= c >= 'A' && c <= 'Z';
        lower[i] = c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
    }
    return !(has_lower && has_upper);
}

/* 5-bit digits to bytes; fewer than five padding bits, all zero. Returns false otherwise. */
static bool ungroup(uint8_t *bytes, size_t *size, struct span digits) {
    uint32_t bits = 0;
    unsigned held = 0;
    for (size_t i = 0; i < digits.size; i++) {
        bits = (bits << 5 | (uint32_t)(BECH32_VALUE[digits.data[i]] - 1)) & 0xfff;
        held += 5;
        if (held >= 8) {
            held -= 8;
            bytes[(*size)++] = (uint8_t)(bits >> held);
        }
    }
    return held < 5 && (bits & ((1u << held) - 1)) == 0;
}

bool text_bech32_decode(uint8_t *out, size_t *size, size_t capacity, const char *prefix, struct span text) {
    uint8_t lower[TEXT_BECH32_MAX], bytes[TEXT_BECH32_MAX];
    struct span head = span_text(prefix);
    if (text.size > TEXT_BECH32_MAX || head.size + 1 + BECH32_CHECKSUM > text.size || !bech32_fold(lower, text))
        return false;
    struct span data = span_of(lower + head.size + 1, text.size - head.size - 1);
    if (!is_prefix(head) || !span_equal(span_of(lower, head.size), head) || lower[head.size] != '1' ||
        !are_all_known(BECH32_VALUE, data))
        return false;
    uint32_t sum = bech32_prefix_sum(head);
    for (size_t i = 0; i < data.size; i++)
        sum = bech32_step(sum, (uint8_t)(BECH32_VALUE[data.data[i]] - 1));
    size_t count = 0;
    if (sum != 1 || !ungroup(bytes, &count, span_of(data.data, data.size - BECH32_CHECKSUM)) || count > capacity)
        return false;
    if (count > 0)
        memcpy(out, bytes, count);
    *size = count;
    return true;
}
