#include "node/journal_scan.h"

#include "crypto/crc32c.h"
#include "node/wire.h"

#define HEAD_BYTES   8
#define WINDOW_BYTES (4 * 1024 * 1024)
#define SECTOR_BYTES 512
#define SEARCH_BYTES (256u * 1024 * 1024) /* looked at for records after a hole: peers' bytes may look like many */

static uint32_t load_be32(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static size_t zero_tail_begin(struct span bytes) {
    size_t at = bytes.size;
    while (at > 0 && bytes.data[at - 1] == 0)
        at--;
    return at;
}

static bool one_byte_differs(uint32_t a, uint32_t b) {
    uint32_t difference = a ^ b;
    unsigned bytes = 0;
    for (int i = 0; i < 4; i++)
        bytes += (difference >> (8 * i) & 0xff) != 0;
    return bytes == 1;
}

/* Does the checksum fit the content under another length? Then the length was damaged after the record was written whole. */
static bool length_is_damaged(struct span rest) {
    uint32_t wanted = load_be32(rest.data), length = load_be32(rest.data + 4), sum = 0;
    size_t most = rest.size - HEAD_BYTES;
    for (uint32_t size = 1; size <= most && size <= JOURNAL_RECORD_BYTES_MAX; size++) {
        sum = crc32c(sum, span_of(rest.data + HEAD_BYTES + size - 1, 1));
        if (sum == wanted && one_byte_differs(length, size))
            return true;
    }
    return false;
}

static bool is_zero(struct span bytes) { return zero_tail_begin(bytes) == 0; }

/* The end of the first sector from `at` on, before `end`, that never arrived: from `at` to its end all is zero. 0: there is none. */
static size_t missing_sector(struct span rest, uint64_t offset, size_t at, size_t end) {
    while (at < end) {
        size_t size = SECTOR_BYTES - (size_t)((offset + at) % SECTOR_BYTES);
        if (size > rest.size - at)
            size = rest.size - at;
        if (is_zero(span_of(rest.data + at, size)))
            return at + size;
        at += size;
    }
    return 0;
}

/* A vote or proposal: parts of our own block are no word, as many are written in one go. */
static bool is_own_word(const struct journal_record *record) {
    return record->kind == JOURNAL_MESSAGE && record->peer_id.size == 0 && record->message.size > 0 &&
           (record->message.data[0] == (WIRE_VOTE_MESSAGE << 3 | 2) || record->message.data[0] == (WIRE_PROPOSAL << 3 | 2));
}

/* Our own words are written after a sync of all before them. Whoever cannot be sure says yes. */
static bool own_word_follows(struct span rest, size_t at) {
    struct journal_record record;
    uint64_t looked_at = 0;
    for (; at + HEAD_BYTES < rest.size && looked_at <= SEARCH_BYTES; at++) {
        uint32_t length = load_be32(rest.data + at + 4);
        if (length == 0 || length > JOURNAL_RECORD_BYTES_MAX || length > rest.size - at - HEAD_BYTES)
            continue;
        looked_at += length;
        if (journal_record_decode(&record, span_of(rest.data + at, HEAD_BYTES + length)) > 0 && is_own_word(&record))
            return true;
    }
    return looked_at > SEARCH_BYTES;
}

/* Of a write that was not synced any sector may be missing, also one in the middle. */
static bool has_hole(struct span rest, uint64_t offset) {
    uint32_t length = load_be32(rest.data + 4);
    size_t size = length <= JOURNAL_RECORD_BYTES_MAX && length <= rest.size - HEAD_BYTES ? HEAD_BYTES + (size_t)length : rest.size;
    size_t end = missing_sector(rest, offset, 0, length == 0 ? HEAD_BYTES : size);
    return end > 0 && !own_word_follows(rest, end);
}

enum journal_scan_state journal_scan_judge(struct span rest, uint64_t offset) {
    size_t zeroes = zero_tail_begin(rest);
    if (rest.size < HEAD_BYTES || zeroes < HEAD_BYTES)
        return JOURNAL_SCAN_TORN;
    uint32_t length = load_be32(rest.data + 4);
    bool is_possible = length > 0 && length <= JOURNAL_RECORD_BYTES_MAX;
    size_t size = HEAD_BYTES + (size_t)length;
    if (is_possible && size <= rest.size && crc32c(0, span_of(rest.data + HEAD_BYTES, length)) == load_be32(rest.data))
        return JOURNAL_SCAN_DAMAGED; /* as it was written, and yet no record */
    if (is_possible && length_is_damaged(rest))
        return JOURNAL_SCAN_DAMAGED;
    if (has_hole(rest, offset))
        return JOURNAL_SCAN_TORN;
    if (!is_possible)
        return JOURNAL_SCAN_DAMAGED;
    return size > rest.size || zeroes < size ? JOURNAL_SCAN_TORN : JOURNAL_SCAN_DAMAGED; /* all there: no write that was cut short leaves that */
}

void journal_scan_begin(struct journal_scan *scan, struct disk *disk, const char *name, int64_t offset, int64_t end) {
    int64_t size = disk->table->size(disk, name);
    if (size < 0)
        size = 0;
    *scan = (struct journal_scan){.disk = disk, .name = name, .offset = offset, .end = end < size ? end : size};
}

void journal_scan_close(struct journal_scan *scan) {
    blob_release(scan->window);
    scan->window = NULL;
}

static struct span read_window(struct journal_scan *scan, size_t size) {
    blob_release(scan->window);
    scan->window = scan->disk->table->read(scan->disk, scan->name, scan->offset, size);
    scan->window_at = scan->offset;
    return scan->window == NULL ? span_of(NULL, 0) : blob_span(scan->window);
}

/* What is at hand from the offset on, without what lies beyond the end. */
static struct span at_hand(const struct journal_scan *scan) {
    if (scan->window == NULL)
        return span_of(NULL, 0);
    size_t skip = (size_t)(scan->offset - scan->window_at), left = scan->window->size - skip;
    int64_t until_end = scan->end - scan->offset;
    return span_of(scan->window->data + skip, (int64_t)left < until_end ? left : (size_t)until_end);
}

static void judge_rest(struct journal_scan *scan) {
    int64_t left = scan->end - scan->offset;
    scan->state = journal_scan_judge(read_window(scan, (size_t)left), (uint64_t)scan->offset);
}

bool journal_scan_next(struct journal_scan *scan, struct journal_record *record) {
    if (scan->state != JOURNAL_SCAN_GOOD || scan->offset >= scan->end)
        return false;
    struct span bytes = at_hand(scan);
    long size = journal_record_decode(record, bytes);
    if (size == 0 && scan->offset + (int64_t)bytes.size < scan->end) {
        read_window(scan, WINDOW_BYTES);
        size = journal_record_decode(record, at_hand(scan));
    }
    if (size <= 0)
        judge_rest(scan);
    else
        scan->offset += size;
    return size > 0;
}
