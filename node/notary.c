#include "node/notary.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "crypto/random.h"
#include "node/complaint.h"
#include "node/link.h"

enum { SAY_MS = 30000, SAY_MAX = 10 }; /* lines in that time about what the other side can repeat at will */

struct wish {
    struct world_signing signing; /* its extension is ours */
    int64_t deadline_ms;
};

struct notary {
    struct notary_settings settings;
    struct notary_listener listener;
    struct signlink_address address;
    struct signlink_settings link_settings;
    struct signlink_owner owner;
    struct ed25519_key *key; /* of the SecretConnection */
    struct evconnlistener *socket;
    bool is_bound; /* the unix socket's name is ours */
    struct newcomer {
        struct signlink *link; /* NULL: a free place */
        int64_t due_ms;        /* by then it has shown its key */
    } newcomers[NOTARY_NEWCOMERS_MAX];
    struct signlink *signer; /* NULL: away */
    struct pubkey signing_key; /* NONE: not shown yet */
    enum wire_privval_kind under_way; /* the answer that the signer owes us; 0: none */
    int64_t answer_due_ms, ping_due_ms;
    struct wish current; /* while a signature is under way */
    struct wish waiting[NOTARY_WAITING_MAX]; /* in order of asking */
    uint32_t waiting_count;
    struct event *turn;
    int64_t said_ms;
    uint32_t said_count;
};

static int64_t now_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void say(struct notary *notary, enum world_level level, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void say(struct notary *notary, enum world_level level, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    notary->listener.log(notary->listener.context, level, text);
}

static bool may_complain(struct notary *notary) {
    if (notary->said_count == 0 || now_ms() - notary->said_ms >= SAY_MS) {
        notary->said_ms = now_ms();
        notary->said_count = 0;
    }
    return notary->said_count < SAY_MAX && ++notary->said_count > 0;
}

bool notary_is_connected(const struct notary *notary) { return notary->signer != NULL; }

/* ---- wishes */

static int64_t height_of(const struct world_signing *signing) { return signing->is_proposal ? signing->proposal.height : signing->vote.height; }
static int32_t round_of(const struct world_signing *signing) { return signing->is_proposal ? signing->proposal.round : signing->vote.round; }
static int32_t type_of(const struct world_signing *signing) { return signing->is_proposal ? VOTE_PROPOSAL : signing->vote.type; }

static void wish_close(struct wish *wish) {
    free((void *)(uintptr_t)wish->signing.vote.extension.data);
    wish->signing.vote.extension = span_of(NULL, 0);
}

static void forget_waiting(struct notary *notary, uint32_t at) {
    wish_close(&notary->waiting[at]);
    notary->waiting_count--;
    memmove(&notary->waiting[at], &notary->waiting[at + 1], (notary->waiting_count - at) * sizeof notary->waiting[0]);
}

/* Overtaken: of an older height or round, or the same question again. */
static bool overtakes(const struct world_signing *newer, const struct world_signing *waiting) {
    if (height_of(newer) != height_of(waiting))
        return height_of(newer) > height_of(waiting);
    if (round_of(newer) != round_of(waiting))
        return round_of(newer) > round_of(waiting);
    return type_of(newer) == type_of(waiting);
}

void notary_ask(struct notary *notary, const struct world_signing *signing) {
    for (uint32_t i = notary->waiting_count; i > 0; i--) {
        const struct world_signing *waiting = &notary->waiting[i - 1].signing;
        if (!overtakes(signing, waiting))
            continue;
        say(notary, WORLD_WARN, "the signer was not asked about %" PRId64 "/%d (type %d) in time: %" PRId64 "/%d has come", height_of(waiting),
            round_of(waiting), type_of(waiting), height_of(signing), round_of(signing));
        forget_waiting(notary, i - 1);
    }
    if (notary->waiting_count == NOTARY_WAITING_MAX)
        forget_waiting(notary, 0);
    struct wish *wish = &notary->waiting[notary->waiting_count++];
    *wish = (struct wish){*signing, now_ms() + notary->settings.timeout_ms};
    struct span extension = signing->vote.extension;
    if (extension.data != NULL) {
        uint8_t *copy = malloc(extension.size + 1);
        assert(copy != NULL);
        memcpy(copy, extension.data, extension.size);
        wish->signing.vote.extension = span_of(copy, extension.size);
    }
    event_active(notary->turn, EV_TIMEOUT, 0);
}

static void answer(struct notary *notary, struct wish *wish, const char *refused) {
    wish->signing.refused = refused;
    notary->listener.answered(notary->listener.context, &wish->signing);
    wish_close(wish);
}

/* ---- asking the signer */

static void put_question(struct notary *notary, enum wire_privval_kind answer_kind, const struct wire_privval *question) {
    notary->under_way = answer_kind;
    notary->answer_due_ms = now_ms() + notary->settings.timeout_ms;
    notary->ping_due_ms = now_ms() + notary->settings.ping_ms;
    signlink_send(notary->signer, question);
}

static void ask_next(struct notary *notary) {
    notary->current = notary->waiting[0];
    notary->waiting[0].signing.vote.extension = span_of(NULL, 0);
    forget_waiting(notary, 0);
    const struct world_signing *signing = &notary->current.signing;
    struct wire_privval question = {
        .kind = signing->is_proposal ? WIRE_SIGN_PROPOSAL_REQUEST : WIRE_SIGN_VOTE_REQUEST,
        .chain_id = span_text(notary->settings.chain_id),
        .vote = signing->vote,
        .proposal = signing->proposal,
        .has_vote = !signing->is_proposal,
        .has_proposal = signing->is_proposal,
    };
    put_question(notary, signing->is_proposal ? WIRE_SIGNED_PROPOSAL_RESPONSE : WIRE_SIGNED_VOTE_RESPONSE, &question);
}

static void ping(struct notary *notary) {
    struct wire_privval question = {.kind = WIRE_PING_REQUEST};
    put_question(notary, WIRE_PING_RESPONSE, &question);
}

/* ---- turns of the loop */

static void expire_waiting(struct notary *notary) {
    int64_t now = now_ms();
    while (notary->waiting_count > 0 && notary->waiting[0].deadline_ms <= now) {
        struct wish wish = notary->waiting[0];
        notary->waiting[0].signing.vote.extension = span_of(NULL, 0);
        forget_waiting(notary, 0);
        answer(notary, &wish, notary->signer == NULL ? "no signer is connected" : "the signer was busy for too long");
    }
}

static void earlier(int64_t *earliest, int64_t due) {
    if (due < *earliest)
        *earliest = due;
}

static void arm(struct notary *notary) {
    int64_t due = INT64_MAX;
    if (notary->waiting_count > 0)
        earlier(&due, notary->waiting[0].deadline_ms);
    if (notary->signer != NULL)
        earlier(&due, notary->under_way != 0 ? notary->answer_due_ms : notary->ping_due_ms);
    for (int i = 0; i < NOTARY_NEWCOMERS_MAX; i++)
        if (notary->newcomers[i].link != NULL)
            earlier(&due, notary->newcomers[i].due_ms);
    if (due == INT64_MAX) {
        event_del(notary->turn);
        return;
    }
    int64_t delay = due - now_ms();
    struct timeval pause = {delay > 0 ? delay / 1000 : 0, delay > 0 ? delay % 1000 * 1000 : 0};
    event_add(notary->turn, &pause);
}

static void on_turn(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    struct notary *notary = context;
    if (notary->signer != NULL && notary->under_way != 0 && notary->answer_due_ms <= now_ms())
        signlink_kill(notary->signer, "no answer in time");
    for (int i = 0; i < NOTARY_NEWCOMERS_MAX; i++)
        if (notary->newcomers[i].link != NULL && notary->newcomers[i].due_ms <= now_ms())
            signlink_kill(notary->newcomers[i].link, "it did not show its key in time");
    expire_waiting(notary);
    if (notary->signer != NULL && notary->under_way == 0 && notary->waiting_count > 0)
        ask_next(notary);
    else if (notary->signer != NULL && notary->under_way == 0 && notary->ping_due_ms <= now_ms())
        ping(notary);
    arm(notary);
}

/* ---- what signers say */

static struct newcomer *place_of(struct notary *notary, const struct signlink *link) {
    for (int i = 0; i < NOTARY_NEWCOMERS_MAX; i++)
        if (notary->newcomers[i].link == link)
            return &notary->newcomers[i];
    return NULL;
}

static void on_ready(void *context, struct signlink *link) {
    struct notary *notary = context;
    struct wire_privval question = {.kind = WIRE_PUB_KEY_REQUEST, .chain_id = span_text(notary->settings.chain_id)};
    signlink_send(link, &question);
}

/* NULL, or why this one is not our signer. */
static const char *judge_key(struct notary *notary, const struct wire_privval *message) {
    if (message->kind != WIRE_PUB_KEY_RESPONSE)
        return "it answered the question for its key with something else";
    if (message->has_error || message->pub_key.type == PUBKEY_NONE)
        return "it does not tell its key: does it serve this chain?";
    if (notary->signing_key.type != PUBKEY_NONE && !pubkey_equal(&notary->signing_key, &message->pub_key))
        return "its key is another one than before; this node must be restarted to change keys";
    return notary->signer != NULL ? "another signer is connected" : NULL;
}

static void welcome(struct notary *notary, struct signlink *link, const struct wire_privval *message) {
    const char *wrong = judge_key(notary, message);
    if (wrong != NULL) {
        signlink_kill(link, wrong);
        return;
    }
    place_of(notary, link)->link = NULL;
    notary->signer = link;
    notary->signing_key = message->pub_key;
    notary->under_way = 0;
    notary->ping_due_ms = now_ms() + notary->settings.ping_ms;
    if (may_complain(notary))
        say(notary, WORLD_INFO, "the remote signer is connected");
    event_active(notary->turn, EV_TIMEOUT, 0);
}

static void take_signature(struct notary *notary, const struct wire_privval *message) {
    struct wish wish = notary->current;
    char refused[256] = "";
    notary->current = (struct wish){0};
    const char *wrong = NULL;
    if (message->has_error)
        snprintf(refused, sizeof refused, "the signer refuses: %.*s", (int)(message->error_description.size < 200 ? message->error_description.size : 200),
                 (const char *)message->error_description.data);
    else
        wrong = notary_take(&wish.signing, message, &notary->signing_key, span_text(notary->settings.chain_id));
    if (wrong != NULL)
        signlink_kill(notary->signer, wrong);
    answer(notary, &wish, wrong != NULL ? wrong : message->has_error ? refused : NULL);
}

static void on_message(void *context, struct signlink *link, const struct wire_privval *message) {
    struct notary *notary = context;
    if (link != notary->signer) {
        welcome(notary, link, message);
        return;
    }
    if (message->kind != notary->under_way) {
        signlink_kill(link, notary->under_way == 0 ? "it speaks without being asked" : "its answer is not to the question");
        return;
    }
    notary->under_way = 0;
    if (message->kind != WIRE_PING_RESPONSE)
        take_signature(notary, message);
    event_active(notary->turn, EV_TIMEOUT, 0);
}

static void on_dead(void *context, struct signlink *link, const char *why) {
    struct notary *notary = context;
    struct newcomer *place = place_of(notary, link);
    if (place != NULL) {
        place->link = NULL;
        if (may_complain(notary))
            say(notary, WORLD_WARN, "a connection to priv_validator_laddr was no signer of ours: %s", why);
        signlink_free(link);
        return;
    }
    notary->signer = NULL;
    if (may_complain(notary))
        say(notary, WORLD_WARN, "the remote signer is gone: %s; nothing is signed until it is back", why);
    bool was_asked = notary->under_way == WIRE_SIGNED_VOTE_RESPONSE || notary->under_way == WIRE_SIGNED_PROPOSAL_RESPONSE;
    notary->under_way = 0;
    struct wish wish = notary->current;
    notary->current = (struct wish){0};
    if (was_asked)
        answer(notary, &wish, why);
    signlink_free(link);
    event_active(notary->turn, EV_TIMEOUT, 0);
}

/* ---- who comes */

/* A second one while the first is there: two signers of one key, each with its own mark, would be the way to sign twice. But a first one that died
 * without a word is found out. */
static void turn_away(struct notary *notary, int fd) {
    evutil_closesocket(fd);
    if (notary->signer != NULL && may_complain(notary))
        say(notary, WORLD_WARN, "a second signer was turned away: one is connected. Two of them with the same key could sign twice");
    if (notary->signer == NULL || notary->under_way != 0)
        return;
    notary->ping_due_ms = now_ms();
    event_active(notary->turn, EV_TIMEOUT, 0);
}

static void on_accept(struct evconnlistener *socket, evutil_socket_t fd, struct sockaddr *from, int size, void *context) {
    (void)socket;
    (void)from;
    (void)size;
    struct notary *notary = context;
    struct newcomer *place = notary->signer != NULL ? NULL : place_of(notary, NULL);
    if (place == NULL) {
        turn_away(notary, fd);
        return;
    }
    *place = (struct newcomer){signlink_accept(&notary->link_settings, &notary->owner, fd), now_ms() + notary->settings.timeout_ms};
    event_active(notary->turn, EV_TIMEOUT, 0);
}

static bool is_socket_dead(const struct sockaddr_un *where) {
    struct stat what;
    if (stat(where->sun_path, &what) != 0 || !S_ISSOCK(what.st_mode))
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool dead = fd >= 0 && connect(fd, (const struct sockaddr *)where, sizeof *where) != 0 && errno == ECONNREFUSED;
    if (fd >= 0)
        close(fd);
    return dead;
}

static char *listen_at(struct notary *notary) {
    struct sockaddr_storage where;
    struct sockaddr_un *local = (struct sockaddr_un *)&where;
    int size = sizeof *local;
    memset(&where, 0, sizeof where);
    if (notary->address.is_unix) {
        local->sun_family = AF_UNIX;
        memcpy(local->sun_path, notary->address.path, sizeof local->sun_path);
        if (is_socket_dead(local)) /* left behind by a node that was killed */
            unlink(local->sun_path);
    } else if (!notary->address.host.is_ip) {
        return complaint_of("priv_validator_laddr %s: to listen, tcp://IP:PORT is wanted", notary->settings.address);
    } else {
        size = (int)link_sockaddr(&where, &notary->address.host);
    }
    notary->socket = evconnlistener_new_bind(notary->settings.base, on_accept, notary,
                                             LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE | LEV_OPT_CLOSE_ON_EXEC, 16, (struct sockaddr *)&where, size);
    if (notary->socket == NULL)
        return complaint_of("cannot listen at priv_validator_laddr %s: %s", notary->settings.address, strerror(errno));
    notary->is_bound = notary->address.is_unix;
    return NULL;
}

uint16_t notary_port(const struct notary *notary) {
    struct sockaddr_storage where;
    socklen_t size = sizeof where;
    getsockname(evconnlistener_get_fd(notary->socket), (struct sockaddr *)&where, &size);
    return where.ss_family == AF_INET    ? ntohs(((struct sockaddr_in *)&where)->sin_port)
           : where.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&where)->sin6_port)
                                         : 0;
}

/* ---- life */

static void settle(struct notary *notary) {
    uint8_t seed[32];
    random_fill(seed, sizeof seed);
    notary->key = ed25519_key_new(seed);
    explicit_bzero(seed, sizeof seed);
    if (notary->settings.timeout_ms == 0)
        notary->settings.timeout_ms = NOTARY_TIMEOUT_MS;
    if (notary->settings.ping_ms == 0)
        notary->settings.ping_ms = NOTARY_PING_MS;
    notary->link_settings = (struct signlink_settings){
        .base = notary->settings.base,
        .key = notary->address.is_unix ? NULL : notary->key,
        .message_bytes_max = notary->settings.message_bytes_max,
        .shake_timeout_ms = notary->settings.timeout_ms,
    };
    notary->owner = (struct signlink_owner){notary, on_ready, on_message, on_dead};
    notary->turn = event_new(notary->settings.base, -1, 0, on_turn, notary);
    assert(notary->turn != NULL);
}

struct notary *notary_new(const struct notary_settings *settings, const struct notary_listener *listener, char **error) {
    struct notary *notary = calloc(1, sizeof *notary);
    assert(notary != NULL);
    notary->settings = *settings;
    notary->listener = *listener;
    const char *wrong = signlink_address_parse(&notary->address, settings->address);
    settle(notary);
    *error = wrong != NULL ? complaint_of("priv_validator_laddr \"%s\": %s", settings->address, wrong) : listen_at(notary);
    if (*error == NULL)
        return notary;
    notary_free(notary);
    return NULL;
}

void notary_free(struct notary *notary) {
    if (notary == NULL)
        return;
    for (int i = 0; i < NOTARY_NEWCOMERS_MAX; i++)
        signlink_free(notary->newcomers[i].link);
    signlink_free(notary->signer);
    while (notary->waiting_count > 0)
        forget_waiting(notary, 0);
    wish_close(&notary->current);
    if (notary->socket != NULL)
        evconnlistener_free(notary->socket);
    if (notary->is_bound)
        unlink(notary->address.path);
    event_free(notary->turn);
    ed25519_key_free(notary->key);
    free(notary);
}

static void on_slice(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    (void)context;
}

bool notary_wait(struct notary *notary, struct pubkey *key, int64_t wait_ms, bool *broken) {
    enum { TELL_MS = 10000 };
    int64_t end_ms = now_ms() + wait_ms, tell_ms = 0;
    struct event *slice = evtimer_new(notary->settings.base, on_slice, NULL);
    *broken = false;
    while (notary->signing_key.type == PUBKEY_NONE && now_ms() < end_ms && !*broken) {
        if (now_ms() >= tell_ms) {
            say(notary, WORLD_INFO, "waiting for the remote signer to connect to %s (%" PRId64 " s left)", notary->settings.address,
                (end_ms - now_ms() + 999) / 1000);
            tell_ms = now_ms() + TELL_MS;
        }
        event_add(slice, &(struct timeval){0, 50000});
        event_base_loop(notary->settings.base, EVLOOP_ONCE);
        *broken = event_base_got_break(notary->settings.base);
    }
    event_free(slice);
    *key = notary->signing_key;
    return notary->signing_key.type != PUBKEY_NONE;
}
