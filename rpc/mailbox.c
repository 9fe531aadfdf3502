#include "rpc/mailbox.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <unistd.h>

void mail_list_add(struct mail_list *list, struct mail *mail) {
    mail->next = NULL;
    *(list->last == NULL ? &list->first : &list->last->next) = mail;
    list->last = mail;
    list->count++;
}

struct mail *mail_list_take(struct mail_list *list) {
    struct mail *mail = list->first;
    if (mail == NULL)
        return NULL;
    list->first = mail->next;
    if (list->first == NULL)
        list->last = NULL;
    list->count--;
    mail->next = NULL;
    return mail;
}

void mail_list_move(struct mail_list *to, struct mail_list *from) {
    if (from->first == NULL)
        return;
    *(to->last == NULL ? &to->first : &to->last->next) = from->first;
    to->last = from->last;
    to->count += from->count;
    *from = (struct mail_list){0};
}

void mailbox_open(struct mailbox *mailbox, uint32_t limit) {
    *mailbox = (struct mailbox){.limit = limit == 0 ? UINT32_MAX : limit};
    int failed = pthread_mutex_init(&mailbox->lock, NULL) + pthread_cond_init(&mailbox->come, NULL);
    assert(failed == 0);
    (void)failed;
    mailbox->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert(mailbox->wake_fd >= 0); /* a process that starts with no descriptor left cannot listen either */
}

void mailbox_close(struct mailbox *mailbox) {
    assert(mailbox->list.count == 0);
    close(mailbox->wake_fd);
    pthread_cond_destroy(&mailbox->come);
    pthread_mutex_destroy(&mailbox->lock);
}

static void ring(struct mailbox *mailbox) {
    uint64_t one = 1;
    ssize_t wrote;
    do
        wrote = write(mailbox->wake_fd, &one, sizeof one);
    while (wrote < 0 && errno == EINTR);
    assert(wrote == sizeof one);
}

void mailbox_send(struct mailbox *mailbox, struct mail_list *list) {
    pthread_mutex_lock(&mailbox->lock);
    uint32_t before = mailbox->list.count, room = mailbox->limit - before;
    if (list->count <= room)
        mail_list_move(&mailbox->list, list);
    else
        while (room-- > 0)
            mail_list_add(&mailbox->list, mail_list_take(list));
    bool tell = mailbox->list.count > before && !mailbox->told;
    mailbox->told |= tell;
    if (mailbox->list.count > before)
        pthread_cond_broadcast(&mailbox->come);
    pthread_mutex_unlock(&mailbox->lock);
    if (tell)
        ring(mailbox);
}

struct mail *mailbox_wait(struct mailbox *mailbox) {
    pthread_mutex_lock(&mailbox->lock);
    while (mailbox->list.count == 0 && !mailbox->ended)
        pthread_cond_wait(&mailbox->come, &mailbox->lock);
    struct mail *mail = mailbox->ended ? NULL : mail_list_take(&mailbox->list);
    pthread_mutex_unlock(&mailbox->lock);
    return mail;
}

void mailbox_end(struct mailbox *mailbox) {
    pthread_mutex_lock(&mailbox->lock);
    mailbox->ended = true;
    pthread_cond_broadcast(&mailbox->come);
    pthread_mutex_unlock(&mailbox->lock);
}

void mailbox_wake(struct mailbox *mailbox) {
    pthread_mutex_lock(&mailbox->lock);
    bool tell = !mailbox->told;
    mailbox->told = true;
    pthread_mutex_unlock(&mailbox->lock);
    if (tell)
        ring(mailbox);
}

void mailbox_fetch(struct mailbox *mailbox, struct mail_list *into) {
    uint64_t rings;
    pthread_mutex_lock(&mailbox->lock);
    if (mailbox->told && read(mailbox->wake_fd, &rings, sizeof rings) < 0)
        assert(errno == EAGAIN || errno == EINTR); /* the writer is about to ring: once for nothing */
    mailbox->told = false;
    mail_list_move(into, &mailbox->list);
    pthread_mutex_unlock(&mailbox->lock);
}
