/* Commits with the extensions of their votes (cometbft: types/block.go ExtendedCommit, types/validator_set.go VerifyCommitExtended). */
#include "tendermint/commit.h"

/* ---- codec: a commit whose entries have two fields more */

void commit_extended_write(struct proto_writer *writer, const struct commit *commit) {
    struct commit head = *commit;
    head.count = 0;
    commit_write(writer, &head);
    for (uint32_t i = 0; i < commit->count; i++) {
        size_t mark = proto_begin(writer, 4);
        commit_sig_write(writer, &commit->sigs[i]);
        if (commit->extensions != NULL) {
            const struct signature *signature = &commit->extensions[i].signature;
            proto_put_bytes(writer, 5, commit->extensions[i].bytes);
            proto_put_bytes(writer, 6, span_of(signature->bytes, signature->size));
        }
        proto_end(writer, mark);
    }
}

static void read_extension(struct commit_extension *extension, struct proto_reader *reader, const struct proto_field *outer) {
    struct proto_reader sub = proto_sub(reader, outer);
    for (struct proto_field field; proto_next(&sub, &field);) {
        struct signature *signature = &extension->signature;
        if (field.number == 5)
            extension->bytes = proto_bytes(&sub, &field);
        else if (field.number == 6)
            signature->size = (uint8_t)proto_bytes_into(&sub, &field, signature->bytes, sizeof signature->bytes);
    }
    proto_join(reader, &sub);
}

/* Once over the bytes as a commit, once for the rest. */
bool commit_extended_decode(struct commit *commit, struct span bytes, struct arena *arena) {
    struct commit read;
    if (!commit_decode(&read, bytes, arena))
        return false;
    read.extensions = arena_take(arena, read.count, sizeof *read.extensions);
    struct proto_reader reader = proto_reader_over(bytes);
    uint32_t at = 0;
    for (struct proto_field field; read.extensions != NULL && proto_next(&reader, &field);)
        if (field.number == 4)
            read_extension(&read.extensions[at++], &reader, &field);
    if (read.extensions == NULL || reader.bad)
        return false;
    *commit = read;
    return true;
}

/* ---- shape */

enum commit_verdict commit_extended_check(const struct commit *commit) {
    enum commit_verdict verdict = commit_check(commit);
    for (uint32_t i = 0; commit->extensions != NULL && verdict == COMMIT_GOOD && i < commit->count; i++) {
        const struct commit_extension *extension = &commit->extensions[i];
        bool good = commit->sigs[i].flag == COMMIT_FOR_BLOCK ? extension->bytes.size <= VOTE_EXTENSION_BYTES_MAX
                                                             : extension->bytes.size == 0 || extension->signature.size > 0;
        verdict = good ? COMMIT_GOOD : COMMIT_BAD_EXTENSION;
    }
    return verdict;
}

static enum commit_verdict ensure(const struct commit *commit, uint32_t *culprit) {
    if (commit->extensions == NULL)
        return COMMIT_BAD_EXTENSION;
    for (*culprit = 0; *culprit < commit->count; ++*culprit) {
        const struct commit_extension *extension = &commit->extensions[*culprit];
        bool is_signed = extension->signature.size > 0;
        bool good = commit->sigs[*culprit].flag == COMMIT_FOR_BLOCK ? is_signed : !is_signed && extension->bytes.size == 0;
        if (!good)
            return COMMIT_BAD_EXTENSION;
    }
    return COMMIT_GOOD;
}

enum commit_verdict commit_extended_ensure(const struct commit *commit) {
    uint32_t culprit = 0;
    return ensure(commit, &culprit);
}

/* ---- votes and signatures */

void commit_extended_vote(struct vote *out, const struct commit *commit, uint32_t index) {
    commit_vote(out, commit, index);
    if (commit->extensions == NULL)
        return;
    out->extension = commit->extensions[index].bytes;
    out->extension_signature = commit->extensions[index].signature;
}

static enum commit_verdict verify_extensions(const struct commit *commit, uint32_t *culprit, const struct valset *set, struct span chain_id) {
    for (*culprit = 0; *culprit < commit->count; ++*culprit) {
        struct vote vote;
        commit_extended_vote(&vote, commit, *culprit);
        if (commit->sigs[*culprit].flag == COMMIT_FOR_BLOCK &&
            !vote_extension_verify_vartime(&vote, chain_id, &set->validators[*culprit].pub_key))
            return COMMIT_BAD_EXTENSION;
    }
    return COMMIT_GOOD;
}

enum commit_verdict commit_extended_verify(const struct commit *commit, uint32_t *culprit, const struct valset *set, struct span chain_id,
                                           const struct block_id *block_id, int64_t height, const struct commit_cache *cache) {
    uint32_t at = 0;
    enum commit_verdict verdict = ensure(commit, &at);
    if (verdict == COMMIT_GOOD)
        verdict = commit_verify(commit, &at, set, chain_id, block_id, height, cache);
    if (verdict == COMMIT_GOOD)
        verdict = verify_extensions(commit, &at, set, chain_id);
    if (verdict != COMMIT_GOOD && culprit != NULL)
        *culprit = at;
    return verdict;
}
