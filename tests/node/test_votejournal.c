#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/sim.h"
#include "node/votejournal.h"
#include "node/wire.h"
#include "tendermint/audit_lock.h"

/* ---- whole nodes that are killed at any moment: whatever left a node is in its vote journal, and so is what excuses it */

enum { SENT_MAX = 20000 };

struct sent {
    uint32_t node;
    int32_t type, round;
    int64_t height;
    struct block_id id;
};

static struct watch {
    struct sim *sim;
    struct arena arena;
    struct sent sent[SENT_MAX];
    uint32_t count;
} watch;

static void on_sent(void *context, uint32_t from, uint32_t to, uint8_t channel, struct span message, int64_t arrives_us) {
    (void)context;
    (void)to;
    (void)arrives_us;
    struct wire_consensus said;
    arena_reset(&watch.arena);
    if (channel != WIRE_VOTE || wire_consensus_parse(&said, message, &watch.arena) != NULL || said.kind != WIRE_VOTE_MESSAGE ||
        watch.sim == NULL || !address_equal(&said.vote.validator_address, sim_address(watch.sim, from)))
        return;
    struct sent one = {from, said.vote.type, said.vote.round, said.vote.height, said.vote.block_id};
    for (uint32_t i = watch.count; i > 0 && i + 64 > watch.count; i--)
        if (memcmp(&watch.sent[i - 1], &one, sizeof one) == 0)
            return;
    ck_assert_uint_lt(watch.count, SENT_MAX);
    watch.sent[watch.count++] = one;
}

static bool holds(struct span items, const struct sent *sent, const struct address *who) {
    struct span item;
    enum audit_log_item kind;
    while ((kind = audit_log_next(&items, &item)) != AUDIT_LOG_END) {
        struct vote vote;
        if (kind == AUDIT_LOG_VOTE && vote_decode(&vote, item) && vote.type == sent->type && vote.round == sent->round &&
            block_id_equal(&vote.block_id, &sent->id) && address_equal(&vote.validator_address, who))
            return true;
    }
    return false;
}

static void check_sent(struct sim *sim, uint64_t seed) {
    for (uint32_t i = 0; i < watch.count; i++) {
        const struct sent *sent = &watch.sent[i];
        if (sent->height > sim_ledger(sim, sent->node)->state.height)
            continue; /* still in the other journal */
        struct blob *items = votejournal_items(sim_votes(sim, sent->node), span_text("sim"), sent->height, SIZE_MAX);
        ck_assert_msg(holds(blob_span(items), sent, sim_address(sim, sent->node)), "seed %llu: node %u lacks its vote %d of %lld/%d",
                      (unsigned long long)seed, sent->node, sent->type, (long long)sent->height, sent->round);
        blob_release(items);
    }
}

/* Judged by its own log alone, as an auditor would. Returns how many heights were kept as a whole. */
static uint32_t check_excused(struct sim *sim, uint32_t node, uint64_t seed) {
    struct ledger *ledger = sim_ledger(sim, node);
    uint32_t whole = 0;
    for (int64_t height = 1; height <= ledger->state.height; height++) {
        struct audit_votes votes;
        const struct vote *a, *b;
        struct blob *items = votejournal_items(sim_votes(sim, node), span_text("sim"), height, SIZE_MAX);
        struct span rest = blob_span(items), item;
        struct arena arena;
        struct valset set;
        enum audit_log_item kind;
        bool others = false;
        valset_init(&set);
        arena_init(&arena, 64 << 20);
        ck_assert(ledger_validators(ledger, &set, height));
        ck_assert(audit_votes_init(&votes, &arena, &set, span_text("sim"), height));
        while ((kind = audit_log_next(&rest, &item)) != AUDIT_LOG_END) {
            struct vote vote;
            ck_assert_int_ne(kind, AUDIT_LOG_BROKEN);
            if (kind != AUDIT_LOG_VOTE)
                continue;
            ck_assert(vote_decode(&vote, item));
            ck_assert_int_le(audit_votes_add(&votes, &vote), AUDIT_VOTE_KNOWN);
            others |= !address_equal(&vote.validator_address, sim_address(sim, node));
        }
        ck_assert(audit_votes_seal(&votes));
        int32_t index = valset_find(&set, sim_address(sim, node));
        ck_assert_msg(!audit_lock_broken(&a, &b, &votes, AUDIT_STRICT, (uint32_t)index), "seed %llu: node %u at %lld", (unsigned long long)seed, node,
                      (long long)height);
        if (others) {
            whole++;
            ck_assert_msg(!audit_lock_unfounded(&a, &votes, (uint32_t)index), "seed %llu: node %u at %lld", (unsigned long long)seed, node, (long long)height);
        }
        arena_close(&arena);
        valset_close(&set);
        blob_release(items);
    }
    return whole;
}

static uint32_t run(uint64_t seed) {
    struct sim_config config;
    uint64_t chance = seed;
    uint32_t whole = 0;
    sim_defaults(&config);
    config.seed = seed;
    config.block_sync = seed % 2 == 0;
    config.watch.sent = on_sent;
    watch.count = 0;
    watch.sim = NULL;
    arena_init(&watch.arena, 1 << 20);
    struct sim *sim = watch.sim = sim_new(&config);
    for (int turn = 0; turn < 14; turn++) {
        chance = chance * 6364136223846793005u + 1442695040888963407u;
        uint32_t node = (uint32_t)(chance >> 40) % 4;
        if (turn % 3 == 0)
            sim_partition(sim, 1 + (chance >> 33) % 6);
        else
            sim_partition(sim, 0);
        if (turn % 2 == 1 && sim_is_alive(sim, node))
            sim_doom(sim, node, 1 + (uint32_t)(chance >> 50) % 60, 0);
        sim_run_for(sim, 500 + (int64_t)(chance >> 35) % 6000);
        for (uint32_t i = 0; i < 4; i++)
            if (!sim_is_alive(sim, i))
                ck_assert_msg(sim_start(sim, i), "%s", sim_complaint(sim));
    }
    sim_partition(sim, 0);
    for (uint32_t i = 0; i < 4; i++) {
        sim_mend(sim, i);
        if (!sim_is_alive(sim, i))
            ck_assert(sim_start(sim, i));
    }
    sim_run_for(sim, 30000);
    for (uint32_t i = 0; i < 4; i++) { /* what was not written durably comes back */
        sim_kill(sim, i);
        ck_assert(sim_start(sim, i));
    }
    ck_assert_str_eq(sim_complaint(sim), "");
    check_sent(sim, seed);
    for (uint32_t i = 0; i < 4; i++)
        whole += check_excused(sim, i, seed);
    sim_free(sim);
    arena_close(&watch.arena);
    return whole;
}

START_TEST(whatever_a_killed_node_sent_is_in_its_vote_journal_with_what_excuses_it) {
    const char *wish = getenv("QUORATE_SEEDS");
    uint64_t seeds = wish == NULL ? 12 : strtoull(wish, NULL, 10);
    uint32_t whole = 0;
    for (uint64_t seed = 1; seed <= seeds; seed++)
        whole += run(seed);
    ck_assert_uint_gt(whole, 0);
}
END_TEST

/* ---- alone */

static void die(void *context, const char *what) __attribute__((noreturn));
static void die(void *context, const char *what) {
    (void)context;
    ck_abort_msg("%s", what);
}

static struct disk *disk;
static struct kv *kv;
static struct journal *journal;
static struct votejournal *votes;

static void reopen(int64_t ledger_height, int64_t retain) {
    char *note = NULL, *error = NULL;
    votejournal_close(votes);
    journal_close(journal);
    journal = journal_open(disk, "data/cs.wal/wal", &note, &error);
    ck_assert_ptr_nonnull(journal);
    votes = votejournal_open(kv, journal, span_text("c"), ledger_height, retain);
}

static void setup(void) {
    disk = disk_memory_new((struct disk_failure){NULL, die});
    kv = kv_memory_new((struct kv_failure){NULL, die});
    journal = NULL;
    votes = NULL;
    reopen(0, 0);
}

static void teardown(void) {
    votejournal_close(votes);
    journal_close(journal);
    disk_memory_free(disk);
    kv_close(kv);
}

static struct vote make_vote(int64_t height, int32_t round, int32_t type, int32_t index) {
    struct vote vote;
    vote_init(&vote);
    vote.type = type;
    vote.height = height;
    vote.round = round;
    vote.validator_index = index;
    vote.validator_address = (struct address){20, {(uint8_t)index}};
    vote.signature = (struct signature){64, {(uint8_t)index}};
    return vote;
}

/* As the replica does: into the journal that serves restarts, then here. */
static void say(int64_t height, int32_t round, int32_t index) {
    uint8_t bytes[1024];
    struct wire_consensus message = {.kind = WIRE_VOTE_MESSAGE, .vote = make_vote(height, round, VOTE_PREVOTE, index)};
    struct proto_writer writer;
    proto_writer_init(&writer, bytes, sizeof bytes);
    wire_consensus_write(&writer, &message);
    struct journal_record record = {.kind = JOURNAL_MESSAGE, .message = proto_writer_span(&writer), .peer_id = span_text(index == 0 ? "" : "peer")};
    journal_append(journal, &record);
    votejournal_vote(votes, &message.vote, index == 0);
}

static void end_height(int64_t height) {
    struct timestamp time = {1, 0};
    journal_end_height(journal, height, &time);
    votejournal_end_height(votes, height, true, 1000, 2);
}

static uint32_t count_items(int64_t height) {
    struct blob *items = votejournal_items(kv, span_text("c"), height, SIZE_MAX);
    struct span rest = blob_span(items), item;
    uint32_t count = 0;
    while (audit_log_next(&rest, &item) == AUDIT_LOG_VOTE)
        count++;
    blob_release(items);
    return count;
}

START_TEST(a_height_of_round_0_keeps_what_is_ours_and_one_with_a_later_round_keeps_all) {
    for (int32_t i = 0; i < 4; i++)
        say(1, 0, i);
    end_height(1);
    for (int32_t i = 0; i < 4; i++)
        say(2, i == 3, i);
    end_height(2);
    ck_assert_uint_eq(count_items(1), 1);
    ck_assert_uint_eq(count_items(2), 4);
    ck_assert(!votejournal_is_whole(kv, span_text("c"), 1)); /* so no log of it is called complete, and convicts by what is missing */
    ck_assert(votejournal_is_whole(kv, span_text("c"), 2));
    ck_assert(votejournal_is_whole(kv, span_text("c"), 3)); /* nothing was said */
}
END_TEST

START_TEST(late_votes_of_a_height_that_was_kept_join_it_and_others_do_not) {
    say(1, 0, 0);
    end_height(1);
    say(1, 0, 2);
    say(2, 1, 1);
    end_height(2);
    say(2, 0, 3);
    say(2, 1, 3);
    end_height(3);
    ck_assert_uint_eq(count_items(1), 1);
    ck_assert_uint_eq(count_items(2), 3);
}
END_TEST

START_TEST(what_was_not_durable_is_read_again_from_the_other_journal_at_every_height) {
    for (int64_t height = 1; height <= 40; height++) {
        say(height, 1, 0);
        say(height, 1, 1);
        journal_sync(journal);
        if (height % 7 != 0)
            end_height(height);
        else { /* the ledger has it, we have not */
            kv_memory_crash(kv, (uint32_t)height % 3);
            reopen(height, 0);
            end_height(height); /* restart.c */
        }
    }
    for (int64_t height = 1; height <= 40; height++)
        ck_assert_msg(count_items(height) == 2, "height %lld", (long long)height);
    struct votejournal_state state;
    votejournal_read_state(&state, kv, span_text("c"));
    ck_assert_int_eq(state.complete_from, 1);
    ck_assert_int_eq(state.filled, 40);
}
END_TEST

START_TEST(without_the_other_journal_what_came_before_is_said_to_be_incomplete) {
    struct votejournal_state state;
    say(1, 1, 0);
    end_height(1);
    say(2, 1, 0);
    end_height(2);
    kv_memory_crash(kv, 0);
    votejournal_close(votes);
    journal_close(journal);
    votes = NULL;
    journal = NULL;
    disk->table->remove(disk, "data/cs.wal/wal");
    reopen(9, 0);
    votejournal_read_state(&state, kv, span_text("c"));
    ck_assert_int_eq(state.complete_from, 11); /* of 10 something may have been said */
}
END_TEST

START_TEST(before_the_other_journal_is_removed_what_only_that_one_holds_is_rescued) {
    say(1, 1, 0);
    end_height(1);
    say(2, 0, 0); /* decided, but not durable here */
    say(2, 1, 1);
    journal_append(journal, &(struct journal_record){.kind = JOURNAL_END_HEIGHT, .height = 2});
    say(3, 0, 0); /* at hand */
    say(3, 0, 1);
    votejournal_close(votes);
    votes = NULL;
    votejournal_rescue(kv, journal, span_text("c"));
    ck_assert_uint_eq(count_items(2), 2);
    ck_assert_uint_eq(count_items(3), 2);
}
END_TEST

START_TEST(old_heights_go_when_they_may_but_never_what_evidence_needs) {
    struct votejournal_state state;
    reopen(0, 5);
    for (int64_t height = 1; height <= 20; height++) {
        say(height, 1, 0);
        end_height(height);
    }
    ck_assert_uint_eq(count_items(15), 0);
    ck_assert_uint_eq(count_items(16), 1);
    votejournal_read_state(&state, kv, span_text("c"));
    ck_assert_int_eq(state.lowest, 16);
    reopen(20, 1); /* less than the evidence age of 2, that end_height says */
    say(21, 1, 0);
    end_height(21);
    ck_assert_uint_eq(count_items(20), 1);
    ck_assert_uint_eq(count_items(19), 0);
}
END_TEST

START_TEST(notes_stay_in_order_and_the_newest_fit) {
    struct span notes[AUDIT_LOG_NOTES_MAX];
    struct arena arena;
    arena_init(&arena, 1 << 20);
    for (int i = 0; i < AUDIT_LOG_NOTES_MAX + 3; i++) {
        char text[32];
        snprintf(text, sizeof text, "note %d", i);
        votejournal_add_note(kv, span_text("c"), span_text(text));
    }
    ck_assert_uint_eq(votejournal_notes(notes, kv, span_text("c"), &arena), AUDIT_LOG_NOTES_MAX);
    ck_assert(span_equal(notes[0], span_text("note 3")) && span_equal(notes[AUDIT_LOG_NOTES_MAX - 1], span_text("note 66")));
    ck_assert_uint_eq(votejournal_notes(notes, kv, span_text("other chain"), &arena), 0);
    arena_close(&arena);
}
END_TEST

START_TEST(a_flood_of_votes_goes_to_the_store_and_not_into_memory) {
    for (int32_t i = 0; i < 120000; i++) {
        struct vote vote = make_vote(1, i % 3, VOTE_PRECOMMIT, i);
        votejournal_vote(votes, &vote, false);
    }
    struct kv_counts counts;
    kv_count(kv, &counts);
    ck_assert_uint_gt(counts.writes, 0);
    struct blob *items = votejournal_items_now(votes, 1, SIZE_MAX), *none = votejournal_items_now(votes, 1, 1000);
    struct span rest = blob_span(items), item;
    uint32_t count = 0;
    while (audit_log_next(&rest, &item) == AUDIT_LOG_VOTE)
        count++;
    ck_assert_uint_eq(count, 120000);
    ck_assert_ptr_null(none);
    blob_release(items);
}
END_TEST

Suite *suite_votejournal(void);
Suite *suite_votejournal(void) {
    Suite *suite = suite_create("votejournal");
    TCase *tests = tcase_create("alone");
    tcase_set_timeout(tests, 600);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_height_of_round_0_keeps_what_is_ours_and_one_with_a_later_round_keeps_all);
    tcase_add_test(tests, late_votes_of_a_height_that_was_kept_join_it_and_others_do_not);
    tcase_add_test(tests, what_was_not_durable_is_read_again_from_the_other_journal_at_every_height);
    tcase_add_test(tests, without_the_other_journal_what_came_before_is_said_to_be_incomplete);
    tcase_add_test(tests, before_the_other_journal_is_removed_what_only_that_one_holds_is_rescued);
    tcase_add_test(tests, old_heights_go_when_they_may_but_never_what_evidence_needs);
    tcase_add_test(tests, notes_stay_in_order_and_the_newest_fit);
    tcase_add_test(tests, a_flood_of_votes_goes_to_the_store_and_not_into_memory);
    suite_add_tcase(suite, tests);
    TCase *whole = tcase_create("whole nodes");
    tcase_set_timeout(whole, 1800);
    tcase_add_test(whole, whatever_a_killed_node_sent_is_in_its_vote_journal_with_what_excuses_it);
    suite_add_tcase(suite, whole);
    return suite;
}
