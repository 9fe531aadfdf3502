/* One transaction against the application's state.
 *
 * The order in which faults are looked for is consensus: what the bytes alone say (codes 2, 3, 21, 22, 16), expiry (8), the account (6), its
 * sequence (7), the signature (4), then the messages. From a good signature on, the sequence counts on even if the messages fail, so that
 * a signed wish is judged once and cannot be kept for a better day. */
#ifndef QUORATE_LEDGER_EXECUTE_H
#define QUORATE_LEDGER_EXECUTE_H

#include "ledger/accounts.h"
#include "ledger/cosmos_tx.h"
#include "ledger/seen.h"

#define EXECUTE_LOG_SIZE 256

enum execute_mode {
    EXECUTE_CHECK,   /* would it pass after those checked before? Debits but does not credit: what is not yet received cannot be spent */
    EXECUTE_PREPARE, /* the same of those that passed a check: signatures are not looked at */
    EXECUTE_SIMULATE, /* as EXECUTE_PREPARE, for what is not yet signed and has no gas limit */
    EXECUTE_FINAL,
};

struct execute { /* where a transaction stands; loans */
    struct overlay *state;
    struct span chain_id;
    const char *prefix; /* of addresses */
    int64_t height;     /* of the block that it is (or would be) in */
    enum execute_mode mode;
    struct seen *verified; /* hashes of transactions whose signature holds: for good, because an account's number and key never change */
    uint8_t *sign_doc;     /* scratch of EXECUTE_SIGN_DOC_MAX bytes */
};
#define EXECUTE_SIGN_DOC_MAX (COSMOS_TX_BYTES_MAX + 256)

struct execute_send {
    struct cosmos_tx_send said;
    uint8_t to[ACCOUNTS_ADDRESS_BYTES];
};

struct execute_tx { /* a transaction and what became of it; spans are loans from its bytes */
    uint8_t hash[32];
    struct cosmos_tx said;
    uint8_t signer[ACCOUNTS_ADDRESS_BYTES];
    struct execute_send sends[COSMOS_TX_MESSAGES_MAX];
    int64_t gas_used;
    enum codes code;
    bool sequence_used; /* the signature was good */
    char log[EXECUTE_LOG_SIZE];
};

/* All that needs no state. false: tx->code and tx->log say why; gas and, if it could be read, `said` are filled. */
bool execute_read(const struct execute *where, struct execute_tx *tx, struct span bytes);
/* Executes what was read. The writes stay in the state, or in part as said above. */
bool execute_run(const struct execute *where, struct execute_tx *tx);
/* What the signature of a read transaction has to hold over and the key, if its account is known; false if not. The message lies in
 * `scratch` of EXECUTE_SIGN_DOC_MAX bytes. For checking many signatures at once. */
bool execute_claim(const struct execute *where, struct pubkey *key, struct span *message, const struct execute_tx *tx, uint8_t *scratch);

#endif
