/** Texts of the shared components. */
export default {
  placeholder: '',
};
