/* Makes a node's home: folders, keys, blank signing mark, config.toml, genesis.json. Nothing that is there is replaced. */
#ifndef QUORATE_NODE_HOME_H
#define QUORATE_NODE_HOME_H

#include "crypto/text.h"
#include "genesis/genesis.h"
#include "node/config.h"
#include "node/keyfile.h"

struct home_keys {
    struct keyfile node, validator;
    char id[KEYFILE_ID_SIZE]; /* of the node */
};

/* false with *error when one of the files of a home is there already: says which, and what to do. */
bool home_is_free(const char *home, char **error);
/* Keys (generated into *keys) and the blank mark; then the config's text and the genesis. Each false with *error. */
bool home_write_keys(const char *home, struct home_keys *keys, bool is_validator, char **error);
bool home_write_texts(const char *home, const struct config *config, const char *genesis, char **error);

/* An account with coins in the genesis of the built-in ledger. */
struct home_account {
    struct keyfile key;
    char address[TEXT_BECH32_MAX + 1];
};
void home_account_generate(struct home_account *account, uint8_t key_type);
/* {"prefix":"quorate","accounts":[…]}: `coins` units for each; malloc'ed. */
char *home_app_state(const struct home_account *accounts, size_t count, int64_t coins);

struct timestamp home_now(void);
void home_random_chain_id(char out[static VOTE_CHAIN_ID_BYTES_MAX + 1]); /* "chain-XXXXXX" */

#endif
