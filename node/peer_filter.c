#include "node/peer_filter.h"

bool peer_filter_admits(void *context, const char *path) {
    struct app *app = context;
    struct abci_query question = {.path = span_text(path)};
    struct abci_answer answer = {.code = 1};
    struct arena arena;
    arena_init(&arena, 1 << 20);
    app->table->query(app, &answer, &question, &arena);
    arena_close(&arena);
    return answer.code == 0;
}
