/** Every page of the product in a real browser, with a made-up core, held to `fit.ts`. */
import { RECORD, SUBJECT } from './answers';
import { fitForEverybody, type Shown } from './fit';

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
  { name: 'sync-by-files', address: '/sync', ready: '[data-test=sync-by-files]', scene: { byFiles: true } },
  { name: 'packages', address: '/packages', ready: '[data-test=package-row]' },
  { name: 'nearby', address: '/nearby', ready: '[data-test=nearby-found-row]' },
  { name: 'conflicts', address: '/conflicts', ready: '[data-test=conflict]' },
  { name: 'admin-people', address: '/admin/people', ready: '[data-test=admin-person-row]', scene: { role: 'administrator' } },
  { name: 'admin-people-away', address: '/admin/people', ready: '[data-test=admin-person-row]', scene: { role: 'administrator', away: true } },
  { name: 'admin-orgs', address: '/admin/orgs', ready: '[data-test=admin-org-row]', scene: { role: 'administrator' } },
  { name: 'admin-devices', address: '/admin/devices', ready: '[data-test=admin-device-row]', scene: { role: 'administrator' } },
  { name: 'admin-codes', address: '/admin/codes', ready: '[data-test=admin-code-row]', scene: { role: 'administrator' } },
  { name: 'admin-refused', address: '/admin/refused', ready: '[data-test=admin-refused-row]', scene: { role: 'administrator' } },
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
  { name: 'admin-updates', address: '/admin/updates', ready: '[data-test=admin-update-release]', scene: { role: 'administrator' } },
  { name: 'settings', address: '/settings', ready: '[data-test=settings-page]' },
  {
    name: 'settings-update',
    address: '/settings',
    ready: '[data-test=update-install]',
    scene: { update: { stage: 'ready', version: '0.2.0', notes: '检查表打开更快\n修正导出时的日期', size: 62_000_000, have: 62_000_000, held: '0.2.0' } },
  },
  {
    name: 'update-taken-back',
    address: '/workbench',
    ready: '[data-test=update-banner]',
    scene: { update: { stage: 'failed', version: '0.2.0', fault: 'taken_back', last: { end: 'taken_back', from: '0.1.0', to: '0.2.0', reason: 'selftest', at_ms: Date.UTC(2022, 3, 12, 2) } } },
  },
];

for (const page of PAGES) fitForEverybody(page);
