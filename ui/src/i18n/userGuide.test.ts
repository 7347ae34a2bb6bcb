import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import zhCN from './zh-CN';

type Texts = { [key: string]: string | Texts };

function leaves(texts: Texts): string[] {
  return Object.values(texts).flatMap((text) => (typeof text === 'string' ? [text] : leaves(text)));
}

/** `{n}` and its kind stand for anything; so does `…` in the guide. */
function shape(text: string): string {
  return text.replace(/\{[^}]*\}|…/g, '*').replace(/\s/g, '');
}

const guide = readFileSync(join(import.meta.dirname, '../../../docs/user-guide.md'), 'utf8');
const quoted = [...guide.matchAll(/「([^」]+)」/g)].map(([, text]) => text ?? '');

/** Begins of texts whose rest depends on the moment, and the word that names the convention itself. */
const OPENINGS = ['数据截至', '检验通过', '检验未通过'];

describe('the user guide', () => {
  it('calls everything on the screens by the very words that stand there', () => {
    const known = new Set(leaves(zhCN as unknown as Texts).map(shape));
    const strange = quoted.filter((text) => text !== '字' && !known.has(shape(text)) && !OPENINGS.some((opening) => text.startsWith(opening)));
    expect(quoted.length).toBeGreaterThan(100);
    expect(strange).toEqual([]);
  });

  it('leads only to headings that are there', () => {
    const headings = [...guide.matchAll(/^#+ (.+)$/gm)].map(([, text]) => (text ?? '').replace(/[、：，。（）]/g, '').replace(/ /g, '-').toLowerCase());
    const links = [...guide.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor);
    expect(links.filter((anchor) => !headings.includes(anchor ?? ''))).toEqual([]);
  });
});
