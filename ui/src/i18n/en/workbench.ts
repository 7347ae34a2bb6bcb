import type { Catalogue } from '../catalogue';

const workbench: Catalogue['workbench'] = {};

export default workbench;
