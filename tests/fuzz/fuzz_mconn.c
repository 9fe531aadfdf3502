/* MConnection: packets of a stranger are understood alike however they are cut; what one side sends, the other receives. */
#define FUZZ_BYTES_MAX 4096
#include "tests/fuzz/fuzz.h"

#include "crypto/crc32c.h"
#include "node/mconn.h"

static const struct mconn_channel channels[] = {{0x20, 6, 2, 1000}, {0x21, 10, 3, 3000}, {0x30, 5, 1, 64}};

struct heard {
    enum mconn_verdict last;
    uint32_t sum;
    unsigned events;
    size_t left;
};

static void note(struct heard *heard, enum mconn_verdict verdict, const struct mconn_message *message) {
    uint8_t head[2] = {(uint8_t)verdict, verdict == MCONN_MESSAGE ? message->channel : 0};
    heard->last = verdict;
    heard->events++;
    heard->sum = crc32c(heard->sum, span_of(head, 2));
    if (verdict == MCONN_MESSAGE)
        heard->sum = crc32c(heard->sum, message->bytes);
}

static struct heard hear(struct span bytes, size_t step) {
    struct mconn *conn = mconn_new(channels, sizeof channels / sizeof channels[0]);
    struct heard heard = {.last = MCONN_MORE};
    struct mconn_message message;
    struct buffer in = {0};
    while (!mconn_is_fault(heard.last) && bytes.size > 0) {
        size_t size = bytes.size < step ? bytes.size : step;
        buffer_append(&in, span_of(bytes.data, size));
        bytes = span_of(bytes.data + size, bytes.size - size);
        struct span plain = fuzz_copy(buffer_span(&in)); /* so that reading beyond it is seen */
        size_t before = plain.size;
        enum mconn_verdict verdict;
        while ((verdict = mconn_receive(conn, &message, &plain)) != MCONN_MORE && !mconn_is_fault(verdict))
            note(&heard, verdict, &message);
        if (mconn_is_fault(verdict))
            note(&heard, verdict, &message);
        buffer_consume(&in, before - plain.size);
        assert(buffer_size(&in) <= MCONN_PACKET_MAX + 20 || mconn_is_fault(verdict));
    }
    heard.left = mconn_is_fault(heard.last) ? 0 : buffer_size(&in);
    buffer_close(&in);
    mconn_free(conn);
    return heard;
}

static void stranger(struct span bytes, size_t step) {
    struct heard one = hear(bytes, SIZE_MAX), other = hear(bytes, step);
    assert(one.events == other.events && one.sum == other.sum && one.last == other.last && one.left == other.left);
}

static void talk(struct fuzz *fuzz) {
    struct mconn *from = mconn_new(channels, 3), *to = mconn_new(channels, 3);
    struct buffer wire = {0};
    struct mconn_message message;
    uint32_t sent[3] = {0}, came[3] = {0};
    for (int turns = 0; turns < 100 && (fuzz->at < fuzz->end || mconn_is_pending(from) || buffer_size(&wire) > 0); turns++) {
        uint8_t op = fuzz_byte(fuzz);
        unsigned channel = op & 3;
        if (channel < 3) {
            struct span bytes = fuzz_piece(fuzz);
            struct blob *blob = blob_new(bytes);
            bool fits = bytes.size <= channels[channel].recv_message_capacity && bytes.size > 0, room = mconn_has_room(from, channels[channel].id);
            if (fits && mconn_try_send(from, channels[channel].id, blob)) {
                assert(room);
                sent[channel] = crc32c(sent[channel], bytes);
            }
            blob_release(blob);
        } else if (op & 4) {
            mconn_ping(from);
        } else {
            mconn_decay(from);
        }
        size_t most = MCONN_PACKET_MAX + (op >> 3) * 200u;
        assert(mconn_pull(from, &wire, most, NULL) <= most);
        struct span plain = buffer_span(&wire);
        size_t before = plain.size;
        enum mconn_verdict verdict;
        while ((verdict = mconn_receive(to, &message, &plain)) != MCONN_MORE) {
            assert(!mconn_is_fault(verdict));
            for (unsigned i = 0; i < 3 && verdict == MCONN_MESSAGE; i++)
                if (channels[i].id == message.channel)
                    came[i] = crc32c(came[i], message.bytes);
        }
        buffer_consume(&wire, before - plain.size);
    }
    assert(mconn_is_pending(from) || memcmp(sent, came, sizeof sent) == 0);
    buffer_close(&wire);
    mconn_free(from);
    mconn_free(to);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz fuzz = fuzz_over(data, size);
    uint8_t choice = fuzz_byte(&fuzz);
    if (choice & 1)
        talk(&fuzz);
    else
        stranger(fuzz_rest(&fuzz), 1 + (choice >> 1));
    fuzz_end();
    return 0;
}
