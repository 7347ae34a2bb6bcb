import { flushPromises } from '@vue/test-utils';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { useApp } from '@/stores/app';
import { installFakeCore } from '@/testing/fakeCore';
import { freshStores, mountPage } from '@/testing/mountPage';
import { appStatus, directory, me, subjectRow } from '@/testing/samples';
import { platform } from '@/platform';
import { subjectProvider } from './quick';
import SubjectsPage from './SubjectsPage.vue';

beforeEach(freshStores);

const OTHER = subjectRow({ record: '018f0000-0000-7000-8000-00000000b002', name: '海州区化工考试点', credit_code: '91350100M000100Y43' });

async function open(location = '/subjects', role: 'inspector' | 'institution' = 'inspector') {
  const all = [subjectRow(), OTHER];
  const core = installFakeCore({
    directory_get: () => directory(),
    subjects_list: ({ filter }) => {
      const rows = all.filter(({ name, credit_code: code }) => !filter.query || name.includes(filter.query) || code.includes(filter.query));
      return { total: rows.length, rows };
    },
    subject_add: () => ({ record: '018f0000-0000-7000-8000-00000000b003' }),
    subjects_export: ({ format }) => ({ token: 't1', name: `检查对象.${format}`, mime: '', size: 1 }),
  });
  useApp().take(appStatus({ me: me({ role, org: '320722' }) }));
  const mounted = await mountPage(SubjectsPage, { at: location });
  const dialog = (test: string) => document.querySelector<HTMLElement>(`[data-test="${test}"]`);
  const field = (test: string) => {
    const part = dialog(test);
    return (part?.matches('input') ? part : part?.querySelector('input')) as HTMLInputElement;
  };
  const fill = async (test: string, text: string) => {
    const input = field(test);
    input.value = text;
    input.dispatchEvent(new Event('input', { bubbles: true }));
    input.dispatchEvent(new FocusEvent('blur'));
    await flushPromises();
  };
  const press = async (test: string) => {
    dialog(test)?.click();
    await flushPromises();
  };
  return { core, dialog, fill, press, ...mounted };
}

function rowTexts(): string[] {
  return [...document.querySelectorAll('[role=row][data-key]')].map((row) => row.textContent ?? '');
}

describe('the list of subjects', () => {
  it('searches as one types and says what it searched for only once', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { core, at, page } = await open();
    const input = at('subjects-search').find('input');
    for (const text of ['海', '海州', '海州区']) await input.setValue(text);
    await vi.advanceTimersByTimeAsync(500);
    await flushPromises();
    vi.useRealTimers();
    expect(core.requests('subjects_list').map(({ filter }) => filter.query)).toEqual([null, '海州区']);
    expect(rowTexts()).toEqual([expect.stringContaining('海州区化工考试点')]);
    expect(page.text()).toContain('共 1 条');
  });

  it('names kinds and counties in words', async () => {
    await open();
    expect(rowTexts()[0]).toContain('安全培训机构');
    expect(rowTexts()[0]).toContain('东海县');
    expect(rowTexts()[0]).toContain('未检查过');
  });

  it('exports what the filter shows', async () => {
    const { core, at, press } = await open();
    const clicked = vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(() => undefined);
    await at('subjects-export').trigger('click');
    await flushPromises();
    await press('subjects-export-csv');
    expect(core.requests('subjects_export')).toEqual([
      { filter: { query: null, kind: null, region: null, org: null }, format: 'csv' },
    ]);
    expect(platform.kind).toBe('browser');
    expect(clicked).toHaveBeenCalledOnce();
  });

  it('offers an institution nothing to add', async () => {
    const { at } = await open('/subjects', 'institution');
    expect(at('subjects-add').exists()).toBe(false);
  });

  it('is searched by the quick search too', async () => {
    await open();
    const found = await subjectProvider.search('海州', new AbortController().signal);
    expect(found).toEqual([
      {
        id: OTHER.record,
        title: '海州区化工考试点',
        detail: '91350100M000100Y43 · 安全培训机构',
        to: { name: 'subject', params: { record: OTHER.record } },
      },
    ]);
  });
});

describe('adding a subject', () => {
  it('opens when an address asks for it, and begins in the county of the bureau', async () => {
    const { dialog } = await open('/subjects?add=1');
    expect(dialog('subject-add-dialog')).not.toBeNull();
    expect(dialog('subject-add-region')?.textContent).toContain('东海县');
  });

  it('says what is missing instead of adding', async () => {
    const { core } = await open('/subjects?add=1');
    document.querySelector('form')?.dispatchEvent(new Event('submit', { cancelable: true }));
    await flushPromises();
    expect(document.body.textContent).toContain('请填写单位名称');
    expect(core.requests('subject_add')).toEqual([]);
  });

  it('shows a slip in the credit code, and the subject that has it already', async () => {
    const { fill, dialog } = await open('/subjects?add=1');
    await fill('subject-add-credit_code', '91350100m000100y44');
    expect(dialog('subject-add-code-note')?.textContent).toContain('校验码不对');
    await fill('subject-add-credit_code', ' 91350100m000100y43');
    expect(dialog('subject-add-code-note')?.textContent).toContain('海州区化工考试点');
  });

  it('adds what was filled in and opens it', async () => {
    const { core, fill, router } = await open('/subjects?add=1');
    await fill('subject-add-name', ' 灌云县新安培训学校 ');
    const kinds = document.querySelectorAll<HTMLElement>('.el-select-dropdown__item[data-value="training_institution"]');
    kinds.forEach((option) => option.click());
    await flushPromises();
    document.querySelector('form')?.dispatchEvent(new Event('submit', { cancelable: true }));
    await flushPromises();
    expect(core.requests('subject_add')).toEqual([
      { fields: { name: '灌云县新安培训学校', subject_kind: 'training_institution', region: '320722' } },
    ]);
    expect(router.currentRoute.value).toMatchObject({ name: 'subject', params: { record: '018f0000-0000-7000-8000-00000000b003' } });
  });
});
