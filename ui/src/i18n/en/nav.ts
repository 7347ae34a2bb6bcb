import type { Catalogue } from '../catalogue';

const nav: Catalogue['nav'] = {
  label: 'Main navigation',
  workbench: 'Workbench',
  subjects: 'Subjects',
  inspections: 'Inspections',
  findings: 'Findings',
  overview: 'Overview',
  documents: 'Documents',
  sync: 'Sync',
  nearby: 'Laptops nearby',
  packages: 'Packages',
  conflicts: 'Conflicts',
  admin: 'Administration',
  settings: 'Settings',
  gallery: 'Gallery',
  collapse: 'Collapse navigation',
  expand: 'Expand navigation',
};

export default nav;
