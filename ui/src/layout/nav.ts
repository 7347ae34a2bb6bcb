/** The entries of the left navigation. An entry is shown once its route exists and the person's role may open it. */
import {
  Connection,
  DataAnalysis,
  DocumentChecked,
  Files,
  Grid,
  House,
  OfficeBuilding,
  Refresh,
  Setting,
  Switch,
  UserFilled,
  Warning,
} from '@element-plus/icons-vue';
import type { Component } from 'vue';
import type { TextKey } from '@/i18n';

export interface NavEntry {
  /** Name of the route. */
  name: string;
  text: TextKey;
  icon: Component;
  /** Entries of one block stand together. */
  block: 'work' | 'oversight' | 'system';
}

export const NAV_ENTRIES: readonly NavEntry[] = [
  { name: 'workbench', text: 'nav.workbench', icon: House, block: 'work' },
  { name: 'subjects', text: 'nav.subjects', icon: OfficeBuilding, block: 'work' },
  { name: 'inspections', text: 'nav.inspections', icon: DocumentChecked, block: 'work' },
  { name: 'findings', text: 'nav.findings', icon: Warning, block: 'work' },
  { name: 'documents', text: 'nav.documents', icon: Files, block: 'work' },
  { name: 'overview', text: 'nav.overview', icon: DataAnalysis, block: 'oversight' },
  { name: 'sync', text: 'nav.sync', icon: Refresh, block: 'system' },
  { name: 'nearby', text: 'nav.nearby', icon: Connection, block: 'system' },
  { name: 'conflicts', text: 'nav.conflicts', icon: Switch, block: 'system' },
  { name: 'admin', text: 'nav.admin', icon: UserFilled, block: 'system' },
  { name: 'settings', text: 'nav.settings', icon: Setting, block: 'system' },
  { name: 'gallery', text: 'nav.gallery', icon: Grid, block: 'system' },
];
