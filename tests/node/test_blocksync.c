/* Block sync against peers that the test plays, with a real chain of four validators and real ledgers. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/blockserve.h"
#include "node/wire.h"
#include "tests/ledger/chain.h"

enum { PEERS = 8, LETTERS_MAX = 4096, LATENCY_MS = 5 };

enum manner { /* of a peer */
    HONEST,
    SILENT,     /* to requests for blocks */
    DENIES,     /* says NoBlock to all */
    FORGES,     /* blocks of its own making, without a commit for them */
    CORRUPTS,   /* a transaction of each block is another */
    MISCOMMITS, /* block's last commit has a wrong signature, and the header agrees with it */
    GARBLES,    /* no blocks at all */
    EXTENDS,    /* adds an extended commit */
    SLOW,       /* one small block in six seconds */
    RESERVED,   /* answers nothing, not even status */
};

struct peer {
    enum manner manner;
    bool up;
    int64_t base, height; /* claims */
    int64_t busy_until_ms;
    uint32_t served, asked_most, owed;
    bool dropped;
    enum world_blame blame;
    char reason[160];
    char id[41];
};

struct letter {
    uint32_t peer;
    int64_t due_ms;
    struct blob *bytes;
};

struct net {
    struct chain source, joiner;
    struct blocksync sync;
    struct peer peers[PEERS + 1];
    struct letter letters[LETTERS_MAX]; /* from the joiner, by time */
    uint32_t letter_count;
    int64_t now_ms;
    bool queues_full;
    int64_t applied, heights_in_order;
    char halted[160];
    int64_t held_most;
};

/* ---- the joiner's world */

static bool on_send(void *context, uint32_t number, struct blob *message) {
    struct net *net = context;
    if (net->queues_full || !net->peers[number].up)
        return false;
    ck_assert_uint_lt(net->letter_count, LETTERS_MAX);
    net->letters[net->letter_count++] = (struct letter){number, net->now_ms + LATENCY_MS, blob_hold(message)};
    return true;
}

static void on_drop(void *context, uint32_t number, enum world_blame blame, const char *reason) {
    struct net *net = context;
    struct peer *peer = &net->peers[number];
    ck_assert(peer->up);
    peer->up = false;
    peer->dropped = true;
    peer->blame = blame;
    snprintf(peer->reason, sizeof peer->reason, "%s", reason);
    blocksync_peer_down(&net->sync, number); /* as the replica does */
}

static void on_applied(void *context, struct block *block, const struct ledger_applied *applied) {
    struct net *net = context;
    (void)applied;
    net->applied++;
    net->heights_in_order += block->header.height == net->joiner.ledger.state.height;
}

static void on_halt(void *context, const char *why) {
    struct net *net = context;
    snprintf(net->halted, sizeof net->halted, "%s", why);
    blocksync_end(&net->sync);
}

static void give(struct net *net, uint32_t number, const struct wire_blocksync *message) {
    blocksync_receive(&net->sync, number, message);
}

static void give_block(struct net *net, uint32_t number, struct span bytes, bool extended) {
    struct wire_blocksync message = {.kind = WIRE_BLOCK_RESPONSE, .has_block = true, .block = bytes, .has_extended_commit = extended};
    give(net, number, &message);
}

static void give_status(struct net *net, uint32_t number) {
    struct peer *peer = &net->peers[number];
    give(net, number, &(struct wire_blocksync){.kind = WIRE_STATUS_RESPONSE, .base = peer->base, .height = peer->height});
}

/* ---- liars */

static struct block_plan replan(const struct block *block) {
    return (struct block_plan){.header = block->header,
                               .txs = block->txs,
                               .tx_count = block->tx_count,
                               .evidence = block->evidence,
                               .evidence_count = block->evidence_count,
                               .last_commit = &block->last_commit};
}

static struct block *tell_lie(struct net *net, enum manner manner, int64_t height) {
    struct block *honest = ledger_block(&net->source.ledger, height);
    struct block_plan plan = replan(honest);
    struct span tx = span_text("steal=all");
    struct commit commit = honest->last_commit;
    struct commit_sig sigs[CHAIN_VALIDATORS_MAX];
    if (manner == FORGES)
        plan.header.time.seconds++;
    if (manner == CORRUPTS) {
        plan.txs = &tx;
        plan.tx_count = 1;
        plan.tx_hashes = NULL;
    }
    if (manner == MISCOMMITS && commit.count > 0) {
        memcpy(sigs, commit.sigs, commit.count * sizeof sigs[0]);
        sigs[commit.count - 1].signature.bytes[5] ^= 1;
        commit.sigs = sigs;
        plan.last_commit = &commit;
    }
    struct block *lie = block_build(&plan);
    block_release(honest);
    return lie;
}

static void answer_block(struct net *net, uint32_t number, int64_t height) {
    struct peer *peer = &net->peers[number];
    if (peer->manner == DENIES || height > net->source.ledger.state.height || height < net->source.ledger.base) {
        if (peer->manner != SILENT)
            give(net, number, &(struct wire_blocksync){.kind = WIRE_NO_BLOCK, .height = height});
        return;
    }
    if (peer->manner == GARBLES)
        return give_block(net, number, span_text("certainly no block"), false);
    struct block *block = peer->manner >= FORGES && peer->manner <= MISCOMMITS ? tell_lie(net, peer->manner, height)
                                                                              : ledger_block(&net->source.ledger, height);
    ck_assert_ptr_nonnull(block);
    peer->served++;
    give_block(net, number, blob_span(block->bytes), peer->manner == EXTENDS);
    block_release(block);
}

/* false: not yet. */
static bool handle(struct net *net, const struct letter *letter) {
    struct peer *peer = &net->peers[letter->peer];
    struct wire_blocksync message;
    ck_assert_ptr_null(wire_blocksync_decode(&message, blob_span(letter->bytes)));
    if (!peer->up || peer->manner == RESERVED || (peer->manner == SILENT && message.kind == WIRE_BLOCK_REQUEST))
        return true;
    if (message.kind == WIRE_STATUS_REQUEST) {
        give_status(net, letter->peer);
        return true;
    }
    ck_assert_int_eq(message.kind, WIRE_BLOCK_REQUEST);
    if (peer->manner == SLOW && net->now_ms < peer->busy_until_ms)
        return false;
    peer->busy_until_ms = net->now_ms + 6000;
    answer_block(net, letter->peer, message.height);
    return true;
}

static void deliver(struct net *net) {
    uint32_t kept = 0, count = net->letter_count;
    for (uint32_t i = 0; i < count; i++) {
        struct letter letter = net->letters[i];
        if (letter.due_ms <= net->now_ms && handle(net, &letter))
            blob_release(letter.bytes);
        else
            net->letters[kept++] = letter;
    }
    for (uint32_t i = count; i < net->letter_count; i++) /* written meanwhile */
        net->letters[kept++] = net->letters[i];
    net->letter_count = kept;
}

/* ---- running */

static void open_net(struct net **out, int64_t heights) {
    struct net *net = calloc(1, sizeof *net);
    ck_assert_ptr_nonnull(net);
    chain_open(&net->source, &(struct chain_config){.validators = 4});
    chain_open(&net->joiner, &(struct chain_config){.validators = 4});
    chain_run(&net->source, heights);
    struct blocksync_owner owner = {net, on_send, on_drop, on_applied, on_halt};
    blocksync_init(&net->sync, &net->joiner.ledger, &owner);
    net->now_ms = 1000;
    *out = net;
}

static void close_net(struct net *net) {
    for (uint32_t i = 0; i < net->letter_count; i++)
        blob_release(net->letters[i].bytes);
    blocksync_close(&net->sync);
    chain_close(&net->source);
    chain_close(&net->joiner);
    free(net);
}

/* It claims what the source has unless the test says otherwise before it is asked. */
static void add_peer(struct net *net, uint32_t number, enum manner manner) {
    struct peer *peer = &net->peers[number];
    *peer = (struct peer){.manner = manner, .up = true, .base = net->source.ledger.base, .height = net->source.ledger.state.height};
    snprintf(peer->id, sizeof peer->id, "%040u", number);
    blocksync_peer_up(&net->sync, number, peer->id);
}

static void watch_bounds(struct net *net) {
    for (uint32_t i = 0; i < BLOCKSYNC_PEERS_MAX; i++) {
        const struct blocksync_peer *peer = &net->sync.peers[i];
        if (peer->number != 0 && peer->asked_count > net->peers[peer->number].asked_most)
            net->peers[peer->number].asked_most = peer->asked_count;
    }
    if (net->sync.held_bytes > net->held_most)
        net->held_most = net->sync.held_bytes;
}

static void run(struct net *net, int64_t ms) {
    for (int64_t until = net->now_ms + ms; net->now_ms < until; net->now_ms += 5) {
        deliver(net);
        while (blocksync_turn(&net->sync, net->now_ms))
            continue;
        watch_bounds(net);
    }
}

static struct timestamp wall(const struct net *net) { return timestamp_add_ns(&net->source.ledger.state.block_time, 3600 * INT64_C(1000000000)); }

static bool is_done(const struct net *net) {
    struct timestamp now = wall(net);
    return blocksync_is_done(&net->sync, &now);
}

static bool run_until_done(struct net *net, int64_t ms) {
    for (int64_t until = net->now_ms + ms; net->now_ms < until && !is_done(net);)
        run(net, 5);
    return is_done(net);
}

static int64_t height_of(const struct net *net) { return net->joiner.ledger.state.height; }

static void must_match(struct net *net) {
    struct ledger_meta ours, theirs;
    ck_assert_int_eq(net->heights_in_order, net->applied);
    for (int64_t height = 1; height <= height_of(net); height++) {
        ck_assert(ledger_block_meta(&net->joiner.ledger, &ours, height));
        ck_assert(ledger_block_meta(&net->source.ledger, &theirs, height));
        ck_assert(block_id_equal(&ours.block_id, &theirs.block_id));
    }
    struct commit commit;
    struct arena arena;
    bool canonical;
    arena_init(&arena, 1 << 20);
    ck_assert(ledger_commit(&net->joiner.ledger, &commit, &canonical, height_of(net), &arena));
    ck_assert(ledger_block_meta(&net->joiner.ledger, &ours, height_of(net)));
    ck_assert(block_id_equal(&commit.block_id, &ours.block_id));
    arena_close(&arena);
}

static void begin(struct net *net) { blocksync_begin(&net->sync, net->now_ms); }

/* ---- the good way */

START_TEST(all_but_the_last_block_come_from_three_peers_in_order_and_by_turns) {
    struct net *net;
    open_net(&net, 300);
    for (uint32_t i = 1; i <= 3; i++)
        add_peer(net, i, HONEST);
    begin(net);
    ck_assert(!is_done(net));
    ck_assert(run_until_done(net, 20000));
    ck_assert_int_eq(height_of(net), 299);
    must_match(net);
    for (uint32_t i = 1; i <= 3; i++) {
        ck_assert_msg(!net->peers[i].dropped, "%s", net->peers[i].reason);
        ck_assert_uint_gt(net->peers[i].served, 50);
        ck_assert_uint_le(net->peers[i].asked_most, BLOCKSYNC_ASKED_MAX);
    }
    close_net(net);
}
END_TEST

START_TEST(transactions_and_results_come_with_the_blocks) {
    struct net *net;
    open_net(&net, 3);
    const char *txs[] = {"a=1", "b=2"};
    chain_step(&net->source, txs, 2);
    chain_run(&net->source, 3);
    add_peer(net, 1, HONEST);
    begin(net);
    ck_assert(run_until_done(net, 5000));
    uint8_t hash[32];
    int64_t height;
    uint32_t index;
    sha256_once(hash, span_text("b=2"));
    ck_assert(ledger_find_tx(&net->joiner.ledger, hash, &height, &index));
    ck_assert_int_eq(height, 4);
    ck_assert_int_eq(height_of(net), 6);
    close_net(net);
}
END_TEST

START_TEST(one_peer_is_enough_and_nobody_owes_more_than_twenty) {
    struct net *net;
    open_net(&net, 120);
    add_peer(net, 1, HONEST);
    begin(net);
    ck_assert(run_until_done(net, 20000));
    ck_assert_int_eq(height_of(net), 119);
    ck_assert_uint_eq(net->peers[1].asked_most, BLOCKSYNC_ASKED_MAX);
    close_net(net);
}
END_TEST

START_TEST(progress_names_height_target_and_rate) {
    struct net *net;
    open_net(&net, 400);
    add_peer(net, 1, HONEST);
    begin(net);
    struct blocksync_progress progress;
    blocksync_progress(&net->sync, &progress);
    ck_assert_int_eq(progress.blocks_per_second, -1);
    run(net, 1100);
    blocksync_progress(&net->sync, &progress);
    ck_assert_int_eq(progress.target, 400);
    ck_assert_int_eq(progress.height, height_of(net));
    ck_assert_int_gt(progress.blocks_per_second, 0);
    close_net(net);
}
END_TEST

START_TEST(full_queues_only_delay) {
    struct net *net;
    open_net(&net, 60);
    add_peer(net, 1, HONEST);
    begin(net);
    run(net, 40);
    net->queues_full = true;
    run(net, 3000);
    net->queues_full = false;
    ck_assert(run_until_done(net, 20000));
    ck_assert_int_eq(height_of(net), 59);
    ck_assert(!net->peers[1].dropped);
    close_net(net);
}
END_TEST

START_TEST(a_chain_that_begins_later_is_synced_from_there) {
    struct net *net;
    open_net(&net, 0);
    chain_close(&net->source);
    chain_close(&net->joiner);
    chain_open(&net->source, &(struct chain_config){.validators = 4, .initial_height = 1000});
    chain_open(&net->joiner, &(struct chain_config){.validators = 4, .initial_height = 1000});
    chain_run(&net->source, 10);
    add_peer(net, 1, HONEST);
    begin(net);
    ck_assert(run_until_done(net, 5000));
    ck_assert_int_eq(height_of(net), 1008);
    close_net(net);
}
END_TEST

START_TEST(a_change_of_validators_on_the_way_is_followed) {
    struct net *net;
    open_net(&net, 2);
    /* the second validator's power goes to 30; acts two heights later */
    char tx[128] = "val=ed25519!";
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *key = net->source.pub_keys[1].bytes;
    size_t at = strlen(tx);
    for (size_t i = 0; i < 33; i += 3) {
        uint32_t three = (uint32_t)key[i] << 16 | (uint32_t)(i + 1 < 32 ? key[i + 1] : 0) << 8 | (i + 2 < 32 ? key[i + 2] : 0);
        for (int shift = 18; shift >= 0; shift -= 6)
            tx[at++] = digits[three >> shift & 63];
    }
    tx[at - 1] = '=';
    snprintf(tx + at, sizeof tx - at, "!30");
    const char *txs[] = {tx};
    chain_step(&net->source, txs, 1);
    chain_run(&net->source, 20);
    ck_assert_int_eq(net->source.ledger.state.validators.total_power, 60);
    add_peer(net, 1, HONEST);
    begin(net);
    ck_assert(run_until_done(net, 5000));
    ck_assert_int_eq(height_of(net), 22);
    ck_assert_int_eq(net->joiner.ledger.state.validators.total_power, 60);
    must_match(net);
    close_net(net);
}
END_TEST

/* ---- bad peers: each with two honest ones */

static struct net *with_one(enum manner manner, int64_t heights) {
    struct net *net;
    open_net(&net, heights);
    add_peer(net, 1, HONEST);
    add_peer(net, 2, manner);
    add_peer(net, 3, HONEST);
    begin(net);
    return net;
}

static void only_2_is_dropped(struct net *net, enum world_blame blame) {
    must_match(net);
    ck_assert(net->peers[2].dropped);
    ck_assert_msg(net->peers[2].blame == blame, "%d: %s", net->peers[2].blame, net->peers[2].reason);
    ck_assert_msg(!net->peers[1].dropped, "%s", net->peers[1].reason);
    ck_assert_msg(!net->peers[3].dropped, "%s", net->peers[3].reason);
    close_net(net);
}

START_TEST(a_liar_is_convicted_alone_banned_and_its_heights_come_from_others) {
    static const enum manner liars[] = {FORGES, CORRUPTS, MISCOMMITS, GARBLES};
    struct net *net = with_one(liars[_i], 150);
    ck_assert_msg(run_until_done(net, 30000), "stuck at %" PRId64, height_of(net));
    ck_assert_int_eq(height_of(net), 149);
    only_2_is_dropped(net, WORLD_BLAME_MALICE);
}
END_TEST

START_TEST(an_extended_commit_is_refused_while_vote_extensions_are_off) {
    struct net *net = with_one(EXTENDS, 150);
    ck_assert(run_until_done(net, 30000));
    ck_assert_int_eq(height_of(net), 149);
    only_2_is_dropped(net, WORLD_BLAME_FAULT);
}
END_TEST

START_TEST(a_silent_peer_delays_little_and_is_dropped_within_fifteen_seconds) {
    struct net *net = with_one(SILENT, 200);
    run(net, 9000);
    ck_assert_int_eq(height_of(net), 199);
    ck_assert(!net->peers[2].dropped);
    run(net, 7000);
    only_2_is_dropped(net, WORLD_BLAME_FAULT);
}
END_TEST

START_TEST(a_silent_peer_is_dropped_after_fifteen_seconds_even_if_nobody_else_is_there) {
    struct net *net;
    open_net(&net, 20);
    add_peer(net, 1, SILENT);
    begin(net);
    run(net, BLOCKSYNC_SILENCE_MS);
    ck_assert(!net->peers[1].dropped);
    run(net, 200);
    ck_assert(net->peers[1].dropped);
    close_net(net);
}
END_TEST

START_TEST(a_silent_first_half_of_the_peers_does_not_stop_the_others) {
    struct net *net;
    open_net(&net, 100);
    for (uint32_t i = 1; i <= 6; i++)
        add_peer(net, i, i <= 4 ? SILENT : HONEST);
    begin(net);
    run(net, 60000);
    ck_assert_int_eq(height_of(net), 99);
    close_net(net);
}
END_TEST

START_TEST(a_slow_peer_is_dropped_when_others_can_give) {
    struct net *net = with_one(SLOW, 200);
    run(net, 13000);
    ck_assert_int_eq(height_of(net), 199);
    run(net, 30000);
    only_2_is_dropped(net, WORLD_BLAME_FAULT);
}
END_TEST

START_TEST(a_slow_peer_is_kept_when_nobody_else_can_give) {
    struct net *net;
    open_net(&net, 5);
    add_peer(net, 1, SLOW);
    begin(net);
    run(net, 60000);
    ck_assert_msg(!net->peers[1].dropped, "%s", net->peers[1].reason);
    ck_assert_int_eq(height_of(net), 4);
    close_net(net);
}
END_TEST

START_TEST(whoever_denies_what_it_claims_is_dropped) {
    struct net *net = with_one(DENIES, 150);
    ck_assert(run_until_done(net, 30000));
    ck_assert_int_eq(height_of(net), 149);
    only_2_is_dropped(net, WORLD_BLAME_FAULT);
}
END_TEST

START_TEST(whoever_pruned_meanwhile_says_so_and_stays) {
    struct net *net;
    open_net(&net, 100);
    add_peer(net, 1, HONEST);
    begin(net);
    give_status(net, 1);
    run(net, 5);
    ck_assert_uint_eq(net->peers[1].asked_most, BLOCKSYNC_ASKED_MAX);
    ck_assert_int_eq(ledger_prune(&net->source.ledger, 3, 100), 2);
    net->peers[1].base = 3;
    run(net, 5000); /* asked for 1 and 2, it denies them; its next status tells why */
    ck_assert_msg(!net->peers[1].dropped, "%s", net->peers[1].reason);
    ck_assert_int_eq(height_of(net), 0);
    ck_assert(is_done(net)); /* nobody has block 1 */
    struct blocksync_progress progress;
    blocksync_progress(&net->sync, &progress);
    ck_assert_int_eq(progress.lowest_base, 3);
    close_net(net);
}
END_TEST

START_TEST(a_peer_whose_claims_go_back_is_dropped) { /* wound 24 */
    for (int i = 0; i < 2; i++) {
        struct net *net = with_one(RESERVED, 150);
        net->peers[2].base = 10;
        give_status(net, 2);
        net->peers[2].base -= i == 0 ? 1 : 0;
        net->peers[2].height -= i == 0 ? 0 : 1;
        give_status(net, 2);
        ck_assert(net->peers[2].dropped);
        ck_assert(run_until_done(net, 10000));
        ck_assert_int_eq(height_of(net), 149);
        only_2_is_dropped(net, WORLD_BLAME_FAULT);
    }
}
END_TEST

START_TEST(blocks_that_nobody_asked_for_cost_their_sender_the_connection) { /* wound 34 */
    struct net *net = with_one(RESERVED, 10);
    struct block *block = ledger_block(&net->source.ledger, 5);
    give_block(net, 2, blob_span(block->bytes), false);
    ck_assert_str_eq(net->peers[2].reason, "block sync: a block that nobody asked for");
    block_release(block);
    ck_assert(run_until_done(net, 10000));
    only_2_is_dropped(net, WORLD_BLAME_FAULT);
}
END_TEST

START_TEST(answers_that_come_late_are_not_punished) { /* wound 36 */
    struct net *net;
    open_net(&net, 30);
    add_peer(net, 1, SILENT);
    begin(net);
    run(net, 100);
    ck_assert_uint_eq(net->peers[1].asked_most, 20);
    add_peer(net, 2, HONEST);
    give_status(net, 2);
    ck_assert(run_until_done(net, 10000));
    ck_assert_int_eq(height_of(net), 29);
    blocksync_end(&net->sync);
    for (int64_t height = 1; height <= 20; height++) {
        struct block *block = ledger_block(&net->source.ledger, height);
        give_block(net, 1, blob_span(block->bytes), false);
        block_release(block);
    }
    ck_assert_msg(!net->peers[1].dropped, "%s", net->peers[1].reason);
    close_net(net);
}
END_TEST

START_TEST(too_many_signatures_in_a_commit_convict_their_sender) { /* wound 34 */
    struct net *net = with_one(RESERVED, 20);
    struct block *honest = ledger_block(&net->source.ledger, 2);
    struct commit commit = honest->last_commit;
    commit.count = VOTE_COUNT_MAX + 1;
    commit.sigs = calloc(commit.count, sizeof commit.sigs[0]);
    for (uint32_t i = 0; i < commit.count; i++)
        commit.sigs[i] = honest->last_commit.sigs[i % 4];
    struct block_plan plan = replan(honest);
    plan.last_commit = &commit;
    struct block *lie = block_build(&plan);
    net->peers[2].manner = SILENT;
    net->peers[1].manner = net->peers[3].manner = RESERVED;
    run(net, 50);
    give_status(net, 2);
    run(net, 50);
    give_block(net, 2, blob_span(lie->bytes), false);
    struct block *first = ledger_block(&net->source.ledger, 1);
    give_block(net, 2, blob_span(first->bytes), false);
    run(net, 5);
    ck_assert(net->peers[2].dropped);
    net->peers[1].manner = net->peers[3].manner = HONEST;
    run(net, 10500); /* the next question for status */
    ck_assert_int_eq(height_of(net), 19);
    free(commit.sigs);
    block_release(first);
    block_release(honest);
    block_release(lie);
    only_2_is_dropped(net, WORLD_BLAME_MALICE);
}
END_TEST

/* ---- nobody can keep us here */

START_TEST(an_implausible_height_does_not_keep_a_synced_node_in_sync) { /* wound 32 */
    static const enum manner manners[] = {SILENT, DENIES, HONEST};
    struct net *net;
    open_net(&net, 50);
    add_peer(net, 1, HONEST);
    add_peer(net, 2, manners[_i]);
    add_peer(net, 3, HONEST);
    net->peers[2].height = INT64_MAX;
    begin(net);
    ck_assert(run_until_done(net, 40000));
    ck_assert_int_eq(height_of(net), 49);
    must_match(net);
    close_net(net);
}
END_TEST

START_TEST(an_implausible_base_is_nobodys_target) { /* wound 32 */
    struct net *net;
    open_net(&net, 50);
    add_peer(net, 1, HONEST);
    add_peer(net, 2, SILENT);
    net->peers[2].base = net->peers[2].height = INT64_MAX;
    begin(net);
    ck_assert(run_until_done(net, 5000));
    ck_assert_int_eq(height_of(net), 49);
    struct blocksync_progress progress;
    blocksync_progress(&net->sync, &progress);
    ck_assert_int_eq(progress.target, 50);
    close_net(net);
}
END_TEST

START_TEST(a_liar_that_comes_back_each_time_cannot_keep_us_either) { /* wound 21 */
    struct net *net;
    open_net(&net, 50);
    add_peer(net, 1, HONEST);
    add_peer(net, 3, HONEST);
    add_peer(net, 2, SILENT);
    net->peers[2].height = 1000000000;
    begin(net);
    bool done = false;
    for (int i = 0; i < 4000 && !done; i++) {
        run(net, 10);
        if (!net->peers[2].up) {
            add_peer(net, 2, SILENT);
            net->peers[2].height = 1000000000;
        }
        done = is_done(net);
    }
    ck_assert(done);
    ck_assert_int_eq(height_of(net), 49);
    close_net(net);
}
END_TEST

START_TEST(at_the_tip_whoever_passes_new_blocks_on_and_claims_far_more_cannot_keep_us) {
    struct net *net;
    open_net(&net, 50);
    for (uint32_t i = 1; i <= 3; i++)
        add_peer(net, i, i == 2 ? SILENT : HONEST);
    net->peers[2].height = 1000000000;
    begin(net);
    run(net, 1200);
    struct timestamp late = wall(net), soon = timestamp_add_ns(&net->joiner.ledger.state.block_time, 1000000000);
    ck_assert(!blocksync_is_done(&net->sync, &late));
    ck_assert(blocksync_is_done(&net->sync, &soon)); /* our last block is of this minute, and most peers are where we are */
    close_net(net);
}
END_TEST

START_TEST(without_a_word_from_anybody_the_grace_period_ends_it) {
    struct net *net;
    open_net(&net, 5);
    begin(net);
    run(net, BLOCKSYNC_GRACE_MS - 100);
    ck_assert(!is_done(net));
    run(net, 200);
    ck_assert(is_done(net));
    close_net(net);
}
END_TEST

START_TEST(a_fresh_network_is_done_at_once) {
    struct net *net;
    open_net(&net, 0);
    for (uint32_t i = 1; i <= 3; i++)
        add_peer(net, i, HONEST);
    begin(net);
    run(net, 20);
    ck_assert(is_done(net));
    close_net(net);
}
END_TEST

START_TEST(our_own_standstill_is_nobodys_silence) {
    struct net *net;
    open_net(&net, 100);
    add_peer(net, 1, HONEST);
    begin(net);
    run(net, 50);
    net->now_ms += 100000; /* a disk that hung */
    run(net, 5000);
    ck_assert_msg(!net->peers[1].dropped, "%s", net->peers[1].reason);
    ck_assert_int_eq(height_of(net), 99);
    close_net(net);
}
END_TEST

/* ---- the rest */

START_TEST(a_block_that_two_thirds_signed_and_our_judge_refuses_stops_us_and_convicts_nobody) {
    struct net *net;
    open_net(&net, 20);
    add_peer(net, 1, HONEST);
    net->joiner.ledger.state.app_hash.bytes[0] ^= 1; /* an application that went another way */
    net->joiner.ledger.state.app_hash.size = 8;
    begin(net);
    run(net, 200);
    ck_assert_str_eq(net->halted, "wrong app hash");
    ck_assert(!net->peers[1].dropped);
    ck_assert_int_eq(height_of(net), 0);
    close_net(net);
}
END_TEST

START_TEST(what_consensus_applies_meanwhile_is_not_applied_again) {
    struct net *net;
    open_net(&net, 40);
    add_peer(net, 1, HONEST);
    begin(net);
    run(net, 10);
    for (int64_t height = 1; height <= 5; height++) {
        struct block *block = ledger_block(&net->source.ledger, height);
        chain_apply(&net->joiner, block);
        block_release(block);
    }
    ck_assert(run_until_done(net, 5000));
    ck_assert_int_eq(height_of(net), 39);
    ck_assert_int_eq(net->applied, 34);
    close_net(net);
}
END_TEST

START_TEST(it_can_begin_again) {
    struct net *net;
    open_net(&net, 40);
    add_peer(net, 1, HONEST);
    begin(net);
    run(net, 12);
    blocksync_end(&net->sync);
    ck_assert_int_eq(net->sync.held_bytes, 0);
    run(net, 100);
    begin(net);
    ck_assert(run_until_done(net, 20000));
    ck_assert_int_eq(height_of(net), 39);
    ck_assert_int_eq(net->sync.owed, 0);
    close_net(net);
}
END_TEST

START_TEST(peers_may_leave_and_come_at_any_moment) {
    struct net *net;
    open_net(&net, 400);
    begin(net);
    uint32_t chance = 12345;
    for (int i = 0; i < 4000 && height_of(net) < 399; i++) {
        chance = chance * 1103515245 + 12345;
        uint32_t number = 1 + (chance >> 16) % PEERS;
        if (net->peers[number].up && (chance >> 8) % 3 == 0) {
            net->peers[number].up = false;
            blocksync_peer_down(&net->sync, number);
        } else if (!net->peers[number].up) {
            add_peer(net, number, HONEST);
        }
        run(net, 10);
    }
    ck_assert_int_eq(height_of(net), 399);
    must_match(net);
    for (uint32_t i = 1; i <= PEERS; i++)
        if (net->peers[i].up)
            blocksync_peer_down(&net->sync, i);
    ck_assert_uint_eq(net->sync.owed, 0);
    close_net(net);
}
END_TEST

START_TEST(random_bytes_from_peers_change_nothing) {
    struct net *net;
    open_net(&net, 30);
    add_peer(net, 1, HONEST);
    begin(net);
    uint32_t chance = 99;
    struct block *block = ledger_block(&net->source.ledger, 7);
    for (int i = 0; i < 3000; i++) {
        uint8_t bytes[4096];
        size_t size = block->bytes->size;
        memcpy(bytes, block->bytes->data, size);
        for (int flip = 0; flip < 3; flip++) {
            chance = chance * 1103515245 + 12345;
            bytes[(chance >> 8) % size] ^= (uint8_t)(1 << (chance & 7));
        }
        if (!net->peers[2].up)
            add_peer(net, 2, SILENT);
        give_status(net, 2);
        run(net, 5);
        give_block(net, 2, span_of(bytes, size - chance % 5), false);
    }
    block_release(block);
    run(net, 3000);
    ck_assert_int_eq(height_of(net), 29);
    must_match(net);
    ck_assert(!net->peers[1].dropped);
    close_net(net);
}
END_TEST

Suite *suite_blocksync(void);
Suite *suite_blocksync(void) {
    Suite *suite = suite_create("blocksync");
    TCase *ways = tcase_create("ways"), *liars = tcase_create("liars"), *rest = tcase_create("rest");
    tcase_set_timeout(ways, 60);
    tcase_set_timeout(liars, 60);
    tcase_set_timeout(rest, 60);
    tcase_add_test(ways, all_but_the_last_block_come_from_three_peers_in_order_and_by_turns);
    tcase_add_test(ways, transactions_and_results_come_with_the_blocks);
    tcase_add_test(ways, one_peer_is_enough_and_nobody_owes_more_than_twenty);
    tcase_add_test(ways, progress_names_height_target_and_rate);
    tcase_add_test(ways, full_queues_only_delay);
    tcase_add_test(ways, a_chain_that_begins_later_is_synced_from_there);
    tcase_add_test(ways, a_change_of_validators_on_the_way_is_followed);
    tcase_add_loop_test(liars, a_liar_is_convicted_alone_banned_and_its_heights_come_from_others, 0, 4);
    tcase_add_test(liars, an_extended_commit_is_refused_while_vote_extensions_are_off);
    tcase_add_test(liars, a_silent_peer_delays_little_and_is_dropped_within_fifteen_seconds);
    tcase_add_test(liars, a_silent_peer_is_dropped_after_fifteen_seconds_even_if_nobody_else_is_there);
    tcase_add_test(liars, a_silent_first_half_of_the_peers_does_not_stop_the_others);
    tcase_add_test(liars, a_slow_peer_is_dropped_when_others_can_give);
    tcase_add_test(liars, a_slow_peer_is_kept_when_nobody_else_can_give);
    tcase_add_test(liars, whoever_denies_what_it_claims_is_dropped);
    tcase_add_test(liars, whoever_pruned_meanwhile_says_so_and_stays);
    tcase_add_test(liars, a_peer_whose_claims_go_back_is_dropped);
    tcase_add_test(liars, blocks_that_nobody_asked_for_cost_their_sender_the_connection);
    tcase_add_test(liars, answers_that_come_late_are_not_punished);
    tcase_add_test(liars, too_many_signatures_in_a_commit_convict_their_sender);
    tcase_add_loop_test(rest, an_implausible_height_does_not_keep_a_synced_node_in_sync, 0, 3);
    tcase_add_test(rest, an_implausible_base_is_nobodys_target);
    tcase_add_test(rest, a_liar_that_comes_back_each_time_cannot_keep_us_either);
    tcase_add_test(rest, at_the_tip_whoever_passes_new_blocks_on_and_claims_far_more_cannot_keep_us);
    tcase_add_test(rest, without_a_word_from_anybody_the_grace_period_ends_it);
    tcase_add_test(rest, a_fresh_network_is_done_at_once);
    tcase_add_test(rest, our_own_standstill_is_nobodys_silence);
    tcase_add_test(rest, a_block_that_two_thirds_signed_and_our_judge_refuses_stops_us_and_convicts_nobody);
    tcase_add_test(rest, what_consensus_applies_meanwhile_is_not_applied_again);
    tcase_add_test(rest, it_can_begin_again);
    tcase_add_test(rest, peers_may_leave_and_come_at_any_moment);
    tcase_add_test(rest, random_bytes_from_peers_change_nothing);
    suite_add_tcase(suite, ways);
    suite_add_tcase(suite, liars);
    suite_add_tcase(suite, rest);
    return suite;
}
