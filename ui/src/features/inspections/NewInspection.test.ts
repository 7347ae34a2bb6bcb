import { flushPromises } from '@vue/test-utils';
import { beforeEach, describe, expect, it } from 'vitest';
import type { PersonView } from '@/bindings/PersonView';
import { useApp } from '@/stores/app';
import { installFakeCore } from '@/testing/fakeCore';
import { freshStores, mountPage } from '@/testing/mountPage';
import { appStatus, directory, me, PACK_HASH, packBelow, packsList, subjectRow } from '@/testing/samples';
import NewInspection from './NewInspection.vue';

const OPENED = '018f0000-0000-7000-8000-00000000a009';
const ENTERPRISE = subjectRow({ record: '018f0000-0000-7000-8000-00000000b002', name: '连云港海州化工有限公司', kind: 'enterprise' });
const COLLEAGUE: PersonView = {
  id: '018f0000-0000-7000-8000-000000000002',
  name: '李芳',
  org: '320700',
  role: 'inspector',
  certificate: '32070000002',
};

beforeEach(() => {
  freshStores();
  document.body.innerHTML = '';
});

async function open() {
  const core = installFakeCore({
    directory_get: () => directory({ people: [COLLEAGUE] }),
    // The county's pack of the same id is never offered.
    packs_list: () => ({ packs: [...packBelow(), ...packsList().packs] }),
    subjects_list: () => ({ total: 2, rows: [subjectRow(), ENTERPRISE] }),
    inspection_open: () => ({ record: OPENED }),
  });
  useApp().take(appStatus({ me: me() }));
  const { router } = await mountPage(NewInspection, { at: '/inspections?new=1', props: { subject: null } });
  const part = (test: string) => document.querySelector<HTMLElement>(`[data-test="${test}"]`);
  const input = (test: string) => {
    const found = part(test);
    return (found?.matches('input') ? found : found?.querySelector('input')) as HTMLInputElement;
  };
  const type = async (test: string, text: string) => {
    input(test).value = text;
    for (const name of ['input', 'change']) input(test).dispatchEvent(new Event(name, { bubbles: true }));
    await flushPromises();
  };
  const press = async (test: string) => {
    part(test)?.click();
    await flushPromises();
  };
  const choose = async (record: string) => {
    document.querySelector<HTMLElement>(`[data-test="new-inspection-subject-row"][data-record="${record}"]`)?.click();
    await flushPromises();
  };
  return { core, router, part, input, type, press, choose };
}

describe('beginning an inspection', () => {
  it('names me and a colleague and offers the checklist of the subject’s kind', async () => {
    const { core, choose, press, input, router } = await open();
    await choose(subjectRow().record);
    expect([0, 1].map((n) => input(`new-inspection-name-${n}`).value)).toEqual(['王建国', '李芳']);
    await press('new-inspection-start');
    expect(core.requests('inspection_open')).toEqual([
      {
        subject: subjectRow().record,
        kind: 'enforcement',
        pack: PACK_HASH,
        checklist: 'TI',
        phase: 'enforcement',
        inspectors: [
          { person: me().person, name: '王建国', certificate: '32070000001' },
          { person: COLLEAGUE.id, name: '李芳', certificate: '32070000002' },
        ],
        started_ms: null,
      },
    ]);
    expect(router.currentRoute.value).toMatchObject({ name: 'inspection', params: { record: OPENED } });
  });

  it('takes an earlier start when one is given, by Beijing time', async () => {
    const { core, choose, press, type } = await open();
    await choose(subjectRow().record);
    await type('new-inspection-started', '2022-04-12 09:30');
    await press('new-inspection-start');
    expect(core.requests('inspection_open')[0]?.started_ms).toBe(Date.UTC(2022, 3, 12, 1, 30));
  });

  it('cannot start while there is no checklist for the subject', async () => {
    const { part, choose } = await open();
    await choose(ENTERPRISE.record);
    expect(part('new-inspection')?.textContent).toContain('还没有适用于这类单位的检查表');
    expect(part('new-inspection-start')?.hasAttribute('disabled')).toBe(true);
  });

  it('says so when fewer than two inspectors are named', async () => {
    const { part, choose, type } = await open();
    await choose(subjectRow().record);
    expect(part('new-inspection')?.textContent).not.toContain('不得少于两名');
    await type('new-inspection-name-1', '');
    expect(part('new-inspection')?.textContent).toContain('不得少于两名');
  });
});
