#include "ledger/execute.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

/* Deterministic units, in the order of size that wallets expect of the Cosmos SDK. Part of results: a change is a new release of the chain. */
enum { GAS_PER_BYTE = 10, GAS_PER_SIGNATURE = 1000, GAS_PER_MESSAGE = 5000, GAS_PER_COIN = 4000 };

static bool refuse(struct execute_tx *tx, enum codes code, const char *format, ...) __attribute__((format(printf, 3, 4)));

static bool refuse(struct execute_tx *tx, enum codes code, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(tx->log, sizeof tx->log, format, args);
    va_end(args);
    for (char *c = tx->log; *c != 0; c++) /* a stranger's text may have been cut within a character */
        if (*c < 0x20 || *c > 0x7e)
            *c = '?';
    tx->code = code;
    return false;
}

/* For "%.*s". */
static int shown(struct span bytes, int most) { return bytes.size < (size_t)most ? (int)bytes.size : most; }
static const char *text(struct span bytes) { return bytes.data == NULL ? "" : (const char *)bytes.data; }

/* ---- what the bytes say */

static bool read_send(const struct execute *where, struct execute_tx *tx, uint32_t index) {
    struct execute_send *send = &tx->sends[index];
    const struct cosmos_tx_any *any = &tx->said.messages[index];
    const char *why;
    uint8_t from[ACCOUNTS_ADDRESS_BYTES];
    if (!span_equal(any->type_url, span_text(COSMOS_TX_SEND_URL)))
        return refuse(tx, CODES_UNKNOWN_MESSAGE, "message %" PRIu32 ": unknown type %.*s", index, shown(any->type_url, 100),
                      text(any->type_url));
    enum codes code = cosmos_tx_decode_send(&send->said, &why, any->value);
    if (code != CODES_OK)
        return refuse(tx, code, "message %" PRIu32 ": %s", index, why);
    if (!accounts_parse_address(from, where->prefix, send->said.from))
        return refuse(tx, CODES_PARSE, "message %" PRIu32 ": invalid from_address, expected %s1...", index, where->prefix);
    if (!accounts_parse_address(send->to, where->prefix, send->said.to))
        return refuse(tx, CODES_PARSE, "message %" PRIu32 ": invalid to_address, expected %s1...", index, where->prefix);
    if (index == 0)
        memcpy(tx->signer, from, sizeof from);
    else if (memcmp(tx->signer, from, sizeof from) != 0)
        return refuse(tx, CODES_PARSE, "message %" PRIu32 ": another signer than that of the first message", index);
    return true;
}

static bool read_messages(const struct execute *where, struct execute_tx *tx) {
    for (uint32_t i = 0; i < tx->said.message_count; i++) {
        if (!read_send(where, tx, i))
            return false;
        tx->gas_used += GAS_PER_MESSAGE + (int64_t)tx->sends[i].said.coin_count * GAS_PER_COIN;
    }
    return true;
}

static bool check_key(struct execute_tx *tx) {
    if (tx->said.key.type == PUBKEY_NONE)
        return true;
    struct address address = pubkey_address(&tx->said.key);
    if (memcmp(address.bytes, tx->signer, sizeof tx->signer) == 0)
        return true;
    return refuse(tx, CODES_BAD_SIGNATURE, "the public key is not that of the signer's address");
}

bool execute_read(const struct execute *where, struct execute_tx *tx, struct span bytes) {
    const char *why;
    tx->code = CODES_OK;
    tx->log[0] = 0;
    tx->sequence_used = false;
    tx->gas_used = 0;
    bool is_simulated = where->mode == EXECUTE_SIMULATE;
    enum codes code = is_simulated ? cosmos_tx_decode_unsigned(&tx->said, &why, bytes) : cosmos_tx_decode(&tx->said, &why, bytes);
    if (code != CODES_OK) {
        tx->said.gas_limit = 0; /* whatever was read of it: results are hashed */
        return refuse(tx, code, "%s", why);
    }
    tx->gas_used = (int64_t)bytes.size * GAS_PER_BYTE + GAS_PER_SIGNATURE;
    if (tx->said.fee_coins > 0 || tx->said.has_fee_payer)
        return refuse(tx, CODES_PARSE, "this chain takes no fees: the fee must have no coins, payer or granter");
    if (!read_messages(where, tx) || !check_key(tx))
        return false;
    if (!is_simulated && tx->said.gas_limit < (uint64_t)tx->gas_used)
        return refuse(tx, CODES_OUT_OF_GAS, "out of gas: needs %" PRId64 ", the limit is %" PRIu64, tx->gas_used, tx->said.gas_limit);
    if (tx->said.timeout_height > 0 && (uint64_t)where->height > tx->said.timeout_height)
        return refuse(tx, CODES_EXPIRED, "expired: height %" PRId64 " is beyond the timeout height %" PRIu64, where->height,
                      tx->said.timeout_height);
    return true;
}

/* ---- who signed */

static struct span sign_doc_in(uint8_t *scratch, const struct execute *where, const struct execute_tx *tx, uint64_t account_number) {
    struct proto_writer writer;
    proto_writer_init(&writer, scratch, EXECUTE_SIGN_DOC_MAX);
    cosmos_tx_write_sign_doc(&writer, tx->said.body_bytes, tx->said.auth_info_bytes, where->chain_id, account_number);
    assert(!writer.overflow);
    return proto_writer_span(&writer);
}

/* A key said by the transaction can be no other than the account's: both have the signer's address. NONE: nobody has said one yet. */
static struct pubkey key_for(const struct execute_tx *tx, const struct account *account) {
    return account->key.type == PUBKEY_NONE ? tx->said.key : account->key;
}

bool execute_claim(const struct execute *where, struct pubkey *key, struct span *message, const struct execute_tx *tx, uint8_t *scratch) {
    struct account account;
    if (!accounts_get(where->state, &account, tx->signer))
        return false;
    *key = key_for(tx, &account);
    *message = sign_doc_in(scratch, where, tx, account.number);
    return key->type != PUBKEY_NONE;
}

static bool signature_holds(const struct execute *where, const struct execute_tx *tx, const struct account *account) {
    if (where->mode == EXECUTE_PREPARE || where->mode == EXECUTE_SIMULATE || seen_has(where->verified, tx->hash))
        return true;
    struct pubkey key = key_for(tx, account);
    if (key.type == PUBKEY_NONE)
        return false;
    struct span message = sign_doc_in(where->sign_doc, where, tx, account->number);
    if (!pubkey_verify_vartime(&key, message, &tx->said.signature))
        return false;
    seen_add(where->verified, tx->hash);
    return true;
}

static bool authenticate(const struct execute *where, struct execute_tx *tx) {
    struct account account;
    if (!accounts_get(where->state, &account, tx->signer))
        return refuse(tx, CODES_UNKNOWN_ACCOUNT, "account %.*s does not exist: send it some coins first", shown(tx->sends[0].said.from, 100),
                      text(tx->sends[0].said.from));
    if (tx->said.sequence != account.sequence)
        return refuse(tx, CODES_WRONG_SEQUENCE, "account sequence mismatch, expected %" PRIu64 ", got %" PRIu64 ": incorrect account sequence",
                      account.sequence, tx->said.sequence);
    if (!signature_holds(where, tx, &account))
        return refuse(tx, CODES_BAD_SIGNATURE, "signature verification failed; please verify account number (%" PRIu64
                      "), sequence (%" PRIu64 ") and chain-id (%.*s): unauthorized", account.number, account.sequence,
                      shown(where->chain_id, 50), text(where->chain_id));
    if (account.key.type == PUBKEY_NONE)
        account.key = tx->said.key;
    account.sequence++; /* cannot wrap: each step is a signature */
    accounts_put(where->state, tx->signer, &account);
    tx->sequence_used = true;
    return true;
}

/* ---- what is wished */

static bool move_coin(const struct execute *where, struct execute_tx *tx, const uint8_t *to, const struct cosmos_tx_coin *coin) {
    char has[AMOUNT_TEXT_SIZE], needs[AMOUNT_TEXT_SIZE];
    amount balance = accounts_balance(where->state, tx->signer, coin->denom);
    if (balance < coin->amount) {
        amount_text(has, balance);
        amount_text(needs, coin->amount);
        return refuse(tx, CODES_INSUFFICIENT_FUNDS, "spendable balance %s%.*s is smaller than %s%.*s: insufficient funds", has,
                      shown(coin->denom, 40), text(coin->denom), needs, shown(coin->denom, 40), text(coin->denom));
    }
    if (where->mode != EXECUTE_FINAL && memcmp(to, tx->signer, ACCOUNTS_ADDRESS_BYTES) == 0)
        return true;
    bool moved = accounts_debit(where->state, tx->signer, coin->denom, coin->amount) &&
                 (where->mode != EXECUTE_FINAL || accounts_credit(where->state, to, coin->denom, coin->amount));
    assert(moved); /* no sum of balances is above the supply */
    return true;
}

static bool run_send(const struct execute *where, struct execute_tx *tx, const struct execute_send *send) {
    struct account account;
    const struct pubkey no_key = {.type = PUBKEY_NONE};
    if (where->mode == EXECUTE_FINAL && !accounts_get(where->state, &account, send->to))
        accounts_create(where->state, send->to, &no_key); /* accounts are open: who receives has one */
    for (uint32_t i = 0; i < send->said.coin_count; i++)
        if (!move_coin(where, tx, send->to, &send->said.coins[i]))
            return false;
    return true;
}

bool execute_run(const struct execute *where, struct execute_tx *tx) {
    overlay_mark(where->state);
    if (!authenticate(where, tx))
        return false;
    if (where->mode == EXECUTE_FINAL)
        overlay_mark(where->state); /* the used sequence stays, whatever comes */
    for (uint32_t i = 0; i < tx->said.message_count; i++) {
        if (!run_send(where, tx, &tx->sends[i])) {
            overlay_revert(where->state);
            return false;
        }
    }
    return true;
}
