/* A test that stops a function in its middle, as a crash does, leaves behind what the dead process held. Between these two nobody looks for leaks of what
 * is allocated. (Names of functions to be passed over would need a symbolizer, which not every machine has.) */
#ifndef QUORATE_TESTS_NODE_LEAKS_H
#define QUORATE_TESTS_NODE_LEAKS_H

void leaks_are_meant(void);
void leaks_are_told(void);

#endif
