/* addrbook.json (cometbft: p2p/pex/file.go): {"key":…,"addrs":[{"addr":{"id","ip","port"},"src":{…},"buckets":[…],"attempts","bucket_type",
 * "last_attempt","last_success","last_ban_time"}]}. CometBFT stops for good when it reads a number of a bucket that it does not have, and loops for ever
 * over addresses that are in no bucket: neither is written. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/text.h"
#include "node/addrbook.h"
#include "node/complaint.h"
#include "node/keyfile.h"
#include "tendermint/timestamp.h"

#define NEW 1 /* bucket_type */
#define OLD 2

/* ---- reading: each gives NULL, or what is wrong */

struct reader {
    struct addrbook *book;
    uint32_t left_out;
};

static const char *read_id(uint8_t id[NETADDRESS_ID_BYTES], const json_t *value) {
    size_t size = 0;
    if (!json_is_string(value))
        return "id is no text";
    struct span text = span_of(json_string_value(value), json_string_length(value));
    return text_hex_decode(id, &size, NETADDRESS_ID_BYTES, text) && size == NETADDRESS_ID_BYTES ? NULL : "id is not 40 hex digits";
}

/* *usable: is there an address to dial? */
static const char *read_address(struct addrbook_address *out, bool *usable, const json_t *object) {
    const json_t *ip = json_object_get(object, "ip"), *port = json_object_get(object, "port");
    *out = (struct addrbook_address){.port = 0};
    if (!json_is_object(object))
        return "is no object";
    const char *wrong = read_id(out->id, json_object_get(object, "id"));
    if (wrong != NULL)
        return wrong;
    if (!json_is_string(ip) || !json_is_integer(port) || json_integer_value(port) < 0 || json_integer_value(port) > UINT16_MAX)
        return "has no ip as text or no port from 0 to 65535";
    struct span text = span_of(json_string_value(ip), json_string_length(ip));
    *usable = netaddress_parse_ip(out->ip, text);
    if (!*usable && text.size > 0)
        return "ip is no address";
    out->port = (uint16_t)json_integer_value(port);
    return NULL;
}

static const char *read_time(int64_t *out_ms, const json_t *value) {
    struct timestamp time;
    if (value == NULL) {
        *out_ms = ADDRBOOK_NEVER_MS;
        return NULL;
    }
    if (!json_is_string(value) || !timestamp_parse(&time, span_of(json_string_value(value), json_string_length(value))))
        return "a time is not as 2006-01-02T15:04:05Z";
    *out_ms = time.seconds * 1000 + time.nanos / 1000000;
    return NULL;
}

static const char *read_buckets(struct addrbook_entry *entry, const json_t *list) {
    json_int_t most = entry->is_old ? ADDRBOOK_OLD_BUCKETS : ADDRBOOK_NEW_BUCKETS;
    if (list != NULL && !json_is_array(list) && !json_is_null(list))
        return "buckets is no list";
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *number = json_array_get(list, i);
        if (!json_is_integer(number) || json_integer_value(number) < 0 || json_integer_value(number) >= most)
            return "there is no such bucket";
        if (entry->bucket_count < (entry->is_old ? 1 : ADDRBOOK_BUCKETS_OF_ONE))
            entry->buckets[entry->bucket_count++] = (uint16_t)json_integer_value(number);
    }
    return NULL;
}

static const char *read_history(struct addrbook_entry *entry, const json_t *object) {
    const json_t *attempts = json_object_get(object, "attempts"), *type = json_object_get(object, "bucket_type");
    if (!json_is_integer(attempts) || json_integer_value(attempts) < 0 || json_integer_value(attempts) > INT32_MAX)
        return "attempts is no count";
    if (!json_is_integer(type) || (json_integer_value(type) != NEW && json_integer_value(type) != OLD))
        return "bucket_type is neither 1 nor 2";
    entry->attempts = (int32_t)json_integer_value(attempts);
    entry->is_old = json_integer_value(type) == OLD;
    const char *wrong = read_time(&entry->last_attempt_ms, json_object_get(object, "last_attempt"));
    if (wrong == NULL)
        wrong = read_time(&entry->last_success_ms, json_object_get(object, "last_success"));
    if (wrong == NULL)
        wrong = read_time(&entry->banned_until_ms, json_object_get(object, "last_ban_time"));
    return wrong != NULL ? wrong : read_buckets(entry, json_object_get(object, "buckets"));
}

static const char *read_entry(struct reader *reader, const json_t *object) {
    struct addrbook_entry entry = {.attempts = 0};
    bool usable = false, teller_usable = false;
    if (!json_is_object(object))
        return "is no object";
    const char *wrong = read_address(&entry.address, &usable, json_object_get(object, "addr"));
    if (wrong != NULL)
        return wrong;
    const json_t *teller = json_object_get(object, "src");
    if (teller == NULL || json_is_null(teller))
        teller = json_object_get(object, "addr");
    wrong = read_address(&entry.teller, &teller_usable, teller);
    if (wrong == NULL)
        wrong = read_history(&entry, object);
    if (wrong != NULL)
        return wrong;
    if (!usable || !teller_usable || entry.bucket_count == 0 || addrbook_check(reader->book, &entry.address) != ADDRBOOK_GOOD ||
        !addrbook_put(reader->book, &entry))
        reader->left_out++;
    return NULL;
}

static char *read_root(struct reader *reader, const json_t *root) {
    const json_t *key = json_object_get(root, "key"), *list = json_object_get(root, "addrs");
    if (!json_is_string(key) || json_string_length(key) == 0 || json_string_length(key) > ADDRBOOK_KEY_MAX ||
        strlen(json_string_value(key)) != json_string_length(key))
        return complaint_of("key is no text of 1 to %d characters", ADDRBOOK_KEY_MAX);
    if (!json_is_array(list) && !json_is_null(list))
        return complaint_of("addrs is no list");
    memcpy(reader->book->key, json_string_value(key), json_string_length(key) + 1);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *wrong = read_entry(reader, json_array_get(list, i));
        if (wrong != NULL)
            return complaint_of("addrs[%zu]: %s", i, wrong);
    }
    return NULL;
}

bool addrbook_parse(struct addrbook *book, uint32_t *left_out, struct span json, char **error) {
    struct reader reader = {book, 0};
    char key[sizeof book->key];
    json_error_t fault = {.text = "it is empty"};
    json_t *root = json.size == 0 ? NULL : json_loadb((const char *)json.data, json.size, JSON_REJECT_DUPLICATES, &fault);
    memcpy(key, book->key, sizeof key);
    char *wrong = root == NULL ? complaint_of("line %d: %s", fault.line, fault.text) : read_root(&reader, root);
    json_decref(root);
    book->changed = false;
    *left_out = reader.left_out;
    if (wrong == NULL)
        return true;
    addrbook_clear(book);
    memcpy(book->key, key, sizeof key);
    *error = wrong;
    return false;
}

/* ---- writing */

static void write_address(FILE *out, const char *name, const struct addrbook_address *address) {
    char id[41], ip[46];
    text_hex_lower(id, span_of(address->id, NETADDRESS_ID_BYTES));
    netaddress_format_ip(ip, address->ip);
    fprintf(out, "\t\t\t\"%s\": {\n\t\t\t\t\"id\": \"%s\",\n\t\t\t\t\"ip\": \"%s\",\n\t\t\t\t\"port\": %u\n\t\t\t},\n", name, id, ip, address->port);
}

static void write_time(FILE *out, const char *name, int64_t ms, const char *end) {
    char text[TIMESTAMP_TEXT_SIZE];
    int64_t seconds = ms / 1000 - (ms % 1000 < 0);
    struct timestamp time = {seconds, (int32_t)(ms - seconds * 1000) * 1000000};
    timestamp_text(text, &time);
    fprintf(out, "\t\t\t\"%s\": \"%s\"%s\n", name, text, end);
}

static void write_entry(FILE *out, const struct addrbook_entry *entry) {
    fputs("\t\t{\n", out);
    write_address(out, "addr", &entry->address);
    write_address(out, "src", &entry->teller);
    fputs("\t\t\t\"buckets\": [\n", out);
    for (uint8_t i = 0; i < entry->bucket_count; i++)
        fprintf(out, "\t\t\t\t%u%s\n", entry->buckets[i], i + 1 < entry->bucket_count ? "," : "");
    fprintf(out, "\t\t\t],\n\t\t\t\"attempts\": %" PRId32 ",\n\t\t\t\"bucket_type\": %d,\n", entry->attempts, entry->is_old ? OLD : NEW);
    write_time(out, "last_attempt", entry->last_attempt_ms, ",");
    write_time(out, "last_success", entry->last_success_ms, ",");
    write_time(out, "last_ban_time", entry->banned_until_ms, "");
    fputs("\t\t}", out);
}

/* The key comes from a file and may hold anything. */
static void write_key(FILE *out, const char *key) {
    json_t *text = json_string(key);
    char *quoted = text == NULL ? NULL : json_dumps(text, JSON_ENCODE_ANY);
    fprintf(out, "{\n\t\"key\": %s,\n\t\"addrs\": [", quoted == NULL ? "\"-\"" : quoted);
    free(quoted);
    json_decref(text);
}

char *addrbook_text(const struct addrbook *book) {
    char *text = NULL;
    size_t size;
    bool first = true;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return NULL;
    write_key(out, book->key);
    for (uint32_t i = 0; i < book->entries_made; i++)
        if (book->entries[i].bucket_count > 0) {
            fputs(first ? "\n" : ",\n", out);
            first = false;
            write_entry(out, &book->entries[i]);
        }
    fputs(first ? "]\n}\n" : "\n\t]\n}\n", out);
    fclose(out);
    return text;
}

/* ---- files */

static enum addrbook_load put_aside(const char *path, char *wrong, char **said) {
    char *aside = complaint_of("%s.damaged", path);
    bool moved = rename(path, aside) == 0;
    if (moved)
        *said = complaint_of("%s: %s; it is kept as %s, and the address book begins empty", path, wrong, aside);
    else
        *said = complaint_of("%s: %s; the address book begins empty, and the file will be replaced (it could not be renamed: %s)", path, wrong,
                             strerror(errno));
    free(wrong);
    free(aside);
    return ADDRBOOK_DAMAGED;
}

enum addrbook_load addrbook_load(struct addrbook *book, const char *path, char **said) {
    char *error = NULL;
    uint32_t left_out = 0;
    *said = NULL;
    struct blob *blob = keyfile_read(path, ADDRBOOK_BYTES_MAX, &error);
    if (blob == NULL) {
        if (errno == ENOENT) {
            free(error);
            return ADDRBOOK_ABSENT;
        }
        *said = complaint_of("%s; the address book begins empty and is not kept", error);
        free(error);
        return ADDRBOOK_UNREADABLE;
    }
    bool good = addrbook_parse(book, &left_out, span_of(blob->data, blob->size), &error);
    blob_release(blob);
    if (!good)
        return put_aside(path, error, said);
    if (left_out > 0)
        *said = complaint_of("%s: %u addresses are left out: unusable here, private, our own, twice, or their buckets are full", path, left_out);
    return ADDRBOOK_LOADED;
}

bool addrbook_save(struct addrbook *book, const char *path, char **error) {
    char *text = addrbook_text(book);
    if (text == NULL) {
        *error = complaint_of("%s: no memory to write it", path);
        return false;
    }
    bool good = keyfile_write(path, span_text(text), true, error);
    free(text);
    book->changed = book->changed && !good;
    return good;
}
