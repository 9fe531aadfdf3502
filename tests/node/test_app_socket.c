/* An application in another process: a good one (ours, behind its server), and every kind of bad one. Each application here is a process of its own,
 * and so is each node that is expected to end. */
#include <check.h>
#include <event2/event.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "node/abci_server.h"
#include "node/app_socket.h"
#include "tests/ledger/chain.h"

enum { EXIT_SAID = 5, ARENA_MAX = 256 << 20 };

static char folder[64], address[100];
static pid_t other; /* the application */

static void setup(void) {
    strcpy(folder, "/tmp/quorate-app-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(address, sizeof address, "unix://%s/app", folder);
    signal(SIGPIPE, SIG_IGN);
    other = 0;
}

static void end_application(void) {
    if (other > 0) {
        kill(other, SIGKILL);
        waitpid(other, NULL, 0);
    }
    other = 0;
}

static void teardown(void) {
    end_application();
    unlink(address + 7);
    rmdir(folder);
}

/* ---- applications by script */

struct seat { /* one connection, in a process of its own */
    int fd;
    struct abci_request request;
    struct arena arena;
    uint32_t seen; /* requests so far */
};
typedef void script(struct seat *seat); /* answers one request */

static void put_bytes(struct seat *seat, const void *bytes, size_t size) {
    const uint8_t *at = bytes;
    while (size > 0) {
        ssize_t sent = write(seat->fd, at, size);
        if (sent <= 0)
            _exit(0);
        at += sent;
        size -= (size_t)sent;
    }
}

static struct span encode(struct seat *seat, const struct abci_response *response) {
    struct proto_writer writer;
    proto_writer_measure(&writer);
    abci_response_write(&writer, response);
    size_t size = writer.size, all = size + proto_varint_size(size);
    uint8_t *bytes = arena_take(&seat->arena, all, 1);
    proto_writer_init(&writer, bytes, all);
    proto_put_varint(&writer, size);
    abci_response_write(&writer, response);
    return proto_writer_span(&writer);
}

static void put(struct seat *seat, const struct abci_response *response) {
    struct span bytes = encode(seat, response);
    put_bytes(seat, bytes.data, bytes.size);
}

static void put_plain(struct seat *seat, enum abci_call call) { put(seat, &(struct abci_response){.call = call}); }

static bool take_byte(int fd, uint8_t *byte) { return read(fd, byte, 1) == 1; }

static bool take_request(struct seat *seat) {
    uint64_t size = 0;
    uint8_t byte = 0x80;
    arena_reset(&seat->arena);
    for (unsigned shift = 0; byte >= 0x80; shift += 7) {
        if (!take_byte(seat->fd, &byte))
            return false;
        size |= (uint64_t)(byte & 0x7f) << shift;
    }
    uint8_t *bytes = arena_take(&seat->arena, size, 1);
    for (size_t at = 0; at < size;) {
        ssize_t got = read(seat->fd, bytes + at, size - at);
        if (got <= 0)
            return false;
        at += (size_t)got;
    }
    seat->seen++;
    return abci_request_decode(&seat->request, span_of(bytes, size), &seat->arena);
}

static int listen_here(void) {
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    snprintf(name.sun_path, sizeof name.sun_path, "%s", address + 7);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert(bind(fd, (struct sockaddr *)&name, sizeof name) == 0 && listen(fd, 8) == 0);
    return fd;
}

static void serve_connection(int fd, script *act) {
    struct seat seat = {.fd = fd};
    arena_init(&seat.arena, ARENA_MAX);
    while (take_request(&seat))
        act(&seat);
    _exit(0);
}

static void begin_script(script *act) {
    int door = listen_here();
    other = fork();
    if (other != 0) {
        close(door);
        return;
    }
    signal(SIGCHLD, SIG_IGN);
    for (;;) {
        int fd = accept(door, NULL, NULL);
        if (fork() == 0)
            serve_connection(fd, act);
        close(fd);
    }
}

/* ---- the node's side */

static int64_t limit_ms;
static int said_fd = -1;
static int stop_after = -1; /* questions whether we are to stop, before the answer is yes; −1: never */

static void on_fail(void *context, const char *what) __attribute__((noreturn));
static void on_fail(void *context, const char *what) {
    (void)context;
    ssize_t written = write(said_fd, what, strlen(what));
    _exit(written > 0 ? EXIT_SAID : 1);
}

static void on_log(void *context, enum world_level level, const char *text) { (void)context, (void)level, (void)text; }

static bool on_stopping(void *context) {
    (void)context;
    return stop_after == 0 || (stop_after > 0 && --stop_after == 0);
}

static struct app *dial(void) {
    struct app_socket_settings settings = {
        .address = address, .version = "0.38.17", .limit_ms = limit_ms, .stopping = on_stopping, .log = on_log, .fail = on_fail};
    char *error = NULL;
    struct app *app = app_socket_open(&settings, &error);
    free(error);
    return app;
}

static struct arena arena;
typedef void usage(struct app *app);

/* What the node says when it ends because of the application. */
static const char *said(script *act, usage *use) {
    static char text[1024];
    int ends[2], status;
    begin_script(act);
    ck_assert_int_eq(pipe(ends), 0);
    pid_t node = fork();
    if (node == 0) {
        said_fd = ends[1];
        arena_init(&arena, ARENA_MAX);
        use(dial());
        _exit(0);
    }
    close(ends[1]);
    ssize_t got = read(ends[0], text, sizeof text - 1);
    text[got > 0 ? got : 0] = '\0';
    close(ends[0]);
    waitpid(node, &status, 0);
    end_application();
    unlink(address + 7);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SAID, "status %x: %s", (unsigned)status, text);
    ck_assert_ptr_nonnull(strstr(text, address));
    return text;
}

#define SAYS(act, use, word)                                          \
    do {                                                              \
        const char *text = said(act, use);                            \
        ck_assert_msg(strstr(text, word) != NULL, "%s: %s", #act, text); \
    } while (0)

static void use_commit(struct app *app) { app->table->commit(app, NULL); }

static void use_info(struct app *app) {
    struct abci_info info;
    app->table->info(app, &info, &arena);
}

static void use_check(struct app *app) {
    struct abci_check check;
    app->table->check_tx(app, &check, span_text("tx"), false, &arena);
}

static struct abci_block small_block(void) {
    static struct span txs[2];
    txs[0] = span_text("first");
    txs[1] = span_text("second");
    return (struct abci_block){.txs = txs, .tx_count = 2, .height = 7};
}

static void use_process(struct app *app) {
    struct abci_block block = small_block();
    app->table->process_proposal(app, &block, &arena);
}

static void use_prepare(struct app *app) {
    struct abci_block block = small_block();
    struct app_proposed *proposed;
    app->table->rewrite_proposal(app, &proposed, &block, 20, &arena);
}

static void use_verify(struct app *app) { app->table->verify_vote_extension(app, &(struct abci_extension){.height = 1}); }

/* ---- bad answers */

static void another_type(struct seat *seat) { put_plain(seat, seat->request.call == ABCI_COMMIT ? ABCI_INFO : seat->request.call); }
static void flush_before(struct seat *seat) {
    if (seat->request.call == ABCI_FLUSH)
        put_plain(seat, ABCI_COMMIT);
    else
        put_plain(seat, ABCI_FLUSH);
}
static void unknown_type(struct seat *seat) { put_bytes(seat, "\x03\xb2\x01\x00", 4); }
static void no_length(struct seat *seat) { put_bytes(seat, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12); }
static void too_long(struct seat *seat) { put_bytes(seat, "\x80\x80\x80\x80\x08", 5); }
static void no_message(struct seat *seat) { put_bytes(seat, "\x04\x62\x02\x18", 4), put_bytes(seat, "\xff", 1); }
static void an_exception(struct seat *seat) {
    struct abci_response response = {.call = ABCI_EXCEPTION};
    response.error = span_text("boom");
    put(seat, &response);
    _exit(0);
}
static void a_crash(struct seat *seat) { (void)seat, _exit(1); }
static void half_an_answer(struct seat *seat) { put_bytes(seat, "\x10\x62", 2), _exit(1); }
static void silence(struct seat *seat) { (void)seat; }
static void status_unknown(struct seat *seat) { put_plain(seat, seat->request.call); }
static void too_much(struct seat *seat) {
    static struct span txs[2];
    struct abci_response response = {.call = seat->request.call};
    txs[0] = span_text("first");
    txs[1] = span_text("something longer");
    if (response.call == ABCI_PREPARE_PROPOSAL)
        response.txs = (struct abci_spans){2, txs};
    put(seat, &response);
}
static void lists_without_end(struct seat *seat) { /* wound 35: what is announced takes much more memory than its bytes */
    struct abci_response response = {.call = seat->request.call};
    if (response.call == ABCI_PREPARE_PROPOSAL) {
        response.txs.count = 1 << 22;
        response.txs.list = calloc(response.txs.count, sizeof(struct span));
    }
    put(seat, &response);
}

START_TEST(whatever_nonsense_it_answers_the_node_ends_with_the_call_the_fault_and_the_address) {
    SAYS(another_type, use_commit, "answers Commit with Info (consensus connection)");
    SAYS(flush_before, use_commit, "answers Commit with Flush");
    SAYS(unknown_type, use_info, "answers Info with something else (query connection): does it speak ABCI 2.0?");
    SAYS(no_length, use_commit, "something that is no message");
    SAYS(too_long, use_check, "answers CheckTx with something that is no message: its length is malformed or above 2147483647");
    SAYS(no_message, use_commit, "answers Commit with 4 bytes that are no response");
    SAYS(status_unknown, use_process, "answers ProcessProposal with status 0");
    SAYS(status_unknown, use_verify, "answers VerifyVoteExtension with status 0");
    SAYS(too_much, use_prepare, "answers PrepareProposal with 25 bytes of transactions, the block at height 7 has room for 20");
    SAYS(lists_without_end, use_prepare, "answers PrepareProposal with 8388608 bytes of transactions");
}
END_TEST

START_TEST(an_exception_is_told_in_its_words_and_a_crash_as_a_crash) {
    SAYS(an_exception, use_check, "refuses CheckTx: boom");
    SAYS(an_exception, use_info, "refuses Info: boom");
    SAYS(a_crash, use_commit, "has closed the connection: did it crash?");
    SAYS(half_an_answer, use_commit, "has closed the connection: did it crash?");
}
END_TEST

START_TEST(an_application_that_hangs_ends_the_node_after_the_limit) {
    limit_ms = 300;
    SAYS(silence, use_commit, "has not answered Commit for 0 s: does it hang?");
}
END_TEST

static void use_loop(struct app *app) {
    struct event_base *base = event_base_new();
    app_socket_watch(app, base);
    event_base_dispatch(base);
}

static void use_commit_then_loop(struct app *app) {
    use_commit(app);
    use_loop(app);
}

static void one_answer_too_many(struct seat *seat) {
    put_plain(seat, seat->request.call);
    if (seat->request.call == ABCI_FLUSH)
        put_plain(seat, ABCI_FLUSH);
}

static void two_flushes_at_once(struct seat *seat) {
    if (seat->request.call == ABCI_FLUSH)
        put_bytes(seat, "\x02\x1a\x00\x02\x1a\x00", 6);
    else
        put_plain(seat, seat->request.call);
}

static void leaves_when_idle(struct seat *seat) {
    put_plain(seat, seat->request.call);
    if (seat->request.call == ABCI_FLUSH)
        _exit(0);
}

START_TEST(between_two_calls_it_is_noticed_when_the_application_goes_or_speaks) {
    SAYS(leaves_when_idle, use_commit_then_loop, "has closed the connection: did it crash? (consensus connection)");
    SAYS(one_answer_too_many, use_commit_then_loop, "says something that was not asked (consensus connection)");
    SAYS(two_flushes_at_once, use_commit, "says something that was not asked (consensus connection)"); /* at once, before the next call */
}
END_TEST

START_TEST(a_start_waits_for_the_application_until_it_is_asked_to_stop) {
    char *error = NULL;
    struct app_socket_settings settings = {.address = address, .version = "", .stopping = on_stopping, .log = on_log, .fail = on_fail};
    stop_after = 40;
    ck_assert_ptr_null(app_socket_open(&settings, &error));
    ck_assert_ptr_nonnull(strstr(error, "asked to stop before the application was there"));
    ck_assert_int_eq(stop_after, 0); /* it was asked again and again, so it waited for more than one attempt */
    free(error);
}
END_TEST

/* ---- good answers in difficult ways */

static void byte_by_byte(struct seat *seat) {
    struct abci_response response = {.call = seat->request.call};
    if (response.call == ABCI_COMMIT)
        response.retain_height = 300;
    struct span bytes = encode(seat, &response);
    for (size_t i = 0; i < bytes.size; i++) {
        put_bytes(seat, bytes.data + i, 1);
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
}

START_TEST(an_answer_may_come_byte_by_byte) {
    begin_script(byte_by_byte);
    struct app *app = dial();
    ck_assert_int_eq(app->table->commit(app, NULL), 300);
    app->table->close(app);
}
END_TEST

/* As CometBFT's servers: nothing goes out before a flush. Answers are as large as the questions, so that both sides' sockets fill up. */
static void only_on_flush(struct seat *seat) {
    static uint8_t *waiting;
    static size_t size;
    struct abci_response response = {.call = seat->request.call};
    if (response.call == ABCI_CHECK_TX) {
        response.check_tx.data = seat->request.check_tx.tx;
        response.check_tx.code = seat->request.check_tx.type == ABCI_CHECK_AGAIN ? 3 : 0;
    }
    struct span bytes = encode(seat, &response);
    waiting = realloc(waiting, size + bytes.size);
    memcpy(waiting + size, bytes.data, bytes.size);
    size += bytes.size;
    if (response.call != ABCI_FLUSH)
        return;
    put_bytes(seat, waiting, size);
    size = 0;
}

START_TEST(many_checks_under_way_come_back_in_order_whatever_their_size) {
    enum { TX_BYTES = 100 * 1000 };
    uint8_t *tx = calloc(1, TX_BYTES);
    begin_script(only_on_flush);
    struct app *app = dial();
    arena_init(&arena, ARENA_MAX);
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < APP_AHEAD_MAX; i++) {
            tx[0] = (uint8_t)i;
            app->table->check_send(app, span_of(tx, TX_BYTES), round == 1);
        }
        for (uint32_t i = 0; i < APP_AHEAD_MAX; i++) {
            struct abci_check check;
            arena_reset(&arena);
            app->table->check_take(app, &check, &arena);
            ck_assert_uint_eq(check.result.data.size, TX_BYTES);
            ck_assert_uint_eq(check.result.data.data[0], (uint8_t)i);
            ck_assert_uint_eq(check.result.code, round == 1 ? 3 : 0);
        }
    }
    struct abci_check check;
    app->table->check_tx(app, &check, span_text("alone"), false, &arena);
    ck_assert(span_equal(check.result.data, span_text("alone")));
    app->table->close(app);
    arena_close(&arena);
    free(tx);
}
END_TEST

START_TEST(words_that_the_caller_has_no_room_for_are_left_out) {
    uint8_t *tx = calloc(1, 1 << 21);
    begin_script(only_on_flush);
    struct app *app = dial();
    struct abci_check check;
    arena_init(&arena, 1 << 20); /* as the mempool's */
    app->table->check_tx(app, &check, span_of(tx, 1 << 21), true, &arena);
    ck_assert_uint_eq(check.result.data.size, 0);
    ck_assert_uint_eq(check.result.code, 3);
    app->table->close(app);
    arena_close(&arena);
    free(tx);
}
END_TEST

static void drops_and_adds(struct seat *seat) {
    static struct span txs[3];
    struct abci_response response = {.call = seat->request.call};
    if (response.call == ABCI_PREPARE_PROPOSAL) {
        txs[0] = span_text("new");
        txs[1] = seat->request.block.txs[1];
        response.txs = (struct abci_spans){2, txs};
    }
    put(seat, &response);
}

START_TEST(a_proposal_may_drop_and_add_and_what_stays_is_recognized) {
    begin_script(drops_and_adds);
    struct app *app = dial();
    struct abci_block block = small_block();
    struct app_proposed *proposed;
    arena_init(&arena, ARENA_MAX);
    ck_assert_uint_eq(app->table->rewrite_proposal(app, &proposed, &block, 1000, &arena), 2);
    ck_assert(span_equal(proposed[0].tx, span_text("new")));
    ck_assert_int_eq(proposed[0].origin, -1);
    ck_assert_int_eq(proposed[1].origin, 1);
    app->table->close(app);
    arena_close(&arena);
}
END_TEST

static void slow_query(struct seat *seat) {
    struct abci_response response = {.call = seat->request.call};
    if (response.call == ABCI_QUERY) {
        nanosleep(&(struct timespec){0, 300 * 1000000}, NULL);
        response.query.code = 7;
    }
    put(seat, &response);
}

static atomic_bool queried;

static void *query_in_thread(void *context) {
    static struct arena own;
    static struct abci_answer answer;
    struct app *app = context;
    struct abci_query question = {.data = span_text("key")};
    arena_init(&own, 1 << 20);
    for (int i = 0; i < 3; i++)
        app->table->query(app, &answer, &question, &own);
    arena_close(&own);
    atomic_store(&queried, true);
    return answer.code == 7 ? context : NULL;
}

START_TEST(a_slow_query_on_another_thread_holds_up_nobody_and_is_no_unasked_answer) {
    struct event_base *base = event_base_new();
    pthread_t thread;
    void *result;
    uint32_t commits = 0;
    begin_script(slow_query);
    struct app *app = dial();
    app_socket_watch(app, base);
    ck_assert_int_eq(pthread_create(&thread, NULL, query_in_thread, app), 0);
    while (!atomic_load(&queried)) {
        event_base_loop(base, EVLOOP_NONBLOCK);
        app->table->commit(app, NULL);
        commits++;
    }
    pthread_join(thread, &result);
    ck_assert_ptr_nonnull(result);
    ck_assert_uint_gt(commits, 5);
    app->table->close(app);
    event_base_free(base);
}
END_TEST

/* ---- ours behind its server */

static void world_failed(void *context, const char *what) __attribute__((noreturn));
static void world_failed(void *context, const char *what) {
    (void)context;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void on_server_log(enum world_level level, const char *text) { (void)level, (void)text; }

static void begin_ours(const char *name) {
    int ends[2];
    char byte;
    ck_assert_int_eq(pipe(ends), 0);
    other = fork();
    if (other == 0) {
        struct event_base *base = event_base_new();
        struct abci_host host;
        char *error = NULL;
        bool good = abci_host_open(&host, name, kv_memory_new((struct kv_failure){NULL, world_failed}));
        struct abci_server *server = abci_server_new(base, &host, address, on_server_log, &error);
        if (!good || server == NULL || write(ends[1], "x", 1) != 1)
            _exit(1);
        event_base_dispatch(base);
        _exit(0);
    }
    close(ends[1]);
    ck_assert_int_eq(read(ends[0], &byte, 1), 1);
    close(ends[0]);
}

static struct app *open_apart(struct kv *kv, struct span chain_id) {
    (void)kv, (void)chain_id;
    return dial();
}

static void run_chain(struct chain *chain, const struct chain_config *config) {
    chain_open(chain, config);
    for (int i = 0; i < 5; i++) {
        char pair[32];
        snprintf(pair, sizeof pair, "key%d:value", i);
        chain_step(chain, (const char *[]){pair, "same=again"}, 2);
    }
}

START_TEST(behind_a_socket_our_application_gives_the_same_chain_as_built_in) {
    struct chain near, far;
    begin_ours("kvstore");
    run_chain(&near, &(struct chain_config){.open_app = NULL});
    run_chain(&far, &(struct chain_config){.open_app = open_apart});
    ck_assert(app_hash_equal(&near.ledger.state.app_hash, &far.ledger.state.app_hash));
    ck_assert(digest_equal(&near.ledger.state.results_hash, &far.ledger.state.results_hash));
    ck_assert(block_id_equal(&near.ledger.state.block_id, &far.ledger.state.block_id));
    struct abci_answer answer;
    struct abci_query question = {.data = span_text("key3"), .path = span_text("/store")};
    arena_init(&arena, ARENA_MAX);
    far.app->table->query(far.app, &answer, &question, &arena);
    ck_assert(span_equal(answer.value, span_text("value")));
    arena_close(&arena);
    chain_close(&near);
    chain_close(&far);
}
END_TEST

START_TEST(a_new_application_gets_the_whole_chain) {
    struct chain far;
    begin_ours("kvstore");
    run_chain(&far, &(struct chain_config){.open_app = open_apart});
    chain_shut(&far);
    end_application();
    begin_ours("kvstore");
    chain_reopen(&far);
    ck_assert_int_eq(far.ledger.replayed, 5);
    chain_run(&far, 2);
    chain_close(&far);
}
END_TEST

static int dial_raw(void) {
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    snprintf(name.sun_path, sizeof name.sun_path, "%s", address + 7);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&name, sizeof name), 0);
    return fd;
}

/* Everything that comes until the other side closes. */
static size_t read_all(int fd, uint8_t *bytes, size_t capacity) {
    size_t size = 0;
    for (ssize_t got; size < capacity && (got = read(fd, bytes + size, capacity - size)) > 0;)
        size += (size_t)got;
    close(fd);
    return size;
}

START_TEST(our_server_closes_on_nonsense_and_goes_on_with_others) {
    static const struct {
        const char *bytes;
        size_t size;
    } bad[] = {{"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 11}, {"\x80\x80\x80\x80\x08", 5}, {"\x02\x0a\x05", 3}};
    uint8_t bytes[512];
    begin_ours("kvstore");
    for (size_t i = 0; i < 3; i++) {
        int fd = dial_raw();
        ck_assert_int_eq(write(fd, bad[i].bytes, bad[i].size), (ssize_t)bad[i].size);
        ck_assert_uint_eq(read_all(fd, bytes, sizeof bytes), 0);
    }
    int fd = dial_raw(); /* a call of another release: an exception, then the end (wound 44) */
    ck_assert_int_eq(write(fd, "\x02\x12\x00\x03\xaa\x01\x00", 7), 7);
    size_t size = read_all(fd, bytes, sizeof bytes);
    ck_assert_uint_gt(size, 3);
    ck_assert_int_eq(memcmp(bytes, "\x02\x1a\x00", 3), 0);
    ck_assert_int_eq(bytes[4], 0x0a);
    struct app *app = dial();
    ck_assert_int_eq(app->table->commit(app, NULL), 0);
    app->table->close(app);
}
END_TEST

START_TEST(our_server_turns_away_more_connections_than_it_has_places_for) {
    int fds[ABCI_SERVER_CONNECTIONS_MAX];
    uint8_t byte;
    begin_ours("kvstore");
    for (int i = 0; i < ABCI_SERVER_CONNECTIONS_MAX; i++) {
        fds[i] = dial_raw();
        ck_assert_int_eq(write(fds[i], "\x02\x12\x00", 3), 3);
        ck_assert_int_eq(read(fds[i], &byte, 1), 1);
    }
    int late = dial_raw();
    ck_assert_int_eq(read(late, &byte, 1), 0);
    close(late);
    for (int i = 0; i < ABCI_SERVER_CONNECTIONS_MAX; i++) { /* its place is free once it has closed too */
        uint8_t rest[16];
        shutdown(fds[i], SHUT_WR);
        read_all(fds[i], rest, sizeof rest);
    }
    struct app *app = dial();
    ck_assert_int_eq(app->table->commit(app, NULL), 0);
    app->table->close(app);
}
END_TEST

Suite *suite_app_socket(void);
Suite *suite_app_socket(void) {
    Suite *suite = suite_create("app_socket");
    TCase *tests = tcase_create("socket");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, whatever_nonsense_it_answers_the_node_ends_with_the_call_the_fault_and_the_address);
    tcase_add_test(tests, an_exception_is_told_in_its_words_and_a_crash_as_a_crash);
    tcase_add_test(tests, an_application_that_hangs_ends_the_node_after_the_limit);
    tcase_add_test(tests, between_two_calls_it_is_noticed_when_the_application_goes_or_speaks);
    tcase_add_test(tests, a_start_waits_for_the_application_until_it_is_asked_to_stop);
    tcase_add_test(tests, an_answer_may_come_byte_by_byte);
    tcase_add_test(tests, many_checks_under_way_come_back_in_order_whatever_their_size);
    tcase_add_test(tests, words_that_the_caller_has_no_room_for_are_left_out);
    tcase_add_test(tests, a_proposal_may_drop_and_add_and_what_stays_is_recognized);
    tcase_add_test(tests, a_slow_query_on_another_thread_holds_up_nobody_and_is_no_unasked_answer);
    tcase_add_test(tests, behind_a_socket_our_application_gives_the_same_chain_as_built_in);
    tcase_add_test(tests, a_new_application_gets_the_whole_chain);
    tcase_add_test(tests, our_server_closes_on_nonsense_and_goes_on_with_others);
    tcase_add_test(tests, our_server_turns_away_more_connections_than_it_has_places_for);
    suite_add_tcase(suite, tests);
    return suite;
}
