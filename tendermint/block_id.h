/* The name of a block: the hash of its header and the root of its parts (cometbft: types/block.go BlockID, types/part_set.go). */
#ifndef QUORATE_TENDERMINT_BLOCK_ID_H
#define QUORATE_TENDERMINT_BLOCK_ID_H

#include "crypto/pubkey.h"

/* A hash of 32 bytes, or none. */
struct digest {
    uint8_t size; /* 0 or 32 */
    uint8_t bytes[32];
};

struct part_header {
    uint32_t total;
    struct digest hash;
};

struct block_id {
    struct digest hash;
    struct part_header parts;
};

/* A text big enough for "HASH:TOTAL:HASH12" in logs. */
#define BLOCK_ID_TEXT_SIZE 96

struct digest digest_of(const uint8_t bytes[static 32]);
static inline bool digest_equal(const struct digest *a, const struct digest *b) {
    return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}
/* The bytes of a field; a size other than 0 or 32 marks the reader bad. */
void digest_read(struct digest *digest, struct proto_reader *reader, const struct proto_field *field);
static inline struct span digest_span(const struct digest *digest) { return span_of(digest->bytes, digest->size); }

bool part_header_equal(const struct part_header *a, const struct part_header *b);
bool part_header_is_zero(const struct part_header *header); /* total 0 and no hash */
bool block_id_equal(const struct block_id *a, const struct block_id *b);
bool block_id_is_nil(const struct block_id *id);      /* IsZero: all empty: a vote for nil */
bool block_id_is_complete(const struct block_id *id); /* both hashes 32 bytes, total > 0 */
/* Order of BlockID.Key() (hash ‖ proto of the part header): decides vote_a < vote_b in evidence. */
int block_id_compare(const struct block_id *a, const struct block_id *b);
void block_id_text(char out[static BLOCK_ID_TEXT_SIZE], const struct block_id *id);

void part_header_write(struct proto_writer *writer, const struct part_header *header);
void part_header_read(struct part_header *header, struct proto_reader *reader); /* a hash of another size than 0 or 32 is bad */
void block_id_write(struct proto_writer *writer, const struct block_id *id);
void block_id_read(struct block_id *id, struct proto_reader *reader);
/* The id as a nested message of `field`: always written; merged when read. */
void block_id_put(struct proto_writer *writer, uint32_t field, const struct block_id *id);
void block_id_get(struct block_id *id, struct proto_reader *reader, const struct proto_field *field);
/* CanonicalBlockID as a field; left out only when the whole id is nil (types/canonical.go). */
void block_id_put_canonical(struct proto_writer *writer, uint32_t field, const struct block_id *id);

#endif
