import type { RouteRecordRaw } from 'vue-router';
import { addQuickProvider } from '@/quickSearch';
import { findingProvider } from './quick';

addQuickProvider(findingProvider);

const routes: RouteRecordRaw[] = [
  { path: '/findings', name: 'findings', meta: { title: 'nav.findings' }, component: () => import('./FindingsPage.vue') },
];

export default routes;
