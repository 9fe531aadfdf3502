/* The node's voice: one line an event on stderr. Plain for people (coloured level on a terminal), json for machines (log_format = "json"). */
#ifndef QUORATE_NODE_LOG_H
#define QUORATE_NODE_LOG_H

#include "node/world.h"

bool log_level_from_text(enum world_level *out, const char *text); /* "debug", "info", "warn", "error", "none"; CometBFT's "module:level" lists: the "*" or first level */
void log_setup(enum world_level least, bool json, bool silent);
void log_line(enum world_level level, const char *text);
void log_format(enum world_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
