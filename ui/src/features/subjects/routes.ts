import type { RouteRecordRaw } from 'vue-router';
import { addQuickProvider } from '@/quickSearch';
import { subjectProvider } from './quick';

addQuickProvider(subjectProvider);

const routes: RouteRecordRaw[] = [
  { path: '/subjects', name: 'subjects', meta: { title: 'nav.subjects' }, component: () => import('./SubjectsPage.vue') },
  {
    path: '/subjects/import',
    name: 'subjects-import',
    meta: { title: 'subjects.importTitle', nav: 'subjects' },
    component: () => import('./import/ImportPage.vue'),
  },
  {
    path: '/subjects/:record',
    name: 'subject',
    meta: { title: 'nav.subjects', nav: 'subjects' },
    component: () => import('./SubjectPage.vue'),
  },
];

export default routes;
