#include "node/stop.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t asked;
static void (*others[2])(int which);
static const int signals[2] = {SIGINT, SIGTERM};

static void on_signal(int which) {
    asked = 1;
    for (int i = 0; i < 2; i++)
        if (signals[i] == which && others[i] != SIG_DFL && others[i] != SIG_IGN)
            others[i](which);
}

void stop_watch(void) {
    asked = 0;
    for (int i = 0; i < 2; i++) {
        struct sigaction action, before;
        sigaction(signals[i], NULL, &before);
        others[i] = before.sa_handler;
        action = before;
        action.sa_handler = on_signal;
        sigaction(signals[i], &action, NULL);
    }
}

bool stop_asked(void) { return asked != 0; }
