import { describe, expect, it } from 'vitest';
import { emptyInspectionFilter } from '@/core/inspectionFilter';
import { directory, overview } from '@/testing/samples';
import { countyLines, narrowed, weekLines, worstItems } from './figures';

const regionName = (code: string) => directory().regions.find((one) => one.code === code)?.name ?? code;

describe('figures by county', () => {
  it('name the county beside a bar and the bureau in the table', () => {
    const [, donghai] = countyLines(overview().by_org, directory().orgs, regionName);
    expect(donghai).toMatchObject({ name: '东海县', longName: '东海县应急管理局', leadsTo: { org: '320722' } });
  });

  it('name the bureau where two of them share a county', () => {
    const rows = overview().by_org;
    const lines = countyLines(rows, rows.map(({ key }) => ({ code: key, region: '320722' })), regionName);
    expect(lines.map(({ name }) => name)).toEqual(['连云港市应急管理局', '东海县应急管理局']);
  });
});

describe('figures by week', () => {
  it('show the weeks in which nobody inspected, too', () => {
    const lines = weekLines(overview().by_week, '2022-04-18');
    expect(lines.map(({ key, inspections }) => [key, inspections])).toEqual([
      ['2022-04-04', 20],
      ['2022-04-11', 0],
      ['2022-04-18', 22],
    ]);
  });

  it('say which week is not over yet', () => {
    expect(weekLines(overview().by_week, '2022-04-18').map(({ isRunning }) => isRunning)).toEqual([false, false, true]);
  });

  it('stay readable when a laptop’s clock put one inspection in 1970', () => {
    const strayed = { key: '1970-01-05', name: '', inspections: 1, signed: 1, findings: 0 };
    const rows = [strayed, ...overview().by_week];
    expect(weekLines(rows, '2022-04-18')).toHaveLength(3);
  });

  it('lead to the inspections from Monday to Monday in Shanghai', () => {
    expect(weekLines(overview().by_week, '')[0]?.leadsTo).toEqual({ from_ms: Date.UTC(2022, 3, 3, 16), to_ms: Date.UTC(2022, 3, 10, 16) });
  });
});

describe('what a figure leads to', () => {
  it('never counts more than the page does', () => {
    const filter = { ...emptyInspectionFilter(), region: '320722', from_ms: 100, to_ms: 200 };
    expect(narrowed(filter, { from_ms: 50, to_ms: 150 })).toMatchObject({ region: '320722', from_ms: 100, to_ms: 150 });
  });
});

it('items that always conformed are not drawn as a problem', () => {
  expect(worstItems(overview(), 10).map(({ item }) => item)).toEqual(['TI-1.4', 'TI-2.1']);
});
