import type { Catalogue } from '../catalogue';

const conflicts: Catalogue['conflicts'] = {};

export default conflicts;
