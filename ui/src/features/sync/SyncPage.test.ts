import { flushPromises } from '@vue/test-utils';
import { beforeEach, describe, expect, it } from 'vitest';
import type { SyncLog } from '@/bindings/SyncLog';
import type { SyncStatus } from '@/bindings/SyncStatus';
import { pendingConfirm } from '@/components/confirm';
import { setLocale } from '@/i18n';
import { installFakeCore } from '@/testing/fakeCore';
import { freshStores, mountPage } from '@/testing/mountPage';
import { useApp } from '@/stores/app';
import { appStatus, me, syncStatus } from '@/testing/samples';
import { logText } from './logText';
import SyncPage from './SyncPage.vue';

beforeEach(freshStores);

async function open(status: SyncStatus, log: Partial<SyncLog> = {}) {
  const core = installFakeCore({
    sync_status: () => status,
    sync_log: () => ({ rows: [], refused: [], contested: [], turned: [], is_copied: false, ...log }),
    contested_settle: () => ({}),
    sync_now: () => ({}),
    conflicts_list: () => ({ conflicts: [] }),
  });
  return { core, ...(await mountPage(SyncPage)) };
}

describe('the synchronisation page', () => {
  it('does not speak of receipts before the first one is there', async () => {
    const { at } = await open(syncStatus());
    expect(at('sync-phase').text()).toContain('服务器也还没有给过回执');
    expect(at('sync-last-receipt').text()).toContain('还没有');
  });

  it('says offline what is safe and when it tries again', async () => {
    const { at } = await open(syncStatus({ phase: 'offline', waiting_entries: 12, next_try_ms: Date.now() + 90_000 }));
    expect(at('sync-phase').text()).toContain('已存本机');
    expect(at('sync-next-try').text()).toMatch(/(1|2)\s*分钟后/);
    expect(at('sync-waiting-entries').text()).toContain('12');
  });

  it('shows what waits, how fast it goes and how long it will take', async () => {
    const { at } = await open(
      syncStatus({ phase: 'uploading', waiting_blobs: 3, waiting_bytes: 12 * 1024 * 1024, bytes_per_s: 1024 * 1024 }),
    );
    expect(at('sync-waiting-files').text()).toContain('12 MB');
    expect(at('sync-speed').text()).toContain('1 MB/秒');
    expect(at('sync-speed').text()).toMatch(/约需 12\s*秒/);
  });

  it('puts the last error into words with what to do, and begins at once when asked', async () => {
    const { core, at, click } = await open(syncStatus({ phase: 'needs_attention', last_error: { code: 'revoked', params: {} } }));
    expect(at('sync-error').text()).toContain('管理员已停用这台设备');
    expect(at('sync-error').text()).toContain('请联系管理员');
    await click('sync-now');
    expect(core.requests('sync_now')).toHaveLength(1);
  });

  it('says once that there is no network, and adds what else went wrong', async () => {
    const { at } = await open(syncStatus({ phase: 'offline', last_error: { code: 'unreachable', params: {} } }));
    expect(at('sync-phase').text()).toContain('连不上服务器');
    expect(at('sync-error').exists()).toBe(false);
    const other = await open(syncStatus({ phase: 'offline', last_error: { code: 'revoked', params: {} } }));
    expect(other.at('sync-error').text()).toContain('管理员已停用这台设备');
  });

  it('leads a computer that knows no address to the packages, and offers it no network', async () => {
    useApp().take(appStatus({ me: me({ server_url: '' }) }));
    const { at, click, router } = await open(syncStatus({ waiting_entries: 12 }));
    expect(at('sync-by-files').text()).toContain('用数据包带到中心端');
    expect(at('sync-now').exists()).toBe(false);
    await click('sync-packages');
    expect(router.currentRoute.value.name).toBe('packages');
  });

  it('tells whoever works with a copy of a ledger that there is another, and that nothing is lost', async () => {
    const one = await open(syncStatus());
    expect(one.at('sync-copied').exists()).toBe(false);
    const { at } = await open(syncStatus(), { is_copied: true });
    expect(at('sync-copied').text()).toContain('两边写下的内容都会保留');
  });

  it('lists refused entries with the reason, without hiding that they are kept', async () => {
    const { at } = await open(syncStatus(), {
      refused: [{ record: '018f0000-0000-7000-8000-00000000a001', title: '东海县安泰安全培训中心', seq: 41, code: 'channel', what: 'set', field: 'answers/TI-1.4/result', value: 'nonconforming', at_ms: 1 }],
    });
    expect(at('sync-refused-row').text()).toContain('东海县安泰安全培训中心');
    expect(at('sync-refused-row').text()).toContain('填写 TI-1.4 · 检查结果 不符合');
    expect(at('sync-refused').text()).toContain('仍完整保存在本机');
    expect(at('sync-refused-row').text()).toContain('您的岗位不能写入这个单位的台账');
    expect(at('sync-refused-row').find('a').attributes('href')).toBe('/record/018f0000-0000-7000-8000-00000000a001');
  });
});

describe('records that differ from a restored server', () => {
  const place = { device: '018f0000-0000-7000-8000-00000000d001', seq: 7, entry: 'ab'.repeat(32) };

  it('says what is here and what to do, and changes nothing until the person has agreed twice', async () => {
    const row = { place, device_label: '外勤一号', person_name: '丁思源', entries: 12, first_ms: 1, last_ms: 2 };
    const { core, at, click } = await open(syncStatus(), { contested: [row] });
    expect(at('sync-contested').text()).toContain('一条也不会动');
    expect(at('sync-contested-row').text()).toContain('丁思源 · 外勤一号');
    expect(at('sync-contested-row').text()).toContain('12 条');
    await click('sync-contested-settle');
    expect(pendingConfirm.value?.request.title).toContain('以中心端为准');
    pendingConfirm.value?.answer(false);
    await flushPromises();
    expect(core.requests('contested_settle')).toEqual([]);
    await click('sync-contested-settle');
    pendingConfirm.value?.answer(true);
    await flushPromises();
    expect(core.requests('contested_settle')).toEqual([place]);
  });
});

describe('records of which another version counts since a restored server was brought its older receipts', () => {
  it('are listed with the way to them until somebody settles between the versions', async () => {
    const record = '018f0000-0000-7000-8000-00000000a001';
    const { at } = await open(syncStatus(), { turned: [{ record, title: '某机构' }] });
    expect(at('sync-turned').text()).toContain('原来的版本仍完整保留');
    expect(at('sync-turned-row').text()).toContain('某机构');
    expect(at('sync-turned-row').find('a').exists()).toBe(true);
    const none = await open(syncStatus());
    expect(none.at('sync-turned').exists()).toBe(false);
  });
});

describe('a line of the log', () => {
  it('reads as a sentence in both languages', () => {
    const row = { at_ms: 1, code: 'pushed', params: { entries: 1234 } };
    expect(logText(row)).toBe('送达记录 1,234 条');
    setLocale('en');
    expect(logText(row)).toBe('1,234 records delivered');
  });

  it('explains a failure with the words of its error', () => {
    expect(logText({ at_ms: 1, code: 'failed', params: { code: 'unreachable' } })).toContain('连不上服务器');
  });

  it('shows the code of a newer version as it is', () => {
    expect(logText({ at_ms: 1, code: 'teleported', params: {} })).toBe('teleported');
  });
});
