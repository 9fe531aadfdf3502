/* Commits, block time, evidence. */
#include <stdlib.h>

#include "tendermint/evidence.h"
#include "tests/vectors/vectors_tendermint.h"

static struct commit_sig read_commit_sig(const json_t *item, bool *ok) {
    struct commit_sig sig = {.flag = read_int32(item, "block_id_flag", ok)};
    sig.validator_address = read_address(item, "validator_address", ok);
    sig.timestamp = read_time(item, "timestamp", ok);
    sig.signature = read_signature(item, "signature", ok);
    return sig;
}

/* Entries from the arena. */
static struct commit read_commit(const json_t *object, struct arena *arena, bool *ok) {
    const json_t *sigs = json_object_get(object, "signatures");
    struct commit commit = {.height = read_int64(object, "height", ok), .round = read_int32(object, "round", ok)};
    commit.block_id = read_block_id(object, "block_id", ok);
    commit.count = (uint32_t)json_array_size(sigs);
    commit.sigs = arena_take(arena, commit.count, sizeof commit.sigs[0]);
    *ok = *ok && json_is_array(sigs) && commit.sigs != NULL;
    for (uint32_t i = 0; *ok && i < commit.count; i++)
        commit.sigs[i] = read_commit_sig(json_array_get(sigs, i), ok);
    return commit;
}

/* The commit must also come back from the wire as it was, and be judged alike. */
static bool verdicts_match(const json_t *item, const struct commit *commit, const struct valset *set, struct arena *arena) {
    bool ok = true;
    struct block_id id = read_block_id(item, "expected_block_id", &ok);
    int64_t height = read_int64(item, "expected_height", &ok);
    bool error_full = read_bool(item, "expect_error_verify_commit", &ok), error_light = read_bool(item, "expect_error_light", &ok);
    struct span chain_id = vectors_text(item, "chain_id");
    size_t capacity = 256 + 200 * (size_t)commit->count;
    uint8_t *bytes = arena_take(arena, capacity, 1);
    struct proto_writer writer;
    struct commit read;
    proto_writer_init(&writer, bytes, capacity);
    commit_write(&writer, commit);
    ok = ok && !writer.overflow && commit_decode(&read, proto_writer_span(&writer), arena);
    return ok && (commit_verify(commit, NULL, set, chain_id, &id, height, NULL) != COMMIT_GOOD) == error_full &&
           (commit_verify(&read, NULL, set, chain_id, &id, height, NULL) != COMMIT_GOOD) == error_full &&
           (commit_verify_light(&read, set, chain_id, &id, height) != COMMIT_GOOD) == error_light;
}

void run_verify_commit(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    static const char *const keys[] = {"name", "chain_id", "expected_block_id", "expected_height", "validators", "commit",
                                       "expect_error_verify_commit", "expect_error_light", "source", NULL};
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(file, "cases"), i, item) {
        bool ok = read_only_keys(item, keys);
        struct arena arena;
        struct valset set;
        arena_init(&arena, 1 << 24);
        valset_init(&set);
        read_valset(&set, item, "validators", &ok);
        struct commit commit = read_commit(json_object_get(item, "commit"), &arena, &ok);
        vectors_expect(report, i, ok && verdicts_match(item, &commit, &set, &arena), "commit verdict");
        valset_close(&set);
        arena_close(&arena);
    }
}

/* Block time. Some cases describe their commit in words: "3 validators of power 30: Commit at 0 s, …, Nil at 6000 s". */

enum { ENTRIES_MAX = 16, POWER_DEFAULT = 30 };
#define TIME_BASE INT64_C(1700000000)

struct described { /* a commit by one validator per entry */
    uint32_t count;
    int64_t power;
    struct {
        int32_t flag;
        int64_t seconds;
    } entries[ENTRIES_MAX];
};

static bool parse_entry(struct described *described, const char *text) {
    static const struct {
        const char *word;
        int32_t flag;
    } words[] = {{"Commit", COMMIT_FOR_BLOCK}, {"Nil", COMMIT_FOR_NIL}, {"Absent", COMMIT_ABSENT}};
    for (size_t i = 0; i < 3 && described->count < ENTRIES_MAX; i++) {
        size_t size = strlen(words[i].word);
        if (strncmp(text, words[i].word, size) != 0)
            continue;
        const char *number = text + size + strspn(text + size, " at");
        described->entries[described->count].flag = words[i].flag;
        described->entries[described->count].seconds = atoll(number);
        described->count++;
        return words[i].flag == COMMIT_ABSENT || (*number >= '0' && *number <= '9');
    }
    return false;
}

/* What stands between the last parentheses. */
static bool parse_described(struct described *out, const char *kind) {
    const char *at = strrchr(kind, '(');
    struct described described = {.power = POWER_DEFAULT};
    if (at == NULL)
        return false;
    const char *power = strstr(at, "of power "), *colon = strchr(at, ':');
    if (power != NULL)
        described.power = atoll(power + strlen("of power "));
    at = colon != NULL ? colon + 1 : at + 1;
    for (bool more = true; more; at++) {
        at += strspn(at, " ");
        size_t size = strcspn(at, ",)");
        more = at[size] == ',';
        if (!parse_entry(&described, at) || at[size] == '\0')
            return false;
        at += size;
    }
    *out = described;
    return described.count > 0;
}

static int64_t described_median(const struct described *described, bool count_nil) {
    struct valset_change members[ENTRIES_MAX] = {0};
    struct commit_sig sigs[ENTRIES_MAX];
    struct commit commit = {.height = 1, .count = described->count, .sigs = sigs};
    struct arena arena;
    struct valset set;
    arena_init(&arena, 1 << 16);
    valset_init(&set);
    for (uint32_t i = 0; i < described->count; i++) {
        members[i].address = (struct address){20, {(uint8_t)i}};
        members[i].power = described->power;
        commit_sig_absent(&sigs[i]);
        sigs[i].flag = described->entries[i].flag;
        if (sigs[i].flag == COMMIT_ABSENT)
            continue;
        sigs[i].validator_address = members[i].address;
        sigs[i].timestamp = (struct timestamp){TIME_BASE + described->entries[i].seconds, 0};
    }
    valset_make(&set, members, described->count);
    struct timestamp median = commit_median_time(&commit, &set, count_nil, &arena);
    valset_close(&set);
    arena_close(&arena);
    return median.seconds - TIME_BASE;
}

/* A case without a rule must hold under both. */
static bool block_time_case(struct described *described, const json_t *item, const char *kind) {
    bool ok = true;
    int64_t expected = read_int64(item, "expected", &ok);
    const char *rule = json_string_value(json_object_get(item, "rule"));
    if (strcmp(kind, "same commit") != 0 && !parse_described(described, kind))
        return false;
    if (!ok || described->count == 0)
        return false;
    bool newer = rule == NULL || strstr(rule, "v0.40") != NULL;
    bool older = rule == NULL || strstr(rule, "v0.38") != NULL || strstr(rule, "v0.39") != NULL;
    return (newer || older) && (!newer || described_median(described, false) == expected) &&
           (!older || described_median(described, true) == expected);
}

static bool weighted_case(const json_t *item) {
    const json_t *times = json_object_get(item, "times_seconds"), *weights = json_object_get(item, "weights");
    size_t count = json_array_size(times);
    bool ok = count > 0 && count == json_array_size(weights);
    int64_t total = read_int64(item, "total", &ok), expected = read_int64(item, "expected", &ok);
    struct commit_weighted_time *list = calloc(count + 1, sizeof list[0]);
    for (size_t i = 0; ok && i < count; i++) {
        list[i].time = (struct timestamp){TIME_BASE + json_integer_value(json_array_get(times, i)), 0};
        list[i].weight = json_integer_value(json_array_get(weights, i));
        ok = json_is_integer(json_array_get(times, i)) && json_is_integer(json_array_get(weights, i));
    }
    struct timestamp median = commit_weighted_median(list, count, total);
    free(list);
    return ok && median.seconds - TIME_BASE == expected;
}

void run_median_time(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    struct described described = {0};
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(file, "cases"), i, item) {
        const char *kind = json_string_value(json_object_get(item, "kind"));
        bool good = kind != NULL && (strcmp(kind, "weighted median") == 0 ? weighted_case(item)
                                                                           : block_time_case(&described, item, kind));
        vectors_expect(report, i, good, "median time, or a case not understood");
    }
}

/* Evidence */

static bool votes_equal(const struct vote *a, const struct vote *b) {
    uint8_t bytes_a[512], bytes_b[512];
    struct proto_writer one, other;
    proto_writer_init(&one, bytes_a, sizeof bytes_a);
    proto_writer_init(&other, bytes_b, sizeof bytes_b);
    vote_write(&one, a);
    vote_write(&other, b);
    return !one.overflow && !other.overflow && span_equal(proto_writer_span(&one), proto_writer_span(&other));
}

static struct vote read_signed_vote(const json_t *item, const char *key, bool *ok) {
    const json_t *object = json_object_get(item, key);
    struct vote vote = read_vote(object, ok);
    vote.validator_address = read_address(object, "validator_address", ok);
    vote.validator_index = read_int32(object, "validator_index", ok);
    vote.signature = read_signature(object, "signature", ok);
    return vote;
}

/* What the bytes say is what the case says. */
static bool content_matches(const struct evidence *evidence, const json_t *item) {
    bool ok = evidence->kind == EVIDENCE_DUPLICATE_VOTE;
    const struct evidence_duplicate_vote *duplicate = &evidence->duplicate;
    struct vote a = read_signed_vote(item, "vote_a", &ok), b = read_signed_vote(item, "vote_b", &ok);
    struct timestamp time = read_time(item, "timestamp", &ok);
    return votes_equal(&a, &duplicate->vote_a) && votes_equal(&b, &duplicate->vote_b) &&
           timestamp_compare(&time, &duplicate->timestamp) == 0 &&
           read_int64(item, "total_voting_power", &ok) == duplicate->total_power &&
           read_int64(item, "validator_power", &ok) == duplicate->validator_power && ok;
}

static bool hex_is(const json_t *item, const char *key, struct span bytes) {
    uint8_t expected[4096];
    size_t size;
    return vectors_hex(item, key, expected, &size, sizeof expected) && span_equal(span_of(expected, size), bytes);
}

static bool encodings_match(const struct evidence *evidence, const json_t *item) {
    bool ok = true;
    uint8_t bytes[4096];
    struct proto_writer writer;
    struct digest hash, expected = read_digest(item, "evidence_hash", &ok);
    proto_writer_init(&writer, bytes, sizeof bytes);
    evidence_write(&writer, evidence);
    evidence_hash(&hash, evidence);
    return ok && hex_is(item, "evidence_bytes_hex", evidence->inner) && hex_is(item, "oneof_hex", proto_writer_span(&writer)) &&
           digest_equal(&hash, &expected);
}

static bool duplicate_case(const json_t *item, struct arena *arena) {
    bool ok = true, expected = read_bool(item, "expected_valid", &ok);
    uint8_t bytes[4096];
    size_t size;
    struct valset set;
    struct evidence evidence = {0};
    if (!vectors_hex(item, "oneof_hex", bytes, &size, sizeof bytes))
        return false;
    struct proto_reader reader = proto_reader_over(span_of(bytes, size));
    evidence_read(&evidence, &reader, arena);
    valset_init(&set);
    read_valset(&set, item, "validators", &ok);
    ok = ok && !reader.bad && content_matches(&evidence, item) && encodings_match(&evidence, item) &&
         evidence_verify_duplicate(&evidence, &set, vectors_text(item, "chain_id")) == expected;
    valset_close(&set);
    return ok;
}

void run_duplicate_vote_evidence(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(file, "cases"), i, item) {
        struct arena arena;
        arena_init(&arena, 1 << 20);
        vectors_expect(report, i, duplicate_case(item, &arena), "duplicate vote evidence");
        arena_close(&arena);
    }
}

void run_light_attack_evidence_hash(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(file, "cases"), i, item) {
        bool ok = true;
        struct digest header = read_digest(item, "conflicting_header_hash", &ok), expected = read_digest(item, "expected_hex", &ok);
        struct digest hash;
        evidence_attack_hash(&hash, &header, read_int64(item, "common_height", &ok));
        vectors_expect(report, i, ok && digest_equal(&hash, &expected), "attack hash");
    }
}

void run_evidence_expiry(struct vectors_report *report, const json_t *file, const char *path) {
    (void)path;
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(file, "cases"), i, item) {
        bool ok = true;
        int64_t age_blocks = read_int64(item, "age_blocks", &ok), age = read_int64(item, "age_s", &ok);
        int64_t blocks_max = read_int64(item, "max_age_num_blocks", &ok), age_max = read_int64(item, "max_age_duration_s", &ok);
        bool expired = evidence_expired(age_blocks, age * 1000000000, blocks_max, age_max * 1000000000);
        bool expected = read_bool(item, "expected", &ok);
        const json_t *kind = json_object_get(item, "kind"); /* another question would need another rule */
        ok = ok && (kind == NULL || span_equal(vectors_text(item, "kind"), span_text("expired?")));
        vectors_expect(report, i, ok && expired == expected, "evidence expiry");
    }
}
