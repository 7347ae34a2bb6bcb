/**
 * Types of the catalogue. The Chinese files define which keys exist; every other language is checked against
 * them by the compiler, so a key cannot be missing in one of them.
 */
import type zhCN from './zh-CN';

type Widen<T> = { [K in keyof T]: T[K] extends string ? string : Widen<T[K]> };

export type Catalogue = Widen<typeof zhCN>;

type Leaves<T, Prefix extends string = ''> = {
  [K in keyof T & string]: T[K] extends string ? `${Prefix}${K}` : Leaves<T[K], `${Prefix}${K}.`>;
}[keyof T & string];

/** Every text there is, as `file.key`. */
export type TextKey = Leaves<Catalogue>;

/** Values for the `{name}` places of a text. `n` also chooses the plural and is grouped in thousands. */
export type TextParams = Record<string, string | number>;
