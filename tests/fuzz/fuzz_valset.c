/* Validator sets as bytes, and as a story of updates and turns: sums, order and bounds hold whatever comes. */
#include "tests/fuzz/fuzz.h"

#include "tendermint/valset.h"

static void must_be_whole(const struct valset *set, bool in_order) {
    __int128 total = 0, priorities = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        assert(set->validators[i].power >= (in_order ? 1 : 0)); /* others' sets may hold members without power */
        total += set->validators[i].power;
        priorities += set->validators[i].priority;
        if (in_order && i > 0) {
            const struct validator *a = &set->validators[i - 1], *b = &set->validators[i];
            assert(a->power > b->power || (a->power == b->power && address_compare(&a->address, &b->address) < 0));
        }
    }
    assert(total == set->total_power && total <= VALSET_TOTAL_POWER_MAX);
    assert((__int128)valset_quorum(set) * 3 > total * 2);
    assert(set->count == 0 || (set->proposer >= -1 && set->proposer < (int32_t)set->count));
    if (in_order && set->count > 0) /* centred, when in our own hands */
        assert(priorities > -(__int128)set->count * 2 * total && priorities < (__int128)set->count * 2 * total);
}

static void encoding(struct span bytes) {
    struct valset set, again;
    struct digest hash;
    valset_init(&set);
    valset_init(&again);
    if (valset_decode(&set, bytes) == VALSET_GOOD) {
        must_be_whole(&set, false);
        FUZZ_WRITE(first, valset_write(&first, &set));
        assert(valset_decode(&again, proto_writer_span(&first)) == VALSET_GOOD);
        FUZZ_WRITE(second, valset_write(&second, &again));
        fuzz_same(proto_writer_span(&first), proto_writer_span(&second));
        valset_hash(&hash, &set);
        for (uint32_t i = 0; i < set.count && i < 8; i++)
            assert(valset_find(&set, &set.validators[i].address) == (int32_t)i);
        valset_increment(&set, 1);
        must_be_whole(&set, false);
    }
    valset_close(&set);
    valset_close(&again);
}

static struct valset_change change(struct fuzz *fuzz) {
    static const int64_t powers[] = {0, 1, 10, 1000, VALSET_TOTAL_POWER_MAX / 2, VALSET_TOTAL_POWER_MAX, INT64_MAX, -1};
    struct valset_change change = {.address.size = 20};
    uint8_t choice = fuzz_byte(fuzz);
    change.address.bytes[0] = choice & 15;
    change.power = choice & 128 ? (int64_t)fuzz_number(fuzz, 8) : powers[choice >> 4 & 7];
    return change;
}

static void story(struct fuzz *fuzz) {
    struct valset set, before;
    struct valset_change changes[8];
    valset_init(&set);
    valset_init(&before);
    for (int steps = 0; fuzz->at < fuzz->end && steps < 64; steps++) {
        uint8_t step = fuzz_byte(fuzz);
        if (step & 1 && set.count > 0) {
            valset_increment(&set, 1 + (step >> 1));
            must_be_whole(&set, true);
            assert(set.proposer >= 0);
            continue;
        }
        size_t count = step >> 1 & 7;
        for (size_t i = 0; i < count; i++)
            changes[i] = change(fuzz);
        valset_copy(&before, &set);
        enum valset_verdict verdict = set.count == 0 ? valset_make(&set, changes, count) : valset_update(&set, changes, count);
        must_be_whole(&set, true);
        if (verdict != VALSET_GOOD)
            assert(set.count == before.count && set.total_power == before.total_power &&
                   (set.count == 0 || memcmp(set.validators, before.validators, set.count * sizeof set.validators[0]) == 0));
    }
    valset_close(&set);
    valset_close(&before);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz fuzz = fuzz_over(data, size);
    if (fuzz_byte(&fuzz) == 0)
        encoding(fuzz_rest(&fuzz));
    else
        story(&fuzz);
    fuzz_end();
    return 0;
}
