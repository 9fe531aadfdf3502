/* Keys that sign transactions for the tests of the ledger application. */
#ifndef QUORATE_TESTS_LEDGER_WALLET_H
#define QUORATE_TESTS_LEDGER_WALLET_H

#include "crypto/text.h"
#include "ledger/cosmos_tx.h"

struct wallet {
    uint8_t secret[32];
    struct pubkey key;
    uint8_t address[20];
    char text[TEXT_BECH32_MAX + 1]; /* with the prefix "quorate" */
};

struct wallet wallet_of(uint8_t type, uint8_t number);

struct wallet_wish { /* zeroes are usual values */
    const char *chain_id;       /* NULL: "test-chain" */
    uint64_t account_number, sequence;
    uint64_t timeout_height;
    uint64_t gas_limit;         /* 0: 200000; 1: really none */
    const char *memo;
    const char *to, *denom, *amount; /* amount NULL: "1"; denom NULL: "unit" */
    const char *to2, *amount2;  /* a second message */
    const char *from, *from2;   /* NULL: the wallet's own */
    const char *type_url;
    bool without_key, with_fee;
};

/* The signed transaction, in one of a few static places that are used in turn. */
struct span wallet_sign(const struct wallet *wallet, const struct wallet_wish *wish);

#endif
