/** The campaign's own pack as the core would show it: its regions, and the checklist for training institutions. */
import { readFileSync } from 'node:fs';
import type { ChecklistView } from '@/bindings/ChecklistView';
import type { ItemView } from '@/bindings/ItemView';

type Text = { zh: string; en: string };
interface PackItem {
  id: string;
  core?: boolean;
  question: Text;
  certainty: string;
  evidence?: { code: string; text: string }[];
  bases?: { law: string; clause: string; certainty: string; valid_from?: string; valid_to?: string }[];
  penalties?: { penalty: string; part?: string }[];
  finding?: string;
  rectification?: string;
  data_check?: { text: string };
  note?: string;
  penalty_note?: string;
}
interface PackFile {
  id: string;
  version: string;
  title: Text;
  regions: { code?: string; id: string; name: Text; certainty: string }[];
  phases: { id: string; title: Text; from: string; to: string; certainty: string; note?: string }[];
  laws: { id: string; title: string }[];
  penalties: { id: string; text: string; certainty: string }[];
  evidence_codes: { id: string; title: Text }[];
  checklists: { id: string; title: Text; subject_kind: string; sections: { id: string; title: Text; note?: string; items: PackItem[] }[] }[];
}

export const pack = JSON.parse(readFileSync(new URL('../../packs/lyg-2021-training/pack.json', import.meta.url), 'utf8')) as PackFile;

export const regions = pack.regions.map(({ code, id, name, certainty }) => ({ code: code ?? id, name: name.zh, certainty }));

function itemView(item: PackItem): ItemView {
  const laws = new Map(pack.laws.map(({ id, title }) => [id, title]));
  const penalties = new Map(pack.penalties.map((penalty) => [penalty.id, penalty]));
  return {
    id: item.id,
    is_core: item.core ?? false,
    question: item.question.zh,
    evidence_codes: [...new Set((item.evidence ?? []).map(({ code }) => code))],
    evidence: (item.evidence ?? []).map(({ text }) => text).join('；'),
    bases: (item.bases ?? []).map(({ law, clause, certainty, valid_from: from, valid_to: to }) => ({
      citation: `《${laws.get(law) ?? law}》${clause}`,
      is_citable: true,
      certainty,
      valid_from: from ?? null,
      valid_to: to ?? null,
      is_in_force: !from || from <= '2022-04-12',
    })),
    penalties: (item.penalties ?? []).map(({ penalty, part }) => ({
      code: penalty,
      text: penalties.get(penalty)?.text ?? '',
      part: part ?? '',
      certainty: penalties.get(penalty)?.certainty ?? 'U',
    })),
    basis: (item.bases ?? []).map(({ law, clause }) => `《${laws.get(law) ?? law}》${clause}`).join('；'),
    penalty: (item.penalties ?? []).map(({ penalty }) => penalty).join('；'),
    finding: item.finding ?? '',
    measure: item.rectification ?? '',
    days: 15,
    data_check: item.data_check?.text ?? '',
    depends_on: [],
    note: item.note ?? '',
    penalty_note: item.penalty_note ?? '',
    certainty: item.certainty,
  };
}

const training = pack.checklists[0];
if (!training) throw new Error('the pack has no checklist');

export const checklist: ChecklistView = {
  pack: pack.id,
  version: pack.version,
  pack_title: pack.title.zh,
  id: training.id,
  title: training.title.zh,
  sections: training.sections.map(({ id, title, note, items }) => ({
    id,
    title: title.zh,
    applies_to: [],
    note: note ?? '',
    items: items.map(itemView),
  })),
  evidence_codes: Object.fromEntries(pack.evidence_codes.map(({ id, title }) => [id, title.zh])),
};
export const items = checklist.sections.flatMap((section) => section.items);
