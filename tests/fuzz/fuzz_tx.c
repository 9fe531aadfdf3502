/* Transactions: the envelope, and the application's check_tx, simulation, proposal and execution. An input whose key is alice's or bob's is signed
 * anew, so that what lies behind the signature is reached; then its bytes are the only ones for this content. */
#define FUZZ_BYTES_MAX 2048
#include "tests/fuzz/fuzz.h"

#include "crypto/secp256k1_key.h"
#include "ledger/accounts.h"
#include "ledger/execute_simulate.h"
#include "tests/fuzz/world.h"

static struct world_ledger world;

static void look_at(const struct cosmos_tx *tx) {
    static struct cosmos_tx_send send;
    const char *why = NULL;
    assert(tx->message_count >= 1 && tx->message_count <= COSMOS_TX_MESSAGES_MAX && tx->memo.size <= COSMOS_TX_MEMO_MAX);
    for (uint32_t i = 0; i < tx->message_count; i++) {
        if (cosmos_tx_decode_send(&send, &why, tx->messages[i].value) != CODES_OK) {
            assert(why != NULL);
            continue;
        }
        assert(send.coin_count >= 1 && send.coin_count <= COSMOS_TX_COINS_MAX);
        for (uint32_t c = 0; c < send.coin_count; c++)
            assert(cosmos_tx_denom_valid(send.coins[c].denom) && send.coins[c].amount > 0);
        FUZZ_WRITE(first, cosmos_tx_write_send(&first, &send));
        assert(cosmos_tx_decode_send(&send, &why, proto_writer_span(&first)) == CODES_OK);
    }
}

/* Envelope: what decodes is what the writer writes. */
static bool envelope(struct cosmos_tx *tx, struct span bytes) {
    const char *why = NULL;
    enum codes code = cosmos_tx_decode(tx, &why, bytes);
    if (code != CODES_OK) {
        assert(why != NULL);
        return false;
    }
    FUZZ_WRITE(raw, cosmos_tx_write_raw(&raw, tx->body_bytes, tx->auth_info_bytes, &tx->signature));
    fuzz_same(proto_writer_span(&raw), bytes);
    look_at(tx);
    return true;
}

static const struct wallet *owner(const struct cosmos_tx *tx) {
    const struct wallet *all[] = {&world.alice, &world.bob, &world.carol};
    for (int i = 0; i < 3; i++)
        if (pubkey_equal(&tx->key, &all[i]->key))
            return all[i];
    return NULL;
}

static struct span sign_anew(const struct cosmos_tx *tx, const struct wallet *wallet, uint64_t account) {
    struct signature signature = {.size = 64};
    FUZZ_WRITE(doc, cosmos_tx_write_sign_doc(&doc, tx->body_bytes, tx->auth_info_bytes, span_text("test-chain"), account));
    if (wallet->key.type == PUBKEY_SECP256K1) {
        secp256k1_key_sign(signature.bytes, wallet->secret, proto_writer_span(&doc));
    } else {
        struct ed25519_key *key = ed25519_key_new(wallet->secret);
        ed25519_sign(key, signature.bytes, proto_writer_span(&doc));
        ed25519_key_free(key);
    }
    FUZZ_WRITE(raw, cosmos_tx_write_raw(&raw, tx->body_bytes, tx->auth_info_bytes, &signature));
    return proto_writer_span(&raw);
}

static amount supply(struct world_ledger *of) { /* of "unit" in the three purses that can be reached; others only take */
    struct overlay view;
    amount sum = 0;
    overlay_init(&view, NULL, of->kv);
    sum = accounts_balance(&view, of->alice.address, span_text("unit")) + accounts_balance(&view, of->bob.address, span_text("unit")) +
          accounts_balance(&view, of->carol.address, span_text("unit"));
    overlay_close(&view);
    return sum;
}

/* In a chain of its own: a block of the transaction, twice. The second time its sequence is used, if the first time it was good. */
static void execute(struct span tx, uint32_t checked) {
    struct world_ledger own;
    struct abci_finalized done;
    uint8_t hashes[2][32];
    struct span txs[2] = {tx, tx};
    sha256_once(hashes[0], tx);
    memcpy(hashes[1], hashes[0], 32);
    world_ledger_open(&own);
    struct abci_block block = {.txs = txs, .tx_hashes = (const uint8_t(*)[32])hashes, .tx_count = 2, .height = 1};
    own.app->table->finalize_block(own.app, &done, &block, fuzz_arena());
    assert(done.tx_count == 2 && done.app_hash.size == 32);
    assert(done.tx_results[0].code == checked || done.tx_results[0].code != CODES_OK);
    assert(done.tx_results[0].code != CODES_OK || done.tx_results[1].code == CODES_WRONG_SEQUENCE);
    world_ledger_commit(&own);
    assert(supply(&own) <= 1500);
    FUZZ_WRITE(written, abci_finalized_write(&written, &done));
    world_ledger_close(&own);
}

static uint32_t ask(struct span tx) {
    struct abci_check check;
    struct abci_answer answer;
    uint32_t chosen[1];
    struct abci_block block = {.txs = &tx, .tx_count = 1, .height = 1};
    const struct app_table *table = world.app->table;
    table->check_tx(world.app, &check, tx, false, fuzz_arena());
    bool proposed = table->prepare_proposal(world.app, chosen, &block, 1 << 20, fuzz_arena()) == 1;
    assert(check.result.code != CODES_OK || proposed);
    struct abci_query query = {.path = span_text(EXECUTE_SIMULATE_PATH)};
    FUZZ_WRITE(request, proto_put_bytes(&request, 2, tx));
    query.data = proto_writer_span(&request);
    table->query(world.app, &answer, &query, fuzz_arena());
    world_ledger_commit(&world);
    return check.result.code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct cosmos_tx tx, unsigned_tx;
    const char *why;
    if (world.app == NULL)
        world_ledger_open(&world);
    struct span bytes = span_of(data, size);
    bool good = envelope(&tx, bytes);
    if (cosmos_tx_decode_unsigned(&unsigned_tx, &why, bytes) == CODES_OK)
        look_at(&unsigned_tx);
    ask(bytes);
    const struct wallet *wallet = good ? owner(&tx) : NULL;
    if (wallet != NULL) {
        struct span again = sign_anew(&tx, wallet, wallet == &world.bob);
        execute(again, ask(again));
    }
    fuzz_end();
    return 0;
}
