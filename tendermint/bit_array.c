#include "tendermint/bit_array.h"

#include <assert.h>
#include <stdlib.h>

enum { WORD_BITS = 64, WORDS_MAX = BIT_ARRAY_BITS_MAX / WORD_BITS };

_Static_assert(BIT_ARRAY_BITS_MAX % WORD_BITS == 0, "whole words");

static uint32_t words_for(uint32_t bits) { return (bits + WORD_BITS - 1) / WORD_BITS; }

void bit_array_init(struct bit_array *array) { *array = (struct bit_array){0}; }

void bit_array_close(struct bit_array *array) {
    free(array->words);
    bit_array_init(array);
}

void bit_array_resize(struct bit_array *array, uint32_t bits) {
    assert(bits <= BIT_ARRAY_BITS_MAX);
    uint32_t words = words_for(bits);
    if (words > array->word_capacity) {
        free(array->words);
        array->words = malloc(words * sizeof array->words[0]);
        assert(array->words != NULL);
        array->word_capacity = words;
    }
    array->bits = bits;
    if (words > 0)
        memset(array->words, 0, words * sizeof array->words[0]);
}

static void clear_beyond_end(struct bit_array *array) {
    if (array->bits % WORD_BITS != 0)
        array->words[array->bits / WORD_BITS] &= (UINT64_C(1) << array->bits % WORD_BITS) - 1;
}

void bit_array_copy(struct bit_array *to, const struct bit_array *from) {
    if (to == from)
        return;
    bit_array_resize(to, from->bits);
    if (from->bits > 0)
        memcpy(to->words, from->words, words_for(from->bits) * sizeof to->words[0]);
}

bool bit_array_get(const struct bit_array *array, uint32_t index) {
    return index < array->bits && (array->words[index / WORD_BITS] >> index % WORD_BITS & 1) != 0;
}

void bit_array_set(struct bit_array *array, uint32_t index, bool value) {
    if (index >= array->bits)
        return;
    uint64_t bit = UINT64_C(1) << index % WORD_BITS;
    if (value)
        array->words[index / WORD_BITS] |= bit;
    else
        array->words[index / WORD_BITS] &= ~bit;
}

uint32_t bit_array_count(const struct bit_array *array) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < words_for(array->bits); i++)
        count += (uint32_t)__builtin_popcountll(array->words[i]);
    return count;
}

bool bit_array_full(const struct bit_array *array) { return array->bits > 0 && bit_array_count(array) == array->bits; }

/* Nothing is set beyond the end. */
static uint64_t word_of(const struct bit_array *array, uint32_t i) {
    return i < words_for(array->bits) ? array->words[i] : 0;
}

int32_t bit_array_pick(const struct bit_array *has, const struct bit_array *lacks, uint32_t from) {
    uint32_t words = words_for(has->bits);
    if (words == 0)
        return -1;
    from %= has->bits;
    for (uint32_t step = 0; step <= words; step++) { /* the first word is seen twice: above `from`, then below */
        uint32_t i = (from / WORD_BITS + step) % words;
        uint64_t wanted = has->words[i] & ~word_of(lacks, i);
        if (step == 0)
            wanted &= UINT64_MAX << from % WORD_BITS;
        if (wanted != 0)
            return (int32_t)(i * WORD_BITS + (uint32_t)__builtin_ctzll(wanted));
    }
    return -1;
}

void bit_array_or(struct bit_array *to, const struct bit_array *from) {
    for (uint32_t i = 0; i < words_for(to->bits); i++)
        to->words[i] |= word_of(from, i);
    clear_beyond_end(to);
}

void bit_array_write(struct proto_writer *writer, const struct bit_array *array) {
    proto_put_int64(writer, 1, array->bits);
    if (array->bits == 0)
        return;
    size_t mark = proto_begin(writer, 2);
    for (uint32_t i = 0; i < words_for(array->bits); i++)
        proto_put_varint(writer, array->words[i]);
    proto_end(writer, mark);
}

struct words {
    uint32_t count;
    uint64_t word[WORDS_MAX];
};

static void push_word(struct words *words, struct proto_reader *reader, uint64_t word) {
    if (words->count == WORDS_MAX)
        reader->bad = true;
    else
        words->word[words->count++] = word;
}

/* Packed or not: proto3 readers take both. */
static void read_words(struct words *words, struct proto_reader *reader, const struct proto_field *field) {
    if (field->wire == PROTO_VARINT) {
        push_word(words, reader, field->value);
        return;
    }
    struct proto_reader packed = proto_sub(reader, field);
    while (!packed.bad && packed.at < packed.end) {
        uint64_t word = proto_varint(&packed);
        if (!packed.bad)
            push_word(words, &packed, word);
    }
    proto_join(reader, &packed);
}

void bit_array_read(struct bit_array *array, struct proto_reader *reader) {
    struct words words = {.count = words_for(array->bits)};
    if (words.count > 0)
        memcpy(words.word, array->words, words.count * sizeof words.word[0]);
    int64_t bits = array->bits;
    struct proto_field field;
    while (proto_next(reader, &field)) {
        if (field.number == 1)
            bits = proto_int64(reader, &field);
        else if (field.number == 2)
            read_words(&words, reader, &field);
    }
    if (bits < 0 || bits > BIT_ARRAY_BITS_MAX || words_for((uint32_t)bits) != words.count)
        reader->bad = true;
    if (reader->bad)
        return;
    bit_array_resize(array, (uint32_t)bits);
    if (words.count > 0)
        memcpy(array->words, words.word, words.count * sizeof words.word[0]);
    clear_beyond_end(array);
}

void bit_array_text(char *out, const struct bit_array *array) {
    for (uint32_t i = 0; i < array->bits; i++)
        out[i] = bit_array_get(array, i) ? 'x' : '_';
    out[array->bits] = '\0';
}
