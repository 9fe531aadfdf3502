#include <stdlib.h>
#include <string.h>

#include "node/complaint.h"
#include "node/config_keys.h"

static const struct {
    const char *section, *title;
} titles[] = {
    {"rpc", "JSON-RPC over HTTP"},
    {"p2p", "Peers"},
    {"mempool", "Waiting transactions"},
    {"consensus", "Agreement"},
    {"storage", "What is kept"},
    {"tx_index", "The index of transactions"},
    {"instrumentation", "Metrics"},
    {"quorate", "Quorate's own (CometBFT passes over this section)"},
};

/* Takes and gives malloc'ed text. */
static char *join(char *before, char *more) {
    char *joined = complaint_of("%s%s", before, more);
    free(before);
    free(more);
    return joined;
}

static char *section_head(const char *section) {
    const char *title = "";
    for (size_t i = 0; i < sizeof titles / sizeof titles[0]; i++)
        if (strcmp(titles[i].section, section) == 0)
            title = titles[i].title;
    return complaint_of("\n# ---- %s\n[%s]\n", title, section);
}

static char *comment_lines(const char *comment) {
    char *out = complaint_of("\n");
    while (comment != NULL && *comment != '\0') {
        size_t size = strcspn(comment, "\n");
        out = join(out, complaint_of("# %.*s\n", (int)size, comment));
        comment += size + (comment[size] == '\n');
    }
    return out;
}

char *config_text(const struct config *config) {
    char *out = complaint_of("# Settings of a Quorate node: CometBFT's config.toml and its names. Environment variables override it:\n"
                             "# CMT_P2P_LADDR stands for laddr in [p2p], CMT_MONIKER for moniker.\n");
    const char *section = "";
    for (size_t i = 0; i < config_keys_count; i++) {
        const struct config_keys_own *key = &config_keys[i];
        if (strcmp(section, key->section) != 0)
            out = join(out, section_head(key->section));
        section = key->section;
        if (key->comment != NULL)
            out = join(out, comment_lines(key->comment));
        char *value = config_keys_text(config, key);
        out = join(out, complaint_of("%s = %s\n", key->name, value));
        free(value);
    }
    return out;
}
