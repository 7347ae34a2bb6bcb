/** Pieces of evidence as the strip and the viewer show them. */
import type { EvidenceView } from '@/bindings/EvidenceView';
import type { StripItem } from '@/components/PhotoStrip.vue';
import type { ViewedEvidence } from '@/components/PhotoViewer.vue';
import { formatBytes, formatDateTimeExact, t } from '@/i18n';
import { platform } from '@/platform';

type Kind = StripItem['kind'];

function kindOf(mime: string): Kind {
  const [family] = mime.split('/');
  if (family === 'image') return 'photo';
  return family === 'audio' || family === 'video' ? family : 'document';
}

/** What lies at a place; what was taken out is left out. */
export function evidenceAt(evidence: EvidenceView[], place: string): EvidenceView[] {
  return evidence.filter((one) => one.place === place && one.removed === null);
}

export function stripItem(one: EvidenceView, isRemovable = false): StripItem {
  const kind = kindOf(one.mime);
  return {
    id: one.attachment,
    name: one.name,
    kind,
    thumbUrl: kind === 'photo' ? platform.evidenceUrl(one.blob, 'thumb') : undefined,
    isAnnotated: one.derived_from !== null,
    isHere: one.is_here,
    isRemovable,
  };
}

function linesOf(one: EvidenceView): string[] {
  const lines = [t('record.added', { author: one.author, time: formatDateTimeExact(one.at_ms) })];
  if (one.is_unjudged) lines.push(t('components.unjudgedLong'));
  if (one.taken_at_ms !== null) lines.unshift(t('record.taken', { time: formatDateTimeExact(one.taken_at_ms) }));
  if (one.latitude !== null && one.longitude !== null) {
    lines.push(t('record.position', { latitude: one.latitude.toFixed(5), longitude: one.longitude.toFixed(5) }));
  }
  lines.push(`${formatBytes(one.size)} · ${t('record.hash', { hash: one.blob })}`);
  if (!one.is_here) lines.push(t('record.notHere'));
  return lines;
}

export function viewedEvidence(one: EvidenceView): ViewedEvidence {
  const kind = kindOf(one.mime);
  // A recording is played from its own bytes; of a photo the derived picture is enough for a screen.
  const variant = kind === 'photo' ? (one.is_here ? 'preview' : 'thumb') : 'original';
  return { id: one.attachment, name: one.name, kind, url: platform.evidenceUrl(one.blob, variant), lines: linesOf(one) };
}
