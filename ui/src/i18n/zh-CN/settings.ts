/** Texts of the feature of the same name. */
export default {};
