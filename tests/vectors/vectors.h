/* The runner of the protocol's test vectors. Each room's file exports one table of kinds, ended by a NULL name; the
 * handler of a file is that of the longest kind that begins the file's (or its top folder's) name. A handler calls
 * vectors_case_passed or vectors_case_failed once per case. A case whose shape it does not understand has failed. */
#ifndef QUORATE_TESTS_VECTORS_H
#define QUORATE_TESTS_VECTORS_H

#include <jansson.h>

#include "crypto/span.h"

struct vectors_report {
    const char *file;
    unsigned passed;
    unsigned failed;
};

struct vectors_kind {
    const char *name; /* e.g. "merkle_proof"; "config_samples" for a folder: then `file` is NULL and `path` the folder */
    void (*run)(struct vectors_report *report, const json_t *file, const char *path);
};

extern const struct vectors_kind vectors_crypto[], vectors_tendermint[], vectors_ledger[], vectors_genesis[], vectors_node[],
    vectors_light[], vectors_rpc[];

void vectors_passed(struct vectors_report *report);
void vectors_failed(struct vectors_report *report, size_t index, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Passes if `good`, else fails with the text. */
void vectors_expect(struct vectors_report *report, size_t index, bool good, const char *what);

/* Readers that abort the case, not the program: on a missing or ill-typed field they give zero and set *ok to false. */
bool vectors_hex(const json_t *object, const char *key, uint8_t *out, size_t *size, size_t capacity);
struct span vectors_text(const json_t *object, const char *key); /* loan; empty when missing */
/* An integer given as a JSON number or as a decimal string. */
bool vectors_int64(const json_t *object, const char *key, int64_t *out);

#endif
