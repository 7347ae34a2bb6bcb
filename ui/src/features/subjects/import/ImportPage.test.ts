import { flushPromises } from '@vue/test-utils';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { RosterView } from '@/bindings/RosterView';
import { ApiError } from '@/errors';
import { platform } from '@/platform';
import { installFakeCore } from '@/testing/fakeCore';
import { freshStores, mountPage } from '@/testing/mountPage';
import { directory } from '@/testing/samples';
import ImportPage from './ImportPage.vue';
import { columnLetters, noteText, sharedColumn } from './roster';
import { useRoster } from './store';

beforeEach(freshStores);

const ROSTER: RosterView = {
  roster: 'r1',
  file_name: '培训机构名册.xlsx',
  notes: ['macros_not_run', 'encoding:GB18030'],
  sheets: [
    {
      name: '机构',
      columns: ['序号', '单位名称', '统一社会信用代码', ''],
      rows: 3,
      sample: [
        ['1', '甲培训学校', '91350100M000100Y43', ''],
        ['2', '乙培训学校', '91350100M000100Y44', '备注'],
      ],
      mapping: { name: 1, credit_code: 2 },
    },
    { name: '企业', columns: ['企业名称'], rows: 1, sample: [['丙公司']], mapping: { name: 0 } },
  ],
};

const BAD = {
  number: 3,
  values: { name: '乙培训学校', credit_code: '91350100M000100Y44' },
  problems: [{ code: 'credit_code_checksum', field: 'credit_code', detail: '' }],
  is_taken: false,
};
const DOUBTFUL = {
  number: 4,
  values: { name: '甲培训学校', kind: 'training_institution' },
  problems: [{ code: 'duplicate_in_file', field: 'name', detail: '2' }],
  is_taken: true,
};

async function open() {
  const core = installFakeCore({
    directory_get: () => directory(),
    roster_open: () => ROSTER,
    roster_preview: () => ({ rows: 3, good: 2, bad: 1, duplicates: 1, sample: [BAD, DOUBTFUL] }),
    roster_take: () => ({ taken: 2, left: [BAD], left_total: 1 }),
    roster_left_export: () => ({ token: 't2', name: '未导入.xlsx', mime: '', size: 1 }),
  });
  vi.spyOn(platform, 'openFiles').mockResolvedValue([{ kind: 'path', path: 'D:\\名册.xlsx', name: '名册.xlsx' }]);
  const mounted = await mountPage(ImportPage);
  return { core, ...mounted };
}

describe('importing a roster', () => {
  it('shows guessed columns with sample values, previews every problem, and reports what was left', async () => {
    const { core, click, at, all, page } = await open();
    await click('import-choose');
    expect(core.requests('roster_open')).toEqual([{ source: { from: 'path', path: 'D:\\名册.xlsx' } }]);
    expect(page.text()).toContain('文件中有宏，没有运行');
    expect(page.text()).toContain('甲培训学校、乙培训学校');

    await click('import-preview');
    expect(core.requests('roster_preview')).toEqual([
      { roster: 'r1', sheet: '机构', mapping: { name: 1, credit_code: 2 }, default_kind: null, default_region: null },
    ]);
    expect(at('import-counts').text()).toContain('不能导入 1 行');
    expect(all('import-row-bad').map((row) => row.attributes('data-row'))).toEqual(['3']);
    expect(at('import-row-bad').find('.faulty').text()).toContain('信用代码校验码不对');
    expect(at('import-row').text()).toContain('与第 2 行重复');

    await click('import-take');
    expect(core.requests('roster_take')).toHaveLength(1);
    expect(at('import-report').text()).toContain('已导入 2 家检查对象，已存本机');
    expect(at('import-report').text()).toContain('1 行没有导入');
    const clicked = vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(() => undefined);
    await click('import-left-export');
    expect(core.requests('roster_left_export')).toHaveLength(1);
    expect(clicked).toHaveBeenCalledOnce();
  });

  it('takes nothing over before it is told to', async () => {
    const { core, click } = await open();
    await click('import-choose');
    await click('import-preview');
    expect(core.requests('roster_take')).toEqual([]);
  });

  it('says why a file cannot be read and lets another be chosen', async () => {
    const { core, click, at } = await open();
    core.answer({
      roster_open: () => {
        throw new ApiError('protected_file');
      },
    });
    await click('import-choose');
    expect(at('import-error').text()).toContain('有密码保护');
    expect(at('import-choose').exists()).toBe(true);
  });

  it('wants to know which column holds the name', async () => {
    const { click, at, page } = await open();
    await click('import-choose');
    await at('import-map-name').setValue('-1');
    expect(at('import-preview').attributes('disabled')).toBeDefined();
    expect(page.text()).toContain('必须指定“单位名称”在哪一列');
  });

  it('starts with the guesses of another sheet when that is chosen', async () => {
    const { click } = await open();
    await click('import-choose');
    useRoster().chooseSheet('企业');
    expect(useRoster().mapping).toEqual({ name: 0 });
  });

  it('shows how far a long import is', async () => {
    const { core, click, page } = await open();
    let finish: () => void = () => undefined;
    core.answer({ roster_take: () => new Promise((resolve) => (finish = () => resolve({ taken: 2, left: [], left_total: 0 }))) });
    await click('import-choose');
    await click('import-preview');
    await click('import-take');
    core.emit({ kind: 'progress', task: 'roster_take', done: 40_000, total: 100_000 });
    await flushPromises();
    expect(page.text()).toContain('已处理 40,000 / 100,000 行');
    finish();
    await flushPromises();
    expect(page.text()).toContain('全部行都已导入');
  });
});

describe('naming columns and notes', () => {
  it('counts columns as spreadsheet programs do', () => {
    expect([0, 25, 26, 27, 701, 702].map(columnLetters)).toEqual(['A', 'Z', 'AA', 'AB', 'ZZ', 'AAA']);
  });

  it('notices two fields that take one column', () => {
    expect(sharedColumn({ name: 1, contact: 3, legal_representative: 3 })).toEqual(['legal_representative', 'contact']);
    expect(sharedColumn({ name: 1, contact: 3 })).toBeNull();
  });

  it('shows a note that it does not know as it is', () => {
    expect(noteText('encoding:GB18030')).toBe('文字编码：GB18030。');
    expect(noteText('something_new')).toBe('something_new');
  });
});
