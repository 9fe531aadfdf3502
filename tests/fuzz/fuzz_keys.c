/* Key files and the signer's mark, alone and as the two files that a signer finds when it is opened: whatever stands there, what it signs afterwards
 * lies above every mark that it took for whole. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#include "node/keyfile.h"
#include "node/signer.h"

static void keyfile(struct span text, bool is_node_key) {
    struct keyfile key, again;
    if (keyfile_parse(&key, text, is_node_key) != NULL)
        return;
    char *first = keyfile_text(&key, is_node_key);
    assert(keyfile_parse(&again, span_text(first), is_node_key) == NULL);
    assert(memcmp(key.secret, again.secret, 32) == 0 && pubkey_equal(&key.public_key, &again.public_key));
    char *second = keyfile_text(&again, is_node_key), *public = keyfile_public_json(&key.public_key), id[KEYFILE_ID_SIZE];
    fuzz_same(span_text(first), span_text(second));
    keyfile_id(id, &key);
    free(first);
    free(second);
    free(public);
}

static void mark(struct span text) {
    static struct signer_mark_state state, again;
    static char first[SIGNER_MARK_TEXT_SIZE], second[SIGNER_MARK_TEXT_SIZE];
    if (!signer_mark_parse(&state, text))
        return;
    size_t size = signer_mark_text(first, sizeof first, &state);
    assert(size > 0 && size < sizeof first);
    assert(signer_mark_parse(&again, span_text(first)));
    size_t other = signer_mark_text(second, sizeof second, &again);
    fuzz_same(span_of(first, size), span_of(second, other));
}

#define MARK "data/priv_validator_state.json"

static struct vote prevote_of(int64_t height, int32_t round) {
    struct vote vote;
    vote_init(&vote);
    vote.type = VOTE_PREVOTE;
    vote.height = height;
    vote.round = round;
    vote.timestamp = (struct timestamp){1700000000, 0};
    return vote;
}

static void sign(struct signer *signer) {
    int64_t height;
    int32_t round, step;
    signer_mark(signer, &height, &round, &step);
    if (height < 0 || height == INT64_MAX)
        return;
    struct vote lower = prevote_of(height > 0 ? height - 1 : 0, 0), higher = prevote_of(height + 1, 0);
    if (height > 0)
        assert(signer_vote(signer, &lower, span_text("chain")) == SIGNER_REGRESSION_HEIGHT);
    assert(signer_vote(signer, &higher, span_text("chain")) == SIGNER_SIGNED && higher.signature.size == 64);
    int64_t after;
    signer_mark(signer, &after, &round, &step);
    assert(after == height + 1);
}

static void open_both(struct fuzz *fuzz) {
    static const uint8_t seed[32] = {1};
    uint8_t choice = fuzz_byte(fuzz);
    struct span json = fuzz_piece(fuzz), twin = fuzz_piece(fuzz);
    struct disk *disk = disk_memory_new((struct disk_failure){NULL, fuzz_world_failed});
    if (choice & 1)
        disk->table->replace(disk, MARK, json);
    if (choice & 2)
        disk->table->replace(disk, "data/priv_validator_state.alt", twin);
    for (int turn = 0; turn < 2; turn++) {
        char *error = NULL;
        struct signer *signer = signer_open(disk, MARK, ed25519_key_new(seed), choice >> 2 & 1, &error);
        assert((signer == NULL) == (error != NULL));
        free(error);
        if (signer == NULL) {
            assert(turn == 0); /* what it wrote itself, it reads */
            break;
        }
        sign(signer);
        signer_free(signer);
    }
    disk_memory_free(disk);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz fuzz = fuzz_over(data, size);
    switch (fuzz_byte(&fuzz)) {
    case 0: keyfile(fuzz_rest(&fuzz), true); break;
    case 1: keyfile(fuzz_rest(&fuzz), false); break;
    case 2: mark(fuzz_rest(&fuzz)); break;
    case 3: open_both(&fuzz); break;
    }
    fuzz_end();
    return 0;
}
