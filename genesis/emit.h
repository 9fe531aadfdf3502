/* JSON text, written as Go's encoding/json and CometBFT's libs/json write it (protocol.md §7.2): no white space; <, >, & and U+2028/9 escaped;
 * 64-bit numbers in quotes; hashes and addresses in upper hex, other bytes in base64. Commas come by themselves. */
#ifndef QUORATE_GENESIS_EMIT_H
#define QUORATE_GENESIS_EMIT_H

#include "tendermint/timestamp.h"

struct emit { /* grows by malloc; aborts when there is no memory */
    char *data;
    size_t size, capacity;
};

void emit_init(struct emit *emit);
void emit_close(struct emit *emit);
void emit_clear(struct emit *emit);                      /* keeps the memory, unless it is more than a few hundred kilobytes */
struct emit emit_take(struct emit *emit);                /* the caller owns what was written; *emit is empty */
char *emit_text(struct emit *emit);                      /* likewise, as NUL-terminated malloc'ed text */
void emit_room(struct emit *emit, size_t more);          /* so that the next `more` bytes need no growth */
void emit_raw(struct emit *emit, struct span text);      /* as it is, no comma */
void emit_literal(struct emit *emit, const char *text);

/* Each of these begins with a comma if something stands before it in the same list or object. */
void emit_open(struct emit *emit, char bracket);         /* '{' or '[' */
void emit_shut(struct emit *emit, char bracket);         /* '}' or ']' (no comma) */
void emit_key(struct emit *emit, const char *name);      /* a name that needs no escape */
void emit_null(struct emit *emit);
void emit_bool(struct emit *emit, bool value);
void emit_number(struct emit *emit, int64_t value);      /* bare: int32, uint32 */
void emit_int64(struct emit *emit, int64_t value);       /* in quotes */
void emit_uint64(struct emit *emit, uint64_t value);
void emit_string(struct emit *emit, struct span text);
void emit_cstring(struct emit *emit, const char *text);
void emit_hex(struct emit *emit, struct span bytes);     /* HexBytes: upper case; empty: "" */
void emit_base64(struct emit *emit, struct span bytes);  /* []byte: empty with a NULL pointer, or just empty: null */
void emit_base64_text(struct emit *emit, struct span bytes); /* likewise, but empty: "" */
void emit_time(struct emit *emit, const struct timestamp *time);
/* Any JSON value known to be good, without its white space and with Go's escapes (json.Compact). */
void emit_compact(struct emit *emit, struct span value);
/* The same with two spaces of indent (json.MarshalIndent). `value` is compact. */
void emit_indented(struct emit *emit, struct span value);

#endif
