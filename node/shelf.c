#include "node/shelf.h"

#define COMMIT_BYTES_MAX (160u * 1024 * 1024) /* extended ones, of as many bytes as block sync passes on */

void shelf_init(struct shelf *shelf, struct ledger *ledger) {
    *shelf = (struct shelf){.ledger = ledger};
    for (size_t i = 0; i < SHELF_MAX; i++)
        arena_init(&shelf->books[i].arena, COMMIT_BYTES_MAX);
}

void shelf_close(struct shelf *shelf) {
    for (size_t i = 0; i < SHELF_MAX; i++) {
        part_set_release(shelf->books[i].parts);
        arena_close(&shelf->books[i].arena);
    }
}

static struct shelf_book *find(struct shelf *shelf, int64_t height) {
    for (size_t i = 0; i < SHELF_MAX; i++)
        if (shelf->books[i].height == height)
            return &shelf->books[i];
    return NULL;
}

static struct shelf_book *take(struct shelf *shelf, int64_t height) {
    struct shelf_book *book = find(shelf, height);
    if (book == NULL) {
        book = &shelf->books[0];
        for (size_t i = 1; i < SHELF_MAX; i++)
            if (shelf->books[i].used < book->used)
                book = &shelf->books[i];
        part_set_release(book->parts);
        arena_reset(&book->arena);
        book->parts = NULL;
        book->has_commit = false;
        book->height = height;
    }
    book->used = ++shelf->uses;
    return book;
}

void shelf_put(struct shelf *shelf, int64_t height, struct part_set *parts) {
    struct shelf_book *book = take(shelf, height);
    part_set_release(book->parts);
    book->parts = part_set_hold(parts);
}

bool shelf_has(const struct shelf *shelf, int64_t height) {
    for (size_t i = 0; i < SHELF_MAX; i++)
        if (shelf->books[i].height == height)
            return shelf->books[i].parts != NULL;
    return false;
}

struct part_set *shelf_parts(struct shelf *shelf, int64_t height) {
    struct shelf_book *book = take(shelf, height);
    if (book->parts != NULL)
        return book->parts;
    struct blob *bytes = ledger_block_bytes(shelf->ledger, height);
    if (bytes != NULL)
        book->parts = part_set_of(bytes);
    blob_release(bytes);
    return book->parts;
}

/* The last height's commit is not canonical yet, so it is not kept. */
const struct commit *shelf_commit(struct shelf *shelf, int64_t height) {
    struct shelf_book *book = take(shelf, height);
    bool canonical;
    if (book->has_commit)
        return &book->commit;
    arena_reset(&book->arena);
    if (ledger_extends(shelf->ledger, height)) { /* kept as it was seen: it never changes */
        book->has_commit = ledger_extended_commit(shelf->ledger, &book->commit, height, &book->arena);
        return book->has_commit ? &book->commit : NULL;
    }
    if (!ledger_commit(shelf->ledger, &book->commit, &canonical, height, &book->arena))
        return NULL;
    book->has_commit = canonical;
    return &book->commit;
}
