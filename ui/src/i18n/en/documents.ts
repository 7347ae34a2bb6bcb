import type { Catalogue } from '../catalogue';

const documents: Catalogue['documents'] = {};

export default documents;
