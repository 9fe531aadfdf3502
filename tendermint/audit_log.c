#include "tendermint/audit_log.h"

#include "crypto/sha256.h"

static const char prefix[] = "quorate vote log\n";

void audit_log_sign_bytes(uint8_t out[static AUDIT_LOG_SIGN_BYTES], struct span manifest_bytes) {
    _Static_assert(sizeof prefix - 1 + SHA256_BYTES == AUDIT_LOG_SIGN_BYTES, "the prefix and a hash");
    memcpy(out, prefix, sizeof prefix - 1);
    sha256_once(out + sizeof prefix - 1, manifest_bytes);
}

void audit_log_manifest_write(struct proto_writer *writer, struct audit_log_manifest *manifest, struct span items) {
    sha256_once(manifest->digest, items);
    proto_put_bytes(writer, 1, manifest->chain_id);
    proto_put_int64(writer, 2, manifest->height);
    proto_put_bool(writer, 3, manifest->complete);
    proto_put_int64(writer, 4, manifest->complete_from);
    proto_put_bytes(writer, 5, address_span(&manifest->address));
    proto_put_bytes(writer, 6, span_of(manifest->digest, sizeof manifest->digest));
    for (uint32_t i = 0; i < manifest->note_count; i++)
        proto_put_bytes_always(writer, 7, manifest->notes[i]);
}

void audit_log_write(struct proto_writer *writer, struct span manifest_bytes, const struct signature *signature, struct span items) {
    proto_put_bytes_always(writer, 1, manifest_bytes);
    proto_put_bytes(writer, 2, span_of(signature->bytes, signature->size));
    proto_put_raw(writer, items);
}

void audit_log_item_write(struct proto_writer *writer, const struct vote *vote, const struct proposal *proposal, const struct header *header) {
    size_t mark = proto_begin(writer, vote != NULL ? AUDIT_LOG_VOTE : proposal != NULL ? AUDIT_LOG_PROPOSAL : AUDIT_LOG_HEADER);
    if (vote != NULL)
        vote_write(writer, vote);
    else if (proposal != NULL)
        proposal_write(writer, proposal);
    else
        header_write(writer, header);
    proto_end(writer, mark);
}

static void read_note(struct audit_log_manifest *manifest, struct proto_reader *reader, const struct proto_field *field) {
    struct span note = proto_bytes(reader, field);
    if (manifest->note_count == AUDIT_LOG_NOTES_MAX || note.size > AUDIT_LOG_NOTE_BYTES_MAX)
        reader->bad = true;
    else
        manifest->notes[manifest->note_count++] = note;
}

static bool read_manifest(struct audit_log_manifest *manifest, struct span bytes) {
    struct proto_reader reader = proto_reader_over(bytes);
    struct proto_field field;
    size_t digest_size = 0;
    *manifest = (struct audit_log_manifest){.height = 0};
    while (proto_next(&reader, &field)) {
        switch (field.number) {
        case 1: manifest->chain_id = proto_bytes(&reader, &field); break;
        case 2: manifest->height = proto_int64(&reader, &field); break;
        case 3: manifest->complete = proto_bool(&reader, &field); break;
        case 4: manifest->complete_from = proto_int64(&reader, &field); break;
        case 5:
            manifest->address.size = (uint8_t)proto_bytes_into(&reader, &field, manifest->address.bytes, sizeof manifest->address.bytes);
            break;
        case 6: digest_size = proto_bytes_into(&reader, &field, manifest->digest, sizeof manifest->digest); break;
        case 7: read_note(manifest, &reader, &field); break;
        default: reader.bad = true;
        }
    }
    return !reader.bad && digest_size == sizeof manifest->digest && manifest->height > 0 && manifest->chain_id.size <= VOTE_CHAIN_ID_BYTES_MAX;
}

bool audit_log_read(struct audit_log *log, struct span bytes) {
    struct proto_reader reader = proto_reader_over(bytes);
    struct proto_field field;
    struct audit_log read = {.items = span_of(NULL, 0)};
    uint8_t digest[SHA256_BYTES];
    if (!proto_next(&reader, &field) || field.number != 1)
        return false;
    read.manifest_bytes = proto_bytes(&reader, &field);
    struct proto_reader behind = reader;
    if (proto_next(&behind, &field) && field.number == 2) {
        read.signature.size = (uint8_t)proto_bytes_into(&behind, &field, read.signature.bytes, sizeof read.signature.bytes);
        reader = behind;
    }
    if (reader.bad || !read_manifest(&read.manifest, read.manifest_bytes))
        return false;
    read.items = span_of(reader.at, (size_t)(reader.end - reader.at));
    sha256_once(digest, read.items);
    if (memcmp(digest, read.manifest.digest, sizeof digest) != 0)
        return false;
    *log = read;
    return true;
}

bool audit_log_signed_by(const struct audit_log *log, const struct pubkey *key) {
    uint8_t message[AUDIT_LOG_SIGN_BYTES];
    struct address address = pubkey_address(key);
    audit_log_sign_bytes(message, log->manifest_bytes);
    return log->signature.size > 0 && address_equal(&address, &log->manifest.address) &&
           pubkey_verify_vartime(key, span_of(message, sizeof message), &log->signature);
}

enum audit_log_item audit_log_next(struct span *rest, struct span *item) {
    struct proto_reader reader = proto_reader_over(*rest);
    struct proto_field field;
    if (rest->size == 0)
        return AUDIT_LOG_END;
    bool good = proto_next(&reader, &field);
    *rest = good ? span_of(reader.at, (size_t)(reader.end - reader.at)) : span_of(NULL, 0);
    if (!good)
        return AUDIT_LOG_BROKEN;
    if (field.number < AUDIT_LOG_VOTE || field.number > AUDIT_LOG_HEADER)
        return AUDIT_LOG_OTHER;
    *item = proto_bytes(&reader, &field);
    return reader.bad ? AUDIT_LOG_BROKEN : (enum audit_log_item)field.number;
}
