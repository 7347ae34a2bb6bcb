import { flushPromises } from '@vue/test-utils';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { setLocale } from '@/i18n';
import { useApp } from '@/stores/app';
import { installFakeCore } from '@/testing/fakeCore';
import { freshStores, mountPage } from '@/testing/mountPage';
import { appStatus, findingRow, inspectionRow, me, packsList, syncStatus, workbench } from '@/testing/samples';
import { useSync } from '@/stores/sync';
import WorkbenchPage from './WorkbenchPage.vue';

beforeEach(freshStores);

async function open(view = workbench(), role: 'inspector' | 'institution' = 'inspector') {
  const core = installFakeCore({
    workbench_get: () => view,
    packs_list: packsList,
    conflicts_list: () => ({ conflicts: [] }),
    sync_now: () => ({}),
  });
  useApp().take(appStatus({ me: me({ role }) }));
  return { core, ...(await mountPage(WorkbenchPage)) };
}

describe('the workbench', () => {
  it('leads whoever starts with nothing to the first inspection', async () => {
    const { at, click, router } = await open();
    expect(at('wb-first-steps').text()).toContain('准备检查对象');
    await click('wb-new-inspection');
    expect(router.currentRoute.value).toMatchObject({ name: 'inspections', query: { new: '1' } });
  });

  it('continues the inspection that was touched last', async () => {
    const older = inspectionRow({ record: '018f0000-0000-7000-8000-00000000a002', updated_ms: 1 });
    const { click, router, all } = await open(workbench({ open: [older, inspectionRow()], open_total: 2 }));
    expect(all('wb-open-row')).toHaveLength(2);
    await click('wb-continue');
    expect(router.currentRoute.value.params.record).toBe(inspectionRow().record);
  });

  it('counts what is overdue and leads from a finding to its inspection', async () => {
    const due = [findingRow({ days_left: -3 }), findingRow({ record: '018f0000-0000-7000-8000-00000000c002', days_left: 0 })];
    const { at, all } = await open(workbench({ due, due_total: 2, signed_total: 4 }));
    expect(at('wb-tile-due').text()).toContain('其中逾期 1 项');
    expect(all('wb-due-row').map((row) => row.text())).toEqual([
      expect.stringContaining('逾期 3 天'),
      expect.stringContaining('今天到期'),
    ]);
    expect(at('wb-due-row').attributes('href')).toBe(`/record/${inspectionRow().record}?item=TI-1.4`);
  });

  it('shows obligations by date and folds those that have passed', async () => {
    const base = { title: '上月执法检查情况', reporter: '县区局', receiver: '市局', note: '' };
    const obligations = [
      { ...base, code: 'D06', due: '2022-06-02', days_left: 31 },
      { ...base, code: 'D05', due: '2022-05-02', days_left: 0 },
      { ...base, code: 'D01', due: '2022-01-05', days_left: -117 },
    ];
    const { at, page } = await open(workbench({ obligations }));
    const codes = () => page.findAll('[data-test^="wb-obligation-"]').map((one) => one.attributes('data-test'));
    expect(codes()).toEqual(['wb-obligation-D05', 'wb-obligation-D06']);
    expect(at('wb-obligation-D05').text()).toContain('就在今天');
    await at('wb-obligations').find('button').trigger('click');
    expect(codes()[0]).toBe('wb-obligation-D01');
    expect(at('wb-obligation-D01').text()).toContain('已过 117 天');
  });

  it('says that everything is delivered only when there is a receipt', async () => {
    const { at, page } = await open();
    expect(at('wb-tile-waiting').text()).toContain('尚未收到服务器回执');
    useSync().status = syncStatus({ last_receipt_ms: 1 });
    await page.vm.$nextTick();
    expect(at('wb-tile-waiting').text()).toContain('全部送达');
    useSync().status = syncStatus({ waiting_entries: 2, last_receipt_ms: 1 });
    await page.vm.$nextTick();
    expect(at('wb-tile-waiting').text()).not.toContain('全部送达');
  });

  it('reads again when records changed, and keeps what it shows when that fails', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { core, at, page } = await open(workbench({ open: [inspectionRow()], open_total: 1 }));
    core.answer({
      workbench_get: () => {
        throw { code: 'storage', params: {} };
      },
    });
    core.emit({ kind: 'changed', records: [], source: 'sync' });
    await vi.advanceTimersByTimeAsync(400);
    await flushPromises();
    vi.useRealTimers();
    expect(page.text()).toContain('台账读写失败');
    expect(at('wb-open-row').exists()).toBe(true);
  });

  it('offers no inspection to an institution, and speaks English when asked to', async () => {
    const { at } = await open(workbench(), 'institution');
    expect(at('wb-new-inspection').exists()).toBe(false);
    setLocale('en');
    await flushPromises();
    expect(at('wb-tile-conflicts').text()).toContain('Conflicts to settle');
  });
});
