#include "ledger/execute_events.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "crypto/text.h"

#define SEND_RESPONSE_URL COSMOS_TX_SEND_URL "Response"
enum { EVENTS_PER_MESSAGE = 2, ATTRIBUTES_MAX = 3 };

struct making { /* one event being filled */
    struct abci_event *event;
    struct arena *arena;
};

static struct making event_begin(struct abci_tx_result *out, const char *type, struct arena *arena) {
    struct abci_event *event = &out->events.list[out->events.count++];
    *event = (struct abci_event){.type = span_text(type)};
    event->attributes = arena_take(arena, ATTRIBUTES_MAX, sizeof *event->attributes);
    assert(event->attributes != NULL);
    return (struct making){event, arena};
}

static void event_add(struct making making, const char *key, struct span value) {
    struct abci_attribute *attribute = &making.event->attributes[making.event->count++];
    *attribute = (struct abci_attribute){.key = span_text(key), .index = true};
    bool copied = arena_copy(making.arena, &attribute->value, value);
    assert(copied && making.event->count <= ATTRIBUTES_MAX);
}

/* One spelling, whatever the transaction wrote (bech32 may be in upper case). */
static struct span address_text(char out[static TEXT_BECH32_MAX + 1], const char *prefix, const uint8_t *address) {
    bool fits = text_bech32(out, prefix, span_of(address, ACCOUNTS_ADDRESS_BYTES));
    assert(fits);
    return span_text(out);
}

static struct span amounts_text(char *out, size_t capacity, const struct cosmos_tx_send *send) {
    size_t size = 0;
    for (uint32_t i = 0; i < send->coin_count; i++) {
        char digits[AMOUNT_TEXT_SIZE];
        const struct span denom = send->coins[i].denom;
        amount_text(digits, send->coins[i].amount);
        int added = snprintf(out + size, capacity - size, "%s%s%.*s", i == 0 ? "" : ",", digits, (int)denom.size, (const char *)denom.data);
        assert(added > 0 && (size_t)added < capacity - size);
        size += (size_t)added;
    }
    return span_of(out, size);
}

static void send_events(struct abci_tx_result *out, const struct execute_send *send, struct span sender, const char *prefix, struct arena *arena) {
    char to[TEXT_BECH32_MAX + 1], amounts[COSMOS_TX_COINS_MAX * (AMOUNT_TEXT_SIZE + COSMOS_TX_DENOM_MAX + 1)];
    struct making message = event_begin(out, "message", arena);
    event_add(message, "action", span_text(COSMOS_TX_SEND_URL));
    event_add(message, "sender", sender);
    event_add(message, "module", span_text("bank"));
    struct making transfer = event_begin(out, "transfer", arena);
    event_add(transfer, "recipient", address_text(to, prefix, send->to));
    event_add(transfer, "sender", sender);
    event_add(transfer, "amount", amounts_text(amounts, sizeof amounts, &send->said));
}

void execute_events(struct abci_tx_result *out, const struct execute_tx *tx, const char *prefix, struct arena *arena) {
    char sender[TEXT_BECH32_MAX + 1], account_sequence[TEXT_BECH32_MAX + 32];
    struct span sender_text = address_text(sender, prefix, tx->signer);
    out->events.list = arena_take(arena, 1 + EVENTS_PER_MESSAGE * tx->said.message_count, sizeof *out->events.list);
    assert(out->events.list != NULL);
    snprintf(account_sequence, sizeof account_sequence, "%s/%" PRIu64, sender, tx->said.sequence);
    event_add(event_begin(out, "tx", arena), "acc_seq", span_text(account_sequence));
    for (uint32_t i = 0; tx->code == CODES_OK && i < tx->said.message_count; i++)
        send_events(out, &tx->sends[i], sender_text, prefix, arena);
}

void execute_data(struct abci_tx_result *out, const struct execute_tx *tx, struct arena *arena) {
    uint8_t bytes[COSMOS_TX_MESSAGES_MAX * (sizeof SEND_RESPONSE_URL + 8)];
    struct proto_writer writer;
    proto_writer_init(&writer, bytes, sizeof bytes);
    for (uint32_t i = 0; i < tx->said.message_count; i++) {
        size_t mark = proto_begin(&writer, 2);
        proto_put_text(&writer, 1, SEND_RESPONSE_URL);
        proto_end(&writer, mark);
    }
    bool copied = !writer.overflow && arena_copy(arena, &out->data, proto_writer_span(&writer));
    assert(copied);
}
