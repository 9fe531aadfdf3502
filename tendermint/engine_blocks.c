#include "tendermint/engine_blocks.h"

#include <assert.h>

static int32_t place_of(const struct engine *engine, const struct block_id *id) {
    for (uint32_t i = 0; i < engine->block_count; i++)
        if (block_id_equal(&engine->blocks[i].id, id))
            return (int32_t)i;
    return -1;
}

const struct engine_block *engine_blocks_find(const struct engine *engine, const struct block_id *id) {
    int32_t place = place_of(engine, id);
    return place < 0 ? NULL : &engine->blocks[place];
}

bool engine_blocks_valid(const struct engine *engine, const struct block_id *id) {
    const struct engine_block *block = engine_blocks_find(engine, id);
    return block != NULL && block->valid;
}

static bool is_named(const struct engine *engine, const struct block_id *id) {
    return block_id_equal(id, &engine->locked) || block_id_equal(id, &engine->valid) ||
           block_id_equal(id, &engine->wanted) || block_id_equal(id, &engine->commit_id) ||
           (engine->has_proposal && block_id_equal(id, &engine->proposal.block_id)) ||
           (engine->has_next_proposal && block_id_equal(id, &engine->next_proposal.block_id));
}

static void remove_at(struct engine *engine, uint32_t place) {
    engine->block_count--;
    memmove(&engine->blocks[place], &engine->blocks[place + 1],
            (engine->block_count - place) * sizeof engine->blocks[0]);
}

static void remove_oldest(struct engine *engine) {
    uint32_t place = 0;
    while (place < engine->block_count && is_named(engine, &engine->blocks[place].id))
        place++;
    assert(place < engine->block_count);
    remove_at(engine, place);
}

void engine_blocks_note(struct engine *engine, const struct engine_block *block) {
    assert(!block_id_is_nil(&block->id));
    int32_t place = place_of(engine, &block->id);
    if (place >= 0) {
        engine->blocks[place] = *block;
        return;
    }
    if (engine->block_count == ENGINE_BLOCKS_MAX)
        remove_oldest(engine);
    engine->blocks[engine->block_count++] = *block;
}

void engine_blocks_forget(struct engine *engine) {
    for (uint32_t i = engine->block_count; i > 0; i--)
        if (!is_named(engine, &engine->blocks[i - 1].id))
            remove_at(engine, i - 1);
}
