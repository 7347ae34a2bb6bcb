import { flushPromises } from '@vue/test-utils';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { CardFound } from '@/bindings/CardFound';
import type { PlaceWaiting } from '@/bindings/PlaceWaiting';
import { ApiError } from '@/errors';
import { platform } from '@/platform';
import { useApp } from '@/stores/app';
import { installFakeCore, type Answers } from '@/testing/fakeCore';
import { freshStores, mountPage } from '@/testing/mountPage';
import { appStatus, me } from '@/testing/samples';
import SetupPage from './SetupPage.vue';

const CARD: CardFound = { name: '连云港市中心端', fingerprint: '9F3A 00C1 7B2D E4F5 8890 1A2B 3C4D 5E6F', url: '', is_sample: false };
const ASKED: PlaceWaiting = { card: CARD, label: '机构甲的电脑', at_ms: Date.UTC(2022, 3, 12, 2) };

beforeEach(freshStores);

async function open(answers: Answers = {}, asked: PlaceWaiting | null = null) {
  const core = installFakeCore(answers);
  vi.spyOn(platform, 'openFiles').mockResolvedValue([{ kind: 'path', path: 'E:\\名片.shicha', name: '名片.shicha' }]);
  const app = useApp();
  app.take(appStatus({ stage: 'needs_enrolment', me: null, asked }));
  return { core, app, ...(await mountPage(SetupPage)) };
}

describe('enrolling by stick', () => {
  it('writes the request only after the fingerprint of the card was confirmed, and waits for the answer', async () => {
    const { core, at, click, tick, type, submit } = await open({
      place_card: () => CARD,
      place_ask: () => ({
        status: appStatus({ stage: 'needs_enrolment', me: null, asked: ASKED }),
        file: { token: 'f1', name: '申请.shicha', mime: 'application/vnd.shicha.package', size: 900 },
      }),
    });
    const kept = vi.spyOn(HTMLAnchorElement.prototype, 'click').mockReturnValue();
    await click('enrol-by-file');
    await click('card-choose');
    await flushPromises();
    expect(core.requests('place_card')).toEqual([{ source: { from: 'path', path: 'E:\\名片.shicha' } }]);
    expect(at('enrol-server-name').text()).toBe(CARD.name);
    await submit();
    expect(at('enrol-code').exists()).toBe(false);
    await tick('enrol-fingerprint-same');
    await submit();
    await type('enrol-code', 'k7qm2xrd9abf4t2w');
    await type('enrol-label', '机构甲的电脑');
    await submit();
    expect(core.requests('place_ask')).toEqual([
      { fingerprint: CARD.fingerprint, code: 'K7QM-2XRD-9ABF-4T2W', label: '机构甲的电脑', path: null },
    ]);
    expect(kept).toHaveBeenCalledOnce();
    expect(at('place-waiting').text()).toContain('机构甲的电脑');
    expect(at('place-waiting').text()).toContain('可以关闭程序、关机');
  });

  it('goes on where it was after a restart, and the answer makes the computer ready', async () => {
    const mine = me({ name: '机构甲', role: 'institution', server_url: '' });
    const { core, app, at, page, click } = await open({ place_take: () => ({ status: appStatus({ me: mine }), fault: null }) }, ASKED);
    expect(at('place-waiting').exists()).toBe(true);
    await click('answer-choose');
    await flushPromises();
    expect(core.requests('place_take')).toHaveLength(1);
    expect(page.text()).toContain('记录用 U 盘带到中心端');
    expect(page.text()).toContain('已随答复文件带来');
    expect(app.isReady).toBe(false);
    await click('setup-enter');
    expect(app.isReady).toBe(true);
  });

  it('says what a wrong file is, and still waits for the right one', async () => {
    const { at, click } = await open(
      {
        place_take: () => {
          throw new ApiError('not_the_answer');
        },
      },
      ASKED,
    );
    await click('answer-choose');
    await flushPromises();
    expect(at('enrol-error').text()).toContain('不是对本机登记申请的答复');
    expect(at('enrol-error').text()).toContain('申请仍然有效');
    expect(at('answer-choose').exists()).toBe(true);
  });

  it('says that the place is there although the rest of the answer was not taken', async () => {
    const fault = { code: 'disk_full' as const, params: {} };
    const { at, page, click } = await open({ place_take: () => ({ status: appStatus(), fault }) }, ASKED);
    await click('answer-choose');
    await flushPromises();
    expect(page.text()).toContain('本机已经登记好');
    expect(at('place-fault').text()).toContain('磁盘空间不足');
    expect(at('setup-enter').exists()).toBe(true);
  });

  it('writes the request again at the same endpoint, with another code', async () => {
    const { core, click, type, submit } = await open(
      { place_ask: () => ({ status: appStatus({ stage: 'needs_enrolment', me: null, asked: ASKED }), file: null }) },
      ASKED,
    );
    await click('ask-again');
    await type('enrol-code', '0123456789abcdef');
    await submit();
    expect(core.requests('place_ask')).toEqual([{ fingerprint: CARD.fingerprint, code: '0123-4567-89AB-CDEF', label: ASKED.label, path: null }]);
  });

  it('leaves the way over the network open', async () => {
    const { at, click } = await open({}, ASKED);
    await click('enrol-by-network');
    expect(at('enrol-url').exists()).toBe(true);
  });
});
