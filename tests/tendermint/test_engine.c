/* Each rule of the engine: where it fires, and where it must not. The language is told in story.h. */
#include "tests/tendermint/story.h"

#include <check.h>
#include <stdlib.h>

/* Locked on A at round 0 with valid A, having precommitted it; validators 0 and 1 prevoted it with us. */
#define LOCKED_ON_A                                                                                                    \
    "validators 1 1 1 1", "we are 3", "> start", "> propose 0 A by 0", "< fetch A", "> block A valid", "< prevote A",  \
        "> prevote A from 0 1", "< precommit A", "= locked A 0", "= valid A 0"
/* No decision at round 0; round 1 is validator 1's. */
#define ON_TO_ROUND_1 "> precommit nil from 1 2", "> timeout precommit-wait 0", "= round 1"
/* Round 0 passes without a prevote of ours that matters, and without any polka. */
#define EMPTY_ROUND_0 "> precommit nil from 0 1 2", "< precommit nil", "> timeout precommit-wait 0", "= round 1"

STORY(a_round_of_good_votes_decides,
      "validators 1 1 1 1", "we are 1",
      "> start",
      "> propose 0 A by 0", "< fetch A",
      "> block A valid", "< prevote A",
      "> prevote A from 0",
      "> prevote A from 2", "< precommit A",
      "> precommit A from 0",
      "> precommit A from 2", "< decide A round 0")

STORY(power_counts_and_not_heads,
      "validators 8 2 2 2 2", "we watch",
      "> start",
      "> block A valid",
      "> precommit A from 1 2 3 4",
      "= phase propose",
      "> precommit A from 0", "< decide A round 0")

STORY(exactly_two_thirds_are_not_enough,
      "validators 1 1 1", "we watch",
      "> start",
      "> block A valid",
      "> precommit A from 0 1",
      "= phase propose",
      "> precommit A from 2", "< decide A round 0")

STORY(each_step_is_told_and_timed,
      "validators 1 1 1 1", "we are 0", "show step timer have valid floor",
      "> begin", "< step 0 new-height", "< timer new-height 0 0",
      "> timeout new-height 0", "< timer propose 0 3000", "< propose new", "< step 0 propose",
      "> propose 0 A by 0", "< fetch A",
      "> block A valid", "< prevote A after A", "< step 0 prevote", "< have prevote 0 from 0",
      "> prevote nil from 1", "< have prevote 0 from 1",
      "> prevote A from 2", "< have prevote 0 from 2", "< timer prevote-wait 0 1000", "< step 0 prevote-wait",
      "> prevote A from 3", "< have prevote 0 from 3", "< valid A", "< precommit A after A", "< step 0 precommit",
      "< have precommit 0 from 0",
      "> precommit nil from 1", "< have precommit 0 from 1",
      "> precommit A from 2", "< have precommit 0 from 2", "< timer precommit-wait 0 1000",
      "> precommit A from 3", "< have precommit 0 from 3", "< step 0 commit", "< decide A round 0",
      "> next", "< step 0 new-height", "< timer new-height 0 1000")

STORY(timers_grow_with_the_round,
      "validators 1 1 1 1", "we watch", "show timer",
      "> start", "< timer new-height 0 0", "< timer propose 0 3000",
      "> prevote nil from 0 1 2 round 4 peer 1", "< timer propose 4 5000")

/* --- the lock ------------------------------------------------------------------------------------------------- */

STORY(a_locked_validator_prevotes_its_lock_whatever_is_proposed,
      LOCKED_ON_A, ON_TO_ROUND_1,
      "> propose 1 B by 1", "< fetch B",
      "> block B valid", "< prevote A")

STORY(an_unlocked_validator_prevotes_what_is_proposed,
      "validators 1 1 1 1", "we are 3", "> start", EMPTY_ROUND_0,
      "> propose 1 B by 1", "< fetch B",
      "> block B valid", "< prevote B")

STORY(a_locked_validator_prevotes_its_lock_when_nothing_is_proposed,
      LOCKED_ON_A, ON_TO_ROUND_1,
      "> timeout propose 1", "< prevote A")

STORY(a_lock_survives_a_nil_precommit_without_polka,
      LOCKED_ON_A, ON_TO_ROUND_1,
      "> timeout propose 1", "< prevote A",
      "> prevote B from 0", "> prevote nil from 1",
      "= phase prevote-wait",
      "> timeout prevote-wait 1", "< precommit nil",
      "= locked A 0")

STORY(nobody_locks_without_a_polka,
      "validators 1 1 1 1", "we are 3", "> start",
      "> propose 0 A by 0", "< fetch A", "> block A valid", "< prevote A",
      "> prevote A from 0", "> prevote nil from 1",
      "> timeout prevote-wait 0", "< precommit nil",
      "= locked none",
      "= valid none")

STORY(a_newer_polka_for_the_locked_block_locks_it_anew,
      LOCKED_ON_A, ON_TO_ROUND_1,
      "> propose 1 A by 1 pol 0", "< prevote A",
      "> prevote A from 0 1", "< precommit A",
      "= locked A 1", "= valid A 1")

STORY(a_newer_polka_for_a_known_block_moves_the_lock,
      LOCKED_ON_A, ON_TO_ROUND_1,
      "> propose 1 B by 1", "< fetch B", "> block B valid", "< prevote A",
      "> prevote B from 0 1 2", "< precommit B",
      "= locked B 1", "= valid B 1")

STORY(a_newer_polka_for_nil_unlocks,
      LOCKED_ON_A, ON_TO_ROUND_1,
      "> timeout propose 1", "< prevote A",
      "> prevote nil from 0 1 2", "< precommit nil",
      "= locked none",
      "= valid A 0")

STORY(a_newer_polka_of_a_round_gone_by_unlocks,
      LOCKED_ON_A, ON_TO_ROUND_1,
      "> precommit nil from 0 1 2", "< precommit nil", "> timeout precommit-wait 1",
      "= round 2", "= locked A 0",
      "> prevote B from 0 1", "= locked A 0",
      "> prevote B from 0 1 round 1", "= locked A 0",
      "> prevote B from 2 round 1", "= locked none",
      "> timeout propose 2", "< prevote nil")

STORY(an_older_polka_does_not_unlock,
      "validators 1 1 1 1", "we are 3", "> start", EMPTY_ROUND_0,
      "> propose 1 B by 1", "< fetch B", "> block B valid", "< prevote B",
      "> prevote B from 0 1", "< precommit B", "= locked B 1",
      "> precommit nil from 0 1", "> timeout precommit-wait 1",
      "= round 2",
      "> prevote nil from 0 1 2 round 0",
      "= locked B 1",
      "> timeout propose 2", "< prevote B")

STORY(the_polka_that_locked_does_not_unlock,
      LOCKED_ON_A, ON_TO_ROUND_1,
      "> prevote A from 2 round 0",
      "= locked A 0")

STORY(strict_keeps_the_lock_against_this_rounds_polka_until_our_prevote,
      LOCKED_ON_A, ON_TO_ROUND_1,
      "> prevote B from 0 1 2", "< fetch B",
      "= locked A 0",
      "> timeout propose 1", "< prevote A",
      "= locked none")

STORY(strict_keeps_the_lock_against_this_rounds_nil_polka_until_our_prevote,
      LOCKED_ON_A, ON_TO_ROUND_1,
      "> prevote nil from 0 1 2",
      "= locked A 0",
      "> timeout propose 1", "< prevote A", "< precommit nil",
      "= locked none")

STORY(strict_unlocks_on_a_polka_of_the_round_before,
      LOCKED_ON_A, ON_TO_ROUND_1,
      "> prevote B from 0 1 2", "< fetch B",
      "= locked A 0",
      "> prevote B from 0 1 2 round 2",
      "< fetch B",
      "= round 2", "= locked none")

STORY(comet_unlocks_on_this_rounds_polka_before_its_prevote,
      "rule comet", LOCKED_ON_A, ON_TO_ROUND_1,
      "> prevote B from 0 1", "= locked A 0",
      "> prevote B from 2", "< fetch B",
      "= locked none",
      "> timeout propose 1", "< prevote nil")

STORY(a_polka_for_an_unknown_block_unlocks_wants_it_and_precommits_nil,
      LOCKED_ON_A, ON_TO_ROUND_1,
      "> timeout propose 1", "< prevote A",
      "> prevote B from 0 1 2", "< fetch B",
      "= locked none", "= wanted B", "= phase prevote-wait",
      "> timeout prevote-wait 1", "< precommit nil",
      "= locked none")

STORY(a_polka_for_an_invalid_block_is_not_locked,
      "validators 1 1 1 1", "we are 3", "> start",
      "> propose 0 A by 0", "< fetch A",
      "> block A invalid", "< prevote nil",
      "> prevote A from 0 1 2", "< precommit nil",
      "= locked none", "= valid none")

STORY(a_precommit_majority_makes_us_precommit_without_a_prevote,
      LOCKED_ON_A, ON_TO_ROUND_1,
      "> prevote B from 0 1 2", "< fetch B", "= locked A 0",
      "> block B valid", "= locked A 0",
      "> precommit B from 0 1 2", "< precommit B", "< decide B round 1")

/* --- the valid block ------------------------------------------------------------------------------------------ */

STORY(the_valid_block_is_proposed_again_with_its_round,
      "validators 1 1 1 1", "we are 1", "> start",
      "> propose 0 A by 0", "< fetch A", "> block A valid", "< prevote A",
      "> prevote A from 0 2", "< precommit A",
      "> precommit nil from 2 3", "> timeout precommit-wait 0", "< propose A pol 0")

STORY(a_block_known_after_its_polka_becomes_valid_without_a_lock,
      "validators 1 1 1 1", "we are 1", "show valid", "> start",
      "> timeout propose 0", "< prevote nil",
      "> prevote A from 0 2 3", "< fetch A", "< valid A",
      "= valid none",
      "> timeout prevote-wait 0", "< precommit nil",
      "> block A valid", "< valid A",
      "= valid A 0", "= locked none",
      "> precommit nil from 2 3", "> timeout precommit-wait 0", "< propose A pol 0")

STORY(a_block_known_a_round_after_its_polka_does_not_become_valid,
      "validators 1 1 1 1", "we are 1", "> start",
      "> timeout propose 0", "< prevote nil",
      "> prevote A from 0 2 3", "< fetch A",
      "> timeout prevote-wait 0", "< precommit nil",
      "> precommit nil from 2 3", "> timeout precommit-wait 0", "< propose new",
      "> block A valid",
      "= valid none")

STORY(without_a_polka_a_new_block_is_proposed,
      "validators 1 1 1 1", "we are 1", "> start",
      "> propose 0 A by 0", "< fetch A", "> block A valid", "< prevote A",
      "> prevote A from 0",
      "> precommit nil from 0 2 3", "< precommit nil", "> timeout precommit-wait 0", "< propose new")

STORY(a_polka_of_an_older_round_does_not_become_the_valid_block,
      "validators 1 1 1 1", "we watch", "> start",
      "> block A valid",
      "> precommit nil from 0 1 2", "> timeout precommit-wait 0", "= round 1",
      "> prevote A from 0 1 2 round 0",
      "= valid none")

STORY(a_block_known_after_its_polka_is_locked_if_it_was_proposed,
      "validators 1 1 1 1", "we are 3", "> start",
      "> propose 0 A by 0", "< fetch A",
      "> timeout propose 0", "< prevote nil",
      "> prevote A from 0 1 2", "= phase prevote-wait",
      "> block A valid", "< precommit A",
      "= locked A 0")

STORY(a_polka_without_a_proposal_waits_and_then_locks,
      "validators 1 1 1 1", "we are 3", "> start",
      "> block A valid",
      "> timeout propose 0", "< prevote nil",
      "> prevote A from 0 1 2", "= phase prevote-wait",
      "> timeout prevote-wait 0", "< precommit A",
      "= locked A 0")

/* --- proposals ------------------------------------------------------------------------------------------------ */

STORY(only_the_proposer_proposes,
      "validators 1 1 1 1", "we are 1", "> start",
      "= phase propose")

STORY(the_first_proposal_of_a_round_stays,
      "validators 1 1 1 1", "we are 3", "> start",
      "> propose 0 A by 0", "< fetch A",
      "> propose 0 B by 0",
      "> block B valid",
      "> block A valid", "< prevote A")

STORY(a_second_proposal_cannot_name_a_polka_for_the_first,
      "validators 1 1 1 1", "we are 3", "> start", EMPTY_ROUND_0,
      "> propose 1 A by 1", "< fetch A",
      "> propose 1 A by 1 pol 0",
      "> block A valid", "< prevote A")

STORY(a_known_block_is_not_fetched,
      "validators 1 1 1 1", "we are 3", "> start",
      "> block A valid",
      "> propose 0 A by 0", "< prevote A")

STORY(an_early_proposal_of_the_next_round_is_kept,
      "validators 1 1 1 1", "we are 3", "> start",
      "> propose 1 B by 1",
      "= wanted nil",
      "> precommit nil from 0 1 2", "< precommit nil",
      "> timeout precommit-wait 0", "< fetch B",
      "> block B valid", "< prevote B")

STORY(the_block_of_an_early_proposal_is_kept_too,
      "validators 1 1 1 1", "we are 3", "> start",
      "> propose 1 B by 1",
      "> block B valid",
      "> precommit nil from 0 1 2", "< precommit nil",
      "> timeout precommit-wait 0", "< prevote B")

STORY(a_proposal_of_a_later_round_is_not_kept,
      "validators 1 1 1 1", "we are 3", "> start",
      "> propose 2 C by 2",
      "> prevote nil from 0 1 2 round 2", "= round 2",
      "> block C valid",
      "= phase propose")

STORY(an_early_proposal_is_of_no_use_when_its_round_is_skipped,
      "validators 1 1 1 1", "we are 3", "> start",
      "> propose 1 B by 1",
      "> block B valid",
      "> prevote nil from 0 1 2 round 2", "= round 2",
      "= wanted nil", "= phase propose")

STORY(a_block_that_nothing_names_is_forgotten_with_its_round,
      "validators 1 1 1 1", "we are 3", "> start",
      "> block B valid",
      "> precommit nil from 0 1 2", "< precommit nil", "> timeout precommit-wait 0",
      "> propose 1 B by 1", "< fetch B")

STORY(a_proposal_of_an_older_polka_waits_for_it,
      "validators 1 1 1 1", "we are 3", "> start", EMPTY_ROUND_0,
      "> propose 1 A by 1 pol 0", "< fetch A",
      "> block A valid",
      "= phase propose",
      "> prevote A from 0 1 round 0",
      "= phase propose",
      "> prevote A from 2 round 0", "< prevote A")

STORY(any_polka_of_the_named_round_will_do,
      "validators 1 1 1 1", "we are 3", "> start", EMPTY_ROUND_0,
      "> propose 1 A by 1 pol 0", "< fetch A",
      "> block A valid",
      "> prevote nil from 0 1 2 round 0", "< prevote A")

STORY(a_proposal_whose_polka_never_comes_is_prevoted_at_the_timeout,
      "validators 1 1 1 1", "we are 3", "> start", EMPTY_ROUND_0,
      "> propose 1 A by 1 pol 0", "< fetch A",
      "> block A valid",
      "> timeout propose 1", "< prevote A")

STORY(a_proposal_of_a_polka_not_older_than_itself_is_ignored,
      "validators 1 1 1 1", "we are 3", "> start", EMPTY_ROUND_0,
      "> propose 1 A by 1 pol 1",
      "> propose 1 A by 1 pol 7",
      "> propose 1 A by 1 pol -2",
      "= wanted nil",
      "> propose 1 B by 1 pol -1", "< fetch B")

STORY(a_polka_seen_before_the_proposal_decides_which_block_is_wanted,
      "validators 1 1 1 1", "we are 3", "> start",
      "> prevote B from 0 1 2", "< fetch B",
      "> propose 0 A by 0",
      "= wanted B",
      "> block A valid",
      "= phase propose",
      "> block B valid", "< prevote B", "< precommit B")

/* --- prevotes ------------------------------------------------------------------------------------------------- */

STORY(a_missing_proposal_is_prevoted_nil_at_the_timeout_only,
      "validators 1 1 1 1", "we are 3", "> start",
      "> propose 0 A by 0", "< fetch A",
      "= phase propose",
      "> timeout propose 0", "< prevote nil",
      "> block A valid",
      "= phase prevote")

STORY(an_invalid_block_is_prevoted_nil,
      "validators 1 1 1 1", "we are 3", "> start",
      "> propose 0 A by 0", "< fetch A",
      "> block A invalid", "< prevote nil")

STORY(a_block_that_the_application_rejects_is_prevoted_nil_but_followed,
      "validators 1 1 1 1", "we are 3", "> start",
      "> propose 0 A by 0", "< fetch A",
      "> block A rejected", "< prevote nil",
      "> prevote A from 0 1 2", "< precommit A",
      "> precommit A from 0 1", "< decide A round 0")

STORY(a_complete_proposal_is_prevoted_before_the_commit_timeout_is_over,
      "validators 1 1 1 1", "we are 3", "> begin",
      "> propose 0 A by 0", "< fetch A",
      "> block A valid", "< prevote A",
      "> timeout new-height 0",
      "= phase prevote")

STORY(two_thirds_of_anything_make_us_wait_for_the_other_prevotes,
      "validators 1 1 1 1", "we are 3", "> start",
      "> timeout propose 0", "< prevote nil",
      "> prevote A from 0",
      "= phase prevote",
      "> prevote B from 1",
      "= phase prevote-wait",
      "> timeout prevote-wait 0", "< precommit nil")

STORY(two_thirds_of_prevotes_do_not_cut_the_propose_step_short,
      "validators 1 1 1 1", "we are 3", "> start",
      "> prevote nil from 0 1 2",
      "= phase propose",
      "> timeout propose 0", "< prevote nil", "< precommit nil")

/* --- rounds --------------------------------------------------------------------------------------------------- */

STORY(two_thirds_of_any_prevotes_ahead_make_us_skip_to_their_round,
      "validators 1 1 1 1", "we are 3", "> start",
      "> prevote A from 0 round 6", "> prevote B from 1 round 6",
      "= round 0",
      "> prevote nil from 2 round 6",
      "= round 6", "= phase propose")

STORY(two_thirds_of_any_precommits_ahead_make_us_skip_to_their_round,
      "validators 1 1 1 1", "we are 3", "> start",
      "> precommit A from 0 round 6", "> precommit nil from 1 round 6",
      "= round 0",
      "> precommit nil from 2 round 6",
      "= round 6", "= phase propose")

STORY(prevotes_and_precommits_do_not_add_up_to_a_skip,
      "validators 1 1 1 1", "we are 3", "> start",
      "> prevote A from 0 1 round 1", "> precommit A from 2 round 1",
      "= round 0")

STORY(a_skip_leaves_the_commit_timeout_too,
      "validators 1 1 1 1", "we are 3", "> begin",
      "> prevote nil from 0 1 2 round 1",
      "= round 1", "= phase propose")

STORY(prevotes_of_round_0_do_not_leave_the_commit_timeout_but_precommits_do,
      "validators 1 1 1 1", "we are 3", "> begin",
      "> prevote A from 0 1 2", "< fetch A",
      "= phase new-height",
      "> precommit nil from 0 1",
      "= phase new-height",
      "> precommit nil from 2", "< precommit nil",
      "= phase precommit")

STORY(a_peer_opens_two_far_rounds_and_no_third,
      "validators 1 1 1 1", "we watch", "> start",
      "> prevote nil from 0 round 5 peer 7",
      "> prevote nil from 0 round 6 peer 7",
      "> prevote nil from 0 1 2 round 9 peer 7",
      "= round 0",
      "> prevote nil from 0 1 2 round 9 peer 8",
      "= round 9")

STORY(the_next_round_is_open_to_everybody,
      "validators 1 1 1 1", "we watch", "> start",
      "> prevote nil from 0 round 5 peer 7",
      "> prevote nil from 0 round 6 peer 7",
      "> prevote nil from 0 1 2 round 1 peer 7",
      "= round 1")

STORY(precommits_are_awaited_once_in_every_round,
      "validators 1 1 1 1", "we watch", "show timer",
      "> start", "< timer new-height 0 0", "< timer propose 0 3000",
      "> precommit nil from 0 1",
      "> precommit nil from 2", "< timer precommit-wait 0 1000",
      "> precommit nil from 3",
      "> timeout precommit-wait 0", "< timer propose 1 3500",
      "> precommit A from 0", "> precommit nil from 1",
      "> precommit nil from 2", "< timer precommit-wait 1 1500",
      "> precommit nil from 3",
      "> timeout precommit-wait 1", "< timer propose 2 4000")

STORY(the_precommit_timeout_precommits_before_it_leaves_the_round,
      "validators 1 1 1 1", "we are 3", "> start",
      "> timeout propose 0", "< prevote nil",
      "> precommit A from 0", "> precommit nil from 1 2",
      "= phase prevote",
      "> timeout precommit-wait 0", "< precommit nil",
      "= round 1")

STORY(stale_timers_wake_no_rule,
      LOCKED_ON_A,
      "> timeout propose 0", "> timeout prevote-wait 0", "> timeout new-height 0", "> timeout new-round 0",
      "> timeout precommit-wait 3", "> timeout propose 1",
      "= round 0", "= phase precommit",
      ON_TO_ROUND_1,
      "> timeout propose 0", "> timeout precommit-wait 0",
      "= round 1", "= phase propose")

/* --- commits -------------------------------------------------------------------------------------------------- */

STORY(late_precommits_of_an_older_round_decide,
      LOCKED_ON_A,
      "> precommit A from 0", "> precommit nil from 1", "> timeout precommit-wait 0", "= round 1",
      "> timeout propose 1", "< prevote A",
      "> precommit A from 2 round 0", "< decide A round 0")

STORY(a_commit_without_its_block_fetches_it_and_tells_peers,
      "validators 1 1 1 1", "we watch", "show valid", "> start",
      "> precommit A from 0 1 2", "< valid A commit", "< fetch A",
      "= phase commit",
      "> block B valid",
      "= phase commit",
      "> block A valid", "< decide A round 0")

STORY(a_commit_ahead_of_us_is_followed,
      "validators 1 1 1 1", "we are 3", "> start",
      "> precommit A from 0 1 2 round 8", "< precommit nil", "< fetch A",
      "= round 8", "= phase commit",
      "> block A valid", "< decide A round 8")

STORY(no_timer_and_no_polka_leads_out_of_a_commit,
      "validators 1 1 1 1", "we are 3", "> start",
      "> precommit A from 0 1 2", "< precommit nil", "< fetch A",
      "> timeout precommit-wait 0",
      "> prevote B from 0 1 2 round 1",
      "= round 0", "= phase commit", "= wanted A",
      "> propose 0 B by 0",
      "= wanted A",
      "> block A valid", "< decide A round 0")

STORY(a_nil_majority_decides_nothing,
      "validators 1 1 1 1", "we watch", "> start",
      "> precommit nil from 0 1 2 3",
      "= phase precommit")

STORY(a_height_is_decided_once_and_nothing_follows,
      "validators 1 1 1 1", "we watch", "show have", "> start",
      "> block A valid",
      "> precommit A from 0", "< have precommit 0 from 0",
      "> precommit A from 1", "< have precommit 0 from 1",
      "> precommit A from 2", "< have precommit 0 from 2", "< decide A round 0",
      "> precommit A from 3",
      "> precommit B from 1",
      "> block A valid",
      "> prevote nil from 0 1 2 round 1",
      "> timeout precommit-wait 0")

STORY(a_decided_block_that_our_judge_refuses_halts_us,
      "validators 1 1 1 1", "we watch", "> start",
      "> block A invalid",
      "> precommit A from 0 1 2", "< halt A",
      "> block A valid",
      "> precommit A from 3")

STORY(a_block_refused_after_its_commit_halts_us_too,
      "validators 1 1 1 1", "we watch", "> start",
      "> precommit A from 0 1 2", "< fetch A",
      "> block A invalid", "< halt A")

/* --- between heights ------------------------------------------------------------------------------------------ */

#define DECIDED_WITHOUT_3                                                                                              \
    "validators 1 1 1 1", "we watch", "> start", "> block A valid", "> precommit A from 0 1 2", "< decide A round 0",  \
        "> next", "= phase new-height", "= late 3"

STORY(late_precommits_count_until_the_commit_timeout,
      DECIDED_WITHOUT_3,
      "> late A from 3", "= late 4",
      "= phase new-height",
      "> timeout new-height 0", "= phase propose")

STORY(late_precommits_do_not_count_after_the_commit_timeout,
      DECIDED_WITHOUT_3,
      "> timeout new-height 0",
      "> late A from 3", "= late 3")

STORY(late_precommits_are_told_to_peers,
      "show have", "validators 1 1 1", "we watch", "> start", "> block A valid",
      "> precommit A from 0", "< have precommit 0 from 0",
      "> precommit A from 1", "< have precommit 0 from 1",
      "> precommit nil from 2 round 1", "< have precommit 1 from 2",
      "> precommit A from 2", "< have precommit 0 from 2", "< decide A round 0",
      "> next",
      "> late A from 2",
      "> late B from 2", "< accuse 2",
      "> late B from 2")

STORY(with_all_precommits_in_the_commit_timeout_is_skipped,
      "skip timeout commit", DECIDED_WITHOUT_3,
      "> late A from 3",
      "= phase propose")

STORY(with_a_precommit_missing_the_commit_timeout_is_not_skipped,
      "skip timeout commit", DECIDED_WITHOUT_3,
      "> late A from 2",
      "= phase new-height",
      "> txs",
      "= phase new-height")

STORY(the_commit_timer_is_zero_when_all_precommits_are_in,
      "skip timeout commit", "show timer", "validators 1 1 1", "we watch",
      "> start", "< timer new-height 0 0", "< timer propose 0 3000",
      "> block A valid",
      "> precommit A from 0 1 2", "< decide A round 0",
      "> next", "< timer new-height 0 0")

STORY(the_commit_timer_is_not_zero_when_a_precommit_is_missing,
      "skip timeout commit", "show timer", "validators 1 1 1 1", "we watch",
      "> start", "< timer new-height 0 0", "< timer propose 0 3000",
      "> block A valid",
      "> precommit A from 0 1 2", "< decide A round 0",
      "> next", "< timer new-height 0 1000")

STORY(votes_of_a_height_do_not_live_on_in_the_next,
      DECIDED_WITHOUT_3,
      "> timeout new-height 0",
      "> precommit A from 3",
      "= phase propose",
      "> precommit A from 0 1", "< fetch A",
      "= phase commit")

/* --- empty blocks --------------------------------------------------------------------------------------------- */

STORY(without_empty_blocks_the_proposer_waits_for_transactions,
      "empty blocks off", "validators 1 1 1 1", "we are 0", "> start",
      "= phase new-round",
      "> txs", "< propose new",
      "= phase propose")

STORY(transactions_that_came_during_the_commit_timeout_are_not_awaited,
      "empty blocks off", "validators 1 1 1 1", "we are 0", "> begin",
      "> txs",
      "> timeout new-height 0", "< propose new")

STORY(a_proof_block_does_not_wait_for_transactions,
      "empty blocks off", "proof block", "validators 1 1 1 1", "we are 0", "> start", "< propose new")

STORY(an_interval_ends_the_wait_for_transactions,
      "interval 5000", "show timer", "validators 1 1 1 1", "we are 0",
      "> start", "< timer new-height 0 0", "< timer new-round 0 5000",
      "= phase new-round",
      "> timeout new-round 0", "< timer propose 0 3000", "< propose new")

STORY(who_waits_for_transactions_still_prevotes_a_proposal,
      "empty blocks off", "validators 1 1 1 1", "we are 3", "> start",
      "= phase new-round",
      "> propose 0 A by 0", "< fetch A",
      "> block A valid", "< prevote A")

STORY(later_rounds_do_not_wait_for_transactions,
      "empty blocks off", "validators 1 1 1 1", "we are 1", "> start",
      "> precommit nil from 0 2 3", "< precommit nil",
      "> timeout precommit-wait 0", "< propose new")

/* --- conflicting votes ---------------------------------------------------------------------------------------- */

STORY(a_conflicting_vote_is_accused_once_and_not_counted,
      "validators 1 1 1 1", "we watch", "> start",
      "> prevote A from 3",
      "> prevote B from 3", "< accuse 3",
      "> prevote B from 3",
      "> prevote C from 3",
      "> prevote B from 0 1",
      "= valid none", "= wanted nil")

STORY(a_conflicting_vote_for_a_claimed_block_is_counted,
      "validators 1 1 1 1", "we watch", "show have", "> start",
      "> prevote A from 3", "< have prevote 0 from 3",
      "> prevote B from 3", "< accuse 3",
      "> prevote B from 0", "< have prevote 0 from 0",
      "> prevote B from 1", "< have prevote 0 from 1",
      "> claim prevote B round 0 peer 7",
      "= wanted nil",
      "> prevote B from 3", "< have prevote 0 from 3", "< fetch B")

STORY(a_peer_that_claims_two_blocks_is_believed_once,
      "validators 1 1 1 1", "we watch", "> start",
      "> prevote A from 3",
      "> prevote C from 0 1",
      "> claim prevote B round 0 peer 7",
      "> claim prevote C round 0 peer 7",
      "> prevote C from 3", "< accuse 3",
      "= wanted nil",
      "> claim prevote C round 0 peer 8",
      "> prevote C from 3", "< fetch C")

STORY(a_lying_claim_changes_nothing,
      "validators 1 1 1 1", "we are 3", "> start",
      "> claim prevote Z round 0 peer 7", "> claim precommit Z round 0 peer 7", "> claim precommit Z round 44 peer 7",
      "> propose 0 A by 0", "< fetch A", "> block A valid", "< prevote A",
      "> prevote A from 0 1", "< precommit A",
      "> precommit A from 0 1", "< decide A round 0")

STORY(we_do_not_accuse_ourselves,
      "validators 1 1 1 1", "we are 3", "> start",
      "> timeout propose 0", "< prevote nil",
      "> prevote A from 3")

STORY(conflicting_precommits_are_accused_too,
      "validators 1 1 1 1", "we watch", "> start",
      "> precommit nil from 2",
      "> precommit B from 2", "< accuse 2",
      "> prevote A from 2",
      "> prevote nil from 2", "< accuse 2")

/* --- who may not speak ---------------------------------------------------------------------------------------- */

STORY(who_only_watches_never_votes_or_proposes,
      "validators 1 1 1 1", "we watch", "> start",
      "> propose 0 A by 0", "< fetch A",
      "> block A valid",
      "> prevote A from 0 1 2",
      "= phase precommit", "= locked A 0",
      "> precommit nil from 0 1 2", "> timeout precommit-wait 0",
      "= round 1",
      "> timeout propose 1",
      "= phase prevote")

STORY(a_wish_that_was_not_granted_is_not_repeated,
      "mute", "validators 1 1 1 1", "we are 3", "> start",
      "> propose 0 A by 0", "< fetch A", "> block A valid", "< prevote A",
      "> prevote A from 0 1",
      "> prevote A from 2", "< precommit A",
      "> precommit A from 0 1",
      "> precommit A from 2", "< decide A round 0")

/* --- what no story can tell ----------------------------------------------------------------------------------- */

struct scene {
    struct valset set;
    struct engine_config config;
    struct engine engine;
    struct engine_effects effects;
};

static struct scene *scene_begin(uint32_t validators, const struct address *own) {
    struct scene *scene = calloc(1, sizeof *scene);
    int64_t powers[64];
    ck_assert_ptr_nonnull(scene);
    for (uint32_t i = 0; i < validators; i++)
        powers[i] = 1;
    valset_init(&scene->set);
    story_valset(&scene->set, powers, validators);
    scene->config = story_config();
    engine_init(&scene->engine, &scene->config, 1);
    struct engine_height height = {.height = 1, .validators = &scene->set};
    if (own != NULL)
        height.own = *own;
    engine_begin(&scene->engine, &scene->effects, &height);
    return scene;
}

static void scene_end(struct scene *scene) {
    engine_close(&scene->engine);
    valset_close(&scene->set);
    free(scene);
}

static void scene_timeout(struct scene *scene, int32_t round, uint32_t phase) {
    struct engine_event event = {.kind = ENGINE_ON_TIMEOUT};
    event.timeout.height = scene->engine.height;
    event.timeout.round = round;
    event.timeout.phase = phase;
    engine_step(&scene->engine, &scene->effects, &event);
}

static void scene_block(struct scene *scene, char letter, uint8_t number) {
    struct engine_event event = {.kind = ENGINE_ON_BLOCK};
    event.block.id = story_block_id(letter);
    event.block.id.hash.bytes[31] = number != 0 ? number : event.block.id.hash.bytes[31];
    event.block.valid = true;
    engine_step(&scene->engine, &scene->effects, &event);
}

static void scene_vote(struct scene *scene, int32_t round, int32_t type, uint32_t index, char letter) {
    struct engine_event event = {.kind = ENGINE_ON_VOTE, .peer = 1};
    event.vote = story_vote(&scene->set, scene->engine.height, round, type, index, letter);
    engine_step(&scene->engine, &scene->effects, &event);
}

static bool scene_did(const struct scene *scene, enum engine_effect_kind kind) {
    for (uint32_t i = 0; i < scene->effects.count; i++)
        if (scene->effects.list[i].kind == kind)
            return true;
    return false;
}

START_TEST(a_key_outside_of_the_set_never_votes_or_proposes) {
    struct address stranger = {.size = 20, .bytes = {9, 9, 9}};
    struct scene *scene = scene_begin(1, &stranger);
    scene_timeout(scene, 0, ENGINE_NEW_HEIGHT);
    ck_assert(!scene_did(scene, ENGINE_DO_PROPOSE));
    scene_timeout(scene, 0, ENGINE_PROPOSE);
    ck_assert_uint_eq(scene->engine.phase, ENGINE_PREVOTE);
    ck_assert(!scene_did(scene, ENGINE_DO_VOTE));
    scene_end(scene);
}
END_TEST

START_TEST(a_flood_of_blocks_drops_none_that_is_needed) {
    struct scene *scene = scene_begin(4, NULL);
    scene_timeout(scene, 0, ENGINE_NEW_HEIGHT);
    scene_block(scene, 'A', 0);
    for (uint32_t i = 0; i < 3; i++)
        scene_vote(scene, 0, VOTE_PREVOTE, i, 'A');
    ck_assert_int_eq(story_letter(&scene->engine.valid), 'A');
    for (uint32_t i = 1; i < 256; i++)
        scene_block(scene, 'X', (uint8_t)i);
    ck_assert_uint_eq(scene->engine.block_count, ENGINE_BLOCKS_MAX);
    for (uint32_t i = 0; i < 3; i++)
        scene_vote(scene, 0, VOTE_PRECOMMIT, i, 'A');
    ck_assert(scene_did(scene, ENGINE_DO_DECIDE));
    scene_end(scene);
}
END_TEST

START_TEST(a_full_arena_drops_votes_and_nothing_else) {
    struct scene *scene = scene_begin(4, NULL);
    scene_timeout(scene, 0, ENGINE_NEW_HEIGHT);
    for (int i = 0; i < 2; i++)
        scene->engine.arenas[i].bytes_max = scene->engine.arenas[i].bytes_taken + 2000;
    for (int32_t round = 0; round < 40; round++)
        for (uint32_t i = 0; i < 4; i++)
            scene_vote(scene, round, i % 2 == 0 ? VOTE_PREVOTE : VOTE_PRECOMMIT, i, 'A');
    ck_assert(!scene->engine.decided);
    for (int32_t round = 0; round < 40; round++) /* rounds pass without room to count anything in them */
        scene->engine.expired |= 1u << ENGINE_PRECOMMIT_WAIT, scene_timeout(scene, round, ENGINE_PRECOMMIT_WAIT);
    ck_assert_int_eq(scene->engine.round, 40);
    scene_end(scene);
}
END_TEST

START_TEST(a_vote_of_a_round_near_the_end_of_numbers_is_refused) {
    struct scene *scene = scene_begin(1, NULL);
    scene_timeout(scene, 0, ENGINE_NEW_HEIGHT);
    scene_vote(scene, INT32_MAX, VOTE_PREVOTE, 0, 'A');
    scene_vote(scene, INT32_MAX - 1, VOTE_PRECOMMIT, 0, 'A');
    scene_vote(scene, -1, VOTE_PRECOMMIT, 0, 'A');
    ck_assert_int_eq(scene->engine.round, 0);
    ck_assert_uint_eq(scene->effects.count, 0);
    scene_end(scene);
}
END_TEST

START_TEST(votes_of_other_heights_and_strangers_are_ignored) {
    struct scene *scene = scene_begin(4, NULL);
    scene_timeout(scene, 0, ENGINE_NEW_HEIGHT);
    struct engine_event event = {.kind = ENGINE_ON_VOTE, .peer = 1};
    const int64_t heights[] = {0, -1, 2, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof heights / sizeof *heights; i++) {
        event.vote = story_vote(&scene->set, heights[i], 0, VOTE_PRECOMMIT, 0, 'A');
        engine_step(&scene->engine, &scene->effects, &event);
        ck_assert_uint_eq(scene->effects.count, 0);
    }
    const int32_t indices[] = {4, -1, INT32_MAX, INT32_MIN}; /* wound 23 */
    for (size_t i = 0; i < sizeof indices / sizeof *indices; i++) {
        event.vote = story_vote(&scene->set, 1, 0, VOTE_PRECOMMIT, 0, 'A');
        event.vote.validator_index = indices[i];
        engine_step(&scene->engine, &scene->effects, &event);
        ck_assert_uint_eq(scene->effects.count, 0);
    }
    event.vote = story_vote(&scene->set, 1, 0, VOTE_PRECOMMIT, 0, 'A');
    event.vote.validator_address = scene->set.validators[1].address; /* wound 27 */
    engine_step(&scene->engine, &scene->effects, &event);
    ck_assert_uint_eq(scene->effects.count, 0);
    scene_end(scene);
}
END_TEST

START_TEST(the_turn_goes_round_and_can_be_foretold) {
    struct scene *scene = scene_begin(4, NULL);
    scene_timeout(scene, 0, ENGINE_NEW_HEIGHT);
    for (int32_t round = 0; round < 9; round++)
        ck_assert_int_eq(engine_proposer(&scene->engine, round), round % 4);
    for (uint32_t i = 0; i < 3; i++)
        scene_vote(scene, 6, VOTE_PREVOTE, i, '0');
    ck_assert_int_eq(scene->engine.round, 6);
    ck_assert_int_eq(engine_proposer(&scene->engine, 6), 2);
    ck_assert_int_eq(engine_proposer(&scene->engine, 5), -1);
    ck_assert_int_eq(engine_proposer(&scene->engine, 7), 3);
    scene_end(scene);
}
END_TEST

static void decide_a(struct scene *scene) {
    scene_timeout(scene, 0, ENGINE_NEW_HEIGHT);
    scene_block(scene, 'A', 0);
    scene_vote(scene, 0, VOTE_PRECOMMIT, 3, '0');
    for (uint32_t i = 0; i < 3; i++)
        scene_vote(scene, 0, VOTE_PRECOMMIT, i, 'A');
    ck_assert(scene_did(scene, ENGINE_DO_DECIDE));
}

static void check_commit(const struct commit *commit, int32_t last_flag) {
    ck_assert_int_eq(commit->height, 1);
    ck_assert_int_eq(commit->round, 0);
    ck_assert_int_eq(story_letter(&commit->block_id), 'A');
    ck_assert_uint_eq(commit->count, 4);
    for (uint32_t i = 0; i < 3; i++)
        ck_assert_int_eq(commit->sigs[i].flag, COMMIT_FOR_BLOCK);
    ck_assert_int_eq(commit->sigs[3].flag, last_flag);
}

START_TEST(the_commit_lives_on_into_the_next_height) {
    struct scene *scene = scene_begin(4, NULL);
    struct arena arena;
    struct commit commit;
    arena_init(&arena, 1 << 20);
    ck_assert(!engine_last_commit(&scene->engine, &commit, &arena));
    ck_assert(!engine_seen_commit(&scene->engine, &commit, &arena));
    decide_a(scene);
    ck_assert(engine_seen_commit(&scene->engine, &commit, &arena));
    check_commit(&commit, COMMIT_FOR_NIL);
    struct engine_height next = {.height = 2, .validators = &scene->set};
    engine_begin(&scene->engine, &scene->effects, &next);
    ck_assert(!engine_seen_commit(&scene->engine, &commit, &arena));
    for (int32_t round = 0; round < 50; round++) /* the new height's votes take other memory */
        for (uint32_t i = 0; i < 4; i++)
            scene_vote(scene, round, VOTE_PREVOTE, i, 'B');
    ck_assert(engine_last_commit(&scene->engine, &commit, &arena));
    check_commit(&commit, COMMIT_FOR_NIL);
    next.height = 4; /* after block sync: nobody here decided height 3 */
    engine_begin(&scene->engine, &scene->effects, &next);
    ck_assert(!engine_last_commit(&scene->engine, &commit, &arena));
    arena_close(&arena);
    scene_end(scene);
}
END_TEST

START_TEST(a_loaded_commit_takes_late_precommits) {
    struct scene *scene = scene_begin(4, NULL);
    struct arena arena;
    struct commit commit, again;
    arena_init(&arena, 1 << 20);
    decide_a(scene);
    ck_assert(engine_seen_commit(&scene->engine, &commit, &arena));
    commit_sig_absent(&commit.sigs[3]);
    struct engine_height next = {.height = 2, .validators = &scene->set};
    engine_close(&scene->engine);
    engine_init(&scene->engine, &scene->config, 1);
    engine_begin(&scene->engine, &scene->effects, &next);
    ck_assert(!engine_last_commit(&scene->engine, &again, &arena));
    engine_load_last_commit(&scene->engine, &commit, &scene->set);
    ck_assert(engine_last_commit(&scene->engine, &again, &arena));
    check_commit(&again, COMMIT_ABSENT);
    struct engine_event event = {.kind = ENGINE_ON_VOTE, .peer = 1};
    event.vote = story_vote(&scene->set, 1, 0, VOTE_PRECOMMIT, 3, 'A');
    engine_step(&scene->engine, &scene->effects, &event);
    ck_assert(scene_did(scene, ENGINE_DO_HAVE));
    ck_assert(engine_last_commit(&scene->engine, &again, &arena));
    check_commit(&again, COMMIT_FOR_BLOCK);
    arena_close(&arena);
    scene_end(scene);
}
END_TEST

/* The engine knows nothing of them, and loses none: neither at the end of a height nor in a commit read back. */
START_TEST(extensions_of_votes_live_on_in_commits) {
    struct scene *scene = scene_begin(4, NULL);
    struct arena arena;
    struct commit commit, again;
    arena_init(&arena, 1 << 20);
    struct engine_event event = {.kind = ENGINE_ON_VOTE, .peer = 1};
    scene_timeout(scene, 0, ENGINE_NEW_HEIGHT);
    scene_block(scene, 'A', 0);
    for (uint32_t i = 0; i < 3; i++) {
        event.vote = story_vote(&scene->set, 1, 0, VOTE_PRECOMMIT, i, 'A');
        event.vote.extension = span_text("price");
        event.vote.extension_signature = (struct signature){.size = 64, .bytes = {(uint8_t)(i + 1)}};
        engine_step(&scene->engine, &scene->effects, &event);
    }
    ck_assert(engine_seen_commit(&scene->engine, &commit, &arena));
    ck_assert_int_eq(commit_extended_ensure(&commit), COMMIT_GOOD);
    struct engine_height next = {.height = 2, .validators = &scene->set};
    engine_begin(&scene->engine, &scene->effects, &next);
    ck_assert(engine_last_commit(&scene->engine, &again, &arena));
    ck_assert(span_equal(again.extensions[2].bytes, span_text("price")));
    uint8_t bytes[2048]; /* the store's, after a restart */
    struct proto_writer writer;
    proto_writer_init(&writer, bytes, sizeof bytes);
    commit_extended_write(&writer, &again);
    ck_assert(commit_extended_decode(&commit, proto_writer_span(&writer), &arena));
    engine_close(&scene->engine);
    engine_init(&scene->engine, &scene->config, 1);
    engine_begin(&scene->engine, &scene->effects, &next);
    engine_load_last_commit(&scene->engine, &commit, &scene->set);
    ck_assert(engine_last_commit(&scene->engine, &again, &arena));
    ck_assert_int_eq(commit_extended_ensure(&again), COMMIT_GOOD);
    ck_assert_uint_eq(again.extensions[1].signature.bytes[0], 2);
    arena_close(&arena);
    scene_end(scene);
}
END_TEST

START_TEST(an_accusation_carries_both_votes_in_the_order_of_evidence) {
    struct scene *scene = scene_begin(4, NULL);
    scene_vote(scene, 0, VOTE_PRECOMMIT, 2, 'B');
    scene_vote(scene, 0, VOTE_PRECOMMIT, 2, 'A');
    ck_assert_uint_eq(scene->effects.count, 1);
    const struct engine_effect *effect = &scene->effects.list[0];
    ck_assert_int_eq(effect->kind, ENGINE_DO_ACCUSE);
    ck_assert_int_eq(story_letter(&effect->vote_a.block_id), 'A');
    ck_assert_int_eq(story_letter(&effect->vote_b.block_id), 'B');
    struct vote expected = story_vote(&scene->set, 1, 0, VOTE_PRECOMMIT, 2, 'B');
    ck_assert(address_equal(&effect->vote_b.validator_address, &expected.validator_address));
    ck_assert_mem_eq(effect->vote_b.signature.bytes, expected.signature.bytes, 64);
    ck_assert_int_eq(effect->vote_b.validator_index, 2);
    ck_assert_int_eq(timestamp_compare(&effect->vote_b.timestamp, &expected.timestamp), 0);
    scene_end(scene);
}
END_TEST

START_TEST(timers_of_absurd_length_do_not_overflow) {
    struct scene *scene = scene_begin(4, NULL);
    scene->engine.config.timeout_propose_ms = INT64_MAX - 5;
    scene->engine.config.timeout_propose_delta_ms = INT64_MAX / 2;
    for (uint32_t i = 0; i < 3; i++)
        scene_vote(scene, 9, VOTE_PREVOTE, i, '0');
    bool found = false;
    for (uint32_t i = 0; i < scene->effects.count; i++)
        if (scene->effects.list[i].kind == ENGINE_DO_TIMER) {
            ck_assert_int_eq(scene->effects.list[i].duration_ms, INT64_MAX);
            found = true;
        }
    ck_assert(found);
    scene_end(scene);
}
END_TEST

START_TEST(phases_have_their_names_on_the_wire) {
    ck_assert_str_eq(engine_phase_text(ENGINE_NEW_HEIGHT), "RoundStepNewHeight");
    ck_assert_str_eq(engine_phase_text(ENGINE_PRECOMMIT_WAIT), "RoundStepPrecommitWait");
    ck_assert_str_eq(engine_phase_text(ENGINE_COMMIT), "RoundStepCommit");
    ck_assert_str_eq(engine_phase_text(0), "RoundStepUnknown");
    ck_assert_str_eq(engine_phase_text(9), "RoundStepUnknown");
}
END_TEST

/* --- order and repetition ------------------------------------------------------------------------------------- */

static struct engine_event random_event(struct story_random *random, const struct scene *scene) {
    struct engine_event event = {.peer = story_random_below(random, 4)};
    int32_t round = scene->engine.round + (int32_t)story_random_below(random, 4) - 1;
    char letter = "0ABC"[story_random_below(random, 4)];
    int32_t type = story_random_below(random, 2) == 0 ? VOTE_PREVOTE : VOTE_PRECOMMIT;
    switch (story_random_below(random, 10)) {
    case 0:
        event.kind = ENGINE_ON_PROPOSAL;
        event.proposal = story_proposal(1, round, round - 1 - (int32_t)story_random_below(random, 3),
                                        letter == '0' ? 'A' : letter);
        break;
    case 1:
        event.kind = ENGINE_ON_BLOCK;
        event.block.id = story_block_id(letter == '0' ? 'A' : letter);
        event.block.valid = story_random_below(random, 8) != 0;
        break;
    case 2:
        event.kind = ENGINE_ON_CLAIM;
        event.claim.round = round;
        event.claim.type = (int32_t)story_random_below(random, 4);
        event.claim.id = story_block_id(letter);
        break;
    case 3:
        event.kind = ENGINE_ON_TIMEOUT;
        event.timeout.height = 1;
        event.timeout.round = round;
        event.timeout.phase = story_random_below(random, 40);
        break;
    default:
        event.kind = ENGINE_ON_VOTE;
        event.vote = story_vote(&scene->set, (int64_t)story_random_below(random, 16) / 5, round, type,
                                story_random_below(random, 5), letter);
    }
    return event;
}

static void check_same_effects(const struct engine_effects *a, const struct engine_effects *b) {
    char left[128], right[128];
    ck_assert_uint_eq(a->count, b->count);
    for (uint32_t i = 0; i < a->count; i++) {
        story_effect_text(left, sizeof left, &a->list[i]);
        story_effect_text(right, sizeof right, &b->list[i]);
        ck_assert_str_eq(left, right);
    }
}

START_TEST(the_same_events_give_the_same_effects_and_no_event_breaks_anything) {
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct story_random random = {seed};
        struct valset set;
        const int64_t powers[] = {1, 1, 1, 1};
        valset_init(&set);
        story_valset(&set, powers, 4);
        struct address own = set.validators[seed % 4].address;
        struct scene *scene = scene_begin(4, &own), *twin = scene_begin(4, &own);
        check_same_effects(&scene->effects, &twin->effects);
        for (int i = 0; i < 400; i++) {
            struct engine_event event = random_event(&random, scene);
            engine_step(&scene->engine, &scene->effects, &event);
            engine_step(&twin->engine, &twin->effects, &event);
            check_same_effects(&scene->effects, &twin->effects);
        }
        scene_end(scene);
        scene_end(twin);
        valset_close(&set);
    }
}
END_TEST

/* Rounds 0 to 2 of a height that ends with A: everything that anybody said, in whatever order it comes. The shell's part: who
 * is asked for a block that it already has, says so again. */
enum { SAID_MAX = 64 };

static size_t everything_said(struct engine_event *said, const struct valset *set) {
    static const char prevotes[3][5] = {"AB00", "AAAB", "0AAA"}, precommits[3][5] = {"0000", "A00A", "AAA0"};
    size_t count = 0;
    for (int32_t round = 0; round < 3; round++)
        for (uint32_t i = 0; i < 4; i++) {
            said[count].kind = said[count + 1].kind = ENGINE_ON_VOTE;
            said[count++].vote = story_vote(set, 1, round, VOTE_PREVOTE, i, prevotes[round][i]);
            said[count++].vote = story_vote(set, 1, round, VOTE_PRECOMMIT, i, precommits[round][i]);
        }
    for (int32_t round = 0; round < 3; round++) {
        said[count].kind = ENGINE_ON_PROPOSAL;
        said[count++].proposal = story_proposal(1, round, round - 1, round == 1 ? 'B' : 'A');
    }
    for (char letter = 'A'; letter <= 'B'; letter++) {
        said[count].kind = ENGINE_ON_BLOCK;
        said[count].block.valid = true;
        said[count++].block.id = story_block_id(letter);
    }
    for (uint32_t phase = ENGINE_NEW_HEIGHT; phase < ENGINE_COMMIT; phase++)
        for (int32_t round = 0; round < 3; round++) {
            said[count].kind = ENGINE_ON_TIMEOUT;
            said[count].timeout.height = 1;
            said[count].timeout.round = round;
            said[count++].timeout.phase = phase;
        }
    ck_assert_uint_le(count, SAID_MAX);
    return count;
}

static void shuffle(struct engine_event *said, size_t count, struct story_random *random) {
    for (size_t i = count; i > 1; i--) {
        size_t j = story_random_below(random, (uint32_t)i);
        struct engine_event kept = said[i - 1];
        said[i - 1] = said[j];
        said[j] = kept;
    }
}

static bool has_come(const struct engine_event *said, size_t until, const struct block_id *id) {
    for (size_t i = 0; i < until; i++)
        if (said[i].kind == ENGINE_ON_BLOCK && block_id_equal(&said[i].block.id, id))
            return true;
    return false;
}

START_TEST(the_order_of_arrival_does_not_change_the_decision) {
    for (uint64_t seed = 0; seed < 3000; seed++) {
        struct story_random random = {seed};
        struct scene *scene = scene_begin(4, NULL);
        struct engine_event said[SAID_MAX] = {0};
        size_t count = everything_said(said, &scene->set);
        shuffle(said, count, &random);
        for (size_t i = 0; i < count; i++) {
            said[i].peer = 1 + story_random_below(&random, 3);
            engine_step(&scene->engine, &scene->effects, &said[i]);
            for (uint32_t j = 0; j < scene->effects.count; j++) {
                struct block_id wanted = scene->effects.list[j].block_id;
                if (scene->effects.list[j].kind == ENGINE_DO_FETCH && has_come(said, i + 1, &wanted)) {
                    struct engine_event again = {.kind = ENGINE_ON_BLOCK};
                    again.block.id = wanted;
                    again.block.valid = true;
                    engine_step(&scene->engine, &scene->effects, &again);
                    j = UINT32_MAX; /* its effects are others: look at them from the start */
                }
            }
        }
        ck_assert_msg(scene->engine.decided, "seed %llu", (unsigned long long)seed);
        ck_assert_int_eq(scene->engine.commit_round, 2);
        ck_assert_int_eq(story_letter(&scene->engine.commit_id), 'A');
        scene_end(scene);
    }
}
END_TEST

Suite *suite_engine(void);
Suite *suite_engine(void) {
    Suite *suite = suite_create("engine");
    TCase *stories = tcase_create("stories"), *scenes = tcase_create("scenes");
    tcase_set_timeout(scenes, 120);
    tcase_add_test(stories, a_round_of_good_votes_decides);
    tcase_add_test(stories, power_counts_and_not_heads);
    tcase_add_test(stories, exactly_two_thirds_are_not_enough);
    tcase_add_test(stories, each_step_is_told_and_timed);
    tcase_add_test(stories, timers_grow_with_the_round);
    tcase_add_test(stories, a_locked_validator_prevotes_its_lock_whatever_is_proposed);
    tcase_add_test(stories, an_unlocked_validator_prevotes_what_is_proposed);
    tcase_add_test(stories, a_locked_validator_prevotes_its_lock_when_nothing_is_proposed);
    tcase_add_test(stories, a_lock_survives_a_nil_precommit_without_polka);
    tcase_add_test(stories, nobody_locks_without_a_polka);
    tcase_add_test(stories, a_newer_polka_for_the_locked_block_locks_it_anew);
    tcase_add_test(stories, a_newer_polka_for_a_known_block_moves_the_lock);
    tcase_add_test(stories, a_newer_polka_for_nil_unlocks);
    tcase_add_test(stories, a_newer_polka_of_a_round_gone_by_unlocks);
    tcase_add_test(stories, an_older_polka_does_not_unlock);
    tcase_add_test(stories, the_polka_that_locked_does_not_unlock);
    tcase_add_test(stories, strict_keeps_the_lock_against_this_rounds_polka_until_our_prevote);
    tcase_add_test(stories, strict_keeps_the_lock_against_this_rounds_nil_polka_until_our_prevote);
    tcase_add_test(stories, strict_unlocks_on_a_polka_of_the_round_before);
    tcase_add_test(stories, comet_unlocks_on_this_rounds_polka_before_its_prevote);
    tcase_add_test(stories, a_polka_for_an_unknown_block_unlocks_wants_it_and_precommits_nil);
    tcase_add_test(stories, a_polka_for_an_invalid_block_is_not_locked);
    tcase_add_test(stories, a_precommit_majority_makes_us_precommit_without_a_prevote);
    tcase_add_test(stories, the_valid_block_is_proposed_again_with_its_round);
    tcase_add_test(stories, a_block_known_after_its_polka_becomes_valid_without_a_lock);
    tcase_add_test(stories, a_block_known_a_round_after_its_polka_does_not_become_valid);
    tcase_add_test(stories, without_a_polka_a_new_block_is_proposed);
    tcase_add_test(stories, a_polka_of_an_older_round_does_not_become_the_valid_block);
    tcase_add_test(stories, a_block_known_after_its_polka_is_locked_if_it_was_proposed);
    tcase_add_test(stories, a_polka_without_a_proposal_waits_and_then_locks);
    tcase_add_test(stories, only_the_proposer_proposes);
    tcase_add_test(stories, the_first_proposal_of_a_round_stays);
    tcase_add_test(stories, a_second_proposal_cannot_name_a_polka_for_the_first);
    tcase_add_test(stories, a_known_block_is_not_fetched);
    tcase_add_test(stories, an_early_proposal_of_the_next_round_is_kept);
    tcase_add_test(stories, the_block_of_an_early_proposal_is_kept_too);
    tcase_add_test(stories, a_proposal_of_a_later_round_is_not_kept);
    tcase_add_test(stories, an_early_proposal_is_of_no_use_when_its_round_is_skipped);
    tcase_add_test(stories, a_block_that_nothing_names_is_forgotten_with_its_round);
    tcase_add_test(stories, a_proposal_of_an_older_polka_waits_for_it);
    tcase_add_test(stories, any_polka_of_the_named_round_will_do);
    tcase_add_test(stories, a_proposal_whose_polka_never_comes_is_prevoted_at_the_timeout);
    tcase_add_test(stories, a_proposal_of_a_polka_not_older_than_itself_is_ignored);
    tcase_add_test(stories, a_polka_seen_before_the_proposal_decides_which_block_is_wanted);
    tcase_add_test(stories, a_missing_proposal_is_prevoted_nil_at_the_timeout_only);
    tcase_add_test(stories, an_invalid_block_is_prevoted_nil);
    tcase_add_test(stories, a_block_that_the_application_rejects_is_prevoted_nil_but_followed);
    tcase_add_test(stories, a_complete_proposal_is_prevoted_before_the_commit_timeout_is_over);
    tcase_add_test(stories, two_thirds_of_anything_make_us_wait_for_the_other_prevotes);
    tcase_add_test(stories, two_thirds_of_prevotes_do_not_cut_the_propose_step_short);
    tcase_add_test(stories, two_thirds_of_any_prevotes_ahead_make_us_skip_to_their_round);
    tcase_add_test(stories, two_thirds_of_any_precommits_ahead_make_us_skip_to_their_round);
    tcase_add_test(stories, prevotes_and_precommits_do_not_add_up_to_a_skip);
    tcase_add_test(stories, a_skip_leaves_the_commit_timeout_too);
    tcase_add_test(stories, prevotes_of_round_0_do_not_leave_the_commit_timeout_but_precommits_do);
    tcase_add_test(stories, a_peer_opens_two_far_rounds_and_no_third);
    tcase_add_test(stories, the_next_round_is_open_to_everybody);
    tcase_add_test(stories, precommits_are_awaited_once_in_every_round);
    tcase_add_test(stories, the_precommit_timeout_precommits_before_it_leaves_the_round);
    tcase_add_test(stories, stale_timers_wake_no_rule);
    tcase_add_test(stories, late_precommits_of_an_older_round_decide);
    tcase_add_test(stories, a_commit_without_its_block_fetches_it_and_tells_peers);
    tcase_add_test(stories, a_commit_ahead_of_us_is_followed);
    tcase_add_test(stories, no_timer_and_no_polka_leads_out_of_a_commit);
    tcase_add_test(stories, a_nil_majority_decides_nothing);
    tcase_add_test(stories, a_height_is_decided_once_and_nothing_follows);
    tcase_add_test(stories, a_decided_block_that_our_judge_refuses_halts_us);
    tcase_add_test(stories, a_block_refused_after_its_commit_halts_us_too);
    tcase_add_test(stories, late_precommits_count_until_the_commit_timeout);
    tcase_add_test(stories, late_precommits_do_not_count_after_the_commit_timeout);
    tcase_add_test(stories, late_precommits_are_told_to_peers);
    tcase_add_test(stories, with_all_precommits_in_the_commit_timeout_is_skipped);
    tcase_add_test(stories, with_a_precommit_missing_the_commit_timeout_is_not_skipped);
    tcase_add_test(stories, the_commit_timer_is_zero_when_all_precommits_are_in);
    tcase_add_test(stories, the_commit_timer_is_not_zero_when_a_precommit_is_missing);
    tcase_add_test(stories, votes_of_a_height_do_not_live_on_in_the_next);
    tcase_add_test(stories, without_empty_blocks_the_proposer_waits_for_transactions);
    tcase_add_test(stories, transactions_that_came_during_the_commit_timeout_are_not_awaited);
    tcase_add_test(stories, a_proof_block_does_not_wait_for_transactions);
    tcase_add_test(stories, an_interval_ends_the_wait_for_transactions);
    tcase_add_test(stories, who_waits_for_transactions_still_prevotes_a_proposal);
    tcase_add_test(stories, later_rounds_do_not_wait_for_transactions);
    tcase_add_test(stories, a_conflicting_vote_is_accused_once_and_not_counted);
    tcase_add_test(stories, a_conflicting_vote_for_a_claimed_block_is_counted);
    tcase_add_test(stories, a_peer_that_claims_two_blocks_is_believed_once);
    tcase_add_test(stories, a_lying_claim_changes_nothing);
    tcase_add_test(stories, we_do_not_accuse_ourselves);
    tcase_add_test(stories, conflicting_precommits_are_accused_too);
    tcase_add_test(stories, who_only_watches_never_votes_or_proposes);
    tcase_add_test(stories, a_wish_that_was_not_granted_is_not_repeated);
    tcase_add_test(scenes, a_key_outside_of_the_set_never_votes_or_proposes);
    tcase_add_test(scenes, a_flood_of_blocks_drops_none_that_is_needed);
    tcase_add_test(scenes, a_full_arena_drops_votes_and_nothing_else);
    tcase_add_test(scenes, a_vote_of_a_round_near_the_end_of_numbers_is_refused);
    tcase_add_test(scenes, votes_of_other_heights_and_strangers_are_ignored);
    tcase_add_test(scenes, the_turn_goes_round_and_can_be_foretold);
    tcase_add_test(scenes, the_commit_lives_on_into_the_next_height);
    tcase_add_test(scenes, a_loaded_commit_takes_late_precommits);
    tcase_add_test(scenes, extensions_of_votes_live_on_in_commits);
    tcase_add_test(scenes, an_accusation_carries_both_votes_in_the_order_of_evidence);
    tcase_add_test(scenes, timers_of_absurd_length_do_not_overflow);
    tcase_add_test(scenes, phases_have_their_names_on_the_wire);
    tcase_add_test(scenes, the_same_events_give_the_same_effects_and_no_event_breaks_anything);
    tcase_add_test(scenes, the_order_of_arrival_does_not_change_the_decision);
    suite_add_tcase(suite, stories);
    suite_add_tcase(suite, scenes);
    return suite;
}
