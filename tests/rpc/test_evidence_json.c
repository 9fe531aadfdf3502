#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/text.h"
#include "rpc/args.h"
#include "rpc/evidence_json.h"
#include "rpc/shapes.h"
#include "genesis/scan.h"
#include "tests/rpc/lab.h"

Suite *suite_evidence_json(void);

static struct lab lab;
static struct arena arena;
static struct emit emit;

static void set_up(void) {
    lab_open(&lab, NULL, 6);
    arena_init(&arena, 1 << 26);
    emit_init(&emit);
}

static void tear_down(void) {
    emit_close(&emit);
    arena_close(&arena);
    lab_close(&lab);
}

static struct ledger_meta meta_at(int64_t height) {
    struct ledger_meta meta;
    ck_assert(ledger_block_meta(&lab.chain.ledger, &meta, height));
    return meta;
}

static struct evidence double_vote(void) {
    struct vote votes[2];
    const struct valset *set = &lab.chain.ledger.state.validators;
    struct ledger_meta meta = meta_at(3);
    struct block_id other = meta.block_id;
    other.hash.bytes[4] ^= 1;
    chain_vote(&lab.chain, &votes[0], set, 0, &meta.block_id, 3, 0, meta.header.time);
    chain_vote(&lab.chain, &votes[1], set, 0, &other, 3, 0, meta.header.time);
    struct evidence evidence;
    ck_assert(evidence_from_votes(&evidence, &votes[0], &votes[1], set, &meta.header.time, &arena));
    return evidence;
}

static void put_block(struct proto_writer *writer, const struct header *header, const struct commit *commit) {
    size_t block = proto_begin(writer, 1), head = proto_begin(writer, 1), mark = proto_begin(writer, 1);
    header_write(writer, header);
    proto_end(writer, mark);
    mark = proto_begin(writer, 2);
    commit_write(writer, commit);
    proto_end(writer, mark);
    proto_end(writer, head);
    mark = proto_begin(writer, 2);
    valset_write(writer, &lab.chain.ledger.state.validators);
    proto_end(writer, mark);
    proto_end(writer, block);
}

static struct evidence lunatic(void) {
    const struct valset *set = &lab.chain.ledger.state.validators;
    struct header header = meta_at(4).header;
    struct commit_sig sig = {.flag = COMMIT_FOR_BLOCK, .validator_address = set->validators[0].address, .timestamp = header.time};
    struct commit commit = {.height = 4, .block_id.parts = {1, {.size = 32}}, .count = 1, .sigs = &sig};
    header.app_hash.bytes[0] ^= 1;
    header_hash(&commit.block_id.hash, &header);
    chain_resign(&lab.chain, &commit, set, 0);
    uint8_t *bytes = arena_take(&arena, 4096, 1);
    struct proto_writer writer;
    struct timestamp time = meta_at(2).header.time;
    proto_writer_init(&writer, bytes, 4096);
    size_t outer = proto_begin(&writer, EVIDENCE_LIGHT_ATTACK);
    put_block(&writer, &header, &commit);
    proto_put_int64(&writer, 2, 2);
    size_t mark = proto_begin(&writer, 3);
    validator_write(&writer, &set->validators[0]);
    proto_end(&writer, mark);
    proto_put_int64(&writer, 4, set->total_power);
    timestamp_put(&writer, 5, &time);
    proto_end(&writer, outer);
    struct evidence evidence = {0};
    struct proto_reader reader = proto_reader_over(proto_writer_span(&writer));
    evidence_read(&evidence, &reader, &arena);
    ck_assert(!reader.bad);
    return evidence;
}

/* As our own answers show it, which is how clients send it back. */
static const char *text_of(const struct evidence *evidence) {
    emit_clear(&emit);
    shapes_evidence(&emit, evidence);
    emit_raw(&emit, span_of("", 1));
    return emit.data;
}

static bool read(struct evidence *out, struct span *error, const char *text) {
    struct span value;
    ck_assert(scan_value(&value, span_text(text), NULL));
    return evidence_json_read(out, error, value, &arena);
}

START_TEST(evidence_of_both_kinds_is_read_as_it_is_shown) {
    struct evidence pieces[] = {double_vote(), lunatic()}, again;
    struct span error;
    for (int i = 0; i < 2; i++) {
        ck_assert(read(&again, &error, text_of(&pieces[i])));
        ck_assert(span_equal(again.inner, pieces[i].inner));
        ck_assert(evidence_check(&again));
    }
}
END_TEST

static const char *replaced(const struct evidence *evidence, const char *what, const char *by) {
    static char text[16384];
    const char *whole = text_of(evidence), *at = strstr(whole, what);
    ck_assert_msg(at != NULL, "%s", what);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - whole), whole, by, at + strlen(what));
    return text;
}

static void unread(const char *text, const char *why) {
    struct evidence out;
    struct span error;
    ck_assert(!read(&out, &error, text));
    ck_assert_msg(strstr((char *)args_text(&arena, "%.*s%c", (int)error.size, (const char *)error.data, 0).data, why) != NULL, "%.*s",
                  (int)error.size, (const char *)error.data);
}

START_TEST(a_wrong_field_is_named) {
    struct evidence evidence = double_vote(), attack = lunatic();
    unread("7", "number");
    unread("{}", "type");
    unread("{\"type\":\"tendermint/PubKeyEd25519\",\"value\":{}}", "unknown type");
    unread("{\"type\":\"tendermint/DuplicateVoteEvidence\"}", "value");
    unread("{\"type\":\"tendermint/DuplicateVoteEvidence\",\"value\":null}", "value");
    unread(replaced(&evidence, "\"height\":\"3\"", "\"height\":3"), "height");
    unread(replaced(&evidence, "\"round\":0", "\"round\":\"0\""), "round");
    unread(replaced(&evidence, "\"type\":2", "\"type\":256"), "type");
    unread(replaced(&evidence, "Z\"", "+00:00\""), "timestamp");
    unread(replaced(&evidence, "\"signature\":\"", "\"signature\":\"!"), "signature");
    unread(replaced(&evidence, "\"validator_address\":\"", "\"validator_address\":\"AB"), "validator_address");
    unread(replaced(&evidence, "\"hash\":\"", "\"hash\":\"AB"), "hash");
    unread(replaced(&attack, "\"pub_key\":{\"type\":\"tendermint/PubKeyEd25519\"", "\"pub_key\":{\"type\":\"none\""), "pub_key");
    unread(replaced(&attack, "\"signatures\":[", "\"signatures\":[7,"), "signatures");
    unread(replaced(&attack, "\"validators\":[", "\"validators\":[7,"), "validator");
}
END_TEST

START_TEST(a_missing_piece_is_refused) { /* wounds 30, 31 */
    struct evidence evidence = double_vote(), attack = lunatic();
    unread("{\"type\":\"tendermint/DuplicateVoteEvidence\",\"value\":{}}", "missing");
    unread("{\"type\":\"tendermint/LightClientAttackEvidence\",\"value\":{}}", "missing");
    unread(replaced(&evidence, "\"vote_a\":", "\"vote_a\":null,\"vote_c\":"), "missing");
    static const char *const pieces[] = {"\"ConflictingBlock\":", "\"signed_header\":", "\"header\":", "\"commit\":", "\"validator_set\":",
                                         "\"proposer\":", "\"pub_key\":"};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        char nothing[64];
        snprintf(nothing, sizeof nothing, "%snull,\"x\":", pieces[i]);
        unread(replaced(&attack, pieces[i], nothing), "missing");
    }
}
END_TEST

/* ---- the method */

static const char *params_of(const char *text) {
    static char params[32768];
    snprintf(params, sizeof params, "{\"evidence\":%s}", text);
    return params;
}

static void accepted(const struct evidence *evidence) {
    struct digest hash;
    char base64[80];
    evidence_hash(&hash, evidence);
    text_base64(base64, digest_span(&hash)); /* theirs is []byte, not HexBytes */
    json_t *result = lab_result(&lab, "broadcast_evidence", params_of(text_of(evidence)));
    ck_assert_str_eq(json_string_value(json_object_get(result, "hash")), base64);
    json_decref(result);
}

START_TEST(broadcast_evidence_answers_with_the_hash_also_the_second_time) {
    struct evidence evidence = double_vote(), attack = lunatic();
    accepted(&evidence);
    accepted(&evidence);
    accepted(&attack);
    ck_assert_uint_eq(lab.chain.ledger.evidence.count, 2);
}
END_TEST

static void fails(const char *params, const char *why) {
    char *error = lab_error(&lab, "broadcast_evidence", params);
    ck_assert_msg(strstr(error, why) != NULL, "%s", error);
    free(error);
}

START_TEST(evidence_that_proves_nothing_is_an_error) {
    struct evidence evidence = double_vote(), other = evidence;
    fails("{}", "no evidence was provided");
    fails("{\"evidence\":null}", "no evidence was provided");
    fails("{\"evidence\":{}}", "error converting json params to arguments");
    fails(params_of(replaced(&evidence, "\"ValidatorPower\":\"10\"", "\"ValidatorPower\":\"11\"")), "failed to add evidence");
    fails(params_of(replaced(&evidence, "\"type\":2", "\"type\":1")), "failed to add evidence");
    fails(params_of(replaced(&evidence, "\"type\":2", "\"type\":3")), "ValidateBasic");
    other.duplicate.vote_a = evidence.duplicate.vote_b;
    other.duplicate.vote_b = evidence.duplicate.vote_a;
    fails(params_of(text_of(&other)), "ValidateBasic");
    ck_assert_uint_eq(lab.chain.ledger.evidence.count, 0);
}
END_TEST

START_TEST(evidence_may_come_in_a_uri) {
    struct evidence evidence = double_vote();
    struct lab_reply reply;
    char query[32768];
    size_t size = (size_t)snprintf(query, sizeof query, "evidence=");
    for (const char *at = text_of(&evidence); *at != '\0'; at++)
        size += (size_t)snprintf(query + size, sizeof query - size, "%%%02X", (unsigned)(uint8_t)*at);
    lab_uri(&lab, &reply, "broadcast_evidence", query);
    ck_assert_int_eq(reply.status, 200);
    ck_assert_ptr_nonnull(strstr(reply.text, "\"result\":{\"hash\":"));
    lab_reply_close(&reply);
    ck_assert_uint_eq(lab.chain.ledger.evidence.count, 1);
}
END_TEST

START_TEST(no_text_breaks_the_reader) {
    struct evidence pieces[] = {double_vote(), lunatic()}, out;
    uint64_t chance = 7;
    for (int round = 0; round < 6000; round++) {
        const char *whole = text_of(&pieces[round % 2]);
        size_t size = strlen(whole);
        char *text = malloc(size);
        memcpy(text, whole, size);
        for (int hits = 0; hits < 3; hits++) {
            chance = chance * 6364136223846793005u + 1442695040888963407u;
            text[(chance >> 20) % size] = "0\"{}[],:nt9-."[(chance >> 50) % 13];
        }
        struct span value, error;
        arena_reset(&arena);
        if (scan_value(&value, span_of(text, size), NULL) && evidence_json_read(&out, &error, value, &arena))
            (void)evidence_check(&out);
        free(text);
        arena_reset(&arena);
        pieces[0] = double_vote();
        pieces[1] = lunatic();
    }
}
END_TEST

Suite *suite_evidence_json(void) {
    Suite *suite = suite_create("evidence_json");
    TCase *tests = tcase_create("evidence_json");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, evidence_of_both_kinds_is_read_as_it_is_shown);
    tcase_add_test(tests, a_wrong_field_is_named);
    tcase_add_test(tests, a_missing_piece_is_refused);
    tcase_add_test(tests, broadcast_evidence_answers_with_the_hash_also_the_second_time);
    tcase_add_test(tests, evidence_that_proves_nothing_is_an_error);
    tcase_add_test(tests, evidence_may_come_in_a_uri);
    tcase_add_test(tests, no_text_breaks_the_reader);
    suite_add_tcase(suite, tests);
    return suite;
}
