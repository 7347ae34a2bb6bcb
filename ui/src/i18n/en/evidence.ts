import type { Catalogue } from '../catalogue';

const evidence: Catalogue['evidence'] = {};

export default evidence;
