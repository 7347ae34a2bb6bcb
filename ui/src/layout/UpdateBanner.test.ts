import { mount } from '@vue/test-utils';
import { beforeEach, describe, expect, it } from 'vitest';
import type { UpdateView } from '@/bindings/UpdateView';
import { useUpdates } from '@/stores/updates';
import { installFakeCore } from '@/testing/fakeCore';
import { freshStores } from '@/testing/mountPage';
import { updateView } from '@/testing/updates';
import UpdateBanner from './UpdateBanner.vue';

beforeEach(freshStores);

const READY = updateView({ stage: 'ready', version: '0.2.0' });
const last = (more: Partial<NonNullable<UpdateView['last']>>): UpdateView =>
  updateView({ last: { end: 'installed', from: '0.1.0', to: '0.2.0', reason: '', at_ms: 0, ...more } });

describe('the line about updates', () => {
  it('is quiet: it names the version, and can be put off', async () => {
    installFakeCore({ update_get: () => READY });
    const updates = useUpdates();
    await updates.load();
    expect(updates.speaks).toBe(true);
    const line = mount(UpdateBanner, { props: { view: READY } });
    expect(line.text()).toContain('有新版本 0.2.0');
    expect(line.attributes('role')).toBe('status');
    await line.get('[data-test=update-later]').trigger('click');
    expect(line.emitted('later')).toHaveLength(1);
    updates.later();
    expect(updates.speaks).toBe(false);
  });

  it('speaks again of a newer one', async () => {
    const core = installFakeCore({ update_get: () => READY });
    const updates = useUpdates();
    await updates.load();
    updates.later();
    core.emit({ kind: 'update', view: updateView({ stage: 'ready', version: '0.3.0' }) });
    expect(updates.speaks).toBe(true);
  });

  it('says that a new version was taken back, why, and that records are there', () => {
    const line = mount(UpdateBanner, { props: { view: last({ end: 'taken_back', reason: 'time' }) } });
    expect(line.attributes('role')).toBe('alert');
    for (const word of ['0.2.0 没有启动', '换回 0.1.0', '检查记录都在', '一直没有打开窗口', '管理员']) expect(line.text()).toContain(word);
  });

  it('says that the new version is there until that was read', async () => {
    const core = installFakeCore({ update_get: () => last({}), update_seen: () => updateView() });
    const updates = useUpdates();
    await updates.load();
    const line = mount(UpdateBanner, { props: { view: last({}) } });
    expect(line.text()).toContain('已更新到 0.2.0');
    await updates.seen();
    expect(core.requests('update_seen')).toHaveLength(1);
    expect(updates.speaks).toBe(false);
  });

  it('says of an installation that was never carried out that nothing is lost', () => {
    const line = mount(UpdateBanner, { props: { view: last({ end: 'not_done' }) } });
    expect(line.text()).toContain('没有装上');
    expect(line.text()).toContain('检查记录都在');
  });
});
