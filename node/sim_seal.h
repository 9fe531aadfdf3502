/* Signatures of the simulation: a hash over the public key and what is signed, as good as real ones among nodes that all sign through crypto/, and
 * forty times cheaper. On for the whole process from the first call, off again with false. */
#ifndef QUORATE_NODE_SIM_SEAL_H
#define QUORATE_NODE_SIM_SEAL_H

#include <stdbool.h>

void sim_seal_use_insecure(bool on);

#endif
