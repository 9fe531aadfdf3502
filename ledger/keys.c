#include "ledger/keys.h"

#include <assert.h>

struct key keys_plain(char letter) { return (struct key){.bytes = {(uint8_t)letter}, .size = 1}; }

static void add_number(struct key *key, uint64_t number) {
    for (unsigned i = 0; i < 8; i++)
        key->bytes[key->size++] = (uint8_t)(number >> (56 - 8 * i));
}

struct key keys_height(char letter, int64_t height) {
    assert(height >= 0);
    struct key key = keys_plain(letter);
    add_number(&key, (uint64_t)height);
    return key;
}

struct key keys_index_value(bool of_tx, uint64_t value, int64_t height) {
    struct key key = keys_plain(of_tx ? 'q' : 'y');
    add_number(&key, value);
    add_number(&key, (uint64_t)height);
    return key;
}

struct key keys_index_tag(bool of_tx, uint64_t tag, int64_t height) {
    struct key key = keys_plain('z');
    key.bytes[key.size++] = of_tx ? 't' : 'b';
    add_number(&key, tag);
    add_number(&key, (uint64_t)height);
    return key;
}

struct key keys_hash(char letter, const uint8_t hash[static 32]) {
    struct key key = {.bytes = {(uint8_t)letter}, .size = 33};
    memcpy(key.bytes + 1, hash, 32);
    return key;
}

struct key keys_height_hash(char letter, int64_t height, const uint8_t hash[static 32]) {
    struct key key = keys_height(letter, height);
    memcpy(key.bytes + key.size, hash, 32);
    key.size += 32;
    return key;
}

int64_t keys_height_of(struct span key) {
    if (key.size != 9)
        return -1;
    uint64_t height = 0;
    for (unsigned i = 0; i < 8; i++)
        height = height << 8 | key.data[1 + i];
    return height <= INT64_MAX ? (int64_t)height : -1;
}
