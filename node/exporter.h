/* GET /metrics over HTTP (instrumentation.prometheus_listen_addr, ":26660"): a text that is made for each request. In the core's loop, for it is read there
 * too; a few connections, small heads, short patience, one request each. libevent is known here. */
#ifndef QUORATE_NODE_EXPORTER_H
#define QUORATE_NODE_EXPORTER_H

#include <stdint.h>

#include "genesis/emit.h"

struct event_base;
struct exporter;

typedef void exporter_write(void *context, struct emit *out);

/* address: ":26660", "host:port", also with tcp://. NULL with *error malloc'ed. connections_max 0: 64 all the same. */
struct exporter *exporter_start(struct event_base *base, const char *address, uint32_t connections_max, exporter_write *write, void *context, char **error);
void exporter_stop(struct exporter *exporter); /* NULL allowed */
uint16_t exporter_port(const struct exporter *exporter);

#endif
