/* Whether the process was asked to stop (SIGINT, SIGTERM), for whoever waits without the event loop. */
#ifndef QUORATE_NODE_STOP_H
#define QUORATE_NODE_STOP_H

#include <stdbool.h>

/* After the loop's own handlers were added: they are called as well. */
void stop_watch(void);
bool stop_asked(void);

#endif
