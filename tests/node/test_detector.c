#include <check.h>

#include "node/detector.h"

Suite *suite_detector(void);

static struct detector detector;

static void set_up(void) { detector_init(&detector, 1000, 10000, 1000); }

/* Heard each so many ms; never suspected meanwhile, looking each 100 ms. Returns when. */
static int64_t live(int64_t from, int64_t each_ms, int count) {
    for (int i = 0; i < count; i++) {
        for (int64_t at = from + 100; at < from + each_ms; at += 100)
            ck_assert_msg(!detector_look(&detector, at), "suspected after %d, at %d", i, (int)at);
        from += each_ms;
        detector_hear(&detector, from);
    }
    return from;
}

START_TEST(who_is_heard_regularly_is_not_suspected_and_who_falls_silent_is) {
    int64_t now = live(1000, 500, 50);
    ck_assert(!detector_look(&detector, now + 900));
    ck_assert(detector_look(&detector, now + 3000));
    ck_assert(detector.suspected);
    ck_assert(!detector_look(&detector, now + 4000)); /* told once */
    ck_assert(detector.suspected);
}
END_TEST

START_TEST(silence_that_is_tolerated_follows_what_was_measured) {
    live(1000, 200, 100);
    int64_t fast = detector_timeout_ms(&detector);
    detector_init(&detector, 0, 10000, 1000);
    live(0, 5000, 100);
    int64_t slow = detector_timeout_ms(&detector);
    ck_assert_int_lt(fast, 1500);
    ck_assert_int_gt(slow, 5000);
    ck_assert_int_lt(slow, 12000);
}
END_TEST

START_TEST(jitter_widens_it) {
    int64_t now = 0;
    detector_init(&detector, 0, 10000, 1000);
    for (int i = 0; i < 200; i++)
        detector_hear(&detector, now += i % 2 ? 200 : 3800);
    ck_assert_int_gt(detector_timeout_ms(&detector), 5000);
}
END_TEST

/* Eventual accuracy: whoever lives, however seldom it is heard, is suspected only finitely often. */
START_TEST(mistakes_end) {
    int64_t now = 1000;
    now = live(now, 200, 20);
    uint32_t suspicions = 0, late = 0;
    for (int i = 0; i < 200; i++) {
        /* bursts, and a gap of nine seconds again and again: the mean never learns it */
        for (int burst = 0; burst < 10; burst++)
            detector_hear(&detector, now += 100);
        bool began = false;
        for (int64_t at = now + 250; at < now + 9000; at += 250)
            began |= detector_look(&detector, at);
        now += 9000;
        detector_hear(&detector, now);
        suspicions += began;
        late += began && i >= 30;
    }
    ck_assert_uint_gt(suspicions, 0);
    ck_assert_uint_eq(late, 0);
    ck_assert_uint_eq(detector.mistakes, suspicions);
}
END_TEST

/* Strong completeness: whoever is gone is suspected in the end and stays so, whatever mistakes were made before. */
START_TEST(whoever_is_gone_stays_suspected_after_any_number_of_mistakes) {
    int64_t now = 1000;
    for (int i = 0; i < 60; i++) {
        detector_look(&detector, now += 20000);
        detector_hear(&detector, now += 20000);
    }
    ck_assert_int_le(detector_timeout_ms(&detector), DETECTOR_TIMEOUT_MAX_MS);
    ck_assert(detector_look(&detector, now + DETECTOR_TIMEOUT_MAX_MS + 1));
    ck_assert(detector.suspected);
}
END_TEST

START_TEST(a_restart_is_not_held_against_it) {
    int64_t now = live(1000, 200, 100), before = detector_timeout_ms(&detector);
    ck_assert(detector_look(&detector, now + 60000));
    ck_assert(detector_hear(&detector, now + 3600000));
    ck_assert_int_le(detector_timeout_ms(&detector), before + 200);
    ck_assert(!detector.suspected);
}
END_TEST

START_TEST(a_burst_counts_once_and_does_not_shorten_what_is_tolerated) {
    int64_t now = live(1000, 1000, 20), before = detector_timeout_ms(&detector);
    for (int i = 0; i < 1000; i++)
        detector_hear(&detector, now + i / 100);
    ck_assert_int_eq(detector_timeout_ms(&detector), before);
}
END_TEST

START_TEST(a_clock_that_stands_still_suspects_nobody) {
    int64_t now = live(1000, 200, 10);
    for (int i = 0; i < 1000; i++)
        ck_assert(!detector_look(&detector, now));
}
END_TEST

Suite *suite_detector(void) {
    Suite *suite = suite_create("detector");
    TCase *tests = tcase_create("detector");
    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, who_is_heard_regularly_is_not_suspected_and_who_falls_silent_is);
    tcase_add_test(tests, silence_that_is_tolerated_follows_what_was_measured);
    tcase_add_test(tests, jitter_widens_it);
    tcase_add_test(tests, mistakes_end);
    tcase_add_test(tests, whoever_is_gone_stays_suspected_after_any_number_of_mistakes);
    tcase_add_test(tests, a_restart_is_not_held_against_it);
    tcase_add_test(tests, a_burst_counts_once_and_does_not_shorten_what_is_tolerated);
    tcase_add_test(tests, a_clock_that_stands_still_suspects_nobody);
    suite_add_tcase(suite, tests);
    return suite;
}
