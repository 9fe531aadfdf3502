#include "tendermint/light_attack.h"

#include <assert.h>
#include <stdlib.h>

const char *light_attack_kind_text(enum light_attack_kind kind) {
    switch (kind) {
    case LIGHT_ATTACK_LUNATIC: return "lunatic: a block that no correct validator could have made";
    case LIGHT_ATTACK_EQUIVOCATION: return "equivocation: two blocks signed in one round";
    case LIGHT_ATTACK_AMNESIA: return "amnesia: two blocks decided in different rounds";
    }
    return "unknown";
}

enum light_attack_kind light_attack_kind_of(const struct light_block *conflicting, const struct light_block *trusted) {
    if (evidence_attack_header_is_lunatic(&conflicting->header, &trusted->header))
        return LIGHT_ATTACK_LUNATIC;
    return conflicting->commit.round == trusted->commit.round ? LIGHT_ATTACK_EQUIVOCATION : LIGHT_ATTACK_AMNESIA;
}

struct accusation {
    const struct light_block *conflicting, *since; /* since: whose height, time and power the evidence names */
    const struct validator **byzantine;
    uint32_t byzantine_count;
};

static void write(struct proto_writer *writer, const struct accusation *accusation) {
    size_t outer = proto_begin(writer, EVIDENCE_LIGHT_ATTACK), mark = proto_begin(writer, 1);
    light_block_write(writer, accusation->conflicting);
    proto_end(writer, mark);
    proto_put_int64(writer, 2, accusation->since->header.height);
    for (uint32_t i = 0; i < accusation->byzantine_count; i++) {
        mark = proto_begin(writer, 3);
        validator_write(writer, accusation->byzantine[i]);
        proto_end(writer, mark);
    }
    proto_put_int64(writer, 4, accusation->since->set.total_power);
    timestamp_put(writer, 5, &accusation->since->header.time);
    proto_end(writer, outer);
}

/* Through the bytes, because their reader knows what evidence is made of. */
static bool through_bytes(struct evidence *out, const struct accusation *accusation, struct arena *arena) {
    struct proto_writer writer;
    proto_writer_measure(&writer);
    write(&writer, accusation);
    size_t size = writer.size;
    uint8_t *bytes = arena_take(arena, size, 1);
    if (bytes == NULL)
        return false;
    proto_writer_init(&writer, bytes, size);
    write(&writer, accusation);
    struct proto_reader reader = proto_reader_over(proto_writer_span(&writer));
    *out = (struct evidence){0};
    evidence_read(out, &reader, arena);
    return !reader.bad;
}

bool light_attack_evidence(struct evidence *out, const struct light_block *conflicting, const struct light_block *trusted,
                           const struct light_block *common, struct arena *arena) {
    bool lunatic = light_attack_kind_of(conflicting, trusted) == LIGHT_ATTACK_LUNATIC;
    struct accusation accusation = {.conflicting = conflicting, .since = lunatic ? common : trusted};
    struct evidence_attack_view view = {&common->set, &trusted->header, &trusted->commit};
    accusation.byzantine = calloc(conflicting->commit.count + 1, sizeof accusation.byzantine[0]);
    assert(accusation.byzantine != NULL);
    accusation.byzantine_count =
        evidence_attack_byzantine(accusation.byzantine, &conflicting->header, &conflicting->commit, &view, &conflicting->set);
    bool good = through_bytes(out, &accusation, arena);
    free(accusation.byzantine);
    return good;
}
