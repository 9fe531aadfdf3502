/* Funded accounts and the transfers they sign among each other: the load for the ledger application. Key files are keyfile.h's, as `quorate
 * testnet` writes them. Transfers may be signed ahead, because a signature costs more than all else here. */
#ifndef QUORATE_NODE_LOAD_ACCOUNTS_H
#define QUORATE_NODE_LOAD_ACCOUNTS_H

#include "crypto/pubkey.h"
#include "crypto/text.h"
#include "node/buffer.h"

#define LOAD_ACCOUNTS_MAX    65536
#define LOAD_ACCOUNTS_TX_MAX 4096
#define LOAD_ACCOUNTS_PREFIX "quorate"
#define LOAD_ACCOUNTS_DENOM  "unit"

struct ed25519_key;

struct load_account {
    char address[TEXT_BECH32_MAX + 1];
    struct pubkey key;
    struct ed25519_key *ed25519; /* or */
    uint8_t secp256k1[32];
    uint64_t number;
    uint64_t sequence; /* of the next transfer */
    bool has_padding;
    size_t padding; /* of the memo, to reach the size asked for */
    /* Signed ahead: texts[ends[i − 1] … ends[i]) has the sequence `first` + i. */
    struct buffer texts;
    size_t *ends;
    uint64_t first, ahead;
};

struct load_accounts {
    struct load_account *accounts;
    uint32_t count;
    char chain_id[64];
    char denom[64];
    char run[17];        /* random, in every memo */
    size_t size;         /* transfers are padded to it by the memo; 0: as they come */
    uint8_t tx[LOAD_ACCOUNTS_TX_MAX];
};

/* All *.json of the folder, in the order of their names. false with *error malloc'ed: no such folder, none there, or one is malformed. */
bool load_accounts_read(struct load_accounts *accounts, const char *folder, char **error);
/* Of the text of one file. NULL, or a static text that says what is wrong. */
const char *load_accounts_add(struct load_accounts *accounts, struct span json);
void load_accounts_close(struct load_accounts *accounts); /* wipes the keys */

/* Signs `count` transfers of each account from its present sequence on, in place of those signed before. Needs chain_id and numbers. */
void load_accounts_sign_ahead(struct load_accounts *accounts, uint64_t count);
/* One unit from account `index` to the one after it, with the account's sequence, which moves on. A loan until the next call. */
struct span load_accounts_next(struct load_accounts *accounts, uint32_t index);

/* The answer to abci_query "/ledger/account/<address>" (text of `response`): number and sequence. false: malformed or a refusal. */
bool load_accounts_understand(struct load_account *account, struct span response);
/* The denom of its first coin, if it has any, is what transfers send. */
void load_accounts_take_denom(struct load_accounts *accounts, struct span response);
/* The sequence that a refusal with code 7 says it expected. false: it says none. */
bool load_accounts_expected(uint64_t *sequence, struct span log);

#endif
