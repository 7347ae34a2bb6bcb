import type { Catalogue } from '../catalogue';

const findings: Catalogue['findings'] = {};

export default findings;
