/** Prints pictures of pages, one a sheet, without the window around them. */

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
  const holder = document.createElement('div');
  holder.className = HOLDER;
  holder.setAttribute('aria-hidden', 'true');
  holder.append(...pages);
  const rules = document.createElement('style');
  rules.textContent = RULES;
  document.head.append(rules);
  document.body.append(holder);
  window.addEventListener(
    'afterprint',
    () => {
      holder.remove();
      rules.remove();
    },
    { once: true },
  );
  window.print();
}
