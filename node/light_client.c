#include "node/light_client.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/text.h"
#include "node/complaint.h"

const char *light_outcome_name(enum light_outcome outcome) {
    switch (outcome) {
    case LIGHT_DONE: return "done";
    case LIGHT_UNAVAILABLE: return "unavailable";
    case LIGHT_REFUSED: return "refused";
    case LIGHT_TOO_OLD: return "too old";
    case LIGHT_NO_WITNESS: return "no witness";
    case LIGHT_UNCONFIRMED: return "unconfirmed";
    case LIGHT_DISAGREE: return "disagreement";
    case LIGHT_ATTACKED: return "attacked";
    case LIGHT_OTHER_TRUST: return "other trust";
    }
    return "unknown";
}

enum light_outcome light_client_fail(struct light_client *client, enum light_outcome outcome, const char *format, ...) {
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    free(client->reason);
    client->reason = complaint_of("%s", text);
    return outcome;
}

void light_client_say(struct light_client *client, const char *format, ...) {
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (client->world.say != NULL)
        client->world.say(client->world.context, text);
}

static enum light_outcome succeed(struct light_client *client) {
    free(client->reason);
    client->reason = NULL;
    return LIGHT_DONE;
}

bool light_client_open(struct light_client *client, const struct light_config *config, const struct light_world *world, const struct light_source *sources,
                       uint32_t count, struct kv *kv, char **error) {
    *client = (struct light_client){.config = *config, .world = *world, .source_count = count};
    if (config->chain_id.size == 0 || config->chain_id.size > HEADER_CHAIN_ID_BYTES_MAX)
        return *error = complaint_of("a chain id has 1 to %d characters", HEADER_CHAIN_ID_BYTES_MAX), false;
    if (count < 2 || count > LIGHT_CLIENT_SOURCES_MAX)
        return *error = complaint_of("a primary and 1 to %d witnesses are wanted: only another node can tell that the primary lies",
                                     LIGHT_CLIENT_SOURCES_MAX - 1), false;
    if (!light_trust_level_good(config->rules.trust_numerator, config->rules.trust_denominator))
        return *error = complaint_of("the trust level must be within [1/3, 1]"), false;
    memcpy(client->chain_id, config->chain_id.data, config->chain_id.size);
    client->config.chain_id = span_of(client->chain_id, config->chain_id.size);
    client->config.block_lag_ns = config->block_lag_ns > 0 ? config->block_lag_ns : 10 * LIGHT_SECOND_NS;
    memcpy(client->sources, sources, count * sizeof *sources);
    if (!light_store_open(&client->store, kv, client->config.chain_id, config->kept > 0 ? config->kept : LIGHT_STORE_KEPT, error))
        return false;
    client->latest = light_store_get(&client->store, client->store.last);
    return true;
}

void light_client_close(struct light_client *client) {
    light_block_release(client->latest);
    free(client->reason);
    *client = (struct light_client){0};
}

/* ---- sources */

void light_client_drop(struct light_client *client, uint32_t index) {
    light_client_say(client, "%s is not asked any more", client->sources[index].name);
    client->source_count--;
    memmove(&client->sources[index], &client->sources[index + 1], (client->source_count - index) * sizeof client->sources[0]);
}

/* The witness becomes the primary; the primary the last witness. */
static void promote(struct light_client *client, uint32_t index) {
    struct light_source old = client->sources[0];
    client->sources[0] = client->sources[index];
    memmove(&client->sources[index], &client->sources[index + 1], (client->source_count - index - 1) * sizeof client->sources[0]);
    client->sources[client->source_count - 1] = old;
    light_client_say(client, "%s is the primary now, instead of %s", client->sources[0].name, old.name);
}

static enum light_answer ask(struct light_client *client, uint32_t index, int64_t height, struct light_block **block) {
    char *why = NULL;
    enum light_answer answer = client->sources[index].fetch(client->sources[index].context, height, block, &why);
    if (answer != LIGHT_ANSWER_BLOCK) {
        light_client_fail(client, LIGHT_UNAVAILABLE, "%s: %s", client->sources[index].name, why == NULL ? "no block" : why);
        light_client_say(client, "%s", client->reason);
    }
    free(why);
    return answer;
}

/* The first witness that has the block takes the primary's place. */
static enum light_outcome from_another(struct light_client *client, struct light_block **block, int64_t height) {
    for (uint32_t i = 1; i < client->source_count;) {
        enum light_answer answer = ask(client, i, height, block);
        if (answer == LIGHT_ANSWER_BLOCK) {
            promote(client, i);
            return LIGHT_DONE;
        }
        if (answer == LIGHT_ANSWER_BAD && client->source_count > 2)
            light_client_drop(client, i);
        else
            i++;
    }
    return LIGHT_UNAVAILABLE;
}

/* The primary is found out: a witness must take its place, and one more must be left to watch that one. */
static enum light_outcome replace_primary(struct light_client *client, struct light_block **block, int64_t height) {
    if (client->source_count < 3) {
        char *before = client->reason;
        client->reason = NULL;
        light_client_fail(client, LIGHT_NO_WITNESS, "%s; no witness would be left if another source took its place: name more with --witnesses",
                          before == NULL ? "the primary failed" : before);
        free(before);
        return LIGHT_NO_WITNESS;
    }
    light_client_drop(client, 0);
    if (ask(client, 0, height, block) == LIGHT_ANSWER_BLOCK) {
        light_client_say(client, "%s is the primary now", client->sources[0].name);
        return LIGHT_DONE;
    }
    return from_another(client, block, height);
}

static enum light_outcome from_primary(struct light_client *client, struct light_block **block, int64_t height) {
    switch (ask(client, 0, height, block)) {
    case LIGHT_ANSWER_BLOCK: return LIGHT_DONE;
    case LIGHT_ANSWER_BAD: return replace_primary(client, block, height);
    default: return from_another(client, block, height);
    }
}

/* ---- what is trusted */

static void keep(struct light_client *client, struct light_block *block) {
    light_store_put(&client->store, block);
    if (client->latest == NULL || block->header.height > client->latest->header.height) {
        light_block_release(client->latest);
        client->latest = light_block_hold(block);
    }
}

static void hash_text(char text[static TEXT_HEX_SIZE(32)], const struct digest *hash) { text_hex_upper(text, digest_span(hash)); }

static enum light_outcome other_trust(struct light_client *client, const char *who, int64_t height, const struct digest *theirs, const struct digest *wanted) {
    char have[TEXT_HEX_SIZE(32)], want[TEXT_HEX_SIZE(32)];
    hash_text(have, theirs);
    hash_text(want, wanted);
    return light_client_fail(client, LIGHT_OTHER_TRUST, "%s: block %" PRId64 " is %s, but %s is to be trusted", who, height, have, want);
}

/* The first block: its hash is known from elsewhere, so that its commit only confirms it. */
static enum light_outcome begin_with(struct light_client *client, int64_t height, const struct digest *hash) {
    struct light_block *block = NULL;
    enum light_outcome outcome = from_primary(client, &block, height);
    if (outcome != LIGHT_DONE)
        return outcome;
    if (!digest_equal(&block->hash, hash))
        outcome = other_trust(client, client->sources[0].name, height, &block->hash, hash);
    else if (light_verify_own_commit(block, client->config.chain_id) != LIGHT_GOOD)
        outcome = light_client_fail(client, LIGHT_REFUSED, "%s: the commit of block %" PRId64 " is not signed by two thirds of its validators",
                                    client->sources[0].name, height);
    else
        outcome = light_client_compare_first(client, block);
    if (outcome == LIGHT_DONE)
        keep(client, block);
    light_block_release(block);
    return outcome;
}

static void forget_all(struct light_client *client) {
    light_store_clear(&client->store);
    light_block_release(client->latest);
    client->latest = NULL;
}

enum light_outcome light_client_trust(struct light_client *client, int64_t height, const struct digest *hash, bool reset) {
    if (height <= 0 || hash->size != 32)
        return light_client_fail(client, LIGHT_REFUSED, "a height above zero and a hash of 32 bytes are to be trusted");
    struct timestamp now = client->world.now(client->world.context);
    bool stale = client->latest != NULL && light_header_expired(&client->latest->header, client->config.rules.trusting_period_ns, &now);
    if (reset || (stale && height > client->latest->header.height))
        forget_all(client);
    struct light_block *block = NULL;
    bool is_first = client->latest == NULL;
    enum light_outcome outcome = is_first ? begin_with(client, height, hash) : light_client_at(client, &block, height);
    if (is_first && outcome == LIGHT_DONE)
        return succeed(client);
    if (outcome == LIGHT_DONE && !digest_equal(&block->hash, hash))
        outcome = other_trust(client, "what is trusted already", height, &block->hash, hash);
    light_block_release(block);
    return outcome;
}

/* ---- forwards */

/* Lets the walk run against the primary, whoever that is meanwhile. */
static enum light_outcome run(struct light_client *client, struct light_walk *walk, bool *is_invalid) {
    for (;;) {
        enum light_walk_state state = light_walk_step(walk);
        struct light_block *block = NULL;
        if (state == LIGHT_WALK_ARRIVED)
            return LIGHT_DONE;
        if (state == LIGHT_WALK_REFUSED) {
            *is_invalid = light_verdict_is_invalid(walk->verdict);
            return light_client_fail(client, walk->verdict == LIGHT_EXPIRED ? LIGHT_TOO_OLD : LIGHT_REFUSED,
                                     "%s: from block %" PRId64 " to block %" PRId64 ": %s", client->sources[0].name, walk->from, walk->to,
                                     light_verdict_text(walk->verdict));
        }
        enum light_outcome outcome = from_primary(client, &block, walk->wanted);
        if (outcome != LIGHT_DONE)
            return outcome;
        light_walk_give(walk, block);
    }
}

static enum light_outcome walk_once(struct light_client *client, struct light_block *trusted, struct light_block *target, bool *is_invalid) {
    struct timestamp now = client->world.now(client->world.context);
    struct light_walk walk;
    light_walk_begin(&walk, trusted, target, &client->config.rules, &now, client->config.mode);
    enum light_outcome outcome = run(client, &walk, is_invalid);
    if (outcome == LIGHT_DONE)
        outcome = light_client_detect(client, &walk.trace);
    light_walk_end(&walk);
    return outcome;
}

/* Who gives an invalid block is not asked again, and its target is worth nothing either: the next one's is taken. */
static enum light_outcome forwards(struct light_client *client, struct light_block *trusted, struct light_block **target) {
    for (;;) {
        bool is_invalid = false;
        int64_t height = (*target)->header.height;
        enum light_outcome outcome = walk_once(client, trusted, *target, &is_invalid);
        if (!is_invalid)
            return outcome;
        light_client_say(client, "%s", client->reason);
        light_block_release(*target);
        *target = NULL;
        outcome = replace_primary(client, target, height);
        if (outcome != LIGHT_DONE)
            return outcome == LIGHT_NO_WITNESS ? LIGHT_REFUSED : outcome;
    }
}

/* Sequentially, a long way is many short ones, so that memory stays small and a broken off one is gone on with. */
static enum light_outcome stages(struct light_client *client, struct light_block **trusted, int64_t height) {
    while (client->config.mode == LIGHT_SEQUENTIAL && height - (*trusted)->header.height > LIGHT_CLIENT_SEGMENT) {
        struct light_block *stage = NULL;
        enum light_outcome outcome = from_primary(client, &stage, (*trusted)->header.height + LIGHT_CLIENT_SEGMENT);
        if (outcome == LIGHT_DONE)
            outcome = forwards(client, *trusted, &stage);
        if (outcome != LIGHT_DONE) {
            light_block_release(stage);
            return outcome;
        }
        keep(client, stage);
        light_block_release(*trusted);
        *trusted = stage;
    }
    return LIGHT_DONE;
}

static enum light_outcome forwards_from(struct light_client *client, struct light_block *from, struct light_block **target) {
    struct light_block *trusted = light_block_hold(from);
    enum light_outcome outcome = stages(client, &trusted, (*target)->header.height);
    if (outcome == LIGHT_DONE)
        outcome = forwards(client, trusted, target);
    light_block_release(trusted);
    return outcome;
}

/* ---- backwards */

/* One step down by the hash. The block's own commit is looked at too: the hash covers neither it nor the priorities. */
static enum light_outcome step_down(struct light_client *client, struct light_block **at, struct light_block *given) {
    struct light_block *below = given == NULL ? NULL : light_block_hold(given);
    enum light_outcome outcome = below != NULL ? LIGHT_DONE : from_primary(client, &below, (*at)->header.height - 1);
    while (outcome == LIGHT_DONE) {
        enum light_verdict verdict = light_verify_backwards(&below->header, &(*at)->header);
        if (verdict == LIGHT_GOOD)
            verdict = light_verify_own_commit(below, client->config.chain_id);
        if (verdict == LIGHT_GOOD)
            break;
        light_client_fail(client, LIGHT_REFUSED, "%s: block %" PRId64 " below the trusted one: %s", client->sources[0].name, below->header.height,
                          light_verdict_text(verdict));
        light_block_release(below);
        below = NULL;
        outcome = replace_primary(client, &below, (*at)->header.height - 1);
        outcome = outcome == LIGHT_NO_WITNESS ? LIGHT_REFUSED : outcome;
    }
    if (outcome == LIGHT_DONE) {
        light_block_release(*at);
        *at = below;
    }
    return outcome;
}

static enum light_outcome backwards(struct light_client *client, struct light_block **target) {
    struct light_block *at = light_store_after(&client->store, (*target)->header.height);
    int64_t height = (*target)->header.height;
    enum light_outcome outcome = at == NULL ? light_client_fail(client, LIGHT_REFUSED, "the trusted store is damaged: start with --reset") : LIGHT_DONE;
    while (outcome == LIGHT_DONE && at->header.height > height)
        outcome = step_down(client, &at, at->header.height == height + 1 ? *target : NULL);
    if (outcome == LIGHT_DONE) {
        light_block_release(*target);
        *target = at;
    } else {
        light_block_release(at);
    }
    return outcome;
}

/* ---- any height */

/* From the nearest below; if that is too old to be trusted forwards, by the hashes from the nearest above. */
static enum light_outcome between(struct light_client *client, struct light_block **target) {
    struct timestamp now = client->world.now(client->world.context);
    struct light_block *below = light_store_before(&client->store, (*target)->header.height);
    bool fresh = below != NULL && !light_header_expired(&below->header, client->config.rules.trusting_period_ns, &now);
    enum light_outcome outcome = fresh ? forwards_from(client, below, target) : backwards(client, target);
    light_block_release(below);
    return outcome;
}

static enum light_outcome verify(struct light_client *client, struct light_block **target) {
    int64_t height = (*target)->header.height;
    if (height > client->latest->header.height)
        return forwards_from(client, client->latest, target);
    return height < client->store.first ? backwards(client, target) : between(client, target);
}

/* The newest that the primary has; what is not newer than what we know is what we know, if it is the same. */
static enum light_outcome newest(struct light_client *client, struct light_block **block) {
    enum light_outcome outcome = from_primary(client, block, 0);
    if (outcome != LIGHT_DONE || (*block)->header.height > client->latest->header.height)
        return outcome;
    if ((*block)->header.height == client->latest->header.height && !digest_equal(&(*block)->hash, &client->latest->hash))
        return light_client_fail(client, LIGHT_DISAGREE, "%s: its newest block, %" PRId64 ", is another than the one trusted at that height",
                                 client->sources[0].name, (*block)->header.height);
    light_block_release(*block);
    *block = light_block_hold(client->latest);
    return LIGHT_DONE;
}

enum light_outcome light_client_at(struct light_client *client, struct light_block **block, int64_t height) {
    *block = NULL;
    if (client->latest == NULL)
        return light_client_fail(client, LIGHT_OTHER_TRUST, "nothing is trusted yet: give a height and its hash, from someone you trust (--height, --hash)");
    if (height < 0)
        return light_client_fail(client, LIGHT_REFUSED, "heights begin at 1");
    struct light_block *found = height > 0 ? light_store_get(&client->store, height) : NULL;
    if (found != NULL) {
        *block = found;
        return succeed(client);
    }
    if (client->attacked_at > 0)
        return light_client_fail(client, LIGHT_ATTACKED,
                                 "an attack was seen at height %" PRId64 ": nothing new is verified until someone has looked at the evidence", client->attacked_at);
    enum light_outcome outcome = height == 0 ? newest(client, &found) : from_primary(client, &found, height);
    if (outcome == LIGHT_DONE && found->header.height != client->latest->header.height) {
        outcome = verify(client, &found);
        if (outcome == LIGHT_DONE)
            keep(client, found);
    }
    if (outcome != LIGHT_DONE) {
        light_block_release(found);
        return outcome;
    }
    *block = found;
    return succeed(client);
}
