#include "node/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static enum world_level log_least = WORLD_INFO;
static bool log_json, log_silent, log_colour;

static const char *const names[] = {"debug", "info", "warn", "error"};

static bool level_of(enum world_level *out, struct span text) {
    for (size_t i = 0; i < 4; i++)
        if (span_equal(text, span_text(names[i]))) {
            *out = (enum world_level)i;
            return true;
        }
    if (!span_equal(text, span_text("none")))
        return false;
    *out = LOG_NONE;
    return true;
}

bool log_level_from_text(enum world_level *out, const char *text) {
    enum world_level found = WORLD_INFO, level;
    bool any = false, starred = false;
    for (;;) {
        struct span item = span_of(text, strcspn(text, ","));
        const uint8_t *colon = item.size == 0 ? NULL : memchr(item.data, ':', item.size);
        size_t module = colon == NULL ? 0 : (size_t)(colon - item.data);
        bool star = colon != NULL && module == 1 && item.data[0] == '*';
        if (!level_of(&level, colon == NULL ? item : span_of(colon + 1, item.size - module - 1)) || (colon != NULL && module == 0))
            return false;
        if (star || !any)
            found = starred && !star ? found : level;
        starred |= star;
        any = true;
        text += item.size;
        if (*text == '\0')
            break;
        text++;
    }
    *out = found;
    return true;
}

void log_setup(enum world_level least, bool json, bool silent) {
    log_least = least;
    log_json = json;
    log_silent = silent;
    log_colour = !json && isatty(STDERR_FILENO) && getenv("NO_COLOR") == NULL;
}

/* ---- texts */

/* Bytes of the UTF-8 character at `text` (RFC 3629: shortest form, no surrogates), 0 when it is none. */
static size_t character_size(const unsigned char *text) {
    unsigned char first = text[0];
    size_t size = first < 0x80 ? 1 : first >= 0xc2 && first <= 0xdf ? 2 : first >= 0xe0 && first <= 0xef ? 3 : first >= 0xf0 && first <= 0xf4 ? 4 : 0;
    for (size_t i = 1; i < size; i++)
        if ((text[i] & 0xc0) != 0x80) /* also at the end: NUL is no such byte */
            return 0;
    bool odd = (first == 0xe0 && text[1] < 0xa0) || (first == 0xed && text[1] > 0x9f) || (first == 0xf0 && text[1] < 0x90) ||
               (first == 0xf4 && text[1] > 0x8f);
    return odd ? 0 : size;
}

/* Control characters: C0, DEL, and C1, which terminals obey too. */
static bool is_control(const unsigned char *text) { return text[0] < 0x20 || text[0] == 0x7f || (text[0] == 0xc2 && text[1] < 0xa0); }

static size_t put_character(char *out, const unsigned char *text, size_t size) {
    if (size == 0)
        return (size_t)(log_json ? sprintf(out, "\\ufffd") : sprintf(out, "\\x%02x", text[0]));
    if (is_control(text))
        return (size_t)sprintf(out, log_json ? "\\u%04x" : "\\x%02x", text[size - 1]);
    if (log_json && (text[0] == '"' || text[0] == '\\'))
        return (size_t)sprintf(out, "\\%c", text[0]);
    memcpy(out, text, size);
    return size;
}

static size_t put_text(char out[static LOG_TEXT_MAX + 16], const char *text) {
    size_t used = 0;
    const unsigned char *at = (const unsigned char *)text;
    while (*at != '\0' && used < LOG_TEXT_MAX) {
        size_t size = character_size(at);
        used += put_character(out + used, at, size);
        at += size == 0 ? 1 : size;
    }
    if (*at != '\0')
        used += (size_t)sprintf(out + used, "…");
    return used;
}

void log_line(enum world_level level, const char *text) {
    static const char *const marks[] = {"DBG", "INF", "WRN", "ERR"};
    static const char *const colours[] = {"\033[2m", "\033[32m", "\033[33m", "\033[31m"};
    if (log_silent || level < log_least || level >= LOG_NONE)
        return;
    struct timespec now;
    struct tm utc;
    char when[32], line[LOG_TEXT_MAX + 256];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &utc);
    int begun = log_json ? snprintf(line, 200, "{\"level\":\"%s\",\"ts\":\"%s.%03ldZ\",\"msg\":\"", names[level], when, now.tv_nsec / 1000000)
                         : snprintf(line, 200, "%s.%03ldZ %s%s%s ", when, now.tv_nsec / 1000000, log_colour ? colours[level] : "", marks[level],
                                    log_colour ? "\033[0m" : "");
    size_t used = (size_t)begun;
    used += put_text(line + used, text);
    used += (size_t)sprintf(line + used, "%s", log_json ? "\"}\n" : "\n");
    fwrite(line, 1, used, stderr);
}

void log_format(enum world_level level, const char *format, ...) {
    char text[LOG_TEXT_MAX + 8];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    log_line(level, text);
}
