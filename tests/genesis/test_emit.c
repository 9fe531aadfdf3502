#include <check.h>
#include <stdlib.h>

#include "genesis/emit.h"
#include "genesis/scan.h"

static void expect(struct emit *emit, const char *text) {
    ck_assert_msg(span_equal(span_of(emit->data, emit->size), span_text(text)), "%.*s", (int)emit->size, emit->data);
    emit_close(emit);
}

START_TEST(commas_come_by_themselves) {
    struct emit emit;
    emit_init(&emit);
    emit_open(&emit, '{');
    emit_key(&emit, "a");
    emit_number(&emit, -5);
    emit_key(&emit, "b");
    emit_open(&emit, '[');
    emit_cstring(&emit, "{");
    emit_cstring(&emit, ",");
    emit_open(&emit, '{');
    emit_shut(&emit, '}');
    emit_null(&emit);
    emit_bool(&emit, true);
    emit_shut(&emit, ']');
    emit_key(&emit, "c");
    emit_int64(&emit, INT64_MIN);
    emit_key(&emit, "d");
    emit_uint64(&emit, UINT64_MAX);
    emit_shut(&emit, '}');
    expect(&emit, "{\"a\":-5,\"b\":[\"{\",\",\",{},null,true],\"c\":\"-9223372036854775808\",\"d\":\"18446744073709551615\"}");
}
END_TEST

START_TEST(strings_are_escaped_as_go_does) {
    struct emit emit;
    emit_init(&emit);
    emit_string(&emit, span_of("a\"\\\n\r\t\x01<>&\xc3\xa9\xff\xe2\x80\xa8\0", 17));
    expect(&emit, "\"a\\\"\\\\\\n\\r\\t\\u0001\\u003c\\u003e\\u0026\xc3\xa9\\ufffd\\u2028\\u0000\"");
}
END_TEST

START_TEST(bytes_are_upper_hex_or_base64_and_no_bytes_are_null) {
    struct emit emit;
    emit_init(&emit);
    emit_open(&emit, '[');
    emit_hex(&emit, span_of("\xab\x01", 2));
    emit_hex(&emit, span_of(NULL, 0));
    emit_base64(&emit, span_of("\1\2\3", 3));
    emit_base64(&emit, span_of(NULL, 0));
    emit_base64_text(&emit, span_of(NULL, 0));
    emit_time(&emit, &(struct timestamp){0, 5000000});
    emit_shut(&emit, ']');
    expect(&emit, "[\"AB01\",\"\",\"AQID\",null,\"\",\"1970-01-01T00:00:00.005Z\"]");
}
END_TEST

START_TEST(compacting_drops_white_space_but_not_inside_strings) {
    struct emit emit;
    emit_init(&emit);
    emit_compact(&emit, span_text("{ \"a b\" : [ 1.10 , \"x \\\" y<\" ] ,\n\t\"c\":{ } }"));
    expect(&emit, "{\"a b\":[1.10,\"x \\\" y\\u003c\"],\"c\":{}}");
}
END_TEST

START_TEST(indenting_is_that_of_marshal_indent) {
    struct emit emit;
    emit_init(&emit);
    emit_indented(&emit, span_text("{\"a\":[1,\"x,{\\\"\"],\"b\":{},\"c\":[],\"d\":{\"e\":null}}"));
    expect(&emit, "{\n  \"a\": [\n    1,\n    \"x,{\\\"\"\n  ],\n  \"b\": {},\n  \"c\": [],\n  \"d\": {\n    \"e\": null\n  }\n}");
}
END_TEST

Suite *suite_emit(void);
Suite *suite_emit(void) {
    Suite *suite = suite_create("emit");
    TCase *all = tcase_create("all");
    tcase_add_test(all, commas_come_by_themselves);
    tcase_add_test(all, strings_are_escaped_as_go_does);
    tcase_add_test(all, bytes_are_upper_hex_or_base64_and_no_bytes_are_null);
    tcase_add_test(all, compacting_drops_white_space_but_not_inside_strings);
    tcase_add_test(all, indenting_is_that_of_marshal_indent);
    suite_add_tcase(suite, all);
    return suite;
}
