import type { Catalogue } from '../catalogue';

const components: Catalogue['components'] = {
  placeholder: '',
};

export default components;
