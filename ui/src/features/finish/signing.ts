/** Who has to sign an inspection, who has, and where each missing thing is to be mended. */
import type { RouteLocationRaw } from 'vue-router';
import type { InspectionView } from '@/bindings/InspectionView';
import type { MissingView } from '@/bindings/MissingView';
import type { PersonId } from '@/bindings/PersonId';
import type { SignatureView } from '@/bindings/SignatureView';
import type { SignerRole } from '@/bindings/SignerRole';

/** Where the scan of a page that was signed by hand lies; it stays open after signing. */
export const SCAN_PLACE = 'after/scan';

/** Fields that are filled in on the page of finishing itself. */
export const OWN_FIELDS = ['ended_at', 'place', 'identity_shown', 'escort', 'summary', 'opinion', 'number'];

export interface Signer {
  role: SignerRole;
  person: PersonId | null;
  /** Empty for the subject until somebody signs for it. */
  name: string;
  certificate: string;
  /** The signature that counts. */
  given: SignatureView | null;
}

interface NamedInspector {
  person: PersonId | null;
  name: string;
  certificate: string;
}

/** The inspectors of a visit; whatever in the field is none is passed over. */
export function inspectorsOf(view: InspectionView): NamedInspector[] {
  const value = view.fields.inspectors?.value;
  if (!Array.isArray(value)) return [];
  return value.flatMap((one: unknown) => {
    if (typeof one !== 'object' || one === null) return [];
    const { person, name, certificate } = one as Record<string, unknown>;
    if (typeof name !== 'string' || name === '') return [];
    return [
      {
        person: typeof person === 'string' ? person : null,
        name,
        certificate: typeof certificate === 'string' ? certificate : '',
      },
    ];
  });
}

/** Everybody whose signature the document wants: the inspectors in their order, then the subject. */
export function signersOf(view: InspectionView): Signer[] {
  const fitting = view.signatures.filter(({ fits }) => fits);
  const inspectors = inspectorsOf(view).map((one): Signer => ({
    ...one,
    role: 'inspector',
    given: fitting.find(({ role, name }) => role === 'inspector' && name === one.name) ?? null,
  }));
  const subject = fitting.find(({ role }) => role === 'subject') ?? null;
  return [...inspectors, { role: 'subject', person: null, name: subject?.name ?? '', certificate: '', given: subject }];
}

/** Text of a field; empty when it is none. */
export function textOf(view: InspectionView, field: string): string {
  const value = view.fields[field]?.value;
  return typeof value === 'string' ? value : '';
}

/** A moment in a field, Unix ms. */
export function momentOf(view: InspectionView, field: string): number | null {
  const value = view.fields[field]?.value;
  return typeof value === 'number' ? value : null;
}

export interface MissingGroup {
  kind: 'head' | 'answers' | 'conflicts';
  rows: MissingView[];
}

/** In the order of the form: the visit, the items, the conflicts. Groups without rows are left out. */
export function groupMissing(missing: MissingView[]): MissingGroup[] {
  const kindOf = ({ lack, item }: MissingView): MissingGroup['kind'] =>
    lack === 'conflict' ? 'conflicts' : item === null ? 'head' : 'answers';
  return (['head', 'answers', 'conflicts'] as const)
    .map((kind) => ({ kind, rows: missing.filter((one) => kindOf(one) === kind) }))
    .filter(({ rows }) => rows.length > 0);
}

/** Where a missing thing is mended: on this page, among the conflicts, or at its field of the form. */
export function placeToMend(record: string, { lack, field, item }: MissingView): RouteLocationRaw {
  if (lack === 'conflict') return { name: 'conflicts', query: { record } };
  if (OWN_FIELDS.includes(field)) return { name: 'finish', params: { record }, query: { field } };
  return { name: 'inspection', params: { record }, query: item === null ? { field } : { item, field } };
}

/** What a document made of the record depends on: another value, another document. */
export function paperBasis(view: InspectionView): string {
  const scans = view.evidence.filter(({ place, removed }) => place === SCAN_PLACE && removed === null).length;
  return [view.digest, view.stage, view.number, view.signatures.length, scans].join(' ');
}
