#include <check.h>
#include <stdlib.h>

#include "node/peer_filter.h"

Suite *suite_peer_filter(void);

/* An application of a user's: it admits one address and one id. */
static struct span asked;

static void choosy_query(struct app *app, struct abci_answer *out, const struct abci_query *question, struct arena *arena) {
    (void)app;
    *out = (struct abci_answer){0};
    arena_copy(arena, &asked, question->path);
    out->code = span_equal(question->path, span_text("/p2p/filter/addr/127.0.0.1:5")) ? 0 : 7;
}

START_TEST(the_code_of_the_applications_answer_decides) {
    static const struct app_table table = {.name = "choosy", .query = choosy_query};
    struct app choosy = {&table};
    ck_assert(peer_filter_admits(&choosy, "/p2p/filter/addr/127.0.0.1:5"));
    ck_assert(!peer_filter_admits(&choosy, "/p2p/filter/addr/127.0.0.1:6"));
    ck_assert(!peer_filter_admits(&choosy, "/p2p/filter/id/00112233445566778899aabbccddeeff00112233"));
}
END_TEST

static void __attribute__((noreturn)) kv_failed(void *context, const char *what) {
    (void)context;
    ck_abort_msg("%s", what);
    abort();
}

START_TEST(the_applications_built_in_keep_nobody_out) {
    static const char *const names[] = {"ledger", "kvstore"};
    for (size_t i = 0; i < 2; i++) {
        struct kv *kv = kv_memory_new((struct kv_failure){NULL, kv_failed});
        struct app *app = app_open(names[i], kv, span_text("chain"));
        ck_assert(peer_filter_admits(app, "/p2p/filter/addr/[::1]:26656"));
        ck_assert(peer_filter_admits(app, "/p2p/filter/id/00112233445566778899aabbccddeeff00112233"));
        app->table->close(app);
        kv_close(kv);
    }
}
END_TEST

Suite *suite_peer_filter(void) {
    Suite *suite = suite_create("peer_filter");
    TCase *tests = tcase_create("peer_filter");
    tcase_add_test(tests, the_code_of_the_applications_answer_decides);
    tcase_add_test(tests, the_applications_built_in_keep_nobody_out);
    suite_add_tcase(suite, tests);
    return suite;
}
