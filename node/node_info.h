/* What a node says of itself after the handshake: DefaultNodeInfo (protocol.md §4.2; cometbft p2p/node_info.go). Self-reported
 * but for the id, which must be that of the authenticated key. Texts are NUL-terminated; one that is longer than its place
 * here, or holds a NUL, does not decode (the protocol bounds only the whole message). */
#ifndef QUORATE_NODE_NODE_INFO_H
#define QUORATE_NODE_NODE_INFO_H

#include "crypto/proto.h"
#include "crypto/pubkey.h"
#include "node/netaddress.h"

#define NODE_INFO_BYTES_MAX    10240
#define NODE_INFO_CHANNELS_MAX 16 /* more is refused by node_info_check */
#define NODE_INFO_P2P_VERSION   8
#define NODE_INFO_BLOCK_VERSION 11

struct node_info {
    uint64_t p2p_version, block_version, app_version;
    char id[41]; /* lower-case hex of the node key's address */
    char listen_addr[NETADDRESS_TEXT_SIZE + 32];
    char network[64];
    char version[256];
    char moniker[1024];
    char tx_index[8]; /* "", "on", "off" */
    char rpc_address[512];
    uint8_t channel_count;
    uint8_t channels[64];
};

/* {1 protocol_version!, 2 id, 3 listen_addr, 4 network, 5 version, 6 channels, 7 moniker, 8 other!} */
void node_info_write(struct proto_writer *writer, const struct node_info *info);
void node_info_read(struct node_info *info, struct proto_reader *reader);
/* Length-delimited, as on the wire. encode returns the size; decode returns what proto_delimited returns, and -1 also when
 * the message does not decode; `info` is untouched unless positive. */
size_t node_info_encode(uint8_t out[static NODE_INFO_BYTES_MAX + 10], const struct node_info *info);
long node_info_decode(struct node_info *info, struct span bytes);

enum node_info_verdict {
    NODE_INFO_GOOD = 0,
    NODE_INFO_BAD_ADDRESS, /* id or listen_addr */
    NODE_INFO_BAD_VERSION,
    NODE_INFO_TOO_MANY_CHANNELS,
    NODE_INFO_DUPLICATE_CHANNEL,
    NODE_INFO_BAD_MONIKER,
    NODE_INFO_BAD_TX_INDEX,
    NODE_INFO_BAD_RPC_ADDRESS,
    NODE_INFO_OTHER_ID, /* not the id of the key that signed the challenge */
    /* compatibility */
    NODE_INFO_OTHER_BLOCK_VERSION,
    NODE_INFO_OTHER_NETWORK,
    NODE_INFO_NO_COMMON_CHANNEL,
};
const char *node_info_verdict_text(enum node_info_verdict verdict);

enum node_info_verdict node_info_check(const struct node_info *info); /* Validate */
enum node_info_verdict node_info_check_id(const struct node_info *info, const struct pubkey *authenticated);
/* CompatibleWith: block version, network and one channel in common; a node without channels goes with everybody. */
enum node_info_verdict node_info_compatible(const struct node_info *ours, const struct node_info *theirs);
bool node_info_has_channel(const struct node_info *info, uint8_t channel);
void node_info_id_of(char out[static 41], const struct pubkey *key);

#endif
