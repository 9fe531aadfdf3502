/* What is run against the other program, a row each. A scenario fills `heights`, `compared` and, unless it is GOOD, `why`. */
#ifndef QUORATE_TESTS_INTEROP_SCENARIOS_H
#define QUORATE_TESTS_INTEROP_SCENARIOS_H

#include "tests/interop/row.h"

/* Heights under load with all nodes up: everything equal, everyone proposes, no peer dropped. */
void scenario_steady(struct row *row);
/* Each validator killed with -9 and started again; then once more without a pause; then all at once. */
void scenario_kills(struct row *row);
/* 2 | 2 and 3 | 1, refused and silent, and healing. */
void scenario_partitions(struct row *row);
/* Validators of both kinds added, re-weighed, removed by transactions. */
void scenario_validators(struct row *row);
/* A follower of the last kind fetches the chain of the others by block sync, then follows. */
void scenario_block_sync(struct row *row);
/* The application switches vote extensions on while the chain runs, moves the height before it comes, and cannot take it back. */
void scenario_switch(struct row *row);
/* A validator by script votes twice at a node of one kind; a block of the other kind holds the evidence. */
void scenario_double_vote(struct row *row);
/* A validator by script precommits nil with late times: the rule of the release for a block's time decides. */
void scenario_nil_times(struct row *row);
/* The same, but our node follows the rule of the other release, among theirs that can decide without it: it refuses their blocks, does not fork, and
 * its log names the switch. */
void scenario_wrong_release(struct row *row);
/* light.c: light clients of either kind, with nodes of either kind as primary and as witness. */
void scenario_light(struct row *row);
/* attack.c: two of four validators show a light client a block of their own; a node of the other kind takes the evidence, and all commit it. */
void scenario_attack_on_ours(struct row *row);
void scenario_attack_on_theirs(struct row *row);

/* Every validator's key is with a signer: ours with CometBFT's and with ours, theirs with ours, over tcp and unix; signers are killed in turn. */
void scenario_signers(struct row *row);
/* Validators of both kinds know only a seed of one kind; then nothing but each other's address books. The last home is the seed. */
void scenario_seed(struct row *row);
/* A chain by script is fetched by nodes of either kind, one at a time, from the same peers by script: blocks per second. */
void scenario_speed(struct row *row);

#endif
