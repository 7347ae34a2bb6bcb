import { flushPromises } from '@vue/test-utils';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { PackageLooked } from '@/bindings/PackageLooked';
import type { PackageRow } from '@/bindings/PackageRow';
import type { PackageTaken } from '@/bindings/PackageTaken';
import { ApiError } from '@/errors';
import { platform } from '@/platform';
import { useApp } from '@/stores/app';
import { installFakeCore, type Answers } from '@/testing/fakeCore';
import { freshStores, mountPage } from '@/testing/mountPage';
import { appStatus, me } from '@/testing/samples';
import PackagesPage from './PackagesPage.vue';
import { usePackages } from './store';

beforeEach(freshStores);

const ENDPOINT = { is_endpoint: true, name: '连云港中心端', detail: '' };
const ME = { is_endpoint: false, name: '张三', detail: '笔记本' };

function row(changes: Partial<PackageRow> = {}): PackageRow {
  return {
    id: '018f0000-0000-7000-8000-00000000b001',
    is_out: true,
    made_at_ms: 1_650_000_000_000,
    at_ms: 1_650_000_000_000,
    file: '一周.shicha',
    from: ME,
    to: ENDPOINT,
    entries: 120,
    numbered: 0,
    records: 2,
    evidence: 6,
    evidence_bytes: 1_800_000,
    receipts: 0,
    refused: 0,
    update: null,
    from_ms: 1_650_000_000_000,
    until_ms: 1_650_000_500_000,
    is_answered: false,
    ...changes,
  };
}

const NOTHING: PackageTaken = {
  entries: 0,
  delivered: 0,
  refused: 0,
  evidence: 0,
  sent: 0,
  numbers: 0,
  directory: false,
  has_parted: false,
  forked: null,
  not_taken: [],
  channels: 0,
  update: null,
};

function looked(changes: Partial<PackageLooked> = {}): PackageLooked {
  return { token: 't1', package: row({ is_out: false, from: ENDPOINT, to: ME, receipts: 3 }), bytes: 2_000_000, taken_at_ms: null, update: null, ...changes };
}

async function open(answers: Answers = {}, rows: PackageRow[] = [], address = '/packages') {
  useApp().take(appStatus());
  const core = installFakeCore({
    package_recipients: () => ({ endpoint: '连云港中心端', devices: [] }),
    package_plan: () => ({ name: '实查数据包.shicha', entries: 120, carried: 0, evidence: 6, update: null, bytes: 1_900_000 }),
    packages_list: () => ({ rows }),
    ...answers,
  });
  vi.spyOn(platform, 'openFiles').mockResolvedValue([{ kind: 'path', path: 'E:\\答复.shicha', name: '答复.shicha' }]);
  const mounted = await mountPage(PackagesPage, { at: address });
  await flushPromises();
  return { core, ...mounted };
}

describe('exchange by stick', () => {
  it('says what would go along before anything is written', async () => {
    const { core, at } = await open();
    expect(at('package-plan').text()).toContain('120 条内容');
    expect(at('package-plan').text()).toContain('6 件证据');
    expect(core.requests('package_make')).toEqual([]);
  });

  it('shows from whom a package is and what is in it, and takes nothing before the person says so', async () => {
    const { core, at, click } = await open({
      package_look: () => looked(),
      package_take: () => ({ ...NOTHING, delivered: 120, sent: 6 }),
    });
    await click('package-choose');
    await flushPromises();
    expect(at('package-looked').text()).toContain('中心端（连云港中心端）');
    expect(at('package-looked').text()).toContain('签名有效');
    expect(core.requests('package_take')).toEqual([]);
    await click('package-take-button');
    await flushPromises();
    expect(core.requests('package_take')).toEqual([{ token: 't1' }]);
    expect(at('package-taken').text()).toContain('120 条内容收到回执');
  });

  it('shows an update in a package before it is taken in, and says of one that is refused that the rest is taken', async () => {
    const carried = { version: '0.2.0', size: 62_000_000, notes: '', verdict: 'new' };
    const refused = { ...carried, verdict: 'altered' };
    const { core, at, click } = await open({
      package_look: () => looked({ update: carried, package: row({ is_out: false, update: '0.2.0' }) }),
      package_take: () => ({ ...NOTHING, update: carried }),
    });
    await click('package-choose');
    await flushPromises();
    expect(at('package-update').text()).toContain('软件更新 0.2.0，签名有效');
    expect(at('package-contents').text()).toContain('版本 0.2.0');
    await click('package-take-button');
    await flushPromises();
    expect(at('package-taken').text()).toContain('软件更新 0.2.0 已存入本机');
    core.answer({ package_look: () => looked({ update: refused }), package_take: () => ({ ...NOTHING, update: refused }) });
    await click('package-choose');
    await flushPromises();
    expect(at('package-update').text()).toContain('不完整或被改动过。其余内容照常导入');
    await click('package-take-button');
    await flushPromises();
    expect(at('package-cautions').text()).toContain('0.2.0 不能用');
  });

  it('takes the update that lies here along to a colleague only when that is ticked', async () => {
    const { core, at, all } = await open({
      package_recipients: () => ({ endpoint: '连云港中心端', devices: [{ device: 'd1', label: '笔记本', person: '李芳', org: '东海县应急管理局' }] }),
      package_plan: ({ to }) => ({ name: '更新.shicha', entries: 0, carried: 0, evidence: 0, update: to === null ? null : '0.2.0', bytes: 62_000_000 }),
    });
    expect(all('package-with-update')).toHaveLength(0);
    const store = usePackages();
    await store.chooseRecipient('d1');
    await flushPromises();
    expect(core.requests('package_plan').at(-1)?.update).toBe(false);
    expect(at('package-make-button').attributes('disabled')).toBeDefined();
    expect(at('package-with-update').text()).toContain('0.2.0');
    await store.takeUpdateAlong(true);
    await flushPromises();
    expect(core.requests('package_plan').at(-1)?.update).toBe(true);
    expect(at('package-make-button').attributes('disabled')).toBeUndefined();
  });

  it('tells in words why a package is refused and what to do', async () => {
    const { at, click } = await open({
      package_look: () => {
        throw new ApiError('damaged_package', {});
      },
    });
    await click('package-choose');
    await flushPromises();
    expect(at('package-error').text()).toContain('不完整，或者被改动过');
    expect(at('package-error').text()).toContain('没有导入任何内容');
    expect(at('package-error').text()).toContain('重新拷贝');
  });

  it('names what is still to be done after taking', async () => {
    const { at, click } = await open({
      package_look: () => looked(),
      package_take: () => ({ ...NOTHING, has_parted: true, not_taken: ['revoked'] }),
    });
    await click('package-choose');
    await flushPromises();
    await click('package-take-button');
    await flushPromises();
    expect(at('package-cautions').text()).toContain('请再导出一个数据包给中心端');
    expect(at('package-cautions').text()).toContain('已被停用');
  });

  it('shows a package as awaiting receipts until they are here', async () => {
    const { at } = await open({}, [row()]);
    expect(at('package-list').text()).toContain('待回执');
    const answered = await open({}, [row({ is_answered: true })]);
    expect(answered.at('package-list').text()).toContain('已收到回执');
  });
});

describe('chosen records', () => {
  it('go in alone, until the person wants everything', async () => {
    const { core, at, click } = await open({}, [], '/packages?records=r1,r2');
    expect(core.requests('package_plan').at(-1)?.records).toEqual(['r1', 'r2']);
    expect(at('package-chosen').text()).toContain('已选 2 份');
    await click('package-choose-all');
    await flushPromises();
    expect(core.requests('package_plan').at(-1)?.records).toBeNull();
    expect(at('package-chosen').exists()).toBe(false);
  });
});

describe('handing in for somebody else', () => {
  const OUTSIDE = {
    token: 'o1',
    file: '机构甲.shicha',
    bytes: 3_000_000,
    from: { is_endpoint: false, name: '李四', detail: '机构甲的电脑' },
    is_newcomer: false,
    made_at_ms: 1_650_000_000_000,
  };
  const ANSWER = { token: 'a1', name: '实查答复-给李四.shicha', to: OUTSIDE.from, is_newcomer: false, bytes: 20_000 };
  const SAVED = { file: { token: 'f1', name: ANSWER.name, mime: 'application/vnd.shicha.package', size: 20_000 } };

  it('shows whose it is before anything is sent, and lets the answer be saved', async () => {
    const { core, at, click } = await open({
      package_outside: () => OUTSIDE,
      package_hand_in: () => ANSWER,
      package_answer_save: () => SAVED,
    });
    const kept = vi.spyOn(HTMLAnchorElement.prototype, 'click').mockReturnValue();
    await click('hand-choose');
    await flushPromises();
    expect(at('hand-outside').text()).toContain('李四（机构甲的电脑）');
    expect(core.requests('package_hand_in')).toEqual([]);
    await click('hand-button');
    await flushPromises();
    expect(core.requests('package_hand_in')).toEqual([{ token: 'o1' }]);
    expect(at('hand-answer').text()).toContain('答复是给“李四（机构甲的电脑）”的');
    await click('hand-save');
    await flushPromises();
    expect(core.requests('package_answer_save')).toEqual([{ token: 'a1', path: null }]);
    expect(kept).toHaveBeenCalledOnce();
    expect(at('hand-saved').text()).toContain(ANSWER.name);
  });

  it('says that a request got its computer a place', async () => {
    const newcomer = { is_endpoint: false, name: '', detail: 'ab12cd34' };
    const { at, click } = await open({
      package_outside: () => ({ ...OUTSIDE, from: newcomer, is_newcomer: true }),
      package_hand_in: () => ({ ...ANSWER, to: newcomer, is_newcomer: true }),
    });
    await click('hand-choose');
    await flushPromises();
    expect(at('hand-outside').text()).toContain('一台申请登记的电脑（ab12cd34）');
    await click('hand-button');
    await flushPromises();
    expect(at('hand-answer').text()).toContain('已给那台电脑登记');
  });

  it('says why the endpoint did not take it, and that nothing is lost', async () => {
    const { at, click } = await open({
      package_outside: () => OUTSIDE,
      package_hand_in: () => {
        throw new ApiError('package_refused', { reason: 'unknown_sender' });
      },
    });
    await click('hand-choose');
    await flushPromises();
    await click('hand-button');
    await flushPromises();
    expect(at('hand-reason').text()).toContain('已被停用');
    expect(at('hand-error').text()).toContain('仍在它原来的电脑上');
  });

  it('is not offered on a computer that knows no address', async () => {
    const { page, at } = await open();
    useApp().take(appStatus({ me: me({ server_url: '' }) }));
    await flushPromises();
    expect(page.find('[data-test=package-take]').exists()).toBe(true);
    expect(at('package-hand').exists()).toBe(false);
  });
});
