/* The keys of the vote journal's store, and reading it.
 *   'S' ‖ chain                        {1 complete_from, 2 filled, 3 lowest}
 *   'V' ‖ chain ‖ height ‖ part        items of a height; chain: the first 8 bytes of SHA-256(chain id); numbers big-endian
 *   'N' ‖ chain ‖ number               a note */
#ifndef QUORATE_NODE_VOTEJOURNAL_KEYS_H
#define QUORATE_NODE_VOTEJOURNAL_KEYS_H

#include "node/votejournal.h"

enum { VOTEJOURNAL_KEY_BYTES = 21, VOTEJOURNAL_OWN_PART = 0x40000000 /* of an undisputed height: what is ours */ };

struct votejournal_chain {
    uint8_t bytes[8];
};

void votejournal_chain_of(struct votejournal_chain *out, struct span chain_id);
struct span votejournal_key_state(uint8_t out[static VOTEJOURNAL_KEY_BYTES], const struct votejournal_chain *chain);
struct span votejournal_key_part(uint8_t out[static VOTEJOURNAL_KEY_BYTES], const struct votejournal_chain *chain, int64_t height, uint32_t part);
bool votejournal_has_whole(struct kv *kv, const struct votejournal_chain *chain, int64_t height);
uint32_t votejournal_late_part(struct span items);
struct blob *votejournal_gather(struct kv *kv, const struct votejournal_chain *chain, int64_t height, size_t bytes_max);

#endif
