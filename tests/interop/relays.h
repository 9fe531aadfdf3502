/* Wires that can be cut: between every two nodes i and j a TCP relay on this machine that i dials instead of j, carried by a thread of its own. */
#ifndef QUORATE_TESTS_INTEROP_RELAYS_H
#define QUORATE_TESTS_INTEROP_RELAYS_H

#include <stdbool.h>
#include <stdint.h>

#define RELAYS_NODES_MAX 8

enum relays_mode {
    RELAYS_OPEN,
    RELAYS_REFUSING, /* what is connected is closed, what would connect is refused: an unplugged machine that its switch answers for */
    RELAYS_SILENT,   /* connections stay and carry nothing; later everything arrives: a network that loses all packets for a while */
};

struct relays;

/* Relay of i to j: 127.0.0.1, port relays_port(base, i, j), goes to ports[j]. NULL: a port is taken. */
struct relays *relays_open(uint16_t base_port, uint32_t count, const uint16_t *ports);
void relays_close(struct relays *relays); /* NULL allowed */
uint16_t relays_port(uint16_t base_port, uint32_t from, uint32_t to);
/* Both directions between every node of the bit set `side` and every one outside of it. */
void relays_part(struct relays *relays, uint32_t side, enum relays_mode mode);

#endif
