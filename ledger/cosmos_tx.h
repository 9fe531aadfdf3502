/* The Cosmos transaction envelope under SIGN_MODE_DIRECT, so that wallets and SDKs sign as they are (cosmos-sdk: proto/cosmos/tx/v1beta1/
 * tx.proto, proto/cosmos/bank/v1beta1/tx.proto, ADR-020, ADR-027).
 *
 * Decoding takes one spelling only (strict.h): no unknown critical field, no singular field twice, no extension option. TxRaw, which nobody
 * signs, must in addition have its fields in order and none empty, so that a signed transaction has exactly one form and one hash.
 * Explicit zeroes inside what is signed are let pass: some wallets write them. All spans are loans from the decoded bytes. */
#ifndef QUORATE_LEDGER_COSMOS_TX_H
#define QUORATE_LEDGER_COSMOS_TX_H

#include "crypto/pubkey.h"
#include "ledger/amount.h"
#include "ledger/codes.h"

#define COSMOS_TX_BYTES_MAX    65536
#define COSMOS_TX_MEMO_MAX     256
#define COSMOS_TX_MESSAGES_MAX 16
#define COSMOS_TX_COINS_MAX    16 /* of one message */
#define COSMOS_TX_DENOM_MAX    128

#define COSMOS_TX_SEND_URL      "/cosmos.bank.v1beta1.MsgSend"
#define COSMOS_TX_SECP256K1_URL "/cosmos.crypto.secp256k1.PubKey"
#define COSMOS_TX_ED25519_URL   "/cosmos.crypto.ed25519.PubKey"

struct cosmos_tx_any {
    struct span type_url, value;
};

struct cosmos_tx {
    struct span body_bytes, auth_info_bytes;
    struct signature signature;
    /* TxBody */
    uint32_t message_count; /* ≥ 1 */
    struct cosmos_tx_any messages[COSMOS_TX_MESSAGES_MAX];
    struct span memo;
    uint64_t timeout_height; /* 0: none */
    /* AuthInfo: one signer */
    struct pubkey key; /* PUBKEY_NONE: left out, the account's known key is meant */
    uint64_t sequence;
    uint64_t gas_limit; /* ≤ INT64_MAX */
    uint32_t fee_coins; /* how many coins the fee offers */
    bool has_fee_payer; /* or granter */
    bool is_unsigned;   /* decoded as such */
};

struct cosmos_tx_coin {
    struct span denom;
    amount amount;
};

struct cosmos_tx_send {
    struct span from, to; /* bech32 texts, not yet decoded */
    uint32_t coin_count;  /* ≥ 1, ascending by denom, unique, none zero */
    struct cosmos_tx_coin coins[COSMOS_TX_COINS_MAX];
};

/* The code of ledger.md; when not CODES_OK, *why is a static text and *tx is not to be used. */
enum codes cosmos_tx_decode(struct cosmos_tx *tx, const char **why, struct span bytes);
/* For simulation: the signature may be empty and the sign mode not said. */
enum codes cosmos_tx_decode_unsigned(struct cosmos_tx *tx, const char **why, struct span bytes);
enum codes cosmos_tx_decode_send(struct cosmos_tx_send *send, const char **why, struct span value);
/* A key as an Any of one of the two known types; for queries and genesis tools too. */
void cosmos_tx_write_key(struct proto_writer *writer, uint32_t field, const struct pubkey *key);
/* [a-zA-Z][a-zA-Z0-9/:._-]{2,127} */
bool cosmos_tx_denom_valid(struct span denom);

/* ---- for whoever signs. Writers as in proto.h: over NULL they measure. */
void cosmos_tx_write_send(struct proto_writer *writer, const struct cosmos_tx_send *send);
void cosmos_tx_write_body(struct proto_writer *writer, const struct cosmos_tx_any *messages, uint32_t message_count, struct span memo,
                          uint64_t timeout_height);
void cosmos_tx_write_auth_info(struct proto_writer *writer, const struct pubkey *key, uint64_t sequence,
                               const struct cosmos_tx_coin *fee, uint32_t fee_coins, uint64_t gas_limit);
void cosmos_tx_write_sign_doc(struct proto_writer *writer, struct span body_bytes, struct span auth_info_bytes, struct span chain_id,
                              uint64_t account_number);
void cosmos_tx_write_raw(struct proto_writer *writer, struct span body_bytes, struct span auth_info_bytes,
                         const struct signature *signature);
void cosmos_tx_write_coin(struct proto_writer *writer, uint32_t field, const struct cosmos_tx_coin *coin);

#endif
