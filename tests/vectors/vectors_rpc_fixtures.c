/* Recorded traffic of real nodes: every request is put to ours, over a websocket, and the answer has the same keys and kinds of values; so have the
 * events of what was subscribed to. Recordings older than 0.38 are first made into what 0.38 says instead. */
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/sha256.h"
#include "crypto/text.h"
#include "tests/rpc/socket.h"
#include "tests/vectors/vectors_rpc.h"

/* ---- 0.34 and 0.37 in the words of 0.38 */

static json_t *no_block_id(void) { return json_pack("{s:s,s:{s:i,s:s}}", "hash", "", "parts", "total", 0, "hash", ""); }

static void migrate_object(json_t *object) {
    static const char *const gone[] = {"mempoolError", "mempool_error", "priority", "sender", "time_iota_ms", "result_begin_block", "result_end_block",
                                       "begin_block_events", "end_block_events", "deliver_tx"};
    if (json_object_get(object, "begin_block_events") != NULL) {
        json_object_set_new(object, "finalize_block_events", json_null());
        json_object_set_new(object, "app_hash", json_string(""));
    }
    if (json_object_get(object, "result_begin_block") != NULL) {
        json_object_set_new(object, "block_id", no_block_id());
        json_object_set_new(object, "result_finalize_block", json_object());
    }
    if (json_object_get(object, "deliver_tx") != NULL)
        json_object_set(object, "tx_result", json_object_get(object, "deliver_tx"));
    bool is_params = json_object_get(object, "evidence") != NULL && json_object_get(object, "validator") != NULL && json_object_get(object, "block") != NULL;
    if (is_params && json_object_get(object, "abci") == NULL)
        json_object_set_new(object, "abci", json_pack("{s:s}", "vote_extensions_enable_height", "0"));
    for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++)
        json_object_del(object, gone[i]);
}

static void migrate(json_t *value) {
    size_t index;
    const char *key;
    json_t *item;
    if (json_is_object(value)) {
        migrate_object(value);
        json_object_foreach(value, key, item)
            migrate(item);
    }
    json_array_foreach(value, index, item)
        migrate(item);
}

/* ---- comparing */

static const char *kind_of(const json_t *value) {
    static const char *const names[] = {"object", "array", "string", "integer", "real", "bool", "bool", "null"};
    return names[json_typeof(value)];
}

static bool is_among(const char *key, const char *const *list) {
    for (; *list != NULL; list++)
        if (strcmp(key, *list) == 0)
            return true;
    return false;
}

/* What may be null for lack of content, what is left out when it is empty or zero, and what is the application's or the chain's own. */
static bool may_be_null(const char *key) {
    static const char *const keys[] = {"data", "value", "signature", "txs_results", "events", "proofOps", "app_hash", "last_commit", "key", "finalize_block_events", "consensus_param_updates",
                                       "validator_updates", "extension", NULL};
    return is_among(key, keys);
}

static bool may_be_missing(const char *key) {
    static const char *const keys[] = {"aunts", "index", "last_block_height", "last_block_app_hash", "app", "app_version", "version", "app_state", NULL};
    return is_among(key, keys);
}

static bool is_own(const char *key) {
    static const char *const keys[] = {"app_state", "result_finalize_block", NULL};
    return is_among(key, keys);
}

static bool differ(char *why, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
static bool differ(char *why, size_t size, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(why, size, format, args);
    va_end(args);
    return false;
}

enum { WHY = 512 };

/* `events` of an event: its keys are the application's. */
static bool compare(char why[static WHY], const char *path, const char *key, const json_t *theirs, const json_t *ours) {
    char deeper[512];
    const char *name;
    json_t *value;
    if (is_own(key) || (may_be_null(key) && (json_is_null(theirs) || json_is_null(ours))))
        return true;
    if (strcmp(kind_of(theirs), kind_of(ours)) != 0)
        return differ(why, WHY, "%s: theirs is %s, ours is %s", path, kind_of(theirs), kind_of(ours));
    if (json_is_array(theirs) && json_array_size(theirs) > 0 && json_array_size(ours) > 0) {
        snprintf(deeper, sizeof deeper, "%s[]", path);
        return compare(why, deeper, "", json_array_get(theirs, 0), json_array_get(ours, 0));
    }
    bool is_map = strcmp(key, "events") == 0 && json_is_object(theirs);
    json_object_foreach((json_t *)(uintptr_t)theirs, name, value) {
        const json_t *other = json_object_get(ours, name);
        snprintf(deeper, sizeof deeper, "%s.%s", path, name);
        if (other == NULL && !may_be_missing(name) && !is_map)
            return differ(why, WHY, "%s is missing", deeper);
        if (other != NULL && !compare(why, deeper, name, value, other))
            return false;
    }
    json_object_foreach((json_t *)(uintptr_t)ours, name, value)
        if (json_object_get(theirs, name) == NULL && !may_be_missing(name) && !is_map)
            return differ(why, WHY, "%s.%s is ours alone", path, name);
    return true;
}

static bool compare_answers(char why[static WHY], json_t *theirs, const json_t *ours) {
    const json_t *fault = json_object_get(theirs, "error"), *own_fault = json_object_get(ours, "error");
    if (fault != NULL || own_fault != NULL) {
        if (fault != NULL && own_fault != NULL && json_equal(json_object_get(fault, "code"), json_object_get(own_fault, "code")))
            return true;
        char *text = json_dumps(own_fault != NULL ? own_fault : fault, JSON_ENCODE_ANY);
        differ(why, WHY, "an error on one side: %s", text);
        free(text);
        return false;
    }
    json_t *result = json_object_get(theirs, "result");
    const json_t *own = json_object_get(ours, "result");
    if (result == NULL) /* a recorder that leaves out what is empty */
        return json_object_size(own) == 0 || differ(why, WHY, "theirs has no result");
    migrate(result);
    return compare(why, "result", "", result, own);
}

/* ---- a recording */

struct recording {
    struct vectors_report *report;
    const char *path;
    struct lab lab;
    struct wire wire;
    json_t *events;        /* what came besides answers, in order */
    json_t *subscriptions; /* name of the request → its id */
    json_t *answers;       /* ours, by the request's name */
    size_t index;
};

static json_t *load(const struct recording *recording, const char *side, const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s/%s", recording->path, side, name);
    return json_load_file(path, JSON_ALLOW_NUL, NULL);
}

/* A frame; answers are given, events kept. NULL: nothing came. */
static json_t *next_answer(struct recording *recording, int ms) {
    for (;;) {
        struct frame frame;
        wire_next(&recording->wire, &frame, ms);
        json_t *message = frame.first == 0x81 ? json_loads(frame.payload, JSON_ALLOW_NUL, NULL) : NULL;
        bool over = frame.first == 0;
        free(frame.payload);
        if (over)
            return NULL;
        if (message == NULL)
            continue; /* a ping */
        if (json_object_get(json_object_get(message, "result"), "data") == NULL || json_object_get(json_object_get(message, "result"), "query") == NULL)
            return message;
        json_array_append_new(recording->events, message);
    }
}

/* A hash of theirs names nothing here: ours is put in its place. */
static void put_own_hash(struct recording *recording, json_t *request) {
    json_t *params = json_object_get(request, "params"), *hash = json_object_get(params, "hash");
    const char *method = json_string_value(json_object_get(request, "method"));
    struct ledger *ledger = &recording->lab.chain.ledger;
    struct ledger_meta meta;
    char base64[64];
    uint8_t tx[32];
    if (!json_is_string(hash) || method == NULL || !ledger_block_meta(ledger, &meta, 3))
        return;
    sha256_once(tx, span_text("tx0=value"));
    text_base64(base64, strcmp(method, "tx") == 0 ? span_of(tx, 32) : digest_span(&meta.block_id.hash));
    json_object_set_new(params, "hash", json_string(base64));
}

static void judge(struct recording *recording, const char *name, json_t *theirs, const json_t *ours) {
    char why[WHY] = "";
    if (theirs != NULL && ours != NULL && compare_answers(why, theirs, ours))
        vectors_passed(recording->report);
    else
        vectors_failed(recording->report, recording->index, "%s/%s: %s", recording->path, name,
                       theirs == NULL ? "no recorded answer" : ours == NULL ? "ours gave none" : why);
    recording->index++;
}

static void run_request(struct recording *recording, const char *name) {
    json_t *request = load(recording, "outgoing", name), *theirs = load(recording, "incoming", name), *ours = NULL;
    if (request != NULL) {
        put_own_hash(recording, request);
        char *text = json_dumps(request, JSON_COMPACT);
        wire_call(&recording->wire, text);
        free(text);
        const char *method = json_string_value(json_object_get(request, "method"));
        ours = next_answer(recording, method != NULL && strcmp(method, "broadcast_tx_commit") == 0 ? 100 : 20000);
        if (ours == NULL) {
            lab_commit(&recording->lab); /* it waits for a block */
            ours = next_answer(recording, 20000);
        }
        if (method != NULL && strcmp(method, "subscribe") == 0)
            json_object_set(recording->subscriptions, name, json_object_get(request, "id"));
        else
            json_object_set(recording->answers, name, ours);
    }
    if (ours != NULL && !json_equal(json_object_get(request, "id"), json_object_get(ours, "id"))) /* the recorder renewed some of theirs */
        vectors_failed(recording->report, recording->index++, "%s/%s: the answer has another id than the question", recording->path, name);
    else
        judge(recording, name, theirs, ours);
    json_decref(request);
    json_decref(theirs);
    json_decref(ours);
}

/* Of a request that was not recorded: beside ours to the one whose name begins like its own. */
static const json_t *find_like(const struct recording *recording, const char *name) {
    const char *key;
    json_t *answer, *best = NULL;
    size_t longest = 0;
    json_object_foreach(recording->answers, key, answer) {
        size_t size = strlen(key) - strlen(".json");
        if (size > longest && strncmp(key, name, size) == 0) {
            longest = size;
            best = answer;
        }
    }
    return best;
}

/* An incoming NAME_3 without a request of that name: the fourth event of the subscription NAME. */
static void run_event(struct recording *recording, const char *name) {
    char request[256];
    const char *mark = strrchr(name, '_');
    json_t *theirs = load(recording, "incoming", name);
    const json_t *ours = NULL, *one;
    size_t index, seen = 0, wanted = mark == NULL ? 0 : strtoul(mark + 1, NULL, 10);
    snprintf(request, sizeof request, "%.*s.json", mark == NULL ? 0 : (int)(mark - name), name);
    const json_t *id = json_object_get(recording->subscriptions, request);
    json_array_foreach(recording->events, index, one)
        if (id != NULL && json_equal(json_object_get(one, "id"), id) && ours == NULL && seen++ == wanted)
            ours = one;
    if (id == NULL)
        ours = find_like(recording, name);
    judge(recording, name, theirs, ours);
    json_decref(theirs);
}

static bool exists(const struct recording *recording, const char *side, const char *name) {
    json_t *file = load(recording, side, name);
    json_decref(file);
    return file != NULL;
}

/* Blocks and transactions for the subscribers to hear of. */
static void make_events(struct recording *recording) {
    json_t *answer;
    for (int i = 0; i < 6; i++) {
        char body[160], base64[64], tx[32];
        snprintf(tx, sizeof tx, "event%d=value", i);
        text_base64(base64, span_text(tx));
        snprintf(body, sizeof body, "{\"id\":\"m\",\"method\":\"broadcast_tx_sync\",\"params\":[\"%s\"]}", base64);
        wire_call(&recording->wire, body);
        answer = next_answer(recording, 20000);
        json_decref(answer);
        lab_commit(&recording->lab);
    }
    answer = next_answer(recording, 300);
    json_decref(answer);
}

static int is_json(const struct dirent *entry) {
    size_t size = strlen(entry->d_name);
    return size > 5 && strcmp(entry->d_name + size - 5, ".json") == 0;
}

static void each(struct recording *recording, const char *side, void (*run)(struct recording *recording, const char *name), bool requests) {
    char path[4096];
    struct dirent **entries;
    snprintf(path, sizeof path, "%s/%s", recording->path, side);
    int count = scandir(path, &entries, is_json, alphasort);
    if (count < 0)
        vectors_failed(recording->report, recording->index++, "cannot read %s", path);
    for (int i = 0; i < count; i++) {
        if (requests || !exists(recording, "outgoing", entries[i]->d_name))
            run(recording, entries[i]->d_name);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

static void run_recording(struct vectors_report *report, const char *path) {
    struct recording *recording = calloc(1, sizeof *recording);
    *recording = (struct recording){.report = report, .path = path, .events = json_array(), .subscriptions = json_object(), .answers = json_object()};
    lab_open_wide(&recording->lab, NULL, 12, 100);
    wire_open(&recording->wire, &recording->lab);
    each(recording, "outgoing", run_request, true);
    make_events(recording);
    each(recording, "incoming", run_event, false);
    wire_close(&recording->wire);
    lab_close(&recording->lab);
    json_decref(recording->events);
    json_decref(recording->subscriptions);
    json_decref(recording->answers);
    free(recording);
}

static int is_visible(const struct dirent *entry) { return entry->d_name[0] != '.'; }

void vectors_rpc_fixtures(struct vectors_report *report, const json_t *file, const char *path) {
    struct dirent **entries;
    (void)file;
    int count = scandir(path, &entries, is_visible, alphasort);
    for (int i = 0; i < count; i++) {
        char below[4096];
        snprintf(below, sizeof below, "%s/%s", path, entries[i]->d_name);
        run_recording(report, below);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}
