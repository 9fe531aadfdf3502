#include "node/signservice.h"

#include <assert.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "crypto/random.h"
#include "node/complaint.h"

struct signservice {
    struct signservice_settings settings;
    struct signer *signer;
    void (*log)(enum world_level level, const char *text);
    struct signlink_address address;
    struct signlink_settings link_settings;
    struct signlink_owner owner;
    struct ed25519_key *key; /* of the SecretConnection */
    struct signlink *link;
    struct event *turn; /* the next dial, or the end of an idle link */
    bool is_ready, has_asked, has_signed; /* of this link */
    int64_t ready_ms, heard_ms, pause_ms;
    uint64_t dials;
    char told[SIGNLINK_WHY_SIZE]; /* the last failure, said once */
};

static int64_t now_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void say(struct signservice *service, enum world_level level, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void say(struct signservice *service, enum world_level level, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    service->log(level, text);
}

uint64_t signservice_dials(const struct signservice *service) { return service->dials; }

/* ---- answers */

static void refuse(struct wire_privval *answer, const char *why) {
    vote_init(&answer->vote);
    proposal_init(&answer->proposal);
    answer->pub_key = (struct pubkey){0};
    answer->has_error = true;
    answer->error_description = span_text(why);
}

/* What the signer takes for granted. */
static bool is_id_good(const struct block_id *id) { return block_id_is_nil(id) || block_id_is_complete(id); }

static const char *refuse_vote(const struct vote *vote) {
    bool for_block = vote->type == VOTE_PRECOMMIT && !block_id_is_nil(&vote->block_id);
    if (!vote_type_is_vote(vote->type) || vote->height <= 0 || vote->round < 0 || !is_id_good(&vote->block_id) || !timestamp_valid(&vote->timestamp))
        return "this is no vote";
    return vote->extension.size > 0 && !for_block ? "an extension belongs to a precommit for a block" : NULL;
}

static const char *refuse_proposal(const struct proposal *proposal) {
    bool good = proposal->type == VOTE_PROPOSAL && proposal->height > 0 && proposal->round >= 0 && proposal->pol_round >= -1 &&
                block_id_is_complete(&proposal->block_id) && timestamp_valid(&proposal->timestamp);
    return good ? NULL : "this is no proposal";
}

/* The extension of a precommit for a block is signed in any case: the question does not tell an empty one from none. */
static const char *sign_vote(struct signer *signer, struct vote *vote, struct span chain_id) {
    const char *wrong = refuse_vote(vote);
    if (wrong != NULL)
        return wrong;
    if (vote->extension.data == NULL)
        vote->extension = span_text("");
    enum signer_verdict verdict = signer_vote(signer, vote, chain_id);
    return verdict > SIGNER_SAME ? signer_verdict_text(verdict) : NULL;
}

static const char *sign_proposal(struct signer *signer, struct proposal *proposal, struct span chain_id) {
    const char *wrong = refuse_proposal(proposal);
    if (wrong != NULL)
        return wrong;
    enum signer_verdict verdict = signer_proposal(signer, proposal, chain_id);
    return verdict > SIGNER_SAME ? signer_verdict_text(verdict) : NULL;
}

bool signservice_answer(struct signer *signer, struct wire_privval *answer, const struct wire_privval *question, struct span chain_id) {
    const char *wrong = question->kind != WIRE_PING_REQUEST && !span_equal(question->chain_id, chain_id) ? "this key signs for another chain" : NULL;
    *answer = *question;
    answer->chain_id = span_of(NULL, 0);
    switch (question->kind) {
    case WIRE_PUB_KEY_REQUEST:
        answer->kind = WIRE_PUB_KEY_RESPONSE;
        signer_public(signer, &answer->pub_key);
        break;
    case WIRE_SIGN_VOTE_REQUEST:
        answer->kind = WIRE_SIGNED_VOTE_RESPONSE;
        wrong = wrong != NULL ? wrong : sign_vote(signer, &answer->vote, chain_id);
        break;
    case WIRE_SIGN_PROPOSAL_REQUEST:
        answer->kind = WIRE_SIGNED_PROPOSAL_RESPONSE;
        wrong = wrong != NULL ? wrong : sign_proposal(signer, &answer->proposal, chain_id);
        break;
    case WIRE_PING_REQUEST: answer->kind = WIRE_PING_RESPONSE; break;
    default: return false;
    }
    if (wrong != NULL)
        refuse(answer, wrong);
    return true;
}

/* ---- the link */

static void wake_in(struct signservice *service, int64_t ms) {
    struct timeval pause = {ms / 1000, ms % 1000 * 1000};
    event_add(service->turn, &pause);
}

static void on_ready(void *context, struct signlink *link) {
    (void)link;
    struct signservice *service = context;
    service->is_ready = true;
    service->has_asked = service->has_signed = false;
    service->ready_ms = service->heard_ms = now_ms();
    wake_in(service, service->settings.idle_ms);
}

static void tell_answer(struct signservice *service, const struct wire_privval *question, const struct wire_privval *answer) {
    bool is_vote = question->kind == WIRE_SIGN_VOTE_REQUEST;
    if (!is_vote && question->kind != WIRE_SIGN_PROPOSAL_REQUEST) {
        if (answer->has_error)
            say(service, WORLD_WARN, "the node asks for chain \"%.*s\"; this key signs for \"%s\" alone", (int)question->chain_id.size,
                (const char *)question->chain_id.data, service->settings.chain_id);
        return;
    }
    int64_t height = is_vote ? question->vote.height : question->proposal.height;
    int32_t round = is_vote ? question->vote.round : question->proposal.round;
    const char *what = !is_vote ? "proposal" : question->vote.type == VOTE_PREVOTE ? "prevote" : "precommit";
    if (answer->has_error)
        say(service, WORLD_WARN, "%s of %" PRId64 "/%d refused: %.*s", what, height, round, (int)answer->error_description.size,
            (const char *)answer->error_description.data);
    else
        say(service, WORLD_DEBUG, "%s of %" PRId64 "/%d signed", what, height, round);
}

static void on_message(void *context, struct signlink *link, const struct wire_privval *question) {
    struct signservice *service = context;
    struct wire_privval answer;
    if (!signservice_answer(service->signer, &answer, question, span_text(service->settings.chain_id))) {
        signlink_kill(link, "the node asks no question");
        return;
    }
    if (!service->has_asked)
        say(service, WORLD_INFO, "connected to the node at %s", service->settings.address);
    service->has_asked = true;
    service->told[0] = '\0';
    service->heard_ms = now_ms();
    if (question->kind != WIRE_PING_REQUEST)
        tell_answer(service, question, &answer);
    service->has_signed |= question->kind != WIRE_PING_REQUEST && question->kind != WIRE_PUB_KEY_REQUEST && !answer.has_error;
    signlink_send(link, &answer);
}

static void on_dead(void *context, struct signlink *link, const char *why) {
    struct signservice *service = context;
    bool was_steady = service->is_ready && (service->has_signed || now_ms() - service->ready_ms >= service->settings.steady_ms);
    int64_t longer = 2 * service->pause_ms < service->settings.redial_max_ms ? 2 * service->pause_ms : service->settings.redial_max_ms;
    service->pause_ms = was_steady || service->pause_ms == 0 ? service->settings.redial_min_ms : longer;
    if (strcmp(service->told, why) != 0)
        say(service, WORLD_WARN, "no node at %s: %s; dialling again and again", service->settings.address, why);
    snprintf(service->told, sizeof service->told, "%s", why);
    service->link = NULL;
    service->is_ready = false;
    signlink_free(link);
    wake_in(service, service->pause_ms);
}

static void on_turn(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    struct signservice *service = context;
    if (service->link == NULL) {
        service->dials++;
        service->link = signlink_dial(&service->link_settings, &service->owner, &service->address);
    } else if (service->is_ready && now_ms() - service->heard_ms >= service->settings.idle_ms) {
        signlink_kill(service->link, "the node is silent");
    } else if (service->is_ready) {
        wake_in(service, service->settings.idle_ms - (now_ms() - service->heard_ms));
    }
}

/* ---- life */

static void default_to(int64_t *value, int64_t usual) {
    if (*value == 0)
        *value = usual;
}

static void settle(struct signservice *service) {
    struct signservice_settings *settings = &service->settings;
    uint8_t seed[32];
    random_fill(seed, sizeof seed);
    service->key = ed25519_key_new(seed);
    explicit_bzero(seed, sizeof seed);
    default_to(&settings->redial_min_ms, SIGNSERVICE_REDIAL_MIN_MS);
    default_to(&settings->redial_max_ms, SIGNSERVICE_REDIAL_MAX_MS);
    default_to(&settings->steady_ms, SIGNSERVICE_STEADY_MS);
    default_to(&settings->shake_ms, SIGNSERVICE_SHAKE_MS);
    default_to(&settings->idle_ms, SIGNSERVICE_IDLE_MS);
    service->link_settings = (struct signlink_settings){
        .base = settings->base,
        .key = service->address.is_unix ? NULL : service->key,
        .message_bytes_max = settings->message_bytes_max,
        .shake_timeout_ms = settings->shake_ms,
    };
    service->owner = (struct signlink_owner){service, on_ready, on_message, on_dead};
    service->turn = event_new(settings->base, -1, 0, on_turn, service);
    assert(service->turn != NULL);
    wake_in(service, 0);
}

struct signservice *signservice_new(const struct signservice_settings *settings, struct signer *signer,
                                    void (*log)(enum world_level level, const char *text), char **error) {
    struct signlink_address address;
    const char *wrong = signlink_address_parse(&address, settings->address);
    if (wrong != NULL) {
        *error = complaint_of("\"%s\": %s", settings->address, wrong);
        return NULL;
    }
    struct signservice *service = calloc(1, sizeof *service);
    assert(service != NULL);
    service->settings = *settings;
    service->signer = signer;
    service->log = log;
    service->address = address;
    settle(service);
    return service;
}

void signservice_free(struct signservice *service) {
    if (service == NULL)
        return;
    signlink_free(service->link);
    event_free(service->turn);
    ed25519_key_free(service->key);
    free(service);
}
