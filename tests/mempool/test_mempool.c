#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/sha256.h"
#include "mempool/mempool.h"

/* An application as a user might bring it. A transaction is text: its sender ('-' for none), a digit of sequence, then anything;
 * one with '!' in it is refused, and '?' makes it fail its recheck. */
struct letters {
    struct app app;
    int64_t gas, expires;
    unsigned checks;
    char rechecked[64];
};

static void letters_check(struct app *app, struct abci_check *out, struct span tx, bool recheck, struct arena *arena) {
    struct letters *letters = (struct letters *)app;
    (void)arena;
    letters->checks++;
    *out = (struct abci_check){.expires = letters->expires};
    out->result.gas_wanted = letters->gas;
    if (tx.data[0] != '-')
        out->sender = span_of(tx.data, 1);
    if (tx.size > 1)
        out->sequence = (uint64_t)(tx.data[1] - '0');
    if (memchr(tx.data, '!', tx.size) != NULL || (recheck && memchr(tx.data, '?', tx.size) != NULL))
        out->result.code = 1;
    if (recheck && strlen(letters->rechecked) + tx.size + 2 < sizeof letters->rechecked) {
        strncat(letters->rechecked, (const char *)tx.data, tx.size);
        strcat(letters->rechecked, " ");
    }
}

static const struct app_table letters_table = {.name = "letters", .check_tx = letters_check};
static struct letters letters;

/* The same from far away: answers come later, in order, and nothing else may be asked meanwhile. */
static struct {
    struct span txs[APP_AHEAD_MAX];
    bool recheck[APP_AHEAD_MAX];
    uint32_t sent, taken, most;
} far;

static void far_send(struct app *app, struct span tx, bool recheck) {
    (void)app;
    ck_assert_uint_eq(far.taken, 0);
    ck_assert_uint_lt(far.sent, APP_AHEAD_MAX);
    far.recheck[far.sent] = recheck;
    far.txs[far.sent++] = tx;
    far.most = far.sent > far.most ? far.sent : far.most;
}

static void far_take(struct app *app, struct abci_check *out, struct arena *scratch) {
    ck_assert_uint_lt(far.taken, far.sent);
    letters_check(app, out, far.txs[far.taken], far.recheck[far.taken], scratch);
    if (++far.taken == far.sent)
        far.taken = far.sent = 0;
}

static void far_check(struct app *app, struct abci_check *out, struct span tx, bool recheck, struct arena *scratch) {
    far_send(app, tx, recheck);
    far_take(app, out, scratch);
}

static const struct app_table far_table = {.name = "far letters", .check_tx = far_check, .check_send = far_send, .check_take = far_take};

static struct mempool_config config;
static struct mempool *pool;
static struct arena arena;

static void setup(void) {
    letters = (struct letters){.app.table = &letters_table, .gas = 1};
    config = (struct mempool_config){
        .count_max = 5000, .bytes_max = 1 << 30, .tx_bytes_max = 1 << 20, .cache_count = 10000, .recheck = true};
    arena_init(&arena, 1 << 26);
    pool = NULL;
}

static void teardown(void) {
    mempool_free(pool);
    arena_close(&arena);
}

static void open_pool(void) { pool = mempool_new(&config, &letters.app); }

static enum mempool_verdict offer_from(const char *text, int peer_slot) {
    struct abci_check check;
    struct blob *tx = blob_new(span_text(text));
    enum mempool_verdict verdict = mempool_add(pool, &check, tx, peer_slot, 1000, &arena);
    blob_release(tx);
    return verdict;
}

static enum mempool_verdict offer(const char *text) { return offer_from(text, -1); }

static const struct mempool_tx *find(const char *text) {
    uint8_t hash[32];
    sha256_once(hash, span_text(text));
    return mempool_find(pool, hash);
}

/* A block of at most four transactions; those with '#' in them fail. */
static void commit_at(int64_t height, int64_t now_ms, unsigned count, const char *const *texts) {
    struct span txs[4];
    uint8_t hashes[4][32];
    struct abci_tx_result results[4] = {{0}};
    struct block block = {.tx_count = count, .txs = txs, .tx_hashes = hashes};
    block.header.height = height;
    for (unsigned i = 0; i < count; i++) {
        txs[i] = span_text(texts[i]);
        sha256_once(hashes[i], txs[i]);
        results[i].code = strchr(texts[i], '#') != NULL;
    }
    mempool_update(pool, &block, results, now_ms);
}

static void commit_one(int64_t height, const char *text) { commit_at(height, 1000, 1, &text); }

static const char *reaped_within(int64_t bytes_max, int64_t gas_max) {
    static char text[4096];
    struct span *txs;
    uint8_t(*hashes)[32];
    uint32_t count = mempool_reap(pool, &txs, &hashes, bytes_max, gas_max, &arena);
    text[0] = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t hash[32];
        sha256_once(hash, txs[i]);
        ck_assert_mem_eq(hash, hashes[i], 32);
        strncat(text, (const char *)txs[i].data, txs[i].size);
        strcat(text, i + 1 < count ? " " : "");
    }
    return text;
}

static const char *reaped(void) { return reaped_within(-1, -1); }

/* Everything that is counted twice must agree. */
static void check_coherence(void) {
    uint64_t bytes = 0, last = 0;
    uint32_t count = 0;
    for (const struct mempool_tx *tx = mempool_next(pool, 0); tx != NULL; tx = mempool_next(pool, tx->number)) {
        ck_assert_uint_gt(tx->number, last);
        ck_assert_ptr_eq(mempool_find(pool, tx->hash), tx);
        last = tx->number;
        bytes += tx->tx->size;
        count++;
    }
    ck_assert_uint_eq(count, mempool_count(pool));
    ck_assert_uint_eq(bytes, mempool_bytes(pool));
}

static void offer_all(const char *const *texts, uint32_t count, int peer_slot) {
    struct blob *txs[600];
    for (uint32_t i = 0; i < count; i++)
        txs[i] = blob_new(span_text(texts[i]));
    mempool_add_all(pool, txs, count, peer_slot, 1000);
    for (uint32_t i = 0; i < count; i++)
        blob_release(txs[i]);
}

/* What many at once leave behind, with an application near or far. */
static const char *after_many(const struct app_table *table) {
    static const char *const texts[] = {"-0a", "-0b", "-0a", "", "-0!", "-0?c", "-0long", "-0b", "-0d", "-0e", "-0f"};
    static char line[2][256];
    char *out = line[table == &far_table];
    teardown();
    setup();
    letters.app.table = table;
    config.count_max = 5;
    config.tx_bytes_max = 5;
    open_pool();
    ck_assert_int_eq(offer("-0d"), MEMPOOL_ADDED);
    offer_all(texts, sizeof texts / sizeof texts[0], 3);
    check_coherence();
    ck_assert_uint_eq(find("-0d")->known_by, 8);
    ck_assert_uint_eq(find("-0a")->known_by, 8);
    snprintf(out, 256, "%s", reaped());
    commit_one(7, "-0b");
    snprintf(out + strlen(out), 256 - strlen(out), " | %s", reaped());
    ck_assert_int_eq(offer("-0!"), MEMPOOL_REFUSED);
    return out;
}

START_TEST(many_at_once_end_up_the_same_with_an_application_near_or_far) {
    const char *near = after_many(&letters_table), *distant = after_many(&far_table);
    ck_assert_str_eq(near, "-0d -0a -0b -0?c -0e | -0d -0a -0e");
    ck_assert_str_eq(near, distant);
    ck_assert_uint_gt(far.most, 3);
}
END_TEST

START_TEST(a_far_application_is_rechecked_ahead_in_order_and_never_by_more_than_the_bound) {
    enum { COUNT = 2 * APP_AHEAD_MAX + 7 };
    static char texts[COUNT][16];
    const char *pointers[COUNT];
    letters.app.table = &far_table;
    open_pool();
    for (int i = 0; i < COUNT; i++) {
        snprintf(texts[i], sizeof texts[i], "-0%d%s", i, i % 10 == 3 ? "?" : "");
        pointers[i] = texts[i];
    }
    offer_all(pointers, COUNT, -1);
    ck_assert_uint_eq(mempool_count(pool), COUNT);
    commit_one(7, "-01");
    ck_assert_uint_eq(far.most, APP_AHEAD_MAX);
    ck_assert_uint_eq(mempool_count(pool), COUNT - 1 - (COUNT + 6) / 10);
    ck_assert_int_eq(strncmp(letters.rechecked, "-00 -02 -03? -04 ", 17), 0);
    check_coherence();
}
END_TEST

START_TEST(transactions_are_proposed_in_the_order_of_arrival) {
    open_pool();
    ck_assert_int_eq(offer("-0c"), MEMPOOL_ADDED);
    ck_assert_int_eq(offer("-0a"), MEMPOOL_ADDED);
    ck_assert_int_eq(offer("-0b"), MEMPOOL_ADDED);
    ck_assert_str_eq(reaped(), "-0c -0a -0b");
    ck_assert_uint_eq(mempool_bytes(pool), 9);
    check_coherence();
}
END_TEST

START_TEST(those_of_one_sender_are_proposed_in_sequence_and_others_keep_their_places) {
    open_pool();
    const char *texts[] = {"a2", "-0x", "a0", "b7", "a1", "b6", "-0y"};
    for (size_t i = 0; i < 7; i++)
        offer(texts[i]);
    ck_assert_str_eq(reaped(), "a0 -0x a1 b6 a2 b7 -0y");
    ck_assert_str_eq(reaped_within(-1, 4), "a0 -0x a1 b6");
    ck_assert_str_eq(reaped(), "a0 -0x a1 b6 a2 b7 -0y");
}
END_TEST

START_TEST(equal_sequences_keep_the_order_of_arrival) {
    open_pool();
    offer("a1first");
    offer("a0");
    offer("a1second");
    ck_assert_str_eq(reaped(), "a0 a1first a1second");
}
END_TEST

START_TEST(a_proposal_is_cut_where_bytes_as_data_encodes_them_would_pass) {
    open_pool();
    offer("-0a"); /* 5 bytes each: tag, length, text */
    offer("-0b");
    ck_assert_str_eq(reaped_within(10, -1), "-0a -0b");
    ck_assert_str_eq(reaped_within(9, -1), "-0a");
    ck_assert_str_eq(reaped_within(4, -1), "");
    ck_assert_str_eq(reaped_within(0, -1), "");
}
END_TEST

START_TEST(a_proposal_is_cut_where_gas_would_pass) {
    open_pool();
    letters.gas = INT64_MAX;
    offer("-0a");
    offer("-0b"); /* the sum is beyond 64 bits */
    ck_assert_str_eq(reaped_within(-1, INT64_MAX), "-0a");
    ck_assert_str_eq(reaped_within(-1, -1), "-0a -0b");
}
END_TEST

START_TEST(an_empty_transaction_is_refused_so_packed_empty_ones_cost_nothing_5946) {
    open_pool();
    for (int i = 0; i < 100000; i++)
        ck_assert_int_eq(offer_from("", 3), MEMPOOL_EMPTY_TX);
    ck_assert_uint_eq(letters.checks, 0);
    ck_assert_uint_eq(mempool_count(pool), 0);
    ck_assert_uint_eq(arena.bytes_taken, 0);
}
END_TEST

START_TEST(a_transaction_beyond_the_size_limit_is_too_large_and_the_application_is_not_asked) {
    config.tx_bytes_max = 4;
    open_pool();
    ck_assert_int_eq(offer("-0ab"), MEMPOOL_ADDED);
    ck_assert_int_eq(offer("-0abc"), MEMPOOL_TOO_LARGE);
    ck_assert_uint_eq(letters.checks, 1);
}
END_TEST

START_TEST(a_transaction_that_no_block_has_room_for_is_too_large) {
    open_pool();
    mempool_set_limits(pool, 6, -1);
    ck_assert_int_eq(offer("-0ab"), MEMPOOL_ADDED); /* 6 encoded */
    ck_assert_int_eq(offer("-0abc"), MEMPOOL_TOO_LARGE);
}
END_TEST

/* More validators sign: their commit takes room that was the transactions'. */
START_TEST(what_fits_into_no_block_any_more_goes_at_once_and_lets_the_others_pass) {
    open_pool();
    mempool_set_limits(pool, 7, -1);
    ck_assert_int_eq(offer("-0abc"), MEMPOOL_ADDED); /* 7 encoded */
    ck_assert_int_eq(offer("-0ab"), MEMPOOL_ADDED);
    mempool_set_limits(pool, 6, -1);
    ck_assert_uint_eq(mempool_count(pool), 1);
    struct mempool_counts counts;
    mempool_counted(pool, &counts);
    ck_assert_uint_eq(counts.evicted, 1);
    ck_assert_str_eq(reaped_within(6, -1), "-0ab");
    ck_assert_int_eq(offer("-0abc"), MEMPOOL_TOO_LARGE);
    mempool_set_limits(pool, 7, -1);
    ck_assert_int_eq(offer("-0abc"), MEMPOOL_ADDED); /* it may come again */
    letters.gas = 5;
    ck_assert_int_eq(offer("-0c"), MEMPOOL_ADDED);
    mempool_set_limits(pool, 7, 4);
    ck_assert_ptr_null(strstr(reaped_within(7, -1), "-0c"));
    ck_assert_uint_eq(mempool_count(pool), 2);
}
END_TEST

START_TEST(gas_beyond_the_blocks_or_negative_is_refused_unless_there_is_no_limit) {
    open_pool();
    mempool_set_limits(pool, INT64_MAX, 10);
    letters.gas = 11;
    ck_assert_int_eq(offer("-0a"), MEMPOOL_REFUSED);
    letters.gas = -1;
    ck_assert_int_eq(offer("-0a"), MEMPOOL_REFUSED);
    letters.gas = 10;
    ck_assert_int_eq(offer("-0a"), MEMPOOL_ADDED);
    mempool_set_limits(pool, INT64_MAX, -1);
    letters.gas = INT64_MAX;
    ck_assert_int_eq(offer("-0b"), MEMPOOL_ADDED);
}
END_TEST

START_TEST(the_count_limit_is_kept_and_what_did_not_fit_may_come_later) {
    config.count_max = 2;
    open_pool();
    offer("-0a");
    offer("-0b");
    ck_assert_int_eq(offer("-0c"), MEMPOOL_FULL);
    ck_assert_int_eq(offer("-0a"), MEMPOOL_KNOWN);
    commit_one(1, "-0a");
    ck_assert_int_eq(offer("-0c"), MEMPOOL_ADDED);
}
END_TEST

START_TEST(the_byte_limit_is_kept) {
    config.bytes_max = 7;
    open_pool();
    ck_assert_int_eq(offer("-0ab"), MEMPOOL_ADDED);
    ck_assert_int_eq(offer("-0cd"), MEMPOOL_FULL);
    ck_assert_int_eq(offer("-0c"), MEMPOOL_ADDED);
    ck_assert_int_eq(offer("-"), MEMPOOL_FULL);
}
END_TEST

START_TEST(a_known_transaction_is_not_checked_again_and_notes_the_peer) {
    open_pool();
    ck_assert_int_eq(offer_from("-0a", 3), MEMPOOL_ADDED);
    ck_assert_int_eq(offer_from("-0a", 63), MEMPOOL_KNOWN);
    ck_assert_int_eq(offer("-0a"), MEMPOOL_KNOWN);
    ck_assert_uint_eq(letters.checks, 1);
    ck_assert_uint_eq(find("-0a")->known_by, (uint64_t)1 << 63 | 1 << 3);
}
END_TEST

START_TEST(a_committed_transaction_leaves_and_cannot_come_again) {
    open_pool();
    offer("-0a");
    offer("-0b");
    commit_one(1, "-0a");
    ck_assert_str_eq(reaped(), "-0b");
    ck_assert_int_eq(offer("-0a"), MEMPOOL_KNOWN);
    commit_one(2, "-0never offered here");
    ck_assert_int_eq(offer("-0never offered here"), MEMPOOL_KNOWN);
    check_coherence();
}
END_TEST

START_TEST(a_transaction_that_failed_in_a_block_leaves_and_may_come_again_wound_6) {
    open_pool();
    offer("-0#");
    commit_one(1, "-0#");
    ck_assert_uint_eq(mempool_count(pool), 0);
    ck_assert_int_eq(offer("-0#"), MEMPOOL_ADDED);
}
END_TEST

START_TEST(a_transaction_that_failed_in_a_block_stays_known_if_invalid_ones_are_kept_in_the_cache) {
    config.keep_invalid_in_cache = true;
    open_pool();
    offer("-0#");
    commit_one(1, "-0#");
    ck_assert_int_eq(offer("-0#"), MEMPOOL_KNOWN);
}
END_TEST

START_TEST(a_refused_transaction_is_asked_about_again_unless_kept_in_the_cache) {
    open_pool();
    ck_assert_int_eq(offer("-0!"), MEMPOOL_REFUSED);
    ck_assert_int_eq(offer("-0!"), MEMPOOL_REFUSED);
    ck_assert_uint_eq(letters.checks, 2);
    mempool_free(pool);
    config.keep_invalid_in_cache = true;
    open_pool();
    ck_assert_int_eq(offer("-0!"), MEMPOOL_REFUSED);
    ck_assert_int_eq(offer("-0!"), MEMPOOL_KNOWN);
}
END_TEST

START_TEST(what_the_cache_forgot_but_still_waits_is_not_taken_twice_wound_17) {
    config.cache_count = 1;
    open_pool();
    offer("-0a");
    offer("-0b"); /* the cache forgets a */
    ck_assert_int_eq(offer_from("-0a", 1), MEMPOOL_KNOWN);
    ck_assert_uint_eq(mempool_count(pool), 2);
    const char *both[] = {"-0a", "-0b"};
    commit_at(1, 1000, 2, both);
    ck_assert_uint_eq(mempool_count(pool), 0);
    ck_assert_uint_eq(mempool_bytes(pool), 0);
}
END_TEST

START_TEST(without_a_cache_only_what_waits_is_known) {
    config.cache_count = 0;
    open_pool();
    offer("-0a");
    ck_assert_int_eq(offer("-0a"), MEMPOOL_KNOWN);
    commit_one(1, "-0a");
    ck_assert_int_eq(offer("-0a"), MEMPOOL_ADDED);
}
END_TEST

START_TEST(the_rest_is_rechecked_in_the_order_of_a_proposal_and_who_fails_goes) {
    open_pool();
    offer("a1");
    offer("-0?");
    offer("a0");
    offer("-0z");
    commit_one(1, "-0z");
    ck_assert_str_eq(letters.rechecked, "a0 -0? a1 ");
    ck_assert_str_eq(reaped(), "a0 a1");
    ck_assert_int_eq(offer("-0?"), MEMPOOL_ADDED);
    check_coherence();
}
END_TEST

START_TEST(who_asks_for_more_gas_than_a_block_now_has_goes_at_the_recheck) {
    open_pool();
    offer("-0a");
    mempool_set_limits(pool, INT64_MAX, 0);
    commit_at(1, 1000, 0, NULL);
    ck_assert_uint_eq(mempool_count(pool), 0);
}
END_TEST

START_TEST(nothing_is_rechecked_if_recheck_is_off) {
    config.recheck = false;
    open_pool();
    offer("-0?");
    commit_at(1, 1000, 0, NULL);
    ck_assert_str_eq(letters.rechecked, "");
    ck_assert_uint_eq(mempool_count(pool), 1);
}
END_TEST

START_TEST(a_flush_and_a_recheck_that_empty_the_pool_leave_it_usable_wound_45) {
    open_pool();
    commit_at(1, 1000, 0, NULL); /* recheck of nothing */
    offer("a0?");
    offer("a1?");
    uint64_t cursor = find("a1?")->number;
    commit_at(2, 1000, 0, NULL); /* the recheck removes first, last and sender at once */
    ck_assert_uint_eq(mempool_count(pool), 0);
    ck_assert_ptr_null(mempool_next(pool, 0));
    offer("a0?");
    mempool_flush(pool);
    check_coherence();
    commit_one(3, "a0?"); /* committed after the flush */
    ck_assert_int_eq(offer("a1?"), MEMPOOL_ADDED); /* the flush forgot the cache too */
    ck_assert_uint_gt(mempool_next(pool, cursor)->number, cursor); /* a gossip cursor never meets an old number again */
    ck_assert_str_eq(reaped(), "a1?");
    check_coherence();
}
END_TEST

START_TEST(a_transaction_goes_when_it_waited_ttl_blocks) {
    config.ttl_blocks = 2;
    open_pool();
    commit_at(10, 1000, 0, NULL);
    offer("-0a");
    commit_at(11, 1000, 0, NULL);
    ck_assert_uint_eq(mempool_count(pool), 1);
    commit_at(12, 1000, 0, NULL);
    ck_assert_uint_eq(mempool_count(pool), 0);
    ck_assert_int_eq(offer("-0a"), MEMPOOL_ADDED);
}
END_TEST

START_TEST(what_came_before_the_first_known_height_does_not_expire_at_once) {
    config.ttl_blocks = 2;
    open_pool();
    offer("-0a");
    commit_at(1000001, 1000, 0, NULL);
    ck_assert_uint_eq(mempool_count(pool), 1);
    commit_at(1000002, 1000, 0, NULL);
    ck_assert_uint_eq(mempool_count(pool), 0);
}
END_TEST

START_TEST(a_transaction_goes_when_it_waited_ttl_ms) {
    config.ttl_ms = 50;
    open_pool();
    offer("-0a"); /* at 1000 */
    commit_at(1, 1049, 0, NULL);
    ck_assert_uint_eq(mempool_count(pool), 1);
    commit_at(2, 1050, 0, NULL);
    ck_assert_uint_eq(mempool_count(pool), 0);
}
END_TEST

START_TEST(a_transaction_goes_after_its_own_last_height) {
    open_pool();
    letters.expires = 7;
    offer("-0a");
    commit_at(6, 1000, 0, NULL);
    ck_assert_uint_eq(mempool_count(pool), 1); /* height 7 may still carry it */
    commit_at(7, 1000, 0, NULL);
    ck_assert_uint_eq(mempool_count(pool), 0);
}
END_TEST

START_TEST(gossip_walks_by_number_across_removals_and_marks_who_has_what) {
    open_pool();
    offer("-0a");
    offer("-0b");
    offer("-0c");
    const struct mempool_tx *first = mempool_next(pool, 0);
    ck_assert_ptr_eq(first, find("-0a"));
    mempool_mark(pool, first, 5);
    ck_assert_uint_eq(first->known_by, 1 << 5);
    uint64_t cursor = first->number;
    const char *two[] = {"-0a", "-0b"};
    commit_at(1, 1000, 2, two);
    ck_assert_ptr_eq(mempool_next(pool, cursor), find("-0c"));
    ck_assert_ptr_null(mempool_next(pool, find("-0c")->number));
}
END_TEST

START_TEST(a_peer_that_left_is_forgotten_and_the_others_are_not) {
    open_pool();
    offer_from("-0a", 0);
    offer_from("-0a", 1);
    mempool_forget_peer(pool, 0);
    ck_assert_uint_eq(find("-0a")->known_by, 2);
}
END_TEST

START_TEST(a_transaction_is_kept_by_the_pool_and_released_when_it_goes) {
    open_pool();
    struct abci_check check;
    struct blob *tx = blob_new(span_text("-0a"));
    mempool_add(pool, &check, tx, -1, 0, &arena);
    ck_assert_uint_eq(tx->holders, 2);
    mempool_flush(pool);
    ck_assert_uint_eq(tx->holders, 1);
    blob_release(tx);
}
END_TEST

/* Every limit filled, everything random: after each step all that is counted twice agrees, and no limit is passed. */
START_TEST(a_random_life_never_passes_a_limit_and_stays_coherent) {
    config = (struct mempool_config){
        .count_max = 300, .bytes_max = 1500, .tx_bytes_max = 8, .cache_count = 50, .recheck = true, .ttl_blocks = 5};
    open_pool();
    srand(7);
    bool was_full = false;
    for (int step = 0; step < 20000; step++) {
        char text[12];
        snprintf(text, sizeof text, "%c%d%.*s", "-abcdefgh"[rand() % 9], rand() % 10, rand() % 7, &"xyz?#!x?zxyz"[rand() % 6]);
        if (rand() % 200 == 0)
            commit_one(step / 200 + 1, text);
        else
            was_full |= offer_from(text, rand() % 64) == MEMPOOL_FULL;
        ck_assert_uint_le(mempool_count(pool), 300);
        ck_assert_uint_le(mempool_bytes(pool), 1500);
        if (step % 100 == 0) {
            check_coherence();
            ck_assert_uint_eq(strlen(reaped()), mempool_bytes(pool) + mempool_count(pool) - (mempool_count(pool) > 0));
        }
        arena_reset(&arena);
    }
    ck_assert(was_full);
}
END_TEST

#if defined(__SANITIZE_ADDRESS__)
#define IS_SANITIZED true
#elif defined(__has_feature)
#define IS_SANITIZED __has_feature(address_sanitizer)
#else
#define IS_SANITIZED false
#endif

static size_t resident_kb(void) {
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    size_t kb = 0;
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, "VmRSS:", 6) == 0)
            kb = strtoul(line + 6, NULL, 10);
    if (file != NULL)
        fclose(file);
    return kb;
}

START_TEST(a_hundred_thousand_waiting_transactions_of_250_bytes_stay_below_80_megabytes) {
    config.count_max = 100000;
    config.cache_count = 100000;
    open_pool();
    size_t before = resident_kb();
    char text[251];
    memset(text, 'x', 250);
    text[250] = 0;
    for (int i = 0; i < 100000; i++) {
        text[snprintf(text, sizeof text, "-0%d", i)] = '.';
        ck_assert_int_eq(offer_from(text, i % 64), MEMPOOL_ADDED);
    }
    ck_assert_int_eq(offer("-0one too many"), MEMPOOL_FULL);
    if (!IS_SANITIZED)
        ck_assert_uint_lt(resident_kb() - before, 80 * 1024);
    check_coherence();
}
END_TEST

Suite *suite_mempool(void);
Suite *suite_mempool(void) {
    Suite *suite = suite_create("mempool");
    TCase *tests = tcase_create("mempool");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, transactions_are_proposed_in_the_order_of_arrival);
    tcase_add_test(tests, those_of_one_sender_are_proposed_in_sequence_and_others_keep_their_places);
    tcase_add_test(tests, equal_sequences_keep_the_order_of_arrival);
    tcase_add_test(tests, a_proposal_is_cut_where_bytes_as_data_encodes_them_would_pass);
    tcase_add_test(tests, a_proposal_is_cut_where_gas_would_pass);
    tcase_add_test(tests, an_empty_transaction_is_refused_so_packed_empty_ones_cost_nothing_5946);
    tcase_add_test(tests, a_transaction_beyond_the_size_limit_is_too_large_and_the_application_is_not_asked);
    tcase_add_test(tests, a_transaction_that_no_block_has_room_for_is_too_large);
    tcase_add_test(tests, what_fits_into_no_block_any_more_goes_at_once_and_lets_the_others_pass);
    tcase_add_test(tests, gas_beyond_the_blocks_or_negative_is_refused_unless_there_is_no_limit);
    tcase_add_test(tests, the_count_limit_is_kept_and_what_did_not_fit_may_come_later);
    tcase_add_test(tests, the_byte_limit_is_kept);
    tcase_add_test(tests, a_known_transaction_is_not_checked_again_and_notes_the_peer);
    tcase_add_test(tests, a_committed_transaction_leaves_and_cannot_come_again);
    tcase_add_test(tests, a_transaction_that_failed_in_a_block_leaves_and_may_come_again_wound_6);
    tcase_add_test(tests, a_transaction_that_failed_in_a_block_stays_known_if_invalid_ones_are_kept_in_the_cache);
    tcase_add_test(tests, a_refused_transaction_is_asked_about_again_unless_kept_in_the_cache);
    tcase_add_test(tests, what_the_cache_forgot_but_still_waits_is_not_taken_twice_wound_17);
    tcase_add_test(tests, without_a_cache_only_what_waits_is_known);
    tcase_add_test(tests, the_rest_is_rechecked_in_the_order_of_a_proposal_and_who_fails_goes);
    tcase_add_test(tests, who_asks_for_more_gas_than_a_block_now_has_goes_at_the_recheck);
    tcase_add_test(tests, nothing_is_rechecked_if_recheck_is_off);
    tcase_add_test(tests, a_flush_and_a_recheck_that_empty_the_pool_leave_it_usable_wound_45);
    tcase_add_test(tests, a_transaction_goes_when_it_waited_ttl_blocks);
    tcase_add_test(tests, what_came_before_the_first_known_height_does_not_expire_at_once);
    tcase_add_test(tests, a_transaction_goes_when_it_waited_ttl_ms);
    tcase_add_test(tests, a_transaction_goes_after_its_own_last_height);
    tcase_add_test(tests, gossip_walks_by_number_across_removals_and_marks_who_has_what);
    tcase_add_test(tests, a_peer_that_left_is_forgotten_and_the_others_are_not);
    tcase_add_test(tests, a_transaction_is_kept_by_the_pool_and_released_when_it_goes);
    tcase_add_test(tests, many_at_once_end_up_the_same_with_an_application_near_or_far);
    tcase_add_test(tests, a_far_application_is_rechecked_ahead_in_order_and_never_by_more_than_the_bound);
    tcase_add_test(tests, a_random_life_never_passes_a_limit_and_stays_coherent);
    tcase_add_test(tests, a_hundred_thousand_waiting_transactions_of_250_bytes_stay_below_80_megabytes);
    suite_add_tcase(suite, tests);
    return suite;
}
