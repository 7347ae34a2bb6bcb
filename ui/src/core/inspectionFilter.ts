/**
 * The filter of the inspections list as the query of an address, so that a chart, a bar or a saved address opens
 * exactly the inspections that it stands for.
 */
import type { LocationQuery, LocationQueryRaw } from 'vue-router';
import type { InspectionFilter } from '@/bindings/InspectionFilter';

const TEXTS = [
  'query',
  'org',
  'region',
  'subject_kind',
  'kind',
  'phase',
  'checklist',
  'item',
  'item_result',
  'outcome',
  'stage',
] as const;
const MOMENTS = ['from_ms', 'to_ms'] as const;

/** A filter that lets everything pass. */
export function emptyInspectionFilter(): InspectionFilter {
  return {
    query: null,
    org: null,
    region: null,
    subject_kind: null,
    kind: null,
    phase: null,
    checklist: null,
    item: null,
    item_result: null,
    outcome: null,
    from_ms: null,
    to_ms: null,
    stage: null,
    is_mine: false,
  };
}

/** Only what restricts stands in the query. */
export function inspectionFilterToQuery(filter: Partial<InspectionFilter>): LocationQueryRaw {
  const query: LocationQueryRaw = {};
  for (const name of TEXTS) if (filter[name]) query[name] = filter[name];
  for (const name of MOMENTS) {
    const moment = filter[name];
    if (typeof moment === 'number') query[name] = String(moment);
  }
  if (filter.is_mine) query.is_mine = '1';
  return query;
}

/** Whatever else stands in the query is passed over, as is a moment that is none. */
export function inspectionFilterFromQuery(query: LocationQuery): InspectionFilter {
  const filter = emptyInspectionFilter();
  for (const name of TEXTS) {
    const value = query[name];
    if (typeof value === 'string' && value !== '') filter[name] = value;
  }
  for (const name of MOMENTS) {
    const value = query[name];
    if (typeof value === 'string' && /^\d{1,15}$/.test(value)) filter[name] = Number(value);
  }
  filter.is_mine = query.is_mine === '1';
  return filter;
}
