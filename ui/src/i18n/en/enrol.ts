import type { Catalogue } from '../catalogue';

const enrol: Catalogue['enrol'] = {};

export default enrol;
