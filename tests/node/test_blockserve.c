/* What peers may ask of our store, and how much. */
#include <check.h>
#include <stdlib.h>

#include "node/blockserve.h"
#include "node/wire.h"
#include "tests/ledger/chain.h"

struct desk {
    struct chain chain;
    struct blockserve serve;
    uint32_t room; /* messages that still fit into the queues */
    uint32_t sent, blocks, denials, statuses;
    uint64_t bytes;
    int64_t height, base; /* of the last answer */
    struct blob *last;
};

static bool on_send(void *context, uint32_t peer, struct blob *message) {
    struct desk *desk = context;
    struct wire_blocksync answer;
    (void)peer;
    if (desk->room == 0)
        return false;
    desk->room--;
    desk->sent++;
    desk->bytes += message->size;
    ck_assert_ptr_null(wire_blocksync_decode(&answer, blob_span(message)));
    desk->blocks += answer.kind == WIRE_BLOCK_RESPONSE;
    desk->denials += answer.kind == WIRE_NO_BLOCK;
    desk->statuses += answer.kind == WIRE_STATUS_RESPONSE;
    desk->height = answer.height;
    desk->base = answer.base;
    blob_release(desk->last);
    desk->last = blob_hold(message);
    return true;
}

static struct desk *open_desk(int64_t heights) {
    struct desk *desk = calloc(1, sizeof *desk);
    chain_open(&desk->chain, &(struct chain_config){.validators = 4});
    chain_run(&desk->chain, heights);
    desk->room = 1000000;
    struct blocksync_owner owner = {.context = desk, .send = on_send};
    blockserve_init(&desk->serve, &desk->chain.ledger, &owner, 0);
    return desk;
}

static void close_desk(struct desk *desk) {
    blob_release(desk->last);
    chain_close(&desk->chain);
    free(desk);
}

static void ask(struct desk *desk, uint32_t peer, int64_t height) {
    blockserve_receive(&desk->serve, peer, &(struct wire_blocksync){.kind = WIRE_BLOCK_REQUEST, .height = height});
}

START_TEST(a_new_peer_hears_what_we_have) {
    struct desk *desk = open_desk(12);
    ck_assert_int_eq(ledger_prune(&desk->chain.ledger, 4, 100), 3);
    blockserve_peer_up(&desk->serve, 7);
    ck_assert_int_eq(blockserve_turn(&desk->serve, 1), -1);
    ck_assert_uint_eq(desk->statuses, 1);
    ck_assert_int_eq(desk->height, 12);
    ck_assert_int_eq(desk->base, 4);
    blockserve_receive(&desk->serve, 7, &(struct wire_blocksync){.kind = WIRE_STATUS_REQUEST});
    blockserve_turn(&desk->serve, 2);
    ck_assert_uint_eq(desk->statuses, 2);
    close_desk(desk);
}
END_TEST

START_TEST(an_empty_store_says_height_zero_and_base_zero) {
    struct desk *desk = open_desk(0);
    blockserve_peer_up(&desk->serve, 7);
    blockserve_turn(&desk->serve, 1);
    ck_assert_int_eq(desk->height, 0);
    ck_assert_int_eq(desk->base, 0);
    close_desk(desk);
}
END_TEST

START_TEST(a_block_goes_out_with_the_very_bytes_of_the_store) {
    struct desk *desk = open_desk(5);
    blockserve_peer_up(&desk->serve, 1);
    ask(desk, 1, 3);
    blockserve_turn(&desk->serve, 1);
    struct wire_blocksync answer;
    ck_assert_ptr_null(wire_blocksync_decode(&answer, blob_span(desk->last)));
    struct blob *bytes = ledger_block_bytes(&desk->chain.ledger, 3);
    ck_assert(span_equal(answer.block, blob_span(bytes)));
    ck_assert(!answer.has_extended_commit);
    blob_release(bytes);
    close_desk(desk);
}
END_TEST

START_TEST(what_is_not_there_is_denied) {
    struct desk *desk = open_desk(5);
    blockserve_peer_up(&desk->serve, 1);
    static const int64_t heights[] = {0, 6, INT64_MAX};
    for (size_t i = 0; i < 3; i++) {
        ask(desk, 1, heights[i]);
        blockserve_turn(&desk->serve, 1);
        ck_assert_int_eq(desk->height, heights[i]);
    }
    ck_assert_uint_eq(desk->denials, 3);
    close_desk(desk);
}
END_TEST

START_TEST(a_full_queue_keeps_requests_waiting_as_numbers) {
    struct desk *desk = open_desk(30);
    blockserve_peer_up(&desk->serve, 1);
    blockserve_turn(&desk->serve, 1);
    desk->room = 3;
    for (int64_t height = 1; height <= 20; height++)
        ask(desk, 1, height);
    ck_assert_int_eq(blockserve_turn(&desk->serve, 2), -1); /* time will not help */
    ck_assert_uint_eq(desk->blocks, 3);
    desk->room = 100;
    blockserve_turn(&desk->serve, 3);
    ck_assert_uint_eq(desk->blocks, 3);
    blockserve_writable(&desk->serve, 1);
    blockserve_turn(&desk->serve, 4);
    ck_assert_uint_eq(desk->blocks, 20);
    close_desk(desk);
}
END_TEST

START_TEST(a_flood_of_requests_is_cut_off_and_leaves_others_their_share) {
    struct desk *desk = open_desk(3);
    blockserve_peer_up(&desk->serve, 1);
    blockserve_peer_up(&desk->serve, 2);
    for (int i = 0; i < 100000; i++)
        ask(desk, 1, 999);
    ask(desk, 2, 2);
    while (blockserve_turn(&desk->serve, 1) == 0)
        continue;
    ck_assert_uint_eq(desk->denials, BLOCKSERVE_WAITING_MAX);
    ck_assert_uint_eq(desk->blocks, 1);
    close_desk(desk);
}
END_TEST

/* Each answer counts as a KiB. */
START_TEST(no_peer_gets_more_than_its_rate) {
    struct desk *desk = open_desk(3);
    blockserve_peer_up(&desk->serve, 1);
    bool rested = false;
    for (int64_t ms = 1; ms <= 2000; ms++) {
        for (int i = 0; i < BLOCKSERVE_WAITING_MAX; i++)
            ask(desk, 1, 2);
        rested = blockserve_turn(&desk->serve, ms) > 0 || rested;
    }
    ck_assert(rested);
    ck_assert_uint_le(desk->blocks, (BLOCKSERVE_BURST + 2 * BLOCKSERVE_RATE) / 1024 + BLOCKSERVE_WAITING_MAX);
    ck_assert_uint_ge(desk->blocks, 2 * BLOCKSERVE_RATE / 1024);
    close_desk(desk);
}
END_TEST

START_TEST(who_left_is_forgotten) {
    struct desk *desk = open_desk(3);
    blockserve_peer_up(&desk->serve, 1);
    ask(desk, 1, 2);
    blockserve_peer_down(&desk->serve, 1);
    blockserve_turn(&desk->serve, 1);
    ck_assert_uint_eq(desk->sent, 0);
    for (uint32_t peer = 2; peer < 1000; peer++) {
        blockserve_peer_up(&desk->serve, peer);
        blockserve_peer_down(&desk->serve, peer);
    }
    blockserve_peer_up(&desk->serve, 1000);
    ck_assert_uint_eq(desk->serve.waiting, 1);
    blockserve_turn(&desk->serve, 2);
    ck_assert_uint_eq(desk->statuses, 1);
    ck_assert_uint_eq(desk->serve.waiting, 0);
    close_desk(desk);
}
END_TEST

Suite *suite_blockserve(void);
Suite *suite_blockserve(void) {
    Suite *suite = suite_create("blockserve");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 60);
    tcase_add_test(all, a_new_peer_hears_what_we_have);
    tcase_add_test(all, an_empty_store_says_height_zero_and_base_zero);
    tcase_add_test(all, a_block_goes_out_with_the_very_bytes_of_the_store);
    tcase_add_test(all, what_is_not_there_is_denied);
    tcase_add_test(all, a_full_queue_keeps_requests_waiting_as_numbers);
    tcase_add_test(all, a_flood_of_requests_is_cut_off_and_leaves_others_their_share);
    tcase_add_test(all, no_peer_gets_more_than_its_rate);
    tcase_add_test(all, who_left_is_forgotten);
    suite_add_tcase(suite, all);
    return suite;
}
