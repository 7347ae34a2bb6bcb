import type { Catalogue } from '../catalogue';

const errors: Catalogue['errors'] = {
  notice: {
    label: 'Problem',
    openSync: 'Show sync details',
    openConflicts: 'Show conflicts',
    openSettings: 'Open settings',
    enrol: 'Enrol this computer again',
    reload: 'Reopen the window',
    code: 'Code {code}',
  },
  unknown_code: {
    happened: 'This step was not completed.',
    safe: 'Everything that was shown as saved is not affected.',
    advice: 'Try again. If it does not help, tell your administrator the code {code}.',
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
