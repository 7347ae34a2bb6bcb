import { beforeEach, describe, expect, it } from 'vitest';
import { flushPromises } from '@vue/test-utils';
import type { NearbyReason } from '@/bindings/NearbyReason';
import type { NearbyView } from '@/bindings/NearbyView';
import { messages, setLocale } from '@/i18n';
import { installFakeCore } from '@/testing/fakeCore';
import { freshStores, mountPage } from '@/testing/mountPage';
import { nothingMoved as nothing, nearbySession as session, nearbyView as view } from '@/testing/nearby';
import { faultText } from './faultText';
import NearbyPage from './NearbyPage.vue';

beforeEach(freshStores);

async function open(first: NearbyView) {
  const core = installFakeCore({
    nearby_open: () => first,
    nearby_close: () => ({}),
    nearby_keep: ({ is_kept: isKept }) => ({ ...first, is_kept: isKept }),
    nearby_connect: () => ({}),
    nearby_answer: () => ({}),
    nearby_cancel: () => ({}),
    nearby_put_away: () => ({}),
  });
  const page = await mountPage(NearbyPage);
  const tell = async (next: NearbyView) => {
    core.emit({ kind: 'nearby', view: next });
    await flushPromises();
  };
  return { core, tell, ...page };
}

describe('the page of laptops nearby', () => {
  it('is on only while it is open, unless the person keeps it on', async () => {
    const { core, page, at } = await open(view());
    expect(core.requests('nearby_open')).toHaveLength(1);
    await at('nearby-keep').find('input').setValue(true);
    expect(core.requests('nearby_keep')).toEqual([{ is_kept: true }]);
    page.unmount();
    expect(core.requests('nearby_close')).toHaveLength(1);
  });

  it('shows what to do while nobody is found, and what to type on the other laptop', async () => {
    const { at } = await open(view());
    expect(at('nearby-found').text()).toContain('连同一个无线网络或手机热点');
    expect(at('nearby-address').text()).toBe('192.168.43.7');
    expect(at('nearby-name').text()).toBe('王建国 · 外勤一号');
  });

  it('connects to a laptop of the list, and not to one of another version', async () => {
    const row = (instance: string, isSame: boolean) => ({ instance, name: instance, address: '10.0.0.2:47820', is_same_version: isSame });
    const { core, all } = await open(view({ found: [row('a1b2c3d4', true), row('ffff0000', false)] }));
    const rows = all('nearby-found-row');
    expect(rows[1]?.find('button').attributes('disabled')).toBeDefined();
    await rows[0]?.find('button').trigger('click');
    expect(core.requests('nearby_connect')).toEqual([{ by: 'found', instance: 'a1b2c3d4' }]);
  });

  it('connects by address, and says so where what was typed is none', async () => {
    const { core, at, type, submit } = await open(view({ addresses: [] }));
    expect(at('nearby-no-network').text()).toContain('没有连上任何网络');
    core.answer({ nearby_connect: () => Promise.reject({ code: 'bad_value', params: { what: 'address' } }) });
    await type('nearby-typed', '隔壁');
    await submit();
    expect(at('nearby-bad-address').text()).toContain('192.168.43.7');
    core.answer({ nearby_connect: () => ({}) });
    await type('nearby-typed', '192.168。43。9');
    await submit();
    expect(core.requests('nearby_connect').at(-1)).toEqual({ by: 'address', address: '192.168。43。9' });
    expect(at('nearby-bad-address').exists()).toBe(false);
  });

  it('shows six big digits and sends what the person says of them', async () => {
    const { core, tell, at, click } = await open(view({ session: session() }));
    expect(at('nearby-digits').text()).toBe('048213');
    expect(at('nearby-digits').attributes('aria-label')).toBe('0 4 8 2 1 3');
    expect(at('nearby-peer').text()).toContain('李敏');
    expect(at('nearby-unknown').exists()).toBe(false);
    await click('nearby-same');
    await tell(view({ session: session({ agreed_here: true }) }));
    expect(at('nearby-waits').text()).toContain('等待对方确认');
    expect(at('nearby-same').attributes('disabled')).toBeDefined();
    await click('nearby-differ');
    const shown = { session: 4, digits: '048213' };
    expect(core.requests('nearby_answer')).toEqual([
      { ...shown, is_same: true },
      { ...shown, is_same: false },
    ]);
  });

  it('warns of a laptop that the directory does not have', async () => {
    const peer = { person_name: '新同事', org_name: '', role: 'inspector' as const, label: '', is_known: false };
    const { at } = await open(view({ session: session({ peer }) }));
    expect(at('nearby-unknown').text()).toContain('自称属于新同事');
  });

  it('shows how far it is, and can be stopped', async () => {
    const given = { ...nothing, entries: 1200, all_entries: 1200, files: 1, all_files: 4, bytes: 1024 * 1024, all_bytes: 4 * 1024 * 1024 };
    const { core, at, click } = await open(view({ session: session({ stage: 'exchanging', given }) }));
    expect(at('nearby-given').text()).toContain('1,200 条记录');
    expect(at('nearby-given').text()).toContain('1/4 件证据');
    expect(at('nearby-given').find('[role="progressbar"]').attributes('aria-valuenow')).toBe('25');
    await click('nearby-cancel');
    expect(core.requests('nearby_cancel')).toHaveLength(1);
  });

  it('sums up, and does not hide what was not taken', async () => {
    const done = session({ stage: 'done', given: { ...nothing, entries: 12, files: 2 }, taken: { ...nothing, entries: 7 }, not_taken: 3 });
    const { core, at, click } = await open(view({ session: done }));
    expect(at('nearby-sum-given').text()).toBe('给了 12 条记录、2 件证据');
    expect(at('nearby-sum-taken').text()).toBe('收到 7 条记录、0 件证据');
    expect(at('nearby-not-taken').text()).toContain('3 条没有收下');
    await click('nearby-put-away');
    expect(core.requests('nearby_put_away')).toHaveLength(1);
  });

  it('says why it ended early, what is safe, and tries the same again', async () => {
    const found = [{ instance: 'a1b2c3d4', name: '李敏', address: '10.0.0.2:47820', is_same_version: true }];
    const { core, tell, at, all, click } = await open(view({ found }));
    await all('nearby-found-row')[0]?.find('button').trigger('click');
    await tell(view({ found, session: session({ stage: 'failed', fault: { reason: 'broken', is_there: false } }) }));
    expect(at('nearby-result').text()).toContain('连接中断了');
    expect(at('nearby-result').text()).toContain('接着传');
    await click('nearby-again');
    await flushPromises();
    expect(core.requests('nearby_put_away')).toHaveLength(1);
    expect(core.requests('nearby_connect')).toHaveLength(2);
  });
});

describe('the reasons', () => {
  const reasons = Object.keys(messages['zh-CN'].nearby.fault).filter((key) => !key.endsWith('_there') || key === 'update_there');

  it('have words in both languages, other ones where the other laptop said so', () => {
    for (const locale of ['zh-CN', 'en'] as const) {
      setLocale(locale);
      for (const reason of reasons as NearbyReason[]) expect(faultText({ reason, is_there: false })).not.toContain('nearby.');
      expect(faultText({ reason: 'busy', is_there: false })).not.toBe(faultText({ reason: 'busy', is_there: true }));
    }
    setLocale('zh-CN');
    expect(faultText({ reason: 'other_endpoint', is_there: true })).toBe('两台电脑登记在不同的服务器，不能直接交换。');
  });
});
