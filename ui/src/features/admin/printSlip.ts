/** Prints an enrolment slip on a sheet of its own, without the window around it. */

import { printOnly } from '@/printOnly';

export interface Slip {
  title: string;
  heading: string;
  code: string;
  lines: [string, string][];
  foot: string;
}

const HOLDER = 'printed-slip';

const RULES = `
  .${HOLDER} { display: none; }
  @media print {
    body > :not(.${HOLDER}) { display: none !important; }
    .${HOLDER} { display: block; padding: 12mm; border: 1px dashed #666; font-size: 12pt; }
    .${HOLDER} h1 { margin-bottom: 6mm; font-size: 16pt; }
    .${HOLDER} .code { margin: 6mm 0; font: 600 26pt monospace; text-align: center; letter-spacing: 0.06em; }
    .${HOLDER} dl { display: grid; grid-template-columns: max-content 1fr; gap: 2mm 6mm; margin-bottom: 6mm; }
  }
`;

function part(tag: string, text: string, name = ''): HTMLElement {
  const element = document.createElement(tag);
  element.textContent = text;
  if (name) element.className = name;
  return element;
}

export function printSlip({ title, heading, code, lines, foot }: Slip): void {
  const list = document.createElement('dl');
  for (const [name, text] of lines) list.append(part('dt', name), part('dd', text));
  printOnly(HOLDER, RULES, [part('h1', title), part('p', heading), part('p', code, 'code'), list, part('p', foot)]);
}
