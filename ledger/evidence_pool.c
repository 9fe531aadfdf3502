#include "ledger/evidence_pool.h"

#include <assert.h>
#include <stdlib.h>

#include "ledger/ledger.h"

enum { LETTER = 'w' };

/* ---- in memory, by height and hash */

static int compare_place(const struct evidence_piece *piece, int64_t height, const struct digest *hash) {
    if (piece->height != height)
        return piece->height < height ? -1 : 1;
    return memcmp(piece->hash.bytes, hash->bytes, 32);
}

/* The first piece that is not before this place. */
static uint32_t find_place(const struct evidence_pool *pool, int64_t height, const struct digest *hash) {
    uint32_t low = 0, high = pool->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (compare_place(&pool->pieces[middle], height, hash) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct evidence_piece *evidence_pool_find(const struct evidence_pool *pool, int64_t height, const struct digest *hash) {
    uint32_t place = find_place(pool, height, hash);
    return place < pool->count && compare_place(&pool->pieces[place], height, hash) == 0 ? &pool->pieces[place] : NULL;
}

const struct evidence_piece *evidence_pool_next(const struct evidence_pool *pool, uint64_t number) {
    const struct evidence_piece *next = NULL;
    for (uint32_t i = 0; number < pool->last_number && i < pool->count; i++)
        if (pool->pieces[i].number > number && (next == NULL || pool->pieces[i].number < next->number))
            next = &pool->pieces[i];
    return next;
}

static void insert(struct evidence_pool *pool, const struct evidence_piece *piece) {
    if (pool->pieces == NULL) {
        pool->pieces = malloc(EVIDENCE_POOL_PIECES_MAX * sizeof *pool->pieces);
        assert(pool->pieces != NULL);
    }
    assert(pool->count < EVIDENCE_POOL_PIECES_MAX);
    uint32_t place = find_place(pool, piece->height, &piece->hash);
    memmove(&pool->pieces[place + 1], &pool->pieces[place], (pool->count - place) * sizeof *piece);
    pool->pieces[place] = *piece;
    pool->count++;
    pool->bytes += piece->bytes->size;
}

/* Also out of the store, by the batch. */
static void take_out(struct evidence_pool *pool, struct kv_batch *batch, uint32_t place) {
    struct evidence_piece *piece = &pool->pieces[place];
    struct key key = keys_height_hash(LETTER, piece->height, piece->hash.bytes);
    kv_batch_delete(batch, keys_span(&key));
    pool->bytes -= piece->bytes->size;
    blob_release(piece->bytes);
    pool->count--;
    memmove(piece, piece + 1, (pool->count - place) * sizeof *piece);
}

/* ---- bounds */

static bool has_room(const struct evidence_pool *pool, const struct evidence_piece *piece) {
    uint32_t attacks = 0, of_accused = 0;
    for (uint32_t i = 0; i < pool->count; i++) {
        attacks += pool->pieces[i].kind == EVIDENCE_LIGHT_ATTACK;
        of_accused += pool->pieces[i].kind == EVIDENCE_DUPLICATE_VOTE && address_equal(&pool->pieces[i].accused, &piece->accused);
    }
    bool is_attack = piece->kind == EVIDENCE_LIGHT_ATTACK;
    return pool->count < EVIDENCE_POOL_PIECES_MAX && pool->bytes + piece->bytes->size <= EVIDENCE_POOL_BYTES_MAX &&
           (is_attack ? attacks < EVIDENCE_POOL_ATTACKS_MAX : of_accused < EVIDENCE_POOL_PER_VALIDATOR_MAX);
}

static int64_t size_in_list(size_t size) { return (int64_t)(1 + proto_varint_size(size) + size); }

/* ---- pieces and evidence */

static struct blob *encode(const struct evidence *evidence) {
    struct proto_writer writer;
    proto_writer_measure(&writer);
    evidence_write(&writer, evidence);
    struct blob *bytes = blob_reserve(writer.size);
    proto_writer_init(&writer, bytes->data, bytes->size);
    evidence_write(&writer, evidence);
    return bytes;
}

static bool decode(struct evidence *out, struct span bytes, struct arena *arena) {
    struct span copy;
    if (!arena_copy(arena, &copy, bytes))
        return false;
    struct proto_reader reader = proto_reader_over(copy);
    *out = (struct evidence){0};
    evidence_read(out, &reader, arena);
    return !reader.bad && evidence_check(out);
}

/* The caller releases its bytes, or gives them to the pool. */
static struct evidence_piece piece_of(const struct evidence *evidence) {
    bool is_attack = evidence->kind == EVIDENCE_LIGHT_ATTACK;
    struct evidence_piece piece = {.kind = evidence->kind, .height = evidence_height(evidence), .bytes = encode(evidence)};
    piece.time = is_attack ? evidence->timestamp : evidence->duplicate.timestamp;
    piece.ready_at = is_attack ? evidence->conflicting_header.height : piece.height;
    if (is_attack && piece.ready_at < INT64_MAX) /* once there is the commit that all agree about */
        piece.ready_at++;
    if (!is_attack)
        piece.accused = evidence->duplicate.vote_a.validator_address;
    evidence_hash(&piece.hash, evidence);
    return piece;
}

static void make_ready(struct evidence_pool *pool, struct evidence_piece *piece, int64_t height) {
    if (piece->number == 0 && piece->ready_at <= height)
        piece->number = ++pool->last_number;
}

static void keep(struct ledger *ledger, struct kv_batch *batch, struct evidence_piece *piece, int64_t height) {
    struct key key = keys_height_hash(LETTER, piece->height, piece->hash.bytes);
    kv_batch_put(batch, keys_span(&key), blob_span(piece->bytes));
    make_ready(&ledger->evidence, piece, height);
    insert(&ledger->evidence, piece);
}

/* ---- from peers and RPC */

/* What costs nothing comes before the signatures. */
static enum evidence_pool_verdict judge_piece(struct ledger *ledger, const struct evidence_piece *piece, const struct evidence *evidence) {
    if (evidence_pool_find(&ledger->evidence, piece->height, &piece->hash) != NULL)
        return EVIDENCE_POOL_KNOWN;
    if (evidence_pool_is_committed(ledger, &piece->hash))
        return EVIDENCE_POOL_COMMITTED;
    if (size_in_list(piece->bytes->size) > ledger->state.params.evidence_bytes_max)
        return EVIDENCE_POOL_TOO_LARGE;
    return has_room(&ledger->evidence, piece) ? evidence_pool_verify(ledger, evidence) : EVIDENCE_POOL_FULL;
}

static void keep_now(struct ledger *ledger, struct evidence_piece *piece) {
    struct kv_batch batch;
    kv_batch_init(&batch);
    keep(ledger, &batch, piece, ledger->state.height);
    kv_write(ledger->kv, &batch, false);
    kv_batch_close(&batch);
}

enum evidence_pool_verdict evidence_pool_add(struct ledger *ledger, const struct evidence *evidence) {
    if (!evidence_check(evidence))
        return EVIDENCE_POOL_BAD_SHAPE;
    struct evidence_piece piece = piece_of(evidence);
    enum evidence_pool_verdict verdict = judge_piece(ledger, &piece, evidence);
    if (verdict == EVIDENCE_POOL_GOOD || verdict == EVIDENCE_POOL_HELD)
        keep_now(ledger, &piece);
    else
        blob_release(piece.bytes);
    return verdict;
}

/* ---- from consensus */

/* The pair's own copy. */
static void keep_extensions(struct evidence_pool_votes *pair) {
    struct vote *votes[] = {&pair->a, &pair->b};
    size_t size = pair->a.extension.size + pair->b.extension.size;
    if (size > EVIDENCE_POOL_EXTENSIONS_MAX)
        for (int i = 0; i < 2; i++) {
            votes[i]->extension = span_of(NULL, 0);
            votes[i]->extension_signature = (struct signature){0};
        }
    if (size == 0 || size > EVIDENCE_POOL_EXTENSIONS_MAX)
        return;
    pair->extensions = blob_reserve(size);
    uint8_t *place = pair->extensions->data;
    for (int i = 0; i < 2; i++) {
        struct span extension = votes[i]->extension;
        if (extension.size > 0)
            memcpy(place, extension.data, extension.size);
        votes[i]->extension = span_of(place, extension.size);
        place += extension.size;
    }
}

static void forget_votes(struct evidence_pool *pool) {
    for (uint32_t i = 0; i < pool->vote_count; i++)
        blob_release(pool->votes[i].extensions);
    pool->vote_count = 0;
}

static bool same_pair(const struct evidence_pool_votes *pair, const struct vote *one, const struct vote *other) {
    return pair->a.height == one->height && pair->a.round == one->round && pair->a.type == one->type &&
           block_id_equal(&pair->a.block_id, &one->block_id) && block_id_equal(&pair->b.block_id, &other->block_id);
}

void evidence_pool_note_votes(struct ledger *ledger, const struct vote *one, const struct vote *other) {
    struct evidence_pool *pool = &ledger->evidence;
    uint32_t of_one = 0;
    for (uint32_t i = 0; i < pool->vote_count; i++) {
        bool same_voter = address_equal(&pool->votes[i].a.validator_address, &one->validator_address);
        if (same_voter && same_pair(&pool->votes[i], one, other))
            return;
        of_one += same_voter;
    }
    if (pool->vote_count == EVIDENCE_POOL_VOTES_MAX || of_one == EVIDENCE_POOL_VOTES_OF_ONE_MAX)
        return;
    if (pool->votes == NULL) {
        pool->votes = malloc(EVIDENCE_POOL_VOTES_MAX * sizeof *pool->votes);
        assert(pool->votes != NULL);
    }
    struct evidence_pool_votes *pair = &pool->votes[pool->vote_count++];
    *pair = (struct evidence_pool_votes){.a = *one, .b = *other};
    keep_extensions(pair);
}

/* ---- with each height */

static bool time_of(struct ledger *ledger, struct timestamp *out, int64_t height, const struct block *block) {
    struct ledger_meta meta;
    if (height == block->header.height)
        *out = block->header.time;
    else if (height < block->header.height && ledger_block_meta(ledger, &meta, height))
        *out = meta.header.time;
    else
        return false;
    return true;
}

static bool in_block(const struct block *block, const struct digest *hash) {
    for (uint32_t i = 0; i < block->evidence_count; i++) {
        struct digest theirs;
        evidence_hash(&theirs, &block->evidence[i]);
        if (digest_equal(&theirs, hash))
            return true;
    }
    return false;
}

static bool is_expired(const struct evidence_piece *piece, const struct state *state) {
    return evidence_expired(state->height - piece->height, timestamp_diff_ns(&state->block_time, &piece->time),
                            state->params.evidence_age_blocks_max, state->params.evidence_age_ns_max);
}

static void keep_fresh(struct ledger *ledger, const struct evidence *evidence, const struct block *block) {
    struct evidence_piece piece = piece_of(evidence);
    bool wanted = evidence_pool_find(&ledger->evidence, piece.height, &piece.hash) == NULL && !in_block(block, &piece.hash) &&
                  !evidence_pool_is_committed(ledger, &piece.hash) && !is_expired(&piece, &ledger->next) &&
                  has_room(&ledger->evidence, &piece);
    if (wanted)
        keep(ledger, &ledger->batch, &piece, ledger->next.height);
    else
        blob_release(piece.bytes);
}

/* Both votes were verified when they came; but what we bring forward is verified as a whole. */
static void turn_votes(struct ledger *ledger, const struct evidence_pool_votes *pair, const struct block *block) {
    struct timestamp time;
    struct evidence evidence;
    struct valset set;
    valset_init(&set);
    if (time_of(ledger, &time, pair->a.height, block) && ledger_validators(ledger, &set, pair->a.height) &&
        evidence_from_votes(&evidence, &pair->a, &pair->b, &set, &time, &ledger->arena) &&
        evidence_verify_duplicate(&evidence, &set, span_text(ledger->state.chain_id)))
        keep_fresh(ledger, &evidence, block);
    valset_close(&set);
}

void evidence_pool_apply(struct ledger *ledger, const struct block *block) {
    struct evidence_pool *pool = &ledger->evidence;
    for (uint32_t i = 0; i < block->evidence_count; i++) {
        struct digest hash;
        evidence_hash(&hash, &block->evidence[i]);
        const struct evidence_piece *piece = evidence_pool_find(pool, evidence_height(&block->evidence[i]), &hash);
        if (piece != NULL)
            take_out(pool, &ledger->batch, (uint32_t)(piece - pool->pieces));
    }
    for (uint32_t i = pool->count; i > 0; i--)
        if (is_expired(&pool->pieces[i - 1], &ledger->next))
            take_out(pool, &ledger->batch, i - 1);
    for (uint32_t i = 0; i < pool->count; i++)
        make_ready(pool, &pool->pieces[i], ledger->next.height);
    for (uint32_t i = 0; i < pool->vote_count; i++)
        turn_votes(ledger, &pool->votes[i], block);
    forget_votes(pool);
}

/* ---- for the next block */

static int64_t room_of(const struct state *state) {
    int64_t block = params_data_bytes_max(state->params.block_bytes_max, 0, state->validators.count, state->release);
    return block < state->params.evidence_bytes_max ? block : state->params.evidence_bytes_max;
}

/* A piece that others would refuse costs us our turn. That an attack is still proven may depend on headers that were not there before. */
static enum evidence_pool_verdict judge_again(struct ledger *ledger, const struct evidence *evidence) {
    return evidence->kind == EVIDENCE_LIGHT_ATTACK ? evidence_pool_verify(ledger, evidence)
                                                   : evidence_pool_judge_standing(ledger, evidence);
}

static bool may_recover(enum evidence_pool_verdict verdict) { return verdict == EVIDENCE_POOL_EARLY || verdict == EVIDENCE_POOL_HELD; }

/* Pieces in order, until one does not fit; one that can fit nowhere does not stand in the way of the others. */
static uint32_t gather(struct ledger *ledger, struct evidence *list, int64_t *bytes, struct kv_batch *gone, struct arena *arena) {
    struct evidence_pool *pool = &ledger->evidence;
    int64_t room = room_of(&ledger->state);
    uint32_t count = 0;
    for (uint32_t i = 0; i < pool->count;) {
        struct evidence_piece *piece = &pool->pieces[i];
        int64_t size = size_in_list(piece->bytes->size);
        if (piece->number == 0 || size > room) {
            i++;
            continue;
        }
        if (*bytes + size > room || !decode(&list[count], blob_span(piece->bytes), arena))
            break;
        enum evidence_pool_verdict verdict = judge_again(ledger, &list[count]);
        if (verdict != EVIDENCE_POOL_GOOD && !may_recover(verdict)) {
            take_out(pool, gone, i);
            continue;
        }
        i++;
        if (verdict == EVIDENCE_POOL_GOOD) {
            *bytes += size;
            count++;
        }
    }
    return count;
}

uint32_t evidence_pool_list(struct ledger *ledger, struct evidence **out, int64_t *bytes, struct arena *arena) {
    *bytes = 0;
    *out = arena_take(arena, ledger->evidence.count, sizeof **out);
    if (*out == NULL || ledger->evidence.count == 0)
        return 0;
    struct kv_batch gone;
    kv_batch_init(&gone);
    uint32_t count = gather(ledger, *out, bytes, &gone, arena);
    if (gone.count > 0)
        kv_write(ledger->kv, &gone, false);
    kv_batch_close(&gone);
    return count;
}

/* ---- restart */

struct opening {
    struct ledger *ledger;
    struct arena arena;
    struct kv_batch gone;
};

static bool take_back(void *context, struct span key, struct span value) {
    struct opening *opening = context;
    struct ledger *ledger = opening->ledger;
    struct evidence evidence;
    arena_reset(&opening->arena);
    bool good = decode(&evidence, value, &opening->arena);
    struct evidence_piece piece = {0};
    if (good) {
        piece = piece_of(&evidence);
        good = !evidence_pool_is_committed(ledger, &piece.hash) && !is_expired(&piece, &ledger->state) && has_room(&ledger->evidence, &piece);
    }
    if (good) {
        make_ready(&ledger->evidence, &piece, ledger->state.height);
        insert(&ledger->evidence, &piece);
        return true;
    }
    blob_release(piece.bytes);
    kv_batch_delete(&opening->gone, key);
    return true;
}

void evidence_pool_open(struct ledger *ledger) {
    struct opening opening = {.ledger = ledger};
    struct key from = keys_plain(LETTER), to = keys_plain(LETTER + 1);
    arena_init(&opening.arena, 64u << 20);
    kv_batch_init(&opening.gone);
    kv_scan(ledger->kv, keys_span(&from), keys_span(&to), false, take_back, &opening);
    if (opening.gone.count > 0)
        kv_write(ledger->kv, &opening.gone, false);
    kv_batch_close(&opening.gone);
    arena_close(&opening.arena);
}

void evidence_pool_close(struct evidence_pool *pool) {
    for (uint32_t i = 0; i < pool->count; i++)
        blob_release(pool->pieces[i].bytes);
    free(pool->pieces);
    forget_votes(pool);
    free(pool->votes);
    *pool = (struct evidence_pool){0};
}
