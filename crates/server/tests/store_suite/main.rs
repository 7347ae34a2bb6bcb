//! What every store promises, held against each implementation. A new implementation adds one line at the end.
#![allow(clippy::unwrap_used)]

mod administration;
mod bounds;
mod entries;
mod formats;
mod kit;
mod lines;
mod people;
#[cfg(unix)]
#[path = "../common/postgres.rs"]
mod postgres_server;
mod refusals;
mod updates;

use crate::{
    administration::*, bounds::*, entries::*, formats::*, kit::*, lines::*, people::*, refusals::*,
    updates::*,
};

macro_rules! suite {
    ($module:ident, $store:ident: $($name:ident),* $(,)?) => {
        mod $module {
            $(#[test]
            fn $name() {
                super::$name::<super::$store>();
            })*
        }
    };
}

macro_rules! every_store {
    ($($name:ident),* $(,)?) => {
        suite!(sqlite, Sqlite: $($name),*);
        // On Windows the central endpoint keeps its store in SQLite.
        #[cfg(unix)]
        suite!(postgres, Postgres: $($name),*);
    };
}

every_store!(
    what_was_held_is_still_there_after_opening_again,
    numbers_are_gapless_in_each_channel_and_refused_entries_take_none,
    appending_again_changes_nothing_and_answers_the_same,
    another_entry_at_the_same_place_is_a_fork_and_a_missing_one_a_gap,
    a_record_stays_in_the_channel_of_its_first_accepted_entry,
    a_reader_goes_on_from_its_cursor_and_misses_nothing,
    what_somebody_else_holds_is_told_once_and_what_one_holds_oneself_is_not,
    only_channels_with_news_are_listed,
    a_code_enrols_one_device_once_and_not_after_it_ran_out,
    a_line_goes_on_after_the_last_common_entry_under_one_identity_for_each_key,
    an_identity_that_another_one_goes_on_from_writes_no_more_and_what_a_colleague_brings_of_it_is_taken,
    two_pasts_that_a_device_signed_prove_two_copies_whoever_shows_them,
    a_line_gets_a_few_identities_a_day,
    what_is_written_again_is_given_out_as_such,
    a_log_that_is_forked_on_purpose_gains_no_time,
    revoking_one_identity_revokes_all_of_its_line,
    the_directory_grows_a_version_with_each_change_and_has_no_circles,
    a_directory_is_given_out_as_what_changed_since_a_mark_in_parts,
    where_an_organisation_lay_is_kept_and_its_code_is_its_own_for_ever,
    evidence_belongs_to_whose_accepted_entries_name_it,
    no_document_number_is_lent_twice,
    a_device_gets_the_next_numbers_when_it_has_used_the_last_and_not_before,
    two_threads_that_append_at_once_lose_nothing,
    a_challenge_is_used_once_and_forgotten_when_nobody_would_take_it,
    a_restored_store_begins_another_life_and_lends_no_number_that_may_be_lent_already,
    what_an_administrator_does_is_noted_with_it_or_not_at_all,
    entries_that_are_noted_are_there_with_their_note_or_not_at_all,
    the_log_is_read_backwards_page_by_page_and_only_as_far_as_one_may,
    an_open_code_is_listed_and_a_withdrawn_one_enrols_nobody,
    an_order_becomes_heavier_and_never_lighter_and_is_done_once,
    receipts_of_a_channel_and_of_a_device_rise_strictly_whatever_the_clock_says,
    an_entry_is_judged_by_the_bounds_that_its_receipt_will_give,
    a_time_of_a_wrong_clock_bounds_nothing_though_the_life_that_ended_it_is_lost,
    what_is_accepted_again_after_a_restore_is_given_out_with_the_oldest_receipt_that_was_brought,
    a_clock_that_must_be_wrong_receives_nothing_and_changes_nothing,
    what_a_device_named_bounds_what_it_sends_and_no_other_name_does,
    what_is_written_again_has_the_earlier_bound_of_the_common_place_and_no_other,
    an_end_bounds_what_comes_after_it_and_counts_only_at_the_head_that_is_held,
    a_receipt_says_when_the_device_was_in_touch_before,
    what_was_refused_is_listed_and_outside_for_all,
    what_is_released_counts_once_and_ranks_after_what_came_meanwhile,
    a_release_that_is_not_allowed_changes_nothing,
    an_update_is_there_once_under_its_name_and_released_by_organisation,
    a_store_that_was_only_added_to_goes_on_being_served_by_the_programs_before,
    a_program_that_is_too_old_leaves_the_store_as_it_is,
    programs_that_start_at_once_migrate_once,
    a_migration_that_fails_leaves_the_store_at_the_format_before,
);

suite!(
    sqlite_copies, Sqlite:
    a_copy_for_a_backup_is_whole_and_bears_another_epoch,
    a_copy_for_a_backup_lends_no_number_that_was_lent_after_it,
);
