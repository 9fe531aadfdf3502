/* addrbook.json: read or refused whole; what was read is written so that it reads the same, and is of use without harm. The first byte chooses strictness. */
#define FUZZ_BYTES_MAX 8192
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#include "node/addrbook.h"

static const char own[] = "00112233445566778899aabbccddeeff00112233", private_ids[] = "aabbccddeeff00112233445566778899aabbccdd";

static bool anyone(void *context, const struct addrbook_entry *entry) {
    (void)context;
    assert(entry->bucket_count > 0);
    return true;
}

static void use(struct addrbook *book) {
    static struct addrbook_address told[ADDRBOOK_SELECTION_MAX];
    struct addrbook_address chosen;
    uint32_t count = addrbook_select(book, told, 30, (const uint8_t *)"01234567890123456789", 1700000000000);
    assert(count <= addrbook_count(book));
    if (addrbook_pick(book, &chosen, 50, 1700000000000, anyone, NULL)) {
        addrbook_attempt(book, chosen.id, 1700000000000);
        addrbook_good(book, chosen.id, 1700000000000);
        addrbook_add(book, &chosen, &chosen, 1700000000001);
        addrbook_ban(book, chosen.id, 1700000000000, 1700000000001);
        addrbook_remove(book, chosen.id);
        assert(addrbook_find(book, chosen.id) == NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz fuzz = fuzz_over(data, size);
    struct addrbook book, again;
    uint32_t left_out, none;
    char *error = NULL;
    bool strict = fuzz_byte(&fuzz) & 1;
    addrbook_init(&book, own, strict, private_ids);
    addrbook_init(&again, own, strict, private_ids);
    if (addrbook_parse(&book, &left_out, fuzz_rest(&fuzz), &error)) {
        char *first = addrbook_text(&book);
        assert(addrbook_parse(&again, &none, span_text(first), &error) && none == 0);
        char *second = addrbook_text(&again);
        fuzz_same(span_text(first), span_text(second));
        free(first);
        free(second);
        use(&book);
    } else {
        assert(error != NULL && addrbook_count(&book) == 0);
    }
    free(error);
    addrbook_close(&book);
    addrbook_close(&again);
    fuzz_end();
    return 0;
}
