#include "tests/vectors/vectors_node.h"

const struct vectors_kind vectors_node[] = {
    {"secret_connection_hkdf", vectors_secret_connection_hkdf},
    {"secret_connection_nonce", vectors_secret_connection_nonce},
    {"secret_connection_low_order", vectors_secret_connection_low_order},
    {"secret_connection_handshake", vectors_secret_connection_handshake},
    {"net_address_parse", vectors_net_address_parse},
    {"node_info_validation", vectors_node_info_validation},
    {"wire_messages", vectors_wire_messages},
    {"wire_messages_validation", vectors_wire_messages_validation},
    {"snapshot_keys", vectors_snapshot_keys},
    {"wal_records", vectors_wal_records},
    {"privval_double_sign", vectors_privval_double_sign},
    {"node_ids", vectors_node_ids},
    {"config_samples", vectors_config_samples},
    {NULL, NULL},
};
