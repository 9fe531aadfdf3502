/* Chains that an audit may look into: homes of nodes that do not run, and running nodes by their RPC. None is believed: what they give goes into the
 * docket and is judged like any file. What could not be had is a note in the report, never an end. */
#ifndef QUORATE_NODE_AUDIT_CHAINS_H
#define QUORATE_NODE_AUDIT_CHAINS_H

#include "node/audit_links.h"
#include "node/homestore.h"
#include "node/light_http.h"
#include "node/light_ledger.h"

enum { AUDIT_CHAINS_MAX = 64 };

struct audit_chain {
    const char *name; /* a loan: folder or URL */
    bool is_node;
    struct homestore home;
    struct light_http http;
    struct light_source source;
};

struct audit_chains {
    struct audit_chain *list[AUDIT_CHAINS_MAX];
    uint32_t count;
};

bool audit_chains_add_home(struct audit_chains *chains, const char *folder, const char *chain_id, char **error); /* stays open until the end */
bool audit_chains_add_node(struct audit_chains *chains, const char *url, const char *chain_id, int64_t timeout_ms, char **error);
void audit_chains_close(struct audit_chains *chains);

/* Before docket_settle: commits and validators of the height and the next, and the headers in between that it takes to trust them. */
void audit_chains_search(struct audit_chains *chains, struct docket *docket, int64_t height);
/* After it: the votes of the height that the nodes kept. */
void audit_chains_votes(struct audit_chains *chains, struct docket *docket);

#endif
