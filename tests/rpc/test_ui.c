#define _GNU_SOURCE /* memmem */
#include <check.h>
#include <string.h>

#include "rpc/ui.h"

Suite *suite_ui(void);

START_TEST(the_page_and_every_file_that_it_names_is_in_the_binary) {
    struct ui_file page, part;
    ck_assert(ui_find(&page, span_text("/ui")));
    ck_assert_str_eq(page.content_type, "text/html; charset=utf-8");
    uint32_t named = 0;
    for (const char *text = (const char *)page.body.data; (text = memmem(text, (size_t)((const char *)page.body.data + page.body.size - text), "\"/ui/", 5)) != NULL; named++) {
        text++;
        const char *end = strchr(text, '"');
        ck_assert_msg(ui_find(&part, span_of(text, (size_t)(end - text))), "%.*s", (int)(end - text), text);
        ck_assert_uint_gt(part.body.size, 1000);
    }
    ck_assert_uint_eq(named, 4);
}
END_TEST

START_TEST(nothing_else_below_ui_is_there) {
    struct ui_file file;
    ck_assert(!ui_find(&file, span_text("/ui/other.js")));
    ck_assert(!ui_find(&file, span_text("/ui/../ui")));
    ck_assert(!ui_find(&file, span_text("/u")));
    ck_assert(!ui_find(&file, span_text("")));
}
END_TEST

START_TEST(the_page_fetches_nothing_from_elsewhere) {
    static const char *const paths[] = {"/ui", "/ui/style.css", "/ui/model.js", "/ui/views.js", "/ui/app.js"};
    for (size_t i = 0; i < 5; i++) {
        struct ui_file file;
        ck_assert(ui_find(&file, span_text(paths[i])));
        const char *text = (const char *)file.body.data;
        size_t left = file.body.size;
        for (const char *found; (found = memmem(text, left, "//", 2)) != NULL; left -= (size_t)(found + 2 - text), text = found + 2) {
            size_t after = left - (size_t)(found - text);
            bool is_address = found > (const char *)file.body.data && found[-1] == ':';
            bool is_own = after > 4 && (memcmp(found, "//${", 4) == 0 || memcmp(found, "//www.w3.org/2000/svg", 21) == 0); /* our own host; a name, never fetched */
            ck_assert_msg(!is_address || is_own, "%s: %.60s", paths[i], found - 8);
        }
    }
}
END_TEST

Suite *suite_ui(void) {
    Suite *suite = suite_create("ui");
    TCase *pages = tcase_create("page");
    tcase_add_test(pages, the_page_and_every_file_that_it_names_is_in_the_binary);
    tcase_add_test(pages, nothing_else_below_ui_is_there);
    tcase_add_test(pages, the_page_fetches_nothing_from_elsewhere);
    suite_add_tcase(suite, pages);
    return suite;
}
