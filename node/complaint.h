/* One line about what is wrong and what to do, as malloc'ed text for `char **error`. Never NULL. */
#ifndef QUORATE_NODE_COMPLAINT_H
#define QUORATE_NODE_COMPLAINT_H

char *complaint_of(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Of a text that strangers had a hand in: control characters become spaces, so that it can neither colour a terminal nor begin a line of its own. */
void complaint_plain(char *text);

#endif
