/* The light client: single steps, trust levels, and the folder light_client: traces of a model and whole bisections with several sources. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "genesis/scan.h"
#include "node/light_client.h"
#include "rpc/light_json.h"
#include "tests/vectors/vectors_light_old.h"
#include "tests/vectors/vectors_tendermint.h"

enum { BLOCKS_MAX = 512, TEXT_MAX = 4096 };

static vectors_run run_light_trust_level, run_light_verifier, run_light_client;

const struct vectors_kind vectors_light[] = {
    {"light_client", run_light_client}, {"light_trust_level", run_light_trust_level}, {"light_verifier", run_light_verifier}, {NULL, NULL}};

static void run_light_trust_level(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(file, "cases"), i, item) {
        bool ok = true;
        int64_t numerator = read_int64(item, "numerator", &ok), denominator = read_int64(item, "denominator", &ok);
        bool valid = read_bool(item, "valid", &ok);
        vectors_expect(report, i, ok && light_trust_level_good((uint64_t)numerator, (uint64_t)denominator) == valid, "trust level");
    }
}

/* ---- light blocks, by the reader that reads other nodes */

/* Recorded by another implementation: "part_set_header" where a node says "parts", and absent entries of the year 1970 where Go has its zero time. */
static void to_comet(json_t *value) {
    size_t i;
    const char *key;
    json_t *item, *parts = json_object_get(value, "part_set_header");
    if (parts != NULL)
        json_object_set(value, "parts", parts);
    if (json_integer_value(json_object_get(value, "block_id_flag")) == COMMIT_ABSENT)
        json_object_set_new(value, "timestamp", json_string("0001-01-01T00:00:00Z"));
    json_object_foreach(value, key, item)
        to_comet(item);
    json_array_foreach(value, i, item)
        to_comet(item);
}

/* The checked text of a part of the file, in the arena. */
static struct span text_of(const json_t *value, struct arena *arena, bool *ok) {
    json_t *comet = json_deep_copy(value);
    to_comet(comet);
    char *text = comet == NULL ? NULL : json_dumps(comet, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(comet);
    struct span copy = {0}, checked = {0};
    *ok = *ok && text != NULL && arena_copy(arena, &copy, span_text(text)) && scan_value(&checked, copy, NULL);
    free(text);
    return checked;
}

/* A model may hand over a set of nobody: it is a set, though no header's. */
static bool read_set_of(struct valset *set, const json_t *value, struct arena *arena) {
    bool ok = true;
    const char *error;
    const json_t *members = json_object_get(value, "validators");
    if (json_is_array(members) && json_array_size(members) == 0)
        return valset_close(set), true;
    struct span text = text_of(value, arena, &ok);
    return ok && light_json_valset(set, &error, text, arena);
}

/* `value` has a member signed_header; the set is lent. */
static struct light_block *read_block(const json_t *value, const struct valset *set, struct arena *arena) {
    bool ok = true;
    const char *error;
    struct header header;
    struct commit commit;
    struct span text = text_of(value, arena, &ok);
    return ok && light_json_commit(&header, &commit, &error, text, arena) ? light_block_new(&header, &commit, set) : NULL;
}

static struct light_block *read_block_with_set(const json_t *value, const char *set_key, struct arena *arena) {
    struct valset set;
    valset_init(&set);
    struct light_block *block = read_set_of(&set, json_object_get(value, set_key), arena) ? read_block(value, &set, arena) : NULL;
    valset_close(&set);
    return block;
}

/* ---- single steps */

/* What the words of a case may stand for. */
static bool verdict_fits(const char *expected, enum light_verdict verdict, bool *known) {
    static const struct {
        const char *word;
        uint32_t verdicts; /* a bit each */
    } words[] = {
#define BIT(v) (UINT32_C(1) << (v))
        {"no error", BIT(LIGHT_GOOD)},
        {"future", BIT(LIGHT_FROM_FUTURE)},
        {"expired", BIT(LIGHT_EXPIRED)},
        {"trusting period", BIT(LIGHT_EXPIRED)},
        {"non adjacent", BIT(LIGHT_ADJACENT)},
        {"non-adjacent", BIT(LIGHT_ADJACENT)},
        {"adjacent", BIT(LIGHT_NOT_ADJACENT)},
        {"another chain", BIT(LIGHT_OTHER_CHAIN)},
        {"other chain", BIT(LIGHT_OTHER_CHAIN)},
        {"different chain", BIT(LIGHT_OTHER_CHAIN)},
        {"chain", BIT(LIGHT_OTHER_CHAIN)},
        {"not after", BIT(LIGHT_NOT_LATER)},
        {"to be after", BIT(LIGHT_NOT_LATER)},
        {"before", BIT(LIGHT_NOT_LATER)},
        {"monotonic", BIT(LIGHT_NOT_LATER) | BIT(LIGHT_NOT_HIGHER)},
        {"time", BIT(LIGHT_NOT_LATER) | BIT(LIGHT_FROM_FUTURE)},
        {"cant be trusted", BIT(LIGHT_CANNOT_TRUST)},
        {"can't be trusted", BIT(LIGHT_CANNOT_TRUST)},
        {"cannot be trusted", BIT(LIGHT_CANNOT_TRUST)},
        {"cant trust", BIT(LIGHT_CANNOT_TRUST)},
        {"not enough trust", BIT(LIGHT_CANNOT_TRUST)},
        {"bisect", BIT(LIGHT_CANNOT_TRUST)},
        {"trust level", BIT(LIGHT_BAD_TRUST_LEVEL) | BIT(LIGHT_CANNOT_TRUST)},
        {"trusted", BIT(LIGHT_CANNOT_TRUST)},
        {"supplied", BIT(LIGHT_WRONG_SET)},
        {"next validators", BIT(LIGHT_WRONG_NEXT_SET) | BIT(LIGHT_WRONG_SET)},
        {"match", BIT(LIGHT_WRONG_SET) | BIT(LIGHT_WRONG_NEXT_SET)},
        {"validator", BIT(LIGHT_WRONG_SET) | BIT(LIGHT_WRONG_NEXT_SET) | BIT(LIGHT_BAD_COMMIT)},
        {"power", BIT(LIGHT_BAD_COMMIT)},
        {"signature", BIT(LIGHT_BAD_COMMIT)},
        {"signed", BIT(LIGHT_BAD_COMMIT)},
        {"2/3", BIT(LIGHT_BAD_COMMIT)},
        {"commit", BIT(LIGHT_BAD_COMMIT) | BIT(LIGHT_BAD_SHAPE)},
        {"height", BIT(LIGHT_NOT_HIGHER) | BIT(LIGHT_BAD_SHAPE)},
        {"invalid", ~BIT(LIGHT_GOOD)},
        {"error", ~BIT(LIGHT_GOOD)},
        {"ok", BIT(LIGHT_GOOD)},
        {"success", BIT(LIGHT_GOOD)},
        {"good", BIT(LIGHT_GOOD)},
        {"valid", BIT(LIGHT_GOOD)},
        {"accept", BIT(LIGHT_GOOD)},
        {"none", BIT(LIGHT_GOOD)},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strstr(expected, words[i].word) != NULL)
            return (words[i].verdicts & BIT(verdict)) != 0;
    *known = expected[0] == '\0'; /* an empty text: no error */
    return *known && verdict == LIGHT_GOOD;
}

static bool read_trust_level(struct light_rules *rules, const json_t *item) {
    struct span text = vectors_text(item, "trust_level");
    unsigned long long numerator, denominator;
    char copy[64], more;
    if (text.size == 0 || text.size >= sizeof copy)
        return json_object_get(item, "trust_level") == NULL; /* the default */
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    if (sscanf(copy, "%llu/%llu%c", &numerator, &denominator, &more) != 2)
        return false;
    rules->trust_numerator = numerator;
    rules->trust_denominator = denominator;
    return true;
}

static bool hash_is(const json_t *object, const struct light_block *block) {
    bool ok = true;
    if (json_object_get(object, "header_hash") == NULL)
        return true;
    struct digest expected = read_digest(object, "header_hash", &ok);
    return ok && digest_equal(&expected, &block->hash);
}

static struct light_block *read_side(const json_t *item, const char *side, const char *set_key, struct valset *set, struct arena *arena, bool *ok) {
    const json_t *object = json_object_get(item, side);
    read_valset(set, item, set_key, ok);
    struct light_block *block = *ok ? read_block(object, set, arena) : NULL;
    *ok = *ok && block != NULL && hash_is(object, block);
    return block;
}

static bool judge_step(struct vectors_report *report, size_t index, const json_t *item, const struct light_block *trusted, const struct valset *set,
                       const struct light_block *untrusted) {
    bool ok = true, known = true;
    struct light_rules rules = LIGHT_RULES_DEFAULT;
    struct timestamp now = read_time(item, "now", &ok);
    rules.trusting_period_ns = read_int64(item, "trusting_period_s", &ok) * LIGHT_SECOND_NS;
    rules.clock_drift_ns = read_int64(item, "max_clock_drift_s", &ok) * LIGHT_SECOND_NS;
    ok = ok && read_trust_level(&rules, item);
    struct span kind = vectors_text(item, "kind"), expected = vectors_text(item, "expected");
    bool adjacent = span_equal(kind, span_text("adjacent"));
    bool non_adjacent = span_equal(kind, span_text("non_adjacent")) || span_equal(kind, span_text("non-adjacent")) ||
                        span_equal(kind, span_text("nonadjacent"));
    bool either = span_equal(kind, span_text("verify")) || span_equal(kind, span_text("any"));
    char text[TEXT_MAX] = "";
    if (!ok || !(adjacent || non_adjacent || either) || expected.size >= sizeof text)
        return vectors_failed(report, index, "a kind, a time or a trust level is not understood"), false;
    memcpy(text, expected.data, expected.size);
    for (char *at = text; *at != '\0'; at++)
        *at = (char)(*at >= 'A' && *at <= 'Z' ? *at | 32 : *at);
    enum light_verdict verdict = adjacent       ? light_verify_adjacent(untrusted, &trusted->header, &rules, &now)
                                 : non_adjacent ? light_verify_non_adjacent(untrusted, &trusted->header, set, &rules, &now)
                                                : light_verify(untrusted, &trusted->header, set, &rules, &now);
    bool fits = verdict_fits(text, verdict, &known);
    if (!known)
        vectors_failed(report, index, "\"%s\" is not understood (the verdict is: %s)", text, light_verdict_text(verdict));
    else if (!fits)
        vectors_failed(report, index, "\"%s\" was expected, but the verdict is: %s", text, light_verdict_text(verdict));
    return known && fits;
}

static void run_light_verifier(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(file, "cases"), i, item) {
        bool ok = true;
        struct arena arena;
        struct valset trusted_set, set;
        arena_init(&arena, 1 << 26);
        valset_init(&trusted_set);
        valset_init(&set);
        struct light_block *trusted = read_side(item, "trusted", "trusted_validators", &trusted_set, &arena, &ok);
        struct light_block *untrusted = ok ? read_side(item, "untrusted", "untrusted_validators", &set, &arena, &ok) : NULL;
        if (!ok)
            vectors_failed(report, i, "a header, commit or set is not understood, or a header has another hash");
        else if (judge_step(report, i, item, trusted, &trusted_set, untrusted))
            vectors_passed(report);
        light_block_release(trusted);
        light_block_release(untrusted);
        valset_close(&trusted_set);
        valset_close(&set);
        arena_close(&arena);
    }
}

/* ---- traces of a model */

static bool verdict_is(const json_t *input, enum light_verdict verdict) {
    struct span text = vectors_text(input, "verdict");
    if (span_equal(text, span_text("SUCCESS")))
        return verdict == LIGHT_GOOD;
    if (span_equal(text, span_text("NOT_ENOUGH_TRUST")))
        return verdict == LIGHT_CANNOT_TRUST;
    return span_equal(text, span_text("INVALID")) && verdict != LIGHT_GOOD && verdict != LIGHT_CANNOT_TRUST;
}

/* The model's client trusts the next validators, and its clocks drift by a second. */
static bool model_step(const json_t *input, struct light_block **trusted, struct valset *next_set, int64_t period_ns, struct arena *arena) {
    bool ok = true;
    struct light_rules rules = LIGHT_RULES_DEFAULT;
    struct timestamp now = read_time(input, "now", &ok);
    const json_t *object = json_object_get(input, "block");
    rules.trusting_period_ns = period_ns;
    rules.clock_drift_ns = LIGHT_SECOND_NS;
    struct light_block *block = read_block_with_set(object, "validator_set", arena);
    if (!ok || block == NULL)
        return light_block_release(block), false;
    enum light_verdict verdict = light_verify(block, &(*trusted)->header, next_set, &rules, &now);
    ok = verdict_is(input, verdict);
    if (verdict == LIGHT_GOOD) {
        light_block_release(*trusted);
        *trusted = light_block_hold(block);
        ok = ok && read_set_of(next_set, json_object_get(object, "next_validator_set"), arena);
    }
    light_block_release(block);
    return ok;
}

static void run_model(struct vectors_report *report, const json_t *file, const char *name) {
    bool ok = true;
    size_t i;
    json_t *input;
    struct arena arena;
    struct valset next_set;
    const json_t *initial = json_object_get(file, "initial");
    int64_t period_ns = read_int64(initial, "trusting_period", &ok);
    arena_init(&arena, 1 << 26);
    valset_init(&next_set);
    struct light_block *trusted = read_block_with_set(initial, "next_validator_set", &arena);
    ok = ok && trusted != NULL && read_set_of(&next_set, json_object_get(initial, "next_validator_set"), &arena);
    if (!ok)
        vectors_failed(report, 0, "%s: the initial state is not understood", name);
    json_array_foreach(json_object_get(file, "input"), i, input) {
        if (ok && model_step(input, &trusted, &next_set, period_ns, &arena))
            vectors_passed(report);
        else if (ok)
            vectors_failed(report, i, "%s: another verdict than %.*s", name, (int)vectors_text(input, "verdict").size,
                           (const char *)vectors_text(input, "verdict").data);
    }
    light_block_release(trusted);
    valset_close(&next_set);
    arena_close(&arena);
}

/* ---- bisections */

struct recorded { /* a source that has these blocks */
    uint32_t count;
    struct light_block *blocks[BLOCKS_MAX];
    struct span chain_id;
    bool reported;
};

static enum light_answer recorded_fetch(void *context, int64_t height, struct light_block **block, char **why) {
    struct recorded *source = context;
    (void)why;
    const struct light_block *newest = source->blocks[source->count - 1];
    for (uint32_t i = 0; i < source->count; i++) {
        struct light_block *at = source->blocks[i];
        if (height != at->header.height && !(height == 0 && at == newest))
            continue;
        if (light_check(at, source->chain_id) != LIGHT_GOOD)
            return LIGHT_ANSWER_BAD;
        *block = light_block_hold(at);
        return LIGHT_ANSWER_BLOCK;
    }
    return height > newest->header.height ? LIGHT_ANSWER_TOO_HIGH : LIGHT_ANSWER_NOT_FOUND;
}

static bool recorded_report(void *context, const struct evidence *evidence, char **why) {
    (void)why;
    ((struct recorded *)context)->reported = evidence_check(evidence);
    return true;
}

static struct light_block *read_lite_block(const json_t *item, struct old_names *names, struct arena *arena) {
    struct light_block *block = read_block_with_set(item, "validator_set", arena);
    struct valset next;
    if (block == NULL || !old_is(block))
        return block;
    valset_init(&next);
    bool ok = read_set_of(&next, json_object_get(item, "next_validator_set"), arena);
    struct light_block *renewed = ok ? old_renew(names, block, &next) : NULL;
    valset_close(&next);
    light_block_release(block);
    return renewed;
}

static bool read_recorded(struct recorded *source, const json_t *object, struct old_names *names, struct arena *arena) {
    size_t i;
    json_t *item;
    source->chain_id = vectors_text(object, "chain_id");
    json_array_foreach(json_object_get(object, "lite_blocks"), i, item) {
        struct light_block *block = source->count < BLOCKS_MAX ? read_lite_block(item, names, arena) : NULL;
        if (block == NULL)
            return false;
        source->blocks[source->count++] = block;
    }
    return source->count > 0;
}

static struct timestamp fixed_now(void *context) { return *(const struct timestamp *)context; }
static void no_wait(void *context, int64_t ms) { (void)context, (void)ms; }
static void __attribute__((noreturn)) store_failed(void *context, const char *what) {
    (void)context;
    fprintf(stderr, "the store failed: %s\n", what);
    abort();
}

struct bisection {
    struct recorded sources[LIGHT_CLIENT_SOURCES_MAX]; /* the primary first */
    uint32_t count;
    struct light_rules rules;
    struct timestamp now;
    int64_t trusted_height, height;
    struct digest trusted_hash;
    struct old_names names;
};

static bool read_bisection(struct bisection *bisection, const json_t *file, struct arena *arena) {
    bool ok = true;
    size_t i;
    json_t *item;
    const json_t *options = json_object_get(file, "trust_options"), *level = json_object_get(options, "trust_level");
    const json_t *witnesses = json_object_get(file, "witnesses");
    bisection->rules = LIGHT_RULES_DEFAULT;
    bisection->rules.trusting_period_ns = read_int64(options, "period", &ok);
    bisection->rules.trust_numerator = (uint64_t)read_int64(level, "numerator", &ok);
    bisection->rules.trust_denominator = (uint64_t)read_int64(level, "denominator", &ok);
    bisection->trusted_height = read_int64(options, "height", &ok);
    bisection->trusted_hash = read_digest(options, "hash", &ok);
    bisection->height = read_int64(file, "height_to_verify", &ok);
    bisection->now = read_time(file, "now", &ok);
    ok = ok && read_recorded(&bisection->sources[bisection->count++], json_object_get(file, "primary"), &bisection->names, arena);
    json_array_foreach(witnesses, i, item)
        ok = ok && bisection->count < LIGHT_CLIENT_SOURCES_MAX &&
             read_recorded(&bisection->sources[bisection->count++], json_object_get(item, "value"), &bisection->names, arena);
    if (ok && bisection->count == 1) /* nobody to compare with: the primary confirms itself */
        ok = read_recorded(&bisection->sources[bisection->count++], json_object_get(file, "primary"), &bisection->names, arena);
    bisection->trusted_hash = old_name_of(&bisection->names, &bisection->trusted_hash);
    return ok;
}

static enum light_outcome verify_as_client(struct bisection *bisection, struct light_block **block) {
    struct light_client client;
    struct light_source sources[LIGHT_CLIENT_SOURCES_MAX];
    struct light_world world = {.context = &bisection->now, .now = fixed_now, .wait = no_wait};
    struct light_config config = {.chain_id = bisection->sources[0].chain_id, .rules = bisection->rules, .mode = LIGHT_SKIPPING};
    struct kv *kv = kv_memory_new((struct kv_failure){NULL, store_failed});
    enum light_outcome outcome = LIGHT_REFUSED;
    char *error = NULL;
    for (uint32_t i = 0; i < bisection->count; i++)
        sources[i] = (struct light_source){"source", &bisection->sources[i], recorded_fetch, recorded_report};
    if (light_client_open(&client, &config, &world, sources, bisection->count, kv, &error)) {
        outcome = light_client_trust(&client, bisection->trusted_height, &bisection->trusted_hash, false);
        if (outcome == LIGHT_DONE)
            outcome = light_client_at(&client, block, bisection->height);
        light_client_close(&client);
    }
    free(error);
    kv_close(kv);
    return outcome;
}

/* How many blocks it took to whoever recorded this is not asked: that depends on where intervals are divided and whether the next set is known,
 * and its authors ask no more either. */
static void judge_bisection(struct vectors_report *report, const json_t *file, const char *name, struct bisection *bisection) {
    struct light_block *block = NULL;
    bool no_error = span_equal(vectors_text(file, "expected_output"), span_text("no error"));
    bool known = no_error || span_equal(vectors_text(file, "expected_output"), span_text("error"));
    enum light_outcome outcome = verify_as_client(bisection, &block);
    bool same = block != NULL && block->header.height == bisection->height;
    light_block_release(block);
    if (!known)
        vectors_failed(report, 0, "%s: what is expected is not understood", name);
    else if (no_error != (outcome == LIGHT_DONE && same))
        vectors_failed(report, 0, "%s: another outcome than expected: %s", name, light_outcome_name(outcome));
    else
        vectors_passed(report);
}

static void run_bisection(struct vectors_report *report, const json_t *file, const char *name) {
    struct bisection *bisection = calloc(1, sizeof *bisection);
    struct arena arena;
    arena_init(&arena, 1 << 28);
    if (bisection != NULL && read_bisection(bisection, file, &arena))
        judge_bisection(report, file, name, bisection);
    else
        vectors_failed(report, 0, "%s: its shape is not understood", name);
    for (uint32_t i = 0; bisection != NULL && i < bisection->count; i++)
        for (uint32_t j = 0; j < bisection->sources[i].count; j++)
            light_block_release(bisection->sources[i].blocks[j]);
    free(bisection);
    arena_close(&arena);
}

/* ---- the folder */

static void run_file(struct vectors_report *report, const char *path, const char *name) {
    json_error_t error;
    json_t *file = json_load_file(path, JSON_ALLOW_NUL, &error);
    if (file == NULL)
        vectors_failed(report, 0, "%s: not JSON: %s", name, error.text);
    else if (json_object_get(file, "initial") != NULL)
        run_model(report, file, name);
    else if (json_object_get(file, "trust_options") != NULL)
        run_bisection(report, file, name);
    else if (!json_is_array(json_object_get(file, "tests"))) /* else: what a model checker is told to make traces of */
        vectors_failed(report, 0, "%s: its shape is not understood", name);
    json_decref(file);
}

static void run_light_client(struct vectors_report *report, const json_t *file, const char *path) {
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort);
    (void)file;
    for (int i = 0; i < count; i++) {
        char below[TEXT_MAX];
        struct stat status;
        const char *name = entries[i]->d_name, *dot = strrchr(name, '.');
        snprintf(below, sizeof below, "%s/%s", path, name);
        if (name[0] != '.' && stat(below, &status) == 0 && S_ISDIR(status.st_mode))
            run_light_client(report, NULL, below);
        else if (name[0] != '.' && dot != NULL && strcmp(dot, ".json") == 0)
            run_file(report, below, name);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}
