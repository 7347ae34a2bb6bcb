/** What pages and dialogs show after a person has done something, in a real browser, with a made-up core, held to `fit.ts`. */
import type { Page } from '@playwright/test';
import { ASKED } from './packageAnswers';
import { fitForEverybody, type Shown } from './fit';

function part(test: string): string {
  return `[data-test=${test}]`;
}

/** Presses one part after another; each is there once the one before was pressed. */
function press(...tests: string[]): (page: Page) => Promise<void> {
  return async (page) => {
    for (const test of tests) await page.locator(part(test)).first().click();
  };
}

/** Presses what asks for a file, hands one over, and waits for what comes of it. */
function hand(asks: string, then: string): (page: Page) => Promise<void> {
  return async (page) => {
    const choosing = page.waitForEvent('filechooser');
    await page.locator(part(asks)).first().click();
    await (await choosing).setFiles({ name: '数据包.shicha', mimeType: 'application/octet-stream', buffer: Buffer.from('any bytes') });
    await page.locator(part(then)).first().waitFor();
  };
}

function inTurn(...acts: ((page: Page) => Promise<void>)[]): (page: Page) => Promise<void> {
  return async (page) => {
    for (const act of acts) await act(page);
  };
}

function seen(test: string): (page: Page) => Promise<void> {
  return async (page) => page.locator(part(test)).first().waitFor();
}

const moved = { entries: 1_204, all_entries: 1_204, files: 3, all_files: 8, bytes: 12_000_000, all_bytes: 40_000_000 };
const FORGED = { code: 'package_not_genuine', params: {} };

const ENROLLING = { stage: 'needs_enrolment' as const };
const ENROL: Shown[] = [
  { name: 'enrol-file-card', act: press('enrol-by-file'), scene: ENROLLING },
  { name: 'enrol-file-no-card', act: inTurn(press('enrol-by-file'), hand('card-choose', 'enrol-error')), scene: { ...ENROLLING, refusal: { code: 'not_a_card', params: {} } } },
  { name: 'enrol-file-compare', act: inTurn(press('enrol-by-file'), hand('card-choose', 'enrol-fingerprint')), scene: ENROLLING },
  {
    name: 'enrol-file-code',
    act: inTurn(press('enrol-by-file'), hand('card-choose', 'enrol-fingerprint'), press('enrol-fingerprint-same', 'enrol-confirm'), seen('enrol-code')),
    scene: ENROLLING,
  },
].map((one) => ({ address: '/setup', ready: part('enrol-url'), ...one }));

const WAITING: Shown[] = [
  { name: 'enrol-file-waiting' },
  { name: 'enrol-file-wrong-answer', act: hand('answer-choose', 'enrol-error'), scene: { refusal: { code: 'not_the_answer', params: {} } } },
  { name: 'enrol-file-done', act: hand('answer-choose', 'setup-enter') },
].map(({ scene, ...one }: Partial<Shown> & { name: string }) => ({ address: '/setup', ready: part('place-waiting'), scene: { ...ENROLLING, asked: ASKED, ...scene }, ...one }));

const PACKAGES: Shown[] = [
  { name: 'packages-chosen', address: '/packages?records=a,b,c', ready: part('package-chosen') },
  { name: 'packages-made', act: inTurn(press('package-make-button'), seen('package-made')) },
  { name: 'packages-looked', act: hand('package-choose', 'package-looked') },
  { name: 'packages-taken', act: inTurn(hand('package-choose', 'package-looked'), press('package-take-button'), seen('package-taken')) },
  { name: 'packages-refused', act: hand('package-choose', 'package-error'), scene: { refusal: FORGED } },
  { name: 'packages-hand', act: hand('hand-choose', 'hand-outside') },
  { name: 'packages-handed', act: inTurn(hand('hand-choose', 'hand-outside'), press('hand-button', 'hand-save'), seen('hand-saved')) },
  {
    name: 'packages-hand-refused',
    act: inTurn(hand('hand-choose', 'hand-outside'), press('hand-button'), seen('hand-reason')),
    scene: { refusal: { code: 'package_refused', params: { reason: 'unknown_sender' } } },
  },
].map((one) => ({ address: '/packages', ready: part('package-row'), ...one }));

const NEARBY: Shown[] = [
  { name: 'nearby-connecting', nearby: { stage: 'connecting' as const, peer: null, digits: null } },
  { name: 'nearby-digits', nearby: { agreed_there: true } },
  {
    name: 'nearby-unknown',
    nearby: { agreed_here: true, peer: { person_name: '新同事', org_name: '', role: 'inspector' as const, label: '', is_known: false } },
  },
  { name: 'nearby-exchanging', nearby: { stage: 'exchanging' as const, given: moved, taken: { ...moved, files: 8, bytes: 40_000_000 } } },
  { name: 'nearby-done', nearby: { stage: 'done' as const, given: moved, taken: moved, not_taken: 3 } },
  { name: 'nearby-failed', nearby: { stage: 'failed' as const, given: moved, fault: { reason: 'broken' as const, is_there: false } } },
].map(({ name, nearby }) => ({ name, address: '/nearby', ready: part('nearby-session'), scene: { nearby } }));

const LISTS: Shown[] = [
  {
    name: 'inspections-chosen',
    address: '/inspections',
    ready: '[role=row][data-key]',
    act: async (page) => {
      // With the keyboard alone: two rows, and a stretch of three.
      await page.getByRole('grid').focus();
      for (const key of [' ', 'ArrowDown', 'ArrowDown', ' ', 'Shift+ArrowDown', 'Shift+ArrowDown']) await page.keyboard.press(key);
      await page.locator(part('table-chosen')).waitFor();
    },
  },
];

const revoke = (choice: string) => inTurn(press('admin-device-revoke', `admin-revoke-${choice}`));
const ADMIN: Shown[] = [
  { name: 'admin-person-new', address: '/admin/people', ready: part('admin-person-row'), act: inTurn(press('admin-person-add', 'admin-send'), seen('admin-person-dialog')) },
  { name: 'admin-person-edit', address: '/admin/people', ready: part('admin-person-row'), act: inTurn(press('admin-person-edit'), seen('admin-person-dialog')) },
  { name: 'admin-person-retire', address: '/admin/people', ready: part('admin-person-row'), act: inTurn(press('admin-person-retire'), seen('confirm-ok')) },
  { name: 'admin-org-new', address: '/admin/orgs', ready: part('admin-org-row'), act: inTurn(press('admin-org-add', 'admin-send'), seen('admin-org-dialog')) },
  { name: 'admin-org-own', address: '/admin/orgs', ready: part('admin-org-row'), act: inTurn(press('admin-org-edit'), seen('admin-org-dialog')) },
  { name: 'admin-device-revoke', address: '/admin/devices', ready: part('admin-device-row'), act: revoke('lock') },
  { name: 'admin-device-wipe', address: '/admin/devices', ready: part('admin-device-row'), act: inTurn(revoke('wipe'), seen('admin-revoke-typed')) },
  { name: 'admin-device-refused', address: '/admin/devices', ready: part('admin-device-row'), act: inTurn(revoke('revoke'), press('admin-send'), seen('admin-contradiction')) },
  { name: 'admin-device-unlock', address: '/admin/devices', ready: part('admin-device-row'), act: inTurn(press('admin-device-unlock', 'confirm-ok'), seen('admin-unlock-code')) },
  { name: 'admin-release', address: '/admin/refused', ready: part('admin-refused-row'), act: inTurn(press('admin-refused-release', 'admin-send'), seen('admin-release-dialog')) },
  { name: 'admin-code-new', address: '/admin/codes', ready: part('admin-code-row'), act: inTurn(press('admin-code-new', 'admin-send'), seen('admin-code-dialog')) },
  { name: 'admin-code-slip', address: '/admin/people', ready: part('admin-person-row'), act: inTurn(press('admin-person-code', 'admin-send'), seen('admin-code-slip')) },
  { name: 'admin-pack-good', address: '/admin/packs', ready: part('admin-pack-row'), act: hand('admin-pack-choose', 'admin-pack-change') },
  { name: 'admin-pack-publish', address: '/admin/packs', ready: part('admin-pack-row'), act: inTurn(hand('admin-pack-choose', 'admin-pack-change'), press('admin-pack-publish'), seen('confirm-ok')) },
  { name: 'admin-pack-faults', address: '/admin/packs', ready: part('admin-pack-row'), act: hand('admin-pack-choose', 'admin-pack-fault'), scene: { refusal: FORGED } },
].map(({ scene, ...one }: Shown) => ({ ...one, scene: { role: 'administrator' as const, ...scene } }));

for (const state of [...ENROL, ...WAITING, ...PACKAGES, ...NEARBY, ...LISTS, ...ADMIN]) fitForEverybody(state);
