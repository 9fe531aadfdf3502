#include <check.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/sha256.h"
#include "ledger/cosmos_tx.h"
#include "node/keyfile.h"
#include "node/load.h"
#include "node/load_kvstore.h"
#include "node/load_report.h"
#include "node/load_scan.h"

Suite *suite_load(void);

/* Durations */

START_TEST(percentiles_are_ranks_of_what_was_noted) {
    static struct load_latency latency;
    latency = (struct load_latency){0};
    ck_assert_int_eq(load_latency_at(&latency, 500), 0);
    for (int64_t us = 100; us >= 1; us--)
        load_latency_note(&latency, us);
    ck_assert_int_eq(load_latency_at(&latency, 500), 50);
    ck_assert_int_eq(load_latency_at(&latency, 900), 90);
    ck_assert_int_eq(load_latency_at(&latency, 990), 99);
    ck_assert_int_eq(load_latency_at(&latency, 1000), 100);
    ck_assert_int_eq(load_latency_at(&latency, 1), 1);
    ck_assert(load_latency_mean_us(&latency) == 50.5);
}
END_TEST

START_TEST(a_percentile_is_never_below_the_truth_nor_one_in_sixty_four_above) {
    static struct load_latency latency;
    for (int64_t us = 1; us < INT64_C(1) << 36; us = us + us / 7 + 1) {
        latency = (struct load_latency){0};
        load_latency_note(&latency, us);
        load_latency_note(&latency, INT64_C(1) << 40);
        ck_assert_int_ge(load_latency_at(&latency, 500), us);
        if (us < INT64_C(1) << 35)
            ck_assert_int_le(load_latency_at(&latency, 500), us + us / 64);
        ck_assert_int_eq(latency.longest_us, INT64_C(1) << 40);
    }
}
END_TEST

START_TEST(what_came_between_two_looks_is_told) {
    static struct load_latency before, after, between;
    for (int64_t us = 1; us <= 200; us++) {
        load_latency_note(&after, us);
        if (us == 100)
            before = after;
    }
    load_latency_between(&between, &after, &before);
    ck_assert_uint_eq(between.count, 100);
    ck_assert_int_eq(load_latency_at(&between, 10), 101);
    ck_assert_int_ge(load_latency_at(&between, 1000), 200);
    ck_assert_int_le(load_latency_at(&between, 1000), 203);
}
END_TEST

/* Answers */

static struct load_answer answers[8];
static unsigned answer_count;

static void keep(void *context, const struct load_answer *answer) {
    (void)context;
    ck_assert_uint_lt(answer_count, 8);
    answers[answer_count++] = *answer;
}

static bool scan(const char *text) {
    answer_count = 0;
    return load_scan_answers(span_text(text), keep, NULL);
}

static void expect_text(struct span text, const char *expected) {
    ck_assert_msg(span_equal(text, span_text(expected)), "%.*s is not %s", (int)text.size, (const char *)text.data, expected);
}

START_TEST(an_accepted_transaction_has_code_and_hash) {
    ck_assert(scan("{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{\"code\":0,\"data\":\"\",\"log\":\"\",\"codespace\":\"\",\"hash\":\"4214\"}}"));
    ck_assert_uint_eq(answer_count, 1);
    ck_assert_int_eq(answers[0].id, 3);
    ck_assert(!answers[0].is_error && answers[0].code == 0);
    expect_text(answers[0].hash, "4214");
    ck_assert(scan(" { \"id\" : -1 ,\n \"result\" : { \"hash\" : \"AB\" , \"code\" : 7, \"log\" : \"say \\\"no\\\"\" } } "));
    ck_assert_int_eq(answers[0].code, 7);
    expect_text(answers[0].text, "say \\\"no\\\"");
}
END_TEST

START_TEST(a_batch_and_its_errors_are_told_apart) {
    ck_assert(scan("[{\"id\":0,\"error\":{\"code\":-32603,\"message\":\"Internal error\",\"data\":\"mempool is full\"}},"
                   "{\"id\":1,\"result\":{\"code\":0,\"hash\":\"\"}},{\"id\":\"x\",\"error\":{\"code\":1,\"message\":\"m\"}}]"));
    ck_assert_uint_eq(answer_count, 3);
    ck_assert(answers[0].is_error && answers[0].code == -32603);
    expect_text(answers[0].text, "mempool is full");
    ck_assert(!answers[1].is_error && answers[1].id == 1);
    ck_assert_int_eq(answers[2].id, -1);
    expect_text(answers[2].text, "m");
}
END_TEST

START_TEST(of_a_commit_the_first_refusal_counts) {
    ck_assert(scan("{\"id\":0,\"result\":{\"check_tx\":{\"code\":0,\"log\":\"\"},\"tx_result\":{\"code\":10,\"log\":\"insufficient\",\"events\":"
                   "[{\"code\":[1,{\"code\":2}]}]},\"hash\":\"AA\",\"height\":\"588\"}}"));
    ck_assert_int_eq(answers[0].code, 10);
    ck_assert_int_eq(answers[0].height, 588);
    expect_text(answers[0].text, "insufficient");
    ck_assert(scan("{\"id\":0,\"result\":{\"tx_result\":{\"code\":2},\"check_tx\":{\"code\":5,\"log\":\"a\"},\"hash\":\"\",\"height\":\"0\"}}"));
    ck_assert_int_eq(answers[0].code, 2);
}
END_TEST

START_TEST(what_is_no_answer_is_not_taken_for_one) {
    static const char *const bad[] = {
        "", " ", "{", "[", "[]", "{}", "null", "{\"id\":0}", "{\"id\":0,\"result\":{\"code\":0}", "{\"id\":0,\"result\":{\"code\":\"0\"",
        "{\"id\":0,\"result\":{\"code\":0.5}}", "{\"id\":0,\"result\":{\"code\":0}} x", "{\"id\":0,\"result\":{\"code\":99999999999999999999}}",
        "{\"id\":0,\"result\":7}", "{\"id\":0,\"error\":null}", "[{\"id\":0,\"result\":{\"code\":0}},]", "{\"id\":0,,\"result\":{}}",
        "{\"id\":0,\"result\":{\"log\":\"x\\\"}}", "<html>", "{\"id\":0,\"result\":{\"hash\":\"a}}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!scan(bad[i]), "%s", bad[i]);
}
END_TEST

START_TEST(cut_short_anywhere_an_answer_is_refused_and_nothing_is_read_beyond) {
    static const char text[] = "[{\"id\":0,\"result\":{\"code\":0,\"log\":\"\\\\\\\"\",\"hash\":\"AB\",\"check_tx\":{\"code\":1}}}]";
    for (size_t size = 0; size < sizeof text - 1; size++) {
        uint8_t *copy = malloc(size + 1); /* exactly as large, so that a sanitizer sees a step too far */
        memcpy(copy, text, size);
        uint8_t *exact = realloc(copy, size == 0 ? 1 : size);
        answer_count = 0;
        ck_assert(!load_scan_answers(span_of(exact, size), keep, NULL));
        free(exact);
    }
}
END_TEST

START_TEST(deep_nesting_is_stepped_over_without_recursion) {
    size_t depth = 1000000;
    char *text = malloc(2 * depth + 64), *at = text;
    at += sprintf(at, "{\"id\":0,\"result\":{\"data\":");
    memset(at, '[', depth);
    memset(at + depth, ']', depth);
    strcpy(at + 2 * depth, ",\"code\":4}}");
    ck_assert(scan(text));
    ck_assert_int_eq(answers[0].code, 4);
    free(text);
}
END_TEST

/* Blocks */

START_TEST(a_block_gives_height_time_hashes_and_transactions) {
    struct load_scan_block block;
    struct span tx;
    bool bad;
    ck_assert(load_scan_block(&block, span_text("{\"block_id\":{\"hash\":\"AB\",\"parts\":{\"hash\":\"CD\"}},\"block\":{\"header\":{\"height\":\"7\","
                                                "\"time\":\"2026-11-24T06:30:50.814217319Z\",\"last_block_id\":{\"hash\":\"EE\"},\"app_hash\":\"00FF\"},"
                                                "\"data\":{\"txs\":[\"YT1i\", \"YT1j\"]},\"last_commit\":{\"height\":\"6\"}}}")));
    ck_assert_int_eq(block.height, 7);
    ck_assert_int_eq(block.time_ns, INT64_C(1795501850814217319));
    expect_text(block.hash, "AB");
    expect_text(block.app_hash, "00FF");
    ck_assert(load_scan_tx(&block.txs, &tx, &bad));
    expect_text(tx, "YT1i");
    ck_assert(load_scan_tx(&block.txs, &tx, &bad));
    expect_text(tx, "YT1j");
    ck_assert(!load_scan_tx(&block.txs, &tx, &bad) && !bad);
}
END_TEST

START_TEST(blocks_that_are_none_are_refused) {
    struct load_scan_block block = {.height = 42};
    ck_assert(!load_scan_block(&block, span_text("{\"block_id\":{\"hash\":\"\"},\"block\":null}")));
    ck_assert(!load_scan_block(&block, span_text("{\"block\":{\"header\":{\"height\":\"1\",\"time\":\"yesterday\"}}}")));
    ck_assert(!load_scan_block(&block, span_text("{\"block\":{\"header\":{\"height\":\"x\"}}}")));
    ck_assert(!load_scan_block(&block, span_text("{\"block\":{\"header\":{\"height\":\"1\"}")));
    ck_assert_int_eq(block.height, 42);
    struct span txs = span_text("\"YT1i\",7"), tx;
    bool bad;
    ck_assert(load_scan_tx(&txs, &tx, &bad));
    ck_assert(!load_scan_tx(&txs, &tx, &bad) && bad);
}
END_TEST

START_TEST(times_are_read_to_the_nanosecond) {
    int64_t ns;
    ck_assert(load_scan_time(&ns, span_text("1970-01-01T00:00:00Z")) && ns == 0);
    ck_assert(load_scan_time(&ns, span_text("2000-02-29T12:00:00.5Z")) && ns == INT64_C(951825600500000000));
    ck_assert(load_scan_time(&ns, span_text("2100-03-01T00:00:00.000000001Z")) && ns == INT64_C(4107542400000000001));
    ck_assert(!load_scan_time(&ns, span_text("2000-02-29T12:00:00+01:00")));
    ck_assert(!load_scan_time(&ns, span_text("2000-02-29T12:00:00.Z")));
    ck_assert(!load_scan_time(&ns, span_text("2000-13-29T12:00:00Z")));
    ck_assert(!load_scan_time(&ns, span_text("0001-01-01T00:00:00Z")));
}
END_TEST

/* What was sent and seen */

static const uint8_t *hash_of(unsigned number) {
    static uint8_t hash[32];
    sha256_once(hash, span_of(&number, sizeof number));
    return hash;
}

START_TEST(a_loss_and_a_double_are_counted_whatever_the_order) {
    struct load_tally tally;
    load_tally_init(&tally, 100000, 10);
    for (unsigned i = 0; i < 20000; i++)
        ck_assert_uint_eq(load_tally_sent(&tally, hash_of(i), i, false), i);
    ck_assert(load_tally_seen(&tally, hash_of(5), 11, 30000)); /* before its answer */
    for (unsigned i = 0; i < 20000; i++)
        load_tally_answered(&tally, i, i == 7 ? LOAD_TALLY_REJECTED : LOAD_TALLY_ACCEPTED, i + 3);
    ck_assert_uint_eq(tally.owed, 19998);
    for (unsigned i = 0; i < 20000; i++)
        if (i != 5 && i != 7 && i != 9)
            ck_assert(load_tally_seen(&tally, hash_of(i), 12, 40000));
    ck_assert_uint_eq(tally.owed, 1);
    ck_assert_uint_eq(load_tally_next_lost(&tally, 0), 9);
    ck_assert_uint_eq(load_tally_next_lost(&tally, 10), LOAD_TALLY_NONE);
    ck_assert(!load_tally_seen(&tally, hash_of(5), 13, 50000));
    ck_assert(!load_tally_seen(&tally, hash_of(12), 12, 50000));
    ck_assert(!load_tally_seen(&tally, hash_of(90000), 13, 50000));
    ck_assert_uint_eq(tally.duplicates, 2);
    ck_assert_uint_eq(tally.foreign, 1);
    ck_assert_uint_eq(tally.committed, 19998);
    ck_assert_uint_eq(tally.accepted, 19999);
    ck_assert_uint_eq(tally.rejected, 1);
    ck_assert_uint_eq(tally.unaccepted, 0);
    ck_assert_uint_eq(tally.seen.count, 19998);
    ck_assert_int_eq(load_latency_at(&tally.answered, 500), 3);
    load_tally_close(&tally);
}
END_TEST

START_TEST(a_refused_transaction_may_be_sent_again_but_not_one_on_its_way) {
    struct load_tally tally;
    load_tally_init(&tally, 2, 1);
    ck_assert_uint_eq(load_tally_sent(&tally, hash_of(0), 1, false), 0);
    ck_assert_uint_eq(load_tally_sent(&tally, hash_of(0), 2, false), LOAD_TALLY_BUSY);
    load_tally_answered(&tally, 0, LOAD_TALLY_REJECTED, 3);
    ck_assert_uint_eq(load_tally_sent(&tally, hash_of(0), 4, false), 0);
    load_tally_answered(&tally, 0, LOAD_TALLY_ACCEPTED, 5);
    ck_assert_uint_eq(tally.owed, 1);
    /* Accepted once, it is owed even if the node wants it again and then refuses. */
    ck_assert_uint_eq(load_tally_sent(&tally, hash_of(0), 6, false), 0);
    load_tally_answered(&tally, 0, LOAD_TALLY_REJECTED, 7);
    ck_assert_uint_eq(tally.owed, 1);
    load_tally_seen(&tally, hash_of(0), 1, 8);
    ck_assert_uint_eq(tally.owed, 0);
    ck_assert_uint_eq(load_tally_sent(&tally, hash_of(0), 9, false), LOAD_TALLY_BUSY);
    ck_assert_uint_eq(load_tally_sent(&tally, hash_of(1), 9, false), 1);
    ck_assert_uint_eq(load_tally_sent(&tally, hash_of(2), 9, false), LOAD_TALLY_NONE);
    load_tally_close(&tally);
}
END_TEST

START_TEST(the_warm_up_counts_for_loss_but_not_for_durations) {
    struct load_tally tally;
    load_tally_init(&tally, 10, 1);
    load_tally_sent(&tally, hash_of(0), 1, true);
    load_tally_answered(&tally, 0, LOAD_TALLY_ACCEPTED, 2);
    ck_assert_uint_eq(tally.owed, 1);
    ck_assert(!load_tally_seen(&tally, hash_of(0), 1, 3));
    ck_assert_uint_eq(tally.owed, 0);
    ck_assert_uint_eq(tally.committed, 1);
    ck_assert_uint_eq(tally.seen.count + tally.answered.count, 0);
    load_tally_close(&tally);
}
END_TEST

/* Transactions */

START_TEST(kvstore_transactions_are_of_the_size_asked_for_and_never_alike) {
    struct load_kvstore one, other;
    uint8_t first[250];
    load_kvstore_init(&one, 250);
    load_kvstore_init(&other, 250);
    struct span tx = load_kvstore_next(&one);
    ck_assert_uint_eq(tx.size, 250);
    memcpy(first, tx.data, 250);
    ck_assert_ptr_nonnull(memchr(first, '=', 250));
    ck_assert_ptr_eq(memchr(first, '=', 250), first + 26);
    for (size_t i = 0; i < 250; i++)
        ck_assert(i == 26 || (first[i] >= '0' && first[i] <= '9') || (first[i] >= 'a' && first[i] <= 'f'));
    ck_assert(!span_equal(load_kvstore_next(&one), span_of(first, 250)));
    ck_assert(!span_equal(load_kvstore_next(&other), span_of(first, 250)));
    load_kvstore_close(&one);
    load_kvstore_close(&other);
}
END_TEST

static void add_account(struct load_accounts *accounts, uint8_t type) {
    struct keyfile key;
    keyfile_generate(&key, type);
    char *json = keyfile_text(&key, false);
    ck_assert_ptr_null(load_accounts_add(accounts, span_text(json)));
    free(json);
    keyfile_wipe(&key);
}

static void check_transfer(const struct load_accounts *accounts, uint32_t index, uint64_t sequence, struct span bytes) {
    struct cosmos_tx tx;
    struct cosmos_tx_send send;
    const char *why = "";
    uint8_t doc[4096];
    struct proto_writer writer;
    ck_assert_int_eq(cosmos_tx_decode(&tx, &why, bytes), CODES_OK);
    ck_assert_uint_eq(tx.sequence, sequence);
    ck_assert_int_eq(cosmos_tx_decode_send(&send, &why, tx.messages[0].value), CODES_OK);
    expect_text(send.from, accounts->accounts[index].address);
    ck_assert(pubkey_equal(&tx.key, &accounts->accounts[index].key));
    proto_writer_init(&writer, doc, sizeof doc);
    cosmos_tx_write_sign_doc(&writer, tx.body_bytes, tx.auth_info_bytes, span_text("test-chain"), accounts->accounts[index].number);
    ck_assert(pubkey_verify_vartime(&tx.key, proto_writer_span(&writer), &tx.signature));
}

START_TEST(transfers_are_signed_for_their_sequence_ahead_or_not) {
    struct load_accounts accounts = {.chain_id = "test-chain", .denom = "unit", .run = "0123456789abcdef", .size = 400};
    add_account(&accounts, PUBKEY_ED25519);
    add_account(&accounts, PUBKEY_SECP256K1);
    accounts.accounts[0].number = 3;
    accounts.accounts[0].sequence = accounts.accounts[1].sequence = 120; /* the varint grows on the way */
    load_accounts_sign_ahead(&accounts, 10);
    for (uint64_t sequence = 120; sequence < 135; sequence++)
        for (uint32_t i = 0; i < 2; i++) {
            struct span tx = load_accounts_next(&accounts, i);
            check_transfer(&accounts, i, sequence, tx);
            ck_assert_uint_ge(tx.size, 396);
            ck_assert_uint_le(tx.size, 404);
        }
    accounts.accounts[0].sequence = 124; /* taken back after a refusal, and set anew */
    check_transfer(&accounts, 0, 124, load_accounts_next(&accounts, 0));
    accounts.accounts[0].sequence = 7;
    check_transfer(&accounts, 0, 7, load_accounts_next(&accounts, 0));
    load_accounts_close(&accounts);
}
END_TEST

START_TEST(what_is_no_key_is_no_account) {
    struct load_accounts accounts = {0};
    ck_assert_ptr_nonnull(load_accounts_add(&accounts, span_text("")));
    ck_assert_ptr_nonnull(load_accounts_add(&accounts, span_text("{\"priv_key\":{\"type\":\"tendermint/PrivKeyEd25519\",\"value\":\"AAAA\"}}")));
    ck_assert_uint_eq(accounts.count, 0);
}
END_TEST

START_TEST(sequences_are_read_from_queries_and_refusals) {
    struct load_account account = {0};
    struct load_accounts accounts = {0};
    uint64_t sequence = 0;
    char base64[512], response[640];
    text_base64(base64, span_text("{\"address\":\"a\",\"account_number\":\"12\",\"sequence\":\"34\",\"coins\":[{\"denom\":\"gold\",\"amount\":\"5\"}]}"));
    snprintf(response, sizeof response, "{\"code\":0,\"value\":\"%s\"}", base64);
    ck_assert(load_accounts_understand(&account, span_text(response)));
    ck_assert(account.number == 12 && account.sequence == 34);
    load_accounts_take_denom(&accounts, span_text(response));
    ck_assert_str_eq(accounts.denom, "gold");
    ck_assert(!load_accounts_understand(&account, span_text("{\"code\":32,\"value\":\"\"}")));
    ck_assert(!load_accounts_understand(&account, span_text("{\"code\":0,\"value\":\"e30=\"}")));
    ck_assert(load_accounts_expected(&sequence, span_text("account sequence mismatch, expected 17, got 4: incorrect")));
    ck_assert_uint_eq(sequence, 17);
    ck_assert(!load_accounts_expected(&sequence, span_text("expected ")));
    ck_assert(!load_accounts_expected(&sequence, span_text("mempool is full")));
}
END_TEST

START_TEST(endpoints_need_host_and_port) {
    struct load_http_place place;
    ck_assert_ptr_null(load_http_resolve(&place, "http://127.0.0.1:26657"));
    ck_assert_str_eq(place.host, "127.0.0.1:26657");
    ck_assert_ptr_null(load_http_resolve(&place, "tcp://127.0.0.1:1/"));
    ck_assert_ptr_null(load_http_resolve(&place, "[::1]:80"));
    ck_assert_str_eq(place.host, "[::1]:80");
    static const char *const bad[] = {"", "http://", "127.0.0.1", "https://127.0.0.1:1", "http://127.0.0.1:1/x", "127.0.0.1:123456", "127.0.0.1:x", ":1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(load_http_resolve(&place, bad[i]) != NULL, "%s", bad[i]);
}
END_TEST

/* A node of another make: a process that answers over HTTP and errs where it is told to. */

enum vice { VICE_NONE, VICE_LOSES, VICE_DOUBLES, VICE_MISNAMES, VICE_REFUSES, VICE_HANGS_UP };

#define STRANGER_TXS_MAX 4096

static struct {
    enum vice vice;
    char *txs[STRANGER_TXS_MAX];
    unsigned count, in_blocks, height, asked;
} stranger;

static void stranger_broadcast(struct evbuffer *out, const char *request) {
    uint8_t tx[1024], hash[32];
    char hex[65];
    size_t size = 0;
    const char *base64 = strstr(request, "\"tx\":\"") + 6;
    size_t length = strcspn(base64, "\"");
    ck_assert(text_base64_decode(tx, &size, sizeof tx, span_of(base64, length)));
    sha256_once(hash, span_of(tx, size));
    hash[0] ^= stranger.vice == VICE_MISNAMES && stranger.count == 3;
    text_hex_upper(hex, span_of(hash, 32));
    stranger.asked++;
    if (stranger.vice == VICE_REFUSES && stranger.asked % 2 == 0) {
        evbuffer_add_printf(out, "{\"id\":0,\"error\":{\"code\":-32603,\"message\":\"Internal error\",\"data\":\"mempool is full\"}}");
        return;
    }
    stranger.txs[stranger.count++] = strndup(base64, length);
    evbuffer_add_printf(out, "{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{\"code\":0,\"log\":\"\",\"hash\":\"%s\"}}", hex);
}

static void stranger_block(struct evbuffer *out, const char *request) {
    unsigned height = (unsigned)strtoul(strstr(request, "\"height\":\"") + 10, NULL, 10);
    if (height > stranger.height && stranger.in_blocks == stranger.count) {
        evbuffer_add_printf(out, "{\"id\":0,\"error\":{\"code\":-32603,\"data\":\"height %u must be less than or equal to the current blockchain height %u\"}}",
                            height, stranger.height);
        return;
    }
    stranger.height = height;
    evbuffer_add_printf(out, "{\"id\":0,\"result\":{\"block_id\":{\"hash\":\"AA\"},\"block\":{\"header\":{\"height\":\"%u\",\"time\":\"2026-01-01T00:%02u:%02u.5Z\"},"
                             "\"data\":{\"txs\":[", height, height / 60 % 60, height % 60);
    const char *comma = "";
    for (unsigned taken = 0; taken < 5 && stranger.in_blocks < stranger.count; taken++) {
        unsigned at = stranger.in_blocks++;
        if (stranger.vice == VICE_LOSES && at == 11)
            continue;
        evbuffer_add_printf(out, "%s\"%s\"", comma, stranger.txs[at]);
        comma = ",";
        if (stranger.vice == VICE_DOUBLES && at == 23)
            evbuffer_add_printf(out, ",\"%s\"", stranger.txs[2]);
    }
    evbuffer_add_printf(out, "]}}}}");
}

static void stranger_answer(struct evhttp_request *request, void *context) {
    (void)context;
    struct evbuffer *in = evhttp_request_get_input_buffer(request), *out = evbuffer_new();
    evbuffer_add(in, "", 1);
    const char *text = (const char *)evbuffer_pullup(in, -1);
    if (strstr(text, "broadcast_tx") != NULL)
        stranger_broadcast(out, text);
    else if (strstr(text, "\"block\"") != NULL)
        stranger_block(out, text);
    else
        evbuffer_add_printf(out, "{\"id\":0,\"result\":{\"node_info\":{\"network\":\"x\"},\"sync_info\":{\"latest_block_height\":\"%u\"}}}", stranger.height);
    if (stranger.vice == VICE_HANGS_UP && stranger.asked == 20) {
        stranger.asked++;
        evhttp_connection_free(evhttp_request_get_connection(request));
    } else if (stranger.asked % 2 == 0) { /* chunks and lengths in turn */
        evhttp_send_reply_start(request, 200, "OK");
        evhttp_send_reply_chunk(request, out);
        evhttp_send_reply_end(request);
    } else {
        evhttp_send_reply(request, 200, "OK", out);
    }
    evbuffer_free(out);
}

static pid_t stranger_start(enum vice vice, char url[static 64]) {
    struct event_base *base = event_base_new();
    struct evhttp *http = evhttp_new(base);
    struct evhttp_bound_socket *bound = evhttp_bind_socket_with_handle(http, "127.0.0.1", 0);
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    ck_assert_ptr_nonnull(bound);
    getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&address, &size);
    snprintf(url, 64, "http://127.0.0.1:%u", ntohs(address.sin_port));
    evhttp_set_gencb(http, stranger_answer, NULL);
    fflush(NULL);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        stranger.vice = vice;
        stranger.height = 40;
        event_reinit(base);
        event_base_dispatch(base);
        _exit(0);
    }
    evhttp_free(http);
    event_base_free(base);
    return pid;
}

static void stop_loop(void *base) { event_base_loopbreak(base); }

/* Runs 100 transactions against a stranger; the report's tally is a copy. */
static void run_against(enum vice vice, struct load_report *report, struct load_tally *tally) {
    char url[64], *error = NULL;
    struct load_http_place place;
    pid_t pid = stranger_start(vice, url);
    ck_assert_ptr_null(load_http_resolve(&place, url));
    struct load_options options = {.places = &place, .place_count = 1, .connections = 4, .batch = 1, .count = 100, .grace = 0.5,
                                   .poll_ms = 1, .size = 100, .remember = 1000};
    struct event_base *base = load_base_new();
    struct load *load = load_new(base, &options, stop_loop, base, &error);
    ck_assert_msg(load != NULL, "%s", error);
    load_begin(load);
    event_base_dispatch(base);
    load_measure(load, report);
    *tally = *report->tally;
    report->tally = tally;
    load_free(load);
    event_base_free(base);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static struct load_report report;
static struct load_tally tally;

START_TEST(a_faithful_node_gives_a_clean_report) {
    run_against(VICE_NONE, &report, &tally);
    ck_assert(load_is_clean(&report));
    ck_assert_uint_eq(tally.sent, 100);
    ck_assert_uint_eq(tally.accepted, 100);
    ck_assert_uint_eq(tally.committed, 100);
    ck_assert_uint_eq(report.lost, 0);
    ck_assert_uint_eq(tally.seen.count, 100);
    /* Each of the stranger's blocks is a second after the one before. */
    ck_assert_int_eq(report.window.first_height, 41);
    ck_assert_uint_eq(report.window.blocks, (uint64_t)(report.window.last_height - 41));
    ck_assert(report.block_interval_ms == 1000);
    ck_assert(report.per_second_overall > 0);
    ck_assert(report.per_second_overall * report.seconds <= 100); /* the last sight is not before the last sending */
    ck_assert(report.per_second_by_blocks == (double)report.window.txs / (double)report.window.blocks);
    ck_assert_uint_gt(report.window.txs, 0);
    ck_assert_uint_le(report.window.txs, 95);
}
END_TEST

START_TEST(a_node_that_loses_an_accepted_transaction_is_caught) {
    run_against(VICE_LOSES, &report, &tally);
    ck_assert(!load_is_clean(&report));
    ck_assert_uint_eq(report.lost, 1);
    ck_assert_uint_eq(tally.committed, 99);
}
END_TEST

START_TEST(a_node_that_commits_a_transaction_twice_is_caught) {
    run_against(VICE_DOUBLES, &report, &tally);
    ck_assert(!load_is_clean(&report));
    ck_assert_uint_eq(tally.duplicates, 1);
    ck_assert_uint_eq(report.lost, 0);
}
END_TEST

START_TEST(an_answer_with_another_hash_is_caught) {
    run_against(VICE_MISNAMES, &report, &tally);
    ck_assert(!load_is_clean(&report));
    ck_assert_uint_eq(report.answers_wrong, 1);
    ck_assert_uint_eq(tally.committed, 100);
    ck_assert_uint_eq(tally.unaccepted, 1);
}
END_TEST

START_TEST(refusals_are_counted_by_their_text_and_are_no_loss) {
    run_against(VICE_REFUSES, &report, &tally);
    ck_assert(load_is_clean(&report));
    ck_assert_uint_eq(tally.rejected, 50);
    ck_assert_uint_eq(tally.committed, 50);
    ck_assert_uint_eq(report.refusal_count, 1);
    ck_assert_str_eq(report.refusals[0].text, "mempool is full");
    ck_assert_uint_eq(report.refusals[0].count, 50);
}
END_TEST

START_TEST(a_broken_connection_is_opened_again_and_its_transaction_is_unknown) {
    run_against(VICE_HANGS_UP, &report, &tally);
    ck_assert(load_is_clean(&report));
    ck_assert_uint_eq(tally.sent, 100);
    ck_assert_uint_eq(report.breaks, 1);
    ck_assert_uint_eq(tally.unknown, 1);
    ck_assert_uint_eq(tally.accepted, 99);
}
END_TEST

START_TEST(a_node_that_is_not_there_is_named) {
    struct load_http_place place;
    char *error = NULL;
    ck_assert_ptr_null(load_http_resolve(&place, "http://127.0.0.1:1"));
    struct load_options options = {.places = &place, .place_count = 1, .connections = 1, .batch = 1, .count = 1, .size = 100, .remember = 10};
    struct event_base *base = load_base_new();
    ck_assert_ptr_null(load_new(base, &options, stop_loop, base, &error));
    ck_assert_ptr_nonnull(strstr(error, "127.0.0.1:1"));
    free(error);
    event_base_free(base);
}
END_TEST

Suite *suite_load(void) {
    Suite *suite = suite_create("load");
    TCase *parts = tcase_create("parts"), *whole = tcase_create("whole");
    tcase_set_timeout(whole, 30);
    tcase_add_test(parts, percentiles_are_ranks_of_what_was_noted);
    tcase_add_test(parts, a_percentile_is_never_below_the_truth_nor_one_in_sixty_four_above);
    tcase_add_test(parts, what_came_between_two_looks_is_told);
    tcase_add_test(parts, an_accepted_transaction_has_code_and_hash);
    tcase_add_test(parts, a_batch_and_its_errors_are_told_apart);
    tcase_add_test(parts, of_a_commit_the_first_refusal_counts);
    tcase_add_test(parts, what_is_no_answer_is_not_taken_for_one);
    tcase_add_test(parts, cut_short_anywhere_an_answer_is_refused_and_nothing_is_read_beyond);
    tcase_add_test(parts, deep_nesting_is_stepped_over_without_recursion);
    tcase_add_test(parts, a_block_gives_height_time_hashes_and_transactions);
    tcase_add_test(parts, blocks_that_are_none_are_refused);
    tcase_add_test(parts, times_are_read_to_the_nanosecond);
    tcase_add_test(parts, a_loss_and_a_double_are_counted_whatever_the_order);
    tcase_add_test(parts, a_refused_transaction_may_be_sent_again_but_not_one_on_its_way);
    tcase_add_test(parts, the_warm_up_counts_for_loss_but_not_for_durations);
    tcase_add_test(parts, kvstore_transactions_are_of_the_size_asked_for_and_never_alike);
    tcase_add_test(parts, transfers_are_signed_for_their_sequence_ahead_or_not);
    tcase_add_test(parts, what_is_no_key_is_no_account);
    tcase_add_test(parts, sequences_are_read_from_queries_and_refusals);
    tcase_add_test(parts, endpoints_need_host_and_port);
    tcase_add_test(whole, a_faithful_node_gives_a_clean_report);
    tcase_add_test(whole, a_node_that_loses_an_accepted_transaction_is_caught);
    tcase_add_test(whole, a_node_that_commits_a_transaction_twice_is_caught);
    tcase_add_test(whole, an_answer_with_another_hash_is_caught);
    tcase_add_test(whole, refusals_are_counted_by_their_text_and_are_no_loss);
    tcase_add_test(whole, a_broken_connection_is_opened_again_and_its_transaction_is_unknown);
    tcase_add_test(whole, a_node_that_is_not_there_is_named);
    suite_add_tcase(suite, parts);
    suite_add_tcase(suite, whole);
    return suite;
}
