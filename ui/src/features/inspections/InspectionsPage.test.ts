import { flushPromises } from '@vue/test-utils';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Role } from '@/bindings/Role';
import type { PersonView } from '@/bindings/PersonView';
import { useApp } from '@/stores/app';
import { installFakeCore } from '@/testing/fakeCore';
import { freshStores, mountPage } from '@/testing/mountPage';
import { appStatus, directory, inspectionRow, me, packsList, subjectRow } from '@/testing/samples';
import InspectionsPage from './InspectionsPage.vue';

const SIGNED = inspectionRow({ record: '018f0000-0000-7000-8000-00000000a002', stage: 'signed' });
const ELSEWHERE = inspectionRow({ record: '018f0000-0000-7000-8000-00000000a003', org: '320722' });
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

async function open(at = '/inspections', role: Role = 'inspector') {
  const subjects = [subjectRow(), ENTERPRISE];
  const core = installFakeCore({
    inspections_list: () => ({ total: 3, rows: [inspectionRow(), SIGNED, ELSEWHERE] }),
    directory_get: () => directory({ people: [COLLEAGUE] }),
    packs_list: () => packsList(),
    subjects_list: ({ filter }) => {
      const rows = subjects.filter(({ name }) => !filter.query || name.includes(filter.query));
      return { total: rows.length, rows };
    },
    inspection_open: () => ({ record: OPENED }),
  });
  useApp().take(appStatus({ me: me({ role }) }));
  const mounted = await mountPage(InspectionsPage, { at });
  const dialog = (test: string) => document.querySelector<HTMLElement>(`[data-test="${test}"]`);
  const input = (test: string) => {
    const part = dialog(test);
    return (part?.matches('input') ? part : part?.querySelector('input')) as HTMLInputElement;
  };
  const press = async (test: string) => {
    dialog(test)?.click();
    await flushPromises();
  };
  const openRow = async (record: string) => {
    await mounted.page.find(`[role=row][data-key="${record}"]`).trigger('click');
    await flushPromises();
  };
  return { core, dialog, input, press, openRow, ...mounted };
}

describe('the list of inspections', () => {
  it('shows exactly what its address stands for', async () => {
    const { core } = await open('/inspections?item=TI-1.4&item_result=nonconforming&org=320722&region=320722&from_ms=1000&to_ms=2000');
    expect(core.requests('inspections_list')[0]?.filter).toMatchObject({
      item: 'TI-1.4',
      item_result: 'nonconforming',
      org: '320722',
      region: '320722',
      from_ms: 1000,
      to_ms: 2000,
    });
  });

  it('searches as one types, once for a word, and keeps the word in the address', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { core, at, router } = await open();
    const input = at('inspections-search').find('input');
    for (const text of ['安', '安泰']) await input.setValue(text);
    await vi.advanceTimersByTimeAsync(500);
    await flushPromises();
    vi.useRealTimers();
    expect(core.requests('inspections_list').map(({ filter }) => filter.query)).toEqual([null, '安泰']);
    expect(router.currentRoute.value.query).toEqual({ query: '安泰' });
  });

  it('has the newest at the top until another order is chosen', async () => {
    const { core, page } = await open();
    expect(core.requests('inspections_list')[0]).toMatchObject({ sort: 'started', descending: true });
    await page.findAll('[role=columnheader] button')[0]?.trigger('click');
    await flushPromises();
    expect(core.requests('inspections_list').at(-1)).toMatchObject({ sort: 'subject', descending: false });
  });

  it('opens my own open inspection to be filled in', async () => {
    const { openRow, router } = await open();
    await openRow(inspectionRow().record);
    expect(router.currentRoute.value.name).toBe('inspection');
  });

  it('opens what is signed, and what another bureau fills in, to be read', async () => {
    for (const { record } of [SIGNED, ELSEWHERE]) {
      freshStores();
      const { openRow, router } = await open();
      await openRow(record);
      expect(router.currentRoute.value.name).toBe('record');
      expect(router.currentRoute.value.params.record).toBe(record);
    }
  });

  it('lets an institution read and begin nothing, even by address', async () => {
    const { all, dialog } = await open('/inspections?new=1', 'institution');
    expect(all('inspections-new')).toEqual([]);
    expect(dialog('new-inspection')).toBeNull();
  });
});

describe('beginning an inspection', () => {
  it('names me and a colleague and offers the checklist of the subject’s kind', async () => {
    const { core, press, input, router } = await open('/inspections?new=1');
    await press('new-inspection-subject-row');
    expect([0, 1].map((n) => input(`new-inspection-name-${n}`).value)).toEqual(['王建国', '李芳']);
    await press('new-inspection-start');
    expect(core.requests('inspection_open')).toEqual([
      {
        subject: subjectRow().record,
        kind: 'enforcement',
        pack: 'lyg-2021-training',
        pack_version: '1.0.0',
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
    const { core, press, input } = await open('/inspections?new=1');
    await press('new-inspection-subject-row');
    const started = input('new-inspection-started');
    started.value = '2022-04-12 09:30';
    started.dispatchEvent(new Event('input', { bubbles: true }));
    started.dispatchEvent(new Event('change', { bubbles: true }));
    await flushPromises();
    await press('new-inspection-start');
    expect(core.requests('inspection_open')[0]?.started_ms).toBe(Date.UTC(2022, 3, 12, 1, 30));
  });

  it('cannot start while there is no checklist for the subject', async () => {
    const { dialog } = await open('/inspections?new=1');
    [...document.querySelectorAll<HTMLElement>('[data-test="new-inspection-subject-row"]')].find((row) => row.dataset.record === ENTERPRISE.record)?.click();
    await flushPromises();
    expect(dialog('new-inspection')?.textContent).toContain('还没有适用于这类单位的检查表');
    expect(dialog('new-inspection-start')?.hasAttribute('disabled')).toBe(true);
  });

  it('says so when fewer than two inspectors are named', async () => {
    const { dialog, press, input } = await open('/inspections?new=1');
    await press('new-inspection-subject-row');
    expect(dialog('new-inspection')?.textContent).not.toContain('不得少于两名');
    input('new-inspection-name-1').value = '';
    input('new-inspection-name-1').dispatchEvent(new Event('input', { bubbles: true }));
    await flushPromises();
    expect(dialog('new-inspection')?.textContent).toContain('不得少于两名');
  });
});
