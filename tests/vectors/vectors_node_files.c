/* config.toml samples, key files and node ids. */
#include "tests/vectors/vectors_node.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/text.h"
#include "node/config.h"
#include "node/keyfile.h"

/* node_ids */

static bool is_json(const char *text, const json_t *expected) {
    json_t *own = json_loads(text, 0, NULL), *other = json_is_string(expected) ? json_loads(json_string_value(expected), 0, NULL) : json_deep_copy(expected);
    bool same = own != NULL && json_equal(own, other);
    json_decref(own);
    json_decref(other);
    return same;
}

static bool reads_back(const json_t *item, const char *name, bool is_node_key, const struct keyfile *expected) {
    const json_t *file = json_object_get(item, name);
    struct keyfile key;
    if (file == NULL)
        return true;
    char *given = json_is_string(file) ? strdup(json_string_value(file)) : json_dumps(file, 0), *own = NULL;
    bool good = given != NULL && keyfile_parse(&key, span_text(given), is_node_key) == NULL && memcmp(key.secret, expected->secret, 32) == 0;
    if (good) {
        own = keyfile_text(&key, is_node_key);
        good = is_json(own, file);
    }
    free(given);
    free(own);
    return good;
}

static bool node_id_case(const json_t *item) {
    struct keyfile key = {.type = PUBKEY_ED25519};
    char id[KEYFILE_ID_SIZE];
    size_t size;
    if (!vectors_hex(item, "seed", key.secret, &size, 32) || size != 32)
        return false;
    struct ed25519_key *pair = ed25519_key_new(key.secret);
    uint8_t bytes[32];
    ed25519_key_public(pair, bytes);
    ed25519_key_free(pair);
    key.public_key = pubkey_ed25519(bytes);
    keyfile_id(id, &key);
    return span_equal(vectors_text(item, "expected_id"), span_text(id)) && reads_back(item, "node_key_json", true, &key) &&
           reads_back(item, "priv_validator_key_json", false, &key);
}

void vectors_node_ids(struct vectors_report *report, const json_t *file, const char *path) {
    const json_t *item;
    size_t i;
    (void)path;
    json_array_foreach(json_object_get(file, "cases"), i, item) vectors_expect(report, i, node_id_case(item), "other id or file");
}

/* config_samples: a folder. Each value that stands in one line is compared with a second, simpler reading of that line. */

static char *trim(char *text) {
    text += strspn(text, " \t");
    size_t size = strlen(text);
    while (size > 0 && strchr(" \t\r\n", text[size - 1]) != NULL)
        text[--size] = '\0';
    return text;
}

/* Lists are joined, numbers and quoted texts stay; a comment behind the value is not expected. */
static void normalize(char out[static 8192], const char *value) {
    bool is_list = value[0] == '[';
    size_t size = 0;
    for (const char *at = value; *at != '\0' && size < 8000; at++)
        if (!is_list || (strchr("[]\" ", *at) == NULL && !(*at == ',' && strspn(at + 1, " ]") == strlen(at + 1))))
            out[size++] = *at;
    out[size] = '\0';
}

static bool same_duration(const char *a, const char *b) {
    int64_t x, y;
    size_t m = strlen(a), n = strlen(b);
    return m > 2 && n > 2 && config_duration_parse(&x, span_of(a + 1, m - 2)) && config_duration_parse(&y, span_of(b + 1, n - 2)) && x == y;
}

static bool line_agrees(const struct config *config, const char *section, const char *key, const char *value, unsigned *compared) {
    char name[256], own_text[8192], given_text[8192];
    snprintf(name, sizeof name, "%s%s%s", section, section[0] == '\0' ? "" : ".", key);
    char *own = config_value(config, name);
    if (own == NULL)
        return true; /* not ours: that it was no error is enough */
    normalize(own_text, own);
    normalize(given_text, value);
    free(own);
    ++*compared;
    return strcmp(own_text, given_text) == 0 || same_duration(own_text, given_text);
}

static bool lines_agree(const struct config *config, struct span file) {
    char *text = strndup((const char *)file.data, file.size), *rest = text, section[128] = "";
    bool good = true;
    unsigned compared = 0;
    for (char *line = strsep(&rest, "\n"); good && line != NULL; line = strsep(&rest, "\n")) {
        line = trim(line);
        char *equals = strchr(line, '=');
        if (line[0] == '[')
            snprintf(section, sizeof section, "%.*s", (int)strcspn(line + 1, "]"), line + 1);
        else if (line[0] != '#' && equals != NULL) {
            *equals = '\0';
            good = line_agrees(config, section, trim(line), trim(equals + 1), &compared);
            if (!good)
                fprintf(stderr, "  config_samples: [%s] %s differs\n", section, line);
        }
    }
    free(text);
    return good && compared > 0;
}

static bool config_sample(struct span file) {
    struct config config, again;
    char *warning = NULL, *error = NULL, *text = NULL, *other = NULL;
    config_init(&config, PARAMS_V038);
    config_init(&again, PARAMS_V038);
    bool good = config_read(&config, file, "sample", &warning, &error) && lines_agree(&config, file);
    if (good) {
        text = config_text(&config);
        good = config_read(&again, span_text(text), "written", &warning, &error);
        other = config_text(&again);
        good = good && strcmp(text, other) == 0;
    }
    if (error != NULL)
        fprintf(stderr, "  config_samples: %s\n", error);
    free(text);
    free(other);
    free(warning);
    free(error);
    config_close(&config);
    config_close(&again);
    return good;
}

static bool key_sample(struct span file, const char *name) {
    bool is_node_key = strncmp(name, "node_key", 8) == 0;
    struct keyfile key;
    if (keyfile_parse(&key, file, is_node_key) != NULL)
        return false;
    if ((strstr(name, "secp256k1") != NULL && key.type != PUBKEY_SECP256K1) || (strstr(name, "ed25519") != NULL && key.type != PUBKEY_ED25519))
        return false;
    char *text = keyfile_text(&key, is_node_key);
    json_t *given = json_loadb((const char *)file.data, file.size, 0, NULL), *own = json_loads(text, 0, NULL);
    bool good = json_equal(given, own);
    json_decref(given);
    json_decref(own);
    free(text);
    return good;
}

static bool sample(const char *folder, const char *name) {
    char path[4096];
    char *error = NULL;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    struct blob *file = keyfile_read(path, 1 << 20, &error);
    const char *dot = strrchr(name, '.');
    bool good = file != NULL && dot != NULL &&
                (strcmp(dot, ".toml") == 0 ? config_sample(blob_span(file)) : strcmp(dot, ".json") == 0 && key_sample(blob_span(file), name));
    blob_release(file);
    free(error);
    return good;
}

void vectors_config_samples(struct vectors_report *report, const json_t *file, const char *path) {
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort);
    (void)file;
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.')
            vectors_expect(report, (size_t)i, sample(path, entries[i]->d_name), entries[i]->d_name);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}
