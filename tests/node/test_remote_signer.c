/* A key on another host: the node's side (notary), the signer's side (signservice), and impostors between them, over real sockets of this machine; then
 * whole networks whose signers are far, silent or away, in the simulator. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "node/keylock.h"
#include "node/notary.h"
#include "node/signservice.h"
#include "tests/node/outsider.h"
#include "tests/node/stranger.h"

Suite *suite_remote_signer(void);

enum { TIMEOUT_MS = 400, PING_MS = 60 };

static struct event_base *base;
static struct disk *disk;
static struct signer *signer;
static struct signservice *service;
static struct notary *notary;
static struct pubkey key;
static char folder[] = "/tmp/remote_signer_XXXXXX", address[200];
static struct span chain;
static struct world_signing last; /* the last answer, its text in `refused` */
static char refused[300], lines[20000];
static int answers;
static bool asking;
static int64_t ping_ms;

static void on_failure(void *context, const char *what) __attribute__((noreturn));
static void on_failure(void *context, const char *what) {
    (void)context;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void note_line(enum world_level level, const char *text) {
    (void)level;
    size_t size = strlen(lines);
    if (size + strlen(text) + 2 < sizeof lines)
        snprintf(lines + size, sizeof lines - size, "%s\n", text);
}

static void on_log(void *context, enum world_level level, const char *text) {
    (void)context;
    note_line(level, text);
}

static void on_answer(void *context, const struct world_signing *answer) {
    (void)context;
    ck_assert(!asking);
    last = *answer;
    snprintf(refused, sizeof refused, "%s", answer->refused == NULL ? "" : answer->refused);
    answers++;
}

static struct ed25519_key *some_key(uint8_t fill) {
    uint8_t seed[32];
    memset(seed, fill, sizeof seed);
    return ed25519_key_new(seed);
}

static void open_signer(void) {
    char *error = NULL;
    signer = signer_open(disk, "data/priv_validator_state.json", some_key(1), 0, &error);
    ck_assert_msg(signer != NULL, "%s", error);
}

static void open_service(void) {
    char *error = NULL;
    struct signservice_settings settings = {.base = base,
                                            .address = address,
                                            .chain_id = "test-chain",
                                            .message_bytes_max = SIGNLINK_BYTES_MAX,
                                            .redial_min_ms = 10,
                                            .redial_max_ms = 80,
                                            .steady_ms = 2000,
                                            .shake_ms = 1000,
                                            .idle_ms = 600};
    service = signservice_new(&settings, signer, note_line, &error);
    ck_assert_msg(service != NULL, "%s", error);
}

static void close_service(void) {
    signservice_free(service);
    service = NULL;
}

static bool try_open_notary(char **error) {
    struct notary_settings settings = {.base = base,
                                       .address = address,
                                       .chain_id = "test-chain",
                                       .message_bytes_max = SIGNLINK_BYTES_MAX,
                                       .timeout_ms = TIMEOUT_MS,
                                       .ping_ms = ping_ms};
    notary = notary_new(&settings, &(struct notary_listener){NULL, on_answer, on_log}, error);
    return notary != NULL;
}

static void open_notary(void) {
    char *error = NULL;
    ck_assert_msg(try_open_notary(&error), "%s", error);
}

static void use_unix(void) { snprintf(address, sizeof address, "unix://%s/signer.sock", folder); }

/* A port that was free a moment ago stays the address, so that both sides can come again. */
static void use_tcp(void) {
    uint16_t port = 0;
    int fd = outsider_listen(&port);
    ck_assert_int_ge(fd, 0);
    close(fd);
    snprintf(address, sizeof address, "tcp://127.0.0.1:%u", port);
}

static void setup(void) {
    signal(SIGPIPE, SIG_IGN);
    base = event_base_new();
    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    disk = disk_memory_new((struct disk_failure){NULL, on_failure});
    chain = span_text("test-chain");
    service = NULL;
    notary = NULL;
    answers = 0;
    ping_ms = PING_MS;
    lines[0] = '\0';
    refused[0] = '\0';
    open_signer();
    signer_public(signer, &key);
    use_unix();
}

static void teardown(void) {
    char path[300];
    close_service();
    notary_free(notary);
    signer_free(signer);
    disk_memory_free(disk);
    event_base_free(base);
    snprintf(path, sizeof path, "%s/signer.sock", folder);
    unlink(path);
    rmdir(folder);
}

static void run_for(int64_t ms) {
    int64_t end = outsider_clock() + ms;
    while (outsider_clock() < end) {
        event_base_loop(base, EVLOOP_NONBLOCK);
        usleep(300);
    }
}

static void run_until(bool (*reached)(void)) {
    int64_t end = outsider_clock() + 10000;
    while (!reached() && outsider_clock() < end) {
        event_base_loop(base, EVLOOP_NONBLOCK);
        usleep(300);
    }
    ck_assert_msg(reached(), "never came. Log:\n%s", lines);
}

static bool is_connected(void) { return notary_is_connected(notary); }
static bool is_apart(void) { return !notary_is_connected(notary); }
static bool is_answered(void) { return answers > 0; }
static bool is_said(const char *part) { return strstr(lines, part) != NULL; }

static void meet(void) {
    open_notary();
    open_service();
    run_until(is_connected);
}

static struct block_id block_of(uint8_t fill) {
    uint8_t hash[32];
    memset(hash, fill, sizeof hash);
    return fill == 0 ? (struct block_id){0} : (struct block_id){digest_of(hash), {1, digest_of(hash)}};
}

static struct world_signing vote_wish(int32_t type, int64_t height, int32_t round, uint8_t block) {
    struct world_signing wish = {.is_proposal = false};
    vote_init(&wish.vote);
    wish.vote.type = type;
    wish.vote.height = height;
    wish.vote.round = round;
    wish.vote.block_id = block_of(block);
    wish.vote.timestamp = (struct timestamp){1000 + height, 7};
    wish.vote.validator_address = pubkey_address(&key);
    wish.vote.validator_index = 3;
    return wish;
}

static struct world_signing proposal_wish(int64_t height, int32_t round, uint8_t block) {
    struct world_signing wish = {.is_proposal = true};
    wish.proposal = (struct proposal){VOTE_PROPOSAL, height, round, -1, block_of(block), {1000 + height, 7}, {0}};
    return wish;
}

static void ask(const struct world_signing *wish) {
    answers = 0;
    asking = true;
    notary_ask(notary, wish);
    asking = false;
}

static void ask_and_wait(const struct world_signing *wish) {
    ask(wish);
    run_until(is_answered);
}

static void must_sign_vote(int32_t type, int64_t height, int32_t round, uint8_t block) {
    struct world_signing wish = vote_wish(type, height, round, block);
    ask_and_wait(&wish);
    ck_assert_msg(refused[0] == '\0', "%s", refused);
    ck_assert(vote_verify_vartime(&last.vote, chain, &key));
    ck_assert(last.vote.height == height && last.vote.round == round && last.vote.type == type);
    ck_assert(last.vote.validator_index == 3 && last.vote.extension_signature.size == 0);
}

/* ---- both sides are ours */

START_TEST(votes_and_proposals_are_signed_far_away) {
    if (_i == 1)
        use_tcp();
    meet();
    struct world_signing proposal = proposal_wish(5, 0, 9);
    ask_and_wait(&proposal);
    ck_assert_msg(refused[0] == '\0', "%s", refused);
    ck_assert(last.is_proposal && proposal_verify_vartime(&last.proposal, chain, &key));
    must_sign_vote(VOTE_PREVOTE, 5, 0, 9);
    must_sign_vote(VOTE_PRECOMMIT, 5, 0, 9);
    must_sign_vote(VOTE_PREVOTE, 6, 0, 0);
    int64_t height;
    int32_t round, step;
    signer_mark(signer, &height, &round, &step);
    ck_assert(height == 6 && round == 0 && step == 2);
}
END_TEST

START_TEST(the_wait_for_a_signer_gives_its_key) {
    struct pubkey shown;
    bool broken;
    open_notary();
    open_service();
    ck_assert(notary_wait(notary, &shown, 5000, &broken));
    ck_assert(pubkey_equal(&shown, &key));
    ck_assert(!broken && is_said("waiting for the remote signer"));
}
END_TEST

START_TEST(the_wait_for_a_signer_ends_without_one) {
    struct pubkey shown;
    bool broken;
    open_notary();
    int64_t begin = outsider_clock();
    ck_assert(!notary_wait(notary, &shown, 200, &broken));
    ck_assert(outsider_clock() - begin >= 200 && outsider_clock() - begin < 2000);
    ck_assert(shown.type == PUBKEY_NONE);
}
END_TEST

START_TEST(the_link_outlives_idle_times) {
    meet();
    run_for(1500); /* many pings, and longer than the signer's patience with a silent node */
    ck_assert(is_connected());
    ck_assert_uint_eq(signservice_dials(service), 1);
    must_sign_vote(VOTE_PREVOTE, 1, 0, 1);
}
END_TEST

START_TEST(a_signer_that_is_started_again_goes_on_with_its_mark) {
    use_tcp();
    meet();
    must_sign_vote(VOTE_PREVOTE, 7, 2, 1);
    close_service();
    signer_free(signer);
    run_until(is_apart);
    open_signer();
    open_service();
    run_until(is_connected);
    struct world_signing conflict = vote_wish(VOTE_PREVOTE, 7, 2, 2);
    ask_and_wait(&conflict);
    ck_assert_msg(strstr(refused, "conflicting data") != NULL, "%s", refused);
    must_sign_vote(VOTE_PRECOMMIT, 7, 2, 1);
}
END_TEST

START_TEST(a_node_that_is_started_again_is_found_again) {
    if (_i == 1)
        use_tcp();
    meet();
    notary_free(notary);
    run_for(150);
    open_notary();
    run_until(is_connected);
    must_sign_vote(VOTE_PREVOTE, 1, 0, 1);
}
END_TEST

/* The rules of node/signer.h hold whoever asks. */
START_TEST(the_signers_side_signs_nothing_twice) {
    meet();
    must_sign_vote(VOTE_PREVOTE, 5, 1, 1);
    struct signature first = last.vote.signature;
    must_sign_vote(VOTE_PREVOTE, 5, 1, 1);
    ck_assert_mem_eq(last.vote.signature.bytes, first.bytes, 64);
    static const struct {
        int32_t type;
        int64_t height;
        int32_t round;
        uint8_t block;
        const char *why;
    } wrong[] = {{VOTE_PREVOTE, 5, 1, 2, "conflicting data"},
                 {VOTE_PREVOTE, 5, 1, 0, "conflicting data"},
                 {VOTE_PREVOTE, 4, 9, 1, "height regression"},
                 {VOTE_PRECOMMIT, 5, 0, 1, "round regression"}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct world_signing wish = vote_wish(wrong[i].type, wrong[i].height, wrong[i].round, wrong[i].block);
        ask_and_wait(&wish);
        ck_assert_msg(strstr(refused, wrong[i].why) != NULL, "%s", refused);
        ck_assert_uint_eq(last.vote.signature.size, 0);
    }
    struct world_signing proposal = proposal_wish(5, 1, 1);
    ask_and_wait(&proposal);
    ck_assert_msg(strstr(refused, "step regression") != NULL, "%s", refused);
    ck_assert_uint_eq(signservice_dials(service), 1); /* a refusal is an answer: the link stays */
    must_sign_vote(VOTE_PRECOMMIT, 5, 1, 1);
}
END_TEST

START_TEST(the_same_vote_at_another_time_comes_back_with_its_first_time) {
    meet();
    must_sign_vote(VOTE_PREVOTE, 5, 1, 1);
    struct timestamp first = last.vote.timestamp;
    struct world_signing wish = vote_wish(VOTE_PREVOTE, 5, 1, 1);
    wish.vote.timestamp.seconds += 100;
    ask_and_wait(&wish);
    ck_assert_str_eq(refused, "");
    ck_assert(timestamp_compare(&last.vote.timestamp, &first) == 0);
    ck_assert(vote_verify_vartime(&last.vote, chain, &key));
}
END_TEST

START_TEST(extensions_are_signed_where_the_chain_has_them) {
    meet();
    struct world_signing wish = vote_wish(VOTE_PRECOMMIT, 5, 0, 1);
    char *extension = strdup("an extension");
    wish.vote.extension = span_text(extension);
    ask(&wish);
    memset(extension, 'x', 12); /* a loan until return */
    free(extension);
    run_until(is_answered);
    ck_assert_str_eq(refused, "");
    uint8_t bytes[256];
    size_t size = vote_extension_sign_bytes(bytes, sizeof bytes, span_text("an extension"), 5, 0, chain);
    ck_assert(pubkey_verify_vartime(&key, span_of(bytes, size), &last.vote.extension_signature));
    wish = vote_wish(VOTE_PRECOMMIT, 6, 0, 1);
    wish.vote.extension = span_text("");
    ask_and_wait(&wish);
    size = vote_extension_sign_bytes(bytes, sizeof bytes, span_text(""), 6, 0, chain);
    ck_assert(pubkey_verify_vartime(&key, span_of(bytes, size), &last.vote.extension_signature));
}
END_TEST

/* A node that is started again and again meanwhile does not wait longer each time. */
START_TEST(behind_a_link_that_signed_the_pause_is_short_again) {
    meet();
    for (int32_t i = 0; i < 8; i++) {
        must_sign_vote(VOTE_PREVOTE, 1, i, 1);
        notary_free(notary);
        run_for(3);
        open_notary();
        int64_t begin = outsider_clock();
        run_until(is_connected);
        ck_assert_int_lt(outsider_clock() - begin, 60);
    }
}
END_TEST

START_TEST(a_node_that_hangs_up_at_once_costs_few_dials_and_no_sockets) { /* wound 47 */
    uint16_t port = 0;
    int listener = outsider_listen(&port), fds = 0;
    snprintf(address, sizeof address, "tcp://127.0.0.1:%u", port);
    fcntl(listener, F_SETFL, O_NONBLOCK);
    open_service();
    int64_t end = outsider_clock() + 1500;
    while (outsider_clock() < end) {
        int fd = accept(listener, NULL, NULL);
        if (fd >= 0 && fds++ % 2 == 0)
            ck_assert(write(fd, "nonsense that is no handshake", 29) > 0);
        if (fd >= 0)
            close(fd);
        event_base_loop(base, EVLOOP_NONBLOCK);
        usleep(300);
    }
    close(listener);
    /* 10 + 20 + 40 + 80 + 80 … ms */
    ck_assert_uint_ge(signservice_dials(service), 5);
    ck_assert_uint_le(signservice_dials(service), 1500 / 80 + 5);
    fds = 0;
    DIR *all = opendir("/proc/self/fd");
    while (readdir(all) != NULL)
        fds++;
    closedir(all);
    close_service();
    DIR *less = opendir("/proc/self/fd");
    while (readdir(less) != NULL)
        fds--;
    closedir(less);
    ck_assert_int_le(fds, 1); /* the one that was being dialled, if any */
}
END_TEST

/* ---- wishes without a signer, or too many */

START_TEST(a_wish_without_a_signer_is_refused_in_time) {
    open_notary();
    int64_t begin = outsider_clock();
    struct world_signing wish = vote_wish(VOTE_PREVOTE, 5, 0, 1);
    ask_and_wait(&wish);
    ck_assert_str_eq(refused, "no signer is connected");
    ck_assert(outsider_clock() - begin >= TIMEOUT_MS && outsider_clock() - begin < TIMEOUT_MS + 2000);
    ck_assert(last.vote.height == 5 && last.vote.signature.size == 0);
}
END_TEST

START_TEST(what_waits_is_of_the_newest_height_and_round) {
    open_notary();
    struct world_signing wishes[] = {vote_wish(VOTE_PRECOMMIT, 5, 0, 1), vote_wish(VOTE_PREVOTE, 5, 1, 1), vote_wish(VOTE_PREVOTE, 6, 0, 1),
                                     vote_wish(VOTE_PREVOTE, 6, 0, 2),   vote_wish(VOTE_PRECOMMIT, 6, 0, 2)};
    for (size_t i = 0; i < 5; i++)
        ask(&wishes[i]);
    open_service();
    run_until(is_connected);
    run_for(100);
    ck_assert_int_eq(answers, 2);
    ck_assert(last.vote.height == 6 && last.vote.type == VOTE_PRECOMMIT && last.vote.block_id.hash.bytes[0] == 2);
    ck_assert_str_eq(refused, "");
    ck_assert(is_said("was not asked about 5/0") && is_said("was not asked about 5/1") && is_said("was not asked about 6/0"));
}
END_TEST

START_TEST(however_much_is_asked_little_waits) {
    open_notary();
    for (int32_t i = 0; i < 1000; i++) {
        struct world_signing wish = vote_wish(VOTE_PREVOTE, 5, 999 - i, 1); /* older and older: none overtakes */
        ask(&wish);
    }
    run_for(TIMEOUT_MS + 100);
    ck_assert_int_le(answers, NOTARY_WAITING_MAX);
}
END_TEST

/* ---- impostors: links that answer as the test likes */

enum mode {
    HONEST,
    SILENT,        /* to wishes */
    MUTE,          /* to everything */
    OTHER_HEIGHT,
    OTHER_ROUND,
    OTHER_TYPE,
    OTHER_BLOCK,
    OTHER_ADDRESS,
    OTHER_INDEX,
    OTHER_KEY,
    OTHER_CHAIN,
    NO_SIGNATURE,
    EMPTY_ANSWER,
    PROPOSAL_FOR_VOTE,
    PING_FOR_VOTE,
    KEY_FOR_VOTE,
    QUESTION_FOR_VOTE,
    TWO_ANSWERS,
    OTHER_TIME, /* the one liberty */
    MODES
};

struct impostor {
    struct signlink_settings settings;
    struct signlink *link;
    struct ed25519_key *key, *secret;
    enum mode mode;
    bool tells_no_key, tells_other_key, is_unready;
    unsigned pings, wishes;
    char why[SIGNLINK_WHY_SIZE];
};

static void sign_as(const struct impostor *impostor, struct vote *vote, const char *for_chain) {
    uint8_t bytes[VOTE_SIGN_BYTES_MAX];
    size_t size = vote_sign_bytes(bytes, vote, span_text(for_chain));
    ed25519_sign(impostor->key, vote->signature.bytes, span_of(bytes, size));
    vote->signature.size = 64;
}

static void twist(const struct impostor *impostor, struct wire_privval *answer) {
    struct vote *vote = &answer->vote;
    struct ed25519_key *stranger = some_key(99);
    switch (impostor->mode) {
    case OTHER_HEIGHT: vote->height++; break;
    case OTHER_ROUND: vote->round++; break;
    case OTHER_TYPE: vote->type = vote->type == VOTE_PREVOTE ? VOTE_PRECOMMIT : VOTE_PREVOTE; break;
    case OTHER_BLOCK: vote->block_id = block_of(77); break;
    case OTHER_ADDRESS: vote->validator_address.bytes[3] ^= 1; break;
    case OTHER_INDEX: vote->validator_index++; break;
    case OTHER_TIME: vote->timestamp.nanos++; break;
    case PROPOSAL_FOR_VOTE: answer->kind = WIRE_SIGNED_PROPOSAL_RESPONSE; break;
    case PING_FOR_VOTE: answer->kind = WIRE_PING_RESPONSE; break;
    case KEY_FOR_VOTE: answer->kind = WIRE_PUB_KEY_RESPONSE; break;
    case QUESTION_FOR_VOTE: answer->kind = WIRE_SIGN_VOTE_REQUEST; break;
    default: break;
    }
    sign_as(impostor, vote, impostor->mode == OTHER_CHAIN ? "other-chain" : "test-chain");
    if (impostor->mode == OTHER_KEY)
        sign_as(&(struct impostor){.key = stranger}, vote, "test-chain");
    if (impostor->mode == NO_SIGNATURE)
        vote->signature.size = 0;
    if (impostor->mode == EMPTY_ANSWER)
        vote_init(vote);
    ed25519_key_free(stranger);
}

static void on_impostor_ready(void *context, struct signlink *link) {
    (void)link;
    ((struct impostor *)context)->is_unready = false;
}

static void on_impostor_message(void *context, struct signlink *link, const struct wire_privval *question) {
    struct impostor *impostor = context;
    struct wire_privval answer = *question;
    answer.chain_id = span_of(NULL, 0);
    if (impostor->mode == MUTE)
        return;
    if (question->kind == WIRE_PUB_KEY_REQUEST) {
        uint8_t bytes[32];
        answer.kind = WIRE_PUB_KEY_RESPONSE;
        ed25519_key_public(impostor->key, bytes);
        bytes[7] ^= impostor->tells_other_key;
        answer.pub_key = pubkey_ed25519(bytes);
        if (impostor->tells_no_key)
            answer.pub_key = (struct pubkey){0};
        signlink_send(link, &answer);
    } else if (question->kind == WIRE_PING_REQUEST) {
        impostor->pings++;
        answer.kind = WIRE_PING_RESPONSE;
        signlink_send(link, &answer);
    } else if (question->kind == WIRE_SIGN_VOTE_REQUEST && impostor->mode != SILENT) {
        impostor->wishes++;
        answer.kind = WIRE_SIGNED_VOTE_RESPONSE;
        twist(impostor, &answer);
        signlink_send(link, &answer);
        if (impostor->mode == TWO_ANSWERS)
            signlink_send(link, &answer);
    }
}

static void on_impostor_dead(void *context, struct signlink *link, const char *why) {
    struct impostor *impostor = context;
    snprintf(impostor->why, sizeof impostor->why, "%s", why);
    impostor->link = NULL;
    signlink_free(link);
}

static void impostor_dial(struct impostor *impostor, enum mode mode) {
    struct signlink_address where;
    ck_assert_ptr_null(signlink_address_parse(&where, address));
    *impostor = (struct impostor){.key = some_key(1), .secret = some_key(50), .mode = mode, .is_unready = true};
    impostor->settings = (struct signlink_settings){
        .base = base, .key = where.is_unix ? NULL : impostor->secret, .message_bytes_max = SIGNLINK_BYTES_MAX, .shake_timeout_ms = 1000};
    struct signlink_owner owner = {impostor, on_impostor_ready, on_impostor_message, on_impostor_dead};
    impostor->link = signlink_dial(&impostor->settings, &owner, &where);
}

static void impostor_close(struct impostor *impostor) {
    signlink_free(impostor->link);
    ed25519_key_free(impostor->key);
    ed25519_key_free(impostor->secret);
}

START_TEST(an_answer_to_another_question_is_not_used_and_ends_the_link) {
    struct impostor impostor;
    open_notary();
    for (enum mode mode = OTHER_HEIGHT; mode < TWO_ANSWERS; mode++) {
        impostor_dial(&impostor, mode);
        run_until(is_connected);
        struct world_signing wish = vote_wish(VOTE_PREVOTE, 5, (int32_t)mode, 1);
        ask_and_wait(&wish);
        ck_assert_msg(refused[0] != '\0', "mode %d was believed", mode);
        ck_assert_uint_eq(last.vote.signature.size, 0);
        ck_assert_uint_eq(impostor.wishes, 1);
        run_until(is_apart);
        run_for(20);
        ck_assert_msg(impostor.link == NULL, "mode %d is still connected", mode);
        impostor_close(&impostor);
    }
    open_service();
    run_until(is_connected);
    must_sign_vote(VOTE_PREVOTE, 6, 0, 1);
}
END_TEST

START_TEST(the_timestamp_alone_may_be_another) {
    struct impostor impostor;
    open_notary();
    impostor_dial(&impostor, OTHER_TIME);
    run_until(is_connected);
    must_sign_vote(VOTE_PREVOTE, 5, 0, 1);
    ck_assert_int_eq(last.vote.timestamp.nanos, 8);
    impostor_close(&impostor);
}
END_TEST

START_TEST(a_second_answer_ends_the_link_and_harms_nothing) {
    struct impostor impostor;
    open_notary();
    impostor_dial(&impostor, TWO_ANSWERS);
    run_until(is_connected);
    must_sign_vote(VOTE_PREVOTE, 5, 0, 1);
    run_until(is_apart);
    ck_assert_int_eq(answers, 1);
    impostor_close(&impostor);
}
END_TEST

START_TEST(a_signer_that_does_not_answer_costs_the_vote_and_its_link) {
    struct impostor impostor;
    open_notary();
    impostor_dial(&impostor, SILENT);
    run_until(is_connected);
    int64_t begin = outsider_clock();
    struct world_signing wish = vote_wish(VOTE_PREVOTE, 5, 0, 1);
    ask_and_wait(&wish);
    ck_assert_str_eq(refused, "no answer in time");
    ck_assert(outsider_clock() - begin >= TIMEOUT_MS - 1 && outsider_clock() - begin < TIMEOUT_MS + 2000);
    ck_assert(is_apart());
    impostor_close(&impostor);
    open_service();
    run_until(is_connected);
    must_sign_vote(VOTE_PREVOTE, 5, 0, 1);
}
END_TEST

/* A process that hangs, a host that lost its power: no word, no end. */
START_TEST(a_signer_that_died_without_a_word_makes_room_for_its_successor) {
    struct impostor impostor;
    ping_ms = 60000; /* who knocks makes the notary look earlier */
    open_notary();
    impostor_dial(&impostor, HONEST);
    run_until(is_connected);
    impostor.mode = MUTE;
    open_service();
    run_until(is_apart);
    run_until(is_connected);
    must_sign_vote(VOTE_PREVOTE, 5, 0, 1);
    impostor_close(&impostor);
}
END_TEST

START_TEST(a_second_signer_is_turned_away_while_the_first_lives) {
    struct impostor second;
    meet();
    impostor_dial(&second, HONEST);
    run_for(4 * TIMEOUT_MS);
    ck_assert_ptr_null(second.link);
    ck_assert_uint_eq(second.wishes, 0);
    ck_assert(is_connected() && is_said("a second signer was turned away"));
    ck_assert_uint_eq(signservice_dials(service), 1);
    must_sign_vote(VOTE_PREVOTE, 5, 0, 1);
    impostor_close(&second);
}
END_TEST

START_TEST(of_two_signers_who_come_together_one_stays) {
    struct impostor one, two;
    open_notary();
    impostor_dial(&one, HONEST);
    impostor_dial(&two, HONEST);
    run_until(is_connected);
    run_for(100);
    ck_assert_msg((one.link == NULL) != (two.link == NULL), "%s", lines);
    must_sign_vote(VOTE_PREVOTE, 5, 0, 1);
    ck_assert_uint_eq(one.wishes + two.wishes, 1);
    impostor_close(&one);
    impostor_close(&two);
}
END_TEST

START_TEST(a_signer_with_another_key_is_no_successor) {
    struct impostor other;
    meet();
    close_service();
    run_until(is_apart);
    impostor_dial(&other, HONEST);
    other.tells_other_key = true;
    run_for(200);
    ck_assert(is_apart() && other.link == NULL);
    ck_assert_msg(is_said("its key is another one"), "%s", lines);
    impostor_close(&other);
    impostor_dial(&other, HONEST);
    other.tells_no_key = true;
    run_for(200);
    ck_assert(is_apart() && other.link == NULL);
    impostor_close(&other);
}
END_TEST

START_TEST(those_who_never_show_a_key_hold_no_place) {
    struct impostor silent[NOTARY_NEWCOMERS_MAX];
    open_notary();
    for (int i = 0; i < NOTARY_NEWCOMERS_MAX; i++)
        impostor_dial(&silent[i], MUTE);
    run_for(50);
    open_service();
    run_for(50);
    ck_assert(is_apart());
    run_until(is_connected);
    for (int i = 0; i < NOTARY_NEWCOMERS_MAX; i++)
        impostor_close(&silent[i]);
    must_sign_vote(VOTE_PREVOTE, 5, 0, 1);
}
END_TEST

/* ---- strangers who do not even speak */

static int raw_connect(void) {
    struct sockaddr_un where = {.sun_family = AF_UNIX};
    snprintf(where.sun_path, sizeof where.sun_path, "%.80s/signer.sock", folder);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&where, sizeof where), 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static bool is_closed(int fd) {
    char bytes[4096];
    for (ssize_t got; (got = read(fd, bytes, sizeof bytes)) >= 0;)
        if (got == 0)
            return true;
    return errno == ECONNRESET;
}

static void send_length(int fd, size_t size) {
    uint8_t bytes[3] = {(uint8_t)(size | 0x80), (uint8_t)(size >> 7 | 0x80), (uint8_t)(size >> 14)};
    ck_assert_int_eq(write(fd, bytes, 3), 3);
}

START_TEST(messages_above_ten_kibibytes_are_not_waited_for) {
    open_notary();
    int fd = raw_connect();
    run_for(20);
    send_length(fd, SIGNLINK_BYTES_MAX);
    run_for(20);
    ck_assert(!is_closed(fd));
    close(fd);
    fd = raw_connect();
    run_for(20);
    send_length(fd, SIGNLINK_BYTES_MAX + 1);
    run_for(20);
    ck_assert(is_closed(fd));
    ck_assert_msg(is_said("too long"), "%s", lines);
    close(fd);
}
END_TEST

/* In two pieces, cut anywhere. */
static void throw_garbage(uint64_t seed) {
    uint8_t bytes[600];
    uint64_t state = seed * 0x9e3779b97f4a7c15ull + 1;
    for (size_t i = 0; i < sizeof bytes; i++) {
        state = state * 6364136223846793005ull + 1442695040888963407ull;
        bytes[i] = (uint8_t)(state >> 33);
    }
    bytes[0] = (uint8_t)(seed % 128); /* a length that is often there */
    bytes[1] = (uint8_t)(seed % 9 * 8 + 2);
    int fd = raw_connect();
    run_for(1);
    (void)!write(fd, bytes, seed % sizeof bytes);
    run_for(1);
    (void)!write(fd, bytes + seed % sizeof bytes, sizeof bytes - seed % sizeof bytes);
    run_for(1);
    close(fd);
}

START_TEST(garbage_harms_nobody) {
    open_notary();
    for (uint64_t seed = 0; seed < 150; seed++)
        throw_garbage(seed);
    open_service();
    run_until(is_connected);
    must_sign_vote(VOTE_PREVOTE, 5, 0, 1);
}
END_TEST

START_TEST(garbage_from_a_node_harms_no_signer) {
    struct sockaddr_un where = {.sun_family = AF_UNIX};
    snprintf(where.sun_path, sizeof where.sun_path, "%.80s/signer.sock", folder);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&where, sizeof where), 0);
    ck_assert_int_eq(listen(listener, 5), 0);
    open_service();
    int64_t end = outsider_clock() + 1000;
    for (uint8_t seed = 0; outsider_clock() < end;) {
        int fd = accept(listener, NULL, NULL);
        uint8_t bytes[64];
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)(seed * 31 + i * 7);
        bytes[0] = seed % 64;
        if (fd >= 0 && ++seed)
            (void)!write(fd, bytes, sizeof bytes);
        run_for(2);
        if (fd >= 0)
            close(fd);
    }
    close(listener);
    open_notary(); /* takes the name over: nobody listens there any more */
    run_until(is_connected);
    must_sign_vote(VOTE_PREVOTE, 5, 0, 1);
}
END_TEST

START_TEST(a_socket_where_somebody_listens_is_not_taken_away) {
    char *error = NULL;
    open_notary();
    struct notary *first = notary;
    ck_assert(!try_open_notary(&error));
    ck_assert_msg(strstr(error, "cannot listen at priv_validator_laddr unix://") != NULL, "%s", error);
    free(error);
    notary = first;
    open_service();
    run_until(is_connected);
}
END_TEST

/* ---- what the signer answers, without sockets */

static struct wire_privval answer_to(const struct wire_privval *question) {
    struct wire_privval answer;
    ck_assert(signservice_answer(signer, &answer, question, chain));
    return answer;
}

static struct wire_privval question_of(const struct world_signing *wish) {
    return (struct wire_privval){.kind = wish->is_proposal ? WIRE_SIGN_PROPOSAL_REQUEST : WIRE_SIGN_VOTE_REQUEST,
                                 .chain_id = chain,
                                 .vote = wish->vote,
                                 .proposal = wish->proposal,
                                 .has_vote = !wish->is_proposal,
                                 .has_proposal = wish->is_proposal};
}

static void must_refuse(struct world_signing wish, const char *for_chain) {
    struct wire_privval question = question_of(&wish), answer;
    int64_t height;
    int32_t round, step;
    question.chain_id = span_text(for_chain);
    answer = answer_to(&question);
    ck_assert(answer.has_error && answer.error_description.size > 0);
    ck_assert(answer.vote.signature.size == 0 && answer.proposal.signature.size == 0);
    signer_mark(signer, &height, &round, &step);
    ck_assert_int_eq(height, 0);
}

START_TEST(what_is_no_vote_of_this_chain_is_refused_and_leaves_no_mark) {
    struct world_signing good = vote_wish(VOTE_PRECOMMIT, 5, 0, 1), bad;
    must_refuse(good, "other-chain");
    must_refuse(good, "");
    for (int i = 0; i < 8; i++) {
        bad = good;
        switch (i) {
        case 0: bad.vote.type = VOTE_UNKNOWN; break;
        case 1: bad.vote.type = VOTE_PROPOSAL; break;
        case 2: bad.vote.height = 0; break;
        case 3: bad.vote.height = -1; break;
        case 4: bad.vote.round = -1; break;
        case 5: bad.vote.block_id.parts.total = 0; break;
        case 6: bad.vote.block_id = (struct block_id){0}, bad.vote.extension = span_text("x"); break;
        case 7: bad.vote.type = VOTE_PREVOTE, bad.vote.extension = span_text("x"); break;
        }
        must_refuse(bad, "test-chain");
    }
    good = proposal_wish(5, 0, 1);
    must_refuse(good, "other-chain");
    for (int i = 0; i < 5; i++) {
        bad = good;
        switch (i) {
        case 0: bad.proposal.type = VOTE_PREVOTE; break;
        case 1: bad.proposal.height = 0; break;
        case 2: bad.proposal.round = -1; break;
        case 3: bad.proposal.pol_round = -2; break;
        case 4: bad.proposal.block_id = (struct block_id){0}; break;
        }
        must_refuse(bad, "test-chain");
    }
}
END_TEST

/* CometBFT asks without an extension where it is empty, and expects its signature all the same. */
START_TEST(a_precommit_for_a_block_has_its_extension_signed_also_when_it_is_empty) {
    struct world_signing wish = vote_wish(VOTE_PRECOMMIT, 5, 0, 1);
    struct wire_privval question = question_of(&wish), answer = answer_to(&question);
    uint8_t bytes[256];
    size_t size = vote_extension_sign_bytes(bytes, sizeof bytes, span_of(NULL, 0), 5, 0, chain);
    ck_assert(!answer.has_error && pubkey_verify_vartime(&key, span_of(bytes, size), &answer.vote.extension_signature));
    wish = vote_wish(VOTE_PRECOMMIT, 6, 0, 0);
    question = question_of(&wish);
    ck_assert_uint_eq(answer_to(&question).vote.extension_signature.size, 0);
}
END_TEST

START_TEST(answers_are_no_questions) {
    struct wire_privval answer;
    static const enum wire_privval_kind kinds[] = {WIRE_PUB_KEY_RESPONSE, WIRE_SIGNED_VOTE_RESPONSE, WIRE_SIGNED_PROPOSAL_RESPONSE, WIRE_PING_RESPONSE};
    for (size_t i = 0; i < 4; i++)
        ck_assert(!signservice_answer(signer, &answer, &(struct wire_privval){.kind = kinds[i], .chain_id = chain}, chain));
}
END_TEST

START_TEST(another_chain_does_not_even_learn_the_key) {
    struct wire_privval question = {.kind = WIRE_PUB_KEY_REQUEST, .chain_id = span_text("other-chain")};
    struct wire_privval answer = answer_to(&question);
    ck_assert(answer.has_error && answer.pub_key.type == PUBKEY_NONE);
}
END_TEST

START_TEST(two_processes_do_not_sign_with_one_mark) {
    char path[300], *error = NULL;
    snprintf(path, sizeof path, "%s/priv_validator_state.json", folder);
    int first = keylock_take(path, &error);
    ck_assert_msg(first >= 0, "%s", error);
    ck_assert_int_lt(keylock_take(path, &error), 0);
    ck_assert_msg(strstr(error, "another process signs") != NULL, "%s", error);
    free(error);
    close(first);
    first = keylock_take(path, &error);
    ck_assert_int_ge(first, 0);
    close(first);
    snprintf(path, sizeof path, "%s/priv_validator_state.lock", folder);
    unlink(path);
}
END_TEST

/* ---- whole networks */

static struct sim *sim_far(uint64_t seed, uint64_t remote) {
    struct sim_config config;
    sim_defaults(&config);
    config.seed = seed;
    config.remote_signers = remote;
    return sim_new(&config);
}

static void must_reach(struct sim *sim, int64_t height, int64_t limit_ms) {
    ck_assert_msg(sim_run_to_height(sim, height, limit_ms), "stuck below %d: %s", (int)height, sim_complaint(sim));
    ck_assert_str_eq(sim_complaint(sim), "");
}

START_TEST(a_network_of_far_signers_agrees) {
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct sim *sim = sim_far(seed, 15);
        for (uint32_t i = 0; i < 4; i++)
            sim_set_signer(sim, i, (int64_t)(5 + 40 * i));
        must_reach(sim, 8, 60000);
        ck_assert_int_eq(replica_engine(sim_replica(sim, 0))->round, 0);
        sim_free(sim);
    }
}
END_TEST

START_TEST(a_lone_validator_with_a_far_signer_goes_on) {
    struct sim_config config;
    sim_defaults(&config);
    config.nodes = 1;
    config.remote_signers = 1;
    struct sim *sim = sim_new(&config);
    sim_set_signer(sim, 0, 20);
    must_reach(sim, 20, 60000);
    sim_free(sim);
}
END_TEST

START_TEST(a_signer_that_is_away_costs_its_own_votes_and_nobody_elses) {
    struct sim *sim = sim_far(1, 1);
    sim_set_signer(sim, 0, -1);
    must_reach(sim, 8, 120000);
    struct arena arena;
    struct commit commit;
    bool canonical;
    arena_init(&arena, 1 << 20);
    ck_assert(ledger_commit(sim_ledger(sim, 1), &commit, &canonical, 6, &arena));
    struct pubkey absent = {0};
    uint8_t bytes[32];
    ed25519_key_public(sim_key(sim, 0), bytes);
    absent = pubkey_ed25519(bytes);
    struct address address_of_absent = pubkey_address(&absent);
    for (uint32_t i = 0; i < commit.count; i++)
        ck_assert(commit.sigs[i].flag == COMMIT_ABSENT || !address_equal(&commit.sigs[i].validator_address, &address_of_absent));
    arena_close(&arena);
    sim_set_signer(sim, 0, 10);
    must_reach(sim, 20, 120000);
    sim_free(sim);
}
END_TEST

/* The engine wishes once. Without a second question the round that all were silent in would never end. */
START_TEST(when_too_many_signers_were_away_the_round_still_ends) {
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct sim *sim = sim_far(seed, 15);
        must_reach(sim, 3, 60000);
        for (uint32_t i = 0; i < 4; i++)
            sim_set_signer(sim, i, -1);
        sim_run_for(sim, 20000);
        int64_t height = sim_ledger(sim, 0)->state.height;
        for (uint32_t i = 0; i < 4; i++)
            sim_set_signer(sim, i, 10);
        must_reach(sim, height + 4, 60000);
        sim_free(sim);
    }
}
END_TEST

static unsigned refusals;

static void count_refusals(void *context, uint32_t node, const char *text) {
    (void)context, (void)node;
    refusals += strstr(text, "vote of") != NULL && strstr(text, "not signed") != NULL;
}

/* Falls at any moment: what a far signer signed comes back the same or not at all, and the chain goes on. What the journal holds is not asked again. */
START_TEST(nodes_with_far_signers_fall_and_come_back) {
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct sim_config config;
        sim_defaults(&config);
        config.seed = seed;
        config.remote_signers = 15;
        config.watch.happened = count_refusals;
        refusals = 0;
        struct sim *sim = sim_new(&config);
        for (uint32_t i = 0; i < 4; i++)
            sim_set_signer(sim, i, (int64_t)(seed * 13 % 90));
        for (uint32_t fall = 0; fall < 8; fall++) {
            uint32_t node = (uint32_t)((seed + fall) % 4);
            sim_run_for(sim, (int64_t)(300 + seed * 97 % 700));
            sim_kill(sim, node);
            sim_run_for(sim, (int64_t)(50 + fall * 130));
            ck_assert_msg(sim_start(sim, node), "%s", sim_complaint(sim));
        }
        must_reach(sim, sim_ledger(sim, 0)->state.height + 4, 120000);
        ck_assert_msg(refusals == 0, "seed %u: votes were asked for again", (unsigned)seed);
        sim_free(sim);
    }
}
END_TEST

static struct sim *sim_lone(uint64_t remote, int64_t signer_ms) {
    struct sim_config config;
    sim_defaults(&config);
    config.nodes = 1;
    config.remote_signers = remote;
    struct sim *sim = sim_new(&config);
    sim_set_signer(sim, 0, signer_ms);
    return sim;
}

START_TEST(the_journal_is_on_the_disk_before_a_far_signer_is_asked) {
    uint64_t flushes[2];
    for (uint64_t remote = 0; remote < 2; remote++) {
        struct sim *sim = sim_lone(remote, 0);
        must_reach(sim, 3, 60000);
        uint64_t before = sim_flushes(sim, 0);
        must_reach(sim, 43, 60000);
        flushes[remote] = sim_flushes(sim, 0) - before;
        sim_free(sim);
    }
    ck_assert_uint_ge(flushes[0], 40 * 3);
    ck_assert_uint_ge(flushes[1], flushes[0]); /* the near signer flushes as much, by the law that other tests hold it to */
}
END_TEST

START_TEST(what_the_journal_did_not_answer_is_asked_as_soon_as_it_is_read_back) {
    struct sim *sim = sim_lone(1, 300);
    must_reach(sim, 3, 60000);
    for (int fall = 0; fall < 6; fall++) {
        const struct engine *engine = replica_engine(sim_replica(sim, 0));
        for (int ms = 0; ms < 5000 && engine->phase != ENGINE_PREVOTE; ms++)
            sim_run_for(sim, 1);
        ck_assert_int_eq(engine->phase, ENGINE_PREVOTE);
        sim_run_for(sim, 40 * fall); /* asked, and not answered */
        sim_kill(sim, 0);
        ck_assert(sim_start(sim, 0));
        must_reach(sim, sim_ledger(sim, 0)->state.height + 1, 700); /* a prevote, a precommit */
    }
    sim_free(sim);
}
END_TEST

Suite *suite_remote_signer(void) {
    Suite *suite = suite_create("remote_signer");
    TCase *tests = tcase_create("links");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, votes_and_proposals_are_signed_far_away, 0, 2);
    tcase_add_test(tests, the_wait_for_a_signer_gives_its_key);
    tcase_add_test(tests, the_wait_for_a_signer_ends_without_one);
    tcase_add_test(tests, the_link_outlives_idle_times);
    tcase_add_test(tests, a_signer_that_is_started_again_goes_on_with_its_mark);
    tcase_add_loop_test(tests, a_node_that_is_started_again_is_found_again, 0, 2);
    tcase_add_test(tests, the_signers_side_signs_nothing_twice);
    tcase_add_test(tests, the_same_vote_at_another_time_comes_back_with_its_first_time);
    tcase_add_test(tests, extensions_are_signed_where_the_chain_has_them);
    tcase_add_test(tests, behind_a_link_that_signed_the_pause_is_short_again);
    tcase_add_test(tests, a_node_that_hangs_up_at_once_costs_few_dials_and_no_sockets);
    tcase_add_test(tests, a_wish_without_a_signer_is_refused_in_time);
    tcase_add_test(tests, what_waits_is_of_the_newest_height_and_round);
    tcase_add_test(tests, however_much_is_asked_little_waits);
    tcase_add_test(tests, an_answer_to_another_question_is_not_used_and_ends_the_link);
    tcase_add_test(tests, the_timestamp_alone_may_be_another);
    tcase_add_test(tests, a_second_answer_ends_the_link_and_harms_nothing);
    tcase_add_test(tests, a_signer_that_does_not_answer_costs_the_vote_and_its_link);
    tcase_add_test(tests, a_signer_that_died_without_a_word_makes_room_for_its_successor);
    tcase_add_test(tests, a_second_signer_is_turned_away_while_the_first_lives);
    tcase_add_test(tests, of_two_signers_who_come_together_one_stays);
    tcase_add_test(tests, a_signer_with_another_key_is_no_successor);
    tcase_add_test(tests, those_who_never_show_a_key_hold_no_place);
    tcase_add_test(tests, messages_above_ten_kibibytes_are_not_waited_for);
    tcase_add_test(tests, garbage_harms_nobody);
    tcase_add_test(tests, garbage_from_a_node_harms_no_signer);
    tcase_add_test(tests, a_socket_where_somebody_listens_is_not_taken_away);
    tcase_add_test(tests, what_is_no_vote_of_this_chain_is_refused_and_leaves_no_mark);
    tcase_add_test(tests, a_precommit_for_a_block_has_its_extension_signed_also_when_it_is_empty);
    tcase_add_test(tests, answers_are_no_questions);
    tcase_add_test(tests, another_chain_does_not_even_learn_the_key);
    tcase_add_test(tests, two_processes_do_not_sign_with_one_mark);
    suite_add_tcase(suite, tests);
    TCase *networks = tcase_create("networks");
    tcase_set_timeout(networks, 300);
    tcase_add_test(networks, a_network_of_far_signers_agrees);
    tcase_add_test(networks, a_lone_validator_with_a_far_signer_goes_on);
    tcase_add_test(networks, a_signer_that_is_away_costs_its_own_votes_and_nobody_elses);
    tcase_add_test(networks, when_too_many_signers_were_away_the_round_still_ends);
    tcase_add_test(networks, nodes_with_far_signers_fall_and_come_back);
    tcase_add_test(networks, the_journal_is_on_the_disk_before_a_far_signer_is_asked);
    tcase_add_test(networks, what_the_journal_did_not_answer_is_asked_as_soon_as_it_is_read_back);
    suite_add_tcase(suite, networks);
    return suite;
}
