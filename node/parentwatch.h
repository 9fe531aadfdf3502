/* The other half of the live alarm (forkwatch.h): validators that vote at one height for blocks on two parents (E4 of tendermint/audit.h). No correct one
 * does. Each is named in the log, and the bundle that proves it is written (data/parents-H.bundle). A third of the power and less is what agreement bears:
 * the node goes on, for else one liar could silence everybody. With more than a third agreement is not safe any more: the alarm is raised. */
#ifndef QUORATE_NODE_PARENTWATCH_H
#define QUORATE_NODE_PARENTWATCH_H

#include <stdbool.h>
#include <stdint.h>

struct replica;

struct parentwatch {
    int64_t strange_height; /* a block of this height, on another parent than ours, is at hand; 0: none */
    int64_t height;         /* of what was found last; 0: nothing yet */
    uint32_t keys;          /* that voted so there */
    int64_t power, total;
    char bundle[64];        /* "": none could be made */
};

/* A block that was refused for its parent has come; a vote was counted, a height ends. The last two cost nothing while there is no such block. */
void parentwatch_block(struct replica *replica, int64_t height);
void parentwatch_look(struct replica *replica);

#endif
