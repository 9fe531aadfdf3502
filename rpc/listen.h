/* Where rpc listens, and whoever else has addresses like "tcp://host:port" or "unix://path". */
#ifndef QUORATE_RPC_LISTEN_H
#define QUORATE_RPC_LISTEN_H

#include <event2/listener.h>
#include <stdbool.h>
#include <stdint.h>

/* NULL: *why says what is wrong with the address, or is NULL and errno says what the system had against it. */
struct evconnlistener *listen_at(struct event_base *base, const char *laddr, evconnlistener_cb accept, void *context, const char **why);
uint16_t listen_port(struct evconnlistener *listener); /* 0: none */
void listen_close(struct evconnlistener *listener, const char *laddr);

#endif
