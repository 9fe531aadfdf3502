#include <arpa/inet.h>
#include <check.h>

#include "rpc/bucket.h"

static struct bucket_client client_of(const char *address) {
    struct sockaddr_in four = {.sin_family = AF_INET};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    struct bucket_client client;
    if (inet_pton(AF_INET, address, &four.sin_addr) == 1) {
        bucket_client_of(&client, (struct sockaddr *)&four);
    } else {
        ck_assert_int_eq(inet_pton(AF_INET6, address, &six.sin6_addr), 1);
        bucket_client_of(&client, (struct sockaddr *)&six);
    }
    return client;
}

static uint32_t taken(struct buckets *buckets, const char *address, int64_t now_ms) {
    struct bucket_client client = client_of(address);
    uint32_t count = 0;
    while (count < 100000 && buckets_take(buckets, &client, now_ms))
        count++;
    return count;
}

START_TEST(a_bucket_holds_two_seconds_and_fills_at_its_rate) {
    struct buckets buckets;
    buckets_open(&buckets, 50);
    ck_assert_uint_eq(taken(&buckets, "1.2.3.4", 1000), 100);
    ck_assert_uint_eq(taken(&buckets, "1.2.3.4", 1000), 0);
    ck_assert_uint_eq(taken(&buckets, "1.2.3.4", 1500), 25);
    ck_assert_uint_eq(taken(&buckets, "1.2.3.5", 1500), 100);
    ck_assert_uint_eq(taken(&buckets, "1.2.3.4", 1000000000000), 100);
    buckets_close(&buckets);
    buckets_open(&buckets, 1);
    ck_assert_uint_eq(taken(&buckets, "1.2.3.4", 0), 10);
    ck_assert_uint_eq(taken(&buckets, "1.2.3.4", 1500), 1); /* and a half, which is kept */
    ck_assert_uint_eq(taken(&buckets, "1.2.3.4", 2001), 1);
    buckets_close(&buckets);
}
END_TEST

START_TEST(no_rate_and_this_host_mean_no_limit) {
    struct buckets buckets;
    buckets_open(&buckets, 0);
    ck_assert_uint_eq(taken(&buckets, "1.2.3.4", 1), 100000);
    buckets_close(&buckets);
    buckets_open(&buckets, 1);
    static const char *const local[] = {"127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"};
    for (size_t i = 0; i < 4; i++)
        ck_assert_uint_eq(taken(&buckets, local[i], 1), 100000);
    buckets_close(&buckets);
}
END_TEST

START_TEST(a_network_of_one_customer_is_one_client) {
    struct buckets buckets;
    buckets_open(&buckets, 5);
    ck_assert_uint_eq(taken(&buckets, "2001:db8:1:2::1", 1), 10);
    ck_assert_uint_eq(taken(&buckets, "2001:db8:1:2:ffff::9", 1), 0);
    ck_assert_uint_eq(taken(&buckets, "2001:db8:1:3::1", 1), 10);
    ck_assert_uint_eq(taken(&buckets, "::ffff:9.8.7.6", 1), 10);
    ck_assert_uint_eq(taken(&buckets, "9.8.7.6", 1), 0);
    buckets_close(&buckets);
}
END_TEST

START_TEST(a_million_addresses_cost_no_more_memory) {
    struct buckets buckets;
    buckets_open(&buckets, 5);
    for (uint32_t i = 1; i < 1000000; i++) {
        struct sockaddr_in four = {.sin_family = AF_INET, .sin_addr.s_addr = i << 8};
        struct bucket_client client;
        bucket_client_of(&client, (struct sockaddr *)&four);
        buckets_take(&buckets, &client, 10 + i / 1000);
    }
    ck_assert_uint_le(taken(&buckets, "200.2.3.4", 2000), 10);
    buckets_close(&buckets);
}
END_TEST

Suite *suite_bucket(void);
Suite *suite_bucket(void) {
    Suite *suite = suite_create("bucket");
    TCase *all = tcase_create("all");
    tcase_add_test(all, a_bucket_holds_two_seconds_and_fills_at_its_rate);
    tcase_add_test(all, no_rate_and_this_host_mean_no_limit);
    tcase_add_test(all, a_network_of_one_customer_is_one_client);
    tcase_add_test(all, a_million_addresses_cost_no_more_memory);
    suite_add_tcase(suite, all);
    return suite;
}
