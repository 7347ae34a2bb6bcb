/** What the core answers about administration in tests. */
import type { AdminAudit } from '@/bindings/AdminAudit';
import type { AdminCodes } from '@/bindings/AdminCodes';
import type { AdminRefused } from '@/bindings/AdminRefused';
import type { AdminDeviceRow } from '@/bindings/AdminDeviceRow';
import type { AdminDevices } from '@/bindings/AdminDevices';
import type { AdminOrgs } from '@/bindings/AdminOrgs';
import type { AdminPacks } from '@/bindings/AdminPacks';
import type { AdminPeople } from '@/bindings/AdminPeople';
import type { AdminUpdates } from '@/bindings/AdminUpdates';
import type { Known } from '@/bindings/Known';

const AT = Date.UTC(2022, 3, 12, 2);
const DAY = 86_400_000;

export const live: Known = { at_ms: AT, is_live: true, fault: null };
export const offline: Known = { at_ms: AT, is_live: false, fault: 'unreachable' };

const id = (n: number): string => `018f0000-0000-7000-8000-${String(n).padStart(12, '0')}`;

export function adminOrgs(known = live): AdminOrgs {
  const org = (code: string, name: string, parent: string | null, depth: number, people: number): AdminOrgs['rows'][number] => ({
    code,
    name,
    short_name: depth === 0 ? '苏连' : depth === 1 ? `苏连${name[0] ?? ''}` : '',
    parent,
    kind: depth === 0 ? 'city' : depth === 1 ? 'county' : 'institution',
    region: depth < 2 ? code : null,
    depth,
    people,
  });
  return {
    known,
    rows: [
      org('320700', '连云港市应急管理局', null, 0, 4),
      org('320703', '连云区应急管理局', '320700', 1, 6),
      org('TI-01', '连云港平安安全技术培训有限公司', '320703', 2, 1),
      org('320706', '海州区应急管理局', '320700', 1, 5),
      org('320722', '东海县应急管理局', '320700', 1, 7),
      org('TI-02', '东海县职业培训学校', '320722', 2, 1),
    ],
  };
}

export function adminPeople(known = live): AdminPeople {
  const names: [string, string, string, AdminPeople['rows'][number]['role'], boolean][] = [
    ['王建国', '320700', '连云港市应急管理局', 'administrator', true],
    ['李海涛', '320700', '连云港市应急管理局', 'supervisor', true],
    ['张三', '320703', '连云区应急管理局', 'inspector', true],
    ['赵敏', '320703', '连云区应急管理局', 'inspector', true],
    ['周强', '320722', '东海县应急管理局', 'inspector', true],
    ['孙丽', '320722', '东海县应急管理局', 'supervisor', true],
    ['钱校长', 'TI-01', '连云港平安安全技术培训有限公司', 'institution', true],
    ['吴退休', '320706', '海州区应急管理局', 'inspector', false],
  ];
  return {
    known,
    rows: names.map(([name, org, org_name, role, is_active], n) => ({
      id: id(n + 1),
      name,
      org,
      org_name,
      role,
      certificate: role === 'inspector' ? `3207${String(n).padStart(7, '0')}` : null,
      is_active,
      is_me: n === 0,
      devices: is_active ? 1 : 0,
    })),
  };
}

export function adminDevice(more: Partial<AdminDeviceRow> = {}): AdminDeviceRow {
  return {
    device: id(101),
    short: '9C31D2E4',
    label: '联想 E14',
    person: id(3),
    person_name: '张三',
    is_person_active: true,
    org_name: '连云区应急管理局',
    entries: 1_284,
    enrolled_at_ms: AT - 90 * DAY,
    last_contact_ms: AT - 3_600_000,
    client_version: '0.1.0',
    revoked_at_ms: null,
    is_ended: false,
    is_copied: false,
    order: null,
    order_at_ms: null,
    order_done_at_ms: null,
    is_this: false,
    ...more,
  };
}

export function adminDevices(known = live): AdminDevices {
  return {
    known,
    rows: [
      adminDevice({ device: id(100), short: '1A2B3C4D', label: '市局办公室', person_name: '王建国', org_name: '连云港市应急管理局', entries: 12, is_this: true, last_contact_ms: AT }),
      adminDevice(),
      adminDevice({ device: id(102), short: '77AA01FE', label: '执法二组 1 号', person_name: '赵敏', entries: 2_950, last_contact_ms: AT - 2 * DAY, client_version: '0.0.9' }),
      adminDevice({ device: id(103), short: 'C0FFEE12', label: '执法三组', person_name: '周强', org_name: '东海县应急管理局', revoked_at_ms: AT - DAY, order: 'wipe', order_at_ms: AT - DAY, last_contact_ms: AT - 3 * DAY }),
      adminDevice({ device: id(104), short: 'BEEF0042', label: '旧电脑', person_name: '孙丽', org_name: '东海县应急管理局', revoked_at_ms: AT - 9 * DAY, order: 'lock', order_at_ms: AT - 9 * DAY, order_done_at_ms: AT - 8 * DAY, last_contact_ms: AT - 9 * DAY }),
      adminDevice({ device: id(105), short: '00D1CE99', label: '借用机', person_name: '吴退休', is_person_active: false, org_name: '海州区应急管理局', last_contact_ms: null, client_version: null, entries: 0 }),
    ],
  };
}

export function adminCodes(known = live): AdminCodes {
  return {
    known,
    rows: [
      { id: '00112233445566aa', person_name: '周强', org_name: '东海县应急管理局', created_at_ms: AT - DAY, expires_at_ms: AT + 6 * DAY },
      { id: '8899aabbccddee00', person_name: '钱校长', org_name: '连云港平安安全技术培训有限公司', created_at_ms: AT, expires_at_ms: AT + 7 * DAY },
    ],
  };
}

export function adminRefused(known = live): AdminRefused {
  const row = (seq: number, more: Partial<AdminRefused['rows'][number]> = {}): AdminRefused['rows'][number] => ({
    device: id(102),
    seq,
    label: '执法二组 1 号',
    person_name: '赵敏',
    org_name: '东海县应急管理局',
    code: 'event',
    claimed_ms: AT - 2 * DAY,
    received_ms: AT - DAY,
    is_releasable: true,
    ...more,
  });
  return {
    known,
    more: false,
    rows: [row(88), row(87), row(12, { device: id(103), label: '执法三组', person_name: '周强', code: 'malformed', is_releasable: false }), row(86, { code: 'channel' })],
  };
}

export function adminPacks(known = live): AdminPacks {
  const pack = (version: string, day: number): AdminPacks['rows'][number] => ({
    id: 'lyg-2021-training',
    version,
    title: '连云港市安全生产培训考试专项整治',
    size: 217_007,
    by: '王建国',
    at_ms: AT - day * DAY,
    above: null,
  });
  return { known, rows: [pack('1.1.0', 3), pack('1.0.0', 60)] };
}

export function adminAudit(known = live): AdminAudit {
  const row = (n: number, act: string, target: string, more: Partial<AdminAudit['rows'][number]> = {}): AdminAudit['rows'][number] => ({
    n,
    at_ms: AT - (9 - n) * 3_600_000,
    person_name: '王建国',
    device: '市局办公室（1A2B3C4D）',
    act,
    org_name: '东海县应急管理局',
    target,
    changes: [],
    hash: String(n).repeat(64).slice(0, 64),
    ...more,
  });
  return {
    known,
    more: true,
    rows: [
      row(8, 'device_obeyed', '旧电脑（孙丽）', { person_name: '孙丽', device: '旧电脑（BEEF0042）', changes: [{ field: 'act', from: null, to: 'lock' }] }),
      row(7, 'device_wipe', '执法三组（周强）', { changes: [{ field: 'entries', from: null, to: '1284' }, { field: 'last_contact_ms', from: null, to: String(AT - 3 * DAY) }] }),
      row(6, 'person_changed', '孙丽', { changes: [{ field: 'role', from: 'inspector', to: 'supervisor' }] }),
      row(5, 'pack_published', 'lyg-2021-training 1.1.0', { org_name: '连云港市应急管理局', changes: [{ field: 'title', from: null, to: '连云港市安全生产培训考试专项整治' }] }),
      row(4, 'code_made', '周强', { changes: [{ field: 'expires_at_ms', from: null, to: String(AT + 6 * DAY) }] }),
      row(3, 'person_added', '周强', { changes: [{ field: 'name', from: null, to: '周强' }, { field: 'role', from: null, to: 'inspector' }, { field: 'certificate', from: null, to: '32070000004' }] }),
      row(2, 'org_added', '320722 东海县应急管理局', { person_name: null, device: null, changes: [{ field: 'name', from: null, to: '东海县应急管理局' }, { field: 'kind', from: null, to: 'county' }] }),
      row(1, 'server_named', '连云港市应急管理局中心端', { person_name: null, device: null, org_name: null }),
    ],
  };
}

export function adminUpdates(known = live): AdminUpdates {
  const name = (version: string): string => `Shicha-${version}-setup.exe`;
  return {
    known,
    devices: 31,
    rows: [
      {
        name: name('0.3.0'),
        version: '0.3.0',
        size: 63_000_000,
        notes: '检查表打开更快\n修正导出时的日期',
        added_at_ms: AT,
        have: 0,
        releases: [],
        open_orgs: [
          { code: '320700', name: '连云港市应急管理局' },
          { code: '320703', name: '连云区应急管理局' },
        ],
      },
      {
        name: name('0.2.0'),
        version: '0.2.0',
        size: 62_000_000,
        notes: '',
        added_at_ms: AT - 30 * DAY,
        have: 12,
        releases: [
          { org: '320703', org_name: '连云区应急管理局', at_ms: AT - 29 * DAY, may_withdraw: true, devices: 14, have: 12 },
          { org: '320600', org_name: '江苏省应急管理厅', at_ms: AT - 20 * DAY, may_withdraw: false, devices: 31, have: 12 },
        ],
        open_orgs: [],
      },
    ],
  };
}
