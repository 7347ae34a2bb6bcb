import { flushPromises } from '@vue/test-utils';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ConflictView } from '@/bindings/ConflictView';
import { ApiError } from '@/errors';
import { installFakeCore } from '@/testing/fakeCore';
import { freshStores, mountPage } from '@/testing/mountPage';
import { directory } from '@/testing/samples';
import ConflictsPage from './ConflictsPage.vue';
import { thirdValueOf } from './thirdValue';

beforeEach(freshStores);

const RECORD = '018f0000-0000-7000-8000-00000000a001';
const E1 = '11'.repeat(32);
const E2 = '22'.repeat(32);

function conflict(more: Partial<ConflictView> = {}, first: unknown = '面积不足六十平方米', second: unknown = '面积不足八十平方米'): ConflictView {
  return {
    record: RECORD,
    record_kind: 'inspection',
    title: '东海县安泰安全培训中心',
    field: 'answers/TI-1.4/facts',
    item: 'TI-1.4',
    question: '实操场地是否符合要求？',
    values: [
      { entry: E1, value: first, author: '王建国', device_label: '执法一科 3 号', is_unjudged: false, at_ms: 1_650_000_000_000, claim: 'within' },
      { entry: E2, value: second, author: '李芳', device_label: '执法一科 5 号', is_unjudged: false, at_ms: 1_650_000_060_000, claim: 'within' },
    ],
    may_settle: true,
    ...more,
  };
}

async function open(conflicts: ConflictView[], location = '/conflicts') {
  let current = conflicts;
  const core = installFakeCore({
    conflicts_list: () => ({ conflicts: current }),
    directory_get: () => directory(),
    conflict_settle: () => {
      current = [];
      return { entry: '33'.repeat(32), at_ms: 2 };
    },
  });
  return { core, ...(await mountPage(ConflictsPage, { at: location })) };
}

describe('settling conflicts', () => {
  it('shows both values with who wrote them, where and when, and marks what differs', async () => {
    const { all, page } = await open([conflict()]);
    const [first, second] = all('conflict-value');
    expect(first?.text()).toContain('王建国 · 执法一科 3 号');
    expect(first?.find('mark').text()).toBe('六');
    expect(second?.text()).toContain('暂以此为准');
    expect(second?.find('mark').text()).toBe('八');
    expect(page.text()).toContain('TI-1.4 · 检查情况');
    expect(page.text()).toContain('实操场地是否符合要求？');
  });

  it('says of a value whose time is contradicted, and of one whose writer this computer does not know', async () => {
    const [first, second] = conflict().values;
    if (!first || !second) throw new Error('two values');
    const values = [{ ...first, claim: 'ahead_of_time' as const }, { ...second, is_unjudged: true, claim: 'not_received' as const }];
    const { all } = await open([conflict({ values })]);
    const texts = all('conflict-value').map((one) => one.text());
    expect(texts[0]).toContain('时间超前');
    expect(texts[0]).not.toContain('未核定');
    expect(texts[1]).toContain('未核定');
    expect(texts[1]).not.toContain('时间超前');
  });

  it('replaces every value that was shown by the chosen one', async () => {
    const { core, all, page } = await open([conflict()]);
    await all('conflict-choose')[0]?.trigger('click');
    await flushPromises();
    expect(core.requests('conflict_settle')).toEqual([
      { record: RECORD, field: 'answers/TI-1.4/facts', value: '面积不足六十平方米', over: [E1, E2] },
    ]);
    expect(page.text()).toContain('没有冲突');
  });

  it('lets a person write a third text, starting from the one that counts', async () => {
    const { core, click, at, type, submit } = await open([conflict()]);
    await click('conflict-third');
    expect((at('conflict-third-text').element as HTMLInputElement).value).toBe('面积不足八十平方米');
    await type('conflict-third-text', '面积 72 平方米');
    await submit();
    expect(core.requests('conflict_settle')[0]?.value).toBe('面积 72 平方米');
  });

  it('keeps the conflict in view when it cannot be settled', async () => {
    const { core, all, at } = await open([conflict()]);
    core.answer({
      conflict_settle: () => {
        throw new ApiError('stale');
      },
    });
    await all('conflict-choose')[0]?.trigger('click');
    await flushPromises();
    expect(at('conflict').exists()).toBe(true);
    expect(at('conflict').attributes('aria-busy')).toBe('false');
    expect(document.body.textContent).toContain('您查看期间，内容已经变了');
  });

  it('offers nothing to whoever may only look', async () => {
    const { all, page } = await open([conflict({ may_settle: false })]);
    expect(all('conflict-choose')).toHaveLength(0);
    expect(page.text()).toContain('不能处理');
  });

  it('joins two lists of inspectors without losing or doubling one', async () => {
    const wang = { name: '王建国', certificate: '1' };
    const li = { name: '李芳', certificate: '2' };
    const { core, click } = await open([conflict({ field: 'inspectors', item: null, question: null }, [wang], [wang, li])]);
    await click('conflict-join');
    expect(core.requests('conflict_settle')[0]?.value).toEqual([wang, li]);
  });

  it('shows only one record when an address asks for it', async () => {
    const other = conflict({ record: '018f0000-0000-7000-8000-00000000a002' });
    const { all, page } = await open([conflict(), other], `/conflicts?record=${RECORD}`);
    expect(all('conflict')).toHaveLength(1);
    await page.find('.only button').trigger('click');
    await flushPromises();
    expect(all('conflict')).toHaveLength(2);
  });
});

describe('writing a third value', () => {
  it('offers the words of a field that holds one of some words', () => {
    expect(thirdValueOf('answers/TI-1.4/result', []).kind).toBe('choice');
    expect(thirdValueOf('answers/TI-1.4/finding/due', []).kind).toBe('day');
    expect(thirdValueOf('region', []).kind).toBe('region');
  });

  it('does not offer to invent a reference', () => {
    expect(thirdValueOf('subject', conflict().values).kind).toBe('none');
    expect(thirdValueOf('number', conflict().values).kind).toBe('none');
  });
});
