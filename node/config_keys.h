/* The table of keys, for the files of config alone. */
#ifndef QUORATE_NODE_CONFIG_KEYS_H
#define QUORATE_NODE_CONFIG_KEYS_H

#include "node/config.h"

enum config_keys_type { CONFIG_KEYS_TEXT, CONFIG_KEYS_INTEGER, CONFIG_KEYS_BOOLEAN, CONFIG_KEYS_DURATION, CONFIG_KEYS_LIST };

struct config_keys_own {
    const char *section, *name;
    enum config_keys_type type;
    size_t offset;
    const char *value;   /* the default, as a value's text */
    const char *value_40; /* in release 0.40 if it differs, else NULL */
    int64_t min, max;    /* of INTEGER; of DURATION in ms */
    const char *choices; /* of TEXT: "a|b", an empty one allowed; NULL: any */
    const char *comment; /* lines for the file */
};
extern const struct config_keys_own config_keys[];
extern const size_t config_keys_count;

/* Keys that CometBFT knows and we do not (yet). */
struct config_keys_foreign {
    const char *section, *name;
    const char *harmless; /* values without meaning for us, "a|b"; NULL: all are */
    const char *refusal;  /* why another value cannot be passed over; NULL: it is only warned of */
};
extern const struct config_keys_foreign config_keys_foreign[];
extern const size_t config_keys_foreign_count;

const struct config_keys_own *config_keys_find(const char *section, const char *name);
const struct config_keys_foreign *config_keys_find_foreign(const char *section, const char *name);
bool config_keys_section_is_foreign(const char *section); /* all of it: "p2p.libp2p…" */
bool config_keys_is_choice(const char *choices, const char *value);
/* The known name nearest to a misspelt one, "[section] name", or "" when none is near. */
void config_keys_nearest(char *out, size_t size, const char *section, const char *name);

/* Sets a value from its text; a static reason when it does not fit. */
const char *config_keys_set(struct config *config, const struct config_keys_own *key, const char *text);
char *config_keys_text(const struct config *config, const struct config_keys_own *key); /* as the file has it; malloc'ed */

#endif
