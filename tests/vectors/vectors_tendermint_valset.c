/* Validator sets: hash, updates, rotation. Members are [address, power, priority?] or objects. */
#include <stdlib.h>

#include "crypto/text.h"
#include "tests/vectors/vectors_tendermint.h"

/* Addresses are hex of 20 bytes, or short ASCII. */
static struct address address_of(struct span text, bool *ok) {
    struct address address = {0};
    size_t size = 0;
    if (text.size == 40 && text_hex_decode(address.bytes, &size, sizeof address.bytes, text)) {
        address.size = (uint8_t)size;
        return address;
    }
    if (text.size == 0 || text.size > sizeof address.bytes) {
        *ok = false;
        return address;
    }
    memcpy(address.bytes, text.data, text.size);
    address.size = (uint8_t)text.size;
    return address;
}

static struct span text_of(const json_t *text) {
    return json_is_string(text) ? span_of(json_string_value(text), json_string_length(text)) : span_of(NULL, 0);
}

static int64_t integer_of(const json_t *value, bool *ok) {
    if (json_is_integer(value))
        return json_integer_value(value);
    char *end = NULL;
    const char *text = json_string_value(value);
    int64_t number = text == NULL ? 0 : strtoll(text, &end, 10);
    if (text == NULL || end == text || *end != '\0')
        *ok = false;
    return number;
}

/* [[address, power], …] → changes; the caller frees. */
static struct valset_change *changes_of(const json_t *list, size_t *count, bool *ok) {
    *count = json_array_size(list);
    struct valset_change *changes = calloc(*count + 1, sizeof changes[0]);
    if (!json_is_array(list))
        *ok = false;
    for (size_t i = 0; i < *count; i++) {
        const json_t *pair = json_array_get(list, i);
        if (json_array_size(pair) != 2)
            *ok = false;
        changes[i].address = address_of(text_of(json_array_get(pair, 0)), ok);
        changes[i].power = integer_of(json_array_get(pair, 1), ok);
    }
    return changes;
}

static enum valset_verdict make_of(struct valset *set, const json_t *list, bool *ok) {
    size_t count;
    struct valset_change *changes = changes_of(list, &count, ok);
    enum valset_verdict verdict = valset_make(set, changes, count);
    free(changes);
    return verdict;
}

static enum valset_verdict update_of(struct valset *set, const json_t *list, bool *ok) {
    size_t count;
    struct valset_change *changes = changes_of(list, &count, ok);
    enum valset_verdict verdict = valset_update(set, changes, count);
    free(changes);
    return verdict;
}

/* Order, powers and, where given, priorities. */
static bool members_match(const struct valset *set, const json_t *list, const json_t *priorities) {
    bool ok = json_array_size(list) == set->count && (priorities == NULL || json_array_size(priorities) == set->count);
    for (uint32_t i = 0; ok && i < set->count; i++) {
        const json_t *item = json_array_get(list, i);
        const json_t *priority = priorities != NULL ? json_array_get(priorities, i) : json_array_get(item, 2);
        struct address address = address_of(text_of(json_array_get(item, 0)), &ok);
        ok = ok && address_equal(&address, &set->validators[i].address) &&
             integer_of(json_array_get(item, 1), &ok) == set->validators[i].power &&
             (priority == NULL || integer_of(priority, &ok) == set->validators[i].priority);
    }
    return ok;
}

void run_validator_set_hash(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(file, "cases"), i, item) {
        bool ok = true;
        struct valset set;
        struct digest hash, expected = read_digest(item, "expected_hex", &ok);
        const json_t *sorted = json_object_get(item, "sorted_addresses");
        valset_init(&set);
        read_valset(&set, item, "validators", &ok);
        valset_hash(&hash, &set);
        ok = ok && digest_equal(&hash, &expected) && (sorted == NULL || json_array_size(sorted) == set.count);
        for (uint32_t k = 0; ok && sorted != NULL && k < set.count; k++) {
            struct address address = address_of(text_of(json_array_get(sorted, k)), &ok);
            ok = ok && address_equal(&address, &set.validators[k].address);
        }
        valset_close(&set);
        vectors_expect(report, i, ok, "validator set hash or order");
    }
}

/* The verdict that a reason in words stands for; VALSET_GOOD: no special one. */
static enum valset_verdict verdict_for(const char *why) {
    static const struct {
        const char *why;
        enum valset_verdict verdict;
    } reasons[] = {
        {"overflow", VALSET_POWER_OVERFLOW}, {"exceeds max", VALSET_POWER_OVERFLOW}, {"negative", VALSET_NEGATIVE_POWER},
        {"remove unknown", VALSET_UNKNOWN_REMOVED}, {"empty", VALSET_EMPTY}, {"duplicate", VALSET_DUPLICATE},
    };
    for (size_t i = 0; why != NULL && i < sizeof reasons / sizeof reasons[0]; i++)
        if (strstr(why, reasons[i].why) != NULL)
            return reasons[i].verdict;
    return VALSET_GOOD;
}

static bool same_set(const struct valset *a, const struct valset *b) {
    bool same = a->count == b->count && a->proposer == b->proposer && a->total_power == b->total_power;
    for (uint32_t i = 0; same && i < a->count; i++)
        same = address_equal(&a->validators[i].address, &b->validators[i].address) &&
               a->validators[i].power == b->validators[i].power && a->validators[i].priority == b->validators[i].priority;
    return same;
}

static bool update_case(const json_t *item) {
    bool ok = true;
    const char *kind = json_string_value(json_object_get(item, "kind")), *why = json_string_value(json_object_get(item, "why"));
    struct valset set, before;
    valset_init(&set);
    valset_init(&before);
    ok = make_of(&set, json_object_get(item, "start"), &ok) == VALSET_GOOD && ok && kind != NULL;
    valset_copy(&before, &set);
    enum valset_verdict verdict = update_of(&set, json_object_get(item, "update"), &ok);
    if (ok && strcmp(kind, "ok") == 0)
        ok = verdict == VALSET_GOOD &&
             members_match(&set, json_object_get(item, "expected"), json_object_get(item, "expected_priorities"));
    else if (ok && strcmp(kind, "error") == 0)
        ok = verdict != VALSET_GOOD && (verdict_for(why) == VALSET_GOOD || verdict_for(why) == verdict) &&
             same_set(&set, &before);
    else
        ok = false;
    valset_close(&set);
    valset_close(&before);
    return ok;
}

void run_validator_set_updates(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(file, "cases"), i, item)
        vectors_expect(report, i, update_case(item), "validator set update");
}

static bool proposer_is(const struct valset *set, struct span text) {
    bool ok = set->proposer >= 0;
    struct address address = address_of(text, &ok);
    return ok && address_equal(&address, &set->validators[set->proposer].address);
}

static bool history_step(struct valset *set, const json_t *step) {
    bool ok = true;
    int32_t times = read_int32(step, "increment", &ok);
    ok = update_of(set, json_object_get(step, "changes"), &ok) == VALSET_GOOD && ok && times >= 0;
    if (ok && times > 0)
        valset_increment(set, times);
    return ok && proposer_is(set, vectors_text(step, "proposer")) &&
           members_match(set, json_object_get(step, "validators"), NULL);
}

void run_validator_set_histories(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    size_t i, at;
    json_t *item, *step;
    json_array_foreach(json_object_get(file, "cases"), i, item) {
        bool ok = json_array_size(json_object_get(item, "steps")) > 0;
        struct valset set;
        valset_init(&set);
        ok = make_of(&set, json_object_get(item, "initial"), &ok) == VALSET_GOOD && ok;
        json_array_foreach(json_object_get(item, "steps"), at, step) {
            if (ok && !history_step(&set, step)) {
                ok = false;
                break;
            }
        }
        valset_close(&set);
        if (ok)
            vectors_passed(report);
        else
            vectors_failed(report, i, "history departs at step %zu", at);
    }
}

/* [{address | address_ascii, power}] */
static enum valset_verdict make_of_objects(struct valset *set, const json_t *list, bool *ok) {
    size_t count = json_array_size(list), i;
    struct valset_change *changes = calloc(count + 1, sizeof changes[0]);
    json_t *item;
    json_array_foreach((json_t *)list, i, item) {
        struct span ascii = vectors_text(item, "address_ascii");
        changes[i].address = address_of(ascii.size > 0 ? ascii : vectors_text(item, "address"), ok);
        changes[i].power = read_int64(item, "power", ok);
    }
    enum valset_verdict verdict = valset_make(set, changes, count);
    free(changes);
    return verdict;
}

static bool final_priorities_match(const struct valset *set, const json_t *expected) {
    bool ok = json_object_size(expected) == set->count;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)expected, key, value) {
        struct address address = address_of(span_text(key), &ok);
        int32_t at = valset_find(set, &address);
        ok = ok && at >= 0 && set->validators[at].priority == integer_of(value, &ok);
    }
    return ok;
}

static bool selection_case(const json_t *item) {
    bool ok = true;
    const json_t *expected = json_object_get(item, "expected_proposers"), *final = json_object_get(item, "final_priorities");
    if (expected == NULL)
        expected = json_object_get(item, "expected_proposers_ascii");
    struct valset set;
    valset_init(&set);
    ok = make_of_objects(&set, json_object_get(item, "validators"), &ok) == VALSET_GOOD && ok && json_array_size(expected) > 0;
    for (size_t i = 0; ok && i < json_array_size(expected); i++) {
        if (i > 0)
            valset_increment(&set, 1);
        ok = proposer_is(&set, text_of(json_array_get(expected, i)));
    }
    ok = ok && (final == NULL || final_priorities_match(&set, final));
    valset_close(&set);
    return ok;
}

void run_proposer_selection(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(file, "cases"), i, item)
        vectors_expect(report, i, selection_case(item), "proposers or final priorities");
}

/* Arithmetic: members as given, not sorted, addresses in the order of the list. */
static void bare_set(struct valset *set, const json_t *powers, const json_t *priorities, bool *ok) {
    size_t count = powers != NULL ? json_array_size(powers) : json_array_size(priorities);
    valset_init(set);
    if (count == 0 || count > 255) {
        *ok = false;
        return;
    }
    set->validators = calloc(count, sizeof set->validators[0]);
    set->count = (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        set->validators[i].address = (struct address){1, {(uint8_t)i}};
        set->validators[i].power = powers == NULL ? 0 : integer_of(json_array_get(powers, i), ok);
        set->validators[i].priority = priorities == NULL ? 0 : integer_of(json_array_get(priorities, i), ok);
        set->total_power += set->validators[i].power;
    }
}

static bool priorities_are(const struct valset *set, const json_t *expected) {
    bool ok = json_array_size(expected) == set->count;
    for (uint32_t i = 0; ok && i < set->count; i++)
        ok = integer_of(json_array_get(expected, i), &ok) == set->validators[i].priority && ok;
    return ok;
}

static bool begins(const char *text, const char *with) { return text != NULL && strncmp(text, with, strlen(with)) == 0; }

static bool arithmetic_on(struct valset *set, const json_t *item) {
    bool ok = true;
    const char *kind = json_string_value(json_object_get(item, "kind"));
    const json_t *expected = json_object_get(item, "expected"), *after = json_object_get(item, "expected_priorities");
    if (begins(kind, "average priority"))
        return valset_average_priority(set) == integer_of(expected, &ok) && ok;
    if (begins(kind, "center") || begins(kind, "centr")) {
        valset_centre(set);
        return priorities_are(set, expected);
    }
    if (begins(kind, "rescale")) {
        int64_t diff_max = read_int64(item, "diff_max", &ok);
        valset_rescale(set, diff_max);
        return ok && priorities_are(set, expected);
    }
    int32_t times = read_int32(item, "times", &ok);
    if (!ok || times < 1 || !(begins(kind, "Increment") || begins(kind, "averaging inside increment")))
        return false;
    valset_increment(set, times);
    if (json_object_get(item, "expected_proposer_index") != NULL)
        ok = read_int32(item, "expected_proposer_index", &ok) == set->proposer;
    return ok && priorities_are(set, after != NULL ? after : expected);
}

void run_proposer_priority_arithmetic(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(file, "cases"), i, item) {
        bool ok = true;
        struct valset set;
        bare_set(&set, json_object_get(item, "powers"), json_object_get(item, "priorities"), &ok);
        vectors_expect(report, i, ok && arithmetic_on(&set, item), "priority arithmetic");
        valset_close(&set);
    }
}
