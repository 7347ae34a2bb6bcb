import type { Catalogue } from '../catalogue';

const inspections: Catalogue['inspections'] = {};

export default inspections;
