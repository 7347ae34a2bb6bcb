/** The fields of a subject that a person fills in, in the order of the forms. */

export const SUBJECT_KINDS = ['training_institution', 'exam_institution', 'enterprise'] as const;

/** Written as text. */
export const TEXT_FIELDS = ['name', 'credit_code', 'address', 'legal_representative', 'phone', 'industry', 'contact'] as const;

export type TextField = (typeof TEXT_FIELDS)[number];

/** The longest text that the forms take, in characters. */
export const MOST_CHARACTERS = 300;
