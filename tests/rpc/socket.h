/* A client's side of a websocket for the tests of rpc: frames are written and read by hand, so that they can be wrong. */
#ifndef QUORATE_TESTS_RPC_SOCKET_H
#define QUORATE_TESTS_RPC_SOCKET_H

#include "tests/rpc/lab.h"

struct wire { /* one connection */
    struct lab *lab;
    int sock;
    char *in;
    size_t size;
    bool closed;
};

void wire_open(struct wire *wire, struct lab *lab); /* connected and upgraded */
void wire_close(struct wire *wire);
/* A frame as a client sends it: masked. first: FIN and opcode (0x81: a whole text). */
void wire_frame(struct wire *wire, uint8_t first, struct span payload);
void wire_call(struct wire *wire, const char *json); /* in one text frame */
void wire_ask(struct wire *wire, const char *id, const char *method, const char *params);

struct frame {
    uint8_t first; /* 0: none came, or the connection is closed */
    size_t size;
    char *payload; /* NUL-terminated; malloc'ed */
};
/* The next frame; waits at most ms_max. */
void wire_next(struct wire *wire, struct frame *frame, int ms_max);
void wire_next_word(struct wire *wire, struct frame *frame, int ms_max); /* the same, but pings are answered: a slow machine lets them come */
/* The next one must be a text frame like this (its end may be missing in `text`). */
void wire_expect(struct wire *wire, const char *text);
void wire_expect_close(struct wire *wire, unsigned code);
void wire_expect_silence(struct wire *wire);

#endif
