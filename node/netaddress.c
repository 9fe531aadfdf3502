#include "node/netaddress.h"

#include <assert.h>
#include <stdio.h>

#include "crypto/text.h"

const char *netaddress_verdict_text(enum netaddress_verdict verdict) {
    static const char *const texts[] = {
        [NETADDRESS_GOOD] = "good",
        [NETADDRESS_NO_ID] = "the address does not contain exactly one id",
        [NETADDRESS_BAD_ID] = "the id is not 40 hex digits",
        [NETADDRESS_BAD_HOST] = "the host is malformed",
        [NETADDRESS_BAD_PORT] = "the port is malformed",
    };
    return texts[verdict];
}

static struct span after(struct span text, size_t size) { return span_of(text.data + size, text.size - size); }

static size_t count_of(struct span text, uint8_t c) {
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++)
        count += text.data[i] == c;
    return count;
}

static size_t first_of(struct span text, uint8_t c) {
    size_t i = 0;
    while (i < text.size && text.data[i] != c)
        i++;
    return i;
}

static size_t find_protocol_end(struct span text) {
    for (size_t i = 0; i + 3 <= text.size; i++)
        if (memcmp(text.data + i, "://", 3) == 0)
            return i;
    return text.size;
}

/* What stands between the first "://" and the next, as the other implementation has it. */
static struct span without_protocol(struct span text) {
    size_t end = find_protocol_end(text);
    if (end == text.size)
        return text;
    struct span rest = after(text, end + 3);
    return span_of(rest.data, find_protocol_end(rest));
}

/* Literal addresses */

/* Decimal without leading zeros, at most 255. */
static bool parse_ipv4(uint8_t out[static 4], struct span text) {
    for (size_t part = 0; part < 4; part++) {
        size_t digits = 0;
        unsigned value = 0;
        while (digits < text.size && digits < 3 && text.data[digits] >= '0' && text.data[digits] <= '9')
            value = value * 10 + (unsigned)(text.data[digits++] - '0');
        if (digits == 0 || value > 255 || (digits > 1 && text.data[0] == '0'))
            return false;
        out[part] = (uint8_t)value;
        text = after(text, digits);
        if (part < 3 && (text.size == 0 || text.data[0] != '.'))
            return false;
        if (part < 3)
            text = after(text, 1);
    }
    return text.size == 0;
}

static int hex_value(uint8_t c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One to four hex digits at the front of the text. Returns how many, 0 when none or more. */
static size_t hex_group(unsigned *value, struct span text) {
    size_t digits = 0;
    *value = 0;
    for (int digit; digits < text.size && (digit = hex_value(text.data[digits])) >= 0; digits++) {
        if (digits == 4)
            return 0;
        *value = *value << 4 | (unsigned)digit;
    }
    return digits;
}

/* Groups of 16 bits, one "::" for a run of zeros, and four decimal bytes at the end if wanted. */
static bool parse_ipv6(uint8_t out[static 16], struct span text) {
    size_t size = 0, gap = SIZE_MAX;
    memset(out, 0, 16);
    if (text.size >= 2 && memcmp(text.data, "::", 2) == 0) {
        gap = 0;
        text = after(text, 2);
    }
    while (text.size > 0) {
        unsigned value;
        size_t digits = hex_group(&value, text);
        if (size <= 12 && digits < text.size && text.data[digits] == '.' && parse_ipv4(out + size, text)) {
            size += 4;
            break;
        }
        if (digits == 0 || size > 14)
            return false;
        out[size++] = (uint8_t)(value >> 8);
        out[size++] = (uint8_t)value;
        text = after(text, digits);
        if (text.size == 0)
            break;
        if (text.data[0] != ':' || text.size == 1)
            return false;
        text = after(text, 1);
        if (text.data[0] == ':') {
            if (gap != SIZE_MAX)
                return false;
            gap = size;
            text = after(text, 1);
        }
    }
    if (gap == SIZE_MAX || size == 16)
        return gap == SIZE_MAX && size == 16;
    memmove(out + 16 - (size - gap), out + gap, size - gap);
    memset(out + gap, 0, 16 - size);
    return true;
}

static const uint8_t MAPPED[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool netaddress_parse_ip(uint8_t ip[static 16], struct span text) {
    uint8_t made[16];
    memcpy(made, MAPPED, sizeof MAPPED);
    bool is_ip = first_of(text, ':') < text.size ? parse_ipv6(made, text) : parse_ipv4(made + 12, text);
    if (is_ip)
        memcpy(ip, made, 16);
    return is_ip;
}

static unsigned group_of(const uint8_t ip[static 16], size_t i) { return (unsigned)ip[2 * i] << 8 | ip[2 * i + 1]; }

/* The first of the longest runs of at least two zero groups (RFC 5952). */
static void find_zero_run(const uint8_t ip[static 16], size_t *begin, size_t *end) {
    *begin = *end = 8;
    for (size_t i = 0; i < 8; i++) {
        size_t j = i;
        while (j < 8 && group_of(ip, j) == 0)
            j++;
        if (j - i >= 2 && j - i > *end - *begin) {
            *begin = i;
            *end = j;
        }
    }
}

void netaddress_format_ip(char out[static 46], const uint8_t ip[static 16]) {
    if (memcmp(ip, MAPPED, sizeof MAPPED) == 0) {
        snprintf(out, 46, "%u.%u.%u.%u", ip[12], ip[13], ip[14], ip[15]);
        return;
    }
    size_t begin, end, size = 0;
    find_zero_run(ip, &begin, &end);
    out[0] = '\0';
    for (size_t i = 0; i < 8; i++) {
        if (i == begin) {
            size += (size_t)snprintf(out + size, 46 - size, "::");
            i = end;
            if (i >= 8)
                break;
        } else if (i > 0) {
            size += (size_t)snprintf(out + size, 46 - size, ":");
        }
        size += (size_t)snprintf(out + size, 46 - size, "%x", group_of(ip, i));
    }
}

struct range {
    uint8_t prefix[16];
    uint8_t bits;
};

static bool is_in(const uint8_t ip[static 16], const struct range *range) {
    for (size_t bit = 0; bit < range->bits; bit++)
        if ((ip[bit / 8] ^ range->prefix[bit / 8]) >> (7 - bit % 8) & 1)
            return false;
    return true;
}

bool netaddress_is_routable(const uint8_t ip[static 16]) {
    static const struct range ranges[] = {
        {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0}, 104},           /* 0.0.0.0/8 */
        {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127}, 104},         /* loopback */
        {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10}, 104},          /* RFC 1918 */
        {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 172, 16}, 108},     /* RFC 1918 */
        {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 168}, 112},    /* RFC 1918 */
        {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 169, 254}, 112},    /* RFC 3927 */
        {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 255, 255, 255, 255}, 128},
        {{0}, 128},                                                     /* :: */
        {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128},        /* ::1 */
        {{0x20, 0x01, 0x0d, 0xb8}, 32},                                 /* RFC 3849: documentation */
        {{0x20, 0x01, 0x00, 0x10}, 28},                                 /* RFC 4843 */
        {{0xfc}, 7},                                                    /* RFC 4193 */
        {{0xfe, 0x80}, 64},                                             /* RFC 4862 */
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (is_in(ip, &ranges[i]))
            return false;
    return true;
}

/* Host and port */

static bool parse_port(uint16_t *port, struct span text) {
    uint32_t value = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        value = value * 10 + (uint32_t)(text.data[i] - '0');
        if (value > UINT16_MAX)
            return false;
    }
    *port = (uint16_t)value;
    return text.size > 0;
}

/* "host:port", or "[host]:port" where the host may hold colons. */
static enum netaddress_verdict split(struct span *host, struct span *port, struct span text) {
    if (text.size == 0)
        return NETADDRESS_BAD_HOST;
    bool is_bracketed = text.data[0] == '[';
    size_t end = first_of(text, is_bracketed ? ']' : ':');
    if (is_bracketed && end == text.size)
        return NETADDRESS_BAD_HOST;
    *host = is_bracketed ? span_of(text.data + 1, end - 1) : span_of(text.data, end);
    struct span rest = after(text, is_bracketed ? end + 1 : end);
    if (rest.size == 0 || rest.data[0] != ':')
        return NETADDRESS_BAD_PORT;
    *port = after(rest, 1);
    if (count_of(*port, ':') > 0 || count_of(*host, '[') + count_of(*host, ']') + count_of(*port, '[') + count_of(*port, ']') > 0)
        return NETADDRESS_BAD_HOST;
    return NETADDRESS_GOOD;
}

/* A name is printable and without spaces; whether it exists, a resolver says. */
static bool is_host_text(struct span host) {
    for (size_t i = 0; i < host.size; i++)
        if (host.data[i] <= ' ' || host.data[i] > '~')
            return false;
    return host.size > 0 && host.size <= NETADDRESS_HOST_MAX;
}

enum netaddress_verdict netaddress_parse_host_port(struct netaddress *out, struct span text) {
    struct netaddress made = {0};
    struct span host, port;
    enum netaddress_verdict verdict = split(&host, &port, without_protocol(text));
    if (verdict != NETADDRESS_GOOD)
        return verdict;
    if (!is_host_text(host))
        return NETADDRESS_BAD_HOST;
    if (!parse_port(&made.port, port))
        return NETADDRESS_BAD_PORT;
    made.is_ip = netaddress_parse_ip(made.ip, host);
    if (made.is_ip)
        netaddress_format_ip(made.host, made.ip);
    else
        memcpy(made.host, host.data, host.size);
    *out = made;
    return NETADDRESS_GOOD;
}

enum netaddress_verdict netaddress_parse(struct netaddress *out, struct span text) {
    struct netaddress made;
    uint8_t id[NETADDRESS_ID_BYTES];
    size_t id_size = 0;
    text = without_protocol(text);
    if (count_of(text, '@') != 1)
        return NETADDRESS_NO_ID;
    size_t at = first_of(text, '@');
    if (!text_hex_decode(id, &id_size, sizeof id, span_of(text.data, at)) || id_size != sizeof id)
        return NETADDRESS_BAD_ID;
    enum netaddress_verdict verdict = netaddress_parse_host_port(&made, after(text, at + 1));
    if (verdict != NETADDRESS_GOOD)
        return verdict;
    memcpy(made.id, id, sizeof id);
    memcpy(made.id_text, text.data, at);
    *out = made;
    return NETADDRESS_GOOD;
}

void netaddress_format_host_port(char out[static NETADDRESS_TEXT_SIZE], const struct netaddress *address) {
    bool is_bracketed = strchr(address->host, ':') != NULL;
    snprintf(out, NETADDRESS_TEXT_SIZE, is_bracketed ? "[%s]:%u" : "%s:%u", address->host, address->port);
}

void netaddress_format(char out[static NETADDRESS_TEXT_SIZE], const struct netaddress *address) {
    char host_port[NETADDRESS_TEXT_SIZE];
    netaddress_format_host_port(host_port, address);
    snprintf(out, NETADDRESS_TEXT_SIZE, "%s%s%.*s", address->id_text, address->id_text[0] == '\0' ? "" : "@",
             NETADDRESS_HOST_MAX + 8, host_port);
}
