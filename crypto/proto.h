/* The protobuf cursor: canonical proto3 bytes in, canonical bytes out, no allocation, no reflection.
 *
 * Writer. Fields are written in ascending order by the caller. A zero scalar, empty bytes or empty nested message is
 * left out by the plain functions (proto3), so that the output equals gogoproto's. A writer over NULL data measures:
 * it counts in `size` and writes nothing. When `capacity` is passed, `overflow` becomes true and the rest is dropped.
 *
 * Reader. Sticky: after the first bad byte every later read yields zeroes and `bad` stays true; the caller tests once at
 * the end. As permissive as gogoproto (which CometBFT uses), because blocks are judged by what it accepts: unknown
 * fields of every wire type, groups included, are skipped; non-minimal varints of up to 10 bytes are accepted (bits
 * above 64 are dropped); repeated occurrences of a singular field: the last wins, nested messages merge; field
 * number 0 (after it is cut to 32 bits), wrong wire types of known fields, truncated input, lengths beyond the end are bad.
 * A group is given as a field of wire PROTO_GROUP without a value, already skipped: bad for whoever asks for its value.
 * `x_read(x, reader)` functions of all rooms merge into an initialised struct; `x_decode(x, …, span)` initialise,
 * read, and require that the reader is good.
 */
#ifndef QUORATE_CRYPTO_PROTO_H
#define QUORATE_CRYPTO_PROTO_H

#include "crypto/span.h"

struct proto_writer {
    uint8_t *data;
    size_t capacity;
    size_t size;
    bool overflow;
};

void proto_writer_init(struct proto_writer *writer, void *data, size_t capacity);
void proto_writer_measure(struct proto_writer *writer);
static inline struct span proto_writer_span(const struct proto_writer *writer) { return span_of(writer->data, writer->size); }

/* Raw pieces, without a field tag. */
void proto_put_varint(struct proto_writer *writer, uint64_t value);
void proto_put_raw(struct proto_writer *writer, struct span bytes);

/* Scalars; zero values are left out. Signed 32- and 64-bit values are sign-extended varints (int32, int64, enum, bool). */
void proto_put_uint64(struct proto_writer *writer, uint32_t field, uint64_t value);
void proto_put_int64(struct proto_writer *writer, uint32_t field, int64_t value);
void proto_put_bool(struct proto_writer *writer, uint32_t field, bool value);
void proto_put_sfixed64(struct proto_writer *writer, uint32_t field, int64_t value);
void proto_put_bytes(struct proto_writer *writer, uint32_t field, struct span bytes);
void proto_put_bytes_always(struct proto_writer *writer, uint32_t field, struct span bytes); /* repeated bytes: empty kept */
void proto_put_text(struct proto_writer *writer, uint32_t field, const char *text);

/* A nested message: everything put between begin and end; written even when empty ("!" in protocol.md). */
size_t proto_begin(struct proto_writer *writer, uint32_t field);
void proto_end(struct proto_writer *writer, size_t mark);

size_t proto_varint_size(uint64_t value);

struct proto_reader {
    const uint8_t *at;
    const uint8_t *end;
    bool bad;
};

enum proto_wire { PROTO_VARINT = 0, PROTO_FIXED64 = 1, PROTO_BYTES = 2, PROTO_GROUP = 3, PROTO_FIXED32 = 5 };

struct proto_field {
    uint32_t number;
    uint8_t wire;       /* enum proto_wire */
    uint64_t value;     /* of a varint or fixed */
    struct span bytes;  /* of PROTO_BYTES: a loan from the input */
};

struct proto_reader proto_reader_over(struct span bytes);
/* The next field, or false at the end of input or when the reader is (now) bad. */
bool proto_next(struct proto_reader *reader, struct proto_field *field);
/* The field's value in the asked type; a wrong wire type marks the reader bad and gives zero. */
uint64_t proto_uint64(struct proto_reader *reader, const struct proto_field *field);
int64_t proto_int64(struct proto_reader *reader, const struct proto_field *field);
int32_t proto_int32(struct proto_reader *reader, const struct proto_field *field);   /* truncates as Go does */
uint32_t proto_uint32(struct proto_reader *reader, const struct proto_field *field); /* truncates as Go does */
bool proto_bool(struct proto_reader *reader, const struct proto_field *field);
int64_t proto_sfixed64(struct proto_reader *reader, const struct proto_field *field);
struct span proto_bytes(struct proto_reader *reader, const struct proto_field *field);
/* Bytes copied into a fixed place of at most `capacity`; longer marks the reader bad. Returns the size. */
size_t proto_bytes_into(struct proto_reader *reader, const struct proto_field *field, void *out, size_t capacity);
/* A reader over the nested message; proto_join carries its badness to the outer reader. */
struct proto_reader proto_sub(struct proto_reader *reader, const struct proto_field *field);
void proto_join(struct proto_reader *reader, const struct proto_reader *sub);
/* A raw varint at the cursor (length prefixes of delimited messages). */
uint64_t proto_varint(struct proto_reader *reader);

/* Length-delimited framing of streams. Looks at `bytes`: returns the size of prefix + message when whole, 0 when more
 * bytes are needed, and -1 when the length is malformed or above `size_max`. *message is the loan inside. */
long proto_delimited(struct span *message, struct span bytes, size_t size_max);

#endif
