/* The page at /ui: its files, embedded in the binary (rpc/ui/), so that looking at a node needs nothing but the node. */
#ifndef QUORATE_RPC_UI_H
#define QUORATE_RPC_UI_H

#include <stdbool.h>

#include "crypto/span.h"

struct ui_file {
    const char *path; /* "/ui/style.css" */
    const char *content_type;
    struct span body; /* static */
};

/* The rules a browser shall keep for the page: nothing from elsewhere, no inline script, not in another site's frame. */
#define UI_CONTENT_SECURITY_POLICY \
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src data:; connect-src 'self' ws: wss:; base-uri 'none'; frame-ancestors 'none'"

/* The file for the path of a GET ("/ui" and "/ui/" are the page). false: none. */
bool ui_find(struct ui_file *out, struct span path);

#endif
