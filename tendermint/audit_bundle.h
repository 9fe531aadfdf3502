/* The bundle: an audit's result with all that is needed to believe it, for somebody who has only the genesis (or one trusted header).
 *
 *   "QUORATE-AUDIT-2\n", then records: tag (1 byte) ‖ size (4, big-endian) ‖ content, tags ascending:
 *   1 head       {1 chain_id, 2 height, 3 rule, 4 trusted height, 5 trusted set's hash, 6 deadline passed,
 *                 7 application: only with blocks, or where they are left to whoever verifies,
 *                 8 the height's fork was shown to light clients alone}                                                      once
 *   2 set        {repeated 1 {1 pub_key, 2 power}}            ascending by valset_hash
 *   3 link       SignedHeader {1 header, 2 commit}            ascending by height, below the height
 *   4 commit     SignedHeader of the height                   one, or two of a fork: by round, then block id
 *   5 header     Header                                       of blocks that statements are about, ascending by hash
 *   6 polka      {repeated 1 Vote}                            r* (audit.h), at most one
 *   7 log        audit_log.h                                  of those who are convicted by it, ascending by address
 *   8 block      as the chain has it                          all from the first to below the height, if a statement is by re-execution and they fit
 *   9 statement  {1 kind, 2 status, 3 address, 4 a, 5 b (votes), 6 a, 7 b (proposals)}   ascending by address, kind, height
 *  10 end        SHA-256 of all before this record
 *
 * How the set of the height follows from the genesis: each link is signed by more than two thirds of its own set, and that set is the one that
 * the trust so far names (the next height), or more than two thirds of the trusted set signed too (a later one). So does each commit follow
 * from the last link. Everything is encoded in one way only: what decodes but would be written otherwise is refused. */
#ifndef QUORATE_TENDERMINT_AUDIT_BUNDLE_H
#define QUORATE_TENDERMINT_AUDIT_BUNDLE_H

#include "tendermint/audit.h"
#include "tendermint/audit_log.h"

#define AUDIT_BUNDLE_MAGIC     "QUORATE-AUDIT-2\n"
#define AUDIT_BUNDLE_BYTES_MAX ((size_t)256 * 1024 * 1024)
#define AUDIT_BUNDLE_LINKS_MAX 10000
#define AUDIT_BUNDLE_BLOCKS_BYTES_MAX ((size_t)128 * 1024 * 1024)

enum audit_bundle_tag {
    AUDIT_BUNDLE_HEAD = 1, AUDIT_BUNDLE_SET, AUDIT_BUNDLE_LINK, AUDIT_BUNDLE_COMMIT, AUDIT_BUNDLE_HEADER,
    AUDIT_BUNDLE_POLKA, AUDIT_BUNDLE_LOG, AUDIT_BUNDLE_BLOCK, AUDIT_BUNDLE_STATEMENT, AUDIT_BUNDLE_END,
};

struct audit_trust { /* what is believed to begin with: the set of height + 1, by its hash */
    int64_t height;  /* initial height − 1 for a genesis; the height of a trusted header */
    struct digest set_hash;
};

struct audit_bundle { /* what to write; loans */
    const struct audit_case *audit;
    const struct audit_report *report;
    struct audit_trust trust;
    const struct audit_commit *links;
    uint32_t link_count;
    const struct valset *const *sets; /* whatever of these is needed is written */
    uint32_t set_count;
    const struct span *logs;          /* the bytes of audit->logs */
    const char *application;          /* by whose rules headers were found wrong; NULL: none was looked at */
    const struct span *blocks;        /* from the first to below the height; 0: whoever verifies brings them */
    uint32_t block_count;
};

/* false: no room in the arena, or a set that is needed is not among `sets`. The bytes are the arena's. */
bool audit_bundle_make(struct span *out, const struct audit_bundle *bundle, struct arena *arena);

#endif
