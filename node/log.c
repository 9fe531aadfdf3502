#include "node/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static enum world_level log_least = WORLD_INFO;
static bool log_json, log_silent;

bool log_level_from_text(enum world_level *out, const char *text) {
    static const char *const names[] = {"debug", "info", "warn", "error"};
    const char *level = strrchr(text, ':');
    const char *star = strstr(text, "*:");
    level = star != NULL ? star + 2 : level != NULL ? level + 1 : text;
    for (size_t i = 0; i < 4; i++)
        if (strncmp(level, names[i], strlen(names[i])) == 0) {
            *out = (enum world_level)i;
            return true;
        }
    return false;
}

void log_setup(enum world_level least, bool json, bool silent) {
    log_least = least;
    log_json = json;
    log_silent = silent;
}

static void print_json_text(const char *text) {
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            fprintf(stderr, "\\%c", c);
        else if (c < 0x20)
            fprintf(stderr, "\\u%04x", c);
        else
            fputc(c, stderr);
    }
}

void log_line(enum world_level level, const char *text) {
    static const char *const names[] = {"debug", "info", "warn", "error"};
    static const char *const marks[] = {"DBG", "INF", "WRN", "ERR"};
    static const char *const colours[] = {"\033[2m", "\033[32m", "\033[33m", "\033[31m"};
    if (log_silent || level < log_least)
        return;
    struct timespec now;
    struct tm utc;
    char when[32];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &utc);
    if (log_json) {
        fprintf(stderr, "{\"level\":\"%s\",\"ts\":\"%s.%03ldZ\",\"msg\":\"", names[level], when, now.tv_nsec / 1000000);
        print_json_text(text);
        fputs("\"}\n", stderr);
        return;
    }
    bool colour = isatty(STDERR_FILENO) && getenv("NO_COLOR") == NULL;
    fprintf(stderr, "%s.%03ldZ %s%s%s %s\n", when, now.tv_nsec / 1000000, colour ? colours[level] : "", marks[level], colour ? "\033[0m" : "", text);
}

void log_format(enum world_level level, const char *format, ...) {
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    log_line(level, text);
}
