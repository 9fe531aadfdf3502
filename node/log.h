/* The node's voice: one line an event on stderr, in one write. Plain for people (coloured level on a terminal), json for machines (log_format = "json").
 * Texts may come from strangers: what would break the line, the terminal or the JSON is shown as \xNN (plain) or \u00NN and U+FFFD (json). */
#ifndef QUORATE_NODE_LOG_H
#define QUORATE_NODE_LOG_H

#include "node/world.h"

#define LOG_NONE ((enum world_level)(WORLD_ERROR + 1)) /* a level that nothing reaches */
#define LOG_TEXT_MAX 2048 /* bytes; the rest is cut off, and "…" says so */

/* "debug", "info", "warn", "error", "none", or CometBFT's "module:level,…,*:level": that of "*", else the first. False (untouched) when any part is
 * something else. */
bool log_level_from_text(enum world_level *out, const char *text);
void log_setup(enum world_level least, bool json, bool silent);
void log_line(enum world_level level, const char *text);
void log_format(enum world_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
