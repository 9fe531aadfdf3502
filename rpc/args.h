/* The arguments of a call: by name, by position, or from a URI (cometbft: rpc/jsonrpc/server/http_{json,uri}_handler.go; protocol.md §7.1). */
#ifndef QUORATE_RPC_ARGS_H
#define QUORATE_RPC_ARGS_H

#include "crypto/arena.h"

#define ARGS_MAX 5

enum arg_type {
    ARG_EXTRA_INT64, /* an ARG_INT64 that CometBFT does not know: last in the list, and may be left out of parameters by position */
    ARG_INT64,      /* decimal string in JSON; bare or quoted digits in a URI */
    ARG_UINT,       /* likewise, not negative */
    ARG_BYTES,      /* base64 in JSON; 0x-hex or "raw text" in a URI */
    ARG_HEX,        /* hex in JSON; as ARG_BYTES in a URI */
    ARG_TEXT,
    ARG_BOOL,
    ARG_JSON,       /* any value, as it stands: `bytes` is its text */
};

struct arg_spec {
    const char *name; /* NULL ends the list */
    enum arg_type type;
};

struct arg {
    bool given; /* false: left out or null; the value is zero */
    int64_t number;
    bool yes;
    struct span bytes; /* a loan from the request or its arena */
};

/* args: ARGS_MAX entries, zeroed here. `params`: a checked JSON value, or empty. On failure: false and *error (arena text). */
bool args_from_json(struct arg *args, struct span *error, const struct arg_spec *specs, struct span params, struct arena *arena);
/* `query` is what stands after '?' in the target; `form` a body of type application/x-www-form-urlencoded, or empty. */
bool args_from_uri(struct arg *args, struct span *error, const struct arg_spec *specs, struct span query, struct span form, struct arena *arena);

/* %XX and '+' undone. false: a broken escape, or no room. `plus`: '+' means a space. */
bool args_unescape(struct span *out, struct span text, bool plus, struct arena *arena);
/* printf into the arena. */
struct span args_text(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
