import { flushPromises } from '@vue/test-utils';
import { beforeEach, describe, expect, it } from 'vitest';
import type { AppStatus } from '@/bindings/AppStatus';
import type { Me } from '@/bindings/Me';
import { ApiError } from '@/errors';
import { useApp } from '@/stores/app';
import { installFakeCore } from '@/testing/fakeCore';
import { freshStores, mountPage } from '@/testing/mountPage';
import SetupPage from './SetupPage.vue';

const ME: Me = {
  person: '018f0000-0000-7000-8000-000000000001',
  name: '王建国',
  certificate: '32070000001',
  org: '320700',
  org_name: '连云港市应急管理局',
  role: 'inspector',
  device: '7d3f',
  server_name: '连云港市应急管理局实查服务器',
  server_url: 'https://server.test',
  server_fingerprint: '9F3A 00C1 7B2D E4F5 8890 1A2B 3C4D 5E6F',
};

function status(stage: AppStatus['stage'], more: Partial<AppStatus> = {}): AppStatus {
  return { stage, version: '0.1.0', me: null, is_sample: false, has_keychain: true, salvage: null, order: null, asked: null, language: 'zh-CN', ...more };
}

const FOUND = {
  url: 'https://server.test',
  name: ME.server_name,
  fingerprint: ME.server_fingerprint,
  is_sample: false,
  clock_ahead_ms: 0,
};

beforeEach(freshStores);

async function open(first: AppStatus) {
  const app = useApp();
  app.take(first);
  return { app, ...(await mountPage(SetupPage)) };
}

describe('the first start', () => {
  it('creates a ledger with a passphrase only when it is long enough, repeated, and forgetting is understood', async () => {
    const core = installFakeCore({ key_create: () => status('needs_enrolment') });
    const { at, type, tick, submit, app } = await open(status('needs_key'));
    await at('setup-use-passphrase').trigger('click');

    await type('setup-passphrase', '连岛的灯塔夜里最亮');
    await type('setup-passphrase-confirm', '连岛的灯塔夜里最暗');
    await tick('setup-forgotten-understood');
    await submit();
    expect(core.requests('key_create')).toEqual([]);

    await type('setup-passphrase-confirm', '连岛的灯塔夜里最亮');
    await submit();
    expect(core.requests('key_create')).toEqual([{ passphrase: '连岛的灯塔夜里最亮' }]);
    expect(app.status?.stage).toBe('needs_enrolment');
    expect(at('setup-stage-needs_enrolment').exists()).toBe(true);
  });

  it('says that a wrong passphrase is wrong and lets the person try again', async () => {
    const core = installFakeCore({
      key_unlock: () => {
        throw new ApiError('wrong_passphrase');
      },
    });
    const { page, type, submit, app } = await open(status('locked'));
    await type('unlock-passphrase', 'falsch gemerkt');
    await submit();
    expect(page.text()).toContain('口令不对');
    core.answer({ key_unlock: () => status('ready', { me: ME }) });
    await submit();
    expect(app.isReady).toBe(true);
  });

  it('shows what was salvaged before the work begins', async () => {
    const salvage = { damaged_file: 'D:\\shicha\\ledger.damaged', entries: 1204, blobs: 31, lost: ['第 7 页'] };
    installFakeCore({ key_unlock: () => status('ready', { me: ME, salvage }) });
    const { at, page, type, submit, app } = await open(status('locked'));
    await type('unlock-passphrase', '连岛的灯塔夜里最亮');
    await submit();
    expect(page.text()).toContain('ledger.damaged');
    expect(page.text()).toContain('1,204');
    expect(app.isReady).toBe(false);
    await at('salvage-continue').trigger('click');
    expect(app.isReady).toBe(true);
  });
});

describe('enrolling', () => {
  it('sends the code only after the fingerprint was confirmed, and names whom the computer is enrolled for', async () => {
    const core = installFakeCore({ server_probe: () => FOUND, enrol: () => status('ready', { me: ME }) });
    const { at, page, type, tick, submit, app } = await open(status('needs_enrolment'));
    await type('enrol-url', ' https://server.test ');
    await submit();
    expect(core.requests('server_probe')).toEqual([{ url: 'https://server.test' }]);
    expect(at('enrol-fingerprint').text().replace(/第 \d 组/g, '').replace(/\s+/g, ' ').trim()).toBe(ME.server_fingerprint);

    await submit();
    expect(at('enrol-code').exists()).toBe(false);
    await tick('enrol-fingerprint-same');
    await submit();
    await type('enrol-code', 'k7qm2xrd9abf4t2w');
    await submit();
    expect(page.text()).toContain('请给本机起个名称');
    expect(core.requests('enrol')).toEqual([]);
    await type('enrol-label', '执法一科 3 号笔记本');
    await submit();
    expect(core.requests('enrol')).toEqual([
      { url: FOUND.url, fingerprint: FOUND.fingerprint, code: 'K7QM-2XRD-9ABF-4T2W', label: '执法一科 3 号笔记本' },
    ]);
    expect(page.text()).toContain('王建国');
    expect(app.isReady).toBe(false);
    await at('setup-enter').trigger('click');
    expect(app.isReady).toBe(true);
  });

  it('stops at a pasted fingerprint that differs, whatever was ticked', async () => {
    installFakeCore({ server_probe: () => FOUND });
    const { at, page, type, tick, submit } = await open(status('needs_enrolment'));
    await type('enrol-url', 'https://server.test');
    await submit();
    await tick('enrol-fingerprint-same');
    await type('enrol-fingerprint-given', FOUND.fingerprint.replace('7B2D', '7B2E'));
    await submit();
    expect(page.text()).toContain('第 3 组不一致');
    expect(at('enrol-code').exists()).toBe(false);
  });

  it('warns when the clock is off by more than five minutes and looks again when asked', async () => {
    const core = installFakeCore({ server_probe: () => ({ ...FOUND, clock_ahead_ms: -26 * 3_600_000 }) });
    const { at, type, submit } = await open(status('needs_enrolment'));
    await type('enrol-url', 'https://server.test');
    await submit();
    expect(at('enrol-clock-warning').text()).toContain('慢');
    core.answer({ server_probe: () => FOUND });
    await at('enrol-clock-warning').find('button').trigger('click');
    await flushPromises();
    expect(at('enrol-clock-warning').exists()).toBe(false);
  });

  it('says who locked this computer and whom to call, and opens it only with a code and a new passphrase', async () => {
    const order = { order: 'lock', at_ms: Date.UTC(2022, 3, 12, 2), server_name: '连云港市中心端', is_told: true };
    const core = installFakeCore({ order_unlock: () => status('ready', { me: ME }) });
    useApp().take(status('barred', { order }));
    const { at, type, submit } = await mountPage(SetupPage);
    expect(at('setup-barred').text()).toContain('连云港市中心端 的管理员于 2022-04-12 10:00');
    await submit();
    await type('setup-unlock-code', '0123-4567');
    await type('setup-unlock-passphrase', 'kurz');
    await submit();
    expect(core.calls).toEqual([]);
    await type('setup-unlock-passphrase', 'lang genug');
    await submit();
    expect(core.requests('order_unlock')).toEqual([{ code: '0123-4567', passphrase: 'lang genug' }]);
  });

  it('says that the administrator wiped this computer before it is begun anew', async () => {
    const order = { order: 'wipe', at_ms: Date.UTC(2022, 3, 12, 2), server_name: '连云港市中心端', is_told: false };
    installFakeCore({});
    useApp().take(status('needs_key', { order }));
    const { at } = await mountPage(SetupPage);
    expect(at('setup-wiped').text()).toContain('已送达服务器的记录不受影响');
    expect(at('setup-wiped').text()).toContain('还没有通知到管理员');
    expect(at('setup-stage-needs_key').exists()).toBe(true);
  });
});
