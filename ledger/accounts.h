/* Accounts and balances in the application's state, and how they are stored:
 *   acc   address                 → {2 public key!, 3 account number, 4 sequence} (the numbers are those of cosmos BaseAccount)
 *   bank  'b' ‖ address ‖ denom   → balance, 16 bytes big-endian; never zero
 *   bank  'u' ‖ denom             → supply, likewise
 *   sys   "accounts"              → how many accounts there are, 8 bytes big-endian: the next account's number
 *   sys   "prefix"                → the prefix of bech32 addresses
 * A key of the store is "s/<store>/<key>". Malformed stored bytes are a defect of ours or of the disk: they abort. */
#ifndef QUORATE_LEDGER_ACCOUNTS_H
#define QUORATE_LEDGER_ACCOUNTS_H

#include "crypto/pubkey.h"
#include "ledger/amount.h"
#include "ledger/overlay.h"

#define ACCOUNTS_ADDRESS_BYTES 20
#define ACCOUNTS_KEY_MAX       192
#define ACCOUNTS_PREFIX_MAX    32
#define ACCOUNTS_PREFIX        "quorate" /* unless the genesis says otherwise */

struct account {
    struct pubkey key; /* PUBKEY_NONE until the account first signs */
    uint64_t number;
    uint64_t sequence;
};

bool accounts_get(struct overlay *state, struct account *out, const uint8_t address[static ACCOUNTS_ADDRESS_BYTES]);
void accounts_put(struct overlay *state, const uint8_t address[static ACCOUNTS_ADDRESS_BYTES], const struct account *account);
/* With the next number. The address must be free. */
void accounts_create(struct overlay *state, const uint8_t address[static ACCOUNTS_ADDRESS_BYTES], const struct pubkey *key);

amount accounts_balance(struct overlay *state, const uint8_t address[static ACCOUNTS_ADDRESS_BYTES], struct span denom);
amount accounts_supply(struct overlay *state, struct span denom);
/* false, nothing done: not enough there. */
bool accounts_debit(struct overlay *state, const uint8_t address[static ACCOUNTS_ADDRESS_BYTES], struct span denom, amount value);
/* false, nothing done: beyond 128 bits, which cannot be while the supply is not. */
bool accounts_credit(struct overlay *state, const uint8_t address[static ACCOUNTS_ADDRESS_BYTES], struct span denom, amount value);
/* Credits new coins. false, nothing done: the supply would pass 128 bits. */
bool accounts_mint(struct overlay *state, const uint8_t address[static ACCOUNTS_ADDRESS_BYTES], struct span denom, amount value);

void accounts_set_prefix(struct overlay *state, struct span prefix);
/* ACCOUNTS_PREFIX if none was set. */
void accounts_prefix(struct overlay *state, char out[static ACCOUNTS_PREFIX_MAX + 1]);
bool accounts_parse_address(uint8_t out[static ACCOUNTS_ADDRESS_BYTES], const char *prefix, struct span text);

/* Every balance of an address that is in the store, ascending by denom; visit returns false to stop. */
typedef bool accounts_visit(void *context, struct span denom, amount balance);
void accounts_each_balance(struct kv *kv, const uint8_t address[static ACCOUNTS_ADDRESS_BYTES], accounts_visit *visit, void *context);

#endif
