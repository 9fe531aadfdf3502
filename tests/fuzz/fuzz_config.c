/* config.toml, the environment and the command line: never more than a complaint; what is good is written to a file that reads to the same. */
#define FUZZ_BYTES_MAX 8192
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>

#include "node/config.h"
#include "node/config_toml.h"

static const enum params_release releases[] = {PARAMS_V038, PARAMS_V039, PARAMS_V040};

static void trip(const struct config *config) {
    struct config again;
    char *warning = NULL, *error = NULL, *first = config_text(config);
    config_init(&again, config_release(config));
    bool good = config_read(&again, span_text(first), "again", &warning, &error);
    if (!good)
        fprintf(stderr, "%s\n%s", error, first);
    assert(good && warning == NULL);
    char *second = config_text(&again);
    fuzz_same(span_text(first), span_text(second));
    config_close(&again);
    free(first);
    free(second);
}

static void use(const struct config *config) {
    const char *cursor = config->p2p.persistent_peers;
    struct span item;
    char *error = NULL;
    if (!config_check(config, &error)) {
        assert(error != NULL);
        free(error);
        return;
    }
    while (config_list_next(&cursor, &item))
        assert(item.size > 0);
    config_admits(config, "594d6b74ea5d99705f5cfbd28e20d937bda4c689");
    config_application(config);
    config_rpc_version(config);
    free(config_path(config, config->genesis_file));
    trip(config);
}

static void file(struct config *config, struct span text) {
    char *warning = NULL, *error = NULL;
    if (config_read(config, text, "config.toml", &warning, &error))
        use(config);
    else
        assert(error != NULL);
    free(warning);
    free(error);
}

static void environment(struct config *config, struct span text) {
    const char *lines[33] = {0};
    char *all = fuzz_string(text), *warning = NULL, *error = NULL;
    for (size_t i = 0; i < 32 && all != NULL && *all != '\0'; i++) {
        lines[i] = all;
        all = strchr(all, '\n');
        if (all != NULL)
            *all++ = '\0';
    }
    if (config_environment(config, lines, &warning, &error))
        use(config);
    else
        assert(error != NULL);
    free(warning);
    free(error);
}

static void one_key(struct config *config, struct span text) {
    char *key = fuzz_string(text), *value = strchr(key, '='), *error = NULL;
    if (value == NULL)
        return;
    *value++ = '\0';
    free(config_value(config, key));
    if (config_set(config, key, value, &error))
        use(config);
    else
        assert(error != NULL);
    free(error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz fuzz = fuzz_over(data, size);
    struct config config;
    uint8_t choice = fuzz_byte(&fuzz);
    config_init(&config, releases[choice / 3 % 3]);
    if (choice % 3 == 0)
        file(&config, fuzz_rest(&fuzz));
    else if (choice % 3 == 1)
        environment(&config, fuzz_rest(&fuzz));
    else
        one_key(&config, fuzz_rest(&fuzz));
    config_close(&config);
    fuzz_end();
    return 0;
}
