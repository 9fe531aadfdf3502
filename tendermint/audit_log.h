/* A log of one height that a validator signed: what it sent and saw, and that it is complete. What an auditor is given, and what an accused answers.
 *
 *   Log {1 manifest, 2 signature, 3 repeated Vote, 4 repeated Proposal, 5 repeated Header}, in this order
 *   Manifest {1 chain_id, 2 height, 3 complete, 4 complete_from, 5 address, 6 digest: SHA-256 of fields 3 to 5 as they stand, 7 repeated note}
 * Signed is "quorate vote log\n" ‖ SHA-256(manifest) with the validator's key: no vote's or proposal's sign bytes begin so. A log without a
 * signature is as good as any other source of votes, but it convicts nobody by its silence. */
#ifndef QUORATE_TENDERMINT_AUDIT_LOG_H
#define QUORATE_TENDERMINT_AUDIT_LOG_H

#include "tendermint/commit.h"
#include "tendermint/header.h"

#define AUDIT_LOG_SIGN_BYTES     49
#define AUDIT_LOG_NOTES_MAX      64
#define AUDIT_LOG_NOTE_BYTES_MAX 256

struct audit_log_manifest { /* spans are loans */
    struct span chain_id;
    int64_t height;
    bool complete;         /* everything that this key sent and this node took in at the height */
    int64_t complete_from; /* 0: never incomplete */
    struct address address;
    uint8_t digest[32];
    uint32_t note_count;   /* what the operator ought to tell: resets, restored files */
    struct span notes[AUDIT_LOG_NOTES_MAX];
};

struct audit_log { /* loans of the bytes read */
    struct audit_log_manifest manifest;
    struct span manifest_bytes;
    struct signature signature; /* size 0: not signed */
    struct span items;
};

enum audit_log_item { AUDIT_LOG_END = 0, AUDIT_LOG_VOTE = 3, AUDIT_LOG_PROPOSAL = 4, AUDIT_LOG_HEADER = 5, AUDIT_LOG_OTHER = 6, AUDIT_LOG_BROKEN = 7 };

/* false: not such a log, or the items are not those that the manifest was made for. */
bool audit_log_read(struct audit_log *log, struct span bytes);
bool audit_log_signed_by(const struct audit_log *log, const struct pubkey *key);
/* Walks the items: *rest is log->items at first. `item` is what decodes; BROKEN: malformed, and the walk goes on unless *rest is empty. */
enum audit_log_item audit_log_next(struct span *rest, struct span *item);

void audit_log_item_write(struct proto_writer *writer, const struct vote *vote, const struct proposal *proposal, const struct header *header); /* one */
void audit_log_sign_bytes(uint8_t out[static AUDIT_LOG_SIGN_BYTES], struct span manifest_bytes);
/* Fills in the digest. */
void audit_log_manifest_write(struct proto_writer *writer, struct audit_log_manifest *manifest, struct span items);
void audit_log_write(struct proto_writer *writer, struct span manifest_bytes, const struct signature *signature, struct span items);

#endif
