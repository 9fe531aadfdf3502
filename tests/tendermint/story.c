#include "tests/tendermint/story.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

enum { WORDS_MAX = 24, QUEUE_MAX = 512, WORD_SIZE = 24, TEXT_SIZE = 96 };

struct story {
    const char *name, *line;
    struct engine engine;
    struct engine_effects effects;
    struct engine_config config;
    struct engine_height begin;
    struct valset sets[2];
    bool shows[ENGINE_DO_HALT + 1];
    bool shows_floor, mute, proof_block;
    int32_t own;
    char queue[QUEUE_MAX][TEXT_SIZE];
    size_t head, tail;
    struct vote own_votes[16];
    size_t own_count;
    uint32_t word_count;
    char words[WORDS_MAX][WORD_SIZE];
};

struct block_id story_block_id(char letter) {
    struct block_id id = {0};
    if (letter == '0')
        return id;
    id.hash.size = id.parts.hash.size = 32;
    memset(id.hash.bytes, letter, 32);
    memset(id.parts.hash.bytes, letter + 128, 32);
    id.parts.total = 1;
    return id;
}

char story_letter(const struct block_id *id) { return block_id_is_nil(id) ? '0' : (char)id->hash.bytes[0]; }

void story_valset(struct valset *set, const int64_t *powers, uint32_t count) {
    struct valset_change *members = calloc(count, sizeof *members);
    ck_assert_ptr_nonnull(members);
    for (uint32_t i = 0; i < count; i++) {
        members[i].power = powers[i];
        members[i].address.size = 20;
        members[i].address.bytes[0] = (uint8_t)(i >> 8);
        members[i].address.bytes[1] = (uint8_t)i;
    }
    ck_assert_int_eq(valset_make(set, members, count), VALSET_GOOD);
    free(members);
}

struct vote story_vote(const struct valset *set, int64_t height, int32_t round, int32_t type, uint32_t index,
                       char letter) {
    struct vote vote;
    vote_init(&vote);
    vote.type = type;
    vote.height = height;
    vote.round = round;
    vote.block_id = story_block_id(letter);
    vote.timestamp = (struct timestamp){1700000000 + height % 1000, (int32_t)index};
    vote.validator_index = (int32_t)index;
    if (index < set->count)
        vote.validator_address = set->validators[index].address;
    vote.signature.size = 64;
    snprintf((char *)vote.signature.bytes, 64, "%d/%d/%d/%u/%c", (int)height, round, type, index, letter);
    return vote;
}

struct proposal story_proposal(int64_t height, int32_t round, int32_t pol_round, char letter) {
    struct proposal proposal;
    proposal_init(&proposal);
    proposal.type = VOTE_PROPOSAL;
    proposal.height = height;
    proposal.round = round;
    proposal.pol_round = pol_round;
    proposal.block_id = story_block_id(letter);
    return proposal;
}

struct engine_config story_config(void) {
    return (struct engine_config){
        .timeout_propose_ms = 3000,
        .timeout_propose_delta_ms = 500,
        .timeout_prevote_ms = 1000,
        .timeout_prevote_delta_ms = 500,
        .timeout_precommit_ms = 1000,
        .timeout_precommit_delta_ms = 500,
        .timeout_commit_ms = 1000,
        .create_empty_blocks = true,
    };
}

uint64_t story_random(struct story_random *random) {
    uint64_t z = random->state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

uint32_t story_random_below(struct story_random *random, uint32_t limit) {
    return (uint32_t)(story_random(random) % limit);
}

static const char *const phases[] = {"",       "new-height",   "new-round", "propose",        "prevote",
                                     "prevote-wait", "precommit", "precommit-wait", "commit"};

static const char *type_text(int32_t type) { return type == VOTE_PREVOTE ? "prevote" : "precommit"; }

static const char *id_text(const struct block_id *id) {
    static char texts[4][2];
    static int turn;
    if (block_id_is_nil(id))
        return "nil";
    turn = (turn + 1) % 4;
    texts[turn][0] = story_letter(id);
    return texts[turn];
}

void story_effect_text(char *out, size_t size, const struct engine_effect *e) {
    switch (e->kind) {
    case ENGINE_DO_STEP:
        snprintf(out, size, "step %d %s", e->round, phases[e->phase]);
        break;
    case ENGINE_DO_PROPOSE:
        if (block_id_is_nil(&e->block_id))
            snprintf(out, size, "propose new");
        else
            snprintf(out, size, "propose %s pol %d", id_text(&e->block_id), e->pol_round);
        break;
    case ENGINE_DO_VOTE:
        snprintf(out, size, "%s %s after %s", type_text(e->type), id_text(&e->block_id), id_text(&e->time_floor));
        break;
    case ENGINE_DO_TIMER:
        snprintf(out, size, "timer %s %d %lld", phases[e->phase], e->round, (long long)e->duration_ms);
        break;
    case ENGINE_DO_FETCH:
        snprintf(out, size, "fetch %s", id_text(&e->block_id));
        break;
    case ENGINE_DO_VALID:
        snprintf(out, size, "valid %s%s", id_text(&e->block_id), e->is_commit ? " commit" : "");
        break;
    case ENGINE_DO_HAVE:
        snprintf(out, size, "have %s %d from %u height %d", type_text(e->type), e->round, e->index, (int)e->height);
        break;
    case ENGINE_DO_DECIDE:
        snprintf(out, size, "decide %s round %d", id_text(&e->block_id), e->round);
        break;
    case ENGINE_DO_ACCUSE:
        snprintf(out, size, "accuse %d", e->vote_a.validator_index);
        break;
    case ENGINE_DO_HALT:
        snprintf(out, size, "halt %s", id_text(&e->block_id));
        break;
    }
}

_Noreturn static void wrong(const struct story *story, const char *why, const char *what) {
    ck_abort_msg("%s, at \"%s\": %s %s", story->name, story->line, why, what);
}

static void cut(char *text, const char *tail) {
    char *at = strstr(text, tail);
    if (at != NULL)
        *at = '\0';
}

static void show(struct story *story, const struct engine_effect *effect) {
    char *text = story->queue[story->tail];
    if (!story->shows[effect->kind])
        return;
    ck_assert_uint_lt(story->tail, QUEUE_MAX - 1);
    story_effect_text(text, TEXT_SIZE, effect);
    if (effect->kind == ENGINE_DO_VOTE && (!story->shows_floor || block_id_is_nil(&effect->time_floor)))
        cut(text, " after");
    if (effect->kind == ENGINE_DO_HAVE && effect->height == story->engine.height)
        cut(text, " height");
    story->tail++;
}

static void take_effects(struct story *story) {
    for (uint32_t i = 0; i < story->effects.count; i++) {
        const struct engine_effect *effect = &story->effects.list[i];
        show(story, effect);
        if (effect->kind == ENGINE_DO_VOTE && !story->mute)
            story->own_votes[story->own_count++] =
                story_vote(&story->engine.turn, effect->height, effect->round, effect->type, (uint32_t)story->own,
                           story_letter(&effect->block_id));
    }
}

static void feed(struct story *story, const struct engine_event *event) {
    engine_step(&story->engine, &story->effects, event);
    take_effects(story);
    while (story->own_count > 0) {
        struct engine_event own = {.kind = ENGINE_ON_VOTE, .peer = ROUNDS_OWN_PEER, .vote = story->own_votes[0]};
        story->own_count--;
        memmove(story->own_votes, story->own_votes + 1, story->own_count * sizeof *story->own_votes);
        engine_step(&story->engine, &story->effects, &own);
        take_effects(story);
    }
}

static const char *word(const struct story *story, uint32_t at) { return at < story->word_count ? story->words[at] : ""; }

static bool is(const struct story *story, uint32_t at, const char *text) { return strcmp(word(story, at), text) == 0; }

static int32_t number(const struct story *story, uint32_t at) {
    char *end;
    long value = strtol(word(story, at), &end, 10);
    if (*word(story, at) == '\0' || *end != '\0')
        wrong(story, "not a number:", word(story, at));
    return (int32_t)value;
}

static char letter(const struct story *story, uint32_t at) {
    if (is(story, at, "nil"))
        return '0';
    if (strlen(word(story, at)) != 1)
        wrong(story, "not a block:", word(story, at));
    return word(story, at)[0];
}

/* The number after `key` in the line, or `otherwise`. */
static int32_t option(const struct story *story, const char *key, int32_t otherwise) {
    for (uint32_t i = 0; i < story->word_count; i++)
        if (is(story, i, key))
            return number(story, i + 1);
    return otherwise;
}

static uint32_t phase_of(const struct story *story, uint32_t at) {
    for (uint32_t phase = 1; phase <= ENGINE_COMMIT; phase++)
        if (is(story, at, phases[phase]))
            return phase;
    wrong(story, "not a phase:", word(story, at));
}

static int32_t type_of(const struct story *story, uint32_t at) {
    if (!is(story, at, "prevote") && !is(story, at, "precommit"))
        wrong(story, "not a type of vote:", word(story, at));
    return is(story, at, "prevote") ? VOTE_PREVOTE : VOTE_PRECOMMIT;
}

static void begin(struct story *story) {
    int64_t height = story->engine.height + 1;
    struct valset *set = &story->sets[height & 1];
    if (height == 1)
        engine_init(&story->engine, &story->config, 1);
    else {
        valset_copy(set, &story->sets[(height - 1) & 1]);
        valset_increment(set, 1);
    }
    story->begin = (struct engine_height){.height = height, .validators = set, .proof_block = story->proof_block};
    if (story->own >= 0)
        story->begin.own = set->validators[story->own].address;
    engine_begin(&story->engine, &story->effects, &story->begin);
    take_effects(story);
}

static void feed_timeout(struct story *story, uint32_t phase, int32_t round) {
    struct engine_event event = {.kind = ENGINE_ON_TIMEOUT};
    event.timeout.height = story->engine.height;
    event.timeout.round = round;
    event.timeout.phase = phase;
    feed(story, &event);
}

static void feed_proposal(struct story *story) {
    int32_t round = number(story, 2);
    if (!is(story, 4, "by") || number(story, 5) != engine_proposer(&story->engine, round))
        wrong(story, "the proposer of that round is another than", word(story, 5));
    struct engine_event event = {.kind = ENGINE_ON_PROPOSAL, .peer = 1};
    event.proposal = story_proposal(story->engine.height, round, option(story, "pol", -1), letter(story, 3));
    feed(story, &event);
}

static void feed_block(struct story *story) {
    struct engine_event event = {.kind = ENGINE_ON_BLOCK, .peer = 1};
    if (!is(story, 3, "valid") && !is(story, 3, "invalid") && !is(story, 3, "rejected"))
        wrong(story, "not a verdict:", word(story, 3));
    event.block.id = story_block_id(letter(story, 2));
    event.block.valid = !is(story, 3, "invalid");
    event.block.app_rejects = is(story, 3, "rejected");
    feed(story, &event);
}

static void feed_votes(struct story *story, int64_t height, int32_t round, int32_t type) {
    if (!is(story, 3, "from"))
        wrong(story, "from whom?", "");
    for (uint32_t i = 4; i < story->word_count && !is(story, i, "round") && !is(story, i, "peer"); i++) {
        struct engine_event event = {.kind = ENGINE_ON_VOTE, .peer = (uint32_t)option(story, "peer", 1)};
        event.vote = story_vote(&story->engine.turn, height, round, type, (uint32_t)number(story, i), letter(story, 2));
        feed(story, &event);
    }
}

static void feed_claim(struct story *story) {
    struct engine_event event = {.kind = ENGINE_ON_CLAIM, .peer = (uint32_t)option(story, "peer", 1)};
    event.claim.round = option(story, "round", story->engine.round);
    event.claim.type = type_of(story, 2);
    event.claim.id = story_block_id(letter(story, 3));
    feed(story, &event);
}

static void tell_event(struct story *story) {
    if (is(story, 1, "begin") || is(story, 1, "next"))
        begin(story);
    else if (is(story, 1, "start")) {
        begin(story);
        feed_timeout(story, ENGINE_NEW_HEIGHT, 0);
    } else if (is(story, 1, "propose"))
        feed_proposal(story);
    else if (is(story, 1, "block"))
        feed_block(story);
    else if (is(story, 1, "prevote") || is(story, 1, "precommit"))
        feed_votes(story, story->engine.height, option(story, "round", story->engine.round), type_of(story, 1));
    else if (is(story, 1, "late"))
        feed_votes(story, story->engine.height - 1, story->engine.last_commit.round, VOTE_PRECOMMIT);
    else if (is(story, 1, "claim"))
        feed_claim(story);
    else if (is(story, 1, "timeout"))
        feed_timeout(story, phase_of(story, 2), number(story, 3));
    else if (is(story, 1, "txs"))
        feed(story, &(struct engine_event){.kind = ENGINE_ON_TXS});
    else
        wrong(story, "unknown event", "");
}

static void tell_effect(struct story *story) {
    if (story->head == story->tail)
        wrong(story, "nothing", "happened");
    const char *got = story->queue[story->head++];
    if (strcmp(got, story->line + 2) != 0)
        wrong(story, "instead:", got);
}

static void check_none_left(struct story *story) {
    if (story->head != story->tail)
        wrong(story, "before this, unexpected:", story->queue[story->head]);
    story->head = story->tail = 0;
}

static void check_block(struct story *story, const struct block_id *id, int32_t round) {
    struct block_id expected = story_block_id(is(story, 2, "none") ? '0' : letter(story, 2));
    int32_t expected_round = is(story, 2, "none") ? -1 : number(story, 3);
    if (!block_id_equal(&expected, id) || expected_round != round)
        wrong(story, "instead:", id_text(id));
}

static void tell_state(struct story *story) {
    const struct engine *engine = &story->engine;
    if (is(story, 1, "locked"))
        check_block(story, &engine->locked, engine->locked_round);
    else if (is(story, 1, "valid"))
        check_block(story, &engine->valid, engine->valid_round);
    else if (is(story, 1, "round") && number(story, 2) != engine->round)
        ck_abort_msg("%s, at \"%s\": instead %d", story->name, story->line, engine->round);
    else if (is(story, 1, "phase") && phase_of(story, 2) != engine->phase)
        wrong(story, "instead:", phases[engine->phase]);
    else if (is(story, 1, "wanted") && letter(story, 2) != story_letter(&engine->wanted))
        wrong(story, "instead:", id_text(&engine->wanted));
    else if (is(story, 1, "late") && (uint32_t)number(story, 2) != bit_array_count(&engine->last_commit.voted))
        ck_abort_msg("%s, at \"%s\": instead %u", story->name, story->line, bit_array_count(&engine->last_commit.voted));
    else if (!is(story, 1, "round") && !is(story, 1, "phase") && !is(story, 1, "wanted") && !is(story, 1, "late"))
        wrong(story, "unknown state", "");
}

static void show_kinds(struct story *story) {
    for (uint32_t i = 1; i < story->word_count; i++) {
        story->shows[ENGINE_DO_STEP] |= is(story, i, "step");
        story->shows[ENGINE_DO_TIMER] |= is(story, i, "timer");
        story->shows[ENGINE_DO_HAVE] |= is(story, i, "have");
        story->shows[ENGINE_DO_VALID] |= is(story, i, "valid");
        story->shows_floor |= is(story, i, "floor");
    }
}

static void tell_setting(struct story *story) {
    int64_t powers[WORDS_MAX];
    if (is(story, 0, "validators")) {
        for (uint32_t i = 1; i < story->word_count; i++)
            powers[i - 1] = number(story, i);
        story_valset(&story->sets[1], powers, story->word_count - 1);
    } else if (strncmp(story->line, "we are ", 7) == 0)
        story->own = number(story, 2);
    else if (strcmp(story->line, "rule comet") == 0)
        story->config.lock_rule = ENGINE_LOCK_COMET;
    else if (strcmp(story->line, "skip timeout commit") == 0)
        story->config.skip_timeout_commit = true;
    else if (strcmp(story->line, "empty blocks off") == 0)
        story->config.create_empty_blocks = false;
    else if (is(story, 0, "interval"))
        story->config.create_empty_blocks_interval_ms = number(story, 1);
    else if (strcmp(story->line, "proof block") == 0)
        story->proof_block = true;
    else if (is(story, 0, "show"))
        show_kinds(story);
    else if (is(story, 0, "mute"))
        story->mute = true;
    else if (strcmp(story->line, "we watch") != 0)
        wrong(story, "unknown setting", "");
}

static void split(struct story *story) {
    char copy[256], *rest = NULL;
    ck_assert_uint_lt(strlen(story->line), sizeof copy);
    strcpy(copy, story->line);
    story->word_count = 0;
    for (char *at = strtok_r(copy, " ", &rest); at != NULL; at = strtok_r(NULL, " ", &rest)) {
        ck_assert_uint_lt(story->word_count, WORDS_MAX);
        ck_assert_uint_lt(strlen(at), WORD_SIZE);
        strcpy(story->words[story->word_count++], at);
    }
}

static void tell_line(struct story *story) {
    split(story);
    if (is(story, 0, "<")) {
        tell_effect(story);
        return;
    }
    check_none_left(story);
    if (is(story, 0, ">"))
        tell_event(story);
    else if (is(story, 0, "="))
        tell_state(story);
    else
        tell_setting(story);
}

void story_tell(const char *name, const char *const *lines, size_t count) {
    struct story *story = calloc(1, sizeof *story);
    ck_assert_ptr_nonnull(story);
    story->name = name;
    story->own = -1;
    story->config = story_config();
    valset_init(&story->sets[0]);
    valset_init(&story->sets[1]);
    for (int kind = ENGINE_DO_STEP; kind <= ENGINE_DO_HALT; kind++)
        story->shows[kind] = kind != ENGINE_DO_STEP && kind != ENGINE_DO_TIMER && kind != ENGINE_DO_HAVE &&
                             kind != ENGINE_DO_VALID;
    for (size_t i = 0; i < count; i++) {
        story->line = lines[i];
        tell_line(story);
    }
    story->line = "the end";
    check_none_left(story);
    engine_close(&story->engine);
    valset_close(&story->sets[0]);
    valset_close(&story->sets[1]);
    free(story);
}
