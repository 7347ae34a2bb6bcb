import type { Catalogue } from '../catalogue';

const errors: Catalogue['errors'] = {
  notice: {
    label: 'Problem',
    openSync: 'Show sync details',
    openConflicts: 'Show conflicts',
    openSettings: 'Open settings',
    reload: 'Reopen the window',
    code: 'Code {code}',
  },
  unknown_code: {
    happened: 'This step was not completed.',
    safe: 'Everything that was shown as saved is not affected.',
    advice: 'Try again. If it does not help, tell your administrator the code {code}.',
  },
  bad_request: {
    happened: 'The window and the program do not fit together, so this step was not carried out.',
    safe: 'What was saved is not affected.',
    advice: 'Reopen the window; if it does not help, update the program.',
  },
  not_ready: {
    happened: 'The ledger is not open yet, or this computer is not enrolled.',
    safe: 'What was saved is not affected.',
    advice: 'Unlock or enrol this computer first.',
  },
  not_found: {
    happened: 'This record or file is not here.',
    safe: 'Nothing else is affected.',
    advice: 'It may not have arrived on this computer yet: sync first, or go back to the list and look again.',
  },
  not_allowed: {
    happened: 'Your role does not allow this step.',
    safe: 'Nothing was changed.',
    advice: 'If you need it, ask your administrator to change your role.',
  },
  frozen: {
    happened: 'This record is signed; its content is frozen.',
    safe: 'What was signed stays exactly as it was.',
    advice: 'To correct something, add a supplement or inspect again.',
  },
  stale: {
    happened: 'The content changed while you were looking at it, so this step was not carried out.',
    safe: 'Both versions are kept.',
    advice: 'Look at the newest content and do it again.',
  },
  incomplete: {
    happened: 'Something required is missing, so this cannot be signed yet.',
    safe: 'Everything you filled in is saved.',
    advice: 'Complete what the list names, then sign.',
  },
  bad_value: {
    happened: 'What you entered does not fit this field and was not taken.',
    safe: 'The earlier content is unchanged.',
    advice: 'Correct it as the hint says.',
  },
  wrong_passphrase: {
    happened: 'The passphrase is wrong.',
    safe: 'The ledger is not affected.',
    advice: 'Check capital letters and the input method, then try again.',
  },
  weak_passphrase: {
    happened: 'The passphrase is too short: it needs at least 8 characters.',
    safe: 'No ledger was created yet.',
    advice: 'Choose a longer passphrase.',
  },
  no_keychain: {
    happened: 'This computer has no usable credential store.',
    safe: 'Nothing was saved.',
    advice: 'Protect the ledger with a passphrase instead.',
  },
  wrong_key: {
    happened: 'The key kept here does not open this ledger: the key and the database in the data folder were not made together.',
    safe: 'The ledger is unchanged.',
    advice: 'Put the database and its own key file (key.json) back into one data folder. If the key is kept by the system, sign in as the same system user as before.',
  },
  newer_database: {
    happened: 'The ledger was written by a newer version of the program; this version cannot open it.',
    safe: 'The ledger is unchanged.',
    advice: 'Install the newer version.',
  },
  database_in_use: {
    happened: 'Another window of the program is using the ledger.',
    safe: 'The ledger is unchanged.',
    advice: 'Close the other window and try again.',
  },
  disk_full: {
    happened: 'The disk is full, so this step was not saved.',
    safe: 'Everything shown as saved is there; what you are typing stays on the screen.',
    advice: 'Free some space and try again. Do not close the program.',
  },
  storage: {
    happened: 'The ledger could not be read or written, so this step was not saved.',
    safe: 'Everything shown as saved is not affected; what you are typing stays on the screen.',
    advice: 'Try again. If it does not help, check the disk and tell your administrator.',
  },
  no_address: {
    happened: 'This computer was enrolled by USB stick and knows no address of a server to send to.',
    safe: 'Everything is saved on this computer.',
    advice: 'Use “Exchange by USB stick (packages)” on the sync page to carry it to the central endpoint.',
  },
  unreachable: {
    happened: 'The server cannot be reached just now.',
    safe: 'Everything is saved on this computer and will be sent when the network returns.',
    advice: 'You can go on working. Check the network if you need to send now.',
  },
  not_a_server: {
    happened: 'There is no Shicha server at this address.',
    safe: 'Nothing was sent.',
    advice: 'Check the address with your administrator.',
  },
  unknown_server: {
    happened: 'The server’s key is not the one that was confirmed at enrolment; the connection was stopped.',
    safe: 'Nothing was sent to it; everything is on this computer.',
    advice: 'Compare the server’s fingerprint with your administrator before you go on.',
  },
  bad_code: {
    happened: 'The enrolment code is wrong, used or expired.',
    safe: 'Nothing was changed on this computer.',
    advice: 'Check the code, or ask your administrator for a new one.',
  },
  revoked: {
    happened: 'Your administrator has revoked this device; the server no longer takes its entries.',
    safe: 'Everything recorded is still complete on this computer.',
    advice: 'Contact your administrator.',
  },
  contradiction: {
    happened: 'This contradicts what is at the server, and was not done.',
    safe: 'Nothing was changed.',
    advice: 'Put it right as told, and try again.',
  },
  bad_unlock_code: {
    happened: 'This is not the unlock code.',
    safe: 'The ledger is locked still, and unharmed.',
    advice: 'Compare the code with the administrator: 26 characters, upper or lower case.',
  },
  version_mismatch: {
    happened: 'The program and the server are of versions that do not work together.',
    safe: 'Everything is saved on this computer.',
    advice: 'Update the program, or ask your administrator to update the server.',
  },
  server_refused: {
    happened: 'The server did not accept this request.',
    safe: 'Everything is saved on this computer, and other records are sent as usual.',
    advice: 'See the sync page for the reason.',
  },
  server_untrustworthy: {
    happened: 'The server’s answers contradict each other; receiving was stopped.',
    safe: 'What is on this computer is complete and unchanged.',
    advice: 'Have your administrator examine the server at once.',
  },
  empty_file: {
    happened: 'This file is empty (0 bytes) and was not taken.',
    safe: 'Other files are not affected.',
    advice: 'Check that it was copied completely and choose it again.',
  },
  file_too_large: {
    happened: 'This file is too large and was not taken.',
    safe: 'Other files are not affected.',
    advice: 'Cut out the part you need, or lower its quality, and choose it again.',
  },
  bad_file: {
    happened: 'This file cannot be read, or is not what its type says, and was not taken.',
    safe: 'Other files are not affected.',
    advice: 'Make sure it is not damaged and its drive is still connected, and choose it again.',
  },
  protected_file: {
    happened: 'This file is protected by a password and was not taken.',
    safe: 'Other files are not affected.',
    advice: 'Remove the password and choose it again.',
  },
  not_a_package: {
    happened: 'This is no Shicha package.',
    safe: 'Nothing was taken in.',
    advice: 'Choose a file whose name ends in .shicha.',
  },
  newer_package: {
    happened: 'This package was made by a newer version of the program.',
    safe: 'Nothing was taken in, and the file is unchanged.',
    advice: 'Update the program on this computer first.',
  },
  damaged_package: {
    happened: 'The package is incomplete or was altered.',
    safe: 'Nothing was taken in.',
    advice: 'Copy it again and wait until it is written before pulling the stick out; if that does not help, ask for a new one.',
  },
  package_not_genuine: {
    happened: 'The package was not made by whom it names, or holds what no package may hold.',
    safe: 'Nothing was taken in.',
    advice: 'Do not use this file. Ask the sender, and have it made again.',
  },
  package_for_another: {
    happened: 'This package is not for this computer.',
    safe: 'Nothing was taken in. It is sealed and cannot be opened here; it can be carried on.',
    advice: 'Carry it to its recipient.',
  },
  package_from_unknown: {
    happened: 'The sender is not in the directory here, or was revoked.',
    safe: 'Nothing was taken in.',
    advice: 'Bring the directory up to date first, over the network or by a package of the central endpoint; if the device was revoked, ask the administrator.',
  },
  package_refused: {
    happened: 'The central endpoint did not take this package.',
    safe: 'The package is unchanged, and what is in it is still on the computer that made it.',
    advice: 'Tell whoever made it why; made anew, it can be handed in again.',
  },
  not_a_card: {
    happened: 'This file is not the card of a server, or was altered.',
    safe: 'Nothing was sent or kept.',
    advice: 'Choose the card that the administrator gave you. If it does not help, ask for a new one.',
  },
  not_the_answer: {
    happened: 'This file does not answer the request of this computer: it is another file, for another computer, or of another server.',
    safe: 'Nothing was taken in, and the request of this computer still stands.',
    advice: 'Choose the answer that the administrator got when taking in the request of this computer.',
  },
  update_refused: {
    happened: 'This update cannot be installed or taken now.',
    safe: 'Program and records are unchanged.',
    advice: 'Do as the message says and try again; if that does not help, tell your administrator.',
  },
  unknown_recipient: {
    happened: 'No package can be made for this device: it is not in the directory, or was revoked.',
    safe: 'Nothing was written.',
    advice: 'Bring the directory up to date and choose the recipient again.',
  },
  stopped: {
    happened: 'Stopped, as you asked.',
    safe: 'What was taken in before stays; a package that was not finished is removed.',
    advice: 'Begin again whenever you like; nothing is done twice.',
  },
  system: {
    happened: 'The system did not do it: {detail}.',
    safe: 'The records are not affected.',
    advice: 'Try again; if a security program or policy of your bureau forbids it, tell your administrator.',
  },
  no_font: {
    happened: 'This computer lacks the Chinese fonts that documents need.',
    safe: 'The record is not affected.',
    advice: 'Install Chinese fonts such as FangSong and SimHei, or install the program again.',
  },
  internal: {
    happened: 'The program failed inside, and this step was not completed.',
    safe: 'Everything shown as saved is not affected.',
    advice: 'Try again. If it does not help, tell your administrator the code.',
  },
  unexpected: {
    happened: 'Something unforeseen happened in the window, and this step was not completed.',
    safe: 'Everything that was shown as saved is not affected.',
    advice: 'Try again. If it does not help, reopen the window and tell your administrator: {reason}',
  },
  host_unreachable: {
    happened: 'The window lost contact with the ledger on this computer.',
    safe: 'Everything that was shown as saved is there; what you are typing stays on the screen.',
    advice: 'Wait a moment and try again. If it does not help, restart the program.',
  },
  evidence_unreadable: {
    happened: 'This piece of evidence cannot be opened just now.',
    safe: 'The original is unchanged.',
    advice: 'Try again. If it has not been fetched from the server yet, sync first.',
  },
};

export default errors;
