/* The live alarm: this chain has two valid commits of one height. What is seen of the other branch while we live on ours: its precommits of the last
 * height, its blocks (each carries the commit of its parent), evidence. Two thirds of the validators for another block than the one that we decided
 * cannot be, unless more than a third of the power is faulty: the node says so, signs nothing more (fork_stops_signing), goes on serving, fetches the
 * other block's header from whoever has it, and writes the bundle (data/fork-H.bundle; `quorate audit verify`). A restart does not make it sign again:
 * data/fork-alarm.json has to be moved away by a human.
 *
 * One validator that votes on two parents is no alarm: that is within what agreement bears, and must not be a way to silence everybody (parentwatch.h). */
#ifndef QUORATE_NODE_FORKWATCH_H
#define QUORATE_NODE_FORKWATCH_H

#include "node/wire.h"
#include "tendermint/evidence.h"

#define FORKWATCH_BRANCHES_MAX 4 /* other blocks of a height whose precommits are counted */
#define FORKWATCH_HEIGHTS_MAX  1000 /* so far back: who stopped at the fork tells us so when we are long beyond it */
#define FORKWATCH_TURNS_MAX    16   /* so many heights are looked at while we are at one */
#define FORKWATCH_ALARM_NAME   "data/fork-alarm.json"

struct replica;
struct block;

struct forkwatch_alarm {
    bool raised;   /* now or before the last start */
    bool stopped;  /* nothing is signed any more */
    int64_t height;
    struct block_id ours, theirs;
    char bundle[64]; /* the file's name below the home; "": none yet */
};

struct forkwatch_branch {
    int32_t round;
    struct block_id id;
    int64_t power;
    struct commit commit; /* sigs from the arena */
};

struct forkwatch {
    struct forkwatch_alarm alarm;
    struct commit theirs; /* of the alarm; sigs malloc'ed */
    int64_t height;       /* whose other precommits are counted */
    struct block_id ours; /* of it */
    struct valset set;
    uint32_t checks;      /* signatures verified for that */
    int64_t turned_at;    /* our height */
    uint32_t turns;
    struct arena arena;
    struct forkwatch_branch branches[FORKWATCH_BRANCHES_MAX];
    uint32_t branch_count;
};

void forkwatch_init(struct replica *replica); /* remembers an alarm of before */
void forkwatch_close(struct replica *replica);
void forkwatch_vote(struct replica *replica, const struct vote *vote);       /* a precommit of a height that is decided, whatever it is for */
void forkwatch_peer_up(struct replica *replica);                             /* whoever comes after the alarm hears of it too */
void forkwatch_block(struct replica *replica, const struct block *block);    /* one that our judge refused */
void forkwatch_evidence(struct replica *replica, const struct evidence *evidence); /* that was verified */
/* More than a third voted at this height on two parents. */
void forkwatch_parents(struct replica *replica, int64_t height, const struct block_id *one, const struct block_id *other, const char *bundle);
/* Into a docket: what is trusted, our commit of the height, the alarm's if its header is given (else NULL), validators and headers that lead there. false:
 * nothing below is kept that could be trusted. */
struct docket;
bool forkwatch_gather(struct replica *replica, struct docket *docket, int64_t height, const struct header *theirs);
/* The block of the other branch that we asked for? Then it is ours to take, and nobody is blamed for it. */
bool forkwatch_receive(struct replica *replica, const struct wire_blocksync *message);

#endif
