/* `quorate audit` as a user runs it, on the files of a fork that the demonstration makes. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "genesis/scan.h"
#include "node/cmd_audit.h"
#include "node/journal.h"
#include "node/wire.h"
#include "rpc/light_json.h"
#include "rpc/shapes.h"
#include "tendermint/light_attack.h"
#include "tests/node/prompt.h"

#define EXPECT(status, ...) EXPECT_RUN(status, "audit", __VA_ARGS__)
#define FORK "--genesis", "@genesis.json", "--commit", "@commit-a.json", "--commit", "@commit-b.json"

static void setup(void) {
    prompt_open();
    EXPECT(0, "demo", "--dir", "@.");
}

/* Evidence that accuses the block of a commit, as a light client keeps it. */
static void write_accusation(const char *name, const char *of) {
    struct audit_base base;
    struct arena room;
    struct header header;
    struct commit commit;
    struct evidence evidence;
    struct emit emit;
    struct span text;
    const char *wrong = NULL;
    char path[128], *error = NULL;
    arena_init(&room, 1 << 22);
    valset_init(&base.set);
    snprintf(path, sizeof path, "%s/genesis.json", prompt_folder);
    ck_assert(cmd_audit_base(&base, path, NULL, &error));
    struct blob *file = prompt_read(of);
    ck_assert(scan_value(&text, blob_span(file), NULL));
    scan_member(text, &text, "result");
    ck_assert_msg(light_json_commit(&header, &commit, &wrong, text.size > 0 ? text : blob_span(file), &room), "%s", wrong);
    struct light_block *block = light_block_new(&header, &commit, &base.set);
    ck_assert(light_attack_evidence(&evidence, block, block, block, &room));
    emit_init(&emit);
    shapes_evidence(&emit, &evidence);
    prompt_write(name, span_of(emit.data, emit.size));
    emit_close(&emit);
    light_block_release(block);
    blob_release(file);
    valset_close(&base.set);
    arena_close(&room);
}

START_TEST(the_demonstration_ends_as_it_promises_in_both_ways) {
    EXPECT_SAID("CONVICTED_BY_LOG");
    EXPECT_SAID("CONVICTED_BY_SILENCE");
    EXPECT_SAID("E4  voted for blocks on two different parents");
    EXPECT(0, "demo", "--dir", "@.", "--double-votes");
    EXPECT_SAID("E1  signed two votes of one round");
    struct blob *picture = prompt_read("fork.svg");
    ck_assert(picture->size > 2000 && memcmp(picture->data, "<svg", 4) == 0);
    blob_release(picture);
}
END_TEST

/* The lines that begin with a command, run as they stand. */
static uint32_t run_what_it_says(int status) {
    static char text[sizeof prompt_said];
    uint32_t count = 0;
    strcpy(text, prompt_said);
    for (char *at = text; (at = strstr(at, "\n  quorate audit verify ")) != NULL; count++) {
        char *words[8] = {NULL};
        int number = 0;
        at += strlen("\n  quorate ");
        at[strcspn(at, "\n")] = '\0';
        char *next = at + strlen(at) + 1;
        for (char *word = strtok(at, " "); word != NULL && number < 8; word = strtok(NULL, " "))
            words[number++] = word;
        int got = prompt_run(words[0], words[1], words[2], words[3], words[4], words[5], (const char *)NULL);
        ck_assert_msg(got == status, "status %d, said: %.3000s", got, prompt_said);
        at = next - 1;
        *at = '\n';
    }
    return count;
}

START_TEST(the_commands_that_the_demonstration_names_end_as_it_says) {
    EXPECT_SAID("both end with status 10");
    ck_assert_uint_eq(run_what_it_says(10), 2);
    EXPECT(0, "demo", "--dir", "@.", "--double-votes");
    EXPECT_UNSAID("--silence-known");
    ck_assert_uint_eq(run_what_it_says(10), 2);
}
END_TEST

START_TEST(the_exit_status_tells_no_fork_attributed_unresolved_and_bad_input_apart) {
    EXPECT(0, "run", "--genesis", "@genesis.json", "--commit", "@commit-a.json");
    EXPECT_SAID("verdict: no fork");
    EXPECT(11, "run", FORK, "--log", "@honest-a.log");
    EXPECT(10, "run", FORK, "--log", "@honest-a.log", "--log", "@guilty.log", "--deadline", "2024-01-01T00:00:00Z");
    EXPECT(11, "run", FORK, "--log", "@honest-a.log", "--log", "@guilty.log", "--deadline", "2999-01-01T00:00:00Z");
    EXPECT_SAID("the deadline is not over, and nobody is convicted by silence yet");
    EXPECT(10, "run", FORK, "--commit", "@next-a.json", "--branch", "@next-b.json");
    EXPECT(2, "run", "--genesis", "@genesis.json");
    EXPECT(2, "run", "--commit", "@commit-a.json");
    EXPECT(2, "run", FORK, "--deadline", "tomorrow");
    EXPECT(2, "run", FORK, "--deadline", "2020-01-01T00:00:00Z"); /* the blocks are of 2023 */
    EXPECT_SAID("nobody can have been asked by then");
    EXPECT(2, "run", FORK, "--lock-rule", "mine");
    EXPECT(2, "run", FORK, "--log", "@nothing-there");
    EXPECT(2, "run", FORK, "--height", "77");
    EXPECT(2, "run", FORK, "--execute");
    EXPECT_SAID("Give --chain HOME");
    EXPECT(2, "run", FORK, "--application", "kvstore");
    EXPECT(2, "verify", "@genesis.json", "--genesis", "@genesis.json");
    EXPECT(2, "verify", "@proof");
}
END_TEST

START_TEST(more_than_a_third_who_voted_twice_are_proven_but_are_no_fork_by_themselves) {
    EXPECT(0, "demo", "--dir", "@.", "--double-votes");
    EXPECT(0, "run", "--genesis", "@genesis.json", "--commit", "@commit-b.json", "--log", "@honest-a.log", "--bundle", "@alone");
    EXPECT_SAID("power: proven 50.0 %");
    EXPECT_SAID("verdict: no fork");
    EXPECT(0, "verify", "@alone", "--genesis", "@genesis.json");
    EXPECT_SAID("power: proven 50.0 %");
    write_accusation("light.json", "next-a.json"); /* an attack at another height does not make it one */
    EXPECT(0, "run", "--genesis", "@genesis.json", "--commit", "@commit-b.json", "--log", "@honest-a.log", "--height", "3", "--evidence", "@light.json");
    EXPECT_SAID("verdict: no fork");
}
END_TEST

/* Of the height that it decided in round 0 a node keeps its own votes, and says so: that log must not convict it. */
START_TEST(no_log_of_an_honest_node_convicts_it_in_whatever_combination) {
    for (int way = 0; way < 2; way++) {
        EXPECT(0, "demo", "--dir", "@.", way == 0 ? NULL : "--double-votes");
        for (int logs = 1; logs < 4; logs++)
            for (int commits = 1; commits < 4; commits++) {
                const char *a = commits & 1 ? "@commit-a.json" : "@commit-b.json", *b = commits & 2 ? "@commit-b.json" : "@commit-a.json";
                const char *one = logs & 1 ? "@honest-a.log" : "@honest-b.log", *other = logs & 2 ? "@honest-b.log" : "@honest-a.log";
                prompt_run("audit", "run", "--genesis", "@genesis.json", "--commit", a, "--commit", b, "--log", one, "--log", other, "--height", "3", (const char *)NULL);
                ck_assert_msg(strstr(prompt_said, "CONVICTED_BY_LOG") == NULL, "said: %s", prompt_said);
            }
    }
}
END_TEST

START_TEST(a_third_party_in_an_empty_folder_needs_the_genesis_alone) {
    EXPECT(11, "verify", "@proof", "--genesis", "@genesis.json"); /* one key kept silent: that it did, no bundle can prove */
    EXPECT_SAID("the reporter's word");
    EXPECT_SAID("say so with --silence-known");
    EXPECT(10, "verify", "@proof", "--genesis", "@genesis.json", "--silence-known");
    EXPECT(10, "verify", "@proof-next", "--genesis", "@genesis.json");
    EXPECT_SAID("PROVEN");
}
END_TEST

START_TEST(a_trusted_header_stands_in_for_the_genesis) {
    EXPECT(10, "run", FORK, "--commit", "@next-a.json", "--commit", "@next-b.json", "--trusted-header", "@commit-a.json", "--height", "4");
    EXPECT(2, "run", FORK, "--trusted-header", "@next-a.json"); /* above the fork */
    EXPECT(2, "run", FORK, "--trusted-header", "@genesis.json");
}
END_TEST

START_TEST(any_changed_byte_of_the_bundle_is_refused) {
    struct blob *proof = prompt_read("proof-next");
    uint8_t *bytes = malloc(proof->size);
    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < proof->size; i += 1 + i % 29) {
        memcpy(bytes, proof->data, proof->size);
        bytes[i] ^= 0x10;
        prompt_write("changed", span_of(bytes, proof->size));
        EXPECT(2, "verify", "@changed", "--genesis", "@genesis.json");
    }
    free(bytes);
    blob_release(proof);
}
END_TEST

START_TEST(the_report_is_json_and_each_suspect_gets_a_request_that_it_answers) {
    EXPECT(11, "run", FORK, "--log", "@honest-a.log", "--log", "@honest-b.log", "--requests", "@ask", "--out", "@report.json", "--svg", "@again.svg", "--json");
    EXPECT_SAID("\"status\": \"SUSPECT\"");
    EXPECT_SAID("\"third_reached\": false");
    struct blob *report = prompt_read("report.json"), *request = prompt_read("ask/request-1.json"), *second = prompt_read("ask/request-2.json");
    struct audit_request asked;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    ck_assert_ptr_null(audit_request_parse(&asked, blob_span(request), &arena));
    ck_assert_int_eq(asked.kind, AUDIT_A1);
    /* the guilty one's log as its answer; then as an answer to the other's request, to another height's, and damaged */
    struct blob *log = prompt_read("guilty.log");
    struct emit emit;
    emit_init(&emit);
    struct audit_log read;
    ck_assert(audit_log_read(&read, blob_span(log)));
    if (!address_equal(&read.manifest.address, &asked.who))
        ck_assert_ptr_null(audit_request_parse(&asked, blob_span(second), &arena));
    audit_answer_emit(&emit, &asked, blob_span(log));
    prompt_write("answer.json", span_of(emit.data, emit.size));
    EXPECT(11, "run", FORK, "--log", "@honest-a.log", "--log", "@honest-b.log", "--answers", "@answer.json");
    EXPECT_SAID("CONVICTED_BY_LOG");
    struct audit_request other = asked;
    other.height++;
    emit_clear(&emit);
    audit_answer_emit(&emit, &other, blob_span(log));
    prompt_write("answer.json", span_of(emit.data, emit.size));
    EXPECT(11, "run", FORK, "--log", "@honest-a.log", "--log", "@honest-b.log", "--answers", "@answer.json");
    EXPECT_SAID("passed over");
    EXPECT_UNSAID("CONVICTED_BY_LOG");
    ck_assert_ptr_null(audit_request_parse(&other, blob_span(address_equal(&read.manifest.address, &asked.who) ? second : request), &arena));
    if (address_equal(&other.who, &asked.who))
        ck_assert_ptr_null(audit_request_parse(&other, blob_span(request), &arena));
    emit_clear(&emit);
    audit_answer_emit(&emit, &other, blob_span(log));
    prompt_write("answer.json", span_of(emit.data, emit.size));
    EXPECT(11, "run", FORK, "--log", "@honest-a.log", "--log", "@honest-b.log", "--answers", "@answer.json");
    EXPECT_SAID("somebody else");
    emit_close(&emit);
    arena_close(&arena);
    blob_release(log);
    blob_release(report);
    blob_release(request);
    blob_release(second);
}
END_TEST

/* ---- bad input */

START_TEST(a_log_that_was_changed_is_passed_over_and_a_log_of_another_chain_too) {
    struct blob *log = prompt_read("guilty.log");
    uint8_t *bytes = malloc(log->size);
    ck_assert_ptr_nonnull(bytes);
    memcpy(bytes, log->data, log->size);
    bytes[log->size - 30] ^= 1;
    prompt_write("changed.log", span_of(bytes, log->size));
    EXPECT(11, "run", FORK, "--log", "@honest-a.log", "--log", "@changed.log", "--json");
    EXPECT_SAID("passed over");
    EXPECT_UNSAID("CONVICTED_BY_LOG");
    memcpy(bytes, log->data, log->size);
    for (size_t i = 4; i + 3 < 40; i++) /* the manifest's chain, signed otherwise */
        if (memcmp(bytes + i, "sim", 3) == 0)
            bytes[i] = 'S';
    prompt_write("foreign.log", span_of(bytes, log->size));
    EXPECT(11, "run", FORK, "--log", "@honest-a.log", "--log", "@foreign.log");
    EXPECT_SAID("of another chain");
    prompt_write("cut.log", span_of(log->data, log->size / 2));
    EXPECT(11, "run", FORK, "--log", "@cut.log");
    prompt_write("empty.log", span_of(log->data, 0));
    EXPECT(11, "run", FORK, "--log", "@empty.log");
    free(bytes);
    blob_release(log);
}
END_TEST

/* The votes of a log as a journal of CometBFT's form, with what may go wrong there. */
static void write_journal(const char *name, bool shuffle, bool forge, bool damage, bool twice) {
    struct blob *file = prompt_read("guilty.log");
    struct audit_log log;
    struct span rest, item;
    static uint8_t out[1 << 20];
    size_t size = 0;
    uint32_t number = 0;
    enum audit_log_item kind;
    ck_assert(audit_log_read(&log, blob_span(file)));
    for (int turn = 0; turn < (shuffle || twice ? 2 : 1); turn++)
        for (rest = log.items; (kind = audit_log_next(&rest, &item)) != AUDIT_LOG_END;) {
            struct wire_consensus message = {.kind = WIRE_VOTE_MESSAGE};
            uint8_t bytes[1024];
            struct proto_writer writer;
            if (kind != AUDIT_LOG_VOTE)
                continue;
            ck_assert(vote_decode(&message.vote, item));
            if (shuffle && (number++ % 2 == 0) != (turn == 0))
                continue;
            if (forge && number++ % 3 == 0)
                message.vote.signature.bytes[5] ^= 1;
            proto_writer_init(&writer, bytes, sizeof bytes);
            wire_consensus_write(&writer, &message);
            struct journal_record record = {.kind = JOURNAL_MESSAGE, .time = {1700000000, 5}, .message = proto_writer_span(&writer), .peer_id = span_text("p")};
            size += journal_record_encode(out + size, sizeof out - size, &record);
            if (damage) {
                memset(out + size, 0x37, 13);
                size += 13;
            }
        }
    prompt_write(name, span_of(out, damage ? size - 20 : size));
    blob_release(file);
}

/* Its honest nodes may do what the rule strict forbids. */
START_TEST(a_journal_that_cometbft_wrote_is_judged_by_its_lock_rule_unless_another_is_named) {
    uint8_t bytes[4096];
    struct journal_record record = {.kind = JOURNAL_ROUND_STATE, .time = {1700000000, 5}, .height = 3, .peer_id = span_text("RoundStepPropose")};
    long size = (long)journal_record_encode(bytes, sizeof bytes, &record);
    ck_assert_int_gt(size, 0);
    prompt_write("comet.wal", span_of(bytes, (size_t)size));
    EXPECT(11, "run", FORK, "--log", "@honest-a.log");
    EXPECT_SAID("lock rule strict");
    EXPECT(11, "run", FORK, "--log", "@honest-a.log", "--cometbft-wal", "@comet.wal");
    EXPECT_SAID("lock rule comet");
    EXPECT_SAID("written by CometBFT");
    EXPECT(11, "run", FORK, "--log", "@honest-a.log", "--cometbft-wal", "@comet.wal", "--lock-rule", "strict");
    EXPECT_SAID("lock rule strict");
}
END_TEST

START_TEST(journals_count_what_is_forged_shuffled_doubled_damaged_and_cut) {
    char wal[128];
    snprintf(wal, sizeof wal, "%s/wal.d", prompt_folder);
    ck_assert_int_eq(mkdir(wal, 0700), 0);
    write_journal("wal.d/wal", false, false, false, false);
    EXPECT(11, "run", FORK, "--cometbft-wal", "@wal.d");
    EXPECT_SAID("lock rule strict");
    EXPECT_SAID("A1  prevoted against its lock");
    write_journal("wal.d/wal.000", true, false, false, false);
    write_journal("wal.d/wal.001", false, false, true, true);
    EXPECT(11, "run", FORK, "--journal", "@wal.d");
    EXPECT_SAID("bytes are no record");
    EXPECT_SAID("A1  prevoted against its lock");
    write_journal("wal.d/wal", false, true, false, false);
    EXPECT(11, "run", FORK, "--journal", "@wal.d/wal");
    EXPECT_SAID("with a signature that is not good for this chain");
    EXPECT(11, "run", FORK, "--journal", "@nowhere");
    EXPECT_SAID("no journal is there");
    EXPECT(11, "run", FORK, "--journal", "@genesis.json");
}
END_TEST

START_TEST(a_set_that_is_not_the_header_s_is_no_help) {
    struct blob *commit = prompt_read("commit-a.json");
    static char text[16384];
    snprintf(text, sizeof text, "%.*s", (int)commit->size, (const char *)commit->data);
    char *hash = strstr(text, "\"validators_hash\":\"");
    ck_assert_ptr_nonnull(hash);
    hash[30] = hash[30] == 'A' ? 'B' : 'A';
    prompt_write("wrong-set.json", span_text(text));
    EXPECT(2, "run", "--genesis", "@genesis.json", "--commit", "@wrong-set.json");
    EXPECT_SAID("the commit is not one of its header");
    prompt_write("no.json", span_text("{\"result\":{\"signed_header\":7}}"));
    EXPECT(2, "run", "--genesis", "@genesis.json", "--commit", "@no.json");
    prompt_write("no.json", span_text("{\"result\":{\"validators\":[],\"total\":\"1\",\"block_height\":\"3\"}}"));
    EXPECT(11, "run", FORK, "--validators", "@no.json");
    prompt_write("no.json", span_text("nonsense"));
    EXPECT(11, "run", FORK, "--evidence", "@no.json");
    EXPECT_SAID("no JSON");
    blob_release(commit);
}
END_TEST

START_TEST(the_block_that_evidence_accuses_counts_like_another_commit) {
    write_accusation("light.json", "commit-b.json");
    EXPECT(11, "run", "--genesis", "@genesis.json", "--commit", "@commit-a.json", "--evidence", "@light.json", "--log", "@honest-a.log");
    EXPECT_SAID("FORK: two blocks are decided");
    EXPECT(10, "run", "--genesis", "@genesis.json", "--evidence", "@light.json", "--commit", "@commit-a.json", "--log", "@honest-a.log", "--log", "@guilty.log",
           "--deadline", "2024-01-01T00:00:00Z");
    EXPECT(0, "run", "--genesis", "@genesis.json", "--commit", "@commit-b.json", "--evidence", "@light.json"); /* the same block */
    EXPECT(2, "run", "--genesis", "@genesis.json", "--evidence", "@light.json");
    EXPECT_SAID("no commit was given");
}
END_TEST

/* The second commit of a fork, spoilt in some way: then nobody is told "no fork". */
START_TEST(a_second_commit_that_cannot_be_used_is_told_and_is_not_called_no_fork) {
    struct blob *commit = prompt_read("commit-b.json");
    static char text[16384];
    snprintf(text, sizeof text, "%.*s", (int)commit->size, (const char *)commit->data);
    char *signature = strstr(text, "\"signature\":\"");
    ck_assert_ptr_nonnull(signature);
    signature[20] = signature[20] == 'A' ? 'B' : 'A';
    prompt_write("b.json", span_text(text));
    EXPECT(2, "run", "--genesis", "@genesis.json", "--commit", "@commit-a.json", "--commit", "@b.json", "--out", "@report.json");
    EXPECT_SAID("does not count: ");
    EXPECT_SAID("no fork is shown, but not all that was given could be used");
    blob_release(prompt_read("report.json"));
    prompt_write("b.json", span_text("{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32603,\"message\":\"Internal error\",\"data\":\"height 9\"}}"));
    EXPECT(2, "run", "--genesis", "@genesis.json", "--commit", "@commit-a.json", "--commit", "@b.json");
    EXPECT_SAID("it is a node's error, not an answer");
    prompt_write("b.json", span_text("nonsense"));
    EXPECT(2, "run", "--genesis", "@genesis.json", "--commit", "@commit-a.json", "--commit", "@b.json");
    EXPECT_SAID("no JSON");
    EXPECT(2, "run", "--genesis", "@genesis.json", "--commit", "@commit-a.json", "--commit", "@next-b.json", "--height", "3");
    EXPECT_SAID("is on another branch: ask whoever gave its commit for that of height 3 too");
    EXPECT(2, "run", "--genesis", "@genesis.json", "--commit", "@commit-a.json", "--commit", "@next-b.json");
    EXPECT_SAID("is on another branch");
    EXPECT(0, "run", "--genesis", "@genesis.json", "--commit", "@commit-a.json", "--commit", "@next-a.json");
    EXPECT(2, "run", "--genesis", "@genesis.json", "--commit", "@commit-a.json", "--height", "4");
    EXPECT_SAID("no commit of it was given; the nearest is of height 3");
    blob_release(commit);
}
END_TEST

START_TEST(a_report_is_shown_even_if_no_file_can_be_written_and_pipes_are_not_replaced) {
    char name[128];
    EXPECT(3, "run", FORK, "--commit", "@next-a.json", "--commit", "@next-b.json", "--bundle", "@genesis.json/proof");
    EXPECT_SAID("verdict: fork, and more than a third");
    EXPECT_SAID("genesis.json/proof");
    EXPECT(3, "run", FORK, "--out", "@.");
    EXPECT_SAID("it is a folder; name a file");
    EXPECT(2, "run", FORK, "--log", "@.");
    EXPECT_SAID("it is a folder, not a file");
    snprintf(name, sizeof name, "%s/pipe", prompt_folder);
    ck_assert_int_eq(mkfifo(name, 0600), 0);
    int reader = open(name, O_RDONLY | O_NONBLOCK);
    EXPECT(11, "run", FORK, "--bundle", "@pipe");
    struct stat status;
    ck_assert(stat(name, &status) == 0 && S_ISFIFO(status.st_mode));
    char magic[16];
    ck_assert_int_eq(read(reader, magic, sizeof magic), 16);
    ck_assert_mem_eq(magic, AUDIT_BUNDLE_MAGIC, 16);
    close(reader);
}
END_TEST

/* {"key": 7} or "7" */
static int64_t number_of(const char *json, const char *key) {
    char wanted[64];
    snprintf(wanted, sizeof wanted, "\"%s\": ", key);
    const char *at = strstr(json, wanted);
    ck_assert_msg(at != NULL, "no %s", key);
    at += strlen(wanted);
    return atoll(*at == '"' ? at + 1 : at);
}

START_TEST(the_sums_of_the_report_are_those_of_its_findings_and_of_the_text) {
    EXPECT(10, "run", FORK, "--log", "@honest-a.log", "--log", "@honest-b.log", "--log", "@guilty.log", "--deadline", "2024-01-01T00:00:00Z", "--out",
           "@report.json");
    EXPECT_SAID("convicted by their own logs 25.0 %, by silence 25.0 %, suspect 0.0 %");
    struct blob *report = prompt_read("report.json");
    char *text = strndup((const char *)report->data, report->size);
    struct span whole;
    ck_assert(scan_value(&whole, span_text(text), NULL));
    ck_assert_int_eq(4 * number_of(text, "by_log_power"), number_of(text, "total_power"));
    ck_assert_int_eq(4 * number_of(text, "by_silence_power"), number_of(text, "total_power"));
    ck_assert_int_eq(number_of(text, "suspect_power") + number_of(text, "proven_power"), 0);
    free(text);
    blob_release(report);
}
END_TEST

START_TEST(what_strangers_wrote_neither_colours_the_terminal_nor_makes_lines) {
    struct blob *commit = prompt_read("commit-b.json");
    static char text[16384];
    char *copy = strndup((const char *)commit->data, commit->size), *name = strstr(copy, "\"chain_id\":\"sim\"");
    ck_assert_ptr_nonnull(name);
    snprintf(text, sizeof text, "%.*s\"chain_id\":\"\\u001b[2Jx\\nverdict: no fork\"%s", (int)(name - copy), copy, name + 16);
    prompt_write("escape.json", span_text(text));
    EXPECT(11, "run", FORK, "--commit", "@escape.json");
    EXPECT_SAID(" [2Jx verdict: no fork");
    EXPECT_UNSAID("\033");
    EXPECT(2, "run", "--genesis", "@genesis.json", "--commit", "@escape.json");
    EXPECT_SAID(" [2Jx verdict: no fork");
    EXPECT_UNSAID("\033");
    EXPECT(2, "run", FORK, "--trusted-header", "@escape.json");
    EXPECT_UNSAID("\033");
    EXPECT(11, "run", FORK, "--log", "@guilty.log", "--log", "@guilty.log");
    EXPECT_SAID("a log of this signer is taken already");
    free(copy);
    blob_release(commit);
}
END_TEST

START_TEST(whoever_was_not_asked_is_not_convicted_by_its_silence) {
    char name[128];
    EXPECT(11, "run", FORK, "--log", "@honest-a.log", "--log", "@honest-b.log", "--requests", "@ask");
    struct blob *one = prompt_read("ask/request-1.json");
    prompt_write("some/1.json", blob_span(one));
    prompt_write("some/2.json", span_text("nonsense"));
#define WITH_LOGS "run", FORK, "--log", "@honest-a.log", "--log", "@honest-b.log", "--deadline", "2024-01-01T00:00:00Z"
    EXPECT(10, WITH_LOGS);
    EXPECT(10, WITH_LOGS, "--asked", "@ask");
    EXPECT(11, WITH_LOGS, "--asked", "@some");
    EXPECT_SAID("by silence 25.0 %, suspect 25.0 %");
    EXPECT_SAID("2.json: passed over: this is no audit request");
    snprintf(name, sizeof name, "%s/none", prompt_folder);
    ck_assert_int_eq(mkdir(name, 0700), 0);
    EXPECT(11, WITH_LOGS, "--asked", "@none");
    EXPECT_SAID("by silence 0.0 %, suspect 50.0 %");
    EXPECT(2, WITH_LOGS, "--asked", "@nowhere");
    blob_release(one);
}
END_TEST

START_TEST(a_chain_of_another_name_or_other_validators_is_named) {
    struct blob *genesis = prompt_read("genesis.json");
    static char text[16384];
    snprintf(text, sizeof text, "%.*s", (int)genesis->size, (const char *)genesis->data);
    char *name = strstr(text, "\"sim\"");
    ck_assert_ptr_nonnull(name);
    name[1] = 'x';
    prompt_write("other.json", span_text(text));
    EXPECT(2, "run", "--genesis", "@other.json", "--commit", "@commit-a.json", "--commit", "@commit-b.json");
    EXPECT_SAID("no commit of chain \"xim\" is among what was given");
    EXPECT_SAID("of chain \"sim\": passed over");
    name[1] = 's';
    char *power = strstr(text, "\"power\": \"");
    ck_assert_ptr_nonnull(power);
    power[10] = power[10] == '9' ? '8' : '9';
    prompt_write("other.json", span_text(text));
    EXPECT(2, "run", "--genesis", "@other.json", "--commit", "@commit-a.json", "--commit", "@commit-b.json");
    EXPECT_SAID("or is it another genesis?");
    blob_release(genesis);
}
END_TEST

START_TEST(a_request_that_was_changed_is_not_answered) {
    EXPECT(11, "run", FORK, "--log", "@honest-a.log", "--requests", "@ask");
    struct blob *request = prompt_read("ask/request-1.json");
    static char text[16384];
    snprintf(text, sizeof text, "%.*s", (int)request->size, (const char *)request->data);
    char *height = strstr(text, "\"height\": \"3\"");
    ck_assert_ptr_nonnull(height);
    height[11] = '4';
    prompt_write("changed.json", span_text(text));
    EXPECT(2, "answer", "@changed.json", "--home", "@nowhere");
    EXPECT_SAID("the request was changed");
    EXPECT(2, "answer", "@genesis.json", "--home", "@nowhere");
    blob_release(request);
}
END_TEST

START_TEST(every_audit_command_has_help_with_an_example) {
    static const char *const names[] = {"run", "verify", "export", "answer", "watch", "demo"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        EXPECT(0, names[i], "--help");
        EXPECT_SAID("Example:");
        EXPECT_SAID("quorate audit");
    }
}
END_TEST

Suite *suite_audit(void);
Suite *suite_audit(void) {
    Suite *suite = suite_create("audit");
    TCase *tests = tcase_create("commands");
    tcase_set_timeout(tests, 600);
    tcase_add_checked_fixture(tests, setup, prompt_close);
    tcase_add_test(tests, the_demonstration_ends_as_it_promises_in_both_ways);
    tcase_add_test(tests, the_commands_that_the_demonstration_names_end_as_it_says);
    tcase_add_test(tests, the_exit_status_tells_no_fork_attributed_unresolved_and_bad_input_apart);
    tcase_add_test(tests, more_than_a_third_who_voted_twice_are_proven_but_are_no_fork_by_themselves);
    tcase_add_test(tests, no_log_of_an_honest_node_convicts_it_in_whatever_combination);
    tcase_add_test(tests, a_third_party_in_an_empty_folder_needs_the_genesis_alone);
    tcase_add_test(tests, a_trusted_header_stands_in_for_the_genesis);
    tcase_add_test(tests, any_changed_byte_of_the_bundle_is_refused);
    tcase_add_test(tests, the_report_is_json_and_each_suspect_gets_a_request_that_it_answers);
    tcase_add_test(tests, a_log_that_was_changed_is_passed_over_and_a_log_of_another_chain_too);
    tcase_add_test(tests, a_journal_that_cometbft_wrote_is_judged_by_its_lock_rule_unless_another_is_named);
    tcase_add_test(tests, journals_count_what_is_forged_shuffled_doubled_damaged_and_cut);
    tcase_add_test(tests, a_set_that_is_not_the_header_s_is_no_help);
    tcase_add_test(tests, the_block_that_evidence_accuses_counts_like_another_commit);
    tcase_add_test(tests, a_second_commit_that_cannot_be_used_is_told_and_is_not_called_no_fork);
    tcase_add_test(tests, a_report_is_shown_even_if_no_file_can_be_written_and_pipes_are_not_replaced);
    tcase_add_test(tests, the_sums_of_the_report_are_those_of_its_findings_and_of_the_text);
    tcase_add_test(tests, what_strangers_wrote_neither_colours_the_terminal_nor_makes_lines);
    tcase_add_test(tests, whoever_was_not_asked_is_not_convicted_by_its_silence);
    tcase_add_test(tests, a_chain_of_another_name_or_other_validators_is_named);
    tcase_add_test(tests, a_request_that_was_changed_is_not_answered);
    tcase_add_test(tests, every_audit_command_has_help_with_an_example);
    suite_add_tcase(suite, tests);
    return suite;
}
