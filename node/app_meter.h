/* An application whose calls are timed (abci_connection_method_timing_seconds): passes everything on to the one within. Made only when metrics are on. */
#ifndef QUORATE_NODE_APP_METER_H
#define QUORATE_NODE_APP_METER_H

#include "ledger/app.h"
#include "node/metrics.h"

/* Both are loans. Its close gives back what is here, and leaves the application within alone. */
struct app *app_meter_over(struct app *app, struct metrics *metrics);

#endif
