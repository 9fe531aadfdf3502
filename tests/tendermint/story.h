/* Stories about the engine: short traces that are read line by line.
 *
 *   validators 1 1 1 1        powers, in order; all stories begin with it
 *   we are 1 | we watch       default: we watch
 *   rule comet                default: strict
 *   skip timeout commit, empty blocks off, interval 5000, proof block
 *   show step timer have valid floor      effects that are otherwise passed over
 *   mute                      our own votes do not come back (else they do, by themselves, as from peer 0)
 *
 *   > start                   the height begins and its first timer runs out; `> begin`: only begins; `> next`: the next height
 *   > propose 0 A by 0 [pol 0]            round, block, proposer (checked against the engine's)
 *   > block A valid|invalid|rejected
 *   > prevote A from 0 2 [round 1] [peer 7]      default: the engine's round, peer 1; precommit likewise
 *   > late A from 3           a precommit for the last height, of the round of its commit
 *   > claim prevote A round 0 peer 7
 *   > timeout propose 0
 *   > txs
 *   < prevote A               exactly the next effect; before the next `>` or `=`, and at the end, none may be left
 *   = round 1 | phase prevote | locked A 0 | locked none | valid A 0 | valid none | wanted A | late 4
 *
 * Effects: propose new | propose A pol 0 | prevote A | precommit nil [after A: floor] | fetch A | valid A [commit] |
 * decide A round 0 | halt A | accuse 3 | have prevote 0 from 2 [height 1] | timer propose 0 3000 | step 0 propose */
#ifndef QUORATE_TESTS_TENDERMINT_STORY_H
#define QUORATE_TESTS_TENDERMINT_STORY_H

#include "tendermint/engine.h"

#define STORY(name, ...)                                                                                               \
    START_TEST(name) {                                                                                                 \
        static const char *const story_lines[] = {__VA_ARGS__};                                                        \
        story_tell(#name, story_lines, sizeof story_lines / sizeof *story_lines);                                      \
    }                                                                                                                  \
    END_TEST

void story_tell(const char *name, const char *const *lines, size_t count);

/* Players for other tests too. */
struct block_id story_block_id(char letter); /* '0': nil */
char story_letter(const struct block_id *id);
void story_valset(struct valset *set, const int64_t *powers, uint32_t count); /* no keys; powers must not grow */
/* The signature is made up from what is signed: the same vote is the same bytes. */
struct vote story_vote(const struct valset *set, int64_t height, int32_t round, int32_t type, uint32_t index, char letter);
struct proposal story_proposal(int64_t height, int32_t round, int32_t pol_round, char letter);
struct engine_config story_config(void);
void story_effect_text(char *out, size_t size, const struct engine_effect *effect);

struct story_random { /* splitmix64 */
    uint64_t state;
};
uint64_t story_random(struct story_random *random);
uint32_t story_random_below(struct story_random *random, uint32_t limit);

#endif
