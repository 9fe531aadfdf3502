#include "tests/ledger/wallet.h"

#include <assert.h>

#include "crypto/ed25519.h"
#include "crypto/secp256k1_key.h"

struct wallet wallet_of(uint8_t type, uint8_t number) {
    struct wallet wallet = {.secret = {number, 7}};
    uint8_t bytes[33];
    if (type == PUBKEY_SECP256K1) {
        secp256k1_key_public(bytes, wallet.secret);
        wallet.key = pubkey_secp256k1(bytes);
    } else {
        struct ed25519_key *key = ed25519_key_new(wallet.secret);
        ed25519_key_public(key, bytes);
        ed25519_key_free(key);
        wallet.key = pubkey_ed25519(bytes);
    }
    struct address address = pubkey_address(&wallet.key);
    memcpy(wallet.address, address.bytes, 20);
    text_bech32(wallet.text, "quorate", span_of(wallet.address, 20));
    return wallet;
}

static struct signature sign(const struct wallet *wallet, struct span message) {
    struct signature signature = {.size = 64};
    if (wallet->key.type == PUBKEY_SECP256K1) {
        secp256k1_key_sign(signature.bytes, wallet->secret, message);
    } else {
        struct ed25519_key *key = ed25519_key_new(wallet->secret);
        ed25519_sign(key, signature.bytes, message);
        ed25519_key_free(key);
    }
    return signature;
}

static struct span send_value(uint8_t *out, size_t capacity, const struct wallet *wallet, const struct wallet_wish *wish, const char *from,
                              const char *to, const char *amount_text_in) {
    struct proto_writer writer;
    proto_writer_init(&writer, out, capacity);
    proto_put_text(&writer, 1, from == NULL ? wallet->text : from);
    proto_put_text(&writer, 2, to);
    size_t mark = proto_begin(&writer, 3);
    proto_put_text(&writer, 1, wish->denom == NULL ? "unit" : wish->denom);
    proto_put_text(&writer, 2, amount_text_in == NULL ? "1" : amount_text_in);
    proto_end(&writer, mark);
    return proto_writer_span(&writer);
}

struct span wallet_sign(const struct wallet *wallet, const struct wallet_wish *wish) {
    static uint8_t places[4096][1024];
    static unsigned turn;
    uint8_t values[2][300], body[1024], auth[512], doc[2048], *out = places[turn++ % 4096];
    struct cosmos_tx_any messages[2] = {{span_text(wish->type_url == NULL ? COSMOS_TX_SEND_URL : wish->type_url),
                                         send_value(values[0], sizeof values[0], wallet, wish, wish->from, wish->to, wish->amount)}};
    uint32_t count = 1;
    if (wish->to2 != NULL)
        messages[count++] = (struct cosmos_tx_any){span_text(COSMOS_TX_SEND_URL),
                                                   send_value(values[1], sizeof values[1], wallet, wish, wish->from2, wish->to2, wish->amount2)};
    struct proto_writer writer;
    proto_writer_init(&writer, body, sizeof body);
    cosmos_tx_write_body(&writer, messages, count, span_text(wish->memo == NULL ? "" : wish->memo), wish->timeout_height);
    struct span body_bytes = proto_writer_span(&writer);
    const struct pubkey no_key = {.type = PUBKEY_NONE};
    const struct cosmos_tx_coin fee = {span_text("unit"), 1};
    uint64_t gas_limit = wish->gas_limit == 0 ? 200000 : wish->gas_limit == 1 ? 0 : wish->gas_limit;
    proto_writer_init(&writer, auth, sizeof auth);
    cosmos_tx_write_auth_info(&writer, wish->without_key ? &no_key : &wallet->key, wish->sequence, &fee, wish->with_fee ? 1 : 0, gas_limit);
    struct span auth_bytes = proto_writer_span(&writer);
    proto_writer_init(&writer, doc, sizeof doc);
    cosmos_tx_write_sign_doc(&writer, body_bytes, auth_bytes, span_text(wish->chain_id == NULL ? "test-chain" : wish->chain_id),
                             wish->account_number);
    struct signature signature = sign(wallet, proto_writer_span(&writer));
    proto_writer_init(&writer, out, sizeof places[0]);
    cosmos_tx_write_raw(&writer, body_bytes, auth_bytes, &signature);
    assert(!writer.overflow);
    return proto_writer_span(&writer);
}
