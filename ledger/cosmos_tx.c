#include "ledger/cosmos_tx.h"

#include "crypto/ed25519.h"
#include "crypto/secp256k1_key.h"
#include "ledger/strict.h"

enum { MODE_DIRECT = 1, EXTENSION_OPTIONS = 1023, NON_CRITICAL_EXTENSION_OPTIONS = 2047 };

static const struct key_kind {
    const char *url;
    uint8_t type, size;
} key_kinds[] = {
    {COSMOS_TX_SECP256K1_URL, PUBKEY_SECP256K1, SECP256K1_PUBLIC_BYTES},
    {COSMOS_TX_ED25519_URL, PUBKEY_ED25519, ED25519_PUBLIC_BYTES},
};

/* ---- reading. Each function reads one message whole and leaves its fault in the cursor that it returns to its caller by join. */

static void join(struct strict *outer, const struct strict *inner) {
    if (inner->fault != NULL)
        strict_fail(outer, inner->fault);
}

static struct cosmos_tx_any read_any(struct strict *outer, struct span bytes) {
    struct strict strict = strict_over(bytes);
    struct proto_field field;
    struct cosmos_tx_any any = {{NULL, 0}, {NULL, 0}};
    while (strict_next(&strict, &field)) {
        if (field.number == 1)
            any.type_url = strict_text_once(&strict, &field);
        else if (field.number == 2)
            any.value = strict_bytes_once(&strict, &field);
        else
            strict_unknown(&strict, &field, false);
    }
    join(outer, &strict);
    return any;
}

static struct span read_only_bytes(struct strict *outer, struct span bytes) { /* a message with the one field 1, bytes */
    struct strict strict = strict_over(bytes);
    struct proto_field field;
    struct span value = {NULL, 0};
    while (strict_next(&strict, &field)) {
        if (field.number == 1)
            value = strict_bytes_once(&strict, &field);
        else
            strict_unknown(&strict, &field, false);
    }
    join(outer, &strict);
    return value;
}

static void read_key(struct pubkey *key, struct strict *outer, struct span bytes) {
    struct cosmos_tx_any any = read_any(outer, bytes);
    struct span value = read_only_bytes(outer, any.value);
    for (size_t i = 0; i < sizeof key_kinds / sizeof key_kinds[0]; i++) {
        const struct key_kind *kind = &key_kinds[i];
        if (!span_equal(any.type_url, span_text(kind->url)))
            continue;
        if (value.size != kind->size) {
            strict_fail(outer, "public key of a wrong size");
            return;
        }
        *key = (struct pubkey){.type = kind->type, .size = kind->size};
        memcpy(key->bytes, value.data, value.size);
        return;
    }
    strict_fail(outer, "public key of an unknown type");
}

/* ModeInfo {1 Single{1 mode} | 2 Multi} */
static void read_mode(const struct cosmos_tx *tx, struct strict *outer, struct span bytes) {
    struct strict strict = strict_over(bytes);
    struct proto_field field;
    uint64_t mode = 0;
    while (strict_next(&strict, &field)) {
        if (field.number != 1) {
            strict_fail(&strict, "only single signatures are known");
            break;
        }
        struct strict single = strict_over(strict_bytes_once(&strict, &field));
        while (strict_next(&single, &field)) {
            if (field.number == 1)
                mode = strict_uint64_once(&single, &field);
            else
                strict_unknown(&single, &field, false);
        }
        join(&strict, &single);
    }
    if (mode != MODE_DIRECT && !(tx->is_unsigned && mode == 0))
        strict_fail(&strict, "the sign mode is not SIGN_MODE_DIRECT");
    join(outer, &strict);
}

static void read_signer(struct cosmos_tx *tx, struct strict *outer, struct span bytes) {
    struct strict strict = strict_over(bytes);
    struct proto_field field;
    bool has_mode = false;
    while (strict_next(&strict, &field)) {
        if (field.number == 1) {
            read_key(&tx->key, &strict, strict_bytes_once(&strict, &field));
        } else if (field.number == 2) {
            read_mode(tx, &strict, strict_bytes_once(&strict, &field));
            has_mode = true;
        } else if (field.number == 3) {
            tx->sequence = strict_uint64_once(&strict, &field);
        } else {
            strict_unknown(&strict, &field, false);
        }
    }
    if (!has_mode)
        strict_fail(&strict, "no sign mode");
    join(outer, &strict);
}

static struct span read_coin_text(struct span *denom, struct strict *outer, struct span bytes) { /* gives the amount */
    struct strict strict = strict_over(bytes);
    struct proto_field field;
    struct span text = {NULL, 0};
    while (strict_next(&strict, &field)) {
        if (field.number == 1)
            *denom = strict_text_once(&strict, &field);
        else if (field.number == 2)
            text = strict_text_once(&strict, &field);
        else
            strict_unknown(&strict, &field, true);
    }
    join(outer, &strict);
    return text;
}

static void read_fee(struct cosmos_tx *tx, struct strict *outer, struct span bytes) {
    struct strict strict = strict_over(bytes);
    struct proto_field field;
    struct span denom;
    while (strict_next(&strict, &field)) {
        if (field.number == 1) {
            read_coin_text(&denom, &strict, strict_bytes(&strict, &field));
            tx->fee_coins++;
        } else if (field.number == 2) {
            tx->gas_limit = strict_uint64_once(&strict, &field);
        } else if (field.number == 3 || field.number == 4) {
            tx->has_fee_payer |= strict_text_once(&strict, &field).size > 0;
        } else {
            strict_unknown(&strict, &field, false);
        }
    }
    if (tx->gas_limit > INT64_MAX)
        strict_fail(&strict, "gas limit out of range");
    join(outer, &strict);
}

static void read_auth_info(struct cosmos_tx *tx, struct strict *outer) {
    struct strict strict = strict_over(tx->auth_info_bytes);
    struct proto_field field;
    uint32_t signers = 0;
    while (strict_next(&strict, &field)) {
        if (field.number == 1) {
            if (signers++ == 0)
                read_signer(tx, &strict, strict_bytes(&strict, &field));
        } else if (field.number == 2) {
            read_fee(tx, &strict, strict_bytes_once(&strict, &field));
        } else { /* 3, the tip, was never live */
            strict_unknown(&strict, &field, false);
        }
    }
    if (signers != 1)
        strict_fail(&strict, "there must be exactly one signer");
    join(outer, &strict);
}

static void read_body(struct cosmos_tx *tx, struct strict *outer) {
    struct strict strict = strict_over(tx->body_bytes);
    struct proto_field field;
    while (strict_next(&strict, &field)) {
        if (field.number == 1) {
            struct cosmos_tx_any any = read_any(&strict, strict_bytes(&strict, &field));
            if (tx->message_count < COSMOS_TX_MESSAGES_MAX)
                tx->messages[tx->message_count] = any;
            tx->message_count++;
        } else if (field.number == 2) {
            tx->memo = strict_text_once(&strict, &field);
        } else if (field.number == 3) {
            tx->timeout_height = strict_uint64_once(&strict, &field);
        } else if (field.number == EXTENSION_OPTIONS || field.number == NON_CRITICAL_EXTENSION_OPTIONS) {
            strict_fail(&strict, "extension options are not allowed");
        } else {
            strict_unknown(&strict, &field, true);
        }
    }
    if (tx->message_count == 0)
        strict_fail(&strict, "there is no message");
    join(outer, &strict);
}

static void take_signature(struct cosmos_tx *tx, struct strict *strict, struct span bytes) {
    if (tx->is_unsigned && bytes.size == 0)
        return;
    if (tx->signature.size > 0)
        strict_fail(strict, "there must be exactly one signature");
    else if (bytes.size != sizeof tx->signature.bytes)
        strict_fail(strict, "a signature must have 64 bytes");
    if (strict->fault != NULL)
        return;
    tx->signature.size = sizeof tx->signature.bytes;
    memcpy(tx->signature.bytes, bytes.data, bytes.size);
}

/* Nobody signs TxRaw itself, so whatever it may say in two ways, a stranger could say in the other. */
static void read_raw(struct cosmos_tx *tx, struct strict *strict) {
    struct proto_field field;
    uint32_t last = 0;
    while (strict_next(strict, &field)) {
        if (field.number < last)
            strict_fail(strict, "fields of the transaction out of order");
        last = field.number;
        if (field.number == 1)
            tx->body_bytes = strict_bytes_once(strict, &field);
        else if (field.number == 2)
            tx->auth_info_bytes = strict_bytes_once(strict, &field);
        else if (field.number == 3)
            take_signature(tx, strict, strict_bytes(strict, &field));
        else
            strict_unknown(strict, &field, false);
    }
    if (tx->body_bytes.size == 0 || tx->auth_info_bytes.size == 0 || (tx->signature.size == 0 && !tx->is_unsigned))
        strict_fail(strict, "body, auth info or signature is missing");
}

static enum codes decode(struct cosmos_tx *tx, const char **why, struct span bytes, bool is_unsigned) {
    *why = "transaction too large";
    if (bytes.size > COSMOS_TX_BYTES_MAX)
        return CODES_TOO_LARGE;
    struct strict strict = strict_over(bytes);
    memset(tx, 0, sizeof *tx);
    tx->is_unsigned = is_unsigned;
    read_raw(tx, &strict);
    if (strict.fault == NULL)
        read_body(tx, &strict);
    if (strict.fault == NULL)
        read_auth_info(tx, &strict);
    *why = strict.fault;
    if (strict.fault != NULL)
        return CODES_PARSE;
    *why = "memo too long";
    if (tx->memo.size > COSMOS_TX_MEMO_MAX)
        return CODES_FIELD_LIMIT;
    *why = "too many messages";
    return tx->message_count > COSMOS_TX_MESSAGES_MAX ? CODES_FIELD_LIMIT : CODES_OK;
}

enum codes cosmos_tx_decode(struct cosmos_tx *tx, const char **why, struct span bytes) { return decode(tx, why, bytes, false); }

enum codes cosmos_tx_decode_unsigned(struct cosmos_tx *tx, const char **why, struct span bytes) { return decode(tx, why, bytes, true); }

/* ---- MsgSend */

static bool is_letter(uint8_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

static bool is_denom_character(uint8_t c) {
    return is_letter(c) || (c >= '0' && c <= '9') || (c != 0 && strchr("/:._-", c) != NULL);
}

bool cosmos_tx_denom_valid(struct span denom) {
    if (denom.size < 3 || denom.size > COSMOS_TX_DENOM_MAX || !is_letter(denom.data[0]))
        return false;
    for (size_t i = 0; i < denom.size; i++)
        if (!is_denom_character(denom.data[i]))
            return false;
    return true;
}

static void read_sent_coin(struct cosmos_tx_send *send, struct strict *strict, struct span bytes) {
    struct cosmos_tx_coin coin = {{NULL, 0}, 0};
    struct span text = read_coin_text(&coin.denom, strict, bytes);
    if (strict->fault == NULL && !cosmos_tx_denom_valid(coin.denom))
        strict_fail(strict, "invalid denom");
    if (strict->fault == NULL && (!amount_parse(&coin.amount, text) || coin.amount == 0))
        strict_fail(strict, "an amount must be a positive decimal number of at most 128 bits");
    if (strict->fault != NULL)
        return;
    uint32_t index = send->coin_count++;
    if (index >= COSMOS_TX_COINS_MAX)
        return;
    if (index > 0 && span_compare(send->coins[index - 1].denom, coin.denom) >= 0)
        strict_fail(strict, "coins must be sorted by denom and unique");
    send->coins[index] = coin;
}

enum codes cosmos_tx_decode_send(struct cosmos_tx_send *send, const char **why, struct span value) {
    struct strict strict = strict_over(value);
    struct proto_field field;
    *send = (struct cosmos_tx_send){.coin_count = 0};
    while (strict_next(&strict, &field)) {
        if (field.number == 1)
            send->from = strict_text_once(&strict, &field);
        else if (field.number == 2)
            send->to = strict_text_once(&strict, &field);
        else if (field.number == 3)
            read_sent_coin(send, &strict, strict_bytes(&strict, &field));
        else
            strict_unknown(&strict, &field, true);
    }
    if (send->coin_count == 0)
        strict_fail(&strict, "no coins are sent");
    *why = strict.fault;
    if (strict.fault != NULL)
        return CODES_PARSE;
    *why = "too many coins";
    return send->coin_count > COSMOS_TX_COINS_MAX ? CODES_FIELD_LIMIT : CODES_OK;
}

/* ---- writing */

void cosmos_tx_write_coin(struct proto_writer *writer, uint32_t field, const struct cosmos_tx_coin *coin) {
    char text[AMOUNT_TEXT_SIZE];
    amount_text(text, coin->amount);
    size_t mark = proto_begin(writer, field);
    proto_put_bytes(writer, 1, coin->denom);
    proto_put_text(writer, 2, text);
    proto_end(writer, mark);
}

void cosmos_tx_write_send(struct proto_writer *writer, const struct cosmos_tx_send *send) {
    proto_put_bytes(writer, 1, send->from);
    proto_put_bytes(writer, 2, send->to);
    for (uint32_t i = 0; i < send->coin_count; i++)
        cosmos_tx_write_coin(writer, 3, &send->coins[i]);
}

void cosmos_tx_write_body(struct proto_writer *writer, const struct cosmos_tx_any *messages, uint32_t message_count, struct span memo,
                          uint64_t timeout_height) {
    for (uint32_t i = 0; i < message_count; i++) {
        size_t mark = proto_begin(writer, 1);
        proto_put_bytes(writer, 1, messages[i].type_url);
        proto_put_bytes(writer, 2, messages[i].value);
        proto_end(writer, mark);
    }
    proto_put_bytes(writer, 2, memo);
    proto_put_uint64(writer, 3, timeout_height);
}

void cosmos_tx_write_key(struct proto_writer *writer, uint32_t field, const struct pubkey *key) {
    for (size_t i = 0; i < sizeof key_kinds / sizeof key_kinds[0]; i++) {
        if (key_kinds[i].type != key->type)
            continue;
        size_t any = proto_begin(writer, field);
        proto_put_text(writer, 1, key_kinds[i].url);
        size_t value = proto_begin(writer, 2);
        proto_put_bytes(writer, 1, span_of(key->bytes, key->size));
        proto_end(writer, value);
        proto_end(writer, any);
    }
}

void cosmos_tx_write_auth_info(struct proto_writer *writer, const struct pubkey *key, uint64_t sequence,
                               const struct cosmos_tx_coin *fee, uint32_t fee_coins, uint64_t gas_limit) {
    size_t signer = proto_begin(writer, 1);
    cosmos_tx_write_key(writer, 1, key);
    size_t mode = proto_begin(writer, 2);
    size_t single = proto_begin(writer, 1);
    proto_put_uint64(writer, 1, MODE_DIRECT);
    proto_end(writer, single);
    proto_end(writer, mode);
    proto_put_uint64(writer, 3, sequence);
    proto_end(writer, signer);
    size_t mark = proto_begin(writer, 2);
    for (uint32_t i = 0; i < fee_coins; i++)
        cosmos_tx_write_coin(writer, 1, &fee[i]);
    proto_put_uint64(writer, 2, gas_limit);
    proto_end(writer, mark);
}

void cosmos_tx_write_sign_doc(struct proto_writer *writer, struct span body_bytes, struct span auth_info_bytes, struct span chain_id,
                              uint64_t account_number) {
    proto_put_bytes(writer, 1, body_bytes);
    proto_put_bytes(writer, 2, auth_info_bytes);
    proto_put_bytes(writer, 3, chain_id);
    proto_put_uint64(writer, 4, account_number);
}

void cosmos_tx_write_raw(struct proto_writer *writer, struct span body_bytes, struct span auth_info_bytes,
                         const struct signature *signature) {
    proto_put_bytes(writer, 1, body_bytes);
    proto_put_bytes(writer, 2, auth_info_bytes);
    proto_put_bytes(writer, 3, span_of(signature->bytes, signature->size));
}
