/* A queue between threads: any number of writers, a limit, and either one reader, who has a descriptor that is readable when there is mail, or a crew
 * of them, who wait. */
#ifndef QUORATE_RPC_MAILBOX_H
#define QUORATE_RPC_MAILBOX_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct mail { /* part of what is sent; whoever holds the letter owns it */
    struct mail *next;
};

struct mail_list { /* in order; for one thread */
    struct mail *first, *last;
    uint32_t count;
};

void mail_list_add(struct mail_list *list, struct mail *mail);
struct mail *mail_list_take(struct mail_list *list); /* the first; NULL: empty */
void mail_list_move(struct mail_list *to, struct mail_list *from); /* all of `from` behind what is in `to` */

struct mailbox {
    pthread_mutex_t lock;
    struct mail_list list;
    uint32_t limit;
    int wake_fd; /* the reader's; an eventfd */
    bool told;   /* the reader has been woken and has not come yet */
    pthread_cond_t come; /* for a crew */
    bool ended;
};

void mailbox_open(struct mailbox *mailbox, uint32_t limit); /* 0: no limit of its own */
void mailbox_close(struct mailbox *mailbox); /* what is in it is the caller's to fetch before */
/* Takes as many letters off the front of the list as there is room for, and wakes the reader. What stays in the list was not sent. */
void mailbox_send(struct mailbox *mailbox, struct mail_list *list);
void mailbox_wake(struct mailbox *mailbox); /* without mail */
/* For a crew: the first letter, as soon as there is one. NULL: mailbox_end was called. */
struct mail *mailbox_wait(struct mailbox *mailbox);
void mailbox_end(struct mailbox *mailbox);
void mailbox_fetch(struct mailbox *mailbox, struct mail_list *into); /* everything, behind what is in the list; the descriptor is quiet again */

#endif
