/* The small JSON files of keys (cometbft: p2p/key.go, privval/file.go; protocol.md §8.1), written whole or not at all, for their owner alone (0600).
 *
 *   node_key.json            {"priv_key":{"type":"tendermint/PrivKeyEd25519","value":base64 of seed ‖ public key}}
 *   priv_validator_key.json  {"address":HEX,"pub_key":{type,value},"priv_key":{type,value}}
 *   keys/NAME.json           the same as priv_validator_key.json: an account's key
 *
 * Errors are malloc'ed lines that begin with the path. Keys never appear in them (wound 13). */
#ifndef QUORATE_NODE_KEYFILE_H
#define QUORATE_NODE_KEYFILE_H

#include "crypto/blob.h"
#include "crypto/ed25519.h"
#include "crypto/pubkey.h"

struct keyfile { /* a key as a file holds it */
    uint8_t type;       /* enum pubkey_type */
    uint8_t secret[32]; /* an ed25519 seed, a secp256k1 scalar */
    struct pubkey public_key;
};

#define KEYFILE_ID_SIZE 41 /* 40 lower-case hex digits and NUL */

void keyfile_generate(struct keyfile *key, uint8_t type); /* PUBKEY_ED25519 or PUBKEY_SECP256K1 */
void keyfile_wipe(struct keyfile *key);

/* The texts. Parsing is total: malformed JSON, an unknown type, a public key or address that is not the private key's are refused with a static
 * reason (NULL: good). `is_node_key`: only priv_key is asked for. */
const char *keyfile_parse(struct keyfile *out, struct span json, bool is_node_key);
char *keyfile_text(const struct keyfile *key, bool is_node_key);

bool keyfile_load(struct keyfile *out, const char *path, bool is_node_key, char **error);
/* Makes the folders on the way. Refuses to replace a file unless `replace`. */
bool keyfile_save(const struct keyfile *key, const char *path, bool is_node_key, bool replace, char **error);

/* An ed25519 key to sign with, the caller's. NULL: *error; a secp256k1 validator key parses, but cannot sign votes yet. */
struct ed25519_key *keyfile_load_signing(const char *path, bool is_node_key, char **error);
void keyfile_id(char out[static KEYFILE_ID_SIZE], const struct keyfile *key); /* the node id: the address in hex */
char *keyfile_public_json(const struct pubkey *key);                          /* {"type":…,"value":…}, malloc'ed */

/* Whole files, for those above. Reading: NULL with *error, and errno ENOENT when it is not there. */
struct blob *keyfile_read(const char *path, size_t size_max, char **error);
/* Temporary file, sync, rename, folder sync. Not `replace`: a file that is there is an error. */
bool keyfile_write(const char *path, struct span bytes, bool replace, char **error);

#endif
