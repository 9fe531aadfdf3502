/* The handlers of the highest room's kinds, by file. */
#ifndef QUORATE_TESTS_VECTORS_NODE_H
#define QUORATE_TESTS_VECTORS_NODE_H

#include "tests/vectors/vectors.h"

/* vectors_node_p2p.c */
void vectors_secret_connection_hkdf(struct vectors_report *report, const json_t *file, const char *path);
void vectors_secret_connection_nonce(struct vectors_report *report, const json_t *file, const char *path);
void vectors_secret_connection_low_order(struct vectors_report *report, const json_t *file, const char *path);
void vectors_secret_connection_handshake(struct vectors_report *report, const json_t *file, const char *path);
void vectors_net_address_parse(struct vectors_report *report, const json_t *file, const char *path);
void vectors_node_info_validation(struct vectors_report *report, const json_t *file, const char *path);

/* vectors_node_wire.c */
void vectors_wire_messages(struct vectors_report *report, const json_t *file, const char *path);
void vectors_snapshot_keys(struct vectors_report *report, const json_t *file, const char *path);
void vectors_wire_messages_validation(struct vectors_report *report, const json_t *file, const char *path);
void vectors_wal_records(struct vectors_report *report, const json_t *file, const char *path);
void vectors_privval_double_sign(struct vectors_report *report, const json_t *file, const char *path);

/* vectors_node_files.c */
void vectors_node_ids(struct vectors_report *report, const json_t *file, const char *path);
void vectors_config_samples(struct vectors_report *report, const json_t *file, const char *path);

#endif
