/* The part of TOML that configuration files of nodes use: sections, dotted and quoted keys, the four kinds of strings, integers, booleans,
 * arrays of strings over several lines, comments. Other values (floats, times, inline tables, arrays of other things) are stepped over and
 * given as OTHER with their text, because foreign sections may hold them. Bounded and total. */
#ifndef QUORATE_NODE_CONFIG_TOML_H
#define QUORATE_NODE_CONFIG_TOML_H

#include "crypto/span.h"

#define CONFIG_TOML_BYTES_MAX (1024 * 1024)
#define CONFIG_TOML_NAME_MAX  128

enum config_toml_kind { CONFIG_TOML_TEXT, CONFIG_TOML_INTEGER, CONFIG_TOML_BOOLEAN, CONFIG_TOML_LIST, CONFIG_TOML_OTHER };

struct config_toml_item {
    unsigned line;
    char section[CONFIG_TOML_NAME_MAX]; /* "" before the first; nested ones joined by dots */
    char key[CONFIG_TOML_NAME_MAX];
    enum config_toml_kind kind;
    int64_t integer; /* also 0 or 1 of a boolean */
    char *text;      /* of TEXT, of LIST (joined by commas), of OTHER (as written); the reader's, until the next call */
};

struct config_toml {
    const char *at, *end;
    unsigned line;
    char section[CONFIG_TOML_NAME_MAX];
    char *text; /* private: the value being read */
    size_t text_size, text_capacity;
    bool is_bad;
    char error[256]; /* "line 12: …" when bad */
};

void config_toml_begin(struct config_toml *reader, struct span text); /* the text is a loan */
bool config_toml_next(struct config_toml *reader, struct config_toml_item *item); /* false at the end, or when bad */
void config_toml_close(struct config_toml *reader);

#endif
