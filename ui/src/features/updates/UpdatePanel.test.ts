import { flushPromises } from '@vue/test-utils';
import { beforeEach, describe, expect, it } from 'vitest';
import type { UpdateView } from '@/bindings/UpdateView';
import { pendingConfirm } from '@/components/confirm';
import { ApiError } from '@/errors';
import SettingsPage from '@/features/settings/SettingsPage.vue';
import { useApp } from '@/stores/app';
import { useUpdates } from '@/stores/updates';
import { installFakeCore, type Answers } from '@/testing/fakeCore';
import { freshStores, mountPage } from '@/testing/mountPage';
import { appStatus, me, packsList } from '@/testing/samples';
import { updateView } from '@/testing/updates';

beforeEach(freshStores);

const READY: Partial<UpdateView> = { stage: 'ready', version: '0.2.0', notes: '检查表打开更快\n修正日期', size: 62_000_000, have: 62_000_000, held: '0.2.0' };

async function open(view: Partial<UpdateView> = {}, answers: Answers = {}, who = me()) {
  const core = installFakeCore({ packs_list: packsList, update_get: () => updateView(view), ...answers });
  useApp().take(appStatus({ me: who }));
  const mounted = await mountPage(SettingsPage);
  await flushPromises();
  return { core, ...mounted };
}

describe('the card of updates', () => {
  it('says that there is none, when the server was asked, and asks at once', async () => {
    const { core, at, click } = await open({}, { update_check: () => ({}) });
    expect(at('update-panel').text()).toContain('没有可用的新版本');
    expect(at('update-panel').text()).toContain('2022-04-12 10:00');
    await click('update-check');
    expect(core.requests('update_check')).toHaveLength(1);
  });

  it('follows an update as it comes', async () => {
    const { core, at } = await open();
    core.emit({ kind: 'update', view: updateView({ stage: 'fetching', version: '0.2.0', have: 31_000_000, size: 62_000_000 }) });
    await flushPromises();
    expect(at('update-fetching').text()).toContain('正在后台下载 0.2.0');
    core.emit({ kind: 'update', view: updateView(READY) });
    await flushPromises();
    expect(at('update-ready').text()).toContain('签名有效');
    expect(at('update-notes').text()).toBe('检查表打开更快\n修正日期');
  });

  it('installs only after a question that says what happens, that records stay and how long it takes', async () => {
    const { core, click } = await open(READY, { update_install: () => ({}) });
    await click('update-install');
    const text = `${pendingConfirm.value?.request.title}${pendingConfirm.value?.request.text}`;
    for (const word of ['0.2.0', '备份', '关闭窗口', '一两分钟', '都保留', '换回 0.1.0', '不要关机']) expect(text).toContain(word);
    pendingConfirm.value?.answer(false);
    await flushPromises();
    expect(core.requests('update_install')).toEqual([]);
    await click('update-install');
    pendingConfirm.value?.answer(true);
    await flushPromises();
    expect(core.requests('update_install')).toEqual([{ version: '0.2.0' }]);
    expect(useUpdates().installing).toBe('0.2.0');
  });

  it('says why nothing was begun, and lets the person go on working', async () => {
    const refuse = (): never => {
      throw new ApiError('update_refused', { reason: 'busy' });
    };
    const { at, click } = await open(READY, { update_install: refuse });
    await click('update-install');
    pendingConfirm.value?.answer(true);
    await flushPromises();
    expect(at('update-refusal').text()).toContain('还有别的操作没有做完');
    expect(useUpdates().installing).toBeNull();
  });

  it('offers no button where it cannot be installed, and says why', async () => {
    const { at, all } = await open({ ...READY, obstacle: 'not_installed' });
    expect(all('update-install')).toHaveLength(0);
    expect(at('update-obstacle').text()).toContain('不是用安装程序装在本机的');
  });

  it('says why an update was not taken, and tries again on a wish', async () => {
    const { core, at, click } = await open({ stage: 'failed', version: '0.2.0', fault: 'altered' }, { update_again: () => ({}) });
    expect(at('update-failed').text()).toContain('不完整或被改动过');
    await click('update-again');
    expect(core.requests('update_again')).toHaveLength(1);
  });

  it('tells what a code means that it does not know', async () => {
    const { at } = await open({ stage: 'failed', fault: 'of_tomorrow' });
    expect(at('update-failed').text()).toContain('of_tomorrow');
  });

  it('offers administrators to fetch one for computers without a network, and nobody else', async () => {
    const administrator = await open({}, { update_fetch: () => ({}) }, me({ role: 'administrator' }));
    await administrator.click('update-fetch');
    expect(administrator.core.requests('update_fetch')).toHaveLength(1);
    freshStores();
    expect((await open()).all('update-fetch')).toHaveLength(0);
  });

  it('asks nothing of a server where the computer knows no address', async () => {
    const { all, at } = await open({ asked_at_ms: null }, {}, me({ server_url: '' }));
    expect(all('update-check')).toHaveLength(0);
    expect(at('update-panel').text()).toContain('数据包');
  });

  it('says what to do where the build takes no updates', async () => {
    const { at } = await open({ stage: 'off' });
    expect(at('update-panel').text()).toContain('新的安装程序');
  });
});
