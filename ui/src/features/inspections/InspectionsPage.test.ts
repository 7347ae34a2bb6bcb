import { flushPromises } from '@vue/test-utils';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Role } from '@/bindings/Role';
import { useApp } from '@/stores/app';
import { installFakeCore } from '@/testing/fakeCore';
import { freshStores, mountPage } from '@/testing/mountPage';
import { appStatus, directory, inspectionRow, me, packsList } from '@/testing/samples';
import InspectionsPage from './InspectionsPage.vue';

const SIGNED = inspectionRow({ record: '018f0000-0000-7000-8000-00000000a002', stage: 'signed' });
const ELSEWHERE = inspectionRow({ record: '018f0000-0000-7000-8000-00000000a003', org: '320722' });

beforeEach(() => {
  freshStores();
  document.body.innerHTML = '';
});

async function open(at = '/inspections', role: Role = 'inspector') {
  const core = installFakeCore({
    inspections_list: () => ({ total: 3, rows: [inspectionRow(), SIGNED, ELSEWHERE] }),
    directory_get: () => directory(),
    packs_list: () => packsList(),
  });
  useApp().take(appStatus({ me: me({ role }) }));
  const mounted = await mountPage(InspectionsPage, { at });
  const openRow = async (record: string) => {
    await mounted.page.find(`[role=row][data-key="${record}"]`).trigger('click');
    await flushPromises();
  };
  return { core, openRow, ...mounted };
}

describe('choosing inspections for a package', () => {
  it('takes exactly the chosen ones to the page of packages, and opens none', async () => {
    const { all, click, router } = await open();
    const ticks = all('table-tick');
    await ticks[0]?.trigger('click');
    await ticks[2]?.trigger('click');
    await flushPromises();
    await click('pack-button');
    await flushPromises();
    expect(router.currentRoute.value.name).toBe('packages');
    expect(router.currentRoute.value.query.records).toBe(`${inspectionRow().record},${ELSEWHERE.record}`);
  });

  it('says what to do where none is chosen', async () => {
    const { click, router } = await open();
    await click('pack-button');
    await flushPromises();
    expect(router.currentRoute.value.name).not.toBe('packages');
    expect(document.body.textContent).toContain('请先在列表左侧勾选');
  });
});

describe('the list of inspections', () => {
  it('shows exactly what its address stands for', async () => {
    const { core } = await open('/inspections?item=TI-1.4&item_result=nonconforming&org=320722&region=320722&from_ms=1000&to_ms=2000');
    expect(core.requests('inspections_list')[0]?.filter).toMatchObject({
      item: 'TI-1.4',
      item_result: 'nonconforming',
      org: '320722',
      region: '320722',
      from_ms: 1000,
      to_ms: 2000,
    });
  });

  it('searches as one types, once for a word, and keeps the word in the address', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { core, at, router } = await open();
    const input = at('inspections-search').find('input');
    for (const text of ['安', '安泰']) await input.setValue(text);
    await vi.advanceTimersByTimeAsync(500);
    await flushPromises();
    vi.useRealTimers();
    expect(core.requests('inspections_list').map(({ filter }) => filter.query)).toEqual([null, '安泰']);
    expect(router.currentRoute.value.query).toEqual({ query: '安泰' });
  });

  it('has the newest at the top until another order is chosen', async () => {
    const { core, page } = await open();
    expect(core.requests('inspections_list')[0]).toMatchObject({ sort: 'started', descending: true });
    await page.findAll('[role=columnheader] button')[0]?.trigger('click');
    await flushPromises();
    expect(core.requests('inspections_list').at(-1)).toMatchObject({ sort: 'subject', descending: false });
  });

  it('opens my own open inspection to be filled in', async () => {
    const { openRow, router } = await open();
    await openRow(inspectionRow().record);
    expect(router.currentRoute.value.name).toBe('inspection');
  });

  it.each([
    ['what is signed', SIGNED.record],
    ['what another bureau fills in', ELSEWHERE.record],
  ])('opens %s to be read', async (_, record) => {
    const { openRow, router } = await open();
    await openRow(record);
    expect(router.currentRoute.value).toMatchObject({ name: 'record', params: { record } });
  });

  it('lets an institution read and begin nothing, even by address', async () => {
    const { all } = await open('/inspections?new=1', 'institution');
    expect(all('inspections-new')).toEqual([]);
    expect(document.querySelector('[data-test="new-inspection"]')).toBeNull();
  });
});
