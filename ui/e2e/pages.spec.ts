/**
 * Every page of the product in a real browser, with a made-up core: no serious fault of accessibility, nothing out of
 * the window sideways, no text that the catalogue lacks, in both languages and at the two sizes that bureau laptops
 * have. The pictures are left in `test-results/screens`.
 */
import AxeBuilder from '@axe-core/playwright';
import { expect, test, type Page } from '@playwright/test';
import { RECORD, SUBJECT, type Scene } from './answers';
import { installFakeCore } from './fakeCore';

const SIZES = { '1366x768': { width: 1366, height: 768 }, '911x512': { width: 911, height: 512 } };
const LANGUAGES = ['zh-CN', 'en'] as const;

interface Shown {
  name: string;
  address: string;
  /** There once the page shows its content. */
  ready: string;
  scene?: Partial<Scene>;
}

const PAGES: Shown[] = [
  { name: 'setup', address: '/setup', ready: '[data-test=setup-page]', scene: { stage: 'needs_key' } },
  { name: 'unlock', address: '/setup', ready: '[data-test=unlock-submit]', scene: { stage: 'locked' } },
  { name: 'enrol', address: '/setup', ready: '[data-test=enrol-url]', scene: { stage: 'needs_enrolment' } },
  { name: 'workbench', address: '/workbench', ready: '[data-test=wb-due-row]' },
  { name: 'subjects', address: '/subjects', ready: '[role=row][data-key]' },
  { name: 'subject', address: `/subjects/${SUBJECT}`, ready: '[data-test=subject-findings]' },
  { name: 'subject-add', address: '/subjects?add=1', ready: '[data-test=subject-add-dialog]' },
  { name: 'import', address: '/subjects/import', ready: '[data-test=import-page]' },
  { name: 'inspections', address: '/inspections', ready: '[role=row][data-key]' },
  { name: 'inspection-new', address: `/inspections?new=${SUBJECT}`, ready: '[data-test=new-inspection]' },
  { name: 'inspection', address: `/inspections/${RECORD}`, ready: '[data-test=inspection-card]' },
  { name: 'finish', address: `/finish/${RECORD}`, ready: '[data-test=finish-page]' },
  { name: 'record', address: `/record/${RECORD}`, ready: '[data-test=record-page]', scene: { signed: true, role: 'supervisor' } },
  { name: 'findings', address: '/findings', ready: '[role=row][data-key]' },
  { name: 'overview', address: '/overview', ready: '[data-test=overview-row]', scene: { role: 'supervisor' } },
  { name: 'sync', address: '/sync', ready: '[data-test=sync-log-row]' },
  { name: 'packages', address: '/packages', ready: '[data-test=package-row]' },
  { name: 'conflicts', address: '/conflicts', ready: '[data-test=conflict]' },
  { name: 'admin-people', address: '/admin/people', ready: '[data-test=admin-person-row]', scene: { role: 'administrator' } },
  { name: 'admin-people-away', address: '/admin/people', ready: '[data-test=admin-person-row]', scene: { role: 'administrator', away: true } },
  { name: 'admin-orgs', address: '/admin/orgs', ready: '[data-test=admin-org-row]', scene: { role: 'administrator' } },
  { name: 'admin-devices', address: '/admin/devices', ready: '[data-test=admin-device-row]', scene: { role: 'administrator' } },
  { name: 'admin-codes', address: '/admin/codes', ready: '[data-test=admin-code-row]', scene: { role: 'administrator' } },
  { name: 'admin-packs', address: '/admin/packs', ready: '[data-test=admin-pack-row]', scene: { role: 'administrator' } },
  { name: 'admin-audit', address: '/admin/audit', ready: '[data-test=admin-audit-row]', scene: { role: 'administrator' } },
  {
    name: 'barred',
    address: '/setup',
    ready: '[data-test=setup-barred]',
    scene: { stage: 'barred', order: { order: 'lock', at_ms: Date.UTC(2022, 3, 12, 2), server_name: '连云港市应急管理局中心端', is_told: true } },
  },
  {
    name: 'wiped',
    address: '/setup',
    ready: '[data-test=setup-wiped]',
    scene: { stage: 'needs_key', order: { order: 'wipe', at_ms: Date.UTC(2022, 3, 12, 2), server_name: '连云港市应急管理局中心端', is_told: false } },
  },
  { name: 'settings', address: '/settings', ready: '[data-test=settings-page]' },
];

async function graveFaults(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`))
    // Element Plus names an active option of its autocomplete before there is one; readers pass over an id that is not there.
    .filter((fault) => !(fault.startsWith('aria-valid-attr-value') && /aria-activedescendant="[^"]*-item--1"/.test(fault)));
}

for (const { name, address, ready, scene } of PAGES) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    for (const language of LANGUAGES) {
      test(`${name} is fit for everybody: ${size}, ${language}`, async ({ page }) => {
        const faults: string[] = [];
        page.on('pageerror', (error) => faults.push(error.message));
        page.on('console', (message) => {
          if (/Content Security Policy|Not found '.*' key/i.test(message.text())) faults.push(message.text());
        });
        await page.setViewportSize(viewport);
        // What moves in has no colour of its own yet.
        await page.emulateMedia({ reducedMotion: 'reduce' });
        const unanswered = await installFakeCore(page, { language, ...scene });
        await page.goto(`/#${address}`);
        await page.locator(ready).first().waitFor();
        await page.waitForFunction(() => document.querySelector('[aria-busy=true]') === null);
        await page.screenshot({ path: `test-results/screens/${name}-${size}-${language}.png` });

        expect.soft(await graveFaults(page)).toEqual([]);

        const spill = await page.evaluate(() => {
          const main = document.querySelector('#main');
          return Math.max(document.documentElement.scrollWidth - innerWidth, main ? main.scrollWidth - main.clientWidth : 0);
        });
        expect.soft(spill, 'nothing runs out of the window sideways').toBeLessThanOrEqual(0);
        expect.soft(faults).toEqual([]);
        expect(unanswered).toEqual([]);
      });
    }
  }
}
