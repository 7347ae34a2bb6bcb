/** Findings in the quick search. */
import { call } from '@/core/call';
import { daysLeftText } from '@/daysLeft';
import { word } from '@/fieldNames';
import { t } from '@/i18n';
import type { QuickProvider } from '@/quickSearch';
import { placeOfFinding } from './place';
import { emptyFindingFilter } from './store';

const MOST = 8;

export const findingProvider: QuickProvider = {
  id: 'findings',
  group: () => t('nav.findings'),
  async search(query) {
    const { rows } = await call('findings_list', {
      filter: { ...emptyFindingFilter(), query },
      sort: 'due',
      descending: false,
      window: { offset: 0, limit: MOST },
    });
    return rows.map((row) => ({
      id: row.record,
      title: `${row.item} ${row.description || t('findings.noDescription')}`,
      detail: [row.subject_name, word('findingState', row.state), row.state === 'verified' ? '' : daysLeftText(row.days_left)]
        .filter(Boolean)
        .join(' · '),
      to: placeOfFinding(row),
    }));
  },
};
