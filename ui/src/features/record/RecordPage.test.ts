import { flushPromises } from '@vue/test-utils';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { InspectionView } from '@/bindings/InspectionView';
import { ApiError } from '@/errors';
import { setLocale } from '@/i18n';
import { installFakeCore, type Answers } from '@/testing/fakeCore';
import { checklistView, evidence, historyRow, INSPECTION, inspectionView, signature, version } from '@/testing/inspection';
import { freshStores, mountPage } from '@/testing/mountPage';
import { directory, findingRow, PACK_HASH, packsList } from '@/testing/samples';
import RecordPage from './RecordPage.vue';

beforeEach(freshStores);

const notFound = () => {
  throw new ApiError('not_found');
};

async function open(view: InspectionView = inspectionView(), more: Answers = {}, query = '') {
  const state = { view };
  const core = installFakeCore({
    inspection_get: () => state.view,
    checklist_get: () => checklistView(),
    record_history: () => ({ rows: [historyRow()] }),
    directory_get: () => directory(),
    packs_list: () => packsList(),
    ...more,
  });
  return { core, state, ...(await mountPage(RecordPage, { at: `/record/${INSPECTION}${query}` })) };
}

/** Dialogs stand outside of the page. */
function inPage(test: string): HTMLElement {
  const found = [...document.querySelectorAll<HTMLElement>(`[data-test="${test}"]`)].at(-1);
  if (!found) throw new Error(`no ${test}`);
  return found instanceof HTMLTextAreaElement ? found : (found.querySelector('textarea') ?? found);
}

describe('the record that a supervisor reads', () => {
  it('shows the questions of the pack version and the day that it was filled in with', async () => {
    const { core, all } = await open();
    expect(core.requests('checklist_get')).toEqual([{ pack: 'lyg-2021-training', version: '1.0.0', hash: PACK_HASH, checklist: 'TI', day: '2022-04-12' }]);
    expect(all('record-item').map((one) => one.text())).toEqual([
      expect.stringContaining('实操场地是否符合要求？'),
      expect.stringContaining('是否具有法人资格？'),
    ]);
  });

  it('what does not conform comes first, with its finding, and can be shown alone', async () => {
    const { all, tick } = await open();
    expect(all('record-item').map((one) => one.attributes('data-item'))).toEqual(['TI-1.4', 'TI-1.1']);
    const [bad] = all('record-item');
    expect(bad?.text()).toContain('不符合');
    expect(bad?.text()).toContain('实操教室面积不足');
    expect(bad?.text()).toContain('增设实操教室');
    await tick('record-filter-nonconforming');
    expect(all('record-item').map((one) => one.attributes('data-item'))).toEqual(['TI-1.4']);
  });

  it('an address that names an item leads to that item', async () => {
    const { all } = await open(inspectionView(), {}, '?item=TI-1.1');
    const item = all('record-item').find((one) => one.attributes('data-item') === 'TI-1.1');
    expect(item?.classes()).toContain('sought');
    expect(document.activeElement).toBe(item?.element);
  });

  it('shows the evidence of an item, and that something was taken out and why', async () => {
    const { all, page } = await open(
      inspectionView({ evidence: [evidence(), evidence({ attachment: 'a2'.repeat(32), name: '重复.jpg', removed: '拍重了' })] }),
    );
    expect(all('record-evidence')).toHaveLength(1);
    expect(page.find('img').attributes('src')).toContain('size=thumb');
    expect(page.text()).toContain('已移除：重复.jpg，原因：拍重了');
  });

  it('still shows the answers when the pack has not arrived, and says so', async () => {
    const { all, page } = await open(inspectionView(), { checklist_get: notFound });
    expect(all('record-item')).toHaveLength(2);
    expect(page.text()).toContain('本机还没有这份检查表的模板包');
  });

  it('says of each signature whether it stands under the frozen content, and lists what came too late for it', async () => {
    const { all, at } = await open(
      inspectionView({
        stage: 'signing',
        versions: [version()],
        signatures: [signature(), signature({ role: 'subject', name: '赵敏', method: 'refused', note: '有异议', witness: '陈某', fits: false })],
        late: [{ entry: 'e9'.repeat(32), author: '李芳', is_unjudged: false, at_ms: Date.UTC(2022, 3, 12, 5), field: 'answers/TI-1.1/result', value: 'nonconforming', device: '7d'.repeat(32) }],
      }),
      {},
      '?tab=documents',
    );
    const [first, second] = all('record-signature');
    expect(first?.text()).toContain('与冻结的内容一致');
    expect(second?.text()).toContain('不作数');
    expect(second?.text()).toContain('见证人：陈某');
    expect(at('record-late').text()).toContain('TI-1.1 · 检查结果');
    expect(at('record-late').text()).toContain('不符合');
    expect(at('record-pdf-save').exists()).toBe(true);
  });

  it('shows signed versions side by side, with who made each and what it leaves out, and takes the decision of who has no part in them', async () => {
    const other = '6f'.repeat(32);
    const view = inspectionView({
      stage: 'signing',
      is_contested: true,
      may_settle: true,
      may_annul: false,
      versions: [
        version(),
        version({ version: other, names: ['李芳'], author: '李芳', counts: false, is_same_content: false, leaves_out: [{ author: '王建国', entries: 3 }] }),
      ],
      signatures: [signature(), signature({ name: '李芳', author: '李芳', version: other, fits: false }), signature({ name: '王建国', author: '李芳', is_recorded_by_other: true, standing: 'incomplete', version: null, lacking: 2, fits: false })],
    });
    const { all, at, core } = await open(view, { version_settle: () => ({ entry: null, at_ms: 0 }), version_paper: () => ({ token: 't', name: 'x.pdf', mime: 'application/pdf', size: 1 }), inspection_paper: () => ({ token: 't', name: 'x.pdf', mime: 'application/pdf', size: 1 }) }, '?tab=documents');
    const [first, second] = all('record-version');
    expect(first?.text()).toContain('作数');
    expect(second?.text()).toContain('没有包括此前已到达的内容：王建国 的 3 条');
    expect(second?.text()).toContain('由 李芳 在');
    const [, ofOther, forged] = all('record-signature');
    expect(ofOther?.text()).toContain('签在另一版本上');
    expect(forged?.text()).toContain('所签内容还缺 2 条没有到，暂不作数');
    expect(forged?.text()).toContain('由 李芳 的电脑代为记录');
    expect(at('record-contested').text()).toContain('请核对后决定以哪一个为准');
    await all('record-version-show')[1]?.trigger('click');
    await flushPromises();
    inPage('record-preview').click();
    await flushPromises();
    expect(core.requests('version_paper').at(-1)).toEqual({ record: INSPECTION, version: other });
    await all('record-version-settle')[1]?.trigger('click');
    await flushPromises();
    const area = inPage('finish-reason') as HTMLTextAreaElement;
    area.value = '以现场签署的为准';
    area.dispatchEvent(new Event('input'));
    await flushPromises();
    inPage('finish-reason-confirm').click();
    await flushPromises();
    expect(core.requests('version_settle')).toEqual([{ record: INSPECTION, version: other, reason: '以现场签署的为准' }]);
  });

  it('marks whatever a person or a computer wrote that is not in the directory here, and only that', async () => {
    const late = { entry: 'e9'.repeat(32), author: '…3f9a', is_unjudged: true, at_ms: Date.UTC(2022, 3, 12, 5), field: 'answers/TI-1.1/result', value: 'nonconforming', device: '7d'.repeat(32) };
    const view = inspectionView({
      stage: 'signing',
      is_org_unknown: true,
      versions: [version(), version({ version: '6f'.repeat(32), counts: false, is_unjudged: true })],
      signatures: [signature(), signature({ name: '李芳', author: '…3f9a', is_unjudged: true, received_ms: null, fits: false })],
      evidence: [evidence({ is_unjudged: true })],
      late: [late],
    });
    const { all, at, page } = await open(view, {}, '?tab=documents');
    const marked = (test: string) => all(test).map((one) => one.text().includes('未核定'));
    expect(marked('record-signature')).toEqual([false, true]);
    expect(marked('record-version')).toEqual([false, true]);
    expect(at('record-late').text()).toContain('未核定');
    expect(at('record-unjudged').text()).toBe('未核定 3 处');
    expect(at('record-head').text()).toContain('连云港市应急管理局（未核定：本机的名录里还没有这个机关）');
    expect(page.text()).not.toContain('未核定 0 处');
  });

  it('shows no such mark where everybody is known', async () => {
    const { at, page } = await open(inspectionView({ versions: [version()], signatures: [signature()] }), {}, '?tab=documents');
    expect(at('record-unjudged').exists()).toBe(false);
    expect(page.text()).not.toContain('未核定');
  });

  it('shows that and why it was annulled', async () => {
    const { at } = await open(inspectionView({ stage: 'annulled', annulled: '对象有误', may_edit: false, may_sign: false }));
    expect(at('record-annulled').text()).toContain('对象有误');
    expect(at('record-to-finish').exists()).toBe(false);
  });

  it('leads to the conflicts of this record', async () => {
    const { at } = await open(inspectionView({ conflicts: ['answers/TI-1.1/facts'] }));
    expect(at('record-conflicts').attributes('href')).toBe(`/conflicts?record=${INSPECTION}`);
  });

  it('says so when the record cannot be read, and reads it again when asked', async () => {
    const { core, page, state } = await open(inspectionView(), {
      inspection_get: () => {
        throw new ApiError('storage');
      },
    });
    expect(page.text()).toContain('台账读写失败');
    core.answer({ inspection_get: () => state.view });
    await page.findAll('button').find((one) => one.text().includes('重试'))?.trigger('click');
    await flushPromises();
    expect(page.text()).toContain('东海县安泰安全培训中心');
  });

  it('is drawn again when the record changes', async () => {
    const { core, state, page } = await open();
    state.view = inspectionView({}, { 'answers/TI-1.1/facts': '许可证已过期' });
    core.emit({ kind: 'changed', records: [INSPECTION], source: 'sync' });
    await vi.waitFor(() => expect(page.text()).toContain('许可证已过期'));
  });
});

describe('the history of a record', () => {
  it('says who did what, when, on which device, between which moments, and whether it was delivered', async () => {
    const { all } = await open(inspectionView(), {}, '?tab=history');
    const [row] = all('record-history-row');
    for (const words of ['2022-04-12 10:00:00', '填写', 'TI-1.4 · 检查结果', '不符合', '王建国 · 执法一科 3 号', '实际在 2022-04-12 08:00 至 2022-04-12 14:00 之间（相差 6 小时）', '已送达']) {
      expect(row?.text()).toContain(words);
    }
  });

  it('an entry claimed before it can have been made is marked back-dated', async () => {
    const rows = [
      historyRow(),
      historyRow({ entry: 'e2'.repeat(32), claim: 'back_dated', at_ms: Date.UTC(2022, 3, 1), bounds: { since_ms: Date.UTC(2022, 3, 12), received_ms: Date.UTC(2022, 3, 13), seen_ms: null } }),
    ];
    const { all, tick } = await open(inspectionView(), { record_history: () => ({ rows }) }, '?tab=history');
    expect(all('record-history-row')[0]?.text()).not.toContain('倒签');
    expect(all('record-history-row')[1]?.text()).toContain('倒签');
    expect(all('record-history-row')[1]?.text()).toContain('不早于 2022-04-12 08:00');
    await tick('record-history-doubtful');
    expect(all('record-history-row')).toHaveLength(1);
  });

  it('the width within which nothing is known of a time is always shown, and the widest of all', async () => {
    const rows = [
      historyRow(),
      historyRow({ entry: 'e2'.repeat(32), bounds: { since_ms: Date.UTC(2022, 3, 1), received_ms: Date.UTC(2022, 3, 13, 2), seen_ms: null } }),
      historyRow({ entry: 'e3'.repeat(32), bounds: null, claim: 'not_received', delivery: 'waiting' }),
    ];
    const { all, at } = await open(inspectionView(), { record_history: () => ({ rows }) }, '?tab=history');
    expect(all('record-history-row')[1]?.text()).toContain('相差 12 天 2 小时');
    expect(all('record-history-row')[2]?.text()).toContain('尚未送达，时间还无法核对');
    expect(at('record-history-widest').text()).toContain('12 天 2 小时');
  });

  it('a time from before the computer was last in touch is marked as unproved', async () => {
    const rows = [
      historyRow({ claim: 'unproved', bounds: { since_ms: Date.UTC(2022, 3, 1), received_ms: Date.UTC(2022, 3, 13), seen_ms: Date.UTC(2022, 3, 12) } }),
    ];
    const { all, tick } = await open(inspectionView(), { record_history: () => ({ rows }) }, '?tab=history');
    expect(all('record-history-row')[0]?.text()).toContain('时间未证实');
    await tick('record-history-doubtful');
    expect(all('record-history-row')).toHaveLength(1);
  });

  it('marks an entry that somebody wrote whom this computer does not know, in either language, and lists it among the doubtful', async () => {
    const rows = [historyRow(), historyRow({ entry: 'e2'.repeat(32), author: '…3f9a', is_unjudged: true, bounds: null, claim: 'not_received', delivery: 'waiting' })];
    const { all, tick } = await open(inspectionView(), { record_history: () => ({ rows }) }, '?tab=history');
    expect(all('record-history-row').map((one) => one.text().includes('未核定'))).toEqual([false, true]);
    await tick('record-history-doubtful');
    expect(all('record-history-row')).toHaveLength(1);
    setLocale('en');
    await flushPromises();
    expect(all('record-history-row')[0]?.text()).toContain('Not judged yet');
    setLocale('zh-CN');
  });

  it('never says delivered of an entry that waits or was refused', async () => {
    const rows = [historyRow({ delivery: 'waiting' }), historyRow({ entry: 'e3'.repeat(32), delivery: 'refused', refused: 'channel' })];
    const { all } = await open(inspectionView(), { record_history: () => ({ rows }) }, '?tab=history');
    expect(all('record-history-row')[0]?.text()).toContain('未送达');
    expect(all('record-history-row')[1]?.text()).toContain('被退回');
    expect(all('record-history-row')[1]?.text()).toContain('您的岗位不能写入这个单位的台账');
    expect(all('record-history-row').map((one) => one.text()).join()).not.toContain('已送达');
  });

  it('is read only when somebody looks at it', async () => {
    const { core, click, at } = await open();
    expect(core.requests('record_history')).toEqual([]);
    await click('record-tab-history');
    await flushPromises();
    expect(core.requests('record_history')).toHaveLength(1);
    expect(at('record-history-row').exists()).toBe(true);
  });
});

describe('the record of a finding', () => {
  it('shows the finding, its history and the way to its inspection', async () => {
    const { at, all, core } = await open(inspectionView(), {
      inspection_get: notFound,
      record_history: () => ({ rows: [historyRow({ what: 'opened', field: '', value: '东海县安泰安全培训中心' })] }),
      findings_list: () => ({ rows: [findingRow({ record: INSPECTION, inspection: 'I1' })], total: 1 }),
    });
    expect(core.requests('findings_list')[0]?.filter.query).toBe('东海县安泰安全培训中心');
    expect(at('record-finding').text()).toContain('实操教室面积不足');
    expect(at('record-finding-inspection').attributes('href')).toBe('/record/I1?item=TI-1.4');
    expect(all('record-history-row')).toHaveLength(1);
  });

  it('says so when there is no such record at all', async () => {
    const { page } = await open(inspectionView(), { inspection_get: notFound, record_history: notFound });
    expect(page.text()).toContain('这里没有这份记录或文件');
  });
});

describe('a value of a history', () => {
  it('reads as it does in the form', async () => {
    const rows = [
      historyRow({ field: 'ended_at', value: String(Date.UTC(2022, 3, 12, 3)), before: '' }),
      historyRow({ entry: 'e4'.repeat(32), field: 'inspectors', value: JSON.stringify([{ person: null, name: '李芳', certificate: '32070000002' }]) }),
      historyRow({ entry: 'e5'.repeat(32), what: 'attached', field: 'answers/TI-1.4', value: '实操教室.jpg' }),
      historyRow({ entry: 'e6'.repeat(32), field: 'identity_shown', value: 'true' }),
      historyRow({ entry: 'e7'.repeat(32), field: 'summary', value: '', before: '旧的综述' }),
    ];
    const { all } = await open(inspectionView(), { record_history: () => ({ rows }) }, '?tab=history');
    const texts = all('record-history-row').map((one) => one.text());
    expect(texts[0]).toContain('2022-04-12 11:00');
    expect(texts[1]).toContain('李芳 (32070000002)');
    expect(texts[2]).toContain('加入证据');
    expect(texts[2]).toContain('TI-1.4');
    expect(texts[3]).toContain('是');
    expect(texts[4]).toContain('清空');
    expect(texts[4]).toContain('旧的综述');
  });
});
