/* Journal records, and whole journals that are opened, replayed, written on and opened again. Records in a story have their right length and sum,
 * unless it damages them. */
#define FUZZ_BYTES_MAX 8192
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

#include "crypto/crc32c.h"
#include "node/journal.h"

static size_t framed(uint8_t *out, struct span payload) {
    uint32_t sum = crc32c(0, payload), size = (uint32_t)payload.size;
    for (int i = 0; i < 4; i++) {
        out[i] = (uint8_t)(sum >> (24 - 8 * i));
        out[4 + i] = (uint8_t)(size >> (24 - 8 * i));
    }
    if (payload.size > 0)
        memcpy(out + 8, payload.data, payload.size);
    return payload.size + 8;
}

static void record(struct span bytes) {
    struct journal_record record, again;
    long size = journal_record_decode(&record, bytes);
    assert(size >= -1 && size <= (long)bytes.size);
    if (size <= 0)
        return;
    size_t capacity = bytes.size + 256;
    uint8_t *first = fuzz_room(capacity), *second = fuzz_room(capacity);
    size_t written = journal_record_encode(first, capacity, &record);
    assert(written > 0 && journal_record_decode(&again, span_of(first, written)) == (long)written);
    assert(again.kind == record.kind && timestamp_compare(&again.time, &record.time) == 0);
    size_t other = journal_record_encode(second, capacity, &again);
    fuzz_same(span_of(first, written), span_of(second, other));
    for (size_t cut = 0; cut < written; cut += 1 + cut / 4)
        assert(journal_record_decode(&again, span_of(first, cut)) <= 0);
}

static void record_framed(struct span payload) {
    uint8_t *bytes = fuzz_room(payload.size + 8);
    record(span_of(bytes, framed(bytes, payload)));
}

#define NAME "data/cs.wal/wal"

struct replayed {
    uint32_t count;
    uint32_t sum;
};

static void visit(void *context, const struct journal_record *record) {
    struct replayed *replayed = context;
    replayed->count++;
    replayed->sum = crc32c(replayed->sum, record->message);
}

static void append(struct disk *disk, const char *name, struct span bytes) { disk->table->append(disk, name, bytes); }

/* What an honest journal holds for this step of the story. */
static void append_honest(struct disk *disk, const char *name, struct fuzz *fuzz, uint8_t op) {
    struct journal_record record = {.kind = JOURNAL_END_HEIGHT, .time = {1700000000, 1}, .height = fuzz_byte(fuzz) % 4, .peer_id = span_text("")};
    uint8_t *bytes = fuzz_room(512);
    if (op & 1) {
        record.kind = JOURNAL_TIMEOUT;
        record.duration_ns = (int64_t)op * 1000;
    }
    size_t size = journal_record_encode(bytes, 512, &record);
    assert(size > 0);
    append(disk, name, span_of(bytes, size));
}

static void tell(struct disk *disk, struct fuzz *fuzz) {
    static const char *const names[] = {NAME ".000", NAME ".001", NAME, NAME ".CORRUPTED"};
    unsigned file = 0;
    for (int ops = 0; fuzz->at < fuzz->end && ops < 200; ops++) {
        uint8_t op = fuzz_byte(fuzz);
        static const uint8_t zeroes[64];
        switch (op & 7) {
        case 0: append(disk, names[file & 3], fuzz_piece(fuzz)); break;
        case 1:
        case 2: {
            struct span payload = fuzz_piece(fuzz);
            uint8_t *bytes = fuzz_room(payload.size + 8);
            append(disk, names[file & 3], span_of(bytes, framed(bytes, payload)));
            break;
        }
        case 3: append(disk, names[file & 3], span_of(zeroes, op >> 3)); break;
        case 4: file = op >> 3; break;
        case 5:
        case 6: append_honest(disk, names[file & 3], fuzz, op >> 3); break;
        case 7: {
            int64_t size = disk->table->size(disk, names[file & 3]);
            if (size > 0)
                disk->table->truncate(disk, names[file & 3], size - (op >> 3) % size);
        }
        }
    }
}

static void write_on(struct journal *journal, int64_t height) {
    journal_append(journal, &(struct journal_record){.kind = JOURNAL_MESSAGE, .time = {1700000001, 0}, .message = span_text("\x0a\x00"), .peer_id = span_text("")});
    journal_sync(journal);
    journal_end_height(journal, height, &(struct timestamp){1700000002, 0});
    journal_append(journal, &(struct journal_record){.kind = JOURNAL_TIMEOUT, .time = {1700000003, 0}, .height = height + 1});
}

static void whole(struct fuzz *fuzz, bool story) {
    struct disk *disk = disk_memory_new((struct disk_failure){NULL, fuzz_world_failed});
    char *note = NULL, *error = NULL;
    if (story)
        tell(disk, fuzz);
    else
        append(disk, NAME, fuzz_rest(fuzz));
    struct journal *journal = journal_open(disk, NAME, &note, &error);
    assert((journal == NULL) == (error != NULL));
    if (journal != NULL) {
        struct replayed before[5] = {0}, after = {0};
        bool there[5];
        journal_limit(journal, 64, 1 << 20);
        for (int64_t height = 0; height < 5; height++)
            there[height] = journal_replay(journal, height + 1, visit, &before[height]);
        write_on(journal, 77);
        journal_close(journal);
        free(note);
        note = NULL;
        journal = journal_open(disk, NAME, &note, &error);
        assert(journal != NULL && note == NULL); /* healed for good */
        assert(journal_replay(journal, 78, visit, &after) && after.count == 1);
        for (int64_t height = 0; height < 5; height++)
            if (there[height]) {
                after = (struct replayed){0};
                assert(journal_replay(journal, height + 1, visit, &after) && after.count == before[height].count + 3);
            }
        journal_close(journal);
    }
    free(note);
    free(error);
    disk_memory_free(disk);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz fuzz = fuzz_over(data, size);
    switch (fuzz_byte(&fuzz)) {
    case 0: record(fuzz_rest(&fuzz)); break;
    case 1: record_framed(fuzz_rest(&fuzz)); break;
    case 2: whole(&fuzz, false); break;
    case 3: whole(&fuzz, true); break;
    }
    fuzz_end();
    return 0;
}
