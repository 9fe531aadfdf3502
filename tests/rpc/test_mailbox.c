#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#include "rpc/mailbox.h"

struct letter {
    struct mail mail;
    uint32_t number;
};

static struct letter letters[100000];

static bool is_awake(const struct mailbox *mailbox) {
    struct pollfd fd = {mailbox->wake_fd, POLLIN, 0};
    return poll(&fd, 1, 0) == 1;
}

START_TEST(letters_come_in_order_and_the_reader_is_woken_once) {
    struct mailbox mailbox;
    struct mail_list list = {0}, got = {0};
    mailbox_open(&mailbox, 0);
    ck_assert(!is_awake(&mailbox));
    for (uint32_t i = 0; i < 10; i++) {
        letters[i].number = i;
        mail_list_add(&list, &letters[i].mail);
        if (i % 3 == 0)
            mailbox_send(&mailbox, &list);
    }
    ck_assert_uint_eq(list.count, 0);
    ck_assert(is_awake(&mailbox));
    mailbox_fetch(&mailbox, &got);
    ck_assert(!is_awake(&mailbox));
    for (uint32_t i = 0; i < 10; i++)
        ck_assert_uint_eq(((struct letter *)mail_list_take(&got))->number, i);
    ck_assert_ptr_null(mail_list_take(&got));
    mailbox_wake(&mailbox);
    ck_assert(is_awake(&mailbox));
    mailbox_fetch(&mailbox, &got);
    ck_assert(!is_awake(&mailbox));
    mailbox_close(&mailbox);
}
END_TEST

START_TEST(beyond_the_limit_letters_stay_with_the_sender) {
    struct mailbox mailbox;
    struct mail_list list = {0}, got = {0};
    mailbox_open(&mailbox, 3);
    for (uint32_t i = 0; i < 5; i++)
        mail_list_add(&list, &letters[i].mail);
    mailbox_send(&mailbox, &list);
    ck_assert_uint_eq(list.count, 2);
    ck_assert_ptr_eq(list.first, &letters[3].mail);
    mailbox_send(&mailbox, &list);
    ck_assert_uint_eq(list.count, 2);
    mailbox_fetch(&mailbox, &got);
    ck_assert_uint_eq(got.count, 3);
    mailbox_send(&mailbox, &list);
    ck_assert_uint_eq(list.count, 0);
    mailbox_fetch(&mailbox, &got);
    ck_assert_uint_eq(got.count, 5);
    mailbox_close(&mailbox);
}
END_TEST

enum { LETTERS = 100000 };

static void *send_all(void *context) {
    struct mail_list list = {0};
    for (uint32_t i = 0; i < LETTERS;) {
        if (list.count == 0) {
            letters[i].number = i;
            mail_list_add(&list, &letters[i++].mail);
        }
        mailbox_send(context, &list);
    }
    while (list.count > 0)
        mailbox_send(context, &list);
    return NULL;
}

START_TEST(two_threads_lose_nothing_and_the_reader_may_sleep) {
    struct mailbox mailbox;
    struct mail_list got = {0};
    pthread_t writer;
    mailbox_open(&mailbox, 50);
    ck_assert_int_eq(pthread_create(&writer, NULL, send_all, &mailbox), 0);
    for (uint32_t wanted = 0; wanted < LETTERS;) {
        struct pollfd fd = {mailbox.wake_fd, POLLIN, 0};
        ck_assert_int_eq(poll(&fd, 1, 30000), 1);
        mailbox_fetch(&mailbox, &got);
        for (struct mail *mail; (mail = mail_list_take(&got)) != NULL;)
            ck_assert_uint_eq(((struct letter *)mail)->number, wanted++);
    }
    pthread_join(writer, NULL);
    mailbox_close(&mailbox);
}
END_TEST

Suite *suite_mailbox(void);
Suite *suite_mailbox(void) {
    Suite *suite = suite_create("mailbox");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 120);
    tcase_add_test(all, letters_come_in_order_and_the_reader_is_woken_once);
    tcase_add_test(all, beyond_the_limit_letters_stay_with_the_sender);
    tcase_add_test(all, two_threads_lose_nothing_and_the_reader_may_sleep);
    suite_add_tcase(suite, all);
    return suite;
}
