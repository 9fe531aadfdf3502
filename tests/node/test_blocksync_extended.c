/* Block sync where vote extensions are on: the extended commit comes with its block, whole and true, and only where it belongs. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "ledger/app_extender.h"
#include "node/blockserve.h"
#include "node/wire.h"
#include "tests/ledger/chain.h"

Suite *suite_blocksync_extended(void);

enum { HEIGHTS = 40, LETTERS_MAX = 256, LIAR = 1, HONEST = 2 };

enum lie { /* of peer 1 about every extended commit */
    NO_LIE,
    LEFT_OUT,
    GARBLED,
    OF_NEXT_HEIGHT,
    FORGED_EXTENSION,
    WRONG_EXTENSION_SIGNATURE,
    UNSIGNED_EXTENSION,
    EXTENSION_OF_NIL,
    WRONG_VOTE_SIGNATURE,
    NO_TWO_THIRDS,
    ONE_ENTRY_LESS,
    ANOTHER_BLOCK,
    LIES,
};

struct letter {
    uint32_t peer;
    struct blob *bytes;
};

struct pair {
    struct chain source, joiner;
    struct blocksync sync;
    struct blockserve serve;
    enum lie lie;
    int64_t now_ms;
    uint32_t letter_count;
    struct letter letters[LETTERS_MAX];
    bool dropped[3];
    enum world_blame blame;
    char reason[160];
    struct arena arena;
    uint8_t room[65536];
};

static bool on_send(void *context, uint32_t peer, struct blob *message) {
    struct pair *pair = context;
    ck_assert_uint_lt(pair->letter_count, LETTERS_MAX);
    pair->letters[pair->letter_count++] = (struct letter){peer, blob_hold(message)};
    return true;
}

static void on_drop(void *context, uint32_t peer, enum world_blame blame, const char *reason) {
    struct pair *pair = context;
    pair->dropped[peer] = true;
    pair->blame = blame;
    snprintf(pair->reason, sizeof pair->reason, "%s", reason);
    blocksync_peer_down(&pair->sync, peer);
}

static void on_applied(void *context, struct block *block, const struct ledger_applied *applied) {
    (void)context;
    (void)block;
    (void)applied;
}

static void on_halt(void *context, const char *why) {
    (void)context;
    ck_abort_msg("%s", why);
}

static struct app *open_extender(struct kv *kv, struct span chain_id) {
    (void)chain_id;
    return app_extender_open(kv);
}

/* ---- what peers answer */

static void spoil(struct pair *pair, struct commit *commit) {
    struct commit_extension *last = &commit->extensions[commit->count - 1];
    switch (pair->lie) {
    case FORGED_EXTENSION: last->bytes = span_text("worth a lot"); break;
    case WRONG_EXTENSION_SIGNATURE: last->signature.bytes[11] ^= 1; break;
    case UNSIGNED_EXTENSION: last->signature.size = 0; break;
    case EXTENSION_OF_NIL: commit->sigs[commit->count - 1].flag = COMMIT_FOR_NIL; break;
    case WRONG_VOTE_SIGNATURE: commit->sigs[0].signature.bytes[11] ^= 1; break;
    case NO_TWO_THIRDS:
        for (uint32_t i = 0; i < 2; i++) {
            commit_sig_absent(&commit->sigs[i]);
            commit->extensions[i] = (struct commit_extension){0};
        }
        break;
    case ONE_ENTRY_LESS: commit->count--; break;
    case ANOTHER_BLOCK: commit->block_id.hash.bytes[3] ^= 1; break;
    default: break;
    }
}

/* Of `height`, as the peer tells it; data NULL: left out. */
static struct span extended_commit(struct pair *pair, uint32_t peer, int64_t height) {
    struct commit commit;
    struct proto_writer writer;
    bool lies = peer == LIAR && pair->lie != NO_LIE;
    arena_reset(&pair->arena);
    if (lies && pair->lie == LEFT_OUT)
        return span_of(NULL, 0);
    if (lies && pair->lie == GARBLED)
        return span_text("\x0a\xff\xff");
    if (!ledger_extended_commit(&pair->source.ledger, &commit, lies && pair->lie == OF_NEXT_HEIGHT ? height + 1 : height, &pair->arena))
        return span_of(NULL, 0);
    if (lies)
        spoil(pair, &commit);
    proto_writer_init(&writer, pair->room, sizeof pair->room);
    commit_extended_write(&writer, &commit);
    return proto_writer_span(&writer);
}

static void answer(struct pair *pair, uint32_t peer, const struct wire_blocksync *request) {
    struct ledger *source = &pair->source.ledger;
    struct wire_blocksync message = {.kind = WIRE_STATUS_RESPONSE, .height = source->state.height, .base = 1};
    if (request->kind == WIRE_STATUS_REQUEST)
        return blocksync_receive(&pair->sync, peer, &message);
    struct blob *bytes = ledger_block_bytes(source, request->height);
    struct span extended = extended_commit(pair, peer, request->height);
    message = (struct wire_blocksync){.kind = WIRE_BLOCK_RESPONSE, .has_block = true, .block = blob_span(bytes)};
    message.has_extended_commit = extended.data != NULL;
    message.extended_commit = extended;
    blocksync_receive(&pair->sync, peer, &message);
    blob_release(bytes);
}

static void run(struct pair *pair, int64_t ms) {
    for (int64_t until = pair->now_ms + ms; pair->now_ms < until; pair->now_ms += 5) {
        struct letter letters[LETTERS_MAX];
        uint32_t count = pair->letter_count;
        memcpy(letters, pair->letters, count * sizeof letters[0]);
        pair->letter_count = 0;
        for (uint32_t i = 0; i < count; i++) {
            struct wire_blocksync message;
            ck_assert_ptr_null(wire_blocksync_decode(&message, blob_span(letters[i].bytes)));
            if (!pair->dropped[letters[i].peer])
                answer(pair, letters[i].peer, &message);
            blob_release(letters[i].bytes);
        }
        while (blocksync_turn(&pair->sync, pair->now_ms))
            continue;
    }
}

static struct pair *open_pair(int64_t enable_height, enum lie lie) {
    struct pair *pair = calloc(1, sizeof *pair);
    struct chain_config config = {.open_app = open_extender, .extensions_enable_height = enable_height};
    ck_assert_ptr_nonnull(pair);
    arena_init(&pair->arena, 1 << 24);
    chain_open(&pair->source, &config);
    chain_open(&pair->joiner, &config);
    pair->lie = lie;
    pair->now_ms = 1000;
    struct blocksync_owner owner = {pair, on_send, on_drop, on_applied, on_halt};
    blocksync_init(&pair->sync, &pair->joiner.ledger, &owner);
    return pair;
}

static void begin(struct pair *pair, bool with_liar) {
    blocksync_begin(&pair->sync, pair->now_ms);
    for (uint32_t peer = with_liar ? LIAR : HONEST; peer <= HONEST; peer++)
        blocksync_peer_up(&pair->sync, peer, peer == LIAR ? "liar" : "honest");
}

static void close_pair(struct pair *pair) {
    for (uint32_t i = 0; i < pair->letter_count; i++)
        blob_release(pair->letters[i].bytes);
    blocksync_close(&pair->sync);
    chain_close(&pair->source);
    chain_close(&pair->joiner);
    arena_close(&pair->arena);
    free(pair);
}

static bool same_extended(struct pair *pair, int64_t height) {
    struct blob *ours = ledger_extended_commit_bytes(&pair->joiner.ledger, height);
    struct blob *theirs = ledger_extended_commit_bytes(&pair->source.ledger, height);
    bool same = ours == NULL || theirs == NULL ? ours == theirs : span_equal(blob_span(ours), blob_span(theirs));
    blob_release(ours);
    blob_release(theirs);
    return same;
}

static void must_match(struct pair *pair) {
    ck_assert_int_eq(pair->joiner.ledger.state.height, pair->source.ledger.state.height - 1);
    for (int64_t height = 1; height <= pair->joiner.ledger.state.height; height++)
        ck_assert(same_extended(pair, height));
}

START_TEST(extended_commits_come_with_their_blocks_byte_for_byte) {
    struct pair *pair = open_pair(1, NO_LIE);
    chain_run(&pair->source, HEIGHTS);
    begin(pair, true);
    run(pair, 3000);
    must_match(pair);
    ck_assert_msg(!pair->dropped[LIAR] && !pair->dropped[HONEST], "%s", pair->reason);
    blocksync_end(&pair->sync);
    ck_assert_int_eq(pair->sync.held_bytes, 0);
    close_pair(pair);
}
END_TEST

START_TEST(they_begin_at_the_height_of_the_switch_wherever_that_is) {
    struct pair *pair = open_pair(0, NO_LIE);
    chain_step(&pair->source, (const char *const[]){"extend=9"}, 1);
    chain_run(&pair->source, HEIGHTS);
    begin(pair, true);
    run(pair, 3000);
    must_match(pair);
    ck_assert(!pair->dropped[LIAR] && !pair->dropped[HONEST]);
    struct blob *none = ledger_extended_commit_bytes(&pair->joiner.ledger, 8), *first = ledger_extended_commit_bytes(&pair->joiner.ledger, 9);
    ck_assert(none == NULL && first != NULL);
    blob_release(first);
    close_pair(pair);
}
END_TEST

START_TEST(whoever_gives_a_false_extended_commit_is_convicted_alone) {
    struct pair *pair = open_pair(1, (enum lie)_i);
    chain_run(&pair->source, HEIGHTS);
    begin(pair, true);
    run(pair, 5000);
    must_match(pair);
    ck_assert_msg(pair->dropped[LIAR], "lie %d", _i);
    ck_assert_msg(!pair->dropped[HONEST], "lie %d: %s", _i, pair->reason);
    ck_assert_int_eq(pair->blame, _i == LEFT_OUT ? WORLD_BLAME_FAULT : WORLD_BLAME_MALICE);
    ck_assert_ptr_nonnull(strstr(pair->reason, "extended commit"));
    close_pair(pair);
}
END_TEST

/* It need not be the commit that the next block carries: others' votes are as good. */
START_TEST(an_extended_commit_of_other_votes_than_the_next_block_s_is_as_good) {
    struct pair *pair = open_pair(1, NO_LIE);
    for (int i = 0; i < 10; i++) {
        chain_step(&pair->source, NULL, 0);
        commit_sig_absent(&pair->source.last.sigs[i % 4]); /* the next block names three of the four */
        pair->source.last.extensions[i % 4] = (struct commit_extension){0};
    }
    begin(pair, false);
    run(pair, 3000);
    must_match(pair);
    ck_assert_msg(!pair->dropped[HONEST], "%s", pair->reason);
    close_pair(pair);
}
END_TEST

START_TEST(without_the_last_extended_commit_it_is_not_done_before_a_block_came) {
    struct pair *pair = open_pair(1, NO_LIE);
    struct kv_batch batch;
    struct key key = keys_height('x', 5);
    chain_run(&pair->source, 6);
    begin(pair, false);
    run(pair, 2000);
    blocksync_end(&pair->sync);
    ck_assert_int_eq(pair->joiner.ledger.state.height, 5);
    kv_batch_init(&batch);
    kv_batch_delete(&batch, keys_span(&key));
    kv_write(pair->joiner.kv, &batch, true);
    kv_batch_close(&batch);
    blocksync_begin(&pair->sync, pair->now_ms);
    struct timestamp now = timestamp_add_ns(&pair->source.ledger.state.block_time, 3600 * INT64_C(1000000000));
    run(pair, 100000);
    ck_assert(!blocksync_is_done(&pair->sync, &now));
    chain_run(&pair->source, 2);
    run(pair, 20000);
    ck_assert_int_eq(pair->joiner.ledger.state.height, 7);
    ck_assert(blocksync_is_done(&pair->sync, &now));
    close_pair(pair);
}
END_TEST

/* ---- serving */

static struct blob *served;

static bool keep(void *context, uint32_t peer, struct blob *message) {
    (void)context;
    (void)peer;
    blob_release(served);
    served = blob_hold(message);
    return true;
}

static void ask(struct pair *pair, struct wire_blocksync *out, int64_t height) {
    struct blocksync_owner owner = {.context = pair, .send = keep};
    blockserve_init(&pair->serve, &pair->source.ledger, &owner, 0);
    blockserve_peer_up(&pair->serve, 1);
    blockserve_turn(&pair->serve, 1); /* its status */
    blockserve_receive(&pair->serve, 1, &(struct wire_blocksync){.kind = WIRE_BLOCK_REQUEST, .height = height});
    blockserve_turn(&pair->serve, 2);
    ck_assert_ptr_null(wire_blocksync_decode(out, blob_span(served)));
}

START_TEST(an_extended_commit_is_served_where_it_belongs_and_a_block_that_lacks_it_is_denied) {
    struct pair *pair = open_pair(4, NO_LIE);
    struct wire_blocksync out;
    struct commit commit;
    chain_run(&pair->source, 6);
    ask(pair, &out, 3);
    ck_assert(out.has_block && !out.has_extended_commit);
    ask(pair, &out, 4);
    ck_assert(out.has_block && out.has_extended_commit);
    ck_assert(commit_extended_decode(&commit, out.extended_commit, &pair->arena));
    ck_assert_int_eq(commit.height, 4);
    ck_assert_int_eq(commit_extended_ensure(&commit), COMMIT_GOOD);
    struct kv_batch batch;
    struct key key = keys_height('x', 5);
    kv_batch_init(&batch);
    kv_batch_delete(&batch, keys_span(&key));
    kv_write(pair->source.kv, &batch, true);
    kv_batch_close(&batch);
    ask(pair, &out, 5);
    ck_assert_int_eq(out.kind, WIRE_NO_BLOCK);
    ck_assert_int_eq(out.height, 5);
    blob_release(served);
    close_pair(pair);
}
END_TEST

Suite *suite_blocksync_extended(void) {
    Suite *suite = suite_create("blocksync_extended");
    TCase *tests = tcase_create("blocksync_extended");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, extended_commits_come_with_their_blocks_byte_for_byte);
    tcase_add_test(tests, they_begin_at_the_height_of_the_switch_wherever_that_is);
    tcase_add_loop_test(tests, whoever_gives_a_false_extended_commit_is_convicted_alone, LEFT_OUT, LIES);
    tcase_add_test(tests, an_extended_commit_of_other_votes_than_the_next_block_s_is_as_good);
    tcase_add_test(tests, without_the_last_extended_commit_it_is_not_done_before_a_block_came);
    tcase_add_test(tests, an_extended_commit_is_served_where_it_belongs_and_a_block_that_lacks_it_is_denied);
    suite_add_tcase(suite, tests);
    return suite;
}
