//! One function for each call, by subject.
//!
//! Invariant: a handler checks before it writes and writes once, in one transaction; what it answers was read after that.

pub(crate) mod admin;
pub(crate) mod conflicts;
pub(crate) mod desktop;
pub(crate) mod entry_text;
pub(crate) mod evidence;
pub(crate) mod files;
pub(crate) mod findings;
pub(crate) mod hand_in;
pub(crate) mod history;
pub(crate) mod inspection;
pub(crate) mod inspections;
pub(crate) mod nearby;
pub(crate) mod onsite_record;
pub(crate) mod order;
pub(crate) mod overview;
pub(crate) mod packages;
pub(crate) mod packs;
pub(crate) mod place;
pub(crate) mod record;
pub(crate) mod roster;
pub(crate) mod rows;
pub(crate) mod setup;
pub(crate) mod signing;
pub(crate) mod subjects;
pub(crate) mod sync;
pub(crate) mod tables;
pub(crate) mod updates;
pub(crate) mod verify;
pub(crate) mod versions;
pub(crate) mod workbench;

pub(crate) use admin::{
    audit::{admin_audit, admin_audit_export},
    codes::{admin_card, admin_code_make, admin_code_withdraw, admin_codes},
    devices::{admin_device_revoke, admin_device_unlock, admin_devices},
    orgs::{admin_org_put, admin_orgs},
    packs::{admin_pack_check, admin_pack_publish, admin_packs},
    people::{admin_people, admin_person_put},
    refused::{admin_refused, admin_refused_release},
    updates::{admin_update_release, admin_update_withdraw, admin_updates},
};
pub(crate) use conflicts::{conflict_settle, conflicts_list};
pub(crate) use desktop::{desktop_get, desktop_set};
pub(crate) use evidence::{evidence_add, evidence_remove, evidence_restore};
pub(crate) use files::{file_open, file_save, upload_begin, upload_write};
pub(crate) use findings::findings_list;
pub(crate) use hand_in::{package_answer_save, package_hand_in, package_outside};
pub(crate) use history::record_history;
pub(crate) use inspection::{
    inspection_get, inspection_missing, inspection_previous, inspection_version,
};
pub(crate) use inspections::{inspection_open, inspections_export, inspections_list};
pub(crate) use nearby::{
    nearby_answer, nearby_cancel, nearby_close, nearby_connect, nearby_get, nearby_keep,
    nearby_open, nearby_put_away,
};
pub(crate) use onsite_record::{inspection_paper, version_paper};
pub(crate) use order::order_unlock;
pub(crate) use overview::{overview_export, overview_get};
pub(crate) use packages::{
    package_look, package_make, package_plan, package_recipients, package_stop, package_take,
    packages_list, packages_opened,
};
pub(crate) use packs::{checklist_get, directory_get, packs_list};
pub(crate) use place::{place_ask, place_card, place_take};
pub(crate) use record::{draft_put, field_set, undo};
pub(crate) use roster::{roster_left_export, roster_open, roster_preview, roster_take};
pub(crate) use setup::{app_status, enrol, key_create, key_unlock, server_probe, setting_set};
pub(crate) use signing::{inspection_annul, number_take, number_void, signature_add};
pub(crate) use subjects::{subject_add, subject_get, subjects_export, subjects_list};
pub(crate) use sync::{contested_settle, sync_log, sync_now, sync_status};
pub(crate) use updates::{
    update_again, update_check, update_fetch, update_get, update_install, update_seen,
};
pub(crate) use verify::verify;
pub(crate) use versions::version_settle;
pub(crate) use workbench::workbench_get;
