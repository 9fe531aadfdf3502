#include "tendermint/valset.h"

#include <assert.h>
#include <stdlib.h>

const char *valset_verdict_text(enum valset_verdict verdict) {
    switch (verdict) {
    case VALSET_GOOD: return "good";
    case VALSET_EMPTY: return "no validators would be left";
    case VALSET_DUPLICATE: return "a validator is named twice";
    case VALSET_NEGATIVE_POWER: return "negative voting power";
    case VALSET_UNKNOWN_REMOVED: return "removal of a validator that is not a member";
    case VALSET_POWER_OVERFLOW: return "total voting power above the maximum";
    case VALSET_TOO_MANY: return "too many validators";
    case VALSET_BAD_ENCODING: return "malformed validator set";
    }
    return "unknown";
}

void valset_init(struct valset *set) { *set = (struct valset){.proposer = -1}; }

void valset_close(struct valset *set) {
    free(set->validators);
    valset_init(set);
}

void valset_copy(struct valset *to, const struct valset *from) {
    if (to == from)
        return;
    if (to->count != from->count) {
        free(to->validators);
        to->validators = from->count == 0 ? NULL : malloc(from->count * sizeof to->validators[0]);
        assert(from->count == 0 || to->validators != NULL);
    }
    if (from->count > 0)
        memcpy(to->validators, from->validators, from->count * sizeof to->validators[0]);
    to->count = from->count;
    to->proposer = from->proposer;
    to->total_power = from->total_power;
}

int32_t valset_find(const struct valset *set, const struct address *address) {
    for (uint32_t i = 0; i < set->count; i++)
        if (address_equal(&set->validators[i].address, address))
            return (int32_t)i;
    return -1;
}

static struct span simple_validator(uint8_t out[static 64], const struct validator *validator) {
    struct proto_writer writer;
    proto_writer_init(&writer, out, 64);
    size_t mark = proto_begin(&writer, 1);
    pubkey_write(&writer, &validator->pub_key);
    proto_end(&writer, mark);
    proto_put_int64(&writer, 2, validator->power);
    assert(!writer.overflow);
    return proto_writer_span(&writer);
}

void valset_hash(struct digest *out, const struct valset *set) {
    struct merkle tree;
    merkle_init(&tree);
    for (uint32_t i = 0; i < set->count; i++) {
        uint8_t leaf[64];
        merkle_add(&tree, simple_validator(leaf, &set->validators[i]));
    }
    out->size = 32;
    merkle_root(&tree, out->bytes);
}

/* Twice the largest total still fits, so the division is exact as CometBFT does it. */
int64_t valset_quorum(const struct valset *set) { return set->total_power * 2 / 3 + 1; }
