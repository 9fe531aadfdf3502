#include "node/wire.h"

#include <check.h>
#include <stdlib.h>

#include "crypto/text.h"

static struct arena arena;
static uint8_t scratch[1 << 20];

static void setup(void) { arena_init(&arena, 8 << 20); }
static void teardown(void) { arena_close(&arena); }

static struct digest some_digest(uint8_t fill) {
    uint8_t bytes[32];
    memset(bytes, fill, sizeof bytes);
    return digest_of(bytes);
}

static struct block_id some_block(uint8_t fill) {
    return (struct block_id){.hash = some_digest(fill), .parts = {.total = 3, .hash = some_digest((uint8_t)(fill + 1))}};
}

static struct vote some_vote(void) {
    struct vote vote;
    vote_init(&vote);
    vote.type = VOTE_PRECOMMIT;
    vote.height = 12;
    vote.round = 2;
    vote.block_id = some_block(9);
    vote.timestamp = (struct timestamp){1700000000, 5};
    vote.validator_address.size = 20;
    vote.validator_index = 3;
    vote.signature.size = 64;
    return vote;
}

static struct proposal some_proposal(void) {
    return (struct proposal){.type = VOTE_PROPOSAL, .height = 12, .round = 2, .pol_round = -1, .block_id = some_block(9),
                             .timestamp = {1700000000, 5}, .signature = {.size = 64}};
}

static uint64_t words_of_ones[157];

static struct wire_consensus good_message(enum wire_consensus_kind kind) {
    memset(words_of_ones, 0x55, sizeof words_of_ones);
    struct wire_consensus message = {.kind = kind, .height = 12, .round = 2, .type = VOTE_PREVOTE, .block_id = some_block(1)};
    message.step = 4;
    message.seconds_since_start = -3;
    message.last_commit_round = 1;
    message.parts = (struct part_header){3, some_digest(4)};
    message.is_commit = true;
    message.index = 7;
    message.proposal = some_proposal();
    message.vote = some_vote();
    if (kind == WIRE_NEW_VALID_BLOCK)
        message.bits = (struct wire_bits){3, words_of_ones};
    if (kind == WIRE_PROPOSAL_POL || kind == WIRE_VOTE_SET_BITS_MESSAGE)
        message.bits = (struct wire_bits){100, words_of_ones};
    return message;
}

static struct blob *part_bytes;
static struct part_set *part_set;

static struct wire_consensus good_part(void) {
    struct wire_consensus message = {.kind = WIRE_BLOCK_PART, .height = 12, .round = 2};
    part_bytes = blob_new(span_text("a block of very few bytes"));
    part_set = part_set_of(part_bytes);
    ck_assert(part_set_get(part_set, &message.part, 0));
    return message;
}

static void forget_part(void) {
    part_set_release(part_set);
    blob_release(part_bytes);
}

static struct span encode(const struct wire_consensus *message) {
    struct proto_writer writer;
    proto_writer_init(&writer, scratch, sizeof scratch);
    wire_consensus_write(&writer, message);
    ck_assert(!writer.overflow);
    return proto_writer_span(&writer);
}

static const char *verdict(const struct wire_consensus *message) {
    struct wire_consensus out;
    return wire_consensus_decode(&out, encode(message), wire_consensus_channel(message->kind), 1, &arena);
}

/* Good as it is; bad after the change. */
#define REFUSES(kind_, change)                                                                                                    \
    do {                                                                                                                          \
        struct wire_consensus m = good_message(kind_);                                                                            \
        ck_assert_ptr_null(verdict(&m));                                                                                          \
        change;                                                                                                                   \
        ck_assert_ptr_nonnull(verdict(&m));                                                                                       \
    } while (0)

START_TEST(every_consensus_message_comes_out_as_it_went_in) {
    for (int kind = WIRE_NEW_ROUND_STEP; kind <= WIRE_VOTE_SET_BITS_MESSAGE; kind++) {
        struct wire_consensus message = kind == WIRE_BLOCK_PART ? good_part() : good_message((enum wire_consensus_kind)kind), out;
        uint8_t copy[4096];
        words_of_ones[0] &= message.bits.bits == 3 ? 7 : UINT64_MAX; /* beyond the end there are no bits */
        words_of_ones[1] &= 0xfffffffffu;
        struct span bytes = encode(&message);
        ck_assert_uint_lt(bytes.size, sizeof copy);
        memcpy(copy, bytes.data, bytes.size);
        struct span first = span_of(copy, bytes.size);
        ck_assert_ptr_null(wire_consensus_decode(&out, first, wire_consensus_channel(message.kind), 1, &arena));
        ck_assert_int_eq(out.kind, kind);
        ck_assert(span_equal(encode(&out), first));
        if (kind == WIRE_BLOCK_PART)
            forget_part();
    }
}
END_TEST

START_TEST(fields_arrive_in_their_places) {
    struct wire_consensus message = good_message(WIRE_VOTE_SET_BITS_MESSAGE), out;
    ck_assert_ptr_null(wire_consensus_decode(&out, encode(&message), WIRE_VOTE_SET_BITS, 1, &arena));
    ck_assert_int_eq(out.height, 12);
    ck_assert_int_eq(out.round, 2);
    ck_assert_int_eq(out.type, VOTE_PREVOTE);
    ck_assert(block_id_equal(&out.block_id, &message.block_id));
    ck_assert_uint_eq(out.bits.bits, 100);
    ck_assert_uint_eq(out.bits.words[0], 0x5555555555555555u);
    ck_assert_uint_eq(out.bits.words[1], 0x555555555u); /* bits beyond the end are cleared */
    message = good_message(WIRE_VOTE_MESSAGE);
    ck_assert_ptr_null(wire_consensus_decode(&out, encode(&message), WIRE_VOTE, 1, &arena));
    ck_assert_int_eq(out.vote.validator_index, 3);
    ck_assert_int_eq(out.vote.type, VOTE_PRECOMMIT);
}
END_TEST

START_TEST(a_message_on_another_channel_is_refused) {
    for (int kind = WIRE_NEW_ROUND_STEP; kind <= WIRE_VOTE_SET_BITS_MESSAGE; kind++) {
        struct wire_consensus message = kind == WIRE_BLOCK_PART ? good_part() : good_message((enum wire_consensus_kind)kind), out;
        for (uint8_t channel = WIRE_STATE; channel <= WIRE_VOTE_SET_BITS; channel++) {
            const char *why = wire_consensus_decode(&out, encode(&message), channel, 1, &arena);
            ck_assert((why == NULL) == (channel == wire_consensus_channel(message.kind)));
        }
        if (kind == WIRE_BLOCK_PART)
            forget_part();
    }
}
END_TEST

START_TEST(a_round_step_out_of_range_is_refused) {
    REFUSES(WIRE_NEW_ROUND_STEP, m.step = 0);
    REFUSES(WIRE_NEW_ROUND_STEP, m.step = 9);
    REFUSES(WIRE_NEW_ROUND_STEP, m.step = 256 + 4);
    REFUSES(WIRE_NEW_ROUND_STEP, m.height = -1);
    REFUSES(WIRE_NEW_ROUND_STEP, m.round = -1);
    REFUSES(WIRE_NEW_ROUND_STEP, m.last_commit_round = -1);
    REFUSES(WIRE_NEW_ROUND_STEP, m.last_commit_round = -2);
    REFUSES(WIRE_NEW_ROUND_STEP, m.height = 1);
    REFUSES(WIRE_NEW_ROUND_STEP, m.height = 0);
}
END_TEST

START_TEST(the_last_commit_round_belongs_to_heights_beyond_the_initial_one) {
    struct wire_consensus m = good_message(WIRE_NEW_ROUND_STEP), out;
    m.height = 50;
    m.last_commit_round = -1;
    ck_assert_ptr_null(wire_consensus_decode(&out, encode(&m), WIRE_STATE, 50, &arena));
    ck_assert_ptr_nonnull(wire_consensus_decode(&out, encode(&m), WIRE_STATE, 49, &arena));
    ck_assert_ptr_nonnull(wire_consensus_decode(&out, encode(&m), WIRE_STATE, 51, &arena));
    m.last_commit_round = 0;
    ck_assert_ptr_nonnull(wire_consensus_decode(&out, encode(&m), WIRE_STATE, 50, &arena));
    ck_assert_ptr_null(wire_consensus_decode(&out, encode(&m), WIRE_STATE, 49, &arena));
}
END_TEST

START_TEST(part_bits_that_do_not_fit_the_part_header_are_refused) {
    REFUSES(WIRE_NEW_VALID_BLOCK, m.bits.bits = 2);
    REFUSES(WIRE_NEW_VALID_BLOCK, m.bits.bits = 0);
    REFUSES(WIRE_NEW_VALID_BLOCK, m.parts.total = 4);
    REFUSES(WIRE_NEW_VALID_BLOCK, (m.bits.bits = 1602, m.parts.total = 1602));
    REFUSES(WIRE_NEW_VALID_BLOCK, m.height = -1);
    REFUSES(WIRE_NEW_VALID_BLOCK, m.round = -1);
    struct wire_consensus most = good_message(WIRE_NEW_VALID_BLOCK);
    most.bits.bits = most.parts.total = 1601;
    ck_assert_ptr_null(verdict(&most));
}
END_TEST

START_TEST(vote_bits_beyond_ten_thousand_validators_are_refused) {
    REFUSES(WIRE_PROPOSAL_POL, m.bits.bits = 10001);
    REFUSES(WIRE_PROPOSAL_POL, m.bits.bits = 0);
    REFUSES(WIRE_PROPOSAL_POL, m.round = -1);
    REFUSES(WIRE_PROPOSAL_POL, m.height = -1);
    REFUSES(WIRE_VOTE_SET_BITS_MESSAGE, m.bits.bits = 10001);
    struct wire_consensus message = good_message(WIRE_VOTE_SET_BITS_MESSAGE);
    message.bits.bits = 10000;
    ck_assert_ptr_null(verdict(&message));
    message.bits.bits = 0; /* who has none says so */
    ck_assert_ptr_null(verdict(&message));
}
END_TEST

START_TEST(claims_about_other_things_than_votes_are_refused) {
    REFUSES(WIRE_HAS_VOTE, m.type = VOTE_PROPOSAL);
    REFUSES(WIRE_HAS_VOTE, m.type = 0);
    REFUSES(WIRE_HAS_VOTE, m.index = -1);
    REFUSES(WIRE_HAS_VOTE, m.height = -1);
    REFUSES(WIRE_HAS_VOTE, m.round = -1);
    REFUSES(WIRE_VOTE_SET_MAJ23, m.type = 3);
    REFUSES(WIRE_VOTE_SET_MAJ23, m.height = -1);
    REFUSES(WIRE_VOTE_SET_MAJ23, m.round = -1);
    REFUSES(WIRE_VOTE_SET_BITS_MESSAGE, m.type = 3);
    REFUSES(WIRE_VOTE_SET_BITS_MESSAGE, m.height = -1);
}
END_TEST

START_TEST(ill_shaped_votes_and_proposals_are_refused) {
    REFUSES(WIRE_VOTE_MESSAGE, m.vote.signature.size = 0);
    REFUSES(WIRE_VOTE_MESSAGE, m.vote.height = 0);
    REFUSES(WIRE_VOTE_MESSAGE, m.vote.validator_index = -1);
    REFUSES(WIRE_VOTE_MESSAGE, m.vote.type = VOTE_PROPOSAL);
    REFUSES(WIRE_PROPOSAL, m.proposal.signature.size = 0);
    REFUSES(WIRE_PROPOSAL, m.proposal.pol_round = -2);
    REFUSES(WIRE_PROPOSAL, m.proposal.block_id.parts.total = 0);
    REFUSES(WIRE_PROPOSAL, m.proposal.type = VOTE_PREVOTE);
}
END_TEST

/* Wound 25. */
START_TEST(a_part_whose_proof_is_for_another_place_is_refused) {
    struct wire_consensus message = good_part();
    ck_assert_ptr_null(verdict(&message));
    message.part.index = 1;
    ck_assert_ptr_nonnull(verdict(&message));
    forget_part();
}
END_TEST

static const char *decode_hex(const char *hex, uint8_t channel) {
    uint8_t bytes[512];
    size_t size;
    struct wire_consensus out;
    ck_assert(text_hex_decode(bytes, &size, sizeof bytes, span_text(hex)));
    return wire_consensus_decode(&out, span_of(bytes, size), channel, 1, &arena);
}

/* Wound 26. */
START_TEST(bits_without_their_words_are_refused) {
    ck_assert_ptr_nonnull(decode_hex("4a0e080110011801220212002a020840", WIRE_VOTE_SET_BITS));
    ck_assert_ptr_nonnull(decode_hex("2206080110011a00", WIRE_DATA));
    ck_assert_ptr_nonnull(decode_hex("22080801180122020840", WIRE_DATA));
}
END_TEST

/* Wound 31. */
START_TEST(a_vote_message_without_a_vote_is_refused) {
    ck_assert_str_eq(decode_hex("3200", WIRE_VOTE), "vote message without a vote");
    ck_assert_ptr_nonnull(decode_hex("32020a00", WIRE_VOTE));
    ck_assert_ptr_nonnull(decode_hex("1a00", WIRE_DATA));
    ck_assert_ptr_nonnull(decode_hex("2a00", WIRE_DATA));
    ck_assert_ptr_nonnull(decode_hex("", WIRE_STATE));
    ck_assert_ptr_nonnull(decode_hex("5200", WIRE_STATE)); /* no such member */
}
END_TEST

START_TEST(of_two_members_the_last_one_counts_alone) {
    struct wire_consensus out;
    uint8_t bytes[64];
    size_t size;
    ck_assert(text_hex_decode(bytes, &size, sizeof bytes, span_text("3a0808091002180120070a0a080c100218042001280a")));
    ck_assert_ptr_null(wire_consensus_decode(&out, span_of(bytes, size), WIRE_STATE, 1, &arena));
    ck_assert_int_eq(out.kind, WIRE_NEW_ROUND_STEP);
    ck_assert_int_eq(out.height, 12);
    ck_assert_int_eq(out.index, 0);
    ck_assert_int_eq(out.type, 0);
}
END_TEST

START_TEST(a_consensus_message_above_its_limit_is_refused) {
    struct wire_consensus out;
    memset(scratch, 0, sizeof scratch);
    ck_assert_str_eq(wire_consensus_decode(&out, span_of(scratch, sizeof scratch), WIRE_STATE, 1, &arena), "malformed consensus message");
    static uint8_t larger[WIRE_CONSENSUS_BYTES_MAX + 1];
    ck_assert_str_eq(wire_consensus_decode(&out, span_of(larger, sizeof larger), WIRE_STATE, 1, &arena), "consensus message too large");
}
END_TEST

/* mempool */

static struct span encode_txs(const struct span *txs, uint32_t count) {
    struct proto_writer writer;
    proto_writer_init(&writer, scratch, sizeof scratch);
    wire_txs_write(&writer, txs, count);
    return proto_writer_span(&writer);
}

START_TEST(transactions_come_out_as_they_went_in) {
    struct span txs[2] = {span_text("one"), span_text("three")}, *out;
    uint32_t count;
    ck_assert_ptr_null(wire_txs_decode(&out, &count, encode_txs(txs, 2), 8, &arena));
    ck_assert_uint_eq(count, 2);
    ck_assert(span_equal(out[0], txs[0]) && span_equal(out[1], txs[1]));
}
END_TEST

/* Wound 35. */
START_TEST(a_transaction_message_cannot_cost_more_than_it_carries) {
    struct span txs[2] = {span_text("one"), span_text("three")}, *out;
    uint32_t count;
    ck_assert_ptr_nonnull(wire_txs_decode(&out, &count, encode_txs(txs, 2), 7, &arena)); /* together above the limit */
    ck_assert_ptr_nonnull(wire_txs_decode(&out, &count, encode_txs(txs, 0), 8, &arena));
    txs[0] = span_text("");
    ck_assert_ptr_nonnull(wire_txs_decode(&out, &count, encode_txs(txs, 2), 8, &arena));
    txs[0] = span_text("ninebytes");
    ck_assert_ptr_nonnull(wire_txs_decode(&out, &count, encode_txs(txs, 1), 8, &arena));
    ck_assert_ptr_nonnull(wire_txs_decode(&out, &count, span_text(""), 8, &arena));
    ck_assert_uint_eq(arena.bytes_taken, 0);
}
END_TEST

START_TEST(empty_entries_hide_in_no_other_member_and_under_no_overflowing_number) {
    static const uint8_t two_members[] = {0x0a, 0x02, 0x0a, 0x00, 0x0a, 0x03, 0x0a, 0x01, 'x'};
    static const uint8_t overflow[] = {0x8a, 0x80, 0x80, 0x80, 0x80, 0x01, 0x02, 0x0a, 0x00}; /* field 1 + 2^32, cut to 1 */
    struct span *out;
    uint32_t count;
    ck_assert_str_eq(wire_txs_decode(&out, &count, span_of(two_members, sizeof two_members), 8, &arena), "empty transaction");
    ck_assert_ptr_nonnull(wire_txs_decode(&out, &count, span_of(overflow, sizeof overflow), 8, &arena));
}
END_TEST

/* block sync */

static const char *blocksync_verdict(const struct wire_blocksync *message) {
    struct proto_writer writer;
    struct wire_blocksync out;
    proto_writer_init(&writer, scratch, sizeof scratch);
    wire_blocksync_write(&writer, message);
    const char *why = wire_blocksync_decode(&out, proto_writer_span(&writer));
    if (why == NULL) {
        ck_assert_int_eq(out.kind, message->kind);
        ck_assert_int_eq(out.height, message->height);
        ck_assert_int_eq(out.base, message->base);
        ck_assert(span_equal(out.block, message->block));
        ck_assert(span_equal(out.extended_commit, message->extended_commit));
    }
    return why;
}

START_TEST(block_sync_messages_are_checked) {
    ck_assert_ptr_null(blocksync_verdict(&(struct wire_blocksync){.kind = WIRE_BLOCK_REQUEST, .height = 4}));
    ck_assert_ptr_nonnull(blocksync_verdict(&(struct wire_blocksync){.kind = WIRE_BLOCK_REQUEST, .height = -4}));
    ck_assert_ptr_null(blocksync_verdict(&(struct wire_blocksync){.kind = WIRE_NO_BLOCK, .height = 4}));
    ck_assert_ptr_nonnull(blocksync_verdict(&(struct wire_blocksync){.kind = WIRE_NO_BLOCK, .height = -1}));
    ck_assert_ptr_null(blocksync_verdict(&(struct wire_blocksync){.kind = WIRE_STATUS_REQUEST}));
    ck_assert_ptr_null(blocksync_verdict(&(struct wire_blocksync){.kind = WIRE_STATUS_RESPONSE, .height = 4, .base = 4}));
    ck_assert_ptr_nonnull(blocksync_verdict(&(struct wire_blocksync){.kind = WIRE_STATUS_RESPONSE, .height = 4, .base = 5}));
    ck_assert_ptr_nonnull(blocksync_verdict(&(struct wire_blocksync){.kind = WIRE_STATUS_RESPONSE, .height = 4, .base = -1}));
    ck_assert_ptr_nonnull(blocksync_verdict(&(struct wire_blocksync){.kind = WIRE_STATUS_RESPONSE, .height = -1, .base = -1}));
    struct wire_blocksync response = {.kind = WIRE_BLOCK_RESPONSE, .block = span_text("block"), .has_block = true};
    ck_assert_ptr_null(blocksync_verdict(&response));
    response.extended_commit = span_text("commit");
    response.has_extended_commit = true;
    ck_assert_ptr_null(blocksync_verdict(&response));
    ck_assert_ptr_nonnull(blocksync_verdict(&(struct wire_blocksync){.kind = WIRE_BLOCK_RESPONSE}));
    struct wire_blocksync out;
    ck_assert_ptr_nonnull(wire_blocksync_decode(&out, span_text("")));
}
END_TEST

/* peer exchange */

static const char *pex_verdict(struct wire_pex *out, const struct wire_pex *message) {
    struct proto_writer writer;
    proto_writer_init(&writer, scratch, sizeof scratch);
    wire_pex_write(&writer, message);
    return wire_pex_decode(out, proto_writer_span(&writer), &arena);
}

START_TEST(addresses_come_out_as_they_went_in_and_are_checked) {
    struct wire_address addresses[WIRE_ADDRESSES_MAX + 1], one = {span_text("id"), span_text("127.0.0.1"), 26656};
    struct wire_pex out, message = {.count = 2, .addresses = addresses};
    for (size_t i = 0; i <= WIRE_ADDRESSES_MAX; i++)
        addresses[i] = one;
    addresses[1].ip = span_text("::1");
    ck_assert_ptr_null(pex_verdict(&out, &message));
    ck_assert(!out.is_request);
    ck_assert_uint_eq(out.count, 2);
    ck_assert(span_equal(out.addresses[1].ip, span_text("::1")) && out.addresses[0].port == 26656);
    addresses[1].port = 65536;
    ck_assert_ptr_nonnull(pex_verdict(&out, &message));
    addresses[1] = one;
    addresses[1].ip = span_text("localhost");
    ck_assert_ptr_nonnull(pex_verdict(&out, &message));
    addresses[1].ip = span_of("1.2.3.4\0x", 9);
    ck_assert_ptr_nonnull(pex_verdict(&out, &message));
    addresses[1] = one;
    message.count = WIRE_ADDRESSES_MAX;
    ck_assert_ptr_null(pex_verdict(&out, &message));
    message.count++;
    ck_assert_ptr_nonnull(pex_verdict(&out, &message));
    ck_assert_ptr_null(pex_verdict(&out, &(struct wire_pex){.is_request = true}));
    ck_assert(out.is_request);
    ck_assert_ptr_nonnull(wire_pex_decode(&out, span_text(""), &arena));
}
END_TEST

/* state sync */

/* Numbers and texts of two offers may run together; the text of the numbers ends where the hash begins. */
START_TEST(an_offer_of_a_snapshot_is_known_by_its_content) {
    struct wire_statesync offer = {.kind = WIRE_SNAPSHOTS_RESPONSE, .height = 12, .format = 1, .chunks = 3, .hash = span_text("ab"), .metadata = span_text("c")};
    uint8_t key[32], other[32];
    wire_snapshot_key(key, &offer);
    wire_snapshot_key(other, &(struct wire_statesync){.height = 12, .format = 1, .chunks = 3, .hash = span_text("a"), .metadata = span_text("bc")});
    ck_assert_mem_eq(key, other, 32);
    offer.chunks = 4;
    wire_snapshot_key(other, &offer);
    ck_assert_mem_ne(key, other, 32);
    offer.height = UINT64_MAX;
    offer.format = offer.chunks = UINT32_MAX;
    offer.hash = offer.metadata = span_of(NULL, 0);
    wire_snapshot_key(key, &offer);
    sha256_once(other, span_text("18446744073709551615:4294967295:4294967295"));
    ck_assert_mem_eq(key, other, 32);
}
END_TEST

static const char *statesync_verdict(const struct wire_statesync *message) {
    struct proto_writer writer;
    struct wire_statesync out;
    proto_writer_init(&writer, scratch, sizeof scratch);
    wire_statesync_write(&writer, message);
    const char *why = wire_statesync_decode(&out, proto_writer_span(&writer));
    if (why == NULL) {
        ck_assert(out.kind == message->kind && out.height == message->height && out.format == message->format);
        ck_assert(out.chunks == message->chunks && out.index == message->index && out.missing == message->missing);
        ck_assert(span_equal(out.hash, message->hash) && span_equal(out.chunk, message->chunk));
    }
    return why;
}

START_TEST(state_sync_messages_are_checked) {
    struct wire_statesync snapshot = {.kind = WIRE_SNAPSHOTS_RESPONSE, .height = 3, .format = 1, .chunks = 100000, .hash = span_text("h")};
    ck_assert_ptr_null(statesync_verdict(&(struct wire_statesync){.kind = WIRE_SNAPSHOTS_REQUEST}));
    ck_assert_ptr_null(statesync_verdict(&snapshot));
    snapshot.chunks++; /* wound 42 */
    ck_assert_ptr_nonnull(statesync_verdict(&snapshot));
    snapshot.chunks = 0;
    ck_assert_ptr_nonnull(statesync_verdict(&snapshot));
    snapshot.chunks = 1;
    snapshot.hash = span_text("");
    ck_assert_ptr_nonnull(statesync_verdict(&snapshot));
    ck_assert_ptr_null(statesync_verdict(&(struct wire_statesync){.kind = WIRE_CHUNK_REQUEST, .height = 3, .index = 2}));
    ck_assert_ptr_nonnull(statesync_verdict(&(struct wire_statesync){.kind = WIRE_CHUNK_REQUEST, .index = 2}));
    struct wire_statesync chunk = {.kind = WIRE_CHUNK_RESPONSE, .height = 3, .index = 2, .chunk = span_text("x")};
    ck_assert_ptr_null(statesync_verdict(&chunk));
    chunk.missing = true;
    ck_assert_ptr_nonnull(statesync_verdict(&chunk));
    chunk.chunk = span_of(NULL, 0);
    ck_assert_ptr_null(statesync_verdict(&chunk));
    chunk.missing = false;
    ck_assert_ptr_nonnull(statesync_verdict(&chunk));
    chunk.chunk = span_text("");
    ck_assert_ptr_null(statesync_verdict(&chunk));
}
END_TEST

/* evidence */

/* Wounds 30, 31. */
START_TEST(evidence_of_nothing_is_refused) {
    static const uint8_t empty_item[] = {0x0a, 0x00}, no_votes[] = {0x0a, 0x02, 0x0a, 0x00}, no_block[] = {0x0a, 0x02, 0x12, 0x00};
    static uint8_t larger[WIRE_EVIDENCE_BYTES_MAX + 1];
    struct evidence *items;
    uint32_t count = 7;
    ck_assert_ptr_nonnull(wire_evidence_decode(&items, &count, span_of(empty_item, sizeof empty_item), &arena));
    ck_assert_ptr_nonnull(wire_evidence_decode(&items, &count, span_of(no_votes, sizeof no_votes), &arena));
    ck_assert_ptr_nonnull(wire_evidence_decode(&items, &count, span_of(no_block, sizeof no_block), &arena));
    ck_assert_ptr_nonnull(wire_evidence_decode(&items, &count, span_of(larger, sizeof larger), &arena));
    ck_assert_uint_eq(count, 7);
    ck_assert_ptr_null(wire_evidence_decode(&items, &count, span_text(""), &arena));
    ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(many_empty_pieces_of_evidence_cost_no_memory) {
    struct evidence *items;
    uint32_t count;
    for (size_t i = 0; i + 1 < sizeof scratch; i += 2) {
        scratch[i] = 0x0a;
        scratch[i + 1] = 0;
    }
    ck_assert_ptr_nonnull(wire_evidence_decode(&items, &count, span_of(scratch, sizeof scratch), &arena));
    ck_assert_uint_le(arena.bytes_taken, arena.bytes_max);
}
END_TEST

/* remote signer */

START_TEST(a_request_to_sign_nothing_is_refused) {
    struct proto_writer writer;
    struct wire_privval out, request = {.kind = WIRE_SIGN_VOTE_REQUEST, .chain_id = span_text("chain"), .vote = some_vote(), .has_vote = true};
    proto_writer_init(&writer, scratch, sizeof scratch);
    wire_privval_write(&writer, &request);
    ck_assert_ptr_null(wire_privval_decode(&out, proto_writer_span(&writer)));
    ck_assert(span_equal(out.chain_id, span_text("chain")) && out.has_vote && out.vote.height == 12);
    request.has_vote = false;
    proto_writer_init(&writer, scratch, sizeof scratch);
    wire_privval_write(&writer, &request);
    ck_assert_ptr_nonnull(wire_privval_decode(&out, proto_writer_span(&writer)));
    ck_assert_ptr_nonnull(wire_privval_decode(&out, span_text("")));
}
END_TEST

/* Noise: nothing may read where it should not (sanitizers watch), and what passes must survive being written again. */

static uint32_t noise(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

static void decode_all(struct span bytes) {
    struct wire_consensus consensus;
    struct wire_blocksync blocksync;
    struct wire_pex pex;
    struct wire_statesync statesync;
    struct wire_privval privval;
    struct evidence *evidence;
    struct span *txs;
    uint32_t count;
    arena_reset(&arena);
    if (wire_consensus_parse(&consensus, bytes, &arena) == NULL) {
        (void)wire_consensus_check(&consensus, 1);
        (void)encode(&consensus);
    }
    (void)wire_txs_decode(&txs, &count, bytes, 1000, &arena);
    (void)wire_blocksync_decode(&blocksync, bytes);
    (void)wire_pex_decode(&pex, bytes, &arena);
    (void)wire_statesync_decode(&statesync, bytes);
    (void)wire_privval_decode(&privval, bytes);
    (void)wire_evidence_decode(&evidence, &count, bytes, &arena);
}

START_TEST(noise_is_survived) {
    uint64_t state = 7;
    for (int i = 0; i < 30000; i++) {
        size_t size = noise(&state) % 200;
        uint8_t *exact = malloc(size + 1); /* so that reading beyond is seen */
        for (size_t k = 0; k < size; k++)
            exact[k] = noise(&state) % 3 == 0 ? (uint8_t)noise(&state) : (uint8_t)(noise(&state) % 64);
        decode_all(span_of(exact, size));
        free(exact);
    }
}
END_TEST

START_TEST(damaged_messages_are_survived) {
    uint64_t state = 11;
    for (int i = 0; i < 30000; i++) {
        int kind = 1 + i % 9;
        struct wire_consensus message = kind == WIRE_BLOCK_PART ? good_part() : good_message((enum wire_consensus_kind)kind);
        struct span bytes = encode(&message);
        size_t size = noise(&state) % 4 == 0 ? noise(&state) % (bytes.size + 1) : bytes.size;
        uint8_t *exact = malloc(size + 1);
        memcpy(exact, bytes.data, size);
        for (uint32_t k = noise(&state) % 4; k > 0 && size > 0; k--)
            exact[noise(&state) % size] = (uint8_t)noise(&state);
        decode_all(span_of(exact, size));
        free(exact);
        if (kind == WIRE_BLOCK_PART)
            forget_part();
    }
}
END_TEST

Suite *suite_wire(void);
Suite *suite_wire(void) {
    Suite *suite = suite_create("wire");
    TCase *tests = tcase_create("wire");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, every_consensus_message_comes_out_as_it_went_in);
    tcase_add_test(tests, fields_arrive_in_their_places);
    tcase_add_test(tests, a_message_on_another_channel_is_refused);
    tcase_add_test(tests, a_round_step_out_of_range_is_refused);
    tcase_add_test(tests, the_last_commit_round_belongs_to_heights_beyond_the_initial_one);
    tcase_add_test(tests, part_bits_that_do_not_fit_the_part_header_are_refused);
    tcase_add_test(tests, vote_bits_beyond_ten_thousand_validators_are_refused);
    tcase_add_test(tests, claims_about_other_things_than_votes_are_refused);
    tcase_add_test(tests, ill_shaped_votes_and_proposals_are_refused);
    tcase_add_test(tests, a_part_whose_proof_is_for_another_place_is_refused);
    tcase_add_test(tests, bits_without_their_words_are_refused);
    tcase_add_test(tests, a_vote_message_without_a_vote_is_refused);
    tcase_add_test(tests, of_two_members_the_last_one_counts_alone);
    tcase_add_test(tests, a_consensus_message_above_its_limit_is_refused);
    tcase_add_test(tests, transactions_come_out_as_they_went_in);
    tcase_add_test(tests, a_transaction_message_cannot_cost_more_than_it_carries);
    tcase_add_test(tests, empty_entries_hide_in_no_other_member_and_under_no_overflowing_number);
    tcase_add_test(tests, block_sync_messages_are_checked);
    tcase_add_test(tests, addresses_come_out_as_they_went_in_and_are_checked);
    tcase_add_test(tests, state_sync_messages_are_checked);
    tcase_add_test(tests, evidence_of_nothing_is_refused);
    tcase_add_test(tests, many_empty_pieces_of_evidence_cost_no_memory);
    tcase_add_test(tests, a_request_to_sign_nothing_is_refused);
    tcase_add_test(tests, noise_is_survived);
    tcase_add_test(tests, damaged_messages_are_survived);
    tcase_add_test(tests, an_offer_of_a_snapshot_is_known_by_its_content);
    suite_add_tcase(suite, tests);
    return suite;
}
