/* Plays tests/sim/stories/ *.txt over whole replicas, and looks that each rule of the engine has a story where it fires and one where it must not.
 * The language is told in tests/sim/stories/README.md; its words are those of the engine's stories (tests/tendermint/story.h) and of the trace.
 * STORY=name plays one. */
#include <check.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/node/stage.h"

#define FOLDER "tests/sim/stories"

enum { WORDS_MAX = 32, TAGS_MAX = 512, LINE_SIZE = 256, STEP_MS = 300, START_MS = 400 };

struct play {
    char name[64], line[LINE_SIZE];
    uint32_t number; /* of the line */
    struct stage *stage;
    struct engine_config config;
    int64_t powers[STAGE_NODES_MAX];
    uint32_t count;
    int64_t height;
    int32_t round;
    struct block_id blocks[128]; /* by letter */
    char copy[LINE_SIZE];
    const char *words[WORDS_MAX];
    uint32_t word_count;
    bool is_over, may_complain;
};

struct tag {
    char rule[40], story[64];
    bool fires;
};

static struct tag tags[TAGS_MAX];
static uint32_t tag_count;

_Noreturn static void wrong(const struct play *play, const char *why, const char *what) {
    if (play->stage != NULL)
        for (uint32_t who = 0; who < play->count; who++) {
            const struct engine *engine = stage_engine(play->stage, who);
            fprintf(stderr, "  %u = height %" PRId64 " round %d %s locked %d valid %d\n", who, engine->height, engine->round,
                    engine_phase_text(engine->phase), engine->locked_round, engine->valid_round);
        }
    ck_abort_msg("%s:%u \"%s\": %s %s", play->name, play->number, play->line, why, what);
}

/* ---- words */

static const char *word(const struct play *play, uint32_t at) { return at < play->word_count ? play->words[at] : ""; }

static bool is(const struct play *play, uint32_t at, const char *text) { return strcmp(word(play, at), text) == 0; }

static int32_t number(const struct play *play, uint32_t at) {
    char *end;
    long value = strtol(word(play, at), &end, 10);
    if (*word(play, at) == '\0' || *end != '\0')
        wrong(play, "not a number:", word(play, at));
    return (int32_t)value;
}

static uint32_t find(const struct play *play, const char *text) {
    for (uint32_t i = 0; i < play->word_count; i++)
        if (is(play, i, text))
            return i;
    return UINT32_MAX;
}

/* Whoever is named after `key`, as bits. */
static uint32_t places(const struct play *play, const char *key) {
    uint32_t mask = 0, at = find(play, key);
    if (at == UINT32_MAX)
        wrong(play, "lacks the word", key);
    for (at++; at < play->word_count; at++) {
        if (is(play, at, "all"))
            return (1u << play->count) - 1;
        char *end;
        unsigned long who = strtoul(word(play, at), &end, 10);
        if (*end != '\0')
            break;
        if (who >= play->count)
            wrong(play, "there is no node", word(play, at));
        mask |= 1u << who;
    }
    return mask;
}

static int32_t option(const struct play *play, const char *key, int32_t otherwise) {
    uint32_t at = find(play, key);
    return at == UINT32_MAX ? otherwise : number(play, at + 1);
}

static int32_t type_of(const struct play *play, uint32_t at) {
    if (!is(play, at, "prevote") && !is(play, at, "precommit"))
        wrong(play, "not a type of vote:", word(play, at));
    return is(play, at, "prevote") ? VOTE_PREVOTE : VOTE_PRECOMMIT;
}

static const struct block_id nil;

/* A block by its letter; a liar may also name one that nobody has. */
static const struct block_id *block(struct play *play, uint32_t at, bool made_up) {
    unsigned char letter = (unsigned char)word(play, at)[0];
    if (is(play, at, "nil"))
        return &nil;
    if (strlen(word(play, at)) != 1 || letter >= 128)
        wrong(play, "not a block:", word(play, at));
    struct block_id *id = &play->blocks[letter];
    if (block_id_is_nil(id) && made_up) {
        id->hash.size = id->parts.hash.size = SHA256_BYTES;
        memset(id->hash.bytes, letter, SHA256_BYTES);
        memset(id->parts.hash.bytes, letter, SHA256_BYTES);
        id->parts.total = 1;
    }
    if (block_id_is_nil(id))
        wrong(play, "nobody has proposed", word(play, at));
    return id;
}

#define FOR_PLACES(who, mask) for (uint32_t who = 0; who < STAGE_NODES_MAX; who++) if (((mask) >> who & 1) != 0)

/* ---- what the world does */

static void let_votes(struct play *play) {
    int32_t type = type_of(play, 1);
    uint32_t from = places(play, "from"), to = places(play, "to");
    play->round = option(play, "round", play->round);
    FOR_PLACES(voter, from)
        FOR_PLACES(who, to)
            stage_let_vote(play->stage, play->height, play->round, type, voter, who);
}

static void carry_votes(struct play *play) {
    int32_t type = type_of(play, 2);
    uint32_t from = places(play, "from"), to = places(play, "to");
    play->round = option(play, "round", play->round);
    FOR_PLACES(voter, from)
        FOR_PLACES(who, to)
            stage_carry_vote(play->stage, play->height, play->round, type, voter, who);
}

static void let_proposal(struct play *play) {
    play->round = number(play, 2);
    bool alone = find(play, "alone") != UINT32_MAX;
    const struct block_id *id = block(play, 3, false);
    FOR_PLACES(who, places(play, "to")) {
        stage_let_proposal(play->stage, play->height, play->round, who);
        if (!alone)
            stage_let_block(play->stage, id, who);
    }
}

static void let_block(struct play *play) {
    const struct block_id *id = block(play, 2, false);
    FOR_PLACES(who, places(play, "to"))
        stage_let_block(play->stage, id, who);
}

static void lie(struct play *play) {
    int32_t type = type_of(play, 2);
    const struct block_id *id = block(play, 3, true);
    uint32_t from = places(play, "from");
    play->round = option(play, "round", play->round);
    FOR_PLACES(who, from)
        FOR_PLACES(to, places(play, "to"))
            stage_lie(play->stage, who, play->height, play->round, type, id, to);
}

static void start(struct play *play) {
    if (play->stage == NULL)
        play->stage = stage_new(play->powers, play->count, &play->config);
    uint32_t mask = play->word_count > 2 ? places(play, "start") : (1u << play->count) - 1;
    FOR_PLACES(who, mask)
        stage_start(play->stage, who);
    stage_run(play->stage, START_MS);
}

static void tell_event(struct play *play) {
    if (is(play, 1, "start")) {
        start(play);
        return;
    }
    if (is(play, 1, "prevote") || is(play, 1, "precommit"))
        let_votes(play);
    else if (is(play, 1, "propose"))
        let_proposal(play);
    else if (is(play, 1, "block"))
        let_block(play);
    else if (is(play, 1, "carry"))
        carry_votes(play);
    else if (is(play, 1, "lie"))
        lie(play);
    else if (is(play, 1, "timeout"))
        stage_run(play->stage, STAGE_TIMEOUT_MS);
    else if (is(play, 1, "wait"))
        stage_run(play->stage, number(play, 2));
    else if (is(play, 1, "heal"))
        stage_heal(play->stage);
    else if (is(play, 1, "kill")) {
        FOR_PLACES(who, places(play, "kill"))
            sim_kill(stage_sim(play->stage), stage_node(play->stage, who));
    } else
        wrong(play, "unknown event", "");
    stage_run(play->stage, STEP_MS);
}

/* ---- what nodes say */

static void hear_proposal(struct play *play) {
    int32_t round = number(play, 2);
    uint32_t from = places(play, "by");
    FOR_PLACES(who, from) {
        const struct stage_said *said = stage_said(play->stage, who, play->height, round);
        if (said == NULL || !said->proposed)
            wrong(play, "it has not proposed", "");
        struct block_id *id = &play->blocks[(unsigned char)word(play, 3)[0] % 128];
        if (block_id_is_nil(id))
            *id = said->proposal.block_id;
        if (!block_id_equal(id, &said->proposal.block_id))
            wrong(play, "it proposed another block than", word(play, 3));
        if (said->proposal.pol_round != option(play, "pol", -1))
            wrong(play, "another polka is named", "");
    }
    play->round = round;
}

static void hear_votes(struct play *play, bool spoken, uint32_t at) {
    int32_t type = type_of(play, at);
    int32_t round = option(play, "round", play->round);
    FOR_PLACES(who, places(play, "from")) {
        const struct stage_said *said = stage_said(play->stage, who, play->height, round);
        if (said == NULL || said->voted[type - 1] != spoken)
            wrong(play, spoken ? "it has not voted" : "it has voted", "");
        if (spoken && !block_id_equal(&said->votes[type - 1].block_id, block(play, at + 1, false)))
            wrong(play, "it voted otherwise", "");
    }
}

static void hear_decision(struct play *play) {
    struct ledger_meta meta;
    FOR_PLACES(who, places(play, "from")) {
        struct ledger *ledger = sim_ledger(stage_sim(play->stage), stage_node(play->stage, who));
        if (!ledger_block_meta(ledger, &meta, play->height))
            wrong(play, "it has not decided", "");
        if (!block_id_equal(&meta.block_id, block(play, 2, false)))
            wrong(play, "it decided otherwise", "");
        const struct engine *engine = stage_engine(play->stage, who);
        if (find(play, "round") != UINT32_MAX && engine->last_commit.round != option(play, "round", -1))
            wrong(play, "it decided in another round", "");
    }
}

static void tell_effect(struct play *play) {
    if (is(play, 1, "propose"))
        hear_proposal(play);
    else if (is(play, 1, "decide"))
        hear_decision(play);
    else if (is(play, 1, "no"))
        hear_votes(play, false, 2);
    else
        hear_votes(play, true, 1);
}

/* ---- where nodes are */

static bool block_is(struct play *play, const struct block_id *id, int32_t round) {
    bool none = is(play, 2, "none");
    return block_id_equal(id, none ? &nil : block(play, 2, false)) && (none || round == number(play, 3));
}

static bool state_holds(struct play *play, uint32_t who) {
    static const char *const phases[] = {"",          "new-height",   "new-round", "propose",        "prevote",
                                         "prevote-wait", "precommit", "precommit-wait", "commit"};
    const struct engine *engine = stage_engine(play->stage, who);
    if (is(play, 1, "locked"))
        return block_is(play, &engine->locked, engine->locked_round);
    if (is(play, 1, "valid"))
        return block_is(play, &engine->valid, engine->valid_round);
    if (is(play, 1, "wanted"))
        return block_id_equal(&engine->wanted, block(play, 2, false));
    if (is(play, 1, "round"))
        return engine->round == number(play, 2);
    if (is(play, 1, "phase"))
        return is(play, 2, phases[engine->phase]);
    if (is(play, 1, "height"))
        return engine->height == number(play, 2);
    if (is(play, 1, "late"))
        return engine->has_last_commit && bit_array_count(&engine->last_commit.voted) == (uint32_t)number(play, 2);
    wrong(play, "unknown state", "");
}

static void tell_state(struct play *play) {
    FOR_PLACES(who, places(play, "at"))
        if (!state_holds(play, who))
            wrong(play, "not so", "");
}

/* ---- a story */

static void tell_tags(struct play *play) {
    for (uint32_t i = 1; i < play->word_count; i++) {
        struct tag *tag = &tags[tag_count++];
        ck_assert_uint_lt(tag_count, TAGS_MAX);
        snprintf(tag->rule, sizeof tag->rule, "%s", word(play, i));
        snprintf(tag->story, sizeof tag->story, "%s", play->name);
        tag->fires = is(play, 0, "fires");
    }
}

static void tell_setting(struct play *play) {
    if (is(play, 0, "validators")) {
        play->count = play->word_count - 1;
        for (uint32_t i = 0; i < play->count && i < STAGE_NODES_MAX; i++)
            play->powers[i] = number(play, i + 1);
    } else if (is(play, 0, "fires") || is(play, 0, "spares"))
        tell_tags(play);
    else if (strcmp(play->line, "rule comet") == 0) {
        play->config.lock_rule = ENGINE_LOCK_COMET;
        play->may_complain = true; /* the witness holds everybody to the strict rule */
    } else if (strcmp(play->line, "skip timeout commit") == 0)
        play->config.skip_timeout_commit = true;
    else if (strcmp(play->line, "empty blocks off") == 0)
        play->config.create_empty_blocks = false;
    else if (is(play, 0, "height"))
        play->height = number(play, 1), play->round = 0;
    else if (is(play, 0, "round"))
        play->round = number(play, 1);
    else if (is(play, 0, "liar")) {
        FOR_PLACES(who, places(play, "liar"))
            stage_make_liar(play->stage, who);
    } else
        wrong(play, "unknown setting", "");
}

/* What the checkers outside of the nodes have to say; with it the story is over. */
static void tell_complaint(struct play *play) {
    if (strstr(sim_complaint(stage_sim(play->stage)), play->line + 2) == NULL)
        wrong(play, "the checkers say instead:", sim_complaint(stage_sim(play->stage)));
    play->is_over = true;
}

static void tell_line(struct play *play) {
    char *rest = NULL;
    strcpy(play->copy, play->line);
    play->word_count = 0;
    for (char *at = strtok_r(play->copy, " ", &rest); at != NULL; at = strtok_r(NULL, " ", &rest)) {
        ck_assert_uint_lt(play->word_count, WORDS_MAX);
        play->words[play->word_count++] = at;
    }
    if (play->word_count == 0 || is(play, 0, "#"))
        return;
    if (is(play, 0, ">"))
        tell_event(play);
    else if (is(play, 0, "<"))
        tell_effect(play);
    else if (is(play, 0, "="))
        tell_state(play);
    else if (is(play, 0, "!"))
        tell_complaint(play);
    else
        tell_setting(play);
    if (!play->may_complain && play->stage != NULL && sim_complaint(stage_sim(play->stage))[0] != '\0')
        wrong(play, sim_complaint(stage_sim(play->stage)), "");
}

/* However it went: all goes well once all is heard again. */
static void end_well(struct play *play) {
    strcpy(play->line, "the end");
    struct sim *sim = stage_sim(play->stage);
    stage_heal(play->stage);
    for (uint32_t who = 0; who < play->count; who++)
        if (!sim_is_alive(sim, stage_node(play->stage, who)))
            stage_start(play->stage, who);
    int64_t height = 0;
    for (uint32_t who = 0; who < play->count; who++)
        if (stage_engine(play->stage, who)->height > height)
            height = stage_engine(play->stage, who)->height;
    for (int i = 0; i < 300 && !sim_run_to_height(sim, height, 1); i++)
        stage_run(play->stage, 1000);
    if (!sim_run_to_height(sim, height, 1))
        wrong(play, "it does not go on", sim_complaint(sim));
    if (sim_complaint(sim)[0] != '\0')
        wrong(play, sim_complaint(sim), "");
}

static void play_story(const char *name, bool tags_only) {
    char path[512];
    struct play *play = calloc(1, sizeof *play);
    ck_assert_ptr_nonnull(play);
    snprintf(path, sizeof path, FOLDER "/%s.txt", name);
    snprintf(play->name, sizeof play->name, "%s", name);
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s", path);
    play->height = 1;
    play->config.create_empty_blocks = true;
    while (fgets(play->line, sizeof play->line, file) != NULL) {
        play->line[strcspn(play->line, "\n")] = '\0';
        play->number++;
        bool is_tag = strncmp(play->line, "fires ", 6) == 0 || strncmp(play->line, "spares ", 7) == 0;
        if (is_tag || !tags_only)
            tell_line(play);
    }
    fclose(file);
    if (!tags_only) {
        if (!play->is_over)
            end_well(play);
        stage_free(play->stage);
    }
    free(play);
}

/* ---- all stories */

static int by_name(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

static int is_story(const struct dirent *entry) {
    const char *dot = strrchr(entry->d_name, '.');
    return dot != NULL && strcmp(dot, ".txt") == 0;
}

static int each_story(bool tags_only) {
    struct dirent **list;
    const char *wish = getenv("STORY");
    int count = scandir(FOLDER, &list, is_story, by_name);
    ck_assert_msg(count > 0, "no stories in " FOLDER);
    for (int i = 0; i < count; i++) {
        *strrchr(list[i]->d_name, '.') = '\0';
        if (wish == NULL || strcmp(wish, list[i]->d_name) == 0)
            play_story(list[i]->d_name, tags_only);
        free(list[i]);
    }
    free(list);
    return count;
}

START_TEST(every_story_goes_as_it_is_told) { each_story(false); }
END_TEST

/* The engine's own stories, by the test that holds them. */
static void note_engine_stories(void) {
    char line[LINE_SIZE], rule[40], kind[8];
    FILE *file = fopen(FOLDER "/engine.rules", "r");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file) != NULL) {
        struct tag *tag = &tags[tag_count];
        if (line[0] == '#' || sscanf(line, "%39s %7s %63s", rule, kind, tag->story) != 3)
            continue;
        ck_assert(strcmp(kind, "fires") == 0 || strcmp(kind, "spares") == 0);
        snprintf(tag->rule, sizeof tag->rule, "%s", rule);
        tag->fires = strcmp(kind, "fires") == 0;
        ck_assert_uint_lt(++tag_count, TAGS_MAX);
    }
    fclose(file);
}

static uint32_t count_tags(const char *rule, bool fires) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < tag_count; i++)
        count += tags[i].fires == fires && strcmp(tags[i].rule, rule) == 0;
    return count;
}

static bool text_holds(const char *path, const char *what) {
    char line[1024];
    bool found = false;
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s", path);
    while (!found && fgets(line, sizeof line, file) != NULL)
        found = strstr(line, what) != NULL;
    fclose(file);
    return found;
}

static void check_rule(const char *rule) {
    uint32_t fires = count_tags(rule, true), spares = count_tags(rule, false);
    if (getenv("STORY_TABLE") != NULL) {
        printf("%-24s fires in %u:", rule, fires);
        for (uint32_t pass = 0; pass < 2; pass++) {
            for (uint32_t i = 0; i < tag_count; i++)
                if (tags[i].fires == (pass == 0) && strcmp(tags[i].rule, rule) == 0)
                    printf(" %s", tags[i].story);
            if (pass == 0)
                printf("\n%-24s must not in %u:", "", spares);
        }
        printf("\n");
    }
    ck_assert_msg(fires > 0, "no story where %s fires", rule);
    ck_assert_msg(spares > 0, "no story where %s must not fire", rule);
}

START_TEST(each_rule_of_the_engine_has_a_story_where_it_fires_and_one_where_it_must_not) {
    char line[LINE_SIZE], rule[LINE_SIZE];
    bool in_table = false;
    uint32_t rules = 0;
    tag_count = 0;
    each_story(true);
    note_engine_stories();
    for (uint32_t i = 0; i < tag_count; i++) {
        snprintf(line, sizeof line, "    %s,", tags[i].rule);
        ck_assert_msg(text_holds("tendermint/engine_rules.c", line), "%s names no rule: %s", tags[i].story, tags[i].rule);
    }
    FILE *file = fopen("tendermint/engine_rules.c", "r");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file) != NULL) {
        bool begins = strncmp(line, "static bool (*const rules[])", 28) == 0;
        if (in_table && line[0] == ' ' && sscanf(line, " %255[a-z_],", rule) == 1) {
            check_rule(rule);
            rules++;
        }
        in_table = begins || (in_table && line[0] != '}');
    }
    fclose(file);
    ck_assert_uint_ge(rules, 10);
}
END_TEST

Suite *suite_stories(void);
Suite *suite_stories(void) {
    Suite *suite = suite_create("stories");
    TCase *tests = tcase_create("stories");
    tcase_set_timeout(tests, 300);
    tcase_add_test(tests, every_story_goes_as_it_is_told);
    tcase_add_test(tests, each_rule_of_the_engine_has_a_story_where_it_fires_and_one_where_it_must_not);
    suite_add_tcase(suite, tests);
    return suite;
}
