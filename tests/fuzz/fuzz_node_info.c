/* What a node says of itself. */
#define FUZZ_BYTES_MAX 11000
#include "tests/fuzz/fuzz.h"

#include "node/node_info.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct node_info info, again;
    static uint8_t first[NODE_INFO_BYTES_MAX + 10], second[NODE_INFO_BYTES_MAX + 10];
    static const struct node_info ours = {.p2p_version = 8, .block_version = 11, .network = "test-chain", .channel_count = 1, .channels = {0x20}};
    static const struct pubkey key = {.type = PUBKEY_ED25519, .size = 32};
    memset(&info, 0x55, sizeof info);
    long took = node_info_decode(&info, span_of(data, size));
    assert(took >= -1 && took <= (long)size);
    if (took > 0) {
        enum node_info_verdict verdict = node_info_check(&info);
        node_info_check_id(&info, &key);
        node_info_compatible(&ours, &info);
        node_info_has_channel(&info, 0x20);
        assert(node_info_verdict_text(verdict) != NULL);
        size_t written = node_info_encode(first, &info);
        if (written <= NODE_INFO_BYTES_MAX) {
            assert(node_info_decode(&again, span_of(first, written)) == (long)written);
            assert(node_info_check(&again) == verdict);
            size_t other = node_info_encode(second, &again);
            fuzz_same(span_of(first, written), span_of(second, other));
        }
    }
    fuzz_end();
    return 0;
}
