/** Prints pictures of pages, one a sheet, without the window around them. */

import { printOnly } from '@/printOnly';

const HOLDER = 'printed-pages';

const RULES = `
  .${HOLDER} { display: none; }
  @media print {
    @page { margin: 0; }
    body > :not(.${HOLDER}) { display: none !important; }
    .${HOLDER} { display: block; }
    .${HOLDER} canvas { display: block; width: 100%; break-after: page; }
    .${HOLDER} canvas:last-child { break-after: auto; }
  }
`;

export function printPages(pages: HTMLCanvasElement[]): void {
  printOnly(HOLDER, RULES, pages);
}
