#include "node/config_toml.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void bad(struct config_toml *reader, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void bad(struct config_toml *reader, const char *format, ...) {
    char what[200];
    va_list args;
    if (reader->is_bad)
        return;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    snprintf(reader->error, sizeof reader->error, "line %u: %s", reader->line, what);
    reader->is_bad = true;
    reader->at = reader->end;
}

void config_toml_begin(struct config_toml *reader, struct span text) {
    *reader = (struct config_toml){.line = 1};
    reader->at = text.size == 0 ? "" : (const char *)text.data;
    reader->end = reader->at + text.size;
    if (text.size > CONFIG_TOML_BYTES_MAX)
        bad(reader, "the file is larger than %d bytes", CONFIG_TOML_BYTES_MAX);
}

void config_toml_close(struct config_toml *reader) {
    free(reader->text);
    reader->text = NULL;
}

/* Characters */

static int peek(const struct config_toml *reader, size_t ahead) {
    return (size_t)(reader->end - reader->at) > ahead ? (unsigned char)reader->at[ahead] : -1;
}

static int take(struct config_toml *reader) {
    int c = peek(reader, 0);
    if (c >= 0)
        reader->at++;
    if (c == '\n')
        reader->line++;
    return c;
}

static void skip_blanks(struct config_toml *reader) {
    while (peek(reader, 0) == ' ' || peek(reader, 0) == '\t')
        reader->at++;
}

static void skip_comment(struct config_toml *reader) {
    if (peek(reader, 0) == '#')
        while (peek(reader, 0) >= 0 && peek(reader, 0) != '\n')
            reader->at++;
}

static void skip_blanks_and_lines(struct config_toml *reader) {
    for (;;) {
        skip_blanks(reader);
        skip_comment(reader);
        int c = peek(reader, 0);
        if (c != '\n' && !(c == '\r' && peek(reader, 1) == '\n'))
            return;
        take(reader);
    }
}

static void end_line(struct config_toml *reader) {
    skip_blanks(reader);
    skip_comment(reader);
    if (peek(reader, 0) == '\r')
        reader->at++;
    if (peek(reader, 0) >= 0 && take(reader) != '\n')
        bad(reader, "something follows the value");
}

/* The value's text */

static void push(struct config_toml *reader, char c) {
    if (reader->text_size + 1 >= reader->text_capacity) {
        reader->text_capacity = reader->text_capacity == 0 ? 256 : 2 * reader->text_capacity;
        reader->text = realloc(reader->text, reader->text_capacity);
        assert(reader->text != NULL);
    }
    reader->text[reader->text_size++] = c;
    reader->text[reader->text_size] = '\0';
}

static void push_rune(struct config_toml *reader, uint32_t rune) {
    if (rune == 0 || rune > 0x10ffff || (rune >= 0xd800 && rune < 0xe000)) {
        bad(reader, "no such character");
        return;
    }
    if (rune < 0x80) {
        push(reader, (char)rune);
        return;
    }
    int more = rune < 0x800 ? 1 : rune < 0x10000 ? 2 : 3;
    static const uint8_t heads[] = {0, 0xc0, 0xe0, 0xf0};
    push(reader, (char)(heads[more] | rune >> (6 * more)));
    while (more-- > 0)
        push(reader, (char)(0x80 | (rune >> (6 * more) & 0x3f)));
}

static void read_unicode(struct config_toml *reader, int digits) {
    uint32_t rune = 0;
    for (int i = 0; i < digits; i++) {
        int c = take(reader);
        int value = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        if (value < 0) {
            bad(reader, "a character's number needs %d hex digits", digits);
            return;
        }
        rune = rune << 4 | (uint32_t)value;
    }
    push_rune(reader, rune);
}

static void read_escape(struct config_toml *reader, bool multiline) {
    static const char from[] = "btnfr\"\\", to[] = "\b\t\n\f\r\"\\";
    int c = take(reader);
    const char *simple = c > 0 ? strchr(from, c) : NULL;
    if (simple != NULL)
        push(reader, to[simple - from]);
    else if (c == 'u' || c == 'U')
        read_unicode(reader, c == 'u' ? 4 : 8);
    else if (multiline && (c == '\n' || c == ' ' || c == '\t' || c == '\r')) /* joins lines */
        while (peek(reader, 0) == '\n' || peek(reader, 0) == ' ' || peek(reader, 0) == '\t' || peek(reader, 0) == '\r')
            take(reader);
    else
        bad(reader, "unknown escape in a string");
}

static bool closes(const struct config_toml *reader, int quote, bool multiline) {
    return peek(reader, 0) == quote && (!multiline || (peek(reader, 1) == quote && peek(reader, 2) == quote));
}

static void read_string(struct config_toml *reader) {
    int quote = take(reader);
    bool multiline = peek(reader, 0) == quote && peek(reader, 1) == quote;
    if (multiline) {
        reader->at += 2;
        if (peek(reader, 0) == '\r')
            reader->at++;
        if (peek(reader, 0) == '\n')
            take(reader);
    }
    push(reader, 'x'); /* so that even an empty text has a place */
    reader->text_size--;
    reader->text[reader->text_size] = '\0';
    while (!reader->is_bad && !closes(reader, quote, multiline)) {
        int c = take(reader);
        if (c < 0 || c == 0 || (c == '\n' && !multiline))
            bad(reader, "a string does not end");
        else if (c == '\\' && quote == '"')
            read_escape(reader, multiline);
        else
            push(reader, (char)c);
    }
    if (!reader->is_bad)
        reader->at += multiline ? 3 : 1;
}

/* Other values */

static bool ends_word(int c) { return c < 0 || c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '#' || c == ',' || c == ']' || c == '}'; }

static void read_word(struct config_toml *reader) {
    while (!ends_word(peek(reader, 0)))
        push(reader, (char)take(reader));
    if (reader->text_size == 0)
        bad(reader, "a value is missing");
}

static int base_of(const char **digits) {
    if ((*digits)[0] != '0' || (*digits)[1] == '\0' || strchr("xob", (*digits)[1]) == NULL)
        return 10;
    int base = (*digits)[1] == 'x' ? 16 : (*digits)[1] == 'o' ? 8 : 2;
    *digits += 2;
    return base;
}

/* Underscores stand between digits only; decimal ones do not begin with 0. */
static bool parse_integer(int64_t *out, const char *text) {
    bool negative = text[0] == '-';
    const char *digits = text + (negative || text[0] == '+');
    bool is_signed = digits != text;
    int base = base_of(&digits);
    int64_t value = 0;
    if (digits[0] == '\0' || (is_signed && base != 10) || (base == 10 && digits[0] == '0' && digits[1] != '\0'))
        return false;
    for (const char *at = digits; *at != '\0'; at++) {
        int c = *at;
        if (c == '_' && at > digits && at[-1] != '_' && at[1] != '\0')
            continue;
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : 99;
        if (digit >= base || __builtin_mul_overflow(value, (int64_t)base, &value) ||
            __builtin_sub_overflow(value, (int64_t)digit, &value)) /* downwards: the lowest has no opposite */
            return false;
    }
    if (!negative && value == INT64_MIN)
        return false;
    *out = negative ? value : -value;
    return true;
}

static void read_plain(struct config_toml *reader, struct config_toml_item *item) {
    read_word(reader);
    if (reader->is_bad)
        return;
    bool is_true = strcmp(reader->text, "true") == 0;
    if (is_true || strcmp(reader->text, "false") == 0) {
        item->kind = CONFIG_TOML_BOOLEAN;
        item->integer = is_true;
    } else if (parse_integer(&item->integer, reader->text)) {
        item->kind = CONFIG_TOML_INTEGER;
    } else {
        item->kind = CONFIG_TOML_OTHER;
        if (strchr("+-0123456789infa", reader->text[0]) == NULL)
            bad(reader, "%.40s is no value: texts stand in quotation marks", reader->text);
    }
}

/* Over brackets, strings and lines to the closing bracket: nothing of ours is in there. */
static void skip_brackets(struct config_toml *reader) {
    unsigned depth = 0;
    do {
        int c = peek(reader, 0);
        if (c == '"' || c == '\'') {
            read_string(reader);
            continue;
        }
        skip_comment(reader);
        c = take(reader);
        if (c < 0)
            bad(reader, "a bracket does not close");
        depth += c == '[' || c == '{';
        depth -= c == ']' || c == '}';
    } while (depth > 0 && !reader->is_bad);
}

/* A list of strings; false (nothing taken) when something else is in it. */
static bool read_strings(struct config_toml *reader) {
    struct config_toml before = *reader;
    take(reader);
    for (;;) {
        skip_blanks_and_lines(reader);
        int c = peek(reader, 0);
        if (c == ']') {
            take(reader);
            return true;
        }
        if (c != '"' && c != '\'')
            break;
        if (reader->text_size > 0)
            push(reader, ',');
        read_string(reader);
        skip_blanks_and_lines(reader);
        if (peek(reader, 0) == ',')
            take(reader);
        else if (peek(reader, 0) != ']')
            break;
    }
    reader->at = before.at;
    reader->line = before.line;
    return false;
}

static void read_list(struct config_toml *reader, struct config_toml_item *item) {
    const char *begin = reader->at;
    item->kind = CONFIG_TOML_LIST;
    if (read_strings(reader))
        return;
    reader->text_size = 0;
    item->kind = CONFIG_TOML_OTHER;
    skip_brackets(reader);
    reader->text_size = 0;
    for (const char *at = begin; at < reader->at && !reader->is_bad; at++)
        push(reader, *at);
}

static void read_value(struct config_toml *reader, struct config_toml_item *item) {
    int c = peek(reader, 0);
    reader->text_size = 0;
    push(reader, 'x');
    reader->text_size = 0;
    reader->text[0] = '\0';
    if (c == '"' || c == '\'') {
        item->kind = CONFIG_TOML_TEXT;
        read_string(reader);
    } else if (c == '[') {
        read_list(reader, item);
    } else if (c == '{') {
        item->kind = CONFIG_TOML_OTHER;
        skip_brackets(reader);
    } else {
        read_plain(reader, item);
    }
    item->text = reader->text;
}

/* Names */

static bool is_bare(int c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

static void add_to_name(struct config_toml *reader, char name[static CONFIG_TOML_NAME_MAX], const char *part) {
    size_t size = strlen(name), more = strlen(part);
    if (size + more + 2 > CONFIG_TOML_NAME_MAX) {
        bad(reader, "a name is longer than %d characters", CONFIG_TOML_NAME_MAX - 2);
        return;
    }
    if (size > 0)
        name[size++] = '.';
    strcpy(name + size, part);
}

static void read_name_part(struct config_toml *reader, char part[static CONFIG_TOML_NAME_MAX]) {
    size_t size = 0;
    skip_blanks(reader);
    if (peek(reader, 0) == '"' || peek(reader, 0) == '\'') {
        reader->text_size = 0;
        read_string(reader);
        if (!reader->is_bad && reader->text_size >= CONFIG_TOML_NAME_MAX)
            bad(reader, "a name is too long");
        snprintf(part, CONFIG_TOML_NAME_MAX, "%.*s", CONFIG_TOML_NAME_MAX - 1, reader->is_bad ? "" : reader->text);
    } else {
        while (is_bare(peek(reader, 0)) && size + 1 < CONFIG_TOML_NAME_MAX)
            part[size++] = (char)take(reader);
        part[size] = '\0';
        if (size == 0 || is_bare(peek(reader, 0)))
            bad(reader, size == 0 ? "a name is missing" : "a name is too long");
    }
    skip_blanks(reader);
}

static void read_name(struct config_toml *reader, char name[static CONFIG_TOML_NAME_MAX]) {
    char part[CONFIG_TOML_NAME_MAX];
    name[0] = '\0';
    do {
        read_name_part(reader, part);
        add_to_name(reader, name, part);
    } while (!reader->is_bad && peek(reader, 0) == '.' && take(reader) == '.');
}

static void read_section(struct config_toml *reader) {
    take(reader);
    bool is_array = peek(reader, 0) == '[';
    if (is_array)
        take(reader);
    read_name(reader, reader->section);
    if (take(reader) != ']' || (is_array && take(reader) != ']'))
        bad(reader, "a section's name does not end with ]");
    end_line(reader);
}

/* A dotted key belongs to a nested section. */
static void split_key(struct config_toml *reader, struct config_toml_item *item, const char *name) {
    const char *dot = strrchr(name, '.');
    strcpy(item->section, reader->section);
    strcpy(item->key, dot == NULL ? name : dot + 1);
    if (dot == NULL)
        return;
    char outer[CONFIG_TOML_NAME_MAX];
    snprintf(outer, sizeof outer, "%.*s", (int)(dot - name), name);
    add_to_name(reader, item->section, outer);
}

bool config_toml_next(struct config_toml *reader, struct config_toml_item *item) {
    char name[CONFIG_TOML_NAME_MAX];
    memset(item, 0, sizeof *item);
    skip_blanks_and_lines(reader);
    while (!reader->is_bad && peek(reader, 0) == '[') {
        read_section(reader);
        skip_blanks_and_lines(reader);
    }
    if (reader->is_bad || peek(reader, 0) < 0)
        return false;
    item->line = reader->line;
    read_name(reader, name);
    if (!reader->is_bad && take(reader) != '=')
        bad(reader, "after %.60s an = is missing", name);
    split_key(reader, item, name);
    skip_blanks(reader);
    if (!reader->is_bad)
        read_value(reader, item);
    if (!reader->is_bad)
        end_line(reader);
    return !reader->is_bad;
}
