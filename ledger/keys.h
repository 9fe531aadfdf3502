/* The layout of the store: one letter, then big-endian numbers, so that keys ascend with height.
 *   h            head: the ledger's state after the last applied height
 *   b<height>    block bytes                     m<height>  BlockMeta: id, size, header, number of transactions
 *   c<height>    commit of `height` that block height+1 carries (written with height+1)
 *   k<height>    seen commit of `height`, of the last heights only
 *   x<height>    extended commit of `height`, where vote extensions are on
 *   i<hash>      block hash → height             t<hash>    transaction hash → height, index
 *   r<height>    FinalizeBlock response          v<height>  validators of `height`, where they changed and every 1000 heights
 *   p<height>    consensus parameters likewise   u<height>  undo record of `height`: the batch that takes it back
 *   e<hash>      committed evidence → height  w<height><hash>  pending evidence about that height
 *   q<value><height> y<value><height> z<t|b><tag><height>  the index of events (index.h); value and tag are 64 bits
 *   j            what was pruned: lowest height with results, lowest height in the indexes t, q, y, z
 *   g            genesis: hash of the file's content, so that another genesis is refused
 *   s…           the application's own keys */
#ifndef QUORATE_LEDGER_KEYS_H
#define QUORATE_LEDGER_KEYS_H

#include "crypto/span.h"

#define KEYS_BYTES_MAX 48

struct key {
    uint8_t bytes[KEYS_BYTES_MAX];
    size_t size;
};

struct key keys_plain(char letter);
struct key keys_height(char letter, int64_t height);
struct key keys_hash(char letter, const uint8_t hash[static 32]);
struct key keys_height_hash(char letter, int64_t height, const uint8_t hash[static 32]);
struct key keys_index_value(bool of_tx, uint64_t value, int64_t height);
struct key keys_index_tag(bool of_tx, uint64_t tag, int64_t height);
int64_t keys_height_of(struct span key); /* of a key of keys_height; −1: not one */
static inline struct span keys_span(const struct key *key) { return span_of(key->bytes, key->size); }

#define KEYS_APP_PREFIX 's'

#endif
