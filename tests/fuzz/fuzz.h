/* What every target shares. A target is fuzz_NAME.c with one entry point; a property that must hold is an assert. Inputs larger than
 * FUZZ_BYTES_MAX, which a target may define before this header (run.sh reads it), are passed over. */
#ifndef QUORATE_TESTS_FUZZ_H
#define QUORATE_TESTS_FUZZ_H

#include <assert.h>

#include "crypto/arena.h"
#include "crypto/proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input, eaten from the front; zeroes and nothing beyond its end. */
struct fuzz {
    const uint8_t *at, *end;
};

struct fuzz fuzz_over(const uint8_t *data, size_t size);
uint64_t fuzz_number(struct fuzz *fuzz, size_t bytes); /* little endian */
static inline uint8_t fuzz_byte(struct fuzz *fuzz) { return (uint8_t)fuzz_number(fuzz, 1); }
struct span fuzz_rest(struct fuzz *fuzz);
/* Bytes with their length in two bytes before them, in memory of their own, so that reading beyond them is seen. */
struct span fuzz_piece(struct fuzz *fuzz);
struct span fuzz_copy(struct span bytes);

void *fuzz_room(size_t size); /* freed by fuzz_end, as are pieces and copies */
char *fuzz_string(struct span bytes); /* NUL-terminated; ends at the first NUL */
void fuzz_end(void);
struct arena *fuzz_arena(void); /* 64 MiB, reset by fuzz_end */

void fuzz_same(struct span a, struct span b); /* aborts, showing both */

/* Measures, writes, and asserts that both agree: FUZZ_WRITE(first, vote_write(&first, &vote)); */
#define FUZZ_WRITE(name, call)                              \
    struct proto_writer name;                               \
    do {                                                    \
        proto_writer_measure(&name);                        \
        call;                                               \
        size_t name##_size = name.size;                     \
        proto_writer_init(&name, fuzz_room(name##_size), name##_size); \
        call;                                               \
        assert(!name.overflow && name.size == name##_size); \
    } while (0)

/* Must not be met: for failure handlers of stores and disks in memory. */
void fuzz_world_failed(void *context, const char *what) __attribute__((noreturn));

#endif
