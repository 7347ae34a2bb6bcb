import type { Catalogue } from '../catalogue';

const subjects: Catalogue['subjects'] = {};

export default subjects;
