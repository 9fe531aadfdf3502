/* The second wall: whatever the primary proved is compared with every witness, and who contradicts must prove it; then evidence goes to both sides
 * (cometbft: light/detector.go). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/text.h"
#include "node/complaint.h"
#include "node/light_client.h"
#include "tendermint/light_attack.h"

enum { WAIT_STEP_MS = 500, EVIDENCE_BYTES_MAX = 1 << 26, NAMED_MAX = 16 };

enum comparison { SAME, SILENT, BEHIND, FAULTY, PRIORITIES_DIFFER, CONTRADICTS };

static struct light_source *witness(struct light_client *client, uint32_t index) { return &client->sources[index]; }

static enum light_answer fetch(struct light_client *client, struct light_source *source, int64_t height, struct light_block **block) {
    char *why = NULL;
    enum light_answer answer = source->fetch(source->context, height, block, &why);
    if (answer != LIGHT_ANSWER_BLOCK && answer != LIGHT_ANSWER_TOO_HIGH)
        light_client_say(client, "%s: %s", source->name, why == NULL ? "no block" : why);
    free(why);
    return answer;
}

static enum comparison compare(const struct light_block *ours, const struct light_block *theirs) {
    if (!digest_equal(&ours->hash, &theirs->hash))
        return CONTRADICTS;
    return light_block_same_priorities(ours, theirs) ? SAME : PRIORITIES_DIFFER;
}

/* The witness is not as high as the primary's block. Either it is late, or the block pretends to come from a height that the chain has not reached:
 * then the witness's newest is not earlier than it. */
static enum comparison compare_newest(struct light_client *client, struct light_source *source, const struct light_block *block,
                                      struct light_block **theirs) {
    enum light_answer answer = fetch(client, source, 0, theirs);
    if (answer == LIGHT_ANSWER_BLOCK && (*theirs)->header.height > block->header.height) {
        light_block_release(*theirs);
        *theirs = NULL;
        answer = fetch(client, source, block->header.height, theirs);
    }
    if (answer == LIGHT_ANSWER_BAD)
        return FAULTY;
    if (answer != LIGHT_ANSWER_BLOCK)
        return answer == LIGHT_ANSWER_TOO_HIGH ? BEHIND : SILENT;
    if ((*theirs)->header.height == block->header.height)
        return compare(block, *theirs);
    return timestamp_compare(&(*theirs)->header.time, &block->header.time) >= 0 ? CONTRADICTS : BEHIND;
}

static enum comparison compare_once(struct light_client *client, struct light_source *source, const struct light_block *block,
                                    struct light_block **theirs) {
    *theirs = NULL;
    switch (fetch(client, source, block->header.height, theirs)) {
    case LIGHT_ANSWER_BLOCK: return compare(block, *theirs);
    case LIGHT_ANSWER_TOO_HIGH: return compare_newest(client, source, block, theirs);
    case LIGHT_ANSWER_BAD: return FAULTY;
    case LIGHT_ANSWER_NOT_FOUND:
    case LIGHT_ANSWER_NO_RESPONSE: break;
    }
    return SILENT;
}

/* Ample time for a witness that takes part: twice the drift of clocks, and the lag of a block. It is asked again meanwhile; *left_ms is for all
 * witnesses together. */
static enum comparison compare_patiently(struct light_client *client, struct light_source *source, const struct light_block *block,
                                         struct light_block **theirs, int64_t *left_ms) {
    enum comparison comparison = compare_once(client, source, block, theirs);
    while (comparison == BEHIND && *left_ms > 0) {
        light_block_release(*theirs);
        client->world.wait(client->world.context, WAIT_STEP_MS);
        *left_ms -= WAIT_STEP_MS;
        comparison = compare_once(client, source, block, theirs);
    }
    return comparison;
}

static int64_t patience_ms(const struct light_client *client) {
    return (2 * client->config.rules.clock_drift_ns + client->config.block_lag_ns) / 1000000;
}

/* ---- who contradicts */

/* Lets `source` prove its block along the trace. true: it could. */
static bool examine(struct light_client *client, struct light_examine *examination, struct light_source *source) {
    for (;;) {
        struct light_block *block = NULL;
        switch (light_examine_step(examination)) {
        case LIGHT_EXAMINE_FOUND: return true;
        case LIGHT_EXAMINE_FAILED: return light_client_say(client, "%s: it contradicts, but cannot prove it: %s", source->name, examination->why), false;
        case LIGHT_EXAMINE_WANTS: break;
        }
        if (fetch(client, source, examination->wanted, &block) != LIGHT_ANSWER_BLOCK)
            return light_client_say(client, "%s: it contradicts, but gives no proof", source->name), false;
        light_examine_give(examination, block);
    }
}

/* Of a whole set of ten thousand the first will do; the file has them all. */
static void say_named(struct light_client *client, const struct evidence *evidence) {
    if (evidence->byzantine_count == 0)
        light_client_say(client, "  it names nobody, because who forgot his lock cannot be told from two commits, and no node takes such evidence into a block: "
                                 "`quorate audit run` tells it, with the validators' logs");
    for (uint32_t i = 0; i < evidence->byzantine_count && i < NAMED_MAX; i++) {
        char address[TEXT_HEX_SIZE(20)];
        text_hex_upper(address, address_span(&evidence->byzantine[i].address));
        light_client_say(client, "  it names %s, power %" PRId64 " of %" PRId64, address, evidence->byzantine[i].power, evidence->total_power);
    }
    if (evidence->byzantine_count > NAMED_MAX)
        light_client_say(client, "  and %u more", (unsigned)evidence->byzantine_count - NAMED_MAX);
}

/* By the letter of evidence whoever signed a block of another application hash is a lunatic, also an honest validator on its branch of a fork. */
static void warn_of_a_fork(struct light_client *client, const struct light_block *accused, const struct light_block *trusted) {
    if (light_attack_kind_of(accused, trusted) == LIGHT_ATTACK_LUNATIC && digest_equal(&accused->header.validators_hash, &trusted->header.validators_hash))
        light_client_say(client, "  both blocks are signed by two thirds of one set: the chain itself may have forked, and then honest validators are among those named. "
                                 "Punish nobody before `quorate audit run` with the validators' logs");
}

/* Evidence against whoever stands behind the trace; kept, and sent to `by`. NULL: it took it; else why not, malloc'ed. */
static char *hand_in(struct light_client *client, const struct light_examine *examination, const struct light_block *trusted, const char *against,
                     struct light_source *by) {
    struct evidence evidence;
    struct arena arena;
    char *why = NULL;
    arena_init(&arena, EVIDENCE_BYTES_MAX);
    if (!light_attack_evidence(&evidence, examination->divergent, trusted, examination->found.blocks[0], &arena)) {
        arena_close(&arena);
        return complaint_of("it is too large");
    }
    light_client_say(client, "ATTACK on light clients at height %" PRId64 ": if %s tells the truth, %s lied: %s; %u validators named; common height %" PRId64,
                     examination->divergent->header.height, by->name, against,
                     light_attack_kind_text(light_attack_kind_of(examination->divergent, trusted)), (unsigned)evidence.byzantine_count,
                     evidence.common_height);
    say_named(client, &evidence);
    warn_of_a_fork(client, examination->divergent, trusted);
    if (client->world.attack != NULL)
        client->world.attack(client->world.context, &evidence, against, by->name);
    if (!by->report(by->context, &evidence, &why) && why == NULL)
        why = complaint_of("no answer");
    arena_close(&arena);
    return why;
}

/* A node keeps no commit of its newest block, so it cannot judge evidence about it, and the commit that it shows meanwhile need not be the one that the
 * chain will keep, from which it follows who signed twice. So: the same block again, once the source is beyond it. NULL: that would be nothing new. */
static struct light_block *settled(struct light_client *client, struct light_source *by, const struct light_block *trusted) {
    struct light_block *next = NULL, *again = NULL;
    struct digest before, after;
    bool has_waited = false;
    enum light_answer answer;
    for (int64_t left_ms = client->config.block_lag_ns / 1000000;; left_ms -= WAIT_STEP_MS, has_waited = true) {
        answer = fetch(client, by, trusted->header.height + 1, &next);
        if (answer != LIGHT_ANSWER_TOO_HIGH || left_ms <= 0)
            break;
        if (!has_waited)
            light_client_say(client, "%s: waiting for its next block: before, no node can judge evidence about block %" PRId64, by->name, trusted->header.height);
        client->world.wait(client->world.context, WAIT_STEP_MS);
    }
    light_block_release(next);
    if (answer != LIGHT_ANSWER_BLOCK || fetch(client, by, trusted->header.height, &again) != LIGHT_ANSWER_BLOCK)
        return NULL;
    commit_hash(&before, &trusted->commit);
    commit_hash(&after, &again->commit);
    if (digest_equal(&again->hash, &trusted->hash) && (has_waited || !digest_equal(&before, &after)))
        return again;
    light_block_release(again);
    return NULL;
}

/* true: `by` took the evidence that follows from what it proved. */
static bool accuse(struct light_client *client, const struct light_examine *examination, const char *against, struct light_source *by) {
    char *why = hand_in(client, examination, light_trace_last(&examination->found), against, by);
    struct light_block *again = why == NULL ? NULL : settled(client, by, light_trace_last(&examination->found));
    if (again != NULL) {
        free(why);
        why = hand_in(client, examination, again, against, by);
        light_block_release(again);
    }
    if (why == NULL)
        light_client_say(client, "%s: took the evidence, or has it already", by->name);
    else
        light_client_say(client, "%s: did not take the evidence: %s", by->name, why);
    bool is_taken = why == NULL;
    free(why);
    return is_taken;
}

/* The witness may be the liar. So the primary proves its side along the witness's trace. */
static bool accuse_back(struct light_client *client, const struct light_examine *first, struct light_source *other) {
    struct light_examine second;
    struct timestamp now = client->world.now(client->world.context);
    light_examine_begin(&second, &first->found, first->divergent, &client->config.rules, &now);
    bool is_taken = examine(client, &second, &client->sources[0]) && accuse(client, &second, other->name, &client->sources[0]);
    light_examine_end(&second);
    return is_taken;
}

static const char *took(bool is_taken) { return is_taken ? "took" : "did not take"; }

static enum light_outcome handle_contradiction(struct light_client *client, const struct light_trace *trace, struct light_block *theirs,
                                               struct light_source *source) {
    struct light_examine examination;
    struct timestamp now = client->world.now(client->world.context);
    enum light_outcome outcome = LIGHT_DONE;
    light_examine_begin(&examination, trace, theirs, &client->config.rules, &now);
    if (examine(client, &examination, source)) {
        const char *primary = client->sources[0].name;
        bool first = accuse(client, &examination, primary, source), second = accuse_back(client, &examination, source);
        client->attacked_at = examination.divergent->header.height;
        outcome = light_client_fail(client, LIGHT_ATTACKED,
                                    "%s and %s both proved a block, and they exclude each other (height %" PRId64
                                    "): trust neither. %s %s the evidence against %s; %s %s that against %s",
                                    primary, source->name, client->attacked_at, source->name, took(first), primary, primary, took(second), source->name);
    }
    light_examine_end(&examination);
    return outcome;
}

/* ---- all witnesses */

static enum light_outcome priorities_differ(struct light_client *client, const struct light_source *source, int64_t height) {
    return light_client_fail(client, LIGHT_DISAGREE, "%s and %s agree on block %" PRId64 ", but not on the priorities of its proposers: one of them lies",
                             client->sources[0].name, source->name, height);
}

static void drop_marked(struct light_client *client, const bool *marked, uint32_t count) {
    for (uint32_t i = count; i-- > 1;)
        if (marked[i])
            light_client_drop(client, i);
}

enum light_outcome light_client_detect(struct light_client *client, const struct light_trace *trace) {
    struct light_block *block = light_trace_last(trace);
    bool marked[LIGHT_CLIENT_SOURCES_MAX] = {false}, confirmed = false;
    int64_t left_ms = patience_ms(client);
    enum light_outcome outcome = LIGHT_DONE;
    uint32_t count = client->source_count;
    for (uint32_t i = 1; i < count && outcome == LIGHT_DONE; i++) {
        struct light_block *theirs;
        struct light_source *source = witness(client, i);
        switch (compare_patiently(client, source, block, &theirs, &left_ms)) {
        case SAME: confirmed = true; break;
        case PRIORITIES_DIFFER: outcome = priorities_differ(client, source, block->header.height); break;
        case FAULTY: marked[i] = true; break;
        case CONTRADICTS:
            outcome = handle_contradiction(client, trace, theirs, source);
            marked[i] = true;
            break;
        case BEHIND: light_client_say(client, "%s: it is too far behind to confirm block %" PRId64, source->name, block->header.height); break;
        case SILENT: break;
        }
        light_block_release(theirs);
    }
    if (outcome != LIGHT_DONE)
        return outcome;
    drop_marked(client, marked, count);
    if (client->source_count < 2)
        return light_client_fail(client, LIGHT_NO_WITNESS, "no witness is left: all gave nonsense, or contradicted without proof");
    return confirmed ? LIGHT_DONE
                     : light_client_fail(client, LIGHT_UNCONFIRMED, "block %" PRId64 " of %s was confirmed by no witness: none has it, or none answers",
                                         block->header.height, client->sources[0].name);
}

static enum light_outcome contradicted_first(struct light_client *client, const struct light_block *block, const struct light_block *theirs,
                                             const struct light_source *source) {
    char hash[TEXT_HEX_SIZE(32)];
    text_hex_upper(hash, digest_span(&theirs->hash));
    return light_client_fail(client, LIGHT_DISAGREE, "%s: its block %" PRId64 " is %s, and not the one to be trusted: check the hash, or name another witness",
                             source->name, block->header.height, hash);
}

enum light_outcome light_client_compare_first(struct light_client *client, struct light_block *block) {
    bool marked[LIGHT_CLIENT_SOURCES_MAX] = {false};
    enum light_outcome outcome = LIGHT_DONE;
    uint32_t count = client->source_count;
    for (uint32_t i = 1; i < count && outcome == LIGHT_DONE; i++) {
        struct light_block *theirs;
        struct light_source *source = witness(client, i);
        enum comparison comparison = compare_once(client, source, block, &theirs);
        if (comparison == CONTRADICTS && theirs->header.height == block->header.height)
            outcome = contradicted_first(client, block, theirs, source);
        else if (comparison == PRIORITIES_DIFFER)
            outcome = priorities_differ(client, source, block->header.height);
        marked[i] = comparison == FAULTY;
        light_block_release(theirs);
    }
    if (outcome != LIGHT_DONE)
        return outcome;
    drop_marked(client, marked, count);
    return client->source_count >= 2 ? LIGHT_DONE : light_client_fail(client, LIGHT_NO_WITNESS, "no witness is left: all gave nonsense");
}
