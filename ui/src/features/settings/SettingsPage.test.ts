import { flushPromises } from '@vue/test-utils';
import { beforeEach, describe, expect, it } from 'vitest';
import type { DesktopView } from '@/bindings/DesktopView';
import type { VerifyView } from '@/bindings/VerifyView';
import { locale } from '@/i18n';
import { useApp } from '@/stores/app';
import { installFakeCore } from '@/testing/fakeCore';
import { freshStores, mountPage } from '@/testing/mountPage';
import { appStatus, packBelow, packsList } from '@/testing/samples';
import SettingsPage from './SettingsPage.vue';

beforeEach(freshStores);

const NO_DESKTOP: DesktopView = { starts_at_logon: null, stays: null, notices: null };

async function open(
  verify: () => VerifyView | Promise<VerifyView> = () => ({ entries: 0, first_bad: null }),
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
    finish({ entries: 4800, first_bad: null });
    await flushPromises();
    expect(at('settings-verify-result').text()).toContain('4,800 条记录首尾相连');
  });

  it('names the first entry that does not fit, and what to do', async () => {
    const { click, at } = await open(() => ({
      entries: 17,
      first_bad: { device: '018f0000-0000-7000-8000-00000000d001', seq: 17, reason: 'hash of the previous entry differs' },
    }));
    await click('settings-verify');
    const text = at('settings-verify-result').text();
    expect(text).toContain('第 17 条');
    expect(text).toContain('hash of the previous entry differs');
    expect(text).toContain('告诉管理员');
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
