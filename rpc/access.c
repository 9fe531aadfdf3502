#define _GNU_SOURCE /* asprintf */
#include "rpc/access.h"

#include <stdio.h>
#include <stdlib.h>

#include "crypto/text.h"
#include "rpc/request.h"

enum { TOKEN_BYTES_MIN = 16 };

static const struct {
    const char *name;
    enum access_right right;
} rights[] = {{"read", ACCESS_READ}, {"submit", ACCESS_SUBMIT}, {"admin", ACCESS_ADMIN}};

const char *access_right_text(enum access_right right) { return right == ACCESS_READ ? "read" : right == ACCESS_SUBMIT ? "submit" : "admin"; }

/* Takes what stands before the first `mark` off the front. */
static struct span cut(struct span *text, char mark) {
    const uint8_t *end = text->size == 0 ? NULL : memchr(text->data, mark, text->size);
    size_t size = end == NULL ? text->size : (size_t)(end - text->data), step = size + (end != NULL);
    struct span head = span_of(text->data, size);
    *text = span_of(text->data + step, text->size - step);
    return head;
}

static struct span trim(struct span text) {
    while (text.size > 0 && text.data[0] == ' ')
        text = span_of(text.data + 1, text.size - 1);
    while (text.size > 0 && text.data[text.size - 1] == ' ')
        text.size--;
    return text;
}

/* "read+submit"; −1: something else. */
static int read_rights(struct span text) {
    int all = 0;
    while (text.size > 0) {
        struct span name = trim(cut(&text, '+'));
        int found = 0;
        for (size_t i = 0; i < 3; i++)
            if (span_equal(name, span_text(rights[i].name)))
                found = rights[i].right;
        if (found == 0)
            return -1;
        all |= found;
    }
    return all;
}

static bool read_hash(uint8_t hash[static SHA256_BYTES], struct span token) {
    static const char mark[] = "sha256:";
    size_t size;
    if (token.size < sizeof mark - 1 || memcmp(token.data, mark, sizeof mark - 1) != 0) {
        sha256_once(hash, token);
        return token.size >= TOKEN_BYTES_MIN;
    }
    return text_hex_decode(hash, &size, SHA256_BYTES, span_of(token.data + sizeof mark - 1, token.size - sizeof mark + 1)) && size == SHA256_BYTES;
}

static char *complain(const char *what, uint32_t number) {
    char *text;
    if (asprintf(&text, "quorate.rpc_tokens, entry %u: %s; it is TOKEN=read+submit+admin, with a token of at least %d characters or sha256:HEX of one", number,
                 what, TOKEN_BYTES_MIN) < 0)
        abort();
    return text;
}

/* The last '=' divides: base64 may end with some. */
static char *read_entry(struct access *access, struct span entry) {
    size_t divide = entry.size;
    while (divide > 0 && entry.data[divide - 1] != '=')
        divide--;
    uint32_t number = access->count + 1;
    if (divide == 0)
        return complain("no '='", number);
    if (access->count == ACCESS_TOKENS_MAX)
        return complain("too many tokens", number);
    int given = read_rights(span_of(entry.data + divide, entry.size - divide));
    if (given <= 0)
        return complain("unknown rights", number);
    if (!read_hash(access->tokens[access->count].hash, trim(span_of(entry.data, divide - 1))))
        return complain("the token is too short, or not a hash", number);
    access->tokens[access->count++].rights = given;
    return NULL;
}

char *access_read(struct access *access, const char *tokens, const char *anonymous) {
    struct span list = span_text(tokens == NULL ? "" : tokens);
    *access = (struct access){.anonymous = anonymous == NULL ? ACCESS_ALL : read_rights(trim(span_text(anonymous)))};
    if (access->anonymous < 0)
        return strdup("quorate.rpc_anonymous: it is some of read, submit, admin, joined by '+', or empty");
    while (list.size > 0) {
        struct span entry = trim(cut(&list, ','));
        char *fault = entry.size == 0 ? NULL : read_entry(access, entry);
        if (fault != NULL)
            return fault;
    }
    return NULL;
}

static bool same_hash(const uint8_t *a, const uint8_t *b) {
    uint8_t differs = 0;
    for (size_t i = 0; i < SHA256_BYTES; i++)
        differs |= a[i] ^ b[i];
    return differs == 0;
}

int access_of(const struct access *access, struct span authorization) {
    static const char scheme[] = "bearer ";
    uint8_t hash[SHA256_BYTES];
    if (authorization.size == 0)
        return access->anonymous;
    if (authorization.size < sizeof scheme || !request_text_is(span_of(authorization.data, sizeof scheme - 1), scheme))
        return -1;
    sha256_once(hash, trim(span_of(authorization.data + sizeof scheme - 1, authorization.size - sizeof scheme + 1)));
    int found = -1; /* all are looked at, so that time says nothing */
    for (uint32_t i = 0; i < access->count; i++)
        if (same_hash(hash, access->tokens[i].hash))
            found = access->tokens[i].rights;
    return found;
}
