/* From what is trusted to the validators of the height: every set by its hash, every header by two thirds. */
#include "tendermint/audit_verify_inside.h"

const struct valset *audit_verify_find_set(const struct audit_verifier *verifier, const struct digest *hash) {
    for (uint32_t i = 0; i < verifier->set_count; i++)
        if (digest_equal(&verifier->sets[i].hash, hash))
            return &verifier->sets[i].set;
    return NULL;
}

bool audit_verify_is_canonical(const struct audit_verifier *verifier, struct span content, void (*write)(struct proto_writer *writer, const void *thing),
                         const void *thing) {
    uint8_t *again = arena_take(verifier->arena, content.size + 1, 1);
    struct proto_writer writer;
    if (again == NULL)
        return false;
    proto_writer_init(&writer, again, content.size);
    write(&writer, thing);
    return !writer.overflow && span_equal(proto_writer_span(&writer), content);
}

/* ---- 1: the head */

struct head {
    int64_t height, rule, trust_height;
    struct span chain_id;
    struct digest set_hash;
    bool deadline_passed, light_attack;
    struct span application;
};

static void write_head(struct proto_writer *writer, const void *thing) {
    const struct head *head = thing;
    proto_put_bytes(writer, 1, head->chain_id);
    proto_put_int64(writer, 2, head->height);
    proto_put_int64(writer, 3, head->rule);
    proto_put_int64(writer, 4, head->trust_height);
    proto_put_bytes(writer, 5, digest_span(&head->set_hash));
    proto_put_bool(writer, 6, head->deadline_passed);
    proto_put_bytes(writer, 7, head->application);
    proto_put_bool(writer, 8, head->light_attack);
}

const char *audit_verify_head(struct audit_verifier *verifier, struct span content) {
    struct proto_reader reader = proto_reader_over(content);
    struct proto_field field;
    struct head head = {.height = 0};
    while (proto_next(&reader, &field)) {
        switch (field.number) {
        case 1: head.chain_id = proto_bytes(&reader, &field); break;
        case 2: head.height = proto_int64(&reader, &field); break;
        case 3: head.rule = proto_int64(&reader, &field); break;
        case 4: head.trust_height = proto_int64(&reader, &field); break;
        case 5: digest_read(&head.set_hash, &reader, &field); break;
        case 6: head.deadline_passed = proto_bool(&reader, &field); break;
        case 7: head.application = proto_bytes(&reader, &field); break;
        case 8: head.light_attack = proto_bool(&reader, &field); break;
        }
    }
    if (reader.bad || head.height < 1 || head.rule < AUDIT_STRICT || head.rule > AUDIT_PAPER ||
        !audit_verify_is_canonical(verifier, content, write_head, &head))
        return "the head is malformed";
    verifier->out->height = head.height;
    verifier->out->rule = (enum audit_rule)head.rule;
    verifier->out->chain_id = head.chain_id;
    verifier->out->application = head.application;
    verifier->out->light_attack = head.light_attack;
    if (!span_equal(head.chain_id, verifier->chain_id))
        return "it is about another chain than your genesis";
    if (head.trust_height != verifier->trust.height || !digest_equal(&head.set_hash, &verifier->trust.set_hash))
        return "it is built on another genesis or trusted header than yours";
    return head.trust_height >= head.height ? "the trusted header is not below the height of the audit" : NULL;
}

/* ---- 2: validator sets, each named by its hash */

static void write_set(struct proto_writer *writer, const void *thing) {
    const struct valset *set = thing;
    for (uint32_t i = 0; i < set->count; i++) {
        size_t one = proto_begin(writer, 1), key = proto_begin(writer, 1);
        pubkey_write(writer, &set->validators[i].pub_key);
        proto_end(writer, key);
        proto_put_int64(writer, 2, set->validators[i].power);
        proto_end(writer, one);
    }
}

static void read_key(struct pubkey *key, struct proto_reader *reader, const struct proto_field *field) {
    struct proto_reader sub = proto_sub(reader, field);
    pubkey_read(key, &sub);
    proto_join(reader, &sub);
}

static bool read_validator(struct validator *validator, struct proto_reader *reader, const struct proto_field *outer) {
    struct proto_reader sub = proto_sub(reader, outer);
    struct proto_field field;
    while (proto_next(&sub, &field)) {
        if (field.number == 1)
            read_key(&validator->pub_key, &sub, &field);
        else if (field.number == 2)
            validator->power = proto_int64(&sub, &field);
    }
    validator->address = pubkey_address(&validator->pub_key);
    return !sub.bad && validator->pub_key.type != PUBKEY_NONE && validator->power > 0;
}

static bool names_twice(const struct valset *set) {
    struct valset_index index;
    bool twice = false;
    valset_index_init(&index, set);
    for (uint32_t i = 1; i < set->count && !twice; i++)
        twice = address_equal(&set->validators[index.order[i - 1]].address, &set->validators[index.order[i]].address);
    valset_index_close(&index);
    return twice;
}

const char *audit_verify_set(struct audit_verifier *verifier, struct span content) {
    if (verifier->set_count == AUDIT_VERIFY_SETS_MAX)
        return "too many validator sets";
    struct audit_verify_set *known = &verifier->sets[verifier->set_count];
    struct valset *set = &known->set;
    struct proto_reader reader = proto_reader_over(content);
    struct proto_field field;
    valset_init(set);
    uint32_t most = content.size / 8 < VALSET_COUNT_MAX ? (uint32_t)(content.size / 8) + 1 : VALSET_COUNT_MAX;
    set->validators = arena_take(verifier->arena, most, sizeof set->validators[0]);
    if (set->validators == NULL)
        return "more than the memory that a bundle may take";
    while (proto_next(&reader, &field)) {
        if (field.number != 1 || set->count == most || !read_validator(&set->validators[set->count], &reader, &field))
            return "a validator set is malformed";
        int64_t power = set->validators[set->count++].power;
        if (power > VALSET_TOTAL_POWER_MAX - set->total_power)
            return "a validator set has too much power";
        set->total_power += power;
    }
    if (reader.bad || set->count == 0 || !audit_verify_is_canonical(verifier, content, write_set, set) || names_twice(set))
        return "a validator set is malformed";
    valset_hash(&known->hash, set);
    if (verifier->set_count > 0 && span_compare(digest_span(&verifier->sets[verifier->set_count - 1].hash), digest_span(&known->hash)) >= 0)
        return "the validator sets are not in order";
    verifier->set_count++;
    return NULL;
}

/* ---- 3 and 4: from the trust to the height, and the commits there */

struct signed_header {
    struct header header;
    struct commit commit;
    struct block_id id;
};

static void write_signed_header(struct proto_writer *writer, const void *thing) {
    const struct signed_header *both = thing;
    size_t inner = proto_begin(writer, 1);
    header_write(writer, &both->header);
    proto_end(writer, inner);
    inner = proto_begin(writer, 2);
    commit_write(writer, &both->commit);
    proto_end(writer, inner);
}

static const char *read_signed_header(struct audit_verifier *verifier, struct signed_header *both, struct span content) {
    struct proto_reader reader = proto_reader_over(content);
    struct proto_field field;
    *both = (struct signed_header){.commit = {.count = 0}};
    header_init(&both->header);
    while (proto_next(&reader, &field)) {
        struct proto_reader sub = proto_sub(&reader, &field);
        if (field.number == 1)
            header_read(&both->header, &sub);
        else if (field.number == 2)
            commit_read(&both->commit, &sub, verifier->arena);
        proto_join(&reader, &sub);
    }
    if (reader.bad || !audit_verify_is_canonical(verifier, content, write_signed_header, both))
        return "a signed header is malformed";
    both->id = both->commit.block_id;
    header_hash(&both->id.hash, &both->header);
    if (!span_equal(header_chain_id(&both->header), verifier->out->chain_id))
        return "a header is of another chain";
    return commit_check(&both->commit) == COMMIT_GOOD && header_check(&both->header) == HEADER_GOOD ? NULL : "a signed header is malformed";
}

static const char *check_follows(const struct audit_verifier *verifier, const struct signed_header *both) {
    const struct header *header = &both->header;
    const struct audit_trust *trust = &verifier->trust;
    struct span chain_id = verifier->out->chain_id;
    const struct valset *own = audit_verify_find_set(verifier, &header->validators_hash);
    if (header->height <= trust->height)
        return "the headers are not in order of height";
    if (own == NULL)
        return "the validator set that a header names is missing";
    if (commit_verify(&both->commit, NULL, own, chain_id, &both->id, header->height, NULL) != COMMIT_GOOD)
        return "a commit is not one of two thirds of its validator set";
    if (digest_equal(&header->validators_hash, &trust->set_hash))
        return NULL;
    if (header->height == trust->height + 1)
        return "a header names another validator set than the one that was due";
    const struct valset *trusted = audit_verify_find_set(verifier, &trust->set_hash);
    if (trusted == NULL)
        return "the trusted validator set is missing";
    return commit_verify_trusting(&both->commit, trusted, chain_id, 2, 3, true) == COMMIT_GOOD
               ? NULL
               : "a later header is not signed by two thirds of the set that is trusted";
}

const char *audit_verify_link(struct audit_verifier *verifier, struct span content) {
    struct signed_header both;
    const char *wrong = read_signed_header(verifier, &both, content);
    if (wrong == NULL)
        wrong = check_follows(verifier, &both);
    if (wrong == NULL && both.header.height >= verifier->out->height)
        wrong = "a link is not below the height of the audit";
    if (wrong == NULL && ++verifier->out->link_count > AUDIT_BUNDLE_LINKS_MAX)
        wrong = "too many links";
    if (wrong == NULL)
        verifier->trust = (struct audit_trust){both.header.height, both.header.next_validators_hash};
    return wrong;
}

const char *audit_verify_note_header(struct audit_verifier *verifier, const struct header *header) {
    if (verifier->header_count == verifier->header_capacity)
        return "too many headers";
    struct audit_header *known = &verifier->headers[verifier->header_count];
    header_hash(&known->hash, header);
    known->header = *header;
    verifier->header_count++;
    return NULL;
}

const char *audit_verify_commit(struct audit_verifier *verifier, struct span content) {
    struct audit_verified *out = verifier->out;
    struct signed_header both;
    uint32_t at = verifier->commit_count;
    if (at == 2)
        return "more than two commits";
    const char *wrong = read_signed_header(verifier, &both, content);
    if (wrong == NULL && both.header.height != out->height)
        wrong = "a commit is of another height than the audit";
    if (wrong == NULL)
        wrong = check_follows(verifier, &both);
    if (wrong != NULL)
        return wrong;
    const struct valset *set = audit_verify_find_set(verifier, &both.header.validators_hash);
    if (at == 1 && set != verifier->set)
        return "the two commits name two validator sets: the header before them is missing";
    if (at == 1 && (both.commit.round < out->rounds[0] ||
                    (both.commit.round == out->rounds[0] && block_id_compare(&out->blocks[0], &both.id) >= 0)))
        return "the two commits are not in order";
    if (at == 1 && block_id_equal(&out->blocks[0], &both.id))
        return "the two commits are for one block: that is no fork";
    out->blocks[at] = both.id;
    out->rounds[at] = both.commit.round;
    out->total_power = set->total_power;
    verifier->set = set;
    if (verifier->next_set == NULL)
        verifier->next_set = audit_verify_find_set(verifier, &both.header.next_validators_hash);
    out->next_total_power = verifier->next_set == NULL ? 0 : verifier->next_set->total_power;
    out->is_fork = ++verifier->commit_count == 2;
    return audit_verify_note_header(verifier, &both.header);
}

const struct validator *audit_verify_signer_of(const struct audit_verifier *verifier, const struct address *who, int64_t height) {
    const struct valset *set = height == verifier->out->height ? verifier->set : height == verifier->out->height + 1 ? verifier->next_set : NULL;
    int32_t index = set == NULL ? -1 : valset_find(set, who);
    return index < 0 ? NULL : &set->validators[index];
}
