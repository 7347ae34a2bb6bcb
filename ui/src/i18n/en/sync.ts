import type { Catalogue } from '../catalogue';

const sync: Catalogue['sync'] = {};

export default sync;
