#include "tendermint/audit_verify.h"

#include "crypto/sha256.h"
#include "tendermint/audit_verify_inside.h"

enum { MAGIC_BYTES = sizeof AUDIT_BUNDLE_MAGIC - 1, NAME_BYTES = MAGIC_BYTES - 2, RECORD_HEAD_BYTES = 5 };

typedef const char *record_reader(struct audit_verifier *verifier, struct span content);

/* ---- the sums: each key once, under the best that holds against it */

static bool passes_third(int64_t power, int64_t total) { return total > 0 && power > total / 3; }

static void sum_up(struct audit_verifier *verifier) {
    struct audit_verified *out = verifier->out;
    int64_t *sums[] = {[AUDIT_PROVEN] = &out->proven_power, [AUDIT_CONVICTED_BY_LOG] = &out->by_log_power,
                       [AUDIT_CONVICTED_BY_SILENCE] = &out->by_silence_power, [AUDIT_SUSPECT] = &out->suspect_power,
                       [AUDIT_SET_ONLY] = &out->set_power};
    for (uint32_t begin = 0, end; begin < out->statement_count; begin = end) {
        const struct audit_verified_statement *first = &out->statements[begin];
        enum audit_status best = AUDIT_SET_ONLY;
        bool is_next = false;
        for (end = begin; end < out->statement_count && address_equal(&out->statements[end].who, &first->who); end++) {
            best = out->statements[end].status < best ? out->statements[end].status : best;
            is_next |= out->statements[end].height > out->height;
        }
        const struct validator *here = audit_verify_signer_of(verifier, &first->who, out->height);
        const struct validator *next = is_next ? audit_verify_signer_of(verifier, &first->who, out->height + 1) : NULL;
        *sums[best] += here == NULL ? 0 : here->power;
        out->next_proven_power += next == NULL ? 0 : next->power;
    }
    bool next_seen = passes_third(out->next_proven_power, out->next_total_power);
    out->third_seen = next_seen || passes_third(out->proven_power + out->by_log_power, out->total_power);
    out->third_said = next_seen || passes_third(out->proven_power + out->by_log_power + out->by_silence_power, out->total_power);
}

/* ---- all, from the first byte to the last */

static const char *prepare_statements(struct audit_verifier *verifier) {
    struct audit_verified *out = verifier->out;
    if (verifier->commit_count == 0)
        return "there is no commit of the height";
    uint32_t keys = verifier->set->count + (verifier->next_set == NULL ? 0 : verifier->next_set->count);
    verifier->log_capacity = keys;
    verifier->statement_capacity = 8 * keys;
    verifier->logs = arena_take(verifier->arena, keys, sizeof verifier->logs[0]);
    verifier->log_used = arena_take(verifier->arena, keys, sizeof verifier->log_used[0]);
    out->statements = arena_take(verifier->arena, verifier->statement_capacity, sizeof out->statements[0]);
    return verifier->logs == NULL || verifier->log_used == NULL || out->statements == NULL ? "more than the memory that a bundle may take" : NULL;
}

static const char *read_record(struct audit_verifier *verifier, uint8_t last_tag, uint8_t tag, struct span content) {
    static record_reader *const readers[] = {[AUDIT_BUNDLE_HEAD] = audit_verify_head,     [AUDIT_BUNDLE_SET] = audit_verify_set,
                                             [AUDIT_BUNDLE_LINK] = audit_verify_link,     [AUDIT_BUNDLE_COMMIT] = audit_verify_commit,
                                             [AUDIT_BUNDLE_HEADER] = audit_verify_header, [AUDIT_BUNDLE_POLKA] = audit_verify_polka,
                                             [AUDIT_BUNDLE_LOG] = audit_verify_log,       [AUDIT_BUNDLE_BLOCK] = audit_verify_block,
                                             [AUDIT_BUNDLE_STATEMENT] = audit_verify_statement};
    bool once = tag == AUDIT_BUNDLE_HEAD || tag == AUDIT_BUNDLE_POLKA;
    if (tag < last_tag || (once && tag == last_tag) || (last_tag == 0) != (tag == AUDIT_BUNDLE_HEAD) || tag > AUDIT_BUNDLE_STATEMENT)
        return "the records are not in order";
    if (tag > AUDIT_BUNDLE_COMMIT && last_tag <= AUDIT_BUNDLE_COMMIT) {
        const char *wrong = prepare_statements(verifier);
        if (wrong != NULL)
            return wrong;
    }
    return readers[tag](verifier, content);
}

/* Any changed byte is found here already; the rest is for those that were changed on purpose. */
static const char *check_end(struct span bundle) {
    uint8_t hash[SHA256_BYTES];
    size_t end = RECORD_HEAD_BYTES + SHA256_BYTES;
    static const uint8_t head[RECORD_HEAD_BYTES] = {AUDIT_BUNDLE_END, 0, 0, 0, SHA256_BYTES};
    if (bundle.size > AUDIT_BUNDLE_BYTES_MAX)
        return "it is larger than a bundle may be";
    bool is_named = bundle.size >= MAGIC_BYTES + end && memcmp(bundle.data, AUDIT_BUNDLE_MAGIC, NAME_BYTES) == 0;
    if (!is_named || memcmp(bundle.data, AUDIT_BUNDLE_MAGIC, MAGIC_BYTES) != 0)
        return is_named ? "this is a bundle of another version: make it again from what it was made of" : "this is no bundle of an audit";
    sha256_once(hash, span_of(bundle.data, bundle.size - end));
    bool good = memcmp(bundle.data + bundle.size - end, head, sizeof head) == 0 && memcmp(bundle.data + bundle.size - sizeof hash, hash, sizeof hash) == 0;
    return good ? NULL : "its checksum is wrong: it was changed or cut";
}

const char *audit_verify(struct audit_verified *out, size_t *offset, struct span bundle, const struct audit_trust *trust, struct span chain_id,
                         const struct audit_reexecution *reexecution, struct arena *arena) {
    *out = (struct audit_verified){.trust = *trust};
    *offset = 0;
    const char *wrong = check_end(bundle);
    if (wrong != NULL)
        return wrong;
    struct audit_verifier verifier = {.out = out, .arena = arena, .trust = *trust, .chain_id = chain_id, .reexecution = reexecution};
    size_t most = bundle.size / 45 + 2; /* no set takes less */
    verifier.header_capacity = most < AUDIT_VERIFY_HEADERS_MAX ? (uint32_t)most : AUDIT_VERIFY_HEADERS_MAX;
    verifier.sets = arena_take(arena, most < AUDIT_VERIFY_SETS_MAX ? most : AUDIT_VERIFY_SETS_MAX, sizeof verifier.sets[0]);
    verifier.headers = arena_take(arena, verifier.header_capacity, sizeof verifier.headers[0]);
    verifier.header_used = arena_take(arena, verifier.header_capacity, sizeof verifier.header_used[0]);
    if (verifier.sets == NULL || verifier.headers == NULL || verifier.header_used == NULL)
        return "more than the memory that a bundle may take";
    size_t end = bundle.size - RECORD_HEAD_BYTES - SHA256_BYTES;
    uint8_t last_tag = 0;
    for (*offset = MAGIC_BYTES; *offset < end;) {
        const uint8_t *head = bundle.data + *offset;
        if (end - *offset < RECORD_HEAD_BYTES)
            return "a record is cut";
        size_t size = (size_t)head[1] << 24 | (size_t)head[2] << 16 | (size_t)head[3] << 8 | head[4];
        if (size > end - *offset - RECORD_HEAD_BYTES)
            return "a record is cut";
        wrong = read_record(&verifier, last_tag, head[0], span_of(head + RECORD_HEAD_BYTES, size));
        if (wrong != NULL)
            return wrong;
        last_tag = head[0];
        *offset += RECORD_HEAD_BYTES + size;
    }
    if (verifier.commit_count == 0)
        return "there is no commit of the height";
    wrong = audit_verify_nothing_idle(&verifier);
    if (wrong == NULL)
        sum_up(&verifier);
    return wrong;
}
