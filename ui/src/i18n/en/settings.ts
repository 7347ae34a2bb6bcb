import type { Catalogue } from '../catalogue';

const settings: Catalogue['settings'] = {};

export default settings;
