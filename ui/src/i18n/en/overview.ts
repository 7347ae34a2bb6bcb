import type { Catalogue } from '../catalogue';

const overview: Catalogue['overview'] = {};

export default overview;
