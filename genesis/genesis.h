/* genesis.json: what a chain starts from (cometbft: types/genesis.go; protocol.md §8.1). */
#ifndef QUORATE_GENESIS_GENESIS_H
#define QUORATE_GENESIS_GENESIS_H

#include "ledger/state.h"

#define GENESIS_BYTES_MAX (256u * 1024 * 1024)

struct genesis_validator {
    struct valset_change member;
    char name[128];
};

struct genesis {
    struct blob *file; /* the bytes as read: RPC `genesis` answers from them; its SHA-256 is state.file_hash */
    char chain_id[VOTE_CHAIN_ID_BYTES_MAX + 1];
    struct genesis_validator *validators; /* malloc'ed */
    struct valset_change *changes;        /* malloc'ed, what state.validators points to */
    char *app_state;                      /* compact JSON text, malloc'ed; NULL: none */
    struct state_genesis state;           /* loans into this struct */
};

/* On failure: false and *error (malloc'ed) says which field of which entry is wrong and what is expected. `now` stands in for a missing time. */
bool genesis_parse(struct genesis *genesis, struct span text, enum params_release release, const struct timestamp *now, char **error);
bool genesis_load(struct genesis *genesis, const char *path, enum params_release release, char **error); /* error begins with the path */
void genesis_close(struct genesis *genesis);

struct genesis_plan { /* for init and testnet; loans */
    const char *chain_id;
    struct timestamp time;
    int64_t initial_height;
    struct params params;
    const struct genesis_validator *validators;
    uint32_t validator_count;
    const char *app_state; /* JSON text or NULL */
};
/* The file's text as CometBFT's SaveAs writes it (two-space indent), malloc'ed. */
char *genesis_text(const struct genesis_plan *plan);

#endif
