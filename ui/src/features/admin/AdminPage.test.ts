import { flushPromises } from '@vue/test-utils';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { pendingConfirm } from '@/components/confirm';
import { adminAudit, adminCodes, adminDevices, adminOrgs, adminPacks, adminPeople, adminRefused, live, offline } from '@/testing/admin';
import { installFakeCore, type Answers } from '@/testing/fakeCore';
import { freshStores, mountPage } from '@/testing/mountPage';
import { platform } from '@/platform';
import AuditTab from './AuditTab.vue';
import CodesTab from './CodesTab.vue';
import DevicesTab from './DevicesTab.vue';
import OrgsTab from './OrgsTab.vue';
import PacksTab from './PacksTab.vue';
import PeopleTab from './PeopleTab.vue';
import RefusedTab from './RefusedTab.vue';

beforeEach(freshStores);

const answers: Answers = {
  admin_orgs: () => adminOrgs(),
  admin_people: () => adminPeople(),
  admin_devices: () => adminDevices(),
  admin_codes: () => adminCodes(),
  admin_refused: () => adminRefused(),
  admin_packs: () => adminPacks(),
  admin_audit: () => adminAudit(),
};

async function open(tab: Parameters<typeof mountPage>[0], more: Answers = {}) {
  const core = installFakeCore({ ...answers, ...more });
  const mounted = await mountPage(tab);
  await flushPromises();
  return { core, ...mounted };
}

/** Part of a dialog, which stands outside of the page. */
function outside<E extends HTMLElement>(test: string): E {
  const found = document.querySelector<E>(`[data-test="${test}"]`);
  if (!found) throw new Error(`no ${test}`);
  return found;
}

/** Sends the form that the part stands in. */
function submitOutside(test: string): void {
  outside(test).closest('form')?.dispatchEvent(new Event('submit'));
}

async function typeOutside(test: string, text: string): Promise<void> {
  const part = outside(test);
  const input = part.matches('input') ? (part as HTMLInputElement) : part.querySelector('input');
  if (!input) throw new Error(`no field in ${test}`);
  input.value = text;
  input.dispatchEvent(new Event('input'));
  await flushPromises();
}

async function typeReason(text: string): Promise<void> {
  const part = outside('admin-release-reason');
  const field = part.matches('textarea') ? (part as HTMLTextAreaElement) : part.querySelector('textarea');
  if (!field) throw new Error('no field for the reason');
  field.value = text;
  field.dispatchEvent(new Event('input'));
  await flushPromises();
}

async function pressOutside(test: string): Promise<void> {
  outside(test).click();
  await flushPromises();
}

describe('people', () => {
  it('are found by a part of their name, organisation or role', async () => {
    const { all, type } = await open(PeopleTab);
    await vi.waitFor(() => expect(all('admin-person-row').map((row) => row.text())).toContain('张三'));
    await type('admin-search', '东海 监管');
    await vi.waitFor(() => expect(all('admin-person-row').map((row) => row.text())).toEqual(['孙丽']));
  });

  it('cannot be changed while the server is away, and the list says of when it is', async () => {
    const { at, all } = await open(PeopleTab, { admin_people: () => adminPeople(offline) });
    await vi.waitFor(() => expect(all('admin-person-row').length).toBeGreaterThan(0));
    expect(at('admin-known').text()).toContain('现在连不上服务器');
    expect(at('admin-known').text()).toContain('2022-04-12 10:00');
    expect(at('admin-person-add').attributes('disabled')).toBeDefined();
    expect(at('admin-person-retire').attributes('disabled')).toBeDefined();
  });

  it('are retired only after a question, and the administrator cannot retire themselves', async () => {
    const { core, all, click } = await open(PeopleTab, { admin_person_put: () => ({}) });
    await vi.waitFor(() => expect(all('admin-person-row').length).toBeGreaterThan(3));
    expect(all('admin-person-retire').length).toBe(all('admin-person-row').length - 1);
    await click('admin-person-retire');
    expect(core.requests('admin_person_put')).toEqual([]);
    pendingConfirm.value?.answer(true);
    await flushPromises();
    const [sent] = core.requests('admin_person_put');
    expect(sent?.is_active).toBe(false);
    expect(core.requests('admin_people').length).toBe(2);
  });

  it('tells what the server says against a change in words', async () => {
    const refuse = (): never => {
      throw { code: 'contradiction', params: { reason: 'own', detail: 'x' } };
    };
    const { all, click } = await open(PeopleTab, { admin_person_put: refuse });
    await vi.waitFor(() => expect(all('admin-person-row').length).toBeGreaterThan(0));
    await click('admin-person-edit');
    await typeOutside('admin-person-name', '王建民');
    submitOutside('admin-person-dialog');
    await flushPromises();
    expect(outside('admin-contradiction').textContent).toContain('不能停用自己');
  });
});

describe('organisations', () => {
  it('stand as a tree, and one cannot be put below itself', async () => {
    const { all } = await open(OrgsTab);
    await vi.waitFor(() => expect(all('admin-org-row').length).toBe(6));
    expect(all('admin-org-row')[2]?.text()).toBe('连云港平安安全技术培训有限公司');
    expect((all('admin-org-row')[2]?.element as HTMLElement).style.paddingLeft).toBe('40px');
  });

  it('a new one needs a code, a name and one above it', async () => {
    const { core, all, click } = await open(OrgsTab, { admin_org_put: () => ({}) });
    await vi.waitFor(() => expect(all('admin-org-row').length).toBe(6));
    await click('admin-org-add');
    submitOutside('admin-org-dialog');
    await flushPromises();
    expect(outside('admin-org-dialog').textContent).toContain('请填写代码');
    expect(core.requests('admin_org_put')).toEqual([]);
    await typeOutside('admin-org-code', '320724');
    await typeOutside('admin-org-name', '灌南县应急管理局');
    submitOutside('admin-org-dialog');
    await flushPromises();
    expect(core.requests('admin_org_put')).toEqual([
      { code: '320724', is_new: true, name: '灌南县应急管理局', short_name: '', parent: '320700', kind: 'county', region: null },
    ]);
  });
});

describe('devices', () => {
  it('show when they were last there, with which software, and what became of an order', async () => {
    const { all, page } = await open(DevicesTab);
    await vi.waitFor(() => expect(all('admin-device-row').length).toBe(6));
    const standings = all('admin-device-standing').map((one) => one.text());
    expect(standings).toEqual(expect.arrayContaining(['使用中', '等待清除', '已锁定', '人员已停用']));
    expect(page.text()).toContain('0.0.9');
    expect(page.text()).toContain('从未联系');
  });

  it('are wiped only after the word was typed, and the dialog says what nobody can know', async () => {
    const { core, all } = await open(DevicesTab, { admin_device_revoke: () => ({}) });
    await vi.waitFor(() => expect(all('admin-device-row').length).toBe(6));
    const row = all('admin-device-row').findIndex((one) => one.text() === '联想 E14');
    expect(row).toBeGreaterThanOrEqual(0);
    const buttons = all('admin-device-revoke');
    await buttons.find((button) => button.element.closest('[role=row]')?.textContent?.includes('联想 E14'))?.trigger('click');
    await flushPromises();
    const dialog = outside('admin-revoke-dialog');
    expect(dialog.textContent).toContain('1,284');
    expect(dialog.textContent).toContain('服务器无从知道');
    const wipe = outside<HTMLInputElement>('admin-revoke-wipe');
    wipe.checked = true;
    wipe.dispatchEvent(new Event('change'));
    await flushPromises();
    expect(outside<HTMLButtonElement>('admin-send').disabled).toBe(true);
    submitOutside('admin-revoke-dialog');
    await typeOutside('admin-revoke-typed', '清');
    submitOutside('admin-revoke-dialog');
    await flushPromises();
    expect(core.requests('admin_device_revoke')).toEqual([]);
    await typeOutside('admin-revoke-typed', '清除');
    submitOutside('admin-revoke-dialog');
    await flushPromises();
    expect(core.requests('admin_device_revoke')).toEqual([{ device: '018f0000-0000-7000-8000-000000000101', order: 'wipe' }]);
  });

  it('offer no lighter order than the one that was given, and nothing for this very computer', async () => {
    const { all } = await open(DevicesTab);
    await vi.waitFor(() => expect(all('admin-device-row').length).toBe(6));
    const rowOf = (label: string) => all('admin-device-row').find((one) => one.text() === label)?.element.closest('[role=row]');
    expect(rowOf('执法三组')?.querySelector('[data-test=admin-device-revoke]')).toBeNull();
    expect(rowOf('市局办公室')?.querySelector('[data-test=admin-device-revoke]')).toBeNull();
    expect(rowOf('旧电脑')?.querySelector('[data-test=admin-device-unlock]')).not.toBeNull();
  });
});

describe('enrolment codes', () => {
  it('are shown large, once, with the fingerprint and until when they last', async () => {
    const slip = {
      id: '1',
      code: 'K7QM-2XRD-9ABF-4T2W',
      person_name: '周强',
      org_name: '东海县应急管理局',
      expires_at_ms: Date.UTC(2022, 3, 19, 2),
      server_name: '连云港市应急管理局中心端',
      server_url: 'https://shicha.example.gov.cn',
      fingerprint: '9F3A 00C1 7B2D E4F5 8890 1A2B 3C4D 5E6F',
    };
    const { core, all } = await open(PeopleTab, { admin_code_make: () => slip });
    await vi.waitFor(() => expect(all('admin-person-row').length).toBeGreaterThan(0));
    await all('admin-person-code')[0]?.trigger('click');
    await flushPromises();
    submitOutside('admin-code-dialog');
    await flushPromises();
    expect(core.requests('admin_code_make')).toEqual([{ person: '018f0000-0000-7000-8000-000000000001', days: 7 }]);
    expect(outside('admin-code-text').textContent).toBe(slip.code);
    expect(outside('admin-code-slip').textContent).toContain(slip.fingerprint);
    expect(outside('admin-code-slip').textContent).toContain('2022-04-19 10:00');
    const printed = vi.fn();
    vi.stubGlobal('print', printed);
    await pressOutside('admin-code-print');
    expect(printed).toHaveBeenCalledOnce();
    expect(document.querySelector('.printed-slip')?.textContent).toContain(slip.code);
    window.dispatchEvent(new Event('afterprint'));
    expect(document.querySelector('.printed-slip')).toBeNull();
  });

  it('are withdrawn after a question', async () => {
    const { core, all, click } = await open(CodesTab, { admin_code_withdraw: () => ({}) });
    await vi.waitFor(() => expect(all('admin-code-row').length).toBe(2));
    await click('admin-code-withdraw');
    pendingConfirm.value?.answer(false);
    await flushPromises();
    expect(core.requests('admin_code_withdraw')).toEqual([]);
    await click('admin-code-withdraw');
    pendingConfirm.value?.answer(true);
    await flushPromises();
    expect(core.requests('admin_code_withdraw')).toEqual([{ id: '00112233445566aa' }]);
  });
});

describe('refused entries', () => {
  const release = { admin_refused_release: () => ({}) };

  it('say why they were refused, and those that nobody may let in say so', async () => {
    const { all, at } = await open(RefusedTab);
    await vi.waitFor(() => expect(all('admin-refused-row').length).toBe(4));
    expect(all('admin-refused-release').length).toBe(3);
    expect(at('admin-refused').text()).toContain('不可放行');
    expect(at('admin-refused').text()).toContain('此人的岗位不能做这一步');
  });

  it('are let in with a reason, one or all alike in the order in which they were written', async () => {
    const { core, all } = await open(RefusedTab, release);
    await vi.waitFor(() => expect(all('admin-refused-row').length).toBe(4));
    const first = async () => {
      await all('admin-refused-release')[0]?.trigger('click');
      await flushPromises();
    };
    await first();
    submitOutside('admin-release-dialog');
    await flushPromises();
    expect(core.requests('admin_refused_release'), 'not without a reason').toEqual([]);
    await typeReason('岗位登记有误');
    submitOutside('admin-release-dialog');
    await flushPromises();
    const one = { device: '018f0000-0000-7000-8000-000000000102', reason: '岗位登记有误' };
    expect(core.requests('admin_refused_release')).toEqual([{ ...one, seq: 88 }]);
    await first();
    outside<HTMLInputElement>('admin-release-all').click();
    await typeReason('岗位登记有误');
    submitOutside('admin-release-dialog');
    await flushPromises();
    expect(core.requests('admin_refused_release').slice(1)).toEqual([{ ...one, seq: 87 }, { ...one, seq: 88 }]);
  });
});

describe('packs', () => {
  const chosen = { kind: 'path' as const, path: '/usb/pack.json', name: 'pack.json' };

  it('lists every fault of a file with its place, and offers nothing to publish', async () => {
    vi.spyOn(platform, 'openFiles').mockResolvedValue([chosen]);
    const fault = { line: 12, column: 5, path: 'checklists[0].sections[1]', reason_zh: '引用的法律依据不存在', reason_en: 'no such law' };
    const { click, all, at } = await open(PacksTab, {
      admin_pack_check: () => ({ name: 'pack.json', token: null, faults: [fault, { ...fault, line: 40 }], about: null }),
    });
    await click('admin-pack-choose');
    expect(all('admin-pack-fault').map((one) => one.text())).toEqual([
      expect.stringContaining('第 12 行第 5 列'),
      expect.stringContaining('引用的法律依据不存在'),
    ]);
    expect(at('admin-pack-publish').exists()).toBe(false);
  });

  it('shows what a new version changes, and publishes it after a question', async () => {
    vi.spyOn(platform, 'openFiles').mockResolvedValue([chosen]);
    const about = {
      id: 'lyg-2021-training',
      version: '1.2.0',
      title: '连云港市安全生产培训考试专项整治',
      valid_from: '2021-12-01',
      valid_to: '2022-06-30',
      checklists: 3,
      items: 70,
      newest: '1.1.0',
      above: null,
      rises: true,
      changes: [{ part: 'item', kind: 'added', id: 'TI-9.1', title: '是否建立台账' }],
    };
    const { core, click, all } = await open(PacksTab, {
      admin_pack_check: () => ({ name: 'pack.json', token: 'T', faults: [], about }),
      admin_pack_publish: () => ({}),
    });
    await click('admin-pack-choose');
    expect(all('admin-pack-change').map((one) => one.text())).toEqual([expect.stringContaining('TI-9.1')]);
    await click('admin-pack-publish');
    pendingConfirm.value?.answer(true);
    await flushPromises();
    expect(core.requests('admin_pack_publish')).toEqual([{ token: 'T' }]);
  });
});

describe('the audit log', () => {
  it('says who did what to whom, and what changed, in the words of the screens', async () => {
    const { all } = await open(AuditTab);
    const texts = all('admin-audit-row').map((row) => row.text());
    expect(texts.length).toBe(8);
    expect(texts[2]).toContain('修改人员');
    expect(texts[2]).toContain('岗位：执法人员 → 监管人员');
    expect(texts[6]).toContain('服务器命令行');
  });

  it('goes on where it ended, and starts over with another search', async () => {
    const { core, click, type, all } = await open(AuditTab, {
      admin_audit: ({ before }) => (before === null ? adminAudit() : { known: live, rows: [], more: false }),
    });
    await click('admin-audit-more');
    expect(core.requests('admin_audit').at(-1)?.before).toBe(1);
    expect(all('admin-audit-row').length).toBe(8);
    await type('admin-audit-search', '周强');
    await vi.waitFor(() => expect(core.requests('admin_audit').at(-1)).toEqual({ filter: { text: '周强', act: null, since_ms: null, until_ms: null }, before: null }));
  });
});
