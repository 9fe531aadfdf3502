#include "node/node_info.h"

#include <assert.h>

#include "crypto/text.h"

const char *node_info_verdict_text(enum node_info_verdict verdict) {
    static const char *const texts[] = {
        [NODE_INFO_GOOD] = "good",
        [NODE_INFO_BAD_ADDRESS] = "the id or listen address is malformed",
        [NODE_INFO_BAD_VERSION] = "the version is not printable text",
        [NODE_INFO_TOO_MANY_CHANNELS] = "too many channels",
        [NODE_INFO_DUPLICATE_CHANNEL] = "a channel is named twice",
        [NODE_INFO_BAD_MONIKER] = "the moniker is empty or not printable text",
        [NODE_INFO_BAD_TX_INDEX] = "tx_index is neither on, off nor empty",
        [NODE_INFO_BAD_RPC_ADDRESS] = "the RPC address is not printable text",
        [NODE_INFO_OTHER_ID] = "the id is not that of the authenticated key",
        [NODE_INFO_OTHER_BLOCK_VERSION] = "another block protocol",
        [NODE_INFO_OTHER_NETWORK] = "another network",
        [NODE_INFO_NO_COMMON_CHANNEL] = "no channel in common",
    };
    return texts[verdict];
}

/* Encoding */

void node_info_write(struct proto_writer *writer, const struct node_info *info) {
    size_t mark = proto_begin(writer, 1);
    proto_put_uint64(writer, 1, info->p2p_version);
    proto_put_uint64(writer, 2, info->block_version);
    proto_put_uint64(writer, 3, info->app_version);
    proto_end(writer, mark);
    proto_put_text(writer, 2, info->id);
    proto_put_text(writer, 3, info->listen_addr);
    proto_put_text(writer, 4, info->network);
    proto_put_text(writer, 5, info->version);
    proto_put_bytes(writer, 6, span_of(info->channels, info->channel_count));
    proto_put_text(writer, 7, info->moniker);
    mark = proto_begin(writer, 8);
    proto_put_text(writer, 1, info->tx_index);
    proto_put_text(writer, 2, info->rpc_address);
    proto_end(writer, mark);
}

static void read_text(struct proto_reader *reader, const struct proto_field *field, char *out, size_t capacity) {
    struct span text = proto_bytes(reader, field);
    size_t size = proto_bytes_into(reader, field, out, capacity - 1);
    out[size] = '\0';
    if (text.size > 0 && memchr(text.data, '\0', text.size) != NULL)
        reader->bad = true;
}

static void read_versions(struct node_info *info, struct proto_reader *reader) {
    for (struct proto_field field; proto_next(reader, &field);) {
        switch (field.number) {
        case 1: info->p2p_version = proto_uint64(reader, &field); break;
        case 2: info->block_version = proto_uint64(reader, &field); break;
        case 3: info->app_version = proto_uint64(reader, &field); break;
        }
    }
}

static void read_other(struct node_info *info, struct proto_reader *reader) {
    for (struct proto_field field; proto_next(reader, &field);) {
        switch (field.number) {
        case 1: read_text(reader, &field, info->tx_index, sizeof info->tx_index); break;
        case 2: read_text(reader, &field, info->rpc_address, sizeof info->rpc_address); break;
        }
    }
}

static void read_nested(struct node_info *info, struct proto_reader *reader, const struct proto_field *field) {
    struct proto_reader sub = proto_sub(reader, field);
    if (field->number == 1)
        read_versions(info, &sub);
    else
        read_other(info, &sub);
    proto_join(reader, &sub);
}

void node_info_read(struct node_info *info, struct proto_reader *reader) {
    for (struct proto_field field; proto_next(reader, &field);) {
        switch (field.number) {
        case 1:
        case 8: read_nested(info, reader, &field); break;
        case 2: read_text(reader, &field, info->id, sizeof info->id); break;
        case 3: read_text(reader, &field, info->listen_addr, sizeof info->listen_addr); break;
        case 4: read_text(reader, &field, info->network, sizeof info->network); break;
        case 5: read_text(reader, &field, info->version, sizeof info->version); break;
        case 6: info->channel_count = (uint8_t)proto_bytes_into(reader, &field, info->channels, sizeof info->channels); break;
        case 7: read_text(reader, &field, info->moniker, sizeof info->moniker); break;
        }
    }
}

_Static_assert(sizeof(struct node_info) < NODE_INFO_BYTES_MAX - 100, "every info that can be held can be sent");

size_t node_info_encode(uint8_t out[static NODE_INFO_BYTES_MAX + 10], const struct node_info *info) {
    struct proto_writer writer;
    proto_writer_measure(&writer);
    node_info_write(&writer, info);
    size_t size = writer.size;
    proto_writer_init(&writer, out, NODE_INFO_BYTES_MAX + 10);
    proto_put_varint(&writer, size);
    node_info_write(&writer, info);
    assert(!writer.overflow && size <= NODE_INFO_BYTES_MAX);
    return writer.size;
}

long node_info_decode(struct node_info *info, struct span bytes) {
    struct span message;
    struct node_info made = {0};
    long size = proto_delimited(&message, bytes, NODE_INFO_BYTES_MAX);
    if (size <= 0)
        return size;
    struct proto_reader reader = proto_reader_over(message);
    node_info_read(&made, &reader);
    if (reader.bad)
        return -1;
    *info = made;
    return size;
}

/* Rules */

/* Printable ASCII with something but spaces in it. */
static bool is_text(const char *text) {
    bool has_ink = false;
    for (; *text != '\0'; text++) {
        if (*text < 32 || *text > 126)
            return false;
        has_ink |= *text != ' ';
    }
    return has_ink;
}

static enum node_info_verdict check_channels(const struct node_info *info) {
    bool is_seen[256] = {false};
    if (info->channel_count > NODE_INFO_CHANNELS_MAX)
        return NODE_INFO_TOO_MANY_CHANNELS;
    for (size_t i = 0; i < info->channel_count; i++) {
        if (is_seen[info->channels[i]])
            return NODE_INFO_DUPLICATE_CHANNEL;
        is_seen[info->channels[i]] = true;
    }
    return NODE_INFO_GOOD;
}

/* "id@" before a listen address whose protocol is dropped first must make a whole address. */
static bool is_address(const struct node_info *info) {
    uint8_t id[20];
    size_t size = 0;
    struct netaddress address;
    return strchr(info->listen_addr, '@') == NULL && text_hex_decode(id, &size, sizeof id, span_text(info->id)) && size == sizeof id &&
           netaddress_parse_host_port(&address, span_text(info->listen_addr)) == NETADDRESS_GOOD;
}

enum node_info_verdict node_info_check(const struct node_info *info) {
    if (!is_address(info))
        return NODE_INFO_BAD_ADDRESS;
    if (info->version[0] != '\0' && !is_text(info->version))
        return NODE_INFO_BAD_VERSION;
    enum node_info_verdict channels = check_channels(info);
    if (channels != NODE_INFO_GOOD)
        return channels;
    if (!is_text(info->moniker))
        return NODE_INFO_BAD_MONIKER;
    if (info->tx_index[0] != '\0' && strcmp(info->tx_index, "on") != 0 && strcmp(info->tx_index, "off") != 0)
        return NODE_INFO_BAD_TX_INDEX;
    if (info->rpc_address[0] != '\0' && !is_text(info->rpc_address))
        return NODE_INFO_BAD_RPC_ADDRESS;
    return NODE_INFO_GOOD;
}

void node_info_id_of(char out[static 41], const struct pubkey *key) {
    struct address address = pubkey_address(key);
    text_hex_lower(out, address_span(&address));
}

enum node_info_verdict node_info_check_id(const struct node_info *info, const struct pubkey *authenticated) {
    char id[41];
    node_info_id_of(id, authenticated);
    return strcmp(id, info->id) == 0 ? NODE_INFO_GOOD : NODE_INFO_OTHER_ID;
}

bool node_info_has_channel(const struct node_info *info, uint8_t channel) {
    return info->channel_count > 0 && memchr(info->channels, channel, info->channel_count) != NULL;
}

enum node_info_verdict node_info_compatible(const struct node_info *ours, const struct node_info *theirs) {
    if (ours->block_version != theirs->block_version)
        return NODE_INFO_OTHER_BLOCK_VERSION;
    if (strcmp(ours->network, theirs->network) != 0)
        return NODE_INFO_OTHER_NETWORK;
    bool has_common = ours->channel_count == 0;
    for (size_t i = 0; i < ours->channel_count; i++)
        has_common |= node_info_has_channel(theirs, ours->channels[i]);
    return has_common ? NODE_INFO_GOOD : NODE_INFO_NO_COMMON_CHANNEL;
}
