import { flushPromises } from '@vue/test-utils';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { defineComponent, h } from 'vue';
import type { InspectionView } from '@/bindings/InspectionView';
import type { MissingView } from '@/bindings/MissingView';
import { ApiError } from '@/errors';
import { platform } from '@/platform';
import { installFakeCore, type Answers } from '@/testing/fakeCore';
import { DIGEST, evidence, HEAD, INSPECTION, inspectionView, signature } from '@/testing/inspection';
import { freshStores, mountPage } from '@/testing/mountPage';
import FinishPage from './FinishPage.vue';

// The real pad draws on a canvas, which only a browser has.
vi.mock('@/components/SignaturePad.vue', () => ({
  default: defineComponent({
    emits: ['change'],
    setup(_, { emit, expose }) {
      expose({ toPng: () => Promise.resolve(new Blob(['mark'], { type: 'image/png' })) });
      return () => h('button', { class: 'fake-pad', onClick: () => emit('change', false) });
    },
  }),
}));
vi.mock('./pdf', () => ({
  openPdf: () =>
    Promise.resolve({ pages: 2, shape: () => Promise.resolve(1.4), draw: () => Promise.resolve(), close: () => Promise.resolve() }),
}));

beforeEach(() => {
  freshStores();
  document.querySelectorAll('.el-overlay').forEach((one) => one.remove());
});

const MISSING: MissingView[] = [
  { lack: 'end', field: 'ended_at', item: null },
  { lack: 'two_inspectors', field: 'inspectors', item: null },
  { lack: 'evidence', field: 'answers/TI-1.4/evidence', item: 'TI-1.4' },
  { lack: 'conflict', field: 'summary', item: null },
];
const saved = () => ({ entry: '55'.repeat(32), at_ms: 2 });

async function open(view: InspectionView = inspectionView(), missing: MissingView[] = [], more: Answers = {}, at = `/finish/${INSPECTION}`) {
  const state = { view, missing };
  const core = installFakeCore({
    inspection_get: () => state.view,
    inspection_missing: () => ({ missing: state.missing }),
    inspection_paper: () => ({ token: 'T1', name: '现场检查记录.pdf', mime: 'application/pdf', size: 1000 }),
    field_set: saved,
    draft_put: saved,
    signature_add: saved,
    number_take: saved,
    number_void: saved,
    inspection_annul: saved,
    upload_begin: () => ({ upload: 'U1' }),
    upload_write: () => ({}),
    ...more,
  });
  return { core, state, ...(await mountPage(FinishPage, { at })) };
}

function inDialog(test: string): HTMLElement {
  const found = document.querySelector<HTMLElement>(`.el-overlay [data-test="${test}"]`);
  if (!found) throw new Error(`the dialog has no ${test}`);
  return found;
}

async function press(test: string): Promise<void> {
  inDialog(test).click();
  await flushPromises();
  await vi.waitFor(() => undefined);
}

async function write(test: string, text: string): Promise<void> {
  const part = inDialog(test);
  const input = part.matches('input, textarea') ? part : part.querySelector('input, textarea');
  (input as HTMLInputElement).value = text;
  input?.dispatchEvent(new Event('input'));
  await flushPromises();
}

describe('finishing an inspection', () => {
  it('nothing can be signed while something is missing and each missing thing leads to its field', async () => {
    const { all, at, page } = await open(inspectionView(), MISSING);
    expect(page.text()).toContain('还缺 4 处');
    expect(all('finish-missing-row').map((row) => [row.attributes('data-field'), row.attributes('href')])).toEqual([
      ['ended_at', `/finish/${INSPECTION}?field=ended_at`],
      ['inspectors', `/inspection/${INSPECTION}?field=inspectors`],
      ['answers/TI-1.4/evidence', `/inspection/${INSPECTION}?item=TI-1.4&field=answers/TI-1.4/evidence`],
      ['summary', `/conflicts?record=${INSPECTION}`],
    ]);
    for (const sign of ['finish-sign-0', 'finish-sign-1', 'finish-sign-subject']) {
      expect(at(sign).attributes('disabled')).toBeDefined();
    }
  });

  it('says that it is ready when nothing is missing', async () => {
    const { at } = await open();
    expect(at('finish-missing').text()).toContain('内容齐全，可以签名');
    expect(at('finish-sign-0').attributes('disabled')).toBeUndefined();
  });

  it('leads to a field of its own when a missing one is followed', async () => {
    await open(inspectionView({}, { place: '' }), [{ lack: 'place', field: 'place', item: null }], {}, `/finish/${INSPECTION}?field=place`);
    expect(document.activeElement?.closest('[data-test="finish-field-place"]')).not.toBeNull();
  });

  it('writes the end of the visit over what was shown, to the minute', async () => {
    const { core, click } = await open();
    await click('finish-ended-now');
    const [written] = core.requests('field_set');
    expect(written).toMatchObject({ record: INSPECTION, field: 'ended_at', over: [HEAD] });
    expect(Number(written?.value) % 60_000).toBe(0);
  });

  it('says so when a choice was not stored', async () => {
    const { page, click } = await open(inspectionView(), [], {
      field_set: () => {
        throw new ApiError('disk_full');
      },
    });
    await click('finish-ended-now');
    expect(page.text()).toContain('没有存入');
    expect(document.body.textContent).toContain('磁盘空间不足');
  });

  it('warns of an end before the start', async () => {
    const { page } = await open(inspectionView({}, { ended_at: Date.UTC(2022, 3, 11, 1) }));
    expect(page.text()).toContain('结束时间早于开始时间（2022-04-12 09:00）');
  });

  it('signs the content that was shown, with the mark that was drawn, after saying that it freezes', async () => {
    const { core, click } = await open();
    await click('finish-sign-0');
    expect(inDialog('finish-freeze').textContent).toContain('签后内容冻结');
    await press('finish-sign-confirm');
    expect(document.body.textContent).toContain('请先在签名区域书写');
    expect(core.requests('signature_add')).toEqual([]);
    document.querySelector<HTMLElement>('.fake-pad')?.click();
    await flushPromises();
    await press('finish-sign-confirm');
    await vi.waitFor(() => expect(core.requests('signature_add')).toHaveLength(1));
    expect(core.requests('signature_add')[0]).toEqual({
      record: INSPECTION,
      digest: DIGEST,
      role: 'inspector',
      person: '018f0000-0000-7000-8000-000000000001',
      name: '王建国',
      method: 'screen',
      mark: { from: 'upload', upload: 'U1' },
      note: '',
      witness: '',
    });
  });

  it('after the first signature the fields are read-only and the others can still sign', async () => {
    const { at, page, click, all } = await open(
      inspectionView({ stage: 'signing', may_edit: false, signatures: [signature()] }),
    );
    expect(page.text()).toContain('检查内容已冻结');
    expect(at('finish-field-place').find('input').attributes('disabled')).toBeDefined();
    expect(at('finish-ended-now').attributes('disabled')).toBeDefined();
    expect(all('finish-signature')).toHaveLength(1);
    expect(at('finish-sign-0').exists()).toBe(false);
    await click('finish-sign-1');
    expect(document.querySelector('[data-test="finish-freeze"]')).toBeNull();
  });

  it('a refusal needs its reason and a witness, and only the subject may refuse', async () => {
    const { core, click } = await open();
    await click('finish-sign-subject');
    inDialog('finish-method-refused').click();
    await flushPromises();
    await press('finish-sign-confirm');
    expect(document.body.textContent).toContain('请写明拒绝签名的原因');
    expect(document.body.textContent).toContain('请写明见证人');
    await write('finish-signer', '赵敏');
    await write('finish-note', '对第 3 项有异议');
    await write('finish-witness', '陈某');
    await press('finish-sign-confirm');
    await vi.waitFor(() => expect(core.requests('signature_add')).toHaveLength(1));
    expect(core.requests('signature_add')[0]).toMatchObject({
      role: 'subject',
      name: '赵敏',
      method: 'refused',
      mark: null,
      note: '对第 3 项有异议',
      witness: '陈某',
    });
  });

  it('an inspector is not offered to refuse', async () => {
    const { click } = await open();
    await click('finish-sign-0');
    expect(document.querySelector('[data-test="finish-method-refused"]')).toBeNull();
    expect(document.querySelector('[data-test="finish-method-paper"]')).not.toBeNull();
  });

  it('when the content changed meanwhile, it says that the signature was not recorded and shows the new content', async () => {
    const { core, at, click } = await open(inspectionView(), [], {
      signature_add: () => {
        throw new ApiError('stale');
      },
    });
    await click('finish-sign-0');
    inDialog('finish-method-paper').click();
    await flushPromises();
    const before = core.requests('inspection_get').length;
    await press('finish-sign-confirm');
    expect(at('finish-sign-notice').text()).toContain('签名没有记上');
    expect(core.requests('inspection_get').length).toBeGreaterThan(before);
  });

  it('marks a signature that does not stand under the frozen content and lets that person sign again', async () => {
    const { page, at } = await open(inspectionView({ stage: 'signing', may_edit: false, signatures: [signature({ name: '李芳' }), signature({ fits: false })] }));
    expect(page.text()).toContain('与冻结的内容不符，不作数');
    expect(at('finish-sign-0').exists()).toBe(true);
  });

  it('shows a provisional number as one and takes the formal one when there is one', async () => {
    const { core, state, at, click } = await open(inspectionView({ number: '临-7d3f-1', is_provisional: true }));
    expect(at('finish-number').text()).toContain('临时编号');
    state.view = inspectionView();
    await click('finish-number-take');
    expect(core.requests('number_take')).toEqual([{ record: INSPECTION }]);
    expect(at('finish-number').text()).toBe('（苏连）应急检记〔2022〕1号');
  });

  it('voids a number only with a reason', async () => {
    const { core, click } = await open();
    await click('finish-number-void');
    await press('finish-reason-confirm');
    expect(core.requests('number_void')).toEqual([]);
    await write('finish-reason', '打印错误');
    await press('finish-reason-confirm');
    expect(core.requests('number_void')).toEqual([{ record: INSPECTION, reason: '打印错误' }]);
  });

  it('shows every page of the document, and says when it is of older content', async () => {
    const { all, click, core, page, state } = await open();
    await click('finish-preview');
    await vi.waitFor(() => expect(all('finish-page-canvas')).toHaveLength(2));
    expect(page.text()).not.toContain('这份预览是之前生成的');
    state.view = inspectionView({ digest: 'd2'.repeat(32) });
    core.emit({ kind: 'changed', records: [INSPECTION], source: 'sync' });
    await vi.waitFor(() => expect(page.text()).toContain('这份预览是之前生成的'));
  });

  it('tells what to do when the document cannot be made', async () => {
    const { click, page } = await open(inspectionView(), [], {
      inspection_paper: () => {
        throw new ApiError('no_font');
      },
    });
    await click('finish-save');
    expect(page.text()).toContain('请安装仿宋、黑体等中文字体');
  });

  it('takes the scan of a page signed on paper after the content is frozen, and says which file was not taken', async () => {
    const { core, click, page } = await open(
      inspectionView({ stage: 'signing', may_edit: false, signatures: [signature()] }),
      [],
      {
        evidence_add: () => ({
          results: [
            { name: '签字页.pdf', evidence: evidence({ place: 'after/scan' }), error: null },
            { name: '空.pdf', evidence: null, error: { code: 'empty_file', params: {} } },
          ],
        }),
      },
    );
    expect(page.text()).toContain('还没有扫描件');
    vi.spyOn(platform, 'openFiles').mockResolvedValue([
      { kind: 'path', path: '/scans/1.pdf', name: '签字页.pdf' },
      { kind: 'path', path: '/scans/2.pdf', name: '空.pdf' },
    ]);
    await click('finish-scan-add');
    expect(core.requests('evidence_add')[0]).toMatchObject({ record: INSPECTION, place: 'after/scan' });
    expect(page.text()).toContain('空.pdf: 这个文件是空的');
  });

  it('annuls the record with a reason and shows it as annulled', async () => {
    const { core, state, click, at } = await open();
    await click('finish-annul');
    state.view = inspectionView({ stage: 'annulled', annulled: '对象有误', may_edit: false, may_sign: false });
    await write('finish-reason', '对象有误');
    await press('finish-reason-confirm');
    expect(core.requests('inspection_annul')).toEqual([{ record: INSPECTION, reason: '对象有误' }]);
    expect(at('finish-annulled').text()).toContain('对象有误');
    expect(at('finish-sign-0').exists()).toBe(false);
  });

  it('whoever may only look finds nothing to press', async () => {
    const { at, page } = await open(inspectionView({ may_edit: false, may_sign: false, may_annul: false }));
    expect(page.text()).toContain('您可以查看，不能办理');
    for (const test of ['finish-sign-0', 'finish-number-take', 'finish-number-void', 'finish-scan-add', 'finish-annul']) {
      expect(at(test).exists()).toBe(false);
    }
  });
});
