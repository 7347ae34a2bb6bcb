import { flushPromises } from '@vue/test-utils';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { InspectionView } from '@/bindings/InspectionView';
import type { MissingView } from '@/bindings/MissingView';
import { ApiError } from '@/errors';
import { platform } from '@/platform';
import { dispatchShortcut } from '@/shortcuts';
import { useApp } from '@/stores/app';
import { installFakeCore, type Answers } from '@/testing/fakeCore';
import { checklistItem, checklistView, evidence, field, HEAD, INSPECTION, inspectionView } from '@/testing/inspection';
import { freshStores, mountPage } from '@/testing/mountPage';
import { appStatus, directory, packsList } from '@/testing/samples';
import InspectionPage from './InspectionPage.vue';

const WRITTEN = '77'.repeat(32);
const ITEMS = [
  checklistItem('TI-1.1', '是否具有法人资格？'),
  checklistItem('TI-1.2', '是否有专职教师？', {
    bases: [{ citation: '《安全生产培训管理办法》第五条', is_citable: true, certainty: 'K', valid_from: null, valid_to: null, is_in_force: true }],
    penalties: [{ code: 'P01', text: '责令限期改正。', part: '', certainty: 'U' }],
  }),
  checklistItem('TI-1.4', '实操场地是否符合要求？', { finding: '实操场地不符合要求。', measure: '按标准增设实操场地。', evidence_codes: ['E1'] }),
  checklistItem('TI-1.5', '档案是否齐全？'),
];
const UNFINDINGED = {
  'answers/TI-1.4/finding/description': undefined,
  'answers/TI-1.4/finding/measure': undefined,
  'answers/TI-1.4/finding/responsible': undefined,
  'answers/TI-1.4/finding/due': undefined,
};

beforeEach(() => {
  freshStores();
  document.body.innerHTML = '';
});

interface Start {
  item?: string;
  /** The field that a missing thing leads to. */
  field?: string;
  fields?: Record<string, unknown>;
  view?: Partial<InspectionView>;
  missing?: MissingView[];
  answers?: Answers;
}

async function open({ item = 'TI-1.2', field: linked, fields = {}, view = {}, missing = [], answers = {} }: Start = {}) {
  const state = {
    view: inspectionView({ asked: ITEMS.map(({ id }) => id), may_undo: true, ...view }, fields),
    missing,
  };
  const core = installFakeCore({
    inspection_get: () => state.view,
    inspection_missing: () => ({ missing: state.missing }),
    inspection_previous: () => ({
      record: 'before',
      number: '',
      started_ms: Date.UTC(2021, 8, 1, 1),
      answers: { 'TI-1.2': { result: 'to_verify', text: '教师名册待核对', evidence: 2 } },
    }),
    checklist_get: () =>
      checklistView({
        sections: [{ id: 'TI-1', title: '基本条件', applies_to: [], note: '', items: ITEMS }],
        evidence_codes: { E1: '现场照片' },
      }),
    directory_get: () => directory(),
    packs_list: () => packsList(),
    draft_put: () => ({ entry: null, at_ms: 1 }),
    field_set: ({ field: path, value }) => {
      state.view = { ...state.view, fields: { ...state.view.fields, [path]: field(value, { heads: [WRITTEN] }) } };
      return { entry: WRITTEN, at_ms: 2 };
    },
    undo: () => ({ field: null }),
    ...answers,
  });
  useApp().take(appStatus());
  const mounted = await mountPage(InspectionPage, { at: `/inspection/${INSPECTION}?item=${item}${linked ? `&field=${linked}` : ''}` });
  await flushPromises();
  const part = (test: string, path: string) => mounted.page.find(`[data-test="${test}"][data-field="${path}"]`);
  const input = (path: string) => part('inspection-field', path).find<HTMLTextAreaElement>('input, textarea');
  const card = () => mounted.at('inspection-card').attributes('data-item');
  return { core, state, part, input, card, ...mounted };
}

async function press(key: string, target: EventTarget = document.body, more: KeyboardEventInit = {}): Promise<void> {
  const event = new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...more });
  target.dispatchEvent(event);
  dispatchShortcut(event);
  await flushPromises();
}

describe('giving a result', () => {
  it('takes one key, 1 to 5, and writes it over what was shown', async () => {
    const { core, at } = await open();
    await press('2');
    expect(core.requests('field_set')).toEqual([{ record: INSPECTION, field: 'answers/TI-1.2/result', value: 'nonconforming', over: null }]);
    expect(at('inspection-result-nonconforming').attributes('aria-pressed')).toBe('true');
  });

  it('takes one click and tells the core which value was replaced', async () => {
    const { core, click } = await open({ item: 'TI-1.1' });
    await click('inspection-result-to_verify');
    expect(core.requests('field_set')).toEqual([{ record: INSPECTION, field: 'answers/TI-1.1/result', value: 'to_verify', over: [HEAD] }]);
  });

  it('shows neither the result nor "saved" before the ledger has it', async () => {
    let keep: (() => void) | undefined;
    const { at, click } = await open({
      answers: { field_set: () => new Promise((resolve) => (keep = () => resolve({ entry: WRITTEN, at_ms: 2 }))) },
    });
    await click('inspection-result-conforms');
    expect(at('inspection-result-conforms').attributes('aria-pressed')).toBe('false');
    expect(at('inspection-card').find('.results').text()).not.toContain('已存本机');
    keep?.();
    await flushPromises();
    expect(at('inspection-card').find('.results').text()).toContain('已存本机');
  });

  it('never says "saved" when the disk is full, nor that it tries again by itself', async () => {
    const { at, click } = await open({
      answers: {
        field_set: () => {
          throw new ApiError('disk_full');
        },
      },
    });
    await click('inspection-result-conforms');
    expect(at('inspection-result-conforms').attributes('aria-pressed')).toBe('false');
    const told = at('inspection-card').find('.results').text();
    expect(told).not.toContain('已存本机');
    expect(told).not.toContain('自动重试');
    expect(told).toContain('没有存入');
  });

  it('leaves a digit that is typed into a text to the text', async () => {
    const { core, input } = await open();
    await press('2', input('answers/TI-1.2/facts').element);
    expect(core.requests('field_set')).toEqual([]);
  });

  it('asks for the reason of an item that was not checked', async () => {
    const { part } = await open({ fields: { 'answers/TI-1.2/result': 'not_checked' } });
    expect(part('inspection-field', 'answers/TI-1.2/reason').find('[aria-required="true"]').exists()).toBe(true);
  });
});

describe('going through the items', () => {
  it('goes on and back with the arrow keys', async () => {
    const { card } = await open({ item: 'TI-1.1' });
    await press('ArrowDown');
    expect(card()).toBe('TI-1.2');
    await press('ArrowUp');
    expect(card()).toBe('TI-1.1');
  });

  it('jumps to the next unanswered item, past answered ones and round the end', async () => {
    const { card } = await open({ item: 'TI-1.2' });
    await press('n');
    expect(card()).toBe('TI-1.5');
    await press('n');
    expect(card()).toBe('TI-1.2');
  });

  it('counts only what this visit has to answer', async () => {
    const { at } = await open({ view: { asked: ['TI-1.1', 'TI-1.2', 'TI-1.4'] } });
    expect(at('inspection-progress').text()).toBe('已填 2 / 3 项');
  });

  it('narrows the list to what is open and by words of the question', async () => {
    const { page, all, at } = await open();
    const shown = () => all('inspection-item').map((one) => one.attributes('data-item'));
    await page.find('[data-test="inspection-filter"][data-filter="open"]').trigger('click');
    expect(shown()).toEqual(['head', 'TI-1.2', 'TI-1.5']);
    await page.find('[data-test="inspection-filter"][data-filter="all"]').trigger('click');
    await at('inspection-search').setValue('档案');
    expect(shown()).toEqual(['head', 'TI-1.5']);
  });

  it('lists a nonconforming item without a description as lacking', async () => {
    const { page, all } = await open({
      missing: [{ lack: 'description', field: 'answers/TI-1.4/finding/description', item: 'TI-1.4' }],
    });
    await page.find('[data-test="inspection-filter"][data-filter="lacking"]').trigger('click');
    expect(all('inspection-item').map((one) => one.attributes('data-item'))).toEqual(['head', 'TI-1.4']);
  });

  it('shows what the last inspection said of the item', async () => {
    const { at } = await open();
    expect(at('inspection-previous').text()).toContain('待核实');
    expect(at('inspection-previous').text()).toContain('教师名册待核对');
    expect(at('inspection-previous').text()).toContain('证据 2 件');
  });

  it('opens basis and penalty with one key, unsure ones marked', async () => {
    await open();
    await press('l');
    await vi.waitFor(() => expect(document.querySelector('[data-test="inspection-law-drawer"]')).not.toBeNull());
    const drawer = document.querySelector('[data-test="inspection-law-drawer"]');
    expect(drawer?.textContent).toContain('《安全生产培训管理办法》第五条');
    expect(drawer?.querySelectorAll('.certainty')).toHaveLength(2);
  });
});

describe('a suggested wording', () => {
  const PATH = 'answers/TI-1.4/finding/description';

  it('is no value until it is accepted', async () => {
    const { core, input } = await open({ item: 'TI-1.4', fields: UNFINDINGED });
    expect(input(PATH).element.value).toBe('');
    expect(input(PATH).attributes('placeholder')).toBe('实操场地不符合要求。');
    expect(core.requests('field_set')).toEqual([]);
    expect(core.requests('draft_put')).toEqual([]);
  });

  it('is accepted with one key and stands in the field at once, while the field has the focus', async () => {
    const { core, input } = await open({ item: 'TI-1.4', fields: UNFINDINGED });
    input(PATH).element.focus();
    await press('Enter', input(PATH).element, { ctrlKey: true });
    expect(core.requests('field_set')).toMatchObject([{ field: PATH, value: '实操场地不符合要求。' }]);
    expect(input(PATH).element.value).toBe('实操场地不符合要求。');
  });

  it('can be typed on after it was accepted, without a conflict with itself', async () => {
    const { core, input } = await open({ item: 'TI-1.4', fields: UNFINDINGED });
    input(PATH).element.focus();
    await press('Enter', input(PATH).element, { ctrlKey: true });
    await input(PATH).setValue(`${input(PATH).element.value}面积 40 平方米。`);
    await input(PATH).trigger('blur');
    await flushPromises();
    expect(core.requests('field_set').at(-1)).toMatchObject({
      field: PATH,
      value: '实操场地不符合要求。面积 40 平方米。',
      over: [WRITTEN],
    });
  });

  it('is accepted with a click on its button', async () => {
    const { core, part, input } = await open({ item: 'TI-1.4', fields: UNFINDINGED });
    await part('inspection-accept', PATH).trigger('click');
    await flushPromises();
    expect(core.requests('field_set')).toMatchObject([{ field: PATH, value: '实操场地不符合要求。' }]);
    expect(input(PATH).element.value).toBe('实操场地不符合要求。');
  });

  it('is not offered beside a text of one’s own', async () => {
    const { part } = await open({ item: 'TI-1.4' });
    expect(part('inspection-accept', PATH).exists()).toBe(false);
  });

  it('sets the due day from the day of the visit and the days of the item', async () => {
    const { core, part } = await open({ item: 'TI-1.4', fields: UNFINDINGED });
    await part('inspection-accept', 'answers/TI-1.4/finding/due').trigger('click');
    await flushPromises();
    expect(core.requests('field_set')).toMatchObject([{ field: 'answers/TI-1.4/finding/due', value: '2022-04-27' }]);
  });
});

describe('taking back', () => {
  it('goes by Ctrl+Z outside a text and shows the item that changed', async () => {
    const { core, card } = await open({ answers: { undo: () => ({ field: 'answers/TI-1.4/result' }) } });
    await press('z', document.body, { ctrlKey: true });
    expect(core.requests('undo')).toEqual([{ record: INSPECTION }]);
    expect(card()).toBe('TI-1.4');
  });

  it('takes back what was typed last, not what was done before it', async () => {
    const { core, input, click } = await open();
    await input('answers/TI-1.2/facts').setValue('教师名册齐全');
    await click('inspection-undo');
    await flushPromises();
    const order = core.calls.map(({ name }) => name).filter((name) => name === 'field_set' || name === 'undo');
    expect(order).toEqual(['field_set', 'undo']);
  });
});

describe('a missing thing', () => {
  it.each([
    ['head', 'inspectors'],
    ['head', 'started_at'],
    ['head', 'identity_shown'],
    ['head', 'place'],
    ['TI-1.2', 'answers/TI-1.2/result'],
    ['TI-1.4', 'answers/TI-1.4/evidence'],
    ['TI-1.4', 'answers/TI-1.4/finding/description'],
    ['TI-1.4', 'answers/TI-1.4/finding/due'],
  ])('leads to its field: %s %s', async (item, path) => {
    await open({ item, field: path, fields: UNFINDINGED });
    await vi.waitFor(() => expect(document.activeElement?.closest('[data-field]')?.getAttribute('data-field')).toBe(path));
  });

  it('takes the focus once, not again each time something is stored', async () => {
    const { core, state, input } = await open({ item: 'TI-1.4', field: 'answers/TI-1.4/finding/description' });
    await vi.waitFor(() => expect(document.activeElement).toBe(input('answers/TI-1.4/finding/description').element));
    input('answers/TI-1.4/facts').element.focus();
    const before = core.requests('inspection_get').length;
    state.view = { ...state.view };
    core.emit({ kind: 'changed', records: [INSPECTION], source: 'local' });
    await vi.waitFor(() => expect(core.requests('inspection_get').length).toBeGreaterThan(before));
    await flushPromises();
    await new Promise(requestAnimationFrame);
    expect(document.activeElement).toBe(input('answers/TI-1.4/facts').element);
  });
});

describe('who may write', () => {
  it('finds every field read-only after the first signature', async () => {
    const { page, all } = await open({ item: 'TI-1.4', view: { stage: 'signing', may_edit: false } });
    const controls = page.findAll('.pane .card :is(input, textarea, .result)');
    expect(controls.length).toBeGreaterThan(8);
    expect(controls.filter((one) => one.attributes('disabled') === undefined)).toEqual([]);
    expect(all('inspection-evidence-add')).toEqual([]);
    expect(page.text()).toContain('内容已冻结');
  });

  it('gives no result by key after the first signature', async () => {
    const { core } = await open({ view: { stage: 'signing', may_edit: false } });
    await press('1');
    expect(core.requests('field_set')).toEqual([]);
  });
});

describe('conflicts and evidence', () => {
  it('marks a conflict at its field and leads to where it is settled', async () => {
    const view = inspectionView();
    view.fields['answers/TI-1.1/facts'] = field('甲', { is_conflict: true });
    const { part, page } = await open({ item: 'TI-1.1', view: { fields: view.fields, conflicts: ['answers/TI-1.1/facts'] } });
    expect(part('inspection-conflict', 'answers/TI-1.1/facts').attributes('href')).toBe(`/conflicts?record=${INSPECTION}`);
    expect(page.find('[data-test="inspection-item"][data-item="TI-1.1"] .tag.bad').exists()).toBe(true);
  });

  it('says which evidence the item wants and that a nonconforming one has none', async () => {
    const { page } = await open({ item: 'TI-1.4' });
    const part = page.find('[data-test="inspection-evidence"][data-place="answers/TI-1.4"]');
    expect(part.text()).toContain('现场照片');
    expect(part.find('.tag.bad').exists()).toBe(true);
  });

  it('keeps the other files when one of several cannot be taken', async () => {
    const names: string[] = [];
    vi.spyOn(platform, 'openFiles').mockResolvedValue(
      ['一.jpg', '空.jpg', '二.jpg'].map((name) => ({ kind: 'path' as const, path: `D:\\${name}`, name })),
    );
    const { state, core, click, page } = await open({
      item: 'TI-1.4',
      answers: {
        evidence_add: ({ files }) => {
          const name = JSON.stringify(files[0]?.source).match(/[一二空]\.jpg/)?.[0] ?? '';
          names.push(name);
          if (name === '空.jpg') throw new ApiError('empty_file');
          state.view = { ...state.view, evidence: [...state.view.evidence, evidence({ attachment: `${names.length}`.repeat(64), name })] };
          return { results: [{ name, evidence: evidence({ name }), error: null }] };
        },
      },
    });
    await click('inspection-evidence-add');
    await vi.waitFor(() => expect(names).toEqual(['一.jpg', '空.jpg', '二.jpg']));
    core.emit({ kind: 'changed', records: [INSPECTION], source: 'local' });
    await vi.waitFor(() => expect(page.findAll('[data-test="inspection-evidence"] img').length).toBe(2));
    expect(page.find('[data-test="inspection-evidence"]').text()).toContain('空.jpg');
  });
});
