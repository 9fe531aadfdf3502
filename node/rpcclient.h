/* One JSON-RPC call to a node that is not trusted, waited for: httpclient.h, and the bounded reader of genesis/scan.h over the answer. For threads that
 * each have their own. */
#ifndef QUORATE_NODE_RPCCLIENT_H
#define QUORATE_NODE_RPCCLIENT_H

#include "node/httpclient.h"

enum rpcclient_kind {
    RPCCLIENT_RESULT,
    RPCCLIENT_ERROR,    /* the node's own word */
    RPCCLIENT_NONSENSE, /* no JSON-RPC */
    RPCCLIENT_SILENT,   /* nobody there, or too late, or too large */
};

struct rpcclient_answer {
    enum rpcclient_kind kind;
    struct blob *body;
    struct span result; /* checked JSON: a loan of body */
    struct span error;  /* the error object, when RPCCLIENT_ERROR: a loan of body */
    char *text;         /* what is wrong, malloc'ed; NULL: RPCCLIENT_RESULT */
};

/* `params`: JSON, empty: none. */
void rpcclient_call(struct rpcclient_answer *answer, const char *url, const char *method, struct span params, const struct httpclient_limits *limits);
void rpcclient_close(struct rpcclient_answer *answer);
/* Reads what was answered; takes over the body. For GET requests, and for fuzzing. */
void rpcclient_read(struct rpcclient_answer *answer, struct blob *body);

#endif
