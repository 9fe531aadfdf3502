#define _GNU_SOURCE /* vasprintf */
#include "genesis/genesis.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "crypto/sha256.h"
#include "crypto/text.h"
#include "genesis/scan.h"

enum { TEXT_BYTES_MAX = 64 * 1024 * 1024 };

struct reader {
    struct genesis *genesis;
    enum params_release release;
    struct arena texts;
    char *error;
};

/* The file's own bytes are quoted in complaints: they must not break the line or speak to the terminal. */
static void tame(char *text) {
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = ' ';
}

/* Always false: the reader's way out. */
static bool __attribute__((format(printf, 2, 3))) refuse(struct reader *reader, const char *format, ...) {
    va_list args;
    va_start(args, format);
    if (reader->error == NULL) {
        if (vasprintf(&reader->error, format, args) < 0)
            abort();
        tame(reader->error);
    }
    va_end(args);
    return false;
}

static int shown(struct span value) { return value.size > 80 ? 80 : (int)value.size; }

/* The member, if it is there and not null. */
static bool member(struct span object, struct span *out, const char *name) {
    return scan_member(object, out, name) && !scan_is_null(*out);
}

static bool read_int64(struct reader *reader, int64_t *out, struct span object, const char *where, const char *name) {
    struct span value;
    if (!member(object, &value, name))
        return true;
    return scan_int64_text(out, value) || refuse(reader, "%s%s: must be a 64-bit integer in quotes, like \"10\"; got %.*s", where, name,
                                                 shown(value), (const char *)value.data);
}

static bool read_object(struct reader *reader, struct span *out, struct span object, const char *where, const char *name) {
    if (!member(object, out, name)) {
        *out = span_text("{}");
        return true;
    }
    return scan_kind(*out) == SCAN_OBJECT || refuse(reader, "%s%s: must be an object, got %s", where, name, scan_kind_name(*out));
}

static bool read_text(struct reader *reader, struct span *out, struct span object, const char *where, const char *name) {
    struct span value;
    *out = span_of("", 0);
    if (!member(object, &value, name))
        return true;
    if (scan_kind(value) != SCAN_TEXT)
        return refuse(reader, "%s%s: must be a string, got %s", where, name, scan_kind_name(value));
    return scan_text(out, value, &reader->texts) || refuse(reader, "%s%s: too long", where, name);
}

/* ---- consensus parameters */

static bool read_key_types(struct reader *reader, struct params *params, struct span validator) {
    struct span list, key, item, name;
    params->key_type_count = 0;
    if (!member(validator, &list, "pub_key_types"))
        return true;
    if (scan_kind(list) != SCAN_LIST)
        return refuse(reader, "consensus_params.validator.pub_key_types: must be a list, got %s", scan_kind_name(list));
    for (struct scan_walk walk = scan_walk(list); scan_next(&walk, &key, &item);) {
        uint32_t i = params->key_type_count;
        if (i == PARAMS_KEY_TYPES_MAX || !scan_text(&name, item, &reader->texts) || name.size >= PARAMS_KEY_TYPE_BYTES)
            return refuse(reader, "consensus_params.validator.pub_key_types[%u]: must be one of at most %d key type names", i,
                          PARAMS_KEY_TYPES_MAX);
        memset(params->key_types[i], 0, PARAMS_KEY_TYPE_BYTES);
        memcpy(params->key_types[i], name.data, name.size);
        params->key_type_count++;
    }
    return true;
}

static bool read_version(struct reader *reader, struct params *params, struct span version) {
    struct span value;
    if (!member(version, &value, "app"))
        return true;
    return scan_uint64_text(&params->version_app, value) ||
           refuse(reader, "consensus_params.version.app: must be an unsigned integer in quotes, like \"1\"; got %.*s", shown(value),
                  (const char *)value.data);
}

static bool read_params_sections(struct reader *reader, struct params *params, struct span object) {
    const char *at = "consensus_params.", *block_at = "consensus_params.block.", *evidence_at = "consensus_params.evidence.";
    struct span block, evidence, validator, version, abci;
    return read_object(reader, &block, object, at, "block") && read_object(reader, &evidence, object, at, "evidence") &&
           read_object(reader, &validator, object, at, "validator") && read_object(reader, &version, object, at, "version") &&
           read_object(reader, &abci, object, at, "abci") &&
           read_int64(reader, &params->block_bytes_max, block, block_at, "max_bytes") &&
           read_int64(reader, &params->block_gas_max, block, block_at, "max_gas") &&
           read_int64(reader, &params->evidence_age_blocks_max, evidence, evidence_at, "max_age_num_blocks") &&
           read_int64(reader, &params->evidence_age_ns_max, evidence, evidence_at, "max_age_duration") &&
           read_int64(reader, &params->evidence_bytes_max, evidence, evidence_at, "max_bytes") &&
           read_key_types(reader, params, validator) && read_version(reader, params, version) &&
           read_int64(reader, &params->extensions_enable_height, abci, "consensus_params.abci.", "vote_extensions_enable_height");
}

static bool read_params(struct reader *reader, struct span document) {
    struct params *params = &reader->genesis->state.params;
    struct span object;
    params_defaults(params, reader->release);
    if (!member(document, &object, "consensus_params"))
        return true;
    if (scan_kind(object) != SCAN_OBJECT)
        return refuse(reader, "consensus_params: must be an object, got %s", scan_kind_name(object));
    *params = (struct params){0}; /* what is left out counts as zero, not as the default */
    if (!read_params_sections(reader, params, object))
        return false;
    enum params_verdict verdict = params_check(params, reader->release);
    return verdict == PARAMS_GOOD || refuse(reader, "consensus_params: %s", params_verdict_text(verdict));
}

/* ---- validators */

static bool params_allow_key(const struct params *params, uint8_t type) {
    for (uint32_t i = 0; i < params->key_type_count; i++)
        if (strcmp(params->key_types[i], pubkey_type_name(type)) == 0)
            return true;
    return false;
}

static bool wrap_member(struct span object, struct span *out, const char *name) {
    struct span key, item;
    *out = span_of(NULL, 0);
    struct scan_walk walk = scan_walk(object);
    while (walk.is_object && scan_next(&walk, &key, &item))
        if (scan_key_is(key, name, true))
            *out = item;
    return out->size > 0;
}

static bool read_pubkey(struct reader *reader, struct pubkey *key, struct span validator, size_t index) {
    struct span object, tag, value, text;
    if (!member(validator, &object, "pub_key") || !wrap_member(object, &tag, "type") || !wrap_member(object, &value, "value"))
        return refuse(reader, "validators[%zu].pub_key: must be {\"type\": …, \"value\": …}", index);
    uint8_t type = scan_text(&text, tag, &reader->texts) ? pubkey_type_from_json_tag(text) : PUBKEY_NONE;
    if (type == PUBKEY_NONE)
        return refuse(reader, "validators[%zu].pub_key.type: must be \"tendermint/PubKeyEd25519\" or \"tendermint/PubKeySecp256k1\", got %.*s",
                      index, shown(tag), (const char *)tag.data);
    uint8_t bytes[64];
    size_t size = 0, expected = type == PUBKEY_ED25519 ? 32 : 33;
    if (!scan_text(&text, value, &reader->texts) || !text_base64_decode(bytes, &size, sizeof bytes, text) || size != expected)
        return refuse(reader, "validators[%zu].pub_key.value: must be %zu bytes in base64", index, expected);
    *key = type == PUBKEY_ED25519 ? pubkey_ed25519(bytes) : pubkey_secp256k1(bytes);
    return params_allow_key(&reader->genesis->state.params, type) ||
           refuse(reader, "validators[%zu].pub_key.type: %s is not among consensus_params.validator.pub_key_types", index,
                  pubkey_type_name(type));
}

static bool read_address(struct reader *reader, struct valset_change *member_out, struct span validator, size_t index) {
    struct span value, text;
    member_out->address = pubkey_address(&member_out->pub_key);
    if (!member(validator, &value, "address"))
        return true;
    uint8_t bytes[20];
    size_t size;
    if (!scan_text(&text, value, &reader->texts) || !text_hex_decode(bytes, &size, sizeof bytes, text))
        return refuse(reader, "validators[%zu].address: must be 20 bytes in hex, got %.*s", index, shown(value), (const char *)value.data);
    if (size == 0 || span_equal(span_of(bytes, size), address_span(&member_out->address)))
        return true;
    char right[TEXT_HEX_SIZE(20)];
    text_hex_upper(right, address_span(&member_out->address));
    return refuse(reader, "validators[%zu].address: is not that of the key, which is %s", index, right);
}

static bool read_validator(struct reader *reader, struct genesis_validator *validator, struct span object, size_t index) {
    char where[40];
    struct span name;
    snprintf(where, sizeof where, "validators[%zu].", index);
    if (scan_kind(object) != SCAN_OBJECT)
        return refuse(reader, "validators[%zu]: must be an object, got %s", index, scan_kind_name(object));
    if (!read_pubkey(reader, &validator->member.pub_key, object, index) || !read_address(reader, &validator->member, object, index) ||
        !read_int64(reader, &validator->member.power, object, where, "power") || !read_text(reader, &name, object, where, "name"))
        return false;
    if (validator->member.power <= 0)
        return refuse(reader, "validators[%zu].power: must be greater than \"0\", got \"%" PRId64 "\"", index, validator->member.power);
    if (name.size >= sizeof validator->name || memchr(name.data, 0, name.size) != NULL)
        return refuse(reader, "validators[%zu].name: must be shorter than %zu bytes, without NUL", index, sizeof validator->name);
    memcpy(validator->name, name.data, name.size);
    return true;
}

static int compare_members(const void *a, const void *b) {
    const struct valset_change *const *one = a, *const *other = b;
    int order = address_compare(&(*one)->address, &(*other)->address);
    return order != 0 ? order : (*one > *other) - (*one < *other);
}

static bool refuse_doubles(struct reader *reader, const struct valset_change *changes, uint32_t count) {
    const struct valset_change **order = malloc((count + 1) * sizeof(struct valset_change *));
    assert(order != NULL);
    for (uint32_t i = 0; i < count; i++)
        order[i] = &changes[i];
    qsort(order, count, sizeof *order, compare_members);
    bool good = true;
    for (uint32_t i = 1; good && i < count; i++)
        if (address_equal(&order[i - 1]->address, &order[i]->address))
            good = refuse(reader, "validators[%td].pub_key: the same key as validators[%td]", order[i] - changes, order[i - 1] - changes);
    free(order);
    return good;
}

static bool check_total(struct reader *reader, const struct valset_change *changes, uint32_t count) {
    int64_t total = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (changes[i].power > VALSET_TOTAL_POWER_MAX - total)
            return refuse(reader, "validators[%u].power: the sum of all powers passes %" PRId64, i, (int64_t)VALSET_TOTAL_POWER_MAX);
        total += changes[i].power;
    }
    return true;
}

static bool read_validators(struct reader *reader, struct span document) {
    struct genesis *genesis = reader->genesis;
    struct span list, key, item;
    if (!member(document, &list, "validators"))
        return true;
    if (scan_kind(list) != SCAN_LIST)
        return refuse(reader, "validators: must be a list, got %s", scan_kind_name(list));
    size_t count = scan_count(list), i = 0;
    if (count > VALSET_COUNT_MAX)
        return refuse(reader, "validators: at most %d, got %zu", VALSET_COUNT_MAX, count);
    genesis->validators = calloc(count + 1, sizeof *genesis->validators);
    genesis->changes = calloc(count + 1, sizeof *genesis->changes);
    assert(genesis->validators != NULL && genesis->changes != NULL);
    for (struct scan_walk walk = scan_walk(list); scan_next(&walk, &key, &item); i++) {
        if (!read_validator(reader, &genesis->validators[i], item, i))
            return false;
        genesis->changes[i] = genesis->validators[i].member;
    }
    genesis->state.validators = genesis->changes;
    genesis->state.validator_count = (uint32_t)count;
    return refuse_doubles(reader, genesis->changes, (uint32_t)count) && check_total(reader, genesis->changes, (uint32_t)count);
}

/* ---- the rest */

static bool read_chain_id(struct reader *reader, struct span document) {
    struct genesis *genesis = reader->genesis;
    struct span text;
    if (!read_text(reader, &text, document, "", "chain_id"))
        return false;
    if (text.size == 0)
        return refuse(reader, "chain_id: must be there and not be empty");
    if (text.size > VOTE_CHAIN_ID_BYTES_MAX || memchr(text.data, 0, text.size) != NULL)
        return refuse(reader, "chain_id: at most %d bytes without NUL, got %zu", VOTE_CHAIN_ID_BYTES_MAX, text.size);
    memcpy(genesis->chain_id, text.data, text.size);
    genesis->chain_id[text.size] = '\0';
    genesis->state.chain_id = span_of(genesis->chain_id, text.size);
    return true;
}

static bool read_time(struct reader *reader, struct span document, const struct timestamp *now) {
    struct timestamp *time = &reader->genesis->state.time;
    struct span text, value;
    if (!read_text(reader, &text, document, "", "genesis_time"))
        return false;
    *time = TIMESTAMP_ZERO;
    if (member(document, &value, "genesis_time") && (text.size == 0 || text.data[text.size - 1] != 'Z' || !timestamp_parse(time, text)))
        return refuse(reader, "genesis_time: must be like \"2024-05-01T12:00:00Z\", in UTC, got \"%.*s\"", shown(text),
                      (const char *)text.data);
    if (timestamp_is_zero(time))
        *time = *now;
    return true;
}

static bool read_initial_height(struct reader *reader, struct span document) {
    int64_t *height = &reader->genesis->state.initial_height;
    if (!read_int64(reader, height, document, "", "initial_height"))
        return false;
    if (*height < 0)
        return refuse(reader, "initial_height: must not be negative, got \"%" PRId64 "\"", *height);
    if (*height == 0)
        *height = 1;
    return true;
}

static bool read_app_hash(struct reader *reader, struct span document) {
    struct app_hash *hash = &reader->genesis->state.app_hash;
    struct span text;
    size_t size;
    if (!read_text(reader, &text, document, "", "app_hash"))
        return false;
    if (!text_hex_decode(hash->bytes, &size, sizeof hash->bytes, text))
        return refuse(reader, "app_hash: must be hex of at most %zu bytes", sizeof hash->bytes);
    hash->size = (uint8_t)size;
    return true;
}

static void read_app_state(struct genesis *genesis, struct span document) {
    struct span value;
    if (!member(document, &value, "app_state"))
        return;
    genesis->app_state = malloc(value.size + 1);
    assert(genesis->app_state != NULL);
    memcpy(genesis->app_state, value.data, value.size);
    genesis->app_state[value.size] = '\0';
    genesis->state.app_state = span_of(genesis->app_state, value.size);
}

static size_t line_of(struct span text, size_t at) {
    size_t line = 1;
    for (size_t i = 0; i < at; i++)
        line += text.data[i] == '\n';
    return line;
}

static bool read_document(struct reader *reader, struct span text, const struct timestamp *now) {
    struct span document;
    size_t bad_at;
    if (text.size > GENESIS_BYTES_MAX)
        return refuse(reader, "at most %u bytes, got %zu", GENESIS_BYTES_MAX, text.size);
    if (!scan_value(&document, text, &bad_at))
        return refuse(reader, "not JSON: line %zu, byte %zu of the text", line_of(text, bad_at), bad_at);
    if (scan_kind(document) != SCAN_OBJECT)
        return refuse(reader, "must be an object, got %s", scan_kind_name(document));
    if (!read_chain_id(reader, document) || !read_initial_height(reader, document) || !read_params(reader, document) ||
        !read_validators(reader, document) || !read_time(reader, document, now) || !read_app_hash(reader, document))
        return false;
    read_app_state(reader->genesis, document);
    return true;
}

bool genesis_parse(struct genesis *genesis, struct span text, enum params_release release, const struct timestamp *now, char **error) {
    struct reader reader = {.genesis = genesis, .release = release};
    *genesis = (struct genesis){0};
    arena_init(&reader.texts, TEXT_BYTES_MAX);
    bool good = read_document(&reader, text, now);
    arena_close(&reader.texts);
    if (!good) {
        genesis_close(genesis);
        *error = reader.error;
        return false;
    }
    genesis->file = blob_new(text);
    genesis->state.file_hash.size = SHA256_BYTES;
    sha256_once(genesis->state.file_hash.bytes, text);
    return true;
}

void genesis_close(struct genesis *genesis) {
    blob_release(genesis->file);
    free(genesis->validators);
    free(genesis->changes);
    free(genesis->app_state);
    *genesis = (struct genesis){0};
}

/* ---- the file */

static bool read_whole(uint8_t **bytes, size_t *size, int file, const char **why) {
    struct stat status;
    *bytes = NULL;
    *why = NULL;
    if (fstat(file, &status) != 0)
        return false;
    if (!S_ISREG(status.st_mode) || status.st_size > (off_t)GENESIS_BYTES_MAX) {
        *why = "not a file of at most 256 MiB";
        return false;
    }
    size_t capacity = (size_t)status.st_size;
    *bytes = malloc(capacity + 1);
    assert(*bytes != NULL);
    for (*size = 0; *size < capacity;) {
        ssize_t got = read(file, *bytes + *size, capacity - *size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return false;
        if (got == 0)
            break;
        *size += (size_t)got;
    }
    return true;
}

static void say(char **error, const char *path, const char *what) {
    if (asprintf(error, "%s: %s", path, what) < 0)
        abort();
}

bool genesis_load(struct genesis *genesis, const char *path, enum params_release release, char **error) {
    uint8_t *bytes = NULL;
    size_t size = 0;
    const char *why = NULL;
    char *what = NULL;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    bool good = file >= 0 && read_whole(&bytes, &size, file, &why);
    if (!good)
        say(error, path, why != NULL ? why : strerror(errno));
    if (file >= 0)
        close(file);
    if (good) {
        /* A file without a time starts now, as CometBFT has it; nodes that are to agree need the time in the file. */
        struct timespec clock;
        clock_gettime(CLOCK_REALTIME, &clock);
        struct timestamp now = {clock.tv_sec, (int32_t)clock.tv_nsec};
        good = genesis_parse(genesis, span_of(bytes, size), release, &now, &what);
        if (!good)
            say(error, path, what);
    }
    free(what);
    free(bytes);
    return good;
}
