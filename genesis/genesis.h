/* genesis.json: what a chain starts from (cometbft: types/genesis.go; protocol.md §8.1). */
#ifndef QUORATE_GENESIS_GENESIS_H
#define QUORATE_GENESIS_GENESIS_H

#include "genesis/emit.h"
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
    char *app_state;                      /* JSON text with the file's own bytes, as InitChain gets it; malloc'ed; NULL: none */
    struct state_genesis state;           /* loans into this struct */
};

/* Numbers of 64 bits stand in quotes, as libs/json demands; a bare one is refused. Refused too, though CometBFT lets them pass and fails
 * later: negative or too much power, a key twice, a key type that pub_key_types does not allow.
 * On failure: false and *error (malloc'ed) says which field of which entry is wrong and what is expected. `now` stands in for a missing time. */
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
    struct app_hash app_hash;
};
/* The file's text as CometBFT's SaveAs writes it (two-space indent), malloc'ed. */
char *genesis_text(const struct genesis_plan *plan);
/* What was read, as a plan (loans), and the document on one line as RPC shows it. */
struct genesis_plan genesis_plan_of(const struct genesis *genesis);
void genesis_emit(struct emit *emit, const struct genesis_plan *plan);
void genesis_emit_params(struct emit *emit, const struct params *params);
void genesis_emit_pubkey(struct emit *emit, const struct pubkey *key); /* {"type","value"}; PUBKEY_NONE: null */

#endif
