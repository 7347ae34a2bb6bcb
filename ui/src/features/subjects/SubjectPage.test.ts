import { flushPromises } from '@vue/test-utils';
import { beforeEach, describe, expect, it } from 'vitest';
import type { SubjectView } from '@/bindings/SubjectView';
import { ApiError } from '@/errors';
import { useApp } from '@/stores/app';
import { installFakeCore } from '@/testing/fakeCore';
import { freshStores, mountPage } from '@/testing/mountPage';
import { appStatus, delivery, directory, findingRow, inspectionRow, subjectRow } from '@/testing/samples';
import SubjectPage from './SubjectPage.vue';

beforeEach(freshStores);

const { record } = subjectRow();
const HEAD = '44'.repeat(32);

function field(value: unknown) {
  return { value, heads: [HEAD], author: '王建国', is_unjudged: false, at_ms: 1, is_conflict: false };
}

function view(more: Partial<SubjectView> = {}): SubjectView {
  return {
    record,
    fields: {
      name: field('东海县安泰安全培训中心'),
      credit_code: field('91350100M000100Y43'),
      subject_kind: field('training_institution'),
      region: field('320722'),
    },
    drafts: {},
    org: '320722',
    inspections: [inspectionRow({ stage: 'signed', number: '（苏连）应急检记〔2022〕1号' })],
    findings: [findingRow({ days_left: -2 })],
    delivery: delivery(),
    may_edit: true,
    conflicts: 0,
    ...more,
  };
}

async function open(subject = view()) {
  const core = installFakeCore({
    directory_get: () => directory(),
    subject_get: () => subject,
    draft_put: () => ({ entry: null, at_ms: 2 }),
    field_set: () => ({ entry: '55'.repeat(32), at_ms: 2 }),
  });
  useApp().take(appStatus());
  return { core, ...(await mountPage(SubjectPage, { at: `/subject/${record}` })) };
}

describe('a subject', () => {
  it('keeps what is typed at once and writes it over what was shown', async () => {
    const { core, at } = await open();
    const input = at('subject-field-phone').find('input');
    await input.setValue('13912345678');
    await flushPromises();
    expect(core.requests('draft_put')).toEqual([{ record, field: 'phone', text: '13912345678' }]);
    await input.trigger('blur');
    await flushPromises();
    expect(core.requests('field_set')).toEqual([{ record, field: 'phone', value: '13912345678', over: null }]);
  });

  it('brings back text that was typed before the program ended', async () => {
    const { at } = await open(view({ drafts: { address: '牛山街道和平路' } }));
    expect((at('subject-field-address').find('textarea').element as HTMLTextAreaElement).value).toBe('牛山街道和平路');
  });

  it('says so when a choice could not be kept', async () => {
    const { core, page } = await open();
    core.answer({
      field_set: () => {
        throw new ApiError('disk_full');
      },
    });
    page.findAllComponents({ name: 'ElSelect' })[0]?.vm.$emit('update:modelValue', 'enterprise');
    await flushPromises();
    expect(core.requests('field_set')).toEqual([{ record, field: 'subject_kind', value: 'enterprise', over: [HEAD] }]);
    expect(page.text()).toContain('没有存入');
    expect(document.body.textContent).toContain('磁盘空间不足');
  });

  it('leads to its inspections, its findings and a new inspection', async () => {
    const { at, click, router } = await open();
    expect(at('subject-inspection').text()).toContain('应急检记〔2022〕1号');
    expect(at('subject-inspection').attributes('href')).toBe(`/record/${inspectionRow().record}`);
    expect(at('subject-findings').text()).toContain('逾期 2 天');
    await click('subject-new-inspection');
    expect(router.currentRoute.value).toMatchObject({ name: 'inspections', query: { new: record } });
  });

  it('cannot be changed by whoever may only look', async () => {
    const { at, page } = await open(view({ may_edit: false }));
    expect(at('subject-field-name').find('input').attributes('disabled')).toBeDefined();
    expect(page.text()).toContain('您可以查看，不能修改');
  });
});
