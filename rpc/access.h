/* Who may call what ([quorate] rpc_tokens, rpc_anonymous): a token in the request's Authorization gives rights, or nobody's rights hold. Pure. */
#ifndef QUORATE_RPC_ACCESS_H
#define QUORATE_RPC_ACCESS_H

#include "crypto/sha256.h"

enum access_right { /* bits */
    ACCESS_READ = 1,
    ACCESS_SUBMIT = 2, /* broadcast_*, check_tx */
    ACCESS_ADMIN = 4,  /* the unsafe methods, which rpc.unsafe must switch on besides */
    ACCESS_ALL = 7,
};
const char *access_right_text(enum access_right right);

#define ACCESS_TOKENS_MAX 64

struct access {
    int anonymous;
    uint32_t count;
    struct {
        uint8_t hash[SHA256_BYTES]; /* of the token */
        int rights;
    } tokens[ACCESS_TOKENS_MAX];
};

/* tokens: "TOKEN=read+submit,…", where TOKEN is the text itself (16 bytes at least) or sha256:HEX of it; NULL or "": none. anonymous: "read+submit+admin";
 * NULL: all. NULL, or what is wrong (malloc'ed; no token is named). */
char *access_read(struct access *access, const char *tokens, const char *anonymous);
/* The rights that the value of an Authorization field gives (empty: none was sent); −1: it is not known. */
int access_of(const struct access *access, struct span authorization);

#endif
