import { flushPromises } from '@vue/test-utils';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { dayAfter, today } from '@/days';
import { ApiError } from '@/errors';
import { installFakeCore, type Answers } from '@/testing/fakeCore';
import { freshStores, mountPage } from '@/testing/mountPage';
import { directory, findingRow } from '@/testing/samples';
import FindingsPage from './FindingsPage.vue';
import { findingProvider } from './quick';
import { emptyFindingFilter, useFindingList } from './store';

beforeEach(freshStores);

const LATE = findingRow({ record: '018f0000-0000-7000-8000-00000000c002', item: 'EX-2.3', days_left: -3, due: '2022-04-20', state: 'overdue' });
const DONE = findingRow({ record: '018f0000-0000-7000-8000-00000000c003', days_left: -40, state: 'verified' });

async function open(answers: Answers = {}) {
  const rows = [findingRow(), LATE, DONE];
  const core = installFakeCore({
    directory_get: () => directory(),
    findings_list: () => ({ total: rows.length, rows }),
    ...answers,
  });
  return { core, ...(await mountPage(FindingsPage)) };
}

function rowTexts(): string[] {
  return [...document.querySelectorAll('[role=row][data-key]')].map((row) => row.textContent ?? '');
}

describe('the list of findings', () => {
  it('begins with the most urgent deadline and counts the days left', async () => {
    const { core, at } = await open();
    expect(core.requests('findings_list')[0]).toMatchObject({ sort: 'due', descending: false });
    expect(rowTexts()[0]).toContain('还有 5 天');
    expect(rowTexts()[1]).toContain('逾期 3 天');
    expect(at('findings-total').text()).toBe('共 3 条');
  });

  it('begins with what still asks for something, and shows the rest on request', async () => {
    const { core, page } = await open();
    expect(core.requests('findings_list')[0]?.filter.state).toBe('not_verified');
    useFindingList().state = '';
    await flushPromises();
    expect(core.requests('findings_list').at(-1)?.filter.state).toBeNull();
    expect(page.text()).toContain('状态 · 全部状态');
  });

  it('calls nothing overdue that was verified', async () => {
    await open();
    expect(rowTexts()[2]).toContain('已复查通过');
    expect(rowTexts()[2]).not.toContain('逾期');
  });

  it('opens the inspection at the item that the finding is about', async () => {
    const { all, router } = await open();
    await all('finding-row')[1]?.trigger('click');
    await flushPromises();
    expect(router.currentRoute.value).toMatchObject({ name: 'record', params: { record: LATE.inspection }, query: { item: 'EX-2.3' } });
  });

  it('asks the core for what is due, in days of the bureaus’ calendar', async () => {
    const { core, page } = await open();
    const store = useFindingList();
    store.due = 'overdue';
    await flushPromises();
    store.due = 'week';
    await flushPromises();
    expect(core.requests('findings_list').map(({ filter }) => filter.due_before)).toEqual([null, today(), dayAfter(today(), 8)]);
    expect(page.text()).toContain('期限 · 7 天内到期（含逾期）');
  });

  it('searches by what one types', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { core, at } = await open();
    await at('findings-search').find('input').setValue('实操');
    await vi.advanceTimersByTimeAsync(500);
    await flushPromises();
    vi.useRealTimers();
    expect(core.requests('findings_list').at(-1)?.filter.query).toBe('实操');
  });

  it('says why it is empty, and offers the way back when a filter hides everything', async () => {
    const { page } = await open({ findings_list: () => ({ total: 0, rows: [] }) });
    expect(page.text()).toContain('检查签名后');
    useFindingList().state = 'escalated';
    await flushPromises();
    expect(page.text()).toContain('没有符合条件的问题');
    await page.find('.nothing .el-button').trigger('click');
    expect(useFindingList().filter).toEqual({ ...emptyFindingFilter(), state: 'not_verified' });
  });

  it('says what happened when the list cannot be read, and tries again', async () => {
    const { core, page } = await open({
      findings_list: () => {
        throw new ApiError('internal', {});
      },
    });
    expect(page.find('[role=alert]').exists()).toBe(true);
    core.answer({ findings_list: () => ({ total: 1, rows: [findingRow()] }) });
    await page.find('[role=alert] button').trigger('click');
    await flushPromises();
    expect(page.find('[role=alert]').exists()).toBe(false);
    expect(rowTexts()).toHaveLength(1);
  });

  it('is searched by the quick search too', async () => {
    await open({ findings_list: () => ({ total: 1, rows: [LATE] }) });
    const found = await findingProvider.search('实操', new AbortController().signal);
    expect(found).toEqual([
      {
        id: LATE.record,
        title: 'EX-2.3 实操教室面积不足',
        detail: '东海县安泰安全培训中心 · 逾期未整改 · 逾期 3 天',
        to: { name: 'record', params: { record: LATE.inspection }, query: { item: 'EX-2.3' } },
      },
    ]);
  });
});
