#define _GNU_SOURCE /* explicit_bzero */
#include "node/passport.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/complaint.h"

enum { LINE_MAX_BYTES = 2048, LINES_MAX = 4096 };

struct entry {
    struct url url;
    char token[PASSPORT_TOKEN_BYTES_MAX + 1];
};

struct passport {
    struct tls_trust *trust;
    struct entry *entries;
    uint32_t count;
};

/* What a head of HTTP can carry, and nothing that ends a line of it. */
static bool is_token(const char *text) {
    size_t size = strlen(text);
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)text[i] <= ' ' || (unsigned char)text[i] > '~')
            return false;
    return size > 0 && size <= PASSPORT_TOKEN_BYTES_MAX;
}

static const struct entry *find(const struct passport *passport, const struct url *url) {
    for (uint32_t i = 0; i < passport->count; i++)
        if (url_same_origin(&passport->entries[i].url, url))
            return &passport->entries[i];
    return NULL;
}

/* NULL, or what is wrong with the line. */
static const char *read_line(struct passport *passport, char *line) {
    char *rest = NULL, *address = strtok_r(line, " \t\r\n", &rest), *token = strtok_r(NULL, " \t\r\n", &rest);
    struct url url;
    if (address == NULL || address[0] == '#')
        return NULL;
    if (token == NULL || strtok_r(NULL, " \t\r\n", &rest) != NULL)
        return "an address and a token are wanted, like https://rpc.example.com TOKEN";
    if (strstr(address, "://") == NULL || !url_parse(&url, address))
        return "the first word is no address like https://rpc.example.com";
    if (!is_token(token))
        return "the token has other characters than visible ASCII, or too many";
    if (find(passport, &url) != NULL)
        return "that address has a token already";
    if (passport->count == PASSPORT_TOKENS_MAX)
        return "there are too many tokens";
    struct entry *entry = &passport->entries[passport->count++];
    entry->url = url;
    snprintf(entry->token, sizeof entry->token, "%s", token);
    return NULL;
}

static bool read_file(struct passport *passport, const char *path, char **error) {
    char line[LINE_MAX_BYTES];
    const char *wrong = NULL;
    unsigned number = 0;
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        *error = complaint_of("--token-file %s: %s", path, strerror(errno));
        return false;
    }
    setvbuf(file, NULL, _IONBF, 0); /* no copy of it stays behind */
    while (wrong == NULL && fgets(line, sizeof line, file) != NULL) {
        number++;
        wrong = strlen(line) == sizeof line - 1 ? "the line is too long" : number > LINES_MAX ? "there are too many lines" : read_line(passport, line);
    }
    if (wrong == NULL && ferror(file))
        wrong = strerror(errno);
    fclose(file);
    explicit_bzero(line, sizeof line);
    if (wrong != NULL)
        *error = complaint_of("--token-file %s, line %u: %s", path, number, wrong);
    return wrong == NULL;
}

struct passport *passport_open(const char *ca_file, const char *token_file, char **error) {
    struct passport *passport = calloc(1, sizeof *passport);
    assert(passport != NULL);
    passport->entries = calloc(PASSPORT_TOKENS_MAX, sizeof *passport->entries);
    assert(passport->entries != NULL);
    passport->trust = tls_trust_new(ca_file, error);
    if (passport->trust != NULL && (token_file == NULL || read_file(passport, token_file, error)))
        return passport;
    passport_close(passport);
    return NULL;
}

void passport_close(struct passport *passport) {
    if (passport == NULL)
        return;
    explicit_bzero(passport->entries, PASSPORT_TOKENS_MAX * sizeof *passport->entries);
    free(passport->entries);
    tls_trust_free(passport->trust);
    free(passport);
}

const struct tls_trust *passport_trust(const struct passport *passport) { return passport->trust; }

const char *passport_token(const struct passport *passport, const struct url *url) {
    const struct entry *entry = find(passport, url);
    return entry == NULL ? NULL : entry->token;
}
