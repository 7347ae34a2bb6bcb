import { flushPromises } from '@vue/test-utils';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import EChart from '@/components/EChart.vue';
import { emptyInspectionFilter } from '@/core/inspectionFilter';
import { ApiError } from '@/errors';
import { platform } from '@/platform';
import { useSync } from '@/stores/sync';
import { installFakeCore, type Answers } from '@/testing/fakeCore';
import { freshStores, mountPage } from '@/testing/mountPage';
import { directory, overview, packsList, syncStatus } from '@/testing/samples';
import OverviewPage from './OverviewPage.vue';
import { useOverview } from './store';

// The drawing needs a layout engine; the end-to-end tests have one.
vi.mock('@/components/EChart.vue', async () => {
  const { h } = await import('vue');
  return { default: { props: ['label', 'option', 'height'], emits: ['pick'], render: () => h('div') } };
});

beforeEach(freshStores);

const HOUR_MS = 3_600_000;

async function open(answers: Answers = {}, sync = syncStatus({ last_success_ms: Date.now() - HOUR_MS })) {
  const core = installFakeCore({
    overview_get: () => overview(),
    overview_export: () => ({ token: 't1', name: '检查概况.xlsx', mime: '', size: 1 }),
    directory_get: () => directory(),
    packs_list: () => packsList(),
    ...answers,
  });
  useSync().status = sync;
  const mounted = await mountPage(OverviewPage);
  const rows = (id: string) => mounted.at(`overview-table-${id}`).findAll('[data-test=overview-row]');
  const texts = (id: string) => rows(id).map((row) => row.findAll('th, td').map((cell) => cell.text()));
  const whereTo = () => {
    const { name, query } = mounted.router.currentRoute.value;
    return { name, query };
  };
  return { core, rows, texts, whereTo, ...mounted };
}

describe('the overview', () => {
  it('shows the figures of the scope', async () => {
    const { at } = await open();
    expect(at('overview-tile-inspections').text()).toContain('42');
    expect(at('overview-tile-signed').text()).toContain('占 95%');
    expect(at('overview-tile-subjects').text()).toContain('共 200 家，覆盖 15%');
    expect(at('overview-tile-findings').text()).toContain('65');
    expect(at('overview-tile-conflicts').text()).toContain('1');
  });

  it('gives the figures of every chart as a table beside it', async () => {
    const { texts } = await open();
    expect(texts('county')).toEqual([
      ['连云港市应急管理局', '12', '12', '20'],
      ['东海县应急管理局', '30', '28', '45'],
    ]);
    expect(texts('item')[0]).toEqual(['TI-1.4', '实操教室面积是否达到要求', '40', '18', '45%']);
    expect(texts('week')).toHaveLength(3);
    expect(texts('kind').map(([name]) => name)).toEqual(['考试机构', '安全培训机构']);
  });

  it('shows the tables alone to whoever wants no chart', async () => {
    const { page, at } = await open();
    await page.find('.figure-panel .swap').trigger('click');
    expect(at('overview-chart-county').exists()).toBe(false);
    expect(at('overview-table-county').exists()).toBe(true);
    await page.find('.figure-panel .swap').trigger('click');
    expect(at('overview-chart-county').exists()).toBe(true);
  });

  it('leads from a row, and from its bar, to the inspections that it counts', async () => {
    const { page, rows, router, whereTo } = await open();
    useOverview().kind = 'training_institution';
    await flushPromises();
    await rows('county')[1]?.trigger('click');
    await flushPromises();
    const donghai = { name: 'inspections', query: { org: '320722', subject_kind: 'training_institution', stage: 'valid' } };
    expect(whereTo()).toEqual(donghai);
    await router.push('/');
    page.findComponent(EChart).vm.$emit('pick', '东海县', 1);
    await flushPromises();
    expect(whereTo()).toEqual(donghai);
  });

  it('leads from an item to the inspections where it did not conform', async () => {
    const { rows, whereTo } = await open();
    await rows('item')[0]?.trigger('click');
    await flushPromises();
    expect(whereTo()).toEqual({ name: 'inspections', query: { item: 'TI-1.4', item_result: 'nonconforming', stage: 'valid' } });
  });

  it('marks what is not signed as provisional, and says nothing where all is signed', async () => {
    const { core, at, page } = await open();
    expect(at('overview-provisional').text()).toContain('含尚未签名的检查 2 次');
    core.answer({ overview_get: () => overview({ signed: 42 }) });
    await useOverview().load();
    await flushPromises();
    expect(page.text()).not.toContain('暂定');
  });

  it('counts what came after a signature, and says that it changed nothing', async () => {
    const { at } = await open({ overview_get: () => overview({ late: 3 }) });
    expect(at('overview-tile-late').text()).toContain('3');
    expect(at('overview-tile-late').text()).toContain('不改变已签的内容');
  });

  it('counts whole days, the last one included', async () => {
    const { core } = await open();
    useOverview().dates = ['2022-04-01', '2022-04-30'];
    await flushPromises();
    expect(core.requests('overview_get').at(-1)?.filter).toEqual({
      ...emptyInspectionFilter(),
      from_ms: Date.UTC(2022, 2, 31, 16),
      to_ms: Date.UTC(2022, 3, 30, 16),
    });
  });

  it('exports the figures that the filter shows', async () => {
    const { core, click } = await open();
    const clicked = vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(() => undefined);
    useOverview().region = '320722';
    await flushPromises();
    await click('overview-export');
    expect(core.requests('overview_export')).toEqual([{ filter: { ...emptyInspectionFilter(), region: '320722' } }]);
    expect(platform.kind).toBe('browser');
    expect(clicked).toHaveBeenCalledOnce();
  });

  it('keeps the figures on the screen and says so when newer ones cannot be read', async () => {
    const { core, page, at } = await open();
    core.answer({
      overview_get: () => {
        throw new ApiError('internal', {});
      },
    });
    await useOverview().load();
    await flushPromises();
    expect(page.find('[role=alert]').exists()).toBe(true);
    expect(at('overview-tile-inspections').text()).toContain('42');
  });

  it('explains an empty overview, and lets go of filters that leave nothing', async () => {
    const nothing = overview({ inspections: 0, signed: 0, findings: 0, by_org: [], by_item: [], by_week: [], by_kind: [] });
    const { page, click } = await open({ overview_get: () => nothing });
    expect(page.text()).toContain('辖区内的检查送达后');
    useOverview().phase = 'enforcement';
    await flushPromises();
    expect(page.text()).toContain('没有符合条件的检查');
    await click('overview-clear');
    expect(useOverview().isFiltered).toBe(false);
  });
});

describe('how up to date the figures are', () => {
  it('stands above them', async () => {
    const { at } = await open();
    expect(at('overview-as-of').text()).toContain('1小时前');
    expect(at('overview-as-of').text()).not.toContain('落后');
  });

  it('warns when the last synchronisation is more than a day ago, or when there was none', async () => {
    const { at } = await open({}, syncStatus({ last_success_ms: Date.now() - 30 * HOUR_MS }));
    expect(at('overview-as-of').text()).toContain('已经超过一天没有同步');
    useSync().status = syncStatus();
    await flushPromises();
    expect(at('overview-as-of').text()).toContain('还没有同步过');
  });
});
