import { flushPromises, mount, type VueWrapper } from '@vue/test-utils';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RowsRequest } from '@/composables/pagedRows';
import VirtualTable from './VirtualTable.vue';

interface Row {
  id: string;
  name: string;
}

const TOTAL = 100_000;
const HEIGHT = 396;
const open: VueWrapper[] = [];

function rowsAt(offset: number, limit: number): Row[] {
  const count = Math.max(0, Math.min(limit, TOTAL - offset));
  return Array.from({ length: count }, (_, at) => ({ id: `r${offset + at}`, name: `单位 ${offset + at}` }));
}

function table(props: Record<string, unknown> = {}) {
  const requests: RowsRequest[] = [];
  const wrapper = mount(VirtualTable, {
    attachTo: document.body,
    props: {
      label: '检查对象',
      columns: [
        { key: 'name', title: '名称', width: 200, grow: 1, sortable: true, text: (row: Row) => row.name },
        { key: 'id', title: '编号', width: 80, hideBelow: 500, text: (row: Row) => row.id },
      ],
      rowKey: (row: Row) => row.id,
      fetch: async (request: RowsRequest) => {
        requests.push(request);
        return { total: TOTAL, rows: rowsAt(request.offset, request.limit) };
      },
      ...props,
    },
  } as never) as VueWrapper;
  open.push(wrapper);
  const grid = wrapper.get('[role=grid]').element as HTMLElement;
  return { wrapper, grid, requests };
}

async function settle(): Promise<void> {
  await flushPromises();
  await vi.advanceTimersByTimeAsync(60);
  await flushPromises();
}

async function press(grid: HTMLElement, key: string, shiftKey = false): Promise<void> {
  grid.dispatchEvent(new KeyboardEvent('keydown', { key, shiftKey, bubbles: true, cancelable: true }));
  await settle();
}

function activeText(grid: HTMLElement): string {
  const id = grid.getAttribute('aria-activedescendant');
  return id ? (document.getElementById(id)?.textContent ?? '') : '';
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'requestAnimationFrame', 'cancelAnimationFrame'] });
  vi.spyOn(HTMLElement.prototype, 'clientHeight', 'get').mockReturnValue(HEIGHT);
  vi.spyOn(HTMLElement.prototype, 'clientWidth', 'get').mockReturnValue(800);
});

afterEach(() => {
  for (const wrapper of open.splice(0)) wrapper.unmount();
  vi.useRealTimers();
});

describe('a list of a hundred thousand rows', () => {
  it('says how long it is and draws only what is in view', async () => {
    const { wrapper, grid } = table();
    await settle();
    expect(grid.getAttribute('aria-rowcount')).toBe('100001');
    expect(wrapper.text()).toContain('共 100,000 条');
    const drawn = wrapper.findAll('.record');
    expect(drawn.length).toBeGreaterThan(10);
    expect(drawn.length).toBeLessThan(40);
    expect(drawn[0]?.attributes('aria-rowindex')).toBe('2');
    expect(drawn[0]?.text()).toContain('单位 0');
  });

  it('asks for one page, not for everything', async () => {
    const { requests } = table();
    await settle();
    expect(requests.map(({ offset, limit }) => [offset, limit])).toEqual([[0, 100]]);
  });

  it('shows the far end when it is scrolled there, without fetching what lies between', async () => {
    const { wrapper, grid, requests } = table();
    await settle();
    grid.scrollTop = 50_000 * 36;
    grid.dispatchEvent(new Event('scroll'));
    await settle();
    expect(wrapper.text()).toContain('单位 50000');
    expect(requests.length).toBeLessThanOrEqual(3);
  });

  it('leaves out pages that fly past during a fast scroll', async () => {
    const { grid, requests } = table();
    await settle();
    for (let step = 1; step <= 20; step += 1) {
      grid.scrollTop = step * 4_000 * 36;
      grid.dispatchEvent(new Event('scroll'));
      await vi.advanceTimersToNextTimerAsync();
    }
    await settle();
    expect(requests.length).toBeLessThan(12);
    expect(requests.at(-1)?.offset).toBe(80_000);
  });
});

describe('the keyboard', () => {
  it('walks, jumps and opens', async () => {
    const { wrapper, grid } = table();
    await settle();
    await press(grid, 'ArrowDown');
    await press(grid, 'ArrowDown');
    expect(activeText(grid)).toContain('单位 2');
    await press(grid, 'PageDown');
    expect(activeText(grid)).toContain('单位 11');
    await press(grid, 'End');
    expect(activeText(grid)).toContain('单位 99999');
    await press(grid, 'ArrowDown');
    expect(activeText(grid)).toContain('单位 99999');
    await press(grid, 'Home');
    await press(grid, 'Enter');
    expect(wrapper.emitted('open')?.at(-1)).toEqual([{ id: 'r0', name: '单位 0' }, 0]);
  });
});

describe('choosing rows', () => {
  function choosing(props: Record<string, unknown> = {}) {
    const found = table({
      chosen: new Set<string>(),
      rowName: (row: Row) => row.name,
      'onUpdate:chosen': (chosen: ReadonlySet<string>) => found.wrapper.setProps({ chosen } as never),
      ...props,
    });
    const chosen = () => [...((found.wrapper.props() as { chosen: ReadonlySet<string> }).chosen ?? [])].sort();
    return { ...found, chosen };
  }

  it('is offered only where the page wants it', async () => {
    const { wrapper, grid } = table();
    await settle();
    expect(wrapper.find('[data-test=table-tick]').exists()).toBe(false);
    await press(grid, ' ');
    expect(wrapper.emitted('update:chosen')).toBeUndefined();
  });

  it('a tick chooses without opening, and says how many are chosen', async () => {
    const { wrapper, chosen } = choosing();
    await settle();
    const tick = wrapper.findAll('[data-test=table-tick]')[2];
    expect(tick?.attributes('aria-label')).toBe('勾选单位 2');
    await tick?.trigger('click');
    await settle();
    expect(chosen()).toEqual(['r2']);
    expect(wrapper.emitted('open')).toBeUndefined();
    expect(wrapper.get('[data-test=table-chosen]').text()).toBe('已勾选 1 份');
    expect(wrapper.findAll('.record')[2]?.attributes('aria-selected')).toBe('true');
    await wrapper.get('[data-test=table-clear]').trigger('click');
    await settle();
    expect(chosen()).toEqual([]);
  });

  it('the keyboard chooses with space, a stretch with shift, and none with escape', async () => {
    const { grid, chosen } = choosing();
    await settle();
    await press(grid, 'ArrowDown');
    await press(grid, ' ');
    expect(chosen()).toEqual(['r1']);
    await press(grid, 'ArrowDown', true);
    await press(grid, 'ArrowDown', true);
    expect(chosen()).toEqual(['r1', 'r2', 'r3']);
    await press(grid, ' ');
    expect(chosen()).toEqual(['r1', 'r2']);
    await press(grid, 'Escape');
    expect(chosen()).toEqual([]);
  });

  it('keeps what is chosen out of view, and asks for no more than the stretch between two clicks', async () => {
    const { wrapper, grid, requests, chosen } = choosing();
    await settle();
    await wrapper.findAll('[data-test=table-tick]')[0]?.trigger('click');
    grid.scrollTop = 3_000 * 36;
    grid.dispatchEvent(new Event('scroll'));
    await settle();
    const before = requests.length;
    expect(chosen()).toEqual(['r0']);
    await wrapper.get('.record[data-key=r3000] [data-test=table-tick]').trigger('click', { shiftKey: true });
    await settle();
    expect(chosen()).toHaveLength(3_001);
    expect(requests.slice(before).every(({ limit }) => limit <= 500)).toBe(true);
    expect(requests.slice(before).length).toBeLessThanOrEqual(7);
    expect(wrapper.get<HTMLInputElement>('.record[data-key=r3000] [data-test=table-tick]').element.checked).toBe(true);
  });
});

describe('order and query', () => {
  it('a header sorts, and sorts the other way at the second press', async () => {
    const { wrapper, requests } = table();
    await settle();
    const header = wrapper.get('[role=columnheader] button');
    await header.trigger('click');
    await wrapper.setProps({ sort: wrapper.emitted('update:sort')?.at(-1)?.[0] } as never);
    await settle();
    expect(requests.at(-1)?.sort).toEqual({ key: 'name', descending: false });
    expect(wrapper.get('[role=columnheader]').attributes('aria-sort')).toBe('ascending');
    await header.trigger('click');
    await wrapper.setProps({ sort: wrapper.emitted('update:sort')?.at(-1)?.[0] } as never);
    await settle();
    expect(requests.at(-1)?.sort).toEqual({ key: 'name', descending: true });
  });

  it('a late answer to an older query is not shown', async () => {
    const answers: ((rows: Row[]) => void)[] = [];
    const { wrapper } = table({
      query: 'first',
      fetch: () => new Promise((resolve) => answers.push((rows) => resolve({ total: rows.length, rows }))),
    });
    await settle();
    await wrapper.setProps({ query: 'second' } as never);
    await settle();
    answers[1]?.([{ id: 'b', name: '后来的' }]);
    await settle();
    answers[0]?.([{ id: 'a', name: '先前的' }]);
    await settle();
    expect(wrapper.text()).toContain('后来的');
    expect(wrapper.text()).not.toContain('先前的');
  });

  it('nothing found is said in words', async () => {
    const { wrapper } = table({ fetch: async () => ({ total: 0, rows: [] }) });
    await settle();
    expect(wrapper.text()).toContain('没有符合条件的内容');
  });
});

describe('a failure', () => {
  it('is told with what to do, and trying again fetches', async () => {
    let works = false;
    const { wrapper } = table({
      fetch: async () => {
        if (!works) throw { code: 'storage', params: {} };
        return { total: 1, rows: [{ id: 'a', name: '东海' }] };
      },
    });
    await settle();
    expect(wrapper.get('[role=alert]').text()).toContain('台账读写失败');
    works = true;
    await wrapper.get('[role=alert] button').trigger('click');
    await settle();
    expect(wrapper.text()).toContain('东海');
    expect(wrapper.find('[role=alert]').exists()).toBe(false);
  });
});

describe('a refresh', () => {
  it('keeps the rows on the screen until the new ones are there', async () => {
    let answer: (() => void) | null = null;
    let round = 0;
    const { wrapper } = table({
      fetch: () => {
        round += 1;
        const name = `第 ${round} 次`;
        const page = { total: 1, rows: [{ id: 'a', name }] };
        return round === 1 ? Promise.resolve(page) : new Promise((resolve) => (answer = () => resolve(page)));
      },
    });
    await settle();
    (wrapper.vm as unknown as { refresh: () => void }).refresh();
    await settle();
    expect(wrapper.text()).toContain('第 1 次');
    (answer as (() => void) | null)?.();
    await settle();
    expect(wrapper.text()).toContain('第 2 次');
  });
});
