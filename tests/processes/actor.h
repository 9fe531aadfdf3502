/* A peer by script at a real node process: it has a chain in memory, serves it by block sync as its temper wants, asks for blocks, and says what
 * validators say. Words that have no numbers are written as bytes, not by the node's own writers. */
#ifndef QUORATE_TESTS_ACTOR_H
#define QUORATE_TESTS_ACTOR_H

#include "tests/ledger/chain.h"
#include "tests/node/outsider.h"

enum actor_temper {
    ACTOR_HONEST,
    ACTOR_LIAR,    /* each tenth block has a byte of its last commit's signatures changed */
    ACTOR_SHRINKS, /* says after some answers that it has less, and then nothing */
    ACTOR_SILENT,  /* claims everything and answers nothing */
    ACTOR_LAZY,    /* has no block that it is asked for, though it claims so */
};

struct actor {
    struct outsider line;
    struct chain *chain; /* a loan */
    enum actor_temper temper;
    uint32_t statuses, asked, served;
    int64_t told_height; /* of the node's last status; −1: none yet */
    int64_t told_base;
    int64_t step_height; /* of its last new round step */
    int32_t step_round;
    int64_t got_height;  /* of the block that came last; 0: none, −1: "no such block" */
    struct blob *got;    /* its bytes */
};

/* Connects to 127.0.0.1:port as a key of its own. false: refused, or not up in `ms`. All actors speak in outsider_turn, outsider_rest. */
bool actor_open(struct actor *actor, struct chain *chain, uint32_t seed, uint16_t port, enum actor_temper temper, int64_t ms);
void actor_close(struct actor *actor);
bool actor_is_heard(const struct actor *actor);

void actor_ask_status(struct actor *actor);
void actor_ask_block(struct actor *actor, int64_t height);
/* The step of a validator at this height and round, so that the node knows where it is. */
void actor_say_step(struct actor *actor, int64_t height, int32_t round, uint8_t step);
/* All validators' precommits for a height of the chain, as its commit has them, then its parts. */
void actor_say_decided(struct actor *actor, int64_t height);
/* A whole round for the block that follows the chain: proposal, parts, prevotes, precommits, by the validators' keys. */
void actor_say_round(struct actor *actor, struct block *block, const struct commit *commit);
/* Parts of it: the proposal of a block (by the key of the proposer that its header names) with its parts; one vote, signed. */
void actor_say_proposal(struct actor *actor, struct block *block, int32_t round);
void actor_say_vote(struct actor *actor, int32_t type, int64_t height, int32_t round, uint32_t index, const struct block_id *id);

/* The genesis of the chain, whose validators are the script's alone, into a home. */
bool actor_write_genesis(const struct chain *chain, const char *home);

#endif
