#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/addrbook.h"
#include "node/addrbook_place.h"

Suite *suite_addrbook(void);

#define HOUR_MS (3600 * 1000ll)
#define NOW_MS  1700000000000ll

static struct addrbook book;
static const char own[] = "00000000000000000000000000000000000000aa", secret[] = "00000000000000000000000000000000000000bb";

static void set_up(void) { addrbook_init(&book, own, true, secret); }
static void tear_down(void) { addrbook_close(&book); }

static struct addrbook_address at(uint32_t number, const char *host, uint16_t port) {
    char text[100];
    struct netaddress made;
    struct addrbook_address address;
    snprintf(text, sizeof text, "%040x@%s:%u", number, host, port);
    ck_assert_int_eq(netaddress_parse(&made, span_text(text)), NETADDRESS_GOOD);
    ck_assert(addrbook_address_of(&address, &made));
    return address;
}

static enum addrbook_verdict hear(struct addrbook_address address, struct addrbook_address teller) {
    return addrbook_add(&book, &address, &teller, NOW_MS);
}

static enum addrbook_verdict introduce(struct addrbook_address address) { return hear(address, address); }

static const struct addrbook_entry *known(uint32_t number) {
    struct addrbook_address address = at(number, "8.8.8.8", 1);
    return addrbook_find(&book, address.id);
}

#define ID(number) (at((number), "8.8.8.8", 1).id)

static const char *host_of(uint32_t number) {
    static struct netaddress made;
    ck_assert_ptr_nonnull(known(number));
    addrbook_netaddress(&made, &known(number)->address);
    return made.host;
}

/* What must hold of every book: each entry is found by its id, lies in the buckets that it names and in no other, and the counts are right. */
static void check_book(const struct addrbook *it) {
    bool found = true, single = true;
    uint32_t held = 0, references = 0, counts[2] = {0, 0};
    for (uint32_t i = 0; i < it->entries_made; i++) {
        const struct addrbook_entry *entry = &it->entries[i];
        if (entry->bucket_count == 0)
            continue;
        found &= addrbook_find(it, entry->address.id) == entry;
        counts[entry->is_old]++;
        references += entry->bucket_count;
        single &= !entry->is_old || entry->bucket_count == 1;
        for (uint8_t k = 0; k < entry->bucket_count; k++) {
            const struct addrbook_bucket *bucket = &(entry->is_old ? it->old_buckets : it->new_buckets)[entry->buckets[k]];
            uint32_t times = 0;
            for (uint16_t m = 0; m < bucket->count; m++)
                times += bucket->entries[m] == i;
            single &= times == 1;
        }
    }
    for (uint32_t i = 0; i < ADDRBOOK_NEW_BUCKETS + ADDRBOOK_OLD_BUCKETS; i++)
        held += i < ADDRBOOK_NEW_BUCKETS ? it->new_buckets[i].count : it->old_buckets[i - ADDRBOOK_NEW_BUCKETS].count;
    ck_assert(found && single);
    ck_assert_uint_eq(held, references);
    ck_assert_uint_eq(counts[false], it->new_count);
    ck_assert_uint_eq(counts[true], it->old_count);
}

/* ---- what is taken in */

START_TEST(only_what_can_be_dialled_and_may_be_told_is_taken_in) {
    struct addrbook_address teller = at(99, "9.9.9.9", 1);
    ck_assert_int_eq(hear(at(1, "192.168.0.1", 26656), teller), ADDRBOOK_UNROUTABLE);
    ck_assert_int_eq(hear(at(2, "127.0.0.1", 26656), teller), ADDRBOOK_UNROUTABLE);
    ck_assert_int_eq(hear(at(5, "[::1]", 26656), teller), ADDRBOOK_UNROUTABLE);
    ck_assert_int_eq(hear(at(3, "8.8.8.8", 0), teller), ADDRBOOK_INVALID);
    ck_assert_int_eq(hear(at(4, "0.0.0.0", 26656), teller), ADDRBOOK_INVALID);
    ck_assert_int_eq(hear(at(4, "[::]", 26656), teller), ADDRBOOK_INVALID);
    ck_assert_int_eq(hear(at(4, "255.255.255.255", 26656), teller), ADDRBOOK_INVALID);
    ck_assert_int_eq(hear(at(0xaa, "8.8.8.8", 26656), teller), ADDRBOOK_OURS);
    ck_assert_int_eq(hear(at(0xbb, "8.8.8.8", 26656), teller), ADDRBOOK_PRIVATE);
    ck_assert_int_eq(hear(at(6, "8.8.8.8", 26656), at(0xbb, "8.8.8.8", 26656)), ADDRBOOK_PRIVATE);
    ck_assert_uint_eq(addrbook_count(&book), 0);
    ck_assert_int_eq(hear(at(6, "8.8.8.8", 26656), teller), ADDRBOOK_GOOD);
    ck_assert_int_eq(hear(at(7, "[2600::1]", 26656), teller), ADDRBOOK_GOOD);
    ck_assert_uint_eq(addrbook_count(&book), 2);
    check_book(&book);
}
END_TEST

START_TEST(a_lax_book_takes_private_networks_too) {
    book.strict = false;
    ck_assert_int_eq(introduce(at(1, "192.168.0.1", 26656)), ADDRBOOK_GOOD);
    ck_assert_int_eq(introduce(at(2, "127.0.0.1", 26656)), ADDRBOOK_GOOD);
    ck_assert_uint_eq(addrbook_count(&book), 2);
}
END_TEST

/* Under another id too: somebody may say that everybody lives here, so that the node dials itself all day. */
START_TEST(our_own_places_are_not_taken_under_any_id) {
    struct netaddress here, name;
    ck_assert_int_eq(netaddress_parse_host_port(&here, span_text("tcp://8.8.4.4:26656")), NETADDRESS_GOOD);
    ck_assert_int_eq(netaddress_parse_host_port(&name, span_text("tcp://example.org:26656")), NETADDRESS_GOOD);
    addrbook_own_place(&book, &name);
    for (int i = 0; i < 10; i++)
        addrbook_own_place(&book, &here);
    ck_assert_int_eq(introduce(at(1, "8.8.4.4", 26656)), ADDRBOOK_OURS);
    ck_assert_int_eq(introduce(at(1, "8.8.4.4", 26657)), ADDRBOOK_GOOD);
}
END_TEST

START_TEST(hearsay_does_not_move_what_is_untried_or_proven) {
    struct addrbook_address teller = at(99, "9.9.9.9", 1);
    hear(at(1, "8.8.8.1", 1), teller);
    ck_assert_int_eq(hear(at(1, "8.8.8.2", 2), teller), ADDRBOOK_KNOWN);
    ck_assert_str_eq(host_of(1), "8.8.8.1");
    addrbook_attempt(&book, ID(1), NOW_MS);
    ck_assert_int_eq(hear(at(1, "8.8.8.3", 3), teller), ADDRBOOK_GOOD); /* the first was tried in vain */
    ck_assert_str_eq(host_of(1), "8.8.8.3");
    ck_assert_int_eq(known(1)->attempts, 1);
    introduce(at(1, "8.8.8.4", 4)); /* it must know */
    ck_assert_str_eq(host_of(1), "8.8.8.4");
    addrbook_good(&book, ID(1), NOW_MS);
    ck_assert_int_eq(hear(at(1, "8.8.8.5", 5), teller), ADDRBOOK_KNOWN);
    ck_assert_int_eq(introduce(at(1, "8.8.8.6", 6)), ADDRBOOK_KNOWN);
    addrbook_attempt(&book, ID(1), NOW_MS);
    ck_assert_int_eq(hear(at(1, "8.8.8.5", 5), teller), ADDRBOOK_KNOWN);
    ck_assert_str_eq(host_of(1), "8.8.8.4");
    introduce(at(1, "8.8.8.6", 6)); /* it moved */
    ck_assert_str_eq(host_of(1), "8.8.8.6");
    ck_assert(!known(1)->is_old);
    ck_assert_uint_eq(addrbook_count(&book), 1);
    check_book(&book);
}
END_TEST

START_TEST(an_address_that_many_tell_of_lies_in_at_most_four_buckets) {
    char host[20];
    for (uint32_t i = 0; i < 2000; i++) {
        snprintf(host, sizeof host, "%u.%u.1.1", 20 + i % 50, i % 250);
        hear(at(1, "8.8.8.8", 1), at(1000 + i, host, 1));
    }
    ck_assert_uint_eq(known(1)->bucket_count, ADDRBOOK_BUCKETS_OF_ONE);
    ck_assert_uint_eq(addrbook_count(&book), 1);
    check_book(&book);
}
END_TEST

/* ---- eclipse */

static void flood(uint32_t ids_from, uint32_t count, const char *teller_host) {
    char host[20];
    struct addrbook_address teller = at(99, teller_host, 1);
    for (uint32_t i = 0; i < count; i++) {
        snprintf(host, sizeof host, "%u.%u.%u.1", 50 + i % 50, i / 50 % 250, i % 250);
        hear(at(ids_from + i, host, 26656), teller);
    }
}

START_TEST(a_group_of_tellers_reaches_an_eighth_of_the_book_however_much_it_says) {
    flood(1000, 30000, "9.9.9.9");
    flood(100000, 30000, "9.9.77.77"); /* of the same /16 */
    uint32_t reached = 0;
    for (uint32_t i = 0; i < ADDRBOOK_NEW_BUCKETS; i++)
        reached += book.new_buckets[i].count > 0;
    ck_assert_uint_le(reached, ADDRBOOK_NEW_PER_GROUP);
    ck_assert_uint_gt(reached, ADDRBOOK_NEW_PER_GROUP / 2);
    ck_assert_uint_le(addrbook_count(&book), ADDRBOOK_NEW_PER_GROUP * ADDRBOOK_BUCKET_MAX);
    check_book(&book);
}
END_TEST

START_TEST(a_flood_leaves_most_of_what_others_told_and_all_that_proved_itself) {
    char host[20];
    uint32_t left = 0;
    for (uint32_t i = 1; i <= 400; i++) { /* honest: many groups, each speaks for itself */
        snprintf(host, sizeof host, "%u.%u.3.4", 130 + i % 38, i % 250);
        if (i == 0xaa || i == 0xbb)
            continue;
        ck_assert_int_eq(introduce(at(i, host, 26656)), ADDRBOOK_GOOD);
        if (i <= 100)
            addrbook_good(&book, ID(i), NOW_MS);
    }
    uint32_t old = book.old_count;
    ck_assert_uint_eq(old, 100);
    flood(1000, 60000, "9.9.9.9");
    for (uint32_t i = 1; i <= 400; i++)
        left += known(i) != NULL;
    ck_assert_uint_eq(book.old_count, old);
    ck_assert_uint_ge(left, 300);
    check_book(&book);
}
END_TEST

START_TEST(the_groups_of_addresses_are_their_networks) {
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        {"8.8.1.1", "8.8.255.9", true},       {"8.8.1.1", "8.9.1.1", false},         {"[2600:1:2::1]", "[2600:1:3::1]", true},
        {"[2600:1::1]", "[2600:2::1]", false}, {"[2001:470:1000::1]", "[2001:470:1fff::1]", true}, {"[2001:470:1000::1]", "[2001:470:2000::1]", false},
        {"[2002:808:1::1]", "8.8.3.4", true},  {"[64:ff9b::808:101]", "8.8.3.4", true}, {"10.0.0.1", "192.168.1.1", true},
        {"127.0.0.1", "[::1]", true},          {"127.0.0.1", "10.0.0.1", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t a[ADDRBOOK_GROUP_BYTES], b[ADDRBOOK_GROUP_BYTES];
        addrbook_place_group(a, at(1, cases[i].a, 1).ip, true);
        addrbook_place_group(b, at(1, cases[i].b, 1).ip, true);
        ck_assert_msg((memcmp(a, b, sizeof a) == 0) == cases[i].same, "%s and %s", cases[i].a, cases[i].b);
    }
}
END_TEST

START_TEST(buckets_depend_on_the_key_of_the_book) {
    struct addrbook other;
    uint32_t same = 0;
    addrbook_init(&other, own, true, NULL);
    ck_assert_str_ne(other.key, book.key);
    for (uint32_t i = 0; i < 100; i++) {
        char host[20];
        snprintf(host, sizeof host, "%u.1.3.4", 100 + i);
        struct addrbook_address address = at(i, host, 1);
        same += addrbook_place_new(&book, &address, &address) == addrbook_place_new(&other, &address, &address);
    }
    ck_assert_uint_lt(same, 20);
    addrbook_close(&other);
}
END_TEST

/* ---- full buckets */

/* In one bucket: one group told by one group. */
static void fill_one_bucket(uint32_t ids_from, uint32_t count) {
    struct addrbook_address teller = at(99, "9.9.9.9", 1);
    for (uint32_t i = 0; i < count; i++)
        hear(at(ids_from + i, "8.8.8.8", (uint16_t)(i + 1)), teller);
}

START_TEST(a_full_bucket_lets_go_of_the_hopeless_then_of_whoever_was_untried_for_longest) {
    fill_one_bucket(1, ADDRBOOK_BUCKET_MAX);
    ck_assert_uint_eq(addrbook_count(&book), ADDRBOOK_BUCKET_MAX);
    for (int i = 0; i < 3; i++)
        addrbook_attempt(&book, ID(7), NOW_MS - HOUR_MS);
    for (uint32_t i = 1; i <= ADDRBOOK_BUCKET_MAX; i++)
        if (i != 7 && i != 9)
            addrbook_attempt(&book, ID(i), NOW_MS);
    fill_one_bucket(1000, 1);
    ck_assert_uint_eq(addrbook_count(&book), ADDRBOOK_BUCKET_MAX);
    ck_assert_ptr_null(known(7));
    for (uint32_t i = 1; i <= ADDRBOOK_BUCKET_MAX; i++)
        if (i != 9 && i != 7)
            addrbook_attempt(&book, ID(i), NOW_MS + 1);
    addrbook_attempt(&book, ID(1000), NOW_MS + 1);
    fill_one_bucket(2000, 1);
    ck_assert_ptr_null(known(9));
    ck_assert_ptr_nonnull(known(2000));
    check_book(&book);
}
END_TEST

START_TEST(a_flood_does_not_wash_a_ban_away) {
    fill_one_bucket(1, 3);
    for (int i = 0; i < 3; i++)
        addrbook_attempt(&book, ID(2), NOW_MS - HOUR_MS); /* the first to go, if it were not banned */
    addrbook_ban(&book, ID(2), NOW_MS, NOW_MS + 24 * HOUR_MS);
    fill_one_bucket(1000, 5000);
    ck_assert(addrbook_is_banned(&book, ID(2), NOW_MS));
    ck_assert_ptr_null(known(1));
    check_book(&book);
}
END_TEST

START_TEST(a_full_old_bucket_makes_the_longest_untried_hearsay_again) {
    book.strict = false;
    uint32_t promoted = 0, old_most = ADDRBOOK_OLD_PER_GROUP * ADDRBOOK_BUCKET_MAX;
    for (uint32_t i = 0; i < 2 * old_most; i++) { /* all of one group */
        struct addrbook_address address = at(i + 1000, "8.8.8.8", (uint16_t)(i + 1));
        char host[20];
        snprintf(host, sizeof host, "%u.%u.1.1", 20 + i % 200, i % 250);
        hear(address, at(100000 + i, host, 1));
        addrbook_good(&book, address.id, NOW_MS + i);
        promoted += known(i + 1000) != NULL && known(i + 1000)->is_old;
    }
    ck_assert_uint_eq(promoted, 2 * old_most);
    ck_assert_uint_le(book.old_count, old_most);
    ck_assert_uint_gt(book.new_count, 0);
    check_book(&book);
}
END_TEST

/* Seeded: every operation in any order keeps the book whole. */
START_TEST(whatever_happens_the_book_holds_together) {
    uint32_t dice = 12345;
    char host[20];
    for (uint32_t i = 0; i < 60000; i++) {
        dice = dice * 1664525u + 1013904223u;
        uint32_t number = dice >> 8 & 0xfff, what = dice >> 28;
        snprintf(host, sizeof host, "%u.%u.1.1", 20 + (number & 7), number & 3);
        struct addrbook_address address = at(number + 1, host, (uint16_t)(1 + (dice & 1)));
        int64_t now = NOW_MS + i * 1000;
        if (what < 9) {
            snprintf(host, sizeof host, "%u.7.1.1", 20 + (dice & 3));
            struct addrbook_address teller = what < 3 ? address : at(9999, host, 1);
            (void)!addrbook_add(&book, &address, &teller, now);
        } else if (what < 12)
            addrbook_good(&book, address.id, now);
        else if (what < 14)
            addrbook_attempt(&book, address.id, now);
        else if (what == 14)
            addrbook_ban(&book, address.id, now, now + (dice & 0xffffff));
        else
            addrbook_remove(&book, address.id);
        if (i % 500 == 0)
            check_book(&book);
    }
    check_book(&book);
}
END_TEST

/* ---- whom to dial */

static bool is_wanted(void *context, const struct addrbook_entry *entry) {
    return context == NULL || memcmp(context, entry->address.id, NETADDRESS_ID_BYTES) == 0;
}

static bool pick(struct addrbook_address *out, int64_t now_ms) { return addrbook_pick(&book, out, 50, now_ms, is_wanted, NULL); }

START_TEST(an_address_in_vain_is_tried_ever_more_seldom_and_at_last_once_a_day) {
    struct addrbook_address out;
    ck_assert(!pick(&out, NOW_MS));
    introduce(at(1, "8.8.8.1", 1));
    int64_t now = NOW_MS;
    for (int i = 1; i <= ADDRBOOK_ATTEMPTS_MAX + 3; i++) {
        ck_assert(pick(&out, now));
        addrbook_attempt(&book, out.id, now);
        int64_t wait = i <= ADDRBOOK_ATTEMPTS_MAX ? (int64_t)1000 << i : 24 * HOUR_MS;
        ck_assert(!pick(&out, now + wait - 1));
        now += wait;
    }
    addrbook_attempt(&book, out.id, now);
    addrbook_answered(&book, out.id);
    ck_assert(pick(&out, now));
}
END_TEST

START_TEST(a_clock_that_went_back_keeps_nobody_waiting) {
    struct addrbook_address out;
    introduce(at(1, "8.8.8.1", 1));
    addrbook_attempt(&book, ID(1), NOW_MS + 1000 * HOUR_MS);
    ck_assert(pick(&out, NOW_MS));
}
END_TEST

START_TEST(the_banned_are_neither_dialled_nor_taken_in_again_until_their_ban_ends) {
    struct addrbook_address out[ADDRBOOK_SELECTION_MAX];
    introduce(at(1, "8.8.8.1", 1));
    addrbook_good(&book, ID(1), NOW_MS);
    addrbook_ban(&book, ID(1), NOW_MS, NOW_MS + HOUR_MS);
    addrbook_ban(&book, ID(1), NOW_MS, NOW_MS + 1); /* never shorter */
    ck_assert(!known(1)->is_old);
    ck_assert(!pick(out, NOW_MS + HOUR_MS - 1));
    ck_assert_uint_eq(addrbook_select(&book, out, 101, ID(5), NOW_MS), 0);
    ck_assert_int_eq(introduce(at(1, "8.8.8.2", 1)), ADDRBOOK_BANNED);
    addrbook_good(&book, ID(1), NOW_MS);
    ck_assert(!known(1)->is_old);
    ck_assert(pick(out, NOW_MS + HOUR_MS));
    ck_assert(!addrbook_is_banned(&book, ID(1), NOW_MS + HOUR_MS));
    check_book(&book);
}
END_TEST

START_TEST(in_a_small_book_whoever_is_wanted_is_found) {
    struct addrbook_address out, one;
    char host[20];
    for (uint32_t i = 1; i <= 900; i++) {
        snprintf(host, sizeof host, "%u.%u.3.4", 20 + i % 200, i % 250);
        introduce(at(i, host, 1));
    }
    uint32_t there = 0;
    for (uint32_t i = 1; i <= 900; i++) {
        if (known(i) == NULL)
            continue;
        one = at(i, "8.8.8.8", 1);
        ck_assert(addrbook_pick(&book, &out, 50, NOW_MS, is_wanted, one.id));
        ck_assert(memcmp(out.id, one.id, sizeof one.id) == 0);
        there++;
    }
    ck_assert_uint_eq(there, addrbook_count(&book));
}
END_TEST

START_TEST(a_flood_of_hearsay_does_not_keep_the_proven_from_being_dialled) {
    struct addrbook_address out;
    char host[20];
    uint32_t proven = 0;
    for (uint32_t i = 1; i <= 10; i++) {
        snprintf(host, sizeof host, "%u.1.3.4", 100 + i);
        introduce(at(i, host, 1));
        addrbook_good(&book, ID(i), NOW_MS);
    }
    flood(1000, 60000, "9.9.9.9");
    for (int i = 0; i < 1000; i++) {
        ck_assert(addrbook_pick(&book, &out, 10, NOW_MS, is_wanted, NULL));
        proven += addrbook_find(&book, out.id)->is_old;
    }
    ck_assert_uint_gt(proven, 150);
    ck_assert_uint_lt(proven, 950);
}
END_TEST

/* ---- whom to tell of */

START_TEST(a_quarter_of_the_book_is_told_but_not_few_and_not_too_many) {
    static const struct {
        uint32_t size, least, most;
    } cases[] = {{0, 0, 0}, {10, 10, 10}, {100, 32, 32}, {400, 80, 92}, {1500, ADDRBOOK_SELECTION_MAX, ADDRBOOK_SELECTION_MAX}};
    struct addrbook_address out[ADDRBOOK_SELECTION_MAX];
    char host[20];
    uint32_t i = 0;
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        for (; addrbook_count(&book) < cases[c].size; i++) {
            snprintf(host, sizeof host, "%u.%u.3.4", 20 + i % 200, i % 251);
            introduce(at(i + 1000, host, 1));
        }
        uint32_t told = addrbook_select(&book, out, 101, ID(5), NOW_MS);
        ck_assert_uint_ge(told, cases[c].least);
        ck_assert_uint_le(told, cases[c].most);
        for (uint32_t k = 1; k < told; k++)
            for (uint32_t m = 0; m < k; m++)
                ck_assert_int_ne(memcmp(&out[k], &out[m], sizeof out[k]), 0);
    }
}
END_TEST

START_TEST(neither_the_asker_nor_the_often_tried_in_vain_are_told) {
    struct addrbook_address out[ADDRBOOK_SELECTION_MAX];
    introduce(at(1, "8.8.8.1", 1));
    introduce(at(2, "8.9.8.1", 1));
    introduce(at(3, "8.10.8.1", 1));
    for (int i = 0; i < ADDRBOOK_ATTEMPTS_MAX; i++)
        addrbook_attempt(&book, ID(3), NOW_MS);
    ck_assert_uint_eq(addrbook_select(&book, out, 101, ID(1), NOW_MS), 1);
    ck_assert_int_eq(memcmp(out[0].id, ID(2), NETADDRESS_ID_BYTES), 0);
}
END_TEST

START_TEST(a_seed_tells_rather_of_the_proven) {
    struct addrbook_address out[ADDRBOOK_SELECTION_MAX];
    char host[20];
    for (uint32_t i = 1; i <= 400; i++) {
        snprintf(host, sizeof host, "%u.%u.3.4", 20 + i % 200, i % 250);
        introduce(at(i, host, 1));
        if (i % 2 == 0)
            addrbook_good(&book, ID(i), NOW_MS);
    }
    uint32_t told = addrbook_select(&book, out, 30, ID(9999), NOW_MS), proven = 0;
    for (uint32_t i = 0; i < told; i++)
        proven += addrbook_find(&book, out[i].id)->is_old;
    ck_assert_uint_ge(told, 80);
    ck_assert_uint_eq(proven, told - (told * 30 + 50) / 100);
}
END_TEST

/* ---- the file */

/* As CometBFT writes it, with its clock's offset, and an address that many told of. */
static const char theirs[] =
    "{\n\t\"key\": \"9db8a5a6f4b1d6f0a1b2c3d4\",\n\t\"addrs\": [\n"
    "\t\t{\n\t\t\t\"addr\": {\n\t\t\t\t\"id\": \"00112233445566778899aabbccddeeff00112233\",\n\t\t\t\t\"ip\": \"8.8.8.8\",\n\t\t\t\t\"port\": 26656\n\t\t\t},\n"
    "\t\t\t\"src\": {\n\t\t\t\t\"id\": \"10112233445566778899aabbccddeeff00112233\",\n\t\t\t\t\"ip\": \"2600::1\",\n\t\t\t\t\"port\": 26656\n\t\t\t},\n"
    "\t\t\t\"buckets\": [\n\t\t\t\t255,\n\t\t\t\t7\n\t\t\t],\n\t\t\t\"attempts\": 3,\n\t\t\t\"bucket_type\": 1,\n"
    "\t\t\t\"last_attempt\": \"2024-01-01T12:00:00.123456789+02:00\",\n\t\t\t\"last_success\": \"0001-01-01T00:00:00Z\",\n"
    "\t\t\t\"last_ban_time\": \"0001-01-01T00:00:00Z\"\n\t\t},\n"
    "\t\t{\n\t\t\t\"addr\": {\n\t\t\t\t\"id\": \"20112233445566778899aabbccddeeff00112233\",\n\t\t\t\t\"ip\": \"2600:1::1\",\n\t\t\t\t\"port\": 1\n\t\t\t},\n"
    "\t\t\t\"src\": {\n\t\t\t\t\"id\": \"10112233445566778899aabbccddeeff00112233\",\n\t\t\t\t\"ip\": \"9.9.9.9\",\n\t\t\t\t\"port\": 26656\n\t\t\t},\n"
    "\t\t\t\"buckets\": [\n\t\t\t\t63\n\t\t\t],\n\t\t\t\"attempts\": 0,\n\t\t\t\"bucket_type\": 2,\n"
    "\t\t\t\"last_attempt\": \"2024-01-01T10:00:00Z\",\n\t\t\t\"last_success\": \"2024-01-01T10:00:00Z\",\n"
    "\t\t\t\"last_ban_time\": \"0001-01-01T00:00:00Z\"\n\t\t}\n\t]\n}";

static void read_text(const char *text) {
    uint32_t left_out;
    char *error = NULL;
    addrbook_clear(&book);
    ck_assert_msg(addrbook_parse(&book, &left_out, span_text(text), &error), "%s", error);
    ck_assert_uint_eq(left_out, 0);
}

START_TEST(cometbfts_file_is_read) {
    read_text(theirs);
    ck_assert_str_eq(book.key, "9db8a5a6f4b1d6f0a1b2c3d4");
    ck_assert_uint_eq(book.new_count, 1);
    ck_assert_uint_eq(book.old_count, 1);
    struct netaddress address;
    ck_assert_int_eq(netaddress_parse(&address, span_text("00112233445566778899aabbccddeeff00112233@1.1.1.1:1")), NETADDRESS_GOOD);
    const struct addrbook_entry *entry = addrbook_find(&book, address.id);
    ck_assert_ptr_nonnull(entry);
    ck_assert_int_eq(entry->last_attempt_ms, 1704103200123);
    ck_assert_int_eq(entry->last_success_ms, ADDRBOOK_NEVER_MS);
    ck_assert_int_eq(entry->attempts, 3);
    ck_assert_uint_eq(entry->bucket_count, 2);
    ck_assert_uint_eq(entry->buckets[0], 255);
    check_book(&book);
}
END_TEST

START_TEST(what_is_written_reads_back_the_same) {
    read_text(theirs);
    addrbook_ban(&book, at(0, "8.8.8.8", 1).id, 0, 0);
    char *text = addrbook_text(&book);
    read_text(text);
    char *again = addrbook_text(&book);
    ck_assert_str_eq(text, again);
    ck_assert_ptr_nonnull(strstr(text, "\"last_attempt\": \"2024-01-01T10:00:00.123Z\""));
    ck_assert_ptr_nonnull(strstr(text, "\"last_success\": \"0001-01-01T00:00:00Z\""));
    free(text);
    free(again);
    addrbook_clear(&book);
    text = addrbook_text(&book);
    ck_assert_ptr_nonnull(strstr(text, "\"addrs\": []"));
    read_text(text);
    free(text);
}
END_TEST

START_TEST(a_full_book_reads_back_the_same) {
    for (uint32_t g = 0; g < 40; g++) {
        char host[20];
        snprintf(host, sizeof host, "%u.9.9.9", 20 + g);
        flood(1000 + g * 100000, 3000, host);
    }
    for (uint32_t i = 0; i < book.entries_made; i += 3)
        addrbook_good(&book, book.entries[i].address.id, NOW_MS);
    check_book(&book);
    uint32_t new = book.new_count, old = book.old_count;
    ck_assert_uint_gt(new, 5000);
    ck_assert_uint_gt(old, 100);
    char *text = addrbook_text(&book);
    ck_assert_uint_lt(strlen(text), ADDRBOOK_BYTES_MAX);
    read_text(text);
    ck_assert_uint_eq(book.new_count, new);
    ck_assert_uint_eq(book.old_count, old);
    check_book(&book);
    free(text);
}
END_TEST

#define ADDR(id, ip, port) "{\"id\":\"" id "\",\"ip\":\"" ip "\",\"port\":" port "}"
#define GOOD_ADDR          ADDR("00112233445566778899aabbccddeeff00112233", "8.8.8.8", "26656")
#define ENTRY(addr, src, buckets, attempts, type, time) \
    "{\"addr\":" addr ",\"src\":" src ",\"buckets\":" buckets ",\"attempts\":" attempts ",\"bucket_type\":" type ",\"last_attempt\":" time "}"
#define BOOK(entries) "{\"key\":\"0102\",\"addrs\":[" entries "]}"
#define TIME          "\"2024-01-01T12:00:00Z\""

START_TEST(a_damaged_file_is_refused_whole_and_the_place_is_named) {
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "it is empty"},
        {"[]", "key"},
        {"{\"key\":\"\",\"addrs\":[]}", "key"},
        {"{\"key\":7,\"addrs\":[]}", "key"},
        {"{\"key\":\"0102\"}", "addrs is no list"},
        {"{\"key\":\"0102\",\"addrs\":{}}", "addrs is no list"},
        {"{\"key\":\"0102\",\"addrs\":[]", "line 1"},
        {"{\"key\":\"0102\",\"addrs\":[]} x", "line 1"},
        {BOOK("7"), "addrs[0]: is no object"},
        {BOOK("{}"), "addrs[0]"},
        {BOOK(ENTRY(GOOD_ADDR, GOOD_ADDR, "[1]", "0", "1", TIME) ",7"), "addrs[1]"},
        {BOOK(ENTRY(ADDR("0011", "8.8.8.8", "1"), GOOD_ADDR, "[1]", "0", "1", TIME)), "40 hex digits"},
        {BOOK(ENTRY(ADDR("00112233445566778899aabbccddeeff00112233", "8.8.8", "1"), GOOD_ADDR, "[1]", "0", "1", TIME)), "ip is no address"},
        {BOOK(ENTRY(ADDR("00112233445566778899aabbccddeeff00112233", "8.8.8.8", "65536"), GOOD_ADDR, "[1]", "0", "1", TIME)), "port"},
        {BOOK(ENTRY(GOOD_ADDR, "7", "[1]", "0", "1", TIME)), "is no object"},
        {BOOK(ENTRY(GOOD_ADDR, GOOD_ADDR, "[256]", "0", "1", TIME)), "no such bucket"},
        {BOOK(ENTRY(GOOD_ADDR, GOOD_ADDR, "[64]", "0", "2", TIME)), "no such bucket"},
        {BOOK(ENTRY(GOOD_ADDR, GOOD_ADDR, "[-1]", "0", "1", TIME)), "no such bucket"},
        {BOOK(ENTRY(GOOD_ADDR, GOOD_ADDR, "[\"1\"]", "0", "1", TIME)), "no such bucket"},
        {BOOK(ENTRY(GOOD_ADDR, GOOD_ADDR, "7", "0", "1", TIME)), "buckets is no list"},
        {BOOK(ENTRY(GOOD_ADDR, GOOD_ADDR, "[1]", "-1", "1", TIME)), "attempts"},
        {BOOK(ENTRY(GOOD_ADDR, GOOD_ADDR, "[1]", "0", "3", TIME)), "bucket_type"},
        {BOOK(ENTRY(GOOD_ADDR, GOOD_ADDR, "[1]", "0", "1", "\"yesterday\"")), "time"},
        {BOOK(ENTRY(GOOD_ADDR, GOOD_ADDR, "[1]", "0", "1", "5")), "time"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t left_out;
        char *error = NULL, key[ADDRBOOK_KEY_MAX + 1];
        strcpy(key, book.key);
        ck_assert_msg(!addrbook_parse(&book, &left_out, span_text(cases[i].text), &error), "case %zu", i);
        ck_assert_msg(strstr(error, cases[i].says) != NULL, "case %zu: %s", i, error);
        free(error);
        ck_assert_uint_eq(addrbook_count(&book), 0);
        ck_assert_str_eq(book.key, key);
        check_book(&book);
    }
}
END_TEST

/* Truncated anywhere, or with a byte changed: read or refused, never half. */
START_TEST(any_cut_and_any_changed_byte_of_a_file_is_survived) {
    char text[sizeof theirs];
    for (size_t i = 0; i < sizeof theirs - 1; i++) {
        uint32_t left_out;
        char *error = NULL;
        ck_assert(!addrbook_parse(&book, &left_out, span_of(theirs, i), &error));
        free(error);
        memcpy(text, theirs, sizeof text);
        text[i] ^= (char)(1 + i % 7);
        error = NULL;
        bool good = addrbook_parse(&book, &left_out, span_of(text, sizeof theirs - 1), &error);
        ck_assert(good || addrbook_count(&book) == 0);
        check_book(&book);
        free(error);
        addrbook_clear(&book);
    }
}
END_TEST

START_TEST(of_a_file_what_cannot_be_used_is_left_out) {
    uint32_t left_out;
    char *error = NULL;
    static const char text[] = BOOK(ENTRY(GOOD_ADDR, GOOD_ADDR, "[1]", "0", "1", TIME) "," /* twice */
                                    ENTRY(GOOD_ADDR, GOOD_ADDR, "[2]", "0", "1", TIME) "," /* ours, private, unroutable, port 0, no bucket, no ip */
                                    ENTRY(ADDR("00000000000000000000000000000000000000aa", "8.8.8.8", "1"), GOOD_ADDR, "[1]", "0", "1", TIME) ","
                                    ENTRY(ADDR("00000000000000000000000000000000000000bb", "8.8.8.8", "1"), GOOD_ADDR, "[1]", "0", "1", TIME) ","
                                    ENTRY(ADDR("00000000000000000000000000000000000000cc", "10.0.0.1", "1"), GOOD_ADDR, "[1]", "0", "1", TIME) ","
                                    ENTRY(ADDR("00000000000000000000000000000000000000dd", "8.8.8.8", "0"), GOOD_ADDR, "[1]", "0", "1", TIME) ","
                                    ENTRY(ADDR("00000000000000000000000000000000000000ee", "8.8.8.8", "1"), GOOD_ADDR, "[]", "0", "1", TIME) ","
                                    ENTRY(ADDR("00000000000000000000000000000000000000ff", "", "1"), GOOD_ADDR, "null", "0", "1", TIME));
    ck_assert_msg(addrbook_parse(&book, &left_out, span_text(text), &error), "%s", error);
    ck_assert_uint_eq(left_out, 7);
    ck_assert_uint_eq(addrbook_count(&book), 1);
    check_book(&book);
}
END_TEST

START_TEST(a_bucket_that_a_file_overfills_takes_what_it_holds) {
    char *text = NULL, *error = NULL;
    size_t size;
    uint32_t left_out;
    FILE *out = open_memstream(&text, &size);
    fputs("{\"key\":\"01\",\"addrs\":[", out);
    for (int i = 0; i < 200; i++)
        fprintf(out, "%s{\"addr\":{\"id\":\"%040x\",\"ip\":\"8.8.8.8\",\"port\":1},\"src\":null,\"buckets\":[5,5],\"attempts\":0,\"bucket_type\":1}", i ? "," : "", i + 1);
    fputs("]}", out);
    fclose(out);
    ck_assert_msg(addrbook_parse(&book, &left_out, span_of(text, size), &error), "%s", error);
    ck_assert_uint_eq(addrbook_count(&book), ADDRBOOK_BUCKET_MAX);
    ck_assert_uint_eq(left_out, 200 - ADDRBOOK_BUCKET_MAX);
    check_book(&book);
    free(text);
}
END_TEST

static char folder[] = "/tmp/quorate-addrbook-XXXXXX";
static char path[64], aside[80];

static void in_folder(void) {
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/addrbook.json", folder);
    snprintf(aside, sizeof aside, "%s.damaged", path);
}

static void out_of_folder(void) {
    unlink(path);
    unlink(aside);
    ck_assert_int_eq(rmdir(folder), 0); /* nothing else is left behind */
}

static void write_file(const char *text) {
    FILE *out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    fputs(text, out);
    fclose(out);
}

START_TEST(a_book_is_saved_and_loaded) {
    char *said = NULL, *error = NULL;
    in_folder();
    ck_assert_int_eq(addrbook_load(&book, path, &said), ADDRBOOK_ABSENT);
    ck_assert_ptr_null(said);
    introduce(at(1, "8.8.8.1", 1));
    addrbook_ban(&book, ID(1), NOW_MS, NOW_MS + HOUR_MS);
    ck_assert(book.changed);
    ck_assert_msg(addrbook_save(&book, path, &error), "%s", error);
    ck_assert(!book.changed);
    addrbook_clear(&book);
    ck_assert_int_eq(addrbook_load(&book, path, &said), ADDRBOOK_LOADED);
    ck_assert_ptr_null(said);
    ck_assert(addrbook_is_banned(&book, ID(1), NOW_MS)); /* bans outlive a restart */
    ck_assert(!book.changed);
    out_of_folder();
}
END_TEST

START_TEST(a_damaged_file_is_put_aside_and_named) {
    char *said = NULL;
    struct stat status;
    in_folder();
    write_file("{\"key\": 5}");
    ck_assert_int_eq(addrbook_load(&book, path, &said), ADDRBOOK_DAMAGED);
    ck_assert_ptr_nonnull(strstr(said, path));
    ck_assert_ptr_nonnull(strstr(said, "key is no text"));
    ck_assert_ptr_nonnull(strstr(said, aside));
    free(said);
    ck_assert_int_ne(stat(path, &status), 0);
    ck_assert_int_eq(stat(aside, &status), 0);
    ck_assert_int_eq(status.st_size, 10);
    ck_assert_uint_eq(addrbook_count(&book), 0);
    out_of_folder();
}
END_TEST

START_TEST(what_is_no_file_is_left_alone) {
    char *said = NULL, *error = NULL;
    in_folder();
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_int_eq(addrbook_load(&book, path, &said), ADDRBOOK_UNREADABLE);
    ck_assert_ptr_nonnull(said);
    free(said);
    introduce(at(1, "8.8.8.1", 1));
    ck_assert(!addrbook_save(&book, path, &error));
    ck_assert(book.changed); /* tried again later */
    free(error);
    rmdir(path);
    out_of_folder();
}
END_TEST

Suite *suite_addrbook(void) {
    Suite *suite = suite_create("addrbook");
    TCase *tests = tcase_create("addrbook");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, only_what_can_be_dialled_and_may_be_told_is_taken_in);
    tcase_add_test(tests, a_lax_book_takes_private_networks_too);
    tcase_add_test(tests, our_own_places_are_not_taken_under_any_id);
    tcase_add_test(tests, hearsay_does_not_move_what_is_untried_or_proven);
    tcase_add_test(tests, an_address_that_many_tell_of_lies_in_at_most_four_buckets);
    tcase_add_test(tests, a_group_of_tellers_reaches_an_eighth_of_the_book_however_much_it_says);
    tcase_add_test(tests, a_flood_leaves_most_of_what_others_told_and_all_that_proved_itself);
    tcase_add_test(tests, the_groups_of_addresses_are_their_networks);
    tcase_add_test(tests, buckets_depend_on_the_key_of_the_book);
    tcase_add_test(tests, a_full_bucket_lets_go_of_the_hopeless_then_of_whoever_was_untried_for_longest);
    tcase_add_test(tests, a_flood_does_not_wash_a_ban_away);
    tcase_add_test(tests, a_full_old_bucket_makes_the_longest_untried_hearsay_again);
    tcase_add_test(tests, whatever_happens_the_book_holds_together);
    tcase_add_test(tests, an_address_in_vain_is_tried_ever_more_seldom_and_at_last_once_a_day);
    tcase_add_test(tests, a_clock_that_went_back_keeps_nobody_waiting);
    tcase_add_test(tests, the_banned_are_neither_dialled_nor_taken_in_again_until_their_ban_ends);
    tcase_add_test(tests, in_a_small_book_whoever_is_wanted_is_found);
    tcase_add_test(tests, a_flood_of_hearsay_does_not_keep_the_proven_from_being_dialled);
    tcase_add_test(tests, a_quarter_of_the_book_is_told_but_not_few_and_not_too_many);
    tcase_add_test(tests, neither_the_asker_nor_the_often_tried_in_vain_are_told);
    tcase_add_test(tests, a_seed_tells_rather_of_the_proven);
    tcase_add_test(tests, cometbfts_file_is_read);
    tcase_add_test(tests, what_is_written_reads_back_the_same);
    tcase_add_test(tests, a_full_book_reads_back_the_same);
    tcase_add_test(tests, a_damaged_file_is_refused_whole_and_the_place_is_named);
    tcase_add_test(tests, any_cut_and_any_changed_byte_of_a_file_is_survived);
    tcase_add_test(tests, of_a_file_what_cannot_be_used_is_left_out);
    tcase_add_test(tests, a_bucket_that_a_file_overfills_takes_what_it_holds);
    tcase_add_test(tests, a_book_is_saved_and_loaded);
    tcase_add_test(tests, a_damaged_file_is_put_aside_and_named);
    tcase_add_test(tests, what_is_no_file_is_left_alone);
    suite_add_tcase(suite, tests);
    return suite;
}
