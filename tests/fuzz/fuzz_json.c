/* JSON read without a tree, beside jansson: what jansson takes is taken and has the same members; what is written compactly or with indent is JSON
 * of the same value. The answers that the measuring tool reads. */
#include "tests/fuzz/fuzz.h"

#include <jansson.h>
#include <stdlib.h>

#include "genesis/emit.h"
#include "genesis/scan.h"
#include "node/load_scan.h"

static json_t *other(struct span text) {
    json_error_t error;
    return json_loadb((const char *)text.data, text.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
}

static void must_agree(struct span value, const json_t *json, int depth) {
    struct scan_walk walk = scan_walk(value);
    struct span key, item, text;
    int64_t number;
    enum scan_kind kind = scan_kind(value);
    assert((kind == SCAN_OBJECT) == json_is_object(json) && (kind == SCAN_LIST) == json_is_array(json));
    assert((kind == SCAN_TEXT) == json_is_string(json) && (kind == SCAN_NUMBER) == json_is_number(json));
    if (kind == SCAN_TEXT && scan_text(&text, value, fuzz_arena()))
        fuzz_same(text, span_of(json_string_value(json), json_string_length(json)));
    if (json_is_integer(json))
        assert(scan_int64_number(&number, value) && number == json_integer_value(json));
    if (kind == SCAN_LIST) {
        assert(scan_count(value) == json_array_size(json));
        for (size_t i = 0; scan_next(&walk, &key, &item); i++)
            if (depth < 8)
                must_agree(item, json_array_get(json, i), depth + 1);
    }
    while (kind == SCAN_OBJECT && scan_next(&walk, &key, &item)) {
        assert(scan_kind(key) == SCAN_TEXT);
        scan_key_is(key, "name", true);
        if (!scan_text(&text, key, fuzz_arena()) || memchr(text.data, 0, text.size) != NULL)
            continue;
        const char *name = fuzz_string(text);
        struct span member;
        assert(scan_key_is(key, name, false) && scan_member(value, &member, name));
        if (depth < 8)
            must_agree(member, json_object_get(json, name), depth + 1);
    }
}

static void must_equal(struct span text, const json_t *json) {
    json_t *again = other(text);
    assert(again != NULL && json_equal(again, json));
    json_decref(again);
}

static void write_anew(struct span value, const json_t *json) {
    struct emit emit, wide;
    struct span again;
    emit_init(&emit);
    emit_init(&wide);
    emit_compact(&emit, value);
    struct span compact = span_of(emit.data, emit.size);
    assert(scan_value(&again, compact, NULL) && span_equal(again, compact));
    emit_indented(&wide, compact);
    assert(scan_value(&again, span_of(wide.data, wide.size), NULL));
    if (json != NULL) {
        must_equal(compact, json);
        must_equal(span_of(wide.data, wide.size), json);
    }
    emit_close(&emit);
    emit_close(&wide);
}

static bool has_control(struct span text) { /* jansson's ideas of NUL outside of strings are its own */
    return memchr(text.data, 0, text.size) != NULL;
}

static void value(struct span text) {
    struct span found;
    size_t bad_at = 0;
    if (text.size == 0)
        return;
    json_t *json = other(text);
    bool good = scan_value(&found, text, &bad_at);
    if (json != NULL && !has_control(text))
        assert(good || bad_at >= SCAN_DEPTH_MAX);
    if (good && json != NULL)
        must_agree(found, json, 0);
    if (good)
        write_anew(found, json);
    else
        assert(bad_at <= text.size);
    json_decref(json);
}

static void strings(struct span text) { /* any bytes as a string */
    struct emit emit;
    struct span back;
    emit_init(&emit);
    emit_string(&emit, text);
    json_t *json = other(span_of(emit.data, emit.size));
    assert(json_is_string(json));
    if (scan_value(&back, span_of(emit.data, emit.size), NULL) && scan_text(&back, back, fuzz_arena()))
        fuzz_same(back, span_of(json_string_value(json), json_string_length(json)));
    else
        abort();
    json_decref(json);
    emit_close(&emit);
}

static void note_answer(void *context, const struct load_answer *answer) {
    (void)context;
    struct load_scan_block block;
    struct span txs, base64, out;
    bool bad = false;
    load_scan_path(&out, answer->result, "sync_info.latest_block_height");
    if (!load_scan_block(&block, answer->result))
        return;
    for (txs = block.txs; load_scan_tx(&txs, &base64, &bad);)
        assert(base64.size <= block.txs.size);
}

static void answers(struct span text) {
    struct span out;
    load_scan_answers(text, note_answer, NULL);
    load_scan_path(&out, text, "a.b");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz fuzz = fuzz_over(data, size);
    switch (fuzz_byte(&fuzz)) {
    case 0: value(fuzz_rest(&fuzz)); break;
    case 1: strings(fuzz_rest(&fuzz)); break;
    case 2: answers(fuzz_rest(&fuzz)); break;
    }
    fuzz_end();
    return 0;
}
