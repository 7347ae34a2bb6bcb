//! The list of everything that the application can do: `name(Request) -> Response`.
//!
//! [`calls!`] hands the list to whoever needs it: the dispatcher and the generator of the TypeScript. A call in the group `app` is
//! answered whatever state the application is in; one in the group `desk` needs an opened and enrolled ledger and may block.

/// Calls `$with! { app { name: Request => Response, … } desk { … } }` with the whole list.
macro_rules! calls {
    ($with:ident) => {
        $with! {
            app {
                app_status: Empty => AppStatus,
                key_create: KeyUse => AppStatus,
                key_unlock: KeyUse => AppStatus,
                server_probe: ServerProbe => ServerFound,
                enrol: Enrol => AppStatus,
                // Enrolment without a network, by files.
                place_card: PlaceCard => CardFound,
                place_ask: PlaceAsk => PlaceAsked,
                place_take: PlaceTake => PlaceTaken,
                setting_set: SettingSet => AppStatus,
                desktop_get: Empty => DesktopView,
                desktop_set: DesktopSet => DesktopView,
                // Opens a computer that the administrator locked.
                order_unlock: OrderUnlock => AppStatus,

                upload_begin: UploadBegin => UploadBegun,
                upload_write: UploadWrite => Empty,

                // Somebody else's package: what stands on its outside, handing it in at the central endpoint, keeping the answer.
                package_outside: PackageLook => PackageOutside,
                package_hand_in: PackageHandIn => PackageAnswer,
                package_answer_save: PackageAnswerSave => PackageAnswerSaved,
                // Ends what is under way of packages.
                package_stop: Empty => Empty,

                // What was double-clicked, once the application is ready to look at it.
                packages_opened: Empty => PackagesOpened,

                // Updates of the application.
                update_get: Empty => UpdateView,
                update_check: Empty => Empty,
                // Tries once more what was refused or taken back.
                update_again: Empty => Empty,
                // Fetches what is released for others, although this computer runs it.
                update_fetch: Empty => Empty,
                // The person has read what came of the last installation.
                update_seen: Empty => UpdateView,
                // Copies the database for the version that runs, and has the host install the update and end the program.
                update_install: UpdateInstall => Empty,

                // For administrators: each asks the central endpoint.
                admin_orgs: Empty => AdminOrgs,
                admin_org_put: AdminOrgPut => Empty,
                admin_people: Empty => AdminPeople,
                admin_person_put: AdminPersonPut => Empty,
                admin_devices: Empty => AdminDevices,
                admin_device_revoke: AdminRevoke => Empty,
                admin_device_unlock: AdminDeviceRef => AdminUnlockCode,
                admin_codes: Empty => AdminCodes,
                admin_code_make: AdminCodeMake => AdminCodeSlip,
                admin_code_withdraw: AdminCodeRef => Empty,
                admin_refused: Empty => AdminRefused,
                admin_refused_release: AdminRelease => Empty,
                // The server's card, for computers without a network.
                admin_card: Empty => FileOut,
                admin_packs: Empty => AdminPacks,
                admin_pack_check: AdminPackCheck => AdminPackChecked,
                admin_pack_publish: AdminPackPublish => Empty,
                admin_updates: Empty => AdminUpdates,
                admin_update_release: AdminUpdateRelease => Empty,
                admin_update_withdraw: AdminUpdateRelease => Empty,
                admin_audit: AdminAuditList => AdminAudit,
                admin_audit_export: AdminAuditExport => FileOut,

                // Laptops on the same site: on from `nearby_open` to `nearby_close`, and beyond it while kept on.
                nearby_open: Empty => NearbyView,
                nearby_close: Empty => Empty,
                nearby_keep: NearbyKeep => NearbyView,
                nearby_get: Empty => NearbyView,
                nearby_connect: NearbyConnect => Empty,
                nearby_answer: NearbyAnswer => Empty,
                nearby_cancel: Empty => Empty,
                nearby_put_away: Empty => Empty,
            }
            desk {
                directory_get: Empty => DirectoryView,

                workbench_get: Empty => Workbench,

                subjects_list: SubjectsList => SubjectsPage,
                subject_get: RecordRef => SubjectView,
                subject_add: SubjectAdd => RecordRef,
                subjects_export: SubjectsExport => FileOut,
                roster_open: RosterOpen => RosterView,
                roster_preview: RosterMapping => RosterPreview,
                roster_take: RosterMapping => RosterReport,
                // The rows that the last `roster_take` of this roster left out, all of them, with the reasons, as a workbook to put right.
                roster_left_export: RosterMapping => FileOut,

                packs_list: Empty => PacksList,
                checklist_get: ChecklistGet => ChecklistView,

                inspections_list: InspectionsList => InspectionsPage,
                inspection_open: InspectionOpen => RecordRef,
                inspection_get: RecordRef => InspectionView,
                inspection_previous: RecordRef => PreviousView,
                inspection_missing: RecordRef => MissingList,
                inspection_paper: RecordRef => FileOut,
                inspection_annul: Void => Saved,
                // A signed version, whether it counts or not; and which one does.
                inspection_version: VersionRef => InspectionView,
                version_paper: VersionRef => FileOut,
                version_settle: VersionSettle => Saved,
                inspections_export: InspectionsExport => FileOut,
                number_take: RecordRef => Saved,
                number_void: Void => Saved,
                signature_add: SignatureAdd => Saved,

                field_set: FieldSet => Saved,
                draft_put: DraftPut => Saved,
                undo: RecordRef => Undone,

                evidence_add: EvidenceAdd => EvidenceAdded,
                evidence_remove: EvidenceRemove => Saved,
                evidence_restore: EvidenceRemove => Saved,

                findings_list: FindingsList => FindingsPage,

                record_history: RecordRef => History,
                conflicts_list: Empty => ConflictsList,
                conflict_settle: ConflictSettle => Saved,

                sync_status: Empty => SyncStatus,
                sync_now: Empty => Empty,
                sync_log: Empty => SyncLog,
                // The person decides that the central endpoint's past of a computer counts.
                contested_settle: ContestedPlace => Empty,
                verify: Empty => VerifyView,

                package_recipients: Empty => PackageRecipients,
                package_plan: PackageMake => PackagePlan,
                package_make: PackageMake => PackageMade,
                package_look: PackageLook => PackageLooked,
                package_take: PackageTake => PackageTaken,
                packages_list: Empty => PackagesList,

                overview_get: OverviewGet => Overview,
                overview_export: OverviewGet => FileOut,

                file_save: FileSave => Empty,
                file_open: FileOpen => Empty,
            }
        }
    };
}

pub(crate) use calls;
