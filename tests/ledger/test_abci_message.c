/* Requests and responses: every call, both directions. */
#include <check.h>
#include <stdlib.h>

#include "crypto/text.h"
#include "ledger/abci_response.h"

static struct arena arena;

static void setup(void) { arena_init(&arena, 64 << 20); }

static void teardown(void) { arena_close(&arena); }

static struct span encode_request(const struct abci_request *request) {
    struct proto_writer writer;
    proto_writer_measure(&writer);
    abci_request_write(&writer, request);
    size_t size = writer.size;
    proto_writer_init(&writer, arena_take(&arena, size, 1), size);
    abci_request_write(&writer, request);
    ck_assert(!writer.overflow && writer.size == size);
    return proto_writer_span(&writer);
}

static struct span encode_response(const struct abci_response *response) {
    struct proto_writer writer;
    proto_writer_measure(&writer);
    abci_response_write(&writer, response);
    size_t size = writer.size;
    proto_writer_init(&writer, arena_take(&arena, size, 1), size);
    abci_response_write(&writer, response);
    ck_assert(!writer.overflow && writer.size == size);
    return proto_writer_span(&writer);
}

static struct span hex(const char *text) {
    size_t size, capacity = strlen(text) / 2;
    uint8_t *bytes = arena_take(&arena, capacity, 1);
    ck_assert(text_hex_decode(bytes, &size, capacity, span_text(text)));
    return span_of(bytes, size);
}

static struct digest digest(uint8_t byte) {
    uint8_t bytes[32];
    memset(bytes, byte, sizeof bytes);
    return digest_of(bytes);
}

static struct address address(uint8_t byte) {
    struct address out = {.size = 20};
    memset(out.bytes, byte, 20);
    return out;
}

static struct abci_block full_block(void) {
    static struct span txs[3];
    static struct abci_vote_info votes[2];
    static struct abci_misbehavior faults[1];
    txs[0] = span_text("a=1");
    txs[1] = span_text("");
    txs[2] = span_text("b=2");
    votes[0] = (struct abci_vote_info){.address = address(1), .power = 10, .flag = 2, .extension = span_text("ext"), .extension_signature = span_text("sig")};
    votes[1] = (struct abci_vote_info){.address = address(2), .power = 0, .flag = 1};
    faults[0] = (struct abci_misbehavior){1, address(2), 7, 5, {100, 5}, 17};
    return (struct abci_block){.txs = txs, .tx_count = 3, .commit_round = 4, .votes = votes, .vote_count = 2, .misbehavior = faults,
                               .misbehavior_count = 1, .hash = digest(9), .height = 12, .time = {1700000000, 1},
                               .next_validators_hash = digest(8), .proposer_address = address(3)};
}

static void check_block(const struct abci_block *a, const struct abci_block *b, bool has_hash, bool is_extended) {
    ck_assert_uint_eq(a->tx_count, b->tx_count);
    for (uint32_t i = 0; i < a->tx_count; i++)
        ck_assert(span_equal(a->txs[i], b->txs[i]));
    ck_assert_int_eq(a->commit_round, b->commit_round);
    ck_assert_uint_eq(a->vote_count, b->vote_count);
    for (uint32_t i = 0; i < a->vote_count; i++) {
        ck_assert(address_equal(&a->votes[i].address, &b->votes[i].address));
        ck_assert_int_eq(a->votes[i].power, b->votes[i].power);
        ck_assert_int_eq(a->votes[i].flag, b->votes[i].flag);
        ck_assert(span_equal(a->votes[i].extension, is_extended ? b->votes[i].extension : span_text("")));
        ck_assert_uint_eq(a->votes[i].extension_signature.size, is_extended ? b->votes[i].extension_signature.size : 0);
    }
    ck_assert_uint_eq(a->misbehavior_count, 1);
    ck_assert_int_eq(a->misbehavior[0].type, 1);
    ck_assert_int_eq(a->misbehavior[0].power, 7);
    ck_assert_int_eq(a->misbehavior[0].height, 5);
    ck_assert_int_eq(a->misbehavior[0].total_power, 17);
    ck_assert_int_eq(a->misbehavior[0].time.seconds, 100);
    ck_assert_uint_eq(a->hash.size, has_hash ? 32 : 0);
    ck_assert_int_eq(a->height, 12);
    ck_assert_int_eq(timestamp_compare(&a->time, &b->time), 0);
    ck_assert(digest_equal(&a->next_validators_hash, &b->next_validators_hash));
    ck_assert(address_equal(&a->proposer_address, &b->proposer_address));
}

START_TEST(a_block_comes_back_whole_from_each_of_the_four_calls_that_carry_it) {
    static const enum abci_call calls[] = {ABCI_PREPARE_PROPOSAL, ABCI_PROCESS_PROPOSAL, ABCI_EXTEND_VOTE, ABCI_FINALIZE_BLOCK};
    for (size_t i = 0; i < 4; i++) {
        struct abci_request request = {.call = calls[i]}, back;
        request.block = full_block();
        request.bytes_max = 1000;
        struct span bytes = encode_request(&request);
        ck_assert(abci_request_decode(&back, bytes, &arena));
        ck_assert_int_eq(back.call, calls[i]);
        bool is_prepare = calls[i] == ABCI_PREPARE_PROPOSAL;
        check_block(&back.block, &request.block, !is_prepare, is_prepare);
        ck_assert_int_eq(back.bytes_max, is_prepare ? 1000 : 0);
        ck_assert(span_equal(encode_request(&back), bytes));
    }
}
END_TEST

static struct abci_request request_of(enum abci_call call, struct params *params) {
    static struct abci_validator_update updates[2];
    struct abci_request request = {.call = call};
    updates[0] = (struct abci_validator_update){pubkey_ed25519((const uint8_t *)"0123456789abcdef0123456789abcdef"), 5};
    updates[1] = (struct abci_validator_update){pubkey_secp256k1((const uint8_t *)"\2__0123456789abcdef0123456789abcd"), 0};
    switch (call) {
    case ABCI_ECHO: request.echo = span_text("hello"); break;
    case ABCI_INFO:
        request.info.version = span_text("0.38.26");
        request.info.block_version = 11;
        request.info.p2p_version = 8;
        request.info.abci_version = span_text(ABCI_MESSAGE_VERSION);
        break;
    case ABCI_INIT_CHAIN:
        request.init_chain = (struct abci_init_chain){{5, 6}, span_text("chain"), params, updates, 2, span_text("{}"), 77};
        break;
    case ABCI_QUERY: request.query = (struct abci_query){span_text("k"), span_text("/store"), -1, true}; break;
    case ABCI_CHECK_TX:
        request.check_tx.tx = span_text("tx");
        request.check_tx.type = ABCI_CHECK_AGAIN;
        break;
    case ABCI_OFFER_SNAPSHOT:
        request.offer_snapshot.has_snapshot = true;
        request.offer_snapshot.snapshot = (struct abci_snapshot){1, 2, 3, span_text("h"), span_text("m")};
        request.offer_snapshot.app_hash = span_text("a");
        break;
    case ABCI_LOAD_SNAPSHOT_CHUNK:
        request.load_chunk.height = UINT64_MAX;
        request.load_chunk.format = 4;
        request.load_chunk.chunk = 5;
        break;
    case ABCI_APPLY_SNAPSHOT_CHUNK:
        request.apply_chunk.index = 6;
        request.apply_chunk.chunk = span_text("c");
        request.apply_chunk.sender = span_text("s");
        break;
    case ABCI_VERIFY_VOTE_EXTENSION:
        request.verify_extension.hash = digest(1);
        request.verify_extension.validator = address(2);
        request.verify_extension.height = 3;
        request.verify_extension.extension = span_text("e");
        break;
    default: break;
    }
    return request;
}

START_TEST(every_other_request_comes_back_as_it_was) {
    struct params params;
    params_defaults(&params, PARAMS_V038);
    params.version_app = 9;
    for (int call = ABCI_ECHO; call < ABCI_EXCEPTION; call++) {
        struct abci_request request = request_of((enum abci_call)call, &params), back;
        struct span bytes = encode_request(&request);
        ck_assert_uint_gt(bytes.size, 1);
        ck_assert(abci_request_decode(&back, bytes, &arena));
        ck_assert_int_eq(back.call, call);
        ck_assert_msg(span_equal(encode_request(&back), bytes), "%s", abci_call_text((enum abci_call)call));
        if (call == ABCI_INIT_CHAIN) {
            ck_assert_uint_eq(back.init_chain.params->version_app, 9);
            ck_assert_int_eq(back.init_chain.initial_height, 77);
            ck_assert_uint_eq(back.init_chain.validator_count, 2);
            ck_assert_int_eq(back.init_chain.validators[0].power, 5);
        }
        if (call == ABCI_VERIFY_VOTE_EXTENSION)
            ck_assert(span_equal(back.verify_extension.extension, span_text("e")));
        if (call == ABCI_OFFER_SNAPSHOT)
            ck_assert_uint_eq(back.offer_snapshot.snapshot.chunks, 3);
    }
}
END_TEST

static struct abci_response response_of(enum abci_call call) {
    static struct abci_proof_op ops[2];
    static struct abci_snapshot snapshots[2];
    static uint32_t refetch[] = {0, 300};
    static struct span list[2];
    static struct abci_tx_result results[2];
    struct abci_response response = {.call = call};
    ops[0] = (struct abci_proof_op){span_text("t"), span_text("k"), span_text("d")};
    snapshots[1] = (struct abci_snapshot){1, 2, 3, span_text("h"), span_text("m")};
    list[1] = span_text("x");
    results[1].code = 5;
    switch (call) {
    case ABCI_EXCEPTION: response.error = span_text("boom"); break;
    case ABCI_ECHO: response.echo = span_text("hello"); break;
    case ABCI_INFO: response.info = (struct abci_info){span_text("d"), span_text("v"), 3, 4, {2, "ab"}}; break;
    case ABCI_INIT_CHAIN:
        response.init_chain.has_params = true;
        response.init_chain.app_hash = (struct app_hash){1, "h"};
        break;
    case ABCI_QUERY:
        response.query = (struct abci_answer){1, span_text("l"), span_text("i"), -1, span_text("k"), span_text("v"), 2, ops, 9, span_text("c")};
        break;
    case ABCI_CHECK_TX: response.check_tx = (struct abci_tx_result){.code = 2, .gas_wanted = -1, .log = span_text("l")}; break;
    case ABCI_COMMIT: response.retain_height = 10; break;
    case ABCI_LIST_SNAPSHOTS:
        response.snapshots.count = 2;
        response.snapshots.list = snapshots;
        break;
    case ABCI_OFFER_SNAPSHOT: response.result = 5; break;
    case ABCI_LOAD_SNAPSHOT_CHUNK: response.chunk = span_text("c"); break;
    case ABCI_APPLY_SNAPSHOT_CHUNK:
        response.apply_chunk.result = 4;
        response.apply_chunk.refetch_count = 2;
        response.apply_chunk.refetch = refetch;
        response.apply_chunk.reject_senders = (struct abci_spans){2, list};
        break;
    case ABCI_PREPARE_PROPOSAL: response.txs = (struct abci_spans){2, list}; break;
    case ABCI_PROCESS_PROPOSAL:
    case ABCI_VERIFY_VOTE_EXTENSION: response.status = ABCI_REJECT; break;
    case ABCI_EXTEND_VOTE: response.extension = span_text("e"); break;
    case ABCI_FINALIZE_BLOCK:
        response.finalized = (struct abci_finalized){.tx_count = 2, .tx_results = results, .has_params = true, .app_hash = {1, "z"}};
        break;
    default: break;
    }
    return response;
}

START_TEST(every_response_comes_back_as_it_was) {
    for (int call = ABCI_ECHO; call <= ABCI_EXCEPTION; call++) {
        struct abci_response response = response_of((enum abci_call)call), back;
        struct span bytes = encode_response(&response);
        ck_assert_uint_gt(bytes.size, 1);
        ck_assert(abci_response_decode(&back, bytes, &arena));
        ck_assert_int_eq(back.call, call);
        ck_assert_msg(span_equal(encode_response(&back), bytes), "%s", abci_call_text((enum abci_call)call));
        if (call == ABCI_APPLY_SNAPSHOT_CHUNK)
            ck_assert_uint_eq(back.apply_chunk.refetch[1], 300);
        if (call == ABCI_QUERY)
            ck_assert_uint_eq(back.query.proof_count, 2);
    }
}
END_TEST

START_TEST(a_call_from_another_release_is_an_unknown_call_and_not_an_error) {
    struct abci_request request;
    struct abci_response response;
    ck_assert(abci_request_decode(&request, hex("aa01030a0161"), &arena)); /* 21: insert_tx */
    ck_assert_int_eq(request.call, ABCI_NONE);
    ck_assert(abci_request_decode(&request, span_text(""), &arena));
    ck_assert_int_eq(request.call, ABCI_NONE);
    ck_assert(abci_response_decode(&response, hex("b20100"), &arena));
    ck_assert_int_eq(response.call, ABCI_NONE);
    ck_assert_str_eq(abci_call_text(ABCI_NONE), "an unknown call");
    ck_assert_str_eq(abci_call_text(ABCI_FINALIZE_BLOCK), "FinalizeBlock");
}
END_TEST

START_TEST(of_several_values_in_one_message_the_last_counts_and_nothing_of_the_others) {
    struct abci_request request;
    ck_assert(abci_request_decode(&request, hex("42060a023d3d1001" "0a030a0161"), &arena));
    ck_assert_int_eq(request.call, ABCI_ECHO);
    ck_assert(abci_request_decode(&request, hex("42050a03613d62" "42021001"), &arena));
    ck_assert_int_eq(request.call, ABCI_CHECK_TX);
    ck_assert_uint_eq(request.check_tx.tx.size, 0);
    ck_assert_int_eq(request.check_tx.type, ABCI_CHECK_AGAIN);
}
END_TEST

START_TEST(numbers_that_are_not_packed_are_read_too) {
    struct abci_response response;
    ck_assert(abci_response_decode(&response, hex("820106" "1001" "12020203"), &arena));
    ck_assert_uint_eq(response.apply_chunk.refetch_count, 3);
    ck_assert_uint_eq(response.apply_chunk.refetch[2], 3);
}
END_TEST

START_TEST(malformed_bytes_are_refused_and_leave_the_output_alone) {
    static const char *const bad[] = {"0a", "0a05", "0801", "0a020a05", "42040a0161", "5a0110", "72020805ff", "820103120180", "aa0103121200"};
    struct abci_request request = {.call = ABCI_COMMIT};
    struct abci_response response = {.call = ABCI_COMMIT};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        bool as_request = abci_request_decode(&request, hex(bad[i]), &arena), as_response = abci_response_decode(&response, hex(bad[i]), &arena);
        ck_assert_msg(!as_request || !as_response, "%s", bad[i]);
        ck_assert_int_eq(as_request ? ABCI_COMMIT : request.call, ABCI_COMMIT);
    }
    ck_assert(!abci_request_decode(&request, hex("a20106" "2204aabbccdd"), &arena)); /* a block's hash has 32 bytes or none */
    ck_assert(!abci_request_decode(&request, hex("0a02"), &arena));
}
END_TEST

START_TEST(a_small_message_cannot_ask_for_a_large_list) { /* wound 35 */
    size_t count = 1 << 18;
    uint8_t *bytes = malloc(6 + 2 * count);
    struct proto_writer writer;
    proto_writer_init(&writer, bytes, 6 + 2 * count);
    proto_put_varint(&writer, 21 << 3 | PROTO_BYTES);
    proto_put_varint(&writer, 2 * count);
    for (size_t i = 0; i < count; i++)
        proto_put_raw(&writer, span_of("\x12\x00", 2));
    struct arena small;
    struct abci_response response;
    arena_init(&small, 1 << 20);
    ck_assert(!abci_response_decode(&response, proto_writer_span(&writer), &small));
    arena_close(&small);
    arena_init(&small, ABCI_MESSAGE_GROWTH * writer.size);
    ck_assert(abci_response_decode(&response, proto_writer_span(&writer), &small));
    ck_assert_uint_eq(response.finalized.tx_count, count);
    arena_close(&small);
    free(bytes);
}
END_TEST

Suite *suite_abci_message(void);
Suite *suite_abci_message(void) {
    Suite *suite = suite_create("abci_message");
    TCase *tests = tcase_create("messages");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_block_comes_back_whole_from_each_of_the_four_calls_that_carry_it);
    tcase_add_test(tests, every_other_request_comes_back_as_it_was);
    tcase_add_test(tests, every_response_comes_back_as_it_was);
    tcase_add_test(tests, a_call_from_another_release_is_an_unknown_call_and_not_an_error);
    tcase_add_test(tests, of_several_values_in_one_message_the_last_counts_and_nothing_of_the_others);
    tcase_add_test(tests, numbers_that_are_not_packed_are_read_too);
    tcase_add_test(tests, malformed_bytes_are_refused_and_leave_the_output_alone);
    tcase_add_test(tests, a_small_message_cannot_ask_for_a_large_list);
    suite_add_tcase(suite, tests);
    return suite;
}
