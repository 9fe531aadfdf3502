/* Keys of accounts, for the commands that use them. */
#ifndef QUORATE_NODE_CMD_KEYS_H
#define QUORATE_NODE_CMD_KEYS_H

#include "crypto/text.h"
#include "node/keyfile.h"

/* `name` is a key's in HOME/keys, or a path (with a '/') of a key file. */
bool cmd_keys_load(struct keyfile *key, const char *home, const char *name, char **error);
bool cmd_keys_address(char out[static TEXT_BECH32_MAX + 1], const struct keyfile *key, const char *prefix);

#endif
