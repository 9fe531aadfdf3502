#include "rpc/desk.h"

#include <assert.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "ledger/kv_group.h"
#include "rpc/call.h"

/* So long at most the core answers questions before it looks at its peers again; one answer more may be added to that. */
enum { PORTION_US = 1000, LOOK_MS = 200, NEWS_MAX = 8192 };

static int64_t clock_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static struct exchange *exchange_of(struct mail *mail) { return (struct exchange *)((char *)mail - offsetof(struct exchange, mail)); }

/* ---- questions */

static void answer_portion(struct desk *desk) {
    static const struct timeval at_once = {0, 0};
    int64_t end = clock_us() + PORTION_US;
    for (struct mail *mail; (mail = mail_list_take(&desk->pile)) != NULL;) {
        struct call *call = &exchange_of(mail)->call;
        call->route->ask(call);
        mail_list_add(&desk->done, mail);
        if (clock_us() >= end)
            break;
    }
    mailbox_send(&desk->answers, &desk->done);
    if (desk->pile.count > 0)
        evtimer_add(desk->more, &at_once); /* after a look at the sockets, unlike event_active */
}

static void on_mail(evutil_socket_t fd, short what, void *context) {
    struct desk *desk = context;
    (void)fd;
    (void)what;
    bool waiting = desk->pile.count > 0;
    mailbox_fetch(&desk->questions, &desk->pile);
    if (!waiting)
        answer_portion(desk);
}

static void on_more(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    answer_portion(context);
}

/* ---- heads */

static void publish(struct desk *desk) {
    struct view *view = view_new(desk->rpc->host.ledger);
    pthread_mutex_lock(&desk->lock);
    struct view *old = desk->head;
    desk->head = view;
    atomic_store(&desk->height, view->ledger.state.height);
    atomic_fetch_add(&desk->edition, 1);
    pthread_mutex_unlock(&desk->lock);
    view_release(old);
    if (atomic_load(&desk->listening))
        mailbox_wake(&desk->answers);
}

/* While block sync gathers heights, hundreds of them may come in a second and are not to be seen yet: the look from time to time tells of those. */
void desk_publish(struct desk *desk) {
    if (kv_group_count(desk->rpc->host.ledger->kv) == 0)
        publish(desk);
}

struct view *desk_head(struct desk *desk) {
    pthread_mutex_lock(&desk->lock);
    struct view *view = view_hold(desk->head);
    pthread_mutex_unlock(&desk->lock);
    return view;
}

static void on_look(evutil_socket_t fd, short what, void *context) {
    struct desk *desk = context;
    const struct rpc_host *host = &desk->rpc->host;
    (void)fd;
    (void)what;
    atomic_store(&desk->catching_up, host->catching_up(host->context));
    if (atomic_load(&desk->height) != host->ledger->state.height)
        publish(desk);
}

/* ---- news */

void desk_tell_news(struct desk *desk, const struct rpc_news *news) {
    struct span extension = news->vote.extension;
    struct desk_news *told = malloc(sizeof *told + extension.size);
    struct mail_list list = {0};
    assert(told != NULL);
    told->news = *news;
    if (extension.size > 0)
        memcpy(told->extension, extension.data, extension.size);
    told->news.vote.extension = span_of(extension.size > 0 ? told->extension : NULL, extension.size);
    mail_list_add(&list, &told->mail);
    mailbox_send(&desk->news, &list);
    if (list.count == 0)
        return;
    free(told);
    atomic_store(&desk->news_lost, true);
}

/* ---- life */

/* One question at a time and thread, however long it takes. */
static void *work(void *context) {
    struct desk *desk = context;
    for (struct mail *mail; (mail = mailbox_wait(&desk->questions)) != NULL;) {
        struct call *call = &exchange_of(mail)->call;
        struct mail_list answer = {0};
        call->route->ask(call);
        mail_list_add(&answer, mail);
        mailbox_send(&desk->answers, &answer);
    }
    return NULL;
}

static void start_crew(struct desk *desk, uint32_t count) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (desk->crew_count < count && desk->crew_count < DESK_CREW_MAX && pthread_create(&desk->crew[desk->crew_count], NULL, work, desk) == 0)
        desk->crew_count++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert(desk->crew_count > 0); /* a process that starts without room for a thread serves nobody */
}

static void end_crew(struct desk *desk) {
    mailbox_end(&desk->questions);
    for (uint32_t i = 0; i < desk->crew_count; i++)
        pthread_join(desk->crew[i], NULL);
}

static void open_core(struct desk *desk, struct event_base *core) {
    static const struct timeval look = {0, LOOK_MS * 1000};
    desk->mail = event_new(core, desk->questions.wake_fd, EV_READ | EV_PERSIST, on_mail, desk);
    desk->more = evtimer_new(core, on_more, desk);
    desk->look = event_new(core, -1, EV_PERSIST, on_look, desk);
    assert(desk->mail != NULL && desk->more != NULL && desk->look != NULL);
    event_add(desk->mail, NULL);
    event_add(desk->look, &look);
}

void desk_open(struct desk *desk, struct rpc *rpc, struct event_base *core, uint32_t questions_max) {
    *desk = (struct desk){.rpc = rpc};
    int failed = pthread_mutex_init(&desk->lock, NULL);
    assert(failed == 0);
    (void)failed;
    mailbox_open(&desk->questions, questions_max);
    mailbox_open(&desk->answers, 0);
    mailbox_open(&desk->news, NEWS_MAX);
    atomic_init(&desk->catching_up, rpc->host.catching_up(rpc->host.context));
    publish(desk);
    if (core != NULL)
        open_core(desk, core);
    else
        start_crew(desk, rpc->config.crew);
}

static void close_all(struct mail_list *list) {
    for (struct mail *mail; (mail = mail_list_take(list)) != NULL;)
        exchange_forget(exchange_of(mail));
}

void desk_close(struct desk *desk) {
    end_crew(desk);
    if (desk->mail != NULL) {
        event_free(desk->mail);
        event_free(desk->more);
        event_free(desk->look);
    }
    mailbox_fetch(&desk->questions, &desk->pile);
    mailbox_fetch(&desk->answers, &desk->done);
    close_all(&desk->pile);
    close_all(&desk->done);
    struct mail_list news = {0};
    mailbox_fetch(&desk->news, &news);
    for (struct mail *mail; (mail = mail_list_take(&news)) != NULL;)
        free(mail);
    emit_close(&desk->texts[0].text);
    emit_close(&desk->texts[1].text);
    mailbox_close(&desk->questions);
    mailbox_close(&desk->answers);
    mailbox_close(&desk->news);
    view_release(desk->head);
    pthread_mutex_destroy(&desk->lock);
}
