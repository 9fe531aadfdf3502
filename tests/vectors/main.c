/* make vectors: every file of a folder of test vectors, a line each; exit 1 when a case failed. Kinds without a handler
 * are named loudly at the end. */
#include "tests/vectors/vectors.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "crypto/text.h"

static const struct vectors_kind *const tables[] = {vectors_crypto, vectors_tendermint, vectors_ledger, vectors_genesis,
                                                    vectors_node, vectors_light, vectors_rpc};

void vectors_passed(struct vectors_report *report) { report->passed++; }

void vectors_failed(struct vectors_report *report, size_t index, const char *format, ...) {
    report->failed++;
    fprintf(stderr, "  %s: case %zu: ", report->file, index);
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

void vectors_expect(struct vectors_report *report, size_t index, bool good, const char *what) {
    if (good)
        vectors_passed(report);
    else
        vectors_failed(report, index, "%s", what);
}

bool vectors_hex(const json_t *object, const char *key, uint8_t *out, size_t *size, size_t capacity) {
    const json_t *text = json_object_get(object, key);
    *size = 0;
    return json_is_string(text) &&
           text_hex_decode(out, size, capacity, span_of(json_string_value(text), json_string_length(text)));
}

struct span vectors_text(const json_t *object, const char *key) {
    const json_t *text = json_object_get(object, key);
    return json_is_string(text) ? span_of(json_string_value(text), json_string_length(text)) : span_of(NULL, 0);
}

bool vectors_int64(const json_t *object, const char *key, int64_t *out) {
    const json_t *value = json_object_get(object, key);
    *out = 0;
    if (json_is_integer(value)) {
        *out = json_integer_value(value);
        return true;
    }
    if (!json_is_string(value))
        return false;
    char *end = NULL;
    *out = strtoll(json_string_value(value), &end, 10);
    return end != json_string_value(value) && *end == '\0';
}

static const struct vectors_kind *kind_of(const char *name) {
    const struct vectors_kind *best = NULL;
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++)
        for (const struct vectors_kind *kind = tables[t]; kind->name != NULL; kind++)
            if (strncmp(name, kind->name, strlen(kind->name)) == 0 &&
                (best == NULL || strlen(kind->name) > strlen(best->name)))
                best = kind;
    return best;
}

static bool run_entry(const char *folder, const char *name, unsigned *unhandled) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    struct stat status;
    const char *dot = strrchr(name, '.');
    bool is_folder = stat(path, &status) == 0 && S_ISDIR(status.st_mode);
    if (!is_folder && (dot == NULL || strcmp(dot, ".json") != 0))
        return true;
    const struct vectors_kind *kind = kind_of(name);
    if (kind == NULL) {
        printf("%-48s NO HANDLER YET for this kind\n", name);
        ++*unhandled;
        return true;
    }
    struct vectors_report report = {.file = name};
    json_error_t error;
    json_t *file = is_folder ? NULL : json_load_file(path, JSON_ALLOW_NUL, &error);
    if (!is_folder && file == NULL)
        vectors_failed(&report, 0, "not JSON: %s", error.text);
    else
        kind->run(&report, file, path);
    json_decref(file);
    if (report.passed + report.failed == 0)
        vectors_failed(&report, 0, "no case was run");
    printf("%-48s %5u run %5u failed\n", name, report.passed + report.failed, report.failed);
    return report.failed == 0;
}

int main(int argc, char **argv) {
    const char *folder = argc > 1 ? argv[1] : "../shared/vectors";
    struct dirent **entries;
    int count = scandir(folder, &entries, NULL, alphasort);
    if (count < 0) {
        fprintf(stderr, "vectors: cannot read %s; say where they are with VECTORS=DIR\n", folder);
        return 2;
    }
    bool good = true;
    unsigned unhandled = 0;
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.')
            good &= run_entry(folder, entries[i]->d_name, &unhandled);
        free(entries[i]);
    }
    free(entries);
    if (unhandled > 0)
        printf("!! %u files are of kinds that have NO HANDLER YET (named above)\n", unhandled);
    return good ? 0 : 1;
}
