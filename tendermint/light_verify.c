#include "tendermint/light_verify.h"

const char *light_verdict_text(enum light_verdict verdict) {
    switch (verdict) {
    case LIGHT_GOOD: return "good";
    case LIGHT_NOT_ADJACENT: return "headers must be adjacent in height";
    case LIGHT_ADJACENT: return "headers must be non adjacent in height";
    case LIGHT_EXPIRED: return "the trusted header is older than the trusting period";
    case LIGHT_CANNOT_TRUST: return "too few of the trusted validators signed it";
    case LIGHT_BAD_TRUST_LEVEL: return "the trust level is not within [1/3, 1]";
    case LIGHT_BAD_SHAPE: return "the header or its commit is malformed, or the commit is for another block";
    case LIGHT_OTHER_CHAIN: return "the header belongs to another chain";
    case LIGHT_NOT_HIGHER: return "its height is not above the trusted one";
    case LIGHT_NOT_LATER: return "its time does not fit the trusted header's";
    case LIGHT_FROM_FUTURE: return "its time is in the future: a lying source, or this machine's clock is late";
    case LIGHT_WRONG_SET: return "the validators supplied are not those of the header";
    case LIGHT_WRONG_NEXT_SET: return "its validators are not those that the trusted header announced";
    case LIGHT_BAD_COMMIT: return "it is not signed by more than two thirds of its validators";
    case LIGHT_BAD_LINK: return "it is not the block that the trusted header names as its parent";
    }
    return "unknown";
}

/* 128 bits: CometBFT's product can pass 64 and wrap. */
bool light_trust_level_good(uint64_t numerator, uint64_t denominator) {
    return denominator != 0 && numerator <= denominator && (unsigned __int128)numerator * 3 >= denominator;
}

bool light_header_expired(const struct header *header, int64_t trusting_period_ns, const struct timestamp *now) {
    struct timestamp end = timestamp_add_ns(&header->time, trusting_period_ns);
    return timestamp_compare(&end, now) <= 0;
}

enum light_verdict light_check_signed_header(const struct light_block *block, struct span chain_id) {
    if (header_check(&block->header) != HEADER_GOOD || commit_check(&block->commit) != COMMIT_GOOD)
        return LIGHT_BAD_SHAPE;
    if (!span_equal(header_chain_id(&block->header), chain_id))
        return LIGHT_OTHER_CHAIN;
    bool fits = block->commit.height == block->header.height && block->hash.size == 32 && digest_equal(&block->hash, &block->commit.block_id.hash);
    return fits ? LIGHT_GOOD : LIGHT_BAD_SHAPE;
}

static bool has_its_set(const struct light_block *block) {
    struct digest hash;
    valset_hash(&hash, &block->set);
    return digest_equal(&hash, &block->header.validators_hash);
}

enum light_verdict light_check(const struct light_block *block, struct span chain_id) {
    enum light_verdict verdict = light_check_signed_header(block, chain_id);
    if (verdict != LIGHT_GOOD)
        return verdict;
    return block->set.count > 0 && has_its_set(block) ? LIGHT_GOOD : LIGHT_WRONG_SET;
}

/* verifyNewHeaderAndVals */
static enum light_verdict check_against(const struct light_block *block, const struct header *trusted, const struct light_rules *rules,
                                        const struct timestamp *now) {
    struct timestamp latest = timestamp_add_ns(now, rules->clock_drift_ns);
    enum light_verdict verdict = light_check_signed_header(block, header_chain_id(trusted));
    if (verdict != LIGHT_GOOD)
        return verdict;
    if (block->header.height <= trusted->height)
        return LIGHT_NOT_HIGHER;
    if (timestamp_compare(&block->header.time, &trusted->time) <= 0)
        return LIGHT_NOT_LATER;
    if (timestamp_compare(&block->header.time, &latest) >= 0)
        return LIGHT_FROM_FUTURE;
    return has_its_set(block) ? LIGHT_GOOD : LIGHT_WRONG_SET;
}

enum light_verdict light_verify_own_commit(const struct light_block *block, struct span chain_id) {
    enum commit_verdict verdict = commit_verify_light(&block->commit, &block->set, chain_id, &block->commit.block_id, block->header.height);
    return verdict == COMMIT_GOOD ? LIGHT_GOOD : LIGHT_BAD_COMMIT;
}

enum light_verdict light_verify_adjacent(const struct light_block *block, const struct header *trusted, const struct light_rules *rules,
                                         const struct timestamp *now) {
    if (trusted->height == INT64_MAX || block->header.height != trusted->height + 1)
        return LIGHT_NOT_ADJACENT;
    if (light_header_expired(trusted, rules->trusting_period_ns, now))
        return LIGHT_EXPIRED;
    enum light_verdict verdict = check_against(block, trusted, rules, now);
    if (verdict != LIGHT_GOOD)
        return verdict;
    if (!digest_equal(&block->header.validators_hash, &trusted->next_validators_hash))
        return LIGHT_WRONG_NEXT_SET;
    return light_verify_own_commit(block, header_chain_id(trusted));
}

/* A wrong signature of a trusted validator is the source's fault and no reason to look between: CometBFT gives up without a name for it. */
static enum light_verdict verify_trusting(const struct light_block *block, const struct header *trusted, const struct valset *trusted_set,
                                          const struct light_rules *rules) {
    switch (commit_verify_trusting(&block->commit, trusted_set, header_chain_id(trusted), rules->trust_numerator, rules->trust_denominator, false)) {
    case COMMIT_GOOD: return LIGHT_GOOD;
    case COMMIT_NO_QUORUM: return LIGHT_CANNOT_TRUST;
    case COMMIT_BAD_TRUST_LEVEL: return LIGHT_BAD_TRUST_LEVEL;
    default: return LIGHT_BAD_COMMIT;
    }
}

enum light_verdict light_verify_non_adjacent(const struct light_block *block, const struct header *trusted, const struct valset *trusted_set,
                                             const struct light_rules *rules, const struct timestamp *now) {
    if (trusted->height < INT64_MAX && block->header.height == trusted->height + 1)
        return LIGHT_ADJACENT;
    if (!light_trust_level_good(rules->trust_numerator, rules->trust_denominator))
        return LIGHT_BAD_TRUST_LEVEL;
    if (light_header_expired(trusted, rules->trusting_period_ns, now))
        return LIGHT_EXPIRED;
    enum light_verdict verdict = check_against(block, trusted, rules, now);
    if (verdict == LIGHT_GOOD)
        verdict = verify_trusting(block, trusted, trusted_set, rules);
    return verdict == LIGHT_GOOD ? light_verify_own_commit(block, header_chain_id(trusted)) : verdict;
}

enum light_verdict light_verify(const struct light_block *block, const struct header *trusted, const struct valset *trusted_set,
                                const struct light_rules *rules, const struct timestamp *now) {
    bool adjacent = trusted->height < INT64_MAX && block->header.height == trusted->height + 1;
    return adjacent ? light_verify_adjacent(block, trusted, rules, now) : light_verify_non_adjacent(block, trusted, trusted_set, rules, now);
}

enum light_verdict light_verify_backwards(const struct header *header, const struct header *trusted) {
    struct digest hash;
    if (header_check(header) != HEADER_GOOD)
        return LIGHT_BAD_SHAPE;
    if (!span_equal(header_chain_id(header), header_chain_id(trusted)))
        return LIGHT_OTHER_CHAIN;
    if (timestamp_compare(&header->time, &trusted->time) >= 0)
        return LIGHT_NOT_LATER;
    header_hash(&hash, header);
    return hash.size == 32 && digest_equal(&hash, &trusted->last_block_id.hash) ? LIGHT_GOOD : LIGHT_BAD_LINK;
}
