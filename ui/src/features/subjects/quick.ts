/** Subjects in the quick search. */
import { call } from '@/core/call';
import { word } from '@/fieldNames';
import { t } from '@/i18n';
import type { QuickProvider } from '@/quickSearch';

const MOST = 8;

export const subjectProvider: QuickProvider = {
  id: 'subjects',
  group: () => t('subjects.quickGroup'),
  async search(query) {
    const { rows } = await call('subjects_list', {
      filter: { query, kind: null, region: null, org: null },
      sort: 'name',
      descending: false,
      window: { offset: 0, limit: MOST },
    });
    return rows.map(({ record, name, credit_code: code, kind }) => ({
      id: record,
      title: name,
      detail: [code, word('subjectKind', kind)].filter(Boolean).join(' · '),
      to: { name: 'subject', params: { record } },
    }));
  },
};
