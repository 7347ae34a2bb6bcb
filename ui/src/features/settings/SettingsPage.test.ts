import { flushPromises } from '@vue/test-utils';
import { beforeEach, describe, expect, it } from 'vitest';
import type { DesktopView } from '@/bindings/DesktopView';
import type { VerifyMarkView } from '@/bindings/VerifyMarkView';
import type { VerifyView } from '@/bindings/VerifyView';
import { locale } from '@/i18n';
import { useApp } from '@/stores/app';
import { installFakeCore } from '@/testing/fakeCore';
import { freshStores, mountPage } from '@/testing/mountPage';
import { appStatus, packBelow, packsList } from '@/testing/samples';
import SettingsPage from './SettingsPage.vue';

beforeEach(freshStores);

const NO_DESKTOP: DesktopView = { starts_at_logon: null, stays: null, notices: null };

function verified(over: Partial<VerifyView> = {}): VerifyView {
  return { entries: 0, records: 0, signatures: 0, first_bad: null, marks: [], marks_left_out: 0, unproved: 0, ...over };
}

function mark(kind: string, over: Partial<VerifyMarkView> = {}): VerifyMarkView {
  const nothing = { device: null, record: null, claimed_ms: null, since_ms: null, received_ms: null };
  return { ...nothing, kind, device_label: '外勤 2 号', seq: 9, author: '王五', count: 3, held: 1, counts: false, knew_of_first: false, ...over };
}

async function open(
  verify: () => VerifyView | Promise<VerifyView> = () => verified(),
  desktop: DesktopView = NO_DESKTOP,
) {
  const core = installFakeCore({
    packs_list: packsList,
    verify,
    setting_set: ({ value }) => appStatus({ language: value }),
    desktop_get: () => desktop,
    desktop_set: ({ stays, notices }) => ({ ...desktop, stays: stays ?? desktop.stays, notices: notices ?? desktop.notices }),
  });
  useApp().take(appStatus());
  return { core, ...(await mountPage(SettingsPage)) };
}

describe('the settings', () => {
  it('keeps the chosen language in the ledger, not only on the screen', async () => {
    const { core, click } = await open();
    await click('settings-language-en');
    expect(core.requests('setting_set')).toEqual([{ key: 'language', value: 'en' }]);
    expect(locale.value).toBe('en');
  });

  it('offers of the desktop what this computer can do, and nothing where it can do nothing', async () => {
    const { core, at, page } = await open(undefined, { starts_at_logon: null, stays: false, notices: true });
    expect(page.find('[data-test="settings-starts_at_logon"]').exists()).toBe(false);
    expect(at('settings-desktop').text()).toContain('关闭窗口后留在右下角继续送达');
    await at('settings-stays').find('input').setValue(true);
    await flushPromises();
    expect(core.requests('desktop_set')).toEqual([{ starts_at_logon: null, stays: true, notices: null }]);
    const bare = await open();
    expect(bare.page.find('[data-test="settings-desktop"]').exists()).toBe(false);
  });

  it('shows the fingerprint that was pinned at enrolment', async () => {
    const { at } = await open();
    expect(at('settings-fingerprint').text()).toBe('9F3A 00C1 7B2D E4F5 8890 1A2B 3C4D 5E6F');
  });

  it('shows how far verifying is and that all is well', async () => {
    let finish: (result: VerifyView) => void = () => undefined;
    const { core, click, at, page } = await open(() => new Promise((resolve) => (finish = resolve)));
    await click('settings-verify');
    core.emit({ kind: 'progress', task: 'verify', done: 1200, total: 4800 });
    core.emit({ kind: 'progress', task: 'rebuild', done: 1, total: 2 });
    await flushPromises();
    expect(page.text()).toContain('已核对 1,200 / 4,800 条');
    finish(verified({ entries: 4800, records: 120, signatures: 7, unproved: 2 }));
    await flushPromises();
    expect(at('settings-verify-result').text()).toContain('4,800 条记录首尾相连');
    expect(at('settings-verify-result').text()).toContain('120 份记录、7 个签名；2 条的时间未能证实');
    expect(page.find('[data-test="settings-verify-marks"]').exists()).toBe(false);
  });

  it('names the first entry that does not fit, and what to do', async () => {
    const first_bad = { device: '018f0000-0000-7000-8000-00000000d001', seq: 17, reason: 'contents' };
    const { click, at } = await open(() => verified({ entries: 17, first_bad }));
    await click('settings-verify');
    const text = at('settings-verify-result').text();
    expect(text).toContain('第 17 条');
    expect(text).toContain('写成之后被改过');
    expect(text).toContain('告诉管理员');
  });

  it.each([
    ['lives', '回执曾重新起算'],
    ['contested', '从第 9 条起有两种版本'],
    ['aside', '从第 9 条起有 3 条另存在旁'],
    ['back_dated', '倒签：“外勤 2 号”第 9 条'],
    ['ahead', '时间超前：“外勤 2 号”第 9 条'],
    ['digest', '王五 录入的签名（“外勤 2 号”第 9 条）与所签内容不符'],
    ['incomplete', '所签的 3 条中，这里只有 1 条'],
    ['version', '未包括此前收到的 3 条。 录入人知道已有签名'],
  ])('says of what verifying found (%s) what it is', async (kind, words) => {
    const found = mark(kind, { record: '018f0000-0000-7000-8000-00000000a001', knew_of_first: kind === 'version' });
    const { click, at } = await open(() => verified({ entries: 5, marks: [found], marks_left_out: 2 }));
    await click('settings-verify');
    const text = at('settings-verify-marks').text();
    expect(text).toContain(words);
    expect(text).toContain('值得一看');
    expect(text).toContain('同类情况还有 2 处');
    expect(text).toContain('查看记录');
    expect(at('settings-verify-result').text()).toContain('检验通过');
  });

  it('lists the packs with their checklists', async () => {
    const { at } = await open();
    expect(at('settings-packs').text()).toContain('安全培训机构检查表，34 项');
  });

  it.each([
    ['supervisor', true],
    ['administrator', true],
    ['inspector', false],
  ] as const)('says to a %s why a pack does not count, if that concerns them: %s', async (role, isTold) => {
    installFakeCore({ packs_list: () => ({ packs: [...packsList().packs, ...packBelow()] }), desktop_get: () => NO_DESKTOP });
    const status = appStatus();
    useApp().take({ ...status, me: status.me && { ...status.me, role } });
    const { at } = await mountPage(SettingsPage);
    const text = at('settings-packs').text();
    expect(text).toContain('安全生产培训“走过场”专项整治');
    expect(text.includes('不使用：连云港市应急管理局已发布同一编号的模板包')).toBe(isTold);
    expect(text.includes('县里改的模板')).toBe(isTold);
  });
});
