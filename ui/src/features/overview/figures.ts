/** From the core's figures to lines of tables and to charts. Both show the same lines; what a line leads to is said here once. */
import type { InspectionFilter } from '@/bindings/InspectionFilter';
import type { Overview } from '@/bindings/Overview';
import type { OverviewItem } from '@/bindings/OverviewItem';
import type { OverviewRow } from '@/bindings/OverviewRow';
import { beginOf, dayAfter } from '@/days';
import { word } from '@/fieldNames';
import { formatDate } from '@/i18n';

/** A line of figures: a bar and a row. */
export interface Line {
  key: string;
  /** Beside the bar. */
  name: string;
  /** In the table, where there is room. */
  longName: string;
  inspections: number;
  signed: number;
  findings: number;
  /** Which inspections it stands for, within those that the page counts. */
  leadsTo: Partial<InspectionFilter>;
  /** The figures are not final: the time that they are of is not over. */
  isRunning: boolean;
}

/** What the directory knows of a bureau. */
interface Bureau {
  code: string;
  region: string | null;
}

function lineOf({ key, inspections, signed, findings }: OverviewRow, name: string, longName: string, leadsTo: Partial<InspectionFilter>): Line {
  return { key, name, longName, inspections, signed, findings, leadsTo, isRunning: false };
}

/** By bureau; beside a bar stands the county, unless two bureaus share it. */
export function countyLines(rows: OverviewRow[], bureaus: readonly Bureau[], regionName: (code: string) => string): Line[] {
  const regions = new Map(bureaus.map(({ code, region }) => [code, region]));
  const shared = rows.map(({ key }) => regions.get(key)).filter((region, at, all) => all.indexOf(region) !== at);
  return rows.map((row) => {
    const region = regions.get(row.key);
    const longName = row.name || row.key;
    return lineOf(row, region && !shared.includes(region) ? regionName(region) : longName, longName, { org: row.key });
  });
}

export function kindLines(rows: OverviewRow[]): Line[] {
  return rows.map((row) => {
    const name = word('subjectKind', row.key);
    return lineOf(row, name, name, { subject_kind: row.key });
  });
}

/** Two years; a longer stretch is shown without the weeks in which nothing happened. */
const MOST_WEEKS = 105;

function emptyWeek(key: string): OverviewRow {
  return { key, name: key, inspections: 0, signed: 0, findings: 0 };
}

/** By week, those in between without any inspection included: a pause has to be seen. */
export function weekLines(rows: OverviewRow[], thisWeek: string): Line[] {
  const first = rows.at(0)?.key;
  const last = rows.at(-1)?.key;
  let weeks = rows;
  if (first && last) {
    const known = new Map(rows.map((row) => [row.key, row]));
    const all: OverviewRow[] = [];
    for (let monday = first; monday <= last && all.length <= MOST_WEEKS; monday = dayAfter(monday, 7)) {
      all.push(known.get(monday) ?? emptyWeek(monday));
    }
    if (all.length <= MOST_WEEKS) weeks = all;
  }
  return weeks.map((row) => ({
    ...lineOf(row, row.key.slice(5), formatDate(row.key), { from_ms: beginOf(row.key), to_ms: beginOf(dayAfter(row.key, 7)) }),
    isRunning: row.key === thisWeek,
  }));
}

/** The items that did not conform at least once, the most frequent first: as many as a chart can name. */
export function worstItems({ by_item: items }: Overview, most: number): OverviewItem[] {
  return items.filter(({ nonconforming }) => nonconforming > 0).slice(0, most);
}

/** A stretch of time within another. */
export function narrowed(filter: InspectionFilter, more: Partial<InspectionFilter>): InspectionFilter {
  const later = Math.max(filter.from_ms ?? -Infinity, more.from_ms ?? -Infinity);
  const sooner = Math.min(filter.to_ms ?? Infinity, more.to_ms ?? Infinity);
  return {
    ...filter,
    ...more,
    from_ms: Number.isFinite(later) ? later : null,
    to_ms: Number.isFinite(sooner) ? sooner : null,
  };
}
