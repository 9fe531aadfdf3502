#include <assert.h>

#include "crypto/sha256.h"
#include "node/votejournal_keys.h"

void votejournal_chain_of(struct votejournal_chain *out, struct span chain_id) {
    uint8_t hash[SHA256_BYTES];
    sha256_once(hash, chain_id);
    memcpy(out->bytes, hash, sizeof out->bytes);
}

static size_t put_number(uint8_t *out, uint64_t value, size_t size) {
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(value >> 8 * (size - 1 - i));
    return size;
}

static size_t key_begin(uint8_t *out, char kind, const struct votejournal_chain *chain) {
    out[0] = (uint8_t)kind;
    memcpy(out + 1, chain->bytes, sizeof chain->bytes);
    return 1 + sizeof chain->bytes;
}

struct span votejournal_key_state(uint8_t out[static VOTEJOURNAL_KEY_BYTES], const struct votejournal_chain *chain) {
    return span_of(out, key_begin(out, 'S', chain));
}

struct span votejournal_key_part(uint8_t out[static VOTEJOURNAL_KEY_BYTES], const struct votejournal_chain *chain, int64_t height, uint32_t part) {
    size_t size = key_begin(out, 'V', chain);
    size += put_number(out + size, (uint64_t)height, 8);
    size += put_number(out + size, part, 4);
    return span_of(out, size);
}

static struct span key_note(uint8_t out[static VOTEJOURNAL_KEY_BYTES], const struct votejournal_chain *chain, uint32_t number) {
    size_t size = key_begin(out, 'N', chain);
    size += put_number(out + size, number, 4);
    return span_of(out, size);
}

uint32_t votejournal_late_part(struct span items) {
    uint8_t hash[SHA256_BYTES];
    sha256_once(hash, items);
    return 0x80000000u | (uint32_t)hash[0] << 24 | (uint32_t)hash[1] << 16 | (uint32_t)hash[2] << 8 | hash[3];
}

void votejournal_read_state(struct votejournal_state *out, struct kv *kv, struct span chain_id) {
    struct votejournal_chain chain;
    uint8_t key[VOTEJOURNAL_KEY_BYTES];
    votejournal_chain_of(&chain, chain_id);
    *out = (struct votejournal_state){0};
    struct blob *value = kv_get(kv, votejournal_key_state(key, &chain));
    if (value == NULL)
        return;
    struct proto_reader reader = proto_reader_over(blob_span(value));
    struct proto_field field;
    int64_t *const numbers[] = {&out->complete_from, &out->filled, &out->lowest};
    while (proto_next(&reader, &field))
        if (field.number <= 3)
            *numbers[field.number - 1] = proto_int64(&reader, &field);
    blob_release(value);
}

/* ---- the items of a height */

static bool note_part(void *context, struct span key, struct span value) {
    (void)key;
    (void)value;
    *(bool *)context = true;
    return false;
}

static bool has_part(struct kv *kv, const struct votejournal_chain *chain, int64_t height, uint32_t from, uint32_t to) {
    uint8_t from_key[VOTEJOURNAL_KEY_BYTES], to_key[VOTEJOURNAL_KEY_BYTES];
    bool found = false;
    kv_scan(kv, votejournal_key_part(from_key, chain, height, from), votejournal_key_part(to_key, chain, height, to), false, note_part, &found);
    return found;
}

bool votejournal_has_whole(struct kv *kv, const struct votejournal_chain *chain, int64_t height) {
    return has_part(kv, chain, height, 0, VOTEJOURNAL_OWN_PART) || !has_part(kv, chain, height, VOTEJOURNAL_OWN_PART, UINT32_MAX);
}

bool votejournal_is_whole(struct kv *kv, struct span chain_id, int64_t height) {
    struct votejournal_chain chain;
    votejournal_chain_of(&chain, chain_id);
    return votejournal_has_whole(kv, &chain, height);
}

struct gathering {
    struct blob *blob; /* NULL: only the size is asked */
    size_t size, bytes_max;
};

static bool gather_part(void *context, struct span key, struct span value) {
    struct gathering *all = context;
    (void)key;
    if (value.size > all->bytes_max - all->size)
        return false;
    if (all->blob != NULL)
        memcpy(all->blob->data + all->size, value.data, value.size);
    all->size += value.size;
    return true;
}

static bool fits(void *context, struct span key, struct span value) {
    struct gathering *all = context;
    bool good = gather_part(context, key, value);
    if (!good)
        all->size = SIZE_MAX;
    return good;
}

struct blob *votejournal_gather(struct kv *kv, const struct votejournal_chain *chain, int64_t height, size_t bytes_max) {
    uint8_t from_key[VOTEJOURNAL_KEY_BYTES], to_key[VOTEJOURNAL_KEY_BYTES];
    struct span from = votejournal_key_part(from_key, chain, height, 0), to = votejournal_key_part(to_key, chain, height + 1, 0);
    struct gathering all = {NULL, 0, bytes_max};
    kv_scan(kv, from, to, false, fits, &all);
    if (all.size == SIZE_MAX)
        return NULL;
    all = (struct gathering){blob_reserve(all.size), 0, all.size};
    assert(all.blob != NULL);
    kv_scan(kv, from, to, false, gather_part, &all);
    return all.blob;
}

struct blob *votejournal_items(struct kv *kv, struct span chain_id, int64_t height, size_t bytes_max) {
    struct votejournal_chain chain;
    votejournal_chain_of(&chain, chain_id);
    return votejournal_gather(kv, &chain, height, bytes_max);
}

/* ---- notes */

struct note_list {
    struct span *notes;
    uint32_t count, next; /* next: the number that comes after the newest */
    struct arena *arena;
};

static bool add_note(void *context, struct span key, struct span value) {
    struct note_list *list = context;
    const uint8_t *number = key.data + key.size - 4;
    uint32_t next = ((uint32_t)number[0] << 24 | (uint32_t)number[1] << 16 | (uint32_t)number[2] << 8 | number[3]) + 1;
    list->next = next > list->next ? next : list->next;
    if (list->notes != NULL && arena_copy(list->arena, &list->notes[list->count], value))
        list->count++;
    return list->notes != NULL && list->count < AUDIT_LOG_NOTES_MAX;
}

static void scan_notes(struct note_list *list, struct kv *kv, struct span chain_id) {
    struct votejournal_chain chain;
    uint8_t from[VOTEJOURNAL_KEY_BYTES], to[VOTEJOURNAL_KEY_BYTES];
    votejournal_chain_of(&chain, chain_id);
    kv_scan(kv, key_note(from, &chain, 0), key_note(to, &chain, UINT32_MAX), true, add_note, list);
}

void votejournal_add_note(struct kv *kv, struct span chain_id, struct span text) {
    struct note_list list = {NULL, 0, 0, NULL};
    struct votejournal_chain chain;
    struct kv_batch batch;
    uint8_t key[VOTEJOURNAL_KEY_BYTES];
    assert(text.size <= AUDIT_LOG_NOTE_BYTES_MAX);
    scan_notes(&list, kv, chain_id);
    votejournal_chain_of(&chain, chain_id);
    kv_batch_init(&batch);
    kv_batch_put(&batch, key_note(key, &chain, list.next), text);
    kv_write(kv, &batch, true);
    kv_batch_close(&batch);
}

uint32_t votejournal_notes(struct span notes[static AUDIT_LOG_NOTES_MAX], struct kv *kv, struct span chain_id, struct arena *arena) {
    struct note_list list = {notes, 0, 0, arena};
    scan_notes(&list, kv, chain_id);
    for (uint32_t i = 0; i < list.count / 2; i++) { /* found from the newest on; told from the oldest on */
        struct span kept = notes[i];
        notes[i] = notes[list.count - 1 - i];
        notes[list.count - 1 - i] = kept;
    }
    return list.count;
}
