/* The protocol's structs out of JSON as CometBFT writes it (protocol.md §7.2). Names are exact, what is missing or null is zero, what is unknown is
 * passed over. Sticky: after the first wrong field every other reads as zero, and `wrong` names it; the caller looks once, at the end. Values are
 * checked JSON (scan_value). */
#ifndef QUORATE_RPC_DOCUMENT_H
#define QUORATE_RPC_DOCUMENT_H

#include "genesis/scan.h"
#include "tendermint/commit.h"
#include "tendermint/header.h"

struct document {
    struct arena *arena; /* texts and lists */
    const char *wrong;   /* the field; NULL: none */
};

void document_fault(struct document *document, const char *name);
/* The member, if it is there, not null, and nothing was wrong before; _object and _list fault another kind. */
bool document_member(struct document *document, struct span *out, struct span object, const char *name);
bool document_object(struct document *document, struct span *out, struct span object, const char *name);
bool document_list(struct document *document, struct span *out, struct span object, const char *name);

int64_t document_int64(struct document *document, struct span object, const char *name); /* in quotes */
uint64_t document_uint64(struct document *document, struct span object, const char *name);
int64_t document_number(struct document *document, struct span object, const char *name, int64_t least, int64_t most); /* bare */
int32_t document_int32(struct document *document, struct span object, const char *name);
/* Up to `capacity` bytes, by text_hex_decode or text_base64_decode. Returns how many. */
size_t document_bytes(struct document *document, uint8_t *out, size_t capacity, struct span object, const char *name,
                      bool (*decode)(uint8_t *, size_t *, size_t, struct span));
/* Of any size, from the arena or loans of the text; what is missing is empty. _base64: the value itself. */
bool document_base64(struct document *document, struct span *out, struct span value); /* false: it is none; nothing is faulted */
struct span document_blob(struct document *document, struct span object, const char *name); /* base64 */
struct span document_text(struct document *document, struct span object, const char *name);
bool document_bool(struct document *document, struct span object, const char *name);
struct digest document_digest(struct document *document, struct span object, const char *name);   /* hex, 0 or 32 bytes */
struct address document_address(struct document *document, struct span object, const char *name); /* hex, 0 or 20 bytes */
struct signature document_signature(struct document *document, struct span object, const char *name);
struct timestamp document_time(struct document *document, struct span object, const char *name); /* missing: the zero time */
struct block_id document_block_id(struct document *document, struct span object, const char *name);
struct pubkey document_pubkey(struct document *document, struct span object); /* its member "pub_key" */

/* Of the value itself. */
void document_header(struct document *document, struct header *header, struct span value);
void document_commit(struct document *document, struct commit *commit, struct span value); /* entries from the arena */
void document_validator(struct document *document, struct validator *validator, struct span value);

#endif
