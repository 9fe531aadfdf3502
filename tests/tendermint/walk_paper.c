/* The paper's automaton (arXiv 1807.04938, algorithm 1), for walks under its own lock rule. */
#include "tests/tendermint/walk.h"

enum { PROPOSE, PREVOTE, PRECOMMIT };

#define ALL_NODES UINT32_MAX

static int64_t power_for(const struct walk *walk, const struct walk_paper *paper, int32_t type, int32_t round, uint64_t blocks) {
    int64_t power = 0;
    for (uint32_t key = 0; key < walk->keys; key++)
        power += (paper->heard[type - 1][round][key] & blocks) != 0 ? walk->set.validators[key].power : 0;
    return power;
}

static bool two_thirds(const struct walk *walk, const struct walk_paper *paper, int32_t type, int32_t round, uint64_t blocks) {
    return power_for(walk, paper, type, round, blocks) >= valset_quorum(&walk->set);
}

static void vote(struct walk *walk, uint32_t who, int32_t type, uint8_t block) {
    struct walk_paper *paper = &walk->nodes[who].paper;
    walk_say(walk, who, type, paper->round, block, 0, ALL_NODES);
    paper->step = type == VOTE_PREVOTE ? PREVOTE : PRECOMMIT;
}

static void start_round(struct walk *walk, uint32_t who, int32_t round) {
    struct walk_paper *paper = &walk->nodes[who].paper;
    if (round >= WALK_ROUNDS_MAX - 1) {
        walk->halted = true;
        return;
    }
    paper->round = round;
    paper->step = PROPOSE;
    paper->timers = 1u << PROPOSE;
    paper->timed_prevote = paper->timed_precommit = paper->saw_polka = false;
    if (walk->nodes[who].fault == WALK_AMNESIAC && walk_below(walk, 4) > 0) {
        paper->locked = paper->valid = 0;
        paper->locked_round = paper->valid_round = -1;
    }
    if (walk_proposer(walk, round) != walk->nodes[who].key)
        return;
    uint8_t block = paper->valid != 0 ? paper->valid : walk_make_block(walk, round, who);
    if (block != 0)
        walk_say(walk, who, VOTE_PROPOSAL, round, block, paper->valid != 0 ? paper->valid_round : -1, ALL_NODES);
}

/* L22 and L28. */
static bool prevote(struct walk *walk, uint32_t who) {
    struct walk_paper *paper = &walk->nodes[who].paper;
    if (paper->step != PROPOSE || !paper->proposals[paper->round].there)
        return false;
    uint8_t block = paper->proposals[paper->round].block;
    int32_t pol_round = paper->proposals[paper->round].pol_round;
    if (pol_round >= paper->round || (pol_round >= 0 && !two_thirds(walk, paper, VOTE_PREVOTE, pol_round, UINT64_C(1) << block)))
        return false;
    bool free = pol_round < 0 ? paper->locked_round == -1 : paper->locked_round <= pol_round;
    vote(walk, who, VOTE_PREVOTE, free || paper->locked == block ? block : 0);
    return true;
}

/* L34, L36, L44. */
static bool precommit(struct walk *walk, uint32_t who) {
    struct walk_paper *paper = &walk->nodes[who].paper;
    uint8_t block = paper->proposals[paper->round].block;
    if (paper->step >= PREVOTE && !paper->saw_polka && paper->proposals[paper->round].there &&
        two_thirds(walk, paper, VOTE_PREVOTE, paper->round, UINT64_C(1) << block)) {
        paper->saw_polka = true;
        paper->valid = block;
        paper->valid_round = paper->round;
        if (paper->step == PREVOTE) {
            paper->locked = block;
            paper->locked_round = paper->round;
            vote(walk, who, VOTE_PRECOMMIT, block);
        }
        return true;
    }
    if (paper->step == PREVOTE && two_thirds(walk, paper, VOTE_PREVOTE, paper->round, 1)) {
        vote(walk, who, VOTE_PRECOMMIT, 0);
        return true;
    }
    if (paper->step == PREVOTE && !paper->timed_prevote && two_thirds(walk, paper, VOTE_PREVOTE, paper->round, UINT64_MAX)) {
        paper->timed_prevote = true;
        paper->timers |= 1u << PREVOTE;
    }
    return false;
}

/* L47, L49, L55. */
static bool go_on(struct walk *walk, uint32_t who) {
    struct walk_paper *paper = &walk->nodes[who].paper;
    for (int32_t round = 0; round < WALK_ROUNDS_MAX; round++)
        for (uint8_t block = 1; block < walk->block_count; block++)
            if (two_thirds(walk, paper, VOTE_PRECOMMIT, round, UINT64_C(1) << block)) {
                walk->nodes[who].decided = true;
                walk->nodes[who].decided_block = block;
                walk->nodes[who].decided_round = round;
                return false;
            }
    if (!paper->timed_precommit && two_thirds(walk, paper, VOTE_PRECOMMIT, paper->round, UINT64_MAX)) {
        paper->timed_precommit = true;
        paper->timers |= 1u << PRECOMMIT;
    }
    for (int32_t round = WALK_ROUNDS_MAX - 1; round > paper->round; round--)
        if (power_for(walk, paper, VOTE_PREVOTE, round, UINT64_MAX) > walk->set.total_power / 3 ||
            power_for(walk, paper, VOTE_PRECOMMIT, round, UINT64_MAX) > walk->set.total_power / 3) {
            start_round(walk, who, round);
            return true;
        }
    return false;
}

static void run_rules(struct walk *walk, uint32_t who) {
    while (!walk->nodes[who].decided && !walk->halted && (go_on(walk, who) || prevote(walk, who) || precommit(walk, who)))
        ;
}

void walk_paper_begin(struct walk *walk, uint32_t who) {
    struct walk_paper *paper = &walk->nodes[who].paper;
    paper->locked_round = paper->valid_round = -1;
    start_round(walk, who, 0);
}

void walk_paper_hear(struct walk *walk, uint32_t who, const struct walk_said *said) {
    struct walk_paper *paper = &walk->nodes[who].paper;
    if (walk->nodes[who].decided)
        return;
    if (said->type != VOTE_PROPOSAL)
        paper->heard[said->type - 1][said->round][said->key] |= UINT64_C(1) << said->block;
    else if (said->key == walk_proposer(walk, said->round) && !paper->proposals[said->round].there) {
        paper->proposals[said->round].there = true;
        paper->proposals[said->round].block = said->block;
        paper->proposals[said->round].pol_round = said->pol_round;
    }
    run_rules(walk, who);
}

void walk_paper_timeout(struct walk *walk, uint32_t who, uint32_t step) {
    struct walk_paper *paper = &walk->nodes[who].paper;
    paper->timers &= ~(1u << step);
    if (step == PROPOSE && paper->step == PROPOSE)
        vote(walk, who, VOTE_PREVOTE, 0);
    else if (step == PREVOTE && paper->step == PREVOTE)
        vote(walk, who, VOTE_PRECOMMIT, 0);
    else if (step == PRECOMMIT)
        start_round(walk, who, paper->round + 1);
    run_rules(walk, who);
}
