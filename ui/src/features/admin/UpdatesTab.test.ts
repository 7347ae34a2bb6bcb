import { flushPromises } from '@vue/test-utils';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { pendingConfirm } from '@/components/confirm';
import { adminUpdates, offline } from '@/testing/admin';
import { installFakeCore, type Answers } from '@/testing/fakeCore';
import { freshStores, mountPage } from '@/testing/mountPage';
import UpdatesTab from './UpdatesTab.vue';

beforeEach(freshStores);

async function open(more: Answers = {}) {
  const core = installFakeCore({ admin_updates: () => adminUpdates(), ...more });
  const mounted = await mountPage(UpdatesTab);
  await flushPromises();
  return { core, ...mounted };
}

describe('updates at the server', () => {
  it('show how far each has got, in all and for whom it was released', async () => {
    const { all } = await open();
    expect(all('admin-update-have').map((line) => line.text())).toEqual(['0 / 31 台已在使用', '12 / 31 台已在使用']);
    const releases = all('admin-update-release').map((row) => row.text());
    expect(releases[0]).toContain('连云区应急管理局');
    expect(releases[0]).toContain('12 / 14 台');
    expect(releases[1]).toContain('由上级发放');
    expect(all('admin-update-withdraw')).toHaveLength(1);
  });

  it('are released for the chosen organisation after a question', async () => {
    const { core, page, click } = await open({ admin_update_release: () => ({}) });
    page.findAllComponents({ name: 'ElSelect' })[0]?.vm.$emit('update:modelValue', '320703');
    await flushPromises();
    await click('admin-update-release-button');
    expect(pendingConfirm.value?.request.title).toContain('把 0.3.0 发放给连云区应急管理局');
    pendingConfirm.value?.answer(true);
    await flushPromises();
    expect(core.requests('admin_update_release')).toEqual([{ name: 'Shicha-0.3.0-setup.exe', org: '320703' }]);
    expect(core.requests('admin_updates')).toHaveLength(2);
  });

  it('are taken back after a question that says what stays', async () => {
    const { core, click } = await open({ admin_update_withdraw: () => ({}) });
    await click('admin-update-withdraw');
    expect(pendingConfirm.value?.request.text).toContain('已经装好的继续使用');
    pendingConfirm.value?.answer(true);
    await flushPromises();
    expect(core.requests('admin_update_withdraw')).toEqual([{ name: 'Shicha-0.2.0-setup.exe', org: '320703' }]);
  });

  it('cannot be changed while the server is away', async () => {
    const { at, all } = await open({ admin_updates: () => adminUpdates(offline) });
    await vi.waitFor(() => expect(all('admin-update').length).toBe(2));
    expect(at('admin-known').text()).toContain('现在连不上服务器');
    expect(at('admin-update-withdraw').attributes('disabled')).toBeDefined();
  });

  it('are put there by the operator, and the page says so while there is none', async () => {
    const { page } = await open({ admin_updates: () => ({ ...adminUpdates(), rows: [] }) });
    expect(page.text()).toContain('服务器上还没有软件更新');
  });
});
